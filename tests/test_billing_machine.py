"""A company subscribes, uses, pays and owes at random while the clock runs; a plain Python model keeps the books."""

from calendar import monthrange
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

import pytest
import time_machine
from django.core.cache import cache
from django.db import transaction
from django.db.models import Count, Sum
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from accounts.states import Role
from accounts.tests.factories import make_user
from catalog.tests.factories import make_offer
from cbt.kernel import clock
from cbt.kernel.models import AuditEvent, OutgoingMail
from commerce.models import Payment
from commerce.tests.factories import proof_file
from sessions_app.models import Participant
from tenants.models import CompanySubscription, Invoice, SubscriptionTransaction
from tenants.services.invoices import invoices_generate, invoices_mark_overdue
from tenants.services.subscriptions import subscriptions_expire
from tenants.tests.factories import make_company, make_plan, make_price, make_tenant_admin
from tests.support import Api, data_of, error_of

START = datetime(2026, 1, 31, 8, tzinfo=UTC)
TERM = 3
OPEN = {"pending", "failed", "overdue"}
BOUNDS = settings(
    max_examples=6, stateful_step_count=20, deadline=None, derandomize=True, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


def months_on(moment: datetime, months: int) -> datetime:
    month = moment.month - 1 + months
    year, month = moment.year + month // 12, month % 12 + 1
    return moment.replace(year=year, month=month, day=min(moment.day, monthrange(year, month)[1]))


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)


@dataclass
class Attempt:
    """A payment."""

    amount: Decimal
    status: str = "pending"
    has_proof: bool = False


@dataclass
class Owed:
    """A transaction or an invoice. Post-paid quota is a transaction without attempts."""

    id: int
    purpose: str
    what: str  # purchase, quota, extension, period
    amount: Decimal
    count: int = 0  # people, or months
    status: str = "pending"
    attempts: list[Attempt] = field(default_factory=list)
    period: tuple[datetime, datetime] | None = None
    due: datetime | None = None

    def __post_init__(self) -> None:
        if self.purpose == "invoice":
            self.amount += cents(self.amount * Decimal("0.11"))
        self.attempts = [Attempt(self.amount)]


@dataclass
class Sub:
    """A subscription as agreed."""

    id: int
    kind: str
    quota: int
    base: int
    price: Decimal
    extra: Decimal
    started: datetime
    expires: datetime
    status: str
    used: int = 0
    added: list[tuple[datetime, int]] = field(default_factory=list)  # people bought afterwards
    owed: list[Owed] = field(default_factory=list)
    length: int = TERM  # months from start to end as agreed

    def runs(self, now: datetime) -> bool:
        return self.status == "active" and self.expires > now

    def months_cost(self, quota: int, months: int) -> Decimal:
        return cents((self.price + self.extra * max(0, quota - self.base)) * months / TERM)

    def quota_before(self, moment: datetime) -> int:
        return self.quota - sum(count for at, count in self.added if at >= moment)

    def unbilled(self) -> list[tuple[datetime, datetime, int]]:
        billed = {row.period[0] for row in self.owed if row.period}
        found = []
        for first in range(0, self.length, TERM):
            months = min(TERM, self.length - first)
            start, end = months_on(self.started, first), months_on(self.started, first + months)
            if first + months == self.length:
                end = self.expires
            if start not in billed:
                found.append((start, end, months))
        return found


class Billing(RuleBasedStateMachine):
    """One company with its admin, a tier, staff."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = time_machine.travel(START, tick=False)
        self.traveller = self.clock.start()
        self.block = transaction.atomic()
        self.block.__enter__()
        self.now = START
        self.subs: list[Sub] = []
        self.people = self.decisions = self.approvals = 0
        self.told_overdue: set[int] = set()

    @initialize()
    def begin(self) -> None:
        self.company = make_company(with_subscription=False)
        self.admin, self.staff = make_tenant_admin(self.company), make_user(Role.SUPER_ADMIN)
        self.test = make_offer()
        self.price, self.extra = Decimal("500000.00"), Decimal("33333.33")
        self.tier = make_price(
            make_plan(duration_months=TERM), user_quota=2, price_amount=self.price,
            price_per_additional_user_amount=self.extra,
        )  # fmt: skip

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.block.__exit__(None, None, None)
        self.clock.stop()

    def api(self, user=None) -> Api:
        cache.clear()
        return Api().as_(user or self.admin)

    @property
    def sub(self) -> Sub | None:
        return self.subs[-1] if self.subs else None

    @property
    def owed(self) -> list[Owed]:
        return [row for sub in self.subs for row in sub.owed]

    def owner(self, row: Owed) -> Sub:
        return next(sub for sub in self.subs if row in sub.owed)

    # --- what the model works out -------------------------------------------------------------------

    def due_periods(self, sub: Sub, *, is_closing: bool = False) -> list[tuple[datetime, datetime, int]]:
        if sub.kind != "post_paid":
            return []
        return [
            row for row in sub.unbilled()
            if row[1] <= self.now or (is_closing and row[0] <= self.now < row[1] and sub.used > 0)
        ]  # fmt: skip

    def debts(self) -> bool:
        return any(row.what == "period" and row.status in OPEN for row in self.owed)

    def bill(self, sub: Sub, *, is_closing: bool = False) -> None:
        for start, end, months in self.due_periods(sub, is_closing=is_closing):
            row = Invoice.objects.get(subscription_id=sub.id, kind="post_paid", period_start=start)
            amount = sub.months_cost(sub.quota_before(end), months)
            sub.owed.append(Owed(row.pk, "invoice", "period", amount, period=(start, end), due=self.now))
            assert (row.amount, row.period_end) == (amount, end)

    def has_run_out(self, sub: Sub) -> bool:
        return sub.status == "active" and sub.expires <= self.now

    def owes_if_billed(self, subs: list[Sub]) -> bool:
        return self.debts() or any(self.due_periods(sub) for sub in subs)

    # --- what people do -----------------------------------------------------------------------------

    @rule(days=st.sampled_from([0, 1, 8, 40, 93]))
    def time_passes(self, days) -> None:
        self.now += timedelta(days=days, minutes=1)
        self.traveller.move_to(self.now)

    @rule(price=st.sampled_from(["500000.00", "400000.01"]), extra=st.sampled_from(["33333.33", "0.00", "7.77"]))
    def price_changes(self, price, extra) -> None:
        body = {"price": price, "price_per_additional_user": extra}
        data_of(self.api(self.staff).patch(f"/api/subscription-prices/{self.tier.pk}", body))
        self.price, self.extra = Decimal(price), Decimal(extra)

    @rule(kind=st.sampled_from(["pre_paid", "post_paid"]), users=st.integers(0, 2))
    def purchase(self, kind, users) -> None:
        body = {
            "subscription_plan_id": self.tier.plan_id, "subscription_price_id": self.tier.pk, "payment_type": kind,
            "additional_users": users,
        }  # fmt: skip
        response = self.api().post("/api/subscriptions/purchase", body)
        past = [sub for sub in self.subs if sub.status == "expired" or self.has_run_out(sub)]
        if kind == "post_paid" and self.owes_if_billed(past):
            error_of(response, 400, "BUSINESS_RULE")
            return
        if any(sub.status == "pending" or sub.runs(self.now) for sub in self.subs):
            error_of(response, 400, "CONFLICT")
            return
        data_of(response, 201)
        for sub in past:
            sub.status = "expired"
            self.bill(sub)
        row = CompanySubscription.objects.latest("pk")
        sub = Sub(
            row.pk, kind, 2 + users, 2, self.price, self.extra, self.now, months_on(self.now, TERM),
            "active" if kind == "post_paid" else "pending",
        )  # fmt: skip
        self.subs.append(sub)
        if kind == "pre_paid":
            stored = SubscriptionTransaction.objects.get(subscription=row)
            amount = self.price + cents(self.extra * users)
            sub.owed.append(Owed(stored.pk, "subscription_transaction", "purchase", amount))

    @rule(count=st.integers(1, 2))
    def more_people(self, count) -> None:
        if (sub := self.sub) is None:
            return
        path = f"/api/subscriptions/{sub.id}/purchase-quota"
        response = self.api().post(path, {"additional_users": count})
        if not sub.runs(self.now) or (sub.kind == "post_paid" and self.owes_if_billed([sub])) or self._waits(sub):
            error_of(response, 400, "BUSINESS_RULE")
            return
        data_of(response, response.status_code)
        stored = SubscriptionTransaction.objects.latest("pk")
        row = Owed(stored.pk, "subscription_transaction", "quota", cents(sub.extra * count), count)
        sub.owed.append(row)
        if sub.kind == "post_paid":
            row.attempts, row.status = [], "completed"
            self._people_added(sub, count)
        elif row.amount == 0:
            row.status = row.attempts[-1].status = "completed"
            row.attempts[-1].status = "paid"
            self._people_added(sub, count)

    def _people_added(self, sub: Sub, count: int) -> None:
        sub.quota += count
        sub.added.append((self.now, count))
        for row in self._open_extensions(sub):
            self._taken_back(row)
            stored = Invoice.objects.latest("pk")
            amount = sub.months_cost(sub.quota, row.count)
            sub.owed.append(Owed(stored.pk, "invoice", "extension", amount, row.count, due=self.now))

    @staticmethod
    def _open_extensions(sub: Sub) -> list[Owed]:
        return [row for row in sub.owed if row.what == "extension" and row.status in OPEN]

    def _waits(self, sub: Sub) -> bool:
        last = [row.attempts[-1] for row in self._open_extensions(sub)]
        return any(attempt.status == "pending" and attempt.has_proof for attempt in last)

    @rule(months=st.integers(1, 4))
    def extend(self, months) -> None:
        if (sub := self.sub) is None:
            return
        response = self.api().post(f"/api/subscriptions/{sub.id}/extend", {"extension_months": months})
        if not sub.runs(self.now) or (sub.kind == "post_paid" and self.owes_if_billed([sub])):
            error_of(response, 400, "BUSINESS_RULE")
            return
        if sub.kind == "post_paid":
            data_of(response)
            sub.expires = months_on(sub.expires, months)
            sub.length = self._length(sub)
            return
        earlier = self._open_extensions(sub)
        if self._waits(sub):
            error_of(response, 400, "CONFLICT")
            return
        data_of(response)
        for row in earlier:
            self._taken_back(row)
        stored = Invoice.objects.latest("pk")
        amount = sub.months_cost(sub.quota, months)
        sub.owed.append(Owed(stored.pk, "invoice", "extension", amount, months, due=self.now))

    @staticmethod
    def _length(sub: Sub) -> int:
        months = 0
        while months_on(sub.started, months) < sub.expires:
            months += 1
        return months

    @staticmethod
    def _taken_back(row: Owed) -> None:
        row.status = "cancelled"
        if row.attempts[-1].status == "pending":
            row.attempts[-1].status = "cancelled"

    @rule(tries=st.integers(1, 2))
    def invite(self, tries) -> None:
        for _ in range(tries):
            body = {
                "name": "Orang", "email": f"orang{self.people}@example.com", "test_ids": [self.test.pk],
                "schedule_start_date": clock.iso(self.now),
                "schedule_end_date": clock.iso(self.now + timedelta(days=9)),
            }  # fmt: skip
            response = self.api().post("/api/participants", body)
            if self.sub is None or not self.sub.runs(self.now):
                error_of(response, 403, "SUBSCRIPTION_REQUIRED")
            elif self.sub.used >= self.sub.quota:
                error_of(response, 403, "QUOTA_EXCEEDED")
            else:
                data_of(response, 201)
                self.sub.used += 1
                self.people += 1

    @rule()
    def cancel(self) -> None:
        if (sub := self.sub) is None:
            return
        response = self.api().post(f"/api/subscriptions/{sub.id}/cancel")
        if sub.status == "expired" or self.has_run_out(sub):
            error_of(response, 400, "BUSINESS_RULE")
            return
        data_of(response)
        if sub.status == "cancelled":
            return
        for row in sub.owed:
            if row.what != "period" and row.status in OPEN:
                self._taken_back(row)
        if sub.status == "active":
            self.bill(sub, is_closing=True)
        sub.status = "cancelled"

    # --- paying -------------------------------------------------------------------------------------

    def _payable(self, number: int) -> Owed | None:
        rows = [row for row in reversed(self.owed) if row.attempts]
        return rows[number % len(rows)] if rows else None

    def _payment(self, row: Owed) -> Payment:
        return Payment.objects.filter(purpose=row.purpose, payable_id=row.id).latest("pk")

    @rule(number=st.integers(0, 3))
    def prove(self, number) -> None:
        if (row := self._payable(number)) is None:
            return
        fields = {"payment_id": self._payment(row).pk, "proof_file": proof_file()}
        response = self.api().upload("/api/payments/upload-proof", fields)
        last = row.attempts[-1]
        if last.status not in {"pending", "failed"} or row.status in {"completed", "cancelled"}:
            error_of(response, 400, "BUSINESS_RULE")
            return
        data_of(response)
        if last.status == "failed":
            row.attempts.append(Attempt(row.amount))
            row.status = row.status if row.status == "overdue" else "pending"
        row.attempts[-1].has_proof = True

    @rule(number=st.integers(0, 3), approved=st.sampled_from([True, True, False]))
    def decide(self, number, approved) -> None:
        if (row := self._payable(number)) is None:
            return
        body = {"payment_id": self._payment(row).pk, "approved": approved, "notes": "seen"}
        response = self.api(self.staff).post("/api/payments/verify", body)
        last = row.attempts[-1]
        if last.status != "pending" or (approved and not last.has_proof):
            error_of(response, 400, "BUSINESS_RULE")
            return
        refusal = self._refusal(row) if approved else None
        if refusal is not None:
            error_of(response, *refusal)
            return
        data_of(response)
        self.decisions += 1
        last.status, row.status = ("paid", "completed") if approved else ("failed", "failed")
        if approved:
            self._takes_effect(row)

    def _refusal(self, row: Owed) -> tuple[int, str] | None:
        sub = self.owner(row)
        if row.what == "quota" and (not sub.runs(self.now) or self._waits(sub)):
            return 400, "BUSINESS_RULE"
        has_other = any(other.status in {"pending", "active"} for other in self.subs if other is not sub)
        if row.what == "extension" and sub.status == "expired" and has_other:
            return 400, "CONFLICT"
        return None

    def _takes_effect(self, row: Owed) -> None:
        sub = self.owner(row)
        if row.what == "purchase":
            sub.status, sub.started, sub.expires = "active", self.now, months_on(self.now, TERM)
        elif row.what == "quota":
            self._people_added(sub, row.count)
        elif row.what == "extension":
            sub.expires = months_on(max(sub.expires, self.now), row.count)
            sub.status = "active"

    # --- jobs, late and twice -----------------------------------------------------------------------

    @rule(times=st.integers(1, 2))
    def bills_are_made(self, times) -> None:
        due = {sub.id: self.due_periods(sub) for sub in self.subs if sub.status in {"active", "expired"}}
        made = [invoices_generate() for _ in range(times)]
        assert made == [sum(map(len, due.values())), 0][:times]
        for sub in self.subs:
            if due.get(sub.id):
                self.bill(sub)

    @rule()
    def overdue_is_marked(self) -> None:
        late = [
            row for row in self.owed
            if row.purpose == "invoice" and row.status in {"pending", "failed"}
            and (row.due + timedelta(days=7)).date() < self.now.date()
        ]  # fmt: skip
        assert [invoices_mark_overdue(), invoices_mark_overdue()] == [len(late), 0]
        for row in late:
            row.status = "overdue"
            self.told_overdue.add(row.id)

    @rule()
    def ends_are_written_down(self) -> None:
        ended = [sub for sub in self.subs if self.has_run_out(sub)]
        assert [subscriptions_expire(), subscriptions_expire()] == [len(ended), 0]
        for sub in ended:
            sub.status = "expired"

    # --- what must be true --------------------------------------------------------------------------

    @invariant()
    def subscriptions_as_expected(self) -> None:
        rows = CompanySubscription.objects.order_by("pk").values_list(
            "pk", "status", "user_quota", "used_quota", "started_at", "expires_at"
        )
        assert list(rows) == [(sub.id, sub.status, sub.quota, sub.used, sub.started, sub.expires) for sub in self.subs]
        assert sum(sub.status in {"pending", "active"} for sub in self.subs) <= 1
        assert Participant.objects.count() == self.people == sum(sub.used for sub in self.subs)

    @invariant()
    def quota_comes_from_what_was_paid(self) -> None:
        for sub in self.subs:
            done = [row for row in sub.owed if row.what == "quota" and row.status == "completed"]
            first = CompanySubscription.objects.get(pk=sub.id).user_quota - sum(row.count for row in done)
            assert 2 <= first <= 4
            assert sub.kind == "post_paid" or all(row.attempts[-1].status == "paid" for row in done)

    @invariant()
    def books_as_expected(self) -> None:
        for model, purpose, amount in (
            (SubscriptionTransaction, "subscription_transaction", "amount"), (Invoice, "invoice", "total_amount"),
        ):  # fmt: skip
            expected = {row.id: (row.status, row.amount) for row in self.owed if row.purpose == purpose}
            rows = model.objects.values_list("pk", "status", amount)
            assert {pk: (status, value) for pk, status, value in rows} == expected
        stored: dict[tuple[str, int], list[tuple[str, bool, Decimal]]] = {}
        for row in Payment.objects.order_by("pk"):
            facts = (row.status, bool(row.proof_file), row.amount)
            stored.setdefault((row.purpose, row.payable_id), []).append(facts)
        assert stored == {
            (row.purpose, row.id): [(one.status, one.has_proof, one.amount) for one in row.attempts]
            for row in self.owed if row.attempts
        }  # fmt: skip

    @invariant()
    def money_adds_up(self) -> None:
        came_in = Payment.objects.filter(status="paid").aggregate(sum=Sum("amount"))["sum"] or 0
        assert came_in == sum(row.amount for row in self.owed if row.status == "completed" and row.attempts)
        twice = Invoice.objects.filter(kind="post_paid").values("subscription", "period_start").annotate(n=Count("pk"))
        assert not twice.filter(n__gt=1).exists()

    @invariant()
    def told_once_and_written_down(self) -> None:
        free = sum(row.status == "completed" and row.amount == 0 and bool(row.attempts) for row in self.owed)
        decided = AuditEvent.objects.filter(action="commerce.payment.decided").count()
        assert decided == self.decisions + free
        mails = dict(OutgoingMail.objects.values_list("kind").annotate(Count("pk")))
        assert mails.get("commerce.payment_decided", 0) == self.decisions
        invoices = sum(row.purpose == "invoice" and row.amount > 0 for row in self.owed)
        assert mails.get("tenants.invoice_new", 0) == invoices
        assert mails.get("tenants.invoice_overdue", 0) == len(self.told_overdue)


@pytest.mark.django_db
def test_billing__when_done_at_random__then_the_books_agree(media):
    run_state_machine_as_test(Billing, settings=BOUNDS)
