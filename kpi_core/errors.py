"""Everything this program raises on purpose, and the findings it reports instead of raising.

One family. A message has three parts, in this order: where, what, what to do. It is a phrase of
``texts/`` plus values, so that it can be said in the reader's language; ``str()`` gives English.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from rapidfuzz import process

from kpi_core.text import Both, say

LONGEST = 500  # characters of a name that a message repeats


class KpiError(Exception):
    """The family: `code` names a phrase ``errors.<code>``, `where` the file, table or KPI.

    A KPI is named in both languages, a file as it is called.
    """

    def __init__(self, code: str, *, where: str | Both = "", **values: object) -> None:
        self.code = code
        self.where = where
        self.values = values
        super().__init__(code)

    def text(self, lang: str) -> str:
        """Where: what. What to do."""
        values = {
            name: value.text(lang).rstrip(".") if isinstance(value, KpiError | Finding) else value
            for name, value in self.values.items()
        }
        if "near" in values:
            values["near"] = say(lang, "errors.did_you_mean", **values) if values["near"] else ""
        said = say(lang, f"errors.{self.code}", **values)
        place = self.where if isinstance(self.where, str) else self.where[lang]
        shown = place if len(place) <= LONGEST else f"{place[:LONGEST]}…"
        return f"{shown}: {said}" if shown else said

    def __str__(self) -> str:
        return self.text("en")


class CatalogueError(KpiError, ValueError):
    """A definition file of the catalogue, or a name that is not in it, is wrong."""


class FormulaError(KpiError, ValueError):
    """A formula is not arithmetic over known measures."""


class IngestError(KpiError, ValueError):
    """A file cannot be read as a table; nothing of it was kept."""


class PlanError(KpiError, ValueError):
    """A plan cannot be read, or cannot be paid as it stands."""


class SignoffError(KpiError, ValueError):
    """A snapshot cannot be read or written, or a step of a sign-off is not allowed."""


class UsageError(KpiError, ValueError):
    """A command line or link asks for something that does not exist."""


class WorkspaceError(KpiError):
    """What is kept between sessions cannot be read or written, or somebody may not do so."""


class Severity(StrEnum):
    """How much a finding takes from the trust in a figure."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True)
class Finding:
    """Something odd in the data: `code` names a phrase ``findings.<code>``.

    Bad data yields a list of findings, never only the first.
    """

    severity: Severity
    code: str
    where: str = ""
    values: dict[str, object] = field(default_factory=dict, hash=False)

    def text(self, lang: str) -> str:
        """What is odd and what to do about it; `where` is told apart."""
        return say(lang, f"findings.{self.code}", **self.values)


def did_you_mean(word: str, known: list[str] | set[str]) -> str:
    """The known word nearest to `word`, or nothing when none is near.

    >>> did_you_mean("click", ["clicks", "spend"])
    'clicks'
    """
    best = process.extractOne(word, sorted(known), score_cutoff=60)
    return str(best[0]) if best else ""
