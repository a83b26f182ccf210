"""How much of the model's window a conversation takes, and of somebody's money, in few words."""

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


def show_meter(owner: str, branch: list[Message]) -> str:
    """About what the model would read of this with the next question, and what that costs.

    As far as its window and its price are known; the next answer is taken to be as long as the
    last one. Returns what is to be said if the next question will, or may, push out the oldest
    messages for the first time.
    """
    last = next((one for one in reversed(branch) if one.sent_tokens is not None), None)
    if last is None:
        return ""
    chosen, source, known = controls.current(), models.source(), places.here().answers.models
    window = known.window(source, chosen.model)
    used, room = used_tokens(last, window), window.prompt_tokens(chosen.max_tokens)
    parts, explained = [], []
    if window.tokens is not None:
        size = in_thousands(window.tokens)
        parts.append(t("context.meter", used=in_thousands(used), window=size))
        free = window.answer_tokens(chosen.max_tokens)
        explained.append(t("context.help", window=f"{window.tokens:,}", answer=f"{free:,}"))
    if not known.price_is_coming(source, chosen.model):
        read = used if room is None else min(used, room)
        written = _written_tokens(branch, window)
        dollars = known.cost(source, chosen.model, Usage(read, written))
        if dollars:
            parts.append(t("cost.next_price", price=_about(dollars)))
            explained.append(t("cost.next"))
        elif dollars is None:
            parts.append(t("cost.unknown"))
            explained.append(t("cost.unknown_price"))
    spent, unknown = places.here().store.messages.cost(owner, last.conversation_id, branch[-1])
    explained.append(t("cost.spent", dollars=in_dollars(spent)) if spent else "")
    explained.append(t("cost.spent_unknown", count=unknown) if unknown else "")
    if parts:
        explanation = "\n\n".join(plain(one) for one in explained if one)
        st.caption(plain(" · ".join(parts)), width="content", help=explanation)
    if room is None or last.first_sent_id is not None or used + QUESTION_TOKENS <= room:
        return ""
    return t("context.full" if used > room else "context.nearly_full")


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
        return "< $0.0001"
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
