"""The trend page, the periods of the sidebar and the days they are compared with."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).parent.parent.parent
PAGE = "pages/measure/trend.py"


def open_app(lang: str = "en", page: str = PAGE) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["lang"] = lang
    app.run()
    app.switch_page(page)
    return app.run()


def widget(app: AppTest, kind: str, key: str):
    return next(found for found in app.get(kind) if (found.key or "").startswith(key))


def period(app: AppTest):
    return widget(app, "selectbox", "period.")


def load(app: AppTest, until: str, page: str = PAGE) -> AppTest:
    """Own files: ten orders a day from 1 August 2026 on, twenty in November."""
    first, last = date(2026, 8, 1), date.fromisoformat(until)
    every = [first + timedelta(step) for step in range((last - first).days + 1)]
    rows = [f"{day},{20 if day.month == 11 else 10},1000" for day in every]
    app.switch_page("pages/measure/data.py")
    app.run()
    data = "\n".join(["Date,Orders,Sessions", *rows]).encode()
    widget(app, "file_uploader", "files").upload("orders.csv", data)
    app.run()
    app.switch_page(page)
    return app.run()


def said(app: AppTest) -> str:
    return "\n".join(str(own.value) for own in (*app.markdown, *app.caption)).replace("\\", "")


# --- the page


@pytest.mark.parametrize(
    ("lang", "answer", "course"),
    [
        ("en", "of 7 KPIs with a target", "the month ended at 707; the target 800 was missed"),
        ("ru", "из 7 KPI с целями", "месяц закончился на 707; цель 800 не достигнута"),
    ],
)
def test_the_page_answers_from_the_figures(lang: str, answer: str, course: str) -> None:
    app = open_app(lang)
    assert not app.exception
    assert app.title[0].value.endswith("?")
    assert answer in said(app)
    assert course in said(app)
    assert len(app.metric) == 7


@pytest.mark.parametrize("by", ["week", "day"])
def test_weeks_and_days_can_be_chosen(by: str) -> None:
    app = open_app()
    widget(app, "button_group", "trend_by").set_value(by).run()
    assert not app.exception
    assert "Targets are monthly" in said(app)


def test_one_may_look_from_an_earlier_day() -> None:
    app = open_app()
    widget(app, "slider", "trend_seen").set_value(14).run()
    assert "315 in 14 days" in said(app)
    assert "probability <1%" in said(app)


def test_a_short_history_is_too_short() -> None:
    app = load(open_app(), "2026-10-31")
    assert "too early to say" in said(app)
    assert not app.exception


# --- periods


def test_months_quarters_own_days_and_all_days_are_offered() -> None:
    labels = period(open_app()).options
    assert labels[0] == "October 2026"
    assert "3rd quarter 2026" in labels
    assert labels[-2:] == ["All days", "My own days: from … to …"]
    russian = period(open_app("ru")).options
    assert "3-й квартал 2026" in russian


def test_a_month_that_has_begun_is_offered_and_says_how_far_it_goes() -> None:
    app = load(open_app(), "2026-11-14")
    assert period(app).options[0] == "November 2026, up to day 14"
    assert period(app).value == "2026-10-01..2026-10-31"
    period(app).select("2026-11-01..2026-11-30").run()
    assert not app.exception
    assert "280 in 14 days" in said(app)
    assert (
        "the same number of days is taken of the earlier one (14): 1 Oct 2026 – 14 Oct 2026"
        in said(app)
    )
    orders = next(own for own in app.metric if own.label == "Orders")
    assert (orders.value, orders.delta) == ("280", "+100.0%")


def test_a_begun_month_is_named_so_in_russian() -> None:
    app = load(open_app("ru"), "2026-11-14")
    assert period(app).options[0] == "ноябрь 2026, до 14-го"


def test_a_quarter_is_compared_with_the_quarter_before() -> None:
    app = open_app()
    period(app).select("2026-07-01..2026-09-30").run()
    assert "Compared with 2nd quarter 2026." in said(app)


def test_own_days_are_chosen_one_by_one() -> None:
    app = open_app()
    period(app).select("days").run()
    assert [own.value for own in app.date_input] == [date(2026, 10, 1), date(2026, 10, 31)]
    app.date_input[0].set_value(date(2026, 10, 5)).run()
    app.date_input[1].set_value(date(2026, 10, 11)).run()
    assert "Compared with 28 Sep 2026 – 4 Oct 2026." in said(app)
    app.date_input[1].set_value(date(2026, 9, 20)).run()  # the first day gives way
    assert [own.value for own in app.date_input] == [date(2026, 9, 20)] * 2
    period(app).select("all").run()
    assert not app.date_input
    assert not app.exception


def test_the_comparison_can_be_a_year_ago_or_nothing() -> None:
    app = open_app()
    widget(app, "button_group", "compare").set_value("year_ago").run()
    assert "Compared with October 2025." in said(app)
    widget(app, "button_group", "compare").set_value("").run()
    assert "Compared with" not in said(app)
    assert not any(own.delta for own in app.metric)
    assert not app.exception


def test_days_that_are_not_held_are_not_compared() -> None:
    app = load(open_app(), "2026-08-31")
    assert "Nothing to compare with" in said(app)


@pytest.mark.parametrize(
    ("lang", "told"), [("en", "No period is chosen"), ("ru", "Период не выбран")]
)
def test_all_days_of_a_year_earn_no_bonus_and_say_why(lang: str, told: str) -> None:
    """Thirteen months of orders stand against the target of one."""
    app = open_app(lang, page="pages/pay/bonus.py")
    period(app).select("All days" if lang == "en" else "Все дни").run()
    assert not app.exception
    assert {metric.value for metric in app.metric} == {"—"}
    warnings = [str(own.value) for own in app.warning]
    assert any("2026-10." in own for own in warnings), "choose a month, or add --period"
    assert any(told in own for own in warnings)


def test_the_bonus_is_compared_too() -> None:
    app = open_app(page="pages/pay/bonus.py")
    assert "Compared with September 2026." in said(app)
    assert not app.exception
