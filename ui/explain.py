"""What stands behind a figure: its definition, its formula with the figures put in, its sources.

`button` opens it for one value, `row` for several in a line; `content` draws it in place.
"""

from collections.abc import Iterable, Mapping

import streamlit as st

from kpi_core import words
from kpi_core.kpis import Input, KpiValue
from kpi_core.text import number
from ui import cards
from ui.state import State

_ICON = ":material/info:"


def button(state: State, value: KpiValue, place: str, label: str = "") -> None:
    """A small button that explains a value; `place` tells it from others of the page."""
    name = value.definition.name[state.lang]
    if st.button(
        cards.plain(label),
        key=f"explain.{place}.{value.kpi}.{value.slice}",
        icon=_ICON,
        type="tertiary",
        help=cards.plain(state.say("explain_of", name=name)),
    ):
        _dialog(state, value)


def row(state: State, values: Iterable[KpiValue], place: str) -> None:
    """The values side by side, each a button that explains it."""
    known = list(values)
    if not known:
        return
    st.caption(state.say("explain_figures"))
    with st.container(horizontal=True, gap="small"):
        for value in known:
            name = value.definition.name[state.lang]
            button(state, value, place, f"{name}: {_shown(state, value)}")


def content(state: State, value: KpiValue, *, link: bool = True) -> None:
    """Definition, formula with figures, inputs with sources and files, interval, what is missing.

    With `link`, the way to the catalogue, for pages other than it.
    """
    kpi, lang = value.definition, state.lang
    variant = kpi.variant(value.variant)
    st.markdown(f"**{cards.plain(words.formula_in_figures(value, lang))}**")
    if not value.inputs:
        st.caption(state.say("explain_stated"))
    else:
        _listed(state, value.inputs)
    for line in _remarks(state, value):
        st.markdown(cards.plain(line))
    if value.missing:
        lacking = ", ".join(words.quantity(id, lang) for id in value.missing)
        st.warning(cards.plain(state.say("explain_missing", names=lacking)), icon=":material/help:")
    if link:
        formula = words.formula(variant.formula.text, lang)
        st.markdown(cards.plain(kpi.why[lang]))
        said = [
            state.say("explain_definition", name=variant.name[lang]),
            state.say("explain_formula", formula=formula),
            state.say("explain_source", source=kpi.source),
        ]
        for line in said:
            st.caption(cards.plain(line))
        st.page_link(
            "pages/learn/catalogue.py",
            label=state.say("explain_catalogue"),
            icon=":material/menu_book:",
        )


def figure(state: State, id: str, given: Input) -> None:
    """The same for a sum: what it is, whose, and from which files."""
    shown = words.input_figure(id, given, state.lang)
    st.markdown(f"**{cards.plain(f'{words.quantity(id, state.lang)}: {shown}')}**")
    _listed(state, {id: given})


def _dialog(state: State, value: KpiValue) -> None:
    name = value.definition.name[state.lang]
    opened = st.dialog(cards.plain(state.say("explain_of", name=name)), width="medium")
    opened(content)(state, value)


def _shown(state: State, value: KpiValue) -> str:
    return words.kpi_figure(value.definition, value.value, value.currency, state.lang)


def _listed(state: State, inputs: Mapping[str, Input]) -> None:
    """One line a quantity: figure, source, files."""
    lines = []
    for id, given in inputs.items():
        shown = words.input_figure(id, given, state.lang)
        said = {"figure": shown, "sources": _sources(state, given)}
        line = state.say("explain_input", name=words.quantity(id, state.lang), **said)
        lines.append(f"- {cards.plain(line)}")
    st.markdown("\n".join(lines))


def _sources(state: State, given: Input) -> str:
    said = [words.source_name(source, state.lang) for source in given.sources]
    said += [words.converted(part, state.lang) for part in given.converted]
    if given.files:
        files = ", ".join(given.files)
        said.append(state.say("explain_in_files", n=len(given.files), files=files))
    return ", ".join(said) or "—"


def _remarks(state: State, value: KpiValue) -> list[str]:
    """Interval, cases, norms: what there is."""
    said = []
    if value.value is not None and value.low is not None and value.enough:
        said.append(state.say("explain_interval", interval=words.interval(value, state.lang)))
    if value.cases is not None:
        cases = state.say("explain_cases", n=number(value.cases, state.lang))
        said.append(cases if value.enough else f"{cases} {state.say('explain_not_enough')}")
    if norm := words.norm(value.definition, value.value, state.lang):
        said.append(norm)
    return said
