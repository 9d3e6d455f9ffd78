"""What is the work for, and can it be judged?"""

from datetime import date
from decimal import Decimal

import streamlit as st

from kpi_core import objectives
from kpi_core.gates import GuardCheck, check
from kpi_core.model import Unit
from kpi_core.objectives import PARTS, AimReview, Review
from ui import cards, controls, explain, plans, session
from ui import objectives as edit
from ui.plans import as_typed
from ui.state import State


def main() -> None:
    """Answer, each objective with its three targets and their checks, the guard pairs."""
    state = session.current(st.session_state["lang"])
    found = objectives.review(state.plan, state.values(), state.history(), state.lang)
    cards.heading(state, "objectives", _answer(state, found))
    cards.findings(state, [*state.facts.findings, *state.values().findings])
    _rates(state)
    for position, own in enumerate(found):
        with st.container(border=True):
            _objective(state, own, position)
    _add(state)
    _guards(state)
    aimed = {aim.aim.kpi for own in found for aim in own.aims}
    explain.row(state, [own for own in state.named().values() if own.kpi in aimed], "objectives")


def _answer(state: State, found: tuple[Review, ...]) -> str:
    if not found:
        return state.say("objectives_none")
    return " ".join(objectives.told(own, state.lang) for own in found)


def _add(state: State) -> None:
    st.caption(state.say("objectives_about"))
    example, empty = st.columns(2)
    example.button(
        state.say("objectives_example"),
        help=state.say("objectives_example_help"),
        key="objectives.example",
        on_click=session.guarded(edit.add_example, state.say("objectives_example_name")),
        icon=":material/lightbulb:",
        width="stretch",
    )
    empty.button(
        state.say("objectives_empty"),
        key="objectives.empty",
        on_click=session.guarded(edit.add, state.say("objectives_new_name")),
        icon=":material/add:",
        width="stretch",
    )


def _rates(state: State) -> None:
    """A rate for each currency of a target that the plan cannot convert."""
    for currency in objectives.lacking_rates(state.plan):
        st.number_input(
            state.say("objectives_rate", currency=currency, own=state.plan.currency),
            min_value=0.0,
            step=0.01,
            format="%.4f",
            **session.widget(
                f"objectives.rate.{currency}",
                0.0,
                lambda rate, code=currency: plans.set_rate(code, Decimal(repr(rate))),
            ),
        )


# --- an objective


def _objective(state: State, own: Review, position: int) -> None:
    name, drop = st.columns([6, 1], vertical_alignment="bottom")
    name.text_input(
        state.say("objectives_name"),
        max_chars=200,
        **session.widget(
            f"objectives.{position}.name",
            own.objective.name,
            lambda text: edit.rename(position, text),
        ),
    )
    drop.button(
        state.say("objectives_remove"),
        key=f"objectives.{position}.drop",
        on_click=session.guarded(edit.remove, position),
        icon=":material/delete:",
        width="stretch",
    )
    if own.missing:
        st.warning(cards.plain(objectives.told(own, state.lang)), icon=":material/warning:")
    aims = {aim.part: aim for aim in own.aims}
    for part, column in zip(PARTS, st.columns(len(PARTS)), strict=True):
        with column:
            _part(state, part, aims.get(part), position)


def _part(state: State, part: str, aim: AimReview | None, position: int) -> None:
    """Volume, quality or price: its KPI, target and terms, and what the data say of it."""
    key = f"objectives.{position}.{part}"
    st.markdown(f"**{state.say(f'objectives_{part}')}**", help=state.say(f"objectives_{part}_help"))
    chosen = aim.aim.kpi if aim else ""
    offered = ["", *objectives.candidates(state.plan, part)]
    if chosen not in offered:
        offered.append(chosen)
    st.selectbox(
        state.say("objectives_kpi"),
        offered,
        format_func=lambda id: (
            state.plan.kpi(id).name[state.lang] if id else state.say("objectives_no_kpi")
        ),
        **session.widget(f"{key}.kpi", chosen, lambda id: edit.tie(state, position, part, id)),
    )
    if aim is None:
        st.caption(state.say("objectives_part_missing"))
        return
    _terms(state, aim, key, position)
    _checks(state, aim)


def _terms(state: State, review: AimReview, key: str, position: int) -> None:
    aim, kpi, part = review.aim, review.kpi, review.part
    unit = {Unit.SHARE: ", %", Unit.MONEY: f", {aim.currency or state.plan.currency}"}
    side = state.say(f"objectives_{kpi.better}")
    target, base = st.columns(2, vertical_alignment="bottom")
    with target:
        controls.figure(
            side + unit.get(kpi.unit, ""),
            kpi,
            aim.target,
            f"{key}.target.{aim.kpi}",
            lambda value: edit.set_aim(position, part, target=value),
            least=0.0,
            help=state.say("objectives_target_help"),
        )
    with base:
        controls.figure(
            state.say("objectives_base") + unit.get(kpi.unit, ""),
            kpi,
            aim.base or Decimal(0),
            f"{key}.base.{aim.kpi}",
            lambda value: edit.set_base(position, part, value),
            least=min(0.0, as_typed(kpi, aim.base)),
            help=state.say("objectives_base_help"),
        )
    deadline, owner = st.columns(2, vertical_alignment="bottom")
    deadline.date_input(
        state.say("objectives_deadline"),
        value=None,
        min_value=date(2000, 1, 1),
        max_value=date(2100, 12, 31),
        format="DD.MM.YYYY" if state.lang == "ru" else "YYYY-MM-DD",
        **session.widget(
            f"{key}.deadline",
            aim.deadline,
            lambda day: edit.set_deadline(position, part, day),
        ),
    )
    owner.text_input(
        state.say("objectives_owner"),
        max_chars=100,
        **session.widget(
            f"{key}.owner",
            aim.owner,
            lambda text: edit.set_aim(position, part, owner=text.strip()),
        ),
    )


_ICONS = {
    True: (":material/check_circle:", "green"),
    False: (":material/cancel:", "red"),
    None: (":material/help:", "gray"),
}


def _checks(state: State, review: AimReview) -> None:
    """What the data say of a target, each check with its reason."""
    st.markdown(cards.plain(objectives.held(review, state.lang)))
    for own in review.checks:
        icon, color = _ICONS[own.held]
        name = objectives.check_name(own, state.lang)
        st.markdown(f":{color}[{icon}] **{cards.plain(name)}.** {cards.plain(own.why)}")


# --- guards


def _guards(state: State) -> None:
    """The guard pairs of the plan, and whether each held."""
    st.header(state.say("objectives_guards"), help=state.say("objectives_guards_help"))
    checks = [own for own in check(state.judged(), state.values()) if isinstance(own, GuardCheck)]
    for own in checks:
        icon, color = _ICONS[own.kept]
        said = cards.plain(objectives.guard_said(own, state.lang))
        st.markdown(f":{color}[{icon}] {said}")
    if not checks:
        st.caption(state.say("objectives_no_guards"))
        for kpi, guard in objectives.proposed_guards(state.plan):
            names = (state.plan.kpi(id).name[state.lang] for id in (kpi, guard))
            kpi_name, guard_name = names
            st.button(
                cards.plain(state.say("objectives_add_guard", kpi=kpi_name, guard=guard_name)),
                key=f"objectives.guard.{kpi}",
                on_click=session.guarded(plans.add_guard, kpi, guard),
                icon=":material/add:",
            )
    st.page_link(
        "pages/plan/editor.py", label=state.say("objectives_to_plan"), icon=":material/edit_note:"
    )


main()
