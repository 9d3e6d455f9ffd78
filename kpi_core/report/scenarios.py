"""Scenarios beside the base, as a report tells them: what each assumes, and what comes of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from kpi_core import words
from kpi_core.chain import Chain
from kpi_core.drivers import BUDGET, place
from kpi_core.errors import Finding, KpiError
from kpi_core.formula import Exact
from kpi_core.model import Unit
from kpi_core.scenario import RESULTS, Scenario, compare, lever_name
from kpi_core.text import say

BEST = "profit_after_pay"  # the result by which one scenario is better than another


@dataclass(frozen=True)
class ScenarioRow:
    """A result in the base and in every scenario; one figure per name of `Scenarios`.

    Attributes:
        id: of the result (``scenario.RESULTS``).
        figures: ``None`` where it cannot be told.
    """

    id: str
    name: str
    unit: Unit
    figures: tuple[Exact, ...]


@dataclass(frozen=True)
class Scenarios:
    """Scenarios side by side, in the language of the report.

    Attributes:
        names: the base, then the scenarios in their order.
        assumed: what each scenario moves, a sentence each, without the base.
        made: the scenarios themselves.
        untold: why some cannot stand so, or why nothing is paid in them.
        doubts: of each scenario, why what it moves may not be trusted.
    """

    names: tuple[str, ...]
    rows: tuple[ScenarioRow, ...]
    assumed: tuple[str, ...]
    made: tuple[Scenario, ...]
    untold: tuple[KpiError, ...] = ()
    doubts: tuple[tuple[Finding, ...], ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The doubts of all, each once."""
        return tuple(dict.fromkeys(found for own in self.doubts for found in own))

    def row(self, id: str) -> ScenarioRow:
        """The row of a result."""
        return next(row for row in self.rows if row.id == id)

    @property
    def best(self) -> int:
        """The place among `names` of what leaves most after ads and pay; 0: nothing beats it."""
        figures = self.row(BEST).figures
        known = {at: figure for at, figure in enumerate(figures) if figure is not None}
        return max(known, key=lambda at: known[at], default=0)


def side_by_side(chain: Chain, scenarios: Sequence[Scenario], lang: str) -> Scenarios:
    """The results of scenarios beside the base, by the exact road.

    Raises:
        UsageError: there are fewer or more than can be compared, or two of a name.
    """
    found = compare(chain, scenarios)
    rows = [found.row(id) for id in RESULTS]
    return Scenarios(
        names=(say(lang, "words.base"), *(own.name for own in scenarios)),
        rows=tuple(
            ScenarioRow(
                row.id,
                say(lang, f"scenario.{row.id}"),
                row.unit,
                (row.base, *(cell.value for cell in row.cells)),
            )
            for row in rows
        ),
        assumed=tuple(_assumed(chain, own, lang) for own in scenarios),
        made=tuple(scenarios),
        untold=(*found.untold.values(), *found.blocked.values()),
        doubts=tuple(chain.model.doubtful(own.levers) for own in scenarios),
    )


def scenario_figure(row: ScenarioRow, figure: Exact, currency: str | None, lang: str) -> str:
    """A figure of a row as the app writes it: a score in points, money to the kopeck."""
    if row.id == "score":
        return words.points(figure, lang)
    return words.figure(figure, row.unit, lang, decimals=2, currency=currency)


def _assumed(chain: Chain, own: Scenario, lang: str) -> str:
    """What a scenario moves, and its note."""
    moved = [f"{_lever(chain, id, lang)} {change}" for id, change in own.levers.items()]
    if own.elasticity != 1:
        e = words.coefficient(Fraction(own.elasticity), lang)
        moved.append(say(lang, "scenario.elasticity", e=e))
    said = "; ".join(moved) or say(lang, "words.base")
    return f"{own.name}: {said}" + (f" – {own.note}" if own.note else "")


def _lever(chain: Chain, id: str, lang: str) -> str:
    """The name of a lever; of one that this business has not, its id."""
    known = place(id).driver in {*chain.model.by_id, BUDGET}
    return lever_name(chain, id, lang) if known else id
