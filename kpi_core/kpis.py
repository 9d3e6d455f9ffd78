"""Facts to KPI values: measures are added first, then divided (ratio of sums).

A value carries what it was made of: the figures, their sources, the variant of its definition,
and what is missing. Undefined is missing, never 0.
"""

from collections import Counter
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
from kpi_core.formula import Array, Exact, Formula, earlier
from kpi_core.ingest.formats import formats
from kpi_core.model import (
    TOTAL,
    Adds,
    Business,
    Customers,
    Group,
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
from kpi_core.text import exact, phrases

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
            or of a file is none, nor is a sum of days some of which nobody counted.
        enough: whether there were enough cases to say anything: `FEWEST_TRIALS` visits, orders or
            answers that a share is of, `FEWEST_CASES` orders or leads behind any other quotient,
            also on earlier days.
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

    def remade(self, inputs: Mapping[str, Input]) -> "KpiValue":
        """The value of other figures; without an interval, which speaks of what was.

        One that was held back although its figures are there has none with others, either.
        """
        held_back = self.value is None and self.formula.value(_figures(self.inputs)) is not None
        return replace(
            self,
            value=None if held_back else self.formula.value(_figures(inputs)),
            inputs=inputs,
            missing=tuple(id for id, given in inputs.items() if given.value is None),
            low=None,
            high=None,
        )


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
            if value < 0:
                raise UsageError("assumption_below_zero", where=id)
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
        earlier: ``previous`` or ``year_ago`` to the values in total of those days, by the same
            definitions and sources; missing where these do not tell every one of them.
        asked: whether somebody asked for the period, or it is all that the data hold.
        rows_of: file to how many rows it has.
    """

    period: Period | None
    rows: tuple[KpiValue, ...]
    findings: tuple[Finding, ...]
    earlier: Mapping[str, "Values"] = field(default_factory=dict, hash=False)
    asked: bool = True
    rows_of: Mapping[str, int] = field(default_factory=dict, hash=False)

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


@dataclass(frozen=True)
class _Past:
    """Where a figure of earlier days comes from.

    Attributes:
        id: the measure.
        days: the earlier days; the first of them stands beside the day `since`, and so on.
    """

    id: str
    evaluation: "Evaluation"
    slice: str
    days: Period
    since: date

    def then(self, days: Iterable[date]) -> frozenset[date]:
        """The earlier days that stand beside `days`."""
        return frozenset(self.days.first + (day - self.since) for day in days)

    def now(self, days: Iterable[date]) -> frozenset[date]:
        """The days that earlier `days` stand beside."""
        return frozenset(self.since + (day - self.days.first) for day in days)


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
            when, own = named
            speaking = {own: self._speaking(own, slice, sources)}
            return self._of_earlier_days(when, own, slice, speaking)[0]
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

    # --- earlier days

    def _speaking(self, id: str, slice: str, sources: Sequence[str] | None) -> tuple[str, ...]:
        """Whose figure of a measure is taken: `sources`, or whoever speaks in the period."""
        if id not in catalogue.measures() or (id in self.settings.given and slice == TOTAL):
            return (STATED,)
        if sources is not None:
            return tuple(sources)
        return speakers(self._total, catalogue.measure(id), self.settings.sources)

    def _asked(self, slice: str) -> Period | None:
        """The days of which earlier ones can be told; of a slice of time up to its own end."""
        span = self.hearing.span(slice)
        whole = self.hearing.whole_span(slice)
        if slice != TOTAL and self.hearing.by in TIME_SLICES and span and whole:
            return Period(span.first, whole.last)
        return span if self.period else None

    def _of_earlier_days(
        self,
        when: str,
        id: str,
        slice: str,
        speaking: Mapping[str, Sequence[str]],
        *,
        grows: bool = True,
    ) -> tuple[Input, _Past | None]:
        """The figure of the period before or a year ago, by the sources that speak in this one.

        None where they do not tell every one of those days.

        Args:
            when: ``previous`` or ``year_ago``.
            id: of which measure.
            slice: whose earlier days are meant.
            speaking: the sources of it and of all that stands beside it in a formula.
            grows: whether the value depends on how many of the days are told.
        """
        asked = self._asked(slice)
        if asked is None or id not in catalogue.measures():
            return Input(None) if asked is None else self._stated_input(id), None
        until = self._held_until(speaking, asked)
        days = asked.earlier(when, until)
        in_time = self.hearing.by in TIME_SLICES
        then = self._then(days, None if in_time else self.hearing.by)
        own = tuple(
            source
            for source in speaking[id]
            if source == STATED or self.hearing.hear(source, catalogue.measure(id))
        )
        if speaking[id] and not own:
            return Input(None), None  # nobody tells it by what this is cut
        named = TOTAL if in_time else slice
        found = then.input(id, named, own or None)
        self._tell_odd(then)
        if (
            self._is_untold(then, id, own or found.sources, silent=in_time)
            or (grows and self._is_short(speaking, asked, until))
            or self._is_uncounted(then, {id: found}, id, named)
        ):
            return Input(None, own), None
        if grows and not in_time:
            self._tell_length(when, days, Period(asked.first, until or asked.last))
        return found, _Past(id, then, named, days, asked.first)

    def _then(self, days: Period, by: str | None) -> "Evaluation":
        """The same questions to other days; what an owner states is of this period only."""
        if (days, by) not in self._earlier:
            settings = replace(self.settings, given={})
            self._earlier[days, by] = Evaluation(self.hearing.facts, days, by, settings)
        return self._earlier[days, by]

    def _held(self, id: str, source: str, asked: Period) -> tuple[Period, ...]:
        """The days of `asked` that a source holds of a measure, no quiet ones at its edge."""
        if source == STATED or id not in catalogue.measures():
            return ()
        measure = catalogue.measure(id)
        heard = self.hearing.hear(source, measure)
        days = asked.meets(self.hearing.days) if self.hearing.days else asked
        if heard is None or days is None:
            return ()
        covers = heard.covers
        if measure.adds is Adds.LAST:  # known from then on, though the file may end later
            covers = heard.stream.covers(id, days)
        if ends := heard.stream.period:
            days = days.meets(Period(min(days.first, ends.first), ends.last))
        return _within(covers, days)

    def _held_until(self, speaking: Mapping[str, Sequence[str]], asked: Period) -> date | None:
        """The last day that the sources of all figures of a formula hold."""
        lasts = [
            max(held)
            for id, own in speaking.items()
            if (held := [span.last for source in own for span in self._held(id, source, asked)])
        ]
        return min(lasts, default=None)

    def _is_short(
        self, speaking: Mapping[str, Sequence[str]], asked: Period, until: date | None
    ) -> bool:
        """Whether a source tells too few of the days to be held against as many earlier ones."""
        days = Period(asked.first, min(asked.last, until or asked.last))
        for id, own in speaking.items():
            for source in own:
                held = _within(self._held(id, source, asked), days)
                last = id in catalogue.measures() and catalogue.measure(id).adds is Adds.LAST
                if held and not last and days.days - _days(held) > UNEVEN * days.days:
                    told = ", ".join(map(str, held))
                    told_by = _named([source])
                    self._find("now_not_whole", id, source=told_by, held=told, period=str(days))
                    return True
        return False

    def _is_untold(
        self, then: "Evaluation", id: str, sources: Sequence[str], *, silent: bool = False
    ) -> bool:
        """Whether one of the sources does not tell all the earlier days; says which."""
        lacking = [source for source in sources if not then._tells(id, source)]
        if not lacking:
            return False
        family = catalogue.measure(id).family
        others = [
            source
            for source in believed(self.hearing.facts, family)
            if source not in sources and then._tells(id, source)
        ]
        if others:
            self._find(
                "earlier_other_source",
                id,
                source=_named(lacking),
                other=_named(others),
                period=str(then.period),
            )
        elif not silent:
            self._find("earlier_not_whole", id, period=str(then.period))
        return True

    def _tells(self, id: str, source: str) -> bool:
        """Whether a source tells a measure on every day of the period, also by what it is cut."""
        measure = catalogue.measure(id)
        heard = [hearing.hear(source, measure) for hearing in (self._total, self.hearing)]
        return all(
            own is not None and _within(own.covers, self.period) == (self.period,) for own in heard
        )

    def _is_uncounted(
        self, then: "Evaluation", inputs: Mapping[str, Input], where: str, slice: str = TOTAL
    ) -> bool:
        """Whether earlier figures lack so many days that nothing can be held against them."""
        lost = sorted(then._outages(inputs, slice))
        if not lost or then.period is None:
            return False
        too_many = len(lost) > UNEVEN * then.period.days
        code = "earlier_days_lost" if too_many else "earlier_days_missing"
        listed = ", ".join(map(str, lost[:5]))
        self._find(code, where, n=len(lost), days=listed, period=str(then.period))
        return too_many

    def _tell_odd(self, then: "Evaluation") -> None:
        """What is odd about the earlier days, and not about these."""
        for (code, where), finding in then.findings.items():
            known = (code, where) in self.findings or code.startswith("earlier_")
            if not known and finding.severity is not Severity.INFO:
                told = {lang: finding.text(lang) for lang in ("ru", "en")}
                values: dict[str, object] = {"period": str(then.period), "told": told}
                odd = Finding(Severity.WARNING, "earlier_odd", where, values)
                self.findings[f"earlier_odd {code}", where] = odd

    def tell_days(self, kpi: str, days: Period) -> None:
        """That a KPI is held against other days than most are."""
        self._find("earlier_cut", kpi, Severity.INFO, period=str(days))

    def _tell_length(self, when: str, days: Period, held: Period) -> None:
        """A leap year: the same days a year ago are one more or one fewer."""
        if when == "year_ago" and days.days != held.days:
            self._find(
                "year_ago_length", "", Severity.INFO, n=held.days, all=days.days, period=str(days)
            )

    def value_before(self, now: KpiValue, when: str, asked: Period) -> tuple[Period, KpiValue]:
        """The value of the whole in earlier days, by the definition and the sources of `now`.

        Missing where these do not tell every one of the days.

        Args:
            now: the value of this period.
            when: ``previous`` or ``year_ago``.
            asked: the days of this period.
        """
        variant, formula = now.definition.variant(now.variant), now.formula
        speaking: dict[str, tuple[str, ...]] = {}
        for name in formula.names:
            id = named[1] if (named := earlier(name)) else name
            if id in catalogue.measures() and name in now.inputs:
                speaking[id] = speaking.get(id) or now.inputs[name].sources
        until = self._held_until(speaking, asked)
        days = asked.earlier(when, until)
        then = self._then(days, None)
        known = now.value is not None and all(speaking.values())
        pinned = speaking if known and speaking else None
        row = then._evaluate(now.definition, variant, TOTAL, pinned)
        self._tell_odd(then)
        if not known:
            return days, row if then.tells_all(row.inputs) else _unknown(row)
        if not now.inputs:  # the plan states the KPI itself
            if row.value is not None:
                other = _named(dict.fromkeys(s for g in row.inputs.values() for s in g.sources))
                stated = _named([STATED])
                self._find(
                    "earlier_other_source", now.kpi, source=stated, other=other, period=str(days)
                )
            return days, _unknown(row)
        untold = [self._is_untold(then, id, own, silent=True) for id, own in speaking.items()]
        if any(untold) or not then.tells_all(row.inputs) or row.value is None:
            return days, _unknown(row)
        if _grows_with_days(formula):
            if self._is_short(speaking, asked, until) or self._is_uneven(then, now, row):
                return days, _unknown(row)
            self._tell_length(when, days, Period(asked.first, until or asked.last))
        return days, row

    def _is_uneven(self, then: "Evaluation", now: KpiValue, row: KpiValue) -> bool:
        """Whether too many days were not counted, of these or of the earlier ones."""
        lost = self._outages(now.inputs, TOTAL)
        if then.period and len(lost) > UNEVEN * then.period.days:
            self._find("now_days_lost", now.kpi, n=len(lost))
            return True
        return self._is_uncounted(then, row.inputs, now.kpi)

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

    def _evaluate(
        self,
        kpi: Kpi,
        variant: Variant,
        slice: str,
        pinned: Mapping[str, tuple[str, ...]] | None = None,
    ) -> KpiValue:
        """The value by one definition; by the sources `pinned` to each measure, if any."""
        kpi = kpi.read_as(variant)
        inputs, past = self._inputs(kpi, variant, slice, pinned)
        inputs = self.even(kpi.id, inputs, slice)
        self._tell_counted(inputs)
        outages = self._outages(inputs, slice)
        for name, own in past.items():
            outages |= own.now(own.evaluation._outages({own.id: inputs[name]}, own.slice))
        inputs = self._without(outages, kpi.id, inputs, slice, past)
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
        odd = False
        if value is not None and (limits := _limits(kpi, variant.formula)):
            low, high = limits
            odd = value > 1 and high is None
            if odd:
                self._find("share_over_whole", kpi.id)
            if value < low or (high is not None and value > high):
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
            whole=self._is_whole(inputs, slice)
            and not (outages and self._in_time(slice) and _grows_with_days(variant.formula)),
            enough=_is_enough(kpi, variant.formula, inputs) and not odd,
        )

    def _is_whole(self, inputs: Mapping[str, Input], slice: str) -> bool:
        """Whether the figures speak for all days of a week or month."""
        whole = self.hearing.whole_span(slice)
        if not self._in_time(slice) or not whole:
            return True
        return all(
            _within(heard.covers, whole) == (whole,)
            for id, given in inputs.items()
            for heard in self.heard(id, given)
            if catalogue.measure(id).adds is not Adds.LAST
        )

    def _in_time(self, slice: str) -> bool:
        """Whether a slice is a day, week or month."""
        return slice != TOTAL and self.hearing.by in TIME_SLICES

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
        self,
        outages: frozenset[date],
        where: str,
        inputs: dict[str, Input],
        slice: str,
        past: Mapping[str, _Past],
    ) -> dict[str, Input]:
        """The inputs without the days on which one of them was not counted.

        Orders of a day whose visits nobody counted would make the conversion too good, of a channel
        as well as in total. Of earlier days those are left out that stand beside such a day, and
        the other way round.

        Args:
            outages: days of the period.
            where: the KPI that needs them, for the finding.
            inputs: by name.
            slice: whose days are meant.
            past: where figures of earlier days come from.
        """
        asked = self.hearing.span(slice)
        if not outages or not asked or len(inputs) < 2:
            return inputs
        lost = {
            id: own.evaluation._on_days(own.id, given, own.slice, own.then(outages))
            if (own := past.get(id))
            else self._on_days(id, given, slice, outages)
            for id, given in inputs.items()
        }
        days = asked.days
        if len(outages) > UNEVEN * days:
            whole = {
                id: given
                for id, given in inputs.items()
                if not (
                    own.evaluation._told_by_day(own.id, given, own.slice)
                    if (own := past.get(id))
                    else self._told_by_day(id, given, slice)
                )
            }
            for id in whole:
                self._find(
                    "covers_less",
                    where,
                    measure=catalogue.measure(past[id].id if id in past else id).name,
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

    def _inputs(
        self,
        kpi: Kpi,
        variant: Variant,
        slice: str,
        pinned: Mapping[str, tuple[str, ...]] | None = None,
    ) -> tuple[dict[str, Input], dict[str, _Past]]:
        """The figures of a formula, and where those of earlier days come from."""
        names = variant.formula.names
        of = {name: named[1] if (named := earlier(name)) else name for name in names}
        if pinned is None:
            pinned = self._sources(kpi, variant, tuple(dict.fromkeys(of.values())))
        speaking = {
            id: self._speaking(id, slice, pinned.get(id))
            for id in of.values()
            if id in catalogue.measures()
        }
        grows = _grows_with_days(variant.formula)
        inputs: dict[str, Input] = {}
        past: dict[str, _Past] = {}
        for name, id in of.items():
            if named := earlier(name):
                found = self._of_earlier_days(named[0], id, slice, speaking, grows=grows)
                inputs[name] = found[0]
                if found[1]:
                    past[name] = found[1]
            else:
                inputs[name] = self.input(name, slice, pinned.get(id))
        return inputs, past

    def _sources(
        self, kpi: Kpi, variant: Variant, names: Sequence[str]
    ) -> dict[str, tuple[str, ...]]:
        """Whose figures a formula takes, where not whoever speaks; of one source if the KPI asks.

        Figures that add up are taken of those who report all of them.
        """
        measures = [catalogue.measure(id) for id in names if id in catalogue.measures()]
        if variant.sources or (kpi.one_source and not set(names) & set(self.settings.given)):
            return dict.fromkeys(names, self._common_source(measures, variant.sources))
        adding = [measure for measure in measures if measure.family.speak is Speak.ALL]
        if len(adding) < 2:
            return {}
        return dict.fromkeys((own.id for own in adding), self._reporting_all(adding))

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


def _figures(inputs: Mapping[str, Input]) -> dict[str, Exact]:
    return {id: given.value for id, given in inputs.items()}


def _cases(kpi: Kpi, formula: Formula, inputs: Mapping[str, Input]) -> Fraction | None:
    """Of a share how many there were to ask, of another quotient the fewest it rests on."""
    counts = {}
    for name, given in inputs.items():
        measure = catalogue.measures().get(named[1] if (named := earlier(name)) else name)
        if measure and measure.unit is Unit.COUNT and given.value is not None:
            counts[name] = given.value
    if len(inputs) < 2 or not counts:
        return None
    if _is_share(kpi, formula):
        *_, whole = formula.balance or (formula.share or ("",))[:2]
        return counts.get(whole)
    return min(counts.values())


def _is_share(kpi: Kpi, formula: Formula) -> bool:
    return bool(formula.share or formula.balance) and kpi.unit is Unit.SHARE


def _limits(kpi: Kpi, formula: Formula) -> tuple[int, int | None] | None:
    """Between what ``(for - against) / whole`` can lie; nothing where it may be anything.

    Those who stayed are no fewer than nobody, but with those back after a pause they can be more
    than there were before. Answers for and against are no more than all answers.
    """
    if kpi.unit is not Unit.SHARE or not formula.balance:
        return None
    if _is_of_before(formula):
        return 0, None
    return (-1, 1) if kpi.group is Group.SATISFACTION else None


def _is_of_before(formula: Formula) -> bool:
    """Whether its whole counts customers of earlier days."""
    *_, whole = formula.balance or ("",)
    measure = catalogue.measures().get(whole)
    return measure is not None and measure.counts is Customers.BEFORE


def _grows_with_days(formula: Formula) -> bool:
    """Whether more days give another value: of sums they do, of rates they do not."""
    measures = catalogue.measures()
    few = {name: Fraction(7 * n * n + 3) for n, name in enumerate(formula.names)}
    adding = {id for id in few if id in measures and measures[id].adds is not Adds.LAST}
    many = {id: 2 * figure if id in adding else figure for id, figure in few.items()}
    return formula.value(few) != formula.value(many)


def _is_of_tries(formula: Formula) -> bool:
    """Whether it divides what came of tries by the tries; a whole that has parts counts none."""
    *parts, whole = formula.balance or (formula.share or ())[:2] or ("",)
    measures = catalogue.measures()
    if not parts or any(measures[id].unit is not Unit.COUNT for id in (*parts, whole)):
        return False
    return not measures[whole].fractional and not _is_of_before(formula)


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


def _unknown(row: KpiValue) -> KpiValue:
    return replace(row, value=None, low=None, high=None)


def _named(sources: Iterable[str]) -> dict[str, str]:
    """The names of systems, for a finding."""
    stated, named = phrases()["words.stated"], list(sources)
    return {
        lang: ", ".join(stated[lang] if own == STATED else own for own in named)
        for lang in ("ru", "en")
    }


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
    asked = whole.covered()
    earlier = {when: then for when in against if (then := _beside(whole, when, rows))}
    findings = list(whole.all_findings())
    if by:
        # One definition for the whole table, also where a slice could only give another.
        settings = replace(settings, variants={row.kpi: row.variant for row in rows})
        cut = Evaluation(facts, period, by, settings)
        rows += [cut.value(kpi, slice) for slice in cut.slices() for kpi in wanted]
        told = {*whole.findings, *((finding.code, finding.where) for finding in findings)}
        findings += [finding for key, finding in cut.findings.items() if key not in told]
        if cut_short := sorted({row.slice for row in rows if not row.whole}):
            values: dict[str, object] = {"n": len(cut_short), "slices": ", ".join(cut_short[:5])}
            findings.append(Finding(Severity.INFO, "slices_not_whole", values=values))
    was_asked = period is not None
    return Values(asked, tuple(rows), tuple(findings), earlier, was_asked, facts.rows)


def _beside(whole: Evaluation, when: str, rows: Iterable[KpiValue]) -> Values | None:
    """The values of earlier days, each of as many as its sources hold of the period."""
    asked = whole.covered()
    if asked is None:
        return None
    found = [whole.value_before(row, when, asked) for row in rows]
    held = Counter(days for days, row in found if row.value is not None)
    held = held or Counter(days for days, _ in found)
    shown = max(held, key=lambda days: (held[days], days.days), default=asked.earlier(when))
    for days, row in found:
        if days != shown and row.value is not None:
            whole.tell_days(row.kpi, days)
    return Values(shown, tuple(row for _, row in found), ())


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
