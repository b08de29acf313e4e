"""The private buyer's own profile: read, complete, update, change password. Details 2.2."""

import pytest
import time_machine

from accounts.models import EmailVerification, PasswordReset, PublicProfile, User
from accounts.selectors.profiles import completion_of
from accounts.services.passwords import password_forgot, password_reset
from accounts.services.verification import email_verify
from accounts.states import Role
from accounts.tests.factories import PASSWORD, make_user, token_of
from accounts.tests.mailbox import last_token, mails
from cbt.kernel.errors import DomainError
from cbt.kernel.models import AuditEvent
from tests.support import Api, counted_queries, data_of, error_of, run_jobs

SHOW = "/api/profile"
STATUS = "/api/profile/completion-status"
COMPLETE = "/api/profile/complete"
UPDATE = "/api/profile/update"
CHANGE = "/api/profile/change-password"
FULL = {
    "phone": "081234567890", "date_of_birth": "1990-01-01", "address": "Jl. Contoh No. 123",
    "biodata": {"additional_info": "Some info"},
}  # fmt: skip
PROFILE_KEYS = {
    "id", "user", "phone", "date_of_birth", "address", "biodata", "pending_email", "created_at", "updated_at",
}  # fmt: skip


@pytest.fixture
def budi(db):
    return make_user(name="Budi", email="budi@example.com")


@pytest.fixture
def mine(budi):
    return Api(token_of(budi))


def _sent_to():
    return [(message.to[0], message.subject) for message in mails()]


# --- reading ----------------------------------------------------------------------------------------


def test_show__when_fresh__then_profile_and_completion(api):
    with time_machine.travel("2026-03-01T08:00:00Z", tick=False):
        user = make_user(name="Budi", email="budi@example.com")
        response = api.as_(user).get(SHOW)
    assert response.json()["message"] == "Profile retrieved successfully"
    profile = {
        "id": user.profile.pk,
        "user": {
            "id": user.pk, "name": "Budi", "email": "budi@example.com", "email_verified_at": "2026-03-01T08:00:00Z",
        },
        "phone": None, "date_of_birth": None, "address": None, "biodata": None, "pending_email": None,
        "created_at": "2026-03-01T08:00:00Z", "updated_at": "2026-03-01T08:00:00Z",
    }  # fmt: skip
    assert data_of(response) == {
        **profile,
        "profile": profile,
        "completion_status": {
            "is_complete": False, "completion_percentage": 40,
            "missing_fields": ["phone", "date_of_birth", "address"],
            "fields": {"name": True, "email": True, "phone": False, "date_of_birth": False, "address": False},
        },
    }  # fmt: skip


def test_status__when_complete__then_as_the_contract_shows(mine):
    data_of(mine.post(COMPLETE, FULL), 201)
    response = mine.get(STATUS)
    assert response.json()["message"] == "Profile completion status retrieved successfully"
    shown = data_of(response)
    assert {key: shown[key] for key in ("is_complete", "completion_percentage", "missing_fields")} == {
        "is_complete": True, "completion_percentage": 100, "missing_fields": [],
    }  # fmt: skip
    assert set(shown) == {"is_complete", "completion_percentage", "missing_fields", "fields"}


@pytest.mark.parametrize(
    ("user", "profile", "percentage", "missing"),
    [
        ({"name": " "}, {}, 0, ["name", "email", "phone", "date_of_birth", "address"]),
        ({"email_verified_at": None}, {}, 20, ["email", "phone", "date_of_birth", "address"]),
        ({"email_verified_at": 1}, {"phone": "1"}, 60, ["date_of_birth", "address"]),
        ({"email_verified_at": 1}, {"phone": "1", "date_of_birth": 1}, 80, ["address"]),
        ({"email_verified_at": 1}, {"phone": "1", "date_of_birth": 1, "address": " "}, 80, ["address"]),
        ({"email_verified_at": 1}, {"phone": "1", "date_of_birth": 1, "address": "x"}, 100, []),
    ],
)
def test_completion__then_five_fields_of_20_percent(user, profile, percentage, missing):
    found = completion_of(
        User(**{"name": "B", "email": "b@example.com", **user}),
        PublicProfile(**{"phone": "", "address": "", **profile}),
    )
    assert (found.percentage, found.missing, found.is_complete) == (percentage, missing, not missing)


@pytest.mark.parametrize(("method", "path"), [("get", SHOW), ("get", STATUS), ("post", COMPLETE), ("put", UPDATE)])
def test_any__when_profile_row_is_missing__then_400(mine, method, path):
    PublicProfile.objects.all().delete()
    body = error_of(getattr(mine, method)(path, None if method == "get" else FULL), 400, "BUSINESS_RULE")
    assert body["message"] == "Public user profile not found."


@pytest.mark.parametrize("role", [Role.SUPER_ADMIN, Role.TENANT_ADMIN])
@pytest.mark.parametrize(
    ("method", "path"),
    [("get", SHOW), ("get", STATUS), ("post", COMPLETE), ("put", UPDATE), ("patch", UPDATE), ("post", CHANGE)],
)
def test_any__when_no_private_buyer__then_403(api, role, method, path):
    caller = api.as_(make_user(role))
    assert error_of(getattr(caller, method)(path), 403, "FORBIDDEN")["message"] == "Unauthorized"


def test_show__then_four_queries(mine):
    with counted_queries() as statements:
        data_of(mine.get(SHOW))
    assert len(statements) == 4, statements  # login with user; user, profile, waiting address


# --- completing -------------------------------------------------------------------------------------


def test_complete__then_201_and_profile_shape(mine, budi):
    response = mine.post(COMPLETE, FULL)
    assert response.json()["message"] == "Profile completed successfully"
    shown = data_of(response, 201)
    assert set(shown) == PROFILE_KEYS
    assert {key: shown[key] for key in FULL} == FULL
    assert shown["user"]["id"] == budi.pk
    assert AuditEvent.objects.get().action == "accounts.profile.completed"
    assert AuditEvent.objects.get().data == {}


def test_complete__when_done_before__then_400(mine):
    data_of(mine.post(COMPLETE, FULL), 201)
    body = error_of(mine.post(COMPLETE, {**FULL, "phone": "0"}), 400, "BUSINESS_RULE")
    assert body["message"] == "Profile is already complete"
    assert PublicProfile.objects.get().phone == FULL["phone"]


def test_complete__when_one_of_three_is_missing_in_the_row__then_allowed(mine):
    data_of(mine.post(COMPLETE, FULL), 201)
    PublicProfile.objects.update(address="")
    data_of(mine.post(COMPLETE, FULL), 201)


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        (
            {"phone": None, "date_of_birth": None, "address": None},
            {
                "phone": ["Phone number is required."], "date_of_birth": ["Date of birth is required."],
                "address": ["Address is required."],
            },
        ),
        ({"phone": "", "address": " "}, {"phone": ["Phone number is required."], "address": ["Address is required."]}),
        ({"date_of_birth": ""}, {"date_of_birth": ["Date of birth is required."]}),
        ({"date_of_birth": "2026-03-01"}, {"date_of_birth": ["Date of birth must be before today."]}),
        ({"phone": "1" * 21}, {"phone": ["The phone must not be greater than 20 characters."]}),
        ({"address": "x" * 501}, {"address": ["The address must not be greater than 500 characters."]}),
        ({"biodata": [1]}, {"biodata": ["The biodata must be an object."]}),
        ({"biodata": {"x": "y" * 16_384}}, {"biodata": ["The biodata must not be greater than 16384 characters."]}),
    ],
)  # fmt: skip
def test_complete__when_wrong__then_422_with_the_contracts_texts(api, change, errors):
    with time_machine.travel("2026-03-01T08:00:00Z", tick=False):
        mine = api.as_(make_user())
        assert error_of(mine.post(COMPLETE, {**FULL, **change}), 422, "VALIDATION_ERROR")["errors"] == errors


def test_complete__when_nothing_is_sent__then_three_errors(mine):
    assert set(error_of(mine.post(COMPLETE, {}), 422, "VALIDATION_ERROR")["errors"]) == {
        "phone", "date_of_birth", "address",
    }  # fmt: skip


# --- updating ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["put", "patch"])
def test_update__then_only_what_was_sent_changes(mine, method):
    data_of(mine.post(COMPLETE, FULL), 201)
    response = getattr(mine, method)(UPDATE, {"name": " Budi Baru ", "phone": "0899"})
    assert response.json()["message"] == "Profile updated successfully"
    shown = data_of(response)
    assert set(shown) == PROFILE_KEYS
    assert (shown["user"]["name"], shown["phone"], shown["address"]) == ("Budi Baru", "0899", FULL["address"])
    assert AuditEvent.objects.first().data == {"fields": ["name", "phone"]}


def test_update__when_null_or_empty__then_nothing_is_cleared(mine):
    data_of(mine.post(COMPLETE, FULL), 201)
    before = data_of(mine.get(SHOW))
    for nothing in (None, ""):
        data_of(mine.put(UPDATE, dict.fromkeys(["name", "email", "phone", "date_of_birth", "address"], nothing)))
    data_of(mine.put(UPDATE, {"biodata": None}))
    data_of(mine.put(UPDATE))
    assert data_of(mine.get(SHOW)) == before
    assert AuditEvent.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({"date_of_birth": "2999-01-01"}, {"date_of_birth": ["Date of birth must be before today."]}),
        ({"email": "x"}, {"email": ["The email must be a valid email address."]}),
        ({"name": "x" * 256}, {"name": ["The name must not be greater than 255 characters."]}),
        ({"phone": "1" * 21}, {"phone": ["The phone must not be greater than 20 characters."]}),
    ],
)
def test_update__when_wrong__then_422_and_nothing_is_stored(mine, body, errors):
    assert error_of(mine.put(UPDATE, {"name": "Other", **body}), 422, "VALIDATION_ERROR")["errors"] == errors
    assert User.objects.get().name == "Budi"


# --- a new address ----------------------------------------------------------------------------------


def test_new_email__then_waits_until_proved_and_the_old_one_is_warned(api, mine, budi):
    shown = data_of(mine.put(UPDATE, {"email": " New@Example.com"}))
    assert (shown["user"]["email"], shown["pending_email"]) == ("budi@example.com", "New@Example.com")
    assert data_of(mine.get(SHOW))["profile"]["pending_email"] == "New@Example.com"
    sent = {message.to[0]: message for message in mails()}
    assert set(sent) == {"New@Example.com", "budi@example.com"}
    assert sent["New@Example.com"].subject == "Verifikasi Email - RuangTes"
    assert "24 jam" in sent["New@Example.com"].body
    assert "mendaftar" not in sent["New@Example.com"].body
    warning = sent["budi@example.com"]
    assert warning.subject == "Permintaan Perubahan Email - RuangTes"
    assert "N•••@Example.com" in warning.body
    assert "token=" not in warning.body
    assert "http://localhost:3000/forgot-password" in warning.body

    body = {"email": "new@example.com", "password": PASSWORD}
    error_of(api.post("/api/auth/login", body), 401, "INVALID_CREDENTIALS")
    token = sent["New@Example.com"].body.split("token=")[1].split()[0]
    data_of(api.post("/api/auth/verify-email", {"token": token}))
    shown = data_of(mine.get(SHOW))["profile"]
    assert (shown["user"]["email"], shown["pending_email"]) == ("New@Example.com", None)
    data_of(api.post("/api/auth/login", {"email": "new@example.com", "password": PASSWORD}))
    error_of(api.post("/api/auth/login", {"email": budi.email, "password": PASSWORD}), 401, "INVALID_CREDENTIALS")


def test_new_email__when_taken_in_any_case__then_422_and_nothing_is_mailed(mine):
    make_user(email="Ani@example.com")
    body = error_of(mine.put(UPDATE, {"email": "aNI@example.com", "phone": "1"}), 422, "VALIDATION_ERROR")
    assert body["errors"] == {"email": ["The email has already been taken."]}
    assert _sent_to() == []
    assert set(PublicProfile.objects.values_list("phone", flat=True)) == {""}


def test_new_email__when_it_is_ones_own__then_no_mail_and_its_spelling_is_taken_over(mine):
    data_of(mine.put(UPDATE, {"email": "budi@example.com"}))
    shown = data_of(mine.put(UPDATE, {"email": "Budi@Example.com"}))
    assert (shown["user"]["email"], shown["pending_email"]) == ("Budi@Example.com", None)
    assert User.objects.get().is_verified
    assert _sent_to() == []


def test_new_email__when_sent_again_with_the_form__then_one_link_which_stays_good(mine):
    for _ in range(8):
        data_of(mine.put(UPDATE, {"email": "new@example.com", "phone": "1"}))
    assert len(_sent_to()) == 2
    email_verify(token=EmailTokens.newest("new@example.com"))
    assert User.objects.get().email == "new@example.com"


class EmailTokens:
    @staticmethod
    def newest(to):
        message = next(message for message in reversed(mails()) if message.to == [to])
        return message.body.split("token=")[1].split()[0]


def test_new_email__when_another_one_is_wanted__then_the_first_link_is_void(mine):
    data_of(mine.put(UPDATE, {"email": "first@example.com"}))
    first = EmailTokens.newest("first@example.com")
    assert data_of(mine.put(UPDATE, {"email": "second@example.com"}))["pending_email"] == "second@example.com"
    with pytest.raises(DomainError, match="Invalid or expired verification token"):
        email_verify(token=first)


def test_new_email__when_the_old_one_is_sent_with_the_form__then_the_waiting_one_waits_on(mine):
    data_of(mine.put(UPDATE, {"email": "new@example.com"}))
    assert data_of(mine.put(UPDATE, {"email": "budi@example.com", "phone": "1"}))["pending_email"] == "new@example.com"


def test_new_email__when_sixth_within_an_hour__then_429_and_nothing_of_the_form_is_stored(mine):
    for number in range(5):
        data_of(mine.put(UPDATE, {"email": f"new{number}@example.com"}))
    response = mine.put(UPDATE, {"email": "new5@example.com", "phone": "1"})
    error_of(response, 429, "RATE_LIMITED")
    assert int(response["Retry-After"]) > 3000
    assert PublicProfile.objects.get().phone == ""


def test_new_email__when_the_link_ran_out__then_waits_no_more_and_can_be_asked_again(api):
    with time_machine.travel("2026-03-01T08:00:00Z", tick=False) as clock:
        mine = api.as_(make_user(email="budi@example.com"))
        data_of(mine.put(UPDATE, {"email": "new@example.com"}))
        clock.shift(86_400)
        assert data_of(mine.get(SHOW))["profile"]["pending_email"] is None
        data_of(mine.put(UPDATE, {"email": "new@example.com"}))
        assert [to for to, _ in _sent_to()].count("new@example.com") == 1  # the first was never sent: it ran out
        email_verify(token=EmailTokens.newest("new@example.com"))


def test_resend__when_a_new_address_waits__then_mailed_there_again(mine):
    data_of(mine.put(UPDATE, {"email": "new@example.com"}))
    run_jobs()
    data_of(mine.post("/api/auth/resend-verification"))
    assert [to for to, _ in _sent_to()].count("new@example.com") == 2
    email_verify(token=EmailTokens.newest("new@example.com"))
    error_of(mine.post("/api/auth/resend-verification"), 400, "ALREADY_VERIFIED")


def test_new_email__when_password_is_reset_or_changed__then_the_link_is_void(mine, budi):
    """Who asked with a stolen login must be shut out by the advice the warning gives."""
    data_of(mine.put(UPDATE, {"email": "thief@example.com"}))
    stolen = EmailTokens.newest("thief@example.com")
    password_forgot(email=budi.email)
    password_reset(token=last_token(), email=budi.email, password="newpassword1")
    with pytest.raises(DomainError):
        email_verify(token=stolen)

    mine = Api(token_of(User.objects.get()))
    data_of(mine.put(UPDATE, {"email": "thief@example.com"}))
    stolen = EmailTokens.newest("thief@example.com")
    body = {"current_password": "newpassword1", "password": PASSWORD, "password_confirmation": PASSWORD}
    data_of(mine.post(CHANGE, body))
    with pytest.raises(DomainError):
        email_verify(token=stolen)
    assert User.objects.get().email == "budi@example.com"


def test_new_email__when_it_counts__then_reset_links_to_the_old_one_are_void(mine, budi):
    password_forgot(email=budi.email)
    run_jobs()
    data_of(mine.put(UPDATE, {"email": "new@example.com"}))
    assert PasswordReset.objects.filter(used_at__isnull=True).count() == 1
    email_verify(token=EmailTokens.newest("new@example.com"))
    assert PasswordReset.objects.filter(used_at__isnull=True).count() == 0


def test_new_email__then_no_address_and_no_token_in_the_audit_trail(mine):
    data_of(mine.put(UPDATE, {"email": "new@example.com"}))
    event = AuditEvent.objects.get()
    assert (event.action, event.data) == ("accounts.user.email_change_asked", {})
    row = EmailVerification.objects.get()
    assert row.token_hash not in str(AuditEvent.objects.values())


# --- changing the password --------------------------------------------------------------------------


def _passwords(**changes):
    new = "newpassword123"
    return {"current_password": PASSWORD, "password": new, "password_confirmation": new, **changes}


def test_change__then_other_logins_end_and_this_one_goes_on(api, mine, budi):
    other = Api(token_of(budi))
    response = mine.post(CHANGE, _passwords())
    assert data_of(response) is None
    assert response.json()["message"] == "Password changed successfully"
    data_of(mine.get(SHOW))
    error_of(other.get(SHOW), 401, "UNAUTHENTICATED")
    data_of(api.post("/api/auth/login", {"email": budi.email, "password": "newpassword123"}))


def test_change__when_current_is_wrong__then_400(mine):
    body = error_of(mine.post(CHANGE, _passwords(current_password="wrong")), 400, "BUSINESS_RULE")
    assert body["message"] == "Current password is incorrect."
    assert User.objects.get().check_password(PASSWORD)


def test_change__when_guessed_six_times__then_429(mine):
    for _ in range(5):
        error_of(mine.post(CHANGE, _passwords(current_password="wrong")), 400, "BUSINESS_RULE")
    error_of(mine.post(CHANGE, _passwords()), 429, "RATE_LIMITED")


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ({"current_password": None}, {"current_password": ["Current password is required."]}),
        ({"current_password": ""}, {"current_password": ["Current password is required."]}),
        ({"password": ""}, {"password": ["New password is required."]}),
        ({"password": None}, {"password": ["New password is required."]}),
        ({"password_confirmation": "other"}, {"password": ["Password confirmation does not match."]}),
        ({"password_confirmation": None}, {"password": ["Password confirmation does not match."]}),
        (
            {"password": "short"},
            {
                "password": [
                    "The password must be at least 8 characters.", "Password confirmation does not match.",
                ],
            },
        ),
    ],
)  # fmt: skip
def test_change__when_wrong__then_422_with_the_contracts_texts(mine, change, errors):
    assert error_of(mine.post(CHANGE, _passwords(**change)), 422, "VALIDATION_ERROR")["errors"] == errors


def test_change__when_nothing_is_sent__then_both_are_named(mine):
    assert error_of(mine.post(CHANGE, {}), 422, "VALIDATION_ERROR")["errors"] == {
        "current_password": ["Current password is required."], "password": ["New password is required."],
    }  # fmt: skip
