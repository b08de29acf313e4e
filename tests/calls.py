"""How each route of the table is called properly: values for its path, a valid body, the right credential.

A new route without a line here makes `own_values` or `body_of` raise, and with them every walk over the table.
"""

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.core.cache import cache
from django.db import transaction
from django.test import Client
from django.test.client import ClientHandler

from accounts.states import Role
from catalog.tests.builders import document, question
from cbt.kernel import clock, storage
from sessions_app.models import ExamSession
from tests.routes import Route
from tests.support import Api
from tests.world import Side, World, upload

STAFF_FIRST = (Role.TENANT_ADMIN.value, Role.PUBLIC_USER.value, Role.SUPER_ADMIN.value)


@dataclass(frozen=True, slots=True)
class Form:
    """A body that is sent as multipart/form-data. fields may hold functions that make a file."""

    fields: dict[str, Any] = field(default_factory=dict)

    def made(self) -> dict[str, Any]:
        return {name: value() if callable(value) else value for name, value in self.fields.items()}


NO_BODY = None
Body = dict[str, Any] | Form | None
Maker = Callable[[World, Side], Body]
_REGISTER = {
    "name": "New Person", "email": "new@person.example", "password": "password123",
    "password_confirmation": "password123",
}  # fmt: skip
_OFFER = {
    "name": "New test", "code": "NEW-1", "price": 10, "type": "all", "question_count": 5, "duration_minutes": 30,
    "description": "d", "metadata": {}, "is_active": True, "sort_order": 1,
}  # fmt: skip


def _window() -> dict[str, str]:
    now = clock.now()
    return {
        "schedule_start_date": clock.iso(now + timedelta(days=1)) or "",
        "schedule_end_date": clock.iso(now + timedelta(days=2)) or "",
    }


BODIES: dict[str, Maker] = {
    "POST /api/auth/register": lambda world, side: _REGISTER,
    "POST /api/auth/register-company": lambda world, side: {
        **_REGISTER, "company_name": "New company", "company_email": "new@company.example", "company_phone": "1",
        "company_address": "Street",
    },
    "POST /api/auth/login": lambda world, side: {"email": side.buyer.email, "password": "password123"},
    "POST /api/auth/logout": lambda world, side: NO_BODY,
    "POST /api/auth/verify-email": lambda world, side: {"token": world.verify_token},
    "POST /api/auth/resend-verification": lambda world, side: NO_BODY,
    "POST /api/auth/forgot-password": lambda world, side: {"email": side.buyer.email},
    "POST /api/auth/reset-password": lambda world, side: {
        "token": world.reset_token, "email": side.buyer.email, "password": "password456",
        "password_confirmation": "password456",
    },
    "POST /api/test-categories": lambda world, side: {"name": "New category", "description": "d", "sort_order": 3},
    "PUT /api/test-categories/{category}": lambda world, side: {"name": "Renamed category"},
    "PATCH /api/test-categories/{category}": lambda world, side: {"description": "other"},
    "POST /api/tests": lambda world, side: _OFFER,
    "PUT /api/tests/{test}": lambda world, side: {**_OFFER, "code": "NEW-2"},
    "PATCH /api/tests/{test}": lambda world, side: {"name": "Renamed test"},
    "POST /api/tests/import": lambda world, side: document(question("single_choice", "q1"), code="NEW-3"),
    "POST /api/tests/{test}/questions": lambda world, side: question("single_choice", "q9"),
    "POST /api/tests/{test}/questions/reorder": lambda world, side: {"keys": ["q3", "q2", "q1"]},
    "PUT /api/tests/{test}/questions/{question}": lambda world, side: question("single_choice", "q1", text="Other?"),
    "PATCH /api/tests/{test}/questions/{question}": lambda world, side: {"text": "Another?"},
    "PUT /api/tests/{test}/scales": lambda world, side: {"scales": []},
    "POST /api/tests/{test}/pictures": lambda world, side: Form({"key": "p1", "picture": upload, "alt": "a"}),
    "POST /api/participant/biodata/complete": lambda world, side: {
        "name": "Full Name", "email": "home@person.example", "phone": "0811", "date_of_birth": "1990-01-01",
        "address": "Street 1", "additional_info": "none",
    },
    "POST /api/participant/session/start": lambda world, side: NO_BODY,
    "POST /api/test-session/{sessionToken}/save-answers": lambda world, side: {
        "answers": {"q1": "a", "q2": 7, "q3": "text"}, "revision": 3, "client_time": "2026-01-01T00:00:00Z",
    },
    "POST /api/test-session/{sessionToken}/submit": lambda world, side: NO_BODY,
    "POST /api/test-session/{sessionToken}/update-time": lambda world, side: NO_BODY,
    "POST /api/test-session/{sessionToken}/cheat/log": lambda world, side: {
        "detection_type": "copy_paste", "detection_data": {"details": "d"}, "severity": 1,
    },
    "POST /api/test-session/{sessionToken}/photo/capture": lambda world, side: Form({"photo": upload}),
    "POST /api/my-tests/{testId}/start": lambda world, side: NO_BODY,
    "POST /api/participants": lambda world, side: {
        "name": "New Person", "email": "invited@person.example", "test_ids": [world.common.bank.pk], **_window(),
    },
    "PUT /api/participants/{participant}": lambda world, side: {"name": "Renamed", "email": "renamed@person.example"},
    "PATCH /api/participants/{participant}": lambda world, side: {"name": "Renamed"},
    "POST /api/participants/{participant}/ban": lambda world, side: {"reason": "seen"},
    "POST /api/participants/{participant}/unban": lambda world, side: NO_BODY,
    "POST /api/participants/{participant}/resend-all-emails": lambda world, side: NO_BODY,
    "POST /api/test-assignments/{assignment}/resend-email": lambda world, side: NO_BODY,
    "POST /api/test-sessions/{session}/continue": lambda world, side: NO_BODY,
    "POST /api/test-sessions/{session}/abandon": lambda world, side: {"reason": "Power cut"},
    "POST /api/test-sessions/{session}/marks": lambda world, side: {
        "question_id": "q3", "points": 0.5, "comment": "good",
    },
    "POST /api/test-sessions/{session}/regrade": lambda world, side: {"reason": "checked again"},
    "POST /api/test-sessions/{session}/detections/{detection}/resolve": lambda world, side: {"note": "harmless"},
}  # fmt: skip


def body_of(route: Route, world: World, side: Side) -> Body:
    """Return a valid body; None where the route takes none."""
    if route.method in {"GET", "DELETE"}:
        return NO_BODY
    return BODIES[str(route)](world, side)


def own_values(route: Route, world: World, side: Side) -> dict[str, Any]:
    """Return path values with which the route succeeds for this side."""
    sessions = {name: started.session.pk for name, started in side.started.items()}
    bank = world.common.bank
    values: dict[str, Any] = {
        "category": world.common.category.pk,
        "test": bank.pk,
        "question": bank.questions.get(key="q1").pk,
        "participant": side.participant.pk,
        "assignment": side.assignments[3][0].pk,
        "session": sessions["open"],
        "detection": side.detection.pk,
        "result": side.result.pk if Role.TENANT_ADMIN in route.roles else side.buyer_result.pk,
        "testId": world.common.bought.pk,
        "token": side.link,
        "sessionToken": side.open_token,
        "name": side.photo.path,
    }
    special = {
        "POST /api/test-sessions/{session}/marks": {"session": sessions["pending"]},
        "POST /api/test-sessions/{session}/regrade": {"session": sessions["completed"]},
        "GET /api/test-session/{sessionToken}/result": {"sessionToken": side.started["pending"].token},
        "POST /api/participants/{participant}/unban": {"participant": side.banned.pk},
    }
    return {**values, **special.get(str(route), {})}


def prepare(route: Route, world: World, side: Side) -> None:
    """Bring about what a route needs before it can succeed."""
    if str(route) == "POST /api/test-sessions/{session}/continue":
        ExamSession.objects.filter(pk=side.started["open"].session.pk).update(paused_at=clock.now())


def query_of(route: Route, side: Side) -> str:
    """Return the query string the route cannot do without."""
    if route.permission == "assignment_token" and "token" not in route.params:
        return f"token={side.assignments[3][1]}" if route.path.endswith("/start") else f"token={side.link}"
    if route.permission == "signed_url":
        return storage.signed_path(side.photo.path).partition("?")[2]
    return ""


def caller_of(route: Route, world: World) -> str:
    """Return a bearer token that is let in, "" where none is needed; staff of a company first."""
    if str(route) == "POST /api/auth/resend-verification":
        return world.fresh_token
    role = next((role for role in STAFF_FIRST if role in route.roles), None)
    return world.login(role) if role else ""


@contextmanager
def undone():
    """Undo whatever the block stores, and forget what it counted."""
    cache.clear()
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def send(route: Route, path: str, body: Body, *, token: str = "", query: str = "", **headers: str) -> Any:
    """Send one request of this route."""
    api = Api(token, **headers)
    api.client = client()
    full = f"{path}?{query}" if query else path
    if isinstance(body, Form):
        return read(api.upload(full, body.made()))
    return read(getattr(api, route.method.lower())(full, **({} if body is None else {"data": body})))


_handler = ClientHandler()


def client() -> Client:
    """Return a client without cookies that shares one loaded chain of middleware: the walks send thousands."""
    fresh = Client(raise_request_exception=False)
    fresh.handler = _handler
    return fresh


def read(response: Any) -> Any:
    """Read an answer to its end; its bytes stand in ``body`` whether it was streamed or not."""
    response.body = b"".join(response.streaming_content) if response.streaming else response.content
    return response


def call(route: Route, world: World, *, body: Any = ..., query: str | None = None, token: str | None = None) -> Any:
    """Call a route as it wants to be called, or with one thing changed."""
    side = world.own
    prepare(route, world, side)
    return send(
        route,
        route.fill(own_values(route, world, side)),
        body_of(route, world, side) if body is ... else body,
        token=caller_of(route, world) if token is None else token,
        query=query_of(route, side) if query is None else query,
    )
