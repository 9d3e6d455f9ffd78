"""Backup and restore, by exactly the commands of docs/deploy.md."""

import re
import shlex
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from kpi_core.cli import main
from kpi_core.workspace import Workspace
from kpi_core.workspace.place import ADDRESS, FOLDER
from tests.browser import ROOT
from tests.core.kept import DAY, new_database, plan, proposal, visits
from tests.postgres import postgres_url

__all__ = ["postgres_url"]  # a fixture
TOLD = (ROOT / "docs" / "deploy.md").read_text("utf-8").partition("## Backup and restore")[2]
SAVES, RESTORES = re.findall(r"```shell\n(.*?)```", TOLD, re.DOTALL)


@pytest.fixture(params=["sqlite", "postgres"])
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    """Where the rows lie: in the folder, or in a database of PostgreSQL."""
    if request.param == "sqlite":
        return ""
    return new_database(request.getfixturevalue("postgres_url"))


def does(commands: str, folder: Path, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Types them, one after another, where the environment names a workspace."""
    monkeypatch.setenv(FOLDER, str(folder))
    monkeypatch.setenv(ADDRESS, address)
    lines = commands.splitlines()
    assert len(lines) == 2
    for line in lines:
        words = shlex.split(line)
        assert words[:3] == ["python", "-m", "kpi_core"]
        assert main(words[3:]) == 0, line


def content(folder: Path, address: str) -> dict[str, object]:
    """Everything that is kept, but when and by whom it was exported and taken in."""
    with closing(Workspace.open(folder, address or None)) as own:
        assert own.verify() == ()
        return {
            "plans": [
                (saved, own.plans.load(saved.name, saved.number).content)
                for each in own.plans.list()
                for saved in own.plans.versions(each.name)
            ],
            "files": {file.digest: own.uploads.open(file.digest) for file in own.uploads.list()},
            "approvals": [made.seal for made in own.snapshots.list()],
            "log": [entry for entry in own.log() if entry.act not in {"export", "import"}],
        }


def test_what_is_backed_up_comes_back_in_another_place(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with closing(Workspace.open(tmp_path / "firm", address or None, person="Owner")) as own:
        saved = own.plans.save("Visits", plan())
        saved = own.plans.save("Visits", plan(400), after=saved.number, note="More of them.")
        own.uploads.keep(visits())
        made = own.snapshots.freeze(proposal(plan(400), [visits()]), saved)
        own.snapshots.approve(made.seal, DAY)
    before = content(tmp_path / "firm", address)

    does(SAVES, tmp_path / "firm", address, monkeypatch)
    does(RESTORES, tmp_path / "other", "", monkeypatch)

    assert len(before["plans"]) == 2
    assert content(tmp_path / "other", "") == before


def test_a_laptop_moves_to_a_server(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with closing(Workspace.open(tmp_path / "laptop")) as own:
        own.plans.save("Visits", plan())
        own.uploads.keep(visits())
    server = new_database(postgres_url)

    does(SAVES, tmp_path / "laptop", "", monkeypatch)
    does(RESTORES, tmp_path / "server", server, monkeypatch)

    assert content(tmp_path / "server", server) == content(tmp_path / "laptop", "")


def test_a_backup_that_was_cut_restores_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with closing(Workspace.open(tmp_path / "firm")) as own:
        own.plans.save("Visits", plan())
    does(SAVES, tmp_path / "firm", "", monkeypatch)
    backup = tmp_path / "backup.zip"
    backup.write_bytes(backup.read_bytes()[:-50])
    monkeypatch.setenv(FOLDER, str(tmp_path / "other"))
    capsys.readouterr()

    assert main(shlex.split(RESTORES.splitlines()[0])[3:]) == 2

    assert capsys.readouterr().err.count("\n") == 1
    assert content(tmp_path / "other", "")["plans"] == []
