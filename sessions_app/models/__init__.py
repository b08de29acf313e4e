"""Rows about candidates and their sittings."""

from sessions_app.models.answer import AnswerTime, DoubtMark, SessionAnswer, SessionEvent
from sessions_app.models.assignment import TestAssignment
from sessions_app.models.imports import ImportBatch
from sessions_app.models.participant import Participant, ParticipantBan
from sessions_app.models.result import AnswerMark, Result
from sessions_app.models.session import ExamSession, SessionPaper

__all__ = [
    "AnswerMark", "AnswerTime", "DoubtMark", "ExamSession", "ImportBatch", "Participant", "ParticipantBan", "Result",
    "SessionAnswer", "SessionEvent", "SessionPaper", "TestAssignment",
]  # fmt: skip
