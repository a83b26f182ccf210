"""Calibration learned from use of each model: scale of token counts, and context window."""

import asyncio
import logging
import math
from collections.abc import Callable, Mapping

from chatbot.bounded_dict import BoundedDict
from chatbot.errors import ChatbotError
from chatbot.models.tokens import Count, Scale, Window

log = logging.getLogger(__name__)

Key = tuple[str, str]
"""Fingerprint of an endpoint, and name of a model."""

Known = dict[Key, dict[str, float]]

WORTH_KEEPING = 0.02
"""Smallest relative change of a scale that is stored."""


class Calibration:
    """Calibration of all models. `known` was learned before; `keep` stores new values, on a thread.

    `listed_windows` are context windows in tokens from endpoints' model lists.
    """

    def __init__(
        self,
        known: Known,
        keep: Callable[[str, str, Mapping[str, float]], None],
        listed_windows: Mapping[Key, int],
    ) -> None:
        self._known = BoundedDict(known)
        self._keep = keep
        self._listed_windows = listed_windows
        self._unkept: Known = {}

    def window(self, key: Key, set_tokens: int | None) -> Window:
        """Return a model's window: the setting or listed value, or a smaller refused length."""
        refused = self._known.get(key, {}).get("context_window")
        tokens = set_tokens or self._listed_windows.get(key)
        if refused is not None:
            tokens = min(int(refused), tokens or int(refused))
        return Window(tokens, self._scale(key))

    def learn_usage(
        self, key: Key, count: Count, reported_tokens: int | None, is_lasting: bool = True
    ) -> None:
        """Learn from an endpoint's count of the sent tokens; `is_lasting` values are stored."""
        if reported_tokens is None:
            return
        old = self._scale(key)
        new = old.learned(count, reported_tokens)
        changes = (math.log(new.latin / old.latin), math.log(new.other / old.other))
        if max(map(abs, changes)) > WORTH_KEEPING:
            self._learn(key, {"latin": new.latin, "other": new.other}, is_lasting)

    def learn_window(self, key: Key, tokens: int, is_lasting: bool = True) -> None:
        """Learn the context window that a refusal named."""
        self._learn(key, {"context_window": tokens}, is_lasting)

    async def keep_learned(self) -> None:
        """Store the newly learned values."""
        while self._unkept:
            key, values = self._unkept.popitem()
            try:
                await asyncio.to_thread(self._keep, *key, values)
            except ChatbotError:  # the values will be learned again after the next start
                log.exception("Could not keep what was learned of a model")

    def _learn(self, key: Key, values: dict[str, float], is_lasting: bool) -> None:
        for known in (self._known, self._unkept) if is_lasting else (self._known,):
            known[key] = {**known.get(key, {}), **values}

    def _scale(self, key: Key) -> Scale:
        known = self._known.get(key, {})
        return Scale(known.get("latin", 1), known.get("other", 1))
