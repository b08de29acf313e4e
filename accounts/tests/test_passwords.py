"""POST forgot-password and reset-password, and changing a password."""

import pytest
import time_machine

from accounts.models import PasswordReset, User
from accounts.selectors.logins import actor_of_token
from accounts.selectors.users import actor_of_user
from accounts.services.passwords import password_change, password_forgot, password_reset
from accounts.tests.factories import PASSWORD, make_user, token_of
from accounts.tests.mailbox import last_token, link_of, mails, query_of
from cbt.kernel.errors import DomainError, ErrorCode
from cbt.kernel.models import AuditEvent, Job
from tests.support import Api, counted_queries, data_of, error_of, run_jobs

FORGOT = "/api/auth/forgot-password"
RESET = "/api/auth/reset-password"


def _body(token, email="budi@example.com", **changes):
    new = "newpassword123"
    return {"token": token, "email": email, "password": new, "password_confirmation": new, **changes}


def _forgot(email="budi@example.com"):
    password_forgot(email=email)
    return last_token()


def test_forgot__when_known__then_mail_with_link_and_hints(api):
    make_user(email="Budi+x@example.com")
    response = api.post(FORGOT, {"email": "budi+X@example.com"})
    assert data_of(response) is None
    assert response.json()["message"] == "Password reset link sent to your email"
    (message,) = mails()
    assert message.subject == "Reset Password - RuangTes"
    assert message.to == ["Budi+x@example.com"]
    assert link_of(message).startswith("http://localhost:3000/reset-password?token=")
    assert link_of(message).endswith("&email=Budi%2Bx%40example.com")
    assert query_of(message)["email"] == "Budi+x@example.com"
    html = message.alternatives[0][0]
    for text in (message.body, html):
        assert "60 menit" in text
        assert "abaikan email ini" in text
    assert link_of(message).replace("&", "&amp;") in html


def test_forgot__when_unknown_or_inactive__then_same_answer_same_work_no_mail(api):
    make_user(email="known@example.com")
    make_user(email="inactive@example.com", is_active=False)
    answers, shapes = [], []
    for email in ("known@example.com", "unknown@example.com", "inactive@example.com"):
        with counted_queries() as statements:
            response = api.post(FORGOT, {"email": email})
        answers.append((response.status_code, response.json()))
        shapes.append([sql.split(" VALUES ")[0] for sql in statements])
    assert answers[0] == answers[1] == answers[2]
    assert shapes[0] == shapes[1] == shapes[2]
    assert Job.objects.count() == 3
    assert [message.to for message in mails()] == [["known@example.com"]]
    # What the job found is not stored either.
    assert set(Job.objects.filter(name="accounts.password_reset_send").values_list("result", flat=True)) == {None}


@pytest.mark.parametrize(
    ("body", "message"),
    [({}, "The email field is required."), ({"email": "x"}, "The email must be a valid email address.")],
)
def test_forgot__when_no_address__then_422(api, body, message):
    assert error_of(api.post(FORGOT, body), 422, "VALIDATION_ERROR")["errors"] == {"email": [message]}


def test_forgot__when_a_stranger_asks_again_and_again__then_five_mails_an_hour(api):
    make_user(email="budi@example.com")
    with time_machine.travel("2026-03-01T08:00:00Z", tick=False) as clock:
        for _ in range(20):
            data_of(api.post(FORGOT, {"email": "budi@example.com"}))
            run_jobs()
            clock.shift(61)
        assert len(mails()) == 5
        clock.shift(3600)
        _forgot()
        assert len(mails()) == 6


def test_forgot__when_several_requests_wait__then_one_mail(db):
    make_user(email="budi@example.com")
    for _ in range(4):
        password_forgot(email="budi@example.com")
    assert len(mails()) == 1


def test_forgot__when_job_runs_twice__then_one_mail(db):
    make_user(email="budi@example.com")
    password_forgot(email="budi@example.com")
    run_jobs()
    Job.objects.filter(name="accounts.password_reset_send").update(state="queued")
    assert len(mails()) == 1


def test_reset__when_valid__then_new_password_and_every_login_ends(api):
    user = make_user(email="budi@example.com", is_verified=True)
    tokens = [token_of(user), token_of(user)]
    response = api.post(RESET, _body(_forgot(), email=" BUDI@example.com"))
    assert data_of(response) is None
    assert response.json()["message"] == "Password reset successfully"
    for token in tokens:
        error_of(Api(token).get("/api/auth/me"), 401, "UNAUTHENTICATED")
    error_of(api.post("/api/auth/login", {"email": user.email, "password": PASSWORD}), 401, "INVALID_CREDENTIALS")
    data_of(api.post("/api/auth/login", {"email": user.email, "password": "newpassword123"}))
    assert AuditEvent.objects.get().action == "accounts.user.password_reset"


def test_reset__when_unverified__then_verifies_nothing(api):
    make_user(email="budi@example.com", is_verified=False)
    data_of(api.post(RESET, _body(_forgot())))
    assert User.objects.get().email_verified_at is None


def _refused(api, body, message):
    assert error_of(api.post(RESET, body), 400, "TOKEN_REJECTED")["message"] == message
    assert User.objects.get(email="budi@example.com").check_password(PASSWORD)


def test_reset__when_token_is_unknown_replaced_or_of_an_inactive_user__then_400(api):
    make_user(email="budi@example.com")
    text = "Invalid or expired reset token"
    _refused(api, _body("x" * 32), text)
    _refused(api, _body("x" * 32, email="nobody@example.com"), text)
    old = _forgot()
    _forgot()
    _refused(api, _body(old), text)
    User.objects.update(is_active=False)
    _refused(api, _body(last_token()), text)


def test_reset__when_used_before__then_400(api):
    user = make_user(email="budi@example.com")
    token = _forgot()
    data_of(api.post(RESET, _body(token)))
    body = error_of(api.post(RESET, _body(token)), 400, "TOKEN_REJECTED")
    assert body["message"] == "Invalid or expired reset token"
    user.refresh_from_db()
    assert user.check_password("newpassword123")


def test_reset__when_another_accounts__then_400_invalid(api):
    make_user(email="budi@example.com")
    make_user(email="ani@example.com")
    _refused(api, _body(_forgot("ani@example.com")), "Invalid reset token")
    _refused(api, _body(last_token(), email="nobody@example.com"), "Invalid reset token")


@pytest.mark.parametrize(("seconds", "is_expired"), [(3599, False), (3600, True)])
def test_reset__when_60_minutes_old__then_400_expired(api, seconds, is_expired):
    with time_machine.travel("2026-03-01T08:00:00Z", tick=False) as clock:
        make_user(email="budi@example.com")
        token = _forgot()
        clock.shift(seconds)
        if is_expired:
            _refused(api, _body(token), "Reset token has expired")
        else:
            data_of(api.post(RESET, _body(token)))


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ({"token": ""}, {"token": ["The token field is required."]}),
        ({"email": ""}, {"email": ["The email field is required."]}),
        ({"email": "x"}, {"email": ["The email must be a valid email address."]}),
        ({"password": ""}, {"password": ["The password field is required."]}),
        ({"password_confirmation": "other"}, {"password": ["The password confirmation does not match."]}),
        (
            {"password": "short", "password_confirmation": "short"},
            {"password": ["The password must be at least 8 characters."]},
        ),
    ],
)
def test_reset__when_a_field_is_wrong__then_422_and_the_token_stays_good(api, change, errors):
    make_user(email="budi@example.com")
    token = _forgot()
    assert error_of(api.post(RESET, {**_body(token), **change}), 422, "VALIDATION_ERROR")["errors"] == errors
    data_of(api.post(RESET, _body(token)))


def test_change__then_other_logins_end_this_one_goes_on_and_mailed_resets_are_void(db):
    user = make_user(email="budi@example.com")
    reset = _forgot()
    mine, other = token_of(user), token_of(user)
    _, actor = actor_of_token(mine)
    password_change(actor=actor, current_password=PASSWORD, password="newpassword123")
    data_of(Api(mine).get("/api/auth/me"))
    error_of(Api(other).get("/api/auth/me"), 401, "UNAUTHENTICATED")
    with pytest.raises(DomainError, match="Invalid or expired reset token"):
        password_reset(token=reset, email=user.email, password="otherpassword")
    assert PasswordReset.objects.filter(used_at__isnull=True).count() == 0


def test_change__when_current_is_wrong__then_refused_and_braked(db):
    actor = actor_of_user(make_user())
    codes = []
    for _ in range(6):
        with pytest.raises(DomainError) as caught:
            password_change(actor=actor, current_password="wrong", password="newpassword123")
        codes.append((caught.value.code, caught.value.message))
    assert codes[:5] == [(ErrorCode.BUSINESS_RULE, "Current password is incorrect.")] * 5
    assert codes[5][0] == ErrorCode.RATE_LIMITED


@pytest.mark.parametrize("password", ["short", "x" * 129])
def test_change__when_new_one_is_outside_the_limits__then_refused(db, password):
    with pytest.raises(DomainError) as caught:
        password_change(actor=actor_of_user(make_user()), current_password=PASSWORD, password=password)
    assert set(caught.value.fields) == {"password"}
