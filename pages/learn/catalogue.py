"""How is each KPI computed?"""

import streamlit as st

from kpi_core import catalogue, words
from kpi_core.errors import Finding
from kpi_core.kpis import KpiValue
from kpi_core.model import Group, Kpi
from kpi_core.stats import lift
from kpi_core.text import number
from ui import cards, controls, explain, plans, session
from ui.state import State

LIFT = "catalogue.lift"
# A start that shows what an answer looks like.
LIFT_SAMPLE = {"exposed_yes": 520, "exposed": 2000, "control_yes": 430, "control": 2000}
SEARCH, GROUP, WITH_DATA = "catalogue.search", "catalogue.group", "catalogue.with_data"


def main() -> None:
    """Answer, filters, one fold a KPI."""
    state = session.current(st.session_state["lang"])
    known = state.known()
    told = sum(value.value is not None for value in known.values())
    numbers = {"all": number(len(known), state.lang), "n": number(told, state.lang)}
    cards.heading(state, "catalogue", state.say("catalogue_answer", **numbers))
    listed = _filtered(state, _filters(state))
    if not listed:
        st.info(state.say("catalogue_none"), icon=":material/search_off:")
    for group in Group:
        within = [value for value in listed if value.definition.group is group]
        if within:
            st.header(state.say(f"plan_group_{group}"))
        for value in within:
            _entry(state, value)
    _lift(state)


def _lift(state: State) -> None:
    """Brand Lift, which is no formula over files: a survey of two groups, typed in."""
    st.header(state.say("lift"), help=state.say("lift_help"))
    counts: dict[str, int] = session.kept(LIFT, {})
    boxes = st.columns(4)
    for box, (name, usual) in zip(boxes, LIFT_SAMPLE.items(), strict=True):
        box.number_input(
            state.say(f"lift_{name}"),
            min_value=0,
            step=1,
            **session.widget(
                f"{LIFT}.{name}",
                counts.get(name, usual),
                lambda new, name=name: session.keep(LIFT, session.kept(LIFT, {}) | {name: new}),
            ),
        )
    asked = {name: counts.get(name, usual) for name, usual in LIFT_SAMPLE.items()}
    found = lift(asked["exposed_yes"], asked["exposed"], asked["control_yes"], asked["control"])
    if found is None:
        st.warning(state.say("lift_impossible"), icon=":material/help:")
    else:
        fewest = min(asked["exposed"], asked["control"])
        st.markdown(f"**{cards.plain(words.lifted(found, fewest, state.lang))}**")


def _filters(state: State) -> tuple[str, str, bool]:
    """What is searched for, the group, and whether data are asked for."""
    search, group, data = st.columns([3, 2, 2], vertical_alignment="bottom")
    text: str = session.kept(SEARCH, "")
    chosen: str = session.kept(GROUP, "")
    only: bool = session.kept(WITH_DATA, False)
    search.text_input(
        state.say("catalogue_search"),
        help=state.say("catalogue_search_help"),
        icon=":material/search:",
        **session.remembered(SEARCH, text),
    )
    group.selectbox(
        state.say("plan_group"),
        ["", *(str(own) for own in Group)],
        format_func=lambda own: state.say(f"plan_group_{own or 'all'}"),
        **session.remembered(GROUP, chosen),
    )
    data.toggle(
        state.say("catalogue_with_data"),
        **session.remembered(WITH_DATA, only),
    )
    return text, chosen, only


def _filtered(state: State, asked: tuple[str, str, bool]) -> list[KpiValue]:
    text, group, only = asked
    return [
        value
        for value in state.known().values()
        if (not group or value.definition.group == group)
        and (not only or value.value is not None)
        and plans.mentions(text, value.kpi, *_names(value.definition))
    ]


def _names(kpi: Kpi) -> list[str]:
    return [*kpi.name.values(), *kpi.why.values()]


def _entry(state: State, value: KpiValue) -> None:
    """A KPI: a line with its value; what is inside is drawn only once it is opened."""
    kpi, lang = value.definition, state.lang
    shown = words.kpi_figure(kpi, value.value, value.currency, lang)
    fold = st.expander(
        cards.plain(f"{kpi.name[lang]}: {shown}"),
        key=f"catalogue.kpi.{kpi.id}",
        on_change="rerun",
    )
    if not fold.open:
        return
    with fold:
        st.markdown(cards.plain(kpi.why[lang]))
        for usual in kpi.norms:
            st.caption(cards.plain(words.usual(kpi, usual, lang)))
        _definitions(state, value)
        st.markdown(f"**{state.say('catalogue_now')}**")
        explain.content(state, value, link=False)
        cards.findings(state, _odd(state, value))


def _definitions(state: State, value: KpiValue) -> None:
    """Every definition with its formula and example; which one counts can be chosen."""
    kpi, lang = value.definition, state.lang
    for variant in kpi.variants:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{cards.plain(variant.name[lang])}**", width="content")
            if variant.id == value.variant:
                counts = state.say("catalogue_counts")
                st.badge(counts, icon=":material/check:", color="green")
            elif variant.chosen:
                st.badge(state.say("catalogue_chosen"), color="gray")
        st.markdown(cards.plain(words.formula(variant.formula.text, lang)))
        if worked := words.example(kpi, variant, lang):
            source = kpi.examples[variant.id].source
            said = state.say("catalogue_example", example=worked)
            if source != "by hand":  # whose example it is, where it is somebody's
                said = state.say("catalogue_example_of", example=worked, source=source)
            st.caption(cards.plain(said))
    if len(kpi.variants) > 1:
        controls.definition(state, kpi)
    st.caption(cards.plain(state.say("explain_source", source=kpi.source)))


def _odd(state: State, value: KpiValue) -> list[Finding]:
    """What is odd about the figures that it was made of."""
    places = {value.kpi, *value.inputs}
    families = {
        catalogue.measure(id).family.id for id in value.inputs if id in catalogue.measures()
    }
    return [finding for finding in state.values().findings if finding.where in places | families]


main()
