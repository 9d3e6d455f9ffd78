"""Files to streams: what counts twice is left out, and a finding says so.

A *stream* is what one source says at one level of detail (by day and channel, by page). Streams of
one source overlap in meaning, so they are never added: a question is answered by the stream that
suits it best. Sources are added only where their family says so (see ``catalogue/families.toml``).
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from functools import cached_property

import pandas as pd

from kpi_core import catalogue
from kpi_core.errors import Finding, Severity
from kpi_core.ingest import Table, Upload
from kpi_core.model import Adds, Period, Unit, spanning, united

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
UNKNOWN = "?"  # the currency or VAT of money that does not say
SPARSE_EDGE_DAYS = 7  # the longest silence at the edge of a file that is taken for a quiet time
_BETWEEN_WORDS = re.compile(r"[\s_\-\u2010-\u2015\u2212]+")


@dataclass(frozen=True)
class Stated:
    """A figure that a file states for all its days, where its rows do not add up to it.

    Attributes:
        period: the days that the file is of.
        held: those that it speaks for.
    """

    measure: str
    period: Period | None
    held: Period | None
    figure: float


@dataclass(frozen=True)
class Conversion:
    """How money as a file has it became money of the plan: times `rate`, times `vat`."""

    currency: str
    rate: Fraction
    vat: Fraction


@dataclass(frozen=True)
class Stream:
    """What one source says at one level of detail.

    Attributes:
        frame: ``start``, ``end``, dimensions, ``currency``, ``vat``, measures; one row a day (or
            month) and slice. Where money was converted, ``conversion`` is the place of the row's
            own in `conversions`.
        period: from its first to its last day, as far as can be known.
        reach: measure to the days that the files with it speak for; one between two others may be
            missing.
        sparse: a day without rows is a day on which nothing happened.
        currencies: those of its money; several are never added.
        vats: ``incl``, ``excl`` or unknown, of its money; none where no file says.
        files: names of the files it came from.
        stated: figures of whole files.
    """

    source: str
    dimensions: tuple[str, ...]
    measures: tuple[str, ...]
    frame: pd.DataFrame = field(repr=False, compare=False)
    period: Period | None
    reach: Mapping[str, tuple[Period, ...]] = field(repr=False, compare=False)
    sparse: bool
    currencies: tuple[str, ...]
    vats: tuple[str, ...]
    files: tuple[str, ...]
    stated: tuple[Stated, ...] = ()
    conversions: tuple[Conversion, ...] = ()

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
        days = (day for span in spans for day in pd.date_range(span.first, span.last).date)
        return [day for day in days if day not in self._days]

    @cached_property
    def daily(self) -> bool:
        """Whether every row speaks for one day."""
        return bool((self.frame["start"] == self.frame["end"]).all())

    @cached_property
    def _days(self) -> frozenset[date]:
        return frozenset(self.frame["start"].dt.date.unique())


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
    named: list[tuple[str, Table]] = []
    for upload in uploads:
        if upload.digest in known:
            values: dict[str, object] = {"first": known[upload.digest]}
            findings.append(Finding(Severity.WARNING, "same_file_twice", upload.name, values))
            continue
        known[upload.digest] = upload.name
        named += [(upload.name, table) for table in upload.tables if table.measures]
    spellings = _campaign_spellings(table for _, table in named)
    groups: dict[tuple[str, tuple[str, ...], bool], list[tuple[str, Table]]] = {}
    for name, table in named:
        dimensions = tuple(id for id in table.dimensions if id in DIMENSION_SLICES)
        key = (table.source, dimensions, "record" in table.facts)
        groups.setdefault(key, []).append((name, table))
    streams = tuple(
        _stream(source, dimensions, tables, spellings, findings)
        for (source, dimensions, _), tables in groups.items()
    )
    # In order of upload: where files overlap, the order decides who is believed.
    return Facts(streams, tuple(findings), "+".join(known))


def _campaign_spellings(tables: Iterable[Table]) -> dict[str, str]:
    """Each spelling of a campaign to the one used most, where case and marks alone differ.

    An ad system says "Brand Search" where the link that brought an order says "brand_search".
    """
    rows: Counter[str] = Counter()
    for table in tables:
        if "campaign" in table.dimensions:
            rows.update(map(str, table.facts["campaign"]))
    alike: dict[str, list[str]] = {}
    for spelling in rows:
        folded = spelling.casefold().replace("ё", "е")
        alike.setdefault(_BETWEEN_WORDS.sub(" ", folded).strip(), []).append(spelling)
    return {
        spelling: min(spellings, key=lambda name: (-rows[name], name))
        for spellings in alike.values()
        for spelling in spellings
    }


def _stream(
    source: str,
    dimensions: tuple[str, ...],
    tables: Sequence[tuple[str, Table]],
    spellings: Mapping[str, str],
    findings: list[Finding],
) -> Stream:
    keys = ["start", "end", *dimensions]
    identity = ["record"] if "record" in tables[0][1].facts else keys
    measures = tuple(dict.fromkeys(id for _, table in tables for id in table.measures))
    frames = [_rows(table, keys, spellings).set_index(identity) for _, table in tables]
    merged, *others = _apart(tables, frames, findings)
    for frame in others:
        merged = frame.combine_first(merged)
    frame = merged.reset_index()
    if identity == ["record"]:
        grouped = frame.groupby([*keys, "currency", "vat"], dropna=False, sort=False)
        frame = grouped[list(measures)].sum(min_count=1).reset_index()
    parts = _parts(frame, measures)
    reach = {
        id: united(span for _, table in tables if id in table.measures and (span := _reach(table)))
        for id in measures
    }
    reach |= {id: reach[part.part_of[0]] for id in parts if (part := catalogue.measure(id)).part_of}
    moneyed = [table for _, table in tables if _has_money(table)]
    return Stream(
        source=source,
        dimensions=dimensions,
        measures=(*measures, *parts),
        frame=frame.assign(**parts),
        period=spanning(_held(table) for _, table in tables),
        reach=reach,
        sparse=any(table.sparse and not table.stated for _, table in tables),
        currencies=_words(table.currency for table in moneyed),
        vats=_words(table.vat for table in moneyed),
        files=tuple(dict.fromkeys(name for name, _ in tables)),
        stated=tuple(stated for _, table in tables for stated in _stated(table)),
    )


def _has_money(table: Table) -> bool:
    return any(catalogue.measure(id).unit is Unit.MONEY for id in table.measures)


def _words(found: Iterable[str | None]) -> tuple[str, ...]:
    """What tables that are added say of their money; silence beside a word counts as another."""
    words = {word or UNKNOWN for word in found}
    return () if words == {UNKNOWN} else tuple(sorted(words))


def _stated(table: Table) -> list[Stated]:
    return [
        Stated(id, table.period, _held(table), figure)
        for id, figure in table.control.items()
        if catalogue.measure(id).adds is Adds.NONE
    ]


def _rows(table: Table, keys: list[str], spellings: Mapping[str, str]) -> pd.DataFrame:
    """One row a day and slice; where rows are records, one row a record."""
    measures = list(table.measures)
    facts = table.facts
    if "campaign" in keys:
        facts = facts.assign(campaign=facts["campaign"].map(spellings).astype("str"))
    if "record" in facts:
        frame = facts[[*keys, "record", *measures]].drop_duplicates("record", keep="last")
    else:
        grouped = facts.groupby(keys, dropna=False, sort=False)[measures]
        # min_count: a sum over nothing is missing, or a missing export looks like a bad month.
        frame = grouped.sum(min_count=1)
        alone = grouped.size() == 1
        for id in measures:
            if catalogue.measure(id).adds is Adds.NONE:
                frame[id] = frame[id].where(alone)
        frame = frame.reset_index()
    # Only tables with money say something of it, be it that they do not know.
    money = _has_money(table)
    said = {"currency": table.currency or UNKNOWN, "vat": table.vat or UNKNOWN}
    for column, word in said.items():
        frame[column] = pd.Series(word if money else None, index=frame.index, dtype="str")
    return frame


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
    if len(tables) == 1:
        return list(frames)
    apart = [frame.copy() for frame in frames]
    spans = [_row_spans(frame) for frame in frames]
    holders: dict[tuple[int, ...], list[str]] = {}
    for id in dict.fromkeys(id for _, table in tables for id in table.measures):
        having = tuple(n for n, (_, table) in enumerate(tables) if id in table.measures)
        holders.setdefault(having, []).append(id)
    left_out: dict[tuple[int, int], set[int]] = {}  # two tables to the rows that one of them loses
    for having, measures in holders.items():
        yielding = _yielding({n: set(spans[n]) for n in having})
        for n in {table for table, _ in yielding}:
            beaten = [yielding.get((n, span)) for span in spans[n]]
            apart[n].loc[[rival is not None for rival in beaten], measures] = float("nan")
            for row, rival in enumerate(beaten):
                if rival is not None:
                    left_out.setdefault((n, rival), set()).add(row)
    for later, (name, table) in enumerate(tables):
        for earlier, (other, before) in enumerate(tables[:later]):
            if name == other or not set(table.measures) & set(before.measures):
                continue
            n = int(frames[later].index.isin(frames[earlier].index).sum())
            n += sum(len(left_out.get(both, ())) for both in ((earlier, later), (later, earlier)))
            if n:
                values: dict[str, object] = {"n": n, "other": other}
                findings.append(Finding(Severity.WARNING, "files_overlap", name, values))
    return apart


def _yielding(spans: Mapping[int, Spans]) -> dict[tuple[int, Period | None], int]:
    """Of tables by number: the rows that yield, as table and days, to the table that speaks there.

    Whatever the order of the files: a month yields to finer rows that make up all of it, else they
    yield to the month; of two that only overlap, the shorter yields; what has no days yields to
    what has. Rows of one table never yield to each other.
    """
    owners: dict[Period, set[int]] = {}
    for table, found in spans.items():
        for span in found:
            if span:
                owners.setdefault(span, set()).add(table)

    def apart(one: Period, other: Period) -> bool:
        return not owners[one] & owners[other]

    yielding: dict[tuple[int, Period | None], int] = {}
    for table in (table for table, found in spans.items() if None in found):
        dated = sorted(set().union(*owners.values()) - {table})
        if dated:
            yielding[table, None] = dated[0]
    kept: list[Period] = []  # of those longer than a day
    for span in sorted(owners, key=lambda span: (-span.days, span.first)):
        speaks = next((held for held in kept if held.meets(span) and apart(held, span)), None)
        if speaks is None and span.days > 1:
            finer = [own for own in owners if own != span and span.holds(own) and apart(own, span)]
            if any(whole.holds(span) for whole in united(finer)):
                speaks = finer[0]
            else:
                kept.append(span)
        if speaks is not None:
            yielding |= {(table, span): min(owners[speaks]) for table in owners[span]}
    return yielding


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
