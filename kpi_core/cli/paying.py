"""What is paid: ``bonus`` of a plan, of one person or of everybody in a table of people."""

import argparse
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from kpi_core import catalogue, words
from kpi_core.cli import asked, printed
from kpi_core.cli.printed import Answer, Lines
from kpi_core.errors import UsageError
from kpi_core.kpis import kpi_values
from kpi_core.pay import (
    Entry,
    Payout,
    clauses,
    edges,
    next_steps,
    payout,
    payroll,
    payroll_csv,
    payroll_row,
    read_people,
    statement,
)
from kpi_core.plan import Plan, read_plan
from kpi_core.text import money, say


def add(commands: asked.Commands) -> None:
    """Register the commands."""
    made = asked.command(commands, "bonus", _bonus, "What a plan pays, with its derivation.")
    asked.takes_plan(made)
    made.add_argument("--people", metavar="PEOPLE.csv", help="who is paid, a row each")
    made.add_argument(
        "--also", action="append", default=[], metavar="PLAN.json",
        help="a plan that people are paid by, called as its file",
    )  # fmt: skip
    made.add_argument("--person", metavar="NAME", help="the statement of one of the people")
    made.add_argument("--to", metavar="PAYROLL.csv", help="write the payouts of the people")
    made.add_argument("--rule", action="store_true", help="the rule in words, with its boundaries")


def payout_row(paid: Payout, lang: str) -> Answer:
    """A payout as JSON has it, with its derivation."""
    return {
        "bonus": str(paid.bonus),
        "pay": str(paid.pay),
        "currency": paid.plan.currency,
        "statement": [_entry(entry) for entry in statement(paid, lang)],
    }


def _entry(entry: Entry) -> Answer:
    found = {"text": entry.text, "value": entry.value}
    if entry.amount is not None:
        found["amount"] = str(entry.amount)
    return found | ({"comment": entry.comment} if entry.comment else {})


def _bonus(options: argparse.Namespace) -> tuple[Answer, Lines]:
    plan, lang = asked.plan(options), options.lang
    facts, values = asked.values(options, plan)
    paid = payout(plan.of_period(values.period), values)
    found = (*facts.findings, *values.findings, *plan.remarks(values))
    answer = payout_row(paid, lang) | {
        "next": [_entry(entry) for entry in next_steps(paid, lang)],
    }
    if options.people:
        own = Path(options.plan).stem
        payouts = {"": paid, own: paid} | _others(options, plan, own)
        name = Path(options.people)
        table = read_people(name.name, _bytes(options.people))
        everybody = payroll(table.people, payouts)
        found = (*found, *table.findings())
        if options.to:
            printed.to_file(Path(options.to), payroll_csv(everybody, lang).encode("utf-8-sig"))
        if options.person:
            everybody = _named(everybody, options.person)
        answer = {"people": [_printed(own) for own in everybody], "currency": plan.currency}
        lines = _people_lines(everybody, lang)
        if options.person:
            answer["statements"] = [payout_row(own, lang) for own in everybody]
            lines = [line for own in everybody for line in (*_lines(own, lang), "")]
    else:
        lines = _lines(paid, lang)
    if options.rule:
        answer["rule"] = list(clauses(paid.plan, lang))
        lines += ["", *answer["rule"], "", *_edge_lines(paid.plan, lang)]
    return printed.with_findings(answer, lines, found, lang)


def _others(options: argparse.Namespace, plan: Plan, taken: str) -> dict[str, Payout]:
    """What the other plans pay for the same files and period."""
    found: dict[str, Payout] = {}
    for name in options.also:
        if Path(name).stem in (taken, *found):
            raise UsageError("plan_named_twice", where=name)
        own = read_plan(_bytes(name), Path(name).name)
        facts = asked.facts(options, own.sources)
        values = kpi_values(
            facts,
            catalogue.business(own.business),
            asked.period(options, own) or plan.asked_period(),
            settings=own.settings(),
            kpis=own.shown_kpis(),
            against=own.against(),
        )
        found[Path(name).stem] = payout(own.of_period(values.period), values)
    return found


def _bytes(name: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except OSError:
        raise UsageError("no_such_file", where=name) from None


def _printed(paid: Payout) -> Answer:
    """A row of the payroll as JSON has it: money as text, exactly."""
    row = payroll_row(paid)
    return {
        name: f"{value:.2f}" if isinstance(value, Decimal) else value for name, value in row.items()
    }


def _named(everybody: Sequence[Payout], name: str) -> tuple[Payout, ...]:
    found = tuple(own for own in everybody if own.person and own.person.name == name)
    if not found:
        raise UsageError("no_such_person", where=name)
    return found


def _lines(paid: Payout, lang: str) -> Lines:
    lines = []
    for entry in statement(paid, lang):
        lines.append(f"{entry.text}: {entry.value}")
        if entry.comment:
            lines.append(f"  {entry.comment}")
    return lines + [f"{entry.text} {entry.value}" for entry in next_steps(paid, lang)]


def _people_lines(everybody: Sequence[Payout], lang: str) -> Lines:
    shown = ("fixed", "bonus", "corrections", "pay")
    rows = [["", *(say(lang, f"payroll.{column}") for column in shown)]]
    for own in everybody:
        row, currency = payroll_row(own), own.plan.currency
        sums = (row[column] for column in shown)
        rows.append([str(row["name"]), *(money(s, currency, lang) for s in sums)])  # type: ignore[arg-type]
    return printed.aligned(rows)


def _edge_lines(plan: Plan, lang: str) -> Lines:
    """What exactly each boundary pays, with every other goal reached in full."""
    rows = [printed.headings(lang, "just_below", "exactly", "just_above")]
    for goal in plan.paying():
        for edge in edges(plan, goal):
            kpi = plan.kpi(goal.kpi)
            where = words.mark(edge.mark, goal.rule, kpi, lang)
            paid = (edge.below, edge.exactly, edge.above)
            sums = (money(own.bonus, plan.currency, lang) for own in paid)
            rows.append([f"{kpi.name[lang]}, {where}", *sums])
    return printed.aligned(rows)
