"""Where figures are heading: lines, targets of parts, the month under way, days compared alike."""

from datetime import date, timedelta
from fractions import Fraction

import numpy as np
import pytest

from kpi_core import catalogue
from kpi_core.kpis import Values, kpi_values
from kpi_core.model import parse_period
from kpi_core.plan import Plan, changed, default_plan
from kpi_core.trend import (
    adds_up,
    ahead,
    ahead_said,
    chance_words,
    course_said,
    courses,
    horizon,
    kept_said,
    least_likely,
    likely,
    month_in_view,
    moved,
    recent,
    trends,
    verdict,
)
from tests.core.small import facts

LEVELS = [30, 32, 31, 33, 30, 34, 32, 31, 33, 32, 31, 34]


def days(first: str, last: str, orders, sessions: int = 1000) -> str:
    """A table of days: `orders` is a number or asked of each day."""
    begin, end = date.fromisoformat(first), date.fromisoformat(last)
    lines = ["Date,Orders,Sessions"]
    for step in range((end - begin).days + 1):
        day = begin + timedelta(step)
        lines.append(f"{day},{orders(day) if callable(orders) else orders},{sessions}")
    return "\n".join(lines)


def plan_of(target: str = "310") -> Plan:
    """Orders alone, with a target of a month."""
    plan = default_plan("shop")
    line = plan.lines[0].model_dump() | {"kpi": "orders", "target": target}
    ratio = plan.lines[0].model_dump() | {"kpi": "cr", "target": "0.02"}
    scheme = plan.scheme.model_dump() | {"factors": [plan.scheme.factors[0].model_dump()]}
    return changed(plan, lines=[line, ratio], scheme=scheme)


def values(loaded, plan: Plan, by: str | None = None, period: str | None = None, **more) -> Values:
    asked = parse_period(period) if period else recent(loaded, by or "")
    business = catalogue.business(plan.business)
    return kpi_values(
        loaded, business, asked, by, settings=plan.settings(), kpis=plan.kpis(), **more
    )


def lines_of(loaded, plan: Plan, by: str = "month"):
    months = values(loaded, plan, "month")
    return {own.kpi.id: own for own in trends(plan, values(loaded, plan, by), months, by)}


# --- the same number of days


@pytest.mark.parametrize(
    ("asked", "until", "when", "then"),
    [
        ("2026-11", "2026-11-14", "previous", "2026-10-01..2026-10-14"),
        ("2026-11", "2026-11-14", "year_ago", "2025-11-01..2025-11-14"),
        ("2026-11", "2026-11-30", "previous", "2026-10"),
        ("2026-11", "2026-12-02", "previous", "2026-10"),
        ("2026-Q4", "2026-11-14", "previous", "2026-07-01..2026-08-14"),
        ("2026-03", "2026-03-30", "previous", "2026-01-30..2026-02-28"),  # February is too short
        ("2026-11-10..2026-11-19", "2026-11-14", "previous", "2026-10-31..2026-11-04"),
    ],
)
def test_a_period_not_over_is_compared_with_as_many_days(asked, until, when, then) -> None:
    period, held = parse_period(asked), date.fromisoformat(until)
    found = period.earlier(when, held)
    assert found == parse_period(then)
    if held < period.last:
        assert found.days == (held - period.first).days + 1


def test_orders_of_fourteen_days_meet_those_of_fourteen_days() -> None:
    loaded = facts(days("2026-09-01", "2026-11-14", lambda day: 10 if day.month == 10 else 20))
    found = values(loaded, plan_of(), period="2026-11", against=("previous",))
    assert found.total("orders").value == 280
    assert found.earlier["previous"].total("orders").value == 140
    assert found.earlier["previous"].period == parse_period("2026-10-01..2026-10-14")


def test_the_files_say_which_months_and_quarters_are_whole_and_which_month_has_begun() -> None:
    loaded = facts(days("2026-06-20", "2026-11-14", 10))
    assert loaded.months() == [parse_period(f"2026-{month:02}") for month in (7, 8, 9, 10)]
    assert loaded.quarters() == [parse_period("2026-Q3")]
    assert loaded.begun() == parse_period("2026-11")
    assert facts(days("2026-10-01", "2026-10-31", 10)).begun() is None
    assert facts(days("2026-10-05", "2026-10-20", 10)).begun() is None  # its first days lack


# --- lines


def test_a_month_that_is_not_whole_says_so_and_is_no_part_of_the_forecast() -> None:
    loaded = facts(days("2026-01-01", "2026-11-14", lambda day: LEVELS[day.month - 1]))
    orders = lines_of(loaded, plan_of())["orders"]
    assert [point.whole for point in orders.points] == [True] * 10 + [False]
    assert orders.points[-1].value == 14 * 31
    assert orders.points[0].target == 310
    assert orders.ahead is not None
    assert orders.ahead.month == parse_period("2026-11")
    assert orders.ahead.months == 10


def test_the_year_before_stands_beside_and_the_season_takes_two_years() -> None:
    season = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 3]
    two_years = facts(days("2024-01-01", "2025-12-31", lambda day: 10 * season[day.month - 1]))
    points = lines_of(two_years, plan_of())["orders"].points
    assert [point.year_ago for point in points[:12]] == [None] * 12
    assert points[23].year_ago == points[11].value == 31 * 30
    assert all(point.adjusted is not None for point in points)
    assert points[23].adjusted == pytest.approx(points[22].adjusted, rel=0.05)
    short = lines_of(facts(days("2024-02-01", "2025-12-31", 10)), plan_of())["orders"].points
    assert all(point.adjusted is None for point in short)


def test_a_week_has_its_part_of_the_target_and_a_ratio_all_of_it() -> None:
    loaded = facts(days("2026-09-01", "2026-10-31", 10))
    found = lines_of(loaded, plan_of(), "week")
    week = next(own for own in found["orders"].points if own.slice == "2026-10-05")
    assert week.target == pytest.approx(310 * 7 / 31)
    assert {point.target for point in found["cr"].points} == {0.02}


def test_days_and_weeks_are_read_no_further_back_than_can_be_shown() -> None:
    loaded = facts(days("2024-01-01", "2026-10-31", 10))
    assert recent(loaded, "month") is None
    day, week = recent(loaded, "day"), recent(loaded, "week")
    assert day is not None
    assert week is not None
    assert (day.days, week.days) == (62, 7 * (53 + 52))


# --- the month after


def test_five_months_make_no_forecast() -> None:
    loaded, plan = facts(days("2026-06-01", "2026-10-31", 10)), plan_of()
    assert ahead(plan, values(loaded, plan, "month"), "orders") is None
    assert least_likely(tuple(lines_of(loaded, plan).values())) is None


def test_a_target_within_reach_is_likely_and_one_far_off_is_not() -> None:
    loaded = facts(days("2026-01-01", "2026-10-31", lambda day: LEVELS[day.month - 1]))
    near, far = plan_of("900"), plan_of("2000")
    months = values(loaded, near, "month")
    good, bad = ahead(near, months, "orders"), ahead(far, months, "orders")
    assert good is not None
    assert bad is not None
    assert (verdict(good.chance or 0), verdict(bad.chance or 0)) == ("yes", "no")
    assert good.kept.tested == 4  # ten months, of which the first six are needed
    found = tuple(lines_of(loaded, far).values())
    assert likely(found)[1] == 2
    assert least_likely(found) is not None


def test_a_later_deadline_is_further_ahead() -> None:
    loaded, plan = facts(days("2026-01-01", "2026-10-31", 10)), plan_of()
    found = ahead(plan, values(loaded, plan, "month"), "orders", until=date(2027, 1, 20))
    assert found is not None
    assert found.month == parse_period("2027-01")


@pytest.mark.parametrize(("months_", "most"), [(5, 2), (6, 3), (10, 5), (24, 12), (40, 12)])
def test_a_forecast_looks_no_further_than_half_of_the_history(months_: int, most: int) -> None:
    assert horizon(np.full(months_, 10.0)) == most
    assert horizon(np.r_[np.full(months_, 10.0), [np.nan] * 3]) == most


def test_beyond_the_horizon_there_is_no_forecast() -> None:
    """Ten months up to October 2026: until March 2027."""
    loaded, plan = facts(days("2026-01-01", "2026-10-31", 10)), plan_of()
    months = values(loaded, plan, "month")
    assert ahead(plan, months, "orders", until=date(2027, 3, 31)) is not None
    assert ahead(plan, months, "orders", until=date(2027, 4, 1)) is None
    assert ahead(plan, months, "orders", until=date(9999, 12, 31)) is None


def without(text: str, *lost: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.startswith(lost))


@pytest.mark.parametrize("by", ["month", "week"])
def test_a_month_in_which_the_counter_was_off_is_not_whole(by: str) -> None:
    """Fifteen days of May are lost: 16 of 31 days are no month; a ratio of them is one."""
    lost = [f"2026-05-{day:02}" for day in range(10, 25)]
    loaded = facts(without(days("2026-01-01", "2026-10-31", 10), *lost))
    plan = changed(plan_of(), lines=[plan_of().lines[0].model_dump() | {
        "kpi": "sessions", "target": "31000"}, plan_of().lines[1].model_dump()])  # fmt: skip
    found = lines_of(loaded, plan, by)
    broken = {point.slice for point in found["sessions"].points if not point.whole}
    if by == "month":
        assert broken == {"2026-05"}
        assert all(point.whole for point in found["cr"].points)
        assert found["sessions"].ahead.months == 9
        assert found["cr"].ahead.months == 10
        point = next(own for own in found["sessions"].points if own.slice == "2026-05")
        assert point.value == 16_000
    else:
        assert "2026-05-04" in broken
        assert not {"2026-04-27", "2026-05-25"} & broken


# --- the month under way


def test_fourteen_days_of_ten_run_up_to_three_hundred_and_ten() -> None:
    loaded, plan = facts(days("2026-08-01", "2026-10-14", 10)), plan_of("400")
    (course,) = courses(loaded, plan, values(loaded, plan), parse_period("2026-10"))
    assert course.run.counted == 140
    assert course.run.total.middle == pytest.approx(310)
    assert course.due == pytest.approx(400 * 14 / 31)
    assert course.last == date(2026, 10, 14)
    assert [day.counted for day in course.days][13:15] == [140, None]
    assert not course.over
    assert "310" in course_said(course, "en")
    assert "almost surely be missed" in course_said(course, "en")
    assert "почти наверняка не будет" in course_said(course, "ru")


def test_the_pace_knows_the_weekdays() -> None:
    """Nothing on weekends: of 22 working days of October ten are over on the 14th."""
    closed = days("2026-08-01", "2026-10-14", lambda day: 0 if day.weekday() > 4 else 10)
    loaded, plan = facts(closed), plan_of("220")
    (course,) = courses(loaded, plan, values(loaded, plan), parse_period("2026-10"))
    assert course.due == pytest.approx(100)
    assert course.run.counted == 100


def test_a_month_that_is_over_is_told_as_over() -> None:
    loaded = facts(days("2026-08-01", "2026-10-31", 10))
    for target, word in (("310", "was reached"), ("311", "was missed")):
        plan = plan_of(target)
        (course,) = courses(loaded, plan, values(loaded, plan), parse_period("2026-10"))
        assert course.over
        assert word in course_said(course, "en")


def test_one_may_look_from_an_earlier_day() -> None:
    loaded, plan = facts(days("2026-08-01", "2026-10-31", 10)), plan_of()
    month = parse_period("2026-10")
    (course,) = courses(loaded, plan, values(loaded, plan), month, date(2026, 10, 3))
    assert (course.run.counted, course.run.days_left) == (30, 28)


def test_only_what_adds_up_runs() -> None:
    sums = {"orders", "sessions", "revenue", "social_interactions"}
    ratios = {"cr", "aov", "romi", "followers", "aov_growth", "ltv"}
    formulas = {id: catalogue.kpi(id).variants[0].formula for id in sums | ratios}
    assert {id for id, formula in formulas.items() if adds_up(formula)} == sums


@pytest.mark.parametrize(
    ("period", "month"),
    [("2026-09", "2026-09"), ("2026-Q3", "2026-09"), ("2026-09-03..2026-09-05", "2026-09"),
     (None, "2026-10"), ("2026-Q4", "2026-10")],
)  # fmt: skip
def test_the_month_in_view(period: str | None, month: str) -> None:
    loaded = facts(days("2026-08-01", "2026-10-14", 10))
    asked = parse_period(period) if period else None
    assert month_in_view(loaded, asked) == parse_period(month)


def test_the_days_of_a_month_under_way_go_before_its_forecast() -> None:
    """14 days of 31 orders of November end near 930: more than the months before let expect."""
    loaded = facts(days("2026-01-01", "2026-11-14", lambda day: LEVELS[day.month - 1]))
    plan = plan_of("960")
    months = values(loaded, plan, "month")
    running = courses(loaded, plan, values(loaded, plan), parse_period("2026-11"))
    found = {own.kpi.id: own for own in trends(plan, months, months, running=running)}
    orders = found["orders"]
    assert orders.running is running[0]
    assert orders.month == parse_period("2026-11")
    assert orders.chance == running[0].chance != orders.ahead.chance
    assert found["cr"].running is None


# --- words


def test_nobody_knows_nought_or_all() -> None:
    assert [chance_words(chance, "en") for chance in (0.0, 0.031, 0.5, 1.0)] == [
        "<1%", "3%", "50%", ">99%"
    ]  # fmt: skip


def test_the_forecast_says_its_interval_and_its_check() -> None:
    loaded, plan = facts(days("2026-01-01", "2026-10-31", 10)), plan_of()
    line = lines_of(loaded, plan)["orders"]
    assert line.ahead is not None
    said = ahead_said(line.kpi, line.ahead, None, "en")
    assert said.startswith("Forecast for November 2026:")
    assert "80%" in said
    assert "past month" in kept_said(line.ahead.kept, "en")


def test_a_change_is_a_share_of_what_was() -> None:
    loaded = facts(days("2026-09-01", "2026-10-31", lambda day: 10 if day.month == 9 else 12))
    found = values(loaded, plan_of(), period="2026-10", against=("previous",))
    before, after = found.earlier["previous"].total("orders"), found.total("orders")
    assert moved(before, after) == Fraction(12 * 31, 10 * 30) - 1
    assert moved(None, after) is None


def test_stated_figures_have_no_days() -> None:
    plan = changed(plan_of(), facts={"orders": "500"})
    loaded = facts(days("2026-08-01", "2026-10-14", 10))
    assert courses(loaded, plan, values(loaded, plan), parse_period("2026-10")) == ()
