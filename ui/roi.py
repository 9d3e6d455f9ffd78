"""A calculator of the return on advertising: one answer for each definition, none of them alone."""

from decimal import Decimal
from fractions import Fraction

import streamlit as st

from kpi_core import catalogue, words
from kpi_core.text import percent
from ui import cards, session
from ui.state import State

_SHOWN = "romi"
_BREAK_EVEN = "drr"  # the share of revenue that advertising takes is the margin that pays for it
_EXAMPLE = {"spend": 100_000.0, "revenue": 150_000.0, "margin_rate": 30.0}


def view(state: State) -> None:
    """Spend, revenue and margin to type; the return by every definition; where it breaks even."""
    st.caption(state.say("roi_about"))
    given: dict[str, Fraction] = {}
    for column, (id, usual) in zip(st.columns(3), _EXAMPLE.items(), strict=True):
        with column:
            name = f"roi.{id}"
            share = id in catalogue.ASSUMPTIONS
            unit = "%" if share else state.plan.currency
            typed = st.number_input(
                f"{words.quantity(id, state.lang)}, {unit}",
                min_value=0.0,
                max_value=100.0 if share else None,
                step=1.0 if share else 1000.0,
                **session.remembered(name, session.kept(name, usual)),
            )
        given[id] = Fraction(Decimal(repr(typed))) / (100 if share else 1)
    kpi = catalogue.kpi(_SHOWN)
    variants = [v for v in kpi.variants if set(v.formula.names) <= set(given)]
    st.table(
        {
            state.say("roi_definition"): [v.name[state.lang] for v in variants],
            kpi.name[state.lang]: [
                words.kpi_figure(kpi.read_as(v), v.formula.value(given), None, state.lang)
                for v in variants
            ],
        }
    )
    even = catalogue.kpi(_BREAK_EVEN).variants[0].formula.value(given)
    if even:
        key = "roi_even" if given["margin_rate"] >= even else "roi_loss"
        st.markdown(cards.plain(state.say(key, margin=percent(even, state.lang))))
    st.caption(state.say("roi_cycle"))
