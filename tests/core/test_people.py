"""A table of people as it is brought, and the words of rule, statement and payroll."""

import csv
import io
import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpi_core.cli import main
from kpi_core.errors import PlanError
from kpi_core.model import parse_period
from kpi_core.pay import (
    Person,
    ahead,
    clauses,
    next_steps,
    payout,
    payroll,
    payroll_csv,
    people_csv,
    read_people,
    statement,
)
from kpi_core.plan import Plan, default_plan, offered
from kpi_core.schemes import Terms
from tests.core.small import daily, facts, values
from tests.core.test_bonus_cases import EAGER, paid, plan, product

RUSSIAN = """Ведомость за октябрь
Сотрудник;Оклад, руб.;Принят;Пропущено дней;Корректировка;Причина
Анна;50 000,00;16.10.2026;;-1 500,50;аванс
Борис;;;2;;
"""
ENGLISH = """Employee,Salary,Hired,Days absent,Correction,Reason
Anna,"50,000.00",2026-10-16,,"-1,500.50",advance
Boris,,,2,,
"""


@pytest.mark.parametrize("text", [RUSSIAN, ENGLISH])
def test_a_table_of_people_is_read_by_its_headings(text: str) -> None:
    anna, boris = read_people("people.csv", text.encode()).people
    assert (anna.salary, anna.first, anna.correction) == (
        Decimal(50000), date(2026, 10, 16), Decimal("-1500.50")
    )  # fmt: skip
    assert (boris.salary, boris.absent, boris.reason) == (None, 2, "")


WRONG = [
    ("a,b\n1,2\n", "Name"),  # nobody
    ("name,salary\nAnna,much\n", "salary.*row 1.*much"),
    ("name,hired\nAnna,the day before\n", "hired.*row 1"),
    ("name,absent\nAnna,1.5\n", "Anna"),
    ("name,salary\nAnna,-5\n", "Anna"),
    ("name,hired,left\nAnna,2026-10-16,2026-10-01\n", "before being hired"),
    ("name,salary\n,5\n", "name"),
]


@pytest.mark.parametrize(("text", "said"), WRONG)
def test_what_cannot_be_read_of_people_is_named(text: str, said: str) -> None:
    with pytest.raises(PlanError, match=said):
        read_people("people.csv", text.encode())


names = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), min_size=1, max_size=20)
sums = st.none() | st.decimals(0, 10**9, places=2)
people = st.builds(
    Person,
    name=names.map(str.strip).filter(lambda name: name and name[0] not in "'\"–—∞"),
    salary=sums,
    fund=sums,
    first=st.none() | st.dates(date(2020, 1, 1), date(2026, 1, 1)),
    absent=st.integers(0, 20),
    correction=st.decimals(-(10**6), 10**6, places=2),
)


@given(st.lists(people, min_size=1, max_size=5))
def test_people_that_are_written_are_read_again(team: list[Person]) -> None:
    known = [own for own in team if own.name.casefold() not in ("na", "nan", "null", "none")]
    for lang in ("ru", "en"):
        written = people_csv(known, lang)
        assert not known or read_people("people.csv", written.encode()).people == tuple(known)


TWICE = "name,correction,adjustment\nAnna,100,200\n"
SUM = "name,salary\nAnna,100\nИтого,100\n"


@pytest.mark.parametrize(("text", "said"), [(TWICE, "correction.*adjustment"), (SUM, "Итого")])
def test_a_table_that_would_pay_wrongly_is_refused(text: str, said: str) -> None:
    with pytest.raises(PlanError, match=said):
        read_people("people.csv", text.encode())


def test_what_is_withheld_is_taken_back_with_or_without_a_sign() -> None:
    table = read_people("people.csv", "Сотрудник;Удержание\nАнна;1500\nБорис;-200\n".encode())
    assert [own.correction for own in table.people] == [Decimal(-1500), Decimal(-200)]


def test_a_column_that_means_nothing_is_told() -> None:
    table = read_people("people.csv", b"Name,Corrections,Absent days\nA,-500,3\n")
    (told,) = table.findings()
    assert told.values == {"columns": "Corrections, Absent days"}


def test_contributions_and_hours_are_as_exact_as_they_were_typed() -> None:
    table = read_people("people.csv", b"name,contribution,hours\nA,0.125,12.345\nB,0.004,7\n")
    assert [own.contribution for own in table.people] == [Decimal("0.125"), Decimal("0.004")]
    assert table.people[0].hours == Decimal("12.345")


def test_nobody_is_paid_twice_for_the_same_days() -> None:
    due = paid(plan(product(), {"leads": 330, "cpl": 625}))
    until, since = {"last": "2026-10-20"}, {"first": "2026-10-10"}
    for days in ({}, until, since):
        rows = [Person.model_validate({"name": "Ivan", **own}) for own in (until, days)]
        with pytest.raises(PlanError, match=r"Ivan.*twice"):
            payroll(rows, {"": due})
    rows[1] = Person.model_validate({"name": "Ivan", "first": "2026-10-21"})
    assert len(payroll(rows, {"": due})) == 2


def test_one_fund_is_shared_out_once_whatever_its_plan_is_called() -> None:
    team = plan({"kind": "team", "fund": 1000}, {"leads": 330, "cpl": 400})
    named = paid(team.model_copy(update={"name": "team"}))
    rows = [Person(name="A", plan="team"), Person(name="B")]
    shared = payroll(rows, {"": paid(team), "team": named})
    assert [str(own.bonus) for own in shared] == ["500.00", "500.00"]


def test_plans_of_two_currencies_make_no_payroll() -> None:
    due = paid(plan(product(), {"leads": 330, "cpl": 625}))
    other = paid(plan(product(), {"leads": 330, "cpl": 625}, currency="USD"))
    with pytest.raises(PlanError, match="RUB, USD"):
        payroll([Person(name="A"), Person(name="B", plan="usd")], {"": due, "usd": other})


def test_an_overpayment_is_taken_from_every_row_of_a_person() -> None:
    """Two halves of a month with 7 500 of bonus each: 10 000 are taken from both."""
    due = paid(plan(product(), {"leads": 330, "cpl": 625}))
    rows = [
        Person.model_validate({"name": "A", "last": "2026-10-15", "correction": -10000}),
        Person.model_validate({"name": "A", "first": "2026-10-16"}),
    ]
    one, other = payroll(rows, {"": due})
    assert (str(one.pay), str(one.carried)) == ("15000.00", "0.00")
    assert (str(other.pay), str(other.carried)) == ("20000.00", "0")


def test_a_name_that_looks_like_a_formula_is_harmless_in_a_payroll() -> None:
    due = paid(plan(product(), {"leads": 330, "cpl": 625}))
    (own,) = payroll([Person(name="=HYPERLINK(1)")], {"": due})
    (row,) = csv.DictReader(io.StringIO(payroll_csv([own], "en")))
    assert row["Name"] == "'=HYPERLINK(1)"
    assert (row["Bonus"], row["To pay"]) == ("15000.00", "45000.00")


def test_somebody_paid_by_a_plan_that_is_not_there_is_named() -> None:
    due = paid(plan(product(), {"leads": 330, "cpl": 625}))
    with pytest.raises(PlanError, match=r"Anna.*sales.*sale"):
        payroll([Person(name="Anna", plan="sales")], {"": due, "sale": due})


def test_a_product_has_no_fund_of_one_person() -> None:
    due = paid(plan(product(), {"leads": 330, "cpl": 625}))
    with pytest.raises(PlanError, match="Anna"):
        payroll([Person(name="Anna", fund=Decimal(5))], {"": due})


# --- words


def every_rule() -> list[Plan]:
    """Each default plan by each scheme, and with every term."""
    found = []
    for business in ("shop", "corporate", "portal"):
        made = default_plan(business)
        for scheme in offered(made).values():
            found.append(made.model_copy(update={"scheme": scheme}))
            bent = {"floor": "0.1", "cap": 2, "accelerator": {"above": 1, "times": 2}}
            terms = Terms.model_validate(bent)
            limited: dict[str, object] = {
                "gates": [{"kpi": made.lines[0].kpi, "limit": 7}],
                "missing": "zero",
            }
            with_terms = scheme.model_copy(update={"terms": terms})
            found.append(
                Plan.model_validate(
                    made.model_dump() | limited | {"scheme": with_terms.model_dump()}
                )
            )
    return found


@pytest.mark.parametrize("lang", ["ru", "en"])
def test_every_parameter_of_a_rule_is_in_its_words(lang: str) -> None:
    said = {}
    for rule in every_rule():
        told = clauses(rule, lang)
        assert all(text[0].isupper() or not text[0].isalpha() for text in told)
        assert all("{" not in text for text in told)
        said[rule.scheme.model_dump_json() + rule.business] = told
    assert len(set(said.values())) == len(said), "two rules that differ are told alike"


def test_the_words_of_a_rule_change_with_its_boundaries() -> None:
    literal, eager = ("\n".join(clauses(plan(product(r), {}), "en")) for r in (None, EAGER))
    assert "above 100%: 1" in literal
    assert "from 100% (included): 1" in eager


def leads_that_cost_150_000(leads: int) -> str:
    spread = {day: (leads // 31 + (day <= leads % 31), 0) for day in range(1, 32)}
    return daily("Leads,Cost", rows=spread | {1: (spread[1][0], 150_000)})


def test_the_next_step_counts_all_that_follows_from_it() -> None:
    """289 leads of 300, 519.03 each of 500: 0.5 · 0.5. With 12 more, 498.34 each: 1 · 1."""
    made = Plan.model_validate(plan(product(), {}).model_dump())
    found = values(
        facts(leads_that_cost_150_000(289)),
        *made.kpis(),
        period="2026-10",
        settings=made.settings(),
    )
    due = payout(made, found)
    assert str(due.bonus) == "7500.00"
    leads, cost = ahead(due)
    assert (leads.step.more, leads.gain) == (12, Decimal(22500))
    assert (cost.step.measure, cost.step.more, cost.gain) == ("leads", 12, Decimal(22500))
    (told, _) = next_steps(due, "en")
    assert "+12" in told.text
    assert told.value == "+RUB\N{NO-BREAK SPACE}22,500.00"
    (mine, _) = ahead(payroll([Person(name="A", absent=11)], {"": due})[0])
    assert mine.gain == Decimal(11250), "half the days, half the gain"


def test_a_comment_stands_beside_its_line_in_its_period_only() -> None:
    made = plan(product(), {"leads": 330, "cpl": 625})
    said = made.with_comment(parse_period("2026-10"), "leads", "two of them came by letter")
    assert [e.comment for e in statement(paid(said), "en") if e.comment] == [
        "two of them came by letter"
    ]
    assert said.with_comment(parse_period("2026-10"), "leads", "").comments == {"2026-10": {}}
    other = said.with_comment(parse_period("2026-09"), "total", "late")
    assert not [e for e in statement(paid(other), "en") if e.comment == "late"]


# --- the command line


def test_everybody_in_a_table_is_paid_and_written_to_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rule = tmp_path / "rule.json"
    rule.write_text(plan(product(), {"leads": 330, "cpl": 625}).as_json(), "utf-8")
    other = tmp_path / "sales.json"
    other.write_text(plan(product(salary=10000), {"leads": 301, "cpl": 1}).as_json(), "utf-8")
    team = tmp_path / "people.csv"
    rows = [f"Person {at},{'sales' if at % 2 else ''},{at % 3}" for at in range(1000)]
    team.write_text("\n".join(["name,plan,absent", *rows]), "utf-8")
    asked = ["bonus", "--plan", str(rule), "--also", str(other), "--people", str(team)]
    assert main([*asked, "--to", str(tmp_path / "payroll.csv"), "--json"]) == 0
    everybody = json.loads(capsys.readouterr().out)["people"]
    assert len(everybody) == 1000
    assert [row["pay"] for row in everybody[:2]] == ["45000.00", "19090.90"]  # 21 of 22 days
    with (tmp_path / "payroll.csv").open(encoding="utf-8-sig") as file:
        written = list(csv.DictReader(file))
    assert [row["To pay"] for row in written] == [row["pay"] for row in everybody]
    assert main([*asked, "--person", "Person 0", "--lang", "ru"]) == 0
    assert "Премия: 0,5 × оклад" in capsys.readouterr().out
    assert main([*asked, "--person", "Nobody"]) == 2
