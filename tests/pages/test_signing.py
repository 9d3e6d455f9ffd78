"""The view of the bonus page where a payout is proposed, approved, and computed again."""

from decimal import Decimal

import pytest
from streamlit.testing.v1 import AppTest

from kpi_core.pay import Person
from kpi_core.plan import changed
from tests.pages.test_pages import assert_whole, open_app, open_page, widget


def signing(lang: str = "en") -> AppTest:
    app = open_page(open_app(lang), "pages/pay/bonus.py")
    widget(app, "segmented_control", "bonus_view").set_value("signoff").run()
    return widget(app, "text_input", "signoff.name").set_value("Olga").run()


def sign(app: AppTest, by: str = "Boris") -> AppTest:
    app.button("signoff.propose").click().run()
    widget(app, "text_input", "signoff.name").set_value(by).run()
    return app.button("signoff.approve").click().run()


def put(app: AppTest, **fields: object) -> AppTest:
    app.session_state["own"]["plan"] = changed(app.session_state["own"]["plan"], **fields)
    return app.run()


def texts(elements: object) -> str:
    said = " ".join(element.value for element in elements)  # type: ignore[attr-defined]
    return said.replace("\\", "").replace("\N{NO-BREAK SPACE}", " ")


def with_page_depth(app: AppTest) -> AppTest:
    """A KPI more that decides the pay: a limit that is kept."""
    return put(app, gates=[{"kpi": "orders", "limit": 1}, {"kpi": "cr", "limit": 0}])


@pytest.mark.parametrize("lang", ["ru", "en"])
def test_who_approves_their_own_proposal_is_told(lang: str) -> None:
    app = sign(signing(lang), by="olga")
    assert_whole(app)
    word = (
        "один человек: olga" if lang == "ru" else "The same person proposed and approved it: olga"
    )
    assert word in texts(app.warning)


def test_nothing_is_known_to_be_new_until_something_approved_was_open() -> None:
    app = signing()
    assert "No snapshot approved before was given" in texts(app.caption)
    sign(app)
    assert "KPIs are new if they are not in what was approved: October 2026, approved by Boris" in (
        texts(app.caption)
    )


def test_closing_what_was_approved_is_no_way_round_the_notice() -> None:
    """October 2026 has begun: a limit on another KPI is told too late."""
    app = sign(signing())
    app.button("signoff.close").click().run()
    with_page_depth(app)
    app.button("signoff.propose").click().run()
    assert "Conversion rate" in texts(app.toast)
    assert "at least 5 days before" in texts(app.toast)
    assert app.session_state["own"]["kept"]["signoff.opened"] is None


def test_what_was_approved_of_one_plan_says_nothing_of_another() -> None:
    app = sign(signing())
    with_page_depth(app)
    put(app, name="North")
    app.button("signoff.propose").click().run()
    assert_whole(app)
    assert app.session_state["own"]["kept"]["signoff.opened"].status == "proposed"


def test_what_the_plan_on_screen_would_pay_stands_beside_the_snapshot() -> None:
    """A salary of 30 000 pays a bonus of half of it; one of 50 000 does, too."""
    app = sign(signing())
    assert "plan on screen" not in texts(app.warning)
    plan = app.session_state["own"]["plan"]
    put(app, scheme=plan.scheme.of_one(Decimal(50000), None))
    assert_whole(app)
    assert "exactly the same" in texts(app.success)
    told = texts(app.warning)
    assert "it pays a bonus of RUB 25,000.00, RUB 75,000.00 in total" in told
    assert "(the snapshot: RUB 15,000.00, RUB 45,000.00 in total)" in told
    assert "- Salary: RUB 30,000.00 → RUB 50,000.00." in told


@pytest.mark.parametrize("lang", ["ru", "en"])
def test_everybody_of_a_team_is_signed_to_the_kopeck(lang: str) -> None:
    """10 000.00 is no third of anything: 3 333.34, 3 333.33 and 3 333.33."""
    app = signing(lang)
    put(app, scheme={"kind": "team", "fund": "10000.00", "terms": {"floor": 1, "cap": 1}})
    names = ("Ann", "Bob", "Eve")
    rows = [Person(name=name).model_dump() for name in names]
    app.session_state["own"]["kept"]["people"] = rows
    app.run()
    sums = []
    for place, name in enumerate(names, start=1):
        widget(app, "selectbox", "signoff.whose").select(f"{place}. {name}").run()
        app.button("signoff.propose").click().run()
        assert_whole(app)
        assert app.success, name
        sums.append(app.session_state["own"]["kept"]["signoff.opened"].result.bonus)
    assert sums == ["3333.34", "3333.33", "3333.33"]
