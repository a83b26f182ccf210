"""The steps and the report of a connection check, as sentences. No network."""

from dataclasses import dataclass, field

from chatbot.builtin import model as builtin_model
from chatbot.errors import ChatbotError
from chatbot.i18n import translate
from chatbot.llm.endpoint import Endpoint
from chatbot.models.tokens import estimate_tokens

BURST_SECONDS = 0.05
"""Shortest believable time from first to last piece of a long answer. A faster answer was probably
buffered on the way."""

BURST_PART = 0.05
"""A long answer counts as buffered if its pieces arrive within this part of the time before the
first piece; a model that is really fast also begins quickly."""

MIN_WAIT_SECONDS = 0.1


@dataclass(frozen=True)
class Step:
    """A step of the check. `is_good` is None while the step is running."""

    name: str
    """A key of the catalogue: `check.step.<name>`."""
    details: dict[str, str] = field(default_factory=dict)
    is_good: bool | None = None
    error: ChatbotError | None = None

    def sentence(self, language: str) -> str:
        """Describe the step, and its failure if it failed."""
        text = translate(language, f"check.step.{self.name}", **self.details)
        if self.error is None:
            return text
        if self.name == "models" and self.error.kind.affects == "path":
            reason = translate(language, "check.step.not_there")  # short: one of several addresses
        else:
            reason = _said(self.error, language)
        return f"{text}{'' if text.endswith('。') else ' '}{reason}"


@dataclass(frozen=True)
class Pace:
    """Speed of an answer."""

    first_text_seconds: float
    tokens_per_second: float | None
    """None if the answer was too short or too fast to measure."""
    came_at_once: bool


@dataclass(frozen=True)
class Report:
    """Result of a check: a working endpoint and model, or the reason why there is none."""

    endpoint: Endpoint
    """The working endpoint, if there is one."""
    error: ChatbotError | None = None
    model: str = ""
    models: tuple[str, ...] = ()
    """The endpoint's model list; empty if it has no list."""
    pace: Pace | None = None
    """None if the model used up the check's few tokens by reasoning."""
    is_as_given: bool = True
    """The address works exactly as it was typed."""

    def sentence(self, language: str, base_url: str) -> str:
        """Summarize the report in one sentence; `base_url` is the address to show."""
        if self.error:
            return _said(self.error, language)
        if self.endpoint.name == builtin_model.NAME:
            return translate(language, "check.built_in_works")
        name = "works" if self.is_as_given else "works_at"
        if self.pace and self.pace.came_at_once:
            name += "_at_once"
        return translate(language, f"check.{name}", host=self.endpoint.host, base_url=base_url)


def pace(arrivals: list[tuple[float, str]], tokens: int | None) -> Pace:
    """Measure an answer: `arrivals` are its pieces, each with the seconds since the question."""
    first, last = arrivals[0][0], arrivals[-1][0]
    text = "".join(piece for _, piece in arrivals)
    tokens = tokens or estimate_tokens(text)
    is_burst = last - first < BURST_SECONDS
    # A few words may arrive together; the pieces of a long, slow answer should not.
    is_long = len(text) > 30
    is_held_back = first > MIN_WAIT_SECONDS and last - first < BURST_PART * first
    came_at_once = is_long and is_burst and (len(arrivals) == 1 or is_held_back)
    speed = None if is_burst else (tokens - 1) / (last - first)
    return Pace(first, speed, came_at_once)


def _said(error: ChatbotError, language: str) -> str:
    """Return a failure's sentence without the name of a setting: the key may have been typed."""
    if error.code in ("key_refused", "key_missing"):
        return translate(language, f"check.{error.code}", **error.details)
    return error.sentence(language)
