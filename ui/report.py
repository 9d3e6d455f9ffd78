"""A report to hand over: what is asked of it, how it is made, how it is looked at."""

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import streamlit as st

from kpi_core.errors import KpiError, PlanError
from kpi_core.model import Unit
from kpi_core.pay import Payout, Person, payout, payroll
from kpi_core.report import Brand, Part, Report, ScenarioRow, Scenarios, gather
from kpi_core.report.brand import logo
from kpi_core.report.html import html
from kpi_core.report.pdf import Kind, pages, pdf
from kpi_core.report.xlsx import workbook
from kpi_core.scenario import FEWEST_COMPARED, MOST_COMPARED, compare
from kpi_core.text import say
from ui import cards, people, plans, session
from ui.state import State, named

FORMS = (*map(str, (Kind.FULL, Kind.SUMMARY, Kind.STATEMENT, Kind.SLIDES)), "xlsx", "html")
MEDIA = {
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "html": "text/html",
}
STATED = frozenset({Part.BONUS, Part.PEOPLE})  # what a statement to sign is made of
TALL = 760  # pixels of the preview


@dataclass(frozen=True)
class Asked:
    """What was chosen: `form` is a kind of PDF, ``xlsx`` or ``html``."""

    form: str
    lang: str
    parts: frozenset[Part]
    brand: Brand

    @property
    def suffix(self) -> str:
        """What the name of the file ends in."""
        return self.form if self.form in MEDIA else "pdf"


@dataclass(frozen=True)
class Made:
    """A report that was made: `of` tells from what, `told` what could not be put in.

    Its preview is `pictures` of its pages; where it has none, the `page` of HTML that says the
    same, which may be the report itself.
    """

    of: str
    name: str
    content: bytes = field(repr=False)
    pictures: tuple[bytes, ...] = field(repr=False)
    page: bytes = field(repr=False)
    told: tuple[KpiError, ...]


def asked(state: State) -> Asked:
    """What the report is to be, as it was chosen so far."""
    form = session.kept("report.form", FORMS[0])
    chosen = frozenset(part for part in _offered() if session.kept(f"report.part.{part}", True))
    return Asked(
        form=form,
        lang=session.kept("report.lang", state.lang),
        parts=STATED if form == Kind.STATEMENT else chosen,
        brand=Brand(
            session.kept("report.client", ""),
            session.kept("report.logo", None),
            session.kept("report.accent", Brand.accent),
        ),
    )


def _offered() -> tuple[Part, ...]:
    """The parts that there is something to make of: one scenario stands beside nothing."""
    few = len(session.scenarios().scenarios) < FEWEST_COMPARED
    return tuple(part for part in Part if not (few and part is Part.SCENARIOS))


# --- what is chosen


def form(state: State) -> None:
    """The kind of file, and its language."""
    st.radio(
        state.say("report_form"),
        FORMS,
        format_func=lambda form: state.say(f"report_form_{form}"),
        captions=[state.say(f"report_form_{form}_about") for form in FORMS],
        **session.remembered("report.form", session.kept("report.form", FORMS[0])),
    )
    st.segmented_control(
        state.say("report_lang"),
        ["ru", "en"],
        format_func=lambda lang: state.say(f"report_lang_{lang}"),
        required=True,
        **session.remembered("report.lang", session.kept("report.lang", state.lang)),
    )


def parts(state: State, wanted: Asked) -> None:
    """What it holds; a statement to sign holds what it must."""
    st.markdown(f"**{state.say('report_parts')}**")
    if wanted.form == Kind.STATEMENT:
        st.caption(state.say("report_parts_of_statement"))
        return
    columns, offered = st.columns(2), _offered()
    for place, part in enumerate(Part):
        lacking = part not in offered
        columns[2 * place // len(Part)].checkbox(
            say(state.lang, f"report_pages.section_{part}"),
            disabled=lacking,
            help=state.say("report_scenarios_few", fewest=FEWEST_COMPARED) if lacking else None,
            **session.remembered(f"report.part.{part}", part in wanted.parts),
        )


def brand(state: State) -> None:
    """For whom it is, and how it looks."""
    st.text_input(
        state.say("report_client"),
        max_chars=100,
        **session.remembered("report.client", session.kept("report.client", "")),
    )
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
        (wanted.form, wanted.lang, sorted(wanted.parts)),
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
        scenarios=_scenarios(state, wanted, told),
    )
    if report.blocked:
        told.append(report.blocked)
    bar.progress(0.5, state.say("report_writing"))
    content = _written(report, wanted)
    bar.progress(0.8, state.say("report_drawing"))
    pictures = pages(report, Kind(wanted.form)) if wanted.suffix == "pdf" else ()
    page = html(report) if wanted.form == "xlsx" else content
    bar.empty()
    return Made(of, _file_name(report, wanted), content, pictures, page, tuple(told))


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


def _scenarios(state: State, wanted: Asked, told: list[KpiError]) -> Scenarios | None:
    """The scenarios that are kept, beside the base, as far as they can be compared."""
    own, lang = session.scenarios().scenarios[:MOST_COMPARED], wanted.lang
    if Part.SCENARIOS not in wanted.parts:
        return None
    try:
        found = compare(state.chain(), own)
    except KpiError as refused:
        told.append(refused)
        return None
    told.extend(found.untold.values())
    return Scenarios(
        (say(lang, "words.base"), *(one.name for one in own)),
        tuple(
            ScenarioRow(
                say(lang, f"scenario.{row.id}"),
                row.unit,
                (row.base, *(cell.value for cell in row.cells)),
                decimals=2 if row.unit is Unit.MONEY else 1,
            )
            for row in found.rows
            if row.kind == "result"
        ),
    )


def _written(report: Report, wanted: Asked) -> bytes:
    match wanted.form:
        case "xlsx":
            return workbook(report)
        case "html":
            return html(report)
        case kind:
            return pdf(report, Kind(kind))


def _file_name(report: Report, wanted: Asked) -> str:
    """For whom, of which days, which kind: letters and digits of any script, and dashes."""
    of = report.period
    span = "" if of is None else str(of.first)[:7] if of.months == 1 else f"{of.first}-{of.last}"
    kind = wanted.form if wanted.form in (Kind.SUMMARY, Kind.STATEMENT, Kind.SLIDES) else ""
    client = re.sub(r"[\W_]+", "-", report.brand.client or report.title)[:60].strip("-")
    return "-".join(filter(None, (client or "report", span, kind))) + f".{wanted.suffix}"


# --- how it is looked at


def _shown(state: State, made: Made, wanted: Asked) -> None:
    """What could not be put in, the file, and what it looks like."""
    for text in dict.fromkeys(own.text(state.lang) for own in made.told):
        st.warning(cards.plain(text), icon=":material/pause_circle:")
    st.download_button(
        state.say("report_download", name=cards.plain(made.name)),
        made.content,
        made.name,
        MEDIA[wanted.suffix],
        key="report.download",
        icon=":material/download:",
    )
    st.subheader(state.say("report_preview"))
    if made.pictures:
        with st.container(height=TALL if made.pictures[1:] else "content"):
            for number, picture in enumerate(made.pictures, start=1):
                of = state.say("report_page", number=number, all=len(made.pictures))
                st.image(picture, caption=of, width="stretch")
        return
    if wanted.suffix == "xlsx":
        st.caption(state.say("report_preview_of_workbook"))
    # As data it has an origin of its own: what runs in it cannot reach the app around it.
    st.iframe(
        f"data:text/html;charset=utf-8;base64,{base64.b64encode(made.page).decode()}",
        height=TALL,
        alt=state.say("report_preview"),
    )
