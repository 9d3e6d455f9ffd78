"""What stands around every page: language, business type, data, period, link."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

from kpi_core import catalogue
from kpi_core.errors import Severity, WorkspaceError
from kpi_core.model import Period
from kpi_core.text import say
from ui import cards, demo, keeping, plans, session, widgets
from ui.session import ALL_DAYS, LINK, OWN_DAYS
from ui.state import State

_STYLE = (Path(__file__).parent / "frame.css").read_text("utf-8")
STEPS = "steps"  # the fragment with undo and redo
TAB = "tab.word"
_FINE = "plan.fine"  # what nobody has set, and is right as it is

# Screen readers take the voice of a page from its root element, which Streamlit leaves in English.
_VOICE = st.components.v2.component(
    "voice", js="export default ({ data }) => { document.documentElement.lang = data }"
)
# The tab remembers the word of its session for the one after a refresh, and tells nobody else.
_TAB = st.components.v2.component(
    "tab",
    js="""
const KEY = "kpi-pay-tab";
export default ({ data, setTriggerValue }) => {
  const was = sessionStorage.getItem(KEY);
  if (was === data) return;
  sessionStorage.setItem(KEY, data);
  if (was) setTriggerValue("was", was);
};
""",
)


# Until `st.navigation` is called for the first time, Streamlit takes the folder `pages` for its
# older kind of menu, and tells the first visitor of a server that there is no such page.
_FOUND = st.components.v2.component(
    "found",
    js="""
export default () => {
  const close = () => document.querySelector('[role="dialog"] button')?.click();
  close();
  setTimeout(close, 500);
};
""",
)


def is_first_of_server() -> bool:
    """Whether no visitor of this server has seen the menu yet; to be asked before it is made."""
    return bool(PagesManager.uses_pages_directory)


def found() -> None:
    """The page of the link is there: take back that it is not."""
    with st.sidebar:
        _FOUND(key="found")


def language() -> str:
    """The language of this run; the first widget of all, because titles depend on it.

    Options are shown as they are written in the address: a bound widget puts its labels there.
    """
    browser = str(st.context.locale or "ru")
    lang: str = st.sidebar.segmented_control(
        "Язык / Language",
        ["ru", "en"],
        default="ru" if browser.startswith("ru") else "en",
        required=True,
        key="lang",
        bind="query-params",
    )
    with st.sidebar:
        _VOICE(key="voice", data=lang)
    return lang


def notices(lang: str, broken: str | None) -> None:
    """A link that could not be opened, a change that could not be made, work that goes on."""
    if broken:
        st.warning(say(lang, f"errors.{broken}"), icon=":material/link_off:")
    if refused := session.take_refused():
        told = cards.plain(refused.text(lang))
        st.warning(told, icon=":material/block:")
        st.toast(told, icon=":material/block:")  # in view wherever the page is scrolled to
    if session.mine() is not None:
        _of_link(lang)
    elif since := keeping.since():
        _goes_on(lang, since)
    state = session.current(lang)
    demo.sign(state)
    demo.begun(state)
    if any(finding.severity is Severity.ERROR for finding in state.odd()):
        st.warning(state.say("data_trouble"), icon=":material/warning:")
    _example(state)
    _stated(state)


def _goes_on(lang: str, since: datetime) -> None:
    """What the visitor was at is on the page again; they may begin anew."""
    text, known, anew = st.columns([6, 1, 2], vertical_alignment="center")
    at = cards.local_moment(since, lang)
    text.info(say(lang, "pages.goes_on", at=at), icon=":material/history:")
    known.button(say(lang, "pages.goes_on_known"), on_click=keeping.known)
    anew.button(
        say(lang, "pages.begin_anew"),
        help=say(lang, "pages.begin_anew_help"),
        on_click=_begin_anew,
        icon=":material/restart_alt:",
    )


def _of_link(lang: str) -> None:
    """A link is in view in the place of the visitor's own work."""
    text, back, on = st.columns([5, 2, 2], vertical_alignment="center")
    text.info(say(lang, "pages.of_link"), icon=":material/link:")
    back.button(
        say(lang, "pages.of_link_back"), on_click=session.back_to_mine, icon=":material/undo:"
    )
    on.button(say(lang, "pages.of_link_on"), on_click=session.go_on_with_link)


def _begin_anew() -> None:
    demo.reset(session.plan().business)
    keeping.known()


def _example(state: State) -> None:
    """Own files judged by what nobody has set; an own plan, by invented figures: always told."""
    if state.sample and state.plan.pays_by_own_figures():
        text, go = st.columns([4, 1], vertical_alignment="center")
        text.info(state.say("plan_over_sample"), icon=":material/science:")
        go.page_link("pages/plan/saved.py", label=state.say("saved"), icon=":material/folder_open:")
    fine = session.kept(_FINE, frozenset())
    if state.on_example:
        told = state.say("plan_of_example")
    elif unset := state.unset(fine):
        told = cards.plain(state.say("plan_unset", names="; ".join(unset)))
    else:
        return
    text, go = st.columns([4, 1], vertical_alignment="center")
    text.warning(told, icon=":material/edit_note:")
    with go:
        st.page_link(
            "pages/plan/editor.py", label=state.say("plan_set_own"), icon=":material/edit:"
        )
        if not session.pay_hidden():
            st.page_link(
                "pages/pay/bonus.py",
                label=state.say("plan_set_pay"),
                icon=":material/payments:",
            )
        if not state.on_example:
            st.button(
                state.say("plan_unset_fine"),
                help=state.say("plan_unset_fine_help"),
                on_click=partial(session.keep, _FINE, fine | state.plan.unset().ids()),
                icon=":material/check:",
            )


def _stated(state: State) -> None:
    """Figures that a plan states by hand: they overrule files, so no page hides them."""
    stated = state.plan.facts
    if not stated:
        return
    known = catalogue.measures()
    names = [(known.get(id) or state.plan.kpi(id)).name[state.lang] for id in stated]
    text, drop = st.columns([5, 1], vertical_alignment="center")
    text.info(
        cards.plain(state.say("stated", n=len(stated), names=", ".join(names))),
        icon=":material/edit:",
    )
    drop.button(
        state.say("stated_drop", n=len(stated)),
        on_click=session.guarded(plans.drop_stated),
        icon=":material/delete:",
    )


@st.fragment(key=STEPS)
def _steps(lang: str) -> None:
    """The last change of the plan taken back, or made again; drawn anew without the page."""
    for step, change in (("undo", session.undo), ("redo", session.redo)):
        if session.can(step):
            st.button(
                say(lang, f"pages.plan_{step}"),
                key=f"{step}.sidebar",
                help=say(lang, f"pages.plan_{step}_help"),
                on_click=lambda change=change: _step(change),
                icon=f":material/{step}:",
                width="stretch",
            )


def _step(change: Callable[[], None]) -> None:
    session.guarded(change)()
    st.rerun()  # the whole page, not this fragment alone


def pay_hidden(lang: str, page: str) -> None:
    """A page about pay, for somebody who may not see what is paid."""
    st.title(say(lang, f"pages.{page}_question"))
    st.info(cards.plain(WorkspaceError("workspace_pay_hidden").text(lang)), icon=":material/lock:")


def sidebar(lang: str) -> None:
    """Business type, data and period: what every page looks at."""
    with st.sidebar:
        state = session.current(lang)
        businesses = catalogue.businesses()
        st.selectbox(
            state.say("business"),
            list(businesses),
            format_func=lambda id: businesses[id].name[lang],
            help=state.business.about[lang],
            **session.widget("business", state.plan.business, session.choose_business),
        )
        if session.uploads():
            st.segmented_control(
                state.say("data_shown"),
                [True, False],
                format_func=lambda sample: state.say("sample" if sample else "own_files"),
                required=True,
                **session.widget("sample", state.sample, session.choose_sample),
            )
        elif state.sample:
            st.caption(state.say("on_sample"))
            st.page_link(
                "pages/measure/data.py",
                label=state.say("load_own"),
                icon=":material/upload_file:",
            )
            st.page_link(
                "pages/learn/catalogue.py",
                label=state.say("how_it_works"),
                icon=":material/menu_book:",
            )
        _period(state)
        _steps(lang)
        if not session.pay_hidden():
            _link(state)
        _TAB(
            key=TAB,
            data=session.tab(),
            on_was_change=lambda: session.resume(st.session_state[TAB]["was"]),
        )
        widgets.translate(lang)
        st.html(f"<style>{_STYLE}</style>")
        if st.context.theme.type == "dark":  # a chosen option is white, too pale on this blue
            st.html("<style>.stMultiSelect span[title] { color: #12181f }</style>")


def _link(state: State) -> None:
    """The view as an address, made when somebody asks for it: a move does not do it again."""
    shared = st.popover(
        state.say("link"),
        icon=":material/link:",
        width="stretch",
        key="link",
        on_change="rerun",
    )
    if shared.open:
        shared.caption(state.say("link_about" if state.sample else "link_about_files"))
        address = str(st.context.url or "").partition("?")[0]
        word = f"lang={state.lang}&{LINK}={session.link(state)}"
        shared.code(f"{address}?{word}", wrap_lines=True)


def onward(lang: str, pages: Mapping[str, tuple[str, str]], path: Sequence[str], here: str) -> None:
    """The way on: from a page of a path to the next one."""
    if here in path[:-1]:
        then = path[path.index(here) + 1]
        st.divider()
        file, icon = pages[then]
        label = say(lang, "pages.onward", page=say(lang, f"pages.{then}_question"))
        st.page_link(file, label=label, icon=icon)


def _period(state: State) -> None:
    """Months, quarters, days of one's own, or all."""
    facts = state.facts
    if not facts.period:
        return
    begun = facts.begun()
    spans = [*([begun] if begun else []), *reversed(facts.months()), *reversed(facts.quarters())]
    options: dict[str, Period | None] = {str(span): span for span in spans}
    options |= {ALL_DAYS: None, OWN_DAYS: None}
    chosen = str(state.period) if state.period else ALL_DAYS
    if session.own_days() or chosen not in options:
        chosen = OWN_DAYS

    def name(id: str) -> str:
        period = options[id]
        if period:
            return cards.days_words(state, period)
        return state.say("all_days" if id == ALL_DAYS else "own_days")

    arguments: dict[str, Any] = session.widget(
        f"period.{facts.digest[:16]}.{len(state.uploads)}", chosen, session.choose_period
    )
    st.selectbox(state.say("period"), list(options), format_func=name, **arguments)
    if chosen == OWN_DAYS:
        _own_days(state, state.period or facts.period)
    elif state.period and state.period == begun:
        st.caption(state.say("period_begun_help"))


def _own_days(state: State, period: Period) -> None:
    """The first and the last day, each in a box."""
    held = state.facts.period or period
    bounds: dict[str, Any] = {
        "min_value": min(held.first, period.first),
        "max_value": max(held.last, period.last),
        "format": "DD.MM.YYYY" if state.lang == "ru" else "YYYY-MM-DD",
    }
    since, until = st.columns(2)
    since.date_input(
        state.say("days_since"),
        **bounds,
        **session.widget(
            "days.since", period.first, lambda day: session.choose_days(period, first=day)
        ),
    )
    until.date_input(
        state.say("days_until"),
        **bounds,
        **session.widget(
            "days.until", period.last, lambda day: session.choose_days(period, last=day)
        ),
    )
