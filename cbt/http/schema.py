"""OpenAPI: each method says its shapes once with `documented`; the face's envelope is added here."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers

from cbt.http.deprecation import deprecation_of
from cbt.http.face import PRIMARY, Face
from cbt.kernel.errors import ErrorCode

Handler = TypeVar("Handler", bound=Callable[..., Any])
_envelopes: dict[str, type[serializers.Serializer[Any]]] = {}


UNCHANGED = OpenApiResponse(description="What the ETag in If-None-Match names is still so")
TAG = ("ETag", "Send it back as If-None-Match")
#: What every request may be refused for: an address that holds a NUL, and too many.
ALWAYS = (ErrorCode.INVALID_PAYLOAD, ErrorCode.RATE_LIMITED)
#: What every body may be refused for besides.
OF_BODY = (ErrorCode.PAYLOAD_TOO_LARGE, ErrorCode.UNSUPPORTED_MEDIA_TYPE)
ERROR_CODES = [(code.value, code.value) for code in ErrorCode]


class ErrorBody(serializers.Serializer[Any]):
    """The one error body of every face."""

    success = serializers.BooleanField(default=False)
    message = serializers.CharField()
    error = serializers.ChoiceField(ERROR_CODES, help_text="Stable code; never renamed, never translated")
    error_code = serializers.ChoiceField(ERROR_CODES, help_text="The same code")
    errors = serializers.DictField(child=serializers.ListField(child=serializers.CharField()))  # type: ignore[assignment]
    details = serializers.DictField()
    detail = serializers.CharField()
    status_code = serializers.IntegerField()
    request_id = serializers.CharField()


def _member(data: Any, *, many: bool) -> Any:
    if data is None:
        return serializers.JSONField(allow_null=True, default=None)
    if isinstance(data, type) and issubclass(data, serializers.BaseSerializer):
        return data(many=True) if many else data()
    return data


def envelope(data: Any, *, many: bool = False, paged: bool = False) -> type[serializers.Serializer[Any]]:
    """Return the serializer class of ``{success, message, data, status_code}`` round ``data``."""
    base = getattr(data, "__name__", type(data).__name__) if data is not None else "Nothing"
    name = f"{base.removesuffix('Serializer')}{'Page' if paged else 'List' if many else ''}Envelope"
    if name not in _envelopes:
        member = _member(data, many=many or paged)
        if paged:
            number = serializers.IntegerField
            page_fields = {
                "data": member, "current_page": number(), "per_page": number(), "total": number(),
                "last_page": number(), "from": number(allow_null=True), "to": number(allow_null=True),
            }  # fmt: skip
            member = type(f"{base}Page", (serializers.Serializer,), page_fields)()
        fields = {
            "success": serializers.BooleanField(),
            "message": serializers.CharField(),
            "data": member,
            "status_code": serializers.IntegerField(),
        }
        _envelopes[name] = type(name, (serializers.Serializer,), fields)
    return _envelopes[name]


def _examples(example: dict[str, Any] | None, answer: dict[str, Any] | None, status: int) -> list[OpenApiExample]:
    examples = []
    if example is not None:
        examples.append(OpenApiExample("Request", value=example, request_only=True))
    if answer is not None:
        examples.append(OpenApiExample("Answer", value=answer, response_only=True, status_codes=[str(status)]))
    return examples


class Answers(dict[Any, Any]):
    """{status: answer} of a method that succeeds, and with what it may refuse: its face knows their statuses."""

    def __init__(self, answers: Mapping[Any, Any], errors: Sequence[ErrorCode]) -> None:
        super().__init__(answers)
        self.errors = tuple(errors)

    def refusals(self, face: Face, *more: ErrorCode) -> dict[int, OpenApiResponse]:
        """Return {status: answer} of the refusals as this face writes them, and of those that always may be."""
        names: dict[int, list[str]] = {}
        for code in sorted({*self.errors, *more, *ALWAYS}):
            names.setdefault(face.status(code), []).append(code.value)
        return {status: OpenApiResponse(ErrorBody, description=", ".join(names[status])) for status in sorted(names)}


def _asked(query: Sequence[tuple[str, str]]) -> list[OpenApiParameter]:
    return [OpenApiParameter(name, OpenApiTypes.STR, description=text) for name, text in query]


def _sent(headers: Sequence[tuple[str, str]], status: int) -> list[OpenApiParameter]:
    kind = OpenApiTypes.STR
    return [OpenApiParameter(name, kind, "header", description=text, response=[status]) for name, text in headers]


def _success(status: int, ok: Any, kinds: Sequence[str]) -> dict[Any, Any]:
    """Return {status: answer}, or {(status, kind): a file} for each kind of file."""
    return {(status, kind): OpenApiResponse(OpenApiTypes.BINARY) for kind in kinds} or {status: ok}


def documented(
    summary: str,
    *,
    request: Any = None,
    response: Any = None,
    many: bool = False,
    paged: bool = False,
    status: int = 200,
    errors: Sequence[ErrorCode] = (),
    query: Sequence[tuple[str, str]] = (),
    example: dict[str, Any] | None = None,
    answer: dict[str, Any] | None = None,
    multipart: bool = False,
    binary: str | Sequence[str] = (),
    bare: Any = None,
    headers: Sequence[tuple[str, str]] = (),
    is_tagged: bool = False,
) -> Callable[[Handler], Handler]:
    """Describe a method of a `FaceView` for OpenAPI.

    request: Input class.  response: Output class of ``data`` (many: a list, paged: a page).
    query: (name, description) pairs.  example, answer: request and answer bodies from the contract.
    bare: True where the body is ``response`` itself, without the envelope, or the shape of the whole body.
    binary: content type, or types, when the answer is a file instead of JSON.
    headers: (name, description) pairs of the answer's.  is_tagged: it has an ETag, and may be 304 without a body.
    """
    ok: Any = response if bare is True else bare or envelope(response, many=many, paged=paged)
    success = _success(status, None if status == 204 else ok, (binary,) if isinstance(binary, str) else binary)
    if is_tagged:
        success[304], headers = UNCHANGED, (TAG, *headers)
    pages = [("page", "Page, counted from 1"), ("per_page", "Rows a page, 1 to 100 (15)")] if paged else []
    return extend_schema(
        summary=summary,
        request={"multipart/form-data": request} if multipart and request else request,
        responses=Answers(success, errors),
        parameters=[*_asked((*query, *pages)), *_sent(headers, status)],
        examples=_examples(example, answer, status),
    )


class HouseSchema(AutoSchema):
    """Tags by the first word of the path; operation ids from method and path."""

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        """Return the answers of a method; a refusal has the status the view's own face gives it."""
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        answers = self.get_response_serializers()
        if isinstance(answers, Answers):
            of_body = OF_BODY if self.get_request_serializer() is not None else ()
            for status, answer in answers.refusals(getattr(self.view, "face", PRIMARY), *of_body).items():
                bodies[str(status)] = self._get_response_for_code(answer, str(status), None, direction)
        return bodies

    def get_tags(self) -> list[str]:
        """Return the first path word below /api; below another root the root stands before it."""
        words = [word for word in self.path.split("/") if word and word != "api" and not word.startswith("{")]
        return [" ".join(words[: 2 if words[0] == "v1" else 1]) if words else "server"]

    def get_operation_id(self) -> str:
        """Return e.g. ``participants_ban_post``."""
        words = [word.strip("{}").replace("-", "_") for word in self.path.split("/") if word and word != "api"]
        return "_".join([*words, self.method.lower()])

    def is_deprecated(self) -> bool:
        """Tell whether the route has a notice."""
        return super().is_deprecated() or deprecation_of(self.method, self.path) is not None

    def get_auth(self) -> list[dict[str, list[str]]]:
        """Return bearer or cookie for routes that need a signed-in user, nothing otherwise."""
        from cbt.http.views import Access, FaceView
        from cbt.kernel.permissions import Perm

        if isinstance(self.view, FaceView):
            declared = self.view.declared("permission", self.method.lower())
            if isinstance(declared, Perm | tuple) or declared is Access.SIGNED_IN:
                return [{"bearer": []}, {"cookie": []}]
        return []
