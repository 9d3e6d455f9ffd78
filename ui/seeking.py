"""Backwards: from a goal to the levers, least effort first; or the most profit for a budget."""

from decimal import ROUND_UP, Decimal
from fractions import Fraction

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from kpi_core.chain import Chain
from kpi_core.drivers import place
from kpi_core.errors import KpiError
from kpi_core.incentive import sum_words
from kpi_core.model import Unit
from kpi_core.scenario import Scenario, add, lever_name, scenario
from kpi_core.seek import (
    Answer,
    Budget,
    Means,
    Target,
    answer_said,
    full_bonus,
    parse_means,
    parse_target,
    target_words,
)
from kpi_core.text import say
from ui import cards, levers, session
from ui.levers import Sides
from ui.state import State

_FULL, _MOST = "full", "most"  # goals that need no figure
_SOUGHT = ("bonus", "score", "profit_after_pay")
_EFFORT = 30.0  # of a budget, at first: three levers by a tenth
_DOWN, _UP = 50.0, 100.0  # how far a lever may be moved at first, in percent
_DIGITS = Decimal("1e-9")  # of a percent, as scenarios keep them


def view(state: State, found: Sides) -> None:
    """The goal, the levers that may be moved, and the answer."""
    made = found.made
    st.caption(state.say("seek_about"))
    goal = _goal(state, found)
    ids = _levers(state, made)
    if not ids:
        st.info(state.say("seek_no_levers"), icon=":material/info:")
        return
    budget = _budget(state) if goal == _MOST else Budget()
    try:
        target = _target(state, found, goal)
        answer = state.sought(made, target, _means(state, made, ids), budget)
    except KpiError as refused:
        st.warning(cards.plain(refused.text(state.lang)), icon=":material/pause_circle:")
        return
    _told(state, made, answer)


# --- what is asked


def _goal(state: State, found: Sides) -> str:
    known = [id for id in state.plan.kpis() if found.base.get(("kpi", id)) is not None]
    names = {
        _FULL: state.say("seek_full"),
        _MOST: state.say("seek_most"),
        **{id: say(state.lang, f"seek.{id}") for id in _SOUGHT},
        **{id: state.plan.kpi(id).name[state.lang] for id in known},
    }
    kept = session.kept("seek.goal", _FULL)
    goal: str = st.selectbox(
        state.say("seek_goal"),
        list(names),
        format_func=lambda id: names[id],
        **session.remembered("seek.goal", kept if kept in names else _FULL),
    )
    return goal


def _target(state: State, found: Sides, goal: str) -> Target | None:
    """The figure to be reached; of shares and the score it is typed in percent."""
    if goal == _MOST:
        return None
    if goal == _FULL:
        return full_bonus(found.made.plan)
    kind = "result" if goal in _SOUGHT else "kpi"
    shares = goal == "score" or (kind == "kpi" and state.plan.kpi(goal).unit is Unit.SHARE)
    now = found.base.get((kind, goal))
    usual = float(state.plan.scheme.stake) if goal == "bonus" else float(now or 0)
    key = f"seek.value.{goal}"
    typed = st.number_input(
        state.say("seek_value_percent" if shares else "seek_value"),
        format="%.2f",
        **session.remembered(key, session.kept(key, round(usual * (100 if shares else 1), 6))),
    )
    return parse_target(f"{goal}={typed:.9f}{'%' if shares else ''}", found.made.plan)


def _levers(state: State, made: Chain) -> list[str]:
    """Which levers may be moved: those of the total, then those of each channel."""
    known = [id for id in made.model.levers if not _apart(made, id)]
    main = [id for id in known if "@" not in id and made.model.by_id[id].main]
    kept = [id for id in session.kept("seek.levers", main) if id in known]
    chosen: list[str] = st.multiselect(
        state.say("seek_levers"),
        known,
        format_func=lambda id: lever_name(made, id, state.lang),
        placeholder=state.say("choose"),
        **session.remembered("seek.levers", kept),
    )
    return chosen


def _apart(made: Chain, id: str) -> bool:
    at = place(id)
    tree = made.model.channels[at.channel] if at.channel else made.model
    return at.driver in tree.apart


def _means(state: State, made: Chain, ids: list[str]) -> tuple[Means, ...]:
    """How dear each lever is, and how far it may go."""
    costs, limits = [], []
    with st.expander(state.say("seek_means"), icon=":material/tune:"):
        st.caption(state.say("seek_means_about"))
        for id in ids:
            st.markdown(f"**{cards.plain(lever_name(made, id, state.lang))}**")
            cost, down, up = (
                _number(state, side, name, f"seek.{name}.{id}", usual)
                for side, (name, usual) in zip(
                    st.columns(3), (("cost", 1.0), ("down", _DOWN), ("up", _UP)), strict=True
                )
            )
            costs.append(f"{id}={cost:.6f}")
            limits.append(f"{id}=-{down:.6f}%..+{up:.6f}%")
    return parse_means(ids, costs, limits)


def _budget(state: State) -> Budget:
    """What may be spent: effort, and money on advertising; 0 of the latter is no bound."""
    effort, spend = st.columns(2)
    most = _number(state, effort, "effort", "seek.effort", _EFFORT)
    money = _number(state, spend, "spend", "seek.spend", 0.0)
    return Budget(Fraction(repr(most)), Fraction(repr(money)) if money else None)


def _number(state: State, side: DeltaGenerator, name: str, key: str, usual: float) -> float:
    typed: float = side.number_input(
        state.say(f"seek_{name}"),
        min_value=0.0,
        max_value=100.0 if name == "down" else 1e9,
        format="%.6g",
        **session.remembered(key, session.kept(key, usual)),
    )
    return typed


# --- the answer


def _told(state: State, made: Chain, answer: Answer) -> None:
    """What to move, what comes of it; and whether the owner earns by paying less."""
    first, *others = answer_said(answer, state.lang)
    doubtful = made.model.doubtful(answer.shifts)
    show = st.success if answer.reached and not doubtful else st.warning
    show(cards.plain(first), icon=":material/flag:" if answer.reached else ":material/block:")
    cards.findings(state, doubtful)
    for said in others:
        st.markdown(f"- {cards.plain(said.strip())}")
    dodged = _dodged(answer)
    if dodged is not None:
        said = state.say("seek_dodged", sum=sum_words(dodged, made.plan.currency, state.lang))
        st.warning(cards.plain(said), icon=":material/balance:")
    if not answer.shifts:
        return
    stand = _stand(state, answer)
    with st.container(horizontal=True, gap="small"):
        st.button(
            state.say("scenario_set"),
            key="seek.set",
            on_click=session.guarded(levers.put, made, stand),
            icon=":material/tune:",
        )
        st.button(
            state.say("seek_keep"),
            key="seek.keep",
            on_click=session.guarded(_keep, stand),
            icon=":material/add:",
        )


def _dodged(answer: Answer) -> Fraction | None:
    """By how much the bonus falls where profit rises; ``None`` where the two do not part so."""
    was, then = answer.now, answer.there
    if None in (was.bonus, then.bonus, was.profit_after_pay, then.profit_after_pay):
        return None
    fallen = (was.bonus or 0) - (then.bonus or 0)
    gained = (then.profit_after_pay or 0) - (was.profit_after_pay or 0)
    return Fraction(fallen) if fallen > 0 < gained else None


def _stand(state: State, answer: Answer) -> Scenario:
    """The levers of an answer as a scenario, called by what was sought."""
    target = answer.target
    goal = target_words(target, answer.chain.plan, state.lang) if target else state.say("seek_most")
    moved = {id: _change(shift) for id, shift in answer.shifts.items()}
    return scenario(" ".join(goal.split())[:60], moved, elasticity=session.levers().elasticity)


def _change(shift: Fraction) -> str:
    """A shift as it is written, rounded away from 0: what is reached stays reached."""
    percent = 100 * Decimal(shift.numerator) / Decimal(shift.denominator)
    return f"{percent.quantize(_DIGITS, ROUND_UP).normalize():+f}%"


def _keep(stand: Scenario) -> None:
    session.put_scenarios(add(session.scenarios(), stand))
    session.keep("whatif_view", "scenarios")
