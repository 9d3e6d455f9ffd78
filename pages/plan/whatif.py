"""What would happen if ...?"""

from collections.abc import Callable

import streamlit as st

from kpi_core import words
from kpi_core.formula import Exact
from kpi_core.text import money
from ui import cards, chances, controls, levers, live, scenarios, seeking, session
from ui.levers import Sides
from ui.state import State

RESULT = "result"  # the place of what the levers bring


def main() -> None:
    """Answer, bonus beside profit, and one view: levers, scenarios, chance, backwards."""
    state = session.current(st.session_state["lang"])
    stood, found = levers.sides(state), _found(state)
    with st.container(gap=None, key="answer"):
        cards.question(state, "whatif")
        live.feed(_found, found, levers.moved)
    cards.findings(state, stood.made.model.findings)
    live.place(RESULT, found)
    views: dict[str, Callable[[], None]] = {
        "levers": lambda: levers.view(state, stood, found),
        "scenarios": lambda: scenarios.view(state, stood),
        "chance": lambda: chances.view(state),
        "matters": lambda: chances.matters(state),
        "backwards": lambda: seeking.view(state, stood),
    }
    controls.views(state, "whatif", views)


def _found(state: State) -> live.Found:
    """What follows from the levers as they stand."""
    stood = levers.sides(state)
    blocks = {
        RESULT: [_metrics(state, stood)],
        levers.CHANGES: levers.consequences(state, stood),
    }
    stands, around = levers.stands(state, stood.made), levers.around(state, stood.made)
    return live.Found(_answer(state, stood), blocks, stands, around)


def _answer(state: State, found: Sides) -> str:
    if not found.moved:
        return state.say("whatif_still")
    score, bonus = found.result("score"), found.result("bonus")
    said = state.say(
        "whatif_answer",
        base=words.points(score[0], state.lang),
        score=words.points(score[1], state.lang),
        before=_sum(state, bonus[0]),
        bonus=_sum(state, bonus[1]),
    )
    return f"{said} {_owner(state, found)}".strip()


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


def _metrics(state: State, found: Sides) -> live.Metrics:
    """Score, bonus and what is left to the owner, each with its change."""
    score, bonus, left = (found.result(id) for id in ("score", "bonus", "profit_after_pay"))
    metrics = [
        live.Metric(
            "score",
            state.say("total_score"),
            words.points(score[1], state.lang),
            cards.change(*score, lambda by: words.points(by, state.lang)),
        ),
        live.Metric(
            "bonus",
            state.say("bonus_metric"),
            _sum(state, bonus[1]),
            cards.change(*bonus, lambda by: _sum(state, by)),
            found.blocked.text(state.lang) if found.blocked else "",
        ),
    ]
    if left[0] is not None:
        profit = live.Metric(
            "profit",
            state.say("whatif_profit"),
            _sum(state, left[1], 0),
            cards.change(*left, lambda by: _sum(state, by, 0)),
            help=state.say("whatif_profit_help"),
        )
        metrics.append(profit)
    return live.Metrics(metrics)


def _sum(state: State, amount: Exact, digits: int = 2) -> str:
    return money(amount, state.plan.currency, state.lang, digits)


main()
