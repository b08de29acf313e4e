"""One sitting of the same three questions on each face, driven through HTTP as that face's client would.

The primary face's stand here, a dialect's in its own folder (``cbt/faces/*/tests/sitting.py``).
The questions are q1 to q3 with the options a, b, c in that order; b is right. What a face calls things differs;
`Sitting` says it in the words of the house.
"""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from django.db import transaction

from accounts.tests.factories import make_user, token_of
from catalog.tests.builders import question
from cbt.kernel import clock
from cbt.kernel.actor import SYSTEM
from cbt.kernel.errors import ErrorCode
from commerce.tests.factories import make_purchase
from sessions_app.models import ExamSession
from sessions_app.services.closing import session_ban
from sessions_app.services.locks import lock_session
from sessions_app.tests.factories import make_assignment, make_bank_test
from tests.support import Api

QUESTIONS = [question("single_choice", key) for key in ("q1", "q2", "q3")]
SETTINGS = {"result_policy": "score"}


class Sitting(ABC):
    """Somebody who takes the test.

    renamed: codes this face's document has names of its own for.
    has_save: False where a test is taken in one request: then nothing is on the server before it is handed in.
    """

    renamed: ClassVar[dict[str, ErrorCode]] = {}
    has_save: ClassVar[bool] = True

    @abstractmethod
    def start(self) -> Any:
        """Start, or go on; return the answer."""

    @abstractmethod
    def save(self, answers: dict[str, str]) -> Any:
        """Save {question: option}; return the answer, the first refused one where several requests are needed."""

    def keep(self, answers: dict[str, str]) -> None:
        """Answer questions that are there, as far as the dialect can without handing in."""
        response = self.save(answers)
        assert response.status_code == 200, response.content

    def send(self, answers: dict[str, str]) -> Any:
        """Bring answers to the server, handing in with them where there is no other way; return the answer."""
        return self.save(answers)

    @abstractmethod
    def submit(self) -> Any:
        """Hand in."""

    def ban(self) -> None:
        """Let staff end it."""
        with transaction.atomic():
            session_ban(session=lock_session(pk=self.session.pk), reason="seen", now=clock.now(), actor=SYSTEM)

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
