"""TOML in, checked definitions out: measures, KPIs, business types, channels.

What a marketer could write is data. Adding a KPI is one table in ``kpis/``, a business type one
file in ``business/``. A mistake in a file is a `CatalogueError` that names file and entry.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from kpi_core.errors import CatalogueError, UsageError, did_you_mean
from kpi_core.formula import check_names, parse
from kpi_core.model import (
    Adds,
    Better,
    Business,
    Consequence,
    DefaultGoal,
    Driver,
    Example,
    Family,
    Group,
    Kpi,
    Measure,
    Speak,
    Stage,
    Unit,
    Variant,
)

_T = TypeVar("_T")
_HERE = Path(__file__).parent
ASSUMPTIONS = frozenset({"margin_rate"})  # quantities an owner states and no export holds


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except tomllib.TOMLDecodeError as broken:
        raise CatalogueError("bad_toml", where=path.name, reason=broken) from None


def _both(entry: Mapping[str, Any]) -> dict[str, str]:
    return {"ru": entry["ru"], "en": entry["en"]}


@cache
def families() -> dict[str, Family]:
    """Families of measures and the order in which their sources are believed."""
    return {
        id: Family(
            id,
            Speak(entry["speak"]),
            tuple(entry["order"]),
            entry.get("every_day", False),
            tuple(entry.get("estimates", ())),
        )
        for id, entry in _toml(_HERE / "families.toml").items()
    }


@cache
def measures() -> dict[str, Measure]:
    """Every measure by id, in the order of the file: the first of a family leads it."""
    found: dict[str, Measure] = {}
    for id, entry in _toml(_HERE / "measures.toml").items():
        part_of = (entry["part_of"], tuple(entry["channels"])) if "part_of" in entry else None
        whole = found[part_of[0]] if part_of else None
        found[id] = Measure(
            id=id,
            name=_both(entry),
            unit=whole.unit if whole else Unit(entry["unit"]),
            adds=Adds(entry.get("adds", "sum")),
            family=whole.family if whole else families()[entry["family"]],
            synonyms=tuple(entry.get("synonyms", ())),
            part_of=part_of,
            fractional=entry.get("fractional", False),
        )
    return found


def measure(id: str) -> Measure:
    """The measure called `id`."""
    return _named(measures(), id, "unknown_measure")


@cache
def channels() -> dict[str, dict[str, Any]]:
    """Channel id to its names and the values of exports that mean it."""
    return _toml(_HERE / "channels.toml")


@cache
def kpis() -> dict[str, Kpi]:
    """Every KPI by id, checked."""
    found: dict[str, Kpi] = {}
    for path in sorted((_HERE / "kpis").glob("*.toml")):
        for id, entry in _toml(path).items():
            where = f"{path.name}: {id}"
            if id in found:
                raise CatalogueError("defined_twice", where=where)
            try:
                found[id] = _kpi(id, entry, Group(path.stem), where)
            except (KeyError, ValueError) as broken:
                if isinstance(broken, CatalogueError):
                    raise
                raise CatalogueError("bad_entry", where=where, reason=broken) from broken
    return found


def _kpi(id: str, entry: Mapping[str, Any], group: Group, where: str) -> Kpi:
    variants, examples = [], {}
    for variant_id, variant in entry["variants"].items():
        formula = parse(variant["formula"])
        check_names(formula, {*measures(), *ASSUMPTIONS}, where)
        variants.append(Variant(variant_id, _both(variant["name"]), formula))
        examples[variant_id] = Example(**variant["example"])
    return Kpi(
        id=id,
        name=_both(entry["name"]),
        why=_both(entry["why"]),
        unit=Unit(entry["unit"]),
        better=Better(entry["better"]),
        group=group,
        variants=tuple(variants),
        source=entry["source"],
        one_source=entry.get("one_source", False),
        decimals=entry.get("decimals", 0),
        channels=tuple(entry.get("channels", ())),
        examples=examples,
    )


def kpi(id: str) -> Kpi:
    """The KPI called `id`."""
    return _named(kpis(), id, "unknown_kpi")


@cache
def businesses() -> dict[str, Business]:
    """Every business type by id, in the order of menus, checked."""
    paths = (_HERE / "business").glob("*.toml")
    ranked = sorted(paths, key=lambda path: (_toml(path)["rank"], path.stem))
    return {path.stem: _business(path) for path in ranked}


def _business(path: Path) -> Business:
    entry = _toml(path)
    known = {*measures(), *ASSUMPTIONS}
    drivers: list[Driver] = []
    for id, driver in entry["drivers"].items():
        formula = parse(driver["formula"])
        check_names(formula, known | {made.id for made in drivers}, f"{path.name}: {id}")
        unit, main = Unit(driver["unit"]), driver.get("main", False)
        drivers.append(Driver(id, _both(driver), unit, formula, main))
    consequences = []
    for id, text in entry["consequences"].items():
        formula = parse(text)
        check_names(formula, known | {made.id for made in drivers}, f"{path.name}: {id}")
        consequences.append(Consequence(measure(id).id, formula))
    business = Business(
        id=path.stem,
        name=_both(entry["name"]),
        about=_both(entry["about"]),
        currency=entry["currency"],
        salary=entry["salary"],
        goals=_goals(entry["goals"]),
        factors=_goals(entry["factors"]),
        also=tuple(entry["also"]),
        variants=entry["variants"],
        assumptions=entry["assumptions"],
        stages=tuple(
            Stage(id, _both(stage), measure(id).id) for id, stage in entry["stages"].items()
        ),
        drivers=tuple(drivers),
        consequences=tuple(consequences),
    )
    for id in business.kpis():
        kpi(id).variant(business.variants.get(id))
    return business


def _goals(entries: Mapping[str, Any]) -> tuple[DefaultGoal, ...]:
    return tuple(
        DefaultGoal(id, entry.get("weight", "0"), entry["target"]) for id, entry in entries.items()
    )


@cache
def shares_by_position() -> tuple[float, ...]:
    """The share of searchers who click a result, from the first place of a page on."""
    return tuple(_toml(_HERE / "positions.toml")["shares"])


def business(id: str) -> Business:
    """The business type called `id`."""
    return _named(businesses(), id, "unknown_business")


def _named(known: Mapping[str, _T], id: str, code: str) -> _T:
    if id not in known:
        raise UsageError(code, where=id, near=did_you_mean(id, set(known)), known=", ".join(known))
    return known[id]
