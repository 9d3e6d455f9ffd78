"""Files to leave behind: ``report``."""

import argparse
import sys
from pathlib import Path

from kpi_core.cli import asked, printed
from kpi_core.cli.printed import Answer, Lines
from kpi_core.errors import KpiError, UsageError, did_you_mean
from kpi_core.ingest import Upload, read_path
from kpi_core.pay import read_people
from kpi_core.pay.people import PeopleTable
from kpi_core.report import ALL, FORMS, SUFFIXES, Brand, Form, Part, gather, kinds

NOT_ALL = 3  # the exit code where the report is made, but files of the folder cannot be read


def add(commands: asked.Commands) -> None:
    """Register the command."""
    made = asked.command(commands, "report", _report, "A report of a plan over files, as a file.")
    asked.takes_plan(made)
    made.set_defaults(exit_code=lambda answer: NOT_ALL if answer["unread"] else 0)
    made.add_argument("--to", required=True, metavar="REPORT" + "|".join(SUFFIXES))
    made.add_argument(
        "--kind", metavar="|".join(kinds(".pdf") + kinds(".csv")),
        help="of a PDF: everything, one page, a page for each person to sign, slides; "
        "of CSV and Parquet: KPI values, or the facts behind them",
    )  # fmt: skip
    made.add_argument("--people", metavar="PEOPLE.csv", help="who is paid, a row each")
    made.add_argument(
        "--parts", metavar="PART,PART", help=f"what it holds, all if not given: {', '.join(Part)}"
    )
    made.add_argument(
        "--scenarios", metavar="SCENARIOS.json", help="to stand side by side, as What if saves them"
    )
    made.add_argument("--client", default="", metavar="NAME", help="for whom it is")
    made.add_argument("--logo", metavar="PICTURE", help="PNG or JPEG")
    made.add_argument("--accent", default=Brand.accent, metavar="#0072b2", help="a colour")


def _report(options: argparse.Namespace) -> tuple[Answer, Lines]:
    path = Path(options.to)
    form = asked_form(path.suffix, options.kind)
    parts = _parts(options.parts)
    plan = asked.plan(options)
    folder = _folder(options)
    uploads, unread = _read(folder, options) if folder else (asked.uploads(options), [])
    scenarios = asked.scenarios([options.scenarios]) if options.scenarios else []
    if not uploads and not plan.facts:
        raise UsageError("no_files")
    people = PeopleTable(())
    if options.people:
        people = read_people(Path(options.people).name, _bytes(options.people))
    logo = _bytes(options.logo) if options.logo else None
    facts = asked.combined(uploads, plan.sources)
    period = asked.period(options, plan)
    if period is None and folder:
        period = next(reversed(facts.months()), None)
    made = gather(
        facts,
        uploads,
        plan,
        period,
        options.lang,
        people=people.people,
        parts=parts,
        brand=Brand(options.client, logo, options.accent),
        scenarios=scenarios,
        layouts=asked.layout_texts(options),
    )
    printed.to_file(path, form.write(made))
    for why in unread:
        sys.stderr.write(f"{why}\n")
    answer: Answer = {
        "file": str(path),
        "parts": sorted(made.parts),
        "period": printed.span(made.period),
        "changes": list(made.changes),
        "unread": unread,
    }
    untold = [why.text(options.lang) for why in made.scenarios.untold] if made.scenarios else []
    lines = [str(path), *made.changes, *dict.fromkeys(untold)]
    found = (*people.findings(), *made.findings)
    return printed.with_findings(answer | {"untold": untold}, lines, found, options.lang)


def _folder(options: argparse.Namespace) -> Path | None:
    """The folder that is named in place of files: its last whole month is reported unasked."""
    if len(options.files) != 1 or not Path(options.files[0]).is_dir():
        return None
    return Path(options.files[0])


def _read(folder: Path, options: argparse.Namespace) -> tuple[list[Upload], list[str]]:
    """All files of a folder that can be read, in order of their names, and why others cannot.

    Raises:
        UsageError: nothing in it can be read.
    """
    layouts = asked.layouts(options)
    beside = (options.people, options.logo, options.scenarios)
    named = (options.to, options.plan, *beside, *options.layout)
    others = {Path(name).resolve() for name in named if name}
    found: list[Upload] = []
    unread = []
    for path in sorted(folder.iterdir()):
        if not path.is_file() or path.name.startswith((".", "~$")) or path.resolve() in others:
            continue
        try:
            found.append(read_path(path, layouts))
        except KpiError as failed:
            unread.append(" ".join(failed.text(options.lang).split()))
        except OSError as failed:
            unread.append(f"{path.name}: {failed.strerror}")
    if not found:
        raise UsageError("folder_unread", where=str(folder), why=" ".join(unread))
    return found, unread


def asked_form(suffix: str, kind: str | None = None) -> Form:
    """The form of a suffix; of several the one of a kind, or the usual one.

    Raises:
        UsageError: there is none, or it comes in no such kind.
    """
    suffix = suffix.lower()
    found = [form for form in FORMS if form.suffix == suffix]
    if not found:
        raise UsageError("report_suffix", where=suffix, known=", ".join(SUFFIXES))
    if kind is None:
        return found[0]
    if not kinds(suffix):
        raise UsageError("report_of_one_kind", where=suffix)
    for form in found:
        if form.kind == kind:
            return form
    raise UsageError("unknown_report_kind", where=kind, known=", ".join(kinds(suffix)))


def _parts(said: str | None) -> frozenset[Part]:
    """The parts that are asked for by name; all of them where none is."""
    if not said:
        return ALL
    named = [name.strip() for name in said.split(",")]
    for name in named:
        if name not in tuple(Part):
            near = did_you_mean(name, set(map(str, Part)))
            raise UsageError("unknown_report_part", where=name, near=near, known=", ".join(Part))
    return frozenset(map(Part, named))


def _bytes(name: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except OSError:
        raise UsageError("no_such_file", where=name) from None
