"""Targets of periods from a sheet: all of it is read, or none and the reason is told."""

import io
import zipfile
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


def styled(rows: list[tuple[object, ...]], formats: dict[tuple[int, int], str | int]) -> bytes:
    """A workbook, some of whose cells (row, column) are shown in a number format."""
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True}) as file:
        sheet = file.add_worksheet()
        for number, row in enumerate(rows):
            for column, cell in enumerate(row):
                code = formats.get((number, column))
                sheet.write(number, column, cell, code and file.add_format({"num_format": code}))
    return made.getvalue()


def refused(text: str | bytes, currency: str | None = "RUB") -> str:
    data = text.encode() if isinstance(text, str) else text
    with pytest.raises(KpiError) as raised:
        read_targets("goals.csv", data, currency=currency)
    assert raised.value.text("en").startswith("goals.csv")
    assert raised.value.text("ru") != raised.value.text("en")
    return raised.value.text("en")


def read(text: str | bytes, currency: str | None = "RUB") -> dict[str, Decimal]:
    """The targets of October by KPI."""
    data = text.encode() if isinstance(text, str) else text
    return read_targets("goals.csv", data, currency=currency)["2026-10"]


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
        ("period,KPI,target\n2026-10,aov,much\n", "these are not numbers: aov, 2: much"),
        ("period,KPI,target\n2026-10,aov,\n", "these are not numbers: aov, 2: —"),
        ("period,KPI,target\n2026-10,cr,1.2\n", "a share above one without a percent sign"),
        ("period,KPI,target\n2026-10,cr,1%\n10.2026,cr,2%\n", "a target is given twice"),
        ("a,b\n1,2\n", "no targets found"),
        ("", "the file is empty"),
        ("x" * (MAX_BYTES + 1), "over 256 KB"),
    ],
)
def test_what_cannot_be_read_is_named_and_nothing_is_taken(text: str, told: str) -> None:
    assert told in refused(text)


# --- which column is the target


@pytest.mark.parametrize(
    ("heading", "row"),
    [
        ("Period,KPI,Value,Target", "700,800"),
        ("Period,KPI,Target,Value", "800,700"),
        ("Период,Показатель,Значение,Цель", "700,800"),
        ("Период,Показатель,Факт,План", "700,800"),
        ("Period,KPI,Value,Target value", "700,800"),
        ("Период,Показатель,Значение,Целевое значение", "700,800"),
    ],
)
def test_a_value_beside_a_target_is_no_target(heading: str, row: str) -> None:
    assert read(f"{heading}\n2026-10,orders,{row}\n") == {"orders": 800}


def test_a_value_alone_is_the_target() -> None:
    assert read("Period,KPI,Value,Comment\n2026-10,orders,800,as agreed\n") == {"orders": 800}


@pytest.mark.parametrize(
    ("heading", "named"),
    [
        ("Period,KPI,Plan,Goal", "«Plan», «Goal»"),
        ("Period,KPI,Target,Target", "«Target»"),
        ("Period,KPI,Value,Fact", "«Value», «Fact»"),
        ("Period,KPI,Value,Last year", "«Value», «Last year»"),
    ],
)
def test_two_columns_that_could_be_the_target_are_named(heading: str, named: str) -> None:
    assert named in refused(f"{heading}\n2026-10,orders,800,900\n")


def test_two_columns_of_periods_are_named() -> None:
    text = "Quarter,Month,KPI,Target\n2026-Q4,2026-10,orders,800\n"
    assert "«Quarter», «Month»" in refused(text)


# --- what stands at a number


@pytest.mark.parametrize(("kpi", "cell"), [("aov", "110%"), ("orders", "110 %"), ("cac", "5%")])
def test_a_percent_of_no_share_is_refused(kpi: str, cell: str) -> None:
    told = refused(f"period,KPI,target\n2026-10,{kpi},{cell}\n")
    assert "a percentage for a KPI that is not a share" in told
    assert f"{kpi}, 2: {cell}" in told


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("$6", "currency other than the plan's (RUB)"),
        ("€6", "currency other than"),
        ("6 USD", "currency other than"),
        ("6 CHF", "not numbers"),
    ],
)
def test_money_of_another_currency_is_refused(cell: str, told: str) -> None:
    assert told in refused(f"period,KPI,target\n2026-10,cac,{cell}\n")
    assert read("period,KPI,target\n2026-10,cac,600 ₽\n") == {"cac": 600}
    assert read("period,KPI,target\n2026-10,cac,$6\n", "USD") == {"cac": 6}
    assert "currency other than" in refused("period,KPI,target\n2026-10,cac,$6\n", None)
    assert "not money" in refused("period,KPI,target\n2026-10,orders,$6\n")


def test_a_column_of_currencies_and_units_is_read() -> None:
    text = "Period,KPI,Target,Currency\n2026-10,cac,6,USD\n2026-10,orders,800,USD\n"
    assert "currency other than the plan's (RUB): cac, 2: 6 USD" in refused(text)
    assert read(text, "USD") == {"cac": 6, "orders": 800}
    units = "Период;KPI;Цель;Ед. изм.\n2026-10;cr;1,2;%\n2026-10;orders;800;шт.\n"
    assert read(units) == {"cr": Decimal("0.012"), "orders": 800}
    assert "unit is not understood" in refused(
        "Период;KPI;Цель;Ед. изм.\n2026-10;revenue;800;тыс.\n"
    )


def test_what_a_title_says_of_the_figures_is_not_passed_over() -> None:
    body = "KPI;Oct 2026\nrevenue;800\norders;5\n"
    assert "in thousands or millions: Цели, тыс. руб." in refused(f"Цели, тыс. руб.\n{body}")
    assert "currency other than" in refused(f"Targets, USD\n{body}")
    assert read(f"Targets, USD\n{body}", "USD") == {"revenue": 800, "orders": 5}
    assert read(f"Цели на 5 млн визитов, руб.\n{body}") == {"revenue": 800, "orders": 5}


@pytest.mark.parametrize(
    ("kpi", "cell", "code", "told"),
    [
        ("aov", 1.1, "0%", "a percentage for a KPI that is not a share"),
        ("orders", 1.1, 9, "a percentage for a KPI that is not a share"),
        ("cac", 6, "$#,##0.00", "currency other than"),
        ("cac", 6, "#,##0.00 [$€-407]", "currency other than"),
        ("cac", 6, 44, "unit is not understood: cac, 2: 6 ¤"),
        ("revenue", 6, '0" тыс."', "unit is not understood"),
        ("cr", 1.1, "0%", "a share above 100%"),
    ],
)
def test_the_format_of_a_cell_is_part_of_what_it_says(
    kpi: str, cell: float, code: str | int, told: str
) -> None:
    book_ = styled([("period", "KPI", "target"), ("2026-10", kpi, cell)], {(1, 2): code})
    assert told in refused(book_)


def test_formats_that_fit_are_read() -> None:
    rows = [("KPI", "2026-10"), ("cr", 0.9), ("romi", 2), ("cac", 600), ("aov", 4000)]
    kinds = {(1, 1): "0.0%", (2, 1): 9, (3, 1): '#,##0 "₽"', (4, 1): "#,##0"}
    wanted = {"cr": Decimal("0.9"), "romi": 2, "cac": 600, "aov": 4000}
    assert read(styled(rows, kinds)) == wanted


def test_a_percent_sign_that_is_only_written_multiplies_nothing() -> None:
    assert read(styled([("KPI", "2026-10"), ("cr", 1.2)], {(1, 1): '0.0"%"'})) == {
        "cr": Decimal("0.012")
    }


def test_a_file_that_hides_its_formats_is_refused() -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("goals.csv", "KPI,2026-10\norders,800\n")
    assert "Save the table as XLSX or CSV" in refused(made.getvalue())


# --- shares without a sign


@pytest.mark.parametrize("cell", ["0.9", "1", "0.5", "-0.6"])
def test_a_share_that_may_be_meant_in_per_cent_is_refused(cell: str) -> None:
    told = refused(f"period,KPI,target\n2026-10,cr,{cell}\n")
    assert "Write 0.9% if it is a percentage, 90%" in told
    assert f"cr, 2: {cell}" in told


@pytest.mark.parametrize(
    ("kpi", "cell", "meant"),
    [
        ("cr", "0.012", "0.012"),
        ("cr", "0.9%", "0.009"),
        ("cr", "90%", "0.9"),
        ("cr", "100%", "1"),
        ("romi", "200%", "2"),
        ("aov_growth", "105%", "1.05"),
        ("roas", "250%", "2.5"),
    ],
)
def test_a_share_with_a_sign_or_below_a_half_is_meant_so(kpi: str, cell: str, meant: str) -> None:
    assert read(f"period,KPI,target\n2026-10,{kpi},{cell}\n") == {kpi: Decimal(meant)}


def test_a_part_is_no_more_than_its_whole() -> None:
    assert "a share above 100%" in refused("period,KPI,target\n2026-10,cr,110%\n")


# --- nothing is dropped


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("KPI;Oct 2026\norders;800;900;1000\n", "900 (2), 1000 (2)"),
        ("KPI;Oct 2026;\norders;800;900\n", "900 (2)"),
        ("KPI;;Oct 2026\norders;700;800\n", "700 (2)"),
        ("month;orders;\n2026-10;800;900\n", "900 (2)"),
        ("period;KPI;target;\n2026-10;orders;800;900\n", "900 (2)"),
        ("period,KPI,target\n2026-10,aov,4,000\n", "000 (2)"),
    ],
)
def test_a_figure_under_no_heading_is_named(text: str, named: str) -> None:
    assert f"without a heading: {named}" in refused(text)


# --- thousands or decimals


@pytest.mark.parametrize(
    "text",
    [
        "KPI;Oct 2026\norders;4,000\ncr;1,2%\n",
        "KPI;Oct 2026\norders;4.000\ncr;1.2%\n",
        "KPI;Oct 2026\naov;4,000\ncr;1,2%\n",
        "KPI;Oct 2026\norders;4,000\n",
        "KPI;Oct 2026\norders;4.000\ncr;1,2%\naov;7.5\n",
    ],
)
def test_three_digits_after_a_mark_are_not_guessed(text: str) -> None:
    told = refused(text)
    assert "Are these thousands or decimals?" in told
    assert ", 2: 4" in told


def test_three_digits_are_thousands_where_the_sheet_proves_it() -> None:
    assert read("KPI;Oct 2026\norders;4.000\ncr;1,2%\n") == {
        "orders": 4000, "cr": Decimal("0.012")
    }  # fmt: skip


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
        ({"2026-Q4": {"cr": 1}, "2026-10-01..2026-12-31": {"cr": 2}}, "name the same period"),
        ({"2026-10": {"crr": 1}}, "no such KPI"),
    ],
)
def test_targets_that_could_not_judge_are_refused_at_once(targets: object, told: str) -> None:
    with pytest.raises(KpiError) as raised:
        changed(default_plan("shop"), targets=targets)
    assert told in raised.value.text("en")
