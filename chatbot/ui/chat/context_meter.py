"""The context meter: how full the model's window is, and what questions cost."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from chatbot.answers import prompt
from chatbot.answers.answers import HISTORY_MESSAGES
from chatbot.markdown.escape import plain
from chatbot.models.pricing import Usage
from chatbot.models.tokens import Scale, Window, count
from chatbot.store import Message, State
from chatbot.ui import current_store, model_choice
from chatbot.ui.session.language import t
from chatbot.ui.session.state import page_state

QUESTION_TOKENS = 100
"""Assumed length of the next question; most questions are shorter."""


@dataclass(frozen=True)
class Filling:
    """Estimate of how many tokens the model reads with the next question."""

    last: Message
    """The newest answer with known tokens."""
    model: str | None
    window: Window
    used: int
    room: int | None
    """Most input tokens that leave room for the next answer; None if the window is unknown."""
    answer: int
    """Number of tokens kept free for the next answer."""

    @property
    def begins_to_matter(self) -> bool:
        """At least half of the window is used."""
        return self.room is not None and 2 * self.used >= self.room

    @property
    def warning(self) -> str:
        """Warning before the first question that pushes out the oldest messages, or may do so."""
        is_pushed_out = self.last.first_sent_id is not None
        if self.room is None or is_pushed_out or self.used + QUESTION_TOKENS <= self.room:
            return ""
        return t("context.full" if self.used > self.room else "context.nearly_full")


def filling(owner: str, branch: Sequence[Message]) -> Filling | None:
    """Return how full the model's window is; None before the conversation's first answer."""
    answers = [message for message in reversed(branch) if message.role == "assistant"]
    last = next((answer for answer in answers if answer.sent_tokens is not None), None)
    imported = next(
        (answer for answer in answers if answer.content and not answer.is_running), None
    )
    if not (last or imported):
        return None
    chosen = model_choice.current()
    window = current_store.open_place().answers.models.window(model_choice.source(), chosen.model)
    if last:
        used = used_tokens(last, window)
    else:
        used = _estimated_tokens(owner, branch[-1], chosen.system_prompt, window.scale)
    counted = last or imported
    assert counted
    return Filling(
        counted,
        chosen.model,
        window,
        used=used,
        room=window.prompt_tokens(chosen.max_tokens),
        answer=window.answer_tokens(chosen.max_tokens),
    )


def show_meter(owner: str, branch: Sequence[Message], filled: Filling, has_price: bool) -> None:
    """Draw how full the window is, if that matters, and if wanted what the next question costs.

    The estimate assumes that the next answer is as long as the last answer.
    """
    source, known, window = (
        model_choice.source(),
        current_store.open_place().answers.models,
        filled.window,
    )
    parts, explained = [], []
    if window.tokens is not None and filled.begins_to_matter:
        size = in_thousands(window.tokens)
        parts.append(t("context.meter", used=in_thousands(filled.used), window=size))
        explained.append(
            t("context.help", window=f"{window.tokens:,}", answer=f"{filled.answer:,}")
        )
    if has_price and not known.price_is_coming(source, filled.model):
        read = filled.used if filled.room is None else min(filled.used, filled.room)
        written = _written_tokens(branch, window)
        dollars = known.cost(source, filled.model, Usage(read, written))
        if dollars:
            parts.append(t("cost.next_price", price=_about(dollars)))
            explained.append(t("cost.next"))
        elif dollars is None:
            parts.append(t("cost.unknown"))
            explained.append(t("cost.unknown_price"))
    if has_price:
        conversation_id = filled.last.conversation_id
        spent, unknown = current_store.open_place().store.messages.cost(
            owner, conversation_id, branch[-1]
        )
        explained.append(t("cost.spent", dollars=in_dollars(spent)) if spent else "")
        explained.append(t("cost.spent_unknown", count=unknown) if unknown else "")
    if parts:
        explanation = "\n\n".join(plain(sentence) for sentence in explained if sentence)
        st.caption(plain(" · ".join(parts)), width="content", help=explanation)


def _estimated_tokens(owner: str, end: Message, system_prompt: str, scale: Scale) -> int:
    """Estimate the tokens of an imported conversation up to a message.

    No server has counted the tokens of an imported conversation. The estimate reads the whole
    conversation, so the session remembers the result.
    """
    key = (end.id, system_prompt, scale)
    state = page_state()
    if state.estimated_tokens[0] != key:
        spoken = current_store.open_place().store.messages.prompt_messages(
            owner, end.conversation_id, HISTORY_MESSAGES, end.id
        )
        everything = prompt.plan(
            [*spoken, prompt.NO_QUESTION], system_prompt, max_tokens=1, window=Window(None, scale)
        )
        state.estimated_tokens = (key, everything.tokens)
    return state.estimated_tokens[1]


def used_tokens(answer: Message, window: Window) -> int:
    """Estimate the tokens of a conversation up to and including an answer."""
    written = window.scale.tokens(count(answer.content))
    is_told = answer.reasoning_seconds is None or answer.reasoning_tokens is not None
    if answer.state is State.COMPLETE and answer.completion_tokens is not None and is_told:
        reported = answer.completion_tokens - (answer.reasoning_tokens or 0)
        # For an answer continued after a stop, the server counted only the continuation.
        written = reported if 2 * reported > written else written
    return (answer.sent_tokens or 0) + max(0, written)


def _written_tokens(branch: Sequence[Message], window: Window) -> int:
    """Estimate how many tokens the model wrote for its last complete answer.

    The estimate includes the reasoning if the server counted it.
    """
    answers = (message for message in reversed(branch) if message.role == "assistant")
    last = next((answer for answer in answers if answer.state is State.COMPLETE), None)
    if last is None:
        return 0
    # For an answer continued after a stop, the server counted only the continuation.
    return max(last.completion_tokens or 0, window.scale.tokens(count(last.content)))


def in_thousands(tokens: int) -> str:
    """Format a number of tokens briefly: 950, 3.1k, 128k, 1M."""
    for unit, name in ((1_000_000, "M"), (1000, "k")):
        if tokens >= unit * 0.9995:
            digits = f"{tokens / unit:.1f}" if tokens < 9.95 * unit else f"{tokens / unit:.0f}"
            return digits.removesuffix(".0") + name
    return str(tokens)


def in_dollars(amount: float) -> str:
    """Format a price briefly: $0, < $0.0001, $0.0012, $0.12, $12.30."""
    if 0 < amount < 0.0001:
        return "<\u00a0$0.0001"
    digits = 2 if amount >= 0.1 or not amount else 4 if amount < 0.01 else 3
    return f"${amount:.{digits}f}"


def taken(answer: Message) -> str:
    """Return an answer's input and output tokens, and its cost if the price is known.

    If the server did not count the tokens, the text is only an approximate cost. That a price is
    unknown is said once for all answers, beside the composer.
    """
    if answer.prompt_tokens is None or answer.completion_tokens is None:
        return _about(answer.cost) if answer.cost else ""
    read, written = in_thousands(answer.prompt_tokens), in_thousands(answer.completion_tokens)
    tokens = t("cost.tokens", read=read, written=written)
    return f"{tokens} · {in_dollars(answer.cost)}" if answer.cost else tokens


def _about(dollars: float) -> str:
    """Format an estimated price, in words because some screen readers do not read “≈” aloud."""
    price = in_dollars(dollars)
    return price if price.startswith("<") else t("cost.about", dollars=price)
