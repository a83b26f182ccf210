"""Checks for the local admin: the person who runs the app, at the machine on which it runs.

The local admin may change settings from the page, so the answer is no in case of doubt. A
visitor's address is not enough: through a reverse proxy, a tunnel or a forwarded port, everybody
seems to come from the machine itself, and a program can send any headers. But an app that is
started for other people is told not to open a browser (`server.headless`). On a machine without a
display Streamlit sets that option by itself; there the app must listen on the loopback interface
only (`server.address`).
"""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import streamlit as st
from streamlit import config
from streamlit.config_option import ConfigOption

from chatbot.llm.networks import is_loopback

PASSED_ON = {"forwarded", "via", "true-client-ip", "cdn-loop", "client-ip"}
"""Headers that only a proxy adds, besides headers that begin with X- or CF-."""


def is_at_the_machine() -> bool:
    """Tell if the visitor is the person who started the app, on the same machine."""
    if st.get_option("server.headless") and (
        _is_told_to_be_headless() or not _listens_here_alone()
    ):
        return False
    headers = {name: value for name, value in st.context.headers.items()}  # noqa: C416
    return comes_from_here(st.context.ip_address, headers)


def is_for_others() -> bool:
    """Tell if people on other machines may be able to open the page.

    The answer depends on how the app was started, never on what a browser sends. Behind a reverse
    proxy the app listens on the loopback interface only, but it is started as headless.
    """
    return not _listens_here_alone() or bool(st.get_option("server.headless"))


def _listens_here_alone() -> bool:
    """Tell if only programs on this machine can connect to the app."""
    return is_loopback(str(st.get_option("server.address") or ""))


def _is_told_to_be_headless() -> bool:
    """Tell if a person set `server.headless`; Streamlit sets it itself if there is no display."""
    return config.get_where_defined("server.headless") != ConfigOption.DEFAULT_DEFINITION


def is_on_community_cloud() -> bool:
    """Tell if the app runs on Streamlit Community Cloud, whose disk is wiped at each restart.

    Community Cloud has no documented sign of itself, but its logs show that it puts the source
    into /mount/src. A wrong answer only makes the page show the wrong sentence.
    """
    return Path(__file__).parts[:3] == ("/", "mount", "src")


def comes_from_here(ip_address: str | None, headers: Mapping[str, str]) -> bool:
    """Tell if a browser on this machine made the connection, without a proxy in between.

    `ip_address` is None for the loopback interface.
    """
    sent = {name.lower(): value for name, value in headers.items()}
    if ip_address is not None or PASSED_ON & set(sent):
        return False
    if any(name.startswith(("x-", "cf-")) for name in sent):
        return False
    hosts = (urlsplit(f"//{sent.get('host', '')}"), urlsplit(sent.get("origin", "")))
    try:
        return all(is_loopback(host.hostname or "") for host in hosts)
    except ValueError:
        return False
