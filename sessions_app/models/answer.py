"""The append-only log of a session, and the current answers that follow from it."""

from django.db import models

from sessions_app.models.session import ExamSession
from sessions_app.states import EventKind


class SessionAnswer(models.Model):
    """The current answer to one question: a projection of the log. A cleared answer keeps its row, with null."""

    pk = models.CompositePrimaryKey("session_id", "question_id")
    session = models.ForeignKey(ExamSession, on_delete=models.CASCADE, related_name="answers", db_index=False)
    question_id = models.CharField(max_length=100)
    value = models.JSONField(null=True)
    revision = models.BigIntegerField(null=True)
    updated_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"answer {self.session_id}/{self.question_id}"


class DoubtMark(models.Model):
    """Whether the taker wants to come back to a question; beside the answers, which it never changes."""

    pk = models.CompositePrimaryKey("session_id", "question_id")
    session = models.ForeignKey(ExamSession, on_delete=models.CASCADE, related_name="doubts", db_index=False)
    question_id = models.CharField(max_length=100)
    is_doubtful = models.BooleanField()
    updated_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"doubt {self.session_id}/{self.question_id}"


class AnswerTime(models.Model):
    """How long a client says its user looked at one question; a claim, kept where the client sends it."""

    session = models.ForeignKey(ExamSession, on_delete=models.CASCADE, related_name="answer_times", db_index=False)
    question_id = models.CharField(max_length=100)
    seconds = models.FloatField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["session", "question_id"], name="answer_time_once")]

    def __str__(self) -> str:
        return f"time of answer {self.session_id}/{self.question_id}"


class SessionEvent(models.Model):
    """One thing that happened in a session; numbered without gaps from 1, never changed or removed."""

    pk = models.CompositePrimaryKey("session_id", "seq")
    session = models.ForeignKey(ExamSession, on_delete=models.CASCADE, related_name="events", db_index=False)
    seq = models.PositiveIntegerField()
    kind = models.CharField(max_length=16, choices=[(k.value, k.value) for k in EventKind])
    payload = models.JSONField(default=dict)
    client_at = models.DateTimeField(null=True, help_text="What the client's clock said; a claim")
    at = models.DateTimeField(help_text="Server clock")

    def __str__(self) -> str:
        return f"event {self.session_id}/{self.seq} {self.kind}"
