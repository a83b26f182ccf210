"""A client for Streamlit's own protocol, without a browser."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import aiohttp
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

T = TypeVar("T")


def run(coroutine: Coroutine[Any, Any, T], timeout_seconds: float = 60) -> T:
    """Run a coroutine to its end, on a thread: a browser's test has a loop on this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, asyncio.wait_for(coroutine, timeout_seconds)).result()


class Visit:
    """One open page."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, locale: str = "") -> None:
        self.socket = socket
        self.locale = locale
        self.frames: list[bytes] = []
        """All that has come, as it came."""
        self.script_hash = self.session_id = ""
        self.widgets: dict[str, str] = {}
        """The id of each control, by its kind: `chat_input`, `slider`, …"""
        self.ids: set[str] = set()
        """The ids of all controls."""
        self.texts: list[str] = []
        """Texts of the alerts drawn."""

    async def open(self) -> None:
        """Run the page for the first time, to its end."""
        await self.socket.send_bytes(rerun(locale=self.locale))
        await self.read_until(lambda message: message.WhichOneof("type") == "script_finished")

    async def ask(self, question: str) -> None:
        """Send a question."""
        composer_id = self.widgets["chat_input"]
        await self.socket.send_bytes(rerun(self.script_hash, composer_id, question, self.locale))

    async def read_until(self, is_it: Callable[[ForwardMsg], bool]) -> ForwardMsg:
        """Read messages up to a certain one. Raises ConnectionError if the server hangs up."""
        async for frame in self.socket:
            self.frames.append(frame.data)
            message: ForwardMsg = ForwardMsg.FromString(frame.data)
            self._learn(message)
            if is_it(message):
                return message
        raise ConnectionError

    def _learn(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self.script_hash = message.new_session.page_script_hash
            self.session_id = message.new_session.initialize.session_id
        elif kind == "delta" and message.delta.HasField("new_element"):
            element = message.delta.new_element
            name = element.WhichOneof("type")
            if name and hasattr(getattr(element, name), "id"):
                self.widgets[name] = getattr(element, name).id
                self.ids.add(getattr(element, name).id)
            if name == "alert":
                self.texts.append(element.alert.body)
        elif kind == "delta" and message.delta.add_block.expandable.id:
            self.widgets["expander"] = message.delta.add_block.expandable.id


def rerun(
    script_hash: str = "", composer_id: str = "", question: str = "", locale: str = ""
) -> bytes:
    """The message by which a browser has the page run, with a question if there is one."""
    message = BackMsg()
    message.rerun_script.query_string = ""
    message.rerun_script.context_info.locale = locale
    message.rerun_script.page_script_hash = script_hash
    if composer_id:
        state = message.rerun_script.widget_states.widgets.add()
        state.id = composer_id
        state.chat_input_value.data = question
    serialized: bytes = message.SerializeToString()
    return serialized


@asynccontextmanager
async def visit(url: str, locale: str = "", **headers: str) -> AsyncIterator[Visit]:
    """Open the page as a new visitor, whose browser is set to a language."""
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(
            f"{url}/_stcore/stream",
            protocols=("streamlit",),
            headers=headers,
            max_msg_size=0,  # the page's size is not this client's business
        ) as socket,
    ):
        page = Visit(socket, locale)
        await page.open()
        yield page
