"""Data sent to browsers and logs by an app in a separate process, whatever the endpoint does."""

import asyncio
import re
from collections.abc import Callable, Iterator

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from chatbot.i18n import translate
from tests.conftest import CANARY_KEY, RunningApp
from tests.protocol import Visit, run, visit
from tests.servers.faulty import FAULTS, Exchange, Fault, FaultyServer

AT_ONCE = 10
"""Most faults are waited for, not worked on."""


async def fail_as_asked(exchange: Exchange) -> None:
    """Break in the way that the question names."""
    question = exchange.body["messages"][-1]["content"]
    [fault] = [fault for fault in FAULTS if question == f"What does {fault.name} do?"]
    await fault.answer(exchange)


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    server = FaultyServer(fail_as_asked).start()
    yield server
    server.stop()


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_no_fault_lets_the_key_out_of_the_server(
    locale: str, run_app: Callable[..., RunningApp], server: FaultyServer
) -> None:
    """All that a browser could draw or keep has come in a frame of the connection."""
    app = run_app(
        OPENAI_BASE_URL=server.base_url,
        OPENAI_API_KEY=CANARY_KEY,
        CHATBOT_MODELS="test-model, other-model",
        CHATBOT_CONNECT_TIMEOUT="1",
        CHATBOT_SILENCE_TIMEOUT="1",
    )
    language = locale[:2]
    ended = [translate(language, f"answer.{name}") for name in ("retry", "regenerate", "retry_now")]
    is_over = re.compile("|".join(f"^{re.escape(name)}$" for name in ended))
    free = asyncio.Semaphore(AT_ONCE)

    def is_the_end(message: ForwardMsg) -> bool:
        return bool(is_over.match(message.delta.new_element.button.label))

    async def suffer(fault: Fault) -> Visit:
        async with free, visit(app.url, locale) as page:
            await page.ask(f"What does {fault.name} do?")
            await page.read_until(is_the_end)
            await page.read_until(lambda one: one.WhichOneof("type") == "script_finished")
            return page

    async def suffer_all() -> list[Visit]:
        return await asyncio.gather(*map(suffer, FAULTS))

    pages = run(suffer_all(), timeout_seconds=100)
    greeting = translate(language, "greeting.title").encode()
    for fault, page in zip(FAULTS, pages, strict=True):
        sent = b"".join(page.frames)
        assert greeting in sent and fault.name.encode() in sent
        assert CANARY_KEY.encode() not in sent
        assert b"Traceback" not in sent
    assert len(server.requests) >= len(FAULTS)
    assert CANARY_KEY not in app.log
    assert "Traceback" not in app.log
