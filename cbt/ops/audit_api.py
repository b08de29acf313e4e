"""Reading the audit trail by HTTP."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from rest_framework import serializers

from accounts.models import User
from cbt.http.face import Ok
from cbt.http.fields import JsonObject, MomentIn, OutputSerializer
from cbt.http.pages import choice_of, int_of, page_of
from cbt.http.rates import Rate
from cbt.http.request import Request
from cbt.http.schema import documented
from cbt.http.views import Scope
from cbt.kernel.actor import Actor, ActorKind
from cbt.kernel.errors import ErrorCode, invalid
from cbt.kernel.logs import redact
from cbt.kernel.models import AuditEvent
from cbt.kernel.permissions import Perm
from tenants.api.base import TenantView

HIDDEN = ("password", "token", "secret", "nonce", "hash", "signature")
KINDS = {kind.value for kind in ActorKind}


def without_secrets(value: Any) -> Any:
    """Return audit data fit to show. Services put no secrets there; should one ever, it stops here."""
    if isinstance(value, Mapping):
        return {
            key: "[redacted]" if any(word in str(key).lower() for word in HIDDEN) else without_secrets(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [without_secrets(item) for item in value]
    return redact(value) if isinstance(value, str) else value


class AuditActorOut(OutputSerializer):
    """Who acted. For a company, staff of the house has no id, name or address."""

    kind = serializers.ChoiceField(sorted(KINDS))
    id = serializers.IntegerField(allow_null=True)
    name = serializers.CharField(allow_null=True)


class AuditEventOut(OutputSerializer):
    """One act: who did what to which object, when."""

    id = serializers.IntegerField()
    at = serializers.DateTimeField()
    action = serializers.CharField()
    actor = AuditActorOut()
    object_type = serializers.CharField()
    object_id = serializers.CharField()
    company_id = serializers.IntegerField(allow_null=True)
    data = JsonObject()  # type: ignore[assignment]  # a field of this name; serializers keep theirs apart
    ip = serializers.CharField(allow_null=True)
    request_id = serializers.CharField()


def events_for(actor: Actor, company_id: int | None) -> QuerySet[AuditEvent]:
    """Return the trail within reach, newest first: all for staff of the house, its own rows for a company."""
    rows = AuditEvent.objects.order_by("-id")
    if actor.is_super_admin:
        return rows
    return rows.filter(company_id=company_id) if company_id is not None else rows.none()


def colleagues_of(company_id: int) -> QuerySet[Any, Any]:
    """Return the ids of those who run a company."""
    return User.objects.filter(company_id=company_id).values_list("pk", flat=True)


def shown(rows: list[AuditEvent], company_id: int | None) -> list[dict[str, Any]]:
    """Return rows with the names of their actors; one query for all names.

    company_id: of the reader, None for staff of the house.
    """
    ids = {row.actor_id for row in rows if row.actor_kind == ActorKind.USER and row.actor_id is not None}
    users = User.objects.filter(pk__in=ids)
    if company_id is not None:
        users = users.filter(company_id=company_id)
    names = dict(users.values_list("pk", "name")) if ids else {}
    return [_shown(row, names, is_all=company_id is None) for row in rows]


def _shown(row: AuditEvent, names: Mapping[int, str], *, is_all: bool) -> dict[str, Any]:
    is_user = row.actor_kind == ActorKind.USER
    is_hidden = not is_all and is_user and row.actor_id not in names
    actor = {
        "kind": row.actor_kind,
        "id": None if is_hidden else row.actor_id,
        "name": names.get(row.actor_id or 0) if is_user else None,
    }
    own = {name: getattr(row, name) for name in ("id", "at", "action", "object_type", "object_id", "company_id")}
    rest = {"data": without_secrets(row.data), "ip": None if is_hidden else row.ip, "request_id": row.request_id}
    return dict(AuditEventOut().to_representation({**own, "actor": actor, **rest}))


def _moment(request: Request, name: str, *, end_of_day: bool = False) -> datetime | None:
    text = (request.query_params.get(name) or "").strip()
    if not text:
        return None
    try:
        found: datetime = MomentIn(end_of_day=end_of_day).run_validation(text)
    except serializers.ValidationError:
        raise invalid(**{name: f"The {name} is not a valid date."}) from None
    return found


class Audit(TenantView):
    """The audit trail."""

    permission = Perm.VIEW_ANALYTICS
    rate = Rate.STAFF
    scope = Scope.COMPANY
    needs_subscription = False
    admits_super_admin = True

    @documented(
        "The audit trail: everything for staff of the house, a company's own rows for its admins",
        response=AuditEventOut,
        paged=True,
        errors=[
            ErrorCode.UNAUTHENTICATED, ErrorCode.FORBIDDEN, ErrorCode.COMPANY_ADMIN_NOT_FOUND,
            ErrorCode.VALIDATION_ERROR,
        ],
        query=[
            ("action", "a dotted action or the beginning of one, e.g. accounts.user or accounts.user.locked"),
            ("object_type", "e.g. sessions_app.participant"),
            ("object_id", "id of the object; with object_type"),
            ("actor", "id of the acting user"),
            ("actor_kind", "user, participant, session, system or anonymous"),
            ("company_id", "staff of the house only makes use of it"),
            ("date_from", "instant, or a day (its first second, UTC)"),
            ("date_to", "instant, or a day (its last second, UTC)"),
        ],
    )  # fmt: skip
    def get(self, request: Request) -> Ok:
        """A page of acts, newest first."""
        company_id = self.company.pk if self.tenant is not None else None
        rows = events_for(request.actor, company_id)
        rows = rows.filter(_wanted(request, company_id))
        page = page_of(rows, request, lambda row: row)
        return Ok(page=replace(page, items=shown(page.items, company_id)), message="Audit trail retrieved successfully")


def _wanted(request: Request, company_id: int | None) -> Q:
    params = request.query_params
    condition = Q()
    action = (params.get("action") or "").strip()[:80]
    if action:
        condition &= Q(action=action) | Q(action__startswith=f"{action.rstrip('.')}.")
    for name in ("object_type", "object_id"):
        text = (params.get(name) or "").strip()[:64]
        condition &= Q(**{name: text}) if text else Q()
    for name, lookup, is_end in (("date_from", "at__gte", False), ("date_to", "at__lte", True)):
        moment = _moment(request, name, end_of_day=is_end)
        condition &= Q(**{lookup: moment}) if moment is not None else Q()
    wanted_company = int_of(request, "company_id", "company")
    condition &= Q(company_id=wanted_company) if wanted_company is not None else Q()
    return condition & _wanted_actor(request, company_id)


def _wanted_actor(request: Request, company_id: int | None) -> Q:
    kind = choice_of(request, "actor_kind", KINDS)
    condition = Q(actor_kind=kind) if kind is not None else Q()
    actor_id = int_of(request, "actor", "actor_id")
    if actor_id is None:
        return condition
    condition &= Q(actor_id=actor_id, actor_kind=kind or ActorKind.USER)
    if company_id is not None and (kind or ActorKind.USER) == ActorKind.USER:
        # A company cannot find out by asking which of the house's staff acted.
        condition &= Q(actor_id__in=colleagues_of(company_id))
    return condition
