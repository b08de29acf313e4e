"""Numbers and passwords of candidates: issued by their company, one by one and many at once."""

import re

import pytest

from accounts.models import Login, User
from accounts.services import many_passwords
from accounts.tests.factories import make_user
from cbt.kernel import clock
from cbt.kernel.actor import SYSTEM
from cbt.kernel.models import AuditEvent
from sessions_app.models import Participant
from sessions_app.services import credentials as service
from sessions_app.services.credentials import Wish, credentials_issue
from sessions_app.services.participants import participant_delete, participant_update
from sessions_app.tests.factories import make_bank_test, make_participant
from tenants.services.companies import company_delete, company_set_active
from tenants.tests.factories import make_company, make_tenant_admin
from tests.support import Api, data_of, error_of, race, run_jobs

pytestmark = pytest.mark.django_db
READABLE = re.compile(r"[a-z2-9]{4}-[a-z2-9]{4}-[a-z2-9]{4}")
GOOD = "Exam-2026!"


@pytest.fixture
def company():
    return make_company()


@pytest.fixture
def tenant(company):
    return Api().as_(make_tenant_admin(company))


def sign_in(number, password):
    return Api().post("/api/auth/login", {"nomor_peserta": number, "password": password})


def issue(person, number=None, password=None):
    wishes = {person.pk: Wish(number, password)}
    return credentials_issue(company_id=person.company_id, wishes=wishes, now=clock.now(), actor=SYSTEM)[0]


def test_issue__when_nothing_is_given__then_both_are_made_and_shown_once(company, tenant):
    person = make_participant(company=company, name="Siti")
    response = tenant.post(f"/api/participants/{person.pk}/credentials")
    data = data_of(response)
    assert response.json()["message"] == "Credentials issued. The password is shown only now."
    assert set(data) == {"participant_id", "name", "participant_number", "password"}
    assert (data["participant_id"], data["name"]) == (person.pk, "Siti")
    assert READABLE.fullmatch(data["password"])
    assert re.fullmatch(rf"{company.pk}-\d{{6}}", data["participant_number"])
    body = sign_in(data["participant_number"], data["password"]).json()
    assert body["user"]["nama"] == "Siti"
    shown = tenant.get(f"/api/participants/{person.pk}")
    assert data_of(shown)["participant_number"] == data["participant_number"]
    stored = User.objects.get(role="participant")
    assert data["password"] not in shown.content.decode() + stored.password + str(
        AuditEvent.objects.values_list("data")
    )
    assert (stored.email, stored.company_id) == (None, company.pk)


def test_issue__when_again__then_number_stays_and_old_password_and_logins_end(company):
    person = make_participant(company=company)
    first = issue(person, "P-9", GOOD)
    token = sign_in("P-9", GOOD).json()["token"]
    second = issue(person)
    assert (second.number, User.objects.count()) == ("P-9", 1)
    error_of(Api(token).get("/api/auth/me"), 401, "UNAUTHENTICATED")
    error_of(sign_in("P-9", first.password), 401, "INVALID_CREDENTIALS")
    data_of(sign_in("p-9", second.password))


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({"participant_number": "a b"}, ["The participant number may hold letters, digits and . _ / - between them."]),
        ({"participant_number": "-1"}, ["The participant number may hold letters, digits and . _ / - between them."]),
        ({"participant_number": "1" * 41}, ["The participant number must not be greater than 40 characters."]),
        ({"participant_number": "taken-1"}, ["The participant number has already been taken."]),
        ({"password": "short"}, ["The password must be at least 8 characters."]),
        ({"password": 12345678}, ["The password must be a string."]),
    ],
)
def test_issue__when_number_or_password_is_bad__then_422_and_nothing_is_stored(company, tenant, body, errors):
    issue(make_participant(), "TAKEN-1", GOOD)
    person = make_participant(company=company)
    found = error_of(tenant.post(f"/api/participants/{person.pk}/credentials", body), 422, "VALIDATION_ERROR")
    assert list(found["errors"].values()) == [errors]
    person.refresh_from_db()
    assert person.user is None


def test_issue__when_foreign_absent_or_deleted__then_one_404(company, tenant):
    foreign, gone = make_participant(), make_participant(company=company, deleted_at=clock.now())
    for participant_id in (foreign.pk, gone.pk, 999_999):
        error_of(tenant.post(f"/api/participants/{participant_id}/credentials"), 404, "NOT_FOUND")
    body = {"participant_ids": [make_participant(company=company).pk, foreign.pk]}
    error_of(tenant.post("/api/participants/credentials", body), 404, "NOT_FOUND")
    assert not User.objects.filter(role="participant").exists()


def test_issue_many__then_all_or_none_in_the_order_asked(company, tenant):
    people = [make_participant(company=company) for _ in range(3)]
    body = {
        "participants": [{"participant_id": people[2].pk, "participant_number": "X-3", "password": GOOD}],
        "participant_ids": [people[0].pk, people[1].pk],
    }
    rows = data_of(tenant.post("/api/participants/credentials", body))
    assert [row["participant_id"] for row in rows] == [people[2].pk, people[0].pk, people[1].pk]
    assert (rows[0]["participant_number"], rows[0]["password"]) == ("X-3", GOOD)
    assert all(sign_in(row["participant_number"], row["password"]).status_code == 200 for row in rows)
    late = make_participant(company=company)
    body = {
        "participants": [{"participant_id": late.pk}, {"participant_id": people[0].pk, "participant_number": "x-3"}]
    }
    error_of(tenant.post("/api/participants/credentials", body), 422, "VALIDATION_ERROR")
    late.refresh_from_db()
    assert late.user is None


def test_issue_many__then_quick_at_first_wrapped_by_a_job_and_never_refused(company, tenant, monkeypatch):
    monkeypatch.setattr(many_passwords, "FEW", 1)
    people = [make_participant(company=company) for _ in range(2)]
    rows = data_of(tenant.post("/api/participants/credentials", {"participant_ids": [one.pk for one in people]}))
    forms = User.objects.filter(role="participant").order_by("pk").values_list("password", flat=True)
    assert [form.partition("$")[0] for form in forms] == ["sealed_pbkdf2"] * 2
    data_of(sign_in(rows[0]["participant_number"], rows[0]["password"]))
    run_jobs()
    assert [form.partition("$")[0] for form in forms.all()] == ["md5", "argon2_pbkdf2"]  # md5: what tests prefer
    data_of(sign_in(rows[1]["participant_number"], rows[1]["password"]))


@pytest.mark.parametrize(
    "body",
    [
        {}, {"participant_ids": []}, {"participant_ids": list(range(1, 502))}, {"participant_ids": ["x"]},
        {"participants": [{"participant_number": "P-1"}]},
    ],
)  # fmt: skip
def test_issue_many__when_nobody_or_too_many_or_malformed__then_422(tenant, body):
    error_of(tenant.post("/api/participants/credentials", body), 422, "VALIDATION_ERROR")


def test_create__when_number_and_password_are_given__then_the_candidate_signs_in(company, tenant):
    body = {
        "name": "Siti", "email": "siti@example.com", "schedule_start_date": "2026-01-01",
        "schedule_end_date": "2099-01-01", "test_ids": [make_bank_test().pk],
        "participant_number": " N-1 ", "password": GOOD,
    }  # fmt: skip
    data = data_of(tenant.post("/api/participants", body), 201)
    assert data["participant_number"] == "N-1"
    assert data["credentials"] == {
        "participant_id": data["id"], "name": "Siti", "participant_number": "N-1", "password": GOOD,
    }  # fmt: skip
    data_of(sign_in("N-1", GOOD))
    again = {**body, "email": "other@example.com", "participant_number": "n-1"}
    error_of(tenant.post("/api/participants", again), 422, "VALIDATION_ERROR")
    assert Participant.objects.count() == 1
    company.subscriptions.get().refresh_from_db()
    assert company.subscriptions.get().used_quota == 1


def test_rename__then_the_account_follows(company):
    person = make_participant(company=company)
    issue(person, "P-1", GOOD)
    participant_update(participant_id=person.pk, name="New Name", email=None, now=clock.now(), actor=SYSTEM)
    assert sign_in("P-1", GOOD).json()["user"]["nama"] == "New Name"


def test_delete__then_login_ends_and_the_number_is_free(company):
    person = make_participant(company=company)
    issue(person, "P-1", GOOD)
    token = sign_in("P-1", GOOD).json()["token"]
    participant_delete(participant_id=person.pk, now=clock.now(), actor=SYSTEM)
    error_of(Api(token).get("/api/auth/me"), 401, "UNAUTHENTICATED")
    error_of(sign_in("P-1", GOOD), 401, "INVALID_CREDENTIALS")
    issue(make_participant(company=company), "P-1", GOOD)
    data_of(sign_in("P-1", GOOD))


def test_company__when_inactive_or_deleted__then_its_candidates_are_out_at_once_and_others_are_not(company):
    people = [make_participant(company=company), make_participant()]
    for number, person in enumerate(people):
        issue(person, f"P-{number}", GOOD)
    tokens = [sign_in(f"P-{number}", GOOD).json()["token"] for number in range(2)]
    actor = _super()
    company_set_active(company_id=company.pk, is_active=False, actor=actor)
    assert [Api(token).get("/api/auth/me").status_code for token in tokens] == [401, 200]
    error_of(sign_in("P-0", GOOD), 403, "COMPANY_INACTIVE")
    company_set_active(company_id=company.pk, is_active=True, actor=actor)
    data_of(sign_in("P-0", GOOD))
    company_delete(company_id=company.pk, actor=actor)
    error_of(sign_in("P-0", GOOD), 403, "COMPANY_INACTIVE")
    assert Login.objects.filter(revoke_reason="company inactive").count() == 2


def _super():
    from accounts.selectors.users import actor_of_user

    return actor_of_user(make_user("super_admin"))


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_race__when_two_companies_wish_for_one_number__then_one_gets_it():
    people = [make_participant(), make_participant()]
    outcomes = race(2, lambda index: issue(people[index], "SAME-1", GOOD).number)
    assert sorted(str(outcome) for outcome in outcomes) == ["SAME-1", "The given data was invalid."]
    assert User.objects.filter(participant_number="SAME-1").count() == 1


def test_numbers__when_made_numbers_are_taken__then_others(company, monkeypatch):
    from accounts.services import candidates

    rolls = iter([1, 1, 2])
    monkeypatch.setattr(candidates.secrets, "randbelow", lambda _: next(rolls))
    issue(make_participant(company=company), f"{company.pk}-000001", GOOD)
    rolls = iter([1, 2])
    assert service.numbers_make(company.pk, 1) == [f"{company.pk}-000002"]
