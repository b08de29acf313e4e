"""Which questions a taker wants to come back to."""

from collections.abc import Mapping
from datetime import datetime

from sessions_app.models import DoubtMark, ExamSession
from sessions_app.services.events import event_append
from sessions_app.states import EventKind


def doubts_store(*, session_id: int, doubts: Mapping[str, bool], now: datetime) -> None:
    """Store the marks that differ from what is stored and tell the log, inside a save that holds the session's row."""
    rows = DoubtMark.objects.filter(session_id=session_id, question_id__in=list(doubts))
    stored = dict(rows.values_list("question_id", "is_doubtful"))
    changed = {key: mark for key, mark in doubts.items() if stored.get(key, False) != mark}
    for key, mark in changed.items():
        if key in stored:
            DoubtMark.objects.filter(session_id=session_id, question_id=key).update(is_doubtful=mark, updated_at=now)
        else:
            DoubtMark.objects.create(session_id=session_id, question_id=key, is_doubtful=mark, updated_at=now)
    if changed:
        marks = [{"question_id": key, "is_doubtful": mark} for key, mark in changed.items()]
        event_append(session=ExamSession(pk=session_id), kind=EventKind.DOUBT_MARKED, payload={"marks": marks}, now=now)
