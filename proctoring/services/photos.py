"""Taking photos in."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import Max

from anticheat.services.devices import device_seen, is_other_device
from cbt.kernel import storage
from cbt.kernel.errors import DomainError, ErrorCode
from cbt.kernel.storage import Picture
from proctoring.models import Photo
from sessions_app.models import ExamSession
from sessions_app.selectors.sessions import session_get_by_token
from sessions_app.services import refusals
from sessions_app.services.closing import is_late
from sessions_app.services.events import event_append
from sessions_app.services.sessions import session_close_if_late, session_lock_open
from sessions_app.states import EventKind, SessionStatus

FOLDER = "test-sessions/photos"
PHOTO_MAX_BYTES = 2048 * 1024
_RETRY_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Captured:
    """A stored photo and the session it belongs to."""

    photo: Photo
    session: ExamSession


def photo_capture(*, token: str, data: bytes, now: datetime, ip: str = "", user_agent: str = "") -> Captured:
    """Store one photo of an open session: decoded and written anew, so that only what can be seen survives.

    data: JPEG or PNG, at most 2048 KiB and 20 megapixels; the name and type it was sent with do not matter.
    Decoding and the file come before the transaction: no lock is held while a picture is read.
    Raises NOT_FOUND, BANNED, SESSION_NOT_IN_PROGRESS, SESSION_PAUSED, VALIDATION_ERROR for ``photo``,
    LIMIT_REACHED after PHOTOS_PER_SESSION. Source: primary contract 6.1; details W-44, W-46.
    """
    before = session_get_by_token(token)
    _refuse_unless_open(before, now)
    picture = storage.reencode_picture(data, max_bytes=PHOTO_MAX_BYTES)
    is_elsewhere = is_other_device(before, ip=ip, user_agent=user_agent)
    path = storage.save(FOLDER, picture.data, picture.extension)
    with _removed_on_failure(path), transaction.atomic():
        session = session_lock_open(token, now=now, may_ban=is_elsewhere)
        photo = _store(session, picture, path, now, ip)
        if is_elsewhere:
            device_seen(session=session, ip=ip, user_agent=user_agent, now=now)
        return Captured(photo, session)


def _refuse_unless_open(session: ExamSession, now: datetime) -> None:
    """Spare the decoding where the answer is known, and close a session whose time is up; the lock decides."""
    if session.is_open and is_late(session, now):
        session_close_if_late(token_hash=session.token_hash, now=now)
        raise refusals.not_in_progress(SessionStatus.COMPLETED)
    if not session.is_open:
        raise refusals.not_in_progress(session.status)
    if session.paused_at is not None:
        raise refusals.paused()


def _store(session: ExamSession, picture: Picture, path: str, now: datetime, ip: str) -> Photo:
    number = (Photo.objects.filter(session_id=session.pk).aggregate(last=Max("number"))["last"] or 0) + 1
    if number > settings.PHOTOS_PER_SESSION:
        raise DomainError(ErrorCode.LIMIT_REACHED, "Photo limit reached for this session", retry_after=_RETRY_SECONDS)
    photo = Photo.objects.create(
        session_id=session.pk,
        number=number,
        path=path,
        mime=picture.mime,
        size_bytes=len(picture.data),
        width=picture.width,
        height=picture.height,
        sha256=picture.sha256,
        ip=ip or None,
        captured_at=now,
    )
    payload = {
        "photo_id": photo.pk,
        "number": number,
        "sha256": picture.sha256,
        "size_bytes": len(picture.data),
        "width": picture.width,
        "height": picture.height,
    }
    event_append(session=session, kind=EventKind.PHOTO_TAKEN, payload=payload, now=now)
    return photo


@contextlib.contextmanager
def _removed_on_failure(path: str) -> Iterator[None]:
    """Remove the file when its row was not stored. What a crash leaves behind is taken by the orphan sweep."""
    try:
        yield
    except BaseException:
        # A commit whose answer was lost may have happened; only a file nobody refers to may go.
        with contextlib.suppress(DatabaseError, OSError):
            if not Photo.objects.filter(path=path).exists():
                storage.delete(path)
        raise
