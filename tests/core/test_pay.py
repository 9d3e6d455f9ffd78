"""From a value to attainment, to a score, to a coefficient, to money."""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kpi_core import catalogue, words
from kpi_core.errors import PlanError
from kpi_core.facts import combine
from kpi_core.kpis import Settings, Values
from kpi_core.model import Better
from kpi_core.pay import outcome, payout, statement
from kpi_core.plan import Plan, changed
from kpi_core.rules import LITERAL_STEPS, Band, Bands, Goal, Linear, Rule, Step, Steps
from kpi_core.score import ScoredLine, score
from tests.core.small import daily, facts, values

NBSP = "\N{NO-BREAK SPACE}"


def plan(**fields: object) -> Plan:
    """A portal that wants 100 visits and 2 pages each, weighed 3 to 1."""
    usual = {
        "business": "portal",
        "currency": "RUB",
        "lines": [
            {"kpi": "sessions", "target": 100, "weight": 3},
            {"kpi": "page_depth", "target": 2, "weight": 1},
        ],
        "scheme": {"kind": "scorecard", "salary": "1000.00", "fund": "500.00"},
        "partial_period": "pay",
    }
    return Plan.model_validate(usual | fields)


def read(plan: Plan, text: str | None = None, period: str | None = "2026-10") -> Values:
    made = facts(text) if text else combine([])
    return values(made, *plan.kpis(), period=period, settings=plan.settings())


def scored(plan: Plan, text: str | None = None) -> tuple[Fraction | None, list[ScoredLine]]:
    card = score(plan, {row.kpi: row for row in read(plan, text).rows})
    return card.total, list(card.lines)


# --- rules

rising = st.lists(st.decimals(0, 3, places=2), min_size=1, max_size=5, unique=True).map(sorted)
points = st.lists(st.decimals(0, 2, places=2), min_size=6, max_size=6).map(sorted)


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    scores = draw(points)
    if draw(st.booleans()):
        marks = draw(rising)
        steps = tuple(
            Step(at=at, inclusive=draw(st.booleans()), score=got)
            for at, got in zip(marks, scores[1:], strict=False)
        )
        return Steps(steps=steps, below=scores[0])
    marks = draw(st.lists(st.decimals(0, 3, places=2), min_size=3, max_size=3, unique=True))
    floor, target, stretch = sorted(marks)
    return Linear(
        floor=floor, target=target, stretch=stretch,
        floor_score=scores[0], target_score=scores[1], stretch_score=scores[2],
    )  # fmt: skip


fractions = st.fractions(0, 5, max_denominator=1000)


@given(rules(), fractions, fractions)
def test_more_of_a_good_thing_never_scores_less(rule: Rule, one: Fraction, two: Fraction) -> None:
    goal = Goal(kpi="sessions", target=Decimal("1.3"), rule=rule)
    low, high = (goal.score(value, Better.HIGHER) for value in sorted((one, two)))
    assert low is not None
    assert high is not None
    assert low <= high


@given(rules(), fractions, fractions)
def test_less_of_a_bad_thing_never_scores_less(rule: Rule, one: Fraction, two: Fraction) -> None:
    goal = Goal(kpi="cpc", target=Decimal("1.3"), rule=rule)
    low, high = (goal.score(value, Better.LOWER) for value in sorted((one, two)))
    assert low is not None
    assert high is not None
    assert low >= high


@given(rules(), fractions)
def test_a_score_is_between_nothing_and_the_top(rule: Rule, value: Fraction) -> None:
    assert isinstance(rule, Steps | Linear)
    assert 0 <= rule.score(value) <= rule.top()


@pytest.mark.parametrize(
    ("attainment", "expected"),
    [("0.799", "0"), ("0.8", "0.5"), ("0.9", "0.75"), ("1", "1"), ("1.1", "1.25"), ("2", "1.5")],
)
def test_a_linear_rule_goes_from_floor_over_target_to_stretch(
    attainment: str, expected: str
) -> None:
    rule = Linear(stretch_score=Decimal("1.5"))
    assert rule.score(Fraction(attainment)) == Fraction(expected)


def test_a_value_of_zero_where_lower_is_better_passes_every_step() -> None:
    goal = Goal(kpi="cpl", target=Decimal(500))
    assert goal.attainment(Fraction(0), Better.LOWER) is None
    assert goal.score(Fraction(0), Better.LOWER) == 1


def test_bands_around_a_target_of_0_have_no_attainment() -> None:
    bands = Bands(bands=(Band(to=Decimal(1), score=Decimal(1)),))
    goal = Goal(kpi="sessions", target=Decimal(0), rule=bands)
    assert goal.attainment(Fraction(3), Better.HIGHER) is None
    assert goal.score(Fraction(1), Better.HIGHER) == 1


def test_a_negative_value_where_lower_is_better_passes_every_step() -> None:
    assert Goal(kpi="cpl", target=Decimal(500)).score(Fraction(-80), Better.LOWER) == 1


def test_a_missing_value_has_no_score() -> None:
    assert Goal(kpi="cpl", target=Decimal(500)).score(None, Better.LOWER) is None


@pytest.mark.parametrize(
    ("base", "target", "value", "expected"),
    [
        ("1000", "1500", "1250", "0.5"),  # half the way up
        ("1000", "1500", "900", "-0.2"),  # the wrong way
        ("600", "400", "450", "0.75"),  # three quarters of the way down
    ],
)
def test_with_a_base_attainment_is_the_part_of_the_way(
    base: str, target: str, value: str, expected: str
) -> None:
    goal = Goal(kpi="sessions", base=Decimal(base), target=Decimal(target))
    for better in Better:
        assert goal.attainment(Fraction(value), better) == Fraction(expected)


# --- the scorecard


def test_points_are_the_share_of_the_weight_times_the_score() -> None:
    """100 of 100 visits: 0.5; 4 pages of 2: 1. (3 x 0.5 + 1 x 1) / 4 = 0.625."""
    total, lines = scored(plan(), daily("Sessions,Page views", rows={1: (100, 400)}))
    assert [line.points for line in lines] == [Fraction(3, 8), Fraction(1, 4)]
    assert total == Fraction(5, 8)


weights = st.integers(1, 1000)


@given(weights, weights, st.integers(1, 10**6), st.integers(0, 500), st.integers(0, 2000))
def test_only_the_proportion_of_weights_counts(
    one: int, two: int, factor: int, sessions: int, pages: int
) -> None:
    assume(sessions and factor * max(one, two) <= 1_000_000)
    given_ = {"sessions": sessions, "pageviews": pages}

    def weighed(*both: int) -> tuple[Fraction | None, list[ScoredLine]]:
        lines = [
            {"kpi": kpi, "target": target, "weight": weight}
            for (kpi, target), weight in zip(
                (("sessions", 100), ("page_depth", 2)), both, strict=True
            )
        ]
        return scored(plan(lines=lines, facts=given_))

    total, lines = weighed(one, two)
    assert total is not None
    assert total == sum(line.points or 0 for line in lines)
    assert sum(line.share for line in lines) == 1
    assert 0 <= total <= 1
    assert weighed(factor * one, factor * two)[0] == total


SESSIONS_ONLY = daily("Sessions", rows={1: (150,)})


@pytest.mark.parametrize(
    ("missing", "expected"), [("drop", Fraction(1)), ("zero", Fraction(3, 4)), ("block", None)]
)
def test_the_plan_says_what_a_missing_value_does(missing: str, expected: Fraction | None) -> None:
    total, lines = scored(plan(missing=missing), SESSIONS_ONLY)
    assert total == expected
    assert lines[1].judged.score is None


def test_where_everything_is_missing_there_is_no_total() -> None:
    assert scored(plan(missing="drop"))[0] is None
    with pytest.raises(PlanError, match="Total traffic, Page depth"):
        payout(plan(), read(plan()))


# --- money


@given(
    st.decimals(0, 10**9, places=2),
    st.decimals(0, 10**9, places=2),
    st.integers(1, 10**6),
    st.integers(1, 10**6),
)
def test_money_is_rounded_half_up_once_at_the_end(
    salary: Decimal, fund: Decimal, one: int, two: int
) -> None:
    """Sessions score 1, pages 0: the fund times the share of the first weight."""
    made = plan(
        lines=[
            {"kpi": "sessions", "target": 1, "weight": one},
            {"kpi": "page_depth", "target": 9, "weight": two},
        ],
        scheme={"kind": "scorecard", "salary": salary, "fund": fund},
        facts={"sessions": 2, "pageviews": 2},
    )
    due = payout(made, read(made))
    doubled = 2 * int(fund * 100) * one + (one + two)  # whole arithmetic, half up
    bonus = Decimal(doubled // (2 * (one + two))) / 100
    assert due.bonus == bonus
    assert due.pay == (salary + bonus).quantize(Decimal("0.01"), ROUND_HALF_UP)
    assert due.bonus.as_tuple().exponent == -2


def product(**fields: object) -> Plan:
    factors = [{"kpi": "leads", "target": 100}, {"kpi": "cpl", "target": 500}]
    scheme = {"kind": "product", "salary": "30000.00", "factors": factors}
    return plan(business="corporate", scheme=scheme, **fields)


LEADS = daily("Leads,Cost", rows=dict.fromkeys(range(1, 31), (4, 2250)), month="2026-09")


def test_factors_multiply() -> None:
    """120 leads of 100: 1. 67 500 / 120 = 562.50 a lead, 88.9 % of plan: 0.5."""
    due = payout(product(), read(product(), LEADS, "2026-09"))
    assert (due.coefficient, str(due.bonus), str(due.pay)) == (
        Fraction(1, 2), "15000.00", "45000.00"
    )  # fmt: skip


def test_a_missing_factor_stops_the_pay_unless_it_counts_as_zero() -> None:
    leads = daily("Leads", rows={1: (120,)})
    with pytest.raises(PlanError, match="no data for Ad spend"):
        payout(product(), read(product(), leads))
    zero = product(missing="zero")
    due = payout(zero, read(zero, leads))
    assert (str(due.bonus), str(due.pay)) == ("0.00", "30000.00")
    assert any("counts as zero" in entry.text for entry in statement(due, "en"))


def test_an_undefined_factor_says_so() -> None:
    none = daily("Leads,Cost", rows={1: (0, 900)})
    with pytest.raises(PlanError, match="division by zero"):
        payout(product(), read(product(), none))


def test_another_currency_is_refused() -> None:
    euros = daily('Leads,"Cost, EUR"', rows={1: (120, 900)})
    with pytest.raises(PlanError, match="in EUR, the plan in RUB"):
        payout(product(), read(product(), euros))
    card = plan(business="corporate", lines=[{"kpi": "cpl", "target": 9, "weight": 1}])
    with pytest.raises(PlanError, match="in EUR, the plan in RUB"):
        payout(card, read(card, euros))


def test_a_period_that_is_not_over_is_paid_only_if_the_plan_says_so() -> None:
    half = daily("Leads,Cost", rows=dict.fromkeys(range(1, 15), (10, 4000)))
    with pytest.raises(PlanError, match=r"2026-10-01\.\.2026-10-14"):
        payout(product(partial_period="wait"), read(product(), half, "2026-10"))
    told = product(partial_period="pay")
    due = payout(told, read(told, half, "2026-10"))
    assert str(due.bonus) == "30000.00"
    assert any("not over" in entry.text for entry in statement(due, "en"))


OUTAGE = daily(  # 100 visits and 300 pages on 16 of 31 days: the counter was off from the 9th on
    "Sessions,Page views", rows=dict.fromkeys((*range(1, 9), *range(24, 32)), (100, 300))
)


def test_days_that_nobody_counted_are_not_paid_as_zeros() -> None:
    """1600 of 3000 visits would be 53 % and no bonus; 15 days are unknown."""
    visits = plan(lines=[{"kpi": "sessions", "target": 3000, "weight": 1}], partial_period="wait")
    found = read(visits, OUTAGE, "2026-10")
    assert found.total("sessions").value == 1600
    with pytest.raises(PlanError, match="15 days of this period") as raised:
        payout(visits, found)
    assert raised.value.code == "missing_days"
    told = changed(visits, partial_period="pay")
    due = payout(told, found)
    assert str(due.bonus) == "0.00"
    (entry,) = (own for own in statement(due, "en") if "nothing was counted" in own.text)
    assert entry.value.startswith("15 (2026-10-09, ")


def test_a_quotient_is_paid_without_the_days_that_nobody_counted() -> None:
    """4800 pages of 1600 visits are 3 a visit, of 2 that are wanted."""
    depth = plan(lines=[{"kpi": "page_depth", "target": 2, "weight": 1}])
    assert str(payout(depth, read(depth, OUTAGE, "2026-10")).bonus) == "500.00"


def test_a_line_that_weighs_nothing_holds_no_pay_back() -> None:
    visits = {"kpi": "sessions", "target": 3000, "weight": 0}
    both = plan(lines=[visits, {"kpi": "page_depth", "target": 2, "weight": 1}])
    both = both.with_targets({"2026-Q4": {"sessions": Decimal(9000)}})
    assert str(payout(both, read(both, OUTAGE, "2026-10")).bonus) == "500.00"


def test_what_was_gained_on_earlier_days_is_short_of_the_days_that_nobody_counted() -> None:
    """Of 31 days 15 are unknown, however many days of September stand beside the others."""
    grown = {"formula": "sessions - previous(sessions)", "name": "Gain"}
    lines = [{"kpi": "growth", "target": 1, "weight": 1}]
    own = plan(own={"growth": grown}, lines=lines, partial_period="wait")
    before = daily("Sessions", rows=dict.fromkeys(range(1, 31), (100,)), month="2026-09")
    found = values(facts(before, OUTAGE), *own.kpis(), period="2026-10", settings=own.settings())
    with pytest.raises(PlanError, match="nothing was counted"):
        payout(own, found)


def test_without_a_period_no_more_than_a_month_is_paid() -> None:
    """60 visits of September and 60 of October are 120, of 100 that are wanted of a month."""
    visits = plan(lines=[{"kpi": "sessions", "target": 100, "weight": 1}])
    months = [daily("Sessions", rows=dict.fromkeys(range(1, days + 1), (2,)), month=month)
              for month, days in (("2026-09", 30), ("2026-10", 30))]  # fmt: skip
    both = facts(*months)
    unasked = values(both, *visits.kpis(), settings=visits.settings())
    assert unasked.total("sessions").value == 120
    with pytest.raises(PlanError, match="--period 2026-10") as raised:
        payout(visits, unasked)
    assert raised.value.code == "period_needed"
    assert [told.code for told in visits.remarks(unasked)] == ["no_period_asked"]
    september = values(both, *visits.kpis(), period="2026-09", settings=visits.settings())
    assert str(payout(visits, september).bonus) == "0.00"
    assert visits.remarks(september) == ()
    alone = values(facts(months[0]), *visits.kpis(), settings=visits.settings())
    assert str(payout(visits, alone).bonus) == "0.00"


def test_a_quarter_is_paid_by_the_targets_of_its_months() -> None:
    """100, 110 and 120 visits are 330; 329 of them are a half, though far above the target of 5."""
    months = {"2026-10": 100, "2026-11": 110, "2026-12": 120}
    visits = plan(
        per="quarter",
        lines=[{"kpi": "sessions", "target": 5, "weight": 1}],
        targets={month: {"sessions": target} for month, target in months.items()},
        facts={"sessions": 329},
    )

    def paid(made: Plan, period: str) -> str:
        return str(payout(made, read(made, None, period)).bonus)

    assert paid(visits, "2026-Q4") == "250.00"
    assert paid(changed(visits, facts={"sessions": 331}), "2026-Q4") == "500.00"
    for period in ("2026-09-01..2026-11-30", "2026-Q4"):
        wanted = visits.targets if period != "2026-Q4" else {"2026-10": {"sessions": 100}}
        with pytest.raises(PlanError, match=r"targets for other days .*2026-10") as raised:
            paid(changed(visits, targets=wanted), period)
        assert raised.value.code == "targets_of_other_days"
    assert paid(visits, "2026-Q2") == "500.00", "no target of a period meets it"


def test_sums_of_one_length_are_not_paid_for_a_period_of_another() -> None:
    depth = plan(lines=[{"kpi": "page_depth", "target": 2, "weight": 1}], facts={"page_depth": 3})
    lengths = {"month": "2026-08", "quarter": "2026-Q3", "year": "2026-01-01..2026-12-31"}
    for per in lengths:
        for length, period in {**lengths, "fortnight": "2026-10-01..2026-10-14"}.items():
            made = changed(depth, per=per)
            if length == per:
                assert str(payout(made, read(made, None, period)).bonus) == "500.00"
                continue
            with pytest.raises(PlanError, match="of another length") as raised:
                payout(made, read(made, None, period))
            assert raised.value.code == "sums_of_other_length"
    quarterly = changed(depth, period="2026-Q3", facts={})
    fortnight = changed(depth, period="2026-10-01..2026-10-14")
    assert str(payout(fortnight, read(fortnight, None, fortnight.period)).bonus) == "500.00"
    with pytest.raises(PlanError, match="of another length"):
        payout(quarterly, read(quarterly, None, "2026-07"))


def test_a_part_of_a_month_that_nobody_asked_for_is_not_paid_as_a_month() -> None:
    both = plan(facts={})
    found = read(both, daily("Sessions,Page views", rows={1: (100, 400), 2: (100, 400)}), None)
    with pytest.raises(PlanError, match="no period is chosen"):
        payout(both, found)


def test_figures_stated_for_one_period_pay_no_other() -> None:
    stated = plan(period="2026-07", facts={"sessions": 5000, "page_depth": 9})
    assert str(payout(stated, read(stated, None, "2026-07")).bonus) == "500.00"
    with pytest.raises(PlanError, match="stated in the plan are for 2026-07") as raised:
        payout(stated, read(stated, None, "2026-10"))
    assert raised.value.code == "facts_of_other_days"


def test_an_outcome_tells_what_cannot_be_paid() -> None:
    made = outcome(plan(missing="block"), read(plan(missing="block"), SESSIONS_ONLY))
    assert (made.total, made.paid) == (None, None)
    assert made.blocked is not None
    assert made.blocked.code == "nothing_to_pay_for"


# --- the statement


def lines_of(plan: Plan, text: str | None, lang: str) -> list[str]:
    due = payout(plan, read(plan, text, "2026-09" if text is LEADS else "2026-10"))
    return [f"{entry.text} = {entry.value}" for entry in statement(due, lang)]


def test_the_statement_derives_the_pay_in_english() -> None:
    said = lines_of(product(), LEADS, "en")
    assert said[0] == "Period = September 2026"
    assert said[1] == "Figures from files = 1.csv (30 rows)"
    assert said[2].startswith("Leads: target 100, actual 120; attainment = actual / target.")
    assert said[2].endswith("= 120.0%")
    assert said[3] == "k1 (Leads): above 100% = 1"
    assert f"target RUB{NBSP}500.00, actual RUB{NBSP}562.50; lower is better" in said[4]
    assert said[4].endswith("= 88.9%")
    assert said[5].endswith("= 0.5")
    assert said[-4] == "Total coefficient: 1 × 0.5 = 0.5"
    assert said[-3] == f"Salary: RUB{NBSP}30,000.00 = RUB{NBSP}30,000.00"
    assert said[-2] == f"Bonus: 0.5 × salary RUB{NBSP}30,000.00 = RUB{NBSP}15,000.00"
    assert said[-1].endswith(f"= RUB{NBSP}45,000.00")


def test_the_statement_derives_the_pay_in_russian() -> None:
    said = lines_of(product(), LEADS, "ru")
    assert said[0] == "Период = сентябрь 2026"
    assert said[1] == "Данные из файлов = 1.csv (30 строк)"
    assert said[2].startswith("Лиды: план 100, факт 120; выполнение = факт / план.")
    assert f"план 500,00{NBSP}₽, факт 562,50{NBSP}₽; меньше – лучше" in said[4]
    assert said[-2] == f"Премия: 0,5 × оклад 30{NBSP}000,00{NBSP}₽ = 15{NBSP}000,00{NBSP}₽"
    assert said[-1].endswith(f"= 45{NBSP}000,00{NBSP}₽")


def test_the_statement_of_a_scorecard_shows_shares_and_points() -> None:
    said = lines_of(plan(), daily("Sessions,Page views", rows={1: (100, 400)}), "en")
    assert any("75% × score 0.5" in line and line.endswith("= 0.3750") for line in said)
    assert any("25% × score 1" in line and line.endswith("= 0.2500") for line in said)
    assert "Total score = 0.6250" in said
    assert said[-2].endswith(f"= RUB{NBSP}312.50")


def test_a_line_that_is_capped_is_told() -> None:
    """150 of 100 visits score 1.5 by the rule; the plan counts 1 of it."""
    rule = Linear(stretch=Decimal("1.5"), stretch_score=Decimal("1.5")).model_dump()
    line = {"kpi": "sessions", "target": 100, "weight": 1, "rule": rule}
    capped = lines_of(plan(lines=[line], over="capped"), SESSIONS_ONLY, "en")
    (told,) = (said for said in capped if "nothing above 1" in said)
    assert "score 1 (" in told
    assert "score 1.5" in told
    assert told.endswith("= 1.0000")
    assert not any("nothing above" in s for s in lines_of(plan(lines=[line]), SESSIONS_ONLY, "en"))


def test_a_dropped_line_is_told() -> None:
    assert any("left out and its weight shared" in s for s in lines_of(plan(), SESSIONS_ONLY, "en"))


def test_a_base_is_part_of_the_derivation() -> None:
    based = plan(lines=[{"kpi": "sessions", "base": 100, "target": 200, "weight": 1}])
    said = lines_of(based, daily("Sessions", rows={1: (190,)}), "en")
    assert (
        "base 100, target 200, actual 190; attainment = (actual − base) / (target − base)"
        in said[3]
    )
    assert said[3].endswith("= 90.0%")


def test_bands_are_derived_from_the_value() -> None:
    bands = Bands(bands=(Band(to=Decimal("0.04"), score=Decimal(1)),)).model_dump()
    made = plan(
        lines=[{"kpi": "bounce_rate", "weight": 1, "rule": bands}], facts={"bounce_rate": "0.0401"}
    )
    said = lines_of(made, None, "en")
    assert "= 4.01%" in said[1]
    assert "more than that" in said[2]


def test_a_stated_kpi_says_that_it_comes_from_the_plan() -> None:
    stated = plan(facts={"page_depth": 3}, missing="zero")
    assert any("from the plan" in line for line in lines_of(stated, None, "en"))


@pytest.mark.parametrize("lang", ["ru", "en"])
@pytest.mark.parametrize("hair", [Fraction(1, 10**5), Fraction(1, 10**12)])
def test_a_hair_below_80_percent_is_never_printed_as_80(lang: str, hair: Fraction) -> None:
    shown = words.attainment(Fraction(8, 10) - hair, LITERAL_STEPS, lang)
    assert shown.startswith(("79", "<"))


# --- rules in words


@given(rules(), fractions)
def test_what_is_said_of_a_score_is_what_was_scored(rule: Rule, attainment: Fraction) -> None:
    kpi = catalogue.kpi("sessions")
    assert isinstance(rule, Steps | Linear)
    landed = words.landed(rule, kpi, attainment, "en")
    said = dict(words.segments(rule, kpi, "en"))
    if isinstance(rule, Steps):
        assert said[landed] == words.coefficient(rule.score(attainment), "en")
    else:
        assert landed in said or landed.startswith("on the line")


def test_settings_of_a_plan_speak_its_currency() -> None:
    assert plan(facts={"spend": 5}).settings() == Settings(
        given={"spend": Fraction(5)}, currency="RUB"
    )


def test_a_monthly_target_is_not_held_against_a_quarter_nor_against_a_week() -> None:
    """300 visits in each of three months, and a target of 100: of which of them?"""
    rows = "\n".join(f"2026-{month:02}-{day:02},10" for month in (7, 8, 9) for day in range(1, 31))
    visits = facts(f"Date,Sessions\n{rows}\n2026-07-31,0\n2026-08-31,0")
    wanting = plan(lines=[{"kpi": "sessions", "target": 100, "weight": 1}])
    for period, bonus in (("2026-Q3", 500), ("2026-08-03..2026-08-09", 0)):
        found = values(visits, "sessions", period=period, settings=wanting.settings())
        with pytest.raises(PlanError, match="of another length"):
            payout(wanting, found)
        assert "targets_of_a_month" in {remark.code for remark in wanting.remarks(found)}
        # A plan that names the period has its target for it: 900 and 70 of 100.
        assert payout(changed(wanting, period=period), found).bonus == bonus
    assert payout(wanting, values(visits, "sessions", period="2026-08")).bonus == 500
