"""What is known of each model: that it is listed, what it takes, how much, and what it costs."""

import asyncio
import logging
from collections.abc import Mapping
from concurrent.futures import Future

from chatbot import background, prices
from chatbot.client import Client
from chatbot.context import Window
from chatbot.endpoints import Endpoint
from chatbot.errors import ChatbotError
from chatbot.local_model import LocalModel
from chatbot.measures import Measures
from chatbot.prices import Usage
from chatbot.reply import Source
from chatbot.store import Store

log = logging.getLogger(__name__)


class Models:
    """The models that this process asks: the client that does so, and what was learned by it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.client = Client(store.refusals.all(), self._keep_refusal)
        self.measures = Measures(
            store.measures.all(), store.measures.put, self.client.listed_windows
        )

    def list(self, endpoint: Endpoint) -> Future[list[str]]:
        """Ask an endpoint for its models, over the connection that answers will use.

        The future raises ChatbotError when there is no list.
        """
        return background.submit(self.client.list_models(endpoint))

    def refused_parameters(self, endpoint: Endpoint, model: str) -> Mapping[str, str]:
        """What an endpoint's model does not take, each with what is sent instead, if anything."""
        return self.client.refused(endpoint, model)

    def window(self, source: Source, model: str | None) -> Window:
        """How much a model can read and write at once, as far as anybody has said."""
        model = self.named(source, model)
        key = source.fingerprint, model
        window = self.measures.window(key, source.context_window_tokens)
        if window.tokens is None:
            listed = prices.context_window_if_loaded(source.base_url, model)
            window = Window(listed, window.scale)
        return window

    def price_is_coming(self, source: Source, model: str | None) -> bool:
        """Whether a model's price may be known in a moment, though it is not yet."""
        model = self.named(source, model)
        is_coming = prices.must_be_loaded(source.prices, source.base_url, model)
        if is_coming:
            background.submit(background.in_thread(prices.load))
        return is_coming

    def cost(self, source: Source, model: str | None, usage: Usage) -> float | None:
        """What so many tokens cost, in US dollars; None if nobody knows."""
        return prices.cost(source.prices, source.base_url, self.named(source, model), usage)

    def named(self, source: Source, model: str | None) -> str:
        """A model's name; "" for the first one of a list that has not come yet."""
        if isinstance(source, LocalModel):
            return source.model_name
        return model or self.client.first_listed.get(source.fingerprint, "")

    async def _keep_refusal(
        self, fingerprint: str, model: str, parameter: str, replacement: str
    ) -> None:
        try:
            await asyncio.to_thread(
                self._store.refusals.add, fingerprint, model, parameter, replacement
            )
        except ChatbotError:  # then it is found out again after the next start
            log.exception("Could not keep that a model does not take %s", parameter)
