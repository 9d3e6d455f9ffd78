"""Who may come in: every way round the door that we know of is tried, each in a line of a table."""

import logging
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit import config
from streamlit.testing.v1 import AppTest

from kpi_core.errors import UsageError
from kpi_core.text import say
from ui import door
from ui.door import Call, ShutError, Visitor

ROOT = Path(__file__).parents[2]
PROVIDER = {
    "client_id": "kpi",
    "client_secret": "of-the-provider",
    "server_metadata_url": "https://login.example.com/.well-known/openid-configuration",
}
LOGIN: dict[str, Any] = {
    "redirect_uri": "https://kpi.example.com/oauth2callback",
    "cookie_secret": "only-for-tests-only-for-tests-only",
    "acme": PROVIDER,
}
HERE = "127.0.0.1:8501"


def call(address: str = "127.0.0.1", url: str = "", peer: str = "", **headers: str | list) -> Call:
    """Somebody who calls; without a word about it, by the address that the app listens to."""
    sent = {"host": HERE, **headers}
    listed = {name: [own] if isinstance(own, str) else own for name, own in sent.items()}
    return Call(address, listed, url, peer)


# --- where the server listens


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "127.0.0.2", "127.255.255.254", "localhost", "LOCALHOST", "::1"],
)
def test_these_addresses_are_reached_from_this_computer_alone(address: str) -> None:
    assert door.is_loopback(address)
    assert door.outsider(call(address)) is None


OPEN_ADDRESSES = [
    "",  # everywhere
    "0.0.0.0",  # noqa: S104
    "::", "*", "0", "127.0.0.1 ", "127.1", "127.0.0.01", "126.255.255.255", "128.0.0.0",
    "192.168.0.7", "fe80::1", "::ffff:127.0.0.1", "::ffff:192.168.0.7", "::1%eth0", "::2",
    "[::1]", "localhost.", "localhost.example.com", "my-computer", "unix:///run/kpi.sock",
]  # fmt: skip


@pytest.mark.parametrize("address", OPEN_ADDRESSES)
def test_at_any_other_address_nobody_is_the_owner_not_even_from_this_computer(address: str) -> None:
    assert not door.is_loopback(address)
    shut = door.outsider(call(address))
    assert shut is not None
    assert (shut.code, shut.where) == ("door_network", "server.address")


# --- by what name the page was opened


@pytest.mark.parametrize(
    "host",
    [
        "localhost", "localhost:8501", "LOCALHOST:80", "127.0.0.1", "127.0.0.1:8501",
        "127.9.9.9:1", "[::1]", "[::1]:8501", "[0:0:0:0:0:0:0:1]:8501",
    ],
)  # fmt: skip
def test_this_computer_has_these_names(host: str) -> None:
    assert door.is_this_computer(host)
    assert door.outsider(call(host=host, origin=f"http://{host}", url=f"http://{host}/x")) is None


OTHER_NAMES = [
    "", "kpi.example.com", "kpi.example.com:8501", "192.168.0.7:8501", "0.0.0.0:8501", "[::]:8501",
    "localhost.", "localhost.example.com", "127.0.0.1.example.com", "127.0.0.1.", "127.1",
    "2130706433", "0x7f000001", "0177.0.0.1", "127.0.0.01", "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]", "[::1%25eth0]", "[::1", "::1", "[localhost]", "localhost:", "localhost:x",
    "localhost:8501:8501", "localhost:123456", "localhost@example.com", "user@localhost",
    "localhost\\@example.com", "example.com#localhost", "example.com/localhost", " localhost",
    "localhost ", "localhost\n", "localhost, example.com", "localhost\0", "LOCALHO\u017fT",
    "\uff11\uff12\uff17.0.0.1", "127\u3002 0.0.1",
]  # fmt: skip


@pytest.mark.parametrize("host", OTHER_NAMES)
def test_a_page_that_was_opened_by_another_name_is_not_the_owners(host: str) -> None:
    """A name that its owner points at 127.0.0.1 (DNS rebinding) is one of them."""
    assert not door.is_this_computer(host)
    shut = door.outsider(call(host=host))
    assert shut is not None
    assert (shut.code, shut.where) == ("door_elsewhere", "Host")


@pytest.mark.parametrize("hosts", [[], [HERE, HERE], [HERE, "kpi.example.com"]])
def test_who_names_no_host_or_several_is_not_the_owner(hosts: list[str]) -> None:
    shut = door.outsider(call(host=hosts))
    assert shut is not None
    assert shut.where == "Host"


@pytest.mark.parametrize(
    "origin",
    [
        "https://kpi.example.com",  # behind a proxy that forges Host and adds nothing
        "http://127.0.0.1:8502",  # a page of another program of this computer
        "http://localhost:8501", "http://127.0.0.1", "null", "", "127.0.0.1:8501", "file://",
        "http://127.0.0.1:8501@example.com", "http://127.0.0.1:8501.example.com", "http://[",
        "http:///", "http://", "ftp://127.0.0.1:8501",
    ],
)  # fmt: skip
def test_a_page_of_another_site_does_not_work_with_the_owners_browser(origin: str) -> None:
    shut = door.outsider(call(origin=origin))
    assert shut is not None
    assert shut.where == "Origin"


def test_of_several_origins_each_is_looked_at() -> None:
    own = f"http://{HERE}"
    assert door.outsider(call(origin=[own])) is None
    assert door.outsider(call(origin=[own, "https://kpi.example.com"])) is not None


@pytest.mark.parametrize(
    "url",
    [
        "https://kpi.example.com/data", "http://192.168.0.7:8501/", "http://0.0.0.0:8501/",
        "http://localhost@example.com/", "localhost", "//example.com", "javascript:localhost",
        "http://[::1", "http:///",
    ],
)  # fmt: skip
def test_the_address_in_the_browser_counts_too(url: str) -> None:
    shut = door.outsider(call(url=url))
    assert shut is not None
    assert shut.where == "URL"


@pytest.mark.parametrize("peer", ["192.168.0.7", "::2", "8.8.8.8", "testclient"])
def test_a_connection_from_another_computer_is_not_the_owners(peer: str) -> None:
    shut = door.outsider(call(peer=peer))
    assert shut is not None
    assert shut.where == "IP"
    assert door.outsider(call(peer="127.0.0.1")) is None
    assert door.outsider(call(peer="::1")) is None


# --- through somebody


@pytest.mark.parametrize(
    "header",
    [
        "forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded",
        "x_forwarded_by", "x-original-forwarded-for", "x-real-ip", "via", "x-client-ip",
        "true-client-ip", "cf-connecting-ip", "cf-ray", "x-cluster-client-ip", "x-original-host",
        "x-original-url", "x-remote-user", "remote-user", "remote-addr", "x-envoy-internal",
        "tailscale-user-login", "x-auth-request-email", "authorization", "proxy-authorization",
        "x-proxyuser-ip", "fly-client-ip", "x-amzn-trace-id", "x-cloud-trace-context",
        "x-request-id", "cdn-loop",
    ],
)  # fmt: skip
def test_what_a_proxy_adds_gives_it_away_whatever_else_it_forges(header: str) -> None:
    shut = door.outsider(call(**{header: "127.0.0.1"}))
    assert shut is not None
    assert (shut.code, shut.where) == ("door_relayed", header)


def test_a_browser_adds_nothing_that_looks_like_a_proxy() -> None:
    sent = (
        "connection pragma cache-control user-agent upgrade sec-websocket-version accept "
        "accept-encoding accept-language sec-websocket-key sec-websocket-extensions dnt cookie "
        "sec-websocket-protocol sec-fetch-dest sec-fetch-mode sec-fetch-site sec-gpc priority te "
        "sec-ch-ua sec-ch-ua-mobile sec-ch-ua-platform referer"
    )
    assert door.outsider(call(origin=f"http://{HERE}", **dict.fromkeys(sent.split(), "x"))) is None


WORDS = st.text() | st.sampled_from([HERE, f"http://{HERE}", "localhost", "[::1]:1", "http://["])


@given(st.lists(WORDS, max_size=2), st.lists(WORDS, max_size=2), WORDS, WORDS)
def test_whatever_is_sent_only_this_computers_own_words_let_in(
    hosts: list[str], origins: list[str], url: str, peer: str
) -> None:
    sent = {"host": hosts, "origin": origins}
    if door.outsider(Call("127.0.0.1", sent, url, peer)) is None:
        (host,) = hosts
        assert door.is_this_computer(host)
        assert all(origin.lower() == f"http://{host}".lower() for origin in origins)
        assert not url or door.is_this_computer(door.site(url))
    assert door.outsider(Call("127.0.0.1", sent | {"via": ["x"]}, url, peer)) is not None
    assert door.outsider(Call("", sent, url, peer)) is not None


def test_what_a_stranger_sent_is_told_in_one_short_line() -> None:
    shut = door.outsider(call(host="a\r\nINFO all is well\x1b[2J\u2028" + "b" * 500))
    assert shut is not None
    assert len(str(shut).splitlines()) == 1
    assert "b" * 101 not in str(shut)
    assert "\x1b" not in str(shut)


# --- the settings of login


def told(login: Any, *, can_log_in: bool = True, trusted: bool = False) -> list[str]:
    found = door.faults(door.as_settings(login), can_log_in=can_log_in, trusted=trusted)
    return [wrong.code for wrong in found]


@pytest.mark.parametrize(
    "login",
    [
        LOGIN,
        LOGIN | {"google": PROVIDER},
        LOGIN | {"client_kwargs": {"prompt": "login"}},
        {**PROVIDER, **{name: LOGIN[name] for name in ("redirect_uri", "cookie_secret")}},
    ],
)
def test_settings_that_are_whole_have_no_fault(login: dict[str, Any]) -> None:
    assert told(login) == []


@pytest.mark.parametrize("section", [{}, "", "yes", None, [], 1, {"client_kwargs": {}}])
def test_a_section_that_says_nothing_lets_nobody_in(section: object) -> None:
    assert told(section)[0] == "login_missing"


@pytest.mark.parametrize("name", ["redirect_uri", "cookie_secret", "acme"])
def test_each_setting_is_wanted(name: str) -> None:
    without = {own: value for own, value in LOGIN.items() if own != name}
    assert told(without)[0] == "login_missing"
    assert told(LOGIN | {name: ""})[0] == "login_missing"


@pytest.mark.parametrize("name", PROVIDER)
def test_each_setting_of_a_provider_is_wanted(name: str) -> None:
    without = {own: value for own, value in PROVIDER.items() if own != name}
    assert "login_missing" in told(LOGIN | {"acme": without})


def test_a_secret_that_can_be_guessed_lets_nobody_in() -> None:
    assert told(LOGIN | {"cookie_secret": "x" * (door.SECRET - 1)}) == ["login_weak"]


@pytest.mark.parametrize(
    ("address", "is_safe"),
    [
        ("https://kpi.example.com/oauth2callback", True),
        ("https://kpi.example.com/team/oauth2callback", True),
        ("http://localhost:8501/oauth2callback", True),
        ("http://127.0.0.1:{port}/oauth2callback", True),
        ("http://kpi.example.com/oauth2callback", False),  # a cookie for everybody on the way
        ("http://localhost.example.com/oauth2callback", False),
        ("https://kpi.example.com/", False),
        ("https:///oauth2callback", False),
        ("/oauth2callback", False),
    ],
)
def test_a_login_comes_back_encrypted_or_does_not_leave_the_computer(
    address: str, *, is_safe: bool
) -> None:
    assert door.is_callback(address) is is_safe
    assert told(LOGIN | {"redirect_uri": address}) == ([] if is_safe else ["login_callback"])


@pytest.mark.parametrize(
    ("address", "is_any"),
    [
        ("https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration", True),
        ("https://login.microsoftonline.com/organizations/v2.0/x", True),
        ("https://login.microsoftonline.us/consumers/v2.0/x", True),
        ("https://sts.windows.net/common/x", True),
        ("https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0/x", False),
        ("https://login.example.com/common/x", False),
    ],
)
def test_a_directory_that_anybody_can_make_is_no_proof(address: str, *, is_any: bool) -> None:
    login = LOGIN | {"acme": PROVIDER | {"server_metadata_url": address}}
    assert told(login) == (["login_any_directory"] if is_any else [])


def test_login_proves_nothing_beside_headers_that_are_believed() -> None:
    assert told(LOGIN, trusted=True) == ["login_trusted"]
    assert told(LOGIN, can_log_in=False) == ["login_not_installed"]
    assert told(LOGIN | {"my_own": PROVIDER}) == ["login_underscore"]


# --- what is written about them

EXAMPLE = (ROOT / ".streamlit" / "secrets.example.toml").read_text("utf-8")
PAGE = (ROOT / "docs" / "login.md").read_text("utf-8")
SETTINGS = re.findall(r"```toml\n(.*?)```", PAGE, re.S)


def test_the_example_lets_nobody_in_until_it_is_filled_in() -> None:
    section = tomllib.loads(EXAMPLE)["auth"]
    assert told(section)
    assert told(section | {"google": section["google"] | PROVIDER} | LOGIN) == []


@pytest.mark.parametrize("settings", SETTINGS)
def test_the_settings_of_the_page_about_login_are_whole(settings: str) -> None:
    section = tomllib.loads(settings)["auth"]
    assert told(section | {"cookie_secret": LOGIN["cookie_secret"]}) == []
    any_directory = re.sub(r"com/[\d-]{36}/", "com/common/", settings)
    shut = told(tomllib.loads(any_directory)["auth"] | {"cookie_secret": LOGIN["cookie_secret"]})
    assert shut == (["login_any_directory"] if "microsoft" in settings else [])


def test_the_line_that_makes_a_secret_makes_a_long_one() -> None:
    (line,) = re.findall(r"```shell\n(.*?)\n *```", PAGE, re.S)
    python, *words = shlex.split(line)
    assert python == "python"
    made = [
        subprocess.run([sys.executable, *words], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    assert len(made[0].strip()) >= door.SECRET
    assert made[0] != made[1]


def test_the_page_about_login_names_the_settings_that_there_are() -> None:
    assert {door.OPEN, door.OWNERS} == set(re.findall(r"\bKPI_[A-Z_]+", PAGE))


# --- who has logged in


@pytest.mark.parametrize(
    "claims",
    [
        {"email": "olga@example.com"},  # not all providers say more
        {"email": "Olga@Example.COM", "email_verified": True},
        {"email": "olga@example.com", "email_verified": "true"},
    ],
)
def test_an_address_is_the_same_in_capitals(claims: dict[str, Any]) -> None:
    assert door.email_of(claims) == "olga@example.com"


@pytest.mark.parametrize("said", [False, "false", "False", "", 0, None, "no", [], "yes"])
def test_an_address_that_is_not_verified_is_nobodys(said: object) -> None:
    with pytest.raises(ShutError) as shut:
        door.email_of({"email": "olga@example.com", "email_verified": said})
    assert shut.value.code == "login_unverified"
    assert "olga" not in str(shut.value)  # it goes to the log


@pytest.mark.parametrize(
    "email",
    [
        None, "", "olga", "@example.com", "olga@", "a@b@example.com", "olga @example.com",
        "olga@example.com\n", "olga@example.com\0", ["olga@example.com"], True,
        "a" * 300 + "@example.com",
        "ol\u212aa@example.com",  # the sign of Kelvin: a k in small letters
        "\u043elga@example.com", "ma\u00dfe@example.com",
    ],
)  # fmt: skip
def test_what_is_no_plain_address_is_nobodys(email: object) -> None:
    with pytest.raises(ShutError) as shut:
        door.email_of({"email": email, "email_verified": True})
    assert shut.value.code == "login_no_email"


def test_owners_are_named_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(door.OWNERS, " Olga@example.com,boris@example.com,, ")
    assert door.owners() == {"olga@example.com", "boris@example.com"}
    monkeypatch.delenv(door.OWNERS)
    assert door.owners() == frozenset()


@pytest.mark.parametrize("setting", ["olga", "olga@example.com boris@example.com", "*", "\u212a@b"])
def test_an_owner_that_is_no_address_is_told(setting: str) -> None:
    with pytest.raises(UsageError) as wrong:
        door.owners_of(setting)
    assert door.OWNERS in wrong.value.text("ru")


# --- the pages


def app_with(secrets: dict[str, Any], user: dict[str, Any], lang: str = "en") -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.secrets = secrets
    app.user = user
    app.query_params["lang"] = lang
    return app.run()


def all_said(app: AppTest) -> str:
    parts = [*app.title, *app.error, *app.markdown, *app.caption]
    return " ".join(str(part.value).replace("\\", "") for part in parts)


def is_shut(app: AppTest) -> bool:
    """Whether nothing of the app is drawn: neither a page nor what stands around one."""
    return not app.exception and not app.selectbox and not app.metric and len(app.title) == 1


@pytest.mark.parametrize("lang", ["ru", "en"])
@pytest.mark.parametrize("user", [{}, {"is_logged_in": False}, {"email": "boss@example.com"}])
def test_a_stranger_is_asked_to_log_in_and_sees_nothing_else(
    lang: str, user: dict[str, Any]
) -> None:
    app = app_with({"auth": LOGIN | {"my-google": PROVIDER}}, user, lang)
    assert is_shut(app)
    assert app.title[0].value == say(lang, "door.login")
    assert [button.label.replace("\\", "") for button in app.button] == [
        say(lang, "door.login_with", provider="Acme"),
        say(lang, "door.login_with", provider="My-google"),
    ]


def test_a_word_for_yes_is_no_login() -> None:
    """What is believed of headers is text."""
    app = app_with({"auth": LOGIN}, {"is_logged_in": "true", "email": "boss@example.com"})
    assert app.title[0].value == say("en", "door.login")


def test_who_has_logged_in_sees_the_app_and_their_address() -> None:
    app = app_with({"auth": LOGIN}, {"is_logged_in": True, "email": "Olga@example.com"})
    assert not is_shut(app)
    assert say("en", "door.who", email="olga@example.com") in all_said(app).replace(
        "\N{WORD JOINER}", ""
    )
    assert say("en", "door.logout") in [button.label for button in app.button]


def test_who_is_named_as_an_owner_is_one_and_who_has_no_role_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KPI_WORKSPACE", str(tmp_path))
    monkeypatch.setenv(door.OWNERS, "Olga@example.com")
    olga, boris = (
        app_with({"auth": LOGIN}, {"is_logged_in": True, "email": f"{name}@example.com"})
        for name in ("olga", "boris")
    )
    assert not olga.warning
    told = " ".join(warning.value for warning in boris.warning).replace("\N{WORD JOINER}", "")
    assert say("en", "errors.workspace_no_member", person="boris@example.com") in told
    assert not is_shut(boris)


@pytest.mark.parametrize("lang", ["ru", "en"])
@pytest.mark.parametrize("claims", [{}, {"email": "olga@example.com", "email_verified": False}])
def test_who_is_not_known_after_login_is_told_and_may_go(lang: str, claims: dict[str, Any]) -> None:
    app = app_with({"auth": LOGIN}, {"is_logged_in": True, **claims}, lang)
    assert is_shut(app)
    assert app.title[0].value == say(lang, "door.shut")
    assert [button.label for button in app.button] == [say(lang, "door.logout")]


def test_settings_with_a_fault_let_nobody_in() -> None:
    weak = {"auth": LOGIN | {"cookie_secret": "x"}}
    app = app_with(weak, {"is_logged_in": True, "email": "olga@example.com"})
    assert is_shut(app)
    assert not app.button
    assert "cookie_secret" in all_said(app)


def test_an_owner_that_is_no_address_lets_nobody_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(door.OWNERS, "olga")
    app = app_with({"auth": LOGIN}, {"is_logged_in": True, "email": "olga@example.com"})
    assert is_shut(app)


def test_secrets_about_something_else_ask_for_no_login() -> None:
    app = app_with({"other": {"a": 1}}, {})
    assert not is_shut(app)
    assert not any(button.label == say("en", "door.logout") for button in app.button)


@contextmanager
def secrets_at(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Secrets lie in this place and nowhere else."""
    usual = config.get_option
    monkeypatch.setattr(
        config, "get_option", lambda key: [str(path)] if key == "secrets.files" else usual(key)
    )
    yield


@pytest.mark.parametrize("content", [b"[auth", b"\xff\xfe", b"auth = 1\nauth = 2\n"])
def test_secrets_that_cannot_be_read_open_nothing(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "secrets.toml"
    path.write_bytes(content)
    with secrets_at(path, monkeypatch):
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    assert is_shut(app)
    assert not app.button


def test_a_refusal_is_a_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    door._LOG.addHandler(caplog.handler)
    try:
        with caplog.at_level(logging.WARNING):
            app_with({"auth": {}}, {})
    finally:
        door._LOG.removeHandler(caplog.handler)
    lines = [record.getMessage() for record in caplog.records if "refused" in record.getMessage()]
    assert len(set(lines)) == 1
    assert len(lines[0].splitlines()) == 1


def test_without_login_nothing_is_said_of_a_visitor_and_tests_are_the_owner() -> None:
    def script() -> None:
        from ui import door

        door.leave("en", door.enter("en"))

    app = AppTest.from_function(script).run()
    assert not app.exception
    assert not app.caption
    assert not app.button


def test_a_guest_is_told_that_nothing_is_kept() -> None:
    def script() -> None:
        from ui import door

        door.leave("ru", door.Visitor(local=False, email=""))

    app = AppTest.from_function(script).run()
    assert [caption.value for caption in app.caption] == [say("ru", "door.guest")]
    assert Visitor(local=False, email="") != Visitor(local=True, email="")
