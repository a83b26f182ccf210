"""Functions shared by all test servers."""

import asyncio
import contextlib
import socket
from asyncio.trsock import TransportSocket
from collections.abc import Iterable


async def stop_accepting(listeners: Iterable[socket.socket | TransportSocket]) -> None:
    """Take no more connections, and have those just taken become the server's before it closes.

    One that is taken in the same turn of the loop in which its server closes is
    dropped by asyncio with its socket left open, which fails whatever test runs then.
    """
    loop = asyncio.get_running_loop()
    with contextlib.suppress(NotImplementedError):  # on Windows, which takes them otherwise
        for listener in listeners:
            loop.remove_reader(listener.fileno())
    for _ in range(3):
        await asyncio.sleep(0)
