"""Which addresses outgoing requests may reach, judged by what an address really stands for."""

from __future__ import annotations

import socket
import threading
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from queue import Empty, SimpleQueue

OWN_NAME_SECONDS = 1.0  # for the name of one of our own hosts

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
_NAT64_LOCAL = IPv6Network("64:ff9b:1::/48")
# Special-purpose networks of the IANA registries that ``is_global`` lets through in one Python or another.
_NOT_GLOBAL: tuple[Network, ...] = tuple(
    map(ip_network, ("100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "3fff::/20"))
)
# Where clouds hand out credentials to whoever asks from inside; never a target, whatever is allowed.
_METADATA = frozenset(
    map(
        ip_address,
        ("169.254.169.254", "169.254.170.2", "100.100.100.200", "192.0.0.192", "168.63.129.16", "fd00:ec2::254"),
    )
)


def resolve(host: str, port: int, *, seconds: float) -> list[Address]:
    """The addresses of ``host`` in the resolver's order.

    Raises TimeoutError, another OSError where the name has no address, and ValueError for an impossible name.
    """
    try:
        return [ip_address(host)]
    except ValueError:
        pass
    answer: SimpleQueue[list[Address] | OSError | ValueError] = SimpleQueue()
    # The system's resolver knows no time limit: a thread that it holds is left behind.
    threading.Thread(target=_look_up, args=(host, port, answer), name="resolve", daemon=True).start()
    try:
        found = answer.get(timeout=max(seconds, 0.001))
    except Empty:
        raise TimeoutError(f"{host} was not resolved in time") from None
    if isinstance(found, Exception):
        raise found
    return found


def _look_up(host: str, port: int, answer: SimpleQueue[list[Address] | OSError | ValueError]) -> None:
    try:
        rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        answer.put(list(dict.fromkeys(ip_address(row[4][0]) for row in rows)))
    except (OSError, ValueError) as error:
        answer.put(error)


@dataclass(frozen=True, slots=True)
class Guard:
    """Decides which addresses outgoing requests may reach.

    The public internet, and ``allow_nets`` besides. ``refused`` are Muster's own host and port pairs: they stay out
    of reach even inside ``allow_nets``, and on this machine whatever its address.
    """

    allow_nets: tuple[Network, ...] = ()
    refused: frozenset[tuple[str, int]] = frozenset()

    def objection(self, address: Address, port: int) -> str | None:
        """Why ``port`` of ``address`` must not be connected to; None if it may be."""
        for each in _unwrapped(address):
            if each.is_unspecified or each.is_multicast or each in _METADATA or str(each) == "255.255.255.255":
                return f"{address} is never a target"
            if not _is_public(each) and not any(each in network for network in self.allow_nets):
                return f"{address} is not a public address and not in MUSTER_ALLOW_NETS"
            if self._is_own(each, port):
                return "it is one of Muster's own"
        return None

    def _is_own(self, address: Address, port: int) -> bool:
        for host, own_port in self.refused:
            if own_port != port:
                continue
            try:
                found = resolve(host, port, seconds=OWN_NAME_SECONDS)
            except (OSError, ValueError):
                return True  # whether the address is its address cannot be known now
            own = [inner for each in found for inner in _unwrapped(each)]
            if address in own or (_is_this_machine(address) and any(map(_is_this_machine, own))):
                return True
        return False


def _unwrapped(address: Address) -> tuple[Address, ...]:
    """Every address that ``address`` stands for, through mapping, translation and tunnels; itself at least."""
    if isinstance(address, IPv4Address):
        return (address,)
    last = IPv4Address(int(address) & 0xFFFFFFFF)
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    if address in _NAT64:
        return (last,)
    if address in _NAT64_LOCAL:  # RFC 6052 puts the IPv4 address last, or around the bits 64 to 71
        bits = int(address)
        return (address, last, IPv4Address(((bits >> 64) & 0xFFFF) << 16 | (bits >> 40) & 0xFFFF))
    if address.sixtofour is not None:
        return (address.sixtofour,)
    if address.teredo is not None:
        return (address, *address.teredo)
    return (address,)


def _is_public(address: Address) -> bool:
    if not address.is_global or any(address in network for network in _NOT_GLOBAL):
        return False
    return isinstance(address, IPv4Address) or address in _GLOBAL_UNICAST


def _is_this_machine(address: Address) -> bool:
    """Whether connecting to ``address`` ends at this machine: a socket can be bound to its own addresses only."""
    if address.is_loopback or address.is_unspecified:
        return True
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(address), 0))
    except OSError:
        return False
    return True
