"""What came out of a session, each time it was scored; and the marks people gave."""

from typing import Any

from django.db import models
from django.db.models import Q

from sessions_app.models.session import ExamSession
from sessions_app.states import ResultState

#: Counting and paging a list reads an index alone, not the rows with all their items.
_COVERED: dict[str, Any] = {
    "condition": Q(is_current=True),
    "include": ["session", "state", "passed", "test_id", "participant_id"],
}


class AnswerMark(models.Model):
    """One mark staff gave to one long text. Append only: the newest of a question counts."""

    session = models.ForeignKey(ExamSession, on_delete=models.PROTECT, related_name="marks")
    question_id = models.CharField(max_length=100)
    points = models.DecimalField(max_digits=8, decimal_places=2)
    comment = models.CharField(max_length=2000, default="", blank=True)
    marked_by_id = models.BigIntegerField()
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"mark {self.pk}"


class Result(models.Model):
    """One scoring of one session. A regrade adds a row that names its reason; the old one stays.

    company_id, user_id, participant_id, test_id: of the session, which never changes them; repeated so that lists need
    no join to count, filter and search.
    """

    session = models.ForeignKey(ExamSession, on_delete=models.PROTECT, related_name="results")
    company_id = models.BigIntegerField(null=True, editable=False)
    user_id = models.BigIntegerField(null=True, editable=False)
    participant_id = models.BigIntegerField(null=True, editable=False)
    test_id = models.BigIntegerField(null=True, editable=False)
    number = models.PositiveSmallIntegerField(help_text="1 for the first scoring of the session")
    is_current = models.BooleanField(default=True)
    state = models.CharField(max_length=14, choices=[(s.value, s.value) for s in ResultState])
    scoring_version = models.CharField(max_length=10)
    content_hash = models.CharField(max_length=64, default="", help_text="Of the paper version that was scored")
    points = models.DecimalField(max_digits=10, decimal_places=4)
    max_points = models.DecimalField(max_digits=10, decimal_places=4)
    percentage = models.DecimalField(max_digits=5, decimal_places=2)
    passed = models.BooleanField(null=True)
    correct_count = models.PositiveIntegerField(default=0)
    wrong_count = models.PositiveIntegerField(default=0)
    unanswered_count = models.PositiveIntegerField(default=0)
    pending_count = models.PositiveIntegerField(default=0)
    scales = models.JSONField(default=dict)
    items = models.JSONField(default=list)
    reason = models.CharField(max_length=300, default="submitted")
    scored_by_id = models.BigIntegerField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["session", "number"], name="result_number_per_session"),
            models.UniqueConstraint(fields=["session"], condition=Q(is_current=True), name="result_one_current"),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="result_newest", **_COVERED),
            models.Index(fields=["company_id", "-created_at", "-id"], name="result_company", **_COVERED),
            models.Index(fields=["user_id", "-created_at", "-id"], name="result_user", **_COVERED),
            models.Index(fields=["test_id", "-created_at", "-id"], condition=Q(is_current=True), name="result_test"),
            models.Index(fields=["participant_id"], condition=Q(is_current=True), name="result_participant"),
        ]
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"result {self.pk}"
