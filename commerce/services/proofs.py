"""Proofs of payment: what is taken in, and what is let go. The files are private (`cbt.kernel.storage`)."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import DatabaseError

from cbt.kernel import storage
from cbt.kernel.errors import DomainError, invalid
from commerce.models import Payment

FOLDER = "payments/proofs"
FIELD = "proof_file"
PROOF_MAX_BYTES = 5120 * 1024
EXTENSIONS = frozenset({"jpg", "jpeg", "png", "pdf"})
WRONG_TYPE = "The proof file must be a file of type: jpg, jpeg, png, pdf."
TOO_LARGE = "The proof file must not be greater than 5120 kilobytes."


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof fit to be stored."""

    data: bytes
    extension: str


def proof_read(data: bytes, filename: str) -> Proof:
    """Check an uploaded proof and return what is to be stored.

    A JPEG or PNG is decoded and written anew (nothing hidden survives); a PDF is kept as it is, since staff gets it
    only as a download. The content decides; a name with another ending than the documented ones is refused.
    Raises VALIDATION_ERROR for ``proof_file``. Source: primary contract 2.6; details 6, W-44.
    """
    stem, dot, extension = filename.rpartition(".")
    if dot and stem and extension.lower() not in EXTENSIONS:
        raise invalid(proof_file=WRONG_TYPE)
    if len(data) > PROOF_MAX_BYTES:
        raise invalid(proof_file=TOO_LARGE)
    if data.startswith(b"%PDF-"):
        if b"%%EOF" not in data[-2048:]:
            raise invalid(proof_file=WRONG_TYPE)
        return Proof(data, "pdf")
    try:
        # Small print on a receipt must stay readable: larger than what photos are kept at.
        picture = storage.reencode_picture(data, max_bytes=PROOF_MAX_BYTES, field=FIELD, max_side=2400)
    except DomainError as error:
        too_many = "pixels" in "".join(error.fields.get(FIELD, []))
        raise invalid(proof_file="The proof file has too many pixels." if too_many else WRONG_TYPE) from error
    return Proof(picture.data, picture.extension)


@contextlib.contextmanager
def proof_stored(proof: Proof) -> Iterator[str]:
    """Store the file and give its name; remove it again when the block fails."""
    name = storage.save(FOLDER, proof.data, proof.extension)
    try:
        yield name
    except BaseException:
        # A commit whose answer was lost may have happened; only a file nobody refers to may go.
        with contextlib.suppress(DatabaseError, OSError):
            proof_remove(name=name)
        raise


def proof_remove(*, name: str) -> bool:
    """Remove a proof that no payment refers to (any more); tell whether it may be gone. Safe to run twice."""
    if not name.startswith(f"{FOLDER}/") or Payment.objects.filter(proof_file=name).exists():
        return False
    storage.delete(name)
    return True


def proofs_sweep(*, now: datetime, is_dry_run: bool = False) -> int:
    """Remove proofs older than a day that no payment refers to, left by a process that died; return how many."""
    return storage.strays_sweep(FOLDER, known=_referred_to, now=now, is_dry_run=is_dry_run)


def _referred_to(names: list[str]) -> set[str]:
    return set(Payment.objects.filter(proof_file__in=names).values_list("proof_file", flat=True))
