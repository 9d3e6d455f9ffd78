"""The what-if page: levers, scenarios, chance, what matters, backwards."""

import json

import pytest
from streamlit.testing.v1 import AppTest

from kpi_core import catalogue
from kpi_core.link import decode
from tests.pages.test_pages import (
    ROOT,
    assert_whole,
    by_label,
    open_app,
    open_page,
    upload,
    widget,
)

VIEWS = ("levers", "scenarios", "chance", "matters", "backwards")


def whatif(lang: str = "en", view: str = "levers", business: str = "shop") -> AppTest:
    app = open_app(lang)
    if business != "shop":
        widget(app, "selectbox", "business").set_value(business).run()
    return turn(open_page(app, "pages/plan/whatif.py"), view)


def turn(app: AppTest, view: str) -> AppTest:
    return widget(app, "segmented_control", "whatif_view").set_value(view).run()


def keep(app: AppTest, name: str) -> AppTest:
    widget(turn(app, "scenarios"), "text_input", "scenario.name").set_value(name).run()
    app.button(key="scenario.keep").click().run()
    return app


def names(app: AppTest) -> list[str]:
    return [own.name for own in app.session_state["own"]["kept"]["scenarios.shop"].scenarios]


def told(app: AppTest, kind: str = "markdown") -> str:
    text = " ".join(element.value for element in app.get(kind)).replace("\\", "")
    return text.replace("\N{NO-BREAK SPACE}", " ")


def figure(text: str) -> float:
    """A sum as it is printed in English."""
    plain = text.replace("\N{NO-BREAK SPACE}", "").replace(",", "").replace("\N{MINUS SIGN}", "-")
    return float(plain.replace("RUB", ""))


@pytest.mark.parametrize("lang", ["ru", "en"])
@pytest.mark.parametrize("business", catalogue.businesses())
def test_every_sample_opens_in_every_view(lang: str, business: str) -> None:
    app = whatif(lang, business=business)
    for view in VIEWS:
        assert_whole(turn(app, view))


# --- levers


def test_a_typed_value_moves_the_lever_and_bonus_beside_profit() -> None:
    """The order value of the sample is 4,386.57; 4,825 more than 4,386.57 are 10 % more."""
    app = whatif()
    profit = figure(app.metric[2].value)

    widget(app, "number_input", "typed.aov").set_value(4825.0).run()

    assert_whole(app)
    assert app.session_state["own"]["levers"].levers == {"aov": "4825"}
    assert widget(app, "slider", "lever.aov").value == 10
    _, bonus, after = app.metric
    assert bonus.delta == ""
    assert figure(after.value) > profit
    assert "The owner's profit" in told(app)


def test_the_parts_of_the_levers_add_up_to_the_change() -> None:
    app = whatif()
    widget(app, "slider", "lever.cr").set_value(20).run()
    widget(app, "slider", "lever.aov").set_value(-5).run()

    parts = next(own.value for own in app.table if own.value.columns[0] == "Lever")

    assert list(parts.iloc[:, 0]) == ["Conversion rate", "Average order value", "In total"]
    for column in ("Bonus", "Profit after ads and pay"):
        one, other, whole = (figure(cell.replace("\\", "")) for cell in parts[column])
        assert round(one + other, 2) == whole
    assert figure(parts["Bonus"].iloc[0].replace("\\", "")) == 15000


def test_a_move_that_pays_the_employee_and_costs_the_owner_is_told() -> None:
    app = whatif()
    widget(app, "slider", "lever.cr").set_value(20).run()
    widget(app, "number_input", "typed.margin_rate").set_value(20.0).run()
    assert "the rule pays in vain" in told(app)


def test_levers_of_a_channel_are_drawn_once_it_is_chosen() -> None:
    app = whatif()
    assert not [own for own in app.slider if "@" in (own.key or "")]

    widget(app, "selectbox", "lever.channel").set_value("paid_search").run()
    widget(app, "slider", "lever.spend@paid_search").set_value(10).run()

    assert_whole(app)
    assert app.session_state["own"]["levers"].levers == {"spend@paid_search": "+10%"}


def test_budget_moves_between_channels_and_the_sum_of_spend_stays() -> None:
    app = whatif()
    widget(app, "selectbox", "lever.channel").set_value("paid_search").run()
    widget(app, "selectbox", "lever.taker").set_value("email").run()
    widget(app, "number_input", "typed.cpc@email").set_value(15.0).run()

    widget(app, "number_input", "typed.budget@paid_search:email").set_value(10_000.0).run()

    assert_whole(app)
    assert app.session_state["own"]["levers"].levers == {
        "cpc@email": "15.00",
        "budget@paid_search:email": "10000.00",
    }
    drivers = next(own.value for own in app.table if "Ad spend" in list(own.value.iloc[:, 0]))
    spend = drivers[drivers.iloc[:, 0] == "Ad spend"].iloc[0]
    assert spend.iloc[1] == spend.iloc[2]


def test_more_budget_than_there_is_is_refused() -> None:
    app = whatif()
    widget(app, "selectbox", "lever.channel").set_value("paid_search").run()

    widget(app, "number_input", "typed.budget@paid_search:direct").set_value(1e9).run()

    assert app.warning
    assert app.session_state["own"]["levers"].levers == {}


def test_reset_puts_every_lever_back() -> None:
    app = whatif()
    widget(app, "slider", "lever.cr").set_value(20).run()
    next(own for own in app.button if own.label == "Reset all").click().run()
    assert app.session_state["own"]["levers"].levers == {}
    assert widget(app, "slider", "lever.cr").value == 0


# --- scenarios


def test_a_scenario_is_kept_compared_renamed_duplicated_and_dropped() -> None:
    app = whatif()
    widget(app, "slider", "lever.cr").set_value(20).run()
    keep(app, "Better site")
    widget(turn(app, "levers"), "slider", "lever.cr").set_value(-10).run()
    keep(app, "Worse site")
    assert_whole(app)
    assert names(app) == ["Better site", "Worse site"]

    table = app.dataframe[0].value
    bonus = table[table.iloc[:, 0] == "Bonus"].iloc[0]
    money = "RUB\N{NO-BREAK SPACE}"
    assert bonus["Better site"] == f"{money}30,000.00"
    assert bonus["Δ Better site"] == f"+{money}15,000.00 (+100.0%)"
    assert bonus["Worse site"] == f"{money}0.00"  # 636 orders are less than 80 % of 800

    widget(app, "text_input", "scenario.Worse site.name").set_value("Broken site").run()
    app.button(key="scenario.Better site.duplicate").click().run()
    assert names(app) == ["Better site", "Better site (2)", "Broken site"]
    app.button(key="scenario.Broken site.up").click().run()
    assert names(app) == ["Better site", "Broken site", "Better site (2)"]
    app.button(key="scenario.Better site (2).drop").click().run()
    assert names(app) == ["Better site", "Broken site"]
    assert_whole(app)


def test_a_name_that_is_taken_is_refused() -> None:
    app = whatif()
    widget(app, "slider", "lever.cr").set_value(20).run()
    keep(app, "Site")
    keep(app, "site")
    assert names(app) == ["Site"]
    assert app.warning


def test_a_scenario_sets_the_levers() -> None:
    app = whatif()
    widget(app, "slider", "lever.cr").set_value(20).run()
    keep(app, "Site")
    widget(turn(app, "levers"), "slider", "lever.cr").set_value(0).run()
    turn(app, "scenarios").button(key="scenario.Site.set").click().run()
    assert app.session_state["own"]["levers"].levers == {"cr": "+20%"}


def test_scenarios_and_typed_values_travel_by_the_link() -> None:
    app = whatif()
    widget(app, "number_input", "typed.aov").set_value(4825.0).run()
    keep(app, "Dearer")
    app.session_state["link"] = True  # the popover is opened
    word = app.run().code[0].value.partition("&v=")[2]
    assert decode(word).levers == {"aov": "4825"}

    fresh = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    fresh.query_params["lang"] = "en"
    fresh.query_params["v"] = word
    fresh.run()

    assert names(fresh) == ["Dearer"]
    open_page(fresh, "pages/plan/whatif.py")
    assert widget(fresh, "number_input", "typed.aov").value == 4825


def test_scenarios_of_a_file_come_after_those_that_are_kept() -> None:
    app = whatif()
    widget(app, "slider", "lever.cr").set_value(20).run()
    keep(app, "Site")
    file = {"format": 1, "scenarios": [{"name": "Brought", "levers": {"aov": "+5%"}}]}
    widget(app, "file_uploader", "scenarios_file").upload("s.json", json.dumps(file).encode())
    app.run()
    assert names(app) == ["Site", "Brought"]
    assert_whole(app)


@pytest.mark.parametrize("data", [b"", b"{}x", b'{"scenarios": [{"name": "a", "figure": 1}]}'])
def test_a_broken_file_of_scenarios_is_told_and_changes_nothing(data: bytes) -> None:
    app = whatif(view="scenarios")
    widget(app, "file_uploader", "scenarios_file").upload("s.json", data)
    app.run()
    assert app.warning
    assert "scenarios.shop" not in app.session_state["own"]["kept"]


def test_a_scenario_of_another_business_is_told_and_the_others_stay() -> None:
    app = whatif()
    widget(app, "slider", "lever.cr").set_value(20).run()
    keep(app, "Site")
    file = {"scenarios": [{"name": "Foreign", "levers": {"rockets": "+5%"}}]}
    widget(app, "file_uploader", "scenarios_file").upload("s.json", json.dumps(file).encode())
    app.run()
    assert_whole(app)
    assert any("Foreign" in own.value for own in app.warning)
    table = app.dataframe[0].value
    assert "30,000.00" in table[table.iloc[:, 0] == "Bonus"].iloc[0]["Site"]


# --- chance


def test_the_seed_is_shown_and_another_one_draws_otherwise() -> None:
    app = whatif(view="chance")
    assert widget(app, "number_input", "chance.seed").value == 7
    assert "seed 7" in told(app, "caption")
    before = told(app)

    widget(app, "number_input", "chance.seed").set_value(8).run()
    assert "seed 8" in told(app, "caption")
    assert told(app) != before
    widget(app, "number_input", "chance.seed").set_value(7).run()
    assert told(app) == before


def test_chances_of_the_bonus_have_errors_and_add_up() -> None:
    app = whatif(view="chance")
    chances = list(app.table[0].value.iloc[:, 1])
    assert all("±" in own for own in chances)
    assert sum(float(own.partition(" ")[0]) for own in chances) == pytest.approx(100, abs=0.3)


def test_another_rule_meets_the_same_months() -> None:
    app = whatif(view="chance")
    box = widget(app, "selectbox", "chance.beside")
    box.set_value(box.options[-1]).run()
    assert_whole(app)
    assert "of cases" in told(app)
    assert box.options[-1] in told(app)


# --- what matters


def test_levers_are_counted_where_it_is_asked_what_matters() -> None:
    app = whatif()
    widget(app, "slider", "lever.cr").set_value(20).run()
    turn(app, "matters")
    assert "1 lever is included" in told(app, "caption")
    for outcome in ("total", "profit_after_pay"):
        widget(app, "segmented_control", "matters.outcome").set_value(outcome).run()
        assert_whole(app)


# --- backwards


def test_the_cheapest_way_reaches_the_full_bonus_and_the_levers_follow() -> None:
    """800 orders of 707 are 13.154 % more of any lever that orders grow with."""
    app = whatif(view="backwards")
    assert "The cheapest way takes an effort of 13.16" in told(app, "success")
    assert "Bonus: RUB 15,000 → RUB 30,000" in told(app)

    app.button(key="seek.set").click().run()
    assert app.metric[1].value == "RUB\N{NO-BREAK SPACE}30,000.00"
    turn(app, "backwards").button(key="seek.keep").click().run()
    assert len(names(app)) == 1


def test_one_lever_that_cannot_reach_the_goal_tells_how_far_it_comes() -> None:
    app = whatif(view="backwards")
    widget(app, "multiselect", "seek.levers").set_value(["spend"]).run()
    assert_whole(app)
    assert "cannot be reached within the limits: the most is RUB 15,000" in told(app, "warning")


def test_a_limit_of_a_lever_is_kept() -> None:
    app = whatif(view="backwards")
    widget(app, "multiselect", "seek.levers").set_value(["cr"]).run()
    widget(app, "number_input", "seek.up.cr").set_value(5.0).run()
    assert "cannot be reached" in told(app, "warning")


def test_profit_that_comes_of_a_missed_step_is_said_in_words() -> None:
    app = whatif(view="backwards", business="portal")
    widget(app, "selectbox", "seek.goal").set_value("most").run()
    assert_whole(app)
    assert "the bonus falling by RUB 15,000" in told(app, "warning").replace("Part of", "")
    assert "a flaw of the rule" in told(app, "warning")


# --- advertising whose visits nobody knows

ADS = (
    b"Date,Channel,Cost,Clicks,Orders,Revenue\n"
    b"2026-10-01,ppc,1000,200,10,20000\n2026-10-31,ppc,1000,200,10,20000\n"
)
UNKNOWN = "No visit is known to come from advertising"


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_warns_that_nothing_is_known_of_spend(view: str) -> None:
    app = turn(open_page(upload(open_app("en"), "ads.csv", ADS), "pages/plan/whatif.py"), view)
    assert_whole(app)
    assert UNKNOWN in told(app, "warning")
    assert UNKNOWN not in told(whatif(view=view), "warning")


def test_less_spend_is_no_good_advice_where_nothing_is_known_of_it() -> None:
    app = upload(open_app("en"), "ads.csv", ADS)
    by_label(app.selectbox, "Period").select("2026-10-01..2026-10-31").run()
    turn(open_page(app, "pages/plan/whatif.py"), "backwards")
    widget(app, "selectbox", "seek.goal").set_value("most").run()

    widget(app, "multiselect", "seek.levers").set_value(["spend"]).run()
    assert not app.success
    assert told(app, "warning").count(UNKNOWN) == 2, "above the page and beside the advice"

    widget(app, "multiselect", "seek.levers").set_value(["aov"]).run()
    assert len(app.success) == 1
    assert told(app, "warning").count(UNKNOWN) == 1
