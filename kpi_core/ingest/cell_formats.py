"""How the cells of a workbook are shown: 0.9 as 90 %, 6 as $6.00.

A table of values does not say it, and a figure that somebody typed means what its cell shows.
"""

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from kpi_core.errors import IngestError
from kpi_core.ingest.cell import MB, Limits, Package, Refused, column_number

LIMITS = Limits(part_bytes=16 * MB, unpacked_bytes=32 * MB)  # of a sheet that somebody typed
_LOCAL = "¤"  # the money of whoever looks: the format itself names none
_BUILT_IN = {9: "%", 10: "%", **dict.fromkeys((5, 6, 7, 8, 42, 44), f'"{_LOCAL}"')}
_PART = re.compile(
    r'"(?P<quoted>[^"]*)"|\\(?P<escaped>.)|\[\$(?P<coin>[^\]\-]*)(?:-[^\]]*)?\]|\[[^\]]*\]'
    r"|[_*].|(?P<percent>%)|(?P<bare>[$€£¥₽₸₴₹¤])"
)
_WORD = re.compile(r"[^\W\d_]|[%$€£¥₽₸₴₹¤]")


@dataclass(frozen=True)
class Shown:
    """What a format adds to a number: whether a percent sign, and which words."""

    percent: bool = False
    words: str = ""


Formats = dict[tuple[int, int], Shown]  # row and column, both from 0


def cell_formats(data: bytes) -> dict[str, Formats]:
    """Sheet to what its cells add to their numbers; cells that add nothing are left out.

    Args:
        data: an XLSX file that was opened before.

    Raises:
        IngestError: it is too large to be a sheet that somebody typed, or broken.
    """
    try:
        package = Package(data, LIMITS)
        styles = _styles(package)
        return {
            name: dict(_cells(package.tree(part), styles))
            for name, part in package.sheet_parts().items()
            if part in package.parts
        }
    except Refused as refused:
        told: dict[str, Any] = dict(refused.values)
        raise IngestError(refused.code, **told) from None
    except (ElementTree.ParseError, zipfile.BadZipFile, KeyError, ValueError) as broken:
        raise IngestError("broken_workbook", detail=str(broken)[:80]) from None


def shown(code: str) -> Shown:
    """What a format code adds.

    >>> shown('#,##0.00\\\\ [$€-407]')
    Shown(percent=False, words='€')
    """
    percent, words = False, ""
    for found in _PART.finditer(code.partition(";")[0]):
        percent = percent or bool(found["percent"])
        said = found["quoted"] or found["escaped"] or found["coin"] or found["bare"] or ""
        words += said  # a quoted percent sign is a word: it multiplies nothing
    return Shown(percent, " ".join(words.split()) if _WORD.search(words) else "")


def _styles(package: Package) -> list[Shown]:
    """What each style of the workbook adds, by its number."""
    part = "xl/styles.xml"
    if part not in package.parts:
        return []
    codes = dict(_BUILT_IN)
    used: list[int] = []
    for element in package.tree(part):
        match _bare(element):
            case "numFmts":
                for own in element:
                    codes[int(own.get("numFmtId", -1))] = own.get("formatCode", "")
            case "cellXfs":
                used = [int(own.get("numFmtId", 0)) for own in element]
    return [shown(codes.get(number, "")) for number in used]


def _cells(
    sheet: ElementTree.Element, styles: list[Shown]
) -> Iterator[tuple[tuple[int, int], Shown]]:
    row = column = -1
    for element in sheet.iter():
        if _bare(element) == "row":
            row, column = int(element.get("r", row + 2)) - 1, -1
        elif _bare(element) == "c":
            letters = element.get("r", "").rstrip("0123456789")
            column = column_number(letters.encode()) - 1 if letters else column + 1
            style = int(element.get("s", 0))
            own = styles[style] if style < len(styles) else Shown()
            if own != Shown():
                yield (row, column), own


def _bare(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]
