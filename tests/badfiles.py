"""Files that are broken, hostile or only odd, each with the one right answer.

All are made here, the same bytes each time. A file is either refused by the name of an error, or
it gives exactly these cells and these findings: "no crash" would let a wrong table pass.
"""

import bz2
import gzip
import io
import lzma
import random
import struct
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter

Rows = list[list[Any]]


@dataclass(frozen=True)
class Case:
    """One file: `code` is the error it ends in, else `sheets` are its tables by name."""

    name: str
    make: Callable[[], bytes]
    code: str = ""
    sheets: dict[str, Rows] = field(default_factory=dict)
    findings: tuple[str, ...] = ()
    delimiters: tuple[str, ...] = ()


CASES: dict[str, Case] = {}


def add(case: Case) -> None:
    assert case.name not in CASES, case.name
    CASES[case.name] = case


def refused(code: str, **files: bytes | str | Callable[[], bytes]) -> None:
    """Files that end in the error `code`."""
    for name, data in files.items():
        add(Case(name, made(data), code))


def reads(
    name: str,
    data: bytes | str | Callable[[], bytes],
    rows: Rows | dict[str, Rows],
    *findings: str,
    delimiters: str = "",
) -> None:
    """A file that gives these cells, and these findings."""
    sheets = rows if isinstance(rows, dict) else {"": rows}
    add(Case(name, made(data), "", sheets, findings, tuple(delimiters)))


def made(data: bytes | str | Callable[[], bytes]) -> Callable[[], bytes]:
    if callable(data):
        return data
    content = data.encode() if isinstance(data, str) else data
    return lambda: content


# Builders of workbooks --------------------------------------------------------------------------

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
TYPES = (
    f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="xml" '
    'ContentType="application/xml"/></Types>'
)
ROOT = (
    f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" '
    f'Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
)
BOOK = (
    f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>'
    '<sheet name="Data" sheetId="1" r:id="rId1"/></sheets></workbook>'
)
RELATIONS = (
    f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" '
    f'Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>'
)
STYLES = (
    f'<styleSheet xmlns="{MAIN}"><numFmts count="1"><numFmt numFmtId="200" formatCode="0"/>'
    '</numFmts><cellXfs count="3"><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="200"/>'
    "</cellXfs></styleSheet>"
)
SHEET = "xl/worksheets/sheet1.xml"
ROW_1 = '<row r="1"><c r="A1"><v>1</v></c><c r="B1"><v>2</v></c></row>'
TWO = {"Data": [[1, 2]]}


def sheet_xml(rows: str, before: str = "", after: str = "", main: str = MAIN) -> str:
    head = '<?xml version="1.0" encoding="UTF-8"?>'
    body = f"{before}<sheetData>{rows}</sheetData>{after}"
    return f'{head}<worksheet xmlns="{main}">{body}</worksheet>'


def parts(sheet: str | bytes) -> dict[str, str | bytes]:
    return {
        "[Content_Types].xml": TYPES,
        "_rels/.rels": ROOT,
        "xl/workbook.xml": BOOK,
        "xl/_rels/workbook.xml.rels": RELATIONS,
        SHEET: sheet,
    }


def crafted(sheet: str | bytes, *more: tuple[str, str | bytes]) -> bytes:
    """A minimal workbook around the XML of one sheet, with `more` parts added."""
    return zipped([*parts(sheet).items(), *more])


def changed(**changes: str | bytes | None) -> bytes:
    """A good workbook in which parts are replaced, added, or (``None``) left out."""
    names = {
        "types": "[Content_Types].xml",
        "root": "_rels/.rels",
        "book": "xl/workbook.xml",
        "relations": "xl/_rels/workbook.xml.rels",
        "sheet": SHEET,
        "second": "xl/worksheets/sheet2.xml",
        "strings": "xl/sharedStrings.xml",
        "styles": "xl/styles.xml",
    }
    found: dict[str, str | bytes | None] = {**parts(sheet_xml(ROW_1))}
    found |= {names[name]: content for name, content in changes.items()}
    return zipped([(name, content) for name, content in found.items() if content is not None])


def zipped(members: Sequence[tuple[str, str | bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as package:
        for name, content in members:
            package.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), content, method)
    return out.getvalue()


def folder(**members: str | bytes) -> bytes:
    """An archive; ``__`` in a name stands for the dot of its ending."""
    return zipped([(name.replace("__", "."), content) for name, content in members.items()])


def linked(*targets: tuple[str, str]) -> dict[str, str]:
    """A workbook's list of sheets: name and part."""
    sheets = "".join(
        f'<sheet name="{name}" sheetId="{n}" r:id="rId{n}"/>'
        for n, (name, _) in enumerate(targets, start=1)
    )
    relations = "".join(
        f'<Relationship Id="rId{n}" Type="{OFFICE}/worksheet" Target="{part}"/>'
        for n, (_, part) in enumerate(targets, start=1)
    )
    return {
        "book": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{sheets}</sheets></workbook>',
        "relations": f'<Relationships xmlns="{PACKAGE}/relationships">{relations}</Relationships>',
    }


def cells(*values: str) -> str:
    """XML of a column of cells, as it stands between the tags of a row."""
    return "".join(f'<row r="{n}"><c r="A{n}"{v}</row>' for n, v in enumerate(values, start=1))


def text_cell(text: str) -> str:
    return f' t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'


def strings(*texts: str) -> str:
    items = "".join(f"<si><t>{text}</t></si>" for text in texts)
    return f'<sst xmlns="{MAIN}">{items}</sst>'


def flagged(data: bytes, offset: int = 8) -> bytes:
    """The archive with its first member marked as encrypted."""
    marked = bytearray(data)
    marked[marked.find(b"PK\x01\x02") + offset] |= 1
    return bytes(marked)


def lying(data: bytes, size: int) -> bytes:
    """The archive whose directory and headers say `size` of every member."""
    for sign, at in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        start = 0
        while (place := data.find(sign, start)) >= 0:
            data = data[: place + at] + struct.pack("<I", size) + data[place + at + 4 :]
            start = place + 30
    return data


def overlapping(data: bytes) -> bytes:
    """The archive whose second member is said to lie where the first does."""
    second = data.find(b"PK\x01\x02", data.find(b"PK\x01\x02") + 1)
    return data[: second + 42] + struct.pack("<I", 0) + data[second + 46 :]


def flipped(data: bytes, part: str) -> bytes:
    """One bit of the packed content of `part` changed."""
    place = data.find(part.encode()) + len(part) + 5
    return data[:place] + bytes([data[place] ^ 16]) + data[place + 1 :]


def honest(fill: Callable[[Any], None]) -> bytes:
    """A workbook as a library writes it."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        book.set_properties({"created": datetime(2026, 1, 1)})
        fill(book)
    return out.getvalue()


# Builders of old workbooks ----------------------------------------------------------------------

FREE, END = 0xFFFFFFFF, 0xFFFFFFFE


def record(kind: int, body: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


def number(row: int, column: int, value: float, style: int = 0) -> bytes:
    return record(0x203, struct.pack("<HHHd", row, column, style, value))


def label(row: int, column: int, text: str) -> bytes:
    wide = text.encode("utf-16-le")
    return record(0x204, struct.pack("<HHHHB", row, column, 0, len(wide) // 2, 1) + wide)


def formula(row: int, column: int, result: bytes) -> bytes:
    return record(0x06, struct.pack("<HHH", row, column, 0) + result + bytes(8))


def ole(stream: bytes, name: str = "Workbook", more: str = "") -> bytes:
    """A compound file of one stream (and an empty one named `more`)."""
    size = max(len(stream), 4096)
    count = -(-size // 512)
    table = [0xFFFFFFFD, END, *range(3, count + 2), END]
    table += [FREE] * (128 - len(table))
    head = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16)
    head += struct.pack("<HHHHH6xI", 0x3E, 3, 0xFFFE, 9, 6, 0)
    head += struct.pack("<IIIIIIII", 1, 1, 0, 4096, END, 0, END, 0)
    head += struct.pack("<109I", 0, *[FREE] * 108)
    entries = entry("Root Entry", 5, END, 0, child=1)
    entries += entry(name, 2, 2, size, right=2 if more else FREE)
    entries += entry(more, 2 if more else 0, END, 0) + bytes(128)
    return head + struct.pack("<128I", *table) + entries + stream.ljust(count * 512, b"\0")


def entry(
    name: str, kind: int, start: int, size: int, *, child: int = FREE, right: int = FREE
) -> bytes:
    wide = name.encode("utf-16-le")
    head = wide.ljust(64, b"\0") + struct.pack("<HBB", len(wide) + 2 if name else 0, kind, 1)
    links = struct.pack("<III", FREE, right, child)
    return head + links + bytes(36) + struct.pack("<IQ", start, size)


def biff(
    *sheets: tuple[str, bytes], hidden: Sequence[str] = (), head: bytes = b"", shift: int = 0
) -> bytes:
    """The stream of an old workbook; `shift` moves where its sheets are said to begin."""
    bof = struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 6)
    style = [struct.pack("<HH16x", 0, form) for form in (0, 14)]
    before = record(0x809, bof) + head + b"".join(record(0xE0, form) for form in style)
    names = [name.encode("utf-16-le") for name, _ in sheets]
    at = len(before) + sum(4 + 8 + len(name) for name in names) + 4
    listed, bodies = b"", b""
    for (name, rows), wide in zip(sheets, names, strict=True):
        place = struct.pack("<IBBBB", at + len(bodies) + shift, name in hidden, 0, len(name), 1)
        listed += record(0x85, place + wide)
        begin = record(0x809, struct.pack("<HHHHII", 0x600, 0x10, 0, 0, 0, 6))
        bodies += begin + rows + record(0x0A)
    return before + listed + record(0x0A) + bodies


def xls(*rows: bytes, **options: Any) -> bytes:
    return ole(biff(("Data", b"".join(rows)), **options))


# Builders of Parquet ----------------------------------------------------------------------------


def parquet(table: pa.Table, **options: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out, **options)
    return out.getvalue()


def footed(
    rows: bytes = b"\x7e",
    *,
    groups: bytes = b"\x0c",
    columns: bytes = b"\x2c",
    children: bytes = b"\x02",
    more: bytes = b"",
) -> bytes:
    """A Parquet file of nothing but a footer, written by hand: one INT32 column."""
    root = b"\x48\x06schema\x15" + children + b"\x00"
    leaf = b"\x15\x02\x25\x00\x18\x01a\x00"
    footer = b"\x15\x02\x19" + columns + root + leaf + b"\x16" + rows + b"\x19" + groups
    footer += more + b"\x00"
    return b"PAR1" + footer + struct.pack("<I", len(footer)) + b"PAR1"


def reannotated(table: pa.Table, metadata: dict[str, str]) -> bytes:
    return parquet(table.replace_schema_metadata(metadata), store_schema=False)


NUMBERS = pa.table({"a": [1, 2]})
PARQUET = parquet(NUMBERS)


# Workbooks that are read ------------------------------------------------------------------------

reads("xlsx_good", changed(), TWO)
reads("xlsx_named_csv", changed(sheet=sheet_xml(ROW_1)), TWO)
for form in ("A1:XFD1048576", "A1:A1", "B2:A1"):
    reads(
        f"xlsx_dimension_says_{form.lower().replace(':', '_')}",
        changed(sheet=sheet_xml(ROW_1, before=f'<dimension ref="{form}"/>')),
        TWO,
    )
reads(
    "xlsx_a_cell_far_below",
    changed(sheet=sheet_xml(ROW_1 + '<row r="70000"><c r="A70000"><v>3</v></c></row>')),
    {"Data": [[1, 2], *[[]] * 69_998, [3]]},
)
reads(
    "xlsx_rows_out_of_order",
    changed(
        sheet=sheet_xml(
            '<row r="3"><c r="B3"><v>5</v></c><c r="A3"><v>4</v></c></row>'
            '<row r="1"><c r="A1"><v>1</v></c></row>'
        )
    ),
    {"Data": [[1], [], [4, 5]]},
)
reads(
    "xlsx_everything_merged",
    changed(
        sheet=sheet_xml(ROW_1, after='<mergeCells><mergeCell ref="A1:XFD1048576"/></mergeCells>')
    ),
    TWO,
)
reads(
    "xlsx_thousands_of_merges",
    changed(
        sheet=sheet_xml(
            ROW_1,
            after="<mergeCells>"
            + "".join(f'<mergeCell ref="A{n}:B{n}"/>' for n in range(1, 20_000))
            + "</mergeCells>",
        )
    ),
    TWO,
)
reads(
    "xlsx_an_endless_format_range",
    changed(
        sheet=sheet_xml(
            ROW_1,
            after=f'<conditionalFormatting sqref="{"A1:B2 " * 9000}"></conditionalFormatting>',
        )
    ),
    TWO,
)
reads(
    "xlsx_odd_numbers",
    changed(
        sheet=sheet_xml(
            cells(
                *(
                    f"><v>{v}</v></c>"
                    for v in ("1e400", "-1e400", "NaN", "1,5", "1_000", "0x10", "", "1e3", "-0")
                )
            )
        )
    ),
    {
        "Data": [
            [float("inf")], [float("-inf")], [], ["1,5"], ["1_000"], ["0x10"], [], [1000], [0],
        ]
    },
)  # fmt: skip
reads(
    "xlsx_dates_from_1904",
    changed(
        book=BOOK.replace("<sheets>", '<workbookPr date1904="1"/><sheets>'),
        styles=STYLES,
        sheet=sheet_xml(cells(' s="1"><v>43831</v></c>')),
    ),
    {"Data": [[date(2024, 1, 2)]]},
)
reads(
    "xlsx_dates_that_are_none",
    changed(
        styles=STYLES,
        sheet=sheet_xml(cells(*(f' s="1"><v>{v}</v></c>' for v in ("45000", "2958466", "1e18")))),
    ),
    {"Data": [[date(2023, 3, 15)], [2958466], [1e18]]},
)
reads(
    "xlsx_a_number_format_to_choke_on",
    changed(
        styles=STYLES.replace('formatCode="0"', f'formatCode="{"[" * 5000}{"&quot;" * 5000}"'),
        sheet=sheet_xml(cells(' s="2"><v>7</v></c>')),
    ),
    {"Data": [[7]]},
)
reads(
    "xlsx_error_cells",
    changed(
        sheet=sheet_xml(
            cells(
                *(f' t="e"><v>{v}</v></c>' for v in ("#DIV/0!", "#N/A", "#REF!")), "><v>1</v></c>"
            )
        )
    ),
    {"Data": [[], [], [], [1]]},
    "error_cells",
)
reads(
    "xlsx_formulas_never_computed",
    changed(
        sheet=sheet_xml(
            cells("><f>1+1</f></c>", "><f>2</f><v></v></c>", "><f>40*2</f><v>79</v></c>")
        )
    ),
    {"Data": [[], [], [79]]},
    "formulas_without_value",
)
reads(
    "xlsx_escaped_controls",
    changed(sheet=sheet_xml(cells(text_cell("a_x000D_b\u202egpj"), text_cell(" 5 ")))),
    {"Data": [["a\rb\u202egpj"], [" 5 "]]},
)
NOISE = random.Random(5).randbytes(20_000)  # noqa: S311 - the same each time
EVIL = [
    "=1+1", "+7999", "-5", "@SUM(A1)", "=cmd|' /C calc'!A0", "<script>alert(1)</script>",
    "{{7*7}}", "../../etc/passwd", "'; DROP TABLE x;--", "![x](http://127.0.0.1:9)",
]  # fmt: skip


def _texts(book: Any) -> None:
    sheet = book.add_worksheet("Data")
    for row, text in enumerate(EVIL):
        sheet.write_string(row, 0, text)


reads("xlsx_texts_that_attack_what_shows_them", honest(_texts), {"Data": [[t] for t in EVIL]})
for state in ("hidden", "veryHidden"):
    both = linked(("Data", "worksheets/sheet1.xml"), ("Old", "worksheets/sheet2.xml"))
    both["book"] = both["book"].replace('name="Old"', f'name="Old" state="{state}"')
    reads(
        f"xlsx_a_sheet_that_is_{state.lower()}",
        changed(**both, second=sheet_xml('<row r="1"><c r="A1"><v>999</v></c></row>')),
        TWO,
        "hidden_sheets",
    )
reads(
    "xlsx_a_hidden_sheet_without_cells",
    changed(**both, second=sheet_xml("")),
    TWO,
)
reads(
    "xlsx_a_sheet_named_to_attack",
    changed(book=BOOK.replace('"Data"', '"../../etc/passwd&lt;script&gt;"')),
    {"../../etc/passwd<script>": [[1, 2]]},
)
reads(
    "xlsx_parts_that_climb_out",
    crafted(sheet_xml(ROW_1), ("../../evil", "x"), ("/abs/evil", "x"), ("C:\\evil", "x")),
    TWO,
)
reads(
    "xlsx_parts_in_other_case",
    zipped([(n.replace("xl/work", "XL/Work"), c) for n, c in parts(sheet_xml(ROW_1)).items()]),
    TWO,
)
reads("xlsx_of_the_strict_kind", changed(sheet=sheet_xml(ROW_1, main=STRICT)), TWO)
reads("xlsx_with_a_zip_inside", crafted(sheet_xml(ROW_1), ("xl/a.zip", changed())), TWO)
reads(
    "xlsx_with_comments_and_cdata",
    changed(
        sheet=sheet_xml(
            "<!-- <c> --><row r='1'><c r='A1' t='inlineStr'><is><t>a<![CDATA[<b>]]>c<!-- d --></t>"
            "</is></c></row>"
        )
    ),
    {"Data": [["a<b>c"]]},
)
reads(
    "xlsx_entities_in_texts",
    changed(
        strings=strings("a&amp;b&#1071;"),
        sheet=sheet_xml(
            cells(
                ' t="s"><v>0</v></c>',
                ' t="str"><f>1</f><v>a&amp;b&#10;c</v></c>',
                text_cell("&lt;"),
            )
        ),
    ),
    {"Data": [["a&bЯ"], ["a&b\nc"], ["<"]]},
)
reads(
    "xlsx_with_shared_and_rich_texts",
    changed(
        strings=strings("a</t></si><si><r><t>b</t></r><r><t>c</t></r></si><si><t>d"),
        sheet=sheet_xml(cells(' t="s"><v>0</v></c>', ' t="s"><v>1</v></c>', ' t="b"><v>1</v></c>')),
    ),
    {"Data": [["a"], ["bc"], [True]]},
)
reads(
    "xlsx_a_cell_with_thousands_of_attributes",
    changed(
        sheet=sheet_xml(
            f'<row r="1"><c r="A1" {" ".join(f"a{n}=" + chr(34) * 2 for n in range(9000))}>'
            "<v>1</v></c></row>"
        )
    ),
    {"Data": [[1]]},
)
reads(
    "xlsx_a_long_number",
    changed(sheet=sheet_xml(cells(f"><v>1{'0' * 300}</v></c>"))),
    {"Data": [[1e300]]},
)
reads("xlsx_tags_nested_deep", changed(sheet=sheet_xml("<a>" * 20_000)), {"Data": []})
reads(
    "xlsx_notes_in_utf_16",
    crafted(
        sheet_xml(ROW_1),
        ("customXml/item1.xml", '<?xml version="1.0" encoding="utf-16"?><a/>'.encode("utf-16")),
    ),
    TWO,
)
reads(
    "xlsx_an_empty_sheet_beside",
    changed(
        **linked(("Data", "worksheets/sheet1.xml"), ("Empty", "worksheets/sheet2.xml")),
        second=sheet_xml(""),
    ),
    {"Data": [[1, 2]], "Empty": []},
)

# Workbooks that are refused ---------------------------------------------------------------------

refused(
    "too_many_columns",
    xlsx_a_cell_at_the_far_corner=changed(
        sheet=sheet_xml(ROW_1 + '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')
    ),
    xlsx_too_wide=changed(
        sheet=sheet_xml(f'<row r="1">{"<c><v>1</v></c>" * 1001}</row>')
    ),
)  # fmt: skip
refused(
    "too_many_cells",
    xlsx_a_cell_far_away=changed(
        sheet=sheet_xml(ROW_1 + '<row r="1000000"><c r="ALL1000000"><v>1</v></c></row>')
    ),
)
refused(
    "broken_workbook",
    xlsx_row_beyond_counting=changed(sheet=sheet_xml(f'<row r="{"9" * 20}"/>')),
    xlsx_row_zero=changed(sheet=sheet_xml('<row r="0"><c r="A0"><v>1</v></c></row>')),
    xlsx_row_beyond_the_last=changed(sheet=sheet_xml('<row r="1048577"/>')),
    xlsx_digits_before_letters=changed(sheet=sheet_xml('<row r="1"><c r="1A"><v>1</v></c></row>')),
    xlsx_cyrillic_address=changed(sheet=sheet_xml('<row r="5"><c r="Ж5"><v>1</v></c></row>')),
    xlsx_empty_address=changed(sheet=sheet_xml('<row r="1"><c r=""><v>1</v></c></row>')),
    xlsx_one_cell_twice=changed(
        sheet=sheet_xml('<row r="1"><c r="A1"><v>1</v></c><c r="A1"><v>999</v></c></row>')
    ),
    xlsx_one_row_twice=changed(sheet=sheet_xml(ROW_1 + '<row r="1"/>')),
    xlsx_text_number_out_of_range=changed(
        strings=strings("a"), sheet=sheet_xml(cells(' t="s"><v>999999</v></c>'))
    ),
    xlsx_text_number_below_zero=changed(
        strings=strings("a"), sheet=sheet_xml(cells(' t="s"><v>-1</v></c>'))
    ),
    xlsx_text_number_in_spaces=changed(
        strings=strings("a", "b"), sheet=sheet_xml(cells(' t="s"><v> 1 </v></c>'))
    ),
    xlsx_a_comment_within_a_number=changed(sheet=sheet_xml(cells("><v>1<!-- x -->2</v></c>"))),
    xlsx_a_number_in_cdata=changed(sheet=sheet_xml(cells("><v><![CDATA[5]]></v></c>"))),
    xlsx_an_instruction_within_a_number=changed(sheet=sheet_xml(cells("><v>1<?x y?>2</v></c>"))),
    xlsx_an_entity_within_a_number=changed(sheet=sheet_xml(cells("><v>1&#49;</v></c>"))),
    xlsx_two_values_in_a_cell=changed(sheet=sheet_xml(cells("><v>1</v><v>2</v></c>"))),
    xlsx_two_tables_in_a_sheet=changed(
        sheet=sheet_xml(ROW_1 + '</sheetData><sheetData><row r="2"><c r="A2"><v>9</v></c></row>')
    ),
    xlsx_a_cell_in_another_row=changed(
        sheet=sheet_xml(ROW_1 + '<row r="2"><c r="A2"><v>9</v></c><c r="C1"><v>9</v></c></row>')
    ),
    xlsx_dimension_says_nonsense=changed(
        sheet=sheet_xml(ROW_1, before='<dimension ref="nonsense"/>')
    ),
    xlsx_a_sheet_cut_short=changed(sheet=sheet_xml(ROW_1)[:-30]),
    xlsx_a_truth_that_is_none=changed(sheet=sheet_xml(cells(' t="b"><v>x</v></c>'))),
    xlsx_a_kind_of_cell_that_is_none=changed(sheet=sheet_xml(cells(' t="zz"><v>5</v></c>'))),
    xlsx_error_of_no_excel=changed(sheet=sheet_xml(cells(' t="e"><v>#ЗНАЧ!</v></c>'))),
    xlsx_text_longer_than_excel=changed(sheet=sheet_xml(cells(text_cell("ab" * 20_000)))),
    xlsx_sheet_in_utf_16=changed(sheet=sheet_xml(ROW_1).encode("utf-16")),
    xlsx_sheet_says_cp1251=changed(sheet=sheet_xml(ROW_1).replace("UTF-8", "windows-1251")),
    xlsx_laughs_in_utf_16=changed(
        sheet='<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE a [<!ENTITY b "c">]><a/>'.encode(
            "utf-16"
        )
    ),
    xlsx_two_sheets_of_one_part=changed(
        **linked(("A", "worksheets/sheet1.xml"), ("B", "worksheets/sheet1.xml"))
    ),
    xlsx_two_sheets_of_one_name=changed(
        **linked(("A", "worksheets/sheet1.xml"), ("A", "worksheets/sheet2.xml")),
        second=sheet_xml('<row r="1"><c r="A1"><v>999</v></c></row>'),
    ),
    xlsx_sheet_part_climbs_out=changed(**linked(("Data", "../../../../etc/passwd"))),
    xlsx_sheet_part_is_absent=changed(sheet=None),
    xlsx_sheet_part_is_an_address=changed(**linked(("Data", "http://127.0.0.1:9/sheet.xml"))),
    xlsx_half=changed()[: len(changed()) // 2],
    xlsx_flipped_bit=flipped(changed(), SHEET),
    xlsx_sizes_lie=lying(changed(), 10),
    xlsx_two_parts_in_one_place=overlapping(changed()),
    xlsx_one_part_in_two_cases=crafted(
        sheet_xml(ROW_1), ("XL/worksheets/Sheet1.xml", sheet_xml(""))
    ),
    xlsx_packed_by_bzip2=zipped([*parts(sheet_xml(ROW_1)).items()], zipfile.ZIP_BZIP2),
    xlsx_a_text_without_end=lambda: changed(
        strings=f'<sst xmlns="{MAIN}"><si><t>{" ".join(map(str, range(1_000_000)))}</t></si></sst>'
    ),
)


def _twice() -> bytes:
    out = io.BytesIO(changed())
    with zipfile.ZipFile(out, "a") as package:
        package.NameToInfo.clear()  # or it would warn
        package.writestr(zipfile.ZipInfo(SHEET), sheet_xml(""))
    return out.getvalue()


refused("broken_workbook", xlsx_one_part_twice=_twice)
LAUGHS = '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>'
refused(
    "xml_dtd",
    xlsx_laughs_in_the_sheet=changed(sheet=LAUGHS + sheet_xml(cells(text_cell("&c;")))),
    xlsx_laughs_in_the_texts=changed(strings=LAUGHS + strings("&c;")),
    xlsx_laughs_in_the_book=changed(book=LAUGHS + BOOK.replace("Data", "&c;")),
    xlsx_laughs_in_the_types=changed(types=LAUGHS + TYPES),
    xlsx_laughs_in_the_styles=changed(styles=LAUGHS + STYLES),
    xlsx_asks_for_a_file=changed(
        sheet='<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'
    ),
    xlsx_asks_for_an_address=changed(
        sheet='<!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1:9/x"> %x;]><a/>'
    ),
    xlsx_a_harmless_dtd=changed(sheet="<!DOCTYPE worksheet>" + sheet_xml(ROW_1)),
    xlsx_one_large_entity=changed(
        sheet=f'<!DOCTYPE a [<!ENTITY a "{"x" * 10_000}">]><a>{"&a;" * 2_000}</a>'
    ),
)
refused("no_sheet", xlsx_without_sheets=changed(**linked()))
refused(
    "too_many_sheets",
    xlsx_sheets_without_number=changed(
        **linked(*((f"s{n}", f"worksheets/s{n}.xml") for n in range(300)))
    ),
)
refused(
    "wrong_format",
    xlsx_without_a_book=changed(book=None),
    xlsx_of_types_alone=zipped([("[Content_Types].xml", TYPES)]),
)
refused(
    "too_many_parts",
    xlsx_parts_without_number=lambda: crafted(
        sheet_xml(ROW_1), *((f"xl/media/{n}", b"") for n in range(2_500))
    ),
)
refused(
    "encrypted",
    xlsx_a_part_encrypted=flagged(changed()),
    xlsx_with_a_password=ole(b"x" * 4096, "EncryptedPackage"),
)
refused(
    "decompressed_too_large",
    xlsx_bomb_of_rows=lambda: changed(sheet=sheet_xml("<row/>" * 1_000_000)),
    xlsx_bomb_of_cells=lambda: changed(sheet=sheet_xml(f"<row>{'<c/>' * 1_000_000}</row>")),
    xlsx_bomb_of_styles=lambda: changed(
        styles=STYLES.replace("<xf numFmtId=", "<xf/>" * 500_000 + "<xf numFmtId=", 1)
    ),
    xlsx_bomb_of_texts=lambda: changed(strings=strings(*[""] * 300_000)),
    xlsx_bomb_of_a_picture=lambda: crafted(sheet_xml(ROW_1), ("xl/media/1.png", b"x" * 4_000_000)),
)
refused(
    "out_of_memory",
    xlsx_the_reader_aborts=lambda: changed(
        sheet=sheet_xml(
            f'<row r="1">{"<c><v>1</v></c>" * 16_000}</row>'
            '<row r="1000000"><c r="A1000000"><v>1</v></c></row>'
        )
    ),
)
refused(
    "other_file",
    docx=zipped([("[Content_Types].xml", TYPES), ("word/document.xml", "<w/>")]),
    pptx=zipped([("[Content_Types].xml", TYPES), ("ppt/presentation.xml", "<p/>")]),
    xlsb=zipped([("[Content_Types].xml", TYPES), ("xl/workbook.bin", b"\0")]),
    ods=zipped([("mimetype", "application/vnd.oasis"), ("content.xml", "<o/>")]),
    numbers=zipped([("Index/Document.iwa", b"\0")]),
)

# Old workbooks ----------------------------------------------------------------------------------

OLD = (label(0, 0, "Дата"), label(0, 1, "Визиты"), number(1, 0, 46_296, 1), number(1, 1, 5))
OLD_ROWS: Rows = [["Дата", "Визиты"], [date(2026, 10, 1), 5]]
reads("xls_good", xls(*OLD), {"Data": OLD_ROWS})
reads(
    "xls_a_hidden_sheet",
    ole(biff(("Data", b"".join(OLD)), ("Old", number(0, 0, 999)), hidden=["Old"])),
    {"Data": OLD_ROWS},
    "hidden_sheets",
)
reads(
    "xls_error_cells",
    xls(
        record(0x205, struct.pack("<HHHBB", 0, 0, 0, 7, 1)),
        formula(0, 1, b"\2\0\x07\0\0\0\xff\xff"),
        number(0, 2, 3),
    ),
    {"Data": [[None, None, 3]]},
    "error_cells",
)
reads(
    "xls_formulas",
    xls(formula(0, 0, struct.pack("<d", 79.5)), formula(0, 1, b"\3\0\0\0\0\0\xff\xff")),
    {"Data": [[79.5]]},
    "formulas_without_value",
)
FAR: Rows = [[1], *[[]] * 65_534, [None, 2]]
reads("xls_a_cell_far_below", xls(number(0, 0, 1), number(65_535, 1, 2)), {
    "Data": FAR
})  # fmt: skip
reads(
    "xls_says_it_is_larger",
    xls(record(0x200, struct.pack("<IIHHH", 0, 9, 0, 9, 0)), *OLD),
    {"Data": OLD_ROWS},
)
reads(
    "xls_shared_texts",
    xls(
        record(0xFD, struct.pack("<HHHI", 0, 0, 0, 0)),
        head=record(0xFC, struct.pack("<IIHB", 1, 1, 3, 0) + b"abc"),
    ),
    {"Data": [["abc"]]},
)
reads("xls_an_empty_sheet", xls(), {"Data": []})
refused(
    "broken_workbook",
    xls_half=xls(*OLD)[:2600],
    xls_a_cell_beyond_the_last_column=xls(number(0, 300, 1)),
    xls_one_cell_twice=xls(number(0, 0, 1), number(0, 0, 999)),
    xls_a_sheet_where_none_is=xls(*OLD, shift=7),
    xls_a_sheet_beyond_the_end=xls(*OLD, shift=900_000),
    xls_a_chain_that_loops=xls(*OLD)[: 512 + 8] + struct.pack("<I", 2) + xls(*OLD)[512 + 12 :],
    xls_a_table_beyond_the_end=xls(*OLD)[:76] + struct.pack("<I", 9_000) + xls(*OLD)[80:],
    xls_a_million_tables=xls(*OLD)[:44] + struct.pack("<I", 10**6) + xls(*OLD)[48:],
    xls_the_directory_is_absent=xls(*OLD)[:48] + struct.pack("<I", 77_777) + xls(*OLD)[52:],
    xls_noise_inside=ole(NOISE[:4096]),
    xls_a_text_that_is_not_there=xls(
        record(0xFD, struct.pack("<HHHI", 0, 0, 0, 7)),
        head=record(0xFC, struct.pack("<IIHB", 1, 1, 1, 0) + b"a"),
    ),
    xls_texts_said_to_be_four_billion=xls(
        record(0xFD, struct.pack("<HHHI", 0, 0, 0, 7)),
        head=record(0xFC, struct.pack("<II", 2**32 - 1, 2**32 - 1)),
    ),
)
refused("no_sheet", xls_without_sheets=ole(biff()))
refused("encrypted", xls_with_a_password=xls(*OLD, head=record(0x2F, bytes(54))))
refused(
    "other_file",
    doc=ole(b"", "WordDocument", "1Table"),
    ppt=ole(b"", "PowerPoint Document"),
    msg=ole(b"", "__properties_version1.0"),
)
refused(
    "old_workbook",
    xls_of_1992=struct.pack("<HHHH", 9, 6, 0, 0x10) + bytes(40),
    ole_of_nobody_knows_what=ole(b"", "Mystery"),
    ole_header_alone=xls()[:512],
    ole_of_odd_sectors=xls(*OLD)[:30] + b"\x63\0" + xls(*OLD)[32:],
)

# HTML -------------------------------------------------------------------------------------------

HEAD = "<tr><th>Дата<th>Визиты</tr>"
WEB = [["Дата", "Визиты"], ["01.10.2026", "5 030,16"]]
BODY = f"{HEAD}<tr><td>01.10.2026</td><td>5 030,16</td></tr>"


def web(rows: str, before: str = "", after: str = "") -> str:
    return f"<html>{before}<table border=1>{rows}</table>{after}</html>"


reads("html_good", web(BODY), WEB)
reads("html_a_table_alone", f"<table>{BODY}</table>", WEB)
reads("html_upper_case", web(BODY).replace("td>", "TD>").replace("tr>", "TR>").upper(), [
    ["ДАТА", "ВИЗИТЫ"], WEB[1]
])  # fmt: skip
reads("html_says_utf_8", '<meta charset="utf-8">' + web(BODY), WEB)
reads("html_says_cp1251", ('<meta charset="windows-1251">' + web(BODY)).encode("cp1251"), WEB)
reads(
    "html_says_cp1251_as_http_does",
    (
        '<meta http-equiv="Content-Type" content="text/html; charset=windows-1251">' + web(BODY)
    ).encode("cp1251"),
    WEB,
)
reads("html_says_cp1251_and_is_utf_8", '<meta charset="windows-1251">' + web(BODY), WEB)
reads("html_says_nothing", web(BODY).encode("cp1251"), WEB, "encoding_guessed")
reads("html_says_rot13", '<meta charset="rot13">' + web(BODY), WEB)
reads("html_in_utf_16", web(BODY).encode("utf-16"), WEB)
reads("html_with_a_mark", web(BODY).encode("utf-8-sig"), WEB)
reads("html_of_the_xml_kind", '<?xml version="1.0"?><!DOCTYPE html>' + web(BODY), WEB)
reads(
    "html_as_excel_saves_it",
    '<html xmlns:x="urn:x"><head><!--[if gte mso 9]><xml><x:a/></xml><![endif]-->'
    "<style><!-- td {color: red} --></style></head><body><![if supportMisalignedColumns]>"
    + web(BODY)
    + "<![endif]></body></html>",
    WEB,
)
reads(
    "html_entities",
    web("<tr><td>5&nbsp;030<td>a&amp;b &lt;c&gt; &#1071;<td>&bogus;<td>&nbsp;<td>1</tr>"),
    [["5\xa0030", "a&b <c> Я", "&bogus;", None, "1"]],
)
reads("html_line_breaks", web("<tr><td>a<br>b<br/>c<td> d\n  e<td><p>f</p><p>g</p></tr>"), [
    ["a\nb\nc", "d e", "f\ng"]
])  # fmt: skip
reads(
    "html_spanned_columns",
    web("<tr><td colspan=2>a<td>b</tr><tr><td>1<td>2<td>3</tr>"),
    [["a", None, "b"], ["1", "2", "3"]],
)
reads(
    "html_spanned_rows",
    web("<tr><td rowspan=2>a<td>1</tr><tr><td>2</tr><tr><td>b<td>3</tr>"),
    [["a", "1"], [None, "2"], ["b", "3"]],
)
reads(
    "html_spanned_both_ways",
    web("<tr><td>x<td rowspan=2 colspan=2>a<td>1</tr><tr><td>y<td>2</tr>"),
    [["x", "a", None, "1"], ["y", None, None, "2"]],
)
reads(
    "html_spanned_to_the_end",
    web("<tr><td rowspan=0>a<td>1</tr><tr><td>2</tr><tr><td>3</tr>"),
    [["a", "1"], [None, "2"], [None, "3"]],
)
reads(
    "html_spans_without_measure",
    web('<tr><td rowspan="99999999999">a<td colspan="-5">1<td colspan=x>2</tr><tr><td>3</tr>'),
    [["a", "1", "2"], [None, "3"]],
)
reads(
    "html_a_last_cell_spans_a_billion", web("<tr><td>a<td colspan=999999999>b</tr>"), [["a", "b"]]
)
reads(
    "html_two_tables",
    web(BODY) + web("<tr><td>1</tr>"),
    {"1": WEB, "2": [["1"]]},
)
reads(
    "html_a_table_for_layout",
    web(f"<tr><td>Menu<td><table>{BODY}</table></tr>"),
    {"1": [["Menu"]], "2": WEB},
)
reads("html_a_caption", web(f"<caption>Отчёт за октябрь</caption>{BODY}"), [
    ["Отчёт за октябрь"], *WEB
])  # fmt: skip
reads(
    "html_scripts_and_styles",
    web(BODY + "<script>document.write('<tr><td>9</td></tr>')</script><style>td{}</style>"),
    WEB,
)
reads("html_a_row_commented_out", web(BODY + "<!-- <tr><td>old<td>9</tr> -->"), WEB)
reads("html_an_attribute_with_a_bracket", web(BODY.replace("<td>", '<td title="a > b">')), WEB)
reads(
    "html_sections_without_ends",
    web("<thead><tr><th>a<th>b<tbody><tr><td>1<td>2<tr><td>3<td>4<tfoot><tr><td>5"),
    [["a", "b"], ["1", "2"], ["3", "4"], ["5"]],
)
reads("html_cells_without_a_row", web("<td>a<td>b"), [["a", "b"]])
reads("html_a_formula", web("<tr><td>=1+1<td>&lt;script&gt;</tr>"), [["=1+1", "<script>"]])
reads("html_deep_in_divs", "<div>" * 3000 + web(BODY), WEB)
reads("html_an_empty_row", web(f"{HEAD}<tr></tr><tr><td></td><td>7</td></tr>"), [
    WEB[0], [], [None, "7"]
])  # fmt: skip
refused(
    "not_a_table",
    html_a_login_page="<!DOCTYPE html><html><body>Sign in</body></html>",
    html_of_divs_alone=f"<html>{'<div class=row>1</div>' * 100}</html>",
    html_a_table_without_text=web("<tr><td> <td>&nbsp;</tr>"),
    xml_of_excel_2003='<?xml version="1.0"?><Workbook xmlns="urn:x"><Table/></Workbook>',
    xml_with_laughs='<?xml version="1.0"?>' + LAUGHS + "<a>&c;</a>",
    json_object='{"rows": [{"date": 1}]}',
    json_array='[{"date": "2026-10-01"}]',
    json_nested_deep="[[" * 50_000,
)
refused(
    "broken_markup",
    html_cut_off=web(BODY * 3)[:150],
    html_cut_off_within_a_tag=f"<table>{BODY}<tr><td",
    html_a_comment_without_end=f"<table>{BODY}<!-- <tr><td>1</td></tr></table>",
    html_a_script_without_end=f"<table>{BODY}<script> </table>",
    html_comments_without_number="<table>" + "<!--" * 300_000,
    html_tables_in_tables="<table><tr><td>" * 20_000,
)
refused("too_many_columns", html_too_wide=web(f"<tr>{'<td>1' * 1001}</tr>"))
refused("too_many_sheets", html_tables_without_number="<html>" + web("<tr><td>1") * 300)
refused("cell_too_long", html_an_endless_cell=web(f"<tr><td>{'x' * 40_000}</tr>"))

# Archives ---------------------------------------------------------------------------------------

CSV = "Date,Sessions\n2026-10-01,5\n"
ONE = [["Date", "Sessions"], ["2026-10-01", "5"]]
SEMICOLONS = "Дата;Визиты\n01.10.2026;1 500,5\n"
TWO_RU = [["Дата", "Визиты"], ["01.10.2026", "1 500,5"]]

reads("zip_one_table", folder(Chart__csv=CSV), {"Chart": ONE}, delimiters=",")
reads(
    "zip_tables_of_many_kinds",
    lambda: folder(
        a__csv=CSV,
        b__csv=SEMICOLONS.encode("cp1251"),
        c__txt=CSV.replace(",", "\t").encode("utf-16"),
        d__xls=web(BODY),
        e__xls=xls(*OLD),
        f__xlsx=changed(),
        g__parquet=PARQUET,
    ),
    {
        "a": ONE, "b": TWO_RU, "c": ONE, "d": WEB, "e": OLD_ROWS, "f": [[1, 2]],
        "g": [["a"], [1], [2]],
    },
    "encoding_guessed",
    delimiters=",;\t",
)  # fmt: skip
reads(
    "zip_a_workbook_of_two_sheets",
    folder(
        report__xlsx=changed(
            **linked(("A", "worksheets/sheet1.xml"), ("B", "worksheets/sheet2.xml")),
            second=sheet_xml(ROW_1),
        )
    ),
    {"report › A": [[1, 2]], "report › B": [[1, 2]]},
)
reads(
    "zip_pictures_and_papers_beside",
    folder(
        a__csv=CSV, b__png=b"\x89PNG\r\n\x1a\n" + bytes(50), c__pdf=b"%PDF-1.7", d__html="<html>hi"
    ),
    {"a": ONE},
    *["member_left_out"] * 3,
    delimiters=",",
)
reads(
    "zip_a_note_with_an_inch_sign",
    folder(a__csv=CSV, readme__txt='Take care.\n"Screens, 32"" and up, not counted\n'),
    {"a": ONE},
    "member_left_out",
    delimiters=",",
)
reads(
    "zip_a_note",
    folder(a__csv=CSV, readme__txt="Made by hand.\n"),
    {"a": ONE, "readme": [["Made by hand."]]},
    delimiters=",,",
)
reads(
    "zip_as_a_mac_makes_it",
    zipped(
        [
            ("x/", b""),
            ("x/a.csv", CSV),
            ("__MACOSX/x/._a.csv", b"\0\5\x16\7"),
            ("x/.DS_Store", b"\0"),
        ]
    ),
    {"a": ONE},
    delimiters=",",
)
reads("zip_names_that_climb_out", zipped([("../../etc/a.csv", CSV)]), {"a": ONE}, delimiters=",")
reads("zip_a_name_in_utf_8", zipped([("Отчёт.csv", CSV)]), {"Отчёт": ONE}, delimiters=",")
reads(
    "zip_a_name_in_cp866",
    lambda: zipped([("AAAAA.csv", CSV)]).replace(b"AAAAA", "Отчёт".encode("cp866")),
    {"Отчёт": ONE},
    delimiters=",",
)
reads(
    "zip_one_table_twice",
    zipped([("a.csv", CSV), ("copy/a.csv", CSV)]),
    {"a": ONE},
    "same_file_twice",
    delimiters=",",
)
reads(
    "zip_two_tables_of_one_name",
    zipped([("2025/a.csv", CSV), ("2026/a.csv", SEMICOLONS)]),
    {"a": ONE, "2026/a": TWO_RU},
    delimiters=",;",
)
reads("zip_with_noise_after", folder(a__csv=CSV) + b"", {"a": ONE}, delimiters=",")
refused("nested_archive", zip_in_a_zip=folder(a__csv=CSV, b__zip=folder(c__csv=CSV)))
refused(
    "nested_archive", gzip_in_a_zip=lambda: folder(a__csv=CSV, b__gz=gzip.compress(b"x", mtime=0))
)
refused("encrypted", zip_encrypted=flagged(folder(a__csv=CSV)))
refused(
    "encrypted", zip_a_workbook_encrypted=folder(a__csv=CSV, b__xls=ole(b"", "EncryptedPackage"))
)
refused("broken_quotes", zip_a_broken_table=folder(a__csv=CSV, b__csv='Date,Sessions\n1,"5\n1,6\n'))
refused("empty_file", zip_an_empty_member=folder(a__csv=CSV, b__csv=""))
refused("binary_file", zip_a_member_of_noise=folder(a__csv=CSV, b__csv=bytes(range(8)) * 90))
refused("bad_encoding", zip_a_member_of_two_encodings=folder(
    a__csv=CSV, b__csv="Дата\n".encode() + bytes(range(128, 256))
))  # fmt: skip
refused("broken_workbook", zip_half_a_workbook=folder(a__csv=CSV, b__xlsx=changed()[:700]))
refused("broken_markup", zip_half_a_page=folder(a__csv=CSV, b__xls=web(BODY)[:60]))
refused(
    "no_table_in_archive",
    zip_empty=b"PK\x05\x06" + bytes(18),
    zip_of_pictures=folder(a__png=b"\x89PNG\r\n"),
    zip_of_folders=zipped([("a/", b""), ("b/", b"")]),
    zip_of_mac_traces=zipped([("__MACOSX/._a", b"\0")]),
)
refused(
    "broken_archive",
    zip_half=folder(a__csv=CSV * 50)[:90],
    zip_flipped_bit=flipped(folder(a__csv=CSV * 50), "a.csv"),
    zip_two_of_one_place=overlapping(folder(a__csv=CSV, b__csv=CSV * 2)),
    zip_by_bzip2=zipped([("a.csv", CSV)], zipfile.ZIP_BZIP2),
    zip_sizes_lie=lying(folder(a__csv=CSV), 3),
    zip_a_list_in_the_comment=folder(a__csv=CSV)[:-2] + b"\x16\0PK\x05\x06" + bytes(18),
)
refused(
    "decompressed_too_large",
    zip_bomb=lambda: folder(a__csv=b"Date,Sessions\n" + b"1,1\n" * 700_000),
)
refused(
    "too_many_members", zip_members_without_number=zipped([(f"{n}.csv", CSV) for n in range(101)])
)
refused(
    "packed_otherwise",
    zip_split=b"PK\x07\x08" + bytes(50),
    gz=lambda: gzip.compress(CSV.encode(), mtime=0),
    gz_bomb=lambda: gzip.compress(bytes(20_000_000), mtime=0),
    bz2=lambda: bz2.compress(CSV.encode()),
    xz=lambda: lzma.compress(CSV.encode()),
    seven_zip=b"7z\xbc\xaf\x27\x1c" + bytes(50),
    rar=b"Rar!\x1a\x07\1\0" + bytes(50),
    zstd=b"\x28\xb5\x2f\xfd" + bytes(50),
)


def _tar() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        member = tarfile.TarInfo("a.csv")
        member.size = len(CSV)
        archive.addfile(member, io.BytesIO(CSV.encode()))
    return out.getvalue()


refused("packed_otherwise", tar=_tar)
refused(
    "other_file",
    pdf=b"%PDF-1.7\n%\xe2\xe3\xcf\xd3",
    png=b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
    jpeg=b"\xff\xd8\xff\xe0\0\x10JFIF",
    gif=b"GIF89a" + bytes(20),
    tiff=b"II*\0" + bytes(20),
    webp=b"RIFF\0\0\0\0WEBPVP8 ",
    rtf=rb"{\rtf1\ansi text}",
    sqlite=b"SQLite format 3\0" + bytes(84),
    arrow=b"ARROW1\0\0" + bytes(40),
    pickle=b"\x80\x04\x95\x10\0\0\0\0\0\0\0cposix\nsystem\n",
)

# Texts ------------------------------------------------------------------------------------------

T = [["Date", "Sessions", "Cost"], ["2026-10-01", "5", "1.5"], ["2026-10-02", "6", "2.5"]]


def table(delimiter: str = ",", end: str = "\n") -> str:
    return "".join(delimiter.join(row) + end for row in T)


for mark, called in ((",", "commas"), (";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
    reads(f"csv_of_{called}", table(mark), T, delimiters=mark)
for end, called in (("\r\n", "crlf"), ("\r", "cr")):
    reads(f"csv_lines_end_by_{called}", table(end=end), T, delimiters=",")
reads("csv_lines_end_in_all_ways", "Date,Sessions\r\n1,2\r3,4\n5,6", [
    ["Date", "Sessions"], ["1", "2"], ["3", "4"], ["5", "6"]
], delimiters=",")  # fmt: skip
reads("csv_without_a_last_line_end", table().rstrip(), T, delimiters=",")
for encoding in ("utf-8-sig", "utf-16", "utf-32"):
    reads(f"csv_in_{encoding}", table().encode(encoding), T, delimiters=",")
reads("csv_in_utf_16_big_first", b"\xfe\xff" + table().encode("utf-16-be"), T, delimiters=",")
for encoding in ("utf-16-le", "utf-16-be"):
    reads(
        f"csv_in_{encoding}_unmarked", table().encode(encoding), T, "encoding_guessed",
        delimiters=",",
    )  # fmt: skip
RU = "Дата;Кампания;Расход\n01.10.2026;Поиск по бренду, Москва;1 500,50\n"
RU_ROWS = [["Дата", "Кампания", "Расход"], ["01.10.2026", "Поиск по бренду, Москва", "1 500,50"]]
for encoding in ("cp1251", "cp866", "koi8-r", "mac_cyrillic"):
    reads(f"csv_in_{encoding}", RU.encode(encoding), RU_ROWS, "encoding_guessed", delimiters=";")
reads(
    "csv_a_late_cyrillic_line",
    lambda: ("Date,Campaign,Cost\n" + "2026-10-01,a,1\n" * 20_000 + "2026-10-02,Поиск,2\n").encode(
        "cp1251"
    ),
    [
        ["Date", "Campaign", "Cost"],
        *[["2026-10-01", "a", "1"]] * 20_000,
        ["2026-10-02", "Поиск", "2"],
    ],
    "encoding_guessed",
    delimiters=",",
)  # fmt: skip
reads(
    "csv_in_cp1251_without_a_letter",
    "Date;Cost\n2026-10-01;1 500\n–;«7»\n".encode("cp1251"),
    [["Date", "Cost"], ["2026-10-01", "1 500"], ["–", "«7»"]],
    "encoding_guessed",
    delimiters=";",
)
reads("csv_marked_twice", "\ufeff\ufeff" + table(), T, delimiters=",")
reads("csv_a_mark_within", table().replace("2026-10-02", "\ufeff2026-10-02"), T, delimiters=",")
reads("csv_says_sep", "sep=;\r\n" + table(";"), T, delimiters=";")
reads("csv_quoted_lines", 'Date,Campaign\n1,"a\nb\r\nc, ""d"""\n2,e', [
    ["Date", "Campaign"], ["1", 'a\nb\r\nc, "d"'], ["2", "e"]
], delimiters=",")  # fmt: skip
reads(
    "csv_texts_of_many_lines",
    'Date,Campaign,Cost\n1,"Dear all,\nplease, note, this\nbye, all, now\nyours",5\n',
    [
        ["Date", "Campaign", "Cost"],
        ["1", "Dear all,\nplease, note, this\nbye, all, now\nyours", "5"],
    ],
    delimiters=",",
)
reads("csv_line_ends_of_unicode", "Date,Campaign\n1,A\u2028B\n2,C\x85D\n3,E\x0bF\x0cG\n", [
    ["Date", "Campaign"], ["1", "A\u2028B"], ["2", "C\x85D"], ["3", "E\x0bF\x0cG"]
], delimiters=",")  # fmt: skip
reads('csv_an_inch_sign', 'Date,Campaign\n1,TV 32"\n2,Bob "B" X\n', [
    ["Date", "Campaign"], ["1", 'TV 32"'], ["2", 'Bob "B" X']
], delimiters=",")  # fmt: skip
reads(
    "csv_apostrophes",
    "Date,Campaign,Cost\n1,'A,nn',2\n",
    [["Date", "Campaign", "Cost"], ["1", "'A", "nn'", "2"]],
    delimiters=",",
)
reads("csv_longer_rows", "Date,Cost\n1,2,3\n", [["Date", "Cost"], ["1", "2", "3"]], delimiters=",")
reads("csv_shorter_rows", "Date,Cost,Clicks\n1,2\n3\n", [
    ["Date", "Cost", "Clicks"], ["1", "2"], ["3"]
], delimiters=",")  # fmt: skip
reads("csv_a_comma_at_the_end", "Date,Cost\n1,2,\n", [
    ["Date", "Cost"], ["1", "2", ""]
], delimiters=",")  # fmt: skip
reads(
    "csv_lines_above",
    "Report by ACME\nPeriod: 01.10.2026; 31.10.2026\n\n;;;\n" + table(),
    [["Report by ACME"], ["Period: 01.10.2026; 31.10.2026"], [], [";;;"], *T],
    delimiters=",",
)
reads("csv_semicolons_and_decimal_commas", "Дата;Расход\n1;79,5\n2;1\xa0234,56 ₽\n", [
    ["Дата", "Расход"], ["1", "79,5"], ["2", "1\xa0234,56 ₽"]
], delimiters=";")  # fmt: skip
reads("csv_commas_and_decimal_commas", 'Date,Cost\n1,"79,5"\n', [
    ["Date", "Cost"], ["1", "79,5"]
], delimiters=",")  # fmt: skip
reads(
    "csv_a_text_full_of_delimiters",
    "Date\tCampaign\n" + "1\ta;b;c, d; e, f\n" * 40,
    [["Date", "Campaign"], *[["1", "a;b;c, d; e, f"]] * 40],
    delimiters="\t",
)
reads("csv_doubled_bars", "Date||Cost\n1||2\n", [
    ["Date", "", "Cost"], ["1", "", "2"]
], delimiters="|")  # fmt: skip
reads("csv_one_column", "Sessions\n5\n6\n", [["Sessions"], ["5"], ["6"]], delimiters=",")
reads("csv_headings_alone", "Date,Cost\n", [["Date", "Cost"]], delimiters=",")
reads("csv_one_heading_twice", "Date,Cost,cost, Cost \n1,2,3,4\n", [
    ["Date", "Cost", "cost", " Cost "], ["1", "2", "3", "4"]
], delimiters=",")  # fmt: skip
reads("csv_headings_left_empty", "Date,, ,Cost\n1,2,3,4\n", [
    ["Date", "", " ", "Cost"], ["1", "2", "3", "4"]
], delimiters=",")  # fmt: skip
reads("csv_headings_that_look_alike", "cost,соst,cos\u200bt,Cost\n1,2,3,4\n", [
    ["cost", "соst", "cos\u200bt", "Cost"], ["1", "2", "3", "4"]
], delimiters=",")  # fmt: skip
reads(
    "csv_texts_that_attack_what_shows_them",
    "Campaign;Cost\n" + "".join(f"{text};1\n" for text in EVIL if ";" not in text),
    [["Campaign", "Cost"], *[[text, "1"] for text in EVIL if ";" not in text]],
    delimiters=";",
)
reads(
    "csv_headings_that_attack",
    "Date,=1+1,<img src=x onerror=alert(1)>,__class__,{{7*7}},Cost\n1,2,3,4,5,6\n",
    [
        ["Date", "=1+1", "<img src=x onerror=alert(1)>", "__class__", "{{7*7}}", "Cost"],
        list("123456"),
    ],
    delimiters=",",
)
ODD = [
    "1e309",
    "-0",
    "inf",
    "nan",
    "0x1F",
    "9" * 30,
    "0." + "1" * 40,
    "١٢٣",
    "007",
    "123456789012345678",
]
reads(
    "csv_odd_numbers_stay_texts",
    "Date,Cost\n" + "".join(f"1,{n}\n" for n in ODD),
    [["Date", "Cost"], *[["1", n] for n in ODD]],
    delimiters=",",
)
reads("csv_a_control_sign", "Date,Campaign,Cost\n1,\x1aBob and more text here,2\n", [
    ["Date", "Campaign", "Cost"], ["1", "\x1aBob and more text here", "2"]
], delimiters=",")  # fmt: skip
reads(
    "csv_empty_lines_above",
    lambda: b"\n" * 100_000 + CSV.encode(),
    [*[[]] * 100_000, *ONE],
    delimiters=",",
)
reads("csv_mime_page", "MIME-Version: 1.0\nContent-Type: text/html\n", [
    ["MIME-Version: 1.0"], ["Content-Type: text/html"]
], delimiters=",")  # fmt: skip
refused(
    "empty_file", nothing=b"", csv_a_mark_alone=b"\xef\xbb\xbf", csv_line_ends_alone=b"\n\r\n\n"
)
refused("empty_file", csv_zeros_alone=bytes(5000))
refused(
    "binary_file",
    csv_zeros_at_the_end=table().encode() + bytes(4096),
    csv_zeros_far_at_the_end=lambda: table().encode() * 2000 + bytes(4096),
    csv_a_zero_within=table().encode().replace(b"5", b"\0"),
    noise=NOISE,
    csv_parted_by_control_signs=table("\1"),
)
refused(
    "bad_encoding",
    csv_of_two_encodings=(RU * 3).encode() + RU.encode("cp1251") + RU.encode(),
    csv_overlong_utf_8=b"Date,Campaign\n1,\xc0\xaf\n2,\xed\xa0\x80\n3,\xe2\x82\n",
    csv_half_a_letter_in_utf_16=b"\xff\xfe" + table().encode("utf-16-le")[:-1],
    xlsx_after_noise=b"\x7fjunk\xff" * 2000 + changed(),
)
refused(
    "broken_quotes",
    csv_a_quote_never_closed='Date,Cost\n1,"2\n' + "1,2\n" * 500,
    csv_a_quote_never_closed_at_the_end="Date,Cost\n" + "1,2\n" * 500 + '1,"2\n',
    csv_two_stray_quotes='Date,Sessions,Cost\n1,"5,2\n' + "1,5,2\n" * 300 + '2,6,2",9\n',
    csv_two_stray_quotes_that_keep_the_width='Date,Sessions,Cost\n1,"5\n2,6,3\n3,7,4\n4",8\n',
    csv_a_quote_closed_within='Date,Cost\n"1"x,2\n',
    csv_backslashed_quotes='Date,Campaign\n1,"a \\"b\\" c"\n',
    csv_an_endless_cell="Date,Campaign\n1," + "x" * 40_000,
    csv_an_endless_heading="Date," + "x" * 40_000 + "\n1,2\n",
    csv_an_endless_line="x" * 1_000_000,
)
refused(
    "too_many_columns",
    csv_too_wide=",".join(["Date", *["x"] * 1000]) + "\n",
    csv_a_million_commas="," * 1_000_000,
)
AVERAGES = b"Date,Sessions,Bounce rate\n"
refused(
    "large_untidy",
    csv_averages_beyond_the_limit=lambda: AVERAGES + b"2026-10-01,5000,0.1234567\n" * 1_000_000,
)
refused(
    "too_many_cells",
    csv_cells_without_number=lambda: b"," * 999 + b"\n" + (b"," * 999 + b"\n") * 4_100,
)
refused("too_many_cells", csv_empty_lines_without_number=lambda: b"\n" * 4_100_000 + CSV.encode())

# Parquet ----------------------------------------------------------------------------------------

reads("parquet_good", PARQUET, [["a"], [1], [2]])
reads("parquet_without_rows", parquet(NUMBERS.slice(0, 0)), [["a"]])
reads("parquet_many_row_groups", lambda: parquet(pa.table({"a": range(300)}), row_group_size=1), [
    ["a"], *[[n] for n in range(300)]
])  # fmt: skip
reads(
    "parquet_one_column_twice",
    parquet(pa.Table.from_arrays([pa.array([1]), pa.array([2])], ["Cost", "Cost"])),
    [["Cost", "Cost"], [1, 2]],
)
reads(
    "parquet_of_many_kinds",
    parquet(
        pa.table(
            {
                "d": pa.array([Decimal("79.90")], pa.decimal128(38, 10)),
                "u": pa.array([2**64 - 1], pa.uint64()),
                "f": [float("-inf")],
                "t": [time(1, 2)],
                "n": pa.nulls(1),
                "s": pa.array([10**9], pa.timestamp("s")),
                "o": ["x"],
            }
        )
    ),
    [
        ["d", "u", "f", "t", "n", "s", "o"],
        [79.9, 2**64 - 1, float("-inf"), time(1, 2), None, datetime(2001, 9, 9, 1, 46, 40), "x"],
    ],
)
reads("parquet_nan_is_no_figure", parquet(pa.table({"f": [float("nan"), 1.0]})), [["f"], [], [1.0]])
reads(
    "parquet_headings_that_attack",
    parquet(pa.table({name: [1] for name in ("=1+1", "<img src=x>", "", "__class__", "a.b")})),
    [["=1+1", "<img src=x>", None, "__class__", "a.b"], [1] * 5],
)
reads(
    "parquet_notes_for_pandas_that_lie",
    reannotated(NUMBERS, {"pandas": '{"index_columns": ["gone"], "columns": [{"name": 7}]}'}),
    [["a"], [1], [2]],
)
reads("parquet_notes_of_noise", reannotated(NUMBERS, {"ARROW:schema": "!!!!"}), [["a"], [1], [2]])
reads(
    "parquet_a_pickle_in_the_notes",
    parquet(
        NUMBERS.cast(
            pa.schema(
                [
                    pa.field(
                        "a",
                        pa.int64(),
                        metadata={
                            "ARROW:extension:name": "arrow.py_extension_type",
                            "ARROW:extension:metadata": "cposix\nsystem\n(S'false'\ntR.",
                        },
                    )
                ]
            )
        )
    ),
    [["a"], [1], [2]],
)
refused("nested_columns", parquet_nested=parquet(pa.table({"a": [[1]], "b": [{"c": 1}]})))
refused("encrypted", parquet_encrypted=b"PARE" + PARQUET[4:-4] + b"PARE")
refused(
    "broken_parquet",
    parquet_two_marks_alone=b"PAR1PAR1",
    parquet_half=PARQUET[: len(PARQUET) // 2],
    parquet_footer_of_4_gb=PARQUET[:-8] + b"\xff\xff\xff\xffPAR1",
    parquet_footer_of_nothing=PARQUET[:-8] + bytes(4) + b"PAR1",
    parquet_fewer_rows_than_said=footed(),
    parquet_rows_below_zero=footed(b"\x09"),
    parquet_two_billion_columns=footed(columns=b"\xfc\xff\xff\xff\xff\x07"),
    parquet_two_billion_groups=footed(groups=b"\xfc\xff\xff\xff\xff\x07"),
    parquet_children_that_are_not_there=footed(children=b"\x80\x80\x7a"),
    parquet_unknown_fields_nested_deep=footed(more=b"\x1c" * 50_000),
    parquet_texts_that_are_none=parquet(
        pa.table({"a": pa.Array.from_buffers(pa.string(), 1, pa.array([b"\xff"]).buffers())})
    ),
    parquet_a_year_beyond_all=parquet(pa.table({"a": pa.array([2**62], pa.timestamp("us"))})),
)
refused(
    "too_many_cells",
    parquet_rows_beyond_counting=footed(b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"),
    parquet_rows_without_number=lambda: parquet(
        pa.table({"a": pa.array([1], pa.int8()).take(pa.array([0] * 21_000_000, pa.int32()))})
    ),
)
refused("too_many_columns", parquet_too_wide=parquet(pa.table({f"c{n}": [1] for n in range(1001)})))


def _repeated() -> bytes:
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * 50_000, pa.int32()), ["A" * 1_000_000])
    return parquet(pa.table({"a": texts}), compression="zstd", write_statistics=False)


def _page() -> bytes:
    zeros = pa.table({"a": pa.array([b"\0" * 40_000_000], pa.binary())})
    return parquet(zeros, compression="zstd", use_dictionary=False, write_statistics=False)


refused(
    "decompressed_too_large", parquet_one_text_repeated=_repeated, parquet_a_page_of_zeros=_page
)
