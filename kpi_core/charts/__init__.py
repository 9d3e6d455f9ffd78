"""Results to Altair charts, for pages, reports and notebooks alike: one module a page.

Every label is formatted here, in the reader's language: a chart never formats a number itself.
Channels are objects, not shorthand strings, which cost milliseconds each.
"""

from kpi_core.charts.calendar import calendar
from kpi_core.charts.chance import bonus_chances, fan, share_bars, tornado_bars
from kpi_core.charts.channels import returns
from kpi_core.charts.events import cohort_line, took_bars
from kpi_core.charts.fairness import pay_band, pay_bars
from kpi_core.charts.funnel import event_bars, funnel_bars, picture
from kpi_core.charts.incentive import bonus_curve, profit_curve
from kpi_core.charts.replay import pay_steps, profit_bars
from kpi_core.charts.scenarios import scenario_bonus, scenario_profit
from kpi_core.charts.scorecard import contributions, rule_curve, waterfall
from kpi_core.charts.style import INK
from kpi_core.charts.trend import course_line, trend_line
from kpi_core.charts.whatif import Shift, changes, shifts

__all__ = [
    "INK",
    "Shift",
    "bonus_chances",
    "bonus_curve",
    "calendar",
    "changes",
    "cohort_line",
    "contributions",
    "course_line",
    "event_bars",
    "fan",
    "funnel_bars",
    "pay_band",
    "pay_bars",
    "pay_steps",
    "picture",
    "profit_bars",
    "profit_curve",
    "returns",
    "rule_curve",
    "scenario_bonus",
    "scenario_profit",
    "share_bars",
    "shifts",
    "took_bars",
    "tornado_bars",
    "trend_line",
    "waterfall",
]
