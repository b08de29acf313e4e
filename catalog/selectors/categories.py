"""Reads of categories."""

from django.db.models import Count, Q, QuerySet

from catalog.models import TestCategory


def category_list() -> QuerySet[TestCategory]:
    """Live categories in display order, each with `tests_count` (live tests, active or not)."""
    return (
        TestCategory.objects.filter(deleted_at__isnull=True)
        .annotate(tests_count=Count("tests", filter=Q(tests__deleted_at__isnull=True)))
        .order_by("sort_order", "name", "pk")
    )


def category_find(category_id: int) -> TestCategory | None:
    """A live category with `tests_count`, or None."""
    return category_list().filter(pk=category_id).first()
