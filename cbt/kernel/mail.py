"""The outbox: a mail is a row written with what it tells, sent by a job, and written out only then.

A kind of mail is registered with a builder that turns stored ids into text at sending time; so links with
tokens never rest in the database, a dead mail server delays and never loses, and each mail's status is visible.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import IntegrityError, transaction
from django.template.loader import render_to_string

from cbt.kernel import clock, jobs
from cbt.kernel.logs import redact
from cbt.kernel.models import MailStatus, OutgoingMail


@dataclass(frozen=True, slots=True)
class MailContent:
    """What a builder returns: subject, template folder below ``templates/mail/``, and the template's values."""

    subject: str
    template: str
    context: Mapping[str, object] = field(default_factory=dict)


Builder = Callable[[Mapping[str, object]], MailContent | None]
_builders: dict[str, Builder] = {}


def kind(name: str) -> Callable[[Builder], Builder]:
    """Register the builder of a kind of mail; it gets the stored context and returns None when not to send."""

    def register(function: Builder) -> Builder:
        _builders[name] = function
        return function

    return register


def kinds() -> set[str]:
    """Return the kinds of mail that can be sent."""
    return set(_builders)


def enqueue(
    name: str,
    *,
    to: str,
    context: Mapping[str, object],
    dedupe_key: str,
    company_id: int | None = None,
    about: tuple[str, int] | None = None,
) -> OutgoingMail | None:
    """Put a mail in the outbox inside the current transaction; None when one with this key exists.

    context: ids only.  about: (object_type, object_id) whose status screens show this mail.
    """
    if name not in _builders:
        raise LookupError(f"no builder is registered for mail {name!r}")
    row = _row(name, to, context, dedupe_key, company_id, about)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        return None
    jobs.enqueue("kernel.send_mail", {"mail_id": row.pk}, dedupe_key=f"mail:{row.pk}")
    return row


def _row(
    name: str,
    to: str,
    context: Mapping[str, object],
    dedupe_key: str,
    company_id: int | None,
    about: tuple[str, int] | None,
) -> OutgoingMail:
    return OutgoingMail(
        kind=name,
        recipient=to,
        context=dict(context),
        dedupe_key=dedupe_key,
        company_id=company_id,
        object_type=about[0] if about else "",
        object_id=about[1] if about else None,
        created_at=clock.now(),
    )


@jobs.handler("kernel.send_mail")
def send(mail_id: int) -> dict[str, str]:
    """Send one queued mail. Runs outside any transaction: a slow mail server holds no lock."""
    claimed = OutgoingMail.objects.filter(
        pk=mail_id, status__in=[MailStatus.QUEUED, MailStatus.SENDING, MailStatus.FAILED]
    ).update(status=MailStatus.SENDING)
    if not claimed:
        return {"status": "nothing to do"}
    row = OutgoingMail.objects.get(pk=mail_id)
    content = _builders[row.kind](row.context)
    if content is None:
        OutgoingMail.objects.filter(pk=mail_id).update(status=MailStatus.CANCELLED)
        return {"status": MailStatus.CANCELLED}
    try:
        _deliver(row.recipient, content)
    except Exception as error:
        OutgoingMail.objects.filter(pk=mail_id).update(
            status=MailStatus.FAILED,
            attempts=row.attempts + 1,
            last_error=f"{type(error).__name__}: {error}"[:300],
        )
        raise
    OutgoingMail.objects.filter(pk=mail_id).update(
        status=MailStatus.SENT, attempts=row.attempts + 1, last_error="", sent_at=clock.now()
    )
    return {"status": MailStatus.SENT}


def preview(row: OutgoingMail) -> tuple[str, str] | None:
    """Return subject and text as they would be sent now, secret links masked; None when it would not be sent."""
    content = _builders[row.kind](row.context)
    if content is None:
        return None
    return content.subject, redact(render_to_string(f"mail/{content.template}.txt", _values(content)))


def _values(content: MailContent) -> dict[str, object]:
    return {"brand": settings.BRAND, "frontend_url": settings.FRONTEND_URL, **content.context}


def _deliver(recipient: str, content: MailContent) -> None:
    values = _values(content)
    # A name may hold a line break; a header may not.
    subject = " ".join(content.subject.split())
    message = EmailMultiAlternatives(
        subject=subject,
        body=render_to_string(f"mail/{content.template}.txt", values),
        to=[recipient],
    )
    message.attach_alternative(render_to_string(f"mail/{content.template}.html", values), "text/html")
    message.send()


@jobs.periodic("kernel.retry_mail", every_seconds=900, purpose="take up mails whose sending failed or was cut off")
def retry_failed() -> dict[str, int]:
    """Enqueue a new try for every unsent mail of the last three days that has no open job any more."""
    horizon = clock.now() - timedelta(days=3)
    ids = list(
        OutgoingMail.objects.filter(
            status__in=[MailStatus.FAILED, MailStatus.QUEUED, MailStatus.SENDING], created_at__gte=horizon
        ).values_list("pk", flat=True)[:1000]
    )
    jobs.enqueue_many("kernel.send_mail", [({"mail_id": mail_id}, f"mail:{mail_id}") for mail_id in ids])
    return {"retried": len(ids)}
