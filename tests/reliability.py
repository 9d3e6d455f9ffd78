"""What the tests and benchmarks say of falls, load and bad input, as one document.

`python -m tests.reliability > docs/reliability.md` writes it anew. No figure in it is typed: each
is a constant of the test that keeps to it, a count of what the tests hold, or a line of
`docs/benchmarks.md`.
"""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench import load, people
from bench.__main__ import REPORT, sections
from tests.badfiles import CASES
from tests.browser import ROOT
from tests.core import test_hostile_input, test_opening, test_whole, test_workspace_faults

USUAL = 100  # examples of hypothesis where a test names no number

HEAD = """# Reliability

What the program went through, and the command that repeats it. Written by
`python -m tests.reliability > docs/reliability.md`, which takes each figure from the tests and from
[benchmarks](benchmarks.md); `tests/test_reliability.py` holds that it is so.
"""


@dataclass(frozen=True)
class Fault:
    """Something that happens, and the test in which it does.

    Attributes:
        what: happens.
        then: what is held.
        file: of the test, below ``tests/``.
        test: its name.
        times: how often it happens there.
    """

    what: str
    then: str
    file: str
    test: str
    times: int = 1


def faults() -> tuple[Fault, ...]:
    """All that was tried."""
    kept, line = "core/test_workspace_faults.py", "e2e/test_line.py"
    killed, told = "what was acknowledged is there, nothing by half", "told; nothing lost"
    commands = len(test_whole.WRITERS)
    again = commands - len(test_whole.ONCE)
    return (
        Fault("kill -9 while plans, files, approvals and backups are written: SQLite",
              killed, kept, "test_no_kill_loses_what_was_acknowledged",
              test_workspace_faults.KILLS),
        Fault("the same: PostgreSQL", killed, kept, "test_no_kill_loses_what_postgres_acknowledged",
              test_workspace_faults.KILLS_OF_POSTGRES),
        Fault(f"kill -9 of a command that writes a report, payroll or sign-off, {commands} kinds",
              "the file is whole: the earlier one or the new one", "core/test_whole.py",
              "test_no_kill_of_a_command_leaves_half_a_file", test_whole.KILLS),
        Fault("kill -9 of the server under an open page", "the page finds the next one and goes on",
              line, "test_a_server_that_falls_under_an_open_page_is_found_again"),
        Fault("the same, with work that was not saved", "it is laid out again",
              "e2e/test_state.py", "test_after_the_server_fell_the_owner_goes_on_where_they_were"),
        Fault("the line to the server is cut while a weight is moved", "the move counts later",
              line, "test_a_move_made_while_the_line_is_cut_is_told_when_it_is_back"),
        Fault("the line is cut while a box is half filled in", "what was typed is there and counts",
              line, "test_what_is_half_typed_when_the_line_is_cut_is_still_there_and_counts"),
        Fault("a move is lost on the way", "it is told again", "e2e/test_live.py",
              "test_a_move_that_was_lost_on_the_way_is_told_again"),
        Fault("PostgreSQL falls in the middle of a save", "told; saved when it is back", kept,
              "test_postgres_restarted_in_the_middle_is_told_and_all_goes_on"),
        Fault("the disk is full: workspace", told, kept,
              "test_a_full_disk_is_told_and_room_makes_it_good"),
        Fault("a file of the workspace may not grow", told, kept,
              "test_a_file_that_may_not_grow_is_told_and_nothing_is_lost"),
        Fault("the disk is full: reports and payrolls", "one line; the earlier file stays",
              "core/test_whole.py", "test_a_full_disk_is_one_line_and_the_earlier_file_stays",
              again),
        Fault("a folder is read-only or not there: workspace", "told", kept,
              "test_a_folder_that_may_not_be_written_is_told"),
        Fault("a disk turns read-only", "told; what was kept stays", kept,
              "test_a_read_only_disk_is_told_and_what_was_kept_stays"),
        Fault("a folder is closed or not there: reports", "one line", "core/test_whole.py",
              "test_a_folder_that_is_not_there_or_closed_is_one_line"),
        Fault("another program holds the database", "told; the next try is kept", kept,
              "test_a_database_that_another_holds_is_told_and_can_be_tried_again"),
        Fault("two save at once", "both are kept, or one is told", kept,
              "test_of_two_that_save_at_once_both_are_kept_or_one_is_told"),
        Fault("the database is cut, scrambled or none", "set aside under a name that is told", kept,
              "test_a_damaged_database_is_set_aside_and_never_deleted"),
        Fault("a kept file is gone", "told; whole again once uploaded again", kept,
              "test_a_file_that_is_gone_is_told"),
        Fault("the clock jumps back", "order is by number", "core/test_workspace.py",
              "test_order_is_by_number_when_the_clock_jumps_back"),
        Fault("a backup was cut", "nothing of it is taken", "test_backup.py",
              "test_a_backup_that_was_cut_restores_nothing"),
        Fault("nothing but two folders can be written", "the app works", "test_deploy.py",
              "test_the_start_command_works_where_nothing_but_two_folders_can_be_written"),
    )  # fmt: skip


def bad_inputs() -> Iterator[tuple[str, int, str]]:
    """What was tried, how many, and the file of the test."""
    refused = sum(bool(case.code) for case in CASES.values())
    yield "files that are broken or hostile: refused by name", refused, "core/test_badfiles.py"
    yield (
        "files that are odd: exactly these cells and remarks",
        len(CASES) - refused,
        "core/test_badfiles.py",
    )
    pairs = len(test_hostile_input.READERS) * len(test_hostile_input.RAW)
    yield (
        "plans, links, layouts and other files of ours that are something else",
        pairs,
        "core/test_hostile_input.py",
    )
    yield "formulas that are attacks", len(test_hostile_input.ATTACKS), "core/test_hostile_input.py"
    for what, file in (
        ("files of ours, formulas and people with anything in them, by chance", "hostile_input"),
        ("sample exports with bytes broken, lines lost, doubled or moved, by chance", "mutations"),
    ):
        path = f"core/test_{file}.py"
        yield what, examples(ROOT / "tests" / path), path
    yield (
        "tables made by chance, as text of several encodings, workbooks, pages and Parquet",
        len(test_opening.ENCODINGS) * test_opening.TEXTS + sum(test_opening.OTHERS.values()),
        "core/test_opening.py",
    )


def examples(path: Path) -> int:
    """How many examples hypothesis makes up in a file of tests, those of each parameter once."""
    count = 0
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.FunctionDef):
            continue
        marks = [own for own in node.decorator_list if isinstance(own, ast.Call)]
        if any(ast.unparse(own.func) == "given" for own in marks):
            said = [word for own in marks for word in own.keywords if word.arg == "max_examples"]
            count += int(ast.literal_eval(said[0].value)) if said else USUAL
    return count


def command(file: str) -> str:
    """What repeats the tests of a file, the slow ones among them."""
    return f'`make test ARGS="tests/{file}"`'


def measured() -> str:
    """The sections of the benchmarks that tell of load."""
    found, own = sections(REPORT.read_text("utf-8")), []
    for name, module in (("load", load), ("people", people)):
        section = found.get(module.TITLE)
        told = section.partition("\n")[2].strip() if section else "Not measured yet."
        own.append(f'### {module.TITLE}\n\n`make bench ARGS="{name}"`\n\n{told}\n')
    return "\n".join(own)


def document() -> str:
    """The whole of it."""
    own = faults()
    kills = sum(
        fault.times for fault in own if fault.what.startswith(("kill -9", "the same: Post"))
    )
    rows = [
        f"| {one.what} | {one.times} | {one.then} | `{one.test}` | {command(one.file)} |"
        for one in own
    ]
    tried = [f"| {what} | {count:,} | {command(file)} |" for what, count, file in bad_inputs()]
    return "\n".join(
        (
            HEAD,
            "## Faults survived\n",
            f"Processes were killed at {kills} points, most of them by chance. Lost: 0; half"
            " written: 0. The tests fail at the first one.\n",
            "| what happens | times | what is held | test | repeat it |",
            "| --- | --- | --- | --- | --- |",
            *rows,
            "\n## Bad inputs tried\n",
            "| what | how many | repeat it |",
            "| --- | --- | --- |",
            *tried,
            "\nEach is taken as it is, or refused by name; a fault without a name, a crash or an"
            " endless wait fails the test.\n",
            "## Load held\n",
            measured(),
        )
    )


if __name__ == "__main__":
    sys.stdout.write(document())
