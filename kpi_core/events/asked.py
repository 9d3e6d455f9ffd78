"""What is asked of an event log: steps, their order, limits of time, what must not come between."""

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Literal, get_args

from kpi_core.errors import UsageError

FEWEST_STEPS, MOST_STEPS = 2, 30
Unit = Literal["user", "session", "customer"]
Cut = Literal["channel", "device", "campaign"]
UNITS: tuple[Unit, ...] = get_args(Unit)
CUTS: tuple[Cut, ...] = get_args(Cut)
_SPAN = re.compile(r"(\d{1,6})\s*([mhdw])")
_LETTERS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Order(StrEnum):
    """How the steps must follow one another."""

    ORDERED = "ordered"  # one after another; other events may come between
    STRICT = "strict"  # one right after another: no other event of the unit between
    ANY = "any"  # all of them, whichever comes first


@dataclass(frozen=True)
class Step:
    """A step of a funnel.

    Attributes:
        events: their names, any of which is the step; capitals do not matter.
        within: how long after the step before it it may come, that very moment included; no limit
            of its own if ``None``. The first step has none.
    """

    events: tuple[str, ...]
    within: timedelta | None = None

    def __post_init__(self) -> None:
        names = tuple(dict.fromkeys(name.strip().casefold() for name in self.events))
        object.__setattr__(self, "events", names)
        if not names or "" in names:
            raise UsageError("funnel_step_empty")
        _positive(self.within)

    @property
    def name(self) -> str:
        """Its events, as they are asked for."""
        return "|".join(self.events)


@dataclass(frozen=True)
class Exclusion:
    """Events that end an attempt when they come between two of its steps.

    Attributes:
        events: their names.
        after: between which steps: this one, counted from 1, and the next; ``None``: any two.
    """

    events: tuple[str, ...]
    after: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "events", Step(self.events).events)


@dataclass(frozen=True)
class EventFunnel:
    """A funnel over the events of each unit.

    The events of a unit are taken by time; those of one moment keep the order of the log. One event
    serves one step, so that a step asked for twice needs two events.

    **Attempt.** In order (`ORDERED`), an attempt starts at any event of the first step. It goes on
    to the first event of the next step that comes after the step before. It ends before that event
    if the event comes later than `window` after the start, or than the step's `within` after the
    step before, or if an excluded event stands between the two. `STRICT`: it goes on only if the
    very next event of the unit, whatever it is, is of the next step. In `ANY` order it starts at
    any event of any step and goes on to the next event of a step that it still lacks; there the
    n-th row is of units that did n of the steps, and the limits and exclusions are those of the
    n-th place. Limits include their last moment.

    **Which counts.** Of a unit's attempts the one that gets furthest, of several the earliest: its
    steps are those that the unit has reached, at its times.

    Attributes:
        steps: two or more. In `ANY` order two steps are alike or share no event.
        window: from the first step to the last; no limit if ``None``.
        unit: whose events belong together.
        by: what the units are parted by.
        touch: which of a unit's events says it: the first or the last one that names it, of all up
            to the furthest step it reached (to its last event, if it reached none).
        cohort: units are put together by the day or by the week (from Monday) of their first step.

    Raises:
        UsageError: no such funnel can be asked for.
    """

    steps: tuple[Step, ...]
    order: Order = Order.ORDERED
    window: timedelta | None = timedelta(days=7)
    unit: Unit = "user"
    exclusions: tuple[Exclusion, ...] = ()
    by: Cut | None = None
    touch: Literal["first", "last"] = "first"
    cohort: Literal["day", "week"] = "week"

    def __post_init__(self) -> None:
        if not FEWEST_STEPS <= len(self.steps) <= MOST_STEPS:
            raise UsageError("funnel_steps", most=MOST_STEPS)
        _positive(self.window)
        for exclusion in self.exclusions:
            if exclusion.after is not None and not 1 <= exclusion.after < len(self.steps):
                names = ", ".join(exclusion.events)
                raise UsageError("funnel_exclusion", where=names, last=len(self.steps) - 1)
        if self.order is Order.ANY:
            kinds = {frozenset(step.events) for step in self.steps}
            events = [event for kind in kinds for event in kind]
            for event in events:
                if events.count(event) > 1:
                    raise UsageError("funnel_steps_overlap", where=event)


def duration(text: str) -> timedelta:
    """A limit of time: minutes, hours, days or weeks.

    >>> duration("30m"), duration("2w")
    (datetime.timedelta(seconds=1800), datetime.timedelta(days=14))

    Raises:
        UsageError: it is none.
    """
    found = _SPAN.fullmatch(text.strip().lower())
    if found is None or not int(found[1]):
        raise UsageError("funnel_duration", where=text)
    return timedelta(**{_LETTERS[found[2]]: int(found[1])})


def step(text: str) -> Step:
    """A step as it is typed: ``cart``, ``cart|add_to_cart``, ``cart@30m`` with a limit.

    >>> step("Cart|basket@1h")
    Step(events=('cart', 'basket'), within=datetime.timedelta(seconds=3600))

    Raises:
        UsageError: it is none.
    """
    names, at, limit = text.rpartition("@")
    if not at:
        return Step(tuple(text.split("|")))
    return Step(tuple(names.split("|")), duration(limit))


def _positive(limit: timedelta | None) -> None:
    if limit is not None and limit <= timedelta():
        raise UsageError("funnel_duration", where=str(limit))
