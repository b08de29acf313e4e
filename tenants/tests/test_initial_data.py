"""The documented plans, prices and categories, to the rupiah."""

from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import call_command

from catalog.models import TestCategory
from cbt.kernel import clock
from tenants.models import SubscriptionPlan, SubscriptionPrice
from tenants.services.initial_data import load_initial_data
from tests.support import race

PRICES = {
    ("Paket 3 Bulan", 3, 1): [
        (0, "0", "50000"), (5, "500000", "50000"), (10, "900000", "45000"), (30, "2400000", "40000"),
    ],
    ("Paket 6 Bulan", 6, 2): [
        (0, "0", "70000"), (30, "4500000", "75000"), (60, "8400000", "70000"), (100, "13000000", "65000"),
    ],
    ("Paket 12 Bulan", 12, 3): [
        (0, "0", "110000"), (100, "24000000", "120000"), (500, "110000000", "110000"), (1000, "200000000", "100000"),
    ],
}  # fmt: skip


@pytest.mark.django_db
def test_load__then_every_documented_row():
    assert load_initial_data() == {"plans": 3, "test categories": 6}
    stored = {
        (plan.name, plan.duration_months, plan.sort_order): [
            (price.user_quota, price.price_amount, price.price_per_additional_user_amount)
            for price in plan.prices.order_by("user_quota")
        ]
        for plan in SubscriptionPlan.objects.all()
    }
    assert stored == {
        plan: [(quota, Decimal(price), Decimal(extra)) for quota, price, extra in rows] for plan, rows in PRICES.items()
    }
    rows = TestCategory.objects.order_by("sort_order").values_list("name", "slug", "sort_order", "is_active")
    assert list(rows) == [
        ("Tes Kepribadian", "tes-kepribadian", 1, True),
        ("Tes Inteligensi", "tes-inteligensi", 2, True),
        ("Tes Bakat & Minat", "tes-bakat-minat", 3, True),
        ("Tes Kesehatan Mental", "tes-kesehatan-mental", 4, True),
        ("Tes Kompetensi", "tes-kompetensi", 5, True),
        ("Tes Seleksi Karyawan", "tes-seleksi-karyawan", 6, True),
    ]
    assert not TestCategory.objects.filter(description="").exists()


@pytest.mark.django_db
def test_load__when_staff_has_changed_things__then_they_stay():
    load_initial_data()
    now = clock.now()
    SubscriptionPlan.objects.filter(seed_key="paket-3-bulan").update(name="Promo", deleted_at=now)
    SubscriptionPrice.objects.filter(plan__seed_key="paket-6-bulan", user_quota=30).delete()
    SubscriptionPrice.objects.filter(plan__seed_key="paket-12-bulan").update(price_amount=1)
    TestCategory.objects.filter(slug="tes-kompetensi").update(deleted_at=now)
    TestCategory.objects.filter(slug="tes-inteligensi").update(name="Tes IQ", slug="tes-iq")
    assert load_initial_data() == {"plans": 0, "test categories": 1}  # the category whose slug has gone
    assert (SubscriptionPlan.objects.count(), SubscriptionPrice.objects.count()) == (3, 11)
    assert SubscriptionPlan.objects.get(seed_key="paket-3-bulan").name == "Promo"


@pytest.mark.django_db
def test_seed__when_run_twice__then_says_so():
    first, second = StringIO(), StringIO()
    call_command("seed", stdout=first)
    call_command("seed", stdout=second)
    assert first.getvalue().splitlines() == ["plans: 3 new", "test categories: 6 new"]
    assert second.getvalue().splitlines() == ["plans: 0 new", "test categories: 0 new"]


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_load__when_three_machines_start_at_once__then_each_row_once():
    results = race(3, lambda _: load_initial_data())
    assert [result for result in results if isinstance(result, Exception)] == []
    assert sum(result["plans"] for result in results) == 3
    assert (SubscriptionPlan.objects.count(), SubscriptionPrice.objects.count()) == (3, 12)
    assert TestCategory.objects.count() == 6
