"""What chance makes of a KPI whose true performance is known.

A plan of 300 orders is not kept or missed by work alone: who brings 300 on average has 280 in one
month and 320 in another. Which distribution that is follows from what the KPI counts: a count is
Poisson, a share of tries binomial, each wider where the days show more than pure chance; sums of
money are as wide as their days show. The budget and the number of tries stay as they were.

Source:
    McCullagh & Nelder (1989), Generalized Linear Models, eq. 4.23: dispersion; laws with it by
    their first two moments (negative binomial, beta-binomial, gamma).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction
from functools import cache

import numpy as np

from kpi_core import catalogue
from kpi_core.facts import Facts
from kpi_core.forecast import RECENT_DAYS, WEEK
from kpi_core.formula import Array, Exact, Formula, earlier
from kpi_core.kpis import STATED, Evaluation, KpiValue, Values
from kpi_core.model import Adds, Better, Kpi, Measure, Period, Unit
from kpi_core.plan import Plan
from kpi_core.rules import Bands, Goal
from kpi_core.stats import CONFIDENCE, FEWEST_DAYS
from kpi_core.trend import daily_figures

SPEND = "spend"  # the money that is chosen: chance has no part in it
POINTS = 4096  # of a distribution; a wider one is cut into so many cells
REACH = 7.5  # standard deviations to either side: beyond lies less than 1e-13 of a normal one
NARROW = 1e-5  # of the mean: a reach below it is nothing, and beyond what floats can tell apart
TAIL = 32  # and as many times the dispersion above: long tails fall like exp(-count / dispersion)


class Law(StrEnum):
    """How chance spreads a KPI about its true value."""

    COUNT = "count"  # Poisson; negative binomial with a dispersion above 1
    SHARE = "share"  # binomial; beta-binomial with a dispersion above 1
    SUM = "sum"  # of money: gamma, its variance in proportion to its mean
    SPREAD = "spread"  # normal, as wide as the interval of the value
    NONE = "none"  # cannot be told


@dataclass(frozen=True)
class Noise:
    """What chance does to the KPI of a goal.

    Attributes:
        measure: what chance moves; ``None`` where that is no one measure.
        formula: of the KPI over that measure alone, all else as it is in the period.
        trials: the tries that a share is of.
        dispersion: how many times as wide as pure chance the variance is, 1 or more; of money the
            variance over the mean.
        days: how many days the dispersion is told by; 0 for none.
        error: the standard deviation of a normal spread: of the value itself where it is a share,
            else over the value.
        now: the value of the period, at which a goal that wants no particular value is held.
    """

    goal: Goal
    kpi: Kpi
    law: Law
    measure: str | None = None
    formula: Formula | None = None
    trials: int = 0
    dispersion: float = 1.0
    days: int = 0
    error: float = 0.0
    now: Exact = None

    def true(self, level: Fraction) -> Fraction | None:
        """The value of somebody whose true attainment is `level`; no share is above 1.

        ``None`` where the goal wants no particular value and there is none now.
        """
        plan = wanted(self.goal, self.kpi.better)
        if plan is None:
            return self.now
        if self.goal.base is not None:
            base = Fraction(self.goal.base)
            value = base + level * (plan - base)
        elif self.kpi.better is Better.HIGHER:
            value = plan * level
        else:
            value = plan / level
        return min(value, Fraction(1)) if self.law is Law.SHARE else value

    def expected(self, level: Fraction) -> Fraction | None:
        """What the measure is on average at that true attainment; ``None`` where it is no one."""
        value = self.true(level)
        if value is None or self.formula is None:
            return None
        return _solved(self.formula, value)

    def outcomes(self, level: Fraction) -> tuple[Array, Array]:
        """Values of the KPI and their chances, in the order of the measure; ``nan`` is undefined.

        Chances add up to 1. Beyond `POINTS` counts, neighbours are taken together.
        """
        value = self.true(level)
        if value is None:
            return np.array([np.nan]), np.ones(1)
        mean = self.expected(level)
        if self.formula is not None and mean is not None:
            points, chances = _spread_out(self.law, float(mean), self.dispersion, self.trials)
            return self.formula.values({self.formula.names[0]: points}), chances
        if self.law is not Law.SPREAD:
            return np.array([float(value)]), np.ones(1)
        steps, chances = _normal()
        scale = 1.0 if self.kpi.unit is Unit.SHARE else abs(float(value))
        return float(value) + self.error * scale * steps, chances


def wanted(goal: Goal, better: Better) -> Fraction | None:
    """The value that is exactly on plan; of bands without a target where their best score begins.

    ``None`` of bands that are best in the middle.
    """
    if goal.target is not None:
        return Fraction(goal.target)
    if not isinstance(goal.rule, Bands):
        return None
    scores = [*(band.score for band in goal.rule.bands), goal.rule.beyond]
    ends = [Fraction(band.to) for band in goal.rule.bands]
    if better is Better.LOWER:
        scores, ends = scores[::-1], ends[::-1]
    if scores != sorted(scores):
        return None
    best = scores.index(scores[-1])
    return ends[best - 1] if best and ends[best - 1] > 0 else None


# --- which law


def noises(plan: Plan, values: Values, facts: Facts) -> tuple[Noise, ...]:
    """What chance does to each goal that pays, by the volume of the data.

    Args:
        plan: with the targets of the period.
        values: of the plan's KPIs; those without data will do, then counts are taken for Poisson.
        facts: whose days tell how much wider than pure chance the figures are.
    """
    named = values.totals()
    history = _History(facts, plan, values)
    return tuple(_noise(goal, named[goal.kpi], plan, history) for goal in plan.paying())


class _History:
    """The latest days of measures, each asked for once."""

    def __init__(self, facts: Facts, plan: Plan, values: Values) -> None:
        ends = [days.last for days in (values.period, facts.period) if days]
        last = min(ends, default=None)
        self.evaluation: Evaluation | None = None
        if last and facts.streams:
            asked = Period(last - timedelta(days=RECENT_DAYS - 1), last)
            self.evaluation = Evaluation(facts, asked, settings=plan.settings())
        self._known: dict[tuple[str, tuple[str, ...]], dict[date, float]] = {}

    def days(self, value: KpiValue, id: str) -> dict[date, float]:
        """Day to figure, by the sources of the value."""
        given = value.inputs.get(id)
        if self.evaluation is None or given is None or STATED in given.sources:
            return {}
        key = id, given.sources
        if key not in self._known:
            self._known[key] = daily_figures(self.evaluation, *key)
        return self._known[key]


def _noise(goal: Goal, value: KpiValue, plan: Plan, history: _History) -> Noise:
    kpi = value.definition
    foreign = value.unit is Unit.MONEY and value.currency not in (None, plan.currency)
    told = Noise(goal, kpi, Law.NONE, now=None if foreign else value.value)
    if foreign or wanted(goal, kpi.better) is None:
        return told
    made = _of_one_measure(told, value, history) or _of_tries(told, value, history)
    if made and made.expected(Fraction(1)) is not None:
        return made
    if value.value and value.low is not None and value.high is not None:
        scale = 1.0 if kpi.unit is Unit.SHARE else abs(float(value.value))
        error = (value.high - value.low) / (2 * _z(CONFIDENCE)) / scale
        return Noise(goal, kpi, Law.SPREAD, error=error)
    return told


def _of_one_measure(told: Noise, value: KpiValue, history: _History) -> Noise | None:
    """All but one measure of the formula are no matter of chance."""
    random = [name for name in value.formula.names if _by_chance(name)]
    known = _known(value, set(value.formula.names) - set(random))
    measure = catalogue.measures().get(random[0]) if len(random) == 1 else None
    if measure is None or known is None or measure.unit not in (Unit.COUNT, Unit.MONEY):
        return None
    found = _dispersion(history.days(value, measure.id))
    if measure.unit is Unit.COUNT:
        law, wide = Law.COUNT, _if_shown(found)
    elif found:
        law, wide = Law.SUM, found.ratio
    else:
        return None  # how large single sums are is told by days only
    days = found.days if found else 0
    formula = value.formula.fixed(known)
    return Noise(told.goal, told.kpi, law, measure.id, formula, dispersion=wide, days=days)


def _of_tries(told: Noise, value: KpiValue, history: _History) -> Noise | None:
    """A share of tries, of which there are as many as in the period."""
    part, whole, _ = value.formula.share or ("", "", False)
    measures = [catalogue.measures().get(id) for id in (part, whole)]
    known = _known(value, {whole}) if whole else None
    counts = all(measure and measure.unit is Unit.COUNT for measure in measures)
    if not known or not counts or value.unit is not Unit.SHARE or known[whole] < 1:
        return None
    found = _dispersion(history.days(value, part), history.days(value, whole))
    return Noise(
        told.goal,
        told.kpi,
        Law.SHARE,
        part,
        value.formula.fixed(known),
        trials=round(known[whole]),
        dispersion=_if_shown(found),
        days=found.days if found else 0,
    )


def _by_chance(name: str) -> bool:
    """Whether chance moves a quantity: not what was, what is assumed, spent or in stock."""
    measure: Measure | None = catalogue.measures().get(name)
    if earlier(name) or measure is None or measure.adds is Adds.LAST:
        return False
    return SPEND not in (measure.id, *(measure.part_of or ())[:1])


def _known(value: KpiValue, names: set[str]) -> dict[str, Fraction] | None:
    """The figures of some quantities; ``None`` if one is missing."""
    known: dict[str, Exact] = {
        name: value.inputs[name].value for name in names if name in value.inputs
    }
    found = {name: figure for name, figure in known.items() if figure is not None}
    return found if set(found) == names else None


def _solved(formula: Formula, value: Fraction) -> Fraction | None:
    """The figure of its one measure at which a formula gives `value`; ``None`` if none does.

    Sums and quotients in one quantity keep the cross-ratio of four points, so three known ones
    give the fourth.
    """
    name = formula.names[0]
    one, two, three = (formula.value({name: Fraction(n)}) for n in (1, 2, 3))
    if one is None or two is None or three is None or one == two:
        return None
    if value == three:
        return Fraction(3)
    ratio = (value - one) * (two - three) / ((value - three) * (two - one))
    if ratio == -1:
        return None
    found = (1 + 3 * ratio) / (1 + ratio)
    return found if found >= 0 and formula.value({name: found}) == value else None


# --- how wide


@dataclass(frozen=True)
class Dispersion:
    """The variance of daily figures over that of pure chance.

    Attributes:
        shown: it is above 1 by more than chance would make it in 1 of 20 cases.
        days: of so many days.
    """

    ratio: float
    shown: bool
    days: int


def _if_shown(found: Dispersion | None) -> float:
    return found.ratio if found and found.shown else 1.0


def _dispersion(
    figures: Mapping[date, float], trials: Mapping[date, float] | None = None
) -> Dispersion | None:
    """How far days scatter about their weekdays and a straight trend.

    Args:
        figures: day to count or sum.
        trials: day to the tries that the count is of.

    Returns:
        ``None`` where the days leave fewer than `FEWEST_DAYS` degrees of freedom.
    """
    days = sorted(day for day in figures if trials is None or trials.get(day, 0) > 0)
    if len(days) < FEWEST_DAYS:
        return None
    counts = np.array([figures[day] for day in days])
    sizes = np.array([trials[day] for day in days]) if trials else np.ones(len(days))
    when = np.array([day.toordinal() for day in days], dtype=np.float64)
    weekdays = np.equal.outer([day.weekday() for day in days], range(WEEK)).astype(np.float64)
    design = sizes[:, None] * np.column_stack([weekdays, when - when.mean()])
    solved, _, rank, _ = np.linalg.lstsq(design, counts, rcond=None)
    fitted = design @ solved
    variance = fitted * (1 - fitted / sizes) if trials else fitted
    possible = variance > 1e-9 * max(1.0, float(np.abs(counts).max()))
    freedom = int(possible.sum()) - int(rank)
    if freedom < FEWEST_DAYS:
        return None
    squares = float((((counts - fitted) ** 2)[possible] / variance[possible]).sum())
    from scipy.special import chdtri  # noqa: PLC0415  # slow to import, needed by few

    return Dispersion(squares / freedom, squares > float(chdtri(freedom, 0.05)), len(days))


# --- the distributions


def _spread_out(law: Law, mean: float, dispersion: float, trials: int) -> tuple[Array, Array]:
    """Counts or sums and their chances, in rising order."""
    points: Array
    if mean <= 0 or (law is Law.SHARE and mean >= trials):
        return np.array([max(mean, 0.0)]), np.ones(1)
    pure = mean * (1 - mean / trials) if law is Law.SHARE else mean
    reach = REACH * math.sqrt(pure * dispersion)
    if reach < NARROW * mean:
        return np.array([mean]), np.ones(1)
    low, high = max(0.0, mean - reach), mean + reach + TAIL * dispersion
    if law is Law.SUM:
        step = (high - low) / POINTS
        points = low + step * (np.arange(POINTS, dtype=np.float64) + 0.5)
    else:
        low, high = math.floor(low), math.ceil(high)
        if law is Law.SHARE:
            high = min(high, trials)
        step = -(-(high - low + 1) // POINTS)
        middles = np.arange(low, high + 1, step, dtype=np.float64) + (step - 1) // 2
        points = np.clip(middles, low, high)
    likelihood = _log_density(law, points, mean, dispersion, trials)
    chances = np.exp(likelihood - likelihood.max())
    return points, chances / chances.sum()


def _log_density(law: Law, points: Array, mean: float, dispersion: float, trials: int) -> Array:
    """The logarithm of the chance of each point, but for a constant."""
    from scipy.special import betaln, gammaln, xlogy  # noqa: PLC0415

    made: Array
    if law is Law.SUM:
        shape = mean / dispersion
        made = (shape - 1) * np.log(points) - points / dispersion
    elif law is Law.SHARE:
        ways = -gammaln(points + 1) - gammaln(trials - points + 1)
        share = mean / trials
        # Of n tries that hang together by r the variance is 1 + (n - 1) r times the binomial one.
        together = min((dispersion - 1) / max(trials - 1, 1), 0.999)
        if together > 0:
            yes, no = (part * (1 / together - 1) for part in (share, 1 - share))
            made = ways + betaln(points + yes, trials - points + no)
        else:
            made = ways + xlogy(points, share) + xlogy(trials - points, 1 - share)
    elif dispersion > 1:
        size = mean / (dispersion - 1)
        made = gammaln(points + size) - gammaln(points + 1)
        made = made + points * math.log1p(-1 / dispersion)
    else:
        made = points * math.log(mean) - gammaln(points + 1)
    return made


@cache
def _normal() -> tuple[Array, Array]:
    """Standard deviations and their chances."""
    steps = np.linspace(-REACH, REACH, POINTS + 1)
    chances = np.exp(-steps * steps / 2)
    return steps, chances / chances.sum()


def _z(confidence: float) -> float:
    from scipy.special import ndtri  # noqa: PLC0415

    return float(ndtri((1 + confidence) / 2))


def moving_together(found: Sequence[Noise]) -> tuple[frozenset[str], ...]:
    """The KPIs that rest on the same random measure, where there are several."""
    of: dict[str, set[str]] = {}
    for noise in found:
        if noise.measure:
            of.setdefault(noise.measure, set()).add(noise.goal.kpi)
    return tuple(frozenset(kpis) for kpis in of.values() if len(kpis) > 1)
