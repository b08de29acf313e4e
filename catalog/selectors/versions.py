"""Reads of frozen versions, kept in memory: they never change."""

from collections.abc import Callable
from functools import lru_cache

from catalog.engine.document import PaperVersion, parse_stored
from catalog.models import QuestionPicture, TestVersion
from cbt.kernel import storage
from cbt.kernel.errors import not_found

CACHED_VERSIONS = 256


@lru_cache(maxsize=CACHED_VERSIONS)
def version_load(version_id: int) -> PaperVersion:
    """The frozen version with this id: one query per process and version. Raises NOT_FOUND."""
    version = TestVersion.objects.filter(pk=version_id).only("content").first()
    if version is None:
        raise not_found()
    return parse_stored(version.content)


@lru_cache(maxsize=CACHED_VERSIONS)
def _picture_files(version_id: int) -> tuple[tuple[str, str], ...]:
    ids = {int(picture.ref): picture.key for picture in version_load(version_id).pictures if picture.ref is not None}
    if not ids:
        return ()
    rows = QuestionPicture.objects.filter(pk__in=ids).values_list("pk", "file")
    return tuple(sorted((ids[pk], file) for pk, file in rows))


def version_picture_urls(version_id: int, sign: Callable[[str], str] = storage.signed_path) -> dict[str, str]:
    """`{picture key: signed path}` of a version; ``sign`` says for how long and whom. Raises NOT_FOUND."""
    return {key: sign(file) for key, file in _picture_files(version_id)}
