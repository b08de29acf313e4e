"""Who is calling, as far as the network tells."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest


def client_ip(request: HttpRequest) -> str:
    """Return the caller's address.

    With TRUSTED_PROXY_COUNT = n the n-th address from the right of X-Forwarded-For, which our own
    outermost proxy wrote; anything further left, and the header itself when n is 0, is the caller's word.
    """
    return address_behind(str(request.META.get("REMOTE_ADDR", "")), str(request.META.get("HTTP_X_FORWARDED_FOR", "")))


def address_behind(remote: str, forwarded: str) -> str:
    """Return the caller's address from the peer's and the header X-Forwarded-For, as `client_ip` tells it."""
    count = settings.TRUSTED_PROXY_COUNT
    if count:
        hops = [hop.strip() for hop in forwarded.split(",") if hop.strip()]
        remote = hops[-count] if len(hops) >= count else remote
    try:
        address = ipaddress.ip_address(remote)
    except ValueError:
        return "0.0.0.0"  # noqa: S104 - a name for "no address" (unix socket), nothing listens on it
    # A socket for both kinds calls IPv4 clients ::ffff:a.b.c.d, which would be one and the same /64.
    return str(getattr(address, "ipv4_mapped", None) or address)


def network_of(ip: str) -> str:
    """Return the address that is limited: an IPv4 address, or the /64 of an IPv6 one."""
    address = ipaddress.ip_address(ip)
    if address.version == 4:
        return ip
    return str(ipaddress.ip_network(f"{ip}/64", strict=False).network_address)
