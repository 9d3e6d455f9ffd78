"""The workspace: the door to everything that is kept."""

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from sqlalchemy import insert, select

from kpi_core.errors import Finding, WorkspaceError
from kpi_core.plan import Plan
from kpi_core.scenario import Scenarios
from kpi_core.workspace import archive, verifying
from kpi_core.workspace.database import PATIENCE, Database
from kpi_core.workspace.desk import Desks
from kpi_core.workspace.documents import PLANS, SCENARIOS, Documents
from kpi_core.workspace.files import Files
from kpi_core.workspace.members import Members
from kpi_core.workspace.place import Place, place
from kpi_core.workspace.room import (
    BEGINNING,
    Entry,
    Member,
    Role,
    Room,
    local_person,
    moment,
    named,
    utc_now,
)
from kpi_core.workspace.schema import WORKSPACES
from kpi_core.workspace.snapshots import Snapshots
from kpi_core.workspace.uploads import Uploads

MAIN = "main"
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


class Workspace:
    """What one person may reach of a workspace.

    Attributes:
        plans: saved plans and their versions.
        scenarios: saved scenarios, alike.
        uploads: files that were kept.
        snapshots: sign-offs, approvals among them.
        desk: what the person is at, not saved yet.
        members: who else may come in.
    """

    def __init__(self, room: Room) -> None:
        self._room = room
        self.plans: Documents[Plan] = Documents(room, PLANS)
        self.scenarios: Documents[Scenarios] = Documents(room, SCENARIOS)
        self.uploads = Uploads(room)
        self.snapshots = Snapshots(room)
        self.desk = Desks(room)
        self.members = Members(room)

    @classmethod
    def open(
        cls,
        folder: Path | None = None,
        address: str | None = None,
        *,
        id: str = MAIN,
        person: str | None = None,
        patience: float = PATIENCE,
        clock: Callable[[], datetime] = utc_now,
    ) -> "Workspace":
        """Open a workspace as its single local owner; it is made where there is none.

        Args:
            folder: of its files, and of its database if that is SQLite; else that of `place`.
            address: of PostgreSQL; else that of `place`.
            id: which of several in one database; small letters, digits and hyphens.
            person: what the owner is called; else as the machine calls them.
            patience: seconds to wait for another writer.
            clock: gives the time, with its offset from UTC.

        Raises:
            WorkspaceError: it was damaged (then it is set aside), is of a later version of the
                program, or cannot be reached or written.
        """
        if not _ID.fullmatch(id):
            raise WorkspaceError("workspace_bad_name", most=40)
        owner = named(person or local_person())
        where = place(folder, address)
        database = Database(where, patience)
        files = Files(where.folder / "files" / id)
        own = select(WORKSPACES.c.id).where(WORKSPACES.c.id == id)
        with database.reading() as connection:
            there = connection.execute(own).scalar()
        if there is None:
            with database.making() as connection:
                if connection.execute(own).scalar() is None:
                    row = {"made_at": moment(clock()), "entries": 0, "head": BEGINNING}
                    connection.execute(insert(WORKSPACES).values(id=id, **row))
        return cls(Room(database, files, id, owner, local=True, clock=clock))

    def as_person(self, email: str) -> "Workspace":
        """The same as somebody else sees it, by the role that they have at each moment.

        Who logged in must be known to be who they say. Only the local owner can do this.

        Raises:
            WorkspaceError: they have no role here.
        """
        room = self._room.of(email)
        with room.reading():
            return Workspace(room)

    @property
    def place(self) -> Place:
        """Where it lies."""
        return self._room.database.place

    def me(self) -> Member:
        """Who works here and what they may do."""
        with self._room.reading() as connection:
            return self._room.member(connection)

    def log(self) -> tuple[Entry, ...]:
        """Who did what and when, the first entry first; for owners.

        Raises:
            WorkspaceError: who asks is no owner.
        """
        with self._room.reading(Role.OWNER) as connection:
            return tuple(verifying.entries(connection, self._room.id))

    def verify(self) -> tuple[Finding, ...]:
        """What is not as the log says; nothing where all is as it was written. For owners.

        Raises:
            WorkspaceError: who asks is no owner.
        """
        with self._room.reading(Role.OWNER) as connection:
            return tuple(verifying.differences(connection, self._room.files, self._room.id))

    def export_to(self, path: Path) -> None:
        """Write everything into a new file: a backup, with pay and all.

        Raises:
            WorkspaceError: who asks is no owner, or the file exists or cannot be written.
        """
        archive.export(self._room, path)

    def import_from(self, path: Path) -> None:
        """Fill this workspace, in which nothing was done yet, from such a file.

        Raises:
            WorkspaceError: who asks is no owner, this one is not empty, or the file is not sound;
                then nothing was kept.
        """
        archive.bring(self._room, path)

    def close(self) -> None:
        """Let go of the database."""
        self._room.database.close()
