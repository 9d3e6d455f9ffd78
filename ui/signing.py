"""Sign-off: a payout is proposed, approved, and computed again."""

from datetime import date
from decimal import Decimal

import streamlit as st

from kpi_core.errors import KpiError, PlanError
from kpi_core.pay import Payout
from kpi_core.signoff import (
    Snapshot,
    Status,
    approved,
    draft,
    proposed,
    read_snapshot,
    superseding,
)
from kpi_core.text import day, days, money, say
from ui import cards, people, plans, session
from ui.state import State


def view(state: State, due: Payout | PlanError) -> None:
    """Propose what is on screen; open a snapshot: approve it, correct it, compute it again."""
    st.caption(state.say("signoff_about"))
    name = st.text_input(
        state.say("signoff_name"),
        max_chars=100,
        **session.remembered("signoff.name", session.kept("signoff.name", "")),
    )
    opened: Snapshot | None = session.kept("signoff.opened", None)
    if isinstance(due, PlanError):
        st.warning(cards.plain(due.text(state.lang)), icon=":material/pause_circle:")
    else:
        _propose(state, _whose(state, due), name, opened)
    _open(state)
    if opened is not None:
        _shown(state, opened, name)


def _whose(state: State, due: Payout) -> Payout:
    """The payout to sign: of the plan, or of one of the people."""
    try:
        known = {"": due} | {
            f"{place}. {own.person.name}": own
            for place, own in enumerate(people.everybody(state, due), start=1)
            if own.person
        }
    except PlanError:
        return due  # the view of the people says what is wrong with them
    kept = session.kept("signoff.whose", "")
    chosen = st.selectbox(
        state.say("signoff_whose"),
        list(known),
        format_func=lambda name: name or state.say("signoff_whose_plan"),
        **session.remembered("signoff.whose", kept if kept in known else ""),
    )
    return known[chosen]


def _propose(state: State, due: Payout, name: str, opened: Snapshot | None) -> None:
    """A proposal of the payout on screen; it may correct an approved one that is open."""
    st.subheader(state.say("signoff_propose"))
    reason = ""
    correctable = opened is not None and opened.status is Status.APPROVED
    if correctable:
        reason = st.text_input(
            state.say("signoff_reason"),
            max_chars=500,
            **session.remembered("signoff.reason", session.kept("signoff.reason", "")),
        )
    st.button(
        state.say("signoff_make"),
        key="signoff.propose",
        icon=":material/edit_document:",
        disabled=not name,
        help=None if name else state.say("signoff_name_first"),
        on_click=session.guarded(_make, state, due, name, reason, opened if correctable else None),
    )


def _make(state: State, due: Payout, name: str, reason: str, approved_one: Snapshot | None) -> None:
    # A plan of the shelf judges by its own figures; its payout carries it.
    whole = plans.shelf().get(due.person.plan) if due.person else None
    made = draft(whole or state.plan, state.uploads, due)
    if approved_one is not None and reason:
        made = superseding(approved_one, made, reason)
    session.keep("signoff.opened", proposed(made, name, date.today(), approved_one))


def _open(state: State) -> None:
    file = st.file_uploader(
        state.say("signoff_file"),
        type=["json"],
        help=state.say("signoff_file_help"),
        key=session.upload_key("signoff_file"),
    )
    if file:
        data = file.getvalue()

        def take() -> None:
            session.keep("signoff.opened", read_snapshot(data, file.name))

        session.took_file()
        session.guarded(take)()
        st.rerun()


def _shown(state: State, own: Snapshot, name: str) -> None:
    """The snapshot that is open: what it says, whether it still comes out, the next act."""
    lang, result = state.lang, own.result
    with st.container(border=True):
        period = own.days()
        st.markdown(f"**{cards.plain(days(period.first, period.last, lang))}**")
        st.markdown(cards.plain(_status(own, lang)))
        if result:
            currency = own.read_plan().currency
            st.markdown(
                cards.plain(
                    state.say(
                        "signoff_result",
                        bonus=money(Decimal(result.bonus), currency, lang),
                        pay=money(Decimal(result.pay), currency, lang),
                    )
                )
            )
        _checked(state, own)
        with st.container(horizontal=True):
            if own.status is Status.PROPOSED:
                st.button(
                    state.say("signoff_approve"),
                    key="signoff.approve",
                    icon=":material/verified:",
                    disabled=not name,
                    on_click=session.guarded(
                        lambda: session.keep("signoff.opened", approved(own, name, date.today()))
                    ),
                )
            st.download_button(
                state.say("signoff_download"),
                own.as_json(),
                f"{period.first:%Y-%m}.{own.status}.json",
                "application/json",
                icon=":material/download:",
            )
            st.button(
                state.say("signoff_close"),
                key="signoff.close",
                icon=":material/close:",
                on_click=session.guarded(session.keep, "signoff.opened", None),
            )


def _status(own: Snapshot, lang: str) -> str:
    act = own.approved if own.status is Status.APPROVED else own.proposed
    return say(lang, f"signoff.{own.status}", by=act.by, day=day(act.on, lang)) if act else ""


def _checked(state: State, own: Snapshot) -> None:
    """Whether the snapshot comes out again from the files at hand."""
    try:
        differences = state.reopened(own)
    except KpiError as broken:
        st.warning(cards.plain(broken.text(state.lang)), icon=":material/warning:")
        return
    if not differences:
        st.success(say(state.lang, "signoff.identical"), icon=":material/check_circle:")
        return
    st.warning(say(state.lang, "signoff.differs"), icon=":material/warning:")
    cards.findings(state, differences)
