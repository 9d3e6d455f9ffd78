"""Forecasts against hand arithmetic, and against invented worlds whose truth is known."""

import math
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t as student

from kpi_core.forecast import (
    FEWEST_MONTHS,
    SEASONAL_MONTHS,
    Forecast,
    calibration,
    monthly_forecast,
    pace,
    reach_probability,
    run_rate,
    seasonal_indices,
    weekday_profile,
)
from kpi_core.formula import Array
from kpi_core.model import Better
from kpi_core.stats import FEWEST_DAYS

MONDAY = date(2026, 3, 2)


def days(count: int, first: date = MONDAY) -> list[date]:
    return [first + timedelta(step) for step in range(count)]


def months(count: int, first: int = 2024 * 12) -> list[date]:
    return [date((first + n) // 12, (first + n) % 12 + 1, 1) for n in range(count)]


# --- the distribution


def test_one_part_is_students_distribution() -> None:
    found = Forecast(((1, 100, 10),), freedom=12)
    low, high = found.interval(0.8)
    assert (low, high) == pytest.approx(student(12, 100, 10).ppf([0.1, 0.9]))
    assert found.middle == pytest.approx(100)
    assert found.reaches(110) == pytest.approx(student(12, 100, 10).sf(110))
    assert found.reaches(110, Better.LOWER) == pytest.approx(student(12, 100, 10).cdf(110))


def test_a_figure_with_logs_is_above_zero_and_reaches_zero_for_sure() -> None:
    found = Forecast(((0.5, 2, 3), (0.5, 3, 1)), freedom=5, logs=True)
    assert found.interval(0.99)[0] > 0
    assert (found.reaches(0), found.reaches(0, Better.LOWER)) == (1, 0)
    assert found.reaches(found.middle) == pytest.approx(0.5)


def test_a_floor_is_reached_for_sure() -> None:
    found = Forecast(((1, 5, 10),), freedom=9, floor=3)
    assert found.interval(0.95)[0] == 3
    assert (found.reaches(3), found.reaches(2.9, Better.LOWER)) == (1, 0)
    assert found.reaches(3, Better.LOWER) > 0


# --- days


def test_weeks_that_are_all_alike_go_on_so() -> None:
    figures = np.array([10, 20, 30, 40, 50, 60, 0] * 4, dtype=float)[:24]
    found = run_rate(days(24), figures, days(15)[14], days(28)[-1])
    assert found is not None
    assert (found.counted, found.days_counted, found.days_left) == (210 + 60, 10, 4)
    assert found.total.middle == pytest.approx(420)
    assert found.total.interval(0.95) == pytest.approx((420, 420), rel=1e-3)


def test_a_period_that_is_over_is_its_sum() -> None:
    found = run_rate(days(28), np.full(28, 3.5), MONDAY, days(28)[-1])
    assert found is not None
    assert (found.days_left, found.counted) == (0, 98)
    assert found.total.interval(0.95) == (98, 98)
    assert (found.total.reaches(98), found.total.reaches(98.1)) == (1, 0)


def test_days_after_the_period_are_not_read() -> None:
    figures = np.arange(40, dtype=float)
    cut = run_rate(days(28), figures[:28], MONDAY, days(30)[-1])
    assert run_rate(days(40), np.r_[figures[:28], [np.nan] * 2, figures[30:]], MONDAY,
                    days(30)[-1]) == cut  # fmt: skip


def test_days_of_nothing_go_on_so() -> None:
    found = run_rate(days(20), np.zeros(20), MONDAY, days(28)[-1])
    assert found is not None
    assert found.total.interval(0.95) == pytest.approx((0, 0), abs=1e-9)


def test_a_gap_is_forecast_and_never_a_zero() -> None:
    figures = np.full(25, 100.0)
    figures[20] = np.nan
    found = run_rate(days(25), figures, MONDAY, days(28)[-1])
    absent = run_rate(
        [d for d in days(25) if d != days(25)[20]], np.full(24, 100.0), MONDAY, days(28)[-1]
    )
    assert found == absent
    assert found is not None
    assert (found.counted, found.days_left, found.gaps) == (2400, 4, 1)
    assert found.total.middle == pytest.approx(2800)


def test_below_two_weeks_of_days_nothing_is_forecast() -> None:
    figures = np.ones(FEWEST_DAYS - 1)
    assert run_rate(days(FEWEST_DAYS - 1), figures, MONDAY, days(28)[-1]) is None
    assert run_rate([], np.array([]), MONDAY, days(28)[-1]) is None


@pytest.mark.parametrize("losses", [False, True])
def test_a_total_falls_below_what_is_counted_only_where_days_do(losses: bool) -> None:
    dice = np.random.default_rng(5)
    figures = dice.exponential(100, 25) - (120 if losses else 0)
    found = run_rate(days(25), figures, MONDAY, days(28)[-1])
    assert found is not None
    assert (found.total.interval(0.9999)[0] < found.counted) is losses


WORLDS = ("shop", "office", "spread", "memory", "money")


def world(name: str, first: date, count: int, dice: np.random.Generator) -> Array:
    """Daily figures of a known kind."""
    week = (
        [1.3, 1.4, 1.4, 1.3, 1.2, 0.2, 0.1] if name == "office" else [0.9, 0.9, 1, 1, 1.1, 1.2, 0.9]
    )
    means = 40 * np.array([week[day.weekday()] for day in days(count, first)])
    if name == "spread":  # four times the variance of chance alone
        means *= dice.gamma(13, 1 / 13, count)
    if name == "memory":
        noise = dice.normal(0, 0.15, count)
        for place in range(1, count):
            noise[place] += 0.5 * noise[place - 1]
        means *= np.exp(noise)
    orders = dice.poisson(means)
    if name == "money":
        return np.array([dice.gamma(1.5, 1000, n).sum() for n in orders])
    return orders.astype(float)


@pytest.mark.parametrize("name", WORLDS)
def test_the_80_percent_interval_of_a_run_rate_holds_80_percent(name: str) -> None:
    """200 months, 20 of whose 30 days are ahead, after two months of history."""
    dice = np.random.default_rng(2026)
    held = 0
    for _ in range(200):
        first = MONDAY + timedelta(int(dice.integers(7)))
        figures = world(name, first, 90, dice)
        every = days(90, first)
        found = run_rate(every[:70], figures[:70], every[60], every[-1])
        assert found is not None
        held += 0.1 <= found.total.reaches(figures[60:].sum()) <= 0.9
    assert 0.75 <= held / 200 <= 0.88


def test_a_profile_averages_one_and_is_the_weekdays_share() -> None:
    profile = weekday_profile(days(28), np.array([2, 1, 1, 1, 1, 1, 0] * 4, dtype=float))
    assert profile == pytest.approx((2, 1, 1, 1, 1, 1, 0))
    assert weekday_profile(days(13), np.arange(13.0)) == (1.0,) * 7
    assert weekday_profile([], np.array([])) == (1.0,) * 7


@given(st.lists(st.floats(0, 1e6), min_size=7, max_size=7), st.integers(1, 100))
def test_pace_rises_to_the_target_on_the_last_day(profile: list[float], count: int) -> None:
    line = pace(profile, MONDAY, days(count)[-1], target=500)
    should = [figure for _, figure in line]
    assert [day for day, _ in line] == days(count)
    assert should == sorted(should)
    assert should[-1] == pytest.approx(500)


# --- months


@pytest.mark.parametrize("ahead", [1, 2])
def test_months_that_are_all_alike_go_on_so(ahead: int) -> None:
    found = monthly_forecast(np.full(12, 80.0), ahead)
    assert found is not None
    assert found.interval(0.95) == pytest.approx((80, 80), rel=1e-4)


def test_a_season_and_growth_that_never_failed_are_gone_on_with() -> None:
    season = np.array([1, 1, 1.2, 1, 0.9, 0.8, 0.7, 0.8, 1, 1.1, 1.3, 2])
    series = 1000 * np.tile(season, 4) * 1.02 ** np.arange(48)
    for ahead in (1, 3):
        found = monthly_forecast(series[:36], ahead)
        assert found is not None
        assert found.middle == pytest.approx(series[35 + ahead], rel=0.03)


def test_below_two_years_no_season_is_looked_for() -> None:
    series = np.tile([100.0, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 300], 3)
    short, long = monthly_forecast(series[:23]), monthly_forecast(series[:35])
    assert short is not None
    assert long is not None
    assert short.middle < 200
    assert long.middle > 250


def test_a_missing_month_is_not_a_zero() -> None:
    series = np.full(12, 100.0)
    series[5] = np.nan
    found = monthly_forecast(series)
    assert found is not None
    assert found.logs
    assert found.middle == pytest.approx(100)


def test_figures_of_zero_and_below_are_forecast_as_they_are() -> None:
    dice = np.random.default_rng(3)
    zeros = monthly_forecast(np.r_[0.0, dice.exponential(5, 20)])
    losses = monthly_forecast(dice.normal(0, 5, 20))
    assert zeros is not None
    assert losses is not None
    assert (zeros.logs, zeros.floor, losses.logs, losses.floor) == (False, 0, False, None)
    assert losses.interval(0.8)[0] < 0


def test_below_six_months_nothing_is_forecast() -> None:
    few = np.r_[np.full(20, np.nan), np.ones(FEWEST_MONTHS - 1)]
    assert monthly_forecast(few) is None
    assert reach_probability(few, 1) is None
    assert monthly_forecast(np.array([])) is None
    assert calibration(few).tested == 0


def invented(name: str, count: int, dice: np.random.Generator) -> Array:
    """Monthly figures of a known kind."""
    when = np.arange(count)
    noise = dice.normal(0, 0.1, count)
    if "walk" in name:
        noise = dice.normal(0, 0.08, count).cumsum()
    if "memory" in name:
        for place in range(1, count):
            noise[place] += 0.5 * noise[place - 1]
    if "quiet" in name:
        noise /= 10
    season = 0.3 * np.sin(2 * np.pi * (when + dice.integers(12)) / 12) * ("season" in name)
    return np.exp(8 + noise + season + 0.02 * when * ("trend" in name))


@pytest.mark.parametrize("count", [14, 24, 36])
@pytest.mark.parametrize(
    "name",
    ["level", "season", "trend", "trend season", "walk", "memory season", "walk season", "quiet"],
)
def test_the_80_percent_interval_of_a_month_holds_80_percent(name: str, count: int) -> None:
    """1000 histories; with a standard error of 1.3 points."""
    dice = np.random.default_rng(count)
    held = 0
    for _ in range(1000):
        series = invented(name, count + 1, dice)
        found = monthly_forecast(series[:-1])
        assert found is not None
        chance = found.reaches(series[-1])  # inside the interval, without looking for its ends
        held += 0.1 <= chance <= 0.9
    assert 0.75 <= held / 1000 <= 0.85


def test_the_probability_of_reaching_is_as_often_right() -> None:
    """Of targets said to be reached with 70 % and more, and with 30 % and less."""
    dice = np.random.default_rng(1)
    likely: list[bool] = []
    unlikely: list[bool] = []
    for _ in range(1500):
        series = invented("level", 19, dice)
        target = math.exp(8 + dice.normal(0, 0.1))
        chance = reach_probability(series[:-1], target)
        assert chance is not None
        if chance >= 0.7:
            likely.append(bool(series[-1] >= target))
        elif chance <= 0.3:
            unlikely.append(bool(series[-1] >= target))
    assert 0.7 < np.mean(likely) < 1
    assert 0 < np.mean(unlikely) < 0.3


positive = st.lists(st.floats(1, 1e6), min_size=6, max_size=30).map(np.array)


@settings(max_examples=50, deadline=None)
@given(positive, st.integers(1, 6), st.floats(0.01, 100))
def test_other_units_change_nothing_else(series: Array, ahead: int, unit: float) -> None:
    mine, theirs = monthly_forecast(series, ahead), monthly_forecast(series * unit, ahead)
    assert mine is not None
    assert theirs is not None
    assert theirs.middle == pytest.approx(mine.middle * unit, rel=1e-3)


@settings(max_examples=50, deadline=None)
@given(positive, st.floats(1, 1e6))
def test_an_interval_holds_the_middle_and_a_wider_one_holds_it(series: Array, goal: float) -> None:
    found = monthly_forecast(series)
    assert found is not None
    (low, high), (lower, higher) = found.interval(0.8), found.interval(0.95)
    assert lower <= low <= found.middle <= high <= higher
    up, down = found.reaches(goal), found.reaches(goal, Better.LOWER)
    assert up + down == pytest.approx(1)
    assert found.reaches(goal * 2) <= up


def test_calibration_forecasts_each_past_month_from_those_before_it() -> None:
    series = np.random.default_rng(8).lognormal(5, 0.1, 20)
    series[17] = np.nan
    held = []
    for place in range(8, 20):
        found = monthly_forecast(series[:place])
        assert found is not None
        low, high = found.interval(0.8)
        held.append(low <= series[place] <= high)
    result = calibration(series)
    assert (result.covered, result.tested, result.level) == (sum(held), 11, 0.8)


def test_calibration_starts_where_forecasts_do() -> None:
    assert calibration(np.arange(1.0, 11)).tested == 10 - FEWEST_MONTHS
    assert calibration(np.arange(1.0, 11), ahead=3).tested == 10 - FEWEST_MONTHS - 2


def test_seasonal_indices_are_the_factors_that_made_the_figures() -> None:
    season = np.array([1, 1, 1.2, 1, 0.9, 0.8, 0.7, 0.8, 1, 1.1, 1.3, 1.2])
    base = 500 * 1.01 ** np.arange(30)
    found = seasonal_indices(months(30), base * season[np.arange(30) % 12])
    assert found is not None
    assert sum(found.index) / 12 == pytest.approx(1)
    assert found.index == pytest.approx(season / season.mean())
    assert found.adjusted == pytest.approx(base * season.mean())


def test_seasonal_indices_bear_a_missing_month() -> None:
    figures = np.full(36, 10.0)
    figures[3] = np.nan
    found = seasonal_indices(months(36)[::-1], figures)
    assert found is not None
    assert found.index == pytest.approx((1,) * 12)
    assert np.isnan(found.adjusted[3])


def test_a_season_seen_once_is_none() -> None:
    short, gap = np.ones(SEASONAL_MONTHS - 1), np.ones(SEASONAL_MONTHS)
    gap[4] = np.nan
    assert seasonal_indices(months(len(short)), short) is None
    assert seasonal_indices(months(len(gap)), gap) is None
    assert seasonal_indices(months(36), np.r_[0.0, np.ones(35)]) is None
