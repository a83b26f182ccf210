"""The prompt for the model: the newest turns that fit its context window. Pure functions."""

from collections.abc import Sequence
from dataclasses import dataclass

from chatbot.markdown.pictures.images import without_images
from chatbot.models.tokens import Count, Scale, Window, count
from chatbot.store import Message, PromptMessage

MESSAGE_OVERHEAD = Count(latin=6)
"""Role and separators around each message in the common chat templates."""

MIN_ANSWER_TOKENS = 64

GO_ON = (
    "Your last message was cut off. Continue it: repeat its last words, which are “{end}”, and"
    " write on from there, in the same language and format. Add no introduction, and do not start"
    " again from the beginning."
)
"""Instruction for a model that would otherwise begin a new message."""

LAST_WORDS = 8

LAST_CHARACTERS = 60
"""Limit for languages without spaces between words."""


NO_QUESTION = Message("", "", None, "user", "")
"""Placeholder for the next question before it is typed."""


AnyMessage = Message | PromptMessage
"""A message with at least the fields that the prompt needs."""


@dataclass(frozen=True)
class Plan:
    """The prompt, and how much of the conversation it contains."""

    messages: list[dict[str, str]]
    max_tokens: int
    count: Count
    tokens: int
    """Estimated tokens of the messages."""
    sent_tokens: int
    """Estimated tokens without the answer that is to be continued."""
    first_sent_id: str | None
    """The first message from which everything is sent; None if nothing was left out."""


def plan(
    history: Sequence[AnyMessage],
    system_prompt: str,
    max_tokens: int,
    window: Window,
    begun: str = "",
    is_told_to_go_on: bool = False,
    limit_tokens: int | None = None,
) -> Plan:
    """Plan a prompt: the system prompt, pinned turns, and the newest whole turns that fit.

    The last question of `history` is always sent, and so is `begun`, the answer to be continued;
    `is_told_to_go_on` adds the instruction to continue it. `limit_tokens` are the most tokens to
    send even if there is room for more. Answers without text, such as failed answers, are left
    out together with their question. A message of `history` whose parent is not the message
    before it marks a gap of messages that were not loaded.
    """
    system = [{"role": "system", "content": system_prompt}] if system_prompt else []
    ending = _ending(without_images(begun), is_told_to_go_on) if begun else []
    budgets = (window.prompt_tokens(max_tokens), limit_tokens)
    budget = min((tokens for tokens in budgets if tokens is not None), default=None)
    turns = _turns(history)
    fitting = _places_that_fit(turns, system + ending, budget, window.scale)
    first_sent_id = _first_sent_id(history, turns, fitting)
    spoken = [
        {"role": message.role, "content": without_images(message.content)}
        for place in fitting
        for message in turns[place]
    ]
    messages = [*system, *spoken, *ending]
    counted = sum((_count(message["content"]) for message in messages), Count())
    tokens = window.scale.tokens(counted)
    answer_tokens = window.answer_tokens(max_tokens)
    if window.tokens is not None:  # the last question alone may exceed its share
        room = max(MIN_ANSWER_TOKENS, window.tokens - tokens)
        answer_tokens = min(answer_tokens, room)
    of_answer = window.scale.tokens(
        sum((_count(message["content"]) for message in ending), Count())
    )
    return Plan(messages, answer_tokens, counted, tokens, tokens - of_answer, first_sent_id)


def pins_without_room(
    branch: Sequence[AnyMessage], system_prompt: str, max_tokens: int, window: Window
) -> set[str]:
    """Return the messages of pinned turns that do not fit beside the next question.

    A newer pinned turn has priority over an older pinned turn, and pinned turns over others.
    """
    pinned = [
        turn
        for turn in _turns([*branch, NO_QUESTION])
        if any(message.is_pinned for message in turn)
    ]
    system = [{"role": "system", "content": system_prompt}] if system_prompt else []
    budget = window.prompt_tokens(max_tokens)
    fitting = _places_that_fit([*pinned, [NO_QUESTION]], system, budget, window.scale)
    return {
        message.id for place, turn in enumerate(pinned) if place not in fitting for message in turn
    }


def _places_that_fit(
    turns: list[list[AnyMessage]],
    also_sent: list[dict[str, str]],
    budget_tokens: int | None,
    scale: Scale,
) -> list[int]:
    """Choose the turns to send: the last turn, pinned turns, then the newest turns that fit."""
    if budget_tokens is None or not turns:
        return list(range(len(turns)))
    costs = [
        scale.tokens(sum((_count(message.content) for message in turn), Count())) for turn in turns
    ]
    remaining = budget_tokens - costs[-1]
    remaining -= scale.tokens(sum((_count(message["content"]) for message in also_sent), Count()))
    fitting = {len(turns) - 1}
    newest_first = range(len(turns) - 2, -1, -1)
    for place in newest_first:
        is_pinned = any(message.is_pinned for message in turns[place])
        if is_pinned and costs[place] <= remaining:
            fitting.add(place)
            remaining -= costs[place]
    for place in newest_first:
        if place in fitting:
            continue
        if costs[place] > remaining:
            break
        fitting.add(place)
        remaining -= costs[place]
    return sorted(fitting)


def _first_sent_id(
    history: Sequence[AnyMessage], turns: list[list[AnyMessage]], fitting: list[int]
) -> str | None:
    """Return the message from which on nothing is missing; None if nothing is missing at all."""
    follows = [None, *(message.id for message in history)]
    gaps = [
        place
        for place, message in enumerate(history)
        if message.parent_id and message.parent_id != follows[place]
    ]
    first = 1 + max(set(range(len(turns))) - set(fitting), default=-1)
    if not turns or not (gaps or first):
        return None
    unread = {message.id for message in history[: gaps[-1]]} if gaps else set()
    while turns[first][0].id in unread:
        first += 1
    return turns[first][0].id


def _ending(begun: str, is_told_to_go_on: bool) -> list[dict[str, str]]:
    ending = [{"role": "assistant", "content": begun}]
    if is_told_to_go_on:
        last_line = begun.rstrip().rpartition("\n")[2]
        end = " ".join(last_line.split(" ")[-LAST_WORDS:])[-LAST_CHARACTERS:]
        ending.append({"role": "user", "content": GO_ON.format(end=end)})
    return ending


def _turns(messages: Sequence[AnyMessage]) -> list[list[AnyMessage]]:
    """Group messages into questions with their answers; the last question stands alone."""
    turns: list[list[AnyMessage]] = []
    for message in messages:
        if message.role == "user":
            turns.append([message])
        elif turns and message.content:
            turns[-1].append(message)
    return [turn for turn in turns[:-1] if len(turn) > 1] + turns[-1:]


def _count(text: str) -> Count:
    return count(text) + MESSAGE_OVERHEAD
