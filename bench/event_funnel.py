"""20 000 000 events: a funnel of 5 steps in 7 days, against a statement of DuckDB and pandas."""

from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet

from bench.common import Line, process, ratio, rounds, seconds

EVENTS = 20_000_000
PART = 5_000_000  # what a loop in pandas takes a minute or two for
PIECE = 2_000_000
TITLE = "Event funnel"
KINDS = ("view", "search", "cart", "checkout", "pay", "help", "done", "other")
OFTEN = (0.3, 0.2, 0.15, 0.1, 0.05, 0.1, 0.05, 0.05)
OURS = """
import sys, pathlib
import pandas as pd
from kpi_core.events import EventFunnel, event_funnel, step
from kpi_core.ingest.eventlog import EventLog
events = ["view", "search", "cart", "checkout", "pay", "help", "done", "other"]
kinds = pd.DataFrame({"event": events, "channel": "", "device": "", "campaign": ""})
log = EventLog("log", pathlib.Path(sys.argv[1]), kinds, 0, ("user",), ())
steps = tuple(map(step, ["view", "cart", "checkout", "pay", "done"]))
found = event_funnel(log, EventFunnel(steps))
assert [row.units for row in found.total.steps] == eval(sys.argv[2])
"""
# The next event of each step, from the last step back; then of each user the attempt that got
# furthest, its counts and the quartiles of its times. Several ways were tried, this is the fastest.
QUERY = """
WITH e AS (SELECT user, kind, epoch_us(time) AS t, row FROM read_parquet($1)
           WHERE kind IN (0, 2, 3, 4, 6)),
a AS (SELECT *, first_value(CASE WHEN kind = 6 THEN t END IGNORE NULLS) OVER after AS t5 FROM e
      WINDOW after AS (PARTITION BY user ORDER BY t, row
                       ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING)),
b AS (SELECT *, first_value(CASE WHEN kind = 4 THEN {t: t, n: t5} END IGNORE NULLS) OVER after AS f4
      FROM a WINDOW after AS (PARTITION BY user ORDER BY t, row
                              ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING)),
c AS (SELECT *, first_value(CASE WHEN kind = 3 THEN {t: t, n: f4} END IGNORE NULLS) OVER after AS f3
      FROM b WINDOW after AS (PARTITION BY user ORDER BY t, row
                              ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING)),
d AS (SELECT user, t, row, kind,
             first_value(CASE WHEN kind = 2 THEN {t: t, n: f3} END IGNORE NULLS) OVER after AS f2
      FROM c WINDOW after AS (PARTITION BY user ORDER BY t, row
                              ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING)),
paths AS (SELECT user, row, t AS t1, f2.t AS t2, f2.n.t AS t3, f2.n.n.t AS t4, f2.n.n.n AS t5
          FROM d WHERE kind = 0),
deep AS (SELECT *, CASE WHEN t5 - t1 <= $2 THEN 5 WHEN t4 - t1 <= $2 THEN 4
                        WHEN t3 - t1 <= $2 THEN 3 WHEN t2 - t1 <= $2 THEN 2 ELSE 1 END AS depth
         FROM paths),
best AS (SELECT user, max(depth) AS depth,
                arg_min({t1: t1, t2: t2, t3: t3, t4: t4, t5: t5}, (-depth, t1, row)) AS p
         FROM deep GROUP BY user)
SELECT [count(*), count_if(depth > 1), count_if(depth > 2), count_if(depth > 3),
        count_if(depth > 4)],
"""
HAND = f"""
import sys, duckdb
con = duckdb.connect(config={{"threads": 2}})
con.execute("SET preserve_insertion_order = false")
quartiles = [f"quantile_cont(p.t{{k}} - p.t{{s}}, [0.25, 0.5, 0.75]) FILTER (depth >= {{k}})"
             for k in range(2, 6) for s in sorted({{1, k - 1}})]
sql = {QUERY!r} + ", ".join(quartiles) + " FROM best"
found = con.execute(sql, [sys.argv[1], 7 * 86_400_000_000]).fetchall()[0]
assert found[0] == eval(sys.argv[2])
"""
# A loop over the users, as anyone would write it first.
PANDAS = """
import sys
import pandas as pd
events = pd.read_parquet(sys.argv[1], columns=["user", "time", "row", "kind"])
steps, window = [0, 2, 3, 4, 6], pd.Timedelta(days=7)
events = events[events["kind"].isin(steps)].sort_values(["user", "time", "row"])
def furthest(own):
    times, kinds, best = own["time"].to_list(), own["kind"].to_list(), 0
    for start in range(len(kinds)):
        if kinds[start] == steps[0]:
            reached = 1
            for time, kind in zip(times[start + 1:], kinds[start + 1:]):
                if time - times[start] > window or reached == len(steps):
                    break
                reached += kind == steps[reached]
            best = max(best, reached)
    return best
reached = events.groupby("user")[["time", "kind"]].apply(furthest)
assert [int((reached > n).sum()) for n in range(len(steps))] == eval(sys.argv[2])
"""


def made(path: Path, events: int) -> Path:
    """A log of ten events a user in 23 days, in the order of time."""
    rng = np.random.default_rng(20261001)
    keys = rng.integers(0, 2**62, events // 10)
    schema = pa.schema(
        {"row": pa.int64(), "time": pa.timestamp("us"), "user": pa.int64(), "kind": pa.int32()}
    )
    with pa.parquet.ParquetWriter(path, schema) as out:
        for first in range(0, events, PIECE):
            rows = np.arange(first, min(first + PIECE, events))
            span = 2_000_000_000_000 / events
            times = ((rows + rng.random(len(rows))) * span).astype(np.int64)
            columns = [
                rows,
                (1_760_000_000_000_000 + times).astype("datetime64[us]"),
                keys[rng.integers(0, len(keys), len(rows))],
                rng.choice(len(KINDS), len(rows), p=OFTEN).astype(np.int32),
            ]
            out.write_table(pa.table(list(map(pa.array, columns)), schema=schema))
    return path


def counts(path: Path) -> str:
    """How many users reach each step, by the statement of DuckDB."""
    con = duckdb.connect()
    found = con.execute(f"{QUERY} 0 FROM best", [str(path), 7 * 86_400_000_000]).fetchall()
    return str(found[0][0])


def run(folder: Path) -> list[Line]:
    """Start of Python included; every answer is checked against that of the statement."""
    log, twice, part = (
        made(folder / f"{events}.parquet", events) for events in (EVENTS, 2 * EVENTS, PART)
    )
    known = {path: counts(path) for path in (log, twice, part)}
    ours, hand, double = rounds(
        lambda: process(OURS, str(log), known[log]),
        lambda: process(HAND, str(log), known[log]),
        lambda: process(OURS, str(twice), known[twice]),
    )
    few = process(OURS, str(part), known[part])
    loop = process(PANDAS, str(part), known[part])
    return [
        Line(f"{EVENTS:,} events, 5 steps, 7 days: time", seconds(ours), seconds(hand),
             ratio(ours.seconds, hand.seconds), "≤ 1.5"),
        Line("the same: peak memory", f"{ours.megabytes:.0f} MB", f"{hand.megabytes:.0f} MB",
             ratio(ours.megabytes, hand.megabytes), "< 2048 MB"),
        Line("twice the events: time", seconds(double), seconds(ours),
             ratio(double.seconds, ours.seconds), "≤ 2.1"),
        Line("the same: peak memory", f"{double.megabytes:.0f} MB", f"{ours.megabytes:.0f} MB",
             ratio(double.megabytes, ours.megabytes), "< 2048 MB"),
        Line(f"{PART:,} events, against a loop in pandas: time", seconds(few),
             seconds(loop), ratio(few.seconds, loop.seconds), "≤ 0.1"),
    ]  # fmt: skip
