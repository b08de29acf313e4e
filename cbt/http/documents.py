"""OpenAPI documents: one of each face, for those who write a client of it alone, and one of all."""

from functools import cache
from threading import RLock
from typing import Any

from drf_spectacular.generators import EndpointEnumerator, SchemaGenerator
from drf_spectacular.settings import spectacular_settings

from cbt.http.face import PRIMARY, Face

#: The library's registry is one for the process.
_writing = RLock()


class FaceGenerator(SchemaGenerator):
    """Describes the routes of one face, and those of others that its clients cannot do without."""

    def __init__(self, face: Face) -> None:
        super().__init__()
        self.face = face

    def _get_paths_and_endpoints(self) -> list[Any]:
        """Return the (path, pattern, method, view) that belong to the face."""
        found: list[Any] = super()._get_paths_and_endpoints()
        return [row for row in found if face_of(row[3]) is self.face or row[0] in self.face.borrowed]


def face_of(view: Any) -> Face:
    """Return the face of a view or its class; what declares none speaks the house's own."""
    return getattr(view, "face", PRIMARY)


@cache
def faces() -> dict[str, Face]:
    """Return {name: face} of everything the server answers, the house's own first."""
    found = {face.name: face for face in (face_of(row[-1].cls) for row in EndpointEnumerator().get_api_endpoints())}
    return {PRIMARY.name: PRIMARY, **dict(sorted(found.items()))}


@cache
def document_of(name: str) -> dict[str, Any]:
    """Return the document of a face, "" for all. Made once per process, for it takes seconds. Raises KeyError."""
    with _writing:
        return _one(faces()[name]) if name else _whole()


def _one(face: Face) -> dict[str, Any]:
    document: dict[str, Any] = FaceGenerator(face).get_schema(request=None, public=True)
    document["info"]["title"] += f": {face.title}"
    return document


def _whole() -> dict[str, Any]:
    """Put the documents of all faces together; shapes of one name are one shape, which a test watches over."""
    documents = [document_of(name) for name in faces()]
    return {
        **documents[0],
        "info": {**documents[0]["info"], "title": spectacular_settings.TITLE},
        "paths": {path: verbs for document in documents for path, verbs in document["paths"].items()},
        "components": {
            kind: {name: shape for document in documents for name, shape in document["components"][kind].items()}
            for kind in documents[0]["components"]
        },
    }
