"""Patterns for servers' error messages, and errors inside successful responses. Pure.

The patterns match lower-case text without a copy of the request (`request.complaints`).
"""

import re
from collections.abc import Mapping
from typing import Any

CONTEXT = r"context|too long|too many tokens|maximum.{0,80}tokens|input length|上下文|过长"
RATE = r"rate.?limit|too many requests|requests? limit (reached|exceeded)|限流|频率|频繁|并发"
OVERLOADED = (
    r"overload|(over|at|exceed\w*) (full |its |max\w* )?capacity|high demand|heavy load"
    r"|(?<!not )\b(too|is|are|currently|temporarily) (too |very )?busy|\bserver busy"
    r"|过载|繁忙|负载.{0,4}(高|大|饱和|上限)|拥挤"
)
QUOTA = (
    r"quota|billing|(?<![a-z])balance(?![a-z])|\bcredits?\b|arrear|payment required"
    r"|额度|余额|欠费|充值"
)
REGION = r"(country|region|territory|location).{0,60}(not|un)|地区"
FILTER = r"content.?(filter|polic|management)|moderation|inspection|safety|new_sensitive|敏感"
MODEL = r"\bmodels?\b|模型"
NO_MODEL = (
    r"model.{0,60}(not (exist|found)|unknown|不存在)|model (is )?not support"
    r"|(no such|unknown|invalid|unsupported) model|模型.{0,20}不存在"
)
NO_CHANNEL = r"no available channel|无可用渠道"
BAD_KEY = (
    r"api.?key.{0,40}(valid|incorrect|missing|not)|(valid|incorrect|missing).{0,20}api.?key"
    r"|\binvalid (access |api |auth\w* |bearer )?token\b(?! (limit|count|number))|\bcredentials\b"
    r"|secret key|authenticat|unauthori[sz]ed|鉴权|认证失败|身份验证"
    r"|(令牌|密钥).{0,12}(无效|错误|过期|不正确)|无效的?(令牌|密钥)"
)
NO_MEMORY = (
    r"out of memory|outofmemory|(requires|needs) more (system |gpu |video )?memory"
    r"|(not enough|insufficient|unable to allocate|failed to allocate).{0,40}(memory|vram|buffer)"
    r"|(memory|vram).{0,30}(insufficient|not enough)|exceed\w* (the )?memory limit|\boom\b"
    r"|(内存|显存).{0,6}(不足|不够)"
)
_PICTURE = r"(image|vision|picture|photo|multi-?modal)"
NO_PICTURES = (
    r"(\bnot|n't|\bno|cannot)\b.{0,60}?(support|accept|allow|take|have|handle)\w* "
    rf"(for |input modalit(y|ies) )?(an? |any )?{_PICTURE}"
    r"(?!.{0,4} ?(generat|format|size|model|edit))"
    rf"|\bmodels? (cannot|can't|can not) (process|see|read|view) (any )?{_PICTURE}"
    rf"|{_PICTURE}(_url)?s?( (input|content|part|data|message|block)s?)* (is |are )?(currently )?"
    r"(not|n't|only) (be )?(support|accept|allow|enabled|available)"
    r"|unknown variant .?image_url|(unsupported|invalid|unknown) [^.]{0,60}image_url"
    r"|not an? (multi-?modal|vision)|no (multi-?modal|vision) support|lacks? (an? )?vision"
    r"|missing data required for image|mmproj"
    r"|text.only model|only (support|accept|take)s? text(?!/)"
    r"|input should be 'text'(?!,| or)|invalid type: sequence, expected a string"
    r"|不支持.{0,8}(图片|图像|视觉|多模态)|(图片|图像|视觉|多模态).{0,8}不支持"
)
"""Messages of OpenAI and its relays, DeepSeek, OpenRouter, llama.cpp, Ollama, vLLM and pydantic.
Messages about the number or size of pictures do not match."""

NO_CHAT = (
    r"(\bnot|n't) (an? )?(support(ed|s)? )?((in|for|with|by|the) )*(v1/)?chat\b"
    r"(?! (history|message))"
    r"|chat( ?completions?)?( api| operation| endpoint)? (is|are|does) not (support|work|available)"
    r"|not available on this endpoint|not support (generate|completions?)\b|chat template"
    r"|only supported in v1/(responses|completions|embeddings)"
    r"|is an? (embeddings?|rerank\w*|image|speech|audio|transcription|moderation)( \w+)? model"
    r"|不支持.{0,4}(对话|聊天|chat)"
)
LENGTH = r"\bmax_(completion_)?tokens\b"
TEMPERATURE = r"\btemperature\b"

STATUS_OF_WORDS = (
    (429, rf"{RATE}|{QUOTA}|{OVERLOADED}"),
    (500, NO_MEMORY),
    (400, rf"{NO_CHAT}|{NO_PICTURES}|{CONTEXT}|{FILTER}|{NO_MODEL}|{NO_CHANNEL}"),
    (401, BAD_KEY),
    (451, REGION),
    (404, r"^\W*(404\W+)?(page )?not found\W*$"),
    (
        500,
        r"server error|bad gateway|service (is )?(temporarily |currently )?unavailable"
        r"|gateway time-?out|upstream|no healthy|connection (refused|reset)|timed out"
        r"|(服务器?|系统|内部|上游).{0,6}(错误|异常|故障|不可用)",
    ),
)
"""HTTP status for a message, for errors that arrive with a status of success."""

STATUS_OF_MINIMAX = {
    "1002": 429,
    "1004": 401,
    "1008": 402,
    "1039": 413,
    "1041": 429,
    "2013": 400,
    "2049": 401,
    "2056": 402,
}
"""HTTP status for MiniMax's `base_resp` codes (platform.minimaxi.com, "error codes"); all other
codes are server errors."""

_SUCCESS = {"", "0", "200", "20000", "ok", "success", "none", "null"}

_WORDS = ("message", "msg", "error_msg", "error_message", "errmsg", "detail", "status_msg")

_BESIDE = {*_WORDS, "request_id", "requestId", "id", "timestamp", "path", "title", "type"}
"""Fields beside which words alone can be an error: those of an answer or a status are missing."""


def is_known(words: str) -> bool:
    """Return True if an error's words, in lower case, say which kind of error it is."""
    return any(re.search(sign, words) for _, sign in STATUS_OF_WORDS)


def is_failure(chunk: Mapping[str, Any]) -> bool:
    """Return True if JSON without a part of an answer reports a failure.

    The report needs a type or a code, and also a message where the code alone is ambiguous.
    """
    if "error" in (chunk.get("object"), chunk.get("type")):
        return True
    base = chunk.get("base_resp")  # MiniMax
    if isinstance(base, dict):
        return _is_bad(base.get("status_code"))
    if chunk.get("success") is False and chunk.get("errors"):  # Cloudflare
        return True
    if chunk.keys() == {"detail"} and chunk["detail"]:  # FastAPI
        return True
    words = [chunk[name] for name in _WORDS if isinstance(chunk.get(name), str) and chunk[name]]
    if words and chunk.keys() <= _BESIDE and is_known(" ".join(words).lower()):
        return True
    if not words:
        return False
    codes = (chunk.get(name) for name in ("code", "error_code", "errcode", "status", "status_code"))
    return chunk.get("success") is False or any(map(_is_bad, codes))


def _is_bad(code: object) -> bool:
    if not isinstance(code, int | str) or isinstance(code, bool):
        return False
    return str(code).strip().lower() not in _SUCCESS
