"""Questions to the facts of a period: what a source says of a measure, and who speaks for it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date

import pandas as pd

from kpi_core import catalogue
from kpi_core.errors import Finding, UsageError
from kpi_core.facts.meeting import MUCH
from kpi_core.facts.orderlog import OrderLog
from kpi_core.facts.slices import TIME_SLICES, bounds, names
from kpi_core.facts.streams import (
    DIMENSION_SLICES,
    UNKNOWN,
    Conversion,
    Facts,
    Stream,
    beyond,
    common_days,
    days_of,
    disagree,
)
from kpi_core.model import BY_HAND, TOTAL, Adds, Family, Measure, Period, Speak, Unit, united


@dataclass(frozen=True)
class Heard:
    """What one source says of one measure.

    Attributes:
        figures: slice to sum; a slice without a figure is left out.
        stream: the stream that answers.
        covers: the days that the figures speak for.
        currencies: those of the rows that were added; several make no sum.
        vats: the same of VAT.
        straddling: rows left out because they reach over the edge of the period or of a slice.
        blanks: days that have rows, but none with a figure of this measure.
        rival: what another stream of the same source gives, where the two disagree.
        beside: what this one gives for the days of which both tell.
        grave: the other one, which is cut less finely and so leaves no rows out, gives far more.
        lacking: days that only another stream of the same source tells.
        counted: by the customers of an order log: rows of the stream do not add up to it, and there
            may be no figure at all.
    """

    figures: Mapping[str, float]
    stream: Stream
    covers: tuple[Period, ...]
    currencies: tuple[str, ...] = ()
    vats: tuple[str, ...] = ()
    straddling: int = 0
    blanks: frozenset[date] = frozenset()
    rival: float | None = None
    beside: float | None = None
    grave: bool = False
    lacking: tuple[Period, ...] = ()
    counted: bool = False


@dataclass(frozen=True)
class _Cut:
    """A stream cut into slices: its rows within the period, their slices, and the sums."""

    rows: pd.DataFrame
    slices: pd.Series
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
        self._logs: dict[str, OrderLog | None] = {}
        self._remarks: dict[tuple[str, str], tuple[Finding, ...]] = {}
        self._spans: dict[str, Period] = {}
        self._heard: dict[tuple[str, str], Heard | None] = {}
        self._converted: dict[tuple[str, str], dict[str, list[tuple[float, Conversion]]]] = {}
        self._lost: dict[tuple[str, str, frozenset[date]], dict[str, float]] = {}
        self._daily: dict[tuple[str, str], dict[str, dict[str, float]]] = {}

    def hear(self, source: str, measure: Measure) -> Heard | None:
        """What `source` says of `measure`; ``None`` if it says nothing about this period."""
        key = (source, measure.id)
        if key not in self._heard:
            self._heard[key] = self._ask(source, measure)
        return self._heard[key]

    def remarks(self, source: str, measure: Measure) -> tuple[Finding, ...]:
        """What was left out of a count of customers, or why there is none."""
        self.hear(source, measure)
        return self._remarks.get((source, measure.id), ())

    def figure(self, source: str, measure: Measure, slice: str) -> float | None:
        """The figure of one slice; 0 where a source of orders or events had a quiet time."""
        heard = self.hear(source, measure)
        if heard is None or slice in heard.figures:
            return heard.figures[slice] if heard else None
        if not heard.stream.sparse or measure.adds is Adds.LAST or self.by not in TIME_SLICES:
            return None
        if heard.counted:
            return None  # where the log speaks, it says 0 itself
        span = self.span(slice)
        return 0.0 if span and heard.stream.covers(measure.id, span) == (span,) else None

    def conversions(
        self, source: str, measure: Measure, slice: str
    ) -> list[tuple[float, Conversion]]:
        """The parts of a figure that were converted, as they are after it."""
        heard = self.hear(source, measure)
        if heard is None or heard.counted or measure.unit is not Unit.MONEY:
            return []
        if not heard.stream.conversions:
            return []
        key = (source, measure.id)
        if key not in self._converted:
            cut = self._cut_of(heard)
            slices = cut.slices.rename("slice")
            rows = cut.rows[cut.rows["conversion"] >= 0]
            sums = rows.groupby([slices[rows.index], "conversion"])[measure.id].sum(min_count=1)
            found = self._converted.setdefault(key, {})
            known = sums.dropna()
            for (name, number), figure in zip(known.index.tolist(), known, strict=True):
                how = heard.stream.conversions[number]
                found.setdefault(str(name), []).append((float(figure), how))
        return self._converted[key].get(slice, [])

    def told_by_day(self, source: str, measure: Measure, slice: str) -> bool:
        """Whether a figure is the sum of days, so that some of them can be taken off."""
        heard = self.hear(source, measure)
        if heard is None or heard.counted or measure.adds is not Adds.SUM:
            return False
        cut = self._cut_of(heard)
        rows = cut.rows[(cut.slices == slice) & cut.rows[measure.id].notna()]
        return bool((rows["start"] == rows["end"]).all())

    def on_days(self, source: str, measure: Measure, slice: str, days: frozenset[date]) -> float:
        """What a figure owes to `days`."""
        heard = self.hear(source, measure)
        if heard is None or heard.counted or measure.adds is not Adds.SUM:
            return 0.0
        key = (source, measure.id, days)
        if key not in self._lost:
            cut = self._cut_of(heard)
            those = cut.rows["start"].isin(pd.to_datetime(sorted(days)))
            rows = cut.rows[those & (cut.rows["start"] == cut.rows["end"])]
            sums = rows[measure.id].groupby(cut.slices[rows.index]).sum()
            self._lost[key] = {str(name): float(figure) for name, figure in sums.items()}
        return self._lost[key].get(slice, 0.0)

    def by_day(self, source: str, measure: Measure, slice: str) -> dict[str, float]:
        """The daily figures of a slice, as far as rows speak for single days."""
        heard = self.hear(source, measure)
        if heard is None or heard.counted or measure.adds is not Adds.SUM:
            return {}
        key = (source, measure.id)
        if key not in self._daily:
            cut = self._cut_of(heard)
            rows = cut.rows[(cut.rows["start"] == cut.rows["end"]) & cut.rows[measure.id].notna()]
            slices = cut.slices[rows.index].rename("slice")
            sums = rows.groupby([slices, rows["start"]])[measure.id].sum()
            found = self._daily.setdefault(key, {})
            for (name, day), figure in zip(sums.index.tolist(), sums.tolist(), strict=True):
                found.setdefault(str(name), {})[str(day.date())] = figure
        return self._daily[key].get(slice, {})

    def _cut_of(self, heard: Heard) -> _Cut:
        numbers = (n for n, stream in enumerate(self.facts.streams) if stream is heard.stream)
        return self._cut(next(numbers))

    def slices(self) -> list[str]:
        """The slices that any source knows."""
        cuts = [self._cut(number) for number in range(len(self.facts.streams))]
        return sorted({str(name) for cut in cuts for name in cut.sums.dropna(how="all").index})

    def span(self, slice: str) -> Period | None:
        """The days of a slice, as far as they lie in the period."""
        whole = self.whole_span(slice)
        return whole.meets(self.days) if whole and self.days else whole

    def whole_span(self, slice: str) -> Period | None:
        """The days of a slice: of a week or month all of them, also beyond the period."""
        if slice == TOTAL or self.by not in TIME_SLICES:
            return self.days
        if slice not in self._spans:
            first, last = bounds(pd.Series([pd.Timestamp(slice)]), self.by)
            self._spans[slice] = Period(first[0].date(), last[0].date())
        return self._spans[slice]

    def _ask(self, source: str, measure: Measure) -> Heard | None:
        """Of the streams of a source, the one that covers the most days is heard.

        One that is cut finer than it need be comes second: a fine cut leaves rows out.
        """
        if stated := self._stated(source, measure):
            return stated
        answers: list[tuple[tuple[int, int], Heard]] = []
        for number, stream in enumerate(self.facts.streams):
            if stream.source != source or measure.id not in stream.measures:
                continue
            cut = self._cut(number)
            figures = cut.sums[measure.id].dropna()
            covers = stream.covers(measure.id, self.days)
            found = dict(zip(map(str, figures.index), figures.tolist(), strict=True))
            if not found and measure.adds is not Adds.LAST and self._quiet(stream, covers):
                found = {TOTAL: 0.0}
            if not found:
                continue
            if cut.straddling or not stream.daily:
                covers = _added(covers, cut.rows.loc[cut.rows[measure.id].notna()])
            blanks = _blanks(stream, cut.rows, measure.id)
            if measure.adds is Adds.LAST:
                covers, blanks = _until_last(covers, self.period, cut.rows, measure.id), frozenset()
            rank = (sum(span.days for span in covers) - len(blanks), -len(stream.dimensions))
            currencies = _words("currency", stream.currencies, cut.rows, measure)
            vats = _words("vat", stream.vats, cut.rows, measure)
            heard = Heard(found, stream, covers, currencies, vats, cut.straddling, blanks)
            answers.append((rank, heard))
        if not answers:
            return self._counted(source, measure)
        best = max(answers, key=lambda answer: answer[0])[1]
        if self.by is not None or measure.adds is Adds.NONE:
            return best
        return self._compared(best, [heard for _, heard in answers], measure)

    def _counted(self, source: str, measure: Measure) -> Heard | None:
        """What the order log of a source says of its customers, where no file states it."""
        if measure.counts is None or self.days is None:
            return None
        if source not in self._logs:
            stream = self._logging(source)
            asked = self.period, self.days, self.by
            self._logs[source] = OrderLog(stream, *asked) if stream else None
        log = self._logs[source]
        count = log.count(measure) if log else None
        if not log or not count or not log.stream.covers("orders", self.days):
            return None
        self._remarks[source, measure.id] = count.remarks
        covers = log.stream.covers("orders", self.days)
        words = count.currencies, count.vats
        # Also without a figure: what the total cannot tell (who is new), its months may.
        return Heard(count.figures, log.stream, covers, *words, counted=True)

    def _logging(self, source: str) -> Stream | None:
        """The stream of a source whose log tells the most days, as who is new is told by them."""
        logs = [
            stream
            for stream in self.facts.streams
            if stream.source == source
            and stream.log is not None
            and (self.by not in DIMENSION_SLICES or self.by in stream.dimensions)
        ]
        return max(
            logs,
            key=lambda own: (sum(s.days for s in own.reach["orders"]), -len(own.dimensions)),
            default=None,
        )

    def _stated(self, source: str, measure: Measure) -> Heard | None:
        """What a file of just the days asked about states of all of them.

        Of several the one with the fewest dimensions, as rows of others may leave people out.
        """
        if self.by is not None or measure.adds is not Adds.NONE:
            return None
        heard: list[Heard] = []
        for stream in sorted(self.facts.streams, key=lambda own: len(own.dimensions)):
            asked = (source, measure.id, self.days)
            told = [s for s in stream.stated if (stream.source, s.measure, s.period) == asked]
            if told:  # by several files of one layout: the later one is believed
                covers = (told[-1].held,) if told[-1].held else ()
                heard.append(Heard({TOTAL: told[-1].figure}, stream, covers))
        if not heard:
            return None
        return _compared_whole(heard[0], heard)

    def _quiet(self, stream: Stream, covers: tuple[Period, ...]) -> bool:
        """Whether nothing happened in the period, as far as a sparse stream can tell."""
        whole = self.period is not None and covers == (self.period,)
        return stream.sparse and self.by is None and whole

    def _compared(self, best: Heard, answers: list[Heard], measure: Measure) -> Heard:
        """The answer with what other streams of the source say that it does not."""
        if measure.adds is not Adds.SUM:
            return _compared_whole(best, answers)
        for other in answers:
            if other.stream is best.stream:
                continue
            figures = self._both(best, other, measure)
            if figures and best.rival is None:
                own, rival = figures
                far = abs(own - rival) > MUCH * max(abs(own), abs(rival))
                # What was posted on some days is not what was liked on them: of other days in all,
                # only a great difference is worth a word.
                if far or (other.covers == best.covers and disagree(own, rival)):
                    coarser = len(other.stream.dimensions) < len(best.stream.dimensions)
                    grave = far and coarser and rival > own
                    best = replace(best, beside=own, rival=rival, grave=grave)
            lacking = beyond(common_days(other.stream.told(measure.id), other.covers), best.covers)
            if lacking and other.stream.on(measure.id, lacking):
                best = replace(best, lacking=united((*best.lacking, *lacking)))
        return best

    def _both(self, one: Heard, other: Heard, measure: Measure) -> tuple[float, float] | None:
        """What two streams give for the days of which both tell; ``None`` if they cannot be told.

        Of orders, days between the first and the last one are told, and those at the edges are not.
        """
        if not one.covers and not other.covers and self.period is None:
            return one.figures[TOTAL], other.figures[TOTAL]  # neither tells days
        told = one.stream.told(measure.id), other.stream.told(measure.id)
        if one.covers == other.covers and (one.stream.sparse or other.stream.sparse):
            common: tuple[Period, ...] = one.covers
        else:
            common = common_days(common_days(*told), common_days(one.covers, other.covers))
        if not common:
            return None
        figures = one.stream.on(measure.id, common), other.stream.on(measure.id, common)
        return None if figures[0] is None or figures[1] is None else (figures[0], figures[1])

    def beside(self, source: str, other: str, measure: Measure) -> tuple[float, float] | None:
        """What two sources give for the days of which both tell, where they are not the same."""
        one, two = self.hear(source, measure), self.hear(other, measure)
        if self.by is not None or measure.adds is not Adds.SUM or one is None or two is None:
            return None
        if one.counted or two.counted:
            return None
        figures = self._both(one, two, measure)
        return figures if figures and disagree(*figures) else None

    def _cut(self, number: int) -> _Cut:
        if number not in self._cuts:
            self._cuts[number] = self._cut_anew(self.facts.streams[number])
        return self._cuts[number]

    def _cut_anew(self, stream: Stream) -> _Cut:
        measures = list(stream.measures)
        if self.by in DIMENSION_SLICES and self.by not in stream.dimensions:
            none = stream.frame[:0]
            return _Cut(none, none["start"], pd.DataFrame(columns=measures, dtype=float), 0)
        rows, straddling = _within(stream.frame, self.period)
        if self.by in TIME_SLICES:
            begin, end = bounds(rows["start"], self.by)
            inside = rows["end"] <= end
            straddling += int((rows["end"] > end).sum())
            rows, begin, end = rows[inside], begin[inside], end[inside]
            slices = names(begin, self.by)
            whole = (rows["start"] == begin) & (rows["end"] == end)
        else:
            slices = rows[self.by] if self.by else pd.Series(TOTAL, index=rows.index, dtype="str")
            slices = slices.replace("", "other")
            first = pd.Timestamp(self.period.first) if self.period else rows["start"].min()
            last = pd.Timestamp(self.period.last) if self.period else rows["end"].max()
            whole = (rows["start"] == first) & (rows["end"] == last) | rows["start"].isna()
        sums = _sums(rows[measures], slices, whole)
        for id in measures:
            if catalogue.measure(id).adds is Adds.LAST:
                over_time = self.by in TIME_SLICES
                sums[id] = _last(rows, id, slices, stream.dimensions, over_time=over_time)
        return _Cut(rows, slices, sums, straddling)


def _compared_whole(best: Heard, answers: Iterable[Heard]) -> Heard:
    """The answer with another one for the same days, of what cannot be added by days."""
    told = best.figures[TOTAL]
    others = [own.figures[TOTAL] for own in answers if own.covers == best.covers]
    rival = next((figure for figure in others if disagree(told, figure)), None)
    return replace(best, rival=rival, beside=told)


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


def _last(
    rows: pd.DataFrame, id: str, slices: pd.Series, dimensions: Iterable[str], *, over_time: bool
) -> pd.Series:
    """By slice: the last known figure of each channel (or whatever tells rows apart), added up.

    Where slices follow each other in time, one that lacks a channel known before has no figure: a
    channel that nobody counted is no loss of followers.
    """
    known = rows[rows[id].notna()].sort_values(["end", "start"], kind="stable", na_position="first")
    apart = [known[dimension] for dimension in dimensions]
    lasts = known[id].groupby([slices[known.index].rename("slice"), *apart], dropna=False).last()
    if not apart:
        return lasts
    table = lasts.unstack(list(range(1, lasts.index.nlevels)))
    sums = table.sum(axis=1, min_count=1)
    lost = (table.isna() & table.notna().cummax()).any(axis=1)
    return sums.where(~lost) if over_time else sums


def _until_last(
    covers: tuple[Period, ...], asked: Period | None, rows: pd.DataFrame, id: str
) -> tuple[Period, ...]:
    """The days up to the last known figure of a stock, which is what speaks for them all."""
    ends = rows.loc[rows[id].notna(), "end"].dropna()
    if ends.empty or not covers:
        return ()
    last = ends.max().date()
    return (Period(min(asked.first if asked else covers[0].first, last), last),)


def _blanks(stream: Stream, rows: pd.DataFrame, measure: str) -> frozenset[date]:
    """The days of a daily stream that have rows, but no figure of the measure."""
    if stream.sparse or not stream.daily or rows[measure].notna().all():
        return frozenset()
    filled = rows[measure].notna().groupby(rows["start"]).any()
    return frozenset(day.date() for day in filled.index[~filled.to_numpy()])


def _added(covers: tuple[Period, ...], rows: pd.DataFrame) -> tuple[Period, ...]:
    """The days covered, where rows speak for several days: those of the rows that were added."""
    spans = days_of(rows)
    return tuple(both for cover in covers for span in spans if (both := cover.meets(span)))


def _words(
    column: str, known: tuple[str, ...], rows: pd.DataFrame, measure: Measure
) -> tuple[str, ...]:
    """What the rows added say of their money: its currencies, or its VAT."""
    if measure.unit is not Unit.MONEY or len(known) < 2:
        return known if measure.unit is Unit.MONEY else ()
    filled = rows[rows[measure.id].notna()]
    paid = filled[filled[measure.id] != 0]  # nought is the same in every currency
    return tuple(sorted((filled if paid.empty else paid)[column].fillna(UNKNOWN).unique()))


def believed(facts: Facts, family: Family) -> tuple[str, ...]:
    """The sources that may speak for a family, the most believed first.

    Where sources add up, a system that only other families list stays out: the spend that an
    analytics system repeats would count twice. The owner can still choose it.
    """
    sources = facts.sources()
    if family.speak is Speak.ALL:
        listed = {source for other in catalogue.families().values() for source in other.order}
        elsewhere = listed - {*family.order, BY_HAND}
        sources = tuple(source for source in sources if source not in elsewhere)
    return family.ranked(sources)


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
    sources = believed(hearing.facts, measure.family)
    having = tuple(source for source in sources if hearing.hear(source, measure))
    match measure.family.speak:
        case Speak.ALL:
            # A sheet kept by hand repeats what the systems export: it speaks where they are silent.
            return tuple(source for source in having if source != BY_HAND) or having
        case Speak.MEASURE:
            return having[:1]
        case Speak.FAMILY:
            speaker = _family_speaker(hearing, measure.family)
            return (speaker,) if speaker in having else ()


def wanted_source(measure: Measure, chosen: Mapping[str, str]) -> str | None:
    """The source that the owner chose for a measure, or for its family."""
    return chosen.get(measure.id) or chosen.get(measure.family.id)


def _family_speaker(hearing: Hearing, family: Family) -> str | None:
    """The first source that has the leading measure of the family, else any of it."""
    sources = believed(hearing.facts, family)
    members = [m for m in catalogue.measures().values() if m.family == family and not m.part_of]
    for measure in members:
        for source in sources:
            if hearing.hear(source, measure):
                return source
    return None
