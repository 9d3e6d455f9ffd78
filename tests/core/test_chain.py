"""The chain for arrays gives what the exact road gives, position by position."""

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from functools import cache
from math import isclose, isnan
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi_core import catalogue
from kpi_core.chain import BLOCK, Chain, chain
from kpi_core.drivers import Lever, calibrate, profit_after_ads, project
from kpi_core.errors import PlanError, UsageError
from kpi_core.facts import Facts, combine
from kpi_core.formula import Exact
from kpi_core.ingest import read
from kpi_core.kpis import Evaluation, kpi_values
from kpi_core.model import Period, Unit, month_of, parse_period
from kpi_core.pay import payout
from kpi_core.plan import Plan, changed, default_plan
from kpi_core.score import score
from tests.core.small import daily, facts

SAMPLES = Path(__file__).parents[2] / "sample_data"
OCTOBER = parse_period("2026-10")
Positions = Mapping[str, float]


def made(plan: Plan, data: Facts, period: Period = OCTOBER) -> Chain:
    business, settings = catalogue.business(plan.business), plan.settings()
    values = kpi_values(
        data, business, period, settings=settings, kpis=plan.shown_kpis(), against=plan.against()
    )
    return chain(plan, values, calibrate(Evaluation(data, period, settings=settings), business))


@cache
def sample(business: str) -> Facts:
    paths = sorted((SAMPLES / business).iterdir())
    return combine([read(path.name, path.read_bytes()) for path in paths])


@cache
def of_sample(business: str, name: str) -> Chain:
    plan = default_plan(business)
    return made(changed(plan, **PLANS[name](plan)), sample(business))


def by_lines(**scheme: object) -> dict[str, Any]:
    usual = {"kind": "scorecard", "salary": "30000.00", "fund": "20000.00"}
    return {"scheme": usual | scheme}


def limits(plan: Plan) -> dict[str, Any]:
    first, second = plan.lines[0], plan.lines[1]
    return {
        "gates": [{"kpi": first.kpi, "limit": first.target}],
        "guards": [{"kpi": first.kpi, "guard": second.kpi, "gate": True}],
    }


LINEAR = {"kind": "linear", "floor": 0.7, "stretch": 1.3, "stretch_score": 1.5}
PLANS: dict[str, Any] = {
    "product": lambda _: {},
    "gates and guards": limits,
    "lines": lambda _: by_lines(),
    "lines with limits": lambda plan: by_lines() | limits(plan),
    "capped lines by a straight rule": lambda plan: (
        by_lines()
        | {"over": "capped", "lines": [own.model_dump() | {"rule": LINEAR} for own in plan.lines]}
    ),
    "terms": lambda plan: (
        by_lines(terms={"floor": 0.2, "cap": 1.4, "accelerator": {"above": 0.5, "times": 2}})
        | limits(plan)
    ),
    "a table": lambda _: {
        "scheme": {
            "kind": "table",
            "salary": "1000.00",
            "rows": [{"at": 0.4, "amount": "500.00"}, {"at": 0.7, "amount": "900.00"}],
        }
    },
    "a figure nobody has": lambda plan: (
        by_lines() | {"lines": [*(own.model_dump() for own in plan.lines), lacking(0.2)]}
    ),
    "a figure nobody has is zero": lambda plan: (
        by_lines()
        | {"missing": "zero", "lines": [*(own.model_dump() for own in plan.lines), lacking(0.2)]}
    ),
    "a figure nobody has blocks": lambda plan: (
        by_lines()
        | {"missing": "block", "lines": [*(own.model_dump() for own in plan.lines), lacking(0.2)]}
    ),
    "too little to judge by": lambda plan: (
        by_lines() | {"lines": [*(own.model_dump() for own in plan.lines), lacking(20)]}
    ),
    "own KPIs": lambda plan: {
        "own": {
            "per_visit": {"name": "Spend per session", "formula": "spend / sessions"},
            "best": {"name": "Best", "formula": "max(sessions - previous(sessions), 0) / 100"},
            "stated": {"name": "Stated", "formula": "sessions"},
        },
        "facts": {"stated": 5},
        **by_lines(),
        "lines": [
            {"kpi": "per_visit", "target": 3, "weight": 3},
            {"kpi": "best", "target": 40, "base": 2, "weight": 1},
            {"kpi": "stated", "target": 4, "weight": 1},
            *(own.model_dump() for own in plan.lines),
        ],
        "gates": [{"kpi": "per_visit", "limit": 2}],
    },
}


def lacking(weight: float) -> dict[str, object]:
    return {"kpi": "nps", "target": 50, "weight": weight}


def exact(own: Chain, levers: Positions) -> dict[str, Any]:
    """The exact road: what there is none of is ``None``."""
    moved = {id: Lever(to=Fraction(value)) for id, value in levers.items()}
    try:
        measures = own.model.rebuilt(moved)
    except UsageError:
        return {"refused": True}
    values = project(own.model, moved, own.values)
    totals = values.totals()
    found: dict[str, Any] = {
        "measures": measures,
        "kpis": {id: value.value for id, value in totals.items()},
        "total": score(own.plan, totals).total,
        "coefficient": None,
        "bonus": None,
        "pay": None,
    }
    found["profit_after_ads"] = profit_after_ads(
        measures | {"gross_profit": measures.get(own.money or "")}
    )
    try:
        paid = payout(own.plan, values)
    except PlanError:
        return found
    found["coefficient"] = paid.coefficient
    found["bonus"] = paid.coefficient * Fraction(paid.stake)
    found["pay"] = found["bonus"] + Fraction(paid.fixed)
    return found


def same(array: Any, value: Exact) -> bool:
    number = float(array)
    return isnan(number) if value is None else isclose(number, value, rel_tol=1e-9, abs_tol=1e-9)


def check_one(own: Chain, levers: Positions) -> None:
    found = own.at({id: np.array(value) for id, value in levers.items()})
    expected = exact(own, levers)
    if "refused" in expected:
        assert isnan(found.bonus)
        assert all(isnan(value) for value in found.kpis.values())
        return
    for id, value in expected["kpis"].items():
        assert same(found.kpis[id], value), id
    drivers = own.model.moved_drivers({id: Lever(to=Fraction(v)) for id, v in levers.items()})
    for id, value in found.drivers.items():
        assert same(value, drivers[id]), id
    for id, value in found.measures.items():
        assert same(value, expected["measures"].get(id)), id
    for name in ("total", "coefficient", "bonus", "pay", "profit_after_ads"):
        assert same(getattr(found, name), expected[name]), name
    known = expected["pay"] is not None and expected["profit_after_ads"] is not None
    after = expected["profit_after_ads"] - expected["pay"] if known else None
    assert same(found.profit_after_pay, after)


each = pytest.mark.parametrize("business", catalogue.businesses())
with_each_plan = pytest.mark.parametrize("name", PLANS)


@each
@with_each_plan
def test_with_no_lever_moved_it_is_the_exact_road(business: str, name: str) -> None:
    check_one(of_sample(business, name), {})


FACTORS = st.one_of(st.floats(0.5, 1.5), st.sampled_from([0.0, 0.8, 1.0, 1.25, 1e3]))


@each
@with_each_plan
@settings(max_examples=30)
@given(data=st.data())
def test_it_is_the_exact_road_wherever_the_levers_stand(
    business: str, name: str, data: st.DataObject
) -> None:
    own = of_sample(business, name)
    known = [id for id, value in own.model.drivers.items() if value]
    moved = data.draw(st.lists(st.sampled_from(known), min_size=1, max_size=4, unique=True))
    levers = {id: float(own.model.drivers[id] or 0) * data.draw(FACTORS) for id in moved}
    check_one(own, levers)


@each
@settings(max_examples=150)
@given(data=st.data())
def test_so_it_is_for_channels_budgets_and_any_elasticity(
    business: str, data: st.DataObject
) -> None:
    """Any levers of the total and of channels at once; spend moved to where a click has a price."""
    own = of_sample(business, data.draw(st.sampled_from(["product", "lines with limits"])))
    e = data.draw(st.sampled_from([Fraction(1), Fraction(4, 5), Fraction(1, 3)]))
    own = replace(own, model=replace(own.model, elasticity=e))
    model = own.model
    moved = data.draw(st.lists(st.sampled_from(model.levers), max_size=5, unique=True))
    levers = {id: float(model.base(id) or 0) * data.draw(FACTORS) for id in moved}
    giver = next(id for id, tree in model.channels.items() if tree.drivers["spend"])
    taker = data.draw(st.sampled_from([id for id in model.channels if id != giver]))
    if data.draw(st.booleans()):
        part = data.draw(st.sampled_from([0, 0.25, 0.75, 2]))
        levers[f"budget@{giver}:{taker}"] = part * float(
            model.channels[giver].drivers["spend"] or 0
        )
        if data.draw(st.booleans()):
            levers[f"cpc@{taker}"] = data.draw(st.sampled_from([0.5, 12.0]))
    check_one(own, levers)


@each
def test_a_channel_lever_put_where_it_stands_changes_nothing(business: str) -> None:
    own = of_sample(business, "lines with limits")
    base = own.at({})
    for id in own.model.levers:
        again = own.at({id: np.array(float(own.model.base(id) or 0))})
        assert np.allclose(again.profit_after_pay, base.profit_after_pay, rtol=1e-9, equal_nan=True)
        assert np.allclose(again.bonus, base.bonus, rtol=1e-9, equal_nan=True)


@each
def test_a_lever_put_where_it_stands_changes_nothing(business: str) -> None:
    own = of_sample(business, "lines with limits")
    base = own.at({})
    levers = {id: np.array(float(v)) for id, v in own.model.drivers.items() if v is not None}
    again = own.at(levers)
    assert np.allclose(again.profit_after_pay, base.profit_after_pay, rtol=1e-12, equal_nan=True)
    assert np.allclose(again.bonus, base.bonus, rtol=1e-12, equal_nan=True)


@each
def test_many_positions_are_so_many_single_ones(business: str) -> None:
    """More than one block, of two dimensions; some of the shares above 1 are refused."""
    own = of_sample(business, "lines with limits")
    share = next(d.id for d in own.model.business.drivers if d.unit is Unit.SHARE and
                 own.model.drivers[d.id])  # fmt: skip
    pick = np.random.default_rng(7)
    spend = float(own.model.drivers["spend"] or 0) * pick.uniform(0.5, 1.5, (BLOCK // 5, 1))
    shares = pick.uniform(0.1, 1.05, (1, 6))
    found = own.at({"spend": spend, share: shares})
    assert found.bonus.shape == (BLOCK // 5, 6)
    for row, column in ((0, 0), (7, 5), (BLOCK // 5 - 1, 3), (BLOCK // 5 - 1, 5)):
        one = {"spend": spend[row, 0], share: shares[0, column]}
        alone = own.at({id: np.array(value) for id, value in one.items()})
        for name in ("bonus", "total", "profit_after_pay"):
            assert np.array_equal(
                getattr(found, name)[row, column], getattr(alone, name), equal_nan=True
            )
    assert np.array_equal(np.isnan(found.total), np.broadcast_to(shares > 1, found.total.shape))


def test_only_what_is_wanted_is_there() -> None:
    own = of_sample("shop", "lines")
    levers = {"cr": np.array([0.01, 0.02])}
    found = own.at(levers, {"bonus"})
    assert np.array_equal(found.bonus, own.at(levers).bonus)
    assert (found.kpis, found.pay.size, found.profit_after_pay.size) == ({}, 0, 0)


def test_an_unknown_lever_is_refused_with_the_near_one() -> None:
    with pytest.raises(UsageError, match="Did you mean 'spend'"):
        of_sample("shop", "lines").at({"spent": np.array(1.0)})


# --- by hand

QUIET: dict[int, tuple[object, ...]] = dict.fromkeys(range(2, 32), (0, 0))
DATA = facts(
    daily(
        "Cost,Clicks,Sessions,Orders,Revenue",
        rows=dict.fromkeys(range(2, 32), (0, 0, 0, 0, 0)) | {1: (1000, 200, 1000, 20, 40000)},
    )
)
SHOP: dict[str, Any] = {
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


def test_a_row_of_conversions_by_hand() -> None:
    """1000 sessions of 2000 an order, a margin of 0.3, 1000 spent.

    20 orders are 80 % of 25 and cost 50 each: 0.5 · 0.5; 19 orders pay nothing; 26 pay 1 · 1. They
    bring 12 000, 11 400 and 15 600 of gross profit.
    """
    own = made(Plan.model_validate(SHOP), DATA)
    found = own.at({"cr": np.array([0.019, 0.02, 0.026])})
    assert np.allclose(found.kpis["orders"], [19, 20, 26])
    assert np.allclose(found.scores["cpo"], [0.5, 0.5, 1])
    assert np.allclose(found.bonus, [0, 250, 1000])
    assert np.allclose(found.pay, [1000, 1250, 2000])
    assert np.allclose(found.profit_after_ads, [10400, 11000, 14600])
    assert np.allclose(found.profit_after_pay, [9400, 9750, 12600])


def test_clicks_that_cost_nothing_cannot_be_bought() -> None:
    """As on the exact road: so many clicks have no number."""
    own = made(Plan.model_validate(SHOP), DATA)
    assert np.array_equal(np.isnan(own.at({"cpc": np.array([0.0, 5.0])}).bonus), [True, False])


def test_a_lever_that_the_data_do_not_tell_can_be_put_somewhere() -> None:
    """20 orders; 500 spent make an order cost 25."""
    data = facts(daily("Sessions,Orders", rows=QUIET | {1: (1000, 20)}))
    own = made(Plan.model_validate(SHOP), data)
    assert np.isnan(own.at({}).bonus)
    found = own.at({"spend": np.array([500.0, 1000.0])})
    assert np.allclose(found.kpis["cpo"], [25, 50])
    assert np.allclose(found.bonus, [500, 250])


def test_an_unfinished_period_pays_nothing_anywhere_and_says_why() -> None:
    data = facts(daily("Cost,Sessions,Orders", rows=dict.fromkeys(range(1, 11), (50, 100, 2))))
    own = made(Plan.model_validate(SHOP), data, month_of(OCTOBER.first))
    assert own.blocked is not None
    assert own.blocked.code == "period_not_whole"
    found = own.at({"spend": np.array([500.0, 1000.0])})
    assert np.isnan(found.bonus).all()
    assert not np.isnan(found.total).any()


def test_money_of_another_currency_makes_no_profit_of_the_plan() -> None:
    """Sales in euros, a plan in roubles and no rate."""
    data = facts(
        daily('"Cost, EUR","Revenue, EUR",Orders', rows=dict.fromkeys(range(1, 32), (1, 9, 1)))
    )
    assert made(Plan.model_validate(SHOP), data).money is None
