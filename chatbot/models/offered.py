"""Facts about the models on offer: lists, refused parameters, context windows and prices."""

import asyncio
import logging
from collections.abc import Mapping
from concurrent.futures import Future

from chatbot import background
from chatbot.builtin.model import LocalModel
from chatbot.errors import ChatbotError
from chatbot.llm.client import Client
from chatbot.llm.endpoint import Endpoint
from chatbot.models import pricing
from chatbot.models.calibration import Calibration
from chatbot.models.pricing import Usage
from chatbot.models.source import Source
from chatbot.models.tokens import Window
from chatbot.store import Store

log = logging.getLogger(__name__)


class Models:
    """The client for models in this process, and the facts learned by using it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.client = Client(store.refusals.all(), self._keep_refusal)
        self.calibration = Calibration(
            store.calibration.all(), store.calibration.put, self.client.listed_windows
        )

    def list(self, endpoint: Endpoint) -> Future[list[str]]:
        """List an endpoint's models, over the connection that answers will use.

        The future raises ChatbotError if the endpoint has no model list.
        """
        return background.submit(self.client.list_models(endpoint))

    def refused_parameters(self, endpoint: Endpoint, model: str) -> Mapping[str, str]:
        """Return the parameters that a model refuses, each with its replacement or ""."""
        return self.client.refused(endpoint, model)

    def window(self, source: Source, model: str | None) -> Window:
        """Return a model's context window, from the settings, the endpoint or the price data."""
        model = self.named(source, model)
        key = source.fingerprint, model
        window = self.calibration.window(key, source.context_window_tokens)
        if window.tokens is None:
            listed = pricing.context_window_if_loaded(source.base_url, model)
            window = Window(listed, window.scale)
        return window

    def price_is_coming(self, source: Source, model: str | None) -> bool:
        """Return True, and start loading the price data, if a model's price may be known soon."""
        model = self.named(source, model)
        is_coming = pricing.must_be_loaded(source.prices, source.base_url, model)
        if is_coming:
            background.submit(background.in_thread(pricing.load))
        return is_coming

    def cost(self, source: Source, model: str | None, usage: Usage) -> float | None:
        """Return the cost of a usage in US dollars; None if the price is unknown."""
        return pricing.cost(source.prices, source.base_url, self.named(source, model), usage)

    def named(self, source: Source, model: str | None) -> str:
        """Return a model's name; "" if it will be the first of a list that is not loaded yet."""
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
        except ChatbotError:  # the refusal will be learned again after the next start
            log.exception("Could not keep that a model does not take %s", parameter)
