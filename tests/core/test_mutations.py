"""Samples that something happened to: the same figures, or a word about it, never a crash."""

import csv
import io
import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kpi_core.errors import Finding, IngestError
from kpi_core.ingest import Upload, read

EXPORTS = Path(__file__).parents[1] / "exports"
TEXTS = sorted(
    path.with_suffix("")
    for path in EXPORTS.glob("*/*.toml")
    if path.with_suffix("").suffix in {".csv", ".tsv", ".txt"}
)
BINARY = sorted(
    path.with_suffix("") for path in EXPORTS.glob("*/*.toml") if path.with_suffix("") not in TEXTS
)


def encoding(path: Path) -> str:
    return str(tomllib.loads(Path(f"{path}.toml").read_text("utf-8")).get("encoding", "utf-8"))


def refused(path: Path) -> bool:
    return "error" in tomllib.loads(Path(f"{path}.toml").read_text("utf-8"))


READABLE = [path for path in TEXTS if not refused(path)]


def figures(upload: Upload) -> list[dict[str, float | None]]:
    """What the tables of a file add up to."""
    return [
        {id: None if (sum := table.total(id)) is None else round(sum, 6) for id in table.measures}
        for table in upload.tables
    ]


def tidy(path: Path) -> list[list[str]] | None:
    """The rows of a sample that is one table of one width from its first line on."""
    text = path.read_text(encoding(path)).lstrip("\ufeff")
    upload = read(path.name, path.read_bytes())
    cut = [
        list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)) for delimiter in ",;\t"
    ]
    even = [rows for rows in cut if len({len(row) for row in rows}) == 1]
    widest = max(even, key=lambda rows: len(rows[0]), default=[[]])
    return widest if len(widest[0]) > 1 and len(upload.tables) == 1 else None


TIDY = [path for path in READABLE if tidy(path)]


def written(rows: list[list[str]], delimiter: str) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, lineterminator="\r\n").writerows(rows)
    return out.getvalue()


def assert_same(before: Upload, after: Upload) -> None:
    """The same figures; only ``1,250`` may become unreadable, as it loses what made it clear."""
    unclear = {"thousands_unclear"} & {finding.code for finding in after.findings}
    for mine, other in zip(figures(before), figures(after), strict=True):
        assert other == ({id: mine[id] for id in mine if id in other} if unclear else mine)


def test_most_samples_can_be_rewritten_in_other_ways() -> None:
    assert len(TIDY) >= len(READABLE) / 3


@pytest.mark.parametrize("path", TIDY, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_order_of_columns_changes_no_figure(path: Path) -> None:
    rows = tidy(path) or []
    width = len(rows[0])
    order = [*range(1, width, 2), *range(0, width, 2)]
    shuffled = [[row[at] for at in order] for row in rows]
    moved = read(path.name, written(shuffled, ";").encode())
    assert_same(read(path.name, path.read_bytes()), moved)


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("path", TIDY, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_another_spreadsheet_may_have_saved_it(path: Path, coding: str, delimiter: str) -> None:
    again = read(path.name, written(tidy(path) or [], delimiter).encode(coding))
    assert_same(read(path.name, path.read_bytes()), again)


@pytest.mark.parametrize("path", READABLE, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_missing_last_line_end_changes_nothing(path: Path) -> None:
    text = path.read_bytes().decode(encoding(path))
    cut = read(path.name, text.rstrip("\r\n").encode(encoding(path)))
    assert figures(cut) == figures(read(path.name, path.read_bytes()))


def assert_told(name: str, data: bytes) -> None:
    """Reads what may be anything: figures or a named error, and no fault of our own."""
    said: list[IngestError | Finding] = []
    try:
        said += read(name, data).findings
    except IngestError as refusal:
        said.append(refusal)
    assert "unreadable" not in {word.code for word in said}
    assert all(word.text("ru") and word.text("en") for word in said)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_broken_bytes_give_facts_findings_or_a_named_error(data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(TEXTS))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(content) - 1))
        match data.draw(st.sampled_from(["flip", "cut", "insert", "repeat"])):
            case "flip":
                content[at] ^= 1 << data.draw(st.integers(0, 7))
            case "cut":
                del content[at : at + data.draw(st.integers(1, 200))]
            case "insert":
                content[at:at] = data.draw(st.binary(min_size=1, max_size=20))
            case _:
                content[at:at] = content[at : at + data.draw(st.integers(1, 200))]
        if not content:
            content = bytearray(b"\n")
    assert_told(path.name, bytes(content))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_lines_lost_doubled_or_moved_give_facts_findings_or_a_named_error(
    data: st.DataObject,
) -> None:
    path = data.draw(st.sampled_from(TEXTS))
    coding = encoding(path)
    lines = path.read_bytes().decode(coding).splitlines(keepends=True)
    chosen = data.draw(st.lists(st.sampled_from(range(len(lines))), max_size=2 * len(lines)))
    swap = data.draw(st.sampled_from([(",", ";"), (";", "\t"), (".", ","), (" ", "\u00a0")]))
    text = "".join(lines[at] for at in chosen).replace(*swap)
    assert_told(path.name, text.encode(coding, errors="replace"))


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_broken_workbooks_and_archives_give_facts_findings_or_a_named_error(
    data: st.DataObject,
) -> None:
    path = data.draw(st.sampled_from(BINARY))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] ^= 1 << data.draw(st.integers(0, 7))
    assert_told(path.name, bytes(content))
