"""What is kept between sessions: ``workspace where | list | save | show | versions | ...``."""

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from kpi_core.cli import asked, printed
from kpi_core.cli.printed import Answer, Lines
from kpi_core.errors import UsageError
from kpi_core.plan import MAX_BYTES, read_plan
from kpi_core.scenario import read_scenarios
from kpi_core.text import day, say

if TYPE_CHECKING:  # SQLAlchemy is slow to import, and needed by these commands alone
    from kpi_core.workspace import Saved, Workspace


def add(commands: asked.Commands) -> None:
    """Register the commands."""
    about = "What is kept between sessions: saved versions, files, sign-offs."
    own = commands.add_parser("workspace", help=about, description=about)
    verbs = own.add_subparsers(dest="verb", required=True, metavar="VERB")
    asked.command(verbs, "where", _where, "Where it lies; KPI_WORKSPACE names another folder.")
    asked.command(verbs, "list", _list, "Everything that is kept.")
    made = asked.command(verbs, "save", _save, "Save a plan file as a new version under a name.")
    made.add_argument("file", metavar="PLAN.json")
    _takes_name(made)
    _takes_after(made)
    made.add_argument("--note", default="", metavar="TEXT", help="what it is about")
    made = asked.command(verbs, "show", _show, "Print what was saved.")
    _takes_name(made)
    made.add_argument("--version", type=int, metavar="N", help="instead of the latest one")
    _takes_name(asked.command(verbs, "versions", _versions, "Every version: who, when, why."))
    made = asked.command(verbs, "diff", _diff, "What is not the same in two versions, in words.")
    _takes_name(made)
    made.add_argument("was", type=int, metavar="N")
    made.add_argument("now", type=int, metavar="M")
    made = asked.command(verbs, "restore", _restore, "Save an earlier version again as the latest.")
    _takes_name(made)
    made.add_argument("version", type=int, metavar="N")
    _takes_after(made)
    made = asked.command(verbs, "export", _export, "Write everything into a new file: a backup.")
    made.add_argument("file", metavar="ARCHIVE.zip")
    made = asked.command(verbs, "import", _import, "Fill an empty workspace from such a file.")
    made.add_argument("file", metavar="ARCHIVE.zip")
    made = asked.command(
        verbs, "verify", _verify, "Whether all is as its log says; exit code 1 if it is not."
    )
    made.set_defaults(exit_code=lambda answer: 0 if answer["sound"] else 1)


def _takes_name(made: argparse.ArgumentParser) -> None:
    made.add_argument("name", metavar="NAME")
    made.add_argument("--scenarios", action="store_true", help="scenarios of this name, not a plan")


def _takes_after(made: argparse.ArgumentParser) -> None:
    made.add_argument(
        "--after",
        type=int,
        default=0,
        metavar="N",
        help="the latest version that you know; refused if somebody saved another one meanwhile",
    )


@contextmanager
def _opened() -> "Iterator[Workspace]":
    from kpi_core.workspace import Workspace  # noqa: PLC0415  # see above

    opened = Workspace.open()
    try:
        yield opened
    finally:
        opened.close()


def _where(options: argparse.Namespace) -> tuple[Answer, Lines]:
    from kpi_core.workspace import place  # noqa: PLC0415  # see above

    own, lang = place(), options.lang
    answer = {"folder": str(own.folder), "database": str(own)}
    lines = [
        say(lang, "workspace.lies", folder=own.folder),
        say(lang, "workspace.lies_rows", database=own),
    ]
    return answer, lines


def _list(options: argparse.Namespace) -> tuple[Answer, Lines]:
    lang = options.lang
    with _opened() as own:
        documents = [*own.plans.list(), *own.scenarios.list()]
        files, snapshots = own.uploads.list(), own.snapshots.list()
    answer = {
        "documents": [_told(saved) for saved in documents],
        "files": [
            {"name": file.name, "sha256": file.digest, "rows": file.rows,
             "by": file.person, "at": file.kept_at.isoformat()}
            for file in files
        ],
        "snapshots": [
            {"seal": made.seal, "status": str(made.status), "period": made.period,
             "by": made.person, "at": made.at.isoformat()}
            for made in snapshots
        ],
    }  # fmt: skip
    rows = [[say(lang, f"workspace.{saved.kind}"), saved.name, _line(saved, lang)]
            for saved in documents]  # fmt: skip
    for file in files:
        kept = say(lang, "workspace.kept", by=file.person, at=_moment(file.kept_at, lang))
        rows.append([say(lang, "workspace.file"), file.name, kept])
    for made in snapshots:
        kept = say(lang, "workspace.kept", by=made.person, at=_moment(made.at, lang))
        rows.append([say(lang, "workspace.snapshot"), f"{made.period} {made.seal[:12]}", kept])
    return answer, printed.aligned(rows, 3) if rows else [say(lang, "workspace.nothing")]


def _save(options: argparse.Namespace) -> tuple[Answer, Lines]:
    path = Path(options.file)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError:
        raise UsageError("no_such_file", where=str(path)) from None
    named = {"after": options.after, "note": options.note}
    with _opened() as own:
        if options.scenarios:
            saved = own.scenarios.save(options.name, read_scenarios(data, path.name), **named)
        else:
            saved = own.plans.save(options.name, read_plan(data, path.name), **named)
    return _told(saved), [f"{saved.name}: {_line(saved, options.lang)}"]


def _show(options: argparse.Namespace) -> tuple[Answer, Lines]:
    with _opened() as own:
        documents = own.scenarios if options.scenarios else own.plans
        content = documents.load(options.name, options.version).content
    text = content.model_dump_json(indent=2)
    return json.loads(text), text.splitlines()


def _versions(options: argparse.Namespace) -> tuple[Answer, Lines]:
    with _opened() as own:
        documents = own.scenarios if options.scenarios else own.plans
        found = documents.versions(options.name)
    answer = {"versions": [_told(saved) for saved in found]}
    return answer, [_line(saved, options.lang) for saved in found]


def _diff(options: argparse.Namespace) -> tuple[Answer, Lines]:
    with _opened() as own:
        documents = own.scenarios if options.scenarios else own.plans
        told = documents.differences(options.name, options.was, options.now, options.lang)
    return {"differences": list(told)}, [*told] or [say(options.lang, "workspace.same")]


def _restore(options: argparse.Namespace) -> tuple[Answer, Lines]:
    with _opened() as own:
        documents = own.scenarios if options.scenarios else own.plans
        saved = documents.restore(options.name, options.version, options.after)
    return _told(saved), [f"{saved.name}: {_line(saved, options.lang)}"]


def _export(options: argparse.Namespace) -> tuple[Answer, Lines]:
    with _opened() as own:
        own.export_to(Path(options.file))
    return {"file": options.file}, [say(options.lang, "workspace.exported", path=options.file)]


def _import(options: argparse.Namespace) -> tuple[Answer, Lines]:
    with _opened() as own:
        own.import_from(Path(options.file))
    return {"file": options.file}, [say(options.lang, "workspace.imported", path=options.file)]


def _verify(options: argparse.Namespace) -> tuple[Answer, Lines]:
    lang = options.lang
    with _opened() as own:
        found, entries = own.verify(), len(own.log())
    answer = {"sound": not found, "entries": entries}
    said = say(lang, "workspace.unsound") if found else say(lang, "workspace.sound", n=entries)
    return printed.with_findings(answer, [said], found, lang)


def _told(saved: "Saved") -> Answer:
    return {
        "kind": saved.kind,
        "name": saved.name,
        "version": saved.number,
        "by": saved.author,
        "at": saved.saved_at.isoformat(),
        "note": saved.note,
        "restored": saved.origin,
    }


def _line(saved: "Saved", lang: str) -> str:
    """A version in one line."""
    at = _moment(saved.saved_at, lang)
    said = [say(lang, "workspace.version", number=saved.number, by=saved.author, at=at)]
    if saved.origin is not None:
        said.append(say(lang, "workspace.version_restored", number=saved.origin))
    return "; ".join([*said, *filter(None, [saved.note])])


def _moment(at: datetime, lang: str) -> str:
    """A time of the workspace, in UTC."""
    return f"{day(at.date(), lang)} {at:%H:%M} UTC"
