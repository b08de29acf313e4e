"""A running job's lease is prolonged while its process lives; a killed one's job is taken up within seconds."""

import threading
from datetime import timedelta

import pytest
import time_machine

from cbt.kernel import clock, jobs, leases
from cbt.kernel.models import Job, JobState

pytestmark = pytest.mark.django_db
NAME = "tests.leased"


@pytest.fixture
def claimed(monkeypatch):
    """A job that has been claimed, whose process prolongs its leases."""
    monkeypatch.setitem(jobs._handlers, NAME, lambda: None)
    monkeypatch.setattr(leases, "_thread", threading.current_thread())
    jobs.enqueue(NAME)
    return jobs.claim()


def lease_of(job: Job) -> timedelta:
    return Job.objects.get(pk=job.pk).lease_until - clock.now()


def test_lease__when_its_process_lives__then_prolonged_for_as_long_as_the_job_runs(claimed):
    with time_machine.travel(clock.now(), tick=False) as travel:
        with leases.held(claimed):
            for _ in range(10):
                travel.shift(15)
                assert leases.beat() == 1
                assert lease_of(claimed) == leases.LEASE == timedelta(seconds=20)
                assert jobs.claim() is None
        assert leases.beat() == 0
        travel.shift(21)  # nobody prolongs it: the process was killed
        taken = jobs.claim()
        assert (taken.pk, taken.attempts) == (claimed.pk, 2)


def test_lease__when_somebody_else_has_taken_the_job__then_not_prolonged_for_the_first(claimed):
    with leases.held(claimed):
        Job.objects.filter(pk=claimed.pk).update(attempts=2)
        assert leases.beat() == 0
        Job.objects.filter(pk=claimed.pk).update(attempts=1, state=JobState.DONE)
        assert leases.beat() == 0


def test_lease__when_nothing_prolongs_it__then_long(claimed, monkeypatch):
    monkeypatch.setattr(leases, "_thread", None)
    Job.objects.update(lease_until=clock.now() - timedelta(seconds=1))
    again = jobs.claim()
    assert timedelta(seconds=110) < lease_of(again) <= leases.UNATTENDED


def test_run__then_the_lease_is_held_only_meanwhile(claimed, monkeypatch):
    seen = []
    monkeypatch.setitem(jobs._handlers, NAME, lambda: seen.append(set(leases._running)))
    jobs.run(claimed)
    assert seen == [{(claimed.pk, 1)}]
    assert leases._running == set()
    assert Job.objects.get().state == JobState.DONE


def test_ending__when_somebody_else_has_taken_the_job__then_the_first_tells_nothing(claimed, monkeypatch):
    told = []
    monkeypatch.setitem(jobs._on_failure, NAME, lambda: told.append("failed"))

    def lose_it():
        Job.objects.filter(pk=claimed.pk).update(attempts=2)
        raise jobs.GiveUp("too late")

    monkeypatch.setitem(jobs._handlers, NAME, lose_it)
    jobs.run(claimed)
    jobs.progress(claimed, 7, 9)
    row = Job.objects.get(pk=claimed.pk)
    assert (row.state, row.attempts, row.last_error, row.progress_done, told) == (JobState.RUNNING, 2, "", 0, [])
    monkeypatch.delitem(jobs._handlers, NAME)
    jobs.run(row)
    assert told == ["failed"]
