"""Which addresses webhooks may lead to: the form of their URLs, and the networks they may not reach.

A URL is judged as it is written, then every address that its name has. What was judged is what is connected
to: nobody resolves the name a second time.
"""

import re
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolve = Callable[[str], Sequence[str]]
"""The addresses of a name; an OSError where it has none now."""

_MOST_CHARACTERS = 2_000
_RESOLVING_SECONDS = 5.0
_URL = re.compile(r"(?i)(https?)://([^/?]*)((?:[/?].*)?)")
_FORBIDDEN = re.compile(r"[^!-~]|[\\\"<>^`{|}#]")
_HOST = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]*)(?::(\d{1,5}))?")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?")
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")
_LOCAL_NAMES = re.compile(
    r"(.*\.)?(localhost|localdomain|local|internal|intranet|lan|home\.arpa|onion)|[^.]+"
)

# Of other protocols: the list that browsers keep (fetch.spec.whatwg.org, "bad port"), and databases.
_PORTS_TEXT = """
    1 7 9 11 13 15 17 19 20 21 22 23 25 37 42 43 53 69 77 79 87 95 101 102 103 104 109 110 111 113 115 117
    119 123 135 137 139 143 161 179 389 427 445 465 512 513 514 515 526 530 531 532 540 548 554 556 563
    587 601 636 989 990 993 995 1433 1521 1719 1720 1723 2049 2375 2376 2379 3306 3389 3659 4045 4190 5060
    5061 5432 6000 6379 6566 6665 6666 6667 6668 6669 6679 6697 10080 11211 27017
"""
_OTHER_PORTS = frozenset(map(int, _PORTS_TEXT.split()))

# IANA's special-purpose registries, without what is public; beside them the service of one cloud's hosts,
# which it gave a public address.
_CLOSED_IPV4_TEXT = """
    0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24
    192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4
    168.63.129.16/32
"""
_CLOSED_IPV4 = tuple(map(IPv4Network, _CLOSED_IPV4_TEXT.split()))
_OPEN_IPV6 = IPv6Network("2000::/3")
_CLOSED_IPV6 = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))
_NAT64 = IPv6Network("64:ff9b::/96")


class AddressRefused(Exception):  # noqa: N818  the condition reads better without "Error"
    """A URL that is not called. Its text says why, and quotes nothing of the URL but the host."""


class NameUnknown(AddressRefused):
    """The name has no address now."""


@dataclass(frozen=True)
class Place:
    """What a URL leads to, as it was read."""

    scheme: str
    host: str
    """A name in lower case, or an address."""
    port: int
    target: str
    """Path and query, at least `/`."""

    @property
    def shown(self) -> str:
        """The place for people and logs: without path and query, which may hold a secret."""
        return f"{self.scheme}://{self.authority}"

    @property
    def authority(self) -> str:
        """Host and port, as the Host header has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


_DEFAULT_PORTS = {"http": 80, "https": 443}


def check_url(url: str, networks: Sequence[Network], resolve: Resolve | None = None) -> Place:
    """What the URL leads to, if it may be called.

    A name that has no address now is let through, as its server may be set up later, unless it is one of
    local networks; it is looked at again at each call.

    Raises:
        AddressRefused: it may not be called.
    """
    place = read_url(url)
    try:
        find_addresses(place, networks, resolve)
    except NameUnknown:
        if _LOCAL_NAMES.fullmatch(place.host):
            raise
    return place


def read_url(url: str) -> Place:
    """What the URL leads to, by its form alone.

    Raises:
        AddressRefused: it is not an absolute http or https URL in its plain form.
    """
    if len(url) > _MOST_CHARACTERS:
        raise AddressRefused(f"the URL is longer than {_MOST_CHARACTERS} characters")
    if _FORBIDDEN.search(url):
        raise AddressRefused(
            "the URL holds characters that URLs do not: write them percent-encoded, a name outside ASCII in "
            "its form xn--…, and leave out any #"
        )
    parts = _URL.fullmatch(url)
    if parts is None:
        raise AddressRefused("the URL must begin with https:// or http://")
    scheme, authority, target = parts[1].lower(), parts[2].lower(), parts[3]
    if "@" in authority:
        raise AddressRefused("the URL must not hold a user or password: give them as authConfig")
    found = _HOST.fullmatch(authority)
    if found is None:
        raise AddressRefused("the URL's host or port is not written as such")
    port = int(found[2]) if found[2] else _DEFAULT_PORTS[scheme]
    if not 0 < port < 65_536 or port in _OTHER_PORTS:
        raise AddressRefused(f"port {port} is not one for webhooks")
    return Place(scheme, _read_host(found[1]), port, target if target.startswith("/") else f"/{target}")


def find_addresses(
    place: Place, networks: Sequence[Network], resolve: Resolve | None = None
) -> list[Address]:
    """The addresses of the place, in the order to try them; the name is resolved once.

    `networks`: those that may be reached beside the public ones.

    Raises:
        NameUnknown: the name has no address now.
        AddressRefused: one of its addresses, whichever, may not be reached.
    """
    try:
        written = [str(ip_address(place.host))]
    except ValueError:
        try:
            written = list((resolve or resolve_name)(place.host))
        except (OSError, UnicodeError):
            written = []
    if not written:
        raise NameUnknown(f"{place.host} has no address: the name cannot be resolved")
    return [_checked(text, place.host, networks) for text in dict.fromkeys(written)]


def resolve_name(name: str) -> list[str]:
    """The name's addresses by the system's resolver, within 5 seconds.

    Raises:
        OSError: there are none, or not in time.
    """
    found: list[str] | OSError = TimeoutError("not resolved in time")

    def look() -> None:
        nonlocal found
        try:
            listed = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
            found = [str(one[4][0]) for one in listed]
        except (OSError, UnicodeError) as error:
            found = OSError(str(error))

    # The system's call has no timeout of its own.
    thread = threading.Thread(target=look, name="resolve", daemon=True)
    thread.start()
    thread.join(_RESOLVING_SECONDS)
    if isinstance(found, OSError):
        raise found
    return found


def _read_host(text: str) -> str:
    if text.startswith("["):
        try:
            # A zone names an interface of this machine.
            return str(IPv6Address("" if "%" in text else text[1:-1]))
        except ValueError:
            raise AddressRefused("what stands in [ ] is not an IPv6 address without a zone") from None
    labels = text.split(".")
    if _NUMBER.fullmatch(labels[-1]):  # whoever resolves it may read it as an address, in several ways
        try:
            return str(IPv4Address(text))
        except ValueError:
            raise AddressRefused("an address must be written as four decimal numbers") from None
    if len(text) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise AddressRefused(
            "the URL's host is not a name: letters, digits and - between dots, none at its end"
        )
    return text


def _checked(text: str, host: str, networks: Sequence[Network]) -> Address:
    try:
        address = ip_address(text)
    except ValueError:
        raise AddressRefused(f"{host} leads to something that is not an address") from None
    opened = any(address.version == network.version and address in network for network in networks)
    if opened or _is_public(address):
        return address
    # Not the address itself: the answer must not tell what a name of a private network has.
    raise AddressRefused(
        f"{host} leads to an address that is not public (REPORTS_WEBHOOK_NETWORKS opens more)"
    )


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _CLOSED_IPV4)
    if address in _NAT64:  # so hosts without IPv4 reach it: the last 32 bits are the address
        return _is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
    if address.scope_id is not None:
        return False
    return address in _OPEN_IPV6 and not any(address in network for network in _CLOSED_IPV6)
