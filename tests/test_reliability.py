"""docs/reliability.md is what the tests and benchmarks say, and each test in it is there."""

import pytest

from tests.browser import ROOT
from tests.reliability import document, faults


def test_the_document_is_what_the_tests_and_benchmarks_say() -> None:
    """`python -m tests.reliability > docs/reliability.md` writes it anew."""
    assert (ROOT / "docs" / "reliability.md").read_text("utf-8") == document()


@pytest.mark.parametrize("fault", faults(), ids=lambda fault: fault.test)
def test_every_fault_has_its_test(fault) -> None:
    assert f"def {fault.test}(" in (ROOT / "tests" / fault.file).read_text("utf-8")
