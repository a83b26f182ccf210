"""Conversations as files: Markdown to read, JSON to bring in again, a zip of them all.

Neither holds a key, an owner or a server: only what the person wrote and was told.
"""

import json
import re
import zipfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import IO, Any

from chatbot.errors import ChatbotError
from chatbot.i18n import thought_for, translate
from chatbot.periods import zone
from chatbot.store import Conversation, Message, Store

FORMAT = "chatbot-conversation"
VERSION = 1
"""Raised when an older version of the app could no longer read what is written here."""


def to_json(conversation: Conversation, messages: list[Message]) -> str:
    """One conversation with all its branches, in the format that `import_file` reads.

    `messages` are all of it, in the order of their arrival.
    """
    data = {
        "format": FORMAT,
        "version": VERSION,
        "id": conversation.id,
        "origin": conversation.origin,
        "title": conversation.title,
        "pinned": conversation.is_pinned,
        "created_at": _iso(min((m.created_at for m in messages), default=conversation.updated_at)),
        "updated_at": _iso(conversation.updated_at),
        "controls": conversation.controls,
        "current_message": conversation.leaf_id,
        "messages": [_message_json(message) for message in messages],
    }
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"


def _message_json(message: Message) -> dict[str, Any]:
    return {
        "id": message.id,
        "parent": message.parent_id,
        "role": message.role,
        "content": message.content,
        "reasoning": message.reasoning,
        "reasoning_seconds": message.reasoning_seconds,
        "state": message.state,
        "error": message.error,
        "model": message.model,
        "finish_reason": message.finish_reason,
        "prompt_tokens": message.prompt_tokens,
        "completion_tokens": message.completion_tokens,
        "cached_tokens": message.cached_tokens,
        "reasoning_tokens": message.reasoning_tokens,
        "cost": message.cost,
        "pinned": message.is_pinned,
        "rating": message.rating,
        "created_at": _iso(message.created_at),
    }


def to_markdown(
    conversation: Conversation, branch: list[Message], language: str, timezone: str | None
) -> str:
    """The branch on screen, to be read: who said what and when, on the person's own clock."""
    parts = [f"# {conversation.title}"]
    for message in branch:
        who = translate(language, "export.question")
        if message.role == "assistant":
            who = translate(language, "export.answer")
            who += f" ({message.model})" if message.model else ""
        parts.append(f"## {who} · {shown_time(message.created_at, timezone)}")
        error = ChatbotError.from_json(message.error)
        if message.reasoning:
            thought = thought_for(language, message.reasoning_seconds or 0)
            parts.append(f"<details><summary>{thought}</summary>")
            parts += [message.reasoning, "</details>"]
        parts += filter(None, [message.content, f"*{error.sentence(language)}*" if error else ""])
    return "\n\n".join(parts) + "\n"


def branch_on_screen(conversation: Conversation, messages: list[Message]) -> list[Message]:
    """Of all messages of a conversation, those of the branch on screen, oldest first."""
    by_id = {message.id: message for message in messages}
    branch = []
    message = by_id.get(conversation.leaf_id or "")
    while message:
        branch.append(message)
        message = by_id.get(message.parent_id or "")
    return branch[::-1]


def write_zip(
    stores: Sequence[Store],
    owner: str,
    file: IO[bytes],
    language: str,
    timezone: str | None,
    report: Callable[[float], None],
) -> int:
    """Write all the owner's conversations into a zip, one after the other; returns how many.

    One that is in several stores is taken from the first.
    `report` is told the part that is done, from 0 to 1.
    """
    where = {id: store for store in reversed(stores) for id in store.conversations.ids(owner)}
    written = 0
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for place, (conversation_id, store) in enumerate(where.items(), 1):
            conversation = store.conversations.get(owner, conversation_id)
            if conversation:  # or else it was deleted meanwhile
                messages = store.messages.all(owner, conversation_id)
                branch = branch_on_screen(conversation, messages)
                markdown = to_markdown(conversation, branch, language, timezone)
                name = file_name(conversation, timezone)
                # Titles can be alike.
                name = f"{name} {conversation.id[:8]}"
                archive.writestr(f"markdown/{name}.md", markdown)
                archive.writestr(f"json/{name}.json", to_json(conversation, messages))
                written += 1
            report(place / len(where))
    return written


def file_name(conversation: Conversation, timezone: str | None) -> str:
    """A name for a conversation's file, without its ending, that every system takes."""
    # Not in names on Windows; invisible marks could make one look like another.
    title = re.sub(
        r'[\\/:*?"<>|.\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069]',
        " ",
        conversation.title,
    )
    return " ".join([shown_time(conversation.updated_at, timezone)[:10], *title.split()])


def shown_time(seconds: float, timezone: str | None) -> str:
    """A moment as `2025-03-01 14:05` on the clock of a time zone such as Asia/Shanghai."""
    return f"{datetime.fromtimestamp(seconds, zone(timezone)):%Y-%m-%d %H:%M}"


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")
