"""Tests for hosts on this machine or in a private network."""

import ipaddress


def is_loopback(hostname: str) -> bool:
    """Return True if a host is this machine."""
    try:
        return ipaddress.ip_address(hostname).is_loopback
    except ValueError:
        return hostname == "localhost" or hostname.endswith(".localhost")


def is_nearby(hostname: str) -> bool:
    """Return True if a host is in a private network, where servers rarely have certificates."""
    try:
        return ipaddress.ip_address(hostname).is_private
    except ValueError:
        return is_loopback(hostname) or "." not in hostname or hostname.endswith(".local")
