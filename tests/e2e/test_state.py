"""Nothing is lost: a refreshed tab, two tabs of one browser, a server that fell."""

import os
import re
import signal
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.visitor import Visitor

FILE = ("orders.csv", b"Date,Orders,Sessions\n2026-10-01,10,200\n2026-10-31,30,400\n")


def open_tab(context: Any, url: str) -> Visitor:
    visitor = Visitor(context.new_page(), url, "en")
    visitor.opens()
    return visitor


def moves_a_weight(visitor: Visitor, presses: int) -> str:
    """The weight of a KPI, some steps up; where it stands then."""
    thumb = visitor.page.get_by_role("slider", name="Weight: Bounce rate")
    thumb.wait_for()
    thumb.focus()
    for _ in range(presses):
        thumb.press("ArrowRight")
        visitor.waits()
    return weight(visitor)


def weight(visitor: Visitor) -> str:
    thumb = visitor.page.get_by_role("slider", name="Weight: Bounce rate")
    thumb.wait_for()
    visitor.waits()
    return str(thumb.input_value())


def refreshes(visitor: Visitor) -> None:
    visitor.page.reload()
    visitor.page.get_by_role("heading", level=1).wait_for()
    visitor.waits()


@pytest.fixture
def context(browser: Any) -> Iterator[Any]:
    context = browser.new_context(locale="en-US", viewport={"width": 1280, "height": 900})
    yield context
    context.close()


def test_a_refreshed_tab_has_plan_undo_and_files_as_they_were(context: Any, app_url: str) -> None:
    tab = open_tab(context, app_url)
    before = weight(tab)
    moved = moves_a_weight(tab, 3)
    assert moved != before
    tab.goes("data")
    tab.loads(FILE)

    refreshes(tab)

    tab.sees(FILE[0])
    tab.goes("scorecard")
    assert weight(tab) == moved
    tab.presses(tab.says("plan_undo"))
    assert weight(tab) != moved


def test_two_tabs_do_not_disturb_each_other_even_when_one_is_the_double_of_the_other(
    context: Any, app_url: str
) -> None:
    first = open_tab(context, app_url)
    begun = moves_a_weight(first, 1)
    memory = first.page.evaluate("JSON.stringify({ ...sessionStorage })")
    double = context.new_page()  # what a browser does when a tab is duplicated
    double.add_init_script(
        "if (!sessionStorage.length)"
        f" for (const own of Object.entries({memory})) sessionStorage.setItem(...own)"
    )
    second = Visitor(double, app_url, "en")
    second.opens()
    assert weight(second) == begun

    there, here = moves_a_weight(second, 4), moves_a_weight(first, 1)
    assert there != here
    for tab, own in ((first, here), (second, there)):
        refreshes(tab)
        assert weight(tab) == own


def test_a_tab_that_is_opened_anew_begins_with_the_sample(context: Any, app_url: str) -> None:
    first = open_tab(context, app_url)
    begun = weight(first)
    moves_a_weight(first, 2)

    assert weight(open_tab(context, app_url)) == begun


def test_a_word_of_nobody_brings_nothing(context: Any, app_url: str) -> None:
    context.add_init_script("sessionStorage.setItem('kpi-pay-tab', 'guessed')")
    tab = open_tab(context, app_url)
    begun = weight(tab)

    assert moves_a_weight(tab, 1) != begun


@pytest.mark.skipif(not Path("/proc/net").exists(), reason="finds the server as Linux does")
def test_after_the_server_fell_the_owner_goes_on_where_they_were(
    context: Any, cold_app: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KPI_WORKSPACE", str(tmp_path / "workspace"))
    tab = open_tab(context, cold_app())
    tab.goes("data")
    tab.loads(FILE)
    tab.goes("scorecard")
    moved = moves_a_weight(tab, 3)
    refreshes(tab)
    assert weight(tab) == moved
    tab.presses(tab.says("plan_undo"))
    assert weight(tab) != moved
    tab.presses(tab.says("plan_redo"))
    os.kill(_server_of(tab.url), signal.SIGKILL)

    again = open_tab(context, cold_app())

    again.sees("You go on where you left off")
    assert weight(again) == moved
    again.goes("data")
    again.sees(FILE[0])
    again.presses(again.says("begin_anew"))
    again.goes("scorecard")
    assert weight(again) != moved


def _server_of(url: str) -> int:
    """The process that listens at an address."""
    port = f"{int(url.rpartition(':')[2]):04X}"
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    cells = (line.split() for line in lines)
    (inode,) = {own[9] for own in cells if own[1].endswith(f":{port}") and own[3] == "0A"}
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if os.readlink(link) == f"socket:[{inode}]":
                return int(link.parts[2])
        except OSError:
            continue
    raise AssertionError(url)


def test_a_box_that_the_browser_loads_late_shows_its_value_and_changes_nothing(
    context: Any, app_url: str
) -> None:
    page, waiting = context.new_page(), []

    def hold(request: Any) -> None:  # Playwright takes no method of a list
        waiting.append(request)

    page.route(re.compile(r"NumberInput.*\.js"), hold)
    tab = Visitor(page, app_url, "en")
    tab.opens()
    begun = weight(tab)
    moves_a_weight(tab, 1)
    tab.presses(tab.says("plan_undo"))  # a second run, before any box is there
    assert waiting

    for request in waiting:
        request.continue_()

    box = page.get_by_test_id("stNumberInput").get_by_role("spinbutton").first
    box.wait_for()
    tab.waits()
    assert Decimal(box.input_value()) > 0
    assert weight(tab) == begun
    assert not page.get_by_role("button", name=tab.says("plan_undo"), exact=True).is_visible()


def test_the_back_button_leads_to_the_page_before_with_everything_on_it(
    context: Any, app_url: str
) -> None:
    tab = open_tab(context, app_url)
    moved = moves_a_weight(tab, 2)
    tab.goes("bonus")

    tab.page.go_back()
    tab.page.get_by_role("heading", level=1, name=tab.says("scorecard_question")).wait_for()

    assert weight(tab) == moved


def test_a_link_to_a_page_opens_for_the_first_visitor_of_a_server(
    context: Any, cold_app: Any
) -> None:
    page = context.new_page()
    page.goto(f"{cold_app()}/whatif?lang=en")
    page.get_by_role("heading", name="Levers", exact=True).wait_for(timeout=60_000)
    page.wait_for_timeout(1000)
    assert page.get_by_role("dialog").count() == 0
    assert page.url.partition("?")[0].endswith("/whatif")
