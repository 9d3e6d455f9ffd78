"""Which driver matters: each moved by itself, and its share in the variance of what comes out.

Source:
    Saltelli et al. (2010), Comput. Phys. Commun. 181(2), 259-270: first-order indices (their
    table 2, b); Jansen (1999), ibid. 117, 35-43: total indices.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from kpi_core.chain import Chain
from kpi_core.drivers import Lever
from kpi_core.formula import Array
from kpi_core.simulate import SCRAMBLES, SEED, Figure, uniform
from kpi_core.uncertainty import MIDDLE, REACH, SCORES, Uncertain, Z

OUTCOMES = ("total", "bonus", "profit_after_pay")
DRAWS = 4096


@dataclass(frozen=True)
class Swing:
    """What comes out with one driver low and high, all others at their middles.

    Attributes:
        at_low, at_high: the values that one month in ten lies below, and above.
        low, high: outcome to its figure there; ``nan`` where there is none.
    """

    driver: str
    at_low: float
    at_high: float
    low: Mapping[str, float]
    high: Mapping[str, float]

    def width(self, outcome: str) -> float:
        """How far the two are apart."""
        return abs(self.high[outcome] - self.low[outcome])


@dataclass(frozen=True)
class Shares:
    """What of the variance of an outcome a driver makes.

    Attributes:
        alone: what would be gone if the driver were known (first-order index).
        in_all: what would be left if all others were (total index), with what it does together
            with them.
    """

    driver: str
    alone: Figure
    in_all: Figure


def tornado(made: Chain, chances: Uncertain, levers: Mapping[str, Lever]) -> tuple[Swing, ...]:
    """Each uncertain driver low and high in the first period ahead, as they are in `chances`."""
    chances = chances.moved(levers)
    moving = [own for own in chances.drivers if not own.certain]
    size = 2 * len(moving)
    given = {own.driver: np.full(size, own.marks[0, MIDDLE]) for own in chances.drivers}
    ends = {own.driver: own.quantiles(-Z, Z)[0].tolist() for own in moving}
    for place, own in enumerate(moving):
        given[own.driver][2 * place : 2 * place + 2] = ends[own.driver]
    found = made.at(chances.levers(given), OUTCOMES)
    figures = {name: np.broadcast_to(getattr(found, name), (size,)) for name in OUTCOMES}
    return tuple(
        Swing(
            own.driver,
            *ends[own.driver],
            *(
                {name: float(figures[name][2 * place + side]) for name in OUTCOMES}
                for side in (0, 1)
            ),
        )
        for place, own in enumerate(moving)
    )


def variance_shares(
    made: Chain,
    chances: Uncertain,
    levers: Mapping[str, Lever],
    draws: int = DRAWS,
    seed: int = SEED,
) -> dict[str, tuple[Shares, ...]]:
    """Outcome to the shares of its drivers, in the first period ahead.

    Drivers are drawn each on its own here: shares of those that move together are no one's.
    Outcomes that never vary, or have no figure in some draws, are left out.
    """
    from scipy.special import ndtri  # noqa: PLC0415  # slow to import, needed by few

    chances = chances.moved(levers)
    moving = [own for own in chances.drivers if not own.certain]
    fixed = {own.driver: own.marks[0, 0] for own in chances.drivers if own.certain}

    def outcomes(points: Array) -> Array:
        scores = np.clip(ndtri(points), -REACH, REACH)
        given = {
            own.driver: np.interp(score, SCORES, own.marks[0])
            for own, score in zip(moving, scores, strict=True)
        }
        found = made.at(chances.levers({**fixed, **given}), OUTCOMES)
        return np.array(
            [np.broadcast_to(getattr(found, name), points.shape[1:]) for name in OUTCOMES]
        )

    if not moving:
        return {}
    alone, in_all = indices(outcomes, len(moving), draws, seed)
    return {
        name: tuple(
            Shares(own.driver, *(_share(part[:, place, of]) for part in (alone, in_all)))
            for of, own in enumerate(moving)
        )
        for place, name in enumerate(OUTCOMES)
        if np.isfinite(alone[:, place]).all()
    }


def _share(parts: Array) -> Figure:
    error = float(parts.std(ddof=1) / np.sqrt(len(parts)))
    return Figure(min(max(float(parts.mean()), 0.0), 1.0), error)


def indices(
    function: Callable[[Array], Array], count: int, draws: int, seed: int
) -> tuple[Array, Array]:
    """First-order and total Sobol indices of a function of independent uniform inputs.

    Args:
        function: of inputs between 0 and 1, shape (count, n); gives shape (n_outcomes, n).
        count: of inputs.
        draws: of all scrambles together, of each of the two samples.
        seed: of the scrambles.

    Returns:
        Both of shape (`SCRAMBLES`, n_outcomes, count): one estimate for each scramble; ``nan``
        where an outcome never varies or is missing.
    """
    each = -(-draws // SCRAMBLES)
    first, second = [], []
    points = np.concatenate(list(uniform(seed, each * SCRAMBLES, 2 * count)))
    for own in points.reshape(SCRAMBLES, each, 2 * count):
        one, other = own[:, :count].T, own[:, count:].T
        mixed = np.repeat(one[None], count, axis=0)
        mixed[np.arange(count), np.arange(count)] = other
        inputs = np.concatenate([one, other, *mixed], axis=1)
        made = function(inputs)
        made = (made - made[:, : 2 * each].mean(axis=1, keepdims=True)).reshape(
            len(made), count + 2, each
        )
        a, b, swapped = made[:, 0], made[:, 1], made[:, 2:]
        variance = made[:, :2].reshape(len(made), -1).var(axis=1)
        size = np.abs(made).max(axis=(1, 2))
        variance = np.where(variance > 1e-18 * size**2, variance, np.nan)[:, None]
        first.append((b[:, None] * (swapped - a[:, None])).mean(axis=2) / variance)
        second.append(((a[:, None] - swapped) ** 2).mean(axis=2) / 2 / variance)
    return np.array(first), np.array(second)
