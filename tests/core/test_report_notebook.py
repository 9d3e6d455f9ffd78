"""The notebook and the script, run in a fresh Python beside the files, print the report's figures.

The last tests hold all writers side by side: whoever opens whichever file reads the same figures.
"""

import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
import pandas as pd
import pytest
import python_calamine
from google.protobuf.json_format import MessageToDict
from pypdf import PdfReader
from streamlit.testing.v1 import AppTest

from kpi_core import words
from kpi_core.cli import main
from kpi_core.errors import IngestError
from kpi_core.facts import combine
from kpi_core.ingest import read
from kpi_core.ingest.layouts import Draft, Rows, read_layout, written
from kpi_core.plan import Plan, changed, default_plan
from kpi_core.report import Part, Report, gather
from kpi_core.report.html import html
from kpi_core.report.notebook import notebook, script
from kpi_core.report.pdf import pdf
from kpi_core.report.scenarios import scenario_figure
from kpi_core.report.tables import write_csv
from kpi_core.report.xlsx import workbook
from kpi_core.text import exact, money, number, percent
from tests.core.reported import (
    BUSINESSES,
    HOSTILE,
    SAMPLES,
    compared,
    hostile,
    reported,
    sample,
    squeezed,
)
from tests.core.test_report_html import Page
from tests.core.test_report_pdf import LANGS
from tests.pages.test_pages import assert_whole, open_app, open_page, widget

ROOT = Path(__file__).parent.parent.parent
# The cells one after the other, as a kernel runs them.
KERNEL = """
import json, sys
space = {"__name__": "__main__"}
for source in json.load(sys.stdin):
    exec(compile(source, "cell", "exec"), space)
"""


def run(arguments: list[str], folder: Path, given: str = "") -> str:
    """What a fresh Python prints in a folder."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
        input=given,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def run_notebook(content: bytes, folder: Path) -> str:
    made = nbformat.reads(content.decode(), as_version=4)
    nbformat.validate(made)
    cells = [cell.source for cell in made.cells if cell.cell_type == "code"]
    return run(["-c", KERNEL], folder, json.dumps(cells))


def beside_the_files(business: str, folder: Path) -> Path:
    for upload in sample(business)[1]:
        shutil.copy(SAMPLES / business / upload.name, folder)
    return folder


@cache
def printed(business: str, lang: str) -> str:
    """What the notebook of a sample prints, which the script prints, too."""
    report = reported(business, lang)
    with TemporaryDirectory() as name:
        folder = beside_the_files(business, Path(name))
        said = run_notebook(notebook(report), folder)
        (folder / "report.py").write_bytes(script(report))
        assert run([str(folder / "report.py")], ROOT) == said
    return said


def key_figures(report: Report) -> list[str]:
    """Score, bonus, pay and each KPI of a report, as they are printed."""
    lang, paid = report.lang, report.paid
    assert paid
    said = [words.points(report.total, lang)]
    said += [money(sum, report.plan.currency, lang) for sum in (paid.bonus, paid.pay)]
    said += [
        words.kpi_figure(own.definition, own.value, own.currency, lang)
        for own in report.values.totals().values()
        if own.value is not None
    ]
    return said


def steps(report: Report) -> Iterator[str]:
    """What the notebook derives beside the key figures."""
    lang = report.lang
    for line in report.scorecard.lines:
        judged = line.judged
        yield words.planned(judged.kpi, judged.goal.target, report.plan.currency, lang)
        yield words.attainment(judged.attainment, judged.goal.rule, lang)
        yield words.points(line.points, lang)
    for entry in report.statement:
        yield f"{entry.text}: {entry.value}"
    for stage in report.funnel.counted if report.funnel else ():
        yield f"{number(stage.count, lang)} ({percent(stage.step_rate, lang, 2)})"
    for file in report.files:
        yield f"{file.name}: {number(file.rows, lang)} ({file.digest})"


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("business", BUSINESSES)
def test_the_notebook_and_the_script_print_the_figures_of_the_report(
    business: str, lang: str
) -> None:
    report, said = reported(business, lang), printed(business, lang)
    assert [own for own in (*key_figures(report), *steps(report)) if own not in said] == []


def test_the_same_report_makes_the_same_notebook() -> None:
    report = reported("shop", "en")
    assert notebook(report) == notebook(report)


def test_a_file_that_is_another_one_is_told(tmp_path: Path) -> None:
    folder = beside_the_files("shop", tmp_path)
    with (folder / "orders.csv").open("ab") as file:
        file.write(b"\n")
    said = run_notebook(notebook(reported("shop", "en")), folder)
    assert "orders.csv: this is not the file that the report was made from" in said
    assert said.count("this is not the file") == 1


def test_what_cannot_be_paid_is_told_with_its_reason(tmp_path: Path) -> None:
    plan = changed(default_plan("shop"), gates=[{"kpi": "nps", "limit": 1}])
    report = reported_by(plan)
    assert report.blocked
    said = run_notebook(notebook(report), beside_the_files("shop", tmp_path))
    assert report.blocked.text("en") in said


def reported_by(plan: Plan) -> Report:
    facts, uploads = sample("shop")
    return gather(facts, uploads, plan, facts.months()[-1], "en")


def test_targets_of_months_judge_the_month(tmp_path: Path) -> None:
    plan = changed(default_plan("shop"), targets={"2026-09": {"cr": 0.5}, "2026-10": {"cr": 0.01}})
    report = reported_by(plan)
    said = run_notebook(notebook(report), beside_the_files("shop", tmp_path))
    assert [own for own in key_figures(report) if own not in said] == []


def test_names_stay_data(tmp_path: Path) -> None:
    report = hostile()
    name = report.files[0].name
    shutil.copy(SAMPLES / "shop" / "orders.csv", tmp_path / name)
    for source in (notebook(report), script(report)):
        assert source.decode().count("alert(1)") >= 2
    made = nbformat.reads(notebook(report).decode(), as_version=4)
    assert all(HOSTILE not in own.source for own in made.cells if own.cell_type == "markdown")
    assert HOSTILE in run_notebook(notebook(report), tmp_path)


def test_what_was_not_asked_for_is_not_computed() -> None:
    source = script(reported("shop", "en", parts=(Part.DATA,))).decode()
    assert "outcome(" not in source
    assert "funnel(facts" not in source
    assert "card =" not in source
    assert "side_by_side(chain" not in source


@pytest.mark.parametrize("lang", LANGS)
def test_scenarios_are_computed_anew_with_every_figure_of_the_report(
    lang: str, tmp_path: Path
) -> None:
    report = compared("shop", lang)
    made, folder = report.scenarios, beside_the_files("shop", tmp_path)
    assert made
    wanted = [
        f"{name}: {scenario_figure(row, figure, report.plan.currency, lang)}"
        for row in made.rows
        for name, figure in zip(made.names, row.figures, strict=True)
    ]
    said = run_notebook(notebook(report), folder)
    assert [own for own in wanted if own not in said] == []
    (folder / "report.py").write_bytes(script(report))
    assert run([str(folder / "report.py")], ROOT) == said


# --- files that the user taught the product to read

AMOUNT = 'Сколько, руб """ \\ \''  # quotes and a backslash would end a careless string
OURS = f"""Номер\tКогда\t{AMOUNT}\tКто
A1\t01.10.2026\t1 500,50\tИван
A2\t31.10.2026\t100\tПётр
"""


def test_a_file_of_a_taught_layout_is_read_by_the_layout_in_the_notebook(tmp_path: Path) -> None:
    draft = Draft(
        name=HOSTILE[:60],
        source="table",
        rows=Rows.ORDERS,
        headings=("Номер", "Когда", AMOUNT, "Кто"),
        meanings={"Номер": "record", "Когда": "date", AMOUNT: "amount"},
    )
    own = (draft.name, written(draft))
    another = (
        "Unused",
        written(replace(draft, headings=("Код", "Когда"), meanings={"Код": "record"})),
    )
    with pytest.raises(IngestError):
        read("ours.tsv", OURS.encode())
    upload = read("ours.tsv", OURS.encode(), [read_layout(*own)])
    facts = combine([upload])
    report = gather(
        facts, [upload], default_plan("shop"), facts.months()[-1], "en", layouts=[another, own]
    )
    assert report.layouts == (own,), "only what a file was read by goes along"
    aov = report.values.total("aov")
    shown = words.kpi_figure(aov.definition, aov.value, aov.currency, "en")
    assert "800.25" in shown

    (tmp_path / "ours.tsv").write_text(OURS, "utf-8")
    said = run_notebook(notebook(report), tmp_path)

    assert f"{aov.definition.name['en']}: {shown}" in said
    assert f"ours.tsv: 2 ({upload.digest})" in said
    (tmp_path / "report.py").write_bytes(script(report))
    assert run([str(tmp_path / "report.py")], ROOT) == said


# --- every writer


def asked_of_the_command_line(
    command: str, business: str, lang: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> Any:
    report = reported(business, lang)
    plan = folder / "plan.json"
    plan.write_text(default_plan(business).as_json(), "utf-8")
    files = [str(SAMPLES / business / upload.name) for upload in sample(business)[1]]
    asked = ["--plan", str(plan), "--period", str(report.period), "--lang", lang, "--json"]
    assert main([command, *asked, *files]) == 0
    return json.loads(capsys.readouterr().out)


def shown_on(app: AppTest) -> str:
    """Every word of a page: of its elements, and of the cells of its tables."""
    said: list[str] = []
    for element in app.main:
        value = element.value if element.type in {"arrow_data_frame", "table"} else None
        if isinstance(value, pd.DataFrame):
            said += map(str, value.to_numpy().ravel())
        elif element.proto is not None:
            said += strings_of(MessageToDict(element.proto))
    return "\n".join(said).replace("\\", "")


def strings_of(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for own in inner:
        yield from strings_of(own)


def missing_on_pages(report: Report, business: str) -> list[str]:
    """Figures of a report that the pages of the app do not show, digit by digit."""
    lang, everything = report.lang, key_figures(report)
    score, *paid = everything[:3]
    lines = [
        words.judged_figure(line.judged.goal, line.judged.kpi, value.value, value.currency, lang)
        for line in report.scorecard.lines
        for value in [line.judged.value]
    ]
    wanted = {
        "measure/scorecard": [score, paid[0], *lines],
        "pay/bonus": paid,
        "learn/catalogue": everything[3:],
        "plan/editor": lines,
    }
    app = open_app(lang)
    widget(app, "selectbox", "business").select(business).run()
    lacking = []
    for page, figures in wanted.items():
        open_page(app, f"pages/{page}.py")
        assert_whole(app)
        said = shown_on(app)
        lacking += [
            f"{page}: {own}"
            for own in figures
            if not re.search(rf"(?<![\d.,]){re.escape(own)}(?![\d])", said)
        ]
    return lacking


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("business", BUSINESSES)
def test_every_writer_and_the_command_line_tell_the_same_figures(
    business: str, lang: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = reported(business, lang)
    wanted = key_figures(report)
    assert missing_on_pages(report, business) == []
    pages = PdfReader(io.BytesIO(pdf(report))).pages
    said = {
        "pdf": squeezed("".join(page.extract_text() for page in pages)),
        "html": Page(html(report)).text,
        "notebook": squeezed(printed(business, lang)),
    }
    for text in said.values():
        assert [own for own in wanted if squeezed(own) not in text] == []
    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(workbook(report)))
    cells = {
        float(cell)
        for name in book.sheet_names
        for row in book.get_sheet_by_name(name).to_python()
        for cell in row
        if isinstance(cell, int | float) and not isinstance(cell, bool)
    }
    assert report.paid
    assert report.total is not None
    figures = [report.total, exact(report.paid.bonus), exact(report.paid.pay)]
    figures += [own.value for own in report.values.totals().values() if own.value is not None]
    points = {100 * report.total, report.total}
    table = list(csv.DictReader(io.StringIO(write_csv(report, "kpis").decode("utf-8-sig"))))
    told = {row["kpi"]: row["value"] for row in table if not row["by"]}
    for own in report.values.totals().values():
        assert (
            told[own.kpi] == "" if own.value is None else float(told[own.kpi]) == float(own.value)
        )
    assert [
        float(own)
        for own in figures[1:]
        if not any(cell == pytest.approx(float(own), rel=1e-9) for cell in cells)
    ] == []
    assert any(cell == pytest.approx(float(own), rel=1e-9) for cell in cells for own in points)
    scored = asked_of_the_command_line("score", business, lang, tmp_path, capsys)
    assert words.points(exact(scored["total"]), lang) == wanted[0]
    paid = asked_of_the_command_line("bonus", business, lang, tmp_path, capsys)
    assert [money(exact(paid[key]), report.plan.currency, lang) for key in ("bonus", "pay")] == (
        wanted[1:3]
    )
    values = {line["kpi"]: line["value"] for line in scored["lines"]}
    for line in report.scorecard.lines:
        own = line.judged.value
        shown = None if values[own.kpi] is None else Fraction(values[own.kpi])
        assert words.kpi_figure(own.definition, shown, own.currency, lang) == words.kpi_figure(
            own.definition, own.value, own.currency, lang
        )
