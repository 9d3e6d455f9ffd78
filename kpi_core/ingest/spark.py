"""A table that a Spark Connect server keeps: asked the same question as DuckDB, in its own words.

The statement comes from ``bulk_cell.py``; `SparkSql` overrides the words in which Spark differs.
What comes back are the groups, a few thousand rows, whatever the table holds; from there on nothing
knows where they were made. Needs the extra ``spark``.

A table of Spark has no order of rows. Of a record's lines the first filled cell is asked for; where
lines say different things it cannot be told, and the table is refused.
"""

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pandas as pd

from kpi_core.errors import IngestError
from kpi_core.ingest import Upload, read_whole
from kpi_core.ingest.bulk import Asked, Dialect, Reduced, Use, reduction, refused
from kpi_core.ingest.bulk_cell import (
    SPACE,
    Limits,
    Refused,
    Relation,
    Sql,
    reduce_table,
    rows_of,
)
from kpi_core.ingest.database import KNOCK_SECONDS, knock
from kpi_core.ingest.formats import Format, known_headings
from kpi_core.ingest.large import Head
from kpi_core.ingest.values import MISSING

PORT = 15002
GREET_SECONDS = 40.0  # for a session, and for what is small
ASK_SECONDS = 3600.0  # for one question to a large table
HEAD_RECORDS = 500
_TEXTS = (".csv", ".tsv", ".txt")
_TABLE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*){0,2}")
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})
_KINDS = {
    "string": "text", "tinyint": "whole", "smallint": "whole", "int": "whole", "bigint": "whole",
    "float": "float", "double": "float", "date": "date", "timestamp": "time",
    "timestamp_ntz": "time", "void": "text",
}  # fmt: skip
_LINES_DIFFER = "KPI_LINES_DIFFER"
_GIVEN = "kpi_given"
_NO_TABLE = frozenset({"TABLE_OR_VIEW_NOT_FOUND", "PATH_NOT_FOUND", "SCHEMA_NOT_FOUND"})

Found = TypeVar("Found")


class SparkSql(Sql):
    """What Spark spells otherwise than DuckDB; what the words mean is told in `Sql`."""

    def literal(self, text: str) -> str:
        """A backslash means something here."""
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"

    def starts(self, cell: str, start: str) -> str:
        """One word."""
        return f"startswith({cell}, {start})"

    def ends(self, cell: str, end: str) -> str:
        """One word."""
        return f"endswith({cell}, {end})"

    def matches(self, cell: str, pattern: str) -> str:
        """Java's patterns look for a part of the text."""
        return f"{cell} RLIKE r'\\A(?:{pattern})\\z'"

    def bare(self, cell: str) -> str:
        """Another name."""
        return f"NULLIF(btrim({cell}, {self.literal(SPACE)}), '')"

    def epoch_day(self, cell: str, between: str) -> str:
        """The time zone of our session is UTC."""
        time = f"timestamp_micros(TRY_CAST(rpad({cell}, 16, '0') AS BIGINT))"
        return f"date_format({time}, 'yyyy{between}MM{between}dd')"

    def inexact(self, cell: str) -> str:
        """As the shortest decimal that means the float: then no order of adding changes a digit."""
        return f"TRY_CAST({cell} AS DECIMAL(38, 18))"

    def total(self, number: str) -> str:
        """A sum of whole numbers would overflow."""
        return f"sum(CAST({number} AS DECIMAL(38, 18)))"

    def first(self, cell: str, filled: str) -> str:
        """There is no first; where all agree, any will do."""
        least, most = (f"{edge}({cell}) FILTER (WHERE {filled})" for edge in ("min", "max"))
        told = f"raise_error('{_LINES_DIFFER} {cell};')"
        return f"CASE WHEN {least} IS DISTINCT FROM {most} THEN {told} ELSE {least} END"

    def place(self) -> str:
        """Nowhere; asked for by nothing but the order in which records are given back."""
        return "0"


def read_spark(url: str, name: str, layouts: Sequence[Format] = ()) -> Upload:
    """A table of a Spark Connect server as facts.

    Args:
        url: ``sc://host:15002``, with ``/;token=…`` where the server asks for one.
        name: a table (``sales``, ``shop.sales``), or a path or pattern of Parquet or of CSV as the
            server sees it; one that is on this computer where the server is on it, too.
        layouts: those that the user taught.

    Raises:
        IngestError: the server cannot be reached or refuses, there is no such table, or it cannot
            be added up. Nothing that is told holds a token.
    """
    host, port = _address(url)
    label = f"{Path(name).name or name} @ {host}"
    try:
        with _session(url, host, port) as session:
            return read_whole(label, SparkTable(session, _found(name, host)), layouts)
    except IngestError as failed:
        failed.where = failed.where or label
        raise


def is_table(name: str) -> bool:
    """Whether a name is of a table, and not a path.

    >>> is_table("shop.sales"), is_table("sales.csv"), is_table("sales/2026")
    (True, False, False)
    """
    return bool(_TABLE.fullmatch(name)) and not name.endswith((*_TEXTS, ".parquet"))


def _address(url: str) -> tuple[str, int]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or PORT
    except ValueError:
        host, port = None, PORT
    if not url.startswith("sc://") or not host:
        raise IngestError("spark_address")
    return host, port


def _found(name: str, host: str) -> str:
    """A path that means the same to the server as to whoever wrote it."""
    if host in _HERE and not is_table(name) and Path(name).exists():
        return Path(name).absolute().as_uri()
    return name


@contextmanager
def _session(url: str, host: str, port: int) -> Iterator[Any]:
    """A session of our own; all that goes wrong in it is told without a word of the address."""
    try:
        from pyspark.errors import PySparkException  # noqa: PLC0415 - an extra
        from pyspark.sql.connect.session import SparkSession  # noqa: PLC0415
    except ImportError:
        raise IngestError("place_needs_extra", extra="spark") from None
    knock(host, port)

    def greet() -> Any:
        session = SparkSession(url)
        session.client.set_retry_policies([])  # its own patience is ten minutes
        session.conf.set("spark.sql.session.timeZone", "UTC")  # as Parquet is read elsewhere
        session.conf.set("spark.sql.ansi.enabled", "true")  # an overflow is an error
        return session

    try:
        session = within(GREET_SECONDS, greet)
        try:
            yield session
        finally:
            # Nobody needs the session any more; whether it ends well changes no answer.
            with suppress(PySparkException, IngestError):
                within(KNOCK_SECONDS, session.stop)
    except PySparkException as failed:
        raise _told(failed) from None


def _told(failed: Exception) -> IngestError:
    """What a fault of Spark means; its own words may quote addresses and data."""
    text = str(failed)
    if "UNAUTHENTICATED" in text or "PERMISSION_DENIED" in text:
        return IngestError("place_refused")
    condition = getattr(failed, "getCondition", lambda: None)() or type(failed).__name__
    if condition in _NO_TABLE:
        return IngestError("place_no_table")
    return IngestError("place_failed", detail=str(condition))


def within(seconds: float, call: Callable[[], Found]) -> Found:
    """What `call` gives, if it does in time.

    Raises:
        IngestError: it does not.
    """
    future: Future[Found] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:  # raised again by whoever waits
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        return future.result(seconds)
    except TimeoutError:
        raise IngestError("place_timed_out", seconds=int(seconds)) from None


class SparkTable(Relation):
    """A table, or files that a server reads, as columns ``c0`` to ``cN`` of its view."""

    sql = SparkSql()

    def __init__(self, session: Any, name: str) -> None:
        self.session = session
        self.counted: int | None = None  # the records of a text, by its lines
        self.written: Sequence[str] = ()  # its headings
        if is_table(name):
            frame = session.read.table(name)
        elif name.endswith(_TEXTS):
            frame = self._text(name)
        else:
            frame = session.read.parquet(name)
        self.headings: Sequence[str] = self.written or frame.columns
        self.types = [field.dataType.simpleString() for field in frame.schema.fields]
        nested = [
            heading
            for heading, kind in zip(self.headings, self.types, strict=True)
            if kind.startswith(("struct", "array", "map"))
        ]
        if nested:
            raise IngestError("nested_columns", columns=", ".join(nested[:3]))
        names = [f"c{at}" for at in range(len(self.headings))]
        frame.toDF(*names).createOrReplaceTempView(_GIVEN)

    def head(self) -> tuple[Sequence[str], list[list[str | int | float | None]]]:
        """The names of its columns, and records as they come."""
        asked = self.session.table(_GIVEN).limit(HEAD_RECORDS)
        rows = within(ASK_SECONDS, asked.toArrow).to_pylist()
        return self.headings, [[_cell(cell) for cell in row.values()] for row in rows]

    def reduced(self, headings: Sequence[str], uses: Sequence[Use]) -> Reduced:
        """All of its records, joined by their keys.

        Raises:
            IngestError: they cannot be added, or lines of a record that must agree do not.
        """
        return reduction(lambda asked: self._ask(asked, headings), uses, headings, None)

    def _ask(self, asked: Asked, headings: Sequence[str]) -> tuple[pd.DataFrame, dict[str, Any]]:
        import duckdb  # noqa: PLC0415 - takes its time, and few ask here
        from pyspark.errors import PySparkException  # noqa: PLC0415 - an extra

        limits = Limits()
        job = {"uses": asked, "missing": sorted(MISSING)}
        with duckdb.connect(config={"enable_external_access": False}) as con:
            try:
                result = reduce_table(con, self, job, limits)
                rows = rows_of(con, result, limits) if result.sql else None
            except Refused as no:
                raise refused(no) from None
            except PySparkException as failed:
                if told := re.search(rf"{_LINES_DIFFER} u(\d+);", str(failed)):
                    column = headings[asked[int(told[1])]["at"]]
                    raise IngestError("lines_differ", column=column) from None
                raise
            frame = pd.DataFrame() if rows is None else rows.unify_dictionaries().to_pandas()
            return frame, result.told

    # --- what `reduce_table` asks

    @property
    def rows(self) -> int:
        """How many records there are, counted by themselves."""
        if self.counted is not None:
            return self.counted
        return int(self.told(None, f"SELECT count(*) FROM {_GIVEN}")[0])  # noqa: S608

    def unchanged(self) -> bool:
        """What came or went while it was read shows in the counts."""
        return True

    def kind(self, at: int) -> str:
        """What the cells of a column are."""
        kind = self.types[at]
        return "decimal" if kind.startswith("decimal") else _KINDS.get(kind, "other")

    def cell(self, at: int) -> str:
        """The SQL for a cell of a column."""
        return f"CAST(c{at} AS STRING)" if self.kind(at) in {"text", "other"} else f"c{at}"

    def relation(self, con: Any, wanted: Sequence[int]) -> str:
        """The SQL for the records."""
        del con, wanted
        return _GIVEN

    def fill(self, con: Any, statement: str) -> None:
        """The groups come here, and become the table ``reduced``."""
        groups = within(ASK_SECONDS, self.session.sql(statement).toArrow)
        con.register("came", groups)
        con.execute("CREATE OR REPLACE TEMP TABLE reduced AS FROM came")
        con.unregister("came")

    def told(self, con: Any, statement: str) -> tuple[Any, ...]:
        """The one row that a statement finds."""
        del con
        return tuple(within(ASK_SECONDS, self.session.sql(statement).collect)[0])

    # --- text

    def _text(self, path: str) -> Any:
        """The records of delimited text in UTF-8, all of them strings.

        Spark splits them at line ends. That this is right is proven by a pass over the lines: each
        is a record of the width of the headings whose quotes stand where quotes may, and as many
        lines as there are files are the headings.

        Raises:
            IngestError: a line is none.
        """
        from pyspark.sql import functions as f  # noqa: PLC0415 - an extra

        file = f.col("_metadata.file_path")
        lines = self.session.read.text(path).select("value", file.alias("file"))
        some = within(ASK_SECONDS, lines.limit(1).collect)
        of_one = lines.where(f.col("file") == some[0].file) if some else lines
        first = [row.value for row in within(ASK_SECONDS, of_one.limit(HEAD_RECORDS).collect)]
        if not first:
            raise IngestError("empty_file")
        head = Head.of("\n".join([*first, ""]).encode(), known_headings())
        if head.dialect is None or head.dialect.skip != 1:
            raise IngestError("place_untidy", what="")
        line = f.col("value")
        counts = lines.agg(
            f.count("*"),
            f.count_if(f.length(line) == 0),
            f.count_if(line.isin(first[0], first[0].removeprefix("\ufeff"))),
            f.countDistinct("file"),
            f.count_if((f.length(line) > 0) & ~line.rlike(_record(head.dialect))),
            f.count_if(~f.is_valid_utf8(line)),
        )
        total, blank, headings, files, wrong, undecoded = within(ASK_SECONDS, counts.collect)[0]
        if undecoded:
            raise IngestError("bad_encoding")
        if headings != files:
            raise IngestError("parts_differ", part=Path(path).name)
        if wrong:
            raise IngestError("lines_torn", n=wrong)
        self.counted = total - blank - headings
        self.written = head.dialect.headings
        schema = ", ".join(f"c{at} STRING" for at in range(len(head.dialect.headings)))
        return self.session.read.csv(
            path, schema=schema, sep=head.dialect.delimiter, quote='"', escape='"', header=True,
            mode="FAILFAST", multiLine=False, encoding="UTF-8", nullValue="", emptyValue="",
            ignoreLeadingWhiteSpace=False, ignoreTrailingWhiteSpace=False, maxCharsPerColumn=-1,
        )  # fmt: skip


def _record(dialect: Dialect) -> str:
    """A pattern of Java's for a line that is a whole record."""
    sign = re.escape(dialect.delimiter)
    cell = f'(?:"[^"]*+(?:""[^"]*+)*+"|[^"{sign}]*+)'
    return rf"\A\x{{FEFF}}?{cell}(?:{sign}{cell}){{{len(dialect.headings) - 1}}}\z"


def _cell(cell: Any) -> str | int | float | None:
    if isinstance(cell, datetime | date):
        return str(cell)
    return cell if isinstance(cell, int | float | str | None) else str(cell)
