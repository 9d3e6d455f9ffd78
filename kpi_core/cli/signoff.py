"""Sign-off of plans and payouts: ``propose``, ``approve``, ``check``."""

import argparse
from datetime import date
from fractions import Fraction
from pathlib import Path

from kpi_core import catalogue
from kpi_core.cli import asked, printed
from kpi_core.cli.printed import Answer, Lines
from kpi_core.errors import UsageError
from kpi_core.facts import combine
from kpi_core.kpis import kpi_values
from kpi_core.pay import payout
from kpi_core.signoff import (
    MAX_BYTES,
    Snapshot,
    approved,
    draft,
    proposed,
    read_snapshot,
    remarks,
    reopened,
    superseding,
    write_snapshot,
)
from kpi_core.text import day, money, say


def add(commands: asked.Commands) -> None:
    """Register the commands."""
    made = asked.command(
        commands,
        "propose",
        _propose,
        "Put a plan, or what it pays for files, forward for approval.",
    )
    asked.takes_plan(made)
    made.add_argument("--by", required=True, metavar="NAME")
    made.add_argument("--to", required=True, metavar="SNAPSHOT.json", help="a new file")
    before = made.add_mutually_exclusive_group()
    before.add_argument(
        "--earlier",
        metavar="SNAPSHOT.json",
        help="approved last, of the same plan; KPIs that it lacks need notice",
    )
    before.add_argument(
        "--supersedes",
        metavar="SNAPSHOT.json",
        help="approved, and now corrected; its KPIs are those known before",
    )
    made.add_argument("--reason", default="", metavar="TEXT", help="why it is corrected")
    made = asked.command(commands, "approve", _approve, "Approve a proposal, into a new file.")
    made.add_argument("snapshot", metavar="SNAPSHOT.json")
    made.add_argument("--by", required=True, metavar="NAME")
    made.add_argument("--to", metavar="SNAPSHOT.json", help="instead of SNAPSHOT.approved.json")
    made = asked.command(
        commands,
        "check",
        _check,
        "Compute a snapshot again from its files; say what differs, with exit code 1 if it does.",
    )
    made.set_defaults(exit_code=lambda answer: 0 if answer["identical"] else 1)
    made.add_argument("snapshot", metavar="SNAPSHOT.json")
    asked.takes_places(made, needed=False)
    asked.takes_layouts(made)


def _propose(options: argparse.Namespace) -> tuple[Answer, Lines]:
    if options.reason and not options.supersedes:
        raise UsageError("reason_of_nothing")
    plan, today = asked.plan(options), date.today()
    period = asked.period(options, plan)
    uploads = asked.uploads(options)
    paid = None
    if uploads or plan.facts:  # else the plan alone is signed off
        values = kpi_values(
            combine(uploads),
            catalogue.business(plan.business),
            period,
            settings=plan.settings(),
            kpis=plan.shown_kpis(),
            against=plan.against(),
        )
        paid = payout(plan, values)
    made = draft(plan, uploads, paid, period)
    known = options.earlier or options.supersedes
    earlier = _read(known) if known else None
    if earlier and options.supersedes:
        made = superseding(earlier, made, options.reason)
    made = proposed(made, options.by, today, earlier)
    return _written(made, Path(options.to), options.lang)


def _approve(options: argparse.Namespace) -> tuple[Answer, Lines]:
    path = Path(options.snapshot)
    made = approved(_read(path), options.by, date.today())
    to = Path(options.to) if options.to else path.with_suffix(".approved.json")
    return _written(made, to, options.lang)


def _check(options: argparse.Namespace) -> tuple[Answer, Lines]:
    found, lang = _read(options.snapshot), options.lang
    differences = reopened(found, asked.uploads(options))
    answer = _told(found) | {"identical": not differences}
    lines = [
        *_lines(found, lang),
        say(lang, f"signoff.{'differs' if differences else 'identical'}"),
    ]
    return printed.with_findings(answer, lines, (*differences, *remarks(found)), lang)


def _read(path: str | Path) -> Snapshot:
    path = Path(path)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError:
        raise UsageError("no_such_file", where=str(path)) from None
    return read_snapshot(data, path.name)


def _written(made: Snapshot, path: Path, lang: str) -> tuple[Answer, Lines]:
    write_snapshot(made, path)
    answer, lines = _told(made) | {"file": str(path)}, [*_lines(made, lang), str(path)]
    return printed.with_findings(answer, lines, remarks(made), lang)


def _told(own: Snapshot) -> Answer:
    return {
        "status": str(own.status),
        "period": printed.span(own.days()),
        "bonus": own.result.bonus if own.result else None,
        "pay": own.result.pay if own.result else None,
        "currency": own.read_plan().currency,
        "supersedes": own.supersedes,
        "seal": own.seal,
    }


def _lines(own: Snapshot, lang: str) -> Lines:
    plan = own.read_plan()
    paid = say(lang, "signoff.plan_alone")
    if own.result:
        paid = f"{say(lang, 'signoff.pay')} {money(Fraction(own.result.pay), plan.currency, lang)}"
    lines = [f"{own.period}: {paid}"]
    for key, act in (("proposed", own.proposed), ("approved", own.approved)):
        if act:
            lines.append(say(lang, f"signoff.{key}", by=act.by, day=day(act.on, lang)))
    return [*lines, own.seal]
