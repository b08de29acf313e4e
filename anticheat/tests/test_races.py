"""Parallel reports, and a report against a submit; with a control that shows what the lock is for."""

import threading
from datetime import timedelta

import pytest
from django.db import connection

from anticheat.models import CheatDetection
from anticheat.selectors.detections import stored_sightings
from anticheat.services import detections, recording
from anticheat.services.detections import cheat_log
from anticheat.services.recording import Noticed
from anticheat.states import DetectionSource, DetectionType
from anticheat.tests.factories import make_sitting
from cbt.kernel import clock
from cbt.kernel.errors import DomainError, ErrorCode
from cbt.kernel.models import AuditEvent
from sessions_app.models import ExamSession, ParticipantBan, SessionEvent
from tests.support import Api, race

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]


def assert_banned_once(sitting):
    assert sitting.fresh().status == "banned"
    assert ParticipantBan.objects.count() == 1
    assert SessionEvent.objects.filter(session=sitting.session, kind="banned").count() == 1
    assert AuditEvent.objects.filter(action="sessions_app.session.banned").count() == 1
    assert AuditEvent.objects.filter(action="sessions_app.participant.banned").count() == 1
    numbers = list(SessionEvent.objects.filter(session=sitting.session).order_by("seq").values_list("seq", flat=True))
    assert numbers == list(range(1, len(numbers) + 1))


def test_reports__when_sixteen_acts_at_once__then_the_third_bans_and_the_rest_are_refused():
    sitting = make_sitting()
    start = clock.now()

    def act(index):
        return cheat_log(
            token=sitting.token, detection_type=DetectionType.TAB_SWITCH, detection_data={}, severity=None,
            now=start + timedelta(seconds=10 * index),
        ).session.status  # fmt: skip

    results = race(16, act)
    assert sorted(str(one) for one in results if not isinstance(one, Exception)) == ["banned"] + ["in_progress"] * 2
    refused = [one for one in results if isinstance(one, Exception)]
    assert [one.code for one in refused if isinstance(one, DomainError)] == [ErrorCode.BANNED] * 13
    assert CheatDetection.objects.count() == 3
    assert_banned_once(sitting)


def test_reports__when_sixteen_of_severity_five_by_http__then_one_bans_and_fifteen_get_403():
    sitting = make_sitting()

    def act(_index):
        body = {"detection_type": "copy_paste", "severity": 5}
        return Api().post(f"{sitting.path}/cheat/log", body).status_code

    assert sorted(race(16, act)) == [200] + [403] * 15
    assert CheatDetection.objects.count() == 1
    assert_banned_once(sitting)


def test_reports__when_the_lock_is_off__then_three_acts_do_not_ban(monkeypatch):
    """The control: each reads before any other writes, as without the lock, and nobody counts to three."""
    sitting = make_sitting()
    start = clock.now()
    has_read = threading.Barrier(3)

    def read_together(session_id):
        found = stored_sightings(session_id)
        has_read.wait(timeout=30)
        return found

    monkeypatch.setattr(detections, "stored_sightings", read_together)
    monkeypatch.setattr(recording, "event_append", lambda **_: None)

    def act(index):
        noticed = Noticed(
            type=DetectionType.TAB_SWITCH, data={}, severity=2, at=start + timedelta(seconds=10 * index),
            source=DetectionSource.CLIENT,
        )  # fmt: skip
        session = ExamSession.objects.get(pk=sitting.session.pk)  # no lock, no transaction
        return detections._log(session, noticed, "", "").session.status

    assert race(3, act) == ["in_progress"] * 3
    assert CheatDetection.objects.filter(is_resolved=False).count() == 3
    assert sitting.fresh().status == "in_progress"


@pytest.mark.parametrize("_round", range(5))
def test_report__when_it_races_a_submit__then_banned_or_completed_and_flagged(_round):
    sitting = make_sitting()

    def act(index):
        if index:
            return Api().post(f"{sitting.path}/submit").status_code
        body = {"detection_type": "copy_paste", "severity": 5}
        return Api().post(f"{sitting.path}/cheat/log", body).status_code

    reported, submitted = race(2, act)
    session = sitting.fresh()
    if reported == 200:
        assert submitted == 403
        assert session.completed_at is None
        assert_banned_once(sitting)
    else:
        assert (reported, submitted) == (400, 200)
        assert (session.status, session.is_flagged, session.banned_at) == ("completed", True, None)
        assert not ParticipantBan.objects.exists()
    assert CheatDetection.objects.count() == 1


@pytest.mark.parametrize("_round", range(3))
def test_reports__when_two_sessions_of_one_person_at_once__then_no_deadlock_and_one_ban(_round):
    first = make_sitting()
    second = make_sitting(participant=first.session.participant)

    def act(index):
        body = {"detection_type": "copy_paste", "severity": 5}
        return Api().post(f"{(first, second)[index % 2].path}/cheat/log", body).status_code

    assert sorted(race(8, act)) == [200] + [403] * 7
    assert (first.fresh().status, second.fresh().status) == ("banned", "banned")
    assert ParticipantBan.objects.count() == 1


@pytest.mark.postgres
def test_lock__when_a_report_is_logged__then_the_row_lock_is_asked_for():
    if connection.vendor != "postgresql":
        pytest.skip("row locks exist on PostgreSQL only")
    from tests.support import counted_queries

    sitting = make_sitting()
    with counted_queries() as statements:
        Api().post(f"{sitting.path}/cheat/log", {"detection_type": "tab_switch"})
    assert sum("FOR UPDATE" in one for one in statements) == 3  # participant, assignment, session
