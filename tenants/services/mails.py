"""Mails to the people who run a company: invoices, and the end of a subscription. Source: details 7.

The mails about verified and rejected payments are commerce's: it writes to every admin of the paying company.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings

from accounts.models import User
from cbt.kernel import clock, mail
from cbt.kernel.mail import MailContent
from commerce.services.mails import rupiah
from tenants.engine.words import percent
from tenants.models import CompanyAdmin, CompanySubscription, Invoice
from tenants.selectors.invoice_sheets import STATUS_WORDS
from tenants.states import INVOICE_OPEN, InvoiceStatus, SubscriptionStatus

INVOICE_NEW = "tenants.invoice_new"
INVOICE_OVERDUE = "tenants.invoice_overdue"
EXPIRING = "tenants.subscription_expiring"
EXPIRED = "tenants.subscription_expired"
Context = Mapping[str, object]


def _enqueue(kind: str, company_id: int, context: Context, key: str, about: tuple[str, int]) -> None:
    """Write one mail to each admin of a company; the same key again writes none."""
    admins = CompanyAdmin.objects.filter(company_id=company_id, user__is_active=True).select_related("user")
    for admin in admins.order_by("pk"):
        address = admin.user.email
        if address is None:
            continue
        mail.enqueue(
            kind,
            to=address,
            context={**context, "user_id": admin.user_id},
            dedupe_key=f"{kind}:{key}:{admin.user_id}",
            company_id=company_id,
            about=about,
        )


def invoice_new_enqueue(invoice: Invoice) -> None:
    """Tell of a new invoice, in the transaction that makes it."""
    _enqueue(INVOICE_NEW, invoice.company_id, {"invoice_id": invoice.pk}, str(invoice.pk), _about(invoice))


def invoice_overdue_enqueue(invoice: Invoice) -> None:
    """Tell that an invoice is overdue; once an invoice."""
    _enqueue(INVOICE_OVERDUE, invoice.company_id, {"invoice_id": invoice.pk}, str(invoice.pk), _about(invoice))


def expiring_enqueue(subscription: CompanySubscription, days: int) -> None:
    """Tell that a subscription ends within ``days``; once for each end and number of days."""
    context = {"subscription_id": subscription.pk, "expires_at": clock.iso(subscription.expires_at), "days": days}
    key = f"{subscription.pk}:{subscription.expires_at:%Y%m%d%H%M%S}:{days}"
    _enqueue(EXPIRING, subscription.company_id, context, key, _about(subscription))


def expired_enqueue(subscription: CompanySubscription) -> None:
    """Tell that a subscription has ended; once for each end."""
    context = {"subscription_id": subscription.pk, "expires_at": clock.iso(subscription.expires_at)}
    key = f"{subscription.pk}:{subscription.expires_at:%Y%m%d%H%M%S}"
    _enqueue(EXPIRED, subscription.company_id, context, key, _about(subscription))


def _about(row: Invoice | CompanySubscription) -> tuple[str, int]:
    return row._meta.label_lower, row.pk


def _name(context: Context) -> str | None:
    return User.objects.filter(pk=str(context["user_id"])).values_list("name", flat=True).first()


def _invoice_mail(context: Context, subject: str, template: str) -> MailContent | None:
    """None when it has been paid or cancelled, or the company or the admin is gone."""
    rows = Invoice.objects.select_related("company").filter(pk=str(context["invoice_id"]), status__in=INVOICE_OPEN)
    invoice, name = rows.filter(company__deleted_at__isnull=True).first(), _name(context)
    if invoice is None or name is None:
        return None
    items = [{**item, "total": rupiah(Decimal(item["total"]))} for item in invoice.items]
    return MailContent(
        subject=f"{subject} - {settings.BRAND}",
        template=template,
        context={
            "name": name, "company": invoice.company.name, "invoice": invoice, "items": items,
            "amount": rupiah(invoice.amount), "tax": rupiah(invoice.tax_amount), "total": rupiah(invoice.total_amount),
            "tax_rate": percent(invoice.tax_rate), "status": STATUS_WORDS[InvoiceStatus(invoice.status)][0],
            "link": f"{settings.FRONTEND_URL}/invoices/{invoice.pk}",
        },
    )  # fmt: skip


@mail.kind(INVOICE_NEW)
def invoice_new(context: Context) -> MailContent | None:
    """Write that there is a new invoice."""
    return _invoice_mail(context, "Invoice Baru", "tenants/invoice_new")


@mail.kind(INVOICE_OVERDUE)
def invoice_overdue(context: Context) -> MailContent | None:
    """Write that an invoice is overdue."""
    return _invoice_mail(context, "Invoice Jatuh Tempo", "tenants/invoice_overdue")


def _subscription_mail(context: Context, status: SubscriptionStatus, subject: str, template: str) -> MailContent | None:
    """None when it has been extended or cancelled meanwhile, or the company or the admin is gone."""
    rows = CompanySubscription.objects.select_related("company", "plan").filter(pk=str(context["subscription_id"]))
    row = rows.filter(status=status, company__deleted_at__isnull=True).first()
    name = _name(context)
    if row is None or name is None or clock.iso(row.expires_at) != context["expires_at"]:
        return None
    return MailContent(
        subject=f"{subject} - {settings.BRAND}",
        template=template,
        context={
            "name": name, "company": row.company.name, "plan": row.plan.name, "expires_at": row.expires_at,
            "days": _days_left(row.expires_at), "link": f"{settings.FRONTEND_URL}/subscriptions",
        },
    )  # fmt: skip


def _days_left(expires_at: datetime) -> int:
    """Count a begun day as one."""
    return max(0, -((clock.now() - expires_at) // timedelta(days=1)))


@mail.kind(EXPIRING)
def subscription_expiring(context: Context) -> MailContent | None:
    """Write that a subscription is about to end."""
    title = "Langganan Segera Berakhir"
    return _subscription_mail(context, SubscriptionStatus.ACTIVE, title, "tenants/subscription_expiring")


@mail.kind(EXPIRED)
def subscription_expired(context: Context) -> MailContent | None:
    """Write that a subscription has ended."""
    title = "Langganan Telah Berakhir"
    return _subscription_mail(context, SubscriptionStatus.EXPIRED, title, "tenants/subscription_expired")
