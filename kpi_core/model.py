"""The words of the product as values: measure, KPI, business type, channel, period.

Everything here is frozen and knows no file, no table and no screen. The glossary
(``docs/glossary.md``) says what each word means; the catalogue fills them from TOML.
"""

import calendar
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction
from typing import Any, Literal, get_args

from kpi_core.errors import UsageError
from kpi_core.formula import Formula
from kpi_core.text import Both

EARLIEST, LATEST = 1900, 2200  # the years of a period; what is further off is misspelt
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


class Customers(StrEnum):
    """Which customers of an order log a measure counts, by the orders of known customers."""

    ORDERED = "ordered"  # an order in the slice
    ORDERS = "orders"  # not customers, but their orders in the slice
    REPEATED = "repeated"  # two orders in the slice or more
    FIRST = "first"  # the first order of all in the slice
    RETURNED = "returned"  # an order in the slice, and one before it
    BEFORE = "before"  # an order in the slice before, which is as long
    KEPT = "kept"  # an order in the slice before and one in the slice
    EVER = "ever"  # an order up to the end of the slice
    REPEATED_EVER = "repeated_ever"  # two orders up to the end of the slice or more
    AGED = "aged"  # so many days since the first order, the last of which lies in the slice


class Kind(StrEnum):
    """What one of a count is: sessions with a cart are not events of putting goods into it."""

    IMPRESSIONS = "impressions"
    CLICKS = "clicks"
    SESSIONS = "sessions"
    EVENTS = "events"  # of which one session may have several
    LETTERS = "letters"
    RECORDS = "records"  # orders, leads, deals


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
    """The six groups of marketing KPIs, and what an owner adds."""

    REACH = "reach"
    CONVERSION = "conversion"
    FINANCIAL = "financial"
    PRODUCTIVITY = "productivity"
    RETENTION = "retention"
    SATISFACTION = "satisfaction"
    OWN = "own"  # defined by the owner, who knows what it is for


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
        counts: which customers it counts in an order log, where no file states it.
        age: days from the first order of a customer on, of those counted by age.
        brought: the money that is added up over that age, in place of counting the customers.
        kind: what one of the count is; ``None`` where that does not matter to any funnel.
        events_in: the systems whose reports count events under that name; each with the dimension
            of those reports that count as `kind` says after all, if there are such.
        ripens: it counts records of a period that have come so far by now; more of them still may.
    """

    id: str
    name: Both
    unit: Unit
    adds: Adds
    family: Family
    synonyms: tuple[str, ...] = ()
    part_of: tuple[str, tuple[str, ...]] | None = None
    fractional: bool = False
    counts: Customers | None = None
    age: int = 0
    brought: str | None = None
    kind: Kind | None = None
    events_in: Mapping[str, str] = field(default_factory=dict, hash=False)
    ripens: bool = False


@dataclass(frozen=True)
class Variant:
    """One of several published definitions of a KPI; never shown without its name.

    Attributes:
        sources: the systems whose definition it is; figures of others are not taken.
        chosen: taken only by those who choose it, never in the place of another one.
        unit, decimals: where they are not those of the KPI.
    """

    id: str
    name: Both
    formula: Formula
    sources: tuple[str, ...] = ()
    chosen: bool = False
    unit: Unit | None = None
    decimals: int | None = None


@dataclass(frozen=True)
class Example:
    """A worked example of a KPI: a test computes it."""

    given: Mapping[str, str]
    value: str
    source: str


@dataclass(frozen=True)
class Norm:
    """What is usual for a KPI, from `low` to `high`, of what the name says."""

    name: Both
    low: Fraction
    high: Fraction


@dataclass(frozen=True)
class Kpi:
    """Arithmetic over measures, done after adding.

    Attributes:
        variants: definitions in order of preference; the first is the default.
        one_source: all its measures must come from one source (a bounce of GA4 over the visits of
            Metrika means nothing).
        grows_whole: of a share: more of the part is more of the whole, such as new customers among
            all; elsewhere (orders of visits) the whole may stay as it is.
        decimals: how many to print.
        source: who published this definition.
        norms: what is usual, for display; no target.
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
    grows_whole: bool = False
    decimals: int = 0
    channels: tuple[str, ...] = ()
    examples: Mapping[str, Example] = field(default_factory=dict, hash=False)
    norms: tuple[Norm, ...] = ()

    def read_as(self, variant: Variant) -> "Kpi":
        """The KPI in the unit of one of its definitions."""
        if variant.unit is None and variant.decimals is None:
            return self
        decimals = self.decimals if variant.decimals is None else variant.decimals
        return replace(self, unit=variant.unit or self.unit, decimals=decimals)

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
    """A step of a funnel: the measure that counts who got there.

    Where nobody counted it, the first of `otherwise` that somebody did: those who see a letter are
    counted by its deliveries, not by impressions.
    """

    id: str
    name: Both
    measure: str
    otherwise: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stages:
    """A funnel as it is meant: its stages in order, before anything is counted."""

    id: str
    name: Both
    stages: tuple[Stage, ...]


@dataclass(frozen=True)
class Driver:
    """A cause in the what-if model: how it is read off the period's measures.

    `formula` may use measures, and drivers declared before it. The `main` ones are shown first.

    Attributes:
        own: a channel of which nobody tells it has none; any other driver is as in total there.
        step_of: the conversion that it is a step of, and which it carries.
    """

    id: str
    name: Both
    unit: Unit
    formula: Formula
    main: bool = False
    own: bool = False
    step_of: str | None = None


@dataclass(frozen=True)
class Consequence:
    """A measure as the what-if model rebuilds it from drivers and measures rebuilt before it."""

    measure: str
    formula: Formula


@dataclass(frozen=True)
class DefaultGoal:
    """A KPI of a default plan, with a starting target to be replaced or a rule on the value.

    `rule` is as in a plan file; without one the rule of plans holds.
    """

    kpi: str
    weight: str
    target: str | None = None
    rule: Mapping[str, Any] | None = field(default=None, hash=False)


@dataclass(frozen=True)
class Business:
    """A business type: its default KPIs, which variant each uses, funnel and what-if model.

    A role (an analyst) is described alike, without funnel and what-if model. With a `fund`, the
    default plan pays total score x fund, else the product of its factors.
    """

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
    funnels: tuple[Stages, ...] = ()
    drivers: tuple[Driver, ...] = ()
    consequences: tuple[Consequence, ...] = ()
    fund: str | None = None
    per: str = "month"

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages of its own funnel, the first of all that it is looked at by."""
        return self.funnels[0].stages if self.funnels else ()

    def kpis(self) -> tuple[str, ...]:
        """Every KPI this type of business looks at, the default set first."""
        named = [goal.kpi for goal in (*self.goals, *self.factors)] + list(self.also)
        return tuple(dict.fromkeys(named))


@dataclass(frozen=True)
class WorkRules:
    """How reports are judged from a register of tasks.

    Attributes:
        country: whose working days count, as an ISO code.
        late_after: working days after the due day that are still in time.
        over_norm: the part of the norm time that may be spent beyond it.
        remarks_within: working days after completion in which a remark counts.
        kind_columns: the headings under which a register tells the kind of a report.
        kinds: kind to the words that tell it, the first that fits.
    """

    country: str
    late_after: int
    over_norm: float
    remarks_within: int
    kind_columns: frozenset[str]
    kinds: Mapping[str, tuple[str, ...]] = field(hash=False)


class Origin(StrEnum):
    """Whether weights are printed in the source they come from."""

    PRINTED = "printed"
    READING = "reading"  # our reading of its words


@dataclass(frozen=True)
class Phase:
    """Weights of the company KPIs in a phase of growth; they sum to 1.

    Attributes:
        number: of the phase and its variant, for headings: ``2.1``.
    """

    id: str
    number: str
    name: Both
    about: Both
    origin: Origin
    goals: tuple[DefaultGoal, ...]


@dataclass(frozen=True)
class Principle:
    """What a personal KPI must hold to be fair; somebody confirms it, no figure can."""

    id: str
    name: Both
    about: Both


@dataclass(frozen=True)
class Grade:
    """A total score in words: it holds from a mark on."""

    id: str
    name: Both
    mark: Fraction


_MONTH = re.compile(r"(\d{4})-(\d{2})", re.ASCII)  # 2026-10
_QUARTER = re.compile(r"(\d{4})-Q([1-4])", re.ASCII)  # 2026-Q4
_DAY = r"(\d{4}-\d{2}-\d{2})"
_RANGE = re.compile(rf"{_DAY}\.\.{_DAY}", re.ASCII)  # 2026-10-01..2026-10-14


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

    @property
    def months(self) -> int | None:
        """How many calendar months it is, if it is whole ones."""
        if self.first.day != 1 or self.last != month_of(self.last).last:
            return None
        return 12 * (self.last.year - self.first.year) + self.last.month - self.first.month + 1

    def before(self) -> "Period":
        """The period just before: as many months where it is whole ones, else as many days."""
        last = self.first - timedelta(days=1)
        if self.months is None:
            return Period(last - timedelta(days=self.days - 1), last)
        return Period(_months_later(self.first, -self.months), last)

    def year_ago(self) -> "Period":
        """The same days a year earlier; of months all of them."""
        first, last = (_same_day_year_ago(day) for day in (self.first, self.last))
        return Period(first, last if self.months is None else month_of(last).last)

    def earlier(self, when: str, until: date | None = None) -> "Period":
        """The period before (``previous``) or the same days ``year_ago``.

        Of a period that is only held `until` a day, as many of its days: days on end never meet
        more or fewer of them.

        >>> str(parse_period("2026-11").earlier("previous", date(2026, 11, 14)))
        '2026-10-01..2026-10-14'
        """
        then = self.before() if when == "previous" else self.year_ago()
        if until is None or not self.first <= until < self.last:
            return then
        held = Period(self.first, until)
        cut = Period(then.first, then.first + timedelta(days=held.days - 1))
        if cut.last <= then.last:
            return cut
        return held.before() if when == "previous" else held.year_ago()

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


def quarter_of(day: date) -> Period:
    """The quarter of the year `day` lies in.

    >>> str(quarter_of(date(2026, 11, 22)))
    '2026-10-01..2026-12-31'
    """
    first = date(day.year, 3 * ((day.month - 1) // 3) + 1, 1)
    return Period(first, _months_later(first, 3) - timedelta(days=1))


def _same_day_year_ago(day: date) -> date:
    return day.replace(year=day.year - 1, day=28 if (day.month, day.day) == (2, 29) else day.day)


def _months_later(first: date, months: int) -> date:
    """The first day of a month, `months` later."""
    number = 12 * first.year + first.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)


def parse_period(text: str) -> Period:
    """``2026-10``, ``2026-Q4`` or ``2026-10-01..2026-10-14`` as a period.

    >>> parse_period("2026-02").days
    28
    """
    period = None
    try:
        if found := _MONTH.fullmatch(text):
            period = month_of(date(int(found[1]), int(found[2]), 1))
        elif found := _QUARTER.fullmatch(text):
            period = quarter_of(date(int(found[1]), 3 * int(found[2]), 1))
        elif found := _RANGE.fullmatch(text):
            period = Period(date.fromisoformat(found[1]), date.fromisoformat(found[2]))
    except (ValueError, OverflowError):
        pass
    if period is None or period.first > period.last:
        raise UsageError("bad_period", where=text)
    if period.first.year < EARLIEST or period.last.year > LATEST:
        raise UsageError("period_far_off", where=text, first=EARLIEST, last=LATEST)
    return period
