"""The OpenAPI documents: one of the whole server, and one of each face for those who write a client of it alone."""

from functools import lru_cache
from typing import Any

from django.http import Http404, HttpResponseBase
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import spectacular_settings
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response

from cbt.http.face import PRIMARY, Face
from cbt.http.problems import problem_response


class FaceGenerator(SchemaGenerator):
    """Describes the routes of one face, and those of others that its clients cannot do without."""

    def __init__(self, face: Face) -> None:
        super().__init__()
        self.face = face

    def _get_paths_and_endpoints(self) -> list[Any]:
        """Return the (path, pattern, method, view) that belong to the face."""
        found: list[Any] = super()._get_paths_and_endpoints()
        return [row for row in found if face_of(row[3]) is self.face or row[0] in self.face.borrowed]

    def get_schema(self, request: Any = None, public: bool = True) -> dict[str, Any]:
        """Return the document, under the face's own title."""
        document: dict[str, Any] = super().get_schema(request=request, public=public)
        document["info"] |= {"title": f"{document['info']['title']}: {self.face.title}"}
        return document


def face_of(view: Any) -> Face:
    """Return the face of a view; what declares none speaks the house's own."""
    return getattr(view, "face", PRIMARY)


@lru_cache(maxsize=1)
def faces() -> dict[str, Face]:
    """Return {name: face} of everything the server answers, the house's own first."""
    generator = SchemaGenerator()
    generator._initialise_endpoints()
    found = {face.name: face for face in (face_of(endpoint[-1].cls) for endpoint in generator.endpoints or ())}
    return {PRIMARY.name: PRIMARY, **dict(sorted(found.items()))}


@lru_cache(maxsize=16)
def document_of(name: str) -> dict[str, Any]:
    """Return the document of a face, "" for all: made once per process, for it takes seconds. Raises KeyError."""
    return FaceGenerator(faces()[name]).get_schema() if name else _whole()


def _whole() -> dict[str, Any]:
    """Put the documents of all faces together; shapes of one name are one shape, which a test watches over."""
    documents = [document_of(name) for name in faces()]
    info = {**documents[0]["info"], "title": spectacular_settings.TITLE}
    return {
        **documents[0],
        "info": info,
        "paths": {path: verbs for document in documents for path, verbs in document["paths"].items()},
        "components": {
            kind: {name: shape for document in documents for name, shape in document["components"][kind].items()}
            for kind in documents[0]["components"]
        },
    }


class Document(SpectacularAPIView):
    """One document, as YAML, or as JSON where `?format=json` or `Accept` asks for it."""

    content_negotiation_class = DefaultContentNegotiation

    @extend_schema(exclude=True)
    def get(self, request: Request, face: str = "") -> HttpResponseBase:
        """Return the document of a face, without a name of all of them."""
        try:
            document = document_of(face)
        except KeyError:
            return problem_response(Http404())
        return Response(document, headers={"Content-Disposition": f'inline; filename="openapi-{face or "all"}"'})
