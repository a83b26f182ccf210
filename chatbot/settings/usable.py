"""Settings that stay usable while another setting is invalid, so that conversations stay visible.

An invalid setting about access, limits or the database ends the page, because a default could be
unsafe. An invalid setting about the model turns off all answers, so that nothing is sent to a
wrong server, and the rest of the page works.
"""

from collections.abc import Mapping
from typing import Any

from chatbot.errors import ChatbotError
from chatbot.settings.settings import Settings
from chatbot.settings.sources import load_settings
from chatbot.settings.values import Use

ABOUT_ANSWERS = tuple(
    str(field.alias) for field in Settings.model_fields.values() if Use.ANSWERS in field.metadata
)
"""Names of the settings that the page needs for answers only."""


def load_usable_settings(secrets: Mapping[str, Any]) -> Settings:
    """Return the current settings; if one about answers is invalid, all of these have defaults.

    The result's `fault` is then set. Raises ChatbotError("setting") or ("file") for any other
    invalid setting.
    """
    try:
        return load_settings(secrets)
    except ChatbotError as error:
        name = error.details.get("name", "").partition(".")[0]
        if error.code != "setting" or name not in ABOUT_ANSWERS:
            raise
        return load_settings(secrets, left_out=ABOUT_ANSWERS).with_fault(error)
