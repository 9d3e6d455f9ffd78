"""Event funnels: who did one thing after another, counted from a log of single events.

A `EventFunnel` says what is asked, `event_funnel` answers it from an `EventLog`; `spark` asks a
Spark Connect server the same. By construction no step has more units than the one before it.
"""

from kpi_core.events.asked import EventFunnel, Exclusion, Order, Step, duration, step
from kpi_core.events.engine import event_counts, event_funnel, usual_steps
from kpi_core.events.table import as_csv, step_name, way_name
from kpi_core.events.told import (
    Cohort,
    EventFunnelResult,
    EventStep,
    Group,
    Left,
    Portion,
    Times,
)

__all__ = [
    "Cohort",
    "EventFunnel",
    "EventFunnelResult",
    "EventStep",
    "Exclusion",
    "Group",
    "Left",
    "Order",
    "Portion",
    "Step",
    "Times",
    "as_csv",
    "duration",
    "event_counts",
    "event_funnel",
    "step",
    "step_name",
    "usual_steps",
    "way_name",
]
