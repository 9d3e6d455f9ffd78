"""Who may look, change and decide in a workspace that is not of one person alone."""

from sqlalchemy import delete, insert, select
from sqlalchemy.engine import Connection

from kpi_core.errors import WorkspaceError
from kpi_core.workspace.room import Member, Role, Room, digest, named
from kpi_core.workspace.schema import MEMBERS


class Members:
    """The people of a workspace; only owners say who they are."""

    def __init__(self, room: Room) -> None:
        self._room = room

    def list(self) -> tuple[Member, ...]:
        """All of them."""
        asked = select(MEMBERS).where(MEMBERS.c.workspace == self._room.id)
        with self._room.reading() as connection:
            rows = connection.execute(asked.order_by(MEMBERS.c.person)).all()
        return tuple(Member(row.person, Role(row.role), row.sees_pay) for row in rows)

    def admit(self, person: str, role: Role, *, sees_pay: bool = False) -> None:
        """Give somebody a role, or another one.

        Args:
            person: their e-mail address; capitals do not matter.
            role: what they may do.
            sees_pay: whether a viewer sees what is paid; everybody else does.

        Raises:
            WorkspaceError: who says so is no owner, or the name cannot be kept.
        """
        email = named(person).casefold()
        row = {"person": email, "role": str(role), "sees_pay": sees_pay}
        with self._room.writing(Role.OWNER) as turn:
            self._leave(turn.connection, email)
            turn.connection.execute(insert(MEMBERS).values(workspace=self._room.id, **row))
            turn.log("admit", f"person {email}", member_digest(**row))

    def dismiss(self, person: str) -> None:
        """Take somebody's role away, at once.

        Raises:
            WorkspaceError: who says so is no owner, or they have none.
        """
        email = named(person).casefold()
        with self._room.writing(Role.OWNER) as turn:
            if not self._leave(turn.connection, email):
                raise WorkspaceError("workspace_no_member", person=email)
            turn.log("dismiss", f"person {email}", "")

    def _leave(self, connection: Connection, email: str) -> bool:
        mine = (MEMBERS.c.workspace == self._room.id) & (MEMBERS.c.person == email)
        return bool(connection.execute(delete(MEMBERS).where(mine)).rowcount)


def member_digest(**row: object) -> str:
    """The SHA-256 of what somebody may do."""
    return digest(*(row[each] for each in ("person", "role", "sees_pay")))
