"""Numbers and passwords by which candidates sign in. A password is shown once, to whoever issues it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts.models import User
from accounts.services.candidates import (
    CandidateData,
    candidate_change,
    candidate_store,
    candidates_store,
    number_clean,
    numbers_make,
    password_make,
)
from accounts.services.many_passwords import passwords_hash, wrap_later
from accounts.services.passwords import password_check
from cbt.kernel import audit
from cbt.kernel.actor import Actor
from cbt.kernel.errors import invalid, not_found
from sessions_app.engine.import_rows import ImportRow
from sessions_app.models import Participant
from sessions_app.services.locks import lock_participant

MOST_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Wish:
    """What a candidate is to sign in with; None is made up (the password) or kept, else made up (the number)."""

    number: str | None = None
    password: str | None = None


@dataclass(frozen=True, slots=True)
class Issued:
    """What was issued; the only place where the password can be read."""

    participant_id: int
    name: str
    number: str
    password: str


@dataclass(frozen=True, slots=True)
class Ready:
    """A wish that was checked and whose password is hashed. number: None where it is kept or made up."""

    number: str | None
    password: str
    hashed: str


def credential_prepare(wish: Wish) -> Ready:
    """Check one wish and hash its password, outside of any transaction. Raises VALIDATION_ERROR."""
    return _prepare({0: wish})[0]


def credential_store(*, person: Participant, ready: Ready, now: datetime, actor: Actor) -> Issued:
    """Give a participant what was prepared, in the caller's transaction. Raises VALIDATION_ERROR (number taken)."""
    made = ready.number or numbers_make(person.company_id, 1)[0]
    return _issued(person, _store(person, ready, made, now, actor), ready)


def credentials_issue(*, company_id: int, wishes: Mapping[int, Wish], now: datetime, actor: Actor) -> list[Issued]:
    """Give participants of one company a number and a password, in the order of ``wishes``; all or nothing.

    wishes: {participant id: wish}, 1 to 500. Who had credentials keeps the number unless another is wished for,
    gets the new password, and every login made with the old one ends.
    Raises NOT_FOUND for a participant of another company or a deleted one; VALIDATION_ERROR for a number that is
    malformed, taken or wished for twice, and for a password that is too short or too long.
    Source: exam-room contract "Login Endpoint", "Input Validation".
    """
    own = Participant.objects.filter(pk__in=list(wishes), company_id=company_id, deleted_at__isnull=True)
    if own.count() != len(wishes):
        raise not_found("Participant not found")
    prepared = _prepare(wishes)
    made = iter(numbers_make(company_id, len(wishes)))
    issued: dict[int, Issued] = {}
    users = []
    with transaction.atomic():
        for participant_id in sorted(wishes):
            person = lock_participant(participant_id)
            if person.deleted_at is not None:
                raise not_found("Participant not found")
            user = _store(person, prepared[participant_id], next(made), now, actor)
            issued[participant_id] = _issued(person, user, prepared[participant_id])
            users.append(user)
        wrap_later(users)
    return [issued[participant_id] for participant_id in wishes]


def _prepare(wishes: Mapping[int, Wish]) -> dict[int, Ready]:
    if not 0 < len(wishes) <= MOST_AT_ONCE:
        raise invalid(participants=f"Credentials are issued to 1 to {MOST_AT_ONCE} participants at once.")
    numbers = [number_clean(wish.number) if wish.number is not None else None for wish in wishes.values()]
    given = [number.lower() for number in numbers if number is not None]
    if len(set(given)) != len(given):
        raise invalid(participant_number="A participant number is given twice.")
    passwords = []
    for wish in wishes.values():
        if wish.password is not None:
            password_check(wish.password)
        passwords.append(wish.password if wish.password is not None else password_make())
    ready = map(Ready, numbers, passwords, passwords_hash(passwords))
    return dict(zip(wishes, ready, strict=True))


def _store(person: Participant, ready: Ready, made: str, now: datetime, actor: Actor) -> User:
    if person.user_id is not None:
        user = candidate_change(user_id=person.user_id, number=ready.number, hashed=ready.hashed, now=now)
    else:
        data = CandidateData(
            name=person.name, company_id=person.company_id, number=ready.number or made, hashed=ready.hashed,
            is_banned=person.banned_at is not None,
        )  # fmt: skip
        user = person.user = candidate_store(data=data, now=now)
        person.updated_at = now
        person.save(update_fields=["user", "updated_at"])
    audit.record(
        "sessions_app.participant.credentials_issued", actor=actor, obj=person, company_id=person.company_id,
        user_id=user.pk,
    )  # fmt: skip
    return user


def _issued(person: Participant, user: User, ready: Ready) -> Issued:
    return Issued(person.pk, person.name, user.participant_number or "", ready.password)


def accounts_make(company_id: int, people: Sequence[Participant], rows: Sequence[ImportRow], now: datetime) -> None:
    """Store accounts for those new participants whose row has a password, in the caller's transaction.

    rows: of the list, found by their address.  The numbers given are free.
    """
    by_email = {row.email: row for row in rows if row.hashed}
    wanted = [(person, by_email[person.email]) for person in people if person.email in by_email]
    made = iter(numbers_make(company_id, sum(not row.number for _, row in wanted)))
    data = [CandidateData(person.name, company_id, row.number or next(made), row.hashed) for person, row in wanted]
    users = candidates_store(people=data, now=now)
    for (person, _), user in zip(wanted, users, strict=True):
        person.user = user
    wrap_later(users)
    Participant.objects.bulk_update([person for person, _ in wanted], ["user"], batch_size=200)
