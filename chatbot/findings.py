"""What a connection check has tried and what it found, in words. No network."""

from dataclasses import dataclass, field

from chatbot import local_model
from chatbot.endpoints import Endpoint
from chatbot.errors import ChatbotError
from chatbot.i18n import translate
from chatbot.tokens import estimate_tokens

BURST_SECONDS = 0.05
"""A model needs longer than this for an answer; what comes within it was held back on the way."""

BURST_PART = 0.05
"""… unless it is quick: then it begins at once, too. Held back is what took this part of the wait
for it, and a wait at all."""

MIN_WAIT_SECONDS = 0.1

OF_THE_PATH = {"wrong_address", "not_an_api", "no_models", "redirect", "empty"}
"""Faults that another path may not have."""


@dataclass(frozen=True)
class Step:
    """One thing that was tried, or is being tried. `is_good` is None until that is known."""

    name: str
    """A key of the catalogue: `check.step.<name>`."""
    details: dict[str, str] = field(default_factory=dict)
    is_good: bool | None = None
    error: ChatbotError | None = None

    def sentence(self, language: str) -> str:
        """What was tried, and what came of it if that was not good."""
        text = translate(language, f"check.step.{self.name}", **self.details)
        if self.error is None:
            return text
        if self.name == "models" and self.error.code in OF_THE_PATH:
            reason = translate(language, "check.step.not_there")  # one of several: few words
        else:
            reason = _said(self.error, language)
        return f"{text}{'' if text.endswith('。') else ' '}{reason}"


@dataclass(frozen=True)
class Pace:
    """How an answer came."""

    first_text_seconds: float
    tokens_per_second: float | None
    """None where it was too short or came too fast to say."""
    came_at_once: bool


@dataclass(frozen=True)
class Finding:
    """What a check came to: settings that work, or why there are none."""

    endpoint: Endpoint
    """What works, if anything does."""
    error: ChatbotError | None = None
    model: str = ""
    models: tuple[str, ...] = ()
    """The endpoint's list; empty if it has none."""
    pace: Pace | None = None
    """None where the model thought until it had used up the check's few tokens."""
    is_as_given: bool = True
    """Whether the address works just as it was given."""

    def sentence(self, language: str, base_url: str) -> str:
        """All of it in one sentence, in which the address is `base_url`."""
        if self.error:
            return _said(self.error, language)
        if self.endpoint.name == local_model.NAME:
            return translate(language, "check.built_in_works")
        name = "works" if self.is_as_given else "works_at"
        if self.pace and self.pace.came_at_once:
            name += "_at_once"
        return translate(language, f"check.{name}", host=self.endpoint.host, base_url=base_url)


def pace(arrivals: list[tuple[float, str]], tokens: int | None) -> Pace:
    """How an answer came: `arrivals` are its pieces, each with the seconds since the question."""
    first, last = arrivals[0][0], arrivals[-1][0]
    text = "".join(piece for _, piece in arrivals)
    tokens = tokens or estimate_tokens(text)
    is_burst = last - first < BURST_SECONDS
    # A few words may well come together; an answer that took its time may not.
    is_long = len(text) > 30
    is_held_back = first > MIN_WAIT_SECONDS and last - first < BURST_PART * first
    came_at_once = is_long and is_burst and (len(arrivals) == 1 or is_held_back)
    speed = None if is_burst else (tokens - 1) / (last - first)
    return Pace(first, speed, came_at_once)


def _said(error: ChatbotError, language: str) -> str:
    """A failure's sentence, without where a key is set: here it may have been typed."""
    if error.code in ("key_refused", "key_missing"):
        return translate(language, f"check.{error.code}", **error.details)
    return error.sentence(language)
