"""A hundred thousand rows for every list, made inside PostgreSQL from one row each that the factories made."""

import os
from dataclasses import dataclass
from typing import Any

from django.db import connection, models, transaction

FIRST = 1_000_000  # the id of copy number 0; copies count from 1
#: Every name holds "orang"; one of a thousand holds "zamrud" besides.
NAME = "'Orang ' || md5({g}::text) || CASE WHEN {g} % 1000 = 0 THEN ' zamrud' ELSE '' END"
MOMENT = "now() - {g} * interval '1 second'"
HASH = "md5({g}::text) || md5('{mark}' || {g}::text)"


@dataclass(frozen=True, slots=True)
class Made:
    """Who reads, and what the addresses need."""

    tokens: dict[str, str]
    ids: dict[str, Any]
    count: int


def multiply(template: models.Model, count: int, *, first: int | None = FIRST, **columns: str) -> None:
    """Copy a row ``count`` times; columns: SQL of what differs, with ``{g}`` for the number of the copy."""
    meta = template._meta
    names = [field.column for field in meta.local_concrete_fields]
    if first is not None:
        columns[meta.pk.column] = f"{first} + {{g}}"
    unknown = set(columns) - set(names)
    if unknown:
        raise ValueError(f"{meta.db_table} has no {unknown}")
    values = ", ".join(columns[name].replace("{g}", "g.n") if name in columns else f't."{name}"' for name in names)
    keys = template.pk if isinstance(template.pk, tuple) else (template.pk,)
    where = " AND ".join(f't."{part.column}" = %s' for part in meta.pk_fields)
    listed = ", ".join(f'"{name}"' for name in names)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {meta.db_table} ({listed}) SELECT {values} FROM {meta.db_table} t,"
            f" generate_series(1, {count}) g(n) WHERE {where}".replace(" % ", " %% "),
            list(keys),
        )


def named(**more: str) -> dict[str, str]:
    """Return the columns of somebody with a name and an address."""
    return {"name": NAME, "email": "'p' || {g} || '@orang.example'", "created_at": MOMENT, **more}


def fill(count: int) -> Made:
    """Make everything, or nothing. The database is migrated and has no rows."""
    with transaction.atomic():
        made = _fill(count)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return made


def _fill(count: int) -> Made:
    from accounts.states import Role
    from accounts.tests.factories import make_user, token_of
    from catalog.tests.factories import make_offer
    from sessions_app.tests.factories import make_bank_test
    from tenants.tests.factories import make_company, make_tenant_admin

    company = make_company(name="Besar", quota=2 * count)
    small = make_company(name="Kecil")
    admin, buyer, staff = make_tenant_admin(company), make_user(), make_user(Role.SUPER_ADMIN)
    few = make_user()
    bank, offer = make_bank_test(settings={"result_policy": "score"}, code="BANK"), make_offer(code="OFFER")
    _people(company, small, buyer, count)
    _catalogue(bank, offer, count)
    session = _sittings(company, bank, count)
    _watch(session, count)
    _buying(buyer, few, offer, bank, count)
    plan = _billing(company, small, count)
    batch = _rest(company, admin, count)
    tokens = {"super": token_of(staff), "tenant": token_of(admin), "buyer": token_of(buyer), "": ""}
    return Made(
        tokens={**tokens, "few": token_of(few)},
        ids={
            "company": company.pk, "session": session.pk, "plan": plan.pk, "test": bank.pk, "batch": batch.pk,
            "category": FIRST + 1, "offer": FIRST + 1, "participant": FIRST + 1,
        },
        count=count,
    )  # fmt: skip


def _people(company: Any, small: Any, buyer: Any, count: int) -> None:
    from sessions_app.tests.factories import make_participant
    from tenants.models import CompanySubscription

    multiply(buyer, count, **named(is_active="{g} % 10 <> 0"))
    multiply(buyer.profile, count, user_id=f"{FIRST} + {{g}}")
    multiply(small, count, **named(phone="'08' || {g}", is_active="{g} % 10 <> 0"))
    running = CompanySubscription.objects.get(company=small)
    multiply(running, count, company_id=f"{FIRST} + {{g}}", created_at=MOMENT)
    banned = "CASE WHEN {g} % 10 = 0 THEN now() END"
    person = make_participant(company=company)
    multiply(person, count, **named(unique_token="'u' || md5({g}::text)", banned_at=banned))


def _catalogue(bank: Any, offer: Any, count: int) -> None:
    from catalog.tests.factories import make_category

    category = make_category()
    multiply(category, count, name=NAME, slug="'s' || {g}", is_active="{g} % 1000 = 0")
    text = "'Uraian ' || md5({g}::text)"
    multiply(
        offer, count, name=NAME, code="'K' || {g}", description=text, category_id=f"{FIRST} + {{g}}",
        is_active="{g} % 10 <> 0",
    )  # fmt: skip


def _sittings(company: Any, bank: Any, count: int) -> Any:
    """Return a session whose lists are long."""
    from cbt.kernel import clock
    from sessions_app.models import Participant
    from sessions_app.services.mails import assignment_mail_enqueue
    from sessions_app.services.sessions import session_submit
    from sessions_app.tests.factories import make_assignment, start_session

    person = Participant.objects.get(company=company, pk__lt=FIRST)
    assignment, link = make_assignment(participant=person, test=bank)
    mail = assignment_mail_enqueue(assignment=assignment, participant=person)
    started = start_session(link)
    result = session_submit(token=started.token, now=clock.now()).result
    session = result.session
    session.refresh_from_db()
    own = f"{FIRST} + {{g}}"
    done = "CASE WHEN {g} % 10 = 0 THEN NULL ELSE now() - {g} * interval '1 second' END"
    tokens = {"nonce": "md5({g}::text)", "token_hash": HASH.replace("{mark}", "a")}
    multiply(assignment, count, participant_id=own, created_at=MOMENT, completed_at=done, **tokens)
    if mail is not None:
        multiply(mail, count, object_id=own, dedupe_key="'bench' || {g}", recipient="'p' || {g} || '@orang.example'")
    multiply(
        session, count, assignment_id=own, participant_id=own, started_at=MOMENT, completed_at=done,
        status="CASE WHEN {g} % 10 = 0 THEN 'in_progress' ELSE 'completed' END", **tokens,
    )  # fmt: skip
    multiply(result, count, session_id=own, created_at=MOMENT)
    return session


def _watch(session: Any, count: int) -> None:
    from anticheat.models import CheatDetection
    from anticheat.states import DetectionSource, DetectionType
    from cbt.kernel import clock
    from proctoring.models import Photo
    from sessions_app.models import SessionEvent

    now = clock.now()
    seen = CheatDetection.objects.create(
        session=session, detection_type=DetectionType.TAB_SWITCH, severity=1, source=DetectionSource.CLIENT,
        created_at=now,
    )  # fmt: skip
    multiply(seen, count, created_at=MOMENT)
    photo = Photo.objects.create(
        session=session, number=1, path="test-sessions/photos/1.png", mime="image/png", size_bytes=1, width=1,
        height=1, sha256="0" * 64, captured_at=now,
    )  # fmt: skip
    multiply(photo, count, number="{g} + 1", path="'test-sessions/photos/x' || {g} || '.png'")
    event = SessionEvent.objects.filter(session=session).order_by("-seq")[0]
    multiply(event, count, first=None, seq="{g} + 1000")


def _buying(buyer: Any, few: Any, offer: Any, bank: Any, count: int) -> None:
    from accounts.selectors.users import actor_of_user
    from catalog.tests.factories import make_offer
    from cbt.kernel import clock
    from commerce.models import Payment, PublicTransactionItem
    from commerce.services.carts import cart_add
    from commerce.tests.factories import make_order, make_purchase
    from sessions_app.services.sessions import Origin, session_start_purchase, session_submit

    own = f"{FIRST} + {{g}}"
    order = make_order(buyer, offer)
    status = "CASE WHEN {g} % 10 = 0 THEN 'pending' ELSE 'completed' END"
    multiply(order, count, transaction_number="'TRX-B' || {g}", created_at=MOMENT, status=status)
    multiply(PublicTransactionItem.objects.get(transaction=order), count, transaction_id=own, test_id=own)
    multiply(
        Payment.objects.get(purpose="transaction", payable_id=order.pk), count, payment_number="'PAY-B' || {g}",
        payable_id=own, created_at=MOMENT, status="CASE WHEN {g} % 10 = 0 THEN 'pending' ELSE 'failed' END",
    )  # fmt: skip
    purchase = make_purchase(buyer, bank)
    multiply(purchase, count, test_id=own, purchased_at=MOMENT)
    started = session_start_purchase(purchase=purchase, now=clock.now(), origin=Origin("127.0.0.1", "x"))
    result = session_submit(token=started.token, now=clock.now()).result
    session = result.session
    session.refresh_from_db()
    second = 2 * FIRST
    multiply(
        session, count, first=second, purchase_id=own, test_id=str(bank.pk), started_at=MOMENT,
        nonce="md5({g}::text)", token_hash=HASH.replace("{mark}", "b"),
    )  # fmt: skip
    multiply(result, count, first=second, session_id=f"{second} + {{g}}", created_at=MOMENT)
    for _ in range(100):
        make_purchase(few, make_offer())
        cart_add(test_id=make_offer().pk, actor=actor_of_user(few), now=clock.now())


def _billing(company: Any, small: Any, count: int) -> Any:
    """Return a plan with many prices."""
    from cbt.kernel import clock
    from commerce.models import Payment
    from tenants.models import CompanySubscription, Invoice
    from tenants.services.purchases import quota_purchase, subscription_extend
    from tenants.tests.factories import make_plan, make_price, super_actor

    own = f"{FIRST} + {{g}}"
    plan = make_plan()
    price = make_price(plan)
    multiply(plan, count, name=NAME, description="'Uraian ' || md5({g}::text)")
    # A plan is shown with all its tiers: one plan has two hundred, the others one each.
    multiply(
        price, count, user_quota="{g} + 100",
        plan_id=f"CASE WHEN {{g}} <= 200 THEN {plan.pk} ELSE {FIRST} + {{g}} END",
    )  # fmt: skip
    running = CompanySubscription.objects.get(company=company)
    bought = quota_purchase(subscription_id=running.pk, additional_users=1, actor=super_actor())
    subscription_extend(subscription_id=running.pk, months=1, actor=super_actor())
    past, second = clock.now().isoformat(), 2 * FIRST
    multiply(
        running, count, first=second, status="'cancelled'", created_at=MOMENT, cancelled_at=f"'{past}'::timestamptz"
    )
    assert bought.transaction is not None
    assert bought.payment is not None
    multiply(
        bought.transaction, count, subscription_id=f"{second} + {{g}}", transaction_number="'SUB-B' || {g}",
        created_at=MOMENT,
    )  # fmt: skip
    multiply(
        bought.payment, count, first=second, payment_number="'PAY-C' || {g}", payable_id=own, created_at=MOMENT,
        status="CASE WHEN {g} % 10 = 0 THEN 'pending' ELSE 'failed' END",
    )  # fmt: skip
    invoice = Invoice.objects.get(subscription=running)
    multiply(
        invoice, count, subscription_id=f"{second} + {{g}}", kind="'post_paid'", invoice_number="'INV-B' || {g}",
        period_start=MOMENT, period_end="now() + interval '1 day'", created_at=MOMENT,
        status="CASE WHEN {g} % 10 = 0 THEN 'overdue' ELSE 'pending' END",
    )  # fmt: skip
    multiply(
        Payment.objects.get(purpose="invoice", payable_id=invoice.pk), count, first=3 * FIRST,
        payment_number="'PAY-D' || {g}", payable_id=own, created_at=MOMENT,
    )  # fmt: skip
    return plan


def _rest(company: Any, admin: Any, count: int) -> Any:
    """Return an import with many failures."""
    from accounts.selectors.users import actor_of_user
    from cbt.kernel import audit
    from sessions_app.tests.factories import make_import

    act = audit.record(
        "sessions_app.participant.banned", actor=actor_of_user(admin), obj=company, company_id=company.pk
    )
    multiply(
        act, count, at=MOMENT, object_id="({g} % 5000)::text",
        action="CASE WHEN {g} % 1000 = 0 THEN 'tenants.company.updated' ELSE 'sessions_app.participant.banned' END",
    )  # fmt: skip
    failures = [{"row": n + 2, "name": "", "email": "", "errors": ["Name is required"]} for n in range(5000)]
    return make_import(company, rows_total=5000, rows_done=5000, failed_count=5000, failures=failures)


def set_environment(url: str) -> None:
    """Let Django speak to this database as the tests do."""
    os.environ["DATABASE_URL"] = url
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
