"""Nobody is kept out: axe-core looks at every page and view, in the light and in the dark."""

import pytest

from docs.take_screenshots import somebodys
from tests.accessibility import LOOKS, audit, table
from tests.browser import ROOT

DOCUMENT = (ROOT / "docs" / "accessibility.md").read_text("utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("theme", LOOKS)
def test_nothing_grave_is_found_and_the_document_tells_the_rest(browser, cold_app, theme, tmp_path):
    found = audit(browser, cold_app(environment={"KPI_WORKSPACE": somebodys(tmp_path)}), theme)

    assert [one for one in found if one.grave] == []
    assert table(found, theme) in DOCUMENT


@pytest.mark.parametrize("lang", ["ru", "en"])
def test_a_page_says_which_language_it_speaks(browser, app_url, lang):
    with browser.new_context(locale="de-DE") as context:
        page = context.new_page()
        page.goto(f"{app_url}/?lang={lang}")
        page.wait_for_function("lang => document.documentElement.lang === lang", arg=lang)

        other = "en" if lang == "ru" else "ru"
        page.get_by_role("radio", name=other, exact=True).click()
        page.wait_for_function("lang => document.documentElement.lang === lang", arg=other)


def test_every_chart_says_in_words_what_it_shows(browser, app_url):
    with browser.new_context(locale="en-US") as context:
        page = context.new_page()
        page.goto(f"{app_url}/trend?lang=en")
        charts = page.get_by_test_id("stVegaLiteChart").locator("svg")
        charts.first.wait_for()

        names = [chart.locator("..").get_attribute("aria-label") or "" for chart in charts.all()]
        assert names
        assert all(name.startswith("When, Line, Value: ") for name in names)
