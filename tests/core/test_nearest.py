"""How far it is to the next step: the value, and how many orders that takes."""

from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from kpi_core.facts import combine
from kpi_core.nearest import NextStep, next_step
from kpi_core.plan import Plan
from kpi_core.score import Judged, judge
from tests.core.small import values


def judged(kpi: str, facts: dict[str, Any], **goal: object) -> Judged:
    """One goal judged by figures stated by hand."""
    plan = Plan.model_validate(
        {
            "business": "shop",
            "currency": "RUB",
            "lines": [{"kpi": kpi, "weight": 1} | goal],
            "scheme": {"kind": "scorecard", "salary": "0.00", "fund": "1.00"},
            "facts": facts,
        }
    )
    found = values(combine([]), kpi, settings=plan.settings())
    return judge(plan.lines[0], found.total(kpi), plan.currency)


def step(kpi: str, facts: dict[str, Any], **goal: object) -> tuple[float, str | None, float | None]:
    found = next_step(judged(kpi, facts, **goal))
    assert found is not None
    return float(found.value), found.measure, None if found.more is None else float(found.more)


def test_seventy_seven_of_a_hundred_orders_lack_three_to_the_first_step() -> None:
    assert step("orders", {"orders": 77}, target=100) == (80, "orders", 3)


def test_a_step_that_begins_above_its_mark_takes_one_more() -> None:
    """Exactly 100 of 100 is still 0.5 by the literal rule: 101 are needed."""
    assert step("orders", {"orders": 90}, target=100) == (100, "orders", 11)
    assert step("orders", {"orders": 100}, target=100) == (100, "orders", 1)


def test_a_rate_is_reached_by_more_of_what_it_counts() -> None:
    """0.8 of 1.2 % of 10 000 visits are 96 orders."""
    facts = {"orders": 90, "sessions": 10000}
    assert step("cr", facts, target="0.012") == (0.0096, "orders", 6)


def test_a_cost_falls_by_more_orders_for_the_same_money() -> None:
    """1000 spent; 80 % of a target of 80 is a cost of 100: 10 orders."""
    assert step("cpo", {"spend": 1000, "orders": 8}, target=80) == (100, "orders", 2)


def test_what_is_abandoned_falls_by_more_orders_of_the_same_carts() -> None:
    """100 carts, 0.6 abandoned at most (0.75 of attainment 1.25): 40 orders."""
    rule = {"kind": "bands", "bands": [{"to": "0.6", "score": 1}]}
    facts = {"orders": 17, "carts": 100}
    assert step("cart_abandonment", facts, rule=rule) == (0.6, "orders", 23)


def test_bands_of_a_failure_rate_are_left_by_fewer_failures() -> None:
    rule = {
        "kind": "bands",
        "bands": [{"to": "0.04", "score": 1}, {"to": "0.1", "score": "0.8"}],
    }
    facts = {"bounces": 30, "sessions": 200}
    assert step("bounce_rate", facts, rule=rule) == (0.1, "bounces", -10)


def test_at_the_top_there_is_no_step_left_and_without_a_figure_none_is_told() -> None:
    assert next_step(judged("orders", {"orders": 101}, target=100)) is None
    assert next_step(judged("orders", {}, target=100)) is None


@given(
    st.integers(0, 2000),
    st.integers(1, 2000),
    st.integers(1, 5000),
    st.sampled_from(["orders", "cr", "cart_abandonment", "cpo"]),
)
def test_the_measure_told_is_enough_and_one_less_is_not(
    orders: int, other: int, target: int, kpi: str
) -> None:
    facts: dict[str, Any] = {"orders": orders, "sessions": other, "carts": other, "spend": other}
    wanted = target if kpi in {"orders", "cpo"} else f"{target / 5000:.4f}"
    made = judged(kpi, facts, target=wanted)
    found = next_step(made)
    assume(found is not None and found.measure is not None)
    assert isinstance(found, NextStep)
    assert found.measure is not None
    assert found.more is not None

    def scored(by: int) -> Any:
        return judged(kpi, facts | {found.measure: facts[found.measure] + by}, target=wanted).score

    more = int(found.more)
    reached, short = scored(more), scored(more - (1 if more > 0 else -1))
    assume(reached is not None and short is not None)
    assert reached >= found.score
    assert short < found.score
