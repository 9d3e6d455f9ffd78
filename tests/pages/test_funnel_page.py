"""The page of funnels: where people are lost, who they are, and what mending it brings."""

from pathlib import Path

import pytest

from kpi_core import catalogue
from kpi_core.events import EventFunnel, Exclusion, Step, duration, event_funnel, step
from kpi_core.ingest.eventlog import read_event_log
from tests.pages.test_pages import assert_whole, open_app, open_page, upload, widget

PAGE = "pages/measure/funnel.py"
EXPORTS = Path(__file__).parents[1] / "exports"
CHECKOUT = (EXPORTS / "events" / "checkout.csv").read_bytes()


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


def events_page(lang="en"):
    app = funnel_page(lang)
    widget(app, "segmented_control", "funnel.view").set_value("events").run()
    assert_whole(app)
    return app


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

    assert "Really worse than in the comparison: Cart, 13.7% against 23.6%" in answer(app)
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
    brought = app.dataframe[-1].value
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
    app = funnel_page()
    app.session_state["funnel.main.take"] = True  # the menu is opened
    buttons = app.run().get("download_button")
    labels = [button.label.partition(":")[0] for button in buttons]
    assert labels == ["CSV", "PNG", "SVG"]


def test_files_without_two_stages_are_told_so():
    app = upload(open_app("ru"), "little.csv", b"date,sessions\n2026-10-01,100\n")
    open_page(app, PAGE)
    assert_whole(app)
    assert "хотя бы два" in answer(app)


def test_the_funnel_that_is_chosen_stands_in_the_plan_and_can_be_undone():
    app = choose(funnel_page(), "funnel.chosen", "checkout")
    assert app.session_state["own"]["plan"].funnel == "checkout"
    app = choose(app, "funnel.chosen", "own")
    assert app.session_state["own"]["plan"].funnel == "checkout"  # until two stages are chosen
    widget(app, "multiselect", "funnel.own").set_value(["carts", "orders"]).run()
    plan = app.session_state["own"]["plan"]
    assert (plan.funnel, plan.stages) == ("own", ("carts", "orders"))

    next(button for button in app.button if button.key == "undo.sidebar").click().run()

    assert_whole(app)
    assert widget(app, "selectbox", "funnel.chosen").value == "checkout"


def test_the_best_part_is_of_the_cut_that_is_picked():
    """By channel two stages have a better part that the same system counts, by campaign one."""
    app = funnel_page(business="corporate")
    widget(app, "segmented_control", "funnel.level").set_value("best").run()
    assert len(app.dataframe[-1].value) == 2
    app = choose(app, "funnel.by", "campaign")
    assert list(app.dataframe[-1].value["Stage"]) == ["Deals won"]


# --- events


def test_the_sample_shows_an_invented_log_of_events():
    """As a plain loop over the events of each user counts them."""
    app = events_page()
    assert not app.error
    assert list(app.dataframe[0].value["Users"]) == ["13,985", "3,603", "1,102", "653"]
    assert "the narrowest step is add_to_cart: 25.8% get there" in answer(app).casefold()


def test_an_event_funnel_can_be_read_in_russian():
    app = events_page("ru")
    assert "Самая узкая ступень – «add_to_cart»" in answer(app)
    assert next(iter(app.dataframe[0].value)) == "Шаг"


def log_page(lang="en"):
    """The checkout log, loaded on the Data page: 100 carts, 30 checkouts, 17 purchases."""
    app = upload(open_app(lang), "checkout.csv", CHECKOUT)
    open_page(app, PAGE)
    widget(app, "segmented_control", "funnel.view").set_value("events").run()
    assert_whole(app)
    return app


def steps(app, *names):
    for place, name in enumerate(names):
        widget(app, "multiselect", f"events.step.{log_id(app)}.{place}").set_value([name]).run()
    assert_whole(app)
    return app


def log_id(app):
    return next(box.key for box in app.multiselect if "events.step" in box.key).split(".")[2]


def test_a_log_of_the_data_page_is_asked_for_its_events():
    app = log_page()
    assert "view_item" in app.dataframe[0].value["Step"].iloc[0]
    app = steps(app, "add_to_cart", "begin_checkout", "purchase")
    widget(app, "multiselect", f"events.step.{log_id(app)}.3").set_value([]).run()
    assert list(app.dataframe[0].value["Users"]) == ["100", "30", "17"]
    assert list(app.dataframe[0].value["Of first"]) == ["—", "30.00%", "17.00%"]
    ways = next(table.value for table in app.dataframe if "Did" in table.value)
    assert list(ways["Users"])[:3] == [
        "30",
        "30",
        "10",
    ]  # nothing more, view_item, remove_from_cart


def test_what_is_asked_of_a_log_survives_a_change_of_page():
    app = log_page()
    widget(app, "selectbox", f"events.by.{log_id(app)}").select("device").run()
    open_page(app, "pages/measure/channels.py")
    open_page(app, PAGE)
    assert_whole(app)
    assert widget(app, "selectbox", f"events.by.{log_id(app)}").value == "device"
    parts = next(table.value for table in app.dataframe if "Part" in table.value)
    assert set(parts["Part"]) == {"desktop", "mobile"}


def test_limits_and_exclusions_are_those_of_the_engine():
    app = log_page()
    widget(app, "selectbox", f"events.window.{log_id(app)}").select("30m").run()
    widget(app, "selectbox", f"events.within.{log_id(app)}.3").select("30m").run()
    barred = widget(app, "multiselect", f"events.barred.{log_id(app)}")
    barred.set_value(["remove_from_cart"]).run()
    widget(app, "selectbox", f"events.unit.{log_id(app)}").select("session").run()
    assert_whole(app)

    half_an_hour = duration("30m")
    names = ("view_item", "add_to_cart", "begin_checkout")
    wanted = EventFunnel(
        (*map(step, names), Step(("purchase",), half_an_hour)),
        window=half_an_hour,
        unit="session",
        exclusions=(Exclusion(("remove_from_cart",)),),
    )
    found = event_funnel(read_event_log(CHECKOUT, "checkout.csv"), wanted)
    shown = list(app.dataframe[0].value["Sessions"])
    assert shown == [str(row.units) for row in found.total.steps]


def test_one_step_is_no_funnel_and_says_so():
    app = log_page()
    for place in (3, 2, 1):
        widget(app, "multiselect", f"events.step.{log_id(app)}.{place}").set_value([]).run()
    assert_whole(app)
    assert any("from two" in said.value for said in app.warning)


@pytest.mark.parametrize("lang", ["ru", "en"])
def test_files_without_events_say_how_to_bring_a_log(lang):
    app = upload(open_app(lang), "little.csv", b"date,sessions\n2026-10-01,100\n")
    open_page(app, PAGE)
    widget(app, "segmented_control", "funnel.view").set_value("events").run()
    assert_whole(app)
    assert app.get("file_uploader")

    widget(app, "file_uploader", "events.file").upload("checkout.csv", CHECKOUT)
    app.run()

    assert_whole(app)
    assert widget(app, "multiselect", f"events.step.{log_id(app)}.0").value == ["view_item"]


def test_a_file_that_is_no_log_is_refused_with_a_reason():
    app = upload(open_app("en"), "little.csv", b"date,sessions\n2026-10-01,100\n")
    open_page(app, PAGE)
    widget(app, "segmented_control", "funnel.view").set_value("events").run()
    widget(app, "file_uploader", "events.file").upload("a.csv", b"date,sessions\n2026-10-01,5\n")
    app.run()
    assert_whole(app)
    assert any("who, what and when" in said.value for said in app.warning)


def test_the_event_funnel_can_be_taken_along():
    app = events_page()
    app.session_state["event_funnel.take"] = True  # the menu is opened
    buttons = app.run().get("download_button")
    labels = [button.label.partition(":")[0] for button in buttons]
    assert labels[:3] == ["CSV", "PNG", "SVG"]
