"""Passwords of many people at once: usable within milliseconds each, and wrapped in Argon2id by jobs soon after."""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from os import cpu_count

from django.contrib.auth.hashers import get_hasher, make_password
from django.db.models import QuerySet

from accounts.hashers import SealedHasher, SealKeyLostError, WrappedHasher
from accounts.models import User
from accounts.models.user import QUICK
from cbt.kernel import clock, jobs
from cbt.kernel.models import Job, JobState

logger = logging.getLogger(__name__)
JOB = "accounts.wrap_passwords"
FEW = 20  # these take well under a second with the preferred hasher
JOB_SIZE = 200  # 4 s of one processor: other jobs get their turn in between
LEFT_BEHIND = timedelta(minutes=10)


def passwords_hash(passwords: Sequence[str]) -> list[str]:
    """Return what to store of each password; of more than 20 the quick form, which `wrap_later` is to be told of.

    All cores work on it, as both hashers let other threads run; call it before any lock.
    """
    hasher = "default" if len(passwords) <= FEW else SealedHasher.algorithm
    threads = min(cpu_count() or 1, len(passwords)) or 1
    with ThreadPoolExecutor(max_workers=threads) as pool:
        parts = pool.map(
            lambda first: [make_password(one, hasher=hasher) for one in passwords[first::threads]], range(threads)
        )
        hashed = dict(enumerate(parts))
    return [hashed[place % threads][place // threads] for place in range(len(passwords))]


def wrap_later(users: Sequence[User]) -> None:
    """Have jobs wrap those of these users whose password is stored in its quick form; in the caller's transaction."""
    ids = [user.pk for user in users if user.password.startswith(QUICK)]
    _jobs_make(ids)


def _jobs_make(ids: Sequence[int]) -> None:
    for start in range(0, len(ids), JOB_SIZE):
        jobs.enqueue(JOB, {"user_ids": list(ids[start : start + JOB_SIZE])})


def wrap_run(user_ids: Sequence[int]) -> dict[str, int]:
    """Wrap the quick passwords among those of these users; who signed in or got another one meanwhile is left alone.

    One row and one moment each, so that nobody waits; one thread, so that an exam keeps the other cores.
    Returns {"wrapped", "changed" by somebody else meanwhile, "sealed" with a lost key}.
    """
    count = {"wrapped": 0, "changed": 0, "sealed": 0}
    for user_id, sealed in list(_waiting().filter(pk__in=user_ids).order_by("pk").values_list("pk", "password")):
        try:
            wrapped = _wrapped(sealed)
        except SealKeyLostError:
            count["sealed"] += 1
            continue
        count["wrapped" if _exchange(user_id, sealed, wrapped) else "changed"] += 1
    if count["sealed"]:
        logger.error("%s passwords are sealed with a key that is not in SECRET_KEY_FALLBACKS", count["sealed"])
    return count


def _wrapped(sealed: str) -> str:
    hasher = get_hasher(WrappedHasher.algorithm)
    assert isinstance(hasher, WrappedHasher)  # noqa: S101 - what the settings name; for the type checker
    return hasher.wrap(sealed)


def _exchange(user_id: int, sealed: str, wrapped: str) -> bool:
    """Store the wrapped form if what was wrapped still stands there; tell whether it did."""
    return User.objects.filter(pk=user_id, password=sealed).update(password=wrapped) == 1


def wrap_sweep() -> dict[str, int]:
    """Make jobs for quick passwords that are older than ten minutes and waited for by no job any more."""
    if Job.objects.filter(name=JOB, state__in=[JobState.QUEUED, JobState.RUNNING]).exists():
        return {"found": 0}
    left = _waiting().filter(updated_at__lt=clock.now() - LEFT_BEHIND)
    ids = list(left.order_by("pk").values_list("pk", flat=True))
    _jobs_make(ids)
    return {"found": len(ids)}


def wrap_all(*, dry_run: bool = False) -> int:
    """Wrap every quick password now; return how many were (dry run: would be)."""
    ids = list(_waiting().order_by("pk").values_list("pk", flat=True))
    if dry_run:
        return len(ids)
    return sum(wrap_run(ids[start : start + JOB_SIZE])["wrapped"] for start in range(0, len(ids), JOB_SIZE))


def _waiting() -> QuerySet[User]:
    return User.objects.filter(password__startswith=QUICK)
