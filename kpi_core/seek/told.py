"""The answers in words."""

from fractions import Fraction

from kpi_core import words
from kpi_core.drivers import place
from kpi_core.incentive import driver_words, shift_words, sum_words
from kpi_core.plan import Plan
from kpi_core.scenario import lever_name
from kpi_core.seek.answer import Answer
from kpi_core.seek.asked import NAMED, SUMS, Target
from kpi_core.text import number, say


def target_words(target: Target, plan: Plan, lang: str) -> str:
    """What is to be reached: ``bonus of at least 30,000``."""
    return say(
        lang,
        "seek.at_most" if target.at_most else "seek.at_least",
        what=_name(target.what, plan, lang),
        value=figure_words(target.what, target.value, plan, lang),
    )


def _name(what: str, plan: Plan, lang: str) -> str:
    return say(lang, f"seek.{what}") if what in NAMED else plan.kpi(what).name[lang]


def figure_words(what: str, value: Fraction | None, plan: Plan, lang: str) -> str:
    """A figure of what is sought, as it is printed."""
    if value is None:
        return "—"
    if what == "score":
        return number(100 * value, lang, 1)
    if what in SUMS:
        return sum_words(value, plan.currency, lang)
    return words.kpi_figure(plan.kpi(what), value, plan.currency, lang)


def answer_said(answer: Answer, lang: str) -> list[str]:
    """The answer in sentences: what to move, what that takes, and what comes of it."""
    plan, target = answer.chain.plan, answer.target
    if target is None:
        said = [_most_said(answer, lang)]
    elif not answer.reached:
        best = figure_words(target.what, answer.there.figure(target.what), plan, lang)
        key = "cannot_low" if target.at_most else "cannot"
        goal = target_words(target, plan, lang)
        said = [say(lang, f"seek.{key}", goal=goal, best=best)]
    elif not answer.shifts:
        return [say(lang, "seek.already", goal=target_words(target, plan, lang))]
    else:
        effort = number(answer.effort, lang, 2)
        goal = target_words(target, plan, lang)
        said = [say(lang, "seek.reached", goal=goal, effort=effort)]
    said += [_move_said(answer, id, lang) for id in answer.shifts]
    figures = {what: (answer.now.figure(what), answer.there.figure(what)) for what in NAMED}
    if target and target.what not in NAMED:
        figures[target.what] = answer.now.figure(target.what), answer.there.figure(target.what)
    for what, (was, then) in figures.items():
        if was is not None and then is not None and what != "pay":
            before, after = (figure_words(what, own, plan, lang) for own in (was, then))
            name = _name(what, plan, lang)
            said.append(say(lang, "seek.becomes", name=name, was=before, then=after))
    return said


def _move_said(answer: Answer, id: str, lang: str) -> str:
    """One lever's move."""
    model, shift = answer.chain.model, answer.shifts[id]
    base, driver = model.base(id) or Fraction(0), model.by_id[place(id).driver]
    currency = answer.chain.plan.currency
    return say(
        lang,
        "seek.move",
        driver=lever_name(answer.chain, id, lang),
        was=driver_words(driver, base, currency, lang),
        then=driver_words(driver, base * (1 + shift), currency, lang),
        shift=shift_words(shift, lang, 2),
    )


def _most_said(answer: Answer, lang: str) -> str:
    if not answer.shifts:
        return say(lang, "seek.no_more_profit")
    then, was = answer.there.profit_after_pay or 0, answer.now.profit_after_pay or 0
    gained = sum_words(then - was, answer.chain.plan.currency, lang)
    return say(lang, "seek.most", gained=gained, effort=number(answer.effort, lang, 2))
