"""Commands an operator types."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from catalog.models import TestCategory
from cbt.kernel import clock, jobs
from cbt.kernel.models import Job, JobState, OutgoingMail, PeriodicRun
from cbt.ops import demo
from cbt.ops.management.commands import serve

pytestmark = pytest.mark.django_db


def said(name: str, *arguments: str) -> str:
    out = StringIO()
    call_command(name, *arguments, stdout=out)
    return out.getvalue()


def test_run_jobs__when_once__then_runs_what_is_due_and_ends():
    jobs.enqueue("kernel.forget_old_jobs")
    said("run_jobs", "--once")
    assert not Job.objects.exclude(state=JobState.DONE).exists()
    assert Job.objects.filter(name="kernel.forget_old_jobs", state=JobState.DONE).count() >= 1


def test_run_periodic__when_dry_run__then_shows_next_due_and_runs_nothing():
    PeriodicRun.objects.create(name="kernel.retry_mail", next_at=clock.now() + timedelta(hours=1))
    lines = said("run_periodic", "--dry-run").splitlines()
    assert {line.split()[0] for line in lines} == {entry.name for entry in jobs.periodic_table()}
    line = {line.split()[0]: line for line in lines}
    assert "due now" in line["kernel.forget_old_jobs"]
    assert "every    900 s  due 2" in line["kernel.retry_mail"]
    assert not Job.objects.exists()


def test_run_periodic__then_runs_each_once_until_due_again():
    count = len(jobs.periodic_table())
    assert f"{count} enqueued, {count} jobs ran" in said("run_periodic")
    assert "0 enqueued, 0 jobs ran" in said("run_periodic")


def test_retry_failed_mail__then_enqueues_recent_unsent_mail_only():
    for number, days in ((1, 1), (2, 4)):
        OutgoingMail.objects.create(
            kind="x", recipient="a@example.com", status="failed", dedupe_key=str(number),
            created_at=clock.now() - timedelta(days=days),
        )  # fmt: skip
    assert said("retry_failed_mail") == "1 mails enqueued\n"
    assert Job.objects.get().dedupe_key == f"mail:{OutgoingMail.objects.get(dedupe_key='1').pk}"


def test_load_demo__when_neither_embedded_nor_debug__then_refused_and_nothing_stored(settings):
    settings.EMBEDDED = settings.DEBUG = False
    with pytest.raises(CommandError, match="published passwords"):
        call_command("load_demo")
    assert demo.load_demo() == []


def test_demo__when_loaded_into_nothing__then_the_categories_have_their_documented_order(settings, media, tmp_path):
    settings.EMBEDDED, settings.DATA_DIR = True, tmp_path
    assert len(demo.load_demo()) == len(demo.ACCOUNTS)
    assert list(TestCategory.objects.order_by("sort_order").values_list("slug", "sort_order")) == [
        ("tes-kepribadian", 1), ("tes-inteligensi", 2), ("tes-bakat-minat", 3), ("tes-kesehatan-mental", 4),
        ("tes-kompetensi", 5), ("tes-seleksi-karyawan", 6),
    ]  # fmt: skip


def test_banner__then_names_addresses_and_accounts(settings):
    settings.PORT = 8123
    text = serve.banner([demo.DemoAccount("a@demo.test", "secret", "somebody")])
    assert "http://127.0.0.1:8123/api/docs" in text
    assert "a@demo.test  secret" in text
