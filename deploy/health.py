"""`/healthz`: whether conversations can be kept and the model can be reached.

For monitoring, not for restarting: a model that is out of reach does not come
back with another process, and the page explains it. It says nothing but two words.
"""

import asyncio
import logging
import time
from importlib.util import find_spec

from starlette.requests import Request
from starlette.responses import JSONResponse

from chatbot.errors import ChatbotError
from chatbot.ui import resources

log = logging.getLogger(__name__)

LIFE_SECONDS = 15.0
"""How long an outcome stands, however often it is asked for."""

PATIENCE_SECONDS = 10.0

WITHOUT_LIST = {"wrong_address", "not_an_api"}
"""What an endpoint says that answers, but has no list of models: many servers have none."""


class Health:
    """Looks at most once in LIFE_SECONDS."""

    def __init__(self) -> None:
        self._looking = asyncio.Lock()
        self._checks: dict[str, str] = {}
        self._looked_at = float("-inf")

    async def respond(self, _request: Request) -> JSONResponse:
        """200 if all is well, otherwise 503, and which part is not."""
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
            if failure := resources.failure_to_open():
                raise failure
            resources.store().check()
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
        settings = await asyncio.to_thread(resources.settings)
        if not settings.endpoints:
            return find_spec("xllamacpp") is not None  # the built-in model
        answers = await asyncio.to_thread(resources.answers)
        listing = asyncio.wrap_future(answers.models.list(settings.endpoints[0]))
        await asyncio.wait_for(listing, PATIENCE_SECONDS)
    except TimeoutError:
        log.warning("The endpoint did not answer in %s s", PATIENCE_SECONDS)
        return False
    except ChatbotError as error:
        if error.code in WITHOUT_LIST:
            return True
        log.warning("The endpoint is not well: %s", error)
        return False
    except Exception:
        log.exception("The endpoint is not well")
        return False
    return True
