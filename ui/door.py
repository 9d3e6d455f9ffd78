"""The door: who may come in, decided in every full run before anything of the app is drawn.

Where the secrets have a section ``[auth]``, everybody logs in (OpenID Connect, by Streamlit's own
``st.login``). Without it the app is for the computer it runs on, and whoever calls from elsewhere
is refused, unless ``KPI_OPEN_WITHOUT_LOGIN=1`` lets everybody in as a guest of whom nothing is
kept. ``docs/login.md`` tells how, ``docs/security.md`` what stands against whom.

Anybody can write anything into a request, so its words are never proof that somebody *is* here:
they are signs that somebody is *not*, and one sign is enough.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit import config
from streamlit.logger import get_logger

from kpi_core.errors import KpiError, UsageError
from kpi_core.text import say
from ui import cards

OPEN = "KPI_OPEN_WITHOUT_LOGIN"
OWNERS = "KPI_OWNERS"
SECRET = 32  # characters of `cookie_secret`, at least: whoever guesses it is anybody
CALLBACK = "/oauth2callback"
FILE = "secrets.toml"
DEFAULT = "default"  # the provider that is given no name
NOT_KNOWN = {"login_no_email", "login_unverified"}  # of those who could log in as somebody else

_LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
_PLACE = re.compile(r"(?:\[([0-9a-f:]+)\]|([a-z0-9.]+))(?::[0-9]{1,5})?", re.ASCII | re.IGNORECASE)
_URL = re.compile(r"(https?)://([^/?#]+)", re.IGNORECASE)
_PATH = re.compile(r"https?://[^/]+/(?:.*/)?([^/]+)", re.IGNORECASE)
# How a proxy, a tunnel or a login in front of the app calls what it adds; no browser does.
_RELAYS = re.compile(
    r"^via$|forwarded|(real|client|connecting|remote|peer|cluster)-(ip|addr|user|host)|original-"
    r"|^authorization$|^x-(auth|envoy|proxy|request-id|amzn|cloud)|^(cf|cdn|proxy|remote|tailscale)-"
)
# Letters of other alphabets are left out: some of them are a Latin one in small letters, and so
# one person's address would be another's.
_EMAIL = re.compile(r"[!-?A-~]+@[!-?A-~]+")
_LONGEST = 200  # characters of an address
# Of Microsoft: there anybody makes a directory of their own and writes any address into it.
_ANY_DIRECTORY = re.compile(
    r"https://[^/]*(?:microsoftonline|windows)\.[^/]*/(?:common|organizations|consumers)(?:/|$)"
)
_NO_PROVIDER = "client_kwargs"  # the one table of [auth] that is none
_WANTED = ("client_id", "client_secret", "server_metadata_url")

_LOG = get_logger("kpi_pay.door")


class ShutError(KpiError):
    """Somebody may not come in, or login is not set up as it must be."""


@dataclass(frozen=True)
class Visitor:
    """Who is there: the owner of this computer, somebody who logged in, or a guest.

    Attributes:
        local: whether it is the owner.
        email: of who logged in, in small letters; of others nothing.
    """

    local: bool
    email: str


@dataclass(frozen=True)
class Call:
    """What is known of somebody who has not logged in.

    Attributes:
        address: where the server listens, ``server.address``; empty: everywhere.
        headers: of the request that opened the connection, name in small letters to its values.
        url: of the page as the browser tells it; empty: not told.
        peer: the other end of the connection; empty: this computer.
    """

    address: str
    headers: Mapping[str, Sequence[str]]
    url: str = ""
    peer: str = ""


def enter(lang: str) -> Visitor:
    """Who is there; where nobody may go on, a page that says so, and the run ends.

    The first thing of a run after the choice of language.
    """
    try:
        login = _login()
        visitor = _unknown() if login is None else _known(login)
    except KpiError as shut:
        _refuse(lang, shut)
        st.stop()
    if visitor is None:
        _ask(lang, providers(login or {}))
        st.stop()
    return visitor


def leave(lang: str, visitor: Visitor) -> None:
    """Who is logged in, and a way out, for the sidebar; nothing for the owner of the computer."""
    if visitor.local:
        return
    with st.sidebar:
        if visitor.email:
            st.caption(cards.plain(say(lang, "door.who", email=visitor.email)))
            _way_out(lang)
        else:
            st.caption(say(lang, "door.guest"))


def owners() -> frozenset[str]:
    """The e-mail addresses of those who own the workspace from the start, in small letters.

    Raises:
        UsageError: ``KPI_OWNERS`` names something that is none.
    """
    return owners_of(os.environ.get(OWNERS, ""))


# --- without login


def _unknown() -> Visitor:
    """Who is there without login: the owner of the computer or, where all are let in, a guest.

    Raises:
        ShutError: somebody else.
    """
    sent = st.context.headers
    headers = {name.lower(): sent.get_all(name) for name in sent}
    address = str(config.get_option("server.address") or "")
    if not headers and config.get_option("global.appTest"):
        return Visitor(local=True, email="")  # tests are the owner's
    if not headers and is_loopback(address):
        # The check of the server's health, or a connection that is gone: nobody sees this run.
        return Visitor(local=False, email="")
    shut = outsider(
        Call(address, headers, url=st.context.url or "", peer=st.context.ip_address or "")
    )
    if shut is None:
        return Visitor(local=True, email="")
    if os.environ.get(OPEN) == "1":
        return Visitor(local=False, email="")
    raise shut


def outsider(call: Call) -> ShutError | None:
    """Why somebody is not taken for the owner of this computer, or nothing if they are."""
    if not is_loopback(call.address):
        return ShutError("door_network", where="server.address", address=shown(call.address) or "*")
    for name in call.headers:
        if _RELAYS.search(name.replace("_", "-")):
            return ShutError("door_relayed", where=shown(name))
    hosts = call.headers.get("host", ())
    # A browser says both, and a page of this server has one for both; other programs need not.
    origins = call.headers.get("origin", ())
    named = [("Host", hosts[0] if len(hosts) == 1 else ", ".join(hosts))]
    named += [("Origin", site(origin)) for origin in origins]
    named += [("URL", site(call.url))] if call.url else []
    named += [("IP", f"[{call.peer}]" if ":" in call.peer else call.peer)] if call.peer else []
    for where, place in named:
        is_other_site = where == "Origin" and [place] != list(hosts)
        if is_other_site or not is_this_computer(place):
            return ShutError("door_elsewhere", where=where, name=shown(place) or "?")
    return None


def is_loopback(name: str) -> bool:
    """Whether an address is reached from this computer alone; other names may mean any.

    >>> is_loopback("127.0.0.1"), is_loopback("0.0.0.0"), is_loopback("")
    (True, False, False)
    """
    if name.lower() == "localhost":
        return True
    if "%" in name:  # of one network card
        return False
    try:
        found = ip_address(name)
    except ValueError:
        return False
    return any(found in network for network in _LOOPBACK)


def is_this_computer(place: str) -> bool:
    """Whether a host, with or without its port, is this computer's own.

    >>> is_this_computer("localhost:8501"), is_this_computer("localhost.example.com")
    (True, False)
    """
    told = _PLACE.fullmatch(place)
    return told is not None and is_loopback(told[1] or told[2])


def site(url: str) -> str:
    """The host of an address, with its port; nothing of what is no address of a page.

    >>> site("http://localhost:8501/data"), site("null")
    ('localhost:8501', '')
    """
    told = _URL.match(url)
    return told[2] if told else ""


def shown(text: str) -> str:
    """What somebody sent, as one short line."""
    return "".join(sign for sign in text[:100] if sign.isprintable())


# --- with login


def _login() -> Mapping[str, Any] | None:
    """The settings of login; nothing where there are none.

    Raises:
        ShutError: there is a file of secrets, but what it says is not known.
    """
    try:
        is_read = st.secrets.load_if_toml_exists()
    except (OSError, ValueError):  # not ours to open, or no text
        is_read = False
    if is_read:
        return as_settings(st.secrets["auth"]) if "auth" in st.secrets else None
    files = [Path(name) for name in config.get_option("secrets.files")]
    if any(os.path.lexists(file) for file in files):
        raise ShutError("login_unread", where=FILE)
    return None


def as_settings(section: object) -> dict[str, Any]:
    """A section of the secrets as plain values; what is no section says nothing."""
    if not isinstance(section, Mapping):
        return {}
    return {
        name: as_settings(value) if isinstance(value, Mapping) else value
        for name, value in section.items()
    }


def _known(login: Mapping[str, Any]) -> Visitor | None:
    """Who has logged in, if anybody.

    Raises:
        KpiError: login is not set up as it must be, or says too little of who it is.
    """
    for wrong in faults(login, can_log_in=_can_log_in(), trusted=_trusted_headers()):
        raise wrong
    owners()  # a setting that is none is told before anybody is let in by it
    if st.user.get("is_logged_in") is not True:
        return None
    return Visitor(local=False, email=email_of(st.user.to_dict()))


def providers(login: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Name to settings of those who say who somebody is; the one without a name is `default`."""
    own = {DEFAULT: login} if "client_id" in login else {}
    named = {
        name: value
        for name, value in login.items()
        if isinstance(value, Mapping) and name != _NO_PROVIDER
    }
    return own | named


def faults(login: Mapping[str, Any], *, can_log_in: bool, trusted: bool) -> Iterator[ShutError]:
    """What is wrong with the settings of login; while anything is, nobody may come in.

    Args:
        login: the section ``[auth]`` of the secrets.
        can_log_in: whether the packages for it are installed.
        trusted: whether the server believes headers that say who somebody is.
    """
    if not can_log_in:
        yield ShutError("login_not_installed", where="Authlib")
    if trusted:
        yield ShutError("login_trusted", where="server.trustedUserHeaders")
    found = providers(login)
    missing = [name for name in ("redirect_uri", "cookie_secret") if not login.get(name)]
    missing += [] if found else ["client_id"]
    for name in missing:
        yield ShutError("login_missing", where=f"{FILE} [auth]", name=name)
    if len(str(login.get("cookie_secret", ""))) < SECRET:
        yield ShutError("login_weak", where=f"{FILE} [auth] cookie_secret", least=SECRET)
    if not is_callback(str(login.get("redirect_uri", ""))):
        yield ShutError("login_callback", where=f"{FILE} [auth] redirect_uri")
    for name, settings in found.items():
        where = f"{FILE} [auth]" if settings is login else f"{FILE} [auth.{name}]"
        for wanted in _WANTED:
            if not settings.get(wanted):
                yield ShutError("login_missing", where=where, name=wanted)
        if "_" in name:
            yield ShutError("login_underscore", where=where)
        if _ANY_DIRECTORY.match(str(settings.get("server_metadata_url", ""))):
            yield ShutError("login_any_directory", where=where)


def is_callback(address: str) -> bool:
    """Whether a login may come back to this address: encrypted, or without leaving the computer.

    >>> is_callback("http://localhost:{port}/oauth2callback")
    True
    """
    told = _URL.match(address.replace("{port}", "0"))  # Streamlit puts the port in
    if told is None or not address.endswith(CALLBACK):
        return False
    return told[1].lower() == "https" or is_this_computer(told[2])


def email_of(claims: Mapping[str, Any]) -> str:
    """The address of who logged in, in small letters.

    Raises:
        ShutError: the provider tells none, or says that it is not known to be theirs.
    """
    email = claims.get("email")
    if not isinstance(email, str) or not is_email(email):
        raise ShutError("login_no_email", where="OpenID Connect")
    # Some say it as a word.
    if claims.get("email_verified", True) not in (True, "true"):
        raise ShutError("login_unverified", where="OpenID Connect")
    return email.lower()


def is_email(text: str) -> bool:
    """Whether this is an address as providers tell them: of Latin letters, with one @."""
    return len(text) <= _LONGEST and bool(_EMAIL.fullmatch(text))


def owners_of(setting: str) -> frozenset[str]:
    """The addresses that a setting names, with commas between them.

    >>> sorted(owners_of("Olga@example.com, boris@example.com"))
    ['boris@example.com', 'olga@example.com']
    """
    named = [part.strip() for part in setting.split(",") if part.strip()]
    for name in named:
        if not is_email(name):
            raise UsageError("owner_no_email", where=OWNERS, value=shown(name))
    return frozenset(name.lower() for name in named)


@cache
def _can_log_in() -> bool:
    return bool(find_spec("authlib") and (find_spec("httpx") or find_spec("httpx2")))


def _trusted_headers() -> bool:
    return bool(config.get_option("server.trustedUserHeaders"))


# --- pages


def _begin(title: str) -> None:
    """A page of the door, at whatever address: of one in no menu Streamlit says it is not there."""
    asked = _PATH.fullmatch(st.context.url or "")
    pages = [st.Page(_nothing, title=title, default=True)]
    pages += [st.Page(_nothing, title=title, url_path=asked[1])] if asked else []
    st.navigation(pages, position="hidden")
    st.title(title)


def _nothing() -> None:
    """What such a page shows beside what the door draws."""


def _refuse(lang: str, shut: KpiError) -> None:
    _LOG.warning("A visitor was refused. %s", shut)
    _begin(say(lang, "door.shut"))
    st.error(cards.plain(shut.text(lang)), icon=":material/lock:")
    if shut.code in NOT_KNOWN:
        _way_out(lang)


def _ask(lang: str, names: Mapping[str, object]) -> None:
    _begin(say(lang, "door.login"))
    st.markdown(say(lang, "door.login_about"))
    for name in names:
        with_whom = cards.plain(say(lang, "door.login_with", provider=name.capitalize()))
        st.button(
            say(lang, "door.login_button") if name == DEFAULT else with_whom,
            key=f"login.{name}",
            on_click=st.login,
            args=(name,),
            icon=":material/login:",
        )


def _way_out(lang: str) -> None:
    st.button(say(lang, "door.logout"), key="logout", on_click=st.logout, icon=":material/logout:")
