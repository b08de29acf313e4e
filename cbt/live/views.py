"""The plainest reader: asking now and then what came after the last event."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest
from rest_framework import serializers

from accounts.states import Role
from cbt.http.face import Ok
from cbt.http.fields import JsonObject, OutputSerializer
from cbt.http.rates import Rate
from cbt.http.request import Request
from cbt.http.schema import documented
from cbt.http.views import Access, FaceView, Scope
from cbt.kernel import feed
from cbt.kernel.errors import ErrorCode as E
from cbt.kernel.errors import invalid
from cbt.kernel.permissions import Perm
from cbt.live.frames import frame_of
from cbt.live.topics import (
    Grant,
    attendance_grant,
    exam_grant,
    import_grant,
    monitor_grant,
    session_grant,
    sitting_grant,
)
from sessions_app.api.session import SessionView
from tenants.api.base import TenantView

MOST = 100
QUERY = [("after", "Id of the last event seen; 0: everything that is kept")]
ACCESS = (E.UNAUTHENTICATED, E.FORBIDDEN, E.VALIDATION_ERROR)
STAFF = (*ACCESS, E.COMPANY_ADMIN_NOT_FOUND, E.COMPANY_INACTIVE)
EVENT = {
    "event": "import.progress", "id": 123,
    "data": {
        "import_id": 1, "job_id": 7, "done": 40, "total": 100, "created": 39, "failed": 1, "state": "running",
    },
    "at": "2024-01-01T00:00:00Z",
}  # fmt: skip
ANSWER = {
    "success": True, "message": "Success", "status_code": 200,
    "data": {"events": [EVENT], "last_event_id": 123, "has_more": False, "is_reset": False},
}  # fmt: skip


class FeedEventOut(OutputSerializer):
    """One event, as sockets and streams send it."""

    event = serializers.CharField()
    id = serializers.IntegerField()
    data = JsonObject()  # type: ignore[assignment]
    at = serializers.DateTimeField()


class NewsOut(OutputSerializer):
    """What came after. last_event_id: the next request's ``after``.  is_reset: what was missed is partly gone."""

    events = FeedEventOut(many=True)
    last_event_id = serializers.IntegerField()
    has_more = serializers.BooleanField()
    is_reset = serializers.BooleanField()


def news_of(grant: Grant, params: Mapping[str, str]) -> dict[str, Any]:
    """Return what a reader has not seen, 100 events at most. The end is looked up first, so nothing falls between.

    Without ``after``: an import or a sitting from its beginning; of the others only where they are now.
    Three queries at most. Raises VALIDATION_ERROR.
    """
    end = feed.latest()
    cursor, is_reset = feed.START if grant.is_from_start else end, False
    text = (params.get("after") or "").strip()
    if text:
        if not (text.isascii() and text.isdigit()) or len(text) > 18:
            raise invalid(after="The after must be an integer.")
        known = feed.position_of(int(text))
        cursor, is_reset = known or cursor, known is None
    rows = feed.after(cursor, topics=grant.topics, until=end, limit=MOST + 1)
    has_more = len(rows) > MOST
    rows = rows[:MOST]
    return {
        "events": [frame_of(row) for row in rows],
        "last_event_id": rows[-1].pk if has_more else end.id,
        "has_more": has_more,
        "is_reset": is_reset,
    }


class ImportNews(TenantView):
    """The progress of an import."""

    permission = Perm.IMPORT_PARTICIPANTS
    rate = Rate.STAFF
    scope = Scope.COMPANY
    admits_super_admin = True
    needs_subscription = False  # as for the import itself

    @documented("News of an import", response=NewsOut, errors=(*STAFF, E.NOT_FOUND), query=QUERY, answer=ANSWER)
    def get(self, request: Request, import_id: int) -> Ok:
        """Return what came after."""
        return Ok(news_of(import_grant(request.actor, import_id), request.query_params))


class MonitorNews(TenantView):
    """The sessions of a company."""

    permission = Perm.VIEW_MONITORING
    rate = Rate.STAFF
    scope = Scope.COMPANY
    admits_super_admin = True
    needs_subscription = False  # candidates who sit still sit, whatever the contract

    @documented(
        "News of the company's sessions; of all, for staff of the house", response=NewsOut, errors=STAFF, query=QUERY
    )
    def get(self, request: Request) -> Ok:
        """Return what came after."""
        return Ok(news_of(monitor_grant(request.actor), request.query_params))


class AttendanceNews(FaceView):
    """Attendance."""

    permission = Access.SIGNED_IN
    rate = Rate.STAFF
    scope = Scope.SELF

    @documented(
        "News of attendance: at own tests for instructors, one's own for students, all for admins",
        response=NewsOut, errors=ACCESS, query=QUERY,
    )  # fmt: skip
    def get(self, request: Request) -> Ok:
        """Return what came after."""
        return Ok(news_of(attendance_grant(request.actor), request.query_params))


class SessionNews(SessionView):
    """The taker's own sitting."""

    rate = Rate.SESSION_READ

    @documented(
        "News of the session", response=NewsOut, errors=(E.NOT_FOUND, E.BANNED, E.VALIDATION_ERROR), query=QUERY
    )
    def get(self, request: HttpRequest, token: str) -> Ok:
        """Return what came after."""
        return Ok(news_of(session_grant(token), request.GET))


class ExamNews(FaceView):
    """The own sitting of a candidate who signed in."""

    permission = Perm.TAKE_TESTS
    role = Role.PARTICIPANT
    rate = Rate.EXAM_READ
    scope = Scope.SELF

    @documented(
        "News of my sitting of an exam", response=NewsOut, query=QUERY,
        errors=(*ACCESS, E.NOT_FOUND, E.SESSION_NOT_IN_PROGRESS, E.BANNED),
    )  # fmt: skip
    def get(self, request: Request, exam_id: int) -> Ok:
        """Return what came after; the exam must have been begun."""
        return Ok(news_of(exam_grant(request.actor, exam_id), request.query_params))


class SittingNews(FaceView):
    """A sitting of the caller's own, sat as a user."""

    permission = Perm.TAKE_TESTS
    rate = Rate.EXAM_READ
    scope = Scope.SELF

    @documented(
        "News of my own sitting, of an exam file for one", response=NewsOut, query=QUERY,
        errors=(*ACCESS, E.NOT_FOUND, E.BANNED),
    )  # fmt: skip
    def get(self, request: Request, session_id: int) -> Ok:
        """Return what came after; the number is that of the attempt."""
        return Ok(news_of(sitting_grant(request.actor, session_id), request.query_params))
