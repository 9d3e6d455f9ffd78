"""What every answer is written with: for programs (JSON) and for people (aligned rows)."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from kpi_core.errors import Finding, UsageError
from kpi_core.model import Period, Unit
from kpi_core.text import say
from kpi_core.whole import write_whole

Answer = dict[str, Any]
Lines = list[str]


def span(period: Period | None) -> list[str] | None:
    """The first and the last day."""
    return [str(period.first), str(period.last)] if period else None


def number(value: Fraction | float | None) -> float | None:
    """A figure as JSON has it."""
    return None if value is None else float(value)


def unit(unit: Unit, currency: str | None) -> str:
    """A unit, money with its currency."""
    return f"money({currency})" if unit is Unit.MONEY and currency else str(unit)


def findings(found: Sequence[Finding], lang: str) -> list[Answer]:
    """Findings as JSON has them."""
    return [
        {
            "severity": str(finding.severity),
            "code": finding.code,
            "where": finding.where,
            "message": finding.text(lang),
        }
        for finding in found
    ]


def finding_lines(found: Sequence[Finding], lang: str) -> Lines:
    """Findings, a line each."""
    return [
        f"  {say(lang, f'words.{finding.severity}')}: "
        + (f"{finding.where}: " if finding.where else "")
        + finding.text(lang)
        for finding in found
    ]


def with_findings(
    answer: Answer, lines: Lines, found: Sequence[Finding], lang: str
) -> tuple[Answer, Lines]:
    """An answer with what is odd about its data."""
    return answer | {"findings": findings(found, lang)}, lines + finding_lines(found, lang)


def aligned(rows: Sequence[Sequence[str]], left: int = 1) -> Lines:
    """Rows as columns of equal width, the first `left` of them flush left, the others right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if position < left else cell.rjust(width)
            for position, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def headings(lang: str, *keys: str) -> list[str]:
    """The heads of aligned rows; the first column has none."""
    return ["", *(say(lang, f"words.{key}") for key in keys)]


def to_file(path: Path, content: bytes) -> None:
    """A file that was asked for, in place of an earlier one: all of it or nothing.

    Raises:
        UsageError: it cannot be written.
    """
    try:
        write_whole(path, content)
    except OSError as failed:
        raise UsageError("snapshot_not_written", where=str(path), why=failed.strerror) from None
