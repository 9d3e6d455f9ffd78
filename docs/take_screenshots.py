"""Opens the app in Chromium and keeps a picture of every page in ``docs/screenshots/``.

Every page in Russian and English, light and dark, at desktop and phone width. Run it by
``python tasks.py screenshots``; pages and languages are read from the app, not listed here.
"""

import ast
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "screenshots"
SIZES = {"desktop": (1440, 900), "phone": (390, 844)}
READY = (
    '[data-testid="stApp"][data-test-script-state="notRunning"]'
    '[data-test-connection-state="CONNECTED"]'
)
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip


def pages() -> list[str]:
    """The URL paths of the pages, as ``app.py`` names them."""
    tree = ast.parse((ROOT / "app.py").read_text("utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "PAGES":
            return list(ast.literal_eval(node.value))
    raise LookupError("app.py has no PAGES")


@contextmanager
def app() -> Iterator[str]:
    """The app on a free port of this machine, for as long as the block lasts."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--server.headless", "true", "--server.address", "127.0.0.1"]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", *options]
    process = subprocess.Popen(  # noqa: S603
        [*command, "--server.port", str(port), "--server.fileWatcherType", "none"],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            try:
                with urllib.request.urlopen(f"{url}/_stcore/health", timeout=1):  # noqa: S310
                    break
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(10)


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
    page.wait_for_selector(READY, timeout=60_000)
    page.wait_for_selector("h1", timeout=60_000)
    page.wait_for_timeout(900)
    page.wait_for_selector(READY, timeout=60_000)


def main() -> None:
    """Every page in every language, theme and size; or only those named as arguments."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    found = os.environ.get("KPI_BROWSER") or shutil.which("chromium") or shutil.which("chrome")
    wanted = sys.argv[1:]
    with app() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        for lang in ("ru", "en"):
            for theme in ("light", "dark"):
                for size in SIZES:
                    if not wanted or set(wanted) <= {lang, theme, size}:
                        take(browser, url, lang, theme, size)
        browser.close()


if __name__ == "__main__":
    main()
