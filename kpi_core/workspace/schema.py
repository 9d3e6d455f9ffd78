"""The tables of a workspace. Every row says which workspace it is of; times are text in UTC.

Versions, snapshots and the log are written once: triggers of the database refuse to change them.
``migrations`` makes the tables; a test holds that both say the same.
"""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

METADATA = MetaData()
REVISION = "0001"  # of the tables as they are below

# `entries` and `head` are the number and the hash of the last entry of its log.
WORKSPACES = Table(
    "workspaces",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("made_at", Text, nullable=False),
    Column("entries", Integer, nullable=False),
    Column("head", Text, nullable=False),
)

MEMBERS = Table(
    "members",
    METADATA,
    Column("workspace", Text, ForeignKey("workspaces.id"), primary_key=True),
    Column("person", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("sees_pay", Boolean, nullable=False),
    CheckConstraint("role IN ('viewer', 'editor', 'owner')", name="members_of_a_role"),
)

DOCUMENTS = Table(
    "documents",
    METADATA,
    Column("workspace", Text, ForeignKey("workspaces.id"), primary_key=True),
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("latest", Integer, nullable=False),
    UniqueConstraint("workspace", "kind", "name", name="one_document_of_a_name"),
)

VERSIONS = Table(
    "versions",
    METADATA,
    Column("workspace", Text, primary_key=True),
    Column("document", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("content", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("saved_at", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("origin", Integer),
    CheckConstraint("number > 0", name="versions_from_one"),
    ForeignKeyConstraint(
        ["workspace", "document"],
        ["documents.workspace", "documents.id"],
        name="versions_of_a_document",
    ),
)

UPLOADS = Table(
    "uploads",
    METADATA,
    Column("workspace", Text, ForeignKey("workspaces.id"), primary_key=True),
    Column("digest", Text, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("person", Text, nullable=False),
    Column("kept_at", Text, nullable=False),
    Column("content", Text, nullable=False),
)

FACTS = Table(
    "facts",
    METADATA,
    Column("workspace", Text, primary_key=True),
    Column("upload", Text, primary_key=True),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("file", Text, nullable=False),
    ForeignKeyConstraint(
        ["workspace", "upload"],
        ["uploads.workspace", "uploads.digest"],
        name="facts_of_an_upload",
        ondelete="CASCADE",
    ),
)

SNAPSHOTS = Table(
    "snapshots",
    METADATA,
    Column("workspace", Text, ForeignKey("workspaces.id"), primary_key=True),
    Column("seal", Text, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("proposal", Text),
    Column("supersedes", Text),
    Column("document", Text),
    Column("version", Integer),
    Column("person", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("content", Text, nullable=False),
    CheckConstraint("status IN ('draft', 'proposed', 'approved')", name="snapshots_of_a_status"),
    UniqueConstraint("workspace", "proposal", name="one_approval_of_a_proposal"),
    ForeignKeyConstraint(
        ["workspace", "document", "version"],
        ["versions.workspace", "versions.document", "versions.number"],
        name="snapshots_of_a_version",
    ),
)
Index(
    "one_approval_supersedes",
    SNAPSHOTS.c.workspace,
    SNAPSHOTS.c.supersedes,
    unique=True,
    sqlite_where=text("status = 'approved'"),
    postgresql_where=text("status = 'approved'"),
)

LOG = Table(
    "log",
    METADATA,
    Column("workspace", Text, ForeignKey("workspaces.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("act", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("hash", Text, nullable=False),
)

DESKS = Table(
    "desks",
    METADATA,
    Column("workspace", Text, ForeignKey("workspaces.id"), primary_key=True),
    Column("person", Text, primary_key=True),
    Column("at", Text, nullable=False),
    Column("content", Text, nullable=False),
)
