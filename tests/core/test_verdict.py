"""What the page of the data says: verdict, calendar, who speaks, totals that were checked."""

from dataclasses import replace

import pytest

from kpi_core.errors import Finding, Severity
from kpi_core.facts import Facts, combine
from kpi_core.model import parse_period
from kpi_core.verdict import Check, Cover, State, Voice, calendar, checks, verdict, voices
from tests.core.small import daily, export, facts, values

DAYS = daily("Sessions", rows={1: (10,), 2: (20,)})
ERROR = Finding(Severity.ERROR, "currencies_differ", "spend", {"currencies": "EUR, RUB"})
NOTE = Finding(Severity.INFO, "rows_overlap")

# --- verdict


def test_data_without_a_remark_are_whole() -> None:
    made = verdict(facts(DAYS), findings=[NOTE])
    assert (made.state, made.findings) == (State.WHOLE, ())


def test_a_warning_of_the_files_together_makes_data_to_be_read_with_care() -> None:
    twice = facts(DAYS, DAYS)
    made = verdict(twice)
    assert made.state is State.WARNED
    assert [finding.code for finding in made.findings] == ["same_file_twice"]


def test_an_error_decides_alone() -> None:
    made = verdict(facts(DAYS, DAYS), findings=[NOTE, ERROR])
    assert (made.state, made.findings) == (State.UNUSABLE, (ERROR,))


def test_findings_of_files_and_of_values_count_as_well() -> None:
    cut = Finding(Severity.WARNING, "exactly_the_limit", "a.csv", {"n": 1000})
    upload = replace(export("a.csv", DAYS), findings=(cut,))
    whole = combine([upload])
    assert verdict(whole, [upload]).findings == (cut,)
    late = values(whole, "sessions", period="2026-10").findings
    assert [told.code for told in verdict(whole, findings=late).findings] == ["period_not_whole"]


def test_nothing_is_of_no_use() -> None:
    assert verdict(combine([])).state is State.UNUSABLE


# --- calendar


def strip(made: Facts, source: str) -> list[str]:
    """The days of a source as one letter each: Covered, Part, Silent."""
    rows = calendar(made)
    return [cover[0] for cover in rows[rows["source"] == source]["cover"]]


def test_a_day_without_a_row_is_silent_for_what_is_counted_every_day() -> None:
    made = facts(daily("Sessions", rows={1: (10,), 2: (10,), 4: (10,)}))
    assert strip(made, "table") == ["c", "c", "s", "c"]


def test_a_quiet_day_of_a_shop_is_covered_and_days_beyond_its_file_are_silent() -> None:
    """Orders on the 2nd and the 4th, one quiet day between: one at either edge is believed too."""
    orders = export("o", daily("Orders", rows={2: (1,), 4: (1,)}), source="shopify", sparse=True)
    visits = export("v", daily("Sessions", rows=dict.fromkeys(range(1, 8), (10,))))
    assert strip(combine([orders, visits]), "shopify") == ["c", "c", "c", "c", "c", "s", "s"]


def test_a_day_on_which_one_measure_is_lacking_is_covered_in_part() -> None:
    made = facts(daily("Sessions,Orders", rows={1: (10, 1), 2: (10, ""), 3: (10, 1)}))
    assert strip(made, "table") == ["c", "p", "c"]
    rows = calendar(made)
    assert list(rows["lacking"]) == [(), ("orders",), ()]
    assert set(rows["cover"]) <= set(Cover)


def test_tables_of_one_system_cover_its_days_together() -> None:
    both = facts(
        daily("Sessions", rows={1: (10,), 2: (10,)}), daily("Channel,Orders", rows={2: ("ppc", 1)})
    )
    assert strip(both, "table") == ["p", "c"]


def test_a_month_in_one_row_covers_all_its_days() -> None:
    made = facts("Month,Sessions\n2026-09,30\n2026-10,31")
    assert strip(made, "table") == ["c"] * 61


def test_without_days_there_is_no_calendar() -> None:
    assert calendar(combine([])).empty
    assert calendar(facts("Campaign,Sessions\nA,70")).empty


# --- who speaks


def test_who_speaks_for_a_measure_and_who_could() -> None:
    metrika = export("m", DAYS, source="metrika")
    ga4 = export("g", daily("Sessions,Orders", rows={1: (9, 1), 2: (18, 1)}), source="ga4")
    both = combine([ga4, metrika])
    assert voices(both) == [
        Voice("sessions", ("metrika",), ("ga4",)),
        Voice("orders", ("ga4",), ()),
    ]
    chosen = voices(both, chosen={"traffic": "ga4"})
    assert chosen[0] == Voice("sessions", ("ga4",), ("metrika",))


def test_who_speaks_is_asked_of_a_period() -> None:
    assert voices(facts(DAYS), parse_period("2026-11")) == []


# --- totals


def test_totals_stand_beside_the_sums_of_rows() -> None:
    """30 visits as stated; 29 of 40 orders; people do not add up, so nothing is compared."""
    table = daily("Sessions,Orders,Users", rows={1: (10, 9, 8), 2: (20, 20, 8)})
    upload = export("a.csv", table, control={"sessions": 30.0, "orders": 40.0, "users": 12.0})
    assert checks([upload]) == [
        Check("a.csv", "sessions", 30, 30),
        Check("a.csv", "orders", 40, 29),
        Check("a.csv", "users", 12, None),
    ]
    assert [check.agrees for check in checks([upload])] == [True, False, None]


@pytest.mark.parametrize(("summed", "agrees"), [(1000.5, True), (1002.0, False), (1000.0, True)])
def test_a_sum_of_rounded_rows_may_differ_by_a_thousandth(summed: float, agrees: bool) -> None:
    assert Check("a.csv", "spend", 1000, summed).agrees is agrees
