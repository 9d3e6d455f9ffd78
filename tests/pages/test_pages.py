"""Every page opens in both languages, on every sample, on a lone file, and on a useless one."""

import ast
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from kpi_core import catalogue
from kpi_core.plan import changed, default_plan, offered
from kpi_core.text import say

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted(
    str(path.relative_to(ROOT)) for path in (ROOT / "pages").glob("*/*.py") if path.stem[0] != "_"
)
TRAFFIC_ONLY = b"""date,sessions
2026-10-01,100
2026-10-02,120
"""
MAIL_ONLY = b"""Send Date,Title,Total Recipients,Unique Opens
"Oct 01, 2026 09:46 am",October,1000,200
"""
EUROS = b"date,orders,revenue (EUR)\n2026-10-01,2,100.50\n"


def open_app(lang: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["lang"] = lang
    return app.run()


def open_page(app: AppTest, page: str) -> AppTest:
    app.switch_page(page)
    return app.run()


def widget(app: AppTest, kind: str, key: str):
    """The widget whose key begins so; what follows tells it from the session's own."""
    return next(found for found in app.get(kind) if (found.key or "").startswith(f"{key}:"))


def by_label(found, label: str):
    return next(element for element in found if element.label == label)


FEW = ("few.csv", b"Date,Orders,Sessions\n2026-10-01,10,200\n2026-10-31,30,400\n")


def told(app: AppTest) -> str:
    """The warnings in view."""
    return " ".join(own.value for own in app.warning).replace("\\", "")


def upload(app: AppTest, name: str, data: bytes) -> AppTest:
    open_page(app, "pages/measure/data.py")
    widget(app, "file_uploader", "files").upload(name, data)
    return app.run()


def load_plan(app: AppTest, plan) -> AppTest:
    return load_plan_file(app, plan.as_json().encode())


def load_plan_file(app: AppTest, data: bytes) -> AppTest:
    open_page(app, "pages/plan/editor.py")
    widget(app, "segmented_control", "plan.part").set_value("file")
    app.run()
    widget(app, "file_uploader", "plan_file").upload("plan.json", data)
    return app.run()


def weighed(*weights: str):
    """The default plan of the shop, its first lines weighed so and the others not at all."""
    plan = default_plan("shop")
    given = [*weights, *["0"] * (len(plan.lines) - len(weights))]
    lines = [
        line.model_dump() | {"weight": Decimal(weight)}
        for line, weight in zip(plan.lines, given, strict=True)
    ]
    return changed(plan, lines=lines)


def click(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if label in button.label).click()
    return app.run()


def assert_whole(app: AppTest) -> None:
    assert not app.exception, [problem.message for problem in app.exception]
    assert len(app.title) == 1
    assert app.title[0].value.endswith("?"), "a page begins with its one question"


def test_every_page_is_in_the_menu():
    tree = ast.parse((ROOT / "app.py").read_text("utf-8"))
    named = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and str(node.value).startswith("pages/")
    }

    assert named == set(PAGES)


@pytest.mark.parametrize("business", catalogue.businesses())
@pytest.mark.parametrize("lang", ["ru", "en"])
def test_every_page_opens_on_every_sample(lang, business):
    app = open_app(lang)
    widget(app, "selectbox", "business").select(business).run()
    for page in PAGES:
        assert_whole(open_page(app, page))
        assert not app.error


@pytest.mark.parametrize("lang", ["ru", "en"])
@pytest.mark.parametrize("data", [TRAFFIC_ONLY, MAIL_ONLY], ids=["traffic only", "mail only"])
def test_every_page_opens_when_a_file_says_little(lang, data):
    app = upload(open_app(lang), "little.csv", data)
    for page in PAGES:
        assert_whole(open_page(app, page))


def test_a_weight_moves_the_total_and_shows_its_new_share_at_once():
    app = open_app("en")
    before = app.metric[0].value

    widget(app, "slider", "weight.cart_abandonment").set_value(50).run()

    assert app.metric[0].value != before
    moved = widget(app, "slider", "weight.cart_abandonment")
    assert moved.label == "Weight: share 50%"
    shares = app.session_state["own"]["plan"].shares()
    assert sum(shares.values()) == 1
    # Of one half 30, 20, 20, 10 and 5 of 85 take 17.6, 11.8, 11.8, 5.9 and 2.9.
    assert [round(1000 * share) for share in shares.values()] == [176, 118, 118, 500, 59, 29]


def test_a_slider_keeps_its_value_across_pages():
    app = open_app("en")
    widget(app, "slider", "weight.cr").set_value(77).run()
    open_page(app, "pages/pay/bonus.py")

    open_page(app, "pages/measure/scorecard.py")

    assert widget(app, "slider", "weight.cr").value == 77


def test_a_link_reproduces_weights_period_and_levers():
    app = open_app("en")
    widget(app, "slider", "weight.cr").set_value(77).run()
    open_page(app, "pages/plan/whatif.py")
    widget(app, "slider", "lever.aov").set_value(10).run()
    app.session_state["link"] = True  # the popover is opened
    address = app.run().code[0].value
    period = by_label(app.selectbox, "Period").value

    fresh = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    fresh.query_params["lang"] = "en"
    fresh.query_params["v"] = address.partition("&v=")[2]
    fresh.run()

    assert widget(fresh, "slider", "weight.cr").value == 77
    assert by_label(fresh.selectbox, "Period").value == period
    open_page(fresh, "pages/plan/whatif.py")
    assert widget(fresh, "slider", "lever.aov").value == 10


def test_a_broken_link_is_told_and_the_app_opens_all_the_same():
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["lang"] = "en"
    app.query_params["v"] = "rubbish"
    app.run()

    assert_whole(app)
    assert "damaged" in app.warning[0].value


def test_a_file_that_fails_is_named_and_earlier_files_stay():
    app = upload(open_app("ru"), "traffic.csv", TRAFFIC_ONLY)

    upload(app, "broken.csv", b'date,sessions\n2026-10-01,"100\n')

    assert "broken.csv" in app.error[0].value
    assert "кавычки" in app.error[0].value
    assert any("traffic.csv" in text.value for text in app.markdown)


def test_a_target_of_zero_is_refused_and_the_old_one_stays():
    app = open_app("en")

    widget(app, "number_input", "target.cr").set_value(0.0).run()

    assert "above 0" in app.warning[0].value
    assert widget(app, "number_input", "target.cr").value == 1.2


def test_the_boundary_side_decides_what_exactly_the_target_pays():
    """Attainment exactly 100 %: half by the article's rule, whole once the boundary counts."""
    app = upload(open_app("en"), "exact.csv", b"date,sessions,orders\n2026-10-01,1000,12\n")
    open_page(app, "pages/measure/scorecard.py")
    widget(app, "slider", "weight.aov").set_value(0).run()
    literal = app.metric[0].value

    widget(app, "selectbox", "rule.cr.1.inclusive").select(True).run()

    assert (literal, app.metric[0].value) == ("50.0", "100.0")


def choose(app, view):
    """Turn the bonus page to one of its views."""
    return widget(app, "segmented_control", "bonus_view").set_value(view).run()


def test_any_scheme_can_pay_and_says_so_in_the_answer():
    app = choose(open_page(open_app("en"), "pages/pay/bonus.py"), "rule")
    chosen = widget(app, "selectbox", "scheme")
    answers = {}
    for kind in offered(app.session_state["own"]["plan"]):
        app = chosen.select(kind).run()
        assert_whole(app)
        assert app.session_state["own"]["plan"].scheme.kind == kind
        bonus = app.metric[0].value
        assert bonus in app.markdown[0].value.replace("\\", "")
        answers[kind] = bonus
        chosen = widget(app, "selectbox", "scheme")
    assert len(set(answers.values())) > 2


def test_levers_move_score_and_bonus_beside_the_base():
    app = open_page(open_app("en"), "pages/plan/whatif.py")

    widget(app, "slider", "lever.cr").set_value(20).run()

    _, bonus, profit = app.metric
    assert bonus.value == "RUB\u00a030,000.00"  # 707 orders + 20 % = 848.4, over the target of 800
    assert bonus.delta == "+RUB\u00a015,000.00"
    assert profit.delta.startswith("+")


def test_a_lever_that_cannot_be_is_refused_and_goes_back():
    app = open_page(open_app("en"), "pages/plan/whatif.py")

    widget(app, "slider", "lever.paid_share").set_value(50).run()  # 94.5 % x 1.5 is beyond all

    assert_whole(app)
    assert app.warning
    assert widget(app, "slider", "lever.paid_share").value == 0


def test_a_rule_that_falls_is_refused_and_the_old_one_stays():
    app = open_app("en")

    widget(app, "number_input", "rule.cr.1.score").set_value(0.1).run()

    assert_whole(app)
    assert app.warning
    assert widget(app, "number_input", "rule.cr.1.score").value == 1.0


def test_a_plan_file_travels_out_and_in():
    app = open_app("en")
    widget(app, "slider", "weight.cr").set_value(77).run()
    saved = app.session_state["own"]["plan"].as_json().encode()
    other = load_plan_file(open_app("en"), saved)

    open_page(other, "pages/measure/scorecard.py")

    assert widget(other, "slider", "weight.cr").value == 77


def test_what_of_the_sample_judges_ones_own_files_is_told_until_it_is_set_or_confirmed():
    app = upload(open_app("en"), *FEW)
    assert say("en", "pages.plan_of_example") in told(app)

    open_page(app, "pages/measure/scorecard.py")
    widget(app, "number_input", "target.cr").set_value(5.0).run()
    assert "Salary; targets of the bonus: Orders, Cost per order (CPO); Margin" in told(app)

    open_page(app, "pages/pay/bonus.py")
    choose(app, "rule")
    widget(app, "number_input", "salary").set_value(50_000.0).run()
    assert "sample, not from you: targets of the bonus" in told(app)

    click(app, "They are right")
    assert "not from you" not in told(app)


def test_a_plan_that_pays_by_own_figures_is_not_judged_by_the_sample_in_silence():
    start = default_plan("shop")
    salary = start.scheme.model_dump() | {"salary": 50_000}
    of_sample = say("en", "pages.plan_over_sample")
    for plan, says in ((start.with_share("cr", Fraction(1, 2)), False),
                       (changed(start, scheme=salary), True)):  # fmt: skip
        app = load_plan(open_app("en"), plan)
        assert (of_sample in [own.value for own in app.info]) == says
    assert of_sample not in [own.value for own in upload(app, *FEW).info]


def test_the_first_page_says_what_to_pay_and_what_the_bonus_is_for():
    app = open_app("en")
    assert [figure.value for figure in app.metric][1:] == [
        "RUB\u00a015,000.00",
        "RUB\u00a045,000.00",
    ]
    notes = " ".join(note.value for note in app.caption).replace("\\", "")
    assert "paid not for the score, but for: Orders, Cost per order (CPO)" in notes


def test_the_plan_follows_the_currency_of_the_files():
    app = upload(open_app("en"), "euro.csv", EUROS)

    choose(open_page(app, "pages/pay/bonus.py"), "rule")

    assert any("EUR" in field.label for field in app.number_input)


def test_a_plan_of_the_sample_speaks_its_own_currency_again():
    app = upload(open_app("en"), "euro.csv", EUROS)

    widget(app, "segmented_control", "sample").set_value(True)
    app.run()

    assert app.session_state["own"]["plan"] == default_plan("shop")


def test_a_plan_somebody_has_edited_keeps_its_currency():
    app = open_app("en")
    widget(app, "number_input", "target.aov").set_value(5000.0).run()

    upload(app, "euro.csv", EUROS)

    assert app.session_state["own"]["plan"].currency == "RUB"
    for page in PAGES:
        assert_whole(open_page(app, page))


def test_a_plan_file_that_names_a_period_shows_that_period():
    app = load_plan(open_app("en"), changed(default_plan("shop"), period="2026-09"))

    open_page(app, "pages/measure/scorecard.py")

    assert by_label(app.selectbox, "Period").value == "2026-09-01..2026-09-30"
    assert "September 2026" in app.markdown[0].value


@pytest.mark.parametrize(
    ("weights", "shown"),
    [
        (("40", "10"), (80, 20)),
        (("30", "20", "50"), (30, 20, 50)),
        (("3", "1", "0.001"), (75, 25, 0)),
        (("0.25", "0.5"), (33, 67)),
    ],
)
def test_weights_of_any_size_are_shown_as_shares_and_stay_as_they_are(weights, shown):
    plan = weighed(*weights)
    app = load_plan(open_app("en"), plan)
    open_page(app, "pages/measure/scorecard.py")
    lines = app.session_state["own"]["plan"].lines
    sliders = [widget(app, "slider", f"weight.{line.kpi}").value for line in lines]

    assert app.session_state["own"]["plan"] == plan
    assert sliders[: len(shown)] == list(shown)

    widget(app, "slider", f"weight.{lines[0].kpi}").set_value(5).run()

    after = app.session_state["own"]["plan"].shares()
    assert after[lines[0].kpi] == Fraction(5, 100)
    assert sum(after.values()) == 1


def test_a_new_salary_moves_the_fund_box_that_was_one_salary():
    app = choose(open_page(open_app("en"), "pages/pay/bonus.py"), "rule")
    widget(app, "selectbox", "scheme").select("scorecard").run()

    widget(app, "number_input", "salary").set_value(80000.0).run()

    assert widget(app, "number_input", "fund").value == 80000.0
    assert app.session_state["own"]["plan"].scheme.fund == 80000


def test_after_an_upload_the_period_box_says_what_the_answer_says():
    app = open_app("en")
    by_label(app.selectbox, "Period").select("2026-09-01..2026-09-30").run()

    upload(app, "euro.csv", EUROS)
    widget(app, "segmented_control", "sample").set_value(True)
    app.run()
    open_page(app, "pages/measure/scorecard.py")

    assert by_label(app.selectbox, "Period").value == "2026-10-01..2026-10-31"
    assert "October 2026" in app.markdown[0].value


def test_a_number_being_typed_keeps_all_its_digits():
    app = open_app("en")

    widget(app, "number_input", "target.cr").set_value(1.23456789).run()
    app.run()

    assert widget(app, "number_input", "target.cr").value == 1.23456789
    line = next(line for line in app.session_state["own"]["plan"].lines if line.kpi == "cr")
    assert line.target == Decimal("0.0123456789")


def test_one_rule_for_every_kpi_leaves_bands_on_values_alone():
    bands = {"kind": "bands", "bands": [{"to": 1, "score": 1}]}
    first, second = (line.kpi for line in default_plan("shop").lines[:2])
    app = load_plan(open_app("en"), default_plan("shop").with_line(second, rule=bands))
    open_page(app, "pages/measure/scorecard.py")
    widget(app, "number_input", f"rule.{first}.0.score").set_value(0.25).run()

    click(app, "This rule for every KPI")

    rules = {line.kpi: line.rule for line in app.session_state["own"]["plan"].lines}
    assert rules.pop(second).kind == "bands"
    assert {rule.steps[0].score for rule in rules.values()} == {Decimal("0.25")}
    by_label(app.selectbox, "Rule of KPI").select(second).run()
    assert_whole(app)
    assert not any("This rule" in button.label for button in app.button)


def test_the_same_bytes_under_another_name_are_read_anew():
    app = upload(open_app("en"), "one.csv", TRAFFIC_ONLY)

    upload(app, "two.csv", TRAFFIC_ONLY)

    files = [text.value for text in app.markdown if ".csv" in text.value]
    assert len(files) == 1
    assert "two.csv" in files[0]


def test_figures_stated_by_hand_are_told_on_every_page_until_dropped():
    plan = changed(default_plan("shop"), facts={"orders": 900, "sessions": 60000})
    app = load_plan(open_app("en"), plan)
    for page in PAGES:
        assert_whole(open_page(app, page))
        assert "2 figures are stated by hand" in app.info[0].value

    click(app, "Remove them")

    assert not app.info
    assert not app.session_state["own"]["plan"].facts
