"""Runs every benchmark of this folder, or those named, and writes ``docs/benchmarks.md``.

A benchmark is a module with `TITLE` and `run(folder)`, which returns lines of the report. Nothing
here is a test: a figure is read by people, beside the one it is compared with.
"""

import importlib
import os
import platform
import sys
import tempfile
import time
import tomllib
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bench.common import ROOT, ROUNDS, Line

NOT_BENCHMARKS = {"__init__", "__main__", "common", "wire"}
PACKAGES = ("duckdb", "pandas", "numpy", "pyarrow", "python-calamine")
REPORT = ROOT / "docs" / "benchmarks.md"
HEAD = """\
# Benchmarks

Written by `make bench`; not by hand. Each figure is the median of {rounds} rounds, and what is
compared was measured turn and turn about in one run. Data are made from a seed. A section tells
when and on what it was measured: `make bench ARGS=slider` measures one anew.

"""


def machine() -> str:
    """What it ran on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"{datetime.now(UTC):%Y-%m-%d}; {platform.system()} {platform.machine()}, "
        f"{os.cpu_count()} cores, {memory:.0f} GiB; Python {platform.python_version()}, {packages}."
    )


def table(title: str, lines: list[Line]) -> str:
    """A section of the report."""
    rows = [("", "ours", "compared with", "ratio", "hoped for"), ("---",) * 5]
    rows += [(line.what, line.ours, line.other, line.ratio, line.target) for line in lines]
    told = "".join(f"| {' | '.join(row)} |\n" for row in rows)
    return f"## {title}\n\n{machine()}\n\n{told}"


def sections(report: str) -> dict[str, str]:
    """Title to section of a report."""
    found = [f"## {part.strip()}\n" for part in report.split("\n## ")[1:]]
    return {part.partition("\n")[0].removeprefix("## "): part for part in found}


def findings() -> str:
    """What profiles showed, as it is kept beside the benchmarks."""
    text = Path(__file__).with_name("findings.toml").read_text("utf-8")
    rows = [("", "before", "after"), ("---",) * 3]
    rows += [(own["what"], own["before"], own["after"]) for own in tomllib.loads(text)["finding"]]
    return "## Findings\n\n" + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def main(names: list[str]) -> None:
    """Runs all, or those named, and writes what they say into the report, the rest as it was."""
    os.environ["KPI_WORKSPACE"] = "off"  # visitors of one machine would share its desk
    paths = sorted(Path(__file__).parent.glob("*.py"))
    modules = [path.stem for path in paths if path.stem not in NOT_BENCHMARKS]
    parts = sections(REPORT.read_text("utf-8"))
    titles = {name: importlib.import_module(f"bench.{name}").TITLE for name in modules}
    for name in names or modules:
        start = time.perf_counter()
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            lines = importlib.import_module(f"bench.{name}").run(Path(folder))
        parts[titles[name]] = table(titles[name], lines)
        print(parts[titles[name]], f"({time.perf_counter() - start:.0f} s)\n", sep="", flush=True)
        told = [parts[title] for title in titles.values() if title in parts]
        report = HEAD.format(rounds=ROUNDS) + "\n".join([*told, findings()])
        REPORT.write_text(report, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
