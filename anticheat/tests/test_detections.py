"""Reading detections, and staff's word on them."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.urls import reverse

from accounts.states import Role
from accounts.tests.factories import make_user
from anticheat.models import CheatDetection
from anticheat.tests.factories import make_sitting
from cbt.kernel.models import AuditEvent
from tenants.tests.factories import make_company, make_tenant_admin
from tests.support import PAGE_KEYS, counted_queries, data_of, error_of

pytestmark = pytest.mark.django_db
START = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def ticking():
    with time_machine.travel(START, tick=False) as clock:
        yield clock


def log(api, sitting, kind="tab_switch", **body):
    return data_of(api.post(f"{sitting.path}/cheat/log", {"detection_type": kind, **body}))


def reported(api, ticking, count, **sitting):
    made = make_sitting(cheat_policy="flag", **sitting)
    for _ in range(count):
        log(api, made)
        ticking.shift(timedelta(seconds=10))
    return made


def test_list__when_taker_asks__then_array_newest_first_with_contract_keys(api, ticking):
    sitting = make_sitting()
    log(api, sitting, detection_data={"details": "x"})
    ticking.shift(timedelta(seconds=10))
    log(api, sitting, "copy_paste")
    body = api.get(f"{sitting.path}/cheat/detections").json()
    second, first = CheatDetection.objects.all()
    assert body["message"] == "Detections retrieved successfully"
    assert (body["server_time"], body["remaining_seconds"]) == ("2026-03-02T09:00:10Z", 3590)
    assert body["data"] == [
        {
            "id": second.pk, "type": "copy_paste", "detection_type": "copy_paste", "detection_data": {}, "severity": 3,
            "is_resolved": False, "created_at": "2026-03-02T09:00:10Z",
        },
        {
            "id": first.pk, "type": "tab_switch", "detection_type": "tab_switch", "detection_data": {"details": "x"},
            "severity": 2, "is_resolved": False, "created_at": "2026-03-02T09:00:00Z",
        },
    ]  # fmt: skip


def test_list__when_none_or_unknown__then_empty_or_404(api):
    assert data_of(api.get(f"{make_sitting().path}/cheat/detections")) == []
    error_of(api.get("/api/test-session/SESSION-NOBODY/cheat/detections"), 404, "NOT_FOUND")


def test_list__when_banned__then_still_readable(api):
    sitting = make_sitting()
    log(api, sitting, severity=5)
    assert len(data_of(api.get(f"{sitting.path}/cheat/detections"))) == 1


def test_list__when_long__then_no_more_statements(api, ticking):
    few, many = reported(api, ticking, 2), reported(api, ticking, 20)
    with counted_queries() as short:
        data_of(api.get(f"{few.path}/cheat/detections"))
    with counted_queries() as long:
        assert len(data_of(api.get(f"{many.path}/cheat/detections"))) == 20
    assert len(short) == len(long) == 2


def test_staff_list__when_own_company__then_page_with_all_that_is_known(api, ticking):
    company = make_company()
    admin = make_tenant_admin(company)
    sitting = reported(api, ticking, 1, company=company)
    page = data_of(api.as_(admin).get(f"/api/test-sessions/{sitting.session.pk}/detections"))
    assert set(page) == PAGE_KEYS
    assert page["data"] == [
        {
            "id": CheatDetection.objects.get().pk, "session_id": sitting.session.pk, "type": "tab_switch",
            "detection_type": "tab_switch", "detection_data": {}, "severity": 2, "claimed_severity": None,
            "source": "client", "is_counted": True, "duplicate_of_id": None, "repeat_count": 0, "is_resolved": False,
            "resolved_at": None, "resolved_by_id": None, "resolve_note": "", "created_at": "2026-03-02T09:00:00Z",
        }
    ]  # fmt: skip


def test_staff_list__when_long__then_no_more_statements(api, ticking):
    company = make_company()
    client = api.as_(make_tenant_admin(company))
    few, many = (reported(api, ticking, count, company=company) for count in (2, 20))
    client.get(f"/api/test-sessions/{few.session.pk}/detections")
    with counted_queries() as short:
        data_of(client.get(f"/api/test-sessions/{few.session.pk}/detections?per_page=100"))
    with counted_queries() as long:
        assert data_of(client.get(f"/api/test-sessions/{many.session.pk}/detections?per_page=100"))["total"] == 20
    assert len(short) == len(long)


def test_staff__when_stranger__then_404_and_when_nobody__then_401(api, ticking):
    sitting = reported(api, ticking, 1, company=make_company())
    pk = CheatDetection.objects.get().pk
    listing = f"/api/test-sessions/{sitting.session.pk}/detections"
    stranger = api.as_(make_tenant_admin())
    error_of(stranger.get(listing), 404, "NOT_FOUND")
    error_of(stranger.post(f"{listing}/{pk}/resolve"), 404, "NOT_FOUND")
    error_of(api.get(listing), 401, "UNAUTHENTICATED")
    error_of(api.as_(make_user(Role.PUBLIC_USER)).get(listing), 403, "FORBIDDEN")
    assert CheatDetection.objects.get().is_resolved is False


def test_staff__when_super_admin__then_every_session(api, ticking):
    sitting = reported(api, ticking, 1)
    client = api.as_(make_user(Role.SUPER_ADMIN))
    assert data_of(client.get(f"/api/test-sessions/{sitting.session.pk}/detections"))["total"] == 1


def test_resolve__when_first_time__then_marked_audited_and_out_of_the_count(api, ticking):
    company = make_company()
    admin = make_tenant_admin(company)
    sitting = make_sitting(company=company)
    for _ in range(2):
        log(api, sitting)
        ticking.shift(timedelta(seconds=10))
    pk = CheatDetection.objects.last().pk
    path = f"/api/test-sessions/{sitting.session.pk}/detections/{pk}/resolve"
    response = api.as_(admin).post(path, {"note": "A notification popped up."})
    data = data_of(response)
    assert response.json()["message"] == "Detection resolved successfully"
    assert (data["is_resolved"], data["resolved_at"], data["resolved_by_id"], data["resolve_note"]) == (
        True, "2026-03-02T09:00:20Z", admin.pk, "A notification popped up.",
    )  # fmt: skip
    event = AuditEvent.objects.get(action="anticheat.detection.resolved")
    assert (event.actor_id, event.company_id, event.object_id) == (admin.pk, company.pk, str(pk))
    assert log(api, sitting)["session_status"] == "in_progress"  # the second that counts
    ticking.shift(timedelta(seconds=10))
    assert log(api, sitting)["session_status"] == "banned"


def test_resolve__when_repeated__then_nothing_changes(api, ticking):
    company = make_company()
    sitting = reported(api, ticking, 1, company=company)
    path = f"/api/test-sessions/{sitting.session.pk}/detections/{CheatDetection.objects.get().pk}/resolve"
    first = data_of(api.as_(make_tenant_admin(company)).post(path, {"note": "first"}))
    ticking.shift(timedelta(seconds=10))
    assert data_of(api.as_(make_tenant_admin(company)).post(path, {"note": "second"})) == first
    assert AuditEvent.objects.filter(action="anticheat.detection.resolved").count() == 1


def test_resolve__when_detection_is_of_another_session__then_404(api, ticking):
    company = make_company()
    one, other = (reported(api, ticking, 1, company=company) for _ in range(2))
    pk = other.session.detections.get().pk
    client = api.as_(make_tenant_admin(company))
    error_of(client.post(f"/api/test-sessions/{one.session.pk}/detections/{pk}/resolve"), 404, "NOT_FOUND")


def test_admin__when_resolved_there__then_through_the_service(api, ticking, client):
    sitting = reported(api, ticking, 2)
    client.force_login(make_user(Role.SUPER_ADMIN))
    page = reverse("admin:anticheat_cheatdetection_changelist")
    assert client.get(page, {"q": str(sitting.session.pk)}).status_code == 200
    chosen = [row.pk for row in CheatDetection.objects.all()]
    body = {"action": "resolve", "_selected_action": chosen}
    assert "2 detections resolved." in client.post(page, body, follow=True).content.decode()
    assert CheatDetection.objects.filter(is_resolved=True).count() == 2
    assert AuditEvent.objects.filter(action="anticheat.detection.resolved").count() == 2


def test_admin__when_written__then_refused(api, ticking, client):
    reported(api, ticking, 1)
    client.force_login(make_user(Role.SUPER_ADMIN))
    pk = CheatDetection.objects.get().pk
    assert client.get(reverse("admin:anticheat_cheatdetection_change", args=[pk])).status_code == 200
    assert client.post(reverse("admin:anticheat_cheatdetection_change", args=[pk]), {"severity": 1}).status_code == 403
    assert client.get(reverse("admin:anticheat_cheatdetection_add")).status_code == 403
    assert client.post(reverse("admin:anticheat_cheatdetection_delete", args=[pk])).status_code == 403
