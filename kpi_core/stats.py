"""How far a figure could be from the truth, and whether two figures differ.

Intervals for shares, for ratios of sums and for the loyalty index; differences of two shares and
of two ratios; a brand lift; and what many tests at once do to each.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kpi_core.formula import Array, Formula

CONFIDENCE = 0.95
POWER = 0.8  # how often a test should find the difference it looks for
FEWEST_DAYS = 14  # below this the days say too little about their own spread
FEWEST_TRIALS = 30  # below this a share of a half is known no better than to ±17 points
FEWEST_EXPECTED = 5  # Cochran's rule: with fewer expected in a cell, counts are not normal
LARGE_LIFT = 0.04  # four points: who cannot see this large a brand lift has too few answers


def share_interval(
    successes: float, trials: float, confidence: float = CONFIDENCE
) -> tuple[float, float] | None:
    """The shares that these counts leave plausible (Wilson's interval).

    Unlike p ± 2 standard errors it stays inside 0..1 and is honest for ten orders a week.

    Args:
        successes: 0 <= successes <= trials.
        trials: how many could have.
        confidence: how often such an interval holds the true share, 0 < c < 1.

    Returns:
        (low, high) in 0..1, or ``None`` where there were no trials or more successes than trials.

    Source:
        Wilson (1927), JASA 22(158), p. 209-212; tests compare it with scipy.stats.binomtest.

    >>> low, high = share_interval(10, 100)
    >>> round(low, 3), round(high, 3)
    (0.055, 0.174)
    """
    if trials <= 0 or not 0 <= successes <= trials:
        return None
    z = _z(confidence)
    share = successes / trials
    middle = share + z * z / (2 * trials)
    half = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    return max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)


@dataclass(frozen=True)
class Nps:
    """A loyalty index in -1..1 and what its answers leave plausible.

    Attributes:
        enough: the answers are at least `FEWEST_TRIALS`.
    """

    score: float
    low: float
    high: float
    answers: float
    enough: bool


def nps_interval(
    promoters: float, passives: float, detractors: float, confidence: float = CONFIDENCE
) -> Nps | None:
    """The share of promoters less the share of detractors, with an interval.

    The variance is the index's own, (p + d - (p - d)²) / n. Three invented answers, ¾ promoters
    and ¾ detractors among them, keep it above zero when all answered alike.

    Returns:
        ``None`` where nobody answered or a count is negative.

    Source:
        Rocks (2016), The American Statistician 70(4), p. 365-372: adjusted Wald, AW(3, T).

    >>> found = nps_interval(60, 20, 20)
    >>> round(found.score, 2), round(found.low, 2), round(found.high, 2)
    (0.4, 0.23, 0.54)
    """
    answers = promoters + passives + detractors
    if min(promoters, passives, detractors) < 0 or answers <= 0:
        return None
    score = (promoters - detractors) / answers
    loyal, lost = (promoters + 0.75) / (answers + 3), (detractors + 0.75) / (answers + 3)
    variance = (loyal + lost - (loyal - lost) ** 2) / (answers + 3)
    half = _z(confidence) * math.sqrt(variance)
    low = max(-1.0, min(score, loyal - lost - half))
    high = min(1.0, max(score, loyal - lost + half))
    return Nps(score, low, high, answers, answers >= FEWEST_TRIALS)


@dataclass(frozen=True)
class Difference:
    """A figure less another, and whether chance alone could have made the difference.

    Attributes:
        p: how often chance alone makes a difference this large, to either side.
        test: the test behind p: ``fisher`` (exact), ``z`` or ``t``.
        enough: there are data enough to say anything; read this first.
    """

    difference: float
    low: float
    high: float
    p: float
    test: str
    enough: bool


def share_difference(
    successes: float,
    trials: float,
    other_successes: float,
    other_trials: float,
    confidence: float = CONFIDENCE,
) -> Difference | None:
    """A share less another share, with Newcombe's interval and a two-sided test.

    The test is Fisher's exact one where a cell is expected to hold fewer than `FEWEST_EXPECTED`,
    else the "N - 1" chi-square test, which is the pooled z test but for a factor (N - 1) / N.

    Returns:
        `Difference`, enough when both have `FEWEST_TRIALS`; ``None`` where a share is not one.

    Source:
        Newcombe (1998), Statistics in Medicine 17, p. 873-890, method 10; Campbell (2007), the
        same, 26, p. 3661-3675 (it keeps Fisher's test to fewer cases than is done here).

    >>> found = share_difference(56, 70, 48, 80)
    >>> round(found.difference, 3), round(found.low, 3), round(found.high, 3)
    (0.2, 0.052, 0.334)
    """
    mine = share_interval(successes, trials, confidence)
    theirs = share_interval(other_successes, other_trials, confidence)
    if mine is None or theirs is None:
        return None
    share, other = successes / trials, other_successes / other_trials
    low = share - other - math.hypot(share - mine[0], theirs[1] - other)
    high = share - other + math.hypot(mine[1] - share, other - theirs[0])
    total, hits = trials + other_trials, successes + other_successes
    if min(trials, other_trials) * min(hits, total - hits) / total < FEWEST_EXPECTED:
        test, p = "fisher", _fisher(successes, trials, other_successes, other_trials)
    else:
        pooled = hits / total
        spread = pooled * (1 - pooled) * (1 / trials + 1 / other_trials) * total / (total - 1)
        test, p = "z", math.erfc(abs(share - other) / math.sqrt(2 * spread))
    enough = min(trials, other_trials) >= FEWEST_TRIALS
    return Difference(share - other, max(-1.0, low), min(1.0, high), p, test, enough)


def _fisher(successes: float, trials: float, other_successes: float, other_trials: float) -> float:
    """The two-sided p of Fisher's exact test: all tables that are no likelier than this one."""
    from scipy.special import gammaln  # noqa: PLC0415  # slow to import, needed by few

    def ways(whole: float, part: Array) -> Array:
        found: Array = gammaln(whole + 1) - gammaln(part + 1) - gammaln(whole - part + 1)
        return found

    counts = [round(count) for count in (successes, trials, other_successes, other_trials)]
    mine, size, theirs, other_size = counts
    hits = mine + theirs
    possible = np.arange(max(0, hits - other_size), min(hits, size) + 1, dtype=np.float64)
    chances = ways(size, possible) + ways(other_size, hits - possible)
    chances = np.exp(chances - chances.max())
    seen = chances[mine - int(possible[0])]
    return float(chances[chances <= seen * (1 + 1e-7)].sum() / chances.sum())


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """P-values raised for having looked more than once; NaN is a test that was not made.

    With these the chance of even one false alarm among all tests stays below the level, however
    the tests hang together.

    Source:
        Holm (1979), Scandinavian Journal of Statistics 6(2), p. 65-70.

    >>> holm([0.01, 0.04, 0.03])
    (0.03, 0.06, 0.06)
    """
    made = sorted((p, place) for place, p in enumerate(p_values) if not math.isnan(p))
    adjusted = [math.nan] * len(p_values)
    highest = 0.0
    for rank, (p, place) in enumerate(made):
        highest = max(highest, min(1.0, p * (len(made) - rank)))
        adjusted[place] = highest
    return tuple(adjusted)


def answers_needed(
    share: float, other: float, confidence: float = CONFIDENCE, power: float = POWER
) -> int | None:
    """How many answers each of two equal groups must give to tell these two shares apart.

    Returns:
        Answers per group; ``None`` for equal shares, which no number tells apart.

    Source:
        Fleiss, Levin & Paik (2003), Statistical Methods for Rates and Proportions, eq. 4.14.

    >>> answers_needed(0.5, 0.51), answers_needed(0.5, 0.54)
    (39240, 2448)
    """
    if share == other:
        return None
    middle = (share + other) / 2
    alike = _z(confidence) * math.sqrt(2 * middle * (1 - middle))
    apart = _z(2 * power - 1) * math.sqrt(share * (1 - share) + other * (1 - other))
    return math.ceil(((alike + apart) / (share - other)) ** 2)


@dataclass(frozen=True)
class Lift:
    """What an advertisement moved: the exposed against the control group.

    Attributes:
        absolute: exposed share less control share, with its interval `low`..`high`.
        relative: absolute / control share; ``None`` where no one of the control said yes.
        headroom: absolute / (1 - control share), the part won of those yet to be won; ``None``
            where all of the control said yes.
        significant: p is below 1 - confidence, and the answers are enough.
        enough: each group gave the `fewest` answers; if not, the lift is not to be told.
        fewest: answers per group that show a lift of `LARGE_LIFT` in 4 of 5 surveys, never below
            `FEWEST_TRIALS`.
        needed: answers per group that would show this lift in 4 of 5 surveys, were it the true
            one; ``None`` for no lift.
    """

    exposed: float
    control: float
    absolute: float
    low: float
    high: float
    relative: float | None
    headroom: float | None
    p: float
    significant: bool
    enough: bool
    fewest: int
    needed: int | None


def lift(
    exposed_yes: float,
    exposed_n: float,
    control_yes: float,
    control_n: float,
    confidence: float = CONFIDENCE,
) -> Lift | None:
    """The lift of a survey in which one group saw the advertisement and one did not.

    For control shares of 15 to 85 % a lift of one point takes some 20 000 to 40 000 answers per
    group, and one of four points 1 300 to 2 500.

    Returns:
        ``None`` where a group is empty or said yes more often than it answered.
    """
    found = share_difference(exposed_yes, exposed_n, control_yes, control_n, confidence)
    if found is None:
        return None
    exposed, control = exposed_yes / exposed_n, control_yes / control_n
    raised = control + LARGE_LIFT if control <= 0.5 else control - LARGE_LIFT
    fewest = max(FEWEST_TRIALS, answers_needed(control, raised, confidence) or 0)
    enough = min(exposed_n, control_n) >= fewest
    return Lift(
        exposed,
        control,
        found.difference,
        found.low,
        found.high,
        found.difference / control if control else None,
        found.difference / (1 - control) if control < 1 else None,
        found.p,
        enough and found.p < 1 - confidence,
        enough,
        fewest,
        answers_needed(control, exposed, confidence),
    )


def daily_interval(
    formula: Formula, days: dict[str, Array], confidence: float = CONFIDENCE
) -> tuple[float, float] | None:
    """The values of a formula over sums that the spread of its days leaves plausible.

    Leaves out one day at a time (the jackknife), so it serves any smooth formula and needs no
    assumption about how orders or their sums are distributed.

    Args:
        formula: arithmetic over sums of the arrays.
        days: quantity to its daily figures, shape (n_days,) each.
        confidence: as in `share_interval`.

    Returns:
        (low, high), or ``None`` below `FEWEST_DAYS` days or where the formula is undefined.

    Source:
        Efron & Tibshirani (1993), An Introduction to the Bootstrap, eq. 11.5.
    """
    found = _left_out(formula, days)
    if found is None:
        return None
    whole, without = found
    half = _t(confidence, len(without) - 1) * math.sqrt(_jackknife(without))
    return whole - half, whole + half


def daily_difference(
    formula: Formula,
    days: dict[str, Array],
    other: dict[str, Array],
    *,
    same_days: bool,
    confidence: float = CONFIDENCE,
) -> Difference | None:
    """A formula over the days of one thing less the same over another's, as two campaigns.

    Args:
        formula: arithmetic over sums of the arrays.
        days: quantity to its daily figures, as in `daily_interval`.
        other: the same of the other thing.
        same_days: both were counted on the same days in the same order. Then a day is left out of
            both at once, and what moved both on it cancels.
        confidence: as in `share_interval`.

    Returns:
        `Difference` by a t test; ``None`` below `FEWEST_DAYS` days or where the formula is
        undefined.

    Source:
        As `daily_interval`; degrees of freedom of different days by Welch (1947).
    """
    mine, theirs = _left_out(formula, days), _left_out(formula, other)
    if mine is None or theirs is None:
        return None
    if same_days:
        variance = _jackknife(mine[1] - theirs[1])
        freedom = len(mine[1]) - 1.0
    else:
        parts = [(_jackknife(without), len(without) - 1) for _, without in (mine, theirs)]
        variance = sum(part for part, _ in parts)
        bottom = sum(part * part / size for part, size in parts)
        freedom = variance * variance / bottom if bottom else float(sum(n for _, n in parts))
    difference, error = mine[0] - theirs[0], math.sqrt(variance)
    half = _t(confidence, freedom) * error
    if error:
        from scipy.special import stdtr  # noqa: PLC0415

        p = float(2 * stdtr(freedom, -abs(difference) / error))
    else:
        p = 0.0 if difference else 1.0
    return Difference(difference, difference - half, difference + half, p, "t", enough=True)


def _left_out(formula: Formula, days: dict[str, Array]) -> tuple[float, Array] | None:
    """The formula over all days, and over all but each one."""
    lengths = {len(series) for series in days.values()}
    if not lengths or min(lengths) < FEWEST_DAYS:
        return None
    totals = {name: np.array(series.sum()) for name, series in days.items()}
    whole = float(formula.values(totals))
    without = formula.values({name: totals[name] - series for name, series in days.items()})
    if not math.isfinite(whole) or not np.isfinite(without).all():
        return None
    return whole, without


def _jackknife(without: Array) -> float:
    """The variance of a figure, from its values with each day left out."""
    count = len(without)
    return (count - 1) / count * float(((without - without.mean()) ** 2).sum())


def _z(confidence: float) -> float:
    """How many standard errors to either side hold `confidence` of a normal distribution."""
    from scipy.special import ndtri  # noqa: PLC0415

    return float(ndtri((1 + confidence) / 2))


def _t(confidence: float, freedom: float) -> float:
    """The same for Student's distribution."""
    from scipy.special import stdtrit  # noqa: PLC0415

    return float(stdtrit(freedom, (1 + confidence) / 2))
