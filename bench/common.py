"""What benchmarks share: data made from a seed, processes measured from outside, medians."""

import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = 3
MB = 1 << 20


@dataclass(frozen=True)
class Line:
    """One line of the report: what was measured, against what, and what was hoped for."""

    what: str
    ours: str
    other: str
    ratio: str
    target: str


@dataclass(frozen=True)
class Cost:
    """What a run took: seconds on the wall, and the sum of the peaks of all its processes in MB."""

    seconds: float
    megabytes: float


def median(costs: list[Cost]) -> Cost:
    """The median of each figure."""
    return Cost(
        statistics.median(cost.seconds for cost in costs),
        statistics.median(cost.megabytes for cost in costs),
    )


def rounds(*runs: Callable[[], Cost]) -> list[Cost]:
    """The medians of several runs, taken turn and turn about so that a busy machine harms all."""
    taken: list[list[Cost]] = [[] for _ in runs]
    for _ in range(ROUNDS):
        for costs, run in zip(taken, runs, strict=True):
            costs.append(run())
    return [median(costs) for costs in taken]


def timed(call: Callable[[], object]) -> Cost:
    """One call in this process; its memory is not measured."""
    start = time.perf_counter()
    call()
    return Cost(time.perf_counter() - start, 0)


def process(code: str, *words: str) -> Cost:
    """Runs Python code in a process of its own, children included in both figures.

    Peaks are read from the system while it runs (Linux), each process by itself, and added; they
    need not fall together, so the sum is an upper bound.
    """
    start = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-c", code, *words],
        stdout=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as child:
        peaks: dict[int, float] = {}
        over = threading.Event()
        watcher = threading.Thread(target=_watch, args=(child.pid, peaks, over))
        watcher.start()
        code_ = child.wait()
        seconds = time.perf_counter() - start
        over.set()
        watcher.join()
    if code_:
        raise SystemExit(f"a benchmark's process ended with {code_}")
    return Cost(seconds, sum(peaks.values()))


def _watch(root: int, peaks: dict[int, float], over: threading.Event) -> None:
    while not over.wait(0.01):
        for pid in (root, *children(root)):
            try:
                status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
            except OSError:
                continue
            for line in status.splitlines():
                if line.startswith("VmHWM:"):
                    peaks[pid] = max(peaks.get(pid, 0), int(line.split()[1]) / 1024)


def children(root: int) -> list[int]:
    """The processes that a process has started, of those that still run."""
    found = []
    try:
        for task in Path(f"/proc/{root}/task").iterdir():
            found += [int(pid) for pid in (task / "children").read_text().split()]
    except OSError:
        pass
    return found


def seconds(cost: Cost) -> str:
    """``1.23 s``, ``45 ms`` or ``0.67 ms``."""
    if cost.seconds >= 1:
        return f"{cost.seconds:.2f} s"
    return f"{cost.seconds * 1000:.{0 if cost.seconds >= 0.01 else 2}f} ms"


def ratio(ours: float, other: float) -> str:
    """``1.23``, or a dash where nothing was measured."""
    return f"{ours / other:.2f}" if other else "–"
