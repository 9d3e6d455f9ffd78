"""A line between a browser and a server that can be cut, mended, and led to another server."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from tests.browser import HOST

_PIECE = 65536  # bytes that are passed on at a time


class Line:
    """Passes on what is said between its own address and a server.

    Attributes:
        url: where browsers call.
    """

    def __init__(self, door: socket.socket, url: str) -> None:
        self.url = f"http://{HOST}:{door.getsockname()[1]}"
        self._door = door
        self._port: int | None = urlsplit(url).port
        self._ends: set[socket.socket] = set()
        self._lock = threading.Lock()

    def cut(self) -> None:
        """End what is being said, and refuse whoever calls."""
        with self._lock:
            self._port = None
            for end in self._ends:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def mend(self, url: str) -> None:
        """Lead whoever calls to this server."""
        with self._lock:
            self._port = urlsplit(url).port

    def listen(self) -> None:
        """Until the door is closed."""
        while True:
            try:
                caller, _ = self._door.accept()
            except OSError:
                return
            self._connect(caller)

    def _connect(self, caller: socket.socket) -> None:
        with self._lock:
            if self._port is None:
                caller.close()
                return
            try:
                server = socket.create_connection((HOST, self._port))
            except OSError:  # it has fallen
                caller.close()
                return
            self._ends |= {caller, server}
        for one, other in ((caller, server), (server, caller)):
            threading.Thread(target=self._pass_on, args=(one, other), daemon=True).start()

    def _pass_on(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while piece := one.recv(_PIECE):
                other.sendall(piece)
        for end in (one, other):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        with self._lock:
            ended = {end for end in (one, other) if end in self._ends}
            self._ends -= ended
        for end in ended:
            end.close()


@contextmanager
def line(url: str) -> Iterator[Line]:
    """A line to a server, until the end of the block."""
    with socket.create_server((HOST, 0)) as door:
        own = Line(door, url)
        threading.Thread(target=own.listen, daemon=True).start()
        try:
            yield own
        finally:
            own.cut()
            with suppress(OSError):
                door.shutdown(socket.SHUT_RDWR)  # wakes who listens
