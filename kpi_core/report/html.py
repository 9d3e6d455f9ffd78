"""The report as one page of HTML: it holds all it needs, asks nobody, and its charts answer.

Whatever a file, plan or person is called is text here: escaped where it is read, and JSON where a
chart takes it. The page forbids itself every script but its own.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from functools import cache
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Any

import vl_convert

from kpi_core.report.brand import accent, logo
from kpi_core.report.content import Report
from kpi_core.report.printed import (
    Block,
    Chart,
    Points,
    Section,
    Table,
    Terms,
    Tile,
    Tiles,
    Words,
    sections,
)
from kpi_core.text import say

TEMPLATES = Path(__file__).parent / "templates"
INK = "currentColor"  # of charts: that of the page, by day, by night and on paper
FONT = "system-ui, sans-serif"  # of charts, which must measure their words
FAINT = 0.16  # of the lines behind a chart
NIGHT = "#14181d"  # the ground in the dark, as the style has it


def html(report: Report) -> bytes:
    """The report as a page in UTF-8.

    Raises:
        UsageError: the logo cannot be opened.
    """
    said, script = sections(report), _script()
    specs: list[dict[str, Any]] = []
    body = "\n".join(_section(section, specs, report.lang) for section in said)
    title = escape(" · ".join(filter(None, (report.title, report.subtitle))))
    page = f"""<!DOCTYPE html>
<html lang="{report.lang}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_policy(script)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="{escape(report.program)}">
<title>{title}</title>
<style>{_style(report)}</style>
</head>
<body>
<div class="frame">
{_header(report)}
<div class="columns">
{_contents(said, report.lang)}
<main>
{body}
</main>
</div>
<footer>{escape(report.program)}</footer>
</div>
<script type="application/json" id="charts">{_harmless(specs)}</script>
<script type="module">{script}</script>
</body>
</html>
"""
    return page.encode()


# --- around the page


def _policy(script: str) -> str:
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    allowed = f"script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:"
    return f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"


@cache
def _script() -> str:
    """Vega and what draws our charts with it, as one script."""
    return str(vl_convert.javascript_bundle((TEMPLATES / "drawing.js").read_text("utf-8")))


def _style(report: Report) -> str:
    own = report.brand.accent
    colours = f":root {{ --accent-light: {accent(own)}; --accent-dark: {accent(own, NIGHT)}; }}\n"
    return colours + (TEMPLATES / "page.css").read_text("utf-8")


def _harmless(specs: Sequence[dict[str, Any]]) -> str:
    """JSON that cannot end the script element it stands in."""
    return json.dumps(specs, ensure_ascii=False).replace("<", "\\u003c")


def _header(report: Report) -> str:
    mark, image = logo(report.brand), ""
    if mark:
        content = base64.b64encode(mark.content).decode()
        alt = escape(report.brand.client or report.title)
        image = f'<img src="data:{mark.media};base64,{content}" alt="{alt}">'
    subtitle = f'<p class="subtitle">{escape(report.subtitle)}</p>' if report.subtitle else ""
    return f"<header><div><h1>{escape(report.title)}</h1>{subtitle}</div>{image}</header>"


def _contents(said: Sequence[Section], lang: str) -> str:
    name = escape(say(lang, "report_pages.contents"))
    links = "".join(f'<li><a href="#{own.id}">{escape(own.title)}</a></li>' for own in said)
    return f'<nav aria-label="{name}"><strong>{name}</strong><ol>{links}</ol></nav>'


# --- blocks


def _section(section: Section, specs: list[dict[str, Any]], lang: str) -> str:
    """A section; its charts are added to `specs`, where their places find them by number."""
    parts = []
    for half, blocks in groupby(section.blocks, lambda own: isinstance(own, Chart) and own.half):
        inner = "\n".join(
            as_html(block, lang, lambda chart: _chart(chart, specs, lang)) for block in blocks
        )
        parts.append(f'<div class="charts">{inner}</div>' if half else inner)
    body = "\n".join(parts)
    return f'<section><h2 id="{section.id}">{escape(section.title)}</h2>\n{body}\n</section>'


def as_html(block: Block, lang: str, drawn: Callable[[Chart], str]) -> str:
    """A block as HTML; `drawn` says what stands in the place of a chart."""
    match block:
        case Words():
            strong = ' class="strong"' if block.strong else ""
            return f"<p{strong}>{escape(block.text)}</p>"
        case Points():
            kind = "ol" if block.numbered else "ul"
            lines = "".join(f"<li>{escape(line)}</li>" for line in block.lines)
            return f'<{kind} class="points">{lines}</{kind}>'
        case Tiles():
            return f'<div class="tiles">{"".join(_tile(own, lang) for own in block.tiles)}</div>'
        case Table():
            return _table(block)
        case Chart():
            return drawn(block)
        case Terms():
            return "".join(
                f'<dl class="term"><dt><span>{escape(own.name)}</span>'
                f"<span>{escape(own.value)}</span></dt>"
                + "".join(f"<dd>{escape(line)}</dd>" for line in own.lines)
                + "</dl>"
                for own in block.terms
            )


def _tile(tile: Tile, lang: str) -> str:
    lines = [f'<dt>{escape(tile.label)}</dt><dd class="value">{escape(tile.value)}</dd>']
    if tile.status:
        said = escape(say(lang, f"report_pages.status_{tile.status}"))
        lines.append(f'<dd class="status {tile.status}">{said}</dd>')
    if tile.note:
        lines.append(f"<dd>{escape(tile.note)}</dd>")
    return f'<dl class="tile">{"".join(lines)}</dl>'


def _table(table: Table) -> str:
    """A table that a narrow screen can move sideways, also by keys."""
    title = escape(table.title)
    kinds = [_kind(table, place) for place in range(len(table.heads))]
    heads = "".join(
        f'<th scope="col"{kind}>{escape(head)}</th>'
        for head, kind in zip(table.heads, kinds, strict=True)
    )
    rows = "".join(_row(row, kinds, at in table.strong) for at, row in enumerate(table.rows))
    return (
        f'<div class="scroll" role="region" aria-label="{title}" tabindex="0"><table>'
        f"<caption>{title}</caption><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody>"
        "</table></div>"
    )


def _kind(table: Table, place: int) -> str:
    if place < table.left:
        return ' class="words"'
    return ' class="long"' if table.widths[place] and len(table.heads) == 2 else ""


def _row(row: Sequence[str], kinds: Sequence[str], strong: bool) -> str:
    first, *rest = zip(row, kinds, strict=True)
    cells = "".join(f"<td{kind}>{escape(cell)}</td>" for cell, kind in rest)
    mark = ' class="strong"' if strong else ""
    return f'<tr{mark}><th scope="row"{first[1]}>{escape(first[0])}</th>{cells}</tr>'


def _chart(chart: Chart, specs: list[dict[str, Any]], lang: str) -> str:
    drawn = chart.draw(INK).properties(width="container", background="transparent")
    drawn = drawn.configure(font=FONT).configure_view(stroke=None)
    specs.append(drawn.configure_axis(gridColor=INK, gridOpacity=FAINT).to_dict())
    off = escape(say(lang, "report_pages.scripts_off"))
    return (
        f"<figure><figcaption>{escape(chart.title)}</figcaption>"
        f'<div class="chart" role="img" aria-label="{escape(chart.alt)}"'
        f' data-chart="{len(specs) - 1}"><noscript>{off}</noscript></div></figure>'
    )
