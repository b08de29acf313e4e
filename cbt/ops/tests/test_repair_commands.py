"""Commands that look after sessions: closing late ones, making answers anew from the log."""

from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command

from cbt.kernel import clock
from cbt.kernel.models import AuditEvent
from sessions_app.models import ExamSession, Result, SessionAnswer, SessionEvent
from sessions_app.services import projection
from sessions_app.services.projection import answers_rebuild, answers_replay
from sessions_app.services.saving import answers_save
from sessions_app.tests.factories import start_session
from tests.support import counted_queries

pytestmark = pytest.mark.django_db


def said(name, *arguments):
    out = StringIO()
    call_command(name, *arguments, stdout=out)
    return out.getvalue()


def save(started, answers, revision=None):
    answers_save(token=started.token, answers=answers, revision=revision, client_at=None, now=clock.now())


def rows(session_id):
    return list(
        SessionAnswer.objects.filter(session_id=session_id)
        .order_by("question_id")
        .values_list("question_id", "value", "revision", "updated_at")
    )


@pytest.fixture
def sitting(db):
    """A session whose answers were saved, changed, cleared, repeated late and saved without revision."""
    started = start_session()
    with time_machine.travel(clock.now(), tick=False) as moment:
        for answers, revision in [
            ({"q1": "a"}, None), ({"q1": "b", "q2": "a"}, 3), ({"q1": "c"}, 2), ({"q2": None}, 4), ({"q1": "a"}, None),
            ({"q1": "a"}, 9),
        ]:  # fmt: skip
            moment.shift(1.234567)
            save(started, answers, revision)
    return started.session.pk


# --- close_late_sessions ----------------------------------------------------------------------------


def test_close__when_dry_run__then_lists_and_closes_nothing():
    started = start_session()
    start_session()
    ExamSession.objects.filter(pk=started.session.pk).update(
        started_at=clock.now() - timedelta(hours=3), deadline_at=clock.now() - timedelta(hours=2)
    )
    text = said("close_late_sessions", "--dry-run")
    assert text.splitlines()[0].startswith(f"session {started.session.pk} ended 20")
    assert text.endswith("1 sessions would be closed\n")
    assert not ExamSession.objects.exclude(status="in_progress").exists()


def test_close__then_every_late_session_is_completed_and_scored(monkeypatch):
    monkeypatch.setattr("sessions_app.services.closing.BATCH", 2)
    late = [start_session().session.pk for _ in range(3)]
    ExamSession.objects.update(
        started_at=clock.now() - timedelta(hours=3), deadline_at=clock.now() - timedelta(hours=2)
    )
    open_one = start_session().session.pk
    assert said("close_late_sessions") == "3 sessions closed\n"
    assert set(ExamSession.objects.filter(status="completed").values_list("pk", flat=True)) == set(late)
    assert Result.objects.count() == 3
    assert ExamSession.objects.get(pk=open_one).is_open
    assert said("close_late_sessions") == "0 sessions closed\n"


# --- rebuild_answers --------------------------------------------------------------------------------


def test_replay__then_each_entry_stands_until_the_next_about_its_question():
    at = clock.now()
    later = at + timedelta(seconds=1)
    events = [
        ({"revision": 5, "answers": [{"question_id": "a", "answer": 1}, {"question_id": "b", "answer": [1]}]}, at),
        ({"revision": None, "answers": [{"question_id": "a", "answer": None}]}, later),
    ]
    assert answers_replay(events) == {
        "a": projection.Replayed(None, 5, later), "b": projection.Replayed([1], 5, at),
    }  # fmt: skip


def test_rebuild__when_nothing_is_wrong__then_equal_to_the_microsecond(sitting):
    before = rows(sitting)
    assert [(key, value, revision) for key, value, revision, _ in before] == [("q1", "a", 9), ("q2", None, 4)]
    assert said("rebuild_answers", "--session", str(sitting)) == "1 sessions checked, 0 differ, 0 rebuilt\n"
    assert rows(sitting) == before
    assert not AuditEvent.objects.filter(action="sessions_app.answers.rebuilt").exists()


DAMAGES = {
    "missing q1": lambda pk: SessionAnswer.objects.filter(session_id=pk, question_id="q1").delete(),
    "extra q3": lambda pk: SessionAnswer.objects.create(
        session_id=pk, question_id="q3", value="x", revision=None, updated_at=clock.now()
    ),
    "different q1": lambda pk: SessionAnswer.objects.filter(session_id=pk, question_id="q1").update(value="c"),
    "different q2": lambda pk: SessionAnswer.objects.filter(session_id=pk, question_id="q2").update(revision=1),
    "different q1, q2": lambda pk: SessionAnswer.objects.filter(session_id=pk).update(updated_at=clock.now()),
}


@pytest.mark.parametrize("what", DAMAGES)
def test_rebuild__when_damaged__then_dry_run_tells_and_the_real_run_repairs(sitting, what):
    before = rows(sitting)
    DAMAGES[what](sitting)
    damaged = rows(sitting)
    out = StringIO()
    with pytest.raises(CommandError, match="1 sessions differ from their log") as caught:
        call_command("rebuild_answers", "--all", "--dry-run", stdout=out)
    assert caught.value.returncode == 1
    assert out.getvalue().splitlines()[0] == f"session {sitting} (2 answers in the log) differs: {what}"
    assert rows(sitting) == damaged

    text = said("rebuild_answers", "--session", str(sitting))
    assert text.splitlines() == [
        f"session {sitting} (2 answers in the log) rebuilt: {what}", "1 sessions checked, 1 differ, 1 rebuilt",
    ]  # fmt: skip
    assert rows(sitting) == before
    event = AuditEvent.objects.get(action="sessions_app.answers.rebuilt")
    assert set(event.data) == {"missing", "extra", "different"}
    assert answers_rebuild(session_id=sitting, is_dry_run=True).is_equal


def test_rebuild__when_all_rows_are_lost__then_all_come_back(sitting):
    before = rows(sitting)
    SessionAnswer.objects.all().delete()
    assert "1 sessions checked, 1 differ, 1 rebuilt" in said("rebuild_answers", "--all")
    assert rows(sitting) == before


def test_rebuild__when_the_log_has_a_gap__then_nothing_is_written(sitting):
    SessionEvent.objects.filter(session_id=sitting, seq=3).delete()
    before = rows(sitting)
    out = StringIO()
    with pytest.raises(CommandError, match="1 sessions differ"):
        call_command("rebuild_answers", "--session", str(sitting), stdout=out)
    assert "the log has gaps" in out.getvalue()
    assert rows(sitting) == before


def test_rebuild__when_unknown_or_unnamed__then_refused():
    with pytest.raises(CommandError, match="no such session"):
        call_command("rebuild_answers", "--session", "999999")
    with pytest.raises(CommandError, match="one of the arguments"):
        call_command("rebuild_answers")


def test_rebuild__then_no_answer_is_told(sitting):
    SessionAnswer.objects.filter(session_id=sitting, question_id="q1").update(value="SECRETANSWER")
    assert "SECRETANSWER" not in said("rebuild_answers", "--session", str(sitting))
    assert "SECRETANSWER" not in str(AuditEvent.objects.values())


def test_rebuild__when_answers_grow__then_queries_do_not(sitting):
    def queries():
        with counted_queries() as statements:
            answers_rebuild(session_id=sitting, is_dry_run=True)
        return len(statements)

    assert queries() == 4
