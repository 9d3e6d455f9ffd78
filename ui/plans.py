"""What the editor does to the plan: every operation ends in `session.put`, so it can be undone."""

import hashlib
import json
import re
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from kpi_core.errors import PlanError
from kpi_core.model import Kpi, Period, Phase, Unit
from kpi_core.plan import Plan, kept_side, period_word, read_own, with_phase
from kpi_core.schemes import Product
from kpi_core.targets import read_period, read_targets
from kpi_core.text import exact, rounded
from ui import session

NO_FORM: Mapping[str, object] = {
    "id": None,
    "name": "",
    "formula": "",
    "unit": "ratio",
    "better": "higher",
    "decimals": 2,
}


# --- lines


def add_line(kpi: str, value: Fraction | None) -> None:
    """One KPI more, with a target proposed from its present value."""
    session.put(session.plan().with_new_line(kpi, value))
    session.keep("plan.add", "")


def remove_line(kpi: str) -> None:
    """One KPI less."""
    session.put(session.plan().without_line(kpi))
    session.lock(kpi, shut=False)


def move_share(kpi: str, percent: int) -> None:
    """Move the share of a line; those that are not locked make room."""
    session.put(session.plan().with_share(kpi, Fraction(percent, 100), session.locked()))


def take_phase(phase: Phase) -> None:
    """The company KPIs, weighed as in a phase of growth."""
    session.put(with_phase(session.plan(), phase))


def set_target(kpi: str, target: Decimal, period: Period | None) -> None:
    """Another target, where the one that holds in the period stands."""
    session.put(session.plan().with_target(kpi, target, period))


def set_factor_target(position: int, target: Decimal, period: Period | None) -> None:
    """Another target of a factor, where the one that holds in the period stands."""
    now = session.plan()
    if not isinstance(now.scheme, Product):
        return
    kpi = now.scheme.factors[position].kpi
    if period and kpi in now.targets_in(period):
        session.put(now.with_targets({period_word(period): {kpi: target}}))
    else:
        session.set_factor(position, target=target)


def set_variant(kpi: str, variant: str) -> None:
    """The definition that counts; nothing: the first that the data allow."""
    others = {id: chosen for id, chosen in session.plan().variants.items() if id != kpi}
    session.set_plan(variants=others | ({kpi: variant} if variant else {}))


# --- terms


def add_gate(kpi: Kpi, value: Fraction | None) -> None:
    """A hard limit, at the present value to begin with."""
    limit = kept_side(kpi, value or Fraction(0))
    gates = [gate.model_dump() for gate in session.plan().gates]
    session.set_plan(gates=[*gates, {"kpi": kpi.id, "limit": limit}])
    session.keep("plan.gate", "")


def set_gate(position: int, limit: Decimal) -> None:
    """Another limit."""
    gates = [gate.model_dump() for gate in session.plan().gates]
    gates[position]["limit"] = limit
    session.set_plan(gates=gates)


def drop_gate(position: int) -> None:
    """One limit less."""
    gates = session.plan().gates
    session.set_plan(gates=[*gates[:position], *gates[position + 1 :]])


def add_guard(kpi: str, guard: str) -> None:
    """A pair: the first is worth nothing if the second worsens faster."""
    pairs = [pair.model_dump() for pair in session.plan().guards]
    session.set_plan(guards=[*pairs, {"kpi": kpi, "guard": guard}])
    session.keep("plan.guarded", "")
    session.keep("plan.guard", "")


def set_guard(position: int, **changes: object) -> None:
    """Change fields of a pair."""
    pairs = [pair.model_dump() for pair in session.plan().guards]
    pairs[position] |= changes
    session.set_plan(guards=pairs)


def drop_guard(position: int) -> None:
    """One pair less."""
    pairs = session.plan().guards
    session.set_plan(guards=[*pairs[:position], *pairs[position + 1 :]])


def set_assumption(id: str, percent: float) -> None:
    """A share that no export holds, typed in percent; 0: not known."""
    others = {own: share for own, share in session.plan().assumptions.items() if own != id}
    share = Decimal(repr(percent)) / 100
    session.set_plan(assumptions=others | ({id: share} if share else {}))


def assumed_percent(plan: Plan, id: str) -> float:
    """An assumption as it is typed."""
    return float(100 * plan.assumptions.get(id, Decimal(0)))


def confirm(principle: str, kept: bool) -> None:
    """Confirm a principle of fairness, or take that back."""
    fair = [id for id in session.plan().fair if id != principle]
    session.set_plan(fair=[*fair, principle] if kept else fair)


# --- own KPIs


def form() -> dict[str, Any]:
    """The own KPI that is being written."""
    return dict(session.kept("plan.own", NO_FORM))


def write(field: str, value: object) -> None:
    """Set a field of it."""
    session.keep("plan.own", form() | {field: value})


def append(name: str) -> None:
    """Put a name at the end of the formula that is being written."""
    write("formula", f"{form()['formula']} {name}".strip())


def edit_own(id: str) -> None:
    """Take an own KPI of the plan into the form; nothing: begin a new one."""
    own = session.plan().own.get(id)
    session.keep("plan.own", {"id": id} | own.model_dump(mode="json") if own else dict(NO_FORM))


def keep_own() -> None:
    """Put what is written in the form into the plan."""
    fields = form()
    id = fields.pop("id")
    session.put(session.plan().with_own(id, read_own(fields)))
    session.keep("plan.own", dict(NO_FORM))


def drop_own(id: str) -> None:
    """Delete an own KPI; refused while the plan uses it."""
    session.put(session.plan().without_own(id))
    if form()["id"] == id:
        session.keep("plan.own", dict(NO_FORM))


# --- targets of periods


def load_targets(name: str, data: bytes) -> None:
    """Add the targets of a sheet; a mistake in it is told and changes nothing."""

    def take() -> None:
        session.put(session.plan().with_targets(read_targets(name, data, session.plan().own)))

    session.took_file()
    session.guarded(take)()


def add_period(text: str) -> None:
    """A period to give targets for, as people write it."""
    period = read_period(text)
    if period is None:
        raise PlanError("targets_unknown_period", names=text.strip()[:60])
    session.put(session.plan().with_targets({period_word(period): {}}))
    session.keep("plan.period", "")


def drop_period(word: str) -> None:
    """Take a period with its targets out."""
    others = {own: wanted for own, wanted in session.plan().targets.items() if own != word}
    session.set_plan(targets=others)


def edit_targets(edited: Mapping[int, Mapping[str, float | None]]) -> None:
    """What was typed into the table of targets: row and KPI to a figure, or to nothing."""
    now = session.plan()
    words = list(now.targets)
    typed = {
        words[row]: {
            id: None if figure is None else from_typed(now.kpi(id), figure)
            for id, figure in cells.items()
        }
        for row, cells in edited.items()
    }
    session.put(now.with_targets(typed))


def target_rows(plan: Plan) -> tuple[list[str], list[dict[str, float | None]]]:
    """The KPIs of the table of targets, and a row a period: targets as they are typed."""
    named = [goal.kpi for goal in plan.goals()]
    named += [id for wanted in plan.targets.values() for id in wanted]
    ids = list(dict.fromkeys(named))
    rows = [
        {id: as_typed(plan.kpi(id), wanted[id]) if id in wanted else None for id in ids}
        for wanted in plan.targets.values()
    ]
    return ids, rows


def targets_digest(plan: Plan) -> str:
    """What tells one table of targets from another."""
    ids, rows = target_rows(plan)
    return hashlib.sha256(repr((list(plan.targets), ids, rows)).encode()).hexdigest()[:16]


def written(schema: Mapping[str, Any]) -> str:
    """A schema as a file."""
    return json.dumps(schema, ensure_ascii=False, indent=2) + "\n"


# --- figures as people type them


def as_typed(kpi: Kpi, value: Decimal | None) -> float:
    """A figure of a KPI as it is typed: shares in percent."""
    scale = 100 if kpi.unit is Unit.SHARE else 1
    return float(rounded(exact(value or Decimal(0)) * scale, 6))


def from_typed(kpi: Kpi, value: float) -> Decimal:
    """A typed figure as the plan keeps it."""
    scale = 100 if kpi.unit is Unit.SHARE else 1
    return Decimal(repr(value)) / scale


def mentions(text: str, *names: str) -> bool:
    """Whether every word of a search stands in some name."""
    hay = " ".join(names).casefold()
    return all(word in hay for word in re.findall(r"\S+", text.casefold()))
