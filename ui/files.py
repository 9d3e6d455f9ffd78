"""What the Data page does to the files: read, replace, take out, explain the columns of."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from kpi_core.anonymise import is_set, read_set
from kpi_core.errors import IngestError, KpiError, UsageError
from kpi_core.ingest import Upload, read
from kpi_core.ingest.eventlog import EventLog, read_event_log
from kpi_core.ingest.formats import Format
from kpi_core.ingest.layouts import Draft, read_layout, written
from ui import session
from ui.state import Failed

Reader: TypeAlias = Callable[[], Upload]

LOGS = "files.logs"
TEACHABLE = frozenset({"unknown_layout", "no_headings", "no_figures", "nothing_left"})
TAUGHT_BYTES = 20 * 2**20  # of a file that waits to be explained; it stays in memory so long


# --- files


def _untold(number: int) -> None:
    """Nobody watches."""


def add_files(files: list[tuple[str, bytes]], progress: Callable[[int], object] = _untold) -> None:
    """Read files into the session. A file that fails is told; what was loaded stays.

    `progress` is called with the number of each file before it is read.
    """
    session.took_file()
    failures = []
    for number, (name, data) in enumerate(files):
        progress(number)
        try:
            for upload in _all(name, data):
                _keep(upload)
        except KpiError as failed:
            waits = failed.code in TEACHABLE and len(data) <= TAUGHT_BYTES
            failures.append(Failed(name, failed, data if waits else None))
    session.tell_failures(*failures)


def _all(name: str, data: bytes) -> Sequence[Upload]:
    """What a file holds: itself, or all files of an anonymised set."""
    return read_set(data, name) if is_set(data) else [_read(name, data)]


def _read(name: str, data: bytes) -> Upload:
    """A file; if its rows are events, these are kept one by one as well."""
    upload = read(name, data, taught())
    if any(table.added is not None for table in upload.tables):
        _keep_log(upload.digest, name, data)
    return upload


def _keep(upload: Upload) -> None:
    if session.is_passing():
        raise UsageError("passing_no_files", where=upload.name)
    uploads = session.uploads()
    uploads.pop(upload.digest, None)  # under another name: it takes the place of the old
    uploads[upload.digest] = upload
    session.choose_sample(False)


def add_place(name: str, read: Reader) -> None:
    """Read a table that lies elsewhere into the session; why it cannot be is told under `name`."""
    session.took_file()
    try:
        _keep(read())
        session.tell_failures()
    except KpiError as failed:
        session.tell_failures(Failed(name, failed))


def replace_file(digest: str, name: str, data: bytes) -> None:
    """Read a file in the place of another one, which stays if the new one fails."""
    session.took_file()
    try:
        new = _read(name, data)
    except KpiError as failed:
        session.tell_failures(Failed(name, failed))
        return
    if new.digest != digest:
        session.uploads().pop(digest, None)
        drop_log(digest)
    _keep(new)
    session.tell_failures()


def remove_file(digest: str) -> None:
    """Take one file out."""
    session.uploads().pop(digest, None)
    drop_log(digest)
    session.tell_failures()
    if not session.uploads():
        session.choose_sample(True)
    session.follow_currency()


# --- event logs, for funnels


def logs() -> Mapping[str, EventLog | Failed]:
    """Digest of a file to its events, or to why it has none that a funnel could be made of."""
    known: Mapping[str, EventLog | Failed] = session.kept(LOGS, {})
    return known


def bring_log(name: str, data: bytes) -> str:
    """Take a file for its events alone, whatever else it says; gives its digest."""
    session.took_file()
    digest = hashlib.sha256(data).hexdigest()
    _keep_log(digest, name, data)
    return digest


def drop_log(digest: str) -> None:
    """Let go of the events of a file."""
    session.keep(LOGS, {own: log for own, log in logs().items() if own != digest})


def _keep_log(digest: str, name: str, data: bytes) -> None:
    try:
        found: EventLog | Failed = read_event_log(data, name, tuple(taught()))
    except KpiError as failed:
        found = Failed(name, failed)
    session.keep(LOGS, {**logs(), digest: found})


# --- layouts


def taught() -> list[Format]:
    """The layouts that were taught in this session, the latest first."""
    return [read_layout(name, text) for name, text in session.layout_texts()]


def tried(failed: Failed, draft: Draft) -> Upload:
    """What a file would give if its columns meant what `draft` says.

    Raises:
        KpiError: nothing, and why.
    """
    return read(failed.name, failed.data or b"", [read_layout(draft.name, written(draft))])


def teach(failed: Failed, draft: Draft) -> None:
    """Remember a layout, and read the file that it was made from."""
    upload = tried(failed, draft)
    session.layouts()[draft.name] = written(draft)
    session.uploads().pop(upload.digest, None)
    _keep(upload)
    _read_waiting(but=failed)


def bring_layout(name: str, data: bytes) -> None:
    """Take a layout file that was saved before, and read what waits for one."""
    session.took_file()
    try:
        text = data.decode("utf-8", errors="replace")
        format = read_layout(name.removesuffix(".toml"), text)
    except KpiError as wrong:
        session.refuse(wrong)
        return
    session.layouts()[format.name["en"]] = text
    _read_waiting()


def wait_for_layout(name: str, data: bytes) -> None:
    """Let the reader say what the columns of a file mean, whatever we take it for."""
    session.took_file()
    if len(data) > TAUGHT_BYTES:
        told = IngestError("file_too_large", where=name, megabytes=TAUGHT_BYTES >> 20)
        failed = Failed(name, told)
    else:
        failed = Failed(name, IngestError("to_be_explained", where=name), data)
    session.tell_failures(failed, *session.failures())


def _read_waiting(but: Failed | None = None) -> None:
    """Try again, by a new layout, the files that nobody knew."""
    failures = session.failures()
    waiting = [f for f in failures if f is not but and f.data is not None]
    add_files([(failed.name, failed.data or b"") for failed in waiting])
    unreadable = [failed for failed in failures if failed.data is None]
    session.tell_failures(*session.failures(), *unreadable)


def forget_layout(name: str) -> None:
    """Let go of a layout; files that were read by it stay."""
    session.layouts().pop(name, None)
