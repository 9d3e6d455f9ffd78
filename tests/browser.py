"""The machine's own Chromium and a running app, for browser tests and screenshots.

Standard library only: `tasks.py` asks `find_browser` before anything is installed, and
Playwright is imported where a browser is really started.
"""

import http.client
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
START_SECONDS = 60  # a slow machine's first start, with bytecode still to be written

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
APPLICATIONS = (  # macOS
    "Chromium.app/Contents/MacOS/Chromium",
    "Google Chrome.app/Contents/MacOS/Google Chrome",
    "Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
)
PROGRAMS = (  # Windows
    r"Google\Chrome\Application\chrome.exe",
    r"Chromium\Application\chrome.exe",
    r"Microsoft\Edge\Application\msedge.exe",
)
# A root shell or a container has no sandbox; the rest keeps the browser off the network.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
IDLE = '[data-test-script-state="notRunning"][data-test-connection-state="CONNECTED"]'


def find_browser() -> str | None:
    """Path of Chromium, Chrome or Edge; `KPI_BROWSER` names one, and only that one is taken."""
    named = os.environ.get("KPI_BROWSER")
    if named:
        return shutil.which(named)
    for name in NAMES:
        if found := shutil.which(name):
            return found
    return next((str(path) for path in _usual_places() if path.is_file()), None)


def _usual_places() -> Iterator[Path]:
    for folder in ("/Applications", "~/Applications"):
        yield from (Path(folder).expanduser() / name for name in APPLICATIONS)
    for variable in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA"):
        if program_files := os.environ.get(variable):
            yield from (Path(program_files) / name for name in PROGRAMS)


@contextmanager
def chromium(path: str, **options: Any) -> Iterator[Any]:
    """A headless browser, driven by Playwright, closed on the way out."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS), **options)
        try:
            yield browser
        finally:
            browser.close()


def settled(page: Any, timeout: float = 30_000) -> Any:
    """Wait until the app has drawn everything it was asked for; gives the page back."""
    page.locator(f'[data-testid="stApp"]{IDLE}').wait_for(state="attached", timeout=timeout)
    return page


def warm(url: str) -> None:
    """Run the app once, as `tasks.py run` does, so that the next visitor is not the first."""
    with urllib.request.urlopen(f"{url}/_stcore/script-health-check", timeout=START_SECONDS):
        pass


@contextmanager
def serve(
    *flags: str, script: str = "app.py", folder: Path = ROOT, **options: Any
) -> Iterator[str]:
    """Start the app in a process of its own, give its address, end that process only.

    Options are those of `started`.
    """
    port = free_port()
    command = [
        *(sys.executable, "-m", "streamlit", "run", script),
        *("--server.headless", "true", "--server.address", HOST, "--server.port", str(port)),
        *("--server.fileWatcherType", "none"),
        *flags,
    ]
    with started(command, port, cwd=folder, **options):
        yield f"http://{HOST}:{port}"


@contextmanager
def started(
    command: list[str],
    port: int,
    *,
    environment: dict[str, str] | None = None,
    log: Path | None = None,
    **options: Any,
) -> Iterator["subprocess.Popen[bytes]"]:
    """A command that serves the app on a port, from when it answers until it is ended here.

    Args:
        command: program and words.
        port: on which it answers.
        environment: beside what is set here already; nothing is kept unless it names a place.
        log: where to write what it says; else that is told only if it does not start.
        options: of `subprocess.Popen`.
    """
    # A file rather than a pipe: nobody has to read it for the server to go on.
    with (
        log.open("w+b") if log else tempfile.TemporaryFile() as said,
        subprocess.Popen(
            command,
            env={"KPI_WORKSPACE": "off", **os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            **options,
        ) as server,
    ):
        try:
            if not _healthy(server, port):
                said.seek(0)
                told = said.read().decode(errors="replace")
                raise RuntimeError(f"the app did not start; it said:\n{told}")
            yield server
        finally:
            _end(server)


def free_port() -> int:
    """A port that nobody listens to."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _healthy(server: subprocess.Popen[bytes], port: int) -> bool:
    """Whether the server answers before it ends or time runs out."""
    until = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < until:
        # Not urllib: that would ask a proxy named in the environment.
        with closing(http.client.HTTPConnection(HOST, port, timeout=5)) as connection:
            try:
                connection.request("GET", "/_stcore/health")
                with closing(connection.getresponse()) as answer:
                    if answer.status == http.HTTPStatus.OK:
                        return True
            except (OSError, http.client.HTTPException):
                pass  # not listening yet
        time.sleep(0.05)
    return False


def _end(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(timeout=10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
