"""The report page makes every kind of file, tells what it leaves out, and keeps what is chosen."""

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader
from python_calamine import CalamineWorkbook
from streamlit.testing.v1 import AppTest

from kpi_core.cli import main
from kpi_core.plan import changed, default_plan
from kpi_core.report import FORMS, Form, Part, Use
from kpi_core.scenario import Scenarios, scenario
from kpi_core.text import say
from tests.core.reported import BUSINESSES, HOSTILE, SAMPLES, sample, squeezed
from tests.core.test_report_html import Page
from tests.core.test_report_pdf import PNG
from tests.pages.test_pages import (
    TRAFFIC_ONLY,
    assert_whole,
    by_label,
    load_plan,
    open_app,
    open_page,
    upload,
    widget,
)

REPORT = "pages/take/report.py"
LANGS = ("ru", "en")


def opened(lang: str = "en", business: str = "shop") -> AppTest:
    app = open_app(lang)
    widget(app, "selectbox", "business").select(business).run()
    return open_page(app, REPORT)


def choose(app: AppTest, id: str) -> AppTest:
    """A form, by what it is for and then by itself."""
    use = next(form.use for form in FORMS if form.id == id)
    widget(app, "segmented_control", "report.use").set_value(use).run()
    return widget(app, "radio", f"report.form.{use}").set_value(id).run()


def make(app: AppTest) -> Any:
    """What was made, as the session keeps it for the download."""
    app.button(key="report.make").click().run()
    assert_whole(app)
    assert not app.error
    return app.session_state["own"]["kept"]["report.made"]


def pdf(content: bytes) -> PdfReader:
    return PdfReader(io.BytesIO(content))


def text(content: bytes) -> str:
    return squeezed("".join(page.extract_text() for page in pdf(content).pages))


# --- every kind of file


@pytest.mark.slow
@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("business", BUSINESSES)
def test_every_form_is_a_file_of_its_kind(business: str, lang: str) -> None:
    app = opened(lang, business)
    pages = {}
    for form in ("full", "summary", "statement", "slides"):
        made = make(choose(app, form))
        pages[form] = len(pdf(made.content).pages)
        assert made.name.endswith(".pdf")
        assert [own[:4] for own in made.look.pictures] == [b"\x89PNG"] * pages[form]
    assert pages["summary"] == 1
    assert pages["full"] > 3

    book = make(choose(app, "xlsx"))
    names = CalamineWorkbook.from_filelike(io.BytesIO(book.content)).sheet_names
    assert say(lang, "report.sheet_summary") in names
    assert book.name.endswith(".xlsx")

    page = make(choose(app, "html"))
    assert Page(page.content).all("html")[0]["lang"] == lang
    assert page.name.endswith(".html")


@pytest.mark.parametrize("lang", LANGS)
def test_the_page_offers_every_form_there_is_and_says_what_each_is_for(lang: str) -> None:
    app = opened(lang)
    offered = []
    for use in Use:
        widget(app, "segmented_control", "report.use").set_value(use).run()
        radio = widget(app, "radio", f"report.form.{use}")
        offered += list(radio.options)
        said = list(radio.proto.captions)
        assert len(set(said)) == len(radio.options)
        assert all(len(own) > 20 for own in said), "one line of what the format is for"
    assert offered == [say(lang, f"pages.report_form_{form.id}") for form in FORMS]


@pytest.mark.parametrize("form", [form for form in FORMS if form.use is not Use.READ])
def test_the_page_writes_what_the_command_line_writes(form: Form, tmp_path: Path) -> None:
    app = opened("en", "portal")
    made = make(choose(app, form.id))
    plan, to = tmp_path / "plan.json", tmp_path / f"report{form.suffix}"
    plan.write_text(default_plan("portal").as_json(), "utf-8")
    files = [str(SAMPLES / "portal" / own.name) for own in sample("portal")[1]]
    kind = ["--kind", form.kind] if form.kind else []
    parts = [part for part in Part if part in form.parts and part is not Part.SCENARIOS]
    holds = ["--parts", ",".join(parts)] if parts else []
    asked = ["report", "--plan", str(plan), "--period", "2026-10", "--lang", "en", *kind, *holds]

    assert main([*asked, "--to", str(to), *files]) == 0

    assert made.name.endswith(form.suffix)
    if form.suffix == ".xlsx":  # which tells when it was made
        assert made.content[:2] == to.read_bytes()[:2]
    else:
        assert made.content == to.read_bytes()


def test_a_notebook_is_shown_as_its_code_and_names_the_files_to_lie_beside_it() -> None:
    app = opened()
    make(choose(app, "ipynb"))

    assert "read_plan" in app.code[-1].value
    assert any("orders.csv" in own.value for own in app.caption)


def test_tables_are_shown_by_their_first_rows_and_how_many_there_are() -> None:
    app = opened()
    made = make(choose(app, "zip"))

    assert [name for name, *_ in made.look.tables] == ["kpis", "facts"]
    assert len(app.dataframe) == 2
    assert len(app.dataframe[1].value) == 200
    assert any("200 of" in own.value for own in app.caption)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.id)
def test_only_parts_that_a_form_can_hold_are_offered(form: Form) -> None:
    app = choose(opened(), form.id)
    keys = [str(own.key) for own in app.checkbox if str(own.key).startswith("report.part.")]
    offered = {key.split(":")[0].removeprefix("report.part.") for key in keys}
    assert offered == (set() if form.id == "statement" else set(form.parts))


def test_nothing_is_made_before_it_is_asked_for() -> None:
    app = opened()

    assert "report.made" not in app.session_state["own"]["kept"]
    assert not app.get("download_button")


def test_a_report_that_is_no_longer_the_one_asked_for_is_not_offered() -> None:
    app = choose(opened(), "html")
    make(app)
    assert app.get("download_button")

    widget(app, "text_input", "report.client").set_value("Moss Ltd").run()
    assert not app.get("download_button")
    assert any("Make the report again" in told.value for told in app.info)

    widget(app, "text_input", "report.client").set_value("").run()
    assert app.get("download_button"), "what was made is what is asked for again"


# --- what is chosen


def test_the_report_may_speak_another_language_than_the_app() -> None:
    app = choose(opened("en"), "html")
    widget(app, "segmented_control", "report.lang").set_value("ru").run()

    page = Page(make(app).content)

    assert page.all("html")[0]["lang"] == "ru"
    assert squeezed(say("ru", "report_pages.section_bonus")) in page.text
    assert app.title[0].value == say("en", "pages.report_question")


@pytest.mark.parametrize("part", [Part.FUNNEL, Part.PEOPLE, Part.DEFINITIONS])
def test_a_part_that_is_left_out_is_in_no_file(part: Part) -> None:
    title = say("en", f"report_pages.section_{part}")
    app = opened()
    whole = {form: make(choose(app, form)).content for form in ("html", "full")}
    widget(app, "checkbox", f"report.part.{part}").uncheck().run()

    less = {form: make(choose(app, form)).content for form in ("html", "full")}

    sections = [{own["id"] for own in Page(of["html"]).all("h2")} for of in (whole, less)]
    assert sections[0] - sections[1] == {str(part)}
    marks = [[own["/Title"] for own in pdf(of["full"]).outline] for of in (whole, less)]
    assert title in marks[0]
    assert title not in marks[1]


def test_choices_are_there_again_after_another_page() -> None:
    app = choose(opened(), "slides")
    widget(app, "checkbox", "report.part.funnel").uncheck().run()
    open_page(app, "pages/pay/bonus.py")

    open_page(app, REPORT)

    assert widget(app, "radio", "report.form.read").value == "slides"
    assert widget(app, "checkbox", "report.part.funnel").value is False


def test_brand_and_client_are_in_the_file_and_in_its_name() -> None:
    app = choose(opened(), "html")
    widget(app, "text_input", "report.client").set_value("ООО «Мох & Ко»").run()
    widget(app, "color_picker", "report.accent").set_value("#8a1538").run()
    widget(app, "file_uploader", "report_logo").upload("logo.png", PNG).run()

    made = make(app)

    page = Page(made.content)
    assert made.name == "ООО-Мох-Ко-2026-10.html"
    assert squeezed("ООО «Мох & Ко»") in page.text
    assert page.all("img")[0]["src"].startswith("data:image/png;base64,")
    assert b"#8a1538" in made.content


def test_a_logo_that_is_no_picture_is_refused_and_the_old_one_stays() -> None:
    app = choose(opened(), "html")

    widget(app, "file_uploader", "report_logo").upload("logo.png", b"GIF89a").run()

    assert any("PNG or JPEG" in told.value for told in app.warning)
    assert "report.logo" not in app.session_state["own"]["kept"]
    assert not Page(make(app).content).all("img")


def test_a_hostile_client_is_words_and_its_file_has_a_harmless_name() -> None:
    app = opened()
    client = HOSTILE[:100]
    widget(app, "text_input", "report.client").set_value(client).run()

    made = make(choose(app, "html"))

    assert made.name == "script-alert-1-script-img-src-x-onerror-alert-2-set-text-re-2026-10.html"
    page = Page(made.content)
    assert squeezed(client) in page.text
    assert not page.all("img")
    assert len(page.all("script")) == 2, "the figures of the charts, and what draws them"
    assert squeezed(client) in text(make(choose(app, "summary")).content)

    widget(app, "text_input", "report.client").set_value("../../").run()
    assert make(app).name == "report-2026-10-summary.pdf"


def test_scenarios_that_are_kept_stand_side_by_side() -> None:
    app = choose(opened(), "html")
    assert widget(app, "checkbox", "report.part.scenarios").disabled
    assert "scenarios" not in [own["id"] for own in Page(make(app).content).all("h2")]
    app.session_state["own"]["kept"]["scenarios.shop"] = Scenarios(
        scenarios=(scenario("Cheaper", {"cpc": "-10%"}), scenario("Dearer", {"cpc": "+10%"}))
    )
    app.run()

    page = Page(make(app).content)

    assert not widget(app, "checkbox", "report.part.scenarios").disabled
    heads = (say("en", "report_pages.column_what"), say("en", "words.base"), "Cheaper", "Dearer")
    assert squeezed("".join(heads)) in page.text
    bonus = say("en", "scenario.bonus")
    assert squeezed(f"{bonus} RUB 15,000.00") in page.text


def test_scenarios_go_into_every_form_that_can_hold_them() -> None:
    app = opened()
    app.session_state["own"]["kept"]["scenarios.shop"] = Scenarios(
        scenarios=(scenario("Cheaper", {"cpc": "-10%"}), scenario("Dearer", {"cpc": "+10%"}))
    )
    app.run()
    for form in (form for form in FORMS if Part.SCENARIOS in form.parts):
        content = make(choose(app, form.id)).content
        match form.suffix:
            case ".pdf":
                said = text(content)
            case ".xlsx":
                book = CalamineWorkbook.from_filelike(io.BytesIO(content))
                said = str([book.get_sheet_by_name(own).to_python() for own in book.sheet_names])
            case ".zip":
                said = zipfile.ZipFile(io.BytesIO(content)).read("scenarios.csv").decode()
            case _:
                said = content.decode()
        assert "Cheaper" in said, form.id


def test_of_too_many_scenarios_the_first_go_in_and_the_page_says_so() -> None:
    app = choose(opened(), "zip")
    app.session_state["own"]["kept"]["scenarios.shop"] = Scenarios(
        scenarios=tuple(scenario(f"S{n}", {"cpc": f"-{n}%"}) for n in range(1, 8))
    )
    app.run()

    made = make(app)

    table = zipfile.ZipFile(io.BytesIO(made.content)).read("scenarios.csv").decode()
    assert "S5" in table
    assert "S6" not in table
    assert any("first 5 of 7" in own.value for own in app.caption)


# --- charts


@pytest.mark.parametrize("page", ["trend", "channels", "funnel", "data"])
def test_every_chart_can_be_taken_along_as_a_picture(page: str) -> None:
    app = open_page(open_app("en"), f"pages/measure/{page}.py")
    for menu in [own.key for own in app.get("popover") if (own.key or "").endswith(".take")]:
        app.session_state[menu] = True  # the menu is opened
    app.run()
    labels = [button.label.partition(":")[0] for button in app.get("download_button")]
    charts = app.get("vega_lite_chart")
    assert charts
    assert labels.count("PNG") == labels.count("SVG") == len(charts)


# --- what cannot be told


def test_people_who_cannot_be_paid_are_told_and_the_rest_is_made() -> None:
    app = choose(opened(), "html")
    app.session_state["own"]["kept"]["people"] = [{"name": "Anna", "plan": "nowhere"}]
    app.run()

    page = Page(make(app).content)

    assert any("nowhere" in told.value for told in app.warning)
    sections = {own["id"] for own in page.all("h2")}
    assert "bonus" in sections
    assert "people" not in sections


def test_pay_that_is_blocked_is_told_once_and_the_report_is_made() -> None:
    app = choose(opened(), "statement")
    by_label(app.selectbox, "Period").select("all").run()

    made = make(app)

    assert len(app.warning) == 1
    assert squeezed(app.warning[0].value.replace("\\", "")) in text(made.content)


@pytest.mark.parametrize("form", [form.id for form in FORMS])
def test_little_data_make_a_report_all_the_same(form: str) -> None:
    app = upload(open_app("en"), "little.csv", TRAFFIC_ONLY)
    app = choose(open_page(app, REPORT), form)

    assert make(app).content


def test_a_plan_of_a_hostile_name_is_a_plain_file_name() -> None:
    app = load_plan(open_app("en"), changed(default_plan("shop"), name="a/b\\.. $x"))

    made = make(choose(open_page(app, REPORT), "xlsx"))

    assert made.name == "a-b-x-2026-10.xlsx"
