"""What if: a small model of the business, read off the period and exact at its base.

Drivers (spend, cost per click, conversion ...) are computed from the period's measures; measures
are rebuilt from drivers. With no lever moved every measure comes back exactly, because both ways
are computed in fractions. KPIs then follow by the change of their own measures, so that a figure
from one source is never replaced by another's.

A lever is a driver in total (``cr``), a driver of one channel (``cr@paid_search``), or money moved
from one channel to another (``budget@paid_search:email``), of which the sum stays. Each channel
has the same model, calibrated to its own figures by the same sources; a rate that nobody tells of
it is that of the total. How levers combine, in whatever order they are named:

1. Levers of the total move the model of the total, and every channel by the same factor.
2. Levers of a channel come on top of that. Whatever they change in the channel is added to the
   total: new total = total + sum over channels of (new - before). So nothing is invented for
   visits that no channel tells, and without levers of channels the channels do not matter.
3. Steps of a conversion carry it: with a tenth more carts there are a tenth more orders. A lever of
   the conversion itself says what it is with the steps as they are, and steps come on top.
4. Clicks grow with spend to the power of the elasticity of the model: 1 says that every rouble buys
   as much as the last one, less says that clicks get dearer with more spend.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property

from kpi_core import catalogue
from kpi_core.errors import Finding, Severity, UsageError, did_you_mean
from kpi_core.formula import Exact, Formula
from kpi_core.kpis import Evaluation, Input, KpiValue, Values
from kpi_core.model import TOTAL, Business, Driver, Unit

SPEND, PRICE = "spend", "cpc"  # the drivers that elasticity joins
VISITS = "visits_per_click"  # the driver by which spend reaches anything beyond clicks
BUDGET = "budget"  # the lever that moves spend between channels
_CHANGE = re.compile(r"([+-]\d{1,9}(?:[.,]\d{1,9})?)\s?%", re.ASCII)  # +10%
_VALUE = re.compile(r"\d{1,15}(?:[.,]\d{1,9})?", re.ASCII)  # 1500 or 0,012
_UNCLEAR = re.compile(r"[1-9]\d{0,2},\d{3}", re.ASCII)  # 1,500: a thousand, or one and a half?


@dataclass(frozen=True)
class Lever:
    """A change to a driver: by a share (+0.1 is +10 %), or to a value."""

    by: Fraction | None = None
    to: Fraction | None = None

    def moved(self, base: Exact) -> Exact:
        """The driver after the change."""
        if self.to is not None:
            return self.to
        return None if base is None else base * (1 + (self.by or 0))


def parse_lever(text: str) -> tuple[str, Lever]:
    """``cpc=+10%``, ``cr@email=-5%`` or ``aov=4500`` as a lever's id and its change.

    >>> parse_lever("cpc=-5%")[1].by
    Fraction(-1, 20)
    """
    id, equals, change = (part.strip() for part in text.partition("="))
    if found := _CHANGE.fullmatch(change):
        by = Fraction(found[1].replace(",", ".")) / 100
        if by >= -1:
            return id, Lever(by=by)
    change = change.replace("\N{NO-BREAK SPACE}", "")
    if not equals or not id or not _VALUE.fullmatch(change) or _UNCLEAR.fullmatch(change):
        raise UsageError("bad_lever", where=text)
    return id, Lever(to=Fraction(change.replace(",", ".")))


def parse_move(text: str) -> tuple[str, Lever]:
    """``paid_search:email=10000`` or ``paid_search:email=10%`` as a lever that moves budget.

    >>> parse_move("paid_search:email=10%")
    ('budget@paid_search:email', Lever(by=Fraction(1, 10), to=None))
    """
    channels, _, change = (part.strip() for part in text.partition("="))
    signed = f"+{change}" if change.endswith("%") and change[0].isdigit() else change
    try:
        return parse_lever(f"{BUDGET}@{channels}={signed}")
    except UsageError:
        raise UsageError("bad_move", where=text) from None


@dataclass(frozen=True)
class Place:
    """What a lever moves: a driver, in total or of a channel; or budget from one `to` another."""

    driver: str
    channel: str | None = None
    to: str | None = None


def place(id: str) -> Place:
    """What the id of a lever says.

    >>> place("budget@paid_search:email")
    Place(driver='budget', channel='paid_search', to='email')
    """
    driver, at, channel = id.partition("@")
    if driver == BUDGET:
        giver, _, taker = channel.partition(":")
        return Place(driver, giver, taker)
    return Place(driver, channel if at else None)


@dataclass(frozen=True)
class Tree:
    """Drivers and measures of the whole, or of one channel.

    Attributes:
        drivers: driver to its value in the period; ``None`` where the data do not tell it.
        measures: measure to its figure in the period.
        apart: a step that is counted by one system and what it is a share of by another, to both.
    """

    drivers: Mapping[str, Exact] = field(hash=False)
    measures: Mapping[str, Exact] = field(hash=False)
    apart: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Model(Tree):
    """The what-if model of a business, calibrated to a period.

    Attributes:
        currencies: measure to the currency of its money, where the data state one.
        channels: channel to what it tells itself, by the sources that speak in total.
        elasticity: clicks grow with spend to this power, above 0 and up to 1. An assumption: no
            period tells it. Of a channel without spend the first clicks cost what is stated.

    Raises:
        UsageError: the elasticity is none.
    """

    business: Business = field(kw_only=True)
    assumptions: Mapping[str, Fraction] = field(kw_only=True, hash=False)
    currencies: Mapping[str, str] = field(default_factory=dict, kw_only=True, hash=False)
    channels: Mapping[str, Tree] = field(default_factory=dict, kw_only=True, hash=False)
    elasticity: Fraction = field(default=Fraction(1), kw_only=True)

    def __post_init__(self) -> None:
        if not 0 < self.elasticity <= 1:
            raise UsageError("bad_elasticity", where=str(self.elasticity))

    # --- levers

    @cached_property
    def by_id(self) -> Mapping[str, Driver]:
        """The drivers of the business, told or not."""
        return {driver.id: driver for driver in self.business.drivers}

    @cached_property
    def levers(self) -> tuple[str, ...]:
        """Every driver that can be moved by a share: of the total, then of each channel."""
        own = [
            f"{id}@{channel}"
            for channel, tree in self.channels.items()
            for id, value in tree.drivers.items()
            if value
        ]
        return (*(id for id, value in self.drivers.items() if value), *own)

    def borrowed(self, channel: str) -> tuple[str, ...]:
        """The drivers of a channel that nobody tells: those of the total stand in their place."""
        told = self.channels[channel].drivers
        return tuple(id for id, own in self.by_id.items() if told[id] is None and not own.own)

    def base(self, id: str) -> Exact:
        """Where a lever stands before it is moved; money between channels stands at 0.

        Raises:
            UsageError: there is no such driver or channel, or the channel does not tell it.
        """
        at = place(id)
        if at.driver == BUDGET:
            if at.channel == at.to or not self._known(id, at.channel).drivers[SPEND]:
                raise UsageError("budget_of_nothing", where=id)
            self._known(id, at.to)
            return Fraction(0)
        if at.driver not in self.by_id:
            near = did_you_mean(at.driver, set(self.by_id))
            raise UsageError("unknown_driver", where=id, near=near, known=", ".join(self.by_id))
        if at.channel is None:
            return self.drivers[at.driver]
        value = self._known(id, at.channel).drivers[at.driver]
        if value is None and not self.by_id[at.driver].own:
            raise UsageError("channel_without_data", where=id)
        return value

    def _known(self, id: str, channel: str | None) -> Tree:
        tree = self.channels.get(channel or "")
        if tree is None:
            near, known = did_you_mean(channel or "", set(self.channels)), ", ".join(self.channels)
            raise UsageError("unknown_channel", where=id, near=near, known=known or "—")
        return tree

    def position(self, id: str, lever: Lever) -> Fraction:
        """Where a moved lever stands; of money between channels, how much is moved.

        Raises:
            UsageError: there is no such lever, or it cannot stand there.
        """
        base, at = self.base(id), place(id)
        if at.driver == BUDGET:
            spend = self.channels[at.channel or ""].drivers[SPEND] or Fraction(0)
            new = (lever.by or 0) * spend if lever.to is None else lever.to
            if new < 0:
                raise UsageError("budget_backwards", where=id)
            return new
        moved = lever.moved(base)
        if moved is None:
            raise UsageError("driver_without_data", where=id)
        if self.by_id[at.driver].unit is Unit.SHARE and moved > max(1, base or 0):
            raise UsageError("lever_over_one", where=id)
        return moved

    def check(self, levers: Mapping[str, Lever]) -> None:
        """Raise unless every lever moves a driver that the data tell, to a possible value.

        A step that two systems count has no value that means anything: it moves by a share only.
        """
        for id, lever in levers.items():
            at, base = place(id), self.base(id)
            tree = self.channels[at.channel] if at.channel else self
            if at.driver in tree.apart and lever.to not in (None, base):
                sources = ", ".join(tree.apart[at.driver])
                raise UsageError("step_of_two_sources", where=id, sources=sources)
            self.position(id, lever)

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """Where advertising is paid for and nothing is known to come of it: less looks better."""
        measures = self.measures
        if measures.get("spend") or measures.get("clicks"):
            if not measures.get("paid_sessions"):
                return (Finding(Severity.WARNING, "ads_without_visits", SPEND),)
            if not measures.get("clicks"):
                return (Finding(Severity.WARNING, "ads_without_clicks", SPEND),)
        return tuple(
            Finding(Severity.INFO, "ads_of_channel_without_visits", f"{SPEND}@{channel}")
            for channel, tree in self.channels.items()
            if tree.drivers[SPEND] and not (tree.measures.get("clicks") and tree.drivers[VISITS])
        )

    def doubtful(self, levers: Iterable[str]) -> tuple[Finding, ...]:
        """The findings that stand against moving these levers."""
        spent = [own for own in map(place, levers) if own.driver in {SPEND, PRICE, BUDGET}]
        return tuple(
            found
            for found in self.findings
            if any(place(found.where).channel in {None, own.channel, own.to} for own in spent)
        )

    # --- after the levers are moved

    def rebuilt(self, levers: Mapping[str, Lever]) -> dict[str, Exact]:
        """Every measure after the levers are moved; as measured where drivers do not tell it.

        Raises:
            UsageError: a lever cannot be moved so.
        """
        return self._after(levers)[1]

    def moved_drivers(self, levers: Mapping[str, Lever]) -> dict[str, Exact]:
        """Every driver of the total after the levers are moved, and every lever with an ``@``.

        Where channels are moved, drivers are read off the new measures: conversion follows the mix.

        Raises:
            UsageError: a lever cannot be moved so.
        """
        return self._after(levers)[0]

    def _after(self, levers: Mapping[str, Lever]) -> tuple[dict[str, Exact], dict[str, Exact]]:
        """(drivers, measures) after the levers are moved."""
        moved = {id: self.position(id, lever) for id, lever in levers.items()}
        own = {id: value for id, value in moved.items() if "@" in id}
        whole = {id: value for id, value in moved.items() if "@" not in id}
        drivers = self._carried(self.drivers, {**self.drivers, **whole})
        measures = {**self.measures, **self._changed(self, self.drivers, drivers, levers)}
        if not own:
            return self._priced(self, drivers), measures
        totals = dict(measures)
        for channel in touched(own):
            for id, more in self._added(channel, own, drivers, levers).items():
                totals[id] = (totals.get(id) or Fraction(0)) + more
        for id, value in totals.items():
            if (value or 0) < 0 <= (measures.get(id) or 0):
                raise UsageError("lever_below_zero", where=", ".join(levers), measure=id)
        new = {id for id in totals if totals[id] != measures.get(id)}
        return {**self._read_off(self._priced(self, drivers), totals, new), **own}, totals

    def _carried(self, base: Mapping[str, Exact], moved: Mapping[str, Exact]) -> dict[str, Exact]:
        """The drivers with conversions that follow their steps."""
        found = dict(moved)
        for id, driver in self.by_id.items():
            was, new, carried = base[id], moved[id], found.get(driver.step_of or "")
            if driver.step_of and was and new is not None and carried is not None:
                found[driver.step_of] = carried * new / was
        return found

    def _priced(self, tree: Tree, drivers: Mapping[str, Exact]) -> dict[str, Exact]:
        """The drivers with clicks as dear as so much spend makes them."""
        was, new, price = (
            own.get(id) for own, id in ((tree.drivers, SPEND), (drivers, SPEND), (drivers, PRICE))
        )
        if self.elasticity == 1 or not was or not new or price is None or was == new:
            return dict(drivers)
        if new / was < 0:
            return {**drivers, PRICE: None}
        return {**drivers, PRICE: price * Fraction(float(new / was) ** float(1 - self.elasticity))}

    def _changed(
        self,
        tree: Tree,
        base: Mapping[str, Exact],
        drivers: Mapping[str, Exact],
        levers: Iterable[str],
        beside: Collection[str] = (),
    ) -> dict[str, Fraction]:
        """The measures of a tree that these drivers tell; none is lost that the others told."""
        before, after = (self.consequences(tree, own, beside) for own in (base, drivers))
        for id, value in after.items():
            if value is None and before[id] is not None:
                raise UsageError("lever_undefined", where=", ".join(levers), measure=id)
        return {id: value for id, value in after.items() if value is not None}

    def consequences(
        self, tree: Tree, drivers: Mapping[str, Exact], beside: Collection[str] = ()
    ) -> dict[str, Exact]:
        """The measures that drivers tell; what they do not tell stays as measured for the next.

        What they tell of a measure that lies `beside` comes on top of what was measured.
        """
        quantities = {**self.assumptions, **tree.measures, **self._priced(tree, drivers)}
        found: dict[str, Exact] = {}
        for made in self.business.consequences:
            id = made.measure
            own, measured = made.formula.value(quantities), tree.measures.get(id)
            if id in beside and measured is not None:
                own = measured + (own or 0)
            found[id] = own
            quantities[id] = measured if own is None else own
        return found

    @cached_property
    def beside(self) -> Mapping[str, frozenset[str]]:
        """Of each channel the measures that its drivers do not tell, such as leads of no visit."""
        found = {}
        for id, tree in self.channels.items():
            told = self.consequences(tree, self.of_channel(tree, self.drivers))
            found[id] = frozenset(own for own in tree.measures if own in told and told[own] is None)
        return found

    def of_channel(self, tree: Tree, whole: Mapping[str, Exact]) -> dict[str, Exact]:
        """The drivers of a channel where those of the total are `whole`: moved alike."""
        found: dict[str, Exact] = {}
        for id, driver in self.by_id.items():
            own, base, new = tree.drivers[id], self.drivers[id], whole[id]
            if own is None:
                found[id] = None if driver.own else new
            else:
                found[id] = own * new / base if base and new is not None else own
        return found

    def _added(
        self,
        channel: str,
        own: Mapping[str, Fraction],
        whole: Mapping[str, Exact],
        levers: Iterable[str],
    ) -> dict[str, Fraction]:
        """What the levers of a channel change in it, measure by measure."""
        tree = self.channels[channel]
        base = self.of_channel(tree, whole)
        drivers = dict(base)
        for id, value in own.items():
            at = place(id)
            if at.channel == channel and at.driver != BUDGET:
                was, now = tree.drivers[at.driver], base[at.driver]
                drivers[at.driver] = value if not was or now is None else now * value / was
        for id, value in own.items():
            at = place(id)
            if at.driver == BUDGET and channel in (at.channel, at.to):
                more = value if channel == at.to else -value
                drivers[SPEND] = (drivers[SPEND] or Fraction(0)) + more
        spend = drivers[SPEND] or Fraction(0)
        if spend < 0:
            raise UsageError("budget_over", where=", ".join(levers))
        if spend and drivers[PRICE] is None:
            raise UsageError("channel_without_price", where=f"{PRICE}@{channel}")
        beside = self.beside[channel]
        before = self._changed(tree, base, base, levers, beside)
        after = self._changed(tree, base, self._carried(base, drivers), levers, beside)
        changes = {id: value - before.get(id, Fraction(0)) for id, value in after.items()}
        return {id: more for id, more in changes.items() if more}

    def _read_off(
        self, drivers: Mapping[str, Exact], measures: Mapping[str, Exact], new: Iterable[str]
    ) -> dict[str, Exact]:
        """The drivers as measures tell them that channels have changed, where they can."""
        changed, quantities = set(new), {**self.assumptions, **measures}
        found = dict(drivers)
        for id, driver in self.by_id.items():
            if changed & set(driver.formula.names):
                told = driver.formula.value({**found, **quantities})
                found[id] = found[id] if told is None else told
                changed.add(id)
        return found


def touched(levers: Iterable[str]) -> tuple[str, ...]:
    """The channels that levers move, in order."""
    named = (channel for at in map(place, levers) for channel in (at.channel, at.to))
    return tuple(dict.fromkeys(channel for channel in named if channel))


def calibrate(evaluation: Evaluation, business: Business) -> Model:
    """The model of a business for the period of `evaluation`.

    Measures that cover far fewer days than the others stay out: a rate made of them would be wrong.
    Of channels only those measures count that the total has from files.
    """
    total = _told(evaluation, business, catalogue.measures(), TOTAL)
    assumptions = dict(evaluation.settings.assumptions)
    whole = _tree(total, business, assumptions)
    measured = set(total) - set(evaluation.settings.given)
    facts, period = evaluation.hearing.facts, evaluation.period
    cut = Evaluation(facts, period, "channel", evaluation.settings)
    trees = {
        slice: _tree(_told(cut, business, measured, slice), business, {}) for slice in cut.slices()
    }
    return Model(
        whole.drivers,
        whole.measures,
        whole.apart,
        business=business,
        assumptions=assumptions,
        currencies={id: given.currency for id, given in total.items() if given.currency},
        channels={slice: tree for slice, tree in trees.items() if any(tree.drivers.values())},
    )


def _told(
    evaluation: Evaluation, business: Business, measures: Collection[str], slice: str
) -> dict[str, Input]:
    """The figures that drivers are read off, of those that cover the days."""
    named = {id for driver in business.drivers for id in driver.formula.names}
    known = {id: evaluation.input(id, slice) for id in catalogue.measures() if id in named}
    found = {id: given for id, given in known.items() if id in measures and given.value is not None}
    even = evaluation.even("whatif", found, slice)
    return {id: given for id, given in even.items() if given.value is not None}


def _tree(
    told: Mapping[str, Input], business: Business, assumptions: Mapping[str, Fraction]
) -> Tree:
    measures: dict[str, Exact] = {id: given.value for id, given in told.items()}
    quantities: dict[str, Exact] = {**assumptions, **measures}
    drivers: dict[str, Exact] = {}
    apart: dict[str, tuple[str, ...]] = {}
    for driver in business.drivers:
        drivers[driver.id] = driver.formula.value({**quantities, **drivers})
        sources = {told[id].sources for id in _used(driver.formula, quantities) if id in told}
        if driver.step_of and len(sources) > 1:
            apart[driver.id] = tuple(sorted({name for own in sources for name in own}))
    return Tree(drivers, measures, apart)


def _used(formula: Formula, quantities: Mapping[str, Exact]) -> list[str]:
    """The names that a value rests on: without one of them it would be another."""
    value = formula.value(quantities)
    return [id for id in formula.names if formula.value({**quantities, id: None}) != value]


def profit_after_ads(measures: Mapping[str, Exact]) -> Exact:
    """Gross profit less advertising: what a change of spend really brings."""
    gross, spend = measures.get("gross_profit"), measures.get("spend")
    return None if gross is None or spend is None else gross - spend


def project(model: Model, levers: Mapping[str, Lever], values: Values) -> Values:
    """The KPI values after the levers are moved.

    Each figure that went into a value changes by the same factor as its measure in the model.
    Intervals are left out: they speak of what was, not of what would be.
    """
    base, new = ({**model.moved_drivers(moved), **model.rebuilt(moved)} for moved in ({}, levers))
    return replace(values, rows=tuple(_projected(row, base, new) for row in values.rows))


def _projected(value: KpiValue, base: Mapping[str, Exact], new: Mapping[str, Exact]) -> KpiValue:
    if not value.inputs:
        return value  # stated by hand
    return value.remade(
        {id: _scaled(given, base.get(id), new.get(id)) for id, given in value.inputs.items()}
    )


def _scaled(given: Input, base: Exact, new: Exact) -> Input:
    if new is None or base == new:
        return given
    if given.value is None:
        return replace(given, value=new) if base is None else given
    if base is None:
        return given
    return replace(given, value=given.value * new / base if base else new)
