"""Earlier days: the period before, the same days a year ago, and formulas that look at them."""

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpi_core.errors import FormulaError
from kpi_core.formula import parse
from kpi_core.kpis import Settings
from kpi_core.model import Period, parse_period
from kpi_core.plan import OwnKpi
from tests.core.small import facts, values


@pytest.mark.parametrize(
    ("asked", "before", "year_ago"),
    [
        ("2026-03", "2026-02", "2025-03"),
        ("2024-02", "2024-01", "2023-02"),
        ("2026-Q1", "2025-Q4", "2025-Q1"),
        ("2026-01-01..2026-12-31", "2025-01-01..2025-12-31", "2025-01-01..2025-12-31"),
        ("2026-10-05..2026-10-11", "2026-09-28..2026-10-04", "2025-10-05..2025-10-11"),
        ("2024-02-20..2024-02-29", "2024-02-10..2024-02-19", "2023-02-20..2023-02-28"),
    ],
)
def test_whole_months_are_compared_with_whole_months_and_days_with_as_many_days(
    asked: str, before: str, year_ago: str
) -> None:
    period = parse_period(asked)
    assert period.before() == parse_period(before)
    assert period.year_ago() == parse_period(year_ago)


@given(st.dates(date(2001, 1, 1), date(2090, 1, 1)), st.integers(0, 800))
def test_the_period_before_ends_where_this_one_begins(first: date, more: int) -> None:
    period = Period(first, date.fromordinal(first.toordinal() + more))
    assert (period.first - period.before().last).days == 1
    if period.months is None:
        assert period.before().days == period.days


GROWTH = OwnKpi(name="growth", formula="orders / previous(orders)").kpi("growth")


def growth(*days: str, period: str, by: str | None = None) -> dict[str, Fraction | None]:
    data = facts("Date,Orders,Sessions\n" + "\n".join(days))
    settings = Settings(own={"growth": GROWTH})
    found = values(data, "growth", period=period, by=by, settings=settings)
    return {row.slice: row.value for row in found.rows}


TWO_MONTHS = [f"2026-{month}-{day:02},{n},1" for month, n in (("01", 2), ("02", 3)) for day in
              range(1, 32) if (month, day) < ("02", 29)]  # fmt: skip


def test_growth_is_measured_against_the_whole_month_before() -> None:
    """28 days of 3 orders after 31 days of 2: 84 / 62."""
    assert growth(*TWO_MONTHS, period="2026-02")["total"] == Fraction(84, 62)


def test_growth_over_a_period_that_is_not_all_there_is_missing() -> None:
    assert growth(*TWO_MONTHS[1:], period="2026-02")["total"] is None
    assert growth(*TWO_MONTHS, period="2026-01")["total"] is None


def test_each_month_of_a_year_looks_at_its_own_month_before() -> None:
    assert growth(*TWO_MONTHS, period="2026-01-01..2026-02-28", by="month") == {
        "total": None,
        "2026-01": None,
        "2026-02": Fraction(84, 62),
    }


@pytest.mark.parametrize(
    "text", ["previous(1)", "previous(orders + 1)", "last(orders)", "previous()"]
)
def test_only_a_named_quantity_has_earlier_days(text: str) -> None:
    with pytest.raises(FormulaError):
        parse(text)


def test_a_few_cases_are_not_enough_to_speak_of_a_rate() -> None:
    """29 visits say nothing of a conversion, 30 begin to; 9 orders nothing of an average order."""
    for visits, enough in ((29, False), (30, True)):
        found = values(facts(f"Date,Sessions,Orders\n2026-10-01,{visits},1"), "cr").total("cr")
        assert found.enough is enough
    for orders, enough in ((9, False), (10, True)):
        found = values(facts(f"Date,Orders,Revenue\n2026-10-01,{orders},900"), "aov").total("aov")
        assert found.enough is enough
