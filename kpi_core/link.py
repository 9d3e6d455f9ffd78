"""A view of the app as a link: everything but the files themselves.

The link is data from strangers: it is unpacked with a size limit, checked as strictly as a plan
file, and never executed.
"""

import base64
import binascii
import zlib
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from kpi_core.errors import KpiError, UsageError
from kpi_core.limits import LIMITS
from kpi_core.plan import Plan
from kpi_core.rules import AnyPart, Number, Part
from kpi_core.scenario import Change, Id, Scenario, Scenarios, scenario

MAX_UNPACKED = 1000 * LIMITS.link_kilobytes
REACH = Decimal("0.5")  # how far a lever moves either way, as a share

Share = Annotated[Number, Field(ge=-REACH, le=REACH, multiple_of=Decimal("0.01"))]


class View(Part):
    """What a link reproduces.

    Attributes:
        plan: the plan as edited.
        period: ``2026-10``, a range, or ``all`` for all days; that of the plan if not given.
        levers: lever to its change as people write it, ``+10%`` or ``4500``; or as a share (0.1 is
            +10 %), in whole percent.
        elasticity: clicks grow with spend to this power.
        scenarios: those that are kept beside the levers; none if not given.
        sample: whether the sample business is shown; files never travel by link.
    """

    format: Literal[1] = 1
    plan: Plan
    period: str | None = None
    levers: dict[Id, Annotated[Change | Share, Field(union_mode="left_to_right")]] = Field(
        default_factory=dict
    )
    elasticity: Annotated[Number, Field(gt=0, le=1)] = Field(default=1, validate_default=True)
    scenarios: Scenarios | None = None
    sample: bool = True

    @model_validator(mode="after")
    def _readable(self) -> "View":
        self.moved()
        return self

    def moved(self) -> Scenario:
        """Where the levers stand, as a scenario."""
        written = {
            id: change if isinstance(change, str) else f"{100 * change:+f}%"
            for id, change in self.levers.items()
        }
        return scenario("link", written, elasticity=self.elasticity)


def encode(view: View) -> str:
    """The view as a word for a URL."""
    return _packed(view)


def decode(word: str) -> View:
    """The view of a link.

    Raises:
        UsageError: the word is cut, altered, too large, or of another version.
    """
    return _unpacked(word, View)


def encode_scenarios(file: Scenarios) -> str:
    """Scenarios as a word for a URL."""
    return _packed(file)


def decode_scenarios(word: str) -> Scenarios:
    """The scenarios of a link.

    Raises:
        UsageError: the word is cut, altered, too large, or of another version.
    """
    return _unpacked(word, Scenarios)


def _packed(shared: Part) -> str:
    packed = zlib.compress(shared.model_dump_json(exclude_none=True).encode(), 9)
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def _unpacked(word: str, kind: type[AnyPart]) -> AnyPart:
    try:
        packed = base64.b64decode(word + "=" * (-len(word) % 4), altchars=b"-_", validate=True)
        unpacker = zlib.decompressobj()
        unpacked = unpacker.decompress(packed, MAX_UNPACKED)
        if unpacker.unconsumed_tail or not unpacker.eof:
            raise UsageError("broken_link")
        return kind.model_validate_json(unpacked)
    except (binascii.Error, zlib.error, ValidationError, ValueError) as broken:
        if isinstance(broken, KpiError):
            raise
        raise UsageError("broken_link") from None
