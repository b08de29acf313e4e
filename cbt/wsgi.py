"""WSGI entry point. In the embedded run this process also runs the jobs."""

import os
from typing import Any

from django.core.handlers.wsgi import WSGIRequest
from django.core.wsgi import get_wsgi_application
from django.utils.http import parse_header_parameters

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cbt.settings")


class Utf8Request(WSGIRequest):
    """A request whose address and form are UTF-8, whatever charset its body claims.

    Django takes the body's charset for the query string too, and one that is no text encoding (``bz2_codec``)
    ends in a plain 500 before any of our code can answer. Bodies in another charset are refused by the parsers.
    """

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        self.content_type, self.content_params = parse_header_parameters(meta.get("CONTENT_TYPE", ""))


application = get_wsgi_application()
application.request_class = Utf8Request

if os.environ.get("CBT_RUN_JOBS") == "1":
    from cbt.kernel import runner

    runner.start()
