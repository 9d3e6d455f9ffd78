"""Who is paid: the table of people, the payroll that follows, one person's statement."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from hashlib import sha256
from typing import Any

import pandas as pd
import streamlit as st

from kpi_core import catalogue
from kpi_core.errors import PlanError
from kpi_core.pay import (
    Payout,
    Person,
    outcome,
    payroll,
    payroll_csv,
    payroll_row,
    people_csv,
    person_of,
    read_people,
    statement,
)
from kpi_core.schemes import Team
from kpi_core.text import money, say
from ui import cards, plans, session
from ui.state import SAMPLES, State

_COLUMNS = ("name", "plan", "fixed", "bonus", "corrections", "pay")  # of the payroll
_ORDER = (
    "name", "plan", "hours", "contribution", "first", "last", "absent", "salary", "fund",
    "correction", "reason",
)  # fmt: skip


def people(state: State) -> tuple[Person, ...]:
    """The people that were entered or brought, in their order; at first those of the sample.

    Raises:
        PlanError: somebody cannot be as typed.
    """
    return tuple(person_of(_typed(row), place) for place, row in enumerate(_rows(state), start=1))


def _rows(state: State) -> list[dict[str, Any]]:
    """The cells of the table as they were typed, right or wrong."""
    known: list[dict[str, Any]] | None = session.kept("people", None)
    if known is not None:
        return [{field: row.get(field) for field in Person.model_fields} for row in known]
    return [_as_cells(person) for person in (_sample() if state.sample else ())]


@st.cache_resource(show_spinner=False)
def _sample() -> tuple[Person, ...]:
    file = SAMPLES / "people.csv"
    return read_people(file.name, file.read_bytes()).people


def view(state: State, due: Payout | PlanError) -> None:
    """The table of people, the payroll, and the statement of the one that is picked."""
    st.caption(state.say("people_about"))
    _files(state)
    _table(state)
    try:
        found = everybody(state, due)
    except PlanError as refused:
        st.warning(cards.plain(refused.text(state.lang)), icon=":material/pause_circle:")
        return
    if found:
        _payroll(state, found)


def everybody(state: State, due: Payout | PlanError) -> tuple[Payout, ...]:
    """What everybody is paid.

    Raises:
        PlanError: a plan by which somebody is paid cannot be paid, or somebody's pay not be told.
    """
    team = people(state)
    return payroll(team, payouts(state, team, due))


def payouts(state: State, team: Sequence[Person], due: Payout | PlanError) -> dict[str, Payout]:
    """What the plan at hand pays, and those of the shelf by which somebody is paid.

    Raises:
        PlanError: one of them cannot be paid.
    """
    plans_of = {person.plan for person in team}
    found = {}
    if "" in plans_of:
        if isinstance(due, PlanError):
            raise due
        found[""] = due
    for name in plans_of & set(plans.shelf()):
        of = replace(state, plan=plans.shelf()[name])
        made = outcome(of.judged(), of.values())
        if made.blocked:
            raise made.blocked
        if made.paid:
            found[name] = made.paid
    return found


def _files(state: State) -> None:
    file = st.file_uploader(
        state.say("people_file"),
        type=["csv", "tsv", "txt", "xlsx", "xls"],
        help=state.say("people_file_help"),
        key=session.upload_key("people_file"),
    )
    if file:
        _bring(file.name, file.getvalue())
        st.rerun()
    cards.findings(state, session.kept("people.findings", ()))


def _bring(name: str, data: bytes) -> None:
    def take() -> None:
        table = read_people(name, data)
        session.keep("people", [_as_cells(person) for person in table.people])
        session.keep("people.findings", table.findings())

    session.took_file()
    session.guarded(take)()


def _table(state: State) -> None:
    """The people as rows to edit; a new row is a new person."""
    lang, currency = state.lang, state.plan.currency
    names = {
        field: catalogue.people_heading(field, lang).capitalize() for field in Person.model_fields
    }
    sums = {"salary", "fund", "correction"}
    config: dict[str, Any] = {
        field: st.column_config.NumberColumn(
            f"{name}, {currency}" if field in sums else name,
            min_value=None if field == "correction" else 0,
        )
        for field, name in names.items()
        if field in sums | {"absent", "contribution", "hours"}
    }
    config |= {
        field: st.column_config.DateColumn(names[field], width="small")
        for field in ("first", "last")
    }
    config |= {field: st.column_config.TextColumn(names[field]) for field in ("name", "reason")}
    config["plan"] = st.column_config.SelectboxColumn(
        names["plan"], options=["", *plans.shelf()], help=state.say("people_plan_help")
    )
    rows = _rows(state)
    digest = sha256(repr((rows, [*plans.shelf()])).encode()).hexdigest()[:12]
    st.data_editor(
        pd.DataFrame(rows, columns=list(Person.model_fields)),
        column_config=config,
        column_order=_shown(state, rows),
        num_rows="dynamic",
        hide_index=True,
        placeholder="",
        **session.table(f"people.{digest}", lambda edits: _edit(rows, edits)),
    )


def _shown(state: State, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The columns that can decide something here, or that hold something."""
    schemes = [state.plan.scheme, *(plan.scheme for plan in plans.shelf().values())]
    splits = {str(scheme.split) for scheme in schemes if isinstance(scheme, Team)}
    decide = {
        "plan": bool(plans.shelf()),
        "fund": any(scheme.stake_field for scheme in schemes if not isinstance(scheme, Team)),
        "hours": "hours" in splits,
        "contribution": "contribution" in splits,
    }
    usual = _as_cells(Person(name="-"))
    filled = {field for row in rows for field, cell in row.items() if cell != usual.get(field)}
    return [field for field in _ORDER if decide.get(field, True) or field in filled]


def _as_cells(person: Person) -> dict[str, Any]:
    return {
        field: float(value) if isinstance(value, Decimal) else value
        for field, value in person.model_dump().items()
    }


def _edit(rows: Sequence[Mapping[str, object]], edits: Mapping[str, Any]) -> None:
    """Take over what was typed into the rows; one without a name waits for it."""
    edited = [{**row, **edits["edited_rows"].get(place, {})} for place, row in enumerate(rows)]
    kept = [row for place, row in enumerate(edited) if place not in edits["deleted_rows"]]
    added = [row for row in edits["added_rows"] if row.get("name")]
    session.keep(
        "people",
        [{field: _day(field, cell) for field, cell in row.items()} for row in (*kept, *added)],
    )


def _typed(row: Mapping[str, Any]) -> dict[str, object]:
    """The cells of a row as a person has them: what was typed, digit by digit."""
    return {
        field: Decimal(repr(cell)) if isinstance(cell, float) else cell
        for field, cell in row.items()
        if cell is not None
    }


def _day(field: str, cell: object) -> object:
    is_day = field in ("first", "last") and isinstance(cell, str)
    return date.fromisoformat(str(cell)[:10]) if is_day else cell


def _payroll(state: State, everybody: Sequence[Payout]) -> None:
    """What everybody gets, the sum of it, and the statement of one."""
    lang, currency = state.lang, state.plan.currency
    st.header(state.say("payroll"))
    rows = [payroll_row(paid) for paid in everybody]
    total = sum((paid.pay for paid in everybody), Decimal(0))
    bonuses = sum((paid.bonus for paid in everybody), Decimal(0))
    st.markdown(
        cards.plain(
            state.say(
                "payroll_total",
                n=len(everybody),
                total=money(total, currency, lang),
                bonus=money(bonuses, currency, lang),
            )
        )
    )
    columns = [name for name in _COLUMNS if name != "plan" or any(row["plan"] for row in rows)]
    table = {
        say(lang, f"payroll.{column}"): [
            money(cell, currency, lang) if isinstance(cell := row[column], Decimal) else cell
            for row in rows
        ]
        for column in columns
    }
    picked = st.dataframe(
        table,
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        key=f"payroll.{lang}",
    )
    st.download_button(
        state.say("payroll_download"),
        payroll_csv(everybody, lang).encode("utf-8-sig"),
        "payroll.csv",
        "text/csv",
        icon=":material/download:",
    )
    st.download_button(
        state.say("people_download"),
        people_csv([paid.person for paid in everybody if paid.person], lang).encode("utf-8-sig"),
        "people.csv",
        "text/csv",
        icon=":material/download:",
    )
    chosen = picked["selection"]["rows"]
    if not chosen:
        st.caption(state.say("payroll_pick"))
        return
    st.header(cards.plain(str(rows[chosen[0]]["name"])))
    cards.derivation(state, statement(everybody[chosen[0]], lang))
