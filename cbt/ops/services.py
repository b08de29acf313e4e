"""What staff may do with jobs and mails."""

from django.db import IntegrityError, transaction

from cbt.kernel import audit, clock, jobs
from cbt.kernel.actor import Actor
from cbt.kernel.models import Job, JobState, MailStatus, OutgoingMail


def jobs_run_again(*, job_ids: list[int], actor: Actor) -> int:
    """Put jobs back into the queue with all their attempts; return how many.

    Running jobs are left alone, and so is a job whose work is queued already under the same key.
    """
    return sum(_job_run_again(job_id, actor) for job_id in job_ids)


def _job_run_again(job_id: int, actor: Actor) -> bool:
    try:
        with transaction.atomic():
            job = Job.objects.select_for_update().filter(pk=job_id).exclude(state=JobState.RUNNING).first()
            if job is None:
                return False
            audit.record("kernel.job.run_again", actor=actor, obj=job, company_id=job.company_id, state=job.state)
            job.state, job.attempts, job.run_at = JobState.QUEUED, 0, clock.now()
            job.lease_until, job.finished_at, job.last_error = None, None, ""
            job.save()
            transaction.on_commit(lambda: jobs.wake(job_id))
    except IntegrityError:  # job_one_open_per_key
        return False
    return True


@transaction.atomic
def mails_send_again(*, mail_ids: list[int], actor: Actor) -> int:
    """Queue mails once more, sent ones too; return how many. Mails that are being sent now are left alone."""
    rows = list(
        OutgoingMail.objects.select_for_update()
        .filter(pk__in=mail_ids)
        .exclude(status=MailStatus.SENDING)
        .order_by("id")
    )
    for row in rows:
        audit.record("kernel.mail.send_again", actor=actor, obj=row, company_id=row.company_id, status=row.status)
        row.status, row.last_error = MailStatus.QUEUED, ""
        row.save(update_fields=["status", "last_error"])
        jobs.enqueue("kernel.send_mail", {"mail_id": row.pk}, dedupe_key=f"mail:{row.pk}")
    return len(rows)
