"""Scenarios: named positions of the levers, kept as what differs from the base, compared live.

A scenario holds no figure of its own, so it always speaks of the data and the plan in view. Files
of scenarios come from strangers: their size is limited, unknown fields are mistakes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, ValidationError, field_validator, model_validator

from kpi_core import catalogue, words
from kpi_core.chain import Chain
from kpi_core.drivers import BUDGET, Lever, parse_lever, place, project
from kpi_core.errors import KpiError, UsageError
from kpi_core.formula import Exact
from kpi_core.limits import LIMITS
from kpi_core.model import Unit
from kpi_core.pay import outcome
from kpi_core.rules import Number, Part
from kpi_core.text import say

MAX_BYTES = 1000 * LIMITS.scenarios_kilobytes
MOST = 20  # scenarios of a file
FEWEST_COMPARED, MOST_COMPARED = 2, 5
Name: TypeAlias = Annotated[str, Field(min_length=1, max_length=60)]
Id: TypeAlias = Annotated[str, Field(pattern=r"^[a-z_]{1,40}(@[^=@]{1,80})?$")]
Change: TypeAlias = Annotated[str, Field(max_length=30)]


class Scenario(Part):
    """Levers that stand elsewhere than in the period.

    Attributes:
        levers: lever to its change as people write it: ``+10%`` or ``4500``; none is the base.
        elasticity: clicks grow with spend to this power.
        note: what it is about.
    """

    name: Name
    levers: Annotated[dict[Id, Change], Field(max_length=30)] = Field(default_factory=dict)
    elasticity: Annotated[Number, Field(gt=0, le=1)] = Field(default=1, validate_default=True)
    note: Annotated[str, Field(max_length=500)] = ""

    @field_validator("name")
    @classmethod
    def _has_letters(cls, name: str) -> str:
        if not name.strip() or not name.isprintable():
            raise UsageError("scenario_without_name")
        return name.strip()

    @model_validator(mode="after")
    def _readable(self) -> "Scenario":
        self.moved()
        return self

    def moved(self) -> dict[str, Lever]:
        """The levers as the model takes them."""
        return dict(parse_lever(f"{id}={change}") for id, change in self.levers.items())


class Scenarios(Part):
    """A file of scenarios, in their order; no two of a name."""

    format: Literal[1] = 1
    scenarios: Annotated[tuple[Scenario, ...], Field(max_length=MOST)] = ()

    @model_validator(mode="after")
    def _told_apart(self) -> "Scenarios":
        names = [own.name.casefold() for own in self.scenarios]
        twice = next(
            (own.name for own in self.scenarios if names.count(own.name.casefold()) > 1), ""
        )
        if twice:
            raise UsageError("scenario_twice", where=twice)
        return self

    def named(self, name: str) -> Scenario:
        """The scenario of a name.

        Raises:
            UsageError: there is none.
        """
        for own in self.scenarios:
            if own.name == name:
                return own
        known = ", ".join(own.name for own in self.scenarios) or "—"
        raise UsageError("unknown_scenario", where=name, known=known)


def read_scenarios(data: bytes | str, where: str = "") -> Scenarios:
    """A file of scenarios, checked.

    Raises:
        UsageError: it is too large, no file of scenarios of this version, or a field is wrong.
    """
    if len(data) > MAX_BYTES:
        raise UsageError("scenarios_too_large", where=where, limit=MAX_BYTES // 1000)
    try:
        return Scenarios.model_validate_json(data)
    except ValidationError as wrong:
        raise _refused(wrong, where) from None


def _refused(wrong: ValidationError, where: str = "") -> UsageError:
    """The first mistake: ours in its own words, any other by the field it is in."""
    first = wrong.errors(include_url=False, include_input=False)[0]
    ours = first.get("ctx", {}).get("error")
    if isinstance(ours, UsageError):
        return ours
    place = ".".join(str(part) for part in first["loc"]) or "scenarios"
    return UsageError("scenarios_wrong", where=where, field=place)


def _made(scenarios: Sequence[Scenario]) -> Scenarios:
    try:
        return Scenarios(scenarios=tuple(scenarios))
    except ValidationError as wrong:
        raise _refused(wrong) from None


def scenario(name: str, levers: Mapping[str, str], **more: Any) -> Scenario:
    """A checked scenario; `more` may hold its elasticity and note.

    Raises:
        UsageError: the name is empty, a lever cannot be read, the elasticity is none.
    """
    try:
        return Scenario.model_validate({"name": name, "levers": levers, **more})
    except ValidationError as wrong:
        raise _refused(wrong, name) from None


# --- changing a file, without changing the one given


def add(file: Scenarios, new: Scenario) -> Scenarios:
    """With one more at the end.

    Raises:
        UsageError: there is one of that name, or there are as many as there may be.
    """
    return _made((*file.scenarios, new))


def put(file: Scenarios, new: Scenario) -> Scenarios:
    """With the scenario of the same name replaced."""
    file.named(new.name)
    return _made([new if own.name == new.name else own for own in file.scenarios])


def duplicate(file: Scenarios, name: str) -> Scenarios:
    """With a copy after the one it is of, called by the first free ``name (2)``, ``name (3)``."""
    own = file.named(name)
    taken = {other.name.casefold() for other in file.scenarios}
    free = (f"{name[:54]} ({number})" for number in range(2, MOST + 3))
    copy = own.model_copy(update={"name": next(new for new in free if new.casefold() not in taken)})
    at = file.scenarios.index(own) + 1
    return _made((*file.scenarios[:at], copy, *file.scenarios[at:]))


def rename(file: Scenarios, name: str, new: str) -> Scenarios:
    """With another name for one of them.

    Raises:
        UsageError: there is no such scenario, the new name is empty, too long or taken.
    """
    old = file.named(name)
    called = scenario(new, old.levers, elasticity=old.elasticity, note=old.note)
    return _made([called if own is old else own for own in file.scenarios])


def reorder(file: Scenarios, name: str, place: int) -> Scenarios:
    """With one of them moved to a place, 0 the first; beyond the ends it stays at the end."""
    own = file.named(name)
    others = [other for other in file.scenarios if other is not own]
    others.insert(max(0, place), own)
    return _made(others)


def drop(file: Scenarios, name: str) -> Scenarios:
    """Without one of them."""
    own = file.named(name)
    return _made([other for other in file.scenarios if other is not own])


# --- side by side


@dataclass(frozen=True)
class Cell:
    """A figure of a scenario beside the base.

    Attributes:
        value: in the scenario; ``None`` where there is none.
        variance: the value less that of the base.
        share: the variance as a share of the base.
    """

    value: Exact
    variance: Exact
    share: Exact


@dataclass(frozen=True)
class Row:
    """A figure over all scenarios.

    Attributes:
        kind: ``driver``, ``measure``, ``kpi`` or ``result``.
        id: of a driver or lever, a measure, a KPI; or ``score``, ``bonus``, ``pay``,
            ``profit_after_ads``, ``profit_after_pay``.
    """

    kind: str
    id: str
    unit: Unit
    base: Exact
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Comparison:
    """Scenarios side by side.

    Attributes:
        rows: drivers, measures, KPIs, results.
        untold: name of a scenario to why its levers cannot stand so; its cells are empty.
        blocked: name of a scenario to why nothing is paid in it.
    """

    currency: str
    scenarios: tuple[Scenario, ...]
    rows: tuple[Row, ...]
    untold: Mapping[str, KpiError] = field(default_factory=dict, hash=False)
    blocked: Mapping[str, KpiError] = field(default_factory=dict, hash=False)

    def row(self, id: str) -> Row:
        """The row of a result by its id."""
        return next(row for row in self.rows if row.kind == "result" and row.id == id)


RESULTS = {
    "score": Unit.SHARE,
    "bonus": Unit.MONEY,
    "pay": Unit.MONEY,
    "profit_after_ads": Unit.MONEY,
    "profit_after_pay": Unit.MONEY,
}
Figures: TypeAlias = dict[tuple[str, str], Exact]


def compare(chain: Chain, scenarios: Sequence[Scenario]) -> Comparison:
    """Two to five scenarios beside the base, by the exact road.

    Raises:
        UsageError: there are fewer or more, or two of a name.
    """
    if not FEWEST_COMPARED <= len(scenarios) <= MOST_COMPARED:
        raise UsageError("scenarios_number", fewest=FEWEST_COMPARED, most=MOST_COMPARED)
    _made(scenarios)
    base, _ = figures(chain, {})
    stands = _stands(chain, scenarios)
    base |= stands
    found: list[Figures] = []
    untold: dict[str, KpiError] = {}
    blocked: dict[str, KpiError] = {}
    for own in scenarios:
        elastic = replace(chain.model, elasticity=Fraction(own.elasticity))
        try:
            elastic.check(own.moved())
            there, unpaid = figures(replace(chain, model=elastic), own.moved())
            there = {**stands, **there}
        except KpiError as impossible:
            there, unpaid, untold[own.name] = {}, None, impossible
        if unpaid:
            blocked[own.name] = unpaid
        found.append(there)
    ids = dict.fromkeys((*base, *(id for there in found for id in there)))
    kinds = ("driver", "measure", "kpi", "result")
    rows = [
        Row(
            kind,
            id,
            unit_of(chain, kind, id),
            base.get((kind, id)),
            tuple(_cell(there.get((kind, id)), base.get((kind, id))) for there in found),
        )
        for wanted in kinds
        for kind, id in ids
        if kind == wanted
    ]
    return Comparison(chain.plan.currency, tuple(scenarios), tuple(rows), untold, blocked)


def _stands(chain: Chain, scenarios: Sequence[Scenario]) -> Figures:
    """Where the levers of channels stand that any scenario moves; none that the data know not."""
    found: Figures = {}
    for id in dict.fromkeys(id for own in scenarios for id in own.levers if "@" in id):
        try:
            found["driver", id] = chain.model.base(id)
        except UsageError:  # told of its scenario
            continue
    return found


def figures(chain: Chain, levers: Mapping[str, Lever]) -> tuple[Figures, KpiError | None]:
    """(kind, id) to every figure where the levers stand so, and why nothing is paid there."""
    model = chain.model
    drivers, measures = model.moved_drivers(levers), model.rebuilt(levers)
    values = project(model, levers, chain.values)
    made = outcome(chain.plan, values)
    brought, spend = measures.get(chain.money or ""), measures.get("spend")
    earned = None if brought is None or spend is None else brought - spend
    bonus, pay = (Fraction(made.paid.bonus), Fraction(made.paid.pay)) if made.paid else (None, None)
    results: dict[str, Exact] = {
        "score": made.total,
        "bonus": bonus,
        "pay": pay,
        "profit_after_ads": earned,
        "profit_after_pay": None if earned is None or pay is None else earned - pay,
    }
    rows: Figures = {("driver", id): value for id, value in drivers.items() if value is not None}
    rows |= {("measure", id): value for id, value in measures.items() if value is not None}
    rows |= {("kpi", row.kpi): row.value for row in values.totals().values()}
    return rows | {("result", id): value for id, value in results.items()}, made.blocked


def unit_of(chain: Chain, kind: str, id: str) -> Unit:
    """What a row is counted in."""
    if kind == "result":
        return RESULTS[id]
    if kind == "kpi":
        return chain.totals[id].definition.unit
    if kind == "measure":
        return catalogue.measure(id).unit
    driver = place(id).driver
    return Unit.MONEY if driver == BUDGET else chain.model.by_id[driver].unit


def lever_name(chain: Chain, id: str, lang: str) -> str:
    """What a lever is called: its driver, its channel, or between which channels money moves."""
    at = place(id)
    channel, to = (words.slice_name("channel", own or "", lang) for own in (at.channel, at.to))
    if at.driver == BUDGET:
        return say(lang, "scenario.budget", giver=channel, taker=to)
    name = chain.model.by_id[at.driver].name[lang]
    if at.channel is None:
        return name
    return say(lang, "scenario.lever_of_channel", driver=name, channel=channel)


def _cell(value: Exact, base: Exact) -> Cell:
    variance = None if value is None or base is None else value - base
    return Cell(value, variance, None if variance is None or not base else variance / abs(base))
