"""Origin of a login attempt, by which the throttle counts attempts."""

import ipaddress

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx


def source() -> str:
    """Return the visitor's network address if a trusted proxy states it, otherwise the session id.

    Uvicorn's FORWARDED_ALLOW_IPS lists the trusted proxies; by default only a proxy on this
    machine is trusted. If a trusted proxy forwarded the request, the connection's address appears
    in `X-Forwarded-For`. Otherwise the connection's address may belong to an unknown proxy that
    all visitors share, and one attacker's failed attempts would lock out everybody else.
    """
    address = st.context.ip_address
    stated = str(st.context.headers.get("X-Forwarded-For") or "").replace(" ", "").split(",")
    if address and address in stated:
        return _network(address)
    context = get_script_run_ctx()
    return context.session_id if context else ""


def _network(address: str) -> str:
    """Return an IPv4 address whole, and the /64 network of an IPv6 address.

    The holder of an IPv6 network can choose the other 64 bits freely.
    """
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    if ip.ipv4_mapped:
        return str(ip.ipv4_mapped)
    return str(ipaddress.ip_network((int(ip), 64), strict=False))
