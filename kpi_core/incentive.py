"""Does the rule pay for what earns? The bonus and the company's money along every lever.

The curves come from the chain for arrays. Whatever is said of a place on them (where the bonus
jumps, where effort pays nothing, where the employee gains and the company loses) is run on the
exact road first.
"""

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from itertools import combinations

import numpy as np
import numpy.typing as npt

from kpi_core import words
from kpi_core.chain import Chain
from kpi_core.drivers import Lever, project
from kpi_core.errors import PlanError
from kpi_core.formula import Array
from kpi_core.kpis import KpiValue, Values
from kpi_core.model import Better, Driver, Unit
from kpi_core.pay import Payout, outcome, payout
from kpi_core.plan import Gate, Plan, changed, kept_side
from kpi_core.text import exact, money, percent, say

REACH = Fraction(3, 10)  # how far a lever is moved either way
STEPS = 120  # of a curve, either way
COARSE = 6  # steps of each lever of a pair, either way
DIRECTION = Fraction(1, 10)  # the move that alignment is asked of
KOPECK = 0.01  # amounts that differ by less are the same
FINER = 16  # parts of an interval in the search for a jump
JUMPS = 3 / FINER  # a part with more than this of the change of the whole may hold a jump
ROUNDS = 6  # of that search: down to 1e-10 of the driver
MARK = Fraction(1, 10**18)  # how near exact bisection comes to a jump
EDGE = Fraction(1, 10**9)  # and to the edge of a zone
CONVERSIONS = frozenset({"cr", "deal_conversion", "win_rate", "ad_conversion"})
PRICES = frozenset({"aov", "deal_size", "margin_rate"})
FOLLOWS, SELDOM = Fraction(3, 4), Fraction(1, 4)  # of the directions: well, and hardly at all
FEW = 3  # ways to game the rule that are told
MONEY = frozenset({"bonus", "profit_after_ads", "profit_after_pay"})
Shifts = Mapping[str, Fraction]  # driver to its change as a share of what it is
Truths = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Move:
    """Levers moved, and what that changes: exact, before bonuses are rounded.

    Attributes:
        shifts: driver to its change as a share of what it is.
        bonus: by how much the bonus changes.
        earned: by how much profit after ads changes.
    """

    shifts: Shifts = field(hash=False)
    bonus: Fraction
    earned: Fraction

    @property
    def left(self) -> Fraction:
        """By how much profit changes after ads and pay."""
        return self.earned - self.bonus

    @property
    def size(self) -> Fraction:
        """How far the levers are moved together."""
        return sum((abs(shift) for shift in self.shifts.values()), Fraction(0))


@dataclass(frozen=True)
class Cliff:
    """A place where the bonus jumps, as it is met on the way from the present position.

    Attributes:
        shift: of the driver, as a share of what it is.
        value: of the driver there.
        near, far: the bonus just before the place and just beyond it.
        reached: whether the place itself pays as what lies beyond it.
        kpi: the KPI whose rule or limit jumps there.
    """

    driver: Driver
    shift: Fraction
    value: Fraction
    near: Decimal
    far: Decimal
    reached: bool
    kpi: str | None


@dataclass(frozen=True)
class DeadZone:
    """Improvement that earns the company money and the employee nothing.

    Attributes:
        end: the change of the driver up to which the bonus stays.
        ends: whether the bonus moves beyond it, or `end` is as far as the lever was moved.
        earned: what profit after ads gains on the way.
        blind: whether the bonus stays in the other direction as well, as far as it was moved.
    """

    driver: Driver
    end: Fraction
    ends: bool
    earned: Fraction
    blind: bool


@dataclass(frozen=True)
class Windfall:
    """A bonus for a change that by the model brings the company nothing and costs it nothing."""

    driver: Driver
    move: Move


@dataclass(frozen=True)
class Conflict:
    """A zone in which the bonus is higher than now and the company's profit after pay lower.

    Attributes:
        start, end: the zone in changes of the driver, `start` the nearer to what it is now.
        nearest, worst: the smallest move into it, and that which costs the company most.
    """

    driver: Driver
    start: Fraction
    end: Fraction
    nearest: Move
    worst: Move


@dataclass(frozen=True)
class Stop:
    """A hard limit that was tried: with it the move pays no more than staying where one is.

    Attributes:
        gate: the limit, at what the KPI is now.
        now, then: the KPI now and after the move.
    """

    gate: Gate
    now: KpiValue
    then: KpiValue


@dataclass(frozen=True)
class Game:
    """A way to earn more while the company's profit falls even before pay, and what stops it.

    Attributes:
        discount: it sells more at a worse price, so that both its levers are one decision.
    """

    move: Move
    stop: Stop | None
    discount: bool = False


@dataclass(frozen=True, eq=False)
class Curve:
    """Bonus and profit along one lever, all others as they are.

    Attributes:
        shifts: changes of the driver as shares of what it is, rising, 0 among them; shape (n,).
        bonus, earned, left: the bonus, profit after ads and profit after pay there; shape (n,).
    """

    driver: Driver
    base: Fraction
    shifts: tuple[Fraction, ...]
    bonus: Array
    earned: Array
    left: Array
    cliffs: tuple[Cliff, ...] = ()
    dead_zone: DeadZone | None = None
    windfall: Windfall | None = None
    conflicts: tuple[Conflict, ...] = ()

    @property
    def here(self) -> int:
        """The place of the present position among the shifts."""
        return self.shifts.index(Fraction(0))

    @property
    def pays(self) -> bool:
        """Whether the bonus moves along it."""
        return _spread(self.bonus) > KOPECK

    @property
    def earns(self) -> bool:
        """Whether profit moves along it."""
        return _spread(self.earned) > KOPECK

    def value(self, shift: Fraction) -> Fraction:
        """The driver after a change."""
        return self.base * (1 + shift)


@dataclass(frozen=True)
class Alignment:
    """Of the lever directions that change profit: in how many the bonus moves the same way."""

    same: int
    directions: int


@dataclass(frozen=True, eq=False)
class Study:
    """What a plan pays for, lever by lever.

    Attributes:
        blocked: why the plan pays nothing now; then there is nothing to study.
        bonus, earned: now; `earned` is profit after ads, ``None`` where no money is known.
        curves: of every lever that moves the bonus or the profit, the main ones first.
        idle: the levers that move neither.
        games: the largest gain first; of equal ones the smallest move.
        alignment: ``None`` where no lever changes profit.
    """

    chain: Chain
    blocked: PlanError | None
    bonus: Fraction = Fraction(0)
    earned: Fraction | None = None
    curves: tuple[Curve, ...] = ()
    idle: tuple[Driver, ...] = ()
    games: tuple[Game, ...] = ()
    alignment: Alignment | None = None


def study(chain: Chain) -> Study:
    """Bonus and profit along every lever, and what is odd about them."""
    blocked = outcome(chain.plan, chain.values).blocked
    if blocked:
        return Study(chain, blocked)
    road = _Road(chain)
    drivers = sorted(chain.model.business.drivers, key=lambda driver: not driver.main)
    known = [driver for driver in drivers if (chain.model.drivers[driver.id] or 0) > 0]
    drawn = [_drawn(driver, chain) for driver in known]
    curves = [_studied(curve, road) for curve in drawn if curve.pays or curve.earns]
    now = road.now
    return Study(
        chain,
        None,
        now.bonus,
        now.earned,
        tuple(curves),
        tuple(curve.driver for curve in drawn if not curve.pays and not curve.earns),
        _games(curves, road) if now.earned is not None else (),
        _alignment(curves),
    )


# --- the exact road


@dataclass(frozen=True)
class _Place:
    """What the exact road gives at one position; no figure is ``None``."""

    paid: Payout | None
    bonus: Fraction
    earned: Fraction | None


class _Road:
    """The exact road for shifts of levers, with only the KPIs that pay or stop."""

    def __init__(self, chain: Chain) -> None:
        self.chain, self.plan = chain, chain.plan
        plan = chain.plan
        wanted = {gate.kpi for gate in plan.gates}
        wanted |= {id for guard in plan.guards for id in (guard.kpi, guard.guard)}
        wanted |= {goal.kpi for goal in plan.paying()}
        wanted |= set() if plan.scheme.by == "factors" else {line.kpi for line in plan.lines}
        rows = tuple(own for id, own in chain.totals.items() if id in wanted)
        self.values = replace(chain.values, rows=rows)

    def at(self, shifts: Shifts) -> _Place:
        """The payout and the profit."""
        levers = _levers(shifts)
        measures = self.chain.model.rebuilt(levers)
        brought, spend = measures.get(self.chain.money or ""), measures.get("spend")
        earned = None if brought is None or spend is None else brought - spend
        try:
            paid = payout(self.plan, project(self.chain.model, levers, self.values))
        except PlanError:
            return _Place(None, Fraction(0), earned)  # nothing is paid
        return _Place(paid, paid.coefficient * Fraction(paid.stake), earned)

    @cached_property
    def now(self) -> _Place:
        """With no lever moved."""
        return self.at({})

    def move(self, shifts: Shifts) -> Move:
        """What shifts change; of profit nothing where none is known."""
        there = self.at(shifts)
        earned = (there.earned or 0) - (self.now.earned or 0)
        return Move(shifts, there.bonus - self.now.bonus, Fraction(earned))


def _levers(shifts: Shifts) -> dict[str, Lever]:
    return {id: Lever(by=shift) for id, shift in shifts.items()}


# --- curves


def _drawn(driver: Driver, chain: Chain) -> Curve:
    """Bonus and profit along a lever; a share goes up to 1."""
    base = Fraction(chain.model.drivers[driver.id] or 0)
    high = min(REACH, max(Fraction(0), 1 / base - 1)) if driver.unit is Unit.SHARE else REACH
    down = [-REACH * step / STEPS for step in range(STEPS, 0, -1)]
    up = [high * step / STEPS for step in range(1, STEPS + 1)] if high else []
    shifts = (*down, Fraction(0), *up)
    found = chain.at({driver.id: _values(base, shifts)}, MONEY)
    return Curve(driver, base, shifts, found.bonus, found.profit_after_ads, found.profit_after_pay)


def _values(base: Fraction, shifts: Sequence[Fraction]) -> Array:
    return np.array([float(base * (1 + shift)) for shift in shifts])


def _spread(figures: Array) -> float:
    """How far figures lie apart; 0 where none is known."""
    known = figures[~np.isnan(figures)]
    return float(np.ptp(known)) if known.size else 0.0


def _studied(curve: Curve, road: _Road) -> Curve:
    """The curve with what is odd about it."""
    found = [_cliff(curve, low, high, road) for low, high in _jumps(curve, road.chain)]
    curve = replace(curve, cliffs=tuple(cliff for cliff in found if cliff))
    if not curve.earns:
        return replace(curve, windfall=_windfall(curve, road))
    return replace(
        curve, dead_zone=_dead_zone(curve, road), conflicts=tuple(_conflicts(curve, road))
    )


# --- cliffs


def _jumps(curve: Curve, chain: Chain) -> list[tuple[Fraction, Fraction]]:
    """Where the bonus jumps: shifts just before and just beyond each place."""
    found = []
    apart = np.abs(np.diff(curve.bonus)) > KOPECK
    for place in np.flatnonzero(apart):
        spans = [(float(curve.shifts[place]), float(curve.shifts[place + 1]))]
        for _ in range(ROUNDS):
            spans = [part for span in spans for part in _steepest(span, curve, chain)]
        found += spans
    slack = Fraction(1, 10**10)  # beside which floats cannot tell one side from the other
    return [
        (max(Fraction(low) - slack, curve.shifts[0]), min(Fraction(high) + slack, curve.shifts[-1]))
        for low, high in found
    ]


def _steepest(
    span: tuple[float, float], curve: Curve, chain: Chain
) -> Iterator[tuple[float, float]]:
    """The parts of a span that hold more of its change than a steady slope would give them."""
    at = np.linspace(*span, FINER + 1)
    bonus = chain.at({curve.driver.id: float(curve.base) * (1 + at)}, {"bonus"}).bonus
    moved = np.abs(np.diff(bonus))
    for place in np.flatnonzero(moved > max(KOPECK, JUMPS * abs(bonus[-1] - bonus[0]))):
        yield float(at[place]), float(at[place + 1])


def _cliff(curve: Curve, low: Fraction, high: Fraction, road: _Road) -> Cliff | None:
    """A jump of the bonus between two shifts, exactly; ``None`` if the exact road has none."""
    id = curve.driver.id
    below, above = road.at({id: low}), road.at({id: high})
    if abs(above.bonus - below.bonus) <= KOPECK:
        return None

    def beyond(shift: Fraction) -> bool:
        bonus = road.at({id: shift}).bonus
        return abs(bonus - below.bonus) > abs(bonus - above.bonus)

    shift = simplest(*_bisected(low, high, beyond, MARK))
    near, far = (below, above) if shift > 0 or (not shift and not beyond(shift)) else (above, below)
    there = road.at({id: shift}).bonus
    return Cliff(
        curve.driver,
        shift,
        curve.value(shift),
        near.paid.bonus if near.paid else Decimal(0),
        far.paid.bonus if far.paid else Decimal(0),
        abs(there - far.bonus) < abs(there - near.bonus),
        _jumping(below.paid, above.paid),
    )


def _bisected(
    low: Fraction, high: Fraction, beyond: Callable[[Fraction], bool], width: Fraction
) -> tuple[Fraction, Fraction]:
    """Narrows (not beyond, beyond) to `width`; `high` may lie on either side of `low`."""
    while abs(high - low) > width:
        middle = (low + high) / 2
        if beyond(middle):
            high = middle
        else:
            low = middle
    return low, high


def simplest(one: Fraction, other: Fraction) -> Fraction:
    """The fraction with the smallest denominator between two, ends included.

    >>> simplest(Fraction(142857, 10**6), Fraction(142858, 10**6))
    Fraction(1, 7)
    """
    low, high = sorted((one, other))
    if low <= 0 <= high:
        return Fraction(0)
    if high < 0:
        return -simplest(-high, -low)
    whole = low.numerator // low.denominator
    if low == whole or whole + 1 <= high:
        return Fraction(whole if low == whole else whole + 1)
    return whole + 1 / simplest(1 / (high - whole), 1 / (low - whole))


def _jumping(below: Payout | None, above: Payout | None) -> str | None:
    """The KPI that makes two payouts differ: of a limit that breaks, else of a score."""
    if below is None or above is None:
        return None
    for one, other in zip(below.checks, above.checks, strict=True):
        if one.stops and one.kept != other.kept:
            return one.value.kpi
    moved = {
        one.goal.kpi: abs((other.score or Fraction(0)) - (one.score or Fraction(0)))
        for one, other in zip(below.judged, above.judged, strict=True)
    }
    id = max(moved, key=lambda own: moved[own])
    return id if moved[id] > EDGE else None


# --- zones


def _dead_zone(curve: Curve, road: _Road) -> DeadZone | None:
    """How far the lever can be improved before the bonus answers."""
    here, last = curve.here, len(curve.shifts) - 1
    up = curve.earned[min(here + 1, last)] >= curve.earned[max(here - 1, 0)]
    way = range(here + 1, last + 1) if up else range(here - 1, -1, -1)
    if not way:
        return None  # a share that is 1 already
    same = np.abs(curve.bonus - curve.bonus[here]) <= KOPECK
    id, now = curve.driver.id, road.now

    def moved(shift: Fraction) -> bool:
        return abs(road.at({id: shift}).bonus - now.bonus) > KOPECK

    first = next((place for place in way if not same[place]), None)
    end = curve.shifts[way[-1]]
    if first is not None:
        before = curve.shifts[first - way.step]
        end = simplest(*_bisected(before, curve.shifts[first], moved, EDGE))
        marks = (cliff.shift for cliff in curve.cliffs)
        end = next((mark for mark in marks if abs(mark - end) <= 2 * EDGE), end)
    earned = road.move({id: end}).earned
    other = curve.bonus[:here] if up else curve.bonus[here + 1 :]
    blind = first is None and bool(other.size) and bool(np.all(same))
    if abs(end) < Fraction(1, 1000) or earned <= KOPECK:
        return None
    return DeadZone(curve.driver, end, first is not None, earned, blind)


def _windfall(curve: Curve, road: _Road) -> Windfall | None:
    """The move that brings most bonus, the smallest of equal ones."""
    place = _best(curve.bonus, np.array([abs(float(shift)) for shift in curve.shifts]))
    if road.now.earned is None or curve.bonus[place] <= curve.bonus[curve.here] + KOPECK:
        return None
    return Windfall(curve.driver, road.move({curve.driver.id: curve.shifts[place]}))


def _best(gains: Array, sizes: Array) -> int:
    """The place of the largest gain; of those that are equal to a kopeck, of the smallest size."""
    known = np.where(np.isnan(gains), -np.inf, gains)
    return int(np.argmin(np.where(known >= known.max() - KOPECK, sizes, np.inf)))


def _conflicts(curve: Curve, road: _Road) -> Iterator[Conflict]:
    """Zones in which the bonus is higher and profit after pay lower than now."""
    id, here = curve.driver.id, curve.here

    def harms(shift: Fraction) -> bool:
        move = road.move({id: shift})
        return move.bonus > KOPECK and move.left < -KOPECK

    paid = curve.bonus - curve.bonus[here] > KOPECK
    inside = paid & (curve.left - curve.left[here] < -KOPECK)
    for first, last in _runs(inside):
        near, far = (first, last) if first > here else (last, first)
        out = 1 if far > here else -1
        start = _bisected(curve.shifts[near - out], curve.shifts[near], harms, EDGE)[1]
        end = curve.shifts[far]
        if 0 <= far + out < len(curve.shifts):
            end = _bisected(curve.shifts[far + out], curve.shifts[far], harms, EDGE)[1]
        lowest = min(range(first, last + 1), key=lambda place: float(curve.left[place]))
        nearest = road.move({id: start})
        worst = min(
            (nearest, road.move({id: end}), road.move({id: curve.shifts[lowest]})),
            key=lambda move: move.left,
        )
        yield Conflict(curve.driver, start, end, nearest, worst)


def _runs(inside: Truths) -> Iterator[tuple[int, int]]:
    """(first, last) place of each run of truths."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], inside, [False])).astype(int)))
    for first, after in zip(edges[::2], edges[1::2], strict=True):
        yield int(first), int(after) - 1


# --- games


def _games(curves: Sequence[Curve], road: _Road) -> tuple[Game, ...]:
    """The moves that pay most though profit falls even before pay: of one lever, or of two."""
    found = [move for curve in curves if (move := _single(curve, road))]
    found += [
        move
        for pair in combinations(curves, 2)
        if (pair[0].pays or pair[1].pays) and (move := _pair(*pair, road))
    ]
    found.sort(key=lambda move: (-round(move.bonus, 2), move.size, not _is_discount(move)))
    told: list[Move] = []
    for move in found:
        # A pair that holds a move of one lever worth as much says nothing new.
        if not any(set(other.shifts) <= set(move.shifts) for other in told):
            told.append(move)
    paying = frozenset(curve.driver.id for curve in curves if curve.pays)
    least = [_shrunk(move, paying, road) for move in told[:FEW]]
    return tuple(Game(move, _stop(move, road), _is_discount(move)) for move in least)


def _is_discount(move: Move) -> bool:
    """Whether more buy because each brings less."""
    up = {id for id, shift in move.shifts.items() if shift > 0}
    down = move.shifts.keys() - up
    return bool(up & CONVERSIONS) and bool(down & PRICES)


def _shrunk(move: Move, paying: Collection[str], road: _Road) -> Move:
    """The same with each lever that pays moved no further than the bonus asks.

    What only costs stays at the step that was tried: nearer to now it would cost a kopeck.
    """
    shifts = dict(move.shifts)
    for id, far in move.shifts.items():
        if id not in paying:
            continue

        def enough(shift: Fraction, id: str = id) -> bool:
            found = road.move(shifts | {id: shift})
            return found.bonus >= move.bonus - KOPECK and found.earned < -KOPECK

        shifts[id] = _bisected(Fraction(0), far, enough, EDGE)[1]
    return road.move(shifts)


def _single(curve: Curve, road: _Road) -> Move | None:
    here = curve.here
    gains = curve.bonus - curve.bonus[here]
    costs = curve.earned - curve.earned[here] < -KOPECK
    sizes = np.array([abs(float(shift)) for shift in curve.shifts])
    return _chosen(np.where(costs, gains, np.nan), sizes, [curve.driver.id], [curve.shifts], road)


def _pair(one: Curve, other: Curve, road: _Road) -> Move | None:
    """The same for two levers: each adds to the bonus, or one does and the other only costs."""
    both = [_thinned(one), _thinned(other)]
    first, second = (
        _values(curve.base, shifts) for curve, shifts in zip((one, other), both, strict=True)
    )
    levers = {one.driver.id: first[:, None], other.driver.id: second[None, :]}
    found = road.chain.at(levers, MONEY)
    row, column = (shifts.index(Fraction(0)) for shifts in both)
    alone = np.fmax(found.bonus[:, [column]], found.bonus[[row], :])
    costs = found.profit_after_ads - found.profit_after_ads[row, column] < -KOPECK
    gains = found.bonus - found.bonus[row, column]
    if one.pays and other.pays:
        costs &= found.bonus > alone + KOPECK
    gains = np.where(costs, gains, np.nan)
    far = [np.array([abs(float(shift)) for shift in shifts]) for shifts in both]
    sizes = far[0][:, None] + far[1][None, :]
    return _chosen(gains, sizes, [one.driver.id, other.driver.id], both, road)


def _thinned(curve: Curve) -> tuple[Fraction, ...]:
    """A few of the shifts, the ends and the present position among them."""
    step = STEPS // COARSE
    return curve.shifts[::step]


def _chosen(
    gains: Array,
    sizes: Array,
    drivers: Sequence[str],
    shifts: Sequence[Sequence[Fraction]],
    road: _Road,
) -> Move | None:
    """The best of some moves, if it brings a bonus at all."""
    if not np.nanmax(gains, initial=0.0) > KOPECK:
        return None
    places = np.unravel_index(_best(gains.ravel(), sizes.ravel()), gains.shape)
    return road.move(
        {id: own[int(place)] for id, own, place in zip(drivers, shifts, places, strict=True)}
    )


def _stop(move: Move, road: _Road) -> Stop | None:
    """The hard limit that stops a move: of the KPI that it worsens most, if that does."""
    chain, plan = road.chain, road.plan
    moved = project(chain.model, _levers(move.shifts), chain.values)
    then = moved.totals()
    worse = {id: _worse(chain.totals[id], then[id]) for id in then}
    for id in sorted((id for id in worse if worse[id] > 0), key=lambda id: -worse[id]):
        limit = kept_side(plan.kpi(id), Fraction(chain.totals[id].value or 0))
        gate = Gate(kpi=id, limit=limit)
        if _is_stopped(plan, gate, chain.values, moved):
            return Stop(gate, chain.totals[id], then[id])
    return None


def _worse(now: KpiValue, then: KpiValue) -> Fraction:
    """By which share of what it was a KPI worsens."""
    if not now.value or then.value is None:
        return Fraction(0)
    moved = (then.value - now.value) / abs(now.value)
    return -moved if now.definition.better is Better.HIGHER else moved


def _is_stopped(plan: Plan, gate: Gate, now: Values, moved: Values) -> bool:
    """Whether a limit leaves the present bonus alone and takes that of a move away."""
    try:
        limited = changed(plan, gates=[*(own.model_dump() for own in plan.gates), gate])
    except PlanError:  # it has as many as a plan may have
        return False
    kept, without, stopped = (
        outcome(own, values).paid for own, values in ((limited, now), (plan, now), (limited, moved))
    )
    if kept is None or without is None or stopped is None:
        return False
    return kept.bonus == without.bonus and stopped.bonus <= without.bonus


# --- alignment


def _alignment(curves: Sequence[Curve]) -> Alignment | None:
    """Which of the lever directions that change profit change the bonus the same way."""
    same = directions = 0
    for curve in curves:
        shifts = np.array([float(shift) for shift in curve.shifts])
        for way in (-1, 1):
            place = int(np.argmin(np.abs(shifts - way * float(DIRECTION))))
            earned = curve.earned[place] - curve.earned[curve.here]
            bonus = curve.bonus[place] - curve.bonus[curve.here]
            if place == curve.here or not abs(earned) > KOPECK:
                continue
            directions += 1
            same += bool(abs(bonus) > KOPECK and np.sign(bonus) == np.sign(earned))
    return Alignment(same, directions) if directions else None


# --- in words


def shift_words(shift: Fraction, lang: str, digits: int = 1) -> str:
    """A change as a share, with its sign; none at all is where the lever stands now."""
    if not shift:
        return say(lang, "incentive.now")
    return ("+" if shift > 0 else "") + percent(shift, lang, digits)


def driver_words(driver: Driver, value: Fraction, currency: str, lang: str) -> str:
    """A value of a driver with three figures that mean something."""
    shown = abs(value) * (100 if driver.unit is Unit.SHARE else 1)
    places = 2 - math.floor(math.log10(shown)) if shown else 0
    return words.figure(
        value, driver.unit, lang, decimals=min(max(places, 0), 6), currency=currency
    )


def sum_words(amount: Fraction | Decimal | float, currency: str, lang: str) -> str:
    """An amount, with hundredths where it is small."""
    whole = not amount or abs(exact(amount)) >= 100
    return money(amount, currency, lang, 0 if whole else 2)


def money_said(study: Study, lang: str) -> str:
    """What stands for profit, by what the data tell."""
    known = "none" if study.earned is None else study.chain.money
    return say(lang, f"incentive.money_{known}")


def alignment_said(found: Alignment, lang: str) -> str:
    """How many lever directions the bonus follows."""
    step = percent(DIRECTION, lang, 0)
    return say(lang, "incentive.alignment", n=found.directions, same=found.same, step=step)


def verdict_said(study: Study, lang: str) -> str:
    """Whether the rule pays for what earns, in one sentence; empty where no profit is known."""
    if study.alignment is None:
        return ""
    follows = Fraction(study.alignment.same, study.alignment.directions)
    conflicts = any(curve.conflicts for curve in study.curves)
    sound = follows >= FOLLOWS and not conflicts and not study.games
    word = "yes" if sound else "no" if follows < SELDOM else "partly"
    said = say(lang, f"incentive.verdict_{word}")
    said += say(lang, "incentive.verdict_conflict") if conflicts else ""
    return said + (say(lang, "incentive.verdict_gamed") if study.games else "") + "."


def summary(study: Study, lang: str) -> list[dict[str, str]]:
    """A row for each lever: what improving it pays, and the nearest places where that changes."""
    plan, step = study.chain.plan, percent(DIRECTION, lang, 0)
    names = ("lever", "better", "up", "down", "dead", "conflict")
    heads = [say(lang, f"incentive.head_{name}", step=step) for name in names]
    rows = [_summary_cells(curve, plan, lang) for curve in study.curves]
    return [dict(zip(heads, cells, strict=True)) for cells in rows]


def _summary_cells(curve: Curve, plan: Plan, lang: str) -> tuple[str, ...]:
    zone, nearest = curve.dead_zone, min(curve.conflicts, key=_nearness, default=None)
    dead = conflict = "—"
    if zone:
        shift = shift_words(zone.end, lang)
        dead = say(
            lang, "incentive.cell_blind" if zone.blind else "incentive.cell_dead", shift=shift
        )
    if nearest:
        start, end = (shift_words(shift, lang) for shift in (nearest.start, nearest.end))
        conflict = say(lang, "incentive.cell_conflict", start=start, end=end)
    jumps = [_jump_cell(curve, plan, lang, up=up) for up in (True, False)]
    return curve.driver.name[lang], _better_cell(curve, plan, lang), *jumps, dead, conflict


def _better_cell(curve: Curve, plan: Plan, lang: str) -> str:
    """What the bonus gains by the lever moved by `DIRECTION` to where profit is higher."""
    shifts = np.array([float(shift) for shift in curve.shifts])
    up, down = (int(np.argmin(abs(shifts - way * float(DIRECTION)))) for way in (1, -1))
    if not curve.earns or up == down:
        return "—"
    place = up if curve.earned[up] >= curve.earned[down] else down
    gained = round(float(curve.bonus[place] - curve.bonus[curve.here]), 2)
    return ("+" if gained > 0 else "") + sum_words(gained, plan.currency, lang)


def _jump_cell(curve: Curve, plan: Plan, lang: str, *, up: bool) -> str:
    """The nearest place where the bonus rises, or falls."""
    jumps = [cliff for cliff in curve.cliffs if (cliff.far > cliff.near) is up]
    if not jumps:
        return "—"
    cliff = min(jumps, key=lambda own: abs(own.shift))
    far = sum_words(cliff.far, plan.currency, lang)
    return say(lang, "incentive.cell_jump", shift=shift_words(cliff.shift, lang), far=far)


def _nearness(conflict: Conflict) -> Fraction:
    return abs(conflict.start)


def curve_said(curve: Curve, plan: Plan, lang: str) -> list[str]:
    """What is odd along a lever, a sentence each, the nearest to the present position first."""
    said = [(abs(cliff.shift), _cliff_said(cliff, plan, lang)) for cliff in curve.cliffs]
    if curve.dead_zone:
        zone = _dead_zone_said(curve.dead_zone, curve, plan, lang)
        said.append((Fraction(0), zone))
    if curve.windfall:
        shift = curve.windfall.move.shifts[curve.driver.id]
        bonus = sum_words(curve.windfall.move.bonus, plan.currency, lang)
        text = say(lang, "incentive.windfall", bonus=bonus, **_at(curve, shift, plan, lang))
        said.append((abs(shift), text))
    said += [
        (_nearness(conflict), _conflict_said(conflict, plan, lang)) for conflict in curve.conflicts
    ]
    return [text for _, text in sorted(said, key=lambda own: own[0])]


def _at(curve: Curve, shift: Fraction, plan: Plan, lang: str) -> dict[str, str]:
    return {
        "value": driver_words(curve.driver, curve.value(shift), plan.currency, lang),
        "shift": shift_words(shift, lang),
    }


def _cliff_said(cliff: Cliff, plan: Plan, lang: str) -> str:
    way = "up" if cliff.far > cliff.near else "down"
    where = "at" if cliff.reached else "past"
    name = plan.kpi(cliff.kpi).name[lang] if cliff.kpi else ""
    return say(
        lang,
        f"incentive.cliff_{way}_{where}",
        value=driver_words(cliff.driver, cliff.value, plan.currency, lang),
        shift=shift_words(cliff.shift, lang),
        near=sum_words(cliff.near, plan.currency, lang),
        far=sum_words(cliff.far, plan.currency, lang),
        cause=say(lang, "incentive.because", kpi=name) if name else "",
    )


def _dead_zone_said(zone: DeadZone, curve: Curve, plan: Plan, lang: str) -> str:
    key = "blind" if zone.blind else "dead_ends" if zone.ends else "dead"
    earned = sum_words(zone.earned, plan.currency, lang)
    return say(lang, f"incentive.zone_{key}", earned=earned, **_at(curve, zone.end, plan, lang))


def _conflict_said(conflict: Conflict, plan: Plan, lang: str) -> str:
    key = "harm" if conflict.nearest.earned < 0 else "overpaid"
    worst = sum_words(-conflict.worst.left, plan.currency, lang)
    sums = {
        "bonus": conflict.nearest.bonus,
        "earned": abs(conflict.nearest.earned),
        "cost": -conflict.nearest.left,
    }
    costs = {name: sum_words(own, plan.currency, lang) for name, own in sums.items()}
    return say(
        lang,
        f"incentive.conflict_{key}",
        start=shift_words(conflict.start, lang),
        end=shift_words(conflict.end, lang),
        worst=say(lang, "incentive.at_worst", worst=worst) if worst != costs["cost"] else "",
        **costs,
    )


def game_said(game: Game, study: Study, lang: str) -> str:
    """A way to game the rule, its cost, and what would stop it."""
    plan, move = study.chain.plan, game.move
    names = {driver.id: driver.name[lang] for driver in study.chain.model.business.drivers}
    moves = [f"{names[id]} {shift_words(own, lang)}" for id, own in move.shifts.items()]
    said = say(
        lang,
        "incentive.game",
        moves=say(lang, "incentive.and").join(moves),
        bonus=sum_words(move.bonus, plan.currency, lang),
        lost=sum_words(-move.earned, plan.currency, lang),
        cost=sum_words(-move.left, plan.currency, lang),
    )
    if game.discount:
        said = f"{said} {say(lang, 'incentive.discount')}"
    if game.stop is None:
        return " ".join((said, say(lang, "incentive.not_stopped")))
    kpi = plan.kpi(game.stop.gate.kpi)
    limit, now, then = (
        words.kpi_figure(kpi, own, plan.currency, lang)
        for own in (game.stop.gate.limit, game.stop.now.value, game.stop.then.value)
    )
    stopped = say(lang, "incentive.stopped", kpi=kpi.name[lang], limit=limit, now=now, then=then)
    return f"{said} {stopped}"


def games_said(study: Study, lang: str) -> list[str]:
    """Every way to game the rule that was found, or that there is none."""
    if study.games or study.earned is None:
        return [game_said(game, study, lang) for game in study.games]
    reach, step = (percent(share, lang, 0) for share in (REACH, REACH / COARSE))
    return [say(lang, "incentive.no_game", reach=reach, step=step)]


def idle_said(study: Study, lang: str) -> str:
    """The levers that move neither the bonus nor the profit; empty where there are none."""
    names = ", ".join(driver.name[lang] for driver in study.idle)
    return say(lang, "incentive.idle", drivers=names) if names else ""
