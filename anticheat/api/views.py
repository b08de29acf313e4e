"""Routes of anti-cheat: the taker's by session token, staff's by sign-in."""

from typing import Any

from django.http import HttpRequest

from anticheat.api.serializers import (
    CheatLogIn,
    CheatLogOut,
    DetectionOut,
    LoggedDetectionOut,
    ResolveIn,
    StaffDetectionOut,
)
from anticheat.selectors.detections import detections_by_token, detections_for
from anticheat.services.detections import cheat_log, detection_resolve
from cbt.http.client import client_ip
from cbt.http.face import Ok
from cbt.http.lean import json_object
from cbt.http.pages import page_of
from cbt.http.rates import Rate
from cbt.http.request import Request
from cbt.http.schema import documented
from cbt.http.views import Scope
from cbt.kernel import clock
from cbt.kernel.errors import ErrorCode
from cbt.kernel.permissions import Perm
from sessions_app.api.clock import clock_keys
from sessions_app.api.session import SessionView
from tenants.api.base import TenantView


class CheatLog(SessionView):
    """Reports of suspicious acts."""

    rate = Rate.SESSION_CHEAT
    max_body_bytes = 64 * 1024

    @documented(
        "Report a suspicious act; the answer tells whether the session goes on",
        request=CheatLogIn,
        response=CheatLogOut,
        errors=[
            ErrorCode.NOT_FOUND, ErrorCode.BANNED, ErrorCode.SESSION_NOT_IN_PROGRESS, ErrorCode.SESSION_PAUSED,
            ErrorCode.VALIDATION_ERROR,
        ],
        example={
            "detection_type": "tab_switch",
            "detection_data": {
                "timestamp": "2024-01-01T00:10:00Z", "details": "User switched tabs",
                "target_url": "https://google.com",
            },
            "severity": 2,
        },
        answer={
            "success": True, "message": "Cheat event logged successfully", "status_code": 200,
            "data": {
                "detection": {"id": 1, "type": "tab_switch", "severity": 2, "created_at": "2024-01-01T00:10:00Z"},
                "session_status": "in_progress", "server_time": "2024-01-01T00:10:00Z", "remaining_seconds": 3000,
            },
        },
    )  # fmt: skip
    def post(self, request: HttpRequest, token: str) -> Ok:
        """Store the report and do what the rules say."""
        report = _report_of(request)
        now = clock.now()
        logged = cheat_log(
            token=token,
            detection_type=report["detection_type"],
            detection_data=report.get("detection_data") or {},
            severity=report.get("severity"),
            now=now,
            ip=client_ip(request),
            user_agent=request.META.get("HTTP_USER_AGENT", ""),
        )
        data = {
            "detection": LoggedDetectionOut(logged.detection).data,
            "session_status": str(logged.session.status),
            **clock_keys(logged.session, now),
        }
        return Ok(data, message="Cheat event logged successfully")


def _report_of(request: HttpRequest) -> dict[str, Any]:
    serializer = CheatLogIn(data=json_object(request))
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


class SessionDetections(SessionView):
    """What was noticed in the taker's own session."""

    rate = Rate.SESSION_READ

    @documented("Detections of a session, newest first", response=DetectionOut, many=True, errors=[ErrorCode.NOT_FOUND])
    def get(self, request: HttpRequest, token: str) -> Ok:
        """List them; also after the session has ended."""
        session, detections = detections_by_token(token)
        return Ok(
            DetectionOut(detections, many=True).data,
            message="Detections retrieved successfully",
            top_level=clock_keys(session, clock.now()),
        )


class StaffDetections(TenantView):
    """What was noticed in a session of the caller's company."""

    permission = Perm.VIEW_CHEAT_DETECTIONS
    rate = Rate.STAFF
    scope = Scope.COMPANY
    admits_super_admin = True

    @documented(
        "Detections of a session, newest first", response=StaffDetectionOut, paged=True, errors=[ErrorCode.NOT_FOUND]
    )
    def get(self, request: Request, session_id: int) -> Ok:
        """List them."""
        detections = detections_for(request.actor, session_id)
        page = page_of(detections, request, lambda row: StaffDetectionOut(row).data)
        return Ok(page=page, message="Detections retrieved successfully")


class ResolveDetection(TenantView):
    """A person's word on one detection. Whoever may ban may also clear."""

    permission = Perm.BAN_PARTICIPANTS
    rate = Rate.STAFF
    scope = Scope.COMPANY
    admits_super_admin = True

    @documented(
        "Take a detection out of the count; a ban that has happened stays",
        request=ResolveIn,
        response=StaffDetectionOut,
        errors=[ErrorCode.NOT_FOUND, ErrorCode.VALIDATION_ERROR],
        example={"note": "The invigilator saw a notification pop up."},
    )
    def post(self, request: Request, session_id: int, detection_id: int) -> Ok:
        """Resolve it; a second time changes nothing."""
        data = ResolveIn.parse(request)
        detection = detection_resolve(
            session_id=session_id,
            detection_id=detection_id,
            note=data.get("note") or "",
            now=clock.now(),
            actor=request.actor,
        )
        return Ok(StaffDetectionOut(detection).data, message="Detection resolved successfully")
