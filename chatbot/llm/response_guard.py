"""Bounded reading of responses that are not answers: errors, model lists, web pages.

The library would read them without a limit of size or time.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx2  # loaded together with the client, later


MAX_BODY_BYTES = 12_000_000
"""Largest body read: 5,000 models with two kilobytes of description each."""

ERROR_BODY_SECONDS = 2
"""Longest wait for the body of an error; its status alone is enough for a failure."""


async def raise_for_status(response: "httpx2.Response", silence_timeout_seconds: float) -> None:
    """Raise `openai.APIStatusError` with the beginning of the body unless the request succeeded."""
    import openai

    if response.is_success:
        return
    seconds = min(ERROR_BODY_SECONDS, silence_timeout_seconds / 4)  # leaves time for two retries
    body = bytearray()
    with contextlib.suppress(Exception):  # a part of the body is enough
        async with asyncio.timeout(seconds):
            async for piece in _limited(response):
                body += piece
    message = f"HTTP {response.status_code}"
    raise openai.APIStatusError(message, response=response, body=parsed(body))


async def body_of(response: "httpx2.Response") -> bytes:
    """Read a body up to MAX_BODY_BYTES; never decompressed: none was asked for."""
    return b"".join([piece async for piece in _limited(response)])


async def _limited(response: "httpx2.Response") -> AsyncIterator[bytes]:
    size = 0
    async with contextlib.aclosing(response.aiter_raw()) as pieces:
        async for piece in pieces:
            yield piece
            size += len(piece)
            if size > MAX_BODY_BYTES:
                return


def parsed(body: bytes | bytearray) -> object:
    """Parse a body as JSON, or else return the beginning of its text."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body[:2000].decode("utf-8", "replace")
