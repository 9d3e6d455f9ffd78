"""Several files become one body of facts; which source speaks for which measure.

A *stream* is what one source says at one level of detail (by day and channel, by page). Streams of
one source overlap in meaning, so they are never added: a question is answered by the stream that
suits it best. Sources are added only where their family says so (see ``catalogue/families.toml``).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property

import pandas as pd

from kpi_core import catalogue
from kpi_core.errors import Finding, Severity, UsageError
from kpi_core.ingest import Table, Upload
from kpi_core.model import TOTAL, Adds, Measure, Period, Speak, Unit, spanning, united

TIME_SLICES = ("day", "week", "month")
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
Spans = set[Period | None]  # days that rows speak for; None where they do not say
UNKNOWN_CURRENCY = "?"
BY_HAND = "table"  # the source of tables that no system exported
DISAGREE = 0.01  # of a total: by so much two levels of detail may differ by rounding
SPARSE_EDGE_DAYS = 7  # the longest silence at the edge of a file that is taken for a quiet time


@dataclass(frozen=True)
class Stream:
    """What one source says at one level of detail.

    Attributes:
        frame: ``start``, ``end``, dimensions, ``currency``, measures; one row a day (or month) and
            slice.
        period: from its first to its last day, as far as can be known.
        reach: measure to the days that the files with it speak for; one between two others may be
            missing.
        sparse: a day without rows is a day on which nothing happened.
        currencies: those of its money; several are never added.
        files: names of the files it came from.
    """

    source: str
    dimensions: tuple[str, ...]
    measures: tuple[str, ...]
    frame: pd.DataFrame = field(repr=False, compare=False)
    period: Period | None
    reach: Mapping[str, tuple[Period, ...]] = field(repr=False, compare=False)
    sparse: bool
    currencies: tuple[str, ...]
    files: tuple[str, ...]

    def covers(self, measure: str, asked: Period | None) -> tuple[Period, ...]:
        """The days of `asked` on which it speaks for a measure."""
        spans = self.reach[measure]
        if asked is None:
            return spans
        return tuple(both for span in spans if (both := span.meets(asked)))

    def gaps(self, spans: Iterable[Period]) -> list[date]:
        """The days of `spans` on which it should have a row, as a daily stream, but has none."""
        if self.sparse or not self.daily:
            return []
        known = set(self.frame["start"].dt.date.unique())
        days = (day for span in spans for day in pd.date_range(span.first, span.last).date)
        return [day for day in days if day not in known]

    @cached_property
    def daily(self) -> bool:
        """Whether every row speaks for one day."""
        return bool((self.frame["start"] == self.frame["end"]).all())


@dataclass(frozen=True)
class Facts:
    """All that the uploaded files say. Keyed by `digest`, never by the frames' content."""

    streams: tuple[Stream, ...]
    findings: tuple[Finding, ...]
    digest: str

    @property
    def period(self) -> Period | None:
        """From the first to the last day that any stream holds."""
        return spanning(stream.period for stream in self.streams)

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
    (or hold the same orders) are one report downloaded twice: their common part counts once, and a
    finding says so.
    """
    findings: list[Finding] = []
    known: dict[str, str] = {}
    groups: dict[tuple[str, tuple[str, ...], bool], list[tuple[str, Table]]] = {}
    for upload in uploads:
        if upload.digest in known:
            values: dict[str, object] = {"first": known[upload.digest]}
            findings.append(Finding(Severity.WARNING, "same_file_twice", upload.name, values))
            continue
        known[upload.digest] = upload.name
        for table in upload.tables:
            if table.measures:
                dimensions = tuple(id for id in table.dimensions if id in DIMENSION_SLICES)
                key = (table.source, dimensions, "record" in table.facts)
                groups.setdefault(key, []).append((upload.name, table))
    streams = tuple(
        _stream(source, dimensions, tables, findings)
        for (source, dimensions, _), tables in groups.items()
    )
    # In order of upload: where files overlap, the order decides who is believed.
    return Facts(streams, tuple(findings), "+".join(known))


def _stream(
    source: str,
    dimensions: tuple[str, ...],
    tables: Sequence[tuple[str, Table]],
    findings: list[Finding],
) -> Stream:
    keys = ["start", "end", *dimensions]
    identity = ["record"] if "record" in tables[0][1].facts else keys
    measures = tuple(dict.fromkeys(id for _, table in tables for id in table.measures))
    frames = [_rows(table, keys).set_index(identity) for _, table in tables]
    merged, *others = _apart(tables, frames, findings)
    for frame in others:
        merged = frame.combine_first(merged)
    frame = merged.reset_index()
    if identity == ["record"]:
        grouped = frame.groupby([*keys, "currency"], dropna=False, sort=False)
        frame = grouped[list(measures)].sum(min_count=1).reset_index()
    parts = _parts(frame, measures)
    reach = {
        id: united(span for _, table in tables if id in table.measures and (span := _reach(table)))
        for id in measures
    }
    reach |= {id: reach[part.part_of[0]] for id in parts if (part := catalogue.measure(id)).part_of}
    return Stream(
        source=source,
        dimensions=dimensions,
        measures=(*measures, *parts),
        frame=frame.assign(**parts),
        period=spanning(_held(table) for _, table in tables),
        reach=reach,
        sparse=any(table.sparse and not table.stated for _, table in tables),
        currencies=_stream_currencies(table for _, table in tables),
        files=tuple(dict.fromkeys(name for name, _ in tables)),
    )


def _stream_currencies(tables: Iterable[Table]) -> tuple[str, ...]:
    """The currencies of tables that are added; unknown beside known counts as one of its own."""
    found = {
        table.currency or UNKNOWN_CURRENCY
        for table in tables
        if any(catalogue.measure(id).unit is Unit.MONEY for id in table.measures)
    }
    return () if found == {UNKNOWN_CURRENCY} else tuple(sorted(found))


def _rows(table: Table, keys: list[str]) -> pd.DataFrame:
    """One row a day and slice; where rows are records, one row a record."""
    measures = list(table.measures)
    if "record" in table.facts:
        frame = table.facts[[*keys, "record", *measures]].drop_duplicates("record", keep="last")
    else:
        grouped = table.facts.groupby(keys, dropna=False, sort=False)[measures]
        # min_count: a sum over nothing is missing, or a missing export looks like a bad month.
        frame = grouped.sum(min_count=1)
        alone = grouped.size() == 1
        for id in measures:
            if catalogue.measure(id).adds is Adds.NONE:
                frame[id] = frame[id].where(alone)
        frame = frame.reset_index()
    return frame.assign(currency=pd.Series(table.currency, index=frame.index, dtype="str"))


def _held(table: Table) -> Period | None:
    """From its first to its last day.

    What counts every day (visits) ends where its rows end, whatever month the title states: a
    report of an unfinished month states the whole of it.
    """
    every_day = any(catalogue.measure(id).family.every_day for id in table.measures)
    if table.period is None or table.sparse or not every_day:
        return table.period
    days = table.facts[["start", "end"]].dropna()
    if days.empty or not (days["start"] == days["end"]).all():
        return table.period
    return Period(days["start"].min().date(), days["end"].max().date())


def _reach(table: Table) -> Period | None:
    """The days a file speaks for.

    Rows that are orders, events or mailings leave quiet days out, so such a file is trusted beyond
    its first and last row for as long as it is silent in between.
    """
    if table.period is None or table.stated or not table.sparse:
        return _held(table)
    days = table.facts["start"].dropna().drop_duplicates().sort_values()
    silence = days.diff().max().days - 1 if len(days) > 1 else SPARSE_EDGE_DAYS
    edge = timedelta(days=min(silence, SPARSE_EDGE_DAYS))
    return Period(table.period.first - edge, table.period.last + edge)


def _apart(
    tables: Sequence[tuple[str, Table]], frames: Sequence[pd.DataFrame], findings: list[Finding]
) -> list[pd.DataFrame]:
    """The frames without what would count twice: a month beside its days, a week beside its month.

    Rows of the same days and slice stay: there the later file is believed.
    """
    apart, spans = list(frames), [_row_spans(frame) for frame in frames]
    for later in range(1, len(apart)):
        for earlier in range(later):
            (name, table), (other, before) = tables[later], tables[earlier]
            shared = [id for id in table.measures if id in before.measures]
            if not shared:
                continue
            n = int(apart[later].index.isin(apart[earlier].index).sum())
            clashes = _clashes(set(spans[earlier]), set(spans[later]))
            for position, clashing in zip((earlier, later), clashes, strict=True):
                if clashing:
                    rows = [span in clashing for span in spans[position]]
                    apart[position] = apart[position].copy()
                    apart[position].loc[rows, shared] = float("nan")
                    n += sum(rows)
            if n and name != other:
                values: dict[str, object] = {"n": n, "other": other}
                findings.append(Finding(Severity.WARNING, "files_overlap", name, values))
    return apart


def _clashes(earlier: Spans, later: Spans) -> tuple[Spans, Spans]:
    """The spans of either file that share days with other spans of the other, and so must yield.

    Those of the earlier file, where the later one speaks for all their days; else of the later
    file. What has no days yields to what has.
    """
    ours, theirs = ({span for span in spans if span} for spans in (earlier, later))
    left_out: Spans = set(earlier - ours if theirs else ())
    left_out_later: Spans = set(later - theirs if ours else ())
    if all(span.days == 1 for span in ours | theirs):
        return left_out, left_out_later
    whole = united(theirs)
    for mine in ours:
        met = {other for other in theirs if other != mine and mine.meets(other)}
        if any(span.holds(mine) for span in whole):
            left_out |= {mine} if met else set()
        else:
            left_out_later |= met
    return left_out, left_out_later


def _row_spans(frame: pd.DataFrame) -> list[Period | None]:
    """The days that each row speaks for; ``None`` where it does not say."""
    if "record" in frame.index.names:
        return []  # records are told apart by themselves
    days = frame.index.to_frame()[["start", "end"]]
    return [
        None if pd.isna(first) else Period(first.date(), last.date())
        for first, last in zip(days["start"], days["end"], strict=True)
    ]


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
    """What one source says of one measure.

    Attributes:
        figures: slice to sum; a slice without a figure is left out.
        stream: the stream that answers.
        covers: the days that the figures speak for.
        currencies: those of the rows that were added; several make no sum.
        straddling: rows left out because they reach over the edge of the period or of a slice.
        blanks: days that have rows, but none with a figure of this measure.
        rival: the total that another stream of the same source gives, where the two disagree.
    """

    figures: Mapping[str, float]
    stream: Stream
    covers: tuple[Period, ...]
    currencies: tuple[str, ...] = ()
    straddling: int = 0
    blanks: frozenset[date] = frozenset()
    rival: float | None = None


@dataclass(frozen=True)
class _Cut:
    """A stream cut into slices: its rows within the period, their slices, and the sums."""

    rows: pd.DataFrame
    sums: pd.DataFrame
    straddling: int


class Hearing:
    """The facts of one period cut one way: asks each source once and remembers its answer.

    Attributes:
        period: whose rows are added; all of them when it is not given.
        days: the same, or else all days of the facts.
    """

    def __init__(self, facts: Facts, period: Period | None, by: str | None = None) -> None:
        if by is not None and by not in TIME_SLICES and by not in DIMENSION_SLICES:
            known = ", ".join((*TIME_SLICES, *DIMENSION_SLICES))
            raise UsageError("unknown_slice", where=by, known=known)
        self.facts = facts
        self.period = period
        self.days = period or facts.period
        self.by = by
        self._cuts: dict[int, _Cut] = {}
        self._spans: dict[str, Period | None] = {}
        self._heard: dict[tuple[str, str], Heard | None] = {}

    def hear(self, source: str, measure: Measure) -> Heard | None:
        """What `source` says of `measure`; ``None`` if it says nothing about this period."""
        key = (source, measure.id)
        if key not in self._heard:
            self._heard[key] = self._ask(source, measure)
        return self._heard[key]

    def figure(self, source: str, measure: Measure, slice: str) -> float | None:
        """The figure of one slice; 0 where a source of orders or events had a quiet time."""
        heard = self.hear(source, measure)
        if heard is None or slice in heard.figures or not heard.stream.sparse:
            return heard.figures.get(slice) if heard else None
        span = self.span(slice) if self.by in TIME_SLICES else None
        return 0.0 if span and heard.stream.covers(measure.id, span) == (span,) else None

    def slices(self) -> list[str]:
        """The slices that any source knows."""
        cuts = [self._cut(number) for number in range(len(self.facts.streams))]
        return sorted({str(name) for cut in cuts for name in cut.sums.dropna(how="all").index})

    def span(self, slice: str) -> Period | None:
        """The days of a slice, as far as they lie in the period."""
        if slice == TOTAL or self.by not in TIME_SLICES:
            return self.days
        if slice not in self._spans:
            first, last = _bounds(pd.Series([pd.Timestamp(slice)]), self.by)
            span = Period(first[0].date(), last[0].date())
            self._spans[slice] = span.meets(self.days) if self.days else span
        return self._spans[slice]

    def _ask(self, source: str, measure: Measure) -> Heard | None:
        """Of the streams of a source, the one that covers the most days is heard.

        One that is cut finer than it need be comes second: a fine cut leaves rows out.
        """
        answers: list[tuple[tuple[int, int], Heard]] = []
        for number, stream in enumerate(self.facts.streams):
            if stream.source != source or measure.id not in stream.measures:
                continue
            cut = self._cut(number)
            figures = cut.sums[measure.id].dropna()
            covers = stream.covers(measure.id, self.days)
            found = dict(zip(map(str, figures.index), figures.tolist(), strict=True))
            if not found and self._quiet(stream, covers):
                found = {TOTAL: 0.0}
            if not found:
                continue
            if cut.straddling or not stream.daily:
                covers = _added(covers, cut.rows.loc[cut.rows[measure.id].notna()])
            blanks = _blanks(stream, cut.rows, measure.id)
            rank = (sum(span.days for span in covers) - len(blanks), -len(stream.dimensions))
            currencies = _currencies(stream, cut.rows, measure)
            heard = Heard(found, stream, covers, currencies, cut.straddling, blanks)
            answers.append((rank, heard))
        if not answers:
            return None
        best = max(answers, key=lambda answer: answer[0])[1]
        return replace(best, rival=self._rival(best, [heard for _, heard in answers], measure))

    def _quiet(self, stream: Stream, covers: tuple[Period, ...]) -> bool:
        """Whether nothing happened in the period, as far as a sparse stream can tell."""
        whole = self.period is not None and covers == (self.period,)
        return stream.sparse and self.by is None and whole

    def _rival(self, best: Heard, answers: list[Heard], measure: Measure) -> float | None:
        if self.by is not None or measure.adds is Adds.NONE:
            return None
        told = best.figures[TOTAL]
        for other in answers:
            figure = other.figures[TOTAL]
            same_days = other.covers == best.covers
            if same_days and abs(figure - told) > DISAGREE * max(abs(figure), abs(told)):
                return figure
        return None

    def _cut(self, number: int) -> _Cut:
        if number not in self._cuts:
            self._cuts[number] = self._cut_anew(self.facts.streams[number])
        return self._cuts[number]

    def _cut_anew(self, stream: Stream) -> _Cut:
        measures = list(stream.measures)
        if self.by in DIMENSION_SLICES and self.by not in stream.dimensions:
            return _Cut(stream.frame[:0], pd.DataFrame(columns=measures, dtype=float), 0)
        rows, straddling = _within(stream.frame, self.period)
        if self.by in TIME_SLICES:
            begin, end = _bounds(rows["start"], self.by)
            inside = rows["end"] <= end
            straddling += int((rows["end"] > end).sum())
            rows, begin, end = rows[inside], begin[inside], end[inside]
            slices = begin.dt.strftime("%Y-%m" if self.by == "month" else "%Y-%m-%d")
            whole = (rows["start"] == begin) & (rows["end"] == end)
        else:
            slices = rows[self.by] if self.by else pd.Series(TOTAL, index=rows.index)
            slices = slices.replace("", "other")
            first = pd.Timestamp(self.period.first) if self.period else rows["start"].min()
            last = pd.Timestamp(self.period.last) if self.period else rows["end"].max()
            whole = (rows["start"] == first) & (rows["end"] == last) | rows["start"].isna()
        return _Cut(rows, _sums(rows[measures], slices, whole), straddling)


def _within(frame: pd.DataFrame, period: Period | None) -> tuple[pd.DataFrame, int]:
    """The rows that lie in the period, and how many reach over its edge."""
    if period is None:
        return frame, 0
    first, last = pd.Timestamp(period.first), pd.Timestamp(period.last)
    inside = (frame["start"] >= first) & (frame["end"] <= last)
    touching = (frame["end"] >= first) & (frame["start"] <= last)
    return frame[inside], int((touching & ~inside).sum())


def _sums(measures: pd.DataFrame, slices: pd.Series, whole: pd.Series) -> pd.DataFrame:
    """Sums by slice. Where people are counted, only a lone row that is `whole` has a figure."""
    grouped = measures.groupby(slices, sort=True)
    sums = grouped.sum(min_count=1)
    for id in map(str, measures):
        if catalogue.measure(id).adds is Adds.NONE:
            alone = grouped[id].count() == 1
            sums[id] = measures[id].where(whole).groupby(slices).sum(min_count=1).where(alone)
    return sums.astype(float)


def _bounds(days: pd.Series, by: str | None) -> tuple[pd.Series, pd.Series]:
    """The first and last day of the day, week or month that each of `days` lies in."""
    if by == "day":
        return days, days
    back, length = (
        (days.dt.day, days.dt.days_in_month) if by == "month" else (days.dt.day_of_week + 1, 7)
    )
    first = days - pd.to_timedelta(back - 1, unit="D")
    return first, first + pd.to_timedelta(length - 1, unit="D")


def _blanks(stream: Stream, rows: pd.DataFrame, measure: str) -> frozenset[date]:
    """The days of a daily stream that have rows, but no figure of the measure."""
    if stream.sparse or not stream.daily or rows[measure].notna().all():
        return frozenset()
    filled = rows[measure].notna().groupby(rows["start"]).any()
    return frozenset(day.date() for day in filled.index[~filled.to_numpy()])


def _added(covers: tuple[Period, ...], rows: pd.DataFrame) -> tuple[Period, ...]:
    """The days covered, where rows speak for several days: those of the rows that were added."""
    days = rows[["start", "end"]].drop_duplicates().dropna()
    spans = united(
        Period(first.date(), last.date())
        for first, last in zip(days["start"], days["end"], strict=True)
    )
    return tuple(both for cover in covers for span in spans if (both := cover.meets(span)))


def _currencies(stream: Stream, rows: pd.DataFrame, measure: Measure) -> tuple[str, ...]:
    if measure.unit is not Unit.MONEY or len(stream.currencies) < 2:
        return stream.currencies if measure.unit is Unit.MONEY else ()
    return tuple(
        sorted(rows.loc[rows[measure.id].notna(), "currency"].fillna(UNKNOWN_CURRENCY).unique())
    )


def speakers(
    hearing: Hearing, measure: Measure, chosen: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """The sources heard for `measure`, in order of belief; several only where sources add up.

    Args:
        hearing: the period asked about.
        measure: what is asked.
        chosen: family or measure id to the source that the owner wants to hear instead.
    """
    if wanted := wanted_source(measure, chosen or {}):
        return (wanted,) if hearing.hear(wanted, measure) else ()
    having = tuple(source for source in measure.family.order if hearing.hear(source, measure))
    match measure.family.speak:
        case Speak.ALL:
            # A sheet kept by hand repeats what the systems export: it speaks where they are silent.
            return tuple(source for source in having if source != BY_HAND) or having
        case Speak.MEASURE:
            return having[:1]
        case Speak.FAMILY:
            speaker = _family_speaker(hearing, measure.family.id)
            return (speaker,) if speaker in having else ()


def wanted_source(measure: Measure, chosen: Mapping[str, str]) -> str | None:
    """The source that the owner chose for a measure, or for its family."""
    return chosen.get(measure.id) or chosen.get(measure.family.id)


def _family_speaker(hearing: Hearing, family: str) -> str | None:
    """The first source that has the leading measure of the family, else any of it."""
    members = [m for m in catalogue.measures().values() if m.family.id == family and not m.part_of]
    for measure in members:
        for source in measure.family.order:
            if hearing.hear(source, measure):
                return source
    return None
