"""Reports that a consultant leaves behind: one content, and a writer for each kind of file."""

from kpi_core.report.content import (
    ALL,
    Brand,
    Definition,
    Part,
    Report,
    ScenarioRow,
    Scenarios,
    Source,
    gather,
)

__all__ = [
    "ALL",
    "Brand",
    "Definition",
    "Part",
    "Report",
    "ScenarioRow",
    "Scenarios",
    "Source",
    "gather",
]
