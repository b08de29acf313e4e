"""Participants and assignments as staff see them. Tokens only where a person needs them."""

from datetime import datetime
from typing import Any

from rest_framework import serializers

from cbt.http.fields import JsonObject, OutputSerializer
from cbt.kernel import clock
from cbt.kernel.ids import mask_token
from cbt.kernel.models import OutgoingMail
from sessions_app.api.clock import time_spent
from sessions_app.models import ExamSession, Participant, TestAssignment
from sessions_app.selectors.assignments import assignment_token
from sessions_app.services.sessions import session_token


class ParticipantBriefOut(OutputSerializer):
    """A participant alone, as answers to changes show it."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    email = serializers.EmailField()
    unique_token = serializers.CharField()
    participant_number = serializers.CharField(allow_null=True)
    is_banned = serializers.BooleanField()
    banned_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class ParticipantRowOut(ParticipantBriefOut):
    """A participant as lists show it."""

    company = JsonObject()
    test_assignments = serializers.ListField(child=JsonObject())


class ParticipantDetailOut(ParticipantRowOut):
    """A participant with form, links and sessions."""

    biodata = JsonObject()
    test_sessions = serializers.ListField(child=JsonObject())


class CredentialsOut(OutputSerializer):
    """What a candidate signs in with, shown once."""

    participant_id = serializers.IntegerField()
    name = serializers.CharField()
    participant_number = serializers.CharField(source="number")
    password = serializers.CharField()


class AssignmentOut(OutputSerializer):
    """One assignment with its link's token and the state of its mail."""

    id = serializers.IntegerField()
    unique_token = serializers.CharField()
    test = JsonObject()
    start_date = serializers.DateTimeField()
    end_date = serializers.DateTimeField()
    extra_minutes = serializers.IntegerField()
    is_completed = serializers.BooleanField()
    completed_at = serializers.DateTimeField(allow_null=True)
    is_expired = serializers.BooleanField()
    is_not_started = serializers.BooleanField()
    email = JsonObject(allow_null=True)
    created_at = serializers.DateTimeField()


def assignment_row(assignment: TestAssignment, now: datetime) -> dict[str, Any]:
    """Write one assignment without its token."""
    test = assignment.test
    return {
        "id": assignment.pk,
        "test": {"id": test.pk, "name": test.name, "code": test.code, "duration_minutes": test.duration_minutes},
        "start_date": clock.iso(assignment.start_at),
        "end_date": clock.iso(assignment.end_at),
        "extra_minutes": assignment.extra_seconds // 60,
        "is_completed": assignment.is_completed,
        "completed_at": clock.iso(assignment.completed_at),
        "is_expired": now > assignment.end_at,
        "is_not_started": now < assignment.start_at,
        "created_at": clock.iso(assignment.created_at),
    }


def assignment_detail(assignment: TestAssignment, mail: OutgoingMail | None, now: datetime) -> dict[str, Any]:
    """Write one assignment with its token, which staff may pass on, and how its last mail fared."""
    state = {
        "status": mail.status,
        "attempts": mail.attempts,
        "sent_at": clock.iso(mail.sent_at),
        "last_error": mail.last_error,
    } if mail else None  # fmt: skip
    return {**assignment_row(assignment, now), "unique_token": assignment_token(assignment), "email": state}


def participant_brief(participant: Participant) -> dict[str, Any]:
    """Write a participant alone, as answers to changes do."""
    return {
        "id": participant.pk,
        "name": participant.name,
        "email": participant.email,
        "unique_token": participant.unique_token,
        "participant_number": participant.user.participant_number if participant.user else None,
        "is_banned": participant.banned_at is not None,
        "banned_at": clock.iso(participant.banned_at),
        "created_at": clock.iso(participant.created_at),
        "updated_at": clock.iso(participant.updated_at),
    }


def participant_row(participant: Participant) -> dict[str, Any]:
    """Write a participant for lists."""
    now, company = clock.now(), participant.company
    return {
        **participant_brief(participant),
        "company": {"id": company.pk, "name": company.name, "email": company.email},
        "test_assignments": [assignment_row(row, now) for row in participant.assignments.all()],
    }


def participant_detail(participant: Participant, mails: dict[int, OutgoingMail]) -> dict[str, Any]:
    """Write a participant with everything its screen shows."""
    now = clock.now()
    return {
        **participant_row(participant),
        "biodata": participant.biodata,
        "test_assignments": [assignment_detail(row, mails.get(row.pk), now) for row in participant.assignments.all()],
        "test_sessions": [_session(row, now) for row in participant.sessions.all()],
    }


def _session(session: ExamSession, now: datetime) -> dict[str, Any]:
    """Write a session for staff. Its token lets one answer in the candidate's name, so only its end is shown."""
    return {
        "id": session.pk,
        "session_token": mask_token(session_token(session)),
        "test": {"id": session.test_id, "name": session.test.name, "code": session.test.code},
        "started_at": clock.iso(session.started_at),
        "completed_at": clock.iso(session.completed_at),
        "time_spent_seconds": time_spent(session, now),
        "status": session.status,
        "created_at": clock.iso(session.created_at),
    }
