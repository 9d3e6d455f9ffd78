"""The line to the server is cut, or the server falls: nothing typed is lost, no figure is stale."""

import os
import signal

import pytest

from bench.wire import served
from kpi_core.plan import default_plan
from tests.browser import settled, warm
from tests.e2e.test_live import TOTAL, rest, shown_after, totals
from tests.relay import line

WEIGHT, KPI = "Weight: Bounce rate", "bounce_rate"
CUT = '[data-testid="stApp"]:not([data-test-connection-state="CONNECTED"])'


@pytest.fixture(scope="module")
def sample():
    return totals("2026-10")


@pytest.fixture
def page(browser):
    context = browser.new_context(locale="en-US", viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()


def opened(page, url: str, path: str = ""):
    page.goto(f"{url}/{path}?lang=en", wait_until="networkidle")
    page.get_by_role("slider").first.wait_for()
    settled(page)


def back(page) -> None:
    """Until the page has found the server again and drawn what it was told."""
    settled(page, timeout=60_000)
    rest(page)


def test_a_move_made_while_the_line_is_cut_is_told_when_it_is_back(page, app_url, sample) -> None:
    with line(app_url) as own:
        opened(page, own.url)
        thumb = page.get_by_role("slider", name=WEIGHT)
        thumb.press("ArrowRight")
        rest(page)
        own.cut()
        page.locator(CUT).wait_for(state="attached")
        thumb.press("ArrowRight")
        own.mend(app_url)
        back(page)

        assert thumb.input_value() == "12"
        assert page.locator(TOTAL).inner_text() == shown_after(
            default_plan("shop"), sample, KPI, 12
        )


def test_what_is_half_typed_when_the_line_is_cut_is_still_there_and_counts(page, app_url) -> None:
    with line(app_url) as own:
        opened(page, own.url, "whatif")
        box = page.get_by_label("Value: Average order value")
        box.select_text()
        page.keyboard.type("45")
        own.cut()
        page.locator(CUT).wait_for(state="attached")
        page.keyboard.type("00")
        own.mend(app_url)
        back(page)

        assert box.input_value() == "4500"
        box.press("Enter")
        rest(page)
        assert page.locator(".row", has=box).locator(".shown").inner_text() == "RUB\xa04,500.00"


@pytest.mark.slow
def test_a_server_that_falls_under_an_open_page_is_found_again(page, sample, tmp_path) -> None:
    """Killed, and started anew: the page has what it had, and goes on."""
    kept = {"KPI_WORKSPACE": str(tmp_path)}
    with served(environment=kept) as (url, server), line(url) as own:
        warm(url)
        opened(page, own.url)
        thumb = page.get_by_role("slider", name=WEIGHT)
        thumb.press("ArrowRight")
        rest(page)
        os.kill(server, signal.SIGKILL)
        own.cut()
        page.locator(CUT).wait_for(state="attached")
        with served(environment=kept) as (again, _):
            warm(again)
            own.mend(again)
            back(page)
            plan = default_plan("shop")
            assert thumb.input_value() == "11"
            assert page.locator(TOTAL).inner_text() == shown_after(plan, sample, KPI, 11)
            thumb.press("ArrowRight")
            rest(page)
            assert thumb.input_value() == "12"
            assert page.locator(TOTAL).inner_text() == shown_after(plan, sample, KPI, 12)
