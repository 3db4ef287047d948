"""Which addresses may be called on behalf of a stranger: the public internet and what the operator allows.

The table is our own because `ipaddress.is_global` answers differently from one Python release to the next.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_NOT_PUBLIC = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8",  # this host
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier NAT; Alibaba Cloud's metadata service is in it
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's host service: a public number that only a virtual machine can reach
        "169.254.0.0/16",  # link-local; the metadata service of most clouds
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",  # the former 6to4 relays
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",
        "2002::/16",  # 6to4: a tunnel to whatever IPv4 address is written inside
        "3fff::/20",
    )
)
# All of IPv6 that is given out to the public; loopback, link-local, unique-local and multicast lie outside.
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")


def is_allowed(text: str, allow: Sequence[Network] = ()) -> bool:
    """Whether text is an address on the public internet or within one of the allowed networks."""
    address = parse_address(text)
    if address is None:
        return False
    reached = _reached(address)
    return _is_public(reached) or any(address in network or reached in network for network in allow)


def parse_address(text: str) -> Address | None:
    """The address in its plain spelling; None for anything else, a scoped address (fe80::1%eth0) too."""
    try:
        return None if "%" in text else ip_address(text)
    except ValueError:
        return None


def _reached(address: Address) -> Address:
    """The IPv4 address in which a mapped or translated IPv6 address ends; else the address itself."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return not any(address in network for network in _NOT_PUBLIC)
