"""Routes of photos: the taker's by session token, staff's by sign-in."""

from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError

from cbt.http.clean import bad_payload
from cbt.http.client import client_ip
from cbt.http.face import Ok
from cbt.http.pages import page_of
from cbt.http.rates import Rate
from cbt.http.request import Request
from cbt.http.schema import documented
from cbt.http.views import Scope
from cbt.kernel import clock
from cbt.kernel.errors import ErrorCode, invalid
from cbt.kernel.permissions import Perm
from proctoring.api.serializers import CapturedOut, PhotoIn, PhotoOut, StaffPhotoOut, photo_row, staff_photo_row
from proctoring.selectors.photos import photos_by_token, photos_for
from proctoring.services.photos import PHOTO_MAX_BYTES, photo_capture
from sessions_app.api.clock import clock_keys
from sessions_app.api.session import WRITE_ERRORS, SessionView
from tenants.api.base import TenantView


class PhotoCapture(SessionView):
    """Photos a candidate's page takes every 30 to 60 seconds."""

    rate = Rate.SESSION_PHOTO
    # Above the limit of a photo, so that one a little too large is told so as a fault of its field.
    max_body_bytes = 4 * PHOTO_MAX_BYTES

    @documented(
        "Store a photo",
        request=PhotoIn,
        response=CapturedOut,
        multipart=True,
        errors=[*WRITE_ERRORS, ErrorCode.VALIDATION_ERROR, ErrorCode.LIMIT_REACHED, ErrorCode.PAYLOAD_TOO_LARGE],
        answer={
            "success": True, "message": "Photo captured successfully", "status_code": 200,
            "data": {
                "photo": {
                    "id": 1,
                    "url": "http://localhost:8000/storage/test-sessions/photos/abc123.jpg?signature=1abc:xyz",
                    "captured_at": "2024-01-01T00:15:00Z",
                },
                "server_time": "2024-01-01T00:15:00Z", "remaining_seconds": 2700,
            },
        },
    )  # fmt: skip
    def post(self, request: HttpRequest, token: str) -> Ok:
        """Take one in."""
        now = clock.now()
        captured = photo_capture(
            token=token,
            data=_photo_of(request),
            now=now,
            ip=client_ip(request),
            user_agent=request.META.get("HTTP_USER_AGENT", ""),
        )
        data = {
            "photo": photo_row(captured.photo, request.build_absolute_uri),
            **clock_keys(captured.session, now),
        }
        return Ok(data, message="Photo captured successfully")


def _photo_of(request: HttpRequest) -> bytes:
    """Return the bytes of the field ``photo``, one more than allowed at most."""
    try:
        upload = request.FILES.get("photo")
    except MultiPartParserError as error:
        raise bad_payload("The request could not be read.") from error
    if upload is None:
        raise invalid(photo="The photo field is required.")
    return bytes(upload.read(PHOTO_MAX_BYTES + 1))


class SessionPhotos(SessionView):
    """The photos of the taker's own session."""

    rate = Rate.SESSION_READ

    @documented("Photos of a session, oldest first", response=PhotoOut, many=True, errors=[ErrorCode.NOT_FOUND])
    def get(self, request: HttpRequest, token: str) -> Ok:
        """List them; also after the session has ended."""
        session, photos = photos_by_token(token)
        return Ok(
            [photo_row(photo, request.build_absolute_uri) for photo in photos],
            message="Photos retrieved successfully",
            top_level=clock_keys(session, clock.now()),
        )


class StaffPhotos(TenantView):
    """The photos of a session of the caller's company."""

    permission = Perm.VIEW_MONITORING
    rate = Rate.STAFF
    scope = Scope.COMPANY
    admits_super_admin = True

    @documented("Photos of a session, oldest first", response=StaffPhotoOut, paged=True, errors=[ErrorCode.NOT_FOUND])
    def get(self, request: Request, session_id: int) -> Ok:
        """List them."""
        photos = photos_for(request.actor, session_id)
        page = page_of(photos, request, lambda photo: staff_photo_row(photo, request.build_absolute_uri))
        return Ok(page=page, message="Photos retrieved successfully")
