"""Streamlit's own protocol, spoken without a browser: open the page, ask, and whatever else."""

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

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.script_hash = ""
        self.widgets: dict[str, str] = {}
        """The id of each control, by its kind: `chat_input`, `slider`, …"""

    async def open(self) -> None:
        """Have the page run for the first time, to its end."""
        await self.socket.send_bytes(rerun())
        await self.read_until(lambda message: message.WhichOneof("type") == "script_finished")

    async def ask(self, question: str) -> None:
        """Send a question."""
        await self.socket.send_bytes(rerun(self.script_hash, self.widgets["chat_input"], question))

    async def read_until(self, is_it: Callable[[ForwardMsg], bool]) -> ForwardMsg:
        """Read messages up to a certain one. Raises ConnectionError if the server hangs up."""
        async for frame in self.socket:
            message: ForwardMsg = ForwardMsg.FromString(frame.data)
            self._learn(message)
            if is_it(message):
                return message
        raise ConnectionError

    def _learn(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self.script_hash = message.new_session.page_script_hash
        elif kind == "delta" and message.delta.HasField("new_element"):
            element = message.delta.new_element
            name = element.WhichOneof("type")
            if name and hasattr(getattr(element, name), "id"):
                self.widgets[name] = getattr(element, name).id


def rerun(script_hash: str = "", composer_id: str = "", question: str = "") -> bytes:
    """The message by which a browser has the page run, with a question if there is one."""
    message = BackMsg()
    message.rerun_script.query_string = ""
    message.rerun_script.page_script_hash = script_hash
    if composer_id:
        state = message.rerun_script.widget_states.widgets.add()
        state.id = composer_id
        state.chat_input_value.data = question
    serialized: bytes = message.SerializeToString()
    return serialized


@asynccontextmanager
async def visit(url: str, **headers: str) -> AsyncIterator[Visit]:
    """Open the page as a new visitor."""
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(
            f"{url}/_stcore/stream", protocols=("streamlit",), headers=headers
        ) as socket,
    ):
        page = Visit(socket)
        await page.open()
        yield page
