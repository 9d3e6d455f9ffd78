"""Large CSV and Parquet files: their records are added up outside this process.

A file of millions of records is not read cell by cell. The head of it, read the ordinary way, tells
what it is; then a child process (``bulk_cell.py``) is asked for a reduction: records with equal
keys joined into one, figures added, every record counted. What comes back is small enough for the
ordinary rules of ``values.py``, which still judge each day and each odd figure.

Either the sums hold every record of the file, proven by a count of the bytes, or there is an
`IngestError`.
"""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from kpi_core.errors import IngestError
from kpi_core.ingest import bulk_cell as child
from kpi_core.ingest.bulk_cell import MB, Limits, Refused
from kpi_core.ingest.values import MISSING, Mark, numbers, rounded_at
from kpi_core.ingest.workbook import CHILDREN
from kpi_core.limits import LIMITS as SETTINGS

Source: TypeAlias = bytes | Path | tuple[Path, ...]  # several: the parts of one Parquet table

LIMITS = Limits(
    columns=SETTINGS.columns,
    memory_bytes=SETTINGS.bulk_memory_megabytes * MB,
    disk_bytes=SETTINGS.bulk_disk_megabytes * MB,
    cpu_seconds=SETTINGS.bulk_cpu_seconds,
)
_GLOB = frozenset("*?[]{}")  # DuckDB would take such a path for a pattern
_BITS = 62  # of a whole number in the child: one for each pattern
_BYTES_A_SECOND = 20 * MB  # a tenth of what was measured; a large file may take its time


@dataclass(frozen=True)
class Dialect:
    """How a text file is written, as a strict look at its head found.

    Attributes:
        encoding: a codec of Python; ``utf-8`` and ``utf-8-sig`` are read where they lie, any other
            is first written anew as UTF-8.
        delimiter: one ASCII sign.
        headings: the cells of the heading row, all of them: a record must be as wide.
        skip: records above the first one of the data, title lines and headings included; an empty
            line is a record here.
        mark: the decimal mark of the file, if its head tells; asked only for columns of figures
            that must be judged by the ordinary rules.
    """

    encoding: str
    delimiter: str
    headings: tuple[str, ...]
    skip: int
    mark: Mark | None = None

    def __post_init__(self) -> None:
        sign = self.delimiter
        if len(sign) != 1 or not sign.isascii() or sign.isalnum() or sign in '"\r\n\0.-':
            raise ValueError(f"no delimiter: {sign!r}")
        if len(self.headings) < 2:
            raise ValueError("a table has two columns at least")


@dataclass(frozen=True)
class Key:
    """A column of texts: records are joined where all keys are equal."""

    at: int


@dataclass(frozen=True)
class Day:
    """A key that holds days: a date-time ``2026-10-01 10:21:14`` is cut to its date.

    Any other text stays as it is, for the day rules to judge.
    """

    at: int


@dataclass(frozen=True)
class Sum:
    """A column of figures to add.

    Attributes:
        at: which column, counted from 0.
        mark: the decimal mark that cells of this column prove; ``None`` if all that were seen are
            whole: then a later ``2.546`` is judged together with all others, never guessed.
    """

    at: int
    mark: Mark | None = None


@dataclass(frozen=True)
class First:
    """Of a record's lines, the first cell that is filled in, by their order in the file."""

    at: int


Use = Key | Day | Sum | First
Asked: TypeAlias = list[dict[str, Any]]  # uses, as a job names them
Ask: TypeAlias = Callable[[Asked], tuple[pd.DataFrame, dict[str, Any]]]


@dataclass(frozen=True)
class Judged:
    """What the ordinary rules said of a figure column whose cells are not all plain.

    Attributes:
        unread: records whose cell is no number though it is not empty; they are in no sum.
        example: one such cell.
        percent, currencies, unclear: as in `values.Numbers`; of an unclear column nothing was read.
    """

    unread: int
    example: str | None
    percent: bool
    currencies: frozenset[str]
    unclear: bool


@dataclass(frozen=True)
class Reduced:
    """A table after the reduction.

    Attributes:
        frame: one row a group, in the order of the keys (of records: of the file). Column ``i`` is
            what was asked in place ``i``: a category of texts, days or numbers, or a sum as
            float64, ``nan`` where no record of the group has a figure. ``n`` (int64): how many
            records the group stands for.
        records: how many the file holds, without blank lines; the sum of ``n`` and `nameless`.
        nameless: records without an id where ids were asked for; they are in no row.
        judged: by place, the figure columns that were not plain.
    """

    uses: tuple[Use, ...]
    frame: pd.DataFrame = field(repr=False, hash=False, compare=False)
    records: int
    nameless: int
    judged: Mapping[int, Judged]

    def rows(self, width: int) -> list[list[object]]:
        """The groups as rows of cells, each where the file has it; ``None`` for all others."""
        columns: list[list[object]] = [[None] * len(self.frame)] * width
        for place, use in enumerate(self.uses):
            cells = self.frame[place].astype(object)
            columns[use.at] = cells.where(cells.notna(), None).tolist()
        return [list(row) for row in zip(*columns, strict=True)]


@dataclass(frozen=True)
class Amount:
    """What the events of a session add up to.

    Attributes:
        pattern: which of the patterns of `Log` an event must match.
        figure: the column of its figures; ``None``: the events are counted.
        largest: the largest figure counts, and not the sum.
        once: of the events whose cells in the column `Log.once` agree, the first alone counts.
    """

    pattern: int
    figure: Sum | None = None
    largest: bool = False
    once: bool = False


@dataclass(frozen=True)
class Log:
    """How the rows of an event log become sessions; there is a column of users or of sessions.

    Attributes:
        kinds: the different rows of the file, as `reduce_text` or `reduce_parquet` gave them.
        first, last: the days of each kind, ``NaT`` where it tells none.
        matches: whether a kind matches a pattern, shape (kinds, patterns).
        unique: columns; of rows that agree in all of them the first alone counts.
        once: a column of what may be told by several events: an order.
    """

    kinds: Reduced
    first: pd.Series = field(repr=False, hash=False, compare=False)
    last: pd.Series = field(repr=False, hash=False, compare=False)
    matches: npt.NDArray[np.bool_] = field(repr=False, hash=False, compare=False)
    amounts: tuple[Amount, ...] = ()
    user: int | None = None
    session: int | None = None
    unique: tuple[int, ...] = ()
    once: int | None = None

    def __post_init__(self) -> None:
        if self.user is None and self.session is None:
            raise ValueError("events of nobody")
        if self.matches.shape[1] > _BITS:
            raise ValueError("too many patterns")


@dataclass(frozen=True)
class Sessions:
    """An event log after the reduction.

    Attributes:
        frame: one row a session (without session ids, a user's day), in the order of their first
            events: ``record`` (uint64, see `identity`), ``first`` and ``last`` (its days),
            ``kind`` of its first event, each amount by its place (float64, ``nan`` if no event
            has a figure).
        matched: whether an event of the session matches a pattern, shape (sessions, patterns).
        times: how many events of each kind stand in a row of `frame`.
        records: events in the file.
        repeated: those that tell an event again.
        undated: of the others, those without a day; `lost`: the first of them, counted from 1.
        nameless: those with a day, but without an id.
        users: how many different ones the events in `frame` name; ``None`` without a column.
    """

    frame: pd.DataFrame = field(repr=False, hash=False, compare=False)
    matched: npt.NDArray[np.bool_] = field(repr=False, hash=False, compare=False)
    times: npt.NDArray[np.int64] = field(repr=False, hash=False, compare=False)
    records: int
    repeated: int
    undated: int
    lost: int | None
    nameless: int
    users: int | None


@dataclass(frozen=True)
class LogFile:
    """How the rows of an event log are written as numbers.

    Attributes:
        kinds: its different rows, of texts only.
        time: the column of times.
        user, session, customer: columns of ids; one of the first two at least.
        unique: columns; rows that agree in all of them are one event. None: each row is one.
    """

    kinds: Reduced
    time: int
    user: int | None
    session: int | None
    customer: int | None
    unique: tuple[int, ...] = ()


@dataclass(frozen=True)
class Written:
    """What became of the rows of an event log.

    Attributes:
        events: how many are written.
        repeated: rows that tell an event again.
        undated: of the others, those without a time; `lost`: the first of them, counted from 1.
        offsets: how many offsets from UTC the times name.
    """

    events: int
    repeated: int
    undated: int
    lost: int | None
    offsets: int


def identity(parts: Iterable[Sequence[str]]) -> npt.NDArray[np.uint64]:
    """A number per record, the same in every file that holds it; its ids are not kept.

    Each record is the texts that tell it apart: a user, if known, and a session id, or a user and a
    day (2026-10-01).
    """
    texts = ("\x1f".join(part).encode() for part in parts)
    digests = (hashlib.md5(text, usedforsecurity=False).digest() for text in texts)
    return np.array([int.from_bytes(digest[:8], "little") for digest in digests], dtype=np.uint64)


def reduce_text(
    source: Source, dialect: Dialect, uses: Sequence[Use], limits: Limits = LIMITS
) -> Reduced:
    """The records of a delimited text file, joined by their keys.

    Args:
        source: the bytes, or where a local file lies.
        dialect: how it is written.
        uses: the wanted columns. With a `First` among them there is one `Key`, a record's id, and
            no `Day`.
        limits: what it may cost.

    Raises:
        IngestError: not every record can be proven, or there are too many groups.
    """
    job = _text_job(dialect)
    return _reduced(source, job, uses, headings=dialect.headings, mark=dialect.mark, limits=limits)


def reduce_parquet(
    source: Source,
    headings: Sequence[str],
    uses: Sequence[Use],
    limits: Limits = LIMITS,
) -> Reduced:
    """The records of a Parquet file with flat columns, joined by their keys.

    Args:
        source: the bytes, or where a local file lies.
        headings: the names of its columns, for messages.
        uses: as in `reduce_text`. Columns of numbers are added as they are, texts as in a text
            file; times of a zone count as wall time.
        limits: what it may cost.

    Raises:
        IngestError: it is broken or nested, a figure column holds no figures, or there are too
            many groups.
    """
    return _reduced(source, {"kind": "parquet"}, uses, headings=headings, mark=None, limits=limits)


def parquet_head(
    source: Source, records: int = 500, limits: Limits = LIMITS
) -> tuple[tuple[str, ...], list[list[str | int | float | None]]]:
    """The headings and first records of a Parquet file; days as texts.

    Raises:
        IngestError: it is broken or nested.
    """
    with _prepared(source, {"kind": "parquet", "what": "head", "records": records}, limits) as job:
        told = _ask(job, limits)[1]
    return tuple(told["names"]), told["rows"]


def reduce_events(
    source: Source, dialect: Dialect | None, log: Log, limits: Limits = LIMITS
) -> Sessions:
    """An event log as one row a session.

    Args:
        source: the bytes, or where a local file lies.
        dialect: how a text file is written; ``None``: it is Parquet.
        log: what stands where, and what its rows mean.
        limits: what it may cost.

    Raises:
        IngestError: not every event can be proven, the figures are not plain, a spreadsheet has
            rounded the ids, or there are too many sessions.
    """
    figures = list(dict.fromkeys(each.figure for each in log.amounts if each.figure))
    bits = 1 << np.arange(log.matches.shape[1], dtype=np.int64)
    job: dict[str, Any] = _text_job(dialect) if dialect else {"kind": "parquet"}
    job |= {
        "what": "events",
        "user": log.user,
        "session": log.session,
        "unique": log.unique,
        "once": log.once,
        "figures": [_asked(figure) for figure in figures],
        "amounts": [
            {**asdict(each), "figure": figures.index(each.figure) if each.figure else None}
            for each in log.amounts
        ],
        "kinds": {
            **_kinds(log.kinds),
            "first": _numbered(log.first),
            "last": _numbered(log.last),
            "mask": (log.matches @ bits).tolist(),
        },
    }
    with _prepared(source, job, limits) as ready:
        rows, told = _ask(ready, limits)
    if doubts := told.get("doubts"):
        at, example = next(iter(doubts.items()))
        named = dialect.headings[int(at)] if dialect else str(int(at) + 1)
        raise IngestError("figures_not_plain", column=named, example=example)
    _refuse_rounded(told["long"], dialect)
    frame = rows.drop(columns="mask").rename(
        columns={f"amount{place}": place for place in range(len(log.amounts))}
    )
    for edge in ("first", "last"):
        frame[edge] = pd.to_datetime(frame[edge]).astype("datetime64[us]")
    times = np.zeros(len(log.matches), dtype=np.int64)
    for kind, n in told["times"]:
        times[kind] = n
    matched = rows["mask"].to_numpy(dtype=np.int64)[:, None] & bits != 0
    names = ("records", "repeated", "undated", "lost", "nameless", "users")
    return Sessions(frame, matched, times, **{name: told[name] for name in names})


def write_log(
    source: Source,
    dialect: Dialect | None,
    log: LogFile,
    target: Path,
    limits: Limits = LIMITS,
) -> Written:
    """Writes an event log anew as a Parquet file of numbers.

    Args:
        source: the bytes, or where a local file lies.
        dialect: how a text file is written; ``None``: it is Parquet.
        log: what stands where.
        target: gets columns ``row`` (from 1), ``time``, ``user``, ``session``, ``customer`` as far
            as there are any (positive int64, hashes), and ``kind`` (which row of `log.kinds`).
        limits: what it may cost.

    Raises:
        IngestError: not every event can be proven, or a spreadsheet has rounded the ids.
    """
    job: dict[str, Any] = _text_job(dialect) if dialect else {"kind": "parquet"}
    nobody = [None] * len(log.kinds.frame)
    job |= {
        "what": "log",
        "target": str(target),
        "kinds": {**_kinds(log.kinds), "first": nobody, "last": nobody, "mask": nobody},
        **{name: getattr(log, name) for name in ("time", "user", "session", "customer", "unique")},
    }
    with _prepared(source, job, limits) as ready:
        told = _ask(ready, limits)[1]
    _refuse_rounded(told["long"], dialect)
    names = ("events", "repeated", "undated", "lost", "offsets")
    return Written(**{name: told[name] for name in names})


def _kinds(reduced: Reduced) -> dict[str, Any]:
    """The keys of the different rows as texts, and how they are made."""
    keys = {place: use for place, use in enumerate(reduced.uses) if isinstance(use, Key | Day)}
    texts = []
    for place in keys:
        cells = reduced.frame[place]
        if pd.api.types.is_float_dtype(cells):  # whole numbers beside empty cells
            cells = cells.convert_dtypes()
        texts.append([None if pd.isna(cell) else str(cell) for cell in cells.astype(object)])
    return {"uses": [_asked(use) for use in keys.values()], "texts": texts}


def _numbered(days: pd.Series) -> list[int | None]:
    """Days as their numbers since 1970."""
    numbers = days.to_numpy().astype("datetime64[D]").astype(np.int64)
    return [None if lost else int(day) for day, lost in zip(numbers, days.isna(), strict=True)]


def _refuse_rounded(long: Mapping[str, Sequence[tuple[int, str]]], dialect: Dialect | None) -> None:
    """Refuses ids of which a spreadsheet has kept the first digits only.

    Raises:
        IngestError: so that many look like one.
    """
    for at, cells in long.items():
        if (place := rounded_at([cell for _, cell in cells])) is not None:
            row, example = cells[place]
            column = dialect.headings[int(at)] if dialect else str(int(at) + 1)
            line = row + (dialect.skip if dialect else 1)
            raise IngestError("numbers_rounded", column=column, line=line, example=example)


# --- tables


def _text_job(dialect: Dialect) -> dict[str, Any]:
    return {
        "kind": "text",
        "encoding": dialect.encoding,
        "delimiter": dialect.delimiter,
        "width": len(dialect.headings),
        "skip": dialect.skip,
    }


def _asked(use: Use) -> dict[str, Any]:
    return {"use": type(use).__name__.lower(), **asdict(use)}


def _reduced(
    source: Source,
    job: dict[str, Any],
    uses: Sequence[Use],
    *,
    headings: Sequence[str],
    mark: Mark | None,
    limits: Limits,
) -> Reduced:
    """Asks for the sums; figures that are not plain come as texts in a second go and are judged."""
    with _prepared(source, job | {"what": "table"}, limits) as ready:
        return reduction(lambda asked: _ask(ready | {"uses": asked}, limits), uses, headings, mark)


def reduction(ask: Ask, uses: Sequence[Use], headings: Sequence[str], mark: Mark | None) -> Reduced:
    """The records joined by their keys, of whoever can be asked for them.

    Args:
        ask: gets the uses as a job names them, gives rows and what is said of them.
        uses: the wanted columns.
        headings: of all columns, for messages.
        mark: as in `Dialect`.

    Raises:
        IngestError: there are too many groups, or figures that cannot be added without a guess.
    """
    kinds = [type(use) for use in uses]
    if First in kinds and (kinds.count(Key) != 1 or Day in kinds):
        raise ValueError("records have one key")
    asked = [_asked(use) for use in uses]
    odd: list[int] = []
    frame, told = ask(asked)
    if doubts := told.get("doubts"):
        odd = [place for place, use in enumerate(uses) if str(use.at) in doubts]
        column, example = headings[uses[odd[0]].at], doubts[str(uses[odd[0]].at)]
        if First in kinds:  # as a second key they would part the lines of a record
            raise IngestError("figures_not_plain", column=column, example=example)
        for place in odd:
            asked[place] = _asked(Key(uses[place].at))
        try:
            frame, told = ask(asked)
        except IngestError as failed:
            if failed.code != "too_many_groups":
                raise
            raise IngestError("figures_not_plain", column=column, example=example) from None
    frame.columns = pd.Index([*range(len(uses)), "n"], dtype=object)
    judged = {place: _judge(frame, place, mark) for place in odd}
    if odd:
        frame = _joined(frame, uses)
    return Reduced(tuple(uses), frame, told["records"], told["nameless"], judged)


def _judge(frame: pd.DataFrame, place: int, mark: Mark | None) -> Judged:
    """Turns the texts of a figure column into what they add up to in each row of `frame`."""
    cells = frame[place].astype(object)
    cells = cells.where(cells.notna(), None)
    read = numbers(cells.tolist(), mark)
    values = np.full(len(frame), np.nan) if read.unclear else read.values
    frame[place] = values * frame["n"].to_numpy()
    return Judged(
        unread=int(frame["n"].iloc[list(read.unread)].sum()),
        example=str(cells.iloc[read.unread[0]])[:40] if read.unread else None,
        percent=read.percent,
        currencies=read.currencies,
        unclear=read.unclear,
    )


def _joined(frame: pd.DataFrame, uses: Sequence[Use]) -> pd.DataFrame:
    """The groups joined again, once figures are no longer keys."""
    keys = [place for place, use in enumerate(uses) if isinstance(use, Key | Day)]
    sums = [place for place, use in enumerate(uses) if isinstance(use, Sum)]
    grouped = frame.groupby(keys or np.zeros(len(frame)), dropna=False, observed=True, sort=True)
    added = grouped[sums].sum(min_count=1).join(grouped["n"].sum())
    added = added.reset_index() if keys else added.reset_index(drop=True)
    return added[[*range(len(uses)), "n"]]


# --- the child


@contextmanager
def _prepared(source: Source, job: dict[str, Any], limits: Limits) -> Iterator[dict[str, Any]]:
    """The job with a folder of its own and the path of a file that the child can open."""
    with tempfile.TemporaryDirectory(prefix="kpi-", ignore_cleanup_errors=True) as folder:
        paths = _paths(source, Path(folder))
        sizes = [path.stat().st_size for path in paths]
        if not all(sizes):
            raise IngestError("empty_file")
        more = int(sum(sizes) / _BYTES_A_SECOND)
        patient = replace(
            limits,
            cpu_seconds=limits.cpu_seconds + 2 * more,
            wall_seconds=limits.wall_seconds + 2 * more,
            disk_bytes=limits.disk_bytes + 3 * sum(sizes),
        )
        common = {"paths": list(map(str, paths)), "folder": folder, "missing": sorted(MISSING)}
        yield job | common | {"limits": asdict(patient)}


def _paths(source: Source, folder: Path) -> list[Path]:
    """Where the child finds the files: names that DuckDB would take for patterns get others."""
    if isinstance(source, bytes):
        path = folder / "source"
        path.write_bytes(source)
        return [path]
    found = []
    for number, given in enumerate(source if isinstance(source, tuple) else (source,)):
        path = given.absolute()
        if not path.is_file():
            raise IngestError("no_such_file", where=given.name)
        if _GLOB & set(str(path)):
            plain = folder / f"source{number}"
            try:
                plain.hardlink_to(path)
            except OSError:  # another disk
                shutil.copyfile(path, plain)
            path = plain
        found.append(path)
    return found


def _ask(job: dict[str, Any], limits: Limits) -> tuple[pd.DataFrame, dict[str, Any]]:
    """What a child makes of the job: rows, and what it says of them.

    Raises:
        IngestError: the child refused the file or died, whatever the way.
    """
    wall = job["limits"]["wall_seconds"]
    if not CHILDREN.acquire(timeout=2 * wall):
        raise IngestError("busy")
    try:
        # By path and with -P: neither the working directory nor this package's own imports count.
        done = subprocess.run(  # noqa: S603 - our own script; the job goes in by stdin
            [sys.executable, "-P", child.__file__],
            input=json.dumps(job).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # what a reader prints may quote the file
            timeout=wall,
            check=False,
            # Arrow's own pool reserves 1 GB of addresses at once; no matrix is multiplied here, so
            # that numpy need not start threads for it.
            env={
                **os.environ,
                "ARROW_DEFAULT_MEMORY_POOL": "system",
                "OPENBLAS_NUM_THREADS": "1",
            },
        )
    except subprocess.TimeoutExpired:
        raise IngestError("timed_out", seconds=int(wall)) from None
    finally:
        CHILDREN.release()
    if sys.platform != "win32" and done.returncode in {-signal.SIGXCPU, -signal.SIGKILL}:
        raise IngestError("timed_out", seconds=job["limits"]["cpu_seconds"])
    if done.returncode == -signal.SIGABRT:  # how a library ends that is refused memory
        raise IngestError("out_of_memory", megabytes=limits.memory_bytes // MB)
    if done.returncode != 0:
        raise IngestError("reader_crashed", status=done.returncode)
    told: dict[str, Any] = json.loads(done.stdout[done.stdout.rstrip().rfind(b"\n") + 1 :])
    if "refused" in told:
        raise refused(Refused(told["refused"], **told["values"]))
    without_rows = {"doubts", "names", "offsets"} & set(told)
    return pd.DataFrame() if without_rows else _frame(done.stdout), told


def refused(no: Refused, where: str = "") -> IngestError:
    """A refusal as what readers are told."""
    values: dict[str, Any] = no.values
    return IngestError(no.code, where=where, **values)


def _frame(answer: bytes) -> pd.DataFrame:
    """The Arrow stream in front of the last line."""
    import pyarrow as pa  # noqa: PLC0415 - takes its time, and small files do without

    with pa.ipc.open_stream(pa.py_buffer(answer)) as stream:
        table = stream.read_all()
    table.validate(full=True)
    frame: pd.DataFrame = table.unify_dictionaries().to_pandas()
    return frame
