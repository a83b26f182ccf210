"""Keys and values of the widgets and components that the code reads or sets.

Streamlit keeps these values in the session's state, each under its widget's key.
"""

from typing import Any

import streamlit as st

from chatbot.ui.session import query_params

QUESTION = "question"
"""The composer."""
TEMPORARY_SWITCH = "next_is_temporary"
"""The switch on an empty page. Streamlit forgets its value when the switch is not drawn."""
LANGUAGE = "language_choice"
SEARCH = "search"
PASSWORD = "password_given"
"""The password field, which is emptied as soon as its text has been read."""
DELETE_WORD = "delete_word"
CHECK_SERVICE = "check_service"
CHECK_BASE_URL = "check_base_url"
CHECK_KEY = "check_key"
CHECK_MODEL = "check_model"

SETTINGS_FOLD = "settings_fold"
"""The fold of the answer settings; its value is True while it is open."""

LIST_COMPONENT = "list_component"
VISITOR_COMPONENT = "visitor_component"
PROOFS_COMPONENT = "proofs_component"

CONTROLS = ("model", "temperature", "max_tokens", "reasoning_effort", "system_prompt")
"""Names of the controls. Streamlit keeps their values while they are not drawn."""


def control(name: str) -> str:
    """Return the key of a control, different in each conversation, so that each keeps its value."""
    return _control(name, query_params.open_id())


def _control(name: str, conversation_id: str) -> str:
    return f"{name}-{conversation_id}"


def forget_controls(conversation_id: str) -> None:
    """Discard the controls' values of a conversation, whose saved values remain."""
    for name in CONTROLS:
        forget(_control(name, conversation_id))


def edited_question(question_id: str) -> str:
    """Return the key of the field in which a question is edited."""
    return f"edited-{short(question_id)}"


def rating(answer_id: str) -> str:
    """Return the key of an answer's thumbs."""
    return f"rating-{short(answer_id)}"


def menu(answer_id: str) -> str:
    """Return the key of the menu of an answer."""
    return f"icon-more-{short(answer_id)}"


def reasoning(message_id: str, is_thinking: bool) -> str:
    """Return the key of the line that opens a model's reasoning.

    Streamlit remembers by key and label together whether the line is open. The label changes when
    the model stops thinking, so the line has a different key before and after.
    """
    return f"{'thinking' if is_thinking else 'thoughts'}-{short(message_id)}"


def upload(number: int) -> str:
    """Return the key of the file field; a field with a new number is empty."""
    return f"upload-{number}"


def short(message_id: str) -> str:
    """Shorten a random id to 48 bits for use in a key, because each run sends every key."""
    return message_id[:12]


def value(key: str, default: Any = None) -> Any:
    """Return a widget's value, or `default` if it has no value. A client can send any value."""
    return st.session_state.get(key, default)


def text(key: str) -> str:
    """Return the text of a field; "" if the field has no value."""
    return str(value(key) or "")


def component_value(key: str, name: str) -> Any:
    """Return the named value that a component's script has sent; None if it has sent nothing."""
    return value(key, {}).get(name)


def put(key: str, new: object) -> None:
    """Set a widget's value. Call only in a callback, or before the widget is drawn."""
    st.session_state[key] = new


def put_at_first(key: str, new: object) -> None:
    """Set a widget's value if it has no value yet. Call only before the widget is drawn."""
    st.session_state.setdefault(key, new)


def forget(key: str) -> None:
    """Reset a widget to its default."""
    st.session_state.pop(key, None)
