"""The objectives page: the worked example, what is missing, the guards."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from kpi_core.objectives import EXAMPLE

ROOT = Path(__file__).parent.parent.parent


def open_page(lang: str = "en") -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["lang"] = lang
    app.run()
    app.switch_page("pages/plan/objectives.py")
    return app.run()


def widget(app: AppTest, kind: str, key: str):
    return next(found for found in app.get(kind) if (found.key or "").startswith(f"{key}:"))


def press(app: AppTest, key: str) -> AppTest:
    next(button for button in app.button if button.key == key).click()
    return app.run()


def objectives(app: AppTest):
    return app.session_state["own"]["plan"].objectives


def said(app: AppTest) -> str:
    found = (*app.markdown, *app.caption, *app.warning)
    return "\n".join(str(own.value) for own in found).replace("\\", "")


@pytest.mark.parametrize(
    ("lang", "none", "unmeasured"),
    [
        ("en", "no objective yet", "cannot be measured yet"),
        ("ru", "Задач пока нет", "измерить пока нельзя"),
    ],
)
def test_the_worked_example_is_taken_and_checked(lang: str, none: str, unmeasured: str) -> None:
    app = open_page(lang)
    assert none in said(app)
    press(app, "objectives.example")
    assert not app.exception
    assert objectives(app)[0].aims() == EXAMPLE.aims()
    assert unmeasured in said(app)


def test_a_rate_makes_dollars_measurable() -> None:
    app = press(open_page(), "objectives.example")
    widget(app, "number_input", "objectives.rate.USD").set_value(100.0).run()
    assert app.session_state["own"]["plan"].rates == {"USD": Decimal(100)}
    assert "no rate for USD" not in said(app)
    assert "the hardest is Total traffic, probability <1%" in said(app)


def test_what_is_missing_is_told() -> None:
    app = press(open_page(), "objectives.empty")
    assert "no volume target" in said(app)
    widget(app, "selectbox", "objectives.0.volume.kpi").select("orders").run()
    widget(app, "selectbox", "objectives.0.price.kpi").select("cpo").run()
    assert not app.exception
    assert "no quality target (how good). Without it the work cannot be judged" in said(app)
    assert objectives(app)[0].volume.target == 707
    widget(app, "selectbox", "objectives.0.volume.kpi").select("").run()
    assert objectives(app)[0].volume is None


def test_every_field_is_kept_in_the_plan() -> None:
    app = press(open_page(), "objectives.example")
    widget(app, "text_input", "objectives.0.name").set_value("Sell more").run()
    widget(app, "text_input", "objectives.0.quality.owner").set_value("Anna").run()
    widget(app, "date_input", "objectives.0.quality.deadline").set_value(date(2027, 1, 31)).run()
    widget(app, "number_input", "objectives.0.quality.target.cr").set_value(1.5).run()
    widget(app, "number_input", "objectives.0.quality.base.cr").set_value(0.0).run()
    assert not app.exception
    quality = objectives(app)[0].quality
    assert objectives(app)[0].name == "Sell more"
    assert (quality.owner, quality.deadline) == ("Anna", date(2027, 1, 31))
    assert (quality.target, quality.base) == (Decimal("0.015"), None)
    assert "January 2027" in said(app)
    press(app, "objectives.0.drop")
    assert objectives(app) == ()


def test_a_base_beyond_the_target_is_refused() -> None:
    app = press(open_page(), "objectives.example")
    widget(app, "number_input", "objectives.0.quality.base.cr").set_value(5.0).run()
    assert app.warning
    assert objectives(app)[0].quality.base == Decimal("0.006")
    assert not app.exception


def test_a_guard_is_proposed_and_told() -> None:
    app = open_page()
    assert "The plan has no such pair" in said(app)
    press(app, "objectives.guard.aov")
    assert not app.exception
    assert "guarded by Cost per order (CPO): kept" in said(app)
