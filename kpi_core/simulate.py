"""Chance in the whole chain: thousands of months that may come, through to score, bonus and profit.

Drivers are drawn from what they may be (``uncertainty``) by Sobol points, joined by a normal
copula, and run through the chain (``chain``). Points are scrambled `SCRAMBLES` times over, each
time on its own, so what those disagree by is the standard error of every figure. Plans that are
compared meet the same months.

Source:
    Owen (1997), SIAM J. Numer. Anal. 34(5), 1884-1910: scrambled points; Owen (2023), Practical
    Quasi-Monte Carlo, 3.6: errors from replicates; Glasserman (2003), Monte Carlo Methods in
    Financial Engineering, 4.2: common random numbers.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import numpy as np

from kpi_core.chain import Chain, Results, chain
from kpi_core.chance import wanted
from kpi_core.drivers import Lever
from kpi_core.errors import UsageError
from kpi_core.forecast import SEASONAL_MONTHS
from kpi_core.formula import Array
from kpi_core.kpis import Values
from kpi_core.model import Better, Period
from kpi_core.plan import Plan
from kpi_core.rules import NEAR
from kpi_core.text import days, money, number, percent, say
from kpi_core.uncertainty import CELLS, LEVEL, REACH, SCORES, Basis, Uncertain, Uncertainty

LOW, HIGH = (1 - LEVEL) / 2, (1 + LEVEL) / 2
SEED = 7
DRAWS = 10_000
SCRAMBLES = 16
FEWEST_DRAWS = 10 * SCRAMBLES
MOST_POSITIONS = 2_000_000  # draws x months, of all plans together: what memory holds
MOST_MONTHS = 12
BLOCK = 1 << 13  # draws that are made and run at once
ONE_THREAD = 1 << 17  # products that are summed on one thread: more of them wait for each other
FIELDS = frozenset({"kpis", "total", "bonus", "profit_after_ads"})
SAME = 1e-9  # of the stake: sums that differ by less are one
MOST_STEPS = 12  # sums that are told one by one; more of them are told in tenths
RAREST = 0.001  # chances are not told more exactly
TENTHS = 10  # of the largest bonus
CELLS_A_UNIT = CELLS / (2 * REACH)


@dataclass(frozen=True)
class Figure:
    """A figure of the draws and its standard error, by the scrambles."""

    value: float
    error: float


@dataclass(frozen=True)
class Step:
    """A bonus, or the bonuses from `low` up to below `high`, and how likely it is."""

    low: float
    high: float
    chance: Figure


@dataclass(frozen=True, eq=False)
class Simulated:
    """What the months ahead may bring to one plan.

    Attributes:
        plan: as it stands in the first of them.
        money: the measure that profit is counted from (``Chain.money``).
        now: everything in the period as measured, without levers and chance.
        results: KPIs, score, bonus and profit after advertising, each of shape (months, draws);
            draws of one scramble lie together. ``nan`` where the chain has no figure.
        targets: KPI to what is on plan in each month; ``None`` where nothing particular is.
        lower: KPIs of which less is better.
    """

    name: str
    plan: Plan
    periods: tuple[Period, ...]
    seed: int
    money: str | None
    now: Results = field(repr=False)
    results: Results = field(repr=False)
    targets: Mapping[str, tuple[float | None, ...]] = field(repr=False)
    lower: frozenset[str] = field(repr=False)

    @cached_property
    def pay(self) -> Array:
        """Bonus and the fixed part."""
        return np.asarray(self.results.bonus + float(self.plan.scheme.fixed))

    @cached_property
    def profit(self) -> Array:
        """Profit after advertising and pay."""
        return np.asarray(self.results.profit_after_ads - self.pay)

    @property
    def draws(self) -> int:
        """How many there are."""
        return int(self.results.bonus.shape[-1])

    def reached(self, kpi: str, month: int = 0) -> Figure | None:
        """How likely a KPI reaches its target; ``None`` without one, or without any figure."""
        target = self.targets.get(kpi, ())[month : month + 1]
        if not target or target[0] is None:
            return None
        values = self.results.kpis[kpi][month]
        slack = NEAR * abs(target[0])
        met = values <= target[0] + slack if kpi in self.lower else values >= target[0] - slack
        known = ~np.isnan(values)
        return mean(np.where(known, met, np.nan)) if known.any() else None

    def steps(self, month: int = 0) -> tuple[Step, ...]:
        """How likely which bonus is, rising; nothing where none can be paid at all.

        Up to `MOST_STEPS` sums one by one, else nothing, tenths of the most that was drawn, and
        the most.
        """
        bonus = self.results.bonus[month]
        known = bonus[~np.isnan(bonus)]
        if not known.size:
            return ()
        near = SAME * max(float(self.plan.scheme.stake), 1.0)
        sums = _apart(np.unique(known), near)
        if len(sums) > MOST_STEPS:
            most = float(sums[-1])
            marks = [most * tenth / TENTHS for tenth in range(TENTHS + 1)]
            spans = [(0.0, 0.0), *pairwise(marks), (most, most)]
        else:
            spans = [(own, own) for own in sums.tolist()]
        found = []
        for low, high in spans:
            if low == high:
                inside = np.abs(bonus - low) <= near
            else:
                inside = (bonus > low + near if low == 0 else bonus >= low - near) & (
                    bonus < high - near
                )
            found.append(Step(low, high, mean(np.where(np.isnan(bonus), np.nan, inside))))
        return tuple(found)


def _apart(rising: Array, near: float) -> Array:
    """Of rising sums, those that lie further than `near` above the one before."""
    return np.asarray(rising[np.concatenate([[True], np.diff(rising) > near])])


@dataclass(frozen=True)
class Beside:
    """One plan beside another, over all the months together.

    Attributes:
        more, less: how likely the other pays more, or less, than the one.
        apart: by how much more: mean; `low` and `high` hold the middle 80 %.
        cost, other_cost: what each pays in all, salary and all, on average.
    """

    more: Figure
    less: Figure
    apart: Figure
    low: Figure
    high: Figure
    cost: Figure
    other_cost: Figure


def simulate(
    plans: Mapping[str, Plan],
    values: Values,
    chances: Uncertain,
    levers: Mapping[str, Lever] | None = None,
    *,
    draws: int = DRAWS,
    seed: int = SEED,
) -> dict[str, Simulated]:
    """What the months ahead may bring to each of several plans, all of which meet the same months.

    Args:
        plans: by name, at least one; their KPIs are among those of `values`.
        values: of the period, as measured.
        chances: what the drivers of its model may be, with no lever moved.
        levers: moved as in ``drivers``; what is uncertain is so about the new places.
        draws: how many, rounded up to a multiple of `SCRAMBLES`.
        seed: 0 or more; the same seed gives the same figures, bit for bit.

    Raises:
        UsageError: a lever cannot be moved so, there are too few draws, months or plans, or too
            many of them.
    """
    months = len(chances.periods)
    count = -(-draws // SCRAMBLES) * SCRAMBLES
    if seed < 0:
        raise UsageError("bad_seed", where=str(seed))
    if not 1 <= months <= MOST_MONTHS:
        raise UsageError("bad_months", where=str(months), most=MOST_MONTHS)
    if draws < FEWEST_DRAWS or count * months * len(plans) > MOST_POSITIONS:
        most = MOST_POSITIONS // (months * len(plans))
        raise UsageError("bad_draws", where=str(draws), fewest=FEWEST_DRAWS, most=most)
    chances = chances.moved(levers or {})
    chains = {name: _chains(plan, values, chances) for name, plan in plans.items()}
    found = {name: _Filled(count) for name in plans}
    for part, drivers in drawn(chances, count, seed):
        for name, of_plan in chains.items():
            for month, made in enumerate(of_plan):
                here = chances.levers({id: own[month] for id, own in drivers.items()})
                found[name].take(made.at(here, FIELDS), month, months, part)
    return {
        name: _simulated(name, own, values, (chances, seed, found[name].results()))
        for name, own in chains.items()
    }


def _chains(plan: Plan, values: Values, chances: Uncertain) -> tuple[Chain, ...]:
    """The chain of each period; one for all where the plan wants the same of all."""
    model, periods = chances.model, chances.periods
    if not plan.targets:
        return (chain(plan, values, model),) * len(periods)
    aimed = [plan.of_period(own).model_copy(update={"targets": {}}) for own in periods]
    return tuple(chain(own, values, model) for own in aimed)


class _Filled:
    """Results of blocks of draws, put into arrays of them all."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.found: dict[tuple[str, str], Array] = {}

    def take(self, made: Results, month: int, months: int, part: slice) -> None:
        whole = {name: getattr(made, name) for name in FIELDS - {"kpis"}}
        for key, own in (
            *((("kpis", id), own) for id, own in made.kpis.items()),
            *(((name, ""), own) for name, own in whole.items()),
        ):
            if key not in self.found:
                self.found[key] = np.empty((months, self.count))
            self.found[key][month, part] = own

    def results(self) -> Results:
        kpis = {id: own for (name, id), own in self.found.items() if name == "kpis"}
        return Results(
            kpis=kpis,
            total=self.found["total", ""],
            bonus=self.found["bonus", ""],
            profit_after_ads=self.found["profit_after_ads", ""],
        )


def _simulated(
    name: str, chains: Sequence[Chain], values: Values, drawn: tuple[Uncertain, int, Results]
) -> Simulated:
    chances, seed, results = drawn
    better = {id: own.definition.better for id, own in values.totals().items()}
    targets: dict[str, list[float | None]] = {}
    for made in chains:
        of_month: dict[str, float | None] = {}
        for goal in made.plan.goals():
            aim = wanted(goal, better[goal.kpi])
            of_month.setdefault(goal.kpi, None if aim is None else float(aim))
        for id, target in of_month.items():
            targets.setdefault(id, []).append(target)
    return Simulated(
        name,
        chains[0].plan,
        chances.periods,
        seed,
        chains[0].money,
        chains[0].at({}, FIELDS | {"profit_after_pay"}),
        results,
        {id: tuple(own) for id, own in targets.items()},
        frozenset(id for id, way in better.items() if way is Better.LOWER),
    )


# --- the draws


def drawn(chances: Uncertain, count: int, seed: int) -> Iterator[tuple[slice, dict[str, Array]]]:
    """Which draws, and every driver in them, block by block; arrays are good until the next one.

    Drivers have the shape (periods, draws), or (periods,) where they are certain.

    Args:
        chances: what the drivers may be.
        count: a multiple of `SCRAMBLES`.
        seed: of all scrambles.
    """
    moving = [place for place, own in enumerate(chances.drivers) if not own.certain]
    drivers = [chances.drivers[place] for place in moving]
    months = len(chances.periods)
    certain = {own.driver: own.marks[:, 0] for own in chances.drivers if own.certain}
    root = np.linalg.cholesky(chances.together[np.ix_(moving, moving)])
    lasting = np.array([own.lasting for own in drivers])[:, None]
    fresh = np.sqrt(1 - lasting**2)
    pieces = [_Pieces(own.marks) for own in drivers]
    values = np.empty((len(drivers), months, BLOCK))
    width = max(ONE_THREAD // max(len(drivers) ** 2, 1), 1)
    for part, scores in scores_of(seed, count, months * len(drivers)):
        size = part.stop - part.start
        own = scores.reshape(months, len(drivers), size)
        for month in range(months):
            for start in range(0, size, width):
                piece = own[month, :, start : start + width]
                piece[...] = root @ piece
            if month:
                own[month] *= fresh
                own[month] += lasting * own[month - 1]
            for place, made in enumerate(pieces):
                made.put(month, own[month, place], values[place, month, :size])
        found = {own.driver: values[place, :, :size] for place, own in enumerate(drivers)}
        yield part, {**certain, **found}


def scores_of(seed: int, count: int, rows: int) -> Iterator[tuple[slice, Array]]:
    """Standard normal scores, shape (rows, draws of the block), independent between rows.

    The array is good until the next block is asked for: making new ones takes longer than the rest.
    """
    scores, done, size = np.empty((rows, BLOCK)), 0, 0
    for points in uniform(seed, count, rows):
        if size + len(points) > BLOCK:
            yield slice(done, done + size), _normal(scores[:, :size])
            done, size = done + size, 0
        scores[:, size : size + len(points)] = points.T
        size += len(points)
    yield slice(done, count), _normal(scores[:, :size])


def _normal(points: Array) -> Array:
    """Uniform points as standard normal scores, in their place."""
    from scipy.special import ndtri  # noqa: PLC0415  # slow to import, needed by few

    ndtri(points, out=points)
    return np.clip(points, -REACH, REACH, out=points)


def uniform(seed: int, count: int, rows: int) -> Iterator[Array]:
    """Scrambled Sobol points between 0 and 1, shape (n, rows), of one scramble after the other."""
    from scipy.stats import qmc  # noqa: PLC0415  # slow to import, needed by few

    each = count // SCRAMBLES
    for child in np.random.SeedSequence(seed).spawn(SCRAMBLES):
        points = qmc.Sobol(rows, rng=np.random.default_rng(child)) if rows else None
        left, first = each, True
        while left:
            # The balance of the points is that of their first power of two.
            size = min(BLOCK, 1 << (left.bit_length() - 1) if first else left)
            yield np.empty((size, 0)) if points is None else points.random(size)
            left, first = left - size, False


class _Pieces:
    """A distribution in straight pieces, ready to be drawn from."""

    def __init__(self, marks: Array) -> None:
        self.slopes = np.diff(marks, axis=1) * CELLS_A_UNIT
        self.starts = marks[:, :-1] - self.slopes * SCORES[:-1]

    def put(self, month: int, scores: Array, into: Array) -> None:
        """The values at scores within `REACH`."""
        cells = ((scores + REACH) * CELLS_A_UNIT).astype(np.intp)
        np.take(self.slopes[month], cells, out=into, mode="clip")
        into *= scores
        into += self.starts[month].take(cells, mode="clip")


# --- figures


def mean(draws: Array) -> Figure:
    """The mean of the draws that have a figure; of truths, how likely they are."""
    return _figure(draws, lambda own: float(own.mean()))


def quantile(draws: Array, share: float) -> Figure:
    """What `share` of the draws that have a figure do not exceed."""
    return _figure(draws, lambda own: float(np.quantile(own, share)))


def _figure(draws: Array, of: Callable[[Array], float]) -> Figure:
    """A figure of all draws; scrambles of which none has a figure are left out of the error."""
    known = [own[~np.isnan(own)] for own in np.asarray(draws, dtype=float).reshape(SCRAMBLES, -1)]
    parts = [of(own) for own in known if own.size]
    if not parts:
        return Figure(np.nan, np.nan)
    error = np.std(parts, ddof=1) / np.sqrt(len(parts)) if len(parts) > 1 else np.nan
    return Figure(of(np.concatenate(known)), float(error))


def converging(draws: Array) -> tuple[tuple[int, Figure], ...]:
    """The mean by 2, 4, 8 and all scrambles: how many draws each, and how far it is still off."""
    own = np.asarray(draws, dtype=float).reshape(SCRAMBLES, -1)
    with_figures = [part[~np.isnan(part)].mean() for part in own if not np.isnan(part).all()]
    found = []
    count = 2
    while count <= len(with_figures):
        part = np.array(with_figures[:count])
        error = float(part.std(ddof=1) / np.sqrt(count))
        found.append((count * own.shape[1], Figure(float(part.mean()), error)))
        count *= 2
    return tuple(found)


def beside(one: Simulated, other: Simulated) -> Beside | None:
    """What the other plan pays beside the one, in all the months together.

    Args:
        one: simulated together with `other`: under the same draws.
        other: the plan to look at.

    Returns:
        ``None`` where one of the two cannot be paid in any draw.
    """
    costs = [own.pay.sum(axis=0) for own in (one, other)]
    apart = costs[1] - costs[0]
    if np.isnan(apart).all():
        return None
    near = SAME * max(float(own.plan.scheme.stake) for own in (one, other))
    known = np.where(np.isnan(apart), np.nan, 1.0)
    return Beside(
        more=mean((apart > near) * known),
        less=mean((apart < -near) * known),
        apart=mean(apart),
        low=quantile(apart, LOW),
        high=quantile(apart, HIGH),
        cost=mean(costs[0]),
        other_cost=mean(costs[1]),
    )


# --- in words


def chance_said(found: Figure, lang: str) -> str:
    """A chance and its standard error in percent; never 0 or 100, which nobody knows."""
    if np.isnan(found.value):
        return "—"
    if not RAREST <= found.value <= 1 - RAREST:
        sign, end = ("<", RAREST) if found.value < RAREST else (">", 1 - RAREST)
        return sign + number(100 * end, lang, 1)
    return f"{number(100 * found.value, lang, 1)} ± {number(100 * found.error, lang, 1)}"


def sum_said(found: Figure, currency: str, lang: str) -> str:
    """A sum and its standard error."""
    if np.isnan(found.value):
        return "—"
    return f"{money(found.value, currency, lang, 0)} ± {number(found.error, lang)}"


def step_said(step: Step, currency: str, lang: str) -> str:
    """A bonus, or between what it lies."""
    ends = dict.fromkeys(money(own, currency, lang, 0) for own in (step.low, step.high))
    return " – ".join(ends)


def bonus_said(found: Simulated, month: int, lang: str) -> str:
    """What bonus a month may bring; that it is unknown where no draw can be paid."""
    bonus, currency = found.results.bonus[month], found.plan.currency
    period = found.periods[month]
    when = days(period.first, period.last, lang)
    if np.isnan(bonus).all():
        return say(lang, "simulate.no_bonus", period=when)
    low, high = (money(quantile(bonus, share).value, currency, lang, 0) for share in (LOW, HIGH))
    said = say(
        lang,
        "simulate.bonus_said",
        period=when,
        mean=sum_said(mean(bonus), currency, lang),
        level=percent(LEVEL, lang, 0),
        low=low,
        high=high,
    )
    unknown = float(np.isnan(bonus).mean())
    if not unknown:
        return said
    return f"{said} {say(lang, 'simulate.unpaid', share=percent(unknown, lang))}"


def drawn_said(found: Simulated, lang: str) -> str:
    """How many draws with what seed the figures rest on."""
    return say(
        lang, "simulate.drawn", n=found.draws, draws=number(found.draws, lang),
        seed=found.seed, scrambles=SCRAMBLES,
    )  # fmt: skip


def together_said(chances: Uncertain, lang: str) -> str:
    """Which drivers move together, and how that is known."""
    if not chances.common or chances.shrunk == 1:
        return say(lang, "simulate.apart")
    kept = percent(1 - chances.shrunk, lang, 0)
    return say(lang, "simulate.together", n=chances.common, kept=kept)


def ahead_said(chances: Uncertain, lang: str) -> list[str]:
    """What to know of the months ahead: no season without years of them, and how far they go."""
    known = max((own.months for own in chances.drivers), default=0)
    if not known or len(chances.periods) == 1:
        return []
    said = []
    if known < SEASONAL_MONTHS:
        said.append(say(lang, "simulate.no_season", months=SEASONAL_MONTHS))
    if len(chances.periods) > known // 2:
        said.append(say(lang, "simulate.far", months=known // 2))
    return said


def basis_said(own: Uncertainty, lang: str) -> str:
    """What the width of a driver was taken from."""
    count = {Basis.MONTHS: own.months, Basis.DAYS: own.days}.get(own.basis, 0)
    return say(lang, f"simulate.basis_{own.basis}", n=count)


def beside_said(found: Beside, names: tuple[str, str], currency: str, lang: str) -> str:
    """What one plan pays beside another."""
    one, other = names
    return say(
        lang,
        "simulate.beside",
        one=one,
        other=other,
        more=chance_said(found.more, lang),
        less=chance_said(found.less, lang),
        apart=sum_said(found.apart, currency, lang),
        level=percent(LEVEL, lang, 0),
        low=money(found.low.value, currency, lang, 0),
        high=money(found.high.value, currency, lang, 0),
        cost=money(found.cost.value, currency, lang, 0),
        other_cost=money(found.other_cost.value, currency, lang, 0),
    )
