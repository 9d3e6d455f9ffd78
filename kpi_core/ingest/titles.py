"""What the lines above a table, or the name of its file, say of its period."""

import re
from collections.abc import Sequence
from datetime import date

from kpi_core.model import Period

_MONTHS = {
    name[:3]: number
    for number, names in enumerate(
        (
            "january января январь", "february февраля февраль", "march марта март",
            "april апреля апрель", "may мая май", "june июня июнь", "july июля июль",
            "august августа август", "september сентября сентябрь", "october октября октябрь",
            "november ноября ноябрь", "december декабря декабрь",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
_DATE = re.compile(
    r"(?P<y>\d{4})-(?P<m>\d{2})-(?P<d>\d{2})"  # 2026-10-01
    r"|(?<!\d)(?P<y2>20\d{2})(?P<m2>\d{2})(?P<d2>\d{2})(?!\d)"  # 20261001
    r"|(?P<d3>\d{2})\.(?P<m3>\d{2})\.(?P<y3>\d{4})"  # 01.10.2026
    r"|(?P<d4>\d{1,2}) (?P<n4>[^\W\d]{3,}) (?P<y4>\d{4})"  # 1 October 2026
    r"|(?P<n5>[^\W\d]{3,}) (?P<d5>\d{1,2}), (?P<y5>\d{4})"  # October 1, 2026
)


def stated_period(lines: Sequence[str]) -> Period | None:
    """The period that title lines or a file name state: the first two dates that make one.

    >>> stated_period(["# Start date: 20250101", "# End date: 20251231"]).days
    365
    """
    edges: dict[str, date] = {}
    for line in lines:
        found = [day for match in _DATE.finditer(line) if (day := _matched_day(match))]
        if len(found) == 2 and found[0] <= found[1]:
            return Period(found[0], found[1])
        for edge in ("start", "end"):
            if len(found) == 1 and re.search(rf"{edge} date", line, re.I):
                edges[edge] = found[0]
        if len(edges) == 2 and edges["start"] <= edges["end"]:
            return Period(edges["start"], edges["end"])
    return None


def _matched_day(match: re.Match[str]) -> date | None:
    parts = {name[0]: value for name, value in match.groupdict().items() if value}
    month = parts.get("m") or _MONTHS.get(parts.get("n", "").casefold()[:3])
    try:
        return date(int(parts["y"]), int(month or 0), int(parts["d"]))
    except ValueError:
        return None
