"""Fixtures: a tree of one's own, browsers as the document's frontend is one."""

import pytest
from django.test import Client

from accounts.tests.factories import PASSWORD, make_user
from cbt.faces.exam_files import projection

ORIGIN = "http://localhost:4200"


class Browser:
    """A signed-in browser at the Angular frontend: session cookie, CSRF token, nothing else."""

    def __init__(self, user):
        self.user = user
        self.client = Client(raise_request_exception=False, enforce_csrf_checks=True)
        response = self.client.post(
            "/api/auth/login",
            {"email": user.email, "password": PASSWORD},
            "application/json",
            headers={"Origin": ORIGIN},
        )
        assert response.status_code == 200
        del self.client.cookies["auth-token"]

    def send(self, method, path, body=None, **headers):
        token = self.client.cookies["csrftoken"].value
        headers = {"Origin": ORIGIN, "X-CSRFToken": token, **headers}
        headers = {name: value for name, value in headers.items() if value is not None}
        if body is None:
            return self.client.generic(method, path, headers=headers)
        return getattr(self.client, method.lower())(path, body, "application/json", headers=headers)

    def get(self, path):
        return self.send("GET", path)

    def post(self, path, body=None):
        return self.send("POST", path, body)

    def put(self, path, body):
        return self.send("PUT", path, body)


@pytest.fixture
def tree_root(settings, tmp_path):
    """A folder of this test's own; who waits for another test's manifest is no user of this one."""
    projection._waiting.take()
    settings.DATA_DIR = tmp_path
    return tmp_path / "exams"


@pytest.fixture
def browser(db, tree_root):
    return Browser(make_user())
