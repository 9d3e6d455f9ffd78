"""What the objectives page does to the plan: every operation ends in `session.put`."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from kpi_core.kpis import KpiValue
from kpi_core.objectives import EXAMPLE, judged, new_aim
from kpi_core.plan import Objective
from ui import plans, session
from ui.state import State


def add(name: str) -> None:
    """An objective without targets."""
    _put([*session.plan().objectives, Objective(name=name)])


def add_example(name: str) -> None:
    """The worked example, to be changed."""
    _put([*session.plan().objectives, EXAMPLE.model_copy(update={"name": name})])


def remove(position: int) -> None:
    """One objective less."""
    now = session.plan().objectives
    _put([*now[:position], *now[position + 1 :]])


def rename(position: int, name: str) -> None:
    """Another name."""
    _change(position, {"name": name.strip()})


def tie(state: State, position: int, part: str, kpi: str) -> None:
    """Tie a part to a KPI, at its present value to begin with; nothing: no target of it."""
    if not kpi:
        _change(position, {part: None})
        return
    value = _of_a_month(state, kpi)
    aim = new_aim(session.plan(), kpi, value.value if value else None)
    old = session.plan().objectives[position].aims().get(part)
    kept = {"deadline": old.deadline, "owner": old.owner} if old else {}
    _change(position, {part: aim.model_dump() | kept})


def _of_a_month(state: State, kpi: str) -> KpiValue | None:
    """The present value of a calendar month, as targets are; never the sum of several."""
    period = state.values().period
    if period and period.months == 1:
        return state.known().get(kpi)
    return judged(kpi, None, state.values(), state.history()).value


def set_aim(position: int, part: str, **changes: object) -> None:
    """Change fields of a target."""
    aim = session.plan().objectives[position].aims()[part]
    _change(position, {part: aim.model_dump() | changes})


def set_base(position: int, part: str, base: Decimal) -> None:
    """Where the KPI stood; 0: not given."""
    set_aim(position, part, base=base or None)


def set_deadline(position: int, part: str, day: date | None) -> None:
    """By when; nothing: no deadline."""
    set_aim(position, part, deadline=day)


def _change(position: int, changes: Mapping[str, Any]) -> None:
    fields = [own.model_dump() for own in session.plan().objectives]
    fields[position] |= changes
    _put(fields)


def _put(objectives: list[Any]) -> None:
    plans.set_plan(
        objectives=[own.model_dump() if isinstance(own, Objective) else own for own in objectives]
    )
