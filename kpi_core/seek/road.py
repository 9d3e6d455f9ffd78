"""The road from levers to what is sought: the exact one, and the one for arrays."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property

import numpy as np

from kpi_core.chain import Chain, chain
from kpi_core.drivers import Lever, project
from kpi_core.errors import UsageError
from kpi_core.formula import Array
from kpi_core.gates import Check, GateCheck
from kpi_core.kpis import Values
from kpi_core.model import Better
from kpi_core.pay import outcome
from kpi_core.plan import Plan
from kpi_core.rules import Bands, Goal, Steps
from kpi_core.seek.asked import NAMED, PAID, SUMS, Means, Target

LOW, HIGH = Fraction(-1, 2), Fraction(1)  # how far a lever may be moved unless a limit says so
SAMPLES = 6_000  # positions of which the search learns what can be reached
INSIDE = 1e-9  # of a boundary: surely on one side of it
HALF = 0.005  # what rounding to kopecks may add to an amount

Shifts = Mapping[str, Fraction]  # driver to its change as a share of what it is


@dataclass(frozen=True)
class Place:
    """What the exact road makes of a position of the levers; ``None`` where it has no figure.

    Attributes:
        bonus, pay: as they are paid, rounded to kopecks.
        profit_after_ads, profit_after_pay: of the money that the chain goes by.
        kpis: the KPIs of the plan and of the target.
    """

    score: Fraction | None
    bonus: Fraction | None
    pay: Fraction | None
    profit_after_ads: Fraction | None
    profit_after_pay: Fraction | None
    spend: Fraction | None
    kpis: Mapping[str, Fraction | None] = field(hash=False)

    def figure(self, what: str) -> Fraction | None:
        """What a target is about."""
        found: Fraction | None = getattr(self, what) if what in NAMED else self.kpis[what]
        return found


class Road:
    """The exact road, and the chain for arrays, of just the KPIs that matter."""

    def __init__(self, own: Chain, what: str, means: Sequence[Means]) -> None:
        plan = own.plan
        if not means:
            raise UsageError("no_levers")
        stopping = [id for item in own.checks for id in _stopping(item)]
        wanted = {goal.kpi for goal in plan.goals()} | set(plan.kpis()) | set(stopping)
        wanted |= set() if what in NAMED else {what}
        rows = tuple(row for id, row in own.totals.items() if id in wanted)
        self.what, self.plan, self.model = what, plan, own.model
        self.values: Values = replace(own.values, rows=rows)
        blocked = outcome(plan, self.values).blocked
        if blocked and what in PAID:
            raise blocked
        self.chain = chain(plan, self.values, own.model)
        self.ids = [own_.id for own_ in means]
        self.costs = [own_.cost for own_ in means]
        spans = [self._span(own_) for own_ in means]
        self.low, self.high = [low for low, _ in spans], [high for _, high in spans]
        self.bases = np.array([float(own.model.base(id) or 0) for id in self.ids])
        self.weights = 100 * np.array([float(cost) for cost in self.costs])

    def _span(self, means: Means) -> tuple[Fraction, Fraction]:
        """How far a lever may be moved: by its limits, and a share up to 1."""
        self.model.check({means.id: Lever(by=Fraction(0))})
        base = self.model.base(means.id) or Fraction(0)
        if base <= 0:
            raise UsageError("lever_at_zero", where=means.id)
        low = LOW if means.low is None else means.low
        high = HIGH if means.high is None else means.high
        try:
            self.model.check({means.id: Lever(by=high)})
        except UsageError:  # a share
            high = max(Fraction(0), 1 / base - 1)
        return max(low, Fraction(-1)), high

    def at(self, shifts: Shifts) -> Place:
        """Everything, exactly."""
        levers = {id: Lever(by=shift) for id, shift in shifts.items()}
        nothing: Mapping[str, Fraction | None] = {row.kpi: None for row in self.values.rows}
        try:
            measures = self.model.rebuilt(levers)
        except UsageError:  # the levers divide by zero
            return Place(None, None, None, None, None, None, nothing)
        values = project(self.model, levers, self.values)
        found = outcome(self.plan, values)
        brought, spend = measures.get(self.chain.money or ""), measures.get("spend")
        earned = None if brought is None or spend is None else brought - spend
        bonus = Fraction(found.paid.bonus) if found.paid else None
        pay = Fraction(found.paid.pay) if found.paid else None
        left = None if earned is None or pay is None else earned - pay
        kpis = {id: own.value for id, own in values.totals().items()}
        return Place(found.total, bonus, pay, earned, left, spend, kpis)

    def effort(self, shifts: Shifts) -> Fraction:
        """Σ cost · |move in percent|."""
        costs = dict(zip(self.ids, self.costs, strict=True))
        return sum((100 * costs[id] * abs(shift) for id, shift in shifts.items()), Fraction(0))

    def efforts(self, moves: Array) -> Array:
        """The same of moves of shape (positions, levers)."""
        efforts: Array = np.abs(moves) @ self.weights
        return efforts

    def levers(self, moves: Array) -> dict[str, Array]:
        """Moves of shape (positions, levers) as the chain takes them."""
        return {
            id: base * (1 + moves[:, place])
            for place, (id, base) in enumerate(zip(self.ids, self.bases, strict=True))
        }

    def figures(self, moves: Array) -> Array:
        """What is sought, at moves of shape (positions, levers)."""
        if self.what == "score":
            return self.chain.at(self.levers(moves), {"total"}).total
        if self.what in SUMS:
            found: Array = getattr(self.chain.at(self.levers(moves), {self.what}), self.what)
            return found
        return self.chain.at(self.levers(moves), {"kpis"}).kpis[self.what]

    def reached(self, figures: Array, target: Target) -> Array:
        """Where figures are good enough, to their last digits."""
        slack = HALF if target.what in SUMS else 0.0
        slack += 1e-12 * max(1.0, abs(float(target.value)))
        if target.at_most:
            return np.asarray(figures <= float(target.value) + slack)
        return np.asarray(figures >= float(target.value) - slack)

    @cached_property
    def drawn(self) -> Array:
        """Random positions to learn from: of all levers, of some, at the ends; (n, levers)."""
        pick = np.random.default_rng(20261001)
        low, high = np.array(self.low, dtype=float), np.array(self.high, dtype=float)
        shape = (SAMPLES, len(self.ids))
        anywhere = np.where(
            pick.random(shape) < 0.5, low * pick.random(shape), high * pick.random(shape)
        )
        ends = np.where(pick.random(shape) < 0.5, low, high)
        moves = np.where(pick.random((SAMPLES, 1)) < 0.3, ends, anywhere)
        moves *= pick.random(shape) < pick.choice([0.3, 0.6, 1.0], (SAMPLES, 1))
        alone = [np.diag(side) * part for side in (low, high) for part in np.linspace(0.02, 1, 50)]
        return np.concatenate([np.zeros((1, len(self.ids))), *alone, moves])


def _stopping(item: Check) -> tuple[str, ...]:
    """The KPIs that a limit looks at."""
    if isinstance(item, GateCheck):
        return (item.gate.kpi,)
    return (item.guard.kpi, item.guard.guard)


# --- boundaries


def judging(plan: Plan, what: str) -> tuple[Goal, ...]:
    """The goals that a figure is made of."""
    if what == "score":
        return tuple(line for line in plan.lines if line.weight)
    return plan.paying() if what in PAID else ()


def _values_at(goal: Goal, better: Better) -> Iterator[float]:
    """The values of a KPI at which its rule turns."""
    rule = goal.rule
    if isinstance(rule, Bands):
        yield from (float(mark) for mark in rule.marks())
        return
    target, base = Fraction(goal.target or 0), goal.base
    turns = rule.marks() if isinstance(rule, Steps) else (rule.floor, rule.target, rule.stretch)
    for at in map(Fraction, turns):
        if base is not None:
            yield float(Fraction(base) + at * (target - Fraction(base)))
        elif better is Better.HIGHER:
            yield float(at * target)
        elif at > 0:
            yield float(target / at)


def marks_of(plan: Plan, own: Chain, whats: Sequence[str]) -> dict[str, list[float]]:
    """KPI to the values at which something that it decides turns or jumps, rising."""
    goals = {goal for what in whats for goal in judging(plan, what)}
    found: dict[str, set[float]] = {}
    for goal in goals:
        better = own.totals[goal.kpi].definition.better
        found.setdefault(goal.kpi, set()).update(_values_at(goal, better))
    if PAID & set(whats):
        for gate in plan.gates:
            found.setdefault(gate.kpi, set()).add(float(gate.limit))
    return {id: sorted(marks) for id, marks in found.items()}
