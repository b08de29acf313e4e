"""The parts every request passes: request id, body guard, problems."""

import re
from collections.abc import Iterator

import pytest
import time_machine
from django.core.mail import EmailMessage, get_connection
from rest_framework import serializers

from cbt.http.clean import load_json
from cbt.http.face import STATUS
from cbt.http.fields import BirthDate, Input, MomentIn
from cbt.kernel.errors import DomainError, ErrorCode
from tests.support import error_of

FILES = "cbt.kernel.mail_files.EmailBackend"


def test_unknown_path__then_json_404(api):
    body = error_of(api.get("/api/nowhere"), 404, "NOT_FOUND")
    assert body["message"] == "Resource not found"


def test_request_id__when_given__then_echoed(api):
    assert api.get("/health", headers={"X-Request-ID": "abcdef123456"})["X-Request-ID"] == "abcdef123456"
    assert len(api.get("/health", headers={"X-Request-ID": "x y"})["X-Request-ID"]) == 24


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/health", "/api/tests/catalog", "/api/tests/catalog/0", "/api/test-session/no"])
def test_head__then_as_get_without_the_body(client, path):
    read, head = client.get(path), client.head(path)
    assert (head.status_code, head.content, head["Content-Type"]) == (read.status_code, b"", read["Content-Type"])
    refused = client.head("/api/auth/login")
    assert (refused.status_code, refused["Allow"]) == (405, "POST, OPTIONS")


def test_status__then_every_code_has_one():
    assert set(STATUS) == set(ErrorCode)


@pytest.mark.parametrize(
    "raw",
    [b'"\\ud800"', b"1e400", b"NaN", b"[" * 60 + b"]" * 60, b'{"a":"\\u0000"}', b'{"a\\u0000":1}', b"\xef\xbb\xbf{}",
     b'"\xff"', b"9007199254740993", b"1" * 5000, b"[" * 100_000, b"{"],
)  # fmt: skip
def test_load_json__when_unstorable__then_refused(raw):
    with pytest.raises(DomainError) as caught:
        load_json(raw)
    assert caught.value.code == ErrorCode.INVALID_PAYLOAD


def test_cors__when_preflight__then_every_header_we_read_may_be_sent_and_what_we_write_may_be_read(api):
    origin = {"Origin": "http://localhost:3000"}
    asked = {
        **origin, "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,idempotency-key,x-csrftoken,x-request-id",
    }  # fmt: skip
    answer = api.client.options("/api/checkout", headers=asked)
    allowed = {name.strip() for name in answer["Access-Control-Allow-Headers"].split(",")}
    assert allowed >= set(asked["Access-Control-Request-Headers"].split(","))
    shown = api.client.get("/api/tests/catalog", headers=origin)["Access-Control-Expose-Headers"]
    names = {name.strip() for name in shown.split(",")}
    assert names == {
        "X-Request-ID", "X-CSRFToken", "Retry-After", "Content-Disposition", "X-Total-Count", "Link",
        "ETag", "Deprecation", "Sunset",
    }  # fmt: skip
    stranger = api.client.get("/api/tests/catalog", headers={"Origin": "http://evil.example"})
    assert "Access-Control-Allow-Origin" not in stranger.headers


@pytest.mark.django_db
def test_admin_login__then_browsers_may_tell_the_form_where_it_comes_from(client):
    """With ``no-referrer`` they send ``Origin: null``, and nobody could sign in to the admin."""
    page = client.get("/admin/login/")
    assert (page.status_code, page["Referrer-Policy"]) == (200, "same-origin")


def _inputs(base: type[Input]) -> Iterator[type[Input]]:
    for child in base.__subclasses__():
        yield child
        yield from _inputs(child)


def test_whole_numbers_of_inputs__then_each_is_bounded(client):
    client.get("/api/health")  # loads every route
    unbounded = []
    for kind in (one for one in _inputs(Input) if not one.__name__.endswith("Out")):
        for name, field in kind().fields.items():
            inner = getattr(field, "child", field)
            if isinstance(inner, serializers.IntegerField) and inner.max_value is None:
                unbounded.append(f"{kind.__module__}.{kind.__name__}.{name}")
    assert unbounded == []


class AnyInput(Input):
    """A field of each kind."""

    a_word = serializers.CharField(max_length=3)
    a_count = serializers.IntegerField(min_value=1, max_value=9)
    a_price = serializers.DecimalField(max_digits=4, decimal_places=2, min_value=0)
    a_weight = serializers.FloatField()
    a_moment = MomentIn()
    a_day = BirthDate()


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("a_word", ["x"], "The a word must be a string."),
        ("a_count", 0, "The a count must be at least 1."),
        ("a_count", 10, "The a count must not be greater than 9."),
        ("a_count", "9" * 2000, "The a count must be an integer."),
        ("a_price", "dear", "The a price must be a number."),
        ("a_price", -1, "The a price must be at least 0."),
        ("a_price", 100, "The a price must not have more than 2 digits before the decimal point."),
        ("a_price", "1.005", "The a price must not have more than 2 decimal places."),
        ("a_price", "10.005", "The a price must not have more than 4 digits."),
        ("a_weight", "heavy", "The a weight must be a number."),
        *(("a_moment", value, "The a moment must be a date such as 2024-01-31T08:00:00Z.") for value in (
            "soon", 5, [], True, "0000-00-00", "9999-12-31T23:59:59-12:00",
        )),
        ("a_day", "31-01-1990", "The a day must be a date such as 1990-01-31."),
    ],
)  # fmt: skip
def test_inputs__when_a_value_is_wrong__then_the_field_is_named_in_the_contracts_style(field, value, message):
    read = AnyInput(data={field: value}, partial=True)
    assert (read.is_valid(), read.errors) == (False, {field: [message]})


@time_machine.travel("2026-03-02T08:00:00Z", tick=False)
def test_mail_files__when_written_within_a_second__then_the_newest_stands_last(tmp_path):
    for number in range(12):
        mailer = get_connection(FILES, file_path=str(tmp_path))
        EmailMessage(str(number), "", "a@example.com", ["b@example.com"], connection=mailer).send()
    files = sorted(tmp_path.iterdir())
    assert [re.findall(r"^Subject: (\d+)$", file.read_text(), re.M) for file in files] == [[str(n)] for n in range(12)]
