"""Facts to KPI values: measures are added first, then divided (ratio of sums).

A value carries what it was made of: the figures, their sources, the variant of its definition,
and what is missing. Undefined is missing, never 0.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction

import numpy as np

from kpi_core import catalogue
from kpi_core.errors import Finding, Severity, UsageError, did_you_mean
from kpi_core.facts import (
    BY_HAND,
    TIME_SLICES,
    UNKNOWN,
    Conversion,
    Facts,
    Heard,
    Hearing,
    Stream,
    Valuation,
    believed,
    speakers,
    valued,
    wanted_source,
)
from kpi_core.formula import Array, Formula, earlier
from kpi_core.ingest.formats import formats
from kpi_core.model import (
    TOTAL,
    Adds,
    Business,
    Kpi,
    Measure,
    Period,
    Speak,
    Unit,
    Variant,
    Vat,
    spanning,
    united,
)
from kpi_core.stats import FEWEST_TRIALS, daily_interval, nps_interval, share_interval
from kpi_core.text import exact

STATED = "plan"  # the source of figures that a plan states by hand
FEWEST_CASES = 10  # orders, leads, clicks behind a quotient such as the average order
UNEVEN = Fraction(1, 10)  # of the days: measures that differ by more are not divided


@dataclass(frozen=True)
class Converted:
    """The part of a figure that a source has in other money: `amount`, and what it was times."""

    source: str
    amount: Fraction
    how: Conversion


@dataclass(frozen=True)
class Input:
    """One figure that went into a value: its sum, and which sources it came from.

    Attributes:
        vats: what the sources say of VAT in their money: (source, ``incl``, ``excl`` or ``?``).
        converted: what was money of another currency or VAT, as the files have it.
        files: whose rows were added.
    """

    value: Fraction | None
    sources: tuple[str, ...] = ()
    currency: str | None = None
    vats: tuple[tuple[str, str], ...] = ()
    converted: tuple[Converted, ...] = ()
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class KpiValue:
    """A KPI of one slice.

    Attributes:
        definition: the KPI, in the unit of the definition that was used.
        value: exact; ``None`` when undefined.
        low, high: what the data leave plausible (95 %), where that can be said.
        inputs: what it was computed from; none if the plan states the KPI itself.
        missing: the measures without a figure.
        whole: whether the figures speak for all days of the slice; a week at the edge of the period
            or of a file is none.
        enough: whether there were enough cases to say anything: `FEWEST_TRIALS` visits, orders or
            answers behind a share, `FEWEST_CASES` orders or leads behind any other quotient.
    """

    definition: Kpi
    slice: str
    value: Fraction | None
    variant: str
    inputs: Mapping[str, Input] = field(hash=False)
    missing: tuple[str, ...]
    currency: str | None = None
    low: float | None = None
    high: float | None = None
    whole: bool = True
    enough: bool = True

    @property
    def kpi(self) -> str:
        """The id of the KPI."""
        return self.definition.id

    @property
    def unit(self) -> Unit:
        """The unit of the value."""
        return self.definition.unit

    @property
    def formula(self) -> Formula:
        """The formula of the definition that was used."""
        return self.definition.variant(self.variant).formula

    @property
    def cases(self) -> Fraction | None:
        """The visits, answers or orders that decide whether it says anything; see `enough`."""
        return _cases(self.definition, self.formula, self.inputs)


@dataclass(frozen=True)
class Settings:
    """What an owner decides about how KPIs are read.

    Attributes:
        variants: KPI id to the id of the wanted definition.
        assumptions: quantities that no export holds (``margin_rate``), as exact numbers.
        sources: family or measure id to the source to hear.
        given: measures and KPIs stated directly, which no file can overrule.
        own: KPIs that the owner defined by a formula, by id.
        currency: of the money among `given`, and what all money is brought to.
        rates, vat, vat_rate, vat_basis: how that is done (see `Valuation`).
    """

    variants: Mapping[str, str] = field(default_factory=dict, hash=False)
    assumptions: Mapping[str, Fraction] = field(default_factory=dict, hash=False)
    sources: Mapping[str, str] = field(default_factory=dict, hash=False)
    given: Mapping[str, Fraction] = field(default_factory=dict, hash=False)
    own: Mapping[str, Kpi] = field(default_factory=dict, hash=False)
    currency: str | None = None
    rates: Mapping[str, Fraction] = field(default_factory=dict, hash=False)
    vat: Mapping[str, Vat] = field(default_factory=dict, hash=False)
    vat_rate: Fraction | None = None
    vat_basis: Vat = "incl"

    def __post_init__(self) -> None:
        for id, value in self.assumptions.items():
            if id not in catalogue.ASSUMPTIONS:
                raise UsageError("unknown_assumption", where=id)
            if value > 1:
                raise UsageError("assumption_over_one", where=id)
        for id in self.sources:
            if id not in catalogue.families() and id not in catalogue.measures():
                known = catalogue.families()
                near = did_you_mean(id, {*known, *catalogue.measures()})
                raise UsageError("unknown_family", where=id, near=near, known=", ".join(known))
        self.valuation()

    def kpi(self, id: str) -> Kpi:
        """The KPI called `id`, of the owner or of the catalogue."""
        return self.own.get(id) or catalogue.kpi(id)

    def valuation(self) -> Valuation:
        """How money of several kinds becomes one."""
        return Valuation(self.currency, self.rates, self.vat, self.vat_rate, self.vat_basis)


@dataclass(frozen=True)
class Values:
    """KPI values of a period, and what is odd about them.

    Attributes:
        earlier: ``previous`` or ``year_ago`` to the values in total of those days; missing where
            the data do not hold every one of them.
    """

    period: Period | None
    rows: tuple[KpiValue, ...]
    findings: tuple[Finding, ...]
    earlier: Mapping[str, "Values"] = field(default_factory=dict, hash=False)

    def totals(self) -> dict[str, KpiValue]:
        """KPI to its value of the whole."""
        return {row.kpi: row for row in self.rows if row.slice == TOTAL}

    def by_kpi(self, most: int) -> dict[str, list[float | None]]:
        """KPI to its values of the last slices, in order, at most so many; without the whole.

        A slice that the data do not hold to its end has none.
        """
        slices = sorted({row.slice for row in self.rows} - {TOTAL})[-most:]
        found: dict[str, list[float | None]] = {}
        for row in sorted(self.rows, key=lambda row: row.slice):
            if row.slice in slices:
                known = row.whole and row.value is not None
                found.setdefault(row.kpi, []).append(float(row.value or 0) if known else None)
        return found

    def total(self, kpi: str) -> KpiValue:
        """The value of the whole."""
        return self.totals()[kpi]


class Evaluation:
    """Evaluates KPIs over one period and one way of cutting it.

    Attributes:
        answers: the streams that were heard so far, each with the days it answered for, and whether
            days between them count (those of a stock do not).
        findings: what was odd so far, by code and place.
    """

    def __init__(
        self,
        facts: Facts,
        period: Period | None,
        by: str | None = None,
        settings: Settings | None = None,
    ) -> None:
        self.settings = settings or Settings()
        facts = valued(facts, self.settings.valuation())
        self.period = period
        self.hearing = Hearing(facts, period, by)
        self._total = self.hearing if by is None else Hearing(facts, period)
        self._days = Hearing(facts, period, "day")
        self._earlier: dict[tuple[Period, str | None], Evaluation] = {}
        self._figures: dict[tuple[str, str, tuple[str, ...] | None], Input] = {}
        self.answers: dict[tuple[Stream, tuple[Period, ...], bool], None] = {}
        self.findings: dict[tuple[str, str], Finding] = {}
        known = {*facts.sources(), *(format.source for format in formats().values())}
        for source in self.settings.vat:
            if source not in known:  # misspelt, or of a layout of one's own that is not loaded
                self._find("vat_of_nobody", source)

    # --- measures

    def input(self, id: str, slice: str = TOTAL, sources: Sequence[str] | None = None) -> Input:
        """The figure of a measure or assumption in a slice, from `sources` or whoever speaks."""
        key = (id, slice, None if sources is None else tuple(sources))
        if key not in self._figures:
            self._figures[key] = self._input(id, slice, sources)
        return self._figures[key]

    def _input(self, id: str, slice: str, sources: Sequence[str] | None) -> Input:
        if named := earlier(id):
            return self._of_earlier_days(*named, slice)
        if id not in catalogue.measures() or (id in self.settings.given and slice == TOTAL):
            return self._stated_input(id)
        measure = catalogue.measure(id)
        if sources is None:
            sources = speakers(self._total, measure, self.settings.sources)
            self._tell_unheard(measure, sources)
        self._tell_differing(measure, sources)
        figures: dict[str, Fraction] = {}
        currencies: set[str] = set()
        vats: set[tuple[str, str]] = set()
        converted: list[Converted] = []
        files: dict[str, None] = {}
        for source in sources:
            figure = self.hearing.figure(source, measure, slice)
            heard = self.hearing.hear(source, measure)
            if figure is None or heard is None:
                continue
            if slice == TOTAL and self._is_contradicted(source, measure, heard):
                return Input(None, (source,))
            figures[source] = exact(round(figure, 6))
            files |= dict.fromkeys(heard.stream.files)
            if measure.unit is Unit.MONEY:
                currencies |= set(heard.currencies or (UNKNOWN,))
                vats |= {(source, word) for word in heard.vats or (UNKNOWN,)}
                converted += self._converted(source, measure, slice)
            self.answers[heard.stream, heard.covers, measure.adds is not Adds.LAST] = None
            if heard.straddling:
                self._find("rows_straddle", source, n=heard.straddling, measure=measure.name)
        if len(currencies) > 1:
            self._find_currencies(id, currencies)
            return Input(None, tuple(figures))
        if self._vats_clash(id, vats):
            return Input(None, tuple(figures))
        total = sum(figures.values(), Fraction(0)) if figures else None
        currency = next(iter(currencies - {UNKNOWN}), None)
        how = tuple(sorted(vats)), tuple(converted), tuple(files)
        return Input(total, tuple(figures), currency, *how)

    def _stated_input(self, id: str) -> Input:
        """A figure that the owner states: a measure, or what no export holds."""
        if id not in catalogue.measures():
            assumed = self.settings.assumptions.get(id)
            return Input(assumed, () if assumed is None else (STATED,))
        is_money = catalogue.measure(id).unit is Unit.MONEY
        currency = self.settings.currency if is_money else None
        return Input(self.settings.given[id], (STATED,), currency)

    def _of_earlier_days(self, when: str, id: str, slice: str) -> Input:
        """The figure of the period before or a year ago; none where its days are not all there."""
        asked = self.hearing.span(slice) if self.period else None
        if asked is None:
            return Input(None)
        days = asked.earlier(when, self._held_until())
        by = None if self.hearing.by in TIME_SLICES else self.hearing.by
        if (days, by) not in self._earlier:
            settings = replace(self.settings, given={})
            self._earlier[days, by] = Evaluation(self.hearing.facts, days, by, settings)
        then = self._earlier[days, by]
        found = then.input(id, TOTAL if by is None else slice)
        if not then.tells_all({id: found}):
            self._find("earlier_not_whole", id, period=str(days))
            return Input(None, found.sources)
        return found

    def _held_until(self) -> date | None:
        """The last day of which the files say anything."""
        held = self.hearing.facts.period
        return held.last if held else None

    def tells_all(self, inputs: Mapping[str, Input]) -> bool:
        """Whether the sources of some figures speak for every day of the period."""
        return all(
            _within(heard.covers, self.period) == (self.period,)
            for id, given in inputs.items()
            for heard in self.heard(id, given)
        )

    def _converted(self, source: str, measure: Measure, slice: str) -> list[Converted]:
        return [
            Converted(source, exact(round(figure / float(how.rate * how.vat), 6)), how)
            for figure, how in self.hearing.conversions(source, measure, slice)
        ]

    def _vats_clash(self, where: str, vats: Iterable[tuple[str, str]]) -> bool:
        """Whether money with VAT meets money without; money that does not say is asked about."""
        said = sorted(set(vats))
        words = {word for _, word in said}
        for source, word in said:
            if word == UNKNOWN and len(words) > 1:
                self._find("vat_unknown", source)
            if word not in (UNKNOWN, self.settings.vat_basis):
                self._find(f"vat_not_converted_{word}", source)
        if clash := {"incl", "excl"} <= words:
            listed = {
                word: ", ".join(own for own, said_ in said if said_ == word) for word in words
            }
            self._find(
                "vat_differs", where, Severity.ERROR, incl=listed["incl"], excl=listed["excl"]
            )
        return clash

    def _is_contradicted(self, source: str, measure: Measure, heard: Heard) -> bool:
        """Whether other tables of the source leave no figure to take; what they say is told."""
        if heard.lacking:
            days = ", ".join(map(str, heard.lacking[:5]))
            self._find_first("days_of_other_tables", source, measure=measure.name, days=days)
        if heard.rival is None:
            return False
        told, other = (exact(round(f, 2)) for f in (heard.beside or 0.0, heard.rival or 0.0))
        grave = source == BY_HAND or heard.grave
        severity = Severity.ERROR if grave else Severity.WARNING
        self._find(
            "streams_disagree", source, severity, measure=measure.name, told=told, other=other
        )
        return grave

    def _tell_unheard(self, measure: Measure, sources: Sequence[str]) -> None:
        """Sources that add up, but that this figure is without."""
        chosen = wanted_source(measure, self.settings.sources)
        if measure.family.speak is not Speak.ALL or not sources or chosen:
            return
        if BY_HAND not in sources and self._total.hear(BY_HAND, measure):
            self._find("table_set_aside", measure.id)
        adding = believed(self.hearing.facts, measure.family)
        for stream in self.hearing.facts.streams:
            if measure.id not in stream.measures:
                continue
            heard = self._total.hear(stream.source, measure)
            if stream.source in adding and not heard:
                self._find("source_silent", stream.source)
            if stream.source not in adding and heard:
                self._find("source_set_aside", stream.source, measure=measure.name)

    def _tell_differing(self, measure: Measure, sources: Sequence[str]) -> None:
        """Another system of the same family that counts something else, and is not heard.

        Counters in the browser always differ from books and from each other: they are left alone.
        """
        family = measure.family
        chosen = wanted_source(measure, self.settings.sources)
        if family.speak is Speak.ALL or not sources or chosen:
            return
        speaker = sources[0]
        for other in believed(self.hearing.facts, family):
            if other in sources or {other, speaker} & set(family.estimates):
                continue
            if figures := self._total.beside(speaker, other, measure):
                told, beside = (exact(round(figure, 2)) for figure in figures)
                self._find_first(
                    "sources_disagree", family.id, measure=measure.name,
                    source=speaker, told=told, other=other, figure=beside,
                )  # fmt: skip

    def measures(self) -> dict[str, Input]:
        """Every measure that someone speaks for, in total."""
        found = {id: self.input(id) for id in catalogue.measures()}
        return {id: given for id, given in found.items() if given.value is not None}

    def even(self, where: str, inputs: Mapping[str, Input], slice: str = TOTAL) -> dict[str, Input]:
        """The inputs; those that cover far fewer days than all together are taken as missing.

        A stock is known by its last day, so its days are not compared.

        Args:
            where: the KPI that needs them, for the finding.
            inputs: by measure.
            slice: whose days are meant.
        """
        asked = self.hearing.span(slice)
        covered: dict[str, tuple[Period, ...]] = {}
        blank: dict[str, int] = {}
        for id, given in inputs.items():
            measure = catalogue.measures().get(id)
            if measure and measure.adds is not Adds.LAST and given.value is not None:
                heard = [h for source in given.sources if (h := self.hearing.hear(source, measure))]
                if heard:
                    covered[id] = _within((span for h in heard for span in h.covers), asked)
                    blank[id] = sum(asked is not None and asked.has(d) for d in heard[0].blanks)
        everything = _days(span for spans in covered.values() for span in spans)
        result = dict(inputs)
        for id, spans in covered.items():
            days = _days(spans) - blank[id]
            if everything - days > UNEVEN * everything:
                self._find(
                    "covers_less", where, measure=catalogue.measure(id).name, n=days, all=everything
                )
                result[id] = Input(None, inputs[id].sources)
        return result

    def slices(self) -> list[str]:
        """The slices that any source knows, without the total."""
        return [name for name in self.hearing.slices() if name != TOTAL]

    # --- KPIs

    def value(self, kpi: Kpi, slice: str = TOTAL) -> KpiValue:
        """The value of `kpi` in a slice: the wanted variant, or the first that can be computed."""
        wanted = self.settings.variants.get(kpi.id)
        if slice == TOTAL and kpi.id in self.settings.given and kpi.id not in catalogue.measures():
            return self._stated(kpi, kpi.variant(wanted))
        tried: list[KpiValue] = []
        offered = [variant for variant in kpi.variants if not variant.chosen]
        for variant in (kpi.variant(wanted),) if wanted else offered:
            tried.append(self._evaluate(kpi, variant, slice))
            if tried[-1].value is not None:
                return tried[-1]
        return tried[0]

    def _stated(self, kpi: Kpi, variant: Variant) -> KpiValue:
        currency = self.settings.currency if kpi.unit is Unit.MONEY else None
        value = self.settings.given[kpi.id]
        return KpiValue(kpi.read_as(variant), TOTAL, value, variant.id, {}, (), currency)

    def _evaluate(self, kpi: Kpi, variant: Variant, slice: str) -> KpiValue:
        kpi = kpi.read_as(variant)
        inputs = self.even(kpi.id, self._inputs(kpi, variant, slice), slice)
        self._tell_counted(inputs)
        outages = self._outages(inputs, slice)
        inputs = self._without(outages, kpi.id, inputs, slice)
        value = variant.formula.value({id: given.value for id, given in inputs.items()})
        currencies = {given.currency for given in inputs.values() if given.currency}
        if len(currencies) > 1:
            self._find_currencies(kpi.id, currencies)
            value = None
        if self._vats_clash(kpi.id, (said for given in inputs.values() for said in given.vats)):
            value = None
        if value is not None and variant.formula.share and kpi.unit is Unit.SHARE:
            part, whole, _ = variant.formula.share
            if not 0 <= value <= 1 and {part, whole} <= set(catalogue.measures()):
                self._find("share_impossible", kpi.id)
                value = None
        interval = None
        if value is not None:
            interval = self._interval(kpi, variant.formula, inputs, slice, outages)
        return KpiValue(
            definition=kpi,
            slice=slice,
            value=value,
            variant=variant.id,
            inputs=inputs,
            missing=tuple(id for id, given in inputs.items() if given.value is None),
            currency=next(iter(currencies), None) if kpi.unit is Unit.MONEY else None,
            low=interval[0] if interval else None,
            high=interval[1] if interval else None,
            whole=self._is_whole(inputs, slice),
            enough=_is_enough(kpi, variant.formula, inputs),
        )

    def _is_whole(self, inputs: Mapping[str, Input], slice: str) -> bool:
        """Whether the figures speak for all days of a week or month."""
        whole = self.hearing.whole_span(slice)
        if slice == TOTAL or self.hearing.by not in TIME_SLICES or not whole:
            return True
        return all(
            _within(heard.covers, whole) == (whole,)
            for id, given in inputs.items()
            for heard in self.heard(id, given)
            if catalogue.measure(id).adds is not Adds.LAST
        )

    def heard(self, id: str, given: Input) -> list[Heard]:
        """What the sources of a figure say; nothing where a plan states it."""
        if id not in catalogue.measures() or STATED in given.sources:
            return []
        measure = catalogue.measure(id)
        return [heard for own in given.sources if (heard := self.hearing.hear(own, measure))]

    def _outages(self, inputs: Mapping[str, Input], slice: str) -> frozenset[date]:
        """The days on which a source that counts every day has no row: it was not counting."""
        asked = self.hearing.span(slice)
        found: set[date] = set()
        for id, given in inputs.items():
            for heard in self.heard(id, given):
                measure = catalogue.measure(id)
                if measure.family.every_day and measure.adds is not Adds.LAST:
                    found.update(heard.stream.gaps(_within(heard.covers, asked)))
                if asked:
                    found.update(day for day in heard.blanks if asked.has(day))
        return frozenset(found)

    def _without(
        self, outages: frozenset[date], where: str, inputs: dict[str, Input], slice: str
    ) -> dict[str, Input]:
        """The inputs without the days on which one of them was not counted.

        Orders of a day whose visits nobody counted would make the conversion too good, of a channel
        as well as in total.
        """
        asked = self.hearing.span(slice)
        if not outages or not asked or len(inputs) < 2:
            return inputs
        lost = {id: self._on_days(id, given, slice, outages) for id, given in inputs.items()}
        days = asked.days
        if len(outages) > UNEVEN * days:
            whole = {
                id: given for id, given in inputs.items() if not self._told_by_day(id, given, slice)
            }
            for id in whole:
                self._find(
                    "covers_less",
                    where,
                    measure=catalogue.measure(id).name,
                    n=days - len(outages),
                    all=days,
                )
            inputs = inputs | {id: Input(None, given.sources) for id, given in whole.items()}
        if not any(lost.values()):
            return inputs
        listed = ", ".join(map(str, sorted(outages)[:5]))
        self._find("days_left_out", where, n=len(outages), days=listed)
        return {
            id: given if given.value is None else replace(given, value=given.value - lost[id])
            for id, given in inputs.items()
        }

    def _told_by_day(self, id: str, given: Input, slice: str) -> bool:
        """Whether the days account for a figure, so that some of them can be taken off."""
        if not self.heard(id, given) or given.value is None:
            return True
        measure = catalogue.measure(id)
        if measure.adds is Adds.LAST:
            return True  # it has no days to take off
        return all(self.hearing.told_by_day(own, measure, slice) for own in given.sources)

    def _on_days(self, id: str, given: Input, slice: str, days: frozenset[date]) -> Fraction:
        if not self.heard(id, given):
            return Fraction(0)
        measure = catalogue.measure(id)
        figures = (self.hearing.on_days(own, measure, slice, days) for own in given.sources)
        return sum((exact(round(figure, 6)) for figure in figures), Fraction(0))

    def _inputs(self, kpi: Kpi, variant: Variant, slice: str) -> dict[str, Input]:
        """The figures of a formula, all of one source where the KPI asks for that."""
        names = variant.formula.names
        measures = [catalogue.measure(id) for id in names if id in catalogue.measures()]
        if variant.sources or (kpi.one_source and not set(names) & set(self.settings.given)):
            common = self._common_source(measures, variant.sources)
            return {id: self.input(id, slice, common) for id in names}
        adding = [measure for measure in measures if measure.family.speak is Speak.ALL]
        together = self._reporting_all(adding) if len(adding) > 1 else None
        ids = {measure.id for measure in adding}
        return {id: self.input(id, slice, together if id in ids else None) for id in names}

    def _common_source(
        self, measures: Sequence[Measure], among: Sequence[str] = ()
    ) -> tuple[str, ...]:
        """The most believed source (of those `among`, if any) that has every one of `measures`.

        An owner's choice binds, unless another family of the same KPI leaves the choice open.
        """
        first = measures[0]
        wanted = {wanted_source(measure, self.settings.sources) for measure in measures}
        preferred = speakers(self._total, first, self.settings.sources)
        for source in (*preferred, *believed(self.hearing.facts, first.family)):
            if source not in among if among else None not in wanted and source not in wanted:
                continue
            if all(self._total.hear(source, measure) for measure in measures):
                return (source,)
        return ()

    def _reporting_all(self, measures: Sequence[Measure]) -> tuple[str, ...]:
        """Sources that add up, but only those that have every one of `measures`."""
        having = [speakers(self._total, m, self.settings.sources) for m in measures]
        for measure, sources in zip(measures, having, strict=True):
            self._tell_unheard(measure, sources)
        shared = set.intersection(*map(set, having))
        for left_out in sorted(set().union(*having) - shared):
            self._find("source_lacks_part", left_out, source=left_out)
        return tuple(source for source in having[0] if source in shared)

    def _interval(
        self,
        kpi: Kpi,
        formula: Formula,
        inputs: Mapping[str, Input],
        slice: str,
        outages: frozenset[date],
    ) -> tuple[float, float] | None:
        # What an owner assumes is taken as it is; the rest has its spread all the same.
        assumed = {
            id: given.value
            for id, given in inputs.items()
            if id in catalogue.ASSUMPTIONS and given.value is not None
        }
        formula = formula.fixed(assumed)
        inputs = {id: given for id, given in inputs.items() if id not in assumed}
        counted = all(
            id in catalogue.measures() and STATED not in given.sources
            for id, given in inputs.items()
        )
        if not counted:
            return None  # what is stated has no spread of its own to show
        if any(catalogue.measure(id).adds is Adds.LAST for id in inputs):
            return None  # a stock is no sum of days, nor one try among others
        if not formula.share and any(catalogue.measure(id).adds is Adds.NONE for id in inputs):
            return None  # people of several days are no sum of days either
        if kpi.unit is Unit.SHARE and _is_of_tries(formula):
            return _interval_of_tries(formula, inputs)
        in_time = slice != TOTAL and self.hearing.by in TIME_SLICES
        if len(inputs) < 2 or in_time:
            return None  # a count is what it is, and a trend shows the spread itself
        days = self._by_day(inputs, slice, outages)
        return daily_interval(formula, days) if days else None

    def _by_day(
        self, inputs: Mapping[str, Input], slice: str, outages: frozenset[date]
    ) -> dict[str, Array] | None:
        """The daily figures behind some sums; ``None`` where days do not account for them."""
        left_out = set(map(str, outages))
        series: dict[str, dict[str, float]] = {id: {} for id in inputs}
        for id, given in inputs.items():
            for source in given.sources:
                for day, figure in self._daily(source, catalogue.measure(id), slice).items():
                    if day in left_out:
                        continue
                    series[id][day] = series[id].get(day, 0.0) + figure
            if not np.isclose(sum(series[id].values()), float(given.value or 0)):
                return None
        days = sorted(set().union(*series.values()))
        return {id: np.array([found.get(day, 0.0) for day in days]) for id, found in series.items()}

    def _daily(self, source: str, measure: Measure, slice: str) -> Mapping[str, float]:
        if slice != TOTAL:
            return self.hearing.by_day(source, measure, slice)
        heard = self._days.hear(source, measure)
        return heard.figures if heard else {}

    # --- findings

    def covered(self) -> Period | None:
        """The period asked about; if none was, all days of the streams that were heard."""
        return self.period or spanning(stream.period for stream, *_ in self.answers)

    def all_findings(self) -> tuple[Finding, ...]:
        """What was odd so far, and which streams do not cover the period."""
        return (*self.findings.values(), *_partial(self.answers, self.covered()))

    def _tell_counted(self, inputs: Mapping[str, Input]) -> None:
        """What counts of customers leave out, or why there is none."""
        for id, given in inputs.items():
            measure = catalogue.measures().get(id)
            if measure is None or measure.counts is None or STATED in given.sources:
                continue
            for source in given.sources or believed(self.hearing.facts, measure.family):
                for finding in self.hearing.remarks(source, measure):
                    self.findings.setdefault((finding.code, finding.where), finding)

    def _find_currencies(self, where: str, currencies: Iterable[str]) -> None:
        named = ", ".join(sorted(currencies))
        self._find("currencies_differ", where, Severity.ERROR, currencies=named)

    def _find(
        self, code: str, where: str, severity: Severity = Severity.WARNING, **values: object
    ) -> None:
        self.findings[(code, where)] = Finding(severity, code, where, values)

    def _find_first(self, code: str, where: str, **values: object) -> None:
        if (code, where) not in self.findings:
            self.findings[(code, where)] = Finding(Severity.WARNING, code, where, values)


def _is_enough(kpi: Kpi, formula: Formula, inputs: Mapping[str, Input]) -> bool:
    """Whether the counts behind a quotient are large enough to say anything."""
    cases = _cases(kpi, formula, inputs)
    if cases is None:
        return True  # a count is what it is
    return cases >= (FEWEST_TRIALS if _is_share(kpi, formula) else FEWEST_CASES)


def _cases(kpi: Kpi, formula: Formula, inputs: Mapping[str, Input]) -> Fraction | None:
    """Of a share how many there were to ask, of another quotient the fewest it rests on."""
    measures = catalogue.measures()
    counts = [
        given.value
        for id, given in inputs.items()
        if id in measures and measures[id].unit is Unit.COUNT and given.value is not None
    ]
    if len(inputs) < 2 or not counts:
        return None
    return max(counts) if _is_share(kpi, formula) else min(counts)


def _is_share(kpi: Kpi, formula: Formula) -> bool:
    return bool(formula.share or formula.balance) and kpi.unit is Unit.SHARE


def _is_of_tries(formula: Formula) -> bool:
    """Whether it divides what came of tries by the tries; a whole that has parts counts none."""
    *parts, whole = formula.balance or (formula.share or ())[:2] or ("",)
    measures = catalogue.measures()
    if not parts or any(measures[id].unit is not Unit.COUNT for id in (*parts, whole)):
        return False
    return not measures[whole].fractional


def _interval_of_tries(formula: Formula, inputs: Mapping[str, Input]) -> tuple[float, float] | None:
    counts = {id: float(given.value or 0) for id, given in inputs.items()}
    if formula.balance:
        good, bad, answers = (counts[id] for id in formula.balance)
        index = nps_interval(good, answers - good - bad, bad)
        return (index.low, index.high) if index else None
    if formula.share:
        part, whole, of_rest = formula.share
        found = share_interval(counts[part], counts[whole])
        return (1 - found[1], 1 - found[0]) if found and of_rest else found
    return None


def _within(spans: Iterable[Period], period: Period | None) -> tuple[Period, ...]:
    return united(both for span in spans if period and (both := span.meets(period)))


def _days(periods: Iterable[Period]) -> int:
    return sum(period.days for period in united(periods))


def kpi_values(
    facts: Facts,
    business: Business,
    period: Period | None = None,
    by: str | None = None,
    *,
    settings: Settings | None = None,
    kpis: Sequence[str] | None = None,
    against: Iterable[str] = (),
) -> Values:
    """Every KPI of a business type: in total, and for each slice when cut `by` something.

    Args:
        facts: what the files say.
        business: whose default KPIs and variants to use.
        period: whole days; everything when not given.
        by: ``channel``, ``month``, ``week``, ``day``, ``campaign``, ... or nothing.
        settings: the owner's choices; the business type's variants apply where they are silent.
        kpis: ids, if others than those of the business type.
        against: ``previous``, ``year_ago``: the earlier days to look at beside.
    """
    settings = settings or Settings()
    settings = replace(settings, variants={**business.variants, **settings.variants})
    wanted = [settings.kpi(id) for id in (kpis or business.kpis())]
    whole = Evaluation(facts, period, settings=settings)
    rows = [whole.value(kpi) for kpi in wanted]
    findings = list(whole.all_findings())
    if by:
        # One definition for the whole table, also where a slice could only give another.
        settings = replace(settings, variants={row.kpi: row.variant for row in rows})
        cut = Evaluation(facts, period, by, settings)
        rows += [cut.value(kpi, slice) for slice in cut.slices() for kpi in wanted]
        told = {(finding.code, finding.where) for finding in findings}
        findings += [finding for key, finding in cut.findings.items() if key not in told]
        if cut_short := sorted({row.slice for row in rows if not row.whole}):
            values: dict[str, object] = {"n": len(cut_short), "slices": ", ".join(cut_short[:5])}
            findings.append(Finding(Severity.INFO, "slices_not_whole", values=values))
    asked = whole.covered()
    earlier = {when: _then(facts, asked, when, wanted, settings) for when in against if asked}
    return Values(asked, tuple(rows), tuple(findings), earlier)


def _then(
    facts: Facts, asked: Period, when: str, kpis: Sequence[Kpi], settings: Settings
) -> Values:
    """The values of earlier days; missing where the data do not hold every one of them."""
    days = asked.earlier(when, facts.period.last if facts.period else None)
    then = Evaluation(facts, days, settings=replace(settings, given={}))
    rows = tuple(
        row if then.tells_all(row.inputs) else replace(row, value=None, low=None, high=None)
        for row in map(then.value, kpis)
    )
    return Values(days, rows, ())


def _partial(
    answers: Iterable[tuple[Stream, tuple[Period, ...], bool]], period: Period | None
) -> list[Finding]:
    """Streams that do not cover the whole period, or leave out days of what they cover."""
    found: dict[tuple[str, str], Finding] = {}

    def find(code: str, stream: Stream, **values: object) -> None:
        finding = Finding(Severity.WARNING, code, stream.source, values)
        found.setdefault((code, stream.source), finding)

    for stream, covers, each_day in answers:
        held = _within(covers, period)
        if period and held and held != (period,):
            find("period_not_whole", stream, held=", ".join(map(str, held)), period=str(period))
        if each_day and (gaps := stream.gaps(held)):
            find("missing_days", stream, n=len(gaps), days=", ".join(map(str, gaps[:5])))
    return list(found.values())
