"""Which addresses outgoing requests may reach."""

import socket
from ipaddress import ip_address, ip_network
from typing import NoReturn

import pytest

from core.addresses import Guard

pytestmark = pytest.mark.enable_socket  # asks the system whether an address is this machine's; connects nowhere

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1"))
EVERYTHING = (ip_network("0.0.0.0/0"), ip_network("::/0"))


def allowed(guard: Guard, address: str, port: int = 443) -> bool:
    return guard.objection(ip_address(address), port) is None


@pytest.mark.parametrize(
    "address",
    [
        "93.184.215.14",
        "2606:2800:21f:cb07:6820:80da:af6b:8b2c",
        "::ffff:93.184.215.14",
        "64:ff9b::93.184.215.14",
        "2002:5db8:d70e::1",
    ],
)
def test_public_internet_is_allowed(address: str) -> None:
    assert allowed(Guard(), address)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "100.127.255.254",
        "127.0.0.1",
        "127.8.9.10",
        "169.254.1.1",
        "169.254.169.254",
        "168.63.129.16",
        "172.16.0.1",
        "192.0.0.8",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:127.0.0.1",
        "::ffff:100.64.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::7f00:1",
        "64:ff9b:1:7f00:0:100::",
        "100::1",
        "2001:0:4136:e378:8000:63bf:80ff:fffe",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%2",
        "fec0::1",
        "ff02::1",
        "5f00::1",
        "3fff::1",
    ],
)
def test_everything_else_is_refused(address: str) -> None:
    assert not allowed(Guard(), address)


@pytest.mark.parametrize(
    ("net", "address"),
    [
        ("127.0.0.0/8", "127.0.0.1"),
        ("127.0.0.0/8", "::ffff:127.0.0.1"),
        ("127.0.0.0/8", "64:ff9b::7f00:1"),
        ("10.0.0.0/8", "10.9.8.7"),
        ("100.64.0.0/10", "100.64.0.1"),
        ("fd00::/8", "fd00::1"),
        ("fe80::/10", "fe80::1%2"),
    ],
)
def test_allowed_networks_are_reached_however_they_are_written(net: str, address: str) -> None:
    assert allowed(Guard(allow_nets=(ip_network(net),)), address)


@pytest.mark.parametrize(
    ("net", "address"),
    [
        ("64:ff9b:1::/48", "64:ff9b:1::7f00:1"),  # the network is allowed, what it leads to is not
        ("64:ff9b:1::/48", "64:ff9b:1:a9fe:a9:fe00::"),
        ("2001::/32", "2001:0:4136:e378:8000:63bf:80ff:fffe"),  # Teredo with 127.0.0.1 as its client
        ("2002::/16", "2002:7f00:1::"),
        ("::/0", "::ffff:127.0.0.1"),
    ],
)
def test_allowed_tunnel_does_not_lead_to_what_is_refused(net: str, address: str) -> None:
    assert not allowed(Guard(allow_nets=(ip_network(net),)), address)


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "169.254.170.2",
        "100.100.100.200",
        "168.63.129.16",
        "fd00:ec2::254",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "0.0.0.0",
        "::",
        "224.0.0.1",
        "ff02::1",
        "255.255.255.255",
    ],
)
def test_metadata_wildcard_and_multicast_are_refused_whatever_is_allowed(address: str) -> None:
    assert not allowed(Guard(allow_nets=EVERYTHING), address)


@pytest.mark.parametrize("own", ["127.0.0.1", "0.0.0.0", "::", "::1", "localhost"])
@pytest.mark.parametrize("address", ["127.0.0.1", "127.7.7.7", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"])
def test_own_port_is_refused_on_every_address_of_this_machine(own: str, address: str) -> None:
    guard = Guard(allow_nets=EVERYTHING, refused=frozenset({(own, 5432)}))
    assert not allowed(guard, address, 5432)
    assert allowed(guard, address, 5433)


def test_own_port_is_refused_on_this_machines_outer_address() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: asks which address would be the sender's
        except OSError:
            return
        outer = probe.getsockname()[0]
    guard = Guard(allow_nets=EVERYTHING, refused=frozenset({("0.0.0.0", 8000)}))
    assert not allowed(guard, outer, 8000)
    assert allowed(guard, outer, 8001)


def test_own_database_elsewhere_is_refused_there_and_only_there() -> None:
    guard = Guard(allow_nets=EVERYTHING, refused=frozenset({("10.0.0.5", 5432)}))
    assert not allowed(guard, "10.0.0.5", 5432)
    assert not allowed(guard, "::ffff:10.0.0.5", 5432)
    assert allowed(guard, "10.0.0.6", 5432)
    assert allowed(guard, "127.0.0.1", 5432)


def test_own_host_that_has_no_address_refuses_its_port_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: object, **kwargs: object) -> NoReturn:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    guard = Guard(allow_nets=LOOPBACK, refused=frozenset({("no-such-host.invalid", 5432)}))
    assert not allowed(guard, "127.0.0.1", 5432)
    assert allowed(guard, "127.0.0.1", 5433)


def test_objection_says_what_to_do() -> None:
    assert Guard().objection(ip_address("10.0.0.1"), 443) == (
        "10.0.0.1 is not a public address and not in MUSTER_ALLOW_NETS"
    )
