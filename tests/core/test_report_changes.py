"""What changed since the period before is told from the numbers, and the monthly run tells it."""

import json
import re
import shutil
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path

import pytest

from kpi_core.cli import main
from kpi_core.facts import combine
from kpi_core.ingest import read
from kpi_core.model import parse_period
from kpi_core.plan import Plan, changed, default_plan
from kpi_core.report import Part, Report, gather
from kpi_core.report.html import html
from kpi_core.text import percent
from tests.core.reported import BUSINESSES, SAMPLES, reported, sample, squeezed
from tests.core.test_report_html import Page
from tests.core.test_report_pdf import LANGS


def days_of(month: str, orders: int, *, until: int = 31) -> list[str]:
    """A line a day: visits, orders and revenue, the orders all on the first."""
    period = parse_period(month)
    days = [period.first + timedelta(days=n) for n in range(min(period.days, until))]
    return [f"{day},100,{orders if day.day == 1 else 0},{100 * orders if day.day == 1 else 0}"
            for day in days]  # fmt: skip


def plan_of_orders(**more: object) -> Plan:
    """300 orders a month pay a bonus of 10 000: 80 % of them 5 000, less nothing."""
    steps = [{"at": "0.8", "score": "0.5"}, {"at": "1", "score": "1"}]
    lines = [
        {"kpi": "orders", "target": 300, "weight": 1, "rule": {"kind": "steps", "steps": steps}}
    ]
    scheme = {"kind": "scorecard", "salary": 30000, "fund": 10000}
    return changed(default_plan("shop"), lines=lines, scheme=scheme, **more)


def told(lines: list[str], period: str, plan: Plan | None = None, **options: object) -> Report:
    data = "\n".join(["date,sessions,orders,revenue", *lines]).encode()
    uploads = [read("days.csv", data)]
    plan = plan or plan_of_orders()
    return gather(combine(uploads), uploads, plan, parse_period(period), "en", **options)  # type: ignore[arg-type]


def test_score_kpis_bonus_and_targets_are_told_with_both_figures() -> None:
    # September 240 of 300 orders: 80 %, half the score; October 300: all of it.
    report = told([*days_of("2026-09", 240), *days_of("2026-10", 300)], "2026-10")
    score, kpis, bonus, goals, data = report.changes
    assert score == (
        "The total score: 50.0 → 100.0 of 100 (+50.0) compared with September 2026;"
        " what moved it most: Orders +50.0."
    )
    assert "Orders 240 → 300 (+25.0%)" in kpis
    assert bonus.replace("\N{NO-BREAK SPACE}", " ") == (
        "The bonus: RUB 5,000.00 → RUB 10,000.00 (+RUB 5,000.00)."
    )
    assert goals == "Targets: 1 of 1 reached; reached now: Orders."
    assert data.startswith("Every KPI of the plan has a value; remarks on the data: errors 0")


def test_what_is_lost_is_told_as_a_loss() -> None:
    report = told([*days_of("2026-09", 300), *days_of("2026-10", 150)], "2026-10")
    score, kpis, bonus, goals, _ = report.changes
    minus = "\N{MINUS SIGN}"
    assert f"100.0 → 0.0 of 100 ({minus}100.0)" in score
    assert f"Orders 300 → 150 ({minus}50.0%)" in kpis
    assert f"({minus}RUB" in bonus
    assert goals == "Targets: 0 of 1 reached; no longer reached: Orders."


def test_the_same_month_again_is_told_as_no_change() -> None:
    report = told([*days_of("2026-10", 300), *days_of("2026-12", 300)], "2026-12")
    assert report.changes[0].startswith("There is nothing to compare with")
    november = [line.replace("2026-10", "2026-11") for line in days_of("2026-10", 300, until=30)]
    same = told([*days_of("2026-10", 300), *november], "2026-11").changes
    assert same[0] == "The total score is 100.0 of 100, the same as for October 2026."
    assert same[2].startswith("The bonus is the same: RUB")
    assert same[3].endswith("none changed.")


def test_the_first_month_has_nothing_to_be_compared_with() -> None:
    report = told(days_of("2026-10", 300), "2026-10")
    assert len(report.changes) == 2
    assert report.changes[0].startswith("There is nothing to compare with")


def test_a_month_under_way_is_compared_with_the_same_days_and_pays_nothing_yet() -> None:
    lines = [*days_of("2026-09", 240), *days_of("2026-10", 300, until=10)]
    score, _, bonus, *_ = told(lines, "2026-10").changes
    assert "50.0 → 100.0 of 100 (+50.0) compared with 1 Sep 2026 – 10 Sep 2026;" in score
    assert bonus.startswith("The bonus cannot be computed.")


def test_few_cases_do_not_move() -> None:
    # 4 orders instead of 2 are twice as many, but the average order says nothing yet.
    _, kpis, *_ = told([*days_of("2026-09", 2), *days_of("2026-10", 4)], "2026-10").changes
    assert "Average order" not in kpis


def test_targets_of_each_month_judge_that_month() -> None:
    plan = plan_of_orders(targets={"2026-09": {"orders": 100}, "2026-10": {"orders": 300}})
    report = told([*days_of("2026-09", 240), *days_of("2026-10", 240)], "2026-10", plan)
    assert "100.0 → 50.0 of 100" in report.changes[0]
    assert "RUB" in report.changes[2]
    assert "→" in report.changes[2]


def test_a_missing_value_is_named() -> None:
    lines = [*plan_of_orders().model_dump()["lines"], {"kpi": "nps", "target": 50, "weight": 0}]
    plan = changed(plan_of_orders(), lines=lines)
    report = told([*days_of("2026-09", 240), *days_of("2026-10", 300)], "2026-10", plan)
    name = plan.kpi("nps").name["en"]
    assert report.changes[-1].startswith(f"Without a value: {name};")


def test_the_bonus_is_told_only_where_it_was_asked_for() -> None:
    lines = [*days_of("2026-09", 240), *days_of("2026-10", 300)]
    report = told(lines, "2026-10", parts={Part.CHANGES})
    assert len(report.changes) == 4
    assert not any("bonus" in said for said in report.changes)
    assert told(lines, "2026-10", parts={Part.SCORE}).changes == ()


@pytest.mark.parametrize("business", BUSINESSES)
def test_the_change_of_the_bonus_is_that_of_two_reports(business: str) -> None:
    facts, uploads = sample(business)
    before, now = facts.months()[-2:]
    made = [gather(facts, uploads, default_plan(business), month, "en") for month in (before, now)]
    bonuses = [report.paid.bonus for report in made if report.paid]
    said = made[1].changes[2]
    shown = [Fraction(found.replace(",", "")) for found in re.findall(r"[\d,]+\.\d\d", said)]
    moved = bonuses[1] - bonuses[0]
    assert shown == ([*map(Fraction, bonuses), abs(Fraction(moved))] if moved else [bonuses[1]])


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("business", BUSINESSES)
def test_the_largest_move_is_the_largest_by_hand(business: str, lang: str) -> None:
    facts, uploads = sample(business)
    before = facts.months()[-2]
    then = gather(facts, uploads, default_plan(business), before, lang, parts=()).values.totals()
    values = reported(business, lang).values.totals()
    shares = [
        abs(own.value / then[id].value - 1)
        for id, own in values.items()
        if own.value is not None and then[id].value and own.enough and then[id].enough
    ]
    said = reported(business, lang).changes[1]
    assert percent(max(shares), lang) in said.partition(";")[0]


@pytest.mark.parametrize("lang", LANGS)
def test_the_page_prints_them(lang: str) -> None:
    report = reported("portal", lang)
    page = Page(html(report)).text
    assert len(report.changes) == 5
    assert [said for said in report.changes if squeezed(said) not in page] == []


# --- the monthly run


def test_files_that_are_named_one_by_one_are_reported_whole(tmp_path: Path) -> None:
    plan, to = tmp_path / "plan.json", tmp_path / "report.csv"
    plan.write_text(default_plan("shop").as_json(), "utf-8")
    files = [str(SAMPLES / "shop" / upload.name) for upload in sample("shop")[1]]
    assert main(["report", "--plan", str(plan), "--to", str(to), *files]) == 0
    assert ",2025-10-01,2026-10-31,,total," in to.read_text("utf-8-sig")


def exports(folder: Path) -> Path:
    folder.mkdir()
    for upload in sample("shop")[1]:
        shutil.copy(SAMPLES / "shop" / upload.name, folder)
    (folder / ".hidden").write_text("x", "utf-8")
    return folder


def monthly(folder: Path, to: Path, *more: str) -> int:
    plan = to.parent / "plan.json"
    plan.write_text(default_plan("shop").as_json(), "utf-8")
    return main(
        ["report", "--plan", str(plan), "--to", str(to), "--lang", "en", *more, str(folder)]
    )


def test_a_folder_is_reported_for_its_last_whole_month(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    to = tmp_path / "report.html"
    assert monthly(exports(tmp_path / "exports"), to) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert "October 2026" in to.read_text("utf-8")
    for sentence in reported("shop", "en").changes:
        assert sentence in said.out


def test_a_file_that_cannot_be_read_is_told_and_the_report_is_made_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = exports(tmp_path / "exports")
    (folder / "notes.txt").write_text("call the client back", "utf-8")
    to = tmp_path / "report.csv"
    assert monthly(folder, to, "--json") == 3
    said = capsys.readouterr()
    assert said.err.startswith("notes.txt: ")
    answer = json.loads(said.out)
    assert len(answer["unread"]) == 1
    assert answer["period"] == ["2026-10-01", "2026-10-31"]
    assert to.stat().st_size > 0


def test_what_the_command_itself_writes_and_is_given_is_no_export(tmp_path: Path) -> None:
    folder = exports(tmp_path / "exports")
    (folder / "report.csv").write_text("of last month", "utf-8")
    assert monthly(folder, folder / "report.csv") == 0  # plan.json lies there, too


def test_a_folder_without_an_export_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "exports"
    folder.mkdir()
    to = tmp_path / "report.csv"
    assert monthly(folder, to) == 2
    (folder / "notes.txt").write_text("call the client back", "utf-8")
    assert monthly(folder, to) == 2
    assert "notes.txt" in capsys.readouterr().err
    assert not to.exists()


def test_a_month_under_way_is_not_reported_unasked(tmp_path: Path) -> None:
    folder, to = tmp_path / "exports", tmp_path / "report.csv"
    folder.mkdir()
    lines = [*days_of("2026-09", 240), *days_of("2026-10", 300, until=10)]
    text = "\n".join(["date,sessions,orders,revenue", *lines])
    (folder / "days.csv").write_text(text, "utf-8")
    assert monthly(folder, to) == 0
    assert f"{date(2026, 9, 30)}" in to.read_text("utf-8-sig")
    assert f"{date(2026, 10, 31)}" not in to.read_text("utf-8-sig")
