"""From the address to a page that says something, in a real browser, beside an app of two lines."""

import shutil
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.common import ROOT, Line, ratio
from tests.browser import chromium, find_browser, serve

TITLE = "The first page"
TURNS = 7
BARE = """\
import streamlit as st

st.title("Title")
st.slider("Slider", 0, 100, 10)
"""
# When the page has both a title and what stands below it, looked at in every frame.
PROBE = """
window.__said = 0;
(function look() {
  if (document.querySelector("h1") && %s) window.__said = performance.now();
  else requestAnimationFrame(look);
})();
"""
ANSWER = "document.querySelector('.st-key-answer p')?.textContent"
SLIDER = """document.querySelector('[data-testid="stSlider"]')"""
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"


@dataclass(frozen=True)
class App:
    """An app and what its first page says below its title."""

    folder: Path
    script: str
    says: str


@dataclass(frozen=True)
class Visit:
    """Milliseconds from the address to the first paint, and to title and answer."""

    paint: float
    answer: float


def visit(browser: Any, url: str, app: App) -> Visit:
    """A visitor whose browser has nothing of the app yet."""
    context = browser.new_context(viewport={"width": 1400, "height": 900}, locale="en-US")
    page = context.new_page()
    page.add_init_script(PROBE % app.says)
    page.goto(url, wait_until="commit")
    page.wait_for_function("window.__said > 0", timeout=60_000)
    page.wait_for_function(f"({PAINTED}) > 0", timeout=60_000)
    painted = page.evaluate(PAINTED)  # what is in the page before is in view only then
    seen = Visit(painted, max(painted, page.evaluate("window.__said")))
    context.close()
    return seen


def turn(browser: Any, app: App) -> tuple[Visit, Visit]:
    """The first visitor of a server that has just been started, and the second."""
    with serve(script=app.script, folder=app.folder) as url:
        return visit(browser, url, app), visit(browser, url, app)


def bare(folder: Path) -> App:
    """The app of two lines, under our configuration."""
    shutil.copytree(ROOT / ".streamlit", folder / ".streamlit")
    (folder / "bare.py").write_text(BARE, encoding="utf-8")
    return App(folder, "bare.py", SLIDER)


def run(folder: Path) -> list[Line]:
    """Servers are started turn and turn about: after the health check the browser goes there."""
    path = find_browser()
    if path is None:
        raise SystemExit("start: no Chromium found")
    ours, other = App(ROOT, "app.py", ANSWER), bare(folder)
    with chromium(path) as browser:
        taken: dict[App, list[tuple[Visit, Visit]]] = {ours: [], other: []}
        for app in (ours, other) * TURNS:
            taken[app].append(turn(browser, app))
    lines = []
    for at, server in enumerate(("server just started", "server warm")):
        for name in ("paint", "answer"):
            own, beside = (
                statistics.median(getattr(visits[at], name) for visits in taken[app])
                for app in (ours, other)
            )
            what = "first contentful paint" if name == "paint" else "title and answer in view"
            lines.append(
                Line(
                    f"{server}: {what}",
                    f"{own:.0f} ms",
                    f"{beside:.0f} ms (bare app)",
                    ratio(own, beside),
                    "≤ 1.3",
                )
            )
    return lines
