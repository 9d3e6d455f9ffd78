"""Which lever did what: the change of any result shared out over the levers that were moved.

By Shapley values (L. Shapley, A Value for n-person Games, 1953): a lever's part is what it adds to
those moved before it, averaged over every order in which they can be moved. The parts add up to
the change exactly, and no order is preferred. With many levers the orders are drawn instead, each
with its reverse (antithetic permutations), and every part has its standard error.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from itertools import combinations
from math import factorial

import numpy as np
import numpy.typing as npt

from kpi_core.chain import BY_ID, Chain, Results, Truths
from kpi_core.drivers import Lever
from kpi_core.errors import UsageError
from kpi_core.formula import Array
from kpi_core.text import rounded

MOST = 10  # levers of which all subsets are tried
PAIRS = 500  # of orders drawn beyond that, each with its reverse
SEED = 20261001
MONEY = frozenset({"bonus", "pay", "profit_after_ads", "profit_after_pay"})


@dataclass(frozen=True)
class Attribution:
    """The change of a result, lever by lever.

    Attributes:
        output: what changed: a field of ``chain.Results``, or one by id, such as ``kpis.cr``.
        before, after: the result with no lever moved, and with all.
        parts: lever to what it did; they add up to `change` exactly.
        errors: lever to the standard error of its part; empty where all subsets were tried.
        seed: of the orders drawn; ``None`` where all subsets were tried.
    """

    output: str
    before: Fraction
    after: Fraction
    parts: Mapping[str, Fraction] = field(hash=False)
    errors: Mapping[str, float] = field(default_factory=dict, hash=False)
    seed: int | None = None

    @property
    def change(self) -> Fraction:
        """By how much the result changed."""
        return self.after - self.before


@dataclass(frozen=True)
class Kopecks:
    """An attribution of money in kopecks that add up.

    Attributes:
        parts: lever to its part, rounded, with `rest` in the part of `bearer`.
        rest: what rounding left over: the change of the money less the rounded parts.
        bearer: the lever of the largest part.
    """

    parts: Mapping[str, Decimal] = field(hash=False)
    rest: Decimal
    bearer: str


def attribute(
    chain: Chain, levers: Mapping[str, Lever], output: str, *, seed: int = SEED
) -> Attribution:
    """What each of the levers did to a result.

    Args:
        chain: the plan, the period and its model.
        levers: as for ``drivers``, at least one.
        output: ``total``, ``bonus``, ``pay``, ``profit_after_ads``, ``profit_after_pay``,
            ``coefficient``, or ``kpis.ID``, ``measures.ID``, ``scores.ID``.
        seed: of the orders that are drawn for more than `MOST` levers.

    Raises:
        UsageError: there is no such result, a lever cannot be moved so, or the result cannot be
            told with some of the levers moved and others not.
    """
    chain.model.check(levers)
    if not levers:
        raise UsageError("nothing_moved")
    game = _Game(chain, levers, output)
    found = game.of_all_subsets() if len(game.ids) <= MOST else game.of_drawn_orders(seed)
    return replace(found, parts={id: found.parts.get(id, Fraction(0)) for id in levers})


def in_kopecks(found: Attribution, change: Decimal | None = None) -> Kopecks:
    """The parts as they are paid: rounded half up, what is left over put to the largest part.

    Args:
        found: of a result that is money.
        change: of the money as paid, where that was rounded before; else `found.change` is rounded.
    """
    parts = {id: rounded(part, 2) for id, part in found.parts.items()}
    whole = rounded(found.change, 2) if change is None else change
    rest = whole - sum(parts.values(), Decimal(0))
    bearer = max(found.parts, key=lambda id: abs(found.parts[id]))
    return Kopecks(parts | {bearer: parts[bearer] + rest}, rest, bearer)


class _Game:
    """The result for any of the levers moved, others where they stand."""

    def __init__(self, chain: Chain, levers: Mapping[str, Lever], output: str) -> None:
        self.chain, self.output = chain, output
        self.group, _, self.id = output.partition(".")
        known = getattr(chain.at({}), self.group, None)
        if known is None or (self.group in BY_ID and self.id not in known):
            raise UsageError("unknown_output", where=output)
        model = chain.model
        stands = {id: model.base(id) for id in levers}
        moved = {id: model.position(id, lever) for id, lever in levers.items()}
        # What the data do not tell and what alone changes nothing (the price of a click where
        # nothing is spent) is stated once for all: the others may not stand without it.
        still = self._read(chain.at({}, {self.group}))
        self.given = {
            id: np.array(float(own))
            for id, own in moved.items()
            if stands[id] is None
            and self._read(chain.at({id: np.array(float(own))}, {self.group})) == still
        }
        self.ids = tuple(id for id in levers if id not in self.given)
        self.base = [stands[id] for id in self.ids]
        self.moved = [moved[id] for id in self.ids]

    def results(self, taken: Truths) -> list[Fraction]:
        """The result for rows that say which levers are moved; shape (positions, levers)."""
        found = np.empty(len(taken))
        untold = [place for place, base in enumerate(self.base) if base is None]
        for named, rows in _alike(taken, untold):
            levers = {
                self.ids[place]: np.where(taken[rows, place], float(own), float(base or 0))
                for place, (own, base) in enumerate(zip(self.moved, self.base, strict=True))
                if base is not None or place in named
            }
            found[rows] = self._read(self.chain.at(self.given | levers, {self.group}))
        if np.isnan(found).any():
            raise UsageError("not_attributed", where=self.output)
        return [Fraction(float(value)) for value in found]

    def _read(self, results: Results) -> Array:
        found = getattr(results, self.group)
        own: Array = found[self.id] if self.group in BY_ID else found
        return own

    def of_all_subsets(self) -> Attribution:
        count = len(self.ids)
        rows = np.arange(1 << count)
        worth = self.results((rows[:, None] >> np.arange(count) & 1).astype(bool))
        weights = [
            Fraction(factorial(size) * factorial(count - size - 1), factorial(count))
            for size in range(count)
        ]
        parts = {}
        for place, id in enumerate(self.ids):
            others = [1 << other for other in range(count) if other != place]
            gains = [Fraction(0)] * count
            for size in range(count):
                for subset in combinations(others, size):
                    mask = sum(subset)
                    gains[size] += worth[mask | 1 << place] - worth[mask]
            parts[id] = sum((w * gain for w, gain in zip(weights, gains, strict=True)), Fraction(0))
        return Attribution(self.output, worth[0], worth[-1], parts)

    def of_drawn_orders(self, seed: int) -> Attribution:
        count = len(self.ids)
        pick = np.random.default_rng(seed)
        drawn = [pick.permutation(count) for _ in range(PAIRS)]
        orders = np.array([way for order in drawn for way in (order, order[::-1])])
        ranks = np.argsort(orders, axis=1)  # when each lever is moved
        steps = np.arange(count + 1)
        taken = ranks[:, None, :] < steps[None, :, None]
        worth = self.results(taken.reshape(-1, count))
        gains: list[list[Fraction]] = [[] for _ in self.ids]
        for number, order in enumerate(orders):
            own = worth[number * (count + 1) : (number + 1) * (count + 1)]
            for step, place in enumerate(order):
                gains[place].append(own[step + 1] - own[step])
        parts = {
            id: sum(own, Fraction(0)) / len(own) for id, own in zip(self.ids, gains, strict=True)
        }
        errors = {}
        for id, every in zip(self.ids, gains, strict=True):
            pairs = np.array([float(value) for value in every]).reshape(PAIRS, 2).mean(axis=1)
            errors[id] = float(pairs.std(ddof=1) / np.sqrt(PAIRS))
        return Attribution(self.output, worth[0], worth[count], parts, errors, seed)


def _alike(taken: Truths, untold: list[int]) -> list[tuple[frozenset[int], npt.NDArray[np.intp]]]:
    """Rows that move the same of the levers that stand nowhere before: (those levers, rows)."""
    groups: dict[frozenset[int], list[int]] = {}
    for row, own in enumerate(taken[:, untold]):
        named = frozenset(place for place, is_moved in zip(untold, own, strict=True) if is_moved)
        groups.setdefault(named, []).append(row)
    return [(named, np.array(rows)) for named, rows in groups.items()]
