"""Widgets speak the reader's language, though Streamlit knows only English."""

import re
from pathlib import Path

import pytest
import streamlit

from kpi_core.text import phrases
from tests.browser import settled

SCRIPTS = Path(streamlit.__file__).parent / "static" / "static" / "js"
COMPOSED = {  # in the browser, of what stands there
    "enter": ["Press Enter to "],
    "ctrl_enter": ["`Ctrl`}+Enter to "],
    "command_enter": ["`⌘`", "+Enter to "],
    "file_limit": [" per file"],
}
WORDS = {key: both for key, both in phrases().items() if key.startswith("widgets.")}


@pytest.fixture(scope="module")
def scripts() -> str:
    """All that Streamlit runs in the browser."""
    return "\n".join(path.read_text("utf-8") for path in sorted(SCRIPTS.glob("*.js")))


@pytest.mark.parametrize("key", WORDS)
def test_what_is_looked_for_is_what_streamlit_writes(key, scripts):
    """A word of another release would never be found, and nobody would notice."""
    parts = COMPOSED.get(key.partition(".")[2], re.split(r"\{\w+\}", WORDS[key]["en"]))
    assert all(part in scripts for part in parts)


def dropzone(page) -> str:
    return page.get_by_test_id("stFileUploaderDropzone").first.inner_text().replace("\xa0", " ")


def test_widgets_turn_with_the_language_and_back(browser, app_url):
    with browser.new_context(locale="ru-RU") as context:
        page = context.new_page()
        page.goto(f"{app_url}/data?lang=ru")
        page.get_by_text("Выбрать файл").first.wait_for()
        settled(page)
        assert "до 200 МБ на файл" in dropzone(page)
        assert page.get_by_role("navigation", name="Страницы").count() == 1

        page.get_by_role("radio", name="en", exact=True).click()
        page.get_by_text("200MB per file").first.wait_for()
        settled(page)
        assert "Upload" in dropzone(page)
        assert page.get_by_role("navigation", name="App pages").count() == 1


def test_what_a_reader_named_is_never_translated(browser, app_url):
    """A plan may be called as a button of Streamlit is."""
    with browser.new_context(locale="ru-RU") as context:
        page = context.new_page()
        page.goto(f"{app_url}/?lang=ru")
        page.get_by_role("navigation", name="Страницы").wait_for()
        settled(page)
        page.evaluate("""() => {
          const own = document.createElement("p");
          own.textContent = "Search";
          document.querySelector('[data-testid="stMainBlockContainer"]').append(own);
        }""")
        page.wait_for_timeout(200)

        assert page.locator("p", has_text="Search").last.inner_text() == "Search"
