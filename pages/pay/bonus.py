"""What do I pay, and why?"""

from collections.abc import Callable

import streamlit as st

from kpi_core.errors import PlanError
from kpi_core.kpis import Values
from kpi_core.pay import Entry, Payout, concerned_by, next_steps, outcome, payout, statement
from kpi_core.text import money
from ui import (
    bonus_rule,
    cards,
    controls,
    explain,
    fair,
    incentives,
    people,
    plans,
    replayed,
    roi,
    session,
    signing,
)
from ui.state import State


def main() -> None:
    """Answer, bonus and pay, and one view: statement, people, rule."""
    state = session.current(st.session_state["lang"])
    plan, lang = state.judged(), state.lang
    due = _paid(state)
    cards.heading(
        state,
        "bonus",
        state.say("bonus_blocked")
        if isinstance(due, PlanError)
        else state.say(
            "bonus_answer",
            period=cards.period_words(state),
            bonus=money(due.bonus, plan.currency, lang),
            pay=money(due.pay, plan.currency, lang),
        ),
    )
    controls.compared(state)
    _metrics(state, due)
    if isinstance(due, PlanError):
        st.warning(cards.plain(due.text(lang)), icon=":material/pause_circle:")
    views: dict[str, Callable[[], None]] = {
        "statement": lambda: _derivation(state, due),
        "people": lambda: people.view(state, due),
        "rule": lambda: bonus_rule.view(state),
        "fair": lambda: fair.view(state),
        "earns": lambda: incentives.view(state),
        "replay": lambda: replayed.view(state),
        "signoff": lambda: signing.view(state, due),
        "roi": lambda: roi.view(state),
    }
    controls.views(state, "bonus", views)
    _findings(state)


def _paid(state: State) -> Payout | PlanError:
    """What the plan pays, or why it cannot."""
    try:
        return payout(state.judged(), state.values())
    except PlanError as blocked:
        return blocked


def _findings(state: State) -> None:
    """What is odd about the figures that are paid for; the rest is folded away."""
    values = state.values()
    found = [*state.facts.findings, *values.findings, *state.plan.remarks(values)]
    concerned = concerned_by(state.judged(), values)
    cards.findings(state, [own for own in found if own.where in concerned])
    others = [own for own in found if own.where not in concerned]
    if others:
        with st.expander(state.say("bonus_others_odd", n=len(others)), icon=":material/info:"):
            cards.findings(state, others)


def _metrics(state: State, due: Payout | PlanError) -> None:
    """The bonus beside what it was, and all there is to pay."""
    currency, lang = state.plan.currency, state.lang
    sums = ("—", "—") if isinstance(due, PlanError) else (
        money(due.bonus, currency, lang),
        money(due.pay, currency, lang),
    )  # fmt: skip
    bonus, pay = st.columns(2)
    bonus.metric(
        state.say("bonus_metric"),
        sums[0],
        delta=None if isinstance(due, PlanError) else _change(state, due, state.compared()),
        border=True,
        help=state.say(f"scheme_{state.plan.scheme.kind}_help"),
    )
    pay.metric(state.say("bonus_to_pay"), sums[1], border=True)


def _change(state: State, due: Payout, earlier: Values | None) -> str | None:
    """By how much the bonus is more than it would have been for the days compared with."""
    if earlier is None:
        return None
    then = outcome(state.plan.of_period(earlier.period), earlier).paid
    return cards.change(
        then.bonus if then else None,
        due.bonus,
        lambda moved: money(moved, state.plan.currency, state.lang),
    )


# --- the derivation


def _derivation(state: State, due: Payout | PlanError) -> None:
    """The statement, what leads to the next step, the comments, the figures behind it."""
    ids = dict.fromkeys(goal.kpi for goal in state.plan.paying())
    if isinstance(due, PlanError):
        explain.row(state, [state.named()[id] for id in ids], "bonus")
        return
    cards.derivation(state, statement(due, state.lang))
    _ahead(state, next_steps(due, state.lang))
    explain.row(state, [state.named()[id] for id in ids], "bonus")
    _comments(state, due)


def _ahead(state: State, steps: list[Entry]) -> None:
    if not steps:
        return
    st.header(state.say("bonus_ahead"))
    for step in steps:
        gain = "" if step.value == "—" else f" – **{cards.plain(step.value)}**"
        st.markdown(f"- {cards.plain(step.text)}{gain}")


def _comments(state: State, due: Payout) -> None:
    """What the statement says beside a KPI or the total, kept with the plan."""
    if due.period is None:
        return
    said = state.plan.commented(due.period)
    names = {own.kpi.id: own.kpi.name[state.lang] for own in due.judged}
    names |= {"total": state.say("bonus_comment_total")}
    with st.expander(state.say("bonus_comments", n=len(said)), icon=":material/comment:"):
        for about, name in names.items():
            st.text_input(
                cards.plain(name),
                max_chars=500,
                **session.widget(
                    f"comment.{about}",
                    said.get(about, ""),
                    lambda text, about=about: plans.set_comment(due.period, about, text),
                ),
            )


main()
