"""How the tables of a workspace are made, and those of an older version brought up to date.

``versions/`` holds a script for each revision. To add one: change `schema`, name the new revision
there, and write the script that leads to it; tests hold that both say the same.
"""

from collections.abc import Sequence
from pathlib import Path

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

from kpi_core.errors import WorkspaceError

HERE = Path(__file__).parent


def upgrade(connection: Connection, to: str = "head", scripts: Path = HERE) -> None:
    """Bring the tables to a revision, within the transaction of `connection`.

    Raises:
        WorkspaceError: they are of a later version of the program; they are left as they are.
    """
    known = ScriptDirectory(str(scripts))
    now = MigrationContext.configure(connection).get_current_revision()
    if now is not None and now not in revisions(scripts):
        raise WorkspaceError("workspace_newer", revision=now)

    def steps(revision: Sequence[str], _: MigrationContext) -> list[RevisionStep]:
        return known._upgrade_revs(to, revision)  # type: ignore[arg-type]

    with EnvironmentContext(Config(), known, fn=steps, destination_rev=to) as environment:
        environment.configure(connection=connection)
        environment.run_migrations()


def revisions(scripts: Path = HERE) -> list[str]:
    """Those that there is a script for, the newest first."""
    return [script.revision for script in ScriptDirectory(str(scripts)).walk_revisions()]
