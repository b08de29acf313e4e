"""What the documents of this face look like; ids are text, times ISO 8601 in UTC. Source: exam-files contract."""

from collections.abc import Mapping, Sequence
from typing import Any

from catalog.engine.document import dump_settings
from catalog.engine.paper import public_question
from catalog.engine.structure import PaperVersion
from cbt.kernel import clock
from sessions_app.models import ExamSession

#: Our state -> the document's. `submitted` is the moment between, see `projection.submitted`.
STATUS = {"in_progress": "active", "completed": "finished", "banned": "banned", "abandoned": "abandoned"}
SHOWN_SETTINGS = ("shuffle_questions", "shuffle_options", "max_attempts")


def attempt_json(
    session: ExamSession, answers: Sequence[tuple[str, Any]], seconds: Mapping[str, float], *, status: str = ""
) -> dict[str, Any]:
    """Write an attempt. answers: (question, response) in the order of the exam; what was cleared is left out."""
    body: dict[str, Any] = {
        "attemptId": str(session.pk),
        "userId": str(session.user_id),
        "examId": session.exam_file,
        "status": status or STATUS[session.status],
        "startedAt": clock.iso(session.started_at),
        "updatedAt": updated_at(session),
    }
    if session.completed_at is not None:
        body["submittedAt"] = clock.iso(session.completed_at)
    body["answers"] = [_answer(key, value, seconds.get(key)) for key, value in answers]
    return body


def _answer(key: str, value: Any, seconds: float | None) -> dict[str, Any]:
    row: dict[str, Any] = {"questionId": key, "response": value}
    if seconds is not None:
        row["timeSec"] = int(seconds) if seconds.is_integer() else seconds
    return row


def updated_at(session: ExamSession) -> str:
    """Return when the attempt last changed, by the server's clock, to the microsecond: clients compare it."""
    ended = session.completed_at or session.banned_at or session.abandoned_at
    latest = max(moment for moment in (session.started_at, session.last_saved_at, ended) if moment is not None)
    return latest.isoformat(timespec="microseconds").replace("+00:00", "Z")


def progress_row(session: ExamSession, answered: int, total: int) -> dict[str, Any]:
    """Write where an attempt stands; percent = answered / total, two decimals."""
    row = {
        "examId": session.exam_file,
        "attemptId": str(session.pk),
        "status": STATUS[session.status],
        "answered": answered,
        "total": total,
        "percent": round(100 * answered / total, 2) if total else 0,
        "startedAt": clock.iso(session.started_at),
        "updatedAt": updated_at(session),
    }
    return row | ({"submittedAt": clock.iso(session.completed_at)} if session.completed_at else {})


def exam_row(exam_id: str, paper: PaperVersion) -> dict[str, Any]:
    """Write an exam as the list shows it."""
    return {
        "examId": exam_id,
        "name": paper.name,
        "description": paper.description,
        "duration_minutes": paper.duration_minutes,
        "question_count": len(paper.questions),
        "published": True,
    }


def exam_json(
    exam_id: str, paper: PaperVersion, questions: Sequence[Mapping[str, Any]] | None = None
) -> dict[str, Any]:
    """Write an exam for its takers: the document without keys, points, scales and what else tells an answer.

    Built from a list of what may be shown. questions: in a taker's own order, with addresses of pictures; without
    them the order of the file, with the pictures of the file in it.
    """
    body = exam_row(exam_id, paper) | {
        "settings": {name: value for name, value in dump_settings(paper.settings).items() if name in SHOWN_SETTINGS},
    }
    if questions is not None:
        return body | {"questions": list(questions)}
    shown = {
        picture.key: {"url": f"data:{picture.mime};base64,{picture.data_base64}", "alt": picture.alt}
        for picture in paper.pictures
    }
    return body | {"questions": [_question(paper, index, shown) for index in range(len(paper.questions))]}


def _question(paper: PaperVersion, index: int, pictures: Mapping[str, Any]) -> dict[str, Any]:
    question = public_question(paper.questions[index])
    for thing in (question, *question["options"]):
        thing["picture"] = pictures.get(thing["picture"])
    return own_names(question | {"number": index + 1})


def own_names(question: Mapping[str, Any]) -> dict[str, Any]:
    """Name a question's id as answers do (``questionId``)."""
    rest = {name: value for name, value in question.items() if name not in {"key", "question_id"}}
    return {"questionId": question.get("question_id", question.get("key")), **rest}
