"""Uploaded workbooks and Parquet files: a table or a named error, whatever the bytes are."""

import random
import struct
import threading
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from kpi_core.errors import IngestError
from kpi_core.ingest.cell import LARGE, Limits, Refused, Tally
from kpi_core.ingest.tidy_xml import tidy
from kpi_core.ingest.workbook import CHILDREN, read_parquet, read_workbook
from tests.badfiles import MAIN, ROW_1, crafted, honest, parquet, sheet_xml


def refusal(read: Callable[..., object], data: bytes, limits: Limits | None = None) -> str:
    """The code of the error that reading `data` ends in."""
    with pytest.raises(IngestError) as refused:
        read(data, limits or Limits())
    return refused.value.code


GOOD = crafted(sheet_xml(ROW_1))


# Workbooks


def test_every_kind_of_cell_comes_back_as_its_kind() -> None:
    def fill(book: Any) -> None:
        sheet = book.add_worksheet("Данные")
        forms = {
            key: book.add_format({"num_format": form})
            for key, form in [
                ("day", "dd.mm.yyyy"),
                ("moment", "dd.mm.yyyy hh:mm"),
                ("share", "0.0%"),
                ("clock", "hh:mm"),
                ("span", "[h]:mm"),
            ]
        }
        sheet.write_row(0, 0, ["Кампания", "n", "x"])
        sheet.write_row(2, 0, ["=1+1 as text", 12, 0.5])
        sheet.write_string(2, 0, "=1+1 as text")
        sheet.write_datetime(3, 0, datetime(2025, 3, 31), forms["day"])
        sheet.write_datetime(3, 1, datetime(2025, 3, 31, 12, 30), forms["moment"])
        sheet.write(3, 2, 0.012, forms["share"])
        sheet.write_boolean(3, 3, True)
        sheet.write(3, 4, 0.25, forms["clock"])
        sheet.write(3, 5, 1.5, forms["span"])
        sheet.write_blank(3, 6, None, forms["share"])
        sheet.write_blank(9, 0, None, forms["day"])

    (sheet,) = read_workbook(honest(fill))
    assert sheet.name == "Данные"
    assert sheet.rows == [
        ["Кампания", "n", "x"],
        [],
        ["=1+1 as text", 12, 0.5],
        [
            date(2025, 3, 31),
            datetime(2025, 3, 31, 12, 30),
            0.012,
            True,
            time(6),
            timedelta(hours=36),
        ],
    ]
    assert isinstance(sheet.rows[2][1], int)


def test_empty_rows_above_and_columns_on_the_left_keep_their_places() -> None:
    (sheet,) = read_workbook(honest(lambda book: book.add_worksheet().write(2, 1, "x")))
    assert sheet.rows == [[], [], [None, "x"]]


def test_hidden_sheets_are_read_and_marked_and_charts_are_left_out() -> None:
    def fill(book: Any) -> None:
        first = book.add_worksheet("first")
        first.write(0, 0, 1)
        chart = book.add_chart({"type": "line"})
        chart.add_series({"values": "=first!$A$1:$A$2"})
        book.add_chartsheet("chart").set_chart(chart)
        book.add_worksheet("second").hide()

    sheets = read_workbook(honest(fill))
    assert [(s.name, s.rows, s.hidden) for s in sheets] == [
        ("first", [[1]], False),
        ("second", [], True),
    ]


def test_formulas_give_their_cached_value_and_are_counted_when_they_have_none() -> None:
    cells = (
        '<c r="A1"><f>40*2</f><v>79</v></c><c r="B1"><f>1+1</f></c><c r="C1"><f>1</f><v/></c>'
        '<c r="D1"><f t="shared" si="0"/><v></v></c><c r="E1" t="str"><f>""</f><v></v></c>'
        '<c r="F1" t="e"><f>1/0</f><v>#DIV/0!</v></c>'
    )
    (sheet,) = read_workbook(crafted(sheet_xml(f'<row r="1">{cells}</row>')))
    assert sheet.rows == [[79]]
    assert (sheet.formulas_without_value, sheet.error_cells) == (3, 1)


def test_a_large_sheet_is_judged_across_pieces_without_losing_a_row() -> None:
    rows = "".join(
        f'<row r="{i}"><c r="A{i}"><f>1</f></c><c r="B{i}"><v>{i}</v></c></row><!-- {i} -->'
        for i in range(1, 30_001)
    )
    (sheet,) = read_workbook(crafted(sheet_xml(rows)))
    assert [row[1] for row in sheet.rows] == list(range(1, 30_001))
    assert sheet.formulas_without_value == 30_000


@pytest.mark.parametrize(
    ("code", "data"),
    [
        ("empty_file", b""),
        ("wrong_format", b"date;clicks\n2025-01-01;5\n"),
        ("wrong_format", crafted(sheet_xml("")).replace(b"xl/workbook", b"xl/notebook")),
        ("encrypted", b"\xd0\xcf\x11\xe0" + "EncryptedPackage".encode("utf-16-le")),
        ("old_workbook", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)),
        ("broken_workbook", GOOD[: len(GOOD) // 2]),
    ],
)
def test_what_is_no_workbook_is_named_by_its_first_bytes(code: str, data: bytes) -> None:
    assert refusal(read_workbook, data) == code


@pytest.mark.parametrize(
    ("code", "rows"),
    [
        ("too_many_columns", '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'),
        ("too_many_cells", '<row r="1000000"><c r="ALL1000000"><v>1</v></c></row>'),
        ("too_many_columns", "<row><c attribute='>' r='XFD1'><v>1</v></c></row>"),
        ("broken_workbook", '<row r="99999999999999999999"/>'),
        ("broken_workbook", '<row r="0"><c r="A0"><v>1</v></c></row>'),
        ("broken_workbook", '<row r="2000000"><c r="A2000000"><v>1</v></c></row>'),
        ("broken_workbook", '<row r="1"><c r="A1"><v>1</v></c><c r="A1"><v>999</v></c></row>'),
        ("broken_workbook", ROW_1 + "<row r='1'/>"),
        ("broken_workbook", '<row r="1"><c r="A1" t="s"><v>7</v></c></row>'),
        ("broken_workbook", f'<row><c t="inlineStr"><is><t>{"ab" * 20_000}</t></is></c></row>'),
    ],
)
def test_a_sheet_that_cannot_be_a_table_is_refused(code: str, rows: str) -> None:
    assert refusal(read_workbook, crafted(sheet_xml(rows))) == code


@pytest.mark.parametrize(
    "doctype",
    [
        "<!DOCTYPE worksheet>",
        '<!DOCTYPE w [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>',
        '<!DOCTYPE w [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
    ],
)
@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/styles.xml"])
def test_a_dtd_is_refused_in_every_part(doctype: str, part: str) -> None:
    evil = doctype + f'<worksheet xmlns="{MAIN}"/>'
    is_sheet = part == "xl/worksheets/sheet1.xml"
    data = crafted(evil) if is_sheet else crafted(sheet_xml(ROW_1), (part, evil))
    assert refusal(read_workbook, data) == "xml_dtd"


def test_a_sheet_in_utf_16_is_an_error_and_not_an_empty_table() -> None:
    text = sheet_xml(ROW_1)
    assert refusal(read_workbook, crafted(text.encode("utf-16"))) == "broken_workbook"
    cyrillic = text.replace("UTF-8", "windows-1251")
    assert refusal(read_workbook, crafted(cyrillic)) == "broken_workbook"


def test_parts_that_no_reader_opens_may_be_in_utf_16() -> None:
    query = '<?xml version="1.0" encoding="utf-16"?><DataMashup/>'.encode("utf-16")
    (sheet,) = read_workbook(crafted(sheet_xml(ROW_1), ("customXml/item1.xml", query)))
    assert sheet.rows == [[1, 2]]


def test_a_bomb_is_refused_while_it_unpacks() -> None:
    bomb = crafted(sheet_xml("<row/>" * 2_000_000))
    assert len(bomb) < 100_000
    assert refusal(read_workbook, bomb) == "decompressed_too_large"
    large = Limits(unpacked_bytes=1000)
    assert refusal(read_workbook, crafted(sheet_xml(ROW_1 * 50)), large) == (
        "decompressed_too_large"
    )


def test_two_parts_of_one_name_are_refused_since_readers_choose_differently() -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        data = crafted(sheet_xml(ROW_1), ("xl/worksheets/sheet1.xml", sheet_xml("")))
    assert refusal(read_workbook, data) == "broken_workbook"
    other_case = crafted(sheet_xml(ROW_1), ("XL/worksheets/Sheet1.xml", sheet_xml("")))
    assert refusal(read_workbook, other_case) == "broken_workbook"


def test_a_part_with_the_encrypted_flag_is_named() -> None:
    flagged = bytearray(GOOD)
    central = flagged.find(b"PK\x01\x02")
    flagged[central + 8] |= 1
    assert refusal(read_workbook, bytes(flagged)) == "encrypted"


@pytest.mark.parametrize(
    ("code", "limits"),
    [
        ("file_too_large", Limits(file_bytes=100)),
        ("too_many_parts", Limits(zip_parts=3)),
        ("too_many_sheets", Limits(sheets=0)),
        ("too_many_columns", Limits(columns=1)),
        ("too_many_cells", Limits(cells=1)),
        ("decompressed_too_large", Limits(result_bytes=10)),
        ("timed_out", Limits(wall_seconds=0.001)),
    ],
)
def test_each_limit_has_its_name(code: str, limits: Limits) -> None:
    assert refusal(read_workbook, GOOD, limits) == code


def test_an_aborted_reader_is_a_named_error_and_the_parent_lives() -> None:
    # Cells without an address pass the guard; the reader then asks for 400 GB and aborts.
    wide = "<c><v>1</v></c>" * 16_000
    far = '<row r="1000000"><c r="A1000000"><v>1</v></c></row>'
    killer = crafted(sheet_xml(f'<row r="1">{wide}</row>{far}'))
    assert refusal(read_workbook, killer) == "out_of_memory"
    assert read_workbook(GOOD)[0].rows == [[1, 2]]


def test_a_reader_without_memory_is_a_named_error() -> None:
    rows = "".join(f"<row><c><v>{i}</v></c></row>" for i in range(100_000))
    code = refusal(read_workbook, crafted(sheet_xml(rows)), Limits(memory_bytes=1 << 20))
    assert code in {"out_of_memory", "reader_crashed"}


def test_files_read_at_once_wait_for_each_other() -> None:
    found: list[object] = []
    threads = [
        threading.Thread(target=lambda: found.append(read_workbook(GOOD)[0].rows)) for _ in range(5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [[[1, 2]]] * 5


def test_whoever_waits_too_long_for_a_reader_is_told() -> None:
    with CHILDREN, CHILDREN:
        assert refusal(read_workbook, GOOD, Limits(wall_seconds=0.01)) == "busy"
    assert read_workbook(GOOD)[0].rows == [[1, 2]]


def test_the_working_directory_does_not_matter(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit(1)")
    monkeypatch.chdir(tmp_path)
    assert read_workbook(GOOD)[0].rows == [[1, 2]]


# Parquet


def test_parquet_gives_a_header_and_rows() -> None:
    table = pa.table(
        {
            "дата": [date(2025, 1, 1), None],
            "text": pa.array(["Поиск", ""], pa.large_string()),
            "n": pa.array([1, 2**60], pa.int64()),
            "x": [0.5, float("nan")],
            "money": pa.array([Decimal("79.90"), Decimal("3.00")], pa.decimal128(18, 2)),
            "moment": pa.array([0, 10**18], pa.timestamp("ns")),
            "zoned": pa.array([0, 1], pa.timestamp("us", "Europe/Moscow")),
            "code": pa.array([b"ab", b"cd"], pa.binary(2)),
            "span": pa.array([60, None], pa.duration("s")),
            "clock": pa.array([time(6), None]),
            "flag": [True, None],
        }
    )
    sheet = read_parquet(parquet(table))
    assert sheet.rows == [
        table.column_names,
        [
            date(2025, 1, 1),
            "Поиск",
            1,
            0.5,
            79.9,
            datetime(1970, 1, 1),
            datetime(1970, 1, 1, 3),
            "ab",
            timedelta(minutes=1),
            time(6),
            True,
        ],
        [
            None,
            None,
            2**60,
            None,
            3,
            datetime(2001, 9, 9, 1, 46, 40),
            datetime(1970, 1, 1, 3, 0, 0, 1),
            "cd",
        ],
    ]


def test_a_parquet_of_many_batches_keeps_every_row_in_order() -> None:
    n = 20_000
    table = pa.table({"id": [f"id{i}" for i in range(n)], "n": range(n)})
    rows = read_parquet(parquet(table, row_group_size=3_000)).rows
    assert rows[1:] == [[f"id{i}", i] for i in range(n)]


def test_a_parquet_without_rows_has_its_header() -> None:
    assert read_parquet(parquet(pa.table({"a": [], "b": []}))).rows == [["a", "b"]]


def test_nested_columns_are_refused_by_name() -> None:
    with pytest.raises(IngestError) as refused:
        read_parquet(parquet(pa.table({"day": [1], "tags": [["a", "b"]]})))
    assert (refused.value.code, refused.value.values) == ("nested_columns", {"columns": "tags"})


PARQUET = parquet(pa.table({"a": [1, 2]}))


@pytest.mark.parametrize(
    ("code", "data"),
    [
        ("empty_file", b""),
        ("wrong_format", GOOD),
        ("encrypted", b"PARE" + PARQUET[4:-4] + b"PARE"),
        ("broken_parquet", b"PAR1PAR1"),
        ("broken_parquet", PARQUET[: len(PARQUET) // 2]),
        ("broken_parquet", PARQUET[:-8] + struct.pack("<I", 0xFFFFFFFF) + b"PAR1"),
        (
            "broken_parquet",
            parquet(
                pa.table(
                    {"a": pa.Array.from_buffers(pa.string(), 1, pa.array([b"\xff"]).buffers())}
                )
            ),
        ),
        ("too_many_columns", parquet(pa.table({f"c{i}": [1] for i in range(1001)}))),
    ],
)
def test_what_is_no_good_parquet_is_named(code: str, data: bytes) -> None:
    assert refusal(read_parquet, data) == code


def test_a_footer_that_lies_about_its_rows_is_refused() -> None:
    # FileMetaData of one INT32 column and no row group, which says it has 63 rows.
    root = b"\x48\x06schema\x15\x02\x00"
    footer = b"\x15\x02\x19\x2c" + root + b"\x15\x02\x25\x00\x18\x01a\x00\x16\x7e\x19\x0c\x00"
    data = b"PAR1" + footer + struct.pack("<I", len(footer)) + b"PAR1"
    assert refusal(read_parquet, data) == "broken_parquet"


def test_a_text_repeated_by_its_dictionary_is_counted_in_full() -> None:
    repeated = pa.DictionaryArray.from_arrays(pa.array([0] * 50_000, pa.int32()), ["A" * 1_000_000])
    bomb = parquet(pa.table({"a": repeated}), compression="zstd", write_statistics=False)
    assert len(bomb) < 10_000
    assert refusal(read_parquet, bomb) == "decompressed_too_large"


def test_a_page_that_unpacks_to_far_more_than_the_file_is_refused() -> None:
    page = pa.table({"a": pa.array([b"\0" * 60_000_000], pa.binary())})
    bomb = parquet(page, compression="zstd", use_dictionary=False, write_statistics=False)
    assert refusal(read_parquet, bomb) == "decompressed_too_large"


# The two ways to judge a sheet


CELLS = (
    '<c r="{at}"><v>{n}</v></c>', '<c r="{at}" s="3"><v>-{n}.5</v></c>', '<c r="{at}" s="1"/>',
    '<c r="{at}" t="s"><v>{n}</v></c>', '<c r="{at}" s="2" t="s"><v>{n}</v></c>',
    '<c r="{at}" t="inlineStr"><is><t>a > b &amp; c</t></is></c>'.replace(" > ", " &gt; "),
    '<c r="{at}" t="inlineStr"><is><t xml:space="preserve"> x </t></is></c>',
    '<c r="{at}"><f>A1*2</f><v>{n}</v></c>', '<c r="{at}"><f t="shared" si="0"/><v>{n}</v></c>',
    '<c r="{at}" t="str"><f>A1&amp;"x"</f><v>text</v></c>', '<c r="{at}" t="b"><v>1</v></c>',
    '<c r="{at}"></c>',
)  # fmt: skip
BLOWS = (
    "<v></v>", "<v/>", "<v> </v>", "</v><v>", "<!-- -->", "<f>1</f>", "<f/>", "</c>", "<c>",
    "</row>", ' t="s"', " t='s'", ' t="e"', ' t="str"', "&amp;", "<v>", "</v>", "x", " ", "\n",
    '"', ">", "/>", 'r="A1"', 'r="5"', "0", "9", "A", "a", "<row>", "<x:c>", "<sheetData>",
    "<![CDATA[x]]>", "&", "",
)  # fmt: skip


def sheet_rows(pick: random.Random) -> str:
    """Rows as programs write them, with gaps."""
    found, number = [], pick.choice([0, 7, 98, 99_998])
    for _ in range(pick.randint(1, 6)):
        number += pick.choice([1, 1, 1, 2, 30])
        columns = sorted(pick.sample([*range(1, 30), 700, 703, 16_384], pick.randint(0, 5)))
        cells = [
            pick.choice(CELLS).format(at=f"{letters(column)}{number}", n=pick.randint(0, 10**6))
            for column in columns
        ]
        form = pick.choice(['<row r="{0}">{1}</row>', '<row r="{0}" spans="1:9">{1}</row>'])
        found.append(form.format(number, "".join(cells)) if cells else f'<row r="{number}"/>')
    return "".join(found)


def letters(column: int) -> str:
    text = ""
    while column:
        column, rest = divmod(column - 1, 26)
        text = chr(ord("A") + rest) + text
    return text


def hurt(text: str, pick: random.Random) -> str:
    """The text with something put in, taken out, or exchanged."""
    at = pick.randrange(len(text))
    marks = [n for n, sign in enumerate(text) if sign in "<>"]
    start, end = pick.choice([(at, at), (at, at + 1), *[(pick.choice(marks),) * 2] * 3])
    other = pick.choice([*BLOWS, text[at : at + pick.randint(1, 40)]])
    return text[:start] + other + text[end:]


def seen(text: str, tally: Tally) -> object:
    """What is counted in a piece, or why it is refused."""
    try:
        tally.see(text.encode())
    except Refused as no:
        return no.code, no.values
    return (
        *tally.counts().values(),
        tally.far_row,
        tally.far_column,
        tally.seen_rows,
        tally.tables,
    )


def test_what_is_tidy_is_judged_as_by_the_patterns() -> None:
    pick = random.Random(7)  # noqa: S311
    limits = Limits(columns=20_000, cells=1 << 40)
    known = {"tidy": 0, "not": 0}
    for round in range(4_000):
        text = sheet_rows(pick)
        if round % 4 == 0:
            assert tidy(text.encode(), 0) is not None
        else:
            for _ in range(pick.randint(1, 2)):
                text = hurt(text, pick)
        known["tidy" if tidy(text.encode(), 0) else "not"] += 1
        assert seen(text, Tally(limits, tidy)) == seen(text, Tally(limits))
    assert min(known.values()) > 1_000


def test_a_tidy_piece_must_stand_below_all_rows_before_it() -> None:
    first, again = b'<row r="4"><c r="A4"/></row>', b'<row r="3"><c r="A3"/></row>'
    assert tidy(first, 3) is not None
    assert tidy(again, 4) is None
    tally = Tally(Limits(), tidy)
    for piece in (first, again):
        tally.see(piece)
    with pytest.raises(Refused):
        tally.see(b'<row r="4"/>')


def large(change: Callable[[str], str] = str) -> bytes:
    """A workbook that is judged by one process and read by another."""
    pick = random.Random(1)  # noqa: S311
    rows = "".join(
        f'<row r="{n}"><c r="A{n}"><v>{pick.random()}</v></c>'
        f'<c r="C{n}" t="inlineStr"><is><t>{pick.getrandbits(200)}</t></is></c></row>'
        for n in range(1, 20_001)
    )
    data = crafted(sheet_xml(change(rows)))
    assert len(data) > LARGE
    return data


def test_a_large_workbook_is_read_like_a_small_one() -> None:
    pick = random.Random(1)  # noqa: S311
    (sheet,) = read_workbook(large())
    assert sheet.rows == [[pick.random(), None, str(pick.getrandbits(200))] for _ in range(20_000)]


@pytest.mark.parametrize(
    ("code", "old", "new"),
    [
        ("broken_workbook", '"A19999"', '"A19998"'),
        ("broken_workbook", '<row r="20000">', '<row r="5">'),
        ("broken_workbook", '<c r="A9"><v>', '<c r="A9" t="s"><v>9'),
        ("too_many_columns", '"C20000"', '"XFD20000"'),
        ("xml_dtd", '<row r="7">', '<!DOCTYPE a><row r="7">'),
        # The judge finds nothing: then the reader's own word counts.
        (
            "broken_workbook",
            '<c r="A20000">',
            '<c r="A20000" t="s"><v>7</v></c><c r="B20000">',
        ),
    ],
)
def test_of_a_large_workbook_the_judge_has_the_first_word(code: str, old: str, new: str) -> None:
    assert refusal(read_workbook, large(lambda rows: rows.replace(old, new, 1))) == code


def test_a_large_workbook_whose_reader_aborts_is_a_named_error() -> None:
    wide = '<row r="1">' + "<c><v>1</v></c>" * 16_000
    assert (
        refusal(
            read_workbook,
            large(
                lambda rows: (
                    rows.replace('<row r="1">', wide, 1)
                    + '<row r="1000000"><c r="A1000000"><v>1</v></c></row>'
                )
            ),
        )
        == "out_of_memory"
    )


def test_the_clock_stops_both_processes_of_a_large_workbook() -> None:
    assert refusal(read_workbook, large(), Limits(wall_seconds=0.05)) == "timed_out"
    assert read_workbook(GOOD)[0].rows == [[1, 2]]


def test_columns_of_every_kind_come_back_below_the_headings() -> None:
    cells: list[list[Any]] = [
        [n, n + 0.5, f"t{n % 7}", n % 2 == 0, date(2025, 1, 1) + timedelta(days=n % 9), None, "x"]
        for n in range(300)
    ]
    for n in range(100, 200, 7):
        cells[n] = [None, None, None, None, None, None, None]
    cells[250] = ["Итого", -0.0, 5, "да", 7, None, None]
    cells[251] = [10**15, 1e300, 0, True, datetime(2025, 1, 1, 5), None, 2.0]

    def fill(book: Any) -> None:
        sheet = book.add_worksheet()
        day = book.add_format({"num_format": "dd.mm.yyyy"})
        moment = book.add_format({"num_format": "dd.mm.yyyy hh:mm"})
        for at, row in enumerate(cells):
            for column, cell in enumerate(row, start=2):
                if isinstance(cell, date):
                    form = moment if isinstance(cell, datetime) else day
                    sheet.write_datetime(at, column, cell, form)
                elif cell is not None:
                    sheet.write(at, column, cell)

    (sheet,) = read_workbook(honest(fill))
    for row in cells:
        while row and row[-1] is None:
            row.pop()
        # A workbook knows no integers: a whole number is read as one, up to a size.
        row[:] = [int(c) if type(c) is float and c.is_integer() and c < 1e15 else c for c in row]
    cells[251][0] = 1e15
    kinds = [[(type(cell), cell) for cell in row] for row in sheet.rows]
    assert kinds == [[(type(c), c) for c in [None, None, *row]] if row else [] for row in cells]
