"""The command line: trend, objectives, and both values of a comparison."""

import json
from pathlib import Path

import pytest

from kpi_core.cli import main
from kpi_core.objectives import EXAMPLE
from kpi_core.plan import changed, default_plan

SHOP = Path(__file__).parent.parent.parent / "sample_data" / "shop"
FILES = [str(SHOP / name) for name in ("metrika_sources.csv", "orders.csv", "direct_campaigns.csv")]
OCTOBER = ("--period", "2026-10", "--lang", "en")


@pytest.fixture
def plan(tmp_path: Path) -> str:
    made = changed(
        default_plan("shop"),
        objectives=[EXAMPLE.model_dump() | {"name": "Double", "price": None}],
        guards=[{"kpi": "aov", "guard": "cpo"}],
    )
    path = tmp_path / "plan.json"
    path.write_text(made.as_json(), "utf-8")
    return str(path)


def run(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(words) == 0
    return capsys.readouterr().out


def test_trend_prints_lines_forecasts_and_the_month(capsys, plan: str) -> None:
    found = json.loads(run(capsys, "trend", *FILES, "--plan", plan, *OCTOBER, "--json"))
    orders = next(own for own in found["kpis"] if own["kpi"] == "orders")
    assert orders["points"][-1]["value"] == 707
    assert orders["points"][-1]["year_ago"] == 591
    assert orders["ahead"]["month"] == ["2026-11-01", "2026-11-30"]
    assert 0 < orders["ahead"]["probability"] < 1
    assert orders["ahead"]["tested"] == 7
    (course,) = [own for own in found["courses"] if own["kpi"] == "orders"]
    assert (course["counted"], course["target"], course["probability"]) == (707, 800, 0)


def test_trend_is_readable_and_knows_weeks(capsys, plan: str) -> None:
    said = run(capsys, "trend", *FILES, "--plan", plan, *OCTOBER)
    assert said.startswith("Orders, October 2026: the month ended at 707")
    weeks = run(capsys, "trend", *FILES, "--plan", plan, *OCTOBER, "--by", "week")
    assert "2026-10-05" in weeks
    assert "incomplete" in weeks


def test_objectives_say_what_is_missing(capsys, plan: str) -> None:
    found = json.loads(run(capsys, "objectives", *FILES, "--plan", plan, *OCTOBER, "--json"))
    (own,) = found["objectives"]
    assert own["missing"] == ["price"]
    assert own["aims"][0]["checks"]["achievable"]["held"] is False
    assert found["guards"][0]["kept"] is True
    said = run(capsys, "objectives", *FILES, "--plan", plan, *OCTOBER)
    assert "no price target" in said
    assert "✓ Average order value (AOV), guarded by" in said


def test_a_plan_without_objectives_says_so(capsys, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(default_plan("shop").as_json(), "utf-8")
    said = run(capsys, "objectives", *FILES, "--plan", str(path), *OCTOBER)
    assert said.startswith("The plan has no objective.")


def test_kpis_are_compared(capsys) -> None:
    asked = ("kpis", *FILES, "--business", "shop", *OCTOBER, "--compare", "year_ago")
    compared = json.loads(run(capsys, *asked, "--json"))["compared"]
    assert compared["period"] == ["2025-10-01", "2025-10-31"]
    orders = next(row for row in compared["rows"] if row["kpi"] == "orders")
    assert (orders["value"], orders["earlier"]) == (707, 591)
    assert orders["change"] == pytest.approx(707 / 591 - 1)
    assert "+19.6%" in run(capsys, *asked)


def test_the_parts_of_a_change_of_score_add_up(capsys, plan: str) -> None:
    asked = ("score", *FILES, "--plan", plan, "--lang", "en", "--period", "2026-06")
    found = json.loads(run(capsys, *asked, "--compare", "previous", "--json"))
    compared = found["compared"]
    assert compared["total"] is not None
    assert compared["change"] == pytest.approx(found["total"] - compared["total"])
    assert compared["change"] != 0
    parts = [own["points"] for own in compared["contributions"]]
    assert sum(parts) == pytest.approx(compared["change"])
    assert "Part of the change" in run(capsys, *asked, "--compare", "previous")
