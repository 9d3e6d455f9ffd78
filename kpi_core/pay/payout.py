"""From scores to the money of a period.

Nothing is paid on a guess: a missing figure or an unfinished period stops the payout unless the
plan says otherwise, and what the plan says is printed in the statement.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from kpi_core import catalogue, words
from kpi_core.errors import Finding, PlanError, did_you_mean
from kpi_core.formula import earlier
from kpi_core.gates import Check, check
from kpi_core.kpis import KpiValue, Values
from kpi_core.model import Adds, Period
from kpi_core.nearest import NextStep, next_step
from kpi_core.pay.people import Person, Worked, worked
from kpi_core.plan import Missing, Partial, Plan
from kpi_core.schemes import Bent, Product, Team
from kpi_core.score import Judged, Scorecard, judge, score
from kpi_core.text import Both, rounded, shared_out

ZERO = Fraction(0)
NOTHING = Decimal(0)
FEWEST = Fraction(1, 2)  # of the weight must have figures: a lone KPI does not earn the whole fund


class What(StrEnum):
    """What a line of money is for."""

    FIXED = "fixed"
    BONUS = "bonus"
    CORRECTION = "correction"


@dataclass(frozen=True)
class Amount:
    """A line of money on a pay slip; below 0 it is taken back."""

    what: What
    money: Decimal
    reason: str = ""


@dataclass(frozen=True)
class Payout:
    """What a plan pays for a period.

    Attributes:
        values: the KPI values it was judged by.
        earned: what the scores earn of the stake, before the terms; exact.
        bent: what the terms made of that, one after the other.
        coefficient: what is left of it once gates are checked; exact.
        fixed, stake: of somebody who worked all of the period.
        amounts: the lines of money, each rounded half up to kopecks, once.
        carried: what could not be taken back, for later.
        factors: the judged factors of a scheme that has its own.
        scorecard: the scorecard of any other.
        unfinished: findings on sources that end too early or left days out, which the plan pays all
            the same.
        checks: gates and guards; a broken one that stops the bonus makes the coefficient 0.
        person: whose pay it is; ``None`` for that of the plan itself.
        worked: how much of the period the person worked.
        part: of a team's fund, before rounding.
    """

    plan: Plan
    values: Values = field(repr=False, hash=False)
    earned: Fraction
    bent: tuple[Bent, ...]
    coefficient: Fraction
    fixed: Decimal
    stake: Decimal
    amounts: tuple[Amount, ...]
    carried: Decimal = NOTHING
    factors: tuple[Judged, ...] = ()
    scorecard: Scorecard | None = None
    unfinished: tuple[Finding, ...] = ()
    checks: tuple[Check, ...] = ()
    person: Person | None = None
    worked: Worked | None = None
    part: Fraction | None = None

    @property
    def period(self) -> Period | None:
        """The days that are paid for."""
        return self.values.period

    @property
    def bonus(self) -> Decimal:
        """The bonus, before corrections."""
        return sum((a.money for a in self.amounts if a.what is What.BONUS), NOTHING)

    @property
    def pay(self) -> Decimal:
        """All there is to pay: the sum of the amounts."""
        return sum((amount.money for amount in self.amounts), NOTHING)

    @property
    def judged(self) -> tuple[Judged, ...]:
        """The goals that the bonus is made of."""
        if self.scorecard is None:
            return self.factors
        return tuple(line.judged for line in self.scorecard.lines if line.weight)


def payout(plan: Plan, values: Values) -> Payout:
    """What the plan pays for these values, by the targets of their period.

    Raises:
        PlanError: nobody asked for a period, or the plan's targets are of other days; a figure that
            the scheme needs is missing or in another currency; or the period is not over in the
            data, or days of it were not counted, and the plan does not say to pay all the same.
    """
    plan.check_period(values)
    plan = plan.of_period(values.period)
    named = values.totals()
    unfinished = _unfinished(plan, named, values)
    if unfinished and plan.partial_period is Partial.WAIT:
        first = unfinished[0]
        raise PlanError(first.code, where=first.where, **first.values)
    scheme = plan.scheme
    factors: tuple[Judged, ...] = ()
    card: Scorecard | None = None
    if isinstance(scheme, Product):
        factors = tuple(judge(goal, named[goal.kpi], plan.currency) for goal in scheme.factors)
        _check_currency(factors, plan)
        scores = tuple(_coefficient(factor, plan) for factor in factors)
    else:
        card = score(plan, named)
        scores = (_total(card, plan),)
    earned = scheme.coefficient(scores)
    bent = scheme.terms.bent(earned)
    coefficient = scheme.terms.applied(earned)
    checks = check(plan, values)
    if any(_is_broken(item, plan) for item in checks if item.stops):
        coefficient = ZERO
    return Payout(
        plan=plan,
        values=values,
        earned=earned,
        bent=bent,
        coefficient=coefficient,
        fixed=scheme.fixed,
        stake=scheme.stake,
        amounts=(
            Amount(What.FIXED, rounded(scheme.fixed, 2)),
            Amount(What.BONUS, rounded(coefficient * Fraction(scheme.stake), 2)),
        ),
        factors=factors,
        scorecard=card,
        unfinished=unfinished,
        checks=checks,
    )


def _total(card: Scorecard, plan: Plan) -> Fraction:
    """The total score, where enough of the lines have figures to pay by."""
    _check_currency([line.judged for line in card.lines if line.weight], plan)
    if card.total is None:
        raise PlanError("nothing_to_pay_for", where=_named(plan, card.missing))
    judged = sum((line.weight for line in card.lines if line.judged.score is not None), ZERO)
    whole = sum((line.weight for line in card.lines), ZERO)
    if plan.missing is Missing.DROP and judged < FEWEST * whole:
        raise PlanError("too_little_judged", where=_named(plan, card.missing))
    return card.total


def _is_broken(item: Check, plan: Plan) -> bool:
    """Whether a gate is broken; one that cannot be told stops the payout like any figure."""
    if item.kept is None and plan.missing is not Missing.ZERO:
        raise PlanError("gate_unknown", where=item.value.definition.name)
    return not item.kept


def _check_currency(judged: Sequence[Judged], plan: Plan) -> None:
    for item in judged:
        if item.foreign:
            raise PlanError(
                "other_currency",
                where=item.kpi.name,
                currency=item.value.currency,
                plan=plan.currency,
            )


def _coefficient(factor: Judged, plan: Plan) -> Fraction:
    if factor.score is not None:
        return factor.score
    if plan.missing is Missing.ZERO:
        return Fraction(0)
    if not factor.value.missing:
        raise PlanError("factor_undefined", where=factor.kpi.name)
    lacking = {
        lang: ", ".join(words.quantity(id, lang) for id in factor.value.missing)
        for lang in ("ru", "en")
    }
    raise PlanError("factor_missing", where=factor.kpi.name, measures=lacking)


def _named(plan: Plan, kpis: Sequence[str]) -> Both:
    return {lang: ", ".join(plan.kpi(id).name[lang] for id in kpis) for lang in ("ru", "en")}


def _unfinished(plan: Plan, named: Mapping[str, KpiValue], values: Values) -> tuple[Finding, ...]:
    """What says that a source does not cover the period, or left out days that are paid for."""
    judged = [named[id] for id in _paid_by(plan)]
    heard = {own for value in judged for given in value.inputs.values() for own in given.sources}
    short = {own for value in judged for own in _counting(value)}
    concerned = {"period_not_whole": heard, "missing_days": short}
    return tuple(
        finding
        for code, sources in concerned.items()
        for finding in values.findings
        if finding.code == code and finding.where in sources
    )


def concerned_by(plan: Plan, values: Values) -> frozenset[str]:
    """What a finding may be about that touches the pay: KPIs, sources and files; and the whole."""
    named = values.totals()
    judged = [named[id] for id in _paid_by(plan) if id in named]
    inputs = [(id, given) for value in judged for id, given in value.inputs.items()]
    return frozenset(
        {"", "plan"}
        | {value.kpi for value in judged}
        | {id for id, _ in inputs}
        | {name for _, given in inputs for name in (*given.sources, *given.files)}
    )


def _paid_by(plan: Plan) -> tuple[str, ...]:
    """The KPIs that decide what is paid: of the goals, and of what can stop the bonus."""
    stopping = [id for guard in plan.guards if guard.gate for id in (guard.kpi, guard.guard)]
    named = [*(goal.kpi for goal in plan.paying()), *(gate.kpi for gate in plan.gates), *stopping]
    return tuple(dict.fromkeys(named))


def _counting(value: KpiValue) -> set[str]:
    """The sources whose uncounted days make a value too small.

    A quotient leaves such days out above and below: with half of every figure it is the same.
    """
    measures = catalogue.measures()
    of = {name: (earlier(name) or ("", name))[1] for name in value.inputs}
    added = {
        name for name, id in of.items() if id in measures and measures[id].adds is not Adds.LAST
    }
    figures = {id: given.value for id, given in value.inputs.items()}
    any_ = {id: Fraction(place + 2) for place, id in enumerate(figures)}
    if all(_is_of_parts(value, own, added) for own in (figures, any_)):
        return set()
    counted = [name for name in added if measures[of[name]].family.every_day]
    return {source for name in counted for source in value.inputs[name].sources}


def _is_of_parts(
    value: KpiValue, figures: Mapping[str, Fraction | None], added: Collection[str]
) -> bool:
    """Whether a formula gives the same of half of what adds up."""
    halves = {
        id: figure / 2 if id in added and figure is not None else figure
        for id, figure in figures.items()
    }
    return value.formula.value(figures) == value.formula.value(halves)


@dataclass(frozen=True)
class Outcome:
    """What a plan makes of KPI values: its total score, and the payout or why there is none."""

    total: Fraction | None
    paid: Payout | None
    blocked: PlanError | None


def outcome(plan: Plan, values: Values) -> Outcome:
    """Score and pay together; a payout that cannot be made is told, not raised."""
    named = values.totals()
    total = score(plan, named).total
    try:
        return Outcome(total, payout(plan, values), None)
    except PlanError as blocked:
        return Outcome(total, None, blocked)


# --- people


def paid_to(paid: Payout, person: Person, part: Fraction | None = None) -> Payout:
    """The payout of one person: the own sums of money, the days worked, the correction.

    Salary and bonus shrink with the working days missed. What is taken back is taken from the
    bonus, never from the salary; the rest is carried.

    Args:
        paid: what the plan pays.
        person: the person.
        part: of a team's fund, in which the days worked are counted already.

    Raises:
        PlanError: the scheme has no fund of its own, or the days worked cannot be told.
    """
    try:
        scheme = paid.plan.scheme.of_one(person.salary, person.fund)
    except PlanError as wrong:
        wrong.where = person.name
        raise
    there = worked(person, paid.period)
    share = there.share if there else Fraction(1)
    bonus = paid.coefficient * Fraction(scheme.stake) * (share if part is None else part)
    return _settled(
        replace(
            paid, fixed=scheme.fixed, stake=scheme.stake, person=person, worked=there, part=part
        ),
        rounded(share * Fraction(scheme.fixed), 2),
        rounded(bonus, 2),
    )


def _settled(paid: Payout, fixed: Decimal, bonus: Decimal) -> Payout:
    """A person's payout with its lines of money."""
    amounts = (Amount(What.FIXED, fixed), Amount(What.BONUS, bonus))
    own = replace(paid, amounts=amounts)
    return own if paid.person is None else _corrected(own, paid.person.correction)


def _corrected(paid: Payout, by: Decimal) -> Payout:
    """A payout with one correction more: as much of it as the bonus has room for."""
    room = paid.pay - paid.amounts[0].money
    given = max(by, -room)
    if not given:
        return replace(paid, carried=paid.carried - by)
    reason = paid.person.reason if paid.person else ""
    line = Amount(What.CORRECTION, given, reason)
    return replace(paid, amounts=(*paid.amounts, line), carried=paid.carried + given - by)


def payroll(people: Sequence[Person], payouts: Mapping[str, Payout]) -> tuple[Payout, ...]:
    """What everybody is paid, in the order of `people`.

    The fund of a team is shared out to the kopeck among those who are paid by its plan: by what
    each brought, times the part of the period each worked. What an overpayment leaves is taken from
    the other rows of the same person.

    Args:
        people: may name one person twice, with other days.
        payouts: name of a plan to what it pays; the empty name is the plan at hand.

    Raises:
        PlanError: a plan is not among them, the plans are of several currencies, somebody stands
            there twice for the same days, or somebody's pay cannot be told.
    """
    for person in people:
        if person.plan not in payouts:
            near = did_you_mean(person.plan, set(payouts))
            raise PlanError("no_such_plan", where=person.name, plan=person.plan, near=near)
    used = [payouts[person.plan] for person in people]
    currencies = sorted({paid.plan.currency for paid in used})
    if len(currencies) > 1:
        raise PlanError("payroll_currencies", currencies=", ".join(currencies))
    _check_twice(people)
    # One fund, by whatever names its plan is called.
    funds = {
        name: paid.plan.model_dump_json(exclude={"name", "comments"})
        for name, paid in payouts.items()
        if isinstance(paid.plan.scheme, Team)
    }
    found: dict[int, Payout] = {}
    teams: dict[str, dict[int, Person]] = {}
    for place, (person, paid) in enumerate(zip(people, used, strict=True)):
        if person.plan in funds:
            teams.setdefault(funds[person.plan], {})[place] = person
        else:
            found[place] = paid_to(paid, person)
    for team in teams.values():
        paid = used[next(iter(team))]
        found |= dict(zip(team, _team(list(team.values()), paid), strict=True))
    return _owing(tuple(found[place] for place in range(len(people))))


def _check_twice(people: Sequence[Person]) -> None:
    """Raise where somebody stands there twice for the same days."""
    spans: dict[str, list[tuple[date, date]]] = {}
    for person in people:
        first, last = person.first or date.min, person.last or date.max
        others = spans.setdefault(person.name.casefold(), [])
        if any(first <= until and since <= last for since, until in others):
            raise PlanError("same_person_twice", where=person.name)
        others.append((first, last))


def _owing(rows: tuple[Payout, ...]) -> tuple[Payout, ...]:
    """What a row could not take back, taken from other rows of the same person."""
    settled = list(rows)
    by_name: dict[str, list[int]] = {}
    for place, own in enumerate(rows):
        if own.person:
            by_name.setdefault(own.person.name.casefold(), []).append(place)
    for places in by_name.values():
        for owing in places:
            for other in places:
                owed = settled[owing].carried
                if other == owing or not owed:
                    continue
                asked = replace(settled[other], carried=NOTHING)
                taken = _corrected(replace(asked, person=rows[owing].person), -owed)
                settled[other] = replace(
                    taken, person=rows[other].person, carried=settled[other].carried
                )
                settled[owing] = replace(settled[owing], carried=taken.carried)
    return tuple(settled)


def _team(people: Sequence[Person], paid: Payout) -> list[Payout]:
    weights = [_team_weight(person, paid) for person in people]
    whole = sum(weights, ZERO)
    if not whole:
        raise PlanError("team_without_shares", where=people[0].name)
    parts = zip(people, weights, shared_out(paid.bonus, weights), strict=True)
    return [
        _settled(own, own.amounts[0].money, bonus)
        for person, weight, bonus in parts
        for own in [paid_to(paid, person, weight / whole)]
    ]


def _team_weight(person: Person, paid: Payout) -> Fraction:
    """What a team's fund is shared out by: what a person brought, times the part worked."""
    scheme = paid.plan.scheme
    if not isinstance(scheme, Team) or person.fund is not None:
        raise PlanError("scheme_without_fund", where=person.name)
    there = worked(person, paid.period)
    fixed = scheme.fixed if person.salary is None else person.salary
    return person.weight(scheme.split, fixed, there.share if there else Fraction(1))


# --- by line, and ahead


def bonus_by_line(paid: Payout) -> dict[str, Decimal]:
    """KPI to its part of the bonus, for a scheme paid by the plan's lines; they add up to it.

    What the terms took or gave is shared out like the points; where nothing was reached, a
    guaranteed bonus is shared out like the weights.
    """
    lines = paid.scorecard.lines if paid.scorecard else ()
    points = [line.points or ZERO for line in lines]
    if not any(points):
        points = [line.share for line in lines]
    parts = shared_out(paid.bonus, points)
    return {line.judged.goal.kpi: part for line, part in zip(lines, parts, strict=True)}


@dataclass(frozen=True)
class Ahead:
    """The next step of one goal, and how much more bonus it is, all that follows from it counted.

    `gain` is ``None`` where nobody can say what would lead there.
    """

    judged: Judged
    step: NextStep
    gain: Decimal | None


def ahead(paid: Payout) -> tuple[Ahead, ...]:
    """The next step of every goal that the bonus is made of; those already at the top have none.

    The figure that leads there is changed wherever the same sources speak of it: more leads at the
    same spend make each of them cheaper, too.
    """
    found = []
    for judged in paid.judged:
        step = next_step(judged, paid.plan)
        if step is None:
            continue
        gain = None
        if step.measure is not None and step.more is not None:
            moved = payout_with(paid, step.measure, step.more, judged.value)
            gain = None if moved is None else moved.bonus - paid.bonus
        found.append(Ahead(judged, step, gain))
    return tuple(found)


def payout_with(payout_: Payout, measure: str, more: Fraction, of: KpiValue) -> Payout | None:
    """The payout with more of a measure; ``None`` where that would not be paid for.

    Args:
        payout_: as it is.
        measure: that changes wherever a value has it from the sources of `of`.
        more: below 0 for less.
        of: the value that names the sources.
    """
    sources = of.inputs[measure].sources
    rows = tuple(_with_more(row, measure, more, sources) for row in payout_.values.rows)
    try:
        moved = payout(payout_.plan, replace(payout_.values, rows=rows))
    except PlanError:
        return None
    return moved if payout_.person is None else paid_to(moved, payout_.person, payout_.part)


def _with_more(row: KpiValue, measure: str, more: Fraction, sources: tuple[str, ...]) -> KpiValue:
    given = row.inputs.get(measure)
    if given is None or given.value is None or given.sources != sources:
        return row
    return row.remade({**row.inputs, measure: replace(given, value=given.value + more)})
