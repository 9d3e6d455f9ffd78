"""A slider moved by key in a real browser: from the key to the last change of the page."""

import statistics
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.common import ROOT, Line, ratio
from kpi_core import catalogue
from kpi_core.link import View, encode
from kpi_core.plan import Plan, default_plan
from tests.browser import chromium, find_browser, serve, settled, warm

TITLE = "A slider in the browser"
BLOCKS, MOVES, WARM = 6, 5, 3  # 30 moves each, turn and turn about
QUIET = 350  # milliseconds without a change: the page has settled
PROBE = Path(__file__).with_suffix(".js")
BARE = """\
import streamlit as st

st.write("Value:", st.slider("Slider", 0, 100, 10))
"""
LINES = 10  # weight sliders
DRAG = """slider => [...Array(60).keys()].map((at) => {
  const before = performance.now();
  slider.value = 5 + at;
  slider.dispatchEvent(new Event("input", { bubbles: true }));
  document.documentElement.getBoundingClientRect();
  slider.getBoundingClientRect(); // what changed is laid out before this answers
  return performance.now() - before;
})"""
FRAME = 16  # milliseconds that a screen gives a picture


@dataclass(frozen=True)
class Move:
    """One key press: milliseconds until the page had settled, what came over the socket."""

    settled: float
    kilobytes: float
    messages: int


def plan() -> Plan:
    """The example's plan for a shop, with the first KPIs of the catalogue that it lacks."""
    made = default_plan("shop")
    lacking = [kpi for kpi in catalogue.kpis() if kpi not in made.shares()]
    for kpi in lacking[: LINES - len(made.lines)]:
        made = made.with_new_line(kpi, None)
    return made


def pages() -> dict[str, str]:
    """What is measured: the path and query of each page."""
    view = encode(View(plan=plan()))
    return {
        "scorecard, 10 weight sliders, matrix, 2 charts": f"/?lang=en&v={view}",
        "what-if, levers": "/whatif?lang=en",
    }


def press(page: Any) -> Move:
    """One key press on the slider in focus."""
    page.evaluate("__clear()")
    page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "quiet => { const s = __seen, last = Math.max(s.changed, s.drawn, s.received);"
        " return s.received > s.pressed && performance.now() - last > quiet }",
        arg=QUIET,
        polling=50,
    )
    seen = page.evaluate("__seen")
    last = max(seen["changed"], seen["drawn"])
    return Move(last - seen["pressed"], seen["bytes"] / 1024, seen["messages"])


def focus(page: Any) -> None:
    """The first slider of the page, ready for keys."""
    slider = page.get_by_role("slider").first
    slider.scroll_into_view_if_needed()
    slider.focus()


@contextmanager
def opened(browser: Any, address: str) -> Iterator[Any]:
    """A page that is measured."""
    page = browser.new_page(viewport={"width": 1400, "height": 1900}, locale="en-US")
    page.add_init_script(path=str(PROBE))
    page.goto(address)
    settled(page)
    page.get_by_role("slider").first.wait_for()
    page.wait_for_timeout(2500)
    yield page
    page.close()


def measure(places: dict[str, str]) -> dict[str, list[Move]]:
    """30 moves on each of several pages, five on one and then five on the next."""
    path = find_browser()
    if path is None:
        raise SystemExit("slider: no Chromium found")
    moves: dict[str, list[Move]] = {name: [] for name in places}
    with chromium(path) as browser, ExitStack() as stack:
        shown = {
            name: stack.enter_context(opened(browser, address)) for name, address in places.items()
        }
        for page in shown.values():
            page.bring_to_front()
            focus(page)
            for _ in range(WARM):
                press(page)
        for _ in range(BLOCKS):
            for name, page in shown.items():
                page.bring_to_front()
                focus(page)
                moves[name] += [press(page) for _ in range(MOVES)]
    return moves


def ninetieth(values: list[float]) -> float:
    """The value that nine of ten do not exceed."""
    return sorted(values)[int(0.9 * (len(values) - 1))]


def run(folder: Path) -> list[Line]:
    """Our pages beside an app of one slider and one line, in one browser."""
    (folder / "bare.py").write_text(BARE, encoding="utf-8")
    with serve(script="bare.py", folder=folder) as bare, serve(folder=ROOT) as ours:
        warm(ours)
        moves = measure({"bare": bare} | {name: ours + at for name, at in pages().items()})
        followed = dragged(ours + next(iter(pages().values())))
    times = {name: [move.settled for move in own] for name, own in moves.items()}
    middle = {name: statistics.median(own) for name, own in times.items()}
    high = {name: ninetieth(own) for name, own in times.items()}
    lines = []
    for name in pages():
        size = statistics.median(move.kilobytes for move in moves[name])
        messages = statistics.median(move.messages for move in moves[name])
        lines += [
            line(f"{name}: key to settled page, median", middle[name], middle["bare"], "≤ 1.3"),
            line("the same, 90th percentile", high[name], high["bare"], "≤ 2"),
            Line(
                "the same: sent to the page for each move",
                f"{size:.1f} kB in {messages:.0f} messages",
                f"{statistics.median(move.kilobytes for move in moves['bare']):.1f} kB",
                "–",
                "–",
            ),
        ]
    took = f"{statistics.median(followed):.1f} ms, {max(followed):.1f} ms at most"
    lines.append(
        Line(
            "a weight in the hand: from an input event to total and bars in place",
            took,
            f"{FRAME} ms (a frame)",
            ratio(statistics.median(followed), FRAME),
            "≤ 1",
        )
    )
    return lines


def dragged(address: str) -> list[float]:
    """Milliseconds of each of 60 input events of one drag."""
    path = find_browser()
    if path is None:
        raise SystemExit("slider: no Chromium found")
    with chromium(path) as browser, opened(browser, address) as page:
        followed: list[float] = page.get_by_role("slider").first.evaluate(DRAG)
    return followed


def line(what: str, ours: float, bare: float, target: str) -> Line:
    """A line of the report in milliseconds."""
    return Line(what, f"{ours:.0f} ms", f"{bare:.0f} ms (bare app)", ratio(ours, bare), target)
