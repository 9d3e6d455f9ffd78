"""A visitor of the app: does what people do, by what they see and what is read out to them."""

from typing import Any

from kpi_core.text import say
from tests.browser import settled

PATIENCE = 40  # times to look again before a figure is taken for stale
BEGIN = 250  # milliseconds in which a run that was asked for begins


class Visitor:
    """Somebody at a page of the app, in one language.

    Widgets are found by role and by the phrase that names them, never by where they stand.
    """

    def __init__(self, page: Any, url: str, lang: str) -> None:
        self.page, self.url, self.lang = page, url, lang

    def says(self, key: str, **values: object) -> str:
        """A phrase of the pages as this visitor reads it."""
        return say(self.lang, f"pages.{key}", **values)

    def opens(self, path: str = "") -> None:
        """The app by its address: a session begins."""
        self.page.goto(f"{self.url}/{path}?lang={self.lang}")
        self.page.get_by_role("heading", level=1).wait_for()
        self.waits()

    def waits(self) -> None:
        """Until the app has answered."""
        self.page.wait_for_timeout(BEGIN)
        settled(self.page, timeout=60_000)

    def goes(self, name: str) -> None:
        """To another page by the menu: a phone folds it away, and some pages lie in sections."""
        title = self.says(name)
        link = self.page.get_by_role("link", name=title, exact=True).first
        folded = self.page.get_by_test_id("stExpandSidebarButton")
        by_phone = folded.is_visible()
        if by_phone:
            folded.click()
        elif not link.is_visible():
            link = self.page.get_by_test_id("stTopNavDropdownLink").filter(has_text=title)
            for section in self.page.get_by_test_id("stTopNavSection").all():
                section.click()
                if link.count():
                    break
                self.page.keyboard.press("Escape")
        link.click()
        self.page.get_by_role("heading", level=1, name=self.says(f"{name}_question")).wait_for()
        self.waits()
        if by_phone and not folded.is_visible():
            self.page.get_by_test_id("stSidebarCollapseButton").get_by_role("button").click()
            folded.wait_for()

    def views(self, page: str, view: str) -> None:
        """Another view of a page."""
        group = self.page.get_by_role("radiogroup", name=self.says(f"{page}_view"))
        group.get_by_role("radio", name=self.says(f"{page}_view_{view}"), exact=True).click()
        self.waits()

    def chooses(self, label: str, option: str) -> None:
        """An option of a list."""
        self.page.get_by_role("combobox", name=label, exact=True).first.click()
        self.page.keyboard.type(option)  # a long list draws only what is in view
        self.page.get_by_role("option", name=option, exact=True).click()
        self.waits()

    def types(self, label: str, text: str) -> None:
        """Into a box, and leaves it."""
        box = self.page.get_by_label(label, exact=True).locator("visible=true").first
        box.fill(text)
        box.press("Enter")
        self.waits()

    def presses(self, label: str) -> None:
        """A button."""
        self.page.get_by_role("button", name=label, exact=True).first.click()
        self.waits()

    def loads(self, *files: tuple[str, bytes]) -> None:
        """Files on the Data page."""
        box = self.page.get_by_label(self.says("drop_files"), exact=True)
        box.locator("input[type=file]").set_input_files(
            [{"name": name, "mimeType": "text/csv", "buffer": data} for name, data in files]
        )
        for name, _ in files:
            self.page.get_by_text(name).first.wait_for()
        self.waits()

    def reads(self, label: str) -> str:
        """The figure below a label."""
        box = self.page.locator("[data-testid=stMetric], .metric").filter(has_text=label).first
        return str(box.locator("[data-testid=stMetricValue], .value").inner_text())

    def shows(self, label: str, figure: str) -> None:
        """The figure below a label comes to be this one and stays."""
        for _ in range(PATIENCE):
            if self.reads(label) == figure:
                break
            self.waits()
        self.waits()
        assert self.reads(label) == figure

    def sees(self, text: str) -> None:
        """These words come into view."""
        self.page.get_by_text(text).locator("visible=true").first.wait_for()

    def takes_report(self, use: str, form: str) -> bytes:
        """A report of a form, made and downloaded."""
        purposes = self.page.get_by_role("radiogroup", name=self.says("report_use"))
        purposes.get_by_role("radio", name=self.says(f"report_use_{use}"), exact=True).click()
        self.waits()
        self.page.get_by_text(self.says(f"report_form_{form}"), exact=True).click()
        self.waits()
        self.presses(self.says("report_make"))
        with self.page.expect_download(timeout=90_000) as taken:
            self.download().click(timeout=60_000)
        return bytes(taken.value.path().read_bytes())

    def download(self) -> Any:
        """The button that hands over the report that was made."""
        return self.page.get_by_test_id("stDownloadButton").get_by_role("button")
