"""Hard limits and guard pairs: what stops a bonus whatever the scores, or is told beside them."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from kpi_core.kpis import KpiValue, Values
from kpi_core.model import Better, Unit
from kpi_core.plan import Gate, Guard, Plan


@dataclass(frozen=True)
class GateCheck:
    """A limit and the value it holds for; `kept` is ``None`` where there is no value."""

    gate: Gate
    value: KpiValue
    kept: bool | None

    stops = True


@dataclass(frozen=True)
class GuardCheck:
    """A guard pair.

    Attributes:
        gained: by which share the protected KPI moved for the better, below 0 for the worse.
        harmed: by which share the guard moved for the worse.
        kept: ``None`` where one of the four values is missing.
    """

    guard: Guard
    value: KpiValue
    beside: KpiValue
    gained: Fraction | None
    harmed: Fraction | None
    kept: bool | None

    @property
    def stops(self) -> bool:
        """Whether it stops the bonus when broken."""
        return self.guard.gate


Check = GateCheck | GuardCheck


def check(plan: Plan, values: Values) -> tuple[Check, ...]:
    """Every gate and guard of a plan against the values of a period."""
    named = values.totals()
    earlier = {when: then.totals() for when, then in values.earlier.items()}
    gates = [_gate(gate, named[gate.kpi], plan.currency) for gate in plan.gates]
    return (*gates, *(_guard(guard, named, earlier) for guard in plan.guards))


def _gate(gate: Gate, value: KpiValue, currency: str) -> GateCheck:
    foreign = value.unit is Unit.MONEY and value.currency not in (None, currency)
    if value.value is None or foreign:
        return GateCheck(gate, value, None)
    over = value.value - Fraction(gate.limit)
    kept = over >= 0 if value.definition.better is Better.HIGHER else over <= 0
    return GateCheck(gate, value, kept)


def _guard(
    guard: Guard,
    named: Mapping[str, KpiValue],
    earlier: Mapping[str, Mapping[str, KpiValue]],
) -> GuardCheck:
    value, beside = named[guard.kpi], named[guard.guard]
    then = earlier.get(guard.against, {})
    gained = _improved(then.get(guard.kpi), value)
    better = _improved(then.get(guard.guard), beside)
    harmed = None if better is None else -better
    kept = None if gained is None or harmed is None else harmed <= max(gained, Fraction(0))
    return GuardCheck(guard, value, beside, gained, harmed, kept)


def _improved(then: KpiValue | None, now: KpiValue) -> Fraction | None:
    """By which share of what it was a value moved for the better."""
    if then is None or not then.value or now.value is None or then.currency != now.currency:
        return None
    moved = (now.value - then.value) / abs(then.value)
    return moved if now.definition.better is Better.HIGHER else -moved
