"""Formulas as people read them: with figures put in, and brackets only where they are needed."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi_core import catalogue, words
from kpi_core.formula import parse, written
from kpi_core.kpis import Settings
from kpi_core.stats import daily_interval
from tests.core.small import daily, facts, values

NAMES = ("a", "b", "c")
NUMBERS = st.integers(1, 9).map(str)
TREES = st.recursive(
    st.sampled_from(NAMES) | NUMBERS,
    lambda part: (
        st.tuples(part, st.sampled_from("+-*/"), part).map(lambda p: f"({p[0]} {p[1]} {p[2]})")
        | part.map(lambda p: f"(-{p})")
        | st.tuples(part, part).map(lambda p: f"max({p[0]}, {p[1]})")
    ),
    max_leaves=8,
)


def read_back(text: str) -> str:
    return text.replace("\N{MINUS SIGN}", "-").replace("·", "*").replace(";", ",")


@given(TREES, st.tuples(*[st.integers(-5, 5)] * 3))
@settings(deadline=None)
def test_what_is_written_means_the_same(text, numbers):
    known = {name: Fraction(number) for name, number in zip(NAMES, numbers, strict=True)}
    formula = parse(text)

    assert parse(read_back(written(formula, str))).value(known) == formula.value(known)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("(a + b) + c", "a + b + c"),
        ("a - (b - c)", "a − (b − c)"),
        ("a / (b * c)", "a / (b · c)"),
        ("a * b / c", "a · b / c"),
        ("1 - a / b", "1 − a / b"),
        ("1000 * a / b", "1000 · a / b"),
        ("a * -b", "a · (−b)"),
        ("coalesce(a / b, 0)", "coalesce(a / b; 0)"),
        ("previous(a) / a", "previous(a) / a"),
    ],
)
def test_brackets_stand_only_where_they_are_needed(text, shown):
    assert written(parse(text), str) == shown


def test_numbers_can_take_the_place_of_names():
    fixed = parse("(revenue * margin_rate - spend) / spend").fixed({"margin_rate": Fraction(1, 4)})

    assert fixed.names == ("revenue", "spend")
    assert fixed.value({"revenue": Fraction(80), "spend": Fraction(10)}) == 1


def test_a_value_says_its_formula_with_its_figures():
    found = values(facts("Date,Sessions,Orders\n2026-10-01,26004,312"), "cr").total("cr")

    assert words.formula_in_figures(found, "en") == "orders 312 / sessions 26,004 = 1.20%"
    russian = words.formula_in_figures(found, "ru").replace("\N{NO-BREAK SPACE}", " ")
    assert russian == "заказы 312 / визиты 26 004 = 1,20 %"
    assert found.inputs["orders"].files == ("1.csv",)
    assert found.cases == 26004


def test_a_missing_figure_and_a_stated_one_are_said():
    lacking = values(facts("Date,Sessions\n2026-10-01,100"), "cr").total("cr")
    stated = Settings(given={"cr": Fraction(1, 50)})

    assert words.formula_in_figures(lacking, "en") == "orders — / sessions 100 = —"
    by_hand = values(facts("Date,Sessions\n2026-10-01,100"), "cr", settings=stated).total("cr")
    assert words.formula_in_figures(by_hand, "en") == "from the plan: 2.00%"


@pytest.mark.parametrize("lang", ["ru", "en"])
@pytest.mark.parametrize("kpi", catalogue.kpis().values(), ids=lambda kpi: kpi.id)
def test_every_worked_example_can_be_read(kpi, lang):
    for variant in kpi.variants:
        said = words.example(kpi, variant, lang)
        assert " = " in said
        assert "_" not in said  # no id is left


def test_what_an_owner_assumes_has_no_spread_but_the_rest_has():
    rows = {day: (100 + day % 5, 900 + 40 * (day % 7)) for day in range(1, 21)}
    table = facts(daily("Cost,Revenue", rows=rows))
    half = Settings(assumptions={"margin_rate": Fraction(1, 2)})

    found = values(table, "romi", settings=half).total("romi")

    import numpy as np

    columns = np.array(list(rows.values()), dtype=float)
    expected = daily_interval(
        parse("(revenue / 2 - spend) / spend"), {"spend": columns[:, 0], "revenue": columns[:, 1]}
    )
    assert (found.low, found.high) == pytest.approx(expected)
