"""Is a bonus rule fair to the one it pays? What chance makes of a bonus at a true performance.

For somebody who truly performs at 60 to 140 % of plan: how often nothing is paid, how often
everything, how much on average and how widely it scatters; beside the same plan with straight lines
in place of steps. Distributions are computed, not drawn: the chances of each goal's scores
(``chance``) are put together goal by goal. Gates, guards and days of absence are left out.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

import numpy as np

from kpi_core import catalogue
from kpi_core.chance import Law, Noise, moving_together, wanted
from kpi_core.errors import UsageError
from kpi_core.formula import Array
from kpi_core.model import Better, Unit
from kpi_core.pay.payout import FEWEST
from kpi_core.plan import AnyGoal, Missing, Over, Plan
from kpi_core.rules import Bands, Goal, Linear, Steps
from kpi_core.schemes import Curve, Product, Scheme, Table
from kpi_core.text import money, number, percent, rounded, say
from kpi_core.trend import chance_words
from kpi_core.words import figure, kpi_figure, mark, quantity

LEVELS = tuple(Fraction(n, 100) for n in range(60, 141, 5))
MOST_LEVEL = 10
MIDDLE = 0.8  # of the months lie within the band that is shown
SEEN = 0.005  # coefficients that are rarer are not listed
MOST_LISTED = 6
CELLS = 1024  # into which a range of totals is cut where there are more of them
FEWEST_CELLS = 64  # the same of scores, which are cut the coarser the more goals there are
SHARP = 0.01  # a score or total as likely as this is kept exactly
TOSS = 0.3  # two sums as likely as this, and hardly a third one, are a toss of a coin
NEVER_ELSE = 0.95  # so much of the chance is as good as all of it
SAME = 1e-9  # coefficients that differ by less are one
LEVEL_AFTER = Decimal("0.2")  # a straight line is level beyond its top: its stretch earns nothing
FINELY, EXACTLY = 12, 30  # decimals of marks that are computed, and of those that plans hold


@dataclass(frozen=True)
class Odds:
    """What a rule pays somebody who truly performs at `level`.

    Attributes:
        coefficients: what may be paid, as shares of the stake, rising.
        chances: of each; they add up to 1.
        top: the most that the rule can pay.
        ideal: what it would pay if there were no chance.
        unjudged: how likely too few goals have figures to pay by.
    """

    level: Fraction
    coefficients: Array = field(repr=False, hash=False, compare=False)
    chances: Array = field(repr=False, hash=False, compare=False)
    top: float
    ideal: float
    unjudged: float = 0.0

    @property
    def expected(self) -> float:
        """The average coefficient."""
        return float(self.coefficients @ self.chances)

    @property
    def spread(self) -> float:
        """The standard deviation of the coefficient."""
        apart = self.coefficients - self.expected
        return float(np.sqrt(apart * apart @ self.chances))

    @property
    def nothing(self) -> float:
        """How likely no bonus is paid at all."""
        return float(self.chances[self.coefficients <= SAME].sum())

    @property
    def full(self) -> float:
        """How likely the most is paid that the rule can pay, if that is anything."""
        if self.top <= SAME:
            return 0.0
        return float(self.chances[self.coefficients >= self.top - SAME].sum())

    def quantile(self, share: float) -> float:
        """The coefficient that at least `share` of the months do not exceed, 0 < share < 1."""
        place = int(np.searchsorted(self.chances.cumsum(), share - SAME))
        return float(self.coefficients[min(place, len(self.coefficients) - 1)])

    def likely(self, least: float = SEEN) -> list[tuple[float, float]]:
        """The coefficients that are as likely as `least`, each with its chance."""
        pairs = zip(self.coefficients.tolist(), self.chances.tolist(), strict=True)
        return [(paid, chance) for paid, chance in pairs if chance >= least]

    def interval(self, level: float = MIDDLE) -> tuple[float, float]:
        """Between which coefficients the middle `level` of the months lies."""
        return self.quantile((1 - level) / 2), self.quantile((1 + level) / 2)


@dataclass(frozen=True)
class Fairness:
    """A plan and its like with straight lines, at each true performance.

    Attributes:
        straight: the plan with straight lines.
        noises: what chance does to each goal that pays.
        together: KPIs that chance moves together; all others move on their own.
        stepped, linear: the odds of both, level by level.
    """

    plan: Plan
    straight: Plan
    noises: tuple[Noise, ...]
    together: tuple[frozenset[str], ...]
    stepped: tuple[Odds, ...]
    linear: tuple[Odds, ...]

    @property
    def is_straight(self) -> bool:
        """Whether the plan is without steps itself, so that there is nothing to compare."""
        return self.straight == self.plan

    def at(self, level: Fraction) -> tuple[Odds, Odds]:
        """The odds of the plan and of its like with straight lines at one of the levels."""
        place = [odds.level for odds in self.stepped].index(level)
        return self.stepped[place], self.linear[place]

    def pay(self, share: float) -> float:
        """What is paid in all, at a coefficient."""
        scheme = self.plan.scheme
        return float(scheme.fixed) + share * float(scheme.stake)


def fairness(
    plan: Plan,
    noises: Sequence[Noise],
    levels: Sequence[Fraction] = LEVELS,
    together: Sequence[Collection[str]] | None = None,
) -> Fairness:
    """The odds of a plan.

    Args:
        plan: with the targets of the period.
        noises: of its goals that pay, in their order, as ``chance.noises`` gives them.
        levels: true attainments of every goal, each above 0, at most `MOST_LEVEL`.
        together: sets of KPIs that chance moves together, so that one does well when the others do;
            those that rest on the same measure if not given, ``()`` for none.

    Raises:
        UsageError: a level is none of these.
    """
    for level in levels:
        if not 0 < level <= MOST_LEVEL:
            raise UsageError("bad_level", where=str(level))
    groups = tuple(map(frozenset, moving_together(noises) if together is None else together))
    straight = straightened(plan, noises)
    outcomes = [[noise.outcomes(level) for noise in noises] for level in levels]
    both = [
        tuple(
            _odds(of, level, _judging(of, noises), found, groups)
            for level, found in zip(levels, outcomes, strict=True)
        )
        for of in (plan, straight)
    ]
    return Fairness(plan, straight, tuple(noises), groups, *both)


# --- straight lines in place of steps


def straightened(plan: Plan, noises: Sequence[Noise]) -> Plan:
    """The plan with straight lines in place of steps, from the same floors to the same tops."""
    better = {noise.goal.kpi: noise.kpi.better for noise in noises}

    def changed(goals: Sequence[AnyGoal]) -> tuple[AnyGoal, ...]:
        return tuple(_straight(goal, better[goal.kpi]) if goal.kpi in better else goal
                     for goal in goals)  # fmt: skip

    scheme: Scheme = plan.scheme
    if isinstance(scheme, Product):
        scheme = scheme.model_copy(update={"factors": changed(scheme.factors)})
    if isinstance(scheme, Table):
        stake = Fraction(scheme.stake)
        marks = [(Fraction(row.at), Fraction(row.amount) / stake) for row in scheme.rows]
        if line := straight_line(marks, Fraction(scheme.below) / stake):
            sums = {"salary": scheme.salary, "fund": scheme.stake}
            scheme = Curve(rule=line, terms=scheme.terms, **sums)
    return plan.model_copy(update={"lines": changed(plan.lines), "scheme": scheme})


def _straight(goal: AnyGoal, better: Better) -> AnyGoal:
    """The goal with a straight line from floor to top, where its rule has steps."""
    rule, line = goal.rule, None
    target = wanted(goal, better)
    if isinstance(rule, Steps):
        marks = [(Fraction(step.at), Fraction(step.score)) for step in rule.steps]
        line = straight_line(marks, Fraction(rule.below))
    elif isinstance(rule, Bands) and target and goal.base is None:
        line = _through(rule, better, target)
        goal = goal.model_copy(update={"target": rounded(target, EXACTLY)}) if line else goal
    return goal.model_copy(update={"rule": line}) if line else goal


def _through(rule: Bands, better: Better, target: Fraction) -> Linear | None:
    """The line through bands of a value, over its attainment; ``None`` where they do not rise."""
    ends = [Fraction(band.to) for band in rule.bands]
    scores = [Fraction(score) for score in (*(band.score for band in rule.bands), rule.beyond)]
    if better is Better.LOWER:
        ends, scores = ends[::-1], scores[::-1]
    if min(ends) <= 0 or scores != sorted(scores):
        return None
    marks = [target / end if better is Better.LOWER else end / target for end in ends]
    return straight_line(list(zip(marks, scores[1:], strict=True)), scores[0])


def straight_line(marks: Sequence[tuple[Fraction, Fraction]], below: Fraction) -> Linear | None:
    """The straight line from the first step to the last.

    Of one step, or where something is paid before the first, it begins at 0.

    Args:
        marks: attainment and score of each step, both rising.
        below: the score before the first.

    Returns:
        ``None`` where no line rises so.

    >>> steps = [(Fraction("0.8"), Fraction("0.5")), (Fraction(1), Fraction(1))]
    >>> straight_line(steps, Fraction(0)) == Linear()  # 50 % at 80 % of plan, 100 % at 100 %
    True
    """
    (floor, score), (top, most) = marks[0], marks[-1]
    if below or floor == top:
        floor, score = Fraction(0), below
    low, high = rounded(floor, FINELY), rounded(top, FINELY)
    if low >= high:
        return None
    best = rounded(most, FINELY)
    return Linear(
        floor=low, target=high, stretch=high + LEVEL_AFTER,
        floor_score=rounded(score, FINELY), target_score=best, stretch_score=best,
    )  # fmt: skip


# --- putting chances together

# What the goals so far may come to: the weight that counted to their sums or products and chances.
_Chances = dict[float, tuple[Array, Array]]


def _judging(plan: Plan, noises: Sequence[Noise]) -> list[tuple[Noise, Goal, float]]:
    """Each noise with the plan's own goal in its place, and the share of that in the weights."""
    shares = plan.shares()
    return [
        (noise, goal, float(shares.get(goal.kpi, 0)))
        for noise, goal in zip(noises, plan.paying(), strict=True)
    ]


def _odds(
    plan: Plan,
    level: Fraction,
    judging: Sequence[tuple[Noise, Goal, float]],
    outcomes: Sequence[tuple[Array, Array]],
    groups: Sequence[frozenset[str]],
) -> Odds:
    """The odds at one level.

    Args:
        plan: that pays.
        level: the true attainment.
        judging: of each goal its noise, rule and weight.
        outcomes: of each goal its values and chances.
        groups: the KPIs that move together.
    """
    ranges = [
        _in_order(_scores(plan, noise, goal, values), chances)
        for (noise, goal, _), (values, chances) in zip(judging, outcomes, strict=True)
    ]
    weights = np.array([weight for _, _, weight in judging])
    so_far: _Chances = {}
    grouped = _grouped([goal.kpi for _, goal, _ in judging], groups)
    cells = max(FEWEST_CELLS, CELLS // len(grouped))
    for places in grouped:
        own = _together([ranges[place] for place in places], weights[places], plan)
        so_far = _both(so_far, _reduced(own, cells), plan) if so_far else _reduced(own, cells)
    tops = np.array([_top(goal, plan) for _, goal, _ in judging])
    exact = [
        _scores(plan, noise, goal, np.array([_float(noise.true(level))]))[0]
        for noise, goal, _ in judging
    ]
    whole = float(weights.sum())
    top, ideal = (
        float(_paid(_joined(own[:, None], weights, np.ones(1), plan), plan, whole)[0][0])
        for own in (tops, np.array(exact))
    )
    coefficients, likely = _paid(so_far, plan, whole)
    paid, place = np.unique(coefficients.round(12), return_inverse=True)
    chances = np.bincount(place, likely)
    unjudged = sum(
        float(own.sum()) for weight, (_, own) in so_far.items() if _is_unjudged(weight, plan, whole)
    )
    return Odds(level, paid, chances / chances.sum(), round(top, 12), ideal, unjudged)


def _float(value: Fraction | None) -> float:
    return np.nan if value is None else float(value)


def _top(goal: Goal, plan: Plan) -> float:
    rule = goal.rule
    if isinstance(rule, Bands):
        top = float(max(rule.beyond, *(band.score for band in rule.bands)))
    else:
        top = float(rule.top())
    return _counted(np.array(top), plan).item()


def _scores(plan: Plan, noise: Noise, goal: Goal, values: Array) -> Array:
    """The scores of values as they count; ``nan`` where there is none."""
    return _counted(goal.scores(values, noise.kpi.better), plan)


def _counted(scores: Array, plan: Plan) -> Array:
    if plan.scheme.by == "lines" and plan.over is Over.CAPPED:
        return np.minimum(scores, 1.0)
    return scores


def _in_order(scores: Array, chances: Array) -> tuple[Array, Array]:
    """Scores and how likely each or one before it; neighbours that are alike are one.

    Between steps a score is the average of a cell of about 1 / `CELLS`: fewer would be seen.
    """
    most = max(1.0, float(np.nanmax(scores, initial=0.0)))
    cells = np.floor(np.nan_to_num(scores, nan=-1.0) * CELLS / most)
    sharp = chances >= SHARP
    fresh = (np.diff(cells) != 0) | sharp[1:] | sharp[:-1]
    fresh &= ~((np.diff(scores) == 0) | (np.isnan(scores[1:]) & np.isnan(scores[:-1])))
    starts = np.concatenate([[0], np.flatnonzero(fresh) + 1])
    sums = np.add.reduceat(chances, starts)
    means = np.add.reduceat(scores * chances, starts) / np.maximum(sums, 1e-300)
    return means, sums.cumsum() / sums.sum()


def _grouped(kpis: Sequence[str], groups: Sequence[frozenset[str]]) -> list[list[int]]:
    """The places of goals that move together, each goal in the first group that names it."""
    found: dict[frozenset[str], list[int]] = {}
    for place, kpi in enumerate(kpis):
        of = next((group for group in groups if kpi in group), frozenset([kpi]))
        found.setdefault(of, []).append(place)
    return list(found.values())


def _together(ranges: Sequence[tuple[Array, Array]], weights: Array, plan: Plan) -> _Chances:
    """Goals that stand at the same quantile, each of its own distribution."""
    marks = np.unique(np.concatenate([upto for _, upto in ranges]).round(14))
    middles = np.concatenate([[marks[0] / 2], (marks[1:] + marks[:-1]) / 2])
    scores = np.array(
        [own[np.minimum(np.searchsorted(upto, middles), len(own) - 1)] for own, upto in ranges]
    )
    return _joined(scores, weights, np.diff(marks, prepend=0.0), plan)


def _joined(scores: Array, weights: Array, chances: Array, plan: Plan) -> _Chances:
    """Scores of shape (n_goals, n) as one: their product, or the sum that their weights give."""
    missing = np.isnan(scores)
    known = np.where(missing, 0.0, scores)
    if plan.scheme.by == "factors":  # without a figure nothing is earned
        return {1.0: (known.prod(axis=0), chances)}
    sums = weights @ known
    if plan.missing is Missing.ZERO or not missing.any():
        return {float(weights.sum()): (sums, chances)}
    counted = np.where(missing, 0.0, weights[:, None]).sum(axis=0)
    if plan.missing is Missing.BLOCK:
        counted = np.where(missing.any(axis=0), -np.inf, counted)
    return {
        float(weight): (sums[counted == weight], chances[counted == weight])
        for weight in np.unique(counted)
    }


def _both(one: _Chances, other: _Chances, plan: Plan) -> _Chances:
    """Two that have nothing to do with each other."""
    product = plan.scheme.by == "factors"
    combine = np.multiply if product else np.add
    parts: dict[float, list[tuple[Array, Array]]] = {}
    for weight, (values, chances) in one.items():
        for added, (more, likely) in other.items():
            made = combine.outer(values, more).ravel()
            pairs = parts.setdefault(1.0 if product else weight + added, [])
            pairs.append((made, np.multiply.outer(chances, likely).ravel()))
    joined = {
        weight: (np.concatenate([v for v, _ in own]), np.concatenate([c for _, c in own]))
        for weight, own in parts.items()
    }
    return _reduced(joined, CELLS)


def _reduced(found: _Chances, cells: int) -> _Chances:
    """The same in fewer values: likely ones as they are, others by the average of their cell."""
    return {weight: _in_cells(*own, cells) for weight, own in found.items()}


def _in_cells(values: Array, chances: Array, cells: int) -> tuple[Array, Array]:
    sharp = chances >= SHARP
    exact, place = np.unique(values[sharp].round(14), return_inverse=True)
    likely: Array = np.bincount(place, chances[sharp], minlength=len(exact)).astype(np.float64)
    values, chances = values[~sharp], chances[~sharp]
    if not len(values):
        return exact, likely
    low, wide = values.min(), float(np.ptp(values)) or 1.0
    place = np.rint((values - low) * (cells / wide)).astype(np.int64)
    held = np.bincount(place, chances)
    kept = held > 0
    means = np.bincount(place, chances * values)[kept] / held[kept]
    return np.concatenate([exact, means]), np.concatenate([likely, held[kept]])


def _paid(found: _Chances, plan: Plan, whole: float) -> tuple[Array, Array]:
    """Coefficients and their chances; nothing is paid where there is too little to judge by."""
    paid = []
    for weight, (values, _) in found.items():
        if _is_unjudged(weight, plan, whole):
            paid.append(np.zeros_like(values))
            continue
        totals = values if plan.scheme.by == "factors" else values / (weight or 1.0)
        paid.append(plan.scheme.terms.bent_all(plan.scheme.coefficients([totals])))
    return np.concatenate(paid), np.concatenate([chances for _, chances in found.values()])


def _is_unjudged(weight: float, plan: Plan, whole: float) -> bool:
    """Whether goals of `weight` of the `whole` are too few to pay by, as the payout has it."""
    if plan.scheme.by == "factors":
        return False
    fewest = float(FEWEST) * whole if plan.missing is Missing.DROP else 0.0
    return weight <= 0 or weight < fewest - SAME


# --- in words


def point_said(found: Fairness, odds: Odds, lang: str) -> str:
    """What matters most at a true performance: that it is sure, a toss of a coin or a draw."""
    likely = sorted(odds.likely(), key=lambda own: -own[1])[:MOST_LISTED]
    sums = _sums(found, sorted(likely), lang)
    where = "plan" if odds.level == 1 else "level"
    at = say(lang, f"fairness.at_{where}", level=percent(odds.level, lang, 0))
    if likely and likely[0][1] >= NEVER_ELSE:
        pay = _money(found, found.pay(likely[0][0]), lang)
        return say(lang, "fairness.sure", at=at, pay=pay, chance=chance_words(likely[0][1], lang))
    if sum(chance for _, chance in likely[:2]) >= NEVER_ELSE and likely[1][1] >= TOSS:
        two = _sums(found, sorted(likely[:2]), lang)
        cause = _because(found, odds.level, lang)
        return say(lang, "fairness.toss", at=at, sums=two, because=cause)
    if sum(chance for _, chance in likely) >= NEVER_ELSE:
        return say(
            lang, "fairness.draw", at=at, sums=sums, because=_because(found, odds.level, lang)
        )
    low, high = _range(found, odds, lang)
    return say(
        lang, "fairness.scatters", at=at, low=low, high=high, middle=percent(MIDDLE, lang, 0)
    )


def odds_said(found: Fairness, odds: Odds, lang: str) -> str:
    """The average pay at a true performance, and how often nothing or all of the bonus is paid."""
    said = say(
        lang,
        "fairness.odds",
        nothing=chance_words(odds.nothing, lang),
        full=chance_words(odds.full, lang),
        pay=_money(found, found.pay(odds.expected), lang),
    )
    if not odds.unjudged:
        return said
    chance = chance_words(odds.unjudged, lang)
    return f"{said} {say(lang, 'fairness.unjudged', chance=chance)}"


def _range(found: Fairness, odds: Odds, lang: str) -> tuple[str, str]:
    low, high = odds.interval()
    return _money(found, found.pay(low), lang), _money(found, found.pay(high), lang)


def _sums(found: Fairness, likely: Sequence[tuple[float, float]], lang: str) -> str:
    """What is paid how often: ``€37,500 in 50% of months; €60,000 in 49%``."""
    said: list[str] = []
    for share, chance in likely:
        key = "fairness.likely" if said else "fairness.likely_first"
        pay = _money(found, found.pay(share), lang)
        said.append(say(lang, key, pay=pay, chance=chance_words(chance, lang)))
    return "; ".join(said)


def _because(found: Fairness, level: Fraction, lang: str) -> str:
    """The goals of the rule that have a step at just this performance; empty where none has."""
    named: dict[str, list[str]] = {}
    for noise in found.noises:
        rule = noise.goal.rule
        steps = rule.steps if isinstance(rule, Steps) and noise.goal.base is None else ()
        for step in steps:
            if step.at == level:
                key = "rules.from" if step.inclusive else "rules.above"
                where = say(lang, key, mark=mark(step.at, rule, None, lang))
                named.setdefault(where, []).append(noise.kpi.name[lang])
    return "".join(
        say(lang, "fairness.because", where=where, kpis=", ".join(kpis))
        for where, kpis in named.items()
    )


def scattered_said(found: Fairness, level: Fraction, lang: str) -> str:
    """By how much chance moves the pay, and what straight lines would make of it."""
    stepped, linear = found.at(level)
    stake = float(found.plan.scheme.stake)
    rule, line = (_money(found, stake * own.spread, lang) for own in (stepped, linear))
    if found.is_straight:
        return say(lang, "fairness.scattered_straight", rule=rule)
    low, high = _range(found, linear, lang)
    return say(
        lang,
        "fairness.scattered",
        rule=rule,
        line=line,
        pay=_money(found, found.pay(linear.expected), lang),
        middle=percent(MIDDLE, lang, 0),
        low=low,
        high=high,
    )


def chances_said(found: Fairness, lang: str) -> list[str]:
    """Where the chances come from: of each KPI, of which move together, and what is left out."""
    said = [_noise_said(noise, found, lang) for noise in found.noises]
    names = {noise.goal.kpi: noise.kpi.name[lang] for noise in found.noises}
    for group in found.together:
        listed = ", ".join(name for kpi, name in names.items() if kpi in group)
        said.append(say(lang, "fairness.together", kpis=listed))
    if not found.together and len(names) > 1:
        said.append(say(lang, "fairness.apart"))
    if found.plan.gates or any(guard.gate for guard in found.plan.guards):
        said.append(say(lang, "fairness.without_checks"))
    return said


def _noise_said(noise: Noise, found: Fairness, lang: str) -> str:
    mean = noise.expected(Fraction(1))
    measure = noise.measure
    if measure is None or mean is None:
        error = noise.error
        if noise.kpi.unit is not Unit.SHARE:
            error *= abs(float(noise.true(Fraction(1)) or 0))
        shown = kpi_figure(noise.kpi, error, found.plan.currency, lang)
        return say(lang, f"fairness.{noise.law}", kpi=noise.kpi.name[lang], error=shown)
    word = str(noise.law)
    if noise.law is not Law.SUM:
        word += "_wide" if noise.dispersion > 1 else "_pure"
    unit, currency = catalogue.measure(measure).unit, found.plan.currency
    return say(
        lang,
        f"fairness.{word}",
        kpi=noise.kpi.name[lang],
        measure=quantity(measure, lang),
        mean=figure(mean, unit, lang, currency=currency),
        trials=number(noise.trials, lang),
        days=noise.days,
        times=number(noise.dispersion, lang, 1),
    )


def _money(found: Fairness, amount: float, lang: str) -> str:
    return money(amount, found.plan.currency, lang, 0)
