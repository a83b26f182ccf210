"""Export of conversations: Markdown for people, JSON for import, a zip of all conversations.

The files contain no keys, owners or servers, only the messages and their details.
"""

import json
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import IO, Any

from chatbot.errors import ChatbotError
from chatbot.i18n import translate
from chatbot.i18n.dates import thought_for, zone
from chatbot.store import Conversation, Message, Store

FORMAT = "chatbot-conversation"
VERSION = 1
"""Version of the format, to be increased when older versions of the app cannot read it."""

ZIP_BYTES = 120 * 2**20
ZIP_JSON_BYTES = 800 * 2**20
ZIP_CONVERSATIONS = 50_000
"""A zip ends after the conversation that exceeds one of these; larger zips cannot be imported."""


def to_json(conversation: Conversation, messages: list[Message]) -> str:
    """Return a conversation with all its branches in the format that `import_file` reads.

    `messages` are all messages of the conversation, in order of arrival.
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
    """Return the branch on screen as Markdown, with times in the visitor's time zone."""
    parts = [f"# {conversation.title}"]
    for message in branch:
        author = translate(language, "export.question")
        if message.role == "assistant":
            author = translate(language, "export.answer")
            author += f" ({message.model})" if message.model else ""
        parts.append(f"## {author} · {shown_time(message.created_at, timezone)}")
        error = ChatbotError.from_json(message.error)
        if message.reasoning:
            thought = thought_for(language, message.reasoning_seconds or 0)
            parts.append(f"<details><summary>{thought}</summary>")
            parts += [message.reasoning, "</details>"]
        parts += filter(None, [message.content, f"*{error.sentence(language)}*" if error else ""])
    return "\n\n".join(parts) + "\n"


def branch_on_screen(conversation: Conversation, messages: list[Message]) -> list[Message]:
    """Select the messages of the branch on screen, oldest first."""
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
    """Write all the owner's conversations into one zip of any size; return their number.

    A conversation in several stores is taken from the first store. `report` gets the progress,
    from 0 to 1.
    """
    written = 0
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for conversation, messages in _all(stores, owner, report):
            _write(archive, conversation, messages, language, timezone)
            written += 1
    return written


def write_zips(
    stores: Sequence[Store],
    owner: str,
    new_file: Callable[[], IO[bytes]],
    language: str,
    timezone: str | None,
    report: Callable[[float], None],
) -> list[IO[bytes]]:
    """Write all the owner's conversations into zips small enough for import; at least one."""
    files = [new_file()]
    archive = zipfile.ZipFile(files[0], "w", zipfile.ZIP_DEFLATED)
    written = json_bytes = 0
    try:
        for conversation, messages in _all(stores, owner, report):
            is_full = json_bytes > ZIP_JSON_BYTES or files[-1].tell() > ZIP_BYTES
            if is_full or written >= ZIP_CONVERSATIONS:
                archive.close()
                files.append(new_file())
                archive = zipfile.ZipFile(files[-1], "w", zipfile.ZIP_DEFLATED)
                written = json_bytes = 0
            json_bytes += _write(archive, conversation, messages, language, timezone)
            written += 1
    finally:
        archive.close()
    return files


def _all(
    stores: Sequence[Store], owner: str, report: Callable[[float], None]
) -> Iterator[tuple[Conversation, list[Message]]]:
    """Yield every conversation of an owner with all messages, from the first store that has it."""
    stores_by_id = {
        id: store for store in reversed(stores) for id in store.conversations.ids(owner)
    }
    for place, (conversation_id, store) in enumerate(stores_by_id.items(), 1):
        conversation = store.conversations.get(owner, conversation_id)
        if conversation:  # else it was deleted meanwhile
            yield conversation, store.messages.all(owner, conversation_id)
        report(place / len(stores_by_id))


def _write(
    archive: zipfile.ZipFile,
    conversation: Conversation,
    messages: list[Message],
    language: str,
    timezone: str | None,
) -> int:
    """Write a conversation into a zip; return the size of its JSON in bytes."""
    branch = branch_on_screen(conversation, messages)
    # Titles may be equal, so the id makes the name unique.
    name = f"{file_name(conversation, timezone)} {conversation.id[:8]}"
    archive.writestr(f"markdown/{name}.md", to_markdown(conversation, branch, language, timezone))
    data = to_json(conversation, messages).encode()
    archive.writestr(f"json/{name}.json", data)
    return len(data)


def file_name(conversation: Conversation, timezone: str | None) -> str:
    """Return a file name without extension that is valid on every system."""
    # Windows forbids these characters; invisible characters would make names look alike.
    title = re.sub(
        r'[\\/:*?"<>|.\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069]',
        " ",
        conversation.title,
    )
    return " ".join([shown_time(conversation.updated_at, timezone)[:10], *title.split()])


def shown_time(seconds: float, timezone: str | None) -> str:
    """Format a time as `2025-03-01 14:05` in a time zone such as Asia/Shanghai."""
    return f"{datetime.fromtimestamp(seconds, zone(timezone)):%Y-%m-%d %H:%M}"


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")
