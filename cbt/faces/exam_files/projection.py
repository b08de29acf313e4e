"""The files that follow from the database: attempts, bundles, progress, and the manifest's sets.

Each is written from what the database says while the file's lock is held, so whatever order requests overtake one
another in, a file only ever moves forward to a state that is committed. The database is the truth: a file that cannot
be written (full disk, planted link) is made later by a job, and the request is answered all the same.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from catalog.engine.document import dump
from catalog.selectors.versions import version_load
from cbt.faces.exam_files import attempts, library, tree
from cbt.kernel import jobs
from sessions_app.models import ExamSession

logger = logging.getLogger("cbt.exam_files")
PROJECT_JOB = "exam_files.project"


def attempt_path(session: ExamSession) -> tree.Path_:
    """Return ``attempts/{userId}/{examId}/{attemptId}.json``."""
    return "attempts", str(session.user_id), session.exam_file, f"{session.pk}.json"


def output_path(session: ExamSession) -> tree.Path_:
    """Return ``output/{examId}_{attemptId}.json``."""
    return "output", f"{session.exam_file}_{session.pk}.json"


def progress_path(user_id: int) -> tree.Path_:
    """Return ``progress/{userId}.json``."""
    return "progress", f"{user_id}.json"


@contextmanager
def turn(session: ExamSession) -> Iterator[None]:
    """Let what changes an attempt through one after another, answer included.

    So clients hear of their saves in the order in which these stand. Where no lock can be had (full disk, planted
    link) nobody waits: the database keeps the order by itself, only what two saves at once are told may overtake.
    """
    with ExitStack() as held:
        try:
            held.enter_context(tree.turn("attempts", str(session.pk)))
        except OSError as error:
            logger.error("saves of attempt %s do not wait for each other: %s", session.pk, type(error).__name__)
        yield


def saved(session: ExamSession) -> None:
    """Write what follows from a save."""
    _or_later(session, lambda: _write_save(session))


def started(session: ExamSession) -> None:
    """Write what follows from a start."""
    _or_later(session, lambda: _write_start(session))


def submitted(session: ExamSession) -> None:
    """Write what follows from a submit: `submitted`, then the bundle, then `finished`."""
    _or_later(session, lambda: _write_submit(session))


def project(session: ExamSession) -> None:
    """Write all files of an attempt. Raises OSError."""
    with turn(session):
        if session.completed_at is not None:
            _write_submit(session)
        else:
            _write_start(session)


def _write_start(session: ExamSession) -> None:
    _write_save(session)
    write_manifest(session.user_id)


def _write_save(session: ExamSession) -> None:
    _write(attempt_path(session), lambda: attempts.attempt_state(session.pk))
    write_progress(session.user_id)


def _write_submit(session: ExamSession) -> None:
    if _stored(output_path(session)) is None:  # else it has been through this moment, and no file goes back
        _write(attempt_path(session), lambda: attempts.attempt_state(session.pk, status="submitted"))
    _write(output_path(session), lambda: bundle(session))
    _write(attempt_path(session), lambda: attempts.attempt_state(session.pk))
    write_progress(session.user_id)
    write_manifest(session.user_id)


def bundle(session: ExamSession) -> dict[str, Any]:
    """Return ``{exam, attempt}``: the exam as it was taken, with its keys, for whoever reads results."""
    exam = dump(version_load(session.version_id), stored=True)
    return {"exam": {"examId": session.exam_file, **exam}, "attempt": attempts.attempt_state(session.pk)}


def write_progress(user_id: int | None) -> None:
    """Write one user's progress."""
    if user_id is not None:
        _write(progress_path(user_id), lambda: attempts.progress_state(user_id))


def _write(path: tree.Path_, state: Callable[[], object]) -> bool:
    """Bring a file to what ``state`` says under the file's lock; tell whether it had to change."""
    with tree.locked(*path):
        data = library.to_bytes(state())
        if _stored(path) == data:
            return False
        tree.write(path, data)
        return True


def _stored(path: tree.Path_) -> bytes | None:
    try:
        return tree.read(path)
    except FileNotFoundError:
        return None


class _Waiting:
    """Users whose sets the manifest does not show yet; whoever gets the lock writes them all at once."""

    def __init__(self) -> None:
        self.guard = threading.Lock()
        self.users: set[int] = set()

    def take(self) -> set[int]:
        with self.guard:
            users, self.users = self.users, set()
        return users


_waiting = _Waiting()


def write_manifest(user_id: int | None) -> None:
    """Write one user's sets into the manifest, together with those who wait as well."""
    if user_id is None:
        return
    with _waiting.guard:
        _waiting.users.add(user_id)
    with tree.locked(*library.MANIFEST):
        users = _waiting.take()
        try:
            if users:
                write_sets(sorted(users))
        except BaseException:
            with _waiting.guard:
                _waiting.users |= users
            raise


def write_sets(user_ids: list[int], *, is_all: bool = False) -> bool:
    """Put these users' sets into the manifest and leave all else in it as its keepers wrote it. Under its lock.

    The published flags belong to people with editors: a manifest that cannot be read is not touched, and one that
    was changed while this wrote is read again. Raises OSError. Tells whether it changed.
    """
    sets = attempts.sets_of(user_ids)
    for _ in range(5):
        before = tree.signature(library.MANIFEST)
        content = library.manifest().content
        if content is None:
            raise tree.Refused("manifest.json cannot be read")
        known = content.get("users")
        users = dict(known) if isinstance(known, dict) and not is_all else {}
        users |= {str(user_id): sets[user_id] for user_id in user_ids}
        data = library.to_bytes({"exams": {}, **content, "users": users})
        if _stored(library.MANIFEST) == data:
            return False
        if tree.write(library.MANIFEST, data, instead_of=before):
            return True
    raise tree.Refused("manifest.json is being edited")


def _or_later(session: ExamSession, act: Callable[[], object]) -> None:
    try:
        act()
    except OSError as error:
        logger.error("the files of attempt %s are stale: %s", session.pk, type(error).__name__)
        project_later(session.pk)


def project_later(session_id: int) -> None:
    """Have all files of an attempt written by a job; in the caller's transaction, where there is one."""
    jobs.enqueue(PROJECT_JOB, {"session_id": session_id}, dedupe_key=f"{PROJECT_JOB}:{session_id}")


@dataclass(frozen=True, slots=True)
class Difference:
    """A file that is not what the database says. state: missing, different or extra."""

    path: str
    state: str


def differences(*, is_dry_run: bool) -> Iterator[Difference]:
    """Compare every file with the database and, unless it is a dry run, make it what the database says."""
    wanted: set[tree.Path_] = set()
    users: set[int] = set()
    for session in ExamSession.objects.exclude(exam_file="").order_by("pk").iterator(chunk_size=500):
        if session.user_id is None:
            continue
        users.add(session.user_id)
        yield from _compare(attempt_path(session), lambda: attempts.attempt_state(session.pk), wanted, is_dry_run)  # noqa: B023
        if session.completed_at is not None:
            yield from _compare(output_path(session), lambda: bundle(session), wanted, is_dry_run)  # noqa: B023
    for user_id in sorted(users):
        yield from _compare(progress_path(user_id), lambda: attempts.progress_state(user_id), wanted, is_dry_run)  # noqa: B023
    yield from _extra(wanted, is_dry_run)
    yield from _compare_manifest(sorted(users), is_dry_run)


def _compare(
    path: tree.Path_, state: Callable[[], object], wanted: set[tree.Path_], is_dry_run: bool
) -> Iterator[Difference]:
    wanted.add(path)
    stored = _stored(path)
    if stored is None or stored != library.to_bytes(state()):
        yield Difference("/".join(path), "missing" if stored is None else "different")
        if not is_dry_run:
            _write(path, state)


def _extra(wanted: set[tree.Path_], is_dry_run: bool) -> Iterator[Difference]:
    for folder in ("attempts", "output", "progress"):
        for path in list(tree.walk(folder)):
            if path not in wanted and not path[-1].startswith(".") and not _is_known(path):
                yield Difference("/".join(path), "extra")
                if not is_dry_run:
                    tree.remove(path)


def _is_known(path: tree.Path_) -> bool:
    """Tell whether a file belongs to an attempt after all: one that began while this ran."""
    number = path[-1].removesuffix(".json").rpartition("_")[2]
    if not number.isdigit() or len(number) > 18:
        return False
    if path[0] == "progress":
        return attempts.attempts_of(int(number)).exists()
    session = ExamSession.objects.exclude(exam_file="").filter(pk=int(number)).first()
    return session is not None and path in {attempt_path(session), output_path(session)}


def _compare_manifest(user_ids: list[int], is_dry_run: bool) -> Iterator[Difference]:
    with tree.locked(*library.MANIFEST):
        content = library.manifest().content
        if content is None:
            raise tree.Refused("manifest.json cannot be read")
        sets = {str(user_id): found for user_id, found in attempts.sets_of(user_ids).items()}
        if (content.get("users") or {}) != sets:
            yield Difference("manifest.json", "different")
            if not is_dry_run:
                write_sets(user_ids, is_all=True)
