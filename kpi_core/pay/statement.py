"""The derivation of a payout that an owner can check: the same on screen and in every export."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from math import prod

from kpi_core import words
from kpi_core.gates import Check, GateCheck
from kpi_core.model import TOTAL
from kpi_core.nearest import told
from kpi_core.pay.payout import Amount, Payout, What, ahead, bonus_by_line
from kpi_core.plan import Missing, Over, Plan
from kpi_core.rules import Bands
from kpi_core.schemes import Curve, Product, Table
from kpi_core.score import Judged, Scorecard
from kpi_core.text import days, money, number, percent, say


@dataclass(frozen=True)
class Entry:
    """A line of the statement: a sentence and its figure, both as printed.

    Attributes:
        amount: of a line of money; these add up to what is paid.
        comment: what the plan says beside it.
    """

    text: str
    value: str
    amount: Decimal | None = None
    comment: str = ""


def statement(paid: Payout, lang: str) -> list[Entry]:
    """The derivation of a payout, line by line: inputs, attainment, coefficient or score, money."""
    said = paid.plan.commented(paid.period)
    entries = [*_whose(paid, lang), *_inputs(paid, lang)]
    if isinstance(paid.plan.scheme, Product):
        entries += _product(paid, lang)
    elif paid.scorecard:
        entries += _scorecard(paid, paid.scorecard, lang)
    entries += _terms(paid, lang)
    entries += [checked(item, paid.plan, lang) for item in paid.checks]
    entries += _money(paid, lang)
    total = Entry(say(lang, "statement.pay"), money(paid.pay, paid.plan.currency, lang))
    entries.append(replace(total, comment=said.get(TOTAL, "")))
    if paid.carried:
        owed = money(paid.carried, paid.plan.currency, lang)
        entries.append(Entry(say(lang, "statement.carried"), owed))
    return entries


def next_steps(paid: Payout, lang: str) -> list[Entry]:
    """What would lead to the next step of each goal, and by how much more that pays."""
    currency = paid.plan.currency
    found = []
    for own in ahead(paid):
        if own.gain is not None and own.gain <= 0:
            continue  # a limit breaks, or what is guaranteed is more
        text = f"{own.judged.kpi.name[lang]}: {told(own.step, own.judged, currency, lang)}"
        gain = "—" if own.gain is None else "+" + money(own.gain, currency, lang)
        found.append(Entry(text, gain))
    return found


def _whose(paid: Payout, lang: str) -> Iterator[Entry]:
    if paid.person:
        yield Entry(say(lang, "statement.person"), paid.person.name)
    if paid.plan.name:
        yield Entry(say(lang, "statement.plan"), paid.plan.name)
    if paid.period:
        shown = days(paid.period.first, paid.period.last, lang)
        yield Entry(say(lang, "statement.period"), shown)


def _inputs(paid: Payout, lang: str) -> Iterator[Entry]:
    """Which files the figures came from, and where these end too early."""
    files = dict.fromkeys(
        file for own in paid.judged for given in own.value.inputs.values() for file in given.files
    )
    if files:
        of = paid.values.rows_of
        counted = [
            say(
                lang,
                "statement.rows",
                file=file,
                n=of.get(file, 0),
                rows=number(of.get(file, 0), lang),
            )
            for file in files
        ]
        yield Entry(say(lang, "statement.files"), "; ".join(counted))
    for finding in paid.unfinished:
        source = words.source_name(finding.where, lang)
        if finding.code == "missing_days":
            text = say(lang, "statement.uncounted", source=source)
            yield Entry(text, "{n} ({days})".format(**finding.values))
            continue
        text = say(lang, "statement.partial", source=source)
        yield Entry(text, str(finding.values["held"]))


def checked(item: Check, plan: Plan, lang: str) -> Entry:
    """A gate or guard, and whether it held."""
    kpi = item.value.definition
    if isinstance(item, GateCheck):
        limit = words.planned(kpi, item.gate.limit, plan.currency, lang)
        value = words.kpi_figure_beside(
            kpi, item.value.value, [item.gate.limit], plan.currency, lang
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
    return Entry(text, say(lang, f"statement.check_{_verdict(item, plan)}"))


def _verdict(item: Check, plan: Plan) -> str:
    """Whether a check held, and what comes of one that did not or that nobody can tell."""
    if item.kept:
        return "kept"
    if not item.stops:
        return "unknown" if item.kept is None else "told"
    if item.kept is None:
        return "unknown_zero" if plan.missing is Missing.ZERO else "unknown_block"
    return "broken"


def _moved(better: Fraction | None, lang: str) -> str:
    """By how much something became better or worse."""
    if better is None:
        return "—"
    if not better:
        return say(lang, "statement.unchanged")
    word = "worse_by" if better < 0 else "better_by"
    return say(lang, f"statement.{word}", share=percent(abs(better), lang))


def _product(paid: Payout, lang: str) -> list[Entry]:
    entries = []
    for position, factor in enumerate(paid.factors, start=1):
        entries.append(_reached(factor, paid, lang))
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
    if len(paid.factors) > 1:
        product = " × ".join(
            words.coefficient(f.score if f.score is not None else Fraction(0), lang)
            for f in paid.factors
        )
        whole = prod((f.score or Fraction(0) for f in paid.factors), start=Fraction(1))
        entries.append(
            Entry(say(lang, "statement.product", product=product), words.coefficient(whole, lang))
        )
    return entries


def _reached(judged: Judged, paid: Payout, lang: str) -> Entry:
    """Target, value, what it was made of, and what the rule judges: attainment or value."""
    goal, kpi, plan = judged.goal, judged.kpi, paid.plan
    base, target = (
        words.planned(kpi, figure, plan.currency, lang) for figure in (goal.base, goal.target)
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
    return Entry(text, figure, comment=plan.commented(paid.period).get(goal.kpi, ""))


def _landed(judged: Judged, lang: str) -> str:
    rule, kpi = judged.goal.rule, judged.kpi
    by = judged.value.value if isinstance(rule, Bands) else judged.attainment
    return words.landed(rule, kpi, by, lang)


def _scorecard(paid: Payout, card: Scorecard, lang: str) -> list[Entry]:
    entries = []
    plan, money_of = paid.plan, bonus_by_line(paid)
    for line in card.lines:
        kpi = line.judged.kpi
        if line.judged.score is None:
            if not line.weight:
                continue
            text = say(lang, f"statement.missing_{plan.missing}", kpi=kpi.name[lang])
            entries.append(Entry(text, "—"))
            continue
        entries.append(_reached(line.judged, paid, lang))
        capped = plan.over is Over.CAPPED and line.judged.score > 1
        entries.append(
            Entry(
                say(
                    lang,
                    "statement.points_capped" if capped else "statement.points",
                    share=words.exact_share(line.share, lang),
                    score=words.coefficient(line.judged.score, lang),
                    where=_landed(line.judged, lang),
                    money=money(money_of[kpi.id], plan.currency, lang),
                ),
                number(line.points, lang, 4),
            )
        )
    return [*entries, Entry(say(lang, "statement.total"), number(card.total, lang, 4))]


def _terms(paid: Payout, lang: str) -> Iterator[Entry]:
    """What the scheme makes of the total score, and the terms of what it earns."""
    scheme, terms = paid.plan.scheme, paid.plan.scheme.terms
    if isinstance(scheme, Table | Curve):
        yield Entry(
            say(lang, f"statement.by_{scheme.kind}"),
            money(paid.earned * Fraction(scheme.stake), paid.plan.currency, lang)
            if isinstance(scheme, Table)
            else words.coefficient(paid.earned, lang),
        )
    for bent in paid.bent:
        limits: dict[str, object] = {}
        match bent.term:
            case "accelerator":
                above = terms.accelerator.above if terms.accelerator else Decimal(1)
                times = terms.accelerator.times if terms.accelerator else Decimal(1)
                limits = {"above": words.exactly(above, lang), "times": words.exactly(times, lang)}
            case "floor":
                limits = {"floor": words.exactly(terms.floor, lang)}
            case "cap":
                limits = {"cap": words.exactly(terms.cap or 0, lang)}
        text = say(lang, f"statement.{bent.term}", **limits)
        yield Entry(text, words.coefficient(bent.coefficient, lang))


def _money(paid: Payout, lang: str) -> Iterator[Entry]:
    """The lines of money, each with how it came about."""
    currency, kind = paid.plan.currency, paid.plan.scheme.kind
    there = ""
    if paid.worked:
        yield Entry(
            say(lang, "statement.worked"),
            say(lang, "statement.days_of", days=paid.worked.days, of=paid.worked.of),
        )
        there = say(lang, "statement.times_worked", days=paid.worked.days, of=paid.worked.of)
    fixed, stake = (money(sum, currency, lang) for sum in (paid.fixed, paid.stake))
    share = words.coefficient(paid.coefficient, lang)
    part = None if paid.part is None else percent(paid.part, lang, 2)
    for amount in paid.amounts:
        shown = money(amount.money, currency, lang)
        match amount.what:
            case What.FIXED:
                word = "price" if kind == "contractor" else "salary"
                text = say(lang, f"statement.{word}", fixed=fixed, there=there)
            case What.BONUS if part is not None:
                text = say(lang, "statement.bonus_part", share=share, stake=stake, part=part)
            case What.BONUS:
                text = say(lang, f"statement.bonus_{kind}", share=share, stake=stake, there=there)
            case What.CORRECTION:
                text = _correction(amount, lang)
        yield Entry(text, shown, amount.money)


def _correction(amount: Amount, lang: str) -> str:
    word = "taken_back" if amount.money < 0 else "paid_later"
    return say(lang, f"statement.{word}", reason=amount.reason or "—")
