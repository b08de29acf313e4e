"""Private files: random names, pictures decoded and written anew, addresses that are signed and expire."""

import hashlib
import io
import logging
import secrets
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.core import signing
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils.crypto import constant_time_compare
from PIL import Image, ImageOps

from cbt.kernel import clock
from cbt.kernel.errors import DomainError, ErrorCode

logger = logging.getLogger("cbt.storage")
MAX_PIXELS = 20_000_000
STRAY_AGE = timedelta(days=1)
STRAY_BATCH = 500
#: Above this pictures are decoded one at a time, by one thread: eight at once, 57 KB each as files, took 1.5 GB, and
#: C's allocator keeps what a thread has freed for that thread.
LARGE_PIXELS = 4_000_000
URL_LIFETIME_SECONDS = 600
# MPO is what some phone cameras write into a .jpg: a JPEG with further frames behind it, read as JPEG.
_FORMATS = {"JPEG": ("image/jpeg", "jpg"), "MPO": ("image/jpeg", "jpg"), "PNG": ("image/png", "png")}
_READ = ["JPEG", "PNG"]
_large = ThreadPoolExecutor(1, "large-pictures")
_signer = signing.Signer(salt="cbt.storage")


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture made anew from an upload: no metadata, no trailing bytes survive."""

    data: bytes
    mime: str
    extension: str
    width: int
    height: int
    sha256: str


def reencode_picture(data: bytes, *, max_bytes: int, field: str = "photo", max_side: int = 1600) -> Picture:
    """Decode an uploaded JPEG or PNG within limits and encode it again.

    max_side: larger pictures are scaled down to this many pixels.
    Raises DomainError VALIDATION_ERROR naming ``field`` when it is not such a picture or too large.
    """
    if len(data) > max_bytes:
        raise _refused(field, f"The {field} must not be greater than {max_bytes // 1024} kilobytes.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=_READ) as image:
                # The header tells the size: refuse before a single pixel is decoded.
                if image.width * image.height > MAX_PIXELS:
                    raise _refused(field, f"The {field} has too many pixels.")
                if image.width * image.height > LARGE_PIXELS:
                    return _large.submit(_encode, image, max_side).result()
                return _encode(image, max_side)
    except DomainError:
        raise
    except Exception as error:  # Pillow raises many kinds on hostile files
        raise _refused(field, f"The {field} must be an image of type jpg, jpeg or png.") from error


def _encode(image: Image.Image, max_side: int) -> Picture:
    original_format = image.format or "PNG"
    image.thumbnail((max_side, max_side))  # first: a copy of the whole picture would cost as much again
    upright = ImageOps.exif_transpose(image)
    mime, extension = _FORMATS[original_format]
    buffer = io.BytesIO()
    is_see_through = "A" in upright.getbands() or "transparency" in upright.info
    clean = upright.convert("RGBA" if extension == "png" and is_see_through else "RGB")
    clean.info.clear()  # comments, profiles and texts would be written along
    if extension == "jpg":
        clean.save(buffer, "JPEG", quality=85)
    else:
        clean.save(buffer, "PNG", optimize=False)
    content = buffer.getvalue()
    return Picture(content, mime, extension, upright.width, upright.height, hashlib.sha256(content).hexdigest())


def _refused(field: str, text: str) -> DomainError:
    return DomainError(ErrorCode.VALIDATION_ERROR, "The given data was invalid.", fields={field: [text]})


def save(folder: str, data: bytes, extension: str) -> str:
    """Store bytes under a random name in ``folder`` and return the stored name."""
    return default_storage.save(f"{folder}/{secrets.token_hex(16)}.{extension}", ContentFile(data))


def delete(name: str) -> None:
    """Remove a stored file; one that is gone already is no error."""
    default_storage.delete(name)


def strays(folder: str, *, known: Callable[[list[str]], set[str]], now: datetime) -> Iterator[str]:
    """Yield the files of a folder that no row refers to and that are older than a day.

    They are left by a process that died between the file and its row; a younger one may still get it.
    known: returns those of the given names that rows refer to.
    """
    try:
        _, names = default_storage.listdir(folder)
    except FileNotFoundError:
        return
    for start in range(0, len(names), STRAY_BATCH):
        group = [f"{folder}/{name}" for name in names[start : start + STRAY_BATCH]]
        kept = known(group)
        yield from (name for name in group if name not in kept and _is_old(name, now))


def _is_old(name: str, now: datetime) -> bool:
    try:
        return default_storage.get_modified_time(name) < now - STRAY_AGE
    except FileNotFoundError:
        return False


def strays_sweep(
    folder: str, *, known: Callable[[list[str]], set[str]], now: datetime, is_dry_run: bool = False
) -> int:
    """Remove the strays of a folder; return how many. One that cannot be removed is logged and stops no other."""
    count = 0
    for name in strays(folder, known=known, now=now):
        try:
            if not is_dry_run:
                delete(name)
        except OSError as error:
            logger.warning("a stray file in %s could not be removed: %s", folder, type(error).__name__)
            continue
        count += 1
    return count


def read(name: str) -> bytes:
    """Return the bytes of a stored file."""
    with default_storage.open(name) as file:
        return bytes(file.read())


@dataclass(frozen=True, slots=True)
class Signed:
    """What a good signature tells. until: when it ends.  holder: for whom it was made, "" when for nobody's paper."""

    until: datetime
    holder: str


def signed_path(name: str) -> str:
    """Return the path below the server's root at which this file can be fetched for ten minutes."""
    return _signed_path(name, int(clock.now().timestamp()) + URL_LIFETIME_SECONDS, "")


def signed_path_of_paper(name: str, *, holder: str, until: datetime) -> str:
    """Return the path at which a picture of somebody's paper can be fetched, and kept by the browser, up to ``until``.

    holder: letters and digits naming the sitting; its fetches are counted together and apart from everybody
    else's.  The same arguments make the same path, so that a reload of the paper finds the pictures it has.
    """
    return _signed_path(name, int(until.timestamp()), holder)


def _signed_path(name: str, until: int, holder: str) -> str:
    return f"/storage/{name}?signature={until}:{holder}:{_signer.signature(f'{name}:{until}:{holder}')}"


def signature_read(name: str, signature: str) -> Signed | None:
    """Return what ``signature`` tells if it opens this file now, else None."""
    until, _, rest = signature.partition(":")
    holder, _, proof = rest.partition(":")
    if not constant_time_compare(proof, _signer.signature(f"{name}:{until}:{holder}")):
        return None
    ends = datetime.fromtimestamp(int(until), UTC)
    return Signed(ends, holder) if clock.now() <= ends else None
