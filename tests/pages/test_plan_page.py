"""The plan page: what an owner does with a mouse, and what is told of a mistake."""

from fractions import Fraction

import pytest

from kpi_core.plan import changed, default_plan
from kpi_core.text import say
from tests.pages.test_pages import assert_whole, load_plan_file, open_app, open_page, widget

PAGE = "pages/plan/editor.py"
each_language = pytest.mark.parametrize("lang", ["ru", "en"])


def plan_page(lang: str, part: str = "lines"):
    return to_part(open_page(open_app(lang), PAGE), part)


def to_part(app, part: str):
    widget(app, "segmented_control", "plan.part").set_value(part)
    return app.run()


def press(app, key: str):
    next(button for button in app.button if button.key == key).click()
    app.run()
    assert_whole(app)
    return app


def plan_of(app):
    return app.session_state["own"]["plan"]


def told(app) -> str:
    return " ".join(element.value for kind in (app.error, app.warning) for element in kind)


@each_language
@pytest.mark.parametrize("part", ["lines", "terms", "own", "targets", "file"])
def test_every_part_opens(lang, part):
    app = plan_page(lang, part)
    assert_whole(app)
    assert not app.error


@each_language
def test_a_kpi_is_added_with_an_equal_share_and_the_present_value(lang):
    app = plan_page(lang)
    box = widget(app, "selectbox", "plan.add")
    assert box.options[1].startswith("●"), "those with data come first"

    box.select("revenue").run()
    press(app, "plan.add_button")

    line = plan_of(app).lines[-1]
    assert line.kpi == "revenue"
    assert line.target == 3101302
    assert abs(plan_of(app).shares()["revenue"] - Fraction(1, 7)) < Fraction(1, 1000)
    assert "revenue" not in widget(app, "selectbox", "plan.add").options

    press(app, "plan.remove.revenue")
    assert plan_of(app).lines == default_plan("shop").lines


@each_language
def test_a_locked_share_stays_while_the_others_make_room(lang):
    app = plan_page(lang)
    widget(app, "checkbox", "lock.aov").check().run()
    assert widget(app, "slider", "weight.aov").disabled

    widget(app, "slider", "weight.cr").set_value(70).run()

    shares = plan_of(app).shares()
    assert (shares["cr"], shares["aov"], sum(shares.values())) == (
        Fraction(7, 10),
        Fraction(1, 5),
        1,
    )
    assert any(say(lang, "pages.plan_share_extreme") in text.value for text in app.caption)
    open_page(app, "pages/measure/scorecard.py")
    assert widget(app, "slider", "weight.cr").value == 70
    assert widget(app, "checkbox", "lock.aov").value


@each_language
def test_a_broken_limit_stops_the_bonus(lang):
    app = plan_page(lang, "terms")
    widget(app, "selectbox", "plan.gate").select("cr").run()
    press(app, "plan.gate_add")
    assert plan_of(app).gates[0].limit <= Fraction(12072, 10**6), "the present value keeps it"
    open_page(app, "pages/pay/bonus.py")
    paid = app.metric[0].value

    to_part(open_page(app, PAGE), "terms")
    widget(app, "number_input", "gate.0.cr").set_value(5.0).run()
    open_page(app, "pages/pay/bonus.py")

    assert paid != app.metric[0].value
    assert "0.00" in app.metric[0].value.replace(",", ".")


@each_language
def test_a_pair_is_guarded_and_can_stop_the_bonus(lang):
    app = plan_page(lang, "terms")
    widget(app, "selectbox", "plan.guarded").select("aov").run()
    widget(app, "selectbox", "plan.guard").select("cpo").run()
    press(app, "plan.guard_add")
    widget(app, "segmented_control", "guard.0.against").set_value("year_ago")
    app.run()
    widget(app, "toggle", "guard.0.gate").set_value(True).run()

    assert_whole(app)
    pair = plan_of(app).guards[0]
    assert (pair.kpi, pair.guard, pair.against, pair.gate) == ("aov", "cpo", "year_ago", True)

    press(app, "plan.guard_drop.0")
    assert not plan_of(app).guards


def test_the_terms_are_written_into_the_plan():
    app = plan_page("en", "terms")
    for field, choice in (("missing", "zero"), ("partial_period", "pay"), ("over", "capped")):
        widget(app, "selectbox", f"plan.{field}").select(choice).run()
    widget(app, "number_input", "assumed.margin_rate").set_value(45.0).run()

    plan = plan_of(app)
    assert (plan.missing, plan.partial_period, plan.over) == ("zero", "pay", "capped")
    assert float(plan.assumptions["margin_rate"]) == 0.45


@each_language
def test_an_own_kpi_first_wrong_then_right(lang):
    app = plan_page(lang, "own")
    widget(app, "text_input", "own.name").input("Прибыль с заказа").run()
    for wrong in ("(revenue - spent) / orders", "(" * 240 + "orders" + ")" * 240, "orders * 1e999"):
        widget(app, "text_area", "own.formula").input(wrong).run()
        assert_whole(app)
        assert told(app)
        assert next(b for b in app.button if b.key == "plan.own_add").disabled

    widget(app, "text_area", "own.formula").input("(revenue - spend) / orders").run()
    assert not told(app)
    assert "831" in app.success[0].value
    press(app, "plan.own_add")

    (id,) = plan_of(app).own
    to_part(app, "lines")
    widget(app, "selectbox", "plan.add").select(id).run()
    press(app, "plan.add_button")
    assert plan_of(app).lines[-1].kpi == id
    for page in ("pages/measure/scorecard.py", "pages/pay/bonus.py", "pages/plan/whatif.py"):
        assert_whole(open_page(app, page))

    to_part(open_page(app, PAGE), "own")
    press(app, f"plan.own_drop.{id}")
    assert told(app), "a line uses it"
    assert id in plan_of(app).own


def test_measures_are_found_by_name_and_put_into_the_formula():
    app = plan_page("ru", "own")
    widget(app, "text_input", "own.find").input("оплаченные").run()

    press(app, "plan.measure.paid_orders")

    assert widget(app, "text_area", "own.formula").value == "paid_orders"


@each_language
def test_every_change_can_be_taken_back_and_made_again(lang):
    app = plan_page(lang)
    first = plan_of(app)
    widget(app, "number_input", "target.aov").set_value(5000.0).run()
    widget(app, "slider", "weight.cr").set_value(50).run()
    last = plan_of(app)
    open_page(app, "pages/measure/scorecard.py")

    press(app, "undo.sidebar")
    press(open_page(app, PAGE), "plan.undo")
    assert plan_of(app) == first
    assert not any(button.key == "undo.sidebar" for button in app.button)

    press(app, "plan.redo")
    press(app, "plan.redo")
    assert plan_of(app) == last


@each_language
@pytest.mark.parametrize(
    "data", [b"not json", b"{}", b'{"business": "shop", "lines": []}', b"\xff\xfe\x00", b"[" * 5000]
)
def test_a_wrong_plan_file_is_told_and_nothing_is_lost(lang, data):
    app = plan_page(lang)
    widget(app, "slider", "weight.cr").set_value(50).run()
    before = plan_of(app)

    load_plan_file(app, data)

    assert_whole(app)
    assert "plan.json" in told(app).replace("\\", "")
    assert plan_of(app) == before


def test_a_plan_with_everything_is_drawn():
    own = {"mine": {"name": "Mine", "formula": "orders / previous(orders)"}}
    plan = changed(
        default_plan("shop"),
        own=own,
        gates=[{"kpi": "mine", "limit": 1}],
        guards=[{"kpi": "mine", "guard": "cr"}],
        targets={"2026-10": {"cr": "0.02", "mine": 1}, "2026-Q4": {}},
        fair=["measurable"],
    ).with_line("cr", rule={"kind": "bands", "bands": [{"to": 1, "score": 1}]}, owner="Анна")
    app = load_plan_file(open_app("ru"), plan.as_json().encode())
    assert plan_of(app) == plan
    for part in ("lines", "terms", "own", "targets", "file"):
        assert_whole(to_part(app, part))
        assert not told(app)


def test_a_target_of_the_period_is_the_one_that_is_shown_and_changed():
    app = load_plan_file(
        open_app("en"),
        default_plan("shop").with_targets({"2026-10": {"aov": 6000}}).as_json().encode(),
    )
    to_part(app, "lines")
    assert widget(app, "number_input", "target.aov").value == 6000

    widget(app, "number_input", "target.aov").set_value(7000.0).run()

    assert plan_of(app).targets["2026-10"]["aov"] == 7000
    assert plan_of(app).lines == default_plan("shop").lines


@each_language
def test_targets_of_a_sheet_are_taken_whole_or_not_at_all(lang):
    app = plan_page(lang, "targets")
    box = widget(app, "file_uploader", "targets_file")
    box.upload("goals.csv", b"KPI,2026-10,Nov 2026\ncr,1.5%,1.6%\naov,4200,4300\n")
    app.run()
    assert set(plan_of(app).targets) == {"2026-10", "2026-11"}

    widget(app, "file_uploader", "targets_file").upload("bad.csv", b"KPI,2026-10\ncrr,1%\n")
    app.run()
    assert_whole(app)
    assert "crr" in told(app)
    assert set(plan_of(app).targets) == {"2026-10", "2026-11"}


def test_a_period_is_added_by_hand_and_dropped():
    app = plan_page("ru", "targets")
    widget(app, "text_input", "plan.period").input("однажды").run()
    press(app, "plan.period_add")
    assert told(app)
    widget(app, "text_input", "plan.period").input("октябрь 2026").run()
    press(app, "plan.period_add")
    assert list(plan_of(app).targets) == ["2026-10"]
    press(app, "plan.period_drop")
    assert not plan_of(app).targets


def test_a_definition_owner_deadline_base_and_principle_are_kept():
    app = plan_page("en")
    widget(app, "selectbox", "variant.aov").select_index(2).run()
    widget(app, "text_input", "owner.cr").input("Anna").run()
    widget(app, "number_input", "base.cr").set_value(1.0).run()
    widget(app, "checkbox", "fair.measurable").check().run()
    assert_whole(app)

    plan = plan_of(app)
    assert plan.variants["aov"]
    assert (plan.lines[0].owner, float(plan.lines[0].base)) == ("Anna", 0.01)
    assert plan.fair == ("measurable",)


def test_steps_are_added_and_bands_are_edited():
    app = plan_page("en")
    press(app, "rule.cr.add")
    assert len(plan_of(app).lines[0].rule.steps) == 3
    press(app, "rule.cr.2.drop")
    assert len(plan_of(app).lines[0].rule.steps) == 2
    widget(app, "segmented_control", "rule.cr.kind").set_value("bands")
    app.run()
    widget(app, "number_input", "rule.cr.band0.to").set_value(2.0).run()
    assert_whole(app)
    rule = plan_of(app).lines[0].rule
    assert (rule.kind, float(rule.bands[0].to)) == ("bands", 0.02)
