"""What would happen if ...?"""

from decimal import Decimal
from fractions import Fraction

import streamlit as st

from kpi_core import catalogue, charts, words
from kpi_core.drivers import Lever, profit_after_ads
from kpi_core.link import REACH
from kpi_core.model import Driver, Unit
from kpi_core.pay import Outcome, outcome
from kpi_core.text import money
from ui import cards, explain, levers, session
from ui.state import State

PERCENT = int(100 * REACH)  # that a lever moves either way


def main() -> None:
    """Answer, levers, what they change."""
    state = session.current(st.session_state["lang"])
    chosen, after = levers.whatif(state)
    base, new = (outcome(state.judged(), values) for values in (state.values(), after))
    _answer(state, base, new, moved=bool(chosen))
    measures = [state.model().rebuilt(moved) for moved in ({}, chosen)]
    _metrics(state, base, new, [profit_after_ads(rebuilt) for rebuilt in measures])
    levers_side, result_side = st.columns([2, 3])
    with levers_side:
        st.subheader(state.say("levers"), help=state.say("levers_help"))
        st.button(
            state.say("levers_reset"),
            on_click=session.guarded(levers.reset),
            icon=":material/undo:",
        )
        known = [driver for driver in state.business.drivers if state.model().drivers[driver.id]]
        for driver in known:
            if driver.main:
                _lever(state, driver)
        with st.expander(state.say("levers_more")):
            for driver in known:
                if not driver.main:
                    _lever(state, driver)
    with result_side:
        st.subheader(state.say("consequences"))
        chart = charts.changes(state.values(), after, state.lang, cards.ink())
        if chart is None:
            st.caption(state.say("nothing_moves"))
        else:
            st.altair_chart(chart, key="changes")
        _table(state, *measures)
        explain.row(state, state.named().values(), "whatif")


def _bonus(state: State, found: Outcome) -> str:
    bonus = found.paid.bonus if found.paid else None
    return money(bonus, state.plan.currency, state.lang)


def _answer(state: State, base: Outcome, new: Outcome, *, moved: bool) -> None:
    answer = (
        state.say(
            "whatif_answer",
            base=words.points(base.total, state.lang),
            score=words.points(new.total, state.lang),
            before=_bonus(state, base),
            bonus=_bonus(state, new),
        )
        if moved
        else state.say("whatif_still")
    )
    cards.heading(state, "whatif", answer)


def _metrics(state: State, base: Outcome, new: Outcome, profits: list[object]) -> None:
    total, bonus, profit = st.columns(3)
    total.metric(
        state.say("total_score"),
        words.points(new.total, state.lang),
        cards.change(base.total, new.total, lambda by: words.points(by, state.lang)),
    )
    bonuses = [found.paid.bonus if found.paid else None for found in (base, new)]
    bonus.metric(
        state.say("bonus_metric"),
        _bonus(state, new),
        cards.change(*bonuses, lambda by: money(by, state.plan.currency, state.lang)),
    )
    if new.blocked:
        bonus.caption(cards.plain(new.blocked.text(state.lang)))
    if profits[0] is not None:
        profit.metric(
            state.say("profit"),
            money(profits[1], state.plan.currency, state.lang, 0),
            cards.change(*profits, lambda by: money(by, state.plan.currency, state.lang, 0)),
            help=state.say("profit_help"),
        )


def _lever(state: State, driver: Driver) -> None:
    share = session.lever_shares().get(driver.id, Decimal(0))
    moved = Lever(by=Fraction(share)).moved(state.model().drivers[driver.id])
    decimals = 0 if driver.unit in (Unit.COUNT, Unit.SECONDS) else 2
    shown = words.figure(
        moved, driver.unit, state.lang, decimals=decimals, currency=state.plan.currency
    )
    st.slider(
        f"{driver.name[state.lang]}: {cards.plain(shown)}",
        -PERCENT,
        PERCENT,
        step=1,
        format="%+d%%",
        **session.widget(
            f"lever.{driver.id}",
            int(100 * share),
            lambda percent: levers.move(state.model(), driver.id, Decimal(percent) / 100),
        ),
    )


def _table(state: State, base: dict[str, object], new: dict[str, object]) -> None:
    """Measures before and after."""
    rows = []
    for id in (consequence.measure for consequence in state.business.consequences):
        if id not in base:
            continue
        measure = catalogue.measure(id)
        before, after = (
            words.figure(figure, measure.unit, state.lang, currency=state.plan.currency)
            for figure in (base[id], new[id])
        )
        rows.append((measure.name[state.lang], before, after))
    with st.expander(state.say("measures_table"), expanded=True):
        names = ("measure", "before", "after")
        st.table({state.say(name): [row[at] for row in rows] for at, name in enumerate(names)})


main()
