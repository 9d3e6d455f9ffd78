"""Figures, rules and slices in words: the same sentences on screen and in every export."""

from decimal import Decimal
from fractions import Fraction

from kpi_core import catalogue
from kpi_core.facts import UNKNOWN
from kpi_core.ingest.formats import formats
from kpi_core.kpis import STATED, Converted, KpiValue
from kpi_core.model import TOTAL, Kpi, Unit
from kpi_core.rules import Bands, Goal, Linear, Rule, Steps
from kpi_core.text import Number, digits_beside, exact, money, number, percent, percent_beside, say


def figure(
    value: Number | None, unit: Unit, lang: str, *, decimals: int = 0, currency: str | None = None
) -> str:
    """A figure of a unit, as it is printed."""
    match unit:
        case Unit.SHARE:
            return percent(value, lang, decimals)
        case Unit.MONEY:
            return money(value, currency, lang, decimals)
        case _:
            return number(value, lang, decimals)


def kpi_figure(kpi: Kpi, value: Number | None, currency: str | None, lang: str) -> str:
    """A value of a KPI, as it is printed."""
    return figure(value, kpi.unit, lang, decimals=kpi.decimals, currency=currency)


def judged_figure(
    goal: Goal, kpi: Kpi, value: Number | None, currency: str | None, lang: str
) -> str:
    """A value as it is printed beside the rule that judges it.

    Where bands judge the value itself, it never looks like a boundary it misses.
    """
    if value is None or not isinstance(goal.rule, Bands):
        return kpi_figure(kpi, value, currency, lang)
    if kpi.unit is Unit.SHARE:
        return percent_beside(value, goal.rule.marks(), lang, kpi.decimals)
    digits = digits_beside(value, goal.rule.marks(), kpi.decimals)
    return figure(
        value, kpi.unit, lang, decimals=8 if digits is None else digits, currency=currency
    )


def slice_name(by: str | None, slice: str, lang: str) -> str:
    """The name of a slice: channels by their own names, anything else as the data spell it."""
    if slice == TOTAL:
        return say(lang, "words.total")
    if by == "channel" and slice in catalogue.channels():
        return str(catalogue.channels()[slice][lang])
    return slice


def attainment(value: Fraction | None, rule: Rule, lang: str) -> str:
    """An attainment that never looks like a boundary it misses."""
    if isinstance(rule, Bands):
        return percent(value, lang)
    return percent_beside(value, rule.marks(), lang)


def coefficient(value: Fraction | None, lang: str) -> str:
    """A score or coefficient with as many decimals as it needs, two to six."""
    if value is None:
        return "—"
    for digits in range(7):
        if value == Fraction(round(value * 10**digits), 10**digits):
            return number(value, lang, digits)
    return number(value, lang, 6)


def points(share: Fraction | None, lang: str) -> str:
    """A score or a part of it as points of 100."""
    return number(None if share is None else 100 * share, lang, 1)


def _mark(value: Decimal, rule: Rule, kpi: Kpi, lang: str) -> str:
    """A boundary: of attainment in percent, of bands in the unit of the KPI."""
    if isinstance(rule, Bands):
        return figure(value, kpi.unit, lang, decimals=max(kpi.decimals, 2))
    scaled = Fraction(value) * 100
    digits = 0 if scaled.denominator == 1 else 2
    return percent(value, lang, digits)


def segments(rule: Rule, kpi: Kpi, lang: str) -> list[tuple[str, str]]:
    """The rule as rows of (where, score): each boundary says which side it belongs to."""
    match rule:
        case Steps():
            first = rule.steps[0]
            rows = [
                (
                    say(
                        lang,
                        "rules.below" if first.inclusive else "rules.up_to",
                        mark=_mark(first.at, rule, kpi, lang),
                    ),
                    Fraction(rule.below),
                )
            ]
            for step, following in zip(rule.steps, (*rule.steps[1:], None), strict=True):
                start = say(
                    lang,
                    "rules.from" if step.inclusive else "rules.above",
                    mark=_mark(step.at, rule, kpi, lang),
                )
                end = ""
                if following:
                    end = " " + say(
                        lang,
                        "rules.before" if following.inclusive else "rules.to",
                        mark=_mark(following.at, rule, kpi, lang),
                    )
                rows.append((start + end, Fraction(step.score)))
        case Linear():
            floor, target, stretch = (
                _mark(value, rule, kpi, lang) for value in (rule.floor, rule.target, rule.stretch)
            )
            rows = [
                (say(lang, "rules.below", mark=floor), Fraction(0)),
                (say(lang, "rules.at", mark=floor), Fraction(rule.floor_score)),
                (say(lang, "rules.at", mark=target), Fraction(rule.target_score)),
                (say(lang, "rules.from", mark=stretch), Fraction(rule.stretch_score)),
            ]
        case Bands():
            rows = [
                (
                    say(
                        lang,
                        "rules.up_to" if band.inclusive else "rules.below",
                        mark=_mark(band.to, rule, kpi, lang),
                    ),
                    Fraction(band.score),
                )
                for band in rule.bands
            ]
            rows.append((say(lang, "rules.otherwise"), Fraction(rule.beyond)))
    return [(where, coefficient(score, lang)) for where, score in rows]


def landed(rule: Rule, kpi: Kpi, reached: Fraction | None, lang: str) -> str:
    """The segment of the rule that an attainment (or, for bands, a value) fell into."""
    if reached is None:
        return say(lang, "rules.beyond_all")
    rows = [where for where, _ in segments(rule, kpi, lang)]
    match rule:
        case Steps():
            return rows[sum(step.reached(reached) for step in rule.steps)]
        case Linear():
            if reached < rule.floor:
                return rows[0]
            if reached >= rule.stretch:
                return rows[3]
            return say(
                lang,
                "rules.between",
                low=_mark(rule.floor if reached < rule.target else rule.target, rule, kpi, lang),
                high=_mark(rule.target if reached < rule.target else rule.stretch, rule, kpi, lang),
            )
        case Bands():
            inside = [
                reached < band.to or (band.inclusive and reached == band.to) for band in rule.bands
            ]
            return rows[inside.index(True) if True in inside else -1]


def made_of(value: KpiValue, lang: str) -> str:
    """What a value was computed from: ``orders 312 (Shopify) / sessions 26 004 (Metrika)``."""
    if not value.inputs:
        return source_name(STATED, lang)
    variant = catalogue.kpi(value.kpi).variant(value.variant)
    parts = []
    for id, given in value.inputs.items():
        if id in catalogue.measures():
            measure = catalogue.measure(id)
            name, unit = measure.name[lang], measure.unit
        else:
            name, unit = say(lang, f"words.{id}"), Unit.SHARE
        decimals = 2 if unit is Unit.MONEY else 0
        shown = figure(given.value, unit, lang, decimals=decimals, currency=given.currency)
        said = [source_name(source, lang) for source in given.sources]
        said += [converted(part, lang) for part in given.converted]
        parts.append(f"{name}: {shown}" + (f" ({', '.join(said)})" if said else ""))
    shown = "; ".join(parts)
    return shown if len(parts) == 1 else f"{variant.name[lang]} · {shown}"


def converted(part: Converted, lang: str) -> str:
    """How money of another kind became money of the plan: ``$1,200.00 × 92.5``."""
    currency = None if part.how.currency == UNKNOWN else part.how.currency
    factors = [coefficient(factor, lang) for factor in (part.how.rate, part.how.vat) if factor != 1]
    return " × ".join([money(part.amount, currency, lang), *factors])


def place(where: str, lang: str) -> str:
    """Where a finding was made: a KPI, measure or system by its name, a file as it is called."""
    if where in catalogue.kpis():
        return str(catalogue.kpi(where).name[lang])
    if where in catalogue.measures():
        return str(catalogue.measure(where).name[lang])
    return source_name(where, lang)


def source_name(source: str, lang: str) -> str:
    """The name of a system that counted."""
    if source == STATED:
        return say(lang, "words.stated")
    known = formats()
    of_it = (format for format in known.values() if format.source == source)
    format = known.get(source) or next(of_it, None)
    return format.name[lang] if format else source


def meaning(target: str, lang: str) -> str:
    """What a column of a table means: a measure by its name, or what a row is about."""
    if target in catalogue.measures():
        return catalogue.measures()[target].name[lang]
    return say(lang, f"words.column_{target or 'unused'}")


def family_name(family: str, lang: str) -> str:
    """What a family of measures is about."""
    return say(lang, f"words.family_{family}")


def total(id: str, value: Number | None, lang: str, currency: str | None = None) -> str:
    """A total of a measure, as files print it: kopecks and parts of hours stay."""
    measure = catalogue.measure(id)
    in_parts = measure.fractional and value is not None and exact(value).denominator > 1
    decimals = 2 if measure.unit is Unit.MONEY or in_parts else 0
    return figure(value, measure.unit, lang, decimals=decimals, currency=currency)


def format_name(id: str, lang: str) -> str:
    """The name of an export layout; a taught one is called as its user calls it."""
    known = formats().get(id)
    return known.name[lang] if known else id.removeprefix("taught ")
