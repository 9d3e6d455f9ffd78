"""What may happen to a workspace: falls, full disks, closed folders, others at the same time.

Whatever happens, what was acknowledged is whole, nothing is there by half, and the person is told.
"""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path

import psycopg
import pytest

import kpi_core
from kpi_core.errors import WorkspaceError
from kpi_core.workspace import Saved, Workspace
from kpi_core.workspace.room import Turn
from tests.core.kept import Opens, new_database, opens, plan, proposal, visits
from tests.postgres import postgres_url

__all__ = ["opens", "postgres_url"]  # fixtures
ROOT = Path(kpi_core.__file__).parent.parent
WORKER = Path(__file__).parent / "kept_worker.py"
KILLS = 200
KILLS_OF_POSTGRES = 40
A_FOLDER = 20  # so many kills a workspace


def refused(code: str) -> "pytest.RaisesExc[WorkspaceError]":
    return pytest.raises(WorkspaceError, check=lambda raised: raised.code == code)


# --- falls


@contextmanager
def worker() -> Iterator["subprocess.Popen[str]"]:
    """A process that makes workers, each of which saves, keeps, approves, exports until killed."""
    command = [sys.executable, "-m", "tests.core.kept_worker"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as started:
        yield started
        assert started.stdin is not None
        started.stdin.close()


def killed(
    worker: "subprocess.Popen[str]", folder: Path, address: str, dice: random.Random
) -> list[str]:
    """What a worker acknowledged before it was killed, somewhere in its first acts."""
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write(f"{folder}\t{address}\t{dice.randrange(4)}\t{dice.uniform(0, 0.03)}\n")
    worker.stdin.flush()
    acknowledged = []
    while (line := worker.stdout.readline().strip()) != "killed":
        assert line, "the worker fell by itself"
        acknowledged.append(line)
    return acknowledged


def check_whole(own: Workspace, acknowledged: list[str], exports: Path) -> None:
    """Everything acknowledged is there, and nothing by half."""
    assert own.verify() == ()
    versions = {(saved.name, saved.number) for saved in own.plans.list()}
    files = {file.digest for file in own.uploads.list()}
    seals = {made.seal for made in own.snapshots.list()}
    for line in acknowledged:
        act, what = line.split(" ", 1)
        match act:
            case "save":
                name, number, target = what.split()
                assert own.plans.load(name, int(number)).content == plan(int(target))
                assert any(saved == name and latest >= int(number) for saved, latest in versions)
            case "keep":
                assert what in files
            case "approve":
                assert what in seals
            case "export":
                assert (exports / what).exists()
    for path in exports.glob("*.zip"):
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None


@pytest.mark.slow
def test_no_kill_loses_what_was_acknowledged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dice, told = random.Random(20261122), 0  # noqa: S311
    with worker() as started:
        for number in range(KILLS):
            folder = tmp_path / str(number // A_FOLDER)
            (folder / "exports").mkdir(parents=True, exist_ok=True)
            acknowledged = killed(started, folder, "", dice)
            told += len(acknowledged)
            with closing_workspace(Workspace.open(folder / "kept")) as own:
                check_whole(own, acknowledged, folder / "exports")
                own.uploads.sweep()
                named = {path.stem for path in (folder / "kept").rglob("*.parquet")}
                assert len(named) <= len(own.uploads.list())
            if number % A_FOLDER == 0:  # an archive that was made beside a fall brings all back
                for path in (folder / "exports").glob("*.zip"):
                    with closing_workspace(Workspace.open(folder / f"of {path.stem}")) as other:
                        other.import_from(path)
    with capsys.disabled():
        print(f"\n{KILLS} kills of SQLite: {told} acknowledged, 0 lost")  # noqa: T201
    assert told > KILLS


@pytest.mark.slow
def test_no_kill_loses_what_postgres_acknowledged(
    tmp_path: Path, postgres_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    dice, told, address = random.Random(20261122), 0, new_database(postgres_url)  # noqa: S311
    (tmp_path / "exports").mkdir()
    with worker() as started:
        for _ in range(KILLS_OF_POSTGRES):
            acknowledged = killed(started, tmp_path, address, dice)
            told += len(acknowledged)
            with closing_workspace(Workspace.open(tmp_path / "kept", address)) as own:
                check_whole(own, acknowledged, tmp_path / "exports")
    with capsys.disabled():
        print(f"\n{KILLS_OF_POSTGRES} kills of a client of PostgreSQL: {told} acknowledged, 0 lost")  # noqa: T201
    assert told > KILLS_OF_POSTGRES


@contextmanager
def closing_workspace(own: Workspace) -> Iterator[Workspace]:
    with closing(own):
        yield own


def test_postgres_restarted_in_the_middle_is_told_and_all_goes_on(
    tmp_path: Path, postgres_url: str
) -> None:
    """One of its processes is killed, so it throws out everybody and recovers."""
    address = new_database(postgres_url)
    with closing_workspace(Workspace.open(tmp_path, address)) as own:
        own.plans.save("Visits", plan())
        with psycopg.connect(address, autocommit=True) as other:
            (server,) = other.execute("SELECT pg_backend_pid()").fetchone() or (0,)
            with refused("workspace_gone"), own._room.writing() as turn:
                logs_until_gone(turn, server)
        assert saved_in_the_end(own).number == 2
        assert own.verify() == ()


def logs_until_gone(turn: Turn, server: int) -> None:
    os.kill(server, signal.SIGKILL)
    while True:
        turn.log("save", "of nobody", "")


def saved_in_the_end(own: Workspace) -> Saved:
    """A save that is tried again as long as the database is away."""
    for _ in range(600):
        try:
            return own.plans.save("Visits", plan(400), after=1)
        except WorkspaceError as gone:
            if gone.code != "workspace_gone":
                raise
            time.sleep(0.1)
    raise AssertionError("the database did not come back")


# --- disks


def limited(limit: int, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Keeps ever larger files in a process that may write files of no more than so many bytes."""
    return subprocess.run(
        [sys.executable, "-m", "tests.core.kept_worker", str(limit), str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: signal.signal(signal.SIGXFSZ, signal.SIG_IGN),
    )


def test_a_file_that_may_not_grow_is_told_and_nothing_is_lost(tmp_path: Path) -> None:
    answer = limited(200_000, tmp_path)
    *acknowledged, last = answer.stdout.split()
    assert last in {"workspace_full", "workspace_not_written"}, answer.stderr
    with closing_workspace(Workspace.open(tmp_path)) as own:
        assert own.verify() == ()
        versions = own.plans.versions("Visits")
        assert len(acknowledged) <= len(versions) <= len(acknowledged) + 1
        assert own.plans.save("Visits", plan(7), after=len(versions)).number == len(versions) + 1


def fill(own: Workspace, acknowledged: list[int]) -> None:
    """Keep files and save large plans as long as it goes."""
    comment = {"total": "x" * 500}
    months = {f"{2000 + month}-01": comment for month in range(100)}
    for number in count(1):
        own.uploads.keep(visits(number))
        own.plans.save("V", plan(number, comments=months), after=number - 1)
        acknowledged.append(number)


def test_a_full_disk_is_told_and_room_makes_it_good(small_disk: Path) -> None:
    with closing_workspace(Workspace.open(small_disk / "kept")) as own:
        ballast = small_disk / "ballast"
        ballast.write_bytes(bytes(500_000))
        acknowledged: list[int] = []
        with pytest.raises(WorkspaceError) as raised:
            fill(own, acknowledged)
        assert raised.value.code in {"workspace_full", "workspace_not_written"}
        assert own.verify() == ()
        latest = own.plans.list()[0].number
        assert latest == len(acknowledged) > 0
        with refused("workspace_full"):
            own.export_to(small_disk / "all.zip")
        assert not list(small_disk.glob("*all.zip*"))
        ballast.unlink()
        assert own.plans.save("V", plan(7), after=latest).number == latest + 1


@pytest.mark.skipif(os.name != "posix", reason="rights of POSIX")
def test_a_folder_that_may_not_be_written_is_told(tmp_path: Path) -> None:
    target = Path("/proc/no-such-folder") if os.geteuid() == 0 else tmp_path / "closed" / "own"
    (tmp_path / "closed").mkdir(mode=0o500)
    with pytest.raises(WorkspaceError) as raised:
        Workspace.open(target)
    assert raised.value.code in {"workspace_read_only", "workspace_not_written"}


def test_a_read_only_disk_is_told_and_what_was_kept_stays(small_disk: Path) -> None:
    folder = small_disk / "kept"
    with closing_workspace(Workspace.open(folder)) as own:
        own.plans.save("Visits", plan())
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with refused("workspace_read_only"):
        Workspace.open(folder).plans.save("Visits", plan(400), after=1)
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    with closing_workspace(Workspace.open(folder)) as own:
        assert own.plans.load("Visits").content == plan()


# --- others at the same time


def test_a_database_that_another_holds_is_told_and_can_be_tried_again(opens: Opens) -> None:
    own, other = opens(patience=0.2), opens()
    own.plans.save("Visits", plan())
    with other._room.writing(), refused("workspace_locked"):
        own.plans.save("Visits", plan(400), after=1)
    assert own.plans.save("Visits", plan(400), after=1).number == 2


@pytest.mark.slow
def test_of_two_that_save_at_once_both_are_kept_or_one_is_told(opens: Opens) -> None:
    """Each saves its own figures after the version it knows, and says which were kept."""
    own = opens()
    place = own.place
    address = "" if place.path else place.url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "tests.core.kept_worker", "race", str(place.folder), address]
    started = [
        subprocess.Popen([*command, str(base)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for base in (1000, 2000)
    ]
    said = [process.communicate()[0].split() for process in started]
    assert [process.returncode for process in started] == [0, 0]
    kept = [int(word) for words in said for word in words if word.isdigit()]
    versions = own.plans.versions("Visits")
    found = [own.plans.load("Visits", each.number).content.lines[0].target for each in versions]
    assert sorted(found) == sorted(kept)
    assert len(kept) == 40
    assert own.verify() == ()


# --- damage


@pytest.mark.parametrize("damage", ["no database", "cut", "scrambled"])
def test_a_damaged_database_is_set_aside_and_never_deleted(damage: str, tmp_path: Path) -> None:
    path = tmp_path / "kpi-pay.sqlite"
    with closing_workspace(Workspace.open(tmp_path)) as own:
        for number in range(50):
            own.plans.save("Visits", plan(number + 1), after=number)
        own.export_to(tmp_path / "all.zip")
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    held = bytearray(path.read_bytes())
    if damage == "no database":
        held = bytearray(b"This was a letter. " * 500)
    elif damage == "cut":
        held = held[: len(held) // 2]
    else:
        for page in range(4096, len(held), 4096):
            held[page : page + 64] = os.urandom(64)
    path.write_bytes(held)
    with pytest.raises(WorkspaceError) as raised:
        Workspace.open(tmp_path)
    assert raised.value.code == "workspace_damaged"
    aside = tmp_path / "kpi-pay.damaged-1.sqlite"
    assert str(aside) in raised.value.text("en")
    assert aside.read_bytes() == held
    with closing_workspace(Workspace.open(tmp_path)) as own:
        assert own.plans.list() == ()
        own.import_from(tmp_path / "all.zip")
        assert own.plans.load("Visits").content == plan(50)


def test_a_file_that_is_gone_is_told(tmp_path: Path) -> None:
    with closing_workspace(Workspace.open(tmp_path)) as own:
        own.uploads.keep(visits())
        (path,) = tmp_path.rglob("*.parquet")
        path.unlink()
        with refused("workspace_file_missing"):
            own.uploads.open(visits().digest)
        with refused("workspace_file_missing"):
            own.export_to(tmp_path / "all.zip")
        assert not (tmp_path / "all.zip").exists()
        assert [finding.code for finding in own.verify()] == ["kept_unreadable"]
        own.uploads.keep(visits())  # uploaded again, it is whole again
        assert own.verify() == ()
        assert proposal(plan(), [own.uploads.open(visits().digest)]).result is not None
