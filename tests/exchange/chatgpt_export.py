"""Builder of exports in ChatGPT's public format, with all known peculiarities."""

import io
import json
import random
import zipfile
from typing import Any

BEGAN_AT = 1_700_000_000.0
Json = dict[str, Any]


def text_message(role: str, text: str, seconds: float | None, **more: Any) -> Json:
    """A message that says something."""
    return message(role, {"content_type": "text", "parts": [text]}, seconds, **more)


def message(role: str, content: Any, seconds: float | None, **more: Any) -> Json:
    """A message of any content, with the fields that ChatGPT writes around it."""
    metadata: Json = {"message_type": None, "request_id": "0", **more.pop("metadata", {})}
    if role == "assistant":
        metadata = {
            "model_slug": "gpt-4o",
            "finish_details": {"type": "stop", "stop_tokens": [200002]},
            "citations": [],
            **metadata,
        }
    return {
        "author": {"role": role, "name": more.pop("name", None), "metadata": {}},
        "create_time": seconds,
        "update_time": None,
        "content": content,
        "status": "finished_successfully",
        "end_turn": True if role == "assistant" else None,
        "weight": 1.0,
        "metadata": metadata,
        "recipient": "all",
        "channel": None,
        **more,
    }


class Tree:
    """A `mapping` in the making."""

    def __init__(self, prefix: str) -> None:
        self.mapping: dict[str, Json] = {}
        self._prefix = prefix
        self.root = self.add(None, None)

    def add(self, parent: str | None, said: Json | None) -> str:
        """A node after `parent`; returns its id."""
        name = f"{self._prefix}-node-{len(self.mapping)}"
        if said is not None:
            said = {"id": name, **said}
        self.mapping[name] = {"id": name, "message": said, "parent": parent, "children": []}
        if parent:
            self.mapping[parent]["children"].append(name)
        return name

    def conversation(self, current: str | None, **more: Any) -> Json:
        """The whole conversation."""
        return {
            "title": "A conversation",
            "create_time": BEGAN_AT,
            "update_time": BEGAN_AT + 1000,
            "mapping": self.mapping,
            "moderation_results": [],
            "current_node": current,
            "conversation_id": self._prefix,
            "id": self._prefix,
            "default_model_slug": "gpt-4o",
            "is_archived": False,
            **more,
        }


def plain(number: int, turns: int = 3) -> Json:
    """An ordinary conversation, with the empty system message that each begins with."""
    tree = Tree(f"plain-{number}")
    hidden = {"is_visually_hidden_from_conversation": True}
    last = tree.add(tree.root, text_message("system", "", None, metadata=hidden, weight=0.0))
    for turn in range(turns):
        seconds = BEGAN_AT + number * 10_000 + turn * 60
        last = tree.add(last, text_message("user", f"Question {turn} of {number}", seconds))
        last = tree.add(last, text_message("assistant", f"Answer {turn}", seconds + 5.25))
    times = {"create_time": BEGAN_AT + number * 10_000, "update_time": seconds + 5.25}
    return tree.conversation(last, title=f"Conversation {number}", **times)


def with_tools() -> Json:
    """An answer of many steps: thoughts, code, its output, browsing, an image, and the text."""
    tree = Tree("tools")
    at = BEGAN_AT
    steps = [
        message("user", {"content_type": "user_editable_context", "user_profile": "about me"}, at),
        message(
            "user",
            {
                "content_type": "multimodal_text",
                "parts": [
                    {"content_type": "image_asset_pointer", "asset_pointer": "file-service://a"},
                    "What is on it?",
                ],
            },
            at + 1,
            metadata={
                "attachments": [
                    {"name": "a.png", "mime_type": "image/png"},
                    {"name": "notes.pdf", "mime_type": "application/pdf"},
                ]
            },
        ),
        message("assistant", {"content_type": "thoughts", "thoughts": [{"content": "hm"}]}, at + 2),
        message("assistant", {"content_type": "reasoning_recap", "content": "Thought"}, at + 3),
        message(
            "assistant",
            {"content_type": "code", "language": "python", "text": "print('```')"},
            at + 4,
            recipient="python",
        ),
        message("tool", {"content_type": "execution_output", "text": "```"}, at + 5, name="python"),
        message("tool", {"content_type": "tether_browsing_display", "result": "pages"}, at + 6),
        text_message("assistant", '{"prompt": "a cat"}', at + 7, recipient="dalle.text2im"),
        message(
            "tool",
            {
                "content_type": "multimodal_text",
                "parts": ["instructions", {"content_type": "image_asset_pointer"}],
            },
            at + 8,
            name="dalle.text2im",
        ),
        message("assistant", {"content_type": "hologram", "parts": ["In light"]}, at + 9),
        text_message(
            "assistant",
            "A cat\ue200cite\ue202turn0search0\ue201, in \ue200entity\ue202x\ue201.",
            at + 10,
            metadata={
                "model_slug": "o3",
                "content_references": [
                    {"matched_text": "\ue200entity\ue202x\ue201", "alt": "Paris"},
                    {"matched_text": " ", "alt": ""},
                ],
            },
        ),
    ]
    last = tree.root
    for step in steps:
        last = tree.add(last, step)
    return tree.conversation(last, title=None)


def with_versions() -> Json:
    """A regenerated answer and an edited question; the first version of each is on screen."""
    tree = Tree("versions")
    at = BEGAN_AT
    asked = tree.add(tree.root, text_message("user", "One", at))
    first = tree.add(asked, text_message("assistant", "1", at + 1))
    second = tree.add(asked, text_message("assistant", "1 again", at + 2))
    tree.add(tree.add(second, text_message("user", "Two", at + 3)), None)
    follow_up = tree.add(first, text_message("user", "Three", at + 4))
    last = tree.add(follow_up, text_message("assistant", "3", at + 5))
    edited = tree.add(tree.root, text_message("user", "One, edited", at + 6))
    tree.add(edited, text_message("assistant", "1, edited", at + 7))
    return tree.conversation(last)


def odd() -> list[Json]:
    """Oddities of real exports: no title, no times, deleted messages, strange values."""
    untimed = Tree("untimed")
    asked = untimed.add(untimed.root, text_message("user", "When?\ud800\0", None))
    untimed.add(asked, text_message("assistant", "Never.", None, weight="heavy", status=None))
    deleted = Tree("deleted")
    gone = deleted.add(deleted.root, None)
    kept = deleted.add(gone, text_message("user", "After what was deleted", BEGAN_AT))
    deleted.add(kept, {"content": None, "author": None})
    circle = Tree("circle")
    one = circle.add(circle.root, text_message("user", "Round", BEGAN_AT))
    two = circle.add(one, text_message("assistant", "and round", BEGAN_AT))
    circle.mapping[one]["parent"] = two
    dangling = Tree("dangling")
    asked = dangling.add(dangling.root, text_message("user", "Hi", BEGAN_AT))
    dangling.mapping[asked]["parent"] = "nowhere"
    stopped = Tree("stopped")
    asked = stopped.add(stopped.root, text_message("user", "Count", BEGAN_AT))
    half = text_message(
        "assistant", "One, two", BEGAN_AT, metadata={"finish_details": {"type": "interrupted"}}
    )
    end = stopped.add(asked, half)
    return [
        untimed.conversation(None, title=None, create_time=None, update_time=None),
        deleted.conversation(kept),
        circle.conversation(two),
        dangling.conversation(asked),
        stopped.conversation(end),
        Tree("empty").conversation(None),
    ]


def export(count: int) -> list[Json]:
    """Several hundred conversations, newest first as ChatGPT lists them."""
    chance = random.Random(7)
    ordinary = [plain(number, turns=chance.randint(1, 6)) for number in range(count)]
    return [*ordinary[::-1], with_tools(), with_versions(), *odd()]


def as_json(conversations: list[Any]) -> bytes:
    """`conversations.json`."""
    return json.dumps(conversations).encode()


def as_zip(conversations: list[Any]) -> bytes:
    """The zip as downloaded."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("user.json", json.dumps({"id": "user-0", "email": "me@example.org"}))
        archive.writestr("message_feedback.json", "[]")
        archive.writestr("chat.html", "<html></html>")
        archive.writestr("conversations.json", as_json(conversations))
    return file.getvalue()
