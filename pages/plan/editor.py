"""What is wanted, of whom, and how is it judged?"""

from collections.abc import Callable
from datetime import date
from enum import StrEnum

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from kpi_core import catalogue, words
from kpi_core.errors import KpiError
from kpi_core.gates import GateCheck, GuardCheck, check
from kpi_core.kpis import KpiValue
from kpi_core.model import Better, Group, Kpi, Unit, parse_period
from kpi_core.plan import Line, Missing, Over, Partial, json_schema, read_own
from kpi_core.score import Judged, ScoredLine, judge, score
from kpi_core.text import days, percent
from ui import cards, controls, explain, plans, session
from ui.state import State

PARTS = ("lines", "terms", "own", "targets", "file")
SHOWN_MEASURES = 6
SCHEMA = "plan.schema.json"


def main() -> None:
    """Answer, undo, fairness, then one part of the plan at a time."""
    state = session.current(st.session_state["lang"])
    card = score(state.judged(), state.named())
    lacking = ", ".join(state.plan.kpi(id).name[state.lang] for id in card.missing)
    cards.heading(
        state,
        "plan",
        state.say(
            "plan_answer",
            n=len(card.lines),
            period=cards.period_words(state),
            score=words.points(card.total, state.lang),
        )
        + (f" {state.say('plan_without', kpis=lacking)}" if lacking else ""),
    )
    _steps(state)
    _fair(state)
    part = st.segmented_control(
        state.say("plan_part"),
        PARTS,
        format_func=lambda part: state.say(f"plan_part_{part}"),
        required=True,
        label_visibility="collapsed",
        **session.remembered("plan.part", session.kept("plan.part", PARTS[0])),
    )
    parts: dict[str, Callable[[State], None]] = {
        "terms": _terms,
        "own": _own,
        "targets": _targets,
        "file": _file,
    }
    if part == "lines":
        _lines(state, card.lines)
    else:
        parts[part](state)


def _steps(state: State) -> None:
    """One change back, one forth."""
    with st.container(horizontal=True):
        for step, change in (("undo", session.undo), ("redo", session.redo)):
            st.button(
                state.say(f"plan_{step}"),
                key=f"plan.{step}",
                disabled=not session.can(step),
                on_click=session.guarded(change),
                icon=f":material/{step}:",
            )


def _fair(state: State) -> None:
    """The principles of a fair personal KPI, with those that nobody has confirmed."""
    open_ones = state.plan.unconfirmed()
    known = catalogue.principles()
    title = state.say("plan_fair_open", n=len(open_ones)) if open_ones else state.say("plan_fair")
    with st.expander(title, icon=":material/balance:"):
        st.caption(state.say("plan_fair_help"))
        columns = st.columns(2)
        for position, (id, principle) in enumerate(known.items()):
            columns[position % 2].checkbox(
                f"**{principle.name[state.lang]}.** {principle.about[state.lang]}",
                **session.widget(
                    f"fair.{id}",
                    id in state.plan.fair,
                    lambda yes, id=id: plans.confirm(id, kept=yes),
                ),
            )


# --- KPIs


def _lines(state: State, lines: tuple[ScoredLine, ...]) -> None:
    """Add a KPI; a card a line; the details of one of them."""
    _add(state)
    columns = st.columns(2)
    for position, line in enumerate(lines):
        with columns[position % 2].container(border=True):
            _line(state, line.judged)
    _details(state, lines)
    explain.row(state, [line.judged.value for line in lines], "plan")


def _offered(state: State) -> dict[str, Kpi]:
    """The KPIs that the plan lacks: by group, those with data first."""
    taken = {line.kpi for line in state.plan.lines}
    known = state.known()
    order = [Group.OWN, *Group]
    kpis = [state.plan.kpi(id) for id in known if id not in taken]
    kpis.sort(key=lambda kpi: (order.index(kpi.group), known[kpi.id].value is None))
    return {kpi.id: kpi for kpi in kpis}


def _value(state: State, found: KpiValue) -> str:
    if found.value is None:
        return state.say("status_no_data")
    return words.kpi_figure(found.definition, found.value, found.currency, state.lang)


def _add(state: State) -> None:
    """A group, a KPI of it by name, what it is, and the button."""
    known, offered = state.known(), _offered(state)
    with st.container(border=True):
        st.markdown(f"**{state.say('plan_add')}**", help=state.say("plan_add_help"))
        group = st.pills(
            state.say("plan_group"),
            ["", *sorted({kpi.group for kpi in offered.values()}, key=list(Group).index)],
            format_func=lambda group: state.say(f"plan_group_{group or 'all'}"),
            required=True,
            label_visibility="collapsed",
            **session.remembered("plan.group", session.kept("plan.group", "")),
        )
        ids = [id for id, kpi in offered.items() if not group or kpi.group == group]

        def shown(id: str) -> str:
            if not id:
                return state.say("plan_choose")
            mark = "○" if known[id].value is None else "●"
            name = offered[id].name[state.lang]
            of = "" if group else f"{state.say(f'plan_group_{offered[id].group}')} · "
            return f"{mark} {of}{name}: {_value(state, known[id])}"

        waiting = session.kept("plan.add", "")
        choice, button = st.columns([5, 2], vertical_alignment="bottom")
        chosen = choice.selectbox(
            state.say("plan_choose"),
            ["", *ids],
            format_func=shown,
            label_visibility="collapsed",
            **session.remembered("plan.add", waiting if waiting in ids else ""),
        )
        button.button(
            state.say("plan_add_button"),
            key="plan.add_button",
            disabled=not chosen,
            on_click=session.guarded(
                plans.add_line, chosen, known[chosen].value if chosen else None
            ),
            icon=":material/add:",
            width="stretch",
        )
        if chosen:
            st.caption(cards.plain(offered[chosen].why[state.lang]))


def _line(state: State, judged: Judged) -> None:
    """One line: value, share and lock, target, definition, and the way out."""
    kpi, goal = judged.kpi, judged.goal
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"**{cards.plain(kpi.name[state.lang])}**", help=cards.plain(kpi.why[state.lang])
        )
        cards.status(state, judged)
        _out(state, f"plan.remove.{kpi.id}", plans.remove_line, kpi.id)
    value = words.kpi_figure(kpi, judged.value.value, judged.value.currency, state.lang)
    reached = words.attainment(judged.attainment, goal.rule, state.lang)
    st.markdown(
        state.say("line_value", value=f"**{cards.plain(value)}**", reached=cards.plain(reached))
    )
    controls.weight(state, kpi.id)
    controls.target(
        state,
        kpi,
        goal,
        f"target.{kpi.id}",
        lambda value: plans.set_target(kpi.id, value, state.values().period),
    )
    controls.definition(state, kpi)


def _out(state: State, key: str, change: Callable[..., None], what: object) -> None:
    """The small button that takes something out of the plan."""
    st.button(
        "",
        key=key,
        help=state.say("plan_remove"),
        on_click=session.guarded(change, what),
        icon=":material/close:",
    )


def _details(state: State, lines: tuple[ScoredLine, ...]) -> None:
    """Base, owner, deadline and rule of one line."""
    st.header(state.say("plan_details"), help=state.say("plan_details_help"))
    judged = {line.judged.kpi.id: line.judged for line in lines}
    asked = session.kept("plan.detail", "")
    chosen = st.selectbox(
        state.say("plan_detail_of"),
        list(judged),
        format_func=lambda id: judged[id].kpi.name[state.lang],
        **session.remembered("plan.detail", asked if asked in judged else next(iter(judged))),
    )
    line = next(line for line in state.plan.lines if line.kpi == chosen)
    kpi = judged[chosen].kpi
    owner, deadline, base = st.columns(3)
    owner.text_input(
        state.say("plan_owner"),
        max_chars=100,
        **session.widget(
            f"owner.{chosen}", line.owner, lambda who: plans.set_line(chosen, owner=who)
        ),
    )
    deadline.date_input(
        state.say("plan_deadline"),
        min_value=date(2000, 1, 1),
        max_value=date(2100, 12, 31),
        format="DD.MM.YYYY" if state.lang == "ru" else "YYYY-MM-DD",
        **session.widget(
            f"deadline.{chosen}", line.deadline, lambda day: plans.set_line(chosen, deadline=day)
        ),
    )
    with base:
        _base(state, line, kpi)
    editor, drawn = st.columns([3, 2])
    with editor:
        controls.rule_editor(
            state,
            line.rule,
            f"rule.{chosen}",
            lambda rule: plans.set_line(chosen, rule=rule),
            kpi=kpi,
            target=line.target,
        )
    with drawn:
        cards.rule(state, judge(line, state.named()[chosen], state.plan.currency))


def _base(state: State, line: Line, kpi: Kpi) -> None:
    """The base: from it to the target is the whole way; empty: attainment is of the target."""
    shown = None if line.base is None else plans.as_typed(kpi, line.base)
    st.number_input(
        controls.unit_label(state, state.say("plan_base"), kpi),
        step=None,
        format=f"%.{kpi.decimals}f",
        placeholder=state.say("plan_no_base"),
        help=state.say("plan_base_help"),
        **session.widget(
            f"base.{line.kpi}",
            shown,
            lambda typed: plans.set_line(
                line.kpi, base=None if typed is None else plans.from_typed(kpi, typed)
            ),
        ),
    )


# --- gates, guards, policies


def _terms(state: State) -> None:
    """What stops a bonus, and what is done where data lack."""
    checks = check(state.judged(), state.values())
    gates = [found for found in checks if isinstance(found, GateCheck)]
    guards = [found for found in checks if isinstance(found, GuardCheck)]
    st.header(state.say("plan_gates"), help=state.say("plan_gates_help"))
    for position, found in enumerate(gates):
        _gate(state, position, found)
    _choose(state, "gate", lambda id: plans.add_gate(state.plan.kpi(id), state.known()[id].value))
    st.header(state.say("plan_guards"), help=state.say("plan_guards_help"))
    for position, pair in enumerate(guards):
        _guard(state, position, pair)
    _add_guard(state)
    st.header(state.say("plan_policies"))
    _policies(state)


def _kept(state: State, kept: bool | None) -> None:
    word = {True: "kept", False: "broken", None: "unknown"}[kept]
    said = state.say(f"plan_{word}")
    if kept is None:
        st.badge(said, icon=":material/help:", color="gray")
    elif kept:
        st.badge(said, icon=":material/check_circle:", color="green")
    else:
        st.badge(said, icon=":material/cancel:", color="red")


def _gate(state: State, position: int, found: GateCheck) -> None:
    kpi = found.value.definition
    with st.container(border=True):
        name, limit, stands = st.columns([5, 3, 4], vertical_alignment="center")
        name.markdown(
            f"**{cards.plain(kpi.name[state.lang])}** · {cards.plain(_value(state, found.value))}"
        )
        with limit:
            controls.figure(
                controls.unit_label(state, state.say(f"plan_limit_{kpi.better}"), kpi),
                kpi,
                found.gate.limit,
                f"gate.{position}.{kpi.id}",
                lambda value: plans.set_gate(position, value),
            )
        with stands.container(
            horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
        ):
            _kept(state, found.kept)
            _out(state, f"plan.gate_drop.{position}", plans.drop_gate, position)


def _choose(state: State, name: str, write: Callable[[str], None]) -> None:
    """A KPI to choose, and the button that takes it."""
    known = state.known()
    choice, button = st.columns([5, 2], vertical_alignment="bottom")
    with choice:
        chosen = _kpi_box(state, f"plan.{name}")
    button.button(
        state.say(f"plan_{name}_add"),
        key=f"plan.{name}_add",
        disabled=chosen not in known,
        on_click=session.guarded(write, chosen),
        icon=":material/add:",
        width="stretch",
    )


def _kpi_box(state: State, name: str, label: str = "plan_choose") -> str:
    """Any KPI: those of the plan first, then those with data."""
    known = state.known()
    of_plan = {line.kpi for line in state.plan.lines}
    ids = sorted(known, key=lambda id: (id not in of_plan, known[id].value is None))
    chosen: str = st.selectbox(
        state.say(label),
        ["", *ids],
        format_func=lambda id: (
            f"{state.plan.kpi(id).name[state.lang]}: {_value(state, known[id])}"
            if id
            else state.say("plan_choose")
        ),
        **session.remembered(name, session.kept(name, "")),
    )
    return chosen


def _add_guard(state: State) -> None:
    one, other, button = st.columns([3, 3, 2], vertical_alignment="bottom")
    with one:
        kpi = _kpi_box(state, "plan.guarded", "plan_guarded")
    with other:
        guard = _kpi_box(state, "plan.guard", "plan_guard")
    button.button(
        state.say("plan_guard_add"),
        key="plan.guard_add",
        disabled=not (kpi and guard),
        on_click=session.guarded(plans.add_guard, kpi, guard),
        icon=":material/add:",
        width="stretch",
    )


def _guard(state: State, position: int, found: GuardCheck) -> None:
    """One pair: what it compares, whether it stops the bonus, how it stands."""
    pair, lang = found.guard, state.lang
    with st.container(border=True):
        told, stands = st.columns([8, 4], vertical_alignment="center")
        told.markdown(
            cards.plain(
                state.say(
                    "plan_guard_told",
                    kpi=found.value.definition.name[lang],
                    guard=found.beside.definition.name[lang],
                    gained=percent(found.gained, lang),
                    harmed=percent(found.harmed, lang),
                )
            )
        )
        with stands.container(
            horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
        ):
            _kept(state, found.kept)
            _out(state, f"plan.guard_drop.{position}", plans.drop_guard, position)
        against, gate = st.columns(2, vertical_alignment="center")
        against.segmented_control(
            state.say("plan_against"),
            ["previous", "year_ago"],
            format_func=lambda when: state.say(f"plan_against_{when}"),
            required=True,
            label_visibility="collapsed",
            **session.widget(
                f"guard.{position}.against",
                pair.against,
                lambda when: plans.set_guard(position, against=when),
            ),
        )
        gate.toggle(
            state.say("plan_guard_gate"),
            **session.widget(
                f"guard.{position}.gate",
                pair.gate,
                lambda stops: plans.set_guard(position, gate=stops),
            ),
        )


def _policies(state: State) -> None:
    """Missing data, an unfinished period, over-fulfilment, what no export holds."""
    plan, boxes = state.plan, st.columns(4)
    chosen: tuple[tuple[str, type[StrEnum], str], ...] = (
        ("missing", Missing, str(plan.missing)),
        ("partial_period", Partial, str(plan.partial_period)),
        ("over", Over, str(plan.over)),
    )
    for box, (field, kind, value) in zip(boxes, chosen, strict=False):
        box.selectbox(
            state.say(f"plan_{field}"),
            [str(choice) for choice in kind],
            format_func=lambda choice, field=field: state.say(f"plan_{field}_{choice}"),
            **session.widget(
                f"plan.{field}",
                value,
                lambda choice, field=field: plans.set_plan(**{field: choice}),
            ),
        )
    for id in sorted(catalogue.ASSUMPTIONS):
        boxes[3].number_input(
            f"{words.assumption(id, state.lang)}, %",
            max_value=100.0,
            step=1.0,
            format="%.1f",
            help=state.say("plan_assumption_help"),
            **session.widget(
                f"assumed.{id}",
                plans.assumed_percent(plan, id),
                lambda typed, id=id: plans.set_assumption(id, typed),
            ),
        )


# --- own KPIs


def _own(state: State) -> None:
    """Those there are; the form; the measures a formula may name."""
    for id, own in state.plan.own.items():
        with st.container(border=True):
            name, edit, drop = st.columns([8, 2, 2], vertical_alignment="center")
            value = _value(state, state.known()[id])
            name.markdown(f"**{cards.plain(own.name)}** · {cards.plain(value)}")
            name.caption(cards.plain(words.formula(own.formula, state.lang)))
            edit.button(
                state.say("plan_own_edit"),
                key=f"plan.own_edit.{id}",
                on_click=session.guarded(plans.edit_own, id),
                icon=":material/edit:",
                width="stretch",
            )
            drop.button(
                state.say("plan_own_drop"),
                key=f"plan.own_drop.{id}",
                on_click=session.guarded(plans.drop_own, id),
                icon=":material/delete:",
                width="stretch",
            )
    form, list_of = st.columns(2)
    with form.container(border=True):
        _form(state)
    with list_of.container(border=True):
        _measures(state)


def _form(state: State) -> None:
    """The fields of an own KPI; its value or what is wrong with it, as it is typed."""
    written = plans.form()
    st.markdown(f"**{state.say('plan_own_edited' if written['id'] else 'plan_own_new')}**")
    st.text_input(
        state.say("plan_own_name"),
        max_chars=100,
        **session.widget("own.name", written["name"], lambda name: plans.write("name", name)),
    )
    st.text_area(
        state.say("plan_own_formula"),
        placeholder="(revenue - spend) / orders",
        help=state.say("plan_own_formula_help"),
        height="content",
        **session.widget(
            "own.formula", written["formula"], lambda text: plans.write("formula", text)
        ),
    )
    unit, better, decimals = st.columns(3)
    choices: tuple[tuple[DeltaGenerator, str, type[StrEnum]], ...] = (
        (unit, "unit", Unit),
        (better, "better", Better),
    )
    for box, field, kind in choices:
        box.selectbox(
            state.say(f"plan_own_{field}"),
            [str(choice) for choice in kind],
            format_func=lambda choice, field=field: state.say(f"plan_{field}_{choice}"),
            **session.widget(
                f"own.{field}", written[field], lambda value, field=field: plans.write(field, value)
            ),
        )
    decimals.number_input(
        state.say("plan_own_decimals"),
        min_value=0,
        max_value=6,
        **session.widget(
            "own.decimals", written["decimals"], lambda value: plans.write("decimals", value)
        ),
    )
    ready = _tried(state, written)
    with st.container(horizontal=True):
        st.button(
            state.say("plan_own_save" if written["id"] else "plan_own_add"),
            key="plan.own_add",
            disabled=not ready,
            on_click=session.guarded(plans.keep_own),
            icon=":material/check:",
        )
        st.button(
            state.say("plan_own_clear"),
            key="plan.own_clear",
            on_click=session.guarded(plans.edit_own, ""),
            icon=":material/close:",
        )


def _tried(state: State, written: dict[str, object]) -> bool:
    """What the formula gives at present, or why it cannot; whether it can be kept."""
    if not str(written["formula"]).strip():
        st.caption(state.say("plan_own_waits"))
        return False
    fields = {field: value for field, value in written.items() if field != "id"}
    named = bool(str(written["name"]).strip())
    try:
        own = read_own(fields if named else fields | {"name": "—"})
        found = state.tried(own)
    except KpiError as wrong:
        st.error(cards.plain(wrong.text(state.lang)), icon=":material/error:")
        return False
    st.success(
        cards.plain(state.say("plan_own_value", value=_value(state, found))),
        icon=":material/calculate:",
    )
    st.caption(cards.plain(words.made_of(found, state.lang)) if found.inputs else "")
    if not named:
        st.caption(state.say("plan_own_unnamed"))
    return named


def _measures(state: State) -> None:
    """The measures a formula may name: found by name, with what they are now."""
    st.markdown(f"**{state.say('plan_measures')}**", help=state.say("plan_measures_help"))
    sought = st.text_input(
        state.say("plan_measures_find"),
        placeholder=state.say("plan_measures_find"),
        label_visibility="collapsed",
        **session.remembered("own.find", session.kept("own.find", "")),
    )
    figures = state.measures()
    found = [
        measure
        for id, measure in catalogue.measures().items()
        if plans.mentions(sought, id, *measure.name.values(), *measure.synonyms)
    ]
    found.sort(key=lambda measure: figures[measure.id].value is None)
    st.dataframe(
        [
            {
                state.say("measure"): measure.name[state.lang],
                state.say("plan_measure_id"): measure.id,
                state.say("plan_measure_now"): words.total(
                    measure.id,
                    figures[measure.id].value,
                    state.lang,
                    figures[measure.id].currency,
                ),
            }
            for measure in found
        ],
        column_config={
            name: st.column_config.TextColumn(width=width)
            for name, width in (
                (state.say("measure"), "medium"),
                (state.say("plan_measure_id"), "small"),
                (state.say("plan_measure_now"), "small"),
            )
        },
        hide_index=True,
        height=300,
    )
    if found and sought:
        with st.container(horizontal=True):
            for measure in found[:SHOWN_MEASURES]:
                st.button(
                    measure.id,
                    key=f"plan.measure.{measure.id}",
                    help=measure.name[state.lang],
                    on_click=session.guarded(plans.append, measure.id),
                    icon=":material/add:",
                )


# --- targets of periods


def _targets(state: State) -> None:
    """A table, periods down and KPIs across; a sheet to bring; periods to add and drop."""
    st.caption(state.say("plan_targets_help"))
    plan = state.plan
    ids, rows = plans.target_rows(plan)
    if rows:
        label = state.say("period")
        columns = {
            id: st.column_config.NumberColumn(
                controls.unit_label(state, plan.kpi(id).name[state.lang], plan.kpi(id)),
            )
            for id in ids
        }
        periods = [parse_period(word) for word in plan.targets]
        names = [days(period.first, period.last, state.lang) for period in periods]
        st.data_editor(
            pd.DataFrame(rows, columns=ids, dtype=float).assign(**{label: names})[[label, *ids]],
            column_config=columns,
            disabled=[label],
            hide_index=True,
            placeholder="",
            **session.table(f"targets.{plans.targets_digest(plan)}", plans.edit_targets),
        )
    add, drop = st.columns(2)
    with add:
        _add_period(state)
    if rows:
        with drop:
            _drop_period(state)
    file = st.file_uploader(
        state.say("plan_targets_file"),
        type=["csv", "tsv", "txt", "xlsx", "xls"],
        help=state.say("plan_targets_file_help"),
        key=session.upload_key("targets_file"),
    )
    if file:
        plans.load_targets(file.name, file.getvalue())
        st.rerun()


def _add_period(state: State) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input(
            state.say("plan_period_new"),
            placeholder="2026-10, 2026-Q4",
            **session.remembered("plan.period", session.kept("plan.period", "")),
        )
        st.button(
            state.say("plan_period_add"),
            key="plan.period_add",
            disabled=not text,
            on_click=session.guarded(plans.add_period, text),
            icon=":material/add:",
        )


def _drop_period(state: State) -> None:
    known = list(state.plan.targets)
    asked = session.kept("plan.period_drop", "")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        word = st.selectbox(
            state.say("plan_period_which"),
            known,
            **session.widget(
                "plan.period_which",
                asked if asked in known else known[0],
                lambda word: session.keep("plan.period_drop", word),
            ),
        )
        st.button(
            state.say("plan_period_drop"),
            key="plan.period_drop",
            on_click=session.guarded(plans.drop_period, word),
            icon=":material/delete:",
        )


# --- files


def _file(state: State) -> None:
    """The plan as a file: take it along, bring one, know what it may hold."""
    st.header(state.say("plan_file"), help=state.say("plan_file_help"))
    with st.container(horizontal=True):
        st.download_button(
            state.say("plan_download"),
            state.plan.as_json(),
            file_name=f"plan-{state.plan.business}.json",
            mime="application/json",
            on_click="ignore",
            icon=":material/download:",
        )
        st.download_button(
            state.say("plan_schema"),
            plans.written(json_schema()),
            file_name=SCHEMA,
            mime="application/schema+json",
            on_click="ignore",
            help=state.say("plan_schema_help"),
            icon=":material/schema:",
        )
    file = st.file_uploader(
        state.say("plan_upload"), type="json", key=session.upload_key("plan_file")
    )
    if file:
        plans.load_plan(file.name, file.getvalue())
        st.rerun()


main()
