"""Use of a working connection that a check has found: in `.env`, or for this session only."""

from dataclasses import replace

import streamlit as st

from chatbot.connection_check.report import Report
from chatbot.errors import Phrase
from chatbot.llm.endpoint import choice
from chatbot.markdown.escape import plain
from chatbot.settings import env_file
from chatbot.settings.sources import ENV_FILE, SECRETS_FILE, place_of
from chatbot.ui import model_choice, navigation, services
from chatbot.ui.client import local_admin
from chatbot.ui.errors import noting_errors
from chatbot.ui.page_script import show_copy_button
from chatbot.ui.session import widgets
from chatbot.ui.session.language import t
from chatbot.ui.session.state import page_state


def show_use_button(report: Report) -> None:
    """Draw the button that makes this session use the visitor's own server."""
    st.button(
        t("check.use"),
        key="check_use",
        icon=":material/play_arrow:",
        type="primary",
        on_click=use,
        args=(report,),
    )


@noting_errors
def use(report: Report) -> None:
    """Use the visitor's own server in this session from now on."""
    settings = services.settings()
    endpoint = report.endpoint
    if not settings.visitor_endpoints or not endpoint.is_byok:
        return
    own = replace(
        endpoint,
        provider=endpoint.host,
        label=endpoint.host,
        connect_timeout_seconds=settings.connect_timeout_seconds,
        silence_timeout_seconds=settings.silence_timeout_seconds,
    )
    # The model that answered comes first, because new conversations begin with the first model.
    services.use_own_endpoint(own, list(dict.fromkeys((report.model, *report.models))))
    navigation.close_view()
    model_choice.choose(choice(own, report.model))


def show_changes(report: Report) -> None:
    """Draw the changes to `.env` with a button that writes them, or say what to do by hand."""
    if report.endpoint.provider:
        _show_provider_line(report)
        return
    changes = env_file.changes(services.settings(), report)
    if not changes:
        return
    lines = "\n".join(env_file.lines(changes))
    winning = env_file.places_that_win(changes, services.secrets())
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
            args=(report,),
        )


def show_env_lines(report: Report, is_address_known: bool) -> None:
    """Draw the lines that the owner has to write into the settings. Any visitor may see this page.

    The lines contain the server's address, which may hold a secret. So they are shown only if the
    visitor knows the whole address already; otherwise the page refers the owner to the terminal.
    """
    provider = report.endpoint.provider
    changes = {} if provider else env_file.changes(services.settings(), report)
    if not (changes or (provider and not report.is_as_given)):
        return
    if not is_address_known:
        st.caption(plain(t("check.told_in_terminal")))
        return
    if provider:
        places, lines = {SECRETS_FILE}, [f"[providers.{provider}]", _provider_line(report)]
    else:
        places = {place_of(name, services.secrets()) for name in changes}
        lines = env_file.lines(changes)
    named = [t(place) if isinstance(place, Phrase) else place for place in sorted(places)]
    st.caption(plain(t("check.write_there", places=", ".join(named))))
    st.text("\n".join(lines))
    show_copy_button("\n".join(lines), key="copy-settings")


def _provider_line(report: Report) -> str:
    return f'base_url = "{report.endpoint.base_url}"'


def _show_provider_line(report: Report) -> None:
    if report.is_as_given:
        return
    name = f"[providers.{report.endpoint.provider}]"
    line = _provider_line(report)
    st.caption(plain(t("check.by_hand", names=name, places=SECRETS_FILE)))
    st.text(line)
    show_copy_button(line, key="copy-settings")


@noting_errors
def apply(report: Report) -> None:
    """Write the working connection to `.env` and use it. Only the local admin may do this."""
    if not local_admin.is_at_the_machine():
        return
    changes = env_file.changes(services.settings(), report)
    if (
        report.endpoint.provider
        or not changes
        or env_file.places_that_win(changes, services.secrets())
    ):
        return
    env_file.write(changes)
    services.settings.clear()
    state = page_state()
    state.running_check, state.check_applied = None, True
    widgets.put(widgets.CHECK_BASE_URL, report.endpoint.base_url)
    widgets.put(widgets.CHECK_KEY, "")
    services.note_models(report.endpoint, report.models)
    model_choice.choose(choice(report.endpoint, report.model))
