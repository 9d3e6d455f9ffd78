"""What two plans pay otherwise for, in words: ``Salary: 30,000 → 50,000``."""

from collections.abc import Iterator, Sequence

from kpi_core import catalogue, words
from kpi_core.pay import clauses
from kpi_core.plan import Plan
from kpi_core.rules import Bands, Goal
from kpi_core.text import money, say


def plan_differences(was: Plan, now: Plan, lang: str) -> tuple[str, ...]:
    """Everything that decides the pay and is not the same in two plans, a sentence each.

    Targets of periods hold where they are asked for: give the plans as `Plan.of_period` makes them.
    """
    return (
        *_changed(_money(was, lang), _money(now, lang), lang),
        *_scheme(was, now, lang),
        *_goals((was, was.paying()), (now, now.paying()), lang),
        *_conditions(was, now, lang),
        *_changed(_reading(was, lang), _reading(now, lang), lang),
    )


def line_differences(was: Plan, now: Plan, lang: str) -> tuple[str, ...]:
    """What is not the same in the lines that make the score, a sentence each."""
    return tuple(_goals((was, was.lines), (now, now.lines), lang))


def _changed(was: dict[str, str], now: dict[str, str], lang: str) -> Iterator[str]:
    for what in dict.fromkeys((*was, *now)):
        if was.get(what) != now.get(what):
            values = {"was": was.get(what, "—"), "now": now.get(what, "—")}
            yield say(lang, "changes.changed", what=what, **values)


def _money(plan: Plan, lang: str) -> dict[str, str]:
    scheme = plan.scheme
    sums = {scheme.fixed_field: scheme.fixed}
    if scheme.stake_field:
        sums[scheme.stake_field] = scheme.stake
    return {
        say(lang, f"changes.{name}"): money(sum, plan.currency, lang) for name, sum in sums.items()
    }


def _scheme(was: Plan, now: Plan, lang: str) -> Iterator[str]:
    """How scores become money, where it is more than other sums of the same kind."""

    def kind(plan: Plan) -> object:
        scheme = plan.scheme
        told = {"terms", "factors", scheme.fixed_field, scheme.stake_field or ""}
        return scheme.model_dump(exclude=told)

    if kind(was) != kind(now):
        rules = {"was": clauses(was, lang)[0], "now": clauses(now, lang)[0]}
        yield say(lang, "changes.scheme", **rules)


def _goals(
    was: tuple[Plan, Sequence[Goal]], now: tuple[Plan, Sequence[Goal]], lang: str
) -> Iterator[str]:
    (earlier, goals), (later, others) = was, now
    before, after = ({goal.kpi: goal for goal in own} for own in (goals, others))
    for id in dict.fromkeys((*before, *after)):
        if id not in after:
            yield say(lang, "changes.kpi_gone", kpi=earlier.kpi(id).name[lang])
        elif id not in before:
            yield say(lang, "changes.kpi_new", kpi=later.kpi(id).name[lang])
        else:
            then, then_on = _goal(earlier, before[id], lang), _goal(later, after[id], lang)
            yield from _changed(then, then_on, lang)


def _goal(plan: Plan, goal: Goal, lang: str) -> dict[str, str]:
    """What is said of a goal, by what it is about."""
    kpi = plan.kpi(goal.kpi)
    variants = {**catalogue.business(plan.business).variants, **plan.variants}
    own = plan.own.get(goal.kpi)
    rows = words.segments(goal.rule, kpi, lang)
    said = {
        "rule": "; ".join(f"{where}: {score}" for where, score in rows),
        "better": say(lang, f"changes.{kpi.better}"),
        "definition": words.formula(own.formula, lang) if own else "",
    }
    if goal.kpi in variants:
        said["definition"] = kpi.variant(variants[goal.kpi]).name[lang]
    if not isinstance(goal.rule, Bands):
        said["target"] = words.planned(kpi, goal.target, plan.currency, lang)
        said["base"] = words.planned(kpi, goal.base, plan.currency, lang)
    if any(goal is line for line in plan.lines):  # factors of a product have none
        said["share"] = words.exact_share(plan.shares()[goal.kpi], lang)
    name = kpi.name[lang]
    return {say(lang, f"changes.{about}", kpi=name): text for about, text in said.items() if text}


def _conditions(was: Plan, now: Plan, lang: str) -> Iterator[str]:
    """Terms, limits, guard pairs and what is done where figures lack: clause by clause."""
    old, new = (clauses(own, lang)[1 + len(own.paying()) :] for own in (was, now))
    for clause in old:
        if clause not in new:
            yield say(lang, "changes.clause_gone", clause=clause)
    for clause in new:
        if clause not in old:
            yield say(lang, "changes.clause_new", clause=clause)


def _reading(plan: Plan, lang: str) -> dict[str, str]:
    """How figures are read: whom they are heard from, what is assumed and stated, what money is."""
    measures, families = catalogue.measures(), catalogue.families()
    vat = say(lang, "changes.vat")
    said = {}
    for id, source in plan.sources.items():
        what = words.family_name(id, lang) if id in families else measures[id].name[lang]
        said[say(lang, "changes.source", kpi=what)] = words.source_name(source, lang)
    said |= {words.assumption(id, lang): words.exact_share(own, lang)
             for id, own in plan.assumptions.items()}  # fmt: skip
    for id, value in plan.facts.items():
        name = measures[id].name if id in measures else plan.kpi(id).name
        said[say(lang, "changes.fact", kpi=name)] = words.exactly(value, lang)
    said |= {code: words.exactly(rate, lang) for code, rate in plan.rates.items()}
    said |= {f"{vat}, {words.source_name(source, lang)}": say(lang, f"changes.vat_{word}")
             for source, word in plan.vat.items()}  # fmt: skip
    said[vat] = say(lang, f"changes.vat_{plan.vat_basis}")
    if plan.vat_rate is not None:
        said[say(lang, "changes.vat_rate")] = words.exact_share(plan.vat_rate, lang)
    return said
