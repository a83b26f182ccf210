"""The supported apps: a table of readers, tried from top to bottom."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from chatbot.exchange import validation
from chatbot.exchange.formats import (
    chatgpt,
    claude,
    deepseek,
    librechat,
    native,
    nextchat,
    openwebui,
)
from chatbot.exchange.json_window import SESSIONS_STORE
from chatbot.exchange.validation import ReadConversation, Unreadable


class _App(NamedTuple):
    is_its: Callable[[dict[str, Any]], bool]
    read: Callable[[dict[str, Any], str], ReadConversation]


_APPS = (
    _App(native.is_ours, lambda raw, _: native.read(raw)),
    _App(deepseek.is_deepseeks, deepseek.read),  # before ChatGPT, because both have a `mapping`
    _App(chatgpt.is_chatgpts, chatgpt.read),
    _App(claude.is_claudes, claude.read),
    _App(librechat.is_librechats, librechat.read),
    _App(openwebui.is_openwebuis, openwebui.read),
    _App(nextchat.is_nextchats, nextchat.read),  # last, because its format is the least specific
)

_LISTS = ("conversations", "chats")
"""Names under which some tools store a list of conversations."""


def conversations_in(raw: object) -> Iterator[object]:
    """Yield the conversations inside a JSON value, or the value itself."""
    fields = validation.mapping(raw)
    conversations = [*nextchat.sessions_in(fields)]
    for name in _LISTS:
        conversations += validation.items(fields.get(name))
    if conversations or SESSIONS_STORE in fields:
        yield from conversations
    elif isinstance(raw, list):
        yield from raw
    else:
        yield raw


def read(raw: object, language: str) -> ReadConversation:
    """Read a conversation of any app. Raises Unreadable if the value is not a valid one."""
    if isinstance(raw, dict):
        for app in _APPS:
            if app.is_its(raw):
                return app.read(raw, language)
    raise Unreadable
