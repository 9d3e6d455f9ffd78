"""Where the figures are heading: each KPI over time, the month after, and the month under way.

The arithmetic is that of ``forecast``; here it is asked of the KPIs of a plan and told in words.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

import numpy as np

from kpi_core import catalogue, words
from kpi_core.facts import TIME_SLICES, Facts, Hearing
from kpi_core.forecast import (
    RECENT_DAYS,
    Calibration,
    Forecast,
    RunRate,
    calibration,
    monthly_forecast,
    pace,
    run_rate,
    seasonal_indices,
    weekday_profile,
)
from kpi_core.formula import Array, Formula
from kpi_core.kpis import STATED, Evaluation, KpiValue, Values
from kpi_core.model import TOTAL, Adds, Kpi, Period, month_of
from kpi_core.plan import Plan
from kpi_core.text import days, number, percent, say

LEVEL = 0.8  # of the intervals that are shown
MOST = {"month": 37, "week": 53, "day": 62}  # points of a line that can still be read
BACK = {"month": 12, "week": 52}  # the same slice a year ago, on the same weekdays
LIKELY, SURE = 0.5, 0.9
MOST_AHEAD = 12  # months after the last known one: further on nobody knows


@dataclass(frozen=True)
class Point:
    """A slice of time of a KPI.

    Attributes:
        whole: whether the figures speak for all its days.
        target: of the slice; of a week or day of something that adds up, its part of the month's.
        year_ago: the value of the same slice a year before.
        adjusted: the value without the season, where the history shows one.
    """

    slice: str
    period: Period
    value: float | None
    whole: bool
    target: float | None
    year_ago: float | None
    adjusted: float | None


@dataclass(frozen=True)
class Ahead:
    """What a month to come may bring, by the months before it.

    Attributes:
        chance: of reaching the target of that month.
        months: how many months with a figure it is made from.
        kept: how such forecasts would have done before.
    """

    month: Period
    forecast: Forecast
    target: Fraction | None
    chance: float | None
    months: int
    kept: Calibration


@dataclass(frozen=True)
class Day:
    """Where a month stands at the end of a day: counted so far, and as the target's pace asks."""

    day: date
    counted: float | None
    pace: float | None


@dataclass(frozen=True)
class Course:
    """A month of a KPI whose days add up, as far as it has come.

    Attributes:
        last: the last counted day.
    """

    kpi: Kpi
    currency: str | None
    month: Period
    target: Fraction | None
    days: tuple[Day, ...]
    run: RunRate
    last: date

    @property
    def over(self) -> bool:
        """Whether every day is counted."""
        return not self.run.days_left

    @property
    def chance(self) -> float | None:
        """How likely the month reaches its target."""
        if self.target is None:
            return None
        return self.run.total.reaches(float(self.target), self.kpi.better)

    @property
    def due(self) -> float | None:
        """What the pace asks by the last counted day."""
        return next((day.pace for day in self.days if day.day == self.last), None)


@dataclass(frozen=True)
class Trend:
    """A KPI over time.

    Attributes:
        ahead: ``None`` where the months are too few.
        running: the course of that same month, where it is under way; its days say more.
    """

    kpi: Kpi
    currency: str | None
    by: str
    points: tuple[Point, ...]
    ahead: Ahead | None
    running: Course | None = None

    @property
    def month(self) -> Period | None:
        """The month that is forecast."""
        return self.running.month if self.running else self.ahead.month if self.ahead else None

    @property
    def chance(self) -> float | None:
        """How likely that month reaches its target."""
        if self.running:
            return self.running.chance
        return self.ahead.chance if self.ahead else None


# --- over time


def trends(
    plan: Plan, cut: Values, months: Values, by: str = "month", running: Sequence[Course] = ()
) -> tuple[Trend, ...]:
    """Every KPI of a plan over time, of which there are figures.

    Args:
        plan: whose KPIs and targets.
        cut: values by day, week or month.
        months: values by month, which the forecasts are made from.
        by: how `cut` is cut.
        running: months under way, which go before a forecast of the same month.
    """
    under_way = {course.kpi.id: course for course in running if not course.over}
    found = []
    for id in plan.kpis():
        rows = sorted(_rows(cut, id), key=lambda row: row.slice)
        if any(row.value is not None for row in rows):
            last = max((row for row in rows if row.value is not None), default=rows[-1], key=_slice)
            points = _points(plan, rows, by)
            coming, course = ahead(plan, months, id), under_way.get(id)
            if course and coming and course.month != coming.month:
                course = None
            found.append(Trend(last.definition, last.currency, by, points, coming, course))
    return tuple(found)


def _rows(values: Values, kpi: str) -> list[KpiValue]:
    return [row for row in values.rows if row.kpi == kpi and row.slice != TOTAL]


def _slice(row: KpiValue) -> str:
    return row.slice


def _span(slice: str, by: str) -> Period:
    """The days of a slice of time, by its name."""
    first = date.fromisoformat(f"{slice}-01" if by == "month" else slice)
    return month_of(first) if by == "month" else Period(first, first + timedelta(_length(by) - 1))


def _length(by: str) -> int:
    return 7 if by == "week" else 1


def _points(plan: Plan, rows: Sequence[KpiValue], by: str) -> tuple[Point, ...]:
    spans = {row.slice: _span(row.slice, by) for row in rows}
    values = {
        row.slice: float(row.value) if row.whole and row.value is not None else None for row in rows
    }
    names = {span.first: slice for slice, span in spans.items()}
    adjusted = _adjusted(rows, by)
    points = []
    for row in rows:
        then = _year_before(spans[row.slice].first, by)
        points.append(
            Point(
                row.slice,
                spans[row.slice],
                None if row.value is None else float(row.value),
                row.whole,
                _target(plan, row, spans[row.slice], by),
                values.get(names.get(then, "")) if then else None,
                adjusted.get(row.slice),
            )
        )
    return tuple(points[-MOST[by] :])


def _year_before(first: date, by: str) -> date | None:
    if by == "month":
        return first.replace(year=first.year - 1)
    return first - timedelta(weeks=BACK[by]) if by in BACK else None


def _adjusted(rows: Sequence[KpiValue], by: str) -> dict[str, float]:
    """Slice to value without the season; empty where the months show none."""
    if by != "month":
        return {}
    months = [_span(row.slice, by).first for row in rows]
    values = np.array(
        [float(row.value) if row.whole and row.value is not None else np.nan for row in rows]
    )
    season = seasonal_indices(months, values)
    if season is None:
        return {}
    pairs = zip(rows, season.adjusted.tolist(), strict=True)
    return {row.slice: figure for row, figure in pairs if np.isfinite(figure)}


def _target(plan: Plan, row: KpiValue, span: Period, by: str) -> float | None:
    month = month_of(span.first)
    target = target_of(plan, row.kpi, month)
    if target is None or by == "month":
        return None if target is None else float(target)
    formula = row.definition.variant(row.variant).formula
    if not adds_up(formula):
        return None if _counts(row) else float(target)
    return float(target) * span.days / month.days


def _counts(row: KpiValue) -> bool:
    """Whether a KPI is one figure that grows with the days, though they do not add up to it."""
    return len(row.inputs) == 1 and all(
        catalogue.measure(id).adds is Adds.NONE for id in row.inputs if id in catalogue.measures()
    )


def target_of(plan: Plan, kpi: str, period: Period) -> Fraction | None:
    """What a plan wants of a KPI in a period."""
    goals = (goal for goal in plan.of_period(period).goals() if goal.kpi == kpi)
    targets = [Fraction(goal.target) for goal in goals if goal.target is not None]
    return targets[0] if targets else None


# --- the month after


def monthly(values: Values, kpi: str) -> tuple[list[Period], Array]:
    """Month after month from the first to the last with a figure; NaN for one without.

    A month that the data do not hold to its end has none.
    """
    known = {
        _span(row.slice, "month").first: float(row.value)
        for row in _rows(values, kpi)
        if row.whole and row.value is not None
    }
    months: list[Period] = []
    if known:
        months.append(month_of(min(known)))
        while months[-1].first < max(known):
            months.append(month_of(months[-1].last + timedelta(days=1)))
    return months, np.array([known.get(month.first, np.nan) for month in months])


def ahead(
    plan: Plan, months: Values, kpi: str, target: Fraction | None = None, until: date | None = None
) -> Ahead | None:
    """The month after the last known one, or that of a later day, against a target.

    Args:
        plan: what is wanted where no `target` is given.
        months: values by month.
        kpi: of which KPI.
        target: other than that of the plan.
        until: a day of the month that is asked about.

    Returns:
        ``None`` where the months are too few, or that day lies beyond the `horizon`.
    """
    known, figures = monthly(months, kpi)
    if not known:
        return None
    month = month_asked(known[-1], until)
    steps = months_between(known[-1], month)
    if steps > horizon(figures):
        return None
    forecast = monthly_forecast(figures, steps)
    if forecast is None:
        return None
    wanted = target_of(plan, kpi, month) if target is None else target
    better = next(row.definition.better for row in _rows(months, kpi))
    chance = None if wanted is None else forecast.reaches(float(wanted), better)
    return Ahead(month, forecast, wanted, chance, months_known(figures),
                 calibration(figures, LEVEL, steps))  # fmt: skip


def month_asked(last: Period, until: date | None) -> Period:
    """The month after the `last` known one, or that of a later day."""
    month = month_of(last.last + timedelta(days=1))
    return month_of(until) if until and until > month.last else month


def months_known(figures: Array) -> int:
    """How many months have a figure."""
    return int(np.isfinite(figures).sum())


def horizon(figures: Array) -> int:
    """How many months ahead a forecast may look: half as many as have a figure, at most a year."""
    return min(months_known(figures) // 2, MOST_AHEAD)


def months_between(one: Period, other: Period) -> int:
    """How many months `other` begins after `one`."""
    return 12 * (other.first.year - one.first.year) + other.first.month - one.first.month


# --- the month under way


def adds_up(formula: Formula) -> bool:
    """Whether the figures of days add up to that of a month: sums of measures do, ratios do not."""
    measures = [catalogue.measures().get(name) for name in formula.names]
    if not measures or any(m is None or m.adds is not Adds.SUM or m.counts for m in measures):
        return False
    return formula.adds_up({})


def courses(
    facts: Facts, plan: Plan, values: Values, month: Period, seen: date | None = None
) -> tuple[Course, ...]:
    """The month of every KPI of a plan whose days add up.

    Args:
        facts: what the files say.
        plan: whose KPIs and targets.
        values: in total, which say by what definition a KPI is read.
        month: a calendar month.
        seen: the last day to look at, to see how the forecast stood then; all if not given.
    """
    totals = values.totals()
    made = (
        _course(facts, plan, totals[id], month, seen)
        for id in plan.kpis()
        if id in totals and adds_up(totals[id].definition.variant(totals[id].variant).formula)
    )
    return tuple(course for course in made if course)


def _course(
    facts: Facts, plan: Plan, value: KpiValue, month: Period, seen: date | None
) -> Course | None:
    kpi = value.definition
    asked = Period(month.first - timedelta(days=RECENT_DAYS), min(month.last, seen or month.last))
    known = _daily(
        Evaluation(facts, asked, settings=plan.settings()), kpi.variant(value.variant).formula
    )
    dates = sorted(known)
    figures = np.array([known[day] for day in dates])
    run = run_rate(dates, figures, month.first, month.last)
    inside = [day for day in dates if month.has(day)]
    if run is None or not inside:
        return None
    before = np.array([known[day] for day in dates if day < month.first])
    profile = weekday_profile(dates[: len(before)], before) if len(before) else (1.0,) * 7
    target = target_of(plan, kpi.id, month)
    line = dict(pace(profile, month.first, month.last, float(target or 0)))
    stands, course = 0.0, []
    for day, due in line.items():
        stands += known.get(day, 0.0)
        counted = stands if day <= inside[-1] else None
        course.append(Day(day, counted, None if target is None else due))
    return Course(kpi, value.currency, month, target, tuple(course), run, inside[-1])


def _daily(evaluation: Evaluation, formula: Formula) -> dict[date, float]:
    """Day to figure; a day of which nobody speaks is left out, one without rows may be a zero."""
    series = [daily_figures(evaluation, id) for id in formula.names]
    shared = sorted(set.intersection(*(set(own) for own in series)))
    if not shared:
        return {}
    quantities = {
        id: np.array([own[day] for day in shared])
        for id, own in zip(formula.names, series, strict=True)
    }
    return dict(zip(shared, formula.values(quantities).tolist(), strict=True))


def daily_figures(
    evaluation: Evaluation, id: str, sources: Sequence[str] | None = None
) -> dict[date, float]:
    """Day to figure of a measure, by `sources` or whoever speaks; empty where they tell no days."""
    given = evaluation.input(id, sources=sources)
    if given.value is None:
        return {}
    found: list[dict[date, float]] = []
    measure = catalogue.measure(id)
    by_day = Hearing(evaluation.hearing.facts, evaluation.period, "day")
    for source in given.sources:
        heard = None if source == STATED else by_day.hear(source, measure)
        if heard is None:
            return {}
        own = {date.fromisoformat(day): float(figure) for day, figure in heard.figures.items()
               if day != TOTAL}  # fmt: skip
        if not measure.family.every_day:
            for day in _all_days(heard.covers):
                own.setdefault(day, 0.0)
        found.append({day: own[day] for day in own if day not in heard.blanks})
    shared = set.intersection(*map(set, found)) if found else set()
    return {day: sum(own[day] for own in found) for day in shared}


def _all_days(spans: Iterable[Period]) -> Iterable[date]:
    for span in spans:
        yield from (span.first + timedelta(step) for step in range(span.days))


def month_in_view(facts: Facts, period: Period | None) -> Period | None:
    """The month whose course is shown: the chosen one, else the one in which the data end."""
    if period and period == month_of(period.first):
        return period
    last = facts.period.last if facts.period else None
    if period and last:
        last = min(last, period.last)
    return month_of(last) if last else None


def recent(facts: Facts, by: str) -> Period | None:
    """The days to evaluate: all, but of days no more than can be read."""
    if by not in TIME_SLICES or by == "month" or facts.period is None:
        return None
    length = MOST[by] * _length(by) + (BACK[by] * _length(by) if by in BACK else 0)
    first = facts.period.last - timedelta(days=length - 1)
    return Period(max(first, facts.period.first), facts.period.last)


def moved(before: KpiValue | None, after: KpiValue | None) -> Fraction | None:
    """By which share of what it was a value moved."""
    if before is None or after is None or not before.value or after.value is None:
        return None
    if before.currency != after.currency:
        return None
    return (after.value - before.value) / abs(before.value)


def least_likely(found: Sequence[Trend]) -> Trend | None:
    """The KPI whose target of the month to come is furthest off."""
    judged = [own for own in found if own.chance is not None]
    return min(judged, key=_chance, default=None)


def likely(found: Sequence[Trend]) -> tuple[int, int]:
    """How many KPIs will more likely reach their targets than not, of how many that have one."""
    chances = [own.chance for own in found if own.chance is not None]
    return sum(chance >= LIKELY for chance in chances), len(chances)


def _chance(trend: Trend) -> float:
    return trend.chance or 0.0


# --- in words


def chance_words(chance: float, lang: str) -> str:
    """A probability; never 0 or 100 %, which nobody knows."""
    if chance < 0.01:
        return "<" + percent(0.01, lang, 0)
    if chance > 0.99:
        return ">" + percent(0.99, lang, 0)
    return percent(chance, lang, 0)


def verdict(chance: float) -> str:
    """Whether a target is reached: ``yes``, ``likely``, ``unlikely`` or ``no``."""
    if chance >= LIKELY:
        return "yes" if chance >= SURE else "likely"
    return "no" if chance < 1 - SURE else "unlikely"


def course_said(course: Course, lang: str) -> str:
    """How a month stands and where it will end, in words."""

    def shown(value: float | Fraction | None) -> str:
        return words.kpi_figure(course.kpi, value, course.currency, lang)

    month = days(course.month.first, course.month.last, lang)
    name, target = course.kpi.name[lang], shown(course.target)
    if course.over:
        counted = shown(course.run.counted)
        if course.target is None:
            return say(lang, "trend.over_free", name=name, month=month, counted=counted)
        word = "trend.over_reached" if course.chance == 1 else "trend.over_missed"
        return say(lang, word, name=name, month=month, counted=counted, target=target)
    low, high = course.run.total.interval(LEVEL)
    said = [
        say(
            lang,
            "trend.rate",
            n=course.run.days_counted,
            name=name,
            month=month,
            counted=shown(course.run.counted),
            end=shown(course.run.total.middle),
            low=shown(low),
            high=shown(high),
            level=percent(LEVEL, lang, 0),
        )
    ]
    if course.chance is not None:
        chance, end = chance_words(course.chance, lang), f"trend.end_{verdict(course.chance)}"
        said.append(say(lang, end, target=target, chance=chance))
    if course.due is not None:
        said.append(
            say(lang, "trend.due", due=shown(course.due), counted=shown(course.run.counted))
        )
    return " ".join(said)


def ahead_said(kpi: Kpi, coming: Ahead, currency: str | None, lang: str) -> str:
    """What the next month may bring, and how far such forecasts can be trusted."""

    def shown(value: float | Fraction) -> str:
        return words.kpi_figure(kpi, value, currency, lang)

    low, high = coming.forecast.interval(LEVEL)
    month = days(coming.month.first, coming.month.last, lang)
    said = [
        say(
            lang,
            "trend.ahead",
            month=month,
            middle=shown(coming.forecast.middle),
            low=shown(low),
            high=shown(high),
            level=percent(LEVEL, lang, 0),
        )
    ]
    if coming.target is not None and coming.chance is not None:
        chance = chance_words(coming.chance, lang)
        said.append(say(lang, "trend.chance", target=shown(coming.target), chance=chance))
    return " ".join(said)


def kept_said(kept: Calibration, lang: str) -> str:
    """How forecasts would have done on past months."""
    if not kept.tested:
        return say(lang, "trend.untested")
    level, covered = percent(kept.level, lang, 0), number(kept.covered, lang)
    return say(lang, "trend.kept", n=kept.tested, covered=covered, level=level)
