"""Results to Altair charts, for pages, reports and notebooks alike: one module a page.

Every label is formatted here, in the reader's language: a chart never formats a number itself.
Channels are objects, not shorthand strings, which cost milliseconds each.
"""

from kpi_core.charts.calendar import calendar
from kpi_core.charts.channels import returns
from kpi_core.charts.fairness import pay_band, pay_bars
from kpi_core.charts.funnel import funnel_bars, picture
from kpi_core.charts.incentive import bonus_curve, profit_curve
from kpi_core.charts.replay import pay_steps, profit_bars
from kpi_core.charts.scorecard import contributions, rule_curve, waterfall
from kpi_core.charts.style import INK
from kpi_core.charts.trend import course_line, trend_line
from kpi_core.charts.whatif import changes

__all__ = [
    "INK",
    "bonus_curve",
    "calendar",
    "changes",
    "contributions",
    "course_line",
    "funnel_bars",
    "pay_band",
    "pay_bars",
    "pay_steps",
    "picture",
    "profit_bars",
    "profit_curve",
    "returns",
    "rule_curve",
    "trend_line",
    "waterfall",
]
