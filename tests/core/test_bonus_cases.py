"""What is paid: cases worked out by hand, in one table for each kind of scheme.

Leads are wanted to be 300, a lead to cost 500; the salary is 30 000 unless a case says otherwise.
"""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpi_core.facts import combine
from kpi_core.kpis import Values
from kpi_core.pay import Payout, Person, bonus_by_line, edges, paid_to, payout, payroll
from kpi_core.pay import statement as derived
from kpi_core.plan import Plan
from kpi_core.rules import Linear, Step, Steps
from tests.core.small import values

EAGER = Steps(  # both boundaries on the employee's side
    steps=(
        Step(at=Decimal("0.8"), score=Decimal("0.5")),
        Step(at=Decimal(1), score=Decimal(1)),
    )
)
STRICT = Steps(  # neither
    steps=(
        Step(at=Decimal("0.8"), inclusive=False, score=Decimal("0.5")),
        Step(at=Decimal(1), inclusive=False, score=Decimal(1)),
    )
)
LINE = Linear()  # 80 % is 0.5, 100 % is 1, nothing more above
LONG = Linear(stretch_score=Decimal("1.5"))  # 120 % is 1.5


def plan(scheme: dict[str, object], facts: dict[str, object], **fields: object) -> Plan:
    """Leads weigh 3, their cost 1, where lines are what pays."""
    lines = [
        {"kpi": "leads", "target": 300, "weight": 3},
        {"kpi": "cpl", "target": 500, "weight": 1},
    ]
    usual = {"business": "corporate", "currency": "RUB", "period": "2026-10", "lines": lines}
    return Plan.model_validate(usual | {"scheme": scheme, "facts": facts} | fields)


def read(made: Plan) -> Values:
    return values(combine([]), *made.kpis(), period="2026-10", settings=made.settings())


def paid(made: Plan) -> Payout:
    return payout(made, read(made))


def product(*rules: object, salary: object = 30000, **terms: object) -> dict[str, object]:
    """Leads and their cost, by these rules or as default plans judge."""
    rule = [{"rule": rule.model_dump()} if rule else {} for rule in (*rules, None, None)[:2]]  # type: ignore[attr-defined]
    factors = [{"kpi": "leads", "target": 300, **rule[0]}, {"kpi": "cpl", "target": 500, **rule[1]}]
    return {"kind": "product", "salary": salary, "factors": factors, "terms": terms}


def of_leads(rule: object = None, salary: object = 30000, **terms: object) -> dict[str, object]:
    """Leads alone."""
    made = product(rule, salary=salary, **terms)
    return made | {"factors": made["factors"][:1]}  # type: ignore[index]


PRODUCT = [
    # scheme, leads, cost of a lead, bonus, to pay
    (product(), 330, 625, "15000.00", "45000.00"),  # 110 %: 1; exactly 80 %: 0.5
    (product(), 300, 400, "15000.00", "45000.00"),  # exactly 100 % is a half, read literally
    (product(), 301, 499, "30000.00", "60000.00"),  # both above plan
    (product(), 240, 500, "7500.00", "37500.00"),  # exactly 80 % and exactly 100 %: 0.5 · 0.5
    (product(), 239, 400, "0.00", "30000.00"),  # one below 80 % loses all
    (product(), 301, "625.01", "0.00", "30000.00"),  # 79.9987 % is not 80 %
    (product(), 301, 0, "30000.00", "60000.00"),  # leads for nothing
    (product(EAGER, EAGER), 300, 500, "30000.00", "60000.00"),  # the boundary counts: all
    (product(STRICT, STRICT), 240, 400, "0.00", "30000.00"),  # it does not: exactly 80 % is nothing
    (product(STRICT, STRICT), 241, 400, "15000.00", "45000.00"),
    (product(salary="33333.33"), 300, 500, "8333.33", "41666.66"),  # 8333.3325
    (product(salary="33333.34"), 300, 500, "8333.34", "41666.68"),  # 8333.335: halves up
    (product(salary="0.02"), 300, 500, "0.01", "0.03"),  # half a kopeck
    (of_leads(LINE), 270, 1, "22500.00", "52500.00"),  # 90 %: half way from 0.5 to 1
    (of_leads(LINE), 240, 1, "15000.00", "45000.00"),
    (of_leads(LINE), 239, 1, "0.00", "30000.00"),  # below the floor
    (of_leads(LONG), 330, 1, "37500.00", "67500.00"),  # 110 %: 1.25
    (of_leads(LONG), 900, 1, "45000.00", "75000.00"),  # the stretch is the end
    # floor, cap, accelerator
    (of_leads(floor="0.3"), 100, 1, "9000.00", "39000.00"),
    (of_leads(cap="0.8"), 301, 1, "24000.00", "54000.00"),
    (of_leads(LONG, accelerator={"above": 1, "times": 2}), 330, 1, "45000.00", "75000.00"),
    (of_leads(LONG, accelerator={"above": 1, "times": 2}, cap="1.3"), 330, 1, "39000.00",
     "69000.00"),
    (of_leads(LONG, accelerator={"above": "1.1", "times": 3}), 330, 1, "46500.00", "76500.00"),
]  # fmt: skip


@pytest.mark.parametrize(("scheme", "leads", "cpl", "bonus", "pay"), PRODUCT)
def test_factors_times_salary(
    scheme: dict[str, object], leads: object, cpl: object, bonus: str, pay: str
) -> None:
    due = paid(plan(scheme, {"leads": leads, "cpl": cpl}))
    assert (str(due.bonus), str(due.pay)) == (bonus, pay)


def card(**fields: object) -> dict[str, object]:
    return {"kind": "scorecard", "salary": 30000, "fund": 20000, **fields}


def table(*rows: tuple[object, object, bool]) -> dict[str, object]:
    made = [{"at": at, "amount": amount, "inclusive": side} for at, amount, side in rows]
    return {"kind": "table", "salary": 30000, "rows": made}


CURVE = {"kind": "curve", "salary": 30000, "fund": 20000}
CONTRACTOR = {"kind": "contractor", "price": 50000, "variable": 20000}
TWO = (("0.5", 10000, True), ("0.875", 15000, True))
SIDE = (("0.5", 10000, True), ("0.875", 15000, False))
EQUAL = [{"kpi": "leads", "target": 300, "weight": 1}, {"kpi": "cpl", "target": 500, "weight": 1}]
OVER = [{"kpi": "leads", "target": 300, "weight": 1, "rule": LONG.model_dump()}]

LINES = [
    # scheme, fields of the plan, leads, cost of a lead, total score, bonus, to pay
    (card(), {}, 330, 500, "0.875", "17500.00", "47500.00"),  # (3 · 1 + 1 · 0.5) / 4
    (card(), {}, 270, 400, "0.625", "12500.00", "42500.00"),  # (3 · 0.5 + 1) / 4
    (card(), {"lines": EQUAL}, 270, 400, "0.75", "15000.00", "45000.00"),
    (card(), {}, 330, None, "1", "20000.00", "50000.00"),  # no cost: the line is left out
    (card(), {"missing": "zero"}, 330, None, "0.75", "15000.00", "45000.00"),
    (card(), {"lines": OVER}, 360, 1, "1.5", "30000.00", "60000.00"),
    (card(), {"lines": OVER, "over": "capped"}, 360, 1, "1", "20000.00", "50000.00"),
    (card(terms={"cap": "1.2"}), {"lines": OVER}, 360, 1, "1.5", "24000.00", "54000.00"),
    (table(*TWO), {}, 330, 500, "0.875", "15000.00", "45000.00"),  # exactly on the row
    (table(*SIDE), {}, 330, 500, "0.875", "10000.00", "40000.00"),  # which has to be passed
    (table(*TWO), {}, 270, 400, "0.625", "10000.00", "40000.00"),
    (table(*TWO), {}, 239, 400, "0.25", "0.00", "30000.00"),
    (CURVE, {}, 330, 500, "0.875", "13750.00", "43750.00"),  # 0.5 + 0.075 / 0.2 · 0.5 = 0.6875
    (CURVE, {}, 270, 400, "0.625", "0.00", "30000.00"),  # below the floor of 0.8
    (CURVE, {}, 330, 400, "1", "20000.00", "50000.00"),
    (CONTRACTOR, {}, 330, 500, "0.875", "17500.00", "67500.00"),
    (CONTRACTOR, {}, 100, 5000, "0", "0.00", "50000.00"),  # the price is paid anyway
]


@pytest.mark.parametrize(
    ("scheme", "fields", "leads", "cpl", "expected"), [(*case[:4], case[4:]) for case in LINES]
)
def test_a_total_score_pays(
    scheme: dict[str, object],
    fields: dict[str, object],
    leads: object,
    cpl: object,
    expected: tuple[str, str, str],
) -> None:
    facts = {"leads": leads} | ({} if cpl is None else {"cpl": cpl})
    due = paid(plan(scheme, facts, **fields))
    assert due.scorecard is not None
    total, bonus, pay = expected
    assert due.scorecard.total == Fraction(total)
    assert (str(due.bonus), str(due.pay)) == (bonus, pay)


HALF = {"leads": 330, "cpl": 625}  # 0.5 of 30 000: 15 000, 45 000 in all

PEOPLE = [
    # what is known of the person, salary for the days worked, bonus, correction, to pay, carried
    ({}, "30000.00", "15000.00", "0", "45000.00", "0"),
    ({"salary": 40000}, "40000.00", "20000.00", "0", "60000.00", "0"),
    # October 2026 has 22 working days, 11 of them from the 16th on
    ({"first": "2026-10-16"}, "15000.00", "7500.00", "0", "22500.00", "0"),
    ({"last": "2026-10-15"}, "15000.00", "7500.00", "0", "22500.00", "0"),
    ({"first": "2020-01-01", "last": "2026-10-02"}, "2727.27", "1363.64", "0", "4090.91", "0"),
    ({"absent": 2}, "27272.73", "13636.36", "0", "40909.09", "0"),
    ({"first": "2026-10-16", "absent": 11}, "0.00", "0.00", "0", "0.00", "0"),
    ({"last": "2026-09-30"}, "0.00", "0.00", "0", "0.00", "0"),  # gone before the period
    ({"correction": -5000}, "30000.00", "15000.00", "-5000.00", "40000.00", "0"),
    # more than the bonus: the salary is not touched
    ({"correction": -20000}, "30000.00", "15000.00", "-15000.00", "30000.00", "5000.00"),
    ({"correction": 3000}, "30000.00", "15000.00", "3000.00", "48000.00", "0"),
]


@pytest.mark.parametrize(("person", "expected"), [(case[0], case[1:]) for case in PEOPLE])
def test_a_person_is_paid_for_the_days_worked(
    person: dict[str, object], expected: tuple[str, ...]
) -> None:
    due = paid_to(paid(plan(product(), HALF)), Person.model_validate({"name": "A", **person}))
    corrected = sum((own.money for own in due.amounts if own.what == "correction"), Decimal(0))
    found = (due.amounts[0].money, due.bonus, corrected, due.pay, due.carried)
    assert found == tuple(map(Decimal, expected))


TEAMS = [
    # how a fund of 100 000 at 0.875 is shared out: 87 500 among
    ("contribution", [{}, {}, {}], ["29166.67", "29166.67", "29166.66"]),
    ("contribution", [{"contribution": 3}, {"contribution": 1}], ["65625.00", "21875.00"]),
    ("contribution", [{}, {"first": "2026-10-16"}], ["58333.33", "29166.67"]),  # 22 and 11 days
    ("salary", [{"salary": 60000}, {"salary": 40000}], ["52500.00", "35000.00"]),
    ("hours", [{"hours": 100}, {"hours": 60}], ["54687.50", "32812.50"]),
]


@pytest.mark.parametrize(("split", "team", "bonuses"), TEAMS)
def test_the_fund_of_a_team_is_shared_out_to_the_kopeck(
    split: str, team: list[dict[str, object]], bonuses: list[str]
) -> None:
    scheme = {"kind": "team", "fund": 100000, "split": split}
    due = paid(plan(scheme, {"leads": 330, "cpl": 500}))
    people = [Person.model_validate({"name": str(at), **own}) for at, own in enumerate(team)]
    shared = payroll(people, {"": due})
    assert [str(own.bonus) for own in shared] == bonuses
    assert sum(own.bonus for own in shared) == Decimal(87500)


def test_a_plan_that_changes_within_a_period_pays_each_for_its_own_days() -> None:
    """11 of 22 days at 15 000 of bonus, 11 at 30 000 of a salary twice as high: 7 500 + 15 000."""
    old = paid(plan(product(), HALF))
    new = paid(plan(product(salary=60000), HALF))
    people = [
        Person.model_validate({"name": "A", "last": "2026-10-15"}),
        Person.model_validate({"name": "A", "plan": "new", "first": "2026-10-16"}),
    ]
    shared = payroll(people, {"": old, "new": new})
    assert [str(own.bonus) for own in shared] == ["7500.00", "15000.00"]
    assert sum(own.pay for own in shared) == Decimal(15000 + 7500 + 30000 + 15000)


def test_a_broken_limit_leaves_nothing_of_a_guaranteed_bonus_either() -> None:
    gate = {"gates": [{"kpi": "cpl", "limit": 600}]}
    kept = paid(plan(of_leads(floor="0.3"), {"leads": 100, "cpl": 600}, **gate))
    broken = paid(plan(of_leads(floor="0.3"), {"leads": 100, "cpl": "600.01"}, **gate))
    assert (str(kept.bonus), str(broken.bonus)) == ("9000.00", "0.00")


def test_each_side_of_each_boundary_is_told_in_money() -> None:
    made = plan(product(), HALF)
    at_80, at_100 = edges(made, made.paying()[0])
    sides = [
        (str(e.below.bonus), str(e.exactly.bonus), str(e.above.bonus)) for e in (at_80, at_100)
    ]
    assert [at_80.mark, at_100.mark] == [Fraction(4, 5), Fraction(1)]
    assert sides == [("0.00", "15000.00", "15000.00"), ("15000.00", "15000.00", "30000.00")]


def test_the_parts_of_a_bonus_follow_the_points_of_the_lines() -> None:
    """Points of 0.75 and 0.125: 6 to 1 of 17 500."""
    assert bonus_by_line(paid(plan(card(), {"leads": 330, "cpl": 500}))) == {
        "leads": Decimal(15000),
        "cpl": Decimal(2500),
    }


# --- properties

shares = st.fractions(0, 3, max_denominator=200)
kinds = st.sampled_from([product(), product(LINE, LONG), card(), table(*TWO), CURVE, CONTRACTOR])
terms = st.builds(
    lambda floor, more, times: {
        "floor": str(floor),
        "cap": str(floor + more),
        "accelerator": {"times": times},
    },
    st.decimals(0, 1, places=2),
    st.decimals(0, 2, places=2),
    st.integers(1, 5),
)
people = st.builds(
    Person,
    name=st.just("A"),
    salary=st.none() | st.decimals(0, 10**6, places=2),
    absent=st.integers(0, 22),
    correction=st.decimals(-(10**6), 10**6, places=2),
)


def made_of(scheme: dict[str, object], terms: dict[str, object], leads: int, cpl: int) -> Plan:
    return plan(scheme | {"terms": terms}, {"leads": leads, "cpl": cpl})


@given(kinds, terms, st.integers(0, 1000), st.integers(0, 2000), people)
def test_the_lines_of_a_statement_add_up_and_nobody_owes(
    scheme: dict[str, object], terms: dict[str, object], leads: int, cpl: int, person: Person
) -> None:
    due = paid_to(paid(made_of(scheme, terms, leads, cpl)), person)
    lines = [entry.amount for entry in derived(due, "ru") if entry.amount is not None]
    assert sum(lines) == due.pay
    assert due.pay >= due.amounts[0].money >= 0
    assert due.carried >= 0
    most = Fraction(str(terms["cap"])) * Fraction(due.stake)
    assert 0 <= due.bonus <= most + Fraction(1, 100)


@given(kinds, terms, st.integers(0, 999), st.integers(1, 2000))
def test_more_of_what_is_wanted_never_pays_less(
    scheme: dict[str, object], terms: dict[str, object], leads: int, cpl: int
) -> None:
    now = paid(made_of(scheme, terms, leads, cpl)).bonus
    assert paid(made_of(scheme, terms, leads + 1, cpl)).bonus >= now
    assert paid(made_of(scheme, terms, leads, cpl - 1)).bonus >= now


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=30), st.integers(0, 10**9))
def test_a_fund_is_shared_out_whole(contributions: list[int], fund: int) -> None:
    scheme: dict[str, object] = {"kind": "team", "fund": str(Decimal(fund) / 100)}
    due = paid(plan(scheme, {"leads": 330, "cpl": 500}))
    team = [Person(name=str(at), contribution=Decimal(own)) for at, own in enumerate(contributions)]
    if any(contributions):
        assert sum(own.bonus for own in payroll(team, {"": due})) == due.bonus
