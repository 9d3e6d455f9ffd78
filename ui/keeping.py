"""The workspace of the visitor: what they are at is put down after each change, and found again."""

import os
from datetime import datetime
from pathlib import Path

import streamlit as st

from kpi_core.errors import KpiError
from kpi_core.workspace import Role, Workspace, place
from ui import session
from ui.door import Visitor, owners

OFF = "off"  # instead of a folder: nothing is kept
_WORKSPACE, _STOOD, _FILES, _TOLD = (f"keeping.{own}" for own in ("at", "stood", "files", "told"))
_SINCE = "keeping.since"


@st.cache_resource(show_spinner=False)
def _opened(folder: str, address: str) -> Workspace:
    """The workspace as its owner; people who are named as owners are let in as such."""
    found = Workspace.open(Path(folder), address or None)
    known = {member.person for member in found.members.list()}
    for email in sorted(owners() - known):
        found.members.admit(email, Role.OWNER)
    return found


def workspace() -> Workspace | None:
    """The workspace as the visitor may reach it; none for a guest, or where nothing is kept."""
    found: Workspace | None = session.kept(_WORKSPACE, None)
    return found


def come_back(visitor: Visitor) -> None:
    """Lay out, in a new session, what the visitor was at. A workspace that fails is told."""
    if os.environ.get("KPI_WORKSPACE") == OFF or not (visitor.local or visitor.email):
        return
    try:
        where = place()
        found = _opened(str(where.folder), os.environ.get("KPI_WORKSPACE_URL", ""))
        if not visitor.local:
            found = found.as_person(visitor.email)
        session.keep(_WORKSPACE, found)
        _lay_out(found)
    except KpiError as failed:
        session.refuse(failed)
    session.keep(_STOOD, session.stand())


def _lay_out(found: Workspace) -> None:
    desk = found.desk.get()
    if desk is None:
        return
    files = {}
    for digest in desk.uploads:
        try:
            files[digest] = found.uploads.open(digest)
        except KpiError as failed:
            session.refuse(failed)
    fresh = session.stand()
    session.lay_out(desk.view, files)
    session.keep(_FILES, files)
    if session.stand() != fresh:
        session.keep(_SINCE, desk.at)


def since() -> datetime | None:
    """Of when the work is that this session goes on with, until that is known."""
    at: datetime | None = session.kept(_SINCE, None)
    return at


def known() -> None:
    """The visitor has seen it."""
    session.keep(_SINCE, None)


def put_down() -> None:
    """Put down what changed. What cannot be kept is told once, and tried again at each turn."""
    found, stands = workspace(), session.stand()
    if found is None or session.pay_hidden() or stands == session.kept(_STOOD, None):
        return
    try:
        _keep_files(found)
        found.desk.put(session.put_down(), tuple(session.uploads()))
    except KpiError as failed:
        if failed.code != session.kept(_TOLD, ""):
            session.refuse(failed)
        session.keep(_TOLD, failed.code)
        return
    session.keep(_TOLD, "")
    session.keep(_STOOD, stands)


def _keep_files(found: Workspace) -> None:
    kept, files = session.kept(_FILES, {}), session.uploads()
    new = [upload for digest, upload in files.items() if kept.get(digest) is not upload]
    if not new or not found.me().role.covers(Role.EDITOR):
        return
    for upload in new:
        found.uploads.keep(upload)
    session.keep(_FILES, dict(files))
