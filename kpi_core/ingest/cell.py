"""The child process that opens uploaded files: no library of it runs in the server.

A crafted file of 2 kB can abort the process that parses it, and an abort cannot be caught. So this
file is run as a script: bytes on stdin, on stdout lines of JSON. An object opens a sheet, an array
holds rows of it, an object ``columns`` or ``packed`` (bytes follow the line, see `Answer.columns`);
the last object says ``done`` or ``refused``; without that last line the child died. Bytes are
judged by our own code before a library's word on them counts, and the operating system bounds the
rest.

It imports nothing of the project and its libraries only when needed: a small file should not wait.
"""

import gc
import importlib.util
import io
import json
import math
import os
import posixpath
import re
import signal
import struct
import sys
import zipfile
from array import array
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

MB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """What one file may cost. A file over a limit is refused by name, never cut."""

    file_bytes: int = 200 * MB
    zip_parts: int = 2_000
    part_bytes: int = 300 * MB  # measured while inflating: what the zip declares may be a lie
    unpacked_bytes: int = 400 * MB
    zip_ratio: int = 200  # of a part over 1 MB; honest sheets stay under 50
    parquet_ratio: int = 1_000  # runs of equal values are packed harder than text
    row_groups: int = 10_000
    sheets: int = 255
    columns: int = 1_000
    cells: int = 20_000_000  # of the rectangle up to the farthest cell: readers allocate it whole
    cell_chars: int = 32_767  # Excel's own
    result_bytes: int = 100 * MB  # the rows in the parent take up to ten times as much
    memory_bytes: int = 1024 * MB  # on top of what the child takes before it reads
    cpu_seconds: int = 30
    wall_seconds: float = 60


class Refused(Exception):  # noqa: N818 - an answer, not a fault
    """The file is not read: `code` says why, in the words of ``errors.toml``."""

    def __init__(self, code: str, **values: str | int) -> None:
        super().__init__(code)
        self.code = code
        self.values = values


# What leaves the child --------------------------------------------------------------------------

BYTES_OF_NUMBER = 4  # as much as its digits would count; in the parent it takes ten times as much


def tagged(value: object) -> Any:
    """A value JSON has no form for: a pair of kind and text, which no cell can be mistaken for."""
    match value:
        case datetime():
            # Wall time of the column's own zone: the day in it is the day people mean.
            return ["datetime", (value.replace(tzinfo=None) if value.tzinfo else value).isoformat()]
        case date():
            return ["date", value.isoformat()]
        case time():
            return ["time", value.replace(tzinfo=None).isoformat()]
        case timedelta():
            return ["timedelta", value.total_seconds()]
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
    return str(value)


def neighbour(name: str) -> ModuleType:
    """A module of this folder, which no import finds: this file runs without its package."""
    place = Path(__file__).with_name(f"{name}.py")
    spec = importlib.util.spec_from_file_location(name, place)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(place)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look there
    spec.loader.exec_module(module)
    return module


class Answer:
    """Writes sheets to the parent, wholly empty rows as ``[]``, none of them at the end."""

    BLOCK = 100  # rows in a line: enough to be fast, few enough to stay small in memory
    HEAD = 30  # rows of a workbook that may be titles and headings
    BLOCK_CELLS = 100_000  # of a workbook that go as columns at one time

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.written = 0

    def say(self, thing: object) -> None:
        """One line of the answer."""
        line = json.dumps(thing, default=tagged, ensure_ascii=False, separators=(",", ":"))
        self.check(len(line))
        self.written += len(line)
        sys.stdout.buffer.write(line.encode() + b"\n")

    def check(self, size: int) -> None:
        """Refuses the file when `size` more characters would be too much for the parent."""
        if self.written + size > self.limits.result_bytes:
            raise Refused("decompressed_too_large", megabytes=self.limits.result_bytes // MB)

    def count(self, size: int) -> None:
        """Takes note of `size` characters that go without `say`."""
        self.check(size)
        self.written += size

    def sheet(self, rows: Iterable[list[Any]], **head: str | int) -> None:
        """A whole sheet."""
        self.say(head)
        block: list[list[Any]] = []
        kept = 0
        for row in rows:
            block.append(_trimmed(row))
            if row:
                kept = len(block)
                if kept >= self.BLOCK:
                    self.say(block)
                    block, kept = [], 0
        self.say(block[:kept])

    def tables(self, rows: Iterator[list[Any]], left: int, **head: str | int) -> None:
        """A whole sheet of a workbook, `left` empty columns before each row.

        Its first rows go as they are: below titles and headings, columns are of one kind.
        """
        self.say(head)
        first = list(islice(rows, self.HEAD))
        size = max(1, self.BLOCK_CELLS // max(1, left + len(first[0]))) if first else 1
        before: list[Any] = [None] * left
        self.say([
            _trimmed(before + [_plain(cell, self.limits) for cell in row]) for row in first
        ])  # fmt: skip
        waiting = 0  # empty rows: sheets are often formatted to their end
        while block := list(islice(rows, size)):
            packed = [_packed(column, self) for column in zip(*block, strict=True)]
            if not any(raw or told for told, raw in packed):
                waiting += len(block)
                continue
            if waiting:
                self.say([[]] * waiting)
                waiting = 0
            self.say({
                "packed": [{}] * left + [told | {"bytes": len(raw)} for told, raw in packed],
                "rows": len(block),
            })  # fmt: skip
            sys.stdout.buffer.write(b"".join(raw for _, raw in packed))


def _trimmed(row: list[Any]) -> list[Any]:
    """The row itself, without the empty cells at its end."""
    while row and row[-1] is None:
        row.pop()
    return row


def _packed(cells: tuple[Any, ...], answer: Answer) -> tuple[dict[str, Any], bytes]:
    """A column of a workbook in the form that is the quickest to send, and the bytes of it.

    Numbers as floats, nan for empty cells; else, each different cell once and the number of it for
    each row; empty columns as nothing.
    """
    kinds = set(map(type, cells))
    if kinds == {str} and not any(cells):
        return {}, b""
    if kinds == {str, float} and not any(cell for cell in cells if type(cell) is str):
        cells = tuple(math.nan if cell == "" else cell for cell in cells)
        kinds = {float}
    if kinds == {float}:
        answer.count(BYTES_OF_NUMBER * len(cells))
        return {"kind": "numbers"}, array("d", cells).tobytes()
    if bool in kinds:  # True equals 1
        plain = [_plain(cell, answer.limits) for cell in cells]
        return {"kind": "cells", "cells": plain}, b""
    numbers = {cell: number for number, cell in enumerate(dict.fromkeys(cells))}
    texts = cells if kinds == {str} else [cell for cell in cells if type(cell) is str]
    answer.count(sum(map(len, texts)) + BYTES_OF_NUMBER * len(cells))
    values = [_plain(cell, answer.limits) for cell in numbers]
    told = {"kind": "distinct", "values": values}
    return told, array("I", map(numbers.__getitem__, cells)).tobytes()


def fits(rows: int, columns: int, limits: Limits) -> None:
    """Refuses a table wider or larger than the limits."""
    if columns > limits.columns:
        raise Refused("too_many_columns", columns=columns, limit=limits.columns)
    if rows * columns > limits.cells:
        raise Refused("too_many_cells", rows=rows, columns=columns, limit=limits.cells)


# Workbooks --------------------------------------------------------------------------------------

XML = (".xml", ".rels", ".vml")
ENCODING = re.compile(rb"""\A(?:\xef\xbb\xbf)?<\?xml[^>]*?\sencoding\s*=\s*["']([^"'>]*)""")
DECLARATION = re.compile(rb"<!(?!--|\[CDATA\[)")
TAG = rb"<(?:\w+:)?"
ADDRESS = re.compile(TAG + rb"""(?:c|row)(?=[\s/>])[^<]*?\sr\s*=\s*["']([^"'<]*)["']""")
PLACE = re.compile(rb"^([A-Z]{0,3})([1-9][0-9]{0,6})$", re.MULTILINE)
FORMULA_ALONE = re.compile(
    TAG + rb"c(?=[\s>])([^<>]*)>\s*" + TAG + rb"f(?=[\s/>])[^<>]*(?:/>|>[^<]*</(?:\w+:)?f>)\s*"
    rb"(<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
IS_ERROR = re.compile(TAG + rb"""c\s[^<>]*?\bt=["']e["']""")
TEXT_FORMULA = re.compile(rb"""\bt=["']str["']""")
# What the reader takes for another value than it is, or for none, without a word.
VALUE = TAG + rb"v(?:\s[^<>]*)?>"
VALUE_END = b"v>"
TORN_VALUE = re.compile(VALUE + rb"[^<]*(?:<[!?]|</(?:\w+:)?v>\s*" + VALUE + rb")")
NO_INDEX = re.compile(
    TAG + rb"""c\s(?:[^<>]*?\s)?t=["']s["'][^<>]*>\s*""" + VALUE + rb"(?![0-9]+</)"
)
ENTITY = re.compile(
    TAG + rb"c(?=[\s>])([^<>]*)>\s*(?:" + TAG + rb"f(?:\s[^<>]*)?>[^<]*</(?:\w+:)?f>\s*)?"
    + VALUE + rb"[^<&]*&"
)  # fmt: skip
OTHER_ROW = re.compile(rb"^([0-9]+)\n(?:[A-Z]{1,3}\1\n)*+[A-Z]{1,3}+(?!\1$)", re.MULTILINE)
SHEET_DATA = re.compile(TAG + rb"sheetData[\s/>]")
EXCEL_ROWS = 1_048_576
CHUNK = MB // 4  # the masks that are made of a piece stay in the processor's cache
LARGE = MB // 2  # a packed file; for smaller ones a second process or numpy would not pay
LONGEST_TEXT = 4 * MB


class Package:
    """The zip of a workbook: each part comes out measured, and as XML without tricks."""

    def __init__(self, data: bytes, limits: Limits) -> None:
        self.limits = limits
        self.unpacked = 0
        self.zip = zipfile.ZipFile(io.BytesIO(data))
        found = self.zip.infolist()
        if len(found) > limits.zip_parts:
            raise Refused("too_many_parts", parts=len(found), limit=limits.zip_parts)
        self.parts = {info.filename.casefold(): info for info in found}
        if len(self.parts) < len(found) or len({i.header_offset for i in found}) < len(found):
            raise Refused("broken_workbook", detail="two parts of one name or one place")
        if any(info.flag_bits & 1 for info in found):
            raise Refused("encrypted")
        if any(i.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED} for i in found):
            raise Refused("broken_workbook", detail="a packing that workbooks do not use")
        if not {"xl/workbook.xml", "[content_types].xml"} <= set(self.parts):
            raise Refused("wrong_format")

    def pieces(self, part: str) -> Iterator[bytes]:
        """The content of `part`, measured; XML judged."""
        # Power Query keeps UTF-16 under customXml/ in honest workbooks; readers never open it.
        if not part.endswith(XML) or part.startswith("customxml/"):
            yield from self._inflated(part)
            return
        declared = None
        for piece in _at_tags(self._inflated(part)):
            declared = declared or ENCODING.match(piece)
            # calamine reads a sheet in UTF-16 as an empty one, without an error.
            if b"\0" in piece or (declared and declared[1].lower() not in {b"utf-8", b"us-ascii"}):
                raise Refused("broken_workbook", detail="a part that is not UTF-8")
            if b"<!" in piece and DECLARATION.search(piece):
                raise Refused("xml_dtd")
            yield piece

    def _inflated(self, part: str) -> Iterator[bytes]:
        limits, info, size = self.limits, self.parts[part], 0
        with self.zip.open(info) as stream:
            while chunk := stream.read(CHUNK):
                size += len(chunk)
                self.unpacked += len(chunk)
                is_bomb = size > MB and size > limits.zip_ratio * info.compress_size
                if is_bomb or size > limits.part_bytes or self.unpacked > limits.unpacked_bytes:
                    raise Refused("decompressed_too_large", megabytes=limits.unpacked_bytes // MB)
                yield chunk

    def tree(self, part: str) -> ElementTree.Element:
        """A small part as a tree."""
        text = b"".join(self.pieces(part))
        return ElementTree.fromstring(text)  # noqa: S314 - no DTD came through `pieces`

    def sheet_parts(self) -> dict[str, str]:
        """Part by sheet name, as the workbook's list and relations tell it: none of them twice."""
        targets = {
            relation.get("Id"): posixpath.normpath(
                posixpath.join("/xl", relation.get("Target", ""))
            )[1:].casefold()
            for relation in self.tree("xl/_rels/workbook.xml.rels")
        }
        found = []
        for element in self.tree("xl/workbook.xml").iter():
            if element.tag.endswith("}sheet"):
                ids = [value for key, value in element.items() if key.endswith("}id")]
                found.append((element.get("name", ""), targets.get(ids[0], "") if ids else ""))
        if len(found) > self.limits.sheets:
            raise Refused("too_many_sheets", sheets=len(found), limit=self.limits.sheets)
        # Readers find a sheet by its name: one of two would be read twice, the other never.
        if any(len(set(column)) < len(found) for column in zip(*found, strict=True)):
            raise Refused("broken_workbook", detail="two sheets of one name or one part")
        return dict(found)


def _at_tags(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces that end before a row or at least before a tag: no tag is split."""
    rest = b""
    for chunk in chunks:
        rest += chunk
        cut = rest.rfind(b"<row")
        cut = cut if cut > 0 else rest.rfind(b"<")
        if cut > 0:
            yield rest[:cut]
            rest = rest[cut:]
        elif len(rest) > LONGEST_TEXT:
            raise Refused("broken_workbook", detail="a text without an end")
    yield rest


@dataclass
class Tally:
    """What the XML of one sheet says before a library's word on it counts.

    `tidy` tells of a piece of the common form what the patterns would; it may know of none.
    """

    limits: Limits
    tidy: Callable[[bytes, int], Any] = lambda _piece, _above: None
    far_row: int = 0
    far_column: int = 0
    formulas_without_value: int = 0
    error_cells: int = 0
    tables: int = 0
    seen_rows: set[int] = field(default_factory=set)

    def see(self, piece: bytes) -> None:
        """Counts one piece, rows whole."""
        if found := self.tidy(piece, self.far_row):
            self.seen_rows.update(found.rows.tolist())
            self.reach(int(found.rows[-1]), found.far_column)
        else:
            self.look_through(piece)

    def reach(self, row: int, column: int) -> None:
        """Takes note of the farthest cell of a piece."""
        self.far_row = max(self.far_row, row)
        self.far_column = max(self.far_column, column)
        if self.far_row > EXCEL_ROWS:
            raise Refused("broken_workbook", detail="a row number beyond the last")
        fits(self.far_row, self.far_column, self.limits)

    def look_through(self, piece: bytes) -> None:
        """Counts one piece by patterns, whatever its form."""
        self.read_right(piece)
        addresses = ADDRESS.findall(piece)
        listed = b"\n".join(addresses)
        places = PLACE.findall(listed)
        rows = {int(row) for column, row in places if not column}
        if len(places) != len(addresses):
            raise Refused("broken_workbook", detail="a cell address that is none")
        if len(set(addresses)) < len(addresses) or not self.seen_rows.isdisjoint(rows):
            raise Refused("broken_workbook", detail="one cell or row twice")
        if OTHER_ROW.search(listed):
            raise Refused("broken_workbook", detail="a cell in a row that is not its own")
        self.seen_rows |= rows
        columns = {column for column, _ in places}
        self.reach(
            max(map(int, {row for _, row in places}), default=0),
            max(map(column_number, columns), default=0),
        )
        self.error_cells += len(IS_ERROR.findall(piece))
        # An empty value of a text formula is an empty text; of any other it was never computed.
        self.formulas_without_value += sum(
            not (value and TEXT_FORMULA.search(attributes))
            for attributes, value in FORMULA_ALONE.findall(piece)
        )

    def counts(self) -> dict[str, int]:
        """What is told of the sheet."""
        return {
            "formulas_without_value": self.formulas_without_value,
            "error_cells": self.error_cells,
        }

    def read_right(self, piece: bytes) -> None:
        """Refuses what no Excel writes and the reader takes for something else."""
        self.tables += len(SHEET_DATA.findall(piece))
        entities = ENTITY.findall(piece) if b"&" in piece else []
        if (
            self.tables > 1
            or (VALUE_END in piece and (TORN_VALUE.search(piece) or NO_INDEX.search(piece)))
            or not all(TEXT_FORMULA.search(attributes) for attributes in entities)
        ):
            raise Refused("broken_workbook", detail="a value that readers see differently")


def column_number(letters: bytes) -> int:
    """1 for A, 27 for AA."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number


def inspect(data: bytes, limits: Limits) -> list[Tally]:
    """Judges every part of the workbook; the tally of each sheet, in their order."""
    package = Package(data, limits)
    by_name = package.sheet_parts()
    if not by_name:
        raise Refused("no_sheet")
    judge = {"tidy": neighbour("tidy_xml").tidy} if len(data) >= LARGE else {}
    by_part = {part: Tally(limits, **judge) for part in by_name.values()}
    for part in package.parts:
        tally = by_part.get(part)
        for piece in package.pieces(part):
            if tally:
                tally.see(piece)
    return [by_part[part] for part in by_name.values()]


def read_workbook(data: bytes, limits: Limits, answer: Answer) -> None:
    """Every sheet of tables of an XLSX or XLS file, hidden ones too, in the workbook's order."""
    from python_calamine import CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum  # noqa: PLC0415

    verdict = judged(data, limits)
    opened: dict[str, Any] = {}
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        found = [meta for meta in book.sheets_metadata if meta.typ == SheetTypeEnum.WorkSheet]
        if found:  # reading it takes longest, and needs no verdict yet
            opened[found[0].name] = book.get_sheet_by_name(found[0].name)
    finally:
        tallies = verdict()
    if len({meta.name for meta in book.sheets_metadata}) < len(tallies):
        raise Refused("broken_workbook", detail="two sheets of one name")
    cells = 0
    for meta, tally in zip(book.sheets_metadata, tallies, strict=True):
        if meta.typ != SheetTypeEnum.WorkSheet:
            continue
        sheet = opened.pop(meta.name, None) or book.get_sheet_by_name(meta.name)
        far = sheet.end or (-1, -1)
        fits(far[0] + 1, far[1] + 1, limits)
        cells += (far[0] + 1) * (far[1] + 1)
        if cells > limits.cells:
            raise Refused("too_many_cells", rows=cells, columns=1, limit=limits.cells)
        answer.tables(
            iter(sheet.iter_rows()),
            # The reader leaves out empty columns on the left, though not the empty rows above.
            sheet.start[1] if sheet.start else 0,
            name=meta.name,
            hidden=meta.visible != SheetVisibleEnum.Visible,
            **tally,
        )


def judged(data: bytes, limits: Limits) -> Callable[[], list[dict[str, int]]]:
    """Judges a workbook; what is returned gives the verdict: what was counted in each sheet.

    A large file is judged in this process while another one, in which this function returns, lets
    the reader at it: that takes as long. It says nothing before it has the verdict, and when this
    process refuses the file it never will.
    """
    judge = inspect_old if data.startswith(OLE) else inspect
    if len(data) < LARGE or sys.platform == "win32":
        counted = [tally.counts() for tally in judge(data, limits)]
        return lambda: counted
    told, tell = os.pipe()
    reader = os.fork()
    if not reader:
        os.close(tell)
        return lambda: _verdict(told)
    os.close(told)
    try:
        counted = [tally.counts() for tally in judge(data, limits)]
    except BaseException:
        os.kill(reader, signal.SIGKILL)
        os.waitpid(reader, 0)
        raise
    with suppress(BrokenPipeError), open(tell, "wb", buffering=0) as pipe:
        pipe.write(json.dumps(counted).encode())
    status = os.waitstatus_to_exitcode(os.waitpid(reader, 0)[1])
    if status < 0:  # ends the way the reader did
        signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status)


def _verdict(pipe: int) -> list[dict[str, int]]:
    with open(pipe, "rb") as stream:
        said = stream.read()
    if not said:  # the judge died, and how it did is the answer
        os._exit(0)
    counted: list[dict[str, int]] = json.loads(said)
    return counted


def _plain(cell: Any, limits: Limits) -> Any:
    """Excel keeps every number as a float: a whole one is meant as an integer."""
    if type(cell) is float:
        if math.isnan(cell):
            return None
        return int(cell) if cell.is_integer() and abs(cell) < 1e15 else cell
    if type(cell) is str and len(cell) > limits.cell_chars:
        raise Refused("broken_workbook", detail="a text longer than Excel allows")
    return None if cell == "" else cell


# Old workbooks (.xls) ---------------------------------------------------------------------------

OLE = b"\xd0\xcf\x11\xe0"
DOCUMENTS = {  # what else is kept in compound files
    "worddocument": "Word (.doc)",
    "powerpoint document": "PowerPoint (.ppt)",
    "visiodocument": "Visio (.vsd)",
    "__properties_version1.0": "Outlook (.msg)",
}
OLD_COLUMNS = 256
BOF, EOF, FORMULA, BOOLERR, MULRK, MULBLANK = 0x809, 0x0A, 0x06, 0x205, 0xBD, 0xBE
FILEPASS, BOUNDSHEET, SST, CONTINUE, LABELSST = 0x2F, 0x85, 0xFC, 0x3C, 0xFD
CELLS = {FORMULA, BOOLERR, MULRK, MULBLANK, 0x201, 0x203, 0x204, 0x27E, 0xFD, 0xD6}


class Compound:
    """An OLE compound file: small files in chains of sectors."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        if len(data) < 1536 or struct.unpack_from("<H", data, 30)[0] not in {9, 12}:
            raise Refused("old_workbook")
        self.size = 1 << struct.unpack_from("<H", data, 30)[0]
        tables, directory, self.cutoff, self.mini = struct.unpack_from("<II4xII", data, 44)
        more, more_count = struct.unpack_from("<II", data, 68)
        places = list(struct.unpack_from("<109I", data, 76))
        tables = min(tables, len(data) // self.size)
        while more_count and more < 0xFFFFFFFA and len(places) < tables:
            *found, more = struct.unpack(f"<{self.size // 4}I", self.sector(more))
            places += found
        self.next = b"".join(self.sector(place) for place in places[:tables])
        entries = self.chain(directory)
        self.streams: dict[str, tuple[int, int]] = {}
        for at in range(0, len(entries) - 127, 128):
            length, kind = struct.unpack_from("<HB", entries, at + 64)
            name = entries[at : at + max(min(length, 64) - 2, 0)].decode("utf-16-le", "replace")
            if kind:
                start, size = struct.unpack_from("<II", entries, at + 116)
                self.streams.setdefault("" if kind == 5 else name.casefold(), (start, size))

    def sector(self, number: int) -> bytes:
        """One sector; the last of the file may be short, but not of a table of sectors."""
        found = self.data[(number + 1) * self.size : (number + 2) * self.size]
        if not found:
            raise Refused("broken_workbook", detail="a sector beyond the end")
        return found.ljust(self.size, b"\0")

    def chain(self, start: int) -> bytes:
        """The sectors from `start` on."""
        parts: list[bytes] = []
        number = start
        while number < 0xFFFFFFFA:
            if len(parts) > len(self.data) // self.size or 4 * number + 4 > len(self.next):
                raise Refused("broken_workbook", detail="a chain without an end")
            parts.append(self.sector(number))
            (number,) = struct.unpack_from("<I", self.next, 4 * number)
        return b"".join(parts)

    def stream(self, name: str) -> bytes:
        """The content of one stream."""
        start, size = self.streams[name]
        if size >= self.cutoff:
            found = self.chain(start)
        else:
            small, follow = self.chain(self.streams[""][0]), self.chain(self.mini)
            parts: list[bytes] = []
            number = start
            while number < 0xFFFFFFFA and len(parts) <= len(follow) // 4:
                parts.append(small[64 * number : 64 * number + 64])
                (number,) = struct.unpack_from("<I", follow, 4 * number)
            found = b"".join(parts)
        if len(found) < size:
            raise Refused("broken_workbook", detail="a stream cut short")
        return found[:size]


def records(stream: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """The records of one sheet or of the head, without those of charts inside."""
    depth = 0
    while True:
        if at + 4 > len(stream):
            raise Refused("broken_workbook", detail="a sheet without an end")
        kind, length = struct.unpack_from("<HH", stream, at)
        body = stream[at + 4 : at + 4 + length]
        if depth == 0 and kind != BOF:
            raise Refused("broken_workbook", detail="no sheet where one is said to be")
        depth += (kind == BOF) - (kind == EOF)
        if depth == 0:
            return
        if depth == 1:
            yield kind, body
        at += 4 + length


def inspect_old(data: bytes, limits: Limits) -> list[Tally]:
    """Judges an old workbook by its records; the tally of each sheet, in their order."""
    package = Compound(data)
    named = [name for name in ("workbook", "book") if name in package.streams]
    if not named:
        documents = [kind for name, kind in DOCUMENTS.items() if name in package.streams]
        raise Refused("other_file", kind=documents[0]) if documents else Refused("old_workbook")
    stream = package.stream(named[0])
    starts, texts, room, before = [], 0, 0, 0
    for kind, body in records(stream, 0):
        if kind == FILEPASS:
            raise Refused("encrypted")
        if kind == SST:
            texts = struct.unpack_from("<I", body, 4)[0]
        if kind == SST or (kind == CONTINUE and before == SST):
            room += len(body)
        before = SST if kind == CONTINUE and before == SST else kind
        if kind == BOUNDSHEET:
            starts.append(struct.unpack_from("<I", body)[0])
    if 3 * texts > room:
        raise Refused("broken_workbook", detail="more texts than there is room for")
    if not starts:
        raise Refused("no_sheet")
    if len(starts) > limits.sheets:
        raise Refused("too_many_sheets", sheets=len(starts), limit=limits.sheets)
    if len(set(starts)) < len(starts):
        raise Refused("broken_workbook", detail="two sheets at one place")
    return [_old_sheet(records(stream, start), texts, limits) for start in starts]


def _old_sheet(found: Iterator[tuple[int, bytes]], texts: int, limits: Limits) -> Tally:
    tally = Tally(limits)
    seen: dict[int, int] = {}  # row to the columns that hold a cell, as bits
    for kind, body in found:
        if kind not in CELLS:
            continue
        if kind == LABELSST and struct.unpack_from("<I", body, 6)[0] >= texts:
            raise Refused("broken_workbook", detail="a text that is not there")
        row, column = struct.unpack_from("<HH", body)
        last = struct.unpack_from("<H", body, len(body) - 2)[0] if kind in {MULRK, MULBLANK} else 0
        last = max(last, column)
        if last >= OLD_COLUMNS:
            raise Refused("broken_workbook", detail="a cell address that is none")
        taken = (2 << last) - (1 << column)
        if seen.get(row, 0) & taken:
            raise Refused("broken_workbook", detail="one cell twice")
        seen[row] = seen.get(row, 0) | taken
        tally.far_row = max(tally.far_row, row + 1)
        tally.far_column = max(tally.far_column, last + 1)
        # A formula's value is a number, or a kind: 2 an error, 3 an empty text or none at all.
        special = kind == FORMULA and body[12:14] == b"\xff\xff"
        tally.formulas_without_value += special and body[6] == 3
        tally.error_cells += (special and body[6] == 2) or (kind == BOOLERR and body[7] == 1)
    fits(tally.far_row, tally.far_column, limits)
    return tally


# Pages ------------------------------------------------------------------------------------------


def read_markup(data: bytes, limits: Limits, answer: Answer) -> None:
    """Every table of an HTML page, which comes as UTF-8."""
    markup = neighbour("markup")
    found = markup.tables(data.decode(), lambda rows, columns: fits(rows, columns, limits))
    if not found:
        raise Refused("not_a_table")
    if len(found) > limits.sheets:
        raise Refused("too_many_sheets", sheets=len(found), limit=limits.sheets)
    for number, (caption, rows) in enumerate(found, start=1):
        if any(cell and len(cell) > limits.cell_chars for row in rows for cell in row):
            raise Refused("cell_too_long", limit=limits.cell_chars)
        titled = [[caption], *rows] if caption else rows
        answer.sheet(titled, name=str(number), hidden=False)


# Parquet ----------------------------------------------------------------------------------------

BATCH_CELLS = 500_000  # as Python objects at one time


def read_parquet(data: bytes, limits: Limits, answer: Answer) -> None:
    """The columns' names, then the rows."""
    import pyarrow as pa  # noqa: PLC0415
    from pyarrow.parquet import ParquetFile  # noqa: PLC0415

    source = pa.BufferReader(data)
    footer = ParquetFile(source)
    meta, schema = footer.metadata, footer.schema_arrow
    nested = [column.name for column in schema if pa.types.is_nested(column.type)]
    if nested:
        raise Refused("nested_columns", columns=", ".join(nested[:3]))
    fits(meta.num_rows, meta.num_columns, limits)
    groups = [meta.row_group(i) for i in range(min(meta.num_row_groups, limits.row_groups + 1))]
    if meta.num_rows < 0 or len(groups) > limits.row_groups:
        raise Refused("broken_parquet", detail="counts that cannot be")
    unpacked = sum(group.total_byte_size for group in groups)
    ceiling = min(limits.unpacked_bytes, limits.parquet_ratio * len(data) + MB)
    if unpacked > ceiling:
        raise Refused("decompressed_too_large", megabytes=ceiling // MB)

    # Texts stay a dictionary: a file of 400 bytes may repeat 1 MB of text 50 000 times.
    texts = [
        column.path
        for column in map(meta.schema.column, range(meta.num_columns))
        if column.physical_type == "BYTE_ARRAY"
    ]
    file = ParquetFile(source, read_dictionary=texts)
    answer.say({"name": ""})
    answer.say([[name or None for name in file.schema_arrow.names]])
    read = 0
    # Each batch brings the whole dictionary of its texts along, so small batches would be slow.
    size = max(1, min(65_536, BATCH_CELLS // max(1, meta.num_columns)))
    for batch in file.iter_batches(batch_size=size, use_threads=False):
        batch.validate(full=True)
        read += batch.num_rows
        answer.say({"columns": [_column(column, answer) for column in batch.columns]})
    if read != meta.num_rows:
        raise Refused("broken_parquet", detail="fewer or more rows than the file says")


def _column(column: Any, answer: Answer) -> Any:
    """One column of a batch: its cells, or numbers of its texts, or days of one kind as texts."""
    import pyarrow as pa  # noqa: PLC0415

    kind = column.type
    if pa.types.is_dictionary(kind):
        texts = [text or None for text in column.dictionary.cast(pa.string()).to_pylist()]
        numbers = column.indices.to_pylist()
        lengths = [len(text or "") for text in texts]
        answer.check(sum(lengths[number] for number in numbers if number is not None))
        return {"texts": texts, "cells": numbers}
    if pa.types.is_fixed_size_binary(kind):
        column = column.cast(pa.binary()).cast(pa.string())
    # Nanoseconds would come as objects of pandas, which takes half a second to import.
    elif pa.types.is_timestamp(kind) and kind.unit == "ns":
        column = column.cast(pa.timestamp("us", kind.tz), safe=False)
    elif pa.types.is_duration(kind) and kind.unit == "ns":
        column = column.cast(pa.duration("us"), safe=False)
    cells = column.to_pylist()
    if pa.types.is_timestamp(kind):
        return {"kind": "datetime", "cells": [cell and tagged(cell)[1] for cell in cells]}
    return {"cells": cells}


# The process ------------------------------------------------------------------------------------


def bound(limits: Limits) -> None:
    """Lets the operating system stop what no check foresaw. Windows knows only the wall clock."""
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415

    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_seconds, limits.cpu_seconds + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    if sys.platform == "linux":
        with open("/proc/self/statm", encoding="ascii") as statm:
            taken = int(statm.read().split()[0]) * resource.getpagesize()
        allowed = taken + limits.memory_bytes
        resource.setrlimit(resource.RLIMIT_AS, (allowed, allowed))


def main(kind: str, limits: Limits) -> None:
    """Reads one file of `kind` from stdin and answers on stdout."""
    # Libraries come before the bound, so that it measures the file and not them.
    if kind == "parquet":
        import pyarrow.parquet  # noqa: F401, PLC0415
    elif kind == "workbook":
        import python_calamine  # noqa: F401, PLC0415
    bound(limits)
    gc.disable()  # what lives as long as the file is no garbage, and looking for it takes its time
    readers = {"parquet": read_parquet, "workbook": read_workbook, "markup": read_markup}
    read = readers[kind]
    answer = Answer(limits)
    try:
        read(sys.stdin.buffer.read(), limits, answer)
    except Refused as no:
        last: dict[str, Any] = {"refused": no.code, "values": no.values}
    except MemoryError:
        last = {"refused": "out_of_memory", "values": {"megabytes": limits.memory_bytes // MB}}
    # Readers raise two dozen kinds of errors; a file that raises any of them is broken.
    except Exception as error:  # the kind is named, the text may quote the file
        last = {"refused": f"broken_{kind}", "values": {"detail": type(error).__name__}}
    else:
        last = {"done": True}
    sys.stdout.buffer.write(json.dumps(last).encode() + b"\n")


if __name__ == "__main__":
    main(sys.argv[1], Limits(**json.loads(sys.argv[2])))
