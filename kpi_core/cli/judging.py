"""What a plan makes of the figures: ``score``, ``bonus``, and ``whatif`` some drivers moved."""

import argparse
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from pathlib import Path

from kpi_core import catalogue, words
from kpi_core.attribution import MONEY, PAIRS, Attribution, attribute, in_kopecks
from kpi_core.chain import Chain, chain
from kpi_core.cli import asked, compared, printed
from kpi_core.cli.paying import payout_row
from kpi_core.cli.printed import Answer, Lines
from kpi_core.cli.simulate import expected, plan_lines, plan_row
from kpi_core.drivers import Lever, calibrate, parse_lever, parse_move, project
from kpi_core.errors import UsageError
from kpi_core.kpis import Evaluation, Values
from kpi_core.model import TOTAL
from kpi_core.pay import outcome
from kpi_core.plan import Plan
from kpi_core.scenario import lever_name
from kpi_core.score import Scorecard, changes, earlier, score
from kpi_core.simulate import DRAWS, SEED, Simulated, drawn_said, simulate
from kpi_core.text import money, number, percent, say
from kpi_core.uncertainty import Uncertain


def add(commands: asked.Commands) -> None:
    """Register the commands."""
    scoring = asked.command(commands, "score", _score, "The scorecard of a plan.")
    asked.takes_plan(scoring)
    compared.takes_comparison(scoring)
    moving = asked.command(commands, "whatif", _whatif, "What would be, were some drivers moved.")
    asked.takes_plan(moving)
    moving.add_argument(
        "--set", action="append", default=[], metavar="DRIVER[@CHANNEL]=+10%",
        help="a lever in total or of one channel, e.g. cr=0.015 or cr@paid_search=+10%%",
    )  # fmt: skip
    moving.add_argument(
        "--move", action="append", default=[], metavar="FROM:TO=10000",
        help="spend moved between channels, the sum as it is; 10%% is of the first one's",
    )  # fmt: skip
    takes_elasticity(moving)
    moving.add_argument(
        "--attribute", metavar="bonus|profit_after_pay|kpis.cr|...",
        help="divide the change of a result among the levers",
    )  # fmt: skip
    moving.add_argument(
        "--draws", type=int, metavar=str(DRAWS),
        help="what chance may bring next month with the levers moved, in so many draws",
    )  # fmt: skip
    moving.add_argument("--seed", type=int, metavar=str(SEED), help="of the draws")


def takes_elasticity(made: argparse.ArgumentParser) -> None:
    """How clicks answer to spend."""
    made.add_argument(
        "--elasticity", metavar="0.8", default="1",
        help="an assumption: clicks grow with spend to this power, 1 if not given",
    )  # fmt: skip


def _score(options: argparse.Namespace) -> tuple[Answer, Lines]:
    plan = asked.plan(options)
    facts, values = asked.values(options, plan, compared.asked_for(options))
    card = score(plan.of_period(values.period), values.totals())
    answer = _scored(card) | {"period": printed.span(values.period)}
    lines = _score_lines(card, options.lang)
    before = earlier(plan, values, options.compare)
    beside = compared.comparison(values, options)
    if before and beside:
        answer["compared"] = beside | _contributions(before, card)
        lines += compared.comparison_lines(values, options)
        lines += _contribution_lines(before, card, options.lang)
    findings = (*facts.findings, *values.findings, *plan.remarks(values))
    return printed.with_findings(answer, lines, findings, options.lang)


def _contributions(then: Scorecard, now: Scorecard) -> Answer:
    """What each line did to the total; ``points`` add up to the change of the total."""
    both = then.total is not None and now.total is not None
    return {
        "total": printed.number(then.total),
        "change": printed.number((now.total or 0) - (then.total or 0)) if both else None,
        "contributions": [
            {"kpi": own.now.judged.goal.kpi, "points": printed.number(own.points)}
            for own in changes(then, now)
        ]
        if both
        else [],
    }


def _contribution_lines(then: Scorecard, now: Scorecard, lang: str) -> Lines:
    if then.total is None or now.total is None:
        return []
    rows = [printed.headings(lang, "contribution")]
    rows += [
        [own.now.judged.kpi.name[lang], words.moved_points(own.points, lang)]
        for own in changes(then, now)
    ]
    moved_by = words.moved_points(now.total - then.total, lang)
    return ["", *printed.aligned([*rows, [words.slice_name(None, TOTAL, lang), moved_by]])]


def _scored(card: Scorecard) -> Answer:
    return {
        "total": printed.number(card.total),
        "lines": [
            {
                "kpi": line.judged.goal.kpi,
                "weight": printed.number(line.weight),
                "share": printed.number(line.share),
                "value": printed.number(line.judged.value.value),
                "target": None
                if line.judged.goal.target is None
                else float(line.judged.goal.target),
                "attainment": printed.number(line.judged.attainment),
                "score": printed.number(line.judged.score),
                "points": printed.number(line.points),
            }
            for line in card.lines
        ],
        "missing": list(card.missing),
    }


def _score_lines(card: Scorecard, lang: str) -> Lines:
    rows = [printed.headings(lang, "weight", "attainment", "score", "points")]
    for line in card.lines:
        judged = line.judged
        rows.append(
            [
                judged.kpi.name[lang],
                percent(line.share, lang),
                words.attainment(judged.attainment, judged.goal.rule, lang),
                words.coefficient(judged.score, lang),
                number(line.points, lang, 4),
            ]
        )
    total = words.slice_name(None, TOTAL, lang)
    return printed.aligned([*rows, [total, "", "", "", number(card.total, lang, 4)]])


def _whatif(options: argparse.Namespace) -> tuple[Answer, Lines]:
    levers = _levers(options)
    plan, lang = asked.plan(options), options.lang
    facts, values = asked.values(options, plan)
    evaluation = Evaluation(facts, asked.period(options, plan), settings=plan.settings())
    standing, plan = plan, plan.of_period(values.period)
    model = calibrate(evaluation, catalogue.business(plan.business))
    model = replace(model, elasticity=_elasticity(options))
    model.check(levers)
    moved = model.moved_drivers(levers)
    answer: Answer = {
        "period": printed.span(values.period),
        "elasticity": printed.number(model.elasticity),
        "drivers": {
            id: {
                "base": printed.number(model.base(id)),
                "result": printed.number(moved[id]),
            }
            for id in moved
        },
    }
    for name, chosen in (("base", {}), ("result", levers)):
        projected = project(model, chosen, values)
        answer[name] = {
            "measures": {
                id: printed.number(v) for id, v in model.rebuilt(chosen).items() if v is not None
            },
            "kpis": {row.kpi: printed.number(row.value) for row in projected.rows},
            **_outcome(plan, projected, lang),
        }
    lines = _whatif_lines(answer["base"], answer["result"], plan, lang)
    if model.elasticity != 1:
        lines.append(say(lang, "scenario.elasticity", e=words.coefficient(model.elasticity, lang)))
    if options.attribute:
        own = chain(plan, values, model)
        found = attribute(own, levers, options.attribute)
        answer["attribution"] = _attribution(found)
        lines += _attribution_lines(own, found, lang)
    if options.draws is not None or options.seed is not None:
        chances = replace(expected(facts, standing, values, {}, 1), model=model)
        drawn = _drawn(options, standing, values, chances, levers)
        answer["chance"] = {"draws": drawn.draws, "seed": drawn.seed, **plan_row(drawn)}
        lines += ["", *plan_lines(drawn, lang), drawn_said(drawn, lang)]
    return printed.with_findings(answer, lines, model.findings, lang)


def _drawn(
    options: argparse.Namespace,
    plan: Plan,
    values: Values,
    chances: Uncertain,
    levers: dict[str, Lever],
) -> Simulated:
    name = Path(options.plan).stem
    draws = DRAWS if options.draws is None else options.draws
    seed = SEED if options.seed is None else options.seed
    return simulate({name: plan}, values, chances, levers, draws=draws, seed=seed)[name]


def _levers(options: argparse.Namespace) -> dict[str, Lever]:
    levers: dict[str, Lever] = {}
    for id, lever in (*map(parse_lever, options.set), *map(parse_move, options.move)):
        if id in levers:
            raise UsageError("lever_twice", where=id)
        levers[id] = lever
    if not levers:
        raise UsageError("no_lever_named")
    return levers


def _elasticity(options: argparse.Namespace) -> Fraction:
    try:
        return Fraction(Decimal(options.elasticity.replace(",", ".")))
    except (InvalidOperation, ValueError, OverflowError):
        raise UsageError("bad_elasticity", where=options.elasticity) from None


def _attribution(found: Attribution) -> Answer:
    return {
        "output": found.output,
        "method": "shapley",
        "seed": found.seed,
        "before": printed.number(found.before),
        "after": printed.number(found.after),
        "parts": {id: printed.number(part) for id, part in found.parts.items()},
        "errors": dict(found.errors),
    }


def _attribution_lines(own: Chain, found: Attribution, lang: str) -> Lines:
    """Lever by lever, money in kopecks that add up."""
    if found.seed is None:
        said = say(lang, "scenario.attributed")
    else:
        said = say(lang, "scenario.attributed_drawn", n=2 * PAIRS, seed=found.seed)
    names = {id: lever_name(own, id, lang) for id in found.parts}
    currency = own.plan.currency
    if found.output not in MONEY:
        rows = [[names[id], number(part, lang, 6)] for id, part in found.parts.items()]
        return ["", said, *printed.aligned(rows)]
    shared = in_kopecks(found)
    rows = [[names[id], money(part, currency, lang)] for id, part in shared.parts.items()]
    rest = money(shared.rest, currency, lang)
    told = say(lang, "scenario.attributed_rest", rest=rest, lever=names[shared.bearer])
    return ["", said, *printed.aligned(rows), *([told] if shared.rest else [])]


def _outcome(plan: Plan, values: Values, lang: str) -> Answer:
    made = outcome(plan, values)
    unpaid = {"bonus": None, "pay": None, "currency": plan.currency}
    if made.blocked:
        unpaid["why"] = made.blocked.text(lang)
    paid = payout_row(made.paid, lang) if made.paid else unpaid
    return {"score": printed.number(made.total), **paid}


def _whatif_lines(base: Answer, result: Answer, plan: Plan, lang: str) -> Lines:
    currency = plan.currency
    rows = [printed.headings(lang, "base", "result")]
    for id in result["measures"]:
        measure = catalogue.measure(id)
        figures = (side["measures"].get(id) for side in (base, result))
        unit, name = measure.unit, measure.name[lang]
        rows.append([name, *(words.figure(f, unit, lang, currency=currency) for f in figures)])
    for id in result["kpis"]:
        kpi = plan.kpi(id)
        figures = (side["kpis"][id] for side in (base, result))
        rows.append([kpi.name[lang], *(words.kpi_figure(kpi, f, currency, lang) for f in figures)])
    rows.append([say(lang, "words.score"), *(number(s["score"], lang, 4) for s in (base, result))])
    paid = (side["bonus"] and Decimal(side["bonus"]) for side in (base, result))
    rows.append([say(lang, "words.bonus"), *(money(sum, currency, lang) for sum in paid)])
    why = dict.fromkeys(side["why"] for side in (base, result) if "why" in side)
    return [*printed.aligned(rows), *why]
