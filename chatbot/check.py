"""The connection check: what works with an address and a key, found out by trying.

A base URL is often almost right. So its usual forms are tried, one after the
other: each is asked for its list of models, and the best one then one short
question, for only an answer proves the key, the model and the way back.

A key goes to the origin it belongs to (scheme, host and port) and to no other:
the owner's to what the owner has set, a typed one to what was typed with it.

`python -m chatbot.check` is the same in a terminal (`chatbot/check_command.py`).
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from chatbot import background
from chatbot.addresses import base_urls
from chatbot.client import Client
from chatbot.endpoints import Endpoint, origin
from chatbot.errors import ChatbotError
from chatbot.findings import OF_THE_PATH, Finding, Pace, Step, pace
from chatbot.parameters import ReplyRequest
from chatbot.reply import Source
from chatbot.settings import OPENAI_MODEL

QUESTION = "Count from 1 to 20, separated by blanks."
"""Long enough an answer to tell a stream from a piece, and hardly worth a price."""

QUESTION_TOKENS = 30

MAX_ANSWER_TOKENS = 64

MAX_SILENCE_SECONDS = 30
"""Whoever checks a connection is waiting; a model that is being loaded may take this long."""

MAX_CONNECT_SECONDS = 5

MODELS_TRIED = 5
"""How many of a list are asked at most: its first ones may draw, listen or embed."""

_WHOLE_ORIGIN = {
    *("unreachable", "certificate", "no_tls", "timeout", "dropped"),
    *("busy", "busy_until", "server_error"),
}
"""Faults that no other path would mend."""

_WHOLE_HOST = {"unknown_host", "not_public", "proxy", "region"}
"""Faults that nothing else on the same host would mend."""

_TELLING = {"key_refused", "key_missing", "region", "quota", "quota_until", "forbidden"}
"""Said first if nothing works: whoever answers so is a model server."""

_OF_THE_MODEL = {"model_not_found", "refused", "forbidden", "wrong_address"}
"""Faults after which another model of the list is asked."""


def configured_at(endpoints: Iterable[Endpoint], typed: str) -> list[Endpoint]:
    """Those to which a typed address belongs: that have it, or else that have its origin.

    More than one where a server is set up with several keys. Raises ChatbotError("bad_address").
    """
    forms = base_urls(typed)
    there = [one for one in endpoints if origin(one.base_url) == origin(forms[0])]
    return [one for one in there if one.base_url in forms] or there


class Check:
    """One run of the check. `steps` may be read from any thread while it runs.

    `source` has the key. `typed` is the address to be tried in its usual forms; without it the
    source is taken as it is. `is_owners_key`: the key goes only to where `source` is, otherwise
    it was typed together with the address.
    """

    def __init__(
        self, source: Source, typed: str = "", model: str = "", is_owners_key: bool = True
    ) -> None:
        self.steps: tuple[Step, ...] = ()
        self.source = source
        self._typed = typed.strip().rstrip("/")
        self._model = model.strip()
        self._is_owners_key = is_owners_key
        self._client = Client()

    async def run(self, on_step: Callable[[Step], None] = lambda step: None) -> Finding:
        """Try everything; `on_step` is told of each step when it begins and when it has ended.

        Raises ChatbotError for an address that cannot be one, or if the built-in model is not
        to be had. Whatever an endpoint does wrong is in the finding.
        """
        self._on_step = on_step
        try:
            return await self._try_all(await self._start())
        finally:
            await self._client.close()

    async def _start(self) -> Endpoint:
        if isinstance(self.source, Endpoint):
            endpoint = self.source
        else:
            self._begin("start")
            endpoint = await background.in_thread(self.source.start)
            self._end()
        return replace(
            endpoint,
            connect_timeout_seconds=min(endpoint.connect_timeout_seconds, MAX_CONNECT_SECONDS),
            silence_timeout_seconds=min(endpoint.silence_timeout_seconds, MAX_SILENCE_SECONDS),
        )

    async def _try_all(self, endpoint: Endpoint) -> Finding:
        """The first form of the address that answers, else what is the most telling failure."""
        forms = base_urls(self._typed) if self._typed else [endpoint.base_url]
        if self._is_owners_key and endpoint.api_key:
            forms = [form for form in forms if origin(form) == origin(endpoint.base_url)]
        without_list: list[Endpoint] = []
        failures: list[ChatbotError] = []
        lost: set[object] = set()  # origins on which nothing can work
        has_list = False
        for form in forms:
            candidate = replace(endpoint, base_url=form)
            if origin(form) in lost:
                continue
            try:
                models = await self._list(candidate)
            except ChatbotError as error:
                failures.append(error)
                if error.code in _WHOLE_HOST:
                    break
                if error.code in _WHOLE_ORIGIN:
                    lost.add(origin(form))
                elif error.code in _TELLING:  # it answers: not https instead of http
                    lost |= {origin(one) for one in forms} - {origin(form)}
                if error.code in OF_THE_PATH | {"forbidden", "refused"}:
                    without_list.append(candidate)  # the list alone may be what is missing
                continue
            finding = await self._ask_each(candidate, models)
            if finding.error is None or finding.error.code not in OF_THE_PATH:
                return finding
            failures.insert(0, finding.error)  # who has a list is a model server after all
            has_list = True
        if self._model:
            for candidate in without_list:
                finding = await self._ask_each(candidate, [])
                if finding.error is None:
                    return finding
                failures.append(finding.error)
        telling = [failure for failure in failures if failure.code in _TELLING]
        if not (telling or has_list) and all(failure.code in OF_THE_PATH for failure in failures):
            failures = [ChatbotError("no_address", host=endpoint.host)]
        return Finding(endpoint, (telling or failures)[0])

    async def _list(self, endpoint: Endpoint) -> list[str]:
        """The models of an endpoint; raises ChatbotError if it names none."""
        self._begin("models", base_url=endpoint.base_url)
        with self._noting_failure():
            models = await self._client.list_models(endpoint)
            if not models:
                raise ChatbotError("no_models", host=endpoint.host)
        self._end()
        return models

    async def _ask_each(self, endpoint: Endpoint, models: list[str]) -> Finding:
        """Ask the wanted model, or else the first of some that answers."""
        failure = None
        likeliest = sorted(models, key=lambda model: model != OPENAI_MODEL)[:MODELS_TRIED]
        for model in [self._model] if self._model else likeliest:
            try:
                found = await self._ask(endpoint, model)
            except ChatbotError as error:
                failure = failure or error
                if error.code not in _OF_THE_MODEL:
                    break
            else:
                is_as_given = self._typed in ("", endpoint.base_url)
                return Finding(endpoint, None, model, tuple(models), found, is_as_given)
        return Finding(endpoint, failure)

    async def _ask(self, endpoint: Endpoint, model: str) -> Pace | None:
        self._begin("answer", model=model)
        arrivals: list[tuple[float, str]] = []
        began = time.monotonic()
        messages = [{"role": "user", "content": QUESTION}]
        request = ReplyRequest(model, messages, temperature=1, max_tokens=MAX_ANSWER_TOKENS)

        def note(text: str) -> None:
            arrivals.append((time.monotonic() - began, text))

        with self._noting_failure():
            completion = await self._client.stream_reply(
                endpoint, request, on_text=note, on_reasoning=note
            )
            if completion.finish_reason is None and arrivals:
                raise ChatbotError("interrupted")
            if completion.finish_reason != "length" and not arrivals:
                raise ChatbotError("empty", host=endpoint.host)
        if not arrivals:  # it thought, and did not say what
            self._end()
            return None
        found = pace(arrivals, completion.completion_tokens)
        self._end()
        speed = found.tokens_per_second
        name = "at_once" if found.came_at_once else "pace" if speed else "first_text"
        seconds = f"{found.first_text_seconds:.1f}"
        # Whole at once: somebody may be reading the steps.
        self._begin(name, seconds=seconds, speed=f"{speed or 0:.0f}")
        self._end(is_good=not found.came_at_once)
        return found

    # Steps

    def _begin(self, name: str, **details: str) -> None:
        self.steps += (Step(name, details),)
        self._on_step(self.steps[-1])

    def _end(self, is_good: bool = True, error: ChatbotError | None = None) -> None:
        *before, last = self.steps
        last = replace(last, is_good=is_good, error=error)
        self.steps = (*before, last)
        self._on_step(last)

    @contextmanager
    def _noting_failure(self) -> Iterator[None]:
        try:
            yield
        except ChatbotError as error:
            self._end(is_good=False, error=error)
            raise


if __name__ == "__main__":
    from chatbot import check_command

    check_command.main()
