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
    offered = live.filter(is_active=True, owner__isnull=True)
    if actor.is_super_admin or actor.kind is ActorKind.SYSTEM:
        return live
    if actor.role == Role.TENANT_ADMIN:
        return offered.filter(type__in=FOR_COMPANIES)
    if actor.role == Role.PUBLIC_USER:
        return offered.filter(type__in=FOR_PUBLIC)
    return live.none()


def class_tests_for(actor: Actor) -> QuerySet[Test]:
    """Return the tests of the v1 dialect the actor may see, oldest first.

    Admin: all live ones, also those that are sold. Instructor: own ones. Student: active ones somebody owns, which
    is every test made for classes. Anybody else: none. Source: v1 contract, tests; decisions "v1 roles".
    """
    live = Test.objects.filter(deleted_at__isnull=True).order_by("pk")
    if actor.is_super_admin:
        return live
    if actor.role == Role.INSTRUCTOR:
        return live.filter(owner_id=actor.id)
    if actor.role == Role.STUDENT:
        return live.filter(owner__isnull=False, is_active=True)
    return live.none()


def class_test_for(actor: Actor, test_id: int) -> Test:
    """One test as `class_tests_for`. Raises NOT_FOUND, alike for absent and hidden ones."""
    test = class_tests_for(actor).filter(pk=test_id).first()
    if test is None:
        raise not_found()
    return test


def sees_keys(actor: Actor, test: Test) -> bool:
    """Tell whether the actor is an author of this test: keys are theirs and nobody else's."""
    return actor.is_super_admin or (actor.role == Role.INSTRUCTOR and test.owner_id == actor.id)
