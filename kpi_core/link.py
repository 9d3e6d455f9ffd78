"""A view of the app as a link: everything but the files themselves.

The link is data from strangers: it is unpacked with a size limit, checked as strictly as a plan
file, and never executed.
"""

import base64
import binascii
import zlib
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from kpi_core.errors import KpiError, UsageError
from kpi_core.plan import Plan
from kpi_core.rules import Number, Part

MAX_UNPACKED = 64_000
REACH = Decimal("0.5")  # how far a lever moves either way, as a share

Share = Annotated[Number, Field(ge=-REACH, le=REACH, multiple_of=Decimal("0.01"))]


class View(Part):
    """What a link reproduces.

    Attributes:
        plan: the plan as edited.
        period: ``2026-10``, a range, or ``all`` for all days; that of the plan if not given.
        levers: driver to its change as a share (0.1 is +10 %), in whole percent.
        sample: whether the sample business is shown; files never travel by link.
    """

    format: Literal[1] = 1
    plan: Plan
    period: str | None = None
    levers: dict[str, Share] = Field(default_factory=dict)
    sample: bool = True


def encode(view: View) -> str:
    """The view as a word for a URL."""
    packed = zlib.compress(view.model_dump_json(exclude_none=True).encode(), 9)
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def decode(word: str) -> View:
    """The view of a link.

    Raises:
        UsageError: the word is cut, altered, too large, or of another version.
    """
    try:
        packed = base64.b64decode(word + "=" * (-len(word) % 4), altchars=b"-_", validate=True)
        unpacker = zlib.decompressobj()
        unpacked = unpacker.decompress(packed, MAX_UNPACKED)
        if unpacker.unconsumed_tail or not unpacker.eof:
            raise UsageError("broken_link")
        return View.model_validate_json(unpacked)
    except (binascii.Error, zlib.error, ValidationError, ValueError) as broken:
        if isinstance(broken, KpiError):
            raise
        raise UsageError("broken_link") from None
