"""Working days by the production calendar of a country: holidays, days moved, worked Saturdays."""

from datetime import date
from functools import cache

import pandas as pd


@cache
def counted(country: str, first: date, last: date) -> pd.Series:
    """Day to how many working days there were since `first`, from it to `last`.

    Args:
        country: ISO code, such as ``RU``.
    """
    import holidays  # noqa: PLC0415  # slow to import, needed by few

    calendar = holidays.country_holidays(country)
    days = pd.date_range(first, last)
    return pd.Series([calendar.is_working_day(day.date()) for day in days], days).cumsum()


@cache
def working_days(country: str, first: date, last: date) -> int:
    """How many working days lie from one day to another, both included; 0 if it is earlier."""
    return int(counted(country, first, last).iloc[-1]) if first <= last else 0
