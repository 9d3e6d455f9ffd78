"""What is not the same in two versions, in words: first what decides the pay, then which parts."""

from collections.abc import Iterator

from kpi_core.changes import line_differences, plan_differences
from kpi_core.model import parse_period
from kpi_core.plan import Plan
from kpi_core.scenario import Scenario, Scenarios
from kpi_core.text import say


def plan_changes(was: Plan, now: Plan, lang: str) -> tuple[str, ...]:
    """A sentence for each thing that decides pay or score otherwise, and one naming every part."""
    decided = (*plan_differences(was, now, lang), *line_differences(was, now, lang))
    told = list(dict.fromkeys(decided))
    for period in dict.fromkeys((*was.targets, *now.targets)):
        days = parse_period(period)
        there = plan_differences(was.of_period(days), now.of_period(days), lang)
        told += [f"{period}: {own}" for own in there if own not in told]
    parts = [name for name in Plan.model_fields if getattr(was, name) != getattr(now, name)]
    if parts:
        named = ", ".join(say(lang, f"workspace.field_{name}") for name in parts)
        told.append(say(lang, "workspace.parts", parts=named))
    return tuple(told)


def scenario_changes(was: Scenarios, now: Scenarios, lang: str) -> tuple[str, ...]:
    """A sentence for each scenario that is new, gone or another one, and for another order."""
    return tuple(_scenarios(was, now, lang))


def _scenarios(was: Scenarios, now: Scenarios, lang: str) -> Iterator[str]:
    before = {own.name: own for own in was.scenarios}
    after = {own.name: own for own in now.scenarios}
    for name in dict.fromkeys((*before, *after)):
        if name not in after:
            yield say(lang, "workspace.scenario_gone", name=name)
        elif name not in before:
            yield say(lang, "workspace.scenario_new", name=name, what=_told(after[name], lang))
        elif before[name] != after[name]:
            told = {"was": _told(before[name], lang), "now": _told(after[name], lang)}
            yield say(lang, "workspace.scenario_changed", name=name, **told)
    kept = [[name for name in one if name in other]
            for one, other in ((before, after), (after, before))]  # fmt: skip
    if kept[0] != kept[1]:
        yield say(lang, "workspace.scenarios_order")


def _told(own: Scenario, lang: str) -> str:
    """A scenario as it is written: its levers by their ids, its elasticity, its note."""
    levers = [f"{id} {change}" for id, change in own.levers.items()]
    elasticity = say(lang, "workspace.elasticity", number=own.elasticity)
    return ", ".join([*levers, elasticity, *filter(None, [own.note])])
