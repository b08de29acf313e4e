"""When a session is being taken from another place or another browser: pure."""

import hashlib
import ipaddress
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

#: Addresses of a room's own network: each is one machine, where the machines may well be twins to their browsers.
_LAN = tuple(map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")))
USER_AGENT_LENGTH = 300  # as much as a session keeps of the one it started with


class Change(StrEnum):
    """What is different: only the network (phones change it all day), or the browser as well."""

    ADDRESS = "address"
    BROWSER = "browser"


@dataclass(frozen=True, slots=True)
class Device:
    """A network (IPv4 /24, IPv6 /48; in a room's own network the one address) and a browser's name of itself."""

    network: str
    user_agent: str

    @property
    def key(self) -> str:
        """Return the text by which a session knows this device."""
        return "device:" + hashlib.sha256(f"{self.network}\n{self.user_agent}".encode()).hexdigest()[:40]


def device_of(ip: str | None, user_agent: str) -> Device | None:
    """Return the device behind a request, None when the request says too little."""
    try:
        address = ipaddress.ip_address(ip or "")
    except ValueError:
        return None
    if not user_agent:
        return None
    address = getattr(address, "ipv4_mapped", None) or address
    size = address.max_prefixlen if any(address in lan for lan in _LAN) else 24 if address.version == 4 else 48
    network = ipaddress.ip_network(f"{address}/{size}", strict=False)
    return Device(str(network), user_agent[:USER_AGENT_LENGTH])


def change(*, known: Collection[Device], seen: Device) -> Change | None:
    """Return how ``seen`` differs from all devices known, None when it does not.

    known: the device of the start, if it was noted, and every other one noticed since.
    """
    if not known or seen in known:
        return None
    if any(device.user_agent == seen.user_agent for device in known):
        return Change.ADDRESS
    return Change.BROWSER
