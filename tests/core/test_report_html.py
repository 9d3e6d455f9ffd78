"""The page says what the report says, needs nobody, and runs nothing of what it is told."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from kpi_core.facts import combine
from kpi_core.plan import default_plan
from kpi_core.report import Brand, Part, Report, gather
from kpi_core.report.html import html
from kpi_core.report.printed import sections
from tests.core.reported import BUSINESSES, HOSTILE, figures, hostile, reported, squeezed
from tests.core.test_report_pdf import LANGS, PNG
from tests.test_house import contrast

TEXT_CONTRAST = 4.5
NARROW = 380


class Page(HTMLParser):
    """What a page says, and of what it is made."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.said: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._inside = ""
        self.feed(content.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = "" if tag == self._inside else self._inside

    def handle_data(self, data: str) -> None:
        if self._inside not in {"script", "style"}:
            self.said.append(data)

    @property
    def text(self) -> str:
        return squeezed("".join(self.said))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


# --- the same figures


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("business", BUSINESSES)
def test_a_reader_finds_every_figure_of_the_report(business: str, lang: str) -> None:
    report = reported(business, lang)
    page = Page(html(report))
    assert [own for own in figures(report) if squeezed(own) not in page.text] == []
    assert page.all("html")[0]["lang"] == lang


def test_the_contents_lead_to_every_part() -> None:
    report = reported("shop", "en")
    page = Page(html(report))
    links = [own["href"] for own in page.all("a")]
    assert links == [f"#{own.id}" for own in sections(report)]
    assert {f"#{own['id']}" for own in page.all("h2")} == set(links)


@pytest.mark.parametrize("part", [*Part, None])
def test_any_part_alone_can_be_told(part: Part | None) -> None:
    parts = () if part is None else (part,)
    assert Page(html(reported("shop", "ru", parts=parts))).text


def test_a_plan_without_files_and_figures_says_why_nothing_is_paid() -> None:
    report = gather(combine([]), (), default_plan("shop"), None, "en")
    assert report.blocked
    assert squeezed(report.blocked.text("en")) in Page(html(report)).text


def test_the_logo_lies_in_the_page_itself() -> None:
    page = Page(html(reported("shop", "en", brand=Brand("Moss Ltd", PNG))))
    (image,) = page.all("img")
    assert (image["src"] or "").startswith("data:image/png;base64,")
    assert image["alt"] == "Moss Ltd"


# --- hostile names


def test_names_stay_text() -> None:
    content = html(hostile())
    page = Page(content)
    assert squeezed(HOSTILE) in page.text
    assert len(page.all("script")) == 2
    assert page.all("img") == []
    data = re.search(rb'id="charts">(.*?)</script>', content, re.DOTALL)
    assert data
    assert HOSTILE in json.dumps(json.loads(data[1])).replace('\\"', '"').replace("\\\\", "\\")


# --- in a browser without a network


@contextmanager
def shown(
    browser: Any, report: Report, folder: Path, **options: Any
) -> Iterator[tuple[Any, list[str]]]:
    """The page once its charts are drawn, and whatever it should not have done."""
    path = folder / "report.html"
    path.write_bytes(html(report))
    odd: list[str] = []
    with browser.new_context(offline=True, **options) as context:
        page = context.new_page()
        page.on("console", lambda said: odd.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: odd.append(str(error)))
        page.on("dialog", lambda dialog: (odd.append(dialog.message), dialog.dismiss()))
        page.on(
            "request", lambda asked: None if asked.url == path.as_uri() else odd.append(asked.url)
        )
        page.goto(path.as_uri())
        places = page.locator("[data-chart]").count()
        page.wait_for_function(
            "wanted => document.querySelectorAll('[data-chart] svg').length === wanted", arg=places
        )
        yield page, odd


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("business", BUSINESSES)
def test_the_charts_are_drawn_and_nobody_is_asked(
    browser: Any, tmp_path: Path, business: str, lang: str
) -> None:
    with shown(browser, reported(business, lang), tmp_path) as (page, odd):
        assert page.locator("[data-chart] svg").count() >= 5
        assert odd == []


def test_a_chart_answers_to_the_mouse(browser: Any, tmp_path: Path) -> None:
    with shown(browser, reported("shop", "en"), tmp_path) as (page, odd):
        page.locator("[data-chart='0'] .layer_1_marks path").first.hover()
        tip = page.locator("#vg-tooltip-element")
        tip.wait_for(state="visible")
        assert "Conversion rate (CR)" in tip.inner_text()
        assert odd == []


def test_hostile_names_run_nothing(browser: Any, tmp_path: Path) -> None:
    with shown(browser, hostile(), tmp_path) as (page, odd):
        assert page.title().startswith(HOSTILE)
        assert page.locator("img").count() == 0
        assert odd == []


@pytest.mark.parametrize("width", [NARROW, 1280])
def test_nothing_sticks_out_of_a_screen(browser: Any, tmp_path: Path, width: int) -> None:
    view = {"width": width, "height": 800}
    with shown(browser, reported("portal", "ru"), tmp_path, viewport=view) as (page, _):
        assert page.evaluate("document.documentElement.scrollWidth") == width


SHADES = """() => [...document.querySelectorAll('body *')]
  .filter(own => [...own.childNodes].some(n => n.nodeType === 3 && n.data.trim()))
  .filter(own => !own.closest('script, noscript, caption'))
  .map(own => {
    const style = getComputedStyle(own);
    let ground = own;
    const clear = node => getComputedStyle(node).backgroundColor === 'rgba(0, 0, 0, 0)';
    while (ground && clear(ground)) ground = ground.parentElement;
    const colour = own.closest('svg') ? style.fill : style.color;
    return [colour, getComputedStyle(ground).backgroundColor];
  })"""


def hexed(colour: str) -> str:
    return "#" + "".join(f"{int(part):02x}" for part in re.findall(r"\d+", colour)[:3])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_word_can_be_read_by_day_and_by_night(
    browser: Any, tmp_path: Path, scheme: str
) -> None:
    report = reported("shop", "en", brand=Brand(accent="#ffe08a"))
    with shown(browser, report, tmp_path, color_scheme=scheme) as (page, _):
        pairs = {(hexed(colour), hexed(ground)) for colour, ground in page.evaluate(SHADES)}
    assert len({ground for _, ground in pairs}) == 2  # the page, and the tiles on it
    assert {pair for pair in pairs if contrast(*pair) < TEXT_CONTRAST} == set()
