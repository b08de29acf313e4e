"""One sitting of one test, and the paper that was handed out."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from sessions_app.models.assignment import TestAssignment
from sessions_app.models.participant import Participant
from sessions_app.states import SPENT_BY_PARTICIPANT, SPENT_BY_USER, SessionStatus, SubmittedBy

OPEN = Q(status=SessionStatus.IN_PROGRESS)
OF_FILE = ~Q(exam_file="")
DONE = Q(status=SessionStatus.COMPLETED.value)
NOT_DONE = Q(status__in=sorted(status.value for status in SessionStatus if status is not SessionStatus.COMPLETED))


class UserOf(models.ForeignObject):
    """The user a ``user_id`` names, for joins: no column, no constraint, nothing that migrations would see."""

    def contribute_to_class(self, cls: type[models.Model], name: str, private_only: bool = True, **kwargs: Any) -> None:
        """Stand beside the columns of the model."""
        super().contribute_to_class(cls, name, private_only=private_only, **kwargs)


class ExamSession(models.Model):
    """One sitting, by an assignment, a purchase, a user's leave to take an exam file, or membership of a class.

    ``started_at`` is written once; the status moves by `sessions_app.states.TRANSITIONS` under this row's lock.
    company_id and participant repeat what the assignment says, so that lists need no long joins; account is the user
    of ``user_id``: the buyer, the taker, or whoever sits an exam file.

    .. pii: network address and browser at the start; kept with the session.
    """

    token_hash = models.CharField(max_length=64, unique=True)
    nonce = models.CharField(max_length=32)
    test = models.ForeignKey("catalog.Test", on_delete=models.PROTECT, related_name="+")
    version = models.ForeignKey("catalog.TestVersion", on_delete=models.PROTECT, related_name="+")
    assignment = models.ForeignKey(TestAssignment, on_delete=models.PROTECT, null=True, related_name="sessions")
    purchase = models.ForeignKey("commerce.Purchase", on_delete=models.PROTECT, null=True, related_name="+")
    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, null=True, related_name="sessions")
    taker = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+",
        help_text="Who takes a test of a class; user_id says the same",
    )  # fmt: skip
    user_id = models.BigIntegerField(null=True, db_index=True, help_text="The private buyer, or the taker")
    account = UserOf(
        settings.AUTH_USER_MODEL, on_delete=models.DO_NOTHING, from_fields=["user_id"], to_fields=["id"], null=True,
        related_name="+",
    )  # fmt: skip
    exam_file = models.CharField(max_length=64, default="", blank=True, help_text="Name of the exam file, if it is one")
    company_id = models.BigIntegerField(null=True)
    attempt_number = models.PositiveSmallIntegerField(default=1)
    status = models.CharField(max_length=12, choices=[(s.value, s.value) for s in SessionStatus])
    started_at = models.DateTimeField()
    deadline_at = models.DateTimeField(null=True)
    grace_seconds = models.PositiveIntegerField(default=30)
    extra_seconds = models.PositiveIntegerField(default=0)
    completed_at = models.DateTimeField(null=True)
    submitted_by = models.CharField(max_length=8, choices=[(s.value, s.value) for s in SubmittedBy], default="")
    banned_at = models.DateTimeField(null=True)
    ban_reason = models.CharField(max_length=1000, default="", blank=True)
    abandoned_at = models.DateTimeField(null=True)
    paused_at = models.DateTimeField(null=True)
    paused_seconds = models.PositiveIntegerField(default=0)
    time_spent_seconds = models.PositiveIntegerField(default=0, help_text="Stored when the session ends")
    last_saved_at = models.DateTimeField(null=True)
    last_seen_at = models.DateTimeField()
    is_flagged = models.BooleanField(default=False, help_text="Anti-cheat asks a person to look")
    start_ip = models.GenericIPAddressField(null=True)
    start_user_agent = models.CharField(max_length=300, default="", blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["assignment"], condition=OPEN, name="session_one_open_per_assignment"),
            models.UniqueConstraint(fields=["purchase"], condition=OPEN, name="session_one_open_per_purchase"),
            models.UniqueConstraint(
                fields=["user_id", "exam_file"], condition=OPEN & OF_FILE, name="session_one_open_per_exam_file"
            ),
            models.UniqueConstraint(
                fields=["user_id", "exam_file", "attempt_number"],
                condition=OF_FILE,
                name="session_attempt_per_exam_file",
            ),
            models.UniqueConstraint(
                fields=["taker", "test"], condition=OPEN & Q(taker__isnull=False), name="session_one_open_per_taker"
            ),
            models.UniqueConstraint(
                fields=["taker", "test", "attempt_number"],
                condition=Q(taker__isnull=False),
                name="session_attempt_per_taker",
            ),
            models.UniqueConstraint(fields=["assignment", "attempt_number"], name="session_attempt_per_assignment"),
            models.UniqueConstraint(fields=["purchase", "attempt_number"], name="session_attempt_per_purchase"),
            models.CheckConstraint(
                condition=Q(assignment__isnull=False, purchase__isnull=True, taker__isnull=True, exam_file="")
                | Q(assignment__isnull=True, purchase__isnull=False, taker__isnull=True, exam_file="")
                | Q(assignment__isnull=True, purchase__isnull=True, taker__isnull=True, user_id__isnull=False) & OF_FILE
                | Q(
                    assignment__isnull=True,
                    purchase__isnull=True,
                    taker__isnull=False,
                    user_id__isnull=False,
                    user_id=F("taker_id"),
                    exam_file="",
                ),
                name="session_has_one_ground",
            ),
            models.CheckConstraint(
                condition=(Q(status="completed") & Q(completed_at__isnull=False))
                | (~Q(status="completed") & Q(completed_at__isnull=True)),
                name="session_completed_has_time",
            ),
            models.CheckConstraint(
                condition=(Q(status="banned") & Q(banned_at__isnull=False))
                | (~Q(status="banned") & Q(banned_at__isnull=True)),
                name="session_banned_has_time",
            ),
            models.CheckConstraint(
                condition=Q(deadline_at__isnull=True) | Q(deadline_at__gte=F("started_at")),
                name="session_deadline_after_start",
            ),
        ]
        indexes = [
            models.Index(fields=["deadline_at"], condition=OPEN, name="session_due"),
            # Only what never changes is included: a save must not touch an index.
            models.Index(
                fields=["company_id", "-started_at", "-id"], include=["test", "participant"], name="session_company"
            ),
            models.Index(fields=["-started_at", "-id"], name="session_all"),
            models.Index(
                fields=["company_id", "status", "-started_at", "-id"], condition=NOT_DONE, name="session_not_done"
            ),
            models.Index(fields=["company_id", "-completed_at", "-id"], condition=DONE, name="session_done"),
        ]
        ordering = ["-started_at", "-id"]

    def __str__(self) -> str:
        return f"session {self.pk} {self.status}"

    @property
    def is_open(self) -> bool:
        """Tell whether the session is being taken."""
        return self.status == SessionStatus.IN_PROGRESS

    @property
    def spent(self) -> frozenset[SessionStatus]:
        """The states in which a session on this ground counts as an attempt."""
        return SPENT_BY_USER if self.assignment_id is None else SPENT_BY_PARTICIPANT


class SessionPaper(models.Model):
    """The paper one candidate got: order of questions and options, decided once at the start, never changed."""

    session = models.OneToOneField(ExamSession, on_delete=models.CASCADE, primary_key=True, related_name="paper")
    question_order = models.JSONField(help_text="Question keys as this candidate sees them")
    option_orders = models.JSONField(help_text="{question key: option keys as this candidate sees them}")

    def __str__(self) -> str:
        return f"paper of session {self.pk}"
