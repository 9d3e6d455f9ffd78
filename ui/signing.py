"""Sign-off: a payout is proposed, approved, and computed again."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

import streamlit as st

from kpi_core.changes import plan_differences
from kpi_core.errors import Finding, KpiError, PlanError, Severity
from kpi_core.pay import Payout, Person, payout
from kpi_core.plan import Plan
from kpi_core.signoff import (
    Snapshot,
    Status,
    approved,
    draft,
    last_approved,
    paid_as,
    proposed,
    read_snapshot,
    remarks,
    superseding,
)
from kpi_core.text import day, days, money, say
from ui import cards, keeping, people, plans, session
from ui.state import State


def view(state: State, due: Payout | PlanError) -> None:
    """Propose what is on screen; open a snapshot: approve it, correct it, compute it again."""
    st.caption(state.say("signoff_about"))
    name = keeping.person() or st.text_input(
        state.say("signoff_name"),
        max_chars=100,
        **session.remembered("signoff.name", session.kept("signoff.name", "")),
    )
    opened: Snapshot | None = session.kept("signoff.opened", None)
    if isinstance(due, PlanError):
        st.warning(cards.plain(due.text(state.lang)), icon=":material/pause_circle:")
    else:
        everybody = _everybody(state, due)
        _propose(state, _whose(state, due, everybody), everybody, name, opened)
    _open(state)
    if opened is not None:
        _shown(state, opened, name)


def _everybody(state: State, due: Payout) -> Sequence[Payout]:
    """The payroll; nobody where it cannot be told: the view of the people says why."""
    try:
        return people.everybody(state, due)
    except PlanError:
        return ()


def _whose(state: State, due: Payout, everybody: Sequence[Payout]) -> Payout:
    """The payout to sign: of the plan, or of one of the people."""
    known = {"": due} | {
        f"{place}. {own.person.name}": own
        for place, own in enumerate(everybody, start=1)
        if own.person
    }
    if not everybody:
        return due
    kept = session.kept("signoff.whose", "")
    chosen = st.selectbox(
        state.say("signoff_whose"),
        list(known),
        format_func=lambda name: name or state.say("signoff_whose_plan"),
        **session.remembered("signoff.whose", kept if kept in known else ""),
    )
    return known[chosen]


def _propose(
    state: State, due: Payout, everybody: Sequence[Payout], name: str, opened: Snapshot | None
) -> None:
    """A proposal of the payout on screen; it may correct an approved one that is open."""
    st.header(state.say("signoff_propose"))
    try:
        made = draft(_plan_of(state, due.person), state.uploads, due, everybody=everybody)
    except KpiError as refused:
        st.warning(cards.plain(refused.text(state.lang)), icon=":material/pause_circle:")
        return
    reason = ""
    correctable = opened is not None and opened.status is Status.APPROVED
    if correctable:
        reason = st.text_input(
            state.say("signoff_reason"),
            max_chars=500,
            **session.remembered("signoff.reason", session.kept("signoff.reason", "")),
        )
    superseded = opened if correctable and reason.strip() else None
    try:
        earlier = superseded or last_approved(_known(), made)
    except KpiError as damaged:
        st.warning(cards.plain(damaged.text(state.lang)), icon=":material/warning:")
        return
    _compared(state, earlier)
    st.button(
        state.say("signoff_make"),
        key="signoff.propose",
        icon=":material/edit_document:",
        disabled=not name,
        help=None if name else state.say("signoff_name_first"),
        on_click=session.guarded(_make, made, name, reason if superseded else "", earlier),
    )


def _plan_of(state: State, person: Person | None) -> Plan:
    """The plan on screen by which somebody is paid: one of the shelf has figures of its own."""
    return (plans.shelf().get(person.plan) if person else None) or state.plan


def _compared(state: State, earlier: Snapshot | None) -> None:
    """With what was approved the KPIs are compared, to know the new ones."""
    if earlier is None:
        st.caption(Finding(Severity.INFO, "signoff_no_earlier").text(state.lang))
        return
    period = earlier.days()
    told = state.say(
        "signoff_compared",
        period=days(period.first, period.last, state.lang),
        act=_status(earlier, state.lang),
    )
    st.caption(cards.plain(told))


def _make(made: Snapshot, name: str, reason: str, earlier: Snapshot | None) -> None:
    if earlier is not None and reason:
        made = superseding(earlier, made, reason)
    _sign(proposed(made, name, date.today(), earlier))


def _known() -> tuple[Snapshot, ...]:
    """What was approved, of the workspace and of this session, also if it is closed by now."""
    found = keeping.workspace()
    known: tuple[Snapshot, ...] = session.kept("signoff.known", ())
    return (*found.snapshots.approvals(), *known) if found and found.me().sees_pay else known


def _sign(snapshot: Snapshot) -> None:
    """Keep what was proposed or approved, if the workspace takes it from this person; open it."""
    if found := keeping.workspace():
        found.snapshots.freeze(snapshot)
    hold(snapshot)


def hold(snapshot: Snapshot) -> None:
    """Open a snapshot; an approved one is remembered when it is closed."""
    session.keep("signoff.opened", snapshot)
    known: tuple[Snapshot, ...] = session.kept("signoff.known", ())
    if snapshot.status is Status.APPROVED and snapshot not in known:
        session.keep("signoff.known", (*known, snapshot))


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
            hold(read_snapshot(data, file.name))

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
        cards.findings(state, remarks(own))
        _beside(state, own)
        with st.container(horizontal=True):
            if own.status is Status.PROPOSED:
                st.button(
                    state.say("signoff_approve"),
                    key="signoff.approve",
                    icon=":material/verified:",
                    disabled=not name,
                    on_click=session.guarded(lambda: _sign(approved(own, name, date.today()))),
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


def _beside(state: State, own: Snapshot) -> None:
    """What the plan on screen pays for the same period, where it is not that of the snapshot."""
    lang, person, period = state.lang, own.read_person(), own.days()
    then, now = own.read_plan(), _plan_of(state, person)
    if (then.name, then.business) != (now.name, now.business):
        return
    changes = plan_differences(then.of_period(period), now.of_period(period), lang)
    if not changes:
        return
    said = state.say("signoff_now_other")
    if own.result:
        values = replace(state, plan=now, period=period).values()
        was = (Decimal(own.result.bonus), Decimal(own.result.pay))
        try:
            paid = paid_as(own, payout(now, values))
        except PlanError as blocked:
            said = state.say("signoff_now_blocked", why=blocked.text(lang))
        else:
            sums = [money(sum, then.currency, lang) for sum in was]
            sums += [money(sum, now.currency, lang) for sum in (paid.bonus, paid.pay)]
            named = dict(zip(("was_bonus", "was_pay", "bonus", "pay"), sums, strict=True))
            said = state.say("signoff_now_pays", **named)
    lines = [cards.plain(said), *(f"- {cards.plain(change)}" for change in changes)]
    st.warning("\n".join([lines[0], "", *lines[1:]]), icon=":material/difference:")
