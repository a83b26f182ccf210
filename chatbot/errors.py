"""Every failure a person can meet.

    ChatbotError        one code, one catalogue sentence (`error.<code>`), one suggested action

There is one class because the page treats all of them alike: it says the
sentence, and who can mend it where that is not the reader. Any other exception that
reaches the page is a bug: it is logged with its traceback.
"""

import re
import time
from enum import StrEnum
from typing import Any

from chatbot.i18n import time_from_now, translate
from chatbot.periods import moment, zone


class Action(StrEnum):
    """What the person can do about a failure. The page has a button for each but OWNER."""

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
    OWNER = "owner"
    """Only whoever runs this app can mend it, in its settings."""


class Phrase(str):
    """A detail that is itself a catalogue key, said in the reader's language."""


ACTIONS: dict[str, Action] = {
    # The endpoint, before a word of the answer came.
    "unreachable": Action.RETRY,
    "unknown_host": Action.RETRY,
    "proxy": Action.OWNER,
    "dropped": Action.RETRY,
    "timeout": Action.RETRY,
    "server_error": Action.RETRY,
    "empty": Action.RETRY,
    "unexpected": Action.RETRY,
    "waiting": Action.RETRY,
    "busy": Action.RETRY,
    "busy_until": Action.RETRY,
    "quota": Action.OWNER,
    "quota_until": Action.RETRY,
    "certificate": Action.OWNER,
    "no_tls": Action.OWNER,
    "redirect": Action.OWNER,
    "key_missing": Action.OWNER,
    "key_refused": Action.OWNER,
    "forbidden": Action.OWNER,
    "region": Action.OWNER,
    "wrong_address": Action.OWNER,
    "not_an_api": Action.OWNER,
    "not_public": Action.OPEN_SETTINGS,
    "refused": Action.OPEN_SETTINGS,
    "length_refused": Action.OPEN_SETTINGS,
    "temperature_refused": Action.OPEN_SETTINGS,
    "model_not_found": Action.CHOOSE_MODEL,
    "model_forbidden": Action.CHOOSE_MODEL,
    "no_models": Action.CHOOSE_MODEL,
    "too_long": Action.SHORTEN,
    "question_filtered": Action.EDIT,
    # The connection check.
    "bad_address": Action.RETRY,
    "bad_key": Action.RETRY,
    "no_address": Action.RETRY,
    "no_provider": Action.RETRY,
    "env_file": Action.OWNER,
    # The answer broke off after some of it came.
    "interrupted": Action.RETRY,
    "stalled": Action.RETRY,
    "too_much": Action.RETRY,
    "filtered": Action.RETRY,
    "no_room": Action.OPEN_SETTINGS,
    "thought_too_long": Action.OPEN_SETTINGS,
    # The built-in model.
    "local_download": Action.RETRY,
    "local_checksum": Action.RETRY,
    "local_disk_full": Action.RETRY,
    "local_unsupported": Action.OWNER,
    "local_library": Action.OWNER,
    "local_start": Action.RETRY,
    # What the owner allows.
    "limit_minute_visitor": Action.RETRY,
    "limit_minute_site": Action.RETRY,
    "limit_day_visitor": Action.RETRY,
    "limit_day_site": Action.RETRY,
    "limit_at_once_visitor": Action.RETRY,
    "limit_at_once_site": Action.RETRY,
    "limit_size": Action.SHORTEN,
    "too_slow": Action.RETRY,
    # What this app keeps and how it is set up.
    "store": Action.RETRY,
    "store_locked": Action.RETRY,
    "store_full": Action.OWNER,
    "store_read_only": Action.OWNER,
    "store_damaged": Action.OWNER,
    "store_open": Action.OWNER,
    "store_put_aside": Action.OWNER,
    "store_restored": Action.OWNER,
    "gone": Action.RETRY,
    "conflict": Action.RETRY,
    "still_answering": Action.RETRY,
    "question_too_long": Action.SHORTEN,
    "not_confirmed": Action.RETRY,
    "import_damaged": Action.RETRY,
    "import_nothing": Action.RETRY,
    "import_too_large": Action.SHORTEN,
    "password_wrong": Action.RETRY,
    "password_wait": Action.RETRY,
    "access_ended": Action.RETRY,
    "page": Action.RETRY,
    "click": Action.RETRY,
    "file": Action.OWNER,
    "setting": Action.OWNER,
}

CANNOT_BE_KEPT = {"store_full", "store_read_only"}
"""What is wrong with a database that can be read, but takes nothing more."""


SETTINGS_OF_THE_FIRST = {"key_setting": "OPENAI_API_KEY", "address_setting": "OPENAI_BASE_URL"}
"""Where key and address are set, unless a failure's own details name another server's."""

SETTINGS_OF_VISITORS = {"key_setting": "check.your_key", "address_setting": "check.your_address"}
"""What they are called, in words of the catalogue, where a visitor has named both."""


class ChatbotError(Exception):
    """A failure with a sentence for people.

    `code` is a key of `ACTIONS`; `details` fill the sentence's placeholders and
    must hold nothing secret, for they are shown and stored.
    `str(error)` is the English sentence, for logs.
    """

    def __init__(self, code: str, **details: str) -> None:
        self.code = code
        self.details = details
        self.action = ACTIONS[code]
        super().__init__(self.sentence("en"))

    def sentence(self, language: str, timezone: str | None = None) -> str:
        """What happened and what to do next, in `language`, by the clocks of `timezone`."""
        details = SETTINGS_OF_THE_FIRST | {
            name: translate(language, value) if isinstance(value, Phrase) else value
            for name, value in self.details.items()
        }
        if details.get("set_by") == "visitor":
            for name, key in SETTINGS_OF_VISITORS.items():
                details[name] = translate(language, key)
        if "until" in details:  # seconds since 1970; how far off that is depends on the reader
            until, now = float(details["until"]), time.time()
            details["until"] = time_from_now(language, until - now)
            details["clock"] = moment(until, now, zone(timezone))
        sentence = translate(language, f"error.{self.code}", **details)
        # Chinese has blanks around names of settings, but none around its own words.
        return re.sub(r"(?<=[\u3400-\u9fff，]) (?=[\u3400-\u9fff])", "", sentence)

    def to_json(self) -> dict[str, Any]:
        """The form in which the store keeps a failed answer's reason."""
        return {"code": self.code, "details": self.details}

    @classmethod
    def from_json(cls, data: dict[str, Any] | None) -> "ChatbotError | None":
        """The failure that `to_json` wrote; one of a later version reads as "unexpected"."""
        if not data:
            return None
        if data.get("code") not in ACTIONS:
            return cls("unexpected")
        try:
            return cls(data["code"], **data.get("details", {}))
        except (KeyError, ValueError, TypeError, OverflowError):
            # A placeholder that it did not have then, or another form.
            return cls("unexpected")
