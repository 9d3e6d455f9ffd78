"""What a slider touches: a scorecard of 20 KPIs, small upload and large one."""

import csv
import random
import time
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from bench.common import Cost, Line, ratio, rounds, seconds
from kpi_core import catalogue
from kpi_core.facts import Facts, combine
from kpi_core.ingest import read_path
from kpi_core.kpis import Evaluation, kpi_values
from kpi_core.model import parse_period
from kpi_core.plan import Plan
from kpi_core.score import score

TITLE = "Scorecard of 20 KPIs"
SMALL, LARGE = 10_000, 5_000_000
CHANNELS = (
    "organic",
    "cpc",
    "email",
    "direct",
    "referral",
    "social",
    "display",
    "sms",
    "push",
    "other",
)
HEADINGS = (
    "Date", "Channel", "Sessions", "Page views", "Bounces", "Orders", "Revenue", "Cost", "Clicks",
    "Impressions", "Leads", "New customers", "Gross profit", "Refunds", "Add to carts",
)  # fmt: skip
KPIS = (
    "sessions", "page_depth", "bounce_rate", "orders", "revenue", "cr", "aov", "arpv", "cpo", "cpl",
    "cpc", "ctr", "cac", "drr", "roas", "romi", "gross_profit", "gross_margin", "refund_share",
    "cart_abandonment",
)  # fmt: skip


def write(path: Path, rows: int) -> Path:
    """13 months of days in ten channels, each row a part of one of them."""
    pick = random.Random(20261001)  # noqa: S311
    first = date(2025, 10, 1)
    some = [[pick.randint(1, 50) for _ in HEADINGS[2:]] for _ in range(997)]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADINGS)
        for row in range(rows):
            day = first + timedelta(days=row % 396)
            writer.writerow((day, CHANNELS[row // 396 % 10], *some[row % 997]))
    return path


def plan() -> Plan:
    """20 KPIs, weighed alike."""
    return Plan.model_validate(
        {
            "business": "shop",
            "currency": "RUB",
            "lines": [{"kpi": kpi, "target": 10, "weight": 1} for kpi in KPIS],
            "scheme": {"kind": "scorecard", "salary": "0.00", "fund": "1.00"},
        }
    )


def each(work: Callable[[], object], times: int = 200) -> Cost:
    """What one of many runs takes."""
    start = time.perf_counter()
    for _ in range(times):
        work()
    return Cost((time.perf_counter() - start) / times, 0)


def works(facts: Facts) -> tuple[Callable[[], object], Callable[[], object], Callable[[], object]]:
    """A weight moved; all values from the sums of the period; all values from the days."""
    made, period = plan(), parse_period("2026-10")
    business = catalogue.business("shop")
    heard = Evaluation(facts, period, settings=made.settings())
    wanted = [catalogue.kpi(kpi) for kpi in KPIS]
    values = kpi_values(facts, business, period, settings=made.settings(), kpis=KPIS).totals()

    def moved() -> object:
        return score(made.with_line("cr", weight=Decimal("0.5")), values)

    def revalued() -> object:
        return score(made, {kpi.id: heard.value(kpi) for kpi in wanted})

    def summed() -> object:
        return kpi_values(facts, business, period, settings=made.settings(), kpis=KPIS)

    return moved, revalued, summed


NAMES = (
    "a weight is moved: plan and scorecard anew",
    "all KPI values anew from the sums of the period, and the scorecard",
    "all KPI values anew from the days of 13 months",
)


def run(folder: Path) -> list[Line]:
    """Time of `kpi_core` alone, on facts of a small and of a large upload."""
    small, large = (
        combine([read_path(write(folder / f"{rows}.csv", rows))]) for rows in (SMALL, LARGE)
    )
    lines = []
    for name, one, other in zip(NAMES, works(small), works(large), strict=True):
        one(), other()
        of_small, of_large = rounds(lambda one=one: each(one), lambda other=other: each(other))
        lines.append(
            Line(
                f"{name}: {LARGE:,} rows uploaded, beside {SMALL:,}",
                seconds(of_large),
                seconds(of_small),
                ratio(of_large.seconds, of_small.seconds),
                "≤ 1 ms, ≤ 1.1",
            )
        )
    return lines
