"""Every failure that a visitor can meet.

    ChatbotError        one code, one catalogue sentence (`error.<code>`), one suggested action

There is one class because the page treats all failures alike: it shows the sentence, and
says who can fix the problem if the visitor cannot. Any other exception that reaches the
page is a bug and is logged with its traceback.
"""

import re
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from chatbot.error_details import can_be_drawn, shortened
from chatbot.i18n import translate
from chatbot.i18n.dates import moment, time_from_now, zone


class Action(StrEnum):
    """Recovery actions. The page has a button for each of these actions except OWNER."""

    RETRY = "retry"
    """Ask again: the fault may have passed."""
    SHORTEN = "shorten"
    """Edit the question, or start a new conversation with it."""
    EDIT = "edit"
    """Ask in other words."""
    CHOOSE_MODEL = "choose_model"
    """Pick another model in the sidebar."""
    OPEN_SETTINGS = "open_settings"
    """Change one of the sidebar's other controls."""
    MAKE_ROOM = "make_room"
    """Delete something in *Your data*."""
    OWNER = "owner"
    """Only the owner of this app can fix it, in its settings."""


class Phrase(str):
    """A detail that is itself a catalogue key, shown in the visitor's language."""


@dataclass(frozen=True)
class ErrorKind:
    """Remedies for a failure, and conclusions about the endpoint that follow from it."""

    action: Action
    """The button that helps."""
    control: str = "model"
    """The sidebar's control that CHOOSE_MODEL or OPEN_SETTINGS opens."""
    retry_helps: bool = False
    """The same request may succeed a second later; the client repeats it unseen."""
    check_helps: bool = False
    """The connection check may find out more."""
    another_model_helps: bool = False
    """Another model of the same server may answer."""
    may_be_billed: bool = False
    """The model may have read the question. A server that refuses a question, or cannot be
    reached, does not bill it."""
    affects: Literal["", "path", "origin", "host"] = ""
    """The part of the base URL on which nothing works."""
    proves_model_server: bool = False
    """Only a real model server fails like this."""
    means_no_list: bool = False
    """Servers without a model list answer a request for it like this."""
    after_text: str = ""
    """Code of the failure to show instead if a part of the answer has arrived."""
    can_still_read: bool = False
    """The database can be read but not written."""


ERRORS: dict[str, ErrorKind] = {
    # The endpoint, before a word of the answer came.
    "unreachable": ErrorKind(
        Action.RETRY, retry_helps=True, check_helps=True, affects="origin", after_text="interrupted"
    ),
    "unknown_host": ErrorKind(Action.RETRY, retry_helps=True, check_helps=True, affects="host"),
    "proxy": ErrorKind(Action.OWNER, check_helps=True, affects="host"),
    "dropped": ErrorKind(
        Action.RETRY,
        retry_helps=True,
        check_helps=True,
        may_be_billed=True,
        affects="origin",
        after_text="interrupted",
    ),
    "timeout": ErrorKind(
        Action.RETRY,
        retry_helps=True,
        check_helps=True,
        may_be_billed=True,
        affects="origin",
        after_text="stalled",
    ),
    "server_error": ErrorKind(
        Action.RETRY,
        retry_helps=True,
        check_helps=True,
        may_be_billed=True,
        affects="origin",
        after_text="interrupted",
    ),
    "empty": ErrorKind(Action.RETRY, another_model_helps=True, may_be_billed=True, affects="path"),
    "unexpected": ErrorKind(Action.RETRY, may_be_billed=True),
    "waiting": ErrorKind(Action.RETRY),
    "busy": ErrorKind(Action.RETRY, retry_helps=True, affects="origin", after_text="interrupted"),
    "busy_until": ErrorKind(Action.RETRY, affects="origin"),
    "quota": ErrorKind(Action.OWNER, proves_model_server=True),
    "quota_until": ErrorKind(Action.RETRY, proves_model_server=True),
    "certificate": ErrorKind(Action.OWNER, check_helps=True, affects="origin"),
    "no_tls": ErrorKind(Action.OWNER, check_helps=True, affects="origin", after_text="interrupted"),
    "redirect": ErrorKind(Action.OWNER, check_helps=True, affects="path"),
    "key_missing": ErrorKind(Action.OWNER, check_helps=True, proves_model_server=True),
    "key_refused": ErrorKind(Action.OWNER, check_helps=True, proves_model_server=True),
    "forbidden": ErrorKind(
        Action.OWNER, check_helps=True, another_model_helps=True, proves_model_server=True
    ),
    "region": ErrorKind(Action.OWNER, check_helps=True, affects="host", proves_model_server=True),
    "wrong_address": ErrorKind(
        Action.OWNER, check_helps=True, another_model_helps=True, affects="path", means_no_list=True
    ),
    "not_an_api": ErrorKind(
        Action.OWNER, check_helps=True, affects="path", means_no_list=True, after_text="interrupted"
    ),
    "not_public": ErrorKind(Action.RETRY, check_helps=True, affects="host"),
    "refused": ErrorKind(Action.OPEN_SETTINGS, control="model", another_model_helps=True),
    "length_refused": ErrorKind(Action.OPEN_SETTINGS, control="max_tokens"),
    "temperature_refused": ErrorKind(Action.OPEN_SETTINGS, control="temperature"),
    "model_not_found": ErrorKind(Action.CHOOSE_MODEL, another_model_helps=True),
    "model_forbidden": ErrorKind(Action.CHOOSE_MODEL, another_model_helps=True),
    "no_models": ErrorKind(Action.CHOOSE_MODEL, check_helps=True, another_model_helps=True),
    "no_list": ErrorKind(Action.CHOOSE_MODEL, check_helps=True),
    "no_chat": ErrorKind(Action.CHOOSE_MODEL, another_model_helps=True),
    "no_pictures": ErrorKind(Action.CHOOSE_MODEL),
    "no_memory": ErrorKind(Action.CHOOSE_MODEL, another_model_helps=True),
    "only_thought": ErrorKind(Action.RETRY, another_model_helps=True, may_be_billed=True),
    "tool_call": ErrorKind(Action.CHOOSE_MODEL, another_model_helps=True, may_be_billed=True),
    "too_long": ErrorKind(Action.SHORTEN),
    "question_filtered": ErrorKind(Action.EDIT),
    # The connection check.
    "bad_address": ErrorKind(Action.RETRY),
    "bad_key": ErrorKind(Action.RETRY),
    "no_address": ErrorKind(Action.RETRY),
    "no_provider": ErrorKind(Action.RETRY),
    "env_file": ErrorKind(Action.OWNER),
    # The answer broke off after some of it came.
    "interrupted": ErrorKind(Action.RETRY, may_be_billed=True),
    "stalled": ErrorKind(Action.RETRY, may_be_billed=True),
    "too_much": ErrorKind(Action.RETRY, may_be_billed=True),
    "filtered": ErrorKind(Action.RETRY, may_be_billed=True),
    "no_room": ErrorKind(Action.OPEN_SETTINGS, control="max_tokens", may_be_billed=True),
    "thought_too_long": ErrorKind(Action.OPEN_SETTINGS, control="max_tokens", may_be_billed=True),
    # The built-in model.
    "local_download": ErrorKind(Action.RETRY),
    "local_checksum": ErrorKind(Action.RETRY),
    "local_disk_full": ErrorKind(Action.RETRY),
    "local_unsupported": ErrorKind(Action.OWNER),
    "local_library": ErrorKind(Action.OWNER),
    "local_start": ErrorKind(Action.RETRY),
    # What the owner allows.
    "limit_minute_visitor": ErrorKind(Action.RETRY),
    "limit_minute_site": ErrorKind(Action.RETRY),
    "limit_day_visitor": ErrorKind(Action.RETRY),
    "limit_day_site": ErrorKind(Action.RETRY),
    "limit_at_once_visitor": ErrorKind(Action.RETRY),
    "limit_at_once_site": ErrorKind(Action.RETRY),
    "limit_size": ErrorKind(Action.SHORTEN),
    "too_slow": ErrorKind(Action.RETRY, may_be_billed=True),
    "storage_visitor": ErrorKind(Action.MAKE_ROOM),
    "storage_site": ErrorKind(Action.MAKE_ROOM),
    # What this app keeps and how it is set up.
    "store": ErrorKind(Action.RETRY),
    "store_locked": ErrorKind(Action.RETRY),
    "store_full": ErrorKind(Action.OWNER, can_still_read=True),
    "store_read_only": ErrorKind(Action.OWNER, can_still_read=True),
    "store_damaged": ErrorKind(Action.OWNER),
    "store_open": ErrorKind(Action.OWNER),
    "store_put_aside": ErrorKind(Action.OWNER),
    "store_restored": ErrorKind(Action.OWNER),
    "gone": ErrorKind(Action.RETRY),
    "conflict": ErrorKind(Action.RETRY),
    "still_answering": ErrorKind(Action.RETRY),
    "question_too_long": ErrorKind(Action.SHORTEN),
    "not_confirmed": ErrorKind(Action.RETRY),
    "import_damaged": ErrorKind(Action.RETRY),
    "import_nothing": ErrorKind(Action.RETRY),
    "import_other": ErrorKind(Action.RETRY),
    "import_locked": ErrorKind(Action.RETRY),
    "import_too_large": ErrorKind(Action.SHORTEN),
    "password_wrong": ErrorKind(Action.RETRY),
    "password_wait": ErrorKind(Action.RETRY),
    "access_ended": ErrorKind(Action.RETRY),
    "page": ErrorKind(Action.RETRY),
    "click": ErrorKind(Action.RETRY),
    "file": ErrorKind(Action.OWNER),
    "setting": ErrorKind(Action.OWNER),
}

SETTINGS_OF_THE_FIRST = {"key_setting": "OPENAI_API_KEY", "address_setting": "OPENAI_BASE_URL"}
"""Settings for the key and address of the first server; the details may name another server's."""

SETTINGS_OF_VISITORS = {"key_setting": "check.your_key", "address_setting": "check.your_address"}
"""Catalogue keys used instead if a visitor has entered the key and the address."""


class ChatbotError(Exception):
    """A failure with a sentence for people.

    `code` is a key of `ERRORS`; `details` fill the sentence's placeholders and
    must hold nothing secret, because they are shown and stored.
    `str(error)` is the English sentence, for logs.
    """

    def __init__(self, code: str, **details: str) -> None:
        self.code = code
        self.details = {name: shortened(value) for name, value in details.items()}
        self.kind = ERRORS[code]
        super().__init__(self.sentence("en"))

    @property
    def action(self) -> Action:
        """The button that helps."""
        return self.kind.action

    def sentence(self, language: str, timezone: str | None = None) -> str:
        """Say what happened and what to do next, in `language`, with times in `timezone`."""
        details = SETTINGS_OF_THE_FIRST | {
            name: translate(language, value) if isinstance(value, Phrase) else value
            for name, value in self.details.items()
        }
        if details.get("set_by") == "visitor":
            for name, key in SETTINGS_OF_VISITORS.items():
                details[name] = translate(language, key)
        status = details.get("status")  # of HTTP; failures stored by older versions have none
        number = translate(language, "error_hint.number", status=status) if status else ""
        details.setdefault("number", number)
        if "until" in details:  # seconds since 1970; shown relative to now, and as a time of day
            until, now = float(details["until"]), time.time()
            details["until"] = time_from_now(language, until - now)
            details["clock"] = moment(until, now, zone(timezone))
        sentence = translate(language, f"error.{self.code}", **details)
        # Chinese text has spaces around names of settings, but none between Chinese characters.
        return re.sub(r"(?<=[\u3400-\u9fff，]) (?=[\u3400-\u9fff])", "", sentence)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form in which the store keeps a failed answer's reason."""
        return {"code": self.code, "details": self.details}

    @classmethod
    def from_json(cls, data: dict[str, Any] | None) -> "ChatbotError | None":
        """Read the output of `to_json`; a code unknown to this version becomes "unexpected"."""
        if not data:
            return None
        code, details = data.get("code"), data.get("details", {})
        if not isinstance(code, str) or code not in ERRORS or not can_be_drawn(code, details):
            return cls("unexpected")
        try:
            return cls(code, **details)
        except (KeyError, ValueError, TypeError, OverflowError):
            # Written by another version: a placeholder is missing, or the form differs.
            return cls("unexpected")
