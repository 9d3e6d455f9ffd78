"""Figures, rules and slices in words: the same sentences on screen and in every export."""

import re
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from kpi_core import catalogue
from kpi_core.facts import UNKNOWN
from kpi_core.formula import earlier, written
from kpi_core.ingest.formats import formats
from kpi_core.kpis import STATED, Converted, Input, KpiValue
from kpi_core.model import TOTAL, Kpi, Norm, Unit, Variant
from kpi_core.rules import Bands, Goal, Linear, Rule, Steps
from kpi_core.stats import Lift
from kpi_core.text import Number, digits_beside, exact, money, number, percent, percent_beside, say
from kpi_core.traffic import Judgement

MOST_DECIMALS = 30  # that a plan may hold
_NAMES = re.compile(r"(?:previous|year_ago)\(\s*\w+\s*\)|[^\W\d]\w*")


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


def norm(kpi: Kpi, value: Fraction | None, lang: str) -> str:
    """How a value lies to each norm of its KPI; empty where it has none."""
    if value is None:
        return ""
    scale = 100 if kpi.unit is Unit.SHARE else 1
    said = []
    for usual in kpi.norms:
        where = "below" if value < usual.low else "above" if value > usual.high else "in"
        whole = all((scale * mark).denominator == 1 for mark in (usual.low, usual.high))
        decimals = 0 if whole else kpi.decimals
        low = number(scale * usual.low, lang, decimals)
        high = figure(usual.high, kpi.unit, lang, decimals=decimals)
        said.append(say(lang, f"words.norm_{where}", low=low, high=high, name=usual.name[lang]))
    return "; ".join(said)


def usual(kpi: Kpi, norm: Norm, lang: str) -> str:
    """What is usual for a KPI: ``usual for retail: 20% to 30%``."""
    low, high = (
        figure(mark, kpi.unit, lang, decimals=kpi.decimals) for mark in (norm.low, norm.high)
    )
    return say(lang, "words.usual", name=norm.name[lang], low=low, high=high)


def planned(kpi: Kpi, value: Number | None, currency: str | None, lang: str) -> str:
    """A target or limit of a KPI with every decimal that the plan holds: they decide."""
    if value is None:
        return "—"
    decimals = _decimals(_as_printed(kpi, value), kpi.decimals, kpi.decimals)
    return figure(value, kpi.unit, lang, decimals=decimals, currency=currency)


def exactly(value: Number, lang: str) -> str:
    """A number of the plan with every decimal that it holds."""
    return number(value, lang, _decimals(exact(value), 0, 6))


def exact_share(value: Number, lang: str) -> str:
    """A share of the plan as percent, with every decimal that it holds."""
    return percent(value, lang, _decimals(exact(value) * 100, 0, 2))


def _decimals(value: Fraction, fewest: int, endless: int) -> int:
    """How many decimals a number has, at least `fewest`; `endless` if it never ends."""
    digits = range(fewest, MOST_DECIMALS + 1)
    return next((own for own in digits if (value * 10**own).denominator == 1), endless)


def _as_printed(kpi: Kpi, value: Number) -> Fraction:
    """A value in what its decimals are of: shares are printed in percent."""
    return exact(value) * (100 if kpi.unit is Unit.SHARE else 1)


def kpi_figure_beside(
    kpi: Kpi, value: Number | None, marks: Sequence[Number], currency: str | None, lang: str
) -> str:
    """A value of a KPI, with as many decimals as it takes not to look like a mark it misses."""
    if value is None or not marks:
        return kpi_figure(kpi, value, currency, lang)
    shown = _as_printed(kpi, value)
    digits = digits_beside(shown, [_as_printed(kpi, mark) for mark in marks], kpi.decimals)
    if digits is not None:
        return figure(value, kpi.unit, lang, decimals=digits, currency=currency)
    nearest = min(marks, key=lambda mark: abs(exact(mark) - exact(value)))
    sign = "<" if exact(value) < exact(nearest) else ">"
    return sign + planned(kpi, nearest, currency, lang)


def judged_figure(
    goal: Goal, kpi: Kpi, value: Number | None, currency: str | None, lang: str
) -> str:
    """A value as it is printed beside the target, or the bands, that judge it."""
    if isinstance(goal.rule, Bands):
        marks: Sequence[Number] = goal.rule.marks()
    else:
        marks = [mark for mark in (goal.base, goal.target) if mark is not None]
    return kpi_figure_beside(kpi, value, marks, currency, lang)


def slice_name(by: str | None, slice: str, lang: str) -> str:
    """The name of a slice: channels by their own names, anything else as the data spell it."""
    if slice == TOTAL:
        return say(lang, "words.total")
    if by == "channel" and slice in catalogue.channels():
        return str(catalogue.channels()[slice][lang])
    if by is not None and slice == "other":  # rows that do not say
        return say(lang, "words.part_other")
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


def interval(value: KpiValue, lang: str) -> str:
    """What chance leaves plausible for a value; a dash where that cannot be said."""
    if not value.enough:
        return say(lang, "words.not_enough")
    if value.low is None or value.high is None:
        return "—"
    low, high = (
        kpi_figure(value.definition, bound, value.currency, lang)
        for bound in (value.low, value.high)
    )
    return f"{low} – {high}"


def lifted(lift: Lift, fewest: int, lang: str) -> str:
    """What a survey of an exposed and a control group says, `fewest` answers in the smaller one."""
    if not lift.enough:
        return say(lang, "words.lift_not_enough", n=fewest, fewest=number(lift.fewest, lang))
    shares = {name: percent(getattr(lift, name), lang) for name in ("exposed", "control")}
    points = {
        name: number(100 * getattr(lift, name), lang, 1) for name in ("absolute", "low", "high")
    }
    sure = lift.p < 0.001
    p = f"p {'<' if sure else '='} {number(0.001 if sure else lift.p, lang, 3)}"
    if lift.significant:
        return say(lang, "words.lift_shown", p=p, **shares, **points)
    needed = "—" if lift.needed is None else number(lift.needed, lang)
    return say(lang, "words.lift_by_chance", p=p, needed=needed, **shares, **points)


def moved_points(share: Fraction, lang: str) -> str:
    """A change of a score in points of 100, with its sign."""
    return ("+" if share > 0 else "") + points(share, lang)


def mark(value: Decimal | Fraction, rule: Rule, kpi: Kpi | None, lang: str) -> str:
    """A boundary: of attainment in percent, of bands in the unit of the KPI."""
    if isinstance(rule, Bands) and kpi:
        return planned(kpi, value, None, lang)
    return exact_share(value, lang)


def segments(rule: Rule, kpi: Kpi | None, lang: str) -> list[tuple[str, str]]:
    """The rule as rows of (where, score): each boundary says which side it belongs to.

    `kpi` is whose values bands are of; a rule of attainment or of a total score needs none.
    """
    match rule:
        case Steps():
            first = rule.steps[0]
            rows = [
                (
                    say(
                        lang,
                        "rules.below" if first.inclusive else "rules.up_to",
                        mark=mark(first.at, rule, kpi, lang),
                    ),
                    Fraction(rule.below),
                )
            ]
            for step, following in zip(rule.steps, (*rule.steps[1:], None), strict=True):
                start = say(
                    lang,
                    "rules.from" if step.inclusive else "rules.above",
                    mark=mark(step.at, rule, kpi, lang),
                )
                end = ""
                if following:
                    end = " " + say(
                        lang,
                        "rules.before" if following.inclusive else "rules.to",
                        mark=mark(following.at, rule, kpi, lang),
                    )
                rows.append((start + end, Fraction(step.score)))
        case Linear():
            floor, target, stretch = (
                mark(value, rule, kpi, lang) for value in (rule.floor, rule.target, rule.stretch)
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
                        mark=mark(band.to, rule, kpi, lang),
                    ),
                    Fraction(band.score),
                )
                for band in rule.bands
            ]
            rows.append((say(lang, "rules.otherwise"), Fraction(rule.beyond)))
    return [(where, exactly(score, lang)) for where, score in rows]


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
                low=mark(rule.floor if reached < rule.target else rule.target, rule, kpi, lang),
                high=mark(rule.target if reached < rule.target else rule.stretch, rule, kpi, lang),
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
    variant = value.definition.variant(value.variant)
    parts = []
    for id, given in value.inputs.items():
        name, shown = quantity(id, lang), input_figure(id, given, lang)
        said = [source_name(source, lang) for source in given.sources]
        said += [converted(part, lang) for part in given.converted]
        parts.append(f"{name}: {shown}" + (f" ({', '.join(said)})" if said else ""))
    shown = "; ".join(parts)
    return shown if len(parts) == 1 else f"{variant.name[lang]} · {shown}"


def quantity(id: str, lang: str) -> str:
    """The name of what a formula is made of: a measure, one of earlier days, an assumption."""
    if id in catalogue.measures():
        return catalogue.measure(id).name[lang]
    if when := earlier(id):
        return say(lang, f"words.{when[0]}", name=catalogue.measure(when[1]).name[lang])
    return say(lang, f"words.{id}")


def unit_of(id: str) -> Unit:
    """The unit of what a formula is made of: a measure, one of earlier days, an assumption."""
    when = earlier(id)
    measure = catalogue.measures().get(when[1] if when else id)
    return measure.unit if measure else Unit.SHARE


def input_figure(id: str, given: Input, lang: str) -> str:
    """The figure of a quantity as it went into a value."""
    decimals = 2 if unit_of(id) is Unit.MONEY else 0
    return figure(given.value, unit_of(id), lang, decimals=decimals, currency=given.currency)


def formula_in_figures(value: KpiValue, lang: str) -> str:
    """The formula with its figures: ``orders 312 / sessions 26,004 = 1.20%``."""
    made = kpi_figure(value.definition, value.value, value.currency, lang)
    if not value.inputs:
        return f"{source_name(STATED, lang)}: {made}"

    def shown(id: str) -> str:
        return f"{_small(quantity(id, lang))} {input_figure(id, value.inputs[id], lang)}"

    return (
        f"{written(value.formula, shown, lambda known: coefficient_or_whole(known, lang))} = {made}"
    )


def example(kpi: Kpi, variant: Variant, lang: str) -> str:
    """The worked example of a definition, put into its formula; empty where it has none."""
    worked = kpi.examples.get(variant.id)
    if worked is None:
        return ""
    kpi = kpi.read_as(variant)

    def shown(id: str) -> str:
        known = Fraction(worked.given[id])
        if unit_of(id) is Unit.SHARE:
            return f"{_small(quantity(id, lang))} {percent(known, lang, 0)}"
        return f"{_small(quantity(id, lang))} {coefficient_or_whole(known, lang)}"

    made = figure(Fraction(worked.value), kpi.unit, lang, decimals=max(kpi.decimals, 2))
    left = written(variant.formula, shown, lambda known: coefficient_or_whole(known, lang))
    return f"{left} = {made}"


def coefficient_or_whole(value: Fraction, lang: str) -> str:
    """A number with as many decimals as it needs."""
    return number(value, lang) if value.denominator == 1 else coefficient(value, lang)


def _small(name: str) -> str:
    """A name within a sentence; abbreviations stay as they are."""
    return name[0].lower() + name[1:] if name[1:2].islower() else name


def cut(by: str, lang: str) -> str:
    """What figures are cut by: ``by channel``."""
    return say(lang, f"words.cut_{by}")


def worth(found: str, lang: str) -> str:
    """Whether money spent on a part came back."""
    return say(lang, f"words.worth_{found}")


def share(value: Number | None, lang: str) -> str:
    """A part of a whole."""
    return percent(value, lang)


def traffic_verdict(judged: Judgement, lang: str) -> str:
    """What the visits of a source are taken for."""
    return say(lang, f"words.traffic_{judged.verdict}")


def p_value(p: float, lang: str) -> str:
    """A p-value with the figures that matter: ``p = 0.03``, ``p < 0.0001``."""
    if p < 0.0001:
        return f"p < {number(0.0001, lang, 4)}"
    return f"p = {number(p, lang, 4 if p < 0.01 else 2)}"


def traffic(judged: Judgement, result: str | None, lang: str) -> str:
    """Why a source is taken for empty traffic or not, with every number."""
    visits, said = judged.visits, []
    shown = {"sessions": number(visits.sessions, lang)}
    if result and judged.conversion is not None and judged.expected is not None:
        name = _small(quantity(result, lang))
        counted = number(visits.conversions, lang)
        said.append(say(lang, "words.traffic_visits", result=name, conversions=counted, **shown))
        p = p_value(judged.conversion.p, lang)
        few = 1 if judged.expected < 10 else 0
        expected = number(judged.expected, lang, few)
        said.append(say(lang, "words.traffic_expected", expected=expected, p=p))
    else:
        said.append(say(lang, "words.traffic_visits_only", **shown))
    if judged.bounce:
        said.append(
            say(
                lang,
                "words.traffic_bounce",
                value=percent(judged.bounce.value, lang),
                rest=percent(judged.bounce.rest, lang),
                p=p_value(judged.bounce.p, lang),
            )
        )
    if judged.depth:
        said.append(
            say(
                lang,
                "words.traffic_depth",
                value=number(judged.depth.value, lang, 2),
                rest=number(judged.depth.rest, lang, 2),
                p=p_value(judged.depth.p, lang),
            )
        )
    if judged.more:
        said.append(say(lang, "words.traffic_needed", more=number(judged.more, lang)))
    return " ".join(said)


def formula(text: str, lang: str) -> str:
    """A formula with its measures by their names: ``“orders” / “sessions”``."""
    quoted = "«{}»" if lang == "ru" else "“{}”"

    def named(found: re.Match[str]) -> str:
        id, when = found[0], earlier(found[0])
        if when and when[1].strip() in catalogue.measures():
            name = catalogue.measure(when[1].strip()).name[lang]
            return quoted.format(say(lang, f"words.{when[0]}", name=name))
        if id in catalogue.measures():
            return quoted.format(catalogue.measure(id).name[lang])
        return quoted.format(assumption(id, lang)) if id in catalogue.ASSUMPTIONS else id

    return _NAMES.sub(named, text)


def assumption(id: str, lang: str) -> str:
    """The name of a quantity that no export holds."""
    return say(lang, f"words.{id}")


def converted(part: Converted, lang: str) -> str:
    """How money of another kind became money of the plan: ``$1,200.00 × 92.5``."""
    currency = None if part.how.currency == UNKNOWN else part.how.currency
    factors = [coefficient(factor, lang) for factor in (part.how.rate, part.how.vat) if factor != 1]
    return " × ".join([money(part.amount, currency, lang), *factors])


def place(where: str, lang: str) -> str:
    """Where a finding was made: by its name a KPI, measure, system or channel that has a lever
    (``spend@email``), a file as it is called.
    """
    measure, _, channel = where.partition("@")
    if measure in catalogue.measures() and channel in catalogue.channels():
        return slice_name("channel", channel, lang)
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


def took(seconds: float, lang: str) -> str:
    """How long something took, in the largest unit of which there is one and a half.

    >>> took(38, "en"), took(5400, "en"), took(172_800, "en")
    ('38 s', '1.5 h', '2 d')
    """
    for unit, length in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 1.5 * length:
            tenths = round(10 * seconds / length)
            shown = number(tenths / 10, lang, 1 if tenths % 10 else 0)
            return say(lang, f"words.took_{unit}", n=shown)
    return say(lang, "words.took_seconds", n=number(seconds, lang))
