"""Customers of order logs: who ordered, came again, is new, stayed, and what cohorts brought."""

import csv
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi_core import catalogue
from kpi_core.facts import Facts, Hearing, combine
from kpi_core.ingest import read
from kpi_core.kpis import Evaluation, Settings
from kpi_core.model import Period, parse_period
from tests.core.small import by_slice, codes, facts, value, values

SHOP = Path(__file__).parents[2] / "sample_data" / "shop" / "orders.csv"
HEADER = (
    "Name,Email,Financial Status,Currency,Total,Created at,Lineitem quantity,Note Attributes,Tags"
)
# number, customer, day, amount
QUARTER = [
    (1, "anna", "2026-01-05", 100),
    (2, "boris", "2026-01-20", 200),
    (3, "anna", "2026-02-03", 300),
    (4, "clara", "2026-02-10", 100),
    (5, "clara", "2026-02-25", 100),
    (6, "", "2026-03-01", 500),
    (7, "anna", "2026-03-05", 50),
    (8, "dina", "2026-03-06", 70),
    (9, "clara", "2026-03-30", 40),
    (10, "egor", "2026-03-31", 60),
]
Row = tuple[int, str, str, float]


def log(
    rows: Sequence[Row],
    *,
    currency: str = "RUB",
    voided: Sequence[Row] = (),
    notes: dict[int, str] | None = None,
    tags: dict[int, str] | None = None,
) -> str:
    """Orders as Shopify exports them; `notes` and `tags` by number."""

    def line(row: Row, status: str) -> str:
        number, customer, day, amount = row
        who = f"{customer}@shop.test" if customer else ""
        extra = f"{(notes or {}).get(number, '')},{(tags or {}).get(number, '')}"
        return f"#{number},{who},{status},{currency},{amount},{day} 12:00:00 +0300,1,{extra}"

    return "\n".join(
        [HEADER, *(line(row, "paid") for row in rows), *(line(row, "voided") for row in voided)]
    )


def figures(loaded: Facts, period: str, *ids: str) -> list[float | None]:
    evaluation = Evaluation(loaded, parse_period(period))
    found = [evaluation.input(id).value for id in ids]
    return [None if figure is None else float(figure) for figure in found]


# --- a period


def test_customers_of_a_month_are_counted_by_hand() -> None:
    """March: Anna, Clara, Dina and Egor order once each; Anna and Clara did so in February."""
    loaded = facts(
        log(QUARTER, voided=[(11, "dina", "2026-03-08", 9), (12, "ida", "2026-03-09", 9)])
    )
    counted = {
        "customers": 4, "customer_orders": 4, "repeat_customers": 0, "first_customers": 2,
        "new_customers": 2, "returning_customers": 2, "customers_before": 2, "kept_customers": 2,
        "customers_ever": 5, "repeat_customers_ever": 2,
    }  # fmt: skip
    assert figures(loaded, "2026-03", *counted) == list(counted.values())


def test_the_rates_of_a_month_follow() -> None:
    loaded = facts(log(QUARTER))
    assert value(loaded, "rpr", "2026-02") == 1 / 2  # Clara of Anna and Clara
    assert value(loaded, "rpr", "2026-03", variants={"rpr": "ever"}) == 2 / 5
    assert value(loaded, "purchase_frequency", "2026-02") == 3 / 2
    assert value(loaded, "retention", "2026-03") == (4 - 2) / 2
    assert value(loaded, "retention", "2026-02", variants={"retention": "kept"}) == 1 / 2
    assert value(loaded, "new_share", "2026-03") == 2 / 4
    assert value(loaded, "returning_share", "2026-03") == 2 / 4


def test_months_are_counted_each_for_itself() -> None:
    """Anna orders in each of three months and is one customer in total."""
    loaded = facts(log(QUARTER))
    hearing = Hearing(loaded, None, "month")
    heard = {
        id: [
            hearing.figure("shopify", catalogue.measure(id), month)
            for month in ("2026-01", "2026-02", "2026-03")
        ]
        for id in ("customers", "first_customers", "kept_customers", "repeat_customers_ever")
    }
    assert heard == {
        "customers": [2, 2, 4],
        "first_customers": [None, 1, 2],
        "kept_customers": [None, 1, 2],
        "repeat_customers_ever": [0, 2, 2],
    }
    assert by_slice(loaded, "purchase_frequency", "month") == {
        "2026-01": 1, "2026-02": 3 / 2, "2026-03": 1, "total": 9 / 5,
    }  # fmt: skip


def test_a_month_tells_who_is_new_where_the_total_cannot() -> None:
    """Nobody knows who ordered before January, so January and the whole are left open."""
    assert by_slice(facts(log(QUARTER)), "new_share", "month") == {
        "2026-01": None, "2026-02": 1 / 2, "2026-03": 2 / 4, "total": None,
    }  # fmt: skip


def test_a_channel_has_its_own_customers() -> None:
    """Anna came by advertising first, and is a customer of both channels."""
    notes = dict.fromkeys((1, 4, 5, 8), "utm_medium: cpc")
    notes |= dict.fromkeys((2, 3, 6, 7, 9, 10), "utm_medium: organic")
    loaded = facts(log(QUARTER, notes=notes))
    assert by_slice(loaded, "purchase_frequency", "channel") == {
        "paid_search": 4 / 3, "organic": 5 / 4, "total": 9 / 5,
    }  # fmt: skip


# --- what is not claimed


def test_who_is_new_is_not_said_without_the_orders_before() -> None:
    found = values(facts(log(QUARTER)), "new_share", period="2026-01")
    assert found.total("new_share").value is None
    assert found.total("new_share").missing == ("first_customers",)
    assert "history_too_short" in codes(found)


def test_a_short_history_is_told_beside_the_figure() -> None:
    found = values(facts(log(QUARTER)), "new_share", period="2026-03")
    assert "new_since" in codes(found)


def test_nobody_is_kept_from_a_month_without_orders_in_the_files() -> None:
    found = values(facts(log(QUARTER)), "retention", period="2026-01")
    assert found.total("retention").value is None
    assert "days_before_missing" in codes(found)


def test_orders_without_a_customer_are_left_out_and_told() -> None:
    found = values(facts(log(QUARTER)), "purchase_frequency", period="2026-03")
    told = next(f for f in found.findings if f.code == "orders_without_customer")
    assert told.values == {"n": 1, "all": 5}


def test_too_many_orders_without_a_customer_leave_no_figure() -> None:
    """Two of six orders of March have none: a third, where a fifth is the most."""
    loaded = facts(log([*QUARTER, (13, "", "2026-03-02", 5)]))
    found = values(loaded, "purchase_frequency", period="2026-03")
    assert found.total("purchase_frequency").value is None
    assert "customers_unknown" in codes(found)
    assert value(loaded, "purchase_frequency", "2026-02") == 3 / 2


def test_a_file_that_names_nobody_counts_nobody() -> None:
    nameless = [(number, "", day, amount) for number, _, day, amount in QUARTER]
    assert figures(facts(log(nameless)), "2026-03", "customers", "orders") == [None, 5]


# --- several files


def test_a_customer_of_two_files_is_one() -> None:
    first, second = log(QUARTER[:5]), log(QUARTER[5:])
    both, whole = facts(first, second), facts(log(QUARTER))
    ids = ("customers", "kept_customers", "first_customers", "customers_ever")
    assert figures(both, "2026-03", *ids) == figures(whole, "2026-03", *ids)


def test_an_order_of_two_files_counts_once_and_keeps_its_customer() -> None:
    again = [(number, "", day, amount) for number, _, day, amount in QUARTER]
    both = facts(log(QUARTER), log(again))
    assert figures(both, "2026-03", "customers", "customer_orders") == [4, 4]


def test_customers_of_two_shops_are_not_added() -> None:
    other = """
        Order,Date,Status,Customer,Customer type,N. Revenue,Items sold
        501,2026-03-05 10:00:00,completed,Anna,new,100,1
    """
    evaluation = Evaluation(facts(log(QUARTER), other), parse_period("2026-03"))
    assert evaluation.input("customers").sources == ("shopify",)


def test_new_customers_that_a_shop_states_are_believed() -> None:
    """The shop calls one order of March new; by the log two customers are."""
    tags = dict.fromkeys(range(1, 11), "returning") | {8: "new"}
    loaded = facts(log(QUARTER, tags=tags))
    assert figures(loaded, "2026-03", "new_customers", "first_customers") == [1, 2]


# --- cohorts

COHORT = [
    (1, "old", "2025-12-01", 10),
    (2, "anna", "2026-01-05", 100),
    (3, "boris", "2026-01-20", 200),
    (4, "anna", "2026-02-03", 300),
    (5, "clara", "2026-03-10", 400),
    (6, "anna", "2026-04-04", 11),  # the 90th day
    (7, "anna", "2026-04-05", 1000),  # the 91st
    (8, "old", "2026-05-31", 10),
]
REVENUE = {"ltv": "revenue_90"}


def test_what_a_cohort_brought_by_an_age() -> None:
    """April: Anna (100 + 300 + 11) and Boris (200) complete their first 90 days."""
    loaded = facts(log(COHORT))
    assert figures(loaded, "2026-04", "ltv_customers_90", "ltv_revenue_90") == [2, 611]
    assert value(loaded, "ltv", "2026-04", variants=REVENUE) == 305.5
    half = {"margin_rate": Fraction(1, 2)}
    by_margin = {"ltv": "margin_rate_90"}
    assert value(loaded, "ltv", "2026-04", assumptions=half, variants=by_margin) == 305.5 / 2


def test_a_young_cohort_is_never_filled_in() -> None:
    """Clara completes 90 days on 7 June, and the orders end in May."""
    found = values(facts(log(COHORT)), "ltv", period="2026-06", settings=Settings(variants=REVENUE))
    assert found.total("ltv").value is None
    loaded = facts(log(COHORT))
    assert figures(loaded, "2025-12-01..2026-05-31", "ltv_customers_90") == [None]
    assert Evaluation(loaded, None).input("ltv_customers_90").value == 2


def test_customers_of_the_first_days_of_a_log_are_no_cohort() -> None:
    """Whether the oldest customer is new, nobody knows."""
    found = values(facts(log(COHORT)), "ltv", period="2026-02", settings=Settings(variants=REVENUE))
    assert found.total("ltv").value is None
    assert "cohort_not_observed" in codes(found)


def test_money_of_a_cohort_is_exchanged_like_any_money() -> None:
    loaded = facts(log(COHORT, currency="USD"))
    money = values(
        loaded, "ltv", period="2026-04",
        settings=Settings(variants=REVENUE, currency="RUB", rates={"USD": Fraction(80)}),
    ).total("ltv")  # fmt: skip
    assert (money.value, money.currency) == (Fraction(611 * 80, 2), "RUB")


def test_money_of_two_currencies_is_not_added() -> None:
    dollars = log([COHORT[3]], currency="USD")
    loaded = facts(log([*COHORT[:3], *COHORT[4:]]), dollars)
    found = values(loaded, "ltv", period="2026-04", settings=Settings(variants=REVENUE))
    assert found.total("ltv").value is None
    assert "currencies_differ" in codes(found)


# --- an oracle

DAYS = [date(2026, 1, 1) + timedelta(n) for n in range(151)]  # to the end of May
Order = tuple[date, str, int]


def expected(orders: list[Order], period: Period, age: int) -> dict[str, float]:
    """The same counts by plain loops."""
    by_customer: dict[str, list[Order]] = {}
    for order in sorted(orders, key=lambda order: order[0]):
        by_customer.setdefault(order[1], []).append(order)
    told: Counter[str] = Counter()
    earlier = period.before()
    for own in by_customer.values():
        days = [day for day, *_ in own]
        now = sum(period.has(day) for day in days)
        before = any(earlier.has(day) for day in days)
        so_far = sum(day <= period.last for day in days)
        told["customers"] += now > 0
        told["customer_orders"] += now
        told["repeat_customers"] += now > 1
        told["first_customers"] += period.has(days[0])
        told["returning_customers"] += now > 0 and days[0] < period.first
        told["customers_before"] += before
        told["kept_customers"] += before and now > 0
        told["customers_ever"] += so_far > 0
        told["repeat_customers_ever"] += so_far > 1
        done = days[0] + timedelta(age - 1)
        if period.has(done):
            told[f"ltv_customers_{age}"] += 1
            told[f"ltv_revenue_{age}"] += sum(paid for day, _, paid in own if day <= done)
    return dict(told)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(DAYS), st.sampled_from("abcdefg"), st.integers(1, 500)),
        min_size=1, max_size=40,
    ),
    st.sampled_from(["2026-02", "2026-04", "2026-05", "2026-03-10..2026-04-20"]),
)  # fmt: skip
def test_counts_are_those_of_a_plain_loop(orders: list[Order], asked: str) -> None:
    edges = [(DAYS[0], "edge", 1), (DAYS[-1], "edge", 1)]
    every = [*orders, *edges]
    rows = [(n, who, str(day), paid) for n, (day, who, paid) in enumerate(every, start=1)]
    loaded = facts(log(rows))
    wanted = expected(every, parse_period(asked), 90)
    if asked != "2026-05":  # the cohort of another period is not wholly observed
        wanted.pop("ltv_customers_90", None)
        wanted.pop("ltv_revenue_90", None)
    assert figures(loaded, asked, *wanted) == list(wanted.values())


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(DAYS), st.sampled_from("abcdefg"), st.integers(1, 500)),
        min_size=1, max_size=40,
    ),
)  # fmt: skip
def test_each_month_is_what_it_is_when_asked_for_alone(orders: list[Order]) -> None:
    every = [*orders, (DAYS[0], "edge", 1), (DAYS[-1], "edge", 1)]
    rows = [(n, who, str(day), paid) for n, (day, who, paid) in enumerate(every, start=1)]
    loaded = facts(log(rows))
    for kpi in ("rpr", "retention", "new_share", "purchase_frequency"):
        cut = by_slice(loaded, kpi, "month")
        for month in ("2026-02", "2026-03", "2026-04", "2026-05"):
            alone = value(
                loaded, kpi, month, variants={"rpr": "period", "retention": "end_less_new"}
            )
            assert cut.get(month, alone) == alone  # a month without orders is no slice


# --- the sample


@pytest.fixture(scope="module")
def shop() -> Facts:
    return combine([read(SHOP.name, SHOP.read_bytes())])


def test_the_sample_shop_knows_its_customers(shop: Facts) -> None:
    """Counted again with nothing but the csv module."""
    with SHOP.open(encoding="utf-8-sig", newline="") as file:
        lines = [row for row in csv.DictReader(file) if row["Financial Status"]]
    orders = [
        (datetime.fromisoformat(row["Created at"][:10]).date(), row["Email"], 0)
        for row in lines
        if row["Financial Status"] != "voided" and not row["Cancelled at"] and row["Email"]
    ]
    wanted = expected(orders, parse_period("2026-10"), 90)
    del wanted["ltv_revenue_90"]
    assert figures(shop, "2026-10", *wanted) == list(wanted.values())
    assert wanted["customers"] > 500


def test_every_figure_about_customers_comes_out_for_the_sample_shop(shop: Facts) -> None:
    ids = ("rpr", "retention", "purchase_frequency", "returning_share", "new_share")
    found = values(shop, *ids, period="2026-10")
    assert all(found.total(id).value for id in ids)
    margin = {"margin_rate": Fraction(3, 10)}
    assert value(shop, "ltv", "2026-10", assumptions=margin, variants={"ltv": "margin_rate_180"})
    # Nobody is a customer for a year yet, and no other age or money stands in for that.
    assert value(shop, "ltv", "2026-10", assumptions=margin) is None
