"""Retries of a request after a failure that may pass at once, such as a dropped connection."""

from asyncio import sleep
from collections.abc import Awaitable, Callable
from typing import TypeVar

from chatbot.llm import error_mapping
from chatbot.llm.endpoint import Endpoint
from chatbot.llm.request import complaints

T = TypeVar("T")

PAUSES_SECONDS = (0.5, 1.0)
"""Shortest pause before each retry; a server may ask for a longer one."""

LONGEST_SILENT_PAUSE_SECONDS = 5
"""Longest pause that the visitor does not see; for a longer one, report "busy"."""


async def with_retries(send: Callable[[], Awaitable[T]], endpoint: Endpoint) -> T:
    """Send a request, and send it again after a failure that may pass.

    Raises the library's exception of the last failure.
    """
    import openai

    for pause_seconds in PAUSES_SECONDS:
        try:
            return await send()
        except openai.APIError as error:
            if not error_mapping.failure(error, endpoint).kind.retry_helps:
                raise
            if isinstance(error, openai.APIStatusError):
                headers = error.response.headers
                if headers.get("x-should-retry") == "false":  # from OpenAI
                    raise
                asked_seconds = error_mapping.wait_seconds(headers, complaints(error.body)) or 0
                if asked_seconds > LONGEST_SILENT_PAUSE_SECONDS:
                    raise
                pause_seconds = max(pause_seconds, asked_seconds)
        await sleep(pause_seconds)
    return await send()
