"""A table of PostgreSQL: copied into a file here, as the server sends it, and read like an export.

The same formats, the same findings, the same privacy; memory stays bounded, as what comes goes to
disk piece by piece. DuckDB could ask the server itself by an extension, but each version of DuckDB
has to fetch its own from the network. Needs the extra ``server``.
"""

import socket
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from kpi_core.errors import IngestError
from kpi_core.ingest import Upload, read_path
from kpi_core.ingest.formats import Format

SCHEMES = ("postgresql://", "postgres://")
PORT = 5432
KNOCK_SECONDS = 5.0  # for the machine to take the call
CONNECT_SECONDS = 10
DEAD_SECONDS = 60  # without a sign from a server that was sending
_ASKED = frozenset({"table", "sslmode"})  # other settings could name files of this computer
_NO_NAME = '/\\:*?"<>|'  # of a file, on one system or another
_ZONED = 1184  # the number of the type timestamptz


def read_table(address: str, layouts: Sequence[Format] = ()) -> Upload:
    """A table or view of PostgreSQL as facts; only read, never more than that one.

    Times with a zone count as the wall time of the database.

    Args:
        address: ``postgresql://user:password@server:5432/database?table=schema.table``, perhaps
            with ``&sslmode=require``. Without a password that of PGPASSWORD or ``.pgpass`` is
            taken.
        layouts: those that the user taught.

    Raises:
        IngestError: the server cannot be reached or refuses, there is no such table, or it holds no
            known measure. Nothing that is told holds the name of the user or the password.
    """
    settings, table = _settings(address)
    label = f"{table} @ {settings['host']}"
    try:
        with tempfile.TemporaryDirectory(prefix="kpi-") as folder:
            file = Path(
                folder, "".join(sign if sign not in '/\\:*?"<>|' else "_" for sign in label)
            )
            _copy(settings, table, file)
            return read_path(file, layouts)
    except IngestError as failed:
        failed.where = failed.where or label
        raise


def knock(host: str, port: int) -> None:
    """Whether a machine takes calls at all: known sooner than by a library's own patience.

    Raises:
        IngestError: it does not.
    """
    try:
        socket.create_connection((host, port), KNOCK_SECONDS).close()
    except (OSError, UnicodeError):
        raise IngestError("place_unreachable") from None


def _settings(address: str) -> tuple[dict[str, Any], str]:
    """What to connect with, and the table."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port or PORT
        asked = parse_qs(parts.query, strict_parsing=True)
    except ValueError:
        raise IngestError("place_address") from None
    database = unquote(parts.path.removeprefix("/"))
    # A path in the place of the host would be a socket, on which this computer trusts its own.
    if (
        not (database and host and set(host) - {"."})
        or set(host) & set("/%,@")
        or not {"table"} <= set(asked) <= _ASKED
    ):
        raise IngestError("place_address")
    settings = {"host": host, "port": port, "dbname": database}
    settings |= {name: values[0] for name, values in asked.items() if name != "table"}
    for name, given in (("user", parts.username), ("password", parts.password)):
        if given:
            settings[name] = unquote(given)
    return settings, asked["table"][0]


def _copy(settings: dict[str, Any], table: str, file: Path) -> None:
    """Writes a table as CSV in UTF-8.

    Raises:
        IngestError: the server cannot be reached or refuses, or there is no such table.
    """
    try:
        import psycopg  # noqa: PLC0415 - an extra
    except ImportError:
        raise IngestError("place_needs_extra", extra="server") from None
    from psycopg import sql  # noqa: PLC0415

    knock(settings["host"], settings["port"])
    try:
        connection = psycopg.connect(
            **settings,
            connect_timeout=CONNECT_SECONDS,
            application_name="kpi-pay",
            client_encoding="utf8",
            keepalives_idle=DEAD_SECONDS // 4,
            keepalives_interval=DEAD_SECONDS // 4,
            keepalives_count=3,
            tcp_user_timeout=DEAD_SECONDS * 1000,
        )
    except psycopg.errors.ConnectionTimeout:
        raise IngestError("place_timed_out", seconds=CONNECT_SECONDS) from None
    except psycopg.Error:  # its text may quote the address
        raise IngestError("place_refused") from None
    try:
        with connection, connection.cursor() as cursor, file.open("wb") as out:
            connection.read_only = True
            cursor.execute("SET datestyle = 'ISO'")
            cursor.execute("SET synchronize_seqscans = off")  # the same table, the same file
            named = sql.Identifier(*table.split("."))
            cursor.execute(sql.SQL("SELECT * FROM {} LIMIT 0").format(named))
            columns = [
                sql.SQL("{0}::timestamp AS {0}" if column.type_code == _ZONED else "{0}").format(
                    sql.Identifier(column.name)
                )
                for column in cursor.description or ()
            ]
            statement = sql.SQL(
                "COPY (SELECT {} FROM {}) TO STDOUT (FORMAT csv, HEADER, ENCODING 'UTF8')"
            ).format(sql.SQL(", ").join(columns), named)
            with cursor.copy(statement) as pieces:
                for piece in pieces:
                    out.write(piece)
    except (
        psycopg.errors.UndefinedTable,
        psycopg.errors.InvalidSchemaName,
        psycopg.errors.InsufficientPrivilege,
    ):
        raise IngestError("place_no_table") from None
    except psycopg.Error as failed:
        detail = failed.sqlstate or type(failed).__name__
        raise IngestError("place_failed", detail=detail) from None
    except OSError as failed:
        raise IngestError("no_room", detail=failed.strerror or "") from None
