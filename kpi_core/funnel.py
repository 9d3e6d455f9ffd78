"""Counted funnels: where people are lost between the first visit and the last step."""

from dataclasses import dataclass, replace
from fractions import Fraction

from kpi_core import catalogue
from kpi_core.errors import Finding, Severity
from kpi_core.facts import Facts, Hearing, believed, wanted_source
from kpi_core.kpis import Evaluation, Input, Settings
from kpi_core.model import Business, Measure, Period, Stage
from kpi_core.stats import share_interval


@dataclass(frozen=True)
class FunnelStage:
    """A stage as counted.

    Attributes:
        count: how many got here; ``None`` if nobody counted them.
        whole: what the step rate is a share of: the nearest counted stage before, as counted by
            this stage's own source where that source knows it.
        step_rate: count / whole; ``None`` for the first stage, and where this stage is larger than
            the one before (a finding, never a rate above 100 %).
        total_rate: share of the first counted stage: the product of the step rates.
        low, high: what the counts leave plausible for the step rate (95 %), if one source counted.
    """

    stage: Stage
    count: Fraction | None
    sources: tuple[str, ...]
    whole: Fraction | None = None
    step_rate: Fraction | None = None
    total_rate: Fraction | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Funnel:
    """The stages of a business type over a period; `leakiest` keeps the smallest share."""

    period: Period | None
    stages: tuple[FunnelStage, ...]
    leakiest: FunnelStage | None
    findings: tuple[Finding, ...]


def funnel(
    facts: Facts, business: Business, period: Period | None = None, settings: Settings | None = None
) -> Funnel:
    """The funnel of a business type, from one source as far as one source goes.

    Stages of different systems do not count the same people, so the system that knows the most
    stages on the most days is heard for all it knows; the others fill in the rest, and a finding
    says so. A source that the owner chose for a stage is heard there in any case.
    """
    settings = settings or Settings()
    evaluation = Evaluation(facts, period, settings=settings)
    leading = _leading_source(evaluation.hearing, business)
    inputs = {
        stage.measure: _input(evaluation, catalogue.measure(stage.measure), leading)
        for stage in business.stages
    }
    inputs = evaluation.even("funnel", inputs)
    found: list[FunnelStage] = []
    findings: list[Finding] = []
    counted: list[FunnelStage] = []
    for stage in business.stages:
        given = inputs[stage.measure]
        made = FunnelStage(stage, given.value, given.sources)
        if given.value is not None:
            made = _after(counted, made, evaluation, findings) if counted else _first(made)
            counted.append(made)
        found.append(made)
    heard = dict.fromkeys(source for stage in counted for source in stage.sources)
    if len(heard) > 1:
        names = ", ".join(heard)
        findings.append(Finding(Severity.INFO, "funnel_mixes_sources", values={"sources": names}))
    leaks = [stage for stage in counted if stage.step_rate is not None]
    return Funnel(
        evaluation.covered(),
        tuple(found),
        min(leaks, key=lambda stage: stage.step_rate or 0, default=None),
        (*evaluation.all_findings(), *findings),
    )


def _input(evaluation: Evaluation, measure: Measure, leading: str | None) -> Input:
    free = wanted_source(measure, evaluation.settings.sources) is None
    if free and leading and evaluation.hearing.hear(leading, measure):
        return evaluation.input(measure.id, sources=(leading,))
    return evaluation.input(measure.id)


def _leading_source(hearing: Hearing, business: Business) -> str | None:
    """The source that counts the most stages on the most days; the more believed wins a draw."""
    measures = [catalogue.measure(stage.measure) for stage in business.stages]
    may_speak = {m.family.id: believed(hearing.facts, m.family) for m in measures}

    def reach(source: str) -> tuple[int, int]:
        heard = [hearing.hear(source, m) for m in measures if source in may_speak[m.family.id]]
        spans = [span for h in heard if h for span in h.covers]
        return sum(span.days for span in spans), sum(h is not None for h in heard)

    known = dict.fromkeys(source for sources in may_speak.values() for source in sources)
    return max(known, key=reach, default=None)


def _first(stage: FunnelStage) -> FunnelStage:
    return replace(stage, total_rate=Fraction(1) if stage.count else None)


def _after(
    counted: list[FunnelStage],
    stage: FunnelStage,
    evaluation: Evaluation,
    findings: list[Finding],
) -> FunnelStage:
    """The stage with its rates over the nearest counted stage and over the first one."""
    first, before = counted[0].count, counted[-1]
    own = stage.sources == before.sources
    whole, count = before.count, stage.count
    if not own:
        again = evaluation.input(before.stage.measure, sources=stage.sources)
        own = again.value is not None
        whole = again.value if own else whole
    if count is None or whole is None or count > whole:
        values: dict[str, object] = {"count": count, "previous": whole}
        findings.append(Finding(Severity.WARNING, "stage_grows", stage.stage.id, values))
        if count is not None and first and count <= first:
            return replace(stage, total_rate=count / first)
        return stage
    if not whole:
        return replace(stage, total_rate=before.total_rate and Fraction(0))
    rate = count / whole
    total = None if before.total_rate is None else before.total_rate * rate
    stage = replace(stage, whole=whole, step_rate=rate, total_rate=total)
    # Counts of two systems differ by more than chance: no interval between them.
    interval = share_interval(float(count), float(whole)) if own else None
    return replace(stage, low=interval[0], high=interval[1]) if interval else stage
