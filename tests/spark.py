"""A Spark Connect server of the tests' own, with two executors, on this machine.

Wanted are Java 17 and a Spark that brings its server: `pip install pyspark` into any environment,
named by SPARK_HOME unless it is this one. SPARK_MASTER names another way to run it
(``local[2]``: without executors of their own). A test file asks for it with
``from tests.spark import spark_url``.
"""

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SERVER = "org.apache.spark.sql.connect.service.SparkConnectServer"
MASTER = "local-cluster[2,1,1024]"  # executors, cores and megabytes of each


def spark_home() -> Path | None:
    """A Spark with its Java classes."""
    found = importlib.util.find_spec("pyspark")
    known = [os.environ.get("SPARK_HOME"), *(found.submodule_search_locations if found else ())]
    return next((Path(home) for home in known if home and Path(home, "jars").is_dir()), None)


@contextmanager
def serve(home: Path, folder: Path) -> Iterator[str]:
    """Start a server that keeps its things in `folder`, give its address, end that one only."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
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
        [home / "bin" / "spark-submit", "--master", os.environ.get("SPARK_MASTER", MASTER),
         *words, "--class", SERVER, "spark-internal"],
        cwd=folder, stdout=log, stderr=log,
        env={**os.environ, "SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1",
             "PYSPARK_PYTHON": sys.executable},
    ) as server:  # fmt: skip
        try:
            for _ in range(480):
                with socket.socket() as probe:
                    if not probe.connect_ex(("127.0.0.1", port)):
                        break
                assert server.poll() is None, (folder / "log").read_text()
                time.sleep(0.25)
            yield f"sc://127.0.0.1:{port}"
        finally:
            server.terminate()


@pytest.fixture(scope="session")
def spark_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that takes questions: ``sc://127.0.0.1:<port>``."""
    home = spark_home()
    if importlib.util.find_spec("pyspark") is None:
        pytest.skip("the extra 'spark' is not installed")
    if shutil.which("java") is None or home is None:
        pytest.skip("no Java, or no Spark with a server: set SPARK_HOME")
    with serve(home, tmp_path_factory.mktemp("spark")) as url:
        yield url
