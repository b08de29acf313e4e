"""Periodic work of the tenants. Each run does what is due and no more, so often and late are alike."""

from cbt.kernel import jobs
from tenants.services.invoices import invoices_generate, invoices_mark_overdue
from tenants.services.subscriptions import subscriptions_expire, subscriptions_remind


@jobs.periodic("tenants.expire_subscriptions", every_seconds=900, purpose="write down which subscriptions have ended")
def expire_subscriptions() -> dict[str, int]:
    """Run `subscriptions_expire`."""
    return {"expired": subscriptions_expire()}


@jobs.periodic("tenants.remind_expiring", every_seconds=3600, purpose="mail that a subscription ends in 14 or 3 days")
def remind_expiring() -> dict[str, int]:
    """Run `subscriptions_remind`."""
    return {"reminded": subscriptions_remind()}


@jobs.periodic("tenants.generate_invoices", every_seconds=3600, purpose="bill post-paid periods that have ended")
def generate_invoices() -> dict[str, int]:
    """Run `invoices_generate`."""
    return {"invoices": invoices_generate()}


@jobs.periodic("tenants.mark_overdue", every_seconds=3600, purpose="mark unpaid invoices past their due date")
def mark_overdue() -> dict[str, int]:
    """Run `invoices_mark_overdue`."""
    return {"overdue": invoices_mark_overdue()}
