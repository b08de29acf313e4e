"""Every face, the same scenarios: the same rows are left in the database, and the same refusals are meant."""

from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from django.core.cache import cache
from django.db import transaction

from cbt.kernel import clock
from cbt.kernel.actor import SYSTEM
from cbt.kernel.errors import ErrorCode as E
from sessions_app.models import ExamSession, Result, SessionAnswer, SessionEvent
from sessions_app.services.closing import session_ban
from sessions_app.services.locks import lock_session
from tests.sittings import FACES, Sitting
from tests.support import race

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("exam_tree")]
every_face = pytest.mark.parametrize("face", FACES, ids=lambda face: face.__name__)


@pytest.fixture(autouse=True)
def exam_tree(settings, tmp_path, media):
    """Exam files in a tree of this test's own."""
    settings.DATA_DIR = tmp_path


def begun(face: type[Sitting]) -> Sitting:
    sitting = face()
    response = sitting.start()
    assert response.status_code == 200, response.content
    return sitting


def left(session: ExamSession) -> dict[str, object]:
    """Return what a sitting left behind, in the words of the house."""
    session.refresh_from_db()
    answers = SessionAnswer.objects.filter(session=session)
    results = Result.objects.filter(session=session)
    return {
        "status": session.status,
        "by": session.submitted_by,
        "answers": {row.question_id: row.value for row in answers},
        "results": [(row.points, row.correct_count, row.wrong_count, row.unanswered_count) for row in results],
    }


def kinds(session: ExamSession) -> list[str]:
    return list(SessionEvent.objects.filter(session=session).order_by("seq").values_list("kind", flat=True))


@every_face
def test_happy_path__then_the_same_rows(face):
    sitting = begun(face)
    for answers in ({"q1": "b"}, {"q2": "a"}, {"q1": "c"}, {"q1": "b"}):
        assert sitting.save(answers).status_code == 200
    assert sitting.submit().status_code == 200
    assert left(sitting.session) == {
        "status": "completed", "by": "taker", "answers": {"q1": "b", "q2": "a"},
        "results": [(Decimal("1.0000"), 1, 1, 1)],
    }  # fmt: skip
    assert kinds(sitting.session) == ["started", *["answers_saved"] * 4, "submitted", "scored"]


@every_face
def test_late_save__when_within_the_grace__then_taken(face):
    sitting = begun(face)
    with time_machine.travel(sitting.session.deadline_at + timedelta(seconds=29), tick=False):
        assert sitting.save({"q1": "b"}).status_code == 200
    assert left(sitting.session)["answers"] == {"q1": "b"}


@every_face
def test_late_save__when_after_the_grace__then_refused_and_what_was_saved_is_handed_in(face):
    sitting = begun(face)
    assert sitting.save({"q1": "b"}).status_code == 200
    with time_machine.travel(sitting.session.deadline_at + timedelta(seconds=31), tick=False):
        code, is_proper = sitting.refusal(sitting.save({"q2": "b"}))
    assert (code, is_proper) in {(E.SESSION_EXPIRED, True), (E.SESSION_NOT_IN_PROGRESS, True)}
    assert left(sitting.session) == {
        "status": "completed", "by": "timer", "answers": {"q1": "b"}, "results": [(Decimal("1.0000"), 1, 0, 2)],
    }  # fmt: skip
    assert sitting.session.completed_at == sitting.session.deadline_at


@every_face
def test_submit__when_twice__then_one_result_and_both_are_told_so(face):
    sitting = begun(face)
    sitting.save({"q1": "b"})
    first, second = sitting.submit(), sitting.submit()
    assert (first.status_code, second.status_code) == (200, 200)
    assert len(left(sitting.session)["results"]) == 1
    code, is_proper = sitting.refusal(sitting.save({"q2": "b"}))
    assert (code, is_proper) == (E.SESSION_NOT_IN_PROGRESS, True)
    assert left(sitting.session)["answers"] == {"q1": "b"}


@every_face
def test_banned__when_saving_and_submitting__then_refused_and_nothing_moves(face):
    sitting = begun(face)
    sitting.save({"q1": "b"})
    with transaction.atomic():
        session_ban(session=lock_session(pk=sitting.session.pk), reason="seen", now=clock.now(), actor=SYSTEM)
    before = left(sitting.session)
    assert (before["status"], before["results"]) == ("banned", [])
    for act in (lambda: sitting.save({"q1": "c"}), sitting.submit):
        response = act()
        # A banned candidate of the exam room is signed out: that refusal comes first.
        assert sitting.refusal(response)[0] in {E.BANNED, E.SESSION_NOT_IN_PROGRESS, E.UNAUTHENTICATED}
        assert response.status_code in {400, 401, 403, 409}
    assert left(sitting.session) == before


@every_face
def test_unknown_question__then_refused_and_nothing_stored(face):
    sitting = begun(face)
    assert sitting.refusal(sitting.save({"q9": "b"})) == (E.UNKNOWN_QUESTION, True)
    assert left(sitting.session)["answers"] == {}
    assert kinds(sitting.session) == ["started"]


@every_face
def test_somebody_else__then_as_if_it_did_not_exist(face):
    sitting = begun(face)
    sitting.save({"q1": "b"})
    before, session = left(sitting.session), sitting.session
    stranger = sitting.as_stranger()
    for act in (lambda: stranger.save({"q1": "c"}), stranger.submit):
        response = act()
        assert (response.status_code, response.json()["error_code"]) == (404, "NOT_FOUND")
    assert left(session) == before


@every_face
def test_restart_in_the_middle__then_the_same_session_goes_on(face):
    sitting = begun(face)
    sitting.save({"q1": "b"})
    session, paper = sitting.session, sitting.session.paper.question_order
    cache.clear()  # what a restarted server has forgotten
    again = sitting.anew()
    assert again.start().status_code == 200
    assert again.session.pk == session.pk
    assert again.session.paper.question_order == paper
    assert again.session.deadline_at == session.deadline_at
    assert again.save({"q2": "b"}).status_code == 200
    assert again.submit().status_code == 200
    assert left(session)["answers"] == {"q1": "b", "q2": "b"}
    assert left(session)["results"] == [(Decimal("2.0000"), 2, 0, 1)]


@every_face
@pytest.mark.django_db(transaction=True)
def test_saves_and_a_submit_at_once__then_what_was_acknowledged_counts(face):
    sitting = begun(face)
    acts = [lambda: sitting.save({"q1": "b"}), lambda: sitting.save({"q2": "b"}), sitting.submit]
    responses = race(3, lambda index: acts[index]())
    assert responses[2].status_code == 200
    session = sitting.session
    stored = left(session)["answers"]
    for key, response in zip(("q1", "q2"), responses, strict=False):
        assert (response.status_code == 200) == (key in stored)
        if response.status_code != 200:
            assert sitting.refusal(response) == (E.SESSION_NOT_IN_PROGRESS, True)
    ((_, correct, wrong, unanswered),) = left(session)["results"]
    assert (correct, wrong, unanswered) == (len(stored), 0, 3 - len(stored))
