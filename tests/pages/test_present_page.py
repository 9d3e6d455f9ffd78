"""The presentation: slides that say what the report says, nobody's data, a clean beginning."""

import io
import zipfile
from decimal import Decimal
from fractions import Fraction

import pytest

from kpi_core import catalogue
from kpi_core.anonymise import Scale, anonymous_plan, read_set, write_set
from kpi_core.facts import combine
from kpi_core.ingest import read
from kpi_core.plan import default_plan
from kpi_core.report import gather
from kpi_core.report.printed import slides
from kpi_core.scenario import Scenario, Scenarios
from kpi_core.text import say
from kpi_core.workspace import Workspace
from tests.core.test_report_pdf import PNG
from tests.pages.test_code import opened as opened_code
from tests.pages.test_code import plain, plan_of, run
from tests.pages.test_pages import PAGES, ROOT, assert_whole, open_app, open_page, upload, widget

PAGE = "pages/take/present.py"
MOSS = b"""date,channel,campaign,sessions,orders,revenue (RUB),spend (RUB)
2026-10-01,paid_search,Moss Brand,1000,12,50000.50,9000
2026-10-31,paid_search,Ferns of Olga,500,3,9999.50,1000
"""


def opened(lang="en"):
    return open_page(open_app(lang), PAGE)


def kept(app):
    return app.session_state["own"]["kept"]


def press(app, key):
    return app.button(key=key).click().run()


def seen(app) -> str:
    """All that stands on the stage."""
    return "\n".join(own.proto.body for own in app.get("html"))


def story(app) -> list[str]:
    """The slides as they are offered."""
    found = [own for own in app.checkbox if (own.key or "").startswith("present.slide.")]
    return [plain(own.label) for own in found]


def with_scenarios(app):
    own = (
        Scenario(name="More buyers", levers={"cr": "+20%"}),
        Scenario(name="Cheaper clicks", levers={"cpc": "-10%"}),
    )
    kept(app)["scenarios.shop"] = Scenarios(scenarios=own)
    return app.run()


# --- slides


@pytest.mark.parametrize("lang", ["ru", "en"])
@pytest.mark.parametrize("business", catalogue.businesses())
def test_the_story_is_that_of_the_slides_in_print(business, lang):
    app = open_app(lang)
    widget(app, "selectbox", "business").select(business).run()
    open_page(app, PAGE)
    folder = ROOT / "sample_data" / business
    files = sorted(own for own in folder.iterdir() if own.suffix in {".csv", ".xlsx", ".parquet"})
    uploads = [read(own.name, own.read_bytes()) for own in files]
    facts = combine(uploads)
    report = gather(facts, uploads, default_plan(business), facts.months()[-1], lang)

    assert_whole(app)
    assert story(app) == [slide.message for slide in slides(report)]


def test_scenarios_stand_in_the_story_before_and_after_and_end_in_advice():
    app = with_scenarios(opened())

    told = story(app)

    assert told[-3].startswith("“More buyers”: Profit after ads and pay ")
    assert told[-2].startswith("“Cheaper clicks”: Profit after ads and pay ")
    assert "→" in told[-3]
    assert "leaves most after ads and pay" in told[-1]


def test_one_scenario_is_none_to_compare_and_that_is_said():
    assert any("Scenarios join the story" in own.value for own in opened().caption)
    assert not any(
        "Scenarios join the story" in own.value for own in with_scenarios(opened()).caption
    )


def test_the_stage_has_three_buttons_a_counter_and_nothing_else():
    app = press(opened(), "present.start")

    assert [own.label for own in app.button if own.key.startswith("present")] == [
        "Back",
        "Next",
        "End",
    ]
    assert app.button(key="present.back").disabled
    assert not app.title
    assert not app.expander
    assert not app.checkbox
    assert f"1 / {len(story(opened())) + 1}" in [own.value for own in app.markdown]


def test_slides_are_turned_to_the_last_and_back():
    app = opened()
    told = story(app)
    press(app, "present.start")
    for message in told:
        press(app, "present.on")
        assert message.replace("&", "&amp;") in seen(app)
    assert app.button(key="present.on").disabled

    press(app, "present.back")

    assert told[-2] in seen(app)


def test_a_slide_that_is_not_chosen_is_not_shown():
    app = opened()
    first, second, *_ = story(app)
    widget(app, "checkbox", "present.slide.score").set_value(False).run()
    press(app, "present.start")

    press(app, "present.on")

    assert second in seen(app)
    assert first not in seen(app)


def test_the_end_leads_back_to_the_page():
    app = press(press(opened(), "present.start"), "present.end")

    assert_whole(app)
    assert story(app)


def test_client_and_logo_are_those_of_the_report_and_stand_on_every_slide():
    app = opened()
    kept(app)["report.client"] = "Moss <b>& Stone"
    kept(app)["report.logo"] = PNG
    press(app, "present.start")
    for _ in range(2):
        assert "Moss &lt;b&gt;&amp; Stone" in seen(app)
        assert "data:image/png;base64," in seen(app)
        press(app, "present.on")

    open_page(app, "pages/take/report.py")

    assert widget(app, "text_input", "report.client").value == "Moss <b>& Stone"


def test_every_picture_is_told_in_words():
    app = press(opened(), "present.start")
    for _ in story(opened()):
        press(app, "present.on")
        assert seen(app).count("<img") == seen(app).count(" alt=")
        assert ' alt=""' not in seen(app)


def test_who_may_not_see_pay_shows_none():
    app = opened()
    app.session_state["own"]["pay_hidden"] = True
    app.run()

    assert not any("bonus" in own for own in story(app))


def test_other_pages_are_themselves_while_the_stage_is_open():
    app = press(opened(), "present.start")

    for page in PAGES:
        if page != PAGE:
            assert_whole(open_page(app, page))


# --- nobody's data


def real(lang="en"):
    """Files of somebody, with a plan, a scenario and a client of theirs."""
    app = upload(open_app(lang), "Moss export.csv", MOSS)
    kept(app)["report.client"] = "Moss Ltd"
    kept(app)["people"] = [{"name": "Olga"}]
    kept(app)["scenarios.shop"] = Scenarios(
        scenarios=(Scenario(name="Moss spring", levers={"cr": "+10%"}),)
    )
    return open_page(app, PAGE)


def everything(app) -> str:
    """All that a page says."""
    kinds = ("markdown", "caption", "html", "warning", "info", "button", "checkbox", "expander")
    found = [own for kind in kinds for own in app.get(kind)]
    texts = [str(getattr(own, "value", "") or getattr(own, "label", "")) for own in found]
    tables = [own.value.to_csv() for own in app.dataframe]
    options = [option for own in app.selectbox for option in own.options]
    inputs = [str(own.value) for own in app.text_input]
    return "\n".join([*texts, *tables, *options, *inputs, seen(app)])


def test_a_sample_has_nothing_to_hide():
    assert not [own for own in opened().button if own.key == "demo.make"]


@pytest.mark.parametrize("lang", ["ru", "en"])
def test_once_made_anonymous_no_page_says_whose_the_files_were(lang):
    app = real(lang)
    assert "Moss" in everything(open_page(app, "pages/measure/data.py"))

    press(open_page(app, PAGE), "demo.make")

    for page in PAGES:
        assert_whole(open_page(app, page))
        said = everything(app)
        assert say(lang, "pages.anonymous_sign") in plain(said)
        assert [word for word in ("Moss", "Olga", "Ferns") if word in said] == [], page


def test_the_double_is_judged_as_the_files_are_and_the_real_ones_come_back():
    app = open_page(real(), "pages/measure/scorecard.py")
    before, was = app.metric[0].value, app.session_state["own"]

    press(open_page(app, PAGE), "demo.make")
    open_page(app, "pages/measure/scorecard.py")

    assert app.metric[0].value == before
    assert app.session_state["own"]["plan"] == anonymous_plan(was["plan"], Scale(), "en")

    press(app, "demo.real")

    assert app.session_state["own"] is was
    assert not any("anonymised" in own.value for own in app.warning)
    assert kept(app)["report.client"] == "Moss Ltd"


def test_factors_are_those_that_were_chosen():
    app = real()
    widget(app, "segmented_control", "demo.counts").set_value(8)
    widget(app, "number_input", "demo.money").set_value(1.5)
    press(app.run(), "demo.make")

    (upload_,) = app.session_state["own"]["uploads"].values()

    assert upload_.tables[0].total("orders") == 8 * 15
    assert Decimal(upload_.tables[0].total("revenue")) == Decimal("90000")


def test_nothing_of_the_double_goes_where_work_is_kept(monkeypatch, tmp_path):
    monkeypatch.setenv("KPI_WORKSPACE", str(tmp_path / "workspace"))
    app = real()
    before = Workspace.open(tmp_path / "workspace").desk.get()
    assert before.uploads == tuple(app.session_state["own"]["uploads"])

    press(app, "demo.make")
    open_page(app, "pages/measure/scorecard.py")

    workspace = Workspace.open(tmp_path / "workspace")
    assert workspace.desk.get() == before
    assert [own.digest for own in workspace.uploads.list()] == list(before.uploads)


def test_a_set_is_loaded_like_any_file_and_says_what_it_is():
    app = press(real(), "demo.make")
    own = tuple(app.session_state["own"]["uploads"].values())
    data = write_set(own)

    other = upload(open_app("en"), "demo.zip", data)

    assert not other.error
    assert any("anonymised" in own.value for own in other.warning)
    assert not [own for own in other.button if own.key == "demo.real"]
    loaded = tuple(other.session_state["own"]["uploads"].values())
    assert [own.digest for own in loaded] == [own.digest for own in read_set(data)]
    open_page(other, "pages/measure/scorecard.py")
    assert Fraction(own[0].tables[0].total("orders")) == 4 * 15


def test_the_code_of_a_page_reads_the_set_in_the_place_of_files(tmp_path):
    app = press(real(), "demo.make")
    (tmp_path / "demo.zip").write_bytes(write_set(app.session_state["own"]["uploads"].values()))
    (tmp_path / "plan.json").write_text(plan_of(app, "present"), "utf-8")

    said = run({tmp_path: opened_code(app, "present")})[tmp_path]

    assert story(app)
    assert said.splitlines() == story(app)


def test_a_set_that_was_changed_is_refused_by_name():
    with io.BytesIO() as out:
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("kpi-pay-sample/1.json", b"{}")
        app = upload(open_app("en"), "demo.zip", out.getvalue())

    assert "demo.zip" in app.error[0].value


# --- from the beginning


@pytest.mark.parametrize("business", catalogue.businesses())
def test_a_reset_leads_to_an_untouched_sample_and_can_be_taken_back(business):
    app = real()
    was = app.session_state["own"]
    widget(app, "selectbox", "demo.business").select(business).run()

    press(app, "demo.yes")

    own = app.session_state["own"]
    assert own["plan"] == default_plan(business)
    assert not own["uploads"]
    assert "report.client" not in own["kept"]
    assert "Moss" not in everything(app)

    press(app, "demo.undo")

    assert app.session_state["own"] is was
    assert "Moss Ltd" in everything(app)


def test_work_goes_on_being_kept_after_a_reset(monkeypatch, tmp_path):
    monkeypatch.setenv("KPI_WORKSPACE", str(tmp_path / "workspace"))
    app = real()

    press(app, "demo.yes")

    assert not Workspace.open(tmp_path / "workspace").desk.get().uploads


def test_resets_do_not_pile_up():
    app = opened()
    for _ in range(3):
        press(app, "demo.yes")

    assert "demo.before" not in kept(app)["demo.before"]["kept"]
