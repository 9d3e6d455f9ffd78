"""A process for the tests of falls: runs commands of the command line and kills them.

For each line of input, ``{"command": [word, ...], "when": "any" or "writing", "seconds": 0.01}``,
it makes a child that runs the command, kills it so long after its begin or after it began to write
a file, and says ``killed``, or ``ended CODE`` of one that was done before. So the slow imports
happen once; nothing is computed here, so that each child begins afresh.
"""

import json
import os
import select
import signal
import sys
import time
from importlib import import_module

import pyarrow as pa

from kpi_core.cli import main
from kpi_core.report import FORMS


def child(command: list[str], tell: int) -> None:
    """Run a command; a byte into `tell` when it opens the file that it writes."""

    def heard(event: str, given: tuple[object, ...]) -> None:
        if event == "open" and str(given[0]).endswith(".part"):
            os.write(tell, b".")

    sys.addaudithook(heard)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    os._exit(main(command))


def work() -> None:
    """A child for each line of input."""
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    for form in FORMS:
        import_module(f"kpi_core.report.{form.writer[0]}")
    for line in sys.stdin:
        asked = json.loads(line)
        hears, tells = os.pipe()
        started = os.fork()
        if not started:
            os.close(hears)
            child(asked["command"], tells)
        os.close(tells)
        if asked["when"] == "writing":
            os.read(hears, 1)  # or the end of the pipe, where the child is done
            time.sleep(asked["seconds"])
        else:
            select.select([hears], [], [], asked["seconds"])
        os.kill(started, signal.SIGKILL)
        _, status = os.waitpid(started, 0)
        os.close(hears)
        said = "killed" if os.WIFSIGNALED(status) else f"ended {os.WEXITSTATUS(status)}"
        os.write(1, f"{said}\n".encode())


if __name__ == "__main__":
    work()
