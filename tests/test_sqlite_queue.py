"""The queue before SQLite's writer: held from BEGIN to the end, whatever the end is."""

import threading

import pytest
from django.db import OperationalError, connection, connections, transaction

from cbt.kernel.models import Job
from cbt.kernel.sqlite import base
from tests.support import race

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="SQLite only"),
]


def lock():
    return base._locks[str(connection.settings_dict["NAME"])]


def test_lock__when_in_a_transaction__then_held_once_and_given_back_after_commit():
    with transaction.atomic():
        assert lock().locked()
        with transaction.atomic():
            assert lock().locked()
        assert lock().locked()
    assert not lock().locked()


def test_lock__when_rolled_back__then_given_back():
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        Job.objects.filter(pk=1 // 0)
    assert not lock().locked()


def test_lock__when_connection_is_closed_in_mid_transaction__then_given_back():
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        connection.close()
        assert not lock().locked()
        raise ZeroDivisionError
    assert not lock().locked()
    with transaction.atomic():
        assert Job.objects.count() == 0
    assert not lock().locked()


def test_lock__when_begin_fails__then_given_back(monkeypatch):
    def fail(self):
        raise OperationalError("disk I/O error")

    monkeypatch.setattr(base.base.DatabaseWrapper, "_start_transaction_under_autocommit", fail)
    with pytest.raises(OperationalError), transaction.atomic():
        pass
    assert not lock().locked()


def test_lock__when_commit_fails__then_rolled_back_and_given_back(monkeypatch):
    def fail(self):
        raise OperationalError("disk I/O error")

    monkeypatch.setattr(base.base.DatabaseWrapper, "_commit", fail)
    with pytest.raises(OperationalError), transaction.atomic():
        pass
    assert not lock().locked()


def test_lock__when_held_too_long__then_database_is_locked(monkeypatch):
    begun, done, seen = threading.Event(), threading.Event(), []

    def hold():
        with transaction.atomic():
            begun.set()
            done.wait(10)
        connections.close_all()

    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", 0.1)
    holder = threading.Thread(target=hold)
    holder.start()
    assert begun.wait(10)
    try:
        with transaction.atomic():
            pass
    except OperationalError as error:
        seen.append(str(error))
    done.set()
    holder.join(10)
    assert seen == ["database is locked"]
    with transaction.atomic():
        assert lock().locked()
    assert not lock().locked()


@pytest.mark.race
def test_writers__when_16_threads_count_at_once__then_none_is_lost_or_refused():
    from cbt.kernel import clock

    job = Job.objects.create(name="x", run_at=clock.now(), created_at=clock.now())

    def count(_):
        for _ in range(10):
            with transaction.atomic():
                row = Job.objects.get(pk=job.pk)
                Job.objects.filter(pk=job.pk).update(progress_done=row.progress_done + 1)

    assert race(16, count) == [None] * 16
    job.refresh_from_db()
    assert job.progress_done == 160
