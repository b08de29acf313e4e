"""POST /api/auth/register-company, and what follows from proving the address."""

import re
import threading

import pytest
from django.core import mail as outbox

from accounts.models import EmailVerification, Login, User
from accounts.services.verification import PURPOSE, email_verify, verification_send
from accounts.tests.factories import make_user
from cbt.kernel import events, ids
from cbt.kernel.actor import ANONYMOUS
from cbt.kernel.errors import DomainError
from cbt.kernel.models import AuditEvent, OutgoingMail
from tenants.models import Company, CompanyAdmin
from tenants.selectors.companies import company_email_taken
from tenants.services import registration
from tenants.services.activation import company_activate_first
from tenants.services.companies import company_create, company_set_active
from tenants.services.registration import company_register
from tenants.tests.factories import make_company, make_tenant_admin, super_actor
from tests.support import Api, data_of, error_of, race, run_jobs

URL = "/api/auth/register-company"
BODY = {
    "company_name": "PT Contoh Perusahaan",
    "company_email": "company@example.com",
    "company_phone": "081234567890",
    "company_address": "Jl. Contoh No. 123",
    "name": "Admin Name",
    "email": "admin@example.com",
    "password": "password123",
    "password_confirmation": "password123",
}


def verify_link_of(user) -> str:
    row = EmailVerification.objects.get(user=user, used_at__isnull=True)
    return ids.recover_token(PURPOSE, row.nonce, row.token_hash)


def counts() -> tuple[int, ...]:
    return tuple(model.objects.count() for model in (Company, CompanyAdmin, User, Login, OutgoingMail))


def test_register__then_the_documented_answer(api):
    answer = api.post(URL, BODY)
    data = data_of(answer, 201)
    user = User.objects.get()
    assert answer.json()["message"] == "Registration successful. Please verify your email."
    assert set(data) == {"user", "token"}
    assert data["user"] == {
        "id": user.pk,
        "name": "Admin Name",
        "email": "admin@example.com",
        "email_verified_at": None,
        "roles": ["tenant_admin"],
    }


def test_register__then_an_inactive_company_with_a_primary_admin_and_a_mail(api):
    data_of(api.post(URL, BODY), 201)
    company, user = Company.objects.get(), User.objects.get()
    assert (company.name, company.email) == ("PT Contoh Perusahaan", "company@example.com")
    assert (company.phone, company.address) == ("081234567890", "Jl. Contoh No. 123")
    assert (company.is_active, company.activated_at, company.deactivated_at) == (False, None, None)
    admin = CompanyAdmin.objects.get()
    assert (admin.company, admin.user, admin.is_primary) == (company, user, True)
    assert (user.role, user.company_id, user.email_verified_at) == ("tenant_admin", company.pk, None)
    run_jobs()
    assert [(mail.to, mail.subject) for mail in outbox.outbox] == [
        (["admin@example.com"], "Verifikasi Email - RuangTes")
    ]
    assert OutgoingMail.objects.get().company_id == company.pk


def test_register__when_optional_texts_are_absent_null_or_empty__then_taken(api):
    for number, blank in enumerate(({}, {"company_phone": None, "company_address": None}, {"company_phone": ""})):
        body = {**BODY, "company_email": f"c{number}@example.com", "email": f"a{number}@example.com"}
        del body["company_phone"], body["company_address"]
        data_of(api.post(URL, {**body, **blank}), 201)
    assert set(Company.objects.values_list("phone", "address")) == {("", "")}


@pytest.mark.parametrize(
    ("change", "field", "text"),
    [
        ({"company_name": None}, "company_name", "The company name field is required."),
        ({"company_name": "x" * 256}, "company_name", "The company name must not be greater than 255 characters."),
        ({"company_email": ""}, "company_email", "The company email field is required."),
        ({"company_email": "nobody"}, "company_email", "The company email must be a valid email address."),
        ({"company_phone": "0" * 21}, "company_phone", "The company phone must not be greater than 20 characters."),
        ({"name": ""}, "name", "The name field is required."),
        ({"email": "nobody"}, "email", "The email must be a valid email address."),
        ({"password": "short77", "password_confirmation": "short77"}, "password",
         "The password must be at least 8 characters."),
        ({"password_confirmation": "password124"}, "password", "The password confirmation does not match."),
        ({"password_confirmation": None}, "password", "The password confirmation does not match."),
        ({"password": None}, "password", "The password field is required."),
    ],
)  # fmt: skip
def test_register__when_a_field_is_wrong__then_422_and_nothing_stored(api, change, field, text):
    body = error_of(api.post(URL, {**BODY, **change}), 422, "VALIDATION_ERROR")
    assert body["message"] == "The given data was invalid."
    assert body["errors"] == {field: [text]}
    assert counts() == (0, 0, 0, 0, 0)


def test_register__when_empty__then_every_required_field_is_named(api):
    body = error_of(api.post(URL, {}), 422, "VALIDATION_ERROR")
    assert set(body["errors"]) == {"company_name", "company_email", "name", "email", "password"}


def test_register__when_both_addresses_are_taken__then_both_are_told(api):
    make_company(email="company@example.com")
    make_user(email="ADMIN@example.com")
    body = error_of(api.post(URL, {**BODY, "company_email": "Company@Example.com"}), 422, "VALIDATION_ERROR")
    assert body["errors"] == {
        "company_email": ["The company email has already been taken."],
        "email": ["The email has already been taken."],
    }
    assert Company.objects.count() == 1


def test_register__when_a_deleted_company_had_the_address__then_free(api):
    from cbt.kernel import clock

    make_company(email="company@example.com", is_active=False, deleted_at=clock.now())
    data_of(api.post(URL, BODY), 201)


def test_register__when_a_late_step_fails__then_nothing_is_left(api, monkeypatch):
    def broken(**_):
        raise RuntimeError

    monkeypatch.setattr(registration, "verification_send", broken)
    error_of(api.post(URL, BODY), 500, "SERVER_ERROR")
    assert counts() == (0, 0, 0, 0, 0)


def test_register__then_the_token_runs_nothing_before_the_proof(api):
    token = data_of(api.post(URL, BODY), 201)["token"]
    login = Login.objects.get()
    assert (login.scope, login.user.email) == ("unverified", "admin@example.com")
    from accounts.selectors.logins import actor_of_token
    from tenants.selectors.companies import company_of

    _, actor = actor_of_token(token)
    with pytest.raises(DomainError) as caught:
        company_of(actor)
    assert caught.value.code == "COMPANY_ADMIN_NOT_FOUND"


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_register__when_twins_race__then_one_company_and_a_422():
    answers = race(4, lambda _: Api().post(URL, BODY))
    assert sorted(answer.status_code for answer in answers) == [201, 422, 422, 422]
    for answer in answers:
        if answer.status_code == 422:
            assert set(answer.json()["errors"]) <= {"company_email", "email"}
    assert counts() == (1, 1, 1, 1, 1)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("field", "value"), [("company_email", "COMPANY@example.com"), ("email", "ADMIN@example.com")])
def test_register__when_twins_differ_in_the_other_address__then_still_one(field, value):
    bodies = [BODY, {**BODY, "company_email": "other@example.com", "email": "other@example.com", field: value}]
    answers = race(2, lambda index: Api().post(URL, bodies[index]))
    assert sorted(answer.status_code for answer in answers) == [201, 422]
    assert [set(answer.json()["errors"]) for answer in answers if answer.status_code == 422] == [{field}]
    assert counts() == (1, 1, 1, 1, 1)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_register__control__when_only_looked_up_first__then_both_twins_pass_the_look():
    """The look at taken addresses stops no twin: what stops it are the unique indexes."""
    both_have_looked = threading.Barrier(2)

    def look(_):
        is_taken = company_email_taken(BODY["company_email"])
        both_have_looked.wait(timeout=30)
        if not is_taken:
            make_company(email=BODY["company_email"], with_subscription=False)
        return is_taken

    results = race(2, look)
    assert [str(type(result).__name__) for result in results if result is not False] == ["IntegrityError"]


@pytest.fixture
def registered(db):
    fields = {key: value for key, value in BODY.items() if key != "password_confirmation"}
    return company_register(**fields, actor=ANONYMOUS).user


def test_verify__then_the_company_opens_and_its_admin_can_sign_in(registered, api):
    email_verify(token=verify_link_of(registered))
    company = Company.objects.get()
    assert (company.is_active, company.activated_at == company.updated_at) == (True, True)
    event = AuditEvent.objects.get(action="tenants.company.activated")
    assert (event.actor_id, event.object_id, event.company_id) == (registered.pk, str(company.pk), company.pk)
    answer = api.post("/api/auth/login", {"email": BODY["email"], "password": BODY["password"]})
    assert data_of(answer)["user"]["roles"] == ["tenant_admin"]


def test_verify__then_the_token_of_the_registration_runs_the_company(registered):
    from accounts.selectors.logins import actor_of_token
    from accounts.services.login import token_for
    from tenants.selectors.companies import company_of

    token = token_for(Login.objects.get(user=registered))
    email_verify(token=verify_link_of(registered))
    tenant = company_of(actor_of_token(token)[1])
    assert (tenant.company, tenant.subscription) == (Company.objects.get(), None)


def test_verify__when_the_event_comes_again__then_activated_once(registered):
    email_verify(token=verify_link_of(registered))
    first = Company.objects.get()
    company_activate_first(events.UserEmailVerified(user_id=registered.pk))
    assert Company.objects.get().activated_at == first.activated_at
    assert AuditEvent.objects.filter(action="tenants.company.activated").count() == 1


def test_verify__when_staff_shut_it_afterwards__then_no_later_proof_opens_it(registered):
    email_verify(token=verify_link_of(registered))
    company = Company.objects.get()
    company_set_active(company_id=company.pk, is_active=False, actor=super_actor())
    verification_send(user=registered, email="new@example.com")
    email_verify(token=verify_link_of(registered))
    company_activate_first(events.UserEmailVerified(user_id=registered.pk))
    company.refresh_from_db()
    assert company.is_active is False
    assert company.activated_at is not None


def test_verify__when_staff_shut_it_before__then_the_first_proof_does_not_open_it(registered, api):
    company = Company.objects.get()
    company_set_active(company_id=company.pk, is_active=False, actor=super_actor())
    email_verify(token=verify_link_of(registered))
    company.refresh_from_db()
    assert (company.is_active, company.activated_at) == (False, None)
    answer = api.post("/api/auth/login", {"email": BODY["email"], "password": BODY["password"]})
    assert error_of(answer, 403, "COMPANY_INACTIVE")["message"] == "Company is inactive"


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_verify__when_staff_shuts_it_in_the_same_moment__then_shut_and_neither_waits_crosswise():
    fields = {key: value for key, value in BODY.items() if key != "password_confirmation"}
    actor = super_actor()
    for number in range(5):
        emails = {"company_email": f"c{number}@example.com", "email": f"a{number}@example.com"}
        user = company_register(**{**fields, **emails}, actor=ANONYMOUS).user
        acts = [
            lambda user=user: email_verify(token=verify_link_of(user)),
            lambda user=user: company_set_active(company_id=user.company_id, is_active=False, actor=actor),
        ]
        results = race(2, lambda index, acts=acts: acts[index]())
        assert [result for result in results if isinstance(result, Exception)] == []
        user.refresh_from_db()
        assert (Company.objects.get(pk=user.company_id).is_active, user.is_locked) == (False, True)


@pytest.mark.django_db
def test_verify__when_staff_made_the_company_inactive__then_it_stays_so():
    company = company_create(name="PT A", email="a@example.com", is_active=False, actor=super_actor())
    user = make_tenant_admin(company, is_verified=False)
    company_activate_first(events.UserEmailVerified(user_id=user.pk))
    company.refresh_from_db()
    assert company.is_active is False


@pytest.mark.django_db
def test_verify__when_a_private_user__then_no_company_changes():
    company = make_company(is_active=False)
    company_activate_first(events.UserEmailVerified(user_id=make_user().pk))
    company.refresh_from_db()
    assert company.is_active is False


def test_event__then_subscribed_once():
    handlers = events.subscriptions()["UserEmailVerified"]
    assert handlers.count("tenants.services.activation.company_activate_first") == 1


def test_mail__then_its_link_carries_the_token_and_no_table_does(registered):
    token = verify_link_of(registered)
    run_jobs()
    assert re.search(re.escape(token), outbox.outbox[0].body)
    assert token not in str(list(OutgoingMail.objects.values()))
