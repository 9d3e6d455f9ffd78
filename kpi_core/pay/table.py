"""The payroll as a table: one row a person, for a page, for JSON and for a spreadsheet."""

import csv
import io
from collections.abc import Iterable
from decimal import Decimal

from kpi_core.pay.payout import Payout, What
from kpi_core.text import harmless, say

COLUMNS = (
    "name", "plan", "worked", "of", "currency", "fixed", "bonus", "corrections", "pay", "carried",
)  # fmt: skip


def payroll_row(paid: Payout) -> dict[str, str | int | Decimal | None]:
    """The figures of one person, by column; no days where all were worked."""
    person, there = paid.person, paid.worked
    by = {
        what: sum((own.money for own in paid.amounts if own.what is what), Decimal(0))
        for what in What
    }
    return {
        "name": person.name if person else "",
        "plan": person.plan if person else "",
        "worked": there.days if there else None,
        "of": there.of if there else None,
        "currency": paid.plan.currency,
        "fixed": by[What.FIXED],
        "bonus": by[What.BONUS],
        "corrections": by[What.CORRECTION],
        "pay": paid.pay,
        "carried": paid.carried,
    }


def payroll_csv(everybody: Iterable[Payout], lang: str) -> str:
    """The payroll as CSV: sums with two decimals after a point, names harmless in a spreadsheet."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\r\n")
    table.writerow([say(lang, f"payroll.{column}") for column in COLUMNS])
    for paid in everybody:
        row = payroll_row(paid)
        cells = (row[column] for column in COLUMNS)
        table.writerow([_written(cell) for cell in cells])
    return text.getvalue()


def _written(cell: str | int | Decimal | None) -> object:
    if isinstance(cell, Decimal):
        return f"{cell:.2f}"
    return harmless(cell) if isinstance(cell, str) else cell
