"""The same in Python: at the end of every page, the program that prints what the page tells.

It runs beside the reader's files and the plan, which can be taken along here. The program is made
when somebody opens it.
"""

from collections.abc import Mapping

import streamlit as st

from kpi_core.anonymise import is_anonymous
from kpi_core.report import cells
from kpi_core.report.content import read_by
from ui import demo, live, session
from ui.state import State

PLAN = "plan.json"  # what the programs call it


def takes(page: str, **choices: object) -> None:
    """Say what a page was asked for beside files, plan and period (``cells.PAGES``)."""
    session.keep(f"code.{page}", choices)


def view(lang: str, page: str) -> None:
    """The program of a page, folded away; a page that computes nothing has none."""
    if page not in cells.PAGES:
        return
    state = session.analyst(lang) if page == session.ANALYST else session.current(lang)
    fold = st.expander(state.say("code"), icon=":material/code:", key="code", on_change="rerun")
    if not fold.open:
        return
    live.whole()
    with fold:
        where = state.say("code_sample", folder=f"sample_data/{state.plan.business}")
        own = state.say("code_set" if is_anonymous(state.uploads) else "code_files")
        st.markdown(state.say("code_about", files=where if state.sample else own))
        # Without wrapping, keys do not reach what is beyond; Streamlit's colours are too pale.
        st.code(_program(state, page), language=None, wrap_lines=True)
        st.download_button(
            state.say("code_plan"),
            state.plan.as_json(),
            file_name=PLAN,
            mime="application/json",
            on_click="ignore",
            icon=":material/download:",
        )


def _program(state: State, page: str) -> str:
    taking = _taking(page)
    return cells.page(
        page,
        [upload.name for upload in state.uploads],
        state.period,
        str(taking.get("lang", state.lang)),
        layouts=read_by(state.uploads, session.layout_texts()),
        taking=taking,
        anonymised=demo.SET if is_anonymous(state.uploads) else "",
    )


def _taking(page: str) -> Mapping[str, object]:
    if page == "whatif":
        stand = session.levers()
        return {"levers": dict(stand.levers), "elasticity": str(stand.elasticity)}
    asked: Mapping[str, object] = session.kept(f"code.{page}", {})
    return asked
