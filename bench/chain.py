"""The chain for arrays: what a lever, a picture and a simulation of a year wait for."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bench.common import ROOT, Cost, Line, ratio, rounds, seconds, timed
from kpi_core import catalogue
from kpi_core.chain import Chain, chain
from kpi_core.drivers import calibrate
from kpi_core.facts import combine
from kpi_core.ingest import read_path
from kpi_core.kpis import Evaluation, kpi_values
from kpi_core.model import parse_period
from kpi_core.plan import default_plan

TITLE = "The chain from levers to profit"
MONEY = frozenset({"bonus", "profit_after_ads", "profit_after_pay"})
DRAWS, MONTHS = 100_000, 12


def made(business: str) -> Chain:
    """The chain of a sample business and its default plan."""
    data = combine(
        [read_path(path) for path in sorted((ROOT / "sample_data" / business).iterdir())]
    )
    plan, period, type_ = (
        default_plan(business),
        parse_period("2026-10"),
        catalogue.business(business),
    )
    settings = plan.settings()
    values = kpi_values(data, type_, period, settings=settings, kpis=plan.shown_kpis())
    return chain(plan, values, calibrate(Evaluation(data, period, settings=settings), type_))


def each(work: Callable[[], object], times: int = 50) -> Cost:
    """What one of many runs takes."""
    start = time.perf_counter()
    for _ in range(times):
        work()
    return Cost((time.perf_counter() - start) / times, 0)


def run(folder: Path) -> list[Line]:  # noqa: ARG001
    """One position, 10,000, and a year of months in 100,000 draws, of the main drivers at once."""
    lines = []
    for business in catalogue.businesses():
        own = made(business)
        main = [driver.id for driver in own.model.business.drivers if driver.main]
        base = {id: float(own.model.drivers[id] or 0) for id in main}
        pick = np.random.default_rng(20261001)

        def drawn(*shape: int, pick=pick, base=base) -> dict[str, np.ndarray]:
            return {id: pick.normal(value, value / 10, shape) for id, value in base.items()}

        one, many = drawn(), drawn(10_000)
        single, lot = rounds(
            lambda own=own, one=one: each(lambda: own.at(one)),
            lambda own=own, many=many: timed(lambda: own.at(many)),
        )
        lines += [
            Line(f"{business}, everything: one position", seconds(single), "", "", "< 2 ms"),
            Line(f"{business}, everything: 10,000 positions", seconds(lot), "", "", "< 60 ms"),
        ]
        year = drawn(DRAWS, MONTHS)
        paid, random = rounds(
            lambda own=own, year=year: timed(lambda: own.at(year, MONEY)),
            lambda drawn=drawn: timed(lambda: drawn(DRAWS, MONTHS)),
        )
        lines.append(
            Line(
                f"{business}, bonus and profit: {DRAWS:,} draws x {MONTHS} months, beside drawing "
                f"the {len(main)} levers",
                seconds(paid),
                seconds(random),
                ratio(paid.seconds, random.seconds),
                "≤ 4",
            )
        )
    return lines
