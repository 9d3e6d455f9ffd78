"""Rules over the past: what each would have paid in every month that the files hold whole.

Every month is paid as its pay slip would have been: by its own figures and targets. A month that
cannot be paid is missing, never 0, and says why.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from statistics import NormalDist

import numpy as np

from kpi_core import catalogue
from kpi_core.drivers import profit_after_ads
from kpi_core.errors import Finding, PlanError, Severity
from kpi_core.facts import Facts
from kpi_core.forecast import FEWEST_MONTHS, SEASONAL_MONTHS, YEAR
from kpi_core.formula import Exact
from kpi_core.kpis import Evaluation, Input, Values, kpi_values
from kpi_core.model import Period, month_of
from kpi_core.pay import Outcome, Payout, outcome
from kpi_core.plan import Plan, period_word
from kpi_core.stats import CONFIDENCE
from kpi_core.text import exact, money, number, percent, say

LEVEL = 0.8  # of the interval of a budget
DRAWS = 4000
SEED = 20261122  # the same months give the same budget
BLOCK = 3  # months drawn together where there are years of them: good and bad ones come in runs
FEWEST_PAIRS = 4  # Fisher's z has a spread from here on
GROSS = "gross_profit"
UNTOLD = ("period_not_whole", "missing_days")  # findings on sums that lack days


@dataclass(frozen=True)
class Correlation:
    """Pearson's r, -1..1, of so many months, and what they leave plausible (95 %)."""

    r: float
    low: float
    high: float
    months: int


@dataclass(frozen=True)
class Budget:
    """What the next twelve months will cost, and between what with a chance of `LEVEL`.

    Attributes:
        months: how many it is made from.
        seasonal: whether calendar months were told apart.
    """

    expected: Fraction
    low: float
    high: float
    months: int
    seasonal: bool


@dataclass(frozen=True)
class Summary:
    """A rule over the months that it pays.

    Attributes:
        total, bonus: the pay of all months, and the bonus in it.
        mean: of the pay of a month.
        spread: its standard deviation (n - 1); ``None`` for one month.
        variation: `spread` as a share of `mean`; ``None`` also where nothing was paid.
        at_zero: months without any bonus.
        at_full: months with the whole stake or more.
        profit: how the bonus goes with profit after advertising.
        budget: ``None`` below `FEWEST_MONTHS` months.
    """

    months: int
    total: Decimal
    bonus: Decimal
    mean: Fraction
    spread: float | None
    variation: float | None
    at_zero: int
    at_full: int
    profit: Correlation | None
    budget: Budget | None


@dataclass(frozen=True)
class Replayed:
    """A rule over the past.

    Attributes:
        outcomes: one a month: score and payout, or why there is none.
        summary: ``None`` where no month can be paid.
    """

    name: str
    plan: Plan
    outcomes: tuple[Outcome, ...]
    summary: Summary | None


@dataclass(frozen=True)
class Replay:
    """Several rules over the same months.

    Attributes:
        months: whole calendar months, the oldest first.
        left_out: months of which the files hold a part only.
        profits: gross profit less advertising of each month, in `currency`, as the first plan reads
            it: one measure for all rules. ``None`` where it is not known.
    """

    currency: str
    months: tuple[Period, ...]
    left_out: tuple[Period, ...]
    profits: tuple[Fraction | None, ...]
    rules: tuple[Replayed, ...]
    findings: tuple[Finding, ...]


def replay(facts: Facts, plans: Mapping[str, Plan], within: Period | None = None) -> Replay:
    """What each of several plans would have paid in the past months.

    Args:
        facts: what the files say.
        plans: by the name to show, at least one; all in one currency.
        within: the days to look at; all that the files hold when not given.

    Raises:
        PlanError: the plans are in several currencies, or one has targets of no single month.
    """
    currencies = sorted({plan.currency for plan in plans.values()})
    if len(currencies) > 1:
        raise PlanError("replay_currencies", currencies=", ".join(currencies))
    for name, plan in plans.items():
        asked = plan.asked_period()
        if (asked.months if asked else plan.per.months) != 1:
            sums = str(asked or plan.per)
            raise PlanError("replay_not_monthly", where=name, period=sums)
    months = [month for month in facts.months() if within is None or within.holds(month)]
    left_out = tuple(month for month in _touched(facts, within) if month not in months)
    first = next(iter(plans.values()))
    profits = tuple(_profit(facts, first, month) for month in months)
    known: dict[tuple[object, ...], Values] = {}
    rules = []
    for name, plan in plans.items():
        outcomes = tuple(
            outcome(_of_month(plan, month), _values(facts, plan, month, known)) for month in months
        )
        rules.append(Replayed(name, plan, outcomes, _summary(months, outcomes, profits)))
    findings = [
        Finding(Severity.WARNING, "replay_left_out", values={"months": _listed(left_out)})
        for _ in left_out[:1]
    ]
    if months and not any(profit is not None for profit in profits):
        findings.append(Finding(Severity.INFO, "replay_no_profit"))
    for name, plan in plans.items():
        if plan.facts and months != [plan.asked_period()]:
            findings.append(Finding(Severity.WARNING, "replay_stated", name))
    return Replay(currencies[0], tuple(months), left_out, profits, tuple(rules), tuple(findings))


def _touched(facts: Facts, within: Period | None) -> list[Period]:
    """Every calendar month of which the files hold a day."""
    held = facts.period
    if held and within:
        held = held.meets(within)
    if held is None:
        return []
    found = [month_of(held.first)]
    while found[-1].last < held.last:
        found.append(month_of(found[-1].last + timedelta(days=1)))
    return found


def _listed(months: Sequence[Period]) -> str:
    return ", ".join(map(period_word, months))


def _of_month(plan: Plan, month: Period) -> Plan:
    """The plan as it pays a month; what it states by hand is of its own period only."""
    stated = {} if plan.asked_period() != month else plan.facts
    return plan.model_copy(update={"facts": stated}).of_period(month)


def _values(
    facts: Facts, plan: Plan, month: Period, known: dict[tuple[object, ...], Values]
) -> Values:
    """What the pay slip of a month is computed from; plans that read alike share it."""
    settings, kpis = _of_month(plan, month).settings(), tuple(sorted(plan.shown_kpis()))
    key = (month, plan.business, settings, kpis, plan.against())
    if key not in known:
        business = catalogue.business(plan.business)
        known[key] = kpi_values(
            facts, business, month, settings=settings, kpis=kpis, against=plan.against()
        )
    return known[key]


def _profit(facts: Facts, plan: Plan, month: Period) -> Fraction | None:
    """Gross profit less advertising; ``None`` where a part lacks days or is in other money.

    Gross profit is measured, or made of what is by the model of the business.
    """
    evaluation = Evaluation(facts, month, settings=_of_month(plan, month).settings())
    business = catalogue.business(plan.business)
    rates = {driver.id: driver.formula for driver in business.drivers}
    made = {own.measure: own.formula for own in business.consequences}
    used: dict[str, Input] = {}

    def measured(id: str) -> Exact:
        given = evaluation.input(id)
        if given.value is not None:
            used[id] = given
        return given.value

    def rate(id: str) -> Exact:
        formula = rates.get(id)
        if formula is None or id in catalogue.measures():
            return measured(id)
        return formula.value({name: measured(name) for name in formula.names})

    gross, formula = measured(GROSS), made.get(GROSS)
    if gross is None and formula:
        gross = formula.value({name: rate(name) for name in formula.names})
    profit = profit_after_ads({GROSS: gross, "spend": measured("spend")})
    sources = {source for given in used.values() for source in given.sources}
    untold = any(
        finding.code in UNTOLD and finding.where in sources for finding in evaluation.all_findings()
    )
    foreign = {given.currency for given in used.values()} - {None, plan.currency}
    return None if untold or foreign else profit


# --- over all months


def _summary(
    months: Sequence[Period], outcomes: Sequence[Outcome], profits: Sequence[Fraction | None]
) -> Summary | None:
    paid: dict[Period, Payout] = {
        month: own.paid for month, own in zip(months, outcomes, strict=True) if own.paid
    }
    if not paid:
        return None
    pays = [own.pay for own in paid.values()]
    total = sum(pays, Decimal(0))
    mean = Fraction(total) / len(pays)
    spread = float(np.std([float(pay) for pay in pays], ddof=1)) if len(pays) > 1 else None
    least = min(own.fixed for own in paid.values())
    both = [
        (float(paid[month].bonus), float(profit))
        for month, profit in zip(months, profits, strict=True)
        if month in paid and profit is not None
    ]
    return Summary(
        months=len(paid),
        total=total,
        bonus=sum((own.bonus for own in paid.values()), Decimal(0)),
        mean=mean,
        spread=spread,
        variation=spread / float(mean) if spread is not None and mean else None,
        at_zero=sum(not own.bonus for own in paid.values()),
        at_full=sum(own.coefficient >= 1 for own in paid.values()),
        profit=correlation([one for one, _ in both], [other for _, other in both]),
        budget=budget(list(paid), pays, least),
    )


def correlation(
    one: Sequence[float], other: Sequence[float], confidence: float = CONFIDENCE
) -> Correlation | None:
    """Pearson's correlation with Fisher's interval.

    The interval takes months for independent of each other; it is too narrow where they are not.

    Returns:
        ``None`` below `FEWEST_PAIRS` pairs, or where one of the two never moves.

    Source:
        Fisher (1921), Metron 1, p. 3-32; tests compare it with scipy.stats.pearsonr.

    >>> found = correlation([1, 2, 3, 4, 5], [2, 1, 4, 3, 5])
    >>> round(found.r, 2), round(found.low, 2), round(found.high, 2)
    (0.8, -0.28, 0.99)
    """
    if len(one) < FEWEST_PAIRS or len(set(one)) == 1 or len(set(other)) == 1:
        return None
    r = float(np.clip(np.corrcoef(one, other)[0, 1], -1, 1))
    if abs(r) == 1:
        return Correlation(r, r, r, len(one))
    half = NormalDist().inv_cdf((1 + confidence) / 2) / math.sqrt(len(one) - 3)
    low, high = (math.tanh(math.atanh(r) + step) for step in (-half, half))
    return Correlation(r, low, high, len(one))


def budget(
    months: Sequence[Period], pays: Sequence[Decimal], least: Decimal = Decimal(0)
) -> Budget | None:
    """The pay of the next twelve months, were they like those behind.

    A residual bootstrap. The months to come are the mean of those behind plus what single months
    were off it, drawn anew; the mean itself is as uncertain as so many months leave it, so it is
    drawn anew, too. From `SEASONAL_MONTHS` months on, with every calendar month at least twice,
    each calendar month has its own mean, and what was off it is drawn `BLOCK` months in a row.
    Drawn with a fixed seed. Growth is not foreseen.

    On invented histories of a year and more the interval holds 77 to 84 % of the next years, more
    where a season is not yet known for one; of half a year 70 %, and 65 to 75 % where months hang
    together from one to the next.

    Args:
        months: calendar months, in order.
        pays: what was paid in each.
        least: what a month costs whatever happens; the interval does not fall below it.

    Returns:
        ``None`` below `FEWEST_MONTHS` months.

    Source:
        Davison & Hinkley (1997), Bootstrap Methods and their Application, 6.3.3 and 8.2.3.
    """
    if len(pays) < FEWEST_MONTHS:
        return None
    places = np.array([month.first.month - 1 for month in months])
    counts = np.bincount(places, minlength=YEAR)
    seasonal = len(pays) >= SEASONAL_MONTHS and bool(counts.min() >= 2)
    if not seasonal:
        places, counts = np.zeros_like(places), np.array([len(pays)])
    figures = np.array([float(pay) for pay in pays])
    means = np.bincount(places, figures) / counts
    off = (figures - means[places]) * np.sqrt(counts / (counts - 1))[places]
    draw = np.random.default_rng(SEED)
    shifts = np.stack(
        [off[draw.integers(len(off), size=(DRAWS, count))].mean(axis=1) for count in counts], axis=1
    )
    block = BLOCK if seasonal else 1
    starts = draw.integers(len(off), size=(DRAWS, YEAR // block))
    drawn = off[(starts[:, :, None] + np.arange(block)) % len(off)].reshape(DRAWS, YEAR)
    each = YEAR // len(means)
    totals = each * (means.sum() + shifts.sum(axis=1)) + drawn.sum(axis=1)
    low, high = np.quantile(totals, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    expected = each * sum(
        (
            Fraction(sum((pay for pay, own in zip(pays, places, strict=True) if own == place),
                         Decimal(0))) / int(counts[place])
            for place in range(len(means))
        ),
        Fraction(0),
    )  # fmt: skip
    floor = float(YEAR * least)
    return Budget(expected, max(floor, float(low)), max(floor, float(high)), len(pays), seasonal)


# --- in words


def figures(rule: Replayed, lang: str) -> list[tuple[str, str]]:
    """What a rule comes to over the past, each with its name, as printed."""
    found, currency = rule.summary, rule.plan.currency
    if found is None:
        return []

    def shown(amount: Fraction | Decimal | float | None) -> str:
        return money(None if amount is None else exact(amount), currency, lang, 0)

    figures = {
        "paid": number(found.months, lang),
        "total": shown(found.total),
        "bonus": shown(found.bonus),
        "mean": shown(found.mean),
        "spread": shown(found.spread),
        "variation": percent(found.variation, lang),
        "at_zero": number(found.at_zero, lang),
        "at_full": number(found.at_full, lang),
        "correlation": correlated(found.profit, lang),
        "budget": "—",
        "budget_range": "—",
    }
    if coming := found.budget:
        figures["budget"] = shown(coming.expected)
        figures["budget_range"] = f"{shown(coming.low)} … {shown(coming.high)}"
    return [
        (say(lang, f"replay.{key}", level=percent(LEVEL, lang, 0)), figure)
        for key, figure in figures.items()
    ]


def correlated(found: Correlation | None, lang: str) -> str:
    """A correlation with its interval."""
    if found is None:
        return "—"
    r, low, high = (number(figure, lang, 2) for figure in (found.r, found.low, found.high))
    return f"{r} ({low} … {high})"


def budget_said(found: Budget | None, lang: str) -> str:
    """How a budget was made, or why there is none."""
    if found is None:
        return say(lang, "replay.no_budget", n=FEWEST_MONTHS)
    key = "budget_seasonal" if found.seasonal else "budget_plain"
    return say(lang, f"replay.{key}", n=found.months, level=percent(LEVEL, lang, 0))
