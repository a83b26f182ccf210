"""Whether the person at this page is the one who runs the app, and whether there may be others.

Only they may change its settings from the page, so a doubt means no. Through a
reverse proxy, a tunnel or a port that was forwarded everybody seems to come
from the machine itself, and a program can claim to be any browser; but an app
that is started for others is started without opening a browser.
"""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import streamlit as st

from chatbot.endpoints import is_loopback

PASSED_ON = {"forwarded", "via", "true-client-ip", "cdn-loop", "client-ip"}
"""Headers, besides those that begin with X- or CF-, that only something in between adds."""


def is_at_the_machine() -> bool:
    """Whether this page was opened by the person who started the app at their own desk."""
    is_headless = bool(st.get_option("server.headless"))
    headers = {name: value for name, value in st.context.headers.items()}  # noqa: C416
    return not is_headless and comes_from_here(st.context.ip_address, headers)


def is_for_others() -> bool:
    """Whether anybody but the person at the machine may be able to open this page.

    Known by how the app was started, never by what a browser says. Behind a reverse proxy it
    listens on the machine itself only, but is started without a browser.
    """
    address = st.get_option("server.address")
    is_reachable = not address or not is_loopback(str(address))
    return is_reachable or bool(st.get_option("server.headless"))


def is_on_community_cloud() -> bool:
    """Whether this runs on Streamlit Community Cloud, whose disk lasts until the next restart.

    It does not say so; it puts the source into /mount/src, as its logs show. An error here only
    shows the wrong sentence.
    """
    return Path(__file__).parts[:3] == ("/", "mount", "src")


def comes_from_here(ip_address: str | None, headers: Mapping[str, str]) -> bool:
    """Whether a connection was made by a browser of this machine, with nothing in between.

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
