"""Backwards, from a goal to the levers: ``seek``."""

import argparse
from collections.abc import Sequence
from fractions import Fraction

from kpi_core import catalogue
from kpi_core.chain import chain
from kpi_core.cli import asked, printed
from kpi_core.cli.printed import Answer, Lines
from kpi_core.drivers import calibrate
from kpi_core.errors import UsageError
from kpi_core.kpis import Evaluation
from kpi_core.seek import Answer as Found
from kpi_core.seek import (
    Budget,
    Place,
    answer_said,
    most_profit,
    parse_means,
    parse_target,
    seek,
)
from kpi_core.text import exact


def add(commands: asked.Commands) -> None:
    """Register the command."""
    made = asked.command(
        commands, "seek", _seek, "The least effort that reaches a goal, or the most profit."
    )
    asked.takes_plan(made)
    made.add_argument(
        "--goal", metavar="score=0.9|bonus=30000|bonus=full|KPI=VALUE", help="what is to be reached"
    )
    made.add_argument("--most-profit", action="store_true", help="after ads and pay, in a budget")
    made.add_argument("--levers", required=True, metavar="cr,aov,...", help="what may be moved")
    made.add_argument(
        "--cost", action="append", default=[], metavar="cr=2", help="effort of moving it by 1 %%"
    )
    made.add_argument(
        "--limit", action="append", default=[], metavar="cr=-10%..+20%", help="how far it may go"
    )
    made.add_argument("--budget", type=float, metavar="30", help="effort, at most")
    made.add_argument("--spend", type=float, metavar="100000", help="advertising, at most")


def _seek(options: argparse.Namespace) -> tuple[Answer, Lines]:
    plan, lang = asked.plan(options), options.lang
    if bool(options.goal) == options.most_profit:
        raise UsageError("seek_what")
    ids = [id.strip() for id in options.levers.split(",") if id.strip()]
    means = parse_means(ids, options.cost, options.limit)
    target = parse_target(options.goal, plan) if options.goal else None
    budget = Budget(*_bounds([options.budget, options.spend]))
    facts, values = asked.values(options, plan)
    evaluation = Evaluation(facts, asked.period(options, plan), settings=plan.settings())
    model = calibrate(evaluation, catalogue.business(plan.business))
    own = chain(plan, values, model)
    found = seek(own, target, means) if target else most_profit(own, means, budget)
    answer: Answer = {
        "period": printed.span(values.period),
        "currency": plan.currency,
        "goal": target
        and {
            "what": target.what,
            "value": printed.number(target.value),
            "at_most": target.at_most,
        },
        "reached": found.reached,
        "effort": printed.number(found.effort),
        "levers": [_lever_row(found, id) for id in found.shifts],
        "now": _place_row(found.now),
        "there": _place_row(found.there),
    }
    lines = answer_said(found, lang)
    odd = (*facts.findings, *values.findings, *model.findings)
    return printed.with_findings(answer, lines, odd, lang)


def _bounds(said: Sequence[float | None]) -> list[Fraction | None]:
    bounds = []
    for bound in said:
        if bound is not None and not 0 <= bound < float("inf"):
            raise UsageError("bad_budget", where=str(bound))
        bounds.append(None if bound is None else exact(bound))
    return bounds


def _lever_row(found: Found, id: str) -> Answer:
    base, shift = found.chain.model.base(id) or Fraction(0), found.shifts[id]
    return {
        "lever": id,
        "base": printed.number(base),
        "value": printed.number(base * (1 + shift)),
        "shift": printed.number(shift),
        "exact_shift": str(shift),
    }


def _place_row(place: Place) -> Answer:
    return {
        "score": printed.number(place.score),
        "bonus": printed.number(place.bonus),
        "pay": printed.number(place.pay),
        "profit_after_ads": printed.number(place.profit_after_ads),
        "profit_after_pay": printed.number(place.profit_after_pay),
        "kpis": {id: printed.number(value) for id, value in place.kpis.items()},
    }
