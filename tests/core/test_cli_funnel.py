"""The command ``funnel``: which stages, of whom, beside what, and what raising a step brings."""

import json
from pathlib import Path

import pytest

from kpi_core.cli import main
from kpi_core.plan import changed, default_plan

SHOP = sorted(map(str, (Path(__file__).parents[2] / "sample_data" / "shop").glob("*.csv")))
OCTOBER = ("funnel", "--business", "shop", "--period", "2026-10", "--lang", "en", *SHOP)


def ask(capsys: pytest.CaptureFixture[str], *more: str) -> dict:
    assert main([*OCTOBER, "--json", *more]) == 0
    return json.loads(capsys.readouterr().out)


def test_another_funnel_is_named(capsys) -> None:
    found = ask(capsys, "--funnel", "checkout")
    assert [stage["id"] for stage in found["stages"]] == [
        "carts", "checkouts", "orders", "paid_orders"
    ]  # fmt: skip
    assert found["stages"][0]["kind"] == "events"


def test_stages_of_ones_own_are_counted_in_their_order(capsys) -> None:
    found = ask(capsys, "--stages", "sessions,carts,orders")
    assert [stage["count"] for stage in found["stages"]] == [53918, 3992, 697]
    assert found["overall"] == pytest.approx(697 / 53918)


def test_a_plan_says_which_funnel_is_looked_at(capsys, tmp_path) -> None:
    """Its own stages; those of the command line go before them."""
    file = tmp_path / "plan.json"
    stages = ("carts=In the basket", "orders")
    plan = changed(default_plan("shop"), period="2026-10", funnel="own", stages=stages)
    file.write_text(plan.as_json(), "utf-8")
    words = ["funnel", "--plan", str(file), "--lang", "en", "--json", *SHOP]

    assert main(words) == 0
    found = json.loads(capsys.readouterr().out)
    assert [stage["count"] for stage in found["stages"]] == [3992, 697]
    assert main([*words, "--funnel", "checkout"]) == 0
    assert json.loads(capsys.readouterr().out)["funnel"] == "checkout"


def test_a_part_beside_all_the_others_is_tested_with_a_named_correction(capsys) -> None:
    """Social: 148 of 1083 views; the others: 3992 - 148 of 17389 - 1083."""
    found = ask(capsys, "--segment", "channel=social", "--compare", "others")
    beside = found["compared"]
    carts = next(step for step in beside["steps"] if step["stage"] == "carts")
    assert carts["other_rate"] == pytest.approx(3844 / 16306)
    assert carts["change"] == pytest.approx(148 / 1083 - 3844 / 16306)
    assert (carts["verdict"], beside["correction"], beside["tested"]) == ("real", "holm", 3)


def test_earlier_days_stand_beside(capsys) -> None:
    found = ask(capsys, "--compare", "year_ago")["compared"]
    assert found["period"] == ["2025-10-01", "2025-10-31"]
    assert {step["verdict"] for step in found["steps"]} == {"chance", "unripe", "not_tested"}


def test_every_part_is_set_against_the_others(capsys) -> None:
    found = ask(capsys, "--by", "channel")["segments"]
    assert [part["slice"] for part in found["parts"]][:2] == ["organic", "paid_search"]
    assert [(loss["slice"], loss["stage"]) for loss in found["losses"]] == [("social", "carts")]


def test_a_raised_step_says_what_follows(capsys) -> None:
    (made,) = ask(capsys, "--raise", "carts=30%")["fixes"]
    factor = 0.3 / (3992 / 17389)
    assert made["gained"]["orders"] == pytest.approx(707 * (factor - 1))
    assert made["bonus"] == 15000


def test_a_point_of_every_step_is_ranked(capsys) -> None:
    found = ask(capsys, "--raise", "point")["fixes"]
    assert [made["stage"] for made in found][:2] == ["carts", "checkouts"]


def test_people_read_words(capsys) -> None:
    assert main([*OCTOBER, "--compare", "previous", "--by", "channel", "--raise", "point"]) == 0
    said = capsys.readouterr().out
    assert "may be chance" in said
    assert "Holm" in said
    assert "Social → Cart" in said
    assert "Cart from 22.96% to 23.96%; Orders: +31" in said


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("--funnel", "clasic"), "classic"),
        (("--stages", "sessions"), "at least two"),
        (("--segment", "email"), "channel=email"),
        (("--segment", "colour=red"), "channel"),
        (("--segment", "channel=emial"), "email"),
        (("--compare", "others"), "--segment"),
        (("--raise", "carts=much"), "carts=25%"),
        (("--raise", "nosuch=20%"), "carts"),
        (("--raise", "carts=120%"), "100"),
    ],
)
def test_what_cannot_be_asked_is_told_with_what_can(capsys, asked, said) -> None:
    assert main([*OCTOBER, *asked]) != 0
    printed = capsys.readouterr()
    assert said in printed.out + printed.err
