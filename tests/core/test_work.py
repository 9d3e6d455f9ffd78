"""Reports of a task register: working days, boundaries, what is not judged, and the whole score."""

import json
from datetime import date
from fractions import Fraction
from pathlib import Path

import pandas as pd
import pytest

from kpi_core import catalogue
from kpi_core.cli import main
from kpi_core.facts import combine
from kpi_core.ingest import Upload, read
from kpi_core.ingest.formats import formats
from kpi_core.ingest.work import DETAILS, counts_tasks, reports, unjudged, working_days
from kpi_core.kpis import Values, kpi_values
from kpi_core.model import Period, parse_period
from kpi_core.pay import payout
from kpi_core.plan import default_plan, read_plan
from kpi_core.rules import Bands
from kpi_core.score import score

from .small import export

ROOT = Path(__file__).parents[2]
REGISTER = ROOT / "sample_data" / "analyst" / "register.csv"
REGISTERS = sorted(
    path
    for id, format in formats().items()
    if counts_tasks(format.records)
    for path in (ROOT / "tests" / "exports" / id).glob("*")
    if path.suffix != ".toml"
)
HEADING = (
    "Номер;Отчёт;Тип отчёта;Поставлена;Срок;Статус;Дата выполнения;Норма, ч;Факт, ч;Возвраты\n"
)
# What makes the last day of a small register: it is not due yet.
END = "99;Последний;Регулярный;{};31.12.2026;В работе;;;;\n"


def register(*lines: str, end: str = "30.06.2026", heading: str = HEADING) -> Upload:
    return export("register.csv", heading + "\n".join(lines) + "\n" + END.format(end))


def told(upload: Upload) -> dict[str, float]:
    (table,) = upload.tables
    found = {id: table.total(id) for id in table.measures if id.startswith("reports_")}
    return {id.removeprefix("reports_"): total for id, total in found.items() if total is not None}


def codes(upload: Upload) -> dict[str, object]:
    return {
        finding.code: finding.values.get("n")
        for finding in upload.findings
        if finding.code.startswith("report")
    }


# --- working days


@pytest.mark.parametrize(
    ("after", "until", "passed"),
    [
        ("2025-12-30", "2026-01-11", 0),  # 31 December and 9 January are moved days off
        ("2025-12-30", "2026-01-12", 1),
        ("2025-12-29", "2026-01-13", 3),  # 30 December, 12 and 13 January
        ("2026-04-30", "2026-05-03", 0),
        ("2026-04-30", "2026-05-04", 1),
        ("2026-05-08", "2026-05-11", 0),  # 9 May is a Saturday, so Monday is off
        ("2026-05-08", "2026-05-12", 1),
        ("2025-04-30", "2025-05-05", 1),  # 1 to 4 May 2025
        ("2025-05-07", "2025-05-12", 1),  # 8 to 11 May 2025
        ("2025-10-31", "2025-11-01", 1),  # a worked Saturday
        ("2025-10-31", "2025-11-05", 2),
        ("2026-06-06", "2026-06-08", 1),  # due on a Saturday: Monday is the first day late
        ("2026-06-10", "2026-06-10", 0),
        ("2026-06-10", "2026-06-01", 0),
    ],
)
def test_working_days_follow_the_russian_calendar(after: str, until: str, passed: int) -> None:
    days = [pd.Series([pd.Timestamp(day)]) for day in (after, until)]
    assert working_days(*days, "RU").tolist() == [passed]


def test_working_days_are_missing_where_a_day_is() -> None:
    days = pd.Series(pd.to_datetime(["2026-06-01", None]))
    assert working_days(days, days[::-1].reset_index(drop=True), "RU").isna().all()


# --- boundaries


@pytest.mark.parametrize(
    ("due", "done", "late"),
    [
        ("10.06.2026", "10.06.2026", 0),
        ("10.06.2026", "11.06.2026", 0),  # exactly one working day
        ("10.06.2026", "14.06.2026", 0),  # Friday the 12th is a holiday
        ("10.06.2026", "15.06.2026", 1),
        ("30.04.2026", "04.05.2026", 0),
        ("30.04.2026", "05.05.2026", 1),
        ("30.06.2026", "01.06.2026", 0),
    ],
)
def test_a_report_may_be_one_working_day_late(due: str, done: str, late: int) -> None:
    upload = register(f"1;А;Регулярный;01.04.2026;{due};Готово;{done};;;")
    assert told(upload) == {"due": 1, "late": late}


@pytest.mark.parametrize(
    ("norm", "spent", "over"),
    [("10", "11,5", 0), ("10", "11,51", 1), ("2", "2,3", 0), ("3", "3,45", 0), ("3", "3,46", 1),
     ("7", "8,05", 0), ("0,1", "0,115", 0), ("4", "1", 0)],
)  # fmt: skip
def test_a_report_may_take_fifteen_percent_more(norm: str, spent: str, over: int) -> None:
    upload = register(
        f"1;А;По запросу;01.06.2026;03.06.2026;Готово;03.06.2026;{norm};{spent};", end="04.06.2026"
    )
    assert {id: told(upload)[id] for id in ("normed", "over_norm")} == {
        "normed": 1,
        "over_norm": over,
    }


@pytest.mark.parametrize(
    ("end", "judged"), [("04.06.2026", None), ("07.06.2026", None), ("08.06.2026", 1)]
)
def test_a_report_is_accepted_after_three_working_days(end: str, judged: int | None) -> None:
    upload = register("1;А;Регулярный;01.06.2026;;Готово;03.06.2026;;;0", end=end)
    assert told(upload).get("judged") == judged
    assert told(upload).get("returned") == (None if judged is None else 0)


def test_a_remark_counts_at_once_and_one_that_comes_late_does_not() -> None:
    heading = HEADING.replace("Возвраты", "Дата замечания")
    line = "{};{};Регулярный;01.06.2026;;Готово;03.06.2026;;;{}"
    days = ("04.06.2026", "08.06.2026", "09.06.2026", "")
    lines = [line.format(n, n, day) for n, day in enumerate(days, start=1)]
    assert told(register(*lines, heading=heading)) == {"judged": 4, "returned": 2}
    at_once = register("1;А;Регулярный;01.06.2026;;Готово;03.06.2026;;;1", end="03.06.2026")
    assert told(at_once) == {"judged": 1, "returned": 1}


@pytest.mark.parametrize(("end", "late"), [("11.06.2026", None), ("15.06.2026", 1)])
def test_what_is_not_done_is_late_once_it_is_overdue(end: str, late: int | None) -> None:
    done = "2;Б;Регулярный;01.06.2026;03.06.2026;Готово;03.06.2026;;;"
    upload = register("1;А;Регулярный;01.06.2026;10.06.2026;В работе;;;;", done, end=end)
    assert told(upload)["due"] == (1 if late is None else 2)
    assert told(upload)["late"] == (late or 0)


# --- kinds, and what cannot be judged


def test_only_regular_reports_can_be_late_and_only_those_on_request_over_the_norm() -> None:
    late_and_over = "01.06.2026;03.06.2026;Готово;09.06.2026;2;4;0"
    kinds = ("Регулярный", "По запросу", "Встреча")
    upload = register(*(f"{n};{kind};{kind};{late_and_over}" for n, kind in enumerate(kinds)))
    assert told(upload) == {
        "due": 1, "late": 1, "normed": 1, "over_norm": 1, "judged": 2, "returned": 0,
    }  # fmt: skip
    assert codes(upload) == {"reports_without_kind": 1}


def test_without_kinds_all_tasks_are_both_and_it_is_said() -> None:
    heading = HEADING.replace("Тип отчёта", "Заказчик")
    upload = register("1;А;Отдел;01.06.2026;03.06.2026;Готово;09.06.2026;2;4;0", heading=heading)
    assert (told(upload)["late"], told(upload)["over_norm"]) == (1, 1)
    assert "report_kinds_untold" in codes(upload)


def test_labels_of_jira_tell_kinds_whichever_of_its_columns_they_stand_in() -> None:
    text = (
        "Issue key,Issue id,Issue Type,Status,Created,Resolved,Due date,Labels,Labels\n"
        "A-1,1,Task,Done,01/Jun/26 2:38 PM,09/Jun/26 9:15 AM,03/Jun/26,seo,weekly-report\n"
        "A-2,2,Task,Done,01/Jun/26 2:38 PM,09/Jun/26 9:15 AM,03/Jun/26,ad-hoc,\n"
    )
    upload = export("jira.csv", text)
    assert told(upload) == {"due": 1, "late": 1}
    assert upload.tables[0].facts["kind"].dropna().tolist() == ["regular", "on_request"]


def test_what_cannot_be_judged_is_in_no_share_and_told() -> None:
    done = "Готово;03.06.2026"
    upload = register(
        f"1;А;Регулярный;01.06.2026;;{done};4;4;0",
        f"2;Б;По запросу;01.06.2026;03.06.2026;{done};;4;0",
        f"3;В;По запросу;01.06.2026;03.06.2026;{done};4;;0",
        f"4;Г;По запросу;01.06.2026;03.06.2026;{done};4;4;",
        "5;Д;Регулярный;01.06.2026;03.06.2026;Готово;;4;4;0",
    )
    assert told(upload) == {
        "normed": 1, "over_norm": 0, "judged": 3, "returned": 0,
    }  # fmt: skip
    assert codes(upload) == {
        "reports_without_due": 1, "reports_without_norm": 2, "reports_without_remarks": 1,
        "reports_without_day": 1,
    }  # fmt: skip
    found = reports([table.facts for table in upload.tables])
    assert unjudged(found) == {"norm": 2, "due": 1, "remarks": 1, "day": 1, "not_due_yet": 1}


def test_reports_done_on_unknown_days_do_not_leave_only_the_late_ones() -> None:
    heading = HEADING.replace("Дата выполнения", "Примечание")
    upload = register(
        "1;А;Регулярный;01.06.2026;03.06.2026;В работе;;;;",
        "2;Б;Регулярный;01.06.2026;03.06.2026;Готово;;;;",
        heading=heading,
    )
    assert "late" not in told(upload)


@pytest.mark.parametrize("path", REGISTERS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_of_every_register_no_part_is_larger_than_its_whole(path: Path) -> None:
    upload = read(path.name, path.read_bytes())
    for table in upload.tables:
        facts = table.facts
        assert facts["record"].is_unique
        assert set(DETAILS) <= set(facts)
        assert facts["tasks"].sum() == len(reports([facts])) == table.rows
        for part, whole in (("late", "due"), ("over_norm", "normed"), ("returned", "judged")):
            if f"reports_{whole}" in facts:
                counted = facts[f"reports_{whole}"] == 1
                assert set(facts.loc[counted, f"reports_{part}"]) <= {0.0, 1.0}
                assert not facts.loc[~counted, f"reports_{part}"].fillna(0).any()


def test_a_later_export_of_the_same_register_takes_the_place_of_the_earlier() -> None:
    line = "1;А;Регулярный;01.06.2026;10.06.2026;{};;;"
    done = "2;Б;Регулярный;01.06.2026;03.06.2026;Готово;03.06.2026;;;"
    early = register(line.format("В работе;"), done, end="10.06.2026")
    late = register(line.format("Готово;16.06.2026"), done, end="17.06.2026")
    facts = combine([early, late])
    sums = facts.streams[-1].frame[["reports_due", "reports_late"]].sum()
    assert sums.tolist() == [2, 1]


# --- the sample, by hand


def of_sample(period: Period | None = None) -> Values:
    facts = combine([read(REGISTER.name, REGISTER.read_bytes())])
    return kpi_values(facts, catalogue.business("analyst"), period)


def test_the_sample_gives_the_shares_counted_by_hand() -> None:
    """Counted in the file; `sample_data/README.md` names the reports."""
    values = of_sample()
    assert values.total("late_reports").value == Fraction(3, 32)
    assert values.total("over_norm_reports").value == Fraction(4, 24)
    assert values.total("returned_reports").value == Fraction(2, 55)
    card = score(default_plan("analyst"), {row.kpi: row for row in values.rows})
    assert [line.judged.score for line in card.lines] == [Fraction(4, 5), Fraction(1, 2), 1]
    assert card.total == Fraction("0.725")


def test_lateness_is_of_the_due_day_and_the_rest_of_completion() -> None:
    april = of_sample(Period(date(2026, 4, 1), date(2026, 4, 30)))
    # ОТ-15 was due on 30 April and done on 4 May: of its time and rework May tells.
    assert april.total("late_reports").inputs["reports_due"].value == 11
    assert april.total("returned_reports").inputs["reports_judged"].value == 14 + 1


def test_the_reports_of_the_sample_stand_late_ones_first() -> None:
    found = reports([t.facts for t in read(REGISTER.name, REGISTER.read_bytes()).tables])
    assert len(found) == 60
    assert found["line"].tolist()[:4] == [46, 51, 13, 16]
    assert found["days_late"].tolist()[:4] == [15, 4, 2, 1]
    assert found["late"].tolist()[:4] == [1, 1, 1, 0]
    april = reports(
        [t.facts for t in read(REGISTER.name, REGISTER.read_bytes()).tables],
        Period(date(2026, 4, 1), date(2026, 4, 30)),
    )
    assert april["done"].max() <= pd.Timestamp("2026-04-30")


def test_the_reports_of_the_corporate_sample_come_back_as_often_as_it_says() -> None:
    path = ROOT / "sample_data" / "corporate" / "tasks.csv"
    found = told(read(path.name, path.read_bytes()))
    assert found["returned"] == 13
    assert found["due"] + found["normed"] == 130


# --- the role and its plan


@pytest.mark.parametrize("role", catalogue.roles())
def test_a_default_plan_of_a_role_is_whole_and_reads_back(role: str) -> None:
    plan = default_plan(role)
    assert sum(plan.shares().values()) == 1
    assert read_plan(plan.as_json().encode()) == plan
    assert role not in catalogue.businesses()


@pytest.mark.parametrize(
    ("share", "earned"),
    [("0", "1"), ("0.04", "1"), ("0.045", "0.8"), ("0.10", "0.8"), ("0.1001", "0.5"),
     ("0.20", "0.5"), ("0.2001", "0")],
)  # fmt: skip
def test_the_bands_of_the_analyst_leave_no_gap(share: str, earned: str) -> None:
    plan = default_plan("analyst")
    assert [line.weight * 100 for line in plan.lines] == [25, 45, 30]
    for line in plan.lines:
        assert isinstance(line.rule, Bands)
        assert line.rule.score(Fraction(share)) == Fraction(earned)


def test_the_command_line_plans_scores_and_pays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def answer(*arguments: str) -> dict[str, object]:
        assert main([*arguments, "--json", "--lang", "en"]) == 0
        found: dict[str, object] = json.loads(capsys.readouterr().out)
        return found

    plan = tmp_path / "analyst.json"
    plan.write_text(json.dumps(answer("plan", "--business", "analyst")), "utf-8")
    asked = ("--plan", str(plan), str(REGISTER))
    assert answer("score", *asked)["total"] == 0.725
    quarter = parse_period("2026-Q2")
    assert answer("bonus", *asked, "--period", "2026-Q2")["bonus"] == "21750.00"
    assert payout(default_plan("analyst"), of_sample(quarter)).bonus == 21750
