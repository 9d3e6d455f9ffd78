"""Files that are whole or not there, also when the machine stops in the middle of writing."""

import os
from contextlib import suppress
from glob import escape
from pathlib import Path
from secrets import token_hex

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
_NAME = 60  # signs of the name that stand in that of the part: a name has 255 bytes at most
_LEFT = 60.0  # seconds after which nobody writes a part any more


def write_whole(path: Path, content: bytes, rights: int = 0o666) -> None:
    """Write a file in one step, and bring it to the disk.

    The content is written beside the file, under a hidden name that ends in ``.part``, and then
    takes its place; of two who write at once the last one has it. What a fall leaves under such a
    name is taken away by who writes the file a minute later or more. A pipe or a device, which can
    have no other put in its place, takes the content as it is.

    Args:
        path: of the file; a link is followed.
        content: all of it.
        rights: of a new file, before the mask of the process; those of an old one stay.

    Raises:
        OSError: it cannot be written; what was there before is as it was.
    """
    path = path.resolve()
    if path.exists() and not path.is_file():
        path.write_bytes(content)
        return
    name = path.name[:_NAME]
    part = path.with_name(f".{name}.{token_hex(4)}.part")
    try:
        with os.fdopen(os.open(part, _NEW, rights), "wb") as file:
            now = part.stat().st_mtime
            for left in path.parent.glob(f".{escape(name)}.*.part"):
                with suppress(OSError):  # somebody else's
                    if left.stat().st_mtime < now - _LEFT:
                        left.unlink()
            if path.exists():
                os.chmod(part, path.stat().st_mode & 0o777)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
        keep_entry(path.parent)
    finally:
        part.unlink(missing_ok=True)


def keep_entry(folder: Path) -> None:
    """Have the names in a folder on the disk, too; Windows does so by itself."""
    if os.name == "posix":
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
