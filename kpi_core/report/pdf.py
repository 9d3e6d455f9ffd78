"""The report as PDF: a page for the owner, everything, annexes to sign, or slides.

Typst sets the pages by the templates beside this module. What is said goes in as JSON and stays
data: no name or comment is ever read as markup. Charts are vector, their words can be searched.
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, Literal

import typst
import vl_convert

from kpi_core.charts import INK
from kpi_core.report.brand import accent, logo
from kpi_core.report.content import Report
from kpi_core.report.printed import (
    Annex,
    Block,
    Chart,
    Section,
    annexes,
    sections,
    slides,
    summary,
)
from kpi_core.text import say

TEMPLATES = Path(__file__).parent / "templates"
FONTS = TEMPLATES / "fonts"
FONT = "Roboto"  # lies beside the templates; the fonts of Typst have no sign of the rouble
WIDE = 520  # pixels of a chart as wide as the page
HALF = (330, 180)  # of one beside another, with its height
SCREEN = 2.1  # width over height on a slide
SCREEN_PPI = 110.0  # of pages that are shown on a screen

WORDS = (
    "contents", "annex",
    "signed_made", "signed_approved", "signed_read", "signature", "full_name", "date",
    "status_reached", "status_partly", "status_missed", "status_no_data",
)  # fmt: skip  # what the templates say of themselves
Standard = Literal["1.7", "ua-1"]


class Kind(StrEnum):
    """What of a report a PDF holds."""

    SUMMARY = "summary"  # one page
    FULL = "full"
    STATEMENT = "statement"  # a page for each person, to be signed
    SLIDES = "slides"


def pdf(report: Report, kind: str = Kind.FULL, standard: Standard = "1.7") -> bytes:
    """The report as a PDF that is tagged for readers aloud, with bookmarks and its language.

    Args:
        report: what it says.
        kind: how much of it, one of `Kind`.
        standard: ``ua-1`` holds it to PDF/UA-1, too, which refuses letters that no font of this
            machine has; without, such a letter is a box.

    Raises:
        UsageError: the logo cannot be opened.
    """
    return bytes(typst.compile(**_set(report, kind), pdf_standards=standard))


def pages(report: Report, kind: str = Kind.FULL) -> tuple[bytes, ...]:
    """The pages of the same PDF as pictures (PNG), to be looked at before it is handed over.

    Raises:
        UsageError: the logo cannot be opened.
    """
    made = typst.compile(**_set(report, kind), format="png", ppi=SCREEN_PPI)
    return (made,) if isinstance(made, bytes) else tuple(made)


def _set(report: Report, kind: str) -> dict[str, Any]:
    """The template of a kind, and what goes into it."""
    said = _around(report) | _KINDS[kind](report)
    return {
        "input": TEMPLATES / f"{kind}.typ",
        "root": TEMPLATES,
        "font_paths": _fonts(),
        "sys_inputs": {"data": json.dumps(said, ensure_ascii=False)},
    }


@cache
def _fonts() -> typst.Fonts:
    """Our own, and behind it those of the machine for letters that it does not have."""
    return typst.Fonts(font_paths=[FONTS])


def _around(report: Report) -> dict[str, Any]:
    """What every kind prints around its pages."""
    mark, brand = logo(report.brand), report.brand
    return {
        "lang": report.lang,
        "title": report.title,
        "subtitle": report.subtitle,
        "client": brand.client,
        "program": report.program,
        "accent": accent(brand.accent),
        "font": FONT,
        "logo": {"format": mark.kind, "content": list(mark.content)} if mark else None,
        "words": {word: say(report.lang, f"report_pages.{word}") for word in WORDS},
    }


def _summary(report: Report) -> dict[str, Any]:
    return {"blocks": [_block(block) for block in summary(report)]}


def _full(report: Report) -> dict[str, Any]:
    return {"sections": [_section(section) for section in sections(report)]}


def _section(section: Section) -> dict[str, Any]:
    return {
        "id": section.id,
        "title": section.title,
        "blocks": [_block(block) for block in section.blocks],
    }


def _statement(report: Report) -> dict[str, Any]:
    lacking = report.blocked.text(report.lang) if report.blocked else None
    return {
        "annexes": [_annex(annex) for annex in annexes(report)],
        "lacking": lacking or say(report.lang, "report_pages.nothing_paid"),
    }


def _annex(annex: Annex) -> dict[str, Any]:
    return {"name": annex.name, "pay": annex.pay, "derivation": _block(annex.derivation)}


def _slides(report: Report) -> dict[str, Any]:
    return {
        "slides": [
            {
                "message": slide.message,
                "blocks": [_block(block, on_slide=True) for block in slide.blocks],
            }
            for slide in slides(report)
        ]
    }


_KINDS: dict[str, Callable[[Report], dict[str, Any]]] = {
    Kind.SUMMARY: _summary,
    Kind.FULL: _full,
    Kind.STATEMENT: _statement,
    Kind.SLIDES: _slides,
}


def _block(block: Block, *, on_slide: bool = False) -> dict[str, Any]:
    """A block as the templates take it."""
    kind = type(block).__name__.lower()
    if isinstance(block, Chart):
        return {
            "kind": kind,
            "title": block.title,
            "alt": block.alt,
            "half": block.half,
            "svg": _svg(_sized(block, on_slide)),
        }
    return {"kind": kind, **asdict(block)}


def _sized(block: Chart, on_slide: bool) -> Any:
    """A chart drawn for its place: as wide as the page, half of it, or a slide."""
    chart = block.draw(INK)
    if on_slide:
        return chart.properties(width=max(WIDE, round(SCREEN * chart.height)))
    if block.half:
        return chart.properties(width=HALF[0], height=HALF[1])
    return chart.properties(width=WIDE)


def _svg(chart: Any) -> str:
    """A chart on nothing, its words in the font of the pages."""
    _know_font()
    drawn = (
        chart.properties(background="transparent").configure(font=FONT).configure_view(stroke=None)
    )
    return str(vl_convert.vegalite_to_svg(drawn.to_json(), allowed_base_urls=[]))


@cache
def _know_font() -> None:
    """Let whoever draws measure words in the font in which they will be set."""
    vl_convert.register_font_directory(str(FONTS))
