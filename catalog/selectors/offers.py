"""Reads of tests, within what the reader may see."""

from dataclasses import dataclass

from django.db.models import QuerySet

from accounts.states import Role
from catalog.models import Test
from catalog.states import FOR_COMPANIES, FOR_PUBLIC
from cbt.kernel.actor import Actor, ActorKind
from cbt.kernel.errors import not_found


@dataclass(frozen=True, slots=True)
class OfferFilters:
    """What a list of tests is narrowed to; None leaves a filter out."""

    category_id: int | None = None
    type: str | None = None
    is_active: bool | None = None


def test_list_for(actor: Actor, filters: OfferFilters | None = None) -> QuerySet[Test]:  # noqa: PT028 -- no test function
    """Live tests the actor may see, with their category, in display order.

    Super admin and system: all. Tenant admin: active ones for companies. Private user: active ones for the public.
    Anybody else: none.
    """
    tests = _visible(actor)
    filters = filters or OfferFilters()
    if filters.category_id is not None:
        tests = tests.filter(category_id=filters.category_id)
    if filters.type is not None:
        tests = tests.filter(type=filters.type)
    if filters.is_active is not None:
        tests = tests.filter(is_active=filters.is_active)
    return tests.select_related("category").order_by("sort_order", "pk")


def test_get_for(actor: Actor, test_id: int) -> Test:
    """One test the actor may see. Raises NOT_FOUND, alike for absent and hidden ones."""
    test = test_list_for(actor).filter(pk=test_id).first()
    if test is None:
        raise not_found()
    return test


def _visible(actor: Actor) -> QuerySet[Test]:
    live = Test.objects.filter(deleted_at__isnull=True)
    if actor.is_super_admin or actor.kind is ActorKind.SYSTEM:
        return live
    if actor.role == Role.TENANT_ADMIN:
        return live.filter(is_active=True, type__in=FOR_COMPANIES)
    if actor.role == Role.PUBLIC_USER:
        return live.filter(is_active=True, type__in=FOR_PUBLIC)
    return live.none()
