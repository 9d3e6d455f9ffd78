"""Files to leave behind: ``report``."""

import argparse
import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path

from kpi_core.cli import asked, printed
from kpi_core.cli.printed import Answer, Lines
from kpi_core.errors import KpiError, UsageError, did_you_mean
from kpi_core.ingest import Upload, read_path
from kpi_core.pay import read_people
from kpi_core.pay.people import PeopleTable
from kpi_core.report import ALL, Brand, Part, Report, gather

# Suffix to the module that writes such a file, and its function: Report to bytes.
WRITERS = {
    ".xlsx": ("kpi_core.report.xlsx", "workbook"),
    ".pdf": ("kpi_core.report.pdf", "pdf"),
    ".html": ("kpi_core.report.html", "html"),
    ".ipynb": ("kpi_core.report.notebook", "notebook"),
    ".py": ("kpi_core.report.notebook", "script"),
    ".csv": ("kpi_core.report.tables", "values_csv"),
    ".parquet": ("kpi_core.report.tables", "values_parquet"),
    ".zip": ("kpi_core.report.tables", "archive"),
}
NOT_ALL = 3  # the exit code where the report is made, but files of the folder cannot be read
OF_KINDS = ".pdf"  # the suffix of which there are several kinds


def add(commands: asked.Commands) -> None:
    """Register the command."""
    made = asked.command(commands, "report", _report, "A report of a plan over files, as a file.")
    asked.takes_plan(made)
    made.set_defaults(exit_code=lambda answer: NOT_ALL if answer["unread"] else 0)
    made.add_argument("--to", required=True, metavar="REPORT" + "|".join(WRITERS))
    made.add_argument(
        "--kind", metavar="full|summary|statement|slides",
        help="of a PDF: everything, one page, a page for each person to sign, slides",
    )  # fmt: skip
    made.add_argument("--people", metavar="PEOPLE.csv", help="who is paid, a row each")
    made.add_argument(
        "--parts", metavar="PART,PART", help=f"what it holds, all if not given: {', '.join(Part)}"
    )
    made.add_argument("--client", default="", metavar="NAME", help="for whom it is")
    made.add_argument("--logo", metavar="PICTURE", help="PNG or JPEG")
    made.add_argument("--accent", default=Brand.accent, metavar="#0072b2", help="a colour")


def _report(options: argparse.Namespace) -> tuple[Answer, Lines]:
    path = Path(options.to)
    write = writer(path.suffix, options.kind)
    parts = _parts(options.parts)
    plan = asked.plan(options)
    folder = _folder(options)
    uploads, unread = _read(folder, options) if folder else (asked.uploads(options), [])
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
    )
    try:
        path.write_bytes(write(made))
    except OSError as failed:
        raise UsageError("snapshot_not_written", where=str(path), why=failed.strerror) from None
    for why in unread:
        sys.stderr.write(f"{why}\n")
    answer: Answer = {
        "file": str(path),
        "parts": sorted(made.parts),
        "period": printed.span(made.period),
        "changes": list(made.changes),
        "unread": unread,
    }
    found = (*people.findings(), *made.findings)
    return printed.with_findings(answer, [str(path), *made.changes], found, options.lang)


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
    named = (options.to, options.plan, options.people, options.logo, *options.layout)
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


def writer(suffix: str, kind: str | None = None) -> Callable[[Report], bytes]:
    """What writes files of a suffix; imported when it is asked for.

    Raises:
        UsageError: nothing does, or there is no such kind of them.
    """
    suffix = suffix.lower()
    if suffix not in WRITERS:
        raise UsageError("report_suffix", where=suffix, known=", ".join(WRITERS))
    name, function = WRITERS[suffix]
    module = import_module(name)
    found: Callable[..., bytes] = getattr(module, function)
    if kind is None:
        return found
    if suffix != OF_KINDS:
        raise UsageError("report_kind_of_pdf", where=suffix)
    if kind not in tuple(module.Kind):
        raise UsageError("unknown_report_kind", where=kind, known=", ".join(module.Kind))
    return partial(found, kind=module.Kind(kind))


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
