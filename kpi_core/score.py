"""KPI values and a plan to scores: each line by its rule, the total by its weights."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from kpi_core import catalogue
from kpi_core.kpis import KpiValue
from kpi_core.model import Unit
from kpi_core.plan import Missing, Plan
from kpi_core.rules import Goal


@dataclass(frozen=True)
class Judged:
    """One goal judged.

    Attributes:
        value: the KPI value; ``None`` inside if missing.
        foreign: the value is money of another currency than the plan's, so it is not judged.
    """

    goal: Goal
    value: KpiValue
    attainment: Fraction | None
    score: Fraction | None
    foreign: bool = False


@dataclass(frozen=True)
class ScoredLine:
    """A line of the scorecard: its share of the weights and what it contributes."""

    judged: Judged
    weight: Fraction
    share: Fraction
    points: Fraction | None


@dataclass(frozen=True)
class Scorecard:
    """The lines of a plan and their total: Σ weight · score / Σ weight.

    Attributes:
        total: ``None`` if nothing can be judged, or a value is missing and the plan blocks then.
        missing: the weighed KPIs without a value, which the plan drops, counts as zero, or waits
            for.
    """

    lines: tuple[ScoredLine, ...]
    total: Fraction | None
    missing: tuple[str, ...]

    def most_lost(self) -> ScoredLine | None:
        """The line that fell furthest short of its share of the total, if any did."""
        short = [
            line for line in self.lines if line.points is not None and line.points < line.share
        ]
        return max(short, key=lambda line: line.share - (line.points or 0), default=None)


def judge(goal: Goal, value: KpiValue, currency: str) -> Judged:
    """A goal against the value of its KPI."""
    kpi = catalogue.kpi(goal.kpi)
    foreign = kpi.unit is Unit.MONEY and value.currency not in (None, currency)
    found = None if foreign else value.value
    return Judged(
        goal, value, goal.attainment(found, kpi.better), goal.score(found, kpi.better), foreign
    )


def score(plan: Plan, values: Mapping[str, KpiValue]) -> Scorecard:
    """The scorecard of a plan for KPI values by id."""
    judged = [judge(line, values[line.kpi], plan.currency) for line in plan.lines]
    scores = [
        Fraction(0) if item.score is None and plan.missing is Missing.ZERO else item.score
        for item in judged
    ]
    weights = [Fraction(line.weight) for line in plan.lines]
    whole = sum(
        (weight for weight, found in zip(weights, scores, strict=True) if found is not None),
        Fraction(0),
    )
    lines = []
    for item, weight, found in zip(judged, weights, scores, strict=True):
        share = weight / whole if whole and found is not None else Fraction(0)
        lines.append(ScoredLine(item, weight, share, None if found is None else share * found))
    missing = tuple(
        item.goal.kpi
        for item, weight in zip(judged, weights, strict=True)
        if item.score is None and weight
    )
    total: Fraction | None = None
    if whole and not (missing and plan.missing is Missing.BLOCK):
        total = sum((line.points for line in lines if line.points is not None), Fraction(0))
    return Scorecard(tuple(lines), total, missing)
