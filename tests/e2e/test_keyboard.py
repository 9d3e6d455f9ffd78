"""The main job without a mouse: a file in, a weight moved, a bonus read, a report taken along."""

from fractions import Fraction

import pytest

from kpi_core.plan import default_plan
from kpi_core.text import money
from tests.e2e.test_journeys import GA4_EXPORT
from tests.e2e.visitor import Visitor

FURTHEST = 250  # keystrokes from anywhere on a page to anywhere else
HERE = "element => element.getRootNode().activeElement === element"


class Typist(Visitor):
    """A visitor with nothing but a keyboard."""

    def reaches(self, place):
        """Tab after Tab until the focus stands here."""
        place.wait_for()
        for _ in range(FURTHEST):
            if place.evaluate(HERE):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"the keyboard does not reach {place}")

    def enters(self, role, name):
        """A link or button, by Enter."""
        self.reaches(self.page.get_by_role(role, name=name, exact=True).first)
        self.page.keyboard.press("Enter")
        self.waits()

    def views_by_arrow(self, page, view):
        """Another view, by the arrow keys from the one in view."""
        group = self.page.get_by_role("radiogroup", name=self.says(f"{page}_view"))
        wanted = group.get_by_role("radio", name=self.says(f"{page}_view_{view}"), exact=True)
        self.reaches(group.get_by_role("radio", checked=True))
        for _ in range(group.get_by_role("radio").count()):
            if wanted.evaluate(HERE):
                break
            self.page.keyboard.press("ArrowRight")
        self.page.keyboard.press("Space")
        self.waits()

    def turns_to(self, page):
        self.enters("link", self.says(page))
        self.page.get_by_role("heading", level=1, name=self.says(f"{page}_question")).wait_for()
        self.waits()


@pytest.fixture
def typist(browser, app_url):
    with browser.new_context(locale="en-US", viewport={"width": 1800, "height": 900}) as context:
        yield Typist(context.new_page(), app_url, "en")


def test_from_a_file_to_a_report_by_keyboard_alone(typist, tmp_path):
    """CR and AOV score 1 with 30 and 20 of weight, bounces 0 with 10: 83.3 of 100 and 5/6 of the
    fund of 30 000. One hundredth more for CR leaves the others 69/70 of theirs: 31 + 138/7 of
    31 + 207/7, which is 355/424."""
    export = tmp_path / "data-export.csv"
    export.write_text(GA4_EXPORT, "utf-8")
    typist.opens()

    typist.enters("link", typist.says("load_own"))
    typist.page.get_by_role("heading", level=1, name=typist.says("data_question")).wait_for()
    typist.waits()
    box = typist.page.get_by_label(typist.says("drop_files"), exact=True)
    typist.reaches(box.locator("button").first)
    with typist.page.expect_file_chooser() as chooser:
        typist.page.keyboard.press("Enter")
    chooser.value.set_files(export)
    typist.sees("data-export.csv")
    typist.waits()

    typist.turns_to("scorecard")
    assert typist.reads(typist.says("total_score")) == "83.3"
    typist.reaches(typist.page.get_by_role("slider").first)
    typist.page.keyboard.press("ArrowRight")
    typist.shows(typist.says("total_score"), "83.7")  # 355/424

    typist.turns_to("bonus")
    typist.views_by_arrow("bonus", "rule")
    shares = default_plan("shop").with_share("cr", Fraction(31, 100)).shares()  # whole millionths
    reached = shares["cr"] + shares["aov"]
    due = 30_000 * reached / (reached + shares["bounce_rate"])
    typist.sees(money(due, "RUB", "en"))  # by the scheme that adds scores up

    typist.turns_to("report")
    typist.enters("button", typist.says("report_make"))
    typist.download().wait_for(timeout=90_000)
    typist.waits()
    typist.reaches(typist.download())
    with typist.page.expect_download() as taken:
        typist.page.keyboard.press("Enter")
    assert taken.value.path().read_bytes().startswith(b"%PDF-")
