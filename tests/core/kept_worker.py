"""A process for the tests of faults: works in a workspace until it is killed, full, or done.

Without arguments it makes a worker for each line of input, ``folder TAB address TAB acts TAB
seconds``, kills it so long after it has acknowledged so many acts, and says ``killed``. So the slow
imports happen once, and the place of a kill does not hang on how quick the machine is.
"""

import os
import random
import resource
import signal
import sys
import time
from itertools import count
from pathlib import Path

import pyarrow as pa

from kpi_core.errors import WorkspaceError
from kpi_core.workspace import Workspace
from kpi_core.workspace import migrations as _loaded_before_the_fork  # noqa: F401
from tests.core.kept import DAY, plan, proposal, visits

RACES = 20


def say(*words: object) -> None:
    """Acknowledge: in one piece, at once."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def work(folder: Path, address: str, done: int) -> None:
    """Save, keep, approve and export for ever, with a byte into `done` after each."""
    dice = random.Random(os.getpid() ^ time.time_ns())  # noqa: S311
    own = Workspace.open(folder / "kept", address or None, person="Owner")
    latest = {saved.name: saved.number for saved in own.plans.list()}
    for step in count():
        target = dice.randrange(1, 10**9)
        name = f"plan{target % 3}"
        saved = own.plans.save(name, plan(target), after=latest.get(name, 0))
        latest[name] = saved.number
        say("save", name, saved.number, target)
        if step % 4 == 1:
            upload = visits(dice.randrange(1, 10**6))
            own.uploads.keep(upload)
            say("keep", upload.digest)
        if step % 4 == 2:
            made = own.snapshots.freeze(proposal(plan(target), [visits()]), saved)
            say("approve", own.snapshots.approve(made.seal, DAY).seal)
        if step % 4 == 3:
            path = folder / "exports" / f"{target}.zip"
            own.export_to(path)
            say("export", path.name)
        os.write(done, b".")


def make_workers() -> None:
    """A worker for each line of input."""
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    proposal(plan(), [visits()])  # whatever is loaded when it is first used
    for line in sys.stdin:
        folder, address, acts, seconds = line.rstrip("\n").split("\t")
        heard, done = os.pipe()
        child = os.fork()
        if not child:
            work(Path(folder), address, done)
        for _ in range(int(acts)):
            os.read(heard, 1)
        time.sleep(float(seconds))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        os.close(heard)
        os.close(done)
        if not os.WIFSIGNALED(status):
            return
        say("killed")


def fill(limit: int, folder: Path) -> None:
    """Save until a file would grow beyond a limit; says every version, then what it was told."""
    own = Workspace.open(folder)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        for number in count(1):
            own.plans.save("Visits", plan(number), after=number - 1)
            say(number)
    except WorkspaceError as told:
        say(told.code)


def race(folder: Path, address: str, base: int) -> None:
    """Save figures of one's own after the version that one knows; says which were kept."""
    own = Workspace.open(folder, address or None, patience=60)
    known = 0
    for number in range(RACES):
        while True:
            try:
                own.plans.save("Visits", plan(base + number), after=known)
                break
            except WorkspaceError as told:
                if told.code != "workspace_saved_meanwhile":
                    raise
                known = own.plans.list()[0].number
        known = own.plans.list()[0].number
        say(base + number)


if __name__ == "__main__":
    match sys.argv[1:]:
        case []:
            make_workers()
        case ["race", where, at, base]:
            race(Path(where), at, int(base))
        case [limit, where]:
            fill(int(limit), Path(where))
