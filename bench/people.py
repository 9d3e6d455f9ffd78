"""Many people at once: each in a session of their own, one move of a weight slider a second."""

import asyncio
import random
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from bench.common import ROOT, Line, ratio
from bench.scorecard import write
from bench.wire import Answer, Visitor, resident, served, visitor
from kpi_core import catalogue, words
from kpi_core.facts import combine
from kpi_core.ingest import read_path
from kpi_core.kpis import kpi_values
from kpi_core.plan import Plan, default_plan
from kpi_core.score import score
from tests.browser import warm

TITLE = "Many people at once"
PEOPLE = (1, 10, 50)
MOVES = 20  # of each person
BUSINESS, LANG = "shop", "en"
ROWS = 10_000  # of the file that each brings, when memory is measured
GONE = 10  # seconds after which the app forgets who left; by default 120
SETTLE = 3  # seconds between the last to leave and a look at the memory


@dataclass
class Told:
    """What people met: seconds that each move took, what went wrong, totals that are not theirs."""

    seconds: list[float]
    errors: list[str]
    wrong: int = 0

    def at(self, share: float) -> float:
        """The time that this share of the moves did not exceed."""
        return sorted(self.seconds)[max(0, round(share * len(self.seconds)) - 1)]


class Truth:
    """The total of any plan on the sample shop, computed by the library alone."""

    def __init__(self) -> None:
        files = sorted((ROOT / "sample_data" / BUSINESS).iterdir())
        facts = combine([read_path(path) for path in files])
        self._values = kpi_values(
            facts,
            catalogue.business(BUSINESS),
            facts.months()[-1],
            settings=default_plan(BUSINESS).settings(),
        )

    def total(self, plan: Plan) -> str:
        """As the page prints it."""
        own = plan.of_period(self._values.period)
        return words.points(score(own, self._values.totals()).total, LANG)


async def moved(own: Visitor, turn: int, kpi: str, percent: int) -> Answer:
    """The weight of a KPI, moved as the sliders of the page tell it; turns count from 0."""
    sent = {"board": "bench", "moves": [[turn + 1, kpi, "slide", percent]]}
    return await own.trigger("news", "moved", sent)


def total(answer: Answer) -> str | None:
    """The total that the page was told."""
    slots = answer.data.get("news", {}).get("slots", {})
    blocks = [block for slot in slots.values() for block in slot if block["kind"] == "metrics"]
    shown = {item["id"]: item["value"] for block in blocks for item in block["items"]}
    return shown.get("score")


async def person(own: Visitor, number: int, truth: Truth, told: Told) -> None:
    """Moves one slider after another, each person in an order and to values of their own."""
    pick = random.Random(number)  # noqa: S311
    plan = default_plan(BUSINESS)
    await asyncio.sleep(pick.random())
    for turn in range(MOVES):
        start = time.perf_counter()
        kpi = pick.choice(list(plan.shares()))
        now = round(100 * plan.shares()[kpi])
        percent = pick.choice([other for other in range(5, 96) if other != now])
        plan = plan.with_share(kpi, Fraction(percent, 100))
        answer = await moved(own, turn, kpi, percent)
        told.seconds.append(answer.seconds)
        told.errors += answer.errors
        told.wrong += total(answer) != truth.total(plan)
        await asyncio.sleep(max(0.0, start + 1 - time.perf_counter()))


async def moving(url: str, people: int, truth: Truth) -> Told:
    """So many people on the sample shop."""
    told = Told([], [])
    async with AsyncExitStack() as stack:
        visitors = [await stack.enter_async_context(visitor(url, LANG)) for _ in range(people)]
        for own in visitors:
            told.errors += (await own.visit()).errors
        await asyncio.gather(
            *(person(own, number, truth, told) for number, own in enumerate(visitors))
        )
    return told


async def coming(url: str, server: int, files: list[Path]) -> list[float]:
    """MB of the server with one visitor more each time, who brings a file and opens the page."""
    held = []
    async with AsyncExitStack() as stack:
        for file in files:
            own = await stack.enter_async_context(visitor(url, LANG))
            await own.visit("data")
            said = [*(await own.upload("files:0", file)).errors, *(await own.visit()).errors]
            if said:
                raise SystemExit(f"people: the app said {said}")
            held.append(resident(server))
    return held


async def forgotten(url: str, server: int) -> float:
    """MB once all who left are forgotten, which happens when the next one leaves."""
    await asyncio.sleep(GONE + 1)
    async with visitor(url, LANG) as last:
        await last.visit()
    await asyncio.sleep(SETTLE)
    return resident(server)


def speed() -> list[Line]:
    """Times alone and together, and whether everybody saw their own figures."""
    truth = Truth()
    with served() as (url, _):
        warm(url)
        told = {people: asyncio.run(moving(url, people, truth)) for people in PEOPLE}
    alone, lines = told[1], []
    for people, own in told.items():
        lines += [
            Line(
                f"{people} moving a weight slider once a second: {name}",
                f"{1000 * now:.0f} ms",
                f"{1000 * then:.0f} ms (alone)",
                ratio(now, then),
                "< 10" if people == PEOPLE[-1] and name == "95th percentile" else "–",
            )
            for name, now, then in (
                ("median", own.at(0.5), alone.at(0.5)),
                ("95th percentile", own.at(0.95), alone.at(0.95)),
            )
        ]
        lines.append(
            Line(
                f"the same, {len(own.seconds)} moves: errors; totals not as the library has them",
                f"{len(own.errors)}; {own.wrong}",
                "–",
                "–",
                "0; 0",
            )
        )
    return lines


def memory(folder: Path) -> list[Line]:
    """What a session adds, each with a file of its own, and what stays of those that ended."""
    table = write(folder / "table.csv", ROWS).read_text()
    files = []
    for number in range(PEOPLE[-1]):
        files.append(folder / f"{number}.csv")
        files[-1].write_text(table.replace(",organic,", f",organic {number},"))
    megabytes = files[0].stat().st_size / 1e6
    with served("--server.disconnectedSessionTTL", str(GONE)) as (url, server):
        warm(url)
        empty = resident(server)
        first = asyncio.run(coming(url, server, files))
        kept = asyncio.run(forgotten(url, server))
        again = asyncio.run(coming(url, server, files))
        kept_again = asyncio.run(forgotten(url, server))
    above = {people: first[people - 1] - empty for people in PEOPLE}
    own_file = f"each with a file of {ROWS:,} rows, {megabytes:.1f} MB"
    return [
        *(
            Line(
                f"memory with {people} there, {own_file}; beside nobody, the app warm",
                f"{first[people - 1]:.0f} MB",
                f"{empty:.0f} MB",
                ratio(first[people - 1], empty),
                "–",
            )
            for people in PEOPLE
        ),
        Line(
            f"of that, each of them after the first {PEOPLE[1]}",
            f"{(above[PEOPLE[2]] - above[PEOPLE[1]]) / (PEOPLE[2] - PEOPLE[1]):.1f} MB",
            "–",
            "–",
            "< 30 MB",
        ),
        Line(
            f"kept once all {PEOPLE[-1]} are forgotten, beside what they held",
            f"{kept - empty:.0f} MB",
            f"{above[PEOPLE[-1]]:.0f} MB",
            ratio(kept - empty, above[PEOPLE[-1]]),
            "–",
        ),
        Line(
            f"the same after {PEOPLE[-1]} more came and left",
            f"{kept_again - empty:.0f} MB",
            f"{again[-1] - empty:.0f} MB",
            ratio(kept_again - empty, again[-1] - empty),
            "–",
        ),
    ]


def run(folder: Path) -> list[Line]:
    """Speed on the sample shop, then memory with files of everybody's own."""
    return speed() + memory(folder)
