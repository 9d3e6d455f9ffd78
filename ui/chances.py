"""What chance may bring: the months ahead through to bonus and profit, and which driver matters."""

import math
from collections.abc import Callable, Mapping

import streamlit as st

from kpi_core import charts, words
from kpi_core.errors import KpiError
from kpi_core.formula import Array
from kpi_core.incentive import driver_words
from kpi_core.model import month_of
from kpi_core.plan import Plan
from kpi_core.sensitivity import OUTCOMES
from kpi_core.simulate import (
    HIGH,
    LOW,
    SEED,
    Simulated,
    ahead_said,
    basis_said,
    beside,
    beside_said,
    bonus_said,
    chance_said,
    converging,
    drawn_said,
    quantile,
    step_said,
    sum_said,
    together_said,
)
from kpi_core.text import exact, money, number, say
from kpi_core.uncertainty import Uncertain, Z
from ui import cards, replayed, session
from ui.levers import LEGEND
from ui.state import State

_AHEAD = (1, 2, 3, 6, 12)  # months
_USUAL = 3
_SPREAD = {"low": LOW, "likely": 0.5, "high": HIGH}


def view(state: State) -> None:
    """The distribution of the bonus, the chance of every target, the months ahead, two rules."""
    st.caption(state.say("chance_about"))
    _stand(state)
    offered = _rules(state)
    first, second, third = st.columns(3)
    with first:
        ahead = _ahead(state)
    with second:
        seed = _seed(state)
    with third:
        other = _other(state, offered)
    plans = {state.say("replay_now"): state.plan} | ({other: offered[other]} if other else {})
    try:
        with st.spinner(state.say("chance_drawing")):
            chances, both = state.simulated(plans, session.levers(), ahead=ahead, seed=seed)
    except KpiError as refused:
        st.warning(cards.plain(refused.text(state.lang)), icon=":material/pause_circle:")
        return
    found, *others = both.values()
    st.markdown(f"**{cards.plain(bonus_said(found, 0, state.lang))}**")
    for own in others:
        _beside(state, found, own)
    _steps(state, found)
    _targets(state, found)
    _fan(state, found)
    st.caption(cards.plain(drawn_said(found, state.lang)))
    for said in (*ahead_said(chances, state.lang), together_said(chances, state.lang)):
        st.caption(cards.plain(said))
    _spreads(state, chances)
    _converging(state, found)


def _stand(state: State) -> None:
    """That the levers as they stand are counted in, if any is moved."""
    moved = session.levers().levers
    if moved:
        st.caption(state.say("chance_levers", n=len(moved)))


def _ahead(state: State) -> int:
    """How many months; of days that are no month, as many days again."""
    period = state.values().period
    if period is None or period != month_of(period.first):
        return 1
    months: int = st.selectbox(
        state.say("chance_ahead"),
        _AHEAD,
        **session.remembered("chance.ahead", session.kept("chance.ahead", _USUAL)),
    )
    return months


def _seed(state: State) -> int:
    seed: int = st.number_input(
        state.say("chance_seed"),
        min_value=0,
        max_value=10**9,
        step=1,
        help=state.say("chance_seed_help"),
        **session.remembered("chance.seed", session.kept("chance.seed", SEED)),
    )
    return seed


def _rules(state: State) -> Mapping[str, Plan]:
    """Other rules whose KPIs are at hand: schemes of the plan, plans that were put aside."""
    known = state.named()
    return {
        name: plan
        for name, plan in replayed.rules(state).items()
        if plan != state.plan
        and plan.business == state.plan.business
        and known.keys() >= set(plan.shown_kpis())
    }


def _other(state: State, offered: Mapping[str, Plan]) -> str:
    kept = session.kept("chance.beside", "")
    other: str = st.selectbox(
        state.say("chance_beside"),
        ["", *offered],
        format_func=lambda name: name or state.say("chance_beside_none"),
        **session.remembered("chance.beside", kept if kept in offered else ""),
    )
    return other


def _beside(state: State, one: Simulated, other: Simulated) -> None:
    """What the other rule pays in the very same months."""
    found = beside(one, other)
    if found is None:
        st.warning(cards.plain(bonus_said(other, 0, state.lang)), icon=":material/help:")
        return
    said = beside_said(found, (one.name, other.name), one.plan.currency, state.lang)
    st.markdown(cards.plain(said))
    for column, own in zip(st.columns(2), (one, other), strict=True):
        with column:
            st.markdown(f"**{cards.plain(own.name)}**")
            _chances(state, own, f"chance.beside.{own.name}")


def _chances(state: State, own: Simulated, key: str) -> None:
    """How likely which bonus is in the first month, as a chart."""
    title = f"{state.say('chance_steps')} · {own.name}"
    cards.chart(state, lambda ink: charts.bonus_chances(own, 0, state.lang, ink), title, key)


def _steps(state: State, found: Simulated) -> None:
    """How likely which bonus is in the first month."""
    steps = found.steps()
    if not steps:
        return
    lang, currency = state.lang, found.plan.currency
    st.header(state.say("chance_steps"))
    drawn, told = st.columns([3, 2])
    with drawn:
        _chances(state, found, "chance.steps")
    told.table(
        {
            say(lang, "simulate.bonus"): [step_said(own, currency, lang) for own in steps],
            say(lang, "simulate.chance"): [chance_said(own.chance, lang) for own in steps],
        }
    )


def _figures(state: State, found: Simulated) -> dict[str, tuple[str, Array, Callable[..., str]]]:
    """Every figure that is drawn: its name, its draws, and how it is written."""
    lang, currency = state.lang, found.plan.currency

    def known(shown: Callable[[float], str]) -> Callable[[float], str]:
        return lambda figure: "—" if math.isnan(figure) else shown(figure)

    def of_money(figure: float) -> str:
        return money(figure, currency, lang, 0)

    def of_kpi(id: str) -> Callable[[float], str]:
        kpi = found.plan.kpi(id)
        return known(lambda figure: words.kpi_figure(kpi, exact(figure), currency, lang))

    sums = {
        "bonus": found.results.bonus,
        "profit_after_ads": found.results.profit_after_ads,
        "profit_after_pay": found.profit,
    }
    score = (found.results.total, known(lambda figure: words.points(exact(figure), lang)))
    return {
        **{id: (say(lang, f"simulate.{id}"), own, known(of_money)) for id, own in sums.items()},
        "total": (say(lang, "simulate.total"), *score),
        **{
            f"kpi.{id}": (found.plan.kpi(id).name[lang], own, of_kpi(id))
            for id, own in found.results.kpis.items()
        },
    }


def _targets(state: State, found: Simulated) -> None:
    """Low, likely and high of every figure, and how likely each target is reached."""
    lang = state.lang
    st.header(state.say("chance_targets"))
    rows = []
    for key, (name, draws, shown) in _figures(state, found).items():
        id = key.removeprefix("kpi.")
        target = found.targets.get(id, (None,))[0] if key != id else None
        chance = found.reached(id) if key != id else None
        rows.append(
            [
                name,
                *(shown(quantile(draws[0], share).value) for share in _SPREAD.values()),
                "" if target is None else shown(target),
                chance_said(chance, lang) if chance else "",
            ]
        )
    heads = [state.say("figure")]
    heads += [say(lang, f"simulate.{key}") for key in (*_SPREAD, "target", "reached")]
    st.dataframe(
        {head: [row[at] for row in rows] for at, head in enumerate(heads)},
        hide_index=True,
        column_config={heads[0]: st.column_config.TextColumn(pinned=True)},
        key="chance.targets",
    )
    st.caption(say(lang, "simulate.ends"))


def _fan(state: State, found: Simulated) -> None:
    """One figure over the months ahead."""
    figures = _figures(state, found)
    st.header(state.say("chance_fan"))
    kept = session.kept("chance.figure", "bonus")
    chosen = st.selectbox(
        state.say("chance_figure"),
        list(figures),
        format_func=lambda key: figures[key][0],
        label_visibility="collapsed",
        **session.remembered("chance.figure", kept if kept in figures else "bonus"),
    )
    name, draws, shown = figures[chosen]
    cards.chart(
        state,
        lambda ink: charts.fan(found, draws, shown, state.lang, ink),
        f"{state.say('chance_fan')}: {name}",
        "chance.fan",
    )


def _spreads(state: State, chances: Uncertain) -> None:
    """What each driver may be, and where that is known from."""
    lang = state.lang
    keys = ("driver", "now", "low", "likely", "high", "basis")
    rows = []
    for own in chances.moved(session.levers().moved()).drivers:
        driver = chances.model.by_id[own.driver]
        ends = (own.now, *own.quantiles(-Z, 0, Z)[0].tolist())
        shown = (driver_words(driver, exact(end), state.plan.currency, lang) for end in ends)
        rows.append([driver.name[lang], *shown, basis_said(own, lang)])
    with st.expander(state.say("chance_drivers"), icon=":material/casino:"):
        st.dataframe(
            {say(lang, f"simulate.{key}"): [r[at] for r in rows] for at, key in enumerate(keys)},
            hide_index=True,
            key="chance.drivers",
        )


def _converging(state: State, found: Simulated) -> None:
    """How the mean settles as draws are added."""
    lang = state.lang
    counts = converging(found.results.bonus[0])
    if not counts:
        return
    with st.expander(state.say("chance_converging"), icon=":material/query_stats:"):
        st.table(
            {
                say(lang, "simulate.draws"): [number(count, lang) for count, _ in counts],
                say(lang, "simulate.mean_bonus"): [
                    cards.plain(sum_said(own, found.plan.currency, lang)) for _, own in counts
                ],
            }
        )


# --- what matters


def matters(state: State) -> None:
    """Each driver low and high, and its share in the variance."""
    st.caption(state.say("matters_about"))
    _stand(state)
    first, second = st.columns([3, 1])
    outcome = first.segmented_control(
        state.say("matters_outcome"),
        list(OUTCOMES),
        format_func=lambda id: say(state.lang, f"simulate.{id}"),
        required=True,
        **session.remembered("matters.outcome", session.kept("matters.outcome", "bonus")),
    )
    with second:
        seed = _seed(state)
    try:
        with st.spinner(state.say("chance_drawing")):
            found = state.sensitivity(session.levers(), seed=seed)
    except KpiError as refused:
        st.warning(cards.plain(refused.text(state.lang)), icon=":material/pause_circle:")
        return
    lang, currency = state.lang, state.plan.currency
    st.header(state.say("matters_tornado"))
    drawn = cards.chart(
        state,
        lambda ink: charts.tornado_bars(
            found.swings, outcome, found.chances, currency, lang, ink=ink
        ),
        state.say("matters_tornado"),
        "matters.tornado",
        legend=LEGEND,
    )
    if drawn:
        st.caption(say(lang, "simulate.ends"))
    else:
        st.info(state.say("matters_none"), icon=":material/info:")
    st.header(state.say("matters_shares"))
    shares = found.shares.get(outcome, ())
    drawn = cards.chart(
        state,
        lambda ink: charts.share_bars(shares, found.chances, lang, ink),
        state.say("matters_shares"),
        "matters.shares",
        legend=LEGEND,
    )
    if not drawn:
        st.info(state.say("matters_no_shares"), icon=":material/info:")
        return
    st.caption(say(lang, "simulate.alone"))
    heads = ("driver", "share_alone", "share_in_all")
    rows = sorted(shares, key=lambda own: -own.in_all.value)
    cells = [
        (
            found.chances.model.by_id[own.driver].name[lang],
            chance_said(own.alone, lang),
            chance_said(own.in_all, lang),
        )
        for own in rows
    ]
    with st.expander(state.say("matters_table"), icon=":material/table:"):
        st.table(
            {say(lang, f"simulate.{head}"): [row[at] for row in cells]
             for at, head in enumerate(heads)}
        )  # fmt: skip
