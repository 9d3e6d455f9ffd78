"""Files to streams: what counts twice is left out, and a finding says so.

A *stream* is what one source says at one level of detail (by day and channel, by page). Streams of
one source overlap in meaning, so they are never added: a question is answered by the stream that
suits it best. Sources are added only where their family says so (see ``catalogue/families.toml``).
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from fractions import Fraction
from functools import cached_property

import numpy as np
import pandas as pd

from kpi_core import catalogue
from kpi_core.errors import Finding, Severity
from kpi_core.facts.meeting import MANY, Kin, alike_in_total, by_days, kin, namesakes, unlike
from kpi_core.ingest import Table, Upload
from kpi_core.ingest.bulk import identity
from kpi_core.ingest.formats import formats, meanings
from kpi_core.ingest.headings import plain
from kpi_core.model import Adds, Period, Unit, month_of, spanning, united
from kpi_core.text import exact

DIMENSION_SLICES = (
    "channel",
    "source",
    "campaign",
    "device",
    "country",
    "page",
    "landing",
    "event",
    "engine",
)
Spans = set[Period | None]  # days that rows speak for; None where they do not say
UNKNOWN = "?"  # the currency or VAT of money that does not say
DISAGREE = 0.01  # of a figure: by so much two levels of detail may differ by rounding
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
            month), slice and currency. Where money was converted, ``conversion`` is the place of
            the row's own in `conversions`.
        period: from its first to its last day, as far as can be known.
        reach: measure to the days that the files with it speak for; one between two others may be
            missing.
        sparse: a day without rows is a day on which nothing happened.
        currencies: those of its money; several are never added.
        vats: ``incl``, ``excl`` or unknown, of its money; none where no file says.
        files: names of the files it came from.
        stated: figures of whole files.
        log: the orders one by one, in order of their days: ``start``, dimensions, ``customer`` (a
            key; 0 where the file does not say), ``currency``, ``vat``, ``orders``, amounts. Only
            where files name customers.
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
    log: pd.DataFrame | None = field(default=None, repr=False, compare=False)

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

    def on(self, measure: str, spans: Iterable[Period]) -> float | None:
        """The sum of a measure over `spans`; ``None`` if a row reaches over an edge of them."""
        total = 0.0
        rows = self.frame.loc[self.frame[measure].notna(), ["start", "end", measure]]
        for span in spans:
            first, last = pd.Timestamp(span.first), pd.Timestamp(span.last)
            touching = (rows["end"] >= first) & (rows["start"] <= last)
            inside = (rows["start"] >= first) & (rows["end"] <= last)
            if (touching & ~inside).any():
                return None
            total += float(rows.loc[inside, measure].sum())
        return total

    def told(self, measure: str) -> tuple[Period, ...]:
        """The days from the first to the last row with a figure, without what `reach` adds."""
        spans = days_of(self.frame[self.frame[measure].notna()])
        if not self.sparse:
            return spans
        inside = ([s for s in spans if span.meets(s)] for span in self.reach[measure])
        return united(found for near in inside if (found := spanning(near)))

    @cached_property
    def daily(self) -> bool:
        """Whether every row speaks for one day."""
        return bool((self.frame["start"] == self.frame["end"]).all())

    @cached_property
    def _days(self) -> frozenset[date]:
        return frozenset(self.frame["start"].dt.date.unique())


@dataclass(frozen=True)
class Facts:
    """All that the uploaded files say. Keyed by `digest`, never by the frames' content.

    Attributes:
        rows: file to how many rows of its tables were read.
    """

    streams: tuple[Stream, ...]
    findings: tuple[Finding, ...]
    digest: str
    rows: Mapping[str, int] = field(default_factory=dict, hash=False)

    @cached_property
    def period(self) -> Period | None:
        """From the first to the last day that any stream holds."""
        return spanning(stream.period for stream in self.streams)

    def sources(self) -> tuple[str, ...]:
        """The systems heard, in order of first appearance."""
        return tuple(dict.fromkeys(stream.source for stream in self.streams))

    def months(self) -> list[Period]:
        """The calendar months on whose every day some file speaks, the oldest first."""
        return list(self._months)

    def quarters(self) -> list[Period]:
        """The quarters on whose every day some file speaks, the oldest first."""
        return list(self._quarters)

    def begun(self) -> Period | None:
        """The month in which the files end, where they hold it from its first day but not all."""
        if self.period is None:
            return None
        month = month_of(self.period.last)
        held = Period(month.first, self.period.last)
        told = any(span.holds(held) for span in self._spans)
        return month if told and held != month else None

    @cached_property
    def _months(self) -> tuple[Period, ...]:
        return self._told("M")

    @cached_property
    def _quarters(self) -> tuple[Period, ...]:
        return self._told("Q")

    def _told(self, length: str) -> tuple[Period, ...]:
        if self.period is None:
            return ()
        named = pd.period_range(self.period.first, self.period.last, freq=length)
        found = (Period(each.start_time.date(), each.end_time.date()) for each in named)
        return tuple(each for each in found if any(span.holds(each) for span in self._spans))

    @cached_property
    def _spans(self) -> tuple[Period, ...]:
        """The days of which some file speaks."""
        return united(
            span for stream in self.streams for spans in stream.reach.values() for span in spans
        )


@dataclass(frozen=True)
class _Piece:
    """A table on its way into a stream.

    Attributes:
        file: the number of its file: names tell nothing, as two accounts export the same ones.
        name: its file, with a number where the name is not its own.
        place: its place in the file.
    """

    file: int
    name: str
    place: str
    table: Table

    @property
    def measures(self) -> tuple[str, ...]:
        return self.table.measures

    @property
    def is_record(self) -> bool:
        return "record" in self.table.facts


def combine(uploads: Iterable[Upload]) -> Facts:
    """The facts of `uploads`. Where two files report the same thing, the later one is believed.

    The same bytes twice count once. Tables of one layout that cover the same days and slices (or
    hold the same orders) are compared (see `meeting`): equal ones are one report downloaded twice,
    of which the common part counts once; of others the later corrects the earlier; figures that
    have nothing to do with each other are left out, and a finding asks whose they are.
    """
    findings: list[Finding] = []
    known: dict[str, str] = {}
    pieces: list[_Piece] = []
    rows: dict[str, int] = {}
    for number, upload in enumerate(uploads):
        if upload.digest in known:
            values: dict[str, object] = {"first": known[upload.digest]}
            findings.append(Finding(Severity.WARNING, "same_file_twice", upload.name, values))
            continue
        again = [*known.values()].count(upload.name)
        known[upload.digest] = upload.name
        name = f"{upload.name} ({again + 1})" if again else upload.name
        pieces += _pieces(number, name, upload)
        rows[name] = sum(table.rows for table in upload.tables)
    spellings = _campaign_spellings(piece.table for piece in pieces)
    streams: list[Stream] = []
    for group in _grouped(pieces).values():
        streams += _streams(group, spellings, findings)
    # In order of upload: where files overlap, the order decides who is believed.
    found = (*streams, *joined(streams))
    return Facts(found, tuple(dict.fromkeys(findings)), "+".join(known), rows)


def _pieces(number: int, name: str, upload: Upload) -> list[_Piece]:
    tables = [table for table in upload.tables if table.measures]
    places = Counter(table.where for table in tables)
    seen: Counter[str] = Counter()
    found = []
    for table in tables:
        seen[table.where] += 1
        alone = places[table.where] == 1
        place = table.where or name
        found.append(
            _Piece(number, name, place if alone else f"{place} № {seen[table.where]}", table)
        )
    return found


def _grouped(pieces: Iterable[_Piece]) -> dict[tuple[str, str | None], list[_Piece]]:
    """The tables of each source; those whose rows are records by format, as by that they count."""
    groups: dict[tuple[str, str | None], list[_Piece]] = {}
    for piece in pieces:
        format = piece.table.format if piece.is_record else None
        groups.setdefault((piece.table.source, format), []).append(piece)
    return groups


def _sliced(piece: _Piece) -> tuple[str, ...]:
    return tuple(id for id in piece.table.dimensions if id in DIMENSION_SLICES)


def _streams(
    pieces: Sequence[_Piece], spellings: Mapping[str, str], findings: list[Finding]
) -> list[Stream]:
    """The streams of tables of one source: one for each level of detail.

    Records are known again whatever a file says of them beside, so that of several levels of
    detail there is one stream more, of all of them at the level that they have in common.
    """
    levels: dict[tuple[str, ...], list[_Piece]] = {}
    if pieces[0].is_record:
        pieces = _agreed(pieces, (), spellings, findings)
    else:
        pieces = _without_segments(pieces, findings)
    for piece in pieces:
        levels.setdefault(_sliced(piece), []).append(piece)
    kept = {
        dimensions: found if found[0].is_record else _agreed(found, dimensions, spellings, findings)
        for dimensions, found in levels.items()
    }
    if len(levels) > 1 and pieces[0].is_record:
        first, *rest = levels
        common = tuple(id for id in first if all(id in other for other in rest))
        kept[common] = list(pieces)
    return [
        _stream(dimensions, found, spellings, findings)
        for dimensions, found in kept.items()
        if found
    ]


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
        alike.setdefault(campaign_key(spelling), []).append(spelling)
    return {
        spelling: min(spellings, key=lambda name: (-rows[name], name))
        for spellings in alike.values()
        for spelling in spellings
    }


def campaign_key(spelling: str) -> str:
    """What all spellings of one campaign have in common.

    >>> campaign_key("Brand Search") == campaign_key("brand_search")
    True
    """
    folded = spelling.casefold().replace("ё", "е")
    return _BETWEEN_WORDS.sub(" ", folded).strip()


def _stream(
    dimensions: tuple[str, ...],
    pieces: Sequence[_Piece],
    spellings: Mapping[str, str],
    findings: list[Finding],
) -> Stream:
    keys = ["start", "end", *dimensions]
    kinds = [*keys, "currency", "vat"]
    tables = [piece.table for piece in pieces]
    of_records = pieces[0].is_record
    measures = tuple(dict.fromkeys(id for table in tables for id in table.measures))
    frames = [_rows(table, keys, spellings) for table in tables]
    if of_records:
        merged = _united(pieces, [frame.set_index("record") for frame in frames], findings)
    else:
        indexed = [frame.set_index(keys) for frame in frames]
        merged, *others = _apart(pieces, indexed, findings)
        for frame in others:
            merged = _laid_over(merged, frame)
    frame = merged.reset_index()
    log = _log(frame, dimensions) if of_records else None
    if of_records or frame.duplicated(kinds).any():
        grouped = frame.groupby(kinds, dropna=False, sort=False)
        frame = grouped[list(measures)].sum(min_count=1).reset_index()
    parts = _parts(frame, measures)
    reach = {
        id: united(span for table in tables if id in table.measures and (span := _reach(table)))
        for id in measures
    }
    reach |= {id: reach[part.part_of[0]] for id in parts if (part := catalogue.measure(id)).part_of}
    moneyed = [table for table in tables if _has_money(table)]
    return Stream(
        source=tables[0].source,
        dimensions=dimensions,
        measures=(*measures, *parts),
        frame=frame.assign(**parts),
        period=spanning(_held(table) for table in tables),
        reach=reach,
        sparse=any(table.sparse and not table.stated for table in tables),
        currencies=_words(code for table in moneyed for code in table.currencies or (None,)),
        vats=_words(table.vat for table in moneyed),
        files=tuple(dict.fromkeys(piece.name for piece in pieces)),
        stated=tuple(stated for table in tables for stated in _stated(table)),
        log=log,
    )


def _log(records: pd.DataFrame, dimensions: Sequence[str]) -> pd.DataFrame | None:
    """The orders of customers, where it is told whose they are; what is cancelled is none."""
    if not {"customer", "orders"} <= set(records) or records["customer"].isna().all():
        return None
    orders = records[(records["orders"] > 0) & records["start"].notna()]
    if not (orders["start"] == orders["end"]).all():
        return None
    brought = {own.brought for own in catalogue.measures().values() if own.brought}
    amounts = sorted(brought & set(records))
    kept = ["start", *dimensions, "customer", "currency", "vat", "orders", *amounts]
    log = orders[kept].sort_values("start", kind="stable", ignore_index=True)
    return log.assign(customer=log["customer"].fillna(0).astype("uint64"))


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
    """One row a day, slice and currency; where rows are records, one row a record."""
    measures = list(table.measures)
    facts = table.facts
    # Only tables with money say something of it, be it that they do not know.
    money = _has_money(table)
    apart = ["currency"] if money and "currency" in facts else []
    if "campaign" in keys:
        facts = facts.assign(campaign=facts["campaign"].map(spellings).astype("str"))
    if "record" in facts:
        known = ["customer"] if "customer" in facts else []
        columns = [*keys, *apart, "record", *known, *measures]
        frame = facts[columns].drop_duplicates("record", keep="last")
        if known:  # missing, so that another file may tell whose order it is; floats lose digits
            whose = frame["customer"].astype("UInt64")
            frame["customer"] = whose.where(whose != 0)
    else:
        grouped = facts.groupby([*keys, *apart], dropna=False, sort=False)[measures]
        # min_count: a sum over nothing is missing, or a missing export looks like a bad month.
        frame = grouped.sum(min_count=1)
        alone = grouped.size() == 1
        if apart:  # people who paid in two currencies are no more people
            alone &= grouped.size().groupby(level=keys, dropna=False).transform("sum") == 1
        for id in measures:
            adds = catalogue.measure(id).adds
            if adds is Adds.NONE or (apart and adds is Adds.LAST):
                frame[id] = frame[id].where(alone)
        frame = frame.reset_index()
    said = {"vat": table.vat or UNKNOWN}
    if not apart:
        said["currency"] = table.currency or UNKNOWN
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


def _agreed(
    pieces: Sequence[_Piece],
    dimensions: tuple[str, ...],
    spellings: Mapping[str, str],
    findings: list[Finding],
) -> list[_Piece]:
    """The tables without the measures of two that contradict each other on the same days.

    Whether these are two accounts, whose figures add up, or one, whose figures do not, only the
    owner knows: neither is taken.
    """
    keys = ["start", "end", *dimensions]
    of_records = bool(pieces) and pieces[0].is_record
    index = "record" if of_records else keys
    frames = (
        [_rows(piece.table, keys, spellings).set_index(index) for piece in pieces]
        if len(pieces) > 1
        else []
    )
    refused: dict[int, set[str]] = {}
    for later, earlier, shared in _pairs(pieces) if frames else ():
        one, other = (
            frames[n] if of_records else _over_currencies(frames[n], shared)
            for n in (earlier, later)
        )
        one_file = pieces[later].file == pieces[earlier].file
        if of_records:
            if pieces[later].table.added is not None:
                continue
            common, _, strangers = namesakes(one, other, shared)
            if not strangers:
                continue
        else:
            common = one.index.intersection(other.index)
            before, after = one.loc[common, shared], other.loc[common, shared]
            if common.empty:
                continue
            if not _of_two_currencies(pieces[later], pieces[earlier]):
                if kin(before, after, one_file=one_file) is not Kin.OTHER:
                    continue
                if alike_in_total(one[shared], other[shared]):
                    continue  # the same figures, cut in another way
        for number in (later, earlier):
            refused.setdefault(number, set()).update(shared)
        told = one.loc[common, shared].sum(), other.loc[common, shared].sum()
        names = _named_apart(pieces[later], pieces[earlier])
        findings.append(_contradiction(*names, *told, len(common)))
    kept = []
    for number, piece in enumerate(pieces):
        measures = tuple(id for id in piece.measures if id not in refused.get(number, ()))
        if measures:
            kept.append(replace(piece, table=replace(piece.table, measures=measures)))
    return kept


def _without_segments(pieces: Sequence[_Piece], findings: list[Finding]) -> list[_Piece]:
    """The tables without what those of a segment say of slices that one of the whole tells too."""
    wholes = [piece for piece in pieces if _is_whole(piece.table)]
    kept = []
    for piece in pieces:
        measures = list(piece.measures)
        is_part = "segment" in piece.table.dimensions and not _is_whole(piece.table)
        for whole in wholes if is_part else ():
            shared = [id for id in measures if id in whole.measures]
            if not shared or not _may_hold(whole, piece, shared):
                continue
            measures = [id for id in measures if id not in shared]
            where, beside = _named_apart(piece, whole)
            findings.append(Finding(Severity.INFO, "segment_left_out", where, {"other": beside}))
        if measures:
            kept.append(replace(piece, table=replace(piece.table, measures=tuple(measures))))
    return kept


def _is_whole(table: Table) -> bool:
    """Whether a table is known to be of no segment, or of the one that holds all others."""
    if "segment" in table.dimensions:
        everyone = meanings("segments")["everyone"]
        return all(plain(str(name)) in everyone for name in table.facts["segment"].unique())
    format = formats().get(table.format)
    return format is not None and format.part is not None  # its title names a segment


def _may_hold(whole: _Piece, part: _Piece, measures: Sequence[str]) -> bool:
    """Whether two tables share slices, and the part is nowhere more than the whole there."""
    if _sliced(whole) != _sliced(part):
        return False
    keys = ["start", "end", *_sliced(whole)]
    told, held = (
        piece.table.facts.groupby(keys, dropna=False)[list(measures)].sum()
        for piece in (whole, part)
    )
    common = told.index.intersection(held.index)
    return not common.empty and bool((held.loc[common] <= told.loc[common]).to_numpy().all())


def _of_two_currencies(one: _Piece, other: _Piece) -> bool:
    known, others = set(one.table.currencies), set(other.table.currencies)
    return bool(known and others) and known.isdisjoint(others)


def _over_currencies(frame: pd.DataFrame, measures: Sequence[str]) -> pd.DataFrame:
    """One row a slice: tables are compared by their amounts as they stand, of any currency."""
    if frame.index.is_unique:
        return frame[list(measures)]
    slices = frame.groupby(level=frame.index.names, dropna=False, sort=False)
    return slices[list(measures)].sum(min_count=1)


def _laid_over(earlier: pd.DataFrame, later: pd.DataFrame) -> pd.DataFrame:
    """The rows of both; what both tell of a slice, in whatever currency, is that of the later."""
    if earlier.index.is_unique and later.index.is_unique:
        return later.combine_first(earlier)
    kept = earlier.copy()
    for id in earlier.columns.intersection(later.columns).difference(["currency", "vat"]):
        kept.loc[kept.index.isin(later.index[later[id].notna()]), id] = float("nan")
    return pd.concat([kept, later])


def _pairs(pieces: Sequence[_Piece]) -> Iterator[tuple[int, int, list[str]]]:
    """Two tables each that have measures in common: the later, the earlier, the measures."""
    for later, piece in enumerate(pieces):
        for earlier, before in enumerate(pieces[:later]):
            if shared := [id for id in piece.measures if id in before.measures]:
                yield later, earlier, shared


def _contradiction(
    where: str, beside: str, earlier: pd.Series, later: pd.Series, rows: int
) -> Finding:
    """Both figures of the measure on which two tables agree least."""
    id = max(
        map(str, earlier.index),
        key=lambda id: abs(earlier[id] - later[id]) / (max(earlier[id], later[id]) or 1),
    )
    values: dict[str, object] = {
        "other": beside,
        "n": rows,
        "measure": catalogue.measure(id).name,
        "earlier": exact(round(float(earlier[id]), 2)),
        "later": exact(round(float(later[id]), 2)),
    }
    return Finding(Severity.ERROR, "files_contradict", where, values)


def _named_apart(piece: _Piece, other: _Piece) -> tuple[str, str]:
    """What to call two tables: their files, or if it is one, their places in it."""
    if piece.file != other.file:
        return piece.name, other.name
    return piece.place, other.place


def _united(
    pieces: Sequence[_Piece], frames: Sequence[pd.DataFrame], findings: list[Finding]
) -> pd.DataFrame:
    """Records of several tables, one row each: of those told twice the later row is believed."""
    merged = frames[0]
    for later, own in enumerate(frames[1:], start=1):
        frame = own
        for earlier in range(later):
            shared = [id for id in pieces[later].measures if id in pieces[earlier].measures]
            same, apart, _ = namesakes(frames[earlier], own, shared)
            where, beside = _named_apart(pieces[later], pieces[earlier])
            if pieces[later].table.added is not None:
                same, apart = same.append(apart), apart[:0]
            if len(apart):
                days = own.loc[apart, "start"].astype("str")
                again = identity(zip(apart.astype("str"), days, strict=True))
                frame = frame.rename(index=dict(zip(apart, again, strict=True)))
                told: dict[str, object] = {"n": len(apart), "other": beside}
                findings.append(Finding(Severity.WARNING, "numbers_again", where, told))
            if len(same) and shared:
                differ = unlike(frames[earlier].loc[same, shared], own.loc[same, shared])
                told = {"n": len(same), "changed": int(differ.any(axis=1).sum()), "other": beside}
                findings.append(Finding(Severity.WARNING, "files_overlap", where, told))
        if (added := pieces[later].table.added) is not None:
            frame = _sessions_united(merged, frame, added, pieces[later], findings)
        merged = frame.combine_first(merged)
    return merged


def _sessions_united(
    before: pd.DataFrame,
    after: pd.DataFrame,
    added: Sequence[str],
    piece: _Piece,
    findings: list[Finding],
) -> pd.DataFrame:
    """The later log with what the earlier ones tell of sessions that go on in it.

    Where the later log lacks something that happened in a session, each holds a part of it: steps
    are united, what events add up to is added. Else it is the newer download of the whole.
    """
    measures = [id for id in piece.measures if id in before]
    common = before.index.intersection(after.index)
    one, other = before.loc[common, measures], after.loc[common, measures]
    if not (one.fillna(0.0) > other.fillna(0.0)).to_numpy().any():
        return after
    result = after.copy()
    for id in measures:
        all_of_it = one[id].add(other[id], fill_value=0.0)
        result.loc[common, id] = all_of_it if id in added else np.fmax(one[id], other[id])
    told: dict[str, object] = {"n": len(common)}
    findings.append(Finding(Severity.WARNING, "sessions_go_on", piece.name, told))
    return result


def _apart(
    pieces: Sequence[_Piece], frames: Sequence[pd.DataFrame], findings: list[Finding]
) -> list[pd.DataFrame]:
    """The frames without what would count twice: a month beside its days, a week beside its month.

    Rows of the same days and slice stay: there the later file is believed.
    """
    if len(pieces) == 1:
        return list(frames)
    apart = [frame.copy() for frame in frames]
    spans = [_row_spans(frame) for frame in frames]
    holders: dict[tuple[int, ...], list[str]] = {}
    for id in dict.fromkeys(id for piece in pieces for id in piece.measures):
        having = tuple(n for n, piece in enumerate(pieces) if id in piece.measures)
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
    gone: dict[int, set[Period | None]] = {}  # days on which a table yields to one of other slices
    for later, earlier, shared in _pairs(pieces):
        one, other = (_over_currencies(frames[n], shared) for n in (earlier, later))
        common = one.index.intersection(other.index)
        yields = None
        if not _of_two_currencies(pieces[later], pieces[earlier]):
            one_file = pieces[later].file == pieces[earlier].file
            yields = _cut_otherwise(one, other, one_file=one_file)
        if yields is not None:
            loser, winner = (earlier, later) if yields else (later, earlier)
            days = (set(spans[loser]) & set(spans[winner])) - gone.get(winner, set())
            rows = [span in days for span in spans[loser]]
            apart[loser].loc[rows, shared] = float("nan")
            gone.setdefault(loser, set()).update(days)
        n = len(common) if yields is None or len(common) else sum(rows)
        n += sum(len(left_out.get(both, ())) for both in ((earlier, later), (later, earlier)))
        if n:
            where, beside = _named_apart(pieces[later], pieces[earlier])
            differ = unlike(one.loc[common], other.loc[common]).any(axis=1)
            values: dict[str, object] = {"n": n, "changed": int(differ.sum()), "other": beside}
            findings.append(Finding(Severity.WARNING, "files_overlap", where, values))
    return apart


def _cut_otherwise(before: pd.DataFrame, after: pd.DataFrame, *, one_file: bool) -> bool | None:
    """Whether the earlier of two tables yields on their common days, or the later; else ``None``.

    A campaign that got another name, or a channel that only one file tells, makes slices that do
    not meet, though it is the same money: what adds up to the same is the same.
    """
    days = by_days(before).index.intersection(by_days(after).index)
    before, after = before[_days_of(before).isin(days)], after[_days_of(after).isin(days)]
    common = before.index.intersection(after.index)
    one, other = before.loc[common], after.loc[common]
    related = kin(one, other, one_file=one_file) if len(common) else None
    if len(common) == len(before) == len(after) or related is Kin.SAME:
        return None
    if alike_in_total(before, after, 1 if len(common) else MANY):
        return len(before) <= len(after)  # the finer one speaks
    if related is not Kin.NEWER:
        return None
    whole = kin(by_days(before).loc[days], by_days(after).loc[days], one_file=False)
    return True if whole is Kin.NEWER else None


def _days_of(frame: pd.DataFrame) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(frame.index.to_frame(index=False)[["start", "end"]])


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


def days_of(rows: pd.DataFrame) -> tuple[Period, ...]:
    """The days that any of `rows` speaks for, as few periods as possible."""
    ends = rows[["start", "end"]].dropna().drop_duplicates().itertuples(index=False)
    return united(Period(first.date(), last.date()) for first, last in ends)


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


def joined(streams: Sequence[Stream]) -> list[Stream]:
    """Streams of one source that follow each other in time as one more, at what they all tell.

    A system that was exported by month, each time with other columns, makes several streams. Where
    two of them tell the same days, they must agree there; else neither is added to the other.
    """
    found: list[Stream] = []
    for source in dict.fromkeys(stream.source for stream in streams):
        own = [stream for stream in streams if stream.source == source]
        plans: dict[tuple[tuple[int, tuple[Period, ...]], ...], list[str]] = {}
        for id in dict.fromkeys(id for stream in own for id in stream.measures):
            measure = catalogue.measure(id)
            if measure.adds is Adds.SUM and not measure.part_of:
                plans.setdefault(_following(own, id), []).append(id)
        for plan, measures in plans.items():
            if len(plan) > 1:
                found.append(_joined([(own[n], spans) for n, spans in plan], measures))
    return found


def _following(streams: Sequence[Stream], id: str) -> tuple[tuple[int, tuple[Period, ...]], ...]:
    """The stream that tells the most days of a measure, and others with the days that they add."""
    days = {n: stream.told(id) for n, stream in enumerate(streams) if id in stream.measures}
    order = sorted(
        (n for n, spans in days.items() if spans),
        key=lambda n: (-sum(span.days for span in days[n]), len(streams[n].dimensions)),
    )
    plan: list[tuple[int, tuple[Period, ...]]] = []
    held: tuple[Period, ...] = ()
    for n in order:
        more = beyond(days[n], held)
        agree = all(_agreeing(streams[n], streams[other], id) for other, _ in plan)
        if more and agree and streams[n].on(id, more) is not None:
            plan.append((n, more))
            held = united((*held, *more))
    return tuple(plan)


def _agreeing(one: Stream, other: Stream, id: str) -> bool:
    """Whether two streams tell the same of the days that both tell."""
    common = common_days(one.told(id), other.told(id))
    figure, beside = one.on(id, common), other.on(id, common)
    return figure is not None and beside is not None and not disagree(figure, beside)


def disagree(one: float, other: float) -> bool:
    """Whether two figures of the same days differ by more than rounding."""
    return abs(one - other) > DISAGREE * max(abs(one), abs(other))


def common_days(one: Iterable[Period], other: Sequence[Period]) -> tuple[Period, ...]:
    """The days that both have."""
    return united(both for span in one for held in other if (both := span.meets(held)))


def beyond(spans: Iterable[Period], held: Iterable[Period]) -> tuple[Period, ...]:
    """The days of `spans` that `held` has not."""
    left = list(spans)
    for taken in held:
        before = [
            Period(span.first, min(span.last, taken.first - timedelta(days=1)))
            for span in left
            if span.first < taken.first
        ]
        after = [
            Period(max(span.first, taken.last + timedelta(days=1)), span.last)
            for span in left
            if span.last > taken.last
        ]
        left = before + after
    return united(left)


def _joined(plan: Sequence[tuple[Stream, tuple[Period, ...]]], measures: Sequence[str]) -> Stream:
    streams = [stream for stream, _ in plan]
    first = streams[0]
    dimensions = tuple(
        id for id in first.dimensions if all(id in other.dimensions for other in streams)
    )
    kinds = ["start", "end", *dimensions, "currency", "vat"]
    frames = []
    for stream, spans in plan:
        rows = stream.frame
        inside = pd.Series(data=False, index=rows.index)
        for span in spans:
            from_, to = pd.Timestamp(span.first), pd.Timestamp(span.last)
            inside |= (rows["start"] >= from_) & (rows["end"] <= to)
        frames.append(rows.loc[inside, [*kinds, *measures]])
    grouped = pd.concat(frames).groupby(kinds, dropna=False, sort=False)[list(measures)]
    frame = grouped.sum(min_count=1).reset_index()
    parts = _parts(frame, measures)
    reach = {id: united(span for own in streams for span in own.reach[id]) for id in measures}
    reach |= {id: reach[part.part_of[0]] for id in parts if (part := catalogue.measure(id)).part_of}
    money = any(catalogue.measure(id).unit is Unit.MONEY for id in measures)
    return Stream(
        source=first.source,
        dimensions=dimensions,
        measures=(*measures, *parts),
        frame=frame.assign(**parts),
        period=spanning(stream.period for stream in streams),
        reach=reach,
        sparse=all(stream.sparse for stream in streams),
        currencies=_words(w for own in streams for w in own.currencies or (None,)) if money else (),
        vats=_words(w for own in streams for w in own.vats or (None,)) if money else (),
        files=tuple(dict.fromkeys(name for stream in streams for name in stream.files)),
        log=_joined_log(plan, dimensions) if "orders" in measures else None,
    )


def _joined_log(
    plan: Sequence[tuple[Stream, tuple[Period, ...]]], dimensions: Sequence[str]
) -> pd.DataFrame | None:
    logs = []
    for stream, spans in plan:
        if stream.log is None:
            return None
        days = stream.log["start"]
        inside = pd.Series(data=False, index=days.index)
        for span in spans:
            inside |= days.between(pd.Timestamp(span.first), pd.Timestamp(span.last))
        apart = [id for id in stream.dimensions if id not in dimensions]
        logs.append(stream.log[inside].drop(columns=apart))
    return pd.concat(logs).sort_values("start", kind="stable", ignore_index=True)
