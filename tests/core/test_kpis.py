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
from tests.core.small import by_slice, codes, daily, export, facts, value, values

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
    found = values(facts(euros, roubles), "roas", "drr")
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
    orders, leads = (variant for variant in kpi.variants if not variant.chosen)
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


def test_a_loyalty_index_has_the_interval_of_an_index() -> None:
    """60 promoters, 20 passives, 20 detractors: +40 %, and 23 to 54 % are plausible."""
    asked = facts(daily("Promoters,Detractors,NPS answers", rows={1: (60, 20, 100)}))
    found = values(asked, "nps").total("nps")
    assert found.value == Fraction(2, 5)
    assert (found.low, found.high) == pytest.approx((0.23, 0.54), abs=0.005)
    assert found.enough


def test_few_answers_are_not_enough_for_an_index() -> None:
    asked = facts(daily("Promoters,Detractors,NPS answers", rows={1: (12, 4, 20)}))
    assert not values(asked, "nps").total("nps").enough


def test_a_part_of_what_is_estimated_has_no_interval_of_tries() -> None:
    """Search volume is an estimate, not so many people asked."""
    tracked = facts(daily("Visible volume,Tracked volume", rows={1: (276, 2000)}))
    found = values(tracked, "search_visibility").total("search_visibility")
    assert (found.value, found.low) == (Fraction(276, 2000), None)


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


# --- advertising beside sales

ADS = """
    День,Кампания,Взвешенные показы,Показы,Клики,Расход
    01.10.2026,Brand Search,9,1000,10,100
    01.10.2026,Лето,9,1000,20,200
    02.10.2026,Brand Search,9,1000,10,100
    02.10.2026,Осень,9,1000,5,50
"""
SALES = """
    Date,utm_source,utm_medium,utm_campaign,Orders,"Revenue, RUB"
    2026-10-01,yandex,cpc,brand_search,2,1000
    2026-10-02,yandex,cpc,BRAND-SEARCH,1,400
    2026-10-02,yandex,cpc,лето,1,300
    2026-10-02,letter,email,winter,1,90
"""
CRM = """
    ID,Название сделки,Этап сделки,Дата создания сделки,Бюджет,utm_source,utm_medium,utm_campaign
    1,Дом,Успешно реализовано,01.10.2026,500,yandex,cpc,brand_search
    2,Дача,Новая заявка,02.10.2026,0,yandex,cpc,brand_search
    3,Баня,Новая заявка,02.10.2026,0,yandex,cpc,Лето
"""


def test_ads_meet_sales_by_campaign() -> None:
    """
    | campaign     | spend | orders | revenue | CPO         | ROAS                 |
    |--------------|-------|--------|---------|-------------|----------------------|
    | Brand Search | 200   | 3      | 1400    | 200 / 3     | 1400 / 200 = 7       |
    | Лето         | 200   | 1      | 300     | 200         | 300 / 200 = 1.5      |
    | Осень        | 50    | -      | -       | not known   | not known, never 0   |
    | winter       | -     | 1      | 90      | not known   | not known            |
    | total        | 450   | 5      | 1790    | 90          | 1790 / 450           |
    """
    both = facts(ADS, SALES)
    assert by_slice(both, "cpo", "campaign") == {
        "total": 90, "Brand Search": 200 / 3, "Лето": 200, "Осень": None, "winter": None
    }  # fmt: skip
    assert by_slice(both, "roas", "campaign") == {
        "total": 1790 / 450, "Brand Search": 7, "Лето": 1.5, "Осень": None, "winter": None
    }  # fmt: skip


def test_ads_meet_sales_by_channel_and_by_day() -> None:
    """Paid search: 450 of spend, 4 orders, 1 700; by day 300 and 2, 150 and 3."""
    both = facts(ADS, SALES)
    assert by_slice(both, "cpo", "channel") == {"total": 90, "paid_search": 112.5, "email": None}
    roas = by_slice(both, "roas", "channel")
    assert roas == {"total": 1790 / 450, "paid_search": 1700 / 450, "email": None}
    assert by_slice(both, "cpo", "day") == {"total": 90, "2026-10-01": 150, "2026-10-02": 50}


def test_a_campaign_without_sales_says_which_figure_it_lacks() -> None:
    found = values(facts(ADS, SALES), "roas", by="campaign").rows
    lacking = {row.slice: row.missing for row in found}
    assert (lacking["Осень"], lacking["winter"]) == (("revenue",), ("spend",))


def test_ads_meet_the_deals_of_a_crm_by_campaign() -> None:
    """Two leads for 200 and one for 200; autumn brought nobody that the CRM would know of."""
    assert by_slice(facts(ADS, CRM), "cpl", "campaign") == {
        "total": 150, "Brand Search": 100, "Лето": 200, "Осень": None
    }  # fmt: skip


# --- slices of time


def test_weeks_and_months_at_the_edge_of_the_period_are_marked() -> None:
    """October 2026 begins on a Thursday and ends on a Saturday."""
    days = facts(daily("Sessions", rows=dict.fromkeys(range(1, 32), (1,))))
    weeks = values(days, "sessions", period="2026-10", by="week")
    assert {row.slice: row.whole for row in weeks.rows} == {
        "total": True, "2026-09-28": False, "2026-10-05": True, "2026-10-12": True,
        "2026-10-19": True, "2026-10-26": False,
    }  # fmt: skip
    assert "slices_not_whole" in codes(weeks)
    months = values(days, "sessions", period="2026-10", by="month")
    assert all(row.whole for row in months.rows)
    assert codes(months) == set()


def test_a_week_that_a_file_ends_in_is_marked_though_the_period_goes_on() -> None:
    days = facts(daily("Sessions", rows=dict.fromkeys(range(5, 15), (1,))))
    weeks = values(days, "sessions", period="2026-10-05..2026-10-18", by="week")
    assert {row.slice: row.whole for row in weeks.rows} == {
        "total": True, "2026-10-05": True, "2026-10-12": False
    }  # fmt: skip


def test_a_channel_is_judged_by_the_days_on_which_its_visits_were_counted() -> None:
    """On the 3rd the counter was off: 3 orders of 300 visits are 1 %, not 4 of 300."""
    visits = daily("Channel,Sessions", rows=dict.fromkeys((1, 2, 4), ("organic", 100)))
    bought = daily("Channel,Orders", rows=dict.fromkeys((1, 2, 3, 4), ("organic", 1)))
    both = combine([export("v", visits), export("o", bought, source="shopify", sparse=True)])
    found = by_slice(both, "cr", "channel", "2026-10-01..2026-10-04")
    assert found == {"total": 0.01, "organic": 0.01}


def test_without_files_every_kpi_is_missing_and_says_what_it_lacks() -> None:
    found = values(combine([]), *catalogue.kpis())
    assert all(row.value is None and row.missing for row in found.rows)
    assert found.findings == ()
