"""The same funnel asked of a Spark Connect server, for logs that no single machine holds.

Needs the extra ``spark``. The server sorts the events by unit and runs `attempts`, which travels
with the question; its workers need Python with numpy and pyarrow, as for every function of Arrow.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa

from kpi_core.errors import UsageError
from kpi_core.events import attempts
from kpi_core.events.asked import CUTS, UNITS, EventFunnel
from kpi_core.events.engine import answer, check, rules_of, without_unit
from kpi_core.events.told import EventFunnelResult

if TYPE_CHECKING:
    from pyspark.sql.connect.dataframe import DataFrame

_WALL = (
    "timestampdiff(MICROSECOND, TIMESTAMP_NTZ'1970-01-01 00:00:00', CAST(time AS TIMESTAMP_NTZ))"
)


def spark_funnel(events: "DataFrame", asked: EventFunnel, name: str = "") -> EventFunnelResult:
    """The funnel of a table of events.

    Args:
        events: columns ``time`` (timestamp), ``event`` (text), the unit as it is called
            (``user``, ``session``, ``customer``; any type), ``row`` (whole number: the order of
            events of one moment), and of channel, device, campaign those that there are.
        asked: the funnel.
        name: of the table, for findings.

    Raises:
        UsageError: a column is lacking.
    """
    from pyspark import cloudpickle  # noqa: PLC0415  # an extra
    from pyspark.sql import functions as f  # noqa: PLC0415

    cuts = tuple(cut for cut in CUTS if cut in events.columns)
    check(asked, name, tuple(unit for unit in UNITS if unit in events.columns), cuts)
    if lacking := {"time", "event", "row"} - set(events.columns):
        raise UsageError("funnel_columns", where=name, columns=", ".join(sorted(lacking)))
    kept = ["event", *cuts]
    said = [f.coalesce(f.col(column), f.lit("")).alias(column) for column in kept]
    plain = events.select(
        f.col(asked.unit).alias("unit"), f.expr(_WALL).alias("moment"), "row", *said
    )
    counted = plain.agg(
        f.count("*"),
        f.count("unit"),
        *(edge(f.when(f.col("unit").isNotNull(), f.col("moment"))) for edge in (f.min, f.max)),
    ).collect()[0]
    kinds = plain.select(*kept).distinct().toPandas().sort_values(kept, ignore_index=True)
    numbers = events.sparkSession.createDataFrame(
        kinds.assign(kind=range(len(kinds))).astype({"kind": "int32"})
    )
    kinds["event"] = kinds["event"].str.strip().str.casefold()
    rules = rules_of(asked, kinds)

    def looked_through(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return attempts.outcomes(rules, batches)

    cloudpickle.register_pickle_by_value(attempts)
    try:
        found = (
            plain.where("unit IS NOT NULL")
            .join(f.broadcast(numbers), kept)
            .select(f.xxhash64("unit").alias("unit"), "moment", "row", "kind")
            .repartition("unit")
            .sortWithinPartitions("unit", "moment", "row")
            .select("unit", "moment", "kind")
            .mapInArrow(looked_through, _schema(rules))
            .toArrow()
        )
    finally:
        cloudpickle.unregister_pickle_by_value(attempts)
    total, known, first, last = counted
    made = answer(asked, kinds, found.to_batches(), (first, last) if known else None, name)
    return replace(made, findings=(*without_unit(total - known, name), *made.findings))


def _schema(rules: attempts.Rules) -> str:
    """The columns of what comes back, as Spark writes them."""
    names = {pa.int8(): "tinyint", pa.int32(): "int", pa.int64(): "bigint"}
    return ", ".join(f"{field.name} {names[field.type]}" for field in rules.schema)
