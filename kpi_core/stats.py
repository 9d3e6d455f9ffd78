"""How far a figure could be from the truth: intervals for shares and for ratios of sums."""

import math

import numpy as np

from kpi_core.formula import Array, Formula

CONFIDENCE = 0.95
FEWEST_DAYS = 14  # below this the days say too little about their own spread


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
    from scipy.special import ndtri  # noqa: PLC0415  # slow to import, needed by few

    z = float(ndtri((1 + confidence) / 2))
    share = successes / trials
    middle = share + z * z / (2 * trials)
    half = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    return max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)


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
    lengths = {len(series) for series in days.values()}
    if not lengths or min(lengths) < FEWEST_DAYS:
        return None
    count = lengths.pop()
    totals = {name: np.array(series.sum()) for name, series in days.items()}
    whole = float(formula.values(totals))
    without = formula.values({name: totals[name] - series for name, series in days.items()})
    if not math.isfinite(whole) or not np.isfinite(without).all():
        return None
    from scipy.special import stdtrit  # noqa: PLC0415

    variance = (count - 1) / count * float(((without - without.mean()) ** 2).sum())
    half = float(stdtrit(count - 1, (1 + confidence) / 2)) * math.sqrt(variance)
    return whole - half, whole + half
