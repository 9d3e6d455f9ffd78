"""A whole workspace as one file, and back: backup and restore, or a move to another database.

A ZIP with ``manifest.json``, the rows of each table as lines of JSON, and the files. An archive may
come from anybody: names are of a list, sizes are counted while reading, every row is checked, and
nothing of it is kept unless all of it can be opened and is as its own log says.
"""

import json
import os
import re
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import IO, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import Column, MetaData, insert, select
from sqlalchemy.engine import URL
from sqlalchemy.exc import IntegrityError

import kpi_core
from kpi_core.errors import WorkspaceError
from kpi_core.whole import keep_entry
from kpi_core.workspace.database import (
    PATIENCE,
    Database,
    make_folder,
    new_engine,
    not_written,
    told,
)
from kpi_core.workspace.files import Files
from kpi_core.workspace.place import DATABASE, Place
from kpi_core.workspace.room import Role, Room
from kpi_core.workspace.schema import METADATA, REVISION, WORKSPACES
from kpi_core.workspace.uploads import named_files
from kpi_core.workspace.verifying import differences

MAX_PARTS = 100_000
MAX_ROW = 16_000_000  # bytes of a row
MAX_WORDS = 400  # characters of a text that is no content
MAX_FILE = 2**30  # bytes of a file with facts
MAX_UNPACKED = 8 * 2**30
MAX_RATIO = 200  # of what is unpacked to what was packed, from a megabyte on
_BLOCK = 2**20
_MANIFEST = "manifest.json"
_PACKED = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_BROKEN = (zipfile.BadZipFile, zlib.error, IntegrityError, ValueError, KeyError, RecursionError,
           RuntimeError, EOFError, OverflowError)  # fmt: skip  # what broken input is to libraries
_EARLIEST = (1980, 1, 1, 0, 0, 0)  # the time of all parts: the same content is the same archive
_NAMES = re.compile(r"manifest\.json|rows/[a-z]{1,40}\.jsonl|files/[0-9a-f]{64}\.parquet")
_ARRIVING = "arriving-"
_TIMES = frozenset({"at", "saved_at", "kept_at"})
_TABLES = tuple(own for own in METADATA.sorted_tables if own is not WORKSPACES)


class _Manifest(BaseModel):
    """What an archive is; `entries` and `head` are of its log."""

    model_config = ConfigDict(extra="forbid", strict=True)

    format: int = 1
    program: Annotated[str, Field(max_length=50)]
    revision: Annotated[str, Field(pattern=r"^[0-9a-z]{1,32}$")]
    entries: Annotated[int, Field(ge=0)]
    head: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")]


# --- out


def export(room: Room, path: Path) -> None:
    """Write the whole workspace into a new file; all of it or nothing.

    Raises:
        WorkspaceError: who asks is no owner; the file exists or cannot be written; or a file of the
            workspace is missing or was changed.
    """
    if path.exists():
        raise WorkspaceError("workspace_archive_exists", where=str(path))
    with room.writing(Role.OWNER) as turn:
        turn.log("export", "", "")
    try:
        for left in path.parent.glob(f".{path.name}.*.part"):  # by an export that fell
            with suppress(OSError):
                left.unlink()
        handle, part = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        try:
            with open(handle, "wb") as file:
                _write(room, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, path)
            keep_entry(path.parent)
        finally:
            Path(part).unlink(missing_ok=True)
    except OSError as failed:
        raise not_written(failed, path) from failed


def _write(room: Room, file: IO[bytes]) -> None:
    with zipfile.ZipFile(file, "w") as archive, room.reading(Role.OWNER) as connection:
        asked = select(WORKSPACES).where(WORKSPACES.c.id == room.id)
        own = connection.execute(asked).one()
        manifest = _Manifest(
            program=kpi_core.__version__, revision=REVISION, entries=own.entries, head=own.head
        )
        with _part(archive, _MANIFEST) as part:
            part.write(manifest.model_dump_json(indent=2).encode())
        for table in _TABLES:
            rows = select(table).where(table.c.workspace == room.id).order_by(*table.primary_key)
            with _part(archive, f"rows/{table.name}.jsonl") as part:
                for row in connection.execute(rows).mappings():
                    said = {name: value for name, value in row.items() if name != "workspace"}
                    part.write(json.dumps(said, separators=(",", ":")).encode() + b"\n")
        for name in sorted(named_files(connection, room.id)):
            with _part(archive, f"files/{name}.parquet", zipfile.ZIP_STORED) as part:
                part.write(room.files.get(name))


@contextmanager
def _part(
    archive: zipfile.ZipFile, name: str, packed: int = zipfile.ZIP_DEFLATED
) -> Iterator[IO[bytes]]:
    entry = zipfile.ZipInfo(name, _EARLIEST)
    entry.compress_type = packed
    entry.external_attr = 0o600 << 16
    with archive.open(entry, "w", force_zip64=True) as part:
        yield part


# --- in


def bring(room: Room, path: Path) -> None:
    """Fill an empty workspace from an archive; all of it or nothing.

    Raises:
        WorkspaceError: who asks is no owner; something was done in the workspace already; or the
            archive is none, is of a later version, or is not as its own log says.
    """
    with room.reading(Role.OWNER) as connection:
        asked = select(WORKSPACES.c.entries).where(WORKSPACES.c.id == room.id)
        _check_empty(connection.execute(asked).scalar_one())
    home = room.database.place.folder
    with told(room.database.place):
        make_folder(home)
        for left in home.glob(f"{_ARRIVING}*"):  # by an import that fell
            shutil.rmtree(left, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix=_ARRIVING, dir=home))
    try:
        manifest = _unpack(path, folder, room)
        with closing(Database(_place(folder))) as database:
            arrived = Room(database, Files(folder), room.id, room.person, local=True)
            _check_sound(arrived, path)
            _take(room, arrived, manifest)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _check_empty(entries: int) -> None:
    if entries:
        raise WorkspaceError("workspace_not_empty")


def _place(folder: Path) -> Place:
    return Place(folder, URL.create("sqlite", database=str(folder / DATABASE)))


def _unpack(path: Path, folder: Path, room: Room) -> _Manifest:
    """Lay out an archive: its files, and its rows in a database of the revision they are of."""
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            parts = _parts(archive)
            manifest = _manifest(b"".join(_blocks(archive, parts[_MANIFEST], MAX_ROW)))
            files = Files(folder)
            for name, part in parts.items():
                if name.startswith("files/"):
                    files.put(b"".join(_blocks(archive, part, MAX_FILE)))
            _lay_out(archive, parts, _place(folder), manifest, room.id)
    except OSError as failed:
        why = failed.strerror or str(failed)
        raise WorkspaceError("workspace_archive_unread", where=path.name, why=why) from failed
    except WorkspaceError as wrong:
        wrong.where = wrong.where or path.name
        raise
    except _BROKEN as broken:
        raise WorkspaceError("workspace_archive_wrong", where=path.name) from broken
    return manifest


def _parts(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The parts by their names.

    Raises:
        WorkspaceError: there are too many, two of a name, or one that no archive has or packs so.
    """
    found = archive.infolist()
    names = {part.filename: part for part in found}
    if len(found) > MAX_PARTS or len(names) < len(found):
        raise WorkspaceError("workspace_archive_wrong")
    if not all(map(_NAMES.fullmatch, names)) or {part.compress_type for part in found} - _PACKED:
        raise WorkspaceError("workspace_archive_wrong")
    if sum(part.file_size for part in found) > MAX_UNPACKED:  # no part is read beyond what it says
        raise WorkspaceError("workspace_archive_too_large")
    return names


def _blocks(archive: zipfile.ZipFile, part: zipfile.ZipInfo, most: int) -> Iterator[bytes]:
    """What is in a part, counted while it is read.

    Raises:
        WorkspaceError: it is more than it may be.
    """
    size = 0
    with archive.open(part) as opened:
        while block := opened.read(_BLOCK):
            size += len(block)
            if size > most or size > max(_BLOCK, MAX_RATIO * part.compress_size):
                raise WorkspaceError("workspace_archive_too_large")
            yield block


def _lines(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> Iterator[bytes]:
    rest = b""
    for block in _blocks(archive, part, MAX_UNPACKED):
        *whole, rest = (rest + block).split(b"\n")
        if len(rest) > MAX_ROW:
            raise WorkspaceError("workspace_archive_too_large")
        yield from whole
    if rest:
        yield rest


def _manifest(data: bytes) -> _Manifest:
    # Slow to import, and needed by imports alone.
    from kpi_core.workspace.migrations import revisions  # noqa: PLC0415

    try:
        found = _Manifest.model_validate_json(data)
    except ValidationError:
        raise WorkspaceError("workspace_archive_wrong") from None
    if found.format != 1 or found.revision not in revisions():
        raise WorkspaceError("workspace_newer", revision=found.revision)
    return found


def _lay_out(
    archive: zipfile.ZipFile,
    parts: dict[str, zipfile.ZipInfo],
    place: Place,
    manifest: _Manifest,
    workspace: str,
) -> None:
    from kpi_core.workspace.migrations import upgrade  # noqa: PLC0415  # see above

    engine = new_engine(place, PATIENCE, durable=False)
    try:
        with told(place), engine.execution_options(writes=True).begin() as connection:
            upgrade(connection, manifest.revision)
            then = MetaData()
            then.reflect(connection)
            own = {"id": workspace, "made_at": "", "entries": manifest.entries,
                   "head": manifest.head}  # fmt: skip
            connection.execute(insert(then.tables[WORKSPACES.name]).values(own))
            for table in then.sorted_tables:
                if part := parts.get(f"rows/{table.name}.jsonl"):
                    columns = [own for own in table.columns if own.name != "workspace"]
                    for line in _lines(archive, part):
                        row = _row(line, columns)
                        connection.execute(insert(table).values(workspace=workspace, **row))
    finally:
        engine.dispose()


def _row(line: bytes, columns: list[Column[Any]]) -> dict[str, Any]:
    """A row of these columns.

    Raises:
        WorkspaceError: it is none.
    """
    row = json.loads(line)
    if not isinstance(row, dict) or set(row) != {own.name for own in columns}:
        raise WorkspaceError("workspace_archive_wrong")
    for column in columns:
        value = row[column.name]
        if value is None and column.nullable:
            continue
        if type(value) is not column.type.python_type:
            raise WorkspaceError("workspace_archive_wrong")
        if isinstance(value, str) and column.name != "content":
            if len(value) > MAX_WORDS or not value.isprintable():
                raise WorkspaceError("workspace_archive_wrong")
            if column.name in _TIMES and datetime.fromisoformat(value).tzinfo is None:
                raise WorkspaceError("workspace_archive_wrong")
    return row


def _check_sound(arrived: Room, path: Path) -> None:
    with arrived.reading() as connection:
        odd = next(differences(connection, arrived.files, arrived.id), None)
    if odd is not None:
        why = {lang: odd.text(lang).rstrip(".") for lang in ("ru", "en")}
        raise WorkspaceError("workspace_archive_differs", where=path.name, what=odd.where, why=why)


def _take(room: Room, arrived: Room, manifest: _Manifest) -> None:
    """Copy everything, the files before the rows that name them."""
    with arrived.reading() as there, room.writing(Role.OWNER) as turn:
        _check_empty(turn.last)
        for name in sorted(named_files(there, arrived.id)):
            room.files.put(arrived.files.get(name))
        for table in _TABLES:
            for row in there.execute(select(table)).mappings():
                turn.connection.execute(insert(table).values(**row))
        turn.last, turn.head = manifest.entries, manifest.head
        turn.log("import", "", "")
