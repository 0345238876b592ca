"""Where a webhook may go: to public unicast addresses over https, or to what the settings add.

A URL is taken apart here by hand: parsers repair what must be refused.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from dataclasses import dataclass

from core.domain.errors import Refused

MAX_URL = 2048
PORTS = frozenset({443, 8443})
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_SHAPE = re.compile(r"(?i:https)://([^/?#]*)([/?][^#]*)?")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"(0x[0-9a-f]*|[0-9]+)")
# Global by the registry, yet they lead back to a private address, to many hosts or to nobody.
_NOT_UNICAST = tuple(
    ipaddress.ip_network(text)
    for text in (
        "192.0.0.0/24",
        "192.88.99.0/24",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
    )
)
_GLOBAL_V6 = ipaddress.ip_network("2000::/3")


@dataclass(frozen=True, slots=True)
class Reach:
    """What an installation adds to the public internet: its own networks and ports."""

    networks: tuple[Network, ...] = ()
    ports: frozenset[int] = frozenset()

    def allows(self, address: Address) -> bool:
        """Whether a connection may be made to this address."""
        own = any(address.version == n.version and address in n for n in self.networks)
        return own or is_public_unicast(address)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a checked URL leads. `literal` is set when the host is an address."""

    host: str
    port: int
    path: str
    literal: Address | None = None

    @property
    def authority(self) -> str:
        """The Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == 443 else f"{host}:{self.port}"


def is_public_unicast(address: Address) -> bool:
    """Public, for one host, and no tunnel or translation to another address."""
    if any(address.version == n.version and address in n for n in _NOT_UNICAST):
        return False
    if isinstance(address, ipaddress.IPv6Address) and address not in _GLOBAL_V6:
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def check_url(url: str, reach: Reach) -> Target:
    """Where the URL leads. Refuses `webhook-url-invalid`, then `webhook-url-forbidden`.

    A name still has to be resolved, and its addresses checked, each time a connection is made.
    """
    target = _taken_apart(url, reach)
    name = target.host.rstrip(".")
    if target.literal is None and not _is_numeric(name):
        if name == "localhost" or name.endswith((".localhost", ".local", ".internal")):
            raise forbidden()
        if "." not in name:
            raise _invalid("The host needs a full name with at least one dot.")
        return target
    if target.literal is None or not any(
        target.literal.version == n.version and target.literal in n for n in reach.networks
    ):
        raise forbidden()
    return target


def forbidden() -> Refused:
    """The URL does not lead to a public host."""
    return Refused(
        "webhook-url-forbidden",
        "The host must be a name whose addresses are all public. Networks of your own are allowed "
        "by the setting webhooks.allow_networks.",
    )


def _invalid(detail: str) -> Refused:
    return Refused("webhook-url-invalid", detail)


def _taken_apart(url: str, reach: Reach) -> Target:
    if len(url) > MAX_URL:
        raise _invalid(f"The URL has more than {MAX_URL} characters.")
    if any(c.isspace() or unicodedata.category(c)[0] in "CZ" or c == "\\" for c in url):
        raise _invalid("The URL has a space, a control character or a backslash.")
    if "#" in url:
        raise _invalid("The URL must not have a fragment.")
    found = _SHAPE.fullmatch(url)
    if found is None:
        raise _invalid("The URL must begin with https://")
    authority, path = found[1], found[2] or "/"
    if "@" in authority:
        raise _invalid("The URL must not hold a user or password.")
    host, port = _host_and_port(authority)
    if port not in PORTS | reach.ports:
        raise _invalid("The port must be 443 or 8443.")
    path = path if path.startswith("/") else f"/{path}"
    if host.startswith("["):
        literal = _bracketed(host)
        return Target(str(literal or "::"), port, path, literal)
    name = _name(host)
    return Target(name, port, path, _dotted(name))


def _host_and_port(authority: str) -> tuple[str, int]:
    split = re.fullmatch(r"(\[[^\[\]]*\]|[^:\[\]]*)(?::([0-9]{0,5}))?", authority)
    if split is None:
        raise _invalid("The host or port of the URL cannot be read.")
    return split[1], int(split[2] or "443")


def _bracketed(host: str) -> Address | None:
    """An IPv6 literal; one with a zone or that cannot be read is None, and so forbidden."""
    try:
        return ipaddress.IPv6Address(host[1:-1])
    except ValueError:
        return None


def _name(host: str) -> str:
    """The host as it is looked up: compatibility forms folded, then ASCII, lower case."""
    if "%" in host:
        raise _invalid("The host name must not have a percent sign.")
    folded = unicodedata.normalize("NFKC", host).replace("\u3002", ".").lower()
    try:
        name = folded.encode("ascii" if folded.isascii() else "idna").decode("ascii")
    except UnicodeError:
        raise _invalid("The host name is not a name.") from None
    labels = name.removesuffix(".").split(".")
    if not all(_LABEL.fullmatch(label) for label in labels) or len(name) > 253:
        raise _invalid("The host name is not a name.")
    return name


def _is_numeric(name: str) -> bool:
    """Whether resolvers would read it as an IPv4 address in some notation."""
    return _NUMBER.fullmatch(name.rpartition(".")[2]) is not None


def _dotted(name: str) -> Address | None:
    try:
        return ipaddress.IPv4Address(name.removesuffix("."))
    except ValueError:
        return None
