"""What tests of all apps share: a JSON client, query counting, running jobs, racing threads."""

import json
import threading
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

from django.db import connection, connections
from django.test import Client

from cbt.kernel import jobs

ENVELOPE = {"success", "message", "data", "status_code"}
ERROR_KEYS = {
    "success", "message", "error", "error_code", "errors", "details", "detail", "status_code", "request_id",
}  # fmt: skip
PAGE_KEYS = {"data", "current_page", "per_page", "total", "last_page", "from", "to"}


class Api:
    """Speaks JSON to the server; ``api.as_(user)`` speaks with that user's bearer token."""

    def __init__(self, token: str = "", **headers: str) -> None:
        self.token = token
        self.headers = headers
        self.client = Client(raise_request_exception=False)

    def as_(self, user: Any) -> "Api":
        """Return a client signed in as this user (a login row is made)."""
        from accounts.tests.factories import token_of

        return Api(token_of(user))

    def _call(self, method: str, path: str, data: Any = None, *, raw: bytes | None = None, **extra: Any) -> Any:
        headers = {**self.headers, **extra.pop("headers", {})}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        kwargs: dict[str, Any] = {"headers": headers, **extra}
        if raw is not None:
            content_type = kwargs.pop("content_type", "application/json")
            return self.client.generic(method.upper(), path, raw, content_type, **kwargs)
        if data is not None and method != "get":
            kwargs |= {"data": json.dumps(data), "content_type": "application/json"}
        elif data is not None:
            kwargs["query_params"] = data
        return getattr(self.client, method)(path, **kwargs)

    def get(self, path: str, params: Any = None, **extra: Any) -> Any:
        """GET with query parameters."""
        return self._call("get", path, params, **extra)

    def post(self, path: str, data: Any = None, **extra: Any) -> Any:
        """POST a JSON body (``raw=`` for bytes as they are)."""
        return self._call("post", path, data, **extra)

    def put(self, path: str, data: Any = None, **extra: Any) -> Any:
        """PUT a JSON body."""
        return self._call("put", path, data, **extra)

    def patch(self, path: str, data: Any = None, **extra: Any) -> Any:
        """PATCH a JSON body."""
        return self._call("patch", path, data, **extra)

    def delete(self, path: str, **extra: Any) -> Any:
        """DELETE."""
        return self._call("delete", path, **extra)

    def upload(self, path: str, fields: dict[str, Any]) -> Any:
        """POST multipart/form-data; files are SimpleUploadedFile values."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return self.client.post(path, data=fields, headers={**self.headers, **headers})


def data_of(response: Any, status: int = 200) -> Any:
    """Assert a success envelope with this status and return its data."""
    body = response.json()
    assert response.status_code == status, body
    assert set(body) >= ENVELOPE
    assert body["success"] is True
    assert body["status_code"] == status
    return body["data"]


def error_of(response: Any, status: int, code: str) -> dict[str, Any]:
    """Assert the error body with this status and code and return it."""
    body = response.json()
    assert (response.status_code, body.get("error_code")) == (status, code), body
    assert set(body) == ERROR_KEYS
    assert body["success"] is False
    assert body["error"] == code
    assert body["status_code"] == status
    assert body["detail"] == body["message"]
    return body


@contextmanager
def counted_queries():
    """Collect the statements sent to the database in the block (BEGIN and COMMIT are not statements here)."""
    statements: list[str] = []

    def wrapper(execute: Callable, sql: str, params: Any, many: bool, context: Any) -> Any:
        if not sql.startswith(("SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK TO")):
            statements.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(wrapper):
        yield statements


def run_jobs() -> int:
    """Run every due job in this process, as a worker would; return how many ran."""
    return jobs.run_due()


def race(count: int, act: Callable[[int], Any]) -> list[Any]:
    """Run ``act(i)`` in ``count`` threads that start together; return results, exceptions among them.

    Needs ``@pytest.mark.django_db(transaction=True)``: each thread has its own connection and commits.
    """
    barrier = threading.Barrier(count)
    results: list[Any] = [None] * count

    def body(index: int) -> None:
        try:
            barrier.wait(timeout=30)
            results[index] = act(index)
        except Exception as error:  # noqa: BLE001 - the test looks at it
            results[index] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=body, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return results
