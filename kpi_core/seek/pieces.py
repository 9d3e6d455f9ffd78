"""The pieces of rules: intervals of a KPI in which nothing jumps."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import inf

import numpy as np

from kpi_core.chain import Chain
from kpi_core.formula import Array
from kpi_core.model import Better
from kpi_core.rules import NEAR, Goal
from kpi_core.seek.road import INSIDE


@dataclass(frozen=True)
class Piece:
    """An interval of a KPI in which every rule and limit of it is smooth.

    Attributes:
        low, high: its ends, to which the search may come as near as it likes.
        inside: two values surely in it, at either end; shape (2,).
        probe: the same, but finite: where scores are read off; shape (2,).
        flat: whether its scores are the same everywhere.
        kept: whether the limits of the KPI are kept there.
    """

    low: float
    high: float
    inside: Array = field(hash=False, compare=False)
    probe: Array = field(hash=False, compare=False)
    flat: bool
    kept: bool

    def has(self, value: float) -> bool:
        """Whether a value lies in it; so near its end it stands on it, as rules judge it."""
        slack = NEAR * max(1.0, abs(value))
        return bool(self.inside[0] - slack <= value <= self.inside[1] + slack)


def pieces_of(marks: Sequence[float], goals: Sequence[Goal], own: Chain, id: str) -> list[Piece]:
    """The pieces between marks; a mark itself belongs to the side that it is judged like."""
    better = own.totals[id].definition.better
    gates = [float(gate.limit) for gate in own.plan.gates if gate.kpi == id]
    edges = [-inf, *marks, inf]
    spans: list[tuple[float, float]] = []
    for low, high in pairwise(edges):
        spans += [(low, high), (high, high)]
    found: list[Piece] = []
    judged: list[tuple[Array, bool]] = []
    for low, high in spans[:-1]:
        inside = _inside(low, high)
        probe = np.where(np.isinf(inside), inside[::-1], inside)
        scores = np.array([np.nan_to_num(goal.scores(probe, better)) for goal in goals])
        kept = all(keeps(float(probe.mean()), limit, better) for limit in gates)
        flat = not scores.size or bool(np.ptp(scores, axis=1).max() < INSIDE)
        piece = Piece(low, high, inside, probe, flat, kept)
        if found and judged[-1][1] == kept:
            before = judged[-1][0]
            joins = not scores.size or bool(np.abs(before[:, 1] - scores[:, 0]).max() < 1e-6)
            point = low == high or found[-1].low == found[-1].high
            if joins and (point or (flat and found[-1].flat)):
                last, flat = found[-1], flat and found[-1].flat
                ends = np.array([last.inside[0], inside[1]])
                probes = np.array([last.probe[0], probe[1]])
                both = np.stack([before[:, 0], scores[:, 1]], axis=1) if scores.size else scores
                found[-1] = Piece(last.low, high, ends, probes, flat, kept)
                judged[-1] = both, kept
                continue
        found.append(piece)
        judged.append((scores, kept))
    return found


def keeps(value: float, limit: float, better: Better) -> bool:
    """Whether a value keeps a hard limit."""
    return value >= limit if better is Better.HIGHER else value <= limit


def _inside(low: float, high: float) -> Array:
    """Two values surely between two marks, at either end."""

    def beside(mark: float) -> float:
        return INSIDE * max(abs(mark), 0.01)

    if low == high:
        return np.array([low, low])
    if low == -inf:
        return np.array([-inf, high - beside(high)]) if high < inf else np.array([-inf, inf])
    return np.array([low + beside(low), high - beside(high) if high < inf else inf])


def within_reach(pieces: Sequence[Piece], seen: Array) -> list[Piece]:
    """The pieces that positions drawn came to, or nearly: the ends of the levers are among them."""
    room = 0.05 * float(np.ptp(seen))
    low, high = float(seen.min()) - room, float(seen.max()) + room
    found = []
    for piece in pieces:
        if piece.low <= high and piece.high >= low:
            inside, probe = np.clip(piece.inside, low, high), np.clip(piece.probe, low, high)
            found.append(replace(piece, inside=inside, probe=probe))
    return found


def moves_at_all(figures: Array) -> bool:
    """Whether figures differ by more than rounding."""
    told = known(figures)
    return bool(np.ptp(told) > INSIDE * np.abs(told).max())


def known(figures: Array) -> Array:
    """Those of some figures that there are; a lone 0 where there is none."""
    told: Array = figures[~np.isnan(figures)]
    return told if told.size else np.zeros(1)
