"""Mails as files, for runs without a mail server."""

import itertools
from typing import Any

from django.core.mail.backends.filebased import EmailBackend as Files

from cbt.kernel import clock

_number = itertools.count()


class EmailBackend(Files):
    """One file a mail, named so that the newest stands last; the framework's names have no order within a second."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._name = f"{clock.now():%Y%m%d-%H%M%S-%f}-{next(_number):06d}.log"

    def _get_filename(self) -> str:
        return f"{self.file_path}/{self._name}"
