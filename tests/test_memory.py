"""Memory of the server: what a visitor who has left gives back."""

import gc
import threading
import weakref

import pytest

from ui import memory


class Ring:
    """What only a look for garbage can free."""

    def __init__(self) -> None:
        self.itself = self


def test_what_is_left_behind_is_looked_for_once_a_visitor_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(memory, "PAUSE", 0.0)
    freed, ring, visitor = threading.Event(), Ring(), memory.Presence()
    weakref.finalize(ring, freed.set)
    gc.disable()
    try:
        del ring
        assert not freed.is_set()
        del visitor
        assert freed.wait(30)
    finally:
        gc.enable()
