"""What a private user may take."""

from django.db.models import QuerySet

from commerce.models import Purchase


def purchase_for(user_id: int, test_id: int) -> Purchase | None:
    """Return the user's right to take this test, or None."""
    return Purchase.objects.filter(user_id=user_id, test_id=test_id).first()


def purchases_of(user_id: int) -> QuerySet[Purchase]:
    """Return what a user has bought, newest first, each with its test and category."""
    return Purchase.objects.filter(user_id=user_id).select_related("test__category")
