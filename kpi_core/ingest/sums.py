"""Rows that hold sums of a day and source: figures, averages back to sums, what counts twice."""

import numpy as np
import pandas as pd

from kpi_core import catalogue
from kpi_core.errors import Severity
from kpi_core.ingest.formats import Pick, Rate, Written, meanings
from kpi_core.ingest.headings import Heading, plain
from kpi_core.ingest.money import row_currencies
from kpi_core.ingest.reading import Reading, Values
from kpi_core.ingest.totals import agrees
from kpi_core.ingest.values import Numbers

_FEW = 0.01  # of a measure: so much may have an unknown channel before it matters

_WHOLE = 100.0  # per cent
_ROUNDED = 0.51  # what an average of per cents may be off when it is written as a whole one


def sums(reading: Reading) -> pd.DataFrame:
    """One fact a row; total rows are not among them."""
    facts = reading.frame()
    if (currencies := row_currencies(reading)) is not None:
        facts["currency"] = currencies
    for target in reading.measures():
        facts[target] = reading.amounts(target)
    for target, parts in reading.format.parts.items():
        if target in facts and set(parts) <= set(reading.columns):
            added = sum(reading.figures(reading.columns[part]).values for part in parts)
            if not (facts[target].isna() | (facts[target] - added).abs().lt(0.5)).all():
                column = reading.heading(target).raw
                reading.find(Severity.WARNING, "parts_do_not_add", column=column)
                facts = facts.drop(columns=target)
    for rate, position in reading.rates:
        if rate.measure not in facts and rate.times in facts:
            _add_rate(reading, facts, rate, position)
    for id, formula in reading.format.derived.items():
        if id not in facts and set(formula.names) <= set(facts.columns):
            facts[id] = formula.values({name: facts[name].to_numpy() for name in formula.names})
    _tell_unknown_channels(reading, facts)
    picked = {
        id: figures for pick in reading.format.pick for id, figures in _picked(reading, facts, pick)
    }
    for dimension, counted_again in reading.format.overlap.items():
        if dimension in {*facts, *reading.columns} and (
            lost := [id for id in counted_again if id in facts]
        ):
            facts = facts.drop(columns=lost)
            named = ", ".join(reading.heading(id).raw for id in reading.measures() if id in lost)
            kind = reading.heading(dimension).raw
            reading.find(Severity.INFO, "rows_overlap", column=kind, measures=named)
    return reading.dated(_one_segment(reading, facts).assign(**picked))


def _tell_unknown_channels(reading: Reading, facts: pd.DataFrame) -> None:
    """That a measure of some channels (paid visits) may lack what has a channel nobody knows."""
    if reading.unknown_channels is None or reading.format.channel:
        return
    values, strange = reading.unknown_channels
    wholes = {measure.part_of[0] for measure in catalogue.measures().values() if measure.part_of}
    for id in sorted(wholes & set(facts)):
        total = float(facts[id].sum())
        unknown = float(facts.loc[strange, id].sum())
        if unknown > _FEW * total:
            told = {"measure": catalogue.measure(id).name, "n": int(unknown), "values": values}
            reading.find(Severity.WARNING, "channels_unknown_part", **told)


def _picked(reading: Reading, facts: pd.DataFrame, pick: Pick) -> list[tuple[str, pd.Series]]:
    """What the rows of one kind count, as a measure of its own."""
    if not {pick.column, pick.counts} <= {*reading.columns, *facts.columns}:
        return []
    kinds = facts[pick.column] if pick.column in facts else reading.texts(pick.column)
    overlap = reading.format.overlap.items()
    if any(pick.counts in lost and id in facts for id, lost in overlap if id != pick.column):
        return []
    figures = facts.get(pick.counts)
    found: list[tuple[str, pd.Series]] = []
    for id, pattern in pick.matches.items():
        matched = kinds.str.fullmatch(pattern, na=False)
        if id not in facts and matched.any():
            if figures is None:
                figures = pd.Series(reading.amounts(pick.counts), index=facts.index)
            found.append((id, figures.where(matched)))
    return found


def _one_segment(reading: Reading, facts: pd.DataFrame) -> pd.DataFrame:
    """Without what segments count twice: all users hold those of every other segment."""
    if "segment" not in facts or facts["segment"].nunique() < 2:
        return facts
    column = reading.heading("segment").raw
    everyone = [
        name
        for name in facts["segment"].unique()
        if plain(name) in meanings("segments")["everyone"]
    ]
    if everyone:
        kept: pd.DataFrame = facts[facts["segment"] == everyone[0]]
        told = {"column": column, "kept": everyone[0], "n": len(facts) - len(kept)}
        reading.find(Severity.INFO, "one_segment_kept", **told)
        return kept
    reading.find(Severity.WARNING, "segments_overlap", column=column)
    return facts.drop(columns=[id for id in facts if id in catalogue.measures()])


def _add_rate(reading: Reading, facts: pd.DataFrame, rate: Rate, position: int) -> None:
    """An average column times its weight: the sum it was made from."""
    column = reading.section.headings[position]
    read = reading.figures(position, duration=rate.written is Written.DURATION)
    if rate.written in {Written.DURATION, Written.NUMBER}:
        facts[rate.measure] = read.values * facts[rate.times]
        return
    share = _share_of(read, column, rate.written)
    if share is Written.NUMBER and rate.written is Written.COUNT_OR_PERCENT:
        share = _counts_or_percents(reading, position, read, facts[rate.times].to_numpy())
    match share:
        case None:
            reading.find(Severity.WARNING, "share_unclear", column=column.raw)
        case Written.NUMBER:
            facts[rate.measure] = read.values
        case divisor:
            facts[rate.measure] = read.values / float(divisor) * facts[rate.times]


def _counts_or_percents(
    reading: Reading, position: int, read: Numbers, times: Values
) -> float | Written | None:
    """Which of both whole numbers are: 16 refusals, or 16 per cent of the visits refused?

    There are no more than 100 per cent, and no more refusals than visits; counts add up to the
    total, per cents do not.
    """
    known = ~np.isnan(read.values)
    values = read.values[known]
    if (values > _WHOLE).any():
        return Written.NUMBER
    if (values > times[known]).any():
        return _WHOLE
    if reading.totals and np.count_nonzero(values) > 1:
        stated = reading.stated(position)
        stated = stated[~np.isnan(stated)]
        if stated.size and agrees(stated, float(values.sum())):
            return Written.NUMBER
        weights = times[known]
        if stated.size and weights.sum() > 0:
            mean = float((values * weights).sum() / weights.sum())
            if (np.abs(stated - mean) <= _ROUNDED).any():
                return _WHOLE
    return None


def _share_of(read: Numbers, column: Heading, written: Written) -> float | Written | None:
    """What 1 is divided by in a column of shares; ``NUMBER``: counts; ``None``: cannot be told."""
    known = read.values[read.values == read.values]
    if read.percent or not known.any():
        return 100.0
    within = bool((known <= 1).all())
    whole = bool((known == known.round()).all())
    if column.percent:  # a workbook keeps 15 % as 0.15, a text as 15
        return None if within else 100.0
    if written is Written.COUNT_OR_PERCENT and not within:
        return Written.NUMBER if whole else None
    if written is Written.FRACTION:
        return 1.0 if within else None
    return 1.0 if within and not whole else None
