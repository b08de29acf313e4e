"""The one base view. Permission, rate, scope and documentation must be declared, or the server does not start."""

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from rest_framework import exceptions as drf
from rest_framework.response import Response
from rest_framework.views import APIView

from cbt.http.client import client_ip
from cbt.http.face import PRIMARY, Face, Ok, Page
from cbt.http.fields import MAX_ID
from cbt.http.pages import flat_page_of
from cbt.http.rates import Rate, enforce
from cbt.http.request import Request
from cbt.kernel.actor import Actor, ActorKind
from cbt.kernel.errors import DomainError, too_large
from cbt.kernel.permissions import Perm


class Access(StrEnum):
    """Who may call, where it is not a matter of a permission codename."""

    PUBLIC = "public"
    SIGNED_IN = "signed_in"
    ASSIGNMENT_TOKEN = "assignment_token"  # noqa: S105 - a name
    SESSION_TOKEN = "session_token"  # noqa: S105
    SIGNED_URL = "signed_url"


class Scope(StrEnum):
    """Which rows a route can reach at most; the stranger walk of the tests attacks by it."""

    NONE = "none"
    SELF = "self"
    COMPANY = "company"
    TOKEN = "token"  # noqa: S105
    ALL = "all"


Permission = Perm | Access | tuple[Perm, ...]
MAX_BODY_BYTES = 1024 * 1024


class FaceView(APIView):
    """One path; a method per HTTP verb, each returning `Ok`.

    permission, rate, scope: one value for all verbs, or {verb: value}. Several permissions: any of them opens.
    role: contract role that is demanded besides the permission ("" for none).
    allows_unverified: also for a login made before the address was verified; such an actor has no role.
    """

    face: ClassVar[Face] = PRIMARY
    permission: ClassVar[Permission | Mapping[str, Permission]]
    rate: ClassVar[Rate | Mapping[str, Rate]]
    scope: ClassVar[Scope | Mapping[str, Scope]]
    role: ClassVar[str] = ""
    allows_unverified: ClassVar[bool] = False
    max_body_bytes: ClassVar[int] = MAX_BODY_BYTES
    permission_classes = ()
    throttle_classes = ()
    http_method_names = ["get", "post", "put", "patch", "delete", "options"]

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        """Return the view function; refuse a class that leaves a door undeclared."""
        for name in ("permission", "rate", "scope"):
            declared = getattr(cls, name, None)
            missing = [verb for verb in cls.verbs() if isinstance(declared, Mapping) and verb not in declared]
            if declared is None or missing:
                raise ImproperlyConfigured(f"{cls.__module__}.{cls.__name__} declares no {name} {missing or ''}")
        return super().as_view(**initkwargs)

    @classmethod
    def verbs(cls) -> list[str]:
        """Return the verbs this view answers, lower case, without OPTIONS."""
        return [verb for verb in cls.http_method_names if verb != "options" and hasattr(cls, verb)]

    @classmethod
    def declared(cls, name: str, verb: str) -> Any:
        """Return the declared permission, rate or scope of a verb."""
        value = getattr(cls, name)
        return value[verb] if isinstance(value, Mapping) else value

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Answer HEAD as GET, by the same checks; the body is left out on the way to the client."""
        if request.method != "HEAD" or "get" not in self.verbs():
            return super().dispatch(request, *args, **kwargs)
        request.method = "GET"
        try:
            return super().dispatch(request, *args, **kwargs)
        finally:
            request.method = "HEAD"

    @property
    def allowed_methods(self) -> list[str]:
        """Return the verbs for Allow, HEAD where there is GET."""
        verbs: list[str] = super().allowed_methods
        return ["GET", "HEAD", *verbs[1:]] if verbs[:1] == ["GET"] else verbs

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        """Return the house's request instead of the framework's."""
        return Request(
            request,
            parsers=self.get_parsers(),
            authenticators=self.get_authenticators(),
            negotiator=self.get_content_negotiator(),
            parser_context=self.get_parser_context(request),
        )

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:  # type: ignore[override]
        """Run in order: known verb, body size, authentication, rate, permission."""
        verb = str(request.method).lower()
        if verb not in self.verbs():
            if verb == "options":
                return
            raise drf.MethodNotAllowed(str(request.method))
        length = request.META.get("CONTENT_LENGTH") or "0"
        if int(length) > self.max_body_bytes:
            raise too_large(self.max_body_bytes)
        request.actor = self.actor_of(request)
        enforce(
            self.declared("rate", verb),
            request._request,
            user_id=request.actor.id if request.actor.kind is ActorKind.USER else None,
            token=self.token_of(request, **kwargs),
        )
        self.check_access(request, self.declared("permission", verb))
        if any(isinstance(value, int) and value > MAX_ID for value in kwargs.values()):
            raise drf.NotFound  # no database can hold such an id, and some refuse to be asked

    def token_of(self, request: Request, **kwargs: Any) -> str | None:
        """Return what a rate by ``token`` counts by; None: the client's address."""
        return kwargs.get("token") or request.query_params.get("token")

    def actor_of(self, request: Request) -> Actor:
        """Return who acts: the authenticators put an `Actor` into ``request.auth``."""
        if isinstance(request.auth, Actor):
            return request.auth
        return Actor(kind=ActorKind.ANONYMOUS, ip=client_ip(request._request))

    def check_access(self, request: Request, permission: Permission) -> None:
        """Refuse a caller without the declared permission: 401 when unknown, 403 when known."""
        actor: Actor = request.actor
        if isinstance(permission, Access) and permission is not Access.SIGNED_IN:
            return
        if actor.kind is not ActorKind.USER:
            raise drf.NotAuthenticated
        if not actor.role and not self.allows_unverified:
            raise drf.PermissionDenied
        wanted = (permission,) if isinstance(permission, Perm) else permission
        if isinstance(wanted, tuple) and not any(actor.may(single) for single in wanted):
            raise drf.PermissionDenied
        if self.role and actor.role != self.role:
            raise drf.PermissionDenied

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Response:  # type: ignore[override]
        """Let the face write what the method returned."""
        if isinstance(response, Page):
            response = Ok(page=response)
        if isinstance(response, Ok):
            ok = response
            if isinstance(ok.data, list) and request.method == "GET":
                try:
                    ok = replace(ok, page=flat_page_of(ok.data, request))
                except DomainError as error:
                    refusal = self.handle_exception(error)
                    return super().finalize_response(request, refusal, *args, **kwargs)
            response = Response(self.face.wrap(ok), status=ok.status, headers=dict(ok.headers))
            for cookie in ok.cookies:
                response.set_cookie(
                    cookie.name, cookie.value, max_age=cookie.seconds, path="/", httponly=True, samesite="Lax",
                    secure=settings.SESSION_COOKIE_SECURE,
                )  # fmt: skip
        return super().finalize_response(request, response, *args, **kwargs)

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        """Name the verbs; nothing about fields or rows is told."""
        return Response(status=204, headers={"Allow": ", ".join(self.allowed_methods)})
