"""Reader of DeepSeek's export: a tree under `mapping` like ChatGPT's, with message fragments."""

import re
from collections import Counter
from typing import Any

from chatbot.exchange import validation
from chatbot.exchange.turns import Head, Turn, conversation_of
from chatbot.exchange.validation import ReadConversation
from chatbot.exchange.written import joined
from chatbot.i18n import translate

_SAID = {"REQUEST", "RESPONSE", "TEMPLATE_RESPONSE", "TEXT"}
_THOUGHT = {"THINK", "THINKING"}
_CITATION = re.compile(r"\[citation:(\d{1,4})\]")
_ADDRESS = re.compile(r"https?://[^\s()<>]{1,2000}")


def is_deepseeks(raw: dict[str, Any]) -> bool:
    """Return True for a conversation in DeepSeek's format."""
    nodes = raw.get("mapping")
    if not isinstance(nodes, dict):
        return False
    return "inserted_at" in raw or any(
        "fragments" in validation.mapping(validation.mapping(node).get("message"))
        for node in nodes.values()
    )


def read(raw: dict[str, Any], language: str) -> ReadConversation:
    """Read a conversation."""
    left_out: Counter[str] = Counter()
    nodes = {
        validation.text(name): validation.mapping(node) for name, node in raw["mapping"].items()
    }
    turns = [_turn(name, node, left_out, language) for name, node in nodes.items()]
    _tell_apart(turns, nodes)
    head = Head(
        "deepseek",
        validation.text(raw.get("id")),
        validation.text(raw.get("title")),
        validation.moment(raw.get("inserted_at")),
        validation.moment(raw.get("updated_at")),
        left_out=left_out,
    )
    return conversation_of(head, turns, language)


def _turn(name: str, node: dict[str, Any], left_out: Counter[str], language: str) -> Turn:
    message = validation.mapping(node.get("message"))
    texts: list[str] = []
    thoughts = [validation.text(message.get("reasoning_content"))]
    thought_seconds = 0.0
    sources: list[str] = []
    for fragment in map(validation.mapping, validation.items(message.get("fragments"))):
        kind = validation.text(fragment.get("type")).upper()
        text = validation.text(fragment.get("content"))
        if kind in _SAID:
            texts.append(text)
        elif kind in _THOUGHT:
            thoughts.append(text)
            thought_seconds += max(0.0, validation.number(fragment.get("elapsed_secs")) or 0.0)
        else:
            left_out[kind[:40] or "?"] += 1
        sources += _sources(fragment.get("results"))
    sources = sources or _sources(message.get("search_results"))
    if not message.get("fragments"):  # the format before fragments
        texts.append(validation.text(message.get("content")))
        if message.get("search_results"):
            left_out["SEARCH"] += 1
    files = [
        translate(language, "import.file", name=validation.text(file.get("file_name")))
        for file in map(validation.mapping, validation.items(message.get("files")))
        if file.get("file_name")
    ]
    return Turn(
        name,
        validation.text(node.get("parent")),
        is_question=False,
        text=joined([*files, _cited(joined(texts), sources)]),
        reasoning=joined(thoughts),
        reasoning_seconds=thought_seconds,
        model=validation.text(message.get("model")),
        seconds=validation.moment(message.get("inserted_at")),
    )


def _tell_apart(turns: list[Turn], nodes: dict[str, dict[str, Any]]) -> None:
    """Mark the questions, by a message's content or else by its parent."""
    questions: dict[str, bool] = {}
    for turn in turns:  # parents come before their children
        message = validation.mapping(nodes[turn.id].get("message"))
        kinds = {
            validation.text(validation.mapping(fragment).get("type")).upper()
            for fragment in validation.items(message.get("fragments"))
        }
        role = validation.text(message.get("role")).lower()
        if role or kinds & (_SAID | _THOUGHT):
            turn.is_question = role == "user" or "REQUEST" in kinds
        else:
            turn.is_question = not turn.reasoning and not questions.get(turn.parent, False)
        if message:
            questions[turn.id] = turn.is_question


def _sources(results: object) -> list[str]:
    """Return the addresses found by a search, in the order of the answer's citation numbers."""
    return [
        validation.text(result.get("url"))
        for result in map(validation.mapping, validation.items(results))
    ]


def _cited(text: str, sources: list[str]) -> str:
    """Replace each `[citation:1]` with a link if its page is known."""

    def link(mark: re.Match[str]) -> str:
        place = int(mark[1]) - 1
        address = sources[place] if 0 <= place < len(sources) else ""
        return f"[[{mark[1]}]]({address})" if _ADDRESS.fullmatch(address) else ""

    return _CITATION.sub(link, text) if sources else text
