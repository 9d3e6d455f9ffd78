"""10 000 people: their table read, everybody paid, the payroll written."""

import csv
from pathlib import Path

from bench.common import Line, rounds, seconds, timed
from kpi_core import catalogue
from kpi_core.facts import combine
from kpi_core.kpis import kpi_values
from kpi_core.model import parse_period
from kpi_core.pay import payout, payroll, payroll_csv, read_people
from kpi_core.plan import Plan

TITLE = "Payroll of 10 000 people"
PEOPLE = 10_000


def plan() -> Plan:
    """Leads and their cost, stated by hand."""
    factors = [{"kpi": "leads", "target": 300}, {"kpi": "cpl", "target": 500}]
    return Plan.model_validate(
        {
            "business": "corporate",
            "currency": "RUB",
            "lines": [{"kpi": "leads", "target": 300, "weight": 1}],
            "scheme": {"kind": "product", "salary": "30000.00", "factors": factors},
            "facts": {"leads": 330, "cpl": 625},
        }
    )


def run(folder: Path) -> list[Line]:
    """Read, pay and write, in this process; the files of the figures are not read here."""
    file = folder / "people.csv"
    with file.open("w", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(["name", "salary", "hired", "days absent", "correction"])
        for at in range(PEOPLE):
            hired = f"2026-10-{at % 28 + 1:02}" if at % 3 == 0 else ""
            writer.writerow([f"Person {at}", 30000 + at, hired, at % 4, -100 * (at % 5 == 0)])
    made = plan()
    business = catalogue.business(made.business)
    values = kpi_values(
        combine([]), business, parse_period("2026-10"), settings=made.settings(), kpis=made.kpis()
    )
    paid = payout(made, values)

    def whole() -> None:
        people = read_people(file.name, file.read_bytes()).people
        payroll_csv(payroll(people, {"": paid}), "en")

    (cost,) = rounds(lambda: timed(whole))
    return [Line("table in, payroll out", seconds(cost), "", "", "2 s")]
