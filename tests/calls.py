"""How each route of the table is called properly: values for its path, a valid body, the right credential.

A new route without a line here makes `own_values` or `body_of` raise, and with them every walk over the table.
"""

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache as once
from typing import Any

from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from django.test.client import ClientHandler

from accounts.states import Role
from catalog.tests.builders import document, question
from cbt.kernel import clock, storage
from cbt.kernel.actor import SYSTEM
from cbt.kernel.models import Upload
from cbt.kernel.uploads import signature_of
from commerce.models import CartItem, Payment
from commerce.tests.factories import fill_cart
from sessions_app.models import ExamSession
from tenants.services.subscriptions import subscription_cancel
from tests.faces import parts
from tests.routes import Route
from tests.support import Api
from tests.world import Side, World, upload

STAFF_FIRST = (Role.TENANT_ADMIN.value, Role.PUBLIC_USER.value, Role.SUPER_ADMIN.value, Role.PARTICIPANT.value)


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
_COMPANY = {"name": "New company", "email": "made@company.example", "phone": "1", "address": "Street", "settings": {}}
_ADMIN = {
    "name": "New Admin", "email": "hired@person.example", "password": "password123",
    "password_confirmation": "password123",
}  # fmt: skip
_PLAN = {"name": "New plan", "duration_months": 3, "description": "d", "is_active": True, "sort_order": 9}
_PRICE = {"user_quota": 77, "price": 1000.5, "price_per_additional_user": 10, "is_active": True}
_OFFER = {
    "name": "New test", "code": "NEW-1", "price": 10, "type": "all", "question_count": 5, "duration_minutes": 30,
    "description": "d", "metadata": {}, "is_active": True, "sort_order": 1,
}  # fmt: skip

_PROFILE = {
    "phone": "081234567890", "date_of_birth": "1990-01-01", "address": "Street 1", "biodata": {"additional_info": "i"},
}  # fmt: skip
_USER = {
    "name": "New Person", "email": "made@person.example", "password": "password123", "role": "public_user",
    "userable": {"phone": "0811", "date_of_birth": "1990-01-01", "address": "Street 1", "biodata": {}},
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
    "POST /api/profile/complete": lambda world, side: _PROFILE,
    "PUT /api/profile/update": lambda world, side: {
        "name": "New Name", "email": "moved@person.example", **_PROFILE,
    },
    "PATCH /api/profile/update": lambda world, side: {"phone": "0812"},
    "POST /api/profile/change-password": lambda world, side: {
        "current_password": "password123", "password": "password456", "password_confirmation": "password456",
    },
    "POST /api/users": lambda world, side: _USER,
    "PUT /api/users/{user}": lambda world, side: {**_USER, "email": "changed@person.example", "is_active": True},
    "PATCH /api/users/{user}": lambda world, side: {"name": "Renamed"},
    "PUT /api/company": lambda world, side: {"name": "Renamed company", "phone": "2"},
    "POST /api/companies": lambda world, side: _COMPANY,
    "PUT /api/companies/{company}": lambda world, side: {**_COMPANY, "email": "moved@company.example"},
    "PATCH /api/companies/{company}": lambda world, side: {"phone": "3"},
    "POST /api/companies/{company}/toggle-active": lambda world, side: NO_BODY,
    "POST /api/companies/{company}/admins": lambda world, side: _ADMIN,
    "PUT /api/company-admins/{admin}": lambda world, side: {"name": "Renamed admin"},
    "PATCH /api/company-admins/{admin}": lambda world, side: {"name": "Renamed again"},
    "POST /api/company-admins/{admin}/set-primary": lambda world, side: NO_BODY,
    "POST /api/subscription-plans": lambda world, side: _PLAN,
    "PUT /api/subscription-plans/{plan}": lambda world, side: {**_PLAN, "name": "Other plan"},
    "PATCH /api/subscription-plans/{plan}": lambda world, side: {"sort_order": 4},
    "POST /api/subscription-prices": lambda world, side: {**_PRICE, "subscription_plan_id": world.common.price.plan_id},
    "PUT /api/subscription-prices/{price}": lambda world, side: {"price": 12},
    "PATCH /api/subscription-prices/{price}": lambda world, side: {"is_active": False},
    "POST /api/subscriptions/purchase": lambda world, side: {
        "subscription_plan_id": world.common.price.plan_id, "subscription_price_id": world.common.price.pk,
        "payment_type": "pre_paid", "additional_users": 1, "notes": "n",
    },
    "POST /api/subscriptions/{subscription}/purchase-quota": lambda world, side: {"additional_users": 2},
    "POST /api/subscriptions/{subscription}/extend": lambda world, side: {"extension_months": 1},
    "POST /api/subscriptions/{subscription}/cancel": lambda world, side: NO_BODY,
    "POST /api/payments/upload-proof": lambda world, side: Form(
        {"payment_id": side.payment.pk, "proof_file": upload, "notes": "n"}
    ),
    "POST /api/cart/add": lambda world, side: {"test_id": world.common.offer.pk},
    "POST /api/checkout": lambda world, side: NO_BODY,
    "POST /api/transactions/{transactionId}/payment/upload-proof": lambda world, side: Form(
        {"transaction_id": side.order.pk, "proof_file": upload, "notes": "n"}
    ),
    "POST /api/payments/verify": lambda world, side: {
        "payment_id": side.payment.pk, "approved": False, "notes": "unreadable",
    },
    "POST /api/participants/import-preview": lambda world, side: Form(
        {"file": people, "test_ids": str(world.common.bank.pk), **_window()}
    ),
    "POST /api/participants/import": lambda world, side: Form(
        {"file": people, "test_ids": str(world.common.bank.pk), **_window()}
    ),
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
    "POST /api/ws/ticket": lambda world, side: NO_BODY,
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
    "POST /api/participants/{participant}/credentials": lambda world, side: {"participant_number": "P-77"},
    "POST /api/participants/credentials": lambda world, side: {
        "participants": [{"participant_id": side.participant.pk, "participant_number": "P-77"}]
    },
    "POST /api/participants/{participant}/ban": lambda world, side: {"reason": "seen"},
    "POST /api/participants/{participant}/unban": lambda world, side: NO_BODY,
    "POST /api/participants/{participant}/resend-all-emails": lambda world, side: NO_BODY,
    "POST /api/test-assignments/{assignment}/resend-email": lambda world, side: NO_BODY,
    "PUT /api/test-assignments/{assignment}": lambda world, side: {**_window(), "extra_minutes": 20, "reason": "r"},
    "PATCH /api/test-assignments/{assignment}": lambda world, side: {"extra_minutes": 15, "notify": False},
    "POST /api/test-sessions/{session}/continue": lambda world, side: NO_BODY,
    "PUT /api/test-sessions/{session}/extra-time": lambda world, side: {"extra_minutes": 10, "reason": "fire alarm"},
    "POST /api/test-sessions/{session}/abandon": lambda world, side: {"reason": "Power cut"},
    "POST /api/test-sessions/{session}/marks": lambda world, side: {
        "question_id": "q3", "points": 0.5, "comment": "good",
    },
    "POST /api/test-sessions/{session}/regrade": lambda world, side: {"reason": "checked again"},
    "POST /api/test-sessions/{session}/detections/{detection}/resolve": lambda world, side: {"note": "harmless"},
}  # fmt: skip


def people() -> SimpleUploadedFile:
    """A list of one person to import."""
    return SimpleUploadedFile(
        "people.csv", b"name,email\nListed Person,listed@person.example\n", content_type="text/csv"
    )


def body_of(route: Route, world: World, side: Side) -> Body:
    """Return a valid body; None where the route takes none."""
    if route.method in {"GET", "DELETE"}:
        return NO_BODY
    return bodies()[str(route)](world, side)


@once
def bodies() -> dict[str, Maker]:
    """Return how to make the body of each write; those of a dialect lie in its own folder."""
    return {
        name: maker for found in (BODIES, *(part.BODIES for part in parts("walk"))) for name, maker in found.items()
    }


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
        "exam": world.common.exam.pk,
        "user": side.buyer.pk,
        "company": side.company.pk,
        "admin": side.second.pk,
        "plan": world.common.price.plan_id,
        "price": world.common.price.pk,
        "subscription": side.subscription.pk,
        "invoice": side.invoice.pk,
        "payment": side.payment.pk,
        "transactionId": side.order.pk,
        "import": side.batch.pk,
        "token": side.link,
        "sessionToken": side.open_token,
        "name": side.photo.path,
    }
    special = {
        "POST /api/test-sessions/{session}/marks": {"session": sessions["pending"]},
        "POST /api/test-sessions/{session}/regrade": {"session": sessions["completed"]},
        "GET /api/test-session/{sessionToken}/result": {"sessionToken": side.started["pending"].token},
        "POST /api/participants/{participant}/unban": {"participant": side.banned.pk},
        "GET /api/exam/{exam}/result": {"exam": world.common.exam_done.pk},
        "GET /api/live/sittings/{session}": {"session": side.buyer_open.session.pk},
        "GET /api/tests/catalog/{testId}": {"testId": world.common.plain.pk},
        "DELETE /api/cart/{testId}": {"testId": world.common.offer.pk},
        "DELETE /api/subscription-prices/{price}": {"price": world.common.free_price.pk},
    }
    if route.face == "v1":
        pupil = world.other_users[Role.STUDENT]
        values |= {"user": pupil.pk, "attendance": world.attendance.pk, "filename": world.file.name}
    return {**values, **side.of_faces, **special.get(str(route), {})}


#: Routes of an extra that tests do not install.
NOT_INSTALLED = {"POST /v1/attendance/enroll", "POST /v1/attendance/check-in"}
#: Routes that need something brought about before they can succeed.
PREPARED = {
    "POST /api/subscriptions/purchase", "DELETE /api/cart/{testId}", "GET /api/checkout/verify", "POST /api/checkout",
    "POST /api/payments/verify", "POST /api/test-sessions/{session}/continue",
}  # fmt: skip


def prepare(route: Route, world: World, side: Side) -> None:
    """Bring about what a route needs before it can succeed; doing so twice changes nothing more."""
    if str(route) == "POST /api/subscriptions/purchase":
        side.subscription.refresh_from_db()
        if side.subscription.status != "cancelled":
            subscription_cancel(subscription_id=side.subscription.pk, actor=SYSTEM)
    elif str(route) == "POST /api/payments/verify":
        Payment.objects.filter(pk=side.payment.pk).update(proof_file="payments/proofs/x.png")
    elif str(route) == "POST /api/test-sessions/{session}/continue":
        ExamSession.objects.filter(pk=side.started["open"].session.pk, paused_at=None).update(paused_at=clock.now())
    elif str(route) in PREPARED and not CartItem.objects.filter(cart__user=side.buyer).exists():
        fill_cart(side.buyer, world.common.offer)


def query_of(route: Route, side: Side) -> str:
    """Return the query string the route cannot do without."""
    if route.permission == "assignment_token" and "token" not in route.params:
        return f"token={side.assignments[3][1]}" if route.path.endswith("/start") else f"token={side.link}"
    if route.face == "v1" and route.permission == "signed_url":
        return signature_of(Upload.objects.order_by("pk")[0].name)
    if route.permission == "signed_url":
        return storage.signed_path(side.photo.path).partition("?")[2]
    return ""


def caller_of(route: Route, world: World) -> str:
    """Return a bearer token that is let in, "" where none is needed; staff of a company first."""
    if str(route) == "POST /api/auth/resend-verification":
        return world.fresh_token
    role = next((role for role in (*STAFF_FIRST, *sorted(route.roles)) if role in route.roles), None)
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
