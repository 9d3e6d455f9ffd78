"""Chance in the whole chain, beside drawing its random numbers, a plain loop and a spreadsheet."""

import csv
import shutil
import subprocess
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from scipy.special import ndtri
from scipy.stats import qmc

from bench.chain import made
from bench.common import ROOT, Cost, Line, process, ratio, rounds, seconds, timed
from kpi_core.drivers import parse_lever
from kpi_core.facts import combine
from kpi_core.ingest import read_path
from kpi_core.model import Better, parse_period
from kpi_core.rules import NEAR, Steps
from kpi_core.simulate import BLOCK, FIELDS, SCRAMBLES, SEED, drawn, simulate
from kpi_core.uncertainty import Uncertain, history, uncertain

TITLE = "Chance in the whole chain"
DRAWS, MONTHS = 100_000, 12
FEW = 10_000  # draws of one lever move, of the loop and of the sheet
PERIOD = parse_period("2026-10")
YEAR = "from bench.simulate import year; year()"
# The default plan of the shop by hand: measures from drivers, KPIs from measures.
MEASURES = {
    "clicks": "spend / cpc",
    "sessions": "other_sessions + clicks * visits_per_click",
    "carts": "sessions * view_rate * cart_rate",
    "orders": "sessions * cr",
    "revenue": "orders * aov",
    "bounces": "sessions * bounce_rate",
    "impressions": "clicks / ctr",
    "pageviews": "sessions * page_depth",
    "new_customers": "orders * new_share",
    "profit": "revenue * margin_rate - spend",
}
KPIS = {
    "cr": "orders / sessions",
    "aov": "revenue / orders",
    "cpo": "spend / orders",
    "cart_abandonment": "1 - orders / carts",
    "bounce_rate": "bounces / sessions",
    "cpc": "spend / clicks",
    "orders": "orders",
    "sessions": "sessions",
    "roas": "revenue / spend",
    "romi": "profit / spend",
    "cac": "spend / new_customers",
    "ctr": "clicks / impressions",
    "page_depth": "pageviews / sessions",
}


def shop(ahead: int) -> tuple[object, Uncertain]:
    """The chain of the shop's default plan, and what its drivers may be."""
    own = made("shop")
    data = combine([read_path(path) for path in sorted((ROOT / "sample_data/shop").iterdir())])
    known = history(data, own.model, PERIOD, own.plan.settings())
    return own, uncertain(own.model, known, ahead=ahead)


def year() -> None:
    """A year of months in all draws, to be measured from outside."""
    own, chances = shop(MONTHS)
    simulate({"": own.plan}, own.values, chances, draws=DRAWS)


def by_scipy(rows: int) -> None:
    """The same scores: as many scrambled Sobol points, as normal figures."""
    for child in np.random.SeedSequence(SEED).spawn(SCRAMBLES):
        points = qmc.Sobol(rows, rng=np.random.default_rng(child))
        left = DRAWS // SCRAMBLES
        while left:
            size = 1 << (min(left, BLOCK).bit_length() - 1)
            ndtri(points.random(size))
            left -= size


def by_numpy(rows: int) -> None:
    """As many normal figures by the fastest generator there is."""
    pick = np.random.default_rng(SEED)
    for _ in range(-(-DRAWS // BLOCK)):
        pick.standard_normal((BLOCK, rows))


def run(folder: Path) -> list[Line]:
    """A year in 100,000 draws, one lever in 10,000, and the same by other means."""
    own, chances = shop(MONTHS)
    rows = MONTHS * sum(not driver.certain for driver in chances.drivers)

    def whole() -> Cost:
        plans = {"": own.plan}
        return timed(lambda: simulate(plans, own.values, chances, draws=DRAWS))

    ours, scipys, numpys = rounds(
        whole, lambda: timed(lambda: by_scipy(rows)), lambda: timed(lambda: by_numpy(rows))
    )
    year_ = f"shop, everything: {DRAWS:,} draws x {MONTHS} months, beside drawing {rows} numbers"
    lines = [
        Line(f"{year_} each by scipy (Sobol)", seconds(ours), seconds(scipys),
             ratio(ours.seconds, scipys.seconds), "≤ 4"),
        Line(f"{year_} each by numpy (pseudo-random)", seconds(ours), seconds(numpys),
             ratio(ours.seconds, numpys.seconds), ""),
    ]  # fmt: skip
    memory = process(YEAR)
    lines.append(
        Line("the same, whole process", f"{memory.megabytes:.0f} MB", "", "", "< 1,000 MB")
    )
    _, month = shop(1)
    lever = dict([parse_lever("cr=+10%")])
    plans = {"": own.plan}
    (moved,) = rounds(lambda: timed(lambda: simulate(plans, own.values, month, lever, draws=FEW)))
    lines.append(Line(f"shop: one lever moved, {FEW:,} draws", seconds(moved), "", "", "< 60 ms"))
    bonus = simulate(plans, own.values, month, draws=FEW)[""].results.bonus[0]
    table = _table(month)
    drawn_rows = list(zip(*table.values(), strict=True))
    levers = month.levers({id: np.array(column) for id, column in table.items()})
    space: dict[str, object] = {}
    exec(compile(_loop(own, [*table]), "loop", "exec"), space)  # noqa: S102  # the formulas above
    _same(space["paid"](drawn_rows), bonus)
    still, loop = rounds(
        lambda: timed(lambda: own.at(levers, FIELDS)),
        lambda: timed(lambda: space["paid"](drawn_rows)),
    )
    what = f"shop: {FEW:,} draws of a month, drawn before, through the chain; beside"
    lines.append(
        Line(f"{what} the same model as a plain Python loop", seconds(still), seconds(loop),
             f"{loop.seconds / still.seconds:.1f} times", "")
    )  # fmt: skip
    if shutil.which("soffice"):
        calc = _by_calc(own, table, bonus, folder)
        lines.append(
            Line(f"{what} the same as a LibreOffice Calc sheet (not counting to open it)",
                 seconds(still), seconds(calc), f"{calc.seconds / still.seconds:.0f} times", "")
        )  # fmt: skip
    return lines


def _table(chances: Uncertain) -> dict[str, list[float]]:
    """The drivers of each draw, column by column."""
    parts: dict[str, list[float]] = {}
    for part, drivers in drawn(chances, FEW, SEED):
        for id, own in drivers.items():
            column = np.broadcast_to(own[0], (part.stop - part.start,))
            parts.setdefault(id, []).extend(column.tolist())
    return parts


def _same(found: list[float], bonus: np.ndarray) -> None:
    if not np.allclose(found, bonus, atol=0.01):
        raise SystemExit("the other way of computing gives another bonus")


def _constants(own: object) -> dict[str, float]:
    """What makes of the formulas above the KPI of its own source, at the base."""
    model = own.model
    known = {id: float(value) for id, value in model.drivers.items() if value is not None}
    for id, formula in MEASURES.items():
        known[id] = eval(formula, {}, known)  # noqa: S307
    found = {}
    for id, formula in KPIS.items():
        was = eval(formula, {}, known)  # noqa: S307
        now = float(own.kpis[id])
        found[id] = (1 - now) / (1 - was) if formula.startswith("1 -") else now / was
    return found


def _scaled(id: str, constant: float) -> str:
    formula = KPIS[id]
    inner = formula.removeprefix("1 - ")
    return f"1 - {constant!r} * ({inner})" if inner != formula else f"{constant!r} * ({inner})"


def _judged(own: object) -> Iterator[tuple[str, str, list[tuple[float, float]], float, float]]:
    """Of each line and factor: name, attainment, steps, score below them, share of the weights."""
    totals, shares = own.values.totals(), own.plan.shares()
    for goal in (*own.plan.lines, *own.plan.paying()):
        if not isinstance(goal.rule, Steps):
            raise SystemExit("the benchmark knows steps only")
        line = goal in own.plan.lines
        target = float(goal.target)
        higher = totals[goal.kpi].definition.better is Better.HIGHER
        share = f"k_{goal.kpi} / {target!r}" if higher else f"{target!r} / k_{goal.kpi}"
        steps = [
            (float(step.at) * (1 - NEAR if step.inclusive else 1 + NEAR), float(step.score))
            for step in goal.rule.steps
        ]
        name = f"{'line' if line else 'factor'}_{goal.kpi}"
        weight = float(shares[goal.kpi]) if line else 0.0
        yield name, share, steps, float(goal.rule.below), weight


def _loop(own: object, names: list[str]) -> str:
    """A function that goes draw by draw, in Python's own numbers."""
    constants = _constants(own)
    lines = ["def paid(rows):", "    found = []", f"    for {', '.join(names)} in rows:"]
    lines += [f"        {id} = {formula}" for id, formula in MEASURES.items()]
    lines += [f"        k_{id} = {_scaled(id, constants[id])}" for id in KPIS]
    total, bonus = "0.0", repr(float(own.plan.scheme.stake))
    for name, share, steps, below, weight in _judged(own):
        lines.append(f"        {name} = {share}")
        scores = " else ".join(f"{score!r} if {name} >= {at!r}" for at, score in reversed(steps))
        lines.append(f"        s_{name} = {scores} else {below!r}")
        total += f" + {weight!r} * s_{name}" if weight else ""
        bonus += f" * s_{name}" if name.startswith("factor") else ""
    lines += [f"        total = {total}", f"        bonus = {bonus}"]
    return "\n".join([*lines, "        found.append(bonus)", "    return found"])


def _by_calc(own: object, table: dict[str, list[float]], bonus: np.ndarray, folder: Path) -> Cost:
    """What a sheet of the formulas takes beyond one of as many numbers: both are only read."""
    names = [*table]
    known = dict(zip(names, _letters(), strict=False))
    constants = _constants(own)
    formulas: list[str] = []
    letters = islice(_letters(), len(names), None)

    def cell(id: str, formula: str) -> None:
        known[id] = next(letters)
        formulas.append(formula)

    for id, formula in MEASURES.items():
        cell(id, _cells(formula, known))
    for id in KPIS:
        cell(f"k_{id}", _cells(_scaled(id, constants[id]), known))
    total, bonus_ = "0", repr(float(own.plan.scheme.stake))
    for name, share, steps, below, weight in _judged(own):
        cell(name, _cells(share, known))
        score = repr(below)
        for at, own_score in steps:
            score = f"IF([.{known[name]}#]>={at!r};{own_score!r};{score})"
        cell(f"s_{name}", score)
        total += f"+{weight!r}*[.{known[f's_{name}']}#]" if weight else ""
        bonus_ += f"*[.{known[f's_{name}']}#]" if name.startswith("factor") else ""
    cell("total", total)
    cell("bonus", bonus_)
    times = []
    for kind in ("formulas", "numbers"):
        path = folder / f"{kind}.fods"
        _sheet(path, table, formulas if kind == "formulas" else [None] * len(formulas))
        start = time.perf_counter()
        subprocess.run(
            [shutil.which("soffice") or "", "--headless", f"-env:UserInstallation=file://{folder}/office",
             "--convert-to", "csv", "--outdir", str(folder), str(path)],
            check=True, capture_output=True,
        )  # fmt: skip
        times.append(time.perf_counter() - start)
    with (folder / "formulas.csv").open(encoding="utf-8") as lines:
        _same([float(row[-1]) for row in csv.reader(lines)], bonus)
    return Cost(max(times[0] - times[1], 0.0), 0)


def _letters() -> Iterator[str]:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    yield from alphabet
    yield from (first + second for first in alphabet for second in alphabet)


def _cells(formula: str, known: dict[str, str]) -> str:
    """A formula over cells of its own row, which `#` stands for."""
    words = formula.replace("(", "( ").replace(")", " )").split()
    return "".join(f"[.{known[word]}#]" if word in known else word for word in words)


def _sheet(path: Path, table: dict[str, list[float]], formulas: list[str | None]) -> None:
    head = (
        '<?xml version="1.0" encoding="UTF-8"?><office:document '
        'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
        'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
        'xmlns:of="urn:oasis:names:tc:opendocument:xmlns:of:1.2" office:version="1.3" '
        'office:mimetype="application/vnd.oasis.opendocument.spreadsheet"><office:body>'
        '<office:spreadsheet><table:table table:name="s">'
    )
    with path.open("w", encoding="utf-8") as out:
        out.write(head)
        for number, row in enumerate(zip(*table.values(), strict=True), start=1):
            out.write("<table:table-row>")
            out.writelines(
                f'<table:table-cell office:value-type="float" office:value="{value!r}"/>'
                for value in row
            )
            for formula in formulas:
                if formula is None:
                    out.write('<table:table-cell office:value-type="float" office:value="1.5"/>')
                else:
                    written = formula.replace("#", str(number)).replace(">", "&gt;")
                    out.write(f'<table:table-cell table:formula="of:={written}"/>')
            out.write("</table:table-row>")
        out.write("</table:table></office:spreadsheet></office:body></office:document>")
