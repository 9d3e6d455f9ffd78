"""What if: exact where nothing moves, and by hand where something does."""

from collections.abc import Mapping
from fractions import Fraction
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpi_core import catalogue
from kpi_core.drivers import Lever, Model, calibrate, parse_lever, project
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
    with pytest.raises(UsageError, match="data do not tell it"):
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


# --- levers as people write them


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
