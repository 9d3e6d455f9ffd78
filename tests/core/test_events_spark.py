"""The same funnel on a Spark Connect server of this machine, which is started for the test.

Wanted are Java 17 and a Spark that brings its server: `pip install pyspark` into any environment,
named by SPARK_HOME unless it is this one.
"""

import importlib.util
import os
import random
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

from kpi_core.errors import UsageError
from kpi_core.events import EventFunnel, EventFunnelResult, Exclusion, Order, event_funnel, step
from kpi_core.ingest.eventlog import EventLog

from .test_events import Event, as_log

pytestmark = pytest.mark.spark
SERVER = "org.apache.spark.sql.connect.service.SparkConnectServer"


def spark_home() -> Path | None:
    """A Spark with its Java classes."""
    found = importlib.util.find_spec("pyspark")
    known = [os.environ.get("SPARK_HOME"), *(found.submodule_search_locations if found else ())]
    return next((Path(home) for home in known if home and Path(home, "jars").is_dir()), None)


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    home = spark_home()
    if importlib.util.find_spec("pyspark") is None:
        pytest.skip("the extra 'spark' is not installed")
    if shutil.which("java") is None or home is None:
        pytest.skip("no Java, or no Spark with a server: set SPARK_HOME")
    from pyspark.sql.connect.session import SparkSession

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("spark")
    local = {
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": str(port),
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.session.timeZone": "America/New_York",  # wall times must not care
        "spark.local.dir": str(folder),
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
    }
    words = [word for name, value in local.items() for word in ("--conf", f"{name}={value}")]
    with (folder / "log").open("wb") as log, subprocess.Popen(
        [home / "bin" / "spark-submit", "--master", os.environ.get("SPARK_MASTER", "local[2]"),
         *words, "--class", SERVER, "spark-internal"],
        cwd=folder, stdout=log, stderr=log,
        env={**os.environ, "SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1",
             "PYSPARK_PYTHON": sys.executable},
    ) as server:  # fmt: skip
        try:
            for _ in range(240):
                with socket.socket() as probe:
                    if not probe.connect_ex(("127.0.0.1", port)):
                        break
                assert server.poll() is None, (folder / "log").read_text()
                time.sleep(0.25)
            session = SparkSession.builder.remote(f"sc://127.0.0.1:{port}").getOrCreate()
            yield session
            session.stop()
        finally:
            server.terminate()


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
