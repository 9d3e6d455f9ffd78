"""From scores to a line on a pay slip.

`payout` is what a plan pays for a period, `paid_to` and `payroll` what each person gets of it,
`statement` the derivation, `clauses` the rule as a bonus regulation would put it, `edges` what
exactly at each boundary is paid.
"""

from kpi_core.pay.edges import Edge, Paid, edges
from kpi_core.pay.payout import (
    Ahead,
    Amount,
    Outcome,
    Payout,
    What,
    ahead,
    bonus_by_line,
    concerned_by,
    outcome,
    paid_to,
    payout,
    payroll,
)
from kpi_core.pay.people import Person, Worked, people_csv, person_of, read_people, worked
from kpi_core.pay.regulation import clauses
from kpi_core.pay.statement import Entry, checked, next_steps, statement
from kpi_core.pay.table import payroll_csv, payroll_row

__all__ = [
    "Ahead",
    "Amount",
    "Edge",
    "Entry",
    "Outcome",
    "Paid",
    "Payout",
    "Person",
    "What",
    "Worked",
    "ahead",
    "bonus_by_line",
    "checked",
    "clauses",
    "concerned_by",
    "edges",
    "next_steps",
    "outcome",
    "paid_to",
    "payout",
    "payroll",
    "payroll_csv",
    "payroll_row",
    "people_csv",
    "person_of",
    "read_people",
    "statement",
    "worked",
]
