"""What a command line asks: which files, which plan or settings, which period."""

import argparse
import locale
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias, cast

from kpi_core import catalogue
from kpi_core.anonymise import SET_MARK, is_set, read_set
from kpi_core.cli.printed import Answer, Lines
from kpi_core.errors import UsageError, did_you_mean
from kpi_core.facts import Facts, combine
from kpi_core.ingest import Upload, read_path
from kpi_core.ingest.formats import Format
from kpi_core.ingest.layouts import read_layout
from kpi_core.ingest.places import read_place
from kpi_core.ingest.spark import read_spark
from kpi_core.kpis import Settings, Values, kpi_values
from kpi_core.model import VATS, Period, Vat, parse_period
from kpi_core.plan import Plan, changed, default_plan, read_plan
from kpi_core.scenario import Scenario, read_scenarios

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


# --- the options


def command(
    commands: Commands,
    name: str,
    run: Callable[[argparse.Namespace], tuple[Answer, Lines]],
    about: str,
) -> argparse.ArgumentParser:
    """A new command, with the options that every command takes."""
    made = commands.add_parser(name, help=about, description=about)
    made.set_defaults(run=run)
    made.add_argument("--json", action="store_true", help="print JSON for other programs")
    made.add_argument("--lang", choices=("ru", "en"), default=_machine_language())
    return made


def _machine_language() -> str:
    return "ru" if (locale.getlocale()[0] or "").lower().startswith("ru") else "en"


def takes_business(made: argparse.ArgumentParser, *, required: bool = True) -> None:
    """The business type or role, where no plan says it."""
    named = (*catalogue.businesses(), *catalogue.roles())
    made.add_argument("--business", required=required, metavar="|".join(named))


def takes_plan(made: argparse.ArgumentParser) -> None:
    """Files, none if the plan states all figures; the plan; the choices that overrule it."""
    takes_files(made, needed=False)
    made.add_argument("--plan", required=True, metavar="PLAN.json")
    takes_choices(made)


def takes_files(made: argparse.ArgumentParser, *, needed: bool) -> None:
    """The files and the period to look at in them."""
    takes_places(made, needed=needed)
    made.add_argument("--period", metavar="YYYY-MM|FROM..TO")
    takes_layouts(made)


def takes_places(made: argparse.ArgumentParser, *, needed: bool) -> None:
    """Files, and tables that lie elsewhere than in one file of this computer."""
    made.add_argument("files", nargs="*", metavar="FILE", help="CSV, TSV, XLSX or Parquet")
    made.set_defaults(needs_files=needed)
    made.add_argument(
        "--from", action="append", default=[], dest="places", metavar="PLACE",
        help="one table that lies elsewhere: a folder or a quoted pattern whose files are its "
        "parts ('exports/*.parquet'), or postgresql://user@server/database?table=schema.table; "
        "may repeat",
    )  # fmt: skip
    made.add_argument(
        "--engine", metavar="sc://SERVER:15002",
        help="Spark Connect adds the FILEs up: tables or paths as the server sees them",
    )  # fmt: skip


def takes_layouts(made: argparse.ArgumentParser) -> None:
    """The layouts that the reader has taught."""
    made.add_argument(
        "--layout",
        action="append",
        default=[],
        metavar="LAYOUT.toml",
        help="what the columns of your own tables mean, as the Data page saves it",
    )


def takes_choices(made: argparse.ArgumentParser) -> None:
    """Who speaks, and what money is counted in."""
    made.add_argument(
        "--source", action="append", default=[], metavar="FAMILY=SOURCE",
        help="who speaks for a family of measures, e.g. traffic=ga4",
    )  # fmt: skip
    made.add_argument(
        "--rate", action="append", default=[], metavar="USD=92.5",
        help="what one unit of a currency is worth in the currency of the answer",
    )  # fmt: skip
    made.add_argument(
        "--vat", action="append", default=[], metavar="SOURCE=incl|excl",
        help="whether a source's money includes VAT; goes before what its files say",
    )  # fmt: skip
    made.add_argument("--vat-rate", metavar="0.2", help="20 %% is 0.2")
    made.add_argument("--vat-basis", choices=VATS, help="what money is counted in")


def takes_assumptions(made: argparse.ArgumentParser) -> None:
    """Shares that no export holds."""
    made.add_argument("--assume", action="append", default=[], metavar="NAME=NUMBER")


# --- what they say


def uploads(options: argparse.Namespace) -> list[Upload]:
    """The files and other places, read by the layouts named beside them."""
    if options.needs_files and not any_named(options):
        raise UsageError("nothing_to_read")
    known = layouts(options)
    found = [own for name in options.files for own in _uploads(name, options.engine, known)]
    return found + [read_place(place, known) for place in options.places]


def _uploads(name: str, engine: str | None, known: Sequence[Format]) -> Sequence[Upload]:
    """What a name stands for: one file or table, or all files of an anonymised set."""
    if engine:
        return [read_spark(engine, name, known)]
    path = Path(name)
    try:
        with path.open("rb") as file:
            if is_set(file.read(SET_MARK)):
                return read_set(path.read_bytes(), path.name)
        return [read_path(path, known)]
    except OSError:
        raise UsageError("no_such_file", where=name) from None


def any_named(options: argparse.Namespace) -> bool:
    """Whether a command line names any file or other place."""
    return bool(options.files or options.places)


def layouts(options: argparse.Namespace) -> list[Format]:
    """The layouts named beside the files."""
    return [read_layout(name, text) for name, text in layout_texts(options)]


def layout_texts(options: argparse.Namespace) -> list[tuple[str, str]]:
    """Name and text of the layouts named beside the files."""
    return [(Path(name).stem, _text(name)) for name in options.layout]


def scenarios(names: Sequence[str]) -> list[Scenario]:
    """Those of all files of scenarios."""
    found: list[Scenario] = []
    for name in names:
        try:
            found += read_scenarios(Path(name).read_bytes(), name).scenarios
        except OSError:
            raise UsageError("no_such_file", where=name) from None
    return found


def _text(name: str) -> str:
    try:
        return Path(name).read_text("utf-8", errors="replace")
    except OSError:
        raise UsageError("no_such_file", where=name) from None


def facts(options: argparse.Namespace, sources: Mapping[str, str]) -> Facts:
    """The facts of the files that a command line names."""
    return combined(uploads(options), sources)


def combined(files: Sequence[Upload], sources: Mapping[str, str]) -> Facts:
    """The facts of files; nobody is answered by silence for having misspelt a source."""
    found = combine(files)
    known = found.sources()
    for source in sources.values():
        if source not in known:
            near = did_you_mean(source, set(known))
            raise UsageError("unknown_source", where=source, near=near, known=", ".join(known))
    return found


def plan(options: argparse.Namespace) -> Plan:
    """The plan, or the default one of a business, with what the command line says otherwise."""
    found = _plan_file(options.plan) if options.plan else default_plan(options.business)
    vat_rate = _vat_rate(options)
    assumed = _decimals(getattr(options, "assume", ()), "bad_assumption")
    said: dict[str, Any] = {
        "assumptions": found.assumptions | assumed,
        "sources": found.sources | _words(options.source, "bad_source"),
        "rates": found.rates | _decimals(options.rate, "bad_rate"),
        "vat": found.vat | _words(options.vat, "bad_vat"),
        "vat_rate": found.vat_rate if vat_rate is None else vat_rate,
        "vat_basis": options.vat_basis or found.vat_basis,
    }
    return changed(found, **said)


def _plan_file(name: str) -> Plan:
    path = Path(name)
    try:
        return read_plan(path.read_bytes(), path.name)
    except OSError:
        raise UsageError("no_such_file", where=name) from None


def settings(options: argparse.Namespace, assumptions: Sequence[str] = ()) -> Settings:
    """The choices of a command that has no plan."""
    business = catalogue.business(options.business)
    vat_rate = _vat_rate(options)
    return Settings(
        assumptions=_fractions(_decimals(assumptions, "bad_assumption")),
        sources=_words(options.source, "bad_source"),
        currency=getattr(options, "currency", None) or business.currency,
        rates=_fractions(_decimals(options.rate, "bad_rate")),
        vat=cast(dict[str, Vat], _words(options.vat, "bad_vat")),
        vat_rate=None if vat_rate is None else Fraction(vat_rate),
        vat_basis=options.vat_basis or "incl",
    )


def period(options: argparse.Namespace, plan: Plan | None = None) -> Period | None:
    """The period of the command line, else of the plan."""
    if options.period:
        return parse_period(options.period)
    return plan.asked_period() if plan else None


def values(
    options: argparse.Namespace, plan: Plan, earlier: Sequence[str] = ()
) -> tuple[Facts, Values]:
    """The facts of the files, and the KPI values that a plan is judged by."""
    if not any_named(options) and not plan.facts:
        raise UsageError("no_files")
    found = facts(options, plan.sources)
    business = catalogue.business(plan.business)
    against = plan.against() | set(earlier)
    return found, kpi_values(
        found,
        business,
        period(options, plan),
        settings=plan.settings(),
        kpis=plan.shown_kpis(),
        against=against,
    )


def _vat_rate(options: argparse.Namespace) -> Decimal | None:
    if options.vat_rate is None:
        return None
    return _decimals([f"--vat-rate={options.vat_rate}"], "bad_vat_rate")["--vat-rate"]


def _decimals(texts: Sequence[str], code: str) -> dict[str, Decimal]:
    found = {}
    for text in texts:
        name, _, value = text.partition("=")
        try:
            found[name.strip()] = Decimal(value)
            Fraction(found[name.strip()])  # neither infinite nor no number at all
        except (InvalidOperation, ValueError, OverflowError):
            raise UsageError(code, where=text) from None
    return found


def _fractions(found: Mapping[str, Decimal]) -> dict[str, Fraction]:
    return {name: Fraction(value) for name, value in found.items()}


def _words(texts: Sequence[str], code: str) -> dict[str, str]:
    found = {}
    for text in texts:
        name, equals, word = (part.strip() for part in text.partition("="))
        if not equals:
            raise UsageError(code, where=text)
        found[name] = word
    return found
