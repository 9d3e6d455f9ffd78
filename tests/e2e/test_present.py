"""The presentation in a browser: turned by keys, nothing of the app around it, on any screen."""

import pytest

from tests.browser import settled
from tests.e2e.visitor import BEGIN, Visitor

AROUND = ("stHeader", "stSidebar", "stExpandSidebarButton", "stTopNavSection", "stExpander")
SCREENS = {"beamer": (1440, 900), "tablet": (1024, 768), "phone": (390, 844)}
WIDE = "() => document.querySelector('[data-testid=stMain]').scrollWidth - innerWidth"
UNSEEN = (
    "() => [...document.images].filter(own => own.checkVisibility() && !own.naturalWidth).length"
)


@pytest.fixture(params=SCREENS)
def visitor(browser, app_url, request):
    width, height = SCREENS[request.param]
    window = {"width": width, "height": height}
    with browser.new_context(locale="en-US", viewport=window) as context:
        yield Visitor(context.new_page(), app_url, "en")


def turned(visitor, key, place):
    """After a key, this slide of all comes into view."""
    visitor.page.keyboard.press(key)
    visitor.page.get_by_text(place, exact=True).wait_for()
    visitor.page.wait_for_timeout(BEGIN)
    settled(visitor.page)


def test_arrows_turn_the_slides_with_nothing_around_them_and_escape_ends(visitor):
    visitor.opens("present")
    page = visitor.page
    page.get_by_role("button", name=visitor.says("present_start"), exact=True).wait_for()
    visitor.waits()
    last = page.get_by_test_id("stCheckbox").count() + 1
    visitor.presses(visitor.says("present_start"))
    page.get_by_text(f"1 / {last}", exact=True).wait_for()

    for place in range(2, last + 1):
        turned(visitor, "ArrowRight", f"{place} / {last}")
        assert page.get_by_role("heading", level=1).count() == 1
        assert [
            own for own in AROUND if page.get_by_test_id(own).locator("visible=true").count()
        ] == []
        assert page.get_by_role("button").locator("visible=true").count() == 3
        assert page.evaluate(WIDE) <= 0
        assert page.evaluate(UNSEEN) == 0
    turned(visitor, "ArrowLeft", f"{last - 1} / {last}")
    page.keyboard.press("Escape")

    page.get_by_role("heading", level=1, name=visitor.says("present_question")).wait_for()
    visitor.waits()
    assert page.get_by_test_id("stCheckbox").count() == last - 1


def test_a_reset_is_asked_twice_and_taken_back(browser, app_url):
    with browser.new_context(locale="en-US", viewport={"width": 1440, "height": 900}) as context:
        visitor = Visitor(context.new_page(), app_url, "en")
        visitor.opens("present")
        visitor.types(visitor.says("report_client"), "Moss Ltd")

        visitor.presses(visitor.says("reset"))
        assert visitor.page.get_by_label(visitor.says("report_client"), exact=True).input_value()
        visitor.presses(visitor.says("reset_yes"))

        box = visitor.page.get_by_label(visitor.says("report_client"), exact=True)
        visitor.sees(visitor.says("reset_done"))
        assert box.input_value() == ""
        visitor.presses(visitor.says("reset_undo"))
        visitor.waits()
        assert box.input_value() == "Moss Ltd"
