"""What each channel or campaign costs and brings, and which traffic comes to nothing.

Where the system that speaks for a measure does not tell it by channel (books of a shop rarely do),
the most believed system that does is heard instead, and a finding says so with both figures. Visits
then are of that system, too: the orders of one are not divided by the visits of another.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fractions import Fraction

from kpi_core import catalogue, words
from kpi_core.errors import Finding, Severity, UsageError
from kpi_core.facts import Facts, Hearing, believed, speakers, wanted_source
from kpi_core.kpis import FEWEST_CASES, Evaluation, Input, KpiValue, Settings, Values, kpi_values
from kpi_core.model import TOTAL, Adds, Business, Measure, Period, Speak
from kpi_core.text import exact, phrases
from kpi_core.traffic import Judgement, Visits, empty_traffic

CUTS = ("channel", "campaign", "source", "device", "country", "landing", "engine")
SUMS = ("spend", "sessions", "orders", "leads", "ad_conversions", "revenue")
COST_OF = {"orders": "cpo", "leads": "cpl", "ad_conversions": "cpa"}  # the KPI of what one costs
RETURN = "romi"
ON_MARGIN = ("margin", "margin_rate")  # the definitions of it that say what was earned
REST = "other"  # the slice of rows that do not say
APART = Fraction(1, 10)  # of the orders: so many may lie where no visits are
UNEVEN = Fraction(1, 1000)  # of a whole: parts that differ by more do not add up to it


class Worth(StrEnum):
    """What the figures say of the money spent on a part."""

    PAYS = "pays"
    LOSES = "loses"
    UNSURE = "unsure"  # the interval holds nought, or there is none
    NOT_ENOUGH = "not_enough"
    NO_RETURN = "no_return"  # money was spent, and what it brought is not known
    NO_SPEND = "no_spend"


@dataclass(frozen=True)
class Part:
    """A channel, campaign, ... or the whole.

    Attributes:
        values: by KPI.
        sums: by measure.
        shares: by measure its share of the whole.
    """

    slice: str
    values: Mapping[str, KpiValue] = field(hash=False)
    sums: Mapping[str, Input] = field(hash=False)
    shares: Mapping[str, Fraction] = field(hash=False)
    worth: Worth

    @property
    def returned(self) -> KpiValue | None:
        """What a unit of spend brought beyond itself, by margin; ``None`` where not known."""
        found = self.values.get(RETURN)
        return found if found and found.value is not None else None


@dataclass(frozen=True)
class Channels:
    """A period cut by one dimension.

    Attributes:
        parts: the best return first, then the largest spend, result and traffic.
        kpis: the KPIs that some part has, in order; `untold` are wanted but not told by `by`.
        measures: the sums that some part has.
        result: orders, leads or conversions of ads, whichever decides; ``None`` if none is told.
        traffic: each part with visits, judged against the others.
    """

    by: str
    period: Period | None
    total: Part
    parts: tuple[Part, ...]
    kpis: tuple[str, ...]
    untold: tuple[str, ...]
    measures: tuple[str, ...]
    result: str | None
    traffic: tuple[Judgement, ...]
    findings: tuple[Finding, ...]

    @property
    def cost(self) -> str | None:
        """The KPI of what one result costs, where some part has it."""
        id = COST_OF.get(self.result or "")
        return id if id in self.kpis else None

    def ranked(self) -> tuple[Part, ...]:
        """The parts of which the return is known, the best first."""
        return tuple(part for part in self.parts if part.returned)

    def cheapest(self) -> tuple[Part, ...]:
        """The parts of which it is known what a result costs, the cheapest first."""
        if self.cost is None:
            return ()
        cost = self.cost
        found = [part for part in self.parts if part.values[cost].value is not None]
        enough = [part for part in found if part.values[cost].enough]
        return tuple(sorted(enough, key=lambda part: part.values[cost].value or 0))


def cuts(facts: Facts) -> tuple[str, ...]:
    """What the figures of money and traffic can be cut by."""
    told = {
        dimension
        for stream in facts.streams
        if set(stream.measures) & set(SUMS)
        for dimension in stream.dimensions
    }
    return tuple(by for by in CUTS if by in told)


def by_slice(
    facts: Facts,
    business: Business,
    period: Period | None,
    by: str,
    *,
    settings: Settings | None = None,
    kpis: Iterable[str] = (),
) -> Channels:
    """Money, traffic, results and KPIs of each part, and of the whole by the same systems.

    Args:
        facts: what the files say.
        business: whose variants and stages count.
        period: whole days; everything when not given.
        by: one of `CUTS`.
        settings: the owner's choices.
        kpis: those to show, if others than the business looks at.
    """
    if by not in CUTS:
        raise UsageError("unknown_slice", where=by, known=", ".join(CUTS))
    settings = settings or Settings()
    variants = {**business.variants, **settings.variants}
    if variants.get(RETURN) not in ON_MARGIN:  # on revenue it flatters: no channel is judged by it
        variants.pop(RETURN, None)
    business = replace(business, variants=variants)
    settings = replace(settings, variants={})
    heard, findings = _heard(facts, period, by, settings)
    cut = Evaluation(facts, period, by, heard)
    told = {slice: _sums(cut, slice) for slice in cut.slices()}
    measures = tuple(id for id in SUMS if any(_is_told(sums, id) for sums in told.values()))
    result = _result(business, measures)
    wanted = [id for id in (*(kpis or business.kpis()), COST_OF.get(result or ""), RETURN) if id]
    wanted = [id for id in dict.fromkeys(wanted) if not _is_sum(id, settings)]
    values = kpi_values(facts, business, period, by, settings=heard, kpis=wanted)
    total = _total(facts, period, heard)
    findings += _not_adding(total, told, measures, by)
    traffic, apart = _traffic(cut, told, result)
    findings += apart
    rows = _by_slice(values)
    having = {row.kpi for row in values.rows if row.slice != TOTAL and row.value is not None}
    parts = [
        _part(slice, rows.get(slice, {}), sums, total, result)
        for slice, sums in told.items()
        if any(_is_told(sums, id) for id in measures)
        or any(value.value is not None for value in rows.get(slice, {}).values())
    ]
    return Channels(
        by=by,
        period=values.period,
        total=_part(TOTAL, rows[TOTAL], total, total, result),
        parts=tuple(sorted(parts, key=lambda part: _rank(part, result))),
        kpis=tuple(id for id in wanted if id in having),
        untold=tuple(id for id in wanted if id not in having),
        measures=measures,
        result=result,
        traffic=traffic,
        findings=(*findings, *values.findings),
    )


def _sums(evaluation: Evaluation, slice: str) -> dict[str, Input]:
    return {id: evaluation.input(id, slice) for id in SUMS}


def _total(facts: Facts, period: Period | None, settings: Settings) -> dict[str, Input]:
    return _sums(Evaluation(facts, period, settings=settings), TOTAL)


def _is_told(sums: Mapping[str, Input], id: str) -> bool:
    return sums[id].value is not None


def _is_sum(kpi: str, settings: Settings) -> bool:
    """Whether a KPI is one of the sums that stand in the table anyway."""
    return kpi in SUMS and all(v.formula.text in SUMS for v in settings.kpi(kpi).variants[:1])


def _result(business: Business, measures: Iterable[str]) -> str | None:
    """What traffic is bought for: the last such stage of the funnel that is told by the cut."""
    told = [id for id in COST_OF if id in measures]
    staged = [stage.measure for stage in business.stages if stage.measure in told]
    return next(iter((*staged[::-1], *told)), None)


def _by_slice(values: Values) -> dict[str, dict[str, KpiValue]]:
    found: dict[str, dict[str, KpiValue]] = {}
    for row in values.rows:
        found.setdefault(row.slice, {})[row.kpi] = row
    return found


# --- who speaks


def _heard(
    facts: Facts, period: Period | None, by: str, settings: Settings
) -> tuple[Settings, list[Finding]]:
    """The settings with systems that tell the cut in the place of those that do not."""
    whole, cut = Hearing(facts, period), Hearing(facts, period, by)
    visits = catalogue.measure("sessions")
    sources, findings = dict(settings.sources), []
    measures = [catalogue.measure(id) for id in SUMS]
    for measure in measures:
        family = measure.family
        if family.speak is Speak.ALL or wanted_source(measure, sources):
            continue
        own = speakers(whole, measure)
        if not own or _tells(cut, own[0], measure):
            continue
        kin = [other for other in measures if other.family == family]
        able = [source for source in believed(facts, family) if _tells(cut, source, measure)]
        if not able:
            continue
        other = max(able, key=lambda source: sum(_tells(cut, source, one) for one in kin))
        sources[family.id] = other
        findings.append(_told_by_other(whole, measure, own[0], other, by))
        counter = speakers(whole, visits)
        if _tells(cut, other, visits) and not wanted_source(visits, sources):
            sources[visits.family.id] = other
            if counter and counter[0] != other:
                found = _told_by_other(whole, visits, counter[0], other, by)
                findings.append(replace(found, code="cut_visits_by_other", severity=Severity.INFO))
    return replace(settings, sources=sources), findings


def _tells(cut: Hearing, source: str, measure: Measure) -> bool:
    heard = cut.hear(source, measure)
    return heard is not None and bool(set(heard.figures) - {REST})


def _told_by_other(whole: Hearing, measure: Measure, own: str, other: str, by: str) -> Finding:
    figures = [whole.figure(source, measure, TOTAL) for source in (own, other)]
    known = [None if figure is None else exact(round(figure, 2)) for figure in figures]
    values: dict[str, object] = {
        "measure": measure.name,
        "by": phrases()[f"words.cut_{by}"],
        "own": {lang: words.source_name(own, lang) for lang in ("ru", "en")},
        "other": {lang: words.source_name(other, lang) for lang in ("ru", "en")},
        "whole": known[0] if known[0] is not None else "—",
        "told": known[1] if known[1] is not None else "—",
    }
    return Finding(Severity.WARNING, "cut_by_other", values=values)


def _not_adding(
    total: Mapping[str, Input],
    told: Mapping[str, Mapping[str, Input]],
    measures: Iterable[str],
    by: str,
) -> list[Finding]:
    """Sums of which the parts do not make up the whole."""
    found = []
    for id in measures:
        measure, whole = catalogue.measure(id), total[id].value
        added = sum((sums[id].value or Fraction(0) for sums in told.values()), Fraction(0))
        if measure.adds is Adds.NONE or whole is None:
            continue
        if abs(added - whole) > UNEVEN * abs(whole):
            values: dict[str, object] = {
                "measure": measure.name,
                "by": phrases()[f"words.cut_{by}"],
                "added": added,
                "whole": whole,
            }
            found.append(Finding(Severity.WARNING, "cut_not_whole", id, values))
    return found


# --- parts


def _part(
    slice: str,
    values: Mapping[str, KpiValue],
    sums: Mapping[str, Input],
    total: Mapping[str, Input],
    result: str | None,
) -> Part:
    values = {id: _with_cases(value, sums, result) for id, value in values.items()}
    shares = {
        id: given.value / whole
        for id, given in sums.items()
        if given.value is not None and (whole := total[id].value)
    }
    return Part(slice, values, sums, shares, _worth(values.get(RETURN), sums["spend"].value))


def _with_cases(value: KpiValue, sums: Mapping[str, Input], result: str | None) -> KpiValue:
    """A return rests on the orders behind the money, which its formula does not name.

    Many leads say nothing of it where few of them have bought; they count where orders are untold.
    """
    if value.kpi != RETURN or result is None:
        return value
    bought = sums["orders"].value
    rests = sums[result].value if bought is None else bought
    return replace(value, enough=(rests or 0) >= FEWEST_CASES)


def _worth(value: KpiValue | None, spend: Fraction | None) -> Worth:
    if not spend:
        return Worth.NO_SPEND
    if value is None or value.value is None:
        return Worth.NO_RETURN
    if not value.enough:
        return Worth.NOT_ENOUGH
    if value.low is None or value.high is None:
        return Worth.UNSURE
    if value.low > 0:
        return Worth.PAYS
    return Worth.LOSES if value.high < 0 else Worth.UNSURE


def _rank(part: Part, result: str | None) -> tuple[object, ...]:
    returned = part.returned

    def most(id: str | None) -> Fraction:
        return -(part.sums[id].value or Fraction(0)) if id else Fraction(0)

    first = returned is None, returned is not None and not returned.enough
    value = -(returned.value or 0) if returned else 0
    return (*first, value, most("spend"), most(result), most("sessions"), part.slice)


# --- traffic


def _traffic(
    cut: Evaluation, told: Mapping[str, Mapping[str, Input]], result: str | None
) -> tuple[tuple[Judgement, ...], list[Finding]]:
    """Each part with visits against the others; one without a row of orders has brought none.

    Where many orders fall on parts without visits, the two systems name parts differently: orders
    are left out of the comparison then.
    """
    visits: list[Visits] = []
    findings: list[Finding] = []
    measure = result if result in ("orders", "leads") else None
    if measure:
        counts = {slice: sums[measure].value or Fraction(0) for slice, sums in told.items()}
        whole = sum(counts.values(), Fraction(0))
        lost = whole - sum(n for slice, n in counts.items() if told[slice]["sessions"].value)
        if lost > APART * whole:
            values = {"measure": catalogue.measure(measure).name, "lost": lost, "whole": whole}
            findings.append(Finding(Severity.INFO, "cut_results_apart", measure, values))
            measure = None
    for slice, sums in told.items():
        if not sums["sessions"].value:
            continue
        counted = sums[measure].value if measure else None
        bounces, pages = (cut.input(id, slice).value for id in ("bounces", "pageviews"))
        visits.append(
            Visits(
                slice,
                float(sums["sessions"].value),
                float(counted or 0),
                None if bounces is None else float(bounces),
                None if pages is None else float(pages),
            )
        )
    return empty_traffic(visits), findings
