"""What scripts of the listed frontends may send: whatever they like, as their document has it (``allow_headers *``)."""

import re

from corsheaders.middleware import ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_ORIGIN, CorsMiddleware
from django.http import HttpRequest
from django.http.response import HttpResponseBase

NAME = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]{1,100}")
MAX_NAMES = 50


class Cors(CorsMiddleware):
    """CORS that grants a listed origin the headers its preflight names.

    With credentials browsers take ``*`` for the name of a header, so each is repeated; else a frontend whose
    interceptor adds one of its own (a trace, a version) could not call at all.
    """

    def add_response_headers(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Add the library's headers, and to a granted preflight what it asked for."""
        response = super().add_response_headers(request, response)
        if request.method == "OPTIONS" and response.has_header(ACCESS_CONTROL_ALLOW_ORIGIN):
            asked = request.headers.get("Access-Control-Request-Headers", "").lower().split(",", MAX_NAMES)[:MAX_NAMES]
            known = response[ACCESS_CONTROL_ALLOW_HEADERS].split(", ")
            more = [name for name in map(str.strip, asked) if NAME.fullmatch(name) and name != "*"]
            response[ACCESS_CONTROL_ALLOW_HEADERS] = ", ".join(dict.fromkeys([*known, *more]))
        return response
