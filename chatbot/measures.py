"""What is learned of each model by using it: how it counts tokens, and how many it takes."""

import asyncio
import logging
import math
from collections.abc import Callable, Mapping

from chatbot.context import Window
from chatbot.errors import ChatbotError
from chatbot.newest import Newest
from chatbot.tokens import Count, Scale

log = logging.getLogger(__name__)

Key = tuple[str, str]
"""An endpoint's fingerprint and a model."""

Known = dict[Key, dict[str, float]]

WORTH_KEEPING = 0.02
"""A factor that has changed by less is not written down anew."""


class Measures:
    """`known` is what was learned before; `keep` writes down what is new, on a thread.

    `listed_windows` are context windows in tokens, as endpoints' lists of models tell them.
    """

    def __init__(
        self,
        known: Known,
        keep: Callable[[str, str, Mapping[str, float]], None],
        listed_windows: Mapping[Key, int],
    ) -> None:
        self._known = Newest(known)
        self._keep = keep
        self._listed_windows = listed_windows
        self._unkept: Known = {}

    def window(self, key: Key, set_tokens: int | None) -> Window:
        """A model's window: the owner's value or the endpoint's; less if it has refused that."""
        refused = self._known.get(key, {}).get("context_window")
        tokens = set_tokens or self._listed_windows.get(key)
        if refused is not None:
            tokens = min(int(refused), tokens or int(refused))
        return Window(tokens, self._scale(key))

    def learn_usage(
        self, key: Key, count: Count, reported_tokens: int | None, is_lasting: bool = True
    ) -> None:
        """Take an endpoint's own count of what it was sent; `is_lasting`: write it down later."""
        if reported_tokens is None:
            return
        old = self._scale(key)
        new = old.learned(count, reported_tokens)
        changes = (math.log(new.latin / old.latin), math.log(new.other / old.other))
        if max(map(abs, changes)) > WORTH_KEEPING:
            self._learn(key, {"latin": new.latin, "other": new.other}, is_lasting)

    def learn_window(self, key: Key, tokens: int, is_lasting: bool = True) -> None:
        """Take what a refusal says is the most."""
        self._learn(key, {"context_window": tokens}, is_lasting)

    async def keep_learned(self) -> None:
        """Write down what is new."""
        while self._unkept:
            key, values = self._unkept.popitem()
            try:
                await asyncio.to_thread(self._keep, *key, values)
            except ChatbotError:  # then it is found out again after the next start
                log.exception("Could not keep what was learned of a model")

    def _learn(self, key: Key, values: dict[str, float], is_lasting: bool) -> None:
        for known in (self._known, self._unkept) if is_lasting else (self._known,):
            known[key] = {**known.get(key, {}), **values}

    def _scale(self, key: Key) -> Scale:
        known = self._known.get(key, {})
        return Scale(known.get("latin", 1), known.get("other", 1))
