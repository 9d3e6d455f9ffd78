"""The command line writes every kind of report, and says what it cannot."""

import csv
import io
import json
import zipfile
from pathlib import Path

import pytest
from pypdf import PdfReader

from kpi_core.cli import main
from kpi_core.errors import UsageError
from kpi_core.plan import default_plan
from kpi_core.report import FORMS, Form, Part
from kpi_core.text import say
from tests.core.reported import SAMPLES, squeezed
from tests.core.test_report_pdf import PNG

FILES = sorted(map(str, (SAMPLES / "shop").glob("*.csv")))


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "plan.json"
    path.write_text(default_plan("shop").as_json(), "utf-8")
    return path


def asked(plan: Path, to: str, *options: str) -> tuple[int, Path]:
    """Exit code, and where the report is."""
    path = plan.parent / to
    command = ["report", "--plan", str(plan), "--period", "2026-10", "--lang", "en"]
    return main([*command, "--to", str(path), *options, *FILES]), path


def text(path: Path) -> list[str]:
    """What each page says."""
    return [
        squeezed(page.extract_text()) for page in PdfReader(io.BytesIO(path.read_bytes())).pages
    ]


def test_a_summary_is_one_page_and_the_whole_is_what_is_written_unasked(plan: Path) -> None:
    code, short = asked(plan, "short.pdf", "--kind", "summary", "--client", "Moss & Co")
    _, whole = asked(plan, "whole.pdf", "--kind", "full")
    _, usual = asked(plan, "usual.pdf")

    assert code == 0
    assert len(text(short)) == 1
    assert squeezed("Moss & Co") in text(short)[0]
    assert text(usual) == text(whole)
    assert len(text(whole)) > 3


def test_slides_lie_on_their_side(plan: Path) -> None:
    _, path = asked(plan, "slides.PDF", "--kind", "slides")
    box = PdfReader(io.BytesIO(path.read_bytes())).pages[0].mediabox
    assert box.width > box.height


def test_each_of_the_people_gets_a_page_to_sign(plan: Path) -> None:
    people = plan.parent / "people.csv"
    people.write_text("name\nAnna Orlova\nBoris Lind\n", "utf-8")

    _, path = asked(plan, "sign.pdf", "--kind", "statement", "--people", str(people))

    first, second = text(path)
    assert squeezed("Anna Orlova") in first
    assert squeezed("Boris Lind") in second
    assert squeezed(say("en", "report_pages.signature")) in first


def test_only_the_parts_that_are_named_are_written(plan: Path) -> None:
    _, path = asked(plan, "parts.html", "--parts", "score, funnel", "--accent", "#8a1538")

    page = path.read_text("utf-8")
    assert {part for part in Part if f'<h2 id="{part}"' in page} == {Part.SCORE, Part.FUNNEL}
    assert "#8a1538" in page


def test_a_logo_is_opened_whatever_it_is_called(
    plan: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logo = plan.parent / "logo.bin"
    logo.write_bytes(PNG)
    assert asked(plan, "logo.html", "--logo", str(logo))[0] == 0

    logo.write_bytes(b"no picture")
    code, path = asked(plan, "none.html", "--logo", str(logo))

    assert code == 2
    assert not path.exists()
    assert "PNG or JPEG" in capsys.readouterr().err


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.id)
def test_every_form_is_written_and_the_first_of_a_suffix_unasked(plan: Path, form: Form) -> None:
    _, named = asked(plan, f"named{form.suffix}", *(["--kind", form.kind] if form.kind else []))
    assert named.stat().st_size > 500
    usual = next(own for own in FORMS if own.suffix == form.suffix)
    if usual == form and form.suffix == ".csv":
        _, unasked = asked(plan, f"unasked{form.suffix}")
        assert unasked.read_bytes() == named.read_bytes()


def test_facts_are_a_table_of_what_the_files_say(plan: Path) -> None:
    _, kpis = asked(plan, "kpis.csv", "--kind", "kpis")
    _, facts = asked(plan, "facts.csv", "--kind", "facts")
    assert kpis.read_text("utf-8-sig").startswith("kpi,name,start")
    assert facts.read_text("utf-8-sig").startswith("source,level,start")


def test_scenarios_of_a_file_stand_in_the_report(
    plan: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(SAMPLES / "scenarios.json")
    code, page = asked(plan, "beside.html", "--scenarios", file)
    assert code == 0
    assert all(name in page.read_text("utf-8") for name in ("Move", "Mend", "Both"))
    capsys.readouterr()

    assert main(["compare", "--plan", str(plan), "--period", "2026-10", "--lang", "en", "--json",
                 file, *FILES]) == 0  # fmt: skip
    compared = json.loads(capsys.readouterr().out)
    _, table = asked(plan, "beside.zip", "--scenarios", file)
    packed = zipfile.ZipFile(table).read("scenarios.csv").decode("utf-8-sig")
    rows = {
        (row["scenario"], row["figure"]): row["value"]
        for row in csv.DictReader(io.StringIO(packed))
    }
    for row in (own for own in compared["rows"] if own["kind"] == "result"):
        assert float(rows["", row["id"]]) == pytest.approx(row["base"])
        for made, cell in zip(compared["scenarios"], row["scenarios"], strict=True):
            assert float(rows[made["name"], row["id"]]) == pytest.approx(cell["value"])


def test_one_scenario_is_too_few_and_a_lever_that_cannot_stand_so_is_told(
    plan: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = plan.parent / "own.json"
    file.write_text('{"scenarios": [{"name": "A", "levers": {"cr": "+10%"}}]}', "utf-8")
    assert asked(plan, "one.html", "--scenarios", str(file))[0] == 2
    assert "from 2 to 5" in capsys.readouterr().err

    file.write_text(
        '{"scenarios": [{"name": "A", "levers": {"cr": "+10%"}},'
        ' {"name": "B", "levers": {"cr": "+10000%"}}]}',
        "utf-8",
    )
    code, page = asked(plan, "two.html", "--scenarios", str(file))
    why = UsageError("lever_over_one", where="cr").text("en")
    assert code == 0
    assert why in page.read_text("utf-8")
    assert why in capsys.readouterr().out


@pytest.mark.parametrize(
    ("to", "options", "why"),
    [
        ("a.xlsx", ["--kind", "summary"], "Leave out --kind"),
        ("a.html", ["--kind", "full"], "Leave out --kind"),
        ("a.pdf", ["--kind", "poster"], "full, summary, statement, slides"),
        ("a.csv", ["--kind", "full"], "kpis, facts"),
        ("a.pdf", ["--scenarios", "nowhere.json"], "nowhere.json"),
        ("a.pdf", ["--parts", "score,funel"], "'funnel'"),
        ("a.pdf", ["--parts", ","], "no such part"),
        ("a.pdf", ["--accent", "red"], "#0072b2"),
        ("a.pdf", ["--people", "nowhere.csv"], "nowhere.csv"),
        ("a.docx", [], ".pdf"),
    ],
)
def test_what_cannot_be_made_is_one_line_and_no_file(
    plan: Path, capsys: pytest.CaptureFixture[str], to: str, options: list[str], why: str
) -> None:
    code, path = asked(plan, to, *options)

    assert code == 2
    assert not path.exists()
    said = capsys.readouterr().err
    assert why in said
    assert said.count("\n") == 1


def test_pay_that_cannot_be_told_leaves_a_report_that_says_why(
    plan: Path,
) -> None:
    """Without --period the files hold thirteen months, for which no month's bonus can be paid."""
    path = plan.parent / "all.pdf"
    command = ["report", "--plan", str(plan), "--lang", "en", "--kind", "statement"]

    assert main([*command, "--to", str(path), *FILES]) == 0

    assert squeezed("period") in text(path)[0]
    assert squeezed(say("en", "report_pages.signature")) not in text(path)[0]
