"""The admin of operations: lists open, history is read-only, actions queue again."""

import pytest

from accounts.states import Role
from accounts.tests.factories import make_user
from cbt.kernel import clock, jobs, mail
from cbt.kernel.mail import MailContent
from cbt.kernel.models import AuditEvent, Job, JobState, MailStatus, OutgoingMail
from tests.support import run_jobs


@pytest.fixture
def staff(client, db):
    client.force_login(make_user(Role.SUPER_ADMIN), backend="accounts.backends.EmailBackend")
    return client


def failed_job(key=None):
    return Job.objects.create(
        name="kernel.forget_old_jobs", state=JobState.FAILED, attempts=8, last_error="boom", dedupe_key=key,
        run_at=clock.now(), created_at=clock.now(), finished_at=clock.now(),
    )  # fmt: skip


@pytest.fixture
def mail_row(db, monkeypatch):
    token = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    content = MailContent("A subject", "tests/none", {"link": f"http://x/test-session/{token}"})
    monkeypatch.setitem(mail._builders, "tests.mail", lambda context: content)
    monkeypatch.setattr(mail, "render_to_string", lambda name, values: f"Open {values['link']}")
    return mail.enqueue("tests.mail", to="a@example.com", context={}, dedupe_key="one")


@pytest.mark.parametrize("model", ["job", "outgoingmail", "auditevent", "periodicrun"])
def test_list__when_opened_by_staff__then_shown_and_read_only(staff, model):
    failed_job()
    assert staff.get(f"/admin/kernel/{model}/").status_code == 200
    assert staff.get(f"/admin/kernel/{model}/?q=1").status_code == 200
    assert staff.get(f"/admin/kernel/{model}/?name=x&kind=x&actor_kind=x").status_code in {200, 302}
    assert staff.get(f"/admin/kernel/{model}/add/").status_code == 403


def test_index__when_opened__then_points_at_what_failed(staff):
    page = staff.get("/admin/").content.decode()
    assert "/admin/kernel/job/?state__exact=failed" in page
    assert "RuangTes administration" in page


def test_admin__when_not_staff__then_sent_to_login(client, db):
    client.force_login(make_user(Role.PUBLIC_USER), backend="accounts.backends.EmailBackend")
    assert client.get("/admin/kernel/job/").status_code == 302


@pytest.mark.parametrize(("name", "count"), [("kernel.forget_old_jobs", 1), ("kernel.retry_mail", 0)])
def test_job_list__when_filtered_by_name__then_only_those(staff, name, count):
    failed_job()
    page = staff.get(f"/admin/kernel/job/?name={name}")
    assert page.context["cl"].result_count == count


def test_run_again__when_failed__then_queued_with_all_attempts_and_audited(staff):
    job = failed_job()
    staff.post("/admin/kernel/job/", {"action": "run_again", "_selected_action": [job.pk]})
    job.refresh_from_db()
    assert (job.state, job.attempts, job.last_error, job.finished_at) == (JobState.QUEUED, 0, "", None)
    assert AuditEvent.objects.filter(action="kernel.job.run_again", object_id=str(job.pk)).count() == 1
    assert run_jobs() == 1
    job.refresh_from_db()
    assert job.state == JobState.DONE


def test_run_again__when_the_same_work_is_queued__then_left_alone_without_trace(staff):
    job = failed_job(key="same")
    jobs.enqueue("kernel.forget_old_jobs", dedupe_key="same")
    staff.post("/admin/kernel/job/", {"action": "run_again", "_selected_action": [job.pk]})
    job.refresh_from_db()
    assert job.state == JobState.FAILED
    assert not AuditEvent.objects.filter(action="kernel.job.run_again").exists()


def test_run_again__when_running__then_left_alone(staff):
    job = failed_job()
    Job.objects.filter(pk=job.pk).update(state=JobState.RUNNING, attempts=3)
    staff.post("/admin/kernel/job/", {"action": "run_again", "_selected_action": [job.pk]})
    job.refresh_from_db()
    assert (job.state, job.attempts) == (JobState.RUNNING, 3)


def test_send_again__when_sent__then_queued_once(staff, mail_row):
    OutgoingMail.objects.update(status=MailStatus.SENT)
    Job.objects.all().delete()
    for _ in range(2):
        staff.post("/admin/kernel/outgoingmail/", {"action": "send_again", "_selected_action": [mail_row.pk]})
    mail_row.refresh_from_db()
    assert mail_row.status == MailStatus.QUEUED
    assert Job.objects.filter(dedupe_key=f"mail:{mail_row.pk}", state=JobState.QUEUED).count() == 1


def test_mail_page__when_opened__then_text_with_masked_link(staff, mail_row):
    page = staff.get(f"/admin/kernel/outgoingmail/{mail_row.pk}/change/").content.decode()
    assert "Open http://x/test-session/[token]" in page
    assert "A subject" in page
    assert "ABCDEFGHIJ" not in page


def test_mail_page__when_builder_fails__then_page_still_opens(staff, mail_row, monkeypatch):
    monkeypatch.setitem(mail._builders, "tests.mail", lambda context: 1 / 0)
    page = staff.get(f"/admin/kernel/outgoingmail/{mail_row.pk}/change/").content.decode()
    assert "cannot be written: ZeroDivisionError" in page
