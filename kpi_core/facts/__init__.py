"""Several files become one body of facts; which source speaks for which measure.

``streams`` puts files together, ``meeting`` says what two of them are to each other, ``valuation``
brings their money to one currency and one VAT, ``hearing`` answers what was counted in a period,
``orderlog`` what customers did in it.
"""

from kpi_core.facts.hearing import Heard, Hearing, believed, speakers, wanted_source
from kpi_core.facts.slices import TIME_SLICES
from kpi_core.facts.streams import DIMENSION_SLICES, UNKNOWN, Conversion, Facts, Stream, combine
from kpi_core.facts.valuation import Valuation, valued
from kpi_core.model import BY_HAND

__all__ = [
    "BY_HAND",
    "DIMENSION_SLICES",
    "TIME_SLICES",
    "UNKNOWN",
    "Conversion",
    "Facts",
    "Heard",
    "Hearing",
    "Stream",
    "Valuation",
    "believed",
    "combine",
    "speakers",
    "valued",
    "wanted_source",
]
