"""The scorecard: the matrix, why the total changed, how firm its grade is, phases of growth."""

import pytest

from kpi_core import catalogue
from kpi_core.plan import changed, default_plan
from kpi_core.text import say
from tests.pages.test_pages import load_plan, open_app, open_page, widget

LANGS = pytest.mark.parametrize("lang", ["ru", "en"])


def view(app, name):
    widget(app, "button_group", "scorecard_view").set_value(name).run()
    assert not app.exception
    return app


def tables(app):
    return [list(table.value.columns) for table in app.dataframe]


@LANGS
def test_the_matrix_has_a_row_for_every_line_with_target_actual_score_and_status(lang):
    app = open_app(lang)
    matrix = app.dataframe[0].value
    lines = app.session_state["own"]["plan"].lines

    names = [catalogue.kpi(line.kpi).name[lang] for line in lines]
    assert list(matrix[say(lang, "pages.matrix_kpi")]) == names
    for column in ("target", "matrix_actual", "attainment", "step_score"):
        assert all(matrix[say(lang, f"pages.{column}")].str.len() > 0)
    signs = {status.split()[0] for status in matrix[say(lang, "pages.matrix_status")]}
    assert signs <= {"✓", "◐", "✗", "?"}


def test_the_matrix_shows_thirteen_months_of_the_sample():
    matrix = open_app("en").dataframe[0].value
    assert {len(history) for history in matrix["By month"]} == {13}


@LANGS
def test_every_view_opens(lang):
    app = open_app(lang)
    for name in ("why", "firm", "phases", "targets"):
        view(app, name)


def test_a_total_is_explained_against_the_month_before_and_the_year_before():
    app = view(open_app("en"), "why")
    told = " ".join(text.value for text in app.markdown)
    assert "September 2026" in told

    widget(app, "button_group", "compare").set_value("year_ago").run()

    told = " ".join(text.value for text in app.markdown)
    assert "October 2025" in told

    widget(app, "button_group", "compare").set_value("").run()

    assert [say("en", "pages.why_nothing")] == [info.value for info in app.info]


def test_the_firmness_of_a_grade_is_told_for_every_weighed_line():
    app = view(open_app("en"), "firm")
    assert len(app.dataframe[1].value) == len(app.session_state["own"]["plan"].lines)


def test_the_weights_of_a_phase_are_taken_with_one_click_and_can_be_taken_back():
    app = view(open_app("en"), "phases")
    before = app.session_state["own"]["plan"]
    phase = catalogue.phases()["phase_2_1"]

    next(b for b in app.button if b.key == f"phase.{phase.id}").click().run()

    shares = app.session_state["own"]["plan"].shares()
    assert {kpi: float(share) for kpi, share in shares.items()} == {
        goal.kpi: float(goal.weight) for goal in phase.goals
    }
    assert not app.exception

    app = open_page(app, "pages/plan/editor.py")
    undo = next(b for b in app.button if b.label == say("en", "pages.plan_undo"))
    undo.click().run()
    assert app.session_state["own"]["plan"] == before


def test_what_is_left_to_the_next_step_is_told():
    plan = changed(
        default_plan("shop"),
        lines=[{"kpi": "orders", "target": 800, "weight": 1}],
    )
    app = open_page(load_plan(open_app("en"), plan), "pages/measure/scorecard.py")
    # October has 707 orders; 1 is earned above 800.
    assert any("Orders \\+94" in caption.value for caption in app.caption)
