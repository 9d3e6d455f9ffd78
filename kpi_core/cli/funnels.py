"""Counted funnels: which stages, of whom, beside what, and what raising a step would bring."""

import argparse
from fractions import Fraction

from kpi_core import catalogue, words
from kpi_core.cli import asked, printed
from kpi_core.cli.printed import Answer, Lines
from kpi_core.drivers import calibrate
from kpi_core.errors import UsageError
from kpi_core.facts import Facts
from kpi_core.fixes import Fix, brings, fixes, points
from kpi_core.funnel import CUTS, Counting, Funnel, FunnelStage, kind_name
from kpi_core.kpis import Evaluation, kpi_values
from kpi_core.leaks import Comparison, Part, Segments, Step, by_segment, compare, loss, told
from kpi_core.model import Stages
from kpi_core.plan import Plan
from kpi_core.stages import MAIN, named_funnel, own_funnel
from kpi_core.text import number, percent, say

EARLIER = ("previous", "year_ago")
OTHERS = "others"
POINT = "point"


def takes_funnel(made: argparse.ArgumentParser) -> None:
    """Which stages, of whom, and beside what."""
    made.add_argument("--plan", metavar="PLAN.json", help="whose funnel, stages and choices hold")
    made.add_argument("--funnel", metavar="main|classic|checkout|...", help="one by its name")
    made.add_argument(
        "--stages", metavar="sessions,carts=In the basket,orders", help="stages of your own"
    )
    made.add_argument("--by", choices=CUTS, help="every part against all the others")
    made.add_argument("--segment", metavar="channel=email", help="of one part only")
    made.add_argument(
        "--compare", metavar="previous|year_ago|others|PART", help="beside what, step by step"
    )
    made.add_argument(
        "--raise", dest="raised", action="append", default=[], metavar="carts=25%|point",
        help="what a step at that rate would bring, or every step with one point more",
    )  # fmt: skip
    asked.takes_assumptions(made)


def counted(options: argparse.Namespace) -> tuple[Answer, Lines]:
    """The funnel, and whatever else was asked of it."""
    plan, lang = asked.plan(options), options.lang
    settings, period = plan.settings(), asked.period(options, plan)
    facts = asked.facts(options, settings.sources)
    stages = _stages(options, plan)
    by, slice = _segment(options)
    counting = Counting(facts, stages, period, settings, by=by)
    made = counting.part(slice) if slice else counting.of()
    beside = _beside(options.compare, counting, made, slice)
    answer: Answer = {
        "funnel": stages.id,
        "period": printed.span(made.period),
        **({"segment": {"by": by, "slice": slice}} if slice else {}),
        "stages": [_stage_row(stage) for stage in made.stages],
        "overall": printed.number(made.overall),
        "leakiest": made.leakiest.stage.id if made.leakiest else None,
    }
    rows = [printed.headings(lang, "count", "counted_as", "step_rate", "total_rate")]
    for stage in made.stages:
        rates = (percent(rate, lang, 2) for rate in (stage.step_rate, stage.total_rate))
        name, count = stage.stage.name[lang], number(stage.count, lang)
        rows.append([name, count, kind_name(stage, lang), *rates])
    lines = printed.aligned(rows)
    if beside:
        answer["compared"] = _comparison(options.compare, beside)
        lines += _comparison_lines(beside, lang)
    if options.by:
        segments = by_segment(Counting(facts, stages, period, settings, by=options.by))
        answer["segments"] = _segments(segments)
        lines += _segment_lines(segments, lang)
    if options.raised:
        # What is sold and paid is everybody's, so the funnel that is raised is, too.
        whole = Counting(facts, stages, period, settings).of()
        found = _fixes(options, facts, plan, whole)
        answer["fixes"] = [_fix_row(fix, plan.currency) for fix in found]
        lines += _fix_lines(found, plan.currency, lang)
    return printed.with_findings(answer, lines, (*facts.findings, *made.findings), lang)


def _stages(options: argparse.Namespace, plan: Plan) -> Stages:
    business = catalogue.business(plan.business)
    if options.stages:
        return own_funnel(business, options.stages.split(","))
    chosen = None if options.funnel else plan.chosen_funnel()
    return chosen or named_funnel(business, options.funnel or MAIN)


def _segment(options: argparse.Namespace) -> tuple[str | None, str | None]:
    if not options.segment:
        return None, None
    by, equals, slice = (part.strip() for part in options.segment.partition("="))
    if not equals or not slice:
        raise UsageError("bad_segment", where=options.segment)
    if by not in CUTS:
        raise UsageError("unknown_slice", where=by, known=", ".join(CUTS))
    return by, slice


def _beside(
    wanted: str | None, counting: Counting, made: Funnel, slice: str | None
) -> Comparison | None:
    if not wanted:
        return None
    if wanted in EARLIER:
        before = counting.before(wanted)
        if before is None:
            raise UsageError("compared_not_counted", where=wanted)
        return compare(made, before.of(slice) if slice else before.of())
    if not slice:
        raise UsageError("segment_needed", where=wanted)
    return compare(made, counting.others(slice) if wanted == OTHERS else counting.part(wanted))


def _stage_row(stage: FunnelStage) -> Answer:
    return {
        "id": stage.stage.id,
        "measure": stage.measure,
        "kind": stage.kind and str(stage.kind),
        "count": printed.number(stage.count),
        "of": printed.number(stage.whole),
        "lost": printed.number(stage.lost),
        "step_rate": printed.number(stage.step_rate),
        "total_rate": printed.number(stage.total_rate),
        "low": stage.low,
        "high": stage.high,
        "sources": list(stage.sources),
    }


def _step_row(step: Step) -> Answer:
    return {
        "stage": step.now.stage.id,
        "step_rate": printed.number(step.now.step_rate),
        "other_rate": printed.number(step.then.step_rate),
        "change": printed.number(step.change),
        "low": step.difference.low if step.difference else None,
        "high": step.difference.high if step.difference else None,
        "missed": printed.number(step.missed),
        "p_holm": step.p,
        "verdict": str(step.verdict),
    }


def _comparison(wanted: str, found: Comparison) -> Answer:
    return {
        "with": wanted,
        "period": printed.span(found.then.period),
        "stages": [_stage_row(stage) for stage in found.then.stages],
        "overall": printed.number(found.then.overall),
        "steps": [_step_row(step) for step in found.steps],
        "tested": found.tested,
        "correction": "holm",
    }


def _comparison_lines(found: Comparison, lang: str) -> Lines:
    lines = []
    for step in found.steps:
        rates = " / ".join(percent(own.step_rate, lang, 2) for own in (step.now, step.then))
        lines.append(f"  {step.now.stage.name[lang]}: {rates}; {told(step, lang)}")
    return [*lines, f"  {say(lang, 'words.holm', n=found.tested)}"]


def _segments(found: Segments) -> Answer:
    return {
        "by": found.by,
        "parts": [
            {
                "slice": part.slice,
                "stages": [_stage_row(stage) for stage in part.funnel.stages],
                "overall": printed.number(part.funnel.overall),
                "steps": [_step_row(step) for step in part.steps],
            }
            for part in found.parts
        ],
        "left_out": found.left_out,
        "losses": [{"slice": part.slice, **_step_row(step)} for part, step in found.losses],
        "tested": found.tested,
        "correction": "holm",
    }


def _segment_lines(found: Segments, lang: str) -> Lines:
    return [
        "",
        *(f"  {_part_line(found, part, lang)}" for part in found.parts),
        f"  {say(lang, 'words.holm', n=found.tested)}",
        *(f"  {loss(found, part, step, lang)}" for part, step in found.losses),
    ]


def _part_line(found: Segments, part: Part, lang: str) -> str:
    steps = (f"{s.stage.name[lang]} {percent(s.step_rate, lang)}" for s in part.funnel.steps)
    return f"{words.slice_name(found.by, part.slice, lang)}: {', '.join(steps) or '—'}"


def _fixes(options: argparse.Namespace, facts: Facts, plan: Plan, whole: Funnel) -> tuple[Fix, ...]:
    business, settings = catalogue.business(plan.business), plan.settings()
    period = asked.period(options, plan)
    values = kpi_values(facts, business, period, settings=settings, kpis=plan.shown_kpis())
    model = calibrate(Evaluation(facts, period, settings=settings), business)
    plan = plan.of_period(values.period)
    if POINT in options.raised:
        return points(model, plan, values, whole)
    levels = dict(_level(text) for text in options.raised)
    unknown = levels.keys() - {stage.stage.id for stage in whole.steps}
    if unknown:
        known = ", ".join(stage.stage.id for stage in whole.steps)
        raise UsageError("unknown_step", where=", ".join(sorted(unknown)), known=known)
    return fixes(model, plan, values, whole, levels)


def _level(text: str) -> tuple[str, Fraction]:
    id, _, typed = (part.strip() for part in text.partition("="))
    try:
        level = Fraction(typed.removesuffix("%").replace(",", "."))
    except (ValueError, ZeroDivisionError):
        raise UsageError("level_not_a_share", where=text) from None
    return id, level / 100 if typed.endswith("%") else level


def _fix_row(fix: Fix, currency: str) -> Answer:
    return {
        "stage": fix.stage.stage.id,
        "step_rate": printed.number(fix.stage.step_rate),
        "level": printed.number(fix.level),
        "last": printed.number(fix.last[0]),
        "last_now": printed.number(fix.last[1]),
        "gained": {id: printed.number(gained) for id, gained in fix.results.items()},
        "currency": currency,
        "profit": printed.number(fix.profit),
        "score": printed.number(fix.score),
        "bonus": printed.number(fix.bonus),
        "kpis": {row.kpi: printed.number(row.value) for row in fix.values.rows if not fix.untold},
        "untold": fix.untold.text("en") if fix.untold else None,
    }


def _fix_lines(found: tuple[Fix, ...], currency: str, lang: str) -> Lines:
    return ["", *(f"  {brings(fix, currency, lang)}" for fix in found)]
