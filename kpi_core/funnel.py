"""Counted funnels: where people are lost between the first visit and the last step."""

from dataclasses import dataclass
from fractions import Fraction

from kpi_core import catalogue
from kpi_core.errors import Finding, Severity
from kpi_core.facts import Facts, Hearing
from kpi_core.kpis import Evaluation, Settings
from kpi_core.model import Business, Period, Stage
from kpi_core.stats import share_interval


@dataclass(frozen=True)
class FunnelStage:
    """A stage as counted.

    Attributes:
        count: how many got here; ``None`` if nobody counted them.
        step_rate: share of the nearest counted stage before; ``None`` for the first stage, and
            where this stage is larger than that one (a finding, never a rate above 100 %).
        total_rate: share of the first counted stage.
        low, high: what the counts leave plausible for the step rate (95 %).
    """

    stage: Stage
    count: Fraction | None
    sources: tuple[str, ...]
    step_rate: Fraction | None
    total_rate: Fraction | None
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
    stages is heard for all it knows; the others fill in the rest, and a finding says so.
    """
    settings = settings or Settings()
    evaluation = Evaluation(facts, period, settings=settings)
    leading = _leading_source(evaluation.hearing, business)
    found: list[FunnelStage] = []
    findings: list[Finding] = []
    first: Fraction | None = None
    previous: FunnelStage | None = None
    for stage in business.stages:
        measure = catalogue.measure(stage.measure)
        own = leading and not settings.given and evaluation.hearing.hear(leading, measure)
        given = evaluation.input(stage.measure, sources=(leading,) if own and leading else None)
        count = given.value
        made = FunnelStage(stage, count, given.sources, None, None)
        if count is not None:
            first = count if first is None else first
            if previous and previous.count:
                made = _after(previous, made, findings)
            if first and count <= first:
                made = FunnelStage(**{**vars(made), "total_rate": count / first})
            previous = made
        found.append(made)
    counted = [stage for stage in found if stage.count is not None]
    heard = dict.fromkeys(source for stage in counted for source in stage.sources)
    if len(heard) > 1:
        names = ", ".join(heard)
        findings.append(Finding(Severity.INFO, "funnel_mixes_sources", values={"sources": names}))
    leaks = [stage for stage in counted if stage.step_rate is not None]
    return Funnel(
        period or facts.period,
        tuple(found),
        min(leaks, key=lambda stage: stage.step_rate or 0, default=None),
        (*evaluation.findings.values(), *findings),
    )


def _leading_source(hearing: Hearing, business: Business) -> str | None:
    """The source that counts the most stages; the first heard wins a draw."""
    known = {
        source: sum(
            hearing.hear(source, catalogue.measure(stage.measure)) is not None
            for stage in business.stages
        )
        for source in hearing.facts.sources()
    }
    return max(known, key=lambda source: known[source], default=None)


def _after(previous: FunnelStage, stage: FunnelStage, findings: list[Finding]) -> FunnelStage:
    count, before = stage.count, previous.count
    if count is None or not before:
        return stage
    if count > before:
        findings.append(
            Finding(
                Severity.WARNING,
                "stage_grows",
                stage.stage.id,
                {"before": previous.stage.id, "count": float(count), "previous": float(before)},
            )
        )
        return stage
    interval = share_interval(float(count), float(before))
    return FunnelStage(
        stage.stage,
        count,
        stage.sources,
        count / before,
        None,
        interval[0] if interval else None,
        interval[1] if interval else None,
    )
