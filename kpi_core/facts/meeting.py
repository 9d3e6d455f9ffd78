"""What two tables of one layout that speak of the same days, slices or records are to each other.

Names of files tell nothing: they are compared by their figures. Equal figures are one report
downloaded twice. A newer download corrects the last days, which were not over, and by little the
days before. What differs by more is of two accounts, shops, counters or sites, which nobody but
the owner can tell apart.
"""

from collections.abc import Sequence
from enum import Enum, auto

import pandas as pd

from kpi_core import catalogue
from kpi_core.model import Adds, Unit

ROUNDING = 0.005  # of a figure: by so much equal figures may differ
LATE_DAYS = 7  # at the end of the earlier table: not yet final when it was downloaded
LITTLE = 0.10  # of all figures: by so much a correction changes the measure it changes least
MUCH = 0.25  # the same of the measure that it changes most
STRANGERS = 0.10  # of common records: so many with another amount are those of another shop
MANY = 4  # figures that must be equal, lest tables without a common slice be alike by chance
_DAY = pd.Timedelta(days=1)  # the clock of another time zone moves a record by no more


class Kin(Enum):
    """What the figures of a later table are to those of an earlier one."""

    SAME = auto()
    NEWER = auto()
    OTHER = auto()


def unlike(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Which figures of two frames of one shape differ by more than rounding; one may be missing."""
    return (before - after).abs() > ROUNDING * _larger(before, after) + 0.01


def _larger(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    one, other = before.abs(), after.abs()
    return one.where(one > other, other)


def kin(before: pd.DataFrame, after: pd.DataFrame, *, one_file: bool) -> Kin:
    """What the rows of `after` are to those of `before`, which are of the same days and slices.

    Args:
        before: measures, by ``start``, ``end`` and dimensions.
        after: the same of the later table.
        one_file: both are of one file, where none is a newer download.
    """
    if not unlike(before, after).to_numpy().any():
        return Kin.SAME
    if one_file:
        return Kin.OTHER
    ends = before.index.get_level_values("end")
    late = ends > ends.max() - pd.Timedelta(days=LATE_DAYS)
    if changes := _changes(before[~late], after[~late]):
        return Kin.NEWER if max(changes) <= MUCH and min(changes) <= LITTLE else Kin.OTHER
    changes = _changes(before, after)  # no older days vouch for the last ones
    return Kin.NEWER if max(changes) <= MUCH else Kin.OTHER


def _changes(before: pd.DataFrame, after: pd.DataFrame) -> list[float]:
    """How much of each measure changed, of those that are not all zero."""
    both = before.notna() & after.notna()
    size = _larger(before.where(both, 0.0), after.where(both, 0.0)).sum()
    gap = (before - after).where(both, 0.0).abs().sum()
    return [float(gap[id] / size[id]) for id in map(str, before) if size[id] > 0]


def by_days(frame: pd.DataFrame) -> pd.DataFrame:
    """The measures that add up, over all slices of the same days."""
    adding = [id for id in map(str, frame) if catalogue.measure(id).adds is Adds.SUM]
    return frame[adding].groupby(level=["start", "end"], dropna=False).sum(min_count=1)


def alike_in_total(before: pd.DataFrame, after: pd.DataFrame, figures: int = 1) -> bool:
    """Whether all slices of the common days add up to the same, in so many figures or more."""
    one, other = by_days(before), by_days(after)
    common = one.index.intersection(other.index)
    one, other = one.loc[common], other.loc[common]
    told = int(((one != 0) & one.notna() & other.notna()).to_numpy().sum())
    return told >= figures and not unlike(one, other).to_numpy().any()


def namesakes(
    before: pd.DataFrame, after: pd.DataFrame, measures: Sequence[str]
) -> tuple[pd.Index, pd.Index, bool]:
    """Of records that two tables number alike: those that are the same, and those that are not.

    A record of another day is another one, unless its amount is the same; one of the same day
    whose amount is another was changed, or is of another shop.

    Args:
        before: ``start`` and measures by ``record``.
        after: the same of the later table.
        measures: that both have.

    Returns:
        Records that both hold; those that are different ones in spite of their number; whether
        so many of the common ones have other amounts that they must be of two shops.
    """
    common = before.index.intersection(after.index)
    one, other = before.loc[common], after.loc[common]
    money = [id for id in measures if catalogue.measure(id).unit is Unit.MONEY]
    told = (one[money] > 0) & (other[money] > 0)
    size = _larger(one[money], other[money])
    close = told & ((one[money] - other[money]).abs() <= MUCH * size)
    equal = (told & ~unlike(one[money], other[money])).any(axis=1)
    strange = told.any(axis=1) & ~close.any(axis=1)
    apart = ((one["start"] - other["start"]).abs() > _DAY) & ~equal
    same = common[~apart]
    return same, common[apart], bool(strange[~apart].sum() > STRANGERS * len(same))
