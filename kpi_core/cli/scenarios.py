"""Scenarios side by side: ``compare``."""

import argparse
from fractions import Fraction

from kpi_core import catalogue, words
from kpi_core.chain import Chain, chain
from kpi_core.cli import asked, printed
from kpi_core.cli.printed import Answer, Lines
from kpi_core.drivers import calibrate
from kpi_core.errors import UsageError
from kpi_core.kpis import Evaluation
from kpi_core.model import Unit
from kpi_core.scenario import Cell, Comparison, Row, Scenario, compare, lever_name
from kpi_core.text import percent, say

FILE = ".json"  # what files of scenarios end in, and no export


def add(commands: asked.Commands) -> None:
    """Register the command."""
    made = asked.command(commands, "compare", _compare, "Files of scenarios side by side.")
    asked.takes_plan(made)


def _compare(options: argparse.Namespace) -> tuple[Answer, Lines]:
    plan, lang = asked.plan(options), options.lang
    scenarios = _scenarios(options)
    facts, values = asked.values(options, plan)
    evaluation = Evaluation(facts, asked.period(options, plan), settings=plan.settings())
    model = calibrate(evaluation, catalogue.business(plan.business))
    own = chain(plan, values, model)
    found = compare(own, scenarios)
    answer: Answer = {
        "period": printed.span(values.period),
        "currency": found.currency,
        "scenarios": [_scenario_row(made, found, lang) for made in found.scenarios],
        "rows": [_row(row) for row in found.rows],
    }
    return printed.with_findings(answer, _lines(own, found, lang), model.findings, lang)


def _scenarios(options: argparse.Namespace) -> list[Scenario]:
    """Those of all files of scenarios; what is left of the files are exports."""
    named = [name for name in options.files if name.lower().endswith(FILE)]
    if not named:
        raise UsageError("no_scenario_file")
    options.files = [name for name in options.files if name not in named]
    return asked.scenarios(named)


def _scenario_row(made: Scenario, found: Comparison, lang: str) -> Answer:
    why = found.untold.get(made.name) or found.blocked.get(made.name)
    return {
        **made.model_dump(mode="json"),
        "told": made.name not in found.untold,
        **({"why": why.text(lang)} if why else {}),
    }


def _row(row: Row) -> Answer:
    return {
        "kind": row.kind,
        "id": row.id,
        "unit": str(row.unit),
        "base": printed.number(row.base),
        "scenarios": [
            {
                "value": printed.number(cell.value),
                "variance": printed.number(cell.variance),
                "share": printed.number(cell.share),
            }
            for cell in row.cells
        ],
    }


def _lines(own: Chain, found: Comparison, lang: str) -> Lines:
    rows = [["", say(lang, "words.base"), *_headings(found, lang)]]
    for row in found.rows:
        cells = [shown for cell in row.cells for shown in _cell(own, row, cell, lang)]
        rows.append([_name(own, row, lang), _figure(own, row, row.base, lang), *cells])
    told = [
        f"{name}: {why.text(lang)}" for name, why in (*found.untold.items(), *found.blocked.items())
    ]
    assumed = [
        f"{made.name}: {said}"
        for made in found.scenarios
        if made.elasticity != 1
        for said in [
            say(
                lang,
                "scenario.elasticity",
                e=words.coefficient(Fraction(made.elasticity), lang),
            )
        ]
    ]
    return [*printed.aligned(rows), *told, *assumed]


def _headings(found: Comparison, lang: str) -> list[str]:
    return [name for made in found.scenarios for name in (made.name, say(lang, "words.change"))]


def _cell(own: Chain, row: Row, cell: Cell, lang: str) -> tuple[str, str]:
    if cell.share is None:
        change = "—"
    else:
        change = ("+" if cell.share > 0 else "") + percent(cell.share, lang)
    return _figure(own, row, cell.value, lang), change


def _name(own: Chain, row: Row, lang: str) -> str:
    if row.kind == "driver":
        return lever_name(own, row.id, lang)
    if row.kind == "measure":
        return catalogue.measure(row.id).name[lang]
    if row.kind == "kpi":
        return own.plan.kpi(row.id).name[lang]
    return say(lang, f"scenario.{row.id}")


def _figure(own: Chain, row: Row, value: Fraction | None, lang: str) -> str:
    if row.kind == "kpi":
        return words.kpi_figure(own.plan.kpi(row.id), value, own.plan.currency, lang)
    if row.id == "score":
        return words.points(value, lang)
    decimals = 0 if row.unit in (Unit.COUNT, Unit.SECONDS) else 2
    return words.figure(value, row.unit, lang, decimals=decimals, currency=own.plan.currency)
