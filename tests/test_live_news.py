"""What the use cases tell, to whom, and what they do not."""

import asyncio
import time
from datetime import timedelta

import pytest
from django.conf import settings
from django.test import override_settings

from accounts.states import Role
from accounts.tests.factories import make_user
from anticheat.services.detections import cheat_log
from anticheat.states import DetectionType
from catalog.models import Test
from cbt.kernel import clock, jobs, wakeup
from cbt.kernel.actor import SYSTEM, Actor, ActorKind
from cbt.kernel.feed import News
from cbt.kernel.models import FeedEvent, Job
from cbt.kernel.spreadsheets import SheetRow
from cbt.live.frames import EVENTS_OF_READER
from cbt.live.listener import RedisListener
from proctoring.services.attendance import attendance_change, attendance_check_in, attendance_remove
from proctoring.services.photos import photo_capture
from proctoring.states import AttendanceStatus
from sessions_app.models import ExamSession
from sessions_app.services import importing
from sessions_app.services.closing import session_abandon, session_close_if_late
from sessions_app.services.participants import Window, participant_ban
from sessions_app.services.saving import answers_save
from sessions_app.services.sessions import session_continue, session_submit
from sessions_app.tests.factories import make_assignment, make_bank_test, make_participant, start_session
from tenants.tests.factories import make_company
from tests.support import error_of, run_jobs
from tests.world import png

pytestmark = pytest.mark.django_db


def told():
    """Return (topic, event) of all news, in order."""
    return [tuple(row) for row in FeedEvent.objects.order_by("pk").values_list("topic", "event")]


def test_sitting__when_it_goes_its_way__then_taker_and_staff_are_told_their_part_and_saves_nobody(media):
    company, now = make_company(), clock.now()
    person = make_participant(company=company)
    test = make_bank_test()
    Test.objects.filter(pk=test.pk).update(cheat_policy="pause")
    _, link = make_assignment(participant=person, test=test)
    started = start_session(link)
    staff, taker = f"monitor/{company.pk}", f"session/{started.session.pk}"
    start_session(link)
    answers_save(token=started.token, answers={"q1": "a"}, revision=1, client_at=None, now=now, doubts={"q1": True})
    photo_capture(token=started.token, data=png(), now=now)
    for _ in range(10):
        if ExamSession.objects.get(pk=started.session.pk).paused_at:
            break
        now += timedelta(seconds=30)
        cheat_log(token=started.token, detection_type=DetectionType.TAB_SWITCH, detection_data={}, severity=5, now=now)
    session_continue(session_id=started.session.pk, now=now + timedelta(seconds=7), actor=SYSTEM)
    session_submit(token=started.token, now=now + timedelta(seconds=8))
    both = [
        "session.started", "session.resumed", "session.paused", "session.continued", "session.submitted",
    ]  # fmt: skip
    found = told()
    assert [event for topic, event in found if topic == taker] == both
    assert {topic for topic, _ in found} == {staff, taker}
    for_staff = [event for topic, event in found if topic == staff]
    assert [event for event in for_staff if event in both] == both
    assert set(for_staff) - set(both) == {"photo.taken", "cheat.detected"}
    last = FeedEvent.objects.filter(topic=taker).latest("pk").payload
    assert set(last) == {
        "session_id", "test_id", "participant_id", "status", "deadline_at", "paused_at", "time_spent_seconds",
    }  # fmt: skip
    assert (last["status"], last["participant_id"]) == ("completed", person.pk)
    assert FeedEvent.objects.get(topic=taker, event="session.continued").payload["paused_seconds"] == 7
    seen = FeedEvent.objects.filter(event="cheat.detected").first().payload
    assert (seen["detection_type"], "detection_data" in seen) == ("tab_switch", False)


def test_sitting__when_it_ends_otherwise__then_each_end_has_its_name():
    now = clock.now()
    late, banned, given_up = (start_session(participant=make_participant()) for _ in range(3))
    ExamSession.objects.filter(pk=late.session.pk).update(
        started_at=now - timedelta(hours=3), deadline_at=now - timedelta(hours=2)
    )
    assert session_close_if_late(token=late.token, now=now)
    participant_ban(participant_id=banned.session.participant_id, reason="seen", now=now, actor=SYSTEM)
    session_abandon(session_id=given_up.session.pk, reason="fire", now=now, actor=SYSTEM)
    ends = {
        started.session.pk: FeedEvent.objects.filter(topic=f"session/{started.session.pk}").latest("pk")
        for started in (late, banned, given_up)
    }
    assert [row.event for row in ends.values()] == ["session.closed", "session.banned", "session.abandoned"]
    assert [row.payload.get("reason") for row in ends.values()] == [None, "seen", "fire"]


def imported(count, monkeypatch, company):
    sheet = [SheetRow(number, (f"Person {number}", f"p{number}@example.com", "", "")) for number in range(2, 2 + count)]
    now = clock.now()
    return importing.import_submit(
        company_id=company.pk, file_name="p.csv", sheet=sheet, test_ids=[make_bank_test().pk],
        window=Window(now, now + timedelta(days=1)), now=now, actor=SYSTEM,
    ).batch  # fmt: skip


def test_import__when_it_runs_as_a_job__then_its_progress_is_told_and_its_failure_too(monkeypatch):
    monkeypatch.setattr(importing, "AT_ONCE_ROWS", 1)
    monkeypatch.setattr(importing, "CHUNK_ROWS", 2)
    company = make_company()
    batch = imported(5, monkeypatch, company)
    run_jobs()
    news = [row.payload for row in FeedEvent.objects.filter(topic=f"import/{batch.pk}").order_by("pk")]
    steps = [("queued", 0), ("running", 2), ("running", 4), ("done", 5)]
    assert [(one["state"], one["done"]) for one in news] == steps
    assert {(one["total"], one["job_id"], one["import_id"]) for one in news} == {(5, batch.job_id, batch.pk)}

    def broken(**_):
        raise RuntimeError("no")

    again = imported(3, monkeypatch, make_company())
    monkeypatch.setattr(importing, "import_chunk", broken)
    Job.objects.filter(pk=again.job_id).update(max_attempts=1)
    jobs.run(jobs.claim(again.job_id))
    states = (
        FeedEvent.objects.filter(topic=f"import/{again.pk}").order_by("pk").values_list("payload__state", flat=True)
    )
    assert list(states) == ["queued", "failed"]


def test_attendance__when_recorded_changed_and_removed__then_owner_and_student_are_told():
    teacher = make_user(Role.INSTRUCTOR, email=None, username="teacher")
    pupil = make_user(Role.STUDENT, email=None, username="pupil")
    test = make_bank_test()
    Test.objects.filter(pk=test.pk).update(owner_id=teacher.pk)
    now = clock.now()
    student, owner = (Actor(kind=ActorKind.USER, id=user.pk, role=user.role) for user in (pupil, teacher))
    row = attendance_check_in(test_id=test.pk, user_id=pupil.pk, now=now, actor=student)
    attendance_change(attendance_id=row.pk, status=AttendanceStatus.LATE, now=now, actor=owner)
    attendance_remove(attendance_id=row.pk, actor=owner)
    topics = (f"attendance-owner/{teacher.pk}", f"attendance-user/{pupil.pk}")
    events = ("attendance.recorded", "attendance.changed", "attendance.removed")
    assert told() == [(topic, event) for event in events for topic in topics]
    changed = FeedEvent.objects.filter(event="attendance.changed").first().payload
    assert (changed["status"], changed["user_id"], changed["test_id"]) == ("late", pupil.pk, test.pk)


def test_socket__when_opened_at_the_http_port__then_426_with_the_address(api):
    answer = api.get("/ws/session/SESSION-X", headers={"Upgrade": "websocket", "Connection": "Upgrade"})
    body = error_of(answer, 426, "UPGRADE_REQUIRED")
    assert (body["details"], answer["Upgrade"]) == ({"url": settings.LIVE_URL}, "websocket")
    assert f"ws://127.0.0.1:{settings.PORT + 10_000}" == settings.LIVE_URL or settings.DATABASE_URL


def test_wake__when_redis_is_away__then_nobody_waits_for_it():
    with override_settings(REDIS_URL="redis://127.0.0.1:1/0"):
        began = time.monotonic()
        for _ in range(100):
            wakeup.wake()
        assert time.monotonic() - began < 0.5


@pytest.mark.skipif(not settings.REDIS_URL, reason="needs Redis")
def test_wake__when_another_process_listens__then_it_hears_by_redis():
    async def heard() -> bool:
        event = asyncio.Event()
        listener = RedisListener(event.set)
        listener.start()
        deadline = time.monotonic() + 15
        while not event.is_set() and time.monotonic() < deadline:
            wakeup.wake()
            await asyncio.sleep(0.05)
        listener.stop()
        return event.is_set()

    assert asyncio.run(heard())


def test_page__then_it_names_every_event_and_code():
    page = (settings.BASE_DIR / "docs/live.md").read_text(encoding="utf-8")
    missing = [
        name for name in (*News, *EVENTS_OF_READER, 4401, 4403, 4404, 4429, 1009, 1013) if f"`{name}`" not in page
    ]
    assert missing == []
