"""Tables of an HTML page as rows of texts: what CRMs and old cabinets save as ``.xls``.

The child process of ``cell.py`` runs it, so it imports nothing of the project.
"""

import re
from collections.abc import Callable
from html.parser import HTMLParser

Row = list[str | None]

_COMMENTS = rb"(?:(?><!--.*?-->\s*)|(?><\?xml[^>]*>\s*))*+"
_PAGE = re.compile(
    rb"\s*" + _COMMENTS + rb"<(?:!doctype\s+html|(?:html|head|meta|title|style|script|body|table"
    rb"|thead|tbody|tr|td|th|div|center|font|p|h[1-6]|b|br)(?=[\s>/]))",
    re.IGNORECASE | re.DOTALL,
)
_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?([\w-]{1,40})""", re.IGNORECASE)
_ENCODINGS = {
    "windows-1251": "cp1251", "cp1251": "cp1251", "koi8-r": "koi8-r", "koi8-u": "koi8-u",
    "cp866": "cp866", "ibm866": "cp866", "x-mac-cyrillic": "mac_cyrillic",
    "iso-8859-5": "iso8859-5", "windows-1252": "cp1252", "iso-8859-1": "cp1252",
}  # fmt: skip
_NO_TEXT = re.compile(
    r"<!--.*?-->|<(script|style)\b.*?</\1|<[!?](?!--)[^<>]{0,2000}>", re.I | re.DOTALL
)
_BOUNDS = (("<!--", "-->"), ("<script", "</script"), ("<style", "</style"))
_SPACE = re.compile(r"[ \t\r\n\f]+")
_WIDEST, _DEEPEST = 1_000, 65_534  # what browsers take of colspan and rowspan
_BLOCKS = frozenset({"p", "div", "li", "h1", "h2", "h3", "h4", "h5", "h6"})


class CutOffError(ValueError):
    """The page ends within a table, or in something that would swallow the rest of one."""


def is_page(data: bytes) -> bool:
    """Whether `data` begins as HTML does, in any encoding that keeps ASCII."""
    return bool(_PAGE.match(data[:4096].removeprefix(b"\xef\xbb\xbf")))


def declared_encoding(data: bytes) -> str | None:
    """The one-byte encoding that the page names, if it is one that tables come in."""
    found = _CHARSET.search(data[:4096])
    return _ENCODINGS.get(found[1].decode("ascii").lower()) if found else None


def tables(text: str, fits: Callable[[int, int], None]) -> list[tuple[str, list[Row]]]:
    """The tables of a page that hold a text, by their captions, in the order they begin.

    A cell that spans several places stands in the first, as in a workbook: what is repeated would
    be counted twice. A table within a cell is a table of its own.

    Args:
        fits: is told rows and columns so far, and raises when that is too much.

    Raises:
        CutOffError: a table has no end: rows may be lost.
    """
    lowered = text.lower()
    # Looking for an end that is not there, from each of a million beginnings, would take hours.
    if any(lowered.rfind(begin) > lowered.rfind(end) for begin, end in _BOUNDS):
        raise CutOffError
    text = _NO_TEXT.sub(" ", text)
    if re.search("<[!?]", text):
        raise CutOffError
    parser = _Parser(fits)
    parser.feed(text)
    parser.close()
    if parser.open:
        raise CutOffError
    return [(table.caption, table.rows) for table in parser.tables if any(table.rows)]


class _Table:
    def __init__(self, fits: Callable[[int, int], None]) -> None:
        self.fits = fits
        self.rows: list[Row] = []
        self.caption = ""
        self.row: Row | None = None
        self.text: list[str] | None = None  # of the open cell or caption
        self.span = (1, 1)
        self.below: dict[int, int] = {}  # column to how many rows a cell above still covers
        self.width = 0

    def begin_row(self) -> None:
        self.end_row()
        self.row = []

    def begin_cell(self, attributes: dict[str, str | None]) -> None:
        self.end_cell()
        if self.row is None:
            self.row = []
        across = _number(attributes.get("colspan"), _WIDEST) or 1
        # 0 means down to the last row.
        self.span = across, _number(attributes.get("rowspan"), _DEEPEST) or _DEEPEST
        self.text = []

    def end_cell(self) -> None:
        if self.text is None or self.row is None:
            return
        row = self.row
        while self.below.get(len(row), 0) > 0:
            row.append(None)
        across, down = self.span
        start = len(row)
        row += [_joined(self.text), *[None] * (across - 1)]
        if down > 1:
            # One more, as the end of this row takes one off.
            self.below |= dict.fromkeys(range(start, start + across), down)
        self.width = max(self.width, start + 1)
        self.fits(len(self.rows) + 1, self.width)
        self.text = None

    def end_row(self) -> None:
        self.end_cell()
        if self.row is None:
            return
        while self.row and self.row[-1] is None:
            self.row.pop()
        self.rows.append(self.row)
        self.row = None
        self.below = {column: rows - 1 for column, rows in self.below.items() if rows > 1}


class _Parser(HTMLParser):
    def __init__(self, fits: Callable[[int, int], None]) -> None:
        super().__init__(convert_charrefs=True)
        self.fits = fits
        self.tables: list[_Table] = []
        self.open: list[_Table] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            table = _Table(self.fits)
            self.tables.append(table)
            self.open.append(table)
            return
        if not self.open:
            return
        table = self.open[-1]
        if tag == "tr":
            table.begin_row()
        elif tag in {"td", "th"}:
            table.begin_cell(dict(attrs))
        elif tag == "caption":
            table.text = []
        elif table.text is not None and (tag == "br" or tag in _BLOCKS):
            table.text.append("\0")

    def handle_endtag(self, tag: str) -> None:
        if not self.open:
            return
        table = self.open[-1]
        if tag == "table":
            table.end_row()
            self.open.pop()
        elif tag in {"tr", "thead", "tbody", "tfoot"}:
            table.end_row()
        elif tag in {"td", "th"}:
            table.end_cell()
        elif tag == "caption" and table.text is not None and table.row is None:
            table.caption = _joined(table.text) or ""
            table.text = None

    def handle_data(self, data: str) -> None:
        if self.open and (text := self.open[-1].text) is not None:
            text.append(data)


def _number(attribute: str | None, most: int) -> int:
    written = (attribute or "").strip()
    if not re.fullmatch("[0-9]+", written):
        return 1
    return min(int(written), most) if len(written) < 10 else most


def _joined(parts: list[str]) -> str | None:
    """The text of a cell as a browser shows it; a line break is ``\\n``."""
    lines = [_SPACE.sub(" ", line).strip() for line in "".join(parts).split("\0")]
    return "\n".join(line for line in lines if line) or None
