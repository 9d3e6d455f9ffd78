"""The levers of the what-if page, and what follows from where they stand."""

from collections.abc import Iterable, Mapping
from contextlib import nullcontext
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
from kpi_core.text import decimal_point, percent_sign, rounded, say
from ui import cards, explain, live, session
from ui.state import State

CHANGES = "changes"  # the place of what the levers change
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
    st.header(state.say("levers"), help=state.say("levers_help"))
    if live.on():
        _board(state, made)
    else:
        st.button(
            state.say("levers_reset"),
            on_click=session.guarded(reset),
            disabled=session.levers() == session.STILL,
            icon=":material/undo:",
        )
        for group, ids in _groups(made).items():
            with st.expander(state.say(f"levers_{group}")) if group else nullcontext():
                for id in ids:
                    _lever(state, made, id)
    if made.model.channels:
        with st.expander(state.say("levers_channel")):
            _channel(state, made)
    if made.model.drivers.get(SPEND):
        with st.expander(state.say("levers_assumption")):
            _elasticity(state)


def _groups(made: Chain) -> dict[str, list[str]]:
    """The levers that are not of one channel, by what they are about; the main ones unnamed."""
    known = [
        own for own in catalogue.business(made.plan.business).drivers if made.model.drivers[own.id]
    ]
    others = [own for own in known if not own.main]
    groups = {
        "": [own.id for own in known if own.main],
        "steps": [own.id for own in others if own.step_of],
        "ads": [own.id for own in others if own.own and not own.step_of],
        "more": [own.id for own in others if not own.own and not own.step_of],
    }
    return {group: ids for group, ids in groups.items() if ids}


# --- drawn by the browser


def _board(state: State, made: Chain) -> None:
    groups = [
        live.Group(
            [_slider(state, made, id) for id in ids], state.say(f"levers_{group}") if group else ""
        )
        for group, ids in _groups(made).items()
    ]
    content = live.Board(groups, decimal_point(state.lang), reset=state.say("levers_reset"))
    live.board("levers", content)


def _slider(state: State, made: Chain, id: str) -> live.Slider:
    """A slider in percent, and beside it a box for the value itself."""
    name = lever_name(made, id, state.lang)
    step = 10.0 ** -_typed_decimals(made, id, Fraction(0))
    box = live.Box(step, state.say("lever_typed", name=name)) if _is_typed(made, id) else None
    driver = made.model.by_id[place(id).driver].name[state.lang]
    return live.Slider(
        id,
        driver,
        spoken=name,
        low=-PERCENT,
        high=PERCENT,
        step=1,
        unit=percent_sign(state.lang),
        plus=True,
        typed=box,
    )


def moved(id: str, how: str, value: Any) -> None:
    """Write what was moved in the browser."""
    made = session.current(st.session_state["lang"]).chain(session.levers().elasticity)
    match how:
        case "reset":
            reset()
        case "typed":
            _type(made, id, Fraction(value))
        case _:
            move(made, id, f"{int(value):+d}%" if value else "")


def stands(state: State, made: Chain) -> live.Stands:
    """Where the levers stand that the page shows."""
    moved, chosen = session.levers().moved(), session.kept("lever.channel", "")
    ids = [id for ids in _groups(made).values() for id in ids]
    ids += [id for id in made.model.levers if chosen and place(id).channel == chosen]
    rows = {}
    for id in ids:
        at = made.model.position(id, moved.get(id, Lever()))
        typed = None
        if _is_typed(made, id):
            scale = _typed_scale(made, id)
            typed = float(rounded(at * scale, _typed_decimals(made, id, at)))
        shown = figure_words(made, "driver", id, at, state.lang)
        rows[id] = live.Stand(_percent(made.model.base(id), at), shown, typed)
    return live.Stands(rows, moved=session.levers() != session.STILL)


def around(state: State, made: Chain) -> object:
    """What Streamlit's own boxes on the page show: the levers that no board has, and elasticity."""
    now, own = session.levers(), stands(state, made).rows
    return now.elasticity, {id: said for id, said in now.levers.items() if id not in own}


# --- drawn by Streamlit


def _lever(state: State, made: Chain, id: str) -> None:
    """A slider in percent, and beside it a box for the value itself."""
    base = made.model.base(id)
    driver = made.model.by_id[place(id).driver]
    at = made.model.position(id, session.levers().moved().get(id, Lever()))
    name = driver.name[state.lang]
    shown = cards.plain(figure_words(made, "driver", id, at, state.lang))
    slider: dict[str, Any] = session.widget(
        f"lever.{id}",
        min(max(_percent(base, at), -PERCENT), PERCENT),
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
        if _is_typed(made, id):
            _typed(state, made, id, at)


def _percent(base: Exact, stands: Fraction) -> int:
    """How far a lever is moved; a slider stands at its end for what lies beyond."""
    return round(100 * (stands / base - 1)) if base else 0


def _typed(state: State, made: Chain, id: str, at: Fraction) -> None:
    """The box for a value: of shares in percent, of money in its currency."""
    decimals = _typed_decimals(made, id, at)
    scale = _typed_scale(made, id)
    st.number_input(
        state.say("lever_typed", name=lever_name(made, id, state.lang)),
        min_value=0.0,
        step=10.0**-decimals,
        format=f"%.{decimals}f",
        label_visibility="collapsed",
        width=150,
        **session.widget(
            f"typed.{id}",
            float(rounded(at * scale, 6)),
            lambda typed: _type(made, id, Fraction(repr(typed))),
        ),
    )


# --- the value of a lever, as it is typed


def _is_typed(made: Chain, id: str) -> bool:
    """Whether the value of a lever means something by itself."""
    at = place(id)
    tree = made.model.channels[at.channel] if at.channel else made.model
    return at.driver not in tree.apart


def _typed_scale(made: Chain, id: str) -> int:
    return 100 if unit_of(made, "driver", id) is Unit.SHARE else 1


def _typed_decimals(made: Chain, id: str, at: Fraction) -> int:
    """Of large sums nobody types kopecks, and the box has no room for them."""
    counted = unit_of(made, "driver", id) in (Unit.COUNT, Unit.SECONDS)
    return 0 if counted or max(at, made.model.base(id) or 0) >= _LARGE else 2


def _type(made: Chain, id: str, typed: Fraction) -> None:
    """Set a lever to a value, as it was typed."""
    value, base = rounded(typed / _typed_scale(made, id), _DIGITS), made.model.base(id)
    same = base is not None and Fraction(value) == base
    move(made, id, "" if same else f"{value.normalize():f}")


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
    ids = [id for id in made.model.levers if place(id).channel == chosen]
    if live.on():
        group = live.Group([_slider(state, made, id) for id in ids])
        live.board("levers.channel", live.Board([group], decimal_point(state.lang)))
    else:
        for id in ids:
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


def view(state: State, stood: Sides, found: live.Found) -> None:
    """The levers beside what they change and which of them did it."""
    levers_side, result_side = st.columns([2, 3], gap="medium")
    with levers_side:
        _panel(state, stood.made)
    with result_side:
        live.place(CHANGES, found)
        made, lang = stood.made, state.lang
        after = project(made.model, stood.moved, made.values)
        if shifts := charts.shifts(made.values, after, lang):
            title = cards.of_period(state, state.say("consequences"))
            cards.take_along(
                state, lambda ink: charts.changes(shifts, lang, ink), title, "changes.picture"
            )
    explain.row(state, state.named().values(), "whatif")


def consequences(state: State, stood: Sides) -> list[live.Block]:
    """What the levers change, which of them did what, and everything before and after."""
    made, lang = stood.made, state.lang
    blocks: list[live.Block] = [live.Heading(state.say("consequences"))]
    after = project(made.model, stood.moved, made.values)
    if shifts := charts.shifts(made.values, after, lang):
        blocks.append(live.Bars(shifts, lang))
    else:
        blocks.append(live.Note(state.say("nothing_moves")))
    if made.model.elasticity != 1:
        bent = words.coefficient(made.model.elasticity, lang)
        blocks.append(live.Note(say(lang, "scenario.elasticity", e=bent)))
    blocks.append(_table(state, stood, ("result", "kpi")))
    blocks += _attributed(state, stood)
    blocks.append(live.Fold(state.say("drivers_table"), [_table(state, stood, ("driver",))]))
    blocks.append(live.Fold(state.say("measures_table"), [_table(state, stood, ("measure",))]))
    return blocks


def _table(state: State, found: Sides, kinds: Iterable[str]) -> live.Table:
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
    return live.Table([state.say(name) for name in names], rows)


def _attributed(state: State, found: Sides) -> list[live.Block]:
    """Which lever did what: parts that add up to the change, in whatever order they are moved."""
    if not found.moved:
        return []
    made, lang = found.made, state.lang
    blocks: list[live.Block] = []
    columns: dict[str, list[str]] = {}
    drawn: int | None = None
    for id, output in _SHARED.items():
        before, after = found.result(id)
        if before is None or after is None:
            continue
        try:
            own = attribute(made, found.moved, output)
        except KpiError as untold:
            blocks.append(live.Note(untold.text(lang)))
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
        return blocks
    key = "attributed" if drawn is None else "attributed_drawn"
    names = [*(lever_name(made, lever, lang) for lever in found.moved), state.say("in_all")]
    rows = list(zip(names, *columns.values(), strict=True))
    return [
        *blocks,
        live.Lead(say(lang, f"scenario.{key}", n=2 * PAIRS, seed=drawn)),
        live.Table([state.say("lever"), *columns], rows),
    ]


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
