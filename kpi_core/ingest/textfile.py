"""Bytes of a text file as rows of cells: encoding, delimiter, quotes.

Readers that guess lose rows without a word, so this one is strict: the whole file must decode,
and quotes must close. Which encoding and delimiter were taken is told, not hidden.
"""

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, cast

from kpi_core.errors import IngestError
from kpi_core.ingest.rows import SheetRows
from kpi_core.ingest.sections import LOOK_AHEAD, count_known
from kpi_core.limits import LIMITS

if TYPE_CHECKING:
    import _csv

# This file runs in the server itself, so what it takes at once is kept small.
MAX_BYTES = LIMITS.text_megabytes << 20
MAX_COLUMNS = LIMITS.columns
MAX_CELL = 32_767  # the longest cell Excel can hold
MAX_CELLS = LIMITS.text_cells
_BATCH = 1_000  # rows that are put into columns at one time

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MARKUP = re.compile(r"\s*(<!doctype|<html|<table|<meta|<\?xml|[\[{]\s*[\"{\[])", re.I)
_SEP = re.compile(r"sep=(.)\r?\n")  # Meta Business Suite
_FIGURE = re.compile(r'"?[-+]?\d[\d.,:%-]*"?')  # as machines write it, without spaces
_KNOWN = set("ёЁ №«»–—…°€₽\u00a0\u202f’“”")


@dataclass(frozen=True)
class TextRows:
    """A text file as rows; `guessed` says that the encoding is a best guess."""

    rows: Sequence[Sequence[str]]
    encoding: str
    delimiter: str
    guessed: bool


def read_text(data: bytes, known: frozenset[str] = frozenset()) -> TextRows:
    """The rows of a delimited text file; `known` headings tell which sign delimits.

    Raises:
        IngestError: it is empty, binary, markup, of no known encoding, or its quotes do not close.
    """
    if not data.strip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0"):
        raise IngestError("empty_file")
    if len(data) > MAX_BYTES:
        raise IngestError("file_too_large", megabytes=MAX_BYTES >> 20)
    text, encoding, guessed = decoded(data)
    if _MARKUP.match(text):
        raise IngestError("not_a_table")
    if "\0" in text:  # a file half written ends in zeros: its rows are not all here
        raise IngestError("binary_file")
    text = text.replace("\ufeff", "")  # files put one after another have a mark within
    delimiter = None
    if found := _SEP.match(text):
        delimiter, text = found[1], text[found.end() :]
    csv.field_size_limit(MAX_CELL)
    delimiter = delimiter or _delimiter(text, known)
    rows = cast("Sequence[Sequence[str]]", _rows(text, delimiter))
    return TextRows(rows, encoding, delimiter, guessed)


def has_sep_line(data: bytes) -> bool:
    """Whether the first line only names the delimiter, and so is no record."""
    return bool(_SEP.match(decoded(data)[0]))


def has_headings(data: bytes, known: frozenset[str]) -> bool:
    """Whether a text that could not be read is about a table at all: a heading stands in it."""
    try:
        text = decoded(data[:200_000])[0]
    except IngestError:
        return True
    lines = text.splitlines()[:300]
    rows = [[cell.strip(' "') for cell in re.split(r"[,;\t|]", line)] for line in lines]
    return any(count_known(row, known) for row in rows)


def decoded(data: bytes, declared: str | None = None) -> tuple[str, str, bool]:
    """The text, its encoding, and whether that is a guess.

    `declared` is what the file says of itself: believed unless it is UTF-8 all the same.
    """
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            try:
                return data.decode(encoding), encoding, False
            except UnicodeDecodeError:
                raise IngestError("bad_encoding") from None
    nulls = data[:4096].count(0)
    if nulls * 5 > len(data[:4096]):
        big = data[0:4096:2].count(0) > data[1:4096:2].count(0)
        encoding = "utf-16-be" if big else "utf-16-le"
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            raise IngestError("binary_file") from None
        if not text.isprintable() and sum(ord(c) < 9 for c in text[:4096]):
            raise IngestError("binary_file")
        return text, encoding, True
    if sum(byte < 9 for byte in data[:4096]) * 50 > len(data[:4096]):
        raise IngestError("binary_file")
    try:
        return data.decode("utf-8"), "utf-8", False
    except UnicodeDecodeError:
        pass
    try:
        if declared:
            return data.decode(declared), declared, False
    except UnicodeDecodeError:
        pass
    return *_cyrillic(data), True


def _cyrillic(data: bytes) -> tuple[str, str]:
    """Old Cyrillic code pages, told apart by which letters come out.

    Small letters dominate in real words, and a capital never follows a small one.
    """
    # A sign alone is a dash or a space between digits more often than a word.
    runs = re.findall(rb"[\x80-\xff]{2,}", data)
    if not runs and set(_signs(data, "cp1251")) <= _KNOWN:
        return data.decode("cp1251"), "cp1251"
    words = b" ".join(runs or re.findall(rb"[\x80-\xff]", data))[:100_000]
    best: tuple[float, str, str] | None = None
    for encoding in ("cp1251", "koi8-r", "cp866", "mac_cyrillic"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        high = words.decode(encoding).replace(" ", "")
        small = sum("а" <= sign <= "я" or sign == "ё" for sign in high)
        odd = sum(not ("а" <= sign.lower() <= "я" or sign in _KNOWN) for sign in high)
        inner = len(re.findall("[а-яё][А-ЯЁ]", words.decode(encoding)))
        score = (small - 3 * odd - 4 * inner) / max(len(high), 1)
        if best is None or score > best[0]:
            best = (score, text, encoding)
    if best is None or best[0] < 0.3:
        raise IngestError("bad_encoding")
    return best[1], best[2]


def _signs(data: bytes, encoding: str) -> str:
    """The signs of `data` that are not ASCII."""
    return b"".join(re.findall(rb"[\x80-\xff]", data)).decode(encoding, "replace")


def _delimiter(text: str, known: frozenset[str]) -> str:
    """The sign that brings out the most known headings in a row.

    Else the one that cuts the most lines into the same number of cells, two at least: decimal
    commas alone cut well too.
    """
    sample = [line for line in text.lstrip()[:200_000].splitlines()[:300] if line.strip()]
    best: tuple[int, float, str] = (0, 0.0, ",")
    for sign in ",;\t|":
        try:
            rows = [row for row in csv.reader(sample, delimiter=sign) if len(row) > 1]
        except csv.Error:  # a cell beyond all limits
            continue
        if not rows:
            continue
        headings = max(count_known(row, known) for row in rows[:LOOK_AHEAD])
        width, times = Counter(map(len, rows)).most_common(1)[0]
        best = max(best, (headings, times + min(width, 20) / 100, sign))
    return best[2]


def _rows(text: str, delimiter: str) -> SheetRows:
    """All rows: many at a time, as long as nothing about them is odd."""
    most = 1 + sum(map(text.count, (delimiter, "\n", "\r")))  # cells
    plain = _plain_rows(text, delimiter) if most <= MAX_CELLS else None
    if plain is not None:
        return plain
    rows, judged = SheetRows(), _judged(text, delimiter)
    while batch := list(islice(judged, _BATCH)):
        rows.extend(batch)
    return rows


def _plain_rows(text: str, delimiter: str) -> SheetRows | None:
    """The rows of a text without faults whose rows are its lines; ``None`` of any other."""
    rows = SheetRows()
    reader = _reader(text, delimiter)
    try:
        while batch := list(islice(reader, _BATCH)):
            rows.extend(batch)
            if reader.line_num > len(rows) or max(map(len, batch)) > MAX_COLUMNS:
                return None
    except csv.Error:
        return None
    return rows


def _judged(text: str, delimiter: str) -> Iterator[list[str]]:
    """The same rows, one at a time: an error names its line."""
    before: list[str] | None = None
    cells, line = 0, 0
    reader = _reader(text, delimiter)
    try:
        for n, row in enumerate(reader):
            cells += len(row) or 1
            if len(row) > MAX_COLUMNS:
                raise IngestError("too_many_columns", columns=len(row), limit=MAX_COLUMNS)
            if cells > MAX_CELLS:
                raise IngestError("too_many_cells", rows=n, columns=len(row), limit=MAX_CELLS)
            if reader.line_num > line + 2 and _swallowed(row, before, delimiter):
                raise IngestError("broken_quotes", line=line + 1)
            line = reader.line_num
            before = row
            yield row
    except csv.Error:
        raise IngestError("broken_quotes", line=reader.line_num) from None


def _reader(text: str, delimiter: str) -> "_csv.Reader":
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)


def _swallowed(row: list[str], before: list[str] | None, delimiter: str) -> bool:
    """Whether a cell of `row` holds whole rows: two stray quotes make a text of all between them.

    A line within a cell is a row if it has as many cells as the row before, and a figure in one.
    """
    width = len(row if before is None else before)
    lines = [line for cell in row for line in cell.splitlines()[1:-1]]
    parts = [line.split(delimiter) for line in lines]
    return width > 1 and any(
        len(cells) == width and any(_FIGURE.fullmatch(cell) for cell in cells) for cells in parts
    )
