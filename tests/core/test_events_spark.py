"""The same funnel on a Spark Connect server of this machine, which is started for the test."""

import random
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

from kpi_core.errors import UsageError
from kpi_core.events import EventFunnel, EventFunnelResult, Exclusion, Order, event_funnel, step
from kpi_core.ingest.eventlog import EventLog
from tests.spark import spark_url  # noqa: F401 - a fixture

from .test_events import Event, as_log

pytestmark = [pytest.mark.spark, pytest.mark.slow, pytest.mark.xdist_group("spark")]


@pytest.fixture(scope="module")
def spark(spark_url: str) -> Iterator[object]:  # noqa: F811
    from pyspark.sql.connect.session import SparkSession

    session = SparkSession.builder.remote(spark_url).create()
    yield session
    session.stop()


def on_spark(spark: object, log: EventLog, asked: EventFunnel) -> EventFunnelResult:
    """The log as a table of the server."""
    from kpi_core.events.spark import spark_funnel

    rows = pd.read_parquet(log.path)
    rows = rows.join(log.kinds[["event", "channel"]], on="kind").drop(columns="kind")
    table = spark.createDataFrame(rows.sample(frac=1, random_state=2))
    return spark_funnel(table, asked, log.name)


@pytest.mark.parametrize("order", list(Order))
def test_spark_and_duckdb_answer_alike(spark, order: Order, tmp_path: Path) -> None:
    chance = random.Random(str(order))  # noqa: S311 - the same logs every time
    for number in range(4):
        events = [
            Event(chance.randrange(40), chance.randrange(200), chance.choice("abcdx"),
                  chance.choice(["", "ads", "mail"]), place)
            for place in range(600)
        ]  # fmt: skip
        asked = EventFunnel(
            (step("a"), step("b|c@40m"), step("d")) if number % 2 else (*map(step, "aab"),),
            order,
            timedelta(minutes=60),
            exclusions=(Exclusion(("x",), 1),),
            by="channel",
            touch=chance.choice(["first", "last"]),
        )
        log = as_log(events, tmp_path)
        assert on_spark(spark, log, asked) == event_funnel(log, asked)


def test_events_of_nobody_are_left_out_and_told(spark) -> None:
    rows = pd.DataFrame(
        {"user": ["anna", None, "anna"], "event": ["View", "view", "buy "], "row": [1, 2, 3],
         "time": pd.date_range("2026-10-05 23:59", periods=3, freq="min")}
    )  # fmt: skip
    from kpi_core.events.spark import spark_funnel

    found = spark_funnel(spark.createDataFrame(rows), EventFunnel((step("view"), step("buy"))))
    assert [row.units for row in found.total.steps] == [1, 1]
    assert found.days[0].first == date(2026, 10, 5)
    assert [finding.code for finding in found.findings] == ["funnel_events_without_unit"]


def test_a_table_without_its_columns_is_refused(spark) -> None:
    from kpi_core.events.spark import spark_funnel

    table = spark.createDataFrame(pd.DataFrame({"user": [1], "event": ["view"]}))
    with pytest.raises(UsageError, match="row, time"):
        spark_funnel(table, EventFunnel((step("view"), step("buy"))))
