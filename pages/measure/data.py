"""What have I loaded, and can it be trusted?"""

import streamlit as st

from kpi_core import catalogue, words
from kpi_core.errors import Severity
from kpi_core.ingest import Table, Upload
from kpi_core.model import Unit
from kpi_core.text import days, number
from ui import cards, session
from ui.session import State


def main() -> None:
    """Verdict, upload, a card a file, who speaks for what."""
    state = session.current(st.session_state["lang"])
    found = [finding for upload in state.uploads for finding in upload.findings]
    found += list(state.facts.findings)
    worst = {finding.severity for finding in found}
    verdict = (
        "data_broken"
        if Severity.ERROR in worst
        else "data_warnings"
        if Severity.WARNING in worst
        else "data_whole"
    )
    sources = ", ".join(words.source_name(id, state.lang) for id in state.facts.sources())
    cards.heading(
        state,
        "data",
        state.say(
            "data_answer",
            data=state.business.name[state.lang] if state.sample else state.say("own_files"),
            n=len(state.uploads),
            sources=sources or "—",
            verdict=state.say(verdict),
        ),
    )
    files = st.file_uploader(
        state.say("drop_files"),
        accept_multiple_files=True,
        help=state.say("drop_help"),
        key=session.upload_key("files"),
    )
    if files:
        with st.spinner(state.say("reading", n=len(files))):
            session.add_files([(file.name, file.getvalue()) for file in files])
        st.rerun()
    for failure in state.failures:
        st.error(cards.plain(failure.text(state.lang)), icon=":material/error:")
    if state.sample:
        st.caption(state.say("sample_shown", business=state.business.name[state.lang]))
    for upload in state.uploads:
        _card(state, upload)
    cards.findings(state, list(state.facts.findings))
    _plan_file(state)


def _card(state: State, upload: Upload) -> None:
    """One file: recognised as, period, rows, totals, what is odd."""
    with st.container(border=True):
        name, button = st.columns([5, 1], vertical_alignment="center")
        format_name = words.source_name(upload.tables[0].source, state.lang)
        name.markdown(f"**{cards.plain(upload.name)}** · {cards.plain(format_name)}")
        if not state.sample:
            button.button(
                state.say("remove"),
                key=f"remove.{upload.digest[:12]}",
                on_click=session.guarded(session.remove_file, upload.digest),
                icon=":material/delete:",
            )
        for table in upload.tables:
            if table.measures:
                st.caption(cards.plain(_table_words(state, table)))
        cards.findings(state, upload.findings)


def _table_words(state: State, table: Table) -> str:
    period = days(table.period.first, table.period.last, state.lang) if table.period else "—"
    totals = []
    for id in table.measures:
        measure = catalogue.measure(id)
        total = table.total(id)
        decimals = 2 if measure.unit is Unit.MONEY else 0
        shown = (
            state.say("does_not_add")
            if total is None
            else words.figure(
                total, measure.unit, state.lang, decimals=decimals, currency=table.currency
            )
        )
        totals.append(f"{measure.name[state.lang]}: {shown}")
    rows = state.say("rows", n=table.rows, rows=number(table.rows, state.lang))
    return f"{period} · {rows} · " + " · ".join(totals)


def _plan_file(state: State) -> None:
    """The plan as a file: take it along, bring one."""
    st.subheader(state.say("plan_file"), help=state.say("plan_file_help"))
    down, up = st.columns(2)
    down.download_button(
        state.say("plan_download"),
        state.plan.as_json(),
        file_name=f"plan-{state.plan.business}.json",
        mime="application/json",
        on_click="ignore",
        icon=":material/download:",
    )
    file = up.file_uploader(
        state.say("plan_upload"), type="json", key=session.upload_key("plan_file")
    )
    if file:
        session.load_plan(file.name, file.getvalue())
        st.rerun()


main()
