"""Whose report it is, made fit to print: an accent that can be read, a logo that is a picture."""

from dataclasses import dataclass

import typst

from kpi_core.errors import UsageError
from kpi_core.limits import LIMITS
from kpi_core.report.content import Brand

MOST_BYTES = 1000 * LIMITS.logo_kilobytes
MOST_PIXELS = 16_000_000
PNG = b"\x89PNG\r\n\x1a\n"
OPENED = b"#image(bytes(json(bytes(sys.inputs.data))), width: 1cm)"
READABLE = 4.5  # contrast of text, WCAG 2.2 AA
WHITE = "#ffffff"


@dataclass(frozen=True)
class Logo:
    """A picture that was opened. `kind` is ``png`` or ``jpg``."""

    kind: str
    content: bytes

    @property
    def media(self) -> str:
        """Its media type."""
        return {"png": "image/png", "jpg": "image/jpeg"}[self.kind]


def logo(brand: Brand) -> Logo | None:
    """The logo, judged by its bytes, whatever its file was called.

    Raises:
        UsageError: it has too many bytes or pixels, or cannot be opened.
    """
    content = brand.logo
    if content is None:
        return None
    kind = "png" if content.startswith(PNG) else "jpg"
    if len(content) > MOST_BYTES or (kind == "png" and _pixels(content) > MOST_PIXELS):
        raise UsageError("logo_too_large", most=MOST_BYTES // 1000)
    try:
        typst.compile(OPENED, sys_inputs={"data": str(list(content))}, ignore_system_fonts=True)
    except typst.TypstError:
        raise UsageError("logo_not_a_picture") from None
    return Logo(kind, content)


def _pixels(png: bytes) -> int:
    """Width times height, which a PNG says in its first chunk."""
    return int.from_bytes(png[16:20]) * int.from_bytes(png[20:24])


def accent(colour: str, ground: str = WHITE) -> str:
    """A colour that can be read on `ground`: itself, or mixed with black or white until it is."""
    towards = 0 if luminance(ground) > 0.5 else 255
    own = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    mixed = (
        "#" + "".join(f"{round(part + (towards - part) * step / 20):02x}" for part in own)
        for step in range(21)
    )
    return next(shade for shade in mixed if contrast(shade, ground) >= READABLE)


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, 1 to 21, as WCAG 2.2 defines it."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    """The relative luminance of a colour, 0 to 1, as WCAG 2.2 defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
