"""Run for others: the image, the services around it and the proxy are what docs/deploy.md says.

There may be no container engine where the tests run. So the start command is taken from the
Dockerfile and started without one, in a copy of the project that cannot be written, as another
user; and the proxy's own program reads its configuration and stands before the app.
"""

import ast
import asyncio
import http.client
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
import yaml

import tasks
from bench.wire import visitor
from kpi_core.plan import default_plan
from tests.browser import HOST, ROOT, free_port, settled, started, warm
from tests.test_house import locked, wanted

DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
NGINX = (ROOT / "deploy" / "nginx.conf").read_text("utf-8")
STRANGER = "nobody" if os.name == "posix" and os.geteuid() == 0 else None
PORT = "8501"  # of the app within its container
POSIX = pytest.mark.skipif(os.name != "posix", reason="rights of POSIX")


# --- the image


def instructions() -> list[tuple[str, str]]:
    """The lines of the Dockerfile: word and the rest, of the last stage only."""
    text = re.sub(r"^\s*#.*\n", "", DOCKERFILE, flags=re.MULTILINE).replace("\\\n", " ")
    lines = [line.split(None, 1) for line in text.splitlines() if line.strip()]
    last = max(number for number, (word, _) in enumerate(lines) if word == "FROM")
    return [(word, rest.strip()) for word, rest in lines[last:]]


def only(word: str) -> str:
    (found,) = [rest for own, rest in instructions() if own == word]
    return found


def copied() -> list[str]:
    """What of the project is copied into the image."""
    sources = []
    for word, rest in instructions():
        if word == "COPY" and not rest.startswith("--from"):
            sources += rest.split()[:-1]
    return sources


def healthcheck() -> list[str]:
    found: list[str] = json.loads(only("HEALTHCHECK").partition("CMD")[2])
    return found


def start() -> list[str]:
    found: list[str] = json.loads(only("CMD"))
    return found


def test_the_image_holds_what_the_app_needs_and_no_file_of_anybody() -> None:
    let_in = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    names = [line.removeprefix("!") for line in let_in if line.startswith("!")]
    assert "*" in let_in
    assert sorted([*copied(), tasks.SERVER]) == sorted(names)
    assert all((ROOT / name).exists() for name in names)
    parts = {path.name for path in ROOT.iterdir() if path.is_dir() and list(path.glob("*.py"))}
    assert parts - {Path(name).name for name in names} <= {"bench", "tests", "docs", "pages"}


def test_the_image_runs_as_nobody_in_particular_and_says_how_it_is() -> None:
    words = [word for word, _ in instructions()]
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", only("USER"))
    assert words.index("USER") < words.index("CMD")
    assert "ADD" not in words
    assert only("EXPOSE") == PORT
    assert "/_stcore/health" in healthcheck()[-1]
    assert start()[:5] == ["python", "-m", "streamlit", "run", "app.py"]
    workspace = re.search(r"KPI_WORKSPACE=(\S+)", DOCKERFILE)
    assert workspace is not None
    assert workspace[1] == only("VOLUME")


def test_the_lock_of_the_image_holds_a_server_and_the_versions_of_the_app() -> None:
    project = tasks.ROOT / "pyproject.toml"
    extra = ast.literal_eval(re.search(r"^server = (\[.*\])", project.read_text(), re.M)[1])
    image, run = locked(tasks.SERVER), locked(tasks.RUN)
    assert wanted(extra) <= set(image)
    assert {name: image.get(name) for name in run} == run
    assert tasks.SERVER in DOCKERFILE
    entries = re.split(r"\n(?=[\w.-]+==)", (ROOT / tasks.SERVER).read_text("utf-8"))
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_all_that_is_imported_at_the_start_is_in_the_lock_of_the_app() -> None:
    """A host that installs requirements.txt and nothing else can start it."""
    known, run = packages_distributions(), set(locked(tasks.RUN))
    ours = {"app", "kpi_core", "pages", "ui"}
    for top in ("app.py", "ui", "pages", "kpi_core"):
        path = ROOT / top
        for source in [path] if path.is_file() else path.rglob("*.py"):
            for name in imported(source) - set(sys.stdlib_module_names) - ours:
                packages = {each.lower().replace("_", "-") for each in known.get(name, [name])}
                assert packages & run, f"{source.relative_to(ROOT)} imports {name}"


def imported(source: Path) -> set[str]:
    """Names of the modules that a file imports when it is imported itself."""
    found: set[str] = set()
    for node in ast.parse(source.read_text("utf-8")).body:
        if isinstance(node, ast.Import):
            found |= {own.name.split(".")[0] for own in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(str(node.module).split(".")[0])
    return found


def test_the_fonts_of_the_image_are_those_that_another_host_is_asked_for() -> None:
    (install,) = [rest for word, rest in instructions() if word == "RUN" and "apt-get" in rest]
    fonts = set((ROOT / "packages.txt").read_text("utf-8").split())
    assert fonts
    assert fonts <= set(install.split())


# --- the services


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_a_service_can_do_no_more_than_it_must(name: str) -> None:
    own = COMPOSE["services"][name]
    assert own["read_only"] is True
    assert own["cap_drop"] == ["ALL"]
    assert own["security_opt"] == ["no-new-privileges:true"]
    assert "build" in own or own["user"] not in {"root", "0"}
    assert "privileged" not in own
    assert "build" in own or re.fullmatch(r"\w+:[\d.]+-\w+", own["image"])
    assert own["logging"]["options"]["max-size"]
    assert all("docker.sock" not in str(volume) for volume in own["volumes"])


def test_only_the_proxy_faces_the_network_and_the_database_sees_the_app_alone() -> None:
    services = COMPOSE["services"]
    assert [name for name, own in services.items() if "ports" in own] == ["proxy"]
    assert services["database"]["networks"] == ["inside"]
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    assert "inside" not in services["proxy"]["networks"]
    assert services["app"]["expose"] == [PORT]
    assert f"app:{PORT};" in NGINX


def test_no_secret_stands_in_the_files() -> None:
    """Passwords come from the environment, files from where git does not look."""
    for own in COMPOSE["services"].values():
        for name, value in own.get("environment", {}).items():
            if "PASSWORD" in name:
                assert value.startswith("${KPI_DATABASE_PASSWORD:?")
            assert not re.search(r"://\w+:", str(value))
    files = [re.sub(r".*:-\./(.*)\}", r"\1", each["file"]) for each in COMPOSE["secrets"].values()]
    assert files
    for name in [*files, ".env"]:
        ignored = subprocess.run(["git", "check-ignore", "-q", name], cwd=ROOT, check=False)
        assert ignored.returncode == 0, name
    assert not re.search(r"PASSWORD|SECRET|KEY", DOCKERFILE)


def test_what_may_be_written_is_told_for_each_service() -> None:
    """Beside /tmp, only volumes; the app keeps all it keeps in one of them."""
    services = COMPOSE["services"]
    app = services["app"]
    assert [place.partition(":")[0] for place in app["tmpfs"]] == ["/tmp"]  # noqa: S108
    assert app["volumes"] == [f"workspace:{app['environment']['KPI_WORKSPACE']}"]
    assert services["proxy"]["volumes"] == ["./deploy/nginx.conf:/etc/nginx/nginx.conf:ro"]
    assert {volume.split(":")[0] for own in services.values() for volume in own["volumes"]} == {
        *COMPOSE["volumes"],
        "./deploy/nginx.conf",
    }


# --- the same start command, without an engine


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that others may enter; those of pytest are closed to them."""
    folder = Path(tempfile.mkdtemp(prefix="kpi-deploy-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        subprocess.run(["chmod", "-R", "u+w", str(folder)], check=True)
        shutil.rmtree(folder)


def installed(folder: Path) -> dict[str, str]:
    """The project as the image has it, not to be written; its environment, which may write to
    two folders."""
    app = folder / "app"
    for name in copied():
        source, target = ROOT / name, app / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    subprocess.run(["chmod", "-R", "a+rX,a-w", str(app)], check=True)
    for name in ("tmp", "data"):
        (folder / name).mkdir()
        if STRANGER:
            shutil.chown(folder / name, STRANGER)
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": "",
        "HOME": str(folder / "tmp"),
        "TMPDIR": str(folder / "tmp"),
        "KPI_WORKSPACE": str(folder / "data"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


# Everything but two folders is mounted to be read only, as an engine does, and root is powerless.
READ_ONLY = """set -e
mount --make-rprivate /
mount --bind "$1/tmp" "$1/tmp"
mount --bind "$1/data" "$1/data"
awk '{ print $2 }' /proc/self/mounts | grep -vE '^/(proc|sys|dev)(/|$)' |
  grep -vxF -e "$1/tmp" -e "$1/data" |
  while read -r place; do mount -o remount,bind,ro "$place"; done
shift
exec setpriv --bounding-set=-all --inh-caps=-all --no-new-privs "$@"
"""


def shut_in(folder: Path) -> tuple[list[str], str | None]:
    """What to put before a command so that it can write to two folders alone, and as whom."""
    if STRANGER is None:
        return [], None
    with suppress(PermissionError):
        subprocess.run([sys.executable, "-c", ""], user=STRANGER, check=True)
        return [], STRANGER
    for name in ("tmp", "data"):  # Python is root's own here: root it is
        shutil.chown(folder / name, "root")
    before = ["unshare", "--mount", "sh", "-c", READ_ONLY, "sh", str(folder)]
    if subprocess.run([*before, "true"], capture_output=True, check=False).returncode:
        pytest.skip("Python is root's own, and no place can be mounted to be read only")
    return before, None


def with_port(command: list[str], port: int) -> list[str]:
    """A command of the Dockerfile on another port, answering this machine only."""
    words = [sys.executable, *command[1:]]
    return [word.replace(PORT, str(port)).replace("0.0.0.0", HOST) for word in words]  # noqa: S104


def got(port: int, path: str) -> tuple[int, str]:
    with closing(http.client.HTTPConnection(HOST, port, timeout=60)) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


async def uses(url: str, file: Path) -> list[str]:
    """What goes wrong for somebody who opens pages and brings a file."""
    async with visitor(url) as own:
        told = (await own.visit("data")).errors
        told += (await own.upload("files:0", file)).errors
        for page in ("plan", "report", "whatif"):
            told += (await own.visit(page)).errors
    return told


@POSIX
@pytest.mark.slow
def test_the_start_command_works_where_nothing_but_two_folders_can_be_written() -> None:
    port = free_port()
    with open_folder() as folder:
        environment = installed(folder)
        before = sorted((folder / "app").rglob("*"))
        book = ROOT / "tests" / "exports" / "metrika_xlsx"
        (file,) = book.glob("*.xlsx")  # is read by a process of its own
        before_it, user = shut_in(folder)
        own = {"cwd": folder / "app", "user": user}
        command, log = [*before_it, *with_port(start(), port)], folder / "log"
        with started(command, port, environment=environment, log=log, **own):
            check = with_port(healthcheck(), port)
            assert subprocess.run(check, env=environment, check=False).returncode == 0
            assert got(port, "/_stcore/health") == (200, "ok")
            assert got(port, "/_stcore/script-health-check") == (200, "ok")
            assert asyncio.run(uses(f"http://{HOST}:{port}", file)) == []
            status, told = got(port, "/_stcore/metrics")
            assert status == http.HTTPStatus.OK
            assert "session_events_total" in told
            assert file.stem not in told
        assert "Traceback" not in log.read_text("utf-8")
        plan = folder / "plan.json"
        plan.write_text(default_plan("shop").as_json(), "utf-8")
        report = subprocess.run(
            [*before_it, sys.executable, "-m", "kpi_core", "report", "--plan", str(plan), "--lang",
             "ru", "--to", str(folder / "data" / "october.pdf"), "sample_data/shop/orders.csv"],
            **own, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert report.returncode == 0, report.stderr
        assert sorted((folder / "app").rglob("*")) == before
        dead = subprocess.run(check, env=environment, capture_output=True, check=False)
        assert dead.returncode != 0  # the check sees that the app has ended


# --- the proxy

NAME = (
    "kpi.localhost"  # browsers take it for this machine, the app for a host that it does not know
)


def find_nginx() -> str | None:
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")


@pytest.fixture
def proxied(cold_app: Any) -> Iterator[tuple[int, int, Path]]:
    """The ports for TLS and for the rest, of the proxy before a new app, and its log."""
    nginx, openssl = find_nginx(), shutil.which("openssl")
    if not nginx or not openssl:
        pytest.skip("needs nginx and openssl")
    url = cold_app(environment={"KPI_OPEN_WITHOUT_LOGIN": "1"})
    warm(url)
    app = url.rpartition(":")[2]
    plain, shut = free_port(), free_port()
    with open_folder() as folder:
        own = folder / "tmp"
        own.mkdir()
        text = NGINX.replace("app:8501", f"{HOST}:{app}").replace("listen ", f"listen {HOST}:")
        text = text.replace(f"{HOST}:8080", f"{HOST}:{plain}").replace(
            f"{HOST}:8443", f"{HOST}:{shut}"
        )
        text = text.replace(" /tmp/", f" {own}/").replace("/run/secrets/", f"{own}/")
        (own / "nginx.conf").write_text(text.replace("/dev/stdout", f"{own}/access"), "utf-8")
        subprocess.run(
            [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
             "-subj", f"/CN={NAME}", "-keyout", own / "key", "-out", own / "certificate"],
            check=True, capture_output=True,
        )  # fmt: skip
        if STRANGER:
            for path in (own, *own.iterdir()):
                shutil.chown(path, STRANGER)
        command = [nginx, "-e", "stderr", "-c", str(own / "nginx.conf"), "-g", "daemon off;"]
        asked = subprocess.run(
            [*command[:5], "-t"], user=STRANGER, capture_output=True, text=True, check=False
        )
        assert asked.returncode == 0, asked.stderr
        with (
            (own / "log").open("wb") as log,
            subprocess.Popen(command, user=STRANGER, stdout=log, stderr=log) as server,
        ):
            try:
                wait_for(shut, server, own / "log")
                yield shut, plain, own / "access"
            finally:
                server.terminate()


def wait_for(port: int, server: "subprocess.Popen[bytes]", log: Path) -> None:
    while server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex((HOST, port)) == 0:
                return
    raise AssertionError(log.read_text("utf-8"))


def answer(port: int, path: str, method: str = "GET", length: int = 0) -> tuple[int, Any]:
    """Status and headers of the proxy, by TLS, to somebody who announces so many bytes."""
    believes = ssl._create_unverified_context()  # noqa: S323  # made above, for a minute
    connection = http.client.HTTPSConnection(HOST, port, timeout=30, context=believes)
    with closing(connection):
        connection.putrequest(method, path, skip_host=True)
        connection.putheader("Host", f"{NAME}:{port}")
        connection.putheader("Content-Length", str(length))
        connection.endheaders()
        with closing(connection.getresponse()) as said:
            return said.status, said.headers


def five_megabytes() -> bytes:
    """A table of one channel, whose visits are 7,654,321."""
    names = f"newsletter {'of the month ' * 6}"
    rows = [f"2026-10-{1 + n % 31:02},{names},{7_654_321 if n == 0 else 0}" for n in range(55_000)]
    return "\n".join(["Date,Channel,Sessions", *rows]).encode()


@POSIX
@pytest.mark.slow
def test_the_app_works_through_the_proxy(browser: Any, proxied: tuple[int, int, Path]) -> None:
    shut, plain, access = proxied
    with closing(http.client.HTTPConnection(HOST, plain, timeout=30)) as connection:
        connection.request("GET", "/plan?lang=ru", headers={"Host": NAME})
        sent = connection.getresponse()
        assert sent.status == http.HTTPStatus.PERMANENT_REDIRECT
        assert sent.headers["Location"] == f"https://{NAME}/plan?lang=ru"
    status, headers = answer(shut, "/")
    assert status == http.HTTPStatus.OK
    assert headers["Strict-Transport-Security"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "frame-ancestors 'none'"
    assert "nginx/" not in headers["Server"]
    assert answer(shut, "/_stcore/health")[0] == http.HTTPStatus.OK
    for inside in ("/_stcore/metrics", "/_stcore/script-health-check"):
        assert answer(shut, inside)[0] == http.HTTPStatus.FORBIDDEN
    for path, megabytes in (("/_stcore/upload_file/a/b", 202), ("/", 2)):
        refused, _ = answer(shut, path, "PUT", megabytes * 2**20)
        assert refused == http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE

    data = five_megabytes()
    assert len(data) > 5_000_000
    context = browser.new_context(locale="en-US", ignore_https_errors=True)
    own = context.new_page()
    own.goto(f"https://{NAME}:{shut}/data?lang=en")
    own.get_by_role("heading", level=1).first.wait_for()
    settled(own)
    file = {"name": "large.csv", "mimeType": "text/csv", "buffer": data}
    own.locator('input[type="file"]').first.set_input_files(file)
    own.get_by_text("7,654,321").first.wait_for(state="attached", timeout=60_000)
    settled(own)
    context.close()
    said = access.read_text("utf-8")
    assert "/_stcore/upload_file/" in said
    assert "lang=" not in said  # no query is written down: that of a link holds a plan
