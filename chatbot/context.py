"""What the model is sent: the newest turns that fit its context window. Pure functions."""

from collections.abc import Sequence
from dataclasses import dataclass

from chatbot.images import without_images
from chatbot.store import Message, Said
from chatbot.tokens import UNKNOWN, Count, Scale, count

MESSAGE_OVERHEAD = Count(latin=6)
"""Role and separators around each message in the common chat templates."""

ERROR_PART = 0.05
"""Of a window, what is left free because token counts are guessed."""

MIN_ANSWER_TOKENS = 64

GO_ON = (
    "Your last message was cut off. Continue it: repeat its last words, which are “{end}”, and"
    " write on from there, in the same language and format. Add no introduction, and do not start"
    " again from the beginning."
)
"""What a model is told that would otherwise begin a new message."""

LAST_WORDS = 8

LAST_CHARACTERS = 60
"""For languages that have no blanks between their words."""


NO_QUESTION = Message("", "", None, "user", "")
"""Stands for the next question while nobody has typed it."""


Spoken = Message | Said
"""A message as far as a model is told of it."""


@dataclass(frozen=True)
class Window:
    """How much a model can read and write at once, and how it counts."""

    tokens: int | None = None
    """None where nobody knows: then everything is sent."""
    scale: Scale = UNKNOWN

    def answer_tokens(self, max_tokens: int) -> int:
        """How long an answer may get: half of the room at most, to leave some for the question."""
        return max_tokens if self.tokens is None else max(1, min(max_tokens, self.tokens // 2))

    def prompt_tokens(self, max_tokens: int) -> int | None:
        """How many tokens may be sent, with room for such an answer; None where nobody knows."""
        if self.tokens is None:
            return None
        return int((self.tokens - self.answer_tokens(max_tokens)) * (1 - ERROR_PART))


@dataclass(frozen=True)
class Plan:
    """What is sent, and what is not."""

    messages: list[dict[str, str]]
    max_tokens: int
    count: Count
    tokens: int
    """About how many tokens the messages are."""
    sent_tokens: int
    """The same without an answer that is to be continued."""
    first_sent_id: str | None
    """From which message on all is sent; None where nothing was left out."""


def plan(
    history: Sequence[Spoken],
    system_prompt: str,
    max_tokens: int,
    window: Window,
    begun: str = "",
    is_told_to_go_on: bool = False,
    limit_tokens: int | None = None,
) -> Plan:
    """The system prompt, pinned turns, and as many of the newest whole turns as there is room for.

    The last question of `history` is always sent, and so is `begun`, the answer to it that is
    to be continued; `is_told_to_go_on` adds what makes a model go on with it. `limit_tokens` are
    the most that may be sent even if there is room for more. Answers without text, such as failed
    ones, are left out together with the question they failed to answer. Where a message of
    `history` does not follow the one before it, what is between them was not read.
    """
    system = [{"role": "system", "content": system_prompt}] if system_prompt else []
    ending = _ending(without_images(begun), is_told_to_go_on) if begun else []
    budgets = (window.prompt_tokens(max_tokens), limit_tokens)
    budget = min((one for one in budgets if one is not None), default=None)
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
    if window.tokens is not None:  # the last question alone may have taken more than its share
        room = max(MIN_ANSWER_TOKENS, window.tokens - tokens)
        answer_tokens = min(answer_tokens, room)
    of_answer = window.scale.tokens(sum((_count(one["content"]) for one in ending), Count()))
    return Plan(messages, answer_tokens, counted, tokens, tokens - of_answer, first_sent_id)


def pins_without_room(
    branch: Sequence[Spoken], system_prompt: str, max_tokens: int, window: Window
) -> set[str]:
    """The messages of pinned turns that are too long to be sent with the next question.

    A newer pinned turn goes before an older one, and each before what is not pinned.
    """
    pinned = [turn for turn in _turns([*branch, NO_QUESTION]) if any(one.is_pinned for one in turn)]
    system = [{"role": "system", "content": system_prompt}] if system_prompt else []
    budget = window.prompt_tokens(max_tokens)
    fitting = _places_that_fit([*pinned, [NO_QUESTION]], system, budget, window.scale)
    return {
        message.id for place, turn in enumerate(pinned) if place not in fitting for message in turn
    }


def _places_that_fit(
    turns: list[list[Spoken]],
    also_sent: list[dict[str, str]],
    budget_tokens: int | None,
    scale: Scale,
) -> list[int]:
    """Which turns are sent: the last one, the pinned ones, and then the newest that fit."""
    if budget_tokens is None or not turns:
        return list(range(len(turns)))
    costs = [scale.tokens(sum((_count(one.content) for one in turn), Count())) for turn in turns]
    remaining = budget_tokens - costs[-1]
    remaining -= scale.tokens(sum((_count(one["content"]) for one in also_sent), Count()))
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
    history: Sequence[Spoken], turns: list[list[Spoken]], fitting: list[int]
) -> str | None:
    """From which message on nothing is missing; None where nothing is missing at all."""
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


def _turns(messages: Sequence[Spoken]) -> list[list[Spoken]]:
    """Questions with their answers; the last question stands alone."""
    turns: list[list[Spoken]] = []
    for message in messages:
        if message.role == "user":
            turns.append([message])
        elif turns and message.content:
            turns[-1].append(message)
    return [turn for turn in turns[:-1] if len(turn) > 1] + turns[-1:]


def _count(text: str) -> Count:
    return count(text) + MESSAGE_OVERHEAD
