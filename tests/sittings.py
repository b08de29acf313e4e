"""One sitting of the same three questions on each face, driven through HTTP as that face's client would.

The questions are q1 to q3 with the options a, b, c in that order; b is right. What a face calls things differs;
`Sitting` says it in the words of the house.
"""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from accounts.tests.factories import make_user, token_of
from catalog.tests.builders import question
from cbt.faces.exam_files.tests.factories import exam_document, put_exam
from cbt.faces.exam_room.tests.factories import make_candidate
from cbt.kernel.errors import ErrorCode
from commerce.tests.factories import make_purchase
from sessions_app.models import ExamSession
from sessions_app.tests.factories import make_assignment, make_bank_test
from tests.support import Api

QUESTIONS = [question("single_choice", key) for key in ("q1", "q2", "q3")]
SETTINGS = {"result_policy": "score"}


class Sitting(ABC):
    """Somebody who takes the test. ``renamed``: codes this face's document has names of its own for."""

    renamed: ClassVar[dict[str, ErrorCode]] = {}

    @abstractmethod
    def start(self) -> Any:
        """Start, or go on; return the answer."""

    @abstractmethod
    def save(self, answers: dict[str, str]) -> Any:
        """Save {question: option}; return the answer, the first refused one where several requests are needed."""

    @abstractmethod
    def submit(self) -> Any:
        """Hand in."""

    @abstractmethod
    def as_stranger(self) -> "Sitting":
        """Return the same addresses in the hands of somebody else who is signed in on this face."""

    @abstractmethod
    def anew(self) -> "Sitting":
        """Return the same person after the browser was closed: nothing is left but what they sign in with."""

    @property
    def session(self) -> ExamSession:
        """Return the newest session in the database."""
        return ExamSession.objects.latest("pk")

    def refusal(self, response: Any) -> tuple[ErrorCode, bool]:
        """Return the house's code of a refusal, and whether the answer is the one error body."""
        body = response.json()
        code = self.renamed.get(body["error_code"]) or ErrorCode(body["error_code"])
        return code, body["success"] is False and response.status_code >= 400


class ByLink(Sitting):
    """A participant of a company on the primary face."""

    def __init__(self, link: str | None = None) -> None:
        self.link = link or make_assignment(test=make_bank_test(*QUESTIONS, settings=SETTINGS))[1]
        self.token = ""

    def start(self) -> Any:
        response = Api().post(f"/api/participant/session/start?token={self.link}")
        if response.status_code == 200:
            self.token = response.json()["data"]["session"]["session_token"]
        return response

    def save(self, answers: dict[str, str]) -> Any:
        return Api().post(f"/api/test-session/{self.token}/save-answers", {"answers": answers})

    def submit(self) -> Any:
        return Api().post(f"/api/test-session/{self.token}/submit")

    def as_stranger(self) -> Sitting:
        """A link opens one assignment only; a stranger can but guess the session."""
        other = ByLink(self.link)
        other.token = f"{self.token[:-4]}AAAA"
        return other

    def anew(self) -> Sitting:
        return ByLink(self.link)


class ByPurchase(Sitting):
    """A private buyer on the primary face."""

    def __init__(self, user: Any = None, test: Any = None) -> None:
        self.user, self.test = user or make_user(), test
        if test is None:
            self.test = make_bank_test(*QUESTIONS, settings=SETTINGS)
            make_purchase(self.user, self.test)
        self.bearer, self.token = token_of(self.user), ""

    def start(self) -> Any:
        response = Api(self.bearer).post(f"/api/my-tests/{self.test.pk}/start")
        if response.status_code == 200:
            self.token = response.json()["data"]["session"]["session_token"]
        return response

    def save(self, answers: dict[str, str]) -> Any:
        return Api().post(f"/api/test-session/{self.token}/save-answers", {"answers": answers})

    def submit(self) -> Any:
        return Api().post(f"/api/test-session/{self.token}/submit")

    def as_stranger(self) -> Sitting:
        other = ByPurchase(make_user(), self.test)
        other.token = f"{self.token[:-4]}AAAA"
        return other

    def anew(self) -> Sitting:
        return ByPurchase(self.user, self.test)


class ByNumber(Sitting):
    """A candidate with a participant number in the exam room: letters, and a question a request."""

    def __init__(self, candidate: Any = None, bearer: str = "") -> None:
        self.candidate = candidate or make_candidate(test=make_bank_test(*QUESTIONS, settings=SETTINGS))
        self.bearer = bearer or self.candidate.token

    def start(self) -> Any:
        return Api(self.bearer).get(f"{self.candidate.url}/questions")

    def save(self, answers: dict[str, str]) -> Any:
        response = None
        for key, option in answers.items():
            number = int(key[1:])
            body = {"question_id": number, "answer": {"a": "A", "b": "B", "c": "C"}[option]}
            response = Api(self.bearer).post(f"{self.candidate.url}/answer", body)
            if response.status_code != 200:
                break
        return response

    def submit(self) -> Any:
        return Api(self.bearer).post(f"{self.candidate.url}/submit")

    def as_stranger(self) -> Sitting:
        return ByNumber(self.candidate, make_candidate().token)

    def anew(self) -> Sitting:
        return ByNumber(self.candidate, token_of(self.candidate.participant.user))


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


FACES: list[type[Sitting]] = [ByLink, ByPurchase, ByNumber, ByFile]
