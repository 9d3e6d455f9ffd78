"""The whole chain without a browser: ``python -m kpi_core read|kpis|score|bonus|funnel|whatif|plan``.

Exit code 0: done. 2: wrong use or bad input, one clear line on stderr. ``--json`` prints what
other programs may rely on; without it, a table to read.
"""

import argparse
import json
import locale
import sys
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from pathlib import Path
from typing import Any, NoReturn

from kpi_core import catalogue, words
from kpi_core.drivers import Model, calibrate, parse_lever, project
from kpi_core.errors import Finding, KpiError, UsageError
from kpi_core.facts import Facts, combine
from kpi_core.funnel import funnel
from kpi_core.ingest import Table, Upload, read
from kpi_core.kpis import Evaluation, KpiValue, Settings, Values, kpi_values
from kpi_core.model import TOTAL, Period, parse_period
from kpi_core.pay import payout, statement
from kpi_core.plan import Plan, default_plan, read_plan
from kpi_core.score import Scorecard, score

Answer = dict[str, Any]


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
        name: str, run: Callable[[argparse.Namespace], tuple[Answer, list[str]]], about: str
    ) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=about, description=about)
        made.set_defaults(run=run)
        made.add_argument("--json", action="store_true", help="print JSON for other programs")
        made.add_argument("--lang", choices=("ru", "en"), default=_machine_language())
        return made

    def takes_files(made: argparse.ArgumentParser, number: str) -> None:
        made.add_argument("files", nargs=number, metavar="FILE", help="CSV, TSV, XLSX or Parquet")
        made.add_argument("--period", metavar="YYYY-MM|FROM..TO")

    reading = command("read", _read, "What the files hold, and what is odd about them.")
    reading.add_argument("files", nargs="+", metavar="FILE")
    for name, run, about in (
        ("kpis", _kpis, "KPI values of a business type."),
        ("funnel", _funnel, "The counted funnel of a business type."),
    ):
        made = command(name, run, about)
        takes_files(made, "+")
        made.add_argument("--business", required=True, metavar="|".join(catalogue.businesses()))
        made.add_argument(
            "--source", action="append", default=[], metavar="FAMILY=SOURCE",
            help="who speaks for a family of measures, e.g. traffic=ga4",
        )  # fmt: skip
        if name == "kpis":
            made.add_argument("--by", metavar="channel|month|week|day|campaign|...")
            made.add_argument("--assume", action="append", default=[], metavar="NAME=NUMBER")
    for name, run, about in (
        ("score", _score, "The scorecard of a plan."),
        ("bonus", _bonus, "What a plan pays, with its derivation."),
        ("whatif", _whatif, "What would be, were some drivers moved."),
    ):
        made = command(name, run, about)
        takes_files(made, "*")
        made.add_argument("--plan", required=True, metavar="PLAN.json")
        if name == "whatif":
            made.add_argument(
                "--set", action="append", default=[], metavar="DRIVER=+10%", required=True
            )
    planning = command("plan", _plan, "A complete default plan to edit.")
    planning.add_argument("--business", required=True, metavar="|".join(catalogue.businesses()))
    return parser


def _machine_language() -> str:
    return "ru" if (locale.getlocale()[0] or "").lower().startswith("ru") else "en"


# --- input


def _uploads(files: Sequence[str]) -> list[Upload]:
    uploads = []
    for name in files:
        try:
            data = Path(name).read_bytes()
        except OSError:
            raise UsageError("no_such_file", where=name) from None
        uploads.append(read(name, data))
    return uploads


def _plan_file(name: str) -> Plan:
    try:
        return read_plan(Path(name).read_bytes(), Path(name).name)
    except OSError:
        raise UsageError("no_such_file", where=name) from None


def _pairs(texts: Sequence[str], code: str) -> dict[str, Fraction]:
    found = {}
    for text in texts:
        name, _, value = text.partition("=")
        try:
            found[name.strip()] = Fraction(Decimal(value))
        except (InvalidOperation, ValueError, OverflowError):
            raise UsageError(code, where=text) from None
    return found


def _period(options: argparse.Namespace, plan: Plan | None = None) -> Period | None:
    if options.period:
        return parse_period(options.period)
    return plan.asked_period() if plan else None


def _evaluated(options: argparse.Namespace, plan: Plan) -> tuple[Facts, Values]:
    if not options.files and not plan.facts:
        raise UsageError("no_files")
    facts = combine(_uploads(options.files))
    business = catalogue.business(plan.business)
    period = _period(options, plan)
    wanted = tuple(dict.fromkeys((*plan.kpis(), *business.kpis())))
    return facts, kpi_values(facts, business, period, settings=plan.settings(), kpis=wanted)


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


def _finding_lines(findings: Sequence[Answer]) -> list[str]:
    return [f"  {f['severity']}: {f['where']}: {f['message']}" for f in findings]


def _read(options: argparse.Namespace) -> tuple[Answer, list[str]]:
    files, lines = [], []
    for upload in _uploads(options.files):
        findings = _findings(upload.findings, options.lang)
        tables = [_table(table) for table in upload.tables]
        files.append(
            {
                "name": upload.name,
                "format": upload.format,
                "encoding": upload.encoding,
                "tables": tables,
                "findings": findings,
            }
        )
        lines.append(f"{upload.name}: {words.source_name(upload.tables[0].source, options.lang)}")
        for table in tables:
            span = "..".join(table["period"] or ["?"])
            lines.append(f"  {table['rows']} rows, {span}")
            lines += [
                f"    {id:<18} {m['total']} {m['unit']}" for id, m in table["measures"].items()
            ]
        lines += _finding_lines(findings)
    return {"files": files}, lines


def _table(table: Table) -> Answer:
    return {
        "rows": table.rows,
        "period": _span(table.period),
        "measures": {
            id: {"total": _tidy(table.total(id)), "unit": _unit(id, table.currency)}
            for id in table.measures
        },
    }


def _tidy(total: float | None) -> float | int | None:
    """Sums of decimals without the dust of binary fractions."""
    if total is None:
        return None
    rounded = round(total, 6)
    return int(rounded) if rounded.is_integer() else rounded


def _unit(id: str, currency: str | None) -> str:
    unit = catalogue.measure(id).unit
    return f"money({currency})" if unit == "money" and currency else str(unit)


def _kpis(options: argparse.Namespace) -> tuple[Answer, list[str]]:
    settings = Settings(
        assumptions=_pairs(options.assume, "bad_assumption"), sources=_sources(options)
    )
    for id in settings.assumptions:
        if id not in catalogue.ASSUMPTIONS:
            raise UsageError("unknown_assumption", where=id)
    business = catalogue.business(options.business)
    facts = combine(_uploads(options.files))
    values = kpi_values(facts, business, _period(options), options.by, settings)
    answer = {
        "period": _span(values.period),
        "rows": [_kpi_row(row) for row in values.rows],
        "findings": _findings((*facts.findings, *values.findings), options.lang),
    }
    lines = []
    for row in values.rows:
        kpi = catalogue.kpi(row.kpi)
        shown = words.kpi_figure(kpi, row.value, row.currency, options.lang)
        where = "" if row.slice == TOTAL else words.slice_name(options.by, row.slice, options.lang)
        lines.append(f"{kpi.name[options.lang]:<34} {where:<22} {shown:>16}")
    return answer, lines + _finding_lines(answer["findings"])


def _sources(options: argparse.Namespace) -> dict[str, str]:
    found = {}
    for text in options.source:
        family, _, source = text.partition("=")
        found[family.strip()] = source.strip()
    return found


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
            id: {"value": _number(given.value), "sources": list(given.sources)}
            for id, given in row.inputs.items()
        },
    }


def _score(options: argparse.Namespace) -> tuple[Answer, list[str]]:
    plan = _plan_file(options.plan)
    facts, values = _evaluated(options, plan)
    answer = _scored(score(plan, {row.kpi: row for row in values.rows}))
    answer["period"] = _span(values.period)
    answer["findings"] = _findings((*facts.findings, *values.findings), options.lang)
    return answer, [*_score_lines(answer, options.lang), *_finding_lines(answer["findings"])]


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


def _score_lines(answer: Answer, lang: str) -> list[str]:
    def shown(value: float | None) -> str:
        return "—" if value is None else f"{value:.4f}"

    lines = [
        f"{catalogue.kpi(line['kpi']).name[lang]:<34} {line['share']:>7.1%} "
        f"{shown(line['attainment']):>9} {shown(line['score']):>8} {shown(line['points']):>8}"
        for line in answer["lines"]
    ]
    return [*lines, f"{words.slice_name(None, TOTAL, lang):<34} {shown(answer['total']):>35}"]


def _bonus(options: argparse.Namespace) -> tuple[Answer, list[str]]:
    plan = _plan_file(options.plan)
    facts, values = _evaluated(options, plan)
    answer = _paid(plan, values, options.lang)
    answer["findings"] = _findings((*facts.findings, *values.findings), options.lang)
    lines = [f"{entry['text']}: {entry['value']}" for entry in answer["statement"]]
    return answer, lines + _finding_lines(answer["findings"])


def _paid(plan: Plan, values: Values, lang: str) -> Answer:
    paid = payout(plan, values)
    return {
        "bonus": str(paid.bonus),
        "pay": str(paid.pay),
        "currency": plan.currency,
        "statement": [vars(entry) for entry in statement(paid, lang)],
    }


def _funnel(options: argparse.Namespace) -> tuple[Answer, list[str]]:
    business = catalogue.business(options.business)
    facts = combine(_uploads(options.files))
    made = funnel(facts, business, _period(options), Settings(sources=_sources(options)))
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
        "findings": _findings((*facts.findings, *made.findings), options.lang),
    }
    lines = []
    for row in made.stages:
        count = "—" if row.count is None else f"{float(row.count):,.0f}"
        step = "—" if row.step_rate is None else f"{float(row.step_rate):.1%}"
        total = "—" if row.total_rate is None else f"{float(row.total_rate):.2%}"
        lines.append(f"{row.stage.name[options.lang]:<30} {count:>12} {step:>8} {total:>8}")
    return answer, lines + _finding_lines(answer["findings"])


def _whatif(options: argparse.Namespace) -> tuple[Answer, list[str]]:
    plan = _plan_file(options.plan)
    levers = dict(parse_lever(text) for text in options.set)
    facts, values = _evaluated(options, plan)
    business = catalogue.business(plan.business)
    evaluation = Evaluation(facts, _period(options, plan), settings=plan.settings())
    model = calibrate(evaluation, business)
    answer: Answer = {
        "drivers": {
            id: {"base": _number(base), "result": _number(model.moved_drivers(levers)[id])}
            for id, base in model.drivers.items()
        }
    }
    for name, moved in (("base", {}), ("result", levers)):
        answer[name] = _outcome(plan, model, moved, project(model, moved, values), options.lang)
    answer["period"] = _span(values.period)
    base, result = answer["base"], answer["result"]
    lines = [
        f"{catalogue.measure(id).name[options.lang]:<34} {base['measures'][id]:>16,.2f} "
        f"{value:>16,.2f}"
        for id, value in result["measures"].items()
        if id in base["measures"]
    ]
    for name in ("score", "bonus"):
        lines.append(f"{name:<34} {base[name]!s:>16} {result[name]!s:>16}")
    return answer, lines


def _outcome(plan: Plan, model: Model, levers: Any, values: Values, lang: str) -> Answer:
    rebuilt = model.rebuilt(levers)
    card = score(plan, {row.kpi: row for row in values.rows})
    try:
        paid: Answer = _paid(plan, values, lang)
    except KpiError as unpaid:
        paid = {"bonus": None, "pay": None, "currency": plan.currency, "why": unpaid.text(lang)}
    return {
        "measures": {id: _number(value) for id, value in rebuilt.items() if value is not None},
        "kpis": {row.kpi: _number(row.value) for row in values.rows},
        "score": _number(card.total),
        **paid,
    }


def _plan(options: argparse.Namespace) -> tuple[Answer, list[str]]:
    plan = default_plan(options.business)
    return json.loads(plan.as_json()), plan.as_json().splitlines()


if __name__ == "__main__":
    sys.exit(main())
