"""Participants as companies manage them. Contract 7.5, 8.5, 8.7."""

from datetime import timedelta

import pytest
import time_machine
from django.core import mail as mailbox

from accounts.states import Role
from accounts.tests.factories import make_user
from cbt.kernel import clock
from cbt.kernel.models import AuditEvent, OutgoingMail
from sessions_app.models import ExamSession, Participant, ParticipantBan, TestAssignment
from sessions_app.tests.factories import make_assignment, make_bank_test, make_participant, start_session
from tenants.models import CompanySubscription
from tenants.tests.factories import make_company, make_tenant_admin
from tests.support import PAGE_KEYS, data_of, error_of, run_jobs

BRIEF = {
    "id", "name", "email", "unique_token", "participant_number", "is_banned", "banned_at", "created_at", "updated_at",
}  # fmt: skip


@pytest.fixture
def tenant(db):
    return make_tenant_admin(make_company(quota=5))


def body(*tests, **more):
    now = clock.now()
    return {
        "name": "Participant Name", "email": "participant@example.com",
        "schedule_start_date": clock.iso(now - timedelta(days=1)),
        "schedule_end_date": clock.iso(now + timedelta(days=30)),
        "test_ids": [test.pk for test in tests], **more,
    }  # fmt: skip


def test_create__then_documented_answer_assignments_and_mails(api, tenant):
    first, second = make_bank_test(), make_bank_test(type="company")
    response = api.as_(tenant).post("/api/participants", body(first, second))
    data = data_of(response, 201)
    assert response.json()["message"] == "Participant created successfully with test assignments."
    assert set(data) == BRIEF | {"biodata", "company", "test_assignments", "test_sessions"}
    assert set(data["company"]) == {"id", "name", "email"}
    assert data["biodata"] == {}
    assert data["test_sessions"] == []
    assert [row["test"]["id"] for row in data["test_assignments"]] == [first.pk, second.pk]
    assert set(data["test_assignments"][0]) == {
        "id", "unique_token", "test", "start_date", "end_date", "extra_minutes", "is_completed", "completed_at",
        "is_expired", "is_not_started", "email", "created_at",
    }  # fmt: skip
    assert data["test_assignments"][0]["email"]["status"] == "queued"
    run_jobs()
    assert sorted(message.subject for message in mailbox.outbox) == sorted(
        [f"Penugasan Tes - {first.name}", f"Penugasan Tes - {second.name}"]
    )
    link = f"http://localhost:3000/participant/assignment/{data['test_assignments'][0]['unique_token']}"
    message = next(m for m in mailbox.outbox if m.subject.endswith(first.name) and link in m.body)
    assert message.to == ["participant@example.com"]
    assert link in message.alternatives[0].content
    shown = data_of(api.as_(tenant).get(f"/api/participants/{data['id']}"))
    assert shown["test_assignments"][0]["email"]["status"] == "sent"
    assert CompanySubscription.objects.get(company_id=tenant.company_id).used_quota == 1
    assert AuditEvent.objects.filter(action="sessions_app.participant.created", object_id=str(data["id"])).count() == 1


def test_create__then_no_token_rests_in_the_database(api, tenant):
    data = data_of(api.as_(tenant).post("/api/participants", body(make_bank_test())), 201)
    token = data["test_assignments"][0]["unique_token"]
    assert len(token) == 32
    stored = [*TestAssignment.objects.values_list("nonce", "token_hash"), *OutgoingMail.objects.values_list("context")]
    assert token not in repr(stored)


def test_create__when_fields_are_wrong__then_422(api, tenant):
    answer = api.as_(tenant).post("/api/participants", {"email": "x", "test_ids": []})
    assert error_of(answer, 422, "VALIDATION_ERROR")["errors"] == {
        "name": ["The name field is required."],
        "email": ["The email must be a valid email address."],
        "schedule_start_date": ["The schedule start date field is required."],
        "schedule_end_date": ["The schedule end date field is required."],
        "test_ids": ["The test ids field is required."],
    }


def test_create__when_dates_are_wrong__then_422(api, tenant):
    test, now = make_bank_test(), clock.now()
    past = clock.iso(now - timedelta(hours=1))
    wrong = body(test, schedule_start_date=clock.iso(now), schedule_end_date=clock.iso(now))
    error_of(api.as_(tenant).post("/api/participants", wrong), 422, "VALIDATION_ERROR")
    over = body(test, schedule_end_date=past)
    error_of(api.as_(tenant).post("/api/participants", over), 422, "VALIDATION_ERROR")
    assert Participant.objects.count() == 0


def test_create__when_aliases_are_sent__then_read(api, tenant):
    sent = body(make_bank_test())
    sent["start_date"], sent["end_date"] = sent.pop("schedule_start_date"), sent.pop("schedule_end_date")
    data_of(api.as_(tenant).post("/api/participants", sent), 201)


def test_create__when_a_test_is_not_for_companies__then_400_and_nothing_stored(api, tenant):
    test = make_bank_test()
    refused = [
        [make_bank_test(type="public").pk], [test.pk, test.pk], [999_999],
        [make_inactive().pk],
    ]  # fmt: skip
    for ids in refused:
        answer = api.as_(tenant).post("/api/participants", body(test_ids=ids))
        assert error_of(answer, 400, "BUSINESS_RULE")["message"] == "One or more tests not found or inactive."
    assert Participant.objects.count() == 0
    assert CompanySubscription.objects.get(company_id=tenant.company_id).used_quota == 0


def make_inactive():
    test = make_bank_test()
    type(test).objects.filter(pk=test.pk).update(is_active=False)
    return test


def test_create__when_address_is_taken_in_any_case__then_400_and_quota_kept(api, tenant):
    make_participant(company=tenant_company(tenant), email="participant@example.com")
    answer = api.as_(tenant).post("/api/participants", body(make_bank_test(), email="Participant@Example.com"))
    assert error_of(answer, 400, "EMAIL_TAKEN")["message"] == "Email already exists for this company."
    assert CompanySubscription.objects.get(company_id=tenant.company_id).used_quota == 0


def tenant_company(user):
    from tenants.models import Company

    return Company.objects.get(pk=user.company_id)


def test_create__when_quota_is_used_up__then_403(api, tenant):
    CompanySubscription.objects.filter(company_id=tenant.company_id).update(used_quota=5)
    answer = api.as_(tenant).post("/api/participants", body(make_bank_test()))
    assert error_of(answer, 403, "QUOTA_EXCEEDED")["details"] == {"remaining": 0}
    assert (Participant.objects.count(), OutgoingMail.objects.count()) == (0, 0)


def test_any__when_no_subscription__then_403(api):
    tenant = make_tenant_admin(make_company(with_subscription=False))
    for path in ("/api/participants", "/api/test-sessions", "/api/results"):
        answer = api.as_(tenant).get(path)
        assert error_of(answer, 403, "SUBSCRIPTION_REQUIRED")["message"] == "No active subscription found"


def test_any__when_not_signed_in_or_wrong_role__then_401_403(api):
    assert error_of(api.get("/api/participants"), 401, "UNAUTHENTICATED")["message"] == "Unauthenticated"
    buyer = make_user(Role.PUBLIC_USER)
    assert error_of(api.as_(buyer).get("/api/participants"), 403, "FORBIDDEN")["message"] == "Unauthorized"


def test_list__then_page_of_own_company_newest_first(api, tenant):
    company = tenant_company(tenant)
    older, newer = make_participant(company=company), make_participant(company=company, banned_at=clock.now())
    make_assignment(participant=older)
    make_participant()
    data = data_of(api.as_(tenant).get("/api/participants"))
    assert set(data) == PAGE_KEYS
    assert [row["id"] for row in data["data"]] == [newer.pk, older.pk]
    assert set(data["data"][0]) == BRIEF | {"company", "test_assignments"}
    assert "unique_token" not in data["data"][1]["test_assignments"][0]
    assert {key: data[key] for key in ("current_page", "per_page", "total", "last_page", "from", "to")} == {
        "current_page": 1, "per_page": 15, "total": 2, "last_page": 1, "from": 1, "to": 2,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("status=active", ["Ani"]), ("status=banned", ["Budi"]), ("banned=true", ["Budi"]),
        ("status=", ["Budi", "Ani"]),
        ("search=ANI", ["Ani"]), ("search=budi@", ["Budi"]), ("search=%25", []), ("per_page=1", ["Budi"]),
        ("per_page=1&page=2", ["Ani"]), ("page=9", []),
    ],
)  # fmt: skip
def test_list__when_filtered__then_narrowed(api, tenant, query, found):
    company = tenant_company(tenant)
    make_participant(company=company, name="Ani", email="a@example.com")
    make_participant(company=company, name="Budi", email="budi@example.com", banned_at=clock.now())
    data = data_of(api.as_(tenant).get(f"/api/participants?{query}"))
    assert [row["name"] for row in data["data"]] == found


def test_list__when_searched_by_a_whole_participant_number__then_who_has_it_within_the_company(api, tenant):
    own = tenant_company(tenant)
    for company, name, number in ((own, "Ani", "X-7001"), (own, "Budi", "X-70012"), (make_company(), "Citra", "Y-1")):
        user = make_user(Role.PARTICIPANT, participant_number=number, company_id=company.pk)
        make_participant(company=company, name=name, user=user)

    def found(text):
        return [row["name"] for row in data_of(api.as_(tenant).get("/api/participants", {"search": text}))["data"]]

    assert [found(text) for text in ("x-7001", " X-70012 ", "X-7", "Y-1")] == [["Ani"], ["Budi"], [], []]


def test_list__when_limit_is_sent__then_flat(api, tenant):
    make_participant(company=tenant_company(tenant))
    answer = api.as_(tenant).get("/api/participants?limit=10").json()
    assert set(answer) == {"success", "message", "data", "total", "page", "limit", "status_code"}
    assert (len(answer["data"]), answer["total"], answer["page"], answer["limit"]) == (1, 1, 1, 10)


@pytest.mark.parametrize("query", ["status=x", "per_page=0", "per_page=x", "page=-1", "company_id=x"])
def test_list__when_a_parameter_is_wrong__then_422(api, tenant, query):
    error_of(api.as_(tenant).get(f"/api/participants?{query}"), 422, "VALIDATION_ERROR")


def test_list__when_super_admin__then_all_companies(api):
    one, two = make_participant(), make_participant()
    admin = api.as_(make_user(Role.SUPER_ADMIN))
    assert {row["id"] for row in data_of(admin.get("/api/participants"))["data"]} == {one.pk, two.pk}
    only = data_of(admin.get(f"/api/participants?company_id={one.company_id}"))["data"]
    assert [row["id"] for row in only] == [one.pk]
    body_ = error_of(admin.post("/api/participants", {}), 403, "COMPANY_ADMIN_NOT_FOUND")
    assert body_["message"] == "Company admin not found"


def test_update__then_documented_message_and_later_mails_go_there(api, tenant):
    person = make_participant(company=tenant_company(tenant))
    response = api.as_(tenant).put(f"/api/participants/{person.pk}", {"name": "New Name", "email": "new@example.com"})
    data = data_of(response)
    assert response.json()["message"] == "Participant updated successfully."
    assert set(data) == BRIEF
    assert (data["name"], data["email"]) == ("New Name", "new@example.com")
    assert (
        data_of(api.as_(tenant).patch(f"/api/participants/{person.pk}", {"name": "Only"}))["email"] == "new@example.com"
    )


def test_update__when_address_is_taken__then_400(api, tenant):
    company = tenant_company(tenant)
    make_participant(company=company, email="a@example.com")
    person = make_participant(company=company)
    error_of(api.as_(tenant).put(f"/api/participants/{person.pk}", {"email": "A@example.com"}), 400, "EMAIL_TAKEN")
    data_of(api.as_(tenant).put(f"/api/participants/{person.pk}", {"email": person.email}))


def test_delete__then_hidden_link_dead_answers_kept(api, tenant):
    person = make_participant(company=tenant_company(tenant))
    _, token = make_assignment(participant=person)
    started = start_session(token)
    api.post(f"/api/test-session/{started.token}/save-answers", {"answers": {"q1": "b"}})
    response = api.as_(tenant).delete(f"/api/participants/{person.pk}")
    assert data_of(response) is None
    assert response.json()["message"] == "Participant deleted successfully."
    error_of(api.as_(tenant).get(f"/api/participants/{person.pk}"), 404, "NOT_FOUND")
    error_of(api.get(f"/api/participant/assignment/{token}"), 404, "INVALID_TOKEN")
    error_of(api.post(f"/api/test-session/{started.token}/save-answers", {"answers": {"q1": "a"}}), 403, "BANNED")
    assert ExamSession.objects.get().answers.get().value == "b"
    make_participant(company=tenant_company(tenant), email=person.email)


@pytest.mark.parametrize("verb", ["get", "put", "delete"])
def test_one__when_another_company_or_absent__then_the_same_404(api, tenant, verb):
    foreign = make_participant()
    answers = [getattr(api.as_(tenant), verb)(f"/api/participants/{pk}") for pk in (foreign.pk, 999_999)]
    bodies = [error_of(answer, 404, "NOT_FOUND") for answer in answers]
    assert {text["message"] for text in bodies} == {"Participant not found"}
    foreign.refresh_from_db()
    assert foreign.deleted_at is None


def test_ban__then_sessions_end_at_once_and_unban_lets_start_again(api, tenant):
    person = make_participant(company=tenant_company(tenant))
    _, token = make_assignment(participant=person)
    started = start_session(token)
    response = api.as_(tenant).post(f"/api/participants/{person.pk}/ban", {"reason": "Cheating detected"})
    assert response.json()["message"] == "Participant banned successfully."
    assert data_of(response)["is_banned"] is True
    error_of(api.post(f"/api/test-session/{started.token}/save-answers", {"answers": {"q1": "b"}}), 403, "BANNED")
    assert data_of(api.get(f"/api/test-session/{started.token}"))["status"] == "banned"
    data_of(api.as_(tenant).post(f"/api/participants/{person.pk}/ban", {"reason": "again"}))
    ban = ParticipantBan.objects.get()
    assert (ban.reason, ban.banned_by_id) == ("Cheating detected", tenant.pk)
    response = api.as_(tenant).post(f"/api/participants/{person.pk}/unban")
    assert response.json()["message"] == "Participant unbanned successfully."
    assert data_of(response)["banned_at"] is None
    fresh = data_of(api.post(f"/api/participant/session/start?token={token}"))
    assert fresh["session"]["session_token"] != started.token
    assert list(ExamSession.objects.order_by("pk").values_list("status", flat=True)) == ["banned", "in_progress"]
    ban.refresh_from_db()
    assert ban.lifted_by_id == tenant.pk
    person.refresh_from_db()
    assert "ban_reason" not in person.biodata


def test_resend__then_a_new_mail_each_time(api, tenant):
    assignment, _ = make_assignment(participant=make_participant(company=tenant_company(tenant)))
    for number in (1, 2):
        response = api.as_(tenant).post(f"/api/test-assignments/{assignment.pk}/resend-email")
        assert response.json()["message"] == "Test assignment email sent successfully."
        assert data_of(response)["id"] == assignment.pk
        assert OutgoingMail.objects.count() == number
    foreign, _ = make_assignment()
    answer = api.as_(tenant).post(f"/api/test-assignments/{foreign.pk}/resend-email")
    assert error_of(answer, 404, "NOT_FOUND")["message"] == "Assignment not found"


def test_resend__when_banned__then_400(api, tenant):
    person = make_participant(company=tenant_company(tenant), banned_at=clock.now())
    assignment, _ = make_assignment(participant=person)
    answer = api.as_(tenant).post(f"/api/test-assignments/{assignment.pk}/resend-email")
    assert error_of(answer, 400, "MAIL_NOT_SENT")["message"] == "Failed to send email"
    response = api.as_(tenant).post(f"/api/participants/{person.pk}/resend-all-emails")
    assert data_of(response) == {
        "sent": 0, "failed": 1,
        "errors": [
            {"assignment_id": assignment.pk, "participant_email": person.email, "error": "Failed to send email"}
        ],
    }  # fmt: skip
    assert response.json()["message"] == "Email sending completed. 0 sent, 1 failed."


def test_resend_all__then_open_assignments_only(api, tenant):
    person, now = make_participant(company=tenant_company(tenant)), clock.now()
    make_assignment(participant=person)
    make_assignment(participant=person, start_at=now + timedelta(days=1))
    make_assignment(participant=person, completed_at=now)
    make_assignment(participant=person, end_at=now - timedelta(seconds=1))
    response = api.as_(tenant).post(f"/api/participants/{person.pk}/resend-all-emails")
    assert data_of(response) == {"sent": 2, "failed": 0, "errors": []}


def test_detail__then_session_tokens_are_masked(api, tenant):
    person = make_participant(company=tenant_company(tenant))
    started = start_session(make_assignment(participant=person)[1])
    answer = api.as_(tenant).get(f"/api/participants/{person.pk}")
    assert data_of(answer)["test_sessions"][0]["session_token"] == f"…{started.token[-4:]}"
    assert started.token not in answer.content.decode()


def test_mail__when_banned_before_it_leaves__then_cancelled(api, tenant):
    data = data_of(api.as_(tenant).post("/api/participants", body(make_bank_test())), 201)
    data_of(api.as_(tenant).post(f"/api/participants/{data['id']}/ban", {}))
    run_jobs()
    assert mailbox.outbox == []
    assert OutgoingMail.objects.get().status == "cancelled"


def test_detail__when_a_session_is_running__then_its_time_so_far(api, tenant):
    person = make_participant(company=tenant_company(tenant))
    started = start_session(make_assignment(participant=person)[1])
    staff = api.as_(tenant)
    with time_machine.travel(started.session.started_at + timedelta(seconds=90), tick=False):
        (row,) = data_of(staff.get(f"/api/participants/{person.pk}"))["test_sessions"]
    assert (row["status"], row["time_spent_seconds"]) == ("in_progress", 90)
