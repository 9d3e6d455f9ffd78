"""One lever: the smallest move that reaches a target, exactly."""

from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np

from kpi_core.formula import Array
from kpi_core.incentive import simplest
from kpi_core.seek.asked import NAMED, Target
from kpi_core.seek.road import Road, Shifts, marks_of

ALONG = 2_000  # positions along a lever, either way
MARK = Fraction(1, 10**18)  # how near exact bisection comes to a root
HAIR = Fraction(1, 10**11)  # what floats may be off
PRINTED = (10**4, 10**6, 10**8, 10**10)  # moves are told in hundredths of a percent, finer if must


def along(road: Road, target: Target, place: int, rest: Shifts | None = None) -> Shifts | None:
    """The smallest move of one lever that reaches a target; ``None`` if none within its limits."""
    id, others = road.ids[place], dict(rest or {})

    def reached(shift: Fraction) -> bool:
        return target.reached(road.at(others | {id: shift}).figure(target.what))

    found = []
    for end in (road.low[place], road.high[place]):
        way, firsts = _way(road, target, place, others, end)
        roots = (_first(way, first, reached) for first in firsts)
        if root := next((own for own in roots if own is not None), None):
            found.append(root)
    if not found:
        return None
    return others | {id: min(found, key=abs)}


def _way(
    road: Road, target: Target, place: int, others: Shifts, end: Fraction
) -> tuple[list[Fraction], list[int]]:
    """Positions from no move to the end, and the places from which on floats think it reached."""
    base = np.array([float(others.get(id, 0)) for id in road.ids])

    def moved(shares: Array) -> Array:
        moves = np.tile(base, (len(shares), 1))
        moves[:, place] = shares * float(end)
        return moves

    shares = np.linspace(0, 1, ALONG + 1)
    shares = np.unique(np.concatenate([shares, *_crossings(road, moved, shares)]))
    there = road.reached(road.figures(moved(shares)), target)
    firsts = np.flatnonzero(there & ~np.append(False, there[:-1]))
    return [min(Fraction(float(share)), Fraction(1)) * end for share in shares], firsts.tolist()


def _first(way: list[Fraction], first: int, reached: Callable[[Fraction], bool]) -> Fraction | None:
    """The move from which on a target is reached, near a place; ``None`` if floats were wrong."""
    # Floats may be off by a hair: then it is reached a bit further, or by one value alone, which is
    # the simplest fraction around.
    start = max(first - 1, 0)
    while start and (abs(way[start] - way[first]) < 2 * HAIR or reached(way[start])):
        start -= 1
    alone = simplest(way[first] - HAIR, way[first] + HAIR)
    near = [way[first], alone, *way[first + 1 : first + 3]]
    after = next((own for own in near if reached(own)), None)
    return None if after is None else _root(way[start], after, way[-1], reached)


def _crossings(road: Road, moved: Callable[[Array], Array], shares: Array) -> Iterator[Array]:
    """Where KPIs cross the boundaries of their rules, and just beside: no step is stepped over."""
    kpis = road.chain.at(road.levers(moved(shares)), {"kpis"}).kpis
    for id, marks in marks_of(road.plan, road.chain, NAMED).items():
        if id not in kpis or kpis[id].ndim == 0:
            continue
        for mark in marks:
            side = np.sign(kpis[id] - mark)
            for cut in np.flatnonzero(side[:-1] * side[1:] < 0):
                low, high = shares[cut], shares[cut + 1]
                for _ in range(7):  # each time 32 times nearer, down to the last digits
                    inner = np.linspace(low, high, 33)
                    own = road.chain.at(road.levers(moved(inner)), {"kpis"}).kpis[id]
                    turn = np.flatnonzero(np.sign(own - mark) != side[cut])
                    step = int(turn[0]) if turn.size else 1
                    low, high = inner[max(step - 1, 0)], inner[step]
                yield np.array([low, high])


def _root(
    before: Fraction, after: Fraction, end: Fraction, good: Callable[[Fraction], bool]
) -> Fraction:
    """The exact place between two, or the smallest move with few digits beyond it."""
    while abs(after - before) > MARK:
        middle = (before + after) / 2
        if good(middle):
            after = middle
        else:
            before = middle
    exact = simplest(before, after)
    if good(exact):
        return exact
    for scale in PRINTED:
        beyond = _away(after, scale)
        if abs(beyond) <= abs(end) and good(beyond):
            return beyond
    return after


def _away(shift: Fraction, scale: int) -> Fraction:
    """The next multiple of 1 / scale away from 0."""
    whole = -(-abs(shift.numerator) * scale // shift.denominator)
    return Fraction(whole if shift > 0 else -whole, scale)
