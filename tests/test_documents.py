"""The OpenAPI documents: whole, by face, and made once."""

import pytest

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


@pytest.mark.parametrize("face", sorted({row.face for row in ROUTES}))
def test_document__then_the_routes_of_its_face_and_what_its_clients_borrow(api, face):
    borrowed = BORROWED.get(face, set())
    response = api.get(f"/api/schema/{face}?format=json")
    document = response.json()
    assert response.headers["Content-Type"] == "application/vnd.oai.openapi+json"
    assert shapes(document) == {row.shape for row in ROUTES if row.face == face or row.path in borrowed}
    assert document["info"]["title"] == f"RuangTes API: {faces()[face].title}"
    assert document_of(face) is document_of(face)


def test_document__when_no_face_is_named__then_every_route(api):
    document = api.get("/api/schema?format=json").json()
    assert shapes(document) == {row.shape for row in ROUTES}
    assert document["info"]["title"] == "RuangTes API"


def test_document__when_the_face_is_unknown__then_404(api):
    error_of(api.get("/api/schema/nobody"), 404, "NOT_FOUND")
