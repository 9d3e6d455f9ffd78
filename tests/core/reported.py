"""Reports over the samples, and names that a careless writer would run."""

from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from kpi_core import words
from kpi_core.facts import Facts, combine
from kpi_core.ingest import Upload, read
from kpi_core.pay import Person
from kpi_core.plan import changed, default_plan
from kpi_core.report import Brand, Report, gather
from kpi_core.scenario import scenario
from kpi_core.text import money, number, percent

SAMPLES = Path(__file__).parent.parent.parent / "sample_data"
PEOPLE = (
    Person(name="Anna Orlova"),
    Person(name="Boris Lind", absent=2, correction=Decimal(-1500), reason="overpaid in September"),
    Person(name="Vera Stone", first=date(2026, 10, 16)),
)
BUSINESSES = ("shop", "corporate", "portal")
HOSTILE = '<script>alert(1)</script><img src=x onerror=alert(2)> #set text(red) ] " \\u{41} */ $x$'


@cache
def sample(business: str) -> tuple[Facts, tuple[Upload, ...]]:
    paths = (path for path in sorted((SAMPLES / business).glob("*")) if path.suffix != ".parquet")
    uploads = tuple(read(path.name, path.read_bytes()) for path in paths)
    return combine(uploads), uploads


@cache
def reported(business: str, lang: str, **options: Any) -> Report:
    """The report of the last whole month, by the plan of the business, of three people."""
    facts, uploads = sample(business)
    period = facts.months()[-1]
    return gather(
        facts, uploads, default_plan(business), period, lang, **{"people": PEOPLE, **options}
    )


@cache
def compared(business: str, lang: str) -> Report:
    """The same with two scenarios, the second of which cannot be: over one order a visitor."""
    facts, uploads = sample(business)
    found = (
        scenario("Dearer", {"cpc": "+10%"}, note="Bids go up."),
        scenario("Beyond", {"cr": "+10000%"}),
    )
    period = facts.months()[-1]
    return gather(facts, uploads, default_plan(business), period, lang, scenarios=found)


@cache
def hostile() -> Report:
    """A report in which everything that anybody may name is called `HOSTILE`."""
    file = f"{HOSTILE}.csv".replace("/", "|")
    upload = read(file, (SAMPLES / "shop" / "orders.csv").read_bytes())
    facts, plan = combine([upload]), default_plan("shop")
    line = plan.lines[0].model_dump() | {"kpi": "mine", "target": 9000}
    plan = changed(
        plan,
        name=HOSTILE,
        own={"mine": {"name": HOSTILE, "formula": "revenue / orders"}},
        lines=[*plan.lines, line],
        missing="zero",
        scheme={"kind": "scorecard", "salary": 30000, "fund": 10000},
        comments={"2026-10": {"mine": HOSTILE, "total": HOSTILE}},
    )
    late = Person(name=f"{HOSTILE} 2", correction=Decimal(-5), reason=HOSTILE)
    people = [Person(name=HOSTILE), late]
    period, brand = facts.months()[-1], Brand(client=HOSTILE)
    scenarios = [
        scenario(f"{HOSTILE[:50]}{number}", {"aov": "+10%"}, note=HOSTILE) for number in (1, 2)
    ]
    return gather(
        facts, [upload], plan, period, "en", people=people, brand=brand, scenarios=scenarios
    )


def figures(report: Report) -> list[str]:
    """Every figure that a whole report must print, as the language writes it."""
    lang, currency, paid = report.lang, report.plan.currency, report.paid
    said = [words.points(report.total, lang)]
    for line in report.scorecard.lines:
        kpi, goal, value = line.judged.kpi, line.judged.goal, line.judged.value
        said += [kpi.name[lang], words.planned(kpi, goal.target, currency, lang)]
        said += [words.attainment(line.judged.attainment, goal.rule, lang)]
        said += [words.judged_figure(goal, kpi, value.value, value.currency, lang)]
        said += [words.points(line.points, lang), percent(line.share, lang, 0)]
    for own in report.values.totals().values():
        said += [words.kpi_figure(own.definition, own.value, own.currency, lang)]
    if paid:
        said += [money(amount, currency, lang) for amount in (paid.bonus, paid.pay)]
    for own in report.payroll:
        said += [own.person.name, money(own.bonus, currency, lang), money(own.pay, currency, lang)]
    for stage in report.funnel.counted if report.funnel else ():
        said += [stage.stage.name[lang], number(stage.count, lang)]
        said += [percent(stage.step_rate, lang, 2)]
    for part in report.channels.parts if report.channels else ():
        said += [words.slice_name("channel", part.slice, lang)]
        if "spend" in report.channels.measures:
            spent = part.sums["spend"]
            said += [money(spent.value, spent.currency, lang)]
    for entry in (*report.statement, *report.ahead):
        said += [entry.text, entry.value]
    said += [own.figures for own in report.definitions]
    said += [
        text for own in report.files for text in (own.name, own.digest, number(own.rows, lang))
    ]
    said += [found.text(lang) for found in report.findings]
    return [*said, *report.clauses]


def squeezed(text: str) -> str:
    """Text as far as the breaking of lines and words leaves it alone."""
    return "".join(text.replace("\N{SOFT HYPHEN}", "").replace("-", "").split())
