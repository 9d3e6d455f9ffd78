"""Whether a plan pays for what earns: ``incentive``."""

import argparse
import math

from kpi_core import catalogue
from kpi_core.chain import chain
from kpi_core.cli import asked, printed
from kpi_core.cli.printed import Answer, Lines
from kpi_core.drivers import calibrate
from kpi_core.incentive import (
    Cliff,
    Conflict,
    Curve,
    Game,
    Move,
    alignment_said,
    curve_said,
    games_said,
    idle_said,
    money_said,
    study,
    verdict_said,
)
from kpi_core.kpis import Evaluation


def add(commands: asked.Commands) -> None:
    """Register the command."""
    asked.takes_plan(
        asked.command(commands, "incentive", _incentive, "Whether a plan pays for what earns.")
    )


def _incentive(options: argparse.Namespace) -> tuple[Answer, Lines]:
    plan, lang = asked.plan(options), options.lang
    facts, values = asked.values(options, plan)
    evaluation = Evaluation(facts, asked.period(options, plan), settings=plan.settings())
    model = calibrate(evaluation, catalogue.business(plan.business))
    found = study(chain(plan, values, model))
    if found.blocked:
        raise found.blocked
    answer: Answer = {
        "period": printed.span(values.period),
        "currency": plan.currency,
        "money": None if found.earned is None else found.chain.money,
        "bonus": printed.number(found.bonus),
        "profit_after_ads": printed.number(found.earned),
        "alignment": found.alignment
        and {"same": found.alignment.same, "directions": found.alignment.directions},
        "levers": [_curve_row(curve) for curve in found.curves],
        "idle": [driver.id for driver in found.idle],
        "games": [_game_row(game) for game in found.games],
    }
    lines = [own for own in (verdict_said(found, lang), money_said(found, lang)) if own]
    if found.alignment:
        lines.append(alignment_said(found.alignment, lang))
    lines += games_said(found, lang)
    for curve in found.curves:
        said = curve_said(curve, found.chain.plan, lang)
        lines += ["", curve.driver.name[lang], *said] if said else []
    lines += ["", idle] if (idle := idle_said(found, lang)) else []
    odd = (*facts.findings, *values.findings, *model.findings)
    return printed.with_findings(answer, lines, odd, lang)


def _curve_row(curve: Curve) -> Answer:
    zone, windfall = curve.dead_zone, curve.windfall
    return {
        "driver": curve.driver.id,
        "base": printed.number(curve.base),
        "points": [
            {
                "shift": printed.number(shift),
                "bonus": _known(bonus),
                "profit_after_ads": _known(earned),
                "profit_after_pay": _known(left),
            }
            for shift, bonus, earned, left in zip(
                curve.shifts, curve.bonus, curve.earned, curve.left, strict=True
            )
        ],
        "cliffs": [_cliff_row(cliff) for cliff in curve.cliffs],
        "dead_zone": zone
        and {
            "end": printed.number(zone.end),
            "ends": zone.ends,
            "blind": zone.blind,
            "earned": printed.number(zone.earned),
        },
        "windfall": windfall and _move_row(windfall.move),
        "conflicts": [_conflict_row(conflict) for conflict in curve.conflicts],
    }


def _known(figure: float) -> float | None:
    return None if math.isnan(figure) else float(figure)


def _cliff_row(cliff: Cliff) -> Answer:
    return {
        "shift": printed.number(cliff.shift),
        "value": printed.number(cliff.value),
        "near": str(cliff.near),
        "far": str(cliff.far),
        "reached": cliff.reached,
        "kpi": cliff.kpi,
    }


def _conflict_row(conflict: Conflict) -> Answer:
    return {
        "start": printed.number(conflict.start),
        "end": printed.number(conflict.end),
        "nearest": _move_row(conflict.nearest),
        "worst": _move_row(conflict.worst),
    }


def _game_row(game: Game) -> Answer:
    stop = game.stop
    limit = stop and {"kpi": stop.gate.kpi, "limit": float(stop.gate.limit)}
    return _move_row(game.move) | {"limit": limit, "discount": game.discount}


def _move_row(move: Move) -> Answer:
    return {
        "shifts": {id: printed.number(shift) for id, shift in move.shifts.items()},
        "bonus": printed.number(move.bonus),
        "profit_after_ads": printed.number(move.earned),
        "profit_after_pay": printed.number(move.left),
    }
