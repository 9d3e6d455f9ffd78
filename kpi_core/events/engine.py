"""A funnel asked of an event log in a local file, which may be larger than the memory.

DuckDB scans the log and sorts it by unit and time, on disk if need be; what comes sorted is looked
through piece by piece.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from kpi_core.errors import Finding, Severity, UsageError
from kpi_core.events.asked import FEWEST_STEPS, EventFunnel, Step
from kpi_core.events.attempts import FOREVER, Rules, outcomes
from kpi_core.events.told import EventFunnelResult, told
from kpi_core.ingest.eventlog import EventLog
from kpi_core.ingest.privacy import event_name

MEMORY = "768MiB"  # what DuckDB keeps before it goes to disk
_BATCH = 250_000  # events that are handed over at once
_FREQUENT = 4  # events of a funnel to begin with


def event_funnel(log: EventLog, asked: EventFunnel) -> EventFunnelResult:
    """The funnel of a log.

    Events without the key of the unit belong to none; a finding says how many.

    Raises:
        UsageError: the log names no such units, or nothing to part them by.
    """
    import duckdb  # noqa: PLC0415  # slow to import, needed by few

    check(asked, log.name, log.units, log.cuts)
    with tempfile.TemporaryDirectory(prefix="kpi-funnel-") as folder:
        con = duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": folder})
        con.execute("SET preserve_insertion_order = false")  # the order is asked for
        # The unit is one of three words of ours, never a text of the file.
        events = con.read_parquet(str(log.path)).project(
            f"{asked.unit} AS unit, epoch_us(time) AS moment, kind, row"
        )
        count, known, first, last = events.aggregate(
            "count(*), count(unit), min(moment) FILTER (unit IS NOT NULL), "
            "max(moment) FILTER (unit IS NOT NULL)"
        ).fetchall()[0]
        in_order = (
            events.filter("unit IS NOT NULL")
            .order("unit, moment, row")
            .project("unit, moment, kind")
        )
        found = list(outcomes(rules_of(asked, log.kinds), in_order.to_arrow_reader(_BATCH)))
    span = (first, last) if known else None
    made = answer(asked, log.kinds, found, span, log.name)
    lost = without_unit(count - known, log.name)
    return replace(made, findings=(*log.findings, *lost, *made.findings))


def event_counts(log: EventLog) -> dict[str, int]:
    """Each event of a log to how many there are of it, the most frequent first.

    Without those whose name may be personal.
    """
    import duckdb  # noqa: PLC0415

    with duckdb.connect(config={"memory_limit": MEMORY}) as con:
        rows = con.read_parquet(str(log.path)).aggregate("kind, count(*)").fetchall()
    counts: dict[str, int] = {}
    events = log.kinds["event"].tolist()
    for kind, n in rows:
        counts[events[kind]] = counts.get(events[kind], 0) + n
    shown = {name: n for name, n in counts.items() if event_name(name, lambda _: False) == name}
    return dict(sorted(shown.items(), key=lambda each: (-each[1], each[0])))


def usual_steps(log: EventLog, counts: Mapping[str, int]) -> tuple[Step, ...]:
    """A funnel to begin with: the steps to a purchase, if the log has two of them or more.

    Else its most frequent events, of which there are fewer and fewer.

    Args:
        log: the log.
        counts: its `event_counts`.
    """
    if len(log.usual) >= FEWEST_STEPS:
        return tuple(map(Step, log.usual))
    return tuple(Step((event,)) for event in list(counts)[:_FREQUENT])


def check(asked: EventFunnel, where: str, units: tuple[str, ...], cuts: tuple[str, ...]) -> None:
    """Refuses what a log cannot answer.

    Raises:
        UsageError: it names no such units, or nothing to part them by.
    """
    if asked.unit not in units:
        raise UsageError("funnel_unit", where=where, known=", ".join(units))
    if asked.by and asked.by not in cuts:
        raise UsageError("funnel_by", where=where, known=", ".join(cuts) or "–")


def rules_of(asked: EventFunnel, kinds: pd.DataFrame) -> Rules:
    """The funnel in numbers of `kinds` (event, channel, device and campaign of each)."""
    matches = [_are(kinds, step.events) for step in asked.steps]
    excluded = np.zeros((len(asked.steps), len(kinds)), dtype=bool)
    for exclusion in asked.exclusions:
        rows = slice(1, None) if exclusion.after is None else exclusion.after
        excluded[rows] |= _are(kinds, exclusion.events)
    sets = [frozenset(step.events) for step in asked.steps]
    return Rules(
        order=str(asked.order),
        matches=np.array(matches),
        excluded=excluded,
        alike=tuple(map(sets.index, sets)),
        window=_microseconds(asked.window),
        within=(FOREVER, *(_microseconds(step.within) for step in asked.steps[1:])),
        named=(kinds[asked.by] != "").to_numpy(bool) if asked.by else np.zeros(len(kinds), bool),
        last=asked.touch == "last",
    )


def answer(
    asked: EventFunnel,
    kinds: pd.DataFrame,
    found: list[pa.RecordBatch],
    span: tuple[int, int] | None,
    where: str,
) -> EventFunnelResult:
    """The answer of a log whose units are looked through."""
    rows = pa.Table.from_batches(found, rules_of(asked, kinds).schema)
    return told(asked, kinds, rows, span, where)


def without_unit(events: int, where: str) -> tuple[Finding, ...]:
    """Says how many events belong to nobody."""
    if not events:
        return ()
    return (Finding(Severity.WARNING, "funnel_events_without_unit", where, {"n": events}),)


def _are(kinds: pd.DataFrame, events: tuple[str, ...]) -> npt.NDArray[np.bool_]:
    return kinds["event"].isin(events).to_numpy(bool)


def _microseconds(limit: timedelta | None) -> int:
    return FOREVER if limit is None else limit // timedelta(microseconds=1)
