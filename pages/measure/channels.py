"""Which channels are worth their money?"""

from itertools import cycle

import pandas as pd
import streamlit as st

from kpi_core import charts, words
from kpi_core.channels import Channels, Part, Worth, cuts
from kpi_core.kpis import KpiValue
from kpi_core.text import number
from kpi_core.traffic import Judgement, Verdict
from ui import cards, code, explain, session
from ui.state import State

BY = "channels.by"
NAMED = 3  # parts that the answer names
BADGES = {
    Verdict.EMPTY: (":material/block:", "red"),
    Verdict.SUSPICIOUS: (":material/warning:", "orange"),
    Verdict.NOT_ENOUGH: (":material/help:", "gray"),
    Verdict.FINE: (":material/check_circle:", "green"),
}
SIGNS = {
    Worth.PAYS: "✓",
    Worth.LOSES: "✗",
    Worth.UNSURE: "◐",
    Worth.NOT_ENOUGH: "?",
    Worth.NO_RETURN: "?",
    Worth.NO_SPEND: "–",
}


def main() -> None:
    """Answer, return as a chart, table, empty traffic."""
    state = session.current(st.session_state["lang"])
    offered = cuts(state.facts)
    if not offered:
        cards.heading(state, "channels", state.say("channels_nothing"))
        return
    chosen = session.kept(BY, offered[0])
    by = chosen if chosen in offered else offered[0]
    made = state.cut(by)
    code.takes("channels", by=by)
    cards.heading(state, "channels", _answer(state, made))
    st.segmented_control(
        state.say("channels_by"),
        list(offered),
        format_func=lambda id: words.cut(id, state.lang),
        required=True,
        **session.remembered(BY, by),
    )
    cards.findings(state, made.findings)
    _returns(state, made)
    _table(state, made)
    _traffic(state, made)


def _answer(state: State, made: Channels) -> str:
    said = _worth(state, made) or _cheapest(state, made)
    said = said or state.say("channels_no_answer", by=words.cut(made.by, state.lang))
    return state.say("channels_answer", period=cards.period_words(state), said=said)


def _worth(state: State, made: Channels) -> str:
    """What pays, what loses money, what cannot be told: the first of each by name."""
    said = []
    for worth in (Worth.PAYS, Worth.LOSES, Worth.UNSURE):
        parts = [part for part in made.ranked() if part.worth is worth]
        if worth is Worth.LOSES:
            parts = parts[::-1]  # the worst first
        names = [f"{_name(state, made, part)} ({_return(state, part)})" for part in parts[:NAMED]]
        if names:
            more = ", …" if parts[NAMED:] else ""
            said.append(state.say(f"channels_{worth}", names=", ".join(names) + more))
    return " ".join(said)


def _cheapest(state: State, made: Channels) -> str:
    parts = made.cheapest()
    if not parts or made.cost is None:
        return ""
    best, worst = parts[0], parts[-1]
    said = state.say(
        "channels_cheapest",
        by=words.cut(made.by, state.lang),
        name=_name(state, made, best),
        cost=_figure(state, best.values[made.cost]),
        kpi=best.values[made.cost].definition.name[state.lang],
    )
    if worst is best:
        return said
    dearest = {"name": _name(state, made, worst), "cost": _figure(state, worst.values[made.cost])}
    return f"{said} {state.say('channels_dearest', **dearest)}"


def _name(state: State, made: Channels, part: Part) -> str:
    return words.slice_name(made.by, part.slice, state.lang)


def _figure(state: State, value: KpiValue) -> str:
    return words.kpi_figure(value.definition, value.value, value.currency, state.lang)


def _return(state: State, part: Part) -> str:
    return f"ROMI {_figure(state, part.returned)}" if part.returned else ""


def _returns(state: State, made: Channels) -> None:
    """What the money brought, part by part, as a chart."""
    if not made.ranked():
        by = words.cut(made.by, state.lang)
        st.info(state.say("channels_no_return", by=by), icon=":material/info:")
        return
    value = made.ranked()[0].returned
    variant = value.definition.variant(value.variant).name[state.lang] if value else ""
    said = state.say("channels_return", variant=variant)
    st.header(cards.plain(said), help=state.say("channels_return_help"))
    cards.chart(
        state,
        lambda ink: charts.returns(made, state.lang, ink),
        cards.of_period(state, said),
        "channel_returns",
    )


def _table(state: State, made: Channels) -> None:
    """The figures; a cell that is clicked is explained below."""
    st.header(state.say("channels_table"), help=state.say("channels_table_help"))
    parts = (*made.parts, made.total)
    frame = pd.DataFrame(index=range(len(parts)))
    shown, meant = {}, {}
    lang = state.lang

    def put(name: str, figures: list[object], texts: list[str], what: object) -> None:
        frame[name] = figures
        shown[name], meant[name] = texts, what

    names = [_name(state, made, part) for part in parts]
    put(state.say("channels_part"), names, names, None)
    said = [f"{SIGNS[p.worth]} {words.worth(p.worth, lang)}" for p in made.parts] + [""]
    put(state.say("channels_worth"), said, said, "romi")

    def put_kpi(id: str) -> None:
        values = [part.values[id] for part in parts]
        name = values[0].definition.name[lang]
        put(name, _numbers(values), [_figure(state, value) for value in values], id)
        if id in ("romi", made.cost):
            spread = [words.interval(value, lang) for value in values]
            put(state.say("channels_interval", name=name), spread, spread, id)

    first = [id for id in made.kpis if id in ("romi", made.cost)][::-1]  # they answer the question
    for id in first:
        put_kpi(id)
    for id in made.measures:
        sums = [part.sums[id] for part in parts]
        name = words.quantity(id, lang)
        put(name, _numbers(sums), [words.input_figure(id, given, lang) for given in sums], id)
        shares = [part.shares.get(id) for part in parts]
        put(
            state.say("channels_share", name=name),
            [None if share is None else float(share) for share in shares],
            [words.share(share, lang) for share in shares],
            id,
        )
    for id in made.kpis:
        if id not in first:
            put_kpi(id)
    style = frame.style
    for name, texts in shown.items():
        style = style.format(_as(texts), subset=[name])
    chosen = st.dataframe(
        style,
        hide_index=True,
        height="content",
        placeholder="—",
        column_config={state.say("channels_part"): st.column_config.Column(pinned=True)},
        key=f"channels.table.{made.by}:{lang}",
        on_select="rerun",
        selection_mode="single-cell",
    )
    st.caption(state.say("channels_select"))
    cells = chosen["selection"]["cells"]
    if cells and cells[0][0] < len(parts):
        _explained(state, made, parts[cells[0][0]], str(meant.get(cells[0][1]) or ""))
    if made.untold:
        missing = ", ".join(state.plan.kpi(id).name[lang] for id in made.untold)
        by = words.cut(made.by, lang)
        st.caption(cards.plain(state.say("channels_untold", by=by, names=missing)))


def _as(texts: list[str]) -> object:
    """A formatter that gives the texts of a column in their order: the numbers stay for sorting."""
    given = cycle(texts)  # a table may be drawn twice
    return lambda _: next(given)


def _numbers(figures: list) -> list[float | None]:
    return [None if given.value is None else float(given.value) for given in figures]


def _explained(state: State, made: Channels, part: Part, id: str) -> None:
    if id in part.values:
        name = part.values[id].definition.name[state.lang]
    elif id in part.sums:
        name = words.quantity(id, state.lang)
    else:
        return
    with st.container(border=True):
        st.caption(cards.plain(f"{_name(state, made, part)} · {name}"))
        if id in part.values:
            explain.content(state, part.values[id])
        else:
            explain.figure(state, id, part.sums[id])


def _traffic(state: State, made: Channels) -> None:
    """Which parts bring visits that come to nothing; what is fine is folded away."""
    st.header(state.say("channels_traffic"), help=state.say("channels_traffic_help"))
    if not made.traffic:
        by = words.cut(made.by, state.lang)
        st.caption(state.say("channels_traffic_none", by=by))
        return
    order = list(BADGES)
    judged = sorted(made.traffic, key=lambda own: order.index(own.verdict))
    odd = [own for own in judged if own.verdict in (Verdict.EMPTY, Verdict.SUSPICIOUS)]
    if not odd:
        st.markdown(f":material/check_circle: {state.say('channels_traffic_clean')}")
    for own in odd:
        with st.container(border=True):
            _judged(state, made, own)
    if rest := judged[len(odd) :]:
        count = number(len(rest), state.lang)
        with st.expander(state.say("channels_traffic_rest", number=count)):
            for own in rest:
                _judged(state, made, own)


def _judged(state: State, made: Channels, own: Judgement) -> None:
    icon, colour = BADGES[own.verdict]
    with st.container(horizontal=True, vertical_alignment="center"):
        name = words.slice_name(made.by, own.visits.source, state.lang)
        st.markdown(f"**{cards.plain(name)}**", width="content")
        st.badge(words.traffic_verdict(own, state.lang), icon=icon, color=colour)
    st.caption(cards.plain(words.traffic(own, made.result, state.lang)))


main()
