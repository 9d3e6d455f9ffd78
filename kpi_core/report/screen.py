"""Slides for a screen: the same as those of the PDF, as pieces of HTML that need nothing else."""

import base64
from html import escape

import vl_convert

from kpi_core.report.html import FAINT, FONT, as_html
from kpi_core.report.printed import Chart, Slide

SCREEN = (520, 2.1)  # the least width of a chart on a slide, and its width over its height
PHONE = 230  # pixels of a chart beside its names, on a phone
ROOM = 22  # pixels at either side, for fonts of a reader that are wider than ours


def body(slide: Slide, lang: str, ink: str) -> str:
    """What stands below the message of a slide.

    A chart is there twice, as pictures of the classes ``wide`` and ``narrow``, of which the page
    shows one.

    Args:
        slide: one of ``printed.slides``.
        lang: of the slide.
        ink: the colour of words in a chart, ``#rrggbb``.
    """
    return "\n".join(
        as_html(block, lang, lambda chart: _pictures(chart, ink)) for block in slide.blocks
    )


def _pictures(chart: Chart, ink: str) -> str:
    least, shape = SCREEN
    height = chart.draw(ink).height
    sizes = {"wide": max(least, round(shape * height)), "narrow": PHONE}
    images = "".join(_picture(chart, ink, width, name) for name, width in sizes.items())
    return f"<figure>{images}</figure>"


def _picture(chart: Chart, ink: str, width: int, name: str) -> str:
    drawn = chart.draw(ink).properties(width=width, background="transparent")
    drawn = drawn.properties(padding={"left": ROOM, "right": ROOM, "top": 4, "bottom": 4})
    drawn = drawn.configure(font=FONT).configure_view(stroke=None)
    drawn = drawn.configure_axis(gridColor=ink, gridOpacity=FAINT)
    svg = str(vl_convert.vegalite_to_svg(drawn.to_json(), allowed_base_urls=[]))
    data = base64.b64encode(svg.encode()).decode()
    return f'<img class="{name}" src="data:image/svg+xml;base64,{data}" alt="{escape(chart.alt)}">'
