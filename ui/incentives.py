"""Does the rule pay for what earns: the bonus and the company's money along every lever."""

from functools import partial

import streamlit as st

from kpi_core import charts
from kpi_core.incentive import (
    Curve,
    Study,
    alignment_said,
    curve_said,
    games_said,
    idle_said,
    money_said,
    summary,
    verdict_said,
)
from ui import cards
from ui.state import State


def view(state: State) -> None:
    """The verdict, all levers in a table, how the rule can be gamed, each lever folded away."""
    st.caption(state.say("earns_about"))
    found = state.study()
    if found.blocked:
        st.warning(cards.plain(found.blocked.text(state.lang)), icon=":material/pause_circle:")
        return
    cards.findings(state, found.chain.model.findings)
    if found.alignment:
        st.markdown(f"**{cards.plain(verdict_said(found, state.lang))}**")
        st.markdown(cards.plain(alignment_said(found.alignment, state.lang)))
    st.caption(cards.plain(money_said(found, state.lang)))
    st.dataframe(summary(found, state.lang), hide_index=True)
    _games(state, found)
    for curve in found.curves:
        _lever(state, found, curve)
    if idle := idle_said(found, state.lang):
        st.caption(cards.plain(idle))


def _games(state: State, found: Study) -> None:
    """The cheapest ways to more bonus at the company's cost, and what would stop them."""
    said = games_said(found, state.lang)
    if not said:
        return
    st.header(state.say("earns_games"))
    for text in said:
        st.markdown(f"- {cards.plain(text)}")


def _lever(state: State, found: Study, curve: Curve) -> None:
    """One lever: what there is to say of it, and both sums along it."""
    plan = found.chain.plan
    with st.expander(cards.plain(curve.driver.name[state.lang])):
        for text in curve_said(curve, plan, state.lang):
            st.markdown(f"- {cards.plain(text)}")
        for name, draw in (("bonus", charts.bonus_curve), ("profit", charts.profit_curve)):
            cards.chart(
                state,
                partial(draw, curve, plan, state.lang),
                cards.of_period(state, curve.driver.name[state.lang]),
                f"earns.{curve.driver.id}.{name}",
            )
