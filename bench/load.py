"""A long day in short: 50 people for ten minutes, then 200 uploads by visitors who leave.

Everybody has been on every page with every business type before memory is looked at, so that what
still grows is no first visit. Takes about 20 minutes; ``KPI_BENCH_MINUTES=1`` shortens the first
part.
"""

import asyncio
import os
import random
import statistics
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from pathlib import Path

from bench.common import ROOT, Line, children
from bench.people import GONE, forgotten, moved, total
from bench.scorecard import write
from bench.wire import Answer, Visitor, resident, served, visitor
from kpi_core import catalogue, words
from kpi_core.facts import Facts, combine
from kpi_core.ingest import read_path
from kpi_core.kpis import Values, kpi_values
from kpi_core.model import Period
from kpi_core.plan import Plan, default_plan
from kpi_core.score import score
from tests.browser import warm

TITLE = "Load held for minutes"
PEOPLE, MINUTES = 50, 10.0
LOOK = 10  # seconds between two looks at the memory
WARM = 0.2  # share of the time after which memory is looked at
FIRST, UPLOADS = 20, 200  # uploads before the first look, and then
LATEST = 6  # months that people choose from
ROWS = 10_000  # of each table that is uploaded
EXPORTS = ("metrika_xlsx/sources.xlsx", "events/checkout.csv", "shopify/orders.csv")
LANG = "en"
SHARES = {"slide": 90, "page": 5, "period": 3, "business": 2}  # of a hundred acts


@dataclass
class Told:
    """What people met: act to seconds, what went wrong, totals that are not the library's."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: {own: [] for own in SHARES})
    errors: list[str] = field(default_factory=list)
    totals: int = 0
    wrong: int = 0

    def met(self, act: str, answer: Answer) -> None:
        """One answer of the app."""
        self.seconds[act].append(answer.seconds)
        self.errors += answer.errors

    def at(self, share: float, *acts: str) -> float:
        """The time that this share of such acts did not exceed."""
        told = sorted(second for act in acts for second in self.seconds[act])
        return told[max(0, round(share * len(told)) - 1)]


@cache
def sample(business: str) -> Facts:
    """The sample of a business type, read by the library alone."""
    return combine(
        [read_path(path) for path in sorted((ROOT / "sample_data" / business).iterdir())]
    )


@cache
def values(business: str, period: Period) -> Values:
    """Its KPI values."""
    return kpi_values(
        sample(business),
        catalogue.business(business),
        period,
        settings=default_plan(business).settings(),
    )


@dataclass
class Person:
    """Somebody at the app, and what they should see."""

    own: Visitor
    pick: random.Random
    plans: dict[str, Plan] = field(
        default_factory=lambda: {id: default_plan(id) for id in catalogue.businesses()}
    )
    business: str = next(iter(catalogue.businesses()))
    period: Period | None = None  # none: the last whole month
    turn: int = 0

    def expected(self) -> str:
        """The total as the page prints it."""
        facts = sample(self.business)
        found = values(self.business, self.period or facts.months()[-1])
        plan = self.plans[self.business].of_period(found.period)
        return words.points(score(plan, found.totals()).total, LANG)

    async def slide(self) -> Answer:
        """A weight moved."""
        plan = self.plans[self.business]
        kpi = self.pick.choice(list(plan.shares()))
        now = round(100 * plan.shares()[kpi])
        percent = self.pick.choice([other for other in range(5, 96) if other != now])
        self.plans[self.business] = plan.with_share(kpi, Fraction(percent, 100))
        self.turn += 1
        return await moved(self.own, self.turn - 1, kpi, percent)

    async def page(self) -> Answer:
        """Another page."""
        return await self.own.visit(self.pick.choice(self.own.paths()))

    async def choose_period(self) -> Answer:
        """Another of the latest months; the list begins with the month that is not over."""
        facts = sample(self.business)
        months = list(reversed(facts.months()))[:LATEST]
        self.period = self.pick.choice(months)
        position = months.index(self.period) + (facts.begun() is not None)
        return await self.own.choose("period.", position)

    async def choose_business(self) -> Answer:
        """Another business type."""
        return await self.become(self.pick.choice([id for id in self.plans if id != self.business]))

    async def become(self, business: str) -> Answer:
        """This business type."""
        self.business = business
        return await self.own.choose("business", list(self.plans).index(business))

    async def walk(self, told: Told) -> None:
        """Every page with every business type, the first one last."""
        for business in [*list(self.plans)[1:], self.business]:
            told.errors += (await self.become(business)).errors
            for path in self.own.paths():
                told.errors += (await self.own.visit(path)).errors
            told.errors += (await self.own.visit()).errors

    async def acts(self, told: Told) -> None:
        """One act; the weights are on the first page, so whoever is elsewhere comes back."""
        (act,) = self.pick.choices(list(SHARES), list(SHARES.values()))
        answer = await {
            "slide": self.slide,
            "page": self.page,
            "period": self.choose_period,
            "business": self.choose_business,
        }[act]()
        told.met(act, answer)
        if act == "page":
            answer = await self.own.visit()
            told.met(act, answer)
        told.totals += 1
        told.wrong += total(answer) != self.expected()


async def busy(person: Person, told: Told, until: float) -> None:
    """One act a second until then."""
    await asyncio.sleep(person.pick.random())
    while (start := time.monotonic()) < until:
        await person.acts(told)
        await asyncio.sleep(max(0.0, start + 1 - time.monotonic()))


async def looked(server: int, since: float, until: float) -> list[tuple[float, float]]:
    """Minutes and MB of the server, every few seconds between two moments."""
    found = []
    await asyncio.sleep(since - time.monotonic())
    while (now := time.monotonic()) < until:
        found.append(((now - since) / 60, resident(server)))
        await asyncio.sleep(LOOK)
    return found


async def working(url: str, server: int, minutes: float) -> tuple[Told, list[tuple[float, float]]]:
    """All of them at work for so long."""
    told = Told()
    async with AsyncExitStack() as stack:
        people = []
        for number in range(PEOPLE):
            own = await stack.enter_async_context(visitor(url, LANG))
            told.errors += (await own.visit()).errors
            people.append(Person(own, random.Random(number)))  # noqa: S311
        await asyncio.gather(*(person.walk(told) for person in people))
        begun = time.monotonic()
        until = begun + 60 * minutes
        memory, *_ = await asyncio.gather(
            looked(server, begun + WARM * 60 * minutes, until),
            *(busy(person, told, until) for person in people),
        )
    return told, memory


@dataclass(frozen=True)
class Held:
    """What the server and its folder for temporary files hold."""

    megabytes: float
    files: int
    open: int
    processes: int

    @classmethod
    def by(cls, server: int, folder: Path) -> "Held":
        """At this moment."""
        return cls(
            resident(server),
            sum(path.is_file() for path in folder.rglob("*")),
            len(os.listdir(f"/proc/{server}/fd")),
            len(children(server)),
        )


async def uploading(url: str, files: list[Path]) -> list[str]:
    """What went wrong for visitors who came one after another, each with a file, and left."""
    told = []
    for file in files:
        async with visitor(url, LANG) as own:
            told += (await own.visit("data")).errors
            told += (await own.upload("files:0", file)).errors
    return told


def brought(folder: Path, count: int) -> list[Path]:
    """Tables of other names each; between them a workbook, a log of events, and orders."""
    text = write(folder / "table.csv", ROWS).read_text()
    others = [ROOT / "tests" / "exports" / name for name in EXPORTS]
    found = []
    for number in range(count):
        if number % 4 == 3:
            found.append(others[number // 4 % len(others)])
            continue
        found.append(folder / f"{number}.csv")
        found[-1].write_text(text.replace(",organic,", f",organic {number},"))
    return found


def apart(folder: Path) -> dict[str, str]:
    """The environment of a server that writes here what is temporary, and keeps nothing."""
    folder.mkdir()
    return {"TMPDIR": str(folder), "KPI_WORKSPACE": "off"}


def slope(memory: list[tuple[float, float]]) -> float:
    """MB a minute, by least squares."""
    return statistics.linear_regression(*zip(*memory, strict=True)).slope


def people(folder: Path, minutes: float) -> list[Line]:
    """Many people for so many minutes."""
    with served(environment=apart(folder)) as (url, server):
        warm(url)
        told, memory = asyncio.run(working(url, server, minutes))
    what = f"{PEOPLE} people for {minutes:g} minutes"
    acts = sum(map(len, told.seconds.values()))
    lines = [
        (f"{what}: errors, of {acts} answers", f"{len(told.errors)}", "0"),
        (f"{what}: totals not the library's, of {told.totals}", f"{told.wrong}", "0"),
    ]
    for name, own in (("a weight moved", ["slide"]), ("page, period, business", list(SHARES)[1:])):
        times = " / ".join(f"{1000 * told.at(share, *own):.0f} ms" for share in (0.5, 0.95))
        lines.append((f"{what}, {name}: median / 95th percentile", times, "–"))
    held = [megabytes for _, megabytes in memory]
    lines += [
        (
            f"{what}: memory of the server, after a warm-up",
            f"{min(held):.0f} to {max(held):.0f} MB",
            "–",
        ),
        (f"{what}: its slope, by least squares", f"{slope(memory):+.2f} MB a minute", "flat"),
        (
            f"{what}: the same of the second half",
            f"{slope(memory[len(memory) // 2 :]):+.2f} MB a minute",
            "flat",
        ),
    ]
    return [Line(name, ours, "–", "–", hoped) for name, ours, hoped in lines]


def uploads(folder: Path) -> list[Line]:
    """Uploads in a row: what is held once all who came are forgotten, beside what was before."""
    files = brought(folder, FIRST + UPLOADS)
    flags, temporary = ("--server.disconnectedSessionTTL", str(GONE)), folder / "uploads"
    with served(*flags, environment=apart(temporary)) as (url, server):
        warm(url)
        told = asyncio.run(uploading(url, files[:FIRST]))
        asyncio.run(forgotten(url, server))
        before = Held.by(server, temporary)
        told += asyncio.run(uploading(url, files[FIRST:]))
        asyncio.run(forgotten(url, server))
        after = Held.by(server, temporary)
    what = f"{UPLOADS} uploads by visitors who left"
    return [
        Line(f"{what}: errors", f"{len(told)}", "–", "–", "0"),
        Line(
            f"{what}: memory after, beside that after the first {FIRST}",
            f"{after.megabytes:.0f} MB",
            f"{before.megabytes:.0f} MB",
            f"{after.megabytes / before.megabytes:.2f}",
            "flat",
        ),
        *(
            Line(f"the same: {name}", f"{now}", f"{then}", "–", "no more")
            for name, now, then in (
                ("temporary files", after.files, before.files),
                ("open files and sockets", after.open, before.open),
                ("processes that read files", after.processes, before.processes),
            )
        ),
    ]


def run(folder: Path) -> list[Line]:
    """Many people, then many uploads."""
    minutes = float(os.environ.get("KPI_BENCH_MINUTES", MINUTES))
    return people(folder / "people", minutes) + uploads(folder)
