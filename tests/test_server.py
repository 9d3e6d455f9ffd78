"""The server: what a visitor who has left gives back, and how soon is sent what is to be sent."""

import gc
import socket
import threading
import weakref

import pytest

from ui import memory, network


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


def test_what_is_sent_does_not_wait_for_more() -> None:
    network.send_at_once.clear()
    with socket.socket() as listening, socket.socket() as asking:
        assert not listening.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        network.send_at_once()
        asking.connect(listening.getsockname())
        taken, _ = listening.accept()
        with taken:
            assert taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
