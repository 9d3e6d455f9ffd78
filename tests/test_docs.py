"""Docs cannot lie: what the README tells to type is typed here, and what it points to is there."""

import re
import shlex
from pathlib import Path

import pytest

from kpi_core.cli import main
from kpi_core.ingest.listing import markdown

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def shell_lines() -> list[str]:
    blocks = re.findall(r"```shell\n(.*?)```", README, re.S)
    return [line for block in blocks for line in block.splitlines()]


def test_every_command_line_of_the_readme_does_what_it_says(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sample_data").symlink_to(ROOT / "sample_data", target_is_directory=True)
    for line in shell_lines():
        command, _, target = line.partition(" > ")
        words = shlex.split(command)
        assert words[:3] == ["python", "-m", "kpi_core"]

        assert main(words[3:]) == 0, line

        printed = capsys.readouterr().out
        assert printed.strip()
        if target:
            Path(target).write_text(printed, "utf-8")


def test_the_table_of_formats_is_the_one_that_is_printed():
    """`python -m kpi_core formats > docs/formats.md` writes it anew."""
    assert (ROOT / "docs" / "formats.md").read_text("utf-8") == markdown()


DOCUMENTS = [path.relative_to(ROOT) for path in (ROOT / "README.md", *ROOT.glob("docs/**/*.md"))]


@pytest.mark.parametrize("document", sorted(DOCUMENTS))
def test_every_link_of_a_document_leads_somewhere(document):
    path = ROOT / document
    for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text("utf-8")):
        assert (path.parent / target).exists(), f"{document}: {target}"


def test_every_page_of_the_app_has_its_screenshots():
    pages = re.findall(r'^    "(\w+)": \("pages/', (ROOT / "app.py").read_text("utf-8"), re.M)
    for page in pages:
        for lang in ("ru", "en"):
            for theme in ("light", "dark"):
                for size in ("desktop", "phone"):
                    name = f"{page}-{lang}-{theme}-{size}.png"
                    assert (ROOT / "docs" / "screenshots" / name).exists(), name


COVERED = [
    tuple(cell.strip() for cell in line.strip("|").split("|"))
    for line in (ROOT / "docs" / "coverage.md").read_text("utf-8").splitlines()
    if line.startswith("| ") and "`" in line
]


def test_every_test_and_page_of_the_coverage_table_is_there():
    pages = re.findall(r'^    "(\w+)": \("pages/', (ROOT / "app.py").read_text("utf-8"), re.M)
    for what, page, _, test in COVERED:
        assert page in pages, what
        path, _, name = test.strip("`").partition("::")
        assert f"def {name}(" in (ROOT / path).read_text("utf-8"), f"{what}: {test}"


def test_every_command_of_the_coverage_table_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sample_data").symlink_to(ROOT / "sample_data", target_is_directory=True)
    for role, plan in (("shop", "plan.json"), ("analyst", "analyst.json")):
        assert main(["plan", "--business", role]) == 0
        Path(plan).write_text(capsys.readouterr().out, "utf-8")
    for line in dict.fromkeys(row[2].strip("`") for row in COVERED):
        command = [
            str(name)
            for word in shlex.split(line)
            for name in (sorted(Path().glob(word)) if "*" in word else [word])
        ]
        assert main(command) == 0, line
        assert capsys.readouterr().out.strip(), line
