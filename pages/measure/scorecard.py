"""How is marketing doing against the plan?"""

import streamlit as st

from kpi_core import catalogue, charts, words
from kpi_core.pay import outcome
from kpi_core.plan import changed
from kpi_core.rules import Bands
from kpi_core.score import Scorecard, ScoredLine, score
from kpi_core.text import money
from ui import cards, controls, session
from ui.session import State


def main() -> None:
    """Answer, total, one card a KPI, the rule of one of them."""
    state = session.current(st.session_state["lang"])
    card, currency = score(state.plan, state.named()), state.plan.currency
    cards.heading(state, "scorecard", _answer(state, card))
    total, bonus, chart = st.columns([2, 3, 6])
    total.metric(
        state.say("total_score"), words.points(card.total, state.lang), help=state.say("total_help")
    )
    scheme = session.schemes(state.plan)["scorecard"]
    paid = outcome(changed(state.plan, scheme=scheme), state.values()).paid
    bonus.metric(
        state.say("bonus_by_score"),
        money(paid.bonus if paid else None, currency, state.lang),
        help=state.say("bonus_by_score_help", fund=money(scheme.fund, currency, state.lang)),
    )
    chart.altair_chart(charts.contributions(card, state.lang, cards.ink()), key="contributions")
    cards.findings(state, [*state.facts.findings, *state.values().findings])
    st.subheader(state.say("weights"), help=state.say("weights_help"))
    columns = st.columns(2)
    for position, line in enumerate(card.lines):
        with columns[position % 2].container(border=True):
            _line(state, line)
    _rule(state)


def _answer(state: State, card: Scorecard) -> str:
    if card.total is None:
        return state.say("scorecard_no_total")
    lacking = ", ".join(catalogue.kpi(id).name[state.lang] for id in card.missing)
    said = _said(state, card)
    return f"{said} {state.say('scorecard_missing', kpis=lacking)}" if lacking else said


def _said(state: State, card: Scorecard) -> str:
    figures = {"period": cards.period_words(state), "score": words.points(card.total, state.lang)}
    if (lost := card.most_lost()) is None:
        return state.say("scorecard_full", **figures)
    kpi = catalogue.kpi(lost.judged.goal.kpi)
    return state.say("scorecard_answer", weakest=kpi.name[state.lang], **figures)


def _line(state: State, line: ScoredLine) -> None:
    """One KPI: value against target, its weight, its target."""
    judged, lang = line.judged, state.lang
    kpi = catalogue.kpi(judged.goal.kpi)
    name, badge = st.columns([3, 2], vertical_alignment="center")
    name.markdown(f"**{cards.plain(kpi.name[lang])}**", help=cards.plain(kpi.why[lang]))
    with badge:
        cards.status(state, judged)
    value = words.kpi_figure(kpi, judged.value.value, judged.value.currency, lang)
    reached = words.attainment(judged.attainment, judged.goal.rule, lang)
    st.markdown(
        state.say("line_value", value=f"**{cards.plain(value)}**", reached=cards.plain(reached)),
        help=cards.plain(_explained(state, line)),
    )
    weight, target = st.columns([3, 2], vertical_alignment="bottom")
    with weight:
        controls.weight(state, kpi.id, line.weight, line.share)
    with target:
        controls.target(
            state,
            kpi,
            judged.goal,
            f"target.{kpi.id}",
            lambda value: session.set_line(kpi.id, target=value),
        )


def _explained(state: State, line: ScoredLine) -> str:
    """What the value was made of, its interval and what it earned."""
    value, kpi = line.judged.value, catalogue.kpi(line.judged.goal.kpi)
    said = [words.made_of(value, state.lang)]
    if value.low is not None and value.high is not None:
        low, high = (
            words.kpi_figure(kpi, bound, value.currency, state.lang)
            for bound in (value.low, value.high)
        )
        said.append(state.say("interval", low=low, high=high))
    if line.points is not None:
        said.append(
            state.say(
                "line_points",
                score=words.coefficient(line.judged.score, state.lang),
                points=words.points(line.points, state.lang),
            )
        )
    return ". ".join(said)


def _rule(state: State) -> None:
    """The rule of one KPI, with its boundaries and their sides."""
    st.subheader(state.say("rules"), help=state.say("rules_help"))
    lines = {line.kpi: line for line in state.plan.lines}
    chosen = st.selectbox(
        state.say("rule_of"),
        list(lines),
        format_func=lambda id: catalogue.kpi(id).name[state.lang],
        key=f"rule_of.{state.plan.business}:{state.lang}",
    )
    line, kpi = lines[chosen], catalogue.kpi(chosen)
    editor, table = st.columns([3, 2])
    with editor:
        controls.rule_editor(
            state,
            line.rule,
            f"rule.{chosen}",
            lambda rule: session.set_line(chosen, rule=rule),
        )
        if not isinstance(line.rule, Bands):
            st.button(
                state.say("rule_for_all"),
                on_click=session.guarded(session.same_rule_for_all, chosen),
                icon=":material/content_copy:",
            )
    table.table(
        {
            state.say("attainment"): [
                where for where, _ in words.segments(line.rule, kpi, state.lang)
            ],
            state.say("step_score"): [
                earns for _, earns in words.segments(line.rule, kpi, state.lang)
            ],
        }
    )


main()
