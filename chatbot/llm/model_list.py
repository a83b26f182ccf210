"""Reading of a server's model list: names and context windows. Pure."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

_NAMES = (
    "loaded_context_length",  # LM Studio
    "max_model_len",  # vLLM
    "context_window",  # Groq
    "context_length",  # OpenRouter, Moonshot, Together
    "max_context_length",  # Mistral
    "n_ctx",  # llama.cpp, within "meta"
    "n_ctx_train",
)
"""Fields with the context window; the window actually loaded comes before the model's maximum."""

_LISTS = ("data", "models", "result")
"""Fields that contain the list, OpenAI's first."""

MAX_LISTED = 10_000
"""Models kept of a list; the largest routers known list a few thousand."""

MAX_NAME_CHARACTERS = 300

_IDS = ("id", "model", "name", "model_name")

_NO_CHAT = re.compile(
    # Embedding and ranking
    r"embed|rerank|colbert|minilm|(^|[/-])(bge|gte|e5|m3e|uae)[-_]|multilingual-e5|jina-clip|voyage-"
    r"|similarity|sentence-|paraphrase-|splade|col(qwen|pali)|siglip|(^|[/-])(clip|clap)[-_]"
    # Speech and music
    r"|whisper|transcri|speech|(tts|asr|stt)(?![a-z])|audio|voice|realtime|paraformer|parakeet|kokoro"
    r"|elevenlabs|sambert|cosyvoice|(^|[/-])(eleven_|aura-|canary-)|deepgram|music|suno|(^|[/-])(bark|lyria)(?![a-z])"
    # Images and videos
    r"|dall-?e|imagen(?!t)|(^|[^a-z])images?(?![a-z])|diffusion|sdxl|(^|[/-])(sd-?\d|wan-?\d|wanx|mj[-_]|svd)"
    r"|(^|[/._-])flux(?![a-z])|midjourney|kolors|cogview|cogvideo|seedream|seedance|seededit|ideogram"
    r"|recraft|hidream|(^|[/-])(sora|veo|kling|vidu|hailuo)(?![a-z])|video|[ti]{1,2}2[iv](?![a-z])"
    # Moderation, and models with other kinds of output
    r"|moderat|guard|shieldgemma|playground-v|nano-banana|(^|[/-])(aqa|bce)(?![a-z])|(davinci|babbage)-00\d|turbo-instruct",
    re.IGNORECASE,
)
"""Parts of the names of models that do not answer in words, or do not support chats."""


def listed(body: object) -> list[dict[str, Any]] | None:
    """Return the entries of a model list, each with its name as `id`; None if it is no list.

    Reads OpenAI's form, a bare array, an array of names, and Ollama's and Gemini's `models`. Keeps
    the first MAX_LISTED models, because each run of the page offers all of them.
    """
    entries = _entries(body)
    if entries is None:
        return None
    models: dict[str, dict[str, Any]] = {}
    for entry in entries:
        entry = entry if isinstance(entry, dict) else {"id": entry}
        names = (entry.get(field) for field in _IDS)
        name = next((name for name in names if is_name(name)), None)
        if name is not None:
            models.setdefault(name, {**entry, "id": name})
            if len(models) == MAX_LISTED:
                break
    return list(models.values())


def _entries(body: object) -> list[Any] | None:
    if isinstance(body, list):
        return body
    if not isinstance(body, dict):
        return None
    lists = [body[field] for field in _LISTS if isinstance(body.get(field), list)]
    if lists:
        return next(filter(None, lists), [])  # llama.cpp has two
    for field in _LISTS:  # within the envelope of a relay
        inner = body.get(field)
        if isinstance(inner, dict) and any(name in inner for name in _LISTS):
            return _entries(inner)
    by_name = body.get("models")
    if isinstance(by_name, dict) and by_name:
        return [
            {"id": name} | (entry if isinstance(entry, dict) else {})
            for name, entry in by_name.items()
        ]
    # A server in Go that has no models yet has null instead of a list.
    return [] if any(body.get(field, ...) is None for field in _LISTS) else None


def is_name(value: object) -> bool:
    """Return True for a printable name of at most MAX_NAME_CHARACTERS characters.

    A lone surrogate in a list would break the whole page.
    """
    if not isinstance(value, str) or len(value) > MAX_NAME_CHARACTERS:
        return False
    return bool(value.strip()) and value.isprintable()


def chats(name: str) -> bool:
    """Return True unless the name shows that the model does not answer chats in words."""
    return _NO_CHAT.search(name) is None


def first_to_chat(names: Sequence[str]) -> str:
    """Return the first chat model of a list, or else its first model. The list is not empty."""
    return next(filter(chats, names), names[0])


def context_window(model: Mapping[str, Any]) -> int | None:
    """Return a model's context window in tokens; None if its entry does not contain it."""
    meta = model.get("meta")
    entry = {**(meta if isinstance(meta, dict) else {}), **model}
    values = (entry.get(name) for name in _NAMES)
    return next((value for value in values if type(value) is int and value > 0), None)
