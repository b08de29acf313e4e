"""Uploaded tables (.xlsx, .xls, .csv), read in a process of their own.

A workbook of one kilobyte can ask for half a terabyte, and some readers do not raise but abort. So no uploaded
table is opened in a process that serves: a child with hard limits of memory, processor and wall time reads it and
answers plain texts; whatever happens to it is a refusal of the file.
"""

import contextlib
import json
import logging
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO, Protocol

import orjson

from cbt.kernel.errors import DomainError, ErrorCode
from cbt.kernel.sheets import csv_text

logger = logging.getLogger(__name__)
MAX_BYTES = 5 * 1024 * 1024
MAX_ROWS = 10_000
KINDS = ("xlsx", "xls", "csv")
WALL_SECONDS = 28  # so that a refusal is answered within 30
WAIT_SECONDS = 15
CHILD = Path(__file__).with_name("spreadsheet_child.py")
#: Children at once in one process: what they may take of the machine is bounded too.
_slots = threading.BoundedSemaphore(2)


class Upload(Protocol):
    """What is needed of an uploaded file."""

    name: str | None
    size: int | None

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes."""


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One row that is not blank. number: as the spreadsheet counts, the header is 1. cells: trimmed texts."""

    number: int
    cells: tuple[str, ...]


def read_table(upload: Upload, columns: Sequence[Sequence[str]], *, max_rows: int = MAX_ROWS) -> list[SheetRow]:
    """Return the rows of the first sheet, reduced to the wanted columns.

    columns: for each column the header names (lower case) under which it is known; one that the file does not have
    reads as empty texts. Texts are cut after 300 characters. Takes up to 30 s; call it outside transactions.
    Raises FILE_REJECTED (details {"reason": code}), UNAVAILABLE when too many files are being read.
    """
    kind = (upload.name or "").rpartition(".")[2].lower()
    if kind not in KINDS:
        raise refused("WRONG_TYPE", "The file must be a file of type: xlsx, xls, csv.")
    if not upload.size:
        raise refused("EMPTY", "The file is empty.")
    if upload.size > MAX_BYTES:
        raise refused("TOO_LARGE", f"The file must not be greater than {MAX_BYTES // 1024} kilobytes.")
    order = {"kind": kind, "columns": [list(names) for names in columns], "max_rows": max_rows}
    with tempfile.TemporaryFile() as file, tempfile.TemporaryFile() as answer, _slot():
        for chunk in upload.chunks():
            file.write(chunk)
        file.seek(0)
        _run_child(order, file, answer)
        told = _told(answer)
    if "rows" not in told:
        raise refused(str(told["code"]), str(told["reason"]))
    undo = csv_text if kind == "csv" else str
    return [SheetRow(number, tuple(undo(text) for text in texts)) for number, *texts in told["rows"]]


def refused(code: str, reason: str) -> DomainError:
    """Return the refusal of a file, with a reason for people and its code for programs."""
    return DomainError(ErrorCode.FILE_REJECTED, reason, fields={"file": [reason]}, details={"reason": code})


@contextlib.contextmanager
def _slot() -> Iterator[None]:
    if not _slots.acquire(timeout=WAIT_SECONDS):
        raise DomainError(
            ErrorCode.UNAVAILABLE, "Other files are being read. Please try again in a moment.", retry_after=10
        )
    try:
        yield
    finally:
        _slots.release()


def _run_child(order: dict[str, object], file: BinaryIO | IO[bytes], answer: BinaryIO | IO[bytes]) -> None:
    command = [sys.executable, "-I", str(CHILD), json.dumps(order)]
    child = subprocess.Popen(  # noqa: S603 - our own script, no shell; the file's name is not among the words
        command, stdin=file, stdout=answer, stderr=subprocess.DEVNULL, env={"LANG": "C.UTF-8"}, cwd="/"
    )
    try:
        status = child.wait(timeout=WALL_SECONDS)
    except subprocess.TimeoutExpired:
        status = None
    finally:
        child.kill()
        child.wait()
    if status is None or status in {-24, -9}:  # SIGXCPU, SIGKILL by the hard limit
        raise refused("TOO_SLOW", "The file takes too long to read. Please save it anew with the list only.")
    if status != 0:
        logger.warning("the reader of an uploaded table ended with status %s", status)


def _told(answer: BinaryIO | IO[bytes]) -> dict[str, Any]:
    """Return the child's answer; one that died in the middle has told nothing."""
    answer.seek(0)
    try:
        told = orjson.loads(answer.read())
    except orjson.JSONDecodeError:
        raise refused("UNREADABLE", "The file is damaged or is not what its name says.") from None
    return dict(told)
