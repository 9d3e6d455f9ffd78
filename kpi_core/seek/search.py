"""Several levers: branch and bound from piece to piece of the rules.

Within a piece everything is smooth, and the least effort that leads there is found by sequential
quadratic programming (SLSQP) on the chain for arrays, from several starts. Problems are taken up
the cheapest first, so that the first answer none can undercut is the best; chance then challenges
it with positions that cost less.
"""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import count, product
from math import inf, nan

import numpy as np

from kpi_core.formula import Array
from kpi_core.gates import GuardCheck
from kpi_core.model import Better
from kpi_core.plan import Guard, Missing, Over
from kpi_core.rules import Goal
from kpi_core.score import judge
from kpi_core.seek.asked import NAMED, PAID, Budget, Target
from kpi_core.seek.one import PRINTED, along
from kpi_core.seek.pieces import Piece, keeps, known, moves_at_all, pieces_of, within_reach
from kpi_core.seek.road import HALF, INSIDE, SAMPLES, Road, Shifts, judging, marks_of

SOLVES = 240  # smooth problems, at most
TRIES = 3  # rounds of random challenge to an answer
LOOSE = 1e-7  # a constraint so nearly kept is kept; the last digits are settled exactly
STEP = 1e-6  # of numerical derivatives


@dataclass(order=True)
class _Node:
    """A problem of the search: some KPIs held to a piece each; `bound` is what it costs at least.

    Attributes:
        place: to tell equal ones apart.
        held: KPI to its piece.
        point: where that costs least; shape (levers,).
    """

    bound: float
    place: int
    held: dict[str, Piece] = field(compare=False)
    point: Array = field(compare=False)


class Search:
    """The least effort that reaches a target, or the most profit within a budget."""

    def __init__(self, road: Road, target: Target | None, budget: Budget | None = None) -> None:
        self.road, self.target, self.plan = road, target, road.plan
        self.budget = budget or Budget()
        self.goals = judging(road.plan, road.what)
        self.low, self.high = (np.array(side, dtype=float) for side in (road.low, road.high))
        self.solved, self.numbers = 0, count()
        self.mirages: list[Mapping[str, Piece]] = []  # pieces whose open end no lever passes
        self.unit = max(1.0, abs(float(road.at({}).profit_after_ads or 0)))
        self.moves = self._within_budget(road.drawn)
        self.efforts = road.efforts(self.moves)
        seen = self._at(self.moves)
        self.kpis = {id: own for id, own in seen.items() if moves_at_all(own)}
        marks = marks_of(road.plan, road.chain, (road.what,))
        stops = road.what in PAID
        self.pieces = {}
        for id in marks.keys() & self.kpis.keys():
            own = [goal for goal in self.goals if goal.kpi == id]
            pieces = pieces_of(marks[id], own, road.chain, id)
            self.pieces[id] = within_reach(pieces, known(self.kpis[id]))
        still = {id: float(own.flat[0]) for id, own in seen.items() if id not in self.kpis}
        self.fixed = {
            goal.kpi: self._score(goal, still) for goal in self.goals if goal.kpi in still
        }
        for goal in self.goals:  # money of another kind is not judged
            if judge(goal, road.chain.totals[goal.kpi], road.plan.currency).foreign:
                self.fixed[goal.kpi] = nan
                self.pieces.pop(goal.kpi, None)
        self.stopped = stops and any(
            not keeps(
                still[gate.kpi],
                float(gate.limit),
                road.chain.totals[gate.kpi].definition.better,
            )
            for gate in road.plan.gates
            if gate.kpi in still
        )
        if target and road.what in ("bonus", "pay"):  # with a broken limit there is neither
            self.pieces = {
                id: [piece for piece in own if piece.kept] for id, own in self.pieces.items()
            }
        self.guards = [own.guard for own in road.chain.checks if isinstance(own, GuardCheck)]
        self.spans = [self._spans(goal) for goal in self.goals]
        self.needed = self._needed()
        self.costs = self.efforts if target else self._negative_profit(self.moves)

    def _within_budget(self, moves: Array) -> Array:
        """Positions drawn in the box of the limits, drawn towards the middle to be affordable."""
        if self.budget.effort is None:
            return moves
        pick = np.random.default_rng(20261003)
        efforts = np.maximum(self.road.efforts(moves), INSIDE)
        most = float(self.budget.effort) * np.maximum(pick.random(len(moves)), 0.5) ** 0.5
        shrunk: Array = moves * np.minimum(1.0, most / efforts)[:, None]
        return shrunk

    def _at(self, moves: Array) -> dict[str, Array]:
        """KPIs, profit after ads and spend, at moves of shape (n, levers)."""
        wanted = {"kpis"}
        if self.road.what in ("profit_after_ads", "profit_after_pay"):
            wanted |= {"profit_after_ads"}
        if self.budget.spend is not None:
            wanted |= {"measures"}
        found = self.road.chain.at(self.road.levers(moves), wanted)
        seen = dict(found.kpis)
        if "profit_after_ads" in wanted:
            seen["profit_after_ads"] = found.profit_after_ads
        if "measures" in wanted:
            seen["spend"] = found.measures["spend"]
        return seen

    def _score(self, goal: Goal, still: Mapping[str, float]) -> float:
        better = self.road.chain.totals[goal.kpi].definition.better
        return float(goal.scores(np.array([still[goal.kpi]]), better)[0])

    def _spans(self, goal: Goal) -> dict[tuple[float, float] | None, tuple[float, float]]:
        """(least, most) score of a goal in each piece of its KPI, and in all of them."""
        better = self.road.chain.totals[goal.kpi].definition.better
        found: dict[tuple[float, float] | None, tuple[float, float]] = {}
        for piece in self.pieces.get(goal.kpi, ()):
            scores = np.nan_to_num(goal.scores(piece.probe, better))
            found[piece.low, piece.high] = float(scores.min()), float(scores.max())
        least = min((low for low, _ in found.values()), default=0.0)
        return found | {None: (least, max((high for _, high in found.values()), default=0.0))}

    # --- what scores are worth

    def _index(self, scores: Sequence[Array | float]) -> Array:
        """What the goals come to together: their product, or the total of the lines."""
        own = [np.asarray(score, dtype=float) for score in scores]
        if self.plan.missing is Missing.ZERO:
            own = [np.nan_to_num(score) for score in own]
        if self.road.what != "score" and self.plan.scheme.by == "factors":
            found: Array = np.asarray(self.plan.scheme.coefficients(np.broadcast_arrays(*own)))
            return found
        weights = np.array([float(getattr(goal, "weight", 0)) for goal in self.goals])
        known = np.array([not np.isnan(score).all() for score in own])
        if self.plan.over is Over.CAPPED:
            own = [np.minimum(score, 1.0) for score in own]
        parts = [w * score for w, score, k in zip(weights, own, known, strict=True) if k]
        total: Array = np.asarray(sum(parts) / weights[known].sum())
        return total

    def _money(self, index: Array) -> Array:
        """The bonus that an index is worth."""
        if self.stopped:
            return np.asarray(index * 0.0)
        scheme = self.plan.scheme
        return scheme.terms.bent_all(scheme.coefficients([index])) * float(scheme.stake)

    def _is_enough(self, index: float) -> bool:
        """Whether an index reaches a target that is made of scores."""
        wanted = float(self.target.value) if self.target else 0.0
        if self.road.what == "score":
            return index >= wanted - 1e-12
        fixed = float(self.plan.scheme.fixed) if self.road.what == "pay" else 0.0
        return float(self._money(np.array(index))) + fixed >= wanted - HALF

    def _needed(self) -> float:
        """The least index that is enough; infinite where none is."""
        if not self._by_scores:
            return 0.0
        low, high = 0.0, float(self._index(self._scores({}, {}, best=True)))
        if not self._is_enough(high):
            return inf
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (low, middle) if self._is_enough(middle) else (middle, high)
        return high

    @property
    def _by_scores(self) -> bool:
        """Whether the target is made of scores alone."""
        return self.target is not None and self.road.what in ("score", "bonus", "pay")

    def _scores(
        self, held: Mapping[str, Piece], seen: Mapping[str, Array], *, best: bool
    ) -> list[Array | float]:
        """The scores of all goals: of KPIs that are held as there, of others the best or worst."""
        found: list[Array | float] = []
        for place, goal in enumerate(self.goals):
            id = goal.kpi
            if id in self.fixed:
                found.append(self.fixed[id])
            elif id in held and not held[id].flat and id in seen:
                better = self.road.chain.totals[id].definition.better
                within = np.clip(seen[id], *held[id].probe)
                found.append(np.nan_to_num(goal.scores(within, better)))
            else:
                spans = self.spans[place]
                ends = spans[(held[id].low, held[id].high) if id in held else None]
                found.append(ends[1] if best else ends[0])
        return found

    def _least_paid(self, held: Mapping[str, Piece], seen: Mapping[str, Array]) -> Array:
        """What is paid beside profit, or less."""
        fixed = float(self.plan.scheme.fixed)
        broken = [own for id, own in self.pieces.items() if id not in held]
        if any(not piece.kept for piece in held.values()) or any(
            not piece.kept for own in broken for piece in own
        ):
            return np.array(fixed)
        return self._money(self._index(self._scores(held, seen, best=False))) + fixed

    # --- smooth problems

    def _slack(self, moves: Array, held: Mapping[str, Piece], margin: float) -> tuple[Array, Array]:
        """(profit, constraints that have to be 0 or more): all that is no matter of effort."""
        seen = self._at(moves)
        rows: list[Array] = []
        for id, piece in held.items():
            for bound, sign in ((piece.low, 1), (piece.high, -1)):
                if abs(bound) < inf:
                    scale = max(abs(bound), 0.01)
                    room = margin if piece.low < piece.high else -LOOSE / 2  # a lone value
                    rows.append(sign * (seen[id] - bound) / scale - room)
        what, target = self.road.what, self.target
        profit = np.zeros(len(moves))
        if what == "profit_after_ads":
            profit = seen[what]
        elif what == "profit_after_pay":
            profit = seen["profit_after_ads"] - self._least_paid(held, seen)
        if target and what.startswith("profit"):
            goal = float(target.value)
            rows.append((profit - goal) / max(abs(goal), 1.0) - margin)
        elif target and what not in NAMED:
            goal = float(target.value)
            sign = -1 if target.at_most else 1
            rows.append(sign * (seen[what] - goal) / max(abs(goal), 0.01) - margin)
        elif any(not piece.flat for piece in held.values()):
            index = self._index(self._scores(held, seen, best=True))
            rows.append(index - self.needed - margin * max(self.needed, 0.01))
        if what in ("bonus", "pay"):
            rows += [self._guarded(guard, seen) for guard in self.guards]
        if self.budget.spend is not None:
            most = float(self.budget.spend)
            rows.append((most - seen["spend"]) / max(most, 1.0))
        made = [np.broadcast_to(np.nan_to_num(row, nan=-1.0), len(moves)) for row in rows]
        return profit, np.stack(made, axis=1) if made else np.zeros((len(moves), 0))

    def _guarded(self, guard: Guard, seen: Mapping[str, Array]) -> Array:
        """How far a guard pair is from being broken (``gates``)."""
        then, now = self.road.values.earlier[guard.against].totals(), self.road.chain.totals
        gains = []
        for id in (guard.kpi, guard.guard):
            was = float(then[id].value or 0)
            gain = (seen[id] - was) / abs(was)
            gains.append(gain if now[id].definition.better is Better.HIGHER else -gain)
        room: Array = gains[1] + np.maximum(gains[0], 0.0)
        return room

    def _solved(
        self, held: Mapping[str, Piece], start: Array, margin: float = 0.0
    ) -> tuple[float, Array] | None:
        """(cost, point) of the least cost, from one start; ``None`` where nothing is feasible."""
        from scipy.optimize import minimize  # noqa: PLC0415  # slow to import, needed by few

        self.solved += 1
        size = len(start)
        scale = max(1.0, float(self.road.weights.max()))
        kept: dict[bytes, tuple[Array, Array, Array, Array]] = {}
        # One-sided derivatives, inwards: beyond the limits there may be nothing.
        steps = np.where(start > (self.low + self.high) / 2, -STEP, STEP)

        def seen(both: Array) -> tuple[Array, Array, Array, Array]:
            key = both.tobytes()
            if key not in kept:
                move = np.clip(both[:size] - both[size:], self.low, self.high)
                inward = np.where(move + steps > self.high, -STEP, steps)
                inward = np.where(move + inward < self.low, STEP, inward)
                batch = np.concatenate([move[None], move + np.diag(inward)])
                profit, slack = self._slack(batch, held, margin)
                slope = ((slack[1:] - slack[0]) / inward[:, None]).T
                rise = (profit[1:] - profit[0]) / inward
                kept[key] = profit[0], rise, slack[0], slope
            return kept[key]

        prices = np.concatenate([self.road.weights, self.road.weights]) / scale
        most = self.budget.effort

        def cost(both: Array) -> float:
            return float(prices @ both) if self.target else -float(seen(both)[0]) / self.unit

        def slope(both: Array) -> Array:
            if self.target:
                return prices
            rise = seen(both)[1] / self.unit
            return -np.concatenate([rise, -rise])

        def kept_to(both: Array) -> Array:
            slack = seen(both)[2]
            return slack if most is None else np.append(slack, float(most) / scale - prices @ both)

        def jacobian(both: Array) -> Array:
            own = seen(both)[3]
            own = np.concatenate([own, -own], axis=1)
            return own if most is None else np.concatenate([own, -prices[None]])

        first = np.concatenate([np.maximum(start, 0), np.maximum(-start, 0)])
        room = np.concatenate([np.maximum(self.high, 0), np.maximum(-self.low, 0)])
        constraints = {"type": "ineq", "fun": kept_to, "jac": jacobian}
        found = minimize(
            cost,
            first,
            jac=slope,
            bounds=[(0.0, end) for end in room],
            constraints=constraints if kept_to(first).size else (),
            method="SLSQP",
            options={"maxiter": 25, "ftol": 1e-8},
        )
        if not np.isfinite(found.x).all():
            return None
        both = np.clip(found.x, 0, room)
        profit, slack = seen(both)[0], kept_to(both)
        if slack.size and slack.min() < -LOOSE:
            return None
        point = both[:size] - both[size:]
        point[np.abs(point) < 1e-9] = 0.0
        return (self._cost(point) if self.target else -float(profit)), point

    def _cost(self, point: Array) -> float:
        return float(self.road.efforts(point[None])[0])

    def _node(self, held: dict[str, Piece], starts: Sequence[Array]) -> _Node | None:
        """The problem solved from several starts and from the best position known."""
        found = [own for start in starts if (own := self._solved(held, start))]
        where = np.ones(len(self.moves), dtype=bool)
        for id, piece in held.items():
            where &= (self.kpis[id] >= piece.low) & (self.kpis[id] <= piece.high)
        if where.any():
            nearest = self.moves[int(np.argmin(np.where(where, self.costs, inf)))]
            if own := self._solved(held, nearest):
                found.append(own)
        if not found:
            return None
        cost, point = min(found, key=lambda own: own[0])
        return _Node(cost, next(self.numbers), held, point)

    # --- from piece to piece

    def _searched(self) -> _Node | None:
        """The best full answer: branch and bound over the pieces, the cheapest problem first."""
        if self.needed == inf or (self._by_scores and self.stopped and self.road.what != "score"):
            return None
        best = self._guessed()
        root = self._node({}, [np.zeros(len(self.low))])
        waiting = [root] if root else []
        while waiting:
            node = heapq.heappop(waiting)
            if best and node.bound >= best.bound - 1e-9 * max(1.0, abs(best.bound)):
                break
            full, enough, gaps = self._judged(node)
            enough = None if full in self.mirages else enough
            if enough is not None and (best is None or enough < best.bound):
                best = _Node(enough, next(self.numbers), full, node.point)
            if not gaps or (enough is not None and enough <= node.bound) or self.solved > SOLVES:
                continue
            id = max(gaps, key=lambda own: gaps[own])
            for piece in self.pieces[id]:
                child = self._child(node, node.held | {id: piece}, piece)
                if child and (best is None or child.bound < best.bound):
                    heapq.heappush(waiting, child)
        return self._challenged(best)

    def _child(self, node: _Node, held: dict[str, Piece], piece: Piece) -> _Node | None:
        """A problem with one piece more; its parent's answer where that lies in the piece."""
        if self._by_scores:
            most = float(self._index(self._scores(held, {}, best=True)))
            if most < self.needed - INSIDE:
                return None
        if piece.flat:
            profit, slack = self._slack(node.point[None], held, 0.0)
            if not slack.size or slack.min() >= -LOOSE:
                bound = node.bound if self.target else -float(profit[0])
                return _Node(bound, next(self.numbers), held, node.point)
        return self._node(held, [node.point])

    def _judged(self, node: _Node) -> tuple[dict[str, Piece], float | None, dict[str, float]]:
        """(every KPI with its piece, the cost if that is an answer, what else could be decided).

        What could be decided is told with how much it may change.
        """
        seen = {id: own for id, own in self._at(node.point[None]).items() if id in self.kpis}
        full = dict(node.held)
        for id, own in self.pieces.items():
            if id not in full:
                value = float(seen[id][0])
                near = [piece for piece in own if piece.low <= value <= piece.high]
                near = [piece for piece in own if piece.has(value)] or near
                if not near:  # beyond a limit
                    return full, None, {id: inf}
                full[id] = near[0]
        gaps: dict[str, float] = {}
        if self.goals:
            now = self._index(self._scores(full, seen, best=True)).flat[0]
            for id in self.pieces:
                if id not in node.held:
                    rest = {other: own for other, own in full.items() if other != id}
                    then = self._index(self._scores(rest, seen, best=self._by_scores))
                    gaps[id] = abs(float(then.flat[0]) - float(now))
        if self._by_scores:
            enough = bool(now >= self.needed - 1e-7) and (
                self._is_enough(float(now)) or any(not own.flat for own in full.values())
            )
            return full, node.bound if enough else None, gaps
        profit, slack = self._slack(node.point[None], full, 0.0)
        if self.target is None:
            return full, -float(profit[0]), gaps
        return full, node.bound if slack.min() >= -LOOSE else None, gaps

    def _cells(self, moves: Array) -> dict[str, Piece] | None:
        """The pieces that one position lies in; shape (1, levers)."""
        seen, held = self._at(moves), {}
        for id, own in self.pieces.items():
            piece = next((own_ for own_ in own if own_.has(float(seen[id][0]))), None)
            if piece is None:
                return None
            held[id] = piece
        return held

    def _guessed(self) -> _Node | None:
        """The best of the positions drawn, made the most of in their own pieces."""
        return self._made_the_most(self.moves, None, 3)

    def _made_the_most(self, moves: Array, best: _Node | None, many: int) -> _Node | None:
        figures = self.road.figures(moves)
        if self.target:
            costs = np.where(self.road.reached(figures, self.target), self.road.efforts(moves), inf)
        else:
            costs = self._negative_profit(moves)
        tried: list[dict[str, Piece]] = []
        for place in np.argsort(costs)[: 20 * many]:
            if costs[place] == inf or (best and costs[place] >= best.bound) or len(tried) >= many:
                break
            held = self._cells(moves[place][None])
            if held is None or held in tried or held in self.mirages:
                continue
            tried.append(held)
            found = self._solved(held, moves[place])
            cost, point = min(
                (own for own in (found, (float(costs[place]), moves[place])) if own),
                key=lambda own: own[0],
            )
            if best is None or cost < best.bound:
                best = _Node(cost, next(self.numbers), held, point)
        return best

    def _negative_profit(self, moves: Array) -> Array:
        """What is made least where the most profit is sought; infinite beyond the budget."""
        figures = self.road.figures(moves)
        fits = self._affordable(moves) & ~np.isnan(figures)
        return np.where(fits, -figures, inf)

    def _affordable(self, moves: Array) -> Array:
        """Which positions the budget allows."""
        fits = np.ones(len(moves), dtype=bool)
        if self.budget.effort is not None:
            fits &= self.road.efforts(moves) <= float(self.budget.effort) + INSIDE
        if self.budget.spend is not None:
            most = float(self.budget.spend)
            fits &= self._at(moves)["spend"] <= most * (1 + 1e-12)
        return fits

    def _challenged(self, best: _Node | None) -> _Node | None:
        """The answer, or a better one that chance finds among all that costs no more."""
        pick = np.random.default_rng(20261002)
        for _ in range(TRIES):
            if best is None or not self.target:
                return best
            shape = (SAMPLES, len(self.low))
            shares = pick.exponential(size=shape) * (pick.random(shape) < 0.6)
            shares *= pick.choice([-1, 1], shape) * pick.random((SAMPLES, 1)) ** 0.2
            whole = np.maximum(np.abs(shares).sum(axis=1, keepdims=True), INSIDE)
            weights = np.where(self.road.weights > 0, self.road.weights, best.bound or 1.0)
            moves = np.clip(shares / whole * best.bound / weights, self.low, self.high)
            better = self._made_the_most(moves, best, 2)
            if better is best or better is None or better.bound > best.bound * (1 - 1e-6):
                return better
            best = better
        return best

    # --- answers

    def least(self, target: Target) -> Shifts | None:
        """The least effort that reaches the target, confirmed; ``None`` where nothing does."""
        while found := self._searched():
            told = self._told(found)
            active = np.flatnonzero(np.abs(found.point) > LOOSE).tolist()
            if told is not None and len(active) > 1:
                return told
            closed = [self._closed(found.point, place, target) for place in active]
            answers = [shifts for shifts in (told, *closed) if shifts is not None]
            if answers:
                return min(answers, key=self.road.effort)
            self.mirages.append(found.held)
        return None

    def _closed(self, point: Array, place: int, target: Target) -> Shifts | None:
        """The exact root of one lever, the others where a point has them."""
        others = self._shifts(np.where(np.arange(len(point)) == place, 0.0, point), PRINTED[1])
        return along(self.road, target, place, others)

    def best(self) -> Shifts:
        """The most profit within the budget, confirmed."""
        while found := self._searched():
            told = self._told(found)
            if told is not None:
                return told
            self.mirages.append(found.held)
        return {}

    def _told(self, node: _Node) -> Shifts | None:
        """The best position beside a point that has few digits and that the exact road confirms."""
        for scale in PRINTED:
            for margin in (0.0, 2 / scale, 10 / scale):
                point = node.point
                if margin:
                    found = self._solved(node.held, node.point, margin)
                    if found is None:
                        continue
                    point = found[1]
                for move in self._beside(point, scale):
                    shifts = self._shifts(move, scale)
                    if self._confirmed(shifts):
                        return shifts
        return None

    def _beside(self, point: Array, scale: int) -> Array:
        """Positions of few digits around a point that floats think good, the best first."""
        moved = np.flatnonzero(np.abs(point) > LOOSE)[:8]
        around = np.zeros((3 ** len(moved), len(point)))
        if moved.size:
            around[:, moved] = list(product((-1, 0, 1), repeat=len(moved)))
        moves = np.clip((np.round(point * scale) + around) / scale, self.low, self.high)
        figures = self.road.figures(moves)
        if self.target:
            costs = np.where(self.road.reached(figures, self.target), self.road.efforts(moves), inf)
        else:
            costs = self._negative_profit(moves)
        places = np.argsort(costs)[:4]
        return moves[[place for place in places if costs[place] < inf]]

    def _shifts(self, move: Array, scale: int) -> dict[str, Fraction]:
        """A position as exact shifts; at a limit, that limit."""
        found = {}
        for place, id in enumerate(self.road.ids):
            shift = Fraction(round(float(move[place]) * scale), scale)
            for end in (self.road.low[place], self.road.high[place]):
                if float(end) == move[place]:
                    shift = end
            if shift:
                found[id] = shift
        return found

    def _confirmed(self, shifts: Shifts) -> bool:
        """Whether the exact road agrees."""
        there = self.road.at(shifts)
        if self.target:
            return self.target.reached(there.figure(self.target.what))
        fits = self.budget.effort is None or self.road.effort(shifts) <= self.budget.effort
        spent = self.budget.spend is None or (there.spend or 0) <= self.budget.spend
        return fits and spent and there.profit_after_pay is not None
