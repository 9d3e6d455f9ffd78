"""Hard limits and guard pairs: what stops a bonus whatever the scores say."""

from typing import Any

import pytest

from kpi_core.errors import PlanError
from kpi_core.facts import Facts
from kpi_core.gates import check
from kpi_core.kpis import Values, kpi_values
from kpi_core.model import month_of, parse_period
from kpi_core.pay import Payout, payout, statement
from kpi_core.plan import Plan, changed
from tests.core.small import daily, facts

OCTOBER = parse_period("2026-10")


def shop(september: tuple[int, int, int], october: tuple[int, int, int]) -> Facts:
    """Spend, orders and revenue of each month, all on its second day; the other days are quiet."""
    days = [f"2026-{month}-{day:02},0,0,0" for month in ("09", "10") for day in range(1, 31)]
    days.append("2026-10-31,0,0,0")
    told = {"2026-09-02": september, "2026-10-02": october}
    rows = [
        f"{day[:10]},{','.join(map(str, told[day[:10]]))}" if day[:10] in told else day
        for day in days
    ]
    return facts("Date,Cost,Orders,Revenue\n" + "\n".join(rows))


def plan(**fields: object) -> Plan:
    """A shop that wants 10 orders and pays 500 for them."""
    usual: dict[str, Any] = {
        "business": "shop",
        "currency": "RUB",
        "lines": [{"kpi": "orders", "target": 10, "weight": 1}],
        "scheme": {"kind": "scorecard", "salary": "1000.00", "fund": "500.00"},
    }
    return Plan.model_validate(usual | fields)


def read(plan: Plan, data: Facts) -> Values:
    from kpi_core import catalogue

    return kpi_values(
        data,
        catalogue.business(plan.business),
        OCTOBER,
        settings=plan.settings(),
        kpis=plan.kpis(),
        against=plan.against(),
    )


def paid(plan: Plan, data: Facts) -> Payout:
    return payout(plan, read(plan, data))


# 2000 spent on 20 orders: 100 an order; 200 an order in sales.
DATA = shop(september=(1000, 10, 1500), october=(2000, 20, 4000))


@pytest.mark.parametrize(("limit", "bonus"), [(99, "0.00"), (100, "500.00"), (101, "500.00")])
def test_a_cost_above_its_limit_pays_nothing_and_exactly_at_it_is_kept(
    limit: int, bonus: str
) -> None:
    made = paid(plan(gates=[{"kpi": "cpo", "limit": limit}]), DATA)
    assert str(made.bonus) == bonus
    assert str(made.pay) == str(made.bonus + 1000)


def test_a_limit_from_below_holds_for_what_shall_be_high() -> None:
    assert str(paid(plan(gates=[{"kpi": "aov", "limit": 201}]), DATA).bonus) == "0.00"
    assert str(paid(plan(gates=[{"kpi": "aov", "limit": 200}]), DATA).bonus) == "500.00"


def test_a_limit_without_a_figure_stops_the_payout_rather_than_guess() -> None:
    with pytest.raises(PlanError) as raised:
        paid(plan(gates=[{"kpi": "bounce_rate", "limit": "0.3"}]), DATA)
    assert raised.value.code == "gate_unknown"
    counted = plan(gates=[{"kpi": "bounce_rate", "limit": "0.3"}], missing="zero")
    assert str(paid(counted, DATA).bonus) == "0.00"


def test_dearer_orders_that_grow_slower_than_their_cost_break_the_guard() -> None:
    """The average order rose by a third, from 150 to 200, the cost of one by half, to 150."""
    grown = shop(september=(1000, 10, 1500), october=(3000, 20, 4000))
    guarded = plan(guards=[{"kpi": "aov", "guard": "cpo"}])
    (found,) = check(guarded, read(guarded, grown))
    assert (str(found.gained), str(found.harmed), found.kept) == ("1/3", "1/2", False)  # type: ignore[union-attr]
    assert str(paid(guarded, grown).bonus) == "500.00"  # told, and no gate
    stopping = plan(guards=[{"kpi": "aov", "guard": "cpo", "gate": True}])
    assert str(paid(stopping, grown).bonus) == "0.00"


def test_a_guard_that_did_not_worsen_is_kept_even_when_nothing_was_gained() -> None:
    """Both fell: the average order from 150 to 120, the cost of an order from 100 to 90."""
    fallen = shop(september=(1000, 10, 1500), october=(1800, 20, 2400))
    guarded = plan(guards=[{"kpi": "aov", "guard": "cpo", "gate": True}])
    assert str(paid(guarded, fallen).bonus) == "500.00"


@pytest.mark.parametrize(
    ("september", "october", "said"),
    [
        # The average order rose by a third, from 150 to 200, the cost of one by half, to 150.
        ((1000, 10, 1500), (3000, 20, 4000), "better by 33.3%; its guard, CPO: worse by 50.0%"),
        # It fell by a fifth, to 120; an order costs 50, half of what it did.
        ((1000, 10, 1500), (1000, 20, 2400), "worse by 20.0%; its guard, CPO: better by 50.0%"),
        (
            (1000, 10, 1500),
            (2000, 20, 3000),
            "against the period before unchanged; its guard, CPO: unchanged",
        ),
    ],
)
def test_the_statement_says_better_or_worse_and_never_minus(
    september: tuple[int, int, int], october: tuple[int, int, int], said: str
) -> None:
    guarded = plan(guards=[{"kpi": "aov", "guard": "cpo"}])
    made = paid(guarded, shop(september=september, october=october))
    (line,) = [own.text for own in statement(made, "en") if "guard" in own.text]
    name = made.checks[0].beside.definition.name["en"]  # type: ignore[union-attr]
    assert line.endswith(said.replace("CPO", name))
    (line,) = [own.text for own in statement(made, "ru") if "сторож" in own.text]
    assert "−" not in line


def test_without_the_whole_period_before_a_guard_cannot_be_told() -> None:
    """The data of the year before are not there."""
    guarded = plan(guards=[{"kpi": "aov", "guard": "cpo", "against": "year_ago"}])
    values = read(guarded, DATA)
    assert check(guarded, values)[0].kept is None
    assert str(payout(guarded, values).bonus) == "500.00"


THREE_DAYS = daily("Sessions", rows=dict.fromkeys((1, 2, 3), (9,)))


def test_a_limit_judged_on_three_days_of_a_month_waits_like_a_goal() -> None:
    """27 visits of three days keep the limit of 20; the orders are stated by hand."""
    limited = plan(facts={"orders": 20}, gates=[{"kpi": "sessions", "limit": 20}])
    with pytest.raises(PlanError) as raised:
        paid(limited, facts(THREE_DAYS))
    assert raised.value.code == "period_not_whole"
    told = paid(changed(limited, partial_period="pay"), facts(THREE_DAYS))
    assert str(told.bonus) == "500.00"
    assert any("not over" in entry.text for entry in statement(told, "en"))


def test_a_guard_that_can_stop_the_bonus_waits_and_one_that_is_told_does_not() -> None:
    pair = {"kpi": "orders", "guard": "sessions"}
    guarded = plan(facts={"orders": 20}, guards=[pair])
    assert str(paid(guarded, facts(THREE_DAYS)).bonus) == "500.00"
    with pytest.raises(PlanError) as raised:
        paid(changed(guarded, guards=[pair | {"gate": True}]), facts(THREE_DAYS))
    assert raised.value.code == "period_not_whole"


def test_the_statement_says_of_each_limit_whether_it_held() -> None:
    guarded = plan(
        gates=[{"kpi": "cpo", "limit": 99}], guards=[{"kpi": "aov", "guard": "cpo", "gate": True}]
    )
    told = {entry.value for entry in statement(paid(guarded, DATA), "en")}
    assert {"broken: no bonus", "kept"} <= told


def test_the_period_before_a_month_is_the_month_before() -> None:
    values = read(plan(guards=[{"kpi": "aov", "guard": "cpo"}]), DATA)
    assert values.earlier["previous"].total("aov").value == 150
    assert month_of(OCTOBER.first).before() == parse_period("2026-09")
