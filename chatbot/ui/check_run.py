"""Start of a connection check, which counts as a question towards the limits."""

from chatbot import background, redaction
from chatbot.connection_check.probe import (
    MAX_ANSWER_TOKENS,
    MODELS_TRIED,
    QUESTION_TOKENS,
    Check,
    configured_at,
)
from chatbot.connection_check.url_candidates import base_urls, pasted_key
from chatbot.limits.budget import Reservation
from chatbot.llm.endpoint import OPENAI_BASE_URL, Endpoint
from chatbot.models.pricing import Usage
from chatbot.store import new_id
from chatbot.ui import model_choice, navigation, visitor
from chatbot.ui import services as ui_services
from chatbot.ui.client import local_admin
from chatbot.ui.errors import noting_errors
from chatbot.ui.session import widgets
from chatbot.ui.session.state import RunningCheck, page_state


def open_and_start() -> None:
    """Open the check's view and start a check of the chosen model's server, after a failure."""
    navigation.open_view("check")
    start()


@noting_errors
def start() -> None:
    """Start a check, cancelling this session's earlier check if that still runs."""
    state = page_state()
    if state.running_check:
        state.running_check.future.cancel()
    state.running_check, state.check_applied = None, False
    source = model_choice.source()
    is_at_the_machine = local_admin.is_at_the_machine()
    is_allowed = is_at_the_machine or ui_services.settings().visitor_endpoints
    typed, key, model = _typed() if is_allowed else ("", None, "")
    fault = ui_services.settings().fault
    if fault and not typed:
        raise fault  # faulty settings name no server that could be checked
    if typed:
        check = _check_of_typed(typed, key, model, is_at_the_machine)
    elif isinstance(source, Endpoint):
        check = Check(source, source.base_url, model or model_choice.chosen()[1] or "")
    else:
        check = Check(source)
    reservation = _admit(check, model)
    future = background.submit(check.run())
    future.add_done_callback(lambda _: background.submit(_settle(reservation, check)))
    state.running_check = RunningCheck(check, future, is_typed=bool(typed))


def _admit(check: Check, model: str) -> Reservation:
    """Count the check as a question: unlimited checks would be a way around the limits."""
    most = Usage(MODELS_TRIED * QUESTION_TOKENS, MODELS_TRIED * MAX_ANSWER_TOKENS)
    return ui_services.budget().admit(visitor.owner(), check.source, model, most, new_id())


async def _settle(reservation: Reservation, check: Check) -> None:
    asked = [step.details["model"] for step in check.steps if step.name == "answer"]
    if not asked:
        await background.in_thread(reservation.settle_as_unasked)
        return
    took = len(asked) * QUESTION_TOKENS, len(asked) * MAX_ANSWER_TOKENS
    await background.in_thread(lambda: reservation.settle_as_estimated(asked[-1], *took))


def _typed() -> tuple[str, str | None, str]:
    """Return the typed address, key and model. A key without an address is taken to be OpenAI's."""
    keys = (widgets.CHECK_BASE_URL, widgets.CHECK_KEY, widgets.CHECK_MODEL)
    typed, key, model = (widgets.text(key_of_widget).strip() for key_of_widget in keys)
    return typed or (OPENAI_BASE_URL if key else ""), pasted_key(key), model


def _check_of_typed(typed: str, key: str | None, model: str, is_at_the_machine: bool) -> Check:
    """Build a check of a typed address.

    A configured key is sent only to the server it was configured for, never to another address.
    """
    settings = ui_services.settings()
    own = ui_services.own_endpoint()
    known = configured_at(settings.endpoints if is_at_the_machine else filter(None, [own]), typed)
    if known and not key:
        chosen, chosen_model = model_choice.chosen()
        if chosen in known:
            return Check(chosen, typed, model or chosen_model or "")
        return Check(known[0], typed, model)
    if is_at_the_machine:
        redaction.hide(key)
    endpoint = Endpoint(
        base_urls(typed)[0],
        key,
        settings.connect_timeout_seconds,
        settings.silence_timeout_seconds,
        is_byok=not is_at_the_machine,
    )
    return Check(endpoint, typed, model, is_owners_key=False)
