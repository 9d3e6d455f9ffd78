"""The words of the product as values: measure, KPI, business type, channel, period.

Everything here is frozen and knows no file, no table and no screen. The glossary
(``docs/glossary.md``) says what each word means; the catalogue fills them from TOML.
"""

import calendar
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Literal, get_args

from kpi_core.errors import UsageError
from kpi_core.formula import Formula
from kpi_core.text import Both

TOTAL = "total"  # the name of the slice that is everything
BY_HAND = "table"  # the source of tables that no system exported
Vat = Literal["incl", "excl"]  # whether money includes value added tax
VATS: tuple[Vat, ...] = get_args(Vat)


class Unit(StrEnum):
    """What a figure is counted in; how it is printed follows from it."""

    COUNT = "count"
    MONEY = "money"
    SECONDS = "seconds"
    SHARE = "share"  # 0..1; percent exists only on screen
    RATIO = "ratio"  # pages per visit, money per money


class Adds(StrEnum):
    """How a measure of two rows becomes one figure."""

    SUM = "sum"
    LAST = "last"  # a stock (followers): over days the last one known, over channels the sum
    NONE = "none"  # people: those of two days are not the sum of the days


class Speak(StrEnum):
    """Which of several sources is heard when more than one reports measures of a family."""

    FAMILY = "family"  # one source for the whole family, so that its ratios stay honest
    MEASURE = "measure"  # one source for each measure
    ALL = "all"  # different sources report different things: they add up


class Better(StrEnum):
    """Which way a KPI improves."""

    HIGHER = "higher"
    LOWER = "lower"


class Group(StrEnum):
    """The six groups of marketing KPIs."""

    REACH = "reach"
    CONVERSION = "conversion"
    FINANCIAL = "financial"
    PRODUCTIVITY = "productivity"
    RETENTION = "retention"
    SATISFACTION = "satisfaction"


@dataclass(frozen=True)
class Family:
    """Measures that one kind of system reports; `order` says which source is believed first.

    It is a list of preference: a source that it does not name speaks as well (see `ranked`).
    Where something is counted `every_day`, a day without a row is a day nobody counted; elsewhere
    (advertising, sales) it is a day on which nothing happened. The figures of `estimates` differ
    from those of other sources as a rule, which is no reason for a word.
    """

    id: str
    speak: Speak
    order: tuple[str, ...]
    every_day: bool = False
    estimates: tuple[str, ...] = ()

    def ranked(self, sources: Iterable[str]) -> tuple[str, ...]:
        """`sources`, the most believed first: as listed, one not listed just before `BY_HAND`.

        What is listed after the table by hand is believed less than it, and so less than a system
        that nobody has listed; where the table is not listed, the unlisted come last.
        """
        unlisted = sorted(set(sources) - set(self.order) - {BY_HAND})
        place = self.order.index(BY_HAND) if BY_HAND in self.order else len(self.order)
        order = (*self.order[:place], *unlisted, *self.order[place:], BY_HAND)
        given = set(sources)
        return tuple(dict.fromkeys(source for source in order if source in given))


@dataclass(frozen=True)
class Measure:
    """A named quantity that adds up (or says that it does not).

    Attributes:
        synonyms: column headings that mean it, normalised (see ``ingest.headings``).
        part_of: (measure, channels): this measure is that one within those channels.
        fractional: a count that may have parts: a conversion shared by two advertisements.
    """

    id: str
    name: Both
    unit: Unit
    adds: Adds
    family: Family
    synonyms: tuple[str, ...] = ()
    part_of: tuple[str, tuple[str, ...]] | None = None
    fractional: bool = False


@dataclass(frozen=True)
class Variant:
    """One of several published definitions of a KPI; never shown without its name."""

    id: str
    name: Both
    formula: Formula


@dataclass(frozen=True)
class Example:
    """A worked example of a KPI: a test computes it."""

    given: Mapping[str, str]
    value: str
    source: str


@dataclass(frozen=True)
class Kpi:
    """Arithmetic over measures, done after adding.

    Attributes:
        variants: definitions in order of preference; the first is the default.
        one_source: all its measures must come from one source (a bounce of GA4 over the visits of
            Metrika means nothing).
        decimals: how many to print.
        source: who published this definition.
    """

    id: str
    name: Both
    why: Both
    unit: Unit
    better: Better
    group: Group
    variants: tuple[Variant, ...]
    source: str
    one_source: bool = False
    decimals: int = 0
    channels: tuple[str, ...] = ()
    examples: Mapping[str, Example] = field(default_factory=dict, hash=False)

    def variant(self, id: str | None) -> Variant:
        """The variant called `id`, or the default one."""
        for variant in self.variants:
            if variant.id == id:
                return variant
        if id is None:
            return self.variants[0]
        raise UsageError(
            "unknown_variant", where=self.id, name=id, known=", ".join(v.id for v in self.variants)
        )


@dataclass(frozen=True)
class Stage:
    """A step of a funnel: the measure that counts who got there."""

    id: str
    name: Both
    measure: str


@dataclass(frozen=True)
class Driver:
    """A cause in the what-if model: how it is read off the period's measures.

    `formula` may use measures, and drivers declared before it. The `main` ones are shown first.
    """

    id: str
    name: Both
    unit: Unit
    formula: Formula
    main: bool = False


@dataclass(frozen=True)
class Consequence:
    """A measure as the what-if model rebuilds it from drivers and measures rebuilt before it."""

    measure: str
    formula: Formula


@dataclass(frozen=True)
class DefaultGoal:
    """A KPI of a business type's default plan, with a starting target to be replaced."""

    kpi: str
    weight: str
    target: str


@dataclass(frozen=True)
class Business:
    """A business type: its default KPIs, which variant each uses, funnel and what-if model."""

    id: str
    name: Both
    about: Both
    currency: str
    salary: str
    goals: tuple[DefaultGoal, ...]
    factors: tuple[DefaultGoal, ...]
    also: tuple[str, ...]
    variants: Mapping[str, str] = field(hash=False)
    assumptions: Mapping[str, str] = field(hash=False)
    stages: tuple[Stage, ...] = ()
    drivers: tuple[Driver, ...] = ()
    consequences: tuple[Consequence, ...] = ()

    def kpis(self) -> tuple[str, ...]:
        """Every KPI this type of business looks at, the default set first."""
        named = [goal.kpi for goal in (*self.goals, *self.factors)] + list(self.also)
        return tuple(dict.fromkeys(named))


_MONTH = re.compile(r"(\d{4})-(\d{2})")  # 2026-10
_RANGE = re.compile(r"(\d{4}-\d{2}-\d{2})\.\.(\d{4}-\d{2}-\d{2})")  # 2026-10-01..2026-10-14


@dataclass(frozen=True, order=True)
class Period:
    """Whole days, both ends included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1

    def has(self, day: date) -> bool:
        """Whether `day` is one of its days."""
        return self.first <= day <= self.last

    def holds(self, other: "Period") -> bool:
        """Whether `other` lies wholly within."""
        return self.first <= other.first and other.last <= self.last

    def meets(self, other: "Period") -> "Period | None":
        """The days in both, if any."""
        first, last = max(self.first, other.first), min(self.last, other.last)
        return Period(first, last) if first <= last else None

    def before(self) -> "Period":
        """The period just before: the previous month for a month, else as many days."""
        last = self.first - timedelta(days=1)
        if self == month_of(self.first):
            return month_of(last)
        return Period(last - timedelta(days=self.days - 1), last)

    def __str__(self) -> str:
        return f"{self.first}..{self.last}"


def united(periods: Iterable[Period]) -> tuple[Period, ...]:
    """The same days as few periods as possible, in order.

    >>> [period.days for period in united([parse_period("2026-02"), parse_period("2026-01")])]
    [59]
    """
    found: list[Period] = []
    for period in sorted(periods):
        if found and period.first <= found[-1].last + timedelta(days=1):
            found[-1] = Period(found[-1].first, max(found[-1].last, period.last))
        else:
            found.append(period)
    return tuple(found)


def spanning(periods: Iterable[Period | None]) -> Period | None:
    """From the first to the last day of all that are known."""
    known = [period for period in periods if period]
    if not known:
        return None
    return Period(min(p.first for p in known), max(p.last for p in known))


def month_of(day: date) -> Period:
    """The calendar month `day` lies in."""
    last = calendar.monthrange(day.year, day.month)[1]
    return Period(day.replace(day=1), day.replace(day=last))


def parse_period(text: str) -> Period:
    """``2026-10`` or ``2026-10-01..2026-10-14`` as a period.

    >>> parse_period("2026-02").days
    28
    """
    try:
        if found := _MONTH.fullmatch(text):
            return month_of(date(int(found[1]), int(found[2]), 1))
        if found := _RANGE.fullmatch(text):
            period = Period(date.fromisoformat(found[1]), date.fromisoformat(found[2]))
            if period.first <= period.last:
                return period
    except ValueError:
        pass
    raise UsageError("bad_period", where=text)
