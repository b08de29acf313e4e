"""Who acts. Services take an `Actor`, never a request or a user row."""

from dataclasses import dataclass, field
from enum import StrEnum

from cbt.kernel.permissions import Perm


class ActorKind(StrEnum):
    """How the actor proved who it is."""

    USER = "user"
    PARTICIPANT = "participant"
    SESSION = "session"
    SYSTEM = "system"
    ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True)
class Actor:
    """Frozen ids and permissions of whoever asks.

    role: contract role name, "" when not a user.  company_id: own company of a tenant admin.
    ip: client address as the configured proxies tell it.  login_id: the login row behind a bearer token.
    """

    kind: ActorKind
    id: int | None = None
    role: str = ""
    permissions: frozenset[Perm] = field(default_factory=frozenset)
    company_id: int | None = None
    login_id: str | None = None
    email: str = ""
    ip: str = ""
    user_agent: str = ""

    def may(self, permission: Perm) -> bool:
        """Tell whether the actor holds a permission. Reach over single objects is the selectors' affair."""
        return permission in self.permissions

    @property
    def is_super_admin(self) -> bool:
        """Tell whether the actor sees every company."""
        return self.role == "super_admin"


SYSTEM = Actor(kind=ActorKind.SYSTEM)
ANONYMOUS = Actor(kind=ActorKind.ANONYMOUS)
