"""Where two funnels differ, and which segment loses the most: each step with its significance.

Everybody tests a conversion rate; here every step of two counted funnels is tested at once, which
takes a correction for having looked at many.
"""

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction

from kpi_core import catalogue
from kpi_core.errors import UsageError
from kpi_core.funnel import CUTS, Counting, Funnel, FunnelStage
from kpi_core.stats import CONFIDENCE, Difference, holm, share_difference
from kpi_core.text import number, percent, say
from kpi_core.words import p_value, slice_name

MOST_PARTS = 30  # that are looked at one by one, the largest: each more makes every test harder
FINE = Fraction(1, 100)  # below a point, differences are told to a hundredth of one


class Verdict(StrEnum):
    """What counts say of the difference of two step rates."""

    REAL = "real"
    CHANCE = "chance"  # such a difference comes about by chance alone too often
    NOT_ENOUGH = "not_enough"
    UNRIPE = "unripe"  # records of the earlier period had more time to come to the stage
    NOT_TESTED = "not_tested"  # counts of several systems, or of events per session


@dataclass(frozen=True)
class Step:
    """One step of two funnels.

    Attributes:
        difference: of the step rates, now less then, untouched by how many steps were looked at.
        p: its p-value, raised by Holm's method for all steps that were tested together.
    """

    now: FunnelStage
    then: FunnelStage
    verdict: Verdict
    difference: Difference | None = None
    p: float | None = None

    @property
    def change(self) -> Fraction | None:
        """The step rate now less the one then, as a share: 0.01 is one point."""
        if self.now.step_rate is None or self.then.step_rate is None:
            return None
        return self.now.step_rate - self.then.step_rate

    @property
    def missed(self) -> Fraction | None:
        """How many more would have gone on at the other rate; below nought: how many fewer."""
        if self.change is None or self.now.whole is None:
            return None
        return -self.change * self.now.whole


@dataclass(frozen=True)
class Comparison:
    """Two funnels of the same stages, step by step."""

    now: Funnel
    then: Funnel
    steps: tuple[Step, ...]

    def step(self, id: str) -> Step | None:
        """The step into the stage called `id`."""
        return next((step for step in self.steps if step.now.stage.id == id), None)

    @property
    def tested(self) -> int:
        """How many steps were tested together."""
        return sum(step.p is not None for step in self.steps)

    @property
    def worst(self) -> Step | None:
        """The really worse step that loses the most people."""
        worse = [s for s in self.steps if s.verdict is Verdict.REAL and (s.missed or 0) > 0]
        return max(worse, key=lambda step: step.missed or 0, default=None)


def compare(now: Funnel, then: Funnel) -> Comparison:
    """Each step of a funnel against the same step of another one.

    A two-sided test of two shares for each step that both count as tries of one system, the
    p-values of all of them raised by Holm's method: the chance of even one false alarm among the
    steps stays below 5 %. The two must not count the same people.
    """
    return Comparison(now, then, _judged(_steps(now, then)))


def _steps(now: Funnel, then: Funnel) -> list[Step]:
    found = []
    for stage in now.steps:
        other = then.stage(stage.stage.id)
        if other is None or other.step_rate is None:
            continue
        step = _step(stage, other)
        if now.period != then.period and catalogue.measure(stage.measure).ripens:
            step = replace(step, verdict=Verdict.UNRIPE, p=None)
        found.append(step)
    return found


def _step(now: FunnelStage, then: FunnelStage) -> Step:
    alike = now.measure == then.measure and now.sources == then.sources
    if not (alike and now.tries and then.tries):
        return Step(now, then, Verdict.NOT_TESTED)
    counts = (float(c or 0) for c in (now.count, now.whole, then.count, then.whole))
    difference = share_difference(*counts)
    if difference is None or not difference.enough:
        return Step(now, then, Verdict.NOT_ENOUGH, difference)
    return Step(now, then, Verdict.CHANCE, difference, difference.p)


def _judged(steps: Sequence[Step]) -> tuple[Step, ...]:
    """The steps with their p-values raised for one another."""
    raised = holm([math.nan if step.p is None else step.p for step in steps])
    return tuple(
        step
        if step.p is None
        else replace(step, p=p, verdict=Verdict.REAL if p < 1 - CONFIDENCE else Verdict.CHANCE)
        for step, p in zip(steps, raised, strict=True)
    )


# --- by segment


@dataclass(frozen=True)
class Part:
    """A channel, device, ...: its funnel, and each step against that of all the others."""

    slice: str
    funnel: Funnel
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Segments:
    """A funnel cut by one thing.

    Attributes:
        parts: the largest first.
        left_out: how many smaller parts are only among the others.
        losses: (part, step) where really fewer go on than of all the others, the most people lost
            first.
        tested: how many steps of all parts were tested together.
    """

    by: str
    whole: Funnel
    parts: tuple[Part, ...]
    left_out: int
    losses: tuple[tuple[Part, Step], ...]
    tested: int

    def best(self, stage: str, least: Fraction) -> tuple[Part, FunnelStage] | None:
        """The part of which the largest share gets to a stage, among those of some size.

        Args:
            stage: its id.
            least: the part of all who could have got there that it must hold, 0 to 1: of many small
                parts some are always far ahead by chance.
        """
        found = [(part, own) for part in self.parts if (own := part.funnel.stage(stage))]
        sizes = [own.whole or Fraction(0) for _, own in found]
        able = [
            (part, own)
            for part, own in found
            if own.step_rate is not None and (own.whole or 0) >= least * sum(sizes, Fraction(0))
        ]
        return max(able, key=lambda pair: pair[1].step_rate or 0, default=None)


def by_segment(counting: Counting) -> Segments:
    """Every part of a cut against all the others, all tests judged together by Holm's method."""
    if counting.by not in CUTS:
        raise UsageError("unknown_slice", where=str(counting.by), known=", ".join(CUTS))
    known = counting.slices()
    slices = known[:MOST_PARTS]
    made = {slice: counting.of(slice) for slice in slices}
    alone = len(known) == 1
    steps = {slice: [] if alone else _steps(made[slice], counting.others(slice)) for slice in made}
    judged = iter(_judged([step for slice in slices for step in steps[slice]]))
    parts = tuple(
        Part(slice, made[slice], tuple(next(judged) for _ in steps[slice])) for slice in slices
    )
    worse = [
        (part, step)
        for part in parts
        for step in part.steps
        if step.verdict is Verdict.REAL and (step.missed or 0) > 0
    ]
    worse.sort(key=lambda pair: -(pair[1].missed or 0))
    tested = sum(step.p is not None for part in parts for step in part.steps)
    left_out = len(known) - len(slices)
    return Segments(counting.by, counting.of(*known), parts, left_out, tuple(worse), tested)


# --- in words and rows


def told(step: Step, lang: str) -> str:
    """The difference of a step in points, and whether it is one: ``-1.2 points: may be chance``."""
    if step.change is None:
        return "—"
    sign = "+" if step.change > 0 else ""
    points = sign + number(100 * step.change, lang, 2 if abs(step.change) < FINE else 1)
    p = "" if step.p is None else f" ({p_value(step.p, lang)})"
    said = say(lang, f"words.step_{step.verdict}")
    return f"{say(lang, 'words.step_points', points=points)}: {said}{p}"


def loss(found: Segments, part: Part, step: Step, lang: str) -> str:
    """Who loses at a step, how many beyond the others, and how sure that is."""
    return say(
        lang,
        "words.funnel_loss",
        name=slice_name(found.by, part.slice, lang),
        stage=step.now.stage.name[lang],
        rate=percent(step.now.step_rate, lang),
        other=percent(step.then.step_rate, lang),
        missed=number(step.missed, lang),
        p=p_value(step.p or 0.0, lang),
    )


def as_csv(funnel: Funnel, lang: str, compared: Comparison | None = None) -> str:
    """The funnel as a table for other programs, a stage a row; rates are plain numbers of 0 to 1.

    A name that a spreadsheet would take for a formula begins with an apostrophe.
    """
    written = io.StringIO()
    out = csv.writer(written, lineterminator="\n")
    heads = ("stage", "measure", "kind", "sources", "count", "of", "step_rate", "low", "high")
    more = ("total_rate", "lost", "then_count", "then_step_rate", "change", "p", "verdict")
    out.writerow((*heads, *more))
    for stage in funnel.stages:
        name = stage.stage.name[lang]
        step = compared.step(stage.stage.id) if compared else None
        other = compared.then.stage(stage.stage.id) if compared else None
        figures: list[Fraction | float | None] = [stage.count, stage.whole, stage.step_rate]
        figures += [stage.low, stage.high, stage.total_rate, stage.lost]
        figures += [other.count, other.step_rate] if other else [None, None]
        figures += [step.change, step.p] if step else [None, None]
        shown = ["" if figure is None else _plainly(figure) for figure in figures]
        named = f"'{name}" if name[:1] in ("=", "+", "-", "@", "\t") else name
        whose = (named, stage.measure, stage.kind or "", " ".join(stage.sources))
        out.writerow((*whose, *shown, step.verdict if step else ""))
    return written.getvalue()


def _plainly(figure: Fraction | float) -> str:
    whole = isinstance(figure, Fraction) and figure.denominator == 1
    return str(figure) if whole else repr(float(figure))
