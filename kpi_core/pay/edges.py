"""What is paid just below a boundary of a rule, exactly on it, and just above."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from kpi_core.plan import Over, Plan
from kpi_core.rules import Bands, Goal
from kpi_core.schemes import Product
from kpi_core.text import rounded

_NEAR = Fraction(1, 10**9)


@dataclass(frozen=True)
class Paid:
    """A score, and the bonus it makes where every other goal is reached in full."""

    score: Fraction
    bonus: Decimal


@dataclass(frozen=True)
class Edge:
    """A boundary: of attainment, or of the value itself where the rule is one of bands."""

    mark: Fraction
    below: Paid
    exactly: Paid
    above: Paid


def edges(plan: Plan, goal: Goal) -> tuple[Edge, ...]:
    """The boundaries of the rule of one of `plan.paying()`; the target is always one.

    The bonus is that of somebody who worked all of the period, with every other goal at a score
    of 1 and no gate broken.
    """
    rule = goal.rule
    marks = set(rule.marks()) if isinstance(rule, Bands) else {*rule.marks(), Fraction(1)}
    return tuple(
        Edge(
            mark,
            *(_paid(plan, goal, rule.score(at)) for at in (mark - _NEAR, mark, mark + _NEAR)),
        )
        for mark in sorted(marks)
    )


def _paid(plan: Plan, goal: Goal, score: Fraction) -> Paid:
    scheme = plan.scheme
    if isinstance(scheme, Product):
        scores = [score if own is goal else Fraction(1) for own in scheme.factors]
    else:
        counted = min(score, Fraction(1)) if plan.over is Over.CAPPED else score
        share = plan.shares()[goal.kpi]
        scores = [1 - share + share * counted]
    coefficient = scheme.terms.applied(scheme.coefficient(scores))
    return Paid(score, rounded(coefficient * Fraction(scheme.stake), 2))
