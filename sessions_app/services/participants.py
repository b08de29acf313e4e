"""Inviting people: participants, their assignments, their bans."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction

from accounts.services.candidates import candidate_close, candidate_rename
from catalog.models import Test
from cbt.kernel import audit
from cbt.kernel.actor import Actor
from cbt.kernel.errors import DomainError, ErrorCode, not_found
from cbt.kernel.ids import derive_token, hash_token, new_nonce, new_token
from sessions_app.models import Participant, TestAssignment
from sessions_app.selectors.assignments import ASSIGNMENT_PURPOSE
from sessions_app.services.bans import participant_ban_lift, participant_ban_record
from sessions_app.services.closing import sessions_ban_open
from sessions_app.services.credentials import Issued, Wish, credential_prepare, credential_store
from sessions_app.services.locks import lock_participant
from sessions_app.services.mails import assignment_mail_enqueue
from tenants.services.quota import quota_take

ASSIGNABLE = ("company", "all")


@dataclass(frozen=True, slots=True)
class Window:
    """When an assignment may be taken: start <= now <= end."""

    start_at: datetime
    end_at: datetime


@dataclass(frozen=True, slots=True)
class Invited:
    """A new participant. credentials: what was issued with it, None when nothing was wished for."""

    participant: Participant
    credentials: Issued | None


def participant_invite(
    *,
    company_id: int,
    name: str,
    email: str,
    test_ids: Sequence[int],
    window: Window,
    wish: Wish | None,
    now: datetime,
    actor: Actor,
) -> Invited:
    """Create a participant as `participant_create` does, with number and password where they are wished for.

    All or nothing. Raises what both raise.
    """
    if wish is None:
        person = participant_create(
            company_id=company_id, name=name, email=email, test_ids=test_ids, window=window, now=now, actor=actor
        )
        return Invited(person, None)
    ready = credential_prepare(wish)  # hashing is slow on purpose: before any lock
    with transaction.atomic():
        person = participant_create(
            company_id=company_id, name=name, email=email, test_ids=test_ids, window=window, now=now, actor=actor
        )
        return Invited(person, credential_store(person=person, ready=ready, now=now, actor=actor))


def participant_create(
    *, company_id: int, name: str, email: str, test_ids: Sequence[int], window: Window, now: datetime, actor: Actor
) -> Participant:
    """Create a participant with one assignment and one mail per test; takes one unit of the company's quota.

    All or nothing. Raises BUSINESS_RULE (a test is missing, inactive, not for companies, or named twice),
    EMAIL_TAKEN, SUBSCRIPTION_REQUIRED, QUOTA_EXCEEDED. Source: primary contract 8.5.
    """
    tests = assignable_tests(test_ids)
    with transaction.atomic():
        quota_take(company_id=company_id, count=1, now=now)
        participant = Participant(
            company_id=company_id,
            name=name,
            email=email,
            unique_token=new_token(),
            created_at=now,
            updated_at=now,
        )
        _save_unique(participant)
        for test in tests:
            assignment = _assign(participant, test, window, now)
            assignment_mail_enqueue(assignment=assignment, participant=participant)
        audit.record(
            "sessions_app.participant.created",
            actor=actor,
            obj=participant,
            company_id=company_id,
            test_ids=list(test_ids),
        )
    return participant


def assignable_tests(test_ids: Sequence[int]) -> list[Test]:
    """Return the tests in the order named. Raises BUSINESS_RULE: missing, inactive, not for companies, named twice."""
    rows = {
        test.pk: test
        for test in Test.objects.filter(
            pk__in=test_ids, is_active=True, deleted_at__isnull=True, owner__isnull=True, type__in=ASSIGNABLE
        )
    }
    if len(rows) != len(test_ids):
        raise DomainError(ErrorCode.BUSINESS_RULE, "One or more tests not found or inactive.")
    return [rows[test_id] for test_id in test_ids]


def _save_unique(participant: Participant) -> None:
    try:
        with transaction.atomic():
            participant.save()
    except IntegrityError as error:
        if "participant_email_per_company" not in str(error):
            raise
        raise DomainError(
            ErrorCode.EMAIL_TAKEN,
            "Email already exists for this company.",
            fields={"email": ["Email already exists for this company."]},
        ) from None


def _assign(participant: Participant, test: Test, window: Window, now: datetime) -> TestAssignment:
    nonce = new_nonce()
    return TestAssignment.objects.create(
        participant=participant,
        company_id=participant.company_id,
        test=test,
        nonce=nonce,
        token_hash=hash_token(derive_token(ASSIGNMENT_PURPOSE, nonce)),
        start_at=window.start_at,
        end_at=window.end_at,
        created_at=now,
    )


@transaction.atomic
def participant_update(
    *, participant_id: int, name: str | None, email: str | None, now: datetime, actor: Actor
) -> Participant:
    """Change name or address; later mails go to the new address. Raises NOT_FOUND, EMAIL_TAKEN."""
    participant = _live(participant_id)
    changed = {
        field: value
        for field, value in (("name", name), ("email", email))
        if value is not None and value != getattr(participant, field)
    }
    if not changed:
        return participant
    for field, value in changed.items():
        setattr(participant, field, value)
    participant.updated_at = now
    _save_unique(participant)
    if participant.user_id is not None and "name" in changed:
        candidate_rename(user_id=participant.user_id, name=participant.name, now=now)
    audit.record(
        "sessions_app.participant.updated",
        actor=actor,
        obj=participant,
        company_id=participant.company_id,
        fields=sorted(changed),
    )
    return participant


@transaction.atomic
def participant_delete(*, participant_id: int, now: datetime, actor: Actor) -> None:
    """Hide a participant: links, login and open sessions end; answers, results and photos stay. Raises NOT_FOUND."""
    participant = _live(participant_id)
    sessions_ban_open(participant_id=participant.pk, reason="Participant deleted", now=now, actor=actor)
    participant.deleted_at = participant.updated_at = now
    participant.save(update_fields=["deleted_at", "updated_at"])
    if participant.user_id is not None:
        candidate_close(user_id=participant.user_id, now=now)
    audit.record("sessions_app.participant.deleted", actor=actor, obj=participant, company_id=participant.company_id)


@transaction.atomic
def participant_ban(*, participant_id: int, reason: str, now: datetime, actor: Actor) -> Participant:
    """Ban a participant and end the open sessions at once. A second ban changes nothing. Raises NOT_FOUND."""
    participant = _live(participant_id)
    if participant_ban_record(participant=participant, reason=reason, now=now, actor=actor):
        sessions_ban_open(participant_id=participant.pk, reason=reason or "Banned by staff", now=now, actor=actor)
    return participant


@transaction.atomic
def participant_unban(*, participant_id: int, now: datetime, actor: Actor) -> Participant:
    """Lift a ban; the links work again and a new session may be started. Raises NOT_FOUND."""
    participant = _live(participant_id)
    participant_ban_lift(participant=participant, now=now, actor=actor)
    return participant


@transaction.atomic
def biodata_complete(*, participant_id: int, biodata: dict[str, object], now: datetime) -> Participant:
    """Merge the form over what is stored; may be repeated. Name and address of the invitation stay as they are.

    Source: primary contract 3.4.
    """
    participant = lock_participant(participant_id)
    participant.biodata = {**participant.biodata, **{key: value for key, value in biodata.items() if value is not None}}
    participant.updated_at = now
    participant.save(update_fields=["biodata", "updated_at"])
    return participant


def _live(participant_id: int) -> Participant:
    participant = (
        Participant.objects.select_for_update(of=("self",)).select_related("user").filter(pk=participant_id).first()
    )
    if participant is None or participant.deleted_at is not None:
        raise not_found("Participant not found")
    return participant
