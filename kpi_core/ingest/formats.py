"""Export formats as data: one TOML file per service in ``formats/``.

A format says how to know it (`has`, `any`, `preamble`), what its columns mean where the general
synonyms would mislead, and which columns are averages that must be turned back into sums.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from kpi_core import catalogue
from kpi_core.formula import Formula, parse
from kpi_core.ingest.headings import plain
from kpi_core.ingest.sections import Section

_HERE = Path(__file__).parent
PERSONAL = frozenset({"user", "session"})  # dimensions that are needed to count and never kept
# A session that saw three pages stands in three rows: such columns do not add up.
_OVERLAP = {
    "page": ["sessions", "users", "new_users", "engaged_sessions", "bounces", "session_seconds"]
}
_TELLS_CHANNEL = frozenset({"channel", "source", "medium", "source_medium"})


class Kind(StrEnum):
    """What a row is: sums of a day and source, a record (an order, a deal), or an event."""

    SUMS = "sums"
    RECORDS = "records"
    EVENTS = "events"


class Written(StrEnum):
    """How a column of averages is written; a percent sign in its cells always wins."""

    FRACTION = "fraction"
    NUMBER = "number"
    DURATION = "duration"
    STATED = "stated"  # by the numbers themselves: all within 0..1, or percent signs
    COUNT_OR_PERCENT = "count_or_percent"


@dataclass(frozen=True)
class Rate:
    """A column of averages: average times `times` is the additive `measure`."""

    measure: str
    times: str
    written: Written


@dataclass(frozen=True)
class Pick:
    """Rows whose `column` matches a pattern count as a measure of their own."""

    column: str
    counts: str
    matches: Mapping[str, re.Pattern[str]]


@dataclass(frozen=True)
class Record:
    """A measure counted from records: how many, or the sum of a column, where conditions hold."""

    measure: str
    sum: str | None
    where: Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Format:
    """One export layout. `evidence`: A bytes seen, B parsers seen, C documented, D a guess.

    A `sparse` format leaves out the days on which nothing happened.
    """

    id: str
    source: str
    evidence: str
    name: Mapping[str, str]
    kind: Kind
    sparse: bool
    has: tuple[frozenset[str], ...]
    any: frozenset[str]
    preamble: re.Pattern[str] | None
    currency: str | None
    channel: str | None
    columns: Mapping[str, str]
    rates: Mapping[str, Rate]
    derived: Mapping[str, Formula]
    overlap: Mapping[str, frozenset[str]]
    picks: tuple[Pick, ...] = ()
    records: tuple[Record, ...] = ()
    steps: Mapping[str, re.Pattern[str]] = field(default_factory=dict)

    def fits(self, section: Section) -> int:
        """How surely `section` is of this format; 0: it is not."""
        names = section.names()
        if self.channel and any(self.target(name) in _TELLS_CHANNEL for name in names):
            return 0  # a service of one channel does not name it: someone put sources together
        if self.preamble and not any(self.preamble.search(line) for line in section.title):
            return 0
        if not all(choice & names for choice in self.has) or (self.any and not self.any & names):
            return 0
        return 1 + len(self.has) + 2 * bool(self.any) + 4 * bool(self.preamble)

    def target(self, name: str) -> str:
        """The dimension or measure that a column heading means; empty if none."""
        if name in self.columns:
            return self.columns[name]
        return "" if name in self.rates else general_columns().get(name, "")

    def rank(self, target: str, name: str) -> int:
        """Which heading is believed when several mean one dimension; measures: the first."""
        if name in self.columns:
            return -1
        names = dimensions().get(target, [])
        return names.index(name) if name in names else 0


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
    """Every format by id."""
    return {
        path.stem: _format(path.stem, tomllib.loads(path.read_text("utf-8")))
        for path in sorted((_HERE / "formats").glob("*.toml"))
    }


def _format(id: str, entry: Mapping[str, Any]) -> Format:
    overlap = _OVERLAP | entry.get("overlap", {})
    return Format(
        id=id,
        source=entry["source"],
        evidence=entry["evidence"],
        name=entry["name"],
        kind=Kind(entry.get("kind", "sums")),
        sparse=entry.get("sparse", "kind" in entry),
        has=tuple(frozenset(choice.split("|")) for choice in entry.get("has", ())),
        any=frozenset(entry.get("any", ())),
        preamble=re.compile(entry["preamble"]) if "preamble" in entry else None,
        currency=entry.get("currency"),
        channel=entry.get("channel"),
        columns=entry.get("columns", {}),
        rates={
            name: Rate(rate["measure"], rate["times"], Written(rate["written"]))
            for name, rate in entry.get("rates", {}).items()
        },
        derived={id: parse(text) for id, text in entry.get("derived", {}).items()},
        overlap={id: frozenset(names) for id, names in overlap.items()},
        picks=tuple(
            Pick(pick["column"], pick["counts"], _patterns(pick["matches"]))
            for pick in entry.get("pick", ())
        ),
        records=tuple(
            Record(
                measure,
                rule.get("sum"),
                {name: frozenset(v) for name, v in rule.items() if name != "sum"},
            )
            for measure, rule in entry.get("records", {}).items()
        ),
        steps=_patterns(entry.get("steps", {})),
    )


def _patterns(entries: Mapping[str, str]) -> dict[str, re.Pattern[str]]:
    return {id: re.compile(pattern, re.I) for id, pattern in entries.items()}


@cache
def known_headings() -> frozenset[str]:
    """Every heading that some format or measure uses: what a heading row is known by."""
    named: set[str] = set(general_columns())
    for format in formats().values():
        named.update(format.columns, format.rates, format.any)
        for choice in format.has:
            named |= choice
    return frozenset(named)


def recognise(section: Section) -> Format | None:
    """The format that fits best; a plain table if only its headings are known words."""
    fitting = [(format.fits(section), _mapped(format, section), format) for format in _named()]
    best = max(fitting, key=lambda found: found[:2])
    if best[0]:
        return best[2]
    plain_table = formats()["table"]
    return plain_table if _mapped(plain_table, section) else None


def _named() -> Iterable[Format]:
    return (format for format in formats().values() if format.has or format.preamble)


def _mapped(format: Format, section: Section) -> int:
    """How many columns would become measures."""
    return sum(
        1
        for name in section.names()
        if name in format.rates or format.target(name) in catalogue.measures()
    )
