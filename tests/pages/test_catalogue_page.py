"""The catalogue of definitions: every KPI is there, and another definition changes the figure."""

import pytest

from kpi_core import catalogue
from tests.pages.test_pages import (
    assert_whole,
    open_app,
    open_page,
    widget,
)

PAGE = "pages/learn/catalogue.py"


def entries(app):
    return [fold for fold in app.expander if ": " in fold.label.replace("\\", "")]


def opened(app, kpi: str):
    """The page with one KPI unfolded, as a click would."""
    app.session_state[f"catalogue.kpi.{kpi}"] = True
    return app.run()


@pytest.mark.parametrize("lang", ["ru", "en"])
def test_every_kpi_is_listed_with_its_value(lang):
    app = open_page(open_app(lang), PAGE)

    assert_whole(app)
    labels = [fold.label.replace("\\", "") for fold in entries(app)]
    assert len(labels) == len(catalogue.kpis())
    for kpi in catalogue.kpis().values():
        assert any(label.startswith(kpi.name[lang] + ": ") for label in labels)


def test_a_search_and_only_those_with_data():
    app = open_page(open_app("en"), PAGE)

    widget(app, "text_input", "catalogue.search").set_value("romi").run()
    found = [fold.label for fold in entries(app)]
    widget(app, "text_input", "catalogue.search").set_value("").run()
    widget(app, "toggle", "catalogue.with_data").set_value(True).run()

    assert any("ROMI" in label for label in found)
    assert len(found) < 5
    assert not any(fold.label.endswith(": —") for fold in entries(app))


@pytest.mark.parametrize(
    ("lang", "formula"), [("ru", "«Заказы» / «Визиты»"), ("en", "“Orders” / “Sessions”")]
)
def test_an_entry_shows_formula_example_and_figures(lang, formula):
    app = opened(open_page(open_app(lang), PAGE), "cr")

    assert_whole(app)
    texts = [text.value.replace("\\", "") for text in (*app.markdown, *app.caption)]
    assert formula in texts
    assert any("707" in text and "58" in text and " = " in text for text in texts)
    assert any("orders.csv" in text for text in texts)


def test_another_definition_changes_the_figure():
    app = opened(open_page(open_app("en"), PAGE), "romi")
    before = next(fold.label for fold in entries(app) if "ROMI" in fold.label)

    widget(app, "selectbox", "variant.romi").select("revenue").run()

    assert app.session_state["own"]["plan"].variants["romi"] == "revenue"
    assert next(fold.label for fold in entries(app) if "ROMI" in fold.label) != before


@pytest.mark.parametrize("page", ["pages/pay/bonus.py", "pages/plan/whatif.py"])
def test_a_figure_of_another_page_opens_its_explanation(page):
    app = open_page(open_app("en"), page)

    next(b for b in app.button if (b.key or "").startswith("explain.") and "cpo" in b.key).click()
    app.run()

    assert_whole(app)
    assert any("ad spend" in text.value and "707" in text.value for text in app.markdown)
