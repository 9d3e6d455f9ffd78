"""A KPI that the owner defines by a formula: computed, judged and paid like any other."""

import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from kpi_core.cli import main
from kpi_core.errors import FormulaError, KpiError, PlanError
from kpi_core.pay import payout
from kpi_core.plan import OwnKpi, Plan, changed, default_plan, read_own, read_plan
from kpi_core.score import score
from tests.core.small import daily, facts, values

SHOP = daily("Sessions,Orders,Revenue,Spend", rows={1: (100, 4, 9000, 1000), 2: (100, 6, 11000, 0)})
FORMULA = "(revenue - spend) / orders"  # (20 000 - 1 000) / 10 = 1 900


def plan(formula: str = FORMULA, target: int = 2000) -> Plan:
    return Plan.model_validate(
        {
            "business": "shop",
            "currency": "RUB",
            "own": {"per_order": {"name": "Прибыль с заказа", "formula": formula}},
            "lines": [{"kpi": "per_order", "target": target, "weight": 1}],
            "scheme": {"kind": "scorecard", "salary": "1000.00", "fund": "500.00"},
            "partial_period": "pay",
        }
    )


def found(made: Plan) -> Fraction | None:
    return values(facts(SHOP), *made.kpis(), settings=made.settings()).total("per_order").value


def test_its_value_is_what_one_gets_by_hand() -> None:
    assert found(plan()) == 1900
    assert found(plan("orders / sessions * 2 - -1")) == Fraction(11, 10)
    assert found(plan("orders / (sessions - 200)")) is None, "a divisor of 0 is no value"
    assert found(plan("5 + 0 * orders")) == 5


def test_earlier_days_can_stand_in_it() -> None:
    months = [daily("Orders", rows=dict.fromkeys(range(1, days + 1), (count,)), month=month)
              for month, days, count in (("2026-09", 30, 2), ("2026-10", 31, 3))]  # fmt: skip
    made = plan("orders / previous(orders) - 1")
    total = values(facts(*months), "per_order", period="2026-10", settings=made.settings()).total(
        "per_order"
    )
    assert total.value == Fraction(93, 60) - 1


def test_it_is_scored_and_paid() -> None:
    made = plan()
    got = values(facts(SHOP), *made.kpis(), period="2026-10", settings=made.settings())
    card = score(made, {row.kpi: row for row in got.rows})
    assert card.lines[0].judged.attainment == Fraction(1900, 2000)
    assert card.total == Fraction(1, 2)
    assert str(payout(made, got).bonus) == "250.00"
    assert str(payout(plan(target=1800), got).bonus) == "500.00"


def test_it_travels_by_plan_file_to_the_command_line(tmp_path: Path, capsys) -> None:
    data, file = tmp_path / "shop.csv", tmp_path / "plan.json"
    data.write_text(SHOP, "utf-8")
    file.write_text(plan().as_json(), "utf-8")
    assert read_plan(file.read_bytes()) == plan()
    for command in ("score", "bonus"):
        asked = ["--plan", str(file), "--period", "2026-10", "--json", "--lang", "ru"]
        assert main([command, str(data), *asked]) == 0
        answer = json.loads(capsys.readouterr().out)
        assert answer.get("total", 0.5) == 0.5
        assert answer.get("bonus", "250.00") == "250.00"


def test_the_command_line_judges_by_the_targets_of_the_period(tmp_path: Path, capsys) -> None:
    data, file = tmp_path / "shop.csv", tmp_path / "plan.json"
    data.write_text(SHOP, "utf-8")
    made = plan().with_targets({"2026-10": {"per_order": Decimal(1000)}})
    file.write_text(made.as_json(), "utf-8")
    main(["score", str(data), "--plan", str(file), "--period", "2026-10", "--json"])
    assert json.loads(capsys.readouterr().out)["lines"][0]["target"] == 1000


@pytest.mark.parametrize(
    ("formula", "told"),
    [
        ("(" * 240 + "orders" + ")" * 240, "cannot be read"),
        ("-" * 60 + "orders", "too complex"),
        ("+".join(["orders"] * 60), "too complex"),
        ("orders / " + "9" * 30, "beyond 10^15"),
        ("orders * 1e999", "beyond 10^15"),
        ("orders + " * 90 + "1", "longer than 500"),
        ("orderz / sessions", "no measure named 'orderz'. Did you mean 'orders'?"),
        ("previous(orderz)", "no measure named"),
        ("заказы / визиты", "no measure named"),
        ("orders /", "cannot be read at position"),
        ("orders ** 2", "not arithmetic"),
        ("__import__('os')", "not arithmetic"),
        ("orders if 1 else 2", "not arithmetic"),
        ("", "cannot be read"),
        ("orders # / sessions", "not arithmetic"),
        ("orders * 0x10", "at position 10 the formula is not arithmetic"),
        ("orders * 1_000", "not arithmetic"),
        ("2 * 3.5", "names no measure"),
    ],
)
def test_a_wrong_formula_is_told_in_words(formula: str, told: str) -> None:
    with pytest.raises(FormulaError) as raised:
        read_own({"name": "x", "formula": formula})
    assert told in raised.value.text("en")
    assert raised.value.text("ru")
    with pytest.raises(PlanError):
        changed(default_plan("shop"), own={"x": {"name": "x", "formula": formula}})


def test_another_wrong_field_names_itself() -> None:
    with pytest.raises(PlanError) as raised:
        read_own({"name": "", "formula": "orders"})
    assert "name" in raised.value.text("en")


def test_a_new_one_is_called_by_its_name_and_never_like_another() -> None:
    own = OwnKpi(name="Прибыль с заказа, ₽", formula=FORMULA)
    made = default_plan("shop").with_own(None, own).with_own(None, own)
    assert list(made.own) == ["прибыль_с_заказа", "прибыль_с_заказа_2"]
    assert list(made.with_own(None, OwnKpi(name="CR", formula="orders")).own)[-1] == "cr_2"
    assert list(made.with_own(None, OwnKpi(name="!!!", formula="orders")).own)[-1] == "own"
    assert list(made.with_own(None, OwnKpi(name="Max", formula="orders")).own)[-1] == "max_2"
    changed_one = made.with_own("прибыль_с_заказа", OwnKpi(name="Чек", formula="revenue / orders"))
    assert len(changed_one.own) == 2


def test_it_is_not_deleted_while_it_is_used() -> None:
    own = OwnKpi(name="Чек", formula="revenue / orders")
    made = default_plan("shop").with_own(None, own).with_new_line("чек", Fraction(3333, 7))
    assert made.lines[-1].target == Decimal("476.14")
    assert made.shares()["чек"].limit_denominator(100) == Fraction(1, 7)
    with pytest.raises(KpiError, match="still uses"):
        made.without_own("чек")
    assert not made.without_line("чек").without_own("чек").own
