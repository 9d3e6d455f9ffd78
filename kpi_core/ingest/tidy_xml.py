"""The XML of a sheet as all common programs write it, judged by arithmetic over its bytes.

`cell.py` judges any XML by patterns, which takes four times as long as reading the sheet. Nearly
every piece of every sheet is of one form, though: rows and cells whose first attribute is their
address, in rising order, with a value, a formula and its value, or a text inside, and nothing
else. Of such a piece the patterns could say nothing but what is counted here; of any other there is
no answer, and the patterns have to look.

Loaded from its path by ``cell.py``, in the child process only: it imports nothing of the project.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

_TAGS = (
    b"<row ", b"</row>", b"<c ", b"</c>", b"<v>", b"</v>", b"<f>", b"<f ", b"</f>",
    b"<is>", b"</is>", b"<t>", b"<t ", b"</t>",
)  # fmt: skip
_CLOSED = 16  # added to the number of a tag that ends in "/>"
_ROW, _CELL, _VALUE = 1, 3, 5
_FORMULA_END, _EMPTY_FORMULA = 9, 8 + _CLOSED
_FOLLOW = {  # what may stand right behind a tag
    b"<row ": (b"<c ", b"</row>"),
    b"</row>": (b"<row ",),
    b"<c ": (b"</c>", b"<v>", b"<f>", b"<f ", b"<is>"),
    b"</c>": (b"<c ", b"</row>"),
    b"<v>": (b"</v>",),
    b"</v>": (b"</c>",),
    b"<f>": (b"</f>",),
    b"<f ": (b"</f>",),
    b"</f>": (b"<v>",),
    b"<is>": (b"<t>", b"<t "),
    b"</is>": (b"</c>",),
    b"<t>": (b"</t>",),
    b"<t ": (b"</t>",),
    b"</t>": (b"</is>",),
}
_HOLDING_TEXT = (b"<v>", b"<f>", b"<f ", b"<t>", b"<t ")


def _word(text: bytes) -> int:
    return int.from_bytes(text.ljust(8, b"\0"), "little")


def _number(tag: bytes) -> int:
    return _TAGS.index(tag) + 1


# A tag is told by its second and third byte, then compared whole.
_BY_TWO_BYTES = np.zeros(1 << 16, np.uint8)
_BYTES = np.zeros(len(_TAGS) + 1, np.uint64)
_MASKS = np.zeros(len(_TAGS) + 1, np.uint64)
_BYTES[0] = 1  # an unknown tag equals nothing
_MAY_FOLLOW = np.zeros(1024, np.bool_)
_MAY_HOLD = np.zeros(32, np.bool_)
for _tag in _TAGS:
    _BY_TWO_BYTES[_word(_tag[1:3])] = _number(_tag)
    _BYTES[_number(_tag)] = _word(_tag)
    _MASKS[_number(_tag)] = _word(b"\xff" * len(_tag))
    _MAY_HOLD[_number(_tag)] = _tag in _HOLDING_TEXT
    for _next in _FOLLOW[_tag]:
        _MAY_FOLLOW[_number(_tag) * 32 + _number(_next)] = True
for _tag, _end in ((b"<row ", b"</row>"), (b"<c ", b"</c>"), (b"<f ", b"</f>")):
    # <c .../> stands where <c ...> may, and is followed by what may follow </c>.
    _empty, _behind = _number(_tag) + _CLOSED, 32 * _number(_end)
    _MAY_FOLLOW[32 * _empty : 32 * _empty + 32] = _MAY_FOLLOW[_behind : _behind + 32]
    _MAY_FOLLOW[_empty::32] = _MAY_FOLLOW[_number(_tag) :: 32]

_FIRST = np.array([_word(b"\xff" * n) for n in range(9)], np.uint64)  # masks of so many bytes
_ROW_AT, _CELL_AT = np.uint64(_word(b'<row r="')), np.uint64(_word(b'<c r="'))
_POWERS = np.zeros((9, 8), np.int64)  # by how many digits there are
for _n in range(1, 9):
    _POWERS[_n, :_n] = 10 ** np.arange(_n - 1, -1, -1)
_ZEROS, _HIGH, _SIX = (np.uint64(_word(bytes([byte]) * 8)) for byte in (0x30, 0xF0, 0x06))
_INDEX = b't="s"'  # of a cell whose value is the number of a text
_INDEX_AT_END = np.uint64(_word(b" " + _INDEX + b">"))


@dataclass(frozen=True)
class Tidy:
    """What a tidy piece holds: the numbers of its rows, rising, and its farthest column."""

    rows: Array
    far_column: int


def tidy(piece: bytes, above: int) -> Tidy | None:
    """What `piece` holds if it is of the one form and its rows are below the row `above`.

    Then each tag and each cell is whole, no address comes twice or stands in another row, each
    formula has a value, each number of a text is one, no reference (&) stands in a value, and
    there are no errors among the cells.
    """
    if b"t='" in piece or b't="e"' in piece:
        return None
    data = np.frombuffer(piece + bytes(8), np.uint8)
    opens, closes = np.flatnonzero(data == ord("<")), np.flatnonzero(data == ord(">"))
    if not len(opens) or len(opens) != len(closes) or opens[0] or closes[-1] != len(piece) - 1:
        return None
    texts = opens[1:] - closes[:-1] - 1  # the bytes between two tags
    if (opens > closes).any() or (texts < 0).any():
        return None
    words = np.ndarray((len(piece) + 1,), "<u8", data, strides=(1,))  # at each byte, eight of them
    starts = words[opens]
    tags = _BY_TWO_BYTES[(starts >> np.uint64(8)) & np.uint64(0xFFFF)]
    is_known = starts & _MASKS[tags] == _BYTES[tags]
    tags += (data[closes - 1] == ord("/")).view(np.uint8) * np.uint8(_CLOSED)
    if (
        not is_known.all()
        or not _MAY_FOLLOW[tags[:-1].astype(np.uint16) * np.uint16(32) + tags[1:]].all()
        or tags[0] & 15 != _ROW
        or tags[-1] not in {_number(b"</row>"), _ROW + _CLOSED}
        or (texts[~_MAY_HOLD[tags[:-1]]] != 0).any()
    ):
        return None
    values = np.flatnonzero(tags == _VALUE)
    before = tags[values - 1]
    computed = values[(before == _FORMULA_END) | (before == _EMPTY_FORMULA)]
    if (
        (texts[computed] == 0).any()
        or (data[closes[computed] + 1] <= ord(" ")).any()
        or not _are_indexes(piece, words, tags, closes, texts)
        or (b"&" in piece and _is_in_value(data, opens, tags))
    ):
        return None
    return _addressed(data, words, opens, tags, above)


def _are_indexes(piece: bytes, words: Array, tags: Array, closes: Array, texts: Array) -> bool:
    """Whether each cell that is to hold the number of a text does hold one."""
    cells = np.flatnonzero(tags == _CELL)
    ends = words[closes[cells] - 6] & _FIRST[7]
    cells = cells[ends == _INDEX_AT_END]
    if len(cells) != piece.count(_INDEX):  # some are told in another place of their tag
        return False
    values = cells[tags[cells + 1] == _VALUE] + 1
    sizes = texts[values]
    if ((sizes < 1) | (sizes > 8)).any():
        return False
    mask = _FIRST[sizes]
    digits = (words[closes[values] + 1] & mask) | (_ZEROS & ~mask)
    return bool((((digits & _HIGH) == _ZEROS) & (((digits + _SIX) & _HIGH) == _ZEROS)).all())


def _is_in_value(data: Array, opens: Array, tags: Array) -> bool:
    """Whether a reference stands in a value."""
    places = np.flatnonzero(data == ord("&"))
    return bool((tags[np.searchsorted(opens, places) - 1] == _VALUE).any())


def _addressed(data: Array, words: Array, opens: Array, tags: Array, above: int) -> Tidy | None:
    """The rows and the farthest column, if all addresses are plain and rise."""
    is_row, is_cell = tags & 15 == _ROW, tags & 15 == _CELL
    of_row, of_cell = opens[is_row], opens[is_cell]
    if (words[of_row] != _ROW_AT).any() or (words[of_cell] & _FIRST[6] != _CELL_AT).any():
        return None
    at = of_row + 8
    signs = data[at[:, None] + np.arange(8)] - np.uint8(ord("0"))
    lengths = (signs > 9).argmax(axis=1)  # 0 also if all are digits
    rows = (signs * _POWERS[lengths]).sum(axis=1)
    if (
        (lengths == 0).any()
        or (signs[:, 0] == 0).any()
        or (data[at + lengths] != ord('"')).any()
        or rows[0] <= above
        or (np.diff(rows) <= 0).any()
    ):
        return None
    masks = _FIRST[lengths + 1]  # of the number and the quote behind it
    numbers = words[at] & masks

    at = of_cell + 6
    first, second, third = (data[at + n] - np.uint8(ord("A")) for n in range(3))
    two = second < 26
    three = two & (third < 26)
    columns = first.astype(np.int32) + 1
    columns = np.where(two, columns * 26 + second + 1, columns)
    columns = np.where(three, columns * 26 + third + 1, columns)
    row = (np.cumsum(is_row) - 1)[is_cell]
    own = words[at + 1 + two + three] & masks[row]
    risen = (np.diff(columns) > 0) | (np.diff(row) > 0)
    if (first >= 26).any() or (own != numbers[row]).any() or not risen.all():
        return None
    return Tidy(rows, int(columns.max(initial=0)))
