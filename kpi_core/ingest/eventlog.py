"""Event logs event by event, for what is asked of the order of events: funnels.

`logs` reads a log as sessions; here each event stays. The head of the file tells what its columns
mean, the child process of `bulk` writes the events anew as numbers: who, when, which kind of event.
The same proof holds: every record of the file is written, or counted in a finding, or there is an
`IngestError`.
"""

import hashlib
import re
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from secrets import token_hex
from weakref import finalize

import pandas as pd

from kpi_core.errors import Finding, IngestError, Severity
from kpi_core.ingest.bulk import (
    Key,
    LogFile,
    Reduced,
    Use,
    Written,
    reduce_parquet,
    reduce_text,
    write_log,
)
from kpi_core.ingest.formats import Format, known_headings, recognise
from kpi_core.ingest.large import Head, different_rows
from kpi_core.ingest.privacy import listed, pages, told
from kpi_core.ingest.reading import Reading
from kpi_core.ingest.values import Cell, is_missing

CUTS = ("channel", "device", "campaign")
_DESCRIBED = ("channel", "source", "medium", "source_medium", "device", "campaign")
_WAY = ("product_views", "carts", "checkouts", "orders")
_CUSTOMER = ("customer id", "customer", "crm id", "user id", "id клиента")
_CLOCK = re.compile(r".*\d{1,2}:\d{2}.*|\d{10}(?:\d{3}){0,2}", re.DOTALL)


@dataclass(frozen=True)
class EventLog:
    """A log as numbers in a Parquet file.

    Attributes:
        name: of the file it was.
        path: columns ``row`` (place in the log), ``time`` (wall time, microseconds), ``user``,
            ``session``, ``customer`` (positive numbers that stand for the ids; null: not named),
            ``kind``.
        kinds: ``event`` (in small letters), ``channel``, ``device``, ``campaign`` of each kind;
            empty where not named.
        events: how many.
        units: of user, session, customer those that it names.
        cuts: of channel, device, campaign those that it names.
        usual: on the way to a purchase, the events of each step that it knows, in order.
    """

    name: str
    path: Path
    kinds: pd.DataFrame = field(repr=False, hash=False, compare=False)
    events: int
    units: tuple[str, ...]
    cuts: tuple[str, ...]
    findings: tuple[Finding, ...] = ()
    usual: tuple[tuple[str, ...], ...] = ()


def read_event_log(
    source: Path | bytes, name: str = "", layouts: tuple[Format, ...] = ()
) -> EventLog:
    """The events of a delimited text or Parquet file, of any size.

    Ids become hashes that are the same in every file; a session id counts within its user. Times
    are wall times; where the rows name several offsets from UTC, all become times of UTC, and a
    finding says so. Rows that tell an event again (by the format's ``unique``) count once.

    Args:
        source: a local file or the bytes of one.
        name: what it is called; a path has a name of its own.
        layouts: those that the user taught.

    Raises:
        IngestError: it is no event log, or not every record of it can be proven.
    """
    label = name or (source.name if isinstance(source, Path) else "file")
    try:
        return _read(source, label, layouts)
    except IngestError as failed:
        failed.where = failed.where or label
        failed.values = told(failed.values)
        raise


def _read(source: Path | bytes, label: str, layouts: tuple[Format, ...]) -> EventLog:
    head = Head.of(source, known_headings(layouts))
    headings = head.section.headings
    format = recognise(head.section, layouts)
    if format is None:
        raise IngestError("unknown_layout", columns=listed(column.raw for column in headings))
    first = Reading(head.section, format, label, head.delimiter)
    columns = dict(first.columns)
    event = columns.get("event", columns.get("address"))
    at = _moment(first)
    if event is None or at is None or not {"user", "session"} & set(columns):
        raise IngestError("no_event_log", what=format.name)
    uses: dict[str, Use] = {
        "event": Key(event),
        **{target: Key(columns[target]) for target in _DESCRIBED if target in columns},
    }
    if head.dialect:
        reduced = reduce_text(source, head.dialect, list(uses.values()))
    else:
        reduced = reduce_parquet(source, [c.raw for c in headings], list(uses.values()))
    kinds, findings = _kinds(head, first, reduced)
    file = LogFile(
        kinds=reduced,
        time=at,
        user=columns.get("user"),
        session=columns.get("session"),
        customer=_customer(first),
        unique=_unique(first),
    )
    how = (format.id, uses, at, file.user, file.session, file.customer, file.unique)
    # Of each reading a file of its own: somebody else who reads the same log may be done sooner.
    target = Path(_folder().name, f"{_digest(source, *how)}.{token_hex(8)}.parquet")
    try:
        written = write_log(source, head.dialect, file, target)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    units = [id for id in ("user", "session", "customer") if getattr(file, id) is not None]
    log = EventLog(
        label,
        target,
        kinds,
        written.events,
        tuple(units),
        tuple(cut for cut in CUTS if (kinds[cut] != "").any()),
        (*findings, *_told(first, written, _has_clock(first, at))),
        tuple(_usual(format, kinds["event"])),
    )
    finalize(log, _remove, target)
    return log


def _remove(path: Path) -> None:
    """A log that nobody asks any more; one that is still open elsewhere goes with its folder."""
    with suppress(OSError):
        path.unlink()


def _usual(format: Format, events: pd.Series) -> Iterator[tuple[str, ...]]:
    """The events of each step to a purchase; no event is of two."""
    names = sorted(set(events))
    for id in _WAY:
        pattern = format.steps.get(id)
        if found := [name for name in names if pattern and pattern.fullmatch(name)]:
            yield tuple(found)


def _kinds(head: Head, first: Reading, reduced: Reduced) -> tuple[pd.DataFrame, list[Finding]]:
    """What the different rows say, by the rules for rows; channels by their known names."""
    reading = different_rows(head, first, reduced)
    frame = reading.frame()
    named = "event" in reading.columns
    names = reading.texts("event") if named else pages(reading.texts("address"))
    kinds = pd.DataFrame({"event": names.str.casefold()})
    for cut in CUTS:
        kinds[cut] = frame[cut].replace("other", "") if cut in frame else ""
    return kinds, [each for each in reading.findings if each.code in _OF_KINDS]


_OF_KINDS = frozenset({"channels_unknown", "people_hidden"})


def _moment(first: Reading) -> int | None:
    """The column of times: of those that mean a date the first whose cells have a clock."""
    dated = [
        at
        for at, column in enumerate(first.section.headings)
        if first.format.target(column) == "date"
    ]
    if "date" in first.columns:  # the one that is believed comes first
        dated.sort(key=lambda at: at != first.columns["date"])
    return next((at for at in dated if _has_clock(first, at)), dated[0] if dated else None)


def _has_clock(first: Reading, at: int) -> bool:
    """Whether half of the cells that are filled, or more, name an hour."""
    cells: list[Cell] = [cell for cell in first.cells[at] if not is_missing(cell)]
    return 2 * sum(bool(_CLOCK.fullmatch(str(cell))) for cell in cells) >= max(len(cells), 1)


def _customer(first: Reading) -> int | None:
    """The column of customers, who may use several devices, and so be several users."""
    if "customer" in first.columns:
        return first.columns["customer"]
    taken = {first.columns.get("user")}
    named = {column.name: at for at, column in enumerate(first.section.headings)}
    return next((at for name in _CUSTOMER if (at := named.get(name)) not in {None, *taken}), None)


def _unique(first: Reading) -> tuple[int, ...]:
    """The columns whose cells tell one event from another; none if one of them is lacking."""
    wanted = first.format.unique
    found = [at for at, column in enumerate(first.section.headings) if column.full in wanted]
    return tuple(found) if len(found) >= len(wanted) else ()


def _told(first: Reading, written: Written, has_clock: bool) -> Iterator[Finding]:
    """What became of the rows."""
    if written.repeated:
        told_again: dict[str, object] = {"n": written.repeated}
        yield Finding(Severity.INFO, "events_told_again", first.where, told_again)
    if written.lost is not None:
        lost: dict[str, object] = {"n": written.undated, "line": written.lost + first.lines[0] - 1}
        yield Finding(Severity.WARNING, "rows_without_day", first.where, lost)
    if written.offsets > 1:
        yield Finding(Severity.INFO, "log_in_utc", first.where)
    if not has_clock:
        yield Finding(Severity.WARNING, "log_without_clock", first.where)


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """Where logs lie until the program ends."""
    return tempfile.TemporaryDirectory(prefix="kpi-logs-", ignore_cleanup_errors=True)


def _digest(source: Path | bytes, *how: object) -> str:
    """The same for the same bytes read in the same way."""
    if isinstance(source, bytes):
        found = hashlib.sha256(source)
    else:
        with source.open("rb") as file:
            found = hashlib.file_digest(file, "sha256")
    found.update(repr(how).encode())
    return found.hexdigest()
