"""Celery: executes job rows and ticks the periodic table. The rows are the truth; Celery only runs them."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cbt.settings")
app = Celery("cbt")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    task_acks_late=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
    broker_transport_options={
        "visibility_timeout": 300,
        "unacked_restore_throttle": 1,
        # A request that wakes a worker must not wait for a dead broker: one try, then the sweep takes the job up.
        "socket_connect_timeout": 1,
        "socket_timeout": 5,
        "max_retries": 1,
        "interval_start": 0,
        "interval_step": 0,
        "interval_max": 0,
    },
    beat_schedule={"tick": {"task": "kernel.tick", "schedule": 10.0, "options": {"expires": 10}}},
)


@app.task(name="kernel.run_job")
def run_job(job_id: int) -> None:
    """Run one job row, unless somebody else has it."""
    from cbt.kernel import jobs, leases

    leases.start()
    job = jobs.claim(job_id)
    if job is not None:
        jobs.run(job)


@app.task(name="kernel.tick")
def tick() -> None:
    """Enqueue periodic work and run whatever is due, so that a lost message costs ten seconds."""
    from cbt.kernel import leases, runner

    leases.start()
    runner.tick()
