"""Smallest valid things of this dialect."""

import itertools
from typing import Any

from accounts.states import Role
from accounts.tests.factories import make_user, token_of
from tests.support import Api

_number = itertools.count(1)


def make_named(role: Role = Role.STUDENT, **fields: Any) -> Any:
    """Store an account that signs in by username."""
    return make_user(role, **{"email": None, "username": f"{role.value}.{next(_number)}", **fields})


def api_of(role: Role = Role.STUDENT, **fields: Any) -> Api:
    """Return a client signed in as a new account of this role."""
    return Api(token_of(make_named(role, **fields)))


def question(key: str | None = "q1", correct: str = "a", **more: Any) -> dict[str, Any]:
    """A question with options a, b and c."""
    options = [{"id": option, "text": f"Option {option}"} for option in "abc"]
    return {
        **({"id": key} if key else {}), "text": f"Question {key}?", "options": options, "correct_option": correct,
        **more,
    }  # fmt: skip


def body(*questions: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A test with two questions worth 2 and 1, unless others are given."""
    given = questions or (question("q1", "a", points=2), question("q2", "b"))
    return {"title": "Capitals", "description": "Of Asia", "questions": list(given), **more}


def make_test(author: Api, *questions: dict[str, Any], **more: Any) -> int:
    """Let this author make a test; return its id."""
    response = author.post("/v1/tests", body(*questions, **more))
    assert response.status_code == 201, response.content
    return int(response.json()["id"])
