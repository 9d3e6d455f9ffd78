"""Opens the app in Chromium and keeps a picture of every page in ``docs/screenshots/``.

Every page in Russian and English, light and dark, at desktop and phone width. Run it by
``python tasks.py screenshots``; pages and languages are read from the app, not listed here.
"""

import ast
import sys
from pathlib import Path

from playwright.sync_api import Browser, Page

from tests.browser import chromium, find_browser, serve, settled, warm

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "screenshots"
SIZES = {"desktop": (1440, 900), "phone": (390, 844)}


def pages() -> list[str]:
    """The URL paths of the pages, as ``app.py`` names them."""
    tree = ast.parse((ROOT / "app.py").read_text("utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "PAGES":
            return list(ast.literal_eval(node.value))
    raise LookupError("app.py has no PAGES")


def take(browser: Browser, url: str, lang: str, theme: str, size: str) -> None:
    """One picture a page."""
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=theme,  # type: ignore[arg-type]
        locale=f"{lang}-{'RU' if lang == 'ru' else 'US'}",
    )
    first = pages()[0]
    for name in pages():
        page = context.new_page()
        page.goto(f"{url}/{'' if name == first else name}?lang={lang}")
        settle(page)
        whole = page.locator('[data-testid="stMainBlockContainer"]').bounding_box()
        tall = int(whole["height"]) + 80 if whole else height
        page.set_viewport_size({"width": width, "height": min(max(tall, height), 6000)})
        settle(page)
        page.screenshot(path=FOLDER / f"{name}-{lang}-{theme}-{size}.png")
        page.close()
    context.close()


def settle(page: Page) -> None:
    """Wait until the script has run and the charts are drawn."""
    page.wait_for_selector("h1", timeout=60_000)
    settled(page, timeout=60_000)
    page.wait_for_timeout(800)  # charts are drawn after the script has ended
    settled(page, timeout=60_000)


def main() -> None:
    """Every page in every language, theme and size; or only those named as arguments."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = find_browser()
    if path is None:
        sys.exit("no Chromium or Chrome was found; KPI_BROWSER=/path names one")
    wanted = set(sys.argv[1:])
    with serve() as url, chromium(path) as browser:
        warm(url)
        for lang in ("ru", "en"):
            for theme in ("light", "dark"):
                for size in SIZES:
                    if wanted <= {lang, theme, size}:
                        take(browser, url, lang, theme, size)


if __name__ == "__main__":
    main()
