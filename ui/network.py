"""The connections of the server: what is to be sent does not wait for more."""

import gc
import socket
from contextlib import suppress

import streamlit as st


@st.cache_resource(show_spinner=False)
def send_at_once() -> bool:
    """Switch Nagle's algorithm off, for the server and so for every connection that it takes.

    asyncio does so for sockets that name their protocol; Streamlit's names none. A move is answered
    by several short messages, and the second one would wait some 40 ms for the browser to confirm
    the first.
    """
    for own in gc.get_objects():
        if issubclass(type(own), socket.socket) and own.family in {socket.AF_INET, socket.AF_INET6}:
            with suppress(OSError):  # it was closed meanwhile, or is none of TCP
                own.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return True
