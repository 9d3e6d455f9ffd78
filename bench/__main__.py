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
HEAD = """\
# Benchmarks

Written by `make bench`; not by hand. Each figure is the median of {rounds} rounds, and what is
compared was measured turn and turn about in one run. Data are made from a seed.

{machine}

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
    return f"## {title}\n\n" + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def findings() -> str:
    """What profiles showed, as it is kept beside the benchmarks."""
    text = Path(__file__).with_name("findings.toml").read_text("utf-8")
    rows = [("", "before", "after"), ("---",) * 3]
    rows += [(own["what"], own["before"], own["after"]) for own in tomllib.loads(text)["finding"]]
    return "## Findings\n\n" + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def main(names: list[str]) -> None:
    """Runs and writes; with names only prints."""
    found = sorted(path.stem for path in Path(__file__).parent.glob("*.py"))
    found = [name for name in found if name not in NOT_BENCHMARKS and (not names or name in names)]
    parts = []
    for name in found:
        start = time.perf_counter()
        module = importlib.import_module(f"bench.{name}")
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            parts.append(table(module.TITLE, module.run(Path(folder))))
        print(parts[-1], f"({time.perf_counter() - start:.0f} s)\n", sep="", flush=True)
    if not names:
        report = HEAD.format(rounds=ROUNDS, machine=machine()) + "\n".join([*parts, findings()])
        (ROOT / "docs" / "benchmarks.md").write_text(report, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
