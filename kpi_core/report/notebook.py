"""The report computed anew, step by step: as a notebook, and as a plain script.

Both are written from one list of cells. They read the same files, which lie beside them under the
same names, take the same plan, ask the same modules that the app asks, and print the same figures.
Whatever a file or plan is called stands in the code as data, never as text of a cell.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kpi_core.report import cells
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
"""


@dataclass(frozen=True)
class Cell:
    """Some code, and in words what it does."""

    words: str
    code: str


def notebook(report: Report) -> bytes:
    """The report as a Jupyter notebook, not run yet (format 4.5)."""
    listed = [
        own
        for at, cell in enumerate(_cells(report, HERE["notebook"]))
        for own in (_written(f"words-{at}", "markdown", cell.words), _code(f"code-{at}", cell.code))
    ]
    about = {"language_info": {"name": "python"}}
    made = {"cells": listed, "metadata": about, "nbformat": 4, "nbformat_minor": 5}
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
    told = {
        "given": _given(report, here),
        "read": READ + cells.ROWS,
        "plan": _plan(report),
        "values": cells.VALUES + cells.FIGURES.lstrip(),
    }
    if Part.SCORE in report.parts:
        told |= {"score": cells.SCORE, "chart_of_score": cells.CHART_OF_SCORE}
    if report.paid or report.blocked:
        told |= {"pay": cells.PAY, "statement": cells.STATEMENT}
    if report.funnel:
        counted = cells.COUNT + cells.STAGES.lstrip()
        told |= {"funnel": counted, "chart_of_funnel": cells.CHART_OF_FUNNEL}
    if report.scenarios:
        compared = cells.MODEL + cells.SIDE_BY_SIDE.lstrip()
        told["scenarios"] = _scenarios(report.scenarios) + compared
    told["given"] = f"{cells.imports(''.join(told.values()))}\n\n{told['given'].strip()}"
    for step, code in told.items():
        said = say(report.lang, f"report_notebook.{step}", program=report.program)
        yield Cell(said, code.strip())


def _given(report: Report, here: str) -> str:
    """What is asked: where the files lie, what is in them, the period, the language."""
    files = "".join(f"    ({own.name!r}, {own.digest!r}),\n" for own in report.files)
    return f"""
LANG = {report.lang!r}
HERE = {here}
PERIOD = {cells.period_code(report.period if report.values.asked else None)}
FILES = [
{files}]
{cells.layouts_code(report.layouts)}
"""


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
