"""From scores to money: one class per scheme. Exact until the last line, rounded once there."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field

from kpi_core.rules import Goal, Part

Money = Annotated[Decimal, Field(ge=0, max_digits=15, decimal_places=2, allow_inf_nan=False)]


@dataclass(frozen=True)
class Earned:
    """A bonus before rounding: `coefficient` times `stake`."""

    coefficient: Fraction
    stake: Decimal

    @property
    def bonus(self) -> Fraction:
        """The exact bonus."""
        return self.coefficient * Fraction(self.stake)


class Product(Part):
    """Bonus = k1 · k2 · ... · salary, each k from the attainment of one goal."""

    kind: Literal["product"] = "product"
    salary: Money
    factors: Annotated[tuple[Goal, ...], Field(min_length=1, max_length=10)]

    def earn(self, coefficients: tuple[Fraction, ...]) -> Earned:
        """The bonus for the scores of the factors, in their order."""
        product = Fraction(1)
        for coefficient in coefficients:
            product *= coefficient
        return Earned(product, self.salary)


class Scorecard(Part):
    """Bonus = total score of the plan's lines · bonus fund."""

    kind: Literal["scorecard"] = "scorecard"
    salary: Money
    fund: Money

    def earn(self, total: Fraction) -> Earned:
        """The bonus for a total score."""
        return Earned(total, self.fund)


Scheme = Annotated[Product | Scorecard, Field(discriminator="kind")]
