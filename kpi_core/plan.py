"""The plan file: what is wanted of whom, how it is judged, and what is paid for it.

One JSON file. It may come from anybody, so it is checked in full before any of it is used; a
mistake is a `PlanError` that names the field.
"""

import json
import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from math import ceil, floor
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

from pydantic import AfterValidator, Field, ValidationError, ValidationInfo, field_validator

from kpi_core import catalogue
from kpi_core.errors import Finding, FormulaError, KpiError, PlanError, Severity, UsageError
from kpi_core.formula import EARLIER, FUNCTIONS, MAX_CHARACTERS, Formula, earlier
from kpi_core.kpis import Settings, Values
from kpi_core.limits import LIMITS
from kpi_core.model import (
    TOTAL,
    Adds,
    Better,
    DefaultGoal,
    Group,
    Kpi,
    Period,
    Phase,
    Stages,
    Unit,
    Variant,
    Vat,
    month_of,
    parse_period,
)
from kpi_core.rules import Goal, Number, Part
from kpi_core.schemes import (
    Contractor,
    Curve,
    PayStep,
    Product,
    Scheme,
    Scorecard,
    Table,
    Team,
)
from kpi_core.stages import OWN, named_funnel, own_funnel
from kpi_core.text import phrases, rounded

MAX_BYTES = 1000 * LIMITS.plan_kilobytes
EXTREME = Fraction(3, 5)  # a share above it is told: one line decides nearly alone
PLACES = 12  # decimals of a weight that a slider has moved
AnyGoal = TypeVar("AnyGoal", bound=Goal)
OwnId = Annotated[str, Field(pattern=r"^\w{1,40}$")]
WORDS = (*EARLIER, *FUNCTIONS)  # of the formula language: nothing else is called so
PROFIT = "gross_profit"  # the money that a loss takes below 0


def _is_printed(text: str) -> str:
    if any(unicodedata.category(character) == "Cc" for character in text):
        raise PlanError("control_character")
    return text


PRINTED = AfterValidator(_is_printed)
Comment = Annotated[str, Field(max_length=500), PRINTED]
StageText = Annotated[str, Field(max_length=120), PRINTED]


class Missing(StrEnum):
    """What a line without a value does to the total."""

    DROP = "drop"  # left out, the other weights grow
    ZERO = "zero"  # counts as nothing reached
    BLOCK = "block"  # no total at all


class Partial(StrEnum):
    """What is paid for a period that the data do not cover to its end."""

    WAIT = "wait"  # nothing yet
    PAY = "pay"  # as if it were whole


class Per(StrEnum):
    """What the sums of money and the targets of a plan are of."""

    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"

    @property
    def months(self) -> int:
        """How many calendar months it has."""
        return {Per.MONTH: 1, Per.QUARTER: 3, Per.YEAR: 12}[self]


class Over(StrEnum):
    """Whether a line may earn more than its share of the total."""

    ALLOWED = "allowed"  # as far as its rule goes
    CAPPED = "capped"  # a score of 1 is the most


class Line(Goal):
    """A line of the scorecard; weights are relative, their shares always sum to 1.

    Attributes:
        owner: who answers for it.
        deadline: by when the target is to be reached.
    """

    weight: Annotated[Number, Field(ge=0, le=1_000_000)]
    owner: Annotated[str, Field(max_length=100), PRINTED] = ""
    deadline: date | None = None


def _own_formula(text: str) -> Formula:
    formula = catalogue.kpi_formula(text, text)
    if not formula.names:
        raise FormulaError("formula_constant", where=text)
    return formula


class OwnKpi(Part):
    """A KPI that the owner defines by a formula over measures."""

    name: Annotated[str, Field(min_length=1, max_length=100), PRINTED]
    formula: Annotated[str, Field(max_length=MAX_CHARACTERS)]
    unit: Unit = Unit.RATIO
    better: Better = Better.HIGHER
    decimals: Annotated[int, Field(ge=0, le=6)] = 2

    @field_validator("formula")
    @classmethod
    def _is_formula(cls, text: str) -> str:
        return _own_formula(text).text

    def kpi(self, id: str) -> Kpi:
        """What the catalogue would say of it."""
        both = {"ru": self.name, "en": self.name}
        formula = catalogue.kpi_formula(self.formula, id)
        of_text = {"ru": self.formula, "en": self.formula}
        return Kpi(
            id=id,
            name=both,
            why=of_text,
            unit=self.unit,
            better=self.better,
            group=Group.OWN,
            variants=(Variant("own", of_text, formula),),
            source=self.formula,
            decimals=self.decimals,
        )


class Gate(Part):
    """A hard limit: broken, nothing is paid, whatever the scores. Exactly at the limit is kept."""

    kpi: str
    limit: Number


class Guard(Part):
    """A pair: the work on `kpi` made no sense if `guard` worsens faster than `kpi` improves.

    Both are compared with the period before or with the same days a year ago. As a gate a broken
    guard stops the bonus; else it is told.
    """

    kpi: str
    guard: str
    against: Literal["previous", "year_ago"] = "previous"
    gate: bool = False


class Aim(Part):
    """A target of an objective, tied to a KPI.

    Attributes:
        target: of a calendar month.
        currency: of `target` and `base`, where they are money; the plan's if not given.
        base: where the KPI stood before.
        deadline: by when it is to be reached.
        owner: who answers for it.
    """

    kpi: str
    target: Number
    currency: Annotated[str, Field(pattern=r"^([A-Z]{3})?$")] = ""
    base: Number | None = None
    deadline: date | None = None
    owner: Annotated[str, Field(max_length=100), PRINTED] = ""


class Objective(Part):
    """What is to be achieved: how much of it, how good, at which price."""

    name: Annotated[str, Field(max_length=200), PRINTED] = ""
    volume: Aim | None = None
    quality: Aim | None = None
    price: Aim | None = None

    def aims(self) -> dict[str, Aim]:
        """``volume``, ``quality`` and ``price`` to the target, of those that are set."""
        named = {"volume": self.volume, "quality": self.quality, "price": self.price}
        return {part: aim for part, aim in named.items() if aim}


class Unset(NamedTuple):
    """What of a plan nobody has set.

    Attributes:
        sums: fields of the scheme: what is paid anyway, what is at stake.
        targets: the KPIs that the bonus is paid for.
        assumptions: quantities that no export holds.
    """

    sums: tuple[str, ...]
    targets: tuple[str, ...]
    assumptions: tuple[str, ...]

    def ids(self) -> frozenset[str]:
        """All of it by name."""
        return frozenset((*self.sums, *self.targets, *self.assumptions))


class Plan(Part):
    """A whole plan.

    Attributes:
        period: ``2026-10`` or ``2026-10-01..2026-10-14``; what its sums, targets and stated
            figures are of. Any period as long as `per` if not given.
        per: what its sums and targets are of, where it names no period.
        own: KPIs defined by a formula, by the id that goals call them.
        targets: period to the targets that hold in it instead of those of the goals.
        objectives: what the work is for, each with targets of volume, quality and price.
        fair: the principles of a fair personal KPI that its owner has confirmed.
        funnel: the one that is looked at: the id of a funnel of the business type, or ``own``.
        stages: of the own funnel: measures in order, ``carts`` or ``carts=In the basket``.
        variants: KPI to the definition that counts.
        assumptions: quantities that no export holds, such as ``margin_rate``.
        sources: family or measure to the source that is heard.
        rates: currency to what one unit of it is worth in the plan's currency.
        vat: source to whether its money includes VAT; goes before what its files say.
        vat_rate: 0.2 for 20 %; nothing is converted without it.
        vat_basis: with or without VAT: what all money, targets among it, is counted in.
        facts: measures or KPIs stated by hand; they overrule files.
        comments: period to what its statement says beside a KPI, or beside the ``total``.
    """

    format: Literal[1] = 1
    name: Annotated[str, Field(max_length=200), PRINTED] = ""
    business: str
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    period: str | None = None
    per: Per = Per.MONTH
    own: Annotated[dict[OwnId, OwnKpi], Field(max_length=30)] = Field(default_factory=dict)
    lines: Annotated[tuple[Line, ...], Field(min_length=1, max_length=60)]
    gates: Annotated[tuple[Gate, ...], Field(max_length=20)] = ()
    guards: Annotated[tuple[Guard, ...], Field(max_length=20)] = ()
    targets: Annotated[dict[str, dict[str, Number]], Field(max_length=120)] = Field(
        default_factory=dict
    )
    objectives: Annotated[tuple[Objective, ...], Field(max_length=20)] = ()
    scheme: Scheme
    missing: Missing = Missing.DROP
    over: Over = Over.ALLOWED
    partial_period: Partial = Partial.WAIT
    fair: tuple[str, ...] = ()
    stages: Annotated[tuple[StageText, ...], Field(max_length=20)] = ()
    funnel: Annotated[str, Field(max_length=40)] = ""
    variants: dict[str, str] = Field(default_factory=dict)
    assumptions: dict[str, Number] = Field(default_factory=dict)
    sources: dict[str, str] = Field(default_factory=dict)
    rates: dict[str, Number] = Field(default_factory=dict)
    vat: dict[str, Vat] = Field(default_factory=dict)
    vat_rate: Annotated[Number, Field(ge=0)] | None = None
    vat_basis: Vat = "incl"
    facts: dict[str, Number] = Field(default_factory=dict)
    comments: Annotated[dict[str, dict[str, Comment]], Field(max_length=120)] = Field(
        default_factory=dict
    )

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

    @field_validator("own")
    @classmethod
    def _are_own(cls, own: dict[str, OwnKpi]) -> dict[str, OwnKpi]:
        for id in own:
            if id in catalogue.kpis() or id in catalogue.measures():
                raise PlanError("own_kpi_known", where=id)
            if id in WORDS:
                raise PlanError("own_kpi_reserved", where=id)
        return own

    @field_validator("lines")
    @classmethod
    def _are_lines(cls, lines: tuple[Line, ...], info: ValidationInfo) -> tuple[Line, ...]:
        _check_aims(lines, _own(info))
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

    @field_validator("gates")
    @classmethod
    def _are_gates(cls, gates: tuple[Gate, ...], info: ValidationInfo) -> tuple[Gate, ...]:
        for gate in gates:
            _known(gate.kpi, _own(info))
        return gates

    @field_validator("guards")
    @classmethod
    def _are_guards(cls, guards: tuple[Guard, ...], info: ValidationInfo) -> tuple[Guard, ...]:
        for pair in guards:
            if pair.kpi == pair.guard:
                raise PlanError("guards_itself", where=pair.kpi)
            for id in (pair.kpi, pair.guard):
                _known(id, _own(info))
        return guards

    @field_validator("targets")
    @classmethod
    def _are_targets(
        cls, targets: dict[str, dict[str, Decimal]], info: ValidationInfo
    ) -> dict[str, dict[str, Decimal]]:
        spans = [parse_period(period) for period in targets]
        if len(set(spans)) < len(spans):
            raise PlanError("targets_period_twice")
        for wanted in targets.values():
            for id in wanted:
                _known(id, _own(info))
            _check_aims(_aimed(info.data.get("lines", ()), wanted), _own(info))
        return targets

    @field_validator("objectives")
    @classmethod
    def _are_objectives(
        cls, objectives: tuple[Objective, ...], info: ValidationInfo
    ) -> tuple[Objective, ...]:
        for objective in objectives:
            for aim in objective.aims().values():
                better = _known(aim.kpi, _own(info)).better
                _check_base(aim.kpi, aim.base, aim.target, better)
        return objectives

    @field_validator("fair")
    @classmethod
    def _are_principles(cls, fair: tuple[str, ...]) -> tuple[str, ...]:
        for id in fair:
            catalogue.principle(id)
        return tuple(dict.fromkeys(fair))

    @field_validator("stages")
    @classmethod
    def _are_stages(cls, stages: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        business = info.data.get("business")
        if stages and business:
            own_funnel(catalogue.business(business), stages)
        return stages

    @field_validator("funnel")
    @classmethod
    def _is_funnel(cls, id: str, info: ValidationInfo) -> str:
        business = info.data.get("business")
        if id == OWN:
            if info.data.get("stages") == ():  # stages that were wrong are told themselves
                raise UsageError("too_few_stages")
        elif id and business:
            named_funnel(catalogue.business(business), id)
        return id

    @field_validator("facts")
    @classmethod
    def _are_facts(cls, facts: dict[str, Decimal], info: ValidationInfo) -> dict[str, Decimal]:
        business = info.data.get("business")
        variants = dict(catalogue.business(business).variants) if business else {}
        variants |= info.data.get("variants", {})
        for id, value in facts.items():
            if measure := catalogue.measures().get(id):
                if value < 0 and PROFIT not in (measure.id, measure.brought):
                    raise PlanError("fact_below_zero", where=id)
                continue
            kpi = _known(id, _own(info))
            _check_stated(kpi, value, kpi.variant(variants.get(id)))
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

    @field_validator("comments")
    @classmethod
    def _are_comments(
        cls, comments: dict[str, dict[str, str]], info: ValidationInfo
    ) -> dict[str, dict[str, str]]:
        for period, said in comments.items():
            parse_period(period)
            for id in said:
                if id != TOTAL:
                    _known(id, _own(info))
        return comments

    @field_validator("scheme")
    @classmethod
    def _is_scheme(cls, scheme: Scheme, info: ValidationInfo) -> Scheme:
        _check_aims(_factors(scheme), _own(info))
        for wanted in info.data.get("targets", {}).values():
            _check_aims(_aimed(_factors(scheme), wanted), _own(info))
        return scheme

    def goals(self) -> tuple[Goal, ...]:
        """Every goal: the lines and, where the scheme has some, its factors."""
        return (*self.lines, *_factors(self.scheme))

    def paying(self) -> tuple[Goal, ...]:
        """The goals that the bonus is made of: the factors, or the lines that weigh something."""
        return _factors(self.scheme) or tuple(line for line in self.lines if line.weight)

    def kpis(self) -> tuple[str, ...]:
        """Every KPI that some goal, gate, guard or objective names."""
        named = [goal.kpi for goal in self.goals()] + [gate.kpi for gate in self.gates]
        named += [id for guard in self.guards for id in (guard.kpi, guard.guard)]
        named += [aim.kpi for own in self.objectives for aim in own.aims().values()]
        return tuple(dict.fromkeys(named))

    def shown_kpis(self) -> tuple[str, ...]:
        """Every KPI to look at: those it names, then those of its type of business."""
        return tuple(dict.fromkeys((*self.kpis(), *catalogue.business(self.business).kpis())))

    def against(self) -> frozenset[str]:
        """The earlier days that its guards look at."""
        return frozenset(guard.against for guard in self.guards)

    def kpi(self, id: str) -> Kpi:
        """The KPI that a goal calls `id`, in the unit of the definition that counts."""
        found = _known(id, self.own)
        return found.read_as(found.variant(self.variants.get(id)))

    def of_period(self, period: Period | None) -> "Plan":
        """The plan with the targets that hold in a period; see `open_targets` for the others."""
        wanted = self.targets_in(period)
        if not wanted:
            return self
        update: dict[str, object] = {"lines": tuple(_aimed(self.lines, wanted))}
        if isinstance(self.scheme, Product):
            factors = tuple(_aimed(self.scheme.factors, wanted))
            update["scheme"] = self.scheme.model_copy(update={"factors": factors})
        return self.model_copy(update=update)

    def targets_in(self, period: Period | None) -> Mapping[str, Decimal]:
        """KPI to the target that holds in a period: given for it, or for each of its months.

        Targets of months are added where the figures of months are; of a ratio they must agree.
        """
        return self._targets(period)[0]

    def open_targets(self, period: Period | None) -> Mapping[str, tuple[str, ...]]:
        """The goals that have targets of some days of a period, of which none can be made for it.

        To each the periods that do have targets.
        """
        goals = {goal.kpi for goal in self.goals()}
        return {id: words for id, words in self._targets(period)[1].items() if id in goals}

    def _targets(
        self, period: Period | None
    ) -> tuple[Mapping[str, Decimal], Mapping[str, tuple[str, ...]]]:
        """What holds in a period, and for what it cannot be told which periods have targets."""
        if period is None or not self.targets:
            return {}, {}
        spans = {parse_period(word): wanted for word, wanted in self.targets.items()}
        held = dict(spans.get(period, {}))
        near = {span: wanted for span, wanted in spans.items() if span.meets(period)}
        open_: dict[str, tuple[str, ...]] = {}
        for id in dict.fromkeys(id for wanted in near.values() for id in wanted if id not in held):
            months = [near.get(month, {}).get(id) for month in _months(period)]
            known = [target for target in months if target is not None]
            target = self._together(id, known) if known and len(known) == len(months) else None
            if target is None:
                named = sorted(span for span, wanted in near.items() if id in wanted)
                open_[id] = tuple(map(period_word, named))
            else:
                held[id] = target
        return held, open_

    def _together(self, id: str, months: Sequence[Decimal]) -> Decimal | None:
        """The target of several months; ``None`` where it does not follow from theirs."""
        formulas = self._formulas(id)
        if all(map(_adds_up, formulas)):
            return sum(months, Decimal(0))
        of_people = any(_adds(name) is Adds.NONE for f in formulas for name in f.names[:1])
        if len(set(months)) > 1 or (of_people and len(formulas[0].names) == 1):
            return None
        return months[0]

    def _formulas(self, id: str) -> list[Formula]:
        """What may define a KPI: the variant that was chosen, or those that are tried in turn."""
        kpi = _known(id, self.own)
        chosen = self.variants.get(id) or catalogue.business(self.business).variants.get(id)
        offered = [variant for variant in kpi.variants if not variant.chosen]
        return [v.formula for v in ([kpi.variant(chosen)] if chosen else offered)]

    def remarks(self, values: Values) -> tuple[Finding, ...]:
        """What is odd about its targets for the period of some values."""
        goals = {goal.kpi for goal in self.goals()}
        unused = {id for wanted in self.targets.values() for id in wanted if id not in goals}
        found = [Finding(Severity.WARNING, "targets_unused", id) for id in sorted(unused)]
        if not values.asked and _of_months(values.period):
            found.append(
                Finding(Severity.WARNING, "no_period_asked", values={"period": str(values.period)})
            )
        for id, words in self.open_targets(values.period).items():
            about: dict[str, object] = {"period": str(values.period), "periods": ", ".join(words)}
            found.append(Finding(Severity.WARNING, "targets_of_other_days", id, about))
        of: dict[str, object] = {"period": str(values.period)}
        found += [
            Finding(Severity.WARNING, "targets_of_a_month", id, of) for id in self._monthly(values)
        ]
        found += [
            Finding(Severity.WARNING, "targets_differ", id)
            for id in self._parted()
            if id not in self.targets_in(values.period)
        ]
        return tuple(found)

    def _parted(self) -> list[str]:
        """The KPIs whose target in the score is another one than in the bonus."""
        scored = {line.kpi: line.target for line in self.lines}
        return [
            factor.kpi
            for factor in _factors(self.scheme)
            if scored.get(factor.kpi, factor.target) != factor.target
        ]

    def unset(self, period: Period | None = None) -> "Unset":
        """What pay rests on and is as in the plan to start from, so that nobody has set it.

        Targets that the plan gives for a period are set.
        """
        start = default_plan(self.business)
        fields = filter(None, (self.scheme.fixed_field, self.scheme.stake_field))
        sums = {name: getattr(self.scheme, name) for name in fields}
        targets = {(goal.kpi, goal.target) for goal in start.goals()}
        given = self.targets_in(period)
        return Unset(
            tuple(id for id, own in sums.items() if own and own == getattr(start.scheme, id, None)),
            tuple(
                goal.kpi
                for goal in self.paying()
                if goal.kpi not in given and (goal.kpi, goal.target) in targets
            ),
            tuple(id for id, own in start.assumptions.items() if self.assumptions.get(id) == own),
        )

    def pays_by_own_figures(self) -> bool:
        """Whether salary, stake or a target that is paid for is another than in the start."""
        start, now = default_plan(self.business).unset(), self.unset()
        return (start.sums, start.targets) != (now.sums, now.targets)

    def _monthly(self, values: Values) -> list[str]:
        """The goals whose target is of a month, as they add up, where another period is asked for.

        A plan that names a period has its targets for it.
        """
        period = values.period
        if period is None or not values.asked or period.months == self.per.months:
            return []
        if self.asked_period() == period:
            return []
        told = {*self.targets_in(period), *self.open_targets(period)}
        return [
            goal.kpi
            for goal in self.goals()
            if goal.target is not None
            and goal.kpi not in told
            and all(map(_adds_up, self._formulas(goal.kpi)))
        ]

    def check_period(self, values: Values) -> None:
        """Raise where nothing can be paid for the period of some values.

        Raises:
            PlanError: nobody asked for a period, and the data are of no whole one; it is longer or
                shorter than what the plan's sums are of; the plan states figures of other days; or
                it has targets of some of its days, of which none can be made for it.
        """
        period, own = values.period, self.asked_period()
        length = own.months if own else self.per.months
        if period and period != own and (length is None or period.months != length):
            if not values.asked:
                raise PlanError("period_needed", period=str(period))
            raise PlanError("sums_of_other_length", period=str(period), sums=str(own or self.per))
        if own and self.facts and period not in (own, None):
            raise PlanError("facts_of_other_days", period=str(period), own=str(own))
        paying = {goal.kpi for goal in self.paying()}
        for id, words in self.open_targets(values.period).items():
            if id in paying:
                raise PlanError(
                    "targets_of_other_days",
                    where=self.kpi(id).name,
                    period=str(values.period),
                    periods=", ".join(words),
                )
        for id in self._monthly(values):
            if id in paying:
                raise PlanError(
                    "targets_of_a_month", where=self.kpi(id).name, period=str(values.period)
                )

    def with_target(self, kpi: str, target: Decimal, period: Period | None) -> "Plan":
        """The plan with another target of a line, where the one that holds in `period` stands."""
        if period is None or kpi not in self.targets_in(period):
            return self.with_line(kpi, target=target)
        return self.with_targets({period_word(period): {kpi: target}})

    def commented(self, period: Period | None) -> Mapping[str, str]:
        """What is said beside a KPI, or the total, in the statement of a period."""
        spans = {parse_period(word): said for word, said in self.comments.items()}
        return {} if period is None else spans.get(period, {})

    def with_comment(self, period: Period, about: str, text: str) -> "Plan":
        """The plan with another comment; nothing said takes it away."""
        word = period_word(period)
        said = {id: own for id, own in self.comments.get(word, {}).items() if id != about}
        return changed(
            self, comments=self.comments | {word: said | ({about: text} if text else {})}
        )

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
            own={id: own.kpi(id) for id, own in self.own.items()},
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

    def with_share(self, kpi: str, share: Fraction, locked: Collection[str] = ()) -> "Plan":
        """The plan with one share moved; the lines that are not `locked` make room in proportion.

        Locked lines keep their shares exactly. Shares of the others come out in millionths, but for
        one that takes what parts of them the locked lines leave. Where all others are locked,
        nothing moves. Weights add up to 1, or to what they did where a locked share is no decimal.

        Raises:
            UsageError: no such line.
        """
        shares = self.shares()
        if kpi not in shares:
            raise UsageError("unknown_kpi", where=kpi, near="", known=", ".join(shares))
        free = [id for id in shares if id != kpi and id not in locked]
        if not free:
            return self
        room = 1 - sum((shares[id] for id in shares if id not in free and id != kpi), Fraction(0))
        moved = min(max(share, Fraction(0)), room)
        was = sum((shares[id] for id in free), Fraction(0))
        parts = {id: shares[id] / was if was else Fraction(1, len(free)) for id in free}
        wanted = {kpi: moved} | _in_steps(parts, room - moved)
        wanted = shares | wanted
        whole = sum((Fraction(line.weight) for line in self.lines), Fraction(0))
        if all((new * 10**PLACES).denominator == 1 for new in wanted.values()):
            whole = Fraction(1)
        lines = [
            line.model_dump() | {"weight": _decimal(wanted[line.kpi] * whole)}
            for line in self.lines
        ]
        return changed(self, lines=lines)

    def with_new_line(self, kpi: str, value: Fraction | None) -> "Plan":
        """The plan with one line more, whose share is that of an equal part.

        Its target is the present value, as it is printed; else that of a default plan, else 1.

        Raises:
            PlanError: it has the KPI, or as many lines as a plan may have.
        """
        whole = sum((Fraction(line.weight) for line in self.lines), Fraction(0))
        line = {"weight": rounded(whole / len(self.lines), 6)} | _proposed(self.kpi(kpi), value)
        return changed(self, lines=[*(line.model_dump() for line in self.lines), line])

    def without_line(self, kpi: str) -> "Plan":
        """The plan without a line and the targets of periods that nothing else has; checked."""
        made = changed(self, lines=[line.model_dump() for line in self.lines if line.kpi != kpi])
        if kpi in {goal.kpi for goal in made.goals()}:
            return made
        return made.with_targets({word: {kpi: None} for word in made.targets})

    def with_own(self, id: str | None, own: OwnKpi) -> "Plan":
        """The plan with an own KPI: the one called `id` in another shape, or a new one."""
        return changed(self, own=self.own | {id or self._own_id(own.name): own})

    def _own_id(self, name: str) -> str:
        """What goals call a new own KPI: its name in letters, digits and underscores."""
        base = re.sub(r"\W+", "_", name.casefold()).strip("_")[:36] or "own"
        taken = {*catalogue.kpis(), *catalogue.measures(), *self.own, *WORDS}
        numbered = (f"{base}_{number}" for number in range(2, 100))
        return next(id for id in (base, *numbered) if id not in taken)

    def without_own(self, id: str) -> "Plan":
        """The plan without an own KPI.

        Raises:
            PlanError: something of the plan uses it.
        """
        used = {
            *self.kpis(),
            *self.facts,
            *(kpi for wanted in self.targets.values() for kpi in wanted),
        }
        if id in used:
            raise PlanError("own_kpi_used", where=self.own[id].name)
        return changed(self, own={own: kpi for own, kpi in self.own.items() if own != id})

    def with_targets(self, targets: Mapping[str, Mapping[str, Decimal | None]]) -> "Plan":
        """The plan with targets of periods added or replaced; ``None`` takes one away."""
        merged = {word: dict(wanted) for word, wanted in self.targets.items()}
        words = {parse_period(word): word for word in merged}
        for word, wanted in targets.items():
            kept = merged.setdefault(words.get(parse_period(word), word), {})
            for id, target in wanted.items():
                if target is None:
                    kept.pop(id, None)
                else:
                    kept[id] = target
        return changed(self, targets=dict(sorted(merged.items())))

    def chosen_funnel(self) -> Stages | None:
        """The funnel that it names, or its own stages; ``None``: it names neither."""
        business = catalogue.business(self.business)
        if self.funnel and self.funnel != OWN:
            return named_funnel(business, self.funnel)
        return own_funnel(business, self.stages) if self.stages else None

    def unconfirmed(self) -> tuple[str, ...]:
        """The principles of a fair personal KPI that nobody has confirmed."""
        return tuple(id for id in catalogue.principles() if id not in self.fair)

    def as_json(self) -> str:
        """The plan file."""
        return self.model_dump_json(indent=2) + "\n"


def _decimal(weight: Fraction) -> Decimal:
    """A weight that plan files can hold."""
    written = rounded(weight, PLACES)
    return written.normalize() if written % 1 else written.quantize(Decimal(1))


def odd_share(share: Fraction) -> Literal["zero", "extreme"] | None:
    """Whether a share is one to warn of: nothing, or nearly all."""
    if not share:
        return "zero"
    return "extreme" if share > EXTREME else None


def _in_steps(parts: Mapping[str, Fraction], room: Fraction) -> dict[str, Fraction]:
    """`room` shared out in millionths, as near to `parts` of it as they allow.

    What rounding leaves goes to the largest remainders; what is no whole millionth to the largest
    part. Coarser steps would let the proportions drift while a slider is moved.
    """
    step = Fraction(1, 10**6)
    counts = {id: floor(part * room / step) for id, part in parts.items()}
    left = room - sum(counts.values()) * step
    ranked = sorted(parts, key=lambda id: counts[id] * step - parts[id] * room)
    whole_steps = floor(left / step)
    shares = {id: (counts[id] + (id in ranked[:whole_steps])) * step for id in counts}
    largest = max(parts, key=lambda id: parts[id])
    shares[largest] += left - whole_steps * step
    return shares


def kept_side(kpi: Kpi, value: Fraction) -> Decimal:
    """A limit that `value` just keeps, with the decimals of the KPI."""
    scale = 10 ** printed(kpi)
    steps = floor(value * scale) if kpi.better is Better.HIGHER else ceil(value * scale)
    return rounded(Fraction(steps, scale), printed(kpi))


def printed(kpi: Kpi) -> int:
    """How many decimals of a figure are printed: shares are printed in percent."""
    return kpi.decimals + (2 if kpi.unit is Unit.SHARE else 0)


def _proposed(kpi: Kpi, value: Fraction | None) -> dict[str, object]:
    """A goal to start from: the present value as it is printed, else what default plans want."""
    if value is not None and (target := rounded(value, printed(kpi))) > 0:
        return {"kpi": kpi.id, "target": target}
    types = (catalogue.businesses() | catalogue.roles()).values()
    default = next(
        (goal for type_ in types for goal in (*type_.goals, *type_.factors) if goal.kpi == kpi.id),
        DefaultGoal(kpi.id, "0", "1"),
    )
    return _goal(default)


def _goal(default: DefaultGoal) -> dict[str, object]:
    target = None if default.target is None else Decimal(default.target)
    rule = {} if default.rule is None else {"rule": default.rule}
    return {"kpi": default.kpi, "target": target, **rule}


def _aimed(goals: Sequence[AnyGoal], wanted: Mapping[str, Decimal]) -> list[AnyGoal]:
    """Goals with the targets that are wanted of them; checked again."""
    return [
        type(goal).model_validate(goal.model_dump() | {"target": wanted[goal.kpi]})
        if goal.kpi in wanted
        else goal
        for goal in goals
    ]


def _factors(scheme: Scheme) -> tuple[Goal, ...]:
    return scheme.factors if isinstance(scheme, Product) else ()


def _own(info: ValidationInfo) -> Mapping[str, OwnKpi]:
    """The owner's KPIs, as far as they were valid."""
    own: Mapping[str, OwnKpi] = info.data.get("own", {})
    return own


def _known(id: str, own: Mapping[str, OwnKpi]) -> Kpi:
    return own[id].kpi(id) if id in own else catalogue.kpi(id)


def period_word(period: Period) -> str:
    """A period as plan files write it."""
    whole = period == month_of(period.first)
    return f"{period.first:%Y-%m}" if whole else str(period)


def _months(period: Period) -> list[Period]:
    """The calendar months of a period of whole ones."""
    found: list[Period] = []
    first = period.first
    for _ in range(period.months or 0):
        found.append(month_of(first))
        first = found[-1].last + timedelta(days=1)
    return found


def _of_months(period: Period | None) -> bool:
    """Whether a period reaches over the end of a month."""
    return period is not None and not month_of(period.first).has(period.last)


def _adds(name: str) -> Adds | None:
    """How a name of a formula adds up; ``None`` for what is no measure of the period."""
    measure = catalogue.measures().get(name)
    return measure.adds if measure else None


def _adds_up(formula: Formula) -> bool:
    """Whether the figures of months add up to that of a quarter, whatever is assumed."""
    assumed = {name: Fraction(1, 3) for name in formula.names if name in catalogue.ASSUMPTIONS}
    names = [name for name in formula.names if name not in assumed]
    if not names or any(_adds(name) is not Adds.SUM for name in names):
        return False
    return formula.adds_up(assumed)


def _check_stated(kpi: Kpi, value: Decimal, variant: Variant) -> None:
    """Raise where a KPI cannot be what is stated of it by hand."""
    unit, formula = kpi.read_as(variant).unit, variant.formula
    names = [(earlier(name) or ("", name))[1] for name in formula.names]
    measures = [catalogue.measures().get(name) for name in names]
    loses = any(measure and PROFIT in (measure.id, measure.brought) for measure in measures)
    part = unit is Unit.SHARE and formula.share and None not in measures
    if part and (value > 1 or (value < 0 and not loses)):
        raise PlanError("fact_no_share", where=kpi.id)
    answers = unit is Unit.SHARE and formula.balance and kpi.group is Group.SATISFACTION
    if answers and not -1 <= value <= 1:
        raise PlanError("fact_no_share", where=kpi.id)
    if value < 0 and not loses and not formula.subtracts:
        raise PlanError("fact_below_zero", where=kpi.id)


def _check_aims(goals: Sequence[Goal], own: Mapping[str, OwnKpi]) -> None:
    """Every KPI is known, and a way from base to target leads in its better direction."""
    for goal in goals:
        better = _known(goal.kpi, own).better
        _check_base(goal.kpi, goal.base, goal.target, better)


def _check_base(kpi: str, base: Decimal | None, target: Decimal | None, better: Better) -> None:
    if base is None or target is None:
        return
    if (target > base) != (better is Better.HIGHER):
        raise PlanError(f"base_beyond_{better}", where=kpi)


def changed(plan: Plan, **changes: object) -> Plan:
    """The plan with whole fields replaced; checked again.

    Raises:
        PlanError: the change makes no valid plan.
    """
    return _checked(plan.model_dump() | changes)


def read_own(fields: Mapping[str, object]) -> OwnKpi:
    """An own KPI from the fields of a form.

    Raises:
        FormulaError: its formula is none, or names what does not exist.
        PlanError: another field is wrong.
    """
    _own_formula(str(fields.get("formula", "")))
    try:
        return OwnKpi.model_validate(fields)
    except ValidationError as wrong:
        raise invalid(wrong) from None


def default_plan(business: str) -> Plan:
    """A complete plan to start from: the default KPI set with example targets."""
    type_ = catalogue.business(business)

    salary = Decimal(type_.salary)
    factors = tuple(Goal.model_validate(_goal(default)) for default in type_.factors)
    scheme: Scheme = (
        Product(salary=salary, factors=factors)
        if type_.fund is None
        else Scorecard(salary=salary, fund=Decimal(type_.fund))
    )
    return Plan(
        business=business,
        currency=type_.currency,
        per=Per(type_.per),
        lines=tuple(
            Line.model_validate(_goal(default) | {"weight": Decimal(default.weight)})
            for default in type_.goals
        ),
        scheme=scheme,
        variants=dict(type_.variants),
        assumptions={id: Decimal(value) for id, value in type_.assumptions.items()},
    )


def offered(plan: Plan) -> dict[str, Scheme]:
    """Kind to a scheme of it to start from, with the plan's fixed part and stake; its own as it is.

    The factors of a product are its two heaviest lines; of a plan whose lines are still those of
    the default plan, the factors of that.
    """
    fixed, stake = plan.scheme.fixed, plan.scheme.stake
    fund = stake or fixed
    half = rounded(Fraction(fund) / 2, 2)
    default = default_plan(plan.business)
    untouched = (plan.lines, plan.currency) == (default.lines, default.currency)
    heaviest = sorted(plan.lines, key=lambda line: -line.weight)[:2]
    factors = (_factors(default.scheme) if untouched else ()) or tuple(
        Goal.model_validate(line.model_dump(include=set(Goal.model_fields))) for line in heaviest
    )
    full = Decimal(max(fund, Decimal(1)))
    rows = (
        PayStep(at=Decimal("0.5"), amount=half),
        PayStep(at=Decimal("0.8"), amount=full),
    )
    made: tuple[Scheme, ...] = (
        Product(salary=fixed, factors=factors),
        Scorecard(salary=fixed, fund=fund),
        Table(salary=fixed, rows=rows),
        Curve(salary=fixed, fund=fund),
        Contractor(price=fixed, variable=fund),
        Team(salary=fixed, fund=fund),
    )
    return {str(scheme.kind): scheme for scheme in made} | {str(plan.scheme.kind): plan.scheme}


def with_phase(plan: Plan, phase: Phase) -> Plan:
    """The plan with the company KPIs weighed as in a phase of growth.

    Lines of those KPIs that the plan has keep their targets and rules; others give way.
    """
    own = {line.kpi: line for line in plan.lines}
    lines = []
    for goal in phase.goals:
        line = own[goal.kpi].model_dump() if goal.kpi in own else {}
        lines.append(_goal(goal) | line | {"weight": Decimal(goal.weight)})
    return changed(plan, lines=lines)


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
        raise invalid(wrong, where) from None
    except UnicodeEncodeError:  # half a character, which JSON can spell
        raise PlanError("plan_not_text", where=where) from None


def invalid(wrong: ValidationError, where: str = "") -> PlanError:
    """The first mistake that was found in a part of a plan, with the field it is in."""
    first = wrong.errors(include_url=False, include_input=False)[0]
    at = ".".join(str(part) for part in first["loc"]) or "plan"
    reason = _reason(first["type"], first.get("ctx", {}))
    return PlanError("plan_wrong", where=where, field=at, reason=reason)


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
