"""What the tests of buying and billing share."""

from datetime import UTC, datetime

from cbt.kernel import clock
from commerce.models import Payment
from commerce.services.payments import payment_decide
from tenants.models import CompanySubscription
from tenants.services.purchases import subscription_purchase
from tenants.states import BillingType
from tenants.tests.factories import make_company, make_plan, make_price, make_tenant_admin, super_actor, tenant_actor

START = datetime(2026, 1, 10, 8, tzinfo=UTC)


def make_tier(quota=5, price="500000.00", extra="50000.00", months=3, **fields):
    """The seeded tier of five people for three months, unless told otherwise."""
    return make_price(
        make_plan(duration_months=months, name=f"Paket {months} Bulan"), user_quota=quota, price_amount=price,
        price_per_additional_user_amount=extra, **fields,
    )  # fmt: skip


def make_buyer():
    """A company without subscription and the actor of its admin: (company, user, actor)."""
    company = make_company(with_subscription=False)
    user = make_tenant_admin(company)
    return company, user, tenant_actor(user)


def buy(company, actor, price=None, kind="pre_paid", **more):
    """Subscribe a company."""
    price = price or make_tier()
    return subscription_purchase(
        company_id=company.pk, plan_id=price.plan_id, price_id=price.pk, billing_type=BillingType(kind), actor=actor,
        **more,
    )  # fmt: skip


def decide(payment, approved=True, actor=None):
    """Decide a payment as staff does, its proof given."""
    Payment.objects.filter(pk=payment.pk, proof_file="").update(proof_file="payments/proofs/x.png")
    return payment_decide(
        payment_id=payment.pk, approved=approved, notes="seen", actor=actor or super_actor(), now=clock.now()
    )


def running(kind="pre_paid", price=None, **more):
    """A company with an active subscription bought in the proper way: (company, actor, subscription)."""
    company, _, actor = make_buyer()
    bought = buy(company, actor, price, kind, **more)
    if bought.payment is not None:
        decide(bought.payment)
    return company, actor, CompanySubscription.objects.get(pk=bought.subscription.pk)


def payment_for_invoice(invoice):
    """The newest payment of an invoice."""
    return Payment.objects.filter(purpose="invoice", payable_id=invoice.pk).latest("pk")
