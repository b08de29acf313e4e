"""Jobs that make files what the database says."""

import logging
from datetime import timedelta

from django.db.models import Q

from cbt.faces.exam_files import library, projection, tree
from cbt.kernel import clock, jobs
from cbt.kernel.events import SessionBanned, SessionCompleted
from sessions_app.models import ExamSession

logger = logging.getLogger("cbt.exam_files")
LOOK_BACK = timedelta(hours=24)


@jobs.handler(projection.PROJECT_JOB)
def project_attempt(session_id: int) -> None:
    """Write the files of one attempt that could not be written before; fails, and is tried again, while they cannot."""
    projection.project(ExamSession.objects.get(pk=session_id))


def on_session_ended(event: SessionCompleted | SessionBanned) -> None:
    """See that the files of an attempt are written however it ended, and whoever dies after that.

    Runs inside the transaction that ends it: the clock and staff end attempts without a request of this face.
    """
    if ExamSession.objects.filter(pk=event.session_id).exclude(exam_file="").exists():
        projection.project_later(event.session_id)


@jobs.periodic("exam_files.refresh", every_seconds=300, purpose="bring files of recent attempts up to the database")
def refresh() -> dict[str, int]:
    """Look at attempts that changed or ended within a day, also by the clock or by staff; name broken exam files."""
    since = clock.now() - LOOK_BACK
    recent = Q(started_at__gt=since) | Q(last_saved_at__gt=since) | Q(completed_at__gt=since)
    recent |= Q(banned_at__gt=since) | Q(abandoned_at__gt=since)
    failed = 0
    rows = ExamSession.objects.exclude(exam_file="").filter(recent).order_by("pk")
    for session in rows.iterator(chunk_size=500):
        try:
            projection.project(session)
        except OSError as error:
            failed += 1
            logger.error("the files of attempt %s are stale: %s", session.pk, type(error).__name__)
    return {"failed": failed, "swept": tree.sweep(), "broken": len(library.exams()[1])}
