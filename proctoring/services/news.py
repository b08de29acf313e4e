"""What attendance tells live: to the owner of the test, and to whom it is about."""

from datetime import datetime

from cbt.kernel import clock, feed
from cbt.kernel.feed import Fresh, News
from proctoring.models import Attendance


def owner_topic(owner_id: int | None) -> str:
    """Return the topic of an instructor's tests; those nobody owns are the admins' alone."""
    return f"attendance-owner/{owner_id or 0}"


def student_topic(user_id: int) -> str:
    """Return the topic of a student's own records."""
    return f"attendance-user/{user_id}"


def attendance_tell(row: Attendance, event: News, now: datetime) -> None:
    """Append what became of a record, in its transaction."""
    data = {
        "attendance_id": row.pk,
        "test_id": row.test_id,
        "user_id": row.user_id,
        "status": str(row.status),
        "method": str(row.method),
        "timestamp": clock.iso(row.at),
    }
    topics = (owner_topic(row.test.owner_id), student_topic(row.user_id))
    feed.append([Fresh(topic, event, data) for topic in topics], now=now)
