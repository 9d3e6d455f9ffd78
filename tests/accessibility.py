"""What axe-core finds on every page of the app, and the document that tells it.

`python -m tests.accessibility > docs/accessibility.md` writes the document anew.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from axe_playwright_python.sync_playwright import Axe

from docs.take_screenshots import pages, somebodys
from kpi_core.text import phrases, say
from tests.browser import chromium, find_browser, serve, settled, warm

LOOKS = {"light": "ru", "dark": "en"}  # theme to the language it is looked at in
GRAVE = frozenset({"critical", "serious"})
OPEN = "() => document.querySelectorAll('details:not([open]) > summary').forEach(s => s.click())"
WAIT = 400  # milliseconds in which a run that was asked for begins, and a chart is drawn

HEAD = """# Accessibility

What [axe-core](https://github.com/dequelabs/axe-core) finds on every page and view of the app,
all that is folded away opened, in Chromium, on sample data. Written by
`python -m tests.accessibility`; `tests/e2e/test_axe.py` holds that it is so, and that nothing is
serious or critical.

- **By keyboard:** the whole way from a file to a report; `tests/e2e/test_keyboard.py` goes it.
- **Aloud:** the page says which language it speaks, so a screen reader takes the right voice. Each
  chart says its points: of a long series the first and the last. The rest is in the data that the
  chart offers.
- **Seen:** text has a contrast of 4.5 to 1 and marks of charts 3 to 1, in the light and in the
  dark. Status is told by word and sign, never by colour alone. No page scrolls sideways at 390
  pixels.
- **In English in both languages,** because Streamlit offers no words of its own for them: the
  button and the limit of size in an upload box, the names of the small buttons above a chart or a
  table, the menu at the top right, "Press Enter to apply" below a text box.
"""
WHY = {
    "empty-table-header": "a column of a small table whose cells say what they are",
    "presentation-role-conflict": "the upload box of Streamlit, whose button is named and works",
}


@dataclass(frozen=True)
class Found:
    """A rule that elements of a page break."""

    page: str
    view: str
    rule: str
    impact: str
    elements: tuple[str, ...]

    @property
    def grave(self) -> bool:
        return self.impact in GRAVE


def audit(browser: Any, url: str, theme: str) -> list[Found]:
    """Every page with all its views, everything that is folded away opened."""
    axe, found = Axe(), []
    with _visitor(browser, theme) as page:
        for name in pages():
            page.goto(f"{url}/{'' if name == pages()[0] else name}?lang={LOOKS[theme]}")
            page.get_by_role("heading", level=1).wait_for()
            for view in _views(page, name, LOOKS[theme]):
                _drawn(page)
                page.evaluate(OPEN)
                _drawn(page)  # what is opened may be made only then
                found += [
                    Found(
                        name,
                        view,
                        broken["id"],
                        broken["impact"],
                        tuple(node["html"] for node in broken["nodes"]),
                    )
                    for broken in axe.run(page).response["violations"]
                ]
    return found


@contextmanager
def _visitor(browser: Any, theme: str) -> Iterator[Any]:
    context = browser.new_context(
        color_scheme=theme,
        locale={"ru": "ru-RU", "en": "en-US"}[LOOKS[theme]],
        viewport={"width": 1280, "height": 900},
    )
    yield context.new_page()
    context.close()


def _drawn(page: Any) -> None:
    """Wait until charts stand as well: the browser draws them after the run has ended."""
    page.wait_for_timeout(WAIT)
    settled(page)


def _views(page: Any, name: str, lang: str) -> Iterator[str]:
    """The page as it opens, then each of its other views."""
    key = f"pages.{name}_view"
    if key not in phrases():
        yield ""
        return
    group = page.get_by_role("radiogroup", name=say(lang, key))
    group.wait_for()
    for view in group.get_by_role("radio").all_inner_texts():
        group.get_by_role("radio", name=view, exact=True).click()
        page.mouse.move(0, 0)  # what the mouse stands on has another colour
        yield view


def table(found: list[Found], theme: str) -> str:
    """What was found on each page in one theme."""
    rows = [f"| page | {theme} |", "| --- | --- |"]
    for name in pages():
        own = sorted({f"{one.rule} ({one.impact})" for one in found if one.page == name})
        rows.append(f"| {name} | {', '.join(own) or 'nothing'} |")
    return "\n".join(rows) + "\n"


def markdown(browser: Any, url: str) -> str:
    """The whole document."""
    told = {theme: audit(browser, url, theme) for theme in LOOKS}
    rules = sorted({one.rule for found in told.values() for one in found})
    parts = [HEAD, *(table(found, theme) for theme, found in told.items())]
    parts.append("\n".join(f"- `{rule}`: {WHY[rule]}." for rule in rules) + "\n")
    return "\n".join(parts)


if __name__ == "__main__":
    path = find_browser()
    if path is None:
        sys.exit("no browser was found; KPI_BROWSER=/path names one")
    with (
        TemporaryDirectory() as folder,
        serve(environment={"KPI_WORKSPACE": somebodys(Path(folder))}) as address,
        chromium(path) as started,
    ):
        warm(address)
        sys.stdout.write(markdown(started, address))
