"""Commands an operator types."""

from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command

from accounts.tests.factories import make_user
from catalog.models import TestCategory
from catalog.services.pictures import picture_add
from catalog.tests.builders import question
from cbt.kernel import clock, jobs, storage
from cbt.kernel.actor import SYSTEM, Actor, ActorKind
from cbt.kernel.models import Job, JobState, OutgoingMail, PeriodicRun
from cbt.kernel.uploads import upload_take, uploads_sweep
from cbt.ops import demo
from cbt.ops.management.commands import serve
from sessions_app.tests.factories import make_bank_test
from tests.support import run_jobs
from tests.world import png

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
    assert "http://localhost:8123/api, where cookies reach it" in text, "localhost:3000 and 127.0.0.1 are two sites"
    assert "a@demo.test  secret" in text


def test_sweep_files__then_only_old_files_without_a_row(media):
    actor = Actor(kind=ActorKind.USER, id=make_user().pk)
    kept = {f"uploads/{upload_take(data=png(), actor=actor).name}"}
    test = make_bank_test(question("single_choice", "q1"))
    for color in ("red", "blue"):  # the first is replaced; papers that were handed out still show it
        kept.add(picture_add(test_id=test.pk, key="p1", alt="", data=png(color), actor=SYSTEM).file)
    for folder in ("uploads", "questions", "payments/proofs"):
        storage.save(folder, b"left behind", "png")
    assert "uploads: 0 stray files removed" in said("sweep_files"), "young ones may still get their row"
    with time_machine.travel(clock.now() + timedelta(days=1, minutes=1)):
        assert said("sweep_files", "--dry-run").splitlines() == [
            "uploads: 1 stray files would be removed", "question pictures: 1 stray files would be removed",
            "proofs of payment: 1 stray files would be removed",
        ]  # fmt: skip
        jobs.enqueue("kernel.sweep_uploads")
        jobs.enqueue("catalog.sweep_pictures")
        run_jobs()
        assert said("sweep_files").splitlines() == [
            "uploads: 0 stray files removed", "question pictures: 0 stray files removed",
            "proofs of payment: 1 stray files removed",
        ]  # fmt: skip
    assert {path.relative_to(media).as_posix() for path in media.rglob("*.png")} == kept


def test_sweep_files__when_one_cannot_be_removed__then_the_others_go_all_the_same(media, monkeypatch):
    first, second = (storage.save("uploads", b"left behind", "png") for _ in range(2))
    delete = storage.delete

    def stuck(name):
        if name == first:
            raise PermissionError
        delete(name)

    monkeypatch.setattr(storage, "delete", stuck)
    with time_machine.travel(clock.now() + timedelta(days=2)):
        assert uploads_sweep(now=clock.now()) == 1
    assert [path.relative_to(media).as_posix() for path in media.rglob("*.png")] == [first]
    assert second != first
