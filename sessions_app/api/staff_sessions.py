"""Exam sessions as staff see them: list, one with its answers, its log; letting a paused one go on; giving one up."""

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from cbt.http import pages
from cbt.http.face import Ok
from cbt.http.fields import Input, JsonObject, OutputSerializer
from cbt.http.rates import Rate
from cbt.http.request import Request
from cbt.http.schema import documented
from cbt.http.views import Scope
from cbt.kernel import clock
from cbt.kernel.errors import ErrorCode as E
from cbt.kernel.permissions import Perm
from sessions_app.api.clock import clock_keys, time_spent
from sessions_app.models import ExamSession, SessionEvent
from sessions_app.selectors.sessions import (
    session_activity,
    session_events,
    session_for,
    session_list_for,
    sessions_of_people,
)
from sessions_app.services.closing import session_abandon, session_continue
from sessions_app.states import SessionStatus
from tenants.api.base import TenantView

ACCESS = (E.UNAUTHENTICATED, E.FORBIDDEN, E.COMPANY_ADMIN_NOT_FOUND, E.COMPANY_INACTIVE, E.SUBSCRIPTION_REQUIRED)


class StaffSessionOut(OutputSerializer):
    """A session without its token."""

    id = serializers.IntegerField()
    status = serializers.CharField()
    test = JsonObject()
    participant = JsonObject(allow_null=True)
    user_id = serializers.IntegerField(allow_null=True)
    user = JsonObject(allow_null=True)
    attempt_number = serializers.IntegerField()
    started_at = serializers.DateTimeField()
    deadline_at = serializers.DateTimeField(allow_null=True)
    extra_minutes = serializers.IntegerField()
    completed_at = serializers.DateTimeField(allow_null=True)
    submitted_by = serializers.CharField()
    banned_at = serializers.DateTimeField(allow_null=True)
    ban_reason = serializers.CharField()
    paused_at = serializers.DateTimeField(allow_null=True)
    is_flagged = serializers.BooleanField()
    last_seen_at = serializers.DateTimeField()
    last_saved_at = serializers.DateTimeField(allow_null=True)
    time_spent_seconds = serializers.IntegerField()
    result_id = serializers.IntegerField(allow_null=True)
    server_time = serializers.DateTimeField()
    remaining_seconds = serializers.IntegerField(allow_null=True)


def session_row(session: ExamSession) -> dict[str, Any]:
    """Write one session for staff."""
    now, person, user = clock.now(), session.participant, session.account
    return {
        "id": session.pk,
        "status": session.status,
        "test": {"id": session.test_id, "name": session.test.name, "code": session.test.code},
        "participant": {"id": person.pk, "name": person.name, "email": person.email} if person else None,
        "user_id": session.user_id,
        "user": {"id": user.pk, "name": user.name, "email": user.email} if user else None,
        "attempt_number": session.attempt_number,
        "started_at": clock.iso(session.started_at),
        "deadline_at": clock.iso(session.deadline_at),
        "extra_minutes": session.extra_seconds // 60,
        "completed_at": clock.iso(session.completed_at),
        "submitted_by": session.submitted_by,
        "banned_at": clock.iso(session.banned_at),
        "ban_reason": session.ban_reason,
        "paused_at": clock.iso(session.paused_at),
        "is_flagged": session.is_flagged,
        "last_seen_at": clock.iso(session.last_seen_at),
        "last_saved_at": clock.iso(session.last_saved_at),
        "time_spent_seconds": time_spent(session, now),
        "result_id": getattr(session, "result_id", None),
        **clock_keys(session, now),
    }


class StaffView(TenantView):
    """A staff view of sessions; super admins see every company's."""

    permission = Perm.VIEW_TEST_SESSIONS
    rate = Rate.STAFF
    scope = Scope.COMPANY
    admits_super_admin = True


def filtered(request: Request) -> QuerySet[ExamSession]:
    """Return the sessions the caller may see, narrowed by the request's filters."""
    narrow = {
        "status": pages.choice_of(request, "status", {status.value for status in SessionStatus}),
        "test_id": pages.int_of(request, "test", "test_id"),
        "participant_id": pages.int_of(request, "participant", "participant_id"),
        "is_flagged": pages.bool_of(request, "flagged"),
    }
    rows, search = session_list_for(request.actor), pages.search_of(request, "name", "email")
    if search:
        rows = rows.filter(sessions_of_people(request.actor, search))
    return rows.filter(**{name: value for name, value in narrow.items() if value is not None})


class SessionList(StaffView):
    """All sessions the caller may see."""

    @documented(
        "List sessions", response=StaffSessionOut, paged=True, errors=(*ACCESS, E.VALIDATION_ERROR),
        query=[
            ("status", "in_progress, completed, banned or abandoned"), ("test", "Test id"),
            ("participant", "Participant id"), ("flagged", "true: only those a person should look at"),
            ("search", "Name or address of whoever sits it"),
        ],
    )  # fmt: skip
    def get(self, request: Request) -> Ok:
        """Return a page of sessions, newest first."""
        page = pages.page_of(filtered(request), request, session_row)
        return Ok(page=page, message="Sessions retrieved successfully")


class SessionDetailOut(StaffSessionOut):
    """A session with the answers as they stand, and how each came about."""

    answers = serializers.ListField(child=JsonObject())
    activity = serializers.ListField(
        child=JsonObject(), help_text="{question_id, change_count, seconds, first_at, last_at}; seconds are an estimate"
    )


class SessionDetail(StaffView):
    """One session."""

    @documented("Get a session", response=SessionDetailOut, errors=(*ACCESS, E.NOT_FOUND))
    def get(self, request: Request, session_id: int) -> Ok:
        """Return the session with the answers as they stand."""
        session = session_for(request.actor, session_id)
        answers = [
            {"question_id": row.question_id, "answer": row.value, "updated_at": clock.iso(row.updated_at)}
            for row in session.answers.order_by("question_id")
        ]
        activity = [
            {
                "question_id": row.question_id, "change_count": row.change_count, "seconds": row.seconds,
                "first_at": clock.iso(row.first_at), "last_at": clock.iso(row.last_at),
            }
            for row in session_activity(session)
        ]  # fmt: skip
        shown = {**session_row(session), "answers": answers, "activity": activity}
        return Ok(shown, message="Session retrieved successfully")


class EventOut(OutputSerializer):
    """One line of the log."""

    seq = serializers.IntegerField()
    kind = serializers.CharField()
    payload = JsonObject()
    client_at = serializers.DateTimeField(allow_null=True)
    at = serializers.DateTimeField()


def event_row(event: SessionEvent) -> dict[str, Any]:
    """Write one event."""
    return {
        "seq": event.seq,
        "kind": event.kind,
        "payload": event.payload,
        "client_at": clock.iso(event.client_at),
        "at": clock.iso(event.at),
    }


class SessionLog(StaffView):
    """The append-only log."""

    @documented("Get a session's log", response=EventOut, paged=True, errors=(*ACCESS, E.NOT_FOUND))
    def get(self, request: Request, session_id: int) -> Ok:
        """Return a page of the log, first event first."""
        session = session_for(request.actor, session_id)
        page = pages.page_of(session_events(session), request, event_row)
        return Ok(page=page, message="Events retrieved successfully")


class Continue(StaffView):
    """Let a paused session go on."""

    permission = Perm.BAN_PARTICIPANTS

    @documented(
        "Let a paused session go on", response=StaffSessionOut,
        errors=(*ACCESS, E.NOT_FOUND, E.BUSINESS_RULE, E.SESSION_NOT_IN_PROGRESS),
    )  # fmt: skip
    def post(self, request: Request, session_id: int) -> Ok:
        """Give the pause back as time and let the candidate go on."""
        found = session_for(request.actor, session_id)
        session = session_continue(session_id=found.pk, now=clock.now(), actor=request.actor)
        return Ok(session_row(session), message="Session continued successfully")


class AbandonIn(Input):
    """Why a session is given up."""

    reason = serializers.CharField(max_length=300)


class Abandon(StaffView):
    """Give a session up for its taker."""

    permission = Perm.BAN_PARTICIPANTS

    @documented(
        "Give a session up", request=AbandonIn, response=StaffSessionOut,
        errors=(*ACCESS, E.NOT_FOUND, E.VALIDATION_ERROR, E.SESSION_NOT_IN_PROGRESS),
        example={"reason": "Power cut in room 3"},
    )  # fmt: skip
    def post(self, request: Request, session_id: int) -> Ok:
        """End the session without scoring it; the candidate may start again."""
        found = session_for(request.actor, session_id)
        reason = AbandonIn.parse(request)["reason"]
        session = session_abandon(session_id=found.pk, reason=reason, now=clock.now(), actor=request.actor)
        return Ok(session_row(session), message="Session abandoned successfully")
