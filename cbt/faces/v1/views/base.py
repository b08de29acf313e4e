"""What the views of this dialect share: roles, lists with their headers, and answers a client may keep."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.db.models import QuerySet
from drf_spectacular.utils import PolymorphicProxySerializer
from rest_framework import exceptions as drf
from rest_framework import serializers
from rest_framework.response import Response

from accounts.states import V1_ROLES, Role
from cbt.faces.v1.face import V1
from cbt.http.face import Ok, Page
from cbt.http.fields import OutputSerializer
from cbt.http.pages import page_of
from cbt.http.rates import Rate
from cbt.http.request import Request
from cbt.http.views import Access, FaceView, Permission
from cbt.kernel.actor import Actor
from cbt.kernel.errors import ErrorCode as E

#: A plain list has no page number to go on with: give a whole school class at once.
LIST_SIZE = 100
STAFF = (Role.SUPER_ADMIN, Role.INSTRUCTOR)
ADMIN = (Role.SUPER_ADMIN,)
#: Names of the roles on this face.
ROLE_NAMES = {Role.SUPER_ADMIN: "admin", Role.INSTRUCTOR: "instructor", Role.STUDENT: "student"}
ROLES_BY_NAME = {name: role for role, name in ROLE_NAMES.items()}
READ_ERRORS = (E.UNAUTHENTICATED, E.FORBIDDEN)
ONE_ERRORS = (*READ_ERRORS, E.NOT_FOUND)
PAGES = (
    ("page", "Page, counted from 1"),
    ("limit", "Rows a page, 1 to 100; the answer then is {data, total, page, limit} instead of an array"),
    ("per_page", "Rows an array, 1 to 100 (100)"),
)


#: Headers of a list, for OpenAPI.
LIST_HEADERS = (
    ("X-Total-Count", "Rows on all pages"),
    ("Link", "first, prev, next and last page (RFC 8288), where there is more than one"),
)


def rows_of(shape: type[OutputSerializer]) -> PolymorphicProxySerializer:
    """Return both forms of a list for OpenAPI: an array, and the page where ``limit`` is sent."""
    name = shape.__name__.removesuffix("Out")
    number = serializers.IntegerField
    fields = {"data": shape(many=True), "total": number(), "page": number(), "limit": number()}
    page = type(f"{name}Page", (serializers.Serializer,), {**fields, "__doc__": "A page, where limit is sent."})
    forms: Any = [shape(many=True), page]
    return PolymorphicProxySerializer(f"{name}Rows", serializers=forms, resource_type_field_name=None, many=False)


class V1View(FaceView):
    """A view of this dialect. roles: who may call, for all verbs or {verb: roles}; needed where signing in is."""

    face = V1
    permission: ClassVar[Permission | Mapping[str, Permission]] = Access.SIGNED_IN
    rate: ClassVar[Rate | Mapping[str, Rate]] = Rate.STAFF
    roles: ClassVar[tuple[Role, ...] | Mapping[str, tuple[Role, ...]]] = V1_ROLES

    def check_access(self, request: Request, permission: Permission) -> None:
        """Refuse a role that has no business here."""
        super().check_access(request, permission)
        if permission is Access.SIGNED_IN:
            actor: Actor = request.actor
            if actor.role not in self.declared("roles", str(request.method).lower()):
                raise drf.PermissionDenied

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Response:  # type: ignore[override]
        """Let a client that has read the same before keep what it has: 304 without a body."""
        answer = super().finalize_response(request, response, *args, **kwargs)
        if request.method != "GET" or answer.status_code != 200 or not isinstance(response, Ok):
            return answer
        answer.render()
        tag = f'W/"{hashlib.sha256(answer.content + _listed_as(answer)).hexdigest()[:32]}"'
        answer["ETag"], answer["Cache-Control"], answer["Vary"] = tag, "private, no-cache", "Authorization"
        known = [one.strip().removeprefix("W/") for one in str(request.META.get("HTTP_IF_NONE_MATCH", "")).split(",")]
        if tag.removeprefix("W/") in known or "*" in known:
            answer.status_code, answer.content = 304, b""
            del answer["Content-Type"]
        return answer


def _listed_as(answer: Response) -> bytes:
    return f"{answer.get('X-Total-Count', '')}|{answer.get('Link', '')}".encode()


def listed(rows: QuerySet[Any], request: Request, present: Callable[[Any], Any]) -> Ok:
    """Return a page of rows with X-Total-Count, and the other pages' addresses in Link (RFC 8288)."""
    page = page_of(rows, request, present, default_size=LIST_SIZE)
    headers = {"X-Total-Count": str(page.total)}
    links = _links(page, request)
    return Ok(page=page, headers=headers | ({"Link": links} if links else {}))


def _links(page: Page, request: Request) -> str:
    last = max(1, -(-page.total // page.size))
    numbers = {"first": 1, "prev": page.number - 1, "next": page.number + 1, "last": last}
    if last == 1 and page.number == 1:
        return ""
    path = request._request.path
    kept = {name: value for name, value in request.query_params.items() if name not in {"page", "limit", "per_page"}}
    kept |= {"limit" if page.is_flat else "per_page": str(page.size)}
    return ", ".join(
        f'<{request.build_absolute_uri(path)}?{urlencode({**kept, "page": number})}>; rel="{name}"'
        for name, number in numbers.items()
        if 1 <= number <= last
    )
