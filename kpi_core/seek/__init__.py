"""Backwards: which levers, moved how far, reach a score, a bonus, a profit or a value of a KPI.

What is least is effort: Σ cost · |move in percent|. Of one lever the root is exact; of several the
search goes from piece to piece of the rules, because rules jump. Nothing is answered before the
exact road has confirmed it.
"""

from kpi_core.seek.answer import Answer, most_profit, seek
from kpi_core.seek.asked import (
    Budget,
    Means,
    Target,
    full_bonus,
    parse_means,
    parse_target,
)
from kpi_core.seek.road import Place
from kpi_core.seek.told import answer_said, target_words

__all__ = [
    "Answer",
    "Budget",
    "Means",
    "Place",
    "Target",
    "answer_said",
    "full_bonus",
    "most_profit",
    "parse_means",
    "parse_target",
    "seek",
    "target_words",
]
