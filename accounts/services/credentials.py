"""What somebody signs in with, given by somebody else or by oneself. The one way for all who may do it."""

from datetime import datetime

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction

from accounts.models import EmailVerification, PasswordReset, User
from accounts.services.login import logins_revoke
from accounts.services.notices import notice_changed_by_staff
from accounts.services.passwords import password_check
from accounts.services.profile import email_change
from accounts.services.users import EMAIL_TAKEN, is_email_taken
from accounts.services.verification import pending_email_void, verification_send
from cbt.kernel import audit
from cbt.kernel.actor import Actor, ActorKind
from cbt.kernel.errors import invalid


def links_void(user: User, now: datetime) -> None:
    """Void every link that was mailed to a user and not used yet."""
    EmailVerification.objects.filter(user=user, used_at__isnull=True).update(used_at=now)
    PasswordReset.objects.filter(user=user, used_at__isnull=True).update(used_at=now)


def password_hashed(password: str | None) -> str | None:
    """Return the hash of a password that is within the limits; None for none. Slow on purpose: call it before any lock.

    Raises VALIDATION_ERROR.
    """
    return None if password is None else password_hash_new(password)


def password_hash_new(password: str) -> str:
    """Return the hash of a new account's password, as `password_hashed`. Raises VALIDATION_ERROR."""
    password_check(password)
    return make_password(password)


def password_give(*, user: User, hashed: str, actor: Actor, now: datetime) -> None:
    """Store a password for a locked user: its logins end (not the one that asks), reset links are void.

    A link that would change the address is void too: a new password shuts out whoever asked for it.
    """
    user.password, user.updated_at = hashed, now
    user.save(update_fields=["password", "updated_at"])
    PasswordReset.objects.filter(user=user, used_at__isnull=True).update(used_at=now)
    pending_email_void(user, now)
    own_login = actor.login_id if user.pk == actor.id else None
    reason = "password changed" if user.pk == actor.id else "password set by staff"
    logins_revoke(user_ids=[user.pk], reason=reason, keep_login_id=own_login)


def email_give(*, user: User, email: str, actor: Actor, now: datetime) -> bool:
    """Give a locked user another address; tell whether it counts already.

    Staff of the house vouches for it: it counts at once, links sent to the old one are void, the old one is told,
    and who had not proved the old one has to prove the new one. Anybody else, a colleague in the company too, only
    asks (`email_change`): it counts when the link mailed to it is used, and the old one is warned.
    Raises VALIDATION_ERROR for a taken address, RATE_LIMITED after five links within an hour.
    Source: decisions "changing one's e-mail", W-50.
    """
    email = email.strip()
    if email == user.email:
        return False
    vouches = actor.kind is ActorKind.SYSTEM or (actor.is_super_admin and actor.id != user.pk)
    if not vouches:
        email_change(user=user, email=email, actor=actor)
        return False
    old = user.email
    _store(user, email, now)
    if old is None or email.lower() != old.lower():
        links_void(user, now)
        event = audit.record("accounts.user.email_changed", actor=actor, obj=user, company_id=user.company_id)
        if old is not None:
            notice_changed_by_staff(user=user, old_email=old, event_id=event.pk)
        if not user.is_verified:
            verification_send(user=user)
    return True


def _store(user: User, email: str, now: datetime) -> None:
    user.email, user.updated_at = email, now
    try:
        with transaction.atomic():
            user.save(update_fields=["email", "updated_at"])
    except IntegrityError as error:
        if is_email_taken(error):
            raise invalid(email=EMAIL_TAKEN) from None
        raise
