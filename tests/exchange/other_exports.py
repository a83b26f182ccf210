"""Exports of other chat apps in the formats of several versions, one conversation each."""

from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]
ROOT = "00000000-0000-4000-8000-000000000000"


def claude(*messages: Json, **fields: Any) -> Json:
    """A conversation of Claude's."""
    basis = {"uuid": "c1", "name": "From Claude", "created_at": "2025-01-01T00:00:00.5Z"}
    listed = list(messages) or [claude_said("human", "Asked"), claude_said("assistant", "Told")]
    return {**basis, "account": {"uuid": "a"}, "chat_messages": listed, **fields}


def claude_said(sender: str, *blocks: str | Json, **fields: Any) -> Json:
    """A message of Claude's; a text stands for a block of text."""
    content = [{"type": "text", "text": b} if isinstance(b, str) else b for b in blocks]
    return {"uuid": f"{sender}-{blocks!r}", "text": "", "sender": sender, "content": content} | {
        "created_at": "2025-01-01T00:00:01Z",
        **fields,
    }


def deepseek(*messages: Json | None) -> Json:
    """A conversation of DeepSeek's: messages that follow each other."""
    listed = messages or (fragments(REQUEST="Asked"), fragments(THINK="hm", RESPONSE="Told"))
    names = ["root", *map(str, range(1, len(listed) + 1))]
    mapping = {
        name: {
            "id": name,
            "parent": names[place - 1] if place else None,
            "children": names[place + 1 : place + 2],
            "message": [None, *listed][place],
        }
        for place, name in enumerate(names)
    }
    times = {
        "inserted_at": "2025-03-30T04:49:36.505000+08:00",
        "updated_at": "2025-03-30T04:50:29.156000+08:00",
    }
    return {"id": "d1", "title": "From DeepSeek", **times, "mapping": mapping}


def fragments(**said: str) -> Json:
    """A message of DeepSeek's, by the kinds of its fragments."""
    parts = [{"type": kind, "content": text} for kind, text in said.items()]
    return {
        "files": [],
        "model": "deepseek-reasoner",
        "inserted_at": "2025-03-30T04:49:37.018000+08:00",
        "fragments": parts,
    }


def openwebui(*messages: Json, **fields: Any) -> Json:
    """A chat of Open WebUI's; each message names its id and the one it follows."""
    listed = messages or (
        {"id": "a", "parentId": None, "role": "user", "content": "Asked"},
        {"id": "b", "parentId": "a", "role": "assistant", "content": "Told", "model": "m"},
    )
    history = {"currentId": listed[-1]["id"], "messages": {one["id"]: one for one in listed}}
    chat = {"title": "From Open WebUI", "models": ["m"], "history": history, "messages": []}
    times = {"updated_at": 1735689600, "created_at": 1735689600}
    return {"id": "o1", "user_id": "u", "title": "From Open WebUI", "chat": chat, **times, **fields}


def librechat(*messages: Json, **fields: Any) -> Json:
    """A conversation of LibreChat's; without messages a question that holds its answer."""
    listed = list(messages) or [
        librechat_said("1", "User", "Asked", children=[librechat_said("2", "GPT", "Told")])
    ]
    basis = {"conversationId": "l1", "endpoint": "openAI", "title": "From LibreChat"}
    options = {"branches": True, "recursive": True, "options": {"model": "gpt-4o"}}
    return {**basis, "exportAt": "12:00", **options, "messages": listed, **fields}


def librechat_said(message_id: str, sender: str, text: str, **fields: Any) -> Json:
    """A message of LibreChat's."""
    basis = {"messageId": message_id, "text": text, "sender": sender, "children": []}
    return {**basis, "isCreatedByUser": sender == "User", **fields}


def nextchat(*messages: Json, **fields: Any) -> Json:
    """A backup of NextChat's with one session."""
    listed = list(messages) or [
        {"id": "1", "role": "user", "content": "Asked", "date": "2025/1/1 09:00:00"},
        {"id": "2", "role": "assistant", "content": "Told", "date": "2025/1/1 09:00:05"},
    ]
    session = {"id": "s1", "topic": "From NextChat", "messages": listed, "mask": {}, **fields}
    return {
        "chat-next-web-store": {"sessions": [session], "currentSessionIndex": 0},
        "access-control": {"openaiApiKey": "sk-canary"},
    }


def one_of_each() -> Iterator[Any]:
    """The content of a file of each app."""
    yield [claude()]
    yield [deepseek()]
    yield [openwebui()]
    yield librechat()
    yield nextchat()
