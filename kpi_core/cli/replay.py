"""Rules over the past months: ``replay``."""

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from kpi_core.cli import asked, printed
from kpi_core.cli.printed import Answer, Lines
from kpi_core.errors import UsageError
from kpi_core.model import Period
from kpi_core.pay import Outcome
from kpi_core.plan import period_word
from kpi_core.replay import Correlation, Replay, Replayed, Summary, budget_said, figures, replay
from kpi_core.text import days, money, say


def add(commands: asked.Commands) -> None:
    """Register the command."""
    made = asked.command(
        commands, "replay", _replay, "What several rules would have paid in the past months."
    )
    asked.takes_files(made, needed=True)
    made.add_argument(
        "--plan",
        action="append",
        required=True,
        metavar="PLAN.json",
        help="may repeat: each is a rule beside the others, called as its file",
    )
    asked.takes_choices(made)


def _replay(options: argparse.Namespace) -> tuple[Answer, Lines]:
    plans = {
        name: asked.plan(argparse.Namespace(**vars(options) | {"plan": path}))
        for path, name in _names(options.plan).items()
    }
    sources = {family: source for own in plans.values() for family, source in own.sources.items()}
    facts = asked.facts(options, sources)
    found = replay(facts, plans, asked.period(options))
    answer = {
        "currency": found.currency,
        "months": [
            {"month": period_word(month), "profit": printed.number(profit)}
            for month, profit in zip(found.months, found.profits, strict=True)
        ],
        "left_out": [period_word(month) for month in found.left_out],
        "rules": [_rule(own, found.months, options.lang) for own in found.rules],
    }
    findings = (*facts.findings, *found.findings)
    return printed.with_findings(answer, _lines(found, options.lang), findings, options.lang)


def _names(paths: Sequence[str]) -> dict[str, str]:
    """Path to what the plan in it is called: as its file, and where two are, with the folder."""
    stems = Counter(Path(path).stem for path in paths)
    found: dict[str, str] = {}
    for path in paths:
        if path in found:
            raise UsageError("plan_named_twice", where=path)
        stem = Path(path).stem
        found[path] = stem if stems[stem] == 1 else str(Path(path).with_suffix(""))
    return found


def _rule(own: Replayed, months: tuple[Period, ...], lang: str) -> Answer:
    return {
        "name": own.name,
        "months": [
            {"month": period_word(month), **_month(outcome, lang)}
            for month, outcome in zip(months, own.outcomes, strict=True)
        ],
        "summary": _summary(own.summary) if own.summary else None,
    }


def _month(outcome: Outcome, lang: str) -> Answer:
    paid = outcome.paid
    return {
        "score": printed.number(outcome.total),
        "bonus": str(paid.bonus) if paid else None,
        "pay": str(paid.pay) if paid else None,
        "why": outcome.blocked.text(lang) if outcome.blocked else None,
    }


def _summary(own: Summary) -> Answer:
    coming = own.budget
    return {
        "months": own.months,
        "total": str(own.total),
        "bonus": str(own.bonus),
        "mean": printed.number(own.mean),
        "sd": own.spread,
        "variation": own.variation,
        "at_zero": own.at_zero,
        "at_full": own.at_full,
        "profit": _correlation(own.profit),
        "budget": {
            "expected": printed.number(coming.expected),
            "low": coming.low,
            "high": coming.high,
            "months": coming.months,
            "seasonal": coming.seasonal,
        }
        if coming
        else None,
    }


def _correlation(own: Correlation | None) -> Answer | None:
    if own is None:
        return None
    return {"r": own.r, "low": own.low, "high": own.high, "months": own.months}


def _lines(found: Replay, lang: str) -> Lines:
    if not found.months:
        return [say(lang, "replay.no_months")]
    rows = [["", *(own.name for own in found.rules), say(lang, "replay.profit")]]
    for at, month in enumerate(found.months):
        paid = [own.outcomes[at].paid for own in found.rules]
        pays = [money(own.pay if own else None, found.currency, lang) for own in paid]
        profit = money(found.profits[at], found.currency, lang, 0)
        rows.append([days(month.first, month.last, lang), *pays, profit])
    lines = printed.aligned(rows)
    for own in found.rules:
        lines += ["", own.name]
        told = figures(own, lang)
        lines += printed.aligned([[f"  {name}", figure] for name, figure in told]) if told else []
        lines.append("  " + budget_said(own.summary.budget if own.summary else None, lang))
        reasons = [outcome.blocked.text(lang) for outcome in own.outcomes if outcome.blocked]
        lines += [f"  {why}" for why in dict.fromkeys(reasons)]
    return lines
