"""What if: a small model of the business, read off the period and exact at its base.

Drivers (spend, cost per click, conversion ...) are computed from the period's measures; measures
are rebuilt from drivers. With no lever moved every measure comes back exactly, because both ways
are computed in fractions. KPIs then follow by the change of their own measures, so that a figure
from one source is never replaced by another's.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from kpi_core import catalogue
from kpi_core.errors import UsageError, did_you_mean
from kpi_core.formula import Exact
from kpi_core.kpis import Evaluation, Input, KpiValue, Values
from kpi_core.model import Business, Unit

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
    """``cpc=+10%`` or ``aov=4500`` as a driver's id and its change.

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


@dataclass(frozen=True)
class Model:
    """The what-if model of a business, calibrated to a period.

    Attributes:
        drivers: driver to its value in the period; ``None`` where the data do not tell it.
        measures: measure to its figure in the period.
    """

    business: Business
    drivers: Mapping[str, Exact]
    measures: Mapping[str, Exact]
    assumptions: Mapping[str, Fraction]

    def check(self, levers: Mapping[str, Lever]) -> None:
        """Raise unless every lever moves a driver that the data tell, to a possible value."""
        shares = {driver.id for driver in self.business.drivers if driver.unit is Unit.SHARE}
        for id, lever in levers.items():
            if id not in self.drivers:
                known = ", ".join(self.drivers)
                near = did_you_mean(id, set(self.drivers))
                raise UsageError("unknown_driver", where=id, near=near, known=known)
            base, new = self.drivers[id], lever.moved(self.drivers[id])
            if new is None:
                raise UsageError("driver_without_data", where=id)
            if id in shares and new > max(1, base or 0):
                raise UsageError("lever_over_one", where=id)

    def rebuilt(self, levers: Mapping[str, Lever]) -> dict[str, Exact]:
        """Every measure after the levers are moved; as measured where drivers do not tell it.

        Raises:
            UsageError: a lever cannot be moved so.
        """
        self.check(levers)
        before = self._consequences(self.drivers)
        after = self._consequences(self.moved_drivers(levers))
        for id, value in after.items():
            if value is None and before[id] is not None:
                raise UsageError("lever_undefined", where=", ".join(levers), measure=id)
        return {**self.measures, **{id: value for id, value in after.items() if value is not None}}

    def _consequences(self, drivers: Mapping[str, Exact]) -> dict[str, Exact]:
        quantities: dict[str, Exact] = {**self.assumptions, **self.measures, **drivers}
        for consequence in self.business.consequences:
            quantities[consequence.measure] = consequence.formula.value(quantities)
        return {made.measure: quantities[made.measure] for made in self.business.consequences}

    def moved_drivers(self, levers: Mapping[str, Lever]) -> dict[str, Exact]:
        """Every driver after the levers are moved."""
        return {
            id: levers[id].moved(value) if id in levers else value
            for id, value in self.drivers.items()
        }


def calibrate(evaluation: Evaluation, business: Business) -> Model:
    """The model of a business for the period of `evaluation`.

    Measures that cover far fewer days than the others stay out: a rate made of them would be wrong.
    """
    named = {id for driver in business.drivers for id in driver.formula.names}
    known = {id: evaluation.input(id) for id in catalogue.measures() if id in named}
    found = {id: given for id, given in known.items() if given.value is not None}
    even = evaluation.even("whatif", found)
    measures = {id: given.value for id, given in even.items() if given.value is not None}
    assumptions = dict(evaluation.settings.assumptions)
    quantities: dict[str, Exact] = {**assumptions, **measures}
    drivers: dict[str, Exact] = {}
    for driver in business.drivers:
        drivers[driver.id] = driver.formula.value({**quantities, **drivers})
    return Model(business, drivers, measures, assumptions)


def profit_after_ads(measures: Mapping[str, Exact]) -> Exact:
    """Gross profit less advertising: what a change of spend really brings."""
    gross, spend = measures.get("gross_profit"), measures.get("spend")
    return None if gross is None or spend is None else gross - spend


def project(model: Model, levers: Mapping[str, Lever], values: Values) -> Values:
    """The KPI values after the levers are moved.

    Each figure that went into a value changes by the same factor as its measure in the model.
    Intervals are left out: they speak of what was, not of what would be.
    """
    base: dict[str, Exact] = {**model.drivers, **model.rebuilt({})}
    new: dict[str, Exact] = {**model.moved_drivers(levers), **model.rebuilt(levers)}
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
