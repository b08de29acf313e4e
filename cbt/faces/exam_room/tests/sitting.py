"""How a candidate of the exam room takes a test."""

from typing import Any

from accounts.tests.factories import token_of
from cbt.faces.exam_room.tests.factories import make_candidate
from sessions_app.tests.factories import make_bank_test
from tests.sittings import QUESTIONS, SETTINGS, Sitting
from tests.support import Api


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


DRIVER = ByNumber
