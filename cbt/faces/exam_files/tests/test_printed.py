"""Every request the exam-files specification lists, the attempt it prints, where files lie, and its four errors.

Endpoints, Storage Conventions, Attempt JSON shape, Errors. Rules, autosave, submit and security in their depth:
`test_contract`, `test_tree`, `test_projection`, `test_library`.
"""

import pytest

from accounts.tests.factories import make_user, token_of
from cbt.faces.exam_files.tests.factories import put_exam, stored
from tests.printed import MOMENT, NUMBER, Case, Error, fits, replay
from tests.routes import ROUTES, shape_of
from tests.support import Api

pytestmark = pytest.mark.django_db

ANSWER = {"questionId": str, "response": (str, NUMBER, bool, [str], None), "timeSec?": NUMBER}
HEAD = {
    "attemptId": str, "userId": str, "examId": str, "status": str, "startedAt": MOMENT, "updatedAt": MOMENT,
    "submittedAt?": MOMENT,
}  # fmt: skip
EMPTY, ATTEMPT = {**HEAD, "answers": []}, {**HEAD, "answers": [ANSWER]}
EXAM_ROW = {
    "examId": str, "name": str, "description": str, "duration_minutes": int, "question_count": int, "published": bool,
}  # fmt: skip
EXAM = {**EXAM_ROW, "settings": dict, "questions": [dict]}
PROGRESS = {
    "userId": str,
    "exams": [{
        "examId": str, "attemptId": str, "status": str, "answered": int, "total": int, "percent": NUMBER,
        "startedAt": MOMENT, "updatedAt": MOMENT, "submittedAt?": MOMENT,
    }],
}  # fmt: skip


def answers(*rows):
    return {"answers": [dict(zip(("questionId", "response", "timeSec"), row, strict=False)) for row in rows]}


CASES = [
    Case("Endpoints", "user", "GET /api/exams", None, 200, [EXAM_ROW]),
    Case("Endpoints", "user", "GET /api/exams/exam1", None, 200, EXAM),
    Case("Endpoints", "user", "POST /api/exams/exam1/attempt", None, 200, EMPTY, {"attempt": "attemptId"}),
    Case("Endpoints: resume", "user", "POST /api/exams/exam1/attempt", None, 200, EMPTY, {"attempt": "attemptId"}),
    Case("Autosave: partial", "user", "PUT /api/attempts/{attempt}", answers(("q1", "b", 12)), 200, ATTEMPT),
    Case("Autosave", "user", "PUT /api/attempts/{attempt}", answers(("q2", 7), ("q3", "x", 1.5)), 200, ATTEMPT),
    Case("Errors", "user", "PUT /api/attempts/{attempt}", answers(("q9", "b")), 400, Error("INVALID_PAYLOAD")),
    Case("Errors", "user", "PUT /api/attempts/{attempt}", {"answers": "none"}, 400, Error("INVALID_PAYLOAD")),
    Case("Endpoints", "user", "GET /api/progress/me", None, 200, PROGRESS),
    Case("Endpoints: output path", "user", "POST /api/attempts/{attempt}/submit", None, 200,
         {**HEAD, "output": str}, {"output": "output"}),
    Case("Endpoints", "user", "GET /api/progress/me", None, 200, PROGRESS),
    Case("Errors", "user", "POST /api/exams/exam1/attempt", None, 409, Error("ATTEMPT_EXISTS")),
    Case("Errors", "user", "GET /api/exams/nowhere", None, 404, Error("EXAM_NOT_FOUND")),
    Case("Errors", "user", "POST /api/exams/nowhere/attempt", None, 404, Error("EXAM_NOT_FOUND")),
    Case("Errors", "user", "POST /api/exams/hidden/attempt", None, 423, Error("EXAM_NOT_PUBLISHED")),
    Case("Security", "nobody", "GET /api/exams", None, 401, Error("UNAUTHENTICATED")),
]  # fmt: skip


def test_specification__when_replayed__then_every_answer_and_every_file_is_as_printed(tree_root):
    put_exam("exam1")
    put_exam("hidden", is_published=False)
    user = make_user()
    known = {}
    replay(CASES, {"user": Api(token_of(user)), "nobody": Api()}, known)
    number = known["attempt"]
    assert known["output"] == f"output/exam1_{number}.json"
    fits(stored("attempts", str(user.pk), "exam1", f"{number}.json"), ATTEMPT, "attempts/")
    fits(stored("output", f"exam1_{number}.json"), {"exam": dict, "attempt": ATTEMPT}, "output/")
    fits(stored("progress", f"{user.pk}.json"), PROGRESS, "progress/")
    fits(stored("manifest.json"), {"exams": {"*": {"published": bool}}, "users": {"*": dict}}, "manifest.json")
    assert (tree_root / "input" / "exam1.json").is_file()


def test_specification__then_no_listed_request_lacks_its_case():
    listed = {row.shape for row in ROUTES if row.face == "exam_files"}
    replayed = {tuple(case.request.replace("/exam1", "/{id}").split(" ")) for case in CASES}
    assert len(listed) == 6
    assert listed <= {(method, shape_of(where)) for method, where in replayed}
