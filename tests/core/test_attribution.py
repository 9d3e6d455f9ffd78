"""Which lever did what: by hand for two levers, and for any levers parts that add up."""

from decimal import Decimal
from fractions import Fraction
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi_core import catalogue
from kpi_core.attribution import MOST, attribute, in_kopecks
from kpi_core.chain import Chain, chain
from kpi_core.drivers import Lever, calibrate
from kpi_core.errors import UsageError
from kpi_core.facts import Facts
from kpi_core.kpis import Evaluation, kpi_values
from kpi_core.model import parse_period
from kpi_core.plan import Plan
from tests.core.small import facts

OCTOBER = parse_period("2026-10")
TABLE = "\n".join(
    [
        "Date,Channel,Cost,Clicks,Sessions,Orders,Revenue",
        "2026-10-01,ppc,1000,200,160,8,16000",
        "2026-10-01,organic,,,840,12,24000",
        *(f"2026-10-{day:02},ppc,0,0,0,0,0" for day in range(2, 32)),
    ]
)
PLAN: dict[str, Any] = {
    "business": "shop",
    "currency": "RUB",
    "assumptions": {"margin_rate": "0.3"},
    "lines": [{"kpi": "orders", "target": 25, "weight": 1}],
    "scheme": {
        "kind": "product",
        "salary": "1000.00",
        "factors": [{"kpi": "orders", "target": 25}, {"kpi": "cpo", "target": 50}],
    },
}


def little(data: Facts | None = None) -> Chain:
    """200 clicks at 5.00 bring 160 visits of 1000; 20 orders of 2000; a margin of 30 %."""
    data, plan = data or facts(TABLE), Plan.model_validate(PLAN)
    business = catalogue.business("shop")
    values = kpi_values(data, business, OCTOBER, settings=plan.settings(), kpis=plan.shown_kpis())
    return chain(
        plan, values, calibrate(Evaluation(data, OCTOBER, settings=plan.settings()), business)
    )


OWN = little()


def by(share: str) -> Lever:
    return Lever(by=Fraction(share))


def near(parts: Any, **expected: float) -> bool:
    return {id: float(own) for id, own in parts.items()} == pytest.approx(expected, abs=1e-6)


def test_of_two_levers_each_gets_half_of_what_they_do_together() -> None:
    """A margin of 12 000: half more orders alone add 6000, a tenth dearer ones 1200, both 7800.

    So 600 come of both, and each gets 300 of it.
    """
    found = attribute(OWN, {"cr": by("1/2"), "aov": by("1/10")}, "profit_after_ads")
    assert near(found.parts, cr=6300, aov=1500)
    assert found.change == pytest.approx(7800)
    assert (found.errors, found.seed) == ({}, None)


def test_jumps_of_the_bonus_are_shared_by_the_same_rule() -> None:
    """A quarter more conversion pays 500 of 250, 30 % more visits 1000, both 1000.

    Conversion: (500 - 250 + 1000 - 1000) / 2; visits: (1000 - 250 + 1000 - 500) / 2.
    """
    found = attribute(OWN, {"cr": by("1/4"), "other_sessions": by("3/10")}, "bonus")
    assert near(found.parts, cr=125, other_sessions=625)
    assert (found.before, found.after) == (250, 1000)


def test_a_lever_that_does_nothing_gets_nothing() -> None:
    found = attribute(OWN, {"cr": by("1/2"), "ctr": Lever(to=Fraction(1, 10))}, "profit_after_ads")
    assert near(found.parts, cr=6000, ctr=0)


def test_the_stated_price_of_a_click_gets_nothing_of_what_the_money_does() -> None:
    """Without it the money could not be moved at all, so there is no order that puts it last."""
    levers = {
        "budget@paid_search:organic": Lever(to=Fraction(100)),
        "cpc@organic": Lever(to=Fraction(2)),
        "cr": by("1/10"),
    }
    found = attribute(OWN, levers, "kpis.orders")
    assert found.parts["cpc@organic"] == 0
    assert sum(found.parts.values()) == found.change
    assert list(found.parts) == list(levers)


def obvious(levers: dict[str, Lever], output: str) -> dict[str, float]:
    """The mean over all orders, one after the other."""
    found = dict.fromkeys(levers, 0.0)
    orders = list(permutations(levers))
    for order in orders:
        taken: dict[str, Any] = {}
        was = float(getattr(OWN.at({}), output))
        for id in order:
            taken[id] = float(OWN.model.position(id, levers[id]))
            now = float(getattr(OWN.at(taken), output))
            found[id] += (now - was) / len(orders)
            was = now
    return found


@settings(max_examples=25)
@given(
    shares=st.dictionaries(
        st.sampled_from([id for id in OWN.model.levers if OWN.model.base(id)]),
        st.sampled_from([Fraction(n, 20) for n in range(-10, 0)]),
        min_size=1,
        max_size=4,
    ),
    output=st.sampled_from(["bonus", "total", "profit_after_ads", "profit_after_pay"]),
)
def test_the_parts_add_up_and_are_the_mean_over_all_orders(
    shares: dict[str, Fraction], output: str
) -> None:
    levers = {id: Lever(by=share) for id, share in shares.items()}
    found = attribute(OWN, levers, output)
    assert sum(found.parts.values()) == found.change
    assert near(found.parts, **obvious(levers, output))


def test_the_order_in_which_levers_are_named_does_not_matter() -> None:
    levers = {"cr": by("1/2"), "aov": by("1/10"), "cpc": by("-1/5")}
    turned = dict(reversed(levers.items()))
    one, other = (attribute(OWN, own, "profit_after_pay") for own in (levers, turned))
    assert one.parts == other.parts


def test_many_levers_are_drawn_with_their_errors_and_still_add_up() -> None:
    """More than can be tried in all orders; the drawn parts lie by those of a product of three.

    Levers that move nothing of the profit get nothing whatever the order.
    """
    known = ["cr", "aov", "cpc", "spend", "other_sessions", "visits_per_click", "margin_rate"]
    more = [f"{id}@paid_search" for id in ("spend", "cpc", "visits_per_click", "cr", "aov")]
    levers = dict.fromkeys([*known, *more], by("-1/20"))
    assert len(levers) > MOST
    found = attribute(OWN, levers, "profit_after_ads")
    assert found.seed is not None
    assert sum(found.parts.values()) == found.change
    assert found == attribute(OWN, levers, "profit_after_ads")
    other = attribute(OWN, levers, "profit_after_ads", seed=1)
    for id in levers:
        apart = abs(float(found.parts[id] - other.parts[id]))
        assert apart <= 6 * (found.errors[id] + other.errors[id]) + 1e-6


def test_kopecks_add_up_and_what_rounding_left_is_told() -> None:
    levers = {"cr": by("1/3"), "aov": by("1/7"), "margin_rate": by("1/11")}
    found = attribute(OWN, levers, "profit_after_ads")
    shared = in_kopecks(found, Decimal("100000.05"))
    assert sum(shared.parts.values()) == Decimal("100000.05")
    assert shared.bearer == "cr"
    alone = in_kopecks(found)
    assert abs(alone.rest) <= Decimal("0.02")
    assert all(own == round(own, 2) for own in alone.parts.values())


@pytest.mark.parametrize(
    ("levers", "output", "said"),
    [
        ({}, "bonus", "no lever is moved"),
        ({"cr": by("1")}, "luck", "no such result"),
        ({"cr": by("1")}, "kpis.luck", "no such result"),
        ({"crr": by("1")}, "bonus", "no such driver"),
        ({"cpc": by("-1")}, "bonus", "no result"),
    ],
)
def test_what_cannot_be_divided_is_said(levers: dict[str, Lever], output: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        attribute(OWN, levers, output)
