"""What comes next: the rest of a period from its days, a month from the months before it.

Both forecasts are one model. A figure is a level (days: one for each weekday), a slope, for months
a season, and noise that may hang together from one date to the next. How strong each of these is
cannot be known from a short history, so every strength of a grid is tried and the forecasts are
averaged, each weighed by how well its strengths explain the history. A season or slope that the
history does not show thus fades by itself, and the doubt about it widens the interval.

On invented histories 80 % intervals hold 75 to 85 % of next months, and 80 to 87 % of months of
which twenty days are left. They hold less, 45 to 75 %, where a level without a home is forecast
several months ahead, or days drift or grow fast; and where a season is not yet two years old.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from itertools import product

import numpy as np

from kpi_core.formula import Array
from kpi_core.model import Better
from kpi_core.stats import FEWEST_DAYS

WEEK, YEAR = 7, 12
RECENT_DAYS = 56  # eight weeks: each weekday eight times, and not yet another season
FEWEST_MONTHS = 6  # below this the months say too little about their own spread
SEASONAL_MONTHS = 24  # a season is what came back at least once
MOST_MONTHS = 48  # older months say nothing of the next one

_SEASONS = (0.0, 0.7, 2.5, 10.0)  # in standard deviations of the noise
_SLOPES = (0.05, 0.2, 0.8)  # the same, per month; and none
_DAMPING = (0.9, 1.0)  # what is left of a slope with each month ahead
# Pairs: how alike noise is to that of the date before, and what part of it is so (the rest is each
# date's own); and not at all.
_LASTING_DAYS = (
    (0.5, 0.3),
    (0.5, 0.8),
    (0.9, 0.2),
    (0.9, 0.6),
    (0.99, 0.1),
    (0.99, 0.3),
    (0.99, 0.8),
)
_LASTING_MONTHS = (
    (0.5, 0.9),
    (0.9, 0.5),
    (0.9, 0.9),
    (0.9, 0.99),
    (0.99, 0.5),
    (0.99, 0.9),
    (0.99, 0.99),
)
_POWERS = (0.5, 1.0)  # noise grows with the root of a weekday's size, as of counts, or with it
_DAILY_SLOPE = 0.03  # of the noise, per day; as likely as _SLOPING before a day is seen
_SLOPING = 0.1
_MIXED = 0.25  # how likely days are thought to hang together before one is seen
_UNLIKELY = 1e-3  # ways that explain the history no better than this are left out
_SMALLEST_WEIGHT = 0.05  # of the mean: no weekday's noise is taken to be smaller than this one's


@dataclass(frozen=True)
class Forecast:
    """What a figure will be: a mixture of Student's distributions, of it or of its logarithm.

    Attributes:
        parts: chance, centre and spread of each part; the chances add up to 1.
        freedom: degrees of freedom of every part.
        logs: it is the logarithm that is so distributed, hence the figure is above zero.
        floor: what the figure cannot fall below; ``None`` for no such bound.
    """

    parts: tuple[tuple[float, float, float], ...]
    freedom: float
    logs: bool = False
    floor: float | None = None

    @property
    def middle(self) -> float:
        """The median: the figure falls short of it as often as it exceeds it."""
        return self.quantile(0.5)

    def interval(self, level: float) -> tuple[float, float]:
        """The figures between which the true one will be `level` of the time, 0 < level < 1.

        >>> low, high = Forecast(((1, 100, 10),), freedom=30).interval(0.8)
        >>> round(low, 1), round(high, 1)
        (86.9, 113.1)
        """
        return self.quantile((1 - level) / 2), self.quantile((1 + level) / 2)

    def quantile(self, share: float) -> float:
        """The figure that the true one will be below `share` of the time, 0 < share < 1."""
        from scipy.special import stdtrit  # noqa: PLC0415  # slow to import, needed by few

        chance, centre, spread = np.array(self.parts).T
        ends = centre + float(stdtrit(self.freedom, share)) * spread
        low, high = float(ends.min()), float(ends.max())
        enough = 1e-12 * max(abs(low), abs(high))
        while high - low > enough:
            middle = (low + high) / 2
            below = _below(middle, chance, centre, spread, self.freedom) < share
            low, high = (middle, high) if below else (low, middle)
        figure = math.exp(min(high, 700.0)) if self.logs else high
        return figure if self.floor is None else max(self.floor, figure)

    def reaches(self, target: float, better: Better = Better.HIGHER) -> float:
        """The probability that the figure is at least `target`; at most, where lower is better."""
        chance, centre, spread = np.array(self.parts).T
        if self.logs and target <= 0:
            below = 0.0
        else:
            value = math.log(target) if self.logs else target
            below = _below(value, chance, centre, spread, self.freedom)
        if better is Better.LOWER:
            return 0.0 if self.floor is not None and target < self.floor else below
        return 1.0 if self.floor is not None and target <= self.floor else 1 - below


def _below(value: float, chance: Array, centre: Array, spread: Array, freedom: float) -> float:
    """The chance that a mixture is at most `value`; a spread of nothing is allowed."""
    from scipy.special import stdtr  # noqa: PLC0415

    apart = value - centre
    steps = np.where(apart == 0, 0.0, apart / np.maximum(spread, 1e-300))
    return min(1.0, float(chance @ stdtr(freedom, steps)))


# --- the model


def _noise(when: Array, kinds: Sequence[tuple[float, float]]) -> Array:
    """How noise at these times hangs together, a matrix for each of its kinds."""
    apart = np.abs(np.subtract.outer(when, when))
    own = np.eye(len(when))
    mixed = [(1 - part) * own + part * memory**apart for memory, part in kinds]
    return np.array([own, *mixed])


@dataclass(frozen=True)
class _Ways:
    """Ways in which figures may hang together, made ready for any figures at the same dates.

    One matrix, vector or number for each way.
    """

    whiten: Array  # inverse of the Cholesky factor of the history's covariance
    design: Array  # the levels of the history, whitened
    solve: Array  # from the history, whitened, to its levels
    towards: Array  # covariance of history and what is forecast, whitened
    variance: Array  # of what is forecast, given the history, in units of the noise
    volume: Array  # log of the likelihood but for the figures
    levels: Array  # how much of each level the forecast holds


def _prepared(ways: Array, design: Array, weights: Array, chances: Array) -> _Ways:
    """The ways for a history and the weighed sum of the figures after it.

    Args:
        ways: covariance of all figures up to scale, shape (n_ways, n + m, n + m).
        design: which levels a figure holds, shape (n + m, n_levels).
        weights: of the figures to come, shape (m,).
        chances: how likely each way is thought before a figure is seen, up to scale.
    """
    count = len(design) - len(weights)
    lower = np.linalg.cholesky(ways[:, :count, :count])
    whiten = np.linalg.inv(lower)
    before = whiten @ design[:count]
    towards = (whiten @ (ways[:, :count, count:] @ weights)[:, :, None])[:, :, 0]
    own = (ways[:, count:, count:] @ weights) @ weights
    levels = weights @ design[count:]
    known = before.transpose(0, 2, 1) @ before
    solve = np.asarray(np.linalg.solve(known, before.transpose(0, 2, 1)), dtype=np.float64)
    reach = levels - (towards[:, None, :] @ before)[:, 0]
    doubt = (reach * np.linalg.solve(known, reach[:, :, None])[:, :, 0]).sum(axis=1)
    diagonal = np.diagonal(lower, axis1=1, axis2=2)
    volume = np.log(chances) - np.log(diagonal).sum(axis=1) - np.linalg.slogdet(known)[1] / 2
    variance = own - (towards * towards).sum(axis=1) + doubt
    return _Ways(whiten, before, solve, towards, variance, volume, levels)


def _predicted(values: Array, ways: _Ways) -> Forecast:
    """The forecast from these figures: the average over the ways by restricted likelihood.

    The levels are unknown, and so is the size of the noise.
    """
    freedom = len(values) - len(ways.levels)
    seen = ways.whiten @ values
    level = (ways.solve @ seen[:, :, None])[:, :, 0]
    left = seen - (ways.design @ level[:, :, None])[:, :, 0]
    smallest = 1e-16 * float(values @ values) + 1e-300  # where all figures are alike
    squares = np.maximum((left * left).sum(axis=1), smallest)
    likelihood = ways.volume - freedom / 2 * np.log(squares)
    chance = np.exp(likelihood - likelihood.max())
    chance /= chance.sum()
    centre = level @ ways.levels + (ways.towards * left).sum(axis=1)
    spread = np.sqrt(squares / freedom * np.maximum(ways.variance, 0))
    likely = chance > _UNLIKELY
    chance = chance[likely] / chance[likely].sum()
    parts = zip(chance.tolist(), centre[likely].tolist(), spread[likely].tolist(), strict=True)
    return Forecast(tuple(parts), freedom)


# --- days


@dataclass(frozen=True)
class RunRate:
    """The total of a period under way.

    Attributes:
        counted: the sum of the days counted so far.
        days_counted: how many these are.
        days_left: days of the period without a figure, which are forecast.
        gaps: those of them that lie before the last counted day.
        total: the forecast of the whole period; never below `counted` if no day was below zero.
    """

    counted: float
    days_counted: int
    days_left: int
    gaps: int
    total: Forecast


def run_rate(days: Sequence[date], figures: Array, since: date, until: date) -> RunRate | None:
    """The total that a period is running up to: what is counted, and the rest by weekday.

    The other days are forecast from the latest `RECENT_DAYS`, which may begin before the period:
    by the means of weekdays. Noise is as large as the history shows it to be, larger on large
    weekdays, and days may hang together. That the level drifts or slopes is thought possible, so
    it widens the interval, but a slope is followed only where the days show it clearly. The
    calendar is not known: a holiday ahead is a day like any other.

    Args:
        days: the days of `figures`, each once, in any order; those after `until` are not read.
        figures: of a measure whose days add up; NaN where nothing was counted. A day that is
            absent or NaN is not a zero: in the period it is forecast, before it is left out.
        since: first day of the period.
        until: last day of the period.

    Returns:
        ``None`` where fewer than `FEWEST_DAYS` of the recent days have a figure.

    Source:
        Harville (1977), JASA 72(358), p. 320-338: likelihood and prediction in mixed models.
    """
    known = _known(days, figures, until)
    if not known:
        return None
    last = max(known)
    recent = [day for day in sorted(known) if (last - day).days < RECENT_DAYS]
    if len(recent) < FEWEST_DAYS:
        return None
    inside = [day for day in known if day >= since]
    counted = math.fsum(known[day] for day in inside)
    left = [day for day in _days(since, until) if day not in known]
    gaps = sum(day < last for day in left)
    series = np.array([known[day] for day in recent])
    floor = counted if min(known.values()) >= 0 else None
    means = _weekday_means(recent, series)
    if not left:
        done = Forecast(((1, counted, 0),), 1, floor=floor)
        return RunRate(counted, len(inside), 0, 0, done)
    dates = [*recent, *left]
    when = np.array([day.toordinal() for day in dates], dtype=np.float64)
    weekdays = np.array([day.weekday() for day in dates])
    scales = [np.ones(len(dates))]
    design = np.ones((len(dates), 1))
    if all(day.weekday() in means for day in dates):
        present = sorted(set(weekdays.tolist()))
        design = np.equal.outer(weekdays, present).astype(np.float64)
        if floor is not None and series.any():
            sizes = np.array([means[day.weekday()] for day in dates])
            sizes = np.maximum(sizes / series.mean(), _SMALLEST_WEIGHT)
            scales = [sizes**power for power in _POWERS]
    slope = when - last.toordinal()
    noises, slopes = _noise(when, _LASTING_DAYS), (0.0, _DAILY_SLOPE)
    kinds = list(product(scales, range(len(noises)), slopes))
    ways = [
        np.outer(scale, scale) * (noises[kind] + drift**2 * np.outer(slope, slope))
        for scale, kind, drift in kinds
    ]
    mixed = _MIXED / len(_LASTING_DAYS)
    chances = [
        (mixed if kind else 1 - _MIXED) * (_SLOPING if drift else 1 - _SLOPING)
        for _, kind, drift in kinds
    ]
    weights = np.ones(len(left))
    rest = _predicted(series, _prepared(np.array(ways), design, weights, np.array(chances)))
    parts = ((chance, counted + centre, spread) for chance, centre, spread in rest.parts)
    total = Forecast(tuple(parts), rest.freedom, floor=floor)
    return RunRate(counted, len(inside), len(left), gaps, total)


def weekday_profile(days: Sequence[date], figures: Array) -> tuple[float, ...]:
    """How much of a measure falls on Monday ... Sunday, averaging 1, by the latest `RECENT_DAYS`.

    Returns:
        Seven weights; all 1 where a weekday was not counted at least twice, or a day was below
        zero.
    """
    known = _known(days, figures)
    last = max(known, default=date.min)
    recent = [day for day in sorted(known) if (last - day).days < RECENT_DAYS]
    series = np.array([known[day] for day in recent])
    seen = [sum(day.weekday() == weekday for day in recent) for weekday in range(WEEK)]
    if min(seen) < 2 or series.min() < 0 or not series.any():
        return (1.0,) * WEEK
    means = _weekday_means(recent, series)
    whole = sum(means.values())
    return tuple(means[weekday] * WEEK / whole for weekday in range(WEEK))


def pace(
    profile: Sequence[float], since: date, until: date, target: float = 1.0
) -> tuple[tuple[date, float], ...]:
    """Where a measure should stand at the end of each day to reach `target` on the last one.

    Args:
        profile: weights of Monday ... Sunday, as of `weekday_profile`.
        since: first day of the period.
        until: last day of the period.
        target: of the whole period; 1 gives shares of it.

    >>> from datetime import date
    >>> line = pace([1, 1, 1, 1, 1, 0, 0], date(2026, 6, 5), date(2026, 6, 8), target=100)
    >>> [round(should) for _, should in line]  # Friday to Monday
    [50, 50, 50, 100]
    """
    days = _days(since, until)
    weights = np.array([profile[day.weekday()] for day in days], dtype=np.float64)
    if not weights.sum() > 0:  # a period of closed days only
        weights = np.ones(len(days))
    line = weights.cumsum()
    return tuple(zip(days, (target * line / line[-1]).tolist(), strict=True)) if days else ()


def _known(days: Sequence[date], figures: Array, until: date = date.max) -> dict[date, float]:
    pairs = zip(days, figures.tolist(), strict=True)
    return {day: figure for day, figure in pairs if math.isfinite(figure) and day <= until}


def _days(since: date, until: date) -> list[date]:
    return [since + timedelta(step) for step in range((until - since).days + 1)]


def _weekday_means(days: Sequence[date], series: Array) -> dict[int, float]:
    """Weekday to its mean, for those counted at least twice."""
    weekdays = np.array([day.weekday() for day in days])
    return {
        weekday: float(series[weekdays == weekday].mean())
        for weekday in range(WEEK)
        if (weekdays == weekday).sum() >= 2
    }


# --- months


def monthly_forecast(history: Array, ahead: int = 1) -> Forecast | None:
    """The figure of a month to come.

    Where all figures are above zero their logarithms are forecast, so that season and growth are
    factors; else the figures themselves. A slope fades with the months ahead, and a season is
    looked for in `SEASONAL_MONTHS` and more.

    Args:
        history: months one after another, oldest first; NaN for a month without a figure, which is
            not a zero. The latest `MOST_MONTHS` are read.
        ahead: 1 for the month after the last of `history`, with or without a figure.

    Returns:
        ``None`` below `FEWEST_MONTHS` months with a figure.

    Source:
        As `run_rate`; fading slopes by Gardner & McKenzie (1985), Management Science 31(10).
    """
    series = np.asarray(history, dtype=np.float64)[-MOST_MONTHS:]
    if ahead < 1:
        raise ValueError("only months to come are forecast")
    places = np.flatnonzero(np.isfinite(series))
    if len(places) < FEWEST_MONTHS:
        return None
    figures = series[places]
    logs = bool((figures > 0).all())
    floor = 0.0 if (figures >= 0).all() and not logs else None
    seasonal = places[-1] - places[0] + 1 >= SEASONAL_MONTHS and len(places) >= SEASONAL_MONTHS
    values = np.log(figures) if logs else figures
    target = len(series) - 1 + ahead
    ways = _monthly_ways(tuple(places.tolist()), target, bool(seasonal))
    found = _predicted(values, ways)
    return replace(found, logs=logs, floor=floor)


@lru_cache(maxsize=12)  # the months of a calibration, whatever the KPI
def _monthly_ways(places: tuple[int, ...], target: int, seasonal: bool) -> _Ways:
    """How the months at these places and the one to forecast may hang together."""
    when = np.array([*places, target], dtype=np.float64)
    season = np.equal.outer(when % YEAR, when % YEAR).astype(np.float64)
    slopes = [np.zeros_like(season)]
    for damping, strength in product(_DAMPING, _SLOPES):
        path = when - places[-1]
        path[-1] = sum(damping**step for step in range(1, target - places[-1] + 1))
        slopes.append(strength**2 * np.outer(path, path))
    seasons = _SEASONS if seasonal else _SEASONS[:1]
    ways = [
        noise + strength**2 * season + slope
        for noise, strength, slope in product(_noise(when, _LASTING_MONTHS), seasons, slopes)
    ]
    return _prepared(np.array(ways), np.ones((len(when), 1)), np.ones(1), np.ones(len(ways)))


def reach_probability(
    history: Array, target: float, better: Better = Better.HIGHER, ahead: int = 1
) -> float | None:
    """How likely a month to come reaches `target`; arguments as of `monthly_forecast`."""
    found = monthly_forecast(history, ahead)
    return None if found is None else found.reaches(target, better)


@dataclass(frozen=True)
class Calibration:
    """How forecasts would have done: `covered` of `tested` months fell into their intervals.

    Attributes:
        level: the share of months that should.
    """

    covered: int
    tested: int
    level: float


def calibration(
    history: Array, level: float = 0.8, ahead: int = 1, most: int = YEAR
) -> Calibration:
    """Forecast each of the latest `most` months from the months before it, and look.

    A month without a figure, or with too few months before it, is not tested.
    """
    series = np.asarray(history, dtype=np.float64)
    covered = tested = 0
    for place in range(max(0, len(series) - most), len(series)):
        if not math.isfinite(series[place]):
            continue
        found = monthly_forecast(series[: max(0, place + 1 - ahead)], ahead)
        if found is not None:
            low, high = found.interval(level)
            tested += 1
            covered += bool(low <= series[place] <= high)
    return Calibration(covered, tested, level)


@dataclass(frozen=True)
class Season:
    """How much of a measure falls on January ... December, averaging 1, and figures without it.

    Attributes:
        adjusted: each figure over the index of its month; NaN where there was none.
    """

    index: tuple[float, ...]
    adjusted: Array


def seasonal_indices(months: Sequence[date], figures: Array) -> Season | None:
    """The season of a measure, by the months' mean logarithms about a straight line.

    Args:
        months: a day of each month, each month once, in any order.
        figures: of these months, above zero; NaN where nothing was counted.

    Returns:
        ``None`` below `SEASONAL_MONTHS` months with a figure, where a calendar month was not
        counted twice, or a figure is not above zero.
    """
    values = np.asarray(figures, dtype=np.float64)
    known = np.isfinite(values)
    calendar = np.array([month.month - 1 for month in months], dtype=np.int64)
    seen = np.bincount(calendar[known], minlength=YEAR)
    if known.sum() < SEASONAL_MONTHS or seen.min() < 2 or (values[known] <= 0).any():
        return None
    when = np.array([month.year * YEAR + month.month for month in months], dtype=np.float64)
    design = np.column_stack([np.eye(YEAR)[calendar], when - when.mean()])[known]
    effects = np.linalg.lstsq(design, np.log(values[known]), rcond=None)[0][:YEAR]
    index = np.exp(effects - effects.mean())
    index /= index.mean()
    return Season(tuple(index.tolist()), values / index[calendar])
