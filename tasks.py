"""What one does with this project, the same on Linux, macOS and Windows.

`python tasks.py` lists the commands. Each makes `.venv` and installs the locked packages into it
when needed; once that is done, nothing here asks the network. Only the standard library is used.
"""

import hashlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
import webbrowser
from pathlib import Path

# Read by older Pythons too, so that they can say what is wanted: nothing above or in the syntax
# below may be newer than Python 3.6.
if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit("KPI Pay needs Python 3.11 or newer; this one is {}.{}.".format(*sys.version_info[:2]))

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
RUN, DEV = "requirements.txt", "requirements-dev.txt"
SERVER = "requirements-server.txt"  # the app for a firm: what the image installs
COMPILE = ("uv", "pip", "compile", "pyproject.toml", "--universal", "--python-version", "3.11")
LINT_IMPORTS = "from importlinter.cli import lint_imports_command as go; go()"
HOW_TO_GET_A_BROWSER = """\
No Chromium, Chrome or Edge was found, so the browser tests are left out. To get one:
  Debian, Ubuntu   sudo apt install chromium    (Ubuntu: chromium-browser)
  macOS            brew install --cask google-chrome
  Windows          winget install Google.Chrome
or name the one you have: KPI_BROWSER=/path/to/chrome
"""


def run(*more: str) -> None:
    """Start the app on sample data and open it in the browser."""
    port = flag(more, "--server.port") or free_port()
    quiet = flag(more, "--server.headless") == "true"
    threading.Thread(target=welcome, args=(port, quiet), daemon=True).start()
    defaults = {
        "--server.port": port,
        "--server.headless": "true",  # `welcome` opens the browser, once the app is warm
        # Nobody edits the code of an app in use; `--server.fileWatcherType auto` for those who do.
        "--server.fileWatcherType": "none",
    }
    given = [word for name, value in defaults.items() if flag(more, name) is None
             for word in (name, value)]  # fmt: skip
    python(RUN, "-m", "streamlit", "run", "app.py", *given, *more)


def flag(words: tuple[str, ...], name: str) -> str | None:
    """The value of a command line flag, written ``--name value`` or ``--name=value``."""
    for position, word in enumerate(words):
        if word == name:
            return words[position + 1] if position + 1 < len(words) else ""
        if word.startswith(name + "="):
            return word.partition("=")[2]
    return None


def free_port() -> str:
    """The first port from 8501 on that nobody listens to."""
    for port in range(8501, 8600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return str(port)
    return "8501"


def welcome(port: str, quiet: bool) -> None:
    """Run the app once, so that its first visitor finds it warm; then open the browser."""
    url = f"http://127.0.0.1:{port}"
    for _ in range(600):
        try:
            with urllib.request.urlopen(f"{url}/_stcore/script-health-check", timeout=60):
                break
        except OSError:
            time.sleep(0.1)
    else:
        return
    if not quiet:
        webbrowser.open(url)


def test(*more: str) -> None:
    """Run the tests on all cores, with CI=true the slow ones too; words for pytest choose some."""
    from tests.browser import find_browser

    if not find_browser():
        print(HOW_TO_GET_A_BROWSER, flush=True)
    whole = os.environ.get("CI", "").lower() in {"true", "1"}
    quick = () if whole or more else ("-m", "not slow")
    # Groups keep what shares a costly server, Spark's, on one core.
    python(DEV, "-m", "pytest", "-n", "auto", "--dist", "loadgroup", *quick, *more)


def lint(*more: str) -> None:
    """Check style and formatting; `lint --fix` repairs what can be."""
    python(DEV, "-m", "ruff", "check", *more)
    python(DEV, "-m", "ruff", "format", *(() if "--fix" in more else ("--check",)))


def types(*more: str) -> None:
    """Check types."""
    python(DEV, "-m", "mypy", *more)


def contract(*more: str) -> None:
    """Check which module imports which."""
    python(DEV, "-c", LINT_IMPORTS, "--no-logo", *more)


def check(*more: str) -> None:
    """Run lint, types, contract and test."""
    lint()
    types()
    contract()
    test(*more)


def lock(*more: str) -> None:
    """Compile the requirements files; `lock --upgrade` takes newer versions."""
    tidy = ("--generate-hashes", "--no-header", "--quiet", *more)
    python(DEV, "-m", *COMPILE, *tidy, "-o", RUN)
    extras = ("--extra", "dev", "--extra", "server", "--extra", "spark")
    python(DEV, "-m", *COMPILE, *tidy, *extras, "-c", RUN, "-o", DEV)
    python(DEV, "-m", *COMPILE, *tidy, "--extra", "server", "-c", DEV, "-o", SERVER)


def sample_data(*more: str) -> None:
    """Write the sample data anew."""
    python(DEV, "sample_data/generate.py", *more)


def screenshots(*more: str) -> None:
    """Take the screenshots of the documentation."""
    python(DEV, "docs/take_screenshots.py", *more)


def bench(*more: str) -> None:
    """Measure speed and memory and write docs/benchmarks.md; `bench small_text` measures one."""
    python(DEV, "-m", "bench", *more)


COMMANDS = {
    task.__name__.replace("_", "-"): task
    for task in (run, test, lint, types, contract, check, lock, sample_data, screenshots, bench)
}


def python(requirements: str, *arguments: str) -> None:
    """Run the environment's Python in the project's folder; end with its exit code if not 0."""
    install(requirements)
    # With this, scripts in folders find the project's packages.
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "PYTHONPATH": path}
    with subprocess.Popen([PYTHON, *arguments], cwd=ROOT, env=environment) as child:
        # Ctrl+C reaches the child as well, and is the child's to answer.
        signal.signal(signal.SIGINT, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: child.terminate())
        code = child.wait()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if code:
        sys.exit(code if code > 0 else 128 - code)


def install(requirements: str) -> None:
    """Bring `.venv` to the locked packages, unless it says that it has them already."""
    version = venv_version()
    if version is None:
        make_venv()
        version = venv_version()
    if stamp(requirements).is_file() and stamp(requirements).read_text() == mark(
        requirements, version
    ):
        return
    print(f"Installing {requirements} into .venv; this takes a minute or two, once.", flush=True)
    quietly = ("--quiet", "--disable-pip-version-check", "--no-input")
    pip = subprocess.run(
        [PYTHON, "-m", "pip", "install", *quietly, "--require-hashes", "-r", requirements],
        cwd=ROOT,
        check=False,
    )
    if pip.returncode:
        sys.exit("The packages could not be installed; pip says above why. Is there a network?")
    # The development packages hold those of the app, in the same versions.
    for installed in {requirements, RUN}:
        stamp(installed).write_text(mark(installed, version))


def make_venv() -> None:
    """Make `.venv`, or repair what is left of one."""
    made = subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=False)
    if made.returncode:
        sys.exit("No environment could be made. Debian, Ubuntu: sudo apt install python3-venv")


def venv_version() -> str | None:
    """The Python of `.venv`; nothing if it is missing, broken, too old or without pip."""
    ask = "import pip, sys; print(*sys.version_info[:2]); sys.exit(sys.version_info < (3, 11))"
    try:
        answer = subprocess.run([PYTHON, "-c", ask], capture_output=True, text=True, check=False)
    except OSError:
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None


def stamp(requirements: str) -> Path:
    """Where the environment keeps what was installed from a requirements file."""
    return VENV / f"{requirements}.installed"


def mark(requirements: str, version: str | None) -> str:
    """What the stamp says when the environment is as the file wants it."""
    digest = hashlib.sha256((ROOT / requirements).read_bytes()).hexdigest()
    return f"python {version} sha256 {digest}\n"


def main(words: list[str]) -> None:
    """Run the command named first with the words after it."""
    if not words or words[0] in {"help", "-h", "--help"}:
        print("python tasks.py COMMAND\n")
        for name, task in COMMANDS.items():
            print(f"  {name:<13}{(task.__doc__ or '').splitlines()[0]}")
        return
    name, *more = words
    if name not in COMMANDS:
        sys.exit(f"No command {name!r}; there are: {', '.join(COMMANDS)}.")
    COMMANDS[name](*more)


if __name__ == "__main__":
    main(sys.argv[1:])
