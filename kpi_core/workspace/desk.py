"""What somebody is at, not saved yet: written after each edit, given back after a fall."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy import ColumnElement, delete, insert, select, update

from kpi_core.errors import WorkspaceError
from kpi_core.link import View
from kpi_core.workspace.room import Role, Room, moment
from kpi_core.workspace.schema import DESKS, WORKSPACES


@dataclass(frozen=True)
class Desk:
    """What lay there.

    Attributes:
        view: plan, period, levers, scenarios.
        uploads: the digests of the files that were open, in their order.
        at: when, in UTC.
    """

    view: View
    uploads: tuple[str, ...]
    at: datetime


class _Held(BaseModel):
    """The same as a row holds it."""

    model_config = ConfigDict(extra="forbid")

    view: View
    uploads: tuple[str, ...]


class Desks:
    """The desk of the person; nobody else sees it, and the log does not speak of it."""

    def __init__(self, room: Room) -> None:
        self._room = room

    def put(self, view: View, uploads: Sequence[str] = ()) -> None:
        """Put down how things stand, instead of how they stood.

        Raises:
            WorkspaceError: it cannot be written.
        """
        held = _Held(view=view, uploads=tuple(uploads)).model_dump_json()
        row = {"at": moment(self._room.clock()), "content": held}
        turn = select(WORKSPACES.c.id).where(WORKSPACES.c.id == self._room.id).with_for_update()
        with self._room.database.jotting() as connection:
            connection.execute(turn)  # two windows of one person may put down at once
            self._room.check(connection, Role.VIEWER)
            if not connection.execute(update(DESKS).where(self._mine()).values(**row)).rowcount:
                whose = {"workspace": self._room.id, "person": self._room.person}
                connection.execute(insert(DESKS).values(**whose, **row))

    def get(self) -> Desk | None:
        """What lies there, if anything.

        Raises:
            WorkspaceError: it cannot be read.
        """
        with self._room.reading() as connection:
            row = connection.execute(select(DESKS).where(self._mine())).one_or_none()
        if row is None:
            return None
        try:
            held = _Held.model_validate_json(row.content)
        except ValidationError:
            raise WorkspaceError("workspace_desk_wrong") from None
        return Desk(held.view, held.uploads, datetime.fromisoformat(row.at))

    def clear(self) -> None:
        """Take away what lies there."""
        with self._room.database.jotting() as connection:
            connection.execute(delete(DESKS).where(self._mine()))

    def _mine(self) -> ColumnElement[bool]:
        return (DESKS.c.workspace == self._room.id) & (DESKS.c.person == self._room.person)
