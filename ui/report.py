"""A report to hand over: what is asked of it, how it is made, how it is looked at."""

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from kpi_core.errors import KpiError, PlanError
from kpi_core.pay import Payout, Person, payout, payroll
from kpi_core.report import FORMS, Brand, Form, Part, Report, Use, gather
from kpi_core.report.brand import logo
from kpi_core.report.html import html
from kpi_core.report.notebook import script
from kpi_core.report.pdf import Kind, pages
from kpi_core.report.tables import TABLES, as_arrow, tables
from kpi_core.scenario import FEWEST_COMPARED, MOST_COMPARED, Scenario
from kpi_core.text import number, say
from ui import cards, people, plans, session
from ui.state import State, named

BY_ID = {form.id: form for form in FORMS}
TALL = 760  # pixels of the preview
SHOWN_ROWS = 200  # of a table in the preview
CODE = (".ipynb", ".py")  # what computes the report anew, from files that lie beside it


@dataclass(frozen=True)
class Asked:
    """What was chosen."""

    form: Form
    lang: str
    parts: frozenset[Part]
    brand: Brand


@dataclass(frozen=True)
class Look:
    """What a file looks like; what it has not of these is empty.

    Attributes:
        pictures: of the pages of a PDF.
        page: of HTML, the report itself or one that says the same as a workbook.
        code: of the notebook or script.
        tables: name, first rows, and how many there are in all.
    """

    pictures: tuple[bytes, ...] = ()
    page: bytes = b""
    code: str = ""
    tables: tuple[tuple[str, Any, int], ...] = ()


@dataclass(frozen=True)
class Made:
    """A report that was made: `of` tells from what, `told` what could not be put in.

    `beside` are the files that must lie beside it to be computed anew.
    """

    of: str
    name: str
    content: bytes = field(repr=False)
    look: Look = field(repr=False)
    told: tuple[KpiError, ...]
    beside: tuple[str, ...]


def asked(state: State) -> Asked:
    """What the report is to be, as it was chosen so far."""
    use = session.kept("report.use", Use.READ)
    form = BY_ID[session.kept(f"report.form.{use}", _forms(use)[0].id)]
    chosen = {part for part in _offered(form) if session.kept(f"report.part.{part}", True)}
    return Asked(
        form=form,
        lang=session.kept("report.lang", state.lang),
        parts=form.parts if form.kind == Kind.STATEMENT else frozenset(chosen),
        brand=brand_of(),
    )


def of_form(state: State, id: str) -> Asked:
    """A report of a form with all that it can hold."""
    form = BY_ID[id]
    return Asked(form, state.lang, form.parts, brand_of())


def brand_of() -> Brand:
    """For whom it is and how it looks, as chosen so far."""
    return Brand(
        session.kept("report.client", ""),
        session.kept("report.logo", None),
        session.kept("report.accent", Brand.accent),
    )


def _forms(use: Use) -> tuple[Form, ...]:
    return tuple(form for form in FORMS if form.use is use)


def _offered(form: Form) -> tuple[Part, ...]:
    """Parts of a form that there is something to make of: one scenario stands beside nothing."""
    few = len(session.scenarios().scenarios) < FEWEST_COMPARED
    held = (part for part in Part if part in form.parts)
    return tuple(part for part in held if not (few and part is Part.SCENARIOS))


# --- what is chosen


def form(state: State, wanted: Asked) -> None:
    """What it is for, the kind of file, and its language."""
    use = wanted.form.use
    st.segmented_control(
        state.say("report_use"),
        list(Use),
        format_func=lambda own: state.say(f"report_use_{own}"),
        required=True,
        **session.remembered("report.use", use),
    )
    offered = {own.id: own for own in _forms(use)}
    st.radio(
        state.say("report_form"),
        list(offered),
        format_func=lambda id: state.say(f"report_form_{id}"),
        captions=[state.say(f"report_form_{id}_about") for id in offered],
        **session.remembered(f"report.form.{use}", wanted.form.id),
    )
    st.segmented_control(
        state.say("report_lang"),
        ["ru", "en"],
        format_func=lambda lang: state.say(f"report_lang_{lang}"),
        required=True,
        **session.remembered("report.lang", session.kept("report.lang", state.lang)),
    )


def parts(state: State, wanted: Asked) -> None:
    """What it holds, of what such a file can hold."""
    st.markdown(f"**{state.say('report_parts')}**")
    form = wanted.form
    if form.kind == Kind.STATEMENT or not form.parts:
        st.caption(state.say(f"report_parts_of_{form.kind}"))
        return
    held, offered = [part for part in Part if part in form.parts], _offered(form)
    columns = st.columns(2)
    for place, part in enumerate(held):
        lacking = part not in offered
        columns[2 * place // len(held)].checkbox(
            say(state.lang, f"report_pages.section_{part}"),
            disabled=lacking,
            help=state.say("report_scenarios_few", fewest=FEWEST_COMPARED) if lacking else None,
            **session.remembered(f"report.part.{part}", part in wanted.parts),
        )
    kept = len(session.scenarios().scenarios)
    if Part.SCENARIOS in wanted.parts and kept > MOST_COMPARED:
        st.caption(state.say("report_scenarios_many", most=MOST_COMPARED, all=kept))


def brand(state: State, wanted: Asked) -> None:
    """For whom it is, and how it looks."""
    st.text_input(
        state.say("report_client"),
        max_chars=100,
        **session.remembered("report.client", session.kept("report.client", "")),
    )
    if not wanted.form.branded:
        return
    st.color_picker(
        state.say("report_accent"),
        help=state.say("report_accent_help"),
        **session.remembered("report.accent", session.kept("report.accent", Brand.accent)),
    )
    known = session.kept("report.logo", None)
    if known is not None:
        st.image(known, width=160)
        st.button(
            state.say("report_logo_drop"),
            key="report.logo.drop",
            on_click=lambda: session.keep("report.logo", None),
            icon=":material/delete:",
        )
        return
    file = st.file_uploader(
        state.say("report_logo"),
        type=["png", "jpg", "jpeg"],
        max_upload_size=1,  # megabytes; how small it must be is said by who opens it
        key=session.upload_key("report_logo"),
    )
    if file:
        session.took_file()
        session.guarded(_take_logo, file.getvalue())()
        st.rerun()


def _take_logo(data: bytes) -> None:
    """Keep a picture that can be opened."""
    logo(Brand(logo=data))
    session.keep("report.logo", data)


# --- how it is made


def making(state: State, wanted: Asked) -> None:
    """The button, and the report that was made last, if it is still the one asked for."""
    st.divider()
    of, made = _of(state, wanted), session.kept("report.made", None)
    if st.button(state.say("report_make"), key="report.make", icon=":material/description:"):
        made = _made(state, wanted, of)
        session.keep("report.made", made)
    if made is None:
        st.caption(state.say("report_not_yet"))
    elif made.of != of:
        st.info(state.say("report_stale"), icon=":material/refresh:")
    else:
        _shown(state, made, wanted)


def _of(state: State, wanted: Asked) -> str:
    """What tells a report from any other: the files, the plan, the people, what is asked."""
    goes_in = (
        named(state.uploads),
        str(state.period),
        state.plan.as_json(),
        session.kept("people", None),
        [(name, plan.as_json()) for name, plan in plans.shelf().items()],
        session.scenarios().model_dump_json(),
        session.layouts(),
        (wanted.form.id, wanted.lang, sorted(wanted.parts)),
        (wanted.brand.client, wanted.brand.logo, wanted.brand.accent),
    )
    return hashlib.sha256(repr(goes_in).encode()).hexdigest()


def _made(state: State, wanted: Asked, of: str) -> Made:
    """The report with all that can be told; the rest is told beside it."""
    bar = st.progress(0.1, state.say("report_computing"))
    told: list[KpiError] = []
    team, others = _people(state, wanted, told)
    report = gather(
        state.facts,
        state.uploads,
        state.plan,
        state.period,
        wanted.lang,
        people=team,
        parts=wanted.parts,
        brand=wanted.brand,
        others=others,
        scenarios=_scenarios(wanted),
        layouts=session.layout_texts(),
    )
    if report.blocked:
        told.append(report.blocked)
    if report.scenarios:
        told.extend(report.scenarios.untold)
    bar.progress(0.5, state.say("report_writing"))
    content = wanted.form.write(report)
    bar.progress(0.8, state.say("report_drawing"))
    look = _look(report, wanted.form, content)
    bar.empty()
    anew = wanted.form.suffix in CODE
    beside = tuple(file.name for file in report.files) if anew else ()
    return Made(of, _file_name(report, wanted), content, look, tuple(told), beside)


def _scenarios(wanted: Asked) -> tuple[Scenario, ...]:
    """The scenarios that are kept, as many as can be compared."""
    if Part.SCENARIOS not in wanted.parts:
        return ()
    return session.scenarios().scenarios[:MOST_COMPARED]


def _look(report: Report, form: Form, content: bytes) -> Look:
    """What a file looks like to whoever opens it."""
    match form.suffix:
        case ".pdf":
            return Look(pictures=pages(report, form.kind))
        case ".html":
            return Look(page=content)
        case ".xlsx":
            return Look(page=html(report))
        case suffix if suffix in CODE:
            return Look(code=script(report).decode())
        case _:
            held = {form.kind: TABLES[form.kind](report)} if form.kind else tables(report)
            return Look(
                tables=tuple(
                    (name, as_arrow(own.first(SHOWN_ROWS)), len(own.rows))
                    for name, own in held.items()
                )
            )


def _people(
    state: State, wanted: Asked, told: list[KpiError]
) -> tuple[tuple[Person, ...], Mapping[str, Payout]]:
    """Those who are paid, and what the plans pay; nobody where that cannot be told."""
    if Part.PEOPLE not in wanted.parts:
        return (), {}
    try:
        team = people.people(state)
        others = people.payouts(state, team, payout(state.judged(), state.values()))
        payroll(team, others)
    except PlanError as refused:
        told.append(refused)
        return (), {}
    return team, others


def _file_name(report: Report, wanted: Asked) -> str:
    """For whom, of which days, which kind: letters and digits of any script, and dashes."""
    of = report.period
    span = "" if of is None else str(of.first)[:7] if of.months == 1 else f"{of.first}-{of.last}"
    kind = "" if wanted.form.kind == Kind.FULL else wanted.form.kind
    client = re.sub(r"[\W_]+", "-", report.brand.client or report.title)[:60].strip("-")
    return "-".join(filter(None, (client or "report", span, kind))) + wanted.form.suffix


# --- how it is looked at


def _shown(state: State, made: Made, wanted: Asked) -> None:
    """What could not be put in, the file, and what it looks like."""
    for text in dict.fromkeys(own.text(state.lang) for own in made.told):
        st.warning(cards.plain(text), icon=":material/pause_circle:")
    st.download_button(
        state.say("report_download", name=cards.plain(made.name)),
        made.content,
        made.name,
        wanted.form.media,
        key="report.download",
        on_click="ignore",
        icon=":material/download:",
    )
    if made.beside:
        st.caption(cards.plain(state.say("report_beside", files=", ".join(made.beside))))
    st.header(state.say("report_preview"))
    look = made.look
    if look.pictures:
        with st.container(height=TALL if look.pictures[1:] else "content"):
            for at, picture in enumerate(look.pictures, start=1):
                of = state.say("report_page", number=at, all=len(look.pictures))
                st.image(picture, caption=of, width="stretch")
    elif look.page:
        if wanted.form.suffix == ".xlsx":
            st.caption(state.say("report_preview_of_workbook"))
        # As data it has an origin of its own: what runs in it cannot reach the app around it.
        st.iframe(
            f"data:text/html;charset=utf-8;base64,{base64.b64encode(look.page).decode()}",
            height=TALL,
            alt=state.say("report_preview"),
        )
    elif look.code:
        st.code(look.code, language="python", height=TALL)
    for name, rows, all in look.tables:
        shown = {"shown": number(rows.num_rows, state.lang), "all": number(all, state.lang)}
        st.caption(state.say("report_preview_of_table", name=name, **shown))
        st.dataframe(rows, hide_index=True, placeholder="", key=f"report.table.{name}")
