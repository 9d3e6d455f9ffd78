"""Several files become one body of facts; which source speaks for which measure.

A *stream* is what one source says at one level of detail (by day and channel, by page). Streams of
one source overlap in meaning, so they are never added: a question is answered by the stream that
suits it best. Sources are added only where their family says so (see ``catalogue/families.toml``).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import pandas as pd

from kpi_core import catalogue
from kpi_core.errors import Finding, Severity, UsageError
from kpi_core.ingest import Table, Upload
from kpi_core.model import TOTAL, Adds, Measure, Period

TIME_SLICES = {"day": "D", "week": "W", "month": "M"}  # name to pandas period
DIMENSION_SLICES = (
    "channel",
    "source",
    "campaign",
    "device",
    "country",
    "page",
    "landing",
    "event",
)
SPARSE_EDGE_DAYS = 7  # a shop may sell nothing for a week; its export still covers those days


@dataclass(frozen=True)
class Stream:
    """What one source says at one level of detail.

    Attributes:
        frame: ``start``, ``end``, dimensions, measures; one row a day (or month) and slice.
        period: from its first to its last day, as far as can be known.
        sparse: a day without rows is a day on which nothing happened.
        files: names of the files it came from.
    """

    source: str
    dimensions: tuple[str, ...]
    measures: tuple[str, ...]
    frame: pd.DataFrame = field(repr=False, compare=False)
    period: Period | None
    sparse: bool
    currency: str | None
    files: tuple[str, ...]

    def covers(self, asked: Period | None) -> Period | None:
        """The days of `asked` that it speaks for.

        Rows that are orders, events or mailings leave quiet days out, so such a stream is trusted
        a little beyond its first and last row.
        """
        if self.period is None or asked is None:
            return self.period
        edge = timedelta(days=SPARSE_EDGE_DAYS if self.sparse else 0)
        return Period(self.period.first - edge, self.period.last + edge).meets(asked)

    def gaps(self, asked: Period) -> list[date]:
        """The days of `asked`, within its own period, on which a daily stream has no row."""
        within = self.period.meets(asked) if self.period else None
        if self.sparse or within is None or not (self.frame["start"] == self.frame["end"]).all():
            return []
        everyday = pd.date_range(within.first, within.last)
        missing = everyday.difference(pd.DatetimeIndex(self.frame["start"].unique()))
        return [day.date() for day in missing]


@dataclass(frozen=True)
class Facts:
    """All that the uploaded files say. Keyed by `digest`, never by the frames' content."""

    streams: tuple[Stream, ...]
    findings: tuple[Finding, ...]
    digest: str

    @property
    def period(self) -> Period | None:
        """From the first to the last day that any stream covers."""
        known = [stream.period for stream in self.streams if stream.period]
        if not known:
            return None
        return Period(min(p.first for p in known), max(p.last for p in known))

    def sources(self) -> tuple[str, ...]:
        """The systems heard, in order of first appearance."""
        return tuple(dict.fromkeys(stream.source for stream in self.streams))

    def months(self) -> list[Period]:
        """The calendar months that lie wholly within the facts, the oldest first."""
        if self.period is None:
            return []
        firsts = pd.period_range(self.period.first, self.period.last, freq="M")
        months = [Period(m.start_time.date(), m.end_time.date()) for m in firsts]
        return [month for month in months if self.period.holds(month)]


def combine(uploads: Iterable[Upload]) -> Facts:
    """The facts of `uploads`. Where two files report the same thing, the later one is believed.

    The same bytes twice count once. Two files of one layout that cover the same days and slices
    are one report downloaded twice: their common part counts once, and a finding says so.
    """
    findings: list[Finding] = []
    known: dict[str, str] = {}
    groups: dict[tuple[object, ...], list[tuple[str, Table]]] = {}
    for upload in uploads:
        if upload.digest in known:
            findings.append(
                Finding(
                    Severity.WARNING,
                    "same_file_twice",
                    upload.name,
                    {"first": known[upload.digest]},
                )
            )
            continue
        known[upload.digest] = upload.name
        for table in upload.tables:
            if table.measures:
                key = (table.source, table.dimensions, table.currency)
                groups.setdefault(key, []).append((upload.name, table))
    streams = tuple(_stream(tables, findings) for tables in groups.values())
    return Facts(streams, tuple(findings), "+".join(sorted(known)))


def _stream(tables: Sequence[tuple[str, Table]], findings: list[Finding]) -> Stream:
    first = tables[0][1]
    keys = ["start", "end", *first.dimensions]
    measures = tuple(dict.fromkeys(id for _, table in tables for id in table.measures))
    frames = [_aggregated(table, keys) for _, table in tables]
    if len(frames) > 1:
        _tell_overlap(tables, frames, keys, findings)
        record = ["record"] if all("record" in frame for frame in frames) else []
        merged = frames[0]
        for frame in frames[1:]:
            merged = (
                frame.set_index(keys + record)
                .combine_first(merged.set_index(keys + record))
                .reset_index()
            )
        frame = merged
    else:
        frame = frames[0]
    if "record" in frame:
        frame = frame.groupby(keys, dropna=False, sort=False)[list(measures)].sum(min_count=1)
        frame = frame.reset_index()
    frame = frame.assign(**_parts(frame, measures))
    dated = [table.period for _, table in tables if table.period]
    return Stream(
        source=first.source,
        dimensions=first.dimensions,
        measures=(*measures, *_parts(frame, measures)),
        frame=frame,
        period=Period(min(p.first for p in dated), max(p.last for p in dated)) if dated else None,
        sparse=any(table.sparse and not table.stated for _, table in tables),
        currency=first.currency,
        files=tuple(dict.fromkeys(name for name, _ in tables)),
    )


def _aggregated(table: Table, keys: list[str]) -> pd.DataFrame:
    """One row a day and slice (and record, where rows are records)."""
    columns = keys + (["record"] if "record" in table.facts else [])
    grouped = table.facts.groupby(columns, dropna=False, sort=False)[list(table.measures)]
    # min_count: a sum over nothing is missing, or a missing export looks like a bad month.
    frame = grouped.sum(min_count=1)
    alone = grouped.size() == 1
    for id in table.measures:
        if catalogue.measure(id).adds is Adds.NONE:
            frame[id] = frame[id].where(alone)
    return frame.reset_index()


def _tell_overlap(
    tables: Sequence[tuple[str, Table]],
    frames: Sequence[pd.DataFrame],
    keys: list[str],
    findings: list[Finding],
) -> None:
    for later in range(1, len(frames)):
        for earlier in range(later):
            shared = set(tables[later][1].measures) & set(tables[earlier][1].measures)
            common = set(keys) | ({"record"} & set(frames[later]) & set(frames[earlier]))
            both = frames[later].merge(frames[earlier], on=sorted(common), how="inner")
            if shared and len(both) and tables[later][0] != tables[earlier][0]:
                findings.append(
                    Finding(
                        Severity.WARNING,
                        "files_overlap",
                        tables[later][0],
                        {"n": len(both), "other": tables[earlier][0]},
                    )
                )


def _parts(frame: pd.DataFrame, measures: Sequence[str]) -> dict[str, pd.Series]:
    """Measures that are another one within some channels."""
    if "channel" not in frame:
        return {}
    return {
        part.id: frame[part.part_of[0]].where(frame["channel"].isin(part.part_of[1]), 0.0)
        for part in catalogue.measures().values()
        if part.part_of and part.part_of[0] in measures
    }


@dataclass(frozen=True)
class Heard:
    """What one source says of one measure: a figure per slice, and how far it reaches.

    Attributes:
        figures: slice to sum; a slice without a figure is left out.
        covers: the days of the asked period that the source covers.
        straddling: rows left out because they reach over the edge of the period.
    """

    figures: Mapping[str, float]
    covers: Period | None
    currency: str | None
    straddling: int = 0


class Hearing:
    """The facts of one period cut one way: asks each source once and remembers its answer."""

    def __init__(self, facts: Facts, period: Period | None, by: str | None = None) -> None:
        if by is not None and by not in TIME_SLICES and by not in DIMENSION_SLICES:
            known = ", ".join((*TIME_SLICES, *DIMENSION_SLICES))
            raise UsageError("unknown_slice", where=by, known=known)
        self.facts = facts
        self.period = period
        self.by = by
        self._sums: dict[int, tuple[pd.DataFrame, int]] = {}
        self._heard: dict[tuple[str, str], Heard | None] = {}

    def hear(self, source: str, measure: Measure) -> Heard | None:
        """What `source` says of `measure`; ``None`` if it says nothing about this period."""
        key = (source, measure.id)
        if key not in self._heard:
            self._heard[key] = self._ask(source, measure)
        return self._heard[key]

    def _ask(self, source: str, measure: Measure) -> Heard | None:
        best: tuple[tuple[bool, int, int], Heard] | None = None
        for number, stream in enumerate(self.facts.streams):
            if stream.source != source or measure.id not in stream.measures:
                continue
            sums, straddling = self._summed(number, stream)
            figures = sums[measure.id].dropna()
            if figures.empty:
                continue
            covers = stream.covers(self.period)
            rank = (
                self.by is None or self.by in TIME_SLICES or self.by in stream.dimensions,
                covers.days if covers else 0,
                -len(stream.dimensions),
            )
            if best is None or rank > best[0]:
                found = {str(name): float(value) for name, value in figures.items()}
                best = (rank, Heard(found, covers, stream.currency, straddling))
        return best[1] if best else None

    def _summed(self, number: int, stream: Stream) -> tuple[pd.DataFrame, int]:
        """Sums of every measure of a stream: index slice, columns measures."""
        if number not in self._sums:
            self._sums[number] = self._sum(stream)
        return self._sums[number]

    def _sum(self, stream: Stream) -> tuple[pd.DataFrame, int]:
        frame, straddling = stream.frame, 0
        if self.period is not None:
            first, last = pd.Timestamp(self.period.first), pd.Timestamp(self.period.last)
            within = (frame["start"] >= first) & (frame["end"] <= last)
            straddling = int(((frame["end"] >= first) & (frame["start"] <= last) & ~within).sum())
            frame = frame[within]
        measures = list(stream.measures)
        if self.by is None:
            slices = pd.Series(TOTAL, index=frame.index)
        elif self.by in TIME_SLICES:
            frame = frame[frame["start"].notna()]
            slices = frame["start"].dt.to_period(TIME_SLICES[self.by]).map(_slice_name)
        elif self.by in stream.dimensions:
            slices = frame[self.by].replace("", "other")
        else:
            return pd.DataFrame(columns=measures, dtype=float), straddling
        grouped = frame.groupby(slices, sort=True)[measures]
        sums = grouped.sum(min_count=1)
        counts = grouped.count()
        for id in measures:
            if catalogue.measure(id).adds is Adds.NONE:
                sums[id] = sums[id].where((counts[id] == 1) & self._whole(frame))
        return sums.astype(float), straddling

    def _whole(self, frame: pd.DataFrame) -> bool:
        """Whether each row speaks for the whole period, as people of a part do not add up."""
        if self.by is not None or self.period is None or frame.empty:
            return True
        return bool(
            (frame["start"] == pd.Timestamp(self.period.first)).all()
            and (frame["end"] == pd.Timestamp(self.period.last)).all()
        )


def _slice_name(period: pd.Period) -> str:
    if period.freqstr.startswith("W"):
        return str(period.start_time.date())
    return str(period)


def speakers(
    hearing: Hearing, measure: Measure, chosen: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """The sources heard for `measure`, in order of belief; several only where sources add up.

    Args:
        hearing: the period asked about.
        measure: what is asked.
        chosen: family or measure id to the source that the owner wants to hear instead.
    """
    family = measure.family
    chosen = chosen or {}
    if wanted := chosen.get(measure.id) or chosen.get(family.id):
        return (wanted,) if hearing.hear(wanted, measure) else ()
    having = tuple(source for source in family.order if hearing.hear(source, measure))
    if family.speak.value == "all":
        return having
    if family.speak.value == "measure":
        return having[:1]
    speaker = _family_speaker(hearing, family.id)
    return (speaker,) if speaker in having else ()


def _family_speaker(hearing: Hearing, family: str) -> str | None:
    """The first source that has the leading measure of the family, else any of it."""
    members = [m for m in catalogue.measures().values() if m.family.id == family and not m.part_of]
    for measure in members:
        for source in measure.family.order:
            if hearing.hear(source, measure):
                return source
    return None


def daily(hearing: Hearing, sources: Sequence[str], measure: Measure) -> dict[str, float]:
    """Sums by slice over `sources`: the series behind a total."""
    found: dict[str, float] = {}
    for source in sources:
        heard = hearing.hear(source, measure)
        for name, figure in (heard.figures if heard else {}).items():
            found[name] = found.get(name, 0.0) + figure
    return found


def as_float(value: object) -> float:
    """A figure for arrays: missing is ``nan``."""
    return np.nan if value is None else float(value)  # type: ignore[arg-type]
