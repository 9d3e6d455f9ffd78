"""Login with a real provider of OpenID Connect, run here: who gets in, as whom, how they leave."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value

from kpi_core.text import say
from tests.browser import HOST, START_SECONDS, free_port, serve, settled

pytestmark = pytest.mark.slow

SECRET = "only-for-tests-only-for-tests-only"  # noqa: S105
CLAIMS = {
    "olga": {"email": "Olga@example.com", "email_verified": True},
    "boris": {"email": "boris@example.com"},  # not every provider says more
    "zoya": {"email": "olga@example.com", "email_verified": False},  # anybody can write that
    "nobody": {},
}
QUESTION = say("en", "pages.scorecard_question")
LOGIN = say("en", "door.login")
SHUT = say("en", "door.shut")


@contextmanager
def provider() -> Iterator[str]:
    """The address of somebody who keeps accounts and asks for no password."""
    port = free_port()
    people = [json.dumps({"sub": name, **told}) for name, told in CLAIMS.items()]
    accounts = [word for told in people for word in ("--user-claims", told)]
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port), *accounts]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, **quiet) as server:
        try:
            until = time.monotonic() + START_SECONDS
            while time.monotonic() < until and server.poll() is None:
                with socket.socket() as line:
                    if not line.connect_ex((HOST, port)):
                        break
                time.sleep(0.05)
            yield f"http://{HOST}:{port}"
        finally:
            server.terminate()


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an app where everybody logs in."""
    secrets: Path = tmp_path_factory.mktemp("login") / "secrets.toml"
    with provider() as accounts:
        secrets.write_text(
            f"""
            [auth]
            redirect_uri = "http://{HOST}:{{port}}/oauth2callback"
            cookie_secret = "{SECRET}"

            [auth.acme]
            client_id = "kpi"
            client_secret = "any"
            server_metadata_url = "{accounts}/.well-known/openid-configuration"
            """,
            "utf-8",
        )
        with serve("--secrets.files", str(secrets), environment={"NO_PROXY": HOST}) as url:
            yield url


@pytest.fixture
def person(browser: Any, app: str) -> Iterator[Callable[[], Any]]:
    """Each call is another person at a browser of their own, before the app."""
    contexts = []

    def comes() -> Any:
        contexts.append(browser.new_context(locale="en-US"))
        page = contexts[-1].new_page()
        opened(page, app)
        return page

    yield comes
    for context in contexts:
        context.close()


def opened(page: Any, url: str) -> None:
    page.goto(url)
    page.get_by_role("heading", level=1).first.wait_for()
    settled(page)


def heading(page: Any) -> str:
    return str(page.get_by_role("heading", level=1).inner_text())


def asks(page: Any) -> None:
    """To the page of the provider."""
    page.get_by_role("button", name=say("en", "door.login_with", provider="Acme")).click()
    page.get_by_role("heading", name="Authorize Client").wait_for()


def logs_in(page: Any, name: str, to: str = QUESTION) -> Any:
    asks(page)
    page.get_by_role("button", name=name, exact=True).click()
    page.get_by_role("heading", level=1, name=to).wait_for()
    return settled(page)


def logs_out(page: Any) -> None:
    page.get_by_role("button", name=say("en", "door.logout")).click()
    page.locator("form").get_by_role("button").first.click()  # the provider asks, too
    page.get_by_role("heading", level=1, name=LOGIN).wait_for()


def is_named(page: Any, email: str) -> bool:
    said = page.get_by_test_id("stSidebar").inner_text().replace("\N{WORD JOINER}", "")
    return say("en", "door.who", email=email) in said


@pytest.mark.parametrize("place", ["", "/bonus", "/data?lang=en", "/nothing"])
def test_a_stranger_sees_the_login_page_and_nothing_else(
    person: Callable[[], Any], app: str, place: str
) -> None:
    page = person()
    opened(page, app + place)
    assert heading(page) == LOGIN
    assert page.get_by_role("dialog").count() == 0
    assert page.get_by_test_id("stTopNavLink").count() == 0
    for part in ("stSelectbox", "stMetric", "stFileUploader", "stException", "stAlert"):
        assert page.get_by_test_id(part).count() == 0
    names = [button.inner_text() for button in page.get_by_test_id("stButton").all()]
    assert len(names) == 1
    assert "Acme" in names[0]


def test_who_logs_in_sees_the_app_and_their_address_until_they_leave(
    person: Callable[[], Any], app: str
) -> None:
    page = logs_in(person(), "olga")
    assert is_named(page, "olga@example.com")
    other_tab = page.context.new_page()
    opened(other_tab, f"{app}/bonus")
    assert is_named(other_tab, "olga@example.com")
    logs_out(page)
    opened(page, app)
    assert heading(page) == LOGIN
    assert not [own for own in page.context.cookies() if own["name"].startswith("_streamlit_user")]


def test_two_people_are_two(person: Callable[[], Any], app: str) -> None:
    olga, boris = logs_in(person(), "olga"), logs_in(person(), "boris")
    for page, own, other in (
        (olga, "olga@example.com", "boris@example.com"),
        (boris, "boris@example.com", "olga@example.com"),
    ):
        opened(page, app)
        assert is_named(page, own)
        assert not is_named(page, other)
    logs_out(olga)
    opened(boris, app)
    assert is_named(boris, "boris@example.com")


@pytest.mark.parametrize("name", ["zoya", "nobody"])
def test_whose_address_is_not_verified_or_told_is_refused_and_may_leave(
    person: Callable[[], Any], name: str
) -> None:
    page = logs_in(person(), name, to=SHUT)
    assert page.get_by_test_id("stMetric").count() == 0
    assert not is_named(page, "olga@example.com")
    logs_out(page)


def test_who_does_not_agree_at_the_provider_is_where_they_were(person: Callable[[], Any]) -> None:
    page = person()
    asks(page)
    page.get_by_role("button", name="Deny").click()
    page.get_by_role("heading", level=1, name=LOGIN).wait_for()


@pytest.mark.parametrize(
    ("secret", "origin", "told"),
    [
        (SECRET, "", QUESTION),  # so that the others are refused for what they say they are
        ("another-secret-of-tests-another-secret", "", LOGIN),
        ("", "", LOGIN),
        (SECRET, "https://kpi.example.com", LOGIN),
    ],
)
def test_a_cookie_that_this_server_did_not_sign_is_nobodys(
    person: Callable[[], Any], app: str, secret: str, origin: str, told: str
) -> None:
    claims = {"email": "olga@example.com", "is_logged_in": True, "origin": origin or app}
    cookie = create_signed_value(secret, "_streamlit_user", json.dumps(claims)).decode()
    page = person()
    page.context.add_cookies([{"name": "_streamlit_user", "value": cookie, "url": app}])
    opened(page, app)
    assert heading(page) == told
