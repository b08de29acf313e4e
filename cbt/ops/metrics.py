"""What /metrics tells: what the processes counted, and a few gauges read from the database when it is asked."""

import hmac
from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.db.models import Count, Min
from django.http import HttpRequest
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from accounts.models import Login
from cbt.kernel import clock
from cbt.kernel.models import Job, JobState, MailStatus, OutgoingMail
from sessions_app.models import ExamSession
from sessions_app.states import SessionStatus

CONTENT_TYPE = CONTENT_TYPE_LATEST
#: Who was seen within this time counts as being here. A login notes its being seen every five minutes.
HERE = timedelta(minutes=6)
_LOOPBACK = {"127.0.0.1", "::1"}


class Gauges(Collector):
    """Numbers of the whole server, whichever process answers."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Return one sample each; candidates count by their open session, everybody else by their login."""
        since = clock.now() - HERE
        open_sessions = ExamSession.objects.filter(status=SessionStatus.IN_PROGRESS)
        users = Login.objects.filter(revoked_at=None, last_seen_at__gte=since).aggregate(n=Count("user", distinct=True))
        here = users["n"] + open_sessions.filter(last_seen_at__gte=since).count()
        waiting = Job.objects.filter(state=JobState.QUEUED).aggregate(n=Count("pk"), oldest=Min("run_at"))
        age = (clock.now() - waiting["oldest"]).total_seconds() if waiting["oldest"] else 0.0
        yield GaugeMetricFamily("exam_sessions_active", "Sessions in progress.", value=open_sessions.count())
        yield GaugeMetricFamily("users_concurrent", "People seen within six minutes.", value=here)
        yield GaugeMetricFamily("jobs_waiting", "Jobs that wait for a worker.", value=waiting["n"])
        yield GaugeMetricFamily("jobs_oldest_seconds", "How long the oldest due job has waited.", value=max(0.0, age))
        yield GaugeMetricFamily(
            "mails_failed", "Mails given up.", value=OutgoingMail.objects.filter(status=MailStatus.FAILED).count()
        )


def exposition() -> bytes:
    """Return everything in Prometheus' text format; with several processes, summed over them."""
    registry = CollectorRegistry()
    registry.register(Gauges())
    if settings.METRICS_DIR:
        MultiProcessCollector(registry)
        return generate_latest(registry)
    return generate_latest(REGISTRY) + generate_latest(registry)


def may_read(request: HttpRequest) -> bool:
    """Tell whether a caller may see the numbers: by METRICS_TOKEN, or, where none is set, from this machine itself."""
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if settings.METRICS_TOKEN:
        return hmac.compare_digest(given.encode(), settings.METRICS_TOKEN.encode())
    is_direct = not request.headers.get("X-Forwarded-For") and not request.headers.get("Forwarded")
    return is_direct and request.META.get("REMOTE_ADDR") in _LOOPBACK
