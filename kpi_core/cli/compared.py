"""A period beside earlier days: ``--compare`` of ``kpis`` and ``score``."""

import argparse
from fractions import Fraction

from kpi_core import words
from kpi_core.cli import printed
from kpi_core.cli.printed import Answer, Lines
from kpi_core.kpis import Values
from kpi_core.text import percent
from kpi_core.trend import moved


def takes_comparison(made: argparse.ArgumentParser) -> None:
    """Which earlier days to look at beside, if any."""
    made.add_argument(
        "--compare",
        choices=("previous", "year_ago"),
        help="with the period before, or the same days a year ago",
    )


def asked_for(options: argparse.Namespace) -> tuple[str, ...]:
    """The earlier days that must be counted."""
    return (options.compare,) if options.compare else ()


def comparison(now: Values, options: argparse.Namespace) -> Answer:
    """Every KPI beside its value of the earlier days; ``change`` is a share of the latter."""
    then = now.earlier.get(options.compare)
    if not then:
        return {}
    before = then.totals()
    return {
        "with": options.compare,
        "period": printed.span(then.period),
        "rows": [
            {
                "kpi": id,
                "value": printed.number(row.value),
                "earlier": printed.number(before[id].value),
                "change": printed.number(moved(before[id], row)),
            }
            for id, row in now.totals().items()
        ],
    }


def comparison_lines(now: Values, options: argparse.Namespace) -> Lines:
    """The same as a table to read."""
    then, lang = now.earlier.get(options.compare), options.lang
    if not then:
        return []
    before = then.totals()
    rows = [[str(then.period), *printed.headings(lang, "now", "earlier", "change")[1:]]]
    for id, row in now.totals().items():
        figures = (
            words.kpi_figure(row.definition, own.value, own.currency, lang)
            for own in (row, before[id])
        )
        rows.append([row.definition.name[lang], *figures, _change(moved(before[id], row), lang)])
    return ["", *printed.aligned(rows)]


def _change(share: Fraction | None, lang: str) -> str:
    return "—" if share is None else ("+" if share > 0 else "") + percent(share, lang)
