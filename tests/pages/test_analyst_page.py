"""The analyst's page: the sample, a register of one's own, and a shop that stays as it was."""

import pytest
from streamlit.testing.v1 import AppTest

from kpi_core.plan import default_plan
from kpi_core.text import phrases, say
from tests.pages.test_pages import open_app

PAGE = "pages/measure/analyst.py"
OWN = """Номер;Отчёт;Тип отчёта;Поставлена;Срок;Статус;Дата выполнения;Норма, ч;Факт, ч;Возвраты
1;А;Регулярный;01.06.2026;03.06.2026;Готово;09.06.2026;2;2;0
2;Б;Регулярный;01.06.2026;;Готово;03.06.2026;2;2;0
3;В;По запросу;01.06.2026;03.06.2026;Готово;03.06.2026;2;2;0
4;Г;По запросу;15.06.2026;18.06.2026;В работе;;2;;
""".encode()

each_language = pytest.mark.parametrize("lang", ["ru", "en"])


def open_page(app: AppTest, page: str = PAGE) -> AppTest:
    app.switch_page(page)
    app.run()
    assert not app.exception, [problem.message for problem in app.exception]
    assert not app.error
    return app


def load(app: AppTest, key: str, name: str, data: bytes) -> AppTest:
    open_page(app, "pages/plan/editor.py" if key == "plan_file" else "pages/measure/data.py")
    if key == "plan_file":
        parts = app.get("segmented_control")
        next(box for box in parts if (box.key or "").startswith("plan.part:")).set_value("file")
        app.run()
    box = next(box for box in app.get("file_uploader") if (box.key or "").startswith(f"{key}:"))
    box.upload(name, data)
    return app.run()


def words(app: AppTest) -> str:
    return " ".join(element.value for element in app.markdown)


@each_language
def test_the_sample_gives_the_score_and_every_report(lang: str) -> None:
    app = open_page(open_app(lang))
    assert app.title[0].value == say(lang, "pages.analyst_question")
    assert app.metric[0].value == ("72,5" if lang == "ru" else "72.5")
    bands, unjudged = app.table[:3], app.table[3].value
    points = [table.value.iloc[-1, -1] for table in bands]
    assert [value.replace(",", ".") for value in points] == ["20.0", "22.5", "30.0"]
    assert unjudged.iloc[:, 1].astype(int).sum() == 6
    table = app.dataframe[0].value
    assert len(table) == 60
    assert table.iloc[0, 0] == say(lang, "pages.analyst_line", n=46)
    assert len(app.warning) == 2


@each_language
def test_a_register_of_ones_own_takes_the_place_of_the_sample(lang: str) -> None:
    app = open_page(load(open_app(lang), "files", "register.csv", OWN))
    assert len(app.dataframe[0].value) == 4
    assert say(lang, "pages.analyst_on_sample") not in [c.value for c in app.caption]
    # The one report that was due came late, none was over the norm, none came back.
    assert app.metric[0].value == ("75,0" if lang == "ru" else "75.0")


def test_other_files_leave_the_sample_register() -> None:
    app = load(open_app("en"), "files", "visits.csv", b"date,sessions\n2026-10-01,100\n")
    assert open_page(app).metric[0].value == "72.5"


def test_the_period_is_chosen_on_the_page_and_leaves_the_shop_alone() -> None:
    app = open_page(open_app("en"))
    shop = app.session_state["own"]["period"]
    box = next(box for box in app.selectbox if (box.key or "").startswith("role_period."))
    box.select("2026-05-01..2026-05-31").run()
    assert not app.exception
    assert app.metric[0].value != "72.5"
    assert app.session_state["own"]["period"] == shop


def test_a_plan_of_the_analyst_does_not_replace_that_of_the_shop() -> None:
    plan = default_plan("analyst").with_line("late_reports", weight=0)
    app = load(open_app("en"), "plan_file", "analyst.json", plan.as_json().encode())
    assert app.session_state["own"]["plan"].business == "shop"
    # 0.5 of 45 parts and 1 of 30: 52.5 of 75
    assert open_page(app).metric[0].value == "70.0"


def test_every_reason_has_its_phrase() -> None:
    reasons = ("kind", "due", "day", "norm", "remarks", "not_due_yet", "not_accepted_yet")
    assert {f"pages.analyst_reason_{reason}" for reason in reasons} <= set(phrases())
