"""Taking a test of a class in one go: start, save and submit. Source: v1 contract ``POST /v1/tests/{id}/submit``."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from catalog.models import Test
from sessions_app.models import ExamSession, Result
from sessions_app.services.closing import Submitted, session_submit
from sessions_app.services.locks import lock_user
from sessions_app.services.saving import answers_save
from sessions_app.services.sessions import Origin, session_start_class
from sessions_app.states import SessionStatus


@transaction.atomic
def class_test_submit(
    *, taker_id: int, test: Test, answers: Mapping[str, Any], now: datetime, origin: Origin
) -> Submitted:
    """Store a taker's answers and score them; whoever has no attempt left gets the result there is.

    answers: {question id: option id}; None and missing ones count as unanswered. All of it or nothing.
    Twins wait for each other at the taker's row, so a request sent twice is answered twice and counted once.
    Raises TEST_NOT_AVAILABLE, UNKNOWN_QUESTION, VALIDATION_ERROR, BANNED.
    """
    lock_user(taker_id)
    done = _completed(taker_id, test)
    if len(done) >= test.max_attempts:
        result = Result.objects.get(session=done[-1], is_current=True)
        return Submitted(done[-1], result, is_replay=True)
    started = session_start_class(taker_id=taker_id, test=test, now=now, origin=origin)
    if answers:
        answers_save(token=started.token, answers=answers, revision=None, client_at=None, now=now)
    return session_submit(token=started.token, now=now)


def _completed(taker_id: int, test: Test) -> list[ExamSession]:
    rows = ExamSession.objects.filter(taker_id=taker_id, test_id=test.pk, status=SessionStatus.COMPLETED)
    return list(rows.order_by("attempt_number"))
