"""Files called by the SHA-256 of their content: the same content lies there once.

A file is whole or not there: it is written under another name, brought to the disk and renamed. It
is written before the row that names it, both while the writer has the turn; so what no row names
is left over from a fall, and may be swept by whoever has the turn.
"""

import hashlib
import re
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from kpi_core.errors import WorkspaceError
from kpi_core.whole import keep_entry, write_whole
from kpi_core.workspace.database import make_folder, not_written

_NAME = re.compile(r"[0-9a-f]{64}\.parquet")


class Files:
    """The files of one workspace, below a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, digest: str) -> Path:
        """Where a file lies."""
        return self.folder / digest[:2] / f"{digest}.parquet"

    def put(self, content: bytes) -> str:
        """Write a file, if it is not there; its SHA-256.

        Raises:
            WorkspaceError: it cannot be written.
        """
        digest = hashlib.sha256(content).hexdigest()
        path = self.path(digest)
        if not path.exists() or path.stat().st_size != len(content):
            try:
                make_folder(path.parent)
                write_whole(path, content, rights=0o600)
                keep_entry(self.folder)
            except OSError as failed:
                raise not_written(failed, path) from failed
        return digest

    def get(self, digest: str) -> bytes:
        """The content of a file.

        Raises:
            WorkspaceError: it is missing, or is not what was written.
        """
        try:
            content = self.path(digest).read_bytes()
        except OSError as failed:
            raise WorkspaceError("workspace_file_missing", where=digest[:12]) from failed
        if hashlib.sha256(content).hexdigest() != digest:
            raise WorkspaceError("workspace_file_changed", where=digest[:12])
        return content

    def sweep(self, named: Collection[str]) -> int:
        """Take away every file that no row names; how many there were."""
        swept = 0
        for path in self.folder.glob("[0-9a-f][0-9a-f]/*"):
            whole = bool(_NAME.fullmatch(path.name))
            if path.is_file() and not (whole and path.stem in named):
                with suppress(OSError):  # it only takes room, until the next time
                    path.unlink()
                    swept += whole
        return swept
