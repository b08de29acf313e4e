"""Every face, the same scenarios: the same rows are left in the database, and the same refusals are meant.

A face without a save (`Sitting.has_save`) runs what it can say; where it cannot, the scenario names it and the
section "in one go" says what holds instead.
"""

from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from django.core.cache import cache

from cbt.kernel import clock
from cbt.kernel.errors import ErrorCode as E
from sessions_app.models import ExamSession, Result, SessionAnswer, SessionEvent
from tests.faces import parts
from tests.sittings import ByLink, ByPurchase, Sitting
from tests.support import race

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("exam_tree")]
FACES: list[type[Sitting]] = [ByLink, ByPurchase, *(part.DRIVER for part in parts("sitting"))]


def each(faces):
    return pytest.mark.parametrize("face", faces, ids=lambda face: face.__name__)


every_face = each(FACES)
faces_that_save = each([face for face in FACES if face.has_save])
faces_in_one_go = each([face for face in FACES if not face.has_save])


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


def everything_left() -> list[dict[str, object]]:
    return [left(session) for session in ExamSession.objects.order_by("pk")]


def kinds(session: ExamSession) -> list[str]:
    return list(SessionEvent.objects.filter(session=session).order_by("seq").values_list("kind", flat=True))


@every_face
def test_happy_path__then_the_same_rows(face):
    sitting = begun(face)
    for answers in ({"q1": "b"}, {"q2": "a"}, {"q1": "c"}, {"q1": "b"}):
        sitting.keep(answers)
    assert sitting.submit().status_code == 200
    assert left(sitting.session) == {
        "status": "completed", "by": "taker", "answers": {"q1": "b", "q2": "a"},
        "results": [(Decimal("1.0000"), 1, 1, 1)],
    }  # fmt: skip
    assert kinds(sitting.session) == [
        "started",
        *["answers_saved"] * (4 if face.has_save else 1),
        "submitted",
        "scored",
    ]


@faces_that_save
def test_late_save__when_within_the_grace__then_taken(face):
    sitting = begun(face)
    with time_machine.travel(sitting.session.deadline_at + timedelta(seconds=29), tick=False):
        assert sitting.save({"q1": "b"}).status_code == 200
    assert left(sitting.session)["answers"] == {"q1": "b"}


@faces_that_save
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
    sitting.keep({"q1": "b"})
    first, second = sitting.submit(), sitting.submit()
    assert (first.status_code, second.status_code) == (200, 200)
    more = sitting.send({"q2": "b"})
    if face.has_save:
        assert sitting.refusal(more) == (E.SESSION_NOT_IN_PROGRESS, True)
    else:  # the third hand-in: the first result again
        assert more.json() == second.json()
    assert left(sitting.session)["answers"] == {"q1": "b"}
    assert left(sitting.session)["results"] == [(Decimal("1.0000"), 1, 0, 2)]


@every_face
def test_banned__when_saving_and_submitting__then_refused_and_nothing_moves(face):
    sitting = begun(face)
    sitting.keep({"q1": "b"})
    sitting.ban()
    before = everything_left()
    assert [(row["status"], row["results"]) for row in before] == ([("banned", [])] if face.has_save else [])
    for act in (lambda: sitting.send({"q1": "c"}), sitting.submit):
        response = act()
        # A banned candidate of the exam room and a student who was shut out are signed out: that refusal comes first.
        assert sitting.refusal(response)[0] in {E.BANNED, E.SESSION_NOT_IN_PROGRESS, E.UNAUTHENTICATED}
        assert response.status_code in {400, 401, 403, 409}
    assert everything_left() == before


@every_face
def test_unknown_question__then_refused_and_nothing_stored(face):
    sitting = begun(face)
    assert sitting.refusal(sitting.send({"q9": "b"})) == (E.UNKNOWN_QUESTION, True)
    assert [(row["answers"], row["results"]) for row in everything_left()] == ([({}, [])] if face.has_save else [])
    assert list(SessionEvent.objects.values_list("kind", flat=True)) == (["started"] if face.has_save else [])


@every_face
def test_somebody_else__then_as_if_it_did_not_exist(face):
    sitting = begun(face)
    assert sitting.send({"q1": "b"}).status_code == 200
    before = everything_left()
    stranger = sitting.as_stranger()
    for act in (lambda: stranger.send({"q1": "c"}), stranger.submit):
        response = act()
        assert (response.status_code, response.json()["error_code"]) == (404, "NOT_FOUND")
    assert everything_left() == before


@faces_that_save
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


@faces_that_save
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


@every_face
@pytest.mark.django_db(transaction=True)
def test_two_submits_at_once__then_one_result_and_both_are_told_so(face):
    sitting = begun(face)
    sitting.keep({"q1": "b"})
    responses = race(2, lambda _: sitting.submit())
    assert [response.status_code for response in responses] == [200, 200]
    assert left(sitting.session) == {
        "status": "completed", "by": "taker", "answers": {"q1": "b"}, "results": [(Decimal("1.0000"), 1, 0, 2)],
    }  # fmt: skip
    assert kinds(sitting.session) == ["started", "answers_saved", "submitted", "scored"]


# --- in one go --------------------------------------------------------------------------------------------


@faces_in_one_go
def test_late__when_the_session_begins_with_its_submit__then_nothing_can_be(face):
    sitting = begun(face)
    sitting.set_duration(1)
    sitting.keep({"q1": "b"})
    with time_machine.travel(clock.now() + timedelta(minutes=10), tick=False):
        assert sitting.submit().status_code == 200
    session = sitting.session
    assert left(session) == {
        "status": "completed", "by": "taker", "answers": {"q1": "b"}, "results": [(Decimal("1.0000"), 1, 0, 2)],
    }  # fmt: skip
    assert session.started_at == session.completed_at
    assert session.deadline_at - session.started_at == timedelta(minutes=1)


@faces_in_one_go
def test_restart__when_the_answer_to_a_submit_was_lost__then_the_next_gets_the_same_result(face):
    sitting = begun(face)
    sitting.keep({"q1": "b"})
    assert not ExamSession.objects.exists(), "what was not handed in is with the client alone"
    first = sitting.submit()
    before = everything_left()
    cache.clear()  # what a restarted server has forgotten
    again = sitting.anew()
    assert again.start().status_code == 200
    repeated = again.submit().json()
    assert repeated["score"] == first.json()["score"]
    assert repeated["details"] == {**first.json()["details"], "already_submitted": True}
    assert everything_left() == before


@faces_in_one_go
@pytest.mark.django_db(transaction=True)
def test_two_submits_at_once__when_they_differ__then_one_counts_whole_and_both_get_its_score(face):
    sitting = begun(face)
    other = sitting.anew()
    sitting.keep({"q1": "b"})
    other.keep({"q1": "a", "q2": "b", "q3": "b"})
    responses = race(2, lambda index: (sitting, other)[index].submit())
    assert {response.status_code for response in responses} == {200}
    (row,) = everything_left()
    assert row["answers"] in (sitting.answers, other.answers)
    expected = 1 if row["answers"] == sitting.answers else 2
    assert [response.json()["score"] for response in responses] == [expected, expected]
    assert sorted(response.json()["details"]["already_submitted"] for response in responses) == [False, True]
