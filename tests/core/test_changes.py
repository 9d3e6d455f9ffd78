"""What two plans pay otherwise for is said in words, all of it and nothing else."""

import pytest

from kpi_core.changes import plan_differences
from kpi_core.plan import Plan
from tests.core.test_signoff import OWN, plan

NBSP = "\N{NO-BREAK SPACE}"


def changes(now: Plan, lang: str = "en", was: Plan | None = None) -> list[str]:
    return [said.replace(NBSP, " ") for said in plan_differences(was or plan(), now, lang)]


def test_the_same_plan_has_no_differences() -> None:
    assert changes(plan()) == []
    assert changes(plan(name="another", comments={"2026-10": {"total": "well done"}})) == []


def test_sums_of_money_are_told_as_they_were_and_are() -> None:
    dearer = plan(scheme={"kind": "scorecard", "salary": "50000.00", "fund": "500.50"})
    assert changes(dearer) == [
        "Salary: RUB 1,000.00 → RUB 50,000.00.",
        "Bonus fund: RUB 500.00 → RUB 500.50.",
    ]
    assert changes(dearer, "ru")[0] == "Оклад: 1 000,00 ₽ → 50 000,00 ₽."


def test_a_target_a_weight_and_a_kpi_are_told() -> None:
    was = plan("sessions", "page_depth")
    now = plan(
        lines=[{"kpi": "sessions", "target": 310, "weight": 3},
               {"kpi": "bounce_rate", "target": "0.4", "weight": 1}]
    )  # fmt: skip
    assert changes(now, was=was)[:4] == [
        "Total traffic, target: 300 → 310.",
        "Total traffic, share of weight: 50% → 75%.",
        "Page depth: no longer counts towards the pay.",
        "Bounce rate: now counts towards the pay.",
    ]


def test_a_rule_is_told_boundary_by_boundary() -> None:
    rule = {"kind": "steps", "steps": [{"at": "0.7", "score": 1}]}
    said = changes(plan(lines=[{"kpi": "sessions", "target": 300, "weight": 1, "rule": rule}]))
    assert len(said) == 1
    assert said[0].startswith("Total traffic, rule: below 80%")
    assert "→ below 70%: 0; from 70%" in said[0]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"scheme": {"kind": "curve", "salary": "1000.00", "fund": "500.00"}}, "The scheme has"),
        ({"scheme": {"kind": "scorecard", "salary": "1000.00", "fund": "500.00",
                     "terms": {"cap": "0.5"}}}, "A clause was added: “The bonus is at most 50%"),
        ({"gates": [{"kpi": "page_depth", "limit": 2}]}, "clause was added: “No bonus is paid if"),
        ({"guards": [{"kpi": "sessions", "guard": "page_depth"}]}, "added: “If Page depth"),
        ({"over": "capped"}, "A clause was added: “A score above 1 counts as 1.”"),
        ({"missing": "zero"}, "A clause was removed: “A KPI without data is left out"),
        ({"sources": {"sessions": "ga4"}}, "Sessions, source: — → Google Analytics 4."),
        ({"sources": {"traffic": "ga4"}}, "Traffic, source: — → Google Analytics 4."),
        ({"assumptions": {"margin_rate": "0.4"}}, ": — → 40%."),
        ({"facts": {"sessions": 400}}, "Sessions, stated by hand: — → 400."),
        ({"rates": {"USD": "92.5"}}, "USD: — → 92.5."),
        ({"vat_basis": "excl"}, "Money and VAT: VAT included → VAT excluded."),
        ({"vat_rate": "0.2"}, "VAT rate: — → 20%."),
        ({"vat": {"direct": "excl"}}, ": — → VAT excluded."),
    ],
)  # fmt: skip
def test_whatever_decides_the_pay_is_told(fields: dict[str, object], told: str) -> None:
    assert any(told in said for said in changes(plan(**fields))), changes(plan(**fields))


def test_another_definition_is_told_by_its_name() -> None:
    was, now = plan("bounce_rate"), plan("bounce_rate", variants={"bounce_rate": "ga4"})
    assert changes(now, was=was)[0].startswith("Bounce rate, definition: — → ")


def test_what_an_own_kpi_means_is_told() -> None:
    was = plan("depth", own={"depth": OWN})
    now = plan("depth", own={"depth": OWN | {"formula": "pageviews / users", "better": "lower"}})
    said = changes(now, was=was)
    assert "Depth, what is better: higher is better → lower is better." in said
    assert any(line.startswith("Depth, definition: ") for line in said)
