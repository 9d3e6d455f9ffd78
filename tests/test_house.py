"""The house rules: what lies where, what may not be mentioned, and that the two commands work."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

import tasks
from tests.browser import ROOT, settled

SHARE, TEXT_CONTRAST, MARK_CONTRAST = 1 / 255, 4.5, 3.0  # WCAG 2.2, level AA


@cache
def project_files() -> tuple[Path, ...]:
    """The files of the repository; without git, all that are not hidden."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    if shutil.which("git"):
        listed = subprocess.run(
            command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False
        )
        if listed.returncode == 0:
            paths = (ROOT / name for name in listed.stdout.split("\0") if name)
            return tuple(path for path in paths if path.is_file())
    return tuple(
        path
        for path in ROOT.rglob("*")
        if path.is_file()
        and not any(
            part.startswith(".") or part == "__pycache__" for part in path.relative_to(ROOT).parts
        )
    )


def config() -> dict[str, Any]:
    return tomllib.loads((ROOT / ".streamlit/config.toml").read_text(encoding="utf-8"))


# --- layout


def test_no_script_lies_directly_in_pages() -> None:
    # Streamlit would run it without app.py when a cold server is first asked for its address.
    assert (ROOT / "pages").is_dir()
    assert list((ROOT / "pages").glob("*.py")) == []


def test_the_library_knows_nothing_of_streamlit() -> None:
    sources = [path for path in project_files() if "kpi_core" in path.parts]
    importing = re.compile(r"^\s*(import|from)\s+streamlit\b", re.MULTILINE)
    assert sources
    assert [
        str(p)
        for p in sources
        if p.suffix == ".py" and importing.search(p.read_text(encoding="utf-8"))
    ] == []


def test_nothing_tells_where_it_was_made() -> None:
    """No path of one machine and no package registry; data files may hold any address."""
    folders = "|".join(("work", "root", "opt", "Users", "home"))
    hosts = "|".join(
        ("pypi" + r"\.org", "python" + r"hosted\.org", "npm" + r"js\.", "deb" + r"\.debian")
    )
    telltale = re.compile(rf"(?<![\w.\-*])/({folders})/\w|{hosts}")
    data = {".csv", ".tsv", ".xlsx", ".xls", ".parquet", ".png", ".gz", ".zip"}
    found = []
    for path in project_files():
        if path.suffix in data or "exports" in path.parts:
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        found += [f"{path.relative_to(ROOT)}: {hit.group()}" for hit in telltale.finditer(text)]
    assert found == []


# --- the commands


def makefile_targets() -> set[str]:
    return set(
        re.findall(
            r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE
        )
    )


def test_make_has_every_command() -> None:
    assert makefile_targets() == set(tasks.COMMANDS) | {"help"}


@pytest.mark.skipif(not shutil.which("make"), reason="no make here; tasks.py does all it does")
def test_bare_make_lists_its_targets() -> None:
    said = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert {line.split()[0] for line in said.splitlines()} == makefile_targets()
    assert all(len(line.split()) > 1 for line in said.splitlines())


def test_bare_tasks_lists_its_commands() -> None:
    said = subprocess.run(
        [sys.executable, "tasks.py"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert set(tasks.COMMANDS) <= {line.split()[0] for line in said.splitlines() if line}


def test_an_unknown_command_is_one_line() -> None:
    answer = subprocess.run(
        [sys.executable, "tasks.py", "tset"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 1
    assert answer.stderr.count("\n") == 1
    assert "tset" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_the_readme_names_commands_that_exist() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    by_make = set(re.findall(r"(?:`|^\$? *)make ([a-z-]+)", readme, re.MULTILINE))
    by_python = set(re.findall(r"(?:python3?|py)\s+tasks\.py ([a-z-]+)", readme))
    assert {"run", "test"} <= by_make <= makefile_targets()
    assert {"run", "test"} <= by_python <= set(tasks.COMMANDS)


# --- the locked packages


def locked(name: str) -> dict[str, set[str]]:
    """Package to its versions (there may be one per Python)."""
    versions: dict[str, set[str]] = {}
    for package, version in re.findall(
        r"^([\w.-]+)==(\S+)", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE
    ):
        versions.setdefault(package, set()).add(version)
    return versions


def wanted(requirements: list[str]) -> set[str]:
    return {re.split(r"[<>=!~ ;\[]", line)[0].lower() for line in requirements}


def test_the_lock_holds_every_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    run, dev = locked(tasks.RUN), locked(tasks.DEV)
    assert wanted(project["dependencies"]) <= set(run)
    assert wanted(project["optional-dependencies"]["dev"]) <= set(dev)
    # tasks.py takes an environment with the development packages for one that can run the app.
    assert {name: dev.get(name) for name in run} == run


@pytest.mark.parametrize("name", [tasks.RUN, tasks.DEV])
def test_every_locked_package_has_hashes(name: str) -> None:
    entries = re.split(r"\n(?=[\w.-]+==)", (ROOT / name).read_text(encoding="utf-8"))
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


# --- Streamlit's settings


def test_no_telemetry_and_no_questions() -> None:
    settings = config()
    assert settings["browser"]["gatherUsageStats"] is False
    assert settings["server"]["showEmailPrompt"] is False
    assert settings["server"]["address"] == "127.0.0.1"  # set, it also asks nobody for our address


def test_streamlit_knows_every_setting() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "streamlit", "config", "show"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stderr == ""


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) * SHARE for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_computed_as_wcag_does() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_colours_can_be_read(mode: str) -> None:
    theme = config()["theme"][mode]
    grounds = (theme["backgroundColor"], theme["secondaryBackgroundColor"])
    texts = {"primaryColor", "linkColor", "textColor"}
    texts |= {name for name in theme if name.endswith("TextColor")}
    for ground in grounds:
        weak = {name: contrast(theme[name], ground) for name in texts}
        assert {n: round(c, 2) for n, c in weak.items() if c < TEXT_CONTRAST} == {}
    # A tick in a checkbox is white on the primary colour.
    assert contrast("#ffffff", theme["primaryColor"]) >= MARK_CONTRAST
    marks = {colour: contrast(colour, grounds[0]) for colour in theme["chartCategoricalColors"]}
    assert {colour: round(c, 2) for colour, c in marks.items() if c < MARK_CONTRAST} == {}


def test_no_primary_button() -> None:
    """Streamlit writes white on the primary colour, and none is readable on dark with both."""
    sources = [*(ROOT / "pages").rglob("*.py"), *(ROOT / "ui").rglob("*.py"), ROOT / "app.py"]
    primary = re.compile(r"""type\s*=\s*["']primary["']""")
    assert [str(path) for path in sources if primary.search(path.read_text(encoding="utf-8"))] == []


# --- the app in a browser


def test_the_app_is_drawn_and_asks_no_other_host(
    browser: Any, cold_app: Callable[..., str]
) -> None:
    url = cold_app()
    hosts = set()
    with browser.new_context(locale="ru-RU") as context:
        page = context.new_page()
        page.on("request", lambda request: hosts.add(urlsplit(request.url).hostname))
        page.goto(url)
        settled(page)
        assert page.get_by_test_id("stException").count() == 0
        assert page.get_by_test_id("stHeading").count() > 0
    assert hosts - {None} == {urlsplit(url).hostname}  # None: data that the page holds itself


@pytest.mark.parametrize(("ci", "code", "word"), [("", 0, "1 skipped"), ("true", 1, "1 error")])
def test_a_missing_browser_is_a_skip_and_in_ci_a_failure(ci: str, code: int, word: str) -> None:
    name = test_the_app_is_drawn_and_asks_no_other_host.__name__
    answer = subprocess.run(
        [sys.executable, "-m", "pytest", f"{Path(__file__)}::{name}", "-p", "no:cacheprovider"],
        cwd=ROOT,
        env={**os.environ, "CI": ci, "KPI_BROWSER": str(ROOT / "no-such-browser")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == code
    assert word in answer.stdout


@pytest.mark.parametrize(
    ("words", "value"),
    [((), None), (("--a", "1"), "1"), (("--a=2",), "2"), (("--a",), ""), (("--b", "1"), None)],
)
def test_a_flag_of_the_start_command_is_found_or_not_there(words, value):
    assert tasks.flag(words, "--a") == value
