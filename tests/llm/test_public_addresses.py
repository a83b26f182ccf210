"""Addresses that are allowed for a server named by a visitor."""

import ipaddress
import socket

import pytest

from chatbot.llm.public_addresses import NotPublicError, _is_own, is_public, public_socket


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"])
def test_public_addresses_are_reached(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",  # where clouds keep a machine's credentials
        "168.63.129.16",  # where Azure keeps others
        "::ffff:168.63.129.16",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fd00::1",
        "fd00:ec2::254",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "2002:7f00:1::",  # 127.0.0.1 in 6to4
        "64:ff9b::a9fe:a9fe",  # 169.254.169.254 behind NAT64
        "2001:0:4136:e378:8000:63bf:80ff:fffe",  # 127.0.0.1 behind Teredo
        "fec0::1",
        "::127.0.0.1",
        "::ffff:0:127.0.0.1",
        "64:ff9b:1::7f00:1",  # NAT64 of a network's own
        "5f00::1",
        "localhost",
        "",
    ],
)
def test_what_is_inside_is_not_however_it_is_written(address: str) -> None:
    assert not is_public(address)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with pytest.raises(NotPublicError):
        public_socket((family, socket.SOCK_STREAM, 0, "", (address, 443)))


def test_the_machines_own_address_is_inside_even_if_it_is_a_public_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert _is_own(ipaddress.ip_address("127.0.0.1"))
    assert not _is_own(ipaddress.ip_address("8.8.8.8"))
    monkeypatch.setattr("chatbot.llm.public_addresses._is_own", lambda ip: str(ip) == "8.8.8.8")
    assert not is_public("8.8.8.8")
    assert not is_public("::ffff:8.8.8.8")
    assert is_public("8.8.4.4")
