"""The Saved page, and the workspace that stands behind all pages."""

import shutil
from decimal import Decimal
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from kpi_core.link import View, encode
from kpi_core.plan import changed, default_plan
from kpi_core.scenario import Scenario, Scenarios
from kpi_core.workspace import Role, Workspace
from kpi_core.workspace.place import DATABASE
from ui.door import Visitor

ROOT = Path(__file__).parent.parent.parent
KPI = default_plan("shop").lines[0].kpi
PAGE = "pages/plan/saved.py"
FILE = ("orders.csv", b"Date,Orders,Sessions\n2026-10-01,10,200\n2026-10-31,30,400\n")


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("KPI_WORKSPACE", str(tmp_path / "workspace"))
    return tmp_path / "workspace"


def open_app(page: str = "") -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["lang"] = "en"
    if page:
        app.switch_page(page)
    app.run()
    assert not app.exception
    return app


def widget(app: AppTest, kind: str, key: str):
    return next(found for found in app.get(kind) if (found.key or "").startswith(key))


def press(app: AppTest, key: str) -> AppTest:
    next(button for button in app.button if (button.key or "").startswith(key)).click()
    app.run()
    assert not app.exception
    return app


def said(app: AppTest) -> str:
    kinds = (app.title, app.markdown, app.caption, app.info, app.warning, app.success, app.error)
    return "\n".join(str(own.value) for kind in kinds for own in kind).replace("\\", "")


def plan(app: AppTest):
    return app.session_state["own"]["plan"]


def target_of(app: AppTest) -> Decimal:
    return next(line.target for line in plan(app).lines if line.kpi == KPI)


def target(app: AppTest, value: float) -> AppTest:
    """Another target, set on the scorecard."""
    app.switch_page("pages/measure/scorecard.py")
    app.run()
    widget(app, "number_input", f"target.{KPI}:").set_value(value)
    app.run()
    assert not app.exception
    return app


def saved(app: AppTest, name: str, note: str = "") -> AppTest:
    app.switch_page(PAGE)
    app.run()
    widget(app, "text_input", "saved.plan.name").set_value(name)
    widget(app, "text_input", "saved.plan.note").set_value(note)
    app.run()
    return press(app, "saved.plan.save")


def test_where_nothing_is_kept_the_page_says_what_to_do() -> None:
    assert "Download the plan as a file" in said(open_app(PAGE))


def test_a_plan_is_saved_changed_saved_again_and_restored(folder: Path) -> None:
    app = saved(open_app(), "October", "as agreed")
    before = plan(app)
    app = saved(target(app, 123.0), "October", "lower target")
    after = plan(app)
    assert after != before
    assert "October · version 2" in said(app)

    app.session_state["saved.plan.October"] = True  # the fold is opened
    app.run()
    assert "123" in said(app)
    press(app, "saved.plan.October.1.open")
    assert plan(app) == before
    press(app, "saved.plan.October.1.restore")

    kept = Workspace.open(folder).plans
    assert [own.number for own in kept.versions("October")] == [1, 2, 3]
    assert kept.load("October").content == before


def test_what_somebody_saved_meanwhile_is_not_covered(folder: Path) -> None:
    app = saved(open_app(), "October")
    target(app, 77.0)
    app.switch_page(PAGE)
    app.run()
    theirs = changed(default_plan("shop"), name="theirs")
    Workspace.open(folder).plans.save("October", theirs, after=1)

    press(app, "saved.plan.save")

    assert "meanwhile" in said(app)
    assert Workspace.open(folder).plans.load("October").content == theirs
    assert plan(app).name != "theirs"


def test_a_file_is_kept_dropped_from_the_session_and_loaded_again(folder: Path) -> None:
    app = open_app("pages/measure/data.py")
    widget(app, "file_uploader", "files").upload(*FILE)
    app.run()
    (kept,) = Workspace.open(folder).uploads.list()
    assert kept.name == FILE[0]
    press(app, "remove")
    assert not app.session_state["own"]["uploads"]

    app.switch_page(PAGE)
    app.run()
    widget(app, "button_group", "saved_view").set_value("files")
    app.run()
    press(app, "saved.load")
    assert list(app.session_state["own"]["uploads"]) == [kept.digest]


@pytest.mark.usefixtures("folder")
def test_another_session_goes_on_with_plan_period_and_files() -> None:
    app = open_app("pages/measure/data.py")
    widget(app, "file_uploader", "files").upload(*FILE)
    app.run()
    target(app, 55.0)

    later = open_app()

    assert plan(later) == plan(app)
    assert list(later.session_state["own"]["uploads"]) == list(app.session_state["own"]["uploads"])
    assert "You go on where you left off" in said(later)
    next(own for own in later.button if own.label == "Begin anew").click()
    later.run()
    assert plan(later) == default_plan("shop")
    assert "You go on" not in said(open_app())


def test_who_only_looked_leaves_the_desk_as_it_was(folder: Path) -> None:
    app = target(open_app(), 55.0)
    at = Workspace.open(folder).desk.get().at
    open_app()
    open_app("pages/pay/bonus.py")
    assert Workspace.open(folder).desk.get().at == at
    assert target_of(app) == Decimal("0.55")


def test_a_workspace_that_cannot_be_written_is_told_and_the_work_goes_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "no folder").write_text("a file")
    monkeypatch.setenv("KPI_WORKSPACE", str(tmp_path / "no folder"))
    app = open_app()
    assert app.warning
    target(app, 55.0)
    assert target_of(app) == Decimal("0.55")


def test_on_a_full_disk_the_work_goes_on_and_is_kept_once_there_is_room(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KPI_WORKSPACE", str(small_disk / "workspace"))
    app = saved(target(open_app(), 44.0), "October")
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(shutil.disk_usage(small_disk).free))

    app.switch_page("pages/measure/data.py")
    app.run()
    widget(app, "file_uploader", "files").upload(*FILE)
    app.run()
    assert "disk is full" in said(app)
    app = saved(target(app, 55.0), "November")
    assert "disk is full" in said(app)
    assert target_of(app) == Decimal("0.55")
    assert len(app.session_state["own"]["uploads"]) == 1

    ballast.unlink()
    app = saved(target(app, 66.0), "December")
    assert "disk is full" not in said(app)
    own = Workspace.open(small_disk / "workspace")
    assert own.verify() == ()
    assert {kept.name for kept in own.plans.list()} == {"October", "December"}
    later = open_app()
    assert target_of(later) == Decimal("0.66")
    assert list(later.session_state["own"]["uploads"]) == list(app.session_state["own"]["uploads"])


def test_a_database_that_was_damaged_is_set_aside_and_told(folder: Path) -> None:
    folder.mkdir()
    (folder / DATABASE).write_bytes(b"no database" * 1000)
    app = open_app()
    assert "set aside" in said(app)
    assert plan(app) == default_plan("shop")


@pytest.mark.usefixtures("folder")
def test_the_log_of_an_untouched_workspace_is_whole_and_its_archive_can_be_taken() -> None:
    app = saved(open_app(), "October")
    widget(app, "button_group", "saved_view").set_value("place")
    app.run()
    assert "Everything is as the log says" in said(press(app, "saved.verify"))
    press(app, "saved.archive.make")
    assert app.get("download_button")


def come_as(monkeypatch: pytest.MonkeyPatch, email: str) -> AppTest:
    monkeypatch.setattr("ui.door.enter", lambda _: Visitor(local=False, email=email))
    return open_app(PAGE)


def test_a_viewer_opens_a_plan_without_its_sums_and_no_page_shows_pay(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    firm = Workspace.open(folder)
    firm.plans.save("October", default_plan("shop"))
    firm.members.admit("vera@example.com", Role.VIEWER)
    app = come_as(monkeypatch, "vera@example.com")
    app.session_state["saved.plan.October"] = True
    app.run()

    press(app, "saved.plan.October.1.open")

    for page in ("pay/bonus", "plan/whatif", "plan/editor", "take/report"):
        app.switch_page(f"pages/{page}.py")
        app.run()
        assert "you may not see what is paid" in said(app)
        assert not app.metric
    app.switch_page("pages/measure/scorecard.py")
    app.run()
    bonus = next(own for own in app.metric if own.label.startswith("Bonus"))
    assert not any(sign.isdigit() for sign in str(bonus.value))


def test_somebody_who_is_no_member_is_told_and_reaches_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Workspace.open(folder).plans.save("October", default_plan("shop"))
    app = come_as(monkeypatch, "stranger@example.com")
    assert "not a member" in said(app)
    assert "October" not in said(app)


def test_people_have_desks_of_their_own(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    firm = Workspace.open(folder)
    for email in ("anna@example.com", "boris@example.com"):
        firm.members.admit(email, Role.EDITOR)
    target(come_as(monkeypatch, "anna@example.com"), 55.0)

    assert plan(come_as(monkeypatch, "boris@example.com")) == default_plan("shop")
    assert target_of(come_as(monkeypatch, "anna@example.com")) == Decimal("0.55")


def test_owners_are_named_by_a_setting(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KPI_OWNERS", "olga@example.com")
    come_as(monkeypatch, "olga@example.com")
    assert [(own.person, own.role) for own in Workspace.open(folder).members.list()] == [
        ("olga@example.com", Role.OWNER)
    ]


def test_a_link_is_shown_beside_ones_own_work_and_nothing_of_it_is_put_down(folder: Path) -> None:
    mine = target(open_app(), 55.0)
    before = Workspace.open(folder).desk.get()
    theirs = changed(default_plan("portal"), name="theirs")

    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["lang"], app.query_params["v"] = "en", encode(View(plan=theirs))
    app.run()
    assert plan(app) == theirs
    assert "Your own work is kept apart" in said(app)
    assert Workspace.open(folder).desk.get() == before

    next(own for own in app.button if own.label == "Back to mine").click()
    app.run()
    assert plan(app) == plan(mine)
    assert "Your own work is kept apart" not in said(app)


def test_a_link_can_become_ones_own_work(folder: Path) -> None:
    target(open_app(), 55.0)
    theirs = changed(default_plan("portal"), name="theirs")
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["lang"], app.query_params["v"] = "en", encode(View(plan=theirs))
    app.run()

    next(own for own in app.button if own.label == "Go on with this").click()
    app.run()

    assert Workspace.open(folder).desk.get().view.plan == theirs


def test_scenarios_that_are_not_saved_are_not_covered_by_others(folder: Path) -> None:
    kept = Scenarios(scenarios=(Scenario(name="kept", levers={"cr": "+10%"}),))
    Workspace.open(folder).scenarios.save("Spring", kept)
    app = open_app(PAGE)
    mine = Scenarios(scenarios=(Scenario(name="mine", levers={"cr": "+5%"}),))
    app.session_state["own"]["kept"]["scenarios.shop"] = mine
    widget(app, "button_group", "saved_view").set_value("scenarios")
    app.session_state["saved.scenarios.Spring"] = True
    app.run()

    press(app, "saved.scenarios.Spring.1.open")

    assert "not saved yet" in said(app)
    assert app.session_state["own"]["kept"]["scenarios.shop"] == mine
