"""The page of funnels: where people are lost, who they are, and what mending it brings."""

import pytest

from kpi_core import catalogue
from tests.pages.test_pages import assert_whole, open_app, open_page, upload, widget

PAGE = "pages/measure/funnel.py"


def funnel_page(lang="en", business="shop"):
    app = open_app(lang)
    if business != "shop":
        widget(app, "selectbox", "business").select(business).run()
    return open_page(app, PAGE)


def choose(app, key, value):
    widget(app, "selectbox", key).select(value).run()
    assert_whole(app)
    return app


def answer(app):
    return app.markdown[0].value.replace("\\", "")


def counts(app):
    return list(app.dataframe[0].value["Count"])


def tables(app):
    return [table.value for table in app.table]


@pytest.mark.parametrize("business", catalogue.businesses())
@pytest.mark.parametrize("lang", ["ru", "en"])
def test_every_funnel_of_every_sample_opens(lang, business):
    app = funnel_page(lang, business)
    for id in widget(app, "selectbox", "funnel.chosen").options:
        # AppTest lists the names; the widget takes them by their place.
        widget(app, "selectbox", "funnel.chosen").set_value(_id_of(business, id, lang)).run()
        assert_whole(app)
        assert not app.error


def _id_of(business, name, lang):
    known = {made.name[lang]: made.id for made in catalogue.business(business).funnels}
    return known.get(name, "own")


def test_the_answer_names_the_narrowest_step():
    assert "Cart: 23.0% get there, 77.0% are lost" in answer(funnel_page())


def test_a_part_is_counted_alone_and_set_against_the_others():
    app = choose(funnel_page(), "funnel.by", "channel")
    app = choose(app, "funnel.by.channel", "social")
    assert counts(app)[0] == "3,733"

    app = choose(app, "funnel.beside", "others")

    assert "Really worse than what it is compared with is Cart: 13.7% against 23.6%" in answer(app)
    difference = tables(app)[0]["Difference"]
    assert any("a real difference (p < 0.0001)" in cell for cell in difference)
    assert any("Holm" in text.value for text in app.caption)


def test_choices_are_kept_across_pages():
    app = choose(funnel_page(), "funnel.chosen", "checkout")
    app = choose(app, "funnel.by", "device")
    open_page(app, "pages/measure/channels.py")

    open_page(app, PAGE)

    assert_whole(app)
    assert widget(app, "selectbox", "funnel.chosen").value == "checkout"
    assert widget(app, "selectbox", "funnel.by").value == "device"


def test_who_loses_most_is_said_in_words():
    said = [text.value.replace("\\", "") for text in funnel_page().markdown]
    assert any("Social → Cart: 13.7% get there" in text for text in said)


def test_stages_of_ones_own_are_put_together_renamed_and_hidden():
    app = choose(funnel_page(), "funnel.chosen", "own")
    assert counts(app)[0] == "53,918"  # until two are chosen, those of the business
    widget(app, "multiselect", "funnel.own").set_value(["sessions", "carts", "orders"]).run()
    assert counts(app) == ["53,918", "3,992", "697"]

    widget(app, "text_input", "funnel.own.carts").set_value("In the basket").run()
    widget(app, "multiselect", "funnel.own").set_value(["sessions", "carts"]).run()

    assert_whole(app)
    assert list(app.dataframe[0].value["Stage"]) == ["Sessions", "In the basket"]


def test_a_typed_rate_brings_what_the_model_says():
    """Half of the checkouts more: orders, revenue and the bonus of more than 800 orders."""
    app = funnel_page()
    widget(app, "segmented_control", "funnel.level").set_value("typed").run()
    widget(app, "number_input", "funnel.typed.main.carts").set_value(45.0).run()

    assert_whole(app)
    brought = tables(app)[-1]
    assert list(brought["Raised to"]) == ["45.00%"]
    assert brought["Orders"].iloc[0] == "+679"  # 707 · (45 / 22.957 - 1) = 678.8
    assert brought["Bonus"].iloc[0].startswith("+RUB")


@pytest.mark.parametrize("level", ["point", "best", "previous", "year_ago", "typed"])
@pytest.mark.parametrize("business", catalogue.businesses())
def test_a_step_can_be_raised_to_any_level(business, level):
    app = funnel_page("ru", business)
    widget(app, "segmented_control", "funnel.level").set_value(level).run()
    assert_whole(app)


def test_the_funnel_can_be_taken_along():
    labels = [button.label for button in funnel_page().get("download_button")]
    assert labels == ["CSV", "PNG", "SVG"]


def test_files_without_two_stages_are_told_so():
    app = upload(open_app("ru"), "little.csv", b"date,sessions\n2026-10-01,100\n")
    open_page(app, PAGE)
    assert_whole(app)
    assert "хотя бы два" in answer(app)
