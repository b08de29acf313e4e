"""/metrics: what is counted, under which labels, and who may read it."""

import re
import subprocess
import sys

import pytest
import yaml
from django.conf import settings
from django.test import Client
from prometheus_client import REGISTRY

from accounts.models import Login
from accounts.tests.factories import make_user, token_of
from cbt.kernel import clock
from cbt.ops import metrics
from sessions_app.tests.factories import make_assignment, start_session
from tests.support import Api

pytestmark = pytest.mark.django_db
ME = {"method": "GET", "route": "/api/auth/me"}


def value(name, **labels):
    return REGISTRY.get_sample_value(name, labels) or 0.0


def gauges():
    return {
        line.split()[0]: float(line.split()[1])
        for line in metrics.exposition().decode().splitlines()
        if re.match(r"(exam_sessions_active|users_concurrent|jobs_waiting|jobs_oldest_seconds|mails_failed) ", line)
    }


def test_requests__when_answered__then_counted_by_route_and_status():
    token = token_of(make_user())
    before = (value("http_requests_total", **ME, status="200"), value("http_requests_total", **ME, status="401"))
    Api(token).get("/api/auth/me")
    Api().get("/api/auth/me")
    Api().get("/api/auth/me")
    after = (value("http_requests_total", **ME, status="200"), value("http_requests_total", **ME, status="401"))
    assert (after[0] - before[0], after[1] - before[1]) == (1, 2)


def test_requests__when_the_path_carries_a_token_or_leads_nowhere__then_no_label_has_it():
    started = start_session(make_assignment()[1])
    Api().get(f"/api/test-session/{started.token}")
    Api().get("/api/nowhere/SECRETINPATH")
    Client().generic("BREW", "/api/auth/me")
    text = metrics.exposition().decode()
    assert 'route="/api/test-session/<str:token>"' in text
    assert 'route="(none)"' in text
    assert 'method="OTHER"' in text
    assert started.token not in text
    assert "SECRETINPATH" not in text
    assert "BREW" not in text


def test_statements__when_run__then_timed_by_kind():
    token = token_of(make_user())
    before = value("db_statement_duration_seconds_count", kind="SELECT")
    Api(token).get("/api/auth/me")
    assert value("db_statement_duration_seconds_count", kind="SELECT") > before
    kinds = set(re.findall(r'db_statement_duration_seconds_count\{kind="(\w+)"\}', metrics.exposition().decode()))
    assert kinds <= {"SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "SAVEPOINT", "RELEASE", "OTHER"}


def test_login__when_refused__then_counted():
    user = make_user()
    before = value("login_failures_total")
    Api().post("/api/auth/login", {"email": user.email, "password": "wrong-password"})
    Api().post("/api/auth/login", {"email": "nobody@example.com", "password": "wrong-password"})
    Api().post("/api/auth/login", {"email": user.email, "password": "password123"})
    assert value("login_failures_total") - before == 2


def test_gauges__when_people_are_there__then_counted_once_each():
    assert gauges() == {
        "exam_sessions_active": 0, "users_concurrent": 0, "jobs_waiting": 0, "jobs_oldest_seconds": 0,
        "mails_failed": 0,
    }  # fmt: skip
    user = make_user()
    token_of(user)
    token_of(user)
    start_session(make_assignment()[1])
    assert gauges()["exam_sessions_active"] == 1
    assert gauges()["users_concurrent"] == 2  # one user with two logins, one candidate
    Login.objects.update(revoked_at=clock.now())
    assert gauges()["users_concurrent"] == 1


def test_read__when_from_this_machine__then_answered():
    response = Client().get("/metrics")
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/plain")
    assert response["Cache-Control"] == "no-store"
    assert b"exam_sessions_active 0.0" in response.content


@pytest.mark.parametrize(
    "meta", [{"REMOTE_ADDR": "10.0.0.7"}, {"HTTP_X_FORWARDED_FOR": "127.0.0.1"}, {"HTTP_FORWARDED": "for=127.0.0.1"}]
)
def test_read__when_from_elsewhere__then_as_if_there_were_no_such_page(meta):
    assert Client().get("/metrics", **meta).status_code == 404


def test_read__when_a_token_is_set__then_only_with_it(settings):
    settings.METRICS_TOKEN = "s3cret-for-scraping"
    assert Client().get("/metrics").status_code == 404
    assert Client().get("/metrics", headers={"Authorization": "Bearer other"}).status_code == 404
    far = {"REMOTE_ADDR": "10.0.0.7", "HTTP_X_FORWARDED_FOR": "10.0.0.7"}
    assert Client().get("/metrics", headers={"Authorization": "Bearer s3cret-for-scraping"}, **far).status_code == 200


def test_several_processes__then_their_counts_are_summed(tmp_path):
    """Two processes count one failed login each; a third one tells two."""
    count = "from cbt.kernel.metrics import LOGIN_FAILURES as f; f.inc()"
    told = (
        "from prometheus_client import CollectorRegistry, generate_latest; "
        "from prometheus_client.multiprocess import MultiProcessCollector as M; "
        "r = CollectorRegistry(); M(r); print(generate_latest(r).decode())"
    )
    outputs = [
        subprocess.run(
            [sys.executable, "-c", code], cwd=settings.BASE_DIR, check=True, capture_output=True, text=True, timeout=60,
            env={"PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
        ).stdout
        for code in (count, count, told)
    ]  # fmt: skip
    assert "login_failures_total 2.0" in outputs[2]


def test_alerts__then_five_over_numbers_that_exist():
    rules = yaml.safe_load((settings.BASE_DIR / "deploy/prometheus/alerts.yml").read_text())["groups"][0]["rules"]
    assert [rule["alert"] for rule in rules] == [
        "HighErrorRate", "SlowResponses", "FailedLogins", "DatabaseConnection", "ServerDown",
    ]  # fmt: skip
    Api().get("/api/auth/me")
    told = metrics.exposition().decode()
    for rule in rules:
        assert {"summary", "action"} == set(rule["annotations"])
        for name in re.findall(r"\b([a-z_]+)\{", rule["expr"]):
            assert name == "up" or f"\n{name}" in told, name
