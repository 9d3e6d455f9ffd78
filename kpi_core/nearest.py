"""How far it is to the next step of a rule: which value, and how many orders more that takes."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from kpi_core import catalogue, words
from kpi_core.kpis import KpiValue
from kpi_core.model import Better, Unit
from kpi_core.plan import Over, Plan
from kpi_core.rules import Bands, Goal, Linear, Steps
from kpi_core.score import Judged
from kpi_core.text import say


@dataclass(frozen=True)
class NextStep:
    """Where the score of a goal next rises.

    Attributes:
        value: of the KPI, at the boundary.
        inclusive: whether the boundary itself is enough.
        score: what is earned there.
        measure: what would lead there, everything else as it is; ``None`` where that cannot be said
            of one measure alone.
        more: by how much it would have to be larger, or smaller where below 0: whole counts, money
            in hundredths.
    """

    value: Fraction
    inclusive: bool
    score: Fraction
    measure: str | None = None
    more: Fraction | None = None


def next_step(judged: Judged, plan: Plan) -> NextStep | None:
    """The next step up that counts; ``None`` at the top, or where nothing can be judged."""
    if judged.score is None or judged.value.value is None:
        return None
    if plan.over is Over.CAPPED and judged.score >= 1:
        return None
    for value, inclusive, score in _steps(judged.goal, judged):
        if score > judged.score:
            found = _led_by(judged.value, value, inclusive=inclusive)
            measure, more = found or (None, None)
            return NextStep(value, inclusive, score, measure, more)
    return None


def _steps(goal: Goal, judged: Judged) -> Iterator[tuple[Fraction, bool, Fraction]]:
    """(value, whether it is enough, score) of the boundaries ahead, the nearest first."""
    rule, better, now = goal.rule, judged.kpi.better, judged.value.value
    match rule:
        case Bands():
            yield from _bands(rule, better, now or Fraction(0))
        case Steps():
            for step in rule.steps:
                value = _value_at(goal, Fraction(step.at), better)
                if value is not None:
                    yield value, step.inclusive, Fraction(step.score)
        case Linear():
            ends = (
                (rule.floor, rule.floor_score),
                (rule.target, rule.target_score),
                (rule.stretch, rule.stretch_score),
            )
            for at, score in ends:
                value = _value_at(goal, Fraction(at), better)
                if value is not None:
                    yield value, True, Fraction(score)


def _bands(rule: Bands, better: Better, now: Fraction) -> Iterator[tuple[Fraction, bool, Fraction]]:
    """The boundaries of bands in the better direction of the KPI."""
    if better is Better.LOWER:
        for band in reversed(rule.bands):
            if Fraction(band.to) <= now:
                yield Fraction(band.to), band.inclusive, Fraction(band.score)
        return
    scores = [*(Fraction(band.score) for band in rule.bands[1:]), Fraction(rule.beyond)]
    for band, score in zip(rule.bands, scores, strict=True):
        if Fraction(band.to) >= now:
            yield Fraction(band.to), not band.inclusive, score


def _value_at(goal: Goal, attainment: Fraction, better: Better) -> Fraction | None:
    """The value of a KPI that is so much attainment."""
    target = Fraction(goal.target or 0)
    if goal.base is not None:
        base = Fraction(goal.base)
        return base + attainment * (target - base)
    if better is Better.HIGHER:
        return target * attainment
    return target / attainment if attainment else None


def _led_by(value: KpiValue, wanted: Fraction, *, inclusive: bool) -> tuple[str, Fraction] | None:
    """The measure that would lead to a value, and by how much it would have to change."""
    found = _needed(value, wanted)
    if found is None:
        return None
    measure, lacking, sign = found
    known = catalogue.measures().get(measure)
    if known is None or lacking < 0:
        return None
    grain = Fraction(1, 100) if known.unit is Unit.MONEY else Fraction(1)
    parts = ceil(lacking / grain)
    if not inclusive and parts == lacking / grain:
        parts += 1
    return measure, sign * parts * grain


def _needed(value: KpiValue, wanted: Fraction) -> tuple[str, Fraction, int] | None:
    """(measure, by how much, 1 for more or -1 for less), everything else as it is."""
    kpi, formula = value.definition, value.definition.variant(value.variant).formula
    figures = {id: given.value for id, given in value.inputs.items()}
    if any(figures.get(id) is None for id in formula.names):
        return None  # also where the plan states the KPI itself
    up = 1 if kpi.better is Better.HIGHER else -1
    if formula.names == (formula.text.strip(),):
        (measure,) = formula.names
        return measure, up * (wanted - (figures[measure] or 0)), up
    if not formula.share or kpi.unit is Unit.RATIO:
        return None
    part, whole, of_rest = formula.share
    share, sign = (1 - wanted, -up) if of_rest else (wanted, up)
    has, of = figures[part] or Fraction(0), figures[whole] or Fraction(0)
    if kpi.grows_whole:  # more of the part is more of the whole
        return (part, (share * of - has) / (1 - share), 1) if sign > 0 and share < 1 else None
    cost = catalogue.measures().get(part)
    if cost and cost.unit is Unit.MONEY and kpi.better is Better.LOWER:
        return (whole, has / share - of, 1) if share else None
    return part, sign * (share * of - has), sign


def told(step: NextStep, judged: Judged, currency: str, lang: str) -> str:
    """How far it is, in words: which score waits from where on, and what would lead there."""
    kpi = judged.kpi
    mark = words.planned(kpi, step.value, currency, lang)
    sides = ("up_to", "below") if kpi.better is Better.LOWER else ("from", "above")
    edge = say(lang, f"rules.{sides[0] if step.inclusive else sides[1]}", mark=mark)
    score = words.coefficient(step.score, lang)
    if step.measure is None or step.more is None:
        return say(lang, "words.next_step", score=score, edge=edge)
    measure = catalogue.measure(step.measure)
    more = words.total(measure.id, abs(step.more), lang, currency)
    return say(
        lang,
        "words.next_step_more" if step.more > 0 else "words.next_step_fewer",
        score=score,
        edge=edge,
        measure=measure.name[lang],
        more=more,
    )
