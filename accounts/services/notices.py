"""Mails that warn the holder of an address: something about the account it belonged to has changed."""

from collections.abc import Mapping

from django.conf import settings

from accounts.models import EmailVerification, User
from accounts.services.mails import greeting_name
from cbt.kernel import mail

CHANGE_ASKED = "accounts.email_change_asked"
CHANGED_BY_STAFF = "accounts.email_changed_by_staff"


def masked(email: str) -> str:
    """Return an address that its owner recognises and a stranger cannot use: ``n•••@example.com``."""
    local, _, domain = email.rpartition("@")
    return f"{local[:1]}•••@{domain}"


@mail.kind(CHANGE_ASKED)
def email_change_asked(context: Mapping[str, object]) -> mail.MailContent | None:
    """Warn the old address that somebody signed in wants another; None when the request is gone."""
    row = EmailVerification.objects.select_related("user").filter(pk=str(context["verification_id"])).first()
    if row is None:
        return None
    values = {
        "name": greeting_name(row.user.name),
        "new_email": masked(row.email),
        "at": f"{row.created_at:%d %B %Y %H:%M} UTC",
        "link": f"{settings.FRONTEND_URL}/forgot-password",
    }
    return mail.MailContent("Permintaan Perubahan Email - RuangTes", "accounts/email_change_asked", values)


def notice_change_asked(*, user: User, old_email: str, verification: EmailVerification) -> None:
    """Put the warning about a wanted change into the outbox, to the address that counts now."""
    mail.enqueue(
        CHANGE_ASKED,
        to=old_email,
        context={"verification_id": verification.pk},
        dedupe_key=f"{CHANGE_ASKED}:{verification.pk}",
        company_id=user.company_id,
        about=(User._meta.label_lower, user.pk),
    )


@mail.kind(CHANGED_BY_STAFF)
def email_changed_by_staff(context: Mapping[str, object]) -> mail.MailContent | None:
    """Tell the old address that staff has put another in its place; None when the account is gone."""
    user = User.objects.filter(pk=str(context["user_id"])).first()
    if user is None:
        return None
    values = {"name": greeting_name(user.name), "new_email": masked(user.email or "")}
    return mail.MailContent("Email Akun Diubah - RuangTes", "accounts/email_changed_by_staff", values)


def notice_changed_by_staff(*, user: User, old_email: str, event_id: int) -> None:
    """Put the news of a change by staff into the outbox, to the address that counted so far.

    event_id: of the audit event that tells of the change; one mail for each.
    """
    mail.enqueue(
        CHANGED_BY_STAFF,
        to=old_email,
        context={"user_id": user.pk},
        dedupe_key=f"{CHANGED_BY_STAFF}:{event_id}",
        company_id=user.company_id,
        about=(User._meta.label_lower, user.pk),
    )
