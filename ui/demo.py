"""What a consultant does before showing the app to others: hide whose the files are, begin anew.

Both lay other work out in the place of what is at hand, which is kept beside it and comes back
with one click as long as the session lasts.
"""

from decimal import Decimal
from enum import StrEnum
from functools import partial

import streamlit as st

from kpi_core import catalogue
from kpi_core.anonymise import (
    COUNTS,
    Scale,
    anonymous,
    anonymous_plan,
    anonymous_scenarios,
    is_anonymous,
    write_set,
)
from kpi_core.plan import Plan
from ui import session
from ui.state import State

_BEFORE, _WHY, _BEGUN, _COUNTS, _MONEY = (
    f"demo.{own}" for own in ("before", "why", "begun", "counts", "money")
)
SET = "demo.zip"  # what a set is called


class Why(StrEnum):
    """Why other work lies aside."""

    ANONYMOUS = "anonymous"
    RESET = "reset"


def _lies_aside(why: Why) -> bool:
    return bool(session.kept(_WHY, None) == why)


def go_back() -> None:
    """What lies aside is at hand again."""
    session.go_on(session.kept(_BEFORE, session.work()))


# --- nobody's files


def make_anonymous(scale: Scale, lang: str) -> None:
    """The double of files, plan and scenarios in the place of the real ones.

    People, other plans, event logs, taught layouts and the client stay with the real ones, and
    nothing of the double goes into a workspace.
    """
    was, plan = session.work(), session.plan()
    own = session.untouched(plan.business, was["visitor"])
    doubles = anonymous(tuple(session.uploads().values()), scale, lang)
    roles: dict[str, Plan] = was["roles"]
    own |= {name: was[name] for name in ("period", "own_days", "compare", "pay_hidden")}
    own |= {
        "uploads": {double.digest: double for double in doubles},
        "plan": anonymous_plan(plan, scale, lang),
        "roles": {id: anonymous_plan(of_role, scale, lang) for id, of_role in roles.items()},
        "sample": False,
        "passing": True,
    }
    own["kept"] = {
        f"scenarios.{plan.business}": anonymous_scenarios(session.scenarios(), lang),
        "report.accent": session.kept("report.accent", None),
    }
    own["kept"] = {name: held for name, held in own["kept"].items() if held is not None}
    own["kept"] |= {_BEFORE: was, _WHY: Why.ANONYMOUS}
    session.go_on(own)


def sign(state: State) -> None:
    """That the figures in view are a double's, and the way back to the real ones."""
    if not (_lies_aside(Why.ANONYMOUS) or is_anonymous(state.uploads)):
        return
    text, go = st.columns([4, 1], vertical_alignment="center")
    text.warning(state.say("anonymous_sign"), icon=":material/theater_comedy:")
    if _lies_aside(Why.ANONYMOUS):
        go.button(
            state.say("anonymous_back"),
            key="demo.real",
            on_click=go_back,
            icon=":material/undo:",
            width="stretch",
        )


def files(state: State) -> None:
    """Make the loaded files anonymous; once they are, take them along."""
    if is_anonymous(state.uploads):
        _take_along(state)
    elif state.sample:
        st.caption(state.say("anonymous_no_files"))
        st.page_link(
            "pages/measure/data.py", label=state.say("load_own"), icon=":material/upload_file:"
        )
    else:
        _offer(state)


def _offer(state: State) -> None:
    st.markdown(state.say("anonymous_about"))
    usual = Scale()
    counts, money = st.columns(2)
    counts.segmented_control(
        state.say("anonymous_counts"),
        COUNTS,
        format_func=lambda factor: f"× {factor}",
        required=True,
        **session.remembered(_COUNTS, session.kept(_COUNTS, usual.counts)),
    )
    money.number_input(
        state.say("anonymous_money"),
        min_value=0.01,
        max_value=100.0,
        step=0.1,
        help=state.say("anonymous_money_help"),
        **session.remembered(_MONEY, session.kept(_MONEY, float(usual.money))),
    )
    st.button(
        state.say("anonymous_make"),
        key="demo.make",
        on_click=session.guarded(_make, state.lang),
        icon=":material/theater_comedy:",
    )
    st.caption(state.say("anonymous_limits"))


def _make(lang: str) -> None:
    usual = Scale()
    money = round(Decimal(str(session.kept(_MONEY, float(usual.money)))), 4)
    make_anonymous(Scale(session.kept(_COUNTS, usual.counts), money), lang)


def _take_along(state: State) -> None:
    st.markdown(state.say("anonymous_take"))
    st.download_button(
        state.say("anonymous_download"),
        partial(write_set, state.uploads),
        SET,
        "application/zip",
        key="demo.zip",
        on_click="ignore",
        icon=":material/download:",
    )
    st.download_button(
        state.say("code_plan"),
        state.plan.as_json(),
        "plan.json",
        "application/json",
        key="demo.plan",
        on_click="ignore",
        icon=":material/download:",
    )


# --- from the beginning


def reset(business: str) -> None:
    """The sample of a business type as nobody has touched it; what was real comes back."""
    if _lies_aside(Why.ANONYMOUS):
        go_back()
    was = session.kept(_BEFORE, None) if _just_begun() else session.work()
    own = session.untouched(business, was["visitor"])
    own["kept"] |= {_BEFORE: was, _WHY: Why.RESET}
    session.go_on(own)
    session.keep(_BEGUN, session.stand())


def _just_begun() -> bool:
    """Whether nothing was done since the last reset."""
    return _lies_aside(Why.RESET) and session.kept(_BEGUN, ()) == session.stand()


def begun(state: State) -> None:
    """What was there before a reset, again: on every page until something is done."""
    if not _just_begun():
        return
    text, go = st.columns([4, 1], vertical_alignment="center")
    text.success(state.say("reset_done"), icon=":material/check_circle:")
    with go:
        _back(state)


def _back(state: State) -> None:
    st.button(state.say("reset_undo"), key="demo.undo", on_click=go_back, icon=":material/undo:")


def beginning(state: State) -> None:
    """Back to an untouched sample, once that is confirmed; and what was there, again."""
    if _lies_aside(Why.RESET) and not _just_begun():
        _back(state)
    businesses = catalogue.businesses()
    st.selectbox(
        state.say("reset_to"),
        list(businesses),
        format_func=lambda id: businesses[id].name[state.lang],
        **session.remembered("demo.business", session.kept("demo.business", state.plan.business)),
    )
    with st.popover(state.say("reset"), icon=":material/restart_alt:", key="demo.reset"):
        st.markdown(state.say("reset_confirm"))
        st.button(
            state.say("reset_yes"),
            key="demo.yes",
            on_click=lambda: reset(session.kept("demo.business", state.plan.business)),
            icon=":material/restart_alt:",
        )
