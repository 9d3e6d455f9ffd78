"""How far the drivers of the what-if model may lie from where they are thought to lie.

By default the files say it. From `FEWEST_MONTHS` months on a driver is forecast from its months
(``forecast``), shares as odds, so that none leaves 0..1. With fewer months chance alone moves it:
as widely as its days scatter, where there are `FEWEST_COMMON` of them, else as pure counts do. Who
knows better gives a range. Days also say which drivers move together.

Source:
    Cochran (1977), Sampling Techniques, 6.4: the variance of a ratio of sums; McCullagh & Nelder
    (1989): dispersion; shares then are Beta, all else gamma, by their first two moments.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction

import numpy as np

from kpi_core import catalogue
from kpi_core.chance import SPEND
from kpi_core.drivers import Lever, Model, calibrate
from kpi_core.errors import UsageError, did_you_mean
from kpi_core.facts import Facts
from kpi_core.forecast import FEWEST_MONTHS, RECENT_DAYS, WEEK, Forecast, monthly_forecast
from kpi_core.formula import Array
from kpi_core.kpis import Evaluation, Settings
from kpi_core.model import Driver, Period, Unit, month_of
from kpi_core.trend import daily_figures, months_between

FEWEST_COMMON = 28  # days that say which drivers move together
LEVEL = 0.8  # of a range and of every interval that is shown
CELLS = 128  # straight pieces that a distribution is made of
REACH = 5.0  # standard deviations to either side; 6 of 10 million draws lie beyond
SCORES = np.linspace(-REACH, REACH, CELLS + 1)
MIDDLE = CELLS // 2
Z = 1.2815515655446004  # of a normal distribution, 80 % lie within so many standard deviations
NUDGE = 1e-4  # by which a measure is moved to see what a driver makes of it
MOST_LASTING = 0.95


class Basis(StrEnum):
    """What the width of a driver was taken from."""

    RANGE = "range"  # the user
    MONTHS = "months"  # how it moved from month to month
    DAYS = "days"  # how its days scatter: chance alone
    COUNTS = "counts"  # pure chance of so many cases
    CHOSEN = "chosen"  # set by a lever, and money is spent as it is set
    NONE = "none"  # nothing tells it: taken as certain


@dataclass(frozen=True)
class Range:
    """What a user expects of a driver: below `low` in one case of ten, above `high` in another.

    Half of the cases lie below `likely`. All three alike: it is certain.

    Source:
        Myerson & Zambrano (2019), Probability Models for Economic Decisions, 4: the
        generalised lognormal distribution through three quantiles; normal where they are even.

    Raises:
        UsageError: the three do not rise, or fall below 0.
    """

    low: float
    likely: float
    high: float

    def __post_init__(self) -> None:
        rising = self.low < self.likely < self.high or self.low == self.likely == self.high
        if not (self.low >= 0 and rising and math.isfinite(self.high)):
            raise UsageError("bad_range", where=f"{self.low:g}, {self.likely:g}, {self.high:g}")

    def marks(self) -> Array:
        """The values at `SCORES`; none is below 0."""
        if self.low == self.high:
            return np.full(CELLS + 1, self.likely)
        down, up = self.likely - self.low, self.high - self.likely
        steps, bend = SCORES / Z, math.log(up / down)
        if abs(bend) < 1e-6:
            made = self.likely + down * steps
        else:
            made = self.likely + up * np.expm1(bend * steps) / math.expm1(bend)
        return np.maximum(made, 0.0)


@dataclass(frozen=True, eq=False)
class Uncertainty:
    """What a driver may be in each of the periods ahead.

    Attributes:
        marks: its values at `SCORES`, shape (periods ahead, `CELLS` + 1), rising.
        now: its value in the period as measured.
        step_of: the conversion that it is a step of, if any.
        lasting: how much of what it is off in one period it is off in the next one, 0..1.
        months, days: how many the width was taken from.
    """

    driver: str
    unit: Unit
    basis: Basis
    marks: Array
    now: float
    step_of: str | None = None
    lasting: float = 0.0
    months: int = 0
    days: int = 0

    @property
    def certain(self) -> bool:
        """Whether it can have one value only."""
        return bool((self.marks[:, 0] == self.marks[:, -1]).all())

    def quantiles(self, *scores: float) -> Array:
        """The values at standard scores, shape (periods ahead, scores)."""
        return np.array([np.interp(scores, SCORES, own) for own in self.marks])

    def moved(self, lever: Lever) -> "Uncertainty":
        """The same with a lever moved: as wide around the new place, of shares in odds.

        A budget that is set is spent as it is set, unless a range says otherwise.
        """
        likely = self.marks[:, MIDDLE]
        to = np.array([float(lever.moved(Fraction(own)) or 0) for own in likely.tolist()])
        if self.driver == SPEND and self.basis is not Basis.RANGE:
            marks = np.repeat(to[:, None], CELLS + 1, axis=1)
            return replace(self, basis=Basis.CHOSEN, marks=marks, months=0, days=0)
        marks = np.array(
            [_about(own, new, self.unit) for own, new in zip(self.marks, to.tolist(), strict=True)]
        )
        return replace(self, marks=marks)


@dataclass(frozen=True, eq=False)
class Uncertain:
    """The drivers of a model together, in the periods ahead.

    Attributes:
        model: of the period that they follow.
        drivers: those that have a value in it.
        together: correlation of their scores within a period, shape (n_drivers, n_drivers).
        common: days that it was taken from; 0 where they move each on its own.
        shrunk: the part by which the correlations of the days were drawn towards 0.
        periods: those ahead.
        placed: levers of channels, which are taken as certain, to where they stand.
    """

    model: Model
    drivers: tuple[Uncertainty, ...]
    together: Array
    common: int
    shrunk: float
    periods: tuple[Period, ...]
    placed: Mapping[str, float] = field(default_factory=dict)

    def moved(self, levers: Mapping[str, Lever]) -> "Uncertain":
        """The same with levers moved.

        A conversion follows its steps (``drivers``), so it moves with their levers, too.

        Raises:
            UsageError: a lever cannot be moved so.
        """
        self.model.rebuilt(levers)
        places = {own.driver: place for place, own in enumerate(self.drivers)}
        drivers, placed = list(self.drivers), dict(self.placed)
        for id, lever in levers.items():
            if id not in places:
                placed[id] = float(self.model.position(id, lever))
                continue
            before = drivers[places[id]]
            after = drivers[places[id]] = before.moved(lever)
            if before.step_of in places and (was := before.marks[0, MIDDLE]):
                by = Fraction(after.marks[0, MIDDLE] / was) - 1
                carried = places[before.step_of]
                drivers[carried] = drivers[carried].moved(Lever(by=by))
        return replace(self, drivers=tuple(drivers), placed=placed)

    def levers(self, values: Mapping[str, Array]) -> dict[str, Array]:
        """Values of drivers as levers of the chain that lead to them.

        The lever of a conversion says what it is with its steps as they are, and steps carry it:
        what they carry is taken off it, or it would count twice.
        """
        found = dict(values)
        for own in self.drivers:
            if own.step_of in found and own.now:
                carried = values[own.driver] / own.now
                # Where a step is 0 so is what it leads to, whatever its lever.
                found[own.step_of] = found[own.step_of] / np.where(carried > 0, carried, 1.0)
        return {**found, **{id: np.array(value) for id, value in self.placed.items()}}


# --- what the files tell


@dataclass(frozen=True, eq=False)
class Scatter:
    """How drivers scatter by the days of late.

    Attributes:
        drivers: those of whose measures there are enough days.
        covariance: of their values in a period as long as that of the model, were nothing but
            chance at work.
        days: how many it was taken from.
    """

    drivers: tuple[str, ...]
    covariance: Array
    days: int

    def variance(self, driver: str) -> float | None:
        """Of one driver; ``None`` where days do not tell it."""
        if driver not in self.drivers:
            return None
        place = self.drivers.index(driver)
        return float(self.covariance[place, place])


@dataclass(frozen=True, eq=False)
class History:
    """What is known of the drivers of a model before and in its period.

    Attributes:
        past: whole calendar months up to the period, each with its model; the period among them
            where it is such a month.
        scatter: ``None`` where days are too few.
    """

    period: Period
    past: Mapping[Period, Model]
    scatter: Scatter | None

    def months(self, driver: str) -> Array:
        """The driver month after month up to the period; ``nan`` for one without a figure.

        Empty where the period is no calendar month: its like cannot be counted then.
        """
        if self.period != month_of(self.period.first) or not self.past:
            return np.empty(0)
        first = min(self.past, key=lambda month: month.first)
        figures = np.full(months_between(first, self.period) + 1, np.nan)
        for month, model in self.past.items():
            value = model.drivers.get(driver)
            if value is not None:
                figures[months_between(first, month)] = float(value)
        return figures


def history(facts: Facts, model: Model, period: Period, settings: Settings) -> History:
    """What the files tell of the drivers of a model.

    Args:
        facts: what the files say; nothing after the period is looked at.
        model: of the period.
        period: the days that the model was calibrated to.
        settings: of the plan.
    """
    past = {
        month: calibrate(Evaluation(facts, month, settings=settings), model.business)
        for month in facts.months()
        if month.last < period.first
    }
    if period == month_of(period.first):
        past[period] = model
    return History(period, past, scatter(facts, model, period, settings))


def scatter(facts: Facts, model: Model, period: Period, settings: Settings) -> Scatter | None:
    """How the drivers of a model scatter by the latest `RECENT_DAYS` up to its period's end.

    What weekdays and a straight trend explain is no chance.
    """
    asked = Period(period.last - timedelta(days=RECENT_DAYS - 1), period.last)
    evaluation = Evaluation(facts, asked, settings=settings)
    named = [id for id in model.measures if id in catalogue.measures()]
    known = {id: daily_figures(evaluation, id) for id in named}
    known = {id: own for id, own in known.items() if len(own) >= FEWEST_COMMON}
    days = _shared(known)
    if len(days) < FEWEST_COMMON:
        return None
    covariance = _covariance(days, np.array([[known[id][day] for day in days] for id in known]))
    drivers, slopes = _slopes(model, tuple(known))
    whole = slopes @ (covariance * period.days) @ slopes.T
    return Scatter(drivers, whole, len(days))


def _shared(known: dict[str, dict[date, float]]) -> list[date]:
    """The days of which all measures speak; those that speak of the fewest are dropped from them.

    Measures are dropped until `FEWEST_COMMON` days are left.
    """
    while known:
        days = sorted(set.intersection(*map(set, known.values())))
        if len(days) >= FEWEST_COMMON:
            return days
        known.pop(min(known, key=lambda id: len(known[id])))
    return []


def _covariance(days: Sequence[date], figures: Array) -> Array:
    """Of daily figures, shape (n_measures, n_days), about their weekdays and a straight trend."""
    when = np.array([day.toordinal() for day in days], dtype=np.float64)
    weekdays = np.equal.outer([day.weekday() for day in days], range(WEEK)).astype(np.float64)
    design = np.column_stack([weekdays, when - when.mean()])
    solved, _, rank, _ = np.linalg.lstsq(design, figures.T, rcond=None)
    left = figures.T - design @ solved
    return np.asarray(left.T @ left / (len(days) - int(rank)))


def _slopes(model: Model, measures: Sequence[str]) -> tuple[tuple[str, ...], Array]:
    """The drivers that days can tell, and by how much each moves with each measure."""
    figures = {id: float(value or 0) for id, value in model.measures.items()}
    steps = np.array([NUDGE * (abs(figures[id]) or 1.0) for id in measures])
    places = len(measures)
    quantities: dict[str, Array] = {
        **{id: np.array(float(value)) for id, value in model.assumptions.items()},
        **{id: np.full(2 * places, value) for id, value in figures.items()},
    }
    for place, id in enumerate(measures):
        quantities[id][place] += steps[place]
        quantities[id][places + place] -= steps[place]
    told: dict[str, Array] = {}
    certain = set(model.assumptions)
    for driver in model.business.drivers:
        made = driver.formula.values(quantities)
        quantities[driver.id] = made
        names = set(driver.formula.names) - certain
        present = names & {*model.measures, *told}
        if present and present <= {*measures, *told} and model.drivers.get(driver.id) is not None:
            both = np.broadcast_to(made, (2 * places,))
            told[driver.id] = (both[:places] - both[places:]) / (2 * steps)
    kept = {id: own for id, own in told.items() if np.isfinite(own).all()}
    return tuple(kept), np.array(list(kept.values())).reshape(len(kept), places)


# --- what follows from it


def uncertain(
    model: Model,
    known: History,
    ranges: Mapping[str, Range] | None = None,
    ahead: int = 1,
) -> Uncertain:
    """What each driver may be in the periods ahead, with no lever moved.

    Args:
        model: of the period.
        known: what the files tell of its drivers.
        ranges: driver to what the user expects of it, in each of the periods.
        ahead: how many periods; of 2 and more, calendar months.

    Raises:
        UsageError: no such driver, a share beyond 1, or months after a period that is none.
    """
    if ahead > 1 and known.period != month_of(known.period.first):
        raise UsageError("months_of_no_month", where=str(known.period))
    ranges = ranges or {}
    for id in ranges:
        if id not in model.drivers:
            near = did_you_mean(id, set(model.drivers))
            raise UsageError("unknown_driver", where=id, near=near, known=", ".join(model.drivers))
    model.check({id: Lever(to=Fraction(own.high)) for id, own in ranges.items()})
    found = [
        _driver(model, model.by_id[id], known, ranges.get(id), ahead)
        for id, value in model.drivers.items()
        if value is not None
    ]
    together, shrunk = _together([own.driver for own in found], known.scatter)
    common = known.scatter.days if known.scatter else 0
    return Uncertain(model, tuple(found), together, common, shrunk, _periods(known.period, ahead))


def _periods(last: Period, ahead: int) -> tuple[Period, ...]:
    """The calendar months after a month, or as many days as it has after another period."""
    found: list[Period] = [last]
    for _ in range(ahead):
        first = found[-1].last + timedelta(days=1)
        by_month = last == month_of(last.first)
        whole = Period(first, first + timedelta(days=last.days - 1))
        found.append(month_of(first) if by_month else whole)
    return tuple(found[1:])


def _driver(
    model: Model,
    driver: Driver,
    known: History,
    given: Range | None,
    ahead: int,
) -> Uncertainty:
    id, unit = driver.id, driver.unit
    value = float(model.drivers[id] or 0)
    figures = known.months(id)
    months = int(np.isfinite(figures).sum())
    marks = np.full((ahead, CELLS + 1), value)
    base = Uncertainty(id, unit, Basis.NONE, marks, value, driver.step_of)
    lasting = _lasting(figures, unit) if months >= FEWEST_MONTHS else 0.0
    if given:
        marks = np.tile(given.marks(), (ahead, 1))
        marks = np.minimum(marks, max(1.0, value)) if unit is Unit.SHARE else marks
        return replace(base, basis=Basis.RANGE, marks=marks, lasting=lasting)
    by_days = known.scatter.variance(id) if known.scatter else None
    variance = _of_counts(model, driver, value) if by_days is None else by_days
    if forecast := _forecast(figures, unit, ahead):
        marks = np.array([_not_below(own, variance, unit) for own in forecast])
        return replace(base, basis=Basis.MONTHS, marks=marks, months=months, lasting=lasting)
    if variance is None or id == SPEND:
        return base
    # What was measured is off by chance as well as what comes: twice the variance.
    marks = np.tile(_by_moments(value, 2 * variance, unit), (ahead, 1))
    if by_days is None or known.scatter is None:
        return replace(base, basis=Basis.COUNTS, marks=marks)
    return replace(base, basis=Basis.DAYS, marks=marks, days=known.scatter.days)


def _of_counts(model: Model, driver: Driver, value: float) -> float | None:
    """The variance of pure chance; ``None`` for what is no count and no share of counts."""
    if driver.unit is Unit.COUNT:
        return value
    part, whole, _ = driver.formula.share or ("", "", False)
    measures = [catalogue.measures().get(id) for id in (part, whole)]
    trials = float(model.measures.get(whole) or 0)
    if not trials or not all(own and own.unit is Unit.COUNT for own in measures):
        return None
    return value * (1 - value if driver.unit is Unit.SHARE else 1) / trials


def _forecast(figures: Array, unit: Unit, ahead: int) -> list[Array]:
    """The values at `SCORES` of each month ahead; nothing where months are too few."""
    odds = unit is Unit.SHARE and bool(((figures > 0) & (figures < 1) | np.isnan(figures)).all())
    found = []
    for step in range(1, ahead + 1):
        made = monthly_forecast(figures / (1 - figures) if odds else figures, step)
        if made is None:
            return []
        marks = _marks(made)
        if odds:
            marks = marks / (1 + marks)
        elif unit is Unit.SHARE:
            marks = np.clip(marks, 0.0, max(1.0, float(np.nanmax(figures))))
        found.append(marks)
    return found


def _marks(forecast: Forecast) -> Array:
    """The quantiles of a forecast at `SCORES`: its distribution at many points, turned about."""
    from scipy.special import ndtr, ndtri, stdtr, stdtrit  # noqa: PLC0415  # slow to import

    chance, centre, spread = np.array(forecast.parts).T
    mean = float(chance @ centre)
    wide = math.sqrt(float(chance @ (spread**2 + (centre - mean) ** 2)))
    if wide <= 1e-9 * (abs(mean) + 1):
        values = np.full(CELLS + 1, mean)
    else:
        points = mean + 1.5 * wide * stdtrit(forecast.freedom, ndtr(SCORES))
        steps = (points[:, None] - centre) / np.maximum(spread, 1e-300)
        # Far up, what is left above says more than what lies below, which is 1 but for rounding.
        below, above = stdtr(forecast.freedom, steps), stdtr(forecast.freedom, -steps)
        low, high = below @ chance, above @ chance
        reached = np.where(low < high, ndtri(low), -ndtri(high))
        values = np.interp(SCORES, reached, points)
    if forecast.logs:
        values = np.exp(np.minimum(values, 700.0))
    return values if forecast.floor is None else np.maximum(values, forecast.floor)


def _not_below(marks: Array, variance: float | None, unit: Unit) -> Array:
    """No month is surer than chance lets it be, however alike the months before were."""
    if not variance:
        return marks
    chance = _by_moments(float(marks[MIDDLE]), variance, unit)
    low, high = np.interp([-Z, Z], SCORES, chance)
    least, most = np.interp([-Z, Z], SCORES, marks)
    return marks if most - least >= high - low else chance


def _by_moments(value: float, variance: float, unit: Unit) -> Array:
    """A Beta distribution of a share, else a gamma distribution, by mean and variance."""
    from scipy.special import betaincinv, gammaincinv, ndtr  # noqa: PLC0415

    chances = ndtr(SCORES)
    if unit is Unit.SHARE and 0 < value < 1:
        tries = max(value * (1 - value) / variance - 1, 1e-3) if variance > 0 else math.inf
        if tries < 1e10:
            return np.asarray(betaincinv(value * tries, (1 - value) * tries, chances))
    elif value > 0 and variance > 1e-10 * value * value:
        scale = variance / value
        return np.asarray(scale * gammaincinv(value / scale, chances))
    return np.full(CELLS + 1, value)


def _lasting(figures: Array, unit: Unit) -> float:
    """How alike a month is to the one before: Kendall's estimate for short series, 0 or more."""
    values = figures[np.isfinite(figures)]
    if (values > 0).all() and (unit is not Unit.SHARE or (values < 1).all()):
        values = np.log(values / (1 - values) if unit is Unit.SHARE else values)
    off = values - values.mean()
    squares = float(off @ off)
    if not squares > 1e-18 * float(values @ values):
        return 0.0
    found = (len(off) * float(off[1:] @ off[:-1]) / squares + 1) / max(len(off) - 3, 1)
    return min(max(found, 0.0), MOST_LASTING)


def _about(marks: Array, to: float, unit: Unit) -> Array:
    """Values as wide about another middle: by the same factors, of shares the odds."""
    likely = float(marks[MIDDLE])
    if to == likely:
        return marks
    if unit is Unit.SHARE and 0 < likely < 1 and 0 < to < 1 and marks.max() <= 1:
        factor = to / (1 - to) / (likely / (1 - likely))
        return np.asarray(factor * marks / (1 + (factor - 1) * marks))
    if likely <= 0 or to <= 0 or (unit is Unit.SHARE and to >= 1):
        return np.full(CELLS + 1, to)
    moved = marks * (to / likely)
    return np.minimum(moved, 1.0) if unit is Unit.SHARE else moved


def _together(ids: Sequence[str], found: Scatter | None) -> tuple[Array, float]:
    """The correlation of drivers by their days, drawn towards 0 as far as days are few.

    Source:
        Schäfer & Strimmer (2005), Stat. Appl. Genet. Mol. Biol. 4(1), 32: shrinkage; the variance
        of a correlation of normal figures is (1 - r²)² / (n - 1).
    """
    made = np.eye(len(ids))
    if found is None:
        return made, 1.0
    spread = np.sqrt(np.diag(found.covariance))
    moving = [id for id, own in zip(found.drivers, spread, strict=True) if own > 0 and id in ids]
    places = [found.drivers.index(id) for id in moving]
    if len(places) < 2:
        return made, 1.0
    scale = spread[places]
    own = found.covariance[np.ix_(places, places)] / np.outer(scale, scale)
    upper = own[np.triu_indices(len(places), 1)].clip(-1, 1)
    squares = float(upper @ upper)
    doubt = float(((1 - upper**2) ** 2).sum()) / (found.days - 1)
    shrunk = min(1.0, doubt / squares) if squares > 0 else 1.0
    shrunk = max(shrunk, 1e-6)  # drivers that move as one would leave no root
    into = [list(ids).index(id) for id in moving]
    made[np.ix_(into, into)] = (1 - shrunk) * own
    np.fill_diagonal(made, 1.0)
    return made, shrunk
