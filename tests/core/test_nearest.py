"""How far it is to the next step: the value, and how many orders that takes."""

from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from kpi_core.facts import combine
from kpi_core.nearest import NextStep, next_step
from kpi_core.plan import Plan, changed
from kpi_core.score import Judged, judge
from tests.core.small import values


def wanting(kpi: str, facts: dict[str, Any], **goal: object) -> Plan:
    """A plan of one goal, with figures stated by hand."""
    return Plan.model_validate(
        {
            "business": "shop",
            "currency": "RUB",
            "lines": [{"kpi": kpi, "weight": 1} | goal],
            "scheme": {"kind": "scorecard", "salary": "0.00", "fund": "1.00"},
            "facts": facts,
        }
    )


def judged(kpi: str, facts: dict[str, Any], **goal: object) -> Judged:
    plan = wanting(kpi, facts, **goal)
    found = values(combine([]), kpi, settings=plan.settings())
    return judge(plan.lines[0], found.total(kpi), plan.currency)


def step(kpi: str, facts: dict[str, Any], **goal: object) -> tuple[float, str | None, float | None]:
    found = next_step(judged(kpi, facts, **goal), wanting(kpi, facts, **goal))
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
    plan = wanting("orders", {}, target=100)
    assert next_step(judged("orders", {"orders": 101}, target=100), plan) is None
    assert next_step(judged("orders", {}, target=100), plan) is None


def test_exactly_at_a_mark_that_does_not_count_the_way_is_still_the_better_one() -> None:
    """20 of 100 visits bounced, the target is 20 %: 1 is earned below it, so by one fewer."""
    facts = {"bounces": 20, "sessions": 100}
    assert step("bounce_rate", facts, target="0.2") == (0.2, "bounces", -1)


def test_where_the_part_is_a_kind_of_the_whole_both_grow() -> None:
    """40 of 100 visits were repeated; 20 more make 60 of 120, one half."""
    facts = {"returning_visits": 40, "sessions": 100}
    rule = {"kind": "steps", "steps": [{"at": 1, "score": 1}]}
    assert step("rvr", facts, target="0.5", rule=rule) == (0.5, "returning_visits", 20)


def test_a_mean_of_marks_is_not_raised_by_marks_without_answers() -> None:
    facts = {"review_stars": 40, "reviews": 10}
    rule = {"kind": "steps", "steps": [{"at": 1, "score": 1}]}
    assert step("rating", facts, target="4.5", rule=rule) == (4.5, None, None)


def test_a_step_that_a_capped_plan_does_not_count_is_not_told() -> None:
    rule = {"kind": "steps", "steps": [{"at": 1, "score": 1}, {"at": "1.2", "score": "1.5"}]}
    goal = judged("orders", {"orders": 100}, target=100, rule=rule)
    plan = wanting("orders", {}, target=100, rule=rule)
    assert next_step(goal, plan) is not None
    assert next_step(goal, changed(plan, over="capped")) is None


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
    found = next_step(made, wanting(kpi, facts, target=wanted))
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
