"""What the three businesses share: the calendar, the dice and the export layouts.

Every writer here imitates one tool's file down to quoting, preamble and total row, so that the
makers of the businesses deal with numbers only.
"""

import csv
import io
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SEED = 20251001
FIRST, LAST = date(2025, 10, 1), date(2026, 10, 31)
DAYS = [FIRST + timedelta(n) for n in range((LAST - FIRST).days + 1)]
FINAL_MONTH = slice(len(DAYS) - 31, len(DAYS))
MID_MONTHS = [n for n, day in enumerate(DAYS) if day.day == 15]

Levels = NDArray[np.float64]
Counts = NDArray[np.int64]


def dice(name: str) -> np.random.Generator:
    """Give one file its own random stream, so that a change in one file leaves the rest alone."""
    return np.random.default_rng([SEED, zlib.crc32(name.encode())])


def season(monthly: Sequence[float]) -> Levels:
    """Draw a smooth year through 13 mid-month levels, scaled to 1 in the last month."""
    curve = np.interp(np.arange(len(DAYS)), MID_MONTHS, monthly)
    return curve / curve[FINAL_MONTH].mean()


def week(monday_first: Sequence[float]) -> Levels:
    """Repeat a weekday rhythm over the calendar, scaled to 1 on average."""
    rhythm = np.array(monday_first) / np.mean(monday_first)
    return np.array([rhythm[day.weekday()] for day in DAYS])


def during(first: date, last: date) -> NDArray[np.bool_]:
    """Mark the days from first to last, both included."""
    return np.array([first <= day <= last for day in DAYS])


@dataclass(frozen=True)
class Source:
    """A traffic source and how its visits behave; share is of all visits, bots aside."""

    name: str
    share: float
    bounce: float
    depth: float
    seconds: float
    returning: float = 0.0


@dataclass(frozen=True)
class Traffic:
    """What a web counter saw of one source, one array cell per calendar day."""

    source: Source
    visits: Counts
    visitors: Counts
    views: Counts
    bounces: Counts
    seconds: Counts
    returning: Counts


def visit(rng: np.random.Generator, source: Source, level: Levels) -> Traffic:
    """Roll the daily visits of a source around its expected level."""
    visits = rng.poisson(level * rng.lognormal(0, 0.05, len(DAYS)))
    return Traffic(
        source,
        visits=visits,
        visitors=np.maximum(rng.binomial(visits, 0.87), np.minimum(visits, 1)),
        views=visits + rng.poisson(visits * (source.depth - 1)),
        bounces=rng.binomial(visits, source.bounce),
        seconds=np.rint(source.seconds * rng.lognormal(0, 0.06, len(DAYS))).astype(int),
        returning=rng.binomial(visits, source.returning),
    )


def write_csv(
    path: Path,
    rows: Iterable[Sequence[object]],
    *,
    preamble: Sequence[str] = (),
    delimiter: str = ",",
    newline: str = "\n",
    encoding: str = "utf-8",
    quote_all: bool = False,
) -> None:
    """Write preamble lines as they are and rows as CSV, with the newline the tool uses."""
    text = io.StringIO()
    text.writelines(line + newline for line in preamble)
    quoting = csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL
    csv.writer(text, delimiter=delimiter, lineterminator=newline, quoting=quoting).writerows(rows)
    path.write_bytes(text.getvalue().encode(encoding))


def write_ga4_report(
    path: Path, report: str, business: str, header: Sequence[str], rows: Iterable[Sequence[object]]
) -> None:
    """Write a Google Analytics 4 standard report: nine comment lines, no total row, CRLF."""
    rule = "# ----------------------------------------"
    preamble = [
        *(rule, f"# {report}", f"# Account: {business}", f"# Property: {business}", rule),
        *("# ", "# All Users", f"# Start date: {FIRST:%Y%m%d}", f"# End date: {LAST:%Y%m%d}"),
    ]
    write_csv(path, [header, *rows], preamble=preamble, newline="\r\n")


def clock(seconds: int) -> str:
    """Format a duration the way Metrika prints it."""
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def write_metrika(
    path: Path, traffic: Sequence[Traffic], silent: NDArray[np.bool_], *, returning: bool
) -> None:
    """Write a Yandex Metrika table by day and source, "Итого и средние" first.

    Days when the counter was silent have no rows at all. The total counts a person who came on
    several days once, so its visitors are fewer than the sum of the rows.
    """
    header = ["Дата визита", "Источник трафика", "Визиты", "Посетители", "Просмотры"]
    header += [*(["Вернувшиеся"] if returning else []), "Отказы", "Глубина просмотра"]
    rows: list[list[object]] = []
    totals = np.zeros(6, dtype=np.int64)
    for n in np.flatnonzero(~silent):
        for t in sorted(traffic, key=lambda t: -t.visits[n]):
            if not t.visits[n]:
                continue
            counts = [int(a[n]) for a in (t.visits, t.visitors, t.views, t.returning, t.bounces)]
            totals += [*counts, counts[0] * int(t.seconds[n])]
            rows.append([f"{DAYS[n]}", t.source.name, *_metrika(counts, t.seconds[n], returning)])
    *counts, seconds = (int(total) for total in totals)
    counts[1] = round(counts[1] * 0.61)
    total = ["Итого и средние", "", *_metrika(counts, round(seconds / counts[0]), returning)]
    write_csv(path, [[*header, "Время на сайте"], total, *rows], quote_all=True)


def _metrika(counts: Sequence[int], seconds: int, returning: bool) -> list[object]:
    """Turn counts into the measure cells of a Metrika row."""
    visits, visitors, views, returned, bounces = counts
    middle = [returned] if returning else []
    shares = [round(bounces / visits, 4), round(views / visits, 2), clock(seconds)]
    return [visits, visitors, views, *middle, *shares]
