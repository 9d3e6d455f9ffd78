"""The notebook of a decision says what its cells print.

`python -m tests.test_notebook` writes what they print now.
"""

import json
import subprocess
import sys
from pathlib import Path

import nbformat

NOTEBOOK = Path(__file__).parent.parent / "docs" / "decision.ipynb"
# The cells one after the other, as a kernel runs them; what each printed.
KERNEL = """
import contextlib, io, json, sys
space, printed = {"__name__": "__main__"}, []
for source in json.load(sys.stdin):
    with contextlib.redirect_stdout(io.StringIO()) as said:
        exec(compile(source, "cell", "exec"), space)
    printed.append(said.getvalue())
json.dump(printed, sys.stdout)
"""


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def run(notebook: nbformat.NotebookNode) -> list[str]:
    """What each cell of code prints in a fresh Python, in the notebook's folder."""
    done = subprocess.run(
        [sys.executable, "-c", KERNEL],
        cwd=NOTEBOOK.parent,
        input=json.dumps([cell.source for cell in code_cells(notebook)]),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


def stored(cell: nbformat.NotebookNode) -> str:
    return "".join(output.text for output in cell.outputs)


def test_the_notebook_prints_what_is_stored_in_it() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    assert run(notebook) == [stored(cell) for cell in code_cells(notebook)]


def write() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    for number, (cell, text) in enumerate(zip(code_cells(notebook), run(notebook), strict=True), 1):
        cell.execution_count = number
        cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=text)] if text else []
    nbformat.write(notebook, NOTEBOOK)


if __name__ == "__main__":
    write()
