"""What the walks over all routes send to v1."""

from accounts.states import Role
from tests.calls import NO_BODY, Form, Maker
from tests.world import upload

_V1_TEST = {
    "title": "Class test", "description": "d", "is_active": True, "starts_at": "2026-01-01T00:00:00Z",
    "questions": [
        {
            "id": "q1", "text": "What?", "options": [{"id": "a", "text": "A"}, {"id": "b", "text": "B"}],
            "correct_option": "b", "points": 2,
        }
    ],
}  # fmt: skip

BODIES: dict[str, Maker] = {
    "POST /v1/auth/login": lambda world, side: {"username": "instructor", "password": "password123"},
    "POST /v1/auth/refresh": lambda world, side: {"refresh_token": world.refresh_token},
    "POST /v1/auth/logout": lambda world, side: NO_BODY,
    "POST /v1/users": lambda world, side: {"username": "made.user", "password": "password123", "role": "student"},
    "PUT /v1/users/{user}": lambda world, side: {
        "username": "renamed.user", "password": "password456", "role": "instructor",
    },
    "POST /v1/tests": lambda world, side: _V1_TEST,
    "PUT /v1/tests/{test}": lambda world, side: {**_V1_TEST, "title": "Renamed class test"},
    "POST /v1/files/upload": lambda world, side: Form({"file": upload}),
    "POST /v1/attendance": lambda world, side: {
        "test_id": world.common.bank.pk, "user_id": world.other_users[Role.INSTRUCTOR].pk, "status": "late",
    },
    "POST /v1/attendance/enroll": lambda world, side: Form({"photo": upload, "consent": "true"}),
    "POST /v1/attendance/check-in": lambda world, side: Form({"photo": upload, "test_id": world.common.bank.pk}),
    "PUT /v1/attendance/{attendance}": lambda world, side: {"status": "excused"},
    "POST /v1/graphql": lambda world, side: {
        "query": "query ($n: Int!) { tests(per_page: $n) { items { id name } } results { items { id } } }",
        "variables": {"n": 5},
    },
    "POST /v1/tests/{test}/submit": lambda world, side: {"answers": {"q1": "b"}},
}  # fmt: skip
