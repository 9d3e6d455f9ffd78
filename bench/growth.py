"""Whether a slider feels the size of what was uploaded, and what a large upload keeps in memory."""

import asyncio
import statistics
import time
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv

from bench.common import Line, ratio
from bench.people import moved, total
from bench.wire import Visitor, resident, served, visitor
from tests.browser import warm

TITLE = "A slider after uploads of all sizes"
ROWS = (10_000, 1_000_000, 5_000_000)
MOVES = 40  # with each upload, turn and turn about
WARM = 5
KPI = "cr"  # whose weight is moved


def write(path: Path, rows: int) -> Path:
    """13 months of days in three channels, each row a part of one of them."""
    rng = np.random.default_rng(20261001)
    days = [str(day) for day in np.arange("2025-10-01", "2026-11-01", dtype="datetime64[D]")]
    channels = ["organic", "cpc", "email"]

    def texts(values: list[str]) -> pa.Array:
        return pa.array(values).take(pa.array(rng.integers(0, len(values), rows)))

    table = {
        "Date": texts(days),
        "Channel": texts(channels),
        "Sessions": rng.integers(1, 99, rows),
        "Orders": rng.integers(0, 9, rows),
        "Revenue": rng.integers(0, 999, rows),
        "Cost": rng.integers(0, 99, rows),
    }
    pa.csv.write_csv(pa.table(table), path)
    return path


class Reader:
    """A person on a server of their own, who has uploaded a file and moves a slider."""

    def __init__(self, own: Visitor, server: int) -> None:
        self.own, self.server = own, server
        self.read = self.megabytes = 0.0
        self.moves: list[float] = []

    async def bring(self, file: Path) -> None:
        """Upload the file, and open the page with its figures."""
        await self.own.visit()
        before = resident(self.server)
        await self.own.visit("data")
        start = time.perf_counter()
        said = (await self.own.upload("files:0", file)).errors
        self.read = time.perf_counter() - start
        answer = await self.own.visit()
        self.megabytes = resident(self.server) - before
        if said or answer.errors:
            raise SystemExit(f"growth: the app said {said or answer.errors}")

    async def move(self, number: int) -> None:
        """A slider to a place where it does not stand."""
        answer = await moved(self.own, number, KPI, 5 + number % 90)
        if answer.errors or total(answer) is None:
            raise SystemExit(f"growth: the app said {answer.errors}")
        self.moves.append(answer.seconds)


async def measured(servers: list[tuple[str, int]], files: list[Path]) -> list[Reader]:
    """Each file with a server of its own; sliders are moved turn and turn about."""
    async with AsyncExitStack() as stack:
        readers = [
            Reader(await stack.enter_async_context(visitor(url)), server) for url, server in servers
        ]
        for reader, file in zip(readers, files, strict=True):
            await reader.bring(file)
        for number in range(WARM + MOVES):
            for reader in readers:
                await reader.move(number)
    return readers


def run(folder: Path) -> list[Line]:
    """Times of the server, from a slider being moved to the last message that answers."""
    files = [write(folder / f"{rows}.csv", rows) for rows in ROWS]
    with ExitStack() as stack:
        servers = [stack.enter_context(served()) for _ in files]
        for url, _ in servers:
            warm(url)
        readers = asyncio.run(measured(servers, files))
    middle = [statistics.median(reader.moves[WARM:]) for reader in readers]
    lines = []
    for rows, file, reader, now in zip(ROWS, files, readers, middle, strict=True):
        size = file.stat().st_size / 1e6
        lines += [
            Line(
                f"a slider after an upload of {rows:,} rows, {size:.1f} MB, beside {ROWS[0]:,}",
                f"{1000 * now:.0f} ms",
                f"{1000 * middle[0]:.0f} ms",
                ratio(now, middle[0]),
                "≤ 1.1",
            ),
            Line(
                "the same: sent and read; memory of the session",
                f"{reader.read:.1f} s; {reader.megabytes:.0f} MB",
                "–",
                "–",
                "–",
            ),
        ]
    return lines
