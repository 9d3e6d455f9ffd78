"""What a funnel over events says: units by step, shares, times, ways out, cohorts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from kpi_core.errors import Finding, Severity, did_you_mean
from kpi_core.events.asked import EventFunnel, Order
from kpi_core.events.attempts import FOREVER, NOTHING, Numbers
from kpi_core.ingest.privacy import event_name
from kpi_core.model import TOTAL
from kpi_core.stats import share_interval

MOST_WAYS = 5  # of leaving a step that are named
MICROSECONDS = 1_000_000
_HOUR = 3600
_DAY = 24 * _HOUR
BUCKETS = (60, 300, 900, 1800, _HOUR, 3 * _HOUR, 6 * _HOUR, 12 * _HOUR, _DAY, 2 * _DAY, 3 * _DAY,
           7 * _DAY, 14 * _DAY, 30 * _DAY)  # fmt: skip


@dataclass(frozen=True)
class Portion:
    """A share 0..1 of units, and what so many leave plausible (95 %, Wilson)."""

    value: Fraction
    low: float
    high: float


@dataclass(frozen=True)
class Times:
    """How long units took, in seconds.

    Attributes:
        units: how many.
        lower, median, upper: the quartiles; between two units in proportion.
        buckets: how many took up to so long, and longer than the bucket before; the last: longer.
    """

    units: int
    lower: float
    median: float
    upper: float
    buckets: tuple[tuple[int | None, int], ...]


@dataclass(frozen=True)
class EventStep:
    """A step as counted.

    Attributes:
        number: from 1; in any order: of units that did so many of the steps.
        name: its events; empty in any order.
        units: how many reached it.
        of_first, of_previous, of_all: their share of those at the first step, at the step before
            and of all; ``None`` where there are none, and for the first step beside itself.
        since_first, since_previous: how long they took; ``None`` for the first step and if nobody
            got here.
    """

    number: int
    name: str
    units: int
    of_first: Portion | None
    of_previous: Portion | None
    of_all: Portion | None
    since_first: Times | None
    since_previous: Times | None


@dataclass(frozen=True)
class Group:
    """The units of one value, or of all.

    Attributes:
        slice: the value; `TOTAL`; empty: none of their events names one.
        units: all of them, whatever they did.
    """

    slice: str
    units: int
    steps: tuple[EventStep, ...]

    @property
    def conversion(self) -> Portion | None:
        """The share of those at the first step who came to the last."""
        return self.steps[-1].of_first


@dataclass(frozen=True)
class Left:
    """What units did that went no further than a step.

    Attributes:
        step: its number.
        units: how many.
        ways: the most frequent next events of theirs and how many units did each; ``None``:
            nothing more. A name that may be personal is hidden.
        other: those of other next events.
    """

    step: int
    units: int
    ways: tuple[tuple[str | None, int], ...]
    other: int


@dataclass(frozen=True)
class Cohort:
    """Units whose attempt started on one day or in one week.

    Attributes:
        first: its first day.
        reached: how many reached each step.
        converted: of those, how many had come to the last step within 1, 2, 3... days of their
            start; as many days as the slowest took.
        whole: the log goes on for the whole window after it; else more of it may yet come.
    """

    first: date
    reached: tuple[int, ...]
    converted: tuple[int, ...]
    whole: bool

    @property
    def conversion(self) -> Portion | None:
        """The share that came to the last step."""
        return portion(self.reached[-1], self.reached[0])


@dataclass(frozen=True)
class EventFunnelResult:
    """The answer.

    Attributes:
        asked: the funnel.
        groups: all units first, then the values it is parted by, the largest first.
        left: of each step but the last.
        cohorts: by day or week of the first step, as asked; days without units are left out.
        days: by day of the first step.
        period: of the log, first and last day; ``None``: it is empty.
    """

    asked: EventFunnel
    groups: tuple[Group, ...]
    left: tuple[Left, ...]
    cohorts: tuple[Cohort, ...]
    days: tuple[Cohort, ...]
    period: tuple[date, date] | None
    findings: tuple[Finding, ...]

    @property
    def total(self) -> Group:
        """All units."""
        return self.groups[0]


def portion(part: int, whole: int) -> Portion | None:
    """A share with its interval; ``None`` of nothing."""
    interval = share_interval(part, whole)
    return None if interval is None else Portion(Fraction(part, whole), *interval)


def told(
    asked: EventFunnel,
    kinds: pd.DataFrame,
    found: pa.Table,
    span: tuple[int, int] | None,
    where: str = "",
) -> EventFunnelResult:
    """The answer, from what each unit reached.

    Args:
        asked: the funnel.
        kinds: event, channel, device and campaign of each kind of event.
        found: a row a unit, see `attempts.Rules.schema`.
        span: the times of the first and the last event, microseconds since 1970.
        where: the name of the log.
    """
    reached = found["reached"].to_numpy().astype(np.int64)
    times = np.column_stack(
        [found[f"t{place}"].fill_null(FOREVER).to_numpy() for place in range(len(asked.steps))]
    )
    groups = [_group(asked, TOTAL, reached, times)]
    if asked.by:
        named = kinds[asked.by].to_numpy()
        slices = np.append(named, "")[found["touch"].to_numpy()]  # NOTHING is the last one
        parts = pd.Series(np.arange(len(slices))).groupby(slices, sort=True).indices
        groups += sorted(
            (_group(asked, str(name), reached[rows], times[rows]) for name, rows in parts.items()),
            key=lambda group: -group.units,
        )
    begun = reached > 0
    weekly = _cohorts(asked, reached[begun], times[begun], span, 7)
    daily = _cohorts(asked, reached[begun], times[begun], span, 1)
    return EventFunnelResult(
        asked,
        tuple(groups),
        tuple(_left(asked, kinds, found["following"].to_numpy(), reached)),
        weekly if asked.cohort == "week" else daily,
        daily,
        (_day(span[0]), _day(span[1])) if span else None,
        tuple(_findings(asked, kinds, found["did"].to_numpy(), where)),
    )


def _group(asked: EventFunnel, name: str, reached: Numbers, times: Numbers) -> Group:
    counts = _counts(asked, reached)
    steps = []
    for place, (step, count) in enumerate(zip(asked.steps, counts, strict=True)):
        there = times[reached > place]
        steps.append(
            EventStep(
                place + 1,
                "" if asked.order is Order.ANY else step.name,
                count,
                portion(count, counts[0]) if place else None,
                portion(count, counts[place - 1]) if place else None,
                portion(count, len(reached)),
                _times(there[:, place] - there[:, 0]) if place else None,
                _times(there[:, place] - there[:, place - 1]) if place else None,
            )
        )
    return Group(name, len(reached), tuple(steps))


def _counts(asked: EventFunnel, reached: Numbers) -> tuple[int, ...]:
    """How many units reached each step."""
    exactly = np.bincount(reached, minlength=len(asked.steps) + 1)
    return tuple(int(n) for n in exactly[::-1].cumsum()[::-1][1:])


def _times(taken: Numbers) -> Times | None:
    if not len(taken):
        return None
    seconds = taken / MICROSECONDS
    lower, median, upper = (float(mark) for mark in np.quantile(seconds, (0.25, 0.5, 0.75)))
    edges = np.searchsorted(BUCKETS, seconds, "left")
    counts = np.bincount(edges, minlength=len(BUCKETS) + 1)
    buckets = zip((*BUCKETS, None), map(int, counts), strict=True)
    return Times(len(taken), lower, median, upper, tuple(buckets))


def _left(
    asked: EventFunnel, kinds: pd.DataFrame, following: npt.NDArray[np.int32], reached: Numbers
) -> Iterator[Left]:
    expected = {name for step in asked.steps for name in step.events}
    events = kinds["event"].tolist()
    shown = [event_name(event, expected.__contains__) for event in events]
    for number in range(1, len(asked.steps)):
        # Kinds count from 0, so that nothing more is in front of them.
        times = np.bincount(following[reached == number] - NOTHING, minlength=len(events) + 1)
        by_name: dict[str | None, int] = {None: int(times[0])}
        for name, n in zip(shown, times[1:], strict=True):
            by_name[name] = by_name.get(name, 0) + int(n)
        ways = sorted(
            ((name, n) for name, n in by_name.items() if n), key=lambda w: (-w[1], w[0] or "")
        )
        units, kept = int(times.sum()), tuple(ways[:MOST_WAYS])
        yield Left(number, units, kept, units - sum(n for _, n in kept))


def _cohorts(
    asked: EventFunnel, reached: Numbers, times: Numbers, span: tuple[int, int] | None, length: int
) -> tuple[Cohort, ...]:
    """Units that began, by spans of so many days; weeks start on Monday."""
    if span is None:
        return ()
    day = _DAY * MICROSECONDS
    # 1 January 1970 was a Thursday, three days after a Monday.
    shift = 3 if length == 7 else 0
    starts = (times[:, 0] // day + shift) // length
    made = []
    for start in np.unique(starts).tolist():
        rows = np.flatnonzero(starts == start)
        first = start * length - shift
        taken = (times[rows, -1] - times[rows, 0])[reached[rows] == len(asked.steps)]
        within = np.bincount(np.maximum(-(-taken // day), 1) - 1).cumsum()
        end = (first + length) * day
        whole = asked.window is not None and end + _microseconds(asked.window) <= span[1]
        counts = _counts(asked, reached[rows])
        made.append(Cohort(_day(first * day), counts, tuple(map(int, within)), whole))
    return tuple(made)


def _microseconds(limit: timedelta) -> int:
    return limit // timedelta(microseconds=1)


def _day(at: int) -> date:
    return date(1970, 1, 1) + timedelta(days=at // (_DAY * MICROSECONDS))


def _findings(
    asked: EventFunnel, kinds: pd.DataFrame, did: Numbers, where: str
) -> Iterator[Finding]:
    """Steps that the log does not know; units that did a step without the one before."""
    known = set(kinds["event"])
    for name in dict.fromkeys(name for step in asked.steps for name in step.events):
        if name not in known:
            near = did_you_mean(name, _names(known))
            said: dict[str, object] = {"step": name, "near": near or "–"}
            yield Finding(Severity.WARNING, "funnel_event_unknown", where, said)
    if asked.order is Order.ANY:
        return
    for place in range(1, len(asked.steps)):
        if set(asked.steps[place].events) & set(asked.steps[place - 1].events):
            continue
        without = int(((did >> place & 1 == 1) & (did >> (place - 1) & 1 == 0)).sum())
        if without:
            said = {"n": without, "step": asked.steps[place].name,
                    "previous": asked.steps[place - 1].name}  # fmt: skip
            yield Finding(Severity.WARNING, "funnel_step_without", where, said)


def _names(known: Sequence[str] | set[str]) -> set[str]:
    """Those that may be shown."""
    return {name for name in known if event_name(name, lambda _: False) == name}
