"""Conversion of another app's questions and answers into a conversation.

A reader returns every node of the app's tree, including nodes without content. The children of an
empty node then follow its nearest ancestor with content.
"""

import hashlib
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from chatbot.exchange import validation
from chatbot.exchange.validation import ReadConversation, mended, parents_first
from chatbot.i18n import translate
from chatbot.llm.stream.reasoning import ThinkTags
from chatbot.store import Conversation, Message, State, new_id, one_line

UP = {"thumbs_up", "thumbsup", "up", "1", "1.0", "true", "good", "like"}
DOWN = {"thumbs_down", "thumbsdown", "down", "-1", "-1.0", "0", "false", "bad", "dislike"}


@dataclass
class Turn:
    """A node of another app's tree; nodes without text and reasoning are skipped."""

    id: str
    parent: str
    is_question: bool
    text: str = ""
    reasoning: str = ""
    reasoning_seconds: float = 0
    model: str = ""
    seconds: float = 0
    """Time in seconds since 1970; 0 if unknown."""
    rating: int | None = None
    was_stopped: bool = False


@dataclass
class Head:
    """A conversation's data apart from its messages; "" and 0 for unknown values."""

    app: str
    id: str = ""
    title: str = ""
    began_at: float = 0
    updated_at: float = 0
    current: str = ""
    """The turn at the end of the branch on screen; "" for the newest turn."""
    system_prompt: str = ""
    is_pinned: bool = False
    left_out: Counter[str] = field(default_factory=Counter)


def conversation_of(head: Head, turns: Sequence[Turn], language: str) -> ReadConversation:
    """Return a conversation with new ids. A missing title is written in `language`."""
    origin = _origin(head, turns)
    _distinct(turns)
    for turn in turns:
        if not (turn.is_question or turn.reasoning):
            _take_tags_out(turn)
    before = _kept_before(turns)
    now = time.time()
    last_seconds = head.began_at or head.updated_at or now
    conversation_id = new_id()
    ids = {turn.id: new_id() for turn in turns}
    messages = []
    for turn in turns:
        last_seconds = turn.seconds or last_seconds
        if _says_something(turn):
            parent_id = ids.get(before[turn.id] or "")
            messages.append(_message(turn, conversation_id, ids[turn.id], parent_id, last_seconds))
    ordered = parents_first(messages, [message.created_at for message in messages])
    first_question = next((m.content for m in ordered if m.role == "user"), "")
    title = one_line(head.title) or one_line(first_question)
    last_at = max((message.created_at for message in messages), default=last_seconds)
    kept_ids = {message.id for message in messages}
    leaf_id = ids.get(head.current)
    if leaf_id and leaf_id not in kept_ids:
        leaf_id = ids.get(before[head.current] or "")
    conversation = Conversation(
        conversation_id,
        title or translate(language, "import.untitled"),
        {"system_prompt": head.system_prompt} if head.system_prompt else {},
        min(head.updated_at or last_at, now),
        leaf_id=leaf_id,
        is_pinned=head.is_pinned,
        origin=origin,
    )
    return ReadConversation(conversation, ordered, head.left_out)


def rating_of(value: object) -> int | None:
    """Return 1 for thumbs up, 0 for thumbs down, in any app's notation."""
    if isinstance(value, dict):
        value = value.get("rating")
    word = str(value).lower() if isinstance(value, str | int | float) else ""
    return 1 if word in UP else 0 if word in DOWN else None


def linear(turns: list[Turn]) -> list[Turn]:
    """Link the turns of an app without branches: each turn follows the previous turn."""
    for place, turn in enumerate(turns):
        turn.id = str(place)
        turn.parent = str(place - 1)
    return turns


def _says_something(turn: Turn) -> bool:
    return bool(turn.text.strip() or turn.reasoning.strip())


def _take_tags_out(turn: Turn) -> None:
    """Move what a model thought out of a text that was kept with the model's own tags."""
    late: list[str] = []
    tags = ThinkTags(late.append)
    parts = [tags.feed(turn.text), tags.rest()]
    reasoning = "".join([*late, *(thought for thought, _ in parts)]).strip()
    text = "".join(text for _, text in parts)
    if reasoning or text != turn.text:
        turn.reasoning, turn.text = reasoning, text.strip()


def _distinct(turns: Sequence[Turn]) -> None:
    """Give a new id to each turn with a missing or repeated id."""
    seen: set[str] = set()
    for turn in turns:
        if not turn.id or turn.id in seen:
            turn.id = new_id()
        seen.add(turn.id)


def _kept_before(turns: Sequence[Turn]) -> dict[str, str | None]:
    """Return the nearest ancestor with content for each turn; None without one."""
    speaking = {turn.id for turn in turns if _says_something(turn)}
    parents = mended({turn.id: turn.parent for turn in turns})
    before: dict[str, str | None] = {}
    for turn in turns:
        silent = [turn.id]
        node = parents[turn.id]
        while node is not None and node not in speaking and node not in before:
            silent.append(node)
            node = parents[node]
        ancestor = node if node is None or node in speaking else before[node]
        before.update(dict.fromkeys(silent, ancestor))
    return before


def _message(
    turn: Turn, conversation_id: str, message_id: str, parent_id: str | None, seconds: float
) -> Message:
    return Message(
        id=message_id,
        conversation_id=conversation_id,
        parent_id=parent_id,
        role="user" if turn.is_question else "assistant",
        content=turn.text,
        state=State.STOPPED if turn.was_stopped and not turn.is_question else State.COMPLETE,
        model=(turn.model[: validation.MOST_OF_NAME] or None) if not turn.is_question else None,
        reasoning=turn.reasoning if not turn.is_question else "",
        reasoning_seconds=turn.reasoning_seconds if turn.reasoning else None,
        rating=turn.rating if not turn.is_question else None,
        created_at=seconds,
    )


def _origin(head: Head, turns: Sequence[Turn]) -> str:
    identity = head.id
    if not identity:  # equal texts then mean the same conversation
        content = repr([head.title, [(turn.is_question, turn.text) for turn in turns]])
        identity = hashlib.sha256(content.encode()).hexdigest()
    return f"{head.app}:{identity[:100]}"


def seconds_between(start: object, stop: object) -> float:
    """Return the seconds between two times; 0 if unknown."""
    started, ended = validation.seconds(start), validation.seconds(stop)
    return max(0.0, ended - started) if started and ended else 0.0


def count_by_name(left_out: Counter[str], kind: str, name: Any) -> None:
    """Count an omitted part, with the name of its tool."""
    tool = validation.text(name)[:40]
    left_out[f"{kind} ({tool})" if tool else kind] += 1
