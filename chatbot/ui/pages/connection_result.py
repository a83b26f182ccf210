"""Display of a connection check: its steps while it runs, and its conclusion."""

import logging
from collections.abc import Iterable
from concurrent.futures import wait
from dataclasses import replace
from urllib.parse import urlsplit

import streamlit as st

from chatbot.builtin import model as builtin_model
from chatbot.connection_check.presets import Service, service_at
from chatbot.connection_check.report import Report, Step
from chatbot.errors import ChatbotError
from chatbot.markdown.escape import plain, plain_sentence
from chatbot.ui.errors import show_error
from chatbot.ui.pages import connection_apply
from chatbot.ui.session.language import language, t
from chatbot.ui.session.state import RunningCheck

log = logging.getLogger(__name__)

DRAW_SECONDS = 0.2

ICONS = {None: ":material/hourglass_top:", True: ":green[:material/check:]"}
FAILED = ":orange[:material/close:]"


def show_result(running: RunningCheck, may_change: bool) -> None:
    """Draw the steps of a check while it runs, and then its conclusion above them."""
    conclusion, place = st.container(), st.empty()
    may_see = may_change or running.is_typed
    while not running.future.done():
        _show_steps(place, running.check.steps, t("check.running"), "running", may_see)
        wait([running.future], DRAW_SECONDS)
    if running.future.cancelled():
        return
    try:
        report = running.future.result()
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
    works = report.error is None
    label = t("check.done" if works else "check.failed")
    state = "complete" if works else "error"
    _show_steps(place, running.check.steps, label, state, may_see)
    with conclusion:
        _show_conclusion(report, may_change, may_see)


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
    status.markdown("  \n".join(lines))  # not in a `with`, which marks the status as complete


def _without_path(base_url: str) -> str:
    """Shorten an address for visitors: its path may be as secret as a key."""
    parts = urlsplit(base_url)
    rest = parts.path if parts.path in ("", "/v1") else "/…"
    return f"{parts.scheme}://{parts.netloc}{rest}"


def _show_conclusion(report: Report, may_change: bool, may_see: bool) -> None:
    endpoint = report.endpoint
    is_built_in = endpoint.name == builtin_model.NAME
    address = endpoint.base_url if may_see else _without_path(endpoint.base_url)
    sentence = report.sentence(language(), address)
    if report.error and not (may_change or endpoint.is_byok):
        sentence = t("error_hint.owner", sentence=sentence)
    sentence = plain_sentence(sentence)
    if report.error:
        st.warning(sentence, icon=":material/error:")
    elif report.pace and report.pace.came_at_once:
        st.warning(sentence, icon=":material/speed:")
    else:
        st.success(sentence, icon=":material/check_circle:")
    if may_see and not is_built_in and (service := service_at(endpoint.base_url)):
        show_service(service)
    if report.error or is_built_in:
        return
    if endpoint.is_byok:
        connection_apply.show_use_button(report)
    elif may_change:
        connection_apply.show_changes(report)
    else:
        connection_apply.show_env_lines(report, is_address_known=address == endpoint.base_url)


def show_service(service: Service) -> None:
    """Draw the note on a known service, with a link to the page that makes its keys."""
    note = plain(f"{service.name}: {service.note(language())}")
    keys = f" [{t('check.keys')}]({service.key_from})" if service.key_from else ""
    st.caption(f"{note}{keys}")
