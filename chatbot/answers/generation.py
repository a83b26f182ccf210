"""Generation of one answer: the request, retries while the server is busy, and the outcome."""

import asyncio
import logging
import re
import time
from dataclasses import replace
from typing import Any

from chatbot import background
from chatbot.answers.answer import Answer
from chatbot.answers.prompt import Plan
from chatbot.answers.writing import Writing
from chatbot.builtin.model import LocalModel
from chatbot.errors import ChatbotError
from chatbot.llm.client import Client
from chatbot.llm.endpoint import Endpoint
from chatbot.llm.error_mapping import no_text
from chatbot.llm.model_list import first_to_chat
from chatbot.llm.request import Controls, ReplyRequest
from chatbot.llm.stream.completion import Completion
from chatbot.models import pricing
from chatbot.models.calibration import Calibration, Key
from chatbot.models.pricing import Usage
from chatbot.models.source import Source
from chatbot.models.tokens import count
from chatbot.store import State

log = logging.getLogger(__name__)


RETRY_SECONDS = (10, 20, 40, 80)
"""Waits before each retry of a busy endpoint that names no time itself."""


CODE = r"[\w.-]{1,40}"
"""Error codes of servers, such as `model_not_found`; longer texts are messages, not codes."""

MOST_TOKENS = 2**31 - 1
"""Largest count that the store can keep."""


async def fill(
    answer: Answer,
    client: Client,
    calibration: Calibration,
    source: Source,
    plan: Plan,
    controls: Controls,
) -> None:
    """Let the model write an answer to its end, successful or not. Raises nothing.

    An answer that already has text is continued.
    """
    try:
        completion = await _patient_reply(answer, client, source, plan, controls)
        key, tokens = _key(source, answer), completion.prompt_tokens
        calibration.learn_usage(key, plan.count, tokens, not source.is_byok)
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
        if limit := error.details.get("limit"):  # before the end, because the retry follows at once
            calibration.learn_window(_key(source, answer), int(limit), not source.is_byok)
        cost = await _cost_of_failure(answer, error)
        answer.end(state, error=error.to_json(), cost=cost)
    else:
        answer.end(state, **outcome)
    await calibration.keep_learned()


def cost_so_far(
    answer: Answer, source: Source, plan: Plan, calibration: Calibration
) -> float | None:
    """Estimate the cost of an answer so far in US dollars; None if the price is unknown.

    For answers without token counts from the endpoint; a cost without counts marks the cost as
    an estimate. Not for the loop, because it may load the price data.
    """
    before, now = answer.begun_with, answer.message
    paid = before.cost if before.content else 0.0
    if (
        paid is None or not now.model or now.error
    ):  # without a model, or while waiting: not asked yet
        return paid
    text = answer.text[len(before.content) :] + answer.reasoning[len(before.reasoning) :]
    scale = calibration.window(_key(source, answer), None).scale
    usage = Usage(plan.tokens, scale.tokens(count(text)))
    cost = _priced(source, now.model, usage)
    return None if cost is None else cost + paid


def _key(source: Source, answer: Answer) -> Key:
    return source.fingerprint, answer.message.model or ""


async def _patient_reply(
    answer: Answer, client: Client, source: Source, plan: Plan, controls: Controls
) -> Completion:
    """Ask, and repeat the request a few times while the endpoint is busy."""
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
        # Load the client while the model starts, because both take equally long.
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
    answer.was_sent = True
    writing = Writing(answer, begun, endpoint.supports_prefill)
    completion = await client.stream_reply(
        endpoint,
        request,
        writing.add,
        answer.append_reasoning,
        answer.note_reading,
        writing.turn_into_reasoning,
    )
    if completion.finish_reason is not None:
        writing.end()
    return completion


async def _first_model(client: Client, endpoint: Endpoint) -> str:
    try:
        models = await client.list_models(endpoint)
    except ChatbotError as error:
        if not error.kind.means_no_list:
            raise
        # Many servers have no model list.
        raise ChatbotError("no_list", host=endpoint.host, **endpoint.setting_names) from error
    if not models:
        raise ChatbotError("no_models", host=endpoint.host, **endpoint.setting_names)
    return first_to_chat(models)


async def _cost(answer: Answer, source: Source, completion: Completion) -> float | None:
    """Return an answer's cost, including its parts before continuation; None if unknown."""
    input_tokens, output_tokens = completion.prompt_tokens, completion.completion_tokens
    if input_tokens is None or output_tokens is None:
        return await asyncio.to_thread(answer.cost_so_far)
    before = answer.begun_with
    paid = before.cost if before.content or before.prompt_tokens is not None else 0.0
    cached_tokens = min(completion.cached_tokens or 0, input_tokens)
    usage = Usage(input_tokens, output_tokens, cached_tokens)
    cost = await asyncio.to_thread(_priced, source, answer.message.model or "", usage)
    return None if cost is None or paid is None else cost + paid


def _kind(cause: BaseException) -> str:
    """Describe a cause for the log by codes only: its message may repeat the conversation."""
    status, body = getattr(cause, "status_code", None), getattr(cause, "body", None)
    inner = body.get("error", body) if isinstance(body, dict) else None
    codes = [inner.get(name) for name in ("code", "type")] if isinstance(inner, dict) else []
    words = [code for code in codes if isinstance(code, str) and re.fullmatch(CODE, code)]
    parts = [type(cause).__name__, f"HTTP {status}" if status else "", *words]
    return ", ".join(filter(None, parts))


async def _cost_of_failure(answer: Answer, error: ChatbotError) -> float | None:
    before = answer.begun_with
    has_more = len(answer.text) > len(before.content)
    if not error.kind.may_be_billed and not has_more:
        return before.cost if before.content else 0.0
    # Without text, it is unknown whether the model read the question.
    return await asyncio.to_thread(answer.cost_so_far) if has_more else None


def _priced(source: Source, model: str, usage: Usage) -> float | None:
    try:
        return pricing.cost(source.prices, source.base_url, model, usage)
    except Exception:  # an error in the price data must not fail the answer
        log.exception("Could not find what an answer costs")
        return None


def _outcome(
    completion: Completion, answer: Answer, plan: Plan, cost: float | None
) -> tuple[State, dict[str, Any]]:
    """Return the state and fields of an answer whose stream ended by itself."""
    before = answer.message  # with the counts from before a continuation
    outcome: dict[str, Any] = {"finish_reason": completion.finish_reason or None}
    outcome["cost"] = cost
    # If the part before a continuation has no count, the whole answer has none either.
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
        error = no_text(answer.message.host or "", completion, bool(answer.reasoning.strip()))
    elif completion.finish_reason is None:
        # Every endpoint marks the end of an answer; this connection was closed before.
        state, error = State.CUT_SHORT, ChatbotError("interrupted")
    if not answer.text:
        state = State.FAILED
    return state, {**outcome, "error": error.to_json() if error else None}


def _sum(*counts: int | None) -> int | None:
    known = [count for count in counts if count is not None]
    # An imported answer may contain any count before it is continued; the store has 32 bits.
    return min(sum(known), MOST_TOKENS) if known else None
