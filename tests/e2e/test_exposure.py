"""What a running server draws for whoever calls: handshakes as browsers, proxies and others send.

No browser: it would not send what is forged here.
"""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

from kpi_core.text import say
from tests.browser import serve, warm

pytestmark = pytest.mark.slow

PATIENCE = 60  # seconds for a run
ALL = "0.0.0.0"  # noqa: S104
ELSEWHERE = "kpi.example.com:8501"


def drawn(url: str, host: str = "", shown_as: str = "", **headers: str) -> list[str]:
    """The titles of what is drawn for somebody; without a word, for a program of this computer.

    Args:
        url: of the server.
        host: the name by which they call it.
        shown_as: the address that their browser shows.
        headers: whatever else they send.
    """
    place = urlsplit(url)
    ask = BackMsg()
    ask.rerun_script.query_string = "lang=en"
    if shown_as:
        ask.rerun_script.context_info.url = shown_as
    titles = []
    with (
        socket.create_connection((place.hostname, place.port), timeout=PATIENCE) as line,
        connect(
            f"ws://{host or place.netloc}/_stcore/stream",
            sock=line,
            subprotocols=["streamlit"],
            additional_headers={name.replace("_", "-"): value for name, value in headers.items()},
            max_size=None,
        ) as stream,
    ):
        stream.send(ask.SerializeToString())
        while True:
            told = ForwardMsg.FromString(stream.recv(timeout=PATIENCE))
            if told.WhichOneof("type") == "script_finished":
                return titles
            element = told.delta.new_element
            if element.WhichOneof("type") == "heading" and element.heading.tag == "h1":
                titles.append(element.heading.body)


SHUT = [say("en", "door.shut")]
APP = [say("en", "pages.scorecard_question")]


@pytest.fixture(scope="module")
def here() -> Iterator[str]:
    """A server as it is started without a word."""
    with serve() as url:
        warm(url)
        yield url


def test_a_program_of_this_computer_sees_the_app(here: str) -> None:
    assert drawn(here) == APP
    assert drawn(here, host=f"localhost:{urlsplit(here).port}") == APP
    assert drawn(here, shown_as=f"{here}/data", Origin=here) == APP


FORGED: list[dict[str, Any]] = [
    {"host": ELSEWHERE},  # a name that its owner points at 127.0.0.1
    {"host": ELSEWHERE, "Origin": f"http://{ELSEWHERE}"},  # the same in a browser
    {"host": f"{ALL}:8501"},
    {"X-Forwarded-For": "127.0.0.1"},
    {"x_forwarded_for": "127.0.0.1"},
    {"Forwarded": "for=127.0.0.1;host=localhost"},
    {"X-Forwarded-Host": "localhost"},
    {"X-Real-IP": "127.0.0.1"},
    {"Via": "1.1 localhost"},
    {"Origin": "http://localhost:1"},  # a page of another program: Streamlit takes it for its own
    {"shown_as": f"https://{ELSEWHERE}/"},
]


@pytest.mark.parametrize("forged", FORGED, ids=str)
def test_whoever_calls_by_another_name_or_through_somebody_is_refused(
    here: str, forged: dict[str, Any]
) -> None:
    assert drawn(here, **forged) == SHUT


def test_a_server_that_listens_to_the_network_lets_nobody_in(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with serve("--server.address", ALL, log=log) as url:
        assert drawn(url) == SHUT
        assert drawn(url, Origin=url, shown_as=url) == SHUT
        warm(url)
    lines = [line for line in log.read_text("utf-8").splitlines() if "refused" in line]
    assert len(lines) == 3
    assert all("KPI_OPEN_WITHOUT_LOGIN" in line for line in lines)


def test_the_network_is_let_in_where_the_administrator_says_so() -> None:
    with serve("--server.address", ALL, environment={"KPI_OPEN_WITHOUT_LOGIN": "1"}) as url:
        assert drawn(url) == APP
        assert drawn(url, host=ELSEWHERE, Via="1.1 proxy") == APP


def test_secrets_may_say_so_where_a_host_has_no_environment(tmp_path: Path) -> None:
    secrets = tmp_path / "secrets.toml"
    secrets.write_text('KPI_OPEN_WITHOUT_LOGIN = "1"\n', "utf-8")
    with serve("--server.address", ALL, "--secrets.files", str(secrets)) as url:
        assert drawn(url, host=ELSEWHERE) == APP


@pytest.mark.parametrize("word", ["0", "true", "", "yes"])
def test_any_other_word_opens_nothing(word: str) -> None:
    with serve("--server.address", ALL, environment={"KPI_OPEN_WITHOUT_LOGIN": word}) as url:
        assert drawn(url) == SHUT


def test_headers_that_are_believed_make_nobody_the_owner_or_known(tmp_path: Path) -> None:
    """Who somebody is comes from a login alone, whatever the server takes from headers."""
    secrets = tmp_path / "secrets.toml"
    secrets.write_text("[auth]\n", "utf-8")
    believed = '{"X-In": "is_logged_in", "X-Mail": "email"}'
    sent = {"X-In": "true", "X-Mail": "boss@example.com"}
    with serve("--server.trustedUserHeaders", believed) as url:
        assert drawn(url, host=ELSEWHERE, **sent) == SHUT
    with serve("--secrets.files", str(secrets), "--server.trustedUserHeaders", believed) as url:
        assert drawn(url, **sent) == SHUT
