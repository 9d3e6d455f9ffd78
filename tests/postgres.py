"""A PostgreSQL of the tests' own: started in a new folder, thrown away after them.

Wanted are the programs of a PostgreSQL server (Debian: ``apt-get install postgresql``). A test
file asks for it with ``from tests.postgres import postgres_url``. The server serves this machine
alone, and refuses to run as root: then it runs as the user ``postgres``, or `nobody`.
"""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PROGRAMS = Path("/usr/lib/postgresql")
NAME, PASSWORD = "kpi", "kpi-of-tests"  # of a server that lives for minutes
_PATIENCE = 60  # seconds to start


def find_postgres() -> Path | None:
    """The folder of the newest PostgreSQL server's programs."""
    usable = [each for each in PROGRAMS.glob("*/bin") if (each / "initdb").exists()]
    return max(usable, key=lambda each: _version(each.parent.name), default=None)


def _version(name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in name.split(".") if part.isdigit())


def _servant() -> str | None:
    """Whom the server runs as where the tests run as root."""
    if os.geteuid():
        return None
    names = {each.pw_name for each in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in names)


@contextmanager
def serve(programs: Path) -> Iterator[str]:
    """Start a server in a folder of its own, give the address of its database, end that one."""
    servant = _servant()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # Not pytest's own folder: its parents are closed to another user.
    folder = Path(tempfile.mkdtemp(prefix="kpi-postgres-"))
    password = folder / "password"
    password.write_text(PASSWORD)
    if servant:
        shutil.chown(folder, servant)
        shutil.chown(password, servant)
    # A place without "durable" writes is what makes it quick; nothing here outlives the tests.
    quick = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "shared_buffers=32MB")
    settings = [word for each in (*quick, f"unix_socket_directories={folder}",
                                  "listen_addresses=127.0.0.1", f"port={port}")
                for word in ("-c", each)]  # fmt: skip
    made = subprocess.run(
        [programs / "initdb", "-D", folder / "data", "-U", NAME, "-A", "scram-sha-256",
         "--pwfile", password, "-E", "UTF8", "--locale", "C", "--no-sync"],
        user=servant, cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    try:
        with (folder / "log").open("wb") as log, subprocess.Popen(
            [programs / "postgres", "-D", folder / "data", *settings],
            user=servant, cwd=folder, stdout=log, stderr=log,
        ) as server:  # fmt: skip
            try:
                _wait(programs, port, server, folder / "log")
                subprocess.run(
                    [programs / "createdb", "-h", "127.0.0.1", "-p", str(port), "-U", NAME, NAME],
                    env={**os.environ, "PGPASSWORD": PASSWORD}, cwd=folder, check=True,
                )  # fmt: skip
                yield f"postgresql://{NAME}:{PASSWORD}@127.0.0.1:{port}/{NAME}"
            finally:
                server.terminate()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The address of an empty database: ``postgresql://kpi:…@127.0.0.1:<port>/kpi``.

    Its user may make databases, so a test that wants one of its own can.
    """
    programs = find_postgres()
    if programs is None:
        pytest.skip("no PostgreSQL server in /usr/lib/postgresql/*/bin")
    with serve(programs) as url:
        yield url


def _wait(programs: Path, port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    """Until the server takes connections."""
    asked = [programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
    for _ in range(_PATIENCE * 4):
        if subprocess.run(asked, check=False).returncode == 0:
            return
        assert server.poll() is None, log.read_text()
        time.sleep(0.25)
    raise AssertionError(log.read_text())
