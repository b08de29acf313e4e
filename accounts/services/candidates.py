"""Accounts of candidates: who signs in with a participant number. Their company and their bans are told from above."""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models.functions import Lower

from accounts.models import Login, User
from accounts.services.login import logins_revoke
from accounts.states import Role
from cbt.kernel.errors import DomainError, invalid

NUMBER_TAKEN = "The participant number has already been taken."
NUMBER_MAX = 40
#: Letters and digits that nobody takes for one another on a printed slip.
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_NUMBER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class CandidateData:
    """What a candidate's account holds. number: as `number_clean` returns it.  hashed: the password's hash."""

    name: str
    company_id: int
    number: str
    hashed: str
    is_banned: bool = False


def number_clean(number: str) -> str:
    """Return a number trimmed: 1 to 40 letters and digits, with . _ / - between them. Raises VALIDATION_ERROR."""
    trimmed = number.strip()
    if len(trimmed) > NUMBER_MAX:
        raise invalid(participant_number=f"The participant number must not be greater than {NUMBER_MAX} characters.")
    if not _NUMBER.fullmatch(trimmed):
        raise invalid(participant_number="The participant number may hold letters, digits and . _ / - between them.")
    return trimmed


def password_make() -> str:
    """Return a password to print on a slip: three groups of four, 59 random bits."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(12))
    return f"{letters[:4]}-{letters[4:8]}-{letters[8:]}"


def numbers_make(company_id: int, count: int) -> list[str]:
    """Return ``count`` numbers nobody has, each the company's own number and six random digits."""
    made: list[str] = []
    while len(made) < count:
        wanted = {f"{company_id}-{secrets.randbelow(10**6):06d}" for _ in range(count - len(made))} - set(made)
        made += sorted(wanted - numbers_taken(wanted))
    return made


def numbers_taken(numbers: Sequence[str] | set[str]) -> set[str]:
    """Return which of these numbers somebody has, in lower case."""
    folded = [number.lower() for number in numbers]
    taken: set[str] = set()
    rows = User.objects.alias(folded=Lower("participant_number"))
    for start in range(0, len(folded), 500):
        found = rows.filter(folded__in=folded[start : start + 500]).values_list("participant_number", flat=True)
        taken |= {number.lower() for number in found if number}
    return taken


def candidate_store(*, data: CandidateData, now: datetime) -> User:
    """Store a candidate's account in the caller's transaction. Raises VALIDATION_ERROR for a number that is taken."""
    user = _user(data, now)
    _save(user)
    return user


def candidates_store(*, people: Sequence[CandidateData], now: datetime) -> list[User]:
    """Store many accounts in the caller's transaction, in the order given; the numbers are free, or it fails whole."""
    return User.objects.bulk_create([_user(data, now) for data in people])


def _user(data: CandidateData, now: datetime) -> User:
    return User(
        name=data.name, participant_number=data.number, password=data.hashed, role=Role.PARTICIPANT,
        company_id=data.company_id, is_banned=data.is_banned, created_at=now, updated_at=now,
    )  # fmt: skip


def candidate_change(*, user_id: int, now: datetime, number: str | None = None, hashed: str | None = None) -> User:
    """Give a candidate another number or password; every login ends with the old ones.

    In the caller's transaction, under the participant's lock; a sign-in that slips in before is ended, one that comes
    after sees the new password. Raises VALIDATION_ERROR for a number that is taken.
    """
    user = User.objects.get(pk=user_id)
    user.participant_number = number if number is not None else user.participant_number
    user.password = hashed if hashed is not None else user.password
    user.updated_at = now
    _save(user)
    logins_revoke(user_ids=[user.pk], reason="credentials issued anew")
    return user


def _save(user: User) -> None:
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError as error:
        if not is_number_taken(error):
            raise
        raise number_taken() from None


def is_number_taken(error: IntegrityError) -> bool:
    """Tell whether the constraint that refused a row is the one on participant numbers."""
    return "user_number_unique" in str(error)


def number_taken() -> DomainError:
    """Return the refusal of a participant number that somebody has."""
    return invalid(participant_number=NUMBER_TAKEN)


def candidate_rename(*, user_id: int, name: str, now: datetime) -> None:
    """Give the account the participant's new name."""
    User.objects.filter(pk=user_id, role=Role.PARTICIPANT).update(name=name, updated_at=now)


def candidate_ban(*, user_id: int, is_banned: bool, now: datetime) -> None:
    """Shut a banned candidate out (every login ends at once), or let them in again; in the caller's transaction."""
    User.objects.filter(pk=user_id, role=Role.PARTICIPANT).update(is_banned=is_banned, updated_at=now)
    if is_banned:
        logins_revoke(user_ids=[user_id], reason="banned")


def candidate_close(*, user_id: int, now: datetime) -> None:
    """Shut a removed candidate's account for good and give the number free; in the caller's transaction.

    What stands in its place is no number that could be issued (see `number_clean`), so it meets no other.
    """
    User.objects.filter(pk=user_id, role=Role.PARTICIPANT).update(
        is_active=False, participant_number=f"~{user_id}", updated_at=now
    )
    logins_revoke(user_ids=[user_id], reason="participant deleted")


def candidates_lock(*, company_id: int, locked: bool, now: datetime) -> int:
    """Shut out all candidates of a company (every login ends at once), or let them in again; return how many."""
    rows = User.objects.filter(company_id=company_id, role=Role.PARTICIPANT, is_locked=not locked)
    changed = rows.update(is_locked=locked, updated_at=now)
    if locked:
        logins = Login.objects.filter(user__company_id=company_id, user__role=Role.PARTICIPANT, revoked_at__isnull=True)
        logins.update(revoked_at=now, revoke_reason="company inactive")
    return changed
