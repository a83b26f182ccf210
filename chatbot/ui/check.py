"""The view in which a connection is checked, and what works is put to use.

Who may do what:
- Whoever runs the app and sits at its machine may check any address, and have what works
  written into `.env`; where another source wins, the page says what to change there.
- Everybody else checks the connection as it is set, with nothing of its address but the host.
"""

from collections.abc import Iterable
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import streamlit as st

from chatbot import background, env_file, local_model, masking
from chatbot.addresses import base_urls
from chatbot.check import Check, Finding, Step
from chatbot.endpoints import Endpoint, is_key, origin
from chatbot.errors import ChatbotError, Phrase
from chatbot.services import service_at
from chatbot.settings import ENV_FILE
from chatbot.ui import models, resources, views, whereabouts
from chatbot.ui.browser import show_copy_button
from chatbot.ui.errors import noting_errors, show_error
from chatbot.ui.language import language, t
from chatbot.ui.look import plain

DRAW_SECONDS = 0.2

ICONS = {None: ":material/hourglass_top:", True: ":green[:material/check:]"}
FAILED = ":orange[:material/close:]"


@dataclass(frozen=True)
class Running:
    """A check of this session, which may have ended."""

    check: Check
    future: Future[Finding]


def show_check() -> None:
    """The view in the place of the conversation."""
    may_change = whereabouts.is_at_the_machine()
    with st.container():
        st.button(
            t("data.back"),
            icon=":material/arrow_back:",
            type="tertiary",
            on_click=views.close_view,
        )
        st.title(t("check.title"), anchor=False)
        st.caption(t("check.help"))
    with st.container(key="check-form"):
        if may_change:
            _show_form()
        else:
            _show_start()
    with st.container():
        if "notice" in st.session_state:
            show_error(st.session_state.pop("notice"))
        if st.session_state.get("check_applied"):
            st.success(t("check.applied"), icon=":material/check_circle:")
    with st.container(key="check-result"):
        if running := _running():
            _show_result(running, may_change)


def _show_form() -> None:
    endpoint, _ = models.chosen()
    with st.form("check_form", border=False):
        st.text_input(
            t("check.base_url"),
            endpoint.base_url if endpoint else "",
            key="check_base_url",
            placeholder="https://api.example.org/v1",
            help=t("check.base_url_help"),
        )
        st.text_input(
            t("check.key"),
            type="password",
            key="check_key",
            placeholder=t("check.key_set") if endpoint and endpoint.api_key else "",
            help=t("check.key_help"),
            autocomplete="off",
        )
        st.text_input(t("check.model"), key="check_model", help=t("check.model_help"))
        st.form_submit_button(
            t("check.start"), type="primary", icon=":material/network_check:", on_click=start
        )


def _show_start() -> None:
    st.button(
        t("check.start"),
        key="check_start",
        type="primary",
        icon=":material/network_check:",
        on_click=start,
    )


@noting_errors
def start() -> None:
    """Begin a check; one that still runs is given up."""
    state = st.session_state
    if running := _running():
        running.future.cancel()
    for name in ("running_check", "check_applied"):
        state.pop(name, None)
    source = models.source()
    typed = str(state.get("check_base_url") or "") if whereabouts.is_at_the_machine() else ""
    model = str(state.get("check_model") or "") or models.chosen()[1] or ""
    if typed:
        key = _key(str(state.get("check_key") or ""))
        check = _check_of_typed(typed, key, str(state.get("check_model") or ""))
    elif isinstance(source, Endpoint):
        check = Check(source, source.base_url, model)
    else:
        check = Check(source)
    state.running_check = Running(check, background.submit(check.run()))


def _check_of_typed(typed: str, key: str | None, model: str) -> Check:
    """A check of an address that somebody may choose. The key that is set stays where it is."""
    settings = resources.settings()
    first = base_urls(typed)[0]
    for configured in settings.endpoints:
        if not key and origin(first) == origin(configured.base_url):
            return Check(configured, typed, model)
    masking.hide(key)
    endpoint = Endpoint(
        first, key, settings.connect_timeout_seconds, settings.silence_timeout_seconds
    )
    return Check(endpoint, typed, model, is_owners_key=False)


def _key(typed: str) -> str | None:
    """A key as it was meant, whatever was pasted around it. Raises ChatbotError("bad_key")."""
    key = typed.strip().removeprefix("Bearer ").strip().strip("\"'")
    if key and not is_key(key):
        raise ChatbotError("bad_key")
    return key or None


def _running() -> Running | None:
    running: Running | None = st.session_state.get("running_check")
    return running


def _show_result(running: Running, may_change: bool) -> None:
    """The steps as they are taken, then what they came to."""
    place = st.empty()
    while not running.future.done():
        _show_steps(place, running.check.steps, t("check.running"), "running", may_change)
        wait([running.future], DRAW_SECONDS)
    if running.future.cancelled():
        return
    try:
        finding = running.future.result()
    except ChatbotError as error:
        _show_steps(place, running.check.steps, t("check.failed"), "error", may_change)
        show_error(error)
        return
    works = finding.error is None
    label = t("check.done" if works else "check.failed")
    state = "complete" if works else "error"
    _show_steps(place, running.check.steps, label, state, may_change)
    _show_conclusion(finding, may_change)


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
        lines.append(f"{icon} {_plain(step.sentence(language()), address)}")
    with place.status(label, expanded=True, state=state):  # type: ignore[arg-type]
        st.markdown("  \n".join(lines))


def _plain(sentence: str, address: str) -> str:
    """A sentence as Markdown, with the address in it as code: otherwise it would be a link."""
    if not address or "`" in address:
        return plain(sentence)
    return f"`{address}`".join(plain(part) for part in sentence.split(address))


def _without_path(base_url: str) -> str:
    """What everybody may see of an address: the path may be as good as a key."""
    parts = urlsplit(base_url)
    rest = parts.path if parts.path in ("", "/v1") else "/…"
    return f"{parts.scheme}://{parts.netloc}{rest}"


def _show_conclusion(finding: Finding, may_change: bool) -> None:
    endpoint = finding.endpoint
    is_built_in = endpoint.name == local_model.NAME
    host = t("check.built_in") if is_built_in else endpoint.host
    address = endpoint.base_url if may_change else _without_path(endpoint.base_url)
    sentence = _plain(finding.sentence(language(), host, address), address)
    if finding.error:
        st.warning(sentence, icon=":material/error:")
    elif finding.pace and finding.pace.came_at_once:
        st.warning(sentence, icon=":material/speed:")
    else:
        st.success(sentence, icon=":material/check_circle:")
    if may_change and not is_built_in:
        _show_service(endpoint)
        if not finding.error:
            _show_changes(finding)


def _show_service(endpoint: Endpoint) -> None:
    """What is peculiar to a known service, and where its keys are made."""
    if service := service_at(endpoint.base_url):
        note = plain(f"{service.name}: {service.note(language())}")
        keys = f" [{t('check.keys')}]({service.key_from})" if service.key_from else ""
        st.caption(f"{note}{keys}")


def _show_changes(finding: Finding) -> None:
    """What would be written and the button that does it; or where it is to be done by hand."""
    wanted = env_file.changes(resources.settings(), finding)
    if not wanted:
        return
    lines = "\n".join(env_file.lines(wanted))
    winning = env_file.places_that_win(wanted, resources.secrets())
    if winning:
        places = [t(place) if isinstance(place, Phrase) else place for place in winning.values()]
        names = ", ".join(winning)
        st.caption(plain(t("check.by_hand", names=names, places=", ".join(dict.fromkeys(places)))))
    else:
        st.caption(plain(t("check.will_write", name=str(ENV_FILE.absolute()))))
    st.text(lines)
    if winning:
        show_copy_button(lines, key="copy-settings")
    else:
        st.button(
            t("check.apply"),
            key="check_apply",
            icon=":material/save:",
            type="primary",
            on_click=apply,
            args=(finding,),
        )


@noting_errors
def apply(finding: Finding) -> None:
    """Use what works from now on. Only for who runs the app, at its machine."""
    if not whereabouts.is_at_the_machine():
        return
    wanted = env_file.changes(resources.settings(), finding)
    if not wanted or env_file.places_that_win(wanted, resources.secrets()):
        return
    env_file.write(wanted)
    resources.settings.clear()
    state = st.session_state
    state.pop("running_check", None)
    state.check_applied = True
    state.check_base_url, state.check_key = finding.endpoint.base_url, ""
