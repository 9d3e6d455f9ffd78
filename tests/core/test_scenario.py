"""Scenarios: files that come back as they were, hostile ones refused, and figures side by side."""

import base64
import json
import zlib
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpi_core import charts
from kpi_core.cli import main
from kpi_core.errors import KpiError, UsageError
from kpi_core.link import MAX_UNPACKED, decode_scenarios, encode_scenarios
from kpi_core.scenario import (
    MAX_BYTES,
    MOST,
    Scenario,
    Scenarios,
    add,
    compare,
    drop,
    duplicate,
    lever_name,
    put,
    read_scenarios,
    rename,
    reorder,
    scenario,
)
from tests.core.test_attribution import OWN, PLAN, TABLE

FILE = Scenarios(
    scenarios=(
        scenario("Search", {"cr@paid_search": "+10%", "aov": "2100"}),
        scenario("Дороже клики", {"cpc": "+5%"}, elasticity="0.8", note="Осень"),
        scenario("Budget", {"budget@paid_search:email": "100", "cpc@email": "2"}),
    )
)


def names(file: Scenarios) -> list[str]:
    return [own.name for own in file.scenarios]


# --- files and links


def test_a_file_comes_back_as_it_was() -> None:
    assert read_scenarios(FILE.model_dump_json().encode()) == FILE


def test_a_link_comes_back_as_it_was_and_fits_into_an_address_bar() -> None:
    word = encode_scenarios(FILE)
    assert decode_scenarios(word) == FILE
    assert len(word) < 400


def test_only_what_differs_from_the_base_is_kept() -> None:
    kept = json.loads(scenario("Base", {}).model_dump_json())
    assert kept == {"name": "Base", "levers": {}, "elasticity": 1, "note": ""}


@pytest.mark.parametrize(
    "data",
    [
        b"", b"[]", b"null", b"{", b'"x"', b"\xff\xfe", b'{"format": 2}', b'{"more": 1}',
        b'{"scenarios": [{}]}',
        b'{"scenarios": [{"name": ""}]}',
        b'{"scenarios": [{"name": "  "}]}',
        b'{"scenarios": [{"name": "a\\u0000b"}]}',
        b'{"scenarios": [{"name": "' + b"a" * 61 + b'"}]}',
        b'{"scenarios": [{"name": "a"}, {"name": "A"}]}',
        b'{"scenarios": [{"name": "a", "levers": {"cr": 5}}]}',
        b'{"scenarios": [{"name": "a", "levers": {"cr": "much"}}]}',
        b'{"scenarios": [{"name": "a", "levers": {"cr": "-101%"}}]}',
        b'{"scenarios": [{"name": "a", "levers": {"__class__.x": "+1%"}}]}',
        b'{"scenarios": [{"name": "a", "levers": {"cr=aov": "+1%"}}]}',
        b'{"scenarios": [{"name": "a", "elasticity": 0}]}',
        b'{"scenarios": [{"name": "a", "elasticity": 1.01}]}',
        b'{"scenarios": [{"name": "a", "elasticity": "NaN"}]}',
        b'{"scenarios": [{"name": "a", "elasticity": 1e-999999}]}',
        b"[" * 100_000,
        b" " * (MAX_BYTES + 1),
    ],
)  # fmt: skip
def test_a_hostile_or_broken_file_is_refused(data: bytes) -> None:
    with pytest.raises(UsageError):
        read_scenarios(data, "a.json")


@given(st.binary(max_size=200))
def test_no_bytes_do_more_than_be_refused(data: bytes) -> None:
    with suppress(KpiError):
        read_scenarios(data)


def packed(text: str) -> str:
    return base64.urlsafe_b64encode(zlib.compress(text.encode())).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "word",
    ["", "x", "наобум", packed("{"), packed('{"format": 2}'), packed(" " * (MAX_UNPACKED + 1)),
     packed('{"scenarios": [{"name": "a", "levers": {"cr": "x"}}]}'), packed("{}")[:-3]],
)  # fmt: skip
def test_a_broken_link_is_said_to_be_one(word: str) -> None:
    with pytest.raises(UsageError):
        decode_scenarios(word)


@given(st.text(max_size=60))
def test_no_word_does_more_than_be_refused(word: str) -> None:
    with suppress(KpiError):
        decode_scenarios(word)


# --- changing a file


def test_a_copy_stands_after_its_original_under_a_name_of_its_own() -> None:
    once = duplicate(FILE, "Search")
    assert names(once) == ["Search", "Search (2)", "Дороже клики", "Budget"]
    assert once.named("Search (2)").levers == FILE.named("Search").levers
    assert names(duplicate(once, "Search"))[:3] == ["Search", "Search (3)", "Search (2)"]
    assert names(FILE) == ["Search", "Дороже клики", "Budget"]


def test_a_scenario_is_renamed_moved_replaced_and_dropped() -> None:
    renamed = rename(FILE, "Search", " Поиск ")
    assert names(renamed) == ["Поиск", "Дороже клики", "Budget"]
    assert renamed.named("Поиск").levers == FILE.named("Search").levers
    assert names(rename(FILE, "Search", "SEARCH"))[0] == "SEARCH"
    assert names(reorder(FILE, "Budget", 0)) == ["Budget", "Search", "Дороже клики"]
    assert names(reorder(FILE, "Search", 99)) == ["Дороже клики", "Budget", "Search"]
    assert put(FILE, scenario("Budget", {})).named("Budget").levers == {}
    assert names(drop(FILE, "Дороже клики")) == ["Search", "Budget"]


def test_names_are_not_taken_twice_and_a_file_has_an_end() -> None:
    with pytest.raises(UsageError, match="Budget: two scenarios"):
        add(FILE, scenario("budget", {}))
    with pytest.raises(UsageError, match="two scenarios"):
        rename(FILE, "Search", "BUDGET")
    with pytest.raises(UsageError, match="no name"):
        rename(FILE, "Search", " ")
    with pytest.raises(UsageError, match="Available: Search, Дороже клики, Budget"):
        drop(FILE, "Nothing")
    full = FILE
    for number in range(MOST - len(FILE.scenarios)):
        full = add(full, scenario(str(number), {}))
    with pytest.raises(UsageError):
        duplicate(full, "Search")


# --- side by side


def test_scenarios_stand_beside_the_base_with_what_they_change() -> None:
    """20 orders of 2000; half more conversion is 30; twice the spend buys 160 visits more.

    At an elasticity of one half it buys sqrt 2 as many clicks.
    """
    found = compare(
        OWN,
        [
            scenario("cr", {"cr": "+50%"}),
            scenario("spend", {"spend": "+300%"}, elasticity="0.5"),
        ],
    )
    orders = next(row for row in found.rows if (row.kind, row.id) == ("measure", "orders"))
    assert orders.base == 20
    assert [cell.value for cell in orders.cells] == [30, Fraction("23.2")]
    assert (orders.cells[0].variance, orders.cells[0].share) == (10, Fraction(1, 2))
    profit = found.row("profit_after_ads")
    assert (profit.base, profit.cells[0].value) == (11000, 17000)
    bonus = found.row("bonus")
    assert (bonus.base, bonus.cells[0].value) == (250, 1000)
    after = found.row("profit_after_pay")
    assert after.cells[0].value == 17000 - 2000
    kinds = dict.fromkeys(row.kind for row in found.rows)
    assert list(kinds) == ["driver", "measure", "kpi", "result"]


def test_without_levers_every_scenario_is_the_base() -> None:
    found = compare(OWN, [scenario("a", {}), scenario("b", {}, elasticity="0.3")])
    for row in found.rows:
        assert all(cell.value == row.base for cell in row.cells)
        assert all(not cell.variance for cell in row.cells)


def test_a_lever_of_one_scenario_stands_where_it_is_in_the_others() -> None:
    found = compare(OWN, [scenario("a", {"cr@paid_search": "0.1"}), scenario("b", {})])
    row = next(row for row in found.rows if row.id == "cr@paid_search")
    assert (row.base, [cell.value for cell in row.cells]) == (
        Fraction(1, 20), [Fraction(1, 10), Fraction(1, 20)]
    )  # fmt: skip


def test_a_scenario_of_other_data_is_told_and_the_others_are_still_compared() -> None:
    other = scenario("other", {"cr@ozon": "+10%"})
    found = compare(OWN, [scenario("cr", {"cr": "+50%"}), other])
    assert list(found.untold) == ["other"]
    assert "no such channel" in found.untold["other"].text("en")
    assert [cell.value for cell in found.row("bonus").cells] == [1000, None]


@pytest.mark.parametrize("count", [0, 1, 6])
def test_from_two_to_five_are_compared(count: int) -> None:
    with pytest.raises(UsageError, match="from 2 to 5"):
        compare(OWN, [scenario(str(number), {}) for number in range(count)])


@pytest.mark.parametrize("lang", ["ru", "en"])
def test_charts_show_the_base_and_every_scenario(lang: str) -> None:
    long = "A scenario with a name that no phone has room for"
    found = compare(OWN, [scenario("cr", {"cr": "+50%"}), scenario(long, {"cr": "-50%"})])
    for chart in (charts.scenario_bonus, charts.scenario_profit):
        drawn = chart(found, lang).to_dict()
        rows = next(iter(drawn["datasets"].values()))
        assert [row["kind"] for row in rows] == ["same", "above", "below"]
        assert rows[2]["full"] == long
        assert len(rows[2]["name"]) < 24


def test_levers_are_called_by_driver_and_channel() -> None:
    assert lever_name(OWN, "cr", "en") == "Conversion rate"
    assert lever_name(OWN, "cr@paid_search", "en") == "Conversion rate, Paid search"
    assert "E-mail" in lever_name(OWN, "budget@paid_search:email", "en")


def test_a_scenario_as_a_part_of_a_file_is_frozen() -> None:
    own: Scenario = FILE.scenarios[0]
    with pytest.raises(ValueError, match="frozen"):
        own.name = "x"  # type: ignore[misc]


# --- on the command line


def asked(tmp_path: Path, *options: str) -> list[str]:
    plan, table = tmp_path / "plan.json", tmp_path / "table.csv"
    plan.write_text(json.dumps(PLAN))
    table.write_text(TABLE)
    shown = ["--json", "--lang", "en", "--plan", str(plan), "--period", "2026-10"]
    return [*options, *shown, str(table)]


def test_the_command_line_compares_files_of_scenarios(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = [tmp_path / "a.json", tmp_path / "b.json"]
    for path, change in zip(kept, ("+50%", "0.01"), strict=True):
        own = scenario(path.stem, {"cr": change})
        path.write_text(Scenarios(scenarios=(own,)).model_dump_json())
    assert main([*asked(tmp_path, "compare"), *map(str, kept)]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert [own["name"] for own in answer["scenarios"]] == ["a", "b"]
    orders = next(
        row for row in answer["rows"] if (row["kind"], row["id"]) == ("measure", "orders")
    )
    assert (orders["base"], [own["value"] for own in orders["scenarios"]]) == (20, [30, 10])
    assert [own["share"] for own in orders["scenarios"]] == [0.5, -0.5]


def test_the_command_line_moves_channels_budgets_and_elasticity_and_says_what_did_what(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """100 of 1000 at 5.00 are taken from 16 visits of 5 %; at 2.00 they buy 40 of 1/70."""
    moves = ["--move", "paid_search:organic=10%", "--set", "cpc@organic=2"]
    more = ["--set", "cr@organic=+10%", "--attribute", "measures.orders"]
    assert main(asked(tmp_path, "whatif", *moves, *more)) == 0
    answer = json.loads(capsys.readouterr().out)
    parts, change = answer["attribution"]["parts"], answer["result"]["measures"]["orders"] - 20
    assert sum(parts.values()) == pytest.approx(change)
    assert change == pytest.approx(-16 * 0.05 + 880 * 1.1 / 70 - 12)
    assert (answer["result"]["measures"]["spend"], parts["cpc@organic"]) == (1000, 0)
    spend = ["--set", "spend=+300%", "--elasticity", "0.5"]
    assert main(asked(tmp_path, "whatif", *spend)) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["elasticity"], answer["result"]["measures"]["clicks"]) == (0.5, 400)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["compare"], "end in .json"),
        (["compare", "nowhere.json"], "not there"),
        (["whatif"], "--set"),
        (["whatif", "--set", "cr=+1%", "--elasticity", "many"], "elasticity"),
        (["whatif", "--move", "a"], "budget move"),
        (["whatif", "--set", "cr=+1%", "--set", "cr=+2%"], "named twice"),
    ],
)
def test_wrong_use_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], said: str
) -> None:
    command, *rest = options
    files = [own for own in rest if own.endswith(".json")]
    rest = [own for own in rest if own not in files]
    assert main([*asked(tmp_path, command, *rest), *files]) == 2
    assert said in capsys.readouterr().err
