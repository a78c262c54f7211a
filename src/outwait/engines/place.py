"""Where a vendor's server is: addresses checked once, secrets kept out of sight."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

MAX_DETAIL = 300  # characters of a server's words that are kept

_SCHEMES = {"https": "wss", "http": "ws", "wss": "wss", "ws": "ws"}
_KEYS = re.compile(r"\b[se]k[-_][A-Za-z0-9_*.-]{4,}")  # how keys look, also when a server quotes one half hidden


@dataclass(frozen=True, slots=True)
class Place:
    """One server. The key is in the headers or in the address, and neither is ever shown."""

    url: str = field(repr=False)  # ws or wss, complete
    headers: dict[str, str] = field(repr=False)
    secret: str = field(repr=False)

    @property
    def secure(self) -> bool:
        return self.url.startswith("wss:")

    @property
    def loopback(self) -> bool:
        """Whether it is on this machine: no proxy stands before that."""
        return is_loopback(self.url)

    def clean(self, text: str) -> str:
        """Without the key, of which a server may quote the half."""
        return _KEYS.sub("***", text.replace(self.secret, "***") if self.secret else text)[:MAX_DETAIL]


def is_loopback(url: str) -> bool:
    """Whether the host of an address is this machine."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def split(url: str, what: str) -> SplitResult:
    """The parts of an address. Raises ValueError when it is none, or holds a password."""
    try:
        parts = urlsplit(url.strip())
        host, _ = parts.hostname, parts.port  # reading the port checks it
        good = parts.scheme in _SCHEMES and bool(host) and "@" not in parts.netloc
        (host or "").encode("idna")
    except ValueError:
        good = False
    if not good:
        raise ValueError(f"{what} must look like https://host/path, without a user and password")
    return parts


def root(parts: SplitResult) -> str:
    """Scheme and host of its sockets: `https` becomes `wss`."""
    return f"{_SCHEMES[parts.scheme]}://{parts.netloc}"


def given(text: str, what: str) -> str:
    """A name that is not empty. Raises ValueError."""
    if not text.strip():
        raise ValueError(f"{what} is empty")
    return text.strip()


def key(secret: str, what: str) -> str:
    """A secret that can stand in a header: a line break would let it write headers of its own. Raises ValueError."""
    secret = secret.strip()
    if not secret or not all("!" <= char <= "~" for char in secret):
        raise ValueError(f"{what} is empty or has characters that no key has")
    return secret
