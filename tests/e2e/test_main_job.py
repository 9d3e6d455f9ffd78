"""The main job in a real browser: an export in, a weight moved, a bonus read."""

import re

import pytest

from tests.browser import settled

# A report as Google Analytics 4 saves it, of an invented site; orders are its purchases.
GA4_EXPORT = """# ----------------------------------------
# Traffic acquisition: Session primary channel group (Default Channel Group)
# Account: Moss & Stone
# Property: moss-and-stone.example
# ----------------------------------------
#
# All Users
# Start date: 20260901
# End date: 20260930
Session primary channel group (Default Channel Group),Sessions,Engaged sessions,Engagement rate,\
Event count,Ecommerce purchases,Total revenue
Organic Search,6000,4200,0.7,31000,80,320000
Direct,3000,2100,0.7,14000,40,170000
Referral,1000,500,0.5,4000,5,18000
"""


def file_of(text: str) -> dict[str, object]:
    return {"name": "data-export.csv", "mimeType": "text/csv", "buffer": text.encode()}


def total(page) -> str:
    return page.locator('[data-metric="score"] .value').inner_text()


@pytest.fixture
def page(browser):
    context = browser.new_context(locale="en-US", viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()


def test_from_an_export_to_a_bonus(page, app_url):
    """10 000 sessions, 125 orders: CR 1.25 % of 1.2 % wanted; AOV 4 064 of 4 000 wanted.

    Cost is unknown, so the product of coefficients waits, and the scorecard drops those lines.
    """
    page.goto(f"{app_url}/data?lang=en")
    settled(page)
    page.locator('input[type="file"]').first.set_input_files(file_of(GA4_EXPORT))
    page.get_by_text("data-export.csv").first.wait_for()
    settled(page)
    assert "Sessions: 10,000" in page.get_by_text("Sessions: 10,000").first.inner_text()

    page.get_by_role("link", name="Scorecard").first.click()
    page.get_by_role("heading", name="How did marketing do").wait_for()
    settled(page)
    business = page.get_by_role("combobox", name="Business type")
    assert "Online shop" in business.input_value() or page.get_by_text("Online shop").count()
    before = total(page)

    thumb = page.get_by_role("slider", name="Weight: Bounce rate")
    thumb.focus()
    for _ in range(5):
        thumb.press("ArrowRight")
    page.get_by_text("75.9 of 100").wait_for()
    settled(page)
    after = total(page)

    # CR 1.25/1.2 and AOV 4064/4000 score 1; bounce 20/32 = 62.5 % scores 0; the rest has no data.
    assert before == "83.3"  # (30 + 20) / (30 + 20 + 10)
    # 50 of the other 90 hundredths have data: 50 / 90 · 85 of that and 15 are 47.2 of 62.2.
    assert after == "75.9"

    page.get_by_role("link", name="Bonus").first.click()
    page.get_by_role("heading", name="What do I pay").wait_for()
    settled(page)
    assert page.get_by_text(re.compile("no data for Ad spend")).count()
    page.get_by_text("Rule", exact=True).click()
    page.get_by_role("heading", name="What other schemes would pay").wait_for()
    settled(page)
    page.get_by_text("RUB\u00a022,767.89").first.wait_for()  # 30 000 x 47.2/62.2


def test_a_cold_deep_link_opens_its_page_inside_the_frame(browser, cold_app):
    """Nobody has visited this server yet: the page must come with menu and language."""
    context = browser.new_context(locale="ru-RU")
    page = context.new_page()
    page.goto(f"{cold_app()}/bonus?lang=ru")

    page.get_by_role("heading", name="Сколько платить и почему?").wait_for()
    settled(page)

    assert page.get_by_role("link", name="Воронка").count()
    assert page.title() == "Премия"
    context.close()


def test_no_page_scrolls_sideways_on_a_phone(browser, app_url):
    context = browser.new_context(locale="ru-RU", viewport={"width": 390, "height": 844})
    page = context.new_page()
    for path in ("", "plan", "funnel", "bonus", "whatif", "data"):
        page.goto(f"{app_url}/{path}?lang=ru")
        page.get_by_role("heading", level=1).wait_for()
        settled(page)
        wider = page.evaluate(
            "() => { const box = document.querySelector('[data-testid=stMain]');"
            " return box.scrollWidth - box.clientWidth; }"
        )
        assert wider <= 0, f"{path or 'scorecard'} is {wider} px too wide"
    context.close()


def test_nothing_is_asked_of_any_other_host(browser, app_url):
    context = browser.new_context(locale="en-US")
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(app_url)
    page.get_by_role("heading", level=1).wait_for()
    settled(page)

    foreign = [url for url in asked if not url.startswith((app_url, "data:", "blob:", "ws:"))]
    assert foreign == []
    context.close()


def test_a_language_switch_keeps_the_session(page, app_url):
    page.goto(f"{app_url}/?lang=en")
    page.get_by_role("heading", name="How did marketing do").wait_for()
    settled(page)

    page.get_by_text("ru", exact=True).first.click()
    page.get_by_role("heading", name="Как маркетинг выполнил план?").wait_for()
    settled(page)
    page.get_by_role("link", name="Воронка").first.click()

    page.get_by_role("heading", name="Где мы теряем людей?").wait_for()
