"""Periodic work of the tenants."""

from cbt.kernel import jobs
from tenants.services.subscriptions import subscriptions_expire


@jobs.periodic("tenants.expire_subscriptions", every_seconds=900, purpose="write down which subscriptions have ended")
def expire_subscriptions() -> dict[str, int]:
    """Run `subscriptions_expire`."""
    return {"expired": subscriptions_expire()}
