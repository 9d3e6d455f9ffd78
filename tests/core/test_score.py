"""Why a total changed, how firm its grade is, and how shares move together."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpi_core import catalogue
from kpi_core.facts import combine
from kpi_core.plan import Over, Plan, changed, with_phase
from kpi_core.score import Scorecard, changes, firmness, score
from tests.core.small import values

KPIS = ("sessions", "orders", "leads", "comments")
MARKS = tuple(grade.mark for grade in catalogue.grades())
figures = st.lists(st.integers(1, 300), min_size=4, max_size=4)
weights = st.lists(st.integers(0, 50), min_size=4, max_size=4).filter(any)
# Straight from 0 to 2: every figure has a score of its own.
LINE = {
    "kind": "linear", "floor": "0.0001", "target": "1", "stretch": "3",
    "floor_score": "0", "target_score": "1", "stretch_score": "2",
}  # fmt: skip


def plan(shares: list[int], stated: list[int]) -> Plan:
    """Four counts, each with the target 100."""
    return Plan.model_validate(
        {
            "business": "portal",
            "currency": "RUB",
            "lines": [
                {"kpi": kpi, "target": 100, "weight": weight, "rule": LINE}
                for kpi, weight in zip(KPIS, shares, strict=True)
            ],
            "scheme": {"kind": "scorecard", "salary": "0.00", "fund": "1.00"},
            "facts": dict(zip(KPIS, stated, strict=True)),
        }
    )


def card(plan: Plan) -> Scorecard:
    found = values(combine([]), *plan.kpis(), settings=plan.settings())
    return score(plan, found.totals())


@given(weights, figures, figures)
def test_contributions_add_up_to_the_change_exactly(
    shares: list[int], then: list[int], now: list[int]
) -> None:
    before, after = card(plan(shares, then)), card(plan(shares, now))
    assert before.total is not None
    assert after.total is not None
    assert sum(change.points for change in changes(before, after)) == after.total - before.total


def test_each_line_answers_for_its_own_points() -> None:
    """Weights 3 : 1; visits from 100 to 50 of 100, orders from 50 to 100 of 100."""
    before, after = (
        card(plan([3, 1, 0, 0], [100, 50, 1, 1])),
        card(plan([3, 1, 0, 0], [50, 100, 1, 1])),
    )
    moved = {own.now.judged.goal.kpi: float(own.points) for own in changes(before, after)}
    assert moved["sessions"] == pytest.approx(-0.375, abs=1e-3)
    assert moved["orders"] == pytest.approx(0.125, abs=1e-3)


@given(weights, figures)
def test_a_grade_holds_within_the_range_of_each_weight_and_ends_beyond_it(
    shares: list[int], stated: list[int]
) -> None:
    made = plan(shares, stated)
    whole = card(made)
    assert whole.total is not None
    grade = catalogue.grade(whole.total)
    for firm in firmness(whole, MARKS):
        kpi = firm.line.judged.goal.kpi

        def graded(weight: Fraction, kpi: str = kpi) -> str:
            return catalogue.grade(_total(whole, kpi, weight)).id

        inside = [(firm.least + firm.line.weight) / 2]
        if firm.most is not None:
            inside.append((firm.most + firm.line.weight) / 2)
            assert (
                graded(firm.most + Fraction(1, 1000)) != grade.id or graded(firm.most) != grade.id
            )
        assert all(graded(weight) == grade.id for weight in inside if weight > 0)


def test_a_total_exactly_on_a_mark_is_the_lower_end_of_its_grade() -> None:
    """Scores 1 and 0.5 alike weighed: 0.75, good from there on.

    With less of the second the total rises, to 0.9 at a weight of 1/4; any more and it falls.
    """
    steps = {"kind": "steps", "steps": [{"at": "0.5", "score": "0.5"}, {"at": 1, "score": 1}]}
    made = changed(
        plan([1, 1, 0, 0], [100, 50, 1, 1]),
        lines=[
            {"kpi": kpi, "target": 100, "weight": 1, "rule": steps}
            for kpi in ("sessions", "orders")
        ],
    )
    first, second = firmness(card(made), MARKS)
    assert (first.least, first.most) == (1, 4)
    assert (second.least, second.most) == (Fraction(1, 4), 1)


def _total(card: Scorecard, kpi: str, weight: Fraction) -> Fraction:
    """The total with one weight replaced, from the lines' own scores."""
    lines = [
        (weight if line.judged.goal.kpi == kpi else line.weight, line.judged.score)
        for line in card.lines
    ]
    whole = sum((own for own, _ in lines), Fraction(0))
    return sum((own * (scored or 0) for own, scored in lines), Fraction(0)) / whole


def test_how_far_a_weight_may_move_by_hand() -> None:
    """Scores 1 and 0 with weights 8 : 2 give 0.8, good from 0.75 on and excellent from 0.9.

    With weight w of the first, w / (w + 2) is 0.75 at w = 6 and 0.9 at w = 18; with weight v of the
    second, 8 / (8 + v) is 0.75 at v = 8/3 and 0.9 at v = 8/9.
    """
    steps = {"kind": "steps", "steps": [{"at": 1, "score": 1}]}
    made = changed(
        plan([8, 2, 0, 0], [100, 50, 1, 1]),
        lines=[
            {"kpi": "sessions", "target": 100, "weight": 8, "rule": steps},
            {"kpi": "orders", "target": 100, "weight": 2, "rule": steps},
        ],
    )
    first, second = firmness(card(made), MARKS)
    assert (first.least, first.most) == (6, 18)
    assert (second.least, second.most) == (Fraction(8, 9), Fraction(8, 3))


@given(weights, figures, st.integers(2, 9))
def test_scaling_all_weights_changes_nothing(
    shares: list[int], stated: list[int], times: int
) -> None:
    scaled = [times * share for share in shares]
    assert card(plan(shares, stated)).total == card(plan(scaled, stated)).total


@given(weights, figures)
def test_a_total_lies_between_nothing_and_the_most_that_rules_give(
    shares: list[int], stated: list[int]
) -> None:
    made = plan(shares, stated)
    total = card(made).total
    assert total is not None
    assert 0 <= total <= max(line.rule.top() for line in made.lines)
    capped = card(changed(made, over=Over.CAPPED)).total
    assert capped is not None
    assert capped <= min(total, Fraction(1))


@given(weights, figures, st.sampled_from(range(4)), st.integers(1, 100))
def test_more_of_a_good_thing_never_lowers_the_total(
    shares: list[int], stated: list[int], which: int, more: int
) -> None:
    raised = list(stated)
    raised[which] += more
    assert card(plan(shares, raised)).total >= card(plan(shares, stated)).total  # type: ignore[operator]


@given(weights, st.sampled_from(KPIS), st.integers(0, 100), st.sets(st.sampled_from(KPIS)))
def test_a_share_that_moves_makes_the_unlocked_ones_make_room(
    shares: list[int], kpi: str, percent: int, locked: set[str]
) -> None:
    made = plan(shares, [1, 1, 1, 1])
    before = made.shares()
    after = made.with_share(kpi, Fraction(percent, 100), locked).shares()
    assert sum(after.values()) == 1
    for id in locked - {kpi}:
        assert abs(after[id] - before[id]) <= Fraction(1, 100)


def test_half_of_all_weight_leaves_the_others_in_proportion() -> None:
    moved = plan([40, 30, 20, 10], [1, 1, 1, 1]).with_share("comments", Fraction(1, 2), {"leads"})
    assert [line.weight for line in moved.lines] == [
        Decimal("0.171429"), Decimal("0.128571"), Decimal("0.2"), Decimal("0.5"),
    ]  # fmt: skip


def test_a_share_that_is_moved_step_by_step_and_back_leaves_the_others_where_they_were() -> None:
    made = plan([40, 30, 20, 10], [1, 1, 1, 1])
    moved = made
    for percent in (*range(10, 61), *range(60, 9, -1)):
        moved = moved.with_share("comments", Fraction(percent, 100))
    for kpi, share in moved.shares().items():
        assert abs(share - made.shares()[kpi]) < Fraction(1, 1000)


def test_the_weights_of_a_phase_add_up_to_one_and_become_those_of_the_plan() -> None:
    for phase in catalogue.phases().values():
        made = with_phase(plan([1, 1, 1, 1], [1, 1, 1, 1]), phase)
        assert sum(line.weight for line in made.lines) == 1
        assert {line.kpi: line.weight for line in made.lines} == {
            goal.kpi: Decimal(goal.weight) for goal in phase.goals
        }
