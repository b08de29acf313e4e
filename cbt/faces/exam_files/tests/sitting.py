"""How a user takes an exam that lies in a file."""

from typing import Any, ClassVar

from accounts.tests.factories import make_user, token_of
from cbt.faces.exam_files.tests.factories import exam_document, put_exam
from cbt.kernel.errors import ErrorCode
from tests.sittings import QUESTIONS, SETTINGS, Sitting
from tests.support import Api


class ByFile(Sitting):
    """A user who takes an exam that lies in a file."""

    renamed: ClassVar = {"INVALID_PAYLOAD": ErrorCode.UNKNOWN_QUESTION, "ATTEMPT_EXISTS": ErrorCode.ATTEMPTS_USED_UP}

    def __init__(self, user: Any = None, exam_id: str = "", attempt_id: str = "") -> None:
        self.user, self.attempt_id = user or make_user(), attempt_id
        self.exam_id = exam_id or put_exam("conformance", exam_document(*QUESTIONS, settings=SETTINGS))
        self.bearer = token_of(self.user)

    def start(self) -> Any:
        response = Api(self.bearer).post(f"/api/exams/{self.exam_id}/attempt")
        if response.status_code == 200:
            self.attempt_id = response.json()["attemptId"]
        return response

    def save(self, answers: dict[str, str]) -> Any:
        rows = [{"questionId": key, "response": option} for key, option in answers.items()]
        return Api(self.bearer).put(f"/api/attempts/{self.attempt_id}", {"answers": rows})

    def submit(self) -> Any:
        return Api(self.bearer).post(f"/api/attempts/{self.attempt_id}/submit")

    def as_stranger(self) -> Sitting:
        return ByFile(make_user(), self.exam_id, self.attempt_id)

    def anew(self) -> Sitting:
        return ByFile(self.user, self.exam_id)


DRIVER = ByFile
