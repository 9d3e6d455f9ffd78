"""TOML in, checked definitions out: measures, KPIs, business types, channels.

What a marketer could write is data. Adding a KPI is one table in ``kpis/``, a business type one
file in ``business/``, a role one in ``roles/``. A mistake in a file is a `CatalogueError` that
names file and entry.
"""

import tomllib
from collections.abc import Mapping
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from kpi_core.errors import CatalogueError, UsageError, did_you_mean
from kpi_core.formula import EARLIER, Formula, check_names, parse
from kpi_core.model import (
    Adds,
    Better,
    Business,
    Consequence,
    Customers,
    DefaultGoal,
    Driver,
    Example,
    Family,
    Grade,
    Group,
    Kind,
    Kpi,
    Measure,
    Norm,
    Origin,
    Phase,
    Principle,
    Speak,
    Stage,
    Stages,
    Unit,
    Variant,
    WorkRules,
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
            counts=Customers(entry["counts"]) if "counts" in entry else None,
            age=entry.get("age", 0),
            brought=entry.get("brought"),
            kind=Kind(entry["kind"]) if "kind" in entry else whole.kind if whole else None,
            events_in=entry.get("events_in", {}),
            ripens=entry.get("ripens", False),
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
        variants.append(
            Variant(
                variant_id,
                _both(variant["name"]),
                kpi_formula(variant["formula"], where),
                tuple(variant.get("sources", ())),
                variant.get("chosen", False),
                Unit(variant["unit"]) if "unit" in variant else None,
                variant.get("decimals"),
            )
        )
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
        grows_whole=entry.get("grows_whole", False),
        decimals=entry.get("decimals", 0),
        channels=tuple(entry.get("channels", ())),
        examples=examples,
        norms=tuple(
            Norm(_both(norm), Fraction(norm["low"]), Fraction(norm["high"]))
            for norm in entry.get("norms", ())
        ),
    )


def kpi_formula(text: str, where: str) -> Formula:
    """Arithmetic over measures and assumptions, and over measures of earlier days.

    Raises:
        FormulaError: it is none, or names what does not exist.
    """
    formula = parse(text)
    before = {f"{when}({id})" for when in EARLIER for id in measures()}
    check_names(formula, {*measures(), *ASSUMPTIONS, *before}, where)
    return formula


def kpi(id: str) -> Kpi:
    """The KPI called `id`."""
    return _named(kpis(), id, "unknown_kpi")


@cache
def businesses() -> dict[str, Business]:
    """Every business type by id, in the order of menus, checked."""
    return _ranked("business")


@cache
def roles() -> dict[str, Business]:
    """Every role by id, in the order of menus, checked: people judged apart from the business."""
    return _ranked("roles")


def _ranked(folder: str) -> dict[str, Business]:
    paths = (_HERE / folder).glob("*.toml")
    ranked = sorted(paths, key=lambda path: (_toml(path)["rank"], path.stem))
    return {path.stem: _business(path) for path in ranked}


def _business(path: Path) -> Business:
    entry = _toml(path)
    known = {*measures(), *ASSUMPTIONS}
    drivers: list[Driver] = []
    for id, driver in entry["drivers"].items():
        formula = parse(driver["formula"])
        check_names(formula, known | {made.id for made in drivers}, f"{path.name}: {id}")
        unit = Unit(driver["unit"])
        kind = driver.get("main", False), driver.get("own", False), driver.get("step_of")
        drivers.append(Driver(id, _both(driver), unit, formula, *kind))
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
        funnels=_funnels(entry),
        drivers=tuple(drivers),
        consequences=tuple(consequences),
        fund=entry.get("fund"),
        per=entry.get("per", "month"),
    )
    for id in business.kpis():
        kpi(id).variant(business.variants.get(id))
    return business


def _funnels(entry: Mapping[str, Any]) -> tuple[Stages, ...]:
    """The stages of a type first, its other funnels, then those of every type; a role has none."""
    own = tuple(Stage(id, _both(stage), measure(id).id) for id, stage in entry["stages"].items())
    if not own:
        return ()
    shared = _toml(_HERE / "funnels.toml")
    others = (*entry.get("funnels", ()), *shared["funnels"])
    return (Stages("main", _both(shared["main"]), own), *map(_stages, others))


def own_funnel(stages: tuple[Stage, ...]) -> Stages:
    """A funnel of stages that somebody chose."""
    return Stages("own", _both(_toml(_HERE / "funnels.toml")["own"]), stages)


def _stages(entry: Mapping[str, Any]) -> Stages:
    stages = []
    for stage in entry["stages"]:
        first, *others = (measure(id).id for id in stage["counted_by"])
        stages.append(Stage(stage.get("id", first), _both(stage), first, tuple(others)))
    return Stages(entry["id"], _both(entry), tuple(stages))


def _goals(entries: Mapping[str, Any]) -> tuple[DefaultGoal, ...]:
    return tuple(
        DefaultGoal(id, entry.get("weight", "0"), entry.get("target"), entry.get("rule"))
        for id, entry in entries.items()
    )


@cache
def phases() -> dict[str, Phase]:
    """The phases of growth by id, each with the weights of all company KPIs."""
    entry = _toml(_HERE / "phases.toml")
    targets = {kpi(id).id: goal["target"] for id, goal in entry["goals"].items()}
    return {
        id: Phase(
            id,
            preset["number"],
            _both(preset),
            _both(preset["about"]),
            Origin(preset["origin"]),
            tuple(
                DefaultGoal(own, preset["weights"][own], target) for own, target in targets.items()
            ),
        )
        for id, preset in entry["presets"].items()
    }


@cache
def principles() -> dict[str, Principle]:
    """The principles of a fair personal KPI by id."""
    return {
        id: Principle(id, _both(entry), _both(entry["about"]))
        for id, entry in _toml(_HERE / "fair.toml").items()
    }


def principle(id: str) -> Principle:
    """The principle called `id`."""
    return _named(principles(), id, "unknown_principle")


@cache
def grades() -> tuple[Grade, ...]:
    """The grades of a total score, the lowest first."""
    found = [
        Grade(id, _both(entry), Fraction(entry["from"]))
        for id, entry in _toml(_HERE / "grades.toml").items()
    ]
    return tuple(sorted(found, key=lambda grade: grade.mark))


def grade(total: Fraction) -> Grade:
    """The grade of a total score of 0 or more."""
    return [grade for grade in grades() if grade.mark <= total][-1]


@cache
def shares_by_position() -> tuple[float, ...]:
    """The share of searchers who click a result, from the first place of a page on."""
    return tuple(_toml(_HERE / "positions.toml")["shares"])


def business(id: str) -> Business:
    """The business type or role called `id`."""
    return _named(businesses() | roles(), id, "unknown_business")


@cache
def work() -> WorkRules:
    """How reports are judged from a register of tasks."""
    entry = _toml(_HERE / "work.toml")
    kinds = entry["kinds"]
    return WorkRules(
        country=entry["country"],
        late_after=entry["late_after"],
        over_norm=float(entry["over_norm"]),
        remarks_within=entry["remarks_within"],
        kind_columns=frozenset(kinds["columns"]),
        kinds={kind: tuple(kinds[kind]) for kind in ("on_request", "regular")},
    )


def _named(known: Mapping[str, _T], id: str, code: str) -> _T:
    if id not in known:
        raise UsageError(code, where=id, near=did_you_mean(id, set(known)), known=", ".join(known))
    return known[id]


@cache
def people_headings() -> dict[str, str]:
    """Heading of a table of people, as it is normalised, to the field it names."""
    return {
        heading: field
        for field, named in _toml(_HERE / "people.toml").items()
        for lang in ("ru", "en")
        for heading in named[lang]
    }


def people_heading(field: str, lang: str) -> str:
    """How this program heads the column of a field of people."""
    return str(_toml(_HERE / "people.toml")[field][lang][0])
