"""Export formats as data: one TOML file per layout in ``formats/``.

A format says how to know it (`has`, `any`, `without`, `preamble`), what its columns mean where the
general synonyms would mislead, and how its rows become sums. The layouts that users teach the
product are files of the same kind.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from kpi_core import catalogue
from kpi_core.formula import Formula, parse
from kpi_core.ingest.headings import Heading, plain
from kpi_core.ingest.sections import Section

_HERE = Path(__file__).parent
PERSONAL = frozenset({"user", "session"})  # dimensions that are needed to count and never kept
_OF_ANYTHING = frozenset({"статус", "status"})  # of a campaign, a task, an order
_SEEN = frozenset({"impressions", "clicks"})
_TELLS_CHANNEL = frozenset({"channel", "source", "medium", "source_medium"})


def _in_both_languages(name: Mapping[str, str]) -> Mapping[str, str]:
    if set(name) != {"ru", "en"}:
        raise ValueError("say it as ru and en")
    return name


def _compiled(entry: object) -> object:
    return re.compile(entry, re.I) if isinstance(entry, str) else entry


Pattern = Annotated[re.Pattern[str], BeforeValidator(_compiled)]
Words = frozenset[str]
Choice = Annotated[Words, BeforeValidator(lambda text: frozenset(text.split("|")))]
Condition = Annotated[bool | Words | re.Pattern[str], BeforeValidator(_compiled)]
Arithmetic = Annotated[Formula, BeforeValidator(parse)]


class Kind(StrEnum):
    """What a row is."""

    SUMS = "sums"  # of a day and source
    RECORDS = "records"  # an order, a deal, a task, a visit
    EVENTS = "events"
    RANKS = "ranks"  # the position of a phrase on a day
    ANSWERS = "answers"  # one filled-in questionnaire
    REFUSED = "refused"  # known, and known to hold no figures


class Written(StrEnum):
    """How a column of averages is written; a percent sign in its cells always wins."""

    FRACTION = "fraction"
    NUMBER = "number"
    DURATION = "duration"
    STATED = "stated"  # by the numbers themselves: all within 0..1, or percent signs
    COUNT_OR_PERCENT = "count_or_percent"


class _Described(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class Rate(_Described):
    """A column of averages: average times `times` is the additive `measure`."""

    measure: str
    times: str
    written: Written


class Pick(_Described):
    """Rows whose `column` matches a pattern count as a measure of their own."""

    column: str
    counts: str
    matches: Mapping[str, Pattern]


class Record(_Described):
    """A measure counted from records: how many, or a sum over their columns.

    Attributes:
        sum: arithmetic over columns; 1 a record if not given.
        rows: a record of several rows is spoken for by its first filled cells, or by all rows.
        where: column to the words of which its cell must hold one, a pattern that it must match as
            a whole, or whether it must be filled.
        unless: the same of what its cell must not hold; a column that is lacking forbids nothing.
        known: columns of which an empty cell leaves the figure of that record unknown.
        told_by: what the column of `where` must hold somewhere, or it tells nothing and the
            measure stays unknown (of a column of `statuses` the lists say what is known).
    """

    sum: Arithmetic | None = None
    rows: Literal["first", "all"] = "first"
    where: Mapping[str, Condition] = Field(default_factory=dict)
    unless: Mapping[str, Condition] = Field(default_factory=dict)
    known: Words = frozenset()
    told_by: Condition | None = None


class Kept(_Described):
    """A day that stays with a record: the first that is filled in the columns `of`.

    Where a condition of `where` does not hold, there is none.
    """

    of: tuple[str, ...]
    where: Mapping[str, Condition] = Field(default_factory=dict)


class Value(_Described):
    """A measure of a session from its events that match: the price of what was bought.

    Attributes:
        sum: arithmetic over columns; 1 an event if not given.
        how: whether the events of a session add up, or its largest figure counts.
        once: a column whose same cell in several rows (an order told twice) counts once.
    """

    sum: Arithmetic | None = None
    event: Pattern
    how: Literal["sum", "max"] = "sum"
    once: str | None = None


class Titles(_Described):
    """One metric a file: the `column` of figures is what a line above the table names."""

    column: str
    measures: Mapping[str, str]


class Wide(_Described):
    """Columns that are days: a heading that matches holds the day, its cells go to `column`.

    The group ``date`` of the pattern is the day, ``site`` (if it has one) whose figures they are.
    """

    heading: Pattern
    column: str


class Scores(_Described):
    """A question with answers from `low` to `high`, known by its words.

    `counts` says which answers make up which measure, both ends included; words that `unlike`
    matches say that the question has another scale.
    """

    heading: Pattern
    unlike: Pattern | None = None
    low: int
    high: int
    answers: str
    counts: Mapping[str, tuple[int, int]]


class Format(_Described):
    """One export layout. `evidence`: A bytes seen, B parsers seen, C documented, D a guess.

    Attributes:
        has: groups of headings; one of each must be there.
        any: one of these must be there.
        without: none of these may be there.
        cell: instead of `any`, a cell of the first rows that matches.
        preamble: a line above the table must match.
        part: lines above a table (or on a sheet without one), joined, that match say that it is not
            of the whole: the group is the segment or the filter.
        only: column to what its cells must match as a whole; other rows are of another kind.
        said_above: dimension to a pattern of a line above the table, whose group is its value.
        month_first: of ``03/04/2026``, where the rows do not tell.
        parts: measure to columns that must add up to it, or it means something else.
        about: families of measures; the general names of all other measures mean nothing here.
        channel: of all its rows, or of those whose own column of channels says no known word.
        channels: what the cells of its column of channels or sources mean, normalised.
        sparse: it leaves out the days on which nothing happened.
        columns: heading to measure, dimension, or a name that only this file uses.
        lists: columns whose cells are lists (``[1,2]``): their length or their sum is meant.
        micros: columns of money that may be written in millionths.
        keep: days that stay with the records; `where` of a record may ask whether one is filled.
        inside: column to headings and patterns whose group stands in its texts: a column each,
            unless the file has one; a group called ``hex`` is a number in hexadecimal.
        clocks: columns of hours that are written as on a clock, ``чч:мм``.
        nested: rows may be sums of rows below them; what does not agree with the total is no fact.
        footer: beginnings of lines below the table to the measure whose total they state.
        buckets: a column called like a figure may hold buckets of it.
        tree: rows may have levels; one that names none of the lower ones may sum them.
        never: headings that match are not used, whatever else they are called like.
        unique: headings of a log; rows that agree in all of them are one event.
        without_session: steps that are counted by their events in a log without session ids: a
            user's day stands for a session there, and a buyer may buy twice a day.
        words: column to what its cells mean, where they are codes.
        statuses: column to lists of the words that are known in it, or to a set of such lists in
            ``statuses.toml``; records name a list as ``@list``. What is in none of them is told,
            and the measures that ask for the column stay unknown.
        stages: those of the columns of `statuses` that people name as they like: a word in no
            list is one more stage on the way, as soon as a measure's own words are seen.
        taught: a user said what its columns mean.
        instead: column to another that speaks for it where it is lacking, if all the words of that
            one are in its lists: a status may be one of payment.
        generic: tables of many makers look like it; any other layout that fits comes before it.
        one_sum: a record has one sum of each kind: where its rows name several, they may be its
            lines or its parts, and what it comes to stays unknown.
        tells: heading to the code of a finding that is told when its column is used.
    """

    id: str
    source: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,40}$")]
    evidence: Literal["A", "B", "C", "D"]
    name: Annotated[Mapping[str, str], AfterValidator(_in_both_languages)]
    kind: Kind = Kind.SUMS
    sparse: bool = False
    has: tuple[Choice, ...] = ()
    any: Words = frozenset()
    without: Words = frozenset()
    cell: Pattern | None = None
    preamble: Pattern | None = None
    part: Pattern | None = None
    only: Mapping[str, Pattern] = Field(default_factory=dict)
    said_above: Mapping[str, Pattern] = Field(default_factory=dict)
    month_first: bool = False
    parts: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    currency: str | None = None
    channel: str | None = None
    channels: Mapping[str, str] = Field(default_factory=dict)
    about: Words = frozenset()
    columns: Mapping[str, str] = Field(default_factory=dict)
    rates: Mapping[str, Rate] = Field(default_factory=dict)
    derived: Mapping[str, Arithmetic] = Field(default_factory=dict)
    overlap: Mapping[str, Words] = Field(default_factory=dict)
    pick: tuple[Pick, ...] = ()
    records: Mapping[str, Record] = Field(default_factory=dict)
    steps: Mapping[str, Pattern] = Field(default_factory=dict)
    values: Mapping[str, Value] = Field(default_factory=dict)
    without_session: Mapping[str, Value] = Field(default_factory=dict)
    titles: Titles | None = None
    wide: Wide | None = None
    scores: tuple[Scores, ...] = ()
    lists: Mapping[str, Literal["length", "sum"]] = Field(default_factory=dict)
    micros: Words = frozenset()
    keep: Mapping[str, Kept] = Field(default_factory=dict)
    inside: Mapping[str, Mapping[str, Pattern]] = Field(default_factory=dict)
    clocks: Words = frozenset()
    nested: bool = False
    footer: Mapping[str, str] = Field(default_factory=dict)
    buckets: bool = False
    tree: bool = False
    never: Pattern | None = None
    unique: tuple[str, ...] = ()
    words: Mapping[str, Mapping[str, str]] = Field(default_factory=dict)
    statuses: Mapping[str, Mapping[str, Words]] = Field(default_factory=dict)
    stages: Words = frozenset()
    taught: bool = False
    instead: Mapping[str, str] = Field(default_factory=dict)
    generic: bool = False
    one_sum: bool = False
    tells: Mapping[str, str] = Field(default_factory=dict)

    def fits(self, section: Section) -> int:
        """How surely `section` is of this format; 0: it is not."""
        names = section.names()
        strange = (c for c in section.headings if not {c.full, c.name} & set(self.columns))
        if self.channel and any(self.target(c) in _TELLS_CHANNEL for c in strange):
            return 0  # a service of one channel does not name it: someone put sources together
        if self.preamble and not any(self.preamble.search(line) for line in section.title):
            return 0
        if not all(choice & names for choice in self.has) or not self._has_any(section, names):
            return 0
        if self.without & names:
            return 0
        for pattern in (*([self.wide.heading] if self.wide else ()), *self._questions()):
            if not any(pattern.search(column.raw) for column in section.headings):
                return 0
        told = len(self.has) + 2 * bool(self.any) + 4 * bool(self.preamble or self.scores)
        return 1 if self.generic else 1 + told

    def _has_any(self, section: Section, names: set[str]) -> bool:
        if not self.any or self.any & names:
            return True
        first = [cell for row in section.rows[:25] for cell in row if isinstance(cell, str)]
        return self.cell is not None and any(self.cell.fullmatch(text.strip()) for text in first)

    def _questions(self) -> list[re.Pattern[str]]:
        asked = "|".join(score.heading.pattern for score in self.scores)
        return [re.compile(asked, re.I)] if asked else []

    def target(self, column: Heading) -> str:
        """The dimension or measure that a column means; empty if none."""
        for name in (column.full, column.name):
            if name in self.columns:
                return self.columns[name]
        found = "" if self.rate(column) else general_columns().get(column.name, "")
        measure = catalogue.measures().get(found)
        return "" if measure and self.about and measure.family.id not in self.about else found

    def rate(self, column: Heading) -> Rate | None:
        """What a column of averages says."""
        return self.rates.get(column.full) or self.rates.get(column.name)

    def names(self, column: Heading) -> bool:
        """Whether the format itself says what a column of just this heading means."""
        return column.full in self.columns

    def rank(self, target: str, column: Heading) -> tuple[int, int]:
        """Which heading is believed when several mean one dimension; measures: the first.

        Those that the format names come first, in the order of its file.
        """
        own = [name for name, meant in self.columns.items() if meant == target]
        for name in (column.full, column.name):
            if name in own:
                return 0, own.index(name)
        names = dimensions().get(target, [])
        return 1, names.index(column.name) if column.name in names else 0

    def amounts(self) -> set[str]:
        """The columns that are summed though they are no measures themselves."""
        return {name for rule in self.records.values() if rule.sum for name in rule.sum.names}

    def counted(self) -> set[str]:
        """The measures that it may fill besides those that its columns name."""
        return {
            *(rate.measure for rate in self.rates.values()),
            *self.derived,
            *self.records,
            *self.steps,
            *self.values,
            *(id for pick in self.pick for id in pick.matches),
            *(self.titles.measures.values() if self.titles else ()),
            *(id for score in self.scores for id in (score.answers, *score.counts)),
        }


@cache
def meanings(kind: str) -> dict[str, frozenset[str]]:
    """Lists of words of one kind, by what they mean (see ``meanings.toml``)."""
    lists = tomllib.loads((_HERE / "meanings.toml").read_text("utf-8"))[kind]
    return {meaning: frozenset(words) for meaning, words in lists.items()}


@cache
def dimensions() -> dict[str, list[str]]:
    """Dimension id to the headings that mean it."""
    return tomllib.loads((_HERE / "dimensions.toml").read_text("utf-8"))


@cache
def general_columns() -> dict[str, str]:
    """Heading to dimension or measure, for every format."""
    found = {name: id for id, names in dimensions().items() for name in names}
    for measure in catalogue.measures().values():
        for synonym in (*measure.synonyms, plain(measure.id)):
            found.setdefault(synonym, measure.id)
    return found


@cache
def formats() -> dict[str, Format]:
    """Every built-in format by id."""
    return {
        path.stem: parse_format(path.stem, path.read_text("utf-8"))
        for path in sorted((_HERE / "formats").glob("*.toml"))
    }


def parse_format(id: str, text: str) -> Format:
    """A format from the text of its TOML file.

    Raises:
        tomllib.TOMLDecodeError, pydantic.ValidationError: the file is none.
    """
    entry = tomllib.loads(text)
    several = entry.get("kind", Kind.SUMS) not in {Kind.SUMS, Kind.RANKS}
    overlap = {**meanings("overlap"), **entry.pop("overlap", {})}
    if "statuses" in entry:
        _spell_out_statuses(entry)
    if entry.get("kind") == Kind.ANSWERS:
        entry.setdefault("scores", _common_questions())
    return Format.model_validate({"id": id, "sparse": several, **entry, "overlap": overlap})


def _spell_out_statuses(entry: dict[str, Any]) -> None:
    """The lists of statuses that a format names, and their words for each ``@list``."""
    lists = {
        column: known_statuses()[named] if isinstance(named, str) else named
        for column, named in entry["statuses"].items()
    }
    entry["statuses"] = lists
    for rule in (*entry.get("records", {}).values(), *entry.get("keep", {}).values()):
        for asked in (rule.get("where", {}), rule.get("unless", {})):
            for column in set(asked) & set(lists):
                asked[column] = [
                    word
                    for said in asked[column]
                    for word in (lists[column][said[1:]] if said.startswith("@") else [said])
                ]


@cache
def known_statuses() -> dict[str, dict[str, list[str]]]:
    """Sets of lists of statuses, by the system that writes them."""
    return tomllib.loads((_HERE / "statuses.toml").read_text("utf-8"))


@cache
def _common_questions() -> list[dict[str, object]]:
    """What questionnaires ask, whoever holds them."""
    return list(tomllib.loads((_HERE / "questions.toml").read_text("utf-8"))["scores"])


def known_headings(layouts: Sequence[Format] = ()) -> frozenset[str]:
    """Every heading that some format or measure uses: what a heading row is known by."""
    return _built_in_headings() | {name for format in layouts for name in _headings(format)}


@cache
def _built_in_headings() -> frozenset[str]:
    named = set(general_columns())
    return frozenset(named.union(*(_headings(format) for format in formats().values())))


def _headings(format: Format) -> Iterable[str]:
    yield from (*format.columns, *format.rates, *format.any)
    for choice in format.has:
        yield from choice


def recognise(section: Section, layouts: Sequence[Format] = ()) -> Format | None:
    """The format that fits best; a plain table if only its headings are known words.

    A layout that the user taught (`layouts`) comes before all that is built in.
    """
    for taught in layouts:
        if taught.fits(section):
            return taught
    fitting = [(format.fits(section), _mapped(format, section), format) for format in _named()]
    best = max(fitting, key=lambda found: found[:2])
    if best[0]:
        return best[2]
    plain_table = formats()["table"]
    if not _mapped(plain_table, section) or _is_half_known(plain_table, section):
        return None
    return plain_table


def order_marks(names: Iterable[str]) -> frozenset[str]:
    """Those of normalised headings that only orders have: their number, buyer or status."""
    return (formats()["order_register"].any - _OF_ANYTHING).intersection(names)


def _is_half_known(plain_table: Format, section: Section) -> bool:
    """Whether a table is one of orders or their buyers whose money would be taken for ad spend.

    The price of an order is called as that of an advertisement: Стоимость, Cost. A table in which
    somebody saw or clicked something is of advertisements, whoever they were made for.
    """
    of_orders = formats()["order_register"].columns
    named = order_marks(section.names())
    means = {plain_table.target(column) for column in section.headings}
    numbered = any(of_orders.get(name) == "record" for name in named)
    return bool(named) and not means & _SEEN and (numbered or "spend" in means)


def _named() -> Iterable[Format]:
    return (format for format in formats().values() if format.has or format.preamble)


def _mapped(format: Format, section: Section) -> int:
    """How many columns would become measures."""
    return sum(
        1
        for column in section.headings
        if format.rate(column) or format.target(column) in catalogue.measures()
    )
