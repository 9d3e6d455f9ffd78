"""The code at the end of every page prints what the page shows, from the files and the plan."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from kpi_core import catalogue
from kpi_core.ingest.layouts import Draft, Rows, written
from kpi_core.plan import default_plan
from kpi_core.report import cells
from kpi_core.text import say
from kpi_core.verdict import State
from tests.pages.test_pages import (
    PAGES,
    ROOT,
    assert_whole,
    click,
    open_app,
    open_page,
    upload,
    widget,
)

SAMPLES = ROOT / "sample_data"
# Each program in its own folder and in a module of its own, with what it printed.
KERNEL = """
import contextlib, io, json, os, sys
said = {}
for folder, code in json.load(sys.stdin).items():
    os.chdir(folder)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(code, "page", "exec"), {"__name__": "__main__"})
    said[folder] = printed.getvalue()
json.dump(said, sys.stdout)
"""


def run(programs: dict[Path, str]) -> dict[Path, str]:
    """What programs print that lie in these folders."""
    done = subprocess.run(
        [sys.executable, "-c", KERNEL],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
        input=json.dumps({str(folder): code for folder, code in programs.items()}),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {Path(folder): said for folder, said in json.loads(done.stdout).items()}


def name_of(page: str) -> str:
    """What the menu calls a page, by its file."""
    tree = (ROOT / "app.py").read_text("utf-8")
    found = re.search(rf'"(\w+)": \("{re.escape(page)}"', tree)
    assert found
    return found[1]


BY_NAME = {name_of(page): page for page in PAGES}


def opened(app: AppTest, name: str) -> str:
    """The program of a page, which is unfolded."""
    app.session_state["code"] = True
    open_page(app, BY_NAME[name])
    assert_whole(app)
    return str(app.code[-1].value)


def plan_of(app: AppTest, name: str) -> str:
    """The plan that the page judges by, as its file."""
    own = name in catalogue.roles()
    return (default_plan(name) if own else app.session_state["own"]["plan"]).as_json()


def plain(text: str) -> str:
    return text.replace("\\", "").replace("\N{WORD JOINER}", "").replace("*", "")


def metrics(app: AppTest) -> list[str]:
    return [own.value for own in app.metric if own.value != "—"]


def in_cells(app: AppTest, row: str) -> list[str]:
    """The rows of the first table with a count, as `row` writes them."""
    table = app.dataframe[0].value
    return [row.format(*own) for own in table.to_numpy() if own[1] != "—"]


def of_data(app: AppTest) -> list[str]:
    """The names of the files, the rows of each table, and the verdict."""
    names = [plain(own.value).split(" · ")[0] for own in app.markdown if " · " in own.value]
    lines = [plain(own.value).split(" · ") for own in app.caption if " · " in own.value]
    rows = [re.match(r"[\d,.\s]+", line[1])[0].strip() for line in lines if len(line) > 2]
    lang, answer = app.session_state["lang"], plain(app.markdown[0].value)
    verdicts = [say(lang, f"pages.data_{state}") for state in State]
    return [*names, *(f": {own} (" for own in rows), *(own for own in verdicts if own in answer)]


def of_trend(app: AppTest) -> list[str]:
    """What each KPI may bring: below its line, and of the last of them its own name."""
    said = [plain(own.value) for own in app.caption]
    return [own for own in said if re.search(r"80\s?%", own)]


def of_channels(app: AppTest) -> list[str]:
    """Every part by its name, and the returns and costs that the answer tells."""
    told = re.findall(r"(?:RUB\s|€)[\d,.]*\d|[−\d\s,.]*\d\s?[%₽€]", plain(app.markdown[0].value))
    return [f"{name}: " for name in map(plain, app.dataframe[0].value.iloc[:, 0])] + [
        own.strip(" ,") for own in told
    ]


# What of a page its program must print.
MAIN_FIGURES: dict[str, Callable[[AppTest], list[str]]] = {
    "data": of_data,
    "scorecard": lambda app: metrics(app)[:1],
    "funnel": lambda app: in_cells(app, "{0}: {1} ("),
    "bonus": metrics,
    "whatif": lambda app: [f"→ {own}" for own in metrics(app)],
    "report": lambda app: re.findall(r"[А-Яа-яA-Za-z]+ 20\d\d", plain(app.markdown[0].value)),
    "present": lambda app: [
        plain(own.label) for own in app.checkbox if own.key.startswith("present.slide.")
    ],
    "plan": lambda app: re.findall(r"\d+[.,]\d", app.markdown[0].value)[:1],
    "objectives": lambda app: [plain(app.markdown[0].value)],
    "trend": of_trend,
    "channels": of_channels,
    "analyst": metrics,
    "catalogue": lambda app: [
        plain(own.label) for own in app.expander if ": " in own.label and own.key != "code"
    ],
}


def test_every_page_has_its_code_but_the_one_that_computes_nothing() -> None:
    assert set(cells.PAGES) == set(MAIN_FIGURES)
    assert set(BY_NAME) - set(cells.PAGES) == {"saved"}


def ready(app: AppTest, name: str) -> None:
    """Something to see on pages that begin empty, or where nothing is moved."""
    if name == "objectives":
        open_page(app, BY_NAME[name])
        click(app, app.button(key="objectives.example").label)
    if name == "whatif":
        open_page(app, BY_NAME[name])
        found = next(own for own in app.slider if (own.key or "").startswith("lever."))
        found.set_value(10).run()


@pytest.mark.parametrize("lang", ["ru", "en"])
@pytest.mark.parametrize("business", catalogue.businesses())
def test_the_code_of_a_page_prints_the_figures_of_the_page(
    business: str, lang: str, tmp_path: Path
) -> None:
    app = open_app(lang)
    widget(app, "selectbox", "business").select(business).run()
    programs, wanted = {}, {}
    for name in cells.PAGES:
        ready(app, name)
        folder = tmp_path / name
        sample = name if name in catalogue.roles() else business
        shutil.copytree(SAMPLES / sample, folder)
        programs[folder] = opened(app, name)
        (folder / "plan.json").write_text(plan_of(app, name), "utf-8")
        wanted[folder] = MAIN_FIGURES[name](app)

    said = run(programs)

    lacking = {
        folder.name: [own for own in figures if own not in said[folder]]
        for folder, figures in wanted.items()
    }
    assert all(wanted.values())
    assert {name: own for name, own in lacking.items() if own} == {}


def printed(app: AppTest, name: str, folder: Path) -> str:
    """What the program of a page prints beside the files of the shop."""
    shutil.copytree(SAMPLES / "shop", folder, dirs_exist_ok=True)
    (folder / "plan.json").write_text(plan_of(app, name), "utf-8")
    return run({folder: opened(app, name)})[folder]


def test_the_code_of_the_report_writes_the_file_that_the_page_makes(tmp_path: Path) -> None:
    app = open_page(open_app("en"), BY_NAME["report"])
    widget(app, "radio", "report.form.read").set_value("html").run()
    widget(app, "segmented_control", "report.lang").set_value("ru").run()
    widget(app, "checkbox", "report.part.people").set_value(False).run()
    app.button(key="report.make").click().run()
    made = app.session_state["own"]["kept"]["report.made"].content

    printed(app, "report", tmp_path)

    assert (tmp_path / "report.html").read_bytes() == made


def test_the_code_is_of_the_channels_and_the_part_of_people_in_view(tmp_path: Path) -> None:
    app = open_page(open_app("en"), BY_NAME["channels"])
    widget(app, "segmented_control", "channels.by").set_value("campaign").run()
    named = [plain(name) for name in app.dataframe[0].value["Part"]]
    said = printed(app, "channels", tmp_path)
    assert [own for own in named if f"{own}: " not in said] == []

    everybody = printed(app, "funnel", tmp_path)
    widget(app, "selectbox", "funnel.by").select("channel").run()
    part = widget(app, "selectbox", "funnel.by.channel")
    part.select(part.options[-1]).run()
    wanted = in_cells(app, "{0}: {1} (")
    assert [own for own in wanted if own not in everybody] != []
    said = printed(app, "funnel", tmp_path)
    assert [own for own in wanted if own not in said] == []


def test_the_code_is_of_the_period_and_the_plan_in_view(tmp_path: Path) -> None:
    app = open_app("en")
    widget(app, "slider", "weight.cr").set_value(77).run()
    period = next(own for own in app.selectbox if own.label == "Period")
    period.select("2026-07-01..2026-07-31").run()

    said = printed(app, "scorecard", tmp_path)

    assert f": {app.metric[0].value}\n" in said


def test_the_code_reads_a_taught_file_by_its_layout(tmp_path: Path) -> None:
    draft = Draft(
        name="Ours",
        source="table",
        rows=Rows.ORDERS,
        headings=("Номер", "Когда", "Сколько, руб"),
        meanings={"Номер": "record", "Когда": "date", "Сколько, руб": "amount"},
    )
    data = "Номер\tКогда\tСколько, руб\nA1\t01.10.2026\t1 500,50\nA2\t31.10.2026\t100\n".encode()
    app = open_app("en")
    app.session_state["own"]["layouts"] = {"Ours": written(draft)}
    upload(app, "it's ours.tsv", data)
    assert not app.error
    (tmp_path / "it's ours.tsv").write_bytes(data)
    (tmp_path / "plan.json").write_text(plan_of(app, "scorecard"), "utf-8")

    said = run({tmp_path: opened(app, "catalogue")})[tmp_path]

    figures = MAIN_FIGURES["catalogue"](app)
    assert any("800.25" in own for own in figures)
    assert [own for own in figures if own not in said] == []


def test_nothing_is_written_while_the_code_is_folded() -> None:
    app = open_app("en")
    for page in PAGES:
        assert not open_page(app, page).code


@pytest.mark.parametrize("name", cells.PAGES)
def test_the_code_is_short_and_imports_what_it_uses_and_no_more(name: str) -> None:
    program = cells.page(name, ["orders.csv"], None, "en")
    imported, _, steps = program.rpartition("\n\nLANG")
    assert len(steps.splitlines()) <= 35
    for line in filter(None, imported.splitlines()):
        for own in line.partition(" import ")[2].split(", "):
            assert re.search(rf"\b{own}\b", steps), own
