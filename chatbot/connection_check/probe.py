"""The connection check: tries an address and a key.

A base URL is often almost right. So the check tries its usual forms, one after the other: it asks
each form for the model list, and then asks a model one short question, because only an answer
proves that key, model and streaming work.

A key is sent only to its own origin (scheme, host and port): the owner's key to the address in the
settings, a typed key to the address typed together with it.

`python -m chatbot check` runs the same check in a terminal.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from chatbot import background
from chatbot.connection_check.report import Pace, Report, Step, pace
from chatbot.connection_check.url_candidates import base_urls
from chatbot.errors import ChatbotError
from chatbot.llm.client import Client
from chatbot.llm.endpoint import OPENAI_MODEL, Endpoint, origin
from chatbot.llm.error_mapping import no_text
from chatbot.llm.model_list import chats
from chatbot.llm.request import ReplyRequest
from chatbot.models.source import Source

QUESTION = "Count from 1 to 20, separated by blanks."
"""A question with an answer long enough to recognize streaming, at almost no cost."""

QUESTION_TOKENS = 30

MAX_ANSWER_TOKENS = 64

MAX_SILENCE_SECONDS = 30
"""Longest silence during a check: enough for a server that is loading the model."""

MAX_CONNECT_SECONDS = 5

MODELS_TRIED = 5
"""Most models asked: the first models of a list may be for images, audio or embeddings."""


def configured_at(endpoints: Iterable[Endpoint], typed: str) -> list[Endpoint]:
    """Return the endpoints with a typed address, or else the endpoints with its origin.

    There are several if a server is set up with several keys. Raises ChatbotError("bad_address").
    """
    forms = base_urls(typed)
    same_origin = [
        endpoint for endpoint in endpoints if origin(endpoint.base_url) == origin(forms[0])
    ]
    return [endpoint for endpoint in same_origin if endpoint.base_url in forms] or same_origin


class Check:
    """A run of the check. `steps` may be read from any thread while the check runs.

    `source` has the key. `typed` is the address to try in its usual forms; without it, only the
    source's own address is tried. `is_owners_key`: the key is sent only to the source's origin;
    otherwise the key was typed together with the address.
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

    async def run(self, on_step: Callable[[Step], None] = lambda step: None) -> Report:
        """Run the check; `on_step` is called when each step begins and when it ends.

        Raises ChatbotError for an invalid address, or if the built-in model cannot be started.
        Failures of an endpoint are in the report.
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

    async def _try_all(self, endpoint: Endpoint) -> Report:
        """Return a report on the first address that answers, or else on the clearest failure."""
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
                if error.kind.affects == "host":
                    break
                if error.kind.affects == "origin":
                    lost.add(origin(form))
                elif error.kind.proves_model_server:  # the server answers, so the scheme is right
                    lost |= {origin(other) for other in forms} - {origin(form)}
                if error.kind.affects == "path" or error.kind.another_model_helps:
                    without_list.append(candidate)  # perhaps only the list is missing
                continue
            report = await self._ask_each(candidate, models)
            if report.error is None or report.error.kind.affects != "path":
                return report
            failures.insert(0, report.error)  # a list proves that this is a model server
            has_list = True
        if self._model:
            for candidate in without_list:
                report = await self._ask_each(candidate, [])
                if report.error is None:
                    return report
                failures.append(report.error)
        telling = [failure for failure in failures if failure.kind.proves_model_server]
        # An empty list proves that the address is right.
        telling += [failure for failure in failures if failure.code == "no_models"]
        is_only_path = all(failure.kind.affects == "path" for failure in failures)
        if is_only_path and not (telling or has_list):
            failures = [ChatbotError("no_address", host=endpoint.host)]
        return Report(endpoint, (telling or failures)[0])

    async def _list(self, endpoint: Endpoint) -> list[str]:
        """Return the models of an endpoint; raises ChatbotError if its list is empty."""
        self._begin("models", base_url=endpoint.base_url)
        with self._noting_failure():
            models = await self._client.list_models(endpoint)
            if not models:
                raise ChatbotError("no_models", host=endpoint.host)
        self._end()
        return models

    async def _ask_each(self, endpoint: Endpoint, models: list[str]) -> Report:
        """Ask the wanted model, or else a few models until one answers."""
        failure = None
        likeliest = sorted(models, key=lambda model: (model != OPENAI_MODEL, not chats(model)))
        likeliest = likeliest[:MODELS_TRIED]
        for model in [self._model] if self._model else likeliest:
            try:
                pace_of_answer = await self._ask(endpoint, model)
            except ChatbotError as error:
                if not error.kind.another_model_helps:
                    return Report(endpoint, error)
                failure = failure or error
            else:
                is_as_given = self._typed in ("", endpoint.base_url)
                return Report(endpoint, None, model, tuple(models), pace_of_answer, is_as_given)
        return Report(endpoint, failure)

    async def _ask(self, endpoint: Endpoint, model: str) -> Pace | None:
        self._begin("answer", model=model)
        arrivals: list[tuple[float, str]] = []
        has_text = False
        began = time.monotonic()
        messages = [{"role": "user", "content": QUESTION}]
        request = ReplyRequest(model, messages, temperature=1, max_tokens=MAX_ANSWER_TOKENS)

        def note(text: str) -> None:
            arrivals.append((time.monotonic() - began, text))

        def note_text(text: str) -> None:
            nonlocal has_text
            has_text = True
            note(text)

        def note_late_reasoning(_: str) -> None:
            nonlocal has_text
            has_text = False

        with self._noting_failure():
            completion = await self._client.stream_reply(
                endpoint,
                request,
                on_text=note_text,
                on_reasoning=note,
                on_late_reasoning=note_late_reasoning,
            )
            if completion.finish_reason is None and arrivals:
                raise ChatbotError("interrupted")
            if completion.finish_reason != "length" and not has_text:
                raise no_text(endpoint.host, completion, has_thought=bool(arrivals))
        if not arrivals:  # only invisible reasoning
            self._end()
            return None
        measured = pace(arrivals, completion.completion_tokens)
        self._end()
        speed = measured.tokens_per_second
        name = "at_once" if measured.came_at_once else "pace" if speed else "first_text"
        seconds = f"{measured.first_text_seconds:.1f}"
        # Begin and end together, because this step has no duration of its own.
        self._begin(name, seconds=seconds, speed=f"{speed or 0:.0f}")
        self._end(is_good=not measured.came_at_once)
        return measured

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
