"""What a private buyer may take, with how far each test is."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from commerce.models import Purchase
from sessions_app.engine import timing
from sessions_app.models import ExamSession
from sessions_app.states import SessionStatus


@dataclass(frozen=True, slots=True)
class Bought:
    """A purchase, and how far it is. A session whose time is up counts as completed, though nobody closed it yet."""

    purchase: Purchase
    has_open: bool
    has_completed: bool

    @property
    def can_be_taken(self) -> bool:
        """Tell whether its test is on offer, or is being taken."""
        test = self.purchase.test
        return self.has_open or (test.is_active and test.deleted_at is None)


def purchases_with_state(user_id: int, *, now: datetime) -> list[Bought]:
    """Return a user's purchases with test and category and their state at ``now``, newest first; two queries."""
    rows = Purchase.objects.filter(user_id=user_id).select_related("test__category", "user")
    found: dict[int | None, set[SessionStatus]] = defaultdict(set)
    sessions = ExamSession.objects.filter(purchase__user_id=user_id).only(
        "purchase_id", "status", "deadline_at", "grace_seconds", "paused_at"
    )
    for session in sessions.order_by():
        found[session.purchase_id].add(_state(session, now))
    return [
        Bought(row, SessionStatus.IN_PROGRESS in found[row.pk], SessionStatus.COMPLETED in found[row.pk])
        for row in rows.order_by("-purchased_at", "-pk")
    ]


def _state(session: ExamSession, now: datetime) -> SessionStatus:
    is_over = timing.is_over(
        now=now, deadline=session.deadline_at, grace_seconds=session.grace_seconds, paused_at=session.paused_at
    )
    return SessionStatus.COMPLETED if session.is_open and is_over else SessionStatus(session.status)
