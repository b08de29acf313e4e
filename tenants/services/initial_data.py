"""What a new installation starts with: the plans on offer with their prices, and the categories of tests."""

from datetime import datetime
from decimal import Decimal

from django.db import transaction

from catalog.models import TestCategory
from catalog.services.categories import category_create
from cbt.kernel import clock
from cbt.kernel.actor import SYSTEM
from cbt.kernel.errors import DomainError, ErrorCode
from tenants.models import SubscriptionPlan, SubscriptionPrice

#: (seed key, name, months, [(people, price, price of one more person)]); 0 people is the custom tier. Rupiah.
PLANS: tuple[tuple[str, str, int, tuple[tuple[int, int, int], ...]], ...] = (
    ("paket-3-bulan", "Paket 3 Bulan", 3,
     ((5, 500_000, 50_000), (10, 900_000, 45_000), (30, 2_400_000, 40_000), (0, 0, 50_000))),
    ("paket-6-bulan", "Paket 6 Bulan", 6,
     ((30, 4_500_000, 75_000), (60, 8_400_000, 70_000), (100, 13_000_000, 65_000), (0, 0, 70_000))),
    ("paket-12-bulan", "Paket 12 Bulan", 12,
     ((100, 24_000_000, 120_000), (500, 110_000_000, 110_000), (1000, 200_000_000, 100_000), (0, 0, 110_000))),
)  # fmt: skip


#: (slug, name, description), in order.
CATEGORIES: tuple[tuple[str, str, str], ...] = (
    ("tes-kepribadian", "Tes Kepribadian", "Mengukur sifat dan gaya kepribadian."),
    ("tes-inteligensi", "Tes Inteligensi", "Mengukur kemampuan berpikir dan bernalar."),
    ("tes-bakat-minat", "Tes Bakat & Minat", "Menggali bakat dan minat untuk studi dan karier."),
    ("tes-kesehatan-mental", "Tes Kesehatan Mental", "Menyaring keadaan kesehatan mental."),
    ("tes-kompetensi", "Tes Kompetensi", "Mengukur kompetensi yang dituntut pekerjaan."),
    ("tes-seleksi-karyawan", "Tes Seleksi Karyawan", "Rangkaian tes untuk seleksi karyawan."),
)


def load_initial_data() -> dict[str, int]:
    """Store the plans and categories that have never been stored; return how many: {"plans", "test categories"}.

    Loading again changes nothing, also after staff has changed or withdrawn some; two at once store each once.
    Source: details 8.
    """
    return {"plans": load_plans(), "test categories": load_categories()}


def load_plans() -> int:
    """Store the plans that have never been stored, each with its prices; return how many.

    A plan that staff has renamed, repriced or withdrawn is known by its `seed_key`, which is unique.
    """
    now = clock.now()
    return sum(_load_plan(order, row, now) for order, row in enumerate(PLANS, start=1))


def load_categories() -> int:
    """Store the categories whose slug nothing has or had and whose name is free; return how many."""
    return sum(_load_category(order, row) for order, row in enumerate(CATEGORIES, start=1))


def _load_category(order: int, row: tuple[str, str, str]) -> bool:
    slug, name, description = row
    if TestCategory.objects.filter(slug=slug).exists():  # also a deleted one: staff did not want it
        return False
    data = {"name": name, "slug": slug, "description": description, "sort_order": order}
    try:
        category_create(data=data, actor=SYSTEM)
    except DomainError as error:
        if error.code is not ErrorCode.VALIDATION_ERROR:
            raise
        return False  # the name was taken, by staff or by another machine that loads right now
    return True


@transaction.atomic
def _load_plan(order: int, row: tuple[str, str, int, tuple[tuple[int, int, int], ...]], now: datetime) -> bool:
    key, name, months, tiers = row
    plan, is_new = SubscriptionPlan.objects.get_or_create(
        seed_key=key,
        defaults={
            "name": name, "duration_months": months, "description": f"Langganan {months} bulan",
            "sort_order": order, "created_at": now, "updated_at": now,
        },
    )  # fmt: skip
    if is_new:
        SubscriptionPrice.objects.bulk_create(
            SubscriptionPrice(
                plan=plan, user_quota=quota, price_amount=Decimal(price),
                price_per_additional_user_amount=Decimal(extra), created_at=now, updated_at=now,
            )
            for quota, price, extra in tiers
        )  # fmt: skip
    return is_new
