"""The PDF says what the report says, to every reader, and runs nothing of what it is told."""

import io
from collections.abc import Iterator
from typing import Any

import pytest
import vl_convert
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from kpi_core.errors import UsageError
from kpi_core.facts import combine
from kpi_core.plan import Plan, changed, default_plan
from kpi_core.report import Brand, Part, Report, gather
from kpi_core.report.brand import MOST_BYTES, accent, contrast
from kpi_core.report.pdf import Kind, pdf
from kpi_core.report.printed import sections
from kpi_core.text import money, say
from tests import test_house
from tests.core.reported import BUSINESSES, HOSTILE, figures, hostile, reported, sample, squeezed

LANGS = ("ru", "en")
SVG = 'xmlns="http://www.w3.org/2000/svg" width="9" height="9"'
SQUARE = f'<svg {SVG}><rect width="9" height="9"/></svg>'
PNG, JPEG = (bytes(vl_convert.svg_to_png(SQUARE)), bytes(vl_convert.svg_to_jpeg(SQUARE)))
colours = st.from_regex(r"#[0-9a-f]{6}", fullmatch=True)


def opened(report: Report, kind: Kind = Kind.FULL, **options: Any) -> PdfReader:
    return PdfReader(io.BytesIO(pdf(report, kind, **options)))


def text(read: PdfReader) -> str:
    return squeezed("".join(page.extract_text() for page in read.pages))


def headings(read: PdfReader) -> list[str]:
    return [str(own.title) for own in read.outline]  # type: ignore[union-attr]


# --- the same figures


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("business", BUSINESSES)
def test_a_reader_finds_every_figure_of_the_report(business: str, lang: str) -> None:
    report = reported(business, lang)
    found = "".join(_body(report, opened(report)))
    assert [own for own in figures(report) if squeezed(own) not in found] == []


def _body(report: Report, read: PdfReader) -> Iterator[str]:
    """The pages without head and foot, which would stand in the middle of a sentence."""
    head = squeezed(report.title + report.subtitle)
    for number, page in enumerate(read.pages, start=1):
        foot = squeezed(f"{report.program}{number}/{len(read.pages)}")
        said = squeezed(page.extract_text())
        yield said.replace(foot, "").replace(head, "", 1) if number > 1 else said.replace(foot, "")


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("business", BUSINESSES)
def test_the_summary_is_one_page_with_score_pay_and_what_to_do(business: str, lang: str) -> None:
    report = reported(business, lang)
    read = opened(report, Kind.SUMMARY)
    assert len(read.pages) == 1
    assert report.paid
    shown = [money(own, report.plan.currency, lang) for own in (report.paid.bonus, report.paid.pay)]
    shown += [entry.text for entry in report.ahead]
    assert [own for own in shown if squeezed(own) not in text(read)] == []


@pytest.mark.parametrize("lang", LANGS)
def test_each_person_has_an_annex_with_lines_to_sign(lang: str) -> None:
    report = reported("shop", lang)
    read = opened(report, Kind.STATEMENT)
    assert len(read.pages) == len(report.payroll) == 3
    for page, own in zip(read.pages, report.payroll, strict=True):
        said = squeezed(page.extract_text())
        signed = [say(lang, f"report_pages.signed_{who}") for who in ("made", "approved", "read")]
        amounts = [money(amount.money, own.plan.currency, lang) for amount in own.amounts]
        assert own.person
        wanted = [*signed, *amounts, own.person.name, money(own.pay, own.plan.currency, lang)]
        assert [each for each in wanted if squeezed(each) not in said] == []


def test_where_nobody_is_named_the_annex_is_of_the_plan() -> None:
    assert len(opened(reported("shop", "ru", people=()), Kind.STATEMENT).pages) == 1


def test_slides_are_wide_and_say_one_thing_each() -> None:
    read = opened(reported("shop", "en"), Kind.SLIDES)
    box = read.pages[0].mediabox
    assert float(box.width / box.height) == pytest.approx(16 / 9, abs=0.001)
    assert len(headings(read)) == len(read.pages) - 1  # the first is the title
    assert len(set(headings(read))) == len(headings(read))


# --- to be read aloud, searched and found again


@pytest.mark.parametrize("lang", LANGS)
def test_it_knows_its_title_its_language_and_its_parts(lang: str) -> None:
    report = reported("shop", lang)
    read = opened(report)
    assert read.metadata
    assert read.metadata.title == f"{report.title}. {report.subtitle}"
    root = read.trailer["/Root"]
    assert root["/Lang"] == lang
    assert root["/MarkInfo"]["/Marked"]
    assert headings(read)[0] == say(lang, "report_pages.section_summary")
    assert set(headings(read)) >= {own.title for own in sections(report)}


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("lang", LANGS)
def test_it_keeps_the_standard_of_accessible_pdf(lang: str, kind: Kind) -> None:
    assert opened(reported("corporate", lang), kind, standard="ua-1").pages


def test_every_page_says_which_of_how_many_it_is() -> None:
    read = opened(reported("shop", "en"))
    whole = len(read.pages)
    for number, page in enumerate(read.pages, start=1):
        assert f"{number} / {whole}" in page.extract_text()


def test_charts_are_drawn_not_photographed_and_can_be_searched() -> None:
    read = opened(reported("shop", "ru"), Kind.SUMMARY)
    assert [image for page in read.pages for image in page.images] == []
    assert squeezed(say("ru", "charts.points_of", points="30,0", share="30,0")) in text(read)


# --- whatever is there


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("part", [*Part, None])
def test_any_part_alone_can_be_printed(part: Part | None, kind: Kind) -> None:
    parts = () if part is None else (part,)
    assert opened(reported("shop", "en", parts=parts), kind).pages


@pytest.mark.parametrize("kind", Kind)
def test_a_plan_without_files_and_figures_says_that_nothing_is_paid(kind: Kind) -> None:
    report = gather(combine([]), (), default_plan("shop"), None, "en")
    assert report.paid is None
    assert report.blocked
    said = text(opened(report, kind))
    if kind is not Kind.SLIDES:
        assert squeezed(report.blocked.text("en")) in said


def test_twenty_goals_still_make_a_summary_of_one_page() -> None:
    plan = default_plan("shop")
    line = plan.lines[0].model_dump()
    own = {f"k{at}": {"name": f"Goal {at}", "formula": "orders / sessions"} for at in range(14)}
    lines = [*plan.lines, *(line | {"kpi": id} for id in own)]
    report = reported("shop", "en")
    many = changed(plan, own=own, lines=lines)
    assert len(opened(_with_plan(report, many), Kind.SUMMARY).pages) == 1


def _with_plan(report: Report, plan: Plan) -> Report:
    facts, uploads = sample("shop")
    return gather(facts, uploads, plan, report.period, report.lang)


# --- hostile names


@pytest.mark.parametrize("kind", Kind)
def test_names_are_printed_as_they_are_and_never_run(kind: Kind) -> None:
    report = hostile()
    read = opened(report, kind, standard="ua-1")
    assert squeezed(HOSTILE) in text(read)
    root = read.trailer["/Root"]
    assert "/OpenAction" not in root
    assert "/Names" not in root or "/JavaScript" not in root["/Names"]
    actions = [
        own.get_object()["/A"]["/S"]
        for page in read.pages
        for own in page.get("/Annots", [])
        if "/A" in own.get_object()
    ]
    assert set(actions) <= {"/GoTo"}


def test_a_letter_that_no_font_has_does_not_stop_the_report() -> None:
    report = reported("shop", "en", brand=Brand(client="\U0001f33f \u6f22 \ue000"))
    assert opened(report, Kind.SUMMARY).pages


# --- whose report it is


@pytest.mark.parametrize("picture", [PNG, JPEG], ids=["png", "jpeg"])
def test_the_logo_stands_on_the_first_page(picture: bytes) -> None:
    read = opened(reported("shop", "en", brand=Brand("Moss Ltd", picture)), Kind.SUMMARY)
    assert len(read.pages[0].images) == 1
    assert "MossLtd" in text(read)


@pytest.mark.parametrize(
    ("picture", "code"),
    [
        (PNG[:40], "logo_not_a_picture"),
        (JPEG[:3] + b"no picture", "logo_not_a_picture"),
        (PNG + bytes(MOST_BYTES), "logo_too_large"),
        (PNG[:16] + (99_999).to_bytes(4) * 2 + PNG[24:], "logo_too_large"),
    ],
    ids=["half a png", "no jpeg", "bytes", "pixels"],
)
def test_a_logo_that_is_broken_or_too_large_is_refused_in_words(picture: bytes, code: str) -> None:
    with pytest.raises(UsageError) as refused:
        pdf(reported("shop", "en", brand=Brand(logo=picture)), Kind.SUMMARY)
    assert refused.value.code == code
    assert refused.value.text("ru")


@given(colours, st.sampled_from(["#ffffff", "#14181d"]))
def test_any_accent_can_be_read(colour: str, ground: str) -> None:
    made = accent(colour, ground)
    assert test_house.contrast(made, ground) >= 4.5
    assert made == colour or contrast(colour, ground) < 4.5
