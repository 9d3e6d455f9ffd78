"""Where are people lost?"""

import streamlit as st

from kpi_core import charts
from kpi_core.model import Group
from kpi_core.text import number, percent
from ui import cards, explain, session


def main() -> None:
    """Answer, chart, table."""
    state = session.current(st.session_state["lang"])
    made = state.funnel()
    counted = [stage for stage in made.stages if stage.count is not None]
    leak = made.leakiest
    cards.heading(
        state,
        "funnel",
        state.say("funnel_no_step")
        if leak is None
        else state.say(
            "funnel_answer",
            period=cards.period_words(state),
            stage=leak.stage.name[state.lang],
            rate=percent(leak.step_rate, state.lang),
            lost=percent(1 - leak.step_rate, state.lang),  # type: ignore[operator]
        ),
    )
    if counted:
        st.altair_chart(charts.funnel_bars(made, state.lang, cards.ink()), key="funnel_bars")
    cards.findings(state, [*state.facts.findings, *made.findings])
    columns = ("stage", "stage_count", "stage_step", "stage_range", "stage_total", "stage_source")
    rows = [
        (
            stage.stage.name[state.lang],
            number(stage.count, state.lang),
            percent(stage.step_rate, state.lang),
            ""
            if stage.low is None
            else f"{percent(stage.low, state.lang)} – {percent(stage.high, state.lang)}",
            percent(stage.total_rate, state.lang, 2),
            state.sources(stage.sources),
        )
        for stage in made.stages
    ]
    st.table({state.say(name): [row[at] for row in rows] for at, name in enumerate(columns)})
    st.caption(state.say("funnel_note"))
    shown = [v for v in state.named().values() if v.definition.group is Group.CONVERSION]
    explain.row(state, shown, "funnel")


main()
