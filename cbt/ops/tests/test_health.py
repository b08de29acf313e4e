"""/health: what it tells, what it hides, how often it looks."""

from datetime import timedelta

import pytest
from django.db import OperationalError

from cbt.kernel import clock, jobs
from cbt.ops import health
from tests.support import counted_queries

ALL_OK = {"database": "ok", "cache": "ok", "storage": "ok", "jobs": "ok"}


@pytest.fixture(autouse=True)
def _fresh():
    health.forget()
    yield
    health.forget()


def breaks(*_, **__):
    raise OperationalError("could not connect to server at 10.0.0.7")


def test_health__when_all_works__then_ok(api):
    response = api.get("/health")
    assert (response.status_code, response.json()) == (200, {"status": "ok", "checks": ALL_OK})
    assert response["Cache-Control"] == "no-store"


def test_health__when_asked_again_within_five_seconds__then_no_query(api):
    api.get("/health")
    with counted_queries() as statements:
        assert api.get("/health").json()["status"] == "ok"
    assert statements == []


def test_health__when_database_is_gone__then_503_without_address(api, monkeypatch):
    monkeypatch.setattr(health, "_database", breaks)
    response = api.get("/health")
    assert response.status_code == 503
    assert response["Retry-After"] == "2"
    assert response.json() == {"status": "down", "checks": ALL_OK | {"database": "down"}}


def test_health__when_cache_is_gone__then_degraded_and_200(api, monkeypatch):
    monkeypatch.setattr(health, "_cache", breaks)
    response = api.get("/health")
    assert (response.status_code, response.json()["status"]) == (200, "degraded")


@pytest.mark.parametrize(("minutes", "state", "status"), [(4, "ok", "ok"), (6, "late", "degraded")])
def test_health__when_a_due_job_waits__then_late_after_five_minutes(api, minutes, state, status):
    jobs.enqueue("kernel.retry_mail", run_at=clock.now() - timedelta(minutes=minutes))
    body = api.get("/health").json()
    assert (body["checks"]["jobs"], body["status"]) == (state, status)


def test_health__when_a_job_is_planned_for_later__then_ok(api):
    jobs.enqueue("kernel.retry_mail", run_at=clock.now() + timedelta(days=1))
    assert api.get("/health").json()["checks"]["jobs"] == "ok"


def test_health__when_the_broker_is_gone__then_degraded(api, settings):
    settings.JOB_EXECUTOR = "celery"
    from celery import current_app

    before = current_app.conf.broker_url
    current_app.conf.broker_url = "redis://127.0.0.1:9/0"
    try:
        body = api.get("/health").json()
    finally:
        current_app.conf.broker_url = before
    assert (body["checks"]["jobs"], body["status"]) == ("down", "degraded")
