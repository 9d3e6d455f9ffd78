"""An event funnel in names and rows: what its steps are called, and a table to take away."""

import csv
import io

from kpi_core.events.told import EventFunnelResult, EventStep, Portion, Times
from kpi_core.text import harmless, say

_HEADS = ("slice", "units", "step", "name", "reached")
_SHARES = ("of_first", "of_previous", "of_all")
_TIMES = ("since_first", "since_previous")


def step_name(row: EventStep, lang: str) -> str:
    """Its number and its events; in any order: so many steps."""
    return f"{row.number}. {row.name or say(lang, 'words.any_steps', n=row.number)}"


def way_name(event: str | None, lang: str) -> str:
    """What somebody did instead: an event, or nothing more."""
    return say(lang, "words.nothing_more") if event is None else event


def as_csv(found: EventFunnelResult) -> str:
    """A step of a group a row, for other programs: shares of 0 to 1, times in seconds.

    Names are harmless in a spreadsheet. Empty: not known, or nobody.
    """
    written = io.StringIO()
    out = csv.writer(written, lineterminator="\n")
    shares = [f"{share}{end}" for share in _SHARES for end in ("", "_low", "_high")]
    times = [f"{time}_{mark}" for time in _TIMES for mark in ("lower", "median", "upper")]
    out.writerow((*_HEADS, *shares, *times))
    for group in found.groups:
        for row in group.steps:
            whose = (harmless(group.slice), group.units, row.number, harmless(row.name), row.units)
            figures = [cell for name in _SHARES for cell in _share(getattr(row, name))]
            figures += [cell for name in _TIMES for cell in _marks(getattr(row, name))]
            out.writerow((*whose, *figures))
    return written.getvalue()


def _share(share: Portion | None) -> tuple[object, ...]:
    return ("", "", "") if share is None else (float(share.value), share.low, share.high)


def _marks(times: Times | None) -> tuple[object, ...]:
    return ("", "", "") if times is None else (times.lower, times.median, times.upper)
