"""Connections to servers that a visitor has named: only to public addresses.

The check sees the resolved address immediately before the connection. So a name that resolves
to a private address, or to another address the second time, cannot be connected to; neither
can an address in an unusual notation.
"""

import ipaddress
import socket
from typing import Any

_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
"""NAT64 (RFC 6052): the last 32 bits are the IPv4 address of the destination."""


_UNICAST = ipaddress.ip_network("2000::/3")
"""Global unicast addresses of IPv6 (iana.org/assignments/ipv6-address-space). Python's `ipaddress`
also calls others global, such as the site-local fec0::/10."""


_AZURES_OWN = ipaddress.ip_address("168.63.129.16")
"""Looks public, but at this address Azure gives each of its machines data about itself
(learn.microsoft.com, "What is IP address 168.63.129.16?")."""


class NotPublicError(OSError):
    """The address can be reached only from this machine or its own network."""


def is_public(address: str) -> bool:
    """Return True if the whole internet can reach an IP address, also one embedded in IPv6.

    This machine's own addresses are not public: local connections bypass its firewall.
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
    if ip == _AZURES_OWN:
        return False
    return ip.is_global and not ip.is_multicast and not _is_own(ip)


def public_socket(address: tuple[Any, ...]) -> socket.socket:
    """Open a socket for one resolved address from `getaddrinfo`. Raises NotPublicError."""
    family, kind, protocol, _, (host, *_) = address
    if not is_public(host):
        raise NotPublicError
    return socket.socket(family, kind, protocol)


def _is_own(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Return True if an address belongs to this machine. Sends nothing."""
    family = socket.AF_INET if ip.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((str(ip), 9))
            return bool(probe.getsockname()[0] == str(ip))
    except OSError:  # no route to the address
        return False
