"""The presentation: slides of the report on the whole screen, turned by keys or three buttons."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

import streamlit as st

from kpi_core.anonymise import is_anonymous
from kpi_core.report import Part, gather
from kpi_core.report.brand import accent, logo
from kpi_core.report.printed import Slide, slides
from kpi_core.report.screen import body
from kpi_core.scenario import FEWEST_COMPARED, MOST_COMPARED
from ui import cards, report, session
from ui.state import State, named

PAGE = "present"
_FORM = report.BY_ID["slides"]
_NIGHT = "#12181f"  # the ground of the dark theme
_AT, _TOLD = "present.at", "present.told"
_SECRET = {Part.BONUS, Part.SCENARIOS}  # what tells pay
_STYLE = (Path(__file__).parent / "stage.css").read_text("utf-8")


@dataclass(frozen=True)
class Told:
    """The slides of a report: `of` tells from what they were made.

    Attributes:
        slides: by their ids, in order.
        drawn: what stands below the message, in HTML, by slide and ink; filled as it is shown.
    """

    of: str
    title: str
    days: str
    slides: Mapping[str, Slide]
    drawn: dict[tuple[str, str], str] = field(default_factory=dict, repr=False)


def told(state: State) -> Told:
    """The slides of the period in view, made once."""
    of = _of(state)
    made: Told | None = session.kept(_TOLD, None)
    if made is None or made.of != of:
        made = _made(state, of)
        session.keep(_TOLD, made)
    return made


def _of(state: State) -> str:
    goes_in = (
        state.lang,
        named(state.uploads),
        str(state.period),
        state.plan.as_json(),
        session.scenarios().model_dump_json(),
        session.pay_hidden(),
    )
    return hashlib.sha256(repr(goes_in).encode()).hexdigest()


def _made(state: State, of: str) -> Told:
    own = session.scenarios().scenarios[:MOST_COMPARED]
    parts = _FORM.parts - _SECRET if session.pay_hidden() else _FORM.parts
    found = gather(
        state.facts,
        state.uploads,
        state.plan,
        state.period,
        state.lang,
        parts=parts,
        scenarios=own if len(own) >= FEWEST_COMPARED else (),
        layouts=session.layout_texts(),
    )
    return Told(of, found.title, found.subtitle, {own.id: own for own in slides(found)})


# --- before it begins


def story(state: State, made: Told) -> None:
    """Which slides are shown, by their messages."""
    for id, slide in made.slides.items():
        st.checkbox(
            cards.plain(slide.message),
            **session.remembered(f"present.slide.{id}", session.kept(f"present.slide.{id}", True)),
        )
    if len(session.scenarios().scenarios) < FEWEST_COMPARED:
        st.caption(state.say("present_scenarios_few", fewest=FEWEST_COMPARED))


def chosen(made: Told) -> tuple[str, ...]:
    """The ids of the slides that are shown, in order."""
    return tuple(id for id in made.slides if session.kept(f"present.slide.{id}", True))


def start() -> None:
    """Turn the page into the presentation."""
    session.keep(_AT, 0)


# --- on the stage


def is_on(page: str) -> bool:
    """Whether a page is the presentation just now."""
    return page == PAGE and session.kept(_AT, None) is not None


def end() -> None:
    """Turn the presentation into the page."""
    session.keep(_AT, None)


def show(state: State) -> None:
    """The slide in view, and how to turn it."""
    colour = accent(
        report.brand_of().accent, _NIGHT if st.context.theme.type == "dark" else "#ffffff"
    )
    st.html(f"<style>:root {{ --accent: {colour}; }}\n{_STYLE}</style>")
    _slide(state)


@st.fragment(key="stage")
def _slide(state: State) -> None:
    at: int | None = session.kept(_AT, None)
    if at is None:
        st.rerun()
    made = told(state)
    ids = chosen(made)
    at = min(at, len(ids))  # the cover is 0
    with st.container(key="slide"):
        st.html(_cover(state, made) if at == 0 else _page(state, made, ids[at - 1]))
    with st.container(horizontal=True, vertical_alignment="center", key="turning"):
        with st.container(key="foot"):
            st.html(_foot(state, made))
        _turning(state, at, len(ids))


def _turning(state: State, at: int, last: int) -> None:
    """Back, how far it is, on, and the end."""
    st.button(
        state.say("present_back"),
        key="present.back",
        shortcut="Left",
        disabled=at == 0,
        on_click=_turn,
        args=(at - 1,),
    )
    st.markdown(f"{at + 1} / {last + 1}", width="content")
    st.button(
        state.say("present_on"),
        key="present.on",
        shortcut="Right",
        disabled=at == last,
        on_click=_turn,
        args=(at + 1,),
    )
    st.button(
        state.say("present_end"),
        key="present.end",
        shortcut="Escape",
        on_click=end,
    )


def _turn(at: int) -> None:
    session.keep(_AT, at)


def _cover(state: State, made: Told) -> str:
    client = report.brand_of().client
    name = f"<p class='client'>{escape(client)}</p>" if client else ""
    scaled = f"<p>{escape(state.say('anonymous_sign'))}</p>" if _is_scaled(state) else ""
    return (
        f"<section class='slide cover'>{_mark(state)}{name}<h1>{escape(made.title)}</h1>"
        f"<p class='days'>{escape(made.days)}</p>{scaled}</section>"
    )


def _page(state: State, made: Told, id: str) -> str:
    slide, ink = made.slides[id], cards.ink()
    if (id, ink) not in made.drawn:
        made.drawn[id, ink] = body(slide, state.lang, ink)
    return (
        f"<section class='slide' aria-live='polite'><h1>{escape(slide.message)}</h1>"
        f"{made.drawn[id, ink]}</section>"
    )


def _foot(state: State, made: Told) -> str:
    said = (report.brand_of().client or made.title, made.days)
    words = " · ".join(escape(own) for own in said if own)
    scaled = f" · {escape(state.say('anonymous_short'))}" if _is_scaled(state) else ""
    return f"<p class='foot'>{_mark(state)}<span>{words}{scaled}</span></p>"


def _is_scaled(state: State) -> bool:
    return is_anonymous(state.uploads)


def _mark(state: State) -> str:
    """The logo, where there is one."""
    own = report.brand_of()
    mark = logo(own)
    if mark is None:
        return ""
    content = base64.b64encode(mark.content).decode()
    alt = escape(own.client or state.say("present_logo"))
    return f"<img class='logo' src='data:{mark.media};base64,{content}' alt=\"{alt}\">"
