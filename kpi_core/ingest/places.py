"""Tables that lie elsewhere than in one file: a folder of parts, a database.

The parts of one table are read as that table, whatever their number: Parquet where it lies, text
joined into one file first. There is one count and one proof for all of them.
"""

import glob
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from kpi_core.errors import IngestError
from kpi_core.ingest import Upload, read_path, read_whole
from kpi_core.ingest.bulk import Dialect, refused
from kpi_core.ingest.bulk_cell import MB, PLAIN_UTF8, Refused, head_of, to_utf8
from kpi_core.ingest.database import SCHEMES, read_table
from kpi_core.ingest.formats import Format, known_headings
from kpi_core.ingest.large import Head

TEXTS = frozenset({".csv", ".tsv", ".txt"})
PARQUET = frozenset({".parquet", ".pq"})
_NO_NAME = '*?[]"<>|:'  # of a file, on one system or another


def read_place(place: str, layouts: Sequence[Format] = ()) -> Upload:
    """The one table of a place as facts.

    Args:
        place: ``postgresql://user@server/database?table=schema.table`` (see `read_table`), or a
            folder or pattern of this computer (``exports/2026-*.parquet``).
        layouts: those that the user taught.

    Raises:
        IngestError: there is no such place, or what is there is no table.
    """
    if is_database(place):
        return read_table(place, layouts)
    return read_parts(place, layouts)


def is_database(place: str) -> bool:
    """Whether a place is the address of a database.

    >>> is_database("postgresql://anna@db/shop?table=sales"), is_database("exports/*.csv")
    (True, False)
    """
    return place.startswith(SCHEMES)


def read_parts(pattern: str, layouts: Sequence[Format] = ()) -> Upload:
    """The files of a folder or pattern as the parts of one table; a single one as any file.

    Raises:
        IngestError: there are none, or they are no parts of one table.
    """
    where = Path(pattern).name or pattern
    label = "".join("…" if sign in _NO_NAME else sign for sign in where)
    try:
        parts = _parts(pattern)
        if len(parts) == 1:
            return read_path(parts[0], layouts)
        if parts[0].suffix.lower() in PARQUET:
            return read_whole(label, parts, layouts)
        with tempfile.TemporaryDirectory(prefix="kpi-") as folder:
            whole = Path(folder, label)
            try:
                _join(parts, whole, known_headings(layouts))
            except OSError as failed:
                raise IngestError("no_room", detail=failed.strerror or "") from None
            return read_path(whole, layouts)
    except IngestError as failed:
        failed.where = failed.where or where
        raise


def _parts(pattern: str) -> tuple[Path, ...]:
    given = Path(pattern)
    found = given.iterdir() if given.is_dir() else map(Path, glob.glob(pattern, recursive=True))
    files = [
        path
        for path in found
        if path.suffix.lower() in TEXTS | PARQUET
        and path.is_file()
        and not path.name.startswith((".", "_"))  # marks of the systems that write parts
    ]
    if not files:
        raise IngestError("place_no_files")
    if len({path.suffix.lower() in PARQUET for path in files}) > 1:
        raise IngestError("place_mixed")
    return tuple(sorted(files))


def _join(parts: Sequence[Path], whole: Path, known: frozenset[str]) -> None:
    """Writes the records of all parts below the headings of the first, in UTF-8.

    Raises:
        IngestError: a part is written otherwise than the first.
    """
    first: Dialect | None = None
    with tempfile.TemporaryDirectory(prefix="kpi-") as folder, whole.open("wb") as out:
        for part in parts:
            dialect = _dialect(part, known)
            if dialect is None or (first and _columns(first) != _columns(dialect)):
                raise IngestError("parts_differ", part=part.name)
            plain = part
            try:
                if dialect.encoding not in PLAIN_UTF8:
                    plain = Path(folder, "plain")
                    to_utf8(part, plain, dialect.encoding)
                skipped = head_of(plain, dialect.delimiter, dialect.skip).size if first else 0
            except Refused as no:
                raise refused(no, part.name) from None
            _append(plain, skipped, out)
            first = first or dialect


def _dialect(part: Path, known: frozenset[str]) -> Dialect | None:
    try:
        return Head.of(part, known).dialect
    except IngestError as failed:
        failed.where = failed.where or part.name
        raise


def _columns(dialect: Dialect) -> tuple[str, tuple[str, ...]]:
    return dialect.delimiter, dialect.headings


def _append(part: Path, skipped: int, out: BinaryIO) -> None:
    """The bytes of a part behind its first `skipped`, ended as its lines are."""
    with part.open("rb") as stream:
        ended = b"\r\n" if stream.readline(MB).endswith(b"\r\n") else b"\n"
        stream.seek(skipped)
        last = b"\n"
        while piece := stream.read(MB):
            out.write(piece)
            last = piece[-1:]
    if last != b"\n":
        out.write(ended)
