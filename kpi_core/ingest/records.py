"""Rows that are records: orders, deals, tasks, visits."""

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from kpi_core import catalogue
from kpi_core.errors import Severity
from kpi_core.formula import Formula
from kpi_core.ingest.bulk import identity
from kpi_core.ingest.formats import PERSONAL, Record, dimensions
from kpi_core.ingest.headings import plain
from kpi_core.ingest.money import row_currencies
from kpi_core.ingest.privacy import keyed_ids
from kpi_core.ingest.reading import Reading
from kpi_core.ingest.totals import agrees
from kpi_core.ingest.values import LIST_MARKS, days
from kpi_core.ingest.work import counts_tasks, with_reports
from kpi_core.model import Adds, Unit
from kpi_core.text import number

_STATUSES_TOLD = 10  # of those that no list knows
_WORDS_TOLD = 3  # of the statuses that are left out
_UNDER_WAY = ("going", "waiting")  # lists of statuses that are not final


def records(reading: Reading) -> pd.DataFrame:
    """One fact a record: the first cell that is filled in each column speaks for it.

    Columns: ``start``, ``end``, dimensions, ``record``, the days that the format keeps, measures.
    Tasks have more of them (see `work`).
    """
    frame = reading.frame()
    if (currencies := row_currencies(reading)) is not None:
        frame["currency"] = currencies
    frame["record"] = _ids(reading)
    rules = reading.format.records
    amounts = {name for rule in rules.values() for name in _summed(rule)}
    for column in sorted(amounts & set(reading.columns)):
        frame[column] = reading.amounts(column)
    asked = {name for rule in rules.values() for name in _asked(rule)}
    asked |= {name for day in reading.format.keep.values() for name in day.where}
    for column in sorted(asked & set(reading.columns)):
        frame[f"{column}?"] = reading.texts(column).str.casefold()
    _speak_for_lacking(reading, frame)
    kept = _keep_days(reading, frame)
    described = [id for id in dimensions() if id in frame and id not in PERSONAL]
    said = [id for id in frame.columns if frame[id].dtype == "str" and id != "record"]
    frame[said] = frame[said].replace("", None)
    named = with_ids(reading, frame, frame["record"] != "")
    if reading.format.one_sum:
        named = _with_one_sum(reading, named, sorted(amounts & set(reading.columns)))
    grouped = named.assign(row=named.index).groupby("record", sort=False)
    first = grouped.first()
    first[["start", "end"]] = grouped[["start", "end"]].min()  # a refund may stand above its order
    beside = ["start", "end", *described, *kept]
    result = first[[*beside, *(["customer"] if "customer" in first else [])]].copy()
    doubtful = _tell_statuses(reading, first, named)
    for measure, rule in rules.items():
        needed = {*_summed(rule), *(f"{name}?" for name in (*rule.where, *rule.known))}
        if needed <= set(named.columns) and measure not in doubtful:
            counted = _counted(rule, first, named)
            if counted is not None:
                result[measure] = counted
                if not rule.where and not rule.unless:
                    _check_total(reading, measure, rule, counted)
    reading.control |= users(named)
    people_aside(reading, result)
    for dimension in described:
        result[dimension] = result[dimension].fillna("other" if dimension == "channel" else "")
    # Its number alone: in another time zone its day is another one. Whether two files mean the
    # same order by one number is told by their figures, where files are put together.
    result["record"] = identity(zip(result.index, strict=True))
    dated = reading.dated(result.set_index(first["row"]))
    count = next((id for id, rule in rules.items() if rule.sum is None), "")
    if count in result:
        _tell_left_out(reading, rules[count], first[first["row"].isin(dated.index)])
    if counts_tasks(rules):
        dated = with_reports(reading, dated)
    return dated.reset_index(drop=True)


def _ids(reading: Reading) -> pd.Series:
    """What tells records apart: their numbers, else their names and days, row by row."""
    if "record" in reading.columns:
        return keyed_ids(reading.keys("record"))
    known = [name for name in ("named", "date", "due_day") if name in reading.columns]
    rows = pd.concat([reading.texts(name) for name in known], axis=1)
    if rows.empty:
        return pd.Series(dtype="str")
    ids = rows.agg("\0".join, axis=1) + "\0" + rows.groupby(list(rows)).cumcount().astype("str")
    return ids.where(rows.iloc[:, 0] != "", "")


def _with_one_sum(reading: Reading, named: pd.DataFrame, summed: Sequence[str]) -> pd.DataFrame:
    """Of records of several rows: one sum said again counts once, different ones not at all."""
    for column in summed:
        different = named.groupby("record", sort=False)[column].nunique()
        rows = named.groupby("record", sort=False)[column].count()
        again, unclear = int(((rows > 1) & (different == 1)).sum()), int((different > 1).sum())
        told = {"column": reading.heading(column).raw}
        if unclear:
            reading.find(Severity.WARNING, "sums_of_rows_differ", n=unclear, **told)
            named = named.drop(columns=column)
        elif again:
            reading.find(Severity.WARNING, "sums_said_again", n=again, **told)
    return named


def _speak_for_lacking(reading: Reading, frame: pd.DataFrame) -> None:
    """Adds what a column that is lacking would say, where all the words of another are its own."""
    for lacking, other in reading.format.instead.items():
        if f"{lacking}?" not in frame and f"{other}?" in frame:
            words = frame[f"{other}?"]
            if words.map(plain).isin(_known_words(reading, lacking)).all():
                frame[f"{lacking}?"] = words


def _tell_statuses(reading: Reading, first: pd.DataFrame, named: pd.DataFrame) -> set[str]:
    """Tells the statuses that no list knows; the measures that stay unknown because of them."""
    lost: set[str] = set()
    for column in reading.format.statuses:
        if f"{column}?" not in first:
            continue
        said = first[f"{column}?"].fillna("").astype("str")
        strange = said[~said.map(plain).isin(_known_words(reading, column))]
        asking = [
            measure
            for measure, rule in reading.format.records.items()
            if column in {*rule.where, *rule.unless}
            and {*_summed(rule), *(f"{name}?" for name in rule.where)} <= set(named.columns)
            and not (column in reading.format.stages and _own_words_seen(rule, column, said))
        ]
        if len(strange) and asking:
            lost |= set(asking)
            listed = _listed_statuses(strange, _money(reading, first, named))
            names = [catalogue.measure(measure).name for measure in asking]
            uncounted = {lang: ", ".join(name[lang] for name in names) for lang in listed}
            told = {"column": reading.heading(column).raw, "statuses": listed}
            reading.find(Severity.WARNING, "statuses_unknown", measures=uncounted, **told)
    return lost


def _tell_left_out(reading: Reading, rule: Record, first: pd.DataFrame) -> None:
    """Tells the records that do not count because of their status, and those under way that do."""
    format = reading.format
    why = pd.Series(None, first.index, dtype="object")
    for column, condition in (*rule.where.items(), *rule.unless.items()):
        is_status = column in rule.unless or column in format.statuses or format.taught
        if not is_status or column not in reading.columns:
            continue
        out = _holds(first[f"{column}?"], condition) == (column in rule.unless)
        raw, said = reading.heading(column).raw, _as_written(reading, column, first)
        if isinstance(condition, bool):  # the day of cancelling
            said = pd.Series(raw, first.index)
        elif column != "status":  # "yes" alone says nothing
            said = f"{raw}: " + said
        why = why.mask(out & why.isna(), said)
    lost = why.dropna()
    found: dict[str, object] = {"all": len(first)}
    if len(lost):
        found |= {"n": len(lost), "statuses": _most(lost)}
    lists = format.statuses.get("status", {})
    waiting = {plain(word) for name in _UNDER_WAY for word in lists.get(name, ())}
    if waiting and "status" in reading.columns:
        said = _as_written(reading, "status", first[why.isna()])
        if len(going := said[said.map(plain).isin(waiting)]):
            found |= {"going": len(going), "words": _most(going)}
    told = ("_left_out" if "n" in found else "") + ("_not_final" if "going" in found else "")
    if told:
        reading.find(Severity.INFO, f"statuses{told}", **found)


def _as_written(reading: Reading, column: str, first: pd.DataFrame) -> pd.Series:
    """What each record says in a column, in capitals and small letters as the file has them."""
    written = {text.casefold(): text for text in reading.texts(column).unique()}
    return first[f"{column}?"].fillna("").map(written)


def _most(words: pd.Series) -> str:
    """The most frequent words, and how often each is said."""
    counted = words.value_counts()
    listed = [f"«{str(word)[:40]}» – {n}" for word, n in counted.head(_WORDS_TOLD).items()]
    return ", ".join([*listed, "…"] if len(counted) > len(listed) else listed)


def _known_words(reading: Reading, column: str) -> set[str]:
    lists = reading.format.statuses[column].values()
    return {plain(word) for words in lists for word in words}


def _own_words_seen(rule: Record, column: str, said: pd.Series) -> bool:
    return column in rule.where and bool(_holds(said, rule.where[column]).any())


def _money(reading: Reading, first: pd.DataFrame, named: pd.DataFrame) -> pd.Series | None:
    """A sum of money of each record, of whatever status; ``None`` if there is none, or several."""
    if "currency" in first:
        return None
    for measure, rule in reading.format.records.items():
        if catalogue.measure(measure).unit is Unit.MONEY and set(_summed(rule)) <= set(named):
            return _counted(rule.model_copy(update={"where": {}, "unless": {}}), first, named)
    return None


def _listed_statuses(strange: pd.Series, money: pd.Series | None) -> dict[str, str]:
    """Each status with how many records have it and their sum, the most frequent first."""
    listed: dict[str, list[str]] = {"ru": [], "en": []}
    for status, n in strange.value_counts().head(_STATUSES_TOLD).items():
        amount = 0.0 if money is None else float(money[strange.index[strange == status]].sum())
        for lang, lines in listed.items():
            summed = "" if money is None else f" ({number(amount, lang, 2)})"
            lines.append(f"«{str(status)[:40]}» – {n}{summed}")
    return {lang: ", ".join(lines) for lang, lines in listed.items()}


def _summed(rule: Record) -> tuple[str, ...]:
    return tuple(sorted(rule.sum.names)) if rule.sum else ()


def _check_total(reading: Reading, measure: str, rule: Record, counted: pd.Series) -> None:
    """A sum over one column against the total that the file prints."""
    if rule.sum is None or len(rule.sum.names) != 1 or not reading.totals:
        return
    if catalogue.measure(measure).unit is Unit.MONEY and row_currencies(reading) is not None:
        return
    column = reading.columns[_summed(rule)[0]]
    own = reading.stated(column)
    own = own[~np.isnan(own)]
    if not own.size:
        return
    summed = float(counted.sum())
    reading.control[measure] = float(own[np.abs(own - summed).argmin()])
    if not agrees(own, summed):
        reading.tell_disagreement(reading.section.headings[column].raw, summed, float(own[0]))


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
    wanted = {plain(word) for word in condition} if isinstance(condition, frozenset) else set()
    for text in said.unique():
        match condition:
            case bool():
                held[text] = bool(text) is condition
            case frozenset():
                words = {text, *(word.strip(LIST_MARKS) for word in text.split(","))}
                held[text] = not wanted.isdisjoint(map(plain, words))
            case pattern:
                held[text] = pattern.fullmatch(text) is not None
    return said.map(held).astype(bool)


def with_ids(reading: Reading, frame: pd.DataFrame, has_id: pd.Series) -> pd.DataFrame:
    """Without the rows that belong to no record, which are told."""
    nameless = int((~has_id).sum())
    if nameless:
        reading.find(Severity.WARNING, "records_without_id", n=nameless)
    return frame[has_id]


def users(facts: pd.DataFrame) -> dict[str, float]:
    """How many different users the whole log holds: days do not add up to it."""
    if "user" not in facts:
        return {}
    return {"users": float(facts.loc[facts["user"] != "", "user"].nunique())}


def people_aside(reading: Reading, facts: pd.DataFrame) -> None:
    """Counts of people (first visits ever) speak for the whole file: days do not add up to them."""
    for id in [id for id in facts if id in catalogue.measures()]:
        if catalogue.measure(id).adds is Adds.NONE:
            reading.control[id] = float(facts.pop(id).sum())
