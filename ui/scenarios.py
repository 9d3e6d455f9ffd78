"""Scenarios: positions of the levers that are kept by name, and compared side by side."""

import csv
import io
from collections.abc import Callable
from fractions import Fraction
from functools import partial

import streamlit as st

from kpi_core import charts, words
from kpi_core.chain import Chain
from kpi_core.drivers import BUDGET, place
from kpi_core.errors import KpiError
from kpi_core.scenario import (
    FEWEST_COMPARED,
    MOST_COMPARED,
    Cell,
    Comparison,
    Row,
    Scenario,
    Scenarios,
    add,
    compare,
    drop,
    duplicate,
    lever_name,
    put,
    read_scenarios,
    rename,
    reorder,
    scenario,
)
from kpi_core.text import percent, say
from ui import cards, levers, session
from ui.levers import LEGEND, Sides, figure_name, figure_words
from ui.state import State

_GROUPS = {"results": ("result", "kpi"), "drivers": ("driver",), "measures": ("measure",)}


def view(state: State, found: Sides) -> None:
    """Keep the levers as they stand; compare what is kept; put it in order; take it along."""
    st.caption(state.say("scenarios_about"))
    made, own = state.chain(), session.scenarios()
    _keep(state)
    offered = _offered(state, found, own)
    if len(offered) < FEWEST_COMPARED:
        st.info(state.say("scenarios_few", fewest=FEWEST_COMPARED), icon=":material/info:")
    else:
        _compared(state, made, offered)
    if own.scenarios:
        st.header(state.say("scenarios_kept", n=len(own.scenarios)))
        for position, one in enumerate(own.scenarios):
            _card(state, made, one, position)
    _files(state, own)


def _keep(state: State) -> None:
    """The levers as they stand, under a name."""
    stand = session.levers()
    name, go = st.columns([3, 1], vertical_alignment="bottom")
    typed = name.text_input(
        state.say("scenario_name"),
        max_chars=60,
        **session.remembered("scenario.name", session.kept("scenario.name", "")),
    )
    go.button(
        state.say("scenario_keep"),
        key="scenario.keep",
        on_click=session.guarded(_take, typed, stand),
        disabled=not stand.levers,
        help=state.say("scenario_keep_help"),
        icon=":material/add:",
        width="stretch",
    )


def _take(name: str, stand: Scenario) -> None:
    new = scenario(name, stand.levers, elasticity=stand.elasticity)
    _change(add, new)
    session.keep("scenario.name", "")


def _offered(state: State, found: Sides, own: Scenarios) -> dict[str, Scenario]:
    """What can be compared: what is kept, and the levers as they stand if any is moved."""
    offered = {one.name: one for one in own.scenarios}
    now = state.say("scenario_now")
    if found.moved and now not in offered:
        offered[now] = session.levers().model_copy(update={"name": now})
    return offered


# --- side by side


def _compared(state: State, made: Chain, offered: dict[str, Scenario]) -> None:
    asked = [name for name in session.kept("scenario.compared", []) if name in offered]
    usual = list(offered)[:MOST_COMPARED]
    chosen = st.multiselect(
        state.say("scenarios_compared", fewest=FEWEST_COMPARED, most=MOST_COMPARED),
        list(offered),
        max_selections=MOST_COMPARED,
        placeholder=state.say("choose"),
        **session.remembered("scenario.compared", asked or usual),
    )
    if len(chosen) < FEWEST_COMPARED:
        st.info(state.say("scenarios_few", fewest=FEWEST_COMPARED), icon=":material/info:")
        return
    found = compare(made, [offered[name] for name in chosen])
    for name, why in (*found.untold.items(), *found.blocked.items()):
        st.warning(cards.plain(f"{name}: {why.text(state.lang)}"), icon=":material/help:")
    sides = {"bonus": charts.scenario_bonus, "profit_after_pay": charts.scenario_profit}
    for column, (id, draw) in zip(st.columns(2), sides.items(), strict=True):
        with column:
            cards.chart(
                state,
                partial(draw, found, state.lang),
                cards.of_period(state, say(state.lang, f"scenario.{id}")),
                f"scenario.{id}",
                legend=LEGEND,
            )
    _table(state, made, found)


def _table(state: State, made: Chain, found: Comparison) -> None:
    """Every figure of the base and of each scenario, with what it differs by."""
    group = st.segmented_control(
        state.say("scenario_figures"),
        list(_GROUPS),
        format_func=lambda id: state.say(f"scenario_figures_{id}"),
        required=True,
        label_visibility="collapsed",
        **session.remembered("scenario.figures", session.kept("scenario.figures", "results")),
    )
    shown = [row for kind in _GROUPS[group] for row in found.rows if row.kind == kind]
    columns = _columns(state, made, found, shown)
    first = next(iter(columns))
    st.dataframe(
        columns,
        hide_index=True,
        column_config={first: st.column_config.TextColumn(pinned=True)},
        key="scenario.table",
    )
    whole = _columns(state, made, found, found.rows)
    st.download_button(
        "CSV", _csv(whole), "scenarios.csv", "text/csv", icon=":material/table:",
        key="scenario.csv",
    )  # fmt: skip
    for one in found.scenarios:
        if one.elasticity != 1:
            e = words.coefficient(Fraction(one.elasticity), state.lang)
            said = say(state.lang, "scenario.elasticity", e=e)
            st.caption(cards.plain(f"{one.name}: {said}"))


def _columns(
    state: State, made: Chain, found: Comparison, rows: tuple[Row, ...] | list[Row]
) -> dict[str, list[str]]:
    lang = state.lang
    columns = {
        state.say("figure"): [figure_name(made, row.kind, row.id, lang) for row in rows],
        say(lang, "words.base"): [
            figure_words(made, row.kind, row.id, row.base, lang) for row in rows
        ],
    }
    for position, one in enumerate(found.scenarios):
        cells = [(row, row.cells[position]) for row in rows]
        columns[one.name] = [
            figure_words(made, row.kind, row.id, cell.value, lang) for row, cell in cells
        ]
        columns[state.say("scenario_variance", name=one.name)] = [
            _variance(made, row, cell, lang) for row, cell in cells
        ]
    return columns


def _variance(made: Chain, row: Row, cell: Cell, lang: str) -> str:
    """By how much a figure differs from the base, also in percent of it."""
    if not cell.variance:
        return "" if cell.variance is None else "0"
    shown = partial(figure_words, made, row.kind, row.id, lang=lang)
    said = ("+" if cell.variance > 0 else "") + shown(cell.variance)
    if cell.share is None:
        return said
    return f"{said} ({'+' if cell.share > 0 else ''}{percent(cell.share, lang)})"


def _csv(columns: dict[str, list[str]]) -> bytes:
    """The table as a spreadsheet opens it."""
    text = io.StringIO()
    made = csv.writer(text)
    made.writerow(columns)
    made.writerows(zip(*columns.values(), strict=True))
    return text.getvalue().encode("utf-8-sig")


# --- what is kept


def _card(state: State, made: Chain, one: Scenario, position: int) -> None:
    """One scenario: what it moves, its name and note, and what can be done with it."""
    with st.expander(cards.plain(one.name)):
        for id, change in one.levers.items():
            st.markdown(f"- {cards.plain(f'{_lever_name(made, id, state.lang)}: {change}')}")
        named, noted = st.columns(2)
        named.text_input(
            state.say("scenario_rename"),
            max_chars=60,
            **session.widget(
                f"scenario.{one.name}.name",
                one.name,
                lambda new: _change(rename, one.name, new),
            ),
        )
        noted.text_input(
            state.say("scenario_note"),
            max_chars=500,
            **session.widget(
                f"scenario.{one.name}.note",
                one.note,
                lambda note: _change(put, one.model_copy(update={"note": note})),
            ),
        )
        acts: dict[str, tuple[str, Callable[[], None]]] = {
            "set": ("tune", lambda: levers.put(made, one)),
            "duplicate": ("content_copy", lambda: _change(duplicate, one.name)),
            "up": ("arrow_upward", lambda: _change(reorder, one.name, position - 1)),
            "down": ("arrow_downward", lambda: _change(reorder, one.name, position + 1)),
            "drop": ("delete", lambda: _change(drop, one.name)),
        }
        with st.container(horizontal=True, gap="small"):
            for id, (icon, act) in acts.items():
                st.button(
                    state.say(f"scenario_{id}"),
                    key=f"scenario.{one.name}.{id}",
                    on_click=session.guarded(act),
                    icon=f":material/{icon}:",
                )


def _change(make: Callable[..., Scenarios], *values: object) -> None:
    """Keep what becomes of the scenarios."""
    session.put_scenarios(make(session.scenarios(), *values))


def _lever_name(made: Chain, id: str, lang: str) -> str:
    """The name of a lever; of one that this business has not, its id."""
    driver = place(id).driver
    return lever_name(made, id, lang) if driver in {*made.model.by_id, BUDGET} else id


# --- files


def _files(state: State, own: Scenarios) -> None:
    """Scenarios to take along, and to bring."""
    with st.expander(state.say("scenarios_files"), icon=":material/folder:"):
        st.caption(state.say("scenarios_link"))
        if own.scenarios:
            st.download_button(
                state.say("scenarios_download"),
                own.model_dump_json(indent=2),
                "scenarios.json",
                "application/json",
                icon=":material/download:",
                key="scenario.download",
            )
        file = st.file_uploader(
            state.say("scenarios_upload"),
            type=["json"],
            key=session.upload_key("scenarios_file"),
        )
        if file:
            _bring(file.name, file.getvalue())
            st.rerun()


def _bring(name: str, data: bytes) -> None:
    """Put the scenarios of a file after those that are kept; a mistake changes nothing."""
    session.took_file()
    try:
        together = session.scenarios()
        for one in read_scenarios(data, name).scenarios:
            together = add(together, one)
        session.put_scenarios(together)
    except KpiError as refused:
        session.refuse(refused)
