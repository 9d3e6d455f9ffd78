"""The child process that reduces large tables: a CSV or Parquet file comes in, its sums come out.

Run as a script by ``bulk.py``: the job as JSON on stdin; on stdout an Arrow stream and, as the last
line, a JSON object that says ``done``, ``doubts`` or ``refused``. Without that line the child died.

DuckDB does the adding and is not believed blindly. Our own pass over the bytes goes beside it: it
proves where quotes stand, counts the records, and must agree with the count of what was added up.
Nothing leaves this process before it is through.
A number is added only if its text is spelled the plain way, so that nothing is guessed in it.

It imports nothing of the project. No text of the file and none of its headings becomes SQL.
"""

import codecs
import csv
import gc
import json
import os
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

MB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """What one file may cost. A file over a limit is refused by name, never cut."""

    columns: int = 1_000
    line_bytes: int = MB  # of one record; quotes that never close end here
    groups: int = 500_000  # rows of a reduced table: the parent judges each
    sessions: int = 20_000_000  # rows of reduced events or records, which travel as numbers
    row_groups: int = 10_000
    parquet_ratio: int = 1_000  # runs of equal values are packed harder than text
    buffer_bytes: int = 12 * MB  # DuckDB's piece of a text file; its own choice takes 100 MB more
    engine_bytes: int = 512 * MB  # what DuckDB keeps before it goes to disk
    memory_bytes: int = 2048 * MB  # of addresses, on top of what the child takes before it reads
    disk_bytes: int = 8192 * MB
    result_bytes: int = 1024 * MB
    threads: int = 2
    cpu_seconds: int = 120
    wall_seconds: float = 180


class Refused(Exception):  # noqa: N818 - an answer, not a fault
    """The file is not read: `code` says why, in the words of ``errors.toml``."""

    def __init__(self, code: str, **values: str | int) -> None:
        super().__init__(code)
        self.code = code
        self.values = values


# Text: our own pass over the bytes ------------------------------------------------------------

CHUNK = 512 << 10  # stays in the processor's cache while its bits are made
CARRY = 64  # bytes of the chunk before, kept in front of each: as many as a word of bits tells of
LF, CR, QUOTE, MINUS = 10, 13, 34, 45
DECIMALS = 6  # of a plain figure
BOM = codecs.BOM_UTF8
PLAIN_UTF8 = frozenset({"utf-8", "utf-8-sig"})


@dataclass
class Look:
    """What the bytes of a text file say before DuckDB sees them.

    Attributes:
        records: their number, blank lines included; a last one may lack its line end.
        blank: lines without a byte; DuckDB leaves them out, so does every count.
        delimiters: outside quotes, as all that follow: line feeds, carriage returns, pairs of both.
    """

    records: int = 0
    blank: int = 0
    delimiters: int = 0
    line_feeds: int = 0
    returns: int = 0
    pairs: int = 0


class Looker:
    """Goes over UTF-8 records once, in chunks, and proves that their quotes can be read in one way.

    Quotes are proven, not guessed: an opening one stands behind a delimiter or a line end, a
    closing one before such. Where that holds for all, "inside" is simply: behind an odd quote.
    """

    def __init__(
        self, delimiter: str, skipped: int, limits: Limits, proof: "Proof | None" = None
    ) -> None:
        import numpy  # noqa: PLC0415

        self.np = numpy
        self.proof = proof
        self.limits = limits
        self.sign = ord(delimiter)
        self.skipped = skipped  # records above, for the numbers of lines
        self.found = Look()
        self.inside = False
        self.closed = False  # the last byte was a quote that closes, or the first of a doubled one
        self.since = 0  # bytes since the last record end
        self.decoder = codecs.getincrementaldecoder("utf-8")()
        self.mask = numpy.zeros(-(-CHUNK // 64) * 64, numpy.bool_)  # made once, for bits of words

    def run(self, path: Path, offset: int) -> Look:
        """The file from the byte `offset` to its end."""
        buffer = bytearray(CARRY + CHUNK)
        buffer[:CARRY] = b"x\n".rjust(CARRY)  # the first byte stands behind a line end
        view = memoryview(buffer)
        last = b""
        with path.open("rb", buffering=0) as stream:
            stream.seek(offset)
            while size := stream.readinto(view[CARRY:]):
                self.see(buffer, size)
                last = bytes(buffer[CARRY + size - 1 : CARRY + size])
                buffer[:CARRY] = buffer[size : size + CARRY]
        found = self.found
        if self.decoder.getstate() != (b"", 0):
            raise Refused("bad_encoding")
        if self.inside:
            raise Refused("broken_quotes", line=self.line())
        if found.returns and not found.returns == found.pairs == found.line_feeds:
            raise Refused("mixed_newlines")
        if last and last != b"\n":
            found.records += 1
            if self.proof:
                self.proof.holds &= last.decode("latin-1") != self.proof.point
        return found

    def line(self, more: int = 0) -> int:
        """The number of the record behind those that ended, and `more` of this chunk."""
        return self.skipped + self.found.records + int(more) + 1

    def see(self, buffer: bytearray, size: int) -> None:
        """One chunk of `size` bytes, behind the last two bytes of the one before."""
        np, found = self.np, self.found
        here = np.frombuffer(buffer, np.uint8, size, CARRY)
        last = buffer[CARRY - 1]
        if here.max() > 127 or self.decoder.getstate() != (b"", 0):
            try:
                self.decoder.decode(memoryview(buffer)[CARRY : CARRY + size])
            except UnicodeDecodeError:
                raise Refused("bad_encoding") from None
        if here.min() == 0:
            above = np.count_nonzero(here[: here.argmin()] == LF)
            raise Refused("null_byte", line=self.line(above))
        feeds, signs, quotes = (self._bits(here, sign) for sign in (LF, self.sign, QUOTE))
        has_returns = buffer.find(b"\r", 0, CARRY + size) >= 0  # most files have none
        returns = self._bits(here, CR) if has_returns else np.zeros_like(feeds)
        if self.inside or self.closed or quotes.any():
            self._leave_quoted((feeds, returns, signs), quotes, last, size)
        found.delimiters += self._count(signs)
        if self.proof and self.proof.holds:
            self.proof.see(buffer, size, feeds, signs, returns | quotes)
        if has_returns:
            found.returns += self._count(returns)
            pairs = feeds & _behind(returns, last == CR)
            found.pairs += self._count(pairs)
            edge = (last == LF) << 1 | (buffer[CARRY - 2] == LF)
            found.blank += self._count(pairs & _behind(feeds, edge, 2))
        ended = np.flatnonzero(feeds)
        if not len(ended):
            self.since += size
        else:
            found.blank += self._count(feeds & _behind(feeds, last == LF))
            found.line_feeds += self._count(feeds)
            found.records = found.line_feeds
            word = int(ended[-1])
            self.since = size - 64 * word - int(feeds[word]).bit_length()
        if self.since > self.limits.line_bytes:
            code = "broken_quotes" if self.inside else "line_too_long"
            raise Refused(code, line=self.line())

    def _bits(self, here: Any, sign: int) -> Any:
        """Where a sign stands, a bit for each byte: what follows has an eighth to go over."""
        self.np.equal(here, sign, out=self.mask[: len(here)])
        self.mask[len(here) :] = False
        return self.np.packbits(self.mask, bitorder="little").view("<u8")

    def _count(self, bits: Any) -> int:
        return int(self.np.bitwise_count(bits).sum())

    def _leave_quoted(self, outside: Sequence[Any], quotes: Any, last: int, size: int) -> None:
        """Takes what stands within quotes out of the bits, once each quote is proven.

        Wrong is a quote within a bare cell, and any sign behind a quoted one.
        """
        np = self.np
        feeds, returns, signs = outside
        inside = _odd(self.np, quotes, self.inside)
        edges = feeds | returns | signs | quotes
        closing, opening = quotes & ~inside, quotes & inside
        # Behind a closing quote stands an edge or a second quote; perhaps in the next chunk.
        wrong = _behind(closing, self.closed) & ~edges
        # Before an opening one stands an edge, or the quote that it doubles.
        wrong |= opening & ~_behind(edges, last in {LF, CR, QUOTE, self.sign})
        for bits in outside:
            np.bitwise_and(bits, ~inside, out=bits)
        _cut(wrong, size)
        if wrong.any():
            word = int(np.argmax(wrong != 0))
            before = (int(wrong[word]) & -int(wrong[word])) - 1  # all bits below the first
            ends = self._count(feeds[:word]) + (int(feeds[word]) & before).bit_count()
            raise Refused("broken_quotes", line=self.line(ends))
        word, bit = divmod(size - 1, 64)
        self.inside = bool(int(inside[word]) >> bit & 1)
        self.closed = bool(int(quotes[word]) >> bit & 1) and not self.inside


class Proof:
    """Proves, beside a `Looker`, that the cells of some columns are plain figures or empty.

    A plain figure is digits, perhaps behind a minus. In a column with a decimal mark, that mark may
    stand between digits, with at most `DECIMALS` behind it. What is plain DuckDB reads in one way
    or not at all (``1-2``, twenty digits); what it would read, but guess or round (``1e3``, ``+5``,
    ``0x1f``, ``1_000``, ``.5``), is not plain. All records must be as wide as the headings.

    Which column a byte stands in is counted in binary, for 64 bytes at once: a row of bits for each
    digit of the column's number. A delimiter adds one, a line feed must find the last column and
    goes back to the first.
    """

    def __init__(self, marks: dict[int, str], width: int) -> None:
        """`marks`: the decimal mark of each such column, if it has any; they share one."""
        import numpy  # noqa: PLC0415

        self.np = numpy
        self.holds = True  # so far
        self.last = width - 1
        self.point = max(marks.values())
        self.figures = frozenset(marks)
        self.whole = frozenset(at for at, mark in marks.items() if not mark)
        self.column = [False] * self.last.bit_length()  # binary, where the next chunk begins
        self.mask = numpy.zeros((1 + -(-CHUNK // 64)) * 64, numpy.bool_)  # for bits of words
        self.less = numpy.zeros(CARRY + CHUNK, numpy.uint8)
        numpy.empty(16 * MB, numpy.uint8)  # from its release on glibc keeps arrays of our size

    def see(self, buffer: bytearray, size: int, feeds: Any, signs: Any, quotes: Any) -> None:
        """One chunk of `size` bytes behind `CARRY` others.

        `feeds`, `signs`: the bits of line feeds and delimiters, outside quotes; `quotes`: those of
        other bytes that are no part of a figure.
        """
        np = self.np
        seen = np.frombuffer(buffer, np.uint8, CARRY + size)
        columns = self._columns(feeds, signs, size)
        figures, whole, last = (
            self._among(columns, span) for span in (self.figures, self.whole, {self.last})
        )
        self.holds &= not (signs & last).any()
        digits = self._bits(np.less, np.subtract(seen, 48, out=self.less[: len(seen)]), 10)
        points = self._bits(np.equal, seen, ord(self.point)) if self.point else digits & 0
        torn = ~(digits | points | self._bits(np.equal, seen, MINUS))
        before = _behind(digits, 0)
        many = digits & before
        for more in (2, 3):  # to seven in a row
            many &= _behind(many, 0, more)
        wrong = points & ~before | _behind(points, 0) & ~digits
        wrong |= _behind(points, 0, DECIMALS + 1) & many
        torn, wrong, points = (bits[CARRY // 64 :] for bits in (torn, wrong, points))
        wrong = figures & (torn & ~(feeds | signs | quotes) | wrong) | whole & points
        _cut(wrong, size)
        self.holds &= not wrong.any()

    def _bits(self, test: Any, seen: Any, value: int) -> Any:
        test(seen, value, out=self.mask[: len(seen)])
        return self.np.packbits(self.mask, bitorder="little").view("<u8")

    def _columns(self, feeds: Any, signs: Any, size: int) -> list[Any]:
        """The digits of the column of each byte, the lowest first.

        A delimiter or line end belongs to the cell before it.
        """
        found = []
        carried = signs  # what adds one to the digit
        word, bit = divmod(size - 1, 64)
        for n, before in enumerate(self.column):
            is_one = self.last >> n & 1
            behind = _odd(self.np, carried | feeds if is_one else carried, before)
            digit = _behind(behind, before)
            self.holds &= not (feeds & ~digit if is_one else feeds & digit).any()
            self.column[n] = bool(int(behind[word]) >> bit & 1)
            carried = carried & digit
            found.append(digit)
        return found

    def _among(self, digits: Sequence[Any], numbers: Collection[int]) -> Any:
        """The bytes whose number, of such digits, is one of some."""
        if not numbers or len(numbers) == 1 << len(digits):
            return self.np.uint64(-bool(numbers) % (1 << 64))
        half = 1 << len(digits) - 1
        low = self._among(digits[:-1], {n for n in numbers if n < half})
        high = self._among(digits[:-1], {n - half for n in numbers if n >= half})
        return digits[-1] & high | ~digits[-1] & low


def _odd(np: Any, bits: Any, before: bool) -> Any:
    """The bytes at or behind an odd number of bits, those of the chunks `before` too."""
    odd = bits.copy()
    for by in (1, 2, 4, 8, 16, 32):  # each bit becomes the parity of all up to it in its word
        odd ^= odd << by
    ends = odd >> 63
    ends[0] ^= before
    passed = np.bitwise_xor.accumulate(ends)  # behind each word
    odd[1:] ^= -passed[:-1]  # all bits of a word, if that is odd
    if before:
        odd[0] = ~odd[0]
    return odd


def _cut(bits: Any, size: int) -> None:
    """Clears the bits behind the last of `size` bytes."""
    word, bit = divmod(size, 64)
    if bit:
        bits[word] &= (1 << bit) - 1
    bits[word + bool(bit) :] = 0


def _behind(bits: Any, edge: int, by: int = 1) -> Any:
    """The bits of a chunk moved to the bytes behind; `edge`: the bits of the chunk before."""
    moved = bits << by
    moved[1:] |= bits[:-1] >> (64 - by)
    moved[0] |= int(edge)
    return moved


@dataclass(frozen=True)
class Head:
    """What stands above the data: its lines and bytes; `plain`: a line of it is a record.

    `returns`: its lines end in a carriage return and a line feed; none if they differ.
    """

    lines: int
    size: int
    plain: bool
    returns: bool | None


def head_of(path: Path, delimiter: str, skip: int) -> Head:
    """The first `skip` records of a UTF-8 file, read by the standard library."""
    taken: list[bytes] = []

    def lines() -> Iterator[str]:
        with path.open("rb") as stream:
            while line := stream.readline(MB):
                taken.append(line)
                yield line.decode("utf-8-sig" if len(taken) == 1 else "utf-8")

    reader = csv.reader(lines(), delimiter=delimiter, strict=True)
    odd = False
    for number in range(1, skip + 1):
        try:
            row = next(reader, None)
        except UnicodeDecodeError:
            raise Refused("bad_encoding") from None
        except csv.Error:
            lone = b"\r" in taken[-1].rstrip(b"\r\n")
            raise Refused("mixed_newlines" if lone else "broken_quotes", line=number) from None
        if row is None:
            raise Refused("no_headings", columns="")
        odd |= any('"' in cell for cell in row)
    ends = {line.endswith(b"\r\n") for line in taken}
    returns = ends.pop() if len(ends) == 1 else None
    return Head(len(taken), sum(map(len, taken)), len(taken) == skip and not odd, returns)


def to_utf8(source: Path, target: Path, encoding: str) -> None:
    """Writes `source` anew as UTF-8, piece by piece; every byte must decode."""
    decoder = codecs.getincrementaldecoder(encoding)()
    with source.open("rb") as given, target.open("wb") as out:
        try:
            while chunk := given.read(MB):
                out.write(decoder.decode(chunk).encode())
            out.write(decoder.decode(b"", final=True).encode())
        except UnicodeError:
            raise Refused("bad_encoding") from None


# What the two kinds of files have in common -----------------------------------------------------


def quoted(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


SPACE = (
    " \t\r\n\x0b\x0c\x1c\x1d\x1e\x1f\x85\xa0\u2007\u202f\u3000"  # what Python strips, nearly all
)


class Sql:
    """What engines spell in ways of their own, as DuckDB spells it.

    All that is asked of a table is written once, over this; another engine overrides the words in
    which it differs, and so is asked the same question. What takes a cell takes the SQL for it.
    """

    def literal(self, text: str) -> str:
        """A text of ours as a literal."""
        return quoted(text)

    def listed(self, texts: Sequence[str]) -> str:
        """Texts of ours as literals with commas between."""
        return ", ".join(map(self.literal, texts))

    def starts(self, cell: str, start: str) -> str:
        """Whether a text starts with another one."""
        return f"starts_with({cell}, {start})"

    def ends(self, cell: str, end: str) -> str:
        """Whether a text ends with another one."""
        return f"ends_with({cell}, {end})"

    def matches(self, cell: str, pattern: str) -> str:
        """Whether a pattern matches the whole of a text."""
        return f"regexp_full_match({cell}, '{pattern}')"

    def bare(self, cell: str) -> str:
        """A text without white space around it; nothing if that is all."""
        return f"NULLIF(trim({cell}, {self.literal(SPACE)}), '')"

    def epoch_day(self, cell: str, between: str) -> str:
        """The day of a count of seconds since 1970 or of parts of them, its numbers parted so."""
        time = f"make_timestamp(CAST(rpad({cell}, 16, '0') AS BIGINT))"
        return f"strftime({time}, '%Y{between}%m{between}%d')"

    def inexact(self, cell: str) -> str:
        """A float that is no short decimal, as what is added."""
        return f"CAST({cell} AS DOUBLE)"

    def total(self, number: str) -> str:
        """The exact sum of numbers."""
        return f"sum({number})"

    def first(self, cell: str, filled: str) -> str:
        """Of the cells of a group that are filled, the one that stands first."""
        return f"arg_min({cell}, row) FILTER (WHERE {filled})"

    def place(self) -> str:
        """Where in the table a record stands."""
        return "row_number() OVER ()"


class Relation(ABC):
    """A table that is asked in SQL, unless told otherwise of the DuckDB in this process."""

    sql = Sql()

    @property
    @abstractmethod
    def rows(self) -> int:
        """How many records there are, counted by other means than the sums."""

    @abstractmethod
    def kind(self, at: int) -> str:
        """What the cells of a column are: text, whole, decimal, float, date, time or other.

        A figure: numbers that were read from text, small enough to be exact.
        """

    @abstractmethod
    def cell(self, at: int) -> str:
        """The SQL for a cell of a column."""

    @abstractmethod
    def relation(self, con: Any, wanted: Sequence[int]) -> str:
        """The SQL for the records, of which columns are wanted."""

    @abstractmethod
    def unchanged(self) -> bool:
        """Whether the table is still the one that was looked at."""

    def fill(self, con: Any, statement: str) -> None:
        """Puts what a statement finds into the table ``reduced``."""
        con.execute("DROP TABLE IF EXISTS reduced")
        con.execute(f"CREATE TEMP TABLE reduced AS {statement}")

    def told(self, con: Any, statement: str) -> tuple[Any, ...]:
        """The one row that a statement finds."""
        row: tuple[Any, ...] = con.execute(statement).fetchall()[0]
        return row


Found = TypeVar("Found")


class Looking(Generic[Found]):
    """Our own pass over the file, in a thread of its own."""

    def __init__(self, look: Callable[[], Found]) -> None:
        self.look = look
        self.outcome: Found | BaseException = MemoryError()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            self.outcome = self.look()
        except BaseException as error:  # raised again by whoever asks for the outcome
            self.outcome = error

    def found(self) -> Found:
        """What it found, once it is through.

        Raises:
            Refused: the bytes cannot be read in one way only.
        """
        self.thread.join()
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome


def marks_of(job: dict[str, Any]) -> dict[int, str]:
    """The decimal marks, if any, of the columns that are added and nothing else.

    No column at all where they have different marks: DuckDB reads a file with one.
    """
    uses = job.get("uses", ())
    others = {use["at"] for use in uses if use["use"] != "sum"}
    marks: dict[int, str] = {}
    for use in uses:
        if use["use"] == "sum" and use["at"] not in others:
            marks.setdefault(use["at"], use.get("mark") or "")
    found = {*marks.values()} - {""}
    return marks if len(found) < 2 and job["delimiter"] not in found else {}


class TextFile(Relation):
    """A delimited text file as a relation of text columns ``c0`` to ``cN``."""

    def __init__(self, job: dict[str, Any], limits: Limits) -> None:
        self.limits = limits
        self.given = Path(job["paths"][0])
        self.delimiter: str = job["delimiter"]
        self.width: int = job["width"]
        self.skip: int = job["skip"]
        self.folder = Path(job["folder"])
        self.before = os.stat(self.given)
        self.path = self.given
        if job["encoding"] not in PLAIN_UTF8:
            self.path = self.folder / "text"
            to_utf8(self.given, self.path, job["encoding"])
        self.head = head_of(self.path, self.delimiter, self.skip)
        self.whole = self.path, self.head.size  # where the data lie, though the head be cut off
        # DuckDB waits for our own pass no longer than it takes to tell the line ends. While both
        # are at it, numpy and DuckDB let each other run.
        self.marks = marks_of(job)
        self.trusting = False  # whether DuckDB is to read those columns as numbers
        self.proof = Proof(self.marks, self.width) if self.marks else None
        looker = Looker(self.delimiter, self.skip, limits, self.proof)
        self.looking = Looking(lambda: looker.run(*self.whole))
        ends = self._first_end()
        if ends is None:
            found = self.looking.found()
            ends = found.returns > 0 if found.line_feeds else bool(self.head.returns)
        self.returns = ends
        if not self.head.plain or self.head.returns is not self.returns:
            self._cut_head()

    @property
    def rows(self) -> int:
        """How many records there are, of the width of the headings; waits for our own pass."""
        found = self.looking.found()
        rows = found.records - found.blank
        if found.delimiters != rows * (self.width - 1):
            self.check_widths()
        return rows

    def _first_end(self) -> bool | None:
        """Whether the first line of the data ends in a carriage return and a line feed.

        Unknown where that line end may stand within quotes. Elsewhere it is the end of a record,
        and a file whose records end in two ways is refused by our own pass.
        """
        path, offset = self.whole
        with path.open("rb") as stream:
            stream.seek(offset)
            line = stream.readline(self.limits.line_bytes)
        if not line.endswith(b"\n") or line.count(b'"') % 2:
            return None
        return line.endswith(b"\r\n")

    def _cut_head(self) -> None:
        """DuckDB skips lines, not records; heads where that differs are cut off in a copy."""
        rest = self.folder / "rest"
        with self.path.open("rb") as whole, rest.open("wb") as out:
            whole.seek(self.head.size)
            while chunk := whole.read(MB):
                out.write(chunk)
        self.path, self.head = rest, Head(0, 0, plain=True, returns=None)

    def is_plain(self, *, wholly: bool) -> bool:
        """Whether the columns of `marks` hold plain figures: wholly, or as far as was looked."""
        if wholly:
            self.looking.found()
        return self.proof is not None and self.proof.holds

    def check_widths(self) -> None:
        """Refuses the first record that is not as wide as the headings, blank cells aside.

        Slow and plain: called only when the counts say that there is one.
        """
        csv.field_size_limit(2 * self.limits.line_bytes)
        path, offset = self.whole
        with path.open("rb") as stream:
            stream.seek(offset)
            lines = (line.decode() for line in stream)
            reader = csv.reader(lines, delimiter=self.delimiter, strict=True)
            for line, row in enumerate(reader, start=self.skip + 1):
                if row and len(row) < self.width:
                    raise Refused("narrow_row", line=line, columns=self.width)
                if any(cell.strip() for cell in row[self.width :]):
                    raise Refused("ragged", line=line, columns=self.width)

    def type(self, at: int) -> str:
        """As what DuckDB reads a column."""
        if not self.trusting or at not in self.marks:
            return "VARCHAR"
        return f"DECIMAL(18, {DECIMALS})" if self.marks[at] else "DECIMAL(15, 0)"

    def kind(self, at: int) -> str:
        """What the cells of a column are."""
        return "text" if self.type(at) == "VARCHAR" else "figure"

    def cell(self, at: int) -> str:
        """The SQL for a cell of a column."""
        return f"c{at}"

    def relation(self, con: Any, wanted: Sequence[int]) -> str:
        """The SQL for the records."""
        del con, wanted
        columns = ", ".join(f"'c{at}': '{self.type(at)}'" for at in range(self.width))
        mark = max(self.marks.values(), default="") or "."
        # DuckDB 2.0 loses rows without a word when told of '\r\n', and finds it by itself rightly.
        newline = "" if self.returns else "new_line = '\\n',"
        return (
            f"read_csv({quoted(str(self.path))}, auto_detect = false, header = false, "
            f"skip = {self.head.lines}, delim = {quoted(self.delimiter)}, quote = '\"', "
            f"escape = '\"', comment = '', {newline} strict_mode = true, null_padding = false, "
            "ignore_errors = false, store_rejects = false, compression = 'none', "
            "encoding = 'utf-8', filename = false, hive_partitioning = false, "
            f"union_by_name = false, max_line_size = {self.limits.line_bytes + 2 * CHUNK}, "
            f"decimal_separator = '{mark}', buffer_size = {self.limits.buffer_bytes}, "
            f"columns = {{{columns}}})"
        )

    def allowed(self) -> list[str]:
        """The files that DuckDB may open."""
        return [str(self.path)]

    def judged(self) -> None:
        """Waits for our own pass, whose word comes before that of DuckDB."""
        _ = self.rows

    def fault(self, _error: Exception) -> Refused:
        """What it means that DuckDB refuses what our own pass let through."""
        self.judged()
        self.check_widths()
        return Refused("reader_disagrees")

    def unchanged(self) -> bool:
        """Whether the file is still the one that was looked at."""
        now = os.stat(self.given)
        return (now.st_size, now.st_mtime_ns) == (self.before.st_size, self.before.st_mtime_ns)


# What a column holds, and how a Parquet file keeps it.
COMMON = {
    ("text", "BYTE_ARRAY", "STRING"),
    ("whole", "INT32", "INT"),
    ("whole", "INT32", "NONE"),
    ("whole", "INT64", "INT"),
    ("whole", "INT64", "NONE"),
    ("float", "FLOAT", "NONE"),
    ("float", "DOUBLE", "NONE"),
    ("date", "INT32", "DATE"),
}


class ParquetFile(Relation):
    """A Parquet file with flat columns, or several that are the parts of one table.

    DuckDB reads columns of the common kinds itself, and twice as quickly as it takes them from
    Arrow; a pass of Arrow's goes beside it, judges the same columns and counts their records.
    Columns of other kinds are judged and made plain before DuckDB gets them.
    """

    BATCH = 131_072  # rows

    def __init__(self, job: dict[str, Any], limits: Limits) -> None:
        import pyarrow as pa  # noqa: PLC0415
        from pyarrow import parquet  # noqa: PLC0415

        self.pa, self.parquet = pa, parquet
        self.limits = limits
        self.paths = [Path(path) for path in job["paths"]]
        self.before = [os.stat(path) for path in self.paths]
        self.schema = parquet.read_schema(self.paths[0])
        nested = [column.name for column in self.schema if pa.types.is_nested(column.type)]
        if nested:
            raise Refused("nested_columns", columns=", ".join(nested[:3]))
        if len(self.schema) > limits.columns:
            raise Refused("too_many_columns", columns=len(self.schema), limit=limits.columns)
        if len(set(self.schema.names)) < len(self.schema.names):
            raise Refused("broken_parquet", detail="two columns of one name")
        footers = [parquet.ParquetFile(path) for path in self.paths]
        for path, before, footer in zip(self.paths, self.before, footers, strict=True):
            if not footer.schema_arrow.equals(self.schema):
                raise Refused("parts_differ", part=path.name)
            self._check_counts(footer.metadata, before.st_size)
        # Texts stay a dictionary: a file of 400 bytes may repeat 1 MB of text 50 000 times.
        schema = footers[0].metadata.schema
        self.texts = [
            column.path
            for column in map(schema.column, range(len(self.schema)))
            if column.physical_type == "BYTE_ARRAY"
        ]
        self.types: list[Any] = [field.type for field in self._opened(0).schema_arrow]
        self.common = {
            at
            for at in range(len(self.schema))
            if all(self._is_common(footer.metadata.schema, at) for footer in footers)
        }
        self.stated: int = sum(footer.metadata.num_rows for footer in footers)
        self.read = 0
        self.detail = ""
        self.looking: dict[int, Looking[int]] = {}  # by column

    @property
    def rows(self) -> int:
        """As the footers say."""
        return self.stated

    def _check_counts(self, meta: Any, size: int) -> None:
        if meta.num_rows < 0 or meta.num_row_groups > self.limits.row_groups:
            raise Refused("broken_parquet", detail="counts that cannot be")
        groups = [meta.row_group(i) for i in range(meta.num_row_groups)]
        unpacked = sum(group.total_byte_size for group in groups)
        ceiling = self.limits.parquet_ratio * size + MB
        if unpacked > ceiling:
            raise Refused("decompressed_too_large", megabytes=ceiling // MB)
        if sum(group.num_rows for group in groups) != meta.num_rows:
            raise Refused("broken_parquet", detail="counts that differ")

    def _opened(self, part: int) -> Any:
        return self.parquet.ParquetFile(self.paths[part], read_dictionary=self.texts)

    def _batches(self, columns: Sequence[str], *, use_threads: bool) -> Iterator[Any]:
        """The records of all parts, in their order."""
        for part in range(len(self.paths)):
            yield from self._opened(part).iter_batches(
                self.BATCH, columns=columns, use_threads=use_threads
            )

    def _is_common(self, schema: Any, at: int) -> bool:
        """Whether a column is of a kind that means the same to DuckDB and to Arrow."""
        stored = schema.column(at)
        return (self.kind(at), stored.physical_type, stored.logical_type.type) in COMMON

    def kind(self, at: int) -> str:
        """What the cells of a column are."""
        types, kind = self.pa.types, self.types[at]
        if types.is_dictionary(kind):
            kind = kind.value_type
        tests: tuple[tuple[str, Callable[[Any], bool]], ...] = (
            ("text", lambda t: types.is_string(t) or types.is_large_string(t)),
            ("text", types.is_null),  # a column without any cell
            ("text", lambda t: types.is_binary(t) or types.is_fixed_size_binary(t)),
            ("whole", types.is_integer),
            ("decimal", types.is_decimal),
            ("float", types.is_floating),
            ("date", types.is_date),
            ("time", types.is_timestamp),
        )
        return next((name for name, test in tests if test(kind)), "other")

    def cell(self, at: int) -> str:
        """The SQL for a cell of a column."""
        return f"CAST(c{at} AS VARCHAR)" if self.kind(at) == "text" else f"c{at}"

    def relation(self, con: Any, wanted: Sequence[int]) -> str:
        """The SQL for the records; each call reads the file anew."""
        if not self.common.issuperset(wanted):
            return self.handed(con, wanted)
        if fresh := [at for at in wanted if at not in self.looking]:
            self.looking |= dict.fromkeys(fresh, Looking(lambda: self._looked_at(fresh)))
        names = ", ".join(f"c{at}" for at in range(len(self.types)))
        paths = self.sql.listed(self.allowed())
        return (
            f"read_parquet([{paths}], binary_as_string = false, filename = false, "
            f"hive_partitioning = false, union_by_name = false) AS given({names})"
        )

    def _looked_at(self, columns: Sequence[int]) -> int:
        """Reads columns to their end, judges what is in them, and counts the records."""
        names = [self.schema.names[at] for at in columns]
        rows = 0
        # Without threads of its own: DuckDB needs the processors.
        for batch in self._batches(names, use_threads=False):
            batch.validate(full=True)
            for name in names:  # an error if a text is no UTF-8
                self._fit(batch.column(name))
            rows += batch.num_rows
        return rows

    def handed(self, con: Any, wanted: Sequence[int]) -> str:
        """The SQL for records that are judged before DuckDB gets them."""
        pa = self.pa
        names = [self.schema.names[at] for at in wanted]
        types = [self._type(self.types[at]) for at in wanted]
        schema = pa.schema([pa.field(f"c{at}", t) for at, t in zip(wanted, types, strict=True)])
        if not wanted:
            raise ValueError("no column is wanted")

        def batches() -> Iterator[Any]:
            self.read = 0
            for batch in self._batches(names, use_threads=True):
                try:
                    batch.validate(full=True)
                    arrays = [self._fit(batch.column(name)) for name in names]
                except Exception as error:
                    self.detail = type(error).__name__
                    raise
                self.read += batch.num_rows
                yield pa.RecordBatch.from_arrays(arrays, schema=schema)

        con.register("given", pa.RecordBatchReader.from_batches(schema, batches()))
        return "given"

    def _type(self, kind: Any) -> Any:
        types = self.pa.types
        if types.is_timestamp(kind):
            return self.pa.timestamp("us")
        if types.is_dictionary(kind) and types.is_binary(kind.value_type):
            return self.pa.dictionary(kind.index_type, self.pa.string())
        return self.pa.string() if types.is_fixed_size_binary(kind) else kind

    def _fit(self, array: Any) -> Any:
        """Time of a zone as wall time: the day in it is the day people mean."""
        types = self.pa.types
        if types.is_timestamp(array.type):
            if array.type.tz:
                import pyarrow.compute as pc  # noqa: PLC0415 - takes its time, and is seldom needed

                array = pc.local_timestamp(array)
            return array.cast(self.pa.timestamp("us"), safe=False)
        if types.is_fixed_size_binary(array.type):
            return array.cast(self.pa.binary()).cast(self.pa.string())
        if types.is_dictionary(array.type) and types.is_binary(array.type.value_type):
            words = array.dictionary.cast(self.pa.string())  # an error if it is no UTF-8
            return self.pa.DictionaryArray.from_arrays(array.indices, words)
        return array

    def allowed(self) -> list[str]:
        """The files that DuckDB may open."""
        return list(map(str, self.paths))

    def judged(self) -> None:
        """Waits for Arrow's pass, whose word comes before that of DuckDB."""
        for looking in set(self.looking.values()):
            try:
                self.read = looking.found()
            except (self.pa.ArrowException, OSError) as error:
                raise Refused("broken_parquet", detail=type(error).__name__) from None
            if self.read != self.rows:
                raise Refused("broken_parquet", detail="fewer or more rows than the file says")

    def fault(self, error: Exception) -> Refused:
        """What it means that DuckDB refuses."""
        return Refused("broken_parquet", detail=self.detail or type(error).__name__)

    def unchanged(self) -> bool:
        """Whether the file is still the one that was looked at, read to its end."""
        self.judged()
        now = [os.stat(path) for path in self.paths]
        same = [(each.st_size, each.st_mtime_ns) for each in now] == [
            (each.st_size, each.st_mtime_ns) for each in self.before
        ]
        return same and self.read == self.rows


Given = TextFile | ParquetFile

# Numbers ----------------------------------------------------------------------------------------

# A figure of a text file is added as an exact decimal, and only if that decimal, printed, gives
# the text again: no grouping, no percent, no sign of money, nothing rounded. Checking by printing
# is ten times cheaper than by a pattern; patterns judge only columns where that fails.
WIDE = "-?[0-9]{1,12}([.][0-9]{1,18})?"
WITHIN = "BETWEEN -999999999999999 AND 999999999999999"
QUOTED_POINT = "'.'"
SEEN = {  # what an odd cell may be, for the column to be read once more
    "point": WIDE,
    "comma": "-?[0-9]{1,12}(,[0-9]{1,18})?",
    "either": "-?[1-9][0-9]{0,2}[.,][0-9]{3}",  # 2.546: thousands or decimals
    "marked": ".*[.,].*",
}


@dataclass
class Figure:
    """How one column is added.

    `how`: ``whole`` (digits only), ``plain`` (up to 6 decimals), ``wide`` (up to 18), for columns
    of Parquet ``given`` (whole and decimal), ``exact`` (floats that are decimals) and ``float``;
    ``sure`` where DuckDB reads figures, and refuses one with more digits than are exact.
    """

    at: int
    mark: str
    how: str
    sql: Sql
    places: list[int] = field(default_factory=list)  # of the uses that ask for it

    def parsed(self, cell: str) -> str:
        """SQL: the cell as a number, perhaps a wrong one."""
        text = f"replace({cell}, ',', '.')" if self.mark == "," else cell
        return {
            "whole": f"TRY_CAST({cell} AS BIGINT)",
            "plain": f"TRY_CAST({text} AS DECIMAL(18, 6))",
            "wide": f"TRY_CAST(trim({text}) AS DECIMAL(38, 18))",
            "given": cell,
            "sure": cell,
            "exact": f"TRY_CAST({cell} AS DECIMAL(18, 6))",
            "float": self.sql.inexact(cell),
        }[self.how]

    def proven(self, cell: str, number: str) -> str:
        """SQL: whether that number is surely what the cell says."""
        text = f"replace({cell}, ',', '.')" if self.mark == "," else cell
        only = f" AND NOT contains({cell}, '.')" if self.mark == "," else ""
        return {
            "whole": f"CAST({number} AS STRING) = {cell} AND {number} {WITHIN}",
            "plain": f"{self.sql.starts(f'CAST({number} AS STRING)', text)} "
            f"AND NOT {self.sql.ends(text, QUOTED_POINT)}{only}",
            "wide": f"{self.sql.matches(f'trim({text})', WIDE)}{only}",
            "given": f"{number} {WITHIN}",
            "sure": "true",
            "exact": f"CAST({number} AS DOUBLE) = {cell}",
            "float": f"{number} {WITHIN}",
        }[self.how]

    def odd(self, cell: str, value: str, missing: Sequence[str]) -> str:
        """SQL: one of the cells that have no value though they are not empty, if there are any."""
        if self.how == "sure":
            return "min(NULL)"
        void = f"lower(trim({cell})) IN ({self.sql.listed(missing)})"
        if self.how in {"given", "exact", "float"}:
            void = "false" if self.how == "given" else f"isnan({cell})"
        # CASE within CASE, since AND would look up every cell among the words for missing ones.
        is_void = f"CASE WHEN {void} THEN NULL ELSE {cell} END"
        return f"min(CASE WHEN {value} IS NULL THEN {is_void} END)"


def figures_of(uses: Sequence[dict[str, Any]], given: Relation) -> list[Figure]:
    """A figure for each column that is added, in the cheapest way that may do."""
    found: dict[int, Figure] = {}
    for place, use in enumerate(uses):
        if use["use"] != "sum":
            continue
        at, mark = use["at"], use.get("mark") or ""
        kind = given.kind(at)
        own = {"whole": "given", "decimal": "given", "float": "exact", "figure": "sure"}
        how = own.get(kind)
        if kind in {"date", "time", "other"}:
            raise Refused("not_a_figure", column=at)
        found.setdefault(at, Figure(at, mark, how or ("plain" if mark else "whole"), given.sql))
        found[at].places.append(place)
    return list(found.values())


def settle(con: Any, given: Relation, odd: list[Figure], missing: Sequence[str]) -> list[int]:
    """Finds another way to read columns that held odd cells; those for which there is none.

    A column of a text file whose odd cells all show one decimal mark, and at least one of them in
    a way that cannot mean thousands, is read with that mark.
    """
    doubts = []
    texts = [figure for figure in odd if figure.how not in {"exact", "given", "float"}]
    for figure in odd:
        if figure.how == "exact":
            figure.how = "float"
        elif figure not in texts:
            doubts.append(figure.at)
    if not texts:
        return doubts
    counts = [
        f"count_if({given.sql.matches(cell, pattern)})"
        if name != "bare"
        else f"count({cell}) - count_if(lower({cell}) IN ({given.sql.listed(missing)}))"
        for figure in texts
        for cell in [f"trim({given.cell(figure.at)})"]
        for name, pattern in [("bare", ""), *SEEN.items()]
    ]
    relation = given.relation(con, sorted({figure.at for figure in texts}))
    told = given.told(con, f"SELECT {', '.join(counts)} FROM {relation}")  # noqa: S608
    for number, figure in enumerate(texts):
        size = 1 + len(SEEN)
        bare, point, comma, either, marked = told[number * size : (number + 1) * size]
        is_proven = marked > either or figure.mark
        if point == bare and (is_proven or not marked) and figure.mark != ",":
            figure.mark, figure.how = ".", "wide"
        elif comma == bare and (is_proven or not marked) and figure.mark != ".":
            figure.mark, figure.how = ",", "wide"
        else:
            doubts.append(figure.at)
    return doubts


# Tables -----------------------------------------------------------------------------------------

CLOCK = (
    "[ T][0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?( ?[AaPp][Mm])?"
    "( ?(Z|UTC|[+-][0-9]{2}:?[0-9]{2}))?"
)
DATED = "([0-9]{4}[-./][0-9]{2}[-./][0-9]{2}|[0-9]{2}[.][0-9]{2}[.][0-9]{4})" + CLOCK
ONE = "'1'"
EPOCH = "1[0-9]{9}([0-9]{3}){0,2}"  # seconds, also in thousandths and millionths


def day_text(given: Relation, at: int) -> str:
    """SQL: a date-time, or a count of seconds since 1970, as its day; any other cell as it is."""
    cell = given.cell(at)
    kind = given.kind(at)
    if kind == "time":
        return f"CAST({cell} AS DATE)"
    if kind not in {"text", "whole"}:
        return cell
    sql, text = given.sql, f"CAST({cell} AS STRING)"
    is_epoch = f"{sql.starts(text, ONE)} AND {sql.matches(text, EPOCH)}"
    if kind == "whole":
        digits = f"CAST({sql.epoch_day(text, '')} AS BIGINT)"
        return f"CASE WHEN {is_epoch} THEN {digits} ELSE {cell} END"
    is_time = f"length({cell}) > 10 AND {sql.matches(cell, DATED)}"
    return (
        f"CASE WHEN {is_epoch} THEN {sql.epoch_day(text, '-')} "
        f"WHEN {is_time} THEN left({cell}, 10) ELSE {cell} END"
    )


def reduce_table(con: Any, given: Relation, job: dict[str, Any], limits: Limits) -> "Result":
    """Groups of equal keys, their sums and the number of records in each.

    With ``first`` columns the only key is a record's id, and row numbers tell which cell is first.
    """
    uses: list[dict[str, Any]] = job["uses"]
    missing: list[str] = job["missing"]
    ordered = any(use["use"] == "first" for use in uses)
    figures = figures_of(uses, given)
    for _ in range(3):
        rows = _group(con, given, job, figures, limits, ordered=ordered)
        odd = [f for n, f in enumerate(figures) if con.execute(f"SELECT count(o{n}) FROM reduced")  # noqa: S608
               .fetchall()[0][0]]  # fmt: skip
        if not odd:
            break
        if doubts := settle(con, given, odd, missing):
            examples = {
                str(figure.at): str(
                    con.execute(f"SELECT min(o{n}) FROM reduced").fetchall()[0][0]  # noqa: S608
                )[:40]
                for n, figure in enumerate(figures)
                if figure.at in doubts
            }
            return Result("", {"doubts": examples})
        # The order of floats decides the last digit of their sum: one thread, the file's order.
        if any(figure.how == "float" for figure in figures):
            con.execute("SET threads = 1")
    number = {place: n for n, figure in enumerate(figures) for place in figure.places}
    picked = [
        f"CAST(CAST(v{number[place]} AS VARCHAR) AS DOUBLE) AS u{place}"
        if use["use"] == "sum"
        else f"u{place}"
        for place, use in enumerate(uses)
    ]
    keys = ", ".join(f"u{place}" for place, use in enumerate(uses) if use["use"] in {"key", "day"})
    order = "first_row" if ordered else keys or "n"
    nameless = 0
    where = ""
    if ordered:
        key = next(place for place, use in enumerate(uses) if use["use"] == "key")
        where = f"WHERE u{key} IS NOT NULL"
        nameless = con.execute(
            f"SELECT coalesce(sum(n), 0) FROM reduced WHERE u{key} IS NULL"  # noqa: S608
        ).fetchall()[0][0]
    prove(rows, given)
    sql = f"SELECT {', '.join([*picked, 'n'])} FROM reduced {where} ORDER BY {order}"  # noqa: S608
    return Result(sql, {"records": rows, "nameless": int(nameless)})


def _group(
    con: Any,
    given: Relation,
    job: dict[str, Any],
    figures: Sequence[Figure],
    limits: Limits,
    *,
    ordered: bool,
) -> int:
    """Fills the table ``reduced``; the number of records that went into it."""
    uses, missing = job["uses"], job["missing"]
    inner, outer, picked = [], [], []
    keys: list[str] = []
    ids = [f"u{place} IS NOT NULL" for place, use in enumerate(uses) if use["use"] == "key"]
    for n, figure in enumerate(figures):
        cell = given.cell(figure.at)
        inner += [f"{cell} AS x{n}", f"{figure.parsed(cell)} AS p{n}"]
        outer += [f"x{n}", f"CASE WHEN {figure.proven(f'x{n}', f'p{n}')} THEN p{n} END AS v{n}"]
        total = given.sql.total(f"v{n}")
        picked += [f"{total} AS v{n}", f"{figure.odd(f'x{n}', f'v{n}', missing)} AS o{n}"]
    for place, use in enumerate(uses):
        match use["use"]:
            case "key" | "day":
                cell = given.cell(use["at"])
                cell = day_text(given, use["at"]) if use["use"] == "day" else cell
                if ordered:
                    cell = given.sql.bare(f"CAST({cell} AS STRING)")
                inner.append(f"{cell} AS u{place}")
                outer.append(f"u{place}")
                picked.append(f"u{place}")
                keys.append(f"u{place}")
            case "first":
                cell = given.cell(use["at"])
                inner.append(f"{cell} AS u{place}")
                outer.append(f"u{place}")
                filled = " AND ".join([*ids, f"u{place} IS NOT NULL"])
                if given.kind(use["at"]) == "text":
                    filled += f" AND {given.sql.bare(f'u{place}')} IS NOT NULL"
                picked.append(f"{given.sql.first(f'u{place}', filled)} AS u{place}")
    if ordered:
        inner.append(f"{given.sql.place()} AS row")
        outer.append("row")
        picked.append("min(row) AS first_row")
    if not inner:
        inner, outer = ["1 AS one"], ["one"]
    relation = given.relation(con, sorted({use["at"] for use in uses}))
    limit = limits.sessions if ordered else limits.groups
    by = f"GROUP BY {', '.join(keys)}" if keys else "HAVING count(*) > 0"
    given.fill(
        con,
        f"SELECT {', '.join([*picked, 'count(*) AS n'])} "  # noqa: S608
        f"FROM (SELECT {', '.join(outer)} FROM (SELECT {', '.join(inner)} FROM {relation})) "
        f"{by} LIMIT {limit + 1}",
    )
    groups, rows = con.execute("SELECT count(*), coalesce(sum(n), 0) FROM reduced").fetchall()[0]
    if groups > limit:
        raise Refused("too_many_groups", limit=limit)
    return int(rows)


def prove(rows: int, given: Relation) -> None:
    """Refuses the file if not every record was added, or if it changed meanwhile."""
    there = given.rows  # once our own pass has seen the last byte
    if not given.unchanged():
        if isinstance(given, ParquetFile) and given.read != given.rows:
            raise Refused("broken_parquet", detail="fewer or more rows than the file says")
        raise Refused("file_changed")
    if rows != there:
        raise Refused("records_differ", read=rows, there=there)


# Events -----------------------------------------------------------------------------------------


def reduce_events(con: Any, given: Given, job: dict[str, Any], limits: Limits) -> "Result":
    """One row a session (without session ids, a user's day), in the order of their first events.

    What the different rows mean was judged before: the job brings it as a table of kinds.
    """
    _tell_kinds(con, job["kinds"])
    figures = figures_of(job["figures"], given)
    for _ in range(3):
        _events(con, given, job, figures)
        examples = {
            figure.at: con.execute(
                f"SELECT {figure.odd(f'x{n}', f'v{n}', job['missing'])} FROM events"  # noqa: S608
            ).fetchall()[0][0]
            for n, figure in enumerate(figures)
        }
        odd = [figure for figure in figures if examples[figure.at] is not None]
        if not odd:
            break
        if doubts := settle(con, given, odd, job["missing"]):
            return Result("", {"doubts": {str(at): str(examples[at])[:40] for at in doubts}})
        if any(figure.how == "float" for figure in figures):
            con.execute("SET threads = 1")
    total, strange = con.execute("SELECT count(*), count_if(kind IS NULL) FROM events").fetchall()[
        0
    ]
    prove(total, given)
    if strange:
        raise Refused("file_changed")
    kept = ""
    if job["unique"]:
        con.execute("CREATE TEMP TABLE firsts AS SELECT min(row) AS row FROM events GROUP BY same")
        kept = "SEMI JOIN firsts USING (row)"
    con.execute(f"CREATE TEMP VIEW told AS FROM events {kept} JOIN kinds USING (kind)")
    con.execute("CREATE TEMP VIEW counted AS FROM told WHERE first IS NOT NULL AND id IS NOT NULL")
    once, undated, lost, nameless = con.execute(
        "SELECT count(*), count_if(first IS NULL), min(row) FILTER (first IS NULL), "
        "count_if(first IS NOT NULL AND id IS NULL) FROM told"
    ).fetchall()[0]
    amounts = [_amount(con, n, amount) for n, amount in enumerate(job["amounts"])]
    con.execute(
        "CREATE TEMP TABLE sessions AS SELECT id AS record, min(first) AS first, "  # noqa: S608
        "max(last) AS last, arg_min(kind, row) AS kind, min(row) AS row, bit_or(mask) AS mask"
        f"{''.join(amounts)} FROM counted GROUP BY id LIMIT {limits.sessions + 1}"
    )
    if con.execute("SELECT count(*) FROM sessions").fetchall()[0][0] > limits.sessions:
        raise Refused("too_many_groups", limit=limits.sessions)
    users = None
    if job["user"] is not None:
        users = con.execute("SELECT count(DISTINCT person) FROM counted").fetchall()[0][0]
    times = con.execute("SELECT kind, count(*) FROM counted GROUP BY kind").fetchall()
    told = {"records": total, "repeated": total - once, "undated": undated, "lost": lost}
    told |= {"nameless": nameless, "users": users, "times": times}
    told["long"] = _long_ids(con, given, job)
    return Result("SELECT * EXCLUDE (row) FROM sessions ORDER BY row", told)


def _tell_kinds(con: Any, kinds: dict[str, Any]) -> None:
    """Fills the table ``kinds``: texts ``k0`` to ``kN``, first and last day, bits of patterns."""
    import pyarrow as pa  # noqa: PLC0415

    columns = {f"k{n}": pa.array(texts, pa.string()) for n, texts in enumerate(kinds["texts"])}
    columns |= {name: pa.array(kinds[name], pa.int32()) for name in ("first", "last")}
    columns["mask"] = pa.array(kinds["mask"], pa.int64())
    columns["kind"] = pa.array(range(len(kinds["mask"])), pa.int32())
    con.register("given_kinds", pa.table(columns))
    days = ", ".join(f"DATE '1970-01-01' + {edge} AS {edge}" for edge in ("first", "last"))
    con.execute(
        f"CREATE TEMP TABLE kinds AS SELECT * REPLACE ({days}) FROM given_kinds"  # noqa: S608
    )


def _events(con: Any, given: Given, job: dict[str, Any], figures: Sequence[Figure]) -> None:
    """Fills the table ``events``: one row each, numbers only."""
    user, session, uses = job["user"], job["session"], job["kinds"]["uses"]
    at = {use["at"] for use in uses} | {figure.at for figure in figures}
    at |= {column for column in (user, session, job["once"], *job["unique"]) if column is not None}

    def text(column: int | None) -> str:
        return "NULL" if column is None else given.sql.bare(f"CAST(c{column} AS VARCHAR)")

    same = [f"coalesce({text(column)}, '')" for column in job["unique"]]
    inner = ["row_number() OVER () AS row", f"{text(user)} AS person", f"{text(session)} AS visit"]
    inner += [f"{text(job['once'])} AS once", f"{' || chr(31) || '.join(same) or 'NULL'} AS same"]
    for n, use in enumerate(uses):
        cell = day_text(given, use["at"]) if use["use"] == "day" else given.cell(use["at"])
        inner.append(f"CAST({cell} AS VARCHAR) AS a{n}")
    # The hash is that of `bulk.identity`; md5_number_upper reads the first 8 bytes of the digest.
    parts = "person || chr(31) || CAST(first AS VARCHAR)"
    if session is not None:  # a session id may be unique only within its user
        parts = "visit" if user is None else "coalesce(person, '') || chr(31) || visit"
    outer = ["row", "kind", f"md5_number_upper({parts}) AS id"]
    hashed = {"person": user is not None, "once": job["once"] is not None, "same": job["unique"]}
    outer += [f"md5_number_upper({name}) AS {name}" for name, asked in hashed.items() if asked]
    for n, figure in enumerate(figures):
        cell = given.cell(figure.at)
        inner += [f"{cell} AS y{n}", f"{figure.parsed(cell)} AS p{n}"]
        value = f"CASE WHEN {figure.proven(f'y{n}', f'p{n}')} THEN p{n} END"
        outer += [f"{value} AS v{n}", f"CASE WHEN {value} IS NULL THEN y{n} END AS x{n}"]
    join = " AND ".join(f"a{n} IS NOT DISTINCT FROM k{n}" for n in range(len(uses)))
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE events AS SELECT {', '.join(outer)} "  # noqa: S608
        f"FROM (SELECT {', '.join(inner)} FROM {given.relation(con, sorted(at))}) "
        f"LEFT JOIN kinds ON {join}"
    )


def _amount(con: Any, place: int, amount: dict[str, Any]) -> str:
    """SQL: what the events of a session add up to, with a comma before it."""
    which = f"mask & {1 << amount['pattern']} <> 0"
    where = which
    if amount["once"]:  # of events that tell one thing, the first in the file counts
        con.execute(
            f"CREATE TEMP TABLE again{place} AS SELECT row FROM events "  # noqa: S608
            f"JOIN kinds USING (kind) WHERE {which} AND once IS NOT NULL "
            "QUALIFY row_number() OVER (PARTITION BY once ORDER BY row) > 1"
        )
        where += f" AND row NOT IN (FROM again{place})"
    if amount["figure"] is None:
        summed = f"NULLIF(count(*) FILTER ({where}), 0)"
    else:
        how = "max" if amount["largest"] else "sum"
        summed = f"{how}(v{amount['figure']}) FILTER ({where})"
    return f", CAST(CAST({summed} AS VARCHAR) AS DOUBLE) AS amount{place}"


def _long_ids(con: Any, given: Given, job: dict[str, Any]) -> dict[int, list[tuple[int, str]]]:
    """By column of ids: the few cells, with their rows, that tell whether a spreadsheet cut them.

    Numbers with an exponent, long whole numbers, and a long one that does not end with noughts.
    """
    found = {}
    for at in (job["user"], job["session"]):
        if at is None:
            continue
        relation = given.relation(con, [at])
        cells = f"SELECT row_number() OVER () AS row, trim(CAST(c{at} AS VARCHAR)) AS id"
        is_long = "regexp_full_match(id, '[0-9]{16,}')"
        tests = ("regexp_full_match(id, '[0-9]([.,][0-9]+)?[eE][+][0-9]{1,3}')", is_long,
                 f"{is_long} AND NOT regexp_full_match(substr(id, 16), '0+')")  # fmt: skip
        picked = ", ".join(f"arg_min((row, id), row, 3) FILTER ({test})" for test in tests)
        told = con.execute(f"SELECT {picked} FROM ({cells} FROM {relation})").fetchall()[0]  # noqa: S608
        found[at] = [(row, id[:40]) for each in told for row, id in each or ()]
    return found


# Events one by one ------------------------------------------------------------------------------

OFFSET = "[+-][0-9]{2}:?[0-9]{2}$"  # behind a clock
SPELLED = ("%Y-%m-%d", "%Y.%m.%d", "%Y/%m/%d", "%d.%m.%Y")
CLOCKS = (" %H:%M:%S", " %H:%M:%S.%f", " %H:%M", " %I:%M:%S %p", " %I:%M %p", "")


def write_events(con: Any, given: Given, job: dict[str, Any], limits: Limits) -> "Result":
    """Writes every event as numbers: its place, time, ids and kind (see `_tell_kinds`)."""
    del limits
    _tell_kinds(con, job["kinds"])
    uses = job["kinds"]["uses"]
    ids = {name: job[name] for name in ("user", "session", "customer") if job[name] is not None}
    at = {job["time"], *ids.values(), *job["unique"], *(use["at"] for use in uses)}

    def text(column: int) -> str:
        return given.sql.bare(f"CAST(c{column} AS VARCHAR)")

    same = [f"coalesce({text(column)}, '')" for column in job["unique"]]
    wall, offset = moment(given, job["time"])
    inner = ["row_number() OVER () AS row", f"{text(job['time'])} AS said"]
    if given.kind(job["time"]) in {"time", "date"}:
        inner.append(f"c{job['time']}")
    inner += [f"{text(column)} AS {name}" for name, column in ids.items()]
    inner += [f"md5_number_upper({' || chr(31) || '.join(same)}) AS same"] if same else []
    inner += [f"CAST({given.cell(use['at'])} AS VARCHAR) AS a{n}" for n, use in enumerate(uses)]
    parts = {name: name for name in ids}
    if {"user", "session"} <= set(ids):  # a session id may be unique only within its user
        parts["session"] = "coalesce(user, '') || chr(31) || session"
    # Without the lowest bit they are positive in every system that reads them.
    outer = [f"CAST(md5_number_upper({key}) >> 1 AS BIGINT) AS {name}"
             for name, key in parts.items()]  # fmt: skip
    join = " AND ".join(f"a{n} IS NOT DISTINCT FROM k{n}" for n in range(len(uses)))
    con.execute(
        f"CREATE TEMP TABLE events AS SELECT row, {wall} AS wall, {offset} AS away, "  # noqa: S608
        f"{', '.join(outer)}, kind{', same' if same else ''} "
        f"FROM (SELECT *, {zone_of('said')} AS zone "
        f"FROM (SELECT {', '.join(inner)} FROM {given.relation(con, sorted(at))})) "
        f"LEFT JOIN kinds ON {join}"
    )
    total, strange, offsets = con.execute(
        "SELECT count(*), count_if(kind IS NULL), count(DISTINCT away) FROM events"
    ).fetchall()[0]
    prove(total, given)
    if strange:
        raise Refused("file_changed")
    kept = "events"
    if same:
        con.execute("CREATE TEMP TABLE firsts AS SELECT min(row) AS row FROM events GROUP BY same")
        kept = "events SEMI JOIN firsts USING (row)"
    once, undated, lost = con.execute(
        f"SELECT count(*), count_if(wall IS NULL), min(row) FILTER (wall IS NULL) FROM {kept}"  # noqa: S608
    ).fetchall()[0]
    time = "wall - to_minutes(coalesce(away, 0))" if offsets > 1 else "wall"
    con.execute(
        f"COPY (SELECT row, {time} AS time, {', '.join(ids)}, kind FROM {kept} "  # noqa: S608
        f"WHERE wall IS NOT NULL) TO {quoted(job['target'])} (FORMAT parquet)"
    )
    told = {"records": total, "repeated": total - once, "undated": undated, "lost": lost}
    long = _long_ids(con, given, job)
    return Result("", {**told, "events": once - undated, "offsets": offsets, "long": long})


def moment(given: Given, at: int) -> tuple[str, str]:
    """SQL: a date-time as it stands there, and how many minutes its zone is ahead of UTC.

    Both are over ``said``, the text of the cell without white space around it, and over ``zone``
    (see `zone_of`), except where the column holds times already.
    """
    if given.kind(at) in {"time", "date"}:
        return f"CAST({given.cell(at)} AS TIMESTAMP)", "NULL::INTEGER"
    is_epoch = f"starts_with(said, '1') AND regexp_full_match(said, '{EPOCH}')"
    epoch = "make_timestamp(CAST(rpad(said, 16, '0') AS BIGINT))"
    clock = "trim(left(said, length(said) - length(zone)))"
    ways = ", ".join(quoted(day + clock) for day in (*SPELLED, "%Y%m%d") for clock in CLOCKS)
    wall = (
        f"CASE WHEN {is_epoch} THEN {epoch} ELSE coalesce(TRY_CAST({clock} AS TIMESTAMP), "
        f"try_strptime(replace({clock}, 'T', ' '), [{ways}])) END"
    )
    ahead = (
        "CASE WHEN zone = '' THEN NULL WHEN zone IN ('Z', 'UTC') THEN 0 "
        "ELSE CAST(zone[1:1] || '1' AS INTEGER) * (60 * CAST(zone[2:3] AS INTEGER) "
        "+ CAST(zone[-2:] AS INTEGER)) END"
    )
    return wall, ahead


def zone_of(said: str) -> str:
    """SQL: how a date-time says its zone, at its end; nothing if it does not."""
    return (
        f"CASE WHEN ends_with({said}, 'Z') THEN 'Z' WHEN ends_with({said}, 'UTC') THEN 'UTC' "
        f"WHEN length({said}) > 16 AND ({said}[-6] IN ('+', '-') OR {said}[-5] IN ('+', '-')) "
        f"THEN regexp_extract({said}, '{OFFSET}') ELSE '' END"
    )


# The process ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Result:
    """The query whose rows are sent (none if empty) and what is said after them."""

    sql: str
    told: dict[str, Any]


def connect(job: dict[str, Any], given: Given, limits: Limits) -> Any:
    """A DuckDB that can open the one file, spill to its own folder, and nothing else."""
    import duckdb  # noqa: PLC0415

    con = duckdb.connect(
        ":memory:",
        config={
            "threads": limits.threads,
            "memory_limit": f"{limits.engine_bytes // MB}MiB",
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_community_extensions": False,
            "python_enable_replacements": False,
        },
    )
    con.execute(f"SET temp_directory = {quoted(str(Path(job['folder'], 'spill')))}")
    con.execute(f"SET max_temp_directory_size = '{limits.disk_bytes // MB}MiB'")
    con.execute("SET preserve_insertion_order = true")
    written = [job["target"]] if "target" in job else []
    con.execute(f"SET allowed_paths = [{given.sql.listed([*given.allowed(), *written])}]")
    con.execute("SET enable_external_access = false")
    if job["kind"] == "text":  # sums of floats, of Parquet only, ask for one thread later
        con.execute("SET lock_configuration = true")
    return con


def rows_of(con: Any, result: Result, limits: Limits) -> Any:
    """The rows as a table of Arrow, texts as numbers of a dictionary."""
    import pyarrow as pa  # noqa: PLC0415

    table = con.sql(result.sql).to_arrow_table()
    texts = [n for n, column in enumerate(table.schema) if pa.types.is_string(column.type)]
    for n in texts:
        table = table.set_column(n, table.schema.names[n], table.column(n).dictionary_encode())
    if table.nbytes > limits.result_bytes:
        raise Refused("decompressed_too_large", megabytes=limits.result_bytes // MB)
    return table


def send(con: Any, result: Result, limits: Limits) -> None:
    """The rows as an Arrow stream."""
    import pyarrow as pa  # noqa: PLC0415

    table = rows_of(con, result, limits)
    with pa.ipc.new_stream(sys.stdout.buffer, table.schema) as out:
        out.write_table(table)


def bound(limits: Limits) -> None:
    """Lets the operating system stop what no check foresaw. Windows knows only the wall clock."""
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415

    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_seconds, limits.cpu_seconds + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limits.disk_bytes, limits.disk_bytes))
    if sys.platform == "linux":
        with open("/proc/self/statm", encoding="ascii") as statm:
            taken = int(statm.read().split()[0]) * resource.getpagesize()
        allowed = taken + limits.memory_bytes
        resource.setrlimit(resource.RLIMIT_AS, (allowed, allowed))


def first_records(con: Any, given: Given, job: dict[str, Any], limits: Limits) -> Result:
    """The names of the columns of a Parquet file, and its first records."""
    del limits
    if not isinstance(given, ParquetFile):  # the head of a text is read in the server
        raise Refused("wrong_format")
    names = given.schema.names
    wanted = list(range(len(names)))
    cells = ", ".join(given.cell(at) for at in wanted)
    sql = f"SELECT {cells} FROM {given.handed(con, wanted)} LIMIT {int(job['records'])}"  # noqa: S608
    rows = [
        [cell if isinstance(cell, int | float | str | None) else str(cell) for cell in row]
        for row in con.execute(sql).fetchall()
    ]
    return Result("", {"names": names, "rows": rows})


REDUCTIONS = {
    "table": reduce_table,
    "events": reduce_events,
    "log": write_events,
    "head": first_records,
}


def reduced(con: Any, given: Given, job: dict[str, Any], limits: Limits) -> Result:
    """What the job asks for; figures that seem plain are trusted first, which costs half as much.

    If our own pass does not confirm the trust, all is added anew, and each figure proven by itself.
    """
    import duckdb  # noqa: PLC0415

    reduce = REDUCTIONS[job["what"]]
    if isinstance(given, TextFile) and given.is_plain(wholly=False):
        given.trusting = True
        try:
            result: Result | None = reduce(con, given, job, limits)
        except (duckdb.DataError, duckdb.InvalidInputException):
            result = None  # a cell is no number, or a record is torn: the other way tells which
        if result and given.is_plain(wholly=True) and "doubts" not in result.told:
            return result
        given.trusting = False
    return reduce(con, given, job, limits)


def answer(job: dict[str, Any], limits: Limits) -> dict[str, Any]:
    """Does the job; what the last line says."""
    try:
        # Our own pass over a text needs numpy alone, and begins while the other libraries start.
        text = TextFile(job, limits) if job["kind"] == "text" else None
        # These come before the bound, so that it measures the file and not them.
        import duckdb  # noqa: PLC0415
        import pyarrow  # noqa: PLC0415

        if text is None:
            import pyarrow.parquet  # noqa: F401, PLC0415
        bound(limits)
        given: Given = text or ParquetFile(job, limits)
        con = connect(job, given, limits)
        try:
            try:
                result = reduced(con, given, job, limits)
            finally:  # a refusal of the bytes comes before all that DuckDB makes of them
                given.judged()
            if result.sql:
                send(con, result, limits)
        except duckdb.OutOfMemoryException:
            raise Refused("out_of_memory", megabytes=limits.engine_bytes // MB) from None
        except duckdb.Error as error:
            raise given.fault(error) from None
    except Refused as no:
        return {"refused": no.code, "values": no.values}
    except MemoryError:
        return {"refused": "out_of_memory", "values": {"megabytes": limits.memory_bytes // MB}}
    except OSError as error:
        return {"refused": "no_room", "values": {"detail": error.strerror or ""}}
    return {"done": True, **result.told}


def main() -> None:
    """Reads the job from stdin and answers on stdout."""
    gc.disable()  # it would look through all that the libraries make while they start
    job = json.loads(sys.stdin.buffer.read())
    limits = Limits(**job["limits"])
    try:
        last = answer(job, limits)
    # Readers raise two dozen kinds of errors; the kind is named, the text may quote the file.
    except Exception as error:
        code = "broken_parquet" if job["kind"] == "parquet" else "reader_disagrees"
        last = {"refused": code, "values": {"detail": type(error).__name__}}
    sys.stdout.buffer.write(b"\n" + json.dumps(last).encode() + b"\n")


if __name__ == "__main__":
    main()
