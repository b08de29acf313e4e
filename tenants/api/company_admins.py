"""Routes of the people who run companies. Source: primary contract 7.5, details 2.10, W-10, W-40."""

from typing import Any

from rest_framework import serializers

from accounts.api.serializers import ConfirmedPasswordIn
from cbt.http.face import Ok
from cbt.http.rates import Rate
from cbt.http.request import Request
from cbt.http.schema import documented
from cbt.http.views import Scope
from cbt.kernel.errors import ErrorCode as E
from cbt.kernel.permissions import Perm
from tenants.api.base import TenantView
from tenants.api.company_shapes import CompanyAdminDetailOut, CompanyAdminOut
from tenants.selectors.companies import company_admin_for, company_admins_for, company_for
from tenants.services import admins as service

ACCESS = (E.UNAUTHENTICATED, E.FORBIDDEN, E.COMPANY_ADMIN_NOT_FOUND, E.NOT_FOUND)
EXAMPLE = {
    "name": "Admin Name", "email": "admin@example.com", "password": "password123",
    "password_confirmation": "password123", "is_primary": False,
}  # fmt: skip


class AdminIn(ConfirmedPasswordIn):
    """A person who runs a company."""

    name = serializers.CharField(max_length=255)
    email = serializers.EmailField(max_length=255)
    is_primary = serializers.BooleanField(required=False)


class AdminView(TenantView):
    """Staff reaches every company, a company's admin its own; anything else does not exist."""

    permission = Perm.MANAGE_COMPANY_ADMINS
    rate = Rate.STAFF
    scope = Scope.COMPANY
    needs_subscription = False
    admits_super_admin = True


class CompanyAdmins(AdminView):
    """The admins of a company."""

    @documented("List the admins of a company", response=CompanyAdminOut, many=True, errors=ACCESS)
    def get(self, request: Request, company: int) -> Ok:
        """Return all of them, the primary one first, then the oldest."""
        found = company_for(request.actor, company)
        rows: Any = company_admins_for(request.actor).filter(company=found)
        return Ok(CompanyAdminOut(rows, many=True).data, message="Company admins retrieved successfully")

    @documented(
        "Add an admin to a company", request=AdminIn, response=CompanyAdminOut, status=201,
        errors=(*ACCESS, E.VALIDATION_ERROR), example=EXAMPLE,
    )  # fmt: skip
    def post(self, request: Request, company: int) -> Ok:
        """Store the admin with a user of its own; no mail is sent."""
        made = service.company_admin_add(company_id=company, **AdminIn.parse(request), actor=request.actor)
        return Ok(CompanyAdminOut(made).data, message="Company admin created successfully", status=201)


class OneAdmin(AdminView):
    """One admin."""

    @documented("Show an admin", response=CompanyAdminDetailOut, errors=ACCESS)
    def get(self, request: Request, admin: int) -> Ok:
        """Return the admin with user and company."""
        found = company_admin_for(request.actor, admin)
        return Ok(CompanyAdminDetailOut(found).data, message="Company admin retrieved successfully")

    @documented(
        "Change an admin", request=AdminIn, response=CompanyAdminDetailOut,
        errors=(*ACCESS, E.VALIDATION_ERROR, E.BUSINESS_RULE, E.RATE_LIMITED), example=EXAMPLE,
    )  # fmt: skip
    def put(self, request: Request, admin: int) -> Ok:
        """Change the given fields. A new password signs the admin out; one's own new address has to be proved."""
        data = AdminIn.parse(request, partial=True)
        changed = service.company_admin_update(admin_id=admin, actor=request.actor, **data)
        return Ok(CompanyAdminDetailOut(changed).data, message="Company admin updated successfully")

    @documented(
        "Change an admin in part", request=AdminIn, response=CompanyAdminDetailOut,
        errors=(*ACCESS, E.VALIDATION_ERROR, E.BUSINESS_RULE, E.RATE_LIMITED),
    )  # fmt: skip
    def patch(self, request: Request, admin: int) -> Ok:
        """As PUT."""
        result: Any = self.put(request, admin)
        return result

    @documented("Remove an admin", errors=(*ACCESS, E.BUSINESS_RULE))
    def delete(self, request: Request, admin: int) -> Ok:
        """Delete the admin and its user; neither the primary nor the last one, nor oneself."""
        service.company_admin_remove(admin_id=admin, actor=request.actor)
        return Ok(message="Company admin deleted successfully")


class SetPrimary(AdminView):
    """Make an admin the primary one."""

    @documented("Make an admin the primary one", response=CompanyAdminDetailOut, errors=ACCESS)
    def post(self, request: Request, admin: int) -> Ok:
        """The one before becomes an ordinary one."""
        changed = service.company_admin_set_primary(admin_id=admin, actor=request.actor)
        return Ok(CompanyAdminDetailOut(changed).data, message="Primary admin set successfully")
