"""Layouts that users teach the product: what a table's columns mean, kept as a file.

A taught layout is a format file like the built-in ones. It may come from anybody, so it may not
hold patterns (a crafted one would take hours to match), and is checked in full before it is used.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from typing import Any

import tomli_w
from pydantic import ValidationError
from rapidfuzz import fuzz, process

from kpi_core import catalogue
from kpi_core.errors import IngestError
from kpi_core.ingest.formats import (
    PERSONAL,
    Format,
    Kind,
    Rate,
    Written,
    dimensions,
    formats,
    general_columns,
    known_headings,
    known_statuses,
    order_marks,
    parse_format,
)
from kpi_core.ingest.headings import Heading, currency_code, heading, plain
from kpi_core.ingest.privacy import LONGEST_SHOWN, shown_heading
from kpi_core.ingest.sections import LOOK_AHEAD, count_known
from kpi_core.ingest.values import Cell, is_day, is_missing, numbers
from kpi_core.limits import LIMITS

MAX_BYTES = 1000 * LIMITS.layout_kilobytes
SURE = 90  # of 100: a guess below is offered, never taken without being looked at
_LIKELY = 75
_ID = re.compile(r"\b(номер|id|number|no|код)\b")  # a number of an order is no number of orders
_AVERAGE = re.compile(r"\b(средн|avg|average|mean|доля|процент|share|rate|percent)")
_PLAIN_FIELDS = frozenset(
    {"source", "evidence", "name", "kind", "sparse", "has", "currency", "channel", "columns",
     "rates", "records"}
)  # fmt: skip
_RECORD, _AMOUNT, _STATUS = "record", "amount", "status"
_COST, _CUSTOMER = "cost", "customer"


class Rows(StrEnum):
    """What one row of a taught table is."""

    SUMS = "sums"
    ORDERS = "orders"
    LEADS = "leads"
    DEALS = "deals"
    TASKS = "tasks"


# What records of each kind count: measure to what is summed (nothing: how many there are).
_COUNTED: Mapping[Rows, Mapping[str, str]] = {
    Rows.ORDERS: {"orders": "", "revenue": _AMOUNT, "cogs": _COST},
    Rows.LEADS: {"leads": ""},
    Rows.DEALS: {"deals_won": "", "deal_value": _AMOUNT},
    Rows.TASKS: {"tasks": ""},
}

# Which lists of statuses (see ``statuses.toml``) say that such a record counts.
_GOOD: Mapping[Rows, tuple[tuple[str, str], ...]] = {
    Rows.ORDERS: (("orders", "done"), ("orders", "paid"), ("orders", "going")),
    Rows.DEALS: (("bitrix", "won"), ("amocrm", "won")),
}
_BAD = (("orders", "cancelled"), ("orders", "returned"), ("bitrix", "lost"), ("amocrm", "lost"))

# Averages that go back to the sums they were made from, by what a user may call such a column.
AVERAGES: Mapping[str, Rate] = {
    "bounce_share": Rate(measure="bounces", times="sessions", written=Written.STATED),
    "seconds_a_session": Rate(
        measure="session_seconds", times="sessions", written=Written.DURATION
    ),
    "pages_a_session": Rate(measure="pageviews", times="sessions", written=Written.NUMBER),
}


@dataclass(frozen=True)
class Guess:
    """What a column may mean: its `target` ("" if nothing is near) and how sure that is, 0..100."""

    target: str
    sure: float


@dataclass(frozen=True)
class Draft:
    """What a user says of a table.

    Attributes:
        name: what the user calls the layout.
        source: the system that counted.
        headings: all of them, as they stand in the table.
        meanings: heading to dimension, measure, average, ``record``, ``amount``, ``status``, and
            of an order ``cost`` or ``customer``; others are not used.
        currency: of its money, where the table does not say.
        channel: of all its rows, where the table does not say.
        counting: of records with a column of statuses, those that count; all of them if none is
            named.
    """

    name: str
    source: str
    rows: Rows
    headings: tuple[str, ...]
    meanings: Mapping[str, str] = field(hash=False)
    currency: str | None = None
    channel: str | None = None
    counting: tuple[str, ...] = ()


def heading_row(rows: Sequence[Sequence[Cell]]) -> int:
    """The number (from 0) of the row that most likely holds the headings.

    That is the row with the most known headings; if none has any, the widest row of words alone.
    """
    known = known_headings()

    def likely(number: int) -> tuple[int, int, int]:
        row = rows[number]
        words = sum(isinstance(c, str) and not is_missing(c) and not _is_figure(c) for c in row)
        filled = sum(not is_missing(cell) for cell in row)
        found = count_known(row, known)
        # One known word may stand in any row: a channel, a stage.
        return found if found > 1 else 0, words - 2 * (filled - words), -number

    return max(range(min(len(rows), LOOK_AHEAD)), key=likely, default=0)


def _is_figure(cell: Cell) -> bool:
    return is_day(cell) or not numbers([cell], ".").unread


def guess(raw: str, cells: Sequence[Cell], rows: Rows = Rows.SUMS) -> Guess:
    """What a column means by its heading, known exactly or nearly, and by its cells.

    Of a table of orders its columns are known by what registers of orders call them.

    >>> guess("Показов", ["12"]).target
    'impressions'
    """
    column = heading(raw)
    known = general_columns()
    exact = known.get(column.full) or known.get(column.name)
    fits = _fitting(cells)
    ordered = _of_order(column) if rows is Rows.ORDERS else ""
    for target in filter(None, (ordered, exact)):
        if fits(target):
            return Guess(target, 100)
    if _ID.search(column.name) and fits("record"):
        return Guess(_RECORD, _LIKELY)
    if _AVERAGE.search(column.name):
        return Guess("", 0)
    # The same words in another order or another form; a part of a name proves nothing.
    near = process.extract(column.name, known.keys(), scorer=fuzz.token_sort_ratio, limit=5)
    for synonym, score, _ in near:
        # "Показов" is a form of "показы"; "заходы" and "расходы" only sound alike.
        begins_alike = column.name[:4] == str(synonym)[:4]
        if score >= _LIKELY and begins_alike and fits(known[str(synonym)]):
            return Guess(known[str(synonym)], min(float(score), SURE - 1))
    filled = [cell for cell in cells if not is_missing(cell)]
    if filled and all(map(is_day, filled)) and not all(isinstance(c, int | float) for c in filled):
        return Guess("date", _LIKELY)
    return Guess("", 0)


def _of_order(column: Heading) -> str:
    """What a register of orders means by a column, if it may be said of an order."""
    of_orders = formats()["order_register"].columns
    meant = of_orders.get(column.full) or of_orders.get(column.name, "")
    return meant if meant in targets(Rows.ORDERS) else ""


def _fitting(cells: Sequence[Cell]) -> "_Fits":
    filled = list(islice((cell for cell in cells if not is_missing(cell)), 50))
    figures = sum(not numbers([cell], ".").unread for cell in filled)
    return _Fits(len(filled), figures, sum(map(is_day, filled)))


@dataclass(frozen=True)
class _Fits:
    """Whether the cells of a column can be what a target is."""

    filled: int
    figures: int
    days: int

    def __call__(self, target: str) -> bool:
        if not self.filled:
            return True
        if target in {_RECORD, _STATUS, _CUSTOMER}:
            return True
        if target in {"date", "date_end"}:
            return self.days == self.filled
        return target in dimensions() or 2 * self.figures > self.filled


def targets(rows: Rows) -> list[str]:
    """What a column of such a table may be said to mean."""
    described = [id for id in dimensions() if id not in PERSONAL]
    if rows is Rows.SUMS:
        counted = (
            measure.id
            for measure in catalogue.measures().values()
            if not measure.part_of and not measure.age
        )
        return [*described, *counted, *AVERAGES]
    summed = [target for target in _COUNTED[rows].values() if target]
    customer = [_CUSTOMER] if rows is Rows.ORDERS else []
    return [_RECORD, *summed, _STATUS, *customer, *described]


def likely_rows(headings: Sequence[str]) -> Rows:
    """What a row of a table most likely is, by its headings."""
    marks = order_marks(name for raw in headings for name in (heading(raw).name, heading(raw).full))
    return Rows.ORDERS if marks else Rows.SUMS


def sources() -> list[str]:
    """The systems that may be said to have counted a table."""
    return sorted({format.source for format in formats().values()})


def written(draft: Draft) -> str:
    """The layout file that says what `draft` says.

    Raises:
        IngestError: what is said is not enough to count anything, or headings are data: the file
            keeps all of them, and is handed on.
    """
    if strange := [at for at, raw in enumerate(draft.headings, start=1) if _is_data(raw)]:
        raise IngestError("layout_headings_are_data", where=draft.name, column=strange[0])
    used = {raw: target for raw, target in draft.meanings.items() if target}
    named = {raw: heading(raw).full for raw in draft.headings if heading(raw).full}
    entry: dict[str, Any] = {
        "source": draft.source,
        "evidence": "D",
        "name": {"ru": draft.name, "en": draft.name},
        "kind": (Kind.SUMS if draft.rows is Rows.SUMS else Kind.RECORDS).value,
        # All of them: a table that shares a few headings with this one may mean others by them.
        "has": sorted(set(named.values())),
        "columns": {
            name: used.get(raw, "") for raw, name in named.items() if used.get(raw) not in AVERAGES
        },
        "rates": {
            named[raw]: AVERAGES[target].model_dump(mode="json")
            for raw, target in used.items()
            if target in AVERAGES
        },
    }
    entry |= {
        key: said
        for key, said in (("currency", draft.currency), ("channel", draft.channel))
        if said
    }
    if draft.rows is not Rows.SUMS:
        has = set(used.values())
        words = sorted(status.casefold() for status in draft.counting)
        where = {"where": {_STATUS: words}} if words and _STATUS in has else {}
        entry["records"] = {
            id: ({"sum": summed} if summed else {}) | where
            for id, summed in _COUNTED[draft.rows].items()
            if not summed or summed in has
        }
    text = tomli_w.dumps(entry)
    read_layout(draft.name, text)
    return text


def _is_data(raw: str) -> bool:
    """Whether a heading is a contact, a person or a bare figure."""
    is_bare = not any(sign.isalpha() for sign in raw) and any(sign.isdigit() for sign in raw)
    return shown_heading(raw) != raw[:LONGEST_SHOWN] or (is_bare and _is_figure(raw))


def read_layout(name: str, text: str) -> Format:
    """A layout file that somebody brought.

    Raises:
        IngestError: it is no layout, holds patterns, or names what is not known.
    """
    if len(text.encode()) > MAX_BYTES:
        raise IngestError("layout_too_large", where=name, kilobytes=MAX_BYTES // 1000)
    try:
        entry = tomllib.loads(text)
    except (ValueError, RecursionError) as broken:  # also a number of a million digits
        raise IngestError("bad_layout", where=name, reason=str(broken)[:200]) from None
    _check_plain(name, entry)
    try:
        format = parse_format(f"taught {plain(name)}"[:80], text)
    except ValidationError as wrong:
        first = wrong.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise IngestError("bad_layout", where=name, reason=f"{place}: {first['msg']}") from None
    _check_meanings(name, format)
    return format.model_copy(update={"taught": True, "evidence": "D"})


def _check_plain(name: str, entry: Mapping[str, Any]) -> None:
    """Nothing but names and numbers: patterns belong to the formats that are built in."""
    if strange := sorted(set(entry) - _PLAIN_FIELDS):
        raise IngestError("layout_field", where=name, field=strange[0])
    if not isinstance(entry.get("kind", ""), str):
        raise IngestError("layout_field", where=name, field="kind")
    rules = entry.get("records", {})
    for rule in rules.values() if isinstance(rules, Mapping) else ():
        if not isinstance(rule, Mapping) or not set(rule) <= {"sum", "where"}:
            raise IngestError("layout_field", where=name, field="records")
        where = rule.get("where", {})
        conditions = where.values() if isinstance(where, Mapping) else ("not a table",)
        if not all(isinstance(condition, list) for condition in conditions):
            raise IngestError("layout_field", where=name, field="where")


def _check_meanings(name: str, format: Format) -> None:
    meant = set(format.columns.values()) - {""}
    known = {*dimensions(), *catalogue.measures(), _RECORD, _AMOUNT, _STATUS}
    known |= {_COST, _CUSTOMER}
    counted = format.counted() | (meant & set(catalogue.measures()))
    if strange := sorted((meant - known) | (format.counted() - set(catalogue.measures()))):
        raise IngestError("layout_meaning", where=name, meaning=strange[0])
    if not counted or (format.kind is Kind.RECORDS) != (_RECORD in meant):
        raise IngestError("layout_counts_nothing", where=name)
    if format.kind not in {Kind.SUMS, Kind.RECORDS} or not format.has:
        raise IngestError("layout_field", where=name, field="kind")
    if format.source not in sources():
        raise IngestError("layout_meaning", where=name, meaning=format.source)
    if format.currency and not currency_code(format.currency):
        raise IngestError("layout_meaning", where=name, meaning=format.currency)
    if format.channel and format.channel not in catalogue.channels():
        raise IngestError("layout_meaning", where=name, meaning=format.channel)


def statuses(cells: Sequence[Cell]) -> dict[str, int]:
    """The different words of a column of statuses, in order of appearance, and how often each."""
    return dict(Counter(str(cell).strip() for cell in cells if not is_missing(cell)))


def counts(status: str, rows: Rows) -> bool:
    """Whether records of a status count, as far as its word is known to say so.

    >>> [counts(word, Rows.ORDERS) for word in ("Выполнен", "Отменён", "Возврат", "Заморожен")]
    [True, False, False, False]
    """
    good = _GOOD.get(rows)
    if good is None:  # a lead or a task of a stage that nobody knows is one all the same
        return plain(status) not in _words(_BAD)
    return plain(status) in _words(good)


def _words(lists: tuple[tuple[str, str], ...]) -> set[str]:
    known = known_statuses()
    return {plain(word) for system, name in lists for word in known[system][name]}


def repeated(headings: Sequence[str]) -> tuple[Heading, ...]:
    """The headings that a layout cannot tell apart, because they are written the same."""
    seen = [heading(raw) for raw in headings if raw]
    names = [column.full for column in seen]
    return tuple(column for column in seen if names.count(column.full) > 1)
