"""The way to the tables of billing and back, with rows in them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

NOW = datetime(2026, 1, 10, tzinfo=UTC)
BEFORE, AFTER = [("tenants", "0001_initial")], [("tenants", "0002_billing")]


def migrate(target):
    executor = MigrationExecutor(connection)
    executor.loader.build_graph()
    executor.migrate(target)
    return MigrationExecutor(connection).loader.project_state(target).apps


@pytest.mark.django_db(transaction=True)
def test_billing__when_migrated_back_and_forth__then_subscriptions_stay_and_know_their_terms():
    leaves = MigrationExecutor(connection).loader.graph.leaf_nodes()  # what stands on these tables goes back with them
    try:
        old = migrate(BEFORE)
        stamps = {"created_at": NOW, "updated_at": NOW}
        company = old.get_model("tenants", "Company").objects.create(name="PT", email="a@example.com", **stamps)
        plan = old.get_model("tenants", "SubscriptionPlan").objects.create(name="P", duration_months=6, **stamps)
        price = old.get_model("tenants", "SubscriptionPrice").objects.create(
            plan=plan, user_quota=30, price_amount=Decimal("4500000.00"),
            price_per_additional_user_amount=Decimal("75000.00"), **stamps,
        )  # fmt: skip
        row = old.get_model("tenants", "CompanySubscription").objects.create(
            company=company, plan=plan, price=price, user_quota=32, status="active", billing_type="post_paid",
            started_at=NOW, expires_at=NOW + timedelta(days=181), **stamps,
        )  # fmt: skip
        new = migrate(AFTER)
        moved = new.get_model("tenants", "CompanySubscription").objects.get(pk=row.pk)
        assert (moved.period_months, moved.base_quota, moved.price_amount, moved.price_per_additional_user_amount) == (
            6, 30, Decimal("4500000.00"), Decimal("75000.00"),
        )  # fmt: skip
        assert (moved.user_quota, moved.notes, moved.reminded_days) == (32, "", None)
        back = migrate(BEFORE)
        assert back.get_model("tenants", "CompanySubscription").objects.get(pk=row.pk).user_quota == 32
        assert "tenants_invoice" not in connection.introspection.table_names()
    finally:
        migrate(leaves)
