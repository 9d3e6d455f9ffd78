"""The frame of every page: language, business, data, period, menu, and one error boundary."""

from pathlib import Path

import streamlit as st

from kpi_core.errors import KpiError
from kpi_core.text import say
from ui import cards, code, door, frame, keeping, memory, network, session, stage

PAGES = {
    "scorecard": ("pages/measure/scorecard.py", ":material/speed:"),
    "data": ("pages/measure/data.py", ":material/folder_open:"),
    "funnel": ("pages/measure/funnel.py", ":material/filter_alt:"),
    "bonus": ("pages/pay/bonus.py", ":material/payments:"),
    "whatif": ("pages/plan/whatif.py", ":material/tune:"),
    "report": ("pages/take/report.py", ":material/description:"),
    "present": ("pages/take/present.py", ":material/slideshow:"),
    "plan": ("pages/plan/editor.py", ":material/edit_note:"),
    "objectives": ("pages/plan/objectives.py", ":material/flag:"),
    "saved": ("pages/plan/saved.py", ":material/inventory_2:"),
    "trend": ("pages/measure/trend.py", ":material/trending_up:"),
    "channels": ("pages/measure/channels.py", ":material/hub:"),
    "analyst": ("pages/measure/analyst.py", ":material/assignment_turned_in:"),
    "catalogue": ("pages/learn/catalogue.py", ":material/menu_book:"),
}
FIRST = "scorecard"  # a result of a sample is on the screen at once
# The way from a file to a report stands open, in its order; the rest is folded into sections.
MENU = {
    "": ("data", "scorecard", "funnel", "bonus", "whatif", "report", "present"),
    "plan": ("plan", "objectives", "saved"),
    "figures": ("trend", "channels", "analyst"),
    "help": ("catalogue",),
}
SHOWS_PAY = {"bonus", "whatif", "report", "plan"}


# An icon of our own: that of a menu entry would be fetched from a foreign host.
st.set_page_config(layout="wide", page_icon=str(Path(__file__).parent / "ui" / "icon.svg"))
network.send_at_once()
lang = frame.language()
visitor = door.enter(lang)
broken = None
if session.start(visitor):
    keeping.come_back(visitor)
    broken = session.open_link(was_busy=keeping.since() is not None)
is_first = frame.is_first_of_server()
page = st.navigation(
    {
        say(lang, f"pages.section_{section}") if section else "": [
            st.Page(
                path,
                title=say(lang, f"pages.{name}"),
                icon=icon,
                url_path=name,
                default=name == FIRST,
            )
            for name in names
            for path, icon in [PAGES[name]]
        ]
        for section, names in MENU.items()
    },
    position="top",
)
if is_first and page.url_path:
    frame.found()
session.turn_to(page.url_path)
try:
    keeping.put_down()
    frame.sidebar(lang)
    door.leave(lang, visitor)
    staged = stage.is_on(page.url_path)
    with st.container():  # one place, however many: what stands below is not built anew
        if not staged:
            frame.notices(lang, broken)
    if session.pay_hidden() and page.url_path in SHOWS_PAY:
        frame.pay_hidden(lang, page.url_path)
        st.stop()
    page.run()
    if not staged:
        code.view(lang, page.url_path or FIRST)
        frame.onward(lang, PAGES, MENU[""], page.url_path or FIRST)
except KpiError as failed:
    st.error(cards.plain(failed.text(lang)), icon=":material/error:")
memory.freeze_startup_objects()
