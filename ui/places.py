"""Other places than files for upload: a folder of this computer, PostgreSQL, Spark.

What is typed here goes to the reader of the place and nowhere else: no session, plan or link holds
an address, and the boxes are emptied once it was used.
"""

from urllib.parse import quote, urlsplit

import streamlit as st

from kpi_core.errors import IngestError
from kpi_core.ingest import Upload
from kpi_core.ingest.database import read_table
from kpi_core.ingest.places import read_parts
from kpi_core.ingest.spark import is_table, read_spark
from ui import files, session
from ui.state import State

_ALONE = frozenset({"127.0.0.1", "localhost", "::1"})


def serves_this_computer_alone() -> bool:
    """Whether nobody but the owner of this computer can reach the app."""
    return st.get_option("server.address") in _ALONE


def other_places(state: State) -> None:
    """A tab for each kind of place; files of this computer are for its owner alone."""
    kinds = {"database": _database, "spark": _spark}
    if serves_this_computer_alone():
        kinds = {"folder": _folder, **kinds}
    with st.expander(state.say("places"), icon=":material/lan:"):
        st.caption(state.say("places_help"))
        tabs = st.tabs([state.say(f"place_{kind}") for kind in kinds])
        for tab, show in zip(tabs, kinds.values(), strict=True):
            with tab:
                show(state)


def _folder(state: State) -> None:
    pattern = _box(state, "folder_pattern", "C:\\exports\\2026-*.csv")
    if _pressed(state, "folder", pattern):
        _take(state, pattern, lambda: read_parts(pattern, files.taught()))


def _database(state: State) -> None:
    address = _box(state, "database_address", "postgresql://anna@server/shop", secret=True)
    table = _box(state, "database_table", "public.sales")
    if _pressed(state, "database", address, table):
        _take(state, table, lambda: _read_table(address, table))


def _spark(state: State) -> None:
    address = _box(state, "spark_address", "sc://server:15002", secret=True)
    table = _box(state, "spark_table", "shop.sales")
    if _pressed(state, "spark", address, table):
        _take(state, table, lambda: _read_spark(address, table))


def _box(state: State, name: str, example: str, *, secret: bool = False) -> str:
    return st.text_input(
        state.say(f"place_{name}"),
        key=session.upload_key(f"place.{name}"),
        placeholder=example,
        type="password" if secret else "default",
        autocomplete="off",
    ).strip()


def _pressed(state: State, kind: str, *typed: str) -> bool:
    pressed = st.button(
        state.say("place_read"), key=session.upload_key(f"place.{kind}"), icon=":material/add:"
    )
    return pressed and all(typed)


def _take(state: State, name: str, read: files.Reader) -> None:
    with st.spinner(state.say("place_reading")):
        files.add_place(name, read)
    st.rerun()


def _read_table(address: str, table: str) -> Upload:
    """Who is not the owner of this computer must not use the passwords that lie on it."""
    if not serves_this_computer_alone() and not urlsplit(address).password:
        raise IngestError("place_refused", where=table)
    asked = f"{address}{'&' if '?' in address else '?'}table={quote(table)}"
    return read_table(asked, files.taught())


def _read_spark(address: str, table: str) -> Upload:
    if not serves_this_computer_alone() and not is_table(table):
        raise IngestError("place_not_here", where=table)
    return read_spark(address, table, files.taught())
