"""The rule of a plan in words, as a clause of a bonus regulation would put it."""

from collections.abc import Iterator

from kpi_core import words
from kpi_core.model import Better
from kpi_core.plan import Missing, Over, Plan
from kpi_core.rules import Bands, Goal, Linear, Steps
from kpi_core.schemes import Product, Table, Team
from kpi_core.text import days, money, say


def clauses(plan: Plan, lang: str) -> tuple[str, ...]:
    """The clauses of a plan, in order; every parameter that decides the pay is in one of them."""
    return (
        _scheme(plan, lang),
        *(_goal(plan, goal, lang) for goal in plan.paying()),
        *_how_judged(plan, lang),
        *_terms(plan, lang),
        *_gates(plan, lang),
        *_conditions(plan, lang),
    )


def _scheme(plan: Plan, lang: str) -> str:
    scheme = plan.scheme
    fixed, stake = (money(sum, plan.currency, lang) for sum in (scheme.fixed, scheme.stake))
    more: dict[str, object] = {}
    if isinstance(scheme, Product):
        names = [plan.kpi(goal.kpi).name[lang] for goal in scheme.factors]
        more["product"] = " · ".join(f"k{place}" for place in range(1, len(names) + 1))
        more["factors"] = "; ".join(f"k{place} – {name}" for place, name in enumerate(names, 1))
    elif isinstance(scheme, Table):
        more["rows"] = _rows(scheme, plan.currency, lang)
    elif isinstance(scheme, Team):
        more["split"] = say(lang, f"regulation.split_{scheme.split}")
    elif scheme.kind == "curve":
        more["rule"] = _rule(scheme.rule, lang)
    return say(lang, f"regulation.{scheme.kind}", fixed=fixed, stake=stake, **more)


def _rows(table: Table, currency: str, lang: str) -> str:
    """The rows of a payout table: ``below 80 %: 0 ₽; from 80 % (included): 10 000 ₽``."""
    amounts = [table.below, *(row.amount for row in table.rows)]
    where = [place for place, _ in words.segments(table.rule(), None, lang)]
    return "; ".join(
        f"{place}: {money(amount, currency, lang)}"
        for place, amount in zip(where, amounts, strict=True)
    )


def _rule(rule: Steps | Linear, lang: str) -> str:
    rows = words.segments(rule, None, lang)
    line = say(lang, "regulation.on_the_line") if isinstance(rule, Linear) else ""
    return "; ".join(f"{where}: {score}" for where, score in rows) + line


def _goal(plan: Plan, goal: Goal, lang: str) -> str:
    """What is wanted of a KPI, and what each attainment is worth, exactly on the boundaries too."""
    kpi = plan.kpi(goal.kpi)
    target, base = (
        words.planned(kpi, figure, plan.currency, lang) for figure in (goal.target, goal.base)
    )
    rule = "; ".join(f"{where}: {score}" for where, score in words.segments(goal.rule, kpi, lang))
    if isinstance(goal.rule, Linear):
        rule += say(lang, "regulation.on_the_line")
    share = plan.shares().get(goal.kpi)
    lines = (
        "" if isinstance(plan.scheme, Product) or share is None else words.exact_share(share, lang)
    )
    weight = say(lang, "regulation.weight", share=lines) if lines else ""
    if isinstance(goal.rule, Bands):
        key = "goal_bands"
    else:
        key = "goal" if goal.base is None else "goal_base"
    return say(
        lang, f"regulation.{key}", kpi=kpi.name[lang], weight=weight, target=target, base=base,
        rule=rule,
    )  # fmt: skip


def _how_judged(plan: Plan, lang: str) -> Iterator[str]:
    """How attainment is counted, for the directions that the goals have."""
    on_target = [
        goal for goal in plan.paying() if goal.base is None and not isinstance(goal.rule, Bands)
    ]
    directions = {plan.kpi(goal.kpi).better for goal in on_target}
    for better in (Better.HIGHER, Better.LOWER):
        if better in directions:
            yield say(lang, f"regulation.attainment_{better}")
    if plan.over is Over.CAPPED and not isinstance(plan.scheme, Product):
        yield say(lang, "regulation.over_capped")


def _terms(plan: Plan, lang: str) -> Iterator[str]:
    terms = plan.scheme.terms
    if terms.accelerator and terms.accelerator.times > 1:
        above = words.exactly(terms.accelerator.above, lang)
        times = words.exactly(terms.accelerator.times, lang)
        yield say(lang, "regulation.accelerator", above=above, times=times)
    if terms.floor:
        yield say(lang, "regulation.floor", floor=words.exact_share(terms.floor, lang))
    if terms.cap is not None:
        yield say(lang, "regulation.cap", cap=words.exact_share(terms.cap, lang))


def _gates(plan: Plan, lang: str) -> Iterator[str]:
    for gate in plan.gates:
        kpi = plan.kpi(gate.kpi)
        limit = words.planned(kpi, gate.limit, plan.currency, lang)
        key = f"regulation.gate_{kpi.better}"
        yield say(lang, key, kpi=kpi.name[lang], limit=limit)
    for pair in plan.guards:
        key = f"regulation.guard_{'stops' if pair.gate else 'told'}"
        against = say(lang, f"regulation.against_{pair.against}")
        names = (plan.kpi(id).name[lang] for id in (pair.kpi, pair.guard))
        kpi_name, guard = names
        yield say(lang, key, kpi=kpi_name, guard=guard, against=against)
    if plan.gates or any(pair.gate for pair in plan.guards):
        policy = "zero" if plan.missing is Missing.ZERO else "block"
        yield say(lang, f"regulation.limit_unknown_{policy}")


def _conditions(plan: Plan, lang: str) -> Iterator[str]:
    if own := plan.asked_period():
        yield say(lang, "regulation.of_period", period=days(own.first, own.last, lang))
    else:
        yield say(lang, f"regulation.of_{plan.per}")
    lines = not isinstance(plan.scheme, Product)
    policy = "block" if plan.missing is Missing.DROP and not lines else str(plan.missing)
    yield say(lang, f"regulation.missing_{policy}")
    yield say(lang, f"regulation.partial_{plan.partial_period}")
    yield say(lang, "regulation.days_team" if isinstance(plan.scheme, Team) else "regulation.days")
    yield say(lang, "regulation.corrections")
    yield say(lang, "regulation.rounding", currency=plan.currency)
