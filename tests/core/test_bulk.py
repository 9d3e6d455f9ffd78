"""Large files: the reduction equals a slow and obvious one, or there is a named error."""

import csv
import io
import random
import re
import subprocess
import sys
import tempfile
import threading
from collections import defaultdict
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi_core.errors import IngestError
from kpi_core.ingest import bulk_cell
from kpi_core.ingest.bulk import (
    LIMITS,
    Amount,
    Day,
    Dialect,
    First,
    Key,
    Log,
    Reduced,
    Sum,
    identity,
    reduce_events,
    reduce_parquet,
    reduce_text,
)
from kpi_core.ingest.bulk_cell import CHUNK, Limits, Looker, Proof, Refused
from kpi_core.ingest.values import MISSING, days

HEADINGS = ("day", "channel", "note", "visits", "revenue")
USES = (Day(0), Key(1), Sum(3), Sum(4, "."))
PLAIN = Dialect("utf-8", ",", HEADINGS, 1)
# DuckDB keeps pieces of this size: with small ones, records lie across their edges.
SMALL = replace(LIMITS, line_bytes=4096, buffer_bytes=4 * CHUNK)


def refusal(data: bytes, dialect: Dialect = PLAIN, limits: Limits = LIMITS) -> IngestError:
    with pytest.raises(IngestError) as failed:
        reduce_text(data, dialect, USES, limits)
    assert failed.value.text("en")
    assert failed.value.text("ru")
    return failed.value


def lines(*rows: str, end: str = "\n") -> bytes:
    return end.join([",".join(HEADINGS), *rows, ""]).encode()


# --- the oracle


def oracle(rows: list[list[str]], mark: str) -> dict[tuple[str, str], tuple[Any, Any, int]]:
    """By day and channel: visits, revenue (exact; None if no record has any) and records."""
    found: dict[tuple[str, str], list[list[str]]] = defaultdict(list)
    for row in rows:
        if row:
            day = (
                row[0][:10]
                if re.fullmatch(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d", row[0])
                else row[0]
            )
            found[day, row[1]].append(row)
    return {
        key: (
            _added([row[3] for row in group], mark),
            _added([row[4] for row in group], mark),
            len(group),
        )
        for key, group in found.items()
    }


def _added(cells: list[str], mark: str) -> Fraction | None:
    figures = [Fraction(cell.strip().replace(mark, ".")) for cell in cells
               if cell.strip().casefold() not in MISSING]  # fmt: skip
    return sum(figures, Fraction(0)) if figures else None


def told(reduced: Reduced) -> dict[tuple[str, str], tuple[Any, Any, int]]:
    return {
        (key[0] if isinstance(key[0], str) else "", key[1] if isinstance(key[1], str) else ""): (
            None if np.isnan(visits) else visits,
            None if np.isnan(revenue) else revenue,
            n,
        )
        for *key, visits, revenue, n in reduced.frame.itertuples(index=False, name=None)
    }


def assert_same(reduced: Reduced, rows: list[list[str]], mark: str) -> None:
    expected = oracle(rows, mark)
    got = told(reduced)
    assert set(got) == set(expected)
    for key, (visits, revenue, n) in expected.items():
        assert got[key][2] == n
        for exact, seen in ((visits, got[key][0]), (revenue, got[key][1])):
            assert (exact is None) == (seen is None)
            assert exact is None or seen == float(exact)
    assert reduced.records == sum(bool(row) for row in rows)
    assert not reduced.judged


NOTES = ["", "plain", 'say "hi"', "two\nlines", "a;b,c\td|e", "\r\nedge\r\n", '"', "Цена, №", "'"]


def made(seed: int, mark: str) -> list[list[str]]:
    pick = random.Random(seed)  # noqa: S311
    rows = []
    for _ in range(pick.choice([0, 1, 2, 40, 400])):
        day = pick.choice(
            [
                "2026-10-01",
                "2026-10-02",
                "2026-10-02 23:59:59",
                "2026-10-01T00:00:00",
                "Итого",
                "",
                "2026-10-02 later",
            ]
        )
        revenue = pick.choice(
            [
                "",
                "-",
                "0",
                f"{pick.randint(-99, 99999)}{mark}{pick.randint(0, 99):02}",
                f"0{mark}5",
                f"{pick.randint(1, 9)}{mark}123456",
            ]
        )
        rows.append(
            [
                day,
                pick.choice(["organic", "email", "", "Почта"]),
                pick.choice(NOTES),
                pick.choice(["", "n/a", "0", str(pick.randint(-5, 10**6))]),
                revenue,
            ]
        )
    return rows


@pytest.mark.parametrize("seed", range(24))
def test_a_text_file_is_added_up_exactly(seed: int) -> None:
    pick = random.Random(seed)  # noqa: S311
    delimiter = ",;\t|"[seed % 4]
    mark = "," if delimiter != "," and seed % 3 else "."
    encoding = ["utf-8", "utf-8-sig", "cp1251", "utf-16"][seed // 4 % 4]
    end = ["\n", "\r\n"][seed % 2]
    rows = made(seed, mark)
    title = [[], ["Отчёт за октябрь"], []][: seed % 3]
    out = io.StringIO(newline="")
    quoting = pick.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
    writer = csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=quoting)
    writer.writerows([*title, list(HEADINGS), *rows])
    text = out.getvalue()
    if seed % 5 == 0:
        text = text.removesuffix(end)
    if seed % 7 == 0:
        text += end * 3
    read = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    dialect = Dialect(encoding, delimiter, HEADINGS, 1 + len(title))
    uses = (Day(0), Key(1), Sum(3), Sum(4, mark))  # type: ignore[arg-type]
    data = text.encode(encoding)
    reduced = reduce_text(data, dialect, uses)
    assert_same(reduced, read[1 + len(title) :], mark)
    pick.shuffle(rows)
    again = io.StringIO(newline="")
    csv.writer(again, delimiter=delimiter, lineterminator=end).writerows([HEADINGS, *rows])
    shuffled = reduce_text(again.getvalue().encode(encoding), replace(dialect, skip=1), uses)
    pd.testing.assert_frame_equal(shuffled.frame, reduced.frame)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_records_across_the_edges_of_pieces(end: str) -> None:
    pick = random.Random(1)  # noqa: S311
    rows = [
        [
            "2026-10-0" + str(n % 9 + 1),
            "c" + str(n % 7),
            pick.choice(NOTES) * (n % 40),
            str(n),
            f"{n}.5",
        ]
        for n in range(60_000)
    ]
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator=end).writerows([HEADINGS, *rows])
    data = out.getvalue().encode()
    assert len(data) > 3 * SMALL.buffer_bytes
    assert_same(reduce_text(data, PLAIN, USES, SMALL), rows, ".")


def test_a_path_may_hold_signs_of_patterns_and_quotes(tmp_path: Path) -> None:
    for name in ("a[1]*.csv", "it's.csv.gz", "отчёт ё.csv"):
        path = tmp_path / name
        path.write_bytes(lines("2026-10-01,a,,1,2.5"))
        assert reduce_text(path, PLAIN, USES).frame["n"].tolist() == [1]
    assert refusal(b"").code == "empty_file"
    with pytest.raises(IngestError) as failed:
        reduce_text(tmp_path / "none.csv", PLAIN, USES)
    assert failed.value.code == "no_such_file"


def test_groups_become_rows_of_cells() -> None:
    reduced = reduce_text(lines("2026-10-01,a,x,1,", "2026-10-01,a,y,2,", "x,,,,"), PLAIN, USES)
    assert reduced.rows(5) == [["2026-10-01", "a", None, 3.0, None], ["x", None, None, None, None]]


def test_no_record_at_all() -> None:
    reduced = reduce_text(lines(), PLAIN, USES)
    assert reduced.records == 0
    assert reduced.frame.empty


# --- figures


def test_sums_are_exact_where_floats_are_not() -> None:
    many = reduce_text(lines(*["2026-10-01,a,,1,0.1"] * 1000), PLAIN, USES)
    assert many.frame[3].tolist() == [100.0]
    assert sum([0.1] * 1000) != 100.0


@pytest.mark.parametrize(
    "cell", ["2.546", "2.000", "1,5", "1 234", "5%", "$5", "+5", "5.", "1e3", "0x10", "1_000",
             "nan", "inf", "-inf", "٣", "12345678901234567", "12 руб."]
)  # fmt: skip
def test_an_odd_cell_is_never_added_as_it_happens(cell: str) -> None:
    """In a column that looked whole, the ordinary rules judge; here they see what DuckDB would."""
    data = lines("2026-10-01,a,,1,1", "2026-10-01,a,,1,1", f'2026-10-01,a,,"{cell}",1')
    reduced = reduce_text(data, PLAIN, USES)
    column = ["1", "1", cell]
    from kpi_core.ingest.values import numbers

    judged = numbers(column, None)
    expected = np.nan if judged.unclear else np.nansum(judged.values)
    assert reduced.frame[2].tolist() == pytest.approx([expected], nan_ok=True)
    assert reduced.records == 3
    if cell not in {"nan", "1,5"}:  # missing; and a decimal comma that all figures agree on
        assert reduced.judged[2].unclear == judged.unclear
        assert reduced.judged[2].unread == len(judged.unread)


def test_decimals_that_come_late_settle_the_mark() -> None:
    data = lines("2026-10-01,a,,1,1", "2026-10-01,a,,2.546,1", "2026-10-01,a,,0.25,1")
    assert reduce_text(data, PLAIN, USES).frame[2].tolist() == [3.796]
    alone = lines("2026-10-01,a,,1,1", "2026-10-01,a,,2.546,1")
    told = reduce_text(alone, PLAIN, USES)
    assert told.judged[2].unclear
    assert told.frame[2].isna().all()
    assert told.frame[3].tolist() == [2.0]  # other columns keep their sums
    assert told.frame["n"].tolist() == [2]


def test_long_decimals_and_leading_zeros_are_plain_too() -> None:
    data = lines("d,a,,007,0.30000000000000004", "d,a,,-0,-0.00", "d,a,, 3 ,12.340000000000002")
    reduced = reduce_text(data, PLAIN, USES)
    assert not reduced.judged
    assert reduced.frame[2].tolist() == [10.0]
    assert reduced.frame[3].tolist() == [
        float(Decimal("0.30000000000000004") + Decimal("12.340000000000002"))
    ]


def test_too_many_odd_figures_are_an_error_that_names_the_column() -> None:
    data = lines(*(f"2026-10-01,a,,1,{n} 000" for n in range(50)))
    error = refusal(data, limits=replace(LIMITS, groups=20))
    assert (error.code, error.values["column"]) == ("figures_not_plain", "revenue")


def test_too_many_groups() -> None:
    error = refusal(lines(*(f"x{n},a,,1,1" for n in range(50))), limits=replace(LIMITS, groups=49))
    assert (error.code, error.values) == ("too_many_groups", {"limit": 49})


# --- broken files

GOOD = [f"2026-10-01,a,,1,{n}" for n in range(2000)]


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        ("2026-10-01,a,,1,2,3", "ragged"),
        ("2026-10-01,a,,1", "narrow_row"),
        ("2026-10-01", "narrow_row"),
        ('2026-10-01,a,"open,1,2', "broken_quotes"),
        ('2026-10-01,a,"shut"x,1,2', "broken_quotes"),
        ('2026-10-01,a,5" screen,1,2', "broken_quotes"),
        ('2026-10-01,a, "b",1,2', "broken_quotes"),
        ("2026-10-01,a,\0,1,2", "null_byte"),
        ("2026-10-01,a,x\ry,1,2", "mixed_newlines"),
    ],
)
@pytest.mark.parametrize("last", [True, False])
def test_a_broken_record_is_an_error_with_its_line(bad: str, code: str, last: bool) -> None:
    error = refusal(lines(*GOOD, bad, *([] if last else GOOD)))
    assert error.code == code
    if "line" in error.values:
        assert error.values["line"] == len(GOOD) + 2


def test_a_wide_and_a_narrow_record_do_not_make_up_for_each_other() -> None:
    data = lines("2026-10-01,a,,1,2", "2026-10-01,a,,1,2,3", "2026-10-01,a,,1")
    error = refusal(data)
    assert (error.code, error.values["line"]) == ("ragged", 3)


def test_blank_cells_behind_the_last_column_are_no_news() -> None:
    data = lines("2026-10-01,a,,1,2,", "2026-10-01,a,,1,2,,", "2026-10-01,a,,1,2")
    assert reduce_text(data, PLAIN, USES).frame[3].tolist() == [6.0]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1251"])
def test_a_bad_byte_late_in_the_file(encoding: str) -> None:
    text = lines(*GOOD * 50).decode()
    bad = {"utf-8": b"\xd0", "utf-16": b"\x00", "cp1251": b"\x98"}[encoding]
    data = text.encode(encoding) + bad
    assert refusal(data, replace(PLAIN, encoding=encoding)).code == "bad_encoding"
    inside = b"2026-10-01,a," + b"\xff" + b",1,2\n"
    assert refusal(lines(*GOOD) + inside).code == "bad_encoding"


def test_line_ends_of_two_kinds() -> None:
    assert refusal(lines("x,a,,1,2") + b"y,a,,1,2\r\n").code == "mixed_newlines"
    assert refusal(lines("x,a,,1,2", "y,a,,1,2", end="\r")).code == "mixed_newlines"


def test_a_line_without_an_end() -> None:
    data = lines("x,a,,1,2") + b"y,a," + b"z" * (2 * LIMITS.line_bytes) + b",1,2\n"
    assert refusal(data).code == "line_too_long"
    quoted = lines("x,a,,1,2") + b'y,a,"' + b"z,z,z,z,z\n" * LIMITS.line_bytes
    error = refusal(quoted)
    assert (error.code, error.values["line"]) == ("broken_quotes", 3)


# --- the proof by count


def looked(data: bytes, delimiter: str = ",") -> bulk_cell.Look | str:
    path = Path(__file__)

    class Bytes(type(path)):  # type: ignore[misc]
        def open(self, *_args: Any, **_named: Any) -> Any:  # type: ignore[override]
            return io.BytesIO(data)

    try:
        return Looker(delimiter, 0, LIMITS).run(Bytes(path), 0)
    except Refused as no:
        return no.code


@pytest.mark.parametrize("shift", [0, 1, 2, 3, 5, 8, 13, 21])
def test_our_own_pass_counts_as_the_csv_module_does(
    shift: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_cell, "CHUNK", 16 + shift)  # every record lies across an edge
    pick = random.Random(shift)  # noqa: S311
    for _ in range(150):
        rows = [[pick.choice(NOTES) for _ in range(3)] for _ in range(pick.randint(1, 9))]
        end = pick.choice(["\n", "\r\n"])
        out = io.StringIO(newline="")
        csv.writer(out, lineterminator=end).writerows(rows)
        text = out.getvalue().removesuffix(pick.choice([end, "x"])) + pick.choice(["", end * 2])
        read = list(csv.reader(io.StringIO(text, newline=""), strict=True))
        found = looked(text.encode())
        assert isinstance(found, bulk_cell.Look)
        assert found.records == len(read)
        assert found.blank == sum(not row for row in read)
        assert found.delimiters == sum(max(len(row) - 1, 0) for row in read)


def test_any_text_is_counted_rightly_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_cell, "CHUNK", 7)
    pick = random.Random(7)  # noqa: S311
    counted = 0
    for _ in range(4000):
        text = "".join(pick.choice('a,"\n') for _ in range(pick.randint(1, 24)))
        found = looked(text.encode())
        if isinstance(found, str):
            assert found == "broken_quotes"
            continue
        read = list(csv.reader(io.StringIO(text, newline=""), strict=True))
        assert (found.records, found.blank) == (len(read), sum(not row for row in read))
        assert found.delimiters == sum(max(len(row) - 1, 0) for row in read)
        counted += 1
    assert counted > 1000


def test_a_line_end_within_the_first_quotes_does_not_tell_how_records_end() -> None:
    row = '"2025-01-01","a","two\nlines",1,2.5'
    reduced = reduce_text(lines(row, row, end="\r\n"), PLAIN, USES)
    assert told(reduced) == {("2025-01-01", "a"): (2, 5.0, 2)}
    assert refusal(lines(row, row) + b"x,a,,1,2\r\n").code == "mixed_newlines"


def test_what_our_own_pass_refuses_is_refused_whatever_duckdb_makes_of_it() -> None:
    many = ["2025-01-01,a,,1,2.5"] * 200_000
    assert refusal(lines(*many, "2025-01-01,a,,1,x", "\0,a,,1,2")).code == "null_byte"
    few = replace(LIMITS, groups=10)
    different = [f"{n},a,,1,2.5" for n in range(200_000)]
    assert refusal(lines(*different, '5"x,a,,1,2'), limits=few).code == "broken_quotes"


def test_why_duckdb_is_counted_after(tmp_path: Path) -> None:
    r"""Of three records it reads one and a half when told of '\r\n': hence it is not told."""
    path = tmp_path / "t.csv"
    path.write_bytes(b"a,b,c\r\n1,2\r\n")
    read = duckdb.sql(
        f"FROM read_csv('{path}', auto_detect = false, header = false, new_line = '\\r\\n', "
        "strict_mode = true, columns = {'a': 'VARCHAR', 'b': 'VARCHAR', 'c': 'VARCHAR'})"
    ).fetchall()
    if read == [("a", "b", "c\r\n1")]:
        assert looked(path.read_bytes()).records == 2  # type: ignore[union-attr]


@pytest.mark.parametrize("rows", [3, 5])
def test_a_count_that_differs_is_refused(rows: int) -> None:
    class Given:
        def unchanged(self) -> bool:
            return True

    given: Any = Given()
    given.rows = 4
    with pytest.raises(Refused, match="records_differ"):
        bulk_cell.prove(rows, given)
    bulk_cell.prove(4, given)


def test_a_reader_that_loses_rows_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the lenient settings of DuckDB a torn record vanishes without a word, but for us."""
    path = tmp_path / "t.csv"
    path.write_bytes(lines("x,a,,1,2", "y,a,,1,2,3", "z,a,,1,2"))
    job = {"paths": [str(path)], "folder": str(tmp_path), "encoding": "utf-8", "delimiter": ",",
           "width": 5, "skip": 1, "kind": "text", "missing": [""],
           "uses": [{"use": "key", "at": 0}]}  # fmt: skip
    monkeypatch.setattr(bulk_cell.TextFile, "check_widths", lambda _self: None)
    strict = bulk_cell.TextFile.relation
    monkeypatch.setattr(
        bulk_cell.TextFile,
        "relation",
        lambda *a: strict(*a).replace("ignore_errors = false", "ignore_errors = true").replace(
            "store_rejects = false, ", ""),
    )  # fmt: skip
    given = bulk_cell.TextFile(job, LIMITS)
    con = bulk_cell.connect(job, given, LIMITS)
    with pytest.raises(Refused, match="records_differ"):
        bulk_cell.reduce_table(con, given, job, LIMITS)


def test_a_file_that_changes_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(lines("x,a,,1,2"))
    job = {"paths": [str(path)], "folder": str(tmp_path), "encoding": "utf-8", "delimiter": ",",
           "width": 5, "skip": 1, "kind": "text"}  # fmt: skip
    given = bulk_cell.TextFile(job, LIMITS)
    path.write_bytes(lines("x,a,,1,2", "x,a,,1,2"))
    with pytest.raises(Refused, match="file_changed"):
        bulk_cell.prove(1, given)


# --- trust in plain figures

WHOLE = re.compile("-?[0-9]+")
PLAIN_CELLS = ["", "0", "7", "-3", "-0", "12", "480", "007", "999999999999", '"5"', '""']
ODD_CELLS = [
    "-", "n/a", "1.5", "2.546", "2.000", "1,5", '"1,5"', " 3", "3 ", "+5", "1e3", "12e2", "0x1f",
    "1_000", ".5", "-.5", "5.", "1-2", "--1", "1.2.3", "1 000", "5%", "nan", "inf", "٣",
    "1000000000000000", "12345678901234567890", "0.1234567", "0.123456", "1234567890123.5",
    '"1""2"', '"4\n"', "1/2",
]  # fmt: skip
POINTED_CELLS = ["0.5", "-0.5", "-0.00", "12.25", "1.123456", "007.5", "123456789012.5", '"2.5"']


WORDS = ["a", "", "1e5", "9.99", '"x, y"', '"two\nlines"', '"5"" wide"', "ё"]


def text_job(path: Path, uses: list[dict[str, Any]], delimiter: str, width: int) -> dict[str, Any]:
    return {"paths": [str(path)], "folder": str(path.parent), "encoding": "utf-8", "width": width,
            "delimiter": delimiter, "skip": 1, "kind": "text", "missing": sorted(MISSING),
            "what": "table", "uses": uses}  # fmt: skip


def outcome(job: dict[str, Any], *, trusting: bool) -> tuple[Any, bool]:
    """The rows and what is said of them, or the code of a refusal; whether trust was confirmed."""
    try:
        reader = bulk_cell.TextFile(job, LIMITS)
        confirmed = reader.is_plain(wholly=True)
        con = bulk_cell.connect(job, reader, LIMITS)
        reduce = bulk_cell.reduced if trusting else bulk_cell.reduce_table
        try:
            result = reduce(con, reader, job, LIMITS)
            rows = con.execute(result.sql).fetchall() if result.sql else None
        except duckdb.Error as error:
            raise reader.fault(error) from None
        finally:
            reader.judged()
    except Refused as no:
        return (no.code, no.values), False
    return (repr(rows), result.told), confirmed and reader.trusting


@st.composite
def tables(draw: st.DrawFn) -> tuple[bytes, str, str]:
    """A text of four columns (text, figures, figures, text), its delimiter and decimal mark."""
    delimiter, mark = draw(st.sampled_from([(",", "."), (";", ","), ("\t", "."), (";", ".")]))
    few = st.sampled_from(PLAIN_CELLS)
    pointed = st.sampled_from([cell.replace(".", mark) for cell in POINTED_CELLS])
    whole, money = few, few | pointed
    if draw(st.booleans()):
        whole, money = (cells | st.sampled_from(ODD_CELLS) for cells in (whole, money))
    words = st.sampled_from(WORDS)
    row = st.tuples(words, whole, money, words).map(delimiter.join)
    odd = st.sampled_from([delimiter.join(cells) for cells in ("", "ab", "a12bc")])
    rows = draw(st.lists(row, max_size=12))
    if draw(st.integers(0, 9)) == 0:
        rows.insert(draw(st.integers(0, len(rows))), draw(odd))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    text = end.join([delimiter.join(["word", "whole", "money", "more"]), *rows])
    text += end * draw(st.integers(0, 2))
    start = draw(st.sampled_from(["", "\ufeff"]))
    return (start + text).encode(), delimiter, mark


@settings(deadline=None, max_examples=150)
@given(tables())
def test_figures_that_are_trusted_give_what_figures_that_are_proven_one_by_one_give(
    table: tuple[bytes, str, str],
) -> None:
    data, delimiter, mark = table
    uses = [{"use": "key", "at": 0}, {"use": "sum", "at": 1, "mark": None},
            {"use": "sum", "at": 2, "mark": mark}]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "t.csv")
        path.write_bytes(data)
        job = text_job(path, uses, delimiter, 4)
        trusting, confirmed = outcome(job, trusting=True)
        careful, _ = outcome(job, trusting=False)
    assert trusting == careful
    if confirmed:
        assert "doubts" not in trusting[1]


def test_plain_figures_are_trusted_and_odd_ones_are_not(tmp_path: Path) -> None:
    """Else the test above would compare one way with itself."""
    path = tmp_path / "t.csv"
    uses = [{"use": "sum", "at": 0, "mark": None}, {"use": "sum", "at": 2, "mark": "."}]
    for cells, money, expected in (
        (PLAIN_CELLS, PLAIN_CELLS + POINTED_CELLS, True),
        *(([odd], ["1.5"], False) for odd in ODD_CELLS if odd != '"4\n"'),
    ):
        rows = [f"{cell},x,{money[n % len(money)]}" for n, cell in enumerate(cells * 3)]
        path.write_bytes("\n".join(["a,b,c", *rows, ""]).encode())
        assert outcome(text_job(path, uses, ",", 3), trusting=True)[1] == expected, cells


def proven(data: bytes, marks: dict[int, str], delimiter: str, width: int) -> bool:
    proof = Proof(marks, width)

    class Bytes(type(Path())):  # type: ignore[misc]
        def open(self, *_args: Any, **_named: Any) -> Any:  # type: ignore[override]
            return io.BytesIO(data)

    Looker(delimiter, 0, LIMITS, proof).run(Bytes("x"), 0)
    return proof.holds


def test_what_the_proof_lets_through_duckdb_reads_in_one_way_or_not_at_all(tmp_path: Path) -> None:
    """Every text of up to four of these signs, and some long ones."""
    path = tmp_path / "t.csv"
    con = duckdb.connect()
    cells = ["".join(signs) for n in range(1, 5) for signs in product("09-.e", repeat=n)]
    cells += ["1" * n for n in range(10, 22)] + ["1." + "1" * n for n in range(1, 20)]
    cells += [cell for cell in ODD_CELLS if '"' not in cell and "," not in cell]
    kinds = {"": "DECIMAL(15, 0)", ".": "DECIMAL(18, 6)"}
    read = 0
    for mark, kind in kinds.items():
        good = [cell for cell in cells if proven(f"{cell},x\n".encode(), {0: mark}, ",", 2)]
        assert {"0", "-9", "90"} < set(good)
        assert ("9.9" in good) == (mark == ".")
        path.write_text("".join(f"{cell}\n" for cell in good), encoding="utf-8")
        rows = con.execute(
            f"SELECT c, TRY_CAST(c AS {kind}) FROM read_csv('{path}', auto_detect = false, "  # noqa: S608
            "header = false, columns = {'c': 'VARCHAR'})"
        ).fetchall()
        assert len(rows) == len(good)
        for cell, number in rows:
            if number is not None:
                read += 1
                assert WHOLE.fullmatch(cell.replace(".", "", 1)), cell
                assert Fraction(number) == Fraction(cell)
    assert read > 100


@pytest.mark.parametrize("chunk", [7, 16, 29, 64, 65])
def test_the_proof_sees_records_across_the_edges_of_pieces(
    chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_cell, "CHUNK", chunk)
    pick = random.Random(chunk)  # noqa: S311
    both = ["+5", "1e3", " 3", "5%", "٣", "1_000", "5.", ".5", "-.5", "0.1234567"]
    spoiling = {0: [*both, "1.5"], 2: [*both, "1,5"], 3: [*both, "2.546"]}
    for _ in range(300):
        end, more = pick.choice(["\n", "\r\n"]), ["x"] * pick.randint(0, 14)
        width = 4 + len(more)
        rows = [
            [pick.choice(PLAIN_CELLS), pick.choice(["a", '"b;\n"', "1e5", ""]),
             pick.choice(PLAIN_CELLS + POINTED_CELLS), pick.choice(PLAIN_CELLS), *more]
            for _ in range(pick.randint(1, 6))
        ]  # fmt: skip
        marks = {0: "", 2: ".", 3: ""}
        last = pick.choice(["", end])
        text = end.join(";".join(row) for row in rows) + last
        assert proven(text.encode(), marks, ";", width)
        for odd in ("1;a", ";".join(["1"] * 2 * width)):
            assert last or not proven((text + end + odd + end).encode(), marks, ";", width)
        row, at = pick.choice(rows), pick.choice([0, 2, 3])
        row[at] = pick.choice(spoiling[at])
        spoilt = end.join(";".join(row) for row in rows) + last
        assert not proven(spoilt.encode(), marks, ";", width), spoilt


# --- the guard


def test_duckdb_opens_nothing_but_the_file(tmp_path: Path) -> None:
    path, other = tmp_path / "t.csv", tmp_path / "other.csv"
    path.write_bytes(lines("x,a,,1,2"))
    other.write_bytes(b"secret,1\n")
    job = {"paths": [str(path)], "folder": str(tmp_path), "encoding": "utf-8", "delimiter": ",",
           "width": 5, "skip": 1, "kind": "text"}  # fmt: skip
    con = bulk_cell.connect(job, bulk_cell.TextFile(job, LIMITS), LIMITS)
    for sql in (
        f"FROM read_csv('{other}')",
        f"COPY (SELECT 1) TO '{tmp_path / 'new'}'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET memory_limit = '10GB'",
        "FROM read_csv('https://example.com/x.csv')",
        f"ATTACH '{tmp_path / 'x.db'}'",
    ):
        with pytest.raises(duckdb.Error):
            con.execute(sql)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["other.csv", "t.csv"]


# How a library ends that is refused memory is its own affair.
OUT_OF_MEMORY = {"out_of_memory", "reader_crashed", "no_room", "reader_disagrees"}


@pytest.mark.skipif(sys.platform != "linux", reason="bounds of memory and time are Linux's")
@pytest.mark.parametrize(
    ("limits", "codes"),
    [
        (
            replace(LIMITS, engine_bytes=8 * bulk_cell.MB, disk_bytes=bulk_cell.MB),
            {"out_of_memory"},
        ),
        (replace(LIMITS, memory_bytes=24 * bulk_cell.MB), OUT_OF_MEMORY),
        (replace(LIMITS, wall_seconds=0.01), {"timed_out"}),
    ],
)
def test_what_costs_too_much_is_a_named_error(limits: Limits, codes: set[str]) -> None:
    data = lines(*(f"day {n} of a rather long text,channel {n},,{n},1" for n in range(200_000)))
    assert refusal(data, limits=limits).code in codes


def test_a_child_that_dies_is_a_named_error(monkeypatch: pytest.MonkeyPatch) -> None:
    from kpi_core.ingest import bulk

    script = Path(__file__).with_name("no_such_script.py")
    monkeypatch.setattr(bulk.child, "__file__", str(script))
    assert refusal(lines("x,a,,1,2")).code == "reader_crashed"


def test_no_file_of_ours_stays_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    reduce_text(
        lines("x,a,,1,2").decode().encode("utf-16"), replace(PLAIN, encoding="utf-16"), USES
    )
    refusal(lines("x,a,,1"))
    assert list(tmp_path.iterdir()) == []


def test_many_at_once() -> None:
    found: list[int] = []
    data = lines(*GOOD)
    threads = [
        threading.Thread(target=lambda: found.append(reduce_text(data, PLAIN, USES).records))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [len(GOOD)] * 4


@pytest.mark.parametrize("sign", ['"', "\n", "ab", "", "§", "1", "."])
def test_what_cannot_delimit(sign: str) -> None:
    with pytest.raises(ValueError, match="delimiter"):
        Dialect("utf-8", sign, HEADINGS, 1)


# --- records of several lines


def test_the_first_filled_cell_speaks_for_a_record() -> None:
    pick = random.Random(3)  # noqa: S311
    rows = [
        [f"#{pick.randint(1, 900)}" if n % 50 else pick.choice(["", " "]),
         pick.choice(["", " ", "paid", "open"]), pick.choice(["", f"{n}.5"]), str(n), "1"]
        for n in range(5000)
    ]  # fmt: skip
    out = io.StringIO(newline="")
    csv.writer(out).writerows([HEADINGS, *rows])
    uses = (Key(0), First(1), First(2), Sum(3))
    reduced = reduce_text(out.getvalue().encode(), PLAIN, uses)
    expected: dict[str, list[Any]] = {}
    nameless = 0
    for id, state, amount, visits, _ in rows:
        if not id.strip():
            nameless += 1
            continue
        record = expected.setdefault(id.strip(), [None, None, 0.0, 0])
        record[0] = record[0] or (state if state.strip() else None)
        record[1] = record[1] or (amount or None)
        record[2] += float(visits)
        record[3] += 1
    got = [
        (row[0], *(None if pd.isna(cell) else cell for cell in row[1:3]), *row[3:])
        for row in reduced.frame.itertuples(index=False, name=None)
    ]
    assert got == [(id, *record) for id, record in expected.items()]
    assert (reduced.nameless, reduced.records) == (nameless, len(rows))


# --- events

STEPS = {"views": "view|product", "orders": "purchase|paid"}
EVENTS = ("user", "session", "event", "time", "channel", "device", "price")


def event_rows(seed: int, dotted: bool) -> list[list[str]]:
    pick = random.Random(seed)  # noqa: S311
    rows = []
    for _ in range(3000):
        user = pick.randint(1, 300)
        day, clock = pick.randint(1, 9), f"{pick.randint(0, 23):02}:{pick.randint(0, 59):02}:00"
        stamp = f"0{day}.10.2026 {clock}" if dotted else f"2026-10-0{day} {clock}"
        stamp = pick.choice([stamp] * 30 + ["", "soon"])
        rows.append(
            [
                f"u{user}",
                pick.choice([f" s{user % 7}-{day}"] * 9 + [""]),  # of several users
                pick.choice(["View", "cart", "PURCHASE", "paid", "scroll "]),
                stamp,
                pick.choice(["", "email", "organic"]),
                pick.choice(["mobile", "desktop"]),
                pick.choice(["", f"{pick.randint(1, 99)}.{pick.randint(0, 99):02}"]),
            ]
        )
    return rows


def event_oracle(rows: list[list[str]], by_session: bool) -> tuple[dict[int, Any], list[int]]:
    """By record: its days, the place of its first event, steps, what orders add up to, views."""
    found: dict[int, Any] = {}
    counts = [0, 0]
    for user, session, event, stamp, channel, device, price in rows:
        try:
            form = "%d.%m.%Y %H:%M:%S" if "." in stamp else "%Y-%m-%d %H:%M:%S"
            day = datetime.strptime(stamp, form).date()
        except ValueError:
            counts[0] += 1
            continue
        name = session.strip() if by_session else user
        if not name:
            counts[1] += 1
            continue
        key = [user, name] if by_session else [name, str(day)]
        entry = found.setdefault(
            int(identity([key])[0]), {"days": [], "at": (channel, device), "steps": set(),
                                      "paid": [], "views": 0}
        )  # fmt: skip
        entry["days"].append(day)
        for step, pattern in STEPS.items():
            if re.fullmatch(pattern, event.strip(), re.I):
                entry["steps"].add(step)
                entry["views"] += step == "views"
                if step == "orders" and price:
                    entry["paid"].append(Fraction(price))
    return found, counts


def event_log(
    data: bytes, dialect: Dialect | None, mark: Any, **more: Any
) -> tuple[Log, pd.DataFrame]:
    """A log with its kinds as the ordinary rules judge them, and the texts of those."""
    uses = [Key(2), Day(3), Key(4), Key(5), Sum(6, mark)]
    kinds = reduce_text(data, dialect, uses) if dialect else reduce_parquet(data, EVENTS, uses)
    texts = kinds.frame[[0, 1, 2, 3]].astype(object).fillna("")
    read = days(texts[1].tolist())
    matches = np.array(
        [[bool(re.fullmatch(p, name.strip(), re.I)) for p in STEPS.values()] for name in texts[0]]
    ).reshape(len(texts), len(STEPS))
    amounts = (Amount(1, Sum(6, mark)), Amount(1, Sum(6, mark), largest=True), Amount(0))
    log = Log(kinds, pd.Series(read.first), pd.Series(read.last), matches, amounts, **more)
    return log, texts


@pytest.mark.parametrize("by_session", [True, False])
@pytest.mark.parametrize("dotted", [True, False])
@pytest.mark.parametrize("as_parquet", [True, False])
def test_events_become_sessions(by_session: bool, dotted: bool, as_parquet: bool) -> None:
    rows = event_rows(5, dotted)
    if as_parquet:
        table = pa.table({name: [row[n] for row in rows] for n, name in enumerate(EVENTS)})
        data, dialect = parquet(table), None
    else:
        out = io.StringIO(newline="")
        csv.writer(out).writerows([EVENTS, *rows])
        data, dialect = out.getvalue().encode(), Dialect("utf-8", ",", EVENTS, 1)
    log, texts = event_log(data, dialect, ".", user=0, session=1 if by_session else None)
    sessions = reduce_events(data, dialect, log)
    expected, counts = event_oracle(rows, by_session)
    assert [sessions.undated, sessions.nameless] == counts
    assert (sessions.records, sessions.repeated) == (len(rows), 0)
    assert rows[sessions.lost - 1][3] in {"", "soon"}
    assert sessions.times.sum() == len(rows) - sum(counts)
    frame = sessions.frame
    assert frame["record"].dtype == np.uint64
    assert frame["record"].tolist() == list(expected)
    kept = {
        row[0] for row in rows if row[3] not in {"", "soon"} and (not by_session or row[1].strip())
    }
    assert sessions.users == len(kept)
    for place, found in enumerate(expected.values()):
        row = frame.iloc[place]
        assert [row["first"].date(), row["last"].date()] == [min(found["days"]), max(found["days"])]
        assert tuple(texts.loc[row["kind"], [2, 3]]) == found["at"]
        assert dict(zip(STEPS, sessions.matched[place], strict=True)) == {
            step: step in found["steps"] for step in STEPS
        }
        paid = found["paid"]
        assert np.isnan(row[0]) if not paid else row[0] == float(sum(paid))
        assert np.isnan(row[1]) if not paid else row[1] == float(max(paid))
        assert np.isnan(row[2]) if not found["views"] else row[2] == found["views"]


def test_events_told_again_and_orders_told_again_count_once() -> None:
    head = ",".join(EVENTS)
    dialect = Dialect("utf-8", ",", EVENTS, 1)
    lines = [
        "u,s,paid,2026-10-01,T1,,5", "u,s,paid,2026-10-01,T1,,5", "u,s,paid,2026-10-02,T1,,5",
        "u,s,paid,2026-10-03,,,7", "u,z,view,2026-10-03,T1,,9", "u,z,paid,2026-10-04,T2,,1",
    ]  # fmt: skip
    data = "\n".join([head, *lines]).encode()
    log, _ = event_log(data, dialect, None, user=0, session=1, unique=(0, 2, 3), once=4)
    once = tuple(replace(amount, once=amount.pattern == 1) for amount in log.amounts)
    found = reduce_events(data, dialect, replace(log, amounts=once))
    assert (found.repeated, found.times.sum()) == (1, 5)
    assert found.frame[[0, 1]].to_numpy().tolist() == [[12, 7], [1, 1]]
    every = reduce_events(data, dialect, replace(log, unique=()))
    assert every.frame[0].tolist() == [22, 1]


def test_events_with_odd_values_or_without_an_order_of_time() -> None:
    head = ",".join(EVENTS)
    dialect = Dialect("utf-8", ",", EVENTS, 1)
    odd = f"{head}\nu,s,paid,2026-10-01 10:00:00,,,5%\n".encode()
    log, _ = event_log(odd, dialect, None, user=0)
    with pytest.raises(IngestError) as failed:
        reduce_events(odd, dialect, log)
    assert (failed.value.code, failed.value.values["column"]) == ("figures_not_plain", "price")
    late = f"{head}\nu,s,paid,someday,,,5\nu,s,paid,2026-10-01,,,5\n".encode()
    log, _ = event_log(late, dialect, None, user=0)
    sessions = reduce_events(late, dialect, log)
    assert (len(sessions.frame), sessions.undated, sessions.lost) == (1, 1, 1)
    with pytest.raises(IngestError) as failed:  # another file than the one that was judged
        reduce_events(late.replace(b"someday", b"always"), dialect, log)
    assert failed.value.code == "file_changed"
    empty = f"{head}\n".encode()
    log, _ = event_log(empty, dialect, None, user=0)
    assert reduce_events(empty, dialect, log).frame.empty


def test_an_identity_is_the_same_everywhere() -> None:
    """Kept facts hold it: another hash would count known sessions again."""
    assert identity([["s1"], ["u1", "2026-10-01"]]).tolist() == [
        int(duckdb.execute("SELECT md5_number_upper(?)", [text]).fetchone()[0])  # type: ignore[index]
        for text in ("s1", "u1\x1f2026-10-01")
    ]
    assert identity([["abc"]]).tolist() == [12704604231530709392]


# --- Parquet


def parquet(table: pa.Table, **options: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out, **options)
    return out.getvalue()


def test_parquet_of_every_kind_of_column() -> None:
    table = pa.table({
        "day": pa.array([datetime(2026, 10, 1, 23), datetime(2026, 10, 1, 1), None]),
        "zone": pa.array([datetime(2026, 10, 1, 23)] * 3, pa.timestamp("us", "UTC")).cast(
            pa.timestamp("us", "Europe/Moscow")),
        "channel": pa.array(["a", "a", None]).dictionary_encode(),
        "visits": pa.array([1, 2, None], pa.int32()),
        "money": pa.array([Decimal("0.10"), Decimal("0.20"), None]),
        "float": [0.1, 0.2, float("nan")],
        "text": ["1.5", "2.25", ""],
        "long": [1 / 3, 2 / 3, None],
        "date": [date(2026, 10, 1)] * 3,
    })  # fmt: skip
    uses = [Day(0), Day(1), Key(2), Sum(3), Sum(4), Sum(5), Sum(6, "."), Sum(7), Day(8)]
    reduced = reduce_parquet(parquet(table), table.column_names, uses)
    full, empty = reduced.rows(9)
    assert [str(full[0])[:10], str(full[1])[:10]] == ["2026-10-01", "2026-10-02"]
    assert full[2:8] == ["a", 3.0, 0.3, 0.3, 3.75, 1.0]
    assert empty[2:8] == [None] * 6
    assert reduced.frame["n"].tolist() == [2, 1]


def test_parquet_equals_text() -> None:
    rows = [row for row in made(2, ".") if "\r" not in row[2]] * 3
    table = pa.table({name: [row[n] for row in rows] for n, name in enumerate(HEADINGS)})
    for options in ({}, {"use_dictionary": False}, {"row_group_size": 7}):
        reduced = reduce_parquet(parquet(table, **options), HEADINGS, USES)
        assert_same(reduced, rows, ".")


def parquet_job(path: Path, table: pa.Table, *uses: dict[str, Any]) -> dict[str, Any]:
    pq.write_table(table, path, row_group_size=2)
    return {"paths": [str(path)], "folder": str(path.parent), "kind": "parquet", "missing": [""],
            "uses": list(uses)}  # fmt: skip


def test_duckdb_reads_common_columns_as_arrow_hands_them_over(tmp_path: Path) -> None:
    table = pa.table({
        "text": ["a", "", None, "ё"],
        "words": pa.array(["x", "y", "x", None]).dictionary_encode(),
        "long text": pa.array(["a", None, "b", "c"], pa.large_string()),
        **{str(kind): pa.array([1, None, 127, 0], kind)
           for kind in (pa.int8(), pa.uint8(), pa.int16(), pa.int32(), pa.uint32(), pa.int64(),
                        pa.uint64())},
        "float": [0.1, None, float("nan"), -2.5],
        "short float": pa.array([0.1, None, float("inf"), -2.5], pa.float32()),
        "day": [date(2026, 10, 1), None, date(1969, 12, 31), date(2026, 10, 2)],
    })  # fmt: skip
    job = parquet_job(tmp_path / "t.parquet", table)
    given = bulk_cell.ParquetFile(job, LIMITS)
    con = bulk_cell.connect(job, given, LIMITS)
    wanted = list(range(len(table.column_names)))
    assert given.common == set(wanted)
    cells = ", ".join(f"{given.cell(at)}, typeof({given.cell(at)})" for at in wanted)
    read, handed = (
        con.execute(f"SELECT {cells} FROM {relation(con, wanted)}").fetchall()  # noqa: S608
        for relation in (given.relation, given.handed)
    )
    assert len(read) == 4
    assert repr(read) == repr(handed)
    assert given.unchanged()


@pytest.mark.parametrize("word", [3, pa.ArrowInvalid("torn")])
def test_what_arrow_says_of_parquet_comes_before_what_duckdb_makes_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: int | Exception
) -> None:
    def looked_at(*_: object) -> int:
        if isinstance(word, Exception):
            raise word
        return word

    monkeypatch.setattr(bulk_cell.ParquetFile, "_looked_at", looked_at)
    table = pa.table({"a": ["x", "x", "y", "y"], "b": range(4)})
    uses = ({"use": "key", "at": 0}, {"use": "sum", "at": 1})
    job = parquet_job(tmp_path / "t.parquet", table, *uses)
    given = bulk_cell.ParquetFile(job, LIMITS)
    con = bulk_cell.connect(job, given, LIMITS)
    with pytest.raises(Refused, match="broken_parquet"):
        bulk_cell.reduce_table(con, given, job, LIMITS)


@pytest.mark.parametrize(
    ("table", "code"),
    [
        (pa.table({"a": ["x"], "b": [[1]]}), "nested_columns"),
        (pa.table({"a": ["x"], "b": [datetime(2026, 1, 1)]}), "not_a_figure"),
        (pa.table([["x"], [1]], names=["a", "a"]), "broken_parquet"),
        (pa.table({"a": ["x"], "b": pa.array([b"\xff"])}), "broken_parquet"),
    ],
)
def test_parquet_that_is_refused(table: pa.Table, code: str) -> None:
    with pytest.raises(IngestError) as failed:
        reduce_parquet(parquet(table), table.column_names, [Key(0), Sum(1)])
    assert failed.value.code == code
    assert failed.value.text("ru")


def test_parquet_that_is_torn() -> None:
    data = parquet(pa.table({"a": ["x"] * 1000, "b": range(1000)}), compression="none")
    for torn in (data[:-1], data[:100], data[:60] + b"\xff" * 40 + data[100:], b"PAR1" * 4):
        code = ""
        try:
            assert reduce_parquet(torn, ("a", "b"), [Key(0), Sum(1)]).records == 1000
        except IngestError as failed:
            code = failed.code
        assert code in {"", "broken_parquet", "reader_crashed", "out_of_memory"}


def test_the_child_imports_nothing_of_the_project() -> None:
    code = "import sys, runpy; runpy.run_path(sys.argv[1], run_name='x'); " \
           "assert not [m for m in sys.modules if m.startswith('kpi_core')]"  # fmt: skip
    subprocess.run([sys.executable, "-P", "-c", code, bulk_cell.__file__], check=True)
