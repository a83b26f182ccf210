"""Bringing conversations in: all of a file is read and checked first, then kept."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO

from chatbot.errors import ChatbotError
from chatbot.exchange import chatgpt, own
from chatbot.exchange.read_conversation import ReadConversation, Unreadable
from chatbot.exchange.reading import conversations_in
from chatbot.store import Store


@dataclass
class Summary:
    """What became of a file."""

    added: int = 0
    already_there: int = 0
    empty: int = 0
    unreadable: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    """Content types of which nothing, or a placeholder, came in, with how often."""


def import_file(
    store: Store,
    owner: str,
    file: IO[bytes],
    language: str,
    report: Callable[[float], None],
) -> Summary:
    """Bring in what a file holds: our own JSON or zip, or ChatGPT's zip or conversations.json.

    `report` is told the part that is done, from 0 to 1. Raises
    ChatbotError("import_damaged"), ("import_too_large") or ("import_nothing") before
    anything is kept, and ChatbotError("store…") when the database fails meanwhile:
    what had come in stays, and the same file brings in the rest.
    """
    checked = _found(file, language, lambda part: report(part / 2))
    if not sum(found is not None for found in checked):  # to its end: `any` would stop earlier
        raise ChatbotError("import_nothing")
    summary = Summary()
    there = store.conversations.origins(owner)
    for found in _found(file, language, lambda part: report(0.5 + part / 2)):
        if found is None:
            summary.unreadable += 1
        elif not found.messages:
            summary.empty += 1
        elif found.conversation.origin in there:
            summary.already_there += 1
        else:
            store.conversations.add(owner, found.conversation, found.messages)
            there.add(found.conversation.origin or found.conversation.id)
            summary.added += 1
            summary.left_out += found.left_out
    if summary.added:
        store.conversations.order_by_time(owner)
    return summary


def _found(
    file: IO[bytes], language: str, report: Callable[[float], None]
) -> Iterator[ReadConversation | None]:
    """Each conversation of a file; None for one that is not as it should be."""
    for raw in conversations_in(file, report):
        try:
            if not isinstance(raw, dict):
                raise Unreadable
            if own.is_ours(raw):
                yield own.read(raw)
            elif chatgpt.is_chatgpts(raw):
                yield chatgpt.read(raw, language)
            else:
                raise Unreadable
        except Unreadable:
            yield None
