"""Forgotten, reset and changed passwords. None of it tells a stranger which accounts exist."""

from datetime import datetime

from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction

from accounts.models import PasswordReset, User
from accounts.selectors.users import user_by_email, user_of
from accounts.services.brakes import seconds_to_wait
from accounts.services.login import logins_revoke, password_rehash
from accounts.services.verification import pending_email_void
from cbt.http.rates import FailureCounter
from cbt.kernel import audit, clock, ids, jobs, mail
from cbt.kernel.actor import Actor, ActorKind
from cbt.kernel.errors import DomainError, ErrorCode, invalid

PURPOSE = "accounts.password_reset"
MAIL = "accounts.reset_password"
SEND_JOB = "accounts.password_reset_send"
MIN_LENGTH = 8
MAX_LENGTH = 128
BY_CURRENT = FailureCounter("password-change", limit=5, window_seconds=900)


def password_check(password: str) -> None:
    """Raise VALIDATION_ERROR unless a new password has 8 to 128 characters. Source: details 2.1."""
    if len(password) < MIN_LENGTH:
        raise invalid(password=f"The password must be at least {MIN_LENGTH} characters.")
    if len(password) > MAX_LENGTH:
        raise invalid(password=f"The password must not be greater than {MAX_LENGTH} characters.")


@transaction.atomic
def password_forgot(*, email: str) -> None:
    """Ask for a reset mail. Known and unknown addresses cost the same: one look-up and one job.

    Source: primary contract 1.8, W-49.
    """
    user = user_by_email(email)
    user_id = user.pk if user is not None and user.is_active else None
    jobs.enqueue(SEND_JOB, {"user_id": user_id, "asked_at": clock.now().isoformat()})


@transaction.atomic
def password_reset_send(*, user_id: int | None, asked_at: datetime) -> bool:
    """Mail a reset link if the account exists and was not mailed too often; tell whether it was done.

    Links sent before are void from now on. A request that a later link has answered already (the job ran
    twice, or several requests waited) makes none. At most five an hour.
    """
    rows = User.objects.select_for_update().filter(is_active=True)
    user = rows.filter(pk=user_id).first() if user_id is not None else None
    if user is None or user.email is None:
        return False
    now = clock.now()
    made = list(PasswordReset.objects.filter(user=user).values_list("created_at", flat=True))
    if any(moment >= asked_at for moment in made) or seconds_to_wait(made, now):
        return False
    PasswordReset.objects.filter(user=user, used_at__isnull=True).update(used_at=now)
    nonce = ids.new_nonce()
    row = PasswordReset.objects.create(
        user=user,
        nonce=nonce,
        token_hash=ids.hash_token(ids.derive_token(PURPOSE, nonce)),
        created_at=now,
        expires_at=now + settings.PASSWORD_RESET_LIFETIME,
    )
    mail.enqueue(
        MAIL,
        to=user.email,  # the address on file, never the one that was typed
        context={"reset_id": row.pk},
        dedupe_key=f"{MAIL}:{row.pk}",
        company_id=user.company_id,
        about=(User._meta.label_lower, user.pk),
    )
    return True


def password_reset(*, token: str, email: str, password: str, ip: str = "") -> None:
    """Set a new password with a mailed token and end every login of the account.

    The token is looked up first: only who holds a real one learns whether it is too old or another
    account's. It proves nothing else; an unverified address stays so. Raises TOKEN_REJECTED
    ``Invalid or expired reset token`` (unknown, used, replaced), ``Reset token has expired`` (60 min),
    ``Invalid reset token`` (another account's). Source: primary contract 1.9, details 2.1, W-50.
    """
    password_check(password)
    row = PasswordReset.objects.select_related("user").filter(token_hash=ids.hash_token(token)).first()
    if row is None or row.used_at is not None or not row.user.is_active:
        raise _rejected("Invalid or expired reset token")
    if row.expires_at <= clock.now():
        raise _rejected("Reset token has expired")
    if (row.user.email or "").lower() != email.strip().lower():
        raise _rejected("Invalid reset token")
    hashed = make_password(password)  # outside the transaction: hashing is slow on purpose
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=row.user_id)
        now = clock.now()
        if PasswordReset.objects.filter(pk=row.pk, used_at__isnull=True).update(used_at=now) != 1:
            raise _rejected("Invalid or expired reset token")
        _password_store(user, hashed, now)
        pending_email_void(user, now)
        logins_revoke(user_ids=[user.pk], reason="password reset")
        actor = Actor(kind=ActorKind.USER, id=user.pk, role=user.role, company_id=user.company_id, ip=ip)
        audit.record("accounts.user.password_reset", actor=actor, obj=user, company_id=user.company_id)


def _rejected(message: str) -> DomainError:
    return DomainError(ErrorCode.TOKEN_REJECTED, message)


def _password_store(user: User, hashed: str, now: datetime) -> None:
    user.password = hashed
    user.updated_at = now
    user.save(update_fields=["password", "updated_at"])


def password_change(*, actor: Actor, current_password: str, password: str) -> None:
    """Set a new password; every other login of the user ends, the one that asks goes on.

    Raises BUSINESS_RULE ``Current password is incorrect.``, RATE_LIMITED after five wrong ones in 15 minutes.
    Source: details 2.2 change-password, W-50.
    """
    password_check(password)
    user = user_of(actor)
    BY_CURRENT.begin(str(user.pk))
    # Hashed anew, an old form cannot be exchanged by the job that wraps it before the row is locked below.
    if not check_password(current_password, user.password, setter=lambda raw: password_rehash(user, raw)):
        raise DomainError(ErrorCode.BUSINESS_RULE, "Current password is incorrect.")
    BY_CURRENT.succeeded(str(user.pk))
    hashed = make_password(password)
    with transaction.atomic():
        row = User.objects.select_for_update().get(pk=user.pk)
        if row.password != user.password:  # changed meanwhile: what was checked is no longer the current one
            raise DomainError(ErrorCode.BUSINESS_RULE, "Current password is incorrect.")
        now = clock.now()
        _password_store(row, hashed, now)
        PasswordReset.objects.filter(user=row, used_at__isnull=True).update(used_at=now)
        pending_email_void(row, now)
        logins_revoke(user_ids=[row.pk], reason="password changed", keep_login_id=actor.login_id)
        audit.record("accounts.user.password_changed", actor=actor, obj=row, company_id=row.company_id)
