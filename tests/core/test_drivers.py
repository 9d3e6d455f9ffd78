"""What if: exact where nothing moves, and by hand where something does."""

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpi_core import catalogue, words
from kpi_core.drivers import Lever, Model, calibrate, parse_lever, parse_move, project
from kpi_core.errors import UsageError
from kpi_core.facts import Facts, combine
from kpi_core.ingest import read
from kpi_core.kpis import Evaluation, Settings, Values, kpi_values
from kpi_core.model import Period, parse_period
from kpi_core.plan import default_plan
from tests.core.small import daily, facts, values

SAMPLES = Path(__file__).parents[2] / "sample_data"
each_business = pytest.mark.parametrize("business", catalogue.businesses())


@cache
def sample(business: str) -> Facts:
    paths = sorted(path for path in (SAMPLES / business).iterdir() if path.suffix != ".py")
    return combine([read(path.name, path.read_bytes()) for path in paths])


def calibrated(
    made: Facts, business: str, period: Period | None = None, settings: Settings | None = None
) -> Model:
    return calibrate(Evaluation(made, period, settings=settings), catalogue.business(business))


# --- nothing moved


@each_business
@pytest.mark.parametrize("period", ["2026-10", "2026-02", None])
def test_with_no_lever_moved_every_figure_comes_back_exactly(
    business: str, period: str | None
) -> None:
    asked = parse_period(period) if period else None
    settings = default_plan(business).settings()
    model = calibrated(sample(business), business, asked, settings)
    rebuilt = model.rebuilt({})
    assert model.measures
    assert {id: rebuilt[id] for id in model.measures} == dict(model.measures)
    found = kpi_values(sample(business), catalogue.business(business), asked, settings=settings)
    again = project(model, {}, found)
    assert [row.value for row in again.rows] == [row.value for row in found.rows]
    assert [row.inputs for row in again.rows] == [row.inputs for row in found.rows]


@each_business
def test_a_measure_without_data_stays_unknown(business: str) -> None:
    assert calibrated(combine([]), business).rebuilt({}) == {}


COUNTS = st.dictionaries(
    st.sampled_from([id for id, made in catalogue.measures().items() if not made.part_of]),
    st.integers(0, 10**6),
    max_size=12,
)


@each_business
@given(given_=COUNTS)
def test_whatever_is_known_comes_back_exactly(business: str, given_: dict[str, int]) -> None:
    settings = Settings(given={id: Fraction(figure) for id, figure in given_.items()})
    model = calibrated(combine([]), business, settings=settings)
    rebuilt = model.rebuilt({})
    assert all(rebuilt[id] == figure for id, figure in model.measures.items())


# --- one lever, by hand

SHOP = "\n".join(
    [
        "Date,Channel,Cost,Clicks,Sessions,Carts,Orders,Revenue,New customers",
        "2026-10-01,ppc,1000,200,160,,4,8000,1",
        "2026-10-01,organic,,,840,,16,32000,4",
    ]
)


def moved(
    levers: Mapping[str, Lever], *kpis: str, settings: Settings | None = None
) -> tuple[Values, dict[str, Fraction | None]]:
    made = facts(SHOP)
    model = calibrated(made, "shop", settings=settings)
    found = values(made, *kpis, settings=settings)
    return project(model, levers, found), model.rebuilt(levers)


def test_a_tenth_more_spend_brings_a_tenth_more_paid_visits_and_their_orders() -> None:
    """200 clicks at 5.00, 0.8 visits a click, 840 other visits, 2 % of visits order, for 2000 each.

    1100 buys 220 clicks: 176 + 840 = 1016 visits, 20.32 orders, 40 640 of revenue.
    """
    tenth = {"spend": Lever(by=Fraction(1, 10))}
    result, measures = moved(tenth, "cpo", "roas", "cr", "aov", "cpc", "cac", "sessions")
    assert measures["clicks"] == 220
    assert measures["paid_sessions"] == 176
    assert measures["sessions"] == 1016
    assert measures["orders"] == Fraction("20.32")
    assert measures["revenue"] == 40640
    assert result.total("cpo").value == Fraction(1100) / Fraction("20.32")
    assert result.total("roas").value == Fraction(40640, 1100)
    assert result.total("cac").value == Fraction(1100) / Fraction("5.08")
    unmoved = {"cr": Fraction(1, 50), "aov": 2000, "cpc": 5}
    assert {id: result.total(id).value for id in unmoved} == unmoved


def test_dearer_clicks_bring_fewer_visits_for_the_same_money() -> None:
    """At 10.00 a click 1000 buys 100 clicks: 80 + 840 = 920 visits, 18.4 orders."""
    result, measures = moved({"cpc": Lever(to=Fraction(10))}, "cpo", "cpc")
    assert (measures["spend"], measures["clicks"], measures["orders"]) == (
        1000, 100, Fraction("18.4")
    )  # fmt: skip
    assert result.total("cpc").value == 10


def test_a_better_conversion_moves_orders_and_what_hangs_on_them_only() -> None:
    """3 % of 1000 visits are 30 orders, 60 000 of revenue."""
    result, measures = moved({"cr": Lever(to=Fraction(3, 100))}, "cpo", "cr", "sessions")
    assert (measures["orders"], measures["revenue"], measures["sessions"]) == (30, 60000, 1000)
    assert result.total("cpo").value == Fraction(1000, 30)


def test_no_spend_leaves_the_other_visits() -> None:
    _, measures = moved({"spend": Lever(by=Fraction(-1))})
    assert (measures["sessions"], measures["clicks"]) == (840, 0)


def test_levers_work_together() -> None:
    """1100 at 10.00 a click: 110 clicks, 88 + 840 = 928 visits."""
    _, measures = moved({"spend": Lever(by=Fraction(1, 10)), "cpc": Lever(by=Fraction(1))})
    assert measures["sessions"] == 928


def test_an_assumed_margin_can_be_moved() -> None:
    """(40 000 x 0.4 - 1000) / 1000 = 15."""
    assumed = Settings(assumptions={"margin_rate": Fraction(3, 10)})
    lever = {"margin_rate": Lever(to=Fraction(4, 10))}
    result, _ = moved(lever, "romi", settings=assumed)
    assert result.total("romi").value == 15


def test_a_figure_of_another_source_moves_by_the_same_factor() -> None:
    """The shop has 20 orders, GA4 saw 18 of 60 carts: +10 % orders are 19.8 of 60."""
    ga4 = (
        "# Start date: 20261001\n# End date: 20261001\n"
        "Date,Add to carts,Ecommerce purchases\n20261001,60,18"
    )
    made = facts(SHOP, ga4)
    model = calibrated(made, "shop")
    found = values(made, "cart_abandonment")
    result = project(model, {"cr": Lever(by=Fraction(1, 10))}, found)
    assert result.total("cart_abandonment").value == 1 - Fraction("19.8") / 60


def test_a_projected_value_has_no_interval_of_the_past() -> None:
    result, _ = moved({"cr": Lever(by=Fraction(1, 10))}, "cr")
    assert (result.total("cr").low, result.total("cr").high) == (None, None)


def test_a_kpi_stated_by_hand_is_not_moved() -> None:
    settings = Settings(given={"cpo": Fraction(70)})
    result, _ = moved({"cr": Lever(by=Fraction(1, 10))}, "cpo", settings=settings)
    assert result.total("cpo").value == 70


# --- drivers the data do not tell


def test_a_driver_without_data_can_be_set_but_not_moved_by_a_share() -> None:
    made = facts(daily("Sessions,Orders", rows={1: (1000, 20)}))
    model = calibrated(made, "shop")
    with pytest.raises(UsageError, match="data do not show it"):
        model.rebuilt({"spend": Lever(by=Fraction(1, 10))})
    result = project(model, {"spend": Lever(to=Fraction(500))}, values(made, "cpo"))
    assert result.total("cpo").value == 25
    assert result.total("cpo").missing == ()


def test_a_value_that_was_withheld_stays_withheld() -> None:
    """Euros are not divided by roubles, whatever is moved."""
    made = facts(
        daily('"Cost, EUR"', rows={1: (100,)}),
        daily('Channel,"Revenue, RUB"', rows={1: ("ppc", 9)}),
    )
    model = calibrated(made, "shop")
    result = project(model, {"spend": Lever(by=Fraction(1, 10))}, values(made, "roas"))
    assert result.total("roas").value is None


def test_a_month_of_orders_makes_no_rate_of_a_year_of_visits() -> None:
    year = "\n".join(["Month,Sessions"] + [f"2026-{month:02},1000" for month in range(1, 11)])
    model = calibrated(facts(year, daily("Orders", rows={1: (50,)})), "shop")
    assert (model.drivers["cr"], model.measures) == (None, {"sessions": 10_000})


# --- channels

TWO = "\n".join(
    [
        "Date,Channel,Cost,Clicks,Sessions,Orders,Revenue",
        "2026-10-01,ppc,1000,200,160,8,16000",
        "2026-10-01,paid_social,100,50,40,4,4000",
        "2026-10-01,organic,,,800,8,20000",
    ]
)


def of_channels(levers: Mapping[str, Lever], e: Fraction = Fraction(1)) -> dict[str, Any]:
    """Drivers and measures of the table above; measures go before drivers of the same name."""
    model = replace(calibrated(facts(TWO), "shop"), elasticity=e)
    return {**model.moved_drivers(levers), **model.rebuilt(levers)}


def by(share: str) -> Lever:
    return Lever(by=Fraction(share))


def to(value: str) -> Lever:
    return Lever(to=Fraction(value))


@each_business
def test_of_every_channel_a_lever_put_where_it_stands_changes_nothing(business: str) -> None:
    settings = default_plan(business).settings()
    model = calibrated(sample(business), business, parse_period("2026-10"), settings)
    assert len(model.channels) > 5
    still = model.rebuilt({}), model.moved_drivers({})
    for channel, tree in model.channels.items():
        told = {f"{id}@{channel}": Lever(to=v) for id, v in tree.drivers.items() if v is not None}
        assert told
        assert model.rebuilt(told) == still[0]
        assert {id: model.moved_drivers(told)[id] for id in still[1]} == still[1]


@each_business
def test_what_a_channel_tells_of_itself_comes_back_exactly(business: str) -> None:
    settings = default_plan(business).settings()
    model = calibrated(sample(business), business, parse_period("2026-10"), settings)
    for channel, tree in model.channels.items():
        drivers = model.of_channel(tree, model.drivers)
        rebuilt = model.consequences(tree, drivers, model.beside[channel])
        for id, figure in tree.measures.items():
            assert rebuilt.get(id, figure) == figure


def test_a_better_conversion_of_one_channel_adds_just_its_orders() -> None:
    """8 of 160 visits order there; with half more 4 orders of 2000 come to 20 of 40 000."""
    found = of_channels({"cr@paid_search": by("1/2")})
    assert (found["orders"], found["revenue"], found["sessions"]) == (24, 48000, 1000)
    assert found["cr"] == Fraction(24, 1000)
    assert found["aov"] == 2000


def test_spend_of_a_channel_buys_at_the_price_of_that_channel() -> None:
    """500 more at 5.00: 100 clicks, 80 visits, of which 5 % order for 2000 each."""
    found = of_channels({"spend@paid_search": by("1/2")})
    assert (found["spend"], found["clicks"], found["sessions"]) == (1600, 350, 1080)
    assert (found["orders"], found["revenue"]) == (24, 48000)


def test_levers_of_channels_come_on_top_of_those_of_the_total() -> None:
    """Twice the conversion everywhere: 40 orders; and half more of the 16 of one channel."""
    found = of_channels({"cr": by("1"), "cr@paid_search": by("1/2")})
    assert found["orders"] == 48


def test_no_spend_of_the_only_channels_that_spend_leaves_the_other_visits() -> None:
    found = of_channels({"spend@paid_search": to("0"), "spend@paid_social": to("0")})
    assert (found["spend"], found["clicks"], found["sessions"], found["orders"]) == (0, 0, 800, 8)


def test_a_moved_budget_keeps_its_sum() -> None:
    """200 at 5.00 are 40 clicks, 32 visits, 1.6 orders; at 2.00 100 clicks, 80 visits, 8 orders."""
    found = of_channels({"budget@paid_search:paid_social": to("200")})
    assert (found["spend"], found["clicks"], found["sessions"]) == (1100, 310, 1048)
    assert found["orders"] == 20 - Fraction("1.6") + 8
    assert found == of_channels({"budget@paid_search:paid_social": by("1/5")}) | {
        "budget@paid_search:paid_social": 200
    }


def test_with_less_than_full_elasticity_clicks_get_dearer() -> None:
    """Four times the spend at an elasticity of one half is twice the clicks, in every channel."""
    found = of_channels({"spend": by("3")}, Fraction(1, 2))
    assert (found["clicks"], found["sessions"], found["cpc"]) == (500, 1200, Fraction(4400, 500))
    found = of_channels({"spend@paid_search": by("3")}, Fraction(1, 2))
    assert (found["clicks"], found["sessions"]) == (450, 1160)


@given(e=st.fractions(Fraction(1, 100), 1))
def test_at_its_base_the_elasticity_does_not_matter(e: Fraction) -> None:
    assert of_channels({"cr": by("1/10")}, e) == of_channels({"cr": by("1/10")})


@pytest.mark.parametrize("e", [Fraction(0), Fraction(-1), Fraction(11, 10)])
def test_an_elasticity_that_is_none_is_refused(e: Fraction) -> None:
    with pytest.raises(UsageError, match="above 0 and at most 1"):
        of_channels({}, e)


def test_a_rate_that_no_channel_tells_is_that_of_the_total() -> None:
    """Visits by channel, orders only in total: 10 % more of 160 visits are 0.32 orders of 2 %."""
    visits = "Date,Channel,Sessions\n2026-10-01,ppc,160\n2026-10-01,organic,840"
    model = calibrated(facts(visits, daily("Orders", rows={1: (20,)})), "shop")
    assert "cr" in model.borrowed("paid_search")
    measures = model.rebuilt({"other_sessions@paid_search": by("1/10")})
    assert measures["orders"] == Fraction("20.32")
    with pytest.raises(UsageError, match="only in total"):
        model.rebuilt({"cr@paid_search": by("1/10")})


def test_new_spend_comes_on_top_of_visits_that_nobody_paid_for_as_far_as_told() -> None:
    """100 at a stated 2.00 are 50 clicks of 0.8 visits: beside the 800, not in their place."""
    found = of_channels({"budget@paid_search:organic": to("100"), "cpc@organic": to("2")})
    assert found["clicks"] == 250 - 20 + 50
    assert found["sessions"] == 1000 - 16 + 40


def test_visits_of_paid_channels_without_spend_are_counted_once() -> None:
    """160 visits of advertising that no file prices, 840 others: a tenth more of 160 are 1016."""
    table = "Date,Channel,Sessions,Orders\n2026-10-01,ppc,160,8\n2026-10-01,organic,840,12"
    model = calibrated(facts(table), "shop")
    assert (model.rebuilt({})["sessions"], model.measures["paid_sessions"]) == (1000, 160)
    measures = model.rebuilt({"other_sessions@paid_search": by("1/10")})
    assert (measures["sessions"], measures["orders"]) == (1016, Fraction("20.8"))


def test_leads_of_no_visit_can_still_be_won() -> None:
    """The CRM knows of a channel without visits: 4 leads, of which 2 are won, then 3."""
    table = "Date,Channel,Sessions,Leads,Deals won\n2026-10-01,ppc,100,6,1\n2026-10-01,other,,4,2"
    model = calibrated(facts(table), "corporate")
    assert model.rebuilt({"win_rate@other": by("1/2")})["deals_won"] == 4


@pytest.mark.parametrize(
    ("levers", "said"),
    [
        ({"cr@pay_search": by("1")}, "Did you mean 'paid_search'"),
        ({"crr@paid_social": by("1")}, "Did you mean 'cr'"),
        ({"spend@organic": by("1")}, "cannot be moved by a percentage"),
        ({"budget@organic:paid_social": to("5")}, "nothing to move"),
        ({"budget@paid_social:paid_social": to("5")}, "nothing to move"),
        ({"budget@paid_social:nowhere": to("5")}, "no such channel"),
        ({"budget@paid_social:organic": to("5")}, "what a click costs"),
        ({"budget@paid_social:paid_search": to("101")}, "more than is spent"),
        ({"budget@paid_social:paid_search": to("-1")}, "swap the channels"),
        ({"cr@paid_social": to("1.01")}, "above 1"),
        ({"cpc@paid_social": to("0")}, "division by zero"),
    ],
)
def test_what_a_channel_cannot_do_is_said(levers: dict[str, Lever], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        of_channels(levers)


def test_figures_of_two_currencies_are_known_to_be_so() -> None:
    made = facts(
        daily('"Cost, EUR"', rows={1: (100,)}),
        daily('Channel,"Revenue, RUB"', rows={1: ("ppc", 9)}),
    )
    assert calibrated(made, "shop").currencies == {"spend": "EUR", "revenue": "RUB"}


# --- steps

STEPS = daily(
    "Sessions,Product views,Carts,Checkouts,Orders,Revenue",
    rows={1: (1000, 400, 100, 50, 20, 2000)},
)


@pytest.mark.parametrize("step", ["view_rate", "cart_rate", "checkout_rate"])
def test_a_step_carries_the_orders(step: str) -> None:
    """A tenth more of those who get on: a tenth more orders and money; steps before it stay."""
    measures = calibrated(facts(STEPS), "shop").rebuilt({step: by("1/10")})
    assert (measures["orders"], measures["revenue"], measures["sessions"]) == (22, 2200, 1000)
    assert measures["product_views"] == (440 if step == "view_rate" else 400)
    assert measures["carts"] == (100 if step == "checkout_rate" else 110)
    assert measures["checkouts"] == 55


def test_steps_multiply_and_conversion_is_what_it_is_with_the_steps_as_they_are() -> None:
    """3 % of 1000 visits, with a tenth more views and twice the carts: 66 orders."""
    model = calibrated(facts(STEPS), "shop")
    levers = {"cr": to("0.03"), "view_rate": by("1/10"), "cart_rate": by("1")}
    assert model.rebuilt(levers)["orders"] == 66
    assert model.moved_drivers(levers)["cr"] == Fraction(66, 1000)


def test_a_step_that_nobody_counts_cannot_be_moved() -> None:
    model = calibrated(facts(daily("Sessions,Orders", rows={1: (100, 2)})), "shop")
    with pytest.raises(UsageError, match="data do not show it"):
        model.check({"cart_rate": by("1/10")})


def test_a_step_of_two_systems_moves_by_a_share_and_to_no_number() -> None:
    """GA4 saw 60 carts; the visits are of the table by hand: 60 / 1000 is a share of nothing."""
    ga4 = "# Start date: 20261001\n# End date: 20261001\nDate,Add to carts\n20261001,60"
    model = calibrated(facts(SHOP, ga4), "shop")
    assert model.apart == {"cart_rate": ("ga4", "table")}
    model.check({"cart_rate": by("1/10")})
    assert model.rebuilt({"cart_rate": by("1/10")})["orders"] == 22
    with pytest.raises(UsageError, match=r"different systems \(ga4, table\)"):
        model.check({"cart_rate": to("0.07")})


# --- levers as people write them


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("paid_search:email=10000", Lever(to=Fraction(10000))),
        ("paid_search:email=10%", Lever(by=Fraction(1, 10))),
        (" paid_search:email = +2,5 %", Lever(by=Fraction(1, 40))),
    ],
)
def test_a_budget_move_is_read_as_it_is_written(text: str, expected: Lever) -> None:
    assert parse_move(text) == ("budget@paid_search:email", expected)


@pytest.mark.parametrize("text", ["", "paid_search:email", "a:b=", "a:b=-5", "a:b=much"])
def test_an_unclear_budget_move_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="budget move"):
        parse_move(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cpc=+10%", ("cpc", Lever(by=Fraction(1, 10)))),
        ("cpc=-5 %", ("cpc", Lever(by=Fraction(-1, 20)))),
        (" cpc = +2,5% ", ("cpc", Lever(by=Fraction(1, 40)))),
        ("cpc=-100%", ("cpc", Lever(by=Fraction(-1)))),
        ("aov=4500", ("aov", Lever(to=Fraction(4500)))),
        ("aov=4\N{NO-BREAK SPACE}500,5", ("aov", Lever(to=Fraction("4500.5")))),
        ("cr=0,012", ("cr", Lever(to=Fraction("0.012")))),
    ],
)
def test_a_lever_is_read_as_it_is_written(text: str, expected: tuple[str, Lever]) -> None:
    assert parse_lever(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "", "cpc", "=5", "cpc=", "cpc=much", "cpc=-5", "cpc=-101%", "cpc=10%", "cpc=nan", "cpc=inf",
        "cpc=1e9", "cpc=1_000", "cpc=٣", "cpc=1,500", "cpc=+1%%", "cpc=" + "9" * 20,
    ],
)  # fmt: skip
def test_an_unclear_lever_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_lever(text)


def test_an_unknown_driver_is_refused_with_the_near_one() -> None:
    with pytest.raises(UsageError, match="Did you mean 'spend'"):
        moved({"spent": Lever(by=Fraction(1, 10))})


# --- advertising of which nothing comes

ADS = "Date,Channel,Cost,Clicks\n2026-10-01,ppc,1000,200"
ORDERS = daily("Orders", "Revenue", rows={1: (20, 40000)})


def doubts(*files: str, business: str = "shop", **given: int) -> list[tuple[str, str]]:
    """What the model finds, and where."""
    settings = Settings(given={id: Fraction(figure) for id, figure in given.items()})
    model = calibrated(facts(*files), business, settings=settings)
    return [(found.code, found.where) for found in model.findings]


@pytest.mark.parametrize(
    "visits",
    [
        [],
        ["Date,Sessions\n2026-10-01,1000"],
        ["Date,Channel,Sessions\n2026-10-01,organic,840\n2026-10-01,somewhere,160"],
    ],
    ids=["no visits", "visits without channels", "visits of no paid channel"],
)
def test_spend_that_moves_no_orders_is_told_of_once(visits: list[str]) -> None:
    """Without known visits from advertising 30 % less spend leaves all 20 orders."""
    measures = calibrated(facts(ADS, ORDERS, *visits), "shop").rebuilt({"spend": by("-3/10")})
    assert (measures["spend"], measures["orders"]) == (700, 20)
    assert doubts(ADS, ORDERS, *visits) == [("ads_without_visits", "spend")]


def test_visits_of_advertising_without_its_clicks_are_told_of_otherwise() -> None:
    """Nobody knows how many visits a rouble buys: 160 paid ones stay, whatever is spent."""
    given = {"spend": 1000, "sessions": 1000, "paid_sessions": 160, "orders": 20}
    assert doubts(**given) == [("ads_without_clicks", "spend")]
    assert doubts(**given, clicks=200) == []


def test_without_advertising_there_is_nothing_to_doubt() -> None:
    assert doubts(ORDERS, "Date,Sessions\n2026-10-01,1000") == []
    assert doubts(ORDERS, sessions=1000, spend=0, clicks=0) == []


def test_a_channel_with_clicks_and_no_visits_is_named() -> None:
    """Of two paid channels one tells its visits; a click of the other is 80 / 250 visits."""
    ads = "Date,Channel,Cost,Clicks\n2026-10-01,ppc,1000,200\n2026-10-01,paid_social,100,50"
    visits = "Date,Channel,Sessions\n2026-10-01,ppc,80\n2026-10-01,organic,840"
    assert doubts(ads, visits, ORDERS) == [
        ("ads_of_channel_without_visits", "spend@paid_social"),
    ]
    assert doubts(TWO) == []


def test_a_channel_that_costs_and_tells_no_clicks_is_named() -> None:
    """An invoice by channel: to stop paying it leaves all 20 orders."""
    ads = f"{ADS}\n2026-10-01,paid_social,500,"
    visits = "Date,Channel,Sessions\n2026-10-01,ppc,80\n2026-10-01,paid_social,40"
    model = calibrated(facts(ads, visits, ORDERS), "shop")
    assert model.rebuilt({"spend@paid_social": by("-1")})["orders"] == 20
    assert [found.where for found in model.findings] == ["spend@paid_social"]
    assert model.doubtful(["spend@paid_social"]) == model.findings
    assert model.doubtful(["budget@paid_search:paid_social"]) == model.findings
    assert model.doubtful(["spend@paid_search", "spend"]) == ()


def test_a_channel_whose_visits_count_as_unpaid_is_named() -> None:
    """Letters that are paid for: their visits are no visits of advertising, so spend moves none."""
    table = "\n".join(
        [
            "Date,Channel,Cost,Clicks,Sessions,Orders",
            "2026-10-01,ppc,1000,200,160,4",
            "2026-10-01,email,100,50,40,4",
        ]
    )
    model = calibrated(facts(table), "shop")
    assert model.rebuilt({"spend@email": by("-1")})["orders"] == 8
    assert [found.where for found in model.findings] == ["spend@email"]


def test_a_channel_is_called_by_its_name_and_a_file_with_its_sign_as_it_is() -> None:
    assert words.place("spend@paid_social", "en") == "Paid social"
    assert words.place("orders@2026.csv", "en") == "orders@2026.csv"


def test_only_levers_of_advertising_are_doubtful() -> None:
    model = calibrated(facts(ADS, ORDERS), "shop")
    for id in ("spend", "cpc", "spend@paid_search", "budget@paid_search:email"):
        assert model.doubtful([id, "aov"]) == model.findings
    assert model.doubtful(["aov", "cr@paid_search"]) == ()


@pytest.mark.parametrize(
    ("business", "where"), [("shop", []), ("corporate", []), ("portal", ["spend@paid_social"])]
)
def test_of_the_samples_only_the_portal_has_a_channel_of_unknown_visits(
    business: str, where: list[str]
) -> None:
    """Its analytics calls all advertising paid search, its advertising system paid social."""
    settings = default_plan(business).settings()
    model = calibrated(sample(business), business, parse_period("2026-10"), settings)
    assert [found.where for found in model.findings] == where
    for place in where:
        channel = model.channels[place.partition("@")[2]].measures
        assert channel["clicks"]
        assert channel.get("paid_sessions") is None
