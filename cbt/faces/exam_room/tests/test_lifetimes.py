"""Nobody is thrown out in mid-exam, also where staff stops the clock."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from cbt.faces.exam_room.tests.factories import exam_test, make_candidate
from cbt.kernel import clock
from cbt.kernel.actor import SYSTEM
from sessions_app.models import ExamSession
from sessions_app.services.closing import session_continue, session_pause
from sessions_app.services.rescheduling import Times, assignment_reschedule, session_give_time
from tests.support import error_of

pytestmark = pytest.mark.django_db
START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


def test_login__when_the_clock_is_stopped_shortly_before_the_end__then_it_lasts_through_the_pause():
    with time_machine.travel(START, tick=False) as moment:
        one = make_candidate(test=exam_test(duration_minutes=180))
        one.questions()
        moment.shift(timedelta(minutes=170))
        session_pause(session=ExamSession.objects.get(), reason="fire alarm", now=clock.now())
        moment.shift(timedelta(hours=23))
        assert one.api.get(f"{one.url}/timer").json()["remaining_seconds"] == 600
        error_of(one.answer(1, "A"), 400, "SESSION_PAUSED")
        session_continue(session_id=ExamSession.objects.get().pk, now=clock.now(), actor=SYSTEM)
        moment.shift(600)
        assert one.answer(1, "A").status_code == 200


def test_login__when_the_pause_outlasts_the_window__then_the_login_ends_with_it():
    with time_machine.travel(START, tick=False) as moment:
        one = make_candidate(test=exam_test(duration_minutes=180), end_at=START + timedelta(hours=5))
        one.questions()
        session_pause(session=ExamSession.objects.get(), reason="fire alarm", now=clock.now())
        moment.shift(timedelta(hours=5, seconds=29))
        assert one.api.get(one.url).status_code == 200
        moment.shift(1)
        error_of(one.api.get(one.url), 401, "UNAUTHENTICATED")


def test_login__when_the_window_is_moved_during_the_pause__then_it_lasts_through_the_pause_all_the_same():
    with time_machine.travel(START, tick=False) as moment:
        one = make_candidate(test=exam_test(duration_minutes=60), end_at=START + timedelta(hours=3))
        one.questions()
        session_pause(session=ExamSession.objects.get(), reason="fire alarm", now=clock.now())
        times = Times(end_at=START + timedelta(hours=9))
        assignment_reschedule(
            assignment_id=one.assignment.pk, times=times, tells_participant=False, now=clock.now(), actor=SYSTEM
        )
        moment.shift(timedelta(hours=8))
        session_continue(session_id=ExamSession.objects.get().pk, now=clock.now(), actor=SYSTEM)
        assert one.answer(1, "A").status_code == 200


def test_login__when_extra_time_is_given_in_the_last_minute__then_it_lasts_as_long():
    with time_machine.travel(START, tick=False) as moment:
        one = make_candidate(test=exam_test(duration_minutes=180))
        one.questions()
        moment.shift(timedelta(minutes=179))
        session = ExamSession.objects.get()
        session_give_time(session_id=session.pk, extra_seconds=3600, reason="", now=clock.now(), actor=SYSTEM)
        moment.shift(timedelta(minutes=61, seconds=29))
        assert one.answer(1, "A").status_code == 200
        moment.shift(1)
        error_of(one.answer(1, "A"), 401, "UNAUTHENTICATED")


def test_duration__when_a_candidate_has_extra_time__then_a_frontends_own_timer_knows_it():
    with time_machine.travel(START, tick=False):
        one = make_candidate(test=exam_test(duration_minutes=60), extra_seconds=1800)
        free = make_candidate(test=exam_test(duration_minutes=0), extra_seconds=1800)
        assert (one.api.get(one.url).json()["duration"], free.api.get(free.url).json()["duration"]) == (90, 0)
        one.questions()
        shown = one.api.get(one.url).json()
        assert (shown["duration"], shown["remaining_seconds"]) == (90, 5400)
        session_give_time(
            session_id=ExamSession.objects.get().pk, extra_seconds=2700, reason="", now=clock.now(), actor=SYSTEM
        )
        one.test.duration_minutes = 10
        one.test.save()
        assert one.api.get(one.url).json()["duration"] == 105  # as it was begun, whatever becomes of the test
