"""Objectives: how much, how good, at which price; and whether the data let one judge by them.

Without one of the three the work cannot be judged: volume without price buys anything, price
without volume sells nothing. Each target is checked to be specific, measurable, achievable,
relevant and time-bound; where data can judge, nobody ticks a box.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from kpi_core import catalogue, words
from kpi_core.forecast import FEWEST_MONTHS
from kpi_core.gates import GuardCheck
from kpi_core.kpis import STATED, KpiValue, Values
from kpi_core.model import TOTAL, Better, Kpi, Period, Unit, month_of
from kpi_core.plan import Aim, Objective, Plan, printed
from kpi_core.text import day, days, exact, number, percent, rounded, say
from kpi_core.trend import (
    Ahead,
    ahead,
    chance_words,
    horizon,
    kept_said,
    month_asked,
    monthly,
    months_known,
    verdict,
)

PARTS = ("volume", "quality", "price")
GUARDS = (("aov", "cpo"), ("leads", "cpl"), ("sessions", "bounce_rate"))
REACHABLE = 0.1  # a target less likely than this was never near in the history
CHECKS = ("specific", "measurable", "achievable", "relevant", "bound", "owner", "baseline")

# Half a million visitors a month, twice the conversion, a customer for 15 dollars at most.
EXAMPLE = Objective(
    volume=Aim(kpi="sessions", target=Decimal(500_000)),
    quality=Aim(kpi="cr", base=Decimal("0.006"), target=Decimal("0.012")),
    price=Aim(kpi="cac", target=Decimal(15), currency="USD"),
)


@dataclass(frozen=True)
class Check:
    """Whether a target is what a target should be, and why; `held` is ``None`` if nobody knows."""

    id: str
    held: bool | None
    why: str


@dataclass(frozen=True)
class AimReview:
    """A target of an objective against the data.

    Attributes:
        target: in the money of the plan; ``None`` where its currency has no rate.
        value: of the month that is judged.
        reached: whether `value` reaches it; ``None`` while that month is not whole in the data.
        ahead: what the month of the deadline may bring; ``None`` where it is over.
        month: the month that is judged; ``None`` where there is none, or a plan states the value.
        over: whether that is the month of the deadline, which the data hold to its end.
    """

    part: str
    aim: Aim
    kpi: Kpi
    target: Fraction | None
    value: KpiValue | None
    reached: bool | None
    ahead: Ahead | None
    checks: tuple[Check, ...]
    month: Period | None = None
    over: bool = False


@dataclass(frozen=True)
class Review:
    """An objective, target by target; `missing` are the parts without one."""

    objective: Objective
    aims: tuple[AimReview, ...]
    missing: tuple[str, ...]

    @property
    def hardest(self) -> AimReview | None:
        """The target that is least likely to be reached."""
        judged = [own for own in self.aims if own.ahead and own.ahead.chance is not None]
        return min(judged, key=_chance, default=None)


def _chance(review: AimReview) -> float:
    return (review.ahead and review.ahead.chance) or 0.0


def fits(part: str, kpi: Kpi) -> bool:
    """Whether a KPI says how much (`volume`), how good (`quality`) or at which price."""
    names = {name for variant in kpi.variants for name in variant.formula.names}
    costs = kpi.better is Better.LOWER and (kpi.unit is Unit.MONEY or "spend" in names)
    counts = kpi.unit is Unit.COUNT or (
        kpi.unit is Unit.MONEY
        and kpi.better is Better.HIGHER
        and all(len(variant.formula.names) == 1 for variant in kpi.variants)
    )
    return {"price": costs, "volume": counts, "quality": not costs and not counts}[part]


def candidates(plan: Plan, part: str) -> list[str]:
    """The KPIs that a target may be tied to: those of the plan and its business first."""
    business = catalogue.business(plan.business).kpis()
    named = dict.fromkeys((*plan.kpis(), *plan.own, *business, *catalogue.kpis()))
    return [id for id in named if id in plan.own or fits(part, plan.kpi(id))]


def plan_target(plan: Plan, aim: Aim) -> Fraction | None:
    """A target in the money of the plan; ``None`` where its currency has no rate."""
    if not aim.currency or aim.currency == plan.currency or plan.kpi(aim.kpi).unit != Unit.MONEY:
        return Fraction(aim.target)
    rate = plan.rates.get(aim.currency)
    return None if rate is None else Fraction(aim.target) * Fraction(rate)


def lacking_rates(plan: Plan) -> tuple[str, ...]:
    """The currencies of targets that the plan has no rate for."""
    aims = [aim for objective in plan.objectives for aim in objective.aims().values()]
    lacking = [aim.currency for aim in aims if plan_target(plan, aim) is None]
    return tuple(dict.fromkeys(lacking))


def new_aim(plan: Plan, kpi: str, value: Fraction | None) -> Aim:
    """A target to start from: the present value, as it is printed, which is its base as well."""
    if value is None or value <= 0:
        return Aim(kpi=kpi, target=Decimal(1))
    return Aim(kpi=kpi, target=rounded(value, printed(plan.kpi(kpi))))


# --- review


def review(plan: Plan, values: Values, months: Values, lang: str) -> tuple[Review, ...]:
    """Every objective of a plan against the data.

    Args:
        plan: with its objectives.
        values: of the period.
        months: by month, of all the data: one of them is judged, and chances are estimated.
        lang: of the reasons.
    """
    return tuple(
        Review(
            objective,
            tuple(
                _aim(plan, part, aim, values, months, lang=lang)
                for part, aim in objective.aims().items()
            ),
            tuple(part for part in PARTS if part not in objective.aims()),
        )
        for objective in plan.objectives
    )


@dataclass(frozen=True)
class Judged:
    """The month that a target is judged by, and the value of a KPI in it.

    Attributes:
        over: whether it is the month of the deadline, and over in the data.
        whole: whether the figures speak for all its days.
    """

    month: Period | None
    value: KpiValue | None
    over: bool = False
    whole: bool = True


def judged(kpi: str, deadline: date | None, values: Values, months: Values) -> Judged:
    """By which month a target of a month is judged: never by the sum of several.

    That of the deadline once it is over; else the month that was asked for; else, of the period,
    the last one that the data hold to its end.

    Args:
        kpi: which KPI.
        deadline: of the target.
        values: of the period.
        months: by month, of all the data.
    """
    rows = {row.slice: row for row in months.rows if row.kpi == kpi and row.slice != TOTAL}
    period, last = values.period, months.period.last if months.period else None
    total = values.totals().get(kpi)

    def of(month: Period, *, over: bool = False) -> Judged:
        row = rows.get(f"{month.first:%Y-%m}")
        value = total if period == month else row
        whole = row.whole if row else value is not None and _is_stated(value)
        return Judged(month, value, over, whole)

    due = month_of(deadline) if deadline else None
    if due and last and due.last <= last:
        return of(due, over=True)
    if period and period == month_of(period.first):
        return of(period)
    if total and _is_stated(total):
        return Judged(None, total)
    known = [
        month
        for slice, row in rows.items()
        if row.whole
        and row.value is not None
        and period
        and period.holds(month := month_of(date.fromisoformat(f"{slice}-01")))
    ]
    return of(max(known)) if known else Judged(None, None)


def _is_stated(value: KpiValue) -> bool:
    """Whether the plan states a value, or a measure that it is made of."""
    measures = [given for id, given in value.inputs.items() if id in catalogue.measures()]
    stated = not value.inputs or any(STATED in given.sources for given in measures)
    return value.value is not None and stated


def _aim(
    plan: Plan, part: str, aim: Aim, values: Values, months: Values, *, lang: str
) -> AimReview:
    found = judged(aim.kpi, aim.deadline, values, months)
    value, kpi, target = found.value, plan.kpi(aim.kpi), plan_target(plan, aim)
    foreign = value is not None and value.currency not in (None, plan.currency)
    known = None if value is None or foreign or not found.whole else value.value
    by = None if known is None or target is None else known - target
    reached = None if by is None else by >= 0 if kpi.better is Better.HIGHER else by <= 0
    coming = None
    if target is not None and not foreign and not found.over:
        coming = ahead(plan, months, aim.kpi, target, aim.deadline)
    last = months.period.last if months.period else None
    if found.over:
        achievable = _was_achieved(reached, found.month, lang)
    elif coming and coming.chance is not None:
        achievable = _achievable(coming, coming.chance, lang)
    else:
        comparable = target is not None and not foreign
        achievable = None, _no_chance(aim, months, lang, comparable=comparable)
    said = {
        "specific": _specific(kpi, value, lang),
        "measurable": _measurable(plan, aim, kpi, found, foreign=foreign, lang=lang),
        "achievable": achievable,
        "relevant": _relevant(plan, aim.kpi, lang),
        "bound": _bound(aim.deadline, last, coming, lang),
        "owner": (bool(aim.owner), aim.owner or say(lang, "objectives.no_owner")),
        "baseline": _baseline(plan, aim, known, found.month, lang),
    }
    checks = tuple(Check(id, *said[id]) for id in CHECKS)
    return AimReview(
        part, aim, kpi, target, value, reached, coming, checks, found.month, found.over
    )


def _specific(kpi: Kpi, value: KpiValue | None, lang: str) -> tuple[bool | None, str]:
    variant = kpi.variant(value.variant if value else None)
    return True, say(lang, "objectives.specific", kpi=kpi.name[lang], definition=variant.name[lang])


def target_words(plan: Plan, aim: Aim, lang: str) -> str:
    """A target as it was set: at least, or at most, so much."""
    kpi = plan.kpi(aim.kpi)
    figure = words.planned(kpi, aim.target, aim.currency or plan.currency, lang)
    return say(lang, f"objectives.{kpi.better}", figure=figure)


def _measurable(
    plan: Plan, aim: Aim, kpi: Kpi, found: Judged, *, foreign: bool, lang: str
) -> tuple[bool | None, str]:
    target, value = target_words(plan, aim, lang), found.value
    month = days(found.month.first, found.month.last, lang) if found.month else ""
    if plan_target(plan, aim) is None:
        return False, say(lang, "objectives.no_rate", target=target, currency=aim.currency)
    if foreign:
        currency = (value and value.currency) or ""
        return False, say(lang, "objectives.foreign", target=target, currency=currency)
    if value is None or value.value is None:
        if not month:
            return False, say(lang, "objectives.no_month", target=target)
        lacking = value.missing if value else ()
        names = [
            catalogue.measure(id).name[lang] if id in catalogue.measures() else id for id in lacking
        ]
        listed = ", ".join(names) or "—"
        return False, say(lang, "objectives.no_data", target=target, measures=listed, month=month)
    now = words.kpi_figure(kpi, value.value, value.currency, lang)
    if not month:
        return True, say(lang, "objectives.stated", target=target, now=now)
    key = "objectives.measured" if found.whole else "objectives.measured_partly"
    return True, say(lang, key, target=target, now=now, month=month)


def _was_achieved(reached: bool | None, month: Period | None, lang: str) -> tuple[bool | None, str]:
    word = {True: "was_reached", False: "was_missed", None: "was_unknown"}[reached]
    named = days(month.first, month.last, lang) if month else ""
    return reached, say(lang, f"objectives.{word}", month=named)


def _achievable(coming: Ahead, chance: float, lang: str) -> tuple[bool | None, str]:
    said = say(
        lang,
        f"objectives.chance_{verdict(chance)}",
        chance=chance_words(chance, lang),
        month=days(coming.month.first, coming.month.last, lang),
    )
    method = say(lang, "objectives.method", n=coming.months)
    return chance >= REACHABLE, f"{said} {method} {kept_said(coming.kept, lang)}"


def _no_chance(aim: Aim, months: Values, lang: str, *, comparable: bool) -> str:
    """Why nobody knows how likely a target is."""
    if not comparable:
        return say(lang, "objectives.not_comparable")
    known, figures = monthly(months, aim.kpi)
    count = months_known(figures)
    if count < FEWEST_MONTHS or not known:
        return say(lang, "objectives.no_history", n=count)
    month = month_asked(known[-1], aim.deadline)
    return say(
        lang,
        "objectives.too_far",
        n=horizon(figures),
        month=days(month.first, month.last, lang),
        last=days(known[-1].first, known[-1].last, lang),
    )


def _relevant(plan: Plan, kpi: str, lang: str) -> tuple[bool | None, str]:
    share = plan.shares().get(kpi)
    if share:
        return True, say(lang, "objectives.has_weight", share=percent(share, lang, 0))
    if any(goal.kpi == kpi for goal in plan.goals()):
        return True, say(lang, "objectives.has_goal")
    business = catalogue.business(plan.business)
    if kpi in business.kpis():
        return True, say(lang, "objectives.of_business", business=business.name[lang])
    return False, say(lang, "objectives.foreign_kpi", business=business.name[lang])


def _bound(
    deadline: date | None, last: date | None, coming: Ahead | None, lang: str
) -> tuple[bool | None, str]:
    if deadline is None:
        return False, say(lang, "objectives.no_deadline" if coming else "objectives.no_day")
    word = "deadline_passed" if last and deadline <= last else "deadline"
    return True, say(lang, f"objectives.{word}", day=day(deadline, lang))


def _baseline(
    plan: Plan, aim: Aim, known: Fraction | None, period: Period | None, lang: str
) -> tuple[bool | None, str]:
    kpi, currency = plan.kpi(aim.kpi), aim.currency or plan.currency
    if aim.base is not None:
        base = words.kpi_figure(kpi, aim.base, currency, lang)
        moved = (exact(aim.target) - exact(aim.base)) / exact(aim.base) if aim.base else None
        if moved is None:
            return True, say(lang, "objectives.base_zero", base=base)
        way = ("+" if moved > 0 else "") + percent(moved, lang, 0)
        return True, say(lang, "objectives.base", base=base, way=way)
    if known is None or period is None:
        return False, say(lang, "objectives.no_base")
    value = words.kpi_figure(kpi, known, plan.currency, lang)
    when = days(period.first, period.last, lang)
    return True, say(lang, "objectives.base_of_data", value=value, period=when)


# --- guards


def proposed_guards(plan: Plan) -> tuple[tuple[str, str], ...]:
    """Pairs that make sense: a larger average order must not be bought by dearer orders."""
    used = {*plan.kpis(), *catalogue.business(plan.business).kpis()}
    return tuple(pair for pair in GUARDS if used.issuperset(pair))


def guard_said(check: GuardCheck, lang: str) -> str:
    """Whether a guard pair held, in words."""
    names = {"kpi": check.value.definition.name[lang], "guard": check.beside.definition.name[lang]}
    if check.kept is None or check.gained is None or check.harmed is None:
        return say(lang, "objectives.guard_unknown", **names)
    moves = {
        "gained": _signed(check.gained, lang),
        "harmed": _signed(-check.harmed, lang),
    }
    return say(lang, f"objectives.guard_{'kept' if check.kept else 'broken'}", **names, **moves)


def _signed(share: Fraction, lang: str) -> str:
    return ("+" if share > 0 else "") + percent(share, lang)


def told(found: Review, lang: str) -> str:
    """An objective in one sentence: what is missing, else how likely it is reached."""
    name = found.objective.name or say(lang, "objectives.nameless")
    if found.missing:
        parts = ", ".join(say(lang, f"objectives.without_{part}") for part in found.missing)
        return say(lang, "objectives.missing", name=name, parts=parts)
    odd = [
        own for own in found.aims if any(c.id == "measurable" and not c.held for c in own.checks)
    ]
    if odd:
        names = ", ".join(own.kpi.name[lang] for own in odd)
        return say(lang, "objectives.unmeasured", name=name, kpis=names)
    if missed := [own.kpi.name[lang] for own in found.aims if own.over and own.reached is False]:
        return say(lang, "objectives.missed", name=name, kpis=", ".join(missed))
    if all(own.over and own.reached for own in found.aims):
        return say(lang, "objectives.all_reached", name=name)
    hardest = found.hardest
    if hardest is None or hardest.ahead is None:
        return say(lang, "objectives.complete", name=name)
    return say(
        lang,
        "objectives.likelihood",
        name=name,
        kpi=hardest.kpi.name[lang],
        chance=chance_words(hardest.ahead.chance or 0.0, lang),
    )


def end_of_month(period: Period | None, months: int) -> date | None:
    """A deadline to propose: the end of the month that lies so many after a period."""
    if period is None:
        return None
    number_ = 12 * period.last.year + period.last.month - 1 + months
    return month_of(date(number_ // 12, number_ % 12 + 1, 1)).last


def check_name(check: Check, lang: str) -> str:
    """What is checked."""
    return say(lang, f"objectives.check_{check.id}")


def held(found: AimReview, lang: str) -> str:
    """How many of the checks hold."""
    kept = sum(check.held is True for check in found.checks)
    return say(lang, "objectives.held", n=len(found.checks), kept=number(kept, lang))
