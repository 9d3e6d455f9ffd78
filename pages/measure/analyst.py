"""How did the analyst do with the reports?"""

from typing import Any

import pandas as pd
import streamlit as st

from kpi_core import words
from kpi_core.ingest.work import reports, unjudged
from kpi_core.score import Scorecard, score
from kpi_core.text import day, days, number, percent
from ui import cards, explain, session
from ui.session import ALL_DAYS
from ui.state import State

_FLAGS = ("late", "over_norm", "returned")


def main() -> None:
    """Answer, total, the three shares, what cannot be judged, the reports one by one."""
    state = session.analyst(st.session_state["lang"])
    card = score(state.plan, state.named())
    cards.heading(state, "analyst", _answer(state, card))
    if state.sample:
        st.caption(state.say("analyst_on_sample"))
    total, period = st.columns([2, 3])
    total.metric(
        state.say("total_score"), words.points(card.total, state.lang), help=state.say("total_help")
    )
    with period:
        _period(state)
    _shares(state, card)
    found = reports(_registers(state, card), state.period)
    _unjudged(state, found)
    told = [finding for upload in state.uploads for finding in upload.findings]
    cards.findings(state, [*told, *state.facts.findings, *state.values().findings])
    if len(found):
        st.header(state.say("analyst_reports"))
        st.dataframe(_table(state, found), hide_index=True, key="reports")
    explain.row(state, [line.judged.value for line in card.lines], "analyst")


def _answer(state: State, card: Scorecard) -> str:
    if card.total is None:
        return state.say("analyst_no_total")
    figures = {"period": cards.period_words(state), "score": words.points(card.total, state.lang)}
    lacking = ", ".join(state.plan.kpi(id).name[state.lang] for id in card.missing)
    lost = card.most_lost()
    said = (
        state.say("analyst_full", **figures)
        if lost is None
        else state.say("analyst_answer", weakest=lost.judged.kpi.name[state.lang], **figures)
    )
    return f"{said} {state.say('scorecard_missing', kpis=lacking)}" if lacking else said


def _period(state: State) -> None:
    spans = {f"{month.first}..{month.last}": month for month in state.facts.months()}
    chosen = str(state.period) if state.period else ALL_DAYS
    if state.period:
        spans.setdefault(chosen, state.period)

    def name(id: str) -> str:
        return days(spans[id].first, spans[id].last, state.lang) if id in spans else all_days

    all_days = state.say("all_days")
    st.selectbox(
        state.say("period"),
        [ALL_DAYS, *spans],
        format_func=name,
        **session.widget(
            f"role_period.{state.facts.digest[:16]}", chosen, session.choose_role_period
        ),
    )


def _shares(state: State, card: Scorecard) -> None:
    """The three KPIs: share and what it is made of, band, score, weight, points."""
    for column, line in zip(st.columns(len(card.lines)), card.lines, strict=True):
        judged, kpi, lang = line.judged, line.judged.kpi, state.lang
        with column.container(border=True):
            st.markdown(f"**{cards.plain(kpi.name[lang])}**", help=cards.plain(kpi.why[lang]))
            cards.status(state, judged)
            if judged.value.value is None:
                st.markdown(state.say("analyst_no_share"))
                continue
            share = words.judged_figure(judged.goal, kpi, judged.value.value, None, lang)
            st.markdown(
                cards.plain(
                    state.say(
                        "analyst_made_of", share=share, made_of=words.made_of(judged.value, lang)
                    )
                )
            )
            said = {
                "analyst_band": words.landed(judged.goal.rule, kpi, judged.value.value, lang),
                "analyst_score": words.coefficient(judged.score, lang),
                "analyst_weight": percent(line.share, lang),
                "analyst_points": words.points(line.points, lang),
            }
            st.table({state.say("analyst_kpi"): list(map(state.say, said)), "": [*said.values()]})
    st.caption(state.say("analyst_about"))


def _registers(state: State, card: Scorecard) -> list[pd.DataFrame]:
    """The registers that the shares were heard from; all of them where there is no share."""
    inputs = [given for line in card.lines for given in line.judged.value.inputs.values()]
    heard = {source for given in inputs for source in given.sources}
    tables = [table for upload in state.uploads for table in upload.tables]
    return [table.facts for table in tables if not heard or table.source in heard]


def _unjudged(state: State, found: pd.DataFrame) -> None:
    """How many reports cannot be judged in some way, and why."""
    st.header(state.say("analyst_unjudged"))
    reasons = unjudged(found)
    if not reasons:
        st.markdown(state.say("analyst_unjudged_none"))
        return
    st.table(
        {
            state.say("analyst_reason"): [state.say(f"analyst_reason_{id}") for id in reasons],
            state.say("analyst_tasks"): [number(n, state.lang) for n in reasons.values()],
        }
    )


def _table(state: State, found: pd.DataFrame) -> pd.DataFrame:
    """The reports in words, the late ones first."""
    lines = zip(found.index, found["line"], strict=True)
    shown: dict[str, list[Any]] = {
        "task": [
            state.say("analyst_line", n=int(line)) if line else f"{key:x}"[:8]
            for key, line in lines
        ],
        "kind": [state.say(f"analyst_kind_{kind}") if kind else "—" for kind in found["kind"]],
        "due": [_day(state, at) for at in found["due"]],
        "done": [_day(state, at) for at in found["done"]],
        "days_late": [_figure(state, value) for value in found["days_late"]],
        "norm": [_figure(state, value, 2) for value in found["hours_planned"]],
        "spent": [_figure(state, value, 2) for value in found["hours_spent"]],
    }
    for flag in _FLAGS:
        shown[flag] = [
            "—" if pd.isna(value) else state.say("analyst_yes" if value else "analyst_no")
            for value in found[flag]
        ]
    return pd.DataFrame({state.say(f"analyst_{id}"): cells for id, cells in shown.items()})


def _day(state: State, at: pd.Timestamp) -> str:
    return "—" if pd.isna(at) else day(at.date(), state.lang)


def _figure(state: State, value: float, decimals: int = 0) -> str:
    return number(None if pd.isna(value) else value, state.lang, decimals)


main()
