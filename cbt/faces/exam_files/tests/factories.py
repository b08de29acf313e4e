"""Exam files and attempts at them."""

import json
from typing import Any

from accounts.selectors.users import actor_of_user
from catalog.tests.builders import document, question
from cbt.faces.exam_files import attempts, library, tree
from cbt.kernel import clock
from sessions_app.models import ExamSession

EXAM_ID = "walk-exam"


def exam_document(*questions: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A document with a choice, a number and a text."""
    given = questions or (question("single_choice", "q1"), question("number", "q2"), question("short_text", "q3"))
    return document(*given, **{"name": "Exam from a file", "duration_minutes": 60, **more})


def put_exam(exam_id: str = EXAM_ID, content: Any = None, *, is_published: bool | None = True) -> str:
    """Write an exam file and its flag (None: no flag at all); return its id."""
    tree.write(("input", f"{exam_id}.json"), library.to_bytes(content or exam_document()))
    found = library.manifest().content or {}
    exams = {**found.get("exams", {})}
    exams.pop(exam_id, None)
    if is_published is not None:
        exams[exam_id] = {"published": is_published}
    tree.write(library.MANIFEST, library.to_bytes({**found, "exams": exams}))
    return exam_id


def attempt_of(user: Any, exam_id: str = EXAM_ID) -> ExamSession:
    """A user's active attempt; made when first asked for."""
    found = attempts.attempts_of(user.pk).filter(exam_file=exam_id, status="in_progress").first()
    if found is not None:
        return found
    if library.exam_find(exam_id) is None:
        put_exam(exam_id)
    return attempts.attempt_start(exam_id=exam_id, actor=actor_of_user(user), now=clock.now()).session


def stored(*path: str) -> Any:
    """Return the JSON of a file of the tree."""
    return json.loads(tree.read(path))
