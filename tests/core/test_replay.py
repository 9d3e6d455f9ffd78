"""Rules over the past: every month as its pay slip, what they come to, and what they will cost."""

import json
import math
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from kpi_core import catalogue
from kpi_core.charts import pay_steps, profit_bars
from kpi_core.cli import main
from kpi_core.drivers import calibrate, profit_after_ads
from kpi_core.errors import PlanError
from kpi_core.facts import Facts, combine
from kpi_core.ingest import read
from kpi_core.kpis import Evaluation, kpi_values
from kpi_core.model import Period, month_of, parse_period
from kpi_core.pay import payout
from kpi_core.plan import Plan, changed, default_plan
from kpi_core.replay import (
    LEVEL,
    Correlation,
    budget,
    budget_said,
    correlation,
    figures,
    replay,
)
from tests.core.small import facts

SAMPLES = Path(__file__).parent.parent.parent / "sample_data"


def plan(**fields: object) -> Plan:
    """A portal that wants 310 visits a month: above that 500, from 80 % on half of it."""
    usual = {
        "business": "portal",
        "currency": "RUB",
        "lines": [{"kpi": "sessions", "target": 310, "weight": 1}],
        "scheme": {"kind": "scorecard", "salary": "1000.00", "fund": "500.00"},
    }
    return Plan.model_validate(usual | fields)


def table(heading: str, rows: Mapping[str, tuple[object, ...]], days: int = 31) -> str:
    """A table of days: month to the figures of each of its days; of the last only so many days."""
    lines = [f"Date,{heading}"]
    for word, each in rows.items():
        month = parse_period(word)
        length = days if word == max(rows) else month.days
        for step in range(min(length, month.days)):
            day = month.first + timedelta(step)
            lines.append(f"{day},{','.join(map(str, each))}")
    return "\n".join(lines)


# 310 of 310 visits is 100 %: half. 336 is more: all. 217 is 70 %: nothing. April has ten days only.
VISITS = {"2026-01": (10,), "2026-02": (12,), "2026-03": (7,), "2026-04": (99,)}


def visits() -> Facts:
    return facts(table("Sessions", VISITS, days=10))


# --- by month


def test_every_whole_month_is_paid_and_a_begun_one_is_named() -> None:
    found = replay(visits(), {"A": plan()})
    assert [str(month.first) for month in found.months] == [
        "2026-01-01",
        "2026-02-01",
        "2026-03-01",
    ]
    assert [str(own.paid.pay) for own in found.rules[0].outcomes if own.paid] == [
        "1250.00", "1500.00", "1000.00"
    ]  # fmt: skip
    assert found.left_out == (parse_period("2026-04"),)
    assert [finding.code for finding in found.findings] == ["replay_left_out", "replay_no_profit"]
    assert "2026-04" in found.findings[0].text("en")


def test_a_rule_is_summed_up_by_hand() -> None:
    """Deviations from the mean of 1250 are 0, 250 and -250: (250² + 250²) / 2 = 250²."""
    found = replay(visits(), {"A": plan()}).rules[0].summary
    assert found is not None
    assert (found.months, str(found.total), str(found.bonus)) == (3, "3750.00", "750.00")
    assert (found.mean, found.spread, found.variation) == (1250, 250.0, 0.2)
    assert (found.at_zero, found.at_full) == (1, 1)
    assert found.profit is None
    assert found.budget is None


def test_several_rules_stand_side_by_side() -> None:
    easier = plan(lines=[{"kpi": "sessions", "target": 200, "weight": 1}])
    found = replay(visits(), {"A": plan(), "B": easier})
    assert [own.name for own in found.rules] == ["A", "B"]
    assert [own.summary.total if own.summary else None for own in found.rules] == [3750, 4500]


def test_only_the_months_within_are_looked_at() -> None:
    found = replay(visits(), {"A": plan()}, parse_period("2026-02-01..2026-03-15"))
    assert found.months == (parse_period("2026-02"),)
    assert found.left_out == (parse_period("2026-03"),)


def test_each_month_has_its_own_targets() -> None:
    """In March 217 visits were wanted, and came: 100 %, half."""
    found = replay(visits(), {"A": plan(targets={"2026-03": {"sessions": 217}})})
    last = found.rules[0].outcomes[-1]
    assert last.paid
    assert last.paid.bonus == 250


def test_a_month_that_cannot_be_paid_is_missing_and_says_why() -> None:
    asked = plan(
        lines=[{"kpi": "sessions", "target": 310, "weight": 1},
               {"kpi": "bounce_rate", "target": "0.4", "weight": 1}],
        missing="block",
    )  # fmt: skip
    rows = {month: (*VISITS[month], 2) for month in ("2026-01", "2026-03")}
    bounced = facts(table("Sessions", VISITS), table("Sessions,Bounces", rows))
    replayed = replay(bounced, {"A": asked}).rules[0]
    assert replayed.outcomes[1].paid is None
    assert replayed.outcomes[1].blocked
    assert replayed.summary
    assert replayed.summary.months == sum(own.paid is not None for own in replayed.outcomes) < 4
    nothing = replay(visits(), {"A": asked}).rules[0]
    assert nothing.summary is None
    assert figures(nothing, "en") == []


def test_a_month_is_paid_as_its_pay_slip_is() -> None:
    loaded, asked = visits(), plan(guards=[{"kpi": "sessions", "guard": "page_depth"}])
    for month, own in zip(
        ("2026-01", "2026-02", "2026-03"),
        replay(loaded, {"A": asked}).rules[0].outcomes,
        strict=True,
    ):
        values = kpi_values(
            loaded,
            catalogue.business("portal"),
            parse_period(month),
            settings=asked.settings(),
            kpis=asked.shown_kpis(),
            against=asked.against(),
        )
        assert own.paid
        assert own.paid.amounts == payout(asked, values).amounts
        assert own.paid.checks == payout(asked, values).checks


def test_figures_stated_by_hand_are_of_their_own_period_only() -> None:
    found = replay(visits(), {"A": plan(period="2026-03", facts={"sessions": 400})})
    assert [str(own.paid.bonus) for own in found.rules[0].outcomes if own.paid] == [
        "250.00", "500.00", "500.00"
    ]  # fmt: skip
    assert ("replay_stated", "A") in {(own.code, own.where) for own in found.findings}


def test_plans_of_quarters_or_of_two_currencies_are_refused() -> None:
    with pytest.raises(PlanError, match=r"A: the targets of this plan are for 2026-01-01\.\."):
        replay(visits(), {"A": plan(period="2026-Q1")})
    with pytest.raises(PlanError, match="EUR, RUB"):
        replay(visits(), {"A": plan(), "B": plan(currency="EUR")})


def test_files_without_a_whole_month_give_no_months() -> None:
    found = replay(facts(table("Sessions", {"2026-04": (9,)}, days=5)), {"A": plan()})
    assert (found.months, found.rules[0].summary) == ((), None)
    assert pay_steps(found, "en") is None
    assert profit_bars(found, "en") is None


# --- profit


def shop(**fields: object) -> Plan:
    return plan(
        business="shop",
        lines=[{"kpi": "orders", "target": 31, "weight": 1}],
        assumptions={"margin_rate": "0.3"},
        **fields,
    )


SOLD = {
    "2026-01": (1, 1000, 100),  # 31 orders of 31: half a bonus; 31 · (0.3 · 1000 - 100) = 6200
    "2026-02": (2, 2000, 100),  # 56 orders: all; 28 · (600 - 100) = 14 000
    "2026-03": (0, 0, 100),  # nothing sold: 31 · -100
    "2026-04": (2, 1500, 50),  # all; 30 · (450 - 50) = 12 000
}


def test_profit_is_gross_profit_less_advertising_and_goes_with_the_bonus() -> None:
    found = replay(facts(table("Orders,Revenue,Cost", SOLD)), {"A": shop()})
    assert found.profits == (6200, 14000, -3100, 12000)
    expected = stats.pearsonr([250, 500, 0, 500], [6200, 14000, -3100, 12000])
    summary = found.rules[0].summary
    assert summary
    assert summary.profit
    assert summary.profit.r == pytest.approx(expected.statistic)
    low, high = expected.confidence_interval(0.95)
    assert (summary.profit.low, summary.profit.high) == pytest.approx((low, high))


def test_profit_of_a_month_that_lacks_spend_is_not_known() -> None:
    spend = dict.fromkeys(("2026-01", "2026-02"), (100,))
    sold = dict.fromkeys(("2026-01", "2026-02"), (1, 1000))
    loaded = facts(table("Orders,Revenue", sold), table("Cost", spend, days=20))
    assert replay(loaded, {"A": shop()}).profits == (6200, None)


@pytest.mark.parametrize("business", ["shop", "corporate"])
def test_profit_is_that_of_the_what_if_model(business: str) -> None:
    loaded = combine(
        [read(path.name, path.read_bytes()) for path in sorted((SAMPLES / business).glob("*.csv"))]
    )
    asked, month = default_plan(business), parse_period("2026-10")
    evaluation = Evaluation(loaded, month, settings=asked.settings())
    model = calibrate(evaluation, catalogue.business(business))
    assert replay(loaded, {"A": asked}, month).profits == (profit_after_ads(model.rebuilt({})),)


# --- correlation

pairs = st.lists(
    st.tuples(st.integers(-1000, 1000), st.integers(-1000, 1000)), min_size=4, max_size=30
)


@given(pairs)
def test_correlation_is_that_of_scipy(found: list[tuple[int, int]]) -> None:
    one, other = ([float(pair[at]) for pair in found] for at in (0, 1))
    own = correlation(one, other)
    if len(set(one)) == 1 or len(set(other)) == 1:
        assert own is None
        return
    expected = stats.pearsonr(one, other)
    assert own is not None
    assert own.r == pytest.approx(expected.statistic, abs=1e-9)
    assert own.low <= own.r <= own.high
    if abs(own.r) < 1 - 1e-9:
        interval = tuple(expected.confidence_interval(0.95))
        assert (own.low, own.high) == pytest.approx(interval, abs=1e-6)


def test_three_months_say_nothing_and_a_straight_line_says_all() -> None:
    assert correlation([1, 2, 3], [1, 2, 3]) is None
    assert correlation([1, 2, 3, 4], [2, 4, 6, 8]) == Correlation(1.0, 1.0, 1.0, 4)


# --- the budget


def months(count: int, first: date = date(2024, 1, 1)) -> list[Period]:
    found = [month_of(first)]
    while len(found) < count:
        found.append(month_of(found[-1].last + timedelta(days=1)))
    return found


def test_twelve_months_like_those_behind() -> None:
    """Of pays 1000, 1100 ... 1500 the mean is 1250: 15 000 a year."""
    pays = [Decimal(1000 + 100 * n) for n in range(6)]
    found = budget(months(6), pays)
    assert found is not None
    assert (found.expected, found.months, found.seasonal) == (15000, 6, False)
    assert budget(months(5), pays[:5]) is None


def test_a_budget_is_as_unsure_as_its_months_and_their_mean() -> None:
    """The sum of twelve new months varies by 12 s², and twelve times their mean by 144 s² / n."""
    pays = [Decimal(value) for value in (900, 1500, 1100, 1300, 1000, 1400, 1250, 1150, 950, 1450)]
    found = budget(months(10), pays)
    s = float(np.std([float(pay) for pay in pays], ddof=1))
    half = stats.norm.ppf((1 + LEVEL) / 2) * math.sqrt(12 * s**2 + 144 * s**2 / 10)
    assert found is not None
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.05)
    assert (found.high + found.low) / 2 == pytest.approx(float(found.expected), rel=0.01)


def test_two_years_alike_leave_no_doubt_about_the_season() -> None:
    pays = 2 * [Decimal(1000 + 50 * n) for n in range(12)]
    found = budget(months(24), pays)
    year = sum(pays[:12])
    assert found is not None
    assert found.seasonal
    assert found.expected == year
    assert (found.low, found.high) == pytest.approx((float(year), float(year)))
    once = budget(months(23), pays[:23])
    assert once is not None
    assert not once.seasonal
    assert once.high - once.low > 100


def test_of_two_years_that_differ_by_chance_a_third_differs_more() -> None:
    """Months differ by ±d from year to year: s² = d² / 2, and a new year by 12 · s² · (1 + 1/2)."""
    signs = np.random.default_rng(5).choice([-1, 1], 12)
    pays = [Decimal(1000)] * 12 + [Decimal(1000 + 60 * int(sign)) for sign in signs]
    found = budget(months(24), pays)
    half = stats.norm.ppf((1 + LEVEL) / 2) * math.sqrt(12 * 1800 * 1.5)
    assert found is not None
    assert found.expected == 12000 + Fraction(60 * int(signs.sum()), 2)
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.35)


@given(st.lists(st.integers(0, 10**6), min_size=6, max_size=40), st.integers(0, 10**5))
def test_a_budget_never_falls_below_what_is_paid_anyway(bonuses: list[int], fixed: int) -> None:
    pays = [Decimal(fixed + bonus) / 100 for bonus in bonuses]
    found = budget(months(len(pays)), pays, Decimal(fixed) / 100)
    assert found is not None
    assert 12 * fixed / 100 <= found.low <= found.high
    assert found.expected >= 12 * Fraction(fixed, 100)
    assert found == budget(months(len(pays)), pays, Decimal(fixed) / 100)


# --- told


def test_figures_and_their_making_are_told_in_both_languages() -> None:
    rule = replay(visits(), {"A": plan()}).rules[0]
    told = dict(figures(rule, "en"))
    assert told["Paid in total"] == "RUB\N{NO-BREAK SPACE}3,750"
    assert told["Spread as a share of the average"] == "20.0%"
    assert len(figures(rule, "ru")) == len(told)
    assert budget_said(None, "en") == "A budget needs at least 6 months with a payout."
    paid = [Decimal(1000)] * 24
    assert "three months in a row" in budget_said(budget(months(24), paid), "en")
    assert "(with a payout: 23)" in budget_said(budget(months(23), paid[:23]), "en")


def spec(chart: Any) -> dict[str, Any]:
    drawn: dict[str, Any] = json.loads(chart.to_json())
    return drawn


@pytest.mark.parametrize("lang", ["ru", "en"])
def test_the_charts_draw_every_rule_and_month(lang: str) -> None:
    found = replay(facts(table("Orders,Revenue,Cost", SOLD)), {"A": shop(), "B": shop()})
    pays = next(iter(spec(pay_steps(found, lang))["datasets"].values()))
    assert {(row["rule"], row["pay"]) for row in pays} >= {("A", 1250.0), ("B", 1500.0)}
    assert len(pays) == 8
    profits = next(iter(spec(profit_bars(found, lang))["datasets"].values()))
    assert [row["profit"] for row in profits] == [6200, 14000, -3100, 12000]


def test_the_command_prints_rules_months_and_reasons(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "visits.csv"
    data.write_text(table("Sessions", VISITS, days=10), "utf-8")
    for name, made in (("a", plan()), ("b", changed(plan(), missing="zero"))):
        (tmp_path / f"{name}.json").write_text(made.as_json(), "utf-8")
    words = ["replay", "--plan", str(tmp_path / "a.json"), "--plan", str(tmp_path / "b.json")]
    assert main([*words, str(data), "--lang", "en", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert [own["name"] for own in answer["rules"]] == ["a", "b"]
    assert answer["rules"][0]["summary"]["total"] == "3750.00"
    assert answer["left_out"] == ["2026-04"]
    assert main([*words, str(data), "--lang", "ru"]) == 0
    assert "Выплачено всего" in capsys.readouterr().out
    assert main([*words[:3], *words[1:3], str(data), "--lang", "en"]) == 2
    assert "cannot be told apart" in capsys.readouterr().err


def test_plans_of_one_file_name_are_told_apart_by_their_folders(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "visits.csv").write_text("Date,Sessions\n2026-10-01,9\n", "utf-8")
    words = ["replay", "visits.csv", "--json"]
    for folder in ("north", "south"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "plan.json").write_text(plan().as_json(), "utf-8")
        words += ["--plan", str(Path(folder) / "plan.json")]
    assert main(words) == 0
    told = json.loads(capsys.readouterr().out)
    named = [Path(own["name"]).parts for own in told["rules"]]
    assert named == [("north", "plan"), ("south", "plan")]
