"""What the command line writes is whole or not there: after a fall, on a full or closed disk."""

import ast
import csv
import io
import json
import os
import random
import resource
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from pypdf import PdfReader
from pypdf.errors import PyPdfError

import kpi_core
from kpi_core.cli import main
from kpi_core.report import FORMS, Form
from kpi_core.signoff import read_snapshot
from kpi_core.whole import write_whole
from tests.core.kept import plan
from tests.core.small import daily

ROOT = Path(kpi_core.__file__).parent.parent
EARLIER = b"What was there before."
KILLS = 208  # of commands that fell; of those meant for it, half while they write a file
POSIX = pytest.mark.skipif(os.name != "posix", reason="signals and rights of POSIX")


# --- one file


def test_a_file_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    write_whole(path, b"one")
    write_whole(path, b"two")
    assert path.read_bytes() == b"two"
    assert os.listdir(tmp_path) == ["report.csv"]


def test_what_a_fall_left_goes_with_the_next_write_of_the_same_file(tmp_path: Path) -> None:
    for name in (".a.csv.0f0f.part", ".b.csv.0f0f.part", ".a[1].csv.0f0f.part"):
        (tmp_path / name).write_bytes(b"ha")
        os.utime(tmp_path / name, (1e9, 1e9))
    write_whole(tmp_path / "a.csv", b"whole")
    write_whole(tmp_path / "a[1].csv", b"whole")
    assert set(os.listdir(tmp_path)) == {"a.csv", "a[1].csv", ".b.csv.0f0f.part"}


def test_two_who_write_one_file_at_once_both_write_it_whole(tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    contents = [bytes([letter]) * 300_000 for letter in b"abcd"]

    def write(content: bytes) -> None:
        for _ in range(25):
            write_whole(path, content)
            assert path.read_bytes() in contents

    with ThreadPoolExecutor(len(contents)) as pool:
        list(pool.map(write, contents))
    assert os.listdir(tmp_path) == ["report.csv"]


def test_a_name_may_be_as_long_as_the_system_takes(tmp_path: Path) -> None:
    path = tmp_path / ("я" * 127)
    write_whole(path, b"whole")
    assert path.read_bytes() == b"whole"


@POSIX
def test_rights_are_those_of_the_file_before_or_as_the_mask_says(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        for name in ("new", "old"):
            write_whole(tmp_path / name, b"1")
        (tmp_path / "old").chmod(0o604)
        write_whole(tmp_path / "old", b"2")
        write_whole(tmp_path / "own", b"3", rights=0o600)
    finally:
        os.umask(before)
    rights = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert rights == {"new": 0o640, "old": 0o604, "own": 0o600}


@POSIX
def test_a_link_is_followed_and_a_device_stays_one(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "file")
    write_whole(tmp_path / "link", b"1")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"1"
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_whole(pipe, b"2")
    assert os.read(reader, 10) == b"2"
    assert pipe.is_fifo()
    os.close(reader)


# --- the commands that write one


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with all that the commands take."""
    (tmp_path / "plan.json").write_text(plan().as_json(), "utf-8")
    rows = dict.fromkeys(range(1, 32), (9,))
    (tmp_path / "visits.csv").write_text(daily("Sessions", rows=rows), "utf-8")
    (tmp_path / "people.csv").write_text("Name\nAnna Orlova\n", "utf-8")
    assert main([*words("propose", tmp_path, tmp_path / "proposed.json"), "--by", "Ann"]) == 0
    return tmp_path


def words(command: str, desk: Path, to: Path) -> list[str]:
    made = ["--plan", str(desk / "plan.json"), "--period", "2026-10", "--to", str(to)]
    return [command, *made, str(desk / "visits.csv")]


def reported(form: Form) -> Callable[[Path, Path], list[str]]:
    kind = ["--kind", form.kind] if form.kind else []
    return lambda desk, to: [*words("report", desk, to), *kind]


WRITERS: dict[str, tuple[str, Callable[[Path, Path], list[str]]]] = {
    **{form.id: (f"made{form.suffix}", reported(form)) for form in FORMS},
    "payroll": (
        "payroll.csv",
        lambda desk, to: [*words("bonus", desk, to), "--people", str(desk / "people.csv")],
    ),
    "proposal": ("october.json", lambda desk, to: [*words("propose", desk, to), "--by", "Ann"]),
    "approval": (
        "approved.json",
        lambda desk, to: ["approve", str(desk / "proposed.json"), "--by", "Bob", "--to", str(to)],
    ),
}
ONCE = {"proposal", "approval"}  # never written over


def unpacked(data: bytes) -> bool:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.testzip() is None


def tabled(data: bytes) -> bool:
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))
    return data.endswith(b"\n") and len({len(row) for row in rows}) == 1


READS: dict[str, Callable[[bytes], object]] = {
    ".pdf": lambda data: data.rstrip().endswith(b"%%EOF") and PdfReader(io.BytesIO(data)).pages,
    ".html": lambda data: data.rstrip().endswith(b"</html>"),
    ".xlsx": unpacked,
    ".zip": unpacked,
    ".ipynb": lambda data: json.loads(data)["cells"],
    ".py": lambda data: ast.parse(data).body,
    ".csv": tabled,
    ".parquet": lambda data: pq.read_table(io.BytesIO(data)).num_rows,
    ".json": lambda data: read_snapshot(data).seal,
}


def is_whole(path: Path) -> bool:
    """Whether a program that takes such files takes this one, to its end."""
    try:
        return bool(READS[path.suffix](path.read_bytes()))
    except (ValueError, KeyError, SyntaxError, zipfile.BadZipFile, PyPdfError):
        return False


@POSIX
@pytest.mark.slow
def test_no_kill_of_a_command_leaves_half_a_file(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dice = random.Random(20261122)  # noqa: S311
    said: list[str] = []
    with subprocess.Popen(
        [sys.executable, "-m", "tests.core.written_worker"],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as worker:  # fmt: skip
        assert worker.stdin is not None
        assert worker.stdout is not None
        for number in count():
            if said.count("killed") == KILLS:
                break
            id = list(WRITERS)[number % len(WRITERS)]
            folder = desk / str(number)
            folder.mkdir()
            path = folder / WRITERS[id][0]
            if id not in ONCE:
                path.write_bytes(EARLIER)
            is_early = number // len(WRITERS) % 2
            asked = {
                "command": WRITERS[id][1](desk, path),
                "when": "any" if is_early else "writing",
                "seconds": dice.uniform(0, 0.7 if is_early else 0.003),
            }
            worker.stdin.write(json.dumps(asked) + "\n")
            worker.stdin.flush()
            said.append(worker.stdout.readline().strip())
            left = {entry.name for entry in folder.iterdir() if not entry.name.endswith(".part")}
            assert left <= {path.name}
            if path.exists() and path.read_bytes() != EARLIER:
                assert is_whole(path), f"{id}: {said[-1]}"
            else:
                assert path.exists() or id in ONCE
        worker.stdin.close()
    assert set(said) == {"killed", "ended 0"}  # some were done before: late points were reached
    with capsys.disabled():
        print(f"\n{KILLS} of {len(said)} commands fell, 0 files by half")  # noqa: T201


@pytest.mark.slow
@pytest.mark.parametrize("id", WRITERS)
def test_each_command_writes_a_whole_file_and_nothing_beside_it(id: str, desk: Path) -> None:
    """So that the test above can tell a whole file from half of one."""
    name, command = WRITERS[id]
    (desk / "made").mkdir()
    path = desk / "made" / name
    assert main(command(desk, path)) == 0
    assert os.listdir(desk / "made") == [name]
    assert is_whole(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert not is_whole(path)


# --- disks


@POSIX
@pytest.mark.slow
@pytest.mark.parametrize("id", [id for id in WRITERS if id not in ONCE])
def test_a_full_disk_is_one_line_and_the_earlier_file_stays(id: str, desk: Path) -> None:
    """The process may write files of 100 bytes and no more."""
    name, command = WRITERS[id]
    (desk / "made").mkdir()
    path = desk / "made" / name
    path.write_bytes(EARLIER)

    def full() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))

    said = subprocess.run(
        [sys.executable, "-B", "-m", "kpi_core", *command(desk, path)],
        cwd=ROOT, capture_output=True, text=True, check=False, preexec_fn=full,
    )  # fmt: skip
    assert said.returncode == 2, said.stderr
    assert said.stderr.count("\n") == 1
    assert path.read_bytes() == EARLIER
    assert os.listdir(desk / "made") == [name]


@POSIX
@pytest.mark.parametrize("id", ["payroll", "kpis_csv", "proposal"])
def test_a_folder_that_is_not_there_or_closed_is_one_line(
    id: str, desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, command = WRITERS[id]
    for folder in (desk / "nowhere", Path("/proc")):
        capsys.readouterr()
        assert main(command(desk, folder / name)) == 2
        told = capsys.readouterr().err
        assert str(folder / name) in told
        assert told.count("\n") == 1
