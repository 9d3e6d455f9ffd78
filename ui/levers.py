"""The levers of the what-if page, and what follows from where they stand."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import Any

import streamlit as st

from kpi_core import catalogue, charts, words
from kpi_core.attribution import MONEY, PAIRS, attribute, in_kopecks
from kpi_core.chain import Chain
from kpi_core.drivers import BUDGET, PRICE, SPEND, Lever, place, project
from kpi_core.errors import KpiError
from kpi_core.formula import Exact
from kpi_core.link import REACH
from kpi_core.model import Unit
from kpi_core.scenario import Figures, Scenario, figures, lever_name, scenario, unit_of
from kpi_core.text import rounded, say
from ui import cards, explain, session
from ui.state import State

PERCENT = int(100 * REACH)  # that a slider moves either way
_DIGITS = 9  # of a typed value, as scenarios keep them
_LARGE = 10_000
LEGEND = 48  # pixels that title and legend take of the height of a chart
_SHARED = {"score": "total", "bonus": "bonus", "profit_after_pay": "profit_after_pay"}


@dataclass(frozen=True)
class Sides:
    """Everything with no lever moved, and as the levers stand.

    Attributes:
        blocked: why nothing is paid where the levers stand, if so.
    """

    made: Chain
    moved: Mapping[str, Lever] = field(hash=False)
    base: Figures = field(hash=False)
    new: Figures = field(hash=False)
    blocked: KpiError | None

    def result(self, id: str) -> tuple[Exact, Exact]:
        """A result before and after."""
        return self.base.get(("result", id)), self.new.get(("result", id))


def sides(state: State) -> Sides:
    """The levers as they stand, and what would follow."""
    stand = session.levers()
    made = state.chain(stand.elasticity)
    moved = stand.moved()
    try:
        made.model.check(moved)
        base, _ = figures(made, {})
        new, blocked = figures(made, moved)
    except KpiError as impossible:  # other data, or a link: what was possible is no more
        session.refuse(impossible)
        session.put_levers(session.STILL)
        st.rerun()
    return Sides(made, moved, base, new, blocked)


# --- moving them


def move(made: Chain, id: str, change: str) -> None:
    """Move a lever, or put it back; one that the model cannot follow stays where it was."""
    now = session.levers()
    others = {own: said for own, said in now.levers.items() if own != id}
    moved = others | ({id: change} if change else {})
    put(made, scenario(now.name, moved, elasticity=now.elasticity))


def put(made: Chain, stand: Scenario) -> None:
    """Move all levers to where a scenario has them.

    Raises:
        UsageError: they cannot stand so.
    """
    made.model.check(stand.moved())
    made.model.rebuilt(stand.moved())
    session.put_levers(stand.model_copy(update={"name": session.STILL.name, "note": ""}))


def reset() -> None:
    """All levers back to the middle."""
    session.put_levers(session.STILL)


def _bend(elasticity: float) -> None:
    now = session.levers()
    session.put_levers(now.model_copy(update={"elasticity": Decimal(repr(elasticity))}))


# --- the levers


def _panel(state: State, made: Chain) -> None:
    """Every lever, by what it is about; those of a channel once it is chosen."""
    st.subheader(state.say("levers"), help=state.say("levers_help"))
    st.button(
        state.say("levers_reset"),
        on_click=session.guarded(reset),
        disabled=not session.levers().levers,
        icon=":material/undo:",
    )
    drivers, model = state.business.drivers, made.model
    known = [own for own in drivers if model.drivers[own.id]]
    for own in known:
        if own.main:
            _lever(state, made, own.id)
    others = [own for own in known if not own.main]
    groups = {
        "steps": [own.id for own in others if own.step_of],
        "ads": [own.id for own in others if own.own and not own.step_of],
        "more": [own.id for own in others if not own.own and not own.step_of],
    }
    for group, ids in groups.items():
        if ids:
            with st.expander(state.say(f"levers_{group}")):
                for id in ids:
                    _lever(state, made, id)
    if model.channels:
        with st.expander(state.say("levers_channel")):
            _channel(state, made)
    if model.drivers.get(SPEND):
        with st.expander(state.say("levers_assumption")):
            _elasticity(state)


def _lever(state: State, made: Chain, id: str) -> None:
    """A slider in percent, and beside it a box for the value itself."""
    at, base = place(id), made.model.base(id)
    driver = made.model.by_id[at.driver]
    stands = made.model.position(id, session.levers().moved().get(id, Lever()))
    name = driver.name[state.lang]
    shown = cards.plain(figure_words(made, "driver", id, stands, state.lang))
    slider: dict[str, Any] = session.widget(
        f"lever.{id}",
        _percent(base, stands),
        lambda percent: move(made, id, f"{percent:+d}%" if percent else ""),
    )
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.slider(
            f"{cards.plain(name)}: {shown}",
            -PERCENT,
            PERCENT,
            step=1,
            format="%+d%%",
            width="stretch",
            **slider,
        )
        tree = made.model.channels[at.channel] if at.channel else made.model
        if at.driver not in tree.apart:  # else its value means nothing by itself
            _typed(state, made, id, stands)


def _percent(base: Exact, stands: Fraction) -> int:
    """Where the slider stands: at its end for what lies beyond."""
    return min(max(round(100 * (stands / base - 1)), -PERCENT), PERCENT) if base else 0


def _typed(state: State, made: Chain, id: str, stands: Fraction) -> None:
    """The box for a value: of shares in percent, of money in its currency."""
    unit = unit_of(made, "driver", id)
    scale = 100 if unit is Unit.SHARE else 1
    base = made.model.base(id)
    # Of large sums nobody types kopecks, and the box has no room for them.
    whole = unit in (Unit.COUNT, Unit.SECONDS) or max(stands, base or 0) >= _LARGE
    decimals = 0 if whole else 2

    def write(typed: float) -> None:
        value = rounded(Fraction(repr(typed)) / scale, _DIGITS)
        same = base is not None and Fraction(value) == base
        move(made, id, "" if same else f"{value.normalize():f}")

    st.number_input(
        state.say("lever_typed", name=lever_name(made, id, state.lang)),
        min_value=0.0,
        step=10.0**-decimals,
        format=f"%.{decimals}f",
        label_visibility="collapsed",
        width=150,
        **session.widget(f"typed.{id}", float(rounded(stands * scale, 6)), write),
    )


def _channel(state: State, made: Chain) -> None:
    """The levers of one channel, and money moved out of it."""
    channels = made.model.channels
    own = {id: words.slice_name("channel", id, state.lang) for id in channels}
    kept = session.kept("lever.channel", "")
    chosen = st.selectbox(
        state.say("lever_channel"),
        ["", *own],
        format_func=lambda id: own.get(id) or state.say("lever_no_channel"),
        **session.remembered("lever.channel", kept if kept in own else ""),
    )
    if not chosen:
        return
    for id in made.model.levers:
        if place(id).channel == chosen:
            _lever(state, made, id)
    if channels[chosen].drivers[SPEND]:
        _budget(state, made, chosen, {id: name for id, name in own.items() if id != chosen})


def _budget(state: State, made: Chain, giver: str, takers: Mapping[str, str]) -> None:
    """Money from the channel to another one."""
    if not takers:
        return
    kept = session.kept("lever.taker", "")
    taker = st.selectbox(
        state.say("lever_taker"),
        list(takers),
        format_func=lambda id: takers[id],
        **session.remembered("lever.taker", kept if kept in takers else next(iter(takers))),
    )
    if made.model.channels[taker].drivers[PRICE] is None:
        _price(state, made, taker)
    id = f"{BUDGET}@{giver}:{taker}"
    stands = made.model.position(id, session.levers().moved().get(id, Lever()))
    st.number_input(
        state.say("lever_moved", currency=state.plan.currency),
        min_value=0.0,
        step=1.0,
        format="%.0f",
        **session.widget(
            f"typed.{id}",
            float(rounded(stands, 6)),
            lambda typed: move(made, id, f"{rounded(Fraction(repr(typed)), 2):f}" if typed else ""),
        ),
    )


def _price(state: State, made: Chain, channel: str) -> None:
    """What a click is to cost in a channel of which the data do not tell it; 0: not stated."""
    id = f"{PRICE}@{channel}"
    stated = session.levers().moved().get(id, Lever()).to or Fraction(0)
    st.number_input(
        state.say("lever_price", currency=state.plan.currency),
        min_value=0.0,
        step=1.0,
        format="%.2f",
        help=state.say("lever_price_help"),
        **session.widget(
            f"typed.{id}",
            float(stated),
            lambda typed: move(made, id, f"{rounded(Fraction(repr(typed)), 2):f}" if typed else ""),
        ),
    )


def _elasticity(state: State) -> None:
    st.slider(
        state.say("lever_elasticity"),
        0.1,
        1.0,
        step=0.05,
        help=state.say("lever_elasticity_help"),
        **session.widget("lever.elasticity", float(session.levers().elasticity), _bend),
    )


# --- what they change


def view(state: State, found: Sides) -> None:
    """The levers beside what they change and which of them did it."""
    levers_side, result_side = st.columns([2, 3], gap="medium")
    with levers_side:
        _panel(state, found.made)
    with result_side:
        _changes(state, found)
    explain.row(state, state.named().values(), "whatif")


def _changes(state: State, found: Sides) -> None:
    made, lang = found.made, state.lang
    st.subheader(state.say("consequences"))
    after = project(made.model, found.moved, made.values)
    chart = charts.changes(made.values, after, lang, cards.ink())
    if chart is None:
        st.caption(state.say("nothing_moves"))
    else:
        st.altair_chart(chart, key="changes")
    said = made.model.elasticity != 1 and say(
        lang, "scenario.elasticity", e=words.coefficient(made.model.elasticity, lang)
    )
    if said:
        st.caption(cards.plain(said))
    _table(state, found, ("result", "kpi"))
    _attributed(state, found)
    with st.expander(state.say("drivers_table")):
        _table(state, found, ("driver",))
    with st.expander(state.say("measures_table")):
        _table(state, found, ("measure",))


def _table(state: State, found: Sides, kinds: Iterable[str]) -> None:
    """Figures of these kinds: base, new and the change."""
    made, lang = found.made, state.lang
    rows = []
    for wanted in kinds:
        for kind, id in dict.fromkeys((*found.base, *found.new)):
            if kind == wanted:
                before, after = found.base.get((kind, id)), found.new.get((kind, id))
                shown = partial(figure_words, made, kind, id, lang=lang)
                by = None if before is None or after is None else after - before
                moved = ("+" if by > 0 else "") + shown(by) if by else ""
                rows.append((figure_name(made, kind, id, lang), shown(before), shown(after), moved))
    names = ("figure", "before", "after", "change")
    st.table(
        {state.say(name): [cards.plain(row[at]) for row in rows] for at, name in enumerate(names)}
    )


def _attributed(state: State, found: Sides) -> None:
    """Which lever did what: parts that add up to the change, in whatever order they are moved."""
    if not found.moved:
        return
    made, lang = found.made, state.lang
    columns: dict[str, list[str]] = {}
    drawn: int | None = None
    for id, output in _SHARED.items():
        before, after = found.result(id)
        if before is None or after is None:
            continue
        try:
            own = attribute(made, found.moved, output)
        except KpiError as untold:
            st.caption(cards.plain(untold.text(lang)))
            continue
        drawn = own.seed
        parts: Mapping[str, Exact] = own.parts
        if output in MONEY:
            kopecks = in_kopecks(own, rounded(after - before, 2))
            parts = {lever: Fraction(part) for lever, part in kopecks.parts.items()}
        columns[say(lang, f"scenario.{id}")] = [
            figure_words(made, "result", id, own, lang)
            for own in (*(parts[lever] for lever in found.moved), after - before)
        ]
    if not columns:
        return
    key = "attributed" if drawn is None else "attributed_drawn"
    st.markdown(f"**{cards.plain(say(lang, f'scenario.{key}', n=2 * PAIRS, seed=drawn))}**")
    names = [*(lever_name(made, lever, lang) for lever in found.moved), state.say("in_all")]
    st.table(
        {state.say("lever"): [cards.plain(name) for name in names]}
        | {name: [cards.plain(cell) for cell in cells] for name, cells in columns.items()}
    )


def figure_name(made: Chain, kind: str, id: str, lang: str) -> str:
    """What a figure of a scenario is called."""
    if kind == "driver":
        return lever_name(made, id, lang)
    if kind == "measure":
        return catalogue.measure(id).name[lang]
    if kind == "kpi":
        return made.plan.kpi(id).name[lang]
    return say(lang, f"scenario.{id}")


def figure_words(made: Chain, kind: str, id: str, value: Exact, lang: str) -> str:
    """A figure of a scenario, as it is printed."""
    currency = made.plan.currency
    if kind == "kpi":
        return words.kpi_figure(made.plan.kpi(id), value, currency, lang)
    if id == "score":
        return words.points(value, lang)
    unit = unit_of(made, kind, id)
    decimals = 0 if unit in (Unit.COUNT, Unit.SECONDS) else 2
    return words.figure(value, unit, lang, decimals=decimals, currency=currency)
