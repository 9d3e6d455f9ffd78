"""The whole chain at once, for arrays: levers → measures → KPI values → scores → pay and profit.

The exact road (``drivers``, ``score``, ``pay``) answers for one position of the levers and is what
pays; this one answers for a million of them. It takes the same steps with the same formulas and
rules, in floats: figures that no lever moves are the exact ones, others differ by their rounding.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property

import numpy as np
import numpy.typing as npt

from kpi_core.drivers import BUDGET, PRICE, SPEND, Model, Tree, place, project, touched
from kpi_core.errors import PlanError
from kpi_core.formula import Array, Exact
from kpi_core.gates import Check, GateCheck, check
from kpi_core.kpis import KpiValue, Values
from kpi_core.model import Better, Consequence, Driver, Unit
from kpi_core.pay import outcome
from kpi_core.pay.payout import FEWEST
from kpi_core.plan import Missing, Over, Plan
from kpi_core.rules import NEAR, Goal
from kpi_core.score import judge

BLOCK = 1 << 13  # positions computed at once, so that their arrays stay in the processor's cache
MONEY = ("gross_profit", "revenue", "deal_value")  # what a business brings, the nearest to profit
# What stops a payout for want of figures, which other positions may have; anything else stops all.
OF_FIGURES = frozenset(
    {
        "factor_missing",
        "factor_undefined",
        "gate_unknown",
        "nothing_to_pay_for",
        "too_little_judged",
    }
)
UNKNOWN = np.array(np.nan)
Truths = npt.NDArray[np.bool_]


def _none() -> Array:
    return np.empty(0)


@dataclass(frozen=True, eq=False)
class Results:
    """What the levers make of everything, in arrays of the shape of their positions.

    ``nan`` where the exact road has no figure, blocks the payout or refuses the levers. What was
    not asked for is empty.

    Attributes:
        drivers: of the total, and levers of channels, by id.
        measures, kpis: by id.
        scores: of every goal, by its KPI; of a KPI with a line and a factor, that of the factor.
        total: the total score of the lines.
        coefficient: of the stake, after terms and gates.
        bonus, pay: before they are rounded to kopecks.
        profit_after_ads: the money that the chain goes by (`Chain.money`) less advertising.
        profit_after_pay: that less `pay`.
    """

    drivers: Mapping[str, Array] = field(default_factory=dict)
    measures: Mapping[str, Array] = field(default_factory=dict)
    kpis: Mapping[str, Array] = field(default_factory=dict)
    scores: Mapping[str, Array] = field(default_factory=dict)
    total: Array = field(default_factory=_none)
    coefficient: Array = field(default_factory=_none)
    bonus: Array = field(default_factory=_none)
    pay: Array = field(default_factory=_none)
    profit_after_ads: Array = field(default_factory=_none)
    profit_after_pay: Array = field(default_factory=_none)


EVERYTHING = frozenset(own.name for own in fields(Results))
BY_ID = frozenset({"drivers", "measures", "kpis", "scores"})


@dataclass(frozen=True)
class _Figure:
    """A figure of a KPI, and what it was and its measure is before any lever is moved."""

    id: str
    given: Exact
    base: Exact

    @cached_property
    def factor(self) -> float:
        """What the measure is multiplied by, where it has a base."""
        return float((self.given or 0) / (self.base or 1))

    def at(self, new: Array) -> Array:
        """The figure where its measure is `new`: changed by the same factor (``drivers``)."""
        if self.given is None:
            return new if self.base is None else UNKNOWN
        if self.base is None:
            return np.array(float(self.given))
        if self.base:
            return new if self.given == self.base else new * self.factor
        return np.where(new == 0, float(self.given), new)


@dataclass(frozen=True)
class _Road:
    """What a set of levers moves of what is wanted.

    Attributes:
        steps: measures of the total, in order.
        channels: channel to its measures, in order.
        read_off: drivers of the total that follow from what channels change.
    """

    steps: tuple[Consequence, ...]
    channels: Mapping[str, tuple[Consequence, ...]]
    read_off: tuple[Driver, ...]
    kpis: frozenset[str]


@dataclass(frozen=True)
class _Ground:
    """The whole, or a channel, before any lever is moved.

    Attributes:
        tree: what it tells.
        floats: everything that the model's formulas name, as arrays without dimensions.
        told: the measures that drivers tell.
        beside: those of a channel that they do not, such as leads of no visit.
    """

    tree: Tree
    floats: Mapping[str, Array]
    told: frozenset[str]
    beside: frozenset[str]


@dataclass(frozen=True)
class Chain:
    """A plan, the values of a period and its model, ready for any positions of the levers.

    Attributes:
        plan: with the targets of the period.
        values: of the period, as measured.
        model: of the period.
        money: the measure that profit is counted from: gross profit, else the revenue or the deals
            that the model knows; ``None`` where it knows no money of the plan's currency.
        blocked: why nothing can be paid, wherever the levers stand.
    """

    plan: Plan
    values: Values
    model: Model
    money: str | None
    blocked: PlanError | None
    _roads: dict[tuple[frozenset[str], frozenset[str]], _Road] = field(
        default_factory=dict, repr=False, compare=False
    )

    def at(self, levers: Mapping[str, Array], wanted: Collection[str] = EVERYTHING) -> Results:
        """What comes of levers moved to these values; drivers that are not named stay.

        Args:
            levers: lever (``cr``, ``cr@email``, ``budget@email:social``; see ``drivers``) to its
                values, in arrays of any shapes that broadcast together.
            wanted: fields of `Results`; nothing else is computed.

        Raises:
            UsageError: no such driver or channel, or the channel does not tell it.
        """
        for id in levers:
            self.model.base(id)
        given = {id: np.asarray(own, dtype=float) for id, own in levers.items()}
        shape = np.broadcast_shapes(*(own.shape for own in given.values()))
        flat = {
            id: own if own.ndim == 0 else np.broadcast_to(own, shape).reshape(-1)
            for id, own in given.items()
        }
        size = int(np.prod(shape))
        names = frozenset(wanted)
        road = self._road(frozenset(levers), names)
        found: dict[str, dict[str, Array]] = {name: {} for name in wanted}
        for start in range(0, size, BLOCK):
            part = slice(start, min(start + BLOCK, size))
            here = {id: own if own.ndim == 0 else own[part] for id, own in flat.items()}
            block = _Block(self, road, here)
            for name, id, own in block.asked(wanted):
                group = found[name]
                if id not in group:
                    group[id] = np.empty(size)
                group[id][part] = own
        for group in found.values():
            for id, own in group.items():
                group[id] = own.reshape(shape)
        whole = {
            name: group.get("", np.empty(shape))
            for name, group in found.items()
            if name not in BY_ID
        }
        by_id = {name: group for name, group in found.items() if name in BY_ID}
        return Results(**by_id, **whole)  # type: ignore[arg-type]

    def _road(self, levers: frozenset[str], wanted: frozenset[str]) -> _Road:
        """What has to be computed anew, worked out once for each set of levers."""
        if (levers, wanted) not in self._roads:
            self._roads[levers, wanted] = self._worked_out(levers, wanted)
        return self._roads[levers, wanted]

    def _worked_out(self, levers: frozenset[str], wanted: frozenset[str]) -> _Road:
        places = {id: place(id) for id in levers if "@" in id}
        whole = self._following(levers - places.keys())
        moving = set(whole)
        steps = self._moved(moving)
        channels: dict[str, tuple[Consequence, ...]] = {}
        for channel in touched(places):
            own = {
                SPEND if at.driver == BUDGET else at.driver
                for at in places.values()
                if channel in (at.channel, at.to)
            }
            channels[channel] = tuple(self._moved(self._following(own) | whole))
        moving |= {made.measure for own_steps in channels.values() for made in own_steps}
        read_off = []
        for driver in self.model.business.drivers:
            if channels and moving & set(driver.formula.names):
                moving.add(driver.id)
                read_off.append(driver)
        kpis = frozenset(
            id
            for id in self._kpis_for(wanted)
            if moving & {figure.id for figure in self.figures.get(id, ())}
        )
        if channels:
            return _Road(tuple(steps), channels, tuple(read_off), kpis)
        needed = {figure.id for id in kpis for figure in self.figures[id]}
        if "measures" in wanted:
            needed |= moving
        if self.money and wanted & {"profit_after_ads", "profit_after_pay"}:
            needed |= {self.money, "spend"}
        kept: list[Consequence] = []
        for made in reversed(steps):
            if made.measure in needed or self._can_be_undone(made):
                needed |= set(made.formula.names)
                kept.append(made)
        return _Road(tuple(reversed(kept)), {}, (), kpis)

    def _following(self, drivers: Collection[str]) -> set[str]:
        """Drivers, and those that they carry or make dearer."""
        carried = {self.model.by_id[id].step_of for id in drivers} - {None}
        dearer = {PRICE} if SPEND in drivers and self.model.elasticity != 1 else set()
        return {*drivers, *(id for id in carried if id), *dearer}

    def _moved(self, moving: set[str]) -> list[Consequence]:
        """The measures that follow, in order; they are added to what moves."""
        steps = []
        for made in self.model.business.consequences:
            if moving & set(made.formula.names):
                moving.add(made.measure)
                steps.append(made)
        return steps

    def _can_be_undone(self, made: Consequence) -> bool:
        """Whether a lever can leave a measure undefined that was defined: then all of it is."""
        return "/" in made.formula.text and made.measure in self.ground.told

    def _kpis_for(self, wanted: frozenset[str]) -> set[str]:
        if "kpis" in wanted:
            return set(self.kpis)
        goals: list[Goal] = []
        if wanted & {"scores"}:
            goals += self.plan.goals()
        if wanted & {"total"}:
            goals += self.plan.lines
        stopping: list[str] = []
        if wanted & {"coefficient", "bonus", "pay", "profit_after_pay"}:
            goals += self.plan.paying()
            for item in self.checks:
                stopping += (
                    [item.gate.kpi]
                    if isinstance(item, GateCheck)
                    else [item.guard.kpi, item.guard.guard]
                )
        return {*(goal.kpi for goal in goals), *stopping}

    # --- what no lever moves

    @cached_property
    def totals(self) -> dict[str, KpiValue]:
        """Every KPI value of the whole, as measured."""
        return self.values.totals()

    @cached_property
    def ground(self) -> _Ground:
        """The whole, before any lever is moved."""
        return self._ground(self.model, self.model.drivers, frozenset())

    @cached_property
    def grounds(self) -> dict[str, _Ground]:
        """The channels, before any lever is moved."""
        model = self.model
        return {
            id: self._ground(tree, model.of_channel(tree, model.drivers), model.beside[id])
            for id, tree in model.channels.items()
        }

    def _ground(self, tree: Tree, drivers: Mapping[str, Exact], beside: frozenset[str]) -> _Ground:
        found: dict[str, Exact] = {**self.model.assumptions, **tree.measures, **drivers}
        told = self.model.consequences(tree, drivers, beside)
        found |= {id: own for id, own in told.items() if own is not None or id not in found}
        floats = {id: _float(value) for id, value in found.items()}
        known = frozenset(id for id, own in told.items() if own is not None)
        return _Ground(tree, floats, known, beside)

    @cached_property
    def rebuilt(self) -> dict[str, Exact]:
        """Every measure, before any lever is moved."""
        return self.model.rebuilt({})

    @cached_property
    def base(self) -> dict[str, Exact]:
        """Drivers, and measures before drivers of the same name."""
        return {**self.model.drivers, **self.rebuilt}

    @cached_property
    def kpis(self) -> dict[str, Exact]:
        """Every KPI, before any lever is moved."""
        return {id: own.value for id, own in project(self.model, {}, self.values).totals().items()}

    @cached_property
    def figures(self) -> dict[str, tuple[_Figure, ...]]:
        """The figures of every KPI that levers may move.

        One stated by hand has none, and one that was held back though its figures are there stays.
        """
        found = {}
        for id, own in self.totals.items():
            whole = own.formula.value({name: given.value for name, given in own.inputs.items()})
            if own.inputs and (own.value is not None or whole is None):
                found[id] = tuple(
                    _Figure(name, given.value, self.base.get(name))
                    for name, given in own.inputs.items()
                )
        return found

    @cached_property
    def checks(self) -> tuple[Check, ...]:
        """The gates, and the guards that stop the bonus."""
        return tuple(item for item in check(self.plan, self.values) if item.stops)


def chain(plan: Plan, values: Values, model: Model) -> Chain:
    """The chain of a plan, for the values of a period and the model of the same period."""
    plan = plan.of_period(values.period)
    blocked = outcome(plan, values).blocked
    known = model.rebuilt({})
    foreign = {id for id, currency in model.currencies.items() if currency != plan.currency}
    money = next((id for id in MONEY if known.get(id) is not None), None)
    if foreign & {SPEND, *MONEY}:
        money = None
    stopped = blocked if blocked and blocked.code not in OF_FIGURES else None
    return Chain(plan, values, model, money, stopped)


class _Block:
    """Some positions of the levers, all of whose figures are computed in one go."""

    def __init__(self, chain: Chain, road: _Road, levers: Mapping[str, Array]) -> None:
        self.chain, self.plan, self.road = chain, chain.plan, road
        self.refused: Truths | None = None
        self.own = {id: own for id, own in levers.items() if "@" in id}
        self.drivers, self.measures = self._rebuilt(levers)
        self.kpis = {
            id: chain.totals[id].formula.values(
                {figure.id: figure.at(self._new(figure.id)) for figure in chain.figures[id]}
            )
            for id in road.kpis
        }

    def asked(self, wanted: Collection[str]) -> list[tuple[str, str, Array]]:
        """(field, id, array) of everything wanted; of what has no ids, an empty one."""
        found: list[tuple[str, str, Array]] = []
        if "drivers" in wanted:
            ids = self.chain.model.drivers
            found += [("drivers", id, self.drivers.get(id, _float(ids[id]))) for id in ids]
            found += [("drivers", id, own) for id, own in self.own.items()]
        if "measures" in wanted:
            rebuilt = [own.measure for own in self.chain.model.business.consequences]
            every = dict.fromkeys((*self.chain.model.measures, *rebuilt))
            found += [("measures", id, self._measure(id)) for id in every]
        if "kpis" in wanted:
            found += [("kpis", id, self._kpi(id)) for id in self.chain.kpis]
        if "scores" in wanted:
            scores = {goal.kpi: self._score(goal) for goal in self.plan.goals()}
            found += [("scores", id, own) for id, own in scores.items()]
        found += [(name, "", own) for name, own in self._sums(frozenset(wanted))]
        if self.refused is None:
            return found
        return [(name, id, np.where(self.refused, np.nan, own)) for name, id, own in found]

    def _sums(self, wanted: frozenset[str]) -> list[tuple[str, Array]]:
        """The total and the money, of which each needs the one before."""
        found: dict[str, Array] = {}
        if "total" in wanted:
            found["total"] = self._weighed()[0]
        if wanted & {"coefficient", "bonus", "pay", "profit_after_pay"}:
            scheme = self.plan.scheme
            found["coefficient"] = self._coefficient()
            found["bonus"] = found["coefficient"] * float(scheme.stake)
            found["pay"] = found["bonus"] + float(scheme.fixed)
        if wanted & {"profit_after_ads", "profit_after_pay"}:
            money = self.chain.money
            found["profit_after_ads"] = (
                UNKNOWN if money is None else self._measure(money) - self._measure("spend")
            )
        if "profit_after_pay" in wanted:
            found["profit_after_pay"] = found["profit_after_ads"] - found["pay"]
        return [(name, own) for name, own in found.items() if name in wanted]

    # --- measures

    def _rebuilt(self, levers: Mapping[str, Array]) -> tuple[dict[str, Array], dict[str, Array]]:
        """The drivers and measures that levers move; tells where the levers cannot stand so."""
        self._refuse_impossible(levers)
        ground, model = self.chain.ground, self.chain.model
        whole = {id: own for id, own in levers.items() if id not in self.own}
        drivers = self._carried(ground.floats, whole)
        priced = self._priced(ground, drivers)
        found = self._told(ground, self.road.steps, priced)
        for id, own in found.items():
            if id in ground.told:
                self._refuse_unknown(own)
            elif (measured := model.measures.get(id)) is not None:
                found[id] = np.where(np.isnan(own), float(measured), own)
        if not self.own:
            return priced, found
        totals = dict(found)
        for channel in self.road.channels:
            for id, more in self._added(channel, drivers).items():
                own = totals[id] if id in totals else _float(self.chain.rebuilt.get(id))
                totals[id] = np.where(more == 0, own, _or_zero(own) + more)
        for id, own in totals.items():
            before = found[id] if id in found else _float(self.chain.rebuilt.get(id))
            slack = NEAR * np.abs(_or_zero(before))
            self._refuse((own < -slack) & ~(before < 0))
            totals[id] = np.where(np.abs(own) <= slack, 0.0, own)  # but for rounding
        return self._read_off(priced, totals), totals

    def _refuse_impossible(self, levers: Mapping[str, Array]) -> None:
        """Levers that stand where they cannot, or nowhere."""
        model = self.chain.model
        for id, own in levers.items():
            at, base = place(id), model.base(id)
            share = at.driver != BUDGET and model.by_id[at.driver].unit is Unit.SHARE
            most = max(1.0, float(base or 0)) if share else np.inf
            if not own.max() <= most:  # too much, or nan
                self._refuse(~(own <= most))
            if at.driver == BUDGET:
                self._refuse(own < 0)

    def _carried(self, base: Mapping[str, Array], moved: Mapping[str, Array]) -> dict[str, Array]:
        """The moved drivers with the conversions that follow their steps (``drivers``)."""
        found = dict(moved)
        for id, new in moved.items():
            whole = self.chain.model.by_id[id].step_of
            if whole:
                was, own = base[id], found.get(whole, base[whole])
                steps = np.where((was == 0) | np.isnan(was), 1.0, new / np.where(was == 0, 1, was))
                found[whole] = own * steps
        return found

    def _priced(self, ground: _Ground, drivers: Mapping[str, Array]) -> dict[str, Array]:
        """The moved drivers with clicks as dear as so much spend makes them."""
        was, e = ground.tree.drivers[SPEND], self.chain.model.elasticity
        if SPEND not in drivers or not was or e == 1:
            return dict(drivers)
        more = drivers[SPEND] / float(was)
        with np.errstate(invalid="ignore"):
            dearer = np.where(more == 0, 1.0, more ** float(1 - e))
        return {**drivers, PRICE: drivers.get(PRICE, ground.floats[PRICE]) * dearer}

    def _told(
        self, ground: _Ground, steps: Sequence[Consequence], drivers: Mapping[str, Array]
    ) -> dict[str, Array]:
        """The measures that moved drivers tell; ``nan`` where they tell none."""
        quantities = {**ground.floats, **drivers}
        found: dict[str, Array] = {}
        for made in steps:
            id = made.measure
            own, measured = made.formula.values(quantities), ground.tree.measures.get(id)
            if measured is not None and id in ground.beside:
                own = float(measured) + _or_zero(own)
            found[id] = own
            if measured is not None and id not in ground.told:
                own = np.where(np.isnan(own), float(measured), own)
            quantities[id] = own
        return found

    def _added(self, channel: str, whole: Mapping[str, Array]) -> dict[str, Array]:
        """What the levers of a channel change in it, where those of the total stand so."""
        model, ground, steps = self.chain.model, self.chain.grounds[channel], self.road.channels
        told = ground.tree.drivers
        base: dict[str, Array] = {}
        for id, new in whole.items():
            was, told_here = model.drivers[id], told[id]
            if told_here is None and not model.by_id[id].own:
                base[id] = new
            elif told_here is not None and was:
                base[id] = new * float(told_here / was)
        drivers = dict(base)
        for id, stands in self.own.items():
            at = place(id)
            if at.channel == channel and at.driver != BUDGET:
                was = told[at.driver]
                moved = was and at.driver in base
                drivers[at.driver] = stands * (base[at.driver] / float(was or 1) if moved else 1.0)
        for id, stands in self.own.items():
            at = place(id)
            if at.driver == BUDGET and channel in (at.channel, at.to):
                spend = drivers.get(SPEND, ground.floats[SPEND])
                drivers[SPEND] = _or_zero(spend) + (stands if channel == at.to else -stands)
        if SPEND in drivers:
            self._refuse(drivers[SPEND] < -NEAR * (1 + float(told[SPEND] or 0)))
            drivers[SPEND] = np.maximum(drivers[SPEND], 0.0)
            price = drivers.get(PRICE, ground.floats[PRICE])
            self._refuse((drivers[SPEND] > 0) & np.isnan(price))
        carried = self._carried({**ground.floats, **base}, drivers)
        before = self._told(ground, steps[channel], self._priced(ground, base))
        after = self._told(ground, steps[channel], self._priced(ground, carried))
        found = {}
        for id, own in after.items():
            self._refuse(np.isnan(own) & ~np.isnan(before[id]))
            found[id] = np.where(np.isnan(own), 0.0, own - _or_zero(before[id]))
        return found

    def _read_off(
        self, drivers: Mapping[str, Array], measures: Mapping[str, Array]
    ) -> dict[str, Array]:
        """The drivers as measures tell them that channels have changed, where they can."""
        found = dict(drivers)
        quantities = {**self.chain.ground.floats, **drivers, **measures}
        for driver in self.road.read_off:
            told = driver.formula.values(quantities)
            base = self.chain.ground.floats[driver.id]
            told = np.where(np.abs(told) <= NEAR * np.abs(base), 0.0, told)  # but for rounding
            found[driver.id] = np.where(np.isnan(told), found.get(driver.id, base), told)
            if driver.id not in measures:
                quantities[driver.id] = found[driver.id]
        return found

    def _refuse_unknown(self, own: Array) -> None:
        if np.isnan(own.max()):
            self._refuse(np.isnan(own))

    def _refuse(self, where: Truths) -> None:
        self.refused = where if self.refused is None else self.refused | where

    def _measure(self, id: str) -> Array:
        return self.measures[id] if id in self.measures else _float(self.chain.rebuilt.get(id))

    def _new(self, id: str) -> Array:
        """What became of what a figure stands for: a measure, or a driver that is none."""
        if id in self.drivers and id not in self.measures and id not in self.chain.rebuilt:
            return self.drivers[id]
        return self.measures[id] if id in self.measures else _float(self.chain.base.get(id))

    # --- scores

    def _kpi(self, id: str) -> Array:
        return self.kpis[id] if id in self.kpis else _float(self.chain.kpis[id])

    def _score(self, goal: Goal) -> Array:
        """The score of a goal; ``nan`` where it cannot be judged, as of money of another kind."""
        value = self.chain.totals[goal.kpi]
        if judge(goal, value, self.plan.currency).foreign:
            return UNKNOWN
        return goal.scores(self._kpi(goal.kpi), value.definition.better)

    def _weighed(self) -> tuple[Array, Array]:
        """The total score, and the weight of the lines that could be judged."""
        plan = self.plan
        lines = [line for line in plan.lines if line.weight]
        weights = [float(line.weight) for line in lines]
        scores = [self._score(line) for line in lines]
        if plan.missing is Missing.ZERO:
            scores = [_or_zero(own) for own in scores]
        if plan.over is Over.CAPPED:
            scores = [np.minimum(own, 1.0) for own in scores]
        points = _summed(weights, scores)
        if plan.missing is Missing.BLOCK or not np.isnan(points).any():
            return points / sum(weights), np.array(sum(weights))
        whole = _summed(weights, [np.where(np.isnan(own), 0.0, 1.0) for own in scores])
        points = _summed(weights, [_or_zero(own) for own in scores])
        return np.where(whole > 0, points / np.where(whole > 0, whole, 1.0), np.nan), whole

    # --- pay

    def _coefficient(self) -> Array:
        """The share of the stake that is paid: by the scheme, then its terms, then the gates."""
        plan, scheme = self.plan, self.plan.scheme
        if self.chain.blocked:
            return UNKNOWN
        if scheme.by == "factors":
            scores = [self._score(goal) for goal in plan.paying()]
            if plan.missing is Missing.ZERO:
                scores = [_or_zero(own) for own in scores]
        else:
            total, judged = self._weighed()
            whole = sum(float(line.weight) for line in plan.lines)
            enough = judged >= float(FEWEST) * whole * (1 - NEAR)
            scores = [total if enough.all() else np.where(enough, total, np.nan)]
        earned = scheme.terms.bent_all(scheme.coefficients(np.broadcast_arrays(*scores)))
        return self._gated(earned) if self.chain.checks else earned

    def _gated(self, earned: Array) -> Array:
        """Nothing where a gate is broken; nobody knows where one cannot be told."""
        broken: Truths = np.zeros(earned.shape, dtype=bool)
        unknown: Truths = broken
        for item in self.chain.checks:
            worse = self._beyond(item)
            untold = np.isnan(worse)
            if self.plan.missing is Missing.ZERO:
                broken = broken | untold
            else:
                unknown = unknown | (untold & ~broken)
            broken = broken | (worse > NEAR)
        return np.where(unknown, np.nan, np.where(broken, earned * 0, earned))

    def _beyond(self, item: Check) -> Array:
        """How far a gate or guard is broken, 0 or less where it is kept."""
        if isinstance(item, GateCheck):
            limit = float(item.gate.limit)
            foreign = item.value.unit is Unit.MONEY and (
                item.value.currency not in (None, self.plan.currency)
            )
            value = UNKNOWN if foreign else self._kpi(item.gate.kpi)
            over = (value - limit) / max(1.0, abs(limit))
            return -over if item.value.definition.better is Better.HIGHER else over
        then = self.chain.values.earlier.get(item.guard.against)
        was = then.totals() if then else {}
        gained, improved = (
            self._improved(was.get(id), self.chain.totals[id])
            for id in (item.guard.kpi, item.guard.guard)
        )
        return np.where(np.isnan(gained), np.nan, -improved - np.maximum(gained, 0.0))

    def _improved(self, then: KpiValue | None, now: KpiValue) -> Array:
        """By which share of what it was a KPI moved for the better (``gates``)."""
        if then is None or not then.value or then.currency != now.currency:
            return UNKNOWN
        was = float(then.value)
        moved = (self._kpi(now.kpi) - was) / abs(was)
        return moved if now.definition.better is Better.HIGHER else -moved


def _float(value: Exact) -> Array:
    return UNKNOWN if value is None else np.array(float(value))


def _or_zero(scores: Array) -> Array:
    return np.where(np.isnan(scores), 0.0, scores)


def _summed(weights: Sequence[float], scores: Sequence[Array]) -> Array:
    parts = [weight * own for weight, own in zip(weights, scores, strict=True)]
    return np.asarray(sum(parts[1:], start=parts[0]))
