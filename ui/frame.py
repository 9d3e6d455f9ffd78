"""What stands around every page: language, business type, data, period, link."""

from typing import Any

import streamlit as st

from kpi_core import catalogue
from kpi_core.errors import Severity
from kpi_core.model import Period
from kpi_core.text import days, say
from ui import cards, session
from ui.session import ALL_DAYS, LINK, State


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
    return lang


def notices(lang: str, broken: str | None) -> None:
    """A link that could not be opened, a change that could not be made."""
    if broken:
        st.warning(say(lang, f"errors.{broken}"), icon=":material/link_off:")
    if refused := session.take_refused():
        st.warning(cards.plain(refused.text(lang)), icon=":material/block:")
    state = session.current(lang)
    if any(finding.severity is Severity.ERROR for finding in state.odd()):
        st.warning(state.say("data_trouble"), icon=":material/warning:")
    _stated(state)


def _stated(state: State) -> None:
    """Figures that a plan states by hand: they overrule files, so no page hides them."""
    stated = state.plan.facts
    if not stated:
        return
    known = catalogue.measures()
    names = [(known.get(id) or catalogue.kpi(id)).name[state.lang] for id in stated]
    text, drop = st.columns([5, 1], vertical_alignment="center")
    text.info(
        cards.plain(state.say("stated", n=len(stated), names=", ".join(names))),
        icon=":material/edit:",
    )
    drop.button(
        state.say("stated_drop", n=len(stated)),
        on_click=session.guarded(session.drop_stated),
        icon=":material/delete:",
    )


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
        if session.has_uploads():
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
        _period(state)
        with st.popover(state.say("link"), icon=":material/link:", width="stretch"):
            st.caption(state.say("link_about" if state.sample else "link_about_files"))
            address = str(st.context.url or "").partition("?")[0]
            st.code(f"{address}?lang={lang}&{LINK}={session.link(state)}", wrap_lines=True)


def _period(state: State) -> None:
    months = state.facts.months()
    if not state.facts.period:
        return
    options: dict[str, Period | None] = {
        f"{month.first}..{month.last}": month for month in reversed(months)
    }
    options[ALL_DAYS] = None
    chosen = f"{state.period.first}..{state.period.last}" if state.period else ALL_DAYS
    options.setdefault(chosen, state.period)

    def name(id: str) -> str:
        period = options[id]
        return days(period.first, period.last, state.lang) if period else state.say("all_days")

    arguments: dict[str, Any] = session.widget(
        f"period.{state.facts.digest[:16]}.{len(state.uploads)}", chosen, session.choose_period
    )
    st.selectbox(state.say("period"), list(options), format_func=name, **arguments)
