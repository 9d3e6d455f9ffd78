"""Where a workspace lies: a folder, and in it a database unless an address names another one."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from kpi_core.errors import WorkspaceError

FOLDER, ADDRESS = "KPI_WORKSPACE", "KPI_WORKSPACE_URL"  # of the environment
DATABASE = "kpi-pay.sqlite"


@dataclass(frozen=True)
class Place:
    """Where rows and files are kept.

    Attributes:
        folder: of the files, and of the SQLite database where there is no other one.
        url: of the database.
    """

    folder: Path
    url: URL

    @property
    def path(self) -> Path | None:
        """The file of the database, where it is one of SQLite."""
        return Path(self.url.database or "") if self.url.get_backend_name() == "sqlite" else None

    def __str__(self) -> str:
        """The database as people may see it, without its password."""
        return str(self.path or self.url.render_as_string(hide_password=True))


def place(folder: Path | None = None, address: str | None = None) -> Place:
    """The place that is named, else that of the environment, else the user's data folder.

    Args:
        folder: else ``KPI_WORKSPACE``.
        address: of PostgreSQL, ``postgresql://name:password@host/database``; else
            ``KPI_WORKSPACE_URL``.

    Raises:
        WorkspaceError: the address is none of PostgreSQL.
    """
    named = folder or os.environ.get(FOLDER) or _data_folder() / "kpi-pay"
    where = Path(named).expanduser().absolute()
    given = address or os.environ.get(ADDRESS)
    if not given:
        return Place(where, URL.create("sqlite", database=str(where / DATABASE)))
    try:
        url = make_url(given)
    except ArgumentError:
        raise WorkspaceError("workspace_address") from None
    if url.get_backend_name() not in {"postgres", "postgresql"}:
        raise WorkspaceError("workspace_address")
    return Place(where, url.set(drivername="postgresql+psycopg"))


def _data_folder() -> Path:
    """Where programs of this system keep what is their user's."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
