"""Three users from start to download: an owner by phone, a consultant in a hurry, an analyst on a
slow line."""

import csv
import io
from fractions import Fraction

import pytest

from kpi_core import catalogue, words
from kpi_core.facts import combine
from kpi_core.ingest import read
from kpi_core.kpis import kpi_values
from kpi_core.plan import Plan, default_plan
from kpi_core.score import Scorecard, score
from kpi_core.text import money
from tests.browser import ROOT
from tests.e2e.visitor import Visitor

pytestmark = pytest.mark.slow

LANGS = pytest.mark.parametrize("lang", ["ru", "en"])

# Of an invented site: 10 000 sessions, 125 orders, 508 000 of revenue; what it cost is not told.
GA4_EXPORT = """# ----------------------------------------
# Traffic acquisition: Session primary channel group (Default Channel Group)
# Account: Moss & Stone
# ----------------------------------------
#
# Start date: 20260901
# End date: 20260930
Session primary channel group (Default Channel Group),Sessions,Engaged sessions,Engagement rate,\
Event count,Ecommerce purchases,Total revenue
Organic Search,6000,4200,0.7,31000,80,320000
Direct,3000,2100,0.7,14000,40,170000
Referral,1000,500,0.5,4000,5,18000
"""


@pytest.fixture
def visitor(browser, app_url):
    """Opens the door for somebody with a language, a window and a line of their own."""
    opened = []

    def enter(lang, width=1280, height=900, bytes_a_second=None):
        locale = {"ru": "ru-RU", "en": "en-US"}[lang]
        context = browser.new_context(locale=locale, viewport={"width": width, "height": height})
        opened.append(context)
        page = context.new_page()
        if bytes_a_second:
            line = context.new_cdp_session(page)
            line.send("Network.enable")
            line.send(
                "Network.emulateNetworkConditions",
                {
                    "offline": False,
                    "latency": 200,
                    "downloadThroughput": bytes_a_second,
                    "uploadThroughput": bytes_a_second,
                },
            )
        return Visitor(page, app_url, lang)

    yield enter
    for context in opened:
        context.close()


# --- the owner


@LANGS
def test_an_owner_by_phone_goes_from_the_sample_to_a_statement_to_sign(visitor, lang):
    """CR 1.25 of 1.2 % and AOV 4 064 of 4 000 score 1 with 30 and 20 of weight, bounces 0 with 10;
    the rest has no data: 50/60 of a fund of 60 000."""
    owner = visitor(lang, width=390, height=844)
    owner.opens()
    assert owner.reads(owner.says("total_score"))

    owner.goes("data")
    owner.loads(("data-export.csv", GA4_EXPORT.encode()))
    owner.goes("bonus")
    owner.views("bonus", "rule")
    owner.chooses(owner.says("scheme"), owner.says("scheme_scorecard"))
    owner.types(f"{owner.says('fund')}, RUB", "60000")

    paid = money(50_000, "RUB", lang)
    assert owner.reads(owner.says("bonus_metric")) == paid
    owner.views("bonus", "statement")
    owner.sees(money(60_000, "RUB", lang))

    owner.goes("report")
    assert owner.takes_report("read", "statement").startswith(b"%PDF-")


# --- the consultant


def weighed(plan: Plan) -> Scorecard:
    """The scorecard of a plan for the last month of its business's sample."""
    folder = ROOT / "sample_data" / plan.business
    files = sorted(path for path in folder.iterdir() if path.is_file())
    facts = combine([read(path.name, path.read_bytes()) for path in files])
    values = kpi_values(
        facts,
        catalogue.business(plan.business),
        facts.months()[-1],
        settings=plan.settings(),
        kpis=plan.shown_kpis(),
    )
    return score(plan.of_period(values.period), {row.kpi: row for row in values.rows})


@LANGS
def test_a_consultant_in_a_hurry_never_sees_a_stale_score_and_hands_a_page_over(
    visitor, browser, lang, tmp_path
):
    """The key is held down, faster than the app answers; what stands in the end is true."""
    consultant = visitor(lang)
    consultant.opens()
    business = list(catalogue.businesses())[1]
    name = catalogue.business(business).name[lang]
    consultant.chooses(consultant.says("business"), name)

    plan = default_plan(business)
    first = plan.lines[0].kpi
    spoken = consultant.says("weight_of", kpi=plan.kpi(first).name[lang])
    slider = consultant.page.get_by_role("slider", name=spoken, exact=True)
    slider.focus()
    for _ in range(30):
        consultant.page.keyboard.press("ArrowRight", delay=0)
    consultant.waits()

    held = int(slider.input_value())
    moved = plan.with_share(first, Fraction(held, 100))
    assert held == round(100 * plan.shares()[first]) + 30
    true = words.points(weighed(moved).total, lang)
    consultant.shows(consultant.says("total_score"), true)
    for kpi, share in moved.shares().items():
        spoken = consultant.says("weight_of", kpi=plan.kpi(kpi).name[lang])
        stands = consultant.page.get_by_role("slider", name=spoken, exact=True)
        assert abs(Fraction(stands.input_value()) - 100 * share) <= Fraction(1, 2)

    consultant.goes("whatif")
    lever = consultant.page.get_by_role("slider").first
    lever.focus()
    for _ in range(5):
        consultant.page.keyboard.press("ArrowRight")
    consultant.waits()
    consultant.views("whatif", "scenarios")
    consultant.types(consultant.says("scenario_name"), "More")
    consultant.presses(consultant.says("scenario_keep"))
    consultant.sees(consultant.says("scenarios_kept", n=1))

    consultant.goes("report")
    page = tmp_path / "report.html"
    page.write_bytes(consultant.takes_report("read", "html"))
    asked = []
    with browser.new_context(offline=True) as context:
        reader = context.new_page()
        reader.on("request", lambda request: asked.append(request.url))
        reader.goto(page.as_uri())
        assert true in reader.locator("body").inner_text()
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []


# --- the analyst

SPEND = "Дата;Расход\r\n01.09.2026;1 000,50\r\n02.09.2026;999,50\r\n".encode("utf-16")
CLICKS = "Дата\tКлики\n2026-09-01\t40\n2026-09-02\t60\n".encode("cp1251")
UNKNOWN = b"Tag|Leute|Kauf\n2026-09-01|1000|10\n2026-09-02|1000|30\n"


@LANGS
def test_an_analyst_on_a_slow_line_explains_a_file_and_takes_the_values_along(visitor, lang):
    """Of three odd files: 2 000 spent on 100 clicks are 20 a click, 40 orders of 2 000 sessions
    are 2 %."""
    analyst = visitor(lang, bytes_a_second=400_000)
    analyst.opens("data")
    analyst.loads(("spend.csv", SPEND), ("clicks.csv", CLICKS), ("leute.csv", UNKNOWN))

    analyst.chooses("Leute", words.meaning("sessions", lang))
    analyst.chooses("Kauf", words.meaning("orders", lang))
    analyst.presses(analyst.says("teach_use"))
    analyst.page.get_by_text(analyst.says("layouts"), exact=True).click()
    with analyst.page.expect_download() as taken:
        analyst.page.get_by_role("button", name=analyst.says("layout_download"), exact=True).click()
    layout = taken.value.path().read_text("utf-8")
    assert 'leute = "sessions"' in layout

    analyst.goes("scorecard")
    assert analyst.reads(analyst.says("total_score"))
    analyst.goes("report")
    table = analyst.takes_report("tables", "kpis_csv").decode("utf-8-sig")
    values = {
        row["kpi"]: row["value"]
        for row in csv.DictReader(io.StringIO(table))
        if (row["by"], row["slice"]) == ("", "total")
    }
    assert Fraction(values["cr"]) == Fraction(2, 100)
    assert Fraction(values["cpc"]) == 20
