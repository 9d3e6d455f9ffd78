"""The command ``whatif``: what chance may bring with the levers moved."""

import json
from pathlib import Path

import pytest

from kpi_core.cli import main
from kpi_core.plan import changed, default_plan
from kpi_core.scenario import Scenarios, scenario
from kpi_core.simulate import DRAWS, SCRAMBLES, SEED

SAMPLE = Path(__file__).parents[2] / "sample_data" / "shop"
SHOP = [str(SAMPLE / f"{name}.csv") for name in ("metrika_sources", "orders", "direct_campaigns")]
CHANNEL = ("--move", "paid_search:social=10%", "--set", "cpc@social=25")


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    file = tmp_path / "plan.json"
    file.write_text(changed(default_plan("shop"), period="2026-10").as_json(), "utf-8")
    return file


def asked(command: str, plan: Path, *more: str) -> list[str]:
    return [command, "--plan", str(plan), "--period", "2026-10", "--lang", "en", *more, *SHOP]


def ask(capsys: pytest.CaptureFixture[str], command: str, plan: Path, *more: str) -> dict:
    assert main(asked(command, plan, "--json", *more)) == 0
    return dict(json.loads(capsys.readouterr().out))


def test_without_draws_nothing_is_said_of_chance(capsys, plan) -> None:
    assert "chance" not in ask(capsys, "whatif", plan, "--set", "cr=+10%")


def test_the_chance_is_that_of_simulate_with_the_same_lever_and_seed(capsys, plan) -> None:
    moved = ("--set", "cr=+10%", "--draws", "1600", "--seed", "3")
    found = ask(capsys, "whatif", plan, *moved)["chance"]
    simulated = ask(capsys, "simulate", plan, *moved)
    assert (found["draws"], found["seed"]) == (1600, 3)
    assert found["months"] == simulated["plans"][0]["months"]
    chances = [step["chance"]["value"] for step in found["months"][0]["steps"]]
    assert sum(chances) == pytest.approx(1)


@pytest.mark.parametrize(
    ("said", "draws", "seed"),
    [(("--seed", "3"), DRAWS, 3), (("--draws", "161"), 161 + SCRAMBLES - 1, SEED)],
)
def test_either_of_the_two_is_enough(capsys, plan, said, draws, seed) -> None:
    """Draws are rounded up to whole scrambles."""
    found = ask(capsys, "whatif", plan, "--set", "cr=+10%", *said)["chance"]
    assert (found["draws"], found["seed"]) == (draws, seed)


def test_levers_of_channels_and_elasticity_reach_the_draws(capsys, plan) -> None:
    """Clicks that get dearer with spend bring fewer orders in every quantile."""
    few = ("--draws", "1600")
    spent = ("--set", "spend=+50%", *few)
    even, dearer, moved, still = (
        ask(capsys, "whatif", plan, *more)["chance"]["months"][0]["kpis"]["orders"]["likely"]
        for more in (
            spent,
            (*spent, "--elasticity", "0.5"),
            (*CHANNEL, *few),
            ("--set", "cr=+0%", *few),
        )
    )
    assert dearer["value"] < even["value"]
    assert moved["value"] < still["value"]  # a social click at 25 buys fewer visits


def test_the_months_ahead_are_judged_by_their_own_targets(capsys, plan) -> None:
    targets = {"2026-10": {"orders": 700}, "2026-11": {"orders": 650}}
    own = changed(default_plan("shop"), period="2026-10", targets=targets)
    plan.write_text(own.as_json(), "utf-8")
    found = ask(capsys, "whatif", plan, "--set", "cr=+0%", "--draws", "160")
    assert found["chance"]["months"][0]["kpis"]["orders"]["target"] == 650


@pytest.mark.parametrize(
    ("lang", "said"), [("en", "1,600 draws, seed 3"), ("ru", "начальное число 3")]
)
def test_draws_and_seed_are_printed(capsys, plan, lang, said) -> None:
    moved = ("--set", "cr=+10%", "--draws", "1600", "--seed", "3", "--lang", lang)
    assert main(asked("whatif", plan, *moved)) == 0
    assert said in capsys.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--draws", "159"), "160"),
        (("--draws", "2000001"), "160 to 2000000"),
        (("--seed", "-1"), "-1"),
        (("--draws", "many"), "--help"),
    ],
)
def test_wrong_draws_and_seeds_are_one_clear_line(capsys, plan, more, said) -> None:
    try:
        code = main(asked("whatif", plan, "--set", "cr=+10%", *more))
    except SystemExit as left:
        code = int(left.code or 0)
    printed = capsys.readouterr()
    assert (code, printed.out, printed.err.count("\n")) == (2, "", 1)
    assert said in printed.err


# --- advertising whose visits nobody knows

ADS = "Date,Channel,Cost,Clicks\n2026-10-01,ppc,1000,200\n2026-10-31,ppc,1000,200\n"
ORDERS = "Date,Orders,Revenue\n2026-10-01,10,20000\n2026-10-31,10,20000\n"
SESSIONS = "Date,Channel,Sessions\n2026-10-01,ppc,160\n2026-10-31,ppc,160\n"


@pytest.fixture
def own(tmp_path: Path) -> list[str]:
    """An advertising report and orders, and no sessions."""
    for name, text in (("ads.csv", ADS), ("orders.csv", ORDERS)):
        (tmp_path / name).write_text(text)
    return [str(tmp_path / name) for name in ("ads.csv", "orders.csv")]


def doubted(capsys: pytest.CaptureFixture[str], *command: str) -> list[str]:
    assert main([*command, "--period", "2026-10", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["findings"]
    return [own["where"] for own in found if own["code"] == "ads_without_visits"]


def test_every_command_that_moves_spend_says_that_nothing_is_known_of_it(
    capsys, plan, own, tmp_path
) -> None:
    kept = []
    for change in ("-10%", "-30%"):
        one = scenario(f"Less {change}", {"spend": change})
        kept.append(tmp_path / f"less{change}.json")
        kept[-1].write_text(Scenarios(scenarios=(one,)).model_dump_json())
    given = ("--plan", str(plan), *own)
    assert doubted(capsys, "whatif", *given, "--set", "spend=-30%") == ["spend"]
    assert doubted(capsys, "compare", *given, *map(str, kept)) == ["spend"]
    assert doubted(capsys, "seek", *given, "--most-profit", "--levers", "spend") == ["spend"]
    assert doubted(capsys, "simulate", *given, "--draws", "160") == ["spend"]
    assert doubted(capsys, "incentive", *given) == ["spend"]


def test_once_sessions_name_the_advertising_spend_is_trusted(capsys, plan, own, tmp_path) -> None:
    (tmp_path / "sessions.csv").write_text(SESSIONS)
    files = (*own, str(tmp_path / "sessions.csv"))
    assert doubted(capsys, "whatif", "--plan", str(plan), *files, "--set", "spend=-30%") == []


@pytest.mark.parametrize(
    ("lang", "said"), [("en", "No visit is known to come"), ("ru", "Ни об одном визите")]
)
def test_that_nothing_is_known_of_spend_is_printed_last(capsys, plan, own, lang, said) -> None:
    more = ("--set", "spend=-30%", "--period", "2026-10", "--lang", lang)
    assert main(["whatif", "--plan", str(plan), *more, *own]) == 0
    assert said in capsys.readouterr().out.splitlines()[-1]
