"""From where somebody asks: the socket's address, or what a proxy of ours says of it; and what counts as one place when
guessing is slowed."""

import ipaddress
from collections.abc import Sequence


def asking(peer: str, forwarded: str, proxies: Sequence[str]) -> str:
    """The address that asks. `forwarded`: the X-Forwarded-For header, to which each proxy adds at its end whom it heard
    from; what stands there is believed as far as our own `proxies` (addresses or networks) wrote it. Pure."""
    said = [one.strip() for one in forwarded.split(",")]
    address = peer
    while said and _is_ours(address, proxies):
        before = said.pop()
        if _read(before) is None:
            break
        address = before
    return address


def one_place(address: str) -> str:
    """What is counted as one: an address, or of IPv6 the /64 that a home or a machine is given whole. Pure."""
    found = _read(address)
    if not isinstance(found, ipaddress.IPv6Address):
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False))


def _is_ours(address: str, proxies: Sequence[str]) -> bool:
    found = _read(address)
    return found is not None and any(found in ipaddress.ip_network(one) for one in proxies)


def _read(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(address)
    except ValueError:
        return None
