"""Bytes of an uploaded file to sheets of cells, whatever the file is called.

A ZIP is a folder of such files: each of its tables is opened by the same rules, and what is left
out is told.
"""

import io
import struct
import time
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from kpi_core.errors import Finding, IngestError, Severity
from kpi_core.ingest import markup
from kpi_core.ingest.formats import known_headings
from kpi_core.ingest.textfile import decoded, has_headings, read_text
from kpi_core.ingest.values import Cell
from kpi_core.ingest.workbook import Sheet, read_markup, read_parquet, read_workbook
from kpi_core.limits import LIMITS

MB = 2**20
MARKUP_BYTES = LIMITS.page_megabytes * MB  # a child parses it, at some megabytes a second
MAX_MEMBERS = LIMITS.archive_files
MEMBER_BYTES = LIMITS.archive_megabytes * MB
RATIO = 200  # of a member over 1 MB; tables as text stay under 50
SECONDS = LIMITS.archive_seconds  # for all members of an archive

_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_EMPTY_ZIP = b"PK\x05\x06"
_ARCHIVES = {
    b"\x1f\x8b": "GZIP",
    b"7z\xbc\xaf\x27\x1c": "7-Zip",
    b"Rar!\x1a\x07": "RAR",
    b"\xfd7zXZ\0": "XZ",
    b"BZh91AY&SY": "BZIP2",
    b"\x28\xb5\x2f\xfd": "Zstandard",
    b"PK\x07\x08": "ZIP (split)",
}
_OTHERS = {
    b"%PDF-": "PDF",
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"GIF8": "GIF",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"{\\rtf": "RTF",
    b"SQLite format 3\0": "SQLite",
    b"ARROW1\0\0": "Arrow",
    b"\x80\x04\x95": "pickle",
    b"\x80\x05\x95": "pickle",
}
_PACKAGES = {  # what else is a ZIP inside, by parts that only it has
    ("[content_types].xml", "word/document.xml"): "Word (.docx)",
    ("[content_types].xml", "ppt/presentation.xml"): "PowerPoint (.pptx)",
    ("[content_types].xml", "xl/workbook.bin"): "Excel (.xlsb)",
    ("mimetype", "content.xml"): "OpenDocument (.ods, .odt)",
    ("index/document.iwa",): "Numbers",
}
_NO_TABLE = frozenset({"other_file", "not_a_table"})


@dataclass(frozen=True)
class Grid:
    """One sheet of cells as the file holds it, not yet understood.

    `delimiter` and `encoding` are of a text; other files have neither.
    """

    name: str
    rows: Sequence[Sequence[Cell]] = field(repr=False)
    delimiter: str | None = None
    encoding: str | None = None


@dataclass(frozen=True)
class Opened:
    """The sheets of a file in its own order, and what is odd about how they were read."""

    sheets: tuple[Grid, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def encoding(self) -> str | None:
        """The encoding of all its texts; ``None`` if it has no text or they differ."""
        found = {sheet.encoding for sheet in self.sheets if sheet.encoding}
        return found.pop() if len(found) == 1 else None


def opened(label: str, data: bytes, known: frozenset[str] | None = None) -> Opened:
    """The sheets of a file by what its bytes are, whatever its name says.

    Args:
        label: the file's name, for findings.
        data: its bytes.
        known: headings that tell which sign delimits a text; those of all formats if not given.

    Raises:
        IngestError: there is no table in it, or one that cannot be read whole.
    """
    known = known_headings() if known is None else known
    if data.startswith(_EMPTY_ZIP):
        raise IngestError("no_table_in_archive", parts="")
    if data.startswith(_ZIP) and not _is_package(data):
        return _archive(label, data, known)
    return _file(label, data, known)


def is_text(data: bytes) -> bool:
    """Whether bytes begin like a text: not like a workbook, an archive, a picture or a page."""
    return not data.startswith((_ZIP, _OLE, b"PAR1", b"PARE", *_ARCHIVES, *_OTHERS)) and (
        not _is_page(data)
    )


def _file(label: str, data: bytes, known: frozenset[str]) -> Opened:
    """The sheets of anything but an archive."""
    if data.startswith((_ZIP, _OLE)):
        return _shown(label, read_workbook(data))
    if data.startswith(b"PAR1") or (data.startswith(b"PARE") and data.endswith(b"PARE")):
        return Opened((Grid("", read_parquet(data).rows),))
    for kinds, code in ((_ARCHIVES, "packed_otherwise"), (_OTHERS, "other_file")):
        for start, kind in kinds.items():
            if data.startswith(start):
                raise IngestError(code, kind=kind)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        raise IngestError("other_file", kind="WebP")
    if data[257:262] == b"ustar":
        raise IngestError("packed_otherwise", kind="TAR")
    if data[:2] == b"\x09\x00" and data[2:4] in {b"\x04\x00", b"\x06\x00"}:
        raise IngestError("old_workbook")  # Excel 2 to 4, before compound files
    return _page(label, data) if _is_page(data) else _text(label, data, known)


def _shown(label: str, sheets: list[Sheet]) -> Opened:
    """The visible sheets of a workbook: what is hidden is often old and would count twice."""
    shown = [sheet for sheet in sheets if not sheet.hidden]
    hidden = ", ".join(sheet.name for sheet in sheets if sheet.hidden and sheet.rows)
    if not shown:
        raise IngestError("no_sheet")
    findings = [finding for sheet in shown for finding in _unread_cells(sheet, label)]
    if hidden:
        findings.append(Finding(Severity.WARNING, "hidden_sheets", label, {"sheets": hidden[:200]}))
    return Opened(tuple(Grid(sheet.name, sheet.rows) for sheet in shown), tuple(findings))


def _unread_cells(sheet: Sheet, label: str) -> list[Finding]:
    where = f"{label} › {sheet.name}"
    counted = {
        "formulas_without_value": sheet.formulas_without_value,
        "error_cells": sheet.error_cells,
    }
    return [Finding(Severity.WARNING, code, where, {"n": n}) for code, n in counted.items() if n]


def _text(label: str, data: bytes, known: frozenset[str]) -> Opened:
    text = read_text(data, known)
    grid = Grid("", text.rows, text.delimiter, text.encoding)
    return Opened((grid,), _guess(label, text.encoding) if text.guessed else ())


def _guess(label: str, encoding: str) -> tuple[Finding, ...]:
    return (Finding(Severity.INFO, "encoding_guessed", label, {"encoding": encoding}),)


def _is_page(data: bytes) -> bool:
    """UTF-16 is told by its byte order mark; all other encodings of pages keep ASCII."""
    is_wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    return markup.is_page(data[2:4096].replace(b"\0", b"") if is_wide else data)


def _page(label: str, data: bytes) -> Opened:
    if len(data) > MARKUP_BYTES:
        raise IngestError("file_too_large", megabytes=MARKUP_BYTES // MB)
    text, encoding, guessed = decoded(data, markup.declared_encoding(data))
    sheets = read_markup(text)
    only = len(sheets) == 1
    grids = tuple(Grid("" if only else s.name, s.rows, encoding=encoding) for s in sheets)
    return Opened(grids, _guess(label, encoding) if guessed else ())


# Archives ---------------------------------------------------------------------------------------


def _is_package(data: bytes) -> bool:
    """Whether a ZIP is one document of many parts; a broken one is judged by its traces."""
    if data.count(b"PK\x01\x02") > 10_000:  # the list alone would fill the memory
        if b"xl/" in data:
            return True
        raise IngestError("too_many_members", limit=MAX_MEMBERS)
    try:
        names = {info.filename.casefold() for info in zipfile.ZipFile(io.BytesIO(data)).infolist()}
    except _BROKEN:
        return b"[Content_Types].xml" in data or b"xl/work" in data
    for parts, kind in _PACKAGES.items():
        if names.issuperset(parts):
            raise IngestError("other_file", kind=kind)
    return "[content_types].xml" in names or "xl/workbook.xml" in names


_BROKEN = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, OSError,
    OverflowError, RuntimeError, ValueError,
)  # fmt: skip


def _archive(label: str, data: bytes, known: frozenset[str]) -> Opened:
    sheets: list[Grid] = []
    findings: list[Finding] = []
    names: list[str] = []
    first: dict[bytes, str] = {}
    until = time.monotonic() + SECONDS
    used: set[str] = set()
    for name, content in members(data):
        if time.monotonic() > until:
            raise IngestError("timed_out", seconds=SECONDS)
        where = f"{label} › {name}"
        names.append(name)
        if content in first:  # twice the same table is not twice the money
            twice = Finding(Severity.INFO, "same_file_twice", where, {"first": first[content]})
            findings.append(twice)
            continue
        first[content] = name
        try:
            member = _member(where, content, known)
        except IngestError as failed:
            if not _is_beside_the_tables(failed, content, known):
                failed.where = failed.where or where
                raise
            kind = str(failed.values.get("kind", "–"))
            findings.append(Finding(Severity.WARNING, "member_left_out", where, {"kind": kind}))
            continue
        findings += member.findings
        base = _base(name) if _base(name) not in used else name.rpartition(".")[0]
        used.add(base)
        several = len(member.sheets) > 1
        sheets += [
            replace(sheet, name=f"{base} › {sheet.name}" if several else base)
            for sheet in member.sheets
        ]
    if not sheets:
        raise IngestError("no_table_in_archive", parts=", ".join(names)[:200])
    return Opened(tuple(sheets), tuple(findings))


def _member(where: str, data: bytes, known: frozenset[str]) -> Opened:
    if data.startswith((_EMPTY_ZIP, *_ARCHIVES)) or (
        data.startswith(_ZIP) and not _is_package(data)
    ):
        raise IngestError("nested_archive")
    return _file(where, data, known)


def _is_beside_the_tables(failed: IngestError, data: bytes, known: frozenset[str]) -> bool:
    """Whether a member is a picture, a page or a note: never a table that merely is broken."""
    is_note = failed.code in {"broken_quotes", "too_many_columns"}
    return failed.code in _NO_TABLE or (is_note and not has_headings(data, known))


def members(data: bytes) -> Iterator[tuple[str, bytes]]:
    """The files of an archive by name, measured while they inflate.

    Raises:
        IngestError: it is broken or encrypted, or costs more than it may.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except _BROKEN:
        raise IngestError("broken_archive") from None
    infos = archive.infolist()
    if not infos:  # though it begins with a member: the list of members is elsewhere
        raise IngestError("broken_archive")
    found = [(_name(info), info) for info in infos if not info.is_dir()]
    found = [(name, info) for name, info in found if not _is_hidden(name)]
    if len(found) > MAX_MEMBERS:
        raise IngestError("too_many_members", limit=MAX_MEMBERS)
    places = {info.header_offset for info in infos}
    if len({info.filename for info in infos}) < len(infos) or len(places) < len(infos):
        raise IngestError("broken_archive")  # two of one name or one place: which is meant?
    left = MEMBER_BYTES
    for name, info in found:
        if info.flag_bits & 1:
            raise IngestError("encrypted")
        if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise IngestError("broken_archive")
        try:
            content = _inflated(archive, info, left)
        except _BROKEN as failed:
            if isinstance(failed, IngestError):
                raise
            raise IngestError("broken_archive") from None
        left -= len(content)
        yield name, content


def _inflated(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limit: int) -> bytes:
    """One member; what the archive says of its size may be a lie."""
    parts, size = [], 0
    with archive.open(info) as stream:
        while part := stream.read(MB):
            size += len(part)
            if size > limit or (size > MB and size > RATIO * max(info.compress_size, 1)):
                raise IngestError("decompressed_too_large", megabytes=MEMBER_BYTES // MB)
            parts.append(part)
    return b"".join(parts)


def _name(info: zipfile.ZipInfo) -> str:
    """The member's path; the names of old Russian archives are in cp866, which ZIP cannot say."""
    name = info.filename
    if not info.flag_bits & 0x800:
        try:
            raw = name.encode("cp437")
            name = raw.decode("utf-8")
        except UnicodeDecodeError:
            name = raw.decode("cp866")
        except UnicodeEncodeError:
            pass
    return "".join(sign for sign in name.replace("\\", "/") if sign.isprintable())[-200:]


def _is_hidden(path: str) -> bool:
    """What systems put beside files: .DS_Store, __MACOSX/._table.csv."""
    return any(part.startswith((".", "__MACOSX")) for part in path.split("/") if part != "..")


def _base(path: str) -> str:
    """The name without folders and its ending."""
    name = path.rstrip("/").rpartition("/")[2] or path
    return name.rpartition(".")[0] or name
