"""What pages do to the plan: every operation ends in `session.put`, so it can be undone."""

import hashlib
import json
import re
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from kpi_core.errors import PlanError
from kpi_core.model import Kpi, Period, Phase, Unit
from kpi_core.plan import (
    Plan,
    changed,
    kept_side,
    offered,
    period_word,
    read_own,
    read_plan,
    with_phase,
)
from kpi_core.rules import TENTH, Bands, Goal
from kpi_core.schemes import PayStep, Product, Scheme, Table
from kpi_core.stages import FEWEST_STAGES, OWN
from kpi_core.targets import read_period, read_targets
from kpi_core.text import exact, rounded
from ui import session

DRAFT = "funnel.draft"
NO_FORM: Mapping[str, object] = {
    "id": None,
    "name": "",
    "formula": "",
    "unit": "ratio",
    "better": "higher",
    "decimals": 2,
}


# --- the whole


def set_plan(**changes: object) -> None:
    """Change whole fields of the plan."""
    session.put(changed(session.plan(), **changes))


def load_plan(name: str, data: bytes) -> None:
    """Replace the plan by a plan file; a mistake in it is told and changes nothing."""

    def take() -> None:
        session.take_plan(read_plan(data, name))

    session.took_file()
    session.guarded(take)()


# --- lines


def set_line(kpi: str, **changes: object) -> None:
    """Change fields of one line of the plan."""
    session.put(session.plan().with_line(kpi, **changes))


def same_rule_for_all(kpi: str) -> None:
    """Give every line the rule of one; a rule on the value itself stays where it is."""
    now = session.plan()
    rule = next(line.rule for line in now.lines if line.kpi == kpi)
    if isinstance(rule, Bands):
        return
    set_plan(
        lines=[
            line.model_dump()
            | ({} if isinstance(line.rule, Bands) else {"rule": rule.model_dump()})
            for line in now.lines
        ]
    )


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
        set_factor(position, target=target)


def set_variant(kpi: str, variant: str) -> None:
    """The definition that counts; nothing: the first that the data allow."""
    others = {id: chosen for id, chosen in session.plan().variants.items() if id != kpi}
    set_plan(variants=others | ({kpi: variant} if variant else {}))


# --- which funnel is looked at


def choose_funnel(id: str) -> None:
    """A funnel by its id; ``own`` asks for stages first where the plan has none."""
    session.keep(DRAFT, () if id == OWN and not session.plan().stages else None)
    if id != OWN or session.plan().stages:
        set_plan(funnel=id)


def funnel_draft() -> tuple[str, ...] | None:
    """Stages that are too few for the plan yet; ``None``: nobody is choosing any."""
    draft: tuple[str, ...] | None = session.kept(DRAFT, None)
    return draft


def set_stages(wanted: tuple[str, ...]) -> None:
    """Stages of one's own; as long as they are too few, the plan stays as it is."""
    few = len(wanted) < FEWEST_STAGES
    session.keep(DRAFT, wanted if few else None)
    if not few:
        set_plan(funnel=OWN, stages=wanted)


# --- whose figures, and what money is


def set_source(family: str, source: str | None) -> None:
    """The source that is heard for a family of measures; ``None``: by the rule."""
    now = session.plan()
    others = {id: said for id, said in now.sources.items() if id != family}
    set_plan(sources=others | ({family: source} if source else {}))


def drop_stated() -> None:
    """Leave every figure to the files."""
    set_plan(facts={})


def set_rate(currency: str, rate: Decimal) -> None:
    """What one unit of a currency is worth; 0: not known."""
    now = session.plan()
    others = {code: worth for code, worth in now.rates.items() if code != currency}
    set_plan(rates=others | ({currency: rate} if rate else {}))


def set_vat(source: str, word: str | None) -> None:
    """Whether the money of a source includes VAT; ``None``: as its files say."""
    now = session.plan()
    others = {id: said for id, said in now.vat.items() if id != source}
    set_plan(vat=others | ({source: word} if word else {}))


def set_vat_percent(rate: float) -> None:
    """The rate of VAT in percent; 0: not known, so nothing is converted."""
    set_plan(vat_rate=Decimal(str(rate)) / 100 if rate else None)


# --- the shelf: plans put aside under their names, to pay people by or to compare


def shelf() -> Mapping[str, Plan]:
    """Name to plan, in order of putting aside."""
    known: Mapping[str, Plan] = session.kept("shelf", {})
    return known


def put_aside(name: str) -> None:
    """Put the plan at hand aside under a name; one of the same name gives way."""
    if not name.strip():
        raise PlanError("plan_without_name")
    session.keep("shelf", {**shelf(), name.strip(): changed(session.plan(), name=name.strip())})
    session.keep("shelf.name", "")


def take_from_shelf(name: str) -> None:
    """Go on with a plan that was put aside."""
    session.put(shelf()[name])


def drop_from_shelf(name: str) -> None:
    """One plan less on the shelf."""
    session.keep("shelf", {own: plan for own, plan in shelf().items() if own != name})


# --- what it pays


def schemes(plan: Plan) -> dict[str, Scheme]:
    """Every scheme with the parameters last given to it; the plan's own is the one that pays.

    All of them have its fixed part.
    """
    fixed = plan.scheme.fixed
    known = {
        kind: session.kept(_scheme_place(plan, kind), scheme).of_one(fixed, None)
        for kind, scheme in offered(plan).items()
    }
    return known | {plan.scheme.kind: plan.scheme}


def choose_scheme(kind: str) -> None:
    """Let another scheme pay."""
    now = session.plan()
    known = schemes(now)
    session.keep(_scheme_place(now, now.scheme.kind), now.scheme)
    set_plan(scheme=known[kind])


def _scheme_place(plan: Plan, kind: str) -> str:
    return f"scheme.{plan.business}.{kind}"


def set_scheme(**changes: object) -> None:
    """Change fields of the scheme that pays."""
    now = session.plan()
    set_plan(scheme=now.scheme.model_dump() | changes)


def set_fixed(fixed: Decimal) -> None:
    """Another salary or price; a fund that was one salary follows it."""
    scheme = session.plan().scheme
    update: dict[str, object] = {scheme.fixed_field: fixed}
    if scheme.stake_field and scheme.stake == scheme.fixed:
        update[scheme.stake_field] = fixed
    set_scheme(**update)


def set_stake(stake: Decimal) -> None:
    """Another bonus fund or variable part."""
    set_scheme(**{str(session.plan().scheme.stake_field): stake})


def set_terms(**changes: object) -> None:
    """Change the terms: what the coefficient is at least and at most, and what speeds it up."""
    set_scheme(terms=session.plan().scheme.terms.model_dump() | changes)


def set_row(position: int, **changes: object) -> None:
    """Change fields of one row of the payout table."""
    rows = [row.model_dump() for row in _rows()]
    rows[position] |= changes
    set_scheme(rows=rows)


def add_row() -> None:
    """One row more, a tenth above the last and worth as much."""
    rows = [row.model_dump() for row in _rows()]
    set_scheme(rows=[*rows, rows[-1] | {"at": rows[-1]["at"] + TENTH}])


def drop_row(position: int) -> None:
    """One row less."""
    rows = [row.model_dump() for row in _rows()]
    set_scheme(rows=[*rows[:position], *rows[position + 1 :]])


def _rows() -> tuple[PayStep, ...]:
    scheme = session.plan().scheme
    return scheme.rows if isinstance(scheme, Table) else ()


def set_comment(period: Period, about: str, text: str) -> None:
    """What the statement of a period says beside a KPI or the total."""
    session.put(session.plan().with_comment(period, about, text))


def set_factor(position: int, **changes: object) -> None:
    """Change fields of one factor of the product scheme."""
    now = session.plan()
    if not isinstance(now.scheme, Product):
        return
    factors = [factor.model_dump() for factor in now.scheme.factors]
    factors[position] |= changes
    set_plan(scheme=now.scheme.model_dump() | {"factors": factors})


def add_factor(kpi: str) -> None:
    """One factor more, if a KPI is named; with the target of its line, if there is one."""
    now = session.plan()
    if not kpi or not isinstance(now.scheme, Product):
        return
    made = now if kpi in now.shares() else now.with_new_line(kpi, None)
    line = next(line for line in made.lines if line.kpi == kpi)
    factor = line.model_dump(include=set(Goal.model_fields))
    set_scheme(factors=[*(own.model_dump() for own in now.scheme.factors), factor])
    session.keep("bonus.factor", "")


def drop_factor(position: int) -> None:
    """One factor less."""
    scheme = session.plan().scheme
    if isinstance(scheme, Product):
        factors = [factor.model_dump() for factor in scheme.factors]
        set_scheme(factors=[*factors[:position], *factors[position + 1 :]])


# --- gates and guards


def add_gate(kpi: Kpi, value: Fraction | None) -> None:
    """A hard limit, at the present value to begin with."""
    limit = kept_side(kpi, value or Fraction(0))
    gates = [gate.model_dump() for gate in session.plan().gates]
    set_plan(gates=[*gates, {"kpi": kpi.id, "limit": limit}])
    session.keep("plan.gate", "")


def set_gate(position: int, limit: Decimal) -> None:
    """Another limit."""
    gates = [gate.model_dump() for gate in session.plan().gates]
    gates[position]["limit"] = limit
    set_plan(gates=gates)


def drop_gate(position: int) -> None:
    """One limit less."""
    gates = session.plan().gates
    set_plan(gates=[*gates[:position], *gates[position + 1 :]])


def add_guard(kpi: str, guard: str) -> None:
    """A pair: the first is worth nothing if the second worsens faster."""
    pairs = [pair.model_dump() for pair in session.plan().guards]
    set_plan(guards=[*pairs, {"kpi": kpi, "guard": guard}])
    session.keep("plan.guarded", "")
    session.keep("plan.guard", "")


def set_guard(position: int, **changes: object) -> None:
    """Change fields of a pair."""
    pairs = [pair.model_dump() for pair in session.plan().guards]
    pairs[position] |= changes
    set_plan(guards=pairs)


def drop_guard(position: int) -> None:
    """One pair less."""
    pairs = session.plan().guards
    set_plan(guards=[*pairs[:position], *pairs[position + 1 :]])


def set_assumption(id: str, percent: float) -> None:
    """A share that no export holds, typed in percent; 0: not known."""
    others = {own: share for own, share in session.plan().assumptions.items() if own != id}
    share = Decimal(repr(percent)) / 100
    set_plan(assumptions=others | ({id: share} if share else {}))


def assumed_percent(plan: Plan, id: str) -> float:
    """An assumption as it is typed."""
    return float(100 * plan.assumptions.get(id, Decimal(0)))


def confirm(principle: str, kept: bool) -> None:
    """Confirm a principle of fairness, or take that back."""
    fair = [id for id in session.plan().fair if id != principle]
    set_plan(fair=[*fair, principle] if kept else fair)


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
        now = session.plan()
        found = read_targets(name, data, now.own, currency=now.currency, variants=now.variants)
        session.put(now.with_targets(found))

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
    set_plan(targets=others)


def edit_targets(edits: Mapping[str, Mapping[int, Mapping[str, float | None]]]) -> None:
    """What was typed into the table of targets: row and KPI to a figure, or to nothing."""
    now = session.plan()
    words = list(now.targets)
    typed = {
        words[row]: {
            id: None if figure is None else from_typed(now.kpi(id), figure)
            for id, figure in cells.items()
        }
        for row, cells in edits["edited_rows"].items()
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
