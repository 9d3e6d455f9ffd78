"""Intervals against others' arithmetic, and against chance itself."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, chi2_contingency, fisher_exact
from scipy.stats import t as student

from kpi_core.formula import Array, parse
from kpi_core.stats import (
    FEWEST_DAYS,
    FEWEST_TRIALS,
    answers_needed,
    daily_difference,
    daily_interval,
    holm,
    lift,
    nps_interval,
    share_difference,
    share_interval,
)

two_shares = st.tuples(
    *[st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))] * 2
).map(lambda pairs: (*pairs[0], *pairs[1]))


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_of_a_share_is_wilsons(counts: tuple[int, int]) -> None:
    successes, trials = counts
    expected = binomtest(successes, trials).proportion_ci(0.95, method="wilson")
    found = share_interval(successes, trials)
    assert found == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize("counts", [(0, 0), (1, 0), (-1, 10), (11, 10)])
def test_impossible_counts_have_no_interval(counts: tuple[int, int]) -> None:
    assert share_interval(*counts) is None


def test_the_interval_of_a_ratio_is_the_plain_jackknife() -> None:
    """The slow and obvious way: leave out each day, compute anew, look at the spread."""
    dice = np.random.default_rng(7)
    spend = dice.gamma(5, 100, 31)
    orders = dice.poisson(20, 31).astype(float)
    without = []
    for day in range(31):
        kept = [other for other in range(31) if other != day]
        without.append(sum(spend[kept]) / sum(orders[kept]))
    mean = sum(without) / 31
    error = math.sqrt(30 / 31 * sum((ratio - mean) ** 2 for ratio in without))
    half = student.ppf(0.975, 30) * error
    whole = sum(spend) / sum(orders)
    found = daily_interval(parse("spend / orders"), {"spend": spend, "orders": orders})
    assert found == pytest.approx((whole - half, whole + half), rel=1e-9)


def test_for_a_sum_the_jackknife_of_the_mean_is_students_interval() -> None:
    """A ratio to a constant number of days is a mean; its interval is known since 1908."""
    dice = np.random.default_rng(11)
    figures, ones = dice.normal(100, 15, 40), np.ones(40)
    found = daily_interval(parse("a / b"), {"a": figures, "b": ones})
    half = student.ppf(0.975, 39) * figures.std(ddof=1) / math.sqrt(40)
    assert found == pytest.approx((figures.mean() - half, figures.mean() + half), rel=1e-9)


def test_the_interval_holds_the_truth_about_19_times_in_20() -> None:
    """2000 invented months of 30 days: orders of 5 %, worth 40 each."""
    dice = np.random.default_rng(2026)
    held = 0
    for _ in range(2000):
        sessions = dice.poisson(400, 30).astype(float)
        orders = dice.binomial(sessions.astype(int), 0.05).astype(float)
        revenue = np.array([dice.gamma(2, 20, int(n)).sum() for n in orders])
        found = daily_interval(parse("r / s"), {"r": revenue, "s": sessions})
        assert found is not None
        held += found[0] <= 0.05 * 40 <= found[1]
    assert 0.935 <= held / 2000 <= 0.965


@pytest.mark.parametrize(
    "days",
    [
        lambda: {"a": np.ones(FEWEST_DAYS - 1), "b": np.ones(FEWEST_DAYS - 1)},  # too few
        lambda: {"a": np.ones(20), "b": np.zeros(20)},  # undefined
        lambda: {"a": np.ones(20), "b": np.eye(1, 20)[0]},  # undefined without the first day
        dict,
    ],
)
def test_where_nothing_can_be_said_nothing_is(days: Callable[[], dict[str, Array]]) -> None:
    assert daily_interval(parse("a / b"), days()) is None


# --- the loyalty index


def test_the_interval_of_the_loyalty_index_is_by_hand() -> None:
    """60, 20 and 20 answers, and ¾, 1½ and ¾ invented ones."""
    found = nps_interval(60, 20, 20)
    assert found is not None
    up, down = 60.75 / 103, 20.75 / 103
    half = 1.959964 * math.sqrt((up + down - (up - down) ** 2) / 103)
    assert found.score == pytest.approx(0.4)
    assert (found.low, found.high) == pytest.approx((up - down - half, up - down + half), abs=1e-6)


@given(st.integers(0, 300), st.integers(0, 300), st.integers(0, 300))
def test_the_loyalty_index_lies_in_its_interval_and_mirrors(up: int, mid: int, down: int) -> None:
    found, mirrored = nps_interval(up, mid, down), nps_interval(down, mid, up)
    if not up + mid + down:
        assert found is None
        return
    assert found is not None
    assert mirrored is not None
    assert -1 <= found.low <= found.score <= found.high <= 1
    assert found.low < found.high
    assert (mirrored.low, mirrored.high) == pytest.approx((-found.high, -found.low))
    assert found.enough is (up + mid + down >= FEWEST_TRIALS)
    more = nps_interval(up * 4, mid * 4, down * 4)
    assert more is not None
    assert more.high - more.low < found.high - found.low


def test_the_interval_of_the_loyalty_index_holds_the_truth() -> None:
    dice = np.random.default_rng(4)
    for shares in ([0.5, 0.3, 0.2], [0.8, 0.15, 0.05], [0.1, 0.8, 0.1]):
        held = 0
        for up, mid, down in dice.multinomial(50, shares, 2000).tolist():
            found = nps_interval(up, mid, down)
            assert found is not None
            held += found.low <= shares[0] - shares[2] <= found.high
        assert 0.93 <= held / 2000 <= 0.975


def test_negative_answers_have_no_loyalty() -> None:
    assert nps_interval(-1, 5, 5) is None


# --- two shares


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ((56, 70, 48, 80), (0.0524, 0.3339)),
        ((9, 10, 3, 10), (0.1705, 0.8090)),
        ((10, 10, 0, 20), (0.6791, 1.0)),
    ],
)
def test_the_interval_of_a_difference_is_newcombes(
    counts: tuple[int, int, int, int], expected: tuple[float, float]
) -> None:
    """Rows (a), (b) and (g) of his table II, method 10."""
    found = share_difference(*counts)
    assert found is not None
    assert (found.low, found.high) == pytest.approx(expected, abs=5e-5)


@given(two_shares)
def test_the_test_of_two_shares_is_fishers_or_the_pooled_one(
    counts: tuple[int, int, int, int],
) -> None:
    yes, n, other_yes, other_n = counts
    table = [[yes, n - yes], [other_yes, other_n - other_yes]]
    found = share_difference(*counts)
    assert found is not None
    if found.test == "fisher":
        assert found.p == pytest.approx(fisher_exact(table).pvalue, rel=1e-6)
    else:
        plain = chi2_contingency(table, correction=False)
        assert plain.expected_freq.min() >= 5
        total = n + other_n
        assert student(1e9).sf(math.sqrt(plain.statistic * (total - 1) / total)) * 2 == (
            pytest.approx(found.p, rel=1e-5, abs=1e-12)
        )


@given(two_shares)
def test_a_difference_lies_in_its_interval_and_mirrors(counts: tuple[int, int, int, int]) -> None:
    found = share_difference(*counts)
    mirrored = share_difference(*counts[2:], *counts[:2])
    assert found is not None
    assert mirrored is not None
    assert -1 <= found.low <= found.difference + 1e-12
    assert found.difference - 1e-12 <= found.high <= 1
    assert (mirrored.low, mirrored.high) == pytest.approx((-found.high, -found.low))
    assert mirrored.p == pytest.approx(found.p)
    assert 0 <= found.p <= 1 + 1e-12
    assert found.enough is (min(counts[1], counts[3]) >= FEWEST_TRIALS)


def test_alike_shares_are_told_apart_once_in_twenty_times() -> None:
    dice = np.random.default_rng(6)
    pairs = dice.binomial(300, 0.1, (4000, 2)).tolist()
    found = [share_difference(mine, 300, theirs, 300) for mine, theirs in pairs]
    assert 0.035 <= np.mean([each is not None and each.p < 0.05 for each in found]) <= 0.06


def test_shares_that_are_none_do_not_differ() -> None:
    assert share_difference(1, 0, 1, 2) is None
    assert share_difference(1, 2, 3, 2) is None


# --- many tests


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, math.nan, 0.03, 0.5]) == pytest.approx(
        (0.04, 0.09, math.nan, 0.09, 0.5), nan_ok=True
    )
    assert holm([]) == ()


@given(st.lists(st.floats(0, 1), min_size=1))
def test_holm_raises_and_keeps_the_order(p_values: list[float]) -> None:
    raised = holm(p_values)
    assert all(p <= high <= 1 for p, high in zip(p_values, raised, strict=True))
    assert [raised[at] for at in np.argsort(p_values)] == sorted(raised)
    assert min(raised) == min(1, min(p_values) * len(p_values))


# --- brand lift


def test_a_lift_by_hand() -> None:
    found = lift(1300, 5000, 1000, 5000)
    assert found is not None
    assert (found.exposed, found.control) == (0.26, 0.2)
    assert found.absolute == pytest.approx(0.06)
    assert found.relative == pytest.approx(0.3)
    assert found.headroom == pytest.approx(0.075)
    assert found.significant
    assert found.enough
    assert found.low < 0.06 < found.high


def test_a_lift_of_few_answers_is_not_told_however_large() -> None:
    found = lift(60, 200, 20, 200)
    assert found is not None
    assert found.p < 0.001
    assert (found.enough, found.significant) == (False, False)
    assert 1000 < found.fewest * 2 < 3000


def test_a_control_without_or_with_only_yes_has_no_ratio() -> None:
    none, all_ = lift(3, 500, 0, 500), lift(490, 500, 500, 500)
    assert none is not None
    assert all_ is not None
    assert (none.relative, all_.headroom) == (None, None)
    assert lift(0, 500, 0, 500) is not None
    assert lift(1, 0, 1, 10) is None


def test_the_answers_needed_are_those_of_the_books() -> None:
    """R: power.prop.test(p1 = .5, p2 = .75, power = .9) is 76.65; 0.05 and 0.8 give 57.67."""
    assert answers_needed(0.5, 0.75, power=0.9) == 77
    assert answers_needed(0.5, 0.75) == 58
    assert answers_needed(0.3, 0.3) is None


def test_a_lift_of_one_point_takes_tens_of_thousands_and_of_four_thousands() -> None:
    for control in (0.15, 0.3, 0.5):
        assert 20_000 <= (answers_needed(control, control + 0.01) or 0) <= 45_000
        assert 1_200 <= (answers_needed(control, control + 0.04) or 0) <= 2_800


def test_the_answers_needed_show_the_difference_four_times_in_five() -> None:
    dice = np.random.default_rng(10)
    count = answers_needed(0.2, 0.26) or 0
    found = [
        share_difference(
            int(dice.binomial(count, 0.26)), count, int(dice.binomial(count, 0.2)), count
        )
        for _ in range(2000)
    ]
    assert 0.77 <= np.mean([each is not None and each.p < 0.05 for each in found]) <= 0.83


# --- two ratios


@pytest.mark.parametrize("same_days", [True, False])
def test_of_means_the_daily_difference_is_students(same_days: bool) -> None:
    from scipy.stats import ttest_ind, ttest_rel

    dice = np.random.default_rng(12)
    common = dice.normal(0, 20, 40)
    mine, theirs = dice.normal(110, 15, 40) + common, dice.normal(100, 5, 40) + common
    ones = np.ones(40)
    found = daily_difference(
        parse("a / b"), {"a": mine, "b": ones}, {"a": theirs, "b": ones}, same_days=same_days
    )
    test = ttest_rel(mine, theirs) if same_days else ttest_ind(mine, theirs, equal_var=False)
    assert found is not None
    assert found.difference == pytest.approx(mine.mean() - theirs.mean())
    assert found.p == pytest.approx(test.pvalue)
    limits = test.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((limits.low, limits.high))


def test_a_daily_difference_needs_days_and_values() -> None:
    good, few = {"a": np.ones(20), "b": np.ones(20)}, {"a": np.ones(5), "b": np.ones(5)}
    formula = parse("a / b")
    assert daily_difference(formula, good, few, same_days=False) is None
    assert daily_difference(formula, few, good, same_days=False) is None
    for same_days in (True, False):
        alike = daily_difference(formula, good, good, same_days=same_days)
        assert alike is not None
        assert (alike.difference, alike.low, alike.high, alike.p) == (0, 0, 0, 1)
