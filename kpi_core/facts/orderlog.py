"""What the customers of an order log did: ordered, came again, stayed, and what they brought.

Counted are orders whose customer the log names. A first order is taken for the first of all only
where the log reaches back before it, and a cohort is looked at only when it is fully observed: the
months of young customers that are still to come are never filled in.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

import numpy as np
import pandas as pd

from kpi_core.errors import Finding, Severity
from kpi_core.facts.slices import TIME_SLICES, bounds, names, slices_of
from kpi_core.facts.streams import UNKNOWN, Stream
from kpi_core.model import TOTAL, Customers, Measure, Period, Unit

LOOK_BACK = 28  # days of log before a first order that is new: as long as the shortest month
LONG_LOG = 365  # days of log after which hardly any customer of old is taken for a new one
NAMELESS = 0.2  # of the orders: if more have no customer, the others do not speak for them
_OF_PERIOD = {Customers.ORDERED, Customers.ORDERS, Customers.REPEATED}
_NEEDS_BEFORE = {Customers.BEFORE, Customers.KEPT}
_NEEDS_HISTORY = {Customers.FIRST, Customers.RETURNED}


@dataclass(frozen=True)
class Count:
    """What an order log says of a measure.

    Attributes:
        figures: slice to figure; a slice that the log cannot tell is left out.
        currencies, vats: those of the money that was added up.
        remarks: what was left out, and why.
    """

    figures: Mapping[str, float]
    currencies: tuple[str, ...]
    vats: tuple[str, ...]
    remarks: tuple[Finding, ...]


class OrderLog:
    """The order log of one stream, asked about one period cut one way.

    Args:
        stream: one with a log.
        asked: whose customers are counted; earlier orders tell who is new.
        period: the same, or all days if none was asked for.
        by: a slice of time, a dimension of the stream, or nothing.
    """

    def __init__(
        self, stream: Stream, asked: Period | None, period: Period, by: str | None
    ) -> None:
        if stream.log is None:
            raise ValueError(stream.source)  # the caller asks for those that have one
        self.stream = stream
        self._asked = asked
        self._period = period
        self._by = by
        self._first, self._last = pd.Timestamp(period.first), pd.Timestamp(period.last)
        self._all = stream.log[stream.log["start"] <= self._last]
        self._known = self._all[self._all["customer"] != 0]
        if by in TIME_SLICES and by is not None:
            self._spans = slices_of(period, by)
        else:
            self._spans = {TOTAL: period} if by is None else {}

    def count(self, measure: Measure) -> Count | None:
        """The figures of a measure that counts customers; ``None`` if the log has not its money."""
        how = measure.counts
        if how is None or (measure.brought and measure.brought not in self._all):
            return None
        remarks: list[Finding] = []
        used = self._known[:0]
        if how is Customers.AGED:
            figures, used = self._aged(measure)
            if figures.empty:
                self._remark(remarks, "cohort_not_observed", age=measure.age, n=LOOK_BACK)
            if figures.isna().any():
                self._remark(remarks, "orders_without_amount", measure=measure.name)
        else:
            figures = self._filled(self._counts[how]())
        kept = figures.dropna()
        kept = kept[~kept.index.isin(self._nameless(kept.index, how, remarks))]
        kept = kept[~kept.index.isin(self._untold(kept.index, how, remarks))]
        money = used if measure.unit is Unit.MONEY else used[:0]
        return Count(
            {str(name): float(figure) for name, figure in kept.items()},
            _said(money["currency"]),
            _said(money["vat"]),
            tuple(remarks),
        )

    # --- counting

    @property
    def _counts(self) -> Mapping[Customers, Callable[[], pd.Series]]:
        return {
            Customers.ORDERED: lambda: _by_slice(self._customers),
            Customers.ORDERS: lambda: self._customers.groupby(level="slice").sum(),
            Customers.REPEATED: lambda: _by_slice(self._customers[self._customers >= 2]),
            Customers.FIRST: self._new,
            Customers.RETURNED: self._returned,
            Customers.BEFORE: lambda: _by_slice(self._before),
            Customers.KEPT: self._kept,
            Customers.EVER: lambda: self._ever(1),
            Customers.REPEATED_EVER: lambda: self._ever(2),
        }

    @cached_property
    def _customers(self) -> pd.Series:
        """How many orders each customer has in each slice."""
        rows = self._known[self._known["start"] >= self._first]
        return _orders(rows, self._slices(rows["start"], rows))

    @cached_property
    def _before(self) -> pd.Series:
        """The same of the slices before, by the names of those that they are before of."""
        if self._by not in TIME_SLICES:
            window = self._period.before()
            rows = self._known[_inside(self._known["start"], window)]
            return _orders(rows, self._slices(rows["start"], rows))
        day = timedelta(days=1)
        slices = self._named(self._known["start"], lambda days: bounds(days, self._by)[1] + day)
        there = slices.isin(list(self._spans))
        return _orders(self._known[there], slices[there])

    @cached_property
    def _firsts(self) -> pd.DataFrame:
        """The first order of each customer, by customer."""
        return self._known.drop_duplicates("customer").set_index("customer")

    def _new(self) -> pd.Series:
        rows = self._firsts[self._firsts["start"] >= self._first]
        return rows.groupby(self._slices(rows["start"], rows)).size()

    def _returned(self) -> pd.Series:
        slices, customers = (self._customers.index.get_level_values(n) for n in (0, 1))
        begin = pd.Series(
            {name: max(pd.Timestamp(span.first), self._first) for name, span in self._spans.items()}
        )
        begins = begin.reindex(slices).fillna(self._first) if len(begin) else self._first
        firsts = self._firsts["start"].reindex(customers)
        return _by_slice(self._customers[firsts.to_numpy() < np.asarray(begins)])

    def _kept(self) -> pd.Series:
        return _by_slice(self._before[self._before.index.isin(self._customers.index)])

    def _ever(self, orders: int) -> pd.Series:
        """The customers that have so many orders by the end of the period, or of each slice."""
        if self._by not in TIME_SLICES:
            found = _orders(self._known, self._slices(self._known["start"], self._known))
            return _by_slice(found[found >= orders])
        nth = self._known.groupby("customer", sort=False).cumcount() == orders - 1
        days = self._known.loc[nth, "start"].to_numpy()  # sorted, as the log is
        ends = [np.datetime64(span.last) for span in self._spans.values()]
        return pd.Series(np.searchsorted(days, ends, side="right"), index=list(self._spans))

    # --- cohorts

    def _aged(self, measure: Measure) -> tuple[pd.Series, pd.DataFrame]:
        """The customers that complete an age in each slice, or their money; the orders counted.

        Those who do so within a period are its cohort: first orders of as many days. It is taken
        whole or not at all; where no period is asked for, it is all customers of that age.
        """
        observed = self._observed(measure.age)
        done = self._firsts["start"] + pd.Timedelta(days=measure.age - 1)
        complete = pd.Series(data=False, index=done.index)
        for days in filter(None, map(self._period.meets, observed)):
            complete |= _inside(done, days)
        done = done[complete]
        slices = self._slices(done, self._firsts[complete])
        if self._asked or self._by in TIME_SLICES:
            spans = {name: self._spans.get(name, self._period) for name in slices.unique()}
            whole = [n for n, span in spans.items() if any(days.holds(span) for days in observed)]
            slices = slices[slices.isin(whole)]
            done = done[slices.index]
        if measure.brought is None:
            return slices.groupby(slices).size(), self._known[:0]
        rows = self._known[self._known["customer"].isin(done.index)]
        rows = rows[rows["start"] <= done.reindex(rows["customer"]).to_numpy()]
        own = slices.reindex(rows["customer"]).set_axis(rows.index)
        money = rows[measure.brought]
        unknown = money.isna().groupby(own).any()
        return money.groupby(own).sum().where(~unknown), rows

    def _observed(self, age: int) -> tuple[Period, ...]:
        """The days on which customers complete an age who were observed all along."""
        earliest = timedelta(days=LOOK_BACK + age - 1)
        return tuple(
            Period(span.first + earliest, span.last)
            for span in self.stream.reach["orders"]
            if span.first + earliest <= span.last
        )

    # --- slices

    def _slices(self, days: pd.Series, rows: pd.DataFrame) -> pd.Series:
        """The slice that each of `rows` belongs to by its day, or by what it is described with."""
        if self._by in TIME_SLICES:
            return self._named(days, lambda own: own)
        if self._by is None:
            return pd.Series(TOTAL, index=rows.index, name="slice", dtype="str")
        return rows[self._by].replace("", "other").rename("slice")

    def _named(self, days: pd.Series, moved: Callable[[pd.Series], pd.Series]) -> pd.Series:
        """The names of the slices of time that days lie in, once they are moved."""
        each = pd.Series(days.unique())
        named = names(bounds(moved(each), self._by)[0], self._by)
        found = pd.Series(named.to_numpy(), index=each).reindex(days)
        return found.set_axis(days.index).rename("slice")

    def _filled(self, counted: pd.Series) -> pd.Series:
        """With 0 where the log speaks and nobody did it; without slices that it says nothing of."""
        ordered = set(self._customers.index.unique("slice"))
        if not self._spans:
            return counted.reindex(sorted(ordered | set(counted.index)), fill_value=0)
        figures = {}
        for name, span in self._spans.items():
            asked = span.meets(self._period)
            told = self.stream.covers("orders", asked)
            if told == (asked,) or name in ordered or (told and name in counted):
                figures[name] = counted.get(name, 0)
        return pd.Series(figures, dtype=float)

    # --- what cannot be told

    def _nameless(self, slices: Iterable[str], how: Customers, remarks: list[Finding]) -> list[str]:
        """The slices in which too many orders have no customer; orders without one are told."""
        rows = self._all
        if how in _OF_PERIOD:
            rows = rows[rows["start"] >= self._first]
        nameless = rows["customer"] == 0
        told = {"n": int(nameless.sum()), "all": len(rows)}
        if not told["n"]:
            return []
        limit = int(100 * NAMELESS)
        if told["n"] > NAMELESS * told["all"]:
            self._remark(remarks, "customers_unknown", **told, limit=limit)
            return list(slices)
        self._remark(remarks, "orders_without_customer", **told)
        rows = rows[rows["start"] >= self._first]
        shares = nameless[rows.index].groupby(self._slices(rows["start"], rows)).mean()
        lost = [name for name in slices if shares.get(name, 0) > NAMELESS]
        if lost:
            listed = ", ".join(lost[:5])
            self._remark(remarks, "customers_unknown_in", slices=listed, limit=limit)
        return lost

    def _untold(self, slices: Iterable[str], how: Customers, remarks: list[Finding]) -> list[str]:
        """The slices for which the log does not reach back far enough."""
        if how not in _NEEDS_BEFORE | _NEEDS_HISTORY:
            return []
        lost, needed = [], []
        for name in slices:
            span = self._spans.get(name, self._period)
            earlier = span.before()
            if how in _NEEDS_HISTORY:
                day = timedelta(days=1)
                earlier = Period(span.first - LOOK_BACK * day, span.first - day)
            if self.stream.covers("orders", earlier) != (earlier,):
                lost.append(name)
                needed.append(earlier)
        if lost:
            code = "history_too_short" if how in _NEEDS_HISTORY else "days_before_missing"
            self._remark(remarks, code, days=str(min(needed)))
        elif how in _NEEDS_HISTORY and not self._all.empty:
            since = self._all["start"].iloc[0].date()
            if self._period.first - since < timedelta(days=LONG_LOG):
                told = Finding(
                    Severity.INFO, "new_since", self.stream.source, {"since": str(since)}
                )
                remarks.append(told)
        return lost

    def _remark(self, remarks: list[Finding], code: str, **values: object) -> None:
        remarks.append(Finding(Severity.WARNING, code, self.stream.source, values))


def _inside(days: pd.Series, period: Period) -> pd.Series:
    return days.between(pd.Timestamp(period.first), pd.Timestamp(period.last))


def _orders(rows: pd.DataFrame, slices: pd.Series) -> pd.Series:
    """The orders of each customer in each slice."""
    return rows["orders"].groupby([slices.rename("slice"), rows["customer"]], sort=False).sum()


def _by_slice(customers: pd.Series) -> pd.Series:
    return customers.groupby(level="slice").size()


def _said(column: pd.Series) -> tuple[str, ...]:
    return tuple(sorted(map(str, column.fillna(UNKNOWN).unique())))
