"""What resolvers share: who asks, with what rights, and rows that are fetched together."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from accounts.states import Role
from cbt.http.clean import check
from cbt.kernel.actor import Actor
from cbt.kernel.errors import DomainError, ErrorCode, invalid, not_found
from cbt.kernel.permissions import Perm
from tenants.selectors.companies import TenantContext, company_of

Found = TypeVar("Found")
ID_DIGITS = 18
#: What instructors may look at without holding the codename.
OF_OWN_TESTS = frozenset({Perm.VIEW_TEST_RESULTS, Perm.VIEW_TEST_SESSIONS})


class Context:
    """One request. has_begun: resolvers have run, so that the answer has data or a reason why it is null."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self.has_begun = False

    def demand(self, permission: Perm) -> None:
        """Refuse as the routes of a company do: permission, company and subscription; super admins see all.

        An instructor has no company and no codename, which would open the house's whole catalogue: the selectors show
        what belongs to own tests.
        """
        if self.actor.role == Role.INSTRUCTOR and permission in OF_OWN_TESTS:
            return
        if not self.actor.may(permission):
            raise DomainError(ErrorCode.FORBIDDEN, "Unauthorized")
        if not self.actor.is_super_admin and self.tenant.subscription is None:
            raise DomainError(ErrorCode.SUBSCRIPTION_REQUIRED, "No active subscription found")

    @cached_property
    def tenant(self) -> TenantContext:
        """The caller's company. Raises COMPANY_ADMIN_NOT_FOUND, COMPANY_INACTIVE."""
        return company_of(self.actor)

    def asked(self, **given: object) -> "Asked":
        """Return arguments in the form in which the lists of the REST routes read their filters."""
        said = {name: _text(value) for name, value in given.items() if value is not None}
        check(said)
        if any("\ud800" <= letter <= "\udfff" for text in said.values() for letter in text):
            raise invalid(query="The query contains half a character.")
        return Asked(self.actor, said)


@dataclass(frozen=True, slots=True)
class Asked:
    """The part of a request that filters and pages read."""

    actor: Actor
    query_params: Mapping[str, str] = field(default_factory=dict)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def id_of(text: str) -> int:
    """Return an id as the database writes it. Raises NOT_FOUND for what cannot be one."""
    if not (text.isascii() and text.isdigit()) or len(text) > ID_DIGITS:
        raise not_found()
    return int(text)


class Together:
    """Rows of one answer: what hangs on one of them is fetched for all of them by one query, when first asked for."""

    def __init__(self, ids: Sequence[int]) -> None:
        self.ids = ids
        self._found: dict[Hashable, Mapping[int, Any]] = {}

    def of(self, one: int, what: Hashable, load: Callable[[Sequence[int]], Mapping[int, Found]]) -> Found | None:
        """Return what hangs on row ``one``; what: the field and its arguments, which share one query."""
        if what not in self._found:
            self._found[what] = load(self.ids)
        return self._found[what].get(one)
