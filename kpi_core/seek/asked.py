"""What is asked: a target, the levers that may be moved, what they cost, a budget."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from kpi_core.errors import UsageError, did_you_mean
from kpi_core.model import Better, Unit
from kpi_core.plan import Plan

SUMS = ("bonus", "pay", "profit_after_ads", "profit_after_pay")
PAID = frozenset({"bonus", "pay", "profit_after_pay"})
NAMED = ("score", *SUMS)
FULL = "full"
_NUMBER = re.compile(r"(-?\d{1,15}(?:[.,]\d{1,9})?)\s?(%?)", re.ASCII)
_SIGNED = re.compile(r"([+-]?)(\d{1,9}(?:[.,]\d{1,9})?)\s?%", re.ASCII)


@dataclass(frozen=True)
class Target:
    """What is to be reached.

    Attributes:
        what: ``score`` (0 to 1), ``bonus``, ``pay``, ``profit_after_ads``, ``profit_after_pay``, or
            a KPI.
        value: in the unit of what is to be reached.
        at_most: whether less is better, as of a KPI of which it is.
    """

    what: str
    value: Fraction
    at_most: bool = False

    def reached(self, figure: Fraction | None) -> bool:
        """Whether a figure is good enough."""
        if figure is None:
            return False
        return figure <= self.value if self.at_most else figure >= self.value


@dataclass(frozen=True)
class Means:
    """A lever that may be moved.

    Attributes:
        cost: effort of moving it by 1 %.
        low, high: how far, as shares of what it is; ``None`` for as far as is tried.
    """

    id: str
    cost: Fraction = Fraction(1)
    low: Fraction | None = None
    high: Fraction | None = None


@dataclass(frozen=True)
class Budget:
    """What may be spent: effort, and money on advertising; ``None`` for no bound."""

    effort: Fraction | None = None
    spend: Fraction | None = None


def parse_target(text: str, plan: Plan) -> Target:
    """``score=0.9``, ``bonus=30000``, ``bonus=full``, ``cr=2.5%`` as a target.

    Of a KPI its better direction is meant: at least of what should be high, at most of what should
    be low.

    Raises:
        UsageError: it cannot be read, or names what the plan and its business do not have.
    """
    what, equals, said = (part.strip() for part in text.partition("="))
    known = (*NAMED, *plan.shown_kpis())
    if not equals:
        raise UsageError("bad_target", where=text)
    if what not in known:
        near = did_you_mean(what, set(known))
        raise UsageError("unknown_target", where=what, near=near, known=", ".join(known))
    if (what, said) == ("bonus", FULL):
        return full_bonus(plan)
    kept = _NUMBER.fullmatch(said.replace("\N{NO-BREAK SPACE}", ""))
    unit = Unit.SHARE if what == "score" else Unit.MONEY
    if what not in NAMED:
        unit = plan.kpi(what).unit
    if kept is None or (kept[2] and unit is not Unit.SHARE):
        raise UsageError("bad_target", where=text)
    value = Fraction(kept[1].replace(",", ".")) / (100 if kept[2] else 1)
    lower = what not in NAMED and plan.kpi(what).better is Better.LOWER
    return Target(what, value, lower)


def full_bonus(plan: Plan) -> Target:
    """The whole stake, or as much of it as a cap leaves."""
    terms = plan.scheme.terms
    share = Decimal(1) if terms.cap is None else min(Decimal(1), terms.cap)
    return Target("bonus", Fraction(share * plan.scheme.stake))


def parse_means(
    ids: Sequence[str], costs: Sequence[str] = (), limits: Sequence[str] = ()
) -> tuple[Means, ...]:
    """Levers with their costs (``cr=2``) and limits (``cr=+20%``, ``cr=-10%..+20%``, ``cr=5%``).

    A limit with a sign bounds that direction; one without bounds both.

    Raises:
        UsageError: one cannot be read, is named twice, or is of no lever.
    """
    found: dict[str, Means] = {}
    for id in ids:
        if id in found:
            raise UsageError("lever_twice", where=id)
        found[id] = Means(id)
    for text in costs:
        id, said = _of_lever(text, found, "bad_cost")
        kept = _NUMBER.fullmatch(said)
        if kept is None or kept[2] or Fraction(kept[1].replace(",", ".")) < 0:
            raise UsageError("bad_cost", where=text)
        found[id] = replace(found[id], cost=Fraction(kept[1].replace(",", ".")))
    for text in limits:
        id, said = _of_lever(text, found, "bad_limit")
        for part in said.split(".."):
            bound = _SIGNED.fullmatch(part.strip())
            if bound is None:
                raise UsageError("bad_limit", where=text)
            share = Fraction(bound[2].replace(",", ".")) / 100
            if bound[1] != "+":
                found[id] = replace(found[id], low=-share)
            if bound[1] != "-":
                found[id] = replace(found[id], high=share)
    return tuple(found.values())


def _of_lever(text: str, known: Mapping[str, Means], code: str) -> tuple[str, str]:
    id, equals, said = (part.strip() for part in text.partition("="))
    if not equals:
        raise UsageError(code, where=text)
    if id not in known:
        raise UsageError("not_among_levers", where=id, known=", ".join(known))
    return id, said
