"""What the loaded files are worth: a verdict, a calendar, who speaks, and totals that were checked.

Pure functions of what was read; the page of the data draws them as they are.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import pandas as pd

from kpi_core import catalogue
from kpi_core.errors import Finding, Severity
from kpi_core.facts import Facts, Hearing, Stream, speakers
from kpi_core.ingest import Upload
from kpi_core.ingest.totals import agrees
from kpi_core.model import Adds, Period

_Days = npt.NDArray[np.bool_]


class State(StrEnum):
    """What figures of the loaded files can be used for."""

    WHOLE = "whole"
    WARNED = "warned"  # whole, but something is odd
    UNUSABLE = "unusable"  # some figure is missing or wrong, or there is none at all


@dataclass(frozen=True)
class Verdict:
    """Whether the data can be used, and the findings that decide it."""

    state: State
    findings: tuple[Finding, ...]


class Cover(StrEnum):
    """What a source says of a day."""

    COVERED = "covered"  # all that it counts
    PART = "part"
    SILENT = "silent"


@dataclass(frozen=True)
class Voice:
    """Who speaks for a measure, and who else could."""

    measure: str
    heard: tuple[str, ...]
    others: tuple[str, ...]


@dataclass(frozen=True)
class Check:
    """A total of a file beside the sum of its rows; nothing to compare where rows do not add up."""

    file: str
    measure: str
    stated: float
    summed: float | None

    @property
    def agrees(self) -> bool | None:
        """Whether they are the same; ``None`` where they cannot be compared."""
        if self.summed is None:
            return None
        return agrees(np.array([self.stated]), self.summed)


def verdict(
    facts: Facts, uploads: Iterable[Upload] = (), findings: Iterable[Finding] = ()
) -> Verdict:
    """Errors make data unusable, warnings are to be read; the gravest of both decide.

    Args:
        facts: what the files say together.
        uploads: the files, each with findings of its own.
        findings: of KPI values, where some are asked for.
    """
    every = [finding for upload in uploads for finding in upload.findings]
    every += [*facts.findings, *findings]
    for severity, state in ((Severity.ERROR, State.UNUSABLE), (Severity.WARNING, State.WARNED)):
        if deciding := tuple(found for found in every if found.severity is severity):
            return Verdict(state, deciding)
    return Verdict(State.WHOLE if facts.streams else State.UNUSABLE, ())


def calendar(facts: Facts) -> pd.DataFrame:
    """Each source on each day of the facts: ``source``, ``day``, ``cover``, ``lacking``.

    A day is covered in part where the source tells some of its measures and not others; `lacking`
    names those. A source of orders or events covers its quiet days too.
    """
    period = facts.period
    if period is None:
        return pd.DataFrame(columns=["source", "day", "cover", "lacking"])
    days = pd.date_range(period.first, period.last)
    parts = []
    for source in facts.sources():
        told = _told(facts, source, period)
        count = np.sum(list(told.values()), axis=0)
        cover = np.where(count == len(told), Cover.COVERED, Cover.PART)
        cover = np.where(count == 0, Cover.SILENT, cover)
        lacking = [
            tuple(id for id, days_told in told.items() if 0 < n < len(told) and not days_told[day])
            for day, n in enumerate(count)
        ]
        found = {"source": source, "day": days, "cover": cover.astype(str), "lacking": lacking}
        parts.append(pd.DataFrame(found))
    return pd.concat(parts, ignore_index=True)


def _told(facts: Facts, source: str, period: Period) -> dict[str, _Days]:
    """Measure to the days on which some stream of the source tells it."""
    told: dict[str, _Days] = {}
    for stream in facts.streams:
        for id in stream.measures if stream.source == source else ():
            if not catalogue.measure(id).part_of:
                days = _days_told(stream, id, period)
                told[id] = told[id] | days if id in told else days
    return told


def _days_told(stream: Stream, measure: str, period: Period) -> _Days:
    """The days of `period` that a stream speaks for: those of its rows, where a day needs one."""
    spans = stream.covers(measure, period)
    if not stream.sparse:
        spans = tuple(both for span in stream.told(measure) if (both := span.meets(period)))
    told = np.zeros(period.days, dtype=bool)
    for span in spans:
        first = (span.first - period.first).days
        told[first : first + span.days] = True
    return told


def voices(
    facts: Facts, period: Period | None = None, chosen: Mapping[str, str] | None = None
) -> list[Voice]:
    """Who speaks for each measure that anybody reports, in the order of the catalogue.

    Args:
        facts: what the files say.
        period: whose figures are asked for; all days when not given.
        chosen: family or measure to the source that the owner wants to hear (a plan's `sources`).
    """
    hearing = Hearing(facts, period)
    found = []
    for measure in catalogue.measures().values():
        if measure.age:
            continue  # money of customers by age follows from their orders
        heard_of = {own: hearing.hear(own, measure) for own in facts.sources()}
        telling = [own for own, said in heard_of.items() if said and said.figures]
        if telling:
            heard = speakers(hearing, measure, chosen)
            others = tuple(own for own in telling if own not in heard)
            found.append(Voice(measure.id, heard, others))
    return found


def checks(uploads: Iterable[Upload]) -> list[Check]:
    """The totals that files state, each beside the sum of the file's own rows."""
    return [
        Check(upload.name, id, stated, _summed(table.facts, id))
        for upload in uploads
        for table in upload.tables
        for id, stated in table.control.items()
    ]


def _summed(rows: pd.DataFrame, id: str) -> float | None:
    if id not in rows or catalogue.measure(id).adds is not Adds.SUM:
        return None
    figure = rows[id].sum(min_count=1)
    return None if pd.isna(figure) else float(figure)
