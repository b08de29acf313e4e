"""Who is calling, as far as the network tells."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest


def client_ip(request: HttpRequest) -> str:
    """Return the caller's address.

    With TRUSTED_PROXY_COUNT = n the n-th address from the right of X-Forwarded-For, which our own
    outermost proxy wrote; anything further left, and the header itself when n is 0, is the caller's word.
    """
    count = settings.TRUSTED_PROXY_COUNT
    remote = str(request.META.get("REMOTE_ADDR", ""))
    if count:
        hops = [hop.strip() for hop in str(request.META.get("HTTP_X_FORWARDED_FOR", "")).split(",") if hop.strip()]
        remote = hops[-count] if len(hops) >= count else remote
    try:
        return str(ipaddress.ip_address(remote))
    except ValueError:
        return "0.0.0.0"  # noqa: S104 - a name for "no address" (unix socket), nothing listens on it


def network_of(ip: str) -> str:
    """Return the address that is limited: an IPv4 address, or the /64 of an IPv6 one."""
    address = ipaddress.ip_address(ip)
    if address.version == 4:
        return ip
    return str(ipaddress.ip_network(f"{ip}/64", strict=False).network_address)
