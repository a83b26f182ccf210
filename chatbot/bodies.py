"""What a server sends that is no stream: errors, lists, pages. Read up to a limit.

The library would read any amount, for any time, and wait for as long as the server wants.
"""

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING

from chatbot import faults
from chatbot.endpoints import Endpoint

if TYPE_CHECKING:
    import httpx2  # comes with the client, and as late

LONGEST_SILENT_RETRY_SECONDS = 5
"""A server that wants a longer pause is called busy, rather than waited for without a word."""

MAX_BODY_BYTES = 4_000_000
"""What is no stream is read up to here; the longest list of models known has a tenth of it."""

ERROR_BODY_SECONDS = 2
"""How long an error's own words are waited for at most; the status alone says enough."""


async def look_at(response: "httpx2.Response", endpoint: Endpoint) -> None:
    """Read what is no stream, up to a limit, and say whether asking again at once may help."""
    import httpx2

    if response.is_success and "text/event-stream" in response.headers.get("content-type", ""):
        return
    seconds = endpoint.silence_timeout_seconds
    if not response.is_success:
        seconds = min(ERROR_BODY_SECONDS, seconds / 4)  # so that there is time for two retries
    body = bytearray()
    stream = response.stream
    assert isinstance(stream, httpx2.AsyncByteStream)
    with contextlib.suppress(Exception):  # what came is enough to tell what it is
        async with asyncio.timeout(seconds):
            async for piece in stream:
                body += piece
                if len(body) > MAX_BODY_BYTES:
                    break
    await stream.aclose()
    response.stream = httpx2.ByteStream(bytes(body))
    response.headers.pop("content-encoding", None)  # none was asked for
    if not response.is_success:
        failure = faults.refusal(
            response.status_code, parsed(body), response.headers, endpoint, model=""
        )
        seconds = float(failure.details.get("seconds", 0))
        may_help = failure.code in ("busy", "server_error", "timeout")
        if not may_help or seconds > LONGEST_SILENT_RETRY_SECONDS:
            response.headers["x-should-retry"] = "false"


def parsed(body: bytes | bytearray) -> object:
    """A body as JSON, or the beginning of its text."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body[:2000].decode("utf-8", "replace")
