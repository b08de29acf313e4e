"""Rows every app relies on."""

from cbt.kernel.models.audit import AuditEvent
from cbt.kernel.models.feed import FeedEvent
from cbt.kernel.models.job import Job, JobState, PeriodicRun
from cbt.kernel.models.mail import MailStatus, OutgoingMail
from cbt.kernel.models.upload import Upload

__all__ = ["AuditEvent", "FeedEvent", "Job", "JobState", "MailStatus", "OutgoingMail", "PeriodicRun", "Upload"]
