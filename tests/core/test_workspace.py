"""What is saved is what is loaded; nothing is lost, nobody sees what is not theirs to see."""

import json
import os
import shutil
import sqlite3
import stat
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

import pandas as pd
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

import kpi_core
from kpi_core import catalogue
from kpi_core.cli import main
from kpi_core.errors import IngestError, KpiError, WorkspaceError
from kpi_core.ingest import Upload, read
from kpi_core.link import View
from kpi_core.plan import Plan, changed, default_plan
from kpi_core.scenario import Scenarios, add, scenario
from kpi_core.schemes import Table
from kpi_core.signoff import Status, draft, proposed, reopened, superseding
from kpi_core.text import phrases
from kpi_core.workspace import Role, Workspace, place
from kpi_core.workspace import keeping as keeping_module
from kpi_core.workspace.database import Database
from kpi_core.workspace.documents import PLANS
from kpi_core.workspace.keeping import kept, made_again
from kpi_core.workspace.migrations import revisions, upgrade
from kpi_core.workspace.schema import METADATA, REVISION
from tests.core.kept import DAY, Opens, opens, plan, proposal, ticking, visits
from tests.core.test_pay import rules
from tests.postgres import postgres_url

__all__ = ["opens", "postgres_url"]  # fixtures
ROOT = Path(kpi_core.__file__).parent.parent
FIRST = Path(__file__).parent / "workspace_of_schema_1.sql"


def refused(code: str, does: Callable[[], object]) -> str:
    """What is said of something that is refused with this code."""
    with pytest.raises(WorkspaceError) as raised:
        does()
    assert raised.value.code == code
    assert raised.value.text("ru")
    return raised.value.text("en")


# --- versions


def test_what_is_saved_is_what_is_loaded(opens: Opens) -> None:
    own = opens()
    own.plans.save("Visits", plan(), note="first")
    found = opens().plans.load("Visits")
    assert found.content == plan()
    assert found.saved.number == 1
    assert (found.saved.author, found.saved.note) == ("Owner", "first")


def test_every_save_is_a_new_version_and_earlier_ones_stay(opens: Opens) -> None:
    own = opens()
    for number in range(4):
        own.plans.save("Visits", plan(300 + number), after=number)
    assert [each.number for each in own.plans.versions("Visits")] == [1, 2, 3, 4]
    assert [own.plans.load("Visits", n).content for n in (1, 2, 3, 4)] == [
        plan(300), plan(301), plan(302), plan(303)
    ]  # fmt: skip
    assert [(each.name, each.number) for each in own.plans.list()] == [("Visits", 4)]


def test_saving_over_what_another_saved_meanwhile_is_refused_and_says_whose(opens: Opens) -> None:
    mine, other = opens(), opens(person="Anna")
    mine.plans.save("Visits", plan())
    other.plans.save("Visits", plan(400), after=1)
    said = refused(
        "workspace_saved_meanwhile", lambda: mine.plans.save("Visits", plan(500), after=1)
    )
    assert "Anna" in said
    assert "version 2" in said
    assert "22 Nov 2026 12:0" in said
    assert mine.plans.load("Visits").content == plan(400)
    mine.plans.save("Visits", plan(500), after=2)
    assert mine.plans.load("Visits").content == plan(500)


def test_a_new_name_is_not_one_that_is_taken(opens: Opens) -> None:
    own = opens()
    own.plans.save("Visits", plan())
    refused("workspace_saved_meanwhile", lambda: own.plans.save("Visits", plan(400)))
    refused("workspace_no_document", lambda: own.plans.save("Others", plan(), after=1))


def test_a_save_whose_answer_was_lost_can_be_repeated(opens: Opens) -> None:
    own = opens()
    once = own.plans.save("Visits", plan(), note="a")
    assert own.plans.save("Visits", plan(), note="a") == once
    assert own.plans.save("Visits", plan(), after=1, note="b").number == 2


def test_a_restored_version_is_the_latest_and_says_what_it_is_a_copy_of(opens: Opens) -> None:
    own = opens()
    own.plans.save("Visits", plan())
    own.plans.save("Visits", plan(400), after=1)
    again = own.plans.restore("Visits", 1, after=2)
    assert (again.number, again.origin) == (3, 1)
    assert own.plans.load("Visits").content == plan()
    assert own.plans.load("Visits", 2).content == plan(400)


def test_versions_differ_in_words(opens: Opens) -> None:
    own = opens()
    more = {"scheme": {"kind": "scorecard", "salary": "1500.00", "fund": "500.00"}}
    own.plans.save("Visits", plan())
    own.plans.save("Visits", plan(**more), after=1)
    told = own.plans.differences("Visits", 1, 2, "en")
    assert any("1,000" in line and "1,500" in line for line in told)
    assert told[-1] == "Parts of the plan that differ: pay scheme."
    assert own.plans.differences("Visits", 1, 1, "en") == ()


def test_targets_of_a_period_differ_by_its_name(opens: Opens) -> None:
    own = opens()
    own.plans.save("Visits", plan(targets={"2026-11": {"sessions": 300}}))
    own.plans.save("Visits", plan(targets={"2026-11": {"sessions": 450}}), after=1)
    told = own.plans.differences("Visits", 1, 2, "en")
    assert any(line.startswith("2026-11: ") and "450" in line for line in told)


def test_every_part_of_a_plan_has_a_name() -> None:
    assert {f"workspace.field_{name}" for name in Plan.model_fields} <= set(phrases())


def test_scenarios_are_kept_alike(opens: Opens) -> None:
    own = opens()
    one = add(Scenarios(), scenario("More", {"spend": "+10%"}))
    two = add(one, scenario("Less", {"spend": "-10%"}))
    own.scenarios.save("Visits", one)
    own.plans.save("Visits", plan())  # a name of its own
    own.scenarios.save("Visits", two, after=1)
    assert own.scenarios.load("Visits").content == two
    assert own.scenarios.differences("Visits", 1, 2, "en") == (
        "New scenario 'Less': spend -10%, elasticity 1.",
    )
    assert "больше нет" in own.scenarios.differences("Visits", 2, 1, "ru")[0]


@pytest.mark.parametrize("name", ["", "  ", "two\nlines", "x" * 201, "nul\0"])
def test_a_name_that_cannot_be_read_out_is_refused(name: str, tmp_path: Path) -> None:
    own = Workspace.open(tmp_path)
    refused("workspace_bad_name", lambda: own.plans.save(name, plan()))


def test_order_is_by_number_when_the_clock_jumps_back(opens: Opens) -> None:
    own = opens(clock=ticking(-timedelta(days=400)))
    for number in range(3):
        own.plans.save("Visits", plan(300 + number), after=number)
        own.uploads.keep(visits(number + 1, f"{number}.csv"))
    versions = own.plans.versions("Visits")
    assert [each.number for each in versions] == [1, 2, 3]
    assert versions[0].saved_at > versions[2].saved_at
    assert [file.name for file in own.uploads.list()] == ["0.csv", "1.csv", "2.csv"]
    assert [entry.number for entry in own.log()] == [1, 2, 3, 4, 5, 6]
    assert own.verify() == ()


# --- any plan

NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=30
)
MONEY = st.decimals(0, 10**9, places=2)
SCHEMES = st.one_of(
    st.builds(lambda a, b: {"kind": "scorecard", "salary": a, "fund": b}, MONEY, MONEY),
    st.builds(lambda a, b: {"kind": "contractor", "price": a, "variable": b}, MONEY, MONEY),
    st.builds(lambda a, b: {"kind": "curve", "salary": a, "fund": b}, MONEY, MONEY),
    st.builds(
        lambda a, low, more: {
            "kind": "table",
            "salary": a,
            "rows": [
                {"at": "0.5", "amount": low},
                {"at": "0.8", "amount": low + more + Decimal("0.01")},
            ],
        },
        MONEY,
        MONEY,
        MONEY,
    ),
)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    made = default_plan(draw(st.sampled_from(sorted(catalogue.businesses()))))
    line = draw(st.sampled_from(made.lines))
    weight = draw(st.decimals("0.000001", 1000, places=6))
    made = made.with_line(line.kpi, weight=weight, rule=draw(rules()), owner=draw(NAMES))
    more = {"name": draw(NAMES), "scheme": draw(SCHEMES), "facts": {"leads": draw(MONEY)}}
    return changed(made, **more)


@given(st.lists(plans(), min_size=1, max_size=4), NAMES)
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_plan_is_loaded_as_it_was_saved_and_numbers_are_dense(
    tmp_path_factory: pytest.TempPathFactory, saved: list[Plan], name: str
) -> None:
    own = Workspace.open(tmp_path_factory.mktemp("kept"))
    latest = 0
    for each in saved:
        latest = own.plans.save(name, each, after=latest).number
    versions = own.plans.versions(name.strip())
    assert [each.number for each in versions] == list(range(1, len(versions) + 1))
    assert own.plans.load(name.strip()).content == saved[-1]
    assert own.plans.load(name.strip()).content.as_json() == saved[-1].as_json()
    assert own.verify() == ()
    own.close()


# --- files

EXPORTS = sorted(
    path
    for folder in ("sample_data", "tests/exports")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in {".csv", ".tsv", ".xlsx", ".xls", ".parquet", ".html", ".zip"}
)


def same(one: Upload, other: Upload) -> bool:
    """Whether two uploads say the same, to the last figure and dtype."""
    for was, now in zip(one.tables, other.tables, strict=True):
        pd.testing.assert_frame_equal(was.facts, now.facts, check_exact=True)
    return one == other


@pytest.mark.parametrize("path", EXPORTS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_export_is_made_again_exactly(path: Path) -> None:
    try:
        upload = read(path.name, path.read_bytes())
    except IngestError:
        pytest.skip("it is read only in another way")
    again = made_again(kept(upload, "key"))
    assert same(upload, again)
    said = [[finding.text(lang) for lang in ("ru", "en")] for finding in upload.findings]
    assert [[finding.text(lang) for lang in ("ru", "en")] for finding in again.findings] == said


def test_a_kept_file_is_there_after_the_program_was_closed(opens: Opens) -> None:
    opens().uploads.keep(visits())
    own = opens()
    (file,) = own.uploads.list()
    assert (file.name, file.rows, file.person) == ("visits.csv", 31, "Owner")
    assert same(own.uploads.open(file.digest), visits())


def test_nothing_of_a_person_is_kept(tmp_path: Path) -> None:
    """Planted names, addresses and telephones are dropped while reading; the file is not kept."""
    planted = ("anna@example.test", "+7 900 123-45-67", "Иванова")
    rows = "\n".join(
        f"{day:02}.10.2026;{planted[0]};{planted[1]};{planted[2]} Анна;{day}"
        for day in range(1, 20)
    )
    upload = read("people.csv", f"Дата;E-mail;Телефон;ФИО;Визиты\n{rows}".encode())
    own = Workspace.open(tmp_path)
    own.uploads.keep(upload)
    own.export_to(tmp_path / "all.zip")
    own.close()
    for path in tmp_path.rglob("*"):
        if path.is_file():
            held = path.read_bytes()
            for word in planted:
                assert word.encode() not in held
                assert json.dumps(word)[1:-1].encode() not in held


def test_a_file_read_anew_takes_the_place_of_the_old(opens: Opens) -> None:
    own = opens()
    own.uploads.keep(visits())
    own.uploads.keep(visits())
    own.uploads.keep(visits(name="renamed.csv"))
    assert [file.name for file in own.uploads.list()] == ["renamed.csv"]
    assert [entry.act for entry in own.log()] == ["keep", "keep"]


def test_a_dropped_file_is_gone_from_the_disk(opens: Opens) -> None:
    own = opens()
    own.uploads.keep(visits())
    own.uploads.keep(visits(5))
    folder = own.place.folder / "files"
    assert len(list(folder.rglob("*.parquet"))) == 2
    own.uploads.drop(visits().digest)
    assert len(list(folder.rglob("*.parquet"))) == 1
    refused("workspace_no_file", lambda: own.uploads.open(visits().digest))
    assert same(own.uploads.open(visits(5).digest), visits(5))
    assert own.verify() == ()


def test_what_a_fall_left_over_is_swept(tmp_path: Path) -> None:
    own = Workspace.open(tmp_path)
    own.uploads.keep(visits())
    files = tmp_path / "files" / "main"
    (files / "ab").mkdir(exist_ok=True)
    orphan = files / "ab" / f"ab{'0' * 62}.parquet"
    half = files / "ab" / ".half.part"
    orphan.write_bytes(b"?")
    half.write_bytes(b"?")
    assert own.uploads.sweep() == 1
    assert not orphan.exists()
    assert not half.exists()
    assert own.verify() == ()


def test_customers_of_another_process_are_left_out_beside_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = ROOT / "sample_data" / "shop" / "orders.csv"
    upload = read(path.name, path.read_bytes())
    assert "customer" in upload.tables[0].facts
    own = Workspace.open(tmp_path)
    own.uploads.keep(upload)
    assert same(own.uploads.open(upload.digest), upload)
    monkeypatch.setattr("kpi_core.workspace.uploads.key_of_customers", lambda: "another")
    opened = own.uploads.open(upload.digest)
    assert "customer" not in opened.tables[0].facts
    assert opened.findings[-1].code == "customers_of_another_time"

    own.uploads.keep(opened)  # what came without its customers never covers the whole file
    monkeypatch.undo()
    assert same(own.uploads.open(upload.digest), upload)


def test_folders_and_files_are_closed_to_others(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    own = Workspace.open(folder)
    own.uploads.keep(visits())
    if os.name == "posix":
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        for path in folder.rglob("*"):
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


# --- sign-off


def test_a_proposal_is_approved_once(opens: Opens) -> None:
    own = opens()
    saved = own.plans.save("Visits", plan())
    made = own.snapshots.freeze(proposal(plan(), [visits()]), saved)
    approval = own.snapshots.approve(made.seal, DAY)
    assert approval.status is Status.APPROVED
    assert own.snapshots.approve(made.seal, DAY) == approval
    other = opens(person="Anna")
    said = refused("workspace_approved_already", lambda: other.snapshots.approve(made.seal, DAY))
    assert "Owner" in said
    assert [(each.status, each.plan) for each in own.snapshots.list()] == [
        (Status.PROPOSED, ("Visits", 1)),
        (Status.APPROVED, ("Visits", 1)),
    ]
    assert list(own.snapshots.approvals()) == [approval]


def test_an_approved_period_is_computed_again_from_what_is_kept(opens: Opens) -> None:
    own = opens()
    own.uploads.keep(visits())
    made = own.snapshots.freeze(proposal(plan(), [visits()]))
    own.snapshots.approve(made.seal, DAY)
    again = opens()
    (approval,) = again.snapshots.approvals()
    assert reopened(approval, again.uploads.of(approval)) == ()


def test_only_one_correction_supersedes_an_approval(opens: Opens) -> None:
    own = opens()
    first = own.snapshots.freeze(proposal(plan(), [visits()]))
    approval = own.snapshots.approve(first.seal, DAY)

    one, other = (
        proposed(
            superseding(approval, draft(plan(target), period=approval.days()), "a mistake"),
            "Anna",
            DAY,
            approval,
        )
        for target in (280, 290)
    )
    own.snapshots.freeze(one)
    own.snapshots.freeze(other)
    assert own.snapshots.approve(one.seal, DAY).supersedes == approval.seal
    refused("workspace_approved_already", lambda: own.snapshots.approve(other.seal, DAY))


def test_what_is_written_once_cannot_be_changed_in_the_database(opens: Opens) -> None:
    own = opens()
    own.plans.save("Visits", plan())
    made = own.snapshots.freeze(proposal(plan(), [visits()]))
    own.snapshots.approve(made.seal, DAY)
    database = own._room.database
    for table in ("versions", "snapshots", "log"):
        for act in (f"DELETE FROM {table}", f"UPDATE {table} SET number = 7"):  # noqa: S608
            with pytest.raises(Exception, match="written once"), database.writing() as connection:
                connection.execute(text(act))
    assert own.verify() == ()


# --- the desk


def test_unsaved_work_is_given_back(opens: Opens) -> None:
    own = opens()
    assert own.desk.get() is None
    own.desk.put(View(plan=plan()), ["a" * 64])
    own.desk.put(View(plan=plan(400), levers={"spend": "+10%"}, sample=False), ["b" * 64])
    found = opens().desk.get()
    assert found is not None
    assert found.view == View(plan=plan(400), levers={"spend": "+10%"}, sample=False)
    assert found.uploads == ("b" * 64,)
    own.desk.clear()
    assert own.desk.get() is None
    assert own.log() == ()


# --- people


@pytest.fixture
def firm(opens: Opens) -> Workspace:
    """A workspace with an owner, an editor, and a viewer with and one without a view of pay."""
    own = opens()
    own.members.admit("Olga@firm.test", Role.OWNER)
    own.members.admit("ed@firm.test", Role.EDITOR)
    own.members.admit("vera@firm.test", Role.VIEWER)
    own.members.admit("chief@firm.test", Role.VIEWER, sees_pay=True)
    own.plans.save("Visits", plan())
    own.snapshots.freeze(proposal(plan(), [visits()]))
    return own


def test_a_stranger_is_not_let_in(firm: Workspace) -> None:
    assert "eve@firm.test" in refused(
        "workspace_no_member", lambda: firm.as_person("Eve@firm.test")
    )


def test_who_was_dismissed_is_out_at_once(firm: Workspace) -> None:
    ed = firm.as_person("ED@firm.test")
    ed.plans.save("Visits", plan(400), after=1)
    firm.members.dismiss("ed@firm.test")
    refused("workspace_no_member", lambda: ed.plans.save("Visits", plan(500), after=2))
    refused("workspace_no_member", lambda: ed.plans.load("Visits"))
    refused("workspace_no_member", lambda: ed.desk.put(View(plan=plan())))


def test_nobody_becomes_somebody_else(firm: Workspace) -> None:
    vera = firm.as_person("vera@firm.test")
    refused("workspace_not_allowed", lambda: vera.as_person("olga@firm.test"))


ACTS: dict[str, tuple[Role, Callable[[Workspace], object]]] = {
    "list": (Role.VIEWER, lambda own: own.plans.list()),
    "versions": (Role.VIEWER, lambda own: own.plans.versions("Visits")),
    "load": (Role.VIEWER, lambda own: own.plans.load("Visits")),
    "differences": (Role.VIEWER, lambda own: own.plans.differences("Visits", 1, 1, "en")),
    "files": (Role.VIEWER, lambda own: own.uploads.list()),
    "snapshots": (Role.VIEWER, lambda own: own.snapshots.list()),
    "members": (Role.VIEWER, lambda own: own.members.list()),
    "desk": (Role.VIEWER, lambda own: own.desk.put(View(plan=plan()))),
    "save": (Role.EDITOR, lambda own: own.plans.save("New", plan())),
    "restore": (Role.EDITOR, lambda own: own.plans.restore("Visits", 1, 1)),
    "scenarios": (Role.EDITOR, lambda own: own.scenarios.save("New", Scenarios())),
    "keep": (Role.EDITOR, lambda own: own.uploads.keep(visits())),
    "drop": (Role.EDITOR, lambda own: own.uploads.drop(visits().digest)),
    "freeze": (Role.EDITOR, lambda own: own.snapshots.freeze(proposal(plan(400), [visits()]))),
    "approve": (
        Role.OWNER,
        lambda own: own.snapshots.approve(proposal(plan(), [visits()]).seal, DAY),
    ),
    "admit": (Role.OWNER, lambda own: own.members.admit("new@firm.test", Role.VIEWER)),
    "dismiss": (Role.OWNER, lambda own: own.members.dismiss("new@firm.test")),
    "log": (Role.OWNER, lambda own: own.log()),
    "verify": (Role.OWNER, lambda own: own.verify()),
    "export": (Role.OWNER, lambda own: own.export_to(own.place.folder / "all.zip")),
}


def test_each_role_may_do_its_acts_and_no_others(firm: Workspace) -> None:
    roles = {
        Role.VIEWER: firm.as_person("vera@firm.test"),
        Role.EDITOR: firm.as_person("ed@firm.test"),
        Role.OWNER: firm.as_person("olga@firm.test"),
    }
    for act, (least, does) in ACTS.items():
        for role, own in roles.items():
            if role.covers(least):
                if role is least:
                    does(own)
            else:
                assert str(least) in refused("workspace_not_allowed", partial(does, own)), act
    assert firm.verify() == ()


def test_who_may_not_see_pay_finds_none_of_it(firm: Workspace) -> None:
    more = {"scheme": {"kind": "scorecard", "salary": "7654.00", "fund": "500.00"}}
    firm.plans.save("Visits", plan(**more), after=1)
    (frozen,) = firm.snapshots.list()
    vera, chief = (firm.as_person(f"{name}@firm.test") for name in ("vera", "chief"))
    version = vera.plans.load("Visits")
    refused("workspace_pay_hidden", lambda: version.content)
    assert "7654" not in repr(version) + version.without_pay.as_json()
    assert "7,654" not in " ".join(vera.plans.differences("Visits", 1, 2, "en"))
    refused("workspace_pay_hidden", lambda: vera.snapshots.open(frozen.seal))
    assert chief.plans.load("Visits").content == plan(**more)
    assert chief.snapshots.open(frozen.seal).result is not None


@given(plans())
@settings(max_examples=50)
def test_a_plan_without_pay_is_a_plan_with_the_same_goals(made: Plan) -> None:
    bare = PLANS.without_pay(made)
    assert bare.scheme.fixed == 0
    assert bare.scheme.stake == (100 if isinstance(made.scheme, Table) else 0)
    assert bare.goals() == made.goals()
    assert bare.shares() == made.shares()


def test_two_workspaces_of_one_database_know_nothing_of_each_other(opens: Opens) -> None:
    one, other = opens(id="one"), opens(id="other")
    one.members.admit("ed@firm.test", Role.EDITOR)
    saved = one.plans.save("Visits", plan())
    one.uploads.keep(visits())
    made = one.snapshots.freeze(proposal(plan(), [visits()]), saved)
    one.desk.put(View(plan=plan()))
    assert (other.plans.list(), other.uploads.list(), other.snapshots.list()) == ((), (), ())
    assert (other.members.list(), other.log(), other.desk.get()) == ((), (), None)
    refused("workspace_no_document", lambda: other.plans.load("Visits"))
    refused("workspace_no_file", lambda: other.uploads.open(visits().digest))
    refused("workspace_no_file", lambda: other.uploads.drop(visits().digest))
    refused("workspace_no_snapshot", lambda: other.snapshots.open(made.seal))
    refused("workspace_no_snapshot", lambda: other.snapshots.approve(made.seal, DAY))
    refused("workspace_no_member", lambda: other.as_person("ed@firm.test"))
    other.plans.save("Visits", plan(400))
    other.uploads.sweep()
    assert same(one.uploads.open(visits().digest), visits())
    assert one.plans.load("Visits").content == plan()
    assert (one.verify(), other.verify()) == ((), ())


# --- the log


def filled(own: Workspace) -> Workspace:
    """A workspace with one of everything."""
    own.members.admit("ed@firm.test", Role.EDITOR)
    saved = own.plans.save("Visits", plan(), note="a note")
    own.plans.save("Visits", plan(400), after=1)
    own.scenarios.save("Visits", add(Scenarios(), scenario("More", {"spend": "+10%"})))
    own.uploads.keep(visits())
    made = own.snapshots.freeze(proposal(plan(), [visits()]), saved)
    own.snapshots.approve(made.seal, DAY)
    own.desk.put(View(plan=plan()))
    return own


def test_the_log_says_who_did_what_and_never_the_content(opens: Opens) -> None:
    own = filled(opens())
    log = own.log()
    assert [entry.act for entry in log] == [
        "admit", "save", "save", "save", "keep", "freeze", "approve"
    ]  # fmt: skip
    assert {entry.person for entry in log} == {"Owner"}
    assert [entry.number for entry in log] == list(range(1, 8))
    said = " ".join(f"{entry.act} {entry.about}" for entry in log)
    assert not any(word in said for word in ("Visits", "visits", "note", "More", "1000", "500"))
    assert own.verify() == ()


# What the log speaks for: every column of these tables.
GUARDED = ("log", "versions", "documents", "uploads", "facts", "snapshots", "members")
COLUMNS = {"workspaces": ["entries", "head"]}  # not when it was made


def spoilt(value: object, at: int) -> object:
    """A value with one byte changed."""
    if isinstance(value, str):
        at %= max(len(value), 1)
        return value[:at] + chr((ord(value[at : at + 1] or "a") ^ 1) or 2) + value[at + 1 :]
    return (int(value) if isinstance(value, int) else 0) + 1000


@given(st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_changed_byte_is_found(everything: Path, data: st.DataObject) -> None:
    """Past the program, with the triggers taken away, as somebody with the file could."""
    table = data.draw(st.sampled_from((*GUARDED, "workspaces")))
    with copied(everything) as folder, past_the_program(folder) as raw:
        raw.row_factory = sqlite3.Row
        rows = raw.execute(f"SELECT rowid, * FROM {table}").fetchall()  # noqa: S608
        row = data.draw(st.sampled_from(rows))
        names = [name for name in row.keys() if name not in {"rowid", "workspace"}]  # noqa: SIM118
        name = data.draw(st.sampled_from(COLUMNS.get(table, names)))
        new = spoilt(row[name], data.draw(st.integers(0, 10_000)))
        raw.execute("PRAGMA ignore_check_constraints = ON")
        spoil = f"UPDATE {table} SET {name} = ? WHERE rowid = ?"  # noqa: S608
        raw.execute(spoil, (new, row["rowid"]))
        raw.commit()
        with closing(Workspace.open(folder)) as own:
            assert own.verify() != (), (table, name, row[name], new)


@given(st.integers(0, 10**9), st.integers(1, 255))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_changed_byte_of_a_file_is_found(everything: Path, at: int, by: int) -> None:
    with copied(everything) as folder:
        (path,) = folder.rglob("*.parquet")
        path.write_bytes(changed_byte(path, at, by))
        with closing(Workspace.open(folder)) as own:
            assert [finding.code for finding in own.verify()] == ["kept_unreadable"]


def changed_byte(path: Path, at: int, by: int) -> bytes:
    held = bytearray(path.read_bytes())
    held[at % len(held)] ^= by
    return bytes(held)


@contextmanager
def past_the_program(folder: Path) -> Iterator[sqlite3.Connection]:
    """The database itself, without the triggers that guard what is written once."""
    with closing(sqlite3.connect(folder / "kpi-pay.sqlite")) as raw:
        for (trigger,) in raw.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall():
            raw.execute(f"DROP TRIGGER {trigger}")
        yield raw


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one of everything, and an archive of it, to copy and spoil."""
    folder = tmp_path_factory.mktemp("everything") / "own"
    own = filled(Workspace.open(folder, person="Owner"))
    own.export_to(folder / "all.zip")
    own.close()
    return folder


@contextmanager
def copied(folder: Path) -> Iterator[Path]:
    """A copy of a folder, as long as it is needed."""
    with tempfile.TemporaryDirectory() as made:
        yield Path(shutil.copytree(folder, Path(made) / "own"))


@pytest.mark.parametrize("table", ["log", "versions", "snapshots", "uploads", "members"])
def test_any_row_that_is_taken_away_is_found(table: str, everything: Path) -> None:
    with copied(everything) as folder, past_the_program(folder) as raw:
        last = f"SELECT max(rowid) FROM {table}"  # noqa: S608
        raw.execute(f"DELETE FROM {table} WHERE rowid = ({last})")  # noqa: S608
        raw.commit()
        with closing(Workspace.open(folder)) as own:
            assert own.verify() != ()


OPERATIONS = st.lists(
    st.sampled_from(
        ["save", "restore", "keep", "drop", "freeze", "approve", "admit", "dismiss", "export"]
    ),
    max_size=12,
)


@given(OPERATIONS)
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_log_holds_after_any_sequence_of_acts(
    tmp_path_factory: pytest.TempPathFactory, acts: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("kept")
    own = Workspace.open(folder, person="Owner")
    latest = 0
    for number, act in enumerate(acts):
        try:
            match act:
                case "save":
                    latest = own.plans.save("P", plan(100 + number), after=latest).number
                case "restore":
                    latest = own.plans.restore("P", 1, after=latest).number
                case "keep":
                    own.uploads.keep(visits(1 + number % 2))
                case "drop":
                    own.uploads.drop(visits(1).digest)
                case "freeze":
                    own.snapshots.freeze(proposal(plan(100 + number % 3), [visits()]))
                case "approve":
                    own.snapshots.approve(own.snapshots.list()[0].seal, DAY)
                case "admit":
                    own.members.admit("ed@firm.test", Role.EDITOR)
                case "dismiss":
                    own.members.dismiss("ed@firm.test")
                case "export":
                    own.export_to(folder / f"{number}.zip")
        except (KpiError, IndexError):
            continue  # refused: there was nothing to do it to
    assert own.verify() == ()
    assert [entry.number for entry in own.log()] == list(range(1, len(own.log()) + 1))
    own.close()


# --- archives


def test_an_archive_brings_everything_back(opens: Opens, tmp_path: Path) -> None:
    own = filled(opens())
    own.export_to(tmp_path / "all.zip")
    other = Workspace.open(tmp_path / "elsewhere", person="Anna")
    other.import_from(tmp_path / "all.zip")
    assert other.verify() == ()
    assert other.plans.versions("Visits") == own.plans.versions("Visits")
    assert other.scenarios.load("Visits") == own.scenarios.load("Visits")
    assert same(other.uploads.open(visits().digest), visits())
    assert list(other.snapshots.approvals()) == list(own.snapshots.approvals())
    assert other.members.list() == own.members.list()
    assert other.log()[:-1] == own.log()
    assert (other.log()[-1].act, other.log()[-1].person) == ("import", "Anna")
    assert other.plans.save("Visits", plan(7), after=2).number == 3


def test_an_archive_of_one_database_is_read_by_the_other(opens: Opens, tmp_path: Path) -> None:
    first = filled(Workspace.open(tmp_path / "first"))
    first.export_to(tmp_path / "all.zip")
    own = opens()
    own.import_from(tmp_path / "all.zip")
    assert own.verify() == ()
    assert own.plans.load("Visits").content == plan(400)


def test_an_archive_never_goes_over_work(opens: Opens, tmp_path: Path) -> None:
    own = filled(opens())
    own.export_to(tmp_path / "all.zip")
    refused("workspace_not_empty", lambda: own.import_from(tmp_path / "all.zip"))
    refused("workspace_archive_exists", lambda: own.export_to(tmp_path / "all.zip"))


@pytest.fixture
def archive(tmp_path: Path) -> dict[str, bytes]:
    """The parts of a sound archive."""
    own = filled(Workspace.open(tmp_path / "own", person="Owner"))
    own.export_to(tmp_path / "sound.zip")
    own.close()
    with zipfile.ZipFile(tmp_path / "sound.zip") as sound:
        return {name: sound.read(name) for name in sound.namelist()}


def brought(parts: dict[str, bytes], tmp_path: Path) -> None:
    """Import such an archive into a new workspace; whatever happens, it stays usable."""
    with zipfile.ZipFile(tmp_path / "made.zip", "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in parts.items():
            made.writestr(name, content)
    own = Workspace.open(tmp_path / "target")
    try:
        own.import_from(tmp_path / "made.zip")
    except WorkspaceError:
        assert own.plans.list() == ()
        assert own.log() == ()
        assert not list((tmp_path / "target").rglob("*.parquet"))
        assert not list((tmp_path / "target").glob("arriving-*"))
        raise
    finally:
        own.close()


def test_a_sound_archive_is_taken(archive: dict[str, bytes], tmp_path: Path) -> None:
    brought(archive, tmp_path)


def test_an_archive_of_a_later_version_is_refused(
    archive: dict[str, bytes], tmp_path: Path
) -> None:
    later = json.loads(archive["manifest.json"]) | {"revision": "9999"}
    parts = archive | {"manifest.json": json.dumps(later).encode()}
    assert "9999" in refused("workspace_newer", lambda: brought(parts, tmp_path))


@pytest.mark.parametrize(
    "name", ["../evil.txt", "/etc/evil", "files/../evil", "C:\\evil", "rows/evil/x.jsonl"]
)
def test_a_name_that_no_archive_has_is_refused(
    name: str, archive: dict[str, bytes], tmp_path: Path
) -> None:
    refused("workspace_archive_wrong", lambda: brought({**archive, name: b"evil"}, tmp_path))
    assert not list(tmp_path.rglob("evil*"))


def test_two_parts_of_one_name_are_refused(archive: dict[str, bytes], tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "made.zip", "w") as made:
        for name, content in archive.items():
            made.writestr(name, content)
        with pytest.warns(UserWarning, match="Duplicate"):
            made.writestr("rows/members.jsonl", b"")
    own = Workspace.open(tmp_path / "target")
    refused("workspace_archive_wrong", lambda: own.import_from(tmp_path / "made.zip"))


def test_a_bomb_is_not_unpacked(archive: dict[str, bytes], tmp_path: Path) -> None:
    bomb = {f"files/{'0' * 64}.parquet": bytes(50_000_000)}
    refused("workspace_archive_too_large", lambda: brought(archive | bomb, tmp_path))


@pytest.mark.parametrize(
    ("table", "change", "code"),
    [
        ("versions", {"content": "{}"}, "workspace_archive_differs"),
        ("versions", {"number": "1"}, "workspace_archive_wrong"),
        ("versions", {"saved_at": "yesterday"}, "workspace_archive_wrong"),
        ("versions", {"saved_at": "2026-11-22T12:00:00"}, "workspace_archive_wrong"),
        ("versions", {"number": 2**70}, "workspace_archive_wrong"),
        ("versions", {"extra": 1}, "workspace_archive_wrong"),
        ("documents", {"name": "two\nlines"}, "workspace_archive_wrong"),
        ("documents", {"latest": 9}, "workspace_archive_differs"),
        ("members", {"role": "owner"}, "workspace_archive_differs"),
        ("members", {"role": "king"}, "workspace_archive_wrong"),
        ("members", {"sees_pay": 1}, "workspace_archive_wrong"),
        ("uploads", {"content": "{}"}, "workspace_archive_differs"),
        ("facts", {"file": "0" * 64}, "workspace_archive_differs"),
        ("facts", {"upload": "0" * 64}, "workspace_archive_wrong"),
        ("snapshots", {"status": "approved"}, "workspace_archive_differs"),
        ("snapshots", {"content": None}, "workspace_archive_wrong"),
        ("log", {"person": "Mallory"}, "workspace_archive_differs"),
    ],
)
def test_a_changed_row_of_an_archive_is_refused(
    table: str, change: dict[str, object], code: str, archive: dict[str, bytes], tmp_path: Path
) -> None:
    first, *others = archive[f"rows/{table}.jsonl"].splitlines()
    row = json.dumps(json.loads(first) | change).encode()
    parts = archive | {f"rows/{table}.jsonl": b"\n".join([row, *others])}
    refused(code, lambda: brought(parts, tmp_path))


@pytest.mark.parametrize("content", [b"", b"PK", b"\x00" * 1000, b"not a zip at all" * 100])
def test_what_is_no_archive_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "made.zip").write_bytes(content)
    own = Workspace.open(tmp_path / "target")
    refused("workspace_archive_wrong", lambda: own.import_from(tmp_path / "made.zip"))
    refused("workspace_archive_unread", lambda: own.import_from(tmp_path / "none.zip"))


@given(st.integers(0, 10**9), st.integers(1, 255))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_archive_with_any_changed_byte_is_refused_or_the_same(
    everything: Path, at: int, by: int
) -> None:
    with copied(everything) as folder:
        (folder / "spoilt.zip").write_bytes(changed_byte(folder / "all.zip", at, by))
        with (
            closing(Workspace.open(folder)) as own,
            closing(Workspace.open(folder / "other")) as other,
        ):
            try:
                other.import_from(folder / "spoilt.zip")
            except WorkspaceError:
                assert other.log() == ()
            else:  # a byte that says nothing, such as one of a date
                assert other.verify() == ()
                assert other.log()[:-1] == own.log()
                assert other.plans.load("Visits") == own.plans.load("Visits")


def test_a_text_that_is_there_too_often_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    upload = visits()
    (table,) = upload.tables
    many = table.facts.assign(channel=pd.Series("x" * 1000, index=table.facts.index, dtype="str"))
    large = kept(replace(upload, tables=(replace(table, facts=many),)), "")
    assert same(made_again(large), replace(upload, tables=(replace(table, facts=many),)))
    monkeypatch.setattr(keeping_module, "MAX_TEXT", 30_000)
    refused("workspace_file_too_large", lambda: made_again(large))


# --- versions of the tables


def test_the_scripts_make_the_tables_that_the_program_knows(opens: Opens) -> None:
    with opens()._room.database.reading() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, METADATA) == []
        assert context.get_current_revision() == REVISION
    assert revisions()[0] == REVISION


def test_a_workspace_of_the_first_version_is_opened(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "kpi-pay.sqlite") as raw:
        raw.executescript(FIRST.read_text("utf-8"))
    raw.close()
    own = Workspace.open(tmp_path)
    assert own.verify() == ()
    assert [each.number for each in own.plans.versions("Visits")] == [1, 2]
    assert own.plans.load("Visits").content == plan(400)
    assert [made.status for made in own.snapshots.approvals()] == [Status.APPROVED]
    assert own.plans.save("Visits", plan(500), after=2).number == 3


def test_a_workspace_of_a_later_version_is_left_as_it_is(opens: Opens) -> None:
    own = filled(opens())
    with own._room.database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert "9999" in refused("workspace_newer", opens)
    with own._room.database.writing() as connection:
        back = text("UPDATE alembic_version SET version_num = :revision")
        connection.execute(back, {"revision": REVISION})
    assert opens().verify() == ()


def test_an_older_workspace_goes_through_every_later_script(tmp_path: Path) -> None:
    """With a second revision that adds a column, beside the real ones."""
    scripts = tmp_path / "migrations"
    (scripts / "versions").mkdir(parents=True)
    real = Path(kpi_core.__file__).parent / "workspace" / "migrations" / "versions"
    for path in real.glob("*.py"):
        (scripts / "versions" / path.name).write_text(path.read_text("utf-8"), "utf-8")
    (scripts / "versions" / "later.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\n"
        f"revision, down_revision = 'later', {REVISION!r}\n"
        "branch_labels = depends_on = None\n"
        "def upgrade():\n"
        "    op.add_column('desks', sa.Column('more', sa.Text))\n",
        "utf-8",
    )
    own = filled(Workspace.open(tmp_path / "own", person="Owner"))
    with own._room.database.writing() as connection:
        upgrade(connection, scripts=scripts)
        assert [row.more for row in connection.execute(text("SELECT more FROM desks"))] == [None]
    assert revisions(scripts) == ["later", *revisions()]
    refused("workspace_newer", lambda: Database(own.place))


# --- where it lies


def test_the_environment_names_the_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KPI_WORKSPACE_URL", raising=False)
    monkeypatch.delenv("KPI_WORKSPACE", raising=False)
    assert place().folder.name == "kpi-pay"
    monkeypatch.setenv("KPI_WORKSPACE", str(tmp_path))
    assert place().path == tmp_path / "kpi-pay.sqlite"
    monkeypatch.setenv("KPI_WORKSPACE_URL", "postgresql://kpi:secret@host.test/kpi")
    assert (place().folder, place().path) == (tmp_path, None)
    assert "secret" not in str(place())
    for wrong in ("mysql://host/db", "sqlite:///x", "no address"):
        monkeypatch.setenv("KPI_WORKSPACE_URL", wrong)
        refused("workspace_address", place)


# --- the command line


@pytest.fixture
def said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Runs ``workspace ...`` in a new folder: the exit code and what is printed."""
    monkeypatch.setenv("KPI_WORKSPACE", str(tmp_path / "kept"))
    monkeypatch.delenv("KPI_WORKSPACE_URL", raising=False)
    (tmp_path / "plan.json").write_text(plan().as_json(), "utf-8")
    (tmp_path / "other.json").write_text(plan(400).as_json(), "utf-8")
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, str]:
        code = main(["workspace", *words])
        found = capsys.readouterr()
        return code, found.out + found.err

    return run


@pytest.mark.parametrize("lang", ["ru", "en"])
def test_every_command_says_what_it_did(said: Callable[..., tuple[int, str]], lang: str) -> None:
    tongue = ("--lang", lang)
    for words in (
        ("where",),
        ("list",),
        ("save", "plan.json", "Visits", "--note", "first"),
        ("save", "other.json", "Visits", "--after", "1"),
        ("diff", "Visits", "1", "2"),
        ("restore", "Visits", "1", "--after", "2"),
        ("versions", "Visits"),
        ("show", "Visits", "--version", "2"),
        ("list",),
        ("verify",),
        ("export", "all.zip"),
    ):
        code, told = said(*words, *tongue)
        assert (code, bool(told.strip())) == (0, True), words
        assert json.loads(said(*words, *tongue, "--json")[1] if words[0] in _ASKS else "{}") or True
    assert said("save", "other.json", "Visits", *tongue)[0] == 2
    assert said("import", "all.zip", *tongue)[0] == 2


_ASKS = {"where", "list", "diff", "versions", "show", "verify"}


def test_a_backup_is_restored_by_import(
    said: Callable[..., tuple[int, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said("save", "plan.json", "Visits")
    said("export", "all.zip")
    monkeypatch.setenv("KPI_WORKSPACE", str(tmp_path / "new"))
    assert said("import", "all.zip", "--lang", "en")[0] == 0
    assert json.loads(said("show", "Visits")[1]) == json.loads(plan().as_json())


def test_verify_ends_with_1_where_something_was_changed(
    said: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    said("save", "plan.json", "Visits")
    with sqlite3.connect(tmp_path / "kept" / "kpi-pay.sqlite") as raw:
        raw.execute("UPDATE documents SET name = 'Visit'")
    raw.close()
    code, told = said("verify", "--lang", "en")
    assert code == 1
    assert "Visit 1" in told
