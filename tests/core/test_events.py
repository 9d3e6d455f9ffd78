"""Event funnels: the engine agrees with a slow loop over each unit's events, written from the
definition; shares and quartiles agree with scipy."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from kpi_core import charts
from kpi_core.cli import main
from kpi_core.errors import IngestError, UsageError
from kpi_core.events import (
    EventFunnel,
    EventFunnelResult,
    Exclusion,
    Order,
    Step,
    as_csv,
    duration,
    event_counts,
    event_funnel,
    step,
    usual_steps,
)
from kpi_core.events.attempts import outcomes
from kpi_core.events.engine import rules_of
from kpi_core.events.told import portion
from kpi_core.ingest.eventlog import EventLog, read_event_log
from kpi_core.model import TOTAL

EXPORTS = Path(__file__).parents[1] / "exports"
START = datetime(2026, 10, 5, tzinfo=UTC)  # a Monday
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Event:
    """One event of a unit, at a minute; `place` in the log."""

    unit: int
    minute: int
    name: str
    channel: str
    place: int


def as_log(events: list[Event], folder: Path) -> EventLog:
    """The events as the log that a file would become."""
    rows = pd.DataFrame(
        [(e.place, START + e.minute * MINUTE, e.unit, e.name, e.channel) for e in events],
        columns=["row", "time", "user", "event", "channel"],
    )
    kinds = rows[["event", "channel"]].drop_duplicates(ignore_index=True)
    rows = rows.merge(kinds.reset_index(names="kind"))
    rows = rows.astype({"user": "int64", "row": "int64", "kind": "int32"})
    rows["time"] = rows["time"].astype("datetime64[us, UTC]").dt.tz_localize(None)
    path = folder / "log.parquet"
    rows[["row", "time", "user", "kind"]].sample(frac=1, random_state=1).to_parquet(path)
    kinds["device"] = kinds["campaign"] = ""
    return EventLog("log", path, kinds, len(rows), ("user",), ("channel",))


# --- the oracle


def sorted_units(events: list[Event]) -> dict[int, list[Event]]:
    units: dict[int, list[Event]] = {}
    for event in sorted(events, key=lambda e: (e.minute, e.place)):
        units.setdefault(event.unit, []).append(event)
    return units


def attempt(asked: EventFunnel, events: list[Event], start: int) -> list[int]:
    """The places of the events that one attempt goes through; none if nothing starts there."""
    lacking = list(asked.steps)
    path: list[int] = []
    for number in range(len(asked.steps)):
        wanted = lacking if asked.order is Order.ANY else lacking[:1]
        after = path[-1] + 1 if path else start
        if asked.order is Order.STRICT or not path:
            open_to = range(after, min(after + 1, len(events)))
        else:
            open_to = range(after, len(events))
        for place in open_to:
            served = [each for each in wanted if events[place].name in each.events]
            if served:
                break
        else:
            return path
        if path:
            minutes = timedelta(minutes=1)
            if (
                asked.window is not None
                and (events[place].minute - events[path[0]].minute) * minutes > asked.window
            ):
                return path
            within = asked.steps[number].within
            if (
                within is not None
                and (events[place].minute - events[path[-1]].minute) * minutes > within
            ):
                return path
            for exclusion in asked.exclusions:
                between = {event.name for event in events[path[-1] + 1 : place]}
                if exclusion.after in {None, number} and between & set(exclusion.events):
                    return path
        lacking.remove(served[0])
        path.append(place)
    return path


@dataclass
class Found:
    """What the oracle says of a unit."""

    path: list[Event]
    following: str | None
    channel: str


def oracle(asked: EventFunnel, events: list[Event]) -> list[Found]:
    found = []
    for own in sorted_units(events).values():
        best: list[int] = []
        for start in range(len(own)):
            path = attempt(asked, own, start)
            if len(path) > len(best):
                best = path
        upto = best[-1] if best else len(own) - 1
        named = [e.channel for e in own[: upto + 1] if e.channel]
        channel = "" if not named else named[0] if asked.touch == "first" else named[-1]
        following = own[upto + 1].name if upto + 1 < len(own) else None
        found.append(Found([own[place] for place in best], following, channel))
    return found


def quartiles(values: list[int]) -> list[float]:
    return [60 * float(q) for q in stats.mstats.mquantiles(values, alphap=1, betap=1)]


def assert_agrees(asked: EventFunnel, events: list[Event], result: EventFunnelResult) -> None:
    units = oracle(asked, events)
    slices = {TOTAL: units}
    if asked.by:
        for unit in units:
            slices.setdefault(unit.channel, []).append(unit)
    assert {group.slice for group in result.groups} == set(slices)
    for group in result.groups:
        own = slices[group.slice]
        assert group.units == len(own)
        for place, row in enumerate(group.steps):
            there = [unit.path for unit in own if len(unit.path) > place]
            assert row.units == len(there)
            if place == 0 or not there:
                assert row.since_first is None
                continue
            for times, since in ((row.since_first, 0), (row.since_previous, place - 1)):
                taken = [path[place].minute - path[since].minute for path in there]
                assert times is not None
                assert times.units == len(there)
                marks = [times.lower, times.median, times.upper]
                assert marks == pytest.approx(quartiles(taken))
                assert sum(n for _, n in times.buckets) == len(there)
                short = sum(minutes <= 5 for minutes in taken)
                assert sum(n for upto, n in times.buckets if upto and upto <= 300) == short
    for left in result.left:
        gone = [unit for unit in units if len(unit.path) == left.step]
        assert left.units == len(gone)
        ways = Counter(unit.following for unit in gone)
        assert dict(left.ways) == {way: ways[way] for way, _ in left.ways}
        assert left.other == sum(ways.values()) - sum(n for _, n in left.ways)
    assert sum(cohort.reached[0] for cohort in result.days) == result.total.steps[0].units


# --- random logs and funnels

names = st.sampled_from("abcdx")
minutes = st.one_of(st.none(), st.integers(1, 8).map(lambda n: n * MINUTE))


@st.composite
def logs(draw: st.DrawFn) -> list[Event]:
    rows = draw(
        st.lists(
            st.tuples(
                st.integers(0, 2), st.integers(0, 12), names, st.sampled_from(["", "ads", "mail"])
            ),
            min_size=1,
            max_size=24,
        )
    )
    return [Event(*row, place) for place, row in enumerate(rows)]


@st.composite
def funnels(draw: st.DrawFn, order: Order) -> EventFunnel:
    if order is Order.ANY:
        known = [("a",), ("b", "c"), ("d",)]
    else:
        known = [("a",), ("b",), ("a", "b"), ("c",), ("b", "d")]
    chosen = draw(st.lists(st.sampled_from(known), min_size=2, max_size=4))
    steps = tuple(Step(events, draw(minutes)) for events in chosen)
    places = st.one_of(st.none(), st.integers(1, len(steps) - 1))
    exclusion = st.builds(Exclusion, st.sampled_from([("x",), ("d", "x"), ("b",)]), places)
    return EventFunnel(
        steps,
        order,
        draw(minutes),
        exclusions=tuple(draw(st.lists(exclusion, max_size=2))),
        by=draw(st.sampled_from([None, "channel"])),
        touch=draw(st.sampled_from(["first", "last"])),
    )


@pytest.mark.slow
@pytest.mark.parametrize("order", list(Order))
@settings(max_examples=700, deadline=None)
@given(data=st.data())
def test_the_engine_agrees_with_a_loop_over_each_units_events(
    order: Order, data: st.DataObject
) -> None:
    asked, events = data.draw(funnels(order)), data.draw(logs())
    with TemporaryDirectory() as folder:
        assert_agrees(asked, events, event_funnel(as_log(events, Path(folder)), asked))


@settings(max_examples=200, deadline=None)
@given(order=st.sampled_from(Order), data=st.data(), size=st.integers(1, 9))
def test_units_are_whole_however_the_events_are_handed_over(
    order: Order, data: st.DataObject, size: int
) -> None:
    asked, events = data.draw(funnels(order)), data.draw(logs())
    kinds = pd.DataFrame({"event": list("abcdx"), "channel": ["", "ads", "", "mail", ""]})
    kinds["device"] = kinds["campaign"] = ""
    rows = [
        (e.unit, e.minute, "abcdx".index(e.name))
        for e in sorted(events, key=lambda e: (e.unit, e.minute, e.place))
    ]
    unit, moment, kind = (np.array(column) for column in zip(*rows, strict=True))
    whole = {"unit": unit, "moment": moment * 60_000_000, "kind": kind.astype("int32")}
    batch = pa.RecordBatch.from_pydict(whole)
    parts = [batch.slice(start, size) for start in range(0, len(rows), size)]
    rules = rules_of(asked, kinds)
    at_once = pa.Table.from_batches(outcomes(rules, [batch]), rules.schema)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kpi_core.events.attempts._PIECE", size)
        assert pa.Table.from_batches(outcomes(rules, parts), rules.schema) == at_once


# --- small logs, counted by hand


def made(folder: Path, *said: str) -> EventLog:
    """A log of one event a minute for each unit: ``view cart . buy``; a dot is a minute without."""
    events = [
        Event(unit, minute, name, "", place=minute)
        for unit, line in enumerate(said)
        for minute, name in enumerate(line.split())
        if name != "."
    ]
    return as_log(events, folder)


def units(log: EventLog, *steps: str, **how: object) -> list[int]:
    found = event_funnel(log, EventFunnel(tuple(map(step, steps)), **how))
    return [row.units for row in found.total.steps]


def test_a_step_asked_for_twice_needs_two_events(tmp_path: Path) -> None:
    log = made(tmp_path, "view view buy", "view buy")
    assert units(log, "view", "view", "buy") == [2, 1, 1]
    assert units(log, "buy", "view", "view", order=Order.ANY) == [2, 2, 1]


def test_strict_order_bears_no_other_event_between(tmp_path: Path) -> None:
    log = made(tmp_path, "view cart buy", "view help cart buy")
    assert units(log, "view", "cart", "buy") == [2, 2, 2]
    assert units(log, "view", "cart", "buy", order=Order.STRICT) == [2, 1, 1]


def test_a_window_includes_its_last_moment(tmp_path: Path) -> None:
    log = made(tmp_path, "view . . buy")
    assert units(log, "view", "buy", window=3 * MINUTE) == [1, 1]
    assert units(log, "view", "buy", window=2 * MINUTE) == [1, 0]
    assert units(log, "view", "buy@2m", window=None) == [1, 0]


def test_a_later_attempt_counts_if_it_gets_further(tmp_path: Path) -> None:
    log = made(tmp_path, "view . . view cart")
    found = event_funnel(log, EventFunnel((step("view"), step("cart")), window=2 * MINUTE))
    assert [row.units for row in found.total.steps] == [1, 1]
    assert found.total.steps[1].since_first.median == 60


def test_of_attempts_that_get_as_far_the_earliest_counts(tmp_path: Path) -> None:
    log = made(tmp_path, "view view cart")
    times = event_funnel(log, EventFunnel((step("view"), step("cart")))).total.steps[1].since_first
    assert times is not None
    assert times.median == 120


def test_who_did_an_excluded_event_between_went_no_further(tmp_path: Path) -> None:
    log = made(tmp_path, "view remove cart buy", "view cart remove buy", "remove view cart buy")
    steps = ("view", "cart", "buy")
    assert units(log, *steps, exclusions=(Exclusion(("remove",), 1),)) == [3, 2, 2]
    assert units(log, *steps, exclusions=(Exclusion(("remove",), 2),)) == [3, 3, 2]
    assert units(log, *steps, exclusions=(Exclusion(("remove",)),)) == [3, 2, 1]


def test_events_of_one_moment_keep_the_order_of_the_log(tmp_path: Path) -> None:
    cart, view = (Event(0, 5, name, "", place) for place, name in enumerate(["cart", "view"]))
    assert units(as_log([cart, view], tmp_path), "view", "cart") == [1, 0]
    view, cart = (Event(0, 5, name, "", place) for place, name in enumerate(["view", "cart"]))
    assert units(as_log([view, cart], tmp_path), "view", "cart") == [1, 1]


def test_units_are_parted_by_their_first_or_their_last_touch(tmp_path: Path) -> None:
    channels = ["", "mail", "ads", "organic"]
    names = ["view", "view", "buy", "view"]
    log = as_log([Event(0, n, names[n], channels[n], n) for n in range(4)], tmp_path)
    for touch, channel in (("first", "mail"), ("last", "ads")):  # organic came after it bought
        asked = EventFunnel((step("view"), step("buy")), by="channel", touch=touch)
        assert [group.slice for group in event_funnel(log, asked).groups] == [TOTAL, channel]


def test_cohorts_are_of_the_first_step_and_say_whether_their_window_is_over(tmp_path: Path) -> None:
    day = 24 * 60
    events = [
        Event(0, 0, "view", "", 0), Event(0, 2 * day, "buy", "", 1),
        Event(1, day - 1, "view", "", 2), Event(1, day + 5, "buy", "", 3),
        Event(2, 7 * day, "view", "", 4), Event(2, 9 * day, "other", "", 5),
    ]  # fmt: skip
    asked = EventFunnel((step("view"), step("buy")), window=timedelta(days=2))
    found = event_funnel(as_log(events, tmp_path), asked)
    first, second = found.cohorts
    assert (first.first, first.reached, first.converted) == (date(2026, 10, 5), (2, 2), (1, 2))
    assert (second.first, second.reached, second.converted) == (date(2026, 10, 12), (1, 0), ())
    assert (first.whole, second.whole) == (True, False)
    assert [cohort.first for cohort in found.days] == [date(2026, 10, 5), date(2026, 10, 12)]
    assert found.period == (date(2026, 10, 5), date(2026, 10, 14))


def test_an_interval_is_that_of_scipy() -> None:
    found = portion(17, 100)
    assert found is not None
    theirs = stats.binomtest(17, 100).proportion_ci(method="wilson")
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high))
    assert portion(0, 0) is None


def test_a_log_without_an_event_that_starts_the_funnel_has_no_shares(tmp_path: Path) -> None:
    found = event_funnel(made(tmp_path, "help help"), EventFunnel((step("view"), step("buy"))))
    first, last = found.total.steps
    assert (first.units, first.of_all.value) == (0, 0)
    assert (last.of_first, last.of_previous, last.since_first) == (None, None, None)
    assert {finding.code for finding in found.findings} == {"funnel_event_unknown"}


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (lambda: step(" | "), "funnel_step_empty"),
        (lambda: step("cart@soon"), "funnel_duration"),
        (lambda: duration("0d"), "funnel_duration"),
        (lambda: EventFunnel((step("a"),)), "funnel_steps"),
        (lambda: EventFunnel((step("a"), step("b")), window=timedelta(0)), "funnel_duration"),
        (
            lambda: EventFunnel((step("a"), step("b")), exclusions=(Exclusion(("x",), 2),)),
            "funnel_exclusion",
        ),
        (
            lambda: EventFunnel((step("a|b"), step("b")), order=Order.ANY),
            "funnel_steps_overlap",
        ),
    ],
)
def test_a_funnel_that_cannot_be_asked_for_is_refused(wrong, code: str) -> None:
    with pytest.raises(UsageError) as refused:
        wrong()
    assert refused.value.code == code
    assert all(refused.value.text(lang) for lang in ("ru", "en"))


# --- logs as files


def test_of_100_carts_83_are_abandoned_and_30_go_to_the_checkout() -> None:
    log = read_event_log(EXPORTS / "events" / "checkout.csv")
    assert (log.events, log.units, log.cuts) == (345, ("user", "session"), ("channel", "device"))
    steps = tuple(map(step, ("add_to_cart", "begin_checkout", "purchase")))
    found = event_funnel(log, EventFunnel(steps, by="device"))
    cart, checkout, purchase = found.total.steps
    assert [row.units for row in found.total.steps] == [100, 30, 17]
    assert checkout.of_previous.value == Fraction(30, 100)
    assert 1 - purchase.of_first.value == Fraction(83, 100)
    assert cart.of_all.value == Fraction(100, 150)
    # Of 17 buyers, every fourth took 5, 10, 15 or 20 minutes from the checkout, five of them 5.
    taken = [5 * 60 * (n % 4 + 1) for n in range(17)]
    since = purchase.since_previous
    assert [since.lower, since.median, since.upper] == list(np.quantile(taken, [0.25, 0.5, 0.75]))
    assert found.left[0].ways == ((None, 30), ("view_item", 30), ("remove_from_cart", 10))
    assert found.left[1].ways == (("delivery_prices", 8), (None, 5))
    assert {group.slice: group.steps[2].units for group in found.groups} == {
        TOTAL: 17, "desktop": 9, "mobile": 8,
    }  # fmt: skip


def test_purchases_without_a_cart_are_told_and_never_make_more_than_all() -> None:
    log = read_event_log(EXPORTS / "rees46" / "day.csv")
    steps = tuple(map(step, ("view", "cart", "purchase")))
    by_user = event_funnel(log, EventFunnel(steps))
    assert [row.units for row in by_user.total.steps] == [2, 1, 1]  # the next day, a new session
    by_session = event_funnel(log, EventFunnel(steps, unit="session"))
    assert [row.units for row in by_session.total.steps] == [2, 1, 0]
    (found,) = by_session.findings
    assert (found.code, found.values["n"]) == ("funnel_step_without", 2)


def test_items_of_one_purchase_are_one_event_and_a_session_is_of_its_user() -> None:
    log = read_event_log(EXPORTS / "ga4_events" / "flat.csv")
    assert log.events == 10
    asked = EventFunnel((step("page_view"), step("page_view")), unit="session")
    found = event_funnel(log, asked)
    assert found.total.units == 3
    assert {f.code for f in found.findings} >= {"events_told_again", "funnel_events_without_unit"}


def test_hits_of_metrika_are_events_called_by_their_page() -> None:
    log = read_event_log(EXPORTS / "metrika_logs_hits" / "hits.tsv")
    assert "https://a.test/about/" in set(log.kinds["event"])  # what was asked for is cut off
    assert units(log, "https://a.test/", "https://a.test/about/") == [2, 1]
    assert "log_without_clock" in {finding.code for finding in log.findings}


def read_rows(*rows: str) -> EventLog:
    return read_event_log("\n".join(["user_id,event,timestamp", *rows]).encode(), "log.csv")


def test_times_are_read_to_the_second_however_they_are_spelled() -> None:
    log = read_rows("a,view,05.10.2026 10:00:00", "a,buy,05.10.2026 10:00:30")
    times = event_funnel(log, EventFunnel((step("view"), step("buy")))).total.steps[1].since_first
    assert times.median == 30
    log = read_rows("a,view,1790805600", "a,buy,1790805660")
    times = event_funnel(log, EventFunnel((step("view"), step("buy")))).total.steps[1].since_first
    assert times.median == 60


def test_times_of_several_zones_become_those_of_one() -> None:
    log = read_rows("a,view,2026-10-05T10:00:00+03:00", "a,buy,2026-10-05T08:30:00+01:00")
    times = event_funnel(log, EventFunnel((step("view"), step("buy")))).total.steps[1].since_first
    assert times.median == 30 * 60
    assert [finding.code for finding in log.findings] == ["log_in_utc"]


def test_rows_without_a_time_or_a_user_are_told_and_left_out() -> None:
    log = read_rows("a,view,2026-10-05 10:00:00", "a,buy,soon", ",buy,2026-10-05 11:00:00")
    found = event_funnel(log, EventFunnel((step("view"), step("buy"))))
    assert [row.units for row in found.total.steps] == [1, 0]
    assert [(f.code, f.values["n"]) for f in found.findings] == [
        ("rows_without_day", 1), ("funnel_events_without_unit", 1),
    ]  # fmt: skip
    assert found.findings[0].values["line"] == 3


def test_a_parquet_log_says_what_the_same_text_says(tmp_path: Path) -> None:
    path = EXPORTS / "events" / "checkout.csv"
    pd.read_csv(path, parse_dates=["timestamp"]).to_parquet(tmp_path / "log.parquet")
    asked = EventFunnel((step("add_to_cart"), step("purchase")), by="channel")
    text, parquet = (
        event_funnel(read_event_log(each), asked) for each in (path, tmp_path / "log.parquet")
    )
    assert text.groups == parquet.groups
    assert text.cohorts == parquet.cohorts


def test_what_is_no_event_log_is_refused() -> None:
    with pytest.raises(IngestError, match="who, what and when"):
        read_event_log(b"date,channel,sessions\n2026-10-01,email,5\n2026-10-02,email,6\n", "a.csv")


def test_a_name_that_may_be_a_persons_is_not_shown() -> None:
    log = read_rows(
        "a,view,2026-10-05 10:00:00", "a,Anna Petrova wrote,2026-10-05 10:01:00",
    )  # fmt: skip
    found = event_funnel(log, EventFunnel((step("view"), step("buy"))))
    assert found.left[0].ways == (("…", 1),)


def test_units_and_cuts_that_a_log_does_not_name_are_refused() -> None:
    log = read_rows("a,view,2026-10-05 10:00:00", "a,buy,2026-10-05 10:01:00")
    with pytest.raises(UsageError, match="Available: user"):
        units(log, "view", "buy", unit="session")
    with pytest.raises(UsageError, match="cannot be split by this"):
        units(log, "view", "buy", by="device")


# --- the command


def test_the_command_prints_what_the_engine_says(capsys: pytest.CaptureFixture[str]) -> None:
    path = str(EXPORTS / "events" / "checkout.csv")
    words = ["funnel", path, "--steps", "add_to_cart,begin_checkout@1h,purchase", "--lang", "en"]
    assert main([*words, "--by", "device", "--exclude", "1:remove_from_cart", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    total = said["groups"][0]
    assert [row["units"] for row in total["steps"]] == [100, 30, 17]
    assert total["conversion"]["value"] == 0.17
    assert said["cohorts"][0]["reached"] == [100, 30, 17]
    assert main([*words, "--by", "device"]) == 0
    printed = capsys.readouterr().out
    assert "30.0%" in printed
    assert "nothing more 30, view_item 30, remove_from_cart 10" in printed


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--steps", "view"], "from two"),
        (["--steps", "view,buy", "--window", "soon"], "time limit"),
        (["--steps", "view,buy", "--compare", "previous"], "not for an event funnel"),
        (["--steps", "view,buy", "--by", "source"], "split by"),
        (["--steps", "view,buy", "--plan", "plan.json"], "not for an event funnel"),
        ([], "--business"),
    ],
)
def test_the_command_says_what_is_wrong(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(EXPORTS / "events" / "checkout.csv")
    assert main(["funnel", path, "--lang", "en", *words]) == 2
    assert said in capsys.readouterr().err


# --- to begin with, and to take away


def test_a_log_begins_with_the_steps_to_a_purchase_that_it_knows() -> None:
    log = read_event_log(EXPORTS / "events" / "checkout.csv")
    counts = event_counts(log)
    assert [each.name for each in usual_steps(log, counts)] == [
        "view_item", "add_to_cart", "begin_checkout", "purchase"
    ]  # fmt: skip


def test_a_log_of_other_events_begins_with_its_most_frequent_ones() -> None:
    """No name that may be a person's is among them."""
    day = "2026-10-05 10:0"
    log = read_rows(
        f"a,opened,{day}0:00", f"b,opened,{day}1:00", f"a,sent,{day}2:00", f"b,sent,{day}3:00",
        f"c,opened,{day}4:00", f"a,signed,{day}5:00", f"a,Anna Petrova wrote,{day}6:00",
    )  # fmt: skip
    counts = event_counts(log)
    assert counts == {"opened": 3, "sent": 2, "signed": 1}
    assert [each.name for each in usual_steps(log, counts)] == ["opened", "sent", "signed"]


def test_the_table_to_take_away_has_a_row_a_step_of_every_group() -> None:
    log = read_rows(
        "a,view,2026-10-05 10:00:00", "a,=buy,2026-10-05 10:00:40", "b,view,2026-10-05 10:00:00"
    )
    table = list(csv.DictReader(io.StringIO(as_csv(event_funnel(log, EventFunnel(
        (step("view"), step("=buy"))
    ))))))  # fmt: skip
    first, last = table
    assert (first["slice"], first["units"], first["reached"], first["of_first"]) == (
        "total", "2", "2", ""
    )  # fmt: skip
    assert (last["name"], last["reached"], last["of_first"]) == ("'=buy", "1", "0.5")
    assert (last["since_first_median"], last["since_previous_upper"]) == ("40.0", "40.0")


@pytest.mark.parametrize("lang", ["ru", "en"])
def test_charts_show_the_units_of_the_answer(lang: str) -> None:
    """Of 100 carts 30 checkouts and 17 purchases; 13 bought within 15 minutes of the checkout."""
    log = read_event_log(EXPORTS / "events" / "checkout.csv")
    found = event_funnel(
        log, EventFunnel(tuple(map(step, ("add_to_cart", "begin_checkout", "purchase"))))
    )
    bars = charts.event_bars(found.total, lang).to_dict()
    assert [row["count"] for row in rows_of(bars)] == [100, 30, 17]
    assert [row["kind"] for row in rows_of(bars)] == ["step", "leak", "step"]
    times = found.total.steps[2].since_previous
    assert times is not None
    took = rows_of(charts.took_bars(times, lang).to_dict())
    assert sum(row["units"] for row in took) == 17
    line = rows_of(charts.cohort_line(found.days, lang).to_dict())
    assert [row["rate"] for row in line] == [float(own.conversion.value) for own in found.days]


def rows_of(chart: dict) -> list[dict]:
    """What a chart is drawn from."""
    (rows,) = chart["datasets"].values()
    return rows
