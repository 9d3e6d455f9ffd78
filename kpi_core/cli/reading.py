"""What files hold (``read``), and what is read and written: ``plan``, ``formats``, ``schema``."""

import argparse
import json
from collections.abc import Mapping

from kpi_core import catalogue, words
from kpi_core.cli import asked, printed
from kpi_core.cli.printed import Answer, Lines
from kpi_core.ingest import Table
from kpi_core.ingest.formats import formats
from kpi_core.ingest.listing import markdown
from kpi_core.model import Unit
from kpi_core.plan import default_plan, json_schema
from kpi_core.text import say


def add(commands: asked.Commands) -> None:
    """Register the commands."""
    made = asked.command(
        commands, "read", _read, "What the files hold, and what is odd about them."
    )
    asked.takes_places(made, needed=True)
    asked.takes_layouts(made)
    asked.takes_business(asked.command(commands, "plan", _plan, "A complete default plan to edit."))
    asked.command(
        commands, "formats", _formats, "What is read and how sure that is, as a table in Markdown."
    )
    asked.command(commands, "schema", _schema, "The JSON Schema of plan files.")


def _read(options: argparse.Namespace) -> tuple[Answer, Lines]:
    files: list[Answer] = []
    lines: Lines = []
    for upload in asked.uploads(options):
        answer = {
            "name": upload.name,
            "format": upload.format,
            "encoding": upload.encoding,
            "tables": [_table(table) for table in upload.tables],
        }
        said = [f"{upload.name}: {words.format_name(upload.format, options.lang)}"]
        for table in upload.tables:
            rows = say(options.lang, "words.rows", n=table.rows)
            said.append(f"  {rows}, {table.period or '?'}")
            measured = [_measure_row(table, id, options.lang) for id in table.measures]
            said += printed.aligned(measured)
        answer, said = printed.with_findings(answer, said, upload.findings, options.lang)
        files.append(answer)
        lines += said
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
        "period": printed.span(table.period),
        "currencies": list(table.currencies),
        "measures": {id: _total(table, id) for id in table.measures},
    }


def _total(table: Table, id: str) -> Answer:
    unit = printed.unit(catalogue.measure(id).unit, table.currency)
    told: Answer = {"total": _tidy(table.total(id)), "unit": unit}
    if amounts := table.by_currency(id):
        told["by_currency"] = {code: _tidy(figure) for code, figure in amounts.items()}
    return told


def _tidy(total: float | None) -> float | int | None:
    """Sums of decimals without the dust of binary fractions."""
    if total is None:
        return None
    rounded = round(total, 6)
    return int(rounded) if rounded.is_integer() else rounded


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
