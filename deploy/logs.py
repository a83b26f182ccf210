"""Logs as one JSON object a line, secrets masked, and a line for each answer given."""

import json
import logging
import time
from datetime import UTC, datetime
from typing import Any

from chatbot import masking, observers
from chatbot.answer import Answer

log = logging.getLogger(__name__)


def write_json() -> None:
    """Have everything that is logged in this process written as JSON, on standard error."""
    masking.hide()
    logging.basicConfig(level=logging.INFO)
    # Streamlit gives each of its loggers a handler, and many begin only with the first page.
    logging.setLoggerClass(_JsonLogger)
    everyone = [logging.getLogger(name) for name in logging.root.manager.loggerDict]
    for logger in (logging.root, *everyone):
        for handler in logger.handlers:
            handler.setFormatter(_Json())
    if logging.lastResort:  # uvicorn has a logger without a handler
        logging.lastResort.setFormatter(_Json())
    for chatty in ("httpx", "httpx2", "httpcore", "httpcore2", "openai", "aiohttp", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def note_answers() -> None:
    """Log each answer that ends: when, by which model, how; not whose, and nothing of its text."""
    observers.add(_Noting())


class _JsonLogger(logging.Logger):
    def addHandler(self, handler: logging.Handler) -> None:
        handler.setFormatter(_Json())
        super().addHandler(handler)


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
            "model": masking.masked(message.model or ""),
            "host": message.host,
            "state": message.state,
            "error": (message.error or {}).get("code"),
            "seconds": round(time.monotonic() - answer.began, 2),
            "first_token_seconds": answer.first_text and round(answer.first_text - answer.began, 2),
            "prompt_tokens": message.prompt_tokens,
            "completion_tokens": message.completion_tokens,
        }
        log.info("An answer ended", extra={"figures": figures})
