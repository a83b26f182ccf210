"""How much of the model's context window a conversation takes, in a few words."""

import streamlit as st

from chatbot.context import Window
from chatbot.store import Message, State
from chatbot.tokens import count
from chatbot.ui import controls, models, places
from chatbot.ui.language import t

QUESTION_TOKENS = 100
"""What the next question is taken to be: most are shorter."""


def show_meter(branch: list[Message]) -> bool:
    """About how many tokens the model would read of this, if its window is known.

    Returns whether the next question will push out the oldest messages, for the first time.
    """
    chosen = controls.current()
    window = places.here().answers.window(models.source(), chosen.model)
    last = next((one for one in reversed(branch) if one.sent_tokens is not None), None)
    if last is None or window.tokens is None:
        return False
    used = used_tokens(last, window)
    free_for_answer = window.answer_tokens(chosen.max_tokens)
    room = window.prompt_tokens(chosen.max_tokens) or 0
    st.caption(
        t("context.meter", used=in_thousands(used), window=in_thousands(window.tokens)),
        width="content",
        help=t(
            "context.help",
            window=f"{window.tokens:,}",
            answer=f"{free_for_answer:,}",
        ),
    )
    return last.first_sent_id is None and used + QUESTION_TOKENS > room


def used_tokens(answer: Message, window: Window) -> int:
    """About how many tokens a conversation has, up to and with an answer."""
    written = window.scale.tokens(count(answer.content))
    is_told = answer.reasoning_seconds is None or answer.reasoning_tokens is not None
    if answer.state is State.COMPLETE and answer.completion_tokens is not None and is_told:
        written = answer.completion_tokens - (answer.reasoning_tokens or 0)
    return (answer.sent_tokens or 0) + max(0, written)


def in_thousands(tokens: int) -> str:
    """A number of tokens as it is read at a glance: 950, 3.1k, 128k, 1M."""
    for unit, name in ((1_000_000, "M"), (1000, "k")):
        if tokens >= unit * 0.9995:
            digits = f"{tokens / unit:.1f}" if tokens < 9.95 * unit else f"{tokens / unit:.0f}"
            return digits.removesuffix(".0") + name
    return str(tokens)
