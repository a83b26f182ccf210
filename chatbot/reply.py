"""Asking the model for one answer: how to answer, what is sent, and what its end means."""

import asyncio
import logging
from dataclasses import asdict, dataclass, replace
from typing import Any

from chatbot import background
from chatbot.answer import Answer
from chatbot.client import Client, Completion, ReplyRequest
from chatbot.context import messages_to_send
from chatbot.errors import ChatbotError
from chatbot.local_model import LocalModel
from chatbot.settings import Endpoint
from chatbot.store import Message, State

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Controls:
    """How to answer. `model` None leaves the choice to the endpoint's list."""

    model: str | None
    temperature: float
    max_tokens: int
    system_prompt: str

    def to_json(self) -> dict[str, Any]:
        """The form in which the store keeps them."""
        return asdict(self)


Source = Endpoint | LocalModel
"""What answers: a server, or the model of our own that may have to be started first."""


async def fill(
    answer: Answer, client: Client, source: Source, history: list[Message], controls: Controls
) -> None:
    """Have the model write an answer, up to whatever end it comes to. Raises nothing."""
    try:
        completion = await _reply(answer, client, source, history, controls)
        state, outcome = _outcome(completion, answer)
    except asyncio.CancelledError:
        answer.end(State.STOPPED)
    except Exception as error:
        if not isinstance(error, ChatbotError):
            log.exception("An answer failed unexpectedly")
            error = ChatbotError("unexpected")
        # A cause's own words may hold what the endpoint echoed, so only its kind is logged.
        kind = f" ({type(error.__cause__).__name__})" if error.__cause__ else ""
        log.warning("An answer failed: %s%s", error, kind)
        state = State.CUT_SHORT if answer.text else State.FAILED
        answer.end(state, error=error.to_json())
    else:
        answer.end(state, **outcome)


async def _reply(
    answer: Answer, client: Client, source: Source, history: list[Message], controls: Controls
) -> Completion:
    if isinstance(source, LocalModel):
        # Loading the client takes as long as starting the model: both at once.
        start = background.in_thread(source.start)
        endpoint, _ = await asyncio.gather(start, client.load())
        model = source.model_name
    else:
        endpoint = source
        model = controls.model or await _first_model(client, endpoint)
    answer.message = replace(answer.message, model=model)
    window = endpoint.context_window_tokens
    # An answer may take half of the window at most, or it would leave no room for the question.
    max_tokens = min(controls.max_tokens, window // 2) if window else controls.max_tokens
    request = ReplyRequest(
        model=model,
        messages=messages_to_send(
            history, controls.system_prompt, window - max_tokens if window else None
        ),
        temperature=controls.temperature,
        max_tokens=max_tokens,
    )
    return await client.stream_reply(endpoint, request, answer.append)


async def _first_model(client: Client, endpoint: Endpoint) -> str:
    try:
        models = await client.list_models(endpoint)
    except ChatbotError as error:
        if error.code not in ("wrong_address", "not_an_api"):
            raise
        models = []  # many servers have no list, or one of another form
    if not models:
        raise ChatbotError("no_models", host=endpoint.host)
    return models[0]


def _outcome(completion: Completion, answer: Answer) -> tuple[State, dict[str, Any]]:
    """The state in which a stream that ended by itself leaves its answer."""
    outcome = asdict(completion)
    error = None
    state = State.COMPLETE
    if completion.finish_reason == "content_filter":
        state, error = State.CUT_SHORT, ChatbotError("filtered")
    elif not answer.text and completion.finish_reason == "length":
        error = ChatbotError("no_room")
    elif not answer.text:
        error = ChatbotError("empty", host=answer.message.host or "")
    elif completion.finish_reason is None:
        # Every endpoint says why it stopped; the connection was closed before that.
        state, error = State.CUT_SHORT, ChatbotError("interrupted")
    if not answer.text:
        state = State.FAILED
    return state, {**outcome, "error": error.to_json() if error else None}
