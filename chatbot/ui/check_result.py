"""What a connection check has tried and what it came to, as it is drawn while it runs and after."""

import logging
from collections.abc import Iterable
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import streamlit as st

from chatbot import local_model
from chatbot.check import Check
from chatbot.endpoints import Endpoint
from chatbot.errors import ChatbotError
from chatbot.findings import Finding, Step
from chatbot.services import service_at
from chatbot.ui import applying
from chatbot.ui.errors import show_error
from chatbot.ui.language import language, t
from chatbot.ui.look import plain, plain_sentence

log = logging.getLogger(__name__)

DRAW_SECONDS = 0.2

ICONS = {None: ":material/hourglass_top:", True: ":green[:material/check:]"}
FAILED = ":orange[:material/close:]"


@dataclass(frozen=True)
class Running:
    """A check of this session, which may have ended."""

    check: Check
    future: Future[Finding]
    is_typed: bool = False
    """Whether the address was typed by who looks at this, rather than set by the owner."""


def show_result(running: Running, may_change: bool) -> None:
    """The steps as they are taken; then, above them where it is seen, what they came to."""
    conclusion, place = st.container(), st.empty()
    may_see = may_change or running.is_typed
    while not running.future.done():
        _show_steps(place, running.check.steps, t("check.running"), "running", may_see)
        wait([running.future], DRAW_SECONDS)
    if running.future.cancelled():
        return
    try:
        finding = running.future.result()
    except ChatbotError as error:
        _show_steps(place, running.check.steps, t("check.failed"), "error", may_see)
        with conclusion:
            show_error(error)
        return
    except Exception:
        log.exception("A check failed")
        _show_steps(place, running.check.steps, t("check.failed"), "error", may_see)
        with conclusion:
            show_error(ChatbotError("click"))
        return
    works = finding.error is None
    label = t("check.done" if works else "check.failed")
    state = "complete" if works else "error"
    _show_steps(place, running.check.steps, label, state, may_see)
    with conclusion:
        _show_conclusion(finding, may_change, may_see)


def _show_steps(
    place: st.delta_generator.DeltaGenerator,
    steps: Iterable[Step],
    label: str,
    state: str,
    may_see_address: bool,
) -> None:
    lines = []
    for step in steps:
        address = step.details.get("base_url", "")
        if address and not may_see_address:
            address = _without_path(address)
            step = replace(step, details={**step.details, "base_url": address})
        icon = ICONS.get(step.is_good, FAILED)
        lines.append(f"{icon} {plain_sentence(step.sentence(language()))}")
    status = place.status(label, expanded=True, state=state)  # type: ignore[arg-type]
    status.markdown("  \n".join(lines))  # as a `with` it would be marked as complete at once


def _without_path(base_url: str) -> str:
    """What everybody may see of an address: the path may be as good as a key."""
    parts = urlsplit(base_url)
    rest = parts.path if parts.path in ("", "/v1") else "/…"
    return f"{parts.scheme}://{parts.netloc}{rest}"


def _show_conclusion(finding: Finding, may_change: bool, may_see: bool) -> None:
    endpoint = finding.endpoint
    is_built_in = endpoint.name == local_model.NAME
    address = endpoint.base_url if may_see else _without_path(endpoint.base_url)
    sentence = finding.sentence(language(), address)
    if not (may_change or endpoint.is_visitors or (finding.is_as_given and not finding.error)):
        sentence = t("error_hint.owner", sentence=sentence)
    sentence = plain_sentence(sentence)
    if finding.error:
        st.warning(sentence, icon=":material/error:")
    elif finding.pace and finding.pace.came_at_once:
        st.warning(sentence, icon=":material/speed:")
    else:
        st.success(sentence, icon=":material/check_circle:")
    if may_see and not is_built_in:
        _show_service(endpoint)
    if finding.error or is_built_in:
        return
    if endpoint.is_visitors:
        applying.show_use_button(finding)
    elif may_change:
        applying.show_changes(finding)


def _show_service(endpoint: Endpoint) -> None:
    """What is peculiar to a known service, and where its keys are made."""
    if service := service_at(endpoint.base_url):
        note = plain(f"{service.name}: {service.note(language())}")
        keys = f" [{t('check.keys')}]({service.key_from})" if service.key_from else ""
        st.caption(f"{note}{keys}")
