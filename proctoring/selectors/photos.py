"""Reads of photos."""

from django.db.models import QuerySet

from cbt.kernel.actor import Actor
from proctoring.models import Photo
from sessions_app.models import ExamSession
from sessions_app.selectors.sessions import session_for, session_get_by_token


def photos_by_token(token: str) -> tuple[ExamSession, list[Photo]]:
    """Return the taker's session and its photos that are still kept, oldest first. Raises NOT_FOUND.

    The person watched may see them because the contract says so (6.2).
    """
    session = session_get_by_token(token)
    return session, list(photos_of(session).filter(deleted_at__isnull=True))


def photos_of(session: ExamSession) -> QuerySet[Photo]:
    """Return all photos of a session, oldest first, those whose file is gone among them."""
    return Photo.objects.filter(session_id=session.pk).order_by("number")


def photos_for(actor: Actor, session_id: int) -> QuerySet[Photo]:
    """Return all photos of a session staff may see, oldest first. Raises NOT_FOUND, also for a foreign session."""
    return photos_of(session_for(actor, session_id))
