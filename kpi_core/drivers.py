"""What if: a small model of the business, read off the period and exact at its base.

Drivers (spend, cost per click, conversion ...) are computed from the period's measures; measures
are rebuilt from drivers. With no lever moved every measure comes back exactly, because both ways
are computed in fractions. KPIs then follow by the change of their own measures, so that a figure
from one source is never replaced by another's.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from fractions import Fraction

from kpi_core import catalogue
from kpi_core.errors import UsageError, did_you_mean
from kpi_core.formula import Exact
from kpi_core.kpis import Evaluation, Input, KpiValue, Values
from kpi_core.model import Business

_CHANGE = re.compile(r"([+-]\d+(?:[.,]\d+)?)\s?%")  # +10%


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
    try:
        to = Decimal(change.replace(",", ".").replace("\N{NO-BREAK SPACE}", ""))
    except InvalidOperation:
        to = Decimal("NaN")
    if not equals or not id or not to.is_finite() or to < 0:
        raise UsageError("bad_lever", where=text)
    return id, Lever(to=Fraction(to))


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
        """Raise unless every lever moves a driver that the data tell."""
        for id, lever in levers.items():
            if id not in self.drivers:
                known = ", ".join(self.drivers)
                near = did_you_mean(id, set(self.drivers))
                raise UsageError("unknown_driver", where=id, near=near, known=known)
            if self.drivers[id] is None and lever.to is None:
                raise UsageError("driver_without_data", where=id)

    def rebuilt(self, levers: Mapping[str, Lever]) -> dict[str, Exact]:
        """Every measure after the levers are moved."""
        self.check(levers)
        drivers = {
            id: levers[id].moved(value) if id in levers else value
            for id, value in self.drivers.items()
        }
        quantities: dict[str, Exact] = {**self.assumptions, **self.measures, **drivers}
        result = dict(self.measures)
        for consequence in self.business.consequences:
            value = consequence.formula.value(quantities)
            quantities[consequence.measure] = value
            if value is not None:
                result[consequence.measure] = value
        return result

    def moved_drivers(self, levers: Mapping[str, Lever]) -> dict[str, Exact]:
        """Every driver after the levers are moved."""
        return {
            id: levers[id].moved(value) if id in levers else value
            for id, value in self.drivers.items()
        }


def calibrate(evaluation: Evaluation, business: Business) -> Model:
    """The model of a business for the period of `evaluation`."""
    measures = {id: given.value for id, given in evaluation.measures().items()}
    assumptions = dict(evaluation.settings.assumptions)
    quantities: dict[str, Exact] = {**assumptions, **measures}
    drivers: dict[str, Exact] = {}
    for driver in business.drivers:
        drivers[driver.id] = driver.formula.value({**quantities, **drivers})
    return Model(business, drivers, measures, assumptions)


def project(model: Model, levers: Mapping[str, Lever], values: Values) -> Values:
    """The KPI values after the levers are moved.

    Each figure that went into a value changes by the same factor as its measure in the model.
    Intervals are left out: they speak of what was, not of what would be.
    """
    rebuilt = model.rebuilt(levers)
    moved = {id: value for id, value in model.moved_drivers(levers).items() if id in levers}
    rows = tuple(_projected(row, model.measures, rebuilt, moved) for row in values.rows)
    return replace(values, rows=rows)


def _projected(
    value: KpiValue,
    base: Mapping[str, Exact],
    rebuilt: Mapping[str, Exact],
    moved: Mapping[str, Exact],
) -> KpiValue:
    variant = catalogue.kpi(value.kpi).variant(value.variant)
    inputs = {}
    for id, given in value.inputs.items():
        if id in catalogue.ASSUMPTIONS:
            inputs[id] = replace(given, value=moved.get(id, given.value))
        else:
            inputs[id] = _scaled(given, base.get(id), rebuilt.get(id))
    if not inputs:
        return value  # stated by hand
    figures = {id: given.value for id, given in inputs.items()}
    return replace(
        value,
        value=variant.formula.value(figures) if value.value is not None else None,
        inputs=inputs,
        low=None,
        high=None,
    )


def _scaled(given: Input, base: Exact, new: Exact) -> Input:
    if given.value is None or base is None or new is None or base == new:
        return given
    return replace(
        given, value=new if base == given.value or not base else given.value * new / base
    )
