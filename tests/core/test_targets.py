"""Targets of periods from a sheet: all of it is read, or none and the reason is told."""

import io
from datetime import date
from decimal import Decimal

import pytest
import xlsxwriter

from kpi_core.errors import KpiError
from kpi_core.model import parse_period
from kpi_core.plan import MAX_BYTES, OwnKpi, changed, default_plan
from kpi_core.targets import read_period, read_targets

WANTED = {"2026-10": {"cr": Decimal("0.012"), "aov": Decimal(4000)}}


def book(*rows: tuple[object, ...]) -> bytes:
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True, "default_date_format": "mmm yyyy"}) as file:
        sheet = file.add_worksheet()
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    return made.getvalue()


def refused(text: str) -> str:
    with pytest.raises(KpiError) as raised:
        read_targets("goals.csv", text.encode())
    assert raised.value.text("en").startswith("goals.csv: ")
    return raised.value.text("en")


@pytest.mark.parametrize(
    "data",
    [
        b"period,KPI,target\n2026-10,cr,1.2%\n2026-10,aov,4000\n",
        "Месяц;Показатель;Цель\nоктябрь 2026;Конверсия;1,2 %\n10.2026;Средний чек;4 000\n".encode(),
        "Месяц;KPI;План\nокт. 2026;Конверсия (CR);1,2%\n2026-10;AOV;4000,00\n".encode("cp1251"),
        b"KPI,Oct 2026\ncr,0.012\naov,\"4,000\"\n",
        b"month,cr,aov\n2026-10,1.2%,4000\n",
        book(("KPI", date(2026, 10, 1)), ("cr", 0.012), ("aov", 4000)),
        book(("Goals of the year",), (), ("period", "kpi", "target"),
             ("Oct-26", "cr", "1.2%"), ("2026-10", "aov", 4000.0)),
    ],
    ids=["long", "russian", "ansi", "wide", "turned", "workbook", "workbook with a title"],
)  # fmt: skip
def test_one_and_the_same_targets_however_they_are_written(data: bytes) -> None:
    assert read_targets("goals", data) == WANTED


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("2026-10", "2026-10"),
        ("10.2026", "2026-10"),
        ("октябрь 2026", "2026-10"),
        ("Октябрь 2026 г.", "2026-10"),
        ("Oct 2026", "2026-10"),
        ("окт.26", "2026-10"),
        ("01.10.2026", "2026-10"),
        (date(2026, 10, 1), "2026-10"),
        ("2026-Q4", "2026-Q4"),
        ("Q4 2026", "2026-Q4"),
        ("4 кв. 2026", "2026-Q4"),
        ("IV квартал 2026", "2026-Q4"),
        ("2026-10-05..2026-10-11", "2026-10-05..2026-10-11"),
    ],
)
def test_a_period_as_people_write_it(said: object, meant: str) -> None:
    assert read_period(said) == parse_period(meant)


@pytest.mark.parametrize(
    "cell", ["2026-13", "2026-10-05", "Foo 2026", "Q5 2026", "12", "", None, True, "9" * 90]
)
def test_what_names_no_period(cell: object) -> None:
    assert read_period(cell) is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("KPI,2026-10\ncrr,1\ncr,1%\nfoo,2\n", "no such KPIs: crr, foo. Did you mean 'cr'?"),
        ("KPI,2026-10,Foo\ncr,1%,2%\n", "these periods cannot be read: Foo."),
        ("period,KPI,target\n2026-10,cr,1%\nsoon,aov,3\n", "periods cannot be read: soon (3)"),
        ("month,cr,foo\n2026-10,1%,2\n", "no such KPIs: foo"),
        ("period,KPI,target\n2026-10,aov,much\n", "these are no numbers: aov, 2: much"),
        ("period,KPI,target\n2026-10,aov,\n", "these are no numbers: aov, 2: —"),
        ("period,KPI,target\n2026-10,cr,1.2\n", "a share above one without a percent sign"),
        ("period,KPI,target\n2026-10,cr,1%\n10.2026,cr,2%\n", "a target is given twice"),
        ("a,b\n1,2\n", "no targets found"),
        ("", "the file is empty"),
        ("x" * (MAX_BYTES + 1), "over 256 KB"),
    ],
)
def test_what_cannot_be_read_is_named_and_nothing_is_taken(text: str, told: str) -> None:
    assert told in refused(text)


def test_own_kpis_are_known_by_name() -> None:
    own = {"per_order": OwnKpi(name="Прибыль с заказа", formula="revenue / orders")}
    text = "KPI;2026-10\nприбыль с заказа;3000\n".encode()
    assert read_targets("t.csv", text, own) == {"2026-10": {"per_order": Decimal(3000)}}


def test_the_targets_of_a_period_judge_that_period_only() -> None:
    plan = default_plan("shop").with_targets(WANTED | {"2026-Q4": {"cr": Decimal("0.02")}})

    def aimed(period: str) -> Decimal | None:
        judged = plan.of_period(parse_period(period))
        return next(line.target for line in judged.lines if line.kpi == "cr")

    own = next(line.target for line in plan.lines if line.kpi == "cr")
    assert aimed("2026-10") == Decimal("0.012")
    assert aimed("2026-10-01..2026-10-31") == Decimal("0.012")
    assert aimed("2026-10-01..2026-12-31") == Decimal("0.02")
    assert aimed("2026-11") == own


def test_targets_of_a_period_reach_the_factors_of_a_product() -> None:
    plan = default_plan("shop").with_targets({"2026-10": {"orders": Decimal(999)}})
    scheme = plan.of_period(parse_period("2026-10")).scheme
    assert [goal.target for goal in scheme.factors if goal.kpi == "orders"] == [999]  # type: ignore[union-attr]


def test_a_target_of_a_period_is_changed_where_it_stands() -> None:
    plan = default_plan("shop").with_targets(WANTED)
    moved = plan.with_target("cr", Decimal("0.5"), parse_period("2026-10"))
    assert moved.targets["2026-10"]["cr"] == Decimal("0.5")
    assert moved.lines == plan.lines
    assert plan.with_target("cr", Decimal("0.5"), parse_period("2026-11")).targets == plan.targets
    assert "cr" not in plan.with_targets({"2026-10": {"cr": None}}).targets["2026-10"]


@pytest.mark.parametrize(
    ("targets", "told"),
    [
        ({"2026-10": {"cr": 0}}, "above 0"),
        ({"soon": {"cr": 1}}, "soon"),
        ({"2026-Q4": {"cr": 1}, "2026-10-01..2026-12-31": {"cr": 2}}, "one and the same period"),
        ({"2026-10": {"crr": 1}}, "no such KPI"),
    ],
)
def test_targets_that_could_not_judge_are_refused_at_once(targets: object, told: str) -> None:
    with pytest.raises(KpiError) as raised:
        changed(default_plan("shop"), targets=targets)
    assert told in raised.value.text("en")
