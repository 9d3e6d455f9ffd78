"""A plan file may come from anybody: it is checked in full, and a mistake names its field."""

import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi_core import catalogue
from kpi_core.errors import PlanError
from kpi_core.facts import combine
from kpi_core.kpis import Evaluation
from kpi_core.model import parse_period
from kpi_core.pay import payout
from kpi_core.plan import (
    MAX_BYTES,
    Plan,
    changed,
    default_plan,
    json_schema,
    kept_side,
    odd_share,
    read_plan,
)
from kpi_core.text import phrases
from tests.core.small import daily, facts, values

each_business = pytest.mark.parametrize("business", catalogue.businesses())
SCHEMA = Path(__file__).parents[2] / "docs" / "plan.schema.json"


def entry() -> dict[str, Any]:
    """A plan as JSON to spoil."""
    return {
        "business": "portal",
        "currency": "RUB",
        "lines": [{"kpi": "sessions", "target": 100, "weight": 1}],
        "scheme": {"kind": "scorecard", "salary": "1000.00", "fund": "500.00"},
    }


def refused(data: bytes | dict[str, Any]) -> PlanError:
    text = data if isinstance(data, bytes) else json.dumps(data).encode()
    with pytest.raises(PlanError) as raised:
        read_plan(text, "my.json")
    assert raised.value.text("en").startswith("my.json: ")
    return raised.value


# --- round trips


@each_business
def test_a_default_plan_reads_back_as_itself(business: str) -> None:
    plan = default_plan(business)
    assert read_plan(plan.as_json().encode()) == plan
    assert read_plan(plan.as_json().encode("utf-8-sig")) == plan


@each_business
def test_a_default_plan_is_complete(business: str) -> None:
    text = json.loads(default_plan(business).as_json())
    assert set(text) == set(Plan.model_fields)


@pytest.mark.parametrize(
    "number", ["0.1", "12", "1e3", "0.333333333333333333333333333", "123456789012345.6", "-5"]
)
def test_numbers_survive_the_file_exactly(number: str) -> None:
    plan = changed(default_plan("shop"), facts={"gross_profit": Decimal(number)})
    assert read_plan(plan.as_json().encode()).facts["gross_profit"] == Decimal(number)


def test_the_committed_schema_is_the_one_that_is_printed() -> None:
    """`python -m kpi_core schema > docs/plan.schema.json` writes it anew."""
    assert json.loads(SCHEMA.read_text("utf-8")) == json_schema()


def test_a_changed_plan_is_checked_again() -> None:
    plan = default_plan("shop").with_line("cr", weight=Decimal("0.9"))
    assert next(line.weight for line in plan.lines if line.kpi == "cr") == Decimal("0.9")
    assert sum(plan.shares().values()) == 1
    with pytest.raises(PlanError, match="currency"):
        changed(plan, currency="roubles")


# --- facts given directly


def stated(**facts: object) -> Plan:
    factors = [{"kpi": "leads", "target": 100}, {"kpi": "cpl", "target": 500}]
    scheme = {"kind": "product", "salary": "30000.00", "factors": factors}
    return Plan.model_validate(
        entry() | {"business": "corporate", "scheme": scheme, "facts": facts}
    )


def test_pay_needs_no_file_when_the_plan_states_the_measures() -> None:
    plan = stated(leads=120, spend=67500)  # 562.50 a lead
    found = values(combine([]), *plan.kpis(), settings=plan.settings())
    assert str(payout(plan, found).bonus) == "15000.00"


def test_pay_needs_no_file_when_the_plan_states_the_kpi_itself() -> None:
    plan = stated(leads=120, cpl=450)
    found = values(combine([]), *plan.kpis(), settings=plan.settings())
    assert found.total("cpl").value == 450
    assert str(payout(plan, found).bonus) == "30000.00"


def test_a_name_that_is_both_a_measure_and_a_kpi_is_the_measure() -> None:
    plan = stated(leads=120, spend=60000)
    evaluation = Evaluation(combine([]), None, settings=plan.settings())
    assert evaluation.value(catalogue.kpi("leads")).value == 120
    assert evaluation.value(catalogue.kpi("cpl")).value == 500


# --- money of several kinds


def test_a_plan_pays_for_money_of_another_currency_at_its_own_rate() -> None:
    """100 dollars at 90 and 20 % of VAT are 10 800 roubles for 120 leads: 90 each, of 500."""
    money = {"rates": {"USD": 90}, "vat": {"table": "excl"}, "vat_rate": 0.2}
    plan = changed(stated(leads=120), partial_period="pay", **money)
    spend = facts(daily('"Cost, USD"', rows={1: (100,)}))
    read = values(spend, *plan.kpis(), period="2026-10", settings=plan.settings())
    found = read.total("cpl")
    assert (found.value, found.currency) == (90, "RUB")
    assert str(payout(plan, read).bonus) == "30000.00"
    again = read_plan(plan.as_json().encode())
    assert (again, again.settings()) == (plan, plan.settings())


# --- what is no plan


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "plan_not_json"),
        (b"{", "plan_not_json"),
        (b"PK\x03\x04", "plan_not_json"),
        (b"\xff\xfe\x00", "plan_not_text"),
        (b"[" * 100_000, "plan_not_text"),  # nested too deep to read
        (b'{"a": 1, "a": 2}', "plan_twice"),
        (b'{"a": NaN}', "plan_constant"),
        (b'{"a": -Infinity}', "plan_constant"),
        (b'{"a": ' + b"1" * 5000 + b"}", "plan_not_text"),
        (b" " * (MAX_BYTES + 1), "plan_too_large"),
        (b"[]", "plan_wrong"),
        (b'"plan"', "plan_wrong"),
        (b"null", "plan_wrong"),
    ],
)
def test_what_is_no_plan_is_told(data: bytes, code: str) -> None:
    assert refused(data).code == code


SPOILT: list[tuple[dict[str, Any], str]] = [
    ({"business": "bakery"}, "business"),
    ({"business": 7}, "business"),
    ({"currency": "rub"}, "currency"),
    ({"period": "October"}, "period"),
    ({"format": 2}, "format"),
    ({"name": "x" * 201}, "name"),
    ({"surprise": 1}, "surprise"),
    ({"lines": []}, "lines"),
    ({"lines": "sessions"}, "lines"),
    ({"lines": [7]}, "lines.0"),
    ({"lines": [{"kpi": "sessions", "target": 1, "weight": 1}] * 61}, "lines"),
    ({"lines": [{"kpi": "nosuch", "target": 1, "weight": 1}]}, "lines"),
    ({"lines": [{"kpi": "sessions", "target": 1, "weight": 1}] * 2}, "lines"),
    ({"lines": [{"kpi": "sessions", "target": 1, "weight": 0}]}, "lines"),
    ({"lines": [{"kpi": "sessions", "target": 1, "weight": -1}]}, "lines.0.weight"),
    ({"lines": [{"kpi": "sessions", "target": 1, "weight": 10**7}]}, "lines.0.weight"),
    ({"lines": [{"kpi": "sessions", "target": "much", "weight": 1}]}, "lines.0.target"),
    ({"lines": [{"kpi": "sessions", "target": True, "weight": 1}]}, "lines.0.target"),
    ({"lines": [{"kpi": "sessions", "target": "Infinity", "weight": 1}]}, "lines.0.target"),
    ({"lines": [{"kpi": "sessions", "target": "1e-999999", "weight": 1}]}, "lines.0.target"),
    ({"lines": [{"kpi": "sessions", "target": "1e999999", "weight": 1}]}, "lines.0.target"),
    ({"lines": [{"kpi": "sessions", "target": 0, "weight": 1}]}, "lines.0"),
    ({"lines": [{"kpi": "sessions", "weight": 1}]}, "lines.0"),
    ({"lines": [{"kpi": "sessions", "target": 1}]}, "lines.0.weight"),
    ({"lines": [{"kpi": "sessions", "target": 1, "base": 1, "weight": 1}]}, "lines.0"),
    ({"lines": [{"kpi": "sessions", "target": 1, "weight": 1, "rule": {}}]}, "lines.0.rule"),
    (
        {"lines": [{"kpi": "sessions", "target": 1, "weight": 1, "rule": {"kind": "magic"}}]},
        "lines.0.rule",
    ),
    (
        {
            "lines": [
                {
                    "kpi": "sessions", "target": 1, "weight": 1,
                    "rule": {"kind": "steps", "steps": [{"at": 1, "score": 1, "inclusive": "so"}]},
                }
            ]
        },
        "lines.0.rule.steps.steps.0.inclusive",
    ),
    ({"scheme": None}, "scheme"),
    ({"scheme": {"kind": "scorecard", "salary": 1}}, "scheme.scorecard.fund"),
    ({"scheme": {"kind": "scorecard", "salary": "1.001", "fund": 1}}, "scheme.scorecard.salary"),
    ({"scheme": {"kind": "scorecard", "salary": -1, "fund": 1}}, "scheme.scorecard.salary"),
    ({"scheme": {"kind": "scorecard", "salary": 10**14, "fund": 1}}, "scheme.scorecard.salary"),
    ({"scheme": {"kind": "product", "salary": 1, "factors": []}}, "scheme.product.factors"),
    ({"missing": "forget"}, "missing"),
    ({"partial_period": "maybe"}, "partial_period"),
    ({"variants": {"nosuch": "x"}}, "variants"),
    ({"variants": {"cr": "nosuch"}}, "variants"),
    ({"variants": []}, "variants"),
    ({"assumptions": {"luck": 1}}, "assumptions"),
    ({"sources": {"luck": "ga4"}}, "sources"),
    ({"rates": {"usd": 92.5}}, "rates"),
    ({"rates": {"USD": 0}}, "rates"),
    ({"rates": {"RUB": 1}}, "rates"),
    ({"rates": {"USD": "much"}}, "rates.USD"),
    ({"vat": {"direct": "without"}}, "vat.direct"),
    ({"vat_rate": 20}, "vat_rate"),
    ({"vat_rate": -0.2}, "vat_rate"),
    ({"vat_basis": "net"}, "vat_basis"),
    ({"facts": {"luck": 1}}, "facts"),
    ({"facts": {"leads": None}}, "facts.leads"),
    ({"facts": {"cr": 7}}, "facts"),  # 7 % is 0.07
    ({"facts": {"bounce_rate": "-0.1"}}, "facts"),
    ({"facts": {"gross_margin": "1.1"}}, "facts"),
    ({"facts": {"nps": -2}}, "facts"),
    ({"facts": {"orders": -5}}, "facts"),
    ({"facts": {"spend": -5}}, "facts"),
    ({"facts": {"aov": -4000}}, "facts"),
    ({"assumptions": {"margin_rate": -3}}, "assumptions"),
    ({"period": "２０２６-１０"}, "period"),
    ({"name": "a\0b"}, "name"),
    ({"own": {"mine": {"name": "a\0b", "formula": "orders"}}}, "own.mine.name"),
    ({"own": {"mine": {"name": "x", "formula": "7"}}}, "own.mine.formula"),
    ({"own": {"max": {"name": "x", "formula": "orders"}}}, "own"),
    ({"stages": ["carts"]}, "stages"),
    ({"stages": ["carts", "luck"]}, "stages"),
    ({"stages": ["carts", "orders=a\0b"]}, "stages.1"),
    ({"funnel": "luck"}, "funnel"),
    ({"funnel": "own"}, "funnel"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "field"), SPOILT, ids=[str(change)[:60] for change, _ in SPOILT]
)
def test_a_mistake_names_its_field_in_the_readers_language(
    change: dict[str, Any], field: str
) -> None:
    wrong = refused(entry() | change)
    assert wrong.code == "plan_wrong"
    assert str(wrong.values["field"]) == field
    assert "None" not in wrong.text("ru")
    reason = wrong.values["reason"]
    assert isinstance(reason, PlanError | ValueError)
    assert getattr(reason, "code", "field_wrong") != "field_wrong"


def test_every_objection_of_ours_is_met_by_a_test_or_by_a_wider_one() -> None:
    met = {getattr(refused(entry() | change).values["reason"], "code", "") for change, _ in SPOILT}
    ours = {key.partition(".")[2] for key in phrases() if key.startswith("errors.field_")}
    spared = {"field_wrong", "field_decimal_whole_digits", "field_decimal_max_digits"}
    assert ours - met <= spared | {"field_model_type", "field_bool_type", "field_finite_number"}


def test_a_stated_loss_is_no_mistake() -> None:
    lost = {
        "gross_profit": -5,
        "gross_margin": "-0.1",
        "romi": "-0.5",
        "ltv_profit_90": -1,
        "roi": "1.5",
        "drr": 1,
        "cr": 1,
    }
    assert len(changed(default_plan("shop"), facts=lost).facts) == len(lost)
    with pytest.raises(PlanError, match=r"For 7% write 0\.07"):
        changed(default_plan("shop"), facts={"cr": 7})


# --- targets of periods


def test_targets_of_months_make_that_of_a_quarter_where_the_figures_do() -> None:
    """100 + 110 + 120 orders; a conversion of 2 % each month is one of 2 %, others are none."""
    months = ("2026-10", "2026-11", "2026-12")
    orders = {month: {"orders": 100 + 10 * place} for place, month in enumerate(months)}
    plan = changed(default_plan("shop"), targets=orders)
    quarter = parse_period("2026-Q4")
    assert plan.targets_in(quarter) == {"orders": 330}
    even = plan.with_targets({month: {"cr": Decimal("0.02")} for month in months})
    assert even.targets_in(quarter) == {"orders": 330, "cr": Decimal("0.02")}
    assert not even.open_targets(quarter)
    uneven = even.with_targets({"2026-12": {"cr": Decimal("0.03")}})
    assert uneven.targets_in(quarter) == {"orders": 330}
    assert uneven.open_targets(quarter) == {"cr": months}


def test_the_target_of_the_very_period_goes_before_those_of_its_parts() -> None:
    both = {"2026-Q4": {"orders": 500}, "2026-10": {"orders": 100}, "2026-10-01..2026-10-14": {}}
    plan = changed(default_plan("shop"), targets=both)
    assert plan.targets_in(parse_period("2026-Q4")) == {"orders": 500}
    assert plan.targets_in(parse_period("2026-10")) == {"orders": 100}
    named = ("2026-10-01..2026-12-31",)
    assert plan.open_targets(parse_period("2026-11")) == {"orders": named}
    assert not plan.open_targets(parse_period("2026-09"))


def test_visitors_of_months_make_none_of_a_quarter_however_alike() -> None:
    """Who came in October and in November is one visitor of both."""
    months = {f"2026-{month}": {"users": 1000} for month in (10, 11, 12)}
    own = {"users_": {"name": "Users", "formula": "users", "unit": "count"}}
    targets = {month: {"users_": 1000} for month in months}
    line = {"kpi": "users_", "target": 1000, "weight": 1}
    plan = changed(default_plan("shop"), own=own, lines=[line], targets=targets)
    assert list(plan.open_targets(parse_period("2026-Q4"))) == ["users_"]


def test_a_target_that_nothing_judges_is_told_and_leaves_with_its_line() -> None:
    plan = changed(default_plan("shop"), targets={"2026-10": {"leads": 7, "aov": 4000}})
    asked = values(combine([]), *plan.kpis(), period="2026-10", settings=plan.settings())
    assert [(told.code, told.where) for told in plan.remarks(asked)] == [
        ("targets_unused", "leads")
    ]
    assert plan.without_line("aov").targets == {"2026-10": {"leads": 7}}


def test_a_kpi_with_one_target_in_the_score_and_another_in_the_bonus_is_told() -> None:
    start = default_plan("shop")
    asked = values(combine([]), *start.kpis(), period="2026-10", settings=start.settings())

    def told(plan: Plan) -> list[tuple[str, str]]:
        return [(own.code, own.where) for own in plan.remarks(asked)]

    parted = start.with_target("cpo", Decimal(350), None)
    assert told(start) == []
    assert told(parted) == [("targets_differ", "cpo")]
    both = parted.with_targets({"2026-10": {"cpo": Decimal(500)}})
    assert told(both) == [], "in October it has one target"
    assert told(changed(parted, scheme={"kind": "scorecard", "salary": 1, "fund": 1})) == []


def test_what_nobody_has_set_is_salary_paying_targets_and_assumptions() -> None:
    start = default_plan("shop")
    assert start.unset() == (("salary",), ("orders", "cpo"), ("margin_rate",))

    scheme = start.scheme.model_dump()
    orders, cpo = scheme["factors"]
    own = changed(
        start,
        scheme=scheme | {"salary": 50_000, "factors": [orders | {"target": 180}, cpo]},
        assumptions={},
    )
    assert own.unset() == ((), ("cpo",), ())
    october = own.with_targets({"2026-10": {"cpo": Decimal(111)}})
    assert october.unset(parse_period("2026-10")).targets == ()
    assert october.unset(parse_period("2026-11")).targets == ("cpo",)
    assert own.pays_by_own_figures()
    assert not start.with_target("cr", Decimal("0.05"), None).pays_by_own_figures()
    by_score = changed(own, scheme={"kind": "scorecard", "salary": 30_000, "fund": 5_000})
    assert by_score.unset().sums == ("salary",)
    analyst = default_plan("analyst")
    assert analyst.unset().sums == ("salary", "fund")
    raised = analyst.scheme.model_dump() | {"fund": analyst.scheme.stake + 1}
    assert changed(analyst, scheme=raised).unset().sums == ("salary",)
    assert by_score.unset().targets == tuple(line.kpi for line in start.lines)
    assert "cr" not in by_score.with_target("cr", Decimal("0.05"), None).unset().targets


# --- what the editor does


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 100), min_size=4, max_size=4).filter(any),
    st.integers(0, 3),
    st.integers(0, 100),
    st.sets(st.integers(0, 3)),
)
def test_a_moved_share_leaves_the_sum_and_every_lock(
    weights: list[int], moved: int, percent: int, locked: set[int]
) -> None:
    kpis = ("sessions", "orders", "leads", "comments")
    lines = [
        {"kpi": kpi, "target": 1, "weight": weight}
        for kpi, weight in zip(kpis, weights, strict=True)
    ]
    made = Plan.model_validate(entry() | {"lines": lines})
    before = made.shares()
    after = made.with_share(kpis[moved], Fraction(percent, 100), {kpis[i] for i in locked}).shares()
    kept = {kpis[i] for i in locked} - {kpis[moved]}
    free = set(kpis) - kept - {kpis[moved]}
    assert sum(after.values()) == 1
    assert {id: after[id] for id in kept} == {id: before[id] for id in kept}
    if free:
        room = 1 - sum(before[id] for id in kept)
        assert after[kpis[moved]] == min(Fraction(percent, 100), room)
    else:
        assert after == before


def test_a_share_that_took_all_gives_room_again_in_equal_parts() -> None:
    plan = default_plan("shop")
    alone = plan.with_share("cr", Fraction(1))
    assert set(alone.shares().values()) == {0, 1}
    assert alone.with_share("cr", Fraction(1, 2)).shares()["aov"] == Fraction(1, 10)


def test_only_nothing_and_nearly_all_are_odd_shares() -> None:
    odd = [odd_share(Fraction(part, 100)) for part in (0, 1, 60, 61, 100)]
    assert odd == ["zero", None, None, "extreme", "extreme"]


def test_a_line_more_has_an_equal_share_and_the_present_value_for_a_target() -> None:
    plan = default_plan("shop").with_new_line("sessions", Fraction(123456, 10))
    assert plan.lines[-1].target == Decimal(12346)
    assert abs(plan.shares()["sessions"] - Fraction(1, 7)) < Fraction(1, 10**5)
    assert default_plan("portal").with_new_line("cr", None).lines[-1].target == Decimal("0.012")
    with pytest.raises(PlanError):
        plan.with_new_line("sessions", None)


def test_a_plan_has_sixty_lines_at_most() -> None:
    ids = [id for id in catalogue.kpis() if id not in default_plan("shop").shares()]
    plan = default_plan("shop")
    for id in ids[: 60 - len(plan.lines)]:
        plan = plan.with_new_line(id, Fraction(1))
    with pytest.raises(PlanError):
        plan.with_new_line(ids[60 - len(default_plan("shop").lines)], Fraction(1))


def test_a_limit_proposed_from_a_value_is_kept_by_it() -> None:
    value = Fraction(12071, 10**6)
    assert kept_side(catalogue.kpi("cr"), value) <= value
    assert kept_side(catalogue.kpi("cpo"), Fraction(5545678, 10**4)) >= Fraction(5545678, 10**4)


def test_principles_are_confirmed_by_name() -> None:
    plan = default_plan("shop")
    assert plan.unconfirmed() == tuple(catalogue.principles())
    confirmed = changed(plan, fair=["measurable", "measurable"])
    assert confirmed.fair == ("measurable",)
    assert len(confirmed.unconfirmed()) == len(catalogue.principles()) - 1
    with pytest.raises(PlanError, match="principle"):
        changed(plan, fair=["nice"])
