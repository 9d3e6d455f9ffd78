"""What a page needs to draw itself: the choices, the files, and all that is computed from them."""

import hashlib
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cache, cached_property
from pathlib import Path

import pandas as pd
import streamlit as st

from kpi_core import catalogue, verdict, words
from kpi_core.chain import Chain, chain
from kpi_core.chance import noises
from kpi_core.channels import Channels, by_slice
from kpi_core.drivers import Model, calibrate
from kpi_core.errors import Finding, KpiError, UsageError
from kpi_core.facts import Facts, combine
from kpi_core.fairness import Fairness, fairness
from kpi_core.fixes import Fix, fixes, points
from kpi_core.funnel import Counting, Funnel
from kpi_core.incentive import Study, study
from kpi_core.ingest import Upload, read
from kpi_core.kpis import Evaluation, Input, KpiValue, Values, kpi_values
from kpi_core.leaks import Segments, by_segment
from kpi_core.model import Business, Period, Stages, parse_period
from kpi_core.plan import OwnKpi, Plan, changed, default_plan
from kpi_core.replay import Replay, replay
from kpi_core.scenario import Scenario
from kpi_core.schemes import Scheme
from kpi_core.seek import Answer, Budget, Means, Target, most_profit, seek
from kpi_core.sensitivity import Shares, Swing, tornado, variance_shares
from kpi_core.signoff import Snapshot, reopened
from kpi_core.simulate import Simulated, simulate
from kpi_core.text import say
from kpi_core.trend import Course, Trend, courses, month_in_view, recent, trends
from kpi_core.uncertainty import History, Uncertain, history, uncertain
from kpi_core.words import source_name

SAMPLES = Path(__file__).parent.parent / "sample_data"
SAMPLE_SUFFIXES = (".csv", ".xlsx", ".parquet")
KEPT = 3  # answers to each question that a session keeps: now, before a change, and one beside


@dataclass(frozen=True)
class Failed:
    """A file that could not be read, and why; `data` only while its columns can be explained."""

    name: str
    error: KpiError
    data: bytes | None = field(default=None, repr=False)

    @cached_property
    def digest(self) -> str:
        """What tells it from other files that wait."""
        return hashlib.sha256(self.data or b"").hexdigest()


@dataclass(frozen=True)
class Sensitivity:
    """Which driver matters: what it may be, what it moves by itself, its share in the variance."""

    chances: Uncertain
    swings: tuple[Swing, ...]
    shares: Mapping[str, tuple[Shares, ...]]


@dataclass(frozen=True)
class State:
    """What a page needs to draw itself."""

    lang: str
    plan: Plan
    sample: bool
    uploads: tuple[Upload, ...]
    failures: tuple[Failed, ...]
    facts: Facts
    period: Period | None
    compare: str = ""  # with the period before ("previous"), a year ago ("year_ago") or nothing

    @property
    def business(self) -> Business:
        """The business type of the plan."""
        return catalogue.business(self.plan.business)

    @property
    def on_example(self) -> bool:
        """Whether the reader's own files are judged by the plan to start from, in any currency."""
        example = changed(default_plan(self.plan.business), currency=self.plan.currency)
        return not self.sample and self.plan == example

    def unset(self, fine: Collection[str] = ()) -> tuple[str, ...]:
        """What the reader's own files are judged by and nobody has set, in words.

        `fine`: what they have said to be right.
        """
        if self.sample:
            return ()
        sums, wanted, assumptions = (
            [id for id in ids if id not in fine] for ids in self.plan.unset(self.values().period)
        )
        targets = ", ".join(self.plan.kpi(id).name[self.lang] for id in wanted)
        return (
            *map(self.say, sums),
            *([self.say("unset_targets", kpis=targets)] if targets else []),
            *(words.assumption(id, self.lang) for id in assumptions),
        )

    def say(self, key: str, **values: object) -> str:
        """A phrase of the pages in the reader's language."""
        return say(self.lang, f"pages.{key}", **values)

    def judged(self, scheme: Scheme | None = None) -> Plan:
        """The plan as it judges the period: with the targets of that period, by another scheme."""
        plan = self.plan if scheme is None else changed(self.plan, scheme=scheme)
        return plan.of_period(self.values().period)

    def values(self) -> Values:
        """The KPI values of the period, computed once for each choice of data and definitions."""
        against = tuple(sorted(self.plan.against() | ({self.compare} if self.compare else set())))
        if self._as_opened():
            period = str(self.period) if self.period else ""
            return sample_values(self.plan.business, period, " ".join(against))
        return _values(*self._key(), against, self.facts, self.plan, self.period)

    def compared(self) -> Values | None:
        """The values of the days that the period is compared with."""
        return self.values().earlier.get(self.compare)

    def history(self, by: str = "month") -> Values:
        """The KPI values of every month that the files hold; of the latest weeks or days."""
        if self._as_opened():
            return sample_history(self.plan.business, by)
        return _history(*self._key(), by, self.facts, self.plan)

    def courses(self, month: Period, seen: date | None = None) -> tuple[Course, ...]:
        """A month of every KPI whose days add up, as far as a day of it."""
        asked = (self.plan.as_json(), str(month), seen)
        return _courses(*self._key(), asked, self.facts, self.plan, self.values(), month, seen)

    def trends(self, by: str) -> tuple[Trend, ...]:
        """Every KPI of the plan by month, week or day, and what is ahead of it."""
        month = month_in_view(self.facts, None)
        running = self.courses(month) if month else ()
        asked = (self.plan.as_json(), by)
        return _trends(
            *self._key(), asked, self.plan, self.history(by), self.history(), running, by
        )

    def named(self) -> dict[str, KpiValue]:
        """KPI to its value in total."""
        return self.values().totals()

    def known(self) -> Mapping[str, KpiValue]:
        """Every KPI of the catalogue and of the owner to its value of the period."""
        return _known(*self._key(), self.facts, self.plan, self.period)

    def measures(self) -> Mapping[str, Input]:
        """Every measure to its figure of the period."""
        return _measures(*self._key(), self.facts, self.plan, self.period)

    def tried(self, own: OwnKpi) -> KpiValue:
        """What an own KPI would be in the period."""
        evaluation = Evaluation(self.facts, self.values().period, settings=self.plan.settings())
        return evaluation.value(own.kpi("own"))

    def counting(self, stages: Stages, by: str | None = None) -> Counting:
        """A funnel of the period, to be asked for everybody, parts and earlier days."""
        asked = (*self._key(), repr(stages), by, self.facts, stages, self.plan, self.period)
        return _counting(*asked)

    def segments(self, stages: Stages, by: str) -> Segments:
        """Every part of a funnel against all the others."""
        return _segments(*self._key(), repr(stages), by, self.counting(stages, by))

    def fixes(
        self, stages: Stages, levels: Mapping[str, Fraction] | None = None
    ) -> tuple[Fix, ...]:
        """The steps of a funnel raised to levels, or each by one point; the best fix first."""
        plan, funnel = self.judged(), self.counting(stages).of()
        asked = (plan.as_json(), repr(stages), repr(levels))
        return _fixes(*self._key(), asked, self.model(), plan, self.values(), funnel, levels)

    def cut(self, by: str) -> Channels:
        """Money, traffic and KPIs of the period by channel, campaign, ..."""
        return _cut(*self._key(), by, self.facts, self.plan, self.period)

    def replay(self, plans: Mapping[str, Plan]) -> Replay:
        """What several plans would have paid in every month that the files hold."""
        said = tuple((name, plan.as_json()) for name, plan in plans.items())
        return _replay(str(named(self.uploads)), said, self.facts, plans)

    def reopened(self, snapshot: Snapshot) -> tuple[Finding, ...]:
        """What differs when a snapshot is computed again from the files at hand."""
        return _reopened(str(named(self.uploads)), snapshot.as_json(), self.uploads, snapshot)

    def fairness(self) -> Fairness:
        """What chance makes of the pay at each true performance, by the plan of the period.

        Raises:
            PlanError: the period cannot be judged by the plan.
        """
        values = self.values()
        self.plan.check_period(values)
        return _fairness(*self._key(), self.judged().as_json(), self.facts, self.judged(), values)

    def study(self) -> Study:
        """Whether the plan pays for what earns."""
        plan, values = self.judged(), self.values()
        return _study(*self._key(), plan.as_json(), plan, values, self.model())

    def chain(self, elasticity: Decimal = Decimal(1)) -> Chain:
        """Plan, period and what-if model, in which clicks grow with spend to a power."""
        plan, values = self.judged(), self.values()
        model = replace(self.model(), elasticity=Fraction(elasticity))
        said = (plan.as_json(), elasticity)
        return _chain(*self._key(), said, plan, values, model)

    def expected(self, model: Model, ahead: int) -> Uncertain:
        """What the drivers of the model may be in the months after the period.

        Raises:
            UsageError: nothing is known of any period, or the months follow one that is none.
        """
        period = self.values().period
        if period is None:
            raise UsageError("no_files")
        known = _remembered(*self._key(), self.facts, self.plan, period, self.model())
        return uncertain(model, known, ahead=ahead)

    def simulated(
        self, plans: Mapping[str, Plan], stand: Scenario, *, ahead: int, seed: int
    ) -> tuple[Uncertain, Mapping[str, Simulated]]:
        """What the months ahead may bring to plans with the levers as they stand.

        Raises:
            UsageError: as of `expected`; the levers cannot stand so, or there is no such seed.
        """
        said = tuple((name, plan.as_json()) for name, plan in plans.items())
        asked = (said, stand.model_dump_json(), ahead, seed)
        return _simulated(*self._key(), asked, self, plans, stand)

    def sensitivity(self, stand: Scenario, *, seed: int) -> Sensitivity:
        """Which driver matters in the month ahead, with the levers as they stand.

        Raises:
            UsageError: as of `simulated`.
        """
        asked = (self.judged().as_json(), stand.model_dump_json(), seed)
        return _sensitivity(*self._key(), asked, self, stand)

    def sought(
        self, made: Chain, target: Target | None, means: tuple[Means, ...], budget: Budget
    ) -> Answer:
        """The least effort that reaches a target, or the most profit within a budget.

        Raises:
            KpiError: as of ``seek.seek`` and ``seek.most_profit``.
        """
        question = repr((target, means, budget))
        asked = (made.plan.as_json(), str(made.model.elasticity), question)
        return _sought(*self._key(), asked, made, target, means, budget)

    def model(self) -> Model:
        """The what-if model calibrated to the period."""
        return _model(*self._key(), self.facts, self.plan, self.period)

    def voices(self) -> list[verdict.Voice]:
        """Who speaks for each measure in the period."""
        return _voices(*self._key(), self.facts, self.plan, self.period)

    def covered(self) -> pd.DataFrame:
        """Which source covers which days, as ``verdict.calendar`` tells it; not to be changed."""
        return _covered(str(named(self.uploads)), self.facts)

    def odd(self) -> list[Finding]:
        """What is odd about the files, each and together."""
        return [f for upload in self.uploads for f in upload.findings] + list(self.facts.findings)

    def vat_percent(self) -> float:
        """The VAT rate as people type it; 0: not given."""
        return float(100 * (self.plan.vat_rate or Decimal(0)))

    def sources(self, ids: tuple[str, ...]) -> str:
        """Systems by their names."""
        return ", ".join(source_name(id, self.lang) for id in ids)

    def _key(self) -> tuple[str, str, str]:
        return str(named(self.uploads)), str(self.period), _readings(self.plan)

    def _as_opened(self) -> bool:
        """Whether a sample is read as a new visitor's is; weights and targets do not matter."""
        return self.sample and _readings(self.plan) == _own_readings(self.plan.business)


def _readings(plan: Plan) -> str:
    """What of a plan decides how files are read: all but how they are judged."""
    kpis = ",".join(plan.kpis())
    return kpis + plan.model_dump_json(
        exclude={"name", "period", "lines", "scheme", "missing", "partial_period", "over"}
        | {"targets", "gates", "fair", "objectives", "funnel", "stages"}
    )


@cache
def _own_readings(business: str) -> str:
    return _readings(default_plan(business))


def named(uploads: tuple[Upload, ...]) -> tuple[tuple[str, str], ...]:
    """What files are told apart by: a name counts too, since a period may be read from it."""
    return tuple((upload.name, upload.digest) for upload in uploads)


# Keyed by content: names and digests of the files, the period, and the plan's choices. An argument
# that begins with "_" is not hashed: Streamlit hashes only a sample of a large table, and then
# gives stale figures.


@st.cache_resource(max_entries=KEPT, scope="session", show_spinner=False)
def _values(
    digest: str,
    period: str,
    readings: str,
    against: tuple[str, ...],
    _facts: Facts,
    _plan: Plan,
    _period: Period | None,
) -> Values:
    del digest, period, readings
    business = catalogue.business(_plan.business)
    return kpi_values(
        _facts,
        business,
        _period,
        settings=_plan.settings(),
        kpis=_plan.shown_kpis(),
        against=against,
    )


@st.cache_resource(max_entries=KEPT, scope="session", show_spinner=False)
def _history(
    digest: str, period: str, readings: str, by: str, _facts: Facts, _plan: Plan
) -> Values:
    del digest, period, readings
    business = catalogue.business(_plan.business)
    days = recent(_facts, by)
    return kpi_values(
        _facts, business, days, by, settings=_plan.settings(), kpis=_plan.shown_kpis()
    )


@st.cache_resource(max_entries=KEPT, scope="session", show_spinner=False)
def _courses(
    digest: str,
    period: str,
    readings: str,
    asked: tuple[str, str, date | None],
    _facts: Facts,
    _plan: Plan,
    _values: Values,
    _month: Period,
    _seen: date | None,
) -> tuple[Course, ...]:
    del digest, period, readings, asked
    return courses(_facts, _plan, _values, _month, _seen)


@st.cache_resource(max_entries=KEPT, scope="session", show_spinner=False)
def _trends(
    digest: str,
    period: str,
    readings: str,
    asked: tuple[str, str],
    _plan: Plan,
    _cut: Values,
    _months: Values,
    _running: tuple[Course, ...],
    _by: str,
) -> tuple[Trend, ...]:
    del digest, period, readings, asked
    return trends(_plan, _cut, _months, _by, _running)


@st.cache_resource(max_entries=KEPT, scope="session", show_spinner=False)
def _known(
    digest: str, period: str, readings: str, _facts: Facts, _plan: Plan, _period: Period | None
) -> Mapping[str, KpiValue]:
    del digest, period, readings
    wanted = (*catalogue.kpis(), *_plan.own)
    business = catalogue.business(_plan.business)
    values = kpi_values(_facts, business, _period, settings=_plan.settings(), kpis=wanted)
    return values.totals()


@st.cache_resource(max_entries=KEPT, scope="session", show_spinner=False)
def _measures(
    digest: str, period: str, readings: str, _facts: Facts, _plan: Plan, _period: Period | None
) -> Mapping[str, Input]:
    del digest, period, readings
    evaluation = Evaluation(_facts, _period, settings=_plan.settings())
    return {id: evaluation.input(id) for id in catalogue.measures()}


@st.cache_resource(max_entries=KEPT, scope="session", show_spinner=False)
def _counting(
    digest: str,
    period: str,
    readings: str,
    named: str,
    by: str | None,
    _facts: Facts,
    _stages: Stages,
    _plan: Plan,
    _period: Period | None,
) -> Counting:
    del digest, period, readings, named
    return Counting(_facts, _stages, _period, _plan.settings(), by=by)


@st.cache_resource(max_entries=KEPT, scope="session", show_spinner=False)
def _segments(
    digest: str, period: str, readings: str, named: str, by: str, _counting: Counting
) -> Segments:
    del digest, period, readings, named, by
    return by_segment(_counting)


@st.cache_resource(max_entries=KEPT, scope="session", show_spinner=False)
def _fixes(
    digest: str,
    period: str,
    readings: str,
    asked: tuple[str, str, str],
    _model: Model,
    _plan: Plan,
    _values: Values,
    _funnel: Funnel,
    _levels: Mapping[str, Fraction] | None,
) -> tuple[Fix, ...]:
    del digest, period, readings, asked
    if _levels is None:
        return points(_model, _plan, _values, _funnel)
    return fixes(_model, _plan, _values, _funnel, _levels)


@st.cache_resource(max_entries=KEPT, scope="session", show_spinner=False)
def _voices(
    digest: str, period: str, readings: str, _facts: Facts, _plan: Plan, _period: Period | None
) -> list[verdict.Voice]:
    del digest, period, readings
    return verdict.voices(_facts, _period, _plan.sources)


@st.cache_resource(max_entries=KEPT, scope="session", show_spinner=False)
def _covered(digest: str, _facts: Facts) -> pd.DataFrame:
    del digest
    return verdict.calendar(_facts)


@st.cache_resource(max_entries=KEPT, scope="session", show_spinner=False)
def _cut(
    digest: str,
    period: str,
    readings: str,
    by: str,
    _facts: Facts,
    _plan: Plan,
    _period: Period | None,
) -> Channels:
    del digest, period, readings
    business = catalogue.business(_plan.business)
    return by_slice(
        _facts, business, _period, by, settings=_plan.settings(), kpis=_plan.shown_kpis()
    )


@st.cache_resource(max_entries=KEPT, scope="session", show_spinner=False)
def _model(
    digest: str, period: str, readings: str, _facts: Facts, _plan: Plan, _period: Period | None
) -> Model:
    del digest, period, readings
    evaluation = Evaluation(_facts, _period, settings=_plan.settings())
    return calibrate(evaluation, catalogue.business(_plan.business))


@st.cache_resource(max_entries=KEPT, scope="session", show_spinner=False)
def _fairness(
    digest: str, period: str, readings: str, said: str, _facts: Facts, _plan: Plan, _values: Values
) -> Fairness:
    del digest, period, readings, said
    return fairness(_plan, noises(_plan, _values, _facts))


@st.cache_resource(max_entries=KEPT, scope="session", show_spinner=False)
def _study(
    digest: str, period: str, readings: str, said: str, _plan: Plan, _values: Values, _model: Model
) -> Study:
    del digest, period, readings, said
    return study(chain(_plan, _values, _model))


@st.cache_resource(max_entries=KEPT, scope="session", show_spinner=False)
def _chain(
    digest: str,
    period: str,
    readings: str,
    said: tuple[str, Decimal],
    _plan: Plan,
    _values: Values,
    _model: Model,
) -> Chain:
    del digest, period, readings, said
    return chain(_plan, _values, _model)


@st.cache_resource(max_entries=KEPT, scope="session", show_spinner=False)
def _remembered(
    digest: str,
    period: str,
    readings: str,
    _facts: Facts,
    _plan: Plan,
    _period: Period,
    _model: Model,
) -> History:
    del digest, period, readings
    return history(_facts, _model, _period, _plan.settings())


@st.cache_resource(max_entries=KEPT, scope="session", show_spinner=False)
def _simulated(
    digest: str,
    period: str,
    readings: str,
    asked: tuple[object, str, int, int],
    _state: State,
    _plans: Mapping[str, Plan],
    _stand: Scenario,
) -> tuple[Uncertain, Mapping[str, Simulated]]:
    del digest, period, readings
    *_, ahead, seed = asked
    chances = _state.expected(_state.chain(_stand.elasticity).model, ahead)
    return chances, simulate(_plans, _state.values(), chances, _stand.moved(), seed=seed)


@st.cache_resource(max_entries=KEPT, scope="session", show_spinner=False)
def _sensitivity(
    digest: str,
    period: str,
    readings: str,
    asked: tuple[str, str, int],
    _state: State,
    _stand: Scenario,
) -> Sensitivity:
    del digest, period, readings
    *_, seed = asked
    made, moved = _state.chain(_stand.elasticity), _stand.moved()
    chances = _state.expected(made.model, 1)
    shares = variance_shares(made, chances, moved, seed=seed)
    return Sensitivity(chances, tornado(made, chances, moved), shares)


@st.cache_resource(max_entries=KEPT, scope="session", show_spinner=False)
def _sought(
    digest: str,
    period: str,
    readings: str,
    asked: tuple[str, str, str],
    _made: Chain,
    _target: Target | None,
    _means: tuple[Means, ...],
    _budget: Budget,
) -> Answer:
    del digest, period, readings, asked
    return seek(_made, _target, _means) if _target else most_profit(_made, _means, _budget)


@st.cache_resource(max_entries=KEPT, scope="session", show_spinner=False)
def _replay(
    digest: str, said: tuple[tuple[str, str], ...], _facts: Facts, _plans: Mapping[str, Plan]
) -> Replay:
    del digest, said
    return replay(_facts, _plans)


@st.cache_resource(max_entries=KEPT, scope="session", show_spinner=False)
def _reopened(
    digest: str, said: str, _uploads: tuple[Upload, ...], _snapshot: Snapshot
) -> tuple[Finding, ...]:
    del digest, said
    return reopened(_snapshot, _uploads)


@st.cache_resource(max_entries=8, show_spinner=False)
def sample_uploads(business: str) -> tuple[Upload, ...]:
    """The files of a sample business: the same for everybody, so shared by all sessions."""
    files = sorted(
        path for path in (SAMPLES / business).glob("*") if path.suffix in SAMPLE_SUFFIXES
    )
    with ThreadPoolExecutor() as pool:  # some are read by processes of their own
        return tuple(pool.map(lambda path: read(path.name, path.read_bytes()), files))


@st.cache_resource(max_entries=8, show_spinner=False)
def sample_facts(business: str) -> Facts:
    """Those files as one body of facts."""
    return combine(sample_uploads(business))


# The figures that every new visitor sees first. Nothing of a visitor goes in but which ones.


@st.cache_resource(max_entries=24, show_spinner=False)
def sample_values(business: str, period: str, against: str) -> Values:
    """The KPI values of a sample business by the definitions it comes with."""
    plan = default_plan(business)
    return kpi_values(
        sample_facts(business),
        catalogue.business(business),
        parse_period(period) if period else None,
        settings=plan.settings(),
        kpis=plan.shown_kpis(),
        against=tuple(against.split()),
    )


@st.cache_resource(max_entries=12, show_spinner=False)
def sample_history(business: str, by: str) -> Values:
    """Those of its months, or of the latest weeks or days."""
    own, plan, facts = catalogue.business(business), default_plan(business), sample_facts(business)
    days, settings = recent(facts, by), plan.settings()
    return kpi_values(facts, own, days, by, settings=settings, kpis=plan.shown_kpis())
