"""Texts of the mails about accounts. Tokens are made again from their nonces here, at sending time."""

import re
from collections.abc import Mapping
from urllib.parse import urlencode

from django.conf import settings

from accounts.models import EmailVerification, PasswordReset
from accounts.services import passwords, verification
from cbt.kernel import clock, ids, mail

_LINKLIKE = re.compile(r"://|www\.|[/\\@<>]", re.IGNORECASE)
MAX_NAME = 60


def greeting_name(name: str) -> str:
    """Return a name fit for a mail to an address nobody has proved yet, or "" when it is none.

    Whoever registers chooses the name, and the mail goes to whomever they say: no link may ride on it.
    """
    plain = " ".join(name.split())
    if _LINKLIKE.search(plain):
        return ""
    # A dot between letters makes mail programs see an address; a joiner nobody sees breaks it.
    return re.sub(r"\.(?=\w)", ".\u2060", plain[:MAX_NAME])


@mail.kind(verification.MAIL)
def verify_email(context: Mapping[str, object]) -> mail.MailContent | None:
    """Write the mail with the verification link; None when the link is used, replaced or too old."""
    row = EmailVerification.objects.select_related("user").filter(pk=str(context["verification_id"])).first()
    if row is None or row.used_at is not None or row.expires_at <= clock.now():
        return None
    token = ids.recover_token(verification.PURPOSE, row.nonce, row.token_hash)
    if token is None:
        return None
    link = f"{settings.FRONTEND_URL}/verify-email?{urlencode({'token': token})}"
    values = {"name": greeting_name(row.user.name), "link": link}
    is_change = row.user.is_verified and row.email.lower() != (row.user.email or "").lower()
    template = "accounts/change_email" if is_change else "accounts/verify_email"
    return mail.MailContent("Verifikasi Email - RuangTes", template, values)


@mail.kind(passwords.MAIL)
def reset_password(context: Mapping[str, object]) -> mail.MailContent | None:
    """Write the mail with the reset link; None when the link is used, replaced or too old."""
    row = PasswordReset.objects.select_related("user").filter(pk=str(context["reset_id"])).first()
    if row is None or row.used_at is not None or row.expires_at <= clock.now():
        return None
    token = ids.recover_token(passwords.PURPOSE, row.nonce, row.token_hash)
    if token is None:
        return None
    link = f"{settings.FRONTEND_URL}/reset-password?{urlencode({'token': token, 'email': row.user.email})}"
    values = {"name": greeting_name(row.user.name), "link": link}
    return mail.MailContent("Reset Password - RuangTes", "accounts/reset_password", values)
