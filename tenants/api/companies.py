"""Routes of companies as staff keeps them, and a company's own profile. Source: primary contract 7.5, details 2.10."""

from typing import Any

from rest_framework import serializers

from cbt.http import pages
from cbt.http.face import Ok, Page
from cbt.http.fields import Input, JsonObject
from cbt.http.rates import Rate
from cbt.http.request import Request
from cbt.http.schema import documented
from cbt.http.views import FaceView, Scope
from cbt.kernel.errors import ErrorCode as E
from cbt.kernel.permissions import Perm
from tenants.api.base import TenantView
from tenants.api.company_shapes import CompanyDetailOut, CompanyOut, CompanyRowOut, company_detail, company_row
from tenants.selectors.companies import companies_filter, company_detail_for, company_list_for
from tenants.services import companies as service

SORTS = {name: name for name in ("created_at", "updated_at", "name", "email", "is_active", "id")}
ACCESS = (E.UNAUTHENTICATED, E.FORBIDDEN)
EXAMPLE: dict[str, Any] = {
    "name": "PT Contoh", "email": "company@example.com", "phone": "081234567890", "address": "Jl. Contoh No. 123",
    "logo": None, "settings": {}, "is_active": True,
}  # fmt: skip


class ProfileIn(Input):
    """What a company tells about itself."""

    name = serializers.CharField(max_length=255)
    email = serializers.EmailField(max_length=255)
    phone = serializers.CharField(max_length=50, required=False, allow_null=True)
    address = serializers.CharField(max_length=2000, required=False, allow_null=True)
    logo = serializers.CharField(max_length=255, required=False, allow_null=True)

    def to_internal_value(self, data: Any) -> Any:
        """Read null as empty."""
        value = super().to_internal_value(data)
        for name in ("phone", "address", "logo"):
            if name in value:
                value[name] = value[name] or ""
        if "settings" in value:
            value["settings"] = value["settings"] or {}
        return value


class CompanyIn(ProfileIn):
    """A company as staff keeps it."""

    settings = JsonObject(required=False, allow_null=True)
    is_active = serializers.BooleanField(required=False)


def detail_of(request: Request, company_id: int) -> dict[str, Any]:
    """Write one company the caller may see."""
    return company_detail(company_detail_for(request.actor, company_id))


def list_page(request: Request) -> Page:
    """Return the page asked for; ``per_page=all`` is 100 a page."""
    rows = company_list_for(request.actor).filter(pages.search_of(request, "name", "email", "phone"))
    is_active = pages.bool_of(request, "is_active")
    if is_active is not None:
        rows = rows.filter(is_active=is_active)
    rows = companies_filter(
        rows,
        has_subscription=pages.bool_of(request, "has_subscription"),
        has_active_subscription=pages.bool_of(request, "has_active_subscription"),
    ).order_by(*pages.sort_of(request, SORTS, default="created_at", descending=True))
    return pages.page_of(rows, request, company_row, takes_all=True)


class Companies(FaceView):
    """All companies."""

    permission = {"get": Perm.VIEW_COMPANIES, "post": Perm.CREATE_COMPANIES}
    rate = Rate.STAFF
    scope = Scope.ALL

    @documented(
        "List companies", response=CompanyRowOut, paged=True, errors=(*ACCESS, E.VALIDATION_ERROR),
        query=[
            ("is_active", "true or false"), ("has_subscription", "true: has or had one"),
            ("has_active_subscription", "true: one is active now"), ("search", "in name, e-mail and phone"),
            ("sort_by", "created_at (default), updated_at, name, email, is_active, id"),
            ("sort_order", "desc (default) or asc"), ("per_page", "1 to 100, or all (100)"),
        ],
    )  # fmt: skip
    def get(self, request: Request) -> Ok:
        """Return a page of companies."""
        return Ok(page=list_page(request), message="Companies retrieved successfully")

    @documented(
        "Create a company", request=CompanyIn, response=CompanyDetailOut, status=201,
        errors=(*ACCESS, E.VALIDATION_ERROR), example=EXAMPLE,
    )  # fmt: skip
    def post(self, request: Request) -> Ok:
        """Store a company, without admins yet."""
        made = service.company_create(**CompanyIn.parse(request), actor=request.actor)
        return Ok(detail_of(request, made.pk), message="Company created successfully", status=201)


class OneCompany(FaceView):
    """One company."""

    permission = {
        "get": Perm.VIEW_COMPANIES, "put": Perm.EDIT_COMPANIES, "patch": Perm.EDIT_COMPANIES,
        "delete": Perm.DELETE_COMPANIES,
    }  # fmt: skip
    rate = Rate.STAFF
    scope = Scope.ALL

    @documented("Show a company", response=CompanyDetailOut, errors=(*ACCESS, E.NOT_FOUND))
    def get(self, request: Request, company: int) -> Ok:
        """Return the company with its admins and subscriptions; participants are only counted."""
        return Ok(detail_of(request, company), message="Company retrieved successfully")

    @documented(
        "Change a company", request=CompanyIn, response=CompanyDetailOut,
        errors=(*ACCESS, E.NOT_FOUND, E.VALIDATION_ERROR), example=EXAMPLE,
    )  # fmt: skip
    def put(self, request: Request, company: int) -> Ok:
        """Change the given fields; is_active opens or shuts it."""
        data = CompanyIn.parse(request, partial=True)
        service.company_change(company_id=company, data=data, actor=request.actor)
        return Ok(detail_of(request, company), message="Company updated successfully")

    @documented(
        "Change a company in part", request=CompanyIn, response=CompanyDetailOut,
        errors=(*ACCESS, E.NOT_FOUND, E.VALIDATION_ERROR),
    )  # fmt: skip
    def patch(self, request: Request, company: int) -> Ok:
        """As PUT."""
        result: Any = self.put(request, company)
        return result

    @documented("Delete a company", errors=(*ACCESS, E.NOT_FOUND))
    def delete(self, request: Request, company: int) -> Ok:
        """Take it out of service for good; its records stay."""
        service.company_delete(company_id=company, actor=request.actor)
        return Ok(message="Company deleted successfully")


class ToggleActive(FaceView):
    """Open or shut a company."""

    permission = Perm.MANAGE_COMPANIES
    rate = Rate.STAFF
    scope = Scope.ALL

    @documented("Open or shut a company", response=CompanyDetailOut, errors=(*ACCESS, E.NOT_FOUND))
    def post(self, request: Request, company: int) -> Ok:
        """Shut an open company, open a shut one."""
        service.company_toggle_active(company_id=company, actor=request.actor)
        return Ok(detail_of(request, company), message="Company status updated successfully")


class OwnCompany(TenantView):
    """The caller's own company."""

    permission = Perm.MANAGE_COMPANY_ADMINS
    rate = Rate.STAFF
    scope = Scope.COMPANY
    needs_subscription = False

    @documented("Show the own company", response=CompanyOut, errors=(*ACCESS, E.COMPANY_ADMIN_NOT_FOUND))
    def get(self, request: Request) -> Ok:
        """Return what the company tells about itself."""
        return Ok(CompanyOut(self.company).data, message="Company retrieved successfully")

    @documented(
        "Change the own company", request=ProfileIn, response=CompanyOut,
        errors=(*ACCESS, E.COMPANY_ADMIN_NOT_FOUND, E.VALIDATION_ERROR),
        example={key: EXAMPLE[key] for key in ("name", "email", "phone", "address", "logo")},
    )  # fmt: skip
    def put(self, request: Request) -> Ok:
        """Change the given fields; settings and state are staff's."""
        data = ProfileIn.parse(request, partial=True)
        changed = service.company_update(company_id=self.company.pk, actor=request.actor, **data)
        return Ok(CompanyOut(changed).data, message="Company updated successfully")
