"""What mending one step of a funnel would bring: orders, money, scores and bonus.

One step is raised to another rate; as many of those who get on go on as before, so every later
stage grows by the same factor. The what-if model carries that factor to revenue, profit and KPIs,
and the plan to scores and pay.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from kpi_core import catalogue, words
from kpi_core.drivers import Lever, Model, profit_after_ads, project
from kpi_core.errors import KpiError, UsageError
from kpi_core.formula import Exact
from kpi_core.funnel import Funnel, FunnelStage
from kpi_core.kpis import Values
from kpi_core.leaks import Segments
from kpi_core.model import Driver
from kpi_core.pay import Outcome, outcome
from kpi_core.plan import Plan
from kpi_core.text import money, percent, say

POINT = Fraction(1, 100)  # one percentage point of a step rate
LARGE = Fraction(1, 10)  # of those at a step: a smaller segment may be ahead by chance
RESULTS = ("orders", "leads", "deals_won", "comments")  # what work on a site is for
MONEY = ("revenue", "deal_value")
ENDS = (*RESULTS, *MONEY)


@dataclass(frozen=True)
class Fix:
    """One step raised, all else as it is.

    Attributes:
        stage: the stage the step leads to, as counted now.
        level: the step rate it is raised to.
        last: how many would get to the last counted stage, and how many do.
        before, after: measures of the model by id; `after` is empty where it carries the step to
            nothing that work on a site is for.
        now, then: what the plan makes of both.
        values: the KPI values that would follow.
        untold: why it cannot be told what follows.
    """

    stage: FunnelStage
    level: Fraction
    last: tuple[Fraction, Fraction]
    before: Mapping[str, Exact] = field(hash=False)
    after: Mapping[str, Exact] = field(hash=False)
    now: Outcome = field(hash=False)
    then: Outcome = field(hash=False)
    values: Values = field(hash=False)
    untold: KpiError | None = None

    def gained(self, id: str) -> Exact:
        """By how much a measure would grow; ``None`` where the model does not tell it."""
        old, new = self.before.get(id), self.after.get(id)
        return None if old is None or new is None else new - old

    @property
    def results(self) -> dict[str, Fraction]:
        """Orders, leads, deals, money: what the model tells, by how much each would grow."""
        found = {id: self.gained(id) for id in ENDS}
        return {id: gained for id, gained in found.items() if gained is not None}

    @property
    def revenue(self) -> Exact:
        """The money that would come in beyond that of now."""
        return next((self.results[id] for id in MONEY if id in self.results), None)

    @property
    def profit(self) -> Exact:
        """The profit after advertising beyond that of now."""
        old, new = profit_after_ads(self.before), profit_after_ads(self.after)
        return None if old is None or new is None else new - old

    @property
    def score(self) -> Exact:
        """The total score beyond that of now, as a share of 1."""
        if self.untold or self.now.total is None or self.then.total is None:
            return None
        return self.then.total - self.now.total

    @property
    def bonus(self) -> Exact:
        """The bonus beyond that of now."""
        if self.untold or self.now.paid is None or self.then.paid is None:
            return None
        return Fraction(self.then.paid.bonus) - Fraction(self.now.paid.bonus)


def fix(
    model: Model, plan: Plan, values: Values, funnel: Funnel, *, stage: str, level: Fraction
) -> Fix:
    """What follows when the step into a stage is raised (or falls) to a level.

    Args:
        model: calibrated to the period of `values`.
        plan: by the targets of that period.
        values: the KPI values of the period.
        funnel: of everybody in the same period.
        stage: the id of a stage with a step rate.
        level: the new step rate, 0 to 1.

    Raises:
        UsageError: there is no such step, or the level is no share.
    """
    raised = next((own for own in funnel.steps if own.stage.id == stage), None)
    if raised is None or raised.step_rate is None:
        known = ", ".join(own.stage.id for own in funnel.steps)
        raise UsageError("unknown_step", where=stage, known=known)
    if not 0 <= level <= 1:
        raise UsageError("level_not_a_share", where=stage)
    before, now = model.rebuilt({}), outcome(plan, values)
    last = funnel.counted[-1].count or Fraction(0)
    if not raised.step_rate:
        untold = UsageError("fix_of_nothing", where=raised.stage.name)
        return Fix(raised, level, (last, last), before, {}, now, now, values, untold)
    factor = level / raised.step_rate
    grown = (last * factor, last)
    place = funnel.counted.index(raised)
    wanted = {own.measure: Fraction(1) for own in funnel.counted[:place]}
    wanted |= {own.measure: factor for own in funnel.counted[place:]}
    try:
        levers = levers_for(model, wanted)
        after, follows = model.rebuilt(levers), project(model, levers, values)
    except KpiError as untold:
        return Fix(raised, level, grown, before, {}, now, now, values, untold)
    if level != raised.step_rate and all(before.get(id) == after.get(id) for id in ENDS):
        after = {}
    return Fix(raised, level, grown, before, after, now, outcome(plan, follows), follows)


def levers_for(model: Model, wanted: Mapping[str, Fraction]) -> dict[str, Lever]:
    """The levers by which measures of a model become so many times what they are, exactly.

    The model rebuilds measures in order; where one does not come out as wanted, the driver that is
    read off this very measure is moved. What the model does not know is left aside.

    Raises:
        UsageError: none of the measures that are to change is in the model, or no driver moves one
            without another, or a share would have to exceed 1.
    """
    base = model.rebuilt({})
    made = {consequence.measure for consequence in model.business.consequences}
    moving = any(times != 1 for times in wanted.values())
    wanted = {id: times for id, times in wanted.items() if id in made and base.get(id)}
    if moving and all(times == 1 for times in wanted.values()):
        raise UsageError("fix_untold")
    factors: dict[str, Fraction] = {}
    for consequence in model.business.consequences:
        id = consequence.measure
        if id not in wanted:
            continue
        goal = (base[id] or Fraction(0)) * wanted[id]
        reached = _rebuilt(model, factors)[id]
        if reached == goal or not reached:
            continue
        drivers = [
            driver
            for driver in model.business.drivers
            if driver.id in consequence.formula.names and id in driver.formula.names
        ]
        factors = _moved(model, factors, drivers, id, goal)
    model.check(_levers(factors))
    return _levers(factors)


def _moved(
    model: Model,
    factors: Mapping[str, Fraction],
    drivers: Iterable[Driver],
    id: str,
    goal: Fraction,
) -> dict[str, Fraction]:
    """The factors with one more driver moved, up or down, so that a measure reaches its goal."""
    times = goal / (_rebuilt(model, factors)[id] or goal)
    for driver in drivers:
        for by in (times, 1 / times) if times else (times,):
            tried = {**factors, driver.id: factors.get(driver.id, Fraction(1)) * by}
            if model.drivers[driver.id] and _rebuilt(model, tried)[id] == goal:
                return tried
    raise UsageError("fix_untold")


def _rebuilt(model: Model, factors: Mapping[str, Fraction]) -> dict[str, Exact]:
    return model.rebuilt(_levers(factors))


def _levers(factors: Mapping[str, Fraction]) -> dict[str, Lever]:
    return {id: Lever(by=times - 1) for id, times in factors.items() if times != 1}


# --- over all steps


def ranked(fixes: Iterable[Fix]) -> tuple[Fix, ...]:
    """The fixes, the one that brings the most first: by profit, revenue, bonus, score, numbers."""

    def brings(found: Fix) -> tuple[Fraction, ...]:
        worth = (found.profit, found.revenue, found.bonus, found.score)
        grown = found.last[0] - found.last[1]
        return (*(Fraction(-1) if own is None else own for own in worth), grown)

    return tuple(sorted(fixes, key=brings, reverse=True))


def fixes(
    model: Model, plan: Plan, values: Values, funnel: Funnel, levels: Mapping[str, Fraction]
) -> tuple[Fix, ...]:
    """Every step that has a level raised to it, one at a time, the best first."""
    return ranked(
        fix(model, plan, values, funnel, stage=own.stage.id, level=levels[own.stage.id])
        for own in funnel.steps
        if own.stage.id in levels
    )


def points(model: Model, plan: Plan, values: Values, funnel: Funnel) -> tuple[Fix, ...]:
    """Every step raised by one percentage point, the one that brings the most first."""
    levels = {
        own.stage.id: own.step_rate + POINT
        for own in funnel.steps
        if own.step_rate is not None and own.step_rate + POINT <= 1
    }
    return fixes(model, plan, values, funnel, levels)


def levels_then(funnel: Funnel, then: Funnel) -> dict[str, Fraction]:
    """The step rates of another funnel, by the same counts, where they lie above those of now."""
    found = {}
    for own in funnel.steps:
        other = then.stage(own.stage.id)
        alike = other is not None and (other.measure, other.sources) == (own.measure, own.sources)
        if other is not None and alike and (other.step_rate or 0) > (own.step_rate or 0):
            found[own.stage.id] = other.step_rate or Fraction(0)
    return found


def levels_of_best(funnel: Funnel, segments: Segments) -> dict[str, tuple[str, Fraction]]:
    """By stage the segment with the best step rate, and that rate, where it lies above the whole's.

    Of segments that hold `LARGE` of those at the step, counted as the whole is.
    """
    found = {}
    for own in funnel.steps:
        best = segments.best(own.stage.id, LARGE)
        if best is None:
            continue
        part, ahead = best
        alike = (ahead.measure, ahead.sources) == (own.measure, own.sources)
        if alike and ahead.step_rate is not None and ahead.step_rate > (own.step_rate or 0):
            found[own.stage.id] = (part.slice, ahead.step_rate)
    return found


def brings(fix: Fix, currency: str, lang: str) -> str:
    """A fix in one line: the step, from and to, and all that follows."""
    said = [
        say(
            lang,
            "words.fix_step",
            stage=fix.stage.stage.name[lang],
            rate=percent(fix.stage.step_rate, lang, 2),
            level=percent(fix.level, lang, 2),
        )
    ]
    if fix.untold:
        return f"{said[0]} {fix.untold.text(lang)}"
    for id, gained in fix.results.items():
        unit = catalogue.measure(id).unit
        shown = words.figure(gained, unit, lang, decimals=0, currency=currency)
        said.append(f"{words.quantity(id, lang)}: {_signed(gained, shown)}")
    for key, more, shown in (
        ("fix_profit", fix.profit, money(fix.profit, currency, lang, 0)),
        ("fix_score", fix.score, words.points(fix.score, lang)),
        ("fix_bonus", fix.bonus, money(fix.bonus, currency, lang, 0)),
    ):
        if more is not None:
            said.append(f"{say(lang, f'words.{key}')}: {_signed(more, shown)}")
    return "; ".join(said)


def _signed(gained: Fraction, shown: str) -> str:
    return f"+{shown}" if gained > 0 else shown
