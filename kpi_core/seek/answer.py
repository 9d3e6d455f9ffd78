"""The answers: the least effort to a target, the most profit within a budget."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import inf

import numpy as np

from kpi_core.chain import Chain
from kpi_core.errors import UsageError
from kpi_core.formula import Array
from kpi_core.seek.asked import Budget, Means, Target
from kpi_core.seek.one import along
from kpi_core.seek.pieces import known
from kpi_core.seek.road import INSIDE, Place, Road, Shifts
from kpi_core.seek.search import Search


@dataclass(frozen=True)
class Answer:
    """Where the levers have to stand, confirmed by the exact road.

    Attributes:
        target: ``None`` where the most profit was sought.
        reached: else `there` is the nearest that could be reached.
        shifts: levers that are moved, by how much of what they are.
        effort: of all moves.
        now, there: before and after.
    """

    chain: Chain = field(repr=False, hash=False, compare=False)
    target: Target | None
    reached: bool
    shifts: Shifts = field(hash=False)
    effort: Fraction
    now: Place
    there: Place


def seek(own: Chain, target: Target, means: Sequence[Means]) -> Answer:
    """The least effort that reaches a target; where none does, the nearest that was found.

    Of one lever the exact root, or the smallest move in hundredths of a percent beyond it where the
    root itself is not enough. Several are told in hundredths of a percent, finer where those do not
    reach it.

    Raises:
        UsageError: a lever is unknown, or cannot be moved by a share.
        PlanError: the plan pays nothing as it stands, and it is pay that is sought.
    """
    road = Road(own, target.what, means)
    now = road.at({})
    if now.figure(target.what) is None:
        raise UsageError("target_without_data", where=target.what)
    if target.reached(now.figure(target.what)):
        return Answer(own, target, True, {}, Fraction(0), now, now)
    alone = len(means) == 1
    shifts = along(road, target, 0) if alone else Search(road, target).least(target)
    if shifts is None:
        there = _furthest(road, target)
        return Answer(own, target, False, there, road.effort(there), now, road.at(there))
    return Answer(own, target, True, shifts, road.effort(shifts), now, road.at(shifts))


def most_profit(own: Chain, means: Sequence[Means], budget: Budget) -> Answer:
    """The most profit after ads and pay within a budget.

    Raises:
        UsageError: a lever is unknown, or cannot be moved by a share; or no profit is known.
        PlanError: the plan pays nothing as it stands.
    """
    road = Road(own, "profit_after_pay", means)
    now = road.at({})
    if now.profit_after_pay is None:
        raise UsageError("target_without_data", where="profit_after_pay")
    shifts = Search(road, None, budget).best()
    there = road.at(shifts)
    return Answer(own, None, True, shifts, road.effort(shifts), now, there)


def _furthest(road: Road, target: Target) -> Shifts:
    """The nearest to a target that can be reached: of positions drawn, improved lever by lever."""

    def good(moves: Array) -> Array:
        figures = road.figures(moves) * (-1 if target.at_most else 1)
        return np.asarray(np.where(np.isnan(figures), -inf, figures))

    moves = road.drawn
    figures = good(moves)
    size = INSIDE * max(1.0, float(np.abs(known(road.figures(moves))).max()))
    place = int(np.argmin(np.where(figures >= figures.max() - size, road.efforts(moves), inf)))
    best = moves[place].copy()
    for _ in range(4):
        for lever in range(len(best)):
            line = np.tile(best, (401, 1))
            low, high = float(road.low[lever]), float(road.high[lever])
            line[:, lever] = np.append(np.linspace(low, high, 400), 0.0)
            figures = good(line)
            costs = np.where(figures >= figures.max() - size, road.efforts(line), inf)
            best = line[int(np.argmin(costs))]
    shifts = {}
    for id, move, *span in zip(road.ids, best, road.low, road.high, strict=True):
        ends = [end for end in span if abs(float(end) - move) < INSIDE]
        shift = ends[0] if ends else Fraction(round(float(move) * 10**6), 10**6)
        if shift:
            shifts[id] = shift
    return shifts
