"""``python -m kpi_core COMMAND``: the commands are in `kpi_core.cli`."""

import io
import sys

from kpi_core.cli import main

if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8")  # a pipe on Windows would refuse Cyrillic
    sys.exit(main())
