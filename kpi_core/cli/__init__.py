"""The whole chain without a browser: ``python -m kpi_core COMMAND``.

The commands: ``read``, ``kpis``, ``funnel``, ``channels``, ``lift``, ``score``, ``bonus``,
``whatif``, ``compare``, ``simulate``, ``trend``, ``objectives``, ``fair``, ``incentive``,
``seek``, ``replay``, ``report``, ``anonymise``, ``propose``, ``approve``, ``check``,
``workspace``; ``plan`` and ``schema`` print a plan file to edit and the JSON Schema of plan files
(``python -m kpi_core schema > docs/plan.schema.json`` keeps the committed one); ``formats`` says
what is read (``python -m kpi_core formats > docs/formats.md``).

Exit code 0: done. 1: the answer of a command that checks is no (``check``: something differs); the
command says so of its answer with its default ``exit_code``. 2: wrong use or bad input, one clear
line on stderr. 3: ``report`` made its file, but could not read every file of the folder; stderr
says which. ``--json`` prints what other programs may rely on; without it, a table to read.

A module holds the commands of one idea and registers them with its ``add``; ``asked`` is what a
command line asks, ``printed`` what every answer is written with.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from typing import NoReturn

from kpi_core.cli import (
    ahead,
    anonymise,
    fairness,
    incentive,
    judging,
    measuring,
    paying,
    reading,
    replay,
    report,
    scenarios,
    seek,
    signoff,
    simulate,
    workspace,
)
from kpi_core.errors import KpiError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    options = _parser().parse_args(arguments)
    try:
        answer, table = options.run(options)
    except KpiError as failed:
        print(" ".join(failed.text(options.lang).split()), file=sys.stderr)
        return 2
    if options.json:
        print(json.dumps(answer, ensure_ascii=False, indent=2))
    else:
        print("\n".join(table))
    code: int = options.exit_code(answer)
    return code


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        print(f"{self.prog}: {message} (--help lists the options)", file=sys.stderr)
        raise SystemExit(2)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m kpi_core", description="From export files to a pay slip.")
    parser.set_defaults(exit_code=lambda _: 0)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    judged = (judging, scenarios, simulate, paying, incentive, seek, replay, signoff, fairness)
    for module in (reading, measuring, *judged, ahead, report, anonymise, workspace):
        module.add(commands)
    return parser
