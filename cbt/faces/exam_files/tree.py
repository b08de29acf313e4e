"""The folder of the exams: names that are safe, links that are refused, files that are never torn.

Paths are tuples of names below the root. Every folder on the way is opened by itself and without following links, so
that nothing planted in the tree leads out of it, also not between a check and its use.
"""

import fcntl
import os
import re
import secrets
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import EllipsisType

from django.conf import settings

from cbt.kernel import clock

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
FILE_NAME = re.compile(r"[A-Za-z0-9_-]{1,140}\.json")
FOLDERS = ("input", "attempts", "output", "progress")
LOCKS = ".locks"
STRIPES = 256
MAX_BYTES = 20 * 1024 * 1024
STRAY_SECONDS = 600

Path_ = tuple[str, ...]
Signature = tuple[int, int, int, int]


class Refused(OSError):
    """The tree holds something that is not a plain file or folder where one should be."""


def root() -> Path:
    """Return the folder, made on first use."""
    folder = Path(settings.DATA_DIR) / "exams"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def is_name(text: str) -> bool:
    """Tell whether an id may become the name of a file."""
    return NAME.fullmatch(text) is not None


@contextmanager
def _folder(names: Path_, *, is_made: bool = False) -> Iterator[int]:
    """Open a folder below the root; raise Refused where a link or a file stands in the way."""
    wrong = [name for name in names if not is_name(name) and name != LOCKS]
    if wrong:
        raise Refused(f"{wrong[0]!r} is no name")
    descriptor = os.open(root(), os.O_RDONLY | os.O_DIRECTORY)
    try:
        for name in names:
            if is_made:
                _make(name, descriptor)
            try:
                inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=descriptor)
            except NotADirectoryError:
                raise Refused(f"{name!r} is no folder") from None
            os.close(descriptor)
            descriptor = inner
        yield descriptor
    finally:
        os.close(descriptor)


def _make(name: str, parent: int) -> None:
    try:
        os.mkdir(name, 0o700, dir_fd=parent)
    except FileExistsError:
        return
    os.fsync(parent)


def _check_file_name(name: str) -> None:
    if FILE_NAME.fullmatch(name) is None:
        raise Refused(f"{name!r} is no name of a file")


def signature(path: Path_) -> Signature | None:
    """Return what changes when a file does (time, size, inode), None when there is none. Raises Refused for a link."""
    _check_file_name(path[-1])
    try:
        with _folder(path[:-1]) as folder:
            return _signature(os.stat(path[-1], dir_fd=folder, follow_symlinks=False))
    except FileNotFoundError:
        return None


def _signature(found: os.stat_result) -> Signature:
    if not stat.S_ISREG(found.st_mode):
        raise Refused("not a plain file")
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino


def read(path: Path_) -> bytes:
    """Return the bytes of a file. Raises FileNotFoundError, and Refused for a link, a device or 20 MiB and more."""
    _check_file_name(path[-1])
    with _folder(path[:-1]) as folder:
        try:
            descriptor = os.open(path[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
        except OSError as error:
            if isinstance(error, FileNotFoundError):
                raise
            raise Refused("not a plain file") from error
        with os.fdopen(descriptor, "rb") as file:
            if _signature(os.fstat(file.fileno()))[2] > MAX_BYTES:
                raise Refused(f"the file is larger than {MAX_BYTES // 1024**2} MiB")
            return file.read(MAX_BYTES + 1)


def names_in(*folder: str) -> list[str]:
    """Return the names in a folder, sorted; none where there is no folder."""
    try:
        with _folder(folder) as descriptor:
            return sorted(os.listdir(descriptor))
    except FileNotFoundError:
        return []


def write(path: Path_, data: bytes, *, instead_of: Signature | EllipsisType | None = ...) -> bool:
    """Put a file in place as a whole: a neighbour is written and forced to the disk, then takes the name.

    Whoever reads meanwhile, or after a crash at any point, finds the old file or the new one. When this returns the
    new one outlives a power cut. Raises OSError; then the old file is as it was.
    instead_of: what the file was when it was read (None: absent). Another one is left alone, and False returned: it is
    looked at after the slow part, at the last moment there is.
    """
    _check_file_name(path[-1])
    with _folder(path[:-1], is_made=True) as folder:
        _refuse_link(path[-1], folder)
        temporary = f".{path[-1]}.{secrets.token_hex(8)}.tmp"
        try:
            _write_whole(temporary, data, folder)
            if instead_of is not ... and signature(path) != instead_of:
                _unlink(temporary, folder)
                return False
            os.rename(temporary, path[-1], src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            _unlink(temporary, folder)
            raise
        os.fsync(folder)
        return True


def _refuse_link(name: str, folder: int) -> None:
    try:
        _signature(os.stat(name, dir_fd=folder, follow_symlinks=False))
    except FileNotFoundError:
        return


def _write_whole(name: str, data: bytes, folder: int) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    descriptor = os.open(name, flags, 0o600, dir_fd=folder)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unlink(name: str, folder: int) -> None:
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        return


@contextmanager
def locked(*what: str) -> Iterator[None]:
    """Keep other threads and processes out of one file (or one piece of work); never two at once by one thread.

    A lock is a byte's worth of file that nobody ever removes: removing it would let two hold it.
    """
    with _held("", what):
        yield


@contextmanager
def turn(*what: str) -> Iterator[None]:
    """Keep other threads and processes out of one attempt; taken before any lock of a file, never while one is held."""
    with _held("turn-", what):
        yield


@contextmanager
def _held(kind: str, what: Path_) -> Iterator[None]:
    stripe = zlib.crc32("/".join(what).encode()) % STRIPES
    with _folder((LOCKS,), is_made=True) as folder:
        descriptor = os.open(f"{kind}{stripe:02x}", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600, dir_fd=folder)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def walk(*folder: str) -> Iterator[Path_]:
    """Yield the paths of all plain files below a folder; links and what has no safe name are passed over."""
    for name in names_in(*folder):
        with _folder(folder) as descriptor:
            try:
                mode = os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_mode
            except FileNotFoundError:
                continue
        if stat.S_ISDIR(mode) and is_name(name):
            yield from walk(*folder, name)
        elif stat.S_ISREG(mode):
            yield (*folder, name)


def sweep() -> int:
    """Remove neighbours that a crash left behind more than ten minutes ago; return how many."""
    count = 0
    horizon = clock.now().timestamp() - STRAY_SECONDS
    for start in ((), *((name,) for name in FOLDERS)):
        for path in walk(*start) if start else [(name,) for name in names_in()]:
            if not (path[-1].startswith(".") and path[-1].endswith(".tmp")):
                continue
            with _folder(path[:-1]) as folder:
                if os.stat(path[-1], dir_fd=folder, follow_symlinks=False).st_mtime < horizon:
                    _unlink(path[-1], folder)
                    count += 1
    return count


def remove(path: Path_) -> None:
    """Remove a file that should not be there."""
    _check_file_name(path[-1])
    with _folder(path[:-1]) as folder:
        _unlink(path[-1], folder)
        os.fsync(folder)
