"""From scores to money: one class per scheme. Exact until the last line, rounded once there.

Every scheme has a part that is paid anyway (`fixed`), a stake, and a coefficient of the stake that
its scores earn; its terms then bend the coefficient. What a person's days do to both is `people`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from math import prod
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from kpi_core.errors import PlanError
from kpi_core.formula import Array
from kpi_core.rules import Goal, Linear, Number, Part, Step, Steps

Money = Annotated[Decimal, Field(ge=0, max_digits=15, decimal_places=2, allow_inf_nan=False)]
Share = Annotated[Number, Field(ge=0, le=100)]

ONE = Decimal(1)


class Accelerator(Part):
    """Above `above` every point of the coefficient is worth `times` as much."""

    above: Share = ONE
    times: Annotated[Number, Field(ge=1, le=100)] = Decimal(2)


@dataclass(frozen=True)
class Bent:
    """What one of the terms made of a coefficient: ``accelerator``, ``floor`` or ``cap``."""

    term: str
    coefficient: Fraction


class Terms(Part):
    """How the coefficient of a scheme is bent, in this order: accelerator, floor, cap.

    Attributes:
        floor: the least share of the stake, whatever was reached.
        cap: the most; ``None`` for as far as the rules go.
    """

    floor: Share = Decimal(0)
    cap: Share | None = None
    accelerator: Accelerator | None = None

    @model_validator(mode="after")
    def _can_be_kept(self) -> "Terms":
        if self.cap is not None and self.cap < self.floor:
            raise PlanError("cap_below_floor")
        return self

    def bent(self, coefficient: Fraction) -> tuple[Bent, ...]:
        """What the terms make of a coefficient, one after the other; only those that change it."""
        found: list[Bent] = []

        def bend(term: str, to: Fraction) -> None:
            nonlocal coefficient
            if to != coefficient:
                coefficient = to
                found.append(Bent(term, to))

        if self.accelerator:
            above, times = Fraction(self.accelerator.above), Fraction(self.accelerator.times)
            bend("accelerator", coefficient + max(coefficient - above, Fraction(0)) * (times - 1))
        bend("floor", max(coefficient, Fraction(self.floor)))
        if self.cap is not None:
            bend("cap", min(coefficient, Fraction(self.cap)))
        return tuple(found)

    def applied(self, coefficient: Fraction) -> Fraction:
        """What is left of a coefficient after all terms."""
        bent = self.bent(coefficient)
        return bent[-1].coefficient if bent else coefficient

    def bent_all(self, coefficients: Array) -> Array:
        """The same for an array of coefficients, of any shape."""
        if self.accelerator:
            above, times = float(self.accelerator.above), float(self.accelerator.times)
            coefficients = coefficients + np.maximum(coefficients - above, 0) * (times - 1)
        most = np.inf if self.cap is None else float(self.cap)
        return np.clip(coefficients, float(self.floor), most)


class Paying(Part):
    """What every scheme has: a part that is paid anyway, a stake, and the terms.

    A scheme names the fields of its two sums of money (`fixed_field`, `stake_field`), so that one
    person can have others than the plan (`of_one`).

    Attributes:
        by: what the coefficient is made of: the scores of the scheme's own ``factors``, or the
            total score of the plan's ``lines``.
    """

    by: ClassVar[Literal["factors", "lines"]] = "lines"
    fixed_field: ClassVar[str] = "salary"
    stake_field: ClassVar[str | None] = "fund"

    terms: Terms = Terms()

    @property
    def fixed(self) -> Decimal:
        """What is paid whatever the scores: a salary, a contractor's price."""
        paid: Decimal = getattr(self, self.fixed_field)
        return paid

    @property
    def stake(self) -> Decimal:
        """What the coefficient is a share of."""
        at_stake: Decimal = getattr(self, self.stake_field or self.fixed_field)
        return at_stake

    def coefficient(self, scores: Sequence[Fraction]) -> Fraction:
        """The share of the stake that scores earn, before the terms.

        Args:
            scores: of the factors in their order, or the total score alone.
        """
        return scores[0]

    def coefficients(self, scores: Sequence[Array]) -> Array:
        """The same for arrays of scores, all of one shape."""
        return scores[0]

    def of_one(self, fixed: Decimal | None, stake: Decimal | None) -> Self:
        """The scheme with the sums of money of one person; ``None`` leaves the plan's.

        Raises:
            PlanError: the scheme has no stake of its own that could be another.
        """
        update: dict[str, Decimal] = {}
        if fixed is not None:
            update[self.fixed_field] = fixed
        if stake is not None:
            if self.stake_field is None:
                raise PlanError("scheme_without_fund")
            update[self.stake_field] = stake
        return self.model_copy(update=update)


class Product(Paying):
    """Bonus = k1 · k2 · ... · salary, each k from the attainment of one goal."""

    by = "factors"
    stake_field = None

    kind: Literal["product"] = "product"
    salary: Money
    factors: Annotated[tuple[Goal, ...], Field(min_length=1, max_length=10)]

    def coefficient(self, scores: Sequence[Fraction]) -> Fraction:
        """The product of the scores of the factors."""
        return prod(scores, start=Fraction(1))

    def coefficients(self, scores: Sequence[Array]) -> Array:
        """The same for arrays of scores, all of one shape."""
        product: Array = np.multiply.reduce(list(scores))
        return product


class Scorecard(Paying):
    """Bonus = total score of the plan's lines · bonus fund."""

    kind: Literal["scorecard"] = "scorecard"
    salary: Money
    fund: Money


class PayStep(Part):
    """From this total score on (or only above it, when not inclusive) the bonus is `amount`."""

    at: Number
    inclusive: bool = True
    amount: Money


class Table(Paying):
    """Bonus = the amount of the highest row that the total score reaches; `below` before it."""

    stake_field = None

    kind: Literal["table"] = "table"
    salary: Money
    rows: Annotated[tuple[PayStep, ...], Field(min_length=1, max_length=20)]
    below: Money = Decimal(0)

    @model_validator(mode="after")
    def _rises_and_pays(self) -> "Table":
        if not self.rows[-1].amount:
            raise PlanError("table_pays_nothing")
        self.rule()
        return self

    @property
    def stake(self) -> Decimal:
        """The largest amount."""
        return self.rows[-1].amount

    def rule(self) -> Steps:
        """The table as a rule from the total score to the share of the largest amount."""
        steps = [Step(at=row.at, inclusive=row.inclusive, score=row.amount) for row in self.rows]
        return Steps(steps=tuple(steps), below=self.below)

    def coefficient(self, scores: Sequence[Fraction]) -> Fraction:
        """The share of the largest amount that the total score earns."""
        return self.rule().score(scores[0]) / Fraction(self.stake)

    def coefficients(self, scores: Sequence[Array]) -> Array:
        """The same for an array of total scores."""
        return self.rule().scores(scores[0]) / float(self.stake)


class Curve(Paying):
    """Bonus = bonus fund · share by a line over floor, target and stretch of the total score."""

    kind: Literal["curve"] = "curve"
    salary: Money
    fund: Money
    rule: Linear = Linear()

    def coefficient(self, scores: Sequence[Fraction]) -> Fraction:
        """The share of the fund at a total score."""
        return self.rule.score(scores[0])

    def coefficients(self, scores: Sequence[Array]) -> Array:
        """The same for an array of total scores."""
        return self.rule.scores(scores[0])


class Contractor(Paying):
    """A contractor's pay: a fixed price, and a variable part · total score of the plan's lines."""

    fixed_field = "price"
    stake_field = "variable"

    kind: Literal["contractor"] = "contractor"
    price: Money
    variable: Money


class Split(StrEnum):
    """By what the fund of a team is shared out among its people."""

    CONTRIBUTION = "contribution"
    SALARY = "salary"
    HOURS = "hours"


class Team(Paying):
    """Fund of a team · total score, shared out by what each person brought."""

    kind: Literal["team"] = "team"
    salary: Money = Decimal(0)
    fund: Money
    split: Split = Split.CONTRIBUTION


Scheme = Annotated[
    Product | Scorecard | Table | Curve | Contractor | Team, Field(discriminator="kind")
]
