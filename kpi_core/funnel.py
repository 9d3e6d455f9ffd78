"""Counted funnels: where people are lost on the way, which segment loses them, and since when.

Everything here is made of counts that systems report; nobody is followed from stage to stage. So a
rate is only given an interval, and a difference only tested, where one system counted both ends and
each of the one either became one of the other or did not.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from kpi_core import catalogue
from kpi_core.errors import Finding, Severity, UsageError, did_you_mean
from kpi_core.facts import Facts, believed, speakers, wanted_source
from kpi_core.kpis import Evaluation, Input, Settings
from kpi_core.model import (
    TOTAL,
    Business,
    Kind,
    Measure,
    Period,
    Speak,
    Stage,
    Stages,
)
from kpi_core.plan import Plan
from kpi_core.stages import FEWEST_STAGES, OWN, counts
from kpi_core.stats import share_interval
from kpi_core.text import say

CUTS = ("channel", "device", "campaign", "source", "country", "engine")
NOBODY = Input(None)


@dataclass(frozen=True)
class FunnelStage:
    """A stage as counted.

    Attributes:
        measure: what counted it: that of the stage, or one of its alternatives.
        given: how many got here and who says so; no figure if nobody counted them.
        kind: what one of the count is.
        whole: what the step rate is a share of: the nearest counted stage before, as counted by
            this stage's own source where that source knows it.
        step_rate: count / whole; ``None`` for the first stage, and where this stage is larger than
            the one before (a finding, never a rate above 100 %).
        total_rate: share of the first counted stage: the product of the step rates.
        tries: each of `whole` either became one of the count or did not, as far as counts can tell:
            one source has both, and neither counts events where the other counts sessions.
        low, high: what chance leaves plausible for the step rate (95 %), of `tries`.
    """

    stage: Stage
    measure: str
    given: Input = field(hash=False)
    kind: Kind | None = None
    whole: Fraction | None = None
    step_rate: Fraction | None = None
    total_rate: Fraction | None = None
    tries: bool = False
    low: float | None = None
    high: float | None = None

    @property
    def count(self) -> Fraction | None:
        """How many got here."""
        return self.given.value

    @property
    def sources(self) -> tuple[str, ...]:
        """Who counted them."""
        return self.given.sources

    @property
    def lost(self) -> Fraction | None:
        """How many of `whole` did not get here."""
        if self.step_rate is None or self.whole is None or self.count is None:
            return None
        return self.whole - self.count

    @property
    def lost_rate(self) -> Fraction | None:
        """The share of `whole` that did not get here."""
        return None if self.step_rate is None else 1 - self.step_rate


@dataclass(frozen=True)
class Funnel:
    """Stages as counted over a period; `leakiest` keeps the smallest share."""

    period: Period | None
    stages: tuple[FunnelStage, ...]
    leakiest: FunnelStage | None
    findings: tuple[Finding, ...]

    @property
    def counted(self) -> tuple[FunnelStage, ...]:
        """The stages that somebody counted."""
        return tuple(stage for stage in self.stages if stage.count is not None)

    @property
    def steps(self) -> tuple[FunnelStage, ...]:
        """The stages with a rate of the one before."""
        return tuple(stage for stage in self.stages if stage.step_rate is not None)

    @property
    def overall(self) -> Fraction | None:
        """The share of the first counted stage that got to the last one."""
        counted = self.counted
        return counted[-1].total_rate if len(counted) >= FEWEST_STAGES else None

    def stage(self, id: str) -> FunnelStage | None:
        """The stage called `id`."""
        return next((stage for stage in self.stages if stage.stage.id == id), None)


def funnel(
    facts: Facts, business: Business, period: Period | None = None, settings: Settings | None = None
) -> Funnel:
    """The funnel of a business type, of all its people."""
    return Counting(facts, business.funnels[0], period, settings).of()


# --- which funnels and cuts there are


def offered(facts: Facts, business: Business) -> tuple[Stages, ...]:
    """The funnels of a business type of which the files count at least two stages."""
    told = _told(facts)

    def counted(stages: Stages) -> int:
        return sum(any(id in told for id in _measures(stage)) for stage in stages.stages)

    return tuple(made for made in business.funnels if counted(made) >= FEWEST_STAGES)


def stages_of(plan: Plan, facts: Facts) -> Stages:
    """The funnel that a plan names, if the files count it; else the first one that they count."""
    business = catalogue.business(plan.business)
    named, known = plan.chosen_funnel(), offered(facts, business)
    if named and (named.id == OWN or named in known):
        return named
    return next(iter(known), business.funnels[0])


def countable(facts: Facts) -> tuple[str, ...]:
    """The measures that could be stages, as far as the files have them."""
    told = _told(facts)
    return tuple(id for id, own in catalogue.measures().items() if id in told and counts(own))


def cuts(facts: Facts, stages: Stages) -> tuple[str, ...]:
    """By what a funnel can be cut: what at least two of its stages are told by."""
    told: dict[str, set[str]] = {}
    for stream in facts.streams:
        for stage in stages.stages:
            if set(_measures(stage)) & set(stream.measures):
                for dimension in stream.dimensions:
                    told.setdefault(dimension, set()).add(stage.id)
    return tuple(by for by in CUTS if len(told.get(by, ())) >= FEWEST_STAGES)


def _told(facts: Facts) -> set[str]:
    return {id for stream in facts.streams for id in stream.measures}


def _measures(stage: Stage) -> tuple[str, ...]:
    return (stage.measure, *stage.otherwise)


# --- counting


class Counting:
    """Counts the stages of a funnel over a period: of everybody, or of parts of them.

    Stages of different systems do not count the same people, so the system that knows the most
    stages on the most days is heard for all it knows; the others fill in the rest, and a finding
    says so. A source that the owner chose for a stage is heard there in any case. Cut by something,
    a stage is counted by those who tell it so.
    """

    def __init__(
        self,
        facts: Facts,
        stages: Stages,
        period: Period | None = None,
        settings: Settings | None = None,
        *,
        by: str | None = None,
        like: "Counting | None" = None,
    ) -> None:
        """What is counted, and how.

        Args:
            facts: what the files say.
            stages: the funnel.
            period: whole days; everything when not given.
            settings: the owner's choices.
            by: one of `CUTS`, or not cut.
            like: another counting of the funnel, by whose sources this one is made, to be compared.
        """
        self.facts = facts
        self.stages = stages
        self.by = by
        self._evaluation = Evaluation(facts, period, by, settings)
        self._leading = self._leading_source()
        self._offers = {stage.id: self._offers_of(stage, like) for stage in stages.stages}
        self._made: dict[tuple[str, ...], Funnel] = {}
        self._before: dict[str, Counting | None] = {}

    def part(self, slice: str) -> Funnel:
        """The funnel of one part, of which there must be one."""
        known = self.slices()
        if slice not in known:
            near = did_you_mean(slice, set(known))
            raise UsageError("unknown_part", where=slice, near=near, known=", ".join(known))
        return self.of(slice)

    def slices(self) -> tuple[str, ...]:
        """The parts in which some stage is counted, the largest first."""
        made = {slice: self.of(slice).counted for slice in self._evaluation.slices()}
        most = {slice: max((s.count or 0 for s in own), default=0) for slice, own in made.items()}
        return tuple(sorted((s for s in made if made[s]), key=lambda s: (-most[s], s)))

    def of(self, *slices: str) -> Funnel:
        """The funnel of these parts together; of everybody if none is named."""
        asked = slices or (TOTAL,)
        if asked not in self._made:
            self._made[asked] = self._of(asked)
        return self._made[asked]

    def others(self, slice: str) -> Funnel:
        """The funnel of all parts but one.

        Raises:
            UsageError: there is no other part.
        """
        others = [other for other in self.slices() if other != slice]
        if not others:
            raise UsageError("no_other_part", where=slice)
        return self.of(*others)

    def before(self, when: str) -> "Counting | None":
        """The same of the period before (``previous``) or the same days ``year_ago``.

        Of a period that the files do not hold to its end, as many of its days. By the measures and
        sources that speak now; ``None`` where no period can be told.
        """
        if when not in self._before:
            asked, held = self._evaluation.covered(), self.facts.period
            days = asked and held and asked.earlier(when, held.last)
            settings = replace(self._evaluation.settings, given={})
            self._before[when] = (
                Counting(self.facts, self.stages, days, settings, by=self.by, like=self)
                if days
                else None
            )
        return self._before[when]

    def _of(self, slices: tuple[str, ...]) -> Funnel:
        evaluation = self._evaluation
        made = [self._counted(stage, slices) for stage in self.stages.stages]
        inputs = {stage.measure: stage.given for stage in made}
        inputs = evaluation.even("funnel", inputs)
        found: list[FunnelStage] = []
        findings: list[Finding] = []
        counted: list[FunnelStage] = []
        for heard in made:
            stage = replace(heard, given=inputs[heard.measure])
            if stage.count is not None:
                stage = self._after(counted, stage, slices, findings)
                counted.append(stage)
            found.append(stage)
        findings += _mixtures(counted)
        leaks = [stage for stage in counted if stage.step_rate is not None]
        return Funnel(
            evaluation.covered(),
            tuple(found),
            min(leaks, key=lambda stage: stage.step_rate or 0, default=None),
            (*evaluation.all_findings(), *findings),
        )

    # --- who counts a stage

    def _leading_source(self) -> str | None:
        """The source that counts most stages on most days; the more believed wins a draw."""
        hearing = self._evaluation.hearing
        measures = [catalogue.measure(id) for s in self.stages.stages for id in _measures(s)]
        may_speak = {m.family.id: believed(self.facts, m.family) for m in measures}

        def reach(source: str) -> tuple[int, int]:
            heard = [hearing.hear(source, m) for m in measures if source in may_speak[m.family.id]]
            spans = [span for h in heard if h for span in h.covers]
            return sum(span.days for span in spans), sum(h is not None for h in heard)

        known = dict.fromkeys(source for sources in may_speak.values() for source in sources)
        return max(known, key=reach, default=None)

    def _offers_of(
        self, stage: Stage, like: "Counting | None"
    ) -> tuple[tuple[str, tuple[str, ...] | None], ...]:
        """The measures that may count a stage, each with its sources where others than usual."""
        if like is None:
            return tuple((id, self._sources(catalogue.measure(id))) for id in _measures(stage))
        pinned = like._offers[stage.id]
        return tuple((id, own or like._heard(id)) for id, own in pinned)

    def _heard(self, id: str) -> tuple[str, ...] | None:
        """Whose figure of everybody is taken, where nothing else is said."""
        return (self._evaluation.input(id).sources or None) if self.by is None else None

    def _sources(self, measure: Measure) -> tuple[str, ...] | None:
        evaluation = self._evaluation
        wanted = wanted_source(measure, evaluation.settings.sources)
        if wanted is not None or (self.by and measure.family.speak is Speak.ALL):
            return None
        if self._leading and evaluation.hearing.hear(self._leading, measure):
            return (self._leading,)
        if self.by is None:
            return None
        usual = speakers(Evaluation(self.facts, evaluation.period).hearing, measure)
        able = (*usual, *believed(self.facts, measure.family))
        return next(((s,) for s in able if evaluation.hearing.hear(s, measure)), None)

    def _counted(self, stage: Stage, slices: Sequence[str]) -> FunnelStage:
        found = FunnelStage(stage, stage.measure, NOBODY)
        for id, sources in self._offers[stage.id]:
            given = self._figure(id, sources, slices)
            if found.count is None and (given.value is not None or given.sources):
                found = FunnelStage(stage, id, given, self._kind(id, given))
        return found

    def _figure(self, id: str, sources: Sequence[str] | None, slices: Sequence[str]) -> Input:
        """The figure of some parts together; no people are added up of several."""
        given = [self._in_slice(id, sources, slice) for slice in slices]
        if len(given) == 1:
            return given[0]
        known = [each for each in given if each.value is not None]
        if not known or not counts(catalogue.measure(id)):
            return NOBODY
        return Input(
            sum((each.value or Fraction(0) for each in known), Fraction(0)),
            tuple(dict.fromkeys(source for each in known for source in each.sources)),
            files=tuple(dict.fromkeys(file for each in known for file in each.files)),
        )

    def _in_slice(self, id: str, sources: Sequence[str] | None, slice: str) -> Input:
        """The figure of one part; nought where a log of records has none of this channel."""
        given = self._evaluation.input(id, slice, sources)
        if given.value is not None or self.by != "channel" or slice == TOTAL or not sources:
            return given
        heard = self._evaluation.hearing.hear(sources[0], catalogue.measure(id))
        if heard is None or not heard.stream.sparse:
            return given
        return Input(Fraction(0), tuple(sources), files=heard.stream.files)

    def _kind(self, id: str, given: Input) -> Kind | None:
        """What one of a count is; a report of events by their names tells sessions, too."""
        measure = catalogue.measure(id)
        for source in given.sources:
            heard = self._evaluation.hearing.hear(source, measure)
            counts_events = source in measure.events_in
            if heard and counts_events and measure.events_in[source] not in heard.stream.dimensions:
                return Kind.EVENTS
        return measure.kind

    # --- rates

    def _after(
        self,
        counted: list[FunnelStage],
        stage: FunnelStage,
        slices: Sequence[str],
        findings: list[Finding],
    ) -> FunnelStage:
        """The stage with its rates over the nearest counted stage and over the first one."""
        if not counted:
            return replace(stage, total_rate=Fraction(1) if stage.count else None)
        first, before = counted[0].count, counted[-1]
        own = stage.sources == before.sources
        whole, count, kind = before.count, stage.count, before.kind
        if not own:
            again = self._figure(before.measure, stage.sources, slices)
            own = again.value is not None
            whole = again.value if own else whole
            kind = self._kind(before.measure, again) if own else kind
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
        # Counts of two systems differ by more than chance: no interval between them.
        tries = own and {kind, stage.kind} != {Kind.SESSIONS, Kind.EVENTS}
        stage = replace(stage, whole=whole, step_rate=rate, total_rate=total, tries=tries)
        interval = share_interval(float(count), float(whole)) if tries else None
        return replace(stage, low=interval[0], high=interval[1]) if interval else stage


def _mixtures(counted: Sequence[FunnelStage]) -> list[Finding]:
    """That stages were counted by several systems, or that events stand beside sessions."""
    found = []
    heard = dict.fromkeys(source for stage in counted for source in stage.sources)
    if len(heard) > 1:
        names = ", ".join(heard)
        found.append(Finding(Severity.INFO, "funnel_mixes_sources", values={"sources": names}))
    kinds = {
        kind: [stage.stage.name for stage in counted if stage.kind is kind]
        for kind in (Kind.SESSIONS, Kind.EVENTS)
    }
    if all(kinds.values()):
        values: dict[str, object] = {
            str(kind): {lang: ", ".join(name[lang] for name in names) for lang in ("ru", "en")}
            for kind, names in kinds.items()
        }
        found.append(Finding(Severity.WARNING, "funnel_mixes_kinds", values=values))
    return found


def kind_name(stage: FunnelStage, lang: str) -> str:
    """What one of a stage's count is."""
    return say(lang, f"words.kind_{stage.kind}") if stage.kind else "—"
