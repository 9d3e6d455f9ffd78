"""Tabs of browsers: a refresh is a new session to the server, which goes on where the tab was.

A tab remembers one word, which nobody can guess and only that tab knows. It names what the session
of the tab holds as long as Streamlit remembers that session; nothing else keeps it.
"""

import secrets
from typing import Any
from weakref import WeakValueDictionary


class Own(dict[str, Any]):
    """What a session holds of its visitor's own, by name."""

    def forked(self) -> "Own":
        """The same for another session: what one of them changes, the other one keeps."""
        return Own({name: _again(held) for name, held in self.items()})


def _again(held: Any) -> Any:
    if isinstance(held, Own):
        return held.forked()
    return {name: _again(own) for name, own in held.items()} if isinstance(held, dict) else held


_tabs: WeakValueDictionary[str, Own] = WeakValueDictionary()


def named(own: Own) -> str:
    """A new word for the tab whose session holds this."""
    word = secrets.token_urlsafe(32)
    _tabs[word] = own
    return word


def renamed(word: str, own: Own) -> None:
    """Let a word stand for what the session of its tab holds from now on."""
    _tabs[word] = own


def found(word: str) -> Own | None:
    """What the session of that tab held, if it is not forgotten."""
    return _tabs.get(word)
