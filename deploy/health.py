"""`/healthz`: checks that conversations can be stored and the model can be reached.

For monitoring, not for automatic restarts: a new process does not make the model reachable, and
the page explains the problem. The response contains only the words `ok` and `failing`.
"""

import asyncio
import logging
import time
from importlib.util import find_spec

from starlette.requests import Request
from starlette.responses import JSONResponse

from chatbot.errors import ChatbotError
from chatbot.ui import services

log = logging.getLogger(__name__)

LIFE_SECONDS = 15.0
"""Time for which a result is reused."""

PATIENCE_SECONDS = 10.0


class Health:
    """Health check that runs at most once in LIFE_SECONDS."""

    def __init__(self) -> None:
        self._looking = asyncio.Lock()
        self._checks: dict[str, str] = {}
        self._looked_at = float("-inf")

    async def respond(self, _request: Request) -> JSONResponse:
        """Respond with 200, or 503 and the part that is failing."""
        async with self._looking:
            if time.monotonic() > self._looked_at + LIFE_SECONDS:
                store, endpoint = await asyncio.gather(_is_store_well(), _is_endpoint_well())
                self._checks = {"store": _word(store), "endpoint": _word(endpoint)}
                self._looked_at = time.monotonic()
        is_well = set(self._checks.values()) == {"ok"}
        status = {"status": _word(is_well), **self._checks}
        return JSONResponse(status, 200 if is_well else 503, headers={"Cache-Control": "no-store"})


def _word(is_well: bool) -> str:
    return "ok" if is_well else "failing"


async def _is_store_well() -> bool:
    def check() -> bool:
        try:
            if failure := services.failure_to_open():
                raise failure
            services.store().check()
        except ChatbotError as error:
            log.warning("Conversations cannot be kept: %s", error)
            return False
        except Exception:
            log.exception("Conversations cannot be kept")
            return False
        return True

    return await asyncio.to_thread(check)


async def _is_endpoint_well() -> bool:
    try:
        settings = await asyncio.to_thread(services.settings)
        if settings.fault:
            raise settings.fault
        if not settings.endpoints:
            return find_spec("xllamacpp") is not None  # the built-in model
        answers = await asyncio.to_thread(services.answers)
        listing = asyncio.wrap_future(answers.models.list(settings.endpoints[0]))
        await asyncio.wait_for(listing, PATIENCE_SECONDS)
    except TimeoutError:
        log.warning("The endpoint did not answer in %s s", PATIENCE_SECONDS)
        return False
    except ChatbotError as error:
        if error.kind.means_no_list:  # many servers lack a list; the endpoint is reachable
            return True
        log.warning("The endpoint is not well: %s", error)
        return False
    except Exception:
        log.exception("The endpoint is not well")
        return False
    return True
