"""The base of every view that works within one company."""

from collections.abc import Mapping
from typing import Any, ClassVar

from cbt.http.request import Request
from cbt.http.views import FaceView
from cbt.kernel.actor import Actor
from cbt.kernel.errors import DomainError, ErrorCode
from tenants.models import Company, CompanySubscription
from tenants.selectors.companies import TenantContext, company_of


class TenantView(FaceView):
    """A `FaceView` whose caller runs a company that is open and, unless told otherwise, has subscribed.

    After the access checks ``self.tenant`` holds the caller's `TenantContext` and ``request.company`` its company.
    needs_subscription: without an active one 403 ``No active subscription found`` (True).
    admits_super_admin: True: staff passes with ``request.company`` None and sees all companies; False: staff is
    told 403 ``Company admin not found`` as the contract does. Both: one value, or {verb: value}.
    """

    needs_subscription: ClassVar[bool | Mapping[str, bool]] = True
    admits_super_admin: ClassVar[bool | Mapping[str, bool]] = False
    tenant: TenantContext | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:  # type: ignore[override]
        """Run the checks of every view, then find the company."""
        super().initial(request, *args, **kwargs)
        verb = str(request.method).lower()
        if verb not in self.verbs():  # OPTIONS
            return
        self.tenant = self._tenant_of(request.actor, verb)
        request.company = self.tenant.company if self.tenant else None  # type: ignore[attr-defined]

    def _tenant_of(self, actor: Actor, verb: str) -> TenantContext | None:
        if actor.is_super_admin and self.declared("admits_super_admin", verb):
            return None
        tenant = company_of(actor)
        if tenant.subscription is None and self.declared("needs_subscription", verb):
            raise DomainError(ErrorCode.SUBSCRIPTION_REQUIRED, "No active subscription found")
        return tenant

    @property
    def company(self) -> Company:
        """Return the caller's company, where staff is not admitted."""
        if self.tenant is None:
            raise DomainError(ErrorCode.COMPANY_ADMIN_NOT_FOUND, "Company admin not found")
        return self.tenant.company

    @property
    def subscription(self) -> CompanySubscription | None:
        """Return what the caller's company has subscribed to, None when nothing is active."""
        return self.tenant.subscription if self.tenant else None
