"""The choice of a model: the models on offer, from one or several servers, and the chosen model.

With several servers a choice also names the provider, see `chatbot/llm/endpoint.py`.
"""

import math
from collections.abc import Mapping
from typing import Any

from chatbot.answers.place import Place
from chatbot.limits.storage import expect_room
from chatbot.llm.endpoint import Endpoint, choice, choice_label, find_choice
from chatbot.llm.model_list import first_to_chat
from chatbot.llm.request import MAX_TEMPERATURE, MAX_TOKENS, REASONING_EFFORTS, Controls
from chatbot.models.source import Source
from chatbot.store import Conversation, storable
from chatbot.ui import current_store, services, visitor
from chatbot.ui.session import query_params, widgets
from chatbot.ui.session.state import page_state

MOST_CHARACTERS = 300
"""Maximum length of a choice (provider and model name), as the store keeps it with each answer."""


def load_saved(conversation: Conversation | None) -> None:
    """Read the saved controls of the open conversation.

    A new conversation begins with the model that the visitor last asked.
    """
    if conversation:
        saved = conversation.controls
    else:
        last = services.usual().store.conversations.last_controls(visitor.owner())
        saved = {name: last[name] for name in ("provider", "model") if name in last}
        if visitor.has_just_become_known() and (picked := kept_choice(saved)):
            choose(picked)
    page_state().saved_controls = saved


def chosen() -> tuple[Endpoint | None, str | None]:
    """Return the chosen endpoint (None: the built-in model) and model (None: the first model)."""
    return resolve(picked_widget_key())


def source(picked: str | None = None) -> Source:
    """Return the endpoint or built-in model of a choice, by default of the visitor's choice."""
    return resolve(picked or picked_widget_key())[0] or services.built_in()


def resolve(picked: str | None) -> tuple[Endpoint | None, str | None]:
    """Return the endpoint and model of a choice; the default model if the choice is not valid."""
    endpoints = services.endpoints()
    endpoint_and_model = find_choice(endpoints, picked) if picked else None
    if endpoint_and_model is None or is_built_in(picked):
        return _default()
    endpoint, model = endpoint_and_model
    lists = services.known_models()
    if model == picked and model not in lists.get(endpoint, []):
        # A model's name without its provider may be listed by another server.
        offering = [endpoint for endpoint in endpoints if model in lists.get(endpoint, [])]
        endpoint = offering[0] if len(offering) == 1 else endpoint
    if endpoint.models and model not in endpoint.models:
        return _default()  # the owner has removed this model from the list
    return endpoint, model


def choices() -> list[str]:
    """Return all choices from the model lists known so far, and the owner's default."""
    if not services.endpoints():
        return [services.built_in().model_name]
    lists = services.known_models().items()
    listed = [choice(endpoint, model) for endpoint, models in lists for model in models]
    settings = services.settings()
    default = find_choice(settings.endpoints, settings.default_model or "")
    if default and default[1] and choice(*default) not in listed:
        listed.insert(0, choice(*default))  # some servers do not list all their models
    return listed


def label(picked: str) -> str:
    """Return the readable name of a choice."""
    return choice_label(services.endpoints(), picked)


def provider_of(host: str | None, model: str | None) -> str:
    """Return the display name of the server that gave an answer.

    Returns "" if there is only one server, or if two servers at the host offer the same model and
    the answer may have come from either.
    """
    endpoints = services.endpoints()
    candidates = [endpoint for endpoint in endpoints if endpoint.host == host]
    if len(candidates) > 1:
        lists = services.known_models()
        candidates = [endpoint for endpoint in candidates if model in lists.get(endpoint, ())]
    return candidates[0].display_name if len(endpoints) > 1 and len(candidates) == 1 else ""


def choose(picked: str) -> None:
    """Set the model field to a choice. Call only from a widget's callback."""
    widgets.put(widgets.control("model"), picked)


def choose_default() -> None:
    """Reset the model field to the default model. Call only from a widget's callback."""
    endpoint, model = _default()
    if endpoint is None:
        model = services.built_in().model_name
    if model:
        choose(choice(endpoint, model) if endpoint else model)
    else:  # the server's model list has not arrived yet
        widgets.forget(widgets.control("model"))


def _default() -> tuple[Endpoint | None, str | None]:
    endpoints = services.endpoints()
    if not endpoints:
        return None, None  # the built-in model has no endpoint and needs no name
    default = services.settings().default_model
    if default and not endpoints[0].is_byok:  # a visitor's own server has other models
        return find_choice(endpoints, default) or (endpoints[0], None)
    listed = services.known_models().get(endpoints[0])
    return endpoints[0], first_to_chat(listed) if listed else None


def is_built_in(picked: str | None) -> bool:
    """Tell if a choice names the built-in model although servers, with other models, now exist.

    The visitor made the choice before the first server was set up.
    """
    if not services.endpoints() or picked != services.built_in().model_name:
        return False
    return not any(picked in models for models in services.known_models().values())


def picked_widget_key() -> str | None:
    """Return the choice in the model field, trimmed and shortened; None if there is no choice.

    A field without a value has the saved choice.
    """
    if value := widgets.text(widgets.control("model")):
        return storable(value).strip()[:MOST_CHARACTERS]
    return kept_choice(page_state().saved_controls)


def kept_choice(kept: Mapping[str, Any]) -> str | None:
    """Return the choice that a conversation's controls name; None if its server is gone."""
    provider, model = kept.get("provider") or "", kept.get("model")
    for endpoint in services.endpoints():
        if endpoint.provider == provider and model:
            return choice(endpoint, model)
    return None


MAX_PROMPT_CHARACTERS = 100_000
"""Maximum length of a system prompt, the same as of a question.

Longer than any real instructions, and short enough for the database.
"""


def keep() -> None:
    """Save the controls with their conversation, and show the reply length as it was clamped.

    Raises ChatbotError("storage_…") if the system prompt exceeds the visitor's storage limit.
    """
    chosen = current()
    key = widgets.control("max_tokens")
    if widgets.value(key) not in (None, chosen.max_tokens):
        widgets.put(key, chosen.max_tokens)
    place = current_store.open_place()
    if chosen.system_prompt:  # long prompts in many conversations could fill the disk
        expect_room(place.store, visitor.owner(), services.limits(), len(chosen.system_prompt))
    keep_in(place)


def keep_in(place: Place) -> None:
    """Save the controls with the open conversation, which exists in `place`."""
    if conversation_id := query_params.get("c"):
        chosen = current().to_json()
        place.store.conversations.set_controls(visitor.owner(), conversation_id, chosen)


def current(picked: str | None = None) -> Controls:
    """Return the controls' values, clamped to their ranges, as a client can send anything.

    `picked` replaces the chosen model.
    """
    settings = services.settings()
    temperature = _value("temperature", settings.temperature)
    max_tokens = _value("max_tokens", settings.max_tokens)
    system_prompt = _value("system_prompt", settings.system_prompt)
    effort = _value("reasoning_effort")
    longest = longest_answer()
    endpoint, model = resolve(picked) if picked else chosen()
    return Controls(
        model=model,
        provider=endpoint.provider if endpoint else "",
        temperature=_within(temperature, 0, MAX_TEMPERATURE, settings.temperature),
        max_tokens=int(_within(max_tokens or settings.max_tokens, 1, longest, longest)),
        system_prompt=str(system_prompt or "")[:MAX_PROMPT_CHARACTERS],
        reasoning_effort=effort if effort in REASONING_EFFORTS else None,
    )


def _value(name: str, default: Any = None) -> Any:
    """Return a control's value; its saved value if it has not been drawn yet."""
    return widgets.value(widgets.control(name), page_state().saved_controls.get(name, default))


def refused() -> Mapping[str, str]:
    """Return the request parameters that the chosen model has rejected so far."""
    endpoint, model = chosen()
    if endpoint is None or model is None:
        return {}
    return current_store.open_place().answers.models.refused_parameters(endpoint, model)


def longest_answer() -> int:
    """Return the largest number of reply tokens that a visitor may request."""
    return min(services.limits().answer.tokens or MAX_TOKENS, MAX_TOKENS)


def _within(value: float, least: float, most: float, otherwise: float) -> float:
    """Clamp a number to its range; return `otherwise` for infinity and NaN."""
    return min(max(value, least), most) if math.isfinite(value) else otherwise
