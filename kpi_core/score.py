"""KPI values and a plan to scores: each line by its rule, the total by its weights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from kpi_core.kpis import KpiValue, Values
from kpi_core.model import Kpi, Unit, month_of
from kpi_core.plan import Missing, Over, Plan
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

    @property
    def kpi(self) -> Kpi:
        """The KPI that was judged."""
        return self.value.definition

    @property
    def status(self) -> str:
        """``reached``, ``partly``, ``missed`` or ``no_data``."""
        if self.score is None:
            return "no_data"
        return "reached" if self.score >= 1 else "partly" if self.score > 0 else "missed"


@dataclass(frozen=True)
class ScoredLine:
    """A line of the scorecard: its share of the weights and what it contributes.

    `counted` is its score as the plan counts it in the total: capped, 0 for a missing value.
    """

    judged: Judged
    weight: Fraction
    share: Fraction
    points: Fraction | None
    counted: Fraction | None


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


def earlier(plan: Plan, values: Values, when: str) -> Scorecard | None:
    """The scorecard of the days that a period is compared with, by the targets of their month."""
    then = values.earlier.get(when)
    if then is None:
        return None
    days = then.period
    if days and values.period and values.period.months == 1:
        days = month_of(days.last)  # of a month not over only its first days are compared
    return score(plan.of_period(days), then.totals())


@dataclass(frozen=True)
class Change:
    """What one line contributed to the change of a total: its points now less its points then.

    `then` is ``None`` for a line that the earlier scorecard does not have.
    """

    now: ScoredLine
    then: ScoredLine | None
    points: Fraction


def changes(then: Scorecard, now: Scorecard) -> tuple[Change, ...]:
    """What each line did to the total; the points add up to the change, exactly.

    A line of the earlier scorecard only is not told: the two are of one plan.
    """
    before = {line.judged.goal.kpi: line for line in then.lines}
    found = []
    for line in now.lines:
        old = before.get(line.judged.goal.kpi)
        moved = (line.points or Fraction(0)) - ((old and old.points) or Fraction(0))
        found.append(Change(line, old, moved))
    return tuple(found)


@dataclass(frozen=True)
class Firmness:
    """Within which weights of one line the grade stays, the other weights as they are.

    Attributes:
        least, most: bounds of the weight; `most` is ``None`` where no weight is too large.
        others: the sum of the other weights.
    """

    line: ScoredLine
    least: Fraction
    most: Fraction | None
    others: Fraction

    def shares(self) -> tuple[Fraction, Fraction]:
        """The same bounds as shares of all weights, 0 to 1."""
        if not self.others:
            return Fraction(0), Fraction(1)
        most = Fraction(1) if self.most is None else self.most / (self.most + self.others)
        return self.least / (self.least + self.others), most


def firmness(card: Scorecard, marks: Sequence[Fraction]) -> tuple[Firmness, ...]:
    """How far each weight could be moved before the total passes one of `marks`.

    With weight w of a line that scores s, and R = Σ weight · score and W = Σ weight of the others,
    the total is (R + w·s) / (W + w): it goes one way only, from R / W towards s.

    Args:
        card: with a total.
        marks: the totals from which grades begin, rising.
    """
    if card.total is None:
        return ()
    low = max((mark for mark in marks if mark <= card.total), default=None)
    high = min((mark for mark in marks if mark > card.total), default=None)
    scored = [line for line in card.lines if line.share and line.points is not None]
    found = []
    for line in scored:
        own = (line.points or Fraction(0)) / line.share
        others = sum((other.weight for other in scored if other is not line), Fraction(0))
        rest = card.total * (others + line.weight) - line.weight * own
        # A larger weight leads from `behind` to `ahead`; the grade lies between the two.
        behind, ahead = (low, high) if own * others > rest else (high, low)
        least = _weight_at(behind, own, rest, others) or Fraction(0)
        most = _weight_at(ahead, own, rest, others)
        found.append(Firmness(line, least, most, others))
    return tuple(found)


def _weight_at(
    mark: Fraction | None, own: Fraction, rest: Fraction, others: Fraction
) -> Fraction | None:
    """The weight at which the total is `mark`; ``None`` if it never is."""
    if mark is None or mark == own or own * others == rest:
        return None
    weight = (mark * others - rest) / (own - mark)
    return weight if weight >= 0 else None


def judge(goal: Goal, value: KpiValue, currency: str) -> Judged:
    """A goal against the value of its KPI."""
    foreign = value.unit is Unit.MONEY and value.currency not in (None, currency)
    found = None if foreign else value.value
    better = value.definition.better
    return Judged(goal, value, goal.attainment(found, better), goal.score(found, better), foreign)


def _counted(score: Fraction | None, plan: Plan) -> Fraction | None:
    """A score as it counts in the total."""
    if score is None:
        return Fraction(0) if plan.missing is Missing.ZERO else None
    return min(score, Fraction(1)) if plan.over is Over.CAPPED else score


def score(plan: Plan, values: Mapping[str, KpiValue]) -> Scorecard:
    """The scorecard of a plan for KPI values by id."""
    judged = [judge(line, values[line.kpi], plan.currency) for line in plan.lines]
    scores = [_counted(item.score, plan) for item in judged]
    weights = [Fraction(line.weight) for line in plan.lines]
    whole = sum(
        (weight for weight, found in zip(weights, scores, strict=True) if found is not None),
        Fraction(0),
    )
    lines = []
    for item, weight, found in zip(judged, weights, scores, strict=True):
        share = weight / whole if whole and found is not None else Fraction(0)
        points = None if found is None else share * found
        lines.append(ScoredLine(item, weight, share, points, found))
    missing = tuple(
        item.goal.kpi
        for item, weight in zip(judged, weights, strict=True)
        if item.score is None and weight
    )
    total: Fraction | None = None
    if whole and not (missing and plan.missing is Missing.BLOCK):
        total = sum((line.points for line in lines if line.points is not None), Fraction(0))
    return Scorecard(tuple(lines), total, missing)
