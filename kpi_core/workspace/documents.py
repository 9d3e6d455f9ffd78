"""Plans and scenarios under names. Every save is a new version; none is ever changed or lost."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Generic, TypeVar
from uuid import uuid4

from sqlalchemy import Row, Select, insert, select, update
from sqlalchemy.engine import Connection

from kpi_core.errors import WorkspaceError
from kpi_core.plan import Plan, changed, read_plan
from kpi_core.scenario import Scenarios, read_scenarios
from kpi_core.schemes import Table
from kpi_core.text import day, rounded
from kpi_core.workspace.differences import plan_changes, scenario_changes
from kpi_core.workspace.room import Role, Room, digest, named
from kpi_core.workspace.schema import DOCUMENTS, VERSIONS

T = TypeVar("T", Plan, Scenarios)
LANGUAGES = ("ru", "en")


@dataclass(frozen=True)
class Kind(Generic[T]):
    """A kind of document: how it is written and read, and what of it shows what is paid."""

    id: str
    written: Callable[[T], str]
    read: Callable[[bytes, str], T]
    without_pay: Callable[[T], T]
    changes: Callable[[T, T, str], tuple[str, ...]]
    pays: bool


@dataclass(frozen=True)
class Saved:
    """A version of a document, without its content.

    Attributes:
        number: 1, 2, 3, ...; order is by it.
        saved_at: in UTC, by the clock of whoever saved it.
        origin: of a version that was restored, the one that it is a copy of.
    """

    kind: str
    name: str
    number: int
    author: str
    saved_at: datetime
    note: str = ""
    origin: int | None = None


@dataclass(frozen=True)
class Version(Generic[T]):
    """A version and what is in it.

    Attributes:
        pay_hidden: whether whoever opened it may not see what is paid.
    """

    saved: Saved
    pay_hidden: bool
    _shown: T = field(repr=False)

    @property
    def content(self) -> T:
        """What was saved.

        Raises:
            WorkspaceError: it shows what is paid, and they may not see that.
        """
        if self.pay_hidden:
            raise WorkspaceError("workspace_pay_hidden", where=self.saved.name)
        return self._shown

    @property
    def without_pay(self) -> T:
        """What was saved, with nothing in place of the sums of a plan: pay must not be shown."""
        return self._shown


def _plan_text(plan: Plan) -> str:
    return plan.model_dump_json()


def _plan_without_pay(plan: Plan) -> Plan:
    """The plan with 0 as its sums of money; a table of sums says percents of the largest one."""
    scheme = plan.scheme
    if isinstance(scheme, Table):
        whole = Fraction(scheme.stake)
        rows = [
            row.model_dump() | {"amount": rounded(Fraction(row.amount) / whole * 100, 2)}
            for row in scheme.rows
        ]
        below = rounded(Fraction(scheme.below) / whole * 100, 2)
        sums: dict[str, object] = {"rows": rows, "below": below, "salary": Decimal(0)}
    else:
        sums = {scheme.fixed_field: Decimal(0)}
        if scheme.stake_field:
            sums[scheme.stake_field] = Decimal(0)
    return changed(plan, scheme=scheme.model_dump() | sums)


PLANS: Kind[Plan] = Kind("plan", _plan_text, read_plan, _plan_without_pay, plan_changes, pays=True)
SCENARIOS: Kind[Scenarios] = Kind(
    "scenarios",
    lambda own: own.model_dump_json(),
    read_scenarios,
    lambda own: own,
    scenario_changes,
    pays=False,
)
KINDS = {kind.id: kind for kind in (PLANS, SCENARIOS)}


class Documents(Generic[T]):
    """The documents of one kind in a workspace."""

    def __init__(self, room: Room, kind: Kind[T]) -> None:
        self._room = room
        self._kind: Kind[T] = kind

    def list(self) -> tuple[Saved, ...]:
        """The latest version of each, by name."""
        latest = VERSIONS.c.number == DOCUMENTS.c.latest
        with self._room.reading() as connection:
            asked = self._asked().where(latest).order_by(DOCUMENTS.c.name)
            return tuple(map(_saved, connection.execute(asked)))

    def versions(self, name: str) -> tuple[Saved, ...]:
        """Every version of one, the first one first.

        Raises:
            WorkspaceError: there is none of that name.
        """
        with self._room.reading() as connection:
            self._document(connection, name)
            asked = self._asked().where(DOCUMENTS.c.name == name).order_by(VERSIONS.c.number)
            return tuple(map(_saved, connection.execute(asked)))

    def save(self, name: str, content: T, after: int = 0, note: str = "") -> Saved:
        """Save a new version.

        To save again what is the latest version already, with the same note, makes no other one:
        so a save whose answer was lost can be repeated.

        Args:
            name: of the document; new with `after` 0.
            content: what to save.
            after: the number of the version that was changed; 0 for a new document.
            note: what it is about.

        Raises:
            WorkspaceError: somebody saved a version meanwhile (it says who and when); or the name
                or the note cannot be kept; or it could not be written: then nothing was.
            PlanError, UsageError: the content is larger than what can be opened again.
        """
        written = self._kind.written(content)
        self._kind.read(written.encode(), name)
        return self._save(name, written, after, note, None)

    def restore(self, name: str, number: int, after: int) -> Saved:
        """Save an earlier version again as the latest one; those between stay.

        Raises:
            WorkspaceError: as `save`; or there is no such version.
        """
        with self._room.reading(Role.EDITOR) as connection:
            written = self._row(connection, name, number).content
        return self._save(name, written, after, "", number)

    def load(self, name: str, number: int | None = None) -> Version[T]:
        """A version, the latest one if not said.

        Raises:
            WorkspaceError: there is no such document or version.
            PlanError, UsageError: what was kept cannot be read.
        """
        with self._room.reading() as connection:
            row = self._row(connection, name, number)
            hidden = self._kind.pays and not self._room.member(connection).sees_pay
        content = self._kind.read(row.content.encode(), name)
        return Version(_saved(row), hidden, self._kind.without_pay(content) if hidden else content)

    def differences(self, name: str, was: int, now: int, lang: str) -> tuple[str, ...]:
        """What is not the same in two versions, a sentence each; nothing about pay that is hidden.

        Raises:
            WorkspaceError: as `load`.
        """
        one, other = (self.load(name, number).without_pay for number in (was, now))
        told: tuple[str, ...] = self._kind.changes(one, other, lang)
        return told

    def _save(self, name: str, written: str, after: int, note: str, origin: int | None) -> Saved:
        name, note = named(name), named(note) if note.strip() else ""
        with self._room.writing() as turn:
            found = self._find(turn.connection, name)
            if found is not None:
                last = self._row(turn.connection, name, None)
                if (last.content, last.note, last.origin) == (written, note, origin):
                    return _saved(last)
                if found.latest != after:
                    raise _meanwhile(_saved(last))
            elif after:
                raise self._unknown(name)
            id, number = found.id if found else uuid4().hex, after + 1
            if found is None:
                row = {"kind": self._kind.id, "owner": self._room.person, "latest": number}
                new = insert(DOCUMENTS).values(id=id, workspace=self._room.id, name=name, **row)
                turn.connection.execute(new)
            else:
                mine = (DOCUMENTS.c.workspace == self._room.id) & (DOCUMENTS.c.id == id)
                turn.connection.execute(update(DOCUMENTS).where(mine).values(latest=number))
            said = {
                "number": number,
                "content": written,
                "author": self._room.person,
                "saved_at": turn.at,
                "note": note,
                "origin": origin,
            }
            whose = {"workspace": self._room.id, "document": id}
            turn.connection.execute(insert(VERSIONS).values(**whose, **said))
            turn.log("save", f"version {id} {number}", version_digest(self._kind.id, name, **said))
            return _saved(self._row(turn.connection, name, number))

    def _asked(self) -> Select[Any]:
        mine = (DOCUMENTS.c.workspace == self._room.id) & (DOCUMENTS.c.kind == self._kind.id)
        return (
            select(DOCUMENTS.c.kind, DOCUMENTS.c.name, VERSIONS)
            .join_from(DOCUMENTS, VERSIONS)
            .where(mine)
        )

    def _find(self, connection: Connection, name: str) -> Row[Any] | None:
        mine = (DOCUMENTS.c.workspace == self._room.id) & (DOCUMENTS.c.kind == self._kind.id)
        return connection.execute(
            select(DOCUMENTS).where(mine, DOCUMENTS.c.name == name)
        ).one_or_none()

    def _document(self, connection: Connection, name: str) -> Row[Any]:
        found = self._find(connection, name)
        if found is None:
            raise self._unknown(name)
        return found

    def _unknown(self, name: str) -> WorkspaceError:
        return WorkspaceError("workspace_no_document", where=name)

    def _row(self, connection: Connection, name: str, number: int | None) -> Row[Any]:
        """A version; the latest one if not said."""
        document = self._document(connection, name)
        wanted = document.latest if number is None else number
        asked = self._asked().where(DOCUMENTS.c.name == name, VERSIONS.c.number == wanted)
        found = connection.execute(asked).one_or_none()
        if found is None:
            raise WorkspaceError(
                "workspace_no_version", where=name, number=wanted, latest=document.latest
            )
        return found


def version_digest(kind: str, name: str, **said: object) -> str:
    """The SHA-256 of a version: of its content and of all that is said of it."""
    fields = ("number", "content", "author", "saved_at", "note", "origin")
    return digest(kind, name, *(said[each] for each in fields))


def _saved(row: Row[Any]) -> Saved:
    return Saved(
        row.kind,
        row.name,
        row.number,
        row.author,
        datetime.fromisoformat(row.saved_at),
        row.note,
        row.origin,
    )


def _meanwhile(last: Saved) -> WorkspaceError:
    """Somebody has saved a version since."""
    at = {lang: f"{day(last.saved_at.date(), lang)} {last.saved_at:%H:%M} UTC"
          for lang in LANGUAGES}  # fmt: skip
    return WorkspaceError(
        "workspace_saved_meanwhile", where=last.name, number=last.number, by=last.author, at=at
    )
