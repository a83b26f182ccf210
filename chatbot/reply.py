"""Asking the model for one answer: how to answer, what is sent, and what its end means."""

import asyncio
import logging
import re
import time
from dataclasses import asdict, dataclass, replace
from typing import Any

from chatbot import background, prices
from chatbot.answer import Answer
from chatbot.client import Client
from chatbot.context import Plan
from chatbot.endpoints import Endpoint
from chatbot.errors import ChatbotError
from chatbot.local_model import LocalModel
from chatbot.measures import Key, Measures
from chatbot.parameters import ReplyRequest
from chatbot.prices import Usage
from chatbot.seam import Seam
from chatbot.sse import Completion
from chatbot.store import State
from chatbot.tokens import count

log = logging.getLogger(__name__)


RETRY_SECONDS = (10, 20, 40, 80)
"""How long to wait before each time a busy endpoint is asked again, unless it says so itself."""


CODE = r"[\w.-]{1,40}"
"""What servers name a failure by, such as `model_not_found`; longer ones are words of theirs."""

PERHAPS_READ = {
    *("timeout", "server_error", "dropped", "interrupted", "too_slow", "too_much", "unexpected"),
    *("empty", "filtered", "no_room", "thought_too_long"),
}
"""Failures after which the model may have read the question, and somebody may be billed for it.

Whoever refuses a question, or cannot be reached, has not answered it and asks nothing for that.
"""

MOST_TOKENS = 2**31 - 1
"""What the store can keep of a count."""


@dataclass(frozen=True)
class Controls:
    """How to answer. `model` None leaves the choice to the endpoint's list."""

    model: str | None
    temperature: float
    max_tokens: int
    system_prompt: str
    provider: str = ""
    """Which of several endpoints the model is one of."""
    reasoning_effort: str | None = None
    """One of REASONING_EFFORTS; None leaves it to the model."""

    def to_json(self) -> dict[str, Any]:
        """The form in which the store keeps them."""
        return asdict(self)


Source = Endpoint | LocalModel
"""What answers: a server, or the model of our own that may have to be started first."""


async def fill(
    answer: Answer,
    client: Client,
    measures: Measures,
    source: Source,
    plan: Plan,
    controls: Controls,
) -> None:
    """Have the model write an answer, up to whatever end it comes to. Raises nothing.

    One that has text already goes on from there.
    """
    try:
        completion = await _patient_reply(answer, client, source, plan, controls)
        key, tokens = _key(source, answer), completion.prompt_tokens
        measures.learn_usage(key, plan.count, tokens, not source.is_visitors)
        cost = await _cost(answer, source, completion)
        state, outcome = _outcome(completion, answer, plan, cost)
    except asyncio.CancelledError:
        answer.end(State.STOPPED)
    except Exception as error:
        if not isinstance(error, ChatbotError):
            log.exception("An answer failed unexpectedly")
            error = ChatbotError("unexpected")
        kind = f" ({_kind(error.__cause__)})" if error.__cause__ else ""
        log.warning("An answer failed: %s%s", error, kind)
        state = State.CUT_SHORT if answer.text else State.FAILED
        if limit := error.details.get("limit"):  # before the end, for it is asked again at once
            measures.learn_window(_key(source, answer), int(limit), not source.is_visitors)
        cost = await _cost_of_failure(answer, error)
        answer.end(state, error=error.to_json(), cost=cost)
    else:
        answer.end(state, **outcome)
    await measures.keep_learned()


def cost_so_far(answer: Answer, source: Source, plan: Plan, measures: Measures) -> float | None:
    """About what an answer costs as far as it has come, in US dollars; None if nobody knows.

    For one whose tokens nobody has counted; that it has a price, but no counts, tells it from one
    whose price is exact. May load the library of prices: not for the loop.
    """
    before, now = answer.begun_with, answer.message
    paid = before.cost if before.content else 0.0
    if paid is None or not now.model or now.error:  # the last two: it was not asked yet
        return paid
    text = answer.text[len(before.content) :] + answer.reasoning[len(before.reasoning) :]
    scale = measures.window(_key(source, answer), None).scale
    usage = Usage(plan.tokens, scale.tokens(count(text)))
    cost = _priced(source, now.model, usage)
    return None if cost is None else cost + paid


def _key(source: Source, answer: Answer) -> Key:
    return source.fingerprint, answer.message.model or ""


async def _patient_reply(
    answer: Answer, client: Client, source: Source, plan: Plan, controls: Controls
) -> Completion:
    """Ask again by itself, a few times, as long as the endpoint is busy."""
    characters_before = len(answer.text)
    for seconds in RETRY_SECONDS:
        try:
            return await _reply(answer, client, source, plan, controls)
        except ChatbotError as error:
            if error.code != "busy" or len(answer.text) > characters_before:
                raise
            pause_seconds = float(error.details.get("seconds", seconds))
            host = error.details["host"]
        retry_at = f"{time.time() + pause_seconds:.3f}"
        await answer.pause(ChatbotError("waiting", host=host, retry_at=retry_at), pause_seconds)
    return await _reply(answer, client, source, plan, controls)


async def _reply(
    answer: Answer, client: Client, source: Source, plan: Plan, controls: Controls
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
    begun = answer.text
    request = ReplyRequest(
        model, plan.messages, controls.temperature, plan.max_tokens, controls.reasoning_effort
    )
    if not begun or endpoint.goes_on_by_itself:
        return await client.stream_reply(
            endpoint, request, answer.append, answer.append_reasoning, answer.note_reading
        )
    seam = Seam(begun)
    completion = await client.stream_reply(
        endpoint,
        request,
        lambda piece: answer.append(seam.feed(piece)),
        answer.append_reasoning,
        answer.note_reading,
    )
    if completion.finish_reason:
        answer.append(seam.rest())
    return completion


async def _first_model(client: Client, endpoint: Endpoint) -> str:
    try:
        models = await client.list_models(endpoint)
    except ChatbotError as error:
        if error.code not in ("wrong_address", "not_an_api"):
            raise
        models = []  # many servers have no list, or one of another form
    if not models:
        raise ChatbotError("no_models", host=endpoint.host, **endpoint.setting_names)
    return models[0]


async def _cost(answer: Answer, source: Source, completion: Completion) -> float | None:
    """What an answer costs, with what it had cost before it went on; None if nobody knows."""
    read, written = completion.prompt_tokens, completion.completion_tokens
    if read is None or written is None:
        return await asyncio.to_thread(answer.cost_so_far)
    before = answer.begun_with
    paid = before.cost if before.content or before.prompt_tokens is not None else 0.0
    usage = Usage(read, written, min(completion.cached_tokens or 0, read))
    cost = await asyncio.to_thread(_priced, source, answer.message.model or "", usage)
    return None if cost is None or paid is None else cost + paid


def _kind(cause: BaseException) -> str:
    """What is logged of a cause: its words may hold what the endpoint echoed, but not its codes."""
    status, body = getattr(cause, "status_code", None), getattr(cause, "body", None)
    inner = body.get("error", body) if isinstance(body, dict) else None
    codes = [inner.get(name) for name in ("code", "type")] if isinstance(inner, dict) else []
    words = [code for code in codes if isinstance(code, str) and re.fullmatch(CODE, code)]
    parts = [type(cause).__name__, f"HTTP {status}" if status else "", *words]
    return ", ".join(filter(None, parts))


async def _cost_of_failure(answer: Answer, error: ChatbotError) -> float | None:
    before = answer.begun_with
    has_more = len(answer.text) > len(before.content)
    if error.code not in PERHAPS_READ and not has_more:
        return before.cost if before.content else 0.0
    # Without a word, nobody knows whether the question was read.
    return await asyncio.to_thread(answer.cost_so_far) if has_more else None


def _priced(source: Source, model: str, usage: Usage) -> float | None:
    try:
        return prices.cost(source.prices, source.base_url, model, usage)
    except Exception:  # whatever is wrong with a price, the answer is there
        log.exception("Could not find what an answer costs")
        return None


def _outcome(
    completion: Completion, answer: Answer, plan: Plan, cost: float | None
) -> tuple[State, dict[str, Any]]:
    """The state in which a stream that ended by itself leaves its answer."""
    before = answer.message  # what an answer that went on had taken already
    outcome: dict[str, Any] = {"finish_reason": completion.finish_reason}
    outcome["cost"] = cost
    # Of one that was stopped or cut before it went on, a part has no count: so has the whole.
    is_counted = not answer.begun_with.content or before.prompt_tokens is not None
    for name in ("prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens"):
        total = _sum(getattr(before, name), getattr(completion, name))
        outcome[name] = total if is_counted else None
    if completion.prompt_tokens is not None:
        of_answer = plan.tokens - plan.sent_tokens
        outcome["sent_tokens"] = max(0, completion.prompt_tokens - of_answer)
    error = None
    state = State.COMPLETE
    if completion.finish_reason == "content_filter":
        state, error = State.CUT_SHORT, ChatbotError("filtered")
    elif not answer.text and completion.finish_reason == "length":
        has_thought = answer.reasoning_seconds is not None or completion.reasoning_tokens
        error = ChatbotError("thought_too_long" if has_thought else "no_room")
    elif not answer.text:
        error = ChatbotError("empty", host=answer.message.host or "")
    elif completion.finish_reason is None:
        # Every endpoint says why it stopped; the connection was closed before that.
        state, error = State.CUT_SHORT, ChatbotError("interrupted")
    if not answer.text:
        state = State.FAILED
    return state, {**outcome, "error": error.to_json() if error else None}


def _sum(*counts: int | None) -> int | None:
    known = [count for count in counts if count is not None]
    # An imported answer may have been given any count before it goes on; the store has 32 bits.
    return min(sum(known), MOST_TOKENS) if known else None
