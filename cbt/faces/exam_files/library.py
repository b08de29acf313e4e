"""The exams of `input/` and the flags of `manifest.json`, picked up as they are on the disk.

An exam file is a `cbt-test/1` document, the server's own format with a published JSON Schema (`/api/tests/schema`). A
file that cannot be read or breaks the format is not offered and is named in the log; the others never notice.
"""

import hashlib
import json
import logging
import threading
from dataclasses import dataclass
from typing import Any

from catalog.engine.document import DocumentInvalid, PaperVersion, parse
from cbt.faces.exam_files import tree
from cbt.http.clean import load_json
from cbt.kernel.errors import DomainError, ErrorCode

logger = logging.getLogger("cbt.exam_files")
MANIFEST = ("manifest.json",)


@dataclass(frozen=True, slots=True)
class ExamFile:
    """One exam as its file has it now. digest: SHA-256 of the bytes."""

    exam_id: str
    document: dict[str, Any]
    paper: PaperVersion
    digest: str


@dataclass(frozen=True, slots=True)
class Broken:
    """A file that is no exam, and why, in words for whoever wrote it."""

    exam_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What `manifest.json` says.

    published: ids of exams that may be taken.  content: the whole, None when it cannot be read.  faults: why not, or
    which flags say nothing, in words for whoever wrote it.
    """

    published: frozenset[str]
    content: dict[str, Any] | None
    faults: tuple[str, ...] = ()


class _Shelf:
    """What was read last, by signature: a file is read again only when it has changed. One per process and root."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.exams: dict[tuple[str, str], tuple[tree.Signature, ExamFile | Broken]] = {}
        self.manifests: dict[str, tuple[tree.Signature, Manifest]] = {}
        self.told: dict[str, str] = {}


_shelf = _Shelf()


def exam_find(exam_id: str) -> ExamFile | Broken | None:
    """Return the exam of this id as it is on the disk now, None when there is no such file."""
    if not tree.is_name(exam_id):
        return None
    path = ("input", f"{exam_id}.json")
    key = (str(tree.root()), exam_id)
    try:
        found = tree.signature(path)
        if found is None:
            return None
        with _shelf.lock:
            known = _shelf.exams.get(key)
        if known is not None and known[0] == found:
            return known[1]
        read = _read(exam_id, tree.read(path))
    except FileNotFoundError:
        return None
    except OSError as error:
        found, read = (0, 0, 0, 0), Broken(exam_id, str(error) or type(error).__name__)
        known = _shelf.exams.get(key)
        if known is not None and known[1] == read:
            return read
    if isinstance(read, Broken):
        # Not the reason: it may quote the exam.
        logger.error("exam file input/%s.json is broken and not offered; manage.py check_exam_files says why", exam_id)
    with _shelf.lock:
        _shelf.exams[key] = (found, read)
    return read


def _read(exam_id: str, data: bytes) -> ExamFile | Broken:
    try:
        document = load_json(data)
        paper = parse(document)
    except DomainError as error:
        return Broken(exam_id, error.message.replace("The request body", "The file"))
    except DocumentInvalid as error:
        return Broken(exam_id, "; ".join(f"{fault.path}: {fault.message}" for fault in error.faults[:20]))
    if not paper.questions:
        return Broken(exam_id, "questions: an exam file needs at least one")
    return ExamFile(exam_id, document, paper, hashlib.sha256(data).hexdigest())


def exams() -> tuple[list[ExamFile], list[Broken]]:
    """Return every exam of `input/` and every file there that is none, by name."""
    good: list[ExamFile] = []
    bad: list[Broken] = []
    try:
        names = tree.names_in("input")
    except OSError as error:
        logger.error("the folder input/ cannot be read: %s", error)
        return [], []
    for name in names:
        if name.startswith("."):
            continue
        exam_id = name.removesuffix(".json")
        if not name.endswith(".json") or not tree.is_name(exam_id):
            bad.append(Broken(name, "the name is not {examId}.json with letters, digits, - and _"))
            continue
        found = exam_find(exam_id)
        if isinstance(found, ExamFile):
            good.append(found)
        elif found is not None:
            bad.append(found)
    return good, bad


def manifest() -> Manifest:
    """Return what `manifest.json` says now. While it cannot be read, what it said last holds."""
    key = str(tree.root())
    known = _shelf.manifests.get(key)
    try:
        found = tree.signature(MANIFEST)
        if found is None:
            return Manifest(frozenset(), {})
        if known is not None and known[0] == found:
            return known[1]
        read = _manifest(tree.read(MANIFEST))
    except (OSError, DomainError, ValueError) as error:
        return _unreadable(key, error, known[1].published if known else frozenset())
    with _shelf.lock:
        _shelf.manifests[key] = (found, read)
        _shelf.told.pop(key, None)
    return read


def _unreadable(key: str, error: Exception, published: frozenset[str]) -> Manifest:
    reason = (error.message if isinstance(error, DomainError) else str(error)) or type(error).__name__
    reason = reason.replace("The request body", "The file")
    if _shelf.told.get(key) != reason:
        logger.error("manifest.json cannot be read: %s", reason)
        _shelf.told[key] = reason
    return Manifest(published, None, (reason,))


def _manifest(data: bytes) -> Manifest:
    content = load_json(data)
    listed = content.get("exams", {}) if isinstance(content, dict) else None
    if not isinstance(listed, dict):
        raise ValueError('it is not {"exams": {examId: {"published": true}}}')
    flags = {exam_id: row.get("published") if isinstance(row, dict) else None for exam_id, row in listed.items()}
    faults = [
        f'exams.{exam_id}: it is not {{"published": true}} or {{"published": false}}, and counts as not published'
        for exam_id, flag in flags.items() if not isinstance(flag, bool)
    ]  # fmt: skip
    faults += [
        f'{name}: it says nothing here; flags belong into "exams"'
        for name, row in content.items() if isinstance(row, dict) and "published" in row
    ]  # fmt: skip
    return Manifest(frozenset(exam_id for exam_id, flag in flags.items() if flag is True), content, tuple(faults))


def exam_get(exam_id: str) -> ExamFile:
    """Return a published exam. Raises EXAM_NOT_FOUND (also for a broken file), EXAM_NOT_PUBLISHED."""
    found = exam_find(exam_id)
    if not isinstance(found, ExamFile):
        raise exam_not_found()
    if exam_id not in manifest().published:
        raise DomainError(ErrorCode.EXAM_NOT_PUBLISHED, "The exam is not published")
    return found


def exam_not_found() -> DomainError:
    """Return the refusal of an exam that is not there."""
    return DomainError(ErrorCode.EXAM_NOT_FOUND, "The exam does not exist")


def to_bytes(content: object) -> bytes:
    """Write JSON for people and programs: the same content gives the same bytes."""
    return (json.dumps(content, ensure_ascii=False, indent=2, allow_nan=False) + "\n").encode()
