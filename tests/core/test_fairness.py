"""What chance makes of a bonus: by hand, against other programs, and drawn month by month."""

import json
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import cache
from itertools import pairwise
from math import exp
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from kpi_core.chance import Law, Noise, noises
from kpi_core.charts import pay_band, pay_bars
from kpi_core.cli import main
from kpi_core.errors import UsageError
from kpi_core.facts import Facts, combine
from kpi_core.fairness import (
    LEVELS,
    Fairness,
    Odds,
    chances_said,
    fairness,
    odds_said,
    point_said,
    scattered_said,
    straightened,
)
from kpi_core.formula import parse
from kpi_core.plan import Missing, Over, Plan
from kpi_core.rules import Bands, Goal, Linear, Steps
from kpi_core.schemes import Curve
from tests.core.small import daily, facts, values

ON_PLAN = Fraction(1)
MONTHS = 20_000
NOTHING = combine([])
LEADS = {"kpi": "leads", "target": 300}
ORDERS = {"kpi": "orders", "target": 300}
CPO = {"kpi": "cpo", "target": 500}
CR = {"kpi": "cr", "target": "0.01"}
STATED = {"spend": 150_000, "sessions": 20_000}


def plan(*lines: Mapping[str, object], **fields: object) -> Plan:
    """A plan whose bonus of 100 is the total score of its lines, alike in weight."""
    usual = {
        "business": "corporate",
        "currency": "EUR",
        "facts": STATED,
        "lines": [{"weight": 1} | dict(line) for line in lines or (LEADS, ORDERS)],
        "scheme": {"kind": "scorecard", "salary": 1000, "fund": 100},
    }
    return Plan.model_validate(usual | fields)


def product(*factors: Mapping[str, object], **terms: object) -> Plan:
    """A plan whose bonus is a salary of 100 times the scores of its factors."""
    scheme = {"kind": "product", "salary": 100, "factors": list(factors), "terms": terms}
    return plan(scheme=scheme)


def chances(of: Plan, found: Facts = NOTHING) -> tuple[Noise, ...]:
    return noises(of, values(found, *of.kpis(), settings=of.settings()), found)


def fair(of: Plan, found: Facts = NOTHING, **options: object) -> Fairness:
    return fairness(of, chances(of, found), **options)


def on_plan(of: Plan, found: Facts = NOTHING, **options: object) -> Odds:
    return fair(of, found, levels=[ON_PLAN], **options).stepped[0]


def likely(odds: Odds) -> dict[float, float]:
    return dict(odds.likely(least=1e-9))


# --- the known result


def test_two_poisson_counts_on_plan_pay_all_in_24_and_a_quarter_in_27_of_100_months() -> None:
    odds = on_plan(product(LEADS, ORDERS))
    over = stats.poisson.sf(300, 300)  # more than 300
    partly = stats.poisson.cdf(300, 300) - stats.poisson.cdf(239, 300)  # 240 to 300
    assert odds.full == pytest.approx(over**2, abs=1e-9)
    assert likely(odds)[0.25] == pytest.approx(partly**2, abs=1e-9)
    assert likely(odds)[0.5] == pytest.approx(2 * over * partly, abs=1e-9)
    assert odds.nothing == pytest.approx(1 - (over + partly) ** 2, abs=1e-9)
    assert (round(odds.full, 3), round(likely(odds)[0.25], 3)) == (0.235, 0.265)
    assert odds.expected == pytest.approx((over + partly / 2) ** 2, abs=1e-9)
    assert odds.ideal == 0.25  # exactly 100 % is not above it
    assert [odds.quantile(share) for share in (0.1, 0.26, 0.27, 0.7, 0.9)] == [
        0.25,
        0.25,
        0.5,
        0.5,
        1,
    ]
    assert odds.interval() == (0.25, 1)


def test_the_figures_of_the_known_result_are_told() -> None:
    found = fair(product(LEADS, ORDERS))
    odds = found.at(ON_PLAN)[0]
    assert "the largest one in 23%" in odds_said(found, odds, "en")
    point = point_said(found, odds, "en")
    assert "chance decides the pay: €125 in 27% of months; €150 in 50%; €200 in 23%" in point
    assert found.pay(odds.expected) == pytest.approx(155.10, abs=0.01)


def test_one_step_at_the_target_is_a_coin_toss_and_says_which_words_make_it_one() -> None:
    """300 leads wanted, 300 expected: more than 300 come in 48 months of 100."""
    found = fair(product(LEADS))
    assert point_said(found, found.at(ON_PLAN)[0], "en") == (
        "Exactly on plan it is a coin toss: €150 in 52% of months; €200 in 48%, "
        "because the rule requires “above 100%” (Leads)."
    )
    assert "как монета ляжет: 150 € в 52" in point_said(found, found.at(ON_PLAN)[0], "ru").replace(
        "\N{NO-BREAK SPACE}", " "
    )


def test_a_level_beyond_every_step_is_sure_and_a_line_is_told_by_its_range() -> None:
    found = fair(product(LEADS))
    assert "next to nothing: the pay is €200 in >99%" in point_said(found, found.stepped[-1], "en")
    sloping = fair(product(LEADS | {"rule": LINE}))
    assert "lies between" in point_said(sloping, sloping.at(Fraction("0.9"))[0], "en")


@pytest.mark.parametrize("missing", ["drop", "zero", "block"])
def test_a_month_with_less_than_half_of_the_weight_is_not_paid(missing: str) -> None:
    """Without an order there is no price of one: a weight of 9 in 10."""
    lines = [LEADS | {"weight": 1}, CPO | {"target": 75_000, "weight": 9}]
    terms = {"kind": "scorecard", "salary": 0, "fund": 100, "terms": {"floor": "0.2"}}
    of = plan(*lines, missing=missing, scheme=terms)
    odds = fair(of, levels=[Fraction(2)], together=()).stepped[0]
    rare = exp(-4)  # at twice the plan four orders are expected
    unjudged = 0.0 if missing == "zero" else rare
    assert odds.unjudged == pytest.approx(unjudged, abs=1e-9)
    assert odds.nothing == pytest.approx(unjudged, abs=1e-9)


def test_half_of_the_weight_is_enough() -> None:
    lines = [LEADS | {"weight": "0.3"}, CPO | {"target": 75_000, "weight": "0.3"}]
    odds = fair(plan(*lines), levels=[ON_PLAN], together=()).stepped[0]
    assert odds.unjudged == 0


def test_what_is_not_paid_for_want_of_figures_is_told() -> None:
    lines = [LEADS | {"weight": 1}, CPO | {"target": 75_000, "weight": 9}]
    found = fair(plan(*lines), levels=[ON_PLAN])
    assert "more than half of the weight has no data" in odds_said(found, found.stepped[0], "en")


@pytest.mark.parametrize("level", ["1e400", "1" * 400, "1e-999999", "nan", "-1", "1001%"])
def test_a_level_that_cannot_be_is_refused_in_a_few_words(
    level: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "plan.json"
    path.write_text(plan().as_json(), "utf-8")
    assert main(["fair", "--plan", str(path), "--at", level, "--lang", "en"]) != 0
    said = capsys.readouterr().err
    assert "the share of plan cannot be read" in said
    assert len(said) < 200


# --- against months that are drawn, judged by the exact rules

BANDS = {
    "kind": "bands",
    "bands": [{"to": 450, "score": 1.2}, {"to": 500, "score": 1}, {"to": 560, "score": 0.4}],
}
LINE = {"kind": "linear", "stretch_score": 1.5}
TABLE = [{"at": 0.5, "amount": 40}, {"at": 0.75, "inclusive": False, "amount": 70},
         {"at": 1, "amount": 100}]  # fmt: skip
BENT = {"floor": 0.1, "cap": 1.3, "accelerator": {"above": 1, "times": 3}}
SCHEMES = {
    "table": {"kind": "table", "salary": 1000, "rows": TABLE, "below": 5},
    "curve": {"kind": "curve", "salary": 1000, "fund": 300, "rule": LINE},
    "bent": {"kind": "scorecard", "salary": 1000, "fund": 100, "terms": BENT},
}
PLANS = {
    "steps": product(LEADS, ORDERS),
    "lines": product(LEADS | {"rule": LINE}, ORDERS | {"rule": LINE}),
    "a product with terms": product(LEADS | {"rule": LINE}, CR, **BENT),
    "a scorecard of a count, a share and a price": plan(LEADS, CR, CPO | {"weight": 2}),
    "bands of a price": plan(LEADS | {"rule": LINE}, CPO | {"rule": BANDS}),
    "lines that are capped": plan(LEADS | {"rule": LINE}, CPO | {"rule": BANDS}, over="capped"),
    "a table": plan(LEADS, CR, ORDERS | {"rule": LINE}, scheme=SCHEMES["table"]),
    "a curve": plan(LEADS, CR | {"rule": LINE}, scheme=SCHEMES["curve"]),
    "a scorecard with terms": plan(LEADS | {"rule": LINE}, CPO, scheme=SCHEMES["bent"]),
    "a target with a base": plan(LEADS | {"base": 100, "rule": LINE}, CR),
}


def drawn(noise: Noise, level: Fraction, random: np.random.Generator) -> list[Fraction | None]:
    """Values of months: what is counted is drawn by numpy, the rest is as the plan states it."""
    goal, wanted = noise.goal, float(noise.true(level) or 0)
    match goal.kpi:
        case "cr":
            counts = random.binomial(20_000, wanted, MONTHS)
            return [Fraction(int(count), 20_000) for count in counts]
        case "cpo":
            counts = random.poisson(150_000 / wanted, MONTHS)
            return [Fraction(150_000, int(count)) if count else None for count in counts]
    return [Fraction(int(count)) for count in random.poisson(wanted, MONTHS)]


def coefficients(of: Plan, found: Sequence[Noise], level: Fraction, seed: int) -> np.ndarray:
    """The coefficient of each month that is drawn, by exact fractions."""
    random = np.random.default_rng(seed)
    scores = []
    for noise in found:
        judged = cache(lambda value, noise=noise: noise.goal.score(value, noise.kpi.better))
        scores.append([judged(value) for value in drawn(noise, level, random)])

    @cache
    def paid(*own: Fraction) -> float:
        if of.scheme.by == "lines":
            weights = [Fraction(line.weight) for line in of.lines]
            counted = [min(s, Fraction(1)) if of.over is Over.CAPPED else s for s in own]
            total = sum(w * s for w, s in zip(weights, counted, strict=True)) / sum(weights)
            own = (total,)
        earned = of.scheme.coefficient(own)
        bent = of.scheme.terms.bent(earned)
        return float(bent[-1].coefficient if bent else earned)

    return np.array([paid(*own) for own in zip(*scores, strict=True)])


@pytest.mark.parametrize("name", PLANS)
@pytest.mark.parametrize("level", ["0.85", "1", "1.1"])
def test_what_is_computed_is_what_comes_out_when_months_are_drawn(name: str, level: str) -> None:
    of, at = PLANS[name], Fraction(level)
    found = chances(of)
    odds = fairness(of, found, [at], together=()).stepped[0]
    seen = coefficients(of, found, at, seed=len(name))
    assert odds.expected == pytest.approx(seen.mean(), abs=4 * odds.spread / MONTHS**0.5 + 1e-9)
    fourth = float((odds.coefficients - odds.expected) ** 4 @ odds.chances)
    error = 4 * (max(fourth - odds.spread**4, 0.0) / MONTHS) ** 0.5
    assert odds.spread**2 == pytest.approx(seen.var(), abs=error + 1e-6)
    for mark in (0.0, 0.1, 0.25, 0.4999, 0.5, 0.75, 0.9, 0.9999, 1.0, 1.2, odds.top):
        chance = float(odds.chances[odds.coefficients <= mark + 1e-9].sum())
        error = 4 * (chance * max(1 - chance, 0.0) / MONTHS) ** 0.5
        assert (seen <= mark + 1e-9).mean() == pytest.approx(chance, abs=error + 1e-3)


# --- the laws


def cumulated(noise: Noise, level: Fraction = ON_PLAN) -> tuple[np.ndarray, np.ndarray]:
    """Values of a KPI, rising, and how likely each or a lower one is."""
    found, likely = noise.outcomes(level)
    order = np.argsort(found)
    return found[order], likely[order].cumsum()


def of_law(law: Law, **fields: object) -> Noise:
    noise = chances(plan(CR if law is Law.SHARE else LEADS))[0]
    return Noise(**{**vars(noise), "law": law, **fields})


@pytest.mark.parametrize(
    ("noise", "other"),
    [
        (of_law(Law.COUNT), stats.poisson(300)),
        (of_law(Law.COUNT, dispersion=4.0), stats.nbinom(100, 1 / 4)),
        (of_law(Law.SUM, dispersion=20.0), stats.gamma(300 / 20, scale=20)),
    ],
)
def test_counts_and_sums_have_the_distributions_that_scipy_knows(noise, other) -> None:
    found, upto = cumulated(noise)
    width = found[1] - found[0] if noise.law is Law.SUM else 0.0  # a cell ends half of it later
    assert np.abs(upto - other.cdf(found + width / 2)).max() < 1e-6


@pytest.mark.parametrize("dispersion", [1.0, 3.0])
def test_a_share_is_binomial_or_wider(dispersion: float) -> None:
    found, upto = cumulated(of_law(Law.SHARE, dispersion=dispersion))
    other = stats.binom(20_000, 0.01)
    if dispersion > 1:
        together = (dispersion - 1) / 19_999
        size = 1 / together - 1
        other = stats.betabinom(20_000, 0.01 * size, 0.99 * size)
        assert other.var() == pytest.approx(3 * stats.binom(20_000, 0.01).var())
    assert np.abs(upto - other.cdf(np.rint(found * 20_000))).max() < 1e-9


def test_a_count_of_millions_is_cut_into_cells_and_keeps_its_mean_and_width() -> None:
    noise = of_law(Law.COUNT, goal=Goal(kpi="leads", target=3_000_000), dispersion=50.0)
    found, likely = noise.outcomes(ON_PLAN)
    assert len(found) < 5000
    assert found @ likely == pytest.approx(3_000_000, abs=3)
    assert (found - 3_000_000) ** 2 @ likely == pytest.approx(150_000_000, rel=1e-3)


def test_the_spread_of_an_average_is_that_of_its_interval() -> None:
    rows = {day: (10, 1000 + 20 * (day % 7)) for day in range(1, 29)}
    of = plan({"kpi": "aov", "target": 106}, facts={})
    found = facts(daily("Orders", "Revenue", rows=rows, month="2026-02"))
    value = values(found, "aov", settings=of.settings()).total("aov")
    noise = noises(of, values(found, *of.kpis(), settings=of.settings()), found)[0]
    assert noise.law is Law.SPREAD
    assert value.value == 106
    sigma = (value.high - value.low) / 2 / stats.norm.ppf(0.975)
    shown, upto = cumulated(noise)
    assert np.interp(106 - sigma, shown, upto) == pytest.approx(stats.norm.cdf(-1), abs=1e-3)


# --- which law, and how wide


def weeks(*of_weeks: int) -> dict[int, tuple[int]]:
    """Four weeks of days that are alike within a week."""
    return {day: (of_weeks[(day - 1) // 7],) for day in range(1, 29)}


def leads_of(rows: Mapping[int, tuple[object, ...]]) -> Noise:
    found = facts(daily("Leads", rows=rows, month="2026-02"))
    return chances(plan(LEADS, facts={}), found)[0]


def test_days_that_scatter_make_a_count_wider() -> None:
    # Each weekday has 5, 15, 15, 5: mean 10, no trend. Pearson: 28 · 25 / 10 = 70 over 28 - 8.
    noise = leads_of(weeks(5, 15, 15, 5))
    assert (noise.law, noise.days) == (Law.COUNT, 28)
    assert noise.dispersion == pytest.approx(3.5)


def test_days_that_scatter_hardly_more_than_chance_are_taken_for_chance() -> None:
    # 28 · 9 / 10 = 25.2 over 20: a chi-square of 20 degrees exceeds that in every fifth case.
    noise = leads_of(weeks(7, 13, 13, 7))
    assert (noise.dispersion, noise.days) == (1, 28)


def test_a_weekly_pattern_and_a_trend_are_no_chance() -> None:
    assert leads_of({day: (5 + day % 7,) for day in range(1, 29)}).dispersion == 1
    assert leads_of({day: (10 + day,) for day in range(1, 29)}).dispersion == 1


def test_days_that_are_too_few_tell_nothing() -> None:
    rows = {day: (1 + 20 * (day % 2),) for day in range(1, 15)}
    assert (leads_of(rows).dispersion, leads_of(rows).days) == (1, 0)


def test_money_is_as_wide_as_its_days_show() -> None:
    rows = {day: (100 * own[0],) for day, own in weeks(5, 15, 15, 5).items()}
    found = facts(daily("Revenue", rows=rows, month="2026-02"))
    noise = chances(plan({"kpi": "revenue", "target": 28_000}, facts={}), found)[0]
    assert noise.law is Law.SUM
    assert noise.dispersion == pytest.approx(350)
    shown, likely = noise.outcomes(ON_PLAN)
    assert (shown - 28_000) ** 2 @ likely == pytest.approx(350 * 28_000, rel=1e-3)


def test_wider_days_make_the_bonus_scatter_more() -> None:
    spreads = []
    for rows in (weeks(10, 10, 10, 10), weeks(5, 15, 15, 5)):
        found = facts(daily("Leads", rows=rows, month="2026-02"))
        of = fair(plan(LEADS | {"rule": LINE}, facts={}), found)
        spreads.append(of.at(Fraction("0.9"))[0].spread)
    assert spreads[1] > 1.4 * spreads[0]


def test_of_a_price_the_money_stays_and_the_count_is_by_chance() -> None:
    noise = chances(plan(CPO))[0]
    assert (noise.law, noise.measure) == (Law.COUNT, "orders")
    assert noise.expected(ON_PLAN) == 300  # 150 000 / 500
    assert noise.true(Fraction("1.25")) == 400
    assert noise.expected(Fraction("1.25")) == 375


def test_of_a_share_the_tries_stay() -> None:
    noise = chances(plan({"kpi": "cr", "target": "0.9"}))[0]
    assert (noise.law, noise.trials, noise.expected(ON_PLAN)) == (Law.SHARE, 20_000, 18_000)
    assert noise.true(Fraction("1.4")) == 1  # no more than all of them


def test_what_has_no_chance_to_tell_is_fixed_and_said() -> None:
    found = fair(plan({"kpi": "followers", "target": 1000}))
    assert found.noises[0].law is Law.NONE
    odds = found.at(Fraction("0.9"))[0]
    assert (odds.expected, odds.spread, odds.ideal) == (0.5, 0, 0.5)
    assert "say nothing about chance" in chances_said(found, "en")[0]


def test_a_goal_that_wants_no_particular_value_is_held_where_it_is() -> None:
    middle = {"kind": "bands", "bands": [{"to": 2, "score": 0}, {"to": 5, "score": 1}]}
    of = plan({"kpi": "page_depth", "rule": middle}, facts={"page_depth": 3})
    assert [odds.expected for odds in fair(of).stepped] == [1.0] * len(LEVELS)
    assert fair(of).noises[0].law is Law.NONE


def test_sums_that_never_vary_are_taken_as_they_are() -> None:
    rows = dict.fromkeys(range(1, 29), (100,))
    found = facts(daily("Revenue", rows=rows, month="2026-02"))
    odds = on_plan(plan({"kpi": "revenue", "target": 28_000}, facts={}), found)
    assert (odds.expected, odds.spread) == (0.5, 0)


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [("(revenue - 20) / 20", Fraction(4), 100), ("1 - revenue / 20", Fraction(1, 4), 15),
     ("1000 * 3 / revenue", Fraction(6), 500), ("revenue", Fraction(3), 3)],
)  # fmt: skip
def test_a_formula_is_solved_for_its_one_measure(text: str, value: Fraction, expected: int) -> None:
    noise = of_law(Law.SUM, formula=parse(text), goal=Goal(kpi="leads", target=1, base=0))
    assert noise.expected(value) == expected


# --- what moves together


def test_kpis_of_the_same_count_are_good_or_bad_together() -> None:
    both = plan(ORDERS, CPO)
    over = stats.poisson.sf(300, 300)
    assert fair(both).together == (frozenset({"orders", "cpo"}),)
    assert on_plan(both).full == pytest.approx(over, abs=1e-9)
    assert on_plan(both, together=()).full == pytest.approx(over**2, abs=1e-9)


def test_counts_that_are_said_to_move_together_stand_at_the_same_quantile() -> None:
    smaller = plan(LEADS, {"kpi": "orders", "target": 30})
    odds = on_plan(smaller, together=[{"leads", "orders"}])
    more = min(stats.poisson.sf(300, 300), stats.poisson.sf(30, 30))
    assert odds.full == pytest.approx(more, abs=1e-9)


def test_a_kpi_may_be_two_factors_with_rules_of_their_own() -> None:
    twice = product(LEADS, LEADS | {"target": 330})
    first = stats.poisson.sf(300, 300)  # exactly on plan with both: 300 of one and 330 of the other
    assert on_plan(twice, together=()).full == pytest.approx(
        min(first, stats.poisson.sf(330, 330)), abs=1e-9
    )


# --- no value


@pytest.mark.parametrize(
    ("missing", "of_none"), [(Missing.DROP, 0.5), (Missing.ZERO, 0.25), (Missing.BLOCK, 0.0)]
)
def test_a_price_of_no_orders_counts_as_the_plan_says(missing: Missing, of_none: float) -> None:
    # 100 spent at 50 an order: 2 orders on average. Of 0, 1, 2 and more the price scores nothing
    # at all, 0, 0.5 and 1; the followers, exactly on plan, score 0.5 and weigh as much.
    fixed = {"kpi": "followers", "target": 1000}
    of = plan({"kpi": "cpo", "target": 50}, fixed, facts={"spend": 100}, missing=missing)
    chance = [exp(-2), 2 * exp(-2), 2 * exp(-2)]
    paid = [of_none, 0.25, 0.5, 0.75]
    expected = np.dot([*chance, 1 - sum(chance)], paid)
    assert on_plan(of).expected == pytest.approx(expected, abs=1e-9)


def test_a_level_is_above_zero() -> None:
    with pytest.raises(UsageError):
        fair(plan(), levels=[Fraction(0)])


# --- the straight line beside


def straight(of: Plan) -> Plan:
    return straightened(of, chances(of))


def test_steps_become_the_line_from_their_floor_to_their_top() -> None:
    assert [line.rule for line in straight(plan(LEADS)).lines] == [Linear()]
    one = {"kind": "steps", "steps": [{"at": 1, "score": 2}]}
    rule = straight(plan(LEADS | {"rule": one})).lines[0].rule
    assert isinstance(rule, Linear)
    assert [rule.score(Fraction(at)) for at in ("0.5", "1", "2")] == [1, 2, 2]


def test_bands_become_a_line_over_attainment() -> None:
    rule = straight(plan(CPO | {"rule": BANDS})).lines[0].rule
    assert isinstance(rule, Linear)
    assert rule.score(Fraction(500, 560)) == pytest.approx(0.4)
    assert rule.score(Fraction(500, 450)) == pytest.approx(1.2)
    assert rule.score(Fraction(500, 600)) == 0


def test_bands_that_are_best_in_the_middle_stay() -> None:
    middle = {"kind": "bands", "bands": [{"to": 2, "score": 0}, {"to": 5, "score": 1}]}
    of = plan({"kpi": "page_depth", "target": 3, "rule": middle})
    assert straight(of) == of
    assert isinstance(straight(of).lines[0].rule, Bands)


def test_a_table_becomes_a_curve_of_its_largest_amount() -> None:
    scheme = straight(PLANS["a table"]).scheme
    assert isinstance(scheme, Curve)
    assert scheme.fund == 100
    assert scheme.rule.score(Fraction("0.75")) == Fraction("0.7625")  # from 0.05 at 0


def test_a_plan_without_steps_has_nothing_beside_it() -> None:
    found = fair(plan(LEADS | {"rule": LINE}))
    assert found.is_straight
    assert [odds.expected for odds in found.stepped] == [odds.expected for odds in found.linear]
    assert "no steps" in scattered_said(found, ON_PLAN, "en")


def test_just_below_a_step_a_line_pays_more_surely() -> None:
    stepped, linear = fair(product(LEADS, ORDERS)).at(ON_PLAN)
    assert linear.spread < stepped.spread / 2


# --- properties

marks = st.lists(st.integers(40, 180), min_size=1, max_size=4, unique=True).map(sorted)
heights = st.lists(st.integers(0, 15), min_size=5, max_size=5).map(sorted)


@st.composite
def rising(draw: st.DrawFn) -> Steps:
    at, scores = draw(marks), draw(heights)
    steps = [
        {"at": mark / 100, "inclusive": draw(st.booleans()), "score": score / 10}
        for mark, score in zip(at, scores[1:], strict=False)
    ]
    return Steps.model_validate({"steps": steps, "below": scores[0] / 10})


@settings(max_examples=40, deadline=None)
@given(rising(), rising(), st.integers(1, 2000), st.booleans())
def test_odds_are_chances_of_what_may_be_paid_and_better_work_is_paid_more(
    one: Steps, other: Steps, target: int, by_factors: bool
) -> None:
    goals = [LEADS | {"target": target, "rule": one}, CR | {"rule": other}]
    found = fair(product(*goals) if by_factors else plan(*goals))
    for row in (found.stepped, found.linear):
        for odds in row:
            assert odds.chances.min() >= 0
            assert odds.chances.sum() == pytest.approx(1)
            assert -1e-9 <= odds.coefficients.min() <= odds.coefficients.max() <= odds.top + 1e-9
            assert odds.quantile(0.1) <= odds.quantile(0.5) <= odds.quantile(0.9)
        paid = [odds.expected for odds in row]
        assert all(after >= before - 1e-4 for before, after in pairwise(paid))


def test_the_larger_the_numbers_the_nearer_the_steps_come_to_what_they_mean() -> None:
    apart = []
    for target in (30, 300, 3000, 30_000):
        odds = fair(plan(LEADS | {"target": target})).at(Fraction("0.9"))[0]
        apart.append(abs(odds.expected - odds.ideal) + odds.spread)
    assert apart == sorted(apart, reverse=True)
    assert apart[-1] < 1e-9


# --- as it is shown


@pytest.mark.parametrize("lang", ["ru", "en"])
@pytest.mark.parametrize("name", PLANS)
def test_charts_and_sentences_are_made_for_every_plan(name: str, lang: str) -> None:
    found = fair(PLANS[name])
    band = next(iter(pay_band(found, lang).to_dict()["datasets"].values()))
    kinds = 1 if found.is_straight else 2
    assert len(band) == kinds * len(LEVELS)
    assert all(row["low"] <= row["high"] for row in band)
    bars = next(iter(pay_bars(found, ON_PLAN, lang).to_dict()["datasets"].values()))
    assert sum(row["chance"] for row in bars) == pytest.approx(kinds, abs=0.05)
    assert len(chances_said(found, lang)) >= len(found.noises)


def test_bars_say_how_often_nothing_and_all_is_paid() -> None:
    found = fair(product(LEADS, ORDERS))
    rows = next(iter(pay_bars(found, ON_PLAN, "en").to_dict()["datasets"].values()))
    shown = {row["name"]: row["label"] for row in rows if row["kind"] == "The plan's rule"}
    assert shown["all: €100"] == "23%"
    assert shown["20 – €30"] == "27%"


def test_every_row_of_bars_tells_both_figures_and_the_axes_say_of_what() -> None:
    found = fair(product(LEADS, ORDERS))
    drawn = pay_bars(found, ON_PLAN, "en").to_dict()
    rows = next(iter(drawn["datasets"].values()))
    assert all(row["label"] for row in rows)
    axes = drawn["layer"][0]["encoding"]
    assert axes["y"]["axis"]["title"] == "Bonus"
    assert axes["x"]["axis"]["title"] == "Share of months"


def test_the_command_tells_the_odds_without_a_file(capsys, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(product(LEADS, ORDERS).as_json(), "utf-8")
    assert main(["fair", "--plan", str(path), "--at", "100%", "--json", "--lang", "en"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert round(answer["at"]["rule"]["full"], 3) == 0.235
    assert answer["at"]["line"]["spread"] < answer["at"]["rule"]["spread"]
    assert [row["law"] for row in answer["chances"]] == ["count", "count"]
    assert len(answer["levels"]) == len(LEVELS)
    assert main(["fair", "--plan", str(path), "--at", "some", "--lang", "en"]) == 2
    assert "some" in capsys.readouterr().err
