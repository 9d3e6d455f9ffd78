"""Registers of tasks as what an analyst is judged by: reports late, over the norm, returned.

A task is of one day, but a report is judged on several: whether it is late belongs to the day it
was due, its time and its rework to the day it was done. So below the tasks stands a row for each
of these days, with keys of their own. The tolerances are data (``catalogue/work.toml``).
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pandas as pd

from kpi_core import catalogue
from kpi_core.errors import Severity
from kpi_core.ingest.headings import plain
from kpi_core.ingest.reading import Reading, texts
from kpi_core.ingest.sections import Section
from kpi_core.model import Period
from kpi_core.workdays import counted

DETAILS = ("line", "kind", "days_late", "unjudged")  # what stays with a task beside its days
_BY_DUE, _BY_DONE = 0xD0E, 0xD02E  # from a task's key to those of its reports
TASK_KEYS = (_BY_DUE, _BY_DONE)
_SLACK = 6  # decimals of an hour: 11.5 hours are no more than 115 % of 10


def working_days(after: pd.Series, until: pd.Series, country: str) -> pd.Series:
    """How many working days lie after one day up to another, that one among them.

    0 if it is not later; missing where either day is.
    """
    known = after.notna() & until.notna()
    passed = pd.Series(np.nan, after.index)
    if known.any():
        one, other = after[known], until[known]
        since = counted(country, min(one.min(), other.min()), max(one.max(), other.max()))
        between = since.loc[other].to_numpy() - since.loc[one].to_numpy()
        passed[known] = np.maximum(between, 0).astype(float)
    return passed


def kind_columns(section: Section) -> list[int]:
    """The places of the columns that may tell the kind of a report."""
    known = catalogue.work().kind_columns
    return [at for at, column in enumerate(section.headings) if {column.full, column.name} & known]


def counts_tasks(measures: Iterable[str]) -> bool:
    """Whether a format is one of tasks."""
    return "tasks" in set(measures)


def with_reports(reading: Reading, tasks: pd.DataFrame) -> pd.DataFrame:
    """`tasks` (by row of the file), and below them what they say of reports.

    Where the register tells kinds, only regular reports can be late, only those on request over
    the norm, and other tasks are no reports; else all tasks are both. What cannot be judged is
    counted nowhere; `unjudged` names why, and a finding tells how many.
    """
    rules = catalogue.work()
    days = {name: _day(tasks, name) for name in ("due", "done", "remarked")}
    due, done = days["due"], days["done"]
    last = pd.concat([tasks["start"], done, days["remarked"]]).max()
    finished, unfinished = (_flag(tasks, "tasks_done") == flag for flag in (1, 0))
    told = finished & done.notna()
    kind, kinds_told = _kinds(reading, tasks.index)
    is_report = (kind != "") | (not kinds_told)
    regular, on_request = ((kind == own) | (not kinds_told) for own in ("regular", "on_request"))

    end = done.where(told, pd.Series(last, tasks.index).where(unfinished))
    days_late = working_days(due, end, rules.country)
    late = days_late > rules.late_after
    # Without a day of completion anywhere, the unfinished alone would be judged: all of them late.
    by_due = regular & due.notna() & (told | (unfinished & late)) & bool(done.notna().any())

    planned, spent = _flag(tasks, "hours_planned"), _flag(tasks, "hours_spent")
    normed = on_request & told & (planned > 0) & (spent > 0)
    over = (spent - planned * (1 + rules.over_norm)).round(_SLACK) > 0

    returned, answered = _returned(tasks, days["remarked"], done)
    waited = working_days(done, pd.Series(last, tasks.index).where(done.notna()), rules.country)
    judged = is_report & told & answered & (returned | (waited >= rules.remarks_within))

    reasons = {
        "kind": ~is_report,
        "due": regular & due.isna(),
        "day": is_report & finished & done.isna(),
        "norm": on_request & told & ~normed,
        "remarks": is_report & told & ~answered,
        "not_due_yet": regular & due.notna() & unfinished & ~late,
        "not_accepted_yet": is_report & told & answered & ~judged,
    }
    _tell(reading, kinds_told=kinds_told, reasons=reasons)
    tasks = tasks.assign(line=[reading.lines[row] for row in tasks.index])
    shown = tasks.assign(
        kind=kind,
        days_late=days_late.where(by_due),
        unjudged=_joined(reasons, tasks.index),
    )
    described = [id for id in tasks if id not in catalogue.measures() and id not in days]
    described = [id for id in described if id not in reading.format.keep]
    of_due = tasks.loc[by_due, described].assign(
        start=due[by_due],
        end=due[by_due],
        record=_key(tasks.loc[by_due, "record"], _BY_DUE),
        reports_due=1.0,
        reports_late=late[by_due].astype(float),
    )
    by_done = normed | judged
    of_done = tasks.loc[by_done, described].assign(
        start=done[by_done],
        end=done[by_done],
        record=_key(tasks.loc[by_done, "record"], _BY_DONE),
        reports_normed=normed[by_done].astype(float),
        reports_over_norm=(normed & over)[by_done].astype(float),
        reports_judged=judged[by_done].astype(float),
        reports_returned=(judged & returned)[by_done].astype(float),
    )
    # A share of nothing is unknown and not zero of zero.
    told_of = {"reports_normed": normed, "reports_judged": judged}
    for measure, part in (
        ("reports_normed", "reports_over_norm"),
        ("reports_judged", "reports_returned"),
    ):
        if not told_of[measure].any():
            of_done = of_done.drop(columns=[measure, part])
    added = [rows for rows in (of_due, of_done) if len(rows)]
    return pd.concat([shown, *added]) if added else shown


def _key(tasks: pd.Series | pd.Index, of: int) -> npt.NDArray[np.uint64]:
    return tasks.to_numpy(dtype=np.uint64) ^ np.uint64(of)


def _day(tasks: pd.DataFrame, name: str) -> pd.Series:
    if name in tasks:
        return pd.Series(tasks[name].dt.floor("D"))
    return pd.Series(np.datetime64("NaT"), tasks.index, dtype="datetime64[us]")


def _flag(tasks: pd.DataFrame, measure: str) -> pd.Series:
    return tasks[measure] if measure in tasks else pd.Series(np.nan, tasks.index)


def _kinds(reading: Reading, rows: pd.Index) -> tuple[pd.Series, bool]:
    """The kind of each task, empty where no known word tells it; whether any word does."""
    kind = pd.Series("", rows, dtype="str")
    for at in kind_columns(reading.section):
        said = texts(reading.cells[at]).loc[rows]
        named = said.map({text: _kind(text) for text in said.unique()}).astype("str")
        if (named != "").any():
            reading.used.add(at)
            kind = kind.where(kind != "", named)
    return kind, bool((kind != "").any())


def _kind(text: str) -> str:
    said = f" {plain(text)} "
    return next(
        (
            kind
            for kind, words in catalogue.work().kinds.items()
            if any(f" {word} " in said for word in words)
        ),
        "",
    )


def _returned(
    tasks: pd.DataFrame, remarked: pd.Series, done: pd.Series
) -> tuple[pd.Series, pd.Series]:
    """Whether a task came back, and whether that is known; a late remark is none."""
    rules = catalogue.work()
    times = _flag(tasks, "tasks_returned")
    within = working_days(done, remarked, rules.country) <= rules.remarks_within
    returned = (times == 1).where(remarked.isna(), within)
    answered = times.notna() | remarked.notna()
    return returned, answered | ("remarked" in tasks and "tasks_returned" not in tasks)


def _joined(reasons: dict[str, pd.Series], rows: pd.Index) -> pd.Series:
    said = pd.Series("", rows, dtype="str")
    for reason, holds in reasons.items():
        said = said.where(~holds, said + " " + reason)
    return said.str.strip()


def _tell(reading: Reading, *, kinds_told: bool, reasons: dict[str, pd.Series]) -> None:
    """What cannot be judged. A column that is lacking altogether leaves its KPI without figure."""
    n = {reason: int(holds.sum()) for reason, holds in reasons.items()}
    if not kinds_told:
        reading.find(Severity.INFO, "report_kinds_untold")
    if n["kind"]:
        reading.find(Severity.WARNING, "reports_without_kind", n=n["kind"])
    if n["due"] and "due_day" in reading.columns:
        reading.find(Severity.WARNING, "reports_without_due", n=n["due"])
    if n["day"]:
        reading.find(Severity.WARNING, "reports_without_day", n=n["day"])
    if n["norm"] and {"hours_planned", "hours_spent"} <= _summed(reading):
        reading.find(Severity.WARNING, "reports_without_norm", n=n["norm"])
    if n["remarks"] and _asks_returns(reading):
        reading.find(Severity.WARNING, "reports_without_remarks", n=n["remarks"])


def _summed(reading: Reading) -> set[str]:
    """The sums of the format whose columns are there."""
    return {
        id
        for id, rule in reading.format.records.items()
        if rule.sum and set(rule.sum.names) <= set(reading.columns)
    }


def _asks_returns(reading: Reading) -> bool:
    rule = reading.format.records.get("tasks_returned")
    return rule is not None and set(rule.where) <= set(reading.columns)


def reports(tables: Iterable[pd.DataFrame], period: Period | None = None) -> pd.DataFrame:
    """The tasks of facts with what was judged of each, the latest first.

    Columns: ``line``, ``kind``, ``started``, ``due``, ``done``, ``days_late``, ``hours_planned``,
    ``hours_spent``, the flags ``late``, ``over_norm`` and ``returned`` (missing where they were
    not judged), and ``unjudged``. Of a task in several files the last speaks. In a period: the
    tasks done in it; those not done by their due day, and those without one by the day they began.
    """
    own = [table for table in tables if set(DETAILS) <= set(table)]
    if not own:
        return pd.DataFrame()
    whole = pd.concat(own).drop_duplicates("record", keep="last").set_index("record")
    tasks = whole[whole["tasks"].notna()]
    found = pd.DataFrame({id: tasks[id] for id in DETAILS}, tasks.index)
    found["started"] = tasks["start"]
    for id in ("due", "done"):
        found[id] = _day(tasks, id)
    for id in ("hours_planned", "hours_spent"):
        found[id] = _flag(tasks, id)
    for flag, judged, key in (
        ("late", "reports_due", _BY_DUE),
        ("over_norm", "reports_normed", _BY_DONE),
        ("returned", "reports_judged", _BY_DONE),
    ):
        rows = whole.reindex(_key(tasks.index, key))
        holds, is_judged = (_flag(rows, id) for id in (f"reports_{flag}", judged))
        found[flag] = holds.where(is_judged == 1).to_numpy()
    if period:
        day = found["done"].fillna(found["due"]).fillna(found["started"])
        edges = pd.Timestamp(period.first), pd.Timestamp(period.last)
        found = found[(day >= edges[0]) & (day <= edges[1])]
    order = ["late", "days_late", "over_norm", "returned"]
    return found.sort_values(order, ascending=False, na_position="last", kind="stable")


def unjudged(found: pd.DataFrame) -> dict[str, int]:
    """Why tasks of `reports` could not be judged, to how many, the most frequent first."""
    if found.empty:
        return {}
    said = found["unjudged"].str.split().explode().dropna()
    return {str(reason): int(n) for reason, n in said.value_counts().items()}
