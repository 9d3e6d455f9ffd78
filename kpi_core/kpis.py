"""Facts to KPI values: measures are added first, then divided (ratio of sums).

A value carries what it was made of: the figures, their sources, the variant of its definition,
and what is missing. Undefined is missing, never 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from kpi_core import catalogue
from kpi_core.errors import Finding, Severity
from kpi_core.facts import Facts, Hearing, daily, speakers
from kpi_core.model import TOTAL, Business, Kpi, Measure, Period, Speak, Unit, Variant
from kpi_core.stats import daily_interval, share_interval
from kpi_core.text import exact

UNEVEN = Fraction(1, 10)  # of the days: measures that differ by more are not divided


@dataclass(frozen=True)
class Input:
    """One figure that went into a value: its sum, and which sources it came from."""

    value: Fraction | None
    sources: tuple[str, ...] = ()
    currency: str | None = None


@dataclass(frozen=True)
class KpiValue:
    """A KPI of one slice.

    Attributes:
        value: exact; ``None`` when undefined.
        low, high: what the data leave plausible (95 %), where that can be said.
        missing: the measures without a figure.
    """

    kpi: str
    slice: str
    value: Fraction | None
    variant: str
    inputs: Mapping[str, Input] = field(hash=False)
    missing: tuple[str, ...]
    unit: Unit
    currency: str | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Settings:
    """What an owner decides about how KPIs are read.

    Attributes:
        variants: KPI id to the id of the wanted definition.
        assumptions: quantities that no export holds (``margin_rate``), as exact numbers.
        sources: family or measure id to the source to hear.
        given: measures stated directly, which no file can overrule.
    """

    variants: Mapping[str, str] = field(default_factory=dict, hash=False)
    assumptions: Mapping[str, Fraction] = field(default_factory=dict, hash=False)
    sources: Mapping[str, str] = field(default_factory=dict, hash=False)
    given: Mapping[str, Fraction] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Values:
    """KPI values of a period, and what is odd about them."""

    period: Period | None
    rows: tuple[KpiValue, ...]
    findings: tuple[Finding, ...]

    def total(self, kpi: str) -> KpiValue:
        """The value of the whole."""
        return next(row for row in self.rows if row.kpi == kpi and row.slice == TOTAL)


class Evaluation:
    """Evaluates KPIs over one period and one way of cutting it."""

    def __init__(
        self,
        facts: Facts,
        period: Period | None,
        by: str | None = None,
        settings: Settings | None = None,
    ) -> None:
        self.settings = settings or Settings()
        self.period = period
        self.hearing = Hearing(facts, period, by)
        self._total = self.hearing if by is None else Hearing(facts, period)
        self._days = Hearing(facts, period, "day")
        self.findings: dict[tuple[str, str], Finding] = {}

    # --- measures

    def input(self, id: str, slice: str = TOTAL, sources: Sequence[str] | None = None) -> Input:
        """The figure of a measure or assumption in a slice, from `sources` or whoever speaks."""
        if id in self.settings.given and slice == TOTAL:
            return Input(self.settings.given[id], ("plan",))
        if id not in catalogue.measures():
            return Input(self.settings.assumptions.get(id), ("plan",))
        measure = catalogue.measure(id)
        if sources is None:
            sources = speakers(self._total, measure, self.settings.sources)
        figures, heard_from, currencies = [], [], set()
        for source in sources:
            heard = self.hearing.hear(source, measure)
            if heard and slice in heard.figures:
                figures.append(exact(round(heard.figures[slice], 6)))
                heard_from.append(source)
                currencies.add(heard.currency)
                self._tell_straddling(measure, source, heard.straddling)
        currencies.discard(None)
        if len(currencies) > 1 or "?" in currencies:
            self._find(
                Severity.ERROR, "currencies_differ", id, currencies=", ".join(sorted(currencies))
            )
            return Input(None, tuple(heard_from))
        currency = next(iter(currencies), None)
        return Input(sum(figures, Fraction(0)) if figures else None, tuple(heard_from), currency)

    def measures(self) -> dict[str, Input]:
        """Every measure that someone speaks for, in total."""
        found = {id: self.input(id) for id in catalogue.measures()}
        return {id: given for id, given in found.items() if given.value is not None}

    def slices(self) -> list[str]:
        """The slices that any source knows, without the total."""
        named: set[str] = set()
        for source in self.hearing.facts.sources():
            for measure in catalogue.measures().values():
                if heard := self.hearing.hear(source, measure):
                    named |= set(heard.figures)
        return sorted(named - {TOTAL})

    # --- KPIs

    def value(self, kpi: Kpi, slice: str = TOTAL) -> KpiValue:
        """The value of `kpi` in a slice: the wanted variant, or the first that can be computed."""
        wanted = self.settings.variants.get(kpi.id)
        variants = (kpi.variant(wanted),) if wanted else kpi.variants
        tried = [self._evaluate(kpi, variant, slice) for variant in variants]
        return next((value for value in tried if value.value is not None), tried[0])

    def _evaluate(self, kpi: Kpi, variant: Variant, slice: str) -> KpiValue:
        inputs = self._inputs(kpi, variant, slice)
        inputs = self._even(kpi, inputs) if slice == TOTAL else inputs
        currencies = {
            given.currency
            for id, given in inputs.items()
            if id in catalogue.measures() and catalogue.measure(id).unit is Unit.MONEY
        } - {None}
        missing = tuple(id for id, given in inputs.items() if given.value is None)
        value = variant.formula.value({id: given.value for id, given in inputs.items()})
        if len(currencies) > 1:
            self._find(
                Severity.ERROR,
                "currencies_differ",
                kpi.id,
                currencies=", ".join(sorted(currencies)),
            )
            value = None
        interval = self._interval(kpi, variant, inputs, slice) if value is not None else None
        return KpiValue(
            kpi=kpi.id,
            slice=slice,
            value=value,
            variant=variant.id,
            inputs=inputs,
            missing=missing,
            unit=kpi.unit,
            currency=next(iter(currencies), None) if kpi.unit is Unit.MONEY else None,
            low=interval[0] if interval else None,
            high=interval[1] if interval else None,
        )

    def _inputs(self, kpi: Kpi, variant: Variant, slice: str) -> dict[str, Input]:
        """The figures of a formula, all of one source where the KPI asks for that."""
        named = [catalogue.measures().get(id) for id in variant.formula.names]
        measures = [measure for measure in named if measure]
        if kpi.one_source and not {m.id for m in measures} & set(self.settings.given):
            source = self._common_source(measures)
            return {
                id: self.input(id, slice, (source,) if source else ())
                for id in variant.formula.names
            }
        adding = [m for m in measures if m.family.speak is Speak.ALL]
        together = self._reporting_all(adding) if len(adding) > 1 else None
        return {
            id: self.input(
                id, slice, together if together and any(m.id == id for m in adding) else None
            )
            for id in variant.formula.names
        }

    def _common_source(self, measures: Sequence[Measure]) -> str | None:
        """The most believed source that has every one of `measures`."""
        first = measures[0]
        preferred = speakers(self._total, first, self.settings.sources)
        for source in (*preferred, *first.family.order):
            if all(self._total.hear(source, measure) for measure in measures):
                return source
        return None

    def _reporting_all(self, measures: Sequence[Measure]) -> tuple[str, ...]:
        """Sources that add up, but only those that have every one of `measures`."""
        having = [set(speakers(self._total, m, self.settings.sources)) for m in measures]
        shared = set.intersection(*having)
        for left_out in sorted(set.union(*having) - shared):
            self._find(Severity.WARNING, "source_lacks_part", left_out, source=left_out)
        return tuple(sorted(shared))

    def _even(self, kpi: Kpi, inputs: dict[str, Input]) -> dict[str, Input]:
        """Figures that cover far fewer days than the others are taken as missing."""
        spans: dict[str, Period] = {}
        for id, given in inputs.items():
            if id not in catalogue.measures() or given.value is None:
                continue
            heard = [self._total.hear(source, catalogue.measure(id)) for source in given.sources]
            covers = [h.covers for h in heard if h and h.covers]
            if covers:
                spans[id] = Period(min(p.first for p in covers), max(p.last for p in covers))
        if len(spans) < 2:
            return inputs
        widest = Period(min(p.first for p in spans.values()), max(p.last for p in spans.values()))
        if self.period:
            widest = widest.meets(self.period) or widest
        result = dict(inputs)
        for id, span in spans.items():
            within = span.meets(widest)
            days = within.days if within else 0
            if Fraction(widest.days - days, widest.days) > UNEVEN:
                self._find(
                    Severity.WARNING, "covers_less", kpi.id, measure=id, n=days, all=widest.days
                )
                result[id] = Input(None, inputs[id].sources)
        return result

    def _interval(
        self, kpi: Kpi, variant: Variant, inputs: Mapping[str, Input], slice: str
    ) -> tuple[float, float] | None:
        names = variant.formula.names
        if slice != TOTAL or any(id in self.settings.given for id in names):
            return None
        if kpi.unit is Unit.SHARE and (counts := _counted_share(variant)):
            part, whole, of_rest = counts
            figures = [inputs[id].value for id in (part, whole)]
            found = share_interval(float(figures[0] or 0), float(figures[1] or 0))
            return (1 - found[1], 1 - found[0]) if found and of_rest else found
        if len(names) < 2:
            return None  # a count is what it is
        series = {
            id: daily(self._days, inputs[id].sources, catalogue.measure(id))
            for id in names
            if id in catalogue.measures()
        }
        days = sorted(set().union(*series.values()))
        arrays = {
            id: np.array([found.get(day, 0.0) for day in days]) for id, found in series.items()
        }
        constants = {id: inputs[id].value for id in names if id not in series}
        if any(value is None for value in constants.values()):
            return None
        formula = variant.formula
        if constants:
            return None  # an assumption has no spread of its own to show
        return daily_interval(formula, arrays)

    # --- findings

    def _tell_straddling(self, measure: Measure, source: str, rows: int) -> None:
        if rows:
            self._find(Severity.WARNING, "rows_straddle", source, n=rows, measure=measure.id)

    def _find(self, severity: Severity, code: str, where: str, **values: object) -> None:
        self.findings[(code, where)] = Finding(severity, code, where, values)


def _counted_share(variant: Variant) -> tuple[str, str, bool] | None:
    """(part, whole, whether the KPI is the rest) for ``a / b`` and ``1 - a / b`` of counts."""
    text = variant.formula.text.replace(" ", "")
    of_rest = text.startswith("1-")
    names = variant.formula.names
    if text.removeprefix("1-") != "/".join(names) or len(names) != 2:
        return None
    if any(catalogue.measure(id).unit is not Unit.COUNT for id in names):
        return None
    return names[0], names[1], of_rest


def kpi_values(
    facts: Facts,
    business: Business,
    period: Period | None = None,
    by: str | None = None,
    settings: Settings | None = None,
    kpis: Sequence[str] | None = None,
) -> Values:
    """Every KPI of a business type: in total, and for each slice when cut `by` something.

    Args:
        facts: what the files say.
        business: whose default KPIs and variants to use.
        period: whole days; everything when not given.
        by: ``channel``, ``month``, ``week``, ``day``, ``campaign``, ... or nothing.
        settings: the owner's choices; the business type's variants apply where they are silent.
        kpis: ids, if others than those of the business type.
    """
    settings = settings or Settings()
    settings = Settings(
        variants={**business.variants, **settings.variants},
        assumptions=settings.assumptions,
        sources=settings.sources,
        given=settings.given,
    )
    wanted = [catalogue.kpi(id) for id in (kpis or business.kpis())]
    whole = Evaluation(facts, period, settings=settings)
    rows = [whole.value(kpi) for kpi in wanted]
    findings = dict(whole.findings)
    if by:
        cut = Evaluation(facts, period, by, settings)
        rows += [cut.value(kpi, slice) for slice in cut.slices() for kpi in wanted]
        findings.update(cut.findings)
    covered = period or facts.period
    return Values(covered, tuple(rows), (*findings.values(), *_partial(facts, period)))


def _partial(facts: Facts, period: Period | None) -> list[Finding]:
    """Streams that end (or begin) inside the period, or leave out days of it."""
    if period is None:
        return []
    found = {}
    for stream in facts.streams:
        covers = stream.covers(period)
        if stream.period and covers and not covers.holds(period):
            values: dict[str, object] = {
                "first": str(covers.first), "last": str(covers.last), "period": str(period)
            }  # fmt: skip
            found["period_not_whole", stream.source] = Finding(
                Severity.WARNING, "period_not_whole", stream.source, values
            )
        if gaps := stream.gaps(period):
            values = {"n": len(gaps), "days": ", ".join(str(day) for day in gaps[:5])}
            found["missing_days", stream.source] = Finding(
                Severity.WARNING, "missing_days", stream.source, values
            )
    return list(found.values())
