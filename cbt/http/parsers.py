"""DRF parsers that refuse what cannot be stored, and a negotiation that always answers JSON."""

from typing import Any

from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser

from cbt.http.clean import bad_payload, check, load_json


class CleanJSONParser(JSONParser):
    """JSON by the rules of `cbt.http.clean`; an empty body is an empty object."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        """Return the parsed body; it must be an object, as every contract's body is."""
        body = stream.read()
        if not body:
            return {}
        value = load_json(body, media_type or "")
        if not isinstance(value, dict):
            raise bad_payload("The request body must be a JSON object.")
        return value


class CleanMultiPartParser(MultiPartParser):
    """multipart/form-data whose text fields obey the same rules."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        """Return fields and files."""
        parsed = super().parse(stream, media_type, parser_context)
        check({name: parsed.data.getlist(name) for name in parsed.data})
        return parsed


class CleanFormParser(FormParser):
    """application/x-www-form-urlencoded by the same rules."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        """Return the fields."""
        data = super().parse(stream, media_type, parser_context)
        check({name: data.getlist(name) for name in data})
        return data


class AlwaysJSON(BaseContentNegotiation):
    """Answers JSON whatever ``Accept`` says: a browser or a bare client must be able to read an error."""

    def select_parser(self, request: Any, parsers: Any) -> Any:
        """Return the parser for the request's content type, or None (415)."""
        content_type = (request.content_type or "").split(";")[0].strip().lower()
        for parser in parsers:
            if parser.media_type == content_type:
                return parser
        return None

    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> Any:
        """Return the JSON renderer."""
        return renderers[0], renderers[0].media_type
