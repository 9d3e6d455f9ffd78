"""Traffic that brings nobody: sources whose visits neither order nor read.

No cut-off says so but the rest of the traffic: how many conversions it would have made of as many
visits, and how far honest sources differ among themselves. That they differ is taken for granted,
so a large source is not condemned for being a little worse than the others.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from kpi_core.stats import CONFIDENCE, holm

# What honest sources differ by, if their own figures do not show more. Half the mean, as a standard
# deviation: nine of ten sources lie within 0.34 and 1.94 of the mean, a factor of 5.7.
SPREAD = 0.5
MATERIAL = 0.5  # a source that does half as well as the rest, or worse, is worth a word
NOTHING = 0.1  # without bounces and page views, only a tenth of the rest is called empty


class Verdict(StrEnum):
    """What the figures of a source say of it."""

    FINE = "fine"
    EMPTY = "empty"
    SUSPICIOUS = "suspicious"
    NOT_ENOUGH = "not_enough"


@dataclass(frozen=True)
class Visits:
    """What was counted of a source; ``None`` where it was not.

    Attributes:
        conversions: orders or leads.
        bounces: visits that left from the page they came to.
    """

    source: str
    sessions: float
    conversions: float
    bounces: float | None = None
    pageviews: float | None = None


@dataclass(frozen=True)
class Sign:
    """One figure of a source against the same of the rest.

    Attributes:
        value: the source's figure, a rate, a share or pages per visit.
        rest: the same of the rest.
        p: how often an honest source would be this far from the rest by nature and chance, raised
            for the number of sources.
        material: it is worse by `MATERIAL`.
        shown: material, and p is below the level.
    """

    value: float
    rest: float
    p: float
    material: bool
    shown: bool


@dataclass(frozen=True)
class Judgement:
    """A source and what its figures say.

    Attributes:
        conversion: conversions per visit; ``None`` where the rest has nothing to compare with.
        expected: the conversions that the rest would have made of as many visits.
        bounce: share of visits that bounced; ``None`` where it was not counted.
        depth: page views per visit; ``None`` where they were not counted.
        needed: visits from which on no conversion at all would be a sign.
    """

    visits: Visits
    verdict: Verdict
    conversion: Sign | None = None
    expected: float | None = None
    bounce: Sign | None = None
    depth: Sign | None = None
    needed: int | None = None

    @property
    def more(self) -> int:
        """How many visits are lacking to tell; 0 where there are enough, or nothing can be told."""
        lacking = math.ceil((self.needed or 0) - self.visits.sessions)
        return max(0, lacking) if self.verdict is Verdict.NOT_ENOUGH else 0


def empty_traffic(
    sources: Sequence[Visits], confidence: float = CONFIDENCE
) -> tuple[Judgement, ...]:
    """Which sources bring visits that come to nothing.

    Each source is compared with all others but those found empty, in one-sided tests:

    - conversions: as many, or fewer, of a negative binomial: Poisson counts about a rate that
      differs between honest sources (`SPREAD`, or more where the others differ more), with the
      doubt about the rest's rate;
    - bounces: the log odds, which differ between honest sources by the same;
    - depth: pages beyond the first, as conversions, but for their clustering in few visits.

    P-values are raised by Holm for the number of sources. A source is ``empty`` where conversion
    is shown and so is bounce or depth (where neither was counted: where it converts a tenth or
    less); ``suspicious`` where conversion is shown alone, or bounce or depth is, and conversion is
    half the rest's or less or cannot be told; ``not_enough`` where so few visits could not show it
    and nothing else does.

    Args:
        sources: each source once, in any order; those with no visits say nothing.
        confidence: 1 less the chance that any honest source is found to be worse.

    Returns:
        A judgement for each source, in the order given.

    Source:
        Gelman et al. (2013), Bayesian Data Analysis, section 2.6 (negative binomial); Holm (1979).
    """
    empty: set[int] = set()
    while True:
        made = _judged(sources, empty, 1 - confidence)
        found = {place for place, each in enumerate(made) if each.verdict is Verdict.EMPTY}
        if found <= empty:
            return made
        empty |= found


def _judged(sources: Sequence[Visits], empty: set[int], level: float) -> tuple[Judgement, ...]:
    rests = {
        place: [
            other
            for at, other in enumerate(sources)
            if at not in {place, *empty} and other.sessions > 0
        ]
        for place, each in enumerate(sources)
        if each.sessions > 0
    }
    conversion, expected, needed = {}, {}, {}
    for place, rest in rests.items():
        compared = _Compared(rest)
        if compared.rate > 0:
            each = sources[place]
            expected[place] = each.sessions * compared.rate
            conversion[place] = compared.sign(each)
            needed[place] = compared.needed(level / len(rests))
    shown = _shown(conversion, level)
    bounce = _shown({place: _bounce(sources[place], rest) for place, rest in rests.items()}, level)
    depth = _shown({place: _depth(sources[place], rest) for place, rest in rests.items()}, level)
    return tuple(
        Judgement(
            each,
            _verdict(each, shown.get(at), bounce.get(at), depth.get(at), needed.get(at)),
            shown.get(at),
            expected.get(at),
            bounce.get(at),
            depth.get(at),
            needed.get(at),
        )
        for at, each in enumerate(sources)
    )


def _verdict(
    each: Visits,
    conversion: Sign | None,
    bounce: Sign | None,
    depth: Sign | None,
    needed: int | None,
) -> Verdict:
    signs = [sign for sign in (bounce, depth) if sign is not None]
    unread = any(sign.shown for sign in signs)
    tellable = conversion is not None and needed is not None and each.sessions >= needed
    if conversion is not None and conversion.shown:
        nothing = not signs and conversion.value <= NOTHING * conversion.rest
        return Verdict.EMPTY if unread or nothing else Verdict.SUSPICIOUS
    if unread and each.sessions > 0 and (not tellable or (conversion and conversion.material)):
        return Verdict.SUSPICIOUS
    return Verdict.FINE if tellable else Verdict.NOT_ENOUGH


# --- the tests


class _Compared:
    """Counts per visit of the rest: their rate, and how honest sources scatter about it.

    The rate of one source is taken to be gamma distributed with shape `shape`.
    """

    def __init__(self, rest: Sequence[Visits]) -> None:
        visits = math.fsum(other.sessions for other in rest)
        hits = math.fsum(other.conversions for other in rest)
        self.rate = hits / visits if visits else 0.0
        expected = [other.sessions * self.rate for other in rest]
        beyond = math.fsum(
            (other.conversions - should) ** 2 - should
            for other, should in zip(rest, expected, strict=True)
        )
        squares = math.fsum(should * should for should in expected)
        spread = max(SPREAD**2, beyond / squares if squares else 0.0)
        self.shape = 1 / (spread + (1 / hits if hits else 0.0))

    def sign(self, each: Visits) -> Sign:
        """How often an honest source would make as few conversions of these visits."""
        p = _few(each.conversions, each.sessions * self.rate, self.shape)
        value = each.conversions / each.sessions
        return Sign(value, self.rate, p, value <= MATERIAL * self.rate, shown=False)

    def needed(self, level: float) -> int:
        """The visits of which an honest source makes no conversion less often than `level`."""
        expected = self.shape * math.expm1(-math.log(level) / self.shape)
        return math.ceil(expected / self.rate)


def _few(count: float, expected: float, shape: float) -> float:
    """The chance of `count` or fewer, of a negative binomial with this mean and shape."""
    from scipy.special import betainc  # noqa: PLC0415  # slow to import, needed by few

    return float(betainc(shape, count + 1, shape / (shape + expected)))


def _bounce(each: Visits, rest: Sequence[Visits]) -> Sign | None:
    """The source's share of bounces against the rest's, by their log odds."""
    counted = [(other.bounces, other.sessions) for other in rest if other.bounces is not None]
    if each.bounces is None or not counted:
        return None
    mine = _log_odds(each.bounces, each.sessions)
    bounces = math.fsum(bounces for bounces, _ in counted)
    visits = math.fsum(visits for _, visits in counted)
    theirs = _log_odds(bounces, visits)
    others = [_log_odds(*pair) for pair in counted]
    natural = math.fsum((odds - theirs[0]) ** 2 - error for odds, error in others) / len(others)
    spread = math.sqrt(max(SPREAD**2, natural) + mine[1] + theirs[1])
    p = math.erfc((mine[0] - theirs[0]) / spread / math.sqrt(2)) / 2
    value, usual = each.bounces / each.sessions, bounces / visits
    return Sign(value, usual, p, value > usual and 1 - value <= MATERIAL * (1 - usual), shown=False)


def _log_odds(hits: float, visits: float) -> tuple[float, float]:
    """Log odds and their variance, kept finite by half a visit to either side."""
    hit, missed = hits + 0.5, max(0.0, visits - hits) + 0.5
    return math.log(hit / missed), 1 / hit + 1 / missed


def _depth(each: Visits, rest: Sequence[Visits]) -> Sign | None:
    """The source's pages beyond the first against the rest's.

    Where half the visits leave at once, such pages vary three times their mean per visit more than
    counts do; they are brought to the size of counts that vary as they.
    """
    counted = [
        Visits(other.source, other.sessions, max(0.0, other.pageviews - other.sessions))
        for other in rest
        if other.pageviews is not None
    ]
    if each.pageviews is None or not counted:
        return None
    beyond = _Compared(counted).rate
    if not beyond > 0:
        return None
    cluster = 1 + 3 * beyond
    scaled = [Visits(o.source, o.sessions, o.conversions / cluster) for o in counted]
    pages = max(0.0, each.pageviews - each.sessions)
    sign = _Compared(scaled).sign(Visits(each.source, each.sessions, pages / cluster))
    return Sign(each.pageviews / each.sessions, 1 + beyond, sign.p, sign.material, shown=False)


def _shown(signs: Mapping[int, Sign | None], level: float) -> dict[int, Sign]:
    """The signs with p-values raised for their number."""
    made = {place: sign for place, sign in signs.items() if sign is not None}
    raised = holm([sign.p for sign in made.values()])
    return {
        place: Sign(sign.value, sign.rest, p, sign.material, sign.material and p < level)
        for (place, sign), p in zip(made.items(), raised, strict=True)
    }
