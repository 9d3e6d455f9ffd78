"""Files to leave behind: ``report``."""

import argparse
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from kpi_core.cli import asked, printed
from kpi_core.cli.printed import Answer, Lines
from kpi_core.errors import UsageError
from kpi_core.pay import read_people
from kpi_core.pay.people import PeopleTable
from kpi_core.report import ALL, Brand, Part, Report, gather

# Suffix to the module that writes such a file, and its function: Report to bytes.
WRITERS = {
    ".xlsx": ("kpi_core.report.xlsx", "workbook"),
    ".pdf": ("kpi_core.report.pdf", "pdf"),
    ".html": ("kpi_core.report.html", "html"),
}


def add(commands: asked.Commands) -> None:
    """Register the command."""
    made = asked.command(commands, "report", _report, "A report of a plan over files, as a file.")
    asked.takes_plan(made)
    made.add_argument("--to", required=True, metavar="REPORT" + "|".join(WRITERS))
    made.add_argument("--people", metavar="PEOPLE.csv", help="who is paid, a row each")
    made.add_argument(
        "--part", action="append", default=[], choices=tuple(map(str, Part)), metavar="PART",
        help=f"what it holds, all if not given: {', '.join(Part)}",
    )  # fmt: skip
    made.add_argument("--client", default="", metavar="NAME", help="for whom it is")
    made.add_argument("--logo", metavar="PICTURE", help="PNG or JPEG")
    made.add_argument("--accent", default=Brand.accent, metavar="#0072b2", help="a colour")


def _report(options: argparse.Namespace) -> tuple[Answer, Lines]:
    path = Path(options.to)
    write = writer(path.suffix)
    plan = asked.plan(options)
    uploads = asked.uploads(options)
    if not uploads and not plan.facts:
        raise UsageError("no_files")
    people = PeopleTable(())
    if options.people:
        people = read_people(Path(options.people).name, _bytes(options.people))
    logo = _bytes(options.logo) if options.logo else None
    made = gather(
        asked.combined(uploads, plan.sources),
        uploads,
        plan,
        asked.period(options, plan),
        options.lang,
        people=people.people,
        parts=[Part(part) for part in options.part] or ALL,
        brand=Brand(options.client, logo, options.accent),
    )
    try:
        path.write_bytes(write(made))
    except OSError as failed:
        raise UsageError("snapshot_not_written", where=str(path), why=failed.strerror) from None
    answer: Answer = {"file": str(path), "parts": sorted(made.parts)}
    found = (*people.findings(), *made.findings)
    return printed.with_findings(answer, [str(path)], found, options.lang)


def writer(suffix: str) -> Callable[[Report], bytes]:
    """What writes files of a suffix; imported when it is asked for.

    Raises:
        UsageError: nothing does.
    """
    if suffix.lower() not in WRITERS:
        raise UsageError("report_suffix", where=suffix, known=", ".join(WRITERS))
    module, function = WRITERS[suffix.lower()]
    found: Callable[[Report], bytes] = getattr(import_module(module), function)
    return found


def _bytes(name: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except OSError:
        raise UsageError("no_such_file", where=name) from None
