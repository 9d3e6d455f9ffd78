"""Docs cannot lie: what the README tells to type is typed here, and what it points to is there."""

import json
import re
import shlex
from fractions import Fraction
from pathlib import Path

import pytest

from docs.take_screenshots import GUIDE, SIZES, STEPS, WIDE
from kpi_core.cli import main
from kpi_core.ingest.listing import markdown
from kpi_core.plan import default_plan
from kpi_core.text import percent, phrases
from kpi_core.words import points

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
                for size in SIZES:
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


@pytest.mark.slow
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


GUIDES = {"en": "guide.md", "ru": "guide.ru.md"}
SAID_BY = {  # step of the guide to the commands, and the settings, that say its figures
    "start": ("score --plan plan.json {october}", "bonus --plan plan.json {october}"),
    "load": ("read",),
    "weights": ("score --plan plan.json {october}", "score --plan moved.json {october}"),
    "funnel": ("funnel --business shop {october}",),
    "bonus": ("bonus --plan plan.json {october}",),
    "earns": ("incentive --plan plan.json {october}", "fair --plan plan.json {october}"),
    "whatif": ("whatif --plan plan.json {october} --set cr=+14%",),
    "doubt": ("read",),
}
SETTINGS = {"start": "pyproject.toml", "load": ".streamlit/config.toml"}
PICTURE = r"!\[[^\]]+\]\(guide/(\w+)-(\w+)\.png\)"
SEEN_IN_THE_APP = r"\*\*([^*]+)\*\*|“([^”]+)”|«([^»]+)»"


def guide(lang: str) -> str:
    """Without the commands, which are no figures."""
    text = (ROOT / "docs" / GUIDES[lang]).read_text("utf-8")
    return re.sub(r"```.*?```", "", text, flags=re.S)


def plain(text: str) -> str:
    """A phrase may go over a line; a space that parts thousands is none between two figures."""
    together = re.sub(r"(?<=\d)\N{NO-BREAK SPACE}(?=\d)", "'", text)
    return " ".join(together.split()).replace(" %", "%")


def figures(text: str) -> list[str]:
    marked = [word for word in re.findall(r"`([^`]+)`", text) if re.search(r"\d", word)]
    return [plain(re.sub(r"(?<=\d) (?=\d{3})", "\N{NO-BREAK SPACE}", word)) for word in marked]


@pytest.mark.parametrize("lang", GUIDES)
def test_every_step_of_the_guide_has_its_picture_and_every_picture_its_step(lang):
    first, *steps = guide(lang).split("\n## ")

    assert "](guide/" not in first
    assert [re.findall(PICTURE, text) for text in steps] == [[(own.name, lang)] for own in STEPS]


def test_no_picture_of_the_guide_is_left_over_and_all_are_as_wide():
    wide = {path.name: int.from_bytes(path.read_bytes()[16:20], "big") for path in GUIDE.iterdir()}

    assert wide == {f"{step.name}-{lang}.png": WIDE for step in STEPS for lang in GUIDES}


@pytest.mark.parametrize("lang", GUIDES)
def test_the_guide_quotes_the_words_of_the_app(lang):
    told = (phrase[lang] for phrase in phrases().values())
    known = {plain(str(text)) for text in told if not isinstance(text, dict)}
    quoted = {plain("".join(found)) for found in re.findall(SEEN_IN_THE_APP, guide(lang))}

    assert quoted
    assert quoted - known == set()


@pytest.mark.parametrize("lang", GUIDES)
def test_every_figure_of_the_guide_is_marked_as_one(lang):
    prose = re.sub(rf"^## .*$|`[^`]+`|{SEEN_IN_THE_APP}|\]\([^)]+\)", "", guide(lang), flags=re.M)

    assert re.findall(r".*\d.*", prose) == []


@pytest.mark.slow
@pytest.mark.parametrize("lang", GUIDES)
def test_every_figure_of_the_guide_is_what_the_sample_says(lang, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    plan = default_plan("shop")
    for name, own in (("plan", plan), ("moved", plan.with_share("cr", Fraction(31, 100)))):
        Path(f"{name}.json").write_text(own.model_dump_json(exclude_none=True), "utf-8")
    for step, text in zip(STEPS, guide(lang).split("\n## ")[1:], strict=True):
        said = (ROOT / SETTINGS[step.name]).read_text("utf-8") if step.name in SETTINGS else ""
        for line in SAID_BY.get(step.name, ()):
            said += f" {line} {answer(line, lang, capsys)}"
        for figure in figures(text):
            alone = rf"(?<![\d.,']){re.escape(figure)}(?!\d|[.,']\d)"
            assert re.search(alone, plain(said)), f"{step.name}: {figure}"


def answer(line: str, lang: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What a command says of the sample; a score also in points, as people see it."""
    command = line.format(october="--period 2026-10").split()
    files = [str(path) for path in sorted((ROOT / "sample_data" / "shop").glob("*.csv"))]
    assert main([*command, "--lang", lang, *files]) == 0, line
    said = capsys.readouterr().out
    if command[0] == "score":
        assert main([*command, "--json", *files]) == 0
        card = json.loads(capsys.readouterr().out)
        said += f" {points(Fraction(card['total']), lang)} "
        said += " ".join(percent(own["share"], lang, 0) for own in card["lines"])
    return said
