"""What is kept between sessions: plans and scenarios with their versions, files, sign-offs, a log.

Kept is what was saved, never what was merely opened. Rows lie in SQLite or PostgreSQL, the facts of
uploaded files beside them as Parquet. A version, a snapshot and an entry of the log are written
once; saving over what somebody else has saved meanwhile is refused, and nothing is lost.

`Workspace.open` is the door, also for several people (`Workspace.as_person`).
"""

from kpi_core.workspace.desk import Desk
from kpi_core.workspace.documents import Saved, Version
from kpi_core.workspace.place import Place, place
from kpi_core.workspace.room import Role
from kpi_core.workspace.workspace import Workspace

__all__ = ["Desk", "Place", "Role", "Saved", "Version", "Workspace", "place"]
