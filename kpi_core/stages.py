"""Which stages a funnel has: those of a funnel with a name, or measures that somebody chose."""

from collections.abc import Sequence

from kpi_core import catalogue
from kpi_core.errors import UsageError, did_you_mean
from kpi_core.model import Adds, Business, Measure, Stage, Stages, Unit

FEWEST_STAGES = 2
MAIN, OWN = "main", "own"  # the ids of the funnel of the type itself, and of one's own


def named_funnel(business: Business, id: str) -> Stages:
    """The funnel of a business type that is called `id`.

    Raises:
        UsageError: it has none of that name; a role has none at all.
    """
    known = {made.id: made for made in business.funnels}
    if id not in known:
        near = did_you_mean(id, set(known))
        raise UsageError("unknown_funnel", where=id, near=near, known=", ".join(known) or "—")
    return known[id]


def own_funnel(business: Business, wanted: Sequence[str]) -> Stages:
    """A funnel of one's own: measures in order, each with a name of one's own or its usual one.

    Args:
        business: whose names of stages hold.
        wanted: ``carts`` or ``carts=In the basket``.

    Raises:
        UsageError: no such measure, none that counts, the same one twice, or fewer than two.
    """
    known = (stage for made in reversed(business.funnels) for stage in reversed(made.stages))
    usual = {stage.measure: stage.name for stage in known}
    stages: dict[str, Stage] = {}
    for text in wanted:
        id, _, name = (part.strip() for part in text.partition("="))
        measure = catalogue.measure(id)
        if not counts(measure):
            raise UsageError("stage_not_a_count", where=id)
        if id in stages:
            raise UsageError("stage_twice", where=id)
        named = {"ru": name, "en": name} if name else usual.get(id, measure.name)
        stages[id] = Stage(id, named, id)
    if len(stages) < FEWEST_STAGES:
        raise UsageError("too_few_stages", where=", ".join(wanted))
    return catalogue.own_funnel(tuple(stages.values()))


def counts(measure: Measure) -> bool:
    """Whether a measure counts what adds up, and so may be a stage."""
    return measure.unit is Unit.COUNT and measure.adds is Adds.SUM
