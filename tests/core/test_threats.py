"""The page about security tells the truth, and what it says of the code at large holds."""

import ast
import importlib
import pkgutil
import re
import signal
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import fields
from io import BytesIO
from pathlib import Path
from re import _constants as kinds  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

import pytest

import kpi_core
from kpi_core import formula
from kpi_core.errors import UsageError
from kpi_core.ingest import bulk, opening, read, textfile, workbook
from kpi_core.ingest.cell import MB
from kpi_core.limits import LIMITS, PREFIX, Limits, limits_of

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")
TABLES = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in PAGE.splitlines()
    if line.startswith("| ")
]
THREATS = [row for row in TABLES if re.fullmatch(r"T\d+", row[0])]
SETTINGS = {row[0].strip("`"): row[1] for row in TABLES if row[0].startswith(f"`{PREFIX}")}
SOURCES = [
    ROOT / "app.py",
    *(path for top in ("kpi_core", "ui", "pages") for path in (ROOT / top).rglob("*.py")),
]


def trees() -> Iterator[tuple[Path, ast.Module]]:
    return ((path, ast.parse(path.read_text("utf-8"))) for path in SOURCES)


# --- the page


def test_every_threat_is_told_once() -> None:
    assert [row[0] for row in THREATS] == [f"T{number}" for number in range(1, len(THREATS) + 1)]


@pytest.mark.parametrize("row", THREATS, ids=lambda row: row[0])
def test_the_test_of_a_threat_and_its_defence_are_there(row: list[str]) -> None:
    _, _, defence, test, limits = row
    path, _, name = test.strip("`").partition("::")
    assert f"def {name}(" in (ROOT / path).read_text("utf-8")
    places = re.findall(r"`([\w./]+/[\w./]*|[\w./]+\.\w+)`", defence)
    assert places
    base = ROOT / Path(places[0]).parent
    assert all((ROOT / place).exists() or (base / place).exists() for place in places)
    assert {own.lower() for own in re.findall(r"`(\w+)`", limits)} <= {
        field.name for field in fields(Limits)
    }


def test_the_limits_told_are_those_of_the_code() -> None:
    usual = {f"{PREFIX}{own.name.upper()}": str(own.default) for own in fields(Limits)}
    assert usual == SETTINGS
    fixed = (formula.MAX_CHARACTERS, formula.MAX_NODES, formula.MAX_DEPTH, formula.MAX_NUMBER)
    told = PAGE.partition("Fixed,")[2].partition("## ")[0]
    assert tuple(map(int, re.findall(r"\d+", told))) == fixed


# --- limits are settings


def test_a_limit_is_set_in_the_environment() -> None:
    assert limits_of({"KPI_LIMIT_SHEETS": "7", "PATH": "x"}) == Limits(sheets=7)
    assert limits_of({}) == Limits()


@pytest.mark.parametrize("value", ["", "0", "-1", "1.5", "1e9", "many", "９", "9" * 10])
def test_a_limit_that_is_no_number_stops_the_program(value: str) -> None:
    with pytest.raises(UsageError) as wrong:
        limits_of({"KPI_LIMIT_SHEETS": value})
    assert "KPI_LIMIT_SHEETS" in wrong.value.text("ru")


def test_a_limit_that_is_none_stops_the_program() -> None:
    with pytest.raises(UsageError, match="no such limit"):
        limits_of({"KPI_LIMIT_SHETS": "1"})


def test_what_reads_files_keeps_to_the_limits() -> None:
    assert workbook.LIMITS.memory_bytes == LIMITS.reader_memory_megabytes * MB
    assert workbook.LIMITS.cells == LIMITS.sheet_cells
    assert bulk.LIMITS.memory_bytes == LIMITS.bulk_memory_megabytes * MB
    assert LIMITS.text_cells == textfile.MAX_CELLS
    assert LIMITS.archive_files == opening.MAX_MEMBERS


def test_a_limit_that_is_set_is_kept(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("Date,Sessions,Orders\n2026-10-01,1,1\n2026-10-02,1,1\n", "utf-8")
    said = subprocess.run(
        [sys.executable, "-m", "kpi_core", "read", str(table)],
        cwd=ROOT, env={"KPI_LIMIT_COLUMNS": "2"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert said.returncode == 2
    assert "the limit is 2" in said.stderr


# --- names


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "..\\..\\boot.ini", "C:\\a.csv", "/etc/passwd", "a\0b.csv", ""],
)
def test_a_name_is_a_label_and_never_a_path(name: str) -> None:
    table = b"Date,Sessions\n2026-10-01,1\n2026-10-02,2\n"
    label = read(name, table).name
    assert "/" not in label
    assert "\\" not in label
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(f"{name or 'x'}.csv", table)
    inner = read("x.zip", packed.getvalue())
    assert [own.rows for own in inner.tables] == [2]


# --- the code at large


def test_nothing_here_unpickles_or_runs_text() -> None:
    forbidden = {"pickle", "cPickle", "dill", "joblib", "shelve", "marshal", "yaml"}
    found = []
    for path, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = {own.name.split(".")[0] for own in node.names}
                names |= {str(getattr(node, "module", "") or "").split(".")[0]}
                found += [f"{path.name}: {name}" for name in names & forbidden]
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                is_run = called in {"eval", "exec", "compile", "os.system", "pd.eval"}
                is_run = is_run or called.endswith((".query", ".read_pickle"))
                shell = any(own.arg == "shell" for own in node.keywords)
                found += [f"{path.name}: {called}"] if is_run or shell else []
    assert found == []


def test_every_duckdb_that_reads_a_file_is_locked() -> None:
    """The child that is given files of strangers can neither open others nor be told to."""
    child = (ROOT / "kpi_core/ingest/bulk_cell.py").read_text("utf-8")
    assert "SET enable_external_access = false" in child
    assert "SET lock_configuration = true" in child


def cached() -> Iterator[tuple[str, str, bool, ast.FunctionDef]]:
    """File, function, whether a session has its own, of all that Streamlit keeps."""
    for path, tree in trees():
        for node in ast.walk(tree):
            if not isinstance(node, ast.FunctionDef):
                continue
            for mark in node.decorator_list:
                said = ast.unparse(mark)
                if said.startswith(("st.cache_data", "st.cache_resource")):
                    assert "persist" not in said, path
                    yield path.name, node.name, "scope='session'" in said, node


def test_no_cache_that_all_share_holds_what_somebody_brought() -> None:
    """What all share is made of nothing, or of the word for a business; never of a session."""
    shared = [(file, node) for file, _, is_own, node in cached() if not is_own]
    assert shared
    for file, node in shared:
        kinds_of = [ast.unparse(own.annotation or ast.Constant("?")) for own in node.args.args]
        assert set(kinds_of) <= {"str"}, f"{file}: {node.name} is given {kinds_of}"
        assert not [own.arg for own in node.args.args if own.arg.startswith("_")], node.name
        used = {ast.unparse(own) for own in ast.walk(node) if isinstance(own, ast.Attribute)}
        kept = [name for name in used if name.startswith(("session.", "st.session_state"))]
        assert kept == [], f"{file}: {node.name}"


def test_what_a_session_keeps_is_told_apart_by_content() -> None:
    """Streamlit hashes only a sample of a large table: none may tell one entry from another."""
    for file, name, _, node in cached():
        for own in node.args.args:
            if not own.arg.startswith("_"):
                kind = ast.unparse(own.annotation or ast.Constant("?"))
                assert re.fullmatch(
                    r"[\[\], .|]*((str|int|tuple|Decimal|object|None|bool|date)"
                    r"[\[\], .|]*)+",
                    kind,
                ), f"{file}: {name}({own.arg}: {kind})"


def test_the_server_is_shut_unless_somebody_opens_it() -> None:
    config = tomllib.loads((ROOT / ".streamlit/config.toml").read_text("utf-8"))
    assert config["server"]["address"] == "127.0.0.1"
    assert config["client"]["showErrorDetails"] == "none"
    assert config["server"]["maxUploadSize"] == LIMITS.file_megabytes
    opened = {"enableXsrfProtection", "enableCORS", "trustedUserHeaders", "enableStaticServing"}
    assert opened.isdisjoint(config["server"])
    assert "enableAgentApi" not in config["server"]


# --- patterns

LENGTH = 2_000  # characters of a text that is made to keep a pattern busy
SECONDS = 10  # of the processor, for one pattern; without retreat it takes a hundredth of one
SAMPLES = {
    kinds.CATEGORY_DIGIT: "7", kinds.CATEGORY_NOT_DIGIT: "a", kinds.CATEGORY_SPACE: " ",
    kinds.CATEGORY_NOT_SPACE: "a", kinds.CATEGORY_WORD: "a", kinds.CATEGORY_NOT_WORD: " ",
}  # fmt: skip


def patterns() -> dict[str, "re.Pattern[Any]"]:
    """Every pattern that a module of the library keeps, by module and name."""
    found = {}
    for own in pkgutil.walk_packages(kpi_core.__path__, "kpi_core."):
        if own.name.endswith("__main__"):
            continue
        try:
            module = importlib.import_module(own.name)
        except ImportError:  # a part whose packages are not installed
            continue
        for name, value in vars(module).items():
            # Numbers are looked for in 64 characters at most.
            if isinstance(value, re.Pattern) and name != "_AMOUNT":
                found[f"{own.name}.{name}"] = value
    return found


def letters(members: list[Any]) -> list[str]:
    """What a class of characters holds, one of each kind."""
    if members[0][0] is kinds.NEGATE:
        return ["a", " ", "7", "-"]
    said = []
    for kind, value in members:
        if kind is kinds.CATEGORY:
            said.append(SAMPLES.get(value, "a"))
        else:
            said.append(chr(value if kind is kinds.LITERAL else value[0]))
    return said


def example(parsed: Any, pumps: set[tuple[str, str]], before: str = "") -> str:
    """A text like the pattern; what may be repeated goes to `pumps` with what stands before it."""
    said = ""
    for kind, value in parsed:
        match kind:
            case kinds.LITERAL:
                said += chr(value)
            case kinds.ANY | kinds.NOT_LITERAL:
                said += "a"
            case kinds.IN:
                said += letters(value)[0]
            case kinds.BRANCH:
                said += max([example(way, pumps, before + said) for way in value[1]], key=len)
            case kinds.SUBPATTERN:
                said += example(value[3], pumps, before + said)
            case kinds.ATOMIC_GROUP:
                said += example(value, pumps, before + said)
            case kinds.MAX_REPEAT | kinds.MIN_REPEAT | kinds.POSSESSIVE_REPEAT:
                least, _, inner = value
                one = example(inner, pumps, before + said) or "a"
                pumps.add((before + said, one))
                for inside, members in inner:
                    if inside is kinds.IN:
                        pumps.update((before + said, each) for each in letters(members))
                said += one * max(least, 1)
    return said


def pumped(pattern: "re.Pattern[Any]") -> set[str]:
    text = (
        pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    )
    pumps: set[tuple[str, str]] = set()
    example(_parser.parse(text, pattern.flags & ~re.UNICODE & ~re.DEBUG), pumps)
    return {
        before + body * (LENGTH // len(body)) + end for before, body in pumps for end in ("", "\0!")
    }


class RunawayError(Exception):
    """A pattern that is still busy."""


PATTERNS = patterns()


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no clock of work here")
@pytest.mark.parametrize("name", PATTERNS)
def test_no_pattern_runs_away(name: str) -> None:
    """The time may grow with the square of a text at most, never with a power of its length."""
    pattern = PATTERNS[name]

    def stop(*_: object) -> None:
        raise RunawayError(name)

    before = signal.signal(signal.SIGVTALRM, stop)
    try:
        for text in pumped(pattern):
            data: Any = (
                text if isinstance(pattern.pattern, str) else text.encode("latin-1", "replace")
            )
            signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
            pattern.match(data)
            pattern.fullmatch(data)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def test_a_pattern_that_runs_away_is_seen() -> None:
    def stop(*_: object) -> None:
        raise RunawayError

    before = signal.signal(signal.SIGVTALRM, stop)
    bad = re.compile(r"(a+)+$")
    (text,) = {own[:40] + "!" for own in pumped(bad) if len(set(own[:40])) == 1 and own[-1] == "!"}
    try:
        signal.setitimer(signal.ITIMER_VIRTUAL, 1)
        with pytest.raises(RunawayError):
            bad.match(text)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


CELLS = [
    "(a",
    ", ",
    ".",
    "7",
    "7 ",
    "a.",
    "8(",
    "тыс ",
    "2026-10-01 ",
    "01.10.2026-",
    "… ",
    "total ",
]


@pytest.mark.parametrize("body", CELLS)
def test_a_long_cell_anywhere_costs_no_more_than_a_few_others(body: str) -> None:
    """One in a title above the table, in a heading, as a day, a name and a figure: 32 kB each."""
    cell = '"' + (body * (32_000 // len(body))) + '"'
    tables = (
        f"{cell},{cell},{cell}\nDate,Source,Sessions\n2026-10-01,a,1\n2026-10-02,a,2\n",
        f"Date,{cell},Sessions\n2026-10-01,a,1\n2026-10-02,a,2\n",
        f"Date,Source,Sessions\n2026-10-01,{cell},1\n{cell},a,2\n2026-10-02,a,{cell}\n",
    )

    def stop(*_: object) -> None:
        raise RunawayError(body)

    before = signal.signal(signal.SIGVTALRM, stop)
    try:
        signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
        assert all(read("table.csv", table.encode()).tables for table in tables)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
