"""What a private buyer may take, with how far each test is."""

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from commerce.models import Purchase
from sessions_app.models import ExamSession
from sessions_app.states import SessionStatus


def purchases_with_state(user_id: int) -> "QuerySet[Any]":
    """Return a user's purchases with test and category, ``has_open`` and ``has_completed``; one query."""
    sessions = ExamSession.objects.filter(purchase=OuterRef("pk"))
    return (
        Purchase.objects.filter(user_id=user_id)
        .select_related("test__category", "user")
        .annotate(
            has_open=Exists(sessions.filter(status=SessionStatus.IN_PROGRESS)),
            has_completed=Exists(sessions.filter(status=SessionStatus.COMPLETED)),
        )
        .order_by("-purchased_at", "-pk")
    )


def purchases_to_take(user_id: int) -> "QuerySet[Any]":
    """Return as `purchases_with_state` those whose test is on offer, or is being taken by this user."""
    on_offer = Q(test__is_active=True, test__deleted_at__isnull=True)
    return purchases_with_state(user_id).filter(on_offer | Q(has_open=True))
