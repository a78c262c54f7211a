"""Which web addresses that users name may be asked: none that leads into our own network, unless the server is told so.

A name is judged by what it resolves to when it is used, and the connection goes to that very address.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

MAX_URL = 2000  # characters

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""All addresses of a host. Raises OSError."""

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class AddressRefused(Exception):
    """Nothing is sent there; the message says why."""


class Target(NamedTuple):
    """Where a request really goes."""

    url: str  # with the address in place of the name
    host: str  # for the Host header
    name: str  # that the certificate must be for


class Addresses:
    """The rule.

    loopback
        this server is reached on this machine alone, and may so be told to ask addresses on it, over plain http too
    private
        addresses of private networks are allowed, over plain http too
    """

    def __init__(self, *, loopback: bool, private: bool, resolve: Resolve | None = None) -> None:
        self._loopback = loopback
        self._private = private
        self._resolve = resolve or _resolve

    def check(self, url: str) -> None:
        """As far as it can be told from the words alone. Raises AddressRefused."""
        if len(url) > MAX_URL or not url.isascii() or any(c.isspace() or ord(c) < 33 for c in url):
            raise AddressRefused(f"must be a web address of at most {MAX_URL} plain characters")
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname or "", parts.port
        except ValueError as error:
            raise AddressRefused("must be a web address, such as https://example.com/hook") from error
        if parts.scheme not in ("https", "http") or not host:
            raise AddressRefused("must be a web address, such as https://example.com/hook")
        if parts.username is not None or parts.password is not None:
            raise AddressRefused("must not hold a user or password")
        if parts.scheme == "http" and not (self._private or self._loopback):
            raise AddressRefused("must be https")
        address = _literal(host)
        if address is not None:
            self._judge(address, parts.scheme)
        elif host == "localhost" and not (self._loopback or self._private):
            raise AddressRefused("leads to this machine itself")

    async def target(self, url: str) -> Target:
        """Where a request to this address is to go now. Raises AddressRefused, and OSError for an unknown name."""
        self.check(url)
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = parts.port or (443 if parts.scheme == "https" else 80)
        found = [ipaddress.ip_address(text.partition("%")[0]) for text in await self._resolve(host, port)]
        if not found:
            raise OSError(f"{host} has no address")
        for address in found:  # all of them: which one a later look-up gives is not ours to say
            self._judge(address, parts.scheme)
        literal = f"[{found[0]}]" if found[0].version == 6 else str(found[0])
        shown = f"[{host}]" if ":" in host else host
        name = shown if parts.port is None else f"{shown}:{parts.port}"
        return Target(urlunsplit((parts.scheme, f"{literal}:{port}", parts.path or "/", parts.query, "")), name, host)

    def _judge(self, address: _Address, scheme: str) -> None:
        address = _innermost(address)
        if address.is_loopback:
            allowed = self._loopback or self._private
        elif address.is_global and not address.is_multicast:
            if scheme != "https":
                raise AddressRefused("must be https")
            allowed = True
        else:
            allowed = self._private and address.is_private and not (address.is_link_local or address.is_unspecified)
        if not allowed:
            raise AddressRefused("leads into a private network")


def _literal(host: str) -> _Address | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _innermost(address: _Address) -> _Address:
    """The IPv4 address that an IPv6 one stands for, if it does."""
    if isinstance(address, ipaddress.IPv6Address):
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else address)
    return address


async def _resolve(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))
