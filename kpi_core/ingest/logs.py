"""Event logs as sessions: what happened in each, and what its events add up to.

A small log is grouped here, a large one by `bulk`; what its rows mean and what is told is the same.
"""

import re
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from kpi_core.errors import Severity
from kpi_core.ingest.bulk import (
    Amount,
    Dialect,
    Log,
    Reduced,
    Source,
    Sum,
    identity,
    reduce_events,
)
from kpi_core.ingest.formats import Value
from kpi_core.ingest.privacy import event_names
from kpi_core.ingest.reading import Reading, texts
from kpi_core.ingest.records import people_aside, users, with_ids

_NAMED = 10  # events that are named with how often each was


def events(reading: Reading) -> pd.DataFrame:
    """One fact a session: which steps happened in it. Without session ids, a user's day is one."""
    frame = reading.frame()
    for name in {"session", "user"} & set(reading.columns):
        reading.keys(name)
    names = _names(reading)
    facts = reading.dated(frame[_first_of_each(reading)])
    key = _session_key(facts)
    facts = with_ids(reading, facts, facts[key[-1] if "session" in key else "user"] != "")
    reading.control |= users(facts)
    grouped = facts.groupby(key, sort=False, dropna=False)
    how = {"start": "min", "end": "max", **dict.fromkeys(_described(facts), "first")}
    sessions = grouped.agg({id: way for id, way in how.items() if id not in key}).reset_index()
    days = sessions["start"].astype("str")
    ids = [days if name == "start" else sessions[name] for name in key]
    sessions["record"] = identity(zip(*ids, strict=True))
    place = grouped.ngroup()
    counted = names.loc[facts.index]
    for id, pattern in reading.format.steps.items():
        sessions[id] = _matching(counted, pattern).groupby(place).max()
    amounts = {}
    for id, value in asked(reading).items():
        figures = _valued(reading, value, names).loc[facts.index].groupby(place)
        amounts[id] = figures.max() if value.how == "max" else figures.sum(min_count=1)
    return _told(reading, sessions, amounts, counted.value_counts())


def large_events(
    reading: Reading, source: Source, dialect: Dialect | None, kinds: Reduced
) -> pd.DataFrame:
    """The same of a log that is too large to be read row by row.

    Args:
        reading: its different rows, `kinds`, without the ids.
        source: the bytes, or where a local file lies.
        dialect: of a text file.
        kinds: its days, texts and the figures that its events add up to.

    Raises:
        IngestError: not every event can be proven, or there are too many sessions.
    """
    frame, names = reading.frame(), _names(reading)
    values, steps = asked(reading), reading.format.steps
    patterns = [*steps.values(), *(value.event for value in values.values())]
    figures = {use.at: use for use in kinds.uses if isinstance(use, Sum)}
    once = {value.once for value in values.values() if value.once in reading.columns}
    amounts = [
        Amount(
            place,
            figures[reading.columns[value.sum.names[0]]] if value.sum else None,
            largest=value.how == "max",
            once=value.once in once,
        )
        for place, value in enumerate(values.values(), start=len(steps))
    ]
    log = Log(
        kinds,
        frame["start"],
        frame["end"],
        np.column_stack([_matching(names, pattern) for pattern in patterns]),
        tuple(amounts),
        reading.columns.get("user"),
        reading.columns.get("session"),
        tuple(_unique(reading)),
        next((reading.columns[name] for name in once if name), None),
    )
    found = reduce_events(source, dialect, log)
    if found.repeated:
        reading.find(Severity.INFO, "events_told_again", n=found.repeated)
    if found.lost:
        line = found.lost + (dialect.skip if dialect else 1)
        reading.find(Severity.WARNING, "rows_without_day", n=found.undated, line=line)
    if found.nameless:
        reading.find(Severity.WARNING, "records_without_id", n=found.nameless)
    if found.users is not None:
        reading.control["users"] = float(found.users)
    described = frame[_described(frame)].iloc[found.frame["kind"]].reset_index(drop=True)
    days = found.frame[["first", "last"]].set_axis(["start", "end"], axis=1)
    sessions = pd.concat([days, described, found.frame["record"]], axis=1)
    for place, id in enumerate(steps):
        sessions[id] = found.matched[:, place]
    added = {}
    for place, (id, value) in enumerate(values.items()):
        figure = found.frame[place]
        if value.sum:
            figure = pd.Series(value.sum.values({value.sum.names[0]: figure.to_numpy()}))
        added[id] = figure
    times = pd.Series(found.times).groupby(names).sum()
    return _told(reading, sessions, added, times[times > 0])


def asked(reading: Reading) -> dict[str, Value]:
    """What the events of a session add up to, as far as the file tells."""
    values = dict(reading.format.values)
    if "session" not in reading.columns:
        values |= reading.format.without_session
    return {id: value for id, value in values.items() if set(summed(value)) <= set(reading.columns)}


def summed(value: Value) -> tuple[str, ...]:
    """The columns whose figures are added."""
    return value.sum.names if value.sum else ()


def _told(
    reading: Reading, sessions: pd.DataFrame, amounts: Mapping[str, pd.Series], times: pd.Series
) -> pd.DataFrame:
    """The facts of sessions, and what the log is said to hold.

    Args:
        reading: the log.
        sessions: days, dimensions and records, and whether each step happened.
        amounts: what `asked` says, by measure.
        times: how many events count, by name.
    """
    steps = reading.format.steps
    never = [id for id, step in steps.items() if not any(map(step.fullmatch, times.index))]
    sessions = sessions.drop(columns=never).astype(dict.fromkeys(set(steps) - set(never), float))
    if "session" not in reading.columns:
        reading.find(Severity.WARNING, "sessions_are_days")
    for id, amount in amounts.items():
        if id in reading.format.values:
            sessions[id] = amount
        elif id in sessions:  # a step that is counted by its events
            sessions[id] = amount.fillna(0.0)
    for id, formula in reading.format.derived.items():
        if id not in sessions and set(formula.names) <= set(sessions.columns):
            sessions[id] = formula.values(
                {name: sessions[name].to_numpy() for name in formula.names}
            )
    people_aside(reading, sessions)
    counted = {str(name): int(n) for name, n in times.items()}
    told = event_names(counted, lambda name: any(s.fullmatch(name) for s in steps.values()), _NAMED)
    reading.find(
        Severity.INFO,
        "log_counted",
        n=sum(counted.values()),
        sessions=len(sessions),
        users=int(reading.control.get("users", 0)) or "–",
        events=told,
    )
    return sessions


def _names(reading: Reading) -> pd.Series:
    return reading.texts("event").str.casefold()


def _described(facts: pd.DataFrame) -> list[str]:
    """What a session has of its first event."""
    return [id for id in ("channel", "device", "campaign") if id in facts]


def _unique(reading: Reading) -> list[int]:
    """The columns whose cells tell one event from another; none if one of them is lacking."""
    wanted = reading.format.unique
    places = [at for at, column in enumerate(reading.section.headings) if column.full in wanted]
    return places if len(places) >= len(wanted) else []


def _first_of_each(reading: Reading) -> npt.NDArray[np.bool_]:
    """The rows of a log without those that tell an event again, one for each of its items."""
    places = _unique(reading)
    if not places:
        return np.ones(len(reading.lines), dtype=bool)
    again = pd.DataFrame({at: texts(reading.cells[at]) for at in places}).duplicated()
    if again.any():
        reading.find(Severity.INFO, "events_told_again", n=int(again.sum()))
    return ~again.to_numpy()


def _valued(reading: Reading, value: Value, names: pd.Series) -> pd.Series:
    """What each event adds to a measure."""
    matched = _matching(names, value.event)
    counted = matched.astype(float).where(matched)
    if value.sum:
        amounts = value.sum.values({column: reading.amounts(column) for column in summed(value)})
        counted = pd.Series(amounts, names.index).where(matched)
    if value.once in reading.columns:
        said = reading.texts(value.once)[matched]
        counted[said.index[(said != "") & said.duplicated()]] = np.nan
    return counted


def _session_key(facts: pd.DataFrame) -> list[str]:
    """A session id may be unique only within its user, as in GA4."""
    if "session" not in facts:
        return ["user", "start"]
    return [name for name in ("user", "session") if name in facts]


def _matching(names: pd.Series, pattern: re.Pattern[str]) -> pd.Series:
    matched = {name: pattern.fullmatch(name) is not None for name in names.unique()}
    return names.map(matched).astype(bool)
