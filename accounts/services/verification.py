"""Proving that an e-mail address is one's own."""

from datetime import datetime

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.models import EmailVerification, Login, PasswordReset, User
from accounts.selectors.profiles import pending_email_of
from accounts.selectors.users import user_of
from accounts.services.brakes import seconds_to_wait
from accounts.states import LoginScope
from cbt.kernel import audit, clock, events, ids, mail
from cbt.kernel.actor import Actor, ActorKind
from cbt.kernel.errors import DomainError, ErrorCode

PURPOSE = "accounts.email_verification"
MAIL = "accounts.verify_email"


@transaction.atomic
def verification_send(*, user: User, email: str | None = None) -> EmailVerification:
    """Mail a fresh link that proves an address; links sent before are void from now on.

    email: a new address the user wants to change to; it counts once proved (`email_verify`). Without it
    the user's own. Raises BUSINESS_RULE for an account without any. Source: details 2.1, 7.
    """
    User.objects.select_for_update().get(pk=user.pk)  # orders parallel calls: one open link a user
    now = clock.now()
    address = email or user.email
    if address is None:
        raise no_address()
    EmailVerification.objects.filter(user=user, used_at__isnull=True).update(used_at=now)
    nonce = ids.new_nonce()
    row = EmailVerification.objects.create(
        user=user,
        email=address.strip(),
        nonce=nonce,
        token_hash=ids.hash_token(ids.derive_token(PURPOSE, nonce)),
        created_at=now,
        expires_at=now + settings.EMAIL_VERIFICATION_LIFETIME,
    )
    mail.enqueue(
        MAIL,
        to=row.email,
        context={"verification_id": row.pk},
        dedupe_key=f"{MAIL}:{row.pk}",
        company_id=user.company_id,
        about=(User._meta.label_lower, user.pk),
    )
    return row


def no_address() -> DomainError:
    """Return the refusal of a mail to an account that has no address."""
    return DomainError(ErrorCode.BUSINESS_RULE, "This account has no email address.")


@transaction.atomic
def verification_resend(*, actor: Actor) -> None:
    """Mail the link again to the signed-in user: for the own address, or for a new one that waits to be proved.

    Raises ALREADY_VERIFIED when nothing waits, and RATE_LIMITED after five mails within an hour: the address may
    be a stranger's. Source: primary contract 1.7.
    """
    user = user_of(actor, lock=True)
    pending = pending_email_of(user)
    if user.email is None and pending is None:
        raise no_address()
    if user.is_verified and pending is None:
        raise DomainError(ErrorCode.ALREADY_VERIFIED, "Email already verified")
    verification_brake(user)
    verification_send(user=user, email=pending)


def pending_email_void(user: User, now: datetime) -> None:
    """Void a link that would change the user's address: a new password is how one shuts out who asked for it.

    A link for the address that counts already stays good.
    """
    rows = EmailVerification.objects.filter(user=user, used_at__isnull=True)
    rows.exclude(email__iexact=user.email or "").update(used_at=now)


def verification_brake(user: User) -> None:
    """Raise RATE_LIMITED when this user was mailed five links within an hour."""
    wait = _wait(user, clock.now())
    if wait:
        raise DomainError(
            ErrorCode.RATE_LIMITED, f"Too many requests. Please retry in {wait} seconds.", retry_after=wait
        )


def _wait(user: User, now: datetime) -> int:
    return seconds_to_wait(list(EmailVerification.objects.filter(user=user).values_list("created_at", flat=True)), now)


@transaction.atomic
def verification_renew(*, user: User) -> bool:
    """Mail a link if the last one has run out; tell whether it was done.

    For someone who knows the password of an account that was never verified and whose registration token is
    lost: signing in needs the proof, and asking for it again would need a token.
    """
    now = clock.now()
    user = User.objects.select_for_update().get(pk=user.pk)
    has_open = EmailVerification.objects.filter(user=user, used_at__isnull=True, expires_at__gt=now).exists()
    if user.is_verified or has_open or _wait(user, now):
        return False
    verification_send(user=user)
    return True


def _rejected() -> DomainError:
    return DomainError(ErrorCode.TOKEN_REJECTED, "Invalid or expired verification token")


@transaction.atomic
def email_verify(*, token: str, ip: str = "") -> User:
    """Take the proof: mark the link used and the address verified, and open the login made at registration.

    A link sent for a new address makes it the user's. Publishes `UserEmailVerified`, the first time only,
    inside the transaction. Raises TOKEN_REJECTED (unknown, used, replaced, older than 24 h), ALREADY_VERIFIED,
    EMAIL_TAKEN. Source: primary contract 1.6, details 2.1, W-1.
    """
    found = EmailVerification.objects.filter(token_hash=ids.hash_token(token)).values("pk", "user_id").first()
    if found is None:
        raise _rejected()
    # The user first, as everywhere: sending and using a link never wait for each other crosswise.
    user = User.objects.select_for_update().get(pk=found["user_id"])
    row = EmailVerification.objects.get(pk=found["pk"])
    now = clock.now()
    if row.used_at is not None or row.expires_at <= now or not user.is_active:
        raise _rejected()
    is_change = row.email.lower() != (user.email or "").lower()
    if user.is_verified and not is_change:
        raise DomainError(ErrorCode.ALREADY_VERIFIED, "Email already verified")
    if EmailVerification.objects.filter(pk=row.pk, used_at__isnull=True).update(used_at=now) != 1:
        raise _rejected()
    _take(user, row.email, now, ip)
    if is_change:  # a reset link that was sent to the old address must not outlive the change
        PasswordReset.objects.filter(user=user, used_at__isnull=True).update(used_at=now)
    return user


def _take(user: User, email: str, now: datetime, ip: str) -> None:
    is_first = not user.is_verified
    user.email = email
    user.email_verified_at = now
    user.updated_at = now
    try:
        with transaction.atomic():
            user.save(update_fields=["email", "email_verified_at", "updated_at"])
    except IntegrityError:
        raise DomainError(ErrorCode.EMAIL_TAKEN, "The email has already been taken.") from None
    Login.objects.filter(user=user, scope=LoginScope.UNVERIFIED, revoked_at__isnull=True).update(scope=LoginScope.FULL)
    actor = Actor(kind=ActorKind.USER, id=user.pk, role=user.role, company_id=user.company_id, ip=ip)
    audit.record("accounts.user.email_verified", actor=actor, obj=user, company_id=user.company_id)
    if is_first:
        events.publish(events.UserEmailVerified(user_id=user.pk))
