"""The rule in words: every figure that decides is printed as the plan holds it."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpi_core import catalogue, words
from kpi_core.gates import check
from kpi_core.kpis import Values
from kpi_core.pay import clauses, outcome, payout, statement
from kpi_core.pay.statement import checked
from kpi_core.plan import Plan
from kpi_core.rules import LITERAL_STEPS
from tests.core.small import facts, values

LEADS = {"kpi": "leads", "target": 100, "weight": 1}


def plan(*lines: Mapping[str, object], terms: Mapping[str, object] = {}, **fields: object) -> Plan:
    """A plan of a whole month that pays a fund of 1000 by its lines."""
    usual = {
        "business": "corporate",
        "currency": "EUR",
        "lines": [dict(line) for line in lines or (LEADS,)],
        "scheme": {"kind": "scorecard", "salary": 0, "fund": 1000, "terms": dict(terms)},
    }
    return Plan.model_validate(usual | fields)


def october(of: Plan) -> Values:
    """What the plan states for October, and nothing else."""
    return values(facts("Date,Visits\n2026-10-01,1\n2026-10-31,1"), *of.kpis(),
                  period="2026-10", settings=of.settings())  # fmt: skip


def told(of: Plan, lang: str = "en") -> str:
    return "\n".join(clauses(of, lang))


def derived(of: Plan, lang: str = "en") -> str:
    paid = payout(of, october(of))
    return "\n".join(f"{entry.text}: {entry.value}" for entry in statement(paid, lang))


# --- what the plan holds


def test_an_accelerator_says_its_exact_factor() -> None:
    rule = {"kind": "linear", "stretch": 2, "stretch_score": 2}
    terms = {"accelerator": {"above": "1.05", "times": "1.5"}}
    fast = plan(LEADS | {"rule": rule}, terms=terms, facts={"leads": 120})
    assert "above 1.05 is multiplied by 1.5." in told(fast)
    assert "превышающая 1,05, умножается на 1,5." in told(fast, "ru")
    assert "above 1.05 counts × 1.5" in derived(fast)
    assert "выше 1,05, считается × 1,5" in derived(fast, "ru")


def test_a_floor_and_a_cap_say_every_decimal() -> None:
    bent = plan(terms={"floor": "0.00044", "cap": "0.87654"}, facts={"leads": 120})
    assert "at least 0.044% of its base" in told(bent)
    assert "at most 87.654% of its base" in told(bent)
    assert "No more than 0.87654" in derived(bent)


@pytest.mark.parametrize(
    ("target", "actual", "expected"),
    [
        ("124.4", 124, "target 124.4, actual 124;"),
        ("124.4", "124.42", "target 124.4, actual 124.42;"),
        ("100", "99.9996", "target 100, actual 99.9996;"),
    ],
)
def test_a_target_and_what_misses_it_never_look_alike(
    target: str, actual: object, expected: str
) -> None:
    wanting = plan(LEADS | {"target": target}, facts={"leads": actual})
    assert expected in derived(wanting)
    assert f"target {target}." in told(wanting)


def test_a_kpi_of_ones_own_without_decimals_keeps_those_of_its_target() -> None:
    own = {"own_calls": {"name": "Calls", "formula": "leads", "decimals": 0}}
    calling = plan({"kpi": "own_calls", "target": "1.4", "weight": 1}, own=own)
    assert "Calls (share of weight 100%): target 1.4." in told(calling)


def test_rows_of_a_table_that_differ_are_told_apart() -> None:
    rows = [{"at": "0.87555", "amount": 1}, {"at": "0.875551", "amount": 2}]
    said = told(plan(scheme={"kind": "table", "salary": 0, "rows": rows}))
    assert "from 87.555% (included) to below 87.5551%: €1.00" in said


def test_a_score_says_every_decimal() -> None:
    steps = {"kind": "steps", "steps": [{"at": 1, "score": "0.00000044"}]}
    assert "from 100% (included): 0.00000044" in told(plan(LEADS | {"rule": steps}))


def test_a_limit_says_every_decimal_and_what_breaks_it_looks_broken() -> None:
    limited = plan(gates=[{"kpi": "cpl", "limit": 250}], facts={"leads": 100, "cpl": "250.004"})
    assert "at most €250.00; the data say €250.004: broken" in derived(limited)
    close = plan(gates=[{"kpi": "cr", "limit": "0.0123456"}], facts={"leads": 100, "cr": "0.02"})
    assert "is below 1.23456%; at exactly 1.23456% it is paid" in told(close)


def test_what_breaks_a_limit_by_less_than_can_be_printed_is_told_beyond_it() -> None:
    kpi = catalogue.kpi("cpl")
    value = 250 + Fraction(1, 10**12)
    assert words.kpi_figure_beside(kpi, value, [Decimal(250)], "EUR", "en") == ">€250.00"


@given(st.decimals("0.000001", 5, places=9))
def test_a_boundary_reads_back_as_itself(mark: Decimal) -> None:
    said = words.mark(mark, LITERAL_STEPS, None, "en")
    assert Decimal(said.removesuffix("%").replace(",", "")) == 100 * mark


# --- without data


@pytest.mark.parametrize(
    ("missing", "clause", "verdict", "blocked"),
    [
        ("zero", "counts as broken: no bonus is paid", "no data, broken by the plan: no bonus", 0),
        ("drop", "has no data, no bonus is computed", "no data: no bonus is computed", 1),
        ("block", "has no data, no bonus is computed", "no data: no bonus is computed", 1),
    ],
)
def test_a_limit_without_data_does_what_its_clause_says(
    missing: str, clause: str, verdict: str, blocked: int
) -> None:
    """0 would keep a limit of at most 10, so "counts as zero" would promise the bonus."""
    limited = plan(gates=[{"kpi": "cpl", "limit": 10}], facts={"leads": 120}, missing=missing)
    found = outcome(limited, october(limited))
    assert bool(found.blocked) == blocked
    assert found.paid is None or found.paid.bonus == 0
    assert clause in told(limited)
    (item,) = check(limited, october(limited))
    assert checked(item, limited, "en").value == verdict


def test_a_guard_that_only_warns_promises_nothing_about_pay() -> None:
    guard = {"kpi": "leads", "guard": "cpl", "against": "previous"}
    warned = plan(guards=[guard], facts={"leads": 120}, missing="zero")
    assert "counts as broken" not in told(warned)
    (item,) = check(warned, october(warned))
    assert checked(item, warned, "en").value == "no data"


def test_a_kpi_without_data_scores_0_where_the_plan_says_so() -> None:
    lacking = plan(LEADS, {"kpi": "cpl", "target": 10, "weight": 1},
                   facts={"leads": 120}, missing="zero")  # fmt: skip
    assert "A KPI without data scores 0." in told(lacking)
    assert "its score counts as zero" in derived(lacking)
    assert payout(lacking, october(lacking)).bonus == 500
