"""The files of a workspace: kept by an explicit wish, taken away by another one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.engine import Connection

from kpi_core.errors import Finding, Severity, WorkspaceError
from kpi_core.ingest import Table, Upload
from kpi_core.signoff import Snapshot
from kpi_core.workspace.keeping import Kept, kept, key_of_customers, label, made_again
from kpi_core.workspace.room import Room, digest
from kpi_core.workspace.schema import FACTS, UPLOADS

_CUSTOMER = "customer"

_LEFT_OUT = "customers_of_another_time"


@dataclass(frozen=True)
class KeptFile:
    """A file that is kept, in short; `digest` is the SHA-256 of the file as it was uploaded."""

    name: str
    digest: str
    size: int
    rows: int
    sources: tuple[str, ...]
    person: str
    kept_at: datetime


class Uploads:
    """The files that are kept in a workspace."""

    def __init__(self, room: Room) -> None:
        self._room = room

    def list(self) -> tuple[KeptFile, ...]:
        """Those that are kept, in the order in which they came."""
        asked = select(UPLOADS).where(UPLOADS.c.workspace == self._room.id)
        with self._room.reading() as connection:
            rows = connection.execute(asked.order_by(UPLOADS.c.number)).all()
        found = []
        for row in rows:
            own = label(row.content)
            at = datetime.fromisoformat(row.kept_at)
            found.append(
                KeptFile(own.name, own.digest, own.size, own.rows, own.sources, row.person, at)
            )
        return tuple(found)

    def keep(self, upload: Upload) -> None:
        """Keep a file; read anew, it takes the place of what was kept of the same bytes.

        What `open` gave without its customers does not: the whole file stays.

        Raises:
            WorkspaceError: it cannot be written; then nothing was.
        """
        if any(own.code == _LEFT_OUT for own in upload.findings):
            return
        written = kept(upload, key_of_customers())
        with self._room.writing() as turn:
            # What a fall has left over is swept before something new is written.
            self._room.files.sweep(named_files(turn.connection, self._room.id))
            parts = [(at, self._room.files.put(own)) for at, own in enumerate(written.facts)]
            if self._is_kept(turn.connection, upload.digest, written.told, parts):
                return
            self._forget(turn.connection, upload.digest)
            row = {
                "digest": upload.digest,
                "number": turn.number,
                "person": self._room.person,
                "kept_at": turn.at,
                "content": written.told,
            }
            turn.connection.execute(insert(UPLOADS).values(workspace=self._room.id, **row))
            for place, file in parts:
                part = {"upload": upload.digest, "place": place, "file": file}
                turn.connection.execute(insert(FACTS).values(workspace=self._room.id, **part))
            turn.log("keep", f"file {upload.digest}", upload_digest(parts, **row))

    def open(self, digest: str) -> Upload:
        """A kept file, to be looked at together with any other.

        Numbers of customers mean something only beside those made by the same key, and a key lives
        as long as a process. So of a file that another one read, customers are left out, and a
        finding says so; alone, or with those it was read with, `of` makes them again.

        Raises:
            WorkspaceError: there is no such file, or it was changed.
        """
        key, upload = self._made_again(digest)
        return upload if key in ("", key_of_customers()) else _without_customers(upload)

    def of(self, snapshot: Snapshot) -> tuple[Upload, ...]:
        """The files of a snapshot that are kept, exactly as they were, to compute it again.

        Nothing else may be computed of them together with other files: see `open`.

        Raises:
            WorkspaceError: one was changed.
        """
        known = {own.digest for own in self.list()}
        digests = dict.fromkeys(own.digest for own in snapshot.sources if own.digest in known)
        found = [self._made_again(digest) for digest in digests]
        if len({key for key, _ in found} - {""}) > 1:
            return tuple(upload if not key else _without_customers(upload) for key, upload in found)
        return tuple(upload for _, upload in found)

    def drop(self, digest: str) -> None:
        """Take a file away, from the disk too; the log keeps that it was there.

        Raises:
            WorkspaceError: there is no such file, or it cannot be taken away.
        """
        with self._room.writing() as turn:
            if not self._forget(turn.connection, digest):
                raise WorkspaceError("workspace_no_file", where=digest[:12])
            turn.log("drop", f"file {digest}", "")
        self.sweep()

    def sweep(self) -> int:
        """Take away what a fall has left over; how many files there were."""
        with self._room.writing() as turn:
            return self._room.files.sweep(named_files(turn.connection, self._room.id))

    def _is_kept(
        self, connection: Connection, digest: str, told: str, parts: Sequence[tuple[int, str]]
    ) -> bool:
        mine = (UPLOADS.c.workspace == self._room.id) & (UPLOADS.c.digest == digest)
        found = connection.execute(select(UPLOADS.c.content).where(mine)).scalar()
        return found == told and parts_of(connection, self._room.id, digest) == parts

    def _forget(self, connection: Connection, digest: str) -> bool:
        mine = (UPLOADS.c.workspace == self._room.id) & (UPLOADS.c.digest == digest)
        return bool(connection.execute(delete(UPLOADS).where(mine)).rowcount)

    def _made_again(self, digest: str) -> tuple[str, Upload]:
        """By what key its customers have numbers, and the file."""
        mine = (UPLOADS.c.workspace == self._room.id) & (UPLOADS.c.digest == digest)
        with self._room.reading() as connection:
            told = connection.execute(select(UPLOADS.c.content).where(mine)).scalar()
            parts = parts_of(connection, self._room.id, digest)
        if told is None:
            raise WorkspaceError("workspace_no_file", where=digest[:12])
        facts = tuple(self._room.files.get(file) for _, file in parts)
        upload = made_again(Kept(told, facts))
        return label(told).key, upload


def upload_digest(parts: Sequence[tuple[int, str]], **row: object) -> str:
    """The SHA-256 of a kept file: of what is told of it and of the files of its facts."""
    fields = ("digest", "number", "person", "kept_at", "content")
    return digest(*(row[each] for each in fields), *parts)


def parts_of(connection: Connection, workspace: str, upload: str) -> list[tuple[int, str]]:
    """Place and file of the facts of each table of an upload, in their order."""
    mine = (FACTS.c.workspace == workspace) & (FACTS.c.upload == upload)
    asked = select(FACTS.c.place, FACTS.c.file).where(mine).order_by(FACTS.c.place)
    return [(row.place, row.file) for row in connection.execute(asked)]


def named_files(connection: Connection, workspace: str) -> set[str]:
    """Every file that some row names."""
    asked = select(FACTS.c.file).where(FACTS.c.workspace == workspace)
    return set(connection.execute(asked).scalars())


def _without_customers(upload: Upload) -> Upload:
    """The file without its numbers of customers, and a finding that says so."""
    told = Finding(Severity.WARNING, _LEFT_OUT, upload.name)
    tables = tuple(map(_nameless, upload.tables))
    return replace(upload, tables=tables, findings=(*upload.findings, told))


def _nameless(table: Table) -> Table:
    if _CUSTOMER not in table.facts:
        return table
    return replace(table, facts=table.facts.drop(columns=_CUSTOMER))
