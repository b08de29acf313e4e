"""The OpenAPI documents: whole, by face, and made once."""

from cbt.http.documents import document_of, faces
from tests.routes import ROUTES, shape_of
from tests.support import error_of

BORROWED = {
    "exam_room": {"/api/auth/login", "/api/auth/logout", "/api/auth/me", "/health", "/metrics"},
    "exam_files": {"/api/auth/login", "/api/auth/logout", "/api/auth/me"},
    "v1": {"/health"},
}


def shapes(document):
    return {(verb.upper(), shape_of(path)) for path, verbs in document["paths"].items() for verb in verbs}


def test_documents__then_each_the_routes_of_its_face_and_what_its_clients_borrow_and_one_of_all(api):
    shown = {}
    for face in faces():
        response = api.get(f"/api/schema/{face}?format=json")
        document, borrowed = response.json(), BORROWED.get(face, set())
        assert response.headers["Content-Type"] == "application/vnd.oai.openapi+json"
        assert shapes(document) == {row.shape for row in ROUTES if row.face == face or row.path in borrowed}
        assert document["info"]["title"] == f"RuangTes API: {faces()[face].title}"
        assert document_of(face) is document_of(face)
        for name, shape in document["components"]["schemas"].items():
            assert shown.setdefault(name, shape) == shape, name
    whole = api.get("/api/schema?format=json").json()
    assert shapes(whole) == {row.shape for row in ROUTES}
    assert whole["components"]["schemas"] == shown
    assert whole["info"]["title"] == "RuangTes API"


def test_document__when_the_face_is_unknown__then_404(api):
    error_of(api.get("/api/schema/nobody"), 404, "NOT_FOUND")
