"""A visitor of the running app without a browser: Streamlit's own messages over a websocket.

What a page in a browser would draw is not drawn, so times are those of the server: from a change
being sent to the last message that answers it.
"""

import asyncio
import http.client
import json
import os
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import UploadedFileInfo
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect

from bench.common import children
from tests.browser import serve

PATIENCE = 120  # seconds that an answer may take
LARGEST = 2**28  # bytes of a message
DONE = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)
_BOUNDARY = "kpi-pay-bench"
_EVENTS = "$$STREAMLIT_INTERNAL_KEY_{}__events"  # what hears the events of a component


@dataclass
class Answer:
    """One run of the page.

    Attributes:
        seconds: from the change being sent to the last message of its run.
        sent: bytes that came over the socket.
        errors: exceptions, messages of the app's error boundary, and runs that did not succeed.
        data: key of a component to what it is given.
        widgets: key to the identity of an upload box, a list or a component.
        fragments: key of a component to the fragment it stands in; none if empty.
        options: key of a list to what can be chosen from it.
        boxes: keys of the upload boxes.
    """

    seconds: float = 0.0
    sent: int = 0
    errors: list[str] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)
    widgets: dict[str, str] = field(default_factory=dict)
    fragments: dict[str, str] = field(default_factory=dict)
    options: dict[str, list[str]] = field(default_factory=dict)
    boxes: list[str] = field(default_factory=list)

    def take(self, message: ForwardMsg) -> None:
        """What a message shows."""
        if message.WhichOneof("type") != "delta" or not message.delta.HasField("new_element"):
            return
        element = message.delta.new_element
        kind = element.WhichOneof("type")
        if kind == "exception":
            self.errors.append(f"{element.exception.type}: {element.exception.message}")
        elif kind == "alert" and element.alert.format == Alert.ERROR:
            self.errors.append(element.alert.body)
        elif kind == "file_uploader":
            key = _key(element.file_uploader.id)
            self.widgets[key] = element.file_uploader.id
            self.boxes.append(key)
        elif kind == "selectbox":
            key = _key(element.selectbox.id)
            self.widgets[key] = element.selectbox.id
            self.options[key] = list(element.selectbox.options)
        elif kind == "bidi_component":
            key = _key(element.bidi_component.id)
            self.widgets[key] = element.bidi_component.id
            self.fragments[key] = message.delta.fragment_id
            if element.bidi_component.WhichOneof("data") == "json":
                self.data[key] = json.loads(element.bidi_component.json)


class Visitor:
    """One session, as the page in a browser holds it."""

    def __init__(self, socket: ClientConnection, url: str, lang: str) -> None:
        self._socket, self._url, self._lang = socket, url, lang
        self._page = ""
        self._pages: dict[str, str] = {}  # path to hash
        self._session = ""
        self.widgets: dict[str, str] = {}
        self.fragments: dict[str, str] = {}
        self.options: dict[str, list[str]] = {}

    def paths(self) -> list[str]:
        """The pages, by their paths; known after the first visit."""
        return list(self._pages)

    async def visit(self, path: str = "") -> Answer:
        """Open a page, by default the first of the menu."""
        self.widgets = {}
        if not self._pages:
            return await self._run(page_name=path)
        self._page = self._pages[path]
        return await self._run()

    async def trigger(self, key: str, event: str, value: object) -> Answer:
        """Let a component tell of an event."""
        state = WidgetState(id=_EVENTS.format(self.widgets[key]))
        state.json_trigger_value = json.dumps([{"event": event, "value": value}])
        return await self._run(state, fragment_id=self.fragments[key])

    async def choose(self, key: str, position: int) -> Answer:
        """Take an option of the list whose key begins so."""
        (found,) = [own for own in self.options if own.startswith(key)]
        state = WidgetState(id=self.widgets[found], string_value=self.options[found][position])
        return await self._run(state)

    async def upload(self, key: str, file: Path) -> Answer:
        """Hand a file to an upload box; what its upload takes is not counted."""
        asked = BackMsg()
        asked.file_urls_request.session_id = self._session
        asked.file_urls_request.request_id = "1"
        asked.file_urls_request.file_names.append(file.name)
        await self._socket.send(asked.SerializeToString())
        while True:
            message = await self._next(Answer())
            if message.WhichOneof("type") == "file_urls_response":
                break
        (urls,) = message.file_urls_response.file_urls
        size = file.stat().st_size
        await asyncio.to_thread(_put, self._url, urls.upload_url, file)
        info = UploadedFileInfo(name=file.name, size=size, file_id=urls.file_id, file_urls=urls)
        state = WidgetState(id=self.widgets[key])
        state.file_uploader_state_value.uploaded_file_info.append(info)
        return await self._run(state)

    async def _run(self, state: WidgetState | None = None, **more: str) -> Answer:
        asked = BackMsg()
        run = asked.rerun_script
        run.query_string = f"lang={self._lang}"
        run.page_script_hash = self._page
        for name, value in more.items():
            setattr(run, name, value)
        if state is not None:
            run.widget_states.widgets.append(state)
        answer = Answer()
        start = time.perf_counter()
        await self._socket.send(asked.SerializeToString())
        while True:
            message = await self._next(answer)
            kind = message.WhichOneof("type")
            if kind == "new_session":
                self._session = message.new_session.initialize.session_id
                self._page = message.new_session.page_script_hash
            elif kind == "navigation":
                self._page = message.navigation.page_script_hash
                self._pages = {
                    page.url_pathname: page.page_script_hash
                    for page in message.navigation.app_pages
                }
            elif kind == "script_finished":
                ended = message.script_finished
                if ended == ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                    continue  # `st.rerun`: another run follows
                if ended not in DONE:
                    answer.errors.append(ForwardMsg.ScriptFinishedStatus.Name(ended))
                break
        answer.seconds = time.perf_counter() - start
        self.widgets |= answer.widgets
        if answer.options:  # those of the page as it is now
            self.options = answer.options
        self.fragments |= answer.fragments
        return answer

    async def _next(self, answer: Answer) -> ForwardMsg:
        data = await asyncio.wait_for(self._socket.recv(), PATIENCE)
        answer.sent += len(data)
        message = ForwardMsg.FromString(data)
        answer.take(message)
        return message


@asynccontextmanager
async def visitor(url: str, lang: str = "en") -> AsyncIterator[Visitor]:
    """A session of its own, left at the end."""
    address = urlsplit(url)
    async with connect(
        f"ws://{address.netloc}/_stcore/stream",
        subprotocols=["streamlit"],
        origin=url,
        max_size=LARGEST,
    ) as socket:
        yield Visitor(socket, url, lang)


@contextmanager
def served(*flags: str, **options: Any) -> Iterator[tuple[str, int]]:
    """The app in a process of its own: its address and the number of the process.

    Options are those of `tests.browser.serve`.
    """
    before = set(children(os.getpid()))
    with serve(*flags, **options) as url:
        (server,) = set(children(os.getpid())) - before
        yield url, server


def resident(process: int) -> float:
    """MB of memory that a process holds."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii", errors="replace")
    return int(re.findall(r"^VmRSS:\s*(\d+)", status, re.MULTILINE)[0]) / 1024


def _key(id: str) -> str:
    """The key that the app gave to what Streamlit calls ``$$ID-<hash>-<key>``."""
    return id.split("-", 2)[-1]


def _put(url: str, path: str, file: Path) -> None:
    """Send a file to where the app said, with the token that its pages are given."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=PATIENCE)
    try:
        connection.request("GET", "/_stcore/health")
        answer = connection.getresponse()
        answer.read()
        cookie = (answer.getheader("Set-Cookie") or "").split(";")[0]
        disposition = f'Content-Disposition: form-data; name="file"; filename="{file.name}"'
        head = f"--{_BOUNDARY}\r\n{disposition}\r\nContent-Type: text/csv\r\n\r\n".encode()
        body = head + file.read_bytes() + f"\r\n--{_BOUNDARY}--\r\n".encode()
        headers = {
            "Content-Type": f"multipart/form-data; boundary={_BOUNDARY}",
            "Cookie": cookie,
            "X-Xsrftoken": cookie.partition("=")[2],
        }
        connection.request("PUT", path, body, headers)
        status = connection.getresponse().status
        if status != http.client.NO_CONTENT:
            raise SystemExit(f"the app took no file: {status}")
    finally:
        connection.close()
