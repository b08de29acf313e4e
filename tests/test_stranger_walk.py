"""Every route as somebody it is none of the business of. Generated from routes.csv: a new route cannot be forgotten.

The foreign side (company B, buyer Y) is never told, never changed, and looks as if it did not exist.
"""

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from accounts.states import Role
from tests import calls
from tests.calls import body_of, own_values, query_of, send
from tests.routes import ROUTES, Route
from tests.rows import changes, snapshot, watched_writes
from tests.world import MARK_FOREIGN, MISSING, World

pytestmark = pytest.mark.django_db
#: Routes that a login made before verification may use; by decision nothing else.
UNVERIFIED_MAY = {"GET /api/auth/me", "POST /api/auth/logout", "POST /api/auth/resend-verification"}
#: Query filters that name somebody's rows, sent to every list.
ID_FILTERS = (
    "participant", "participant_id", "company", "company_id", "user", "user_id", "session", "session_id",
    "assignment_id", "buyer_id",
)  # fmt: skip
REFUSED = {"FORBIDDEN", "COMPANY_ADMIN_NOT_FOUND"}
#: How the contract says "there is none" where it does not say 404.
ABSENT_ELSEWHERE = {
    "GET /api/my-tests/{testId}/instructions": (400, "TEST_NOT_PURCHASED"),
    "POST /api/my-tests/{testId}/start": (400, "TEST_NOT_PURCHASED"),
    "DELETE /api/cart/{testId}": (400, "BUSINESS_RULE"),
}
MISSING_TOKEN = "NOSUCHTOKENNOSUCHTOKENNOSUCHTOKE"
#: Parameters that belong to one side. `test`, `category` and `question` are everybody's; their hidden rows stand in.
FOREIGN_PARAMS = {
    "participant", "assignment", "session", "detection", "result", "testId", "test", "token", "sessionToken", "name",
    "user", "company", "admin", "subscription", "invoice", "payment", "transactionId", "import",
    "attemptId",
}  # fmt: skip
SHARED_PARAMS = {"category", "question", "plan", "price", "exam", "examId", "attendance", "filename"}


def foreign_values(world: World) -> dict[str, list[Any]]:
    """Return everything of the foreign side that could be put into a path."""
    foreign = world.foreign
    assignment, session = foreign.assignments[0][0], foreign.started["open"].session
    opaque = [
        foreign.participant.unique_token, foreign.participant.pk, assignment.nonce, assignment.token_hash,
        session.nonce, session.token_hash,
    ]  # fmt: skip
    sessions = [one.session.pk for one in foreign.started.values()]
    return {
        "participant": [foreign.participant.pk, foreign.banned.pk],
        "assignment": [assignment.pk for assignment, _ in foreign.assignments],
        "session": sessions,
        "detection": [foreign.detection.pk],
        "result": [foreign.result.pk, foreign.buyer_result.pk],
        "testId": [world.common.plain.pk],
        "test": [world.common.hidden.pk],
        "user": [foreign.buyer.pk, foreign.admin.pk],
        "company": [foreign.company.pk],
        "admin": [foreign.admin.company_admin.pk, foreign.second.pk],
        "subscription": [foreign.subscription.pk],
        "invoice": [foreign.invoice.pk],
        "payment": [foreign.payment.pk],
        "transactionId": [foreign.order.pk],
        "import": [foreign.batch.pk],
        "attemptId": [foreign.of_faces.get("attemptId", 0)],
        "token": [*opaque, foreign.open_token],
        "sessionToken": [*opaque, foreign.link, foreign.open_token.lower(), foreign.open_token[:-1]],
        "name": [foreign.photo.path, f"../{foreign.photo.path}", foreign.photo.path.replace("/", "//")],
    }


def foreign_fillings(route: Route, world: World) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Return pairs of path values: something foreign in at least one place, and nothing at all in the same places."""
    own, foreign = own_values(route, world, world.own), foreign_values(world)
    places = [name for name in route.params if name in FOREIGN_PARAMS]
    if Role.TENANT_ADMIN not in route.roles and Role.PUBLIC_USER not in route.roles and route.needs_login:
        places = []  # only staff of the house may call it, and staff sees everything
    for chosen in itertools.chain.from_iterable(
        itertools.combinations(places, size) for size in range(1, len(places) + 1)
    ):
        for values in itertools.product(*(foreign[name] for name in chosen)):
            taken = dict(zip(chosen, values, strict=True))
            nothing = {name: _nobody(name) for name in chosen}
            yield {**own, **taken}, {**own, **nothing}


def _nobody(name: str) -> Any:
    return {
        "token": MISSING_TOKEN, "sessionToken": MISSING_TOKEN, "name": "test-sessions/photos/nothing.png",
    }.get(name, MISSING)  # fmt: skip


def seen(response: Any) -> tuple[Any, ...]:
    """Return all that a caller can tell two answers apart by, without what is random or a clock."""
    headers = {
        name: value for name, value in response.headers.items() if name not in {"X-Request-ID", "Content-Disposition"}
    }
    try:
        body = json.loads(response.body)
    except ValueError:
        return response.status_code, len(response.body), headers
    if isinstance(body, dict):
        body.pop("request_id", None)
    headers.pop("Content-Length", None)
    return response.status_code, json.dumps(body, sort_keys=True), headers


def leaks(response: Any, world: World) -> list[str]:
    """Return what of the foreign side stands in body or headers."""
    text = (response.body.decode("utf-8", "replace") + str(dict(response.headers))).lower()
    # An id is a whole number: a measured time may have its digits somewhere behind the point.
    numbers = set(re.findall(r"(?<![\d.])\d+", text))
    return [planted for planted in world.foreign.planted if planted in (numbers if planted.isdigit() else text)]


class Walk:
    """Sends requests, undoes them, and notes what must not be."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.before = snapshot()
        self.faults: list[str] = []
        self.count = 0
        self.answers: dict[tuple[str, str, str | None], tuple[Any, ...]] = {}

    def send(self, route: Route, values: dict[str, Any], **more: Any) -> Any:
        """Send one request, look for leaks and for what it did to foreign rows."""
        self.count += 1
        body = body_of(route, self.world, self.world.own)
        path = route.fill(values)
        query = more.pop("query", query_of(route, self.world.own))
        with calls.undone():
            with watched_writes() as writes:
                response = send(route, path, body, query=query, **more)
            if writes:
                self._check_rows(route, path)
        if response.status_code >= 500 and b'"FACE_UNAVAILABLE"' not in response.body:
            self.fault(route, path, f"{response.status_code} {response.body[:200]!r}")
        for planted in leaks(response, self.world):
            self.fault(route, path, f"tells {planted}")
        return response

    def nothing(self, route: Route, values: dict[str, Any], **more: Any) -> tuple[Any, ...]:
        """Return what is seen for ids that do not exist; asked once."""
        key = (str(route), route.fill(values), more.get("token"))
        if key not in self.answers:
            self.answers[key] = seen(self.send(route, values, **more))
        return self.answers[key]

    def _check_rows(self, route: Route, path: str) -> None:
        planted = self.world.foreign.planted
        for table, rows in changes(self.before, snapshot()).items():
            for row in rows:
                text = str(row).lower()
                if any(word in text for word in planted):
                    self.fault(route, path, f"writes a foreign row or of one in {table}: {text[:200]}")

    def fault(self, route: Route, path: str, text: str) -> None:
        self.faults.append(f"{route} [{path}]: {text}")

    def expect(self, route: Route, path: str, response: Any, status: int, codes: set[str]) -> None:
        """Note an answer that is not this refusal."""
        code = json.loads(response.body).get("error_code") if response.status_code >= 400 else None
        if response.status_code != status or code not in codes:
            self.fault(route, path, f"{response.status_code} {code} instead of {status} {codes}")

    def done(self) -> None:
        assert self.faults == [], "\n".join(self.faults[:40])


def own_path(route: Route, world: World) -> dict[str, Any]:
    return own_values(route, world, world.own)


def test_params__then_each_is_known():
    named = {name for row in ROUTES for name in row.params}
    assert named <= FOREIGN_PARAMS | SHARED_PARAMS


def test_world__then_the_foreign_side_can_be_told(world):
    """Control: what is planted is found where it may be seen, so a search that finds nothing means something."""
    path = f"/api/participants/{world.foreign.participant.pk}"
    route = next(row for row in ROUTES if str(row) == "GET /api/participants/{participant}")
    response = send(route, path, None, token=world.foreign.admin_token)
    assert response.status_code == 200
    found = leaks(response, world)
    assert MARK_FOREIGN.lower() in found
    assert str(world.foreign.participant.pk) in found
    assert world.foreign.link.lower() in found
    assert len(world.foreign.rows) > 60


def test_anonymous__then_401_wherever_a_login_is_needed(world):
    walk = Walk(world)
    for route in ROUTES:
        if not route.needs_login:
            continue
        response = walk.send(route, own_path(route, world))
        walk.expect(route, "own ids", response, 401, {"UNAUTHENTICATED"})
        if response.headers.get("WWW-Authenticate") != "Bearer":
            walk.fault(route, "", "401 without WWW-Authenticate")
        for foreign, nothing in itertools.islice(foreign_fillings(route, world), 3):
            if seen(walk.send(route, foreign)) != walk.nothing(route, nothing):
                walk.fault(route, str(foreign), "a stranger can tell what exists")
    walk.done()


@pytest.mark.parametrize("token", ["garbage", "a.b.c", "", "eyJhbGciOiJub25lIn0.eyJzaWQiOiIxIn0."])
def test_bad_bearer__then_401_wherever_a_login_is_read(world, token):
    walk = Walk(world)
    for route in ROUTES:
        if not route.needs_login:
            continue
        response = walk.send(route, own_path(route, world), Authorization=f"Bearer {token}")
        walk.expect(route, "", response, 401, {"UNAUTHENTICATED"})
    walk.done()


def test_unverified_login__then_only_three_routes(world):
    walk = Walk(world)
    for route in ROUTES:
        if not route.needs_login:
            continue
        response = walk.send(route, own_path(route, world), token=world.fresh_token)
        if str(route) in UNVERIFIED_MAY:
            if response.status_code != 200:
                walk.fault(route, "", f"{response.status_code} for an unverified login")
        else:
            walk.expect(route, "", response, 403, {"FORBIDDEN"})
    walk.done()


@pytest.mark.parametrize("role", [role.value for role in Role])
def test_wrong_role__then_403(world, role):
    walk = Walk(world)
    for route in ROUTES:
        if not route.needs_login or role in route.roles:
            continue
        for values in (own_path(route, world), *itertools.islice((pair[0] for pair in _any_ids(route, world)), 2)):
            response = walk.send(route, values, token=world.login(role))
            walk.expect(route, str(values), response, 403, REFUSED)
            if response.status_code == 403 and json.loads(response.body)["message"] not in {
                "Unauthorized", "Company admin not found",
            }:  # fmt: skip
                walk.fault(route, "", response.body.decode())
    walk.done()


def _any_ids(route: Route, world: World) -> Iterator[tuple[dict[str, Any], None]]:
    foreign = foreign_values(world)
    own = own_path(route, world)
    for name in route.params:
        for value in foreign.get(name, []):
            yield {**own, name: value}, None


@pytest.mark.parametrize("role", [Role.TENANT_ADMIN.value, Role.PUBLIC_USER.value])
def test_right_role__when_the_id_is_foreign__then_as_if_it_did_not_exist(world, role):
    walk = Walk(world)
    token = world.login(role)
    pairs = 0
    for route in ROUTES:
        if role not in route.roles:
            continue
        for foreign, nothing in foreign_fillings(route, world):
            pairs += 1
            one, other = walk.send(route, foreign, token=token), walk.nothing(route, nothing, token=token)
            if seen(one) != other:
                walk.fault(route, str(foreign), f"{seen(one)} unlike {other}")
            code = json.loads(one.body).get("error_code")
            if (one.status_code, code) not in {(404, "NOT_FOUND"), ABSENT_ELSEWHERE.get(str(route))}:
                walk.fault(route, str(foreign), f"{one.status_code} {code} for a foreign id")
    walk.done()
    assert pairs > {"tenant_admin": 50, "public_user": 3}[role]


@pytest.mark.parametrize("role", [Role.TENANT_ADMIN.value, Role.PUBLIC_USER.value])
def test_right_role__when_everything_is_its_own__then_nothing_foreign_is_told_or_touched(world, role):
    walk = Walk(world)
    answered = 0
    for route in ROUTES:
        if route.needs_login and role not in route.roles:
            continue
        values = own_path(route, world)
        if "result" in values and role == Role.PUBLIC_USER:
            values["result"] = world.own.buyer_result.pk
        answered += walk.send(route, values, token=world.login(role) if route.needs_login else "").status_code < 300
    walk.done()
    assert answered > 30


@pytest.mark.parametrize("role", [Role.TENANT_ADMIN.value, Role.PUBLIC_USER.value])
def test_lists__when_filtered_by_what_is_foreign__then_as_by_what_does_not_exist(world, role):
    walk = Walk(world)
    foreign, token = world.foreign, world.login(role)
    ids = {
        "participant": foreign.participant.pk, "company": foreign.company.pk, "user": foreign.buyer.pk,
        "session": foreign.started["completed"].session.pk, "assignment": foreign.assignments[0][0].pk,
        "buyer": foreign.buyer.pk,
    }  # fmt: skip
    for route in ROUTES:
        if not route.is_read or role not in route.roles or route.path.endswith("}"):
            continue
        values = own_path(route, world)
        more = "&format=csv" if route.path.endswith("/export") else ""
        nobody: dict[tuple[str, Any], Any] = {}
        asked = [(name, ids[name.removesuffix("_id")], MISSING) for name in ID_FILTERS]
        asked += [
            ("search", word, "nothinglikethis")
            for word in (foreign.participant.name, foreign.participant.email, foreign.buyer.email, foreign.company.name)
        ]
        for name, theirs, nobodys in asked:
            one = walk.send(route, values, token=token, query=f"{name}={theirs}{more}")
            if (name, nobodys) not in nobody:
                other = walk.send(route, values, token=token, query=f"{name}={nobodys}{more}")
                nobody[name, nobodys] = _without_clock(other)
            if _without_clock(one) != nobody[name, nobodys]:
                walk.fault(route, f"{name}={theirs}", "differs from a filter by nothing")
    walk.done()


def _without_clock(response: Any) -> Any:
    """Times and signatures move from one request to the next; the rest of the answer must not."""
    status, body, headers = seen(response)
    if response.headers["Content-Type"] != "application/json":
        # A workbook carries the second it was written in.
        return status, response.body if "csv" in response.headers["Content-Type"] else None, headers
    return status, _still(json.loads(body)), headers


def _still(value: Any) -> Any:
    if isinstance(value, dict):
        moving = {"server_time", "remaining_seconds", "time_spent_seconds", "url"}
        return {key: _still(item) for key, item in value.items() if key not in moving}
    if isinstance(value, list):
        return [_still(item) for item in value]
    return value


def test_tenant_without_subscription__then_refused_exactly_where_one_is_needed(world):
    walk = Walk(world)
    needed = 0
    for route in ROUTES:
        if Role.TENANT_ADMIN not in route.roles:
            continue
        for values in (own_path(route, world), *itertools.islice((pair[0] for pair in _any_ids(route, world)), 2)):
            response = walk.send(route, values, token=world.poor_token)
            body = json.loads(response.body)
            if route.subscription:
                needed += 1
                walk.expect(route, str(values), response, 403, {"SUBSCRIPTION_REQUIRED"})
                if body.get("message") != "No active subscription found":
                    walk.fault(route, "", body.get("message"))
            elif body.get("error_code") == "SUBSCRIPTION_REQUIRED":
                walk.fault(route, str(values), "asks for a subscription")
    walk.done()
    assert needed > 30


def test_tokens__when_they_are_something_else_of_the_foreign_side__then_as_if_they_did_not_exist(world):
    walk = Walk(world)
    for route in ROUTES:
        if route.permission not in {"session_token", "assignment_token", "signed_url"}:
            continue
        for foreign, nothing in foreign_fillings(route, world):
            one, other = walk.send(route, foreign), walk.nothing(route, nothing)
            if seen(one) != other:
                walk.fault(route, str(foreign), f"{seen(one)} unlike {other}")
            if one.status_code != 404:
                walk.fault(route, str(foreign), f"{one.status_code} for no token at all")
    walk.done()


def test_query_token__when_it_is_something_else_of_the_foreign_side__then_as_if_it_did_not_exist(world):
    walk = Walk(world)
    for route in ROUTES:
        if route.permission != "assignment_token" or "token" in route.params:
            continue
        nobody = seen(walk.send(route, {}, query=f"token={MISSING_TOKEN}"))
        for value in foreign_values(world)["token"]:
            response = walk.send(route, {}, query=f"token={value}")
            if seen(response) != nobody or response.status_code != 404:
                walk.fault(route, str(value), "opens something")
        walk.expect(route, "no token", walk.send(route, {}, query=""), 400, {"TOKEN_REQUIRED"})
    walk.done()


def test_own_tokens__then_nothing_foreign_is_told_or_touched(world):
    walk = Walk(world)
    own, foreign = world.own, world.foreign
    for route in ROUTES:
        if route.permission == "session_token":
            for started in own.started.values():
                walk.send(route, {"sessionToken": started.token}, query=f"session={foreign.open_token[:4]}")
        elif route.permission == "assignment_token":
            for _, link in own.assignments:
                walk.send(route, {"token": link}, query=f"token={link}&participant_id={foreign.participant.pk}")
    walk.done()
    assert walk.count > 60


def test_session_routes__when_a_bearer_of_another_company_is_sent_along__then_it_opens_nothing(world):
    walk = Walk(world)
    for route in ROUTES:
        if route.permission == "session_token":
            response = walk.send(route, {"sessionToken": MISSING_TOKEN}, token=world.own.admin_token)
            walk.expect(route, "", response, 404, {"NOT_FOUND"})
    walk.done()


def test_signed_address__when_the_signature_is_of_another_file__then_404(world):
    route = next(row for row in ROUTES if row.permission == "signed_url")
    walk = Walk(world)
    own = query_of(route, world.own)
    for query in (own, "", "signature=", "signature=x:y", own + "x"):
        response = walk.send(route, {"name": world.foreign.photo.path}, query=query)
        walk.expect(route, query, response, 404, {"NOT_FOUND"})
    walk.done()


def test_bodies__when_they_name_foreign_things__then_nothing_foreign_is_told_or_touched(world):
    """Every write, with ids of the foreign side under every name a body could carry them."""
    walk = Walk(world)
    foreign = world.foreign
    ids = {
        "id": foreign.participant.pk, "participant_id": foreign.participant.pk, "company_id": foreign.company.pk,
        "company": foreign.company.pk, "user_id": foreign.buyer.pk, "session_id": foreign.result.session_id,
        "test_session_id": foreign.result.session_id, "assignment_id": foreign.assignments[0][0].pk,
        "subscription_id": foreign.subscription.pk, "payment_id": foreign.payment.pk,
        "transaction_id": foreign.order.pk, "purchase_id": foreign.purchase.pk, "unique_token": foreign.link,
        "result_id": foreign.result.pk, "detection_id": foreign.detection.pk,
    }  # fmt: skip
    for route in ROUTES:
        if route.is_read or (route.roles and route.roles <= {Role.SUPER_ADMIN.value}):
            continue
        body = body_of(route, world, world.own)
        merged = calls.Form({**body.fields, **ids}) if isinstance(body, calls.Form) else {**(body or {}), **ids}
        with calls.undone():
            if route.method == "DELETE":
                continue
            walk.count += 1
            calls.prepare(route, world, world.own)
            response = send(
                route, route.fill(own_path(route, world)), merged,
                token=calls.caller_of(route, world), query=query_of(route, world.own),
            )  # fmt: skip
            walk._check_rows(route, "foreign ids in the body")
        for planted in leaks(response, world):
            walk.fault(route, "", f"tells {planted}")
        if response.status_code >= 500 and b'"FACE_UNAVAILABLE"' not in response.body:
            walk.fault(route, "", str(response.body[:200]))
    walk.done()
    assert walk.count > 20


def test_participant_create__when_the_address_is_invited_elsewhere__then_nothing_tells(world):
    """Addresses are unique within a company only: another company's invitation must not show."""
    route = next(row for row in ROUTES if str(row) == "POST /api/participants")
    walk = Walk(world)
    answers = []
    for address in (world.foreign.participant.email, "nobody@else.example"):
        with calls.undone():
            body = {**(body_of(route, world, world.own) or {}), "email": address}
            answers.append(send(route, route.path, body, token=world.own.admin_token))
    assert [answer.status_code for answer in answers] == [201, 201]
    assert str(world.foreign.participant.pk) not in answers[0].body.decode()
    walk.done()


def test_foreign_rows__when_all_walks_are_done__then_unchanged(world):
    """One walk without undoing: whatever the own side does for real, foreign rows stay as they are."""
    before = snapshot()
    skipped = {"POST /api/auth/logout", "POST /api/auth/reset-password"}
    for route in ROUTES:
        if str(route) in skipped:
            continue
        for role in (Role.TENANT_ADMIN.value, Role.PUBLIC_USER.value):
            if route.needs_login and role not in route.roles:
                continue
            calls.cache.clear()
            body = body_of(route, world, world.own)
            send(route, route.fill(own_path(route, world)), body, token=world.login(role) if route.needs_login else "",
                 query=query_of(route, world.own))  # fmt: skip
    after = snapshot()
    touched = [(table, key) for table, key in world.foreign.rows if before[table][key] != after[table].get(key)]
    assert touched == []
    assert len(changes(before, after)) > 8  # the walk did something
