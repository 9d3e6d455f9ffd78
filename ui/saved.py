"""The Saved page: plans and scenarios with their versions, files, sign-offs, people, the log."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

import pandas as pd
import streamlit as st

from kpi_core import catalogue
from kpi_core.errors import Finding, WorkspaceError
from kpi_core.model import parse_period
from kpi_core.plan import Plan
from kpi_core.scenario import Scenarios
from kpi_core.text import days, number, say
from kpi_core.workspace import Role, Saved, Version, Workspace
from kpi_core.workspace.documents import Documents
from ui import cards, session, signing
from ui.state import State

T = TypeVar("T", Plan, Scenarios)
ARCHIVE = "kpi-pay.zip"


@dataclass(frozen=True)
class Shelf(Generic[T]):
    """Documents of one kind, and what the session does with one that is opened."""

    kind: str
    kept: Documents[T]
    take: Callable[[Version[T]], None]


def answer(lang: str, found: Workspace) -> str:
    """How much is kept, and what was saved last."""
    all_plans, sets = found.plans.list(), found.scenarios.list()
    counted = say(
        lang,
        "saved.answer",
        plans=len(all_plans),
        scenarios=len(sets),
        files=len(found.uploads.list()),
        signed=len(found.snapshots.list()),
    )
    if not (*all_plans, *sets):
        return counted
    last = max((*all_plans, *sets), key=lambda own: own.saved_at)
    return f"{counted} {say(lang, 'saved.last', told=_told(last, lang))}"


def _told(own: Saved, lang: str) -> str:
    """A version in one line."""
    said = say(
        lang,
        "saved.version",
        name=own.name,
        number=own.number,
        at=cards.local_moment(own.saved_at, lang),
        author=own.author,
    )
    origin = say(lang, "saved.origin", number=own.origin) if own.origin else ""
    return " · ".join(filter(None, [said, origin, own.note]))


# --- plans and scenarios


def plans(state: State, found: Workspace) -> None:
    """The plan of the session, to be saved; those that were."""
    shelf = Shelf("plan", found.plans, _take_plan)
    _save(state.lang, shelf, session.plan())
    _documents(state.lang, shelf)


def scenarios(state: State, found: Workspace) -> None:
    """The scenarios of the session, to be saved; those that were."""
    own = session.scenarios()
    shelf = Shelf("scenarios", found.scenarios, partial(_take_scenarios, found.scenarios))
    if own.scenarios:
        _save(state.lang, shelf, own)
    else:
        st.caption(say(state.lang, "saved.no_scenarios"))
    _documents(state.lang, shelf)


def _take_plan(version: Version[Plan]) -> None:
    if version.without_pay.business in catalogue.roles():
        session.take_plan(version.content)
        return
    session.take_plan(version.without_pay)
    session.hide_pay(version.pay_hidden)


def _take_scenarios(kept: Documents[Scenarios], version: Version[Scenarios]) -> None:
    own = session.scenarios()
    if own.scenarios and all(kept.load(saved.name).content != own for saved in kept.list()):
        raise WorkspaceError("workspace_scenarios_unsaved")
    session.put_scenarios(version.content)


def _save(lang: str, shelf: Shelf[T], content: T) -> None:
    """A name and a note. Under a name that is taken it becomes the version after the one shown."""
    name_key, note_key = f"saved.{shelf.kind}.name", f"saved.{shelf.kind}.note"
    with st.container(border=True):
        place, beside = st.columns(2)
        with place:
            name = st.text_input(
                say(lang, "saved.name"),
                max_chars=100,
                **session.remembered(name_key, session.kept(name_key, session.plan().name)),
            ).strip()
        with beside:
            note = st.text_input(
                say(lang, "saved.note"),
                max_chars=200,
                **session.remembered(note_key, session.kept(note_key, "")),
            )
        latest = next((own for own in shelf.kept.list() if own.name == name), None)
        if latest:
            st.caption(cards.plain(say(lang, "saved.taken", told=_told(latest, lang))))
        after = latest.number if latest else 0
        st.button(
            say(lang, "saved.save_again", number=after + 1) if latest else say(lang, "saved.save"),
            key=f"saved.{shelf.kind}.save",
            icon=":material/save:",
            disabled=not name or session.pay_hidden(),
            on_click=session.guarded(shelf.kept.save, name, content, after, note),
        )


def _documents(lang: str, shelf: Shelf[T]) -> None:
    """Each with its versions, the latest first."""
    for latest in shelf.kept.list():
        fold = st.expander(
            cards.plain(_told(latest, lang)),
            key=f"saved.{shelf.kind}.{latest.name}",
            on_change="rerun",
            icon=":material/history:",
        )
        if fold.open:
            with fold:
                for own in reversed(shelf.kept.versions(latest.name)):
                    _version(lang, shelf, own, latest.number)


def _version(lang: str, shelf: Shelf[T], own: Saved, latest: int) -> None:
    """One version: what it changed, and the ways back to it."""
    key = f"saved.{shelf.kind}.{own.name}.{own.number}"
    with st.container(border=True):
        st.markdown(f"**{cards.plain(_told(own, lang))}**")
        if own.number > 1:
            changes = shelf.kept.differences(own.name, own.number - 1, own.number, lang)
            told = changes or (say(lang, "workspace.same"),)
            st.markdown("\n".join(f"- {cards.plain(change)}" for change in told))
        with st.container(horizontal=True):
            st.button(
                say(lang, "saved.open"),
                key=f"{key}.open",
                icon=":material/folder_open:",
                on_click=session.guarded(lambda: shelf.take(shelf.kept.load(own.name, own.number))),
            )
            if own.number != latest:
                st.button(
                    say(lang, "saved.restore"),
                    key=f"{key}.restore",
                    help=say(lang, "saved.restore_help"),
                    icon=":material/settings_backup_restore:",
                    on_click=session.guarded(shelf.kept.restore, own.name, own.number, latest),
                )


# --- files and sign-offs


def files(state: State, found: Workspace) -> None:
    """Every file that was kept: load it again, or take it away for good."""
    lang, loaded = state.lang, session.uploads()
    st.caption(say(lang, "saved.files_about"))
    for own in reversed(found.uploads.list()):
        with st.container(border=True):
            at = cards.local_moment(own.kept_at, lang)
            size = say(lang, "saved.file_size", rows=number(own.rows, lang), n=own.rows)
            told = " · ".join([size, ", ".join(own.sources), own.person, at])
            st.markdown(f"**{cards.plain(own.name)}**")
            st.caption(cards.plain(told))
            with st.container(horizontal=True):
                st.button(
                    say(lang, "saved.load"),
                    key=f"saved.load.{own.digest}",
                    disabled=own.digest in loaded,
                    help=say(lang, "saved.loaded") if own.digest in loaded else None,
                    icon=":material/upload_file:",
                    on_click=session.guarded(_load, found, own.digest),
                )
                st.button(
                    say(lang, "saved.drop"),
                    key=f"saved.drop.{own.digest}",
                    disabled=own.digest in loaded,
                    icon=":material/delete:",
                    on_click=session.guarded(found.uploads.drop, own.digest),
                )


def _load(found: Workspace, digest: str) -> None:
    session.uploads()[digest] = found.uploads.open(digest)
    session.choose_sample(False)


def signed(state: State, found: Workspace) -> None:
    """What was proposed and approved."""
    lang = state.lang
    st.caption(say(lang, "saved.signed_about"))
    for own in reversed(found.snapshots.list()):
        with st.container(border=True):
            period = parse_period(own.period)
            status = say(lang, f"saved.status_{own.status}")
            about = days(period.first, period.last, lang)
            st.markdown(f"**{cards.plain(f'{about} · {status}')}**")
            told = [own.person, cards.local_moment(own.at, lang), own.seal[:12]]
            if own.plan:
                name, version = own.plan
                told.insert(0, say(lang, "saved.of_plan", name=name, number=version))
            st.caption(cards.plain(" · ".join(told)))
            st.button(
                say(lang, "saved.open_signed"),
                key=f"saved.signed.{own.seal}",
                icon=":material/folder_open:",
                on_click=session.guarded(_open_signed, found, own.seal),
            )


def _open_signed(found: Workspace, seal: str) -> None:
    signing.hold(found.snapshots.open(seal))
    session.keep("bonus_view", "signoff")


# --- people, and the workspace as a whole


def people(state: State, found: Workspace) -> None:
    """Who may come in; owners let in and send away."""
    lang, me = state.lang, found.me()
    mine = say(lang, f"saved.role_{me.role}")
    st.caption(cards.plain(say(lang, "saved.people_about", person=me.person, role=mine)))
    for own in found.members.list():
        with st.container(border=True):
            role = say(lang, f"saved.role_{own.role}")
            sees = "" if own.sees_pay else say(lang, "saved.sees_no_pay")
            st.markdown(cards.plain(" · ".join(filter(None, [own.person, role, sees]))))
            if me.role is Role.OWNER:
                st.button(
                    say(lang, "saved.dismiss"),
                    key=f"saved.dismiss.{own.person}",
                    icon=":material/person_remove:",
                    on_click=session.guarded(found.members.dismiss, own.person),
                )
    if me.role is Role.OWNER:
        _admit(lang, found)


def _admit(lang: str, found: Workspace) -> None:
    st.header(say(lang, "saved.admit"))
    email = st.text_input(
        say(lang, "saved.email"),
        max_chars=200,
        **session.remembered("saved.email", session.kept("saved.email", "")),
    ).strip()
    role = st.segmented_control(
        say(lang, "saved.role"),
        list(Role),
        format_func=lambda role: say(lang, f"saved.role_{role}"),
        required=True,
        **session.remembered("saved.role", session.kept("saved.role", Role.VIEWER)),
    )
    sees_pay = False
    if role is Role.VIEWER:
        sees_pay = st.checkbox(
            say(lang, "saved.may_see_pay"),
            **session.remembered("saved.sees_pay", session.kept("saved.sees_pay", False)),
        )
    st.button(
        say(lang, "saved.admit"),
        key="saved.admit",
        disabled="@" not in email,
        icon=":material/person_add:",
        on_click=session.guarded(lambda: found.members.admit(email, Role(role), sees_pay=sees_pay)),
    )


def whole(state: State, found: Workspace) -> None:
    """Where the workspace lies, who did what in it, everything as one file."""
    lang = state.lang
    st.markdown(cards.plain(say(lang, "saved.place", place=str(found.place))))
    if found.me().role is not Role.OWNER:
        st.caption(say(lang, "saved.owners_only"))
        return
    _archive(lang, found)
    _log(state, found)


def _archive(lang: str, found: Workspace) -> None:
    st.header(say(lang, "saved.archive"))
    st.caption(say(lang, "saved.archive_about"))
    made: bytes | None = session.held("saved.archive")
    st.button(
        say(lang, "saved.archive_make"),
        key="saved.archive.make",
        icon=":material/archive:",
        on_click=session.guarded(_make, found),
    )
    if made:
        st.download_button(
            say(lang, "saved.archive_take"),
            made,
            ARCHIVE,
            "application/zip",
            icon=":material/download:",
            key="saved.archive.take",
        )
    file = st.file_uploader(
        say(lang, "saved.archive_bring"),
        type=["zip"],
        help=say(lang, "saved.archive_bring_help"),
        key=session.upload_key("saved_archive"),
    )
    if file:
        data = file.getvalue()
        session.took_file()
        session.guarded(_bring, found, data)()
        st.rerun()


def _make(found: Workspace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ARCHIVE
        found.export_to(path)
        session.hold("saved.archive", path.read_bytes())


def _bring(found: Workspace, data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ARCHIVE
        path.write_bytes(data)
        found.import_from(path)


def _log(state: State, found: Workspace) -> None:
    lang = state.lang
    st.header(say(lang, "saved.log"))
    st.caption(say(lang, "saved.log_about"))
    st.button(
        say(lang, "saved.verify"),
        key="saved.verify",
        icon=":material/fact_check:",
        on_click=session.guarded(lambda: session.hold("saved.verified", found.verify())),
    )
    wrong: tuple[Finding, ...] | None = session.held("saved.verified")
    if wrong:
        cards.findings(state, wrong)
    elif wrong is not None:
        st.success(say(lang, "saved.log_whole"), icon=":material/verified_user:")
    entries = list(reversed(found.log()))
    table: dict[str, list[Any]] = {
        "number": [own.number for own in entries],
        "at": [cards.local_moment(datetime.fromisoformat(own.at), lang) for own in entries],
        "person": [own.person for own in entries],
        "act": [say(lang, f"saved.act_{own.act}") for own in entries],
        "about_column": [own.about for own in entries],
    }
    named = {say(lang, f"saved.log_{column}"): values for column, values in table.items()}
    st.dataframe(pd.DataFrame(named), hide_index=True)
