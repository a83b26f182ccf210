"""Logs as one JSON object per line, with masked secrets, and a line for each answer."""

import json
import logging
import time
from datetime import UTC, datetime
from typing import Any

from chatbot import redaction
from chatbot.answers import events
from chatbot.answers.answer import Answer

log = logging.getLogger(__name__)

MOST_A_MINUTE = 20
"""Most lines per minute from one place in the code."""


def write_json() -> None:
    """Write all logs of this process as JSON to standard error."""
    redaction.hide()
    logging.basicConfig(level=logging.INFO)
    # Streamlit adds a handler to each of its loggers, many of them only at the first page.
    logging.setLoggerClass(_JsonLogger)
    everyone = [logging.getLogger(name) for name in logging.root.manager.loggerDict]
    for logger in (logging.root, *everyone):
        for handler in logger.handlers:
            _dress(handler)
    if logging.lastResort:  # uvicorn has a logger without a handler
        _dress(logging.lastResort)
    for chatty in ("httpx", "httpx2", "httpcore", "httpcore2", "openai", "aiohttp", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def note_answers() -> None:
    """Log each ended answer with model and state, but without visitor and text."""
    events.add(_Noting())


class _JsonLogger(logging.Logger):
    def addHandler(self, handler: logging.Handler) -> None:
        _dress(handler)
        super().addHandler(handler)


class RepetitionFilter(logging.Filter):
    """Drops repeated lines from one place in the code, for example after many invalid requests.

    The next written line from this place says how many lines were dropped.
    """

    def __init__(self) -> None:
        super().__init__()
        self._counts: dict[tuple[str, int], tuple[float, int]] = {}
        """By place: start of its minute, and number of lines in that minute."""

    def filter(self, record: logging.LogRecord) -> bool:
        if hasattr(record, "figures"):  # lines about answers are never dropped
            return True
        place = (record.pathname, record.lineno)
        began, count = self._counts.get(place, (record.created, 0))
        if record.created >= began + 60:
            if count > MOST_A_MINUTE:
                record.figures = {"left_out": count - MOST_A_MINUTE}
            began, count = record.created, 0
        self._counts[place] = (began, count + 1)
        return count < MOST_A_MINUTE


def _dress(handler: logging.Handler) -> None:
    handler.setFormatter(_Json())
    handler.addFilter(_repetition_filter)


_repetition_filter = RepetitionFilter()


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "figures", {}),
        }
        if record.exc_text:
            line["exception"] = record.exc_text
        return json.dumps(line, ensure_ascii=False)


class _Noting:
    def began(self, _answer: Answer) -> None:
        pass

    def ended(self, answer: Answer) -> None:
        message = answer.message
        figures = {
            "model": redaction.masked(message.model or ""),
            "host": message.host,
            "state": message.state,
            "error": (message.error or {}).get("code"),
            "seconds": round(time.monotonic() - answer.began, 2),
            "first_token_seconds": answer.first_text and round(answer.first_text - answer.began, 2),
            "prompt_tokens": message.prompt_tokens,
            "completion_tokens": message.completion_tokens,
        }
        log.info("An answer ended", extra={"figures": figures})

    def refused(self, code: str) -> None:
        log.info("A question was not asked: %s", code)
