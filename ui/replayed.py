"""Rules over the past months, side by side."""

from functools import partial

import streamlit as st

from kpi_core import charts
from kpi_core.errors import PlanError
from kpi_core.plan import Plan, changed
from kpi_core.replay import Replay, budget_said, figures
from kpi_core.text import say
from ui import cards, plans, session
from ui.state import State

_MOST = 4  # rules in one chart


def view(state: State) -> None:
    """Which rules, what they would have paid each month, what they come to."""
    st.caption(state.say("replay_about"))
    offered = rules(state)
    usual = list(offered)[:2]
    asked = [name for name in session.kept("replay.rules", usual) if name in offered]
    chosen = st.multiselect(
        state.say("replay_rules"),
        list(offered),
        max_selections=_MOST,
        placeholder=state.say("choose"),
        **session.widget(
            "replay.rules", asked or usual, lambda names: session.keep("replay.rules", names)
        ),
    )
    if not chosen:
        return
    try:
        found = state.replay({name: offered[name] for name in chosen})
    except PlanError as refused:
        st.warning(cards.plain(refused.text(state.lang)), icon=":material/pause_circle:")
        return
    if not found.months:
        st.info(say(state.lang, "replay.no_months"), icon=":material/info:")
        return
    _drawn(state, found)
    _told(state, found)
    cards.findings(state, found.findings)


def rules(state: State) -> dict[str, Plan]:
    """Name to rule: the plan on screen, its other schemes, the plans put aside."""
    now = state.plan
    own = {state.say("replay_now"): now}
    schemes = {
        state.say(f"scheme_{kind}"): changed(now, scheme=scheme)
        for kind, scheme in plans.schemes(now).items()
        if kind != now.scheme.kind
    }
    return own | schemes | dict(plans.shelf())


def _drawn(state: State, found: Replay) -> None:
    for name, draw in (("pay", charts.pay_steps), ("profit", charts.profit_bars)):
        with st.container():
            head, title = st.empty(), state.say(f"replay_{name}")
            if cards.chart(state, partial(draw, found, state.lang), title, f"replay.{name}"):
                head.markdown(f"**{title}**")


def _told(state: State, found: Replay) -> None:
    """The figures of each rule in a column; how the budget was made."""
    paying = [rule for rule in found.rules if rule.summary]
    if not paying:
        return
    rows = {rule.name: dict(figures(rule, state.lang)) for rule in paying}
    labels = list(next(iter(rows.values())))
    st.table(
        {state.say("replay_figure"): labels}
        | {cards.plain(name): [own[label] for label in labels] for name, own in rows.items()}
    )
    for said in dict.fromkeys(
        budget_said(rule.summary.budget, state.lang) for rule in paying if rule.summary
    ):
        st.caption(cards.plain(said))
