"""The whole chain without a browser: ``python -m kpi_core COMMAND``.

The commands: ``read``, ``kpis``, ``funnel``, ``channels``, ``score``, ``bonus``, ``whatif``,
``trend``, ``objectives``; ``plan`` and ``schema`` print a plan file to edit and the JSON Schema of
plan files (``python -m kpi_core schema > docs/plan.schema.json`` keeps the committed one);
``formats`` says what is read (``python -m kpi_core formats > docs/formats.md``).

Exit code 0: done. 2: wrong use or bad input, one clear line on stderr. ``--json`` prints what
other programs may rely on; without it, a table to read.
"""

import argparse
import io
import json
import locale
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from pathlib import Path
from typing import Any, NoReturn, cast

from kpi_core import catalogue, words
from kpi_core.channels import CUTS, Part, by_slice
from kpi_core.drivers import Lever, calibrate, parse_lever, project
from kpi_core.errors import Finding, KpiError, UsageError, did_you_mean
from kpi_core.facts import Facts, combine
from kpi_core.funnel import funnel
from kpi_core.gates import GuardCheck, check
from kpi_core.ingest import Table, Upload, read_path
from kpi_core.ingest.formats import formats
from kpi_core.ingest.layouts import read_layout
from kpi_core.ingest.listing import markdown
from kpi_core.kpis import Evaluation, KpiValue, Settings, Values, kpi_values
from kpi_core.model import TOTAL, VATS, Period, Unit, Vat, parse_period
from kpi_core.objectives import (
    AimReview,
    check_name,
    guard_said,
    review,
    target_words,
    told,
)
from kpi_core.pay import Payout, outcome, payout, statement
from kpi_core.plan import Plan, changed, default_plan, json_schema, read_plan
from kpi_core.score import Scorecard, changes, score
from kpi_core.stats import lift
from kpi_core.text import money, number, percent, say
from kpi_core.trend import (
    LEVEL,
    Ahead,
    Course,
    Point,
    Trend,
    ahead_said,
    course_said,
    courses,
    kept_said,
    month_in_view,
    moved,
    recent,
    trends,
)

Answer = dict[str, Any]
Lines = list[str]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    options = _parser().parse_args(arguments)
    try:
        answer, table = options.run(options)
    except KpiError as failed:
        print(" ".join(failed.text(options.lang).split()), file=sys.stderr)
        return 2
    if options.json:
        print(json.dumps(answer, ensure_ascii=False, indent=2))
    else:
        print("\n".join(table))
    return 0


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        print(f"{self.prog}: {message} (--help lists the options)", file=sys.stderr)
        raise SystemExit(2)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m kpi_core", description="From export files to a pay slip.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(
        name: str, run: Callable[[argparse.Namespace], tuple[Answer, Lines]], about: str
    ) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=about, description=about)
        made.set_defaults(run=run)
        made.add_argument("--json", action="store_true", help="print JSON for other programs")
        made.add_argument("--lang", choices=("ru", "en"), default=_machine_language())
        return made

    def takes_files(made: argparse.ArgumentParser, number: str) -> None:
        made.add_argument("files", nargs=number, metavar="FILE", help="CSV, TSV, XLSX or Parquet")
        made.add_argument("--period", metavar="YYYY-MM|FROM..TO")
        _takes_layouts(made)

    def takes_choices(made: argparse.ArgumentParser) -> None:
        made.add_argument(
            "--source", action="append", default=[], metavar="FAMILY=SOURCE",
            help="who speaks for a family of measures, e.g. traffic=ga4",
        )  # fmt: skip
        made.add_argument(
            "--rate", action="append", default=[], metavar="USD=92.5",
            help="what one unit of a currency is worth in the currency of the answer",
        )  # fmt: skip
        made.add_argument(
            "--vat", action="append", default=[], metavar="SOURCE=incl|excl",
            help="whether a source's money includes VAT; goes before what its files say",
        )  # fmt: skip
        made.add_argument("--vat-rate", metavar="0.2", help="20 %% is 0.2")
        made.add_argument("--vat-basis", choices=VATS, help="what money is counted in")

    named = (*catalogue.businesses(), *catalogue.roles())
    reading = command("read", _read, "What the files hold, and what is odd about them.")
    reading.add_argument("files", nargs="+", metavar="FILE")
    _takes_layouts(reading)
    for name, run, about in (
        ("kpis", _kpis, "KPI values of a business type."),
        ("funnel", _funnel, "The counted funnel of a business type."),
        ("channels", _channels, "What each channel or campaign costs and brings."),
    ):
        made = command(name, run, about)
        takes_files(made, "+")
        made.add_argument("--business", required=True, metavar="|".join(named))
        takes_choices(made)
        if name == "channels":
            made.add_argument("--by", choices=CUTS, default="channel")
            made.add_argument("--assume", action="append", default=[], metavar="NAME=NUMBER")
        if name == "kpis":
            made.add_argument(
                "--currency", metavar="RUB", help="of the answer, where rates are given"
            )
            made.add_argument(
                "--kpi",
                action="append",
                default=[],
                metavar="ID",
                help="others than the usual ones",
            )
            made.add_argument("--by", metavar="channel|month|week|day|campaign|...")
            made.add_argument("--assume", action="append", default=[], metavar="NAME=NUMBER")
            _takes_comparison(made)
    for name, run, about in (
        ("score", _score, "The scorecard of a plan."),
        ("bonus", _bonus, "What a plan pays, with its derivation."),
        ("whatif", _whatif, "What would be, were some drivers moved."),
        ("trend", _trend, "Where the KPIs of a plan are heading."),
        ("objectives", _objectives, "Whether the objectives of a plan can be judged and reached."),
    ):
        made = command(name, run, about)
        takes_files(made, "*")
        made.add_argument("--plan", required=True, metavar="PLAN.json")
        takes_choices(made)
        if name == "score":
            _takes_comparison(made)
        if name == "trend":
            made.add_argument("--by", choices=("month", "week"), default="month")
        if name == "whatif":
            made.add_argument(
                "--set", action="append", default=[], metavar="DRIVER=+10%", required=True
            )
    _takes_groups(command("lift", _lift, "What an advertisement moved, by a survey of two groups."))
    planning = command("plan", _plan, "A complete default plan to edit.")
    planning.add_argument("--business", required=True, metavar="|".join(named))
    command("formats", _formats, "What is read and how sure that is, as a table in Markdown.")
    command("schema", _schema, "The JSON Schema of plan files.")
    return parser


def _takes_layouts(made: argparse.ArgumentParser) -> None:
    made.add_argument(
        "--layout",
        action="append",
        default=[],
        metavar="LAYOUT.toml",
        help="what the columns of your own tables mean, as the Data page saves it",
    )


def _takes_comparison(made: argparse.ArgumentParser) -> None:
    made.add_argument(
        "--compare",
        choices=("previous", "year_ago"),
        help="with the period before, or the same days a year ago",
    )


def _takes_groups(made: argparse.ArgumentParser) -> None:
    for group in ("exposed", "control"):
        made.add_argument(f"--{group}", required=True, metavar="YES/ANSWERS")


def _machine_language() -> str:
    return "ru" if (locale.getlocale()[0] or "").lower().startswith("ru") else "en"


def _lift(options: argparse.Namespace) -> tuple[Answer, Lines]:
    exposed, control = _counts(options.exposed), _counts(options.control)
    found = lift(*exposed, *control)
    if found is None:
        raise UsageError("bad_counts", where=f"{options.exposed}, {options.control}")
    return asdict(found), [words.lifted(found, min(exposed[1], control[1]), options.lang)]


def _counts(text: str) -> tuple[int, int]:
    yes, _, answers = text.partition("/")
    if not (yes.isdecimal() and answers.isdecimal() and 0 < int(answers) >= int(yes)):
        raise UsageError("bad_counts", where=text)
    return int(yes), int(answers)


# --- input


def _uploads(options: argparse.Namespace) -> list[Upload]:
    layouts = [read_layout(Path(name).stem, _text(name)) for name in options.layout]
    uploads = []
    for name in options.files:
        try:
            uploads.append(read_path(Path(name), layouts))
        except OSError:
            raise UsageError("no_such_file", where=name) from None
    return uploads


def _text(name: str) -> str:
    try:
        return Path(name).read_text("utf-8", errors="replace")
    except OSError:
        raise UsageError("no_such_file", where=name) from None


def _plan_file(options: argparse.Namespace) -> Plan:
    """The plan, with what the command line says otherwise."""
    path = Path(options.plan)
    try:
        plan = read_plan(path.read_bytes(), path.name)
    except OSError:
        raise UsageError("no_such_file", where=options.plan) from None
    vat_rate = _vat_rate(options)
    said: dict[str, Any] = {
        "sources": plan.sources | _words(options.source, "bad_source"),
        "rates": plan.rates | _decimals(options.rate, "bad_rate"),
        "vat": plan.vat | _words(options.vat, "bad_vat"),
        "vat_rate": plan.vat_rate if vat_rate is None else vat_rate,
        "vat_basis": options.vat_basis or plan.vat_basis,
    }
    return changed(plan, **said)


def _settings(options: argparse.Namespace, assumptions: Sequence[str] = ()) -> Settings:
    """The choices of a command that has no plan."""
    business = catalogue.business(options.business)
    vat_rate = _vat_rate(options)
    return Settings(
        assumptions=_fractions(_decimals(assumptions, "bad_assumption")),
        sources=_words(options.source, "bad_source"),
        currency=getattr(options, "currency", None) or business.currency,
        rates=_fractions(_decimals(options.rate, "bad_rate")),
        vat=cast(dict[str, Vat], _words(options.vat, "bad_vat")),
        vat_rate=None if vat_rate is None else Fraction(vat_rate),
        vat_basis=options.vat_basis or "incl",
    )


def _vat_rate(options: argparse.Namespace) -> Decimal | None:
    if options.vat_rate is None:
        return None
    return _decimals([f"--vat-rate={options.vat_rate}"], "bad_vat_rate")["--vat-rate"]


def _decimals(texts: Sequence[str], code: str) -> dict[str, Decimal]:
    found = {}
    for text in texts:
        name, _, value = text.partition("=")
        try:
            found[name.strip()] = Decimal(value)
            Fraction(found[name.strip()])  # neither infinite nor no number at all
        except (InvalidOperation, ValueError, OverflowError):
            raise UsageError(code, where=text) from None
    return found


def _fractions(found: Mapping[str, Decimal]) -> dict[str, Fraction]:
    return {name: Fraction(value) for name, value in found.items()}


def _words(texts: Sequence[str], code: str) -> dict[str, str]:
    found = {}
    for text in texts:
        name, equals, word = (part.strip() for part in text.partition("="))
        if not equals:
            raise UsageError(code, where=text)
        found[name] = word
    return found


def _period(options: argparse.Namespace, plan: Plan | None = None) -> Period | None:
    if options.period:
        return parse_period(options.period)
    return plan.asked_period() if plan else None


def _evaluated(options: argparse.Namespace, plan: Plan) -> tuple[Facts, Values]:
    if not options.files and not plan.facts:
        raise UsageError("no_files")
    facts = combine(_uploads(options))
    _check_sources(plan.sources, facts)
    business = catalogue.business(plan.business)
    period = _period(options, plan)
    wanted = tuple(dict.fromkeys((*plan.kpis(), *business.kpis())))
    against = plan.against() | set(_compared(options))
    values = kpi_values(
        facts, business, period, settings=plan.settings(), kpis=wanted, against=against
    )
    return facts, values


def _compared(options: argparse.Namespace) -> tuple[str, ...]:
    """The earlier days to look at beside, if any."""
    when = getattr(options, "compare", None)
    return (when,) if when else ()


# --- answers


def _span(period: Period | None) -> list[str] | None:
    return [str(period.first), str(period.last)] if period else None


def _number(value: Fraction | float | None) -> float | None:
    return None if value is None else float(value)


def _findings(findings: Sequence[Finding], lang: str) -> list[Answer]:
    return [
        {
            "severity": str(finding.severity),
            "code": finding.code,
            "where": finding.where,
            "message": finding.text(lang),
        }
        for finding in findings
    ]


def _finding_lines(findings: Sequence[Finding], lang: str) -> Lines:
    return [
        f"  {say(lang, f'words.{finding.severity}')}: {finding.where}: {finding.text(lang)}"
        for finding in findings
    ]


def _aligned(rows: Sequence[Sequence[str]], left: int = 1) -> Lines:
    """Rows as columns of equal width, the first `left` of them flush left, the others right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if position < left else cell.rjust(width)
            for position, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _headings(lang: str, *keys: str) -> list[str]:
    return ["", *(say(lang, f"words.{key}") for key in keys)]


def _read(options: argparse.Namespace) -> tuple[Answer, Lines]:
    files: list[Answer] = []
    lines: Lines = []
    for upload in _uploads(options):
        files.append(
            {
                "name": upload.name,
                "format": upload.format,
                "encoding": upload.encoding,
                "tables": [_table(table) for table in upload.tables],
                "findings": _findings(upload.findings, options.lang),
            }
        )
        lines.append(f"{upload.name}: {words.source_name(upload.tables[0].source, options.lang)}")
        for table in upload.tables:
            rows = say(options.lang, "words.rows", n=table.rows)
            lines.append(f"  {rows}, {table.period or '?'}")
            lines += _aligned([_measure_row(table, id, options.lang) for id in table.measures])
        lines += _finding_lines(upload.findings, options.lang)
    return {"files": files}, lines


def _measure_row(table: Table, id: str, lang: str) -> list[str]:
    measure, total = catalogue.measure(id), _tidy(table.total(id))
    decimals = 2 if measure.unit is Unit.MONEY else 0
    amounts: Mapping[str | None, float | int | None] = {
        code: _tidy(figure) for code, figure in table.by_currency(id).items()
    }
    shown = [
        words.figure(figure, measure.unit, lang, decimals=decimals, currency=code)
        for code, figure in (amounts or {table.currency: total}).items()
    ]
    return ["    " + id, " + ".join(shown)]


def _table(table: Table) -> Answer:
    return {
        "rows": table.rows,
        "period": _span(table.period),
        "currencies": list(table.currencies),
        "measures": {id: _total(table, id) for id in table.measures},
    }


def _total(table: Table, id: str) -> Answer:
    told: Answer = {"total": _tidy(table.total(id)), "unit": _unit(id, table.currency)}
    if amounts := table.by_currency(id):
        told["by_currency"] = {code: _tidy(figure) for code, figure in amounts.items()}
    return told


def _tidy(total: float | None) -> float | int | None:
    """Sums of decimals without the dust of binary fractions."""
    if total is None:
        return None
    rounded = round(total, 6)
    return int(rounded) if rounded.is_integer() else rounded


def _unit(id: str, currency: str | None) -> str:
    unit = catalogue.measure(id).unit
    return f"money({currency})" if unit == "money" and currency else str(unit)


def _kpis(options: argparse.Namespace) -> tuple[Answer, Lines]:
    settings = _settings(options, options.assume)
    business = catalogue.business(options.business)
    facts = combine(_uploads(options))
    _check_sources(settings.sources, facts)
    against = _compared(options)
    values = kpi_values(
        facts,
        business,
        _period(options),
        options.by,
        settings=settings,
        kpis=options.kpi,
        against=against,
    )
    findings = (*facts.findings, *values.findings)
    compared = _comparison(values, options)
    answer = {
        "period": _span(values.period),
        "rows": [_kpi_row(row) for row in values.rows],
        **({"compared": compared} if compared else {}),
        "findings": _findings(findings, options.lang),
    }
    rows = [
        [
            row.definition.name[options.lang],
            words.slice_name(options.by, row.slice, options.lang),
            words.kpi_figure(row.definition, row.value, row.currency, options.lang),
        ]
        for row in values.rows
    ]
    lines = [*_aligned(rows, left=2), *_converted_lines(values, options.lang)]
    lines += _comparison_lines(values, options)
    return answer, [*lines, *_finding_lines(findings, options.lang)]


def _comparison(values: Values, options: argparse.Namespace) -> Answer:
    """Every KPI beside its value of the earlier days; ``change`` is a share of the latter."""
    found: Answer = {}
    for when in _compared(options):
        then = values.earlier.get(when)
        if then:
            before = then.totals()
            found = {
                "with": when,
                "period": _span(then.period),
                "rows": [
                    {
                        "kpi": id,
                        "value": _number(row.value),
                        "earlier": _number(before[id].value),
                        "change": _number(moved(before[id], row)),
                    }
                    for id, row in values.totals().items()
                ],
            }
    return found


def _comparison_lines(values: Values, options: argparse.Namespace) -> Lines:
    lang, lines = options.lang, []
    for when in _compared(options):
        if then := values.earlier.get(when):
            before = then.totals()
            rows = [[str(then.period), *_headings(lang, "now", "earlier", "change")[1:]]]
            for id, row in values.totals().items():
                figures = (
                    words.kpi_figure(row.definition, own.value, own.currency, lang)
                    for own in (row, before[id])
                )
                rows.append(
                    [row.definition.name[lang], *figures, _change(moved(before[id], row), lang)]
                )
            lines += ["", *_aligned(rows)]
    return lines


def _change(share: Fraction | None, lang: str) -> str:
    return "—" if share is None else ("+" if share > 0 else "") + percent(share, lang)


def _converted_lines(values: Values, lang: str) -> Lines:
    """What was money of another kind: ``Ad spend (Google Ads): $1,200.00 × 92.5``."""
    lines: dict[str, None] = {}
    for row in values.rows:
        for id, given in row.inputs.items():
            for part in given.converted if row.slice == TOTAL else ():
                name = catalogue.measure(id).name[lang]
                source = words.source_name(part.source, lang)
                lines[f"  {name} ({source}): {words.converted(part, lang)}"] = None
    return list(lines)


def _check_sources(chosen: Mapping[str, str], facts: Facts) -> None:
    """Nobody is answered by silence for having misspelt a source."""
    known = facts.sources()
    for source in chosen.values():
        if source not in known:
            near = did_you_mean(source, set(known))
            raise UsageError("unknown_source", where=source, near=near, known=", ".join(known))


def _kpi_row(row: KpiValue) -> Answer:
    return {
        "kpi": row.kpi,
        "slice": row.slice,
        "value": _number(row.value),
        "low": row.low,
        "high": row.high,
        "unit": f"money({row.currency})" if row.currency else str(row.unit),
        "missing": list(row.missing),
        "variant": row.variant,
        "inputs": {
            id: {
                "value": _number(given.value),
                "sources": list(given.sources),
                "converted": [
                    {
                        "source": part.source,
                        "amount": float(part.amount),
                        "currency": part.how.currency,
                        "rate": float(part.how.rate),
                        "vat": float(part.how.vat),
                    }
                    for part in given.converted
                ],
            }
            for id, given in row.inputs.items()
        },
        "whole": row.whole,
    }


def _score(options: argparse.Namespace) -> tuple[Answer, Lines]:
    plan = _plan_file(options)
    facts, values = _evaluated(options, plan)
    findings = (*facts.findings, *values.findings)
    card = score(plan.of_period(values.period), values.totals())
    answer = _scored(card) | {
        "period": _span(values.period),
        "findings": _findings(findings, options.lang),
    }
    lines = _score_lines(card, options.lang)
    if compared := _comparison(values, options):
        then = values.earlier[compared["with"]]
        before = score(plan.of_period(then.period), then.totals())
        answer["compared"] = compared | _contributions(before, card)
        lines += _comparison_lines(values, options)
        lines += _contribution_lines(before, card, options.lang)
    return answer, [*lines, *_finding_lines(findings, options.lang)]


def _contributions(then: Scorecard, now: Scorecard) -> Answer:
    """What each line did to the total; ``points`` add up to the change of the total."""
    both = then.total is not None and now.total is not None
    return {
        "total": _number(then.total),
        "change": _number((now.total or 0) - (then.total or 0)) if both else None,
        "contributions": [
            {"kpi": own.now.judged.goal.kpi, "points": _number(own.points)}
            for own in changes(then, now)
        ]
        if both
        else [],
    }


def _contribution_lines(then: Scorecard, now: Scorecard, lang: str) -> Lines:
    if then.total is None or now.total is None:
        return []
    rows = [_headings(lang, "contribution")]
    rows += [
        [own.now.judged.kpi.name[lang], words.moved_points(own.points, lang)]
        for own in changes(then, now)
    ]
    moved_by = words.moved_points(now.total - then.total, lang)
    return ["", *_aligned([*rows, [words.slice_name(None, TOTAL, lang), moved_by]])]


def _scored(card: Scorecard) -> Answer:
    return {
        "total": _number(card.total),
        "lines": [
            {
                "kpi": line.judged.goal.kpi,
                "weight": _number(line.weight),
                "share": _number(line.share),
                "value": _number(line.judged.value.value),
                "target": None
                if line.judged.goal.target is None
                else float(line.judged.goal.target),
                "attainment": _number(line.judged.attainment),
                "score": _number(line.judged.score),
                "points": _number(line.points),
            }
            for line in card.lines
        ],
        "missing": list(card.missing),
    }


def _score_lines(card: Scorecard, lang: str) -> Lines:
    rows = [_headings(lang, "weight", "attainment", "score", "points")]
    for line in card.lines:
        judged = line.judged
        rows.append(
            [
                judged.kpi.name[lang],
                percent(line.share, lang),
                words.attainment(judged.attainment, judged.goal.rule, lang),
                words.coefficient(judged.score, lang),
                number(line.points, lang, 4),
            ]
        )
    total = words.slice_name(None, TOTAL, lang)
    return _aligned([*rows, [total, "", "", "", number(card.total, lang, 4)]])


def _bonus(options: argparse.Namespace) -> tuple[Answer, Lines]:
    plan = _plan_file(options)
    facts, values = _evaluated(options, plan)
    findings = (*facts.findings, *values.findings)
    paid = payout(plan.of_period(values.period), values)
    answer = _paid(paid, options.lang) | {"findings": _findings(findings, options.lang)}
    lines = [f"{entry.text}: {entry.value}" for entry in statement(paid, options.lang)]
    return answer, lines + _finding_lines(findings, options.lang)


def _paid(paid: Payout, lang: str) -> Answer:
    return {
        "bonus": str(paid.bonus),
        "pay": str(paid.pay),
        "currency": paid.plan.currency,
        "statement": [asdict(entry) for entry in statement(paid, lang)],
    }


def _funnel(options: argparse.Namespace) -> tuple[Answer, Lines]:
    business = catalogue.business(options.business)
    facts = combine(_uploads(options))
    settings = _settings(options)
    _check_sources(settings.sources, facts)
    made = funnel(facts, business, _period(options), settings)
    findings = (*facts.findings, *made.findings)
    answer = {
        "period": _span(made.period),
        "stages": [
            {
                "id": row.stage.id,
                "count": _number(row.count),
                "step_rate": _number(row.step_rate),
                "total_rate": _number(row.total_rate),
                "low": row.low,
                "high": row.high,
                "sources": list(row.sources),
            }
            for row in made.stages
        ],
        "leakiest": made.leakiest.stage.id if made.leakiest else None,
        "findings": _findings(findings, options.lang),
    }
    rows = [_headings(options.lang, "count", "step_rate", "total_rate")]
    for row in made.stages:
        rates = (percent(rate, options.lang, 2) for rate in (row.step_rate, row.total_rate))
        rows.append([row.stage.name[options.lang], number(row.count, options.lang), *rates])
    return answer, [*_aligned(rows), *_finding_lines(findings, options.lang)]


def _channels(options: argparse.Namespace) -> tuple[Answer, Lines]:
    business, lang = catalogue.business(options.business), options.lang
    settings = _settings(options, options.assume)
    # As in a default plan: without a margin there is no return on it.
    assumed = {id: Fraction(share) for id, share in business.assumptions.items()}
    settings = replace(settings, assumptions=assumed | dict(settings.assumptions))
    facts = combine(_uploads(options))
    _check_sources(settings.sources, facts)
    made = by_slice(facts, business, _period(options), options.by, settings=settings)
    findings = (*facts.findings, *made.findings)
    answer = {
        "by": made.by,
        "period": _span(made.period),
        "result": made.result,
        "total": _part_row(made.total),
        "parts": [_part_row(part) for part in made.parts],
        "not_told": list(made.untold),
        "traffic": [
            {
                "slice": judged.visits.source,
                "verdict": str(judged.verdict),
                "sessions": judged.visits.sessions,
                "conversions": judged.visits.conversions,
                "expected": judged.expected,
                "needed": judged.needed,
                **{
                    name: sign and {"value": sign.value, "rest": sign.rest, "p": sign.p}
                    for name, sign in (
                        ("conversion", judged.conversion),
                        ("bounce", judged.bounce),
                        ("depth", judged.depth),
                    )
                },
            }
            for judged in made.traffic
        ],
        "findings": _findings(findings, lang),
    }
    names = [*(words.quantity(id, lang) for id in made.measures)]
    names += [*(made.total.values[id].definition.name[lang] for id in made.kpis), ""]
    rows = [["", *names]]
    for part in (*made.parts, made.total):
        sums = [words.input_figure(id, part.sums[id], lang) for id in made.measures]
        values = (part.values.get(id) for id in made.kpis)
        kpis = [
            words.kpi_figure(value.definition, value.value, value.currency, lang) if value else "—"
            for value in values
        ]
        whole = part.slice == TOTAL
        status = "" if whole else say(lang, f"words.worth_{part.worth}")
        rows.append([words.slice_name(made.by, part.slice, lang), *sums, *kpis, status])
    lines = _aligned(rows)
    for judged in made.traffic:
        name = words.slice_name(made.by, judged.visits.source, lang)
        status = say(lang, f"words.traffic_{judged.verdict}")
        lines.append(f"  {name}: {status}. {words.traffic(judged, made.result, lang)}")
    return answer, [*lines, *_finding_lines(findings, lang)]


def _part_row(part: Part) -> Answer:
    return {
        "slice": part.slice,
        "worth": str(part.worth),
        "sums": {id: _number(given.value) for id, given in part.sums.items()},
        "shares": {id: _number(share) for id, share in part.shares.items()},
        "kpis": [_kpi_row(value) | {"enough": value.enough} for value in part.values.values()],
    }


def _whatif(options: argparse.Namespace) -> tuple[Answer, Lines]:
    plan = _plan_file(options)
    levers = _levers(options.set)
    facts, values = _evaluated(options, plan)
    evaluation = Evaluation(facts, _period(options, plan), settings=plan.settings())
    plan = plan.of_period(values.period)
    model = calibrate(evaluation, catalogue.business(plan.business))
    moved = model.moved_drivers(levers)
    answer: Answer = {
        "period": _span(values.period),
        "drivers": {
            id: {"base": _number(base), "result": _number(moved[id])}
            for id, base in model.drivers.items()
        },
    }
    for name, chosen in (("base", {}), ("result", levers)):
        projected = project(model, chosen, values)
        answer[name] = {
            "measures": {
                id: _number(v) for id, v in model.rebuilt(chosen).items() if v is not None
            },
            "kpis": {row.kpi: _number(row.value) for row in projected.rows},
            **_outcome(plan, projected, options.lang),
        }
    return answer, _whatif_lines(answer["base"], answer["result"], plan, options.lang)


def _levers(texts: Sequence[str]) -> dict[str, Lever]:
    levers: dict[str, Lever] = {}
    for id, lever in map(parse_lever, texts):
        if id in levers:
            raise UsageError("lever_twice", where=id)
        levers[id] = lever
    return levers


def _outcome(plan: Plan, values: Values, lang: str) -> Answer:
    made = outcome(plan, values)
    unpaid = {"bonus": None, "pay": None, "currency": plan.currency}
    if made.blocked:
        unpaid["why"] = made.blocked.text(lang)
    paid = _paid(made.paid, lang) if made.paid else unpaid
    return {"score": _number(made.total), **paid}


def _whatif_lines(base: Answer, result: Answer, plan: Plan, lang: str) -> Lines:
    currency = plan.currency
    rows = [_headings(lang, "base", "result")]
    for id in result["measures"]:
        measure = catalogue.measure(id)
        figures = (side["measures"].get(id) for side in (base, result))
        unit, name = measure.unit, measure.name[lang]
        rows.append([name, *(words.figure(f, unit, lang, currency=currency) for f in figures)])
    for id in result["kpis"]:
        kpi = plan.kpi(id)
        figures = (side["kpis"][id] for side in (base, result))
        rows.append([kpi.name[lang], *(words.kpi_figure(kpi, f, currency, lang) for f in figures)])
    rows.append([say(lang, "words.score"), *(number(s["score"], lang, 4) for s in (base, result))])
    paid = (side["bonus"] and Decimal(side["bonus"]) for side in (base, result))
    rows.append([say(lang, "words.bonus"), *(money(sum, currency, lang) for sum in paid)])
    why = dict.fromkeys(side["why"] for side in (base, result) if "why" in side)
    return [*_aligned(rows), *why]


def _trend(options: argparse.Namespace) -> tuple[Answer, Lines]:
    plan, lang = _plan_file(options), options.lang
    facts, values = _evaluated(options, plan)
    settings, business = plan.settings(), catalogue.business(plan.business)
    months = kpi_values(facts, business, None, "month", settings=settings, kpis=plan.kpis())
    cut, days = months, recent(facts, options.by)
    if options.by != "month":
        cut = kpi_values(facts, business, days, options.by, settings=settings, kpis=plan.kpis())
    month = month_in_view(facts, values.period)
    running = courses(facts, plan, values, month) if month else ()
    found = trends(plan, cut, months, options.by, running)
    findings = (*facts.findings, *values.findings)
    answer = {
        "by": options.by,
        "kpis": [_trend_row(own) for own in found],
        "courses": [_course_row(own) for own in running],
        "findings": _findings(findings, lang),
    }
    lines = [course_said(own, lang) for own in running]
    for own in found:
        lines += ["", own.kpi.name[lang]]
        lines += _aligned([_point_row(point, own, lang) for point in own.points[-14:]])
        if own.ahead:
            said = ahead_said(own.kpi, own.ahead, own.currency, lang)
            lines.append(f"  {said} {kept_said(own.ahead.kept, lang)}")
    return answer, [*lines, *_finding_lines(findings, lang)]


def _point_row(point: Point, own: Trend, lang: str) -> list[str]:
    figures = [
        words.kpi_figure(own.kpi, figure, own.currency, lang)
        for figure in (point.value, point.target)
    ]
    mark = "" if point.whole else say(lang, "words.not_whole")
    return [f"  {point.slice}", *figures, mark]


def _trend_row(own: Trend) -> Answer:
    return {
        "kpi": own.kpi.id,
        "unit": f"money({own.currency})" if own.currency else str(own.kpi.unit),
        "points": [
            {
                "slice": point.slice,
                "value": point.value,
                "whole": point.whole,
                "target": point.target,
                "year_ago": point.year_ago,
                "adjusted": point.adjusted,
            }
            for point in own.points
        ],
        "ahead": _ahead_row(own.ahead),
    }


def _ahead_row(coming: Ahead | None) -> Answer | None:
    if coming is None:
        return None
    low, high = coming.forecast.interval(LEVEL)
    return {
        "month": _span(coming.month),
        "middle": coming.forecast.middle,
        "low": low,
        "high": high,
        "target": _number(coming.target),
        "probability": coming.chance,
        "months": coming.months,
        "tested": coming.kept.tested,
        "covered": coming.kept.covered,
    }


def _course_row(own: Course) -> Answer:
    low, high = own.run.total.interval(LEVEL)
    return {
        "kpi": own.kpi.id,
        "month": _span(own.month),
        "last_day": str(own.last),
        "counted": own.run.counted,
        "due": own.due,
        "target": _number(own.target),
        "end": own.run.total.middle,
        "low": low,
        "high": high,
        "probability": own.chance,
    }


def _objectives(options: argparse.Namespace) -> tuple[Answer, Lines]:
    plan, lang = _plan_file(options), options.lang
    facts, values = _evaluated(options, plan)
    business, settings = catalogue.business(plan.business), plan.settings()
    months = kpi_values(facts, business, None, "month", settings=settings, kpis=plan.kpis())
    found = review(plan, values, months, lang)
    guards = [own for own in check(plan, values) if isinstance(own, GuardCheck)]
    findings = (*facts.findings, *values.findings)
    answer = {
        "period": _span(values.period),
        "objectives": [
            {
                "name": own.objective.name,
                "said": told(own, lang),
                "missing": list(own.missing),
                "aims": [_aim_row(aim) for aim in own.aims],
            }
            for own in found
        ],
        "guards": [
            {
                "kpi": own.guard.kpi,
                "guard": own.guard.guard,
                "kept": own.kept,
                "gained": _number(own.gained),
                "harmed": _number(own.harmed),
            }
            for own in guards
        ],
        "findings": _findings(findings, lang),
    }
    lines: Lines = [] if found else [say(lang, "objectives.none")]
    for own in found:
        lines.append(told(own, lang))
        for aim in own.aims:
            lines += [f"  {aim.kpi.name[lang]}: {target_words(plan, aim.aim, lang)}"]
            lines += [
                f"    {_SIGNS[one.held]} {check_name(one, lang)}: {one.why}" for one in aim.checks
            ]
    lines += [f"{_SIGNS[own.kept]} {guard_said(own, lang)}" for own in guards]
    return answer, [*lines, *_finding_lines(findings, lang)]


_SIGNS = {True: "✓", False: "✗", None: "?"}


def _aim_row(own: AimReview) -> Answer:
    return {
        "part": own.part,
        "kpi": own.aim.kpi,
        "target": _number(own.target),
        "value": _number(own.value.value) if own.value else None,
        "reached": own.reached,
        "ahead": _ahead_row(own.ahead),
        "checks": {one.id: {"held": one.held, "why": one.why} for one in own.checks},
    }


def _plan(options: argparse.Namespace) -> tuple[Answer, Lines]:
    text = default_plan(options.business).as_json()
    return json.loads(text), text.splitlines()


def _formats(options: argparse.Namespace) -> tuple[Answer, Lines]:
    """The table of ``docs/formats.md``."""
    del options
    rows = [
        {"format": id, "source": format.source, "name": dict(format.name), "sure": format.evidence}
        for id, format in formats().items()
    ]
    return {"formats": rows}, markdown().splitlines()


def _schema(options: argparse.Namespace) -> tuple[Answer, Lines]:
    del options
    schema = dict(json_schema())
    return schema, json.dumps(schema, ensure_ascii=False, indent=2).splitlines()


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8")  # a pipe on Windows would refuse Cyrillic
    sys.exit(main())
