"""Slices of time: which day, week or month a day lies in."""

import pandas as pd

from kpi_core.model import Period

TIME_SLICES = ("day", "week", "month")


def bounds(days: pd.Series, by: str | None) -> tuple[pd.Series, pd.Series]:
    """The first and last day of the day, week or month that each of `days` lies in."""
    if by == "day":
        return days, days
    back, length = (
        (days.dt.day, days.dt.days_in_month) if by == "month" else (days.dt.day_of_week + 1, 7)
    )
    first = days - pd.to_timedelta(back - 1, unit="D")
    return first, first + pd.to_timedelta(length - 1, unit="D")


def names(first: pd.Series, by: str | None) -> pd.Series:
    """What slices of time are called, by their first days."""
    named: pd.Series = first.dt.strftime("%Y-%m" if by == "month" else "%Y-%m-%d")
    return named


def slices_of(period: Period, by: str) -> dict[str, Period]:
    """The slices of time that touch a period, whole, in order."""
    days = pd.Series(pd.date_range(period.first, period.last))
    first, last = bounds(days, by)
    found = pd.DataFrame({"name": names(first, by), "first": first, "last": last})
    return {
        str(name): Period(begin.date(), end.date())
        for name, begin, end in found.drop_duplicates("name").itertuples(index=False)
    }
