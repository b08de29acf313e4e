"""What is right and wrong with the rows of an uploaded list. Source: details 6, import file."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

#: Header names of the wanted columns, in lower case.
NAME_HEADERS = ("name", "nama", "full name", "fullname", "nama lengkap", "nama peserta")
EMAIL_HEADERS = ("email", "e-mail", "email address", "alamat email", "alamat e-mail", "surel")
NUMBER_HEADERS = ("participant number", "participant_number", "nomor peserta", "no. peserta", "no peserta")
PASSWORD_HEADERS = ("password", "kata sandi", "katasandi", "sandi")
#: What is read of a list, in the order of `check_rows`.
COLUMNS = (NAME_HEADERS, EMAIL_HEADERS, NUMBER_HEADERS, PASSWORD_HEADERS)
MAX_LENGTH = 255
PASSWORD_MIN, PASSWORD_MAX = 8, 128

NAME_MISSING = "Name is required"
NAME_LONG = f"Name must not be greater than {MAX_LENGTH} characters"
EMAIL_MISSING = "Email is required"
EMAIL_INVALID = "Invalid email format"
EMAIL_EXISTS = "Email already exists"
NUMBER_INVALID = "Invalid participant number format"
NUMBER_EXISTS = "Participant number already exists"
PASSWORD_MISSING = "Password is required with a participant number"  # noqa: S105 - a text
PASSWORD_LENGTH = "Password must have 8 to 128 characters"  # noqa: S105
QUOTA_USED_UP = "User quota exceeded"
NOT_SUBSCRIBED = "No active subscription found"


@dataclass(frozen=True, slots=True)
class ImportRow:
    """One person of the list. row: as the spreadsheet counts.  errors: empty when the person can be invited.

    number, password: to sign in with; "" where the list gives none. Who has a password alone gets a number.
    hashed: what is stored in place of the password, which nobody stores.
    """

    row: int
    name: str
    email: str
    errors: tuple[str, ...] = ()
    number: str = ""
    password: str = field(default="", repr=False)
    hashed: str = field(default="", repr=False)

    @property
    def key(self) -> str:
        """Return the address in the form in which addresses are compared."""
        return self.email.lower()


def check_rows(
    rows: Iterable[tuple[Any, ...]],
    *,
    is_email: Callable[[str], bool],
    is_number: Callable[[str], bool] = bool,
) -> list[ImportRow]:
    """Judge every row by itself and against those before it; of equal addresses the first valid row counts.

    rows: sheet row, name, e-mail and, where the list has them, participant number and password.
    """
    first: dict[str, int] = {}
    numbers: dict[str, int] = {}
    checked = []
    for place, name, email, *more in rows:
        number, password = (*more, "", "")[:2]
        errors = (
            *_name_errors(name), *_email_errors(email, is_email), *_credential_errors(number, password, is_number)
        )  # fmt: skip
        row = ImportRow(place, name, email, errors, number, password)
        for key, seen, text in ((row.key, first, EMAIL_EXISTS), (number.lower(), numbers, NUMBER_EXISTS)):
            if key and not row.errors and seen.setdefault(key, place) != place:
                row = replace(row, errors=(f"{text} in row {seen[key]}",))
        checked.append(row)
    return checked


def stored_form(row: ImportRow) -> list[Any]:
    """Return a row as it waits for its turn. Raises ValueError for one whose password has not been hashed."""
    if row.password:
        raise ValueError(f"row {row.row} still holds its password")
    return [row.row, row.name, row.email, list(row.errors), row.number, "", row.hashed]


def from_stored(stored: Sequence[Any]) -> ImportRow:
    """Return a waiting row, also one as servers before this form stored it: without hash, the password in plain."""
    place, name, email, errors, *more = stored
    return ImportRow(place, name, email, tuple(errors), *more)


def without_hash(stored: Sequence[Any]) -> list[Any]:
    """Return a waiting row whose hash was thrown away: who was to sign in with it cannot be invited any more."""
    row = from_stored(stored)
    if row.hashed and not row.errors:
        row = replace(row, errors=(PASSWORD_MISSING,))
    return stored_form(replace(row, password="", hashed=""))


def _credential_errors(number: str, password: str, is_number: Callable[[str], bool]) -> tuple[str, ...]:
    errors = [NUMBER_INVALID] if number and not is_number(number) else []
    if number and not password:
        errors.append(PASSWORD_MISSING)
    if password and not PASSWORD_MIN <= len(password) <= PASSWORD_MAX:
        errors.append(PASSWORD_LENGTH)
    return tuple(errors)


def _name_errors(name: str) -> tuple[str, ...]:
    if not name:
        return (NAME_MISSING,)
    return (NAME_LONG,) if len(name) > MAX_LENGTH else ()


def _email_errors(email: str, is_email: Callable[[str], bool]) -> tuple[str, ...]:
    if not email:
        return (EMAIL_MISSING,)
    return () if len(email) <= MAX_LENGTH and is_email(email) else (EMAIL_INVALID,)


def with_company(
    rows: Sequence[ImportRow], *, taken: set[str], places: int | None, taken_numbers: set[str] | None = None
) -> list[ImportRow]:
    """Add what the company's people and quota say: ``taken`` addresses and numbers in lower case, ``places`` left.

    places: None when nothing is subscribed to. Places are given in the order of the file.
    """
    judged = []
    left = places or 0
    for row in rows:
        if row.errors:
            judged.append(row)
        elif row.key in taken:
            judged.append(replace(row, errors=(EMAIL_EXISTS,)))
        elif row.number and row.number.lower() in (taken_numbers or ()):
            judged.append(replace(row, errors=(NUMBER_EXISTS,)))
        elif left > 0:
            left -= 1
            judged.append(row)
        else:
            judged.append(replace(row, errors=(NOT_SUBSCRIBED if places is None else QUOTA_USED_UP,)))
    return judged


def ids_of(texts: Sequence[str]) -> list[int] | None:
    """Return the ids in a form's values: a JSON list, ``1,2``, or one id each; None when one is no id."""
    ids: list[int] = []
    for text in texts:
        inner = text.strip().removeprefix("[").removesuffix("]").strip()
        for word in inner.split(",") if inner else ():
            number = word.strip().strip('"')
            if not (number.isascii() and number.isdigit() and len(number) <= 18):
                return None
            ids.append(int(number))
    return ids
