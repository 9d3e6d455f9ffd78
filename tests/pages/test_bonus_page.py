"""The bonus page: people, payroll, the rule, comments, the shelf."""

from datetime import date

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.test_pages import assert_whole, by_label, open_app, open_page, widget


def bonus_page(lang: str, view: str) -> AppTest:
    app = open_page(open_app(lang), "pages/pay/bonus.py")
    return widget(app, "segmented_control", "bonus_view").set_value(view).run()


def told(app: AppTest) -> str:
    return " ".join(element.value for element in app.markdown).replace("\\", "")


@pytest.mark.parametrize("lang", ["ru", "en"])
def test_the_sample_pays_three_people_for_the_days_they_worked(lang: str) -> None:
    """15 000 of bonus, 20/22 of it less 1 500, and half of it: hired on the 16th of October."""
    app = bonus_page(lang, "people")
    assert_whole(app)
    table = app.dataframe[-1].value
    sums = [str(cell).replace("\N{NO-BREAK SPACE}", "") for cell in table.iloc[:, 2]]
    expected = ["15000,00₽", "13636,36₽", "7500,00₽"]
    if lang == "en":
        expected = ["RUB15,000.00", "RUB13,636.36", "RUB7,500.00"]
    assert sums == expected


def test_people_of_the_session_are_paid_by_plans_of_the_shelf() -> None:
    app = bonus_page("en", "people")
    plan = app.session_state["own"]["plan"]
    shelf = {"double": plan.model_copy(update={"scheme": plan.scheme.of_one(60000, None)})}
    app.session_state["own"]["kept"]["shelf"] = shelf
    app.session_state["own"]["kept"]["people"] = [
        {"name": "Anna"},
        {"name": "Boris", "plan": "double"},
    ]
    app.run()
    assert_whole(app)
    assert list(app.dataframe[-1].value.iloc[:, 3]) == [
        "RUB\N{NO-BREAK SPACE}15,000.00",
        "RUB\N{NO-BREAK SPACE}30,000.00",
    ]


@pytest.mark.parametrize("lang", ["ru", "en"])
def test_a_comment_is_printed_beside_its_line(lang: str) -> None:
    app = bonus_page(lang, "statement")
    widget(app, "text_input", "comment.orders").set_value("12 by telephone").run()
    assert_whole(app)
    lines = app.table[0].value.iloc[:, 0]
    assert lines.str.contains("12 by telephone").sum() == 1
    assert app.session_state["own"]["plan"].comments == {"2026-10": {"orders": "12 by telephone"}}


def test_the_next_step_is_told_with_its_money() -> None:
    app = bonus_page("en", "statement")
    assert "+94" in told(app)
    assert "+RUB\N{NO-BREAK SPACE}15,000.00" in told(app)


def test_a_cap_is_typed_and_pays() -> None:
    app = bonus_page("en", "rule")
    widget(app, "number_input", "terms.cap").set_value(40.0).run()
    assert_whole(app)
    assert app.metric[0].value == "RUB\N{NO-BREAK SPACE}12,000.00"


def test_a_coefficient_is_added_and_taken_away() -> None:
    app = bonus_page("en", "rule")
    widget(app, "selectbox", "bonus.factor").select("cr").run()
    assert_whole(app)
    assert [goal.kpi for goal in app.session_state["own"]["plan"].scheme.factors] == [
        "orders",
        "cpo",
        "cr",
    ]
    next(b for b in app.button if (b.key or "").startswith("factor.2")).click().run()
    assert len(app.session_state["own"]["plan"].scheme.factors) == 2


@pytest.mark.parametrize("lang", ["ru", "en"])
def test_the_calculator_gives_the_return_by_each_definition(lang: str) -> None:
    """100 000 spent, 150 000 sold, a margin of 30 %: -55 %, +50 % and 1.5."""
    app = bonus_page(lang, "roi")
    assert_whole(app)
    figures = [
        str(cell).replace("\N{NO-BREAK SPACE}", "") for cell in app.table[0].value.iloc[:, 1]
    ]
    assert [figure.replace(",", ".") for figure in figures] == ["−55%", "50%", "1.50"]
    assert "66" in told(app)


def test_a_plan_is_put_aside_and_taken_again() -> None:
    app = bonus_page("en", "rule")
    widget(app, "text_input", "shelf.name").set_value("half").run()
    app.button("shelf.put").click().run()
    widget(app, "number_input", "salary").set_value(50000.0).run()
    assert app.session_state["own"]["plan"].scheme.salary == 50000
    app.button("shelf.take.half").click().run()
    assert_whole(app)
    assert app.session_state["own"]["plan"].scheme.salary == 30000
    app.button("shelf.drop.half").click().run()
    assert not app.session_state["own"]["kept"]["shelf"]


@pytest.mark.parametrize("lang", ["ru", "en"])
@pytest.mark.parametrize("business", ["shop", "corporate", "portal"])
def test_rules_are_replayed_side_by_side(lang: str, business: str) -> None:
    app = open_app(lang)
    app.selectbox(f"business:{lang}").select(business).run()
    open_page(app, "pages/pay/bonus.py")
    widget(app, "segmented_control", "bonus_view").set_value("replay").run()
    assert_whole(app)
    assert len(app.table[0].value.columns) == 3, "the plan on screen beside another scheme"


def test_a_payout_is_proposed_approved_and_comes_out_again() -> None:
    app = bonus_page("en", "signoff")
    widget(app, "text_input", "signoff.name").set_value("Olga").run()
    app.button("signoff.propose").click().run()
    assert_whole(app)
    assert "proposed by Olga" in told(app)
    assert "exactly the same" in app.success[0].value
    app.button("signoff.approve").click().run()
    assert_whole(app)
    assert "approved by Olga" in told(app)
    by_label(app.selectbox, "Period").select("2026-09-01..2026-09-30").run()
    assert "exactly the same" in app.success[0].value, "whatever is on screen"


@pytest.mark.parametrize("lang", ["ru", "en"])
@pytest.mark.parametrize("business", ["shop", "corporate", "portal"])
@pytest.mark.parametrize("view", ["fair", "earns"])
def test_the_rule_is_looked_into_for_every_sample(lang: str, business: str, view: str) -> None:
    app = open_app(lang)
    widget(app, "selectbox", "business").select(business).run()
    open_page(app, "pages/pay/bonus.py")
    widget(app, "segmented_control", "bonus_view").set_value(view).run()
    assert_whole(app)
    assert len(app.get("vega_lite_chart")) >= 2


def test_somebody_who_cannot_be_is_told_and_nobody_is_paid_from_an_older_table() -> None:
    app = bonus_page("en", "people")
    rows = [{"name": "Gleb", "first": date(2026, 10, 16), "last": date(2026, 10, 1)}]
    app.session_state["own"]["kept"]["people"] = rows
    app.run()
    assert_whole(app)
    (warning,) = app.warning
    assert warning.value == r"Gleb\: left before being hired. Check the dates."
    assert len(app.dataframe) == 1, "no payroll of what stood there before, but the people"
