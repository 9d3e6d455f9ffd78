"""From scores to a line on a pay slip, and the derivation that an owner can check.

Nothing is paid on a guess: a missing figure or an unfinished period stops the payout unless the
plan says otherwise, and what the plan says is printed in the statement.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from math import prod

from kpi_core import catalogue, words
from kpi_core.errors import Finding, PlanError
from kpi_core.formula import earlier
from kpi_core.gates import Check, GateCheck, check
from kpi_core.kpis import KpiValue, Values
from kpi_core.model import Adds, Period
from kpi_core.plan import Missing, Over, Partial, Plan
from kpi_core.rules import Bands
from kpi_core.schemes import Product
from kpi_core.score import Judged, Scorecard, judge, score
from kpi_core.text import Both, days, money, number, percent, rounded, say

ZERO = Fraction(0)
FEWEST = Fraction(1, 2)  # of the weight must have figures: a lone KPI does not earn the whole fund


@dataclass(frozen=True)
class Entry:
    """A line of the statement: a sentence and its figure, both as printed."""

    text: str
    value: str


@dataclass(frozen=True)
class Payout:
    """What a plan pays for a period.

    Attributes:
        coefficient: exact; times `stake` it is the bonus before rounding.
        bonus, pay: rounded half up to kopecks, once.
        factors: the judged factors of a product scheme.
        scorecard: the scorecard of a scorecard scheme.
        unfinished: findings on sources that end too early or left days out, which the plan pays all
            the same.
        checks: gates and guards; a broken one that stops the bonus makes the coefficient 0.
    """

    plan: Plan
    period: Period | None
    coefficient: Fraction
    stake: Decimal
    bonus: Decimal
    pay: Decimal
    factors: tuple[Judged, ...] = ()
    scorecard: Scorecard | None = None
    unfinished: tuple[Finding, ...] = ()
    checks: tuple[Check, ...] = ()


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
        earned = scheme.earn(tuple(_coefficient(factor, plan) for factor in factors))
    else:
        card = score(plan, named)
        _check_currency([line.judged for line in card.lines if line.weight], plan)
        if card.total is None:
            raise PlanError("nothing_to_pay_for", where=_named(plan, card.missing))
        judged = sum((line.weight for line in card.lines if line.judged.score is not None), ZERO)
        if plan.missing is Missing.DROP and judged < FEWEST * sum(
            (line.weight for line in card.lines), ZERO
        ):
            raise PlanError("too_little_judged", where=_named(plan, card.missing))
        earned = scheme.earn(card.total)
    checks = check(plan, values)
    if any(_is_broken(item, plan) for item in checks if item.stops):
        earned = replace(earned, coefficient=ZERO)
    bonus = rounded(earned.bonus, 2)
    return Payout(
        plan=plan,
        period=values.period,
        coefficient=earned.coefficient,
        stake=earned.stake,
        bonus=bonus,
        pay=rounded(scheme.salary, 2) + bonus,
        factors=factors,
        scorecard=card,
        unfinished=unfinished,
        checks=checks,
    )


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


# --- the statement


def statement(payout: Payout, lang: str) -> list[Entry]:
    """The derivation of the payout, line by line, in words and numbers."""
    plan = payout.plan
    entries = []
    if payout.period:
        shown = days(payout.period.first, payout.period.last, lang)
        entries.append(Entry(say(lang, "statement.period"), shown))
    for finding in payout.unfinished:
        source = words.source_name(finding.where, lang)
        if finding.code == "missing_days":
            text = say(lang, "statement.uncounted", source=source)
            entries.append(Entry(text, "{n} ({days})".format(**finding.values)))
            continue
        text = say(lang, "statement.partial", source=source)
        entries.append(Entry(text, str(finding.values["held"])))
    if isinstance(plan.scheme, Product):
        entries += _product(payout, lang)
    elif payout.scorecard:
        entries += _scorecard(payout.scorecard, plan, lang)
    entries += [checked(item, plan, lang) for item in payout.checks]
    salary, bonus = (
        money(amount, plan.currency, lang) for amount in (plan.scheme.salary, payout.bonus)
    )
    stake = money(payout.stake, plan.currency, lang)
    share = words.coefficient(payout.coefficient, lang)
    key = "bonus_of_salary" if isinstance(plan.scheme, Product) else "bonus_of_fund"
    entries.append(Entry(say(lang, f"statement.{key}", share=share, stake=stake), bonus))
    entries.append(
        Entry(
            say(lang, "statement.pay", salary=salary, bonus=bonus),
            money(payout.pay, plan.currency, lang),
        )
    )
    return entries


def checked(item: Check, plan: Plan, lang: str) -> Entry:
    """A gate or guard, and whether it held."""
    kept = {True: "kept", False: "broken", None: "unknown"}[item.kept]
    verdict = "told" if item.kept is False and not item.stops else kept
    kpi = item.value.definition
    if isinstance(item, GateCheck):
        limit, value = (
            words.kpi_figure(kpi, figure, plan.currency, lang)
            for figure in (item.gate.limit, item.value.value)
        )
        text = say(
            lang, f"statement.gate_{kpi.better}", kpi=kpi.name[lang], limit=limit, value=value
        )
    else:
        text = say(
            lang,
            f"statement.guard_{item.guard.against}",
            kpi=kpi.name[lang],
            guard=item.beside.definition.name[lang],
            gained=_moved(item.gained, lang),
            harmed=_moved(None if item.harmed is None else -item.harmed, lang),
        )
    return Entry(text, say(lang, f"statement.check_{verdict}"))


def _moved(better: Fraction | None, lang: str) -> str:
    """By how much something became better or worse."""
    if better is None:
        return "—"
    if not better:
        return say(lang, "statement.unchanged")
    word = "worse_by" if better < 0 else "better_by"
    return say(lang, f"statement.{word}", share=percent(abs(better), lang))


def _product(payout: Payout, lang: str) -> list[Entry]:
    entries = []
    for position, factor in enumerate(payout.factors, start=1):
        entries.append(_reached(factor, payout.plan, lang))
        kpi = factor.kpi
        given = factor.score if factor.score is not None else Fraction(0)
        entries.append(
            Entry(
                say(
                    lang,
                    "statement.coefficient" if factor.score is not None else "statement.no_figure",
                    k=position,
                    kpi=kpi.name[lang],
                    where=_landed(factor, lang),
                ),
                words.coefficient(given, lang),
            )
        )
    if len(payout.factors) > 1:
        product = " × ".join(
            words.coefficient(f.score if f.score is not None else Fraction(0), lang)
            for f in payout.factors
        )
        whole = prod((f.score or ZERO for f in payout.factors), start=Fraction(1))
        entries.append(
            Entry(say(lang, "statement.product", product=product), words.coefficient(whole, lang))
        )
    return entries


def _reached(judged: Judged, plan: Plan, lang: str) -> Entry:
    """Target, value, what it was made of, and what the rule judges: attainment or value."""
    goal, kpi = judged.goal, judged.kpi
    base, target = (
        words.kpi_figure(kpi, figure, plan.currency, lang) for figure in (goal.base, goal.target)
    )
    value = words.judged_figure(goal, kpi, judged.value.value, plan.currency, lang)
    made_of = words.made_of(judged.value, lang)
    key, figure = f"reached_{kpi.better}", words.attainment(judged.attainment, goal.rule, lang)
    if isinstance(goal.rule, Bands):
        key, figure = "value", value
    elif goal.base is not None:
        key = "reached_base"
    text = say(
        lang,
        f"statement.{key}",
        kpi=kpi.name[lang],
        base=base,
        target=target,
        value=value,
        made_of=made_of,
    )
    return Entry(text, figure)


def _landed(judged: Judged, lang: str) -> str:
    rule, kpi = judged.goal.rule, judged.kpi
    by = judged.value.value if isinstance(rule, Bands) else judged.attainment
    return words.landed(rule, kpi, by, lang)


def _scorecard(card: Scorecard, plan: Plan, lang: str) -> list[Entry]:
    entries = []
    for line in card.lines:
        kpi = line.judged.kpi
        if line.judged.score is None:
            if not line.weight:
                continue
            text = say(lang, f"statement.missing_{plan.missing}", kpi=kpi.name[lang])
            entries.append(Entry(text, "—"))
            continue
        entries.append(_reached(line.judged, plan, lang))
        capped = plan.over is Over.CAPPED and line.judged.score > 1
        entries.append(
            Entry(
                say(
                    lang,
                    "statement.points_capped" if capped else "statement.points",
                    share=percent(line.share, lang),
                    score=words.coefficient(line.judged.score, lang),
                    where=_landed(line.judged, lang),
                ),
                number(line.points, lang, 4),
            )
        )
    total = number(card.total, lang, 4)
    return [*entries, Entry(say(lang, "statement.total"), total)]


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
