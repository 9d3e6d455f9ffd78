"""Files that may be shown to others: ``anonymise``."""

import argparse
from decimal import Decimal, InvalidOperation
from pathlib import Path

from kpi_core.anonymise import COUNTS, Scale, anonymous, write_set
from kpi_core.cli import asked, printed
from kpi_core.cli.printed import Answer, Lines


def add(commands: asked.Commands) -> None:
    """Register the command."""
    about = "The same files without their names, counts and money multiplied, as one file to load."
    made = asked.command(commands, "anonymise", _anonymise, about)
    asked.takes_places(made, needed=True)
    asked.takes_layouts(made)
    made.add_argument("--to", required=True, metavar="DEMO.zip")
    usual = Scale()
    made.add_argument(
        "--counts", type=int, default=usual.counts, metavar="|".join(map(str, COUNTS)),
        help="how many times as many of everything that is counted",
    )  # fmt: skip
    made.add_argument(
        "--money", default=str(usual.money), metavar="NUMBER",
        help="how many times as much of all money",
    )  # fmt: skip


def _anonymise(options: argparse.Namespace) -> tuple[Answer, Lines]:
    try:
        money = Decimal(options.money)
    except InvalidOperation:
        money = Decimal("NaN")  # which no scale takes, and says what it does take
    scale = Scale(options.counts, money)
    found = anonymous(asked.uploads(options), scale, options.lang)
    printed.to_file(Path(options.to), write_set(found))
    names = [upload.name for upload in found]
    findings = [finding for upload in found for finding in upload.findings]
    answer: Answer = {"file": options.to, "files": names}
    return printed.with_findings(answer, [options.to, *names], findings, options.lang)
