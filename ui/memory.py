"""The memory of the server: what never leaves it, and what a visitor who has left gives back."""

import ctypes
import gc
import sys
import threading
import weakref

import streamlit as st

PAUSE = 2.0  # seconds in which those who leave together are waited for
# Of glibc, which keeps what is freed.
_TRIM = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None


@st.cache_resource(show_spinner=False)
def freeze_startup_objects() -> bool:
    """Keep start-up objects out of every later look for garbage."""
    gc.collect()
    gc.freeze()
    return True


class Presence:
    """A visitor: kept in a session, so it goes with it, and memory is given back to the system."""

    def __init__(self) -> None:
        weakref.finalize(self, _left).atexit = False


_waiting = threading.Lock()


def _left() -> None:
    """Give memory back soon: the thread that forgets a session is the one that serves all."""
    if _waiting.acquire(blocking=False):
        timer = threading.Timer(PAUSE, _give_back)
        timer.daemon = True
        timer.start()


def _give_back() -> None:
    _waiting.release()
    gc.collect()
    if _TRIM:
        _TRIM(0)
