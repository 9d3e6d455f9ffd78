"""One workspace as one person works in it: whose turn it is, what they may do, what is logged.

Every row that is read or written is asked for by the id of the workspace. The log says who did
what and when, never what was in it; each entry holds a hash of the one before and of what was
written, so that whatever is changed later is found.
"""

import getpass
import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import insert, select, update
from sqlalchemy.engine import Connection

from kpi_core.errors import WorkspaceError
from kpi_core.workspace.database import Database
from kpi_core.workspace.files import Files
from kpi_core.workspace.schema import LOG, MEMBERS, WORKSPACES

MAX_NAME = 200
BEGINNING = ""  # what the first entry of a log follows


class Role(StrEnum):
    """What somebody may do: look, change, or decide."""

    VIEWER = "viewer"
    EDITOR = "editor"
    OWNER = "owner"

    def covers(self, other: "Role") -> bool:
        """Whether whoever has this role may do what the other one may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True)
class Member:
    """Somebody's place in a workspace; `sees_pay`: whether a viewer sees what is paid."""

    person: str
    role: Role
    sees_pay: bool


@dataclass(frozen=True)
class Entry:
    """An entry of the log.

    Attributes:
        act: ``save``, ``keep``, ``drop``, ``freeze``, ``approve``, ``admit``, ``dismiss``,
            ``export`` or ``import``.
        about: what it was done to, by its id and number; never a name or a content.
        digest: SHA-256 of what was written.
        hash: of all this and the hash before.
    """

    number: int
    at: str
    person: str
    act: str
    about: str
    digest: str
    hash: str

    def follows(self, previous: str) -> bool:
        """Whether it is as it was written, after the entry with this hash."""
        return self.hash == self.hashed(previous)

    def hashed(self, previous: str) -> str:
        """The hash of it, after the entry with that hash."""
        said = [previous, self.number, self.at, self.person, self.act, self.about, self.digest]
        return digest(*said)


def digest(*said: object) -> str:
    """The SHA-256 of plain values."""
    return hashlib.sha256(json.dumps(said, separators=(",", ":")).encode()).hexdigest()


def utc_now() -> datetime:
    """The time."""
    return datetime.now(UTC)


@dataclass
class Turn:
    """A transaction that writes: its connection, when it is, and what it has to log."""

    connection: Connection
    room: "Room"
    at: str
    last: int
    head: str

    @property
    def number(self) -> int:
        """The number of the next entry: order is by it, since clocks jump."""
        return self.last + 1

    def log(self, act: str, about: str, digest: str) -> None:
        """Say what was done."""
        entry = Entry(self.number, self.at, self.room.person, act, about, digest, "")
        self.head = entry.hashed(self.head)
        self.last = entry.number
        row = {name: getattr(entry, name) for name in ("number", "at", "person", "act", "about")}
        self.connection.execute(
            insert(LOG).values(workspace=self.room.id, **row, digest=digest, hash=self.head)
        )
        self.connection.execute(
            update(WORKSPACES)
            .where(WORKSPACES.c.id == self.room.id)
            .values(entries=self.last, head=self.head)
        )


@dataclass(frozen=True)
class Room:
    """A workspace as one person works in it.

    Attributes:
        id: of the workspace; several may share a database.
        person: who; of a server an e-mail address.
        local: the owner of the machine, who needs no membership.
    """

    database: Database
    files: Files
    id: str
    person: str
    local: bool
    clock: Callable[[], datetime] = field(default=utc_now, repr=False)

    def of(self, person: str) -> "Room":
        """The same as somebody else works in it, by their membership."""
        if not self.local:
            raise WorkspaceError("workspace_not_allowed", role=Role.OWNER)
        return replace(self, person=named(person).casefold(), local=False)

    @contextmanager
    def reading(self, role: Role = Role.VIEWER) -> Iterator[Connection]:
        """Look at one state of the rows, as somebody with a role.

        Raises:
            WorkspaceError: the person has it not.
        """
        with self.database.reading() as connection:
            self.check(connection, role)
            yield connection

    @contextmanager
    def writing(self, role: Role = Role.EDITOR) -> Iterator[Turn]:
        """Write as somebody with a role, alone, all of it or nothing.

        Raises:
            WorkspaceError: the person has it not.
        """
        with self.database.writing() as connection:
            asked = select(WORKSPACES.c.entries, WORKSPACES.c.head).with_for_update()
            last, head = connection.execute(asked.where(WORKSPACES.c.id == self.id)).one()
            self.check(connection, role)
            yield Turn(connection, self, moment(self.clock()), last, head)

    def check(self, connection: Connection, role: Role) -> None:
        """Raise where the person may not do what one of this role may."""
        if not self.member(connection).role.covers(role):
            raise WorkspaceError("workspace_not_allowed", role=role)

    def check_pay(self, connection: Connection) -> None:
        """Raise where the person may not see what is paid."""
        if not self.member(connection).sees_pay:
            raise WorkspaceError("workspace_pay_hidden")

    def member(self, connection: Connection) -> Member:
        """Their place, as it is now: who was dismissed is not let in by an older handle.

        Raises:
            WorkspaceError: they have none.
        """
        if self.local:
            return Member(self.person, Role.OWNER, sees_pay=True)
        mine = (MEMBERS.c.workspace == self.id) & (MEMBERS.c.person == self.person)
        row = connection.execute(select(MEMBERS).where(mine)).one_or_none()
        if row is None:
            raise WorkspaceError("workspace_no_member", person=self.person)
        role = Role(row.role)
        return Member(row.person, role, row.sees_pay or role is not Role.VIEWER)


def moment(at: datetime) -> str:
    """A time as rows hold it."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def named(text: str) -> str:
    """A name that can be kept: of letters, in one line, not too long.

    Raises:
        WorkspaceError: it cannot.
    """
    name = text.strip()
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise WorkspaceError("workspace_bad_name", most=MAX_NAME)
    return name


def local_person() -> str:
    """Who works on this machine, as it calls them."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a system without names of users
        return "local"
