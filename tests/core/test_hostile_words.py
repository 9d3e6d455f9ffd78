"""Texts of files, plans and people in every kind of file that leaves: words there, nothing else."""

import ast
import csv
import io
import json
import re
import zipfile
from datetime import date
from html.parser import HTMLParser
from xml.etree import ElementTree

import pyarrow.parquet as pq
import pytest
import vl_convert
from pypdf import PdfReader

from kpi_core.charts import returns
from kpi_core.facts import combine
from kpi_core.ingest import read
from kpi_core.pay import Person
from kpi_core.pay.people import people_csv, read_people
from kpi_core.pay.table import payroll_csv
from kpi_core.plan import changed, default_plan
from kpi_core.report import Brand, Report, gather
from kpi_core.report.forms import FORMS, Form
from kpi_core.report.tables import Table, as_csv
from kpi_core.scenario import scenario
from kpi_core.text import harmless

# What a spreadsheet, a browser, a typesetter, Markdown, a shell or Python would do something with.
WORDS = (
    '=cmd|"/c calc"!A1', '=HYPERLINK("http://evil.example","x")', "@SUM(1)", "+1+1", "-2+3", "\t=1",
    "\u3000=1", "\uff1d1+1", "<script>alert(1)</script>", "<img src=x onerror=alert(1)>",
    "</script><svg onload=alert(1)>", "javascript:alert(1)", "![q](http://evil.example/q)",
    '#read("plan.json") #eval("1") ]', "$x^2$ \\u{41} */", ":red[x] :smile: {{7*7}} ${7*7}",
    "'''\n__import__('os').system('x')\n'''", '""" + exit() + """', "\\", "../../etc/passwd",
    "\u202egnp.exe", "%s {0} {name}", "&lt;b&gt; &amp;", "---\n# head",
)  # fmt: skip
CAUGHT = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]")  # what begins a formula


def named(word: str) -> Report:
    """A report in which a word stands wherever anybody may write one."""
    made = io.StringIO()
    table = csv.writer(made)
    table.writerow(["Date", "Channel", "Campaign", "Sessions", "Orders", "Revenue", "Spend"])
    for day in range(1, 32):
        table.writerow([date(2026, 10, day), word, word, 100, 10, 9000, 700])
    upload = read(f"{word}.csv", made.getvalue().encode())
    plan = default_plan("shop")
    line = plan.lines[0].model_dump() | {"kpi": "mine", "target": 9000}
    written = " ".join(word.replace("\u202e", "").split())
    plan = changed(
        plan,
        name=written,
        own={"mine": {"name": written, "formula": "revenue / orders"}},
        lines=[*plan.lines, line],
        missing="zero",
        scheme={"kind": "scorecard", "salary": 30000, "fund": 10000},
        comments={"2026-10": {"mine": written, "total": written}},
    )
    facts = combine([upload])
    return gather(
        facts,
        [upload],
        plan,
        facts.months()[-1],
        "en",
        people=[Person(name=written), Person(name=f"{written}2", correction=-5, reason=written)],
        brand=Brand(client=written),
        scenarios=[scenario(f"{written[:50]} {n}", {"aov": "+10%"}, note=written) for n in (1, 2)],
    )


def rows_of(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.lstrip("\ufeff"), newline="")))


def check_cells(text: str) -> None:
    """No cell of a CSV is a formula; a figure may begin with its sign."""
    cells = [cell for row in rows_of(text) for cell in row]
    is_figure = re.compile(r"-?[\d.]+")
    assert [cell for cell in cells if CAUGHT.match(cell) and not is_figure.fullmatch(cell)] == []


class Page(HTMLParser):
    """Tags and attributes of a page."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(content.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def check_page(content: bytes) -> None:
    page = Page(content)
    assert len([tag for tag, _ in page.found if tag == "script"]) == 2  # those of the page itself
    assert {tag for tag, _ in page.found}.isdisjoint({"img", "iframe", "object", "form", "base"})
    named = [name for _, attributes in page.found for name in attributes]
    assert [name for name in named if name.startswith("on")] == []
    links = [attributes.get("href") or "#" for tag, attributes in page.found if tag == "a"]
    assert [link for link in links if not link.startswith("#")] == []


def check_workbook(content: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        parts = {name: packed.read(name).decode("utf-8", "replace") for name in packed.namelist()}
    assert not [name for name in parts if "vba" in name.lower() or "external" in name.lower()]
    assert not [text for text in parts.values() if "<hyperlink" in text]
    assert not [text for text in parts.values() if 'TargetMode="External"' in text]
    formulas = re.findall(r"<f[ >].*?</f>", "".join(parts.values()), re.DOTALL)
    assert not [made for made in formulas if re.search(r"HYPERLINK|cmd|DDE|WEBSERVICE", made)]
    shared = parts["xl/sharedStrings.xml"]
    said = re.findall(r"<t(?: [^>]*)?>(.*?)</t>", shared, re.DOTALL)
    assert not [text for text in said if CAUGHT.match(text) and len(text) > 1]


def check_pdf(content: bytes) -> None:
    read = PdfReader(io.BytesIO(content))
    root = read.trailer["/Root"]
    assert "/OpenAction" not in root
    assert "/JavaScript" not in root.get("/Names", {})
    assert "/EmbeddedFiles" not in root.get("/Names", {})
    notes = [own.get_object() for page in read.pages for own in page.get("/Annots", [])]
    assert {own["/A"]["/S"] for own in notes if "/A" in own} <= {"/GoTo"}


def calls(code: str) -> set[str]:
    """Functions and methods that a script calls, and what it imports; texts left out."""
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant):
            node.value = 0
    return {
        ast.unparse(node.func if isinstance(node, ast.Call) else node).split("(")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Call | ast.Import | ast.ImportFrom)
    }


def code_of(content: bytes) -> str:
    cells = json.loads(content)["cells"]
    return "\n".join("".join(own["source"]) for own in cells if own["cell_type"] == "code")


def check_words_of_notebook(content: bytes, usual: bytes) -> None:
    """Its Markdown is ours alone: no word of a file stands in it."""
    both = [
        ["".join(own["source"]) for own in json.loads(made)["cells"] if own["cell_type"] != "code"]
        for made in (content, usual)
    ]
    assert both[0] == both[1]


def check(form: Form, content: bytes, usual: bytes) -> None:
    """A file of a report does nothing that the same file of plain names does not do."""
    match form.suffix:
        case ".csv":
            check_cells(content.decode("utf-8"))
        case ".html":
            check_page(content)
        case ".xlsx":
            check_workbook(content)
        case ".pdf":
            check_pdf(content)
        case ".ipynb":
            assert calls(code_of(content)) == calls(code_of(usual))
            check_words_of_notebook(content, usual)
        case ".py":
            assert calls(content.decode()) == calls(usual.decode())
        case ".parquet":
            assert pq.read_table(io.BytesIO(content)).num_rows
        case ".zip":
            with zipfile.ZipFile(io.BytesIO(content)) as packed:
                for name in packed.namelist():
                    assert re.fullmatch(r"[a-z]+\.[a-z]+", name)
                    if name.endswith(".csv"):
                        check_cells(packed.read(name).decode("utf-8"))
        case _:
            raise AssertionError(f"nobody says when {form.suffix} is harmless")


SUFFIXES = {form.suffix: form for form in reversed(FORMS)}  # of each suffix the usual form


@pytest.mark.slow
@pytest.mark.parametrize("word", WORDS)
def test_no_kind_of_file_does_what_a_name_says(word: str) -> None:
    report, usual = named(word), named("plain")
    for form in SUFFIXES.values():
        check(form, form.write(report), form.write(usual))


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.id)
def test_each_kind_of_file_is_harmless_with_a_formula_for_a_name(form: Form) -> None:
    check(form, form.write(named(WORDS[0])), form.write(named("plain")))


@pytest.mark.parametrize("word", WORDS)
def test_people_come_back_as_they_were_called_and_no_cell_is_a_formula(word: str) -> None:
    name = " ".join(word.replace("\u202e", "").split())
    people = [Person(name=name, reason=name, correction=-1)]
    text = people_csv(people, "en")
    check_cells(text)
    assert read_people("people.csv", text.encode()).people == tuple(people)


def test_a_payroll_of_hostile_names_has_no_formula() -> None:
    report = named(WORDS[0])
    assert report.payroll
    check_cells(payroll_csv(report.payroll, "ru"))


@pytest.mark.parametrize("word", WORDS)
def test_a_table_of_a_hostile_word_is_a_table(word: str) -> None:
    text = as_csv(Table({"name": str}, ((word,),))).decode("utf-8")
    check_cells(text)
    assert rows_of(text)[1][0] == harmless(word)


@pytest.mark.parametrize("word", WORDS)
def test_a_chart_of_hostile_names_is_a_picture_of_words(word: str) -> None:
    report = named(word)
    assert report.channels
    chart = returns(report.channels, "en")
    drawn = str(vl_convert.vegalite_to_svg(chart.to_json(), allowed_base_urls=[]))
    nodes = list(ElementTree.fromstring(drawn).iter())  # noqa: S314 - our own
    tags = {node.tag.rpartition("}")[2] for node in nodes}
    assert tags.isdisjoint({"script", "image", "foreignObject", "a"})
    assert not [name for node in nodes for name in node.attrib if name.startswith("on")]
    assert vl_convert.svg_to_png(drawn).startswith(b"\x89PNG")
