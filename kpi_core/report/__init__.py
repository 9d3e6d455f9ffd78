"""Reports that a consultant leaves behind: one content, and a writer for each kind of file."""

from kpi_core.report.content import (
    ALL,
    Brand,
    Definition,
    Part,
    Report,
    Source,
    gather,
)
from kpi_core.report.forms import FORMS, SUFFIXES, Form, Use, kinds
from kpi_core.report.scenarios import ScenarioRow, Scenarios

__all__ = [
    "ALL",
    "FORMS",
    "SUFFIXES",
    "Brand",
    "Definition",
    "Form",
    "Part",
    "Report",
    "ScenarioRow",
    "Scenarios",
    "Source",
    "Use",
    "gather",
    "kinds",
]
