"""How much of the model's window a conversation takes, and of somebody's money, in few words."""

from dataclasses import dataclass

import streamlit as st

from chatbot.context import Window
from chatbot.prices import Usage
from chatbot.store import Message, State
from chatbot.tokens import count
from chatbot.ui import controls, models, places
from chatbot.ui.language import t
from chatbot.ui.look import plain

QUESTION_TOKENS = 100
"""What the next question is taken to be: most are shorter."""


@dataclass(frozen=True)
class Filling:
    """About how much the model would read with the next question, in tokens."""

    last: Message
    """The newest answer of which that is known."""
    model: str | None
    window: Window
    used: int
    room: int | None
    """How much it reads at most, so that the next answer fits as well; None if nobody knows."""
    answer: int
    """How many tokens are kept free for the next answer."""

    @property
    def warning(self) -> str:
        """To be said before the first question that pushes out the oldest messages, or may."""
        is_pushed_out = self.last.first_sent_id is not None
        if self.room is None or is_pushed_out or self.used + QUESTION_TOKENS <= self.room:
            return ""
        return t("context.full" if self.used > self.room else "context.nearly_full")


def filling(branch: list[Message]) -> Filling | None:
    """How full the model's window is; None before its first answer."""
    last = next((one for one in reversed(branch) if one.sent_tokens is not None), None)
    if last is None:
        return None
    chosen = controls.current()
    window = places.here().answers.models.window(models.source(), chosen.model)
    return Filling(
        last,
        chosen.model,
        window,
        used=used_tokens(last, window),
        room=window.prompt_tokens(chosen.max_tokens),
        answer=window.answer_tokens(chosen.max_tokens),
    )


def show_meter(owner: str, branch: list[Message], filled: Filling) -> None:
    """How full the window is and what the next question costs, as far as that is known.

    The next answer is taken to be as long as the last one.
    """
    source, known, window = models.source(), places.here().answers.models, filled.window
    parts, explained = [], []
    if window.tokens is not None:
        size = in_thousands(window.tokens)
        parts.append(t("context.meter", used=in_thousands(filled.used), window=size))
        explained.append(
            t("context.help", window=f"{window.tokens:,}", answer=f"{filled.answer:,}")
        )
    if not known.price_is_coming(source, filled.model):
        read = filled.used if filled.room is None else min(filled.used, filled.room)
        written = _written_tokens(branch, window)
        dollars = known.cost(source, filled.model, Usage(read, written))
        if dollars:
            parts.append(t("cost.next_price", price=_about(dollars)))
            explained.append(t("cost.next"))
        elif dollars is None:
            parts.append(t("cost.unknown"))
            explained.append(t("cost.unknown_price"))
    conversation_id = filled.last.conversation_id
    spent, unknown = places.here().store.messages.cost(owner, conversation_id, branch[-1])
    explained.append(t("cost.spent", dollars=in_dollars(spent)) if spent else "")
    explained.append(t("cost.spent_unknown", count=unknown) if unknown else "")
    if parts:
        explanation = "\n\n".join(plain(one) for one in explained if one)
        st.caption(plain(" · ".join(parts)), width="content", help=explanation)


def used_tokens(answer: Message, window: Window) -> int:
    """About how many tokens a conversation has, up to and with an answer."""
    written = window.scale.tokens(count(answer.content))
    is_told = answer.reasoning_seconds is None or answer.reasoning_tokens is not None
    if answer.state is State.COMPLETE and answer.completion_tokens is not None and is_told:
        reported = answer.completion_tokens - (answer.reasoning_tokens or 0)
        # Of one that went on after a stop, only what was written then was counted.
        written = reported if 2 * reported > written else written
    return (answer.sent_tokens or 0) + max(0, written)


def _written_tokens(branch: list[Message], window: Window) -> int:
    """About how many tokens the model wrote for its last whole answer.

    Its reasoning included, where that was counted.
    """
    answers = (one for one in reversed(branch) if one.role == "assistant")
    last = next((one for one in answers if one.state is State.COMPLETE), None)
    if last is None:
        return 0
    # Of one that went on after a stop, only what was written then was counted.
    return max(last.completion_tokens or 0, window.scale.tokens(count(last.content)))


def in_thousands(tokens: int) -> str:
    """A number of tokens as it is read at a glance: 950, 3.1k, 128k, 1M."""
    for unit, name in ((1_000_000, "M"), (1000, "k")):
        if tokens >= unit * 0.9995:
            digits = f"{tokens / unit:.1f}" if tokens < 9.95 * unit else f"{tokens / unit:.0f}"
            return digits.removesuffix(".0") + name
    return str(tokens)


def in_dollars(amount: float) -> str:
    """A price as it is read at a glance: $0, < $0.0001, $0.0012, $0.12, $12.30."""
    if 0 < amount < 0.0001:
        return "<\u00a0$0.0001"
    digits = 2 if amount >= 0.1 or not amount else 4 if amount < 0.01 else 3
    return f"${amount:.{digits}f}"


def taken(answer: Message) -> str:
    """What an answer took: tokens read and written, and what that cost if anybody knows.

    One whose tokens were not counted has about that price, and one that ended early has cost
    something even if nobody knows what.
    """
    if answer.prompt_tokens is None or answer.completion_tokens is None:
        if answer.cost is None and answer.state is not State.COMPLETE:
            return t("cost.unknown")
        return _about(answer.cost) if answer.cost else ""
    read, written = in_thousands(answer.prompt_tokens), in_thousands(answer.completion_tokens)
    tokens = t("cost.tokens", read=read, written=written)
    return f"{tokens} · {in_dollars(answer.cost)}" if answer.cost else tokens


def _about(dollars: float) -> str:
    """A price that was guessed; in words, as not every screen reader says “≈”."""
    price = in_dollars(dollars)
    return price if price.startswith("<") else t("cost.about", dollars=price)
