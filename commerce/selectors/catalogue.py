"""What is on sale for private users."""

from django.db.models import QuerySet

from catalog.models import Test, TestCategory
from catalog.states import FOR_PUBLIC
from cbt.kernel.errors import not_found
from commerce.models import Purchase


def catalogue() -> QuerySet[Test]:
    """Active tests of type public or all, made for no class, with their category, by sort_order and name."""
    return (
        Test.objects.filter(deleted_at__isnull=True, is_active=True, owner__isnull=True, type__in=FOR_PUBLIC)
        .select_related("category")
        .order_by("sort_order", "name", "pk")
    )


def catalogue_test(test_id: int) -> Test:
    """One test of the catalogue. Raises NOT_FOUND, alike for absent, inactive and company tests."""
    test = catalogue().filter(pk=test_id).first()
    if test is None:
        raise not_found("Test not found or not available")
    return test


def catalogue_categories() -> QuerySet[TestCategory]:
    """Active categories in display order."""
    return TestCategory.objects.filter(deleted_at__isnull=True, is_active=True).order_by("sort_order", "name", "pk")


def is_on_sale(test: Test) -> bool:
    """Tell whether a private user may buy this test now."""
    return test.deleted_at is None and test.is_active and test.owner_id is None and test.type in FOR_PUBLIC


def is_purchased(user_id: int, test_id: int) -> bool:
    """Tell whether the user may take this test already."""
    return Purchase.objects.filter(user_id=user_id, test_id=test_id).exists()
