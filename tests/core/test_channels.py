"""Channels and campaigns against hand-made tables and loops: sums, ratios, intervals, traffic."""

import json
from fractions import Fraction
from math import sqrt
from pathlib import Path

import numpy as np
import pytest
from scipy import stats as scipy_stats

from kpi_core import catalogue
from kpi_core.channels import Channels, Worth, by_slice, cuts
from kpi_core.cli import main
from kpi_core.facts import Facts
from kpi_core.kpis import Settings
from kpi_core.model import parse_period
from kpi_core.traffic import Verdict
from tests.core.small import facts

SHOP = catalogue.business("shop")
OCTOBER = parse_period("2026-10")
HALF = Settings(assumptions={"margin_rate": Fraction(1, 2)})

TABLE = """
    Date,Channel,Sessions,Orders,Revenue,Cost,Bounces,Pageviews
    2026-10-01,Paid search,1000,20,60000,10000,300,3000
    2026-10-02,Paid search,1000,20,40000,10000,300,3000
    2026-10-01,Paid social,500,2,5000,8000,200,1400
    2026-10-02,Paid social,500,3,5000,2000,200,1400
    2026-10-01,Organic search,2000,30,80000,,500,7000
    2026-10-02,Organic search,2000,25,70000,,500,7000
"""


def cut(of: Facts, by: str = "channel", settings: Settings = HALF) -> Channels:
    return by_slice(of, SHOP, OCTOBER, by, settings=settings, kpis=("cr", "cpo"))


def part(found: Channels, slice: str):
    return next(own for own in found.parts if own.slice == slice)


def days(revenues: dict[str, list[int]], spend: int = 100, orders: int = 5) -> Facts:
    lines = ["Date,Channel,Sessions,Orders,Revenue,Cost"]
    for channel, figures in revenues.items():
        for day, revenue in enumerate(figures, start=1):
            lines.append(f"2026-10-{day:02},{channel},100,{orders},{revenue},{spend + day}")
    return facts("\n".join(lines))


def test_a_table_added_up_by_hand():
    found = cut(facts(TABLE))
    search, social, organic = (part(found, id) for id in ("paid_search", "paid_social", "organic"))

    assert [own.slice for own in found.parts] == ["paid_search", "paid_social", "organic"]
    assert search.values["cpo"].value == 500  # 20 000 / 40
    assert search.returned.value == Fraction(3, 2)  # (100 000 / 2 - 20 000) / 20 000
    assert search.returned.variant == "margin_rate"
    assert search.shares["orders"] == Fraction(40, 100)
    assert search.worth is Worth.UNSURE  # two days tell no spread
    assert social.worth is Worth.NOT_ENOUGH  # five orders
    assert (organic.worth, organic.returned) == (Worth.NO_SPEND, None)
    assert found.total.values["cr"].value == Fraction(100, 7000)
    assert found.total.sums["revenue"].value == 260000
    assert (found.result, found.cost) == ("orders", "cpo")
    assert [own.slice for own in found.cheapest()] == ["paid_search"]


def test_a_return_rests_on_those_who_bought_not_on_many_leads():
    """200 leads, and two of them bought for 30 000: one buyer more would change everything."""
    sold = facts("""
        Date,Channel,Sessions,Leads,Orders,Revenue,Cost
        2026-10-01,Paid search,1000,100,1,15000,5000
        2026-10-02,Paid search,1000,100,1,15000,5000
    """)
    found = by_slice(sold, catalogue.business("corporate"), OCTOBER, "channel", settings=HALF)
    search = part(found, "paid_search")

    assert found.result == "leads"
    assert search.values["romi"].value == Fraction(1, 2)  # (30 000 / 2 - 10 000) / 10 000
    assert search.worth is Worth.NOT_ENOUGH


def test_parts_add_up_to_the_whole():
    found = cut(facts(TABLE))

    for id in found.measures:
        told = [own.sums[id].value for own in found.parts if own.sums[id].value is not None]
        assert sum(told) == found.total.sums[id].value
        assert sum(own.shares.get(id, 0) for own in found.parts) == 1
    assert "cut_not_whole" not in {finding.code for finding in found.findings}


def by_leaving_out(revenues: list[int], spend: int) -> tuple[float, float]:
    """The jackknife as its book says it, day by day."""
    costs = [spend + day for day in range(1, len(revenues) + 1)]

    def romi(kept: list[int]) -> float:
        brought, cost = (sum(series[day] for day in kept) for series in (revenues, costs))
        return (brought * 0.5 - cost) / cost

    every = list(range(len(revenues)))
    without = [romi([day for day in every if day != left]) for left in every]
    middle, n = sum(without) / len(without), len(without)
    error = sqrt((n - 1) / n * sum((one - middle) ** 2 for one in without))
    half = scipy_stats.t.ppf(0.975, n - 1) * error
    return romi(every) - half, romi(every) + half


def test_the_interval_of_a_part_is_that_of_its_own_days():
    rng = np.random.default_rng(7)
    told = {
        name: [int(one) for one in rng.integers(low, high, size=20)]
        for name, low, high in (("Paid search", 600, 900), ("Paid social", 40, 120))
    }
    found = cut(days(told))

    for name, slice in (("Paid search", "paid_search"), ("Paid social", "paid_social")):
        value = part(found, slice).returned
        assert (value.low, value.high) == pytest.approx(by_leaving_out(told[name], 100))
    assert part(found, "paid_search").worth is Worth.PAYS
    assert part(found, "paid_social").worth is Worth.LOSES


def test_a_return_on_revenue_is_never_what_channels_are_judged_by():
    chosen = Settings(assumptions=HALF.assumptions, variants={"romi": "revenue"})

    assert part(cut(facts(TABLE), settings=chosen), "paid_search").returned.variant == "margin_rate"
    assert cut(facts(TABLE), settings=Settings()).ranked() == ()  # no margin, no return
    assert part(cut(facts(TABLE), settings=Settings()), "paid_search").worth is Worth.NO_RETURN


def test_campaigns_with_spend_alone_have_no_return():
    by_day = "Date,Campaign,Cost\n2026-10-01,A,100\n2026-10-01,B,50"
    found = cut(facts(by_day), "campaign")

    assert [own.slice for own in found.parts] == ["A", "B"]  # the larger spend first
    assert found.total.sums["spend"].value == 150
    assert "romi" in found.untold


@pytest.fixture(scope="module")
def shop() -> Facts:
    from ui.state import sample_facts

    return sample_facts("shop")


def test_where_the_books_know_no_channels_another_system_is_heard_and_told(shop: Facts):
    found = cut(shop)

    assert found.total.sums["orders"].sources == ("ga4",)
    assert found.total.sums["sessions"].sources == ("ga4",)
    told = next(own for own in found.findings if own.code == "cut_by_other")
    assert (told.values["whole"], told.values["told"]) == (707, 697)
    assert found.total.sums["orders"].value == 697
    assert "Shopify" in told.text("en")


def test_an_owners_choice_of_a_source_binds(shop: Facts):
    found = cut(shop, settings=Settings(sources={"sales": "shopify"}))

    assert "orders" not in found.measures
    assert "cut_by_other" not in {own.code for own in found.findings}


def test_the_bots_of_july_are_found(shop: Facts):
    found = by_slice(shop, SHOP, parse_period("2026-07"), "channel", settings=HALF)

    empty = [own.visits.source for own in found.traffic if own.verdict is Verdict.EMPTY]
    assert empty == ["other"]


def test_results_where_no_visits_are_make_no_traffic_suspicious():
    visits = "Date,Channel,Sessions\n2026-10-01,Paid search,9000\n2026-10-01,Direct,9000"
    orders = "Date,Channel,Orders\n2026-10-01,Paid search,50\n2026-10-01,Referral,50"
    found = cut(facts(visits, orders))

    assert "cut_results_apart" in {own.code for own in found.findings}
    assert all(own.verdict is not Verdict.EMPTY for own in found.traffic)


def test_what_can_be_cut_is_offered():
    assert cuts(facts(TABLE)) == ("channel",)
    assert cuts(facts("Date,Sessions\n2026-10-01,5")) == ()


def test_the_command_line_says_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    file = tmp_path / "table.csv"
    file.write_text("\n".join(line.strip() for line in TABLE.strip().splitlines()), "utf-8")

    code = main(["channels", str(file), "--business", "shop", "--json", "--lang", "en"])
    answer = json.loads(capsys.readouterr().out)
    told = main(["channels", str(file), "--business", "shop", "--lang", "ru", "--by", "channel"])

    assert (code, told) == (0, 0)
    first = answer["parts"][0]
    romi = next(own for own in first["kpis"] if own["kpi"] == "romi")
    assert (first["slice"], romi["value"]) == ("paid_search", pytest.approx(0.5))  # 30 % margin
    assert "Реклама в поиске" in capsys.readouterr().out
