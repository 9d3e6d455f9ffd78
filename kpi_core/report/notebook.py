"""The report computed anew, step by step: as a notebook, and as a plain script.

Both are written from one list of cells. They read the same files, which lie beside them under the
same names, take the same plan, ask the same modules that the app asks, and print the same figures.
Whatever a file or plan is called stands in the code as data, never as text of a cell.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kpi_core.report.content import Part, Report
from kpi_core.report.scenarios import Scenarios
from kpi_core.scenario import Scenarios as File
from kpi_core.text import say

HERE = {"notebook": "Path()", "script": "Path(__file__).parent"}

READ = """
layouts = [read_layout(name, text) for name, text in LAYOUTS]


def read_beside(name, digest):
    upload = read_path(HERE / name, layouts)
    if upload.digest != digest:
        print(f"{name}: {say(LANG, 'report_notebook.other_file')}")
    return upload


uploads = [read_beside(name, digest) for name, digest in FILES]
facts = combine(uploads)
for upload in uploads:
    rows = sum(table.rows for table in upload.tables)
    print(f"{upload.name}: {number(rows, LANG)} ({upload.digest})")
"""
VALUES = """
values = kpi_values(
    facts,
    catalogue.business(plan.business),
    PERIOD,
    settings=plan.settings(),
    kpis=plan.shown_kpis(),
    against=plan.against(),
)
for id, value in values.totals().items():
    kpi = value.definition
    print(f"{kpi.name[LANG]}: {words.kpi_figure(kpi, value.value, value.currency, LANG)}")
    print(f"    {words.formula_in_figures(value, LANG)}")
"""
SCORE = """
card = score(plan, values.totals())
for line in card.lines:
    judged, kpi, value = line.judged, line.judged.kpi, line.judged.value
    shown = words.judged_figure(judged.goal, kpi, value.value, value.currency, LANG)
    target = words.planned(kpi, judged.goal.target, plan.currency, LANG)
    reached = words.attainment(judged.attainment, judged.goal.rule, LANG)
    print(f"{kpi.name[LANG]}: {shown} / {target}, {reached} → {words.points(line.points, LANG)}")
print(f"{say(LANG, 'words.total')}: {words.points(card.total, LANG)}")
"""
PAY = """
made = outcome(plan, values)
if made.paid is None:
    print(made.blocked.text(LANG))
else:
    print(f"{say(LANG, 'payroll.bonus')}: {money(made.paid.bonus, plan.currency, LANG)}")
    print(f"{say(LANG, 'payroll.pay')}: {money(made.paid.pay, plan.currency, LANG)}")
"""
STATEMENT = """
for entry in statement(made.paid, LANG) if made.paid else ():
    print(f"{entry.text}: {entry.value}")
"""
FUNNEL = """
stages = funnel(facts, catalogue.business(plan.business), PERIOD, plan.settings())
for stage in stages.counted:
    rate = percent(stage.step_rate, LANG, 2)
    print(f"{stage.stage.name[LANG]}: {number(stage.count, LANG)} ({rate})")
"""
COMPARED = """
model = calibrate(
    Evaluation(facts, PERIOD, settings=plan.settings()), catalogue.business(plan.business)
)
found = side_by_side(chain(plan, values, model), scenarios, LANG)
for row in found.rows:
    print(row.name)
    for name, figure in zip(found.names, row.figures, strict=True):
        print(f"    {name}: {scenario_figure(row, figure, plan.currency, LANG)}")
"""
CHART_OF_SCORE = """
charts.contributions(card, LANG)
"""
CHART_OF_FUNNEL = """
charts.funnel_bars(stages, LANG)
"""


@dataclass(frozen=True)
class Cell:
    """Some code, and in words what it does."""

    words: str
    code: str


def notebook(report: Report) -> bytes:
    """The report as a Jupyter notebook, not run yet (format 4.5)."""
    cells = [
        own
        for at, cell in enumerate(_cells(report, HERE["notebook"]))
        for own in (_written(f"words-{at}", "markdown", cell.words), _code(f"code-{at}", cell.code))
    ]
    about = {"language_info": {"name": "python"}}
    made = {"cells": cells, "metadata": about, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(made, indent=1).encode()


def _written(id: str, kind: str, text: str) -> dict[str, Any]:
    return {"cell_type": kind, "id": id, "metadata": {}, "source": text.splitlines(keepends=True)}


def _code(id: str, text: str) -> dict[str, Any]:
    return _written(id, "code", text) | {"execution_count": None, "outputs": []}


def script(report: Report) -> bytes:
    """The report as a Python script in UTF-8; editors that know cells find them."""
    said = []
    for cell in _cells(report, HERE["script"]):
        comment = "\n".join(f"# {line}".rstrip() for line in cell.words.split("\n"))
        said.append(f"# %% [markdown]\n{comment}\n\n# %%\n{cell.code}\n")
    return "\n".join(said).encode()


def _cells(report: Report, here: str) -> Iterator[Cell]:
    """The steps of the chain that the report holds."""
    told = {"given": _given(report, here), "read": READ, "plan": _plan(report), "values": VALUES}
    if Part.SCORE in report.parts:
        told |= {"score": SCORE, "chart_of_score": CHART_OF_SCORE}
    if report.paid or report.blocked:
        told |= {"pay": PAY, "statement": STATEMENT}
    if report.funnel:
        told |= {"funnel": FUNNEL, "chart_of_funnel": CHART_OF_FUNNEL}
    if report.scenarios:
        told["scenarios"] = _scenarios(report.scenarios) + COMPARED
    for step, code in told.items():
        said = say(report.lang, f"report_notebook.{step}", program=report.program)
        yield Cell(said, code.strip())


def _given(report: Report, here: str) -> str:
    """What is asked: where the files lie, what is in them, the period, the language."""
    files = "".join(f"    ({own.name!r}, {own.digest!r}),\n" for own in report.files)
    layouts = "".join(_layout(name, text) for name, text in report.layouts)
    asked = f"parse_period({str(report.period)!r})" if report.values.asked else "None"
    return f"""
from pathlib import Path

from kpi_core import catalogue, charts, words
from kpi_core.chain import chain
from kpi_core.drivers import calibrate
from kpi_core.facts import combine
from kpi_core.funnel import funnel
from kpi_core.ingest import read_path
from kpi_core.ingest.layouts import read_layout
from kpi_core.kpis import Evaluation, kpi_values
from kpi_core.model import parse_period
from kpi_core.pay import outcome, statement
from kpi_core.plan import read_plan
from kpi_core.report.scenarios import scenario_figure, side_by_side
from kpi_core.scenario import read_scenarios
from kpi_core.score import score
from kpi_core.text import money, number, percent, say

LANG = {report.lang!r}
HERE = {here}
PERIOD = {asked}
FILES = [
{files}]
LAYOUTS = [
{layouts}]
"""


def _layout(name: str, text: str) -> str:
    """A taught layout as code: a line of it a line, each as data."""
    lines = "".join(f"        {line!r}\n" for line in text.splitlines(keepends=True))
    return f"    (\n        {name!r},\n{lines}    ),\n"


def _scenarios(made: Scenarios) -> str:
    """The scenarios as the file of scenarios that they were, or would be."""
    file = File(scenarios=made.made).model_dump_json(indent=2)
    return f'''
scenarios = read_scenarios(r"""
{file}""").scenarios
'''


def _plan(report: Report) -> str:
    """The plan as it judges the period. JSON has never three quotes in a row: it ends none."""
    return f'''
plan = read_plan(r"""
{report.plan.as_json()}""".encode())
if plan.name:
    print(plan.name)
'''
