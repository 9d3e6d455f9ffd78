"""Where are the figures heading?"""

from functools import partial

import streamlit as st

from kpi_core import charts, trend, words
from kpi_core.model import Better, Period
from kpi_core.text import days, percent
from kpi_core.trend import Trend
from ui import cards, code, controls, explain, session
from ui.state import State

CUTS = ("month", "week", "day")


def main() -> None:
    """Answer, the month under way, every KPI of the plan over time."""
    state = session.current(st.session_state["lang"])
    by = session.kept("trend_by", "month")
    found = state.trends(by)
    code.takes("trend", by=by)
    cards.heading(state, "trend", _answer(state, found))
    cards.findings(state, [*state.facts.findings, *state.values().findings])
    if not found:
        st.info(state.say("trend_nothing"), icon=":material/info:")
        return
    _course(state)
    _over_time(state, found, by)
    known = state.named()
    explain.row(state, [known[own.kpi.id] for own in found if own.kpi.id in known], "trend")


def _answer(state: State, found: tuple[Trend, ...]) -> str:
    weakest = trend.least_likely(found)
    if weakest is None or weakest.month is None:
        return state.say("trend_too_short")
    reached, asked = trend.likely(found)
    month = weakest.month
    return state.say(
        "trend_answer",
        n=asked,
        reached=reached,
        month=days(month.first, month.last, state.lang),
        weakest=weakest.kpi.name[state.lang],
        chance=trend.chance_words(weakest.chance or 0.0, state.lang),
    )


# --- the month under way


def _course(state: State) -> None:
    month = trend.month_in_view(state.facts, state.period)
    if month is None:
        return
    st.header(state.say("trend_course"), help=state.say("trend_course_help"))
    held = state.facts.period.meets(month) if state.facts.period else None
    if held is None:
        held = month
    seen = _seen(state, month, held)
    courses = state.courses(month, seen)
    if not courses:
        name = days(month.first, month.last, state.lang)
        st.caption(cards.plain(state.say("trend_no_course", month=name)))
        return
    for course in courses:
        with st.container(border=True):
            st.markdown(cards.plain(trend.course_said(course, state.lang)))
            cards.chart(
                state,
                partial(charts.course_line, course, state.lang),
                cards.of_period(state, course.kpi.name[state.lang]),
                f"course.{course.kpi.id}",
            )


def _seen(state: State, month: Period, held: Period) -> object:
    """The last day to look at: the reader may go back in the month to try the forecast."""
    last = held.last.day
    if last < 2:
        return None
    key = f"trend_seen.{state.facts.digest[:16]}.{month}"
    day = st.slider(
        state.say("trend_seen"),
        1,
        last,
        help=state.say("trend_seen_help"),
        **session.remembered(key, min(session.kept(key, last), last)),
    )
    return month.first.replace(day=day)


# --- over time


def _over_time(state: State, found: tuple[Trend, ...], by: str) -> None:
    st.header(state.say("trend_over_time"))
    cut, compared = cards.abreast(2, "trend")
    with cut:
        st.segmented_control(
            state.say("trend_by"),
            CUTS,
            format_func=lambda by: state.say(f"trend_by_{by}"),
            required=True,
            **session.remembered("trend_by", by),
        )
    with compared:
        controls.compared(state)
    for place in range(0, len(found), 2):  # row by row: a phone shows them in this order
        for own, column in zip(found[place : place + 2], st.columns(2), strict=False):
            with column.container(border=True):
                _kpi(state, own)
    lacking = {*state.plan.kpis()} - {own.kpi.id for own in found}
    if lacking:
        names = ", ".join(sorted(state.plan.kpi(id).name[state.lang] for id in lacking))
        st.caption(cards.plain(state.say("scorecard_missing", kpis=names)))
    st.caption(state.say("trend_legend"))
    if by != "month":
        st.caption(state.say("trend_part_targets"))


def _kpi(state: State, own: Trend) -> None:
    """One KPI: its value in the period and its change, its line, what the next month may bring."""
    lang, value = state.lang, state.named().get(own.kpi.id)
    earlier = state.compared()
    moved = trend.moved(earlier.totals().get(own.kpi.id) if earlier else None, value)
    st.metric(
        cards.plain(own.kpi.name[lang]),
        words.kpi_figure(own.kpi, value.value if value else None, own.currency, lang),
        delta=cards.change(0, moved, lambda by: percent(by, lang)),
        delta_color="inverse" if own.kpi.better is Better.LOWER else "normal",
        help=state.say("trend_change_help"),
    )
    cards.chart(
        state,
        lambda ink: charts.trend_line(own, lang, ink),
        own.kpi.name[lang],
        f"trend.{own.kpi.id}",
    )
    if own.running:
        st.caption(cards.plain(trend.course_said(own.running, lang)))
        return
    if own.ahead is None:
        st.caption(state.say("trend_no_ahead"))
        return
    said = trend.ahead_said(own.kpi, own.ahead, own.currency, lang)
    st.caption(cards.plain(f"{said} {trend.kept_said(own.ahead.kept, lang)}"))


main()
