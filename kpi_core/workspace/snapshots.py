"""Sign-offs of a workspace: snapshots that nothing changes any more, approvals among them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, insert, select
from sqlalchemy.engine import Connection

from kpi_core.errors import WorkspaceError
from kpi_core.signoff import Snapshot, Status, approved, read_snapshot
from kpi_core.workspace.documents import PLANS, Saved
from kpi_core.workspace.room import Role, Room, digest
from kpi_core.workspace.schema import DOCUMENTS, SNAPSHOTS


@dataclass(frozen=True)
class Frozen:
    """A snapshot that is kept, without what it says of pay.

    Attributes:
        seal: what it is known by.
        plan: name and version of the plan it was made from, where that is known.
        person, at: who kept it and when, in UTC.
    """

    seal: str
    status: Status
    period: str
    supersedes: str | None
    plan: tuple[str, int] | None
    person: str
    at: datetime


class Snapshots:
    """The snapshots that are kept in a workspace."""

    def __init__(self, room: Room) -> None:
        self._room = room

    def list(self) -> tuple[Frozen, ...]:
        """Those that are kept, in the order in which they came."""
        asked = (
            select(SNAPSHOTS, DOCUMENTS.c.name)
            .outerjoin(
                DOCUMENTS,
                (DOCUMENTS.c.workspace == SNAPSHOTS.c.workspace)
                & (DOCUMENTS.c.id == SNAPSHOTS.c.document),
            )
            .where(SNAPSHOTS.c.workspace == self._room.id)
            .order_by(SNAPSHOTS.c.number)
        )
        with self._room.reading() as connection:
            return tuple(map(_frozen, connection.execute(asked)))

    def open(self, seal: str) -> Snapshot:
        """A snapshot.

        Raises:
            WorkspaceError: there is none with this seal, or who asks may not see what is paid.
            SignoffError: it was changed.
        """
        with self._room.reading() as connection:
            self._room.check_pay(connection)
            return read_snapshot(self._row(connection, seal).content.encode(), seal[:12])

    def approvals(self) -> Iterator[Snapshot]:
        """Every approval, the first one first.

        Raises:
            WorkspaceError: who asks may not see what is paid.
            SignoffError: one was changed.
        """
        for own in self.list():
            if own.status is Status.APPROVED:
                yield self.open(own.seal)

    def freeze(self, snapshot: Snapshot, plan: Saved | None = None) -> Snapshot:
        """Keep a snapshot; one that is kept already is kept once.

        Args:
            snapshot: in any state; one that is approved needs an owner.
            plan: the version that it was made from.

        Raises:
            WorkspaceError: what it supersedes, or the proposal that it approves, has an approval
                already (it says whose); or there is no such version; or it cannot be written.
            SignoffError: it was changed after it was sealed.
        """
        written = snapshot.as_json()
        read_snapshot(written.encode(), snapshot.period)
        role = Role.OWNER if snapshot.status is Status.APPROVED else Role.EDITOR
        with self._room.writing(role) as turn:
            if self._find(turn.connection, snapshot.seal) is not None:
                return snapshot
            self._check_alone(turn.connection, snapshot)
            row = {
                "seal": snapshot.seal,
                "number": turn.number,
                "status": str(snapshot.status),
                "proposal": _proposal(snapshot),
                "supersedes": snapshot.supersedes,
                "document": self._document(turn.connection, plan) if plan else None,
                "version": plan.number if plan else None,
                "person": self._room.person,
                "at": turn.at,
                "content": written,
            }
            turn.connection.execute(insert(SNAPSHOTS).values(workspace=self._room.id, **row))
            act = "approve" if snapshot.status is Status.APPROVED else "freeze"
            turn.log(act, f"snapshot {snapshot.seal}", snapshot_digest(**row))
        return snapshot

    def approve(self, seal: str, on: date) -> Snapshot:
        """Agree to a proposal that is kept, as the person who works here; the approval is kept.

        To approve again what one has approved on that day makes no other approval.

        Raises:
            WorkspaceError: who approves is no owner; or it was approved already (it says by whom).
            SignoffError: it is no proposal.
        """
        with self._room.reading(Role.OWNER) as connection:
            row = self._row(connection, seal)
            plan = self._plan(connection, row)
        found = read_snapshot(row.content.encode(), seal[:12])
        return self.freeze(approved(found, self._room.person, on), plan)

    def _find(self, connection: Connection, seal: str) -> Row[Any] | None:
        mine = (SNAPSHOTS.c.workspace == self._room.id) & (SNAPSHOTS.c.seal == seal)
        return connection.execute(select(SNAPSHOTS).where(mine)).one_or_none()

    def _row(self, connection: Connection, seal: str) -> Row[Any]:
        found = self._find(connection, seal)
        if found is None:
            raise WorkspaceError("workspace_no_snapshot", where=seal[:12])
        return found

    def _check_alone(self, connection: Connection, new: Snapshot) -> None:
        """Raise where an approval would be a second one."""
        if new.status is not Status.APPROVED:
            return
        same = SNAPSHOTS.c.proposal == _proposal(new)
        if new.supersedes:
            same |= SNAPSHOTS.c.supersedes == new.supersedes
        approval = SNAPSHOTS.c.status == str(Status.APPROVED)
        asked = select(SNAPSHOTS).where(SNAPSHOTS.c.workspace == self._room.id, approval, same)
        if other := connection.execute(asked).first():
            raise WorkspaceError(
                "workspace_approved_already",
                where=new.period,
                by=other.person,
                at=other.at[:16].replace("T", " "),
            )

    def _document(self, connection: Connection, plan: Saved) -> str:
        mine = (DOCUMENTS.c.workspace == self._room.id) & (DOCUMENTS.c.kind == PLANS.id)
        asked = select(DOCUMENTS).where(mine, DOCUMENTS.c.name == plan.name)
        found = connection.execute(asked).one_or_none()
        if found is None or not 0 < plan.number <= found.latest:
            raise WorkspaceError("workspace_no_document", where=plan.name)
        return str(found.id)

    def _plan(self, connection: Connection, row: Row[Any]) -> Saved | None:
        """The version that a snapshot was made from, as far as `freeze` asks for it."""
        if row.document is None:
            return None
        mine = (DOCUMENTS.c.workspace == self._room.id) & (DOCUMENTS.c.id == row.document)
        name = str(connection.execute(select(DOCUMENTS.c.name).where(mine)).scalar_one())
        return Saved(PLANS.id, name, row.version, row.person, datetime.fromisoformat(row.at))


def _proposal(snapshot: Snapshot) -> str | None:
    """The seal of the proposal that an approval agrees to."""
    if snapshot.status is not Status.APPROVED:
        return None
    before = {"status": Status.PROPOSED, "approved": None}
    return snapshot.model_copy(update=before).sealed().seal


def snapshot_digest(**row: object) -> str:
    """The SHA-256 of a kept snapshot: of its content and of all that is said of it."""
    fields = ("seal", "number", "status", "proposal", "supersedes", "document", "version",
              "person", "at", "content")  # fmt: skip
    return digest(*(row[each] for each in fields))


def _frozen(row: Row[Any]) -> Frozen:
    return Frozen(
        row.seal,
        Status(row.status),
        json.loads(row.content)["period"],
        row.supersedes,
        (row.name, row.version) if row.document else None,
        row.person,
        datetime.fromisoformat(row.at),
    )
