"""What is kept, and what was it before?"""

from collections.abc import Callable

import streamlit as st

from kpi_core.errors import KpiError
from kpi_core.text import say
from kpi_core.workspace import Workspace
from ui import cards, controls, keeping, saved, session
from ui.state import State


def main() -> None:
    """Answer, and one view: plans, scenarios, files, sign-offs, the workspace and its people."""
    state, found = session.current(st.session_state["lang"]), keeping.workspace()
    if found is None:
        cards.heading(state, "saved", say(state.lang, "saved.off"))
        why = "saved.passing" if session.is_passing() else "saved.off_about"
        st.info(say(state.lang, why), icon=":material/info:")
        return
    try:
        _view(state, found)
    except KpiError as failed:
        st.error(cards.plain(failed.text(state.lang)), icon=":material/error:")


def _view(state: State, found: Workspace) -> None:
    cards.heading(state, "saved", saved.answer(state.lang, found))
    views: dict[str, Callable[[], None]] = {
        "plans": lambda: saved.plans(state, found),
        "scenarios": lambda: saved.scenarios(state, found),
        "files": lambda: saved.files(state, found),
        "signed": lambda: saved.signed(state, found),
        "people": lambda: saved.people(state, found),
        "place": lambda: saved.whole(state, found),
    }
    controls.views(state, "saved", views)


main()
