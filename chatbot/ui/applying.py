"""Putting to use what a connection check has found: in `.env`, or for this session."""

from dataclasses import replace

import streamlit as st

from chatbot import env_file
from chatbot.endpoints import choice
from chatbot.errors import Phrase
from chatbot.findings import Finding
from chatbot.settings import ENV_FILE, SECRETS_FILE
from chatbot.ui import models, resources, views, whereabouts
from chatbot.ui.browser import show_copy_button
from chatbot.ui.errors import noting_errors
from chatbot.ui.language import t
from chatbot.ui.look import plain


def show_use_button(finding: Finding) -> None:
    """The button that has this session ask what a visitor has named."""
    st.button(
        t("check.use"),
        key="check_use",
        icon=":material/play_arrow:",
        type="primary",
        on_click=use,
        args=(finding,),
    )


@noting_errors
def use(finding: Finding) -> None:
    """Have this session ask the visitor's own server from now on."""
    settings = resources.settings()
    found = finding.endpoint
    if not settings.visitor_endpoints or not found.is_visitors:
        return
    own = replace(
        found,
        provider=found.host,
        label=found.host,
        connect_timeout_seconds=settings.connect_timeout_seconds,
        silence_timeout_seconds=settings.silence_timeout_seconds,
    )
    # What has answered comes first, for that is what new conversations begin with.
    resources.use_own_endpoint(own, list(dict.fromkeys((finding.model, *finding.models))))
    views.close_view()
    models.choose(choice(own, finding.model))


@noting_errors
def use_no_longer() -> None:
    """Have this session ask what the app has set again."""
    resources.use_own_endpoint(None)
    models.choose_default()


def show_way_back(key: str) -> None:
    """The button that ends the use of a visitor's own server, while there is one."""
    if resources.own_endpoint():
        st.button(
            t("check.own_end"),
            key=key,
            type="tertiary",
            icon=":material/undo:",
            on_click=use_no_longer,
        )


def show_changes(finding: Finding) -> None:
    """What would be written and the button that does it; or where it is to be done by hand."""
    if finding.endpoint.provider:
        _show_provider_line(finding)
        return
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


def _show_provider_line(finding: Finding) -> None:
    if finding.is_as_given:
        return
    name = f"[providers.{finding.endpoint.provider}]"
    line = f'base_url = "{finding.endpoint.base_url}"'
    st.caption(plain(t("check.by_hand", names=name, places=SECRETS_FILE)))
    st.text(line)
    show_copy_button(line, key="copy-settings")


@noting_errors
def apply(finding: Finding) -> None:
    """Use what works from now on. Only for who runs the app, at its machine."""
    if not whereabouts.is_at_the_machine():
        return
    wanted = env_file.changes(resources.settings(), finding)
    if (
        finding.endpoint.provider
        or not wanted
        or env_file.places_that_win(wanted, resources.secrets())
    ):
        return
    env_file.write(wanted)
    resources.settings.clear()
    state = st.session_state
    state.pop("running_check", None)
    state.check_applied = True
    state.check_base_url, state.check_key = finding.endpoint.base_url, ""
    resources.note_models(finding.endpoint, finding.models)
    models.choose(choice(finding.endpoint, finding.model))
