"""Scenarios in a report: what they move on no known ground is said wherever they are told of."""

from typing import Any

import pytest

from kpi_core.plan import default_plan
from kpi_core.report import Part, Report, gather
from kpi_core.report.printed import sections, slides
from kpi_core.report.xlsx import workbook
from kpi_core.scenario import scenario
from tests.core.small import daily, facts
from tests.core.test_report_xlsx import grids

ADS = "Date,Channel,Cost,Clicks\n2026-10-01,ppc,1000,200\n2026-10-31,ppc,1000,200"
ORDERS = daily("Orders", "Revenue", rows={1: (10, 20000), 31: (10, 20000)})
VISITS = "Date,Channel,Sessions\n2026-10-01,ppc,160\n2026-10-31,ppc,160"
SAID = {"en": "No visit is known to come from advertising", "ru": "Ни об одном визите не известно"}
LESS = scenario("Less", {"spend": "-30%"})
DEARER = scenario("Dearer", {"aov": "+1%"})
STILL = scenario("Still", {"aov": "-1%"})


def reported(
    *files: str, lang: str = "en", scenarios: tuple = (LESS, DEARER), **more: Any
) -> Report:
    made = facts(*files)
    month = made.months()[-1]
    plan = default_plan("shop")
    return gather(made, (), plan, month, lang, scenarios=scenarios, **more)


def told(blocks: Any, lang: str = "en") -> int:
    """How often blocks say it."""
    return repr(tuple(blocks)).count(SAID[lang])


@pytest.mark.parametrize("lang", ["en", "ru"])
def test_wherever_less_spend_is_called_better_the_ground_is_doubted(lang: str) -> None:
    """30 % less of 2000 leaves 600 more, and all 20 orders: of visits nobody told."""
    report = reported(ADS, ORDERS, lang=lang)
    assert report.scenarios
    assert report.scenarios.best == 1
    now, less, _ = report.scenarios.row("profit_after_ads").figures
    assert (less or 0) - (now or 0) == 600
    found = {own.id: told(own.blocks, lang) for own in sections(report)}
    assert (found["summary"], found["scenarios"], found["data"]) == (1, 1, 1)
    shown = {own.id: told(own.blocks, lang) for own in slides(report)}
    assert (shown["scenario.1"], shown["scenario.2"], shown["best"]) == (1, 0, 1)
    sheets = [str(rows) for rows in grids(workbook(report)).values()]
    assert sum(SAID[lang] in said for said in sheets) == 2, "beside the scenarios and the data"


def test_without_the_part_on_data_it_is_said_all_the_same() -> None:
    report = reported(ADS, ORDERS, parts={Part.SCENARIOS})
    assert told(block for own in sections(report) for block in own.blocks) == 2


def test_scenarios_that_leave_advertising_alone_are_not_doubted() -> None:
    report = reported(ADS, ORDERS, scenarios=(DEARER, STILL))
    assert "ads_without_visits" not in {found.code for found in report.findings}


def test_known_visits_of_advertising_leave_no_doubt() -> None:
    report = reported(ADS, ORDERS, VISITS)
    assert report.scenarios
    assert report.scenarios.findings == ()
