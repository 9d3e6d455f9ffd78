"""What would happen if ...?"""

from collections.abc import Callable

import streamlit as st

from kpi_core import words
from kpi_core.formula import Exact
from kpi_core.text import money
from ui import cards, chances, controls, levers, scenarios, seeking, session
from ui.levers import Sides
from ui.state import State


def main() -> None:
    """Answer, bonus beside profit, and one view: levers, scenarios, chance, backwards."""
    state = session.current(st.session_state["lang"])
    found = levers.sides(state)
    _answer(state, found)
    _metrics(state, found)
    views: dict[str, Callable[[], None]] = {
        "levers": lambda: levers.view(state, found),
        "scenarios": lambda: scenarios.view(state, found),
        "chance": lambda: chances.view(state),
        "matters": lambda: chances.matters(state),
        "backwards": lambda: seeking.view(state, found),
    }
    controls.views(state, "whatif", views)


def _answer(state: State, found: Sides) -> None:
    if not found.moved:
        cards.heading(state, "whatif", state.say("whatif_still"))
        return
    score, bonus = found.result("score"), found.result("bonus")
    said = state.say(
        "whatif_answer",
        base=words.points(score[0], state.lang),
        score=words.points(score[1], state.lang),
        before=_sum(state, bonus[0]),
        bonus=_sum(state, bonus[1]),
    )
    cards.heading(state, "whatif", f"{said} {_owner(state, found)}".strip())


def _owner(state: State, found: Sides) -> str:
    """What is left to the owner, and whether that goes against the bonus."""
    profit = found.result("profit_after_pay")
    if None in profit:
        return ""
    said = state.say(
        "whatif_owner", before=_sum(state, profit[0], 0), after=_sum(state, profit[1], 0)
    )
    ways = _risen(*found.result("bonus")), _risen(*profit)
    if ways == (True, False):
        return f"{said} {state.say('whatif_against')}"
    if ways == (False, True):
        return f"{said} {state.say('whatif_dodged')}"
    return said


def _risen(before: Exact, after: Exact) -> bool | None:
    """Which way a figure went; ``None`` for no way, or one that is not known."""
    return None if before is None or after is None or before == after else after > before


def _metrics(state: State, found: Sides) -> None:
    """Score, bonus and what is left to the owner, each with its change."""
    total, bonus, profit = st.columns(3)
    score = found.result("score")
    total.metric(
        state.say("total_score"),
        words.points(score[1], state.lang),
        cards.change(*score, lambda by: words.points(by, state.lang)),
        border=True,
    )
    sums = found.result("bonus")
    bonus.metric(
        state.say("bonus_metric"),
        _sum(state, sums[1]),
        cards.change(*sums, lambda by: _sum(state, by)),
        border=True,
    )
    if found.blocked:
        bonus.caption(cards.plain(found.blocked.text(state.lang)))
    left = found.result("profit_after_pay")
    if left[0] is not None:
        profit.metric(
            state.say("whatif_profit"),
            _sum(state, left[1], 0),
            cards.change(*left, lambda by: _sum(state, by, 0)),
            border=True,
            help=state.say("whatif_profit_help"),
        )


def _sum(state: State, amount: Exact, digits: int = 2) -> str:
    return money(amount, state.plan.currency, state.lang, digits)


main()
