"""What a report holds, computed once: every writer (workbook, PDF, page, notebook) prints this.

Figures are the exact ones of the chain, money as the payout rounds it; sentences are those of the
app. A writer formats figures and lays them out; it computes nothing.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

import kpi_core
from kpi_core import catalogue, words
from kpi_core.chain import chain
from kpi_core.channels import Channels, by_slice, cuts
from kpi_core.charts.style import BLUE
from kpi_core.drivers import calibrate
from kpi_core.errors import Finding, PlanError, Severity, UsageError
from kpi_core.facts import Facts
from kpi_core.funnel import Funnel, funnel
from kpi_core.gates import Check, check
from kpi_core.ingest import Upload
from kpi_core.ingest.layouts import read_layout
from kpi_core.kpis import Evaluation, KpiValue, Values, kpi_values
from kpi_core.model import Business, Period
from kpi_core.pay import (
    Entry,
    Payout,
    Person,
    clauses,
    next_steps,
    outcome,
    payroll,
    statement,
)
from kpi_core.plan import Plan
from kpi_core.report.changes import BEFORE, what_changed
from kpi_core.report.scenarios import Scenarios, side_by_side
from kpi_core.scenario import Scenario
from kpi_core.score import Judged, Scorecard, judge, score
from kpi_core.text import days
from kpi_core.trend import Trend, trends
from kpi_core.verdict import Verdict, verdict

CUT = "channel"  # by what money and traffic are cut
PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")  # what files of PNG and JPEG begin with


class Part(StrEnum):
    """What a report may hold, in the order in which it is told."""

    SCORE = "score"  # the scorecard, line by line
    CHANGES = "changes"  # what changed since the period before
    BONUS = "bonus"  # what is paid, its derivation, the rule in words
    PEOPLE = "people"
    FUNNEL = "funnel"
    CHANNELS = "channels"
    TREND = "trend"
    SCENARIOS = "scenarios"
    DEFINITIONS = "definitions"
    DATA = "data"  # files, verdict, findings


ALL = frozenset(Part)


@dataclass(frozen=True)
class Brand:
    """Whose report it is.

    Attributes:
        client: for whom; printed below the title, empty for nobody.
        logo: a picture, PNG or JPEG, as bytes; ``None`` for none. `brand.logo` opens it.
        accent: the colour of headings and bars, ``#rrggbb``.

    Raises:
        UsageError: the logo is no such picture, or the accent no such colour.
    """

    client: str = ""
    logo: bytes | None = field(default=None, repr=False)
    accent: str = BLUE

    def __post_init__(self) -> None:
        if self.logo is not None and not self.logo.startswith(PICTURES):
            raise UsageError("logo_not_a_picture")
        if not re.fullmatch(r"#[0-9a-fA-F]{6}", self.accent):
            raise UsageError("accent_not_a_colour", where=self.accent)


@dataclass(frozen=True)
class Source:
    """A file that went in: its name, the SHA-256 of its bytes, how many rows were read."""

    name: str
    digest: str
    rows: int


@dataclass(frozen=True)
class Definition:
    """How a KPI was computed, in the language of the report.

    Attributes:
        value: with its exact figure, unit, interval and inputs.
        name: of the KPI.
        variant: the name of the definition that was used.
        formula: in words: ``orders / sessions``.
        figures: the formula with its figures put in.
        sources: the systems that were heard, by name; empty where the plan states the KPI.
        files: whose rows went in.
        reference: who published the definition.
    """

    value: KpiValue
    name: str
    variant: str
    formula: str
    figures: str
    sources: tuple[str, ...]
    files: tuple[str, ...]
    reference: str


@dataclass(frozen=True)
class Report:
    """All that a report says of a plan over facts. What was not asked for is empty.

    Attributes:
        lang: ``ru`` or ``en``; every sentence below is in it.
        brand: whose report it is.
        parts: what was asked for.
        program: name and version of the program.
        business: the type of business of the plan.
        plan: as it judges the period: with the targets of the period.
        period: the days of the figures; ``None`` where there are none.
        values: every KPI that the plan or its business looks at, in total.
        scorecard: the lines of the plan, judged; always there, as its values are.
        factors: the goals of a scheme that has its own, judged; else empty.
        checks: every limit and guard pair of the plan, and whether it is kept.
        total: of the scorecard, 0 to 1 and more; ``None`` where it cannot be told.
        paid: what the plan pays; ``None`` where `blocked` says why not, or was not asked for.
        blocked: why nothing can be paid.
        statement: the derivation of `paid`; its lines of money add up to the pay.
        ahead: what would lead to the next step of each goal, and by how much more that pays.
        clauses: the rule of pay in words, as a bonus regulation would put it.
        payroll: what each person is paid, in the order of the people.
        funnel: the stages of the business; ``None`` where none was counted.
        channels: money, traffic and results by channel; ``None`` where no file is cut by it.
        trend: each KPI of the plan by month, over all that the files hold, with its target.
        scenarios: side by side with the base; ``None`` where none were given.
        definitions: how each KPI with a value was computed.
        files: what went in, in order.
        verdict: whether the data can be used, and what decides that.
        findings: everything odd about files, figures and targets, each once, the gravest first.
        changes: what changed since the period before, a sentence each.
        facts: what the files say.
        layouts: name and text of each layout, taught by a user, that a file was read by.
    """

    lang: str
    brand: Brand
    parts: frozenset[Part]
    program: str
    business: Business
    plan: Plan
    period: Period | None
    values: Values
    scorecard: Scorecard
    factors: tuple[Judged, ...]
    checks: tuple[Check, ...]
    total: Fraction | None
    paid: Payout | None
    blocked: PlanError | None
    statement: tuple[Entry, ...]
    ahead: tuple[Entry, ...]
    clauses: tuple[str, ...]
    payroll: tuple[Payout, ...]
    funnel: Funnel | None
    channels: Channels | None
    trend: tuple[Trend, ...]
    scenarios: Scenarios | None
    definitions: tuple[Definition, ...]
    files: tuple[Source, ...]
    verdict: Verdict
    findings: tuple[Finding, ...]
    changes: tuple[str, ...]
    facts: Facts = field(repr=False)
    layouts: tuple[tuple[str, str], ...] = field(repr=False)

    @property
    def title(self) -> str:
        """The name of the plan, else of its type of business."""
        return self.plan.name or self.business.name[self.lang]

    @property
    def subtitle(self) -> str:
        """For whom, and the period in words; what there is of the two."""
        of = self.period
        said = (self.brand.client, days(of.first, of.last, self.lang) if of else "")
        return " · ".join(filter(None, said))


def gather(
    facts: Facts,
    uploads: Iterable[Upload],
    plan: Plan,
    period: Period | None,
    lang: str,
    *,
    people: Sequence[Person] = (),
    parts: Collection[Part] = ALL,
    brand: Brand | None = None,
    others: Mapping[str, Payout] | None = None,
    scenarios: Sequence[Scenario] = (),
    layouts: Sequence[tuple[str, str]] = (),
) -> Report:
    """Everything that a report says, computed.

    Args:
        facts: what the files say.
        uploads: the files.
        plan: the whole plan, with the targets of all its periods.
        period: whole days; all that the files hold when not given.
        lang: of the report.
        people: who is paid.
        parts: what to compute and to print. Score and data are there in any case, since all else
            is made of them: of these two it only says whether they are printed. People bring the
            bonus along.
        brand: whose report it is.
        others: what other plans pay, by the names that `people` call them.
        scenarios: to stand side by side with the base; none, or as many as can be compared.
        layouts: name and text of each layout that a user has taught, the first tried first.

    Raises:
        PlanError: the pay of one of the people cannot be told.
        UsageError: there are fewer or more scenarios than can be compared, or two of a name.
    """
    business, uploads = catalogue.business(plan.business), tuple(uploads)
    settings, kpis = plan.settings(), plan.shown_kpis()
    against = plan.against() | ({BEFORE} if Part.CHANGES in parts else set())
    values = kpi_values(facts, business, period, settings=settings, kpis=kpis, against=against)
    judged = plan.of_period(values.period)
    card = score(judged, values.totals())
    factors = judged.paying() if judged.scheme.by == "factors" else ()
    made = outcome(judged, values)
    paid, asked = made.paid, bool({Part.BONUS, Part.PEOPLE} & set(parts))
    counted = funnel(facts, business, period, settings) if Part.FUNNEL in parts else None
    cut = None
    if Part.CHANNELS in parts and CUT in cuts(facts):
        cut = by_slice(facts, business, period, CUT, settings=settings, kpis=kpis)
    everybody: tuple[Payout, ...] = ()
    if Part.PEOPLE in parts and people and paid:
        everybody = payroll(people, {"": paid, plan.name: paid, **(others or {})})
    beside = None
    if scenarios and Part.SCENARIOS in parts:
        evaluation = Evaluation(facts, period, settings=settings)
        beside = _scenarios(evaluation, plan, values, scenarios, lang)
    odd = [
        *(finding for upload in uploads for finding in upload.findings),
        *facts.findings,
        *values.findings,
        *plan.remarks(values),
        *(counted.findings if counted else ()),
        *(cut.findings if cut else ()),
        *(beside.findings if beside else ()),
    ]
    findings, told = _gravest_first(odd), made if asked else None
    return Report(
        lang=lang,
        brand=brand or Brand(),
        parts=frozenset(parts),
        program=f"KPI Pay {kpi_core.__version__}",
        business=business,
        plan=judged,
        period=values.period,
        values=values,
        scorecard=card,
        factors=tuple(judge(goal, values.total(goal.kpi), plan.currency) for goal in factors),
        checks=check(judged, values),
        total=card.total,
        paid=paid if asked else None,
        blocked=made.blocked if asked else None,
        statement=tuple(statement(paid, lang)) if asked and paid else (),
        ahead=tuple(next_steps(paid, lang)) if asked and paid else (),
        clauses=clauses(judged, lang) if asked else (),
        payroll=everybody,
        funnel=counted if counted and counted.counted else None,
        channels=cut,
        trend=_trend(facts, plan, business) if Part.TREND in parts else (),
        scenarios=beside,
        definitions=tuple(_definitions(values, lang)) if Part.DEFINITIONS in parts else (),
        files=tuple(
            Source(own.name, own.digest, sum(table.rows for table in own.tables)) for own in uploads
        ),
        verdict=verdict(facts, uploads, values.findings),
        findings=findings,
        changes=what_changed(facts, plan, values, lang, made=told, findings=findings)
        if Part.CHANGES in parts
        else (),
        facts=facts,
        layouts=tuple(read_by(uploads, layouts)),
    )


def _trend(facts: Facts, plan: Plan, business: Business) -> tuple[Trend, ...]:
    settings = plan.settings()
    months = kpi_values(facts, business, None, "month", settings=settings, kpis=plan.kpis())
    return trends(plan, months, months)


def _scenarios(
    evaluation: Evaluation, plan: Plan, values: Values, scenarios: Sequence[Scenario], lang: str
) -> Scenarios:
    model = calibrate(evaluation, catalogue.business(plan.business))
    return side_by_side(chain(plan, values, model), scenarios, lang)


def read_by(
    uploads: Iterable[Upload], layouts: Iterable[tuple[str, str]]
) -> Iterable[tuple[str, str]]:
    """Those of the layouts that the tables of files were read by."""
    used = {table.format for own in uploads for table in own.tables}
    return (own for own in layouts if read_layout(*own).id in used)


def _definitions(values: Values, lang: str) -> Iterable[Definition]:
    for value in values.totals().values():
        if value.value is None:
            continue
        variant = value.definition.variant(value.variant)
        heard = dict.fromkeys(own for given in value.inputs.values() for own in given.sources)
        files = dict.fromkeys(own for given in value.inputs.values() for own in given.files)
        yield Definition(
            value=value,
            name=value.definition.name[lang],
            variant=variant.name[lang],
            formula=words.formula(variant.formula.text, lang),
            figures=words.formula_in_figures(value, lang),
            sources=tuple(words.source_name(source, lang) for source in heard),
            files=tuple(files),
            reference=value.definition.source,
        )


def _gravest_first(found: Iterable[Finding]) -> tuple[Finding, ...]:
    order = tuple(Severity)
    once = {(finding.code, finding.where, str(finding.values)): finding for finding in found}
    return tuple(sorted(once.values(), key=lambda finding: order.index(finding.severity)))
