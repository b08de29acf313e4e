"""What is right and wrong with the rows of an uploaded list. Source: details 6, import file."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

#: Header names of the wanted columns, in lower case.
NAME_HEADERS = ("name", "nama", "full name", "fullname", "nama lengkap", "nama peserta")
EMAIL_HEADERS = ("email", "e-mail", "email address", "alamat email", "alamat e-mail", "surel")
MAX_LENGTH = 255

NAME_MISSING = "Name is required"
NAME_LONG = f"Name must not be greater than {MAX_LENGTH} characters"
EMAIL_MISSING = "Email is required"
EMAIL_INVALID = "Invalid email format"
EMAIL_EXISTS = "Email already exists"
QUOTA_USED_UP = "User quota exceeded"
NOT_SUBSCRIBED = "No active subscription found"


@dataclass(frozen=True, slots=True)
class ImportRow:
    """One person of the list. row: as the spreadsheet counts.  errors: empty when the person can be invited."""

    row: int
    name: str
    email: str
    errors: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Return the address in the form in which addresses are compared."""
        return self.email.lower()


def check_rows(rows: Iterable[tuple[int, str, str]], *, is_email: Callable[[str], bool]) -> list[ImportRow]:
    """Judge every row by itself and against those before it; of equal addresses the first valid row counts."""
    first: dict[str, int] = {}
    checked = []
    for number, name, email in rows:
        row = ImportRow(number, name, email, (*_name_errors(name), *_email_errors(email, is_email)))
        if not row.errors:
            earlier = first.setdefault(row.key, number)
            if earlier != number:
                row = replace(row, errors=(f"{EMAIL_EXISTS} in row {earlier}",))
        checked.append(row)
    return checked


def _name_errors(name: str) -> tuple[str, ...]:
    if not name:
        return (NAME_MISSING,)
    return (NAME_LONG,) if len(name) > MAX_LENGTH else ()


def _email_errors(email: str, is_email: Callable[[str], bool]) -> tuple[str, ...]:
    if not email:
        return (EMAIL_MISSING,)
    return () if len(email) <= MAX_LENGTH and is_email(email) else (EMAIL_INVALID,)


def with_company(rows: Sequence[ImportRow], *, taken: set[str], places: int | None) -> list[ImportRow]:
    """Add what the company's people and quota say: ``taken`` addresses in lower case, ``places`` left.

    places: None when nothing is subscribed to. Places are given in the order of the file.
    """
    judged = []
    left = places or 0
    for row in rows:
        if row.errors:
            judged.append(row)
        elif row.key in taken:
            judged.append(replace(row, errors=(EMAIL_EXISTS,)))
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
