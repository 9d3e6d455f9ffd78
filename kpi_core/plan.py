"""The plan file: what is wanted of whom, how it is judged, and what is paid for it.

One JSON file. It may come from anybody, so it is checked in full before any of it is used; a
mistake is a `PlanError` that names the field.
"""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, ValidationInfo, field_validator

from kpi_core import catalogue
from kpi_core.errors import KpiError, PlanError
from kpi_core.kpis import Settings
from kpi_core.model import Better, DefaultGoal, Period, Vat, parse_period
from kpi_core.rules import Goal, Number, Part
from kpi_core.schemes import Product, Scheme, Scorecard
from kpi_core.text import phrases

MAX_BYTES = 256_000


class Missing(StrEnum):
    """What a line without a value does to the total."""

    DROP = "drop"  # left out, the other weights grow
    ZERO = "zero"  # counts as nothing reached
    BLOCK = "block"  # no total at all


class Partial(StrEnum):
    """What is paid for a period that the data do not cover to its end."""

    WAIT = "wait"  # nothing yet
    PAY = "pay"  # as if it were whole


class Line(Goal):
    """A line of the scorecard; weights are relative, their shares always sum to 1."""

    weight: Annotated[Number, Field(ge=0, le=1_000_000)]


class Plan(Part):
    """A whole plan.

    Attributes:
        period: ``2026-10`` or ``2026-10-01..2026-10-14``; everything in the files if not given.
        variants: KPI to the definition that counts.
        assumptions: quantities that no export holds, such as ``margin_rate``.
        sources: family or measure to the source that is heard.
        rates: currency to what one unit of it is worth in the plan's currency.
        vat: source to whether its money includes VAT; goes before what its files say.
        vat_rate: 0.2 for 20 %; nothing is converted without it.
        vat_basis: with or without VAT: what all money, targets among it, is counted in.
        facts: measures or KPIs stated by hand; they overrule files.
    """

    format: Literal[1] = 1
    name: Annotated[str, Field(max_length=200)] = ""
    business: str
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    period: str | None = None
    lines: Annotated[tuple[Line, ...], Field(min_length=1, max_length=60)]
    scheme: Scheme
    missing: Missing = Missing.DROP
    partial_period: Partial = Partial.WAIT
    variants: dict[str, str] = Field(default_factory=dict)
    assumptions: dict[str, Number] = Field(default_factory=dict)
    sources: dict[str, str] = Field(default_factory=dict)
    rates: dict[str, Number] = Field(default_factory=dict)
    vat: dict[str, Vat] = Field(default_factory=dict)
    vat_rate: Annotated[Number, Field(ge=0)] | None = None
    vat_basis: Vat = "incl"
    facts: dict[str, Number] = Field(default_factory=dict)

    @field_validator("period")
    @classmethod
    def _is_period(cls, text: str | None) -> str | None:
        if text is not None:
            parse_period(text)
        return text

    @field_validator("business")
    @classmethod
    def _is_business(cls, id: str) -> str:
        return catalogue.business(id).id

    @field_validator("lines")
    @classmethod
    def _are_lines(cls, lines: tuple[Line, ...]) -> tuple[Line, ...]:
        _check_aims(lines)
        if len({line.kpi for line in lines}) < len(lines):
            raise PlanError("kpi_twice")
        if not any(line.weight for line in lines):
            raise PlanError("no_weight")
        return lines

    @field_validator("variants")
    @classmethod
    def _are_variants(cls, variants: dict[str, str]) -> dict[str, str]:
        for id, variant in variants.items():
            catalogue.kpi(id).variant(variant)
        return variants

    @field_validator("facts")
    @classmethod
    def _are_facts(cls, facts: dict[str, Decimal]) -> dict[str, Decimal]:
        for id in facts:
            if id not in catalogue.measures():
                catalogue.kpi(id)
        return facts

    @field_validator("assumptions")
    @classmethod
    def _can_be_assumed(cls, assumptions: dict[str, Decimal]) -> dict[str, Decimal]:
        Settings(assumptions={id: Fraction(value) for id, value in assumptions.items()})
        return assumptions

    @field_validator("sources")
    @classmethod
    def _can_be_heard(cls, sources: dict[str, str]) -> dict[str, str]:
        Settings(sources=sources)
        return sources

    @field_validator("rates")
    @classmethod
    def _are_rates(cls, rates: dict[str, Decimal], info: ValidationInfo) -> dict[str, Decimal]:
        exact = {code: Fraction(rate) for code, rate in rates.items()}
        Settings(currency=info.data.get("currency"), rates=exact)
        return rates

    @field_validator("vat")
    @classmethod
    def _are_sources(cls, vat: dict[str, Vat]) -> dict[str, Vat]:
        Settings(vat=vat)
        return vat

    @field_validator("vat_rate")
    @classmethod
    def _is_share(cls, rate: Decimal | None) -> Decimal | None:
        Settings(vat_rate=None if rate is None else Fraction(rate))
        return rate

    @field_validator("scheme")
    @classmethod
    def _is_scheme(cls, scheme: Scheme) -> Scheme:
        _check_aims(_factors(scheme))
        return scheme

    def goals(self) -> tuple[Goal, ...]:
        """Every goal: the lines and, where the scheme has some, its factors."""
        return (*self.lines, *_factors(self.scheme))

    def kpis(self) -> tuple[str, ...]:
        """Every KPI that some goal names."""
        return tuple(dict.fromkeys(goal.kpi for goal in self.goals()))

    def asked_period(self) -> Period | None:
        """The period of the plan, if it names one."""
        return parse_period(self.period) if self.period else None

    def settings(self) -> Settings:
        """The plan's choices of how KPIs are read."""
        return Settings(
            variants=self.variants,
            assumptions={id: Fraction(value) for id, value in self.assumptions.items()},
            sources=self.sources,
            given={id: Fraction(value) for id, value in self.facts.items()},
            currency=self.currency,
            rates={code: Fraction(rate) for code, rate in self.rates.items()},
            vat=self.vat,
            vat_rate=None if self.vat_rate is None else Fraction(self.vat_rate),
            vat_basis=self.vat_basis,
        )

    def shares(self) -> dict[str, Fraction]:
        """KPI to its share of all weights; they sum to 1."""
        whole = sum((Fraction(line.weight) for line in self.lines), Fraction(0))
        return {line.kpi: Fraction(line.weight) / whole for line in self.lines}

    def with_line(self, kpi: str, **changes: object) -> "Plan":
        """The same plan with fields of one line changed; checked again."""
        lines = [
            line.model_dump() | changes if line.kpi == kpi else line.model_dump()
            for line in self.lines
        ]
        return changed(self, lines=lines)

    def as_json(self) -> str:
        """The plan file."""
        return self.model_dump_json(indent=2) + "\n"


def _factors(scheme: Scheme) -> tuple[Goal, ...]:
    return scheme.factors if isinstance(scheme, Product) else ()


def _check_aims(goals: Sequence[Goal]) -> None:
    """Every KPI is known, and a way from base to target leads in its better direction."""
    for goal in goals:
        better = catalogue.kpi(goal.kpi).better
        if goal.base is None or goal.target is None:
            continue
        if (goal.target > goal.base) != (better is Better.HIGHER):
            raise PlanError(f"base_beyond_{better}", where=goal.kpi)


def changed(plan: Plan, **changes: object) -> Plan:
    """The plan with whole fields replaced; checked again.

    Raises:
        PlanError: the change makes no valid plan.
    """
    return _checked(plan.model_dump() | changes)


def default_plan(business: str) -> Plan:
    """A complete plan to start from: the default KPI set with example targets."""
    type_ = catalogue.business(business)

    def goal(default: DefaultGoal) -> dict[str, object]:
        return {"kpi": default.kpi, "target": Decimal(default.target)}

    return Plan(
        business=business,
        currency=type_.currency,
        lines=tuple(
            Line.model_validate(goal(default) | {"weight": Decimal(default.weight)})
            for default in type_.goals
        ),
        scheme=Product(
            salary=Decimal(type_.salary),
            factors=tuple(Goal.model_validate(goal(default)) for default in type_.factors),
        ),
        variants=dict(type_.variants),
        assumptions={id: Decimal(value) for id, value in type_.assumptions.items()},
    )


def scorecard_scheme(salary: Decimal) -> Scorecard:
    """A scorecard whose fund is one salary: what the product scheme can pay at most."""
    return Scorecard(salary=salary, fund=salary)


def read_plan(data: bytes, where: str = "plan") -> Plan:
    """A plan file, checked.

    Raises:
        PlanError: it is too large, no JSON, or a field is wrong; the message names the field.
    """
    if len(data) > MAX_BYTES:
        raise PlanError("plan_too_large", where=where, limit=MAX_BYTES // 1000)
    try:
        entry = json.loads(
            data.decode("utf-8-sig"),
            parse_float=Decimal,
            parse_constant=_no_constant,
            object_pairs_hook=_no_twins,
        )
    except PlanError as broken:
        broken.where = where
        raise
    except json.JSONDecodeError as broken:
        line, position = broken.lineno, broken.colno
        raise PlanError("plan_not_json", where=where, line=line, position=position) from None
    except (ValueError, RecursionError):
        raise PlanError("plan_not_text", where=where) from None
    return _checked(entry, where)


def _checked(entry: Any, where: str = "plan") -> Plan:
    try:
        return Plan.model_validate(entry)
    except ValidationError as wrong:
        first = wrong.errors(include_url=False, include_input=False)[0]
        at = ".".join(str(part) for part in first["loc"]) or "plan"
        reason = _reason(first["type"], first.get("ctx", {}))
        raise PlanError("plan_wrong", where=where, field=at, reason=reason) from None


def _reason(kind: str, context: Mapping[str, Any]) -> KpiError:
    """What pydantic objects to, as a phrase of ours: ``errors.field_<its word for it>``."""
    ours = context.get("error")
    if isinstance(ours, KpiError):
        return ours
    code = f"field_{kind}"
    return PlanError(code if f"errors.{code}" in phrases() else "field_wrong", **context)


def _no_constant(text: str) -> float:
    raise PlanError("plan_constant", text=text)


def _no_twins(pairs: list[tuple[str, object]]) -> dict[str, object]:
    named: dict[str, object] = {}
    for name, value in pairs:
        if name in named:
            raise PlanError("plan_twice", name=name[:40])
        named[name] = value
    return named


def json_schema() -> Mapping[str, Any]:
    """The JSON Schema of the plan file."""
    return Plan.model_json_schema(mode="validation")
