"""The frame of every page: language, business, data, period, menu, and one error boundary."""

import gc
from pathlib import Path

import streamlit as st

from kpi_core.errors import KpiError
from kpi_core.text import say
from ui import cards, frame, session

PAGES = {
    "scorecard": ("pages/measure/scorecard.py", ":material/speed:"),
    "trend": ("pages/measure/trend.py", ":material/trending_up:"),
    "plan": ("pages/plan/editor.py", ":material/edit_note:"),
    "objectives": ("pages/plan/objectives.py", ":material/flag:"),
    "funnel": ("pages/measure/funnel.py", ":material/filter_alt:"),
    "channels": ("pages/measure/channels.py", ":material/hub:"),
    "analyst": ("pages/measure/analyst.py", ":material/assignment_turned_in:"),
    "bonus": ("pages/pay/bonus.py", ":material/payments:"),
    "whatif": ("pages/plan/whatif.py", ":material/tune:"),
    "report": ("pages/take/report.py", ":material/description:"),
    "data": ("pages/measure/data.py", ":material/folder_open:"),
    "catalogue": ("pages/learn/catalogue.py", ":material/menu_book:"),
}


@st.cache_resource(show_spinner=False)
def freeze_startup_objects() -> bool:
    """Keep start-up objects out of the collection that Streamlit runs after every move."""
    gc.collect()
    gc.freeze()
    return True


# An icon of our own: that of a menu entry would be fetched from a foreign host.
st.set_page_config(layout="wide", page_icon=str(Path(__file__).parent / "ui" / "icon.svg"))
lang = frame.language()
broken = session.start()
page = st.navigation(
    [
        st.Page(
            path,
            title=say(lang, f"pages.{name}"),
            icon=icon,
            url_path=name,
            default=name == "scorecard",
        )
        for name, (path, icon) in PAGES.items()
    ],
    position="top",
)
session.turn_to(page.url_path)
try:
    frame.sidebar(lang)
    with st.container():  # one place, however many: what stands below is not built anew
        frame.notices(lang, broken)
    page.run()
except KpiError as failed:
    st.error(cards.plain(failed.text(lang)), icon=":material/error:")
freeze_startup_objects()
