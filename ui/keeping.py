"""The workspace of the visitor: what they are at is put down after each change, and found again."""

import os
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import streamlit as st

from kpi_core.errors import KpiError, WorkspaceError
from kpi_core.ingest import Upload
from kpi_core.workspace import Role, Workspace, place
from kpi_core.workspace.place import ADDRESS, FOLDER
from ui import session
from ui.door import Visitor, owners
from ui.state import Failed

OFF = "off"  # instead of a folder: nothing is kept
_HELD = "keeping"
_NOT_ALLOWED = "workspace_not_allowed"


@dataclass
class Keeping:
    """What a session knows of the workspace of its visitor.

    Attributes:
        workspace: as the visitor may reach it.
        stood: how things stood when they were put down last.
        files: digest to file, of those that are kept.
        told: the code of what could not be kept, once it was told.
        since: of when the work is that the session goes on with, until the visitor knows.
    """

    workspace: Workspace
    stood: tuple[object, ...] = ()
    files: dict[str, Upload] = field(default_factory=dict)
    told: str = ""
    since: datetime | None = None


@st.cache_resource(show_spinner=False)
def _opened(folder: str, address: str) -> Workspace:
    """The workspace as its owner; people who are named as owners are let in as such."""
    found = Workspace.open(Path(folder), address or None)
    known = {member.person for member in found.members.list()}
    for email in sorted(owners() - known):
        found.members.admit(email, Role.OWNER)
    return found


def _keeping() -> Keeping | None:
    found: Keeping | None = session.held(_HELD)
    return found


def workspace() -> Workspace | None:
    """The workspace as the visitor may reach it; none for a guest, or where nothing is kept.

    None either while what is in view is not the visitor's own: nothing of it may be kept.
    """
    own = _keeping()
    return own.workspace if own and not session.is_passing() else None


def person() -> str:
    """Who logged in; nobody where the owner of the computer or a guest is there."""
    there: Visitor = session.visitor()
    return there.email


def come_back(visitor: Visitor) -> None:
    """Lay out, in a new session, what the visitor was at. A workspace that fails is told."""
    if os.environ.get(FOLDER) == OFF or not (visitor.local or visitor.email):
        return
    try:
        where = place()
        found = _opened(str(where.folder), os.environ.get(ADDRESS, ""))
        own = Keeping(found if visitor.local else found.as_person(visitor.email))
        session.hold(_HELD, own)
        own.stood = session.stand()
        _lay_out(own)
    except KpiError as failed:
        session.refuse(failed)


def _lay_out(own: Keeping) -> None:
    desk = own.workspace.desk.get()
    if desk is None:
        return
    lost = []
    for digest in desk.uploads:
        try:
            own.files[digest] = own.workspace.uploads.open(digest)
        except KpiError as failed:
            lost.append(Failed(digest[:12], failed))
    session.tell_failures(*lost)
    session.lay_out(desk.view, own.files)
    if session.stand() != own.stood:
        own.since, own.stood = desk.at, session.stand()


def since() -> datetime | None:
    """Of when the work is that this session goes on with, until the visitor knows."""
    own = _keeping()
    return own.since if own else None


def known() -> None:
    """The visitor knows that the work goes on."""
    if own := _keeping():
        own.since = None


def put_down() -> None:
    """Put down what changed. What cannot be kept is told once, and tried again at each turn."""
    own, stands = _keeping(), session.stand()
    if own is None or not session.is_lasting() or stands == own.stood:
        return
    try:
        _keep_files(own)
        kept = [digest for digest in session.uploads() if digest in own.files]
        own.workspace.desk.put(session.put_down(), kept)
    except KpiError as failed:
        if failed.code != own.told:
            session.refuse(failed)
        own.told = failed.code
        return
    own.stood = stands
    if own.told != _NOT_ALLOWED:
        own.told = ""


def _keep_files(own: Keeping) -> None:
    files = session.uploads()
    new = [upload for digest, upload in files.items() if own.files.get(digest) is not upload]
    if not new:
        return
    if not own.workspace.me().role.covers(Role.EDITOR):
        if own.told != _NOT_ALLOWED:
            session.refuse(WorkspaceError(_NOT_ALLOWED, role=Role.EDITOR))
        own.told = _NOT_ALLOWED
        return
    for upload in new:
        own.workspace.uploads.keep(upload)
    own.files = dict(files)
