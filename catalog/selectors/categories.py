"""Reads of categories."""

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from catalog.models import Test, TestCategory


def category_list() -> QuerySet[TestCategory]:
    """Live categories in display order, each with `tests_count` (live tests, active or not)."""
    # In a subquery: joined, the tests of all categories would be grouped to show one page.
    live = Test.objects.filter(category_id=OuterRef("pk"), deleted_at__isnull=True).order_by()
    counted = live.values("category_id").annotate(number=Count("*")).values("number")
    return (
        TestCategory.objects.filter(deleted_at__isnull=True)
        .annotate(tests_count=Coalesce(Subquery(counted), 0))
        .order_by("sort_order", "name", "pk")
    )


def category_find(category_id: int) -> TestCategory | None:
    """A live category with `tests_count`, or None."""
    return category_list().filter(pk=category_id).first()
