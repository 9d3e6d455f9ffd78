"""The database of a workspace: transactions, and what may happen to it told in words.

SQLite: one writer at a time, who takes the turn before reading (``BEGIN IMMEDIATE``), so nobody
finds out at the end that they came too late; what is acknowledged is on the disk. PostgreSQL does
the same by a lock on the row of the workspace.
"""

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, event, exc, text
from sqlalchemy.engine import Connection, Engine

from kpi_core.errors import WorkspaceError
from kpi_core.workspace.place import Place
from kpi_core.workspace.schema import REVISION

PATIENCE = 5.0  # seconds to wait for another writer
_LOCK = 7_265_112  # of PostgreSQL, while tables are made: any number that nobody else takes
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_CLOSED = {errno.EACCES, errno.EPERM, errno.EROFS}
_OF_SQLITE = {
    sqlite3.SQLITE_BUSY: "workspace_locked",
    sqlite3.SQLITE_LOCKED: "workspace_locked",
    sqlite3.SQLITE_FULL: "workspace_full",
    sqlite3.SQLITE_READONLY: "workspace_read_only",
    sqlite3.SQLITE_CANTOPEN: "workspace_read_only",
    sqlite3.SQLITE_PERM: "workspace_read_only",
    sqlite3.SQLITE_IOERR: "workspace_not_written",
    sqlite3.SQLITE_CORRUPT: "workspace_unreadable",
    sqlite3.SQLITE_NOTADB: "workspace_unreadable",
}
_OF_POSTGRES = {"53100": "workspace_full", "55P03": "workspace_locked",
                "25006": "workspace_read_only"}  # fmt: skip
_BROKEN = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class Database:
    """The tables of a place, made or brought up to date when they are opened.

    Raises:
        WorkspaceError: they are damaged (then they are set aside), of a later version of the
            program, or cannot be reached.
    """

    def __init__(self, place: Place, patience: float = PATIENCE) -> None:
        self.place = place
        with told(place):
            if place.path is not None:
                make_folder(place.folder)
                _set_aside_if_damaged(place.path, patience)
                place.path.touch(mode=0o600)  # what SQLite puts beside it has the same rights
            self._engine = new_engine(place, patience, durable=True)
            self._quick = self._engine
            if place.path is not None:
                self._quick = new_engine(place, patience, durable=False)
            try:
                self._prepare()
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        """Let go of all connections."""
        self._engine.dispose()
        self._quick.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One state of all rows, whatever others write meanwhile."""
        engine = self._engine
        if self.place.path is None:
            engine = engine.execution_options(isolation_level="REPEATABLE READ")
        with told(self.place), engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """All of it or nothing; on the disk when it ends."""
        with told(self.place), self._engine.execution_options(writes=True).begin() as connection:
            yield connection

    @contextmanager
    def jotting(self) -> Iterator[Connection]:
        """As `writing`, but SQLite does not wait for the disk: only a power cut may undo it."""
        with told(self.place), self._quick.execution_options(writes=True).begin() as connection:
            yield connection

    @contextmanager
    def making(self) -> Iterator[Connection]:
        """As `writing`, before there are rows whose lock could be taken."""
        with self.writing() as connection:
            if self.place.path is None:
                connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
            yield connection

    def _prepare(self) -> None:
        with self.reading() as connection:
            if _revision(connection) == REVISION:
                return
        # Slow to import, and needed only where tables are made or changed.
        from kpi_core.workspace.migrations import upgrade  # noqa: PLC0415

        with self.making() as connection:
            upgrade(connection)


def _revision(connection: Connection) -> str | None:
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def new_engine(place: Place, patience: float, *, durable: bool) -> Engine:
    """Connections to a database; with `durable`, SQLite waits for the disk after each write."""
    if place.path is None:
        # What is acknowledged is on the disk, whatever the server usually does.
        asked = f"-c lock_timeout={int(patience * 1000)} -c synchronous_commit=on"
        given = {"connect_timeout": max(2, int(patience)), "options": asked}
        return create_engine(place.url, pool_pre_ping=True, connect_args=given)
    engine = create_engine(place.url, connect_args={"timeout": patience})

    @event.listens_for(engine, "connect")
    def _connected(opened: Any, _: object) -> None:
        opened.isolation_level = None  # transactions begin below, and only there
        for setting in (
            "journal_mode=WAL",
            f"synchronous={'FULL' if durable else 'NORMAL'}",
            "foreign_keys=ON",
            "trusted_schema=OFF",
            "cell_size_check=ON",
        ):
            opened.execute(f"PRAGMA {setting}")

    @event.listens_for(engine, "begin")
    def _begins(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


# --- what may go wrong


@contextmanager
def told(place: Place) -> Iterator[None]:
    """What the database or the disk refuses, in words; a fault of ours stays what it is.

    Raises:
        WorkspaceError: what happened and what to do.
    """
    try:
        yield
    except exc.TimeoutError as late:  # all connections are taken
        raise WorkspaceError("workspace_locked", where=str(place)) from late
    except exc.DBAPIError as failed:
        code = _code(failed)
        if code is None:
            raise
        raise WorkspaceError(code, where=str(place), why=str(failed.orig)) from failed
    except OSError as failed:
        raise not_written(failed, place.folder) from failed


def _code(failed: exc.DBAPIError) -> str | None:
    if isinstance(failed.orig, sqlite3.Error):
        return _OF_SQLITE.get(_number(failed.orig))
    state = getattr(failed.orig, "sqlstate", None)
    lost = state is None or state.startswith(("08", "57P"))
    if lost and isinstance(failed, exc.OperationalError | exc.InterfaceError):
        return "workspace_gone"
    return _OF_POSTGRES.get(str(state))


def _number(failed: sqlite3.Error) -> int:
    """The primary code of an error of SQLite."""
    return getattr(failed, "sqlite_errorcode", 0) & 0xFF


def not_written(failed: OSError, path: Path) -> WorkspaceError:
    """Why a file could not be written."""
    code = "workspace_not_written"
    if failed.errno in _FULL:
        code = "workspace_full"
    elif failed.errno in _CLOSED:
        code = "workspace_read_only"
    return WorkspaceError(code, where=str(path), why=failed.strerror or str(failed))


def make_folder(folder: Path) -> None:
    """A folder that nobody else of this machine can look into."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def _set_aside_if_damaged(path: Path, patience: float) -> None:
    """Rename a database that cannot be read, so that it is kept and a new one can be made.

    Raises:
        WorkspaceError: it was damaged; it names where the file is now.
    """
    if not path.exists() or not path.stat().st_size:
        return
    try:
        looked = sqlite3.connect(path, timeout=patience)
        try:
            # A row that breaks a rule is for `verify` to tell; the file can be read.
            looked.execute("PRAGMA ignore_check_constraints = ON")
            sound = looked.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok"
        finally:
            looked.close()
    except sqlite3.Error as failed:
        if _number(failed) not in _BROKEN:
            code = _OF_SQLITE.get(_number(failed), "workspace_not_written")
            raise WorkspaceError(code, where=str(path), why=str(failed)) from failed
        sound = False
    if sound:
        return
    aside = next(
        name
        for number in count(1)
        if not (name := path.with_name(f"{path.stem}.damaged-{number}{path.suffix}")).exists()
    )
    for ending in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):  # another process was quicker, or there is none
            os.replace(f"{path}{ending}", f"{aside}{ending}")
    raise WorkspaceError("workspace_damaged", where=str(path), aside=str(aside))
