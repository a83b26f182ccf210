"""Connections to what a visitor has named: to public addresses alone.

Looked at is the very address that is about to be connected to, after its name
was resolved. So a name that leads inside, or leads elsewhere the second time,
reaches nothing; neither does an odd way to write an address.
"""

import ipaddress
import socket
from typing import Any

_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
"""NAT64 (RFC 6052): the last 32 bits are the IPv4 address that is reached."""


_UNICAST = ipaddress.ip_network("2000::/3")
"""All that is given out of IPv6 for the whole internet (iana.org/assignments/ipv6-address-space).
The library calls the rest public too, such as fec0::/10, which is a network's own."""


class NotPublicError(OSError):
    """An address that only this machine or its own network can reach."""


def is_public(address: str) -> bool:
    """Whether an IP address can be reached by the whole internet, however it is wrapped up.

    This machine's own cannot: from here its firewall would not be in between.
    """
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo and ip.teredo[1])
        if ip in _TRANSLATED:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner:
            return is_public(str(inner))
        if ip not in _UNICAST:
            return False
    return ip.is_global and not ip.is_multicast and not _is_own(ip)


def public_socket(address: tuple[Any, ...]) -> socket.socket:
    """A socket for one resolved address, as `getaddrinfo` gives it. Raises NotPublicError."""
    family, kind, protocol, _, (host, *_) = address
    if not is_public(host):
        raise NotPublicError
    return socket.socket(family, kind, protocol)


def _is_own(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether an address is one of this machine's, which then talks to itself. Sends nothing."""
    family = socket.AF_INET if ip.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((str(ip), 9))
            return bool(probe.getsockname()[0] == str(ip))
    except OSError:  # there is no way there
        return False
