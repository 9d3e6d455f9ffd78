"""Funnels over the events of a log: ``funnel LOG.csv --steps "view,cart,purchase"``."""

import argparse
from pathlib import Path

from kpi_core import words
from kpi_core.cli import asked, printed
from kpi_core.cli.printed import Answer, Lines
from kpi_core.errors import UsageError
from kpi_core.events import (
    Cohort,
    EventFunnel,
    EventFunnelResult,
    EventStep,
    Exclusion,
    Group,
    Left,
    Order,
    Portion,
    Times,
    duration,
    event_funnel,
    step,
    step_name,
    way_name,
)
from kpi_core.events.asked import CUTS, UNITS
from kpi_core.ingest.eventlog import read_event_log
from kpi_core.text import day, number, percent, say

_NEVER = "none"
# What the counted funnel is asked and a log is not.
_OF_COUNTS = {"plan": "--plan", "period": "--period", "funnel": "--funnel", "stages": "--stages",
              "segment": "--segment", "compare": "--compare", "raised": "--raise"}  # fmt: skip


def takes_events(made: argparse.ArgumentParser) -> None:
    """The steps of a funnel over events, and their limits."""
    log = made.add_argument_group("of the events of a log")
    log.add_argument(
        "--steps", metavar="view,cart|basket@30m,purchase",
        help="events in their order; |: any of them; @: how long after the step before",
    )  # fmt: skip
    log.add_argument("--order", choices=list(Order), default=Order.ORDERED)
    log.add_argument(
        "--window", default="7d", metavar="30m|12h|7d|2w|none", help="from the first step on"
    )
    log.add_argument("--unit", choices=UNITS, default="user", help="whose events they are")
    log.add_argument(
        "--exclude", action="append", default=[], metavar="2:refund",
        help="an event that must not come between a step and the next; any step without a number",
    )  # fmt: skip
    log.add_argument("--touch", choices=("first", "last"), default="first", help="what --by takes")
    log.add_argument("--cohort", choices=("day", "week"), default="week")


def answer(options: argparse.Namespace) -> tuple[Answer, Lines]:
    """The funnel over the events of one log."""
    wanted = _asked(options)
    if options.engine or options.places:
        raise UsageError("place_no_events")
    if not options.files:
        raise UsageError("nothing_to_read")
    if len(options.files) > 1:
        raise UsageError("funnel_one_log", where=options.files[1])
    layouts = asked.layouts(options)
    try:
        log = read_event_log(Path(options.files[0]), layouts=tuple(layouts))
    except OSError:
        raise UsageError("no_such_file", where=options.files[0]) from None
    found, lang = event_funnel(log, wanted), options.lang
    said: Answer = {
        "order": str(wanted.order),
        "unit": wanted.unit,
        "window_seconds": wanted.window and wanted.window.total_seconds(),
        "period": found.period and [str(edge) for edge in found.period],
        "groups": [_group(group) for group in found.groups],
        "left": [_left(left) for left in found.left],
        "cohorts": [_cohort(cohort) for cohort in found.cohorts],
        "days": [_cohort(cohort) for cohort in found.days],
    }
    lines = printed.aligned(_step_rows(found, lang))
    lines += _left_lines(found, lang)
    if wanted.by:
        lines += ["", *printed.aligned(_group_rows(found, lang))]
    if found.cohorts:
        lines += ["", *printed.aligned(_cohort_rows(found, lang))]
    return printed.with_findings(said, lines, found.findings, lang)


def _asked(options: argparse.Namespace) -> EventFunnel:
    for name, option in _OF_COUNTS.items():
        if getattr(options, name):
            raise UsageError("funnel_not_of_events", where=option)
    if options.by not in {None, *CUTS}:
        raise UsageError("funnel_by", where=options.by, known=", ".join(CUTS))
    return EventFunnel(
        tuple(map(step, options.steps.split(","))),
        Order(options.order),
        None if options.window == _NEVER else duration(options.window),
        options.unit,
        tuple(map(_exclusion, options.exclude)),
        options.by,
        options.touch,
        options.cohort,
    )


def _exclusion(text: str) -> Exclusion:
    after, colon, events = text.partition(":")
    if colon and after.isdecimal():
        return Exclusion(tuple(events.split("|")), int(after))
    return Exclusion(tuple(text.split("|")))


# --- for programs


def _portion(share: Portion | None) -> Answer | None:
    if share is None:
        return None
    return {"value": float(share.value), "low": share.low, "high": share.high}


def _times(times: Times | None) -> Answer | None:
    if times is None:
        return None
    return {
        "units": times.units,
        "lower": times.lower,
        "median": times.median,
        "upper": times.upper,
        "buckets": [{"upto": upto, "units": units} for upto, units in times.buckets],
    }


def _group(group: Group) -> Answer:
    return {
        "slice": group.slice,
        "units": group.units,
        "conversion": _portion(group.conversion),
        "steps": [_step(row) for row in group.steps],
    }


def _step(row: EventStep) -> Answer:
    return {
        "number": row.number,
        "name": row.name,
        "units": row.units,
        "of_first": _portion(row.of_first),
        "of_previous": _portion(row.of_previous),
        "of_all": _portion(row.of_all),
        "since_first": _times(row.since_first),
        "since_previous": _times(row.since_previous),
    }


def _left(left: Left) -> Answer:
    ways = [{"event": event, "units": units} for event, units in left.ways]
    return {"step": left.step, "units": left.units, "ways": ways, "other": left.other}


def _cohort(cohort: Cohort) -> Answer:
    return {
        "first": str(cohort.first),
        "reached": list(cohort.reached),
        "converted_by_day": list(cohort.converted),
        "conversion": _portion(cohort.conversion),
        "whole": cohort.whole,
    }


# --- for people


def _step_rows(found: EventFunnelResult, lang: str) -> list[list[str]]:
    heads = ("step_rate", "total_rate", "of_all_units", "took_from_first", "took_from_previous")
    rows = [["", say(lang, f"words.units_{found.asked.unit}"), *printed.headings(lang, *heads)[1:]]]
    for row in found.total.steps:
        shares = (_share(share, lang) for share in (row.of_previous, row.of_first, row.of_all))
        times = (_median(times, lang) for times in (row.since_first, row.since_previous))
        rows.append([step_name(row, lang), number(row.units, lang), *shares, *times])
    return rows


def _share(share: Portion | None, lang: str) -> str:
    return percent(share.value if share else None, lang)


def _median(times: Times | None, lang: str) -> str:
    return words.took(times.median, lang) if times else "—"


def _left_lines(found: EventFunnelResult, lang: str) -> Lines:
    lines = []
    for left in found.left:
        if not left.units:
            continue
        ways = [f"{way_name(event, lang)} {number(units, lang)}" for event, units in left.ways]
        if left.other:
            ways.append(f"{say(lang, 'words.other_events')} {number(left.other, lang)}")
        step = step_name(found.total.steps[left.step - 1], lang)
        units = number(left.units, lang)
        lines.append(
            "  " + say(lang, "words.left_after", step=step, units=units, ways=", ".join(ways))
        )
    return lines


def _group_rows(found: EventFunnelResult, lang: str) -> list[list[str]]:
    numbers = [str(row.number) for row in found.total.steps]
    rows = [["", *numbers, say(lang, "words.total_rate"), ""]]
    for group in found.groups:
        counts = [number(row.units, lang) for row in group.steps]
        name = words.slice_name(found.asked.by, group.slice or "other", lang)
        rows.append(
            [name, *counts, _share(group.conversion, lang), _between(group.conversion, lang)]
        )
    return rows


def _between(share: Portion | None, lang: str) -> str:
    return f"{percent(share.low, lang)} – {percent(share.high, lang)}" if share else ""


def _cohort_rows(found: EventFunnelResult, lang: str) -> list[list[str]]:
    numbers = [str(row.number) for row in found.total.steps]
    head = say(lang, f"words.cohort_{found.asked.cohort}")
    rows = [[head, *numbers, say(lang, "words.total_rate"), ""]]
    for cohort in found.cohorts:
        counts = [number(count, lang) for count in cohort.reached]
        open_yet = "" if cohort.whole else say(lang, "words.cohort_open")
        rows.append([day(cohort.first, lang), *counts, _share(cohort.conversion, lang), open_yet])
    return rows
