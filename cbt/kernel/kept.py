"""Values that are dear to make and cheap to keep."""

import logging
from collections.abc import Callable
from typing import Any

from django.core.cache import cache

logger = logging.getLogger("cbt.kept")


def kept(key: str, make: Callable[[], Any], *, seconds: int = 3600) -> Any:
    """Return what is kept under ``key``, made and put there where nothing is.

    The key names the version of what the value is made of, so a change is seen at once and nothing has to be thrown
    away. A cache that cannot be reached only makes it slower.
    """
    try:
        found = cache.get(key)
        if found is None:
            found = make()
            cache.set(key, found, seconds)
    except Exception as error:  # noqa: BLE001 - any fault of the cache's store; a fault of `make` comes again below
        logger.warning("the cache cannot be reached: %s", type(error).__name__)
        return make()
    return found
