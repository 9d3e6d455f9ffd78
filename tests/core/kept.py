"""Workspaces for tests, in SQLite and in PostgreSQL, and small things to keep in them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from kpi_core import catalogue
from kpi_core.facts import combine
from kpi_core.ingest import Upload, read
from kpi_core.kpis import kpi_values
from kpi_core.pay import payout
from kpi_core.plan import Plan
from kpi_core.signoff import Snapshot, draft, proposed
from kpi_core.workspace import Workspace
from tests.core.small import daily

DAY = date(2026, 11, 10)
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
Opens = Callable[..., Workspace]
_numbers = count(1)


def plan(target: int = 300, **fields: object) -> Plan:
    """A portal that wants visits in October, paid up to 500."""
    usual = {
        "business": "portal",
        "currency": "RUB",
        "lines": [{"kpi": "sessions", "target": target, "weight": 1}],
        "scheme": {"kind": "scorecard", "salary": "1000.00", "fund": "500.00"},
        "period": "2026-10",
    }
    return Plan.model_validate(usual | fields)


def visits(each: int = 9, name: str = "visits.csv") -> Upload:
    """So many visits on each day of October."""
    return read(name, daily("Sessions", rows=dict.fromkeys(range(1, 32), (each,))).encode())


def proposal(plan: Plan, uploads: list[Upload]) -> Snapshot:
    """What a plan pays for files, put forward."""
    values = kpi_values(
        combine(uploads),
        catalogue.business(plan.business),
        plan.asked_period(),
        settings=plan.settings(),
        kpis=plan.shown_kpis(),
    )
    return proposed(draft(plan, uploads, payout(plan, values)), "A. Owner", DAY)


def ticking(step: timedelta = timedelta(seconds=1)) -> Callable[[], datetime]:
    """A clock that moves by a step whenever somebody looks at it."""
    ticks = count()
    return lambda: NOON + next(ticks) * step


def new_database(server: str) -> str:
    """The address of a database of its own, of a PostgreSQL server."""
    name = f"workspace_{next(_numbers)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return make_url(server).set(database=name).render_as_string(hide_password=False)


@pytest.fixture(params=["sqlite", "postgres"])
def opens(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opens]:
    """Opens one and the same workspace, as often as it is called; another one by its `id`."""
    address = None
    if request.param == "postgres":
        address = new_database(request.getfixturevalue("postgres_url"))
    with ExitStack() as opened:

        def open_(**more: object) -> Workspace:
            usual = {"person": "Owner", "clock": ticking(), "patience": 10}
            own = Workspace.open(tmp_path / "kept", address, **usual | more)
            opened.callback(own.close)
            return own

        yield open_
