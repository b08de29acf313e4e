"""What all reads of this dialect have in common: HEAD, tags, both forms of a list, and that OpenAPI says so."""

import pytest
from django.conf import settings

from accounts.states import Role
from accounts.tests.factories import make_user, token_of
from cbt.faces.v1.tests.factories import api_of, make_test
from cbt.http.documents import document_of
from tests.support import Api, error_of

LISTS = ("/v1/users", "/v1/tests", "/v1/attendance")


@pytest.fixture
def author(db):
    return api_of(Role.INSTRUCTOR)


def head(api, path, **headers):
    sent = {"Authorization": f"Bearer {api.token}"} if api.token else {}
    return api.client.head(path, headers={**sent, **headers})


def test_head__then_the_headers_of_get_without_a_body_by_the_same_checks(author):
    test = make_test(author)
    for path in (*LISTS, f"/v1/tests/{test}"):
        got, answer = author.get(path), head(author, path)
        assert (answer.status_code, answer.content, answer["ETag"]) == (200, b"", got["ETag"]), path
        assert head(author, path, **{"If-None-Match": got["ETag"]}).status_code == 304
        assert head(Api(), path).status_code == 401
    assert head(api_of(Role.INSTRUCTOR), f"/v1/tests/{test}").status_code == 404
    assert head(Api(token_of(make_user(Role.TENANT_ADMIN))), "/v1/tests").status_code == 403
    refused = head(author, "/v1/graphql")
    assert (refused.status_code, refused["Allow"]) == (405, "POST, OPTIONS")
    assert author.client.options("/v1/tests")["Allow"] == "GET, HEAD, POST, OPTIONS"


@pytest.mark.parametrize("write", ["{0}", "W/{0}", '"other", {0}', "*"])
def test_tag__when_sent_back_weak_or_strong__then_304(author, write):
    tag = author.get("/v1/tests")["ETag"].removeprefix("W/")
    kept = author.get("/v1/tests", headers={"If-None-Match": write.format(tag)})
    assert (kept.status_code, kept.content) == (304, b"")


def test_headers__when_another_origin_reads__then_its_page_sees_the_tag_and_may_send_it(client, db):
    origin = settings.CORS_ALLOWED_ORIGINS[0]
    asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization,if-none-match"}
    allowed = client.options("/v1/tests", headers={"Origin": origin, **asked})
    assert "if-none-match" in allowed["Access-Control-Allow-Headers"]
    assert "ETag" in client.get("/v1/tests", headers={"Origin": origin})["Access-Control-Expose-Headers"]


def test_openapi__then_both_forms_of_a_list_its_headers_and_304():
    made = document_of("v1")
    shapes = made["components"]["schemas"]
    for path in LISTS:
        answers = made["paths"][path]["get"]["responses"]
        assert set(answers["200"]["headers"]) == {"ETag", "X-Total-Count", "Link"}
        assert "content" not in answers["304"]
        rows = shapes[answers["200"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]]
        array, page = rows["oneOf"]
        assert array["type"] == "array"
        shown = shapes[page["$ref"].rpartition("/")[2]]
        assert set(shown["properties"]) == {"data", "total", "page", "limit"}
        assert shown["properties"]["data"] == array


def test_openapi__then_every_route_says_that_it_may_be_unreadable(author):
    paths = document_of("v1")["paths"]
    for path, item in ((path, item) for path, item in paths.items() if path.startswith("/v1/")):
        for verb, operation in item.items():
            assert "400" in operation["responses"], f"{verb} {path}"
            if "requestBody" in operation:
                assert {"413", "415"} <= set(operation["responses"]), f"{verb} {path}"
                assert len(operation["requestBody"]["content"]) == 1, f"{verb} {path}"
    error_of(author.get("/v1/tests?search=%00"), 400, "INVALID_PAYLOAD")
    error_of(author.post("/v1/tests", raw=b"{"), 400, "INVALID_PAYLOAD")
    error_of(author.post("/v1/tests", raw=b" " * 1_048_577), 413, "PAYLOAD_TOO_LARGE")
    error_of(author.post("/v1/tests", raw=b"{}", content_type="text/plain"), 415, "UNSUPPORTED_MEDIA_TYPE")


def test_openapi__then_a_file_is_of_a_kind_that_is_taken_in():
    shown = document_of("v1")["paths"]["/v1/files/{filename}"]["get"]["responses"]["200"]["content"]
    assert set(shown) == {"image/jpeg", "image/png", "application/pdf"}
