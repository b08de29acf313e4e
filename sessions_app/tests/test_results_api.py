"""Results for staff and private buyers; marks, regrades, exports."""

import csv
import io
import zipfile
from datetime import timedelta

import pytest
import time_machine
from openpyxl import load_workbook

from accounts.states import Role
from accounts.tests.factories import make_user
from catalog.tests.builders import question
from cbt.kernel import clock
from cbt.kernel.actor import SYSTEM
from commerce.services.purchases import purchase_grant
from sessions_app.models import ExamSession, Result, SessionEvent
from sessions_app.services.closing import session_lock_open, session_pause
from sessions_app.services.sessions import Origin, session_start_purchase
from sessions_app.tests.factories import make_assignment, make_bank_test, make_participant, start_session
from tenants.models import Company
from tenants.tests.factories import make_company, make_tenant_admin
from tests.support import Api, data_of, error_of

ROW = {
    "id", "number", "is_current", "state", "test", "participant", "user", "session", "points", "max_points",
    "percentage", "passed", "correct_count", "wrong_count", "unanswered_count", "pending_count", "scales", "reason",
    "scoring_version", "created_at",
}  # fmt: skip


@pytest.fixture
def tenant(db):
    return make_tenant_admin(make_company())


def finished(tenant, answers=None, *, test=None, **person):
    participant = make_participant(company=Company.objects.get(pk=tenant.company_id), **person)
    started = start_session(make_assignment(participant=participant, test=test)[1])
    api = Api()
    if answers:
        data_of(api.post(f"/api/test-session/{started.token}/save-answers", {"answers": answers}))
    return data_of(api.post(f"/api/test-session/{started.token}/submit")), started


def test_list__then_own_company_with_documented_keys(api, tenant):
    submitted, _ = finished(tenant, {"q1": "b", "q2": "b"})
    finished(make_tenant_admin(make_company()))
    data = data_of(api.as_(tenant).get("/api/results"))
    assert [row["id"] for row in data["data"]] == [submitted["result_id"]]
    row = data["data"][0]
    assert set(row) == ROW
    assert (row["percentage"], row["points"], row["max_points"], row["correct_count"]) == (100.0, 2.0, 2.0, 2)
    assert (row["state"], row["user"], row["session"]["status"]) == ("final", None, "completed")


def test_list__when_filtered__then_narrowed(api, tenant):
    test = make_bank_test()
    one, _ = finished(tenant, test=test, name="Ani")
    two, _ = finished(tenant, test=make_bank_test(question("long_text", "e1", weight=10)), name="Budi")
    staff = api.as_(tenant)

    def ids(query):
        return {row["id"] for row in data_of(staff.get(f"/api/results?{query}"))["data"]}

    both = {one["result_id"], two["result_id"]}
    yesterday = (clock.now() - timedelta(days=1)).date().isoformat()
    today = clock.now().date().isoformat()
    person = ExamSession.objects.get(pk=one["id"]).participant_id
    assert ids(f"test={test.pk}") == {one["result_id"]}
    assert ids(f"participant={person}") == {one["result_id"]}
    assert ids("status=pending_marks") == set()
    assert ids("search=ani") == {one["result_id"]}
    assert ids(f"date_from={today}") == both
    assert ids(f"date_to={yesterday}") == set()
    error_of(staff.get("/api/results?date_from=x"), 422, "VALIDATION_ERROR")
    error_of(staff.get("/api/results?status=x"), 422, "VALIDATION_ERROR")


def test_detail__then_items_with_key_and_history(api, tenant):
    submitted, _ = finished(tenant, {"q1": "b", "q2": "c"})
    data = data_of(api.as_(tenant).get(f"/api/results/{submitted['result_id']}"))
    assert set(data) == ROW | {"items", "history"}
    assert [(row["question_id"], row["answer"], row["correct_answer"], row["is_correct"]) for row in data["items"]] == [
        ("q1", "b", "b", True),
        ("q2", "c", "b", False),
    ]
    assert [row["number"] for row in data["history"]] == [1]


def test_detail__when_another_company_or_absent__then_the_same_404(api, tenant):
    foreign, _ = finished(make_tenant_admin(make_company()))
    for result_id in (foreign["result_id"], 999_999):
        error_of(api.as_(tenant).get(f"/api/results/{result_id}"), 404, "NOT_FOUND")
    for path in ("marks", "regrade"):
        error_of(api.as_(tenant).post(f"/api/test-sessions/{foreign['id']}/{path}", {}), 404, "NOT_FOUND")


def test_mark__then_new_result_and_the_old_one_stays(api, tenant):
    test = make_bank_test(question("long_text", "e1", weight=10), question("single_choice", "q1", weight=10))
    submitted, _ = finished(tenant, {"e1": "An essay", "q1": "b"}, test=test)
    first = Result.objects.get()
    assert (first.state, first.pending_count) == ("pending_marks", 1)
    staff = api.as_(tenant)
    url = f"/api/test-sessions/{submitted['id']}/marks"
    response = staff.post(url, {"question_id": "e1", "points": 7.5, "comment": "Good"})
    data = data_of(response, 201)
    assert response.json()["message"] == "Answer marked successfully"
    assert (data["points"], data["percentage"], data["state"], data["number"]) == (17.5, 87.5, "final", 2)
    first.refresh_from_db()
    assert (first.is_current, float(first.points)) == (False, 10.0)
    assert [row["percentage"] for row in data["history"]] == [float(first.percentage), 87.5]
    data_of(staff.post(url, {"question_id": "e1", "points": 10}), 201)
    assert list(Result.objects.order_by("number").values_list("number", "is_current")) == [
        (1, False), (2, False), (3, True),
    ]  # fmt: skip
    assert [row["id"] for row in data_of(staff.get("/api/results"))["data"]] == [Result.objects.get(number=3).pk]


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"question_id": "q1", "points": 1}, "question_id"), ({"question_id": "no", "points": 1}, "question_id"),
        ({"question_id": "e1", "points": 11}, "points"), ({"question_id": "e1", "points": -1}, "points"),
        ({"question_id": "e1", "points": "x"}, "points"), ({"question_id": "e1"}, "points"),
    ],
)  # fmt: skip
def test_mark__when_wrong__then_422_and_no_result(api, tenant, sent, field):
    test = make_bank_test(question("long_text", "e1", weight=10), question("single_choice", "q1"))
    submitted, _ = finished(tenant, {"e1": "text"}, test=test)
    body = error_of(api.as_(tenant).post(f"/api/test-sessions/{submitted['id']}/marks", sent), 422, "VALIDATION_ERROR")
    assert list(body["errors"]) == [field]
    assert Result.objects.count() == 1


def test_mark__when_session_is_open__then_400(api, tenant):
    test = make_bank_test(question("long_text", "e1", weight=10))
    person = make_participant(company=Company.objects.get(pk=tenant.company_id))
    started = start_session(make_assignment(participant=person, test=test)[1])
    url = f"/api/test-sessions/{started.session.pk}/marks"
    error_of(api.as_(tenant).post(url, {"question_id": "e1", "points": 1}), 400, "SESSION_NOT_IN_PROGRESS")


def test_regrade__then_new_result_names_its_reason(api, tenant):
    submitted, _ = finished(tenant, {"q1": "b"})
    response = api.as_(tenant).post(f"/api/test-sessions/{submitted['id']}/regrade", {"reason": "Appeal 7"})
    data = data_of(response, 201)
    assert (data["reason"], data["number"], data["percentage"]) == ("Appeal 7", 2, 50.0)
    assert Result.objects.filter(is_current=True).count() == 1


def buyer_session(user, test):
    purchase_grant(user_id=user.pk, test_id=test.pk, now=clock.now(), actor=SYSTEM)
    return data_of(Api().as_(user).post(f"/api/my-tests/{test.pk}/start"))["session"]["session_token"]


@pytest.mark.parametrize(("policy", "seen"), [("none", False), ("score", True), ("score_and_key", True)])
def test_own_results__when_private_buyer__then_as_policy_says(api, policy, seen):
    user, test = make_user(), make_bank_test(settings={"result_policy": policy})
    token = buyer_session(user, test)
    api.post(f"/api/test-session/{token}/save-answers", {"answers": {"q1": "b"}})
    submitted = data_of(api.post(f"/api/test-session/{token}/submit"))
    rows = data_of(api.as_(user).get("/api/results"))["data"]
    assert [row["id"] for row in rows] == ([submitted["result_id"]] if seen else [])
    answer = api.as_(user).get(f"/api/results/{submitted['result_id']}")
    if not seen:
        error_of(answer, 404, "NOT_FOUND")
    else:
        assert ("items" in data_of(answer)) is (policy == "score_and_key")
    error_of(api.as_(make_user()).get(f"/api/results/{submitted['result_id']}"), 404, "NOT_FOUND")
    error_of(api.as_(user).get("/api/results/export"), 403, "FORBIDDEN")


def test_my_tests__then_documented_shapes_and_one_attempt(api):
    user, test = make_user(), make_bank_test(duration_minutes=60)
    staff = api.as_(user)
    body = error_of(staff.post(f"/api/my-tests/{test.pk}/start"), 400, "TEST_NOT_PURCHASED")
    assert body["message"] == "Cannot start test. Test not purchased or payment not verified."
    token = buyer_session(user, test)
    rows = data_of(staff.get("/api/my-tests"))
    assert rows == [
        {
            "id": test.pk, "name": test.name, "code": test.code, "description": test.description,
            "duration_minutes": 60, "question_count": 2, "category": None, "instruction_route": None,
            "test_route": None, "has_active_session": True, "is_completed": False,
        }
    ]  # fmt: skip
    shown = data_of(api.get(f"/api/test-session/{token}"))
    assert shown["assignment"] is None
    api.post(f"/api/test-session/{token}/submit")
    assert data_of(staff.get("/api/my-tests"))[0]["is_completed"] is True
    data = data_of(staff.get(f"/api/my-tests/{test.pk}/instructions"))
    assert set(data) == {"test", "user", "is_completed"}
    error_of(staff.post(f"/api/my-tests/{test.pk}/start"), 400, "ATTEMPTS_USED_UP")


def test_export__then_no_live_formula_and_same_numbers(api, tenant):
    finished(tenant, {"q1": "b"}, name="=cmd|' /C calc'!A0", email="a@example.com")
    finished(tenant, name="\uff20SUM(A1)", email="b@example.com")
    staff = api.as_(tenant)
    response = staff.get("/api/results/export?format=xlsx")
    assert response.status_code == 200
    assert response["Content-Disposition"].startswith('attachment; filename="results-')
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert "<hyperlink" not in sheet
    rows = list(load_workbook(io.BytesIO(response.content)).active.values)
    assert len(rows) == 3
    assert {row[3] for row in rows[1:]} == {"=cmd|' /C calc'!A0", "\uff20SUM(A1)"}
    table = list(csv.reader(io.StringIO(staff.get("/api/results/export?format=csv").content.decode("utf-8-sig"))))
    assert {row[3] for row in table[1:]} == {"'=cmd|' /C calc'!A0", "'\uff20SUM(A1)"}
    error_of(staff.get("/api/results/export?format=pdf"), 422, "VALIDATION_ERROR")


def test_staff_sessions__then_no_token_in_list_detail_or_log(api, tenant):
    submitted, started = finished(tenant, {"q1": "b"})
    staff = api.as_(tenant)
    listing = staff.get("/api/test-sessions")
    assert [row["id"] for row in data_of(listing)["data"]] == [submitted["id"]]
    detail = staff.get(f"/api/test-sessions/{submitted['id']}")
    assert data_of(detail)["answers"][0]["answer"] == "b"
    log = staff.get(f"/api/test-sessions/{submitted['id']}/events")
    assert [row["kind"] for row in data_of(log)["data"]] == ["started", "answers_saved", "submitted", "scored"]
    for answer in (listing, detail, log):
        assert started.token not in answer.content.decode()
    foreign, _ = finished(make_tenant_admin(make_company()))
    for path in ("", "/events"):
        error_of(staff.get(f"/api/test-sessions/{foreign['id']}{path}"), 404, "NOT_FOUND")


def test_staff_sessions__when_searched__then_participants_and_private_people_and_of_ones_own_company_only(api, tenant):
    company = Company.objects.get(pk=tenant.company_id)
    start_session(make_assignment(participant=make_participant(company=company, name="Zamrud Sari"))[1])
    start_session(make_assignment(participant=make_participant(name="Zamrud Elsewhere"))[1])
    buyer = make_user(name="Zamrud Buyer")
    purchase = purchase_grant(user_id=buyer.pk, test_id=make_bank_test().pk, now=clock.now(), actor=SYSTEM)
    session_start_purchase(purchase=purchase, now=clock.now(), origin=Origin("127.0.0.1", "tests"))

    def found(who, text):
        rows = data_of(api.as_(who).get(f"/api/test-sessions?search={text}"))["data"]
        return sorted((row["participant"] or row["user"])["name"] for row in rows)

    boss = make_user(Role.SUPER_ADMIN)
    assert found(tenant, "zamrud") == ["Zamrud Sari"]
    assert found(tenant, buyer.email) == []
    assert found(boss, "zamrud") == ["Zamrud Buyer", "Zamrud Elsewhere", "Zamrud Sari"]
    assert found(boss, buyer.email) == ["Zamrud Buyer"]


def test_pause_and_continue__then_the_pause_is_given_back(api, tenant):
    person = make_participant(company=Company.objects.get(pk=tenant.company_id))
    started = start_session(make_assignment(participant=person)[1])
    begun = started.session.started_at
    from django.db import transaction

    with transaction.atomic():
        session = session_lock_open(started.token, now=begun)
        session_pause(session=session, reason="policy", now=begun + timedelta(minutes=10))
    staff = api.as_(tenant)
    save = f"/api/test-session/{started.token}/save-answers"
    with time_machine.travel(begun + timedelta(minutes=15), tick=False):
        error_of(api.post(save, {"answers": {"q1": "b"}}), 400, "SESSION_PAUSED")
        assert data_of(api.get(f"/api/test-session/{started.token}"))["remaining_seconds"] == 3000
    with time_machine.travel(begun + timedelta(minutes=20), tick=False):
        staff = api.as_(tenant)
        data = data_of(staff.post(f"/api/test-sessions/{session.pk}/continue"))
        assert (data["remaining_seconds"], data["time_spent_seconds"]) == (3000, 600)
        error_of(staff.post(f"/api/test-sessions/{session.pk}/continue"), 400, "BUSINESS_RULE")
        data_of(api.post(save, {"answers": {"q1": "b"}}))


def test_abandon__then_not_scored_and_may_start_again(api, tenant):
    person = make_participant(company=Company.objects.get(pk=tenant.company_id))
    _, token = make_assignment(participant=person)
    started = start_session(token)
    staff = api.as_(tenant)
    data = data_of(staff.post(f"/api/test-sessions/{started.session.pk}/abandon", {"reason": "Power cut"}))
    assert data["status"] == "abandoned"
    assert Result.objects.count() == 0
    assert SessionEvent.objects.filter(kind="abandoned").count() == 1
    assert start_session(token).is_new is True
