"""What lies ahead of a plan: where KPIs head (``trend``), what becomes of its ``objectives``."""

import argparse

from kpi_core import catalogue, words
from kpi_core.cli import asked, printed
from kpi_core.cli.printed import Answer, Lines
from kpi_core.facts import Facts
from kpi_core.gates import GuardCheck, check
from kpi_core.kpis import Values, kpi_values
from kpi_core.objectives import (
    AimReview,
    check_name,
    guard_said,
    review,
    target_words,
    told,
)
from kpi_core.plan import Plan
from kpi_core.text import say
from kpi_core.trend import (
    LEVEL,
    Ahead,
    Course,
    Point,
    Trend,
    ahead_said,
    course_said,
    courses,
    kept_said,
    month_in_view,
    recent,
    trends,
)

SIGNS = {True: "✓", False: "✗", None: "?"}


def add(commands: asked.Commands) -> None:
    """Register the commands."""
    heading = asked.command(commands, "trend", _trend, "Where the KPIs of a plan are heading.")
    asked.takes_plan(heading)
    heading.add_argument("--by", choices=("month", "week"), default="month")
    asked.takes_plan(
        asked.command(
            commands,
            "objectives",
            _objectives,
            "Whether the objectives of a plan can be judged and reached.",
        )
    )


def _trend(options: argparse.Namespace) -> tuple[Answer, Lines]:
    plan, lang = asked.plan(options), options.lang
    facts, values = asked.values(options, plan)
    months = _history(facts, plan)
    cut = months if options.by == "month" else _history(facts, plan, options.by)
    month = month_in_view(facts, values.period)
    running = courses(facts, plan, values, month) if month else ()
    found = trends(plan, cut, months, options.by, running)
    answer = {
        "by": options.by,
        "kpis": [_trend_row(own) for own in found],
        "courses": [_course_row(own) for own in running],
    }
    lines = [course_said(own, lang) for own in running]
    for own in found:
        lines += ["", own.kpi.name[lang]]
        lines += printed.aligned([_point_row(point, own, lang) for point in own.points[-14:]])
        if own.ahead:
            said = ahead_said(own.kpi, own.ahead, own.currency, lang)
            lines.append(f"  {said} {kept_said(own.ahead.kept, lang)}")
    return printed.with_findings(answer, lines, (*facts.findings, *values.findings), lang)


def _history(facts: Facts, plan: Plan, by: str = "month") -> Values:
    """The KPIs of the plan in every month that the files hold; of the latest weeks."""
    business, days = catalogue.business(plan.business), recent(facts, by)
    return kpi_values(facts, business, days, by, settings=plan.settings(), kpis=plan.kpis())


def _point_row(point: Point, own: Trend, lang: str) -> list[str]:
    figures = [
        words.kpi_figure(own.kpi, figure, own.currency, lang)
        for figure in (point.value, point.target)
    ]
    mark = "" if point.whole else say(lang, "words.not_whole")
    return [f"  {point.slice}", *figures, mark]


def _trend_row(own: Trend) -> Answer:
    return {
        "kpi": own.kpi.id,
        "unit": printed.unit(own.kpi.unit, own.currency),
        "points": [
            {
                "slice": point.slice,
                "value": point.value,
                "whole": point.whole,
                "target": point.target,
                "year_ago": point.year_ago,
                "adjusted": point.adjusted,
            }
            for point in own.points
        ],
        "ahead": _ahead_row(own.ahead),
    }


def _ahead_row(coming: Ahead | None) -> Answer | None:
    if coming is None:
        return None
    low, high = coming.forecast.interval(LEVEL)
    return {
        "month": printed.span(coming.month),
        "middle": coming.forecast.middle,
        "low": low,
        "high": high,
        "target": printed.number(coming.target),
        "probability": coming.chance,
        "months": coming.months,
        "tested": coming.kept.tested,
        "covered": coming.kept.covered,
    }


def _course_row(own: Course) -> Answer:
    low, high = own.run.total.interval(LEVEL)
    return {
        "kpi": own.kpi.id,
        "month": printed.span(own.month),
        "last_day": str(own.last),
        "counted": own.run.counted,
        "due": own.due,
        "target": printed.number(own.target),
        "end": own.run.total.middle,
        "low": low,
        "high": high,
        "probability": own.chance,
    }


def _objectives(options: argparse.Namespace) -> tuple[Answer, Lines]:
    plan, lang = asked.plan(options), options.lang
    facts, values = asked.values(options, plan)
    found = review(plan, values, _history(facts, plan), lang)
    guards = [own for own in check(plan, values) if isinstance(own, GuardCheck)]
    answer = {
        "period": printed.span(values.period),
        "objectives": [
            {
                "name": own.objective.name,
                "said": told(own, lang),
                "missing": list(own.missing),
                "aims": [_aim_row(aim) for aim in own.aims],
            }
            for own in found
        ],
        "guards": [
            {
                "kpi": own.guard.kpi,
                "guard": own.guard.guard,
                "kept": own.kept,
                "gained": printed.number(own.gained),
                "harmed": printed.number(own.harmed),
            }
            for own in guards
        ],
    }
    lines: Lines = [] if found else [say(lang, "objectives.none")]
    for own in found:
        lines.append(told(own, lang))
        for aim in own.aims:
            lines += [f"  {aim.kpi.name[lang]}: {target_words(plan, aim.aim, lang)}"]
            lines += [
                f"    {SIGNS[one.held]} {check_name(one, lang)}: {one.why}" for one in aim.checks
            ]
    lines += [f"{SIGNS[own.kept]} {guard_said(own, lang)}" for own in guards]
    return printed.with_findings(answer, lines, (*facts.findings, *values.findings), lang)


def _aim_row(own: AimReview) -> Answer:
    return {
        "part": own.part,
        "kpi": own.aim.kpi,
        "target": printed.number(own.target),
        "value": printed.number(own.value.value) if own.value else None,
        "month": printed.span(own.month),
        "reached": own.reached,
        "ahead": _ahead_row(own.ahead),
        "checks": {one.id: {"held": one.held, "why": one.why} for one in own.checks},
    }
