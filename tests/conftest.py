"""What all tests share: a browser, a running app, and the order of the tests."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.browser import chromium, find_browser, serve, warm

# Nobody's own workspace is touched; a test that needs one names a folder.
os.environ["KPI_WORKSPACE"] = "off"

# A slow machine is no failure: tests do not look at the clock.
settings.register_profile("patient", parent=settings.default, deadline=None)
settings.load_profile("patient")

NO_BROWSER = "needs Chromium or Chrome (KPI_BROWSER=/path names one)"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what uses the browser, and run it last.

    Last because Playwright leaves an event loop running in the main thread, where other tests
    would find it; and because a broken formula should be told before a browser is started.
    """
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Without a browser, skip what needs one; with CI=true a missing browser is a failure."""
    if item.get_closest_marker("browser") is None or find_browser():
        return
    if os.environ.get("CI", "").lower() in {"true", "1"}:
        pytest.fail(NO_BROWSER, pytrace=False)
    pytest.skip(NO_BROWSER)


@pytest.fixture(autouse=True)
def _without_browser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no browser is, nothing draws components: pages fall back to Streamlit's elements."""
    if "browser" not in request.fixturenames:
        monkeypatch.setenv("KPI_COMPONENTS", "off")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of two megabytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)],
        capture_output=True,
        check=False,
    )
    if made.returncode:
        pytest.skip("may not mount a disk of its own")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """One headless browser for all tests; each test opens a context of its own in it."""
    path = find_browser()
    assert path, NO_BROWSER
    with chromium(path) as started:
        yield started


@pytest.fixture(scope="session")
def app_url() -> Iterator[str]:
    """The address of one app that browser tests share."""
    with serve() as url:
        warm(url)
        yield url


@pytest.fixture
def cold_app() -> Iterator[Callable[..., str]]:
    """Start an app nobody has visited: `cold_app()` or `cold_app("--server.maxUploadSize", "1")`.

    Keyword arguments are those of `tests.browser.serve`.
    """
    with ExitStack() as started:
        yield lambda *flags, **options: started.enter_context(serve(*flags, **options))
