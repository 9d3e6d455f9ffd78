"""From a value to attainment to a score: the rules that an owner can move.

Everything is exact: a threshold is a decimal, an attainment a fraction, so that 79.999999 % is
never paid as 80 % nor the reverse. Each boundary says which side it belongs to.
"""

from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Literal, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, model_validator

from kpi_core.errors import PlanError
from kpi_core.formula import Array
from kpi_core.model import Better


def _json_number(value: Decimal) -> int | float | str:
    """A number that reads back as exactly `value`; in quotes where JSON readers would round it."""
    if value == value.to_integral_value():
        return int(value)
    return float(value) if Decimal(repr(float(value))) == value else str(value)


Number = Annotated[
    Decimal,
    # Digits are limited because 1e-999999 would make fractions of a million digits.
    Field(allow_inf_nan=False, ge=-(10**15), le=10**15, max_digits=45, decimal_places=30),
    PlainSerializer(_json_number, when_used="json"),
]


TENTH = Decimal("0.1")
NEAR = 1e-12  # floats so near a boundary stand on it, as the exact figures do


def _at_least(values: Array, mark: Decimal, *, inclusive: bool) -> Array:
    """Where `values` reach a boundary: 1.0, else 0.0; also on it, when that is enough."""
    slack = NEAR * max(1.0, abs(float(mark)))
    reached = values >= float(mark) - slack if inclusive else values > float(mark) + slack
    return reached.astype(float)


class Part(BaseModel):
    """A part of a plan file: unchangeable, and unknown fields are mistakes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


AnyPart = TypeVar("AnyPart", bound=Part)


class Step(Part):
    """From this attainment on (or only above it, when not inclusive) the score is `score`."""

    at: Number
    inclusive: bool = True
    score: Annotated[Number, Field(ge=0)]

    def reached(self, attainment: Fraction) -> bool:
        """Whether `attainment` is on this step or above."""
        at = Fraction(self.at)
        return attainment >= at if self.inclusive else attainment > at


class Steps(Part):
    """The score of the highest step reached; `below` before the first."""

    kind: Literal["steps"] = "steps"
    steps: Annotated[tuple[Step, ...], Field(min_length=1, max_length=20)]
    below: Annotated[Number, Field(ge=0)] = Decimal(0)

    @model_validator(mode="after")
    def _rising(self) -> "Steps":
        marks = [(step.at, not step.inclusive) for step in self.steps]
        scores = [self.below, *(step.score for step in self.steps)]
        if marks != sorted(set(marks)) or scores != sorted(scores):
            raise PlanError("steps_must_rise")
        return self

    def score(self, attainment: Fraction) -> Fraction:
        """The score of an attainment."""
        reached = [step.score for step in self.steps if step.reached(attainment)]
        return Fraction(reached[-1] if reached else self.below)

    def scores(self, attainments: Array) -> Array:
        """The scores of an array of attainments; ``nan`` of ``nan``."""
        found = np.where(np.isnan(attainments), np.nan, float(self.below))
        below = self.below
        for step in self.steps:
            rise = float(step.score - below)
            found += rise * _at_least(attainments, step.at, inclusive=step.inclusive)
            below = step.score
        return found

    def top(self) -> Fraction:
        """The score beyond every boundary."""
        return Fraction(self.steps[-1].score)

    def marks(self) -> tuple[Fraction, ...]:
        """The attainments where the score jumps."""
        return tuple(Fraction(step.at) for step in self.steps)

    def longer(self) -> "Steps":
        """The rule with one step more, a tenth above the last and worth as much."""
        last = self.steps[-1]
        step = Step(at=last.at + TENTH, score=last.score)
        return Steps(steps=(*self.steps, step), below=self.below)

    def without(self, position: int) -> "Steps":
        """The rule without one of its steps."""
        return Steps(steps=_but(self.steps, position), below=self.below)


class Linear(Part):
    """Nothing below the floor, then straight lines floor - target - stretch, then level."""

    kind: Literal["linear"] = "linear"
    floor: Number = Decimal("0.8")
    target: Number = Decimal("1")
    stretch: Number = Decimal("1.2")
    floor_score: Annotated[Number, Field(ge=0)] = Decimal("0.5")
    target_score: Annotated[Number, Field(ge=0)] = Decimal("1")
    stretch_score: Annotated[Number, Field(ge=0)] = Decimal("1")

    @model_validator(mode="after")
    def _rising(self) -> "Linear":
        if not self.floor < self.target < self.stretch:
            raise PlanError("linear_must_rise")
        if not self.floor_score <= self.target_score <= self.stretch_score:
            raise PlanError("linear_must_rise")
        return self

    def score(self, attainment: Fraction) -> Fraction:
        """The score of an attainment."""
        floor, target, stretch = map(Fraction, (self.floor, self.target, self.stretch))
        if attainment < floor:
            return Fraction(0)
        if attainment < target:
            return _between(attainment, floor, target, self.floor_score, self.target_score)
        if attainment < stretch:
            return _between(attainment, target, stretch, self.target_score, self.stretch_score)
        return self.top()

    def scores(self, attainments: Array) -> Array:
        """The scores of an array of attainments; ``nan`` of ``nan``."""
        marks = [float(mark) for mark in (self.floor, self.target, self.stretch)]
        heights = [float(s) for s in (self.floor_score, self.target_score, self.stretch_score)]
        on_line = np.interp(attainments, marks, heights)
        return on_line * _at_least(attainments, self.floor, inclusive=True)

    def top(self) -> Fraction:
        """The score beyond every boundary."""
        return Fraction(self.stretch_score)

    def marks(self) -> tuple[Fraction, ...]:
        """The attainments where the score jumps."""
        return (Fraction(self.floor),)


def _between(
    at: Fraction, left: Fraction, right: Fraction, low: Decimal, high: Decimal
) -> Fraction:
    part = (at - left) / (right - left)
    return Fraction(low) + part * (Fraction(high) - Fraction(low))


class Band(Part):
    """Up to this value (itself included, unless said otherwise) the score is `score`."""

    to: Number
    inclusive: bool = True
    score: Annotated[Number, Field(ge=0)]


class Bands(Part):
    """The score of the first band that holds the value itself; `beyond` after the last."""

    kind: Literal["bands"] = "bands"
    bands: Annotated[tuple[Band, ...], Field(min_length=1, max_length=20)]
    beyond: Annotated[Number, Field(ge=0)] = Decimal(0)

    @model_validator(mode="after")
    def _rising(self) -> "Bands":
        ends = [(band.to, band.inclusive) for band in self.bands]
        if ends != sorted(set(ends)):
            raise PlanError("bands_must_rise")
        return self

    def score(self, value: Fraction) -> Fraction:
        """The score of a value."""
        for band in self.bands:
            end = Fraction(band.to)
            if value < end or (band.inclusive and value == end):
                return Fraction(band.score)
        return Fraction(self.beyond)

    def scores(self, values: Array) -> Array:
        """The scores of an array of values; ``nan`` of ``nan``."""
        found = np.where(np.isnan(values), np.nan, float(self.bands[0].score))
        after = [*(band.score for band in self.bands[1:]), self.beyond]
        for band, score in zip(self.bands, after, strict=True):
            passed = _at_least(values, band.to, inclusive=not band.inclusive)
            found += float(score - band.score) * passed
        return found

    def marks(self) -> tuple[Fraction, ...]:
        """The values where the score jumps."""
        return tuple(Fraction(band.to) for band in self.bands)

    def longer(self) -> "Bands":
        """The rule with one band more, a tenth beyond the last and worth as much."""
        last = self.bands[-1]
        to = last.to + (abs(last.to) * TENTH or TENTH)
        return Bands(bands=(*self.bands, Band(to=to, score=last.score)), beyond=self.beyond)

    def without(self, position: int) -> "Bands":
        """The rule without one of its bands."""
        return Bands(bands=_but(self.bands, position), beyond=self.beyond)


def _but(parts: tuple[AnyPart, ...], position: int) -> tuple[AnyPart, ...]:
    return (*parts[:position], *parts[position + 1 :])


def plain_bands(target: Decimal | None, better: Better) -> Bands:
    """Bands to start from: all for a value on the better side of the target, nothing beyond."""
    to = Decimal(1) if target is None else target
    if better is Better.LOWER:
        return Bands(bands=(Band(to=to, score=Decimal(1)),))
    return Bands(bands=(Band(to=to, inclusive=False, score=Decimal(0)),), beyond=Decimal(1))


Rule = Annotated[Steps | Linear | Bands, Field(discriminator="kind")]

# k = 0 below 80 %, 0.5 from 80 % to 100 %, 1 when overfulfilled, read literally: exactly 80 % and
# exactly 100 % both give 0.5.
LITERAL_STEPS = Steps(
    steps=(
        Step(at=Decimal("0.8"), inclusive=True, score=Decimal("0.5")),
        Step(at=Decimal("1"), inclusive=False, score=Decimal("1")),
    )
)


class Goal(Part):
    """What is wanted of a KPI: a target, from an optional base, judged by a rule.

    With a base, attainment is the part of the way from base to target that was covered.
    """

    kpi: str
    target: Number | None = None
    base: Number | None = None
    rule: Rule = LITERAL_STEPS

    @model_validator(mode="after")
    def _can_be_judged(self) -> "Goal":
        if isinstance(self.rule, Bands):
            return self
        if self.target is None:
            raise PlanError("target_needed", where=self.kpi)
        if self.base is None and self.target <= 0:
            raise PlanError("target_above_zero", where=self.kpi)
        if self.base is not None and self.base == self.target:
            raise PlanError("base_is_target", where=self.kpi)
        return self

    def attainment(self, value: Fraction | None, better: Better) -> Fraction | None:
        """How much of the target is reached, 1 exactly; ``None`` where that cannot be said.

        Higher is better: value / target; lower is better: target / value;
        with a base: (value - base) / (target - base).
        """
        if value is None or self.target is None:
            return None
        target = Fraction(self.target)
        if self.base is None and not target:
            return None  # bands judge the value itself, whatever its target
        if self.base is not None:
            base = Fraction(self.base)
            return (value - base) / (target - base)
        if better is Better.HIGHER:
            return value / target
        return target / value if value > 0 else None

    def score(self, value: Fraction | None, better: Better) -> Fraction | None:
        """The score of a value; ``None`` if the value is missing.

        A lower-is-better value of 0 passes every boundary: the limit of target / value. So does
        one below.
        """
        if value is None:
            return None
        if isinstance(self.rule, Bands):
            return self.rule.score(value)
        attainment = self.attainment(value, better)
        if attainment is None:
            return self.rule.top()
        return self.rule.score(attainment)

    def scores(self, values: Array, better: Better) -> Array:
        """The scores of an array of values; ``nan`` of ``nan``.

        Floats within 1e-12 of a boundary count as on it.
        """
        if isinstance(self.rule, Bands):
            return self.rule.scores(values)
        target = float(self.target or 0)
        if self.base is not None:
            base = float(self.base)
            return self.rule.scores((values - base) / (target - base))
        if better is Better.HIGHER:
            return self.rule.scores(values / target)
        with np.errstate(divide="ignore"):
            attainments = np.where(values > 0, target / values, np.nan)
        return np.where(values <= 0, float(self.rule.top()), self.rule.scores(attainments))
