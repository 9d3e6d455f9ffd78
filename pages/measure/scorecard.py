"""How is marketing doing against the plan?"""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import streamlit as st

from kpi_core import catalogue, charts, words
from kpi_core.gates import check
from kpi_core.nearest import next_step, told
from kpi_core.pay import checked, outcome
from kpi_core.plan import Missing, with_phase
from kpi_core.rules import Bands
from kpi_core.score import Firmness, Scorecard, ScoredLine, earlier, firmness, score
from kpi_core.text import decimal_point, money, percent, percent_sign, rounded, say
from ui import cards, controls, explain, live, plans, session
from ui.state import State

MONTHS = 13  # of the small trend lines: a year and the same month before it


RESULT = "result"  # the place of what a weight changes
UNWEIGHED = "targets"  # the view in which weights do not count


def main() -> None:
    """Answer, total, weights, the matrix of KPIs, and one view: targets, change, firmness ..."""
    state = session.current(st.session_state["lang"])
    card, found = score(state.judged(), state.named()), _found(state)
    with st.container(gap=None, key="answer"):
        cards.question(state, "scorecard")
        live.feed(_found, found, _move)
    live.place(RESULT, found)
    title = state.say("chart_contributions")

    def drawn(ink: str) -> Any:
        return charts.contributions(card, state.lang, ink)

    if live.on():
        _weights(state, card)
        cards.take_along(state, drawn, cards.of_period(state, title), "contributions")
    else:
        cards.chart(state, drawn, cards.of_period(state, title), "contributions")
    values = state.values()
    cards.findings(state, [*state.facts.findings, *values.findings, *state.plan.remarks(values)])
    _limits(state)
    _matrix(state, card)
    views: dict[str, Callable[[], None]] = {
        UNWEIGHED: lambda: _targets(state, card),
        "why": lambda: _why(state, card),
        "firm": lambda: _firm(state, card),
        "phases": lambda: _phases(state),
    }
    controls.views(state, "scorecard", views)


def _found(state: State) -> live.Found:
    """What a weight changes."""
    plan, card = state.plan, score(state.judged(), state.named())
    then = earlier(plan, state.values(), state.compare)
    weighed = controls.viewed("scorecard", UNWEIGHED) != UNWEIGHED and plan.shares()
    around = state.on_example, state.unset(), plan.remarks(state.values()), weighed
    blocks = {RESULT: [_totals(state, card, then)]}
    return live.Found(_answer(state, card), blocks, _stands(state, card), around)


# --- the answer


def _answer(state: State, card: Scorecard) -> str:
    if card.total is None:
        return state.say("scorecard_no_total")
    lacking = ", ".join(state.plan.kpi(id).name[state.lang] for id in card.missing)
    said = _said(state, card)
    return f"{said} {state.say('scorecard_missing', kpis=lacking)}" if lacking else said


def _said(state: State, card: Scorecard) -> str:
    figures = {"period": cards.period_words(state), "score": words.points(card.total, state.lang)}
    if (lost := card.most_lost()) is None:
        return state.say("scorecard_full", **figures)
    return state.say("scorecard_answer", weakest=lost.judged.kpi.name[state.lang], **figures)


def _totals(state: State, card: Scorecard, then: Scorecard | None) -> live.Metrics:
    """The total with its grade and its change, the bonus it would earn."""
    lang = state.lang
    total = live.Metric(
        "score",
        state.say("total_score"),
        words.points(card.total, lang),
        cards.change(then.total if then else None, card.total, lambda by: words.points(by, lang)),
        "" if card.total is None else catalogue.grade(card.total).name[lang],
        state.say("total_help"),
    )
    paid = None if session.pay_hidden() else outcome(state.judged(), state.values()).paid
    currency, scheme = state.plan.currency, state.plan.scheme
    paying = ", ".join(state.plan.kpi(goal.kpi).name[lang] for goal in state.plan.paying())
    bonus = live.Metric(
        "bonus",
        state.say("bonus_by_score"),
        money(paid.bonus if paid else None, currency, lang),
        note=state.say("bonus_for_total")
        if scheme.by == "lines"
        else state.say("bonus_for", kpis=paying),
        help=state.say("bonus_by_score_help", scheme=state.say(f"scheme_{scheme.kind}")),
    )
    pay = live.Metric(
        "pay", state.say("bonus_to_pay"), money(paid.pay if paid else None, currency, lang)
    )
    return live.Metrics((total, bonus) if session.pay_hidden() else (total, bonus, pay))


# --- the weights


def _stands(state: State, card: Scorecard) -> live.Stands:
    """Where the weights stand, and what the browser needs to weigh the lines by itself."""
    plan, locked, shares = state.plan, session.locked(), state.plan.shares()
    rows = {
        kpi: live.Stand(int(rounded(100 * share, 0)), locked=kpi in locked)
        for kpi, share in shares.items()
    }
    weights = live.scales(card, plan.missing is Missing.BLOCK) | {
        "weights": {line.kpi: str(Fraction(line.weight)) for line in plan.lines},
        "locked": sorted(locked),
    }
    return live.Stands(rows, weights=weights)


def _weights(state: State, card: Scorecard) -> None:
    """Every line with the points it brings and the slider of its weight."""
    lang, rows = state.lang, []
    for line in card.lines:
        judged, kpi = line.judged, line.judged.kpi
        sign, word = cards.status_words(state, judged).split(maxsplit=1)
        row = live.Slider(
            kpi.id,
            kpi.name[lang],
            spoken=state.say("weight_of", kpi=kpi.name[lang]),
            low=0,
            high=100,
            step=1,
            unit=percent_sign(lang),
            help=kpi.why[lang],
            lock=state.say("weight_lock", kpi=kpi.name[lang]),
            sign=live.Sign(sign, word, judged.status),
        )
        rows.append(row)
    texts = {
        "points": say(lang, "charts.points_of", points="{points}", share="{share}"),
        "missing": say(lang, "charts.no_data"),
        "grades": [[str(own.mark), own.name[lang]] for own in catalogue.grades()],
    }
    content = live.Board((live.Group(rows),), decimal_point(lang), weights=texts)
    live.board("weights", content)
    st.caption(state.say("weights_help"))


def _move(kpi: str, how: str, value: int | bool) -> None:
    if how == "lock":
        session.lock(kpi, shut=bool(value))
    else:
        plans.move_share(kpi, int(value))


def _limits(state: State) -> None:
    """The limits and guard pairs that do not hold: they can stop a bonus whatever the score."""
    plan = state.judged()
    for item in check(plan, state.values()):
        if item.kept is False:
            told = checked(item, plan, state.lang)
            st.warning(cards.plain(f"{told.text}: {told.value}"), icon=":material/block:")


# --- the matrix


def _matrix(state: State, card: Scorecard) -> None:
    """Every KPI of the plan in one table, but for its weight; a figure clicked is explained."""
    history = state.history().by_kpi(MONTHS)
    rows = [_row(state, line, history.get(line.judged.goal.kpi, [])) for line in card.lines]
    chosen = st.dataframe(
        rows,
        hide_index=True,
        placeholder="—",
        on_select="rerun",
        selection_mode="single-cell",
        column_config={
            state.say("matrix_trend"): st.column_config.LineChartColumn(
                help=state.say("matrix_trend_help", n=MONTHS)
            ),
            state.say("matrix_kpi"): st.column_config.TextColumn(pinned=True),
        },
        key=f"matrix:{state.lang}",
    )
    st.caption(state.say("channels_select"))
    cells = chosen["selection"]["cells"]
    if cells and cells[0][0] < len(card.lines):
        judged = card.lines[cells[0][0]].judged
        with st.container(border=True):
            st.caption(cards.plain(judged.kpi.name[state.lang]))
            explain.content(state, judged.value)


def _row(state: State, line: ScoredLine, history: list[float | None]) -> dict[str, object]:
    judged, lang, currency = line.judged, state.lang, state.plan.currency
    goal, kpi, value = judged.goal, judged.kpi, judged.value
    target, base = (words.planned(kpi, own, currency, lang) for own in (goal.target, goal.base))
    return {
        state.say("matrix_kpi"): kpi.name[lang],
        state.say("matrix_status"): cards.status_words(state, judged),
        state.say("matrix_actual"): words.judged_figure(
            goal, kpi, value.value, value.currency, lang
        ),
        state.say("target"): target,
        state.say("attainment"): words.attainment(judged.attainment, goal.rule, lang),
        state.say("step_score"): words.coefficient(judged.score, lang),
        state.say("matrix_trend"): history,
        state.say("matrix_interval"): words.interval(value, lang),
        state.say("matrix_base"): base,
    }


# --- the views


def _targets(state: State, card: Scorecard) -> None:
    """Every line with its target, and the rule of one of them."""
    columns = st.columns(2)
    for position, line in enumerate(card.lines):
        with columns[position % 2].container(border=True):
            _line(state, line)
    _rule(state, card)


def _line(state: State, line: ScoredLine) -> None:
    """One KPI: value against target, and its target."""
    judged, lang = line.judged, state.lang
    kpi = judged.kpi
    with st.container(horizontal=True, horizontal_alignment="distribute", gap="small"):
        name, why = cards.plain(kpi.name[lang]), cards.plain(kpi.why[lang])
        st.markdown(f"**{name}**", help=why, width="content")
        cards.status(state, judged)
    value = words.kpi_figure(kpi, judged.value.value, judged.value.currency, lang)
    reached = words.attainment(judged.attainment, judged.goal.rule, lang)
    figure, why = st.columns([6, 1], vertical_alignment="center")
    figure.markdown(
        state.say("line_value", value=f"**{cards.plain(value)}**", reached=cards.plain(reached)),
        help=cards.plain(_explained(state, line)),
    )
    with why:
        explain.button(state, judged.value, "scorecard")
    if step := next_step(judged, state.plan):
        st.caption(cards.plain(told(step, judged, state.plan.currency, lang)))
    if not live.on():
        controls.weight(state, kpi.id)
    controls.target(
        state,
        kpi,
        judged.goal,
        f"target.{kpi.id}",
        lambda value: plans.set_target(kpi.id, value, state.values().period),
    )


def _explained(state: State, line: ScoredLine) -> str:
    """What the value was made of, and its interval: nothing that a weight changes."""
    value, lang = line.judged.value, state.lang
    said = [words.made_of(value, lang)]
    if value.low is not None:
        said.append(state.say("interval", interval=words.interval(value, lang)))
    return ". ".join(said)


def _rule(state: State, card: Scorecard) -> None:
    """The rule of one KPI: its boundaries, their sides, and where one stands on it."""
    st.header(state.say("rules"), help=state.say("rules_help"))
    lines = {line.judged.goal.kpi: line.judged for line in card.lines}
    chosen = st.selectbox(
        state.say("rule_of"),
        list(lines),
        format_func=lambda id: state.plan.kpi(id).name[state.lang],
        key=f"rule_of.{state.plan.business}:{state.lang}",
    )
    judged = lines[chosen]
    rule, kpi = judged.goal.rule, judged.kpi
    editor, drawn = st.columns([3, 2])
    with editor:
        controls.rule_editor(
            state,
            rule,
            f"rule.{chosen}",
            lambda rule: plans.set_line(chosen, rule=rule),
            kpi=kpi,
            target=judged.goal.target,
        )
        if not isinstance(rule, Bands):
            st.button(
                state.say("rule_for_all"),
                on_click=session.guarded(plans.same_rule_for_all, chosen),
                icon=":material/content_copy:",
            )
    with drawn:
        cards.rule(state, judged)


def _why(state: State, card: Scorecard) -> None:
    """What each KPI did to the total since the days it is compared with."""
    controls.compared(state)
    then, compared = earlier(state.plan, state.values(), state.compare), state.compared()
    if then is None or then.total is None or card.total is None or compared is None:
        st.info(state.say("why_nothing"), icon=":material/info:")
        return
    moved = words.moved_points(card.total - then.total, state.lang)
    days = cards.days_words(state, compared.period)
    said = "why_same" if card.total == then.total else "why_total"
    st.markdown(f"**{cards.plain(state.say(said, moved=moved, days=days))}**")
    title = cards.of_period(state, state.say("scorecard_view_why"))
    cards.chart(
        state, lambda ink: charts.waterfall(then, card, state.lang, ink), title, "waterfall"
    )
    lacking = sorted({*then.missing} ^ {*card.missing})
    if lacking:
        names = ", ".join(state.plan.kpi(id).name[state.lang] for id in lacking)
        st.caption(cards.plain(state.say("why_uneven", kpis=names)))


def _firm(state: State, card: Scorecard) -> None:
    """Within which shares of weight the grade stays."""
    if card.total is None:
        st.info(state.say("scorecard_no_total"), icon=":material/info:")
        return
    marks = [grade.mark for grade in catalogue.grades()]
    grade = catalogue.grade(card.total).name[state.lang]
    st.markdown(cards.plain(state.say("firm_about", grade=grade)))
    firm = firmness(card, marks)
    st.dataframe(
        [_firm_row(state, own) for own in firm],
        hide_index=True,
        key="firmness",
    )


def _firm_row(state: State, firm: Firmness) -> dict[str, str]:
    lang = state.lang
    least, most = firm.shares()
    holds = (
        state.say("firm_always")
        if least == 0 and most == 1
        else state.say("firm_between", least=percent(least, lang), most=percent(most, lang))
    )
    return {
        state.say("matrix_kpi"): firm.line.judged.kpi.name[lang],
        state.say("matrix_share"): percent(firm.line.share, lang),
        state.say("firm_range"): holds,
    }


def _phases(state: State) -> None:
    """The weights of each phase of growth side by side, and the total under each of them."""
    st.caption(state.say("phases_about"))
    lang, known = state.lang, state.known()
    phases = list(catalogue.phases().values())
    judged = [score(with_phase(state.judged(), phase), known) for phase in phases]
    table: dict[str, list[str]] = {state.say("matrix_kpi"): [], state.say("step_score"): []}
    for line in judged[0].lines:
        table[state.say("matrix_kpi")].append(line.judged.kpi.name[lang])
        table[state.say("step_score")].append(words.coefficient(line.judged.score, lang))
    table[state.say("matrix_kpi")].append(state.say("total_score"))
    table[state.say("step_score")].append("")
    for phase, card in zip(phases, judged, strict=True):
        weights = [words.coefficient(line.weight, lang) for line in card.lines]
        table[state.say("phase_number", number=phase.number)] = [
            *weights,
            words.points(card.total, lang),
        ]
    st.dataframe(table, hide_index=True, key="phases")
    for phase in phases:
        about, take = st.columns([5, 2], vertical_alignment="center")
        origin = state.say(f"phase_{phase.origin}")
        about.markdown(f"**{cards.plain(phase.name[lang])}** ({origin}). {phase.about[lang]}")
        take.button(
            state.say("phase_take"),
            key=f"phase.{phase.id}",
            on_click=session.guarded(plans.take_phase, phase),
            icon=":material/tune:",
        )


main()
