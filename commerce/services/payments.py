"""The life of a payment: opened, proved, decided or cancelled. Every change of state is made here."""

from datetime import datetime
from decimal import Decimal

from django.db import IntegrityError, transaction

from cbt.kernel import audit, jobs, money
from cbt.kernel.actor import SYSTEM, Actor
from cbt.kernel.errors import DomainError, ErrorCode, not_found
from commerce.models import Payment
from commerce.selectors.payments import NOT_FOUND, payment_for, payment_latest
from commerce.services.mails import payment_mails_enqueue
from commerce.services.numbers import INSERT_TRIES, payment_number
from commerce.services.payables import payable_of
from commerce.services.proofs import proof_read, proof_stored
from commerce.states import PaymentMethod, PaymentStatus, Purpose

ALREADY_PENDING = "A payment is already waiting for verification."
NO_PROOF = "Payment proof has not been uploaded yet."
PROOF_CHANGED = "The payment proof has changed since it was shown."


def lock_payment(payment_id: int) -> Payment | None:
    """Return a payment's row, locked until the transaction ends."""
    return Payment.objects.select_for_update().filter(pk=payment_id).first()


def refuse_unless_pending(payment: Payment) -> None:
    """Raise BUSINESS_RULE unless the payment waits for a decision. Source: details 2.12."""
    if payment.status != PaymentStatus.PENDING:
        raise DomainError(
            ErrorCode.BUSINESS_RULE, f"Payment is not pending. Current status: {PaymentStatus(payment.status).value}"
        )


def payment_open(
    *,
    purpose: Purpose | str,
    payable_id: int,
    amount: Decimal,
    now: datetime,
    user_id: int | None = None,
    company_id: int | None = None,
    actor: Actor = SYSTEM,
) -> Payment:
    """Open a pending payment for something, inside the caller's transaction, and return it.

    amount: >= 0, rounded half up to 0.01.  user_id or company_id: who pays.
    Raises CONFLICT while another payment of the same payable is pending (a constraint decides between twins),
    LookupError for a purpose nobody registered. Source: details 4, W-39.
    """
    payable_of(purpose)
    payment = Payment(
        purpose=Purpose(purpose).value, payable_id=payable_id, amount=money.rounded(amount),
        method=PaymentMethod.MANUAL.value, status=PaymentStatus.PENDING.value, user_id=user_id, company_id=company_id,
        created_at=now, updated_at=now,
    )  # fmt: skip
    _insert(payment, now)
    audit.record(
        "commerce.payment.opened", actor=actor, obj=payment, company_id=company_id,
        purpose=payment.purpose, payable_id=payable_id, amount=str(payment.amount),
    )  # fmt: skip
    return payment


def _insert(payment: Payment, now: datetime) -> None:
    """Store under a number nobody has; another pending payment of the same payable ends it."""
    for tries_left in reversed(range(INSERT_TRIES)):
        payment.payment_number = payment_number(now)
        try:
            with transaction.atomic():
                payment.save(force_insert=True)
        except IntegrityError:
            same = Payment.objects.filter(purpose=payment.purpose, payable_id=payment.payable_id)
            if same.filter(status=PaymentStatus.PENDING).exists():
                raise DomainError(ErrorCode.CONFLICT, ALREADY_PENDING) from None
            if not tries_left:
                raise
        else:
            return


def payment_proof_upload(
    *, payment_id: int, data: bytes, filename: str, notes: str | None, actor: Actor, now: datetime
) -> Payment:
    """Attach a proof to a pending payment; after a rejection open a new payment for the same thing and attach it there.

    payment_id: any payment of the thing; its newest one counts, so a client may keep the number it knows.
    data: jpg, png or pdf, at most 5120 KiB.  notes: of the payer, None leaves them.
    The file is checked and stored before the transaction: no lock is held while a picture is decoded. A replaced
    proof is removed by a job.
    Raises NOT_FOUND for what the actor may not see, VALIDATION_ERROR for ``proof_file``, BUSINESS_RULE for a paid or
    cancelled payment or when the payable refuses to be reopened. Source: primary contract 2.6, 8.3; W-22, W-28.
    """
    known = payment_for(actor, payment_id)
    _refuse_unless_provable(payment_latest(known.purpose, known.payable_id) or known)
    with proof_stored(proof_read(data, filename)) as path, transaction.atomic():
        payment = payment_lock_latest(known.purpose, known.payable_id)
        if payment is None:
            raise not_found(NOT_FOUND)
        _refuse_unless_provable(payment)
        if payment.status == PaymentStatus.FAILED:
            payment = _reopen(payment, actor, now)
        replaced, payment.proof_file = payment.proof_file, path
        payment.proof_uploaded_at = payment.updated_at = now
        payment.notes = payment.notes if notes is None else notes
        payment.save(update_fields=["proof_file", "proof_uploaded_at", "updated_at", "notes"])
        audit.record("commerce.payment.proof_uploaded", actor=actor, obj=payment, company_id=payment.company_id)
        if replaced:
            jobs.enqueue("commerce.remove_proof", {"name": replaced})
    return payment


def _refuse_unless_provable(payment: Payment) -> None:
    if payment.status != PaymentStatus.FAILED:
        refuse_unless_pending(payment)


def payment_lock_latest(purpose: str, payable_id: int) -> Payment | None:
    """Lock the newest payment of a thing; while waiting for the lock a newer one may have come. None: it has none."""
    while True:
        latest = payment_latest(purpose, payable_id)
        locked = lock_payment(latest.pk) if latest else None
        newest = payment_latest(purpose, payable_id)
        if locked is None or newest is None or locked.pk == newest.pk:
            return locked


def _reopen(failed: Payment, actor: Actor, now: datetime) -> Payment:
    payment = payment_open(
        purpose=failed.purpose, payable_id=failed.payable_id, amount=failed.amount, now=now, user_id=failed.user_id,
        company_id=failed.company_id, actor=actor,
    )  # fmt: skip
    reopened = payable_of(failed.purpose).on_reopened
    if reopened is not None:
        reopened(payable_id=failed.payable_id, payment=payment, now=now, actor=actor)
    return payment


@transaction.atomic
def payment_decide(
    *,
    payment_id: int,
    approved: bool,
    notes: str | None,
    actor: Actor,
    now: datetime,
    seen_proof: str | None = None,
) -> Payment:
    """Approve or reject a pending payment with all that follows; the first decision stands.

    notes: of the verifier, mailed to the payer with a rejection; the payer's own notes stay.
    seen_proof: stored name of the proof the decision was made on; None: not told.
    Raises NOT_FOUND; BUSINESS_RULE when it is not pending (any more) or is approved without a proof; CONFLICT when
    another proof has come since; whatever the payable's handler refuses with. Source: primary contract 7.6;
    details 2.12, W-22, W-28, W-32.
    """
    payment = lock_payment(payment_id)
    if payment is None:
        raise not_found(NOT_FOUND)
    refuse_unless_pending(payment)
    if seen_proof is not None and seen_proof != payment.proof_file:
        raise DomainError(ErrorCode.CONFLICT, PROOF_CHANGED)
    if approved and not payment.proof_file:
        raise DomainError(ErrorCode.BUSINESS_RULE, NO_PROOF)
    _settle(payment, approved=approved, notes=notes or "", actor=actor, now=now)
    payment_mails_enqueue(payment=payment)
    return payment


@transaction.atomic
def payment_settle_free(*, payment: Payment, actor: Actor, now: datetime) -> Payment:
    """Mark a payment of nothing as paid at once: there is no proof to show and nobody to wait for.

    Raises BUSINESS_RULE when it is not pending, ValueError when there is something to pay.
    """
    if payment.amount != 0:
        raise ValueError("only a payment of 0 settles itself")
    refuse_unless_pending(payment)
    _settle(payment, approved=True, notes="", actor=actor, now=now)
    return payment


def _settle(payment: Payment, *, approved: bool, notes: str, actor: Actor, now: datetime) -> None:
    payment.status = (PaymentStatus.PAID if approved else PaymentStatus.FAILED).value
    payment.paid_at = now if approved else None
    payment.decided_at, payment.decided_by_id, payment.verifier_notes = now, actor.id, notes
    payment.updated_at = now
    payment.save(update_fields=["status", "paid_at", "decided_at", "decided_by_id", "verifier_notes", "updated_at"])
    audit.record(
        "commerce.payment.decided", actor=actor, obj=payment, company_id=payment.company_id,
        status=payment.status, purpose=payment.purpose, payable_id=payment.payable_id,
    )  # fmt: skip
    payable = payable_of(payment.purpose)
    follow = payable.on_paid if approved else payable.on_failed
    follow(payable_id=payment.payable_id, payment=payment, now=now, actor=actor)


@transaction.atomic
def payments_cancel(*, purpose: Purpose | str, payable_id: int, now: datetime, actor: Actor = SYSTEM) -> int:
    """Cancel what is pending for something that fell away, in the caller's transaction; return how many (0 or 1).

    A decided payment stays as it is, but is locked too: a new proof, which would open a payment after it, has to
    wait, and finds the thing cancelled. Nothing follows for the payable: its owner is the one who calls.
    """
    payment = payment_lock_latest(Purpose(purpose).value, payable_id)
    if payment is None or payment.status != PaymentStatus.PENDING:
        return 0
    payment.status, payment.updated_at = PaymentStatus.CANCELLED.value, now
    payment.save(update_fields=["status", "updated_at"])
    audit.record(
        "commerce.payment.cancelled", actor=actor, obj=payment, company_id=payment.company_id,
        purpose=payment.purpose, payable_id=payable_id,
    )  # fmt: skip
    return 1
