"""The one event loop, on a thread of its own, on which all requests to models live.

Answers must outlive the script runs that show them, so nothing here knows the page.
"""

import asyncio
import functools
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

T = TypeVar("T")


def submit(coroutine: Coroutine[Any, Any, T]) -> Future[T]:
    """Run a coroutine on the background loop; cancelling the future cancels it."""
    return asyncio.run_coroutine_threadsafe(coroutine, _loop())


def has_begun() -> bool:
    """Return True once the background loop was started; it cannot start while the app exits."""
    return _start.cache_info().currsize > 0


def call(function: Callable[[], object]) -> None:
    """Call a quick function on the background loop, and return when the call is done."""

    async def run() -> None:
        function()

    submit(run()).result()


async def in_thread(function: Callable[[], T]) -> T:
    """Call a function that blocks for long, on a thread that does not hold up the app's exit."""
    loop = asyncio.get_running_loop()
    result: asyncio.Future[T] = loop.create_future()

    def settle_with_result() -> None:
        try:
            value = function()
        except Exception as error:  # noqa: BLE001 - the waiting caller gets it
            settle = functools.partial(result.set_exception, error)
        else:
            settle = functools.partial(result.set_result, value)
        # The waiting caller may have been cancelled meanwhile.
        loop.call_soon_threadsafe(lambda: result.done() or settle())

    threading.Thread(target=settle_with_result, daemon=True).start()
    return await result


class Job(Generic[T]):
    """Work that takes longer than a click: it runs in a thread, and the page follows it.

    `work` receives a function, and calls it with the finished part of the work, from 0 to 1.
    """

    def __init__(self, work: Callable[[Callable[[float], None]], T]) -> None:
        self.fraction = 0.0
        self.is_seen_to_end = False
        """Set by the page when it has seen the end."""
        self.future = submit(in_thread(lambda: work(self._report)))

    @property
    def has_ended(self) -> bool:
        """Tell if the work has ended, successfully or not."""
        return self.future.done()

    def _report(self, fraction: float) -> None:
        self.fraction = fraction


_starting = threading.Lock()


def _loop() -> asyncio.AbstractEventLoop:
    with _starting:  # `cache` alone would let two first callers start a loop each
        return _start()


@functools.cache
def _start() -> asyncio.AbstractEventLoop:
    loop = _new_event_loop()
    threading.Thread(target=loop.run_forever, name="answers", daemon=True).start()
    return loop


def _new_event_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop  # a third less CPU for each chunk; not made for Windows
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
