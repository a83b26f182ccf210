"""What the model is sent: the newest turns that fit its context window. Pure functions."""

from collections.abc import Sequence

from chatbot.store import Message

MESSAGE_OVERHEAD_TOKENS = 6
"""Role and separators around each message in the common chat templates."""


GO_ON = (
    "Your last message was cut off. Continue it: repeat its last words, which are “{end}”, and"
    " write on from there, in the same language and format. Add no introduction, and do not start"
    " again from the beginning."
)
"""What a model is told that would otherwise begin a new message."""

LAST_WORDS = 8

LAST_CHARACTERS = 60
"""For languages that have no blanks between their words."""


def estimate_tokens(text: str) -> int:
    """A careful guess at how many tokens a text is.

    Four ASCII characters to a token, as OpenAI's help centre says of English;
    one token for any other character, which suits Chinese.
    """
    ascii_characters = len(text.encode("ascii", "ignore"))
    return ascii_characters // 4 + (len(text) - ascii_characters) + 1


def messages_to_send(
    messages: Sequence[Message], system_prompt: str, budget_tokens: int | None
) -> list[dict[str, str]]:
    """The system prompt and the newest whole turns that fit `budget_tokens`; None means all.

    The last question is always sent. Answers without text, such as failed
    ones, are left out together with the question they failed to answer.
    """
    remaining = float("inf") if budget_tokens is None else budget_tokens
    remaining -= _cost(system_prompt) if system_prompt else 0
    newest_first: list[dict[str, str]] = []
    for turn in reversed(_turns(messages)):
        cost = sum(_cost(message.content) for message in turn)
        if newest_first and cost > remaining:
            break
        remaining -= cost
        newest_first += [
            {"role": message.role, "content": message.content} for message in reversed(turn)
        ]
    system = [{"role": "system", "content": system_prompt}] if system_prompt else []
    return system + newest_first[::-1]


def messages_to_continue(
    messages: Sequence[Message],
    system_prompt: str,
    budget_tokens: int | None,
    is_told_to: bool,
) -> list[dict[str, str]]:
    """As `messages_to_send`, with the last of `messages` an answer that is to be continued.

    That answer is always sent whole; `is_told_to` adds what makes a model go on with it.
    """
    *earlier, partial = messages
    ending = [{"role": "assistant", "content": partial.content}]
    if is_told_to:
        last_line = partial.content.rstrip().rpartition("\n")[2]
        end = " ".join(last_line.split(" ")[-LAST_WORDS:])[-LAST_CHARACTERS:]
        ending.append({"role": "user", "content": GO_ON.format(end=end)})
    if budget_tokens is not None:
        budget_tokens -= sum(_cost(message["content"]) for message in ending)
    return messages_to_send(earlier, system_prompt, budget_tokens) + ending


def _turns(messages: Sequence[Message]) -> list[list[Message]]:
    """Questions with their answers; the last question stands alone."""
    turns: list[list[Message]] = []
    for message in messages:
        if message.role == "user":
            turns.append([message])
        elif turns and message.content:
            turns[-1].append(message)
    return [turn for turn in turns[:-1] if len(turn) > 1] + turns[-1:]


def _cost(text: str) -> int:
    return estimate_tokens(text) + MESSAGE_OVERHEAD_TOKENS
