"""Forgetting what is no longer needed."""

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db.models import Q

from accounts.models import EmailVerification, Login, PasswordReset, RefreshToken
from cbt.kernel import clock

LOGINS_KEPT = timedelta(days=365)
PROOFS_KEPT = timedelta(days=30)
RUN_OUT_KEPT = timedelta(days=1)
BATCH = 5000


def logins_forget() -> int:
    """Delete logins that ended (revoked, run out or long idle) more than a year ago; return how many."""
    total = 0
    while batch := list(Login.objects.filter(_ended(LOGINS_KEPT)).values_list("pk", flat=True).order_by()[:BATCH]):
        total += Login.objects.filter(pk__in=batch).delete()[1].get("accounts.Login", 0)
    return total


def _ended(age: timedelta) -> Q:
    """Return the condition of logins that ended (revoked, run out or long idle) longer ago than this."""
    horizon = clock.now() - age
    return Q(revoked_at__lt=horizon) | Q(expires_at__lt=horizon) | Q(last_seen_at__lt=horizon - settings.LOGIN_IDLE)


def refresh_tokens_forget(*, is_dry_run: bool = False) -> int:
    """Delete refresh tokens that nobody can use or misuse any more; return how many.

    Those that ran out more than a day ago (a lost answer is asked for again within seconds), and all of a login that
    ended more than 30 days ago. A spent one stays until then: shown again, it gives a thief away and ends the login.
    """
    run_out = Q(expires_at__lt=clock.now() - RUN_OUT_KEPT)
    useless = RefreshToken.objects.filter(run_out | Q(login__in=Login.objects.filter(_ended(PROOFS_KEPT))))
    if is_dry_run:
        return useless.count()
    total = 0
    while batch := list(useless.values_list("pk", flat=True).order_by()[:BATCH]):
        total += RefreshToken.objects.filter(pk__in=batch).delete()[0]
    return total


def sessions_forget() -> int:
    """Delete browser sessions that have run out; return how many. Every signing-in leaves one."""
    deleted: int = Session.objects.filter(expire_date__lt=clock.now()).delete()[0]
    return deleted


def proofs_forget() -> int:
    """Delete verifications and resets used or run out more than 30 days ago; return how many."""
    horizon = clock.now() - PROOFS_KEPT
    return _spent(EmailVerification, horizon) + _spent(PasswordReset, horizon)


def _spent(model: type[EmailVerification] | type[PasswordReset], horizon: datetime) -> int:
    spent = Q(used_at__lt=horizon) | Q(expires_at__lt=horizon)
    deleted: int = model.objects.filter(spent).delete()[0]
    return deleted
