"""The mapping editor: the reader says what the columns of an unknown table mean."""

from dataclasses import dataclass
from pathlib import PurePath

import pandas as pd
import streamlit as st

from kpi_core import catalogue
from kpi_core.errors import KpiError
from kpi_core.ingest import Upload
from kpi_core.ingest.layouts import (
    SURE,
    Draft,
    Rows,
    counts,
    guess,
    heading_row,
    likely_rows,
    repeated,
    sources,
    statuses,
    targets,
)
from kpi_core.ingest.opening import Grid, opened
from kpi_core.text import number
from kpi_core.words import meaning, source_name
from ui import cards, files, session
from ui.state import Failed, State

SHOWN_ROWS = 8
SHOWN_COLUMNS = 40
SHOWN_STATUSES = 30
LOOKED_AT = 50  # rows that a guess is made from
CURRENCIES = ("RUB", "USD", "EUR", "KZT", "BYN", "UAH", "GBP")


@dataclass(frozen=True)
class _Asked:
    """The table that is being explained: where its headings are and what its rows are."""

    failed: Failed
    grid: Grid
    first: int
    headings: list[str]
    rows: Rows
    key: str


def editor(state: State, failed: Failed, key: str) -> None:
    """Rows as they stand, a choice a column, what would come out, and the button that takes it."""
    try:
        grids = [grid for grid in opened(failed.name, failed.data or b"").sheets if grid.rows]
    except KpiError as broken:
        st.error(cards.plain(broken.text(state.lang)))
        return
    if not grids:
        return
    grid = grids[0]
    if len(grids) > 1:
        grid = st.selectbox(
            state.say("teach_sheet"), grids, format_func=lambda g: g.name, key=f"{key}.sheet"
        )
    st.dataframe(_preview(grid), height="content")
    first = st.number_input(
        state.say("teach_heading_row"),
        min_value=1,
        max_value=min(len(grid.rows), 25),
        value=heading_row(grid.rows) + 1,
        key=f"{key}.row.{grid.name}",
    )
    headings = [_shown(cell) for cell in grid.rows[int(first) - 1]]
    if twice := repeated(headings):
        st.warning(state.say("teach_repeated", columns=", ".join(c.raw for c in twice)))
    rows = st.segmented_control(
        state.say("teach_rows"),
        list(Rows),
        default=likely_rows(headings),
        required=True,
        format_func=lambda kind: state.say(f"teach_rows_{kind.value}"),
        key=f"{key}.{int(first)}.rows",
    )
    asked = _Asked(failed, grid, int(first), headings, rows, key)
    draft = _draft(state, asked, _meanings(state, asked))
    if "status" in draft.meanings.values() and not draft.counting:
        return  # without a status that counts, all of them would
    try:
        upload = files.tried(failed, draft)
    except KpiError as nothing:
        st.info(cards.plain(nothing.text(state.lang)), icon=":material/edit:")
        return
    _outcome(state, upload)
    st.button(
        state.say("teach_use"),
        key=f"{key}.use",
        icon=":material/check:",
        on_click=session.guarded(files.teach, failed, draft),
    )


def _preview(grid: Grid) -> pd.DataFrame:
    """The first rows as texts, numbered as in the file; so are the columns: headings may repeat."""
    rows = grid.rows[:SHOWN_ROWS]
    width = min(max(map(len, rows), default=0), SHOWN_COLUMNS)
    texts = [[_shown(row[at]) if at < len(row) else "" for at in range(width)] for row in rows]
    return pd.DataFrame(
        texts, index=range(1, len(rows) + 1), columns=[str(at + 1) for at in range(width)]
    )


def _shown(cell: object) -> str:
    return "" if cell is None else str(cell).strip()[:100]


def _meanings(state: State, asked: _Asked) -> dict[str, str]:
    """What the reader says each column means; it begins with what we would guess."""
    offered = ["", *targets(asked.rows)]
    chosen: dict[str, str] = {}
    taken: set[str] = set()
    for at, raw in enumerate(asked.headings[:SHOWN_COLUMNS]):
        if not raw:
            continue
        below = asked.grid.rows[asked.first : asked.first + LOOKED_AT]
        cells = [row[at] if at < len(row) else None for row in below]
        guessed = guess(raw, cells, asked.rows)
        target = guessed.target if guessed.target in offered and guessed.target not in taken else ""
        taken.add(target)
        named, choice = st.columns([2, 3], vertical_alignment="center")
        named.markdown(f"**{cards.plain(raw)}**")
        examples = cards.plain(" · ".join(filter(None, map(_shown, cells[:3])))) or "—"
        doubt = f" · {state.say('teach_guessed')}" if target and guessed.sure < SURE else ""
        named.caption(examples + doubt)
        chosen[raw] = choice.selectbox(
            raw,
            offered,
            index=offered.index(target),
            format_func=lambda id: meaning(id, state.lang),
            label_visibility="collapsed",
            key=f"{asked.key}.{asked.first}.{asked.rows.value}.{at}:{state.lang}",
        )
    return chosen


def _draft(state: State, asked: _Asked, meanings: dict[str, str]) -> Draft:
    """The rest of what must be said: name, system, currency, channel."""
    left, right = st.columns(2)
    name = left.text_input(
        state.say("teach_name"),
        value=PurePath(asked.failed.name).stem[:60],
        key=f"{asked.key}.name",
    )
    source = right.selectbox(
        state.say("teach_source"),
        known := sources(),
        index=known.index("table"),
        format_func=lambda id: source_name(id, state.lang),
        help=state.say("teach_source_help"),
        key=f"{asked.key}.source:{state.lang}",
    )
    currency = left.selectbox(
        state.say("teach_currency"),
        ["", *CURRENCIES],
        format_func=lambda code: code or state.say("teach_as_written"),
        key=f"{asked.key}.currency:{state.lang}",
    )
    channel = right.selectbox(
        state.say("teach_channel"),
        ["", *catalogue.channels()],
        format_func=lambda id: (
            catalogue.channels()[id][state.lang] if id else state.say("teach_as_written")
        ),
        key=f"{asked.key}.channel:{state.lang}",
    )
    counting: list[str] = []
    if stated := next((raw for raw, target in meanings.items() if target == "status"), None):
        at = asked.headings.index(stated)
        said = statuses(
            [row[at] if at < len(row) else None for row in asked.grid.rows[asked.first :]]
        )
        offered = list(said)[:SHOWN_STATUSES]
        counting = st.multiselect(
            state.say("teach_counting"),
            offered,
            default=[status for status in offered if counts(status, asked.rows)],
            format_func=lambda status: f"{status} – {number(said[status], state.lang)}",
            help=state.say("teach_counting_help"),
            placeholder=state.say("choose"),
            key=f"{asked.key}.counting.{asked.rows.value}.{at}",
        )
        if not counting:
            st.warning(state.say("teach_counting_none"))
    return Draft(
        name=name.strip() or asked.failed.name,
        source=source,
        rows=asked.rows,
        headings=tuple(asked.headings),
        meanings=meanings,
        currency=currency or None,
        channel=channel or None,
        counting=tuple(counting),
    )


def _outcome(state: State, upload: Upload) -> None:
    """What the file gives under the present choices."""
    for table in upload.tables:
        if table.measures:
            with st.container(border=True):
                st.markdown(state.say("teach_outcome", rows=number(table.rows, state.lang)))
                st.caption(cards.plain(cards.table_words(state, table)))
    cards.findings(state, upload.findings)
