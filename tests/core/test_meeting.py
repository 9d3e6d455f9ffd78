"""Tables of one source that speak of the same days: once, corrected, joined or refused."""

from dataclasses import replace

import pytest

from kpi_core.errors import Finding, Severity
from kpi_core.facts import Facts, combine
from kpi_core.ingest import Upload, read
from kpi_core.kpis import Evaluation, Settings
from kpi_core.verdict import State, verdict
from tests.core.small import by_slice, codes, daily, export, facts, value, values

SHOPIFY = "Name,Financial Status,Currency,Total,Created at,Lineitem quantity"
AT = "2026-10-{:02} 12:00:00 +0300"


def said(made: Facts) -> list[str]:
    return [finding.code for finding in made.findings]


def one(made: Facts, code: str) -> Finding:
    (found,) = [finding for finding in made.findings if finding.code == code]
    return found


def days(figures: dict[int, int], measure: str = "Sessions") -> str:
    return daily(measure, rows={day: (figure,) for day, figure in figures.items()})


def sheets(*texts: str) -> Upload:
    """A book whose sheets are these tables."""
    made = [export("book.xlsx", text) for text in texts]
    tables = [
        replace(table, where=f"book.xlsx › {number}")
        for number, upload in enumerate(made, start=1)
        for table in upload.tables
    ]
    return replace(made[0], tables=tuple(tables))


# --- segments beside the whole

SEGMENT = """
    # ---
    # Traffic
    # ---
    #
    # {}
    # Start date: 20261001
    # End date: 20261002
    Date,Sessions,Engaged sessions
    20261001,{},{}
    20261002,100,50"""


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_a_segment_beside_the_whole_is_left_out(order: tuple[int, ...]) -> None:
    """1 000 + 100 visits hold those of every segment."""
    tables = ("All Users", 1000, 600), ("Mobile", 300, 100), ("Tablet", 50, 10)
    made = facts(*(SEGMENT.format(*tables[at]) for at in order))
    assert value(made, "sessions") == 1100
    left_out = [finding for finding in made.findings if finding.code == "segment_left_out"]
    assert said(made) == ["segment_left_out"] * 2
    whole = f"{order.index(0) + 1}.csv"
    assert {finding.values["other"] for finding in left_out} == {whole}
    assert whole not in {finding.where for finding in left_out}


def test_segments_without_the_whole_are_refused() -> None:
    made = facts(SEGMENT.format("Mobile", 300, 100), SEGMENT.format("Tablet", 50, 10))
    assert said(made) == ["files_contradict"]
    assert value(made, "sessions") is None


def test_a_segment_that_is_more_than_the_whole_is_of_another_site() -> None:
    made = facts(SEGMENT.format("All Users", 300, 100), SEGMENT.format("Mobile", 1000, 600))
    assert said(made) == ["files_contradict"]


def test_a_segment_of_other_days_than_the_whole_is_taken() -> None:
    whole = SEGMENT.format("All Users", 1000, 600).replace("202610", "202609")
    made = facts(whole, SEGMENT.format("Mobile", 300, 100))
    assert said(made) == []
    assert value(made, "sessions", "2026-10-01..2026-10-02") == 400


# --- sheets of one book


def test_sheets_of_two_cities_are_refused_and_both_are_named() -> None:
    """1 000 and 500 visits a day: the sum or the last one are guesses."""
    made = combine([sheets(days({1: 1000, 2: 1000}), days({1: 500, 2: 500}))])
    told = one(made, "files_contradict")
    assert (told.severity, told.where) == (Severity.ERROR, "book.xlsx › 2")
    assert told.values["other"] == "book.xlsx › 1"
    assert (told.values["earlier"], told.values["later"]) == (2000, 1000)
    assert value(made, "sessions") is None
    assert verdict(made).state is State.UNUSABLE


def test_a_sheet_repeated_counts_once_and_is_told() -> None:
    made = combine([sheets(days({1: 1000, 2: 990}), days({1: 1000, 2: 990}))])
    assert value(made, "sessions") == 1990
    assert said(made) == ["files_overlap"]


def test_sheets_of_other_days_or_measures_stay() -> None:
    made = combine([sheets(days({1: 10}), days({2: 20}), days({1: 3}, "Orders"))])
    assert value(made, "sessions") == 30
    assert Evaluation(made, None).input("orders").value == 3
    assert said(made) == []


def test_within_one_file_nothing_is_a_newer_download() -> None:
    made = combine([sheets(days({1: 1000}), days({1: 950}))])
    assert said(made) == ["files_contradict"]


def test_two_files_of_one_name_are_two_files() -> None:
    first, second = (read("report.csv", days({1: n}).encode()) for n in (100, 900))
    made = combine([first, second])
    assert one(made, "files_contradict").where == "report.csv (2)"
    assert value(made, "sessions") is None


# --- a newer download, or another account

MONTH = {day: 100 + day for day in range(1, 32)}


@pytest.mark.parametrize(
    ("later", "expected", "code"),
    [
        (MONTH | {1: 105}, sum(MONTH.values()) + 4, "files_overlap"),
        # The last day had just begun: what is left of it is believed, as the days before agree.
        (MONTH | {31: 400}, sum(MONTH.values()) + 400 - 131, "files_overlap"),
        # Of all days a tenth at most: robots were taken out.
        ({day: n - 5 for day, n in MONTH.items()}, sum(MONTH.values()) - 155, "files_overlap"),
        ({day: 3 * n for day, n in MONTH.items()}, None, "files_contradict"),
        ({day: 300 - n for day, n in MONTH.items()}, None, "files_contradict"),
    ],
)
def test_a_correction_is_believed_and_another_counter_is_refused(
    later: dict[int, int], expected: int | None, code: str
) -> None:
    made = facts(days(MONTH), days(later))
    assert value(made, "sessions") == expected
    assert said(made) == [code]


def test_a_refused_measure_takes_no_other_with_it() -> None:
    first = daily("Sessions", rows={1: (100,)})
    second = daily("Sessions,Orders", rows={1: (900, 7)})
    made = facts(first, second)
    assert value(made, "sessions") is None
    assert value(made, "orders") == 7


def test_two_currencies_of_one_campaign_are_not_one_report() -> None:
    rows = "Campaign,Day,Currency code,Clicks,Impr.,Cost\nA,2026-10-01,{},10,100,50"
    assert said(facts(rows.format("EUR"), rows.format("USD"))) == ["files_contradict"]


# --- the same money, cut in another way

SPLIT = "Day,Channel,Impressions,Clicks,Cost\n" + "\n".join(
    f"2026-10-{day:02},{name},{shows},{clicks},{cost}"
    for day in (1, 2)
    for name, shows, clicks, cost in (("paid search", 600, 30, 95), ("display", 400, 10, 5))
)
WHOLE = "Day,Channel,Impressions,Clicks,Cost\n" + "\n".join(
    f"2026-10-{day:02},paid search,1000,40,100" for day in (1, 2)
)


@pytest.mark.parametrize("texts", [(SPLIT, WHOLE), (WHOLE, SPLIT)])
def test_a_period_with_and_without_its_networks_counts_once(texts: tuple[str, str]) -> None:
    """95 on search and 5 in networks are the 100 of the file that takes all for search."""
    made = facts(*texts)
    assert Evaluation(made, None).input("spend").value == 200
    assert Evaluation(made, None).input("clicks").value == 80
    assert by_slice(made, "cpc", "channel") == {
        "total": 2.5, "paid_search": 190 / 60, "display": 0.5
    }  # fmt: skip
    assert said(made) == ["files_overlap"]


def test_a_campaign_that_got_another_name_counts_once() -> None:
    rows = "День,Кампания,Показы,Клики,Расход\n" + "\n".join(
        f"{day:02}.10.2026,{{0}},{1000 + day},{10 + day},{100 + day}" for day in (1, 2)
    )
    made = facts(rows.format("Осень"), rows.format("Осень 2026"))
    assert Evaluation(made, None).input("spend").value == 101 + 102
    assert said(made) == ["files_overlap"]


def test_campaigns_of_two_accounts_add_up() -> None:
    rows = "День,Кампания,Показы,Клики,Расход\n01.10.2026,{},{},{},{}"
    made = facts(rows.format("A", 1000, 10, 100), rows.format("B", 2000, 30, 400))
    assert Evaluation(made, None).input("spend").value == 500
    assert said(made) == []


# --- search engines

RANKS = """\
"{}, interface language: Russian"
Keyword,URL,Tags,"Search vol.",2026-10-01,Dynamics
a,u,,1000,{},0
b,u,,100,5,0
"""


def test_two_search_engines_do_not_overwrite_each_other() -> None:
    """Two phrases in each engine; first places: 3 in one, none in the other."""
    made = facts(RANKS.format("Google Russia", 3), RANKS.format("Yandex Moscow", 30))
    evaluation = Evaluation(made, None)
    assert evaluation.input("tracked_phrases").value == 4
    assert evaluation.input("phrases_top3").value == 1
    assert said(made) == []


# --- orders


def orders(*rows: tuple[int, int, int], at: str = AT, more: str = "") -> str:
    """Number, day and amount of each."""
    lines = [f"#{n},paid,RUB,{total},{at.format(day)},1{more and ',x'}" for n, day, total in rows]
    return "\n".join([SHOPIFY + more, *lines])


def test_an_order_exported_in_another_time_zone_counts_once() -> None:
    late = "2026-10-{:02} 23:30:00 -0400"
    again = "2026-10-{:02} 06:30:00 +0300"
    made = facts(orders((1, 5, 100), at=late), orders((1, 6, 100), at=again))
    assert value(made, "orders") == 1
    assert said(made) == ["files_overlap"]


def test_a_number_of_another_day_and_amount_is_another_order_and_told() -> None:
    made = facts(orders((1, 5, 100), (2, 6, 100)), orders((1, 20, 900)))
    assert value(made, "orders") == 3
    assert Evaluation(made, None).input("revenue").value == 1100
    assert one(made, "numbers_again").values["n"] == 1


def test_a_number_of_the_same_day_and_another_amount_is_refused() -> None:
    made = facts(orders((1, 5, 100), (2, 6, 100)), orders((1, 5, 900)))
    assert value(made, "orders") is None
    assert said(made) == ["files_contradict"]


def test_an_order_changed_among_many_is_a_correction() -> None:
    many = [(n, 5, 100 + n) for n in range(1, 12)]
    made = facts(orders(*many), orders((1, 5, 10), *many[1:]))
    assert Evaluation(made, None).input("revenue").value == sum(t for *_, t in many) - 101 + 10
    assert one(made, "files_overlap").values["changed"] == 1


# --- halves with other columns


def test_halves_of_a_shop_with_other_columns_are_one_shop() -> None:
    """Days 1 to 3 with a source, 3 to 5 without; the order of day 3 is in both: five orders."""
    first = orders((1, 1, 10), (2, 2, 10), (3, 3, 10), more=",Source")
    second = orders((3, 3, 10), (4, 4, 10), (5, 5, 10))
    made = facts(first, second)
    assert value(made, "orders") == 5
    assert Evaluation(made, None).input("revenue").value == 50
    assert said(made) == ["files_overlap"]


def test_halves_of_an_account_with_other_columns_are_one_account() -> None:
    first = daily("Channel,Clicks", rows={1: ("ppc", 10), 2: ("ppc", 20)})
    made = facts(first, days({3: 40, 4: 50}, "Clicks"))
    assert Evaluation(made, None).input("clicks").value == 120


def test_tables_that_agree_where_they_meet_are_joined() -> None:
    first = daily("Channel,Clicks", rows={1: ("ppc", 10), 2: ("ppc", 20)})
    made = facts(first, days({2: 20, 3: 40}, "Clicks"))
    assert Evaluation(made, None).input("clicks").value == 70


@pytest.mark.parametrize("source", ["ga4", "table"])
def test_tables_that_disagree_where_they_meet_are_told_though_their_days_differ(
    source: str,
) -> None:
    """100 a day by channel for three days, 300 a day for two of them: whose?"""
    fine = daily("Channel,Sessions", rows=dict.fromkeys((1, 2, 3), ("ppc", 100)))
    made = combine([
        export("a", fine, source=source), export("b", days({1: 300, 2: 300}), source=source)
    ])  # fmt: skip
    found = values(made, "sessions")
    assert found.total("sessions").value is None
    told = next(finding for finding in found.findings if finding.code == "streams_disagree")
    assert (told.severity, told.values["told"], told.values["other"]) == (Severity.ERROR, 200, 600)


def test_days_that_only_the_table_not_heard_has_are_told() -> None:
    fine = daily("Channel,Sessions", rows=dict.fromkeys((1, 2, 3), ("ppc", 110)))
    made = combine([
        export("a", fine, source="ga4"), export("b", days({3: 100, 4: 100}), source="ga4")
    ])  # fmt: skip
    found = values(made, "sessions")
    assert found.total("sessions").value == 330
    told = next(finding for finding in found.findings if finding.code == "days_of_other_tables")
    assert told.values["days"] == "2026-10-04..2026-10-04"


# --- another system of the family

DEALS = daily("Orders,Revenue", rows={1: (5, 500)})


def test_a_second_shop_that_is_not_heard_is_told_once() -> None:
    made = combine([
        export("a", DEALS, source="shopify"), export("b", DEALS + "0", source="woocommerce")
    ])  # fmt: skip
    found = values(made, "aov", "orders")
    told = [finding for finding in found.findings if finding.code == "sources_disagree"]
    assert [(own.where, own.severity) for own in told] == [("sales", Severity.WARNING)]
    assert (told[0].values["told"], told[0].values["figure"]) == (500, 5000)
    assert {told[0].values["source"], told[0].values["other"]} == {"shopify", "woocommerce"}
    chosen = values(made, "aov", settings=Settings(sources={"sales": "woocommerce"}))
    assert "sources_disagree" not in codes(chosen)


@pytest.mark.parametrize("other", ["ga4", "metrika"])
def test_counters_that_differ_from_the_shop_are_no_news(other: str) -> None:
    made = combine([
        export("a", DEALS, source="shopify"), export("b", DEALS + "0", source=other)
    ])  # fmt: skip
    assert codes(values(made, "aov", "orders")) == set()


def test_a_registry_of_payments_knows_no_orders_so_the_shop_speaks() -> None:
    paid = daily('"Paid orders","Paid revenue"', rows={1: (4, 400)})
    made = combine([export("p", paid, source="yookassa"), export("s", DEALS, source="shopify")])
    assert Evaluation(made, None).input("orders").sources == ("shopify",)
    alone = combine([export("p", paid, source="yookassa")])
    assert Evaluation(alone, None).input("paid_revenue").value == 400


# --- logs

LOG = "user_id,event,timestamp\n"


def test_a_log_cut_at_noon_is_put_together() -> None:
    """User 1 buys in the morning and looks in the evening: one session, with both steps."""
    morning = LOG + "1,purchase,2026-10-01 09:00\n2,view,2026-10-01 09:10"
    evening = LOG + "1,view,2026-10-01 15:00\n3,purchase,2026-10-01 16:00"
    made = facts(morning, evening)
    evaluation = Evaluation(made, None)
    assert evaluation.input("sessions").value == 3
    assert evaluation.input("orders").value == 2
    assert evaluation.input("product_views").value == 2
    assert "sessions_go_on" in said(made)


def test_a_log_downloaded_again_counts_once() -> None:
    morning = LOG + "1,view,2026-10-01 09:00"
    made = facts(morning, morning + "\n1,purchase,2026-10-01 15:00")
    evaluation = Evaluation(made, None)
    assert (evaluation.input("sessions").value, evaluation.input("orders").value) == (1, 1)
    assert said(made) == ["files_overlap"]
