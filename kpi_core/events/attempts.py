"""The attempts of each unit, found for millions of events at once.

Events come sorted by unit, time and place in the log, as arrays. It imports numpy and pyarrow
alone, so that a Spark server can run it as it is, without the project.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Numbers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

FOREVER = int(np.iinfo(np.int64).max)
NOTHING = -1  # no kind of event
_PIECE = 1_000_000  # events: what is looked at together, give or take a unit


@dataclass(frozen=True)
class Rules:
    """A funnel over numbered kinds of events; times are in microseconds.

    Attributes:
        order: ``ordered``, ``strict`` or ``any``.
        matches: whether a kind is of a step, shape (steps, kinds).
        excluded: whether a kind may not stand before a step, shape (steps, kinds).
        alike: of each step the first one with the same events.
        window: from the first step to the last.
        within: of each step, from the step before.
        named: of each kind, whether it tells what the units are parted by.
        last: the last event that tells it counts, and not the first.
    """

    order: str
    matches: Flags
    excluded: Flags
    alike: tuple[int, ...]
    window: int
    within: tuple[int, ...]
    named: Flags
    last: bool

    @property
    def schema(self) -> pa.Schema:
        """The columns of `outcomes`, one row a unit.

        ``reached``: steps; ``following``: the kind of its next event after that step; ``touch``:
        the kind that says what it is parted by; ``did``: a bit for each step of which it has any
        event; ``t0``...: when its attempt came to each step, null where it did not.
        """
        whole = {"reached": pa.int8(), "following": pa.int32(), "touch": pa.int32()}
        times = {f"t{place}": pa.int64() for place in range(len(self.matches))}
        return pa.schema(whole | {"did": pa.int64()} | times)


def outcomes(rules: Rules, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """What each unit reached.

    Args:
        rules: the funnel.
        batches: columns ``unit`` (int64), ``moment`` (int64, microseconds) and ``kind`` (int32),
            sorted by unit, time and place in the log; a unit may go on in the next batch.
    """
    kept: list[pa.RecordBatch] = []
    waiting = 0
    for batch in batches:
        kept.append(batch)
        waiting += batch.num_rows
        if waiting < _PIECE:
            continue
        unit, at, kind = _columns(kept)
        cut = int(np.searchsorted(unit, unit[-1], "left"))
        if cut:
            yield _outcomes(rules, unit[:cut], at[:cut], kind[:cut])
        rest = {"unit": unit[cut:], "moment": at[cut:], "kind": kind[cut:]}
        kept, waiting = [pa.RecordBatch.from_pydict(rest)], 0
    if sum(batch.num_rows for batch in kept):
        yield _outcomes(rules, *_columns(kept))


def _columns(batches: list[pa.RecordBatch]) -> list[Any]:
    return [
        np.concatenate([batch.column(name).to_numpy(zero_copy_only=False) for batch in batches])
        for name in ("unit", "moment", "kind")
    ]


def _outcomes(rules: Rules, unit: Numbers, at: Numbers, kind: Any) -> pa.RecordBatch:
    """The same of whole units."""
    count = len(unit)
    firsts = _heads(unit)
    ends = np.append(firsts[1:], count)
    owner = np.repeat(np.arange(len(firsts)), ends - firsts)
    places = [np.flatnonzero(match[kind]) for match in rules.matches]
    path = _paths(rules, at, kind, places, ends[owner] if count else ends)
    depth = (path < count).sum(axis=1)
    chosen = _furthest(owner[path[:, 0]], depth)
    whose = owner[path[chosen, 0]]

    reached = np.zeros(len(firsts), np.int8)
    reached[whose] = depth[chosen]
    times = np.full((len(firsts), len(rules.matches)), FOREVER)
    times[whose] = np.append(at, FOREVER)[path[chosen]]
    last = ends - 1  # the event up to which a unit is looked at
    last[whose] = path[chosen, depth[chosen] - 1]
    following = np.full(len(firsts), NOTHING, np.int32)
    left = (reached > 0) & (reached < len(rules.matches)) & (last + 1 < ends)
    following[left] = kind[last[left] + 1]
    did = np.zeros(len(firsts), np.int64)
    for step, events in enumerate(places):
        did[owner[events]] |= 1 << step
    columns = [reached, following, _touches(rules, kind, firsts, last), did]
    columns += [pa.array(times[:, step], mask=times[:, step] == FOREVER)
                for step in range(len(rules.matches))]  # fmt: skip
    return pa.RecordBatch.from_arrays(list(map(pa.array, columns)), schema=rules.schema)


def _heads(runs: Numbers) -> Numbers:
    """Where each run of equal numbers begins."""
    return np.flatnonzero(np.append(True, runs[1:] != runs[:-1])[: len(runs)])


def _paths(rules: Rules, at: Numbers, kind: Any, places: list[Numbers], ends: Numbers) -> Numbers:
    """Of every attempt its events, shape (attempts, steps); past the last event: not reached."""
    count = len(at)
    barred = [np.flatnonzero(match[kind]) for match in rules.excluded]
    if rules.order == "any":
        candidates = _candidates(rules, places, count)
        starts = candidates[:, 0]
    else:
        starts = places[0]
    path = np.full((len(starts), len(places)), count)
    path[:, 0] = starts
    going = np.arange(len(starts))
    for step in range(1, len(places)):
        before = path[going, step - 1]
        match rules.order:
            case "any":
                after = candidates[going, step]
            case "strict":
                after = np.where(
                    _next(places[step], before, count) == before + 1, before + 1, count
                )
            case _:
                after = _next(places[step], before, count)
        inside = after < ends[before]
        going, before, after = going[inside], before[inside], after[inside]
        on = at[after] - at[path[going, 0]] <= rules.window
        on &= at[after] - at[before] <= rules.within[step]
        if len(barred[step]):
            on &= _next(barred[step], before, count) >= after
        going = going[on]
        path[going, step] = after[on]
    return path


def _next(places: Numbers, before: Numbers, none: int) -> Numbers:
    """The first of `places` after each of `before`."""
    return np.append(places, none)[np.searchsorted(places, before, "right")]


def _candidates(rules: Rules, places: list[Numbers], none: int) -> Numbers:
    """Of attempts in any order: the first events of the steps from each start on, by place."""
    starts = np.unique(np.concatenate(places))
    found = np.full((len(starts), len(places)), none)
    for step, first in enumerate(rules.alike):
        again = rules.alike[:step].count(
            first
        )  # of steps asked for twice, the second needs one more
        padded = np.append(places[step], np.full(again + 1, none))
        found[:, step] = padded[np.searchsorted(places[step], starts, "left") + again]
    found.sort(axis=1)
    return found


def _furthest(whose: Numbers, depth: Numbers) -> Numbers:
    """Of attempts by unit and start: of each unit the first of those that got furthest."""
    heads = _heads(whose)
    if not len(heads):
        return heads
    sizes = np.diff(np.append(heads, len(whose)))
    furthest = np.flatnonzero(depth == np.repeat(np.maximum.reduceat(depth, heads), sizes))
    return furthest[_heads(whose[furthest])]


def _touches(rules: Rules, kind: Any, firsts: Numbers, last: Numbers) -> Any:
    """The kinds that say what the units are parted by."""
    told = np.flatnonzero(rules.named[kind])
    if rules.last:
        found = np.append(NOTHING, told)[np.searchsorted(told, last, "right")]
    else:
        found = _next(told, firsts - 1, len(kind))
    inside = (found >= firsts) & (found <= last)
    touches = np.full(len(firsts), NOTHING, np.int32)
    touches[inside] = kind[found[inside]]
    return touches
