"""Backwards from a goal: six levers under rules that jump."""

from fractions import Fraction
from functools import partial
from pathlib import Path

from bench.chain import made
from bench.common import Line, rounds, seconds, timed
from kpi_core import catalogue
from kpi_core.seek import Budget, most_profit, parse_means, parse_target, seek

TITLE = "From a goal to the levers"
LEVERS = 6
GOALS = ("score=0.9", "score=1", "bonus=full")
BUDGET = Budget(effort=Fraction(30))


def run(folder: Path) -> list[Line]:  # noqa: ARG001
    """The cheapest way to a goal, and the most profit within a budget, of six main drivers."""
    lines = []
    for business in catalogue.businesses():
        own = made(business)
        main = [driver.id for driver in own.model.business.drivers if driver.main]
        means = parse_means([id for id in main if own.model.drivers[id]][:LEVERS])
        asked = {
            goal: partial(seek, own, parse_target(goal, own.plan), means)
            for goal in GOALS
            if seek(own, parse_target(goal, own.plan), means).effort  # else it is reached already
        }
        asked["the most profit"] = partial(most_profit, own, means, BUDGET)
        for what, work in asked.items():
            (cost,) = rounds(partial(timed, work))
            lines.append(Line(f"{business}: {what}", seconds(cost), "", "", "< 1 s"))
    return lines
