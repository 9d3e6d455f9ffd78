"""Whether a plan is fair to the one it pays: ``fair``."""

import argparse
from decimal import Decimal, InvalidOperation
from fractions import Fraction

from kpi_core import catalogue
from kpi_core.chance import Noise, noises
from kpi_core.cli import asked, printed
from kpi_core.cli.printed import Answer, Lines
from kpi_core.errors import UsageError
from kpi_core.fairness import (
    LEVELS,
    MOST_LEVEL,
    Fairness,
    Odds,
    chances_said,
    fairness,
    odds_said,
    point_said,
    scattered_said,
)
from kpi_core.kpis import kpi_values
from kpi_core.text import money, percent, say

LONGEST = 40  # characters of a level that are read, and told when they cannot be
LEAST = Decimal("1e-6")  # a level that is smaller is a slip of the pen


def add(commands: asked.Commands) -> None:
    """Register the command."""
    made = asked.command(
        commands, "fair", _fair, "What chance makes of the bonus of a truly known performance."
    )
    asked.takes_plan(made)
    made.add_argument(
        "--at", default="1", metavar="1|100%", help="the true performance to tell more of"
    )


def _fair(options: argparse.Namespace) -> tuple[Answer, Lines]:
    plan, lang, level = asked.plan(options), options.lang, _level(options.at)
    facts = asked.facts(options, plan.sources)  # none, too: counts tell their own chance
    values = kpi_values(
        facts,
        catalogue.business(plan.business),
        asked.period(options, plan),
        settings=plan.settings(),
        kpis=plan.kpis(),
    )
    plan.check_period(values)
    plan = plan.of_period(values.period)
    levels = sorted({*LEVELS, level})
    found = fairness(plan, noises(plan, values, facts), levels)
    stepped, _ = found.at(level)
    said = (point_said, odds_said)
    lines = [*(tell(found, stepped, lang) for tell in said), scattered_said(found, level, lang), ""]
    lines += [*_table(found, lang), "", *chances_said(found, lang)]
    answer = {
        "period": printed.span(values.period),
        "currency": plan.currency,
        "fixed": str(plan.scheme.fixed),
        "stake": str(plan.scheme.stake),
        "at": _both(found, level),
        "levels": [_both(found, own) for own in levels],
        "chances": [_noise_row(noise) for noise in found.noises],
        "together": [sorted(group) for group in found.together],
    }
    return printed.with_findings(answer, lines, (*facts.findings, *values.findings), lang)


def _level(text: str) -> Fraction:
    part = text.strip()
    try:
        found = Decimal(part.removesuffix("%").replace(",", "."))
    except InvalidOperation:
        raise UsageError("bad_level", where=text[:LONGEST]) from None
    most = 100 * MOST_LEVEL if part.endswith("%") else MOST_LEVEL
    if not found.is_finite() or not LEAST <= found <= most or len(part) > LONGEST:
        raise UsageError("bad_level", where=text[:LONGEST])
    return Fraction(found) / (100 if part.endswith("%") else 1)


def _table(found: Fairness, lang: str) -> Lines:
    keys = ["nothing", "full", "pay"] * (1 if found.is_straight else 2)
    kinds = ["rule"] if found.is_straight else ["rule", "line"]
    over = [""] + [cell for kind in kinds for cell in (say(lang, f"fairness.{kind}"), "", "")]
    rows = [over, ["", *(say(lang, f"fairness.{key}") for key in keys)]]
    for stepped, linear in zip(found.stepped, found.linear, strict=True):
        row = [percent(stepped.level, lang, 0), *_cells(found, stepped, lang)]
        rows.append(row if found.is_straight else [*row, *_cells(found, linear, lang)])
    return printed.aligned(rows)


def _cells(found: Fairness, odds: Odds, lang: str) -> list[str]:
    pay = money(found.pay(odds.expected), found.plan.currency, lang, 0)
    return [percent(odds.nothing, lang), percent(odds.full, lang), pay]


def _both(found: Fairness, level: Fraction) -> Answer:
    stepped, linear = found.at(level)
    rows = {"rule": _odds_row(found, stepped), "line": _odds_row(found, linear)}
    return {"level": float(level), **rows}


def _odds_row(found: Fairness, odds: Odds) -> Answer:
    low, high = odds.interval()
    return {
        "expected": odds.expected,
        "spread": odds.spread,
        "nothing": odds.nothing,
        "full": odds.full,
        "low": low,
        "high": high,
        "top": odds.top,
        "unjudged": odds.unjudged,
        "without_chance": odds.ideal,
        "pay": round(found.pay(odds.expected), 2),
        "likely": [{"coefficient": paid, "chance": chance} for paid, chance in odds.likely()],
    }


def _noise_row(noise: Noise) -> Answer:
    return {
        "kpi": noise.goal.kpi,
        "law": str(noise.law),
        "measure": noise.measure,
        "expected": printed.number(noise.expected(Fraction(1))),
        "trials": noise.trials or None,
        "dispersion": noise.dispersion,
        "days": noise.days,
    }
