"""Measures are added first, then divided; what is missing stays missing."""

import sqlite3
from collections.abc import Iterator
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from kpi_core import catalogue
from kpi_core.facts import combine
from kpi_core.formula import parse
from kpi_core.kpis import Evaluation, Settings
from kpi_core.model import Unit
from tests.core.small import by_slice, codes, daily, facts, value, values

# --- ratio of sums


def test_a_rate_is_the_ratio_of_sums_not_the_mean_of_rates() -> None:
    """10 of 100 and 1 of 900 are 11 of 1000; the mean of 10 % and 0.1 % would be 5.06 %."""
    assert value(facts(daily("Sessions,Orders", rows={1: (100, 10), 2: (900, 1)})), "cr") == 0.011


def test_a_measure_nobody_reports_makes_the_value_missing_not_zero() -> None:
    found = values(facts(daily("Sessions", rows={1: (100,)})), "cr").total("cr")
    assert (found.value, found.missing) == (None, ("orders",))


def test_a_reported_zero_is_zero() -> None:
    assert value(facts(daily("Sessions,Orders", rows={1: (100, 0)})), "cr") == 0


def test_a_division_by_zero_is_undefined() -> None:
    found = values(facts(daily("Cost,Orders", rows={1: (100, 0)})), "cpo").total("cpo")
    assert (found.value, found.missing) == (None, ())


def test_an_empty_cell_is_no_zero() -> None:
    """Sessions of the 2nd are unknown: 30 orders of 100 sessions would be too good."""
    table = facts(daily("Sessions,Orders", rows={1: (100, 10), 2: ("", 20)}))
    days = by_slice(table, "cr", "day")
    assert (days["2026-10-01"], days["2026-10-02"]) == (0.1, None)


# --- money


def test_money_of_two_currencies_is_not_divided() -> None:
    euros = daily('"Cost, EUR"', rows={1: (100,)})
    roubles = daily('Channel,"Revenue, RUB"', rows={1: ("organic", 5000)})
    found = values(facts(euros, roubles), "roas", "romi_revenue")
    assert [row.value for row in found.rows] == [None, None]
    assert "currencies_differ" in codes(found)


def test_money_keeps_its_currency() -> None:
    found = values(facts(daily('"Cost, EUR",Clicks', rows={1: (100, 50)})), "cpc").total("cpc")
    assert (found.value, found.currency, found.unit) == (2, "EUR", Unit.MONEY)


def test_money_per_money_has_no_currency() -> None:
    sold = facts(daily('"Cost, EUR","Revenue, EUR"', rows={1: (100, 250)}))
    found = values(sold, "roas").total("roas")
    assert (found.value, found.currency) == (Fraction(5, 2), None)


# --- one source

METRIKA = """
    "Дата визита","Источник трафика","Визиты","Отказы"
    "2026-10-01","Прямые заходы",200,0.25
"""
GA4 = """
    # Start date: 20261001
    # End date: 20261001
    Date,Sessions,Add to carts,Ecommerce purchases
    20261001,180,40,9
"""


def test_a_rate_of_one_system_is_made_of_its_own_figures() -> None:
    """10 orders of the shop, but 9 of 40 carts by GA4: 1 - 9/40."""
    orders = daily("Orders", rows={1: (10,)})
    found = values(facts(METRIKA, GA4, orders), "cart_abandonment", "cr")
    assert found.total("cart_abandonment").value == 1 - Fraction(9, 40)
    assert found.total("cart_abandonment").inputs["orders"].sources == ("ga4",)


def test_bounces_of_one_system_are_never_divided_by_visits_of_another() -> None:
    bounced = values(facts(METRIKA, GA4), "bounce_rate").total("bounce_rate")
    assert bounced.value == Fraction(1, 4)
    assert {given.sources for given in bounced.inputs.values()} == {("metrika",)}


# --- settings


def test_a_measure_stated_by_hand_overrules_the_file() -> None:
    table = facts(daily("Cost,Leads", rows={1: (1000, 10)}))
    assert value(table, "cpl") == 100
    assert value(table, "cpl", given={"leads": Fraction(20)}) == 50


def test_a_kpi_stated_by_hand_is_its_value() -> None:
    table = facts(daily("Cost,Leads", rows={1: (1000, 10)}))
    assert value(table, "cpl", given={"cpl": Fraction(450)}) == 450


def test_what_is_stated_has_no_interval() -> None:
    table = facts(daily("Sessions,Orders", rows={1: (1000, 10)}))
    assert values(table, "cr").total("cr").low is not None
    stated = values(table, "cr", settings=Settings(given={"orders": Fraction(10)}))
    assert stated.total("cr").low is None


def test_the_first_definition_that_can_be_computed_is_taken() -> None:
    kpi = catalogue.kpi("cr")
    table = facts(daily("Sessions,Leads", rows={1: (1000, 10)}))
    orders, leads = kpi.variants
    assert Evaluation(table, None).value(kpi).variant == leads.id
    wanted = Settings(variants={"cr": orders.id})
    assert Evaluation(table, None, settings=wanted).value(kpi).value is None


# --- intervals


def test_a_share_of_counts_has_wilsons_interval() -> None:
    found = values(facts(daily("Sessions,Orders", rows={1: (400, 10)})), "cr").total("cr")
    expected = binomtest(10, 400).proportion_ci(0.95, method="wilson")
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_the_rest_of_a_share_has_the_mirrored_interval() -> None:
    bought = facts(daily("Carts,Orders", rows={1: (100, 17)}))
    found = values(bought, "cart_abandonment").total("cart_abandonment")
    expected = binomtest(83, 100).proportion_ci(0.95, method="wilson")
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_money_per_order_has_an_interval_only_with_enough_days() -> None:
    few = {day: (100 + day, 10) for day in range(1, 11)}
    many = {day: (100 + day % 5, 10) for day in range(1, 31)}
    assert values(facts(daily("Cost,Orders", rows=few)), "cpo").total("cpo").low is None
    found = values(facts(daily("Cost,Orders", rows=many)), "cpo").total("cpo")
    assert found.low is not None
    assert found.high is not None
    assert found.low < 10.2 < found.high


def test_days_that_do_not_account_for_the_sum_give_no_interval() -> None:
    months = "\n".join(["Month,Cost"] + [f"2026-{month:02},100" for month in range(1, 11)])
    orders = "\n".join(["Month,Channel,Orders"] + [f"2026-{m:02},ppc,{m}" for m in range(1, 11)])
    assert values(facts(months, orders), "cpo").total("cpo").low is None


def test_a_count_is_what_it_is() -> None:
    found = values(facts(daily("Sessions", rows={1: (1000,)})), "sessions").total("sessions")
    assert (found.value, found.low, found.high) == (1000, None, None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("orders / carts", ("orders", "carts", False)),
        ("1 - orders/carts", ("orders", "carts", True)),
        (" 1-(orders / carts)", ("orders", "carts", True)),
        ("2 - orders / carts", None),
        ("orders / (carts + 1)", None),
        ("orders", None),
        ("(a - b) / b", None),
    ],
)
def test_a_formula_knows_whether_it_is_a_share(text: str, expected: object) -> None:
    assert parse(text.strip()).share == expected


# --- slices

cells = st.integers(0, 500)
tables = st.lists(
    st.tuples(
        st.integers(1, 28),
        st.sampled_from(["organic", "direct", "ppc", "email"]),
        st.integers(9, 10),
        cells,
        cells,
        st.integers(0, 10**6),
    ),
    min_size=1,
    max_size=25,
    unique_by=lambda row: row[:3],
)


def table_of(rows: list[tuple[int, str, int, int, int, int]]) -> str:
    lines = [
        f"2026-{month:02}-{day:02},{channel},{sessions},{orders},{kopecks / 100:.2f}"
        for day, channel, month, sessions, orders, kopecks in rows
    ]
    return "\n".join(["Date,Channel,Sessions,Orders,Cost", *lines])


@pytest.mark.parametrize("by", ["channel", "day", "week", "month"])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=tables)
def test_slices_add_up_to_the_total(
    by: str, rows: list[tuple[int, str, int, int, int, int]]
) -> None:
    made = facts(table_of(rows))
    for measure, column in (("sessions", 3), ("orders", 4)):
        found = by_slice(made, measure, by)
        total = found.pop("total")
        assert total == sum(row[column] for row in rows)
        assert sum(figure for figure in found.values() if figure is not None) == total
    cut = Evaluation(made, None, by)
    spent = [cut.input("spend", slice).value for slice in cut.slices()]
    assert sum(filter(None, spent)) == Fraction(sum(row[5] for row in rows), 100)


SQL = """
    select {slice}, 1.0 * sum(orders) / nullif(sum(sessions), 0),
           1.0 * sum(kopecks) / 100 / nullif(sum(orders), 0)
    from facts where month = 10 group by 1
"""


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    connection.execute("create table facts (day, channel, month, sessions, orders, kopecks)")
    yield connection
    connection.close()


@pytest.mark.parametrize(
    ("by", "column"),
    [
        (None, "'total'"),
        ("channel", "case channel when 'ppc' then 'paid_search' else channel end"),
        ("day", "printf('2026-10-%02d', day)"),
        ("month", "'2026-10'"),
    ],
)
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(rows=tables)
def test_kpis_are_what_plain_sql_says(
    database: sqlite3.Connection,
    by: str | None,
    column: str,
    rows: list[tuple[int, str, int, int, int, int]],
) -> None:
    database.execute("delete from facts")
    database.executemany("insert into facts values (?, ?, ?, ?, ?, ?)", rows)
    expected = {
        slice: (cr, cpo) for slice, cr, cpo in database.execute(SQL.format(slice=column)).fetchall()
    }
    found = values(facts(table_of(rows)), "cr", "cpo", period="2026-10", by=by)
    for slice, figures in expected.items():
        made = {row.kpi: row.value for row in found.rows if row.slice == slice}
        for kpi, figure in zip(("cr", "cpo"), figures, strict=True):
            got = made[kpi]
            no_share = kpi == "cr" and (figure or 0) > 1  # more orders than visits
            expected_figure = None if no_share else figure
            assert (None if got is None else float(got)) == pytest.approx(expected_figure), slice
    slices = {row.slice for row in found.rows} - {"total"}
    assert slices == (set(expected) if by else set())


def test_every_slice_is_read_by_the_definition_of_the_total() -> None:
    """The total counts orders; a channel that only has leads shows nothing instead."""
    rows = "2026-10-01,organic,100,5,\n2026-10-01,direct,100,,7"
    table = facts(f"Date,Channel,Sessions,Orders,Leads\n{rows}")
    assert by_slice(table, "cr", "channel") == {"total": 0.025, "organic": 0.05, "direct": None}


def test_without_files_every_kpi_is_missing_and_says_what_it_lacks() -> None:
    found = values(combine([]), *catalogue.kpis())
    assert all(row.value is None and row.missing for row in found.rows)
    assert found.findings == ()
