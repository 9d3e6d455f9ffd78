"""Is the rule fair: what chance alone makes of the pay of somebody who performs the same."""

from fractions import Fraction

import streamlit as st

from kpi_core import charts
from kpi_core.errors import PlanError
from kpi_core.fairness import LEVELS, chances_said, odds_said, point_said, scattered_said
from kpi_core.text import percent
from ui import cards, session
from ui.state import State


def view(state: State) -> None:
    """A true performance to choose; the pay it comes to by this rule and by straight lines."""
    st.caption(state.say("fair_about"))
    try:
        found = state.fairness()
    except PlanError as refused:
        st.warning(cards.plain(refused.text(state.lang)), icon=":material/pause_circle:")
        return
    level = st.select_slider(
        state.say("fair_level"),
        [str(level) for level in LEVELS],
        format_func=lambda level: percent(Fraction(level), state.lang, 0),
        **session.remembered("fair.level", session.kept("fair.level", "1")),
    )
    at = Fraction(level)
    here, _ = found.at(at)
    st.markdown(f"**{cards.plain(point_said(found, here, state.lang))}**")
    st.markdown(cards.plain(odds_said(found, here, state.lang)))
    st.markdown(cards.plain(scattered_said(found, at, state.lang)))
    cards.chart(
        state,
        lambda ink: charts.pay_bars(found, at, state.lang, ink),
        f"{state.say('fair_level')}: {percent(at, state.lang, 0)}",
        "fair.bars",
    )
    st.header(state.say("fair_band"))
    st.caption(state.say("fair_band_about"))
    cards.chart(
        state,
        lambda ink: charts.pay_band(found, state.lang, ink),
        state.say("fair_band"),
        "fair.band",
    )
    with st.expander(state.say("fair_chances"), icon=":material/casino:"):
        for text in chances_said(found, state.lang):
            st.markdown(f"- {cards.plain(text)}")
