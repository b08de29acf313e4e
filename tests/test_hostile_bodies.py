"""What can come over the wire, against every route with good credentials: never a 5xx, never a half-stored thing."""

import json
from typing import Any

import pytest
from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.test import RequestFactory
from drf_spectacular.generators import SchemaGenerator

from cbt.http.face import STATUS
from cbt.wsgi import Utf8Request, application
from tests import calls
from tests.calls import Form, body_of, caller_of, own_values, query_of
from tests.routes import ROUTES, Route
from tests.rows import changes, snapshot, watched_writes
from tests.support import ERROR_KEYS
from tests.world import World

pytestmark = pytest.mark.django_db
CODES = {code.value for code in STATUS}
WRITES = [row for row in ROUTES if row.method in {"POST", "PUT", "PATCH"}]
#: Always refused; each (name, bytes, content type).
REFUSED: list[tuple[str, bytes, str]] = [
    ("nul", b'{"name":"a\\u0000b","answers":{"q3":"a\\u0000b"}}', "application/json"),
    ("nul in a name", b'{"a\\u0000":1}', "application/json"),
    ("surrogate", b'{"name":"\\ud800"}', "application/json"),
    ("NaN", b'{"x":NaN}', "application/json"),
    ("infinity", b'{"x":1e400}', "application/json"),
    ("5000 digits", b'{"x":' + b"1" * 5000 + b"}", "application/json"),
    ("beyond 2**53", b'{"x":9007199254740993}', "application/json"),
    *((f"depth {n}", b'{"x":' + b"[" * n + b"]" * n + b"}", "application/json") for n in (100, 1000, 10**4)),
    ("depth 100000", b"[" * 10**5, "application/json"),
    ("not UTF-8", b'{"name":"\xff\xfe"}', "application/json"),
    ("byte order mark", b'\xef\xbb\xbf{"name":"a"}', "application/json"),
    ("cut off", b'{"name":"a', "application/json"),
    ("trailing", b'{"name":"a"} x', "application/json"),
    ("array", b"[1,2]", "application/json"),
    ("string", b'"name"', "application/json"),
    ("number", b"5", "application/json"),
    ("null", b"null", "application/json"),
    ("true", b"true", "application/json"),
    ("single quotes", b"{'name': 'a'}", "application/json"),
    ("bz2 charset", b'{"name":"a"}', "application/json; charset=bz2_codec"),
    ("utf-7", b'{"name":"a"}', "application/json; charset=utf-7"),
    ("utf-16", '{"name":"a"}'.encode("utf-16"), "application/json; charset=utf-16"),
    ("no such charset", b'{"name":"a"}', "application/json; charset=nothing"),
    ("xml", b"<a/>", "application/xml"),
    ("plain text", b'{"name":"a"}', "text/plain"),
    ("no type", b'{"name":"a"}', "x"),
    ("no boundary", b"--x\r\n\r\na\r\n--x--", "multipart/form-data"),
    ("wrong boundary", b"--x\r\n\r\na\r\n--x--", "multipart/form-data; boundary=" + "b" * 300),
    ("non-ascii boundary", b"--x\r\n", "multipart/form-data; boundary=\xe9"),
]  # fmt: skip
#: May be taken or refused, but never end in a fault.
ANY: list[tuple[str, bytes, str]] = [
    ("empty", b"", "application/json"),
    ("empty object", b"{}", "application/json"),
    ("twice the same name", b'{"name":"a","name":"b","answers":{"q1":"a","q1":"b"}}', "application/json"),
    ("20000 names", json.dumps({f"k{index}": index for index in range(20_000)}).encode(), "application/json"),
    ("20000 answers", json.dumps({"answers": {f"k{i}": i for i in range(20_000)}}).encode(), "application/json"),
    ("form", b"name=a&email=%FF&x=%00", "application/x-www-form-urlencoded"),
    ("form with 3000 fields", b"&".join(b"a%d=1" % i for i in range(3000)), "application/x-www-form-urlencoded"),
    ("cut off multipart", b'--x\r\nContent-Disposition: form-data; name="a"', "multipart/form-data; boundary=x"),
    ("file without a name", b'--x\r\nContent-Disposition: form-data; name="photo"; filename=""\r\n\r\na\r\n--x--\r\n',
     "multipart/form-data; boundary=x"),
    ("file with a path", b'--x\r\nContent-Disposition: form-data; name="photo"; filename="../../etc/x.png"\r\n\r\na\r\n'
     b"--x--\r\n", "multipart/form-data; boundary=x"),
    ("multipart with NUL", b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\na\x00b\r\n--x--\r\n',
     "multipart/form-data; boundary=x"),
    ("multipart with bad base64", b'--x\r\nContent-Disposition: form-data; name="photo"; filename="a.png"\r\n'
     b"Content-Transfer-Encoding: base64\r\n\r\n!!!\r\n--x--\r\n", "multipart/form-data; boundary=x"),
]  # fmt: skip
#: More than any database holds, as text: the bound on numbers in JSON does not see it.
DIGITS = "99999999999999999999"
KINDS: list[Any] = [None, 5, "x" * 5000, [], {}, True, -1, 10**15, DIGITS, [DIGITS], "\u202e"]
ODD: list[Any] = [[[]], [None], {"a": {"b": 1}}, 0.1 + 0.2, "2026-99-99", "' OR 1=1 --", [1, "a", None]]
HOSTILE_VALUES = [*KINDS, *ODD]
QUERIES = (
    "per_page=-1", "per_page=0", "per_page=1e9", "page=99999999999999999999", "page=-5", "page=%C2%B2", "limit=x",
    "page=" + "9" * 5000, "sort_by=password", "sort_by=user__password", "sort_by=-id", "sort_order=;drop",
    "search=%25", "search=_", "search=%27%22%5C", "search=" + "x" * 5000, "search=%ED%A0%80", "search=%FF",
    "company_id=abc", "company_id=99999999999999999999", "test=%D9%A1", "participant=-1", "participant=" + "9" * 18,
    "status=nothing", "banned=maybe", "flagged=2", "date_from=0000-00-00", "date_from=9999-12-31T23:59:59-23:59",
    "date_to=0001-01-01", "passed=x", "format=exe", "is_active=%00", "page[]=1", "page=1&page=2", "category=%C2%B9",
    "type=x", "per_page=%0A5", "search=%E2%80%AE",
)  # fmt: skip


def raw(route: Route, world: World, data: bytes, content_type: str, **extra: Any) -> Any:
    """Send bytes as they are, with good credentials."""
    side = world.own
    path, query = route.fill(own_values(route, world, side)), query_of(route, side)
    headers = dict(extra.pop("headers", {}))
    token = caller_of(route, world)
    if token:
        headers["Authorization"] = f"Bearer {token}"
    full = f"{path}?{query}" if query else path
    return calls.read(calls.client().generic(route.method, full, data, content_type, headers=headers, **extra))


def fault_of(response: Any, *, refused: bool = False) -> str:
    """Return what is wrong with an answer to something hostile, "" when nothing is."""
    if response.status_code < 300:
        return f"{response.status_code} for a body that cannot be read" if refused else ""
    if response.status_code >= 500 and b'"FACE_UNAVAILABLE"' not in response.body:
        return f"{response.status_code} {response.body[:300]!r}"
    if response.headers.get("Content-Type") != "application/json":
        return f"{response.status_code} as {response.headers.get('Content-Type')}"
    body = json.loads(response.body)
    if set(body) != ERROR_KEYS or body["error_code"] not in CODES or body["status_code"] != response.status_code:
        return f"not the error body: {body}"
    if not isinstance(body["errors"], dict) or not isinstance(body["details"], dict):
        return f"errors and details must be objects: {body}"
    text = response.body.decode()
    if any(
        word in text for word in ("Traceback", "SELECT ", "psycopg", "sqlite", "site-packages", settings.SECRET_KEY)
    ):
        return f"tells its inside: {text[:300]}"
    return ""


class Attack:
    """Sends, undoes, and notes faults; a refusal that stored something is one."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.faults: list[str] = []
        self.before = snapshot()
        self.count = 0

    def send(self, route: Route, name: str, act: Any, *, refused: bool = False) -> None:
        self.count += 1
        with calls.undone():
            before = self.before
            if str(route) in calls.PREPARED:
                calls.prepare(route, self.world, self.world.own)
                before = snapshot()
            with watched_writes() as writes:
                response = act()
            fault = fault_of(response, refused=refused)
            if not fault and response.status_code >= 300 and writes:
                stored = changes(before, snapshot())
                fault = f"{response.status_code}, but stored {stored}"[:400] if stored else ""
        if fault:
            self.faults.append(f"{route} <- {name}: {fault}")

    def done(self, at_least: int) -> None:
        assert self.faults == [], f"{len(self.faults)} faults\n" + "\n".join(self.faults[:60])
        assert self.count >= at_least


def share(cases: list[Any] | tuple[Any, ...], place: int, parts: int) -> list[Any]:
    """Return one of ``parts`` shares of the cases for the route at this place; its neighbours get the others.

    Parsers and base views are shared by all routes: every case meets many routes, not every route every case.
    """
    return [case for number, case in enumerate(cases) if (number + place) % parts == 0]


def _sendable(bodies: list[tuple[str, bytes, str]], route: Route, world: World) -> list[tuple[str, bytes, str]]:
    """Leave out what fails before any code of ours runs; `test_charset__…` has it."""
    has_query = bool(query_of(route, world.own))
    return [row for row in bodies if not (has_query and "bz2" in row[2])]


def test_charset__when_no_text_encoding_and_a_query__then_answered():
    """Django's own request dies of it before any middleware; ours reads addresses as UTF-8, whatever a body claims."""
    environ = RequestFactory()._base_environ(
        PATH_INFO="/api/nowhere", QUERY_STRING="token=x", CONTENT_TYPE="application/json; charset=bz2_codec"
    )
    with pytest.raises(LookupError):
        WSGIRequest(environ)
    request = Utf8Request(environ)
    assert (request.encoding, request.GET["token"], request.content_type) == (None, "x", "application/json")
    assert application.request_class is Utf8Request


def reads_body(route: Route, world: World) -> bool:
    """Tell whether a route takes a body at all."""
    return body_of(route, world, world.own) is not None


def test_unreadable_bodies__then_refused(world):
    attack = Attack(world)
    for place, route in enumerate(WRITES):
        if not reads_body(route, world):
            continue
        is_form = isinstance(body_of(route, world, world.own), Form)
        for name, data, content_type in _sendable(share(REFUSED, place, 3), route, world):
            attack.send(
                route, name, lambda r=route, d=data, c=content_type: raw(r, world, d, c), refused=not is_form
            )  # fmt: skip
    attack.done(500)


def test_odd_bodies__then_never_a_fault(world):
    attack = Attack(world)
    for place, route in enumerate(WRITES):
        more = REFUSED if not reads_body(route, world) else []
        for name, data, content_type in _sendable(share([*ANY, *more], place, 3), route, world):
            attack.send(route, name, lambda r=route, d=data, c=content_type: raw(r, world, d, c))
    attack.done(300)


def test_encoded_chunked_and_huge_bodies__then_refused_before_anything_is_read(world):
    attack = Attack(world)
    good = b'{"answers":{"q1":"a"},"name":"a"}'
    for route in WRITES:
        for name, headers, extra, status in (
            ("gzip", {"Content-Encoding": "gzip"}, {}, 415),
            ("br", {"Content-Encoding": "br"}, {}, 415),
            ("chunked", {"Transfer-Encoding": "chunked"}, {"CONTENT_LENGTH": ""}, 411),
            ("huge", {}, {"CONTENT_LENGTH": str(10**12)}, 413),
            ("no number", {}, {"CONTENT_LENGTH": "12a"}, 400),
            ("negative", {}, {"CONTENT_LENGTH": "-1"}, 400),
            ("plus", {}, {"CONTENT_LENGTH": "+5"}, 400),
            ("other digits", {}, {"CONTENT_LENGTH": "\u0661\u0662"}, 400),
            ("superscript", {}, {"CONTENT_LENGTH": "\u00b2"}, 400),
        ):

            def act(r=route, h=headers, e=extra, s=status, n=name):
                response = raw(r, world, good, "application/json", headers=h, **e)
                if response.status_code != s:
                    attack.faults.append(f"{r} <- {n}: {response.status_code} instead of {s}")
                return response

            attack.send(route, name, act, refused=True)
    attack.done(200)


def documented_fields() -> dict[tuple[str, str], list[str]]:
    """Return {(method, path): names of the body's fields} as OpenAPI documents them."""
    schema = SchemaGenerator().get_schema(request=None, public=True)
    found = {}
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            for content in (operation.get("requestBody") or {}).get("content", {}).values():
                reference = content["schema"].get("$ref", "").rpartition("/")[2]
                shape = schema["components"]["schemas"].get(reference, content["schema"])
                found[method.upper(), path] = list(shape.get("properties", {}))
    return found


def test_every_documented_field__when_of_a_wrong_kind__then_never_a_fault(world):
    from tests.routes import shape_of

    fields = {(method, shape_of(path)): names for (method, path), names in documented_fields().items()}
    attack = Attack(world)
    for place, route in enumerate(WRITES):
        if not reads_body(route, world):
            assert route.shape not in fields, f"{route} documents a body and takes none"
            continue
        body = body_of(route, world, world.own)
        for index, name in enumerate(fields[route.shape]):
            for value in share([*KINDS, *ODD], place + index, 5):

                def act(r=route, n=name, v=value, b=body):
                    if isinstance(b, Form):
                        changed: Any = Form({**b.fields, n: str(v)})
                    else:
                        changed = {**b, n: v}
                    return calls.call(r, world, body=changed)

                attack.send(route, f"{name}={str(value)[:40]!r} ({type(value).__name__})", act)
    attack.done(600)


def test_ids__when_digits_beyond_what_a_database_holds__then_never_a_fault(world):
    attack = Attack(world)
    fields = documented_fields()
    for route in WRITES:
        body = body_of(route, world, world.own)
        for name in fields.get((route.method, route.path), []):
            if not name.endswith(("_id", "_ids")) or body is None:
                continue
            value = [DIGITS] if name.endswith("_ids") else DIGITS
            changed = Form({**body.fields, name: DIGITS}) if isinstance(body, Form) else {**body, name: value}
            attack.send(route, f"{name}={value}", lambda r=route, b=changed: calls.call(r, world, body=b))
    attack.done(8)


def test_aliases_and_inner_values__when_of_a_wrong_kind__then_never_a_fault(world):
    """Names that are read besides the documented ones, and places below the first level."""
    cases = {
        "POST /api/participants": ["start_date", "end_date"],
        "POST /api/auth/login": ["username", "nomor_peserta"],
        "POST /api/auth/register": ["password_confirmation"],
    }
    attack = Attack(world)
    for route in WRITES:
        for name in cases.get(str(route), []):
            for value in HOSTILE_VALUES:
                body = dict(body_of(route, world, world.own) or {})
                body.pop(f"schedule_{name}", None)
                attack.send(
                    route,
                    f"{name}={value!r:.40}",
                    lambda r=route, b={**body, name: value}: calls.call(r, world, body=b),
                )
    save = next(row for row in WRITES if row.path.endswith("/save-answers"))
    for key in ("q1", "q2", "q3", "", "x" * 5000, "q1 ", "\u202e"):
        for value in HOSTILE_VALUES:
            attack.send(save, f"answers.{key[:20]}={value!r:.40}",
                        lambda b={"answers": {"q1": "b", key: value}}: calls.call(save, world, body=b))  # fmt: skip
    cheat = next(row for row in WRITES if row.path.endswith("/cheat/log"))
    for value in HOSTILE_VALUES:
        body = {"detection_type": "tab_switch", "detection_data": {"timestamp": value}}
        attack.send(cheat, f"timestamp={value!r:.40}", lambda b=body: calls.call(cheat, world, body=b))
    attack.done(150)


def test_save__when_one_answer_is_bad__then_nothing_of_the_batch_is_stored(world):
    save = next(row for row in WRITES if row.path.endswith("/save-answers"))
    for bad in ({"q1": "zzz"}, {"q2": "text"}, {"nope": 1}, {"q3": 5}):
        before = snapshot()
        response = calls.call(save, world, body={"answers": {"q3": "kept?", "q1": "a", **bad}})
        assert response.status_code == 422, response.body
        assert changes(before, snapshot()) == {}


def test_queries__when_hostile__then_never_a_fault(world):
    attack = Attack(world)
    for place, route in enumerate(row for row in ROUTES if row.is_read):
        extra = query_of(route, world.own)
        for query in share(QUERIES, place, 4):
            if route.path.endswith("}") and "page" not in query and "%" not in query:
                continue

            def act(r=route, q=query, e=extra):
                return calls.call(r, world, query=f"{e}&{q}" if e else q)

            attack.send(route, query[:60], act)
    attack.done(700)


def test_paths__when_hostile__then_json_404(world):
    attack = Attack(world)
    odd = (
        "0", "-1", "1e3", "99999999999999999999", "9" * 400, "%00", "%2e%2e%2fx", "%ED%A0%80", "%FF", "%E2%80%AE",
        "a" * 4000, "' OR 1=1 --", "null",
    )  # fmt: skip
    for route in ROUTES:
        for name in route.params:
            for value in odd:

                def act(r=route, n=name, v=value):
                    values = {**own_values(r, world, world.own), n: v}
                    query = "" if n == "token" else query_of(r, world.own)
                    body = body_of(r, world, world.own)
                    return calls.send(r, r.fill(values), body, token=caller_of(r, world), query=query)

                attack.send(route, f"{name}={value[:30]}", act, refused=True)
    attack.done(500)


def test_methods__when_not_offered__then_405_with_allow(world):
    attack = Attack(world)
    offered: dict[str, set[str]] = {}
    for route in ROUTES:
        offered.setdefault(route.path, set()).add(route.method)
    for route in ROUTES:
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"} - offered[route.path]:

            def act(r=route, m=method):
                path = r.fill(own_values(r, world, world.own))
                token = caller_of(r, world)
                headers = {"Authorization": f"Bearer {token}"} if token else {}
                response = calls.read(calls.client().generic(m, path, b"", "application/json", headers=headers))
                if response.status_code != 405 or not response.headers.get("Allow"):
                    attack.faults.append(f"{m} {r.path}: {response.status_code}, Allow {response.headers.get('Allow')}")
                return response

            attack.send(route, method, act, refused=True)
    attack.done(300)


def test_tokens__when_hostile__then_a_refusal(world):
    attack = Attack(world)
    for route in ROUTES:
        if route.permission == "assignment_token" and "token" not in route.params:
            for token in ("%00", "%FF", "x" * 20_000, "%ED%A0%80", "a&token=b", "%E2%80%AE", "' OR 1=1 --"):
                attack.send(
                    route, token[:20],
                    lambda r=route, t=token: calls.send(r, r.path, body_of(r, world, world.own), query=f"token={t}"),
                    refused=True,
                )  # fmt: skip
    bearer = next(row for row in ROUTES if str(row) == "GET /api/auth/me")
    for value in ("x" * 20_000, "\xff", "a.b.c", "..", "eyJ.eyJ.", "Bearer"):
        attack.send(
            bearer, value[:20],
            lambda v=value: calls.send(bearer, bearer.path, None, Authorization=f"Bearer {v}"), refused=True,
        )  # fmt: skip
    attack.done(30)
