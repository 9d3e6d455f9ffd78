"""Whether a workspace is as its log says: nothing changed, nothing missing, nothing beside it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import RowMapping, Table, select
from sqlalchemy.engine import Connection

from kpi_core.errors import Finding, KpiError, Severity, SignoffError, WorkspaceError
from kpi_core.signoff import read_snapshot
from kpi_core.workspace.documents import KINDS, LANGUAGES, version_digest
from kpi_core.workspace.files import Files
from kpi_core.workspace.keeping import Kept, made_again
from kpi_core.workspace.members import member_digest
from kpi_core.workspace.room import BEGINNING, Entry
from kpi_core.workspace.schema import (
    DOCUMENTS,
    LOG,
    MEMBERS,
    SNAPSHOTS,
    UPLOADS,
    VERSIONS,
    WORKSPACES,
)
from kpi_core.workspace.snapshots import snapshot_digest
from kpi_core.workspace.uploads import parts_of, upload_digest

_LEAVES = frozenset({"drop", "dismiss"})
_OF_WHOLE = frozenset({"export", "import"})


@dataclass(frozen=True)
class _Thing:
    """Something that is kept: as the log calls it, and as people do.

    Attributes:
        digest: of all that its row says.
        wrong: why it cannot be opened, if so.
    """

    about: str
    digest: str
    name: str
    wrong: KpiError | None = None


def entries(connection: Connection, workspace: str) -> list[Entry]:
    """The log, the first entry first."""
    return [
        Entry(row.number, row.at, row.person, row.act, row.about, row.digest, row.hash)
        for row in connection.execute(
            select(LOG).where(LOG.c.workspace == workspace).order_by(LOG.c.number)
        )
    ]


def differences(connection: Connection, files: Files, workspace: str) -> Iterator[Finding]:
    """Everything that is not as the log says; nothing where all is as it was written."""
    log = entries(connection, workspace)
    yield from _broken(connection, workspace, log)
    logged: dict[str, str] = {}
    for entry in log:
        if entry.act in _LEAVES:
            logged.pop(entry.about, None)
        elif entry.act not in _OF_WHOLE:
            logged[entry.about] = entry.digest
    found = set()
    for own in _things(connection, files, workspace):
        found.add(own.about)
        if own.about not in logged:
            yield Finding(Severity.ERROR, "kept_unlogged", own.name)
        elif own.digest != logged[own.about]:
            yield Finding(Severity.ERROR, "kept_changed", own.name)
        elif own.wrong is not None:
            why = {lang: own.wrong.text(lang).rstrip(".") for lang in LANGUAGES}
            yield Finding(Severity.ERROR, "kept_unreadable", own.name, {"why": why})
    for about in logged:
        if about not in found:
            yield Finding(Severity.ERROR, "kept_missing", about)


def _broken(connection: Connection, workspace: str, log: Sequence[Entry]) -> Iterator[Finding]:
    """Entries that do not follow from the one before; a log that ends elsewhere than it did."""
    previous, last = BEGINNING, 0
    for entry in log:
        if entry.number != last + 1 or not entry.follows(previous):
            yield Finding(Severity.ERROR, "log_broken", str(entry.number))
        previous, last = entry.hash, entry.number
    asked = select(WORKSPACES.c.entries, WORKSPACES.c.head).where(WORKSPACES.c.id == workspace)
    ended = connection.execute(asked).one()
    if (ended.entries, ended.head) != (last, previous):
        yield Finding(Severity.ERROR, "log_cut", str(ended.entries))


def _things(connection: Connection, files: Files, workspace: str) -> Iterator[_Thing]:
    """Everything that is kept and logged."""
    for document in _rows(connection, DOCUMENTS, workspace):
        yield from _versions(connection, document)
    for row in _rows(connection, UPLOADS, workspace):
        digest = row["digest"]
        parts = parts_of(connection, workspace, digest)
        wrong = _fault(_open_file, files, row, [file for _, file in parts])
        yield _Thing(f"file {digest}", upload_digest(parts, **row), digest[:12], wrong)
    for row in _rows(connection, SNAPSHOTS, workspace):
        seal, wrong = row["seal"], _fault(_open_snapshot, row)
        yield _Thing(f"snapshot {seal}", snapshot_digest(**row), seal[:12], wrong)
    for row in _rows(connection, MEMBERS, workspace):
        yield _Thing(f"person {row['person']}", member_digest(**row), row["person"])


def _versions(connection: Connection, document: RowMapping) -> Iterator[_Thing]:
    """The versions of a document; itself, where it is not what they say."""
    mine = (VERSIONS.c.workspace == document["workspace"]) & (VERSIONS.c.document == document["id"])
    asked = select(VERSIONS).where(mine).order_by(VERSIONS.c.number)
    rows = connection.execute(asked).mappings().all()
    kind, name = KINDS.get(document["kind"]), document["name"]
    dense = [row["number"] for row in rows] == list(range(1, document["latest"] + 1))
    if kind is None or not rows or not dense or rows[0]["author"] != document["owner"]:
        yield _Thing(f"document {document['id']}", "", name)
        return
    for row in rows:
        about = f"{document['id']} {row['number']}"
        wrong = _fault(kind.read, row["content"].encode(), name)
        yield _Thing(
            f"version {about}",
            version_digest(kind.id, name, **row),
            f"{name} {row['number']}",
            wrong,
        )


def _rows(connection: Connection, table: Table, workspace: str) -> Sequence[RowMapping]:
    asked = select(table).where(table.c.workspace == workspace)
    return connection.execute(asked).mappings().all()


def _open_file(files: Files, row: RowMapping, names: Sequence[str]) -> None:
    upload = made_again(Kept(row["content"], tuple(map(files.get, names))))
    if upload.digest != row["digest"]:
        raise WorkspaceError("workspace_file_changed", where=upload.name)


def _open_snapshot(row: RowMapping) -> None:
    found = read_snapshot(row["content"].encode())
    said = (found.seal, str(found.status), found.supersedes)
    if said != (row["seal"], row["status"], row["supersedes"]):
        raise SignoffError("snapshot_changed")


def _fault(opens: Callable[..., object], *given: Any) -> KpiError | None:
    """Why something cannot be opened, if so."""
    try:
        opens(*given)
    except KpiError as wrong:
        return wrong
    return None
