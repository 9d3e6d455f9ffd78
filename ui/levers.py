"""The levers of the what-if page, and what follows from where they stand."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

import streamlit as st

from kpi_core.drivers import Lever, Model, project
from kpi_core.errors import KpiError
from kpi_core.kpis import Values
from ui import session
from ui.state import State


def whatif(state: State) -> tuple[Mapping[str, Lever], Values]:
    """The levers as they stand, and the KPI values that would follow."""
    model = state.model()
    levers = _levers(model, session.lever_shares())
    try:
        return levers, project(model, levers, state.values())
    except KpiError as impossible:  # other data, or a link: what was possible is no more
        session.refuse(impossible)
        session.put_levers({})
        st.rerun()


def move(model: Model, driver: str, share: Decimal) -> None:
    """Move a lever; one that the model cannot follow stays where it was."""
    shares = {**session.lever_shares(), driver: share}
    model.rebuilt(_levers(model, shares))
    session.put_levers(shares)


def reset() -> None:
    """All levers back to the middle."""
    session.put_levers({})


def _levers(model: Model, shares: Mapping[str, Decimal]) -> dict[str, Lever]:
    return {
        id: Lever(by=Fraction(share))
        for id, share in shares.items()
        if share and model.drivers.get(id) is not None
    }
