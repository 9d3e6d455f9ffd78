"""Rows that are records (orders, deals, tasks, visits) or events of a log."""

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from kpi_core import catalogue
from kpi_core.errors import Severity
from kpi_core.formula import Formula
from kpi_core.ingest.formats import PERSONAL, Record, Value, dimensions
from kpi_core.ingest.reading import Reading, texts
from kpi_core.ingest.totals import agrees
from kpi_core.ingest.values import LIST_MARKS, days, numbers
from kpi_core.model import Adds


def records(reading: Reading) -> pd.DataFrame:
    """One fact a record: the first cell that is filled in each column speaks for it.

    Columns: ``start``, ``end``, dimensions, ``record``, the days that the format keeps, measures.
    """
    frame = reading.frame()
    frame["record"] = _ids(reading)
    rules = reading.format.records
    for column in sorted({name for rule in rules.values() for name in _summed(rule)}):
        if column in reading.columns:
            frame[column] = reading.amounts(column)
    asked = {name for rule in rules.values() for name in _asked(rule)}
    asked |= {name for day in reading.format.keep.values() for name in day.where}
    for column in sorted(asked & set(reading.columns)):
        frame[f"{column}?"] = reading.texts(column).str.casefold()
    kept = _keep_days(reading, frame)
    described = [id for id in dimensions() if id in frame and id not in PERSONAL]
    said = [id for id in frame.columns if frame[id].dtype == "str" and id != "record"]
    frame[said] = frame[said].replace("", None)
    named = _named(reading, frame, frame["record"] != "")
    grouped = named.assign(row=named.index).groupby("record", sort=False)
    first = grouped.first()
    first[["start", "end"]] = grouped[["start", "end"]].min()  # a refund may stand above its order
    identity = ["start", "end", *described, *kept]
    result = first[[*identity, *(["customer"] if "customer" in first else [])]].copy()
    for measure, rule in rules.items():
        needed = {*_summed(rule), *(f"{name}?" for name in (*rule.where, *rule.known))}
        if needed <= set(named.columns):
            counted = _counted(rule, first, named)
            if counted is not None:
                result[measure] = counted
                if not rule.where and not rule.unless:
                    _check_total(reading, measure, rule, counted)
    reading.control |= _people(named)
    _people_aside(reading, result)
    for dimension in described:
        result[dimension] = result[dimension].fillna("other" if dimension == "channel" else "")
    # Two shops may both have an order #1001; an order exported again keeps its number and its day.
    result["record"] = identities(pd.MultiIndex.from_arrays([result.index, result["start"]]))
    return reading.dated(result.set_index(first["row"])).reset_index(drop=True)


def _ids(reading: Reading) -> pd.Series:
    """What tells records apart: their numbers, else their names and days, row by row."""
    if "record" in reading.columns:
        return reading.texts("record")
    known = [name for name in ("named", "date", "due_day") if name in reading.columns]
    rows = pd.concat([reading.texts(name) for name in known], axis=1)
    ids = rows.agg("\0".join, axis=1) + "\0" + rows.groupby(list(rows)).cumcount().astype("str")
    return ids.where(rows.iloc[:, 0] != "", "")


def _summed(rule: Record) -> tuple[str, ...]:
    return tuple(sorted(rule.sum.names)) if rule.sum else ()


def _check_total(reading: Reading, measure: str, rule: Record, counted: pd.Series) -> None:
    """A sum over one column against the total that the file prints."""
    if rule.sum is None or len(rule.sum.names) != 1 or not reading.totals:
        return
    column = reading.columns[_summed(rule)[0]]
    own = numbers(reading.totals[column], reading.mark).values
    own = own[~np.isnan(own)]
    if not own.size:
        return
    summed = float(counted.sum())
    reading.control[measure] = float(own[np.abs(own - summed).argmin()])
    if not agrees(own, summed):
        reading.find(
            Severity.WARNING,
            "rows_below_total" if summed < own[0] else "rows_above_total",
            column=reading.section.headings[column].raw,
            rows=summed,
            total=float(own[0]),
        )


def _asked(rule: Record) -> set[str]:
    return {*rule.where, *rule.unless, *rule.known}


def _keep_days(reading: Reading, frame: pd.DataFrame) -> list[str]:
    """Adds the days that the format keeps, and tells which could be told."""
    kept = []
    for name, day in sorted(reading.format.keep.items()):
        columns = [column for column in day.of if column in reading.columns]
        if not columns or not {f"{column}?" for column in day.where} <= set(frame.columns):
            continue
        found = pd.Series(np.datetime64("NaT"), frame.index, dtype="datetime64[us]")
        for column in columns:
            read = days(reading.column(column), month_first=reading.format.month_first)
            found = found.fillna(pd.Series(read.first, frame.index))
        for column, condition in day.where.items():
            found = found.where(_holds(frame[f"{column}?"], condition))
        frame[name] = found
        frame[f"{name}?"] = found.dt.strftime("%Y-%m-%d").fillna("").astype("str")
        kept.append(name)
    return kept


def _counted(rule: Record, first: pd.DataFrame, named: pd.DataFrame) -> pd.Series | None:
    """What each record counts for; ``None`` if the file does not tell."""
    if rule.sum is None:
        counted = pd.Series(1.0, first.index)
    elif rule.rows == "first":
        counted = _computed(rule.sum, first)
    else:
        amounts = _computed(rule.sum, named)
        counted = amounts.groupby(named["record"], sort=False).sum(min_count=1)
    for column, condition in rule.where.items():
        said = first[f"{column}?"]
        if rule.told_by is not None and not _holds(said, rule.told_by).any():
            return None
        counted = counted.where(_holds(said, condition), 0.0)
    for column, condition in rule.unless.items():
        if f"{column}?" in first:
            counted = counted.where(~_holds(first[f"{column}?"], condition), 0.0)
    for column in rule.known:
        counted = counted.where(_holds(first[f"{column}?"], condition=True))
    return counted


def _computed(arithmetic: Formula, frame: pd.DataFrame) -> pd.Series:
    given = {name: frame[name].to_numpy(dtype=float) for name in arithmetic.names}
    return pd.Series(np.asarray(arithmetic.values(given), dtype=float), frame.index)


def _holds(column: pd.Series, condition: bool | frozenset[str] | re.Pattern[str]) -> pd.Series:
    """Whether a cell holds one of the words between its commas, matches, or is filled at all."""
    said = column.fillna("").astype("str")
    held: dict[str, bool] = {}
    for text in said.unique():
        match condition:
            case bool():
                held[text] = bool(text) is condition
            case frozenset():
                held[text] = bool(condition & {word.strip(LIST_MARKS) for word in text.split(",")})
            case pattern:
                held[text] = pattern.fullmatch(text) is not None
    return said.map(held).astype(bool)


def _named(reading: Reading, frame: pd.DataFrame, has_id: pd.Series) -> pd.DataFrame:
    """Without the rows that belong to no record, which are told."""
    nameless = int((~has_id).sum())
    if nameless:
        reading.find(Severity.WARNING, "records_without_id", n=nameless)
    return frame[has_id]


def identities(keys: pd.Index) -> npt.NDArray[np.uint64]:
    """A number per record, the same in every file that holds it; the id itself is not kept."""
    return np.asarray(pd.util.hash_pandas_object(keys, index=False))


def events(reading: Reading) -> pd.DataFrame:
    """One fact a session: which steps happened in it. Without session ids, a user's day is one."""
    frame = reading.frame()
    names = reading.texts("event").str.casefold()
    frame = frame[_first_of_each(reading, reading.format.unique)]
    for measure, value in reading.format.values.items():
        counted = _valued(reading, value, names)
        if counted is not None:
            frame[measure] = counted
    facts = reading.dated(frame)
    key = _session_key(facts)
    facts = _named(reading, facts, facts[key[-1] if "session" in key else "user"] != "")
    names = names.loc[facts.index]
    reading.control |= _people(facts)
    kept: dict[str, str] = {"start": "min", "end": "min"}
    kept |= dict.fromkeys([id for id in ("channel", "device", "campaign") if id in facts], "first")
    for step, pattern in reading.format.steps.items():
        matched = _matching(names, pattern)
        if matched.any():
            facts = facts.assign(**{step: matched.astype(float)})
            kept[step] = "max"
    grouped = facts.groupby(key, sort=False)
    sessions = grouped.agg({id: how for id, how in kept.items() if id not in key})
    for measure, value in reading.format.values.items():
        if measure in facts:
            figures = grouped[measure]
            sessions[measure] = figures.max() if value.how == "max" else figures.sum(min_count=1)
    for id, formula in reading.format.derived.items():
        if id not in sessions and set(formula.names) <= set(sessions.columns):
            sessions[id] = formula.values(
                {name: sessions[name].to_numpy() for name in formula.names}
            )
    _people_aside(reading, sessions)
    by_name = names.value_counts().head(10)
    told = ", ".join(f"{str(name)[:40]} {n:,}" for name, n in by_name.items())
    users = int(reading.control.get("users", 0)) or "–"
    reading.find(
        Severity.INFO, "log_counted", n=len(facts), sessions=len(sessions), users=users, events=told
    )
    sessions["record"] = identities(sessions.index)
    return sessions.reset_index()


def _first_of_each(reading: Reading, headings: Sequence[str]) -> npt.NDArray[np.bool_]:
    """The rows of a log without those that tell an event again, one for each of its items."""
    places = [at for at, column in enumerate(reading.section.headings) if column.full in headings]
    if len(places) < max(len(headings), 1):
        return np.ones(len(reading.lines), dtype=bool)
    again = pd.DataFrame({at: texts(reading.cells[at]) for at in places}).duplicated()
    if again.any():
        reading.find(Severity.INFO, "events_told_again", n=int(again.sum()))
    return ~again.to_numpy()


def _valued(reading: Reading, value: Value, names: pd.Series) -> pd.Series | None:
    """What each event adds to a measure; ``None`` if the file does not tell."""
    matched = _matching(names, value.event)
    if value.sum is None:
        return matched.astype(float).where(matched)
    columns = sorted(value.sum.names)
    if not set(columns) <= set(reading.columns):
        return None
    amounts = value.sum.values({column: reading.amounts(column) for column in columns})
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


def _people(facts: pd.DataFrame) -> dict[str, float]:
    """How many different users the whole log holds: days do not add up to it."""
    if "user" not in facts:
        return {}
    return {"users": float(facts.loc[facts["user"] != "", "user"].nunique())}


def _people_aside(reading: Reading, facts: pd.DataFrame) -> None:
    """Counts of people (first visits ever) speak for the whole file: days do not add up to them."""
    for id in [id for id in facts if id in catalogue.measures()]:
        if catalogue.measure(id).adds is Adds.NONE:
            reading.control[id] = float(facts.pop(id).sum())


def _matching(names: pd.Series, pattern: re.Pattern[str]) -> pd.Series:
    matched = {name: pattern.fullmatch(name) is not None for name in names.unique()}
    return names.map(matched).astype(bool)
