"""Answers to questionnaires: one row a respondent, a question a column.

A question is known by its words, and only believed if its answers fit its scale: stars from 1 to 5
are no recommendation from 0 to 10.
"""

import numpy as np
import pandas as pd

from kpi_core.errors import Severity
from kpi_core.ingest.formats import Scores
from kpi_core.ingest.headings import plain
from kpi_core.ingest.reading import Reading
from kpi_core.ingest.values import is_missing, numbers

_FITTING = 0.9  # of the filled cells must be answers of the scale
_DONE = frozenset(
    {"completed", "complete", "finished", "завершен", "завершено", "завершена", "пройден",
     "пройдено", "да", "yes", "true", "1"}
)  # fmt: skip


def answers(reading: Reading) -> pd.DataFrame:
    """One fact a response: which questions it answered, and how."""
    facts = reading.frame()
    if "completed" in reading.columns:
        done = reading.texts("completed").map(plain).isin(_DONE)
        if not done.all():
            reading.find(Severity.INFO, "answers_not_completed", n=int((~done).sum()))
        facts = facts[done]
    taken: dict[str, int] = {}
    for at, column in enumerate(reading.section.headings):
        asked = [s for s in reading.format.scores if s.heading.search(column.raw)]
        if not asked or at in reading.columns.values() or _is_text(reading, at):
            continue
        fitting = [(given, s) for s in asked if (given := _given(reading, at, s)) is not None]
        if not fitting:
            scales = ", ".join(f"{s.low}–{s.high}" for s in asked)
            told = {"column": column.raw[:100], "scales": scales}
            reading.find(Severity.WARNING, "answers_off_scale", **told)
            continue
        given, scores = max(fitting, key=lambda found: found[0].count())
        first = taken.setdefault(scores.answers, at)
        if first != at:
            kept = reading.section.headings[first].raw[:100]
            reading.find(Severity.WARNING, "column_twice", column=column.raw[:100], kept=kept)
            continue
        reading.used.add(at)
        if strange := _filled(reading, at) - int(given.count()):
            reading.find(Severity.INFO, "answers_strange", column=column.raw[:100], n=strange)
        given = given.loc[facts.index]
        facts[scores.answers] = given.notna().astype(float)
        for measure, (low, high) in scores.counts.items():
            facts[measure] = given.between(low, high).astype(float)
    return reading.dated(facts)


def _is_text(reading: Reading, at: int) -> bool:
    """Whether a question is answered in words: "Why this mark?" has no scale at all."""
    return bool(np.isnan(numbers(reading.cells[at], ".").values).all())


def _filled(reading: Reading, at: int) -> int:
    return sum(not is_missing(cell) for cell in reading.cells[at])


def _given(reading: Reading, at: int, scores: Scores) -> pd.Series | None:
    """The answers as figures; ``None`` if they are not of this scale."""
    if scores.unlike and scores.unlike.search(reading.section.headings[at].raw):
        return None
    cells = reading.cells[at]
    read = numbers(cells, ".")
    values = np.where(
        (read.values == np.round(read.values))
        & (read.values >= scores.low)
        & (read.values <= scores.high),
        read.values,
        np.nan,
    )
    fitting = int((~np.isnan(values)).sum())
    if not fitting or fitting < _FITTING * _filled(reading, at):
        return None
    return None if np.nanmax(values) <= (scores.high + 1) // 2 else pd.Series(values)
