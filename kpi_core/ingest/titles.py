"""What the lines above a table, its sheet or the name of its file say of its period."""

import re
from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from itertools import pairwise

from kpi_core.model import Period, month_of

_MONTHS = (
    "january января январь", "february февраля февраль", "march марта март",
    "april апреля апрель", "may мая май", "june июня июнь", "july июля июль",
    "august августа август", "september сентября сентябрь", "october октября октябрь",
    "november ноября ноябрь", "december декабря декабрь",
)  # fmt: skip
FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(2100, 12, 31)  # other days are slips
_LONGEST = 2_000  # characters of a line: each pair of days in it looks at the whole line
_DATE = re.compile(
    r"(?P<y>\d{4})-(?P<m>\d{2})-(?P<d>\d{2})"  # 2026-10-01
    r"|(?<!\d)(?P<y2>20\d{2})(?P<m2>\d{2})(?P<d2>\d{2})(?!\d)"  # 20261001
    r"|(?P<d3>\d{2})\.(?P<m3>\d{2})\.(?P<y3>\d{4})"  # 01.10.2026
    r"|(?P<d4>\d{1,2}) (?P<n4>[^\W\d]{3,12})\.? (?P<y4>\d{4})"  # 1 October 2026
    r"|(?P<n5>[^\W\d]{3,12}) (?P<d5>\d{1,2}), (?P<y5>\d{4})"  # October 1, 2026
)
_WHOLE_MONTH = re.compile(r"(?<![^\W_])([^\W\d_]{3,})[ _](20\d{2})(?!\d)")  # Октябрь 2026
_ONE_DAY = re.compile(r"дата (платежей|возвратов|операций)\s*:", re.I)
_JOINED = re.compile(
    r"\s*+(г\.?|года?)?\s*+([-–—_~/]|\.{2,3}|до|по|to|till|until|through|и|and|)\s*+", re.I
)  # 01.10.2026 – 31.10.2026
_CLOCK = re.compile(r"(?<=[\sT])\d{1,2}:\d{2}(:\d{2})?")
_CALLED = re.compile(r"(?<!\w)(период\w*|за|с|со|from|between|period)\W*$", re.I)
_EDGES = {"start": re.compile("start date|дата начала", re.I),
          "end": re.compile("end date|дата (окончания|завершения)", re.I)}  # fmt: skip


@lru_cache(4096)
def month_number(word: str) -> int | None:
    """The month a word names, in full or by its first letters (three at least).

    >>> month_number("Sept"), month_number("октября"), month_number("Marketing")
    (9, 10, None)
    """
    start = word.casefold()
    named = [
        number
        for number, names in enumerate(_MONTHS, start=1)
        if any(name.startswith(start) for name in names.split())
    ]
    return named[0] if len(named) == 1 and len(start) >= 3 else None


def stated_period(lines: Sequence[str]) -> Period | None:
    """The period that title lines, a sheet or a file name state: two days, or one whole month.

    >>> stated_period(["# Start date: 20250101", "# End date: 20251231"]).days
    365
    >>> str(stated_period(["Отчёт за октябрь 2026"]))
    '2026-10-01..2026-10-31'
    """
    edges: dict[str, date] = {}
    for line in (each[:_LONGEST] for each in lines):
        dates = [(match, day) for match in _DATE.finditer(line) if (day := _matched_day(match))]
        found = [day for _, day in dates]
        if both := _from_to(line, dates):
            return both
        for edge, words in _EDGES.items():
            if len(found) == 1 and words.search(line):
                edges[edge] = found[0]
        if len(edges) == 2 and edges["start"] <= edges["end"]:
            return Period(edges["start"], edges["end"])
        if len(found) == 1 and _ONE_DAY.search(line):
            return Period(found[0], found[0])
        if month := _whole_month(_DATE.sub(" ", line) if len(found) == 1 else line):
            return month
    return None


def _from_to(line: str, dates: Sequence[tuple[re.Match[str], date]]) -> Period | None:
    """The two days that a line joins; of several pairs the one that it calls its period.

    Days that nothing joins (created, updated) are no period.
    """
    spans: list[tuple[bool, Period]] = []
    for (one, first), (two, last) in pairwise(dates):
        between = _CLOCK.sub("", line[one.end() : two.start()])
        joined = _JOINED.fullmatch(between) or _EDGES["end"].search(between)
        if joined and first <= last:
            spans.append((bool(_CALLED.search(line[: one.start()])), Period(first, last)))
    called = {span for is_called, span in spans if is_called}
    periods = called or {span for _, span in spans}
    return periods.pop() if len(periods) == 1 else None


def _matched_day(match: re.Match[str]) -> date | None:
    parts = {name[0]: value for name, value in match.groupdict().items() if value}
    month = parts.get("m") or month_number(parts.get("n", ""))
    try:
        day = date(int(parts["y"]), int(month or 0), int(parts["d"]))
    except ValueError:
        return None
    return day if FIRST_DAY <= day <= LAST_DAY else None


def _whole_month(line: str) -> Period | None:
    named = [(month_number(word), int(year)) for word, year in _WHOLE_MONTH.findall(line)]
    months = [month_of(date(year, number, 1)) for number, year in named if number]
    return months[0] if len(months) == 1 else None
