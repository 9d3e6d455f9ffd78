"""What other programs may rely on: the JSON of every command, and one clear line when it fails."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from kpi_core import catalogue
from kpi_core.cli import main
from kpi_core.ingest import Upload, read, read_path
from kpi_core.ingest.formats import Format
from kpi_core.ingest.layouts import Draft, Rows, written

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "sample_data"
EXPORTS = ROOT / "tests" / "exports"
OCTOBER = ("--period", "2026-10")

Run = Callable[..., Any]

remembered = cache(read)


def read_once(path: Path, layouts: list[Format]) -> Upload:
    return read_path(path, layouts) if layouts else remembered(path.name, path.read_bytes())


@pytest.fixture(autouse=True)
def _each_file_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kpi_core.cli.asked.read_path", read_once)


def files(business: str, *names: str) -> list[str]:
    folder = SAMPLES / business
    found = [folder / name for name in names] if names else sorted(folder.glob("*.*"))
    return [str(path) for path in found]


@pytest.fixture
def answer(capsys: pytest.CaptureFixture[str]) -> Run:
    """The JSON that a command prints."""

    def run(*arguments: str) -> Any:
        assert main([*arguments, "--json", "--lang", "en"]) == 0
        printed = capsys.readouterr()
        assert printed.err == ""
        return json.loads(printed.out)

    return run


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Run:
    """The lines that a command prints for people."""

    def run(*arguments: str) -> list[str]:
        assert main(arguments) == 0
        return capsys.readouterr().out.splitlines()

    return run


@pytest.fixture
def refusal(capsys: pytest.CaptureFixture[str]) -> Run:
    """The one line on stderr of a command that cannot be done."""

    def run(*arguments: str) -> str:
        try:
            code = main(arguments)
        except SystemExit as left:
            code = int(left.code or 0)
        said = capsys.readouterr()
        assert (code, said.out) == (2, "")
        assert said.err.count("\n") == 1
        assert said.err.endswith("\n")
        return said.err.strip()

    return run


@pytest.fixture
def plan_of(tmp_path: Path, answer: Run) -> Callable[..., str]:
    """The path of a default plan, with some fields replaced."""

    def write(business: str, **fields: Any) -> str:
        path = tmp_path / f"{business}.json"
        plan = answer("plan", "--business", business) | fields
        path.write_text(json.dumps(plan), "utf-8")
        return str(path)

    return write


def totals(found: dict[str, Any]) -> dict[str, float | None]:
    return {row["kpi"]: row["value"] for row in found["rows"] if row["slice"] == "total"}


# --- read


def test_read_says_what_a_file_holds(answer: Run) -> None:
    (file,) = answer("read", *files("shop", "direct_campaigns.csv"))["files"]
    assert {"name", "format", "encoding", "tables", "findings"} <= set(file)
    assert (file["name"], file["format"]) == ("direct_campaigns.csv", "direct")
    (table,) = file["tables"]
    assert table["period"] == ["2025-10-01", "2026-10-31"]
    assert table["measures"]["spend"] == {"total": 5184011.83, "unit": "money(RUB)"}
    assert table["measures"]["clicks"] == {"total": 256013, "unit": "count"}
    for finding in file["findings"]:
        assert set(finding) == {"severity", "code", "where", "message"}
        assert finding["severity"] in {"error", "warning", "info"}


def test_read_keeps_currencies_apart(answer: Run) -> None:
    (file,) = answer("read", str(EXPORTS / "shopify" / "currencies.csv"))["files"]
    (table,) = file["tables"]
    assert table["currencies"] == ["RUB", "USD"]
    assert table["measures"]["revenue"] == {
        "total": None, "unit": "money", "by_currency": {"RUB": 2200, "USD": 50.5}
    }  # fmt: skip
    assert table["measures"]["orders"] == {"total": 4, "unit": "count"}


# --- kpis

REFERENCE = {
    "shop": {
        "sessions": 58548, "orders": 707, "cr": 707 / 58548, "aov": 3101302 / 707,
        "cpo": 392082.14 / 707, "cpc": 392082.14 / 19483, "cart_abandonment": 1 - 697 / 3992,
        "roas": 3101302 / 392082.14,
    },
    "corporate": {
        "sessions": 89022, "leads": 245, "cr": 245 / 89022, "cpl": 18630.06 / 245,
        "organic_sessions": 19681,
    },
    "portal": {
        "sessions": 403293, "page_depth": 1377881 / 403293, "rvr": 183024 / 403293,
        "comments": 2024,
    },
}  # fmt: skip
each_business = pytest.mark.parametrize("business", catalogue.businesses())


def test_every_business_has_its_reference() -> None:
    assert set(REFERENCE) == set(catalogue.businesses())


@each_business
def test_kpis_of_october_are_those_of_the_reference(answer: Run, business: str) -> None:
    found = answer("kpis", "--business", business, *OCTOBER, *files(business))
    assert found["period"] == ["2026-10-01", "2026-10-31"]
    got = totals(found)
    assert {id: got[id] for id in REFERENCE[business]} == pytest.approx(REFERENCE[business])
    for row in found["rows"]:
        assert {"kpi", "slice", "value", "low", "high", "unit", "missing"} <= set(row)
        assert (row["value"] is None) <= bool(row["missing"])


def test_inputs_of_october_are_those_of_the_reference(answer: Run) -> None:
    found = answer("kpis", "--business", "shop", *OCTOBER, *files("shop"))
    inputs = {id: given["value"] for row in found["rows"] for id, given in row["inputs"].items()}
    wanted = {"sessions": 58548, "revenue": 3101302, "spend": 392082.14, "clicks": 19483}
    assert {id: inputs[id] for id in wanted} == wanted


def test_slices_of_a_count_add_up_to_its_total(answer: Run) -> None:
    asked = ("kpis", "--business", "shop", "--by", "channel", *OCTOBER)
    rows = answer(*asked, *files("shop", "metrika_sources.csv"))["rows"]
    visits = {row["slice"]: row["value"] for row in rows if row["kpi"] == "sessions"}
    assert visits.pop("total") == sum(visits.values()) == 58548
    assert set(visits) <= set(catalogue.channels())


def test_months_are_slices_too(answer: Run) -> None:
    asked = ("kpis", "--business", "shop", "--by", "month", *files("shop", "orders.csv"))
    rows = answer(*asked)["rows"]
    orders = {row["slice"]: row["value"] for row in rows if row["kpi"] == "orders"}
    assert (orders["2026-04"], orders["2026-05"], len(orders)) == (989, 677, 13 + 1)


def test_a_source_can_be_chosen(answer: Run) -> None:
    asked = ("kpis", "--business", "shop", *OCTOBER, "--source", "traffic=ga4", *files("shop"))
    assert totals(answer(*asked))["sessions"] == 53918


def test_a_margin_can_be_assumed(answer: Run) -> None:
    asked = ("kpis", "--business", "shop", *OCTOBER, *files("shop"))
    assert totals(answer(*asked))["romi"] is None
    expected = (3101302 * 0.3 - 392082.14) / 392082.14
    assumed = totals(answer(*asked, "--assume", "margin_rate=0.3"))
    assert assumed["romi"] == pytest.approx(expected)


ABROAD = "Campaign,Day,Currency code,Clicks,Impr.,Cost\nA,2026-10-01,USD,10,100,1200"


@pytest.fixture
def abroad(tmp_path: Path) -> str:
    """The path of an ad export in dollars."""
    path = tmp_path / "abroad.csv"
    path.write_text(ABROAD, "utf-8")
    return str(path)


def test_money_is_converted_at_the_rate_of_the_command(answer: Run, abroad: str) -> None:
    """1 200 dollars at 92.5, and 20 % of VAT, are 133 200 roubles for 10 clicks."""
    asked = ("kpis", "--business", "shop", "--rate", "USD=92.5")
    taxed = ("--vat", "google_ads=excl", "--vat-rate", "0.2")
    (cpc,) = (row for row in answer(*asked, *taxed, abroad)["rows"] if row["kpi"] == "cpc")
    assert (cpc["value"], cpc["unit"], cpc["whole"]) == (13320, "money(RUB)", True)
    assert cpc["inputs"]["spend"]["converted"] == [
        {"source": "google_ads", "amount": 1200, "currency": "USD", "rate": 92.5, "vat": 1.2}
    ]
    assert totals(answer(*asked, abroad))["cpc"] == 11100
    net = ("--vat", "google_ads=incl", "--vat-rate", "0.2", "--vat-basis", "excl")
    assert totals(answer(*asked, *net, abroad))["cpc"] == 9250


def test_money_may_be_brought_to_another_currency(answer: Run, abroad: str) -> None:
    asked = ("kpis", "--business", "shop", "--currency", "EUR", "--rate", "USD=0.9", abroad)
    (cpc,) = (row for row in answer(*asked)["rows"] if row["kpi"] == "cpc")
    assert (cpc["value"], cpc["unit"]) == (108, "money(EUR)")


def test_people_read_what_was_converted(printed: Run, abroad: str) -> None:
    asked = ("kpis", "--business", "shop", "--lang", "en", "--rate", "USD=92.5", abroad)
    assert "  Ad spend (Google Ads): $1,200.00 × 92.5" in printed(*asked)


def test_the_command_line_goes_before_the_plan(answer: Run, plan_of: Run, abroad: str) -> None:
    plan = plan_of("corporate", facts={"leads": 120}, rates={"USD": 90})
    spent = {row["kpi"]: row["value"] for row in answer("score", "--plan", plan, abroad)["lines"]}
    assert spent["cpl"] == 1200 * 90 / 120
    again = answer("score", "--plan", plan, "--rate", "USD=100", abroad)["lines"]
    assert next(row["value"] for row in again if row["kpi"] == "cpl") == 1000


# --- funnel


def test_the_funnel_of_october_is_that_of_the_reference(answer: Run) -> None:
    found = answer("funnel", "--business", "shop", *OCTOBER, *files("shop"))
    assert {"id", "count", "step_rate", "total_rate"} <= set(found["stages"][0])
    counts = {stage["id"]: stage["count"] for stage in found["stages"]}
    assert counts == {
        "sessions": 53918, "product_views": 17389, "carts": 3992, "checkouts": 1187,
        "orders": 697, "paid_orders": 687,
    }  # fmt: skip
    carts = found["stages"][2]
    assert carts["step_rate"] == pytest.approx(3992 / 17389)
    assert carts["total_rate"] == pytest.approx(3992 / 53918)
    assert found["leakiest"] == "carts"


def test_the_funnel_of_all_months_is_no_funnel_of_the_last_one(answer: Run) -> None:
    """The clickstream holds October only; GA4 holds all thirteen months."""
    found = answer("funnel", "--business", "shop", *files("shop"))
    assert {tuple(stage["sources"]) for stage in found["stages"][:5]} == {("ga4",)}


# --- plan, score, bonus


@each_business
def test_a_default_plan_scores_and_pays(answer: Run, plan_of: Run, business: str) -> None:
    plan = ("--plan", plan_of(business), *OCTOBER, *files(business))
    card = answer("score", *plan)
    lines = card["lines"]
    assert {"kpi", "weight", "value", "target", "attainment", "score", "points"} <= set(lines[0])
    assert card["total"] == pytest.approx(sum(line["points"] for line in lines))
    assert sum(line["share"] for line in lines) == pytest.approx(1)
    paid = answer("bonus", *plan)
    assert re.fullmatch(r"\d+\.\d\d", paid["bonus"])
    assert re.fullmatch(r"\d+\.\d\d", paid["pay"])
    assert paid["currency"] == catalogue.business(business).currency
    assert all({"text", "value"} <= set(entry) for entry in paid["statement"])
    amounts = [Decimal(entry["amount"]) for entry in paid["statement"] if "amount" in entry]
    assert sum(amounts) == Decimal(paid["pay"])


def test_the_shop_pays_half_a_salary_for_october(answer: Run, plan_of: Run) -> None:
    """707 of 800 orders: 0.5. 600 / 554.57: above plan, 1."""
    paid = answer("bonus", "--plan", plan_of("shop"), *OCTOBER, *files("shop"))
    assert (paid["bonus"], paid["pay"]) == ("15000.00", "45000.00")


def test_without_a_period_a_year_of_data_earns_no_bonus(
    answer: Run, refusal: Run, plan_of: Run
) -> None:
    """Thirteen months of orders are no month's: 8757 of 800."""
    plan = ("--plan", plan_of("shop"), *files("shop"))
    assert "--period 2026-10" in refusal("bonus", *plan, "--lang", "en")
    told = {finding["code"] for finding in answer("score", *plan)["findings"]}
    assert "no_period_asked" in told


def test_a_plan_with_facts_needs_no_file(answer: Run, plan_of: Run) -> None:
    """120 of 200 leads are 60 %: nothing."""
    plan = plan_of("corporate", facts={"leads": 120, "cpl": 80})
    paid = answer("bonus", "--plan", plan)
    assert (paid["bonus"], paid["pay"]) == ("0.00", "3000.00")


def test_the_period_of_the_command_goes_before_that_of_the_plan(answer: Run, plan_of: Run) -> None:
    plan = ("--plan", plan_of("shop", period="2026-09"), *files("shop", "orders.csv"))
    assert answer("score", *plan)["period"] == ["2026-09-01", "2026-09-30"]
    assert answer("score", *plan, *OCTOBER)["period"] == ["2026-10-01", "2026-10-31"]


# --- whatif


def test_whatif_shows_the_result_beside_the_base(answer: Run, plan_of: Run) -> None:
    asked = ("--plan", plan_of("shop"), *OCTOBER, "--set", "spend=+10%")
    found = answer("whatif", *asked, *files("shop"))
    base, result = found["base"], found["result"]
    for side in (base, result):
        assert {"measures", "kpis", "score", "bonus", "pay", "currency"} <= set(side)
    assert base["measures"]["sessions"] == 58548
    assert base["measures"]["spend"] == 392082.14
    assert result["measures"]["spend"] == pytest.approx(392082.14 * 1.1)
    assert result["measures"]["clicks"] == pytest.approx(19483 * 1.1)
    bought = base["measures"]["paid_sessions"]
    assert result["measures"]["sessions"] == pytest.approx(58548 + bought / 10)
    assert result["kpis"]["cpc"] == base["kpis"]["cpc"]
    assert result["kpis"]["cpo"] > base["kpis"]["cpo"]
    assert base["bonus"] == "15000.00"


@each_business
def test_whatif_on_nothing_changed_is_the_base(answer: Run, plan_of: Run, business: str) -> None:
    asked = ("--plan", plan_of(business), *OCTOBER, "--set", "spend=+0%")
    found = answer("whatif", *asked, *files(business))
    assert found["base"] == found["result"]


def test_whatif_says_why_nothing_is_paid(answer: Run, plan_of: Run) -> None:
    asked = ("--plan", plan_of("shop"), *OCTOBER, "--set", "cr=+10%")
    found = answer("whatif", *asked, *files("shop", "metrika_sources.csv", "orders.csv"))
    assert found["base"]["bonus"] is None
    assert "spend" in found["base"]["why"]


# --- for people


@pytest.mark.parametrize("lang", ["ru", "en"])
@each_business
def test_tables_for_people_are_aligned(
    printed: Run, plan_of: Run, business: str, lang: str
) -> None:
    """The last column ends in the same place on every line, Cyrillic or not."""
    asked = (*OCTOBER, "--lang", lang, *files(business))
    kpis = printed("kpis", "--business", business, *asked)
    stages = printed("funnel", "--business", business, *asked)
    card = printed("score", "--plan", plan_of(business), *asked)
    for lines in (kpis, stages, card):
        assert len({len(line) for line in lines if not line.startswith("  ")}) == 1


def test_read_and_bonus_and_whatif_speak_to_people(printed: Run, plan_of: Run) -> None:
    shop = files("shop")
    assert any("Яндекс Директ" in line for line in printed("read", "--lang", "ru", *shop))
    register = str(EXPORTS / "order_register" / "orders_en.csv")
    assert printed("read", "--lang", "en", register)[0] == "orders_en.csv: Order register"
    paid = printed("bonus", "--lang", "ru", "--plan", plan_of("shop"), *OCTOBER, *shop)
    assert any(line.startswith("К выплате") for line in paid)
    asked = ("--plan", plan_of("shop"), *OCTOBER, "--set", "cpc=-5%")
    assert any(
        line.startswith("Bonus") for line in printed("whatif", "--lang", "en", *asked, *shop)
    )


def test_the_schema_is_json_in_both_ways(printed: Run, answer: Run) -> None:
    assert json.loads("\n".join(printed("schema"))) == answer("schema")


# --- what cannot be done

SHOP = ("--business", "shop")
ORDERS = str(SAMPLES / "shop" / "orders.csv")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("read", "nowhere.csv"), "nowhere.csv"),
        (("read", str(SAMPLES)), "sample_data"),  # a folder
        (("kpis", "--business", "shpo", ORDERS), "shop"),
        (("kpis", *SHOP, "--period", "2026-13", ORDERS), "2026-13"),
        (("kpis", *SHOP, "--period", "2026-10-31..2026-10-01", ORDERS), "2026-10-31"),
        (("kpis", *SHOP, "--by", "colour", ORDERS), "channel"),
        (("kpis", *SHOP, "--source", "sales=shopfy", ORDERS), "shopify"),
        (("kpis", *SHOP, "--source", "sale=shopify", ORDERS), "sales"),
        (("kpis", *SHOP, "--source", "shopify", ORDERS), "traffic=ga4"),
        (("kpis", *SHOP, "--rate", "USD=much", ORDERS), "USD=92.5"),
        (("kpis", *SHOP, "--rate", "USD=inf", ORDERS), "USD=92.5"),
        (("kpis", *SHOP, "--rate", "RUB=2", ORDERS), "RUB"),
        (("kpis", *SHOP, "--vat", "direct", ORDERS), "direct=excl"),
        (("kpis", *SHOP, "--vat", "direct=without", ORDERS), "excl"),
        (("kpis", *SHOP, "--vat-rate", "20%", ORDERS), "0.2"),
        (("kpis", *SHOP, "--vat-rate", "20", ORDERS), "0.3"),
        (("kpis", *SHOP, "--assume", "margin_rate=much", ORDERS), "margin_rate=0.3"),
        (("kpis", *SHOP, "--assume", "margin_rate=30", ORDERS), "0.3"),
        (("kpis", *SHOP, "--assume", "luck=0.3", ORDERS), "luck"),
        (("kpis", *SHOP), "FILE"),
        (("kpis", *SHOP, "--colour", "red", ORDERS), "--colour"),
        (("kpis", ORDERS), "--business"),
        (("funnel", "--business", "bakery", ORDERS), "bakery"),
        (("plan", "--business", "bakery"), "bakery"),
        (("score", "--plan", "nowhere.json", ORDERS), "nowhere.json"),
        (("whatif", "--plan", "nowhere.json", ORDERS), "--set"),
        (("dance",), "dance"),
        ((), "COMMAND"),
    ],
)
def test_wrong_use_is_one_clear_line(refusal: Run, arguments: tuple[str, ...], said: str) -> None:
    assert said in refusal(*arguments)


@pytest.mark.parametrize(
    "content",
    [b"", b"<html><body>no</body></html>", b"\x00\x01\x02", b"PK\x03\x04broken", b"a;b\n1;2"],
)
def test_an_unreadable_file_is_one_clear_line(refusal: Run, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "export.csv"
    path.write_bytes(content)
    assert "export.csv" in refusal("read", str(path))


@pytest.mark.parametrize(
    "content", ["", "{", '{"business": "shop"}', "[1]", '{"business": "shop", "business": "shop"}']
)
def test_a_bad_plan_is_one_clear_line(refusal: Run, tmp_path: Path, content: str) -> None:
    path = tmp_path / "plan.json"
    path.write_text(content, "utf-8")
    for command in ("score", "bonus"):
        assert refusal(command, "--plan", str(path), ORDERS).startswith("plan.json: ")


@pytest.mark.parametrize(
    ("lever", "said"),
    [
        (["spnd=+10%"], "spend"),
        (["cr=much"], "cr=much"),
        (["cr=+10%", "cr=+20%"], "twice"),
        (["spend=+10%"], "data do not show"),
        (["cr=4"], "above 1"),
    ],
)
def test_a_bad_lever_is_one_clear_line(
    refusal: Run, plan_of: Run, lever: list[str], said: str
) -> None:
    moved = [word for text in lever for word in ("--set", text)]
    plan = ("--plan", plan_of("shop"), "--lang", "en", *OCTOBER)
    shop = files("shop", "metrika_sources.csv", "orders.csv")
    assert said in refusal("whatif", *plan, *moved, *shop)


def test_a_plan_alone_has_nothing_to_score(refusal: Run, plan_of: Run) -> None:
    assert "file" in refusal("score", "--plan", plan_of("shop"), "--lang", "en")


def test_what_cannot_be_paid_is_one_clear_line_in_russian(refusal: Run, plan_of: Run) -> None:
    asked = ("--plan", plan_of("shop"), "--lang", "ru", *OCTOBER)
    assert "премию посчитать нельзя" in refusal("bonus", *asked, ORDERS)


def test_the_command_runs_as_a_program() -> None:
    command = [sys.executable, "-m", "kpi_core", "kpis", "--business", "shop", "--json"]
    done = subprocess.run([*command, ORDERS], cwd=ROOT, capture_output=True, check=True)
    assert totals(json.loads(done.stdout.decode("utf-8")))["orders"] == 8757
    failed = subprocess.run([*command, "нет.csv"], cwd=ROOT, capture_output=True, check=False)
    assert (failed.returncode, failed.stdout) == (2, b"")
    assert failed.stderr.decode("utf-8").startswith("нет.csv: ")
    assert failed.stderr.count(b"\n") == 1


def test_a_taught_layout_reads_an_odd_table(answer: Run, tmp_path: Path) -> None:
    (tmp_path / "odd.csv").write_text("Когда;Сколько\n01.10.2026;5\n02.10.2026;7\n", "utf-8")
    draft = Draft("odd", "table", Rows.SUMS, ("Когда", "Сколько"),
                  {"Когда": "date", "Сколько": "sessions"})  # fmt: skip
    (tmp_path / "odd.toml").write_text(written(draft), "utf-8")
    told = answer("read", str(tmp_path / "odd.csv"), "--layout", str(tmp_path / "odd.toml"))
    assert told["files"][0]["tables"][0]["measures"]["sessions"]["total"] == 12


def test_the_formats_are_listed(answer: Run) -> None:
    assert {"format", "source", "name", "sure"} == set(answer("formats")["formats"][0])
