"""Where people are lost between the first visit and the last step."""

from fractions import Fraction

import hypothesis
import pytest
from hypothesis import strategies as st
from scipy.stats import binomtest

from kpi_core import catalogue
from kpi_core.errors import UsageError
from kpi_core.funnel import Counting, Funnel, countable, funnel, offered
from kpi_core.kpis import Settings
from kpi_core.leaks import by_segment
from kpi_core.model import Adds, Kind, Period, Stages, Unit, parse_period
from kpi_core.stages import own_funnel
from tests.core.small import daily, facts

SHOP = catalogue.business("shop")
STEPS = "Sessions,Product views,Carts,Checkouts,Orders"


def counted(*counts: object) -> Funnel:
    return funnel(facts(daily(STEPS, rows={1: counts})), SHOP)


def test_each_step_has_its_rate_of_the_step_before_and_of_the_first() -> None:
    """1000 visits, 400 views, 100 carts, 30 checkouts, 17 orders."""
    made = counted(1000, 400, 100, 30, 17)
    stages = made.stages[:5]
    assert [stage.count for stage in stages] == [1000, 400, 100, 30, 17]
    assert [stage.step_rate for stage in stages] == [
        None, Fraction(2, 5), Fraction(1, 4), Fraction(3, 10), Fraction(17, 30)
    ]  # fmt: skip
    assert [stage.total_rate for stage in stages] == [
        1, Fraction(2, 5), Fraction(1, 10), Fraction(3, 100), Fraction(17, 1000)
    ]  # fmt: skip


def test_the_leakiest_step_keeps_the_smallest_share() -> None:
    leak = counted(1000, 400, 100, 30, 17).leakiest
    assert leak is not None
    assert leak.stage.id == "carts"


def test_a_step_rate_has_wilsons_interval() -> None:
    stage = counted(1000, 400, 100, 30, 17).stages[1]
    expected = binomtest(400, 1000).proportion_ci(0.95, method="wilson")
    assert (stage.low, stage.high) == pytest.approx((expected.low, expected.high))


def test_a_stage_larger_than_the_one_before_is_a_finding_not_a_rate() -> None:
    made = counted(1000, 400, 500, 30, 17)
    carts = made.stages[2]
    assert (carts.step_rate, carts.total_rate) == (None, Fraction(1, 2))
    (finding,) = made.findings
    assert (finding.code, finding.where) == ("stage_grows", "carts")
    assert "500" in finding.text("ru")
    assert "400" in finding.text("ru")


def test_numbers_in_a_finding_are_written_as_in_its_language() -> None:
    (finding,) = counted(5000, 1000, 2000, 30, 17).findings
    assert "2\N{NO-BREAK SPACE}000" in finding.text("ru")
    assert "2,000" in finding.text("en")


def test_a_stage_nobody_counted_is_skipped() -> None:
    """Without carts the checkouts are a share of the views."""
    table = daily("Sessions,Product views,Checkouts,Orders", rows={1: (1000, 400, 30, 17)})
    made = funnel(facts(table), SHOP)
    carts, checkouts = made.stages[2:4]
    assert (carts.count, carts.step_rate, carts.total_rate) == (None, None, None)
    assert checkouts.step_rate == Fraction(30, 400)


def test_a_stage_where_nobody_was_left_gives_no_later_rate() -> None:
    made = counted(1000, 400, 0, 0, 0)
    assert made.stages[2].step_rate == 0
    assert [stage.step_rate for stage in made.stages[3:5]] == [None, None]
    assert [stage.total_rate for stage in made.stages[3:5]] == [0, 0]


def test_nothing_counted_is_no_funnel() -> None:
    made = funnel(facts("Date,Comments\n2026-10-01,5"), SHOP)
    assert made.leakiest is None
    assert all(stage.count is None for stage in made.stages)


def test_a_step_between_two_systems_is_counted_within_the_one_that_knows_both_ends() -> None:
    """GA4: 1000 sessions, 100 carts, 17 orders. The shop: 12 orders, 10 of them paid.

    10 of GA4's 17 would be 59 %; the shop's own 10 of 12 is 83 %.
    """
    ga4 = (
        "# Start date: 20261001\n# End date: 20261001\n"
        "Date,Sessions,Add to carts,Ecommerce purchases\n20261001,1000,100,17"
    )
    states = ["paid"] * 10 + ["pending"] * 2
    rows = [f"#{n},{s},RUB,100,2026-10-01 12:00:00 +0300,1" for n, s in enumerate(states)]
    heading = "Name,Financial Status,Currency,Total,Created at,Lineitem quantity"
    made = funnel(facts(ga4, "\n".join([heading, *rows])), SHOP)
    paid = made.stages[-1]
    assert (paid.sources, paid.count, paid.whole) == (("shopify",), 10, 12)
    assert paid.step_rate == Fraction(10, 12)
    assert paid.total_rate == Fraction(17, 1000) * Fraction(10, 12)
    assert "funnel_mixes_sources" in {finding.code for finding in made.findings}


def test_a_step_between_systems_that_share_no_stage_has_no_interval() -> None:
    ga4 = "# Start date: 20261001\n# End date: 20261001\nDate,Sessions\n20261001,1000"
    crm = "ID,Название сделки,Этап сделки,Дата создания сделки\n" + "\n".join(
        f"{n},Сделка,Переговоры,01.10.2026 10:00:00" for n in range(20)
    )
    made = funnel(facts(ga4, crm), catalogue.business("corporate"))
    leads = next(stage for stage in made.stages if stage.stage.id == "leads")
    assert leads.step_rate == Fraction(20, 1000)
    assert (leads.low, leads.high) == (None, None)


def test_a_month_of_orders_under_a_year_of_visits_is_no_funnel() -> None:
    year = "\n".join(["Month,Sessions"] + [f"2026-{month:02},1000" for month in range(1, 11)])
    made = funnel(facts(year, daily("Orders", rows={1: (50,)})), SHOP)
    assert [stage.count for stage in made.stages if stage.stage.id == "orders"] == [None]
    assert "covers_less" in {finding.code for finding in made.findings}


def test_a_stage_stated_by_hand_is_heard() -> None:
    stated = Settings(given={"orders": Fraction(20)})
    made = funnel(facts(daily(STEPS, rows={1: (1000, 400, 100, 30, 17)})), SHOP, settings=stated)
    assert made.stages[4].count == 20
    assert made.stages[3].sources == ("table",)


def test_a_period_takes_its_own_days() -> None:
    rows = {1: (10, 5, 4, 3, 2), 2: (100, 50, 40, 30, 20)}
    asked = parse_period("2026-10-02..2026-10-02")
    made = funnel(facts(daily(STEPS, rows=rows)), SHOP, asked)
    assert [stage.count for stage in made.stages[:5]] == [100, 50, 40, 30, 20]
    assert made.period == asked


@pytest.mark.parametrize("business", catalogue.businesses())
def test_every_business_has_a_funnel_of_its_own(business: str) -> None:
    type_ = catalogue.business(business)
    columns = ",".join(catalogue.measure(stage.measure).synonyms[-1] for stage in type_.stages)
    counts = tuple(10**6 // 2**step for step in range(len(type_.stages)))
    made = funnel(facts(daily(columns, rows={1: counts})), type_)
    assert [stage.count for stage in made.stages] == list(counts)
    assert {stage.step_rate for stage in made.stages[1:]} == {Fraction(1, 2)}


# --- what one of a count is


def test_a_report_of_ga4_counts_events_beside_sessions_and_says_so() -> None:
    """Goods seen 400 times in 1000 visits are no share of visits: no interval, and a finding."""
    ga4 = (
        "# Start date: 20261001\n# End date: 20261001\n"
        "Date,Sessions,Items viewed,Add to carts,Ecommerce purchases\n20261001,1000,400,100,17"
    )
    made = funnel(facts(ga4), SHOP)
    sessions, views, carts, _, orders, _ = made.stages
    assert [stage.kind for stage in (sessions, views, carts, orders)] == [
        Kind.SESSIONS, Kind.EVENTS, Kind.EVENTS, Kind.RECORDS
    ]  # fmt: skip
    assert (views.step_rate, views.tries, views.low) == (Fraction(2, 5), False, None)
    assert carts.tries
    assert carts.low is not None
    (finding,) = [found for found in made.findings if found.code == "funnel_mixes_kinds"]
    assert "Product view" in finding.text("en")


def test_a_report_of_events_by_name_counts_their_sessions() -> None:
    ga4 = (
        "# ----\n# example.test\n# Free form\n# 20261001-20261001\n# ----\n\n"
        "Date,Event name,Event count,Sessions,Total users\n"
        "20261001,session_start,100,100,90\n20261001,add_to_cart,25,10,9\n"
    )
    carts = funnel(facts(ga4), SHOP).stage("carts")
    assert carts is not None
    assert (carts.count, carts.kind) == (10, Kind.SESSIONS)


# --- which stages


def test_stages_of_ones_own_have_their_order_and_names() -> None:
    own = own_funnel(SHOP, ["sessions", "orders=Sold", "carts"])
    assert [(stage.id, stage.name["en"]) for stage in own.stages] == [
        ("sessions", "Sessions"), ("orders", "Sold"), ("carts", "Cart")
    ]  # fmt: skip
    made = Counting(facts(daily(STEPS, rows={1: (1000, 400, 100, 30, 17)})), own).of()
    assert [stage.count for stage in made.stages] == [1000, 17, 100]
    assert [finding.code for finding in made.findings] == ["stage_grows"]


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (["sessions", "spend"], "stage_not_a_count"),
        (["sessions", "users"], "stage_not_a_count"),  # people of several days do not add up
        (["sessions", "sessions"], "stage_twice"),
        (["sessions"], "too_few_stages"),
        ([], "too_few_stages"),
        (["sessions", "nosuch"], "unknown_measure"),
    ],
)
def test_stages_that_make_no_funnel_are_told(wanted: list[str], code: str) -> None:
    with pytest.raises(UsageError) as raised:
        own_funnel(SHOP, wanted)
    assert raised.value.code == code


def test_only_funnels_that_the_files_count_are_offered() -> None:
    made = facts(daily("Sessions,Carts,Orders", rows={1: (100, 10, 5)}))
    assert [stages.id for stages in offered(made, SHOP)] == ["main", "classic", "checkout"]
    assert set(countable(made)) == {"sessions", "carts", "orders"}
    assert offered(facts("Date,Comments\n2026-10-01,5"), SHOP) == ()


def test_who_saw_is_counted_by_what_the_channel_tells() -> None:
    """No impressions of an advertisement: the letters that arrived are those who saw."""
    mail = "Send Date,Title,Total Recipients,Successful Deliveries,Unique Opens\n"
    mail += '"Oct 01, 2026 09:46 am",October,1000,900,200\n'
    made = Counting(facts(mail, daily("Sessions", rows={1: (100,)})), named("classic")).of()
    assert [stage.measure for stage in made.counted] == ["delivered", "sessions"]
    assert made.counted[1].step_rate == Fraction(100, 900)
    assert not made.counted[1].tries


# --- of whom


def named(id: str) -> Stages:
    return next(made for made in SHOP.funnels if made.id == id)


BY_CHANNEL = """
    Date,Channel,Sessions,Carts,Orders
    2026-09-01,email,900,300,90
    2026-09-01,direct,1000,100,20
    2026-10-01,email,1000,300,100
    2026-10-01,direct,2000,200,40
    2026-10-01,organic,1000,100,50
"""
OCTOBER = parse_period("2026-10-01..2026-10-01")


def cut(period: Period | None = OCTOBER) -> Counting:
    return Counting(facts(BY_CHANNEL), SHOP.funnels[0], period, by="channel")


def counts(made: Funnel) -> list[Fraction | None]:
    return [stage.count for stage in made.counted]


def test_a_part_and_all_the_others_are_counted_apart() -> None:
    counting = cut()
    assert counting.slices() == ("direct", "email", "organic")
    assert counts(counting.of("email")) == [1000, 300, 100]
    assert counts(counting.others("email")) == [3000, 300, 90]
    assert counts(counting.of("email", "organic")) == [2000, 400, 150]
    assert counting.of("email").overall == Fraction(1, 10)


def test_the_month_before_is_counted_for_the_same_part() -> None:
    rows = ["Date,Channel,Sessions,Orders"]
    rows += [f"2026-09-{day:02},email,10,{day % 2}" for day in range(1, 31)]
    rows += [f"2026-10-{day:02},email,20,1" for day in range(1, 11)]
    made = facts("\n".join(rows))
    before = Counting(made, SHOP.funnels[0], parse_period("2026-10"), by="channel").before(
        "previous"
    )
    assert before is not None
    assert counts(before.of("email")) == [100, 5]  # ten days of September beside ten of October
    assert str(before.of("email").period) == "2026-09-01..2026-09-10"


def test_a_channel_without_a_deal_in_the_log_has_none() -> None:
    """Leads of the search only: e-mail brought none, which is a figure, and no missing one."""
    visits = "Date,Channel,Sessions\n2026-10-01,email,100\n2026-10-01,organic,200"
    crm = "ID,Название сделки,Этап сделки,Дата создания сделки,utm_source,utm_medium\n" + "\n".join(
        f"{n},Сделка,Переговоры,01.10.2026 10:00:00,google,organic" for n in range(20)
    )
    stages = own_funnel(catalogue.business("corporate"), ["sessions", "leads"])
    counting = Counting(facts(visits, crm), stages, by="channel")
    assert counts(counting.of("email")) == [100, 0]
    assert counts(counting.of("organic")) == [200, 20]


def test_an_unknown_part_is_told_with_what_there_is() -> None:
    with pytest.raises(UsageError, match="email"):
        cut().part("emial")


def test_what_only_one_part_has_cannot_be_set_against_others() -> None:
    table = "Date,Channel,Sessions,Orders\n2026-10-01,email,100,5"
    counting = Counting(facts(table), SHOP.funnels[0], by="channel")
    with pytest.raises(UsageError) as raised:
        counting.others("email")
    assert raised.value.code == "no_other_part"
    assert by_segment(counting).parts[0].steps == ()


@hypothesis.given(
    st.dictionaries(
        st.sampled_from(["email", "direct", "organic", "social", "referral"]),
        st.tuples(*[st.integers(0, 5000)] * 3),
        min_size=2,
    )
)
def test_a_part_and_the_others_make_the_whole(rows: dict[str, tuple[int, int, int]]) -> None:
    table = ["Date,Channel,Sessions,Carts,Orders"]
    table += [f"2026-10-01,{slice},{a},{b},{c}" for slice, (a, b, c) in rows.items()]
    counting = Counting(facts("\n".join(table)), SHOP.funnels[0], by="channel")
    for slice in rows:
        own, others = counting.of(slice), counting.others(slice)
        both = [
            (a.count or 0) + (b.count or 0)
            for a, b in zip(own.stages, others.stages, strict=True)
        ]  # fmt: skip
        sums = [sum(column) for column in zip(*rows.values(), strict=True)]
        assert [both[0], both[2], both[4]] == sums
        for stage in own.steps:
            assert 0 <= (stage.step_rate or 0) <= 1
            if stage.low is not None and stage.high is not None:
                assert stage.low - 1e-9 <= float(stage.step_rate or 0) <= stage.high + 1e-9


EVERY = [made for type_ in catalogue.businesses().values() for made in type_.funnels]


@pytest.mark.parametrize("stages", EVERY, ids=[made.id for made in EVERY])
def test_every_funnel_of_the_catalogue_has_stages_that_add_up_and_say_what_they_count(
    stages: Stages,
) -> None:
    assert len(stages.stages) >= 2
    assert len({stage.id for stage in stages.stages}) == len(stages.stages)
    for stage in stages.stages:
        assert stage.name["ru"]
        assert stage.name["en"]
        for id in (stage.measure, *stage.otherwise):
            measure = catalogue.measure(id)
            assert (measure.unit, measure.adds) == (Unit.COUNT, Adds.SUM)
            assert measure.kind is not None


@pytest.mark.parametrize("business", catalogue.businesses())
def test_every_type_has_the_four_classic_stages(business: str) -> None:
    (classic,) = [made for made in catalogue.business(business).funnels if made.id == "classic"]
    named = [stage.id for stage in classic.stages]
    assert named == ["awareness", "interest", "decision", "action"]
